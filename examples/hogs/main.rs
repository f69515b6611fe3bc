//! A timer beside tasks that compute: how late does it get its turn?
//!
//! A heartbeat is due every --period milliseconds and notes how late it
//! comes. Beside it, several hogs compute in slices of --slice milliseconds.
//! Between two slices each lets others run, in one of two ways: by a bare
//! yield, or by waiting for its turn in a ring, in which each tells the next.
//! The twin is main.py; threads.rs and threads.py do the same with threads.
//!
//!     cargo run --release --example hogs
//!     cargo run --release --example hogs -- --how ring --event-interval 1
//!
//! All runs on one thread, or with `--threads N` on N.

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::{JoinSet, yield_now};
use tokio::time::sleep_until;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: slice
/// Keeps the thread busy for that long.
fn compute(time: Duration) -> u64 {
    let end = Instant::now() + time;
    let mut steps = 0;
    while Instant::now() < end {
        steps += 1;
    }
    steps
}
// ANCHOR_END: slice

// ANCHOR: heartbeat
/// How late each beat came, in microseconds.
async fn heartbeat(beats: u32, period: Duration) -> Vec<u64> {
    let start = Instant::now();
    let mut lags = Vec::new();
    for beat in 1..=beats {
        let due = start + beat * period;
        sleep_until(due.into()).await;
        lags.push(due.elapsed().as_micros() as u64);
    }
    lags
}
// ANCHOR_END: heartbeat

// ANCHOR: yielding
async fn yielding(slice: Duration) {
    loop {
        compute(slice);
        yield_now().await;
    }
}
// ANCHOR_END: yielding

// ANCHOR: ring
async fn in_ring(slice: Duration, mut turn: Receiver<()>, next: Sender<()>) {
    while turn.recv().await.is_some() {
        compute(slice);
        if next.send(()).await.is_err() {
            return;
        }
    }
}
// ANCHOR_END: ring

/// How hogs let others run.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// By a bare yield
    Yield,
    /// By waiting for their turn in a ring
    Ring,
    /// There are none
    Alone,
}

async fn spawn(
    group: &mut JoinSet<()>,
    how: How,
    hogs: usize,
    slice: Duration,
) -> Result<(), Failure> {
    match how {
        How::Alone => {}
        How::Yield => {
            for _ in 0..hogs {
                group.spawn(yielding(slice));
            }
        }
        How::Ring => {
            let (tell, turns): (Vec<_>, Vec<_>) =
                (0..hogs).map(|_| mpsc::channel(1)).unzip();
            for (place, turn) in turns.into_iter().enumerate() {
                let next = tell[(place + 1) % hogs].clone();
                group.spawn(in_ring(slice, turn, next));
            }
            tell[0].send(()).await?;
        }
    }
    Ok(())
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A time given as a number of milliseconds.
fn milliseconds(text: &str) -> Result<Duration, String> {
    let value = text.parse::<f64>().unwrap_or(0.0);
    if !(0.001..=10_000.0).contains(&value) {
        return Err("not a number from 0.001 to 10000".to_owned());
    }
    Ok(Duration::from_secs_f64(value / 1000.0))
}

/// A timer beside tasks that compute: how late does it get its turn?
#[derive(Parser)]
struct Options {
    /// How hogs let others run
    #[arg(long, value_enum, default_value_t = How::Yield)]
    how: How,
    /// Tasks that compute
    #[arg(long, value_name = "N", default_value = "4")]
    hogs: NonZeroUsize,
    /// Milliseconds that each computes at a time
    #[arg(long, value_name = "N", default_value_t = 2)]
    slice: u64,
    /// Beats of the heart
    #[arg(long, value_name = "N", default_value_t = 50)]
    beats: u32,
    /// Milliseconds from one beat to the next
    #[arg(long, value_name = "MS", default_value = "10", value_parser = milliseconds)]
    period: Duration,
    /// Polls of tasks after which timers and sockets are looked at, even if
    /// there are tasks left to poll [default: that of Tokio]
    #[arg(long, value_name = "N")]
    event_interval: Option<NonZeroUsize>,
    /// Worker threads of the multi-thread runtime
    /// [default: the current-thread runtime]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let slice = Duration::from_millis(options.slice);
    let mut group = JoinSet::new();
    let (wall, cpu) = (Instant::now(), cpu_time());
    spawn(&mut group, options.how, options.hogs.get(), slice).await?;
    let lags = heartbeat(options.beats, options.period).await;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    group.shutdown().await;
    Ok(json!({
        "result": { "beats": lags.len() },
        "phases": { "beat": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": options.beats,
            "latencies_us": lags,
        }},
    }))
}

// ANCHOR: runtime
fn run(options: Options) -> Result<Value, Failure> {
    let mut builder = match options.threads {
        None => runtime::Builder::new_current_thread(),
        Some(_) => runtime::Builder::new_multi_thread(),
    };
    if let Some(threads) = options.threads {
        builder.worker_threads(threads.get());
    }
    if let Some(polls) = options.event_interval {
        builder.event_interval(polls.get().try_into()?);
    }
    let runtime = builder.enable_all().build()?;
    // As a task, because what block_on is given runs on the main thread, not
    // on the workers.
    runtime.block_on(async { tokio::spawn(measured(options)).await? })
}
// ANCHOR_END: runtime

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
