//! A buffer across an await: does the task go on holding it?
//!
//! Every task fills a buffer, keeps its last byte, and then waits at a gate.
//! When all of them wait the program reads its memory, then opens the gate
//! and sums the bytes. The twin is main.py.
//!
//!     cargo run --release --example held-buffer
//!     cargo run --release --example held-buffer -- --how moved
//!
//! `array` has the buffer in its own state and reads it after the wait;
//! `moved` hands the same array down by value through two calls. `unused`
//! has it in a `Vec` that nobody reads again, and `dropped` drops that before
//! it waits.
//!
//! The memory is read from /proc, so this needs Linux.

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// Where tasks wait until all have come.
struct Gate {
    missing: AtomicU64,
    all_here: Notify,
    open: watch::Sender<bool>,
}

impl Gate {
    fn new(expected: u64) -> Arc<Self> {
        Arc::new(Self {
            missing: AtomicU64::new(expected),
            all_here: Notify::new(),
            open: watch::Sender::new(false),
        })
    }

    async fn wait(&self) {
        let mut open = self.open.subscribe();
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_here.notify_one();
        }
        // Fails only when the sender is gone, and the gate holds it.
        let _ = open.wait_for(|open| *open).await;
    }

    fn open(&self) {
        self.open.send_replace(true);
    }
}

// ANCHOR: filled
fn filled<const N: usize>(index: u64) -> [u8; N] {
    [(index % 251) as u8; N]
}
// ANCHOR_END: filled

// ANCHOR: array
async fn array<const N: usize>(index: u64, gate: Arc<Gate>) -> u64 {
    let buffer = filled::<N>(index);
    gate.wait().await;
    u64::from(buffer[N - 1])
}
// ANCHOR_END: array

// ANCHOR: moved
async fn moved<const N: usize>(index: u64, gate: Arc<Gate>) -> u64 {
    outer(filled::<N>(index), gate).await
}

async fn outer<const N: usize>(buffer: [u8; N], gate: Arc<Gate>) -> u64 {
    inner(buffer, gate).await
}

async fn inner<const N: usize>(buffer: [u8; N], gate: Arc<Gate>) -> u64 {
    gate.wait().await;
    u64::from(buffer[N - 1])
}
// ANCHOR_END: moved

// ANCHOR: unused
async fn unused<const N: usize>(index: u64, gate: Arc<Gate>) -> u64 {
    let buffer = filled::<N>(index).to_vec();
    let last = buffer[N - 1];
    gate.wait().await; // `buffer` lives to the end of its scope
    u64::from(last)
}
// ANCHOR_END: unused

// ANCHOR: freed
async fn dropped<const N: usize>(index: u64, gate: Arc<Gate>) -> u64 {
    let buffer = filled::<N>(index).to_vec();
    let last = buffer[N - 1];
    drop(buffer);
    gate.wait().await;
    u64::from(last)
}
// ANCHOR_END: freed

/// What is resident now.
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

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What becomes of the buffer.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    Array,
    Moved,
    Unused,
    Dropped,
}

/// A buffer across an await: does the task go on holding it?
#[derive(Parser)]
struct Options {
    /// What becomes of the buffer
    #[arg(long, value_enum, default_value_t = How::Unused)]
    how: How,
    /// How many tasks wait at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=100_000)
    )]
    tasks: u64,
    /// Bytes in each buffer: 1024, 4096 or 16384
    #[arg(long, value_name = "BYTES", default_value = "4096")]
    buffer: Size,
}

/// The length of an array is part of its type, so there is a copy of the
/// program for each that can be asked for.
#[derive(Clone, Copy, ValueEnum)]
enum Size {
    #[value(name = "1024")]
    Small,
    #[value(name = "4096")]
    Page,
    #[value(name = "16384")]
    Large,
}

async fn run<const N: usize>(options: &Options) -> Result<Value, Failure> {
    let gate = Gate::new(options.tasks);
    let (wall, cpu) = (Instant::now(), cpu_time());
    let mut waiting = JoinSet::new();
    for index in 0..options.tasks {
        let gate = gate.clone();
        match options.how {
            How::Array => waiting.spawn(array::<N>(index, gate)),
            How::Moved => waiting.spawn(moved::<N>(index, gate)),
            How::Unused => waiting.spawn(unused::<N>(index, gate)),
            How::Dropped => waiting.spawn(dropped::<N>(index, gate)),
        };
    }
    gate.all_here.notified().await;
    let phase = json!({
        "seconds": wall.elapsed().as_secs_f64(),
        "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
        "work": options.tasks,
        "memory_bytes": memory_bytes()?,
    });

    gate.open();
    let mut total = 0;
    while let Some(last) = waiting.join_next().await {
        total += last?;
    }
    let expected: u64 = (0..options.tasks).map(|index| index % 251).sum();
    if total != expected {
        let wrong = format!("the bytes sum to {total}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "tasks": options.tasks, "buffer": N, "sum": total },
        "phases": { "wait": phase },
    }))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let report = match options.buffer {
        Size::Small => run::<1024>(&options).await,
        Size::Page => run::<4096>(&options).await,
        Size::Large => run::<16384>(&options).await,
    };
    match report {
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
