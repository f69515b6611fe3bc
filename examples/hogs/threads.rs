//! A timer beside threads that compute: how late does it get its turn?
//!
//! As main.rs does with tasks. Nobody yields here: the kernel shares out the
//! core.
//!
//!     cargo run --release --example hogs-threads

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

// ANCHOR: hog
fn hog(slice: Duration, enough: &AtomicBool) {
    while !enough.load(Ordering::Relaxed) {
        compute(slice);
    }
}
// ANCHOR_END: hog

/// Keeps the thread busy for that long.
fn compute(time: Duration) -> u64 {
    let end = Instant::now() + time;
    let mut steps = 0;
    while Instant::now() < end {
        steps += 1;
    }
    steps
}

/// How late each beat came, in microseconds.
fn heartbeat(beats: u32, period: Duration) -> Vec<u64> {
    let start = Instant::now();
    let mut lags = Vec::new();
    for beat in 1..=beats {
        let due = start + beat * period;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        lags.push(due.elapsed().as_micros() as u64);
    }
    lags
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A time given as a number of milliseconds.
fn milliseconds(text: &str) -> Result<Duration, String> {
    let value = text.parse::<f64>().unwrap_or(0.0);
    if !(0.001..=10_000.0).contains(&value) {
        return Err("not a number from 0.001 to 10000".to_owned());
    }
    Ok(Duration::from_secs_f64(value / 1000.0))
}

/// A timer beside threads that compute: how late does it get its turn?
#[derive(Parser)]
struct Options {
    /// Threads that compute
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4,
        value_parser = clap::value_parser!(u32).range(1..=10_000)
    )]
    hogs: u32,
    /// Milliseconds that each computes at a time
    #[arg(long, value_name = "N", default_value_t = 2)]
    slice: u64,
    /// Beats of the heart
    #[arg(long, value_name = "N", default_value_t = 50)]
    beats: u32,
    /// Milliseconds from one beat to the next
    #[arg(long, value_name = "MS", default_value = "10", value_parser = milliseconds)]
    period: Duration,
}

fn measured(options: &Options) -> Value {
    let slice = Duration::from_millis(options.slice);
    let enough = AtomicBool::new(false);
    let (wall, cpu) = (Instant::now(), cpu_time());
    thread::scope(|scope| {
        for _ in 0..options.hogs {
            scope.spawn(|| hog(slice, &enough));
        }
        let lags = heartbeat(options.beats, options.period);
        let seconds = wall.elapsed().as_secs_f64();
        let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
        enough.store(true, Ordering::Relaxed);
        json!({
            "result": { "beats": lags.len() },
            "phases": { "beat": {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "work": options.beats,
                "latencies_us": lags,
            }},
        })
    })
}

fn main() {
    println!("{}", measured(&Options::parse()));
}
