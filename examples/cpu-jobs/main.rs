//! Jobs that only compute, by every means Rust has: which uses two cores?
//!
//! Every job is the same chain of whole-number steps. The jobs run one after
//! another, as tasks of a Tokio runtime, on its blocking threads, or on those
//! of rayon. The result of each is checked against a closed form. The twin is
//! main.py.
//!
//!     cargo run --release --example cpu-jobs
//!     cargo run --release --example cpu-jobs -- --how rayon --jobs 160
//!
//! Memory is read from /proc, so this needs Linux.

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use tokio::runtime;
use tokio::task::{self, JoinError, JoinHandle};

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: job
/// A chain in which each step needs the one before it.
fn job(seed: u32, steps: u64) -> u32 {
    let mut value = seed;
    for _ in 0..steps {
        value = (value * 75 + 74) % 65537;
    }
    value
}
// ANCHOR_END: job

// ANCHOR: sequential
fn one_by_one(jobs: u32, steps: u64) -> Vec<u32> {
    (0..jobs).map(|seed| job(seed, steps)).collect()
}
// ANCHOR_END: sequential

// ANCHOR: tasks
async fn in_tasks(jobs: u32, steps: u64) -> Result<Vec<u32>, JoinError> {
    let spawn = |seed| task::spawn(async move { job(seed, steps) });
    all((0..jobs).map(spawn).collect()).await
}

async fn all(handles: Vec<JoinHandle<u32>>) -> Result<Vec<u32>, JoinError> {
    let mut values = Vec::new();
    for handle in handles {
        values.push(handle.await?);
    }
    Ok(values)
}
// ANCHOR_END: tasks

// ANCHOR: pool
async fn in_pool(jobs: u32, steps: u64) -> Result<Vec<u32>, JoinError> {
    let spawn = |seed| task::spawn_blocking(move || job(seed, steps));
    all((0..jobs).map(spawn).collect()).await
}
// ANCHOR_END: pool

// ANCHOR: rayon
fn on_rayon(jobs: u32, steps: u64) -> Vec<u32> {
    let seeds = (0..jobs).into_par_iter();
    seeds.map(|seed| job(seed, steps)).collect()
}
// ANCHOR_END: rayon

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The memory of this process; of pages shared with others, its portion.
fn memory_bytes() -> Result<u64, Failure> {
    let path = "/proc/self/smaps_rollup";
    let text = fs::read_to_string(path)
        .map_err(|error| format!("{path}: {error}"))?;
    let size = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.strip_suffix(" kB"))
        .ok_or_else(|| format!("{path} has no line of Pss in kB"))?;
    Ok(size.trim().parse::<u64>()? * 1024)
}

/// Measures from its construction until it is stopped.
struct Phase {
    wall: Instant,
    cpu: Duration,
}

impl Phase {
    fn begin() -> Phase {
        Phase {
            cpu: cpu_time(),
            wall: Instant::now(),
        }
    }

    fn stop(self, work: usize) -> Result<Value, Failure> {
        let seconds = self.wall.elapsed().as_secs_f64();
        let cpu_seconds = (cpu_time() - self.cpu).as_secs_f64();
        Ok(json!({
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": work,
            "counts": { "pss_bytes": memory_bytes()?, "processes": 1 },
        }))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// One after another
    Sequential,
    /// A task each, on the current-thread runtime
    Tasks,
    /// A task each, on the multi-thread runtime
    TasksMulti,
    /// On the blocking threads of a current-thread runtime
    SpawnBlocking,
    /// On the threads of rayon
    Rayon,
}

/// Jobs that only compute, by every means Rust has: which uses two cores?
#[derive(Parser)]
struct Options {
    /// Where the jobs run
    #[arg(long, value_enum, default_value_t = How::Tasks)]
    how: How,
    /// How many jobs
    #[arg(
        long,
        value_name = "N",
        default_value_t = 8,
        value_parser = clap::value_parser!(u32).range(1..=65_536)
    )]
    jobs: u32,
    /// Steps of each job
    #[arg(
        long,
        value_name = "N",
        default_value_t = 50_000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    steps: u64,
    /// Threads of a pool
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=256)
    )]
    workers: u32,
}

/// The runtime, with all its threads there already, and no more blocking
/// ones than asked for: by default Tokio allows 512.
fn runtime(how: How, workers: usize) -> Result<runtime::Runtime, Failure> {
    let all_here = Arc::new(Barrier::new(workers + 1));
    let here = all_here.clone();
    let mut builder = match how {
        How::TasksMulti => runtime::Builder::new_multi_thread(),
        _ => runtime::Builder::new_current_thread(),
    };
    if how == How::TasksMulti {
        builder.worker_threads(workers);
    }
    let runtime = builder
        .max_blocking_threads(workers)
        .on_thread_start(move || {
            here.wait();
        })
        .build()?;
    if how == How::SpawnBlocking {
        // A blocking thread starts only when there is work for it.
        for _ in 0..workers {
            runtime.spawn_blocking(|| ());
        }
    }
    if how != How::Tasks {
        all_here.wait();
    }
    Ok(runtime)
}

fn run(options: Options) -> Result<Value, Failure> {
    let (jobs, steps) = (options.jobs, options.steps);
    let workers = options.workers as usize;
    let mut phases = Map::new();
    let starting = Phase::begin();
    let values = match options.how {
        How::Sequential => {
            // There is nothing to start: this is what a look at the clock costs.
            phases.insert("start".into(), starting.stop(1)?);
            let computing = Phase::begin();
            let values = one_by_one(jobs, steps);
            phases.insert("jobs".into(), computing.stop(jobs as usize)?);
            values
        }
        How::Rayon => {
            let pool =
                ThreadPoolBuilder::new().num_threads(workers).build()?;
            pool.broadcast(|_| ()); // all are there
            phases.insert("start".into(), starting.stop(workers)?);
            let computing = Phase::begin();
            let values = pool.install(|| on_rayon(jobs, steps));
            phases.insert("jobs".into(), computing.stop(jobs as usize)?);
            values
        }
        how => {
            let runtime = runtime(how, workers)?;
            phases.insert("start".into(), starting.stop(workers)?);
            let computing = Phase::begin();
            let values = if how == How::SpawnBlocking {
                runtime.block_on(in_pool(jobs, steps))?
            } else {
                runtime.block_on(in_tasks(jobs, steps))?
            };
            phases.insert("jobs".into(), computing.stop(jobs as usize)?);
            values
        }
    };

    for (seed, &value) in (0..jobs).zip(&values) {
        let expected = closed_form(seed, steps);
        if value != expected {
            let wrong =
                format!("job {seed} ended at {value}, not at {expected}");
            return Err(wrong.into());
        }
    }
    Ok(json!({
        "result": { "first": values[0], "steps": steps },
        "phases": phases,
    }))
}

/// What a job must end at: one more than the value is multiplied by 75 in
/// each step.
fn closed_form(seed: u32, steps: u64) -> u32 {
    const MODULUS: u64 = 65537;
    let (mut power, mut base, mut exponent) = (1, 75, steps);
    while exponent > 0 {
        if exponent % 2 == 1 {
            power = power * base % MODULUS;
        }
        base = base * base % MODULUS;
        exponent /= 2;
    }
    let shifted = (u64::from(seed) + 1) * power % MODULUS;
    ((shifted + MODULUS - 1) % MODULUS) as u32
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
