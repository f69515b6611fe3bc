//! GETs from Redis by redis-rs, on Tokio: in turn, in pipelines, and at once.
//!
//! There is one connection. Those who ask at once share it, and it sends
//! their requests one behind the other without waiting for each answer. The
//! twin is main.py. Needs a Redis server, where it sets keys of its own and
//! deletes them again.
//!
//!     cargo run --release --example redis-gets -- \
//!         --redis redis://127.0.0.1:6379/0

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, AsyncConnectionConfig, Client, pipe};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

/// For a connection, or for one answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Keys, numbered from 0. The step between two GETs has no common divisor
/// with their number, so that all of them are asked for.
const KEYS: u64 = 1000;
const STEP: u64 = 389;

fn key(number: u64) -> String {
    format!("price_of_await:{}", number * STEP % KEYS)
}

// ANCHOR: in-turn
async fn in_turn(
    mut redis: MultiplexedConnection,
    numbers: Range<u64>,
) -> Result<u64> {
    let mut sum = 0;
    for number in numbers {
        sum += redis.get::<_, u64>(key(number)).await?;
    }
    Ok(sum)
}
// ANCHOR_END: in-turn

// ANCHOR: pipeline
async fn pipelined(
    mut redis: MultiplexedConnection,
    numbers: Range<u64>,
    batch: u64,
) -> Result<u64> {
    let mut sum = 0;
    for start in numbers.clone().step_by(batch as usize) {
        let mut pipeline = pipe();
        for number in start..numbers.end.min(start + batch) {
            pipeline.get(key(number));
        }
        let values: Vec<u64> = pipeline.query_async(&mut redis).await?;
        sum += values.iter().sum::<u64>();
    }
    Ok(sum)
}
// ANCHOR_END: pipeline

// ANCHOR: at-once
async fn at_once(
    redis: MultiplexedConnection,
    numbers: Range<u64>,
    callers: u64,
) -> Result<u64> {
    let each = (numbers.end - numbers.start) / callers;
    let mut asking = JoinSet::new();
    for start in numbers.step_by(each as usize) {
        asking.spawn(in_turn(redis.clone(), start..start + each));
    }
    let mut sum = 0;
    while let Some(asked) = asking.join_next().await {
        sum += asked??;
    }
    Ok(sum)
}
// ANCHOR_END: at-once

/// What one phase found, and the report on it.
async fn phase(
    asking: impl Future<Output = Result<u64>>,
    gets: u64,
) -> Result<(u64, Value)> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let sum = asking.await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    let report = json!({
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "work": gets,
    });
    Ok((sum, report))
}

async fn measured(
    redis: &MultiplexedConnection,
    options: &Options,
) -> Result<()> {
    let Options {
        gets,
        batch,
        callers,
        ..
    } = *options;
    let redis = || redis.clone();
    let phases = [
        ("in_turn", phase(in_turn(redis(), 0..gets), gets).await?),
        (
            "pipeline",
            phase(pipelined(redis(), 0..gets, batch), gets).await?,
        ),
        (
            "at_once",
            phase(at_once(redis(), 0..gets, callers), gets).await?,
        ),
    ];
    let sums = phases.iter().map(|(_, (sum, _))| *sum).collect::<Vec<_>>();
    let reports = phases.into_iter();
    let reports =
        reports.map(|(name, (_, report))| (name.to_owned(), report));
    let reports = Map::from_iter(reports);
    println!("{}", json!({ "result": sums, "phases": reports }));
    Ok(())
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// GETs from Redis by redis-rs, on Tokio: in turn, in pipelines, and at once.
#[derive(Parser)]
struct Options {
    /// The server, where keys price_of_await:* are set
    #[arg(long, value_name = "URL", value_parser = redis_url)]
    redis: Client,
    /// GETs in each phase
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = at_least_one())]
    gets: u64,
    /// GETs in one pipeline
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = at_least_one())]
    batch: u64,
    /// Who ask at the same time, in the last phase
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one())]
    callers: u64,
}

fn redis_url(text: &str) -> redis::RedisResult<Client> {
    Client::open(text)
}

fn at_least_one() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=1_000_000)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    for parts in [options.batch, options.callers] {
        let gets = options.gets;
        ensure!(gets % parts == 0, "--gets {gets} is no multiple of {parts}");
    }
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT));
    let mut redis = options
        .redis
        .get_multiplexed_async_connection_with_config(&config)
        .await
        .context("cannot reach Redis")?;
    let values = (0..KEYS).map(|number| (key(number), number * 31 % 1009));
    let values: Vec<_> = values.collect();
    redis.mset::<_, _, ()>(&values).await?;
    measured(&redis, &options).await?;
    let keys: Vec<_> = values.into_iter().map(|(key, _)| key).collect();
    redis.del::<_, ()>(keys).await?;
    Ok(())
}
