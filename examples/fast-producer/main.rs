//! A fast producer and a slow consumer over a Tokio channel, bounded or not.
//!
//! In the phase `slow` messages of some size are made faster than they are
//! used; memory is watched meanwhile, and each message's age noted when its
//! turn comes. With --when-full shed, what finds no room is counted and let
//! go. The phase `pass` has no slow side: numbers go through the same kind of
//! channel, to see what that costs. The twin is main.py.
//!
//!     cargo run --release --example fast-producer
//!     cargo run --release --example fast-producer -- --bound 0
//!     cargo run --release --example fast-producer -- --when-full shed
//!
//! All runs on one thread, or with `--threads N` on N.

use std::error::Error;
use std::fs;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::builder::RangedU64ValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::{interval, sleep_until};

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: kinds
/// The sending half of either kind of channel.
trait Sending<T>: Send + 'static {
    fn put(
        &self,
        value: T,
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

impl<T: Send + Sync + 'static> Sending<T> for Sender<T> {
    async fn put(&self, value: T) -> Result<(), Failure> {
        Ok(self.send(value).await?) // waits for room
    }
}

impl<T: Send + Sync + 'static> Sending<T> for UnboundedSender<T> {
    async fn put(&self, value: T) -> Result<(), Failure> {
        Ok(self.send(value)?) // there is nothing to wait for
    }
}
// ANCHOR_END: kinds

/// The receiving half of either kind.
trait Receiving<T>: Send + 'static {
    fn take(&mut self) -> impl Future<Output = Option<T>> + Send;
    fn waiting(&self) -> usize;
}

impl<T: Send + 'static> Receiving<T> for Receiver<T> {
    async fn take(&mut self) -> Option<T> {
        self.recv().await
    }

    fn waiting(&self) -> usize {
        self.len()
    }
}

impl<T: Send + 'static> Receiving<T> for UnboundedReceiver<T> {
    async fn take(&mut self) -> Option<T> {
        self.recv().await
    }

    fn waiting(&self) -> usize {
        self.len()
    }
}

// ANCHOR: message
struct Message {
    number: u64,
    payload: Vec<u8>,
    made: Instant,
}

impl Message {
    fn check(&self) -> u64 {
        let ends = self.payload.first().zip(self.payload.last());
        self.number + ends.map_or(0, |(a, b)| u64::from(*a) + u64::from(*b))
    }
}

fn make(number: u64, size: usize) -> Message {
    let payload = vec![(number % 251) as u8; size];
    let made = Instant::now();
    Message {
        number,
        payload,
        made,
    }
}
// ANCHOR_END: message

/// What the slow phase is to do.
#[derive(Clone, Copy)]
struct Plan {
    messages: u32,
    size: usize,
    make_every: Duration,
    use_every: Duration,
}

/// What the producer let go.
#[derive(Default)]
struct Shed {
    messages: u64,
    total: u64,
}

async fn until(due: Instant) {
    sleep_until(due.into()).await;
}

// ANCHOR: produce
async fn produce(
    channel: impl Sending<Message>,
    plan: Plan,
) -> Result<Shed, Failure> {
    let start = Instant::now();
    for number in 0..plan.messages {
        until(start + number * plan.make_every).await;
        channel.put(make(number.into(), plan.size)).await?;
    }
    Ok(Shed::default())
} // here the sender is dropped, and with the last of them the channel closes
// ANCHOR_END: produce

// ANCHOR: shed
async fn produce_or_shed(
    channel: Sender<Message>,
    plan: Plan,
) -> Result<Shed, Failure> {
    let start = Instant::now();
    let mut shed = Shed::default();
    for number in 0..plan.messages {
        until(start + number * plan.make_every).await;
        match channel.try_send(make(number.into(), plan.size)) {
            Ok(()) => {}
            Err(TrySendError::Full(message)) => {
                shed.messages += 1;
                shed.total += message.check();
            }
            Err(closed) => return Err(closed.into()),
        }
    }
    Ok(shed)
}
// ANCHOR_END: shed

/// What arrived, and how old each message was, in microseconds.
#[derive(Default)]
struct Consumed {
    ages_us: Vec<u64>,
    total: u64,
}

