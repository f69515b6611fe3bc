//! What an item costs that flows through a stream.
//!
//! A source gives numbers, a stage leaves out the multiples of three and
//! maps the others, and the consumer adds up. Source and stage are ordinary
//! iterators (`iterator`), a `Stream` written by hand with the combinators
//! of the crate futures (`stream`), or blocks of the crate async-stream
//! (`async-stream`); or a task of its own sends the numbers through a
//! channel (`channel`). None but the last ever has to wait. Each does it
//! twice: item by item, and in chunks. The twin is main.py.
//!
//!     cargo run --release --example stream-items
//!     cargo run --release --example stream-items -- --how channel
//!
//! All runs on one thread.

use std::error::Error;
use std::future::ready;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use async_stream::stream;
use clap::{Parser, ValueEnum};
use futures::{Stream, StreamExt};
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Bounds what a slip of the finger could take of the time, and keeps the
/// sum within 64 bits.
const MOST_ITEMS: u64 = 10_000_000_000;
/// And what a chunk could take of the memory.
const MOST_IN_A_CHUNK: u64 = 1_000_000;
/// How many items, or chunks, the channel holds.
const CAPACITY: usize = 100;

type Failure = Box<dyn Error + Send + Sync>;
type Chunk = Vec<u64>;

// ANCHOR: generator
/// Opaque to the compiler, which would otherwise compute the sum itself.
fn numbers(count: u64) -> impl Iterator<Item = u64> {
    (0..count).map(black_box)
}

fn total(items: impl Iterator<Item = u64>) -> u64 {
    items
        .filter(|number| number % 3 != 0)
        .map(|n| n % 1000)
        .sum()
}
// ANCHOR_END: generator

fn chunks(count: u64, size: u64) -> impl Iterator<Item = Chunk> {
    (0..count)
        .step_by(size as usize)
        .map(move |first| (first..count.min(first + size)).map(black_box))
        .map(Iterator::collect)
}

fn total_of_chunks(items: impl Iterator<Item = Chunk>) -> u64 {
    items.map(|chunk| kept_of(chunk).iter().sum::<u64>()).sum()
}

// ANCHOR: by_hand
struct Numbers<I>(I);

impl<I: Iterator + Unpin> Stream for Numbers<I> {
    type Item = I::Item;

    fn poll_next(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}
// ANCHOR_END: by_hand

// ANCHOR: combinators
fn kept(source: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
    source
        .filter(|number| ready(number % 3 != 0))
        .map(|number| number % 1000)
}
// ANCHOR_END: combinators

// ANCHOR: stream
fn async_numbers<T>(items: impl Iterator<Item = T>) -> impl Stream<Item = T> {
    stream! {
        for item in items {
            yield item;
        }
    }
}

fn async_kept(source: impl Stream<Item = u64>) -> impl Stream<Item = u64> {
    stream! {
        for await number in source {
            if number % 3 != 0 {
                yield number % 1000;
            }
        }
    }
}
// ANCHOR_END: stream

// ANCHOR: consume
async fn async_total(stream: impl Stream<Item = u64>) -> u64 {
    let mut stream = pin!(stream);
    let mut result = 0;
    while let Some(number) = stream.next().await {
        result += number;
    }
    result
}
// ANCHOR_END: consume

// ANCHOR: chunked
fn kept_of(chunk: Chunk) -> Chunk {
    let kept = chunk.into_iter().filter(|number| number % 3 != 0);
    kept.map(|number| number % 1000).collect()
}

fn async_kept_chunks(
    source: impl Stream<Item = Chunk>,
) -> impl Stream<Item = Chunk> {
    stream! {
        for await chunk in source {
            yield kept_of(chunk);
        }
    }
}

async fn async_total_of_chunks(stream: impl Stream<Item = Chunk>) -> u64 {
    let mut stream = pin!(stream);
    let mut result = 0;
    while let Some(chunk) = stream.next().await {
        result += chunk.iter().sum::<u64>();
    }
    result
}
// ANCHOR_END: chunked

// ANCHOR: channel
fn received<T: Send + 'static>(
    items: impl Iterator<Item = T> + Send + 'static,
) -> impl Stream<Item = T> {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    tokio::spawn(async move {
        for item in items {
            if sender.send(item).await.is_err() {
                break; // nobody listens any more
            }
        }
    });
    ReceiverStream::new(receiver)
}

async fn total_through_channel(
    items: impl Iterator<Item = u64> + Send + 'static,
) -> u64 {
    async_total(kept(received(items))).await
}
// ANCHOR_END: channel

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Iterator,
    Stream,
    AsyncStream,
    Channel,
}

impl How {
    async fn by_item(self, count: u64) -> u64 {
        let items = numbers(count);
        match self {
            How::Iterator => total(items),
            How::Stream => async_total(kept(Numbers(items))).await,
            How::AsyncStream => {
                async_total(async_kept(async_numbers(items))).await
            }
            How::Channel => total_through_channel(items).await,
        }
    }

    async fn by_chunk(self, count: u64, size: u64) -> u64 {
        let items = chunks(count, size);
        match self {
            How::Iterator => total_of_chunks(items),
            How::Stream => {
                async_total_of_chunks(Numbers(items).map(kept_of)).await
            }
            How::AsyncStream => {
                let stream = async_kept_chunks(async_numbers(items));
                async_total_of_chunks(stream).await
            }
            How::Channel => {
                async_total_of_chunks(received(items).map(kept_of)).await
            }
        }
    }
}

/// The same sum without a stream: it repeats itself every 3000 items.
fn expected(count: u64) -> u64 {
    let of = |count| (0..count).filter(|n| n % 3 != 0).map(|n| n % 1000);
    let all = |count| of(count).sum::<u64>();
    count / 3000 * all(3000) + all(count % 3000)
}

/// A measured phase, as the report line gives it.
#[derive(Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    work: u64,
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(
    computing: impl Future<Output = u64>,
    count: u64,
) -> Result<Phase, Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let got = computing.await;
    let phase = Phase {
        seconds: wall.elapsed().as_secs_f64(),
        cpu_seconds: (cpu_time() - cpu).as_secs_f64(),
        work: count,
    };
    let right = expected(count);
    if got != right {
        return Err(format!("the items sum to {got}, not to {right}").into());
    }
    Ok(phase)
}

/// What an item costs that flows through a stream.
#[derive(Parser)]
struct Options {
    /// What the items flow through
    #[arg(long, value_enum, default_value = "stream")]
    how: How,
    /// How many
    #[arg(
        long,
        value_name = "N",
        default_value_t = 50_000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_ITEMS)
    )]
    items: u64,
    /// How many items make a chunk
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=MOST_IN_A_CHUNK)
    )]
    chunk: u64,
}

fn run(options: Options) -> Result<Value, Failure> {
    let Options { how, items, chunk } = options;
    let runtime = runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let by_item = measured(how.by_item(items), items).await?;
        let by_chunk = measured(how.by_chunk(items, chunk), items).await?;
        Ok(json!({
            "result": { "items": items, "sum": expected(items) },
            "phases": { "items": by_item, "chunks": by_chunk },
        }))
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
