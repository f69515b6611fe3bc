//! What a time-out costs that does not fire, which is what most of them do.
//!
//! Many callers make one call after another. A call lets the others run once,
//! as one that waits for a service does, and returns its number. It is made
//! bare (`none`), under `timeout`, or as a task of its own that a time-out
//! leaves alone (`task`). All that the calls return is summed. The twin is
//! main.py.
//!
//!     cargo run --release --example guarded-calls
//!     cargo run --release --example guarded-calls -- --guard task --threads 2

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

type Failure = Box<dyn Error + Send + Sync>;

/// Bounds what a slip of the finger could take of the time.
const MOST_CALLS: u64 = 1_000_000_000;
/// And of the memory.
const MOST_CALLERS: u64 = 100_000;

// ANCHOR: call
/// Far more than any call takes.
const LIMIT: Duration = Duration::from_secs(30);

async fn call(number: u64) -> u64 {
    yield_now().await;
    number
}
// ANCHOR_END: call

// ANCHOR: timeout
async fn with_timeout(number: u64) -> Result<u64, Failure> {
    Ok(timeout(LIMIT, call(number)).await?)
}
// ANCHOR_END: timeout

// ANCHOR: task
async fn in_a_task(number: u64) -> Result<u64, Failure> {
    let task = tokio::spawn(call(number));
    Ok(timeout(LIMIT, task).await??) // drops the handle, not the task
}
// ANCHOR_END: task

/// What stands around each call.
#[derive(Clone, Copy, ValueEnum)]
enum Guard {
    None,
    Timeout,
    /// A time-out that leaves the call alone, which is a task of its own
    Task,
}

// ANCHOR: caller
async fn caller(
    numbers: impl Iterator<Item = u64>,
    guard: Guard,
) -> Result<u64, Failure> {
    let mut total = 0;
    for number in numbers {
        total += match guard {
            Guard::None => call(number).await,
            Guard::Timeout => with_timeout(number).await?,
            Guard::Task => in_a_task(number).await?,
        };
    }
    Ok(total)
}
// ANCHOR_END: caller

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a time-out costs that does not fire.
#[derive(Parser)]
struct Options {
    /// What stands around each call
    #[arg(long, value_enum, default_value_t = Guard::Timeout)]
    guard: Guard,
    /// How many in all
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_CALLS)
    )]
    calls: u64,
    /// Tasks that make them
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_CALLERS)
    )]
    callers: u64,
    /// Worker threads of the multi-thread runtime
    /// [default: the current-thread runtime]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let Options {
        guard,
        calls,
        callers,
        ..
    } = options;
    let mut group = JoinSet::new();
    let mut total = 0;
    let (wall, cpu) = (Instant::now(), cpu_time());
    for first in 0..callers {
        let numbers = (first..calls).step_by(callers as usize);
        group.spawn(caller(numbers, guard));
    }
    while let Some(ended) = group.join_next().await {
        total += ended??;
    }
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let expected = calls * (calls - 1) / 2;
    if total != expected {
        let wrong = format!("the numbers sum to {total}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "calls": calls, "sum": total },
        "phases": { "calls": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": calls,
        }},
    }))
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
    runtime.block_on(async { tokio::spawn(measured(options)).await? })
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
