//! The TCP echo server of ../tcp-echo/main.rs, written with tokio::io::copy.
//!
//! Whatever bytes arrive go back, in order, until the client closes. Without
//! `--listen` a demo runs: four clients in this process, which check every
//! byte.
//!
//!     cargo run --release --example echo-large-copy
//!     cargo run --release --example echo-large-copy -- --listen 127.0.0.1:7007
//!
//! All runs on one thread.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

const BACKLOG: u32 = 1024;

// ANCHOR: echo
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.split();
    // Through a buffer of its own, whose size is not ours to choose.
    copy(&mut reader, &mut writer).await?;
    Ok(())
}
// ANCHOR_END: echo

async fn serve(listener: TcpListener, stop: impl Future<Output = ()>) {
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(echo(stream));
                }
                // Out of file descriptors, say: those served go on.
                Err(error) => {
                    eprintln!("accept: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            // Forgets the connections that have ended: by the client's
            // closing or its breaking off, there is nobody left to answer.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
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
    // Ends with a newline: that flushes it, into a pipe as well.
    println!("{}", json!({ "listening": listener.local_addr()? }));
    serve(listener, stop).await;
    Ok(())
}

// The demo: so many clients send so many messages each, one at a time.
const CLIENTS: usize = 4;
const MESSAGES: usize = 250;
const MESSAGE_SIZE: usize = 1024;
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
    server.await?;
    println!("{}", report.map_err(|_| "the demo took too long")??);
    Ok(())
}

/// The report on all clients talking at once.
async fn converse(address: SocketAddr) -> Result<Value, Failure> {
    let mut streams = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }

    let (wall, cpu) = (Instant::now(), cpu_time());
    let mut talks = JoinSet::new();
    for (number, stream) in streams.into_iter().enumerate() {
        talks.spawn(talk(number, stream));
    }
    let (mut open, mut echoed) = (Vec::with_capacity(CLIENTS), 0);
    while let Some(finished) = talks.join_next().await {
        let (stream, bytes) = finished??;
        open.push(stream);
        echoed += bytes;
    }
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    for stream in open {
        hang_up(stream).await?;
    }
    let messages = CLIENTS * MESSAGES;
    Ok(json!({
        "result": { "messages": messages, "bytes": echoed },
        "phases": { "echo": {
            "seconds": seconds,
            "cpu_seconds": cpu_seconds,
            "work": messages,
        } },
    }))
}

/// Sends every message and awaits its echo; the bytes that came back.
async fn talk(
    client: usize,
    mut stream: TcpStream,
) -> Result<(TcpStream, usize), Failure> {
    let mut answer = vec![0; MESSAGE_SIZE];
    let mut echoed = 0;
    for number in 0..MESSAGES {
        // No two messages are alike: an echo that belongs to another
        // message, or to another client, is told apart.
        let serial = (client * MESSAGES + number) as u64;
        let message = serial.to_be_bytes().repeat(MESSAGE_SIZE / 8);
        stream.write_all(&message).await?;
        stream.read_exact(&mut answer).await?;
        if answer != message {
            return Err(
                format!("wrong echo: message {number} of {client}").into()
            );
        }
        echoed += answer.len();
    }
    Ok((stream, echoed))
}

/// Says that nothing more will come; then the server has to close.
async fn hang_up(mut stream: TcpStream) -> Result<(), Failure> {
    stream.shutdown().await?;
    match stream.read(&mut [0; 1]).await? {
        0 => Ok(()),
        _ => Err("wrong echo: bytes after the last message".into()),
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

type Failure = Box<dyn Error + Send + Sync>;

/// A TCP echo server on Tokio, by tokio::io::copy.
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
        // As a task, because what block_on is given runs on the main thread,
        // not on the workers.
        tokio::spawn(async move {
            match options.listen {
                Some(address) => serve_until_signal(address).await,
                None => demo().await,
            }
        })
        .await?
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
