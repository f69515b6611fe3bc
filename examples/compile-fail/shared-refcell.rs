use std::cell::RefCell;
use std::sync::Arc;
use tokio::task::JoinError;

#[tokio::main]
async fn main() -> Result<(), JoinError> {
    let total = Arc::new(RefCell::new(0));
    let shared = total.clone();
    let task = tokio::spawn(async move {
        *shared.borrow_mut() += 1;
    });
    *total.borrow_mut() += 1;
    task.await
}
