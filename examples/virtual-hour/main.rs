//! An hour of retries, time-outs and heartbeats on a clock that jumps.
//!
//! A client calls a service, call after call, for an hour. The service takes
//! its time, and sometimes refuses; the client gives each attempt two
//! seconds, backs off and tries again. Beside it runs a heartbeat. Nothing
//! here is real, the time least of all: whenever everybody waits, the clock
//! goes to the next timer. What happened when is the same in every run, to
//! the millisecond. The twins are main.py and on_trio.py.
//!
//!     cargo run --release --features virtual-time --example virtual-hour
//!     cargo run --release --features virtual-time --example virtual-hour -- --hours 100
//!
//! It needs Tokio's feature `test-util`.

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep, sleep_until, timeout};

type Failure = Box<dyn Error + Send + Sync>;

/// Bounds what a slip of the finger could take of the time.
const MOST_HOURS: u64 = 1000;

#[derive(Clone, Copy)]
enum Event {
    Answer,
    TimeOut,
    Refused,
    GaveUp,
    Beat,
}

const KINDS: usize = 5;

/// What happened, and after what time.
type Log = Vec<(Duration, Event)>;

/// The same numbers in every language (minstd).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 % end
    }
}

// ANCHOR: service
async fn service(dice: &mut Dice) -> io::Result<()> {
    // Odd, so that no answer comes at the very end of a time-out.
    let after = Duration::from_millis(2 * dice.below(1500) + 1);
    sleep(after).await;
    match dice.below(8) {
        0 => Err(io::ErrorKind::ConnectionRefused.into()),
        _ => Ok(()),
    }
}
// ANCHOR_END: service

// ANCHOR: client
const HOUR: Duration = Duration::from_secs(3600);
const LIMIT: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 4;

async fn call(dice: &mut Dice, mut note: impl FnMut(Event)) {
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            let backoff = 100 * 2_u64.pow(attempt) + dice.below(100);
            sleep(Duration::from_millis(backoff)).await;
        }
        match timeout(LIMIT, service(dice)).await {
            Err(_elapsed) => note(Event::TimeOut),
            Ok(Err(_refused)) => note(Event::Refused),
            Ok(Ok(())) => return note(Event::Answer),
        }
    }
    note(Event::GaveUp);
}

async fn client(mut dice: Dice) -> Log {
    let begun = Instant::now();
    let mut log = Vec::new();
    while begun.elapsed() < HOUR {
        let note = |event| log.push((begun.elapsed(), event));
        call(&mut dice, note).await;
        sleep(Duration::from_millis(250 + dice.below(500))).await;
    }
    log
}
// ANCHOR_END: client

// ANCHOR: heartbeat
const PERIOD: Duration = Duration::from_secs(10);

async fn heartbeat() -> Log {
    let begun = Instant::now();
    let mut log = Vec::new();
    for beat in 1..=HOUR.as_secs() / PERIOD.as_secs() {
        sleep_until(begun + PERIOD * beat as u32).await;
        log.push((begun.elapsed(), Event::Beat));
    }
    log
}
// ANCHOR_END: heartbeat

// ANCHOR: hour
async fn hour(seed: u64) -> Result<Log, JoinError> {
    let calls = tokio::spawn(client(Dice(seed)));
    let beats = tokio::spawn(heartbeat());
    let mut log = calls.await?;
    log.extend(beats.await?);
    Ok(log)
}
// ANCHOR_END: hour

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(hours: u64) -> Result<Value, Failure> {
    // Not Tokio's clock, by which all this takes hours.
    let (wall, cpu) = (std::time::Instant::now(), cpu_time());
    let mut logs = Vec::new();
    for seed in 1..=hours {
        logs.push(hour(seed).await?);
    }
    let (wall, cpu) = (wall.elapsed(), cpu_time() - cpu);
    Ok(report(&logs, wall, cpu))
}

fn report(logs: &[Log], wall: Duration, cpu: Duration) -> Value {
    let mut counts = [0_u64; KINDS];
    let mut digest = 0;
    for &(elapsed, event) in logs.iter().flatten() {
        counts[event as usize] += 1;
        let entry = elapsed.as_millis() as usize * KINDS + event as usize;
        digest = (digest * 31 + entry as u64) % 1_000_000_007;
    }
    let count = |event: Event| counts[event as usize];
    json!({
        "result": {
            "hours": logs.len(),
            "events": {
                "answer": count(Event::Answer),
                "time-out": count(Event::TimeOut),
                "refused": count(Event::Refused),
                "gave up": count(Event::GaveUp),
                "beat": count(Event::Beat),
            },
            "digest": digest,
        },
        "phases": { "hours": {
            "seconds": wall.as_secs_f64(),
            "cpu_seconds": cpu.as_secs_f64(),
            "work": logs.len(),
            "counts": { "events": counts.iter().sum::<u64>() },
        }},
    })
}

/// An hour of retries, time-outs and heartbeats on a clock that jumps.
#[derive(Parser)]
struct Options {
    /// Of the client's time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=MOST_HOURS)
    )]
    hours: u64,
}

// ANCHOR: run
fn run(hours: u64) -> Result<Value, Failure> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().start_paused(true);
    let runtime = builder.build()?;
    runtime.block_on(async { tokio::spawn(measured(hours)).await? })
}
// ANCHOR_END: run

fn main() -> ExitCode {
    match run(Options::parse().hours) {
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
