use tokio::task::JoinError;

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let names = vec!["Ada", "Grace"];
    let task = tokio::spawn(async {
        println!("{}", names.len());
    });
    task.await
}