// ANCHOR: consume
async fn consume(
    mut channel: impl Receiving<Message>,
    plan: Plan,
) -> Consumed {
    let mut consumed = Consumed::default();
    let start = Instant::now();
    while let Some(message) = channel.take().await {
        let age = message.made.elapsed();
        consumed.ages_us.push((age.as_micros() as u64).max(1));
        consumed.total += message.check();
        let done = consumed.ages_us.len() as u32;
        until(start + done * plan.use_every).await;
    }
    consumed
}
// ANCHOR_END: consume

/// VmRSS is what is resident now, VmHWM the most that ever was.
fn memory_bytes(kind: &str) -> Result<u64, Failure> {
    let path = "/proc/self/status";
    let status = fs::read_to_string(path)
        .map_err(|error| format!("cannot read {path}: {error}"))?;
    let kibibytes = status
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(':'))
        .filter_map(|line| line.strip_suffix("kB"))
        .find_map(|number| number.trim().parse::<u64>().ok())
        .ok_or_else(|| format!("{path} has no {kind} in kB"))?;
    Ok(kibibytes * 1024)
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

// ANCHOR: watch
/// Drives `work`, and meanwhile notes milliseconds and resident memory.
async fn watched<T>(
    work: impl Future<Output = T>,
) -> Result<(T, Vec<(u64, u64)>), Failure> {
    let start = Instant::now();
    let mut points = Vec::new();
    let mut look = interval(Duration::from_millis(8));
    let mut work = pin!(work);
    loop {
        tokio::select! {
            _ = look.tick() => {
                let elapsed = start.elapsed().as_millis() as u64;
                points.push((elapsed, memory_bytes("VmRSS")?));
            }
            done = &mut work => return Ok((done, points)),
        }
    }
}
// ANCHOR_END: watch

/// The answer and the report of a phase.
struct Done {
    total: u64,
    phase: Value,
}

async fn slow(options: &Options) -> Result<Done, Failure> {
    let plan = Plan {
        messages: options.messages,
        size: options.size.get(),
        make_every: options.make_every,
        use_every: options.use_every,
    };
    let (wall, cpu) = (Instant::now(), cpu_time());
    let (producer, consumer) = match (options.bound, options.when_full) {
        (0, _) => {
            let (sender, receiver) = mpsc::unbounded_channel();
            let producer = tokio::spawn(produce(sender, plan));
            (producer, tokio::spawn(consume(receiver, plan)))
        }
        (bound, WhenFull::Wait) => {
            let (sender, receiver) = mpsc::channel(bound);
            let producer = tokio::spawn(produce(sender, plan));
            (producer, tokio::spawn(consume(receiver, plan)))
        }
        (bound, WhenFull::Shed) => {
            let (sender, receiver) = mpsc::channel(bound);
            let producer = tokio::spawn(produce_or_shed(sender, plan));
            (producer, tokio::spawn(consume(receiver, plan)))
        }
    };
    let both = async { tokio::try_join!(producer, consumer) };
    let (both, points) = watched(both).await?;
    let (shed, consumed) = both?;
    let shed = shed?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    let arrived = consumed.ages_us.len() as u64;
    if arrived + shed.messages != u64::from(plan.messages) {
        let (made, gone) = (plan.messages, shed.messages);
        return Err(format!(
            "{arrived} of {made} messages arrived, {gone} were let go"
        )
        .into());
    }
    Ok(Done {
        total: consumed.total + shed.total,
        phase: json!({
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": plan.messages,
            "memory_bytes": memory_bytes("VmHWM")?,
            "counts": { "shed": shed.messages },
            "latencies_us": consumed.ages_us,
            "series": { "memory_bytes": points },
        }),
    })
}

// ANCHOR: pass
async fn send_all(
    channel: impl Sending<u64>,
    numbers: u64,
) -> Result<(), Failure> {
    for number in 0..numbers {
        channel.put(number).await?;
    }
    Ok(())
}

/// How many were waiting before the first was taken, and the sum of all.
async fn take_all(mut channel: impl Receiving<u64>) -> (usize, u64) {
    let (waiting, mut total) = (channel.waiting(), 0);
    while let Some(number) = channel.take().await {
        total += number;
    }
    (waiting, total)
}
// ANCHOR_END: pass

