//! A user from PostgreSQL and her profile by HTTP, joined.
//!
//! With `serial` the profile is asked for when the user is there; with
//! `concurrent` both are waited for at once, which they may be, since neither
//! needs the other's answer. The twin is main.py.
//!
//! Needs both services: a database in which it may make a schema of its own,
//! `price_of_await`, and drops it at the end, and the server of profiles.
//!
//!     cargo run --release -p measure --bin delay-server -- --delay 20
//!     cargo run --release --example fetch-user -- \
//!         --base http://127.0.0.1:PORT \
//!         --database postgresql://USER@127.0.0.1/NAME --how concurrent

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Parser, ValueEnum};
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use reqwest::{Client, Url};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls};

/// For one query, and for one GET.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many users there are, with ids from 0.
const USERS: i64 = 1000;

/// A query that takes so many milliseconds, as one over large tables would.
fn set_up(delay: u32) -> String {
    format!(
        "DROP SCHEMA IF EXISTS price_of_await CASCADE;
        CREATE SCHEMA price_of_await;
        CREATE TABLE price_of_await.users
            (id bigint PRIMARY KEY, name text NOT NULL, email text);
        INSERT INTO price_of_await.users
            SELECT id, 'user ' || id,
                CASE WHEN id % 3 > 0 THEN id || '@host' END
            FROM generate_series(0, {USERS} - 1) AS id;
        CREATE VIEW price_of_await.slow_users AS
            SELECT users.*
            FROM price_of_await.users, pg_sleep({delay} / 1000.0);"
    )
}
const FIND_USER: &str =
    "SELECT id, name, email FROM price_of_await.slow_users WHERE id = $1";
const TEAR_DOWN: &str = "DROP SCHEMA price_of_await CASCADE";

/// What asyncpg's pool sends when a connection comes back; deadpool sends it
/// before the connection goes out again.
const RESET: &str =
    "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;";

// ANCHOR: types
#[derive(Debug)]
struct User {
    id: i64,
    name: String,
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Profile {
    id: i64,
    check: u64,
}

#[derive(Debug)]
struct Account {
    user: User,
    profile: Profile,
}

#[derive(Clone)]
struct Services {
    pool: Pool,
    http: Client,
    base: Arc<str>,
}
// ANCHOR_END: types

// ANCHOR: user
async fn find_user(services: &Services, id: i64) -> Result<Option<User>> {
    let query = async {
        let client = services.pool.get().await?;
        let statement = client.prepare_cached(FIND_USER).await?;
        anyhow::Ok(client.query_opt(&statement, &[&id]).await?)
    };
    let Some(row) = timeout(TIMEOUT, query).await?? else {
        return Ok(None);
    };
    Ok(Some(User {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        email: row.try_get("email")?,
    }))
}
// ANCHOR_END: user

// ANCHOR: profile
async fn get_profile(services: &Services, id: i64) -> Result<Profile> {
    let url = format!("{}/item/{id}", services.base);
    let response = services.http.get(url).send().await?;
    let profile = response.error_for_status()?.json().await?;
    Ok(profile)
}
// ANCHOR_END: profile

// ANCHOR: serial
async fn serial(services: &Services, id: i64) -> Result<Option<Account>> {
    let Some(user) = find_user(services, id).await? else {
        return Ok(None);
    };
    let profile = get_profile(services, id).await?;
    Ok(Some(Account { user, profile }))
}
// ANCHOR_END: serial

// ANCHOR: concurrent
async fn concurrent(services: &Services, id: i64) -> Result<Option<Account>> {
    let finding = find_user(services, id);
    let getting = get_profile(services, id);
    let (user, profile) = tokio::try_join!(finding, getting)?;
    Ok(user.map(|user| Account { user, profile }))
}
// ANCHOR_END: concurrent

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Serial,
    Concurrent,
}

impl How {
    async fn fetch_user(
        self,
        services: &Services,
        id: i64,
    ) -> Result<Option<Account>> {
        match self {
            How::Serial => serial(services, id).await,
            How::Concurrent => concurrent(services, id).await,
        }
        .with_context(|| format!("user {id} was not fetched"))
    }

