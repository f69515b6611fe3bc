//! Blocking calls, all at once: in a pool of threads, in threads of their
//! own, or in a future that only looks asynchronous.
//!
//! Each call blocks its thread for a fixed time and returns its number. A
//! batch starts --calls of them at once and adds up their answers. main.py
//! is the twin.
//!
//!     cargo run --release --example blocking-calls
//!     cargo run --release --example blocking-calls -- --how in-place
//!     cargo run --release --example blocking-calls -- --how inline
//!
//! The runtime has one thread. Only `--how in-place` takes the multi-thread
//! runtime, with one worker, because no other can hand its tasks over.

use std::error::Error;
use std::num::{NonZeroU32, NonZeroUsize};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};
use tokio::task::{JoinSet, block_in_place};

type Failure = Box<dyn Error + Send + Sync>;

/// How many threads are in a call, and how many there were at most.
struct Gauge {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Gauge {
    fn enter(&self) {
        let now = self.now.fetch_add(1, Relaxed) + 1;
        self.most.fetch_max(now, Relaxed);
    }

    fn leave(&self) {
        self.now.fetch_sub(1, Relaxed);
    }
}

static IN_CALL: Gauge = Gauge {
    now: AtomicUsize::new(0),
    most: AtomicUsize::new(0),
};

// ANCHOR: call
/// Stands for a driver without async, a file, a lookup of a name.
fn call(number: u64, wait: Duration) -> u64 {
    IN_CALL.enter();
    thread::sleep(wait);
    IN_CALL.leave();
    number
}
// ANCHOR_END: call

// ANCHOR: pool
async fn in_pool(calls: u64, wait: Duration) -> u64 {
    let mut answers = JoinSet::new();
    for number in 0..calls {
        answers.spawn_blocking(move || call(number, wait));
    }
    answers.join_all().await.iter().sum()
}
// ANCHOR_END: pool

// ANCHOR: inline
async fn inline(calls: u64, wait: Duration) -> u64 {
    let mut answers = JoinSet::new();
    for number in 0..calls {
        answers.spawn(async move { call(number, wait) });
    }
    answers.join_all().await.iter().sum()
}
// ANCHOR_END: inline

// ANCHOR: in_place
async fn in_place(calls: u64, wait: Duration) -> u64 {
    let mut answers = JoinSet::new();
    for number in 0..calls {
        answers.spawn(async move { block_in_place(|| call(number, wait)) });
    }
    answers.join_all().await.iter().sum()
}
// ANCHOR_END: in_place

// ANCHOR: threads
fn in_threads(calls: u64, wait: Duration) -> Result<u64, Failure> {
    let mut threads = Vec::new();
    for number in 0..calls {
        let thread = thread::Builder::new();
        threads.push(thread.spawn(move || call(number, wait))?);
    }
    let mut sum = 0;
    for thread in threads {
        sum += thread.join().map_err(|_| "a call panicked")?;
    }
    Ok(sum)
}
// ANCHOR_END: threads

/// Who blocks.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum How {
    /// Threads of the runtime's pool
    SpawnBlocking,
    /// The worker, after handing its tasks over
    InPlace,
    /// The only thread of the runtime
    Inline,
    /// A thread for each call
    Threads,
}

// ANCHOR: size
fn runtime(how: How, pool: Option<NonZeroUsize>) -> std::io::Result<Runtime> {
    let mut builder = match how {
        How::InPlace => runtime::Builder::new_multi_thread(),
        _ => runtime::Builder::new_current_thread(),
    };
    if how == How::InPlace {
        builder.worker_threads(1);
    }
    if let Some(threads) = pool {
        builder.max_blocking_threads(threads.get());
    }
    builder.build()
}
// ANCHOR_END: size

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn run(options: &Options) -> Result<Value, Failure> {
    let calls = u64::from(options.calls.get());
    let wait = Duration::from_millis(options.wait);
    let expected = calls * (calls - 1) / 2;
    let runtime = runtime(options.how, options.pool)?;
    let mut batches_us = Vec::new();
    let (wall, cpu) = (Instant::now(), cpu_time());
    for _ in 0..options.batches.get() {
        let start = Instant::now();
        let sum = match options.how {
            How::SpawnBlocking => runtime.block_on(in_pool(calls, wait)),
            // As a task, because what block_on is given does not run on the
            // worker.
            How::InPlace => {
                runtime.block_on(runtime.spawn(in_place(calls, wait)))?
            }
            How::Inline => runtime.block_on(inline(calls, wait)),
            How::Threads => in_threads(calls, wait)?,
        };
        batches_us.push(start.elapsed().as_micros() as u64);
        if sum != expected {
            let wrong =
                format!("the answers sum to {sum}, not to {expected}");
            return Err(wrong.into());
        }
    }
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    Ok(json!({
        "result": { "calls": calls, "sum": expected },
        "phases": { "calls": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": calls * u64::from(options.batches.get()),
            "latencies_us": batches_us,
            "counts": { "threads": IN_CALL.most.load(Relaxed) },
        }},
    }))
}

/// Blocking calls, all at once.
#[derive(Parser)]
struct Options {
    /// Who blocks
    #[arg(long, value_enum, default_value_t = How::SpawnBlocking)]
    how: How,
    /// Most threads of the runtime's pool [default: that of Tokio]
    #[arg(long, value_name = "N")]
    pool: Option<NonZeroUsize>,
    /// Calls that start at once
    #[arg(long, value_name = "N", default_value = "20")]
    calls: NonZeroU32,
    /// Milliseconds for which each blocks
    #[arg(long, value_name = "N", default_value_t = 20)]
    wait: u64,
    /// Times that this is done
    #[arg(long, value_name = "N", default_value = "2")]
    batches: NonZeroU32,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
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
