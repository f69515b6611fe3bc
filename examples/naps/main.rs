//! Three waits, then three more: one after another, or all at once.
//!
//! With `one-by-one` the waits add up, though every line says `.await`. With
//! `join` one task polls all three; with `joinset` each wait is a task of its
//! own; either way all of them together last as long as the longest. The
//! twin is main.py.
//!
//!     cargo run --release --example naps
//!     cargo run --release --example naps -- --how one-by-one --nap 1000

use std::error::Error;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::json;
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

// ANCHOR: call
struct Call {
    ms: u64,
    begun: Instant,
    ended: Instant,
}

async fn call(ms: u64) -> Call {
    let begun = Instant::now();
    sleep(Duration::from_millis(ms)).await;
    let ended = Instant::now();
    Call { ms, begun, ended }
}
// ANCHOR_END: call

// ANCHOR: one_by_one
async fn one_by_one(waits: &[u64]) -> Vec<Call> {
    let mut returned = Vec::with_capacity(waits.len());
    for &ms in waits {
        returned.push(call(ms).await);
    }
    returned
}
// ANCHOR_END: one_by_one

// ANCHOR: together
async fn together([first, second, third]: [u64; 3]) -> [Call; 3] {
    tokio::join!(call(first), call(second), call(third)).into()
}
// ANCHOR_END: together

// ANCHOR: group
async fn group(waits: &[u64]) -> Result<Vec<Call>, JoinError> {
    let mut tasks = JoinSet::new();
    for (place, &ms) in waits.iter().enumerate() {
        tasks.spawn(async move { (place, call(ms).await) });
    }
    // A JoinSet hands over its tasks as they finish, not as they were
    // spawned: each result carries the place where it belongs.
    let mut returned = Vec::with_capacity(waits.len());
    while let Some(finished) = tasks.join_next().await {
        returned.push(finished?);
    }
    returned.sort_by_key(|&(place, _)| place);
    Ok(returned.into_iter().map(|(_, call)| call).collect())
}
// ANCHOR_END: group

#[derive(Clone, Copy, ValueEnum)]
enum How {
    OneByOne,
    Join,
    #[value(name = "joinset")]
    JoinSet,
}

impl How {
    async fn run(self, waits: [u64; 3]) -> Result<Vec<Call>, JoinError> {
        match self {
            How::OneByOne => Ok(one_by_one(&waits).await),
            How::Join => Ok(together(waits).await.into()),
            How::JoinSet => group(&waits).await,
        }
    }
}

/// Three waits, then three more: one after another, or all at once.
#[derive(Parser)]
struct Options {
    /// How the waits are combined
    #[arg(long, value_enum, default_value = "join")]
    how: How,
    /// Length of each of the three naps
    #[arg(long, value_name = "MS", default_value_t = 100)]
    nap: u64,
    /// Lengths of the three calls
    #[arg(
        long,
        value_name = "MS,MS,MS",
        default_value = "50,80,40",
        value_parser = three_waits
    )]
    calls: [u64; 3],
}

fn three_waits(text: &str) -> Result<[u64; 3], String> {
    let waits = text
        .split(',')
        .map(str::parse)
        .collect::<Result<Vec<u64>, _>>()
        .map_err(|error| format!("whole milliseconds expected: {error}"))?;
    waits.try_into().map_err(|waits: Vec<u64>| {
        format!("expected three waits, found {}", waits.len())
    })
}

/// A measured phase, as the report line gives it.
#[derive(Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    work: usize,
    /// When each call began and ended, in seconds from the phase's start.
    spans: Vec<(f64, f64)>,
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What the waits returned, and what they took.
async fn measured(
    how: How,
    waits: [u64; 3],
) -> Result<(Vec<u64>, Phase), JoinError> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let calls = how.run(waits).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    let since = |instant: Instant| (instant - wall).as_secs_f64();
    let phase = Phase {
        seconds,
        cpu_seconds,
        work: calls.len(),
        spans: calls
            .iter()
            .map(|call| (since(call.begun), since(call.ended)))
            .collect(),
    };
    Ok((calls.iter().map(|call| call.ms).collect(), phase))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let (naps, naps_phase) = measured(options.how, [options.nap; 3]).await?;
    let (calls, calls_phase) = measured(options.how, options.calls).await?;
    let report = json!({
        "result": { "naps": naps, "calls": calls },
        "phases": { "naps": naps_phase, "calls": calls_phase },
    });
    println!("{report}");
    Ok(())
}
