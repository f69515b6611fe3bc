//! A burst of requests to an endpoint of axum that waits.
//!
//! The endpoint waits in one of three ways: with `tokio::time::sleep`, with
//! `std::thread::sleep` in the pool of `spawn_blocking`, and with the same in
//! the handler itself, which nobody should write. Each answers with the
//! thread it ran on. The service has a thread and a runtime of its own; all
//! requests are sent at once, over connections that are open already. The
//! twin is main.py.
//!
//!     cargo run --release --example endpoints
//!     cargo run --release --example endpoints -- --how blocking --requests 20

use std::collections::HashSet;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use clap::{Parser, ValueEnum};
use futures::future::join_all;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: endpoints
async fn waiting(Path(ms): Path<u64>) -> String {
    sleep(Duration::from_millis(ms)).await;
    this_thread()
}

async fn pooled(Path(ms): Path<u64>) -> Result<String, StatusCode> {
    let sleeper = spawn_blocking(move || {
        thread::sleep(Duration::from_millis(ms));
        this_thread()
    });
    sleeper.await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn blocking(Path(ms): Path<u64>) -> String {
    thread::sleep(Duration::from_millis(ms)); // Nothing else runs meanwhile.
    this_thread()
}

fn app() -> Router {
    Router::new()
        .route("/sleep/{ms}", get(waiting))
        .route("/spawn-blocking/{ms}", get(pooled))
        .route("/blocking/{ms}", get(blocking))
}
// ANCHOR_END: endpoints

fn this_thread() -> String {
    format!("{:?}", thread::current().id())
}

/// Serves until `stop` is dropped, and says where once it listens.
fn serve(
    listening: oneshot::Sender<SocketAddr>,
    stop: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        // Nobody to tell: then `stop` has been dropped as well.
        let _ = listening.send(address);
        axum::serve(listener, app())
            .with_graceful_shutdown(async {
                let _ = stop.await;
            })
            .await?;
        Ok(())
    })
}

// ANCHOR: burst
/// The thread that answered, or nothing where the time ran out.
async fn ask(
    client: &reqwest::Client,
    url: &str,
) -> Result<Option<String>, reqwest::Error> {
    let answered = async {
        let answer = client.get(url).send().await?;
        answer.error_for_status()?.text().await
    };
    match answered.await {
        Ok(thread) => Ok(Some(thread)),
        Err(error) if error.is_timeout() => Ok(None),
        Err(error) => Err(error),
    }
}

/// All at once: the threads that answered, and microseconds of each.
async fn burst(
    client: &reqwest::Client,
    url: &str,
    requests: usize,
) -> Result<Vec<(String, u64)>, reqwest::Error> {
    let began = Instant::now();
    let asked = (0..requests).map(async |_| {
        let thread = ask(client, url).await?;
        Ok(thread.map(|thread| (thread, began.elapsed().as_micros() as u64)))
    });
    let answers: Result<Vec<_>, reqwest::Error> =
        join_all(asked).await.into_iter().collect();
    Ok(answers?.into_iter().flatten().collect())
}
// ANCHOR_END: burst

async fn measure(
    address: SocketAddr,
    options: &Options,
) -> Result<Value, Failure> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(options.timeout))
        .build()?;
    let requests = options.requests as usize;
    // Opens the connections; in these no endpoint is asked to block.
    burst(&client, &format!("http://{address}/sleep/50"), requests).await?;

    let how = options.how.to_possible_value().expect("none is skipped");
    let how = how.get_name();
    let url = format!("http://{address}/{how}/{}", options.wait);
    let (wall, cpu) = (Instant::now(), cpu_time());
    let answers = burst(&client, &url, requests).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let latencies: Vec<u64> = answers.iter().map(|(_, us)| *us).collect();
    let threads: HashSet<&str> =
        answers.iter().map(|(thread, _)| thread.as_str()).collect();
    Ok(json!({
        "result": { "answered": answers.len() },
        "phases": { "burst": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": requests,
            "counts": {
                "threads": threads.len(),
                "failed": requests - answers.len(),
            },
            "latencies_us": latencies,
        } },
    }))
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// How an endpoint waits.
#[derive(Clone, Copy, ValueEnum)]
enum How {
    /// tokio::time::sleep
    Sleep,
    /// std::thread::sleep in the pool of spawn_blocking
    SpawnBlocking,
    /// std::thread::sleep in the handler
    Blocking,
}

/// A burst of requests to an endpoint of axum that waits.
#[derive(Parser)]
struct Options {
    /// How the endpoint waits
    #[arg(long, value_enum, default_value_t = How::Sleep)]
    how: How,
    /// Sent at once
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    requests: u64,
    /// How long the endpoint waits
    #[arg(long, value_name = "MS", default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    wait: u64,
    /// Of the client, for each request
    #[arg(long, value_name = "S", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=10_000))]
    timeout: u64,
}

fn run(options: Options) -> Result<(), Failure> {
    let (listening, address) = oneshot::channel();
    let (stop, stopped) = oneshot::channel();
    let server = thread::spawn(|| serve(listening, stopped));
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(async {
        let address =
            address.await.map_err(|_| "the service did not start")?;
        measure(address, &options).await
    });
    // The client's connections end with its runtime, and the service then.
    drop(runtime);
    drop(stop);
    server.join().map_err(|_| "the service panicked")??;
    println!("{}", report?);
    Ok(())
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
