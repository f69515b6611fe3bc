//! GETs over HTTPS: a reqwest::Client for each, or one for all.
//!
//! With `each` every request makes a client, and with it a connection, a TLS
//! handshake, and a verifier that loads the system's certificate authorities;
//! with `one-authority` it loads the peer's alone; `shared` is one client for
//! all. The twin is main.py.
//!
//! Needs a server of its own, which writes the authority to trust to a file:
//!
//!     cargo run --release -p measure --bin delay-server -- \
//!         --delay 10 --tls-ca ca.pem
//!     cargo run --release --example client-per-request -- --client each \
//!         --base https://127.0.0.1:PORT --ca ca.pem

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, StatusCode, Url};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// For one request, from connecting to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Item {
    id: u64,
    check: u64,
}

// ANCHOR: client
fn client(trust: ClientBuilder) -> reqwest::Result<Client> {
    trust
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        .no_proxy()
        .build()
}

/// The system's authorities, which every client loads that is told nothing
/// else, and one more: the peer's.
fn authorities(ca: &Certificate) -> ClientBuilder {
    Client::builder().tls_certs_merge([ca.clone()])
}

/// The peer's alone.
fn one_authority(ca: &Certificate) -> ClientBuilder {
    Client::builder().tls_certs_only([ca.clone()])
}
// ANCHOR_END: client

async fn fetch(client: &Client, base: &str, i: u64) -> Result<u64, Failure> {
    let response = client.get(format!("{base}/item/{i}")).send().await?;
    if response.status() != StatusCode::OK {
        return Err(format!("item {i}: {}", response.status()).into());
    }
    let item: Item = response.json().await?;
    if item.id != i {
        return Err(format!("item {i}: this is item {}", item.id).into());
    }
    Ok(item.check)
}

// ANCHOR: how
/// Where a request gets its client from.
enum Clients {
    Each(Certificate),
    OneAuthority(Certificate),
    Shared(Client),
}

impl Clients {
    async fn get(&self, base: &str, i: u64) -> Result<u64, Failure> {
        match self {
            Clients::Each(ca) => {
                fetch(&client(authorities(ca))?, base, i).await
            }
            Clients::OneAuthority(ca) => {
                fetch(&client(one_authority(ca))?, base, i).await
            }
            Clients::Shared(client) => fetch(client, base, i).await,
        }
    }
}
// ANCHOR_END: how

async fn fetch_all(
    clients: Arc<Clients>,
    base: &str,
    gets: u64,
    concurrency: usize,
) -> Result<u64, Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let base: Arc<str> = base.into();

    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        let (clients, base) = (clients.clone(), base.clone());
        let next = next.clone();
        workers.spawn(async move {
            let mut total = 0;
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= gets {
                    return Ok::<u64, Failure>(total);
                }
                total += clients.get(&base, i).await?;
            }
        });
    }

    let mut total = 0;
    // At the first error the JoinSet is dropped, and that ends the others.
    while let Some(finished) = workers.join_next().await {
        total += finished??;
    }
    Ok(total)
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Each,
    OneAuthority,
    Shared,
}

/// GETs over HTTPS: a reqwest::Client for each, or one for all.
#[derive(Parser)]
struct Options {
    /// GET from URL/item/0, URL/item/1..., by HTTPS
    #[arg(long, value_name = "URL", value_parser = https_url)]
    base: String,
    /// The authority that signed its certificate, as PEM
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// One for each request, or for all
    #[arg(long, value_enum, default_value = "shared")]
    client: How,
    /// How many items to GET
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    gets: u64,
    /// Workers, each with one GET at a time
    #[arg(long, value_name = "N", default_value = "10")]
    concurrency: NonZeroUsize,
}

fn https_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let plain = url.query().is_none() && url.fragment().is_none();
    if url.scheme() != "https" || url.port() == Some(0) || !plain {
        return Err("expected one like https://127.0.0.1:8443".into());
    }
    Ok(text.trim_end_matches('/').into())
}

fn certificate(file: &Path) -> Result<Certificate, Failure> {
    let wrong = |error: &dyn Error| format!("{}: {error}", file.display());
    let pem = std::fs::read(file).map_err(|error| wrong(&error))?;
    Ok(Certificate::from_pem(&pem).map_err(|error| wrong(&error))?)
}

async fn run(options: Options) -> Result<(), Failure> {
    let ca = certificate(&options.ca)?;
    let clients = Arc::new(match options.client {
        How::Each => Clients::Each(ca),
        How::OneAuthority => Clients::OneAuthority(ca),
        How::Shared => Clients::Shared(client(authorities(&ca))?),
    });
    let (base, gets) = (&options.base, options.gets);

    let (wall, cpu) = (Instant::now(), cpu_time());
    let total =
        fetch_all(clients, base, gets, options.concurrency.get()).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    // The modulus divides 2^64: wrapping around changes nothing.
    let expected = (0..gets)
        .map(|i| i.wrapping_mul(2_654_435_761) % (1 << 32))
        .sum::<u64>();
    if total != expected {
        let wrong = format!("the checks sum to {total}, not to {expected}");
        return Err(wrong.into());
    }
    let report = json!({
        "result": { "gets": gets, "sum": total },
        "phases": { "gets": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": gets,
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

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Err(failure) = run(Options::parse()).await else {
        return ExitCode::SUCCESS;
    };
    // An error of reqwest says what it was doing; its sources say why not.
    eprint!("{failure}");
    let mut source = failure.source();
    while let Some(cause) = source {
        eprint!(": {cause}");
        source = cause.source();
    }
    eprintln!();
    ExitCode::FAILURE
}
