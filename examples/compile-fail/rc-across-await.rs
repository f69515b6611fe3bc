use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinError;

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let task = tokio::spawn(async {
        let count = Rc::new(1);
        tokio::time::sleep(Duration::from_millis(1)).await;
        println!("{count}");
    });
    task.await
}
