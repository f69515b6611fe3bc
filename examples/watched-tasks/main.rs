//! A relay of Tokio tasks under several instruments: what does looking cost?
//!
//! Runners stand in a ring, each a task with a channel of its own; a baton
//! goes round, and each runner adds its number to what the baton says. In the
//! phase `bare` that is all a runner does; in `busy` it also computes for a
//! while before it passes the baton on. The same is run plain, and under one
//! instrument at a time (--under):
//!
//! - `timed`: every poll of every task is timed
//! - `metrics`: a thread reads the runtime's metrics at times
//! - `watchdog`: a thread watches a heartbeat
//! - `spans-off`: a span for each task and an event for each pass, for which
//!   nobody has subscribed
//! - `log-off`: the same, with a subscriber that wants neither
//! - `log`: the same, formatted and written to nowhere
//!
//! The twin is main.py.
//!
//!     cargo run --release --example watched-tasks
//!     cargo run --release --example watched-tasks -- --under log

use std::error::Error;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::{self, Handle};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::task::JoinHandle;
use tokio::time::interval;
use tracing::{Level, debug, instrument};

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: relay
fn ponder(mut value: u64, steps: u64) -> u64 {
    for _ in 0..steps {
        value = (value * 31 + 7) % 65_521;
    }
    value
}

/// One runner; gives back its end of the channel.
async fn run(
    number: u64,
    mut mine: Receiver<u64>,
    following: Sender<u64>,
    laps: u64,
    steps: u64,
) -> Result<Receiver<u64>, Failure> {
    for _ in 0..laps {
        let baton = mine.recv().await.ok_or("nobody holds the baton")?;
        let baton = ponder((baton + number) % 65_521, steps);
        following.send(baton).await?;
    }
    Ok(mine)
}

/// What the baton says after so many laps.
async fn relay(
    under: Under,
    slow: &SlowPolls,
    runners: u64,
    laps: u64,
    steps: u64,
) -> Result<u64, Failure> {
    let (senders, receivers): (Vec<_>, Vec<_>) =
        (0..runners).map(|_| mpsc::channel(1)).unzip();
    let mut tasks = Vec::new();
    for (number, mine) in (0..).zip(receivers) {
        let following = senders[((number + 1) % runners) as usize].clone();
        let task = if under.logs() {
            tokio::spawn(run_and_log(number, mine, following, laps, steps))
        } else {
            let runner = run(number, mine, following, laps, steps);
            under.spawn(runner, slow)
        };
        tasks.push(task);
    }
    senders[0].send(0).await?;
    let mut ends = Vec::new();
    for task in tasks {
        ends.push(task.await??);
    }
    Ok(ends[0].try_recv()?)
}
// ANCHOR_END: relay

// ANCHOR: logged
#[instrument(level = "debug", skip_all, fields(number = number))]
async fn run_and_log(
    number: u64,
    mut mine: Receiver<u64>,
    following: Sender<u64>,
    laps: u64,
    steps: u64,
) -> Result<Receiver<u64>, Failure> {
    for lap in 0..laps {
        let baton = mine.recv().await.ok_or("nobody holds the baton")?;
        let baton = ponder((baton + number) % 65_521, steps);
        debug!(lap, baton, "passes");
        following.send(baton).await?;
    }
    Ok(mine)
}
// ANCHOR_END: logged

// ANCHOR: timed
/// A poll that takes this long is worth a word.
const SLOW: Duration = Duration::from_millis(100);

/// Which polls were slow: where the task was spawned, and how long one took.
type SlowPolls = Arc<Mutex<Vec<(&'static Location<'static>, Duration)>>>;

/// A future that knows how long its polls take.
struct Timed<F> {
    future: Pin<Box<F>>,
    place: &'static Location<'static>,
    slow: SlowPolls,
}

#[track_caller]
fn timed<F: Future>(future: F, slow: SlowPolls) -> Timed<F> {
    let place = Location::caller();
    Timed {
        future: Box::pin(future),
        place,
        slow,
    }
}

impl<F: Future> Future for Timed<F> {
    type Output = F::Output;

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let begun = Instant::now();
        let polled = self.future.as_mut().poll(context);
        let took = begun.elapsed();
        if took >= SLOW {
            let mut slow =
                self.slow.lock().unwrap_or_else(PoisonError::into_inner);
            slow.push((self.place, took));
        }
        polled
    }
}
// ANCHOR_END: timed

/// A thread that looks once in each period, until this is dropped.
struct Looking {
    over: Option<std::sync::mpsc::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
    beat: Option<JoinHandle<()>>,
}

impl Looking {
    fn new(
        period: Duration,
        beat: Option<JoinHandle<()>>,
        mut look: impl FnMut() + Send + 'static,
    ) -> Looking {
        let (over, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let hung_up = Err(RecvTimeoutError::Disconnected);
            while told.recv_timeout(period) != hung_up {
                look();
            }
        });
        Looking {
            over: Some(over),
            thread: Some(thread),
            beat,
        }
    }
}

