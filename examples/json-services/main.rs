//! A small JSON object by axum.
//!
//! The twin is main.py; service.go and service.mjs and other frameworks for
//! Python stand beside. Without `--listen` the service is started, asked once
//! and stopped.
//!
//!     cargo run --release --example json-services
//!     cargo run --release --example json-services -- --listen 127.0.0.1:7007
//!
//! All runs on one thread.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

const BACKLOG: u32 = 1024;
const TIMEOUT: Duration = Duration::from_secs(10);
const BODY: &str =
    r#"{"id":7,"name":"Ada","languages":["Python","Rust"],"active":true}"#;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: service
#[derive(Serialize)]
struct Person {
    id: u32,
    name: String,
    languages: Vec<String>,
    active: bool,
}

async fn person() -> Response {
    let person = Person {
        id: 7,
        name: "Ada".into(),
        languages: vec!["Python".into(), "Rust".into()],
        active: true,
    };
    match serde_json::to_vec(&person) {
        Ok(body) => {
            ([(CONTENT_TYPE, "application/json")], body).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn app() -> Router {
    Router::new().route("/json", get(person))
}
// ANCHOR_END: service

async fn serve(
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Without it a second small segment may wait for the client.
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, app())
        .with_graceful_shutdown(stop)
        .await
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
    println!("{}", json!({ "listening": listener.local_addr()? }));
    serve(listener, stop).await?;
    Ok(())
}

async fn demo() -> Result<(), Failure> {
    let listener = bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let url = format!("http://{}/json", listener.local_addr()?);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(serve(listener, async {
        // A sender dropped by a failed demo stops the server as well.
        let _ = stopped.await;
    }));
    let report = ask_once(&url).await;
    drop(stop);
    server.await??;
    println!("{}", report?);
    Ok(())
}

async fn ask_once(url: &str) -> Result<Value, Failure> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(TIMEOUT)
        .build()?;
    let (wall, cpu) = (Instant::now(), cpu_time());
    let body = client.get(url).send().await?.text().await?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    if body != BODY {
        return Err(
            format!("wrong answer: expected {BODY}, got {body}").into()
        );
    }
    let result: Value = serde_json::from_str(&body)?;
    let ask = json!({
        "seconds": seconds, "cpu_seconds": cpu_seconds, "work": 1,
    });
    Ok(json!({ "result": result, "phases": { "ask": ask } }))
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A small JSON object by axum.
#[derive(Parser)]
struct Options {
    /// Serve here until SIGTERM or SIGINT; port 0 takes a free one
    /// [default: start, ask once, stop]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
}

fn run(options: Options) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
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
