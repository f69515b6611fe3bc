//! Cancels a small job at every await in turn, and counts what it leaves.
//!
//! The job is a transfer: take a permit, open a log, write the debit, write
//! the credit, close the log. It has four awaits that suspend, and is
//! cancelled at each of them, in these ways:
//!
//! - `naive`: written without a thought of cancellation; the future is
//!   polled in place and dropped;
//! - `guard`: what it must not leave is owned by guards; dropped likewise;
//! - `abort`: the same as a task, which is aborted and then awaited;
//! - `detach`: the same behind a caller, and only the caller is aborted;
//! - `token`: a task that looks at a `CancellationToken`, and cleans up by
//!   awaits of its own.
//!
//! The twin is main.py.
//!
//!     cargo run --release --example cancel-everywhere
//!     cargo run --release --example cancel-everywhere -- --how token
//!
//! Four phases: each await once (`once`); the same, and cancelled again one
//! turn later (`twice`; a future can be dropped only once); many jobs
//! cancelled (`cancelled`), each await as often as the others; and as many
//! that are left to end (`finished`). All runs on one thread, and nothing
//! depends on time, so the counts are the same in each run.

use std::collections::BTreeMap;
use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::task::coop::unconstrained;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The awaits of a job that suspend: open, debit, credit, close.
const WAITS: u64 = 4;
/// Bounds what a slip of the finger could take of the time.
const MOST_ROUNDS: u64 = 250_000_000;

type Failure = Box<dyn Error + Send + Sync>;
type Ended = Result<(), Failure>;

/// What jobs share, and where one reads what they left.
struct Bank {
    slots: Semaphore,
    /// Of the job under way.
    waits: AtomicU64,
    /// A gauge, as services have them.
    active: AtomicU64,
    opened: AtomicU64,
    sealed: AtomicU64,
    closed: AtomicU64,
    debits: AtomicU64,
    credits: AtomicU64,
    finished: AtomicU64,
}

impl Bank {
    fn new(permits: u64) -> Arc<Bank> {
        let zero = AtomicU64::default;
        Arc::new(Bank {
            slots: Semaphore::new(permits as usize),
            waits: zero(),
            active: zero(),
            opened: zero(),
            sealed: zero(),
            closed: zero(),
            debits: zero(),
            credits: zero(),
            finished: zero(),
        })
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

fn take(counter: &AtomicU64) {
    counter.fetch_sub(1, Relaxed);
}

/// One turn: the tasks that are ready now run before this goes on. Unlike
/// `yield_now`, it keeps the order of the queue.
async fn turn() {
    let mut asked = false;
    poll_fn(|context| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

// ANCHOR: log
/// Stands for any I/O: suspends once.
async fn io(bank: &Bank) {
    add(&bank.waits);
    turn().await
}

struct Log<'a> {
    bank: &'a Bank,
    half_done: bool,
}

impl<'a> Log<'a> {
    async fn open(bank: &'a Bank) -> Log<'a> {
        io(bank).await;
        add(&bank.opened);
        Log {
            bank,
            half_done: false,
        }
    }

    async fn debit(&mut self) {
        io(self.bank).await;
        add(&self.bank.debits);
        self.half_done = true;
    }

    async fn credit(&mut self) {
        io(self.bank).await;
        add(&self.bank.credits);
        self.half_done = false;
    }

    fn undo(&mut self) {
        if self.half_done {
            take(&self.bank.debits);
        }
    }

    async fn close(&mut self) {
        io(self.bank).await; // the last line, which seals the log
        add(&self.bank.sealed);
    }
}

impl Drop for Log<'_> {
    fn drop(&mut self) {
        add(&self.bank.closed); // as a file or socket closes itself
    }
}
// ANCHOR_END: log

// ANCHOR: naive
async fn naive(bank: Arc<Bank>) -> Ended {
    add(&bank.active);
    let _permit = bank.slots.acquire().await?;
    let mut log = Log::open(&bank).await;
    log.debit().await;
    log.credit().await;
    log.close().await;
    take(&bank.active);
    add(&bank.finished);
    Ok(())
}
// ANCHOR_END: naive

// ANCHOR: transaction
/// A log that undoes what is half done, when it is dropped.
struct Transaction<'a>(Log<'a>);

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.0.undo(); // after this its field, the log, is dropped
    }
}
// ANCHOR_END: transaction

// ANCHOR: careful
struct Active<'a>(&'a AtomicU64);

impl<'a> Active<'a> {
    fn begin(gauge: &'a AtomicU64) -> Self {
        add(gauge);
        Active(gauge)
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        take(self.0);
    }
}

