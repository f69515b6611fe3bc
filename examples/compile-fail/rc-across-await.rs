use std::rc::Rc;
use tokio::task::{JoinError, yield_now};

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let task = tokio::spawn(async {
        let count = Rc::new(1);
        yield_now().await;
        println!("{count}");
    });
    task.await
}
