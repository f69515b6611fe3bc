//! One of many fails: what becomes of the others, and what waiting costs.
//!
//! Two phases. In the first, batches of tasks succeed: each lets the others
//! go first, once, and returns its number. In the second, a thousand tasks
//! wait for different times, and one of them fails before any other has
//! ended. The same ways of waiting for them serve both: spawned tasks whose
//! handles are awaited in turn, a `JoinSet` that is dropped, one that is shut
//! down, `try_join_all` of bare futures, and the same futures taken as they
//! end. The twin is main.py.
//!
//!     cargo run --release --example one-fails
//!     cargo run --release --example one-fails -- --how handles
//!
//! The one that fails is the last in the list, or with --first the first,
//! and fails after --pause milliseconds. The waits of the others are spread
//! evenly from 3 to 10 such pauses. Counted are those that finish their work
//! all the same, and those that are still there when the caller has the error
//! in hand. A pause so short that the tasks cannot all be made in twice that
//! time may change the counts.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use futures::future::try_join_all;
use futures::stream::{FuturesUnordered, TryStreamExt};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet, yield_now};
use tokio::time::sleep;

/// Bounds what a slip of the finger could take of the time, and keeps the
/// sum within 64 bits.
const MOST_TASKS: u64 = 1_000_000_000;
/// And what a batch could take of the memory.
const MOST_IN_A_BATCH: u64 = 100_000;

type Failure = Box<dyn Error + Send + Sync>;

/// How one of the jobs fails.
#[derive(Debug)]
struct Outage {
    job: u64,
}

impl fmt::Display for Outage {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "job {} failed", self.job)
    }
}

impl Error for Outage {}

/// Now, on the wall and in this process's CPU time.
#[derive(Clone, Copy, Debug)]
struct Moment {
    wall: Instant,
    cpu: Duration,
}

impl Moment {
    fn now() -> Self {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            wall: Instant::now(),
            cpu: Duration::new(time.tv_sec as u64, time.tv_nsec as u32),
        }
    }

    fn phase_since(self, earlier: Self, work: u64) -> Value {
        json!({
            "seconds": (self.wall - earlier.wall).as_secs_f64(),
            "cpu_seconds": (self.cpu - earlier.cpu).as_secs_f64(),
            "work": work,
        })
    }
}

/// What the jobs have done, and how many are still there.
struct Log {
    last: u64,
    fails: u64,
    pause: Duration,
    there: AtomicU64,
    finished: AtomicU64,
    failed: OnceLock<Moment>,
    gone: OnceLock<Moment>,
    all_gone: Notify,
}

impl Log {
    fn new(jobs: u64, pause: Duration, first: bool) -> Self {
        let last = jobs - 1;
        Self {
            last,
            fails: if first { 0 } else { last },
            pause,
            there: AtomicU64::new(jobs),
            finished: AtomicU64::new(0),
            failed: OnceLock::new(),
            gone: OnceLock::new(),
            all_gone: Notify::new(),
        }
    }

    fn wait(&self, index: u64) -> Duration {
        if index == self.fails {
            return self.pause;
        }
        let pauses = 3.0 + 7.0 * index as f64 / self.last as f64;
        self.pause.mul_f64(pauses)
    }

    fn present(self: &Arc<Self>) -> Present {
        Present(self.clone())
    }
}

/// Held by a job for as long as it is there.
struct Present(Arc<Log>);

impl Drop for Present {
    fn drop(&mut self) {
        if self.0.there.fetch_sub(1, Relaxed) == 1 {
            self.0.gone.get_or_init(Moment::now);
            self.0.all_gone.notify_one();
        }
    }
}

// ANCHOR: job
async fn job(index: u64, log: Arc<Log>) -> Result<u64, Outage> {
    let _present = log.present(); // until it ends, in whatever way
    sleep(log.wait(index)).await;
    if index == log.fails {
        log.failed.get_or_init(Moment::now);
        return Err(Outage { job: index });
    }
    log.finished.fetch_add(1, Relaxed); // its work
    Ok(index)
}
// ANCHOR_END: job

// ANCHOR: bound
/// What all ways of waiting take: futures that can be tasks of their own.
trait Job<T>: Future<Output = Result<T, Outage>> + Send + 'static {}

impl<T, F> Job<T> for F where
    F: Future<Output = Result<T, Outage>> + Send + 'static
{
}
// ANCHOR_END: bound

// ANCHOR: handles
async fn handles(
    jobs: impl Iterator<Item = impl Job<u64>>,
) -> Result<Vec<u64>, Failure> {
    let tasks: Vec<JoinHandle<_>> = jobs.map(tokio::spawn).collect();
    let mut numbers = Vec::new();
    for task in tasks {
        numbers.push(task.await??);
    }
    Ok(numbers)
}
// ANCHOR_END: handles

// ANCHOR: placed
/// What the jobs answer, each with its place in the list: for they end in
/// another order.
fn placed(
    jobs: impl Iterator<Item = impl Job<u64>>,
) -> impl Iterator<Item = impl Job<(usize, u64)>> {
    jobs.enumerate()
        .map(|(place, job)| async move { Ok((place, job.await?)) })
}
// ANCHOR_END: placed

