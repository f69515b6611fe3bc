//! A stream, and a hasher that knows nothing of async: where does it run?
//!
//! Another process writes --mib mebibytes into a pipe, and this one reads and
//! hashes them in chunks: in the task that reads, in a blocking thread for
//! each chunk, or reading and hashing in one blocking thread, over a
//! `SyncIoBridge` or without async at all. main.py is the twin.
//!
//!     cargo run --release --example hash-stream
//!     cargo run --release --example hash-stream -- --how bridge --mib 64
//!
//! The other process is dd, which needs /dev/zero.

use std::error::Error;
use std::io::{self, Read};
use std::num::NonZeroU32;
use std::process::{self, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::spawn_blocking;
use tokio_util::io::SyncIoBridge;

type Failure = Box<dyn Error + Send + Sync>;

const CHUNK: usize = 16 * 1024;

// ANCHOR: inline
async fn inline(mut stream: impl AsyncRead + Unpin) -> io::Result<Sha256> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match stream.read(&mut chunk).await? {
            0 => return Ok(hasher),
            length => hasher.update(&chunk[..length]),
        }
    }
}
// ANCHOR_END: inline

// ANCHOR: per_chunk
async fn per_chunk(mut stream: impl AsyncRead + Unpin) -> io::Result<Sha256> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = stream.read(&mut chunk).await?;
        if length == 0 {
            return Ok(hasher);
        }
        (hasher, chunk) = spawn_blocking(move || {
            hasher.update(&chunk[..length]);
            (hasher, chunk)
        })
        .await?;
    }
}
// ANCHOR_END: per_chunk

// ANCHOR: blocking
fn blocking(mut stream: impl Read) -> io::Result<Sha256> {
    let mut hasher = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    loop {
        match stream.read(&mut chunk)? {
            0 => return Ok(hasher),
            length => hasher.update(&chunk[..length]),
        }
    }
}
// ANCHOR_END: blocking

// ANCHOR: bridge
async fn bridged<S>(stream: S) -> io::Result<Sha256>
where
    S: AsyncRead + Unpin + Send + 'static,
{
    let bridge = SyncIoBridge::new(stream);
    spawn_blocking(move || blocking(bridge)).await?
}
// ANCHOR_END: bridge

/// Where it is hashed.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// In the task that reads
    Inline,
    /// In a blocking thread for each chunk
    PerChunk,
    /// In one blocking thread, which reads over a bridge
    Bridge,
    /// In one blocking thread, which reads the pipe itself
    Blocking,
}

/// A command that writes so many mebibytes.
fn feed(mib: u32) -> process::Command {
    let mut command = process::Command::new("dd");
    command
        .args(["if=/dev/zero", "bs=64K", "status=none"])
        .arg(format!("count={}", 16 * u64::from(mib)))
        .stdout(Stdio::piped());
    command
}

fn no_dd(error: io::Error) -> Failure {
    format!("dd, which writes the stream, cannot be started: {error}").into()
}

// ANCHOR: hashed
async fn hashed(how: How, mib: u32) -> Result<Sha256, Failure> {
    const NO_PIPE: &str = "dd was started without a pipe";
    let (hasher, status) = if let How::Blocking = how {
        let mut child = feed(mib).spawn().map_err(no_dd)?;
        let stream = child.stdout.take().ok_or(NO_PIPE)?;
        let hasher = spawn_blocking(|| blocking(stream)).await??;
        (hasher, spawn_blocking(move || child.wait()).await??)
    } else {
        let mut command = tokio::process::Command::from(feed(mib));
        let mut child = command.spawn().map_err(no_dd)?;
        let stream = child.stdout.take().ok_or(NO_PIPE)?;
        let hasher = match how {
            How::PerChunk => per_chunk(stream).await?,
            How::Bridge => bridged(stream).await?,
            _ => inline(stream).await?,
        };
        (hasher, child.wait().await?)
    };
    if !status.success() {
        return Err(format!("dd ended with {status}, expected 0").into());
    }
    Ok(hasher)
}
// ANCHOR_END: hashed

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn hex(hasher: Sha256) -> String {
    let digest = hasher.finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let mib = options.mib.map_or(1, NonZeroU32::get);
    let (wall, cpu) = (Instant::now(), cpu_time());
    let digest = hex(hashed(options.how, mib).await?);
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    if options.mib.is_none() {
        let expected = hex(Sha256::new_with_prefix(vec![0; 1 << 20]));
        if digest != expected {
            let wrong = format!("the digest is {digest}, not {expected}");
            return Err(wrong.into());
        }
    }
    Ok(json!({
        "result": { "mib": mib, "sha256": digest },
        "phases": { "hash": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": mib,
        }},
    }))
}

/// A stream is hashed by a function that knows nothing of async.
#[derive(Parser)]
struct Options {
    /// Where it is hashed
    #[arg(long, value_enum, default_value_t = How::Inline)]
    how: How,
    /// Mebibytes [default: 1, which is also hashed at once, to check]
    #[arg(long, value_name = "N")]
    mib: Option<NonZeroU32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match measured(Options::parse()).await {
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
