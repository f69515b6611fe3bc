//! Many tasks asleep at once: what each of them holds in memory.
//!
//! Every task says that it has started, adding its index to a sum, and then
//! sleeps for an hour. When all are asleep the program reads its memory, then
//! aborts them and waits until they have ended. The twin is main.py.
//!
//!     cargo run --release --example sleeping-tasks
//!     cargo run --release --example sleeping-tasks -- --tasks 1000000
//!
//! All runs on one thread, or with `--threads N` on N.
//!
//! A sleeping task is one allocation here: the state machine of `sleeper`,
//! with that of `sleep` and its entry in the timer wheel inside it, behind
//! the header by which the runtime knows the task. The tasks are kept in a
//! `Vec` of handles, a pointer each. A `JoinSet`, the better choice where tasks
//! come and go, would allocate an entry of its own for each of them: here
//! that would be counted as if it were the task's.

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const HOUR: Duration = Duration::from_hours(1);
/// In main.py, where a task is larger, more than ten gigabytes.
const MOST_TASKS: u64 = 10_000_000;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: roll_call
/// Knows when all have answered, and what their indexes sum to.
struct RollCall {
    missing: AtomicU64,
    sum: AtomicU64,
    complete: Notify,
}

impl RollCall {
    fn new(count: u64) -> Self {
        Self {
            missing: AtomicU64::new(count),
            sum: AtomicU64::new(0),
            complete: Notify::new(),
        }
    }

    fn answer(&self, index: u64) {
        self.sum.fetch_add(index, Ordering::Relaxed);
        // Whoever brings it to zero has seen what all the others added.
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Kept for whoever waits later, if nobody does yet.
            self.complete.notify_one();
        }
    }
}
// ANCHOR_END: roll_call

// ANCHOR: sleeper
async fn sleeper(index: u64, roll_call: Arc<RollCall>) {
    roll_call.answer(index);
    sleep(HOUR).await;
}
// ANCHOR_END: sleeper

// ANCHOR: spawn
async fn spawn(count: u64) -> (Vec<JoinHandle<()>>, u64) {
    let roll_call = Arc::new(RollCall::new(count));
    let tasks = (0..count)
        .map(|index| tokio::spawn(sleeper(index, roll_call.clone())))
        .collect();
    // On one thread none of them has run yet: this lets them.
    roll_call.complete.notified().await;
    (tasks, roll_call.sum.load(Ordering::Relaxed))
}
// ANCHOR_END: spawn

// ANCHOR: end
async fn end(tasks: Vec<JoinHandle<()>>) -> Result<(), Failure> {
    for task in &tasks {
        task.abort();
    }
    // Only now do they see it: each is dropped where it sleeps.
    for task in tasks {
        match task.await {
            Err(error) if error.is_cancelled() => {}
            Err(panic) => return Err(panic.into()),
            Ok(()) => {
                return Err("a task ended before it was aborted".into());
            }
        }
    }
    Ok(())
}
// ANCHOR_END: end

// ANCHOR: memory
/// What is resident now, not at the peak.
///
/// The peak has in it what was needed only to get here, such as the queue of
/// tasks that had not started yet.
fn memory_bytes() -> Result<u64, Failure> {
    let path = "/proc/self/status";
    let status = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {path}: {error}"))?;
    let kibibytes = status
        .lines()
        .filter_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"))
        .find_map(|number| number.trim().parse::<u64>().ok())
        .ok_or_else(|| format!("{path} has no VmRSS in kB"))?;
    Ok(kibibytes * 1024)
}
// ANCHOR_END: memory

/// A measured phase, as the report line gives it.
#[derive(Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    work: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
}

struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    fn stop(self, work: u64) -> Phase {
        Phase {
            seconds: self.wall.elapsed().as_secs_f64(),
            cpu_seconds: (cpu_time() - self.cpu).as_secs_f64(),
            work,
            memory_bytes: None,
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(count: u64) -> Result<Value, Failure> {
    let spawning = Stopwatch::start();
    let (tasks, total) = spawn(count).await;
    let mut spawned = spawning.stop(count);
    spawned.memory_bytes = Some(memory_bytes()?);

    let ending = Stopwatch::start();
    end(tasks).await?;
    let ended = ending.stop(count);

    let expected = count * (count - 1) / 2;
    if total != expected {
        let wrong = format!("the indexes sum to {total}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "tasks": count, "sum": total },
        "phases": { "spawn": spawned, "end": ended },
    }))
}

/// Many tasks asleep at once: what each of them holds in memory.
#[derive(Parser)]
struct Options {
    /// How many tasks sleep at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_TASKS)
    )]
    tasks: u64,
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
    runtime.block_on(async { tokio::spawn(measured(options.tasks)).await? })
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
