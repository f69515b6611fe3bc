use std::pin::pin;

async fn work() -> u32 {
    42
}

#[tokio::main]
async fn main() {
    let working = work();
    let pinned = pin!(working);
    let elsewhere = vec![working];
    println!("{} and {}", pinned.await, elsewhere.len());
}