async fn careful(bank: Arc<Bank>) -> Ended {
    let _active = Active::begin(&bank.active);
    let _permit = bank.slots.acquire().await?;
    let mut transaction = Transaction(Log::open(&bank).await);
    let log = &mut transaction.0;
    log.debit().await;
    log.credit().await;
    log.close().await;
    add(&bank.finished);
    Ok(())
}
// ANCHOR_END: careful

// ANCHOR: shielded
async fn shielded(bank: Arc<Bank>, running: TaskTracker) -> Ended {
    // Dropping the handle detaches the task; the tracker still knows it.
    running.spawn(careful(bank)).await?
}
// ANCHOR_END: shielded

// ANCHOR: cooperative
async fn cooperative(bank: Arc<Bank>, stop: CancellationToken) -> Ended {
    let _active = Active::begin(&bank.active);
    let _permit = bank.slots.acquire().await?;
    let opening = stop.run_until_cancelled(Log::open(&bank));
    let Some(mut log) = opening.await else {
        return Ok(());
    };
    let writing = stop.run_until_cancelled(async {
        log.debit().await;
        log.credit().await;
    });
    let written = writing.await.is_some();
    log.undo();
    log.close().await; // outside of any race: nothing interrupts it
    if written {
        add(&bank.finished);
    }
    Ok(())
}
// ANCHOR_END: cooperative

fn not_cancelled(wait: u64) -> Ended {
    Err(format!("await {wait}: the job was not cancelled").into())
}

// ANCHOR: dropped_at
/// Polls a job by hand until it stands at a wait, and drops it there.
fn dropped_at(
    wait: u64,
    job: impl Future<Output = Ended>,
    bank: &Bank,
) -> Ended {
    bank.waits.store(0, Relaxed);
    let mut job = pin!(job);
    let mut context = Context::from_waker(Waker::noop());
    while bank.waits.load(Relaxed) < wait {
        if job.as_mut().poll(&mut context).is_ready() {
            return not_cancelled(wait);
        }
    }
    Ok(()) // `job` goes out of scope: that is the cancellation
}
// ANCHOR_END: dropped_at

/// Polls a job by hand until it has ended.
fn ended(job: impl Future<Output = Ended>) -> Ended {
    let mut job = pin!(job);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(ended) = job.as_mut().poll(&mut context) {
            return ended;
        }
    }
}

// ANCHOR: aborted_at
/// Spawns a job, and lets it run until it stands at a wait.
async fn standing_at(
    wait: u64,
    job: impl Future<Output = Ended> + Send + 'static,
    bank: &Bank,
) -> JoinHandle<Ended> {
    bank.waits.store(0, Relaxed);
    let task = tokio::spawn(job);
    while bank.waits.load(Relaxed) < wait {
        turn().await;
    }
    task
}

async fn aborted_at(
    wait: u64,
    job: impl Future<Output = Ended> + Send + 'static,
    bank: &Bank,
    again: bool,
) -> Ended {
    let task = standing_at(wait, job, bank).await;
    task.abort();
    if again {
        turn().await;
        task.abort();
    }
    match task.await {
        Err(error) if error.is_cancelled() => Ok(()),
        _ => not_cancelled(wait),
    }
}
// ANCHOR_END: aborted_at

async fn stopped_at(wait: u64, bank: &Arc<Bank>, again: bool) -> Ended {
    let stop = CancellationToken::new();
    let job = cooperative(bank.clone(), stop.clone());
    let task = standing_at(wait, job, bank).await;
    stop.cancel();
    if again {
        turn().await;
        stop.cancel();
    }
    task.await?
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Naive,
    Guard,
    Abort,
    Detach,
    Token,
}

/// How the job is run, and what that needs.
struct Jobs {
    how: How,
    running: TaskTracker,
}

impl Jobs {
    async fn cancel_at(
        &self,
        wait: u64,
        bank: &Arc<Bank>,
        again: bool,
    ) -> Ended {
        let running = &self.running;
        match self.how {
            How::Naive => dropped_at(wait, naive(bank.clone()), bank),
            How::Guard => dropped_at(wait, careful(bank.clone()), bank),
            How::Abort => {
                aborted_at(wait, careful(bank.clone()), bank, again).await
            }
            How::Detach => {
                let caller = shielded(bank.clone(), running.clone());
                aborted_at(wait, caller, bank, again).await?;
                running.close();
                running.wait().await;
                running.reopen();
                Ok(())
            }
            How::Token => stopped_at(wait, bank, again).await,
        }
    }