impl Drop for Looking {
    fn drop(&mut self) {
        self.over.take(); // hangs up, and the thread ends
        if let Some(thread) = self.thread.take() {
            // If it panicked, it has said so itself.
            let _ = thread.join();
        }
        if let Some(beat) = self.beat.take() {
            beat.abort();
        }
    }
}

// ANCHOR: metrics
/// How often a look found the worker in the same turn as the look before.
fn metrics(period: Duration, stuck: Arc<AtomicU64>) -> Looking {
    let metrics = Handle::current().metrics();
    let mut before = None;
    Looking::new(period, None, move || {
        let turns = metrics.worker_park_unpark_count(0);
        let now = (turns, metrics.worker_total_busy_duration(0));
        let active = turns % 2 == 0; // odd while the worker is parked
        if active && before == Some(now) {
            stuck.fetch_add(1, Ordering::Relaxed);
        }
        before = Some(now);
    })
}
// ANCHOR_END: metrics

// ANCHOR: watchdog
/// How often a look found that the heartbeat had stopped.
fn watchdog(period: Duration, stuck: Arc<AtomicU64>) -> Looking {
    let beats = Arc::new(AtomicU64::new(0));
    let counted = beats.clone();
    let beat = tokio::spawn(async move {
        let mut interval = interval(period);
        loop {
            interval.tick().await;
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut before = 0;
    let patience = 10 * period;
    let mut since = Instant::now();
    Looking::new(period, Some(beat), move || {
        let now = beats.load(Ordering::Relaxed);
        if now != before {
            (before, since) = (now, Instant::now());
        } else if since.elapsed() > patience {
            stuck.fetch_add(1, Ordering::Relaxed);
        }
    })
}
// ANCHOR_END: watchdog

/// The instrument.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Under {
    /// None
    Plain,
    /// Every poll of every task is timed
    Timed,
    /// A thread reads the runtime's metrics at times
    Metrics,
    /// A thread watches a heartbeat
    Watchdog,
    /// Spans and events, and no subscriber
    SpansOff,
    /// Spans and events, and a subscriber that wants neither
    LogOff,
    /// Spans and events, formatted and written to nowhere
    Log,
}

impl Under {
    fn spawn<F>(self, runner: F, slow: &SlowPolls) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match self {
            Under::Timed => tokio::spawn(timed(runner, slow.clone())),
            _ => tokio::spawn(runner),
        }
    }

    fn logs(self) -> bool {
        matches!(self, Under::SpansOff | Under::LogOff | Under::Log)
    }

    /// Who is told of spans and events, for as long as the process lives.
    fn subscribe(self) {
        let level = match self {
            Under::LogOff => Level::INFO,
            Under::Log => Level::DEBUG,
            _ => return,
        };
        tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(io::sink)
            .init();
    }

    /// Begins to look; ends when what it gives back is dropped.
    fn look(
        self,
        period: Duration,
        stuck: Arc<AtomicU64>,
    ) -> Option<Looking> {
        match self {
            Under::Metrics => Some(metrics(period, stuck)),
            Under::Watchdog => Some(watchdog(period, stuck)),
            _ => None,
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a phase answers, and how it is reported.
async fn phase(
    options: &Options,
    laps: u64,
    steps: u64,
) -> Result<(u64, Value), Failure> {
    let slow = SlowPolls::default();
    let stuck = Arc::new(AtomicU64::new(0));
    let (wall, cpu) = (Instant::now(), cpu_time());
    let period = Duration::from_millis(options.period);
    let looking = options.under.look(period, stuck.clone());
    let baton =
        relay(options.under, &slow, options.runners, laps, steps).await?;
    drop(looking);
    let report = json!({
        "seconds": wall.elapsed().as_secs_f64(),
        "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
        "work": options.runners * laps,
    });
    Ok((baton, report))
}

async fn measured(options: Options) -> Result<Value, Failure> {
    options.under.subscribe();
    let (bare, bare_phase) = phase(&options, options.laps, 0).await?;
    let (busy, busy_phase) =
        phase(&options, options.busy_laps, options.steps).await?;
    Ok(json!({
        "result": { "bare": bare, "busy": busy },
        "phases": { "bare": bare_phase, "busy": busy_phase },
    }))
}

/// A relay of Tokio tasks under several instruments: what does looking cost?
#[derive(Parser)]
struct Options {
    /// The instrument
    #[arg(long, value_enum, default_value_t = Under::Plain)]
    under: Under,
    /// Tasks in the ring
    #[arg(
        long,
        value_name = "N",
        default_value_t = 50,
        value_parser = clap::value_parser!(u64).range(2..=10_000)
    )]
    runners: u64,
    /// Laps of the phase bare
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000)
    )]
    laps: u64,
    /// Laps of the phase busy
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000)
    )]
    busy_laps: u64,
    /// Steps of computing per pass
    #[arg(
        long,
        value_name = "N",
        default_value_t = 500,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    steps: u64,
    /// Milliseconds between two looks
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=60_000)
    )]
    period: u64,
}

fn run_all(options: Options) -> Result<Value, Failure> {
    let mut builder = runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build()?;
    runtime.block_on(async { tokio::spawn(measured(options)).await? })
}

fn main() -> ExitCode {
    match run_all(Options::parse()) {
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
