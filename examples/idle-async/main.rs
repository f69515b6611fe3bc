//! What `async` costs where nothing waits: calls of a function that computes.
//!
//! The same step is called as an ordinary function (`plain`), as an
//! `async fn` that is awaited and has nothing to wait for (`await`), as a
//! task of its own (`task`), and on Tokio's pool of blocking threads
//! (`thread`). Each call works on what the one before returned. The twin is
//! main.py.
//!
//!     cargo run --release --example idle-async
//!     cargo run --release --example idle-async -- --how task

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::{JoinError, spawn_blocking};

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: plain
fn step(value: u64) -> u64 {
    value * 31 % 227
}

fn plain(calls: u64) -> u64 {
    let mut value = 1;
    for _ in 0..calls {
        value = step(value);
    }
    value
}
// ANCHOR_END: plain

// ANCHOR: await
async fn async_step(value: u64) -> u64 {
    value * 31 % 227
}

async fn awaited(calls: u64) -> u64 {
    let mut value = 1;
    for _ in 0..calls {
        value = async_step(value).await;
    }
    value
}
// ANCHOR_END: await

// ANCHOR: task
async fn in_tasks(calls: u64) -> Result<u64, JoinError> {
    let mut value = 1;
    for _ in 0..calls {
        value = tokio::spawn(async_step(value)).await?;
    }
    Ok(value)
}
// ANCHOR_END: task

// ANCHOR: thread
async fn in_thread(calls: u64) -> Result<u64, JoinError> {
    let mut value = 1;
    for _ in 0..calls {
        value = spawn_blocking(move || step(value)).await?;
    }
    Ok(value)
}
// ANCHOR_END: thread

/// How the step is called.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// As an ordinary function
    Plain,
    /// As an async fn, awaited
    Await,
    /// As a task
    Task,
    /// On Tokio's pool of blocking threads
    Thread,
}

impl How {
    async fn all(self, calls: u64) -> Result<u64, JoinError> {
        match self {
            How::Plain => Ok(plain(calls)),
            How::Await => Ok(awaited(calls).await),
            How::Task => in_tasks(calls).await,
            How::Thread => in_thread(calls).await,
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(how: How, calls: u64) -> Result<Value, Failure> {
    how.all(100).await?; // starts what there is to start
    let (wall, cpu) = (Instant::now(), cpu_time());
    let value = how.all(calls).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    Ok(json!({
        "result": { "calls": calls, "value": value },
        "phases": { "calls": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": calls,
        }},
    }))
}

/// What `async` costs where nothing waits: calls of a function that computes.
#[derive(Parser)]
struct Options {
    /// How the step is called
    #[arg(long, value_enum, default_value_t = How::Await)]
    how: How,
    /// How many calls
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5_000,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000_000)
    )]
    calls: u64,
}

fn run(options: Options) -> Result<Value, Failure> {
    let runtime = runtime::Builder::new_current_thread().build()?;
    // As a task, as what waits for a task in a server is one itself.
    runtime.block_on(async {
        tokio::spawn(measured(options.how, options.calls)).await?
    })
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
