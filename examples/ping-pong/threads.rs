//! Two threads pass a number to and fro: what does a switch cost?
//!
//! As main.rs does with tasks; here the channels and the waiting are those of
//! the standard library.
//!
//!     cargo run --release --example ping-pong-threads
//!     taskset -c 0 cargo run --release --example ping-pong-threads

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: play
fn pong(balls: Receiver<u64>, back: SyncSender<u64>) {
    for ball in balls {
        if back.send(ball + 1).is_err() {
            return;
        }
    }
}

fn ping(rounds: u64) -> Result<u64, Failure> {
    let (there, balls) = mpsc::sync_channel(1);
    let (back, returned) = mpsc::sync_channel(1);
    let other = thread::spawn(move || pong(balls, back));
    let mut ball = 0;
    for _ in 0..rounds {
        there.send(ball)?;
        ball = returned.recv()?;
    }
    drop(there); // the end of the channel ends the loop over there
    other.join().map_err(|_| "the other side panicked")?;
    Ok(ball)
}
// ANCHOR_END: play

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn measured(rounds: u64) -> Result<Value, Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let ball = ping(rounds)?;
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

/// Two threads pass a number to and fro: what does a switch cost?
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
}

fn main() -> ExitCode {
    match measured(Options::parse().rounds) {
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
