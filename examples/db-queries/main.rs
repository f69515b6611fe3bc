//! Requests to PostgreSQL by tokio-postgres, on Tokio.
//!
//! A request looks up so many rows, each by a query of its own: one after
//! another over one connection, down one connection without waiting for each
//! answer (a pipeline), or at once over a pool; or all by one query. The twin
//! is main.py; threads.py and others.py do the same by other drivers.
//!
//! Needs a database in which it may make a schema of its own,
//! `price_of_await`, and drops it at the end.
//!
//!     cargo run --release --example db-queries -- --queries 40 \
//!         --database postgresql://USER@127.0.0.1/NAME

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use deadpool_postgres::{
    Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use futures::future::try_join_all;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, json};
use tokio::task::JoinSet;
use tokio_postgres::{Config, NoTls};

/// For a connection, be it a new one or one of the pool.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Rows with ids from 0. The step between two lookups has no common divisor
/// with their number, so that they go all over the table.
const ROWS: i64 = 10_000;
const STEP: i64 = 7919;

/// The view holds the same, but each query of it takes so many milliseconds.
fn set_up(wait: u32) -> String {
    format!(
        "DROP SCHEMA IF EXISTS price_of_await CASCADE;
        CREATE SCHEMA price_of_await;
        CREATE TABLE price_of_await.items (id bigint PRIMARY KEY, value bigint);
        INSERT INTO price_of_await.items
            SELECT id, id * 31 % 1009
            FROM generate_series(0, {ROWS} - 1) AS id;
        ANALYZE price_of_await.items;
        CREATE VIEW price_of_await.slow_items AS
            SELECT items.*
            FROM price_of_await.items, pg_sleep({wait} / 1000.0);"
    )
}
const TEAR_DOWN: &str = "DROP SCHEMA price_of_await CASCADE";

/// What a request looks up: each id is that of one query.
fn request_ids(number: i64, queries: i64) -> Vec<i64> {
    let positions = number * queries..(number + 1) * queries;
    positions.map(|position| position * STEP % ROWS).collect()
}

// ANCHOR: in-turn
async fn in_turn(pool: &Pool, find: &str, ids: &[i64]) -> Result<i64> {
    let client = pool.get().await?;
    let find = client.prepare_cached(find).await?;
    let mut sum = 0;
    for id in ids {
        sum += client.query_one(&find, &[id]).await?.try_get::<_, i64>(0)?;
    }
    Ok(sum)
}
// ANCHOR_END: in-turn

// ANCHOR: at-once
async fn at_once(pool: &Pool, find: &str, ids: &[i64]) -> Result<i64> {
    let finding = ids.iter().map(async |id| {
        let client = pool.get().await?;
        let find = client.prepare_cached(find).await?;
        let row = client.query_one(&find, &[id]).await?;
        anyhow::Ok(row.try_get::<_, i64>(0)?)
    });
    Ok(try_join_all(finding).await?.iter().sum())
}
// ANCHOR_END: at-once

// ANCHOR: pipeline
async fn pipelined(pool: &Pool, find: &str, ids: &[i64]) -> Result<i64> {
    let client = pool.get().await?;
    let find = client.prepare_cached(find).await?;
    let finding = ids.iter().map(async |id| {
        let row = client.query_one(&find, &[id]).await?;
        anyhow::Ok(row.try_get::<_, i64>(0)?)
    });
    Ok(try_join_all(finding).await?.iter().sum())
}
// ANCHOR_END: pipeline

// ANCHOR: together
async fn together(pool: &Pool, find: &str, ids: &[i64]) -> Result<i64> {
    let client = pool.get().await?;
    let find = client.prepare_cached(find).await?;
    let rows = client.query(&find, &[&ids]).await?;
    let values = rows.iter().map(|row| row.try_get::<_, i64>(0));
    Ok(values.sum::<Result<i64, _>>()?)
}
// ANCHOR_END: together

#[derive(Clone, Copy, ValueEnum)]
enum How {
    InTurn,
    AtOnce,
    Pipelined,
    Together,
}

impl How {
    fn find(self, table: &str) -> String {
        let wanted = match self {
            How::Together => "ANY($1)",
            _ => "$1",
        };
        format!(
            "SELECT value FROM price_of_await.{table} WHERE id = {wanted}"
        )
    }

    async fn request(
        self,
        pool: &Pool,
        find: &str,
        ids: &[i64],
    ) -> Result<i64> {
        match self {
            How::InTurn => in_turn(pool, find, ids).await,
            How::AtOnce => at_once(pool, find, ids).await,
            How::Pipelined => pipelined(pool, find, ids).await,
            How::Together => together(pool, find, ids).await,
        }
    }
}

