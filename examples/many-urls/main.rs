//! Many GETs at once: reqwest, one Client.
//!
//! As many tasks as there are to be GETs in flight, each taking the next item
//! that nobody has taken, all on one pool of connections and on one thread.
//! The twin is main.py.
//!
//!     cargo run --release --example many-urls
//!     cargo run --release --example many-urls -- --concurrency 100
//!
//! GETs from `--base URL`, and without it from a peer of its own.

use std::error::Error;
use std::io;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

type Failure = Box<dyn Error + Send + Sync>;

/// For one request, from connecting to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Deserialize, Serialize)]
struct Item {
    id: u64,
    check: u64,
}

// ANCHOR: client
fn client(concurrency: usize) -> reqwest::Result<Client> {
    // The pool bounds the idle connections only: it is the number of workers
    // that bounds those in use.
    Client::builder()
        .pool_max_idle_per_host(concurrency)
        .timeout(TIMEOUT)
        .redirect(Policy::none())
        // No proxy from the environment, in any of these clients.
        .no_proxy()
        .build()
}
// ANCHOR_END: client

// ANCHOR: fetch
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
// ANCHOR_END: fetch

// ANCHOR: workers
async fn fetch_all(
    client: &Client,
    base: &str,
    gets: u64,
    concurrency: usize,
) -> Result<u64, Failure> {
    let next = Arc::new(AtomicU64::new(0));
    let base: Arc<str> = base.into();

    let mut workers = JoinSet::new();
    for _ in 0..concurrency {
        // Spawned tasks own what they use. A clone of the client is a handle
        // to the same pool; the counter is atomic because a task may move to
        // another thread, if not on this runtime.
        let (client, base) = (client.clone(), base.clone());
        let next = next.clone();
        workers.spawn(async move {
            let mut total = 0;
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= gets {
                    return Ok::<u64, Failure>(total);
                }
                total += fetch(&client, &base, i).await?;
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
// ANCHOR_END: workers

/// Many GETs at once: reqwest, one Client.
#[derive(Parser)]
struct Options {
    /// GET from URL/item/0, URL/item/1... [default: a peer of our own]
    #[arg(long, value_name = "URL", value_parser = http_url)]
    base: Option<String>,
    /// How many items to GET
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    gets: u64,
    /// Workers, each with one GET at a time
    #[arg(long, value_name = "N", default_value = "20")]
    concurrency: NonZeroUsize,
    /// No more than N GETs times the workers [default: no limit]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    each: Option<u64>,
}

fn http_url(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    let plain = url.query().is_none() && url.fragment().is_none();
    if url.scheme() != "http" || url.port() == Some(0) || !plain {
        return Err("expected one like http://127.0.0.1:8000".into());
    }
    Ok(text.trim_end_matches('/').into())
}

async fn run(options: Options) -> Result<(), Failure> {
    // Dropped at the end, and its tasks with it.
    let mut own_peer = JoinSet::new();
    let base = match options.base {
        Some(base) => base,
        None => {
            let listener =
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let base = format!("http://{}", listener.local_addr()?);
            own_peer.spawn(peer(listener));
            base
        }
    };
    let concurrency = options.concurrency.get();
    // Few workers take long over many GETs.
    let most = options
        .each
        .map_or(u64::MAX, |each| each.saturating_mul(concurrency as u64));
    let gets = options.gets.min(most);
    let client = client(concurrency)?;

    let (wall, cpu) = (Instant::now(), cpu_time());
    let total = fetch_all(&client, &base, gets, concurrency).await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let expected = (0..gets).map(check).sum::<u64>();
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

/// What item i carries, so that a client can prove it read them all.
fn check(i: u64) -> u64 {
    // The modulus divides 2^64: wrapping around changes nothing.
    i.wrapping_mul(2_654_435_761) % (1 << 32)
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

// The peer: HTTP/1.1 with keep-alive.

/// How long it takes to answer, as a database or a far network would.
const DELAY: Duration = Duration::from_millis(10);
/// The largest head of a request that it reads.
const HEAD_LIMIT: u64 = 16 * 1024;

async fn peer(listener: TcpListener) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                connections.spawn(converse(stream));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Answers one request after another, until either side has enough.
async fn converse(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut keep_alive = true;
    while keep_alive {
        let (status, fields, body);
        match read_request(&mut stream).await {
            Ok(None) => return Ok(()),
            Ok(Some(request)) => {
                keep_alive = request.keep_alive;
                (status, fields, body) = answer(&request).await;
            }
            // Nobody knows where the next request would begin.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                keep_alive = false;
                (status, fields, body) =
                    ("400 Bad Request", "", String::new());
            }
            Err(error) => return Err(error),
        }
        let close = if keep_alive {
            ""
        } else {
            "Connection: close\r\n"
        };
        let length = body.len();
        let response = format!(
            "HTTP/1.1 {status}\r\n{fields}{close}\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.get_mut().write_all(response.as_bytes()).await?;
    }
    Ok(())
}

struct Request {
    method: String,
    target: String,
    keep_alive: bool,
}

/// The next request; None when the client has closed instead.
///
/// `InvalidData` for what is not a request, or has a body: none has one here,
/// and it would be taken for the next request.
async fn read_request(
    stream: &mut BufReader<TcpStream>,
) -> io::Result<Option<Request>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);

    let mut lines = stream.take(HEAD_LIMIT).lines();
    let Some(line) = lines.next_line().await? else {
        return Ok(None);
    };
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, version @ ("HTTP/1.0" | "HTTP/1.1")] = words[..]
    else {
        return Err(invalid());
    };
    let mut request = Request {
        method: method.into(),
        target: target.into(),
        keep_alive: version == "HTTP/1.1",
    };

    let mut has_host = false;
    while let Some(line) = lines.next_line().await? {
        if line.is_empty() {
            return if has_host {
                Ok(Some(request))
            } else {
                Err(invalid())
            };
        }
        let (name, value) = line.split_once(':').ok_or_else(invalid)?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "host" => has_host = true,
            "connection" => {
                request.keep_alive &= !value
                    .split(',')
                    .any(|token| token.trim().eq_ignore_ascii_case("close"));
            }
            "content-length" if value == "0" => {}
            "content-length" | "transfer-encoding" => return Err(invalid()),
            _ => {}
        }
    }
    // Cut off, or longer than the limit.
    Err(invalid())
}

/// Status, header fields and body.
async fn answer(request: &Request) -> (&'static str, &'static str, String) {
    if request.method != "GET" {
        // To a HEAD there must be no body, and here there is none.
        return ("405 Method Not Allowed", "Allow: GET\r\n", String::new());
    }
    let id = request.target.strip_prefix("/item/").map(str::parse);
    let Some(Ok(id)) = id else {
        return ("404 Not Found", "", String::new());
    };
    sleep(DELAY).await;
    let item = json!(Item {
        id,
        check: check(id)
    });
    let json = "Content-Type: application/json\r\n";
    ("200 OK", json, item.to_string())
}
