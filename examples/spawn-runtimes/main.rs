//! What a task costs on runtimes that are not Tokio.
//!
//! Many tasks that do nothing but return their number are spawned and then
//! awaited, and all that they return is summed. Tokio's own is
//! ../spawn-tasks/main.rs; main.py has trio and anyio. Each runtime has one
//! thread for the tasks; async-std takes as many as the process has cores.
//!
//!     cargo run --release --example spawn-runtimes
//!     cargo run --release --example spawn-runtimes -- --on monoio
//!
//! The tasks come in batches, each of which has ended before the next one is
//! spawned: so memory is not the subject.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Bounds what a slip of the finger could take of the time, and keeps the
/// sum within 64 bits.
const MOST_TASKS: u64 = 1_000_000_000;
/// And what a batch could take of the memory.
const MOST_IN_A_BATCH: u64 = 1_000_000;

type Failure = Box<dyn Error + Send + Sync>;

async fn number(index: u64) -> u64 {
    index
}

// ANCHOR: sum
/// What `spawn` returns differs from runtime to runtime; that it is a future
/// does not.
async fn sum<T>(count: u64, batch: u64, spawn: impl Fn(u64) -> T) -> u64
where
    T: Future<Output = u64>,
{
    let mut total = 0;
    for first in (0..count).step_by(batch as usize) {
        let indexes = first..count.min(first + batch);
        let tasks: Vec<T> = indexes.map(&spawn).collect();
        for task in tasks {
            total += task.await;
        }
    }
    total
}
// ANCHOR_END: sum

async fn measured<T>(
    count: u64,
    batch: u64,
    spawn: impl Fn(u64) -> T,
) -> Result<Value, Failure>
where
    T: Future<Output = u64>,
{
    let (wall, cpu) = (Instant::now(), cpu_time());
    let total = sum(count, batch, spawn).await;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let expected = count * (count - 1) / 2;
    if total != expected {
        let wrong = format!("the numbers sum to {total}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "tasks": count, "sum": total },
        "phases": { "tasks": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": count,
        } },
    }))
}

// ANCHOR: runtimes
fn on_smol(count: u64, batch: u64) -> Result<Value, Failure> {
    use smol::LocalExecutor;

    let executor = LocalExecutor::new();
    let spawn = |index| executor.spawn(number(index));
    smol::block_on(executor.run(measured(count, batch, spawn)))
}

fn on_async_std(count: u64, batch: u64) -> Result<Value, Failure> {
    use async_std::task;

    let spawn = |index| task::spawn(number(index));
    // As a task, because what block_on is given runs on the main thread, not
    // on the workers.
    task::block_on(task::spawn(measured(count, batch, spawn)))
}

#[cfg(target_os = "linux")]
fn on_glommio(count: u64, batch: u64) -> Result<Value, Failure> {
    use glommio::{LocalExecutorBuilder, Placement, spawn_local};

    // Unbound: the thread stays on the core that the process was given.
    let executor = LocalExecutorBuilder::new(Placement::Unbound)
        .make()
        .map_err(|error| no_io_uring("glommio", &error))?;
    let spawn = |index| spawn_local(number(index));
    executor.run(measured(count, batch, spawn))
}

#[cfg(target_os = "linux")]
fn on_monoio(count: u64, batch: u64) -> Result<Value, Failure> {
    use monoio::{IoUringDriver, RuntimeBuilder};

    let mut runtime = RuntimeBuilder::<IoUringDriver>::new()
        .build()
        .map_err(|error| no_io_uring("monoio", &error))?;
    let spawn = |index| monoio::spawn(number(index));
    runtime.block_on(measured(count, batch, spawn))
}
// ANCHOR_END: runtimes

#[cfg(target_os = "linux")]
fn no_io_uring(library: &str, error: &dyn Error) -> Failure {
    format!(
        "{library} has no io_uring here: {error}. A container's seccomp \
         profile or the limit of locked memory may forbid it"
    )
    .into()
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[derive(Clone, Copy, ValueEnum)]
enum Runtime {
    Smol,
    /// Discontinued since 2025; here for the record
    AsyncStd,
    Glommio,
    Monoio,
}

/// What a task costs on runtimes that are not Tokio.
#[derive(Parser)]
struct Options {
    /// The runtime
    #[arg(long, value_enum, default_value_t = Runtime::Smol)]
    on: Runtime,
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
}

fn run(Options { on, tasks, batch }: Options) -> Result<Value, Failure> {
    match on {
        Runtime::Smol => on_smol(tasks, batch),
        Runtime::AsyncStd => on_async_std(tasks, batch),
        #[cfg(target_os = "linux")]
        Runtime::Glommio => on_glommio(tasks, batch),
        #[cfg(target_os = "linux")]
        Runtime::Monoio => on_monoio(tasks, batch),
        #[cfg(not(target_os = "linux"))]
        _ => Err("io_uring is an interface of Linux".into()),
    }
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
