//! What a turn of an event loop costs, and an echo through it.
//!
//! First tasks that do nothing but let each other go on, turn after turn;
//! then pairs of tasks that send a message there and back over a pair of
//! sockets. All runs on Tokio's current-thread runtime. The twin is main.py.
//!
//!     cargo run --release --example event-loop
//!     cargo run --release --example event-loop -- --turns 30000
//!
//! Sockets in pairs are Unix's, so this needs Linux or macOS.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime;
use tokio::task::yield_now;

const MESSAGE_BYTES: usize = 1024;
// Bounds what a slip of the finger could take of memory and descriptors.
const MOST_TASKS: u64 = 100_000;
const MOST_PAIRS: u64 = 100;
const MOST_TURNS: u64 = 100_000_000;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: turns
async fn take_turns(index: u64, turns: u64) -> u64 {
    let mut total = 0;
    for _ in 0..turns {
        total += index;
        yield_now().await;
    }
    total
}

async fn all_turns(tasks: u64, turns: u64) -> Result<u64, Failure> {
    let running: Vec<_> = (0..tasks)
        .map(|index| tokio::spawn(take_turns(index, turns)))
        .collect();
    let mut sum = 0;
    for task in running {
        sum += task.await?;
    }
    Ok(sum)
}
// ANCHOR_END: turns

// ANCHOR: echo
async fn echo(mut stream: UnixStream) -> Result<u64, Failure> {
    let mut buffer = [0; 4096];
    let mut echoed = 0;
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(echoed);
        }
        stream.write_all(&buffer[..length]).await?;
        echoed += length as u64;
    }
}

async fn ask(
    mut stream: UnixStream,
    index: u8,
    messages: u64,
) -> Result<u64, Failure> {
    let message = [index; MESSAGE_BYTES];
    let mut buffer = [0; 4096];
    for _ in 0..messages {
        stream.write_all(&message).await?;
        let mut length = 0;
        while length < MESSAGE_BYTES {
            let part = stream.read(&mut buffer[length..]).await?;
            if part == 0 {
                return Err("the echo closed its side too early".into());
            }
            length += part;
        }
        if buffer[..length] != message {
            return Err("the echo is not what was sent".into());
        }
    }
    Ok(0) // drops the stream: the echo reads its end
}
// ANCHOR_END: echo

async fn all_echoes(pairs: u64, messages: u64) -> Result<u64, Failure> {
    let mut running = Vec::new();
    for index in 0..pairs {
        let (near, far) = UnixStream::pair()?;
        running.push(tokio::spawn(echo(far)));
        running.push(tokio::spawn(ask(near, index as u8, messages)));
    }
    let mut sum = 0;
    for task in running {
        sum += task.await??;
    }
    Ok(sum)
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

/// What the work gave, and what it took.
async fn measured(
    work: impl Future<Output = Result<u64, Failure>>,
    units: u64,
    expected: u64,
) -> Result<(u64, Phase), Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let answer = work.await?;
    let phase = Phase {
        seconds: wall.elapsed().as_secs_f64(),
        cpu_seconds: (cpu_time() - cpu).as_secs_f64(),
        work: units,
    };
    if answer != expected {
        return Err(format!("the answer is {answer}, not {expected}").into());
    }
    Ok((answer, phase))
}

/// What a turn of an event loop costs, and an echo through it.
#[derive(Parser)]
struct Options {
    /// How many tasks take turns
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=MOST_TASKS)
    )]
    tasks: u64,
    /// How many turns each of them takes
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_TURNS)
    )]
    turns: u64,
    /// How many pairs send messages
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=MOST_PAIRS)
    )]
    pairs: u64,
    /// How many messages each pair sends
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=MOST_TURNS)
    )]
    messages: u64,
}

async fn report(options: Options) -> Result<Value, Failure> {
    let Options {
        tasks,
        turns,
        pairs,
        messages,
    } = options;
    let (sum, turned) = measured(
        all_turns(tasks, turns),
        tasks * turns,
        turns * (tasks * (tasks - 1) / 2),
    )
    .await?;
    let (bytes, echoed) = measured(
        all_echoes(pairs, messages),
        pairs * messages,
        pairs * messages * MESSAGE_BYTES as u64,
    )
    .await?;
    Ok(json!({
        "result": { "turns": tasks * turns, "sum": sum, "bytes": bytes },
        "phases": { "turns": turned, "echo": echoed },
    }))
}

fn run(options: Options) -> Result<Value, Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // As a task like all the others, not as what the runtime blocks on.
    runtime.block_on(async { tokio::spawn(report(options)).await? })
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