    /// Drives a job like those that are cancelled, up to its last wait.
    async fn finish(&self, bank: &Arc<Bank>) -> Ended {
        let shared = bank.clone();
        let task = match self.how {
            How::Naive => return ended(naive(shared)),
            How::Guard => return ended(careful(shared)),
            How::Abort => standing_at(WAITS, careful(shared), bank).await,
            How::Detach => {
                let caller = shielded(shared, self.running.clone());
                standing_at(WAITS, caller, bank).await
            }
            How::Token => {
                let stop = CancellationToken::new();
                standing_at(WAITS, cooperative(shared, stop), bank).await
            }
        };
        task.await?
    }
}

/// A measured phase, as the report line gives it.
#[derive(Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    work: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    counts: BTreeMap<&'static str, u64>,
}

/// The two clocks when a phase begins.
struct Clocks {
    wall: Instant,
    cpu: Duration,
}

impl Clocks {
    fn start() -> Clocks {
        Clocks {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    fn phase(self, work: u64) -> Phase {
        Phase {
            seconds: self.wall.elapsed().as_secs_f64(),
            cpu_seconds: (cpu_time() - self.cpu).as_secs_f64(),
            work,
            counts: BTreeMap::new(),
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Cancels at each await once, and counts.
async fn each_await(jobs: &Jobs, again: bool) -> Result<Phase, Failure> {
    let bank = Bank::new(WAITS);
    let clocks = Clocks::start();
    let counted = |counter: &AtomicU64| counter.load(Relaxed);
    let mut waits = 0;
    for wait in 1..=WAITS {
        jobs.cancel_at(wait, &bank, again).await?;
        waits += counted(&bank.waits);
    }
    let mut phase = clocks.phase(WAITS);
    phase.counts = BTreeMap::from([
        ("active", counted(&bank.active)),
        ("permits", WAITS - bank.slots.available_permits() as u64),
        ("open", counted(&bank.opened) - counted(&bank.closed)),
        ("unsealed", counted(&bank.opened) - counted(&bank.sealed)),
        ("half", counted(&bank.debits) - counted(&bank.credits)),
        ("ran_on", counted(&bank.finished)),
        ("waits", waits),
    ]);
    Ok(phase)
}

async fn cancelled(jobs: &Jobs, rounds: u64) -> Result<Phase, Failure> {
    let bank = Bank::new(1);
    let clocks = Clocks::start();
    for _ in 0..rounds {
        for wait in 1..=WAITS {
            jobs.cancel_at(wait, &bank, false).await?;
        }
    }
    Ok(clocks.phase(rounds * WAITS))
}

async fn finished(jobs: &Jobs, rounds: u64) -> Result<Phase, Failure> {
    let bank = Bank::new(1);
    let work = rounds * WAITS;
    let clocks = Clocks::start();
    for _ in 0..work {
        jobs.finish(&bank).await?;
    }
    let phase = clocks.phase(work);
    let done = [&bank.finished, &bank.debits, &bank.credits, &bank.sealed]
        .map(|counter| counter.load(Relaxed));
    let left = bank.active.load(Relaxed);
    if done != [work; 4] || left > 0 || bank.slots.available_permits() != 1 {
        let wrong =
            format!("{work} jobs, but finished, written, sealed: {done:?}");
        return Err(wrong.into());
    }
    Ok(phase)
}

async fn measured(how: How, rounds: u64) -> Result<Value, Failure> {
    let jobs = Jobs {
        how,
        running: TaskTracker::new(),
    };
    Ok(json!({
        "result": { "awaits": WAITS, "rounds": rounds },
        "phases": {
            "once": each_await(&jobs, false).await?,
            "twice": each_await(&jobs, true).await?,
            "cancelled": cancelled(&jobs, rounds).await?,
            "finished": finished(&jobs, rounds).await?,
        },
    }))
}

/// Cancels a small job at every await in turn, and counts what it leaves.
#[derive(Parser)]
struct Options {
    /// How the job is written and cancelled
    #[arg(long, value_enum, default_value = "guard")]
    how: How,
    /// Each of four jobs
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_ROUNDS)
    )]
    rounds: u64,
}

fn run(options: Options) -> Result<Value, Failure> {
    let runtime = runtime::Builder::new_current_thread().build()?;
    // As a task, so that it takes turns with the others; and without the
    // budget of one, which the futures that it polls by hand would use up.
    runtime.block_on(async {
        tokio::spawn(unconstrained(measured(options.how, options.rounds)))
            .await?
    })
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
