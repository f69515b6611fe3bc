//! Two Tokio tasks pass a number to and fro: what does a switch cost?
//!
//! One task sends a number through a channel; the other adds one and sends
//! it back through a second channel. Nothing else is done, so nearly all that
//! is measured is putting one aside and going on with the other. The twin is
//! main.py; threads.rs and threads.py do the same with threads.
//!
//!     cargo run --release --example ping-pong
//!     cargo run --release --example ping-pong -- --threads 2
//!
//! All runs on one thread, or with `--threads N` on N.

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::mpsc::{self, Receiver, Sender};

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: play
async fn pong(mut balls: Receiver<u64>, back: Sender<u64>) {
    while let Some(ball) = balls.recv().await {
        if back.send(ball + 1).await.is_err() {
            return;
        }
    }
}

async fn ping(rounds: u64) -> Result<u64, Failure> {
    let (there, balls) = mpsc::channel(1);
    let (back, mut returned) = mpsc::channel(1);
    let other = tokio::spawn(pong(balls, back));
    let mut ball = 0;
    for _ in 0..rounds {
        there.send(ball).await?;
        ball = returned.recv().await.ok_or("the other side hung up")?;
    }
    drop(there); // the end of the channel ends the loop over there
    other.await?;
    Ok(ball)
}
// ANCHOR_END: play

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(rounds: u64) -> Result<Value, Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let ball = ping(rounds).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    if ball != rounds {
        let wrong = format!("the ball came back as {ball}, not as {rounds}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "ball": ball },
        "phases": { "play": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": 2 * rounds,
        }},
    }))
}

/// Two Tokio tasks pass a number to and fro: what does a switch cost?
#[derive(Parser)]
struct Options {
    /// How often there and back
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000)
    )]
    rounds: u64,
    /// Worker threads of the multi-thread runtime
    /// [default: the current-thread runtime]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

fn run(options: Options) -> Result<Value, Failure> {
    let mut builder = match options.threads {
        None => runtime::Builder::new_current_thread(),
        Some(_) => runtime::Builder::new_multi_thread(),
    };
    if let Some(threads) = options.threads {
        builder.worker_threads(threads.get());
    }
    let runtime = builder.enable_all().build()?;
    // As a task, because what block_on is given runs on the main thread, not
    // on the workers.
    runtime.block_on(async { tokio::spawn(measured(options.rounds)).await? })
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
