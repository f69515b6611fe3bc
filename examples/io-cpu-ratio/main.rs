//! Jobs that compute, wait and compute again: what does overlapping gain?
//!
//! A job spends half of its computing, waits --ratio times as long as all of
//! its computing takes, and spends the other half. How long computing takes
//! is found first, on this machine, in a phase of its own. The jobs are then
//! done one by one, on threads, or as tasks on one thread (--how). The wait
//! is a sleep and costs next to nothing: no overlap gains more than
//! 1 + ratio over one by one. The twin is main.py.
//!
//!     cargo run --release --example io-cpu-ratio
//!     cargo run --release --example io-cpu-ratio -- --how threads

use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

type Failure = Box<dyn Error + Send + Sync>;

/// Computations that are timed before the jobs begin.
const ALONE: u32 = 50;

// ANCHOR: job
#[derive(Clone, Copy)]
struct Size {
    /// Of each half of the computing.
    steps: u64,
    wait: Duration,
}

fn compute(mut value: u64, steps: u64) -> u64 {
    for step in 0..steps {
        value = (value * 31 + step) % 65_521;
    }
    value
}

fn job(size: Size, number: u64) -> u64 {
    let question = compute(number, size.steps);
    thread::sleep(size.wait);
    compute(question, size.steps)
}

async fn job_async(size: Size, number: u64) -> u64 {
    let question = compute(number, size.steps);
    sleep(size.wait).await;
    compute(question, size.steps)
}
// ANCHOR_END: job

// ANCHOR: ways
fn one_by_one(size: Size, jobs: u64) -> u64 {
    (0..jobs).map(|number| job(size, number)).sum()
}

fn on_threads(size: Size, jobs: u64, workers: u64) -> u64 {
    let total = AtomicU64::new(0);
    thread::scope(|scope| {
        for first in 0..workers {
            let total = &total;
            scope.spawn(move || {
                let numbers = (first..jobs).step_by(workers as usize);
                let share: u64 = numbers.map(|n| job(size, n)).sum();
                total.fetch_add(share, Ordering::Relaxed);
            });
        }
    });
    total.into_inner()
}

async fn as_tasks(size: Size, jobs: u64) -> Result<u64, JoinError> {
    let mut tasks = JoinSet::new();
    for number in 0..jobs {
        tasks.spawn(job_async(size, number));
    }
    let mut total = 0;
    while let Some(done) = tasks.join_next().await {
        total += done?;
    }
    Ok(total)
}
// ANCHOR_END: ways

/// Measures from its construction until it is reported.
struct Phase {
    wall: Instant,
    cpu: Duration,
}

impl Phase {
    fn new() -> Phase {
        Phase {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    fn report(&self, work: u64) -> Value {
        json!({
            "seconds": self.wall.elapsed().as_secs_f64(),
            "cpu_seconds": (cpu_time() - self.cpu).as_secs_f64(),
            "work": work,
        })
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

// ANCHOR: alone
/// What the computing of a job takes where nothing is beside it: of one,
/// and the report of all.
fn computing_alone(steps: u64) -> (Duration, Value) {
    let alone = Phase::new();
    for number in 0..ALONE {
        // As if the answer were used, and the question not known before.
        let question = compute(black_box(u64::from(number)), steps);
        black_box(compute(question, steps));
    }
    (alone.wall.elapsed() / ALONE, alone.report(ALONE.into()))
}
// ANCHOR_END: alone

/// How the jobs are done.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// Each after the one before
    OneByOne,
    /// On threads of the kernel
    Threads,
    /// As tasks on one thread
    Tasks,
}

/// Jobs that compute, wait and compute again: what does overlapping gain?
#[derive(Parser)]
struct Options {
    /// How the jobs are done
    #[arg(long, value_enum, default_value_t = How::Tasks)]
    how: How,
    /// Jobs
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    jobs: u64,
    /// Steps that a job computes
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100_000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    steps: u64,
    /// How many times as long as that a job waits
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    ratio: u32,
    /// Threads of --how threads [default: one for each job]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    workers: Option<u64>,
}

fn run(options: &Options) -> Result<Value, Failure> {
    let (steps, jobs) = (options.steps / 2, options.jobs);
    let (computing, alone) = computing_alone(steps);
    let size = Size {
        steps,
        wait: computing * options.ratio,
    };

    let (total, report) = match options.how {
        How::OneByOne => {
            let phase = Phase::new();
            let total = one_by_one(size, jobs);
            (total, phase.report(jobs))
        }
        How::Threads => {
            let workers = options.workers.unwrap_or(jobs);
            let phase = Phase::new();
            let total = on_threads(size, jobs, workers);
            (total, phase.report(jobs))
        }
        How::Tasks => {
            let runtime = runtime::Builder::new_current_thread()
                .enable_time()
                .build()?;
            let phase = Phase::new();
            let total = runtime.block_on(as_tasks(size, jobs))?;
            (total, phase.report(jobs))
        }
    };
    Ok(json!({
        "result": { "jobs": jobs, "sum": total },
        "phases": { "alone": alone, "jobs": report },
    }))
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