    /// One fetch after another.
    async fn fetch_several(
        self,
        services: Services,
        ids: Range<i64>,
    ) -> Result<Vec<Account>> {
        let mut accounts = Vec::new();
        for id in ids.map(|id| id % USERS) {
            let found = self.fetch_user(&services, id).await?;
            let account =
                found.with_context(|| format!("there is no user {id}"))?;
            let name = format!("user {id}");
            ensure!(
                account.user.name == name
                    && account.user.id == id
                    && account.profile.id == id,
                "user {id}: found {account:?}"
            );
            accounts.push(account);
        }
        Ok(accounts)
    }

    /// As many callers at a time, each with so many fetches of its own.
    async fn fetch_all(
        self,
        services: &Services,
        callers: u32,
        fetches: u32,
    ) -> Result<Vec<Account>> {
        let mut calling = JoinSet::new();
        for caller in 0..i64::from(callers) {
            let fetches = i64::from(fetches);
            let ids = caller * fetches..(caller + 1) * fetches;
            calling.spawn(self.fetch_several(services.clone(), ids));
        }
        let mut accounts = Vec::new();
        while let Some(called) = calling.join_next().await {
            accounts.extend(called??);
        }
        Ok(accounts)
    }
}

async fn measured(options: &Options, services: &Services) -> Result<()> {
    let how = options.how;
    // Opens every connection and prepares the query on it. One id too far:
    // there is a profile, but no user.
    how.fetch_all(services, options.callers, 1).await?;
    let nobody = how.fetch_user(services, USERS).await?;
    ensure!(nobody.is_none(), "a user was found who is not there");

    let (wall, cpu) = (Instant::now(), cpu_time());
    let accounts = how
        .fetch_all(services, options.callers, options.fetches)
        .await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let checks = accounts.iter().map(|account| account.profile.check);
    let emails = accounts.iter().filter(|found| found.user.email.is_some());
    let report = json!({
        "result": {
            "checks": checks.sum::<u64>(),
            "emails": emails.count(),
        },
        "phases": { "fetches": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": accounts.len(),
        } },
    });
    println!("{report}");
    Ok(())
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A user from PostgreSQL and her profile by HTTP, joined.
#[derive(Parser)]
struct Options {
    /// The database, where a schema price_of_await is made anew
    #[arg(long, value_name = "URL")]
    database: Config,
    /// Where profiles are, as URL/item/0, URL/item/1...
    #[arg(long, value_name = "URL", value_parser = http_url)]
    base: Arc<str>,
    /// How the two are waited for
    #[arg(long, value_enum, default_value = "concurrent")]
    how: How,
    /// Who fetch at the same time
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    callers: u32,
    /// Of each, one after another
    #[arg(
        long,
        value_name = "N",
        default_value_t = 25,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    fetches: u32,
    /// How long the query takes
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(..=1_000_000)
    )]
    query: u32,
}

fn http_url(text: &str) -> Result<Arc<str>, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() != "http" {
        return Err("expected one like http://127.0.0.1:8000".into());
    }
    Ok(text.trim_end_matches('/').into())
}

// ANCHOR: open
fn open(options: &Options) -> Result<Services> {
    let mut database = options.database.clone();
    database.connect_timeout(TIMEOUT);
    let recycling_method = RecyclingMethod::Custom(RESET.into());
    let config = ManagerConfig { recycling_method };
    let manager = Manager::from_config(database, NoTls, config);
    let callers = options.callers as usize;
    Ok(Services {
        pool: Pool::builder(manager).max_size(callers).build()?,
        http: Client::builder()
            .pool_max_idle_per_host(callers)
            .timeout(TIMEOUT)
            .no_proxy()
            .build()?,
        base: options.base.clone(),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let services = open(&options)?;
    let client = services.pool.get().await?;
    client.batch_execute(&set_up(options.query)).await?;
    drop(client);
    measured(&options, &services).await?;
    let client = services.pool.get().await?;
    client.batch_execute(TEAR_DOWN).await?;
    Ok(())
}
// ANCHOR_END: open
