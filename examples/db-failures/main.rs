//! What a pool does when its users keep connections, or are cancelled.
//!
//! Three things, by tokio-postgres over deadpool: requests that keep a
//! connection while they wait for something else, against requests that give
//! it back; a query that is given up, and how long whoever gets its
//! connection next must wait; a transaction that is given up. The twin is
//! main.py.
//!
//! Needs a database, in which it leaves nothing.
//!
//!     cargo run --release --example db-failures -- \
//!         --database postgresql://USER@127.0.0.1/NAME

use std::future::pending;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use deadpool_postgres::{
    Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use futures::future::try_join_all;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};
use tokio_postgres::{Config, NoTls};

/// For a connection, be it a new one or one of the pool.
const TIMEOUT: Duration = Duration::from_secs(5);
const NAME: &str = "price_of_await";
const COUNT_OPEN: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE application_name = $1 AND state LIKE 'idle in transaction%'";

// ANCHOR: kept
async fn kept(pool: &Pool, elsewhere: Duration) -> Result<()> {
    let client = pool.get().await?;
    client.batch_execute("SELECT 1").await?;
    sleep(elsewhere).await; // an HTTP call, say
    client.batch_execute("SELECT 2").await?;
    Ok(())
}
// ANCHOR_END: kept

// ANCHOR: returned
async fn returned(pool: &Pool, elsewhere: Duration) -> Result<()> {
    pool.get().await?.batch_execute("SELECT 1").await?;
    sleep(elsewhere).await;
    pool.get().await?.batch_execute("SELECT 2").await?;
    Ok(())
}
// ANCHOR_END: returned

// ANCHOR: given-up
/// Until the next user of the pool's only connection is served.
async fn given_up(
    pool: &Pool,
    query: Duration,
    patience: Duration,
    cancel: bool,
) -> Result<Duration> {
    {
        let client = pool.get().await?;
        let query = format!("SELECT pg_sleep({})", query.as_secs_f64());
        let mut asking = pin!(client.batch_execute(&query));
        let ended = timeout(patience, asking.as_mut()).await;
        ensure!(ended.is_err(), "the query should not have ended");
        if cancel {
            client.cancel_token().cancel_query(NoTls).await?;
            // A cancellation that is late strikes the next user's query.
            ensure!(asking.await.is_err(), "it should have been cancelled");
        }
    }
    let began = Instant::now();
    pool.get().await?.batch_execute("SELECT 1").await?;
    Ok(began.elapsed())
}
// ANCHOR_END: given-up

// ANCHOR: left-open
async fn leave_open(pool: &Pool, patience: Duration) -> Result<()> {
    let work = async {
        let client = pool.get().await?;
        client.batch_execute("BEGIN").await?;
        pending::<()>().await;
        client.batch_execute("COMMIT").await?;
        anyhow::Ok(())
    };
    let ended = timeout(patience, work).await;
    ensure!(ended.is_err(), "this should not have ended");
    Ok(())
}
// ANCHOR_END: left-open

// ANCHOR: guarded
async fn leave_guarded(pool: &Pool, patience: Duration) -> Result<()> {
    let work = async {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        pending::<()>().await;
        transaction.commit().await?;
        anyhow::Ok(())
    };
    let ended = timeout(patience, work).await;
    ensure!(ended.is_err(), "this should not have ended");
    Ok(())
}
// ANCHOR_END: guarded

/// When a phase began, and the CPU time used by then.
struct Clock(Instant, Duration);

impl Clock {
    fn start() -> Clock {
        Clock(Instant::now(), cpu_time())
    }

    fn stop(self, work: u32) -> Value {
        let took = self.0.elapsed();
        self.stop_at(took, work)
    }

    fn stop_at(self, took: Duration, work: u32) -> Value {
        json!({
            "seconds": took.as_secs_f64(),
            "cpu_seconds": (cpu_time() - self.1).as_secs_f64(),
            "work": work,
        })
    }
}

async fn run(options: &Options) -> Result<()> {
    let mut phases = Map::new();
    let requests = options.requests;
    let elsewhere = milliseconds(options.elsewhere);
    let patience = milliseconds(options.patience);
    let query = milliseconds(options.query);

    let pool = open(options, options.connections)?;
    for (name, wait) in [("open", Duration::ZERO), ("kept", elsewhere)] {
        let clock = Clock::start();
        try_join_all((0..requests).map(|_| kept(&pool, wait))).await?;
        phases.insert(name.into(), clock.stop(requests));
    }
    // It only opened the connections.
    phases.remove("open");
    let clock = Clock::start();
    try_join_all((0..requests).map(|_| returned(&pool, elsewhere))).await?;
    phases.insert("returned".into(), clock.stop(requests));
    pool.close();

    let pool = open(options, 1)?;
    let clock = Clock::start();
    let took = given_up(&pool, query, patience, options.careful).await?;
    phases.insert("given_up".into(), clock.stop_at(took, 1));
    let clock = Clock::start();
    if options.careful {
        leave_guarded(&pool, patience).await?;
    } else {
        leave_open(&pool, patience).await?;
    }
    let left = count_open(options).await?;
    let mut left_open = clock.stop(1);
    left_open["counts"] = json!({ "transactions": left });
    phases.insert("left_open".into(), left_open);

    println!("{}", json!({ "result": requests, "phases": phases }));
    Ok(())
}

async fn count_open(options: &Options) -> Result<i64> {
    let (client, connection) = options.database.connect(NoTls).await?;
    let connection = tokio::spawn(connection);
    let row = client.query_one(COUNT_OPEN, &[&NAME]).await?;
    drop(client);
    connection.await??;
    Ok(row.try_get(0)?)
}

fn open(options: &Options, size: u32) -> Result<Pool> {
    let mut database = options.database.clone();
    database.connect_timeout(TIMEOUT).application_name(NAME);
    let recycling_method = RecyclingMethod::Fast;
    let config = ManagerConfig { recycling_method };
    let manager = Manager::from_config(database, NoTls, config);
    Ok(Pool::builder(manager)
        .max_size(size as usize)
        .wait_timeout(Some(TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()?)
}

fn milliseconds(count: u32) -> Duration {
    Duration::from_millis(count.into())
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// What a pool does when its users keep connections, or are cancelled.
#[derive(Parser)]
struct Options {
    /// The database
    #[arg(long, value_name = "URL")]
    database: Config,
    /// Cancel the query, and begin the transaction by its guard
    #[arg(long)]
    careful: bool,
    /// Under way at once
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one())]
    requests: u32,
    /// Of their pool
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = at_least_one())]
    connections: u32,
    /// Milliseconds that each waits elsewhere
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one())]
    elsewhere: u32,
    /// Milliseconds that the query to give up takes
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = at_least_one())]
    query: u32,
    /// Milliseconds after which it is given up
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = at_least_one())]
    patience: u32,
}

fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=100_000)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    run(&options).await.context("by tokio-postgres")
}
