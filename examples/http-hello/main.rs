//! An HTTP server on axum, which is hyper on Tokio: one fixed answer.
//!
//! GET / is answered by 1 KiB of text, every other path by 404. The twins
//! are main.py (httptools on an asyncio Protocol), main.go and node.mjs.
//! Without `--listen` a demo runs: four clients in this process, which check
//! every answer.
//!
//!     cargo run --release --example http-hello
//!     cargo run --release --example http-hello -- --listen 127.0.0.1:7007
//!
//! All runs on one thread.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use axum::serve::ListenerExt;
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::timeout;

const BACKLOG: u32 = 1024;
const ALPHABET: &str =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

// ANCHOR: answer
/// Serves until `stop` completes, then what is under way to its end.
async fn serve(
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // hyper sets Content-Length and Date.
    let body = Bytes::from(ALPHABET.repeat(16));
    // To clone Bytes counts a reference, and copies nothing.
    let hello = async move || ([(CONTENT_TYPE, "text/plain")], body.clone());
    let routes = Router::new().route("/", get(hello));
    let listener = listener.tap_io(|stream| {
        // It fails where the client has gone already.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, routes)
        .with_graceful_shutdown(stop)
        .await
}
// ANCHOR_END: answer

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

async fn serve_until_signal(address: SocketAddr) -> Result<(), Failure> {
    let stop = stop_signal()?;
    let listener = bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    // Ends with a newline: that flushes it, into a pipe as well.
    println!("{}", json!({ "listening": listener.local_addr()? }));
    serve(listener, stop).await?;
    Ok(())
}

// The demo: so many clients ask so many times each.
const CLIENTS: usize = 4;
const REQUESTS: usize = 250;
const TIMEOUT: Duration = Duration::from_secs(10);

async fn demo() -> Result<(), Failure> {
    let listener = bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, async {
        // A sender dropped by a failed demo stops the server as well.
        let _ = stopped.await;
    }));
    let report = timeout(TIMEOUT, converse(address)).await;
    drop(stop);
    server.await??;
    println!("{}", report.map_err(|_| "the demo took too long")??);
    Ok(())
}

/// The report on all clients asking at once.
async fn converse(address: SocketAddr) -> Result<Value, Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(ask(address));
    }
    let mut bytes = 0;
    while let Some(finished) = clients.join_next().await {
        bytes += finished??;
    }
    Ok(json!({
        "result": { "requests": CLIENTS * REQUESTS, "bytes": bytes },
        "phases": { "requests": {
            "seconds": wall.elapsed().as_secs_f64(),
            "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
            "work": CLIENTS * REQUESTS,
        } },
    }))
}

/// Asks over one connection; the bytes of all bodies.
async fn ask(address: SocketAddr) -> Result<usize, Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut bytes = 0;
    let body = ALPHABET.repeat(16);
    let mut answer = Vec::new();
    for _ in 0..REQUESTS {
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        while !answer.ends_with(body.as_bytes()) {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err("the server closed within an answer".into());
            }
        }
        let head = String::from_utf8_lossy(&answer).to_lowercase();
        let length = format!("\r\ncontent-length: {}\r\n", body.len());
        if !head.starts_with("http/1.1 200 ok\r\n") || !head.contains(&length)
        {
            return Err(format!("wrong answer: {head}").into());
        }
        bytes += body.len();
    }
    Ok(bytes)
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

type Failure = Box<dyn Error + Send + Sync>;

/// An HTTP server on axum: one fixed answer.
#[derive(Parser)]
struct Options {
    /// Serve here until SIGTERM or SIGINT; port 0 takes a free one
    /// [default: run the demo]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
}

fn run(options: Options) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match options.listen {
            Some(address) => serve_until_signal(address).await,
            None => demo().await,
        }
    })
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
