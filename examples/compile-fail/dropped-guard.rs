use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinError;

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let total = Arc::new(Mutex::new(0));
    let task = tokio::spawn(async move {
        let mut guard = total.lock().unwrap();
        *guard += 1;
        drop(guard);
        tokio::time::sleep(Duration::from_millis(1)).await;
    });
    task.await
}
