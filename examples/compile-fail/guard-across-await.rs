use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinError;

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let total = Arc::new(Mutex::new(0));
    let task = tokio::spawn(async move {
        let mut guard = total.lock().unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        *guard += 1;
    });
    task.await
}
