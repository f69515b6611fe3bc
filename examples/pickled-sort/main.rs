//! A list sorted in a task: in place, or on a blocking thread?
//!
//! Each request has a list of its own and sorts it: inline, on the thread of
//! the runtime, or by spawn_blocking, to which the list is handed over. The
//! twin is main.py.
//!
//!     cargo run --release --example pickled-sort
//!     cargo run --release --example pickled-sort -- --how blocking

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::task::{self, JoinError, JoinSet};

type Failure = Box<dyn Error + Send + Sync>;

const START: u64 = 1;
const FACTOR: u64 = 1_103_515_245;
const ADDEND: u64 = 12_345;
const BITS: u32 = 30;

// ANCHOR: shuffled
/// Numbers below 2^30 in no order; all differ, and are always these.
fn shuffled(count: usize) -> Vec<u32> {
    let mut number = START;
    let next = || {
        number = (number * FACTOR + ADDEND) % (1 << BITS);
        number as u32
    };
    std::iter::repeat_with(next).take(count).collect()
}
// ANCHOR_END: shuffled

// ANCHOR: ways
async fn inline(mut numbers: Vec<u32>) -> u32 {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

async fn pooled(mut numbers: Vec<u32>) -> Result<u32, JoinError> {
    let sort = move || {
        numbers.sort_unstable();
        numbers
    };
    let in_order = task::spawn_blocking(sort).await?;
    Ok(in_order[in_order.len() / 2])
}
// ANCHOR_END: ways

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Makes so many requests, one after another, each with its own copy of the
/// list; their middle, which must be the same in all.
async fn client(
    how: How,
    numbers: Arc<[u32]>,
    share: usize,
) -> Result<u32, Failure> {
    let mut seen = None;
    for _ in 0..share {
        let own = numbers.to_vec();
        let middle = match how {
            How::Inline => inline(own).await,
            How::Blocking => pooled(own).await?,
        };
        if *seen.get_or_insert(middle) != middle {
            return Err("the same list has several middles".into());
        }
    }
    seen.ok_or_else(|| "no request was made".into())
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let count = options.numbers;
    let numbers: Arc<[u32]> = shuffled(count).into();
    let share = (options.total / count / options.in_flight).max(1);

    let (wall, cpu) = (Instant::now(), cpu_time());
    let clients: JoinSet<_> = (0..options.in_flight)
        .map(|_| client(options.how, numbers.clone(), share))
        .collect();
    let middles = clients.join_all().await;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let mut in_order = numbers.to_vec();
    in_order.sort_unstable();
    let expected = in_order[count / 2];
    for middle in middles {
        let middle = middle?;
        if middle != expected {
            let wrong = format!("the middle is {expected}, and was {middle}");
            return Err(wrong.into());
        }
    }
    Ok(json!({
        "result": { "numbers": count, "middle": expected },
        "phases": { "requests": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": share * options.in_flight,
        }},
    }))
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// On the thread of the runtime
    Inline,
    /// On a blocking thread
    Blocking,
}

/// A whole number from 1 to this bound.
fn whole(most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if (1..=most).contains(&number) => Ok(number),
        _ => Err(format!("not a whole number from 1 to {most}")),
    }
}

/// A list sorted in a task: in place, or on a blocking thread?
#[derive(Parser)]
struct Options {
    /// Where a list is sorted
    #[arg(long, value_enum, default_value_t = How::Inline)]
    how: How,
    /// The length of a list
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10_000,
        value_parser = whole(10_000_000)
    )]
    numbers: usize,
    /// Numbers sorted in all requests
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100_000,
        value_parser = whole(1_000_000_000)
    )]
    total: usize,
    /// Requests at a time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = whole(64)
    )]
    in_flight: usize,
}

fn run(options: Options) -> Result<Value, Failure> {
    let runtime = runtime::Builder::new_current_thread().build()?;
    runtime.block_on(measured(options))
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
