//! What it costs to leave a stream half-way, and when it cleans up.
//!
//! A stream gives rows over a connection that it takes from a pool. The
//! consumer leaves after ten rows, and the connection is dropped. That gives
//! it back (`drop`); or, as where giving back wants an `.await`, tells a
//! task that does it (`tell`). Counted is how often the connection was not
//! back when the consumer went on, and how many were out at most. The twin
//! is main.py.
//!
//!     cargo run --release --example stream-close
//!     cargo run --release --example stream-close -- --how tell
//!
//! The streams come in bursts. Within a burst nothing ever has to wait.

use std::error::Error;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_stream::stream;
use clap::{Parser, ValueEnum};
use futures::{Stream, StreamExt};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::mpsc::{
    UnboundedReceiver, UnboundedSender, unbounded_channel,
};
use tokio::task::yield_now;

/// Bounds what a slip of the finger could take of the time.
const MOST_STREAMS: u64 = 1_000_000_000;
/// And what a burst could take of the memory.
const MOST_IN_A_BURST: u64 = 100_000;
/// The row that is looked for.
const WANTED: u64 = 9;

// ANCHOR: pool
#[derive(Default)]
struct Pool {
    out: AtomicU64,
    most_out: AtomicU64,
    /// Whom a dropped connection tells, where it cannot go back by itself.
    owner: Option<UnboundedSender<()>>,
}

struct Connection<'a>(&'a Pool);

impl Pool {
    fn take(&self) -> Connection<'_> {
        let out = self.out.fetch_add(1, Relaxed) + 1;
        self.most_out.fetch_max(out, Relaxed);
        Connection(self)
    }

    fn give_back(&self) {
        self.out.fetch_sub(1, Relaxed);
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        match &self.0.owner {
            None => self.0.give_back(),
            // Fails only once the owner is gone, and its pool with it.
            Some(owner) => drop(owner.send(())),
        }
    }
}
// ANCHOR_END: pool

// ANCHOR: owner
async fn own(pool: Arc<Pool>, mut told: UnboundedReceiver<()>) {
    while told.recv().await.is_some() {
        pool.give_back(); // here could be an `.await`
    }
}
// ANCHOR_END: owner

// ANCHOR: rows
fn rows(pool: &Pool) -> impl Stream<Item = u64> {
    stream! {
        let _connection = pool.take();
        for row in 0.. {
            yield row;
        }
    }
}
// ANCHOR_END: rows

// ANCHOR: find
async fn find(pool: &Pool, wanted: u64) -> Option<u64> {
    let mut rows = pin!(rows(pool));
    while let Some(row) = rows.next().await {
        if row == wanted {
            return Some(row);
        }
    }
    None
}
// ANCHOR_END: find

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Drop,
    Tell,
}

impl How {
    /// With `tell`, starts the task that owns the connections.
    fn pool(self) -> Arc<Pool> {
        match self {
            How::Drop => Arc::default(),
            How::Tell => {
                let (owner, told) = unbounded_channel();
                let pool = Arc::new(Pool {
                    owner: Some(owner),
                    ..Pool::default()
                });
                tokio::spawn(own(pool.clone(), told));
                pool
            }
        }
    }
}

async fn measured(
    how: How,
    streams: u64,
    burst: u64,
) -> Result<Value, Box<dyn Error>> {
    let pool = how.pool();
    let (mut sum, mut late) = (0, 0);
    let (wall, cpu) = (Instant::now(), cpu_time());
    for number in 1..=streams {
        let out_before = pool.out.load(Relaxed);
        sum += find(&pool, WANTED).await.ok_or("the row is not there")?;
        late += u64::from(pool.out.load(Relaxed) > out_before);
        if number % burst == 0 || number == streams {
            while pool.out.load(Relaxed) > 0 {
                yield_now().await;
            }
        }
    }
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    Ok(json!({
        "result": { "streams": streams, "sum": sum },
        "phases": { "streams": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": streams,
            "counts": { "late": late, "most_out": pool.most_out.load(Relaxed) },
        }},
    }))
}

/// What it costs to leave a stream half-way, and when it cleans up.
#[derive(Parser)]
struct Options {
    /// What a dropped connection does
    #[arg(long, value_enum, default_value = "drop")]
    how: How,
    /// How many streams are left half-way
    #[arg(
        long,
        value_name = "N",
        default_value_t = 5000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_STREAMS)
    )]
    streams: u64,
    /// How many of them before the consumer has to wait
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=MOST_IN_A_BURST)
    )]
    burst: u64,
}

fn run(options: &Options) -> Result<Value, Box<dyn Error>> {
    let runtime = runtime::Builder::new_current_thread().build()?;
    runtime.block_on(measured(options.how, options.streams, options.burst))
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
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
