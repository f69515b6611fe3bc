//! Ping-pong over pairs of sockets on Tokio: what a message costs, and how
//! often a task is polled and woken for it.
//!
//! On asyncio the same is main.py; mini.rs brings a runtime of its own.
//!
//!     cargo run --release --example mini-runtime
//!     cargo run --release --example mini-runtime -- --pairs 100
//!
//! Two games are played. The first is timed. In the second, shorter one every
//! task is wrapped in a future that counts its polls and the calls of its
//! waker; counting costs something, so nothing is made of its time.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime;
use tokio::task::JoinHandle;

// ANCHOR: play
async fn ping(
    mut stream: UnixStream,
    first: u64,
    rounds: u64,
) -> Result<u64, Failure> {
    let mut number = first;
    for _ in 0..rounds {
        stream.write_all(&number.to_be_bytes()).await?;
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).await?;
        let answer = u64::from_be_bytes(answer);
        if answer != number + 1 {
            return Err(format!("{number} was answered {answer}").into());
        }
        number = answer;
    }
    Ok(number)
}

async fn pong(mut stream: UnixStream, rounds: u64) -> Result<(), Failure> {
    for _ in 0..rounds {
        let mut number = [0; 8];
        stream.read_exact(&mut number).await?;
        let answer = u64::from_be_bytes(number) + 1;
        stream.write_all(&answer.to_be_bytes()).await?;
    }
    Ok(())
}
// ANCHOR_END: play

// ANCHOR: counted
#[derive(Default)]
struct Counts {
    polls: AtomicU64,
    wakes: AtomicU64,
}

/// Polls the future inside, with a waker that counts.
struct Counted<F> {
    future: Pin<Box<F>>,
    counts: Arc<Counts>,
}

struct CountingWaker {
    inside: Waker,
    counts: Arc<Counts>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        self.counts.polls.fetch_add(1, Ordering::Relaxed);
        let waker = Waker::from(Arc::new(CountingWaker {
            inside: context.waker().clone(),
            counts: self.counts.clone(),
        }));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for CountingWaker {
    fn wake(self: Arc<Self>) {
        self.counts.wakes.fetch_add(1, Ordering::Relaxed);
        self.inside.wake_by_ref();
    }
}
// ANCHOR_END: counted

fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
    counts: Option<&Arc<Counts>>,
) -> JoinHandle<T> {
    match counts {
        None => tokio::spawn(future),
        Some(counts) => tokio::spawn(Counted {
            future: Box::pin(future),
            counts: counts.clone(),
        }),
    }
}

/// So many pairs play so many rounds each; the sum of their last numbers.
async fn play(
    pairs: u64,
    rounds: u64,
    counts: Option<&Arc<Counts>>,
) -> Result<u64, Failure> {
    let (mut pings, mut pongs) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        let (near, far) = UnixStream::pair()?;
        pings.push(spawn(ping(near, pair * rounds, rounds), counts));
        pongs.push(spawn(pong(far, rounds), counts));
    }
    let mut sum = 0;
    for ping in pings {
        sum += ping.await??;
    }
    for pong in pongs {
        pong.await??;
    }
    // Pair p begins at p times the rounds, and each round adds one.
    let expected = rounds * pairs * (pairs + 1) / 2;
    if sum != expected {
        let wrong = format!("the numbers sum to {sum}, not {expected}");
        return Err(wrong.into());
    }
    Ok(sum)
}

async fn measured(pairs: u64, messages: u64) -> Result<Value, Failure> {
    let rounds = messages / (2 * pairs);
    let (wall, cpu) = (Instant::now(), cpu_time());
    let sum = play(pairs, rounds, None).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let counts = Arc::new(Counts::default());
    let counted_rounds = rounds.div_ceil(COUNTED);
    let (wall, cpu) = (Instant::now(), cpu_time());
    play(pairs, counted_rounds, Some(&counts)).await?;
    let counted_seconds = wall.elapsed().as_secs_f64();
    let counted_cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    Ok(json!({
        "result": { "pairs": pairs, "rounds": rounds, "sum": sum },
        "phases": {
            "play": {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "work": 2 * pairs * rounds,
            },
            "counted": {
                "seconds": counted_seconds,
                "cpu_seconds": counted_cpu_seconds,
                "work": 2 * pairs * counted_rounds,
                "counts": {
                    "polls": counts.polls.load(Ordering::Relaxed),
                    "wakes": counts.wakes.load(Ordering::Relaxed),
                },
            },
        },
    }))
}

/// The counted game is shorter by this factor.
const COUNTED: u64 = 5;

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

type Failure = Box<dyn Error + Send + Sync>;

/// Ping-pong over pairs of sockets on Tokio's current-thread runtime.
#[derive(Parser)]
struct Options {
    /// Pairs of sockets that play at the same time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    pairs: u64,
    /// Messages in all, both ways; rounded down to whole rounds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4_000,
        value_parser = clap::value_parser!(u64).range(2000..=1_000_000_000)
    )]
    messages: u64,
}

fn run(options: Options) -> Result<Value, Failure> {
    let runtime: io::Result<_> =
        runtime::Builder::new_current_thread().enable_all().build();
    runtime?.block_on(async {
        // As a task: what block_on itself is given is polled apart.
        tokio::spawn(measured(options.pairs, options.messages)).await?
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