/// What the requests of a phase found, and how long each took.
#[derive(Default)]
struct Done {
    sum: i64,
    latencies: Vec<Duration>,
}

/// One caller: so many requests, one after another.
async fn call(
    options: Arc<Options>,
    pool: Pool,
    find: Arc<str>,
    numbers: Range<i64>,
) -> Result<Done> {
    let mut done = Done::default();
    for number in numbers {
        let began = Instant::now();
        let ids = request_ids(number, options.queries.into());
        done.sum += options.how.request(&pool, &find, &ids).await?;
        done.latencies.push(began.elapsed());
    }
    Ok(done)
}

async fn all_callers(
    options: &Arc<Options>,
    pool: &Pool,
    find: &Arc<str>,
    each: i64,
) -> Result<Done> {
    let mut calling = JoinSet::new();
    for caller in 0..options.callers.into() {
        let numbers = caller * each..(caller + 1) * each;
        let (options, pool, find) =
            (options.clone(), pool.clone(), find.clone());
        calling.spawn(call(options, pool, find, numbers));
    }
    let mut all = Done::default();
    while let Some(called) = calling.join_next().await {
        let done = called??;
        all.sum += done.sum;
        all.latencies.extend(done.latencies);
    }
    Ok(all)
}

/// One phase: what it found, and the report on it.
async fn phase(
    options: &Arc<Options>,
    pool: &Pool,
    table: &str,
    requests: u32,
) -> Result<(i64, serde_json::Value)> {
    let find = options.how.find(table).into();
    // Opens every connection, and prepares the query on it.
    all_callers(options, pool, &find, 1).await?;

    let (wall, cpu) = (Instant::now(), cpu_time());
    let done = all_callers(options, pool, &find, requests.into()).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    let latencies = done.latencies.iter();
    Ok((
        done.sum,
        json!({
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": done.latencies.len() as u64 * u64::from(options.queries),
            "latencies_us": latencies
                .map(|took| took.as_micros().max(1) as u64)
                .collect::<Vec<_>>(),
        }),
    ))
}

async fn measured(options: &Arc<Options>, pool: &Pool) -> Result<()> {
    let requests = options.requests()?;
    let (sum, report) = phase(options, pool, "items", requests).await?;
    let mut sums = vec![sum];
    let mut phases = Map::from_iter([("lookups".to_owned(), report)]);
    if options.slow_requests > 0 {
        let (sum, report) =
            phase(options, pool, "slow_items", options.slow_requests).await?;
        sums.push(sum);
        phases.insert("waits".to_owned(), report);
    }
    println!("{}", json!({ "result": sums, "phases": phases }));
    Ok(())
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Requests to PostgreSQL by tokio-postgres, on Tokio.
#[derive(Parser)]
struct Options {
    /// The database, where a schema price_of_await is made anew
    #[arg(long, value_name = "URL")]
    database: Config,
    /// How it is done
    #[arg(long, value_enum, default_value = "in-turn")]
    how: How,
    /// Requests under way at a time
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one())]
    callers: u32,
    /// Of each caller, one by one
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one())]
    requests: u32,
    /// Of each request
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = at_least_one())]
    queries: u32,
    /// Of the pool, all open from the start
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one())]
    connections: u32,
    /// Of each caller, in a second phase
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(..=1_000_000)
    )]
    slow_requests: u32,
    /// Milliseconds that a query takes there
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(..=1_000_000)
    )]
    wait: u32,
    /// Queries of all callers together, instead of --requests
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    total: Option<u32>,
}

impl Options {
    /// Of each caller.
    fn requests(&self) -> Result<u32> {
        let Some(total) = self.total else {
            return Ok(self.requests);
        };
        let (callers, queries) = (self.callers, self.queries);
        ensure!(
            total % (callers * queries) == 0,
            "--total {total} cannot be divided among {callers} callers \
             with {queries} queries each"
        );
        Ok(total / (callers * queries))
    }
}

fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=1_000_000)
}

fn open(options: &Options) -> Result<Pool> {
    let mut database = options.database.clone();
    database
        .connect_timeout(TIMEOUT)
        .options("-c statement_timeout=5s");
    // Looks whether the connection is closed, and sends nothing.
    let recycling_method = RecyclingMethod::Fast;
    let config = ManagerConfig { recycling_method };
    let manager = Manager::from_config(database, NoTls, config);
    Ok(Pool::builder(manager)
        .max_size(options.connections as usize)
        .wait_timeout(Some(TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Arc::new(Options::parse());
    let pool = open(&options)?;
    let client = pool.get().await.context("cannot reach the database")?;
    client.batch_execute(&set_up(options.wait)).await?;
    drop(client);
    measured(&options, &pool).await?;
    pool.get().await?.batch_execute(TEAR_DOWN).await?;
    Ok(())
}
