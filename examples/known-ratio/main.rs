//! A walk through a table, and the same walk made longer by a known share.
//!
//! Nothing here is asynchronous. The program exists so that the harness can be
//! asked a question whose answer is known: with `--slower 5` it takes 5 % more
//! steps, and must come out as 1.05 times slower. The twin, main.py, takes the
//! same steps in Python, for a ratio that is large.
//!
//!     cargo run --release --example known-ratio
//!     cargo run --release --example known-ratio -- --steps 20000000 --slower 5

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

/// Entries of the table: 256 KiB, more than a first-level cache holds.
const ENTRIES: u32 = 1 << 16;

// ANCHOR: walk
/// Where each entry leads next. Full period, after Hull and Dobell (1962).
fn table() -> Vec<u32> {
    let next = |i: u32| (i.wrapping_mul(25_173) + 13_849) % ENTRIES;
    (0..ENTRIES).map(next).collect()
}

/// Every step waits for the load before it.
fn walk(table: &[u32], steps: u64) -> u64 {
    let (mut at, mut sum) = (0, 0);
    for _ in 0..steps {
        at = table[at as usize];
        sum += u64::from(at);
    }
    sum
}
// ANCHOR_END: walk

#[derive(Parser)]
#[command(about)]
struct Options {
    /// Steps of the walk
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    steps: u64,
    /// How much longer the walk is made, in percent of its steps
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1000))]
    slower: u64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let table = table();
    let more = options.steps * options.slower / 100;

    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let began = Instant::now();
    let sum = walk(&table, options.steps);
    // The answer stays that of the plain walk.
    black_box(walk(&table, black_box(more)));
    let seconds = began.elapsed().as_secs_f64();
    let cpu = clock_gettime(ClockId::ProcessCPUTime) - cpu;

    let cpu_seconds = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    let report = json!({
        "result": {"steps": options.steps, "sum": sum},
        "phases": {"walk": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": options.steps,
        }},
    });
    println!("{report}");
    Ok(())
}
