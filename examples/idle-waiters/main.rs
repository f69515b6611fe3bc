//! Many tasks waiting at once: what each costs to start, keep and end.
//!
//! Every task answers the roll call, waits until it is told to go on, adds
//! its number to a sum and ends. When all have answered the program reads its
//! memory, then tells them, and waits until they have ended. threads.rs does
//! the same with threads; main.py and threads.py are the twins.
//!
//!     cargo run --release --example idle-waiters
//!     cargo run --release --example idle-waiters -- --waiters 100000
//!
//! All runs on one thread, as in main.py.
//!
//! What the process has is read from /proc, so this needs Linux.

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// Bounds what a slip of the finger could take of the machine.
const MOST_WAITERS: u64 = 1_000_000;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: tally
/// Who has arrived, the word to go on, and the sum of the numbers.
struct Tally {
    missing: AtomicU64,
    sum: AtomicU64,
    all_here: Notify,
    go: watch::Sender<bool>,
}

impl Tally {
    fn new(count: u64) -> Self {
        Self {
            missing: AtomicU64::new(count),
            sum: AtomicU64::new(0),
            all_here: Notify::new(),
            go: watch::Sender::new(false),
        }
    }

    fn answer(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Kept for whoever waits later, if nobody does yet.
            self.all_here.notify_one();
        }
    }

    fn add(&self, number: u64) {
        // Read only after all have been joined, so no order is needed.
        self.sum.fetch_add(number, Ordering::Relaxed);
    }
}
// ANCHOR_END: tally

// ANCHOR: waiter
async fn waiter(number: u64, tally: Arc<Tally>) {
    tally.answer();
    // It fails when the sender is gone; we hold it ourselves, in `tally`.
    if tally.go.subscribe().wait_for(|&go| go).await.is_ok() {
        tally.add(number);
    }
}
// ANCHOR_END: waiter

// ANCHOR: start
async fn start(count: u64, tally: &Arc<Tally>) -> Vec<JoinHandle<()>> {
    let tasks = (0..count)
        .map(|number| tokio::spawn(waiter(number, tally.clone())))
        .collect();
    // None of them has run yet: this lets them.
    tally.all_here.notified().await;
    tasks
}
// ANCHOR_END: start

// ANCHOR: end
async fn end(
    tasks: Vec<JoinHandle<()>>,
    tally: &Tally,
) -> Result<(), Failure> {
    tally.go.send_replace(true);
    for task in tasks {
        task.await?;
    }
    Ok(())
}
// ANCHOR_END: end

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path)
        .map_err(|error| format!("cannot read {path}: {error}"))
}

// ANCHOR: footprint
#[derive(Serialize)]
struct Counts {
    virtual_bytes: u64,
    page_table_bytes: u64,
    kernel_stack_bytes: u64,
    mappings: u64,
}

/// The value of one line of a file in /proc, in bytes.
fn kibibytes(path: &str, name: &str) -> Result<u64, Failure> {
    let number = read(path)?
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_suffix("kB"))
        .find_map(|number| number.trim().parse::<u64>().ok())
        .ok_or_else(|| format!("{path} has no line {name} in kB"))?;
    Ok(number * 1024)
}

fn kernel_stacks() -> Result<u64, Failure> {
    // Those of the whole machine: Linux has no count for each process.
    kibibytes("/proc/meminfo", "KernelStack:")
}

/// What the process has now: resident bytes, and what is not in them.
fn footprint(stacks_before: u64) -> Result<(u64, Counts), Failure> {
    let status = "/proc/self/status";
    // Not VmHWM, the peak, which never falls.
    let resident = kibibytes(status, "VmRSS:")?;
    let counts = Counts {
        virtual_bytes: kibibytes(status, "VmSize:")?,
        page_table_bytes: kibibytes(status, "VmPTE:")?,
        kernel_stack_bytes: kernel_stacks()?.saturating_sub(stacks_before),
        mappings: read("/proc/self/maps")?.lines().count() as u64,
    };
    Ok((resident, counts))
}
// ANCHOR_END: footprint

/// A measured phase, as the report line gives it.
#[derive(Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    work: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
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
            counts: None,
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(count: u64) -> Result<Value, Failure> {
    let tally = Arc::new(Tally::new(count));

    let stacks = kernel_stacks()?;
    let starting = Stopwatch::start();
    let tasks = start(count, &tally).await;
    let mut started = starting.stop(count);
    let (resident, counts) = footprint(stacks)?;
    started.memory_bytes = Some(resident);
    started.counts = Some(counts);

    let ending = Stopwatch::start();
    end(tasks, &tally).await?;
    let ended = ending.stop(count);

    let sum = tally.sum.load(Ordering::Relaxed);
    let expected = count * (count - 1) / 2;
    if sum != expected {
        let wrong = format!("the numbers sum to {sum}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "waiters": count, "sum": sum },
        "phases": { "start": started, "end": ended },
    }))
}

/// Many tasks waiting at once: what each costs to start, keep and end.
#[derive(Parser)]
struct Options {
    /// How many tasks wait at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_WAITERS)
    )]
    waiters: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match measured(Options::parse().waiters).await {
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
