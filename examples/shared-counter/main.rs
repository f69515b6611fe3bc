//! Many Tokio tasks count on one counter: what does each way cost?
//!
//! Each way counts twice: first with nothing to wait for between reading the
//! counter and writing it, then with an await. The twin is main.py.
//!
//!     cargo run --release --example shared-counter
//!     cargo run --release --example shared-counter -- --how actor
//!     cargo run --release --example shared-counter -- --threads 2
//!
//! All runs on one thread, or with `--threads N` on N.

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::{self, mpsc, oneshot};
use tokio::task::{JoinSet, yield_now};

type Failure = Box<dyn Error + Send + Sync>;

const PANICKED: &str = "nobody panics with the lock";

// ANCHOR: bare
async fn add_bare(total: Arc<AtomicU64>, adds: u64) {
    for _ in 0..adds {
        total.fetch_add(1, Relaxed);
    }
}
// ANCHOR_END: bare

async fn await_then_add_bare(total: Arc<AtomicU64>, adds: u64) {
    for _ in 0..adds {
        yield_now().await;
        total.fetch_add(1, Relaxed);
    }
}

// ANCHOR: std
async fn add_std(total: Arc<Mutex<u64>>, adds: u64) {
    for _ in 0..adds {
        *total.lock().expect(PANICKED) += 1;
    }
}
// ANCHOR_END: std

// ANCHOR: outside
async fn await_then_add(total: Arc<Mutex<u64>>, adds: u64) {
    for _ in 0..adds {
        yield_now().await;
        *total.lock().expect(PANICKED) += 1;
    }
}
// ANCHOR_END: outside

// ANCHOR: lock
async fn add_locked(total: Arc<sync::Mutex<u64>>, adds: u64) {
    for _ in 0..adds {
        *total.lock().await += 1;
    }
}
// ANCHOR_END: lock

// ANCHOR: across
async fn await_locked(total: Arc<sync::Mutex<u64>>, adds: u64) {
    for _ in 0..adds {
        let mut total = total.lock().await;
        let seen = *total;
        yield_now().await;
        *total = seen + 1;
    }
}
// ANCHOR_END: across

// ANCHOR: actor
type Reply = oneshot::Sender<u64>;

async fn own(mut inbox: mpsc::Receiver<Reply>, waits: bool) -> u64 {
    let mut total = 0;
    while let Some(reply) = inbox.recv().await {
        let seen = total;
        if waits {
            yield_now().await;
        }
        total = seen + 1;
        let _ = reply.send(total); // whoever asked may be gone
    }
    total
}

async fn ask(owner: mpsc::Sender<Reply>, adds: u64) -> Result<(), Failure> {
    for _ in 0..adds {
        let (reply, answer) = oneshot::channel();
        owner.send(reply).await?;
        answer.await?;
    }
    Ok(())
}
// ANCHOR_END: actor

/// Runs so many tasks to their ends, and gives back what they returned.
async fn all<F>(
    tasks: u64,
    work: impl Fn() -> F,
) -> Result<Vec<F::Output>, Failure>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut set: JoinSet<_> = (0..tasks).map(|_| work()).collect();
    let mut returned = Vec::new();
    while let Some(ended) = set.join_next().await {
        returned.push(ended?);
    }
    Ok(returned)
}

/// Counts by so many tasks, each its share; what the counter says at the end.
async fn count(
    how: How,
    waits: bool,
    tasks: u64,
    adds: u64,
) -> Result<u64, Failure> {
    let share = adds / tasks;
    match how {
        How::Atomic => {
            let total = Arc::new(AtomicU64::new(0));
            if waits {
                all(tasks, || await_then_add_bare(total.clone(), share))
                    .await?;
            } else {
                all(tasks, || add_bare(total.clone(), share)).await?;
            }
            Ok(total.load(Relaxed))
        }
        How::Std => {
            let total = Arc::new(Mutex::new(0));
            if waits {
                all(tasks, || await_then_add(total.clone(), share)).await?;
            } else {
                all(tasks, || add_std(total.clone(), share)).await?;
            }
            Ok(*total.lock().expect(PANICKED))
        }
        How::Lock => {
            let total = Arc::new(sync::Mutex::new(0));
            if waits {
                all(tasks, || await_locked(total.clone(), share)).await?;
            } else {
                all(tasks, || add_locked(total.clone(), share)).await?;
            }
            Ok(*total.lock().await)
        }
        How::Actor => {
            let (owner, inbox) = mpsc::channel(64);
            let owning = tokio::spawn(own(inbox, waits));
            for asked in all(tasks, || ask(owner.clone(), share)).await? {
                asked?;
            }
            drop(owner); // the last sender: the owner ends
            Ok(owning.await?)
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn timed(
    how: How,
    waits: bool,
    tasks: u64,
    adds: u64,
) -> Result<Value, Failure> {
    let adds = adds / tasks * tasks; // so many for each task
    let (wall, cpu) = (Instant::now(), cpu_time());
    let total = count(how, waits, tasks, adds).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    if total != adds {
        return Err(format!("the counter says {total}, not {adds}").into());
    }
    Ok(
        json!({ "seconds": seconds, "cpu_seconds": cpu_seconds, "work": adds }),
    )
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// An atomic integer
    Atomic,
    /// std::sync::Mutex, never held across an await
    Std,
    /// tokio::sync::Mutex
    Lock,
    /// A task that owns the counter
    Actor,
}

/// Many Tokio tasks count on one counter: what does each way cost?
#[derive(Parser)]
struct Options {
    /// What guards the counter
    #[arg(long, value_enum, default_value_t = How::Lock)]
    how: How,
    /// Tasks that count
    #[arg(long, value_name = "N", default_value_t = 16,
        value_parser = clap::value_parser!(u64).range(1..=100_000))]
    tasks: u64,
    /// Additions of all tasks, without an await
    #[arg(long, value_name = "N", default_value_t = 160_000,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    adds: u64,
    /// Additions of all tasks, with one
    #[arg(long, value_name = "N", default_value_t = 16_000,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000_000))]
    awaits: u64,
    /// Worker threads of the multi-thread runtime
    /// [default: the current-thread runtime]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let Options {
        how,
        tasks,
        adds,
        awaits,
        ..
    } = options;
    Ok(json!({
        "phases": {
            "short": timed(how, false, tasks, adds).await?,
            "waiting": timed(how, true, tasks, awaits).await?,
        },
        "result": { "lost": 0 }, // or it would have failed
    }))
}

fn run(options: Options) -> Result<Value, Failure> {
    if options.adds.min(options.awaits) < options.tasks {
        let few = "--adds and --awaits need one addition for each task";
        Options::command()
            .error(ErrorKind::ValueValidation, few)
            .exit();
    }
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
    runtime.block_on(async { tokio::spawn(measured(options)).await? })
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
