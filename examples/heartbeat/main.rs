//! A heartbeat beside calls that are async by name only: how late is it?
//!
//! A function is called again and again, with a pause around each call. It
//! does blocking work: it computes (phase `compute`) or waits in a blocking
//! call (phase `wait`). It does so where it is called (--how pretend), on
//! Tokio's pool of blocking threads (blocking), or where it is called, but
//! telling the runtime (in-place). Beside it runs a heartbeat that is due
//! every --period milliseconds and notes how late it comes. The twin is
//! main.py.
//!
//!     cargo run --release --example heartbeat
//!     cargo run --release --example heartbeat -- --how in-place --threads 2
//!
//! All tasks run on one thread, or with `--threads N` on N.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::{JoinError, block_in_place, spawn_blocking};
use tokio::time::{sleep, sleep_until};

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: jobs
/// Puts a text through a toy of a model; of its vector, the sum.
fn embed(text: &str, layers: u64) -> u64 {
    let mut vector: Vec<u64> = text.bytes().map(u64::from).collect();
    for _ in 0..layers {
        let mut last = vector.last().copied().unwrap_or(0);
        for value in &mut vector {
            last = (last * 31 + *value) % 65_521;
            *value = last;
        }
    }
    vector.iter().sum()
}

/// Waits for a model elsewhere, as a blocking client would.
fn ask(text: &str, time: Duration) -> u64 {
    thread::sleep(time);
    text.len() as u64
}
// ANCHOR_END: jobs

// ANCHOR: pretend
async fn pretend(job: impl FnOnce() -> u64) -> u64 {
    job()
}
// ANCHOR_END: pretend

// ANCHOR: thread
async fn in_thread<J>(job: J) -> Result<u64, JoinError>
where
    J: FnOnce() -> u64 + Send + 'static,
{
    spawn_blocking(job).await
}
// ANCHOR_END: thread

// ANCHOR: in_place
async fn in_place(job: impl FnOnce() -> u64) -> u64 {
    block_in_place(job)
}
// ANCHOR_END: in_place

// ANCHOR: heartbeat
/// How late each beat came, in microseconds.
async fn heartbeat(period: Duration, over: Arc<AtomicBool>) -> Vec<u64> {
    let start = Instant::now();
    let mut lags = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let due = start + (lags.len() as u32 + 1) * period;
        sleep_until(due.into()).await;
        lags.push(due.elapsed().as_micros().max(1) as u64);
    }
    lags
}
// ANCHOR_END: heartbeat

/// Where the function does its work.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum How {
    /// Where it is called
    Pretend,
    /// On Tokio's pool of blocking threads
    Blocking,
    /// Where it is called, but telling the runtime (with --threads)
    InPlace,
}

impl How {
    async fn call<J>(self, job: J) -> Result<u64, JoinError>
    where
        J: FnOnce() -> u64 + Send + 'static,
    {
        match self {
            How::Pretend => Ok(pretend(job).await),
            How::Blocking => in_thread(job).await,
            How::InPlace => Ok(in_place(job).await),
        }
    }
}

// ANCHOR: beside
async fn beside<J>(
    how: How,
    job: J,
    calls: u64,
    pause: Duration,
    period: Duration,
) -> Result<(Vec<u64>, Vec<u64>), JoinError>
where
    J: FnOnce() -> u64 + Clone + Send + 'static,
{
    let over = Arc::new(AtomicBool::new(false));
    let heart = tokio::spawn(heartbeat(period, over.clone()));
    let mut answers = Vec::new();
    for _ in 0..calls {
        sleep(pause).await;
        answers.push(how.call(job.clone()).await?);
    }
    sleep(pause).await;
    over.store(true, Ordering::Relaxed);
    Ok((answers, heart.await?))
}
// ANCHOR_END: beside

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a phase answers, and how it is reported.
async fn phase<J>(
    options: &Options,
    job: J,
    work: u64,
) -> Result<(Vec<u64>, Value), Failure>
where
    J: FnOnce() -> u64 + Clone + Send + 'static,
{
    let (wall, cpu) = (Instant::now(), cpu_time());
    let (answers, lags) = beside(
        options.how,
        job,
        options.calls,
        Duration::from_millis(options.pause),
        Duration::from_millis(options.period),
    )
    .await?;
    let report = json!({
        "seconds": wall.elapsed().as_secs_f64(),
        "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
        "work": options.calls * work,
        "latencies_us": lags,
    });
    Ok((answers, report))
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let text = "never trust a keyword";
    let (layers, wait) =
        (options.layers, Duration::from_millis(options.wait));
    let (computed, compute) =
        phase(&options, move || embed(text, layers), layers).await?;
    let (waited, wait) = phase(&options, move || ask(text, wait), 1).await?;
    Ok(json!({
        "result": { "compute": computed, "wait": waited },
        "phases": { "compute": compute, "wait": wait },
    }))
}

/// A heartbeat beside calls that are async by name only: how late is it?
#[derive(Parser)]
struct Options {
    /// Where the function does its work
    #[arg(long, value_enum, default_value_t = How::Pretend)]
    how: How,
    /// Calls in each phase
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    calls: u64,
    /// Layers that a call computes
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    layers: u64,
    /// Milliseconds that a call waits
    #[arg(
        long,
        value_name = "N",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=60_000)
    )]
    wait: u64,
    /// Milliseconds before and after a call
    #[arg(
        long,
        value_name = "N",
        default_value_t = 40,
        value_parser = clap::value_parser!(u64).range(1..=60_000)
    )]
    pause: u64,
    /// Milliseconds from one beat to the next
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=60_000)
    )]
    period: u64,
    /// Worker threads of the multi-thread runtime
    /// [default: the current-thread runtime]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    threads: Option<u64>,
}

fn run(options: Options) -> Result<Value, Failure> {
    let mut builder = match options.threads {
        None => runtime::Builder::new_current_thread(),
        Some(_) => runtime::Builder::new_multi_thread(),
    };
    if let Some(threads) = options.threads {
        builder.worker_threads(threads as usize);
    }
    let runtime = builder.enable_all().build()?;
    // As a task, because what block_on is given runs on the main thread, not
    // on the workers.
    runtime.block_on(async { tokio::spawn(measured(options)).await? })
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.how == How::InPlace && options.threads.is_none() {
        let message = "--how in-place needs --threads: \
                       on the current-thread runtime block_in_place panics";
        Options::command()
            .error(ErrorKind::MissingRequiredArgument, message)
            .exit();
    }
    match run(options) {
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
