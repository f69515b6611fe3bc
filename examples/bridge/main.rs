//! Documents put into a number each, with no border to cross.
//!
//! What main.py does through the extension module is done here by a program
//! that is Rust throughout: one document after another, in place (--how
//! call), or each in a task of Tokio (tokio). main.py is the twin, and says
//! more.
//!
//!     cargo run --release --example bridge
//!     cargo run --release --example bridge -- --how tokio --fields 1

use std::process::ExitCode;
use std::str;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::Builder;

/// Different ones, used over and over.
const DIFFERENT: u64 = 64;

// ANCHOR: digest
/// Puts a document, numbers between commas, into one number.
fn digest(document: &[u8]) -> Result<u64> {
    let mut value = 0;
    for field in document.split(|&byte| byte == b',') {
        let number: u32 = str::from_utf8(field)?.parse()?;
        value = (value * 31 + u64::from(number)) % 65_521;
    }
    Ok(value)
}
// ANCHOR_END: digest

fn documents(fields: u64) -> Vec<&'static [u8]> {
    let document = |k: u64| -> &'static [u8] {
        let fields: Vec<String> = (0..fields)
            .map(|i| ((k * 7919 + i * 104_729) % 1000).to_string())
            .collect();
        // They live as long as the program.
        fields.join(",").into_bytes().leak()
    };
    (0..DIFFERENT).map(document).collect()
}

/// Who digests the documents.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// The task that has them
    Call,
    /// A task for each
    Tokio,
}

impl How {
    async fn digest(self, document: &'static [u8]) -> Result<u64> {
        match self {
            How::Call => digest(document),
            How::Tokio => {
                tokio::spawn(async move { digest(document) }).await?
            }
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn measured(options: Options) -> Result<Value> {
    let different = documents(options.fields);
    let count = options
        .documents
        .min((options.total / options.fields).max(1));
    let work = different.iter().cycle().take(count as usize);
    let (wall, cpu) = (Instant::now(), cpu_time());
    let mut total = 0;
    for document in work {
        total += options.how.digest(document).await?;
    }
    let phase = json!({
        "seconds": wall.elapsed().as_secs_f64(),
        "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
        "work": count,
    });
    Ok(json!({
        "result": { "documents": count, "total": total },
        "phases": { "documents": phase },
    }))
}

/// Documents put into a number each, with no border to cross.
#[derive(Parser)]
struct Options {
    /// Who digests the documents
    #[arg(long, value_enum, default_value_t = How::Call)]
    how: How,
    /// Fields of a document
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    fields: u64,
    /// Fields of all documents together
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200_000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    total: u64,
    /// Documents at most
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2_000,
        value_parser = clap::value_parser!(u64).range(1..=1_000_000_000)
    )]
    documents: u64,
}

fn run(options: Options) -> Result<Value> {
    let runtime = Builder::new_current_thread()
        .build()
        .context("no runtime")?;
    runtime.block_on(async { tokio::spawn(measured(options)).await? })
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
