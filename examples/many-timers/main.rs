//! Many timers at once: how late does each fire?
//!
//! Beside many tasks that sleep for an hour, some timers fall due one after
//! another, spread evenly over --window milliseconds (`spread`), and then as
//! many at one and the same instant (`burst`). Each is a task that sleeps until
//! it is due and notes how late it is. Before that, as many tasks as will fall
//! due fall asleep for an hour and are cancelled, --repeats times (`set`). The
//! twin is main.py.
//!
//!     cargo run --release --example many-timers
//!     cargo run --release --example many-timers -- --timers 100000 --threads 2

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::{JoinError, JoinSet, yield_now};
use tokio::time::{Instant, sleep, sleep_until, timeout};

type Failure = Box<dyn Error + Send + Sync>;

/// Bounds what a slip of the finger could take of the memory.
const MOST_TIMERS: u32 = 1_000_000;
const MOST_REPEATS: u32 = 1000;
/// As many latencies as a report may hold.
const MOST_DUE: u32 = 20_000;
/// In it the tasks of a phase fall asleep, before the first of them is due.
const LEAD: Duration = Duration::from_millis(200);
/// Where the machine was too busy for that, they get twice as long, and so on
/// up to this.
const LONGEST_LEAD: Duration = Duration::from_secs(10);
/// And so much later than that nobody may be.
const LATEST: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);

// ANCHOR: timer
/// Sleeps until `due` and says how late it is; `None`: too early.
async fn timer(due: Instant) -> Option<Duration> {
    sleep_until(due).await;
    Instant::now().checked_duration_since(due)
}
// ANCHOR_END: timer

// ANCHOR: fire
/// `count` timers, spread evenly over the window.
async fn fire(
    count: u32,
    first: Instant,
    window: Duration,
) -> Result<Vec<Option<Duration>>, JoinError> {
    let mut timers = JoinSet::new();
    for number in 0..count {
        timers.spawn(timer(first + window * number / count));
    }
    let mut overshoots = Vec::new();
    while let Some(ended) = timers.join_next().await {
        overshoots.push(ended?);
    }
    Ok(overshoots)
}
// ANCHOR_END: fire

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// That many tasks, each of which sleeps for an hour.
async fn sleepers(count: u32) -> JoinSet<Option<Duration>> {
    let hour = Instant::now() + HOUR;
    let asleep = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let asleep = Arc::clone(&asleep);
        tasks.spawn(async move {
            asleep.fetch_add(1, Ordering::Relaxed);
            timer(hour).await
        });
    }
    // Once on one thread, whose queue is in order; with several workers
    // there is no such order.
    while asleep.load(Ordering::Relaxed) < count {
        yield_now().await;
    }
    tasks
}

async fn end(mut tasks: JoinSet<Option<Duration>>) -> Result<(), Failure> {
    tasks.abort_all();
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Err(error) if error.is_cancelled() => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Err("a timer of an hour has fired".into()),
        }
    }
    Ok(())
}

async fn set_and_cleared(count: u32, repeats: u32) -> Result<Value, Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    for _ in 0..repeats {
        end(sleepers(count).await).await?;
    }
    Ok(json!({
        "seconds": wall.elapsed().as_secs_f64(),
        "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
        "work": u64::from(count) * u64::from(repeats),
    }))
}

/// A phase of its own for each call.
async fn measured(count: u32, window: Duration) -> Result<Value, Failure> {
    let mut lead = LEAD;
    let (firing, wall, cpu) = loop {
        let first = Instant::now() + lead;
        let firing = tokio::spawn(fire(count, first, window));
        // Wakes when all have long been asleep. What they cost from then on
        // is measured, not what it cost to make them.
        sleep(lead * 3 / 4).await;
        let (wall, cpu) = (Instant::now(), cpu_time());
        if wall < first {
            break (firing, wall, cpu);
        }
        firing.abort();
        lead *= 2;
        if lead > LONGEST_LEAD {
            let late = format!(
                "it took more than {LONGEST_LEAD:?} to set {count} timers"
            );
            return Err(late.into());
        }
    };
    let overshoots = timeout(window + LATEST, firing).await???;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    let early = overshoots.iter().filter(|late| late.is_none()).count();
    let latencies_us: Vec<u128> = overshoots
        .iter()
        .map(|late| late.unwrap_or_default().as_micros().max(1))
        .collect();
    Ok(json!({
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "work": count,
        "latencies_us": latencies_us,
        "counts": { "early": early, "first_us": latencies_us.iter().min() },
    }))
}

/// Many timers at once: how late does each fire?
#[derive(Parser)]
struct Options {
    /// How many sleep for an hour
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5000,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_TIMERS))
    )]
    timers: u32,
    /// How many fall due in each phase
    #[arg(
        long,
        value_name = "N",
        default_value_t = 250,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_DUE))
    )]
    due: u32,
    /// Milliseconds over which those of the first phase are spread
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 200,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    window: u64,
    /// How often as many fall asleep and are cancelled, before that
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_REPEATS))
    )]
    repeats: u32,
    /// Worker threads of the multi-thread runtime
    /// [default: the current-thread runtime]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

async fn all(options: Options) -> Result<Value, Failure> {
    let Options {
        timers,
        due,
        window,
        repeats,
        ..
    } = options;
    let cleared = set_and_cleared(due, repeats).await?;
    let others = sleepers(timers).await;
    let spread = measured(due, Duration::from_millis(window)).await?;
    let burst = measured(due, Duration::ZERO).await?;

    end(others).await?;
    Ok(json!({
        "result": { "timers": timers, "due": due },
        "phases": { "set": cleared, "spread": spread, "burst": burst },
    }))
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
    runtime.block_on(async { tokio::spawn(all(options)).await? })
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