async fn send_all_trying(
    channel: Sender<u64>,
    numbers: u64,
) -> Result<(), Failure> {
    for number in 0..numbers {
        match channel.try_send(number) {
            Ok(()) => {}
            Err(TrySendError::Full(number)) => channel.send(number).await?,
            Err(closed) => return Err(closed.into()),
        }
    }
    Ok(())
}

async fn pass(options: &Options) -> Result<Done, Failure> {
    let numbers = u64::from(options.numbers);
    let (mut most, mut total) = (0, 0);
    let (wall, cpu) = (Instant::now(), cpu_time());
    for _ in 0..options.passes {
        let (sending, taking) = match (options.bound, options.when_full) {
            (0, _) => {
                let (sender, receiver) = mpsc::unbounded_channel();
                let sending = tokio::spawn(send_all(sender, numbers));
                (sending, tokio::spawn(take_all(receiver)))
            }
            (bound, WhenFull::Wait) => {
                let (sender, receiver) = mpsc::channel(bound);
                let sending = tokio::spawn(send_all(sender, numbers));
                (sending, tokio::spawn(take_all(receiver)))
            }
            (bound, WhenFull::Shed) => {
                let (sender, receiver) = mpsc::channel(bound);
                let sending = tokio::spawn(send_all_trying(sender, numbers));
                (sending, tokio::spawn(take_all(receiver)))
            }
        };
        sending.await??;
        let (waiting, sum) = taking.await?;
        if sum != numbers * (numbers - 1) / 2 {
            return Err(format!("the numbers add up to {sum}").into());
        }
        most = most.max(waiting);
        total = sum;
    }
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    Ok(Done {
        total,
        phase: json!({
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": u64::from(options.passes) * numbers,
            "counts": { "waiting": most },
        }),
    })
}

/// What a producer does that finds no room.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WhenFull {
    /// Wait for some
    Wait,
    /// Count the message, and let it go
    Shed,
}

/// A time given as a number of milliseconds.
fn milliseconds(text: &str) -> Result<Duration, String> {
    let value = text.parse::<f64>().unwrap_or(0.0);
    if !(0.001..=10_000.0).contains(&value) {
        return Err("not a number from 0.001 to 10000".to_owned());
    }
    Ok(Duration::from_secs_f64(value / 1000.0))
}

/// A fast producer and a slow consumer over a channel, bounded or not.
#[derive(Parser)]
struct Options {
    /// Messages that the channel holds, 0 for any number
    #[arg(long, value_name = "N", default_value_t = 32,
          value_parser = RangedU64ValueParser::<usize>::new()
              .range(..=10_000_000))]
    bound: usize,
    /// Messages made in the slow phase
    #[arg(long, value_name = "N", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    messages: u32,
    /// Bytes in each
    #[arg(long, value_name = "N", default_value = "65536")]
    size: NonZeroUsize,
    /// Milliseconds from one message made to the next
    #[arg(long, value_name = "MS", default_value = "0.5",
          value_parser = milliseconds)]
    make_every: Duration,
    /// Milliseconds from one message used to the next
    #[arg(long, value_name = "MS", default_value = "1",
          value_parser = milliseconds)]
    use_every: Duration,
    /// Numbers passed in one pass
    #[arg(long, value_name = "N", default_value_t = 20_000,
          value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    numbers: u32,
    /// How often
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u32).range(1..))]
    passes: u32,
    /// What a producer does that finds no room
    #[arg(long, value_enum, default_value_t = WhenFull::Wait)]
    when_full: WhenFull,
    /// Worker threads of the multi-thread runtime
    /// [default: the current-thread runtime]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let slow = slow(&options).await?;
    let pass = pass(&options).await?;
    Ok(json!({
        "result": { "messages": slow.total, "numbers": pass.total },
        "phases": { "slow": slow.phase, "pass": pass.phase },
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
    runtime.block_on(async { tokio::spawn(measured(options)).await? })
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.when_full == WhenFull::Shed && options.bound == 0 {
        let never = "--when-full shed: without a bound nothing is ever full";
        Options::command()
            .error(ErrorKind::ArgumentConflict, never)
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
