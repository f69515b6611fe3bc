use std::time::Duration;
use tokio::time::{interval, sleep};

async fn work() -> u32 {
    sleep(Duration::from_millis(20)).await;
    42
}

#[tokio::main]
async fn main() {
    let mut ticks = interval(Duration::from_millis(5));
    let mut working = work();
    let answer = loop {
        tokio::select! {
            answer = &mut working => break answer,
            _ = ticks.tick() => println!("still working"),
        }
    };
    println!("{answer}");
}
