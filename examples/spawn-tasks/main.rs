//! What a task costs: many that do nothing but return their number.
//!
//! The same `async fn` is run as tasks that are spawned and then awaited
//! (`spawn`), as the tasks of a `JoinSet` (`join-set`), and as no task at
//! all: awaited in place (`await`), or behind an allocation of its own
//! (`box`). All that they return is summed. The twin is main.py.
//!
//!     cargo run --release --example spawn-tasks
//!     cargo run --release --example spawn-tasks -- --how await
//!
//! All runs on one thread, or with `--threads N` on N.
//!
//! The tasks come in batches, each of which has ended before the next one is
//! spawned: so memory is not the subject.

use std::error::Error;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// Bounds what a slip of the finger could take of the time, and keeps the
/// sum within 64 bits.
const MOST_TASKS: u64 = 1_000_000_000;
/// And what a batch could take of the memory.
const MOST_IN_A_BATCH: u64 = 1_000_000;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: number
async fn number(index: u64) -> u64 {
    index
}
// ANCHOR_END: number

// ANCHOR: awaited
async fn awaited(indexes: Range<u64>) -> u64 {
    let mut total = 0;
    for index in indexes {
        // Without `black_box` the compiler would see through the future,
        // and nothing would be left of it.
        total += black_box(pin!(number(index))).await;
    }
    total
}
// ANCHOR_END: awaited

// ANCHOR: boxed
async fn boxed(indexes: Range<u64>) -> u64 {
    let mut total = 0;
    for index in indexes {
        total += black_box(Box::pin(number(index))).await;
    }
    total
}
// ANCHOR_END: boxed

// ANCHOR: spawned
async fn spawned(indexes: Range<u64>) -> Result<u64, JoinError> {
    let tasks: Vec<JoinHandle<u64>> =
        indexes.map(|index| tokio::spawn(number(index))).collect();
    let mut total = 0;
    for task in tasks {
        total += task.await?;
    }
    Ok(total)
}
// ANCHOR_END: spawned

// ANCHOR: grouped
async fn grouped(indexes: Range<u64>) -> Result<u64, JoinError> {
    let mut group: JoinSet<u64> = indexes.map(number).collect();
    let mut total = 0;
    while let Some(ended) = group.join_next().await {
        total += ended?;
    }
    Ok(total)
}
// ANCHOR_END: grouped

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Await,
    Box,
    Spawn,
    JoinSet,
}

impl How {
    async fn sum(self, indexes: Range<u64>) -> Result<u64, JoinError> {
        match self {
            How::Await => Ok(awaited(indexes).await),
            How::Box => Ok(boxed(indexes).await),
            How::Spawn => spawned(indexes).await,
            How::JoinSet => grouped(indexes).await,
        }
    }
}

/// A measured phase, as the report line gives it.
#[derive(Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    work: u64,
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(
    how: How,
    count: u64,
    batch: u64,
) -> Result<Value, Failure> {
    let mut total = 0;
    let (wall, cpu) = (Instant::now(), cpu_time());
    for first in (0..count).step_by(batch as usize) {
        total += how.sum(first..count.min(first + batch)).await?;
    }
    let phase = Phase {
        seconds: wall.elapsed().as_secs_f64(),
        cpu_seconds: (cpu_time() - cpu).as_secs_f64(),
        work: count,
    };

    let expected = count * (count - 1) / 2;
    if total != expected {
        let wrong = format!("the numbers sum to {total}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "tasks": count, "sum": total },
        "phases": { "tasks": phase },
    }))
}

/// What a task costs: many that do nothing but return their number.
#[derive(Parser)]
struct Options {
    /// How each number is asked for
    #[arg(long, value_enum, default_value = "spawn")]
    how: How,
    /// How many in all
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_TASKS)
    )]
    tasks: u64,
    /// How many at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_IN_A_BATCH)
    )]
    batch: u64,
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
    let runtime = builder.build()?;
    // As a task, because what block_on is given runs on the main thread, not
    // on the workers.
    runtime.block_on(async {
        tokio::spawn(measured(options.how, options.tasks, options.batch))
            .await?
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
