use std::sync::{Arc, Mutex};
use tokio::task::{JoinError, yield_now};

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let total = Arc::new(Mutex::new(0));
    let task = tokio::spawn(async move {
        let mut guard = total.lock().unwrap();
        yield_now().await;
        *guard += 1;
    });
    task.await
}
