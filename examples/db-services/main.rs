//! Users from PostgreSQL by axum and tokio-postgres, over deadpool.
//!
//! One thread, and a pool of connections. A request does so many lookups, one
//! after another. The twins are main.py and bottle_app.py. Needs a database
//! in which it may make a schema of its own, `price_of_await`, which it
//! leaves there.
//!
//!     cargo run --release --example db-services -- --listen 127.0.0.1:7007 \
//!         --database postgresql://USER@127.0.0.1/NAME
//!     curl http://127.0.0.1:7007/user/7

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use clap::Parser;
use deadpool_postgres::{
    Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use serde::Serialize;
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio_postgres::{Config, NoTls};

/// For a connection, be it a new one or one of the pool.
const TIMEOUT: Duration = Duration::from_secs(5);
const BACKLOG: u32 = 1024;

/// Users with ids from 1. The step between two lookups of a request has no
/// common divisor with their number.
const USERS: i64 = 1000;
const STEP: i64 = 389;

fn set_up() -> String {
    format!(
        "DROP SCHEMA IF EXISTS price_of_await CASCADE;
        CREATE SCHEMA price_of_await;
        CREATE TABLE price_of_await.users
            (id bigint PRIMARY KEY, name text NOT NULL);
        INSERT INTO price_of_await.users
            SELECT id, 'user ' || id FROM generate_series(1, {USERS}) AS id;
        ANALYZE price_of_await.users;"
    )
}

/// Whom a request looks up: the user, and others.
fn wanted(user: i64, queries: i64) -> impl Iterator<Item = i64> {
    (0..queries).map(move |n| (user - 1 + n * STEP) % USERS + 1)
}

// ANCHOR: service
const FIND: &str = "SELECT name FROM price_of_await.users WHERE id = $1";

#[derive(Serialize)]
struct Answer {
    id: i64,
    name: String,
    found: usize,
}

async fn find(
    Path(user): Path<i64>,
    State(service): State<Service>,
) -> Response {
    let answer = look_up(&service, user).await.and_then(|answer| {
        let body = serde_json::to_vec(&answer)?;
        Ok(([(CONTENT_TYPE, "application/json")], body))
    });
    match answer {
        Ok(answer) => answer.into_response(),
        Err(error) => {
            eprintln!("user {user}: {error:#}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn look_up(service: &Service, user: i64) -> Result<Answer> {
    let client = service.pool.get().await?;
    let find = client.prepare_cached(FIND).await?;
    let mut names = Vec::new();
    for id in wanted(user, service.queries) {
        let row = client.query_one(&find, &[&id]).await?;
        names.push(row.try_get::<_, String>(0)?);
    }
    let found = names.len();
    let name = names.swap_remove(0);
    Ok(Answer {
        id: user,
        name,
        found,
    })
}
// ANCHOR_END: service

#[derive(Clone)]
struct Service {
    pool: Pool,
    queries: i64,
}

/// Users from PostgreSQL by axum and tokio-postgres, over deadpool.
#[derive(Parser)]
struct Options {
    /// Serve here until SIGTERM or SIGINT; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT")]
    listen: SocketAddr,
    /// The database, where a schema price_of_await is made anew
    #[arg(long, value_name = "URL")]
    database: Config,
    /// Queries of a request
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(i64).range(1..=1000)
    )]
    queries: i64,
    /// Connections of the pool
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u32).range(1..=1000)
    )]
    connections: u32,
}

async fn open(options: &Options) -> Result<Pool> {
    let mut database = options.database.clone();
    database
        .connect_timeout(TIMEOUT)
        .options("-c statement_timeout=5s");
    // Looks whether the connection is closed, and sends nothing.
    let recycling_method = RecyclingMethod::Fast;
    let config = ManagerConfig { recycling_method };
    let manager = Manager::from_config(database, NoTls, config);
    let size = options.connections as usize;
    let pool = Pool::builder(manager)
        .max_size(size)
        .wait_timeout(Some(TIMEOUT))
        .runtime(Runtime::Tokio1)
        .build()?;
    let client = pool.get().await.context("cannot reach the database")?;
    client.batch_execute(&set_up()).await?;
    // deadpool opens connections when they are asked for; here, all at once.
    let mut clients = vec![client];
    for _ in 1..size {
        clients.push(pool.get().await?);
    }
    drop(clients);
    Ok(pool)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Completes at the first SIGTERM or SIGINT.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let stop = stop_signal()?;
    let pool = open(&options).await?;
    let queries = options.queries;
    let app = Router::new()
        .route("/user/{user}", get(find))
        .with_state(Service { pool, queries });
    let listener = bind(options.listen)
        .with_context(|| format!("cannot listen on {}", options.listen))?;
    println!("{}", json!({ "listening": listener.local_addr()? }));
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, app)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}