// ANCHOR: group
async fn dropped(
    jobs: impl Iterator<Item = impl Job<u64>>,
) -> Result<Vec<u64>, Failure> {
    let mut group: JoinSet<_> = placed(jobs).collect();
    in_order(&mut group).await
} // Here the set is dropped, and what is left in it is aborted.

async fn in_order(
    group: &mut JoinSet<Result<(usize, u64), Outage>>,
) -> Result<Vec<u64>, Failure> {
    let mut numbers = vec![0; group.len()];
    while let Some(ended) = group.join_next().await {
        let (place, number) = ended??;
        numbers[place] = number;
    }
    Ok(numbers)
}
// ANCHOR_END: group

// ANCHOR: shut_down
async fn shut_down(
    jobs: impl Iterator<Item = impl Job<u64>>,
) -> Result<Vec<u64>, Failure> {
    let mut group: JoinSet<_> = placed(jobs).collect();
    let numbers = in_order(&mut group).await;
    group.shutdown().await; // waits until all that is left has gone
    numbers
}
// ANCHOR_END: shut_down

// ANCHOR: try_join
async fn try_join(
    jobs: impl Iterator<Item = impl Job<u64>>,
) -> Result<Vec<u64>, Failure> {
    Ok(try_join_all(jobs).await?)
}
// ANCHOR_END: try_join

// ANCHOR: unordered
async fn unordered(
    jobs: impl Iterator<Item = impl Job<u64>>,
) -> Result<Vec<u64>, Failure> {
    let mut ending: FuturesUnordered<_> = placed(jobs).collect();
    let mut numbers = vec![0; ending.len()];
    while let Some((place, number)) = ending.try_next().await? {
        numbers[place] = number;
    }
    Ok(numbers)
}
// ANCHOR_END: unordered

/// How the tasks are waited for.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// Handles of spawned tasks, awaited in turn
    Handles,
    /// A JoinSet, dropped at the first error
    Dropped,
    /// A JoinSet, shut down at the first error
    ShutDown,
    /// try_join_all, without tasks
    TryJoin,
    /// FuturesUnordered, without tasks
    Unordered,
}

impl How {
    async fn numbers(
        self,
        jobs: impl Iterator<Item = impl Job<u64>>,
    ) -> Result<Vec<u64>, Failure> {
        match self {
            How::Handles => handles(jobs).await,
            How::Dropped => dropped(jobs).await,
            How::ShutDown => shut_down(jobs).await,
            How::TryJoin => try_join(jobs).await,
            How::Unordered => unordered(jobs).await,
        }
    }
}

async fn number(index: u64) -> Result<u64, Outage> {
    yield_now().await;
    Ok(index)
}

async fn all_succeed(
    how: How,
    count: u64,
    batch: u64,
) -> Result<Value, Failure> {
    let mut total = 0;
    let start = Moment::now();
    for first in (0..count).step_by(batch as usize) {
        let indexes = first..count.min(first + batch);
        let numbers = how.numbers(indexes.map(number)).await?;
        total += numbers.iter().sum::<u64>();
    }
    let phase = Moment::now().phase_since(start, count);

    let expected = count * (count - 1) / 2;
    if total != expected {
        let wrong = format!("the numbers sum to {total}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(phase)
}

// ANCHOR: one_fails
async fn one_fails(
    how: How,
    jobs: u64,
    log: Arc<Log>,
) -> Result<(Value, Value), Failure> {
    let outcome = how
        .numbers((0..jobs).map(|index| job(index, log.clone())))
        .await;
    let (caught, running) = (Moment::now(), log.there.load(Relaxed));
    match outcome {
        Err(error) if error.is::<Outage>() => {}
        Err(error) => return Err(error),
        Ok(_) => return Err("nobody told of the job that failed".into()),
    }
    log.all_gone.notified().await;
    // ANCHOR_END: one_fails
    let (Some(&failed), Some(&gone)) = (log.failed.get(), log.gone.get())
    else {
        return Err("an error, but no job has failed".into());
    };
    let mut told = caught.phase_since(failed, 1);
    told["counts"] = json!({ "running": running });
    let mut ended = gone.phase_since(failed, jobs - 1);
    ended["counts"] = json!({ "finished": log.finished.load(Relaxed) });
    Ok((told, ended))
}

/// One of many fails: what becomes of the others, and what waiting costs.
#[derive(Parser)]
struct Options {
    /// How the tasks are waited for
    #[arg(long, value_enum, default_value = "shut-down")]
    how: How,
    /// How many succeed, in all
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_TASKS)
    )]
    tasks: u64,
    /// How many at once, and how many of which one fails
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(2..=MOST_IN_A_BATCH)
    )]
    jobs: u64,
    /// Milliseconds until one fails
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(1..=10_000)
    )]
    pause: u64,
    /// The first in the list fails, instead of the last
    #[arg(long)]
    first: bool,
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let (how, jobs) = (options.how, options.jobs);
    let joined = all_succeed(how, options.tasks, jobs).await?;
    let pause = Duration::from_millis(options.pause);
    let log = Arc::new(Log::new(jobs, pause, options.first));
    let (told, ended) = one_fails(how, jobs, log).await?;
    Ok(json!({
        "result": { "jobs": jobs, "failed": 1 },
        "phases": { "joined": joined, "told": told, "ended": ended },
    }))
}

fn run(options: Options) -> Result<Value, Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // As a task, like what it waits for.
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
