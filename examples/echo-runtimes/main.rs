//! The same TCP echo server on five runtimes that are not Tokio.
//!
//! Whatever bytes arrive go back, in order, until the client closes. Tokio's
//! own is ../tcp-echo/main.rs; main.py has trio and anyio. smol, async-std and
//! glommio run one and the same `echo`, for all three implement the traits
//! of futures-io; tokio-uring and monoio own the buffer while the kernel
//! fills it, and need another. Each runtime has one thread for the tasks.
//! Without `--listen` a demo runs: four clients in this process, which check
//! every byte.
//!
//!     cargo run --release --example echo-runtimes -- --on glommio
//!     cargo run --release --example echo-runtimes -- --listen 127.0.0.1:7007

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::pin::pin;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use futures::channel::oneshot;
use futures::future::select;
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

const READ_SIZE: usize = 64 * 1024;
/// Where file descriptors have run out, when to look for one again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

// ANCHOR: echo
async fn echo<S>(mut stream: S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = vec![0; READ_SIZE];
    loop {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        // Backpressure: a client that does not read is not read from.
        stream.write_all(&buffer[..length]).await?;
    }
}
// ANCHOR_END: echo

// ANCHOR: until
/// Runs `work` until it is told to stop, then drops it.
///
/// The channel is futures' own: it needs a waker, and no reactor.
async fn until(stop: oneshot::Receiver<()>, work: impl Future<Output = ()>) {
    select(stop, pin!(work)).await;
}
// ANCHOR_END: until

mod on_smol {
    use super::*;

    // ANCHOR: smol
    use smol::LocalExecutor;
    use smol::net::TcpListener;

    async fn accept(
        listener: TcpListener,
        executor: &LocalExecutor<'static>,
    ) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => executor
                    .spawn(async move {
                        stream.set_nodelay(true)?;
                        echo(stream).await
                    })
                    .detach(),
                Err(error) => {
                    eprintln!("accept: {error}");
                    smol::Timer::after(ACCEPT_AGAIN).await;
                }
            }
        }
    }
    // ANCHOR_END: smol

    pub fn serve(
        listener: std::net::TcpListener,
        stop: oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        let listener = TcpListener::try_from(listener)?;
        let executor = LocalExecutor::new();
        let accepting = until(stop, accept(listener, &executor));
        smol::block_on(executor.run(accepting));
        Ok(())
    }
}

mod on_async_std {
    use super::*;

    // ANCHOR: async_std
    use async_std::net::TcpListener;
    use async_std::task;

    async fn accept(listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    task::spawn(async move {
                        stream.set_nodelay(true)?;
                        echo(stream).await
                    });
                }
                Err(error) => {
                    eprintln!("accept: {error}");
                    task::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
    // ANCHOR_END: async_std

    pub fn serve(
        listener: std::net::TcpListener,
        stop: oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        // The pool has a thread for each core that the process may use.
        let accepting = task::spawn(accept(TcpListener::from(listener)));
        task::block_on(until(stop, accepting));
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod on_glommio {
    use std::os::fd::{FromRawFd, IntoRawFd};

    use super::*;

    // ANCHOR: glommio
    use glommio::net::TcpListener;
    use glommio::{LocalExecutorBuilder, Placement, spawn_local};

    async fn accept(listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok(stream) => {
                    spawn_local(async move {
                        stream.set_nodelay(true)?;
                        echo(stream).await
                    })
                    .detach();
                }
                Err(error) => {
                    eprintln!("accept: {error}");
                    glommio::timer::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
    // ANCHOR_END: glommio

    pub fn serve(
        listener: std::net::TcpListener,
        stop: oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        // Unbound: the thread stays on the core that the process was given.
        let executor = LocalExecutorBuilder::new(Placement::Unbound)
            .make()
            .map_err(|error| no_io_uring("glommio", &error))?;
        executor.run(async {
            // SAFETY: the descriptor is open, and nobody else owns it.
            let listener =
                unsafe { TcpListener::from_raw_fd(listener.into_raw_fd()) };
            until(stop, accept(listener)).await;
        });
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod on_tokio_uring {
    use super::*;

    // ANCHOR: tokio_uring
    use tokio_uring::buf::BoundedBuf;
    use tokio_uring::net::{TcpListener, TcpStream};

    async fn echo(stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = vec![0; READ_SIZE];
        loop {
            // The buffer goes to the kernel and comes back with the answer.
            let (result, filled) = stream.read(buffer).await;
            let length = result?;
            if length == 0 {
                return Ok(());
            }
            let (result, sent) =
                stream.write_all(filled.slice(..length)).await;
            result?;
            buffer = sent.into_inner();
        }
    }
    // ANCHOR_END: tokio_uring

    async fn accept(listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio_uring::spawn(echo(stream));
                }
                Err(error) => {
                    eprintln!("accept: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    pub fn serve(
        listener: std::net::TcpListener,
        stop: oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        let runtime = tokio_uring::Runtime::new(&tokio_uring::builder())
            .map_err(|error| no_io_uring("tokio-uring", &error))?;
        runtime.block_on(async {
            until(stop, accept(TcpListener::from_std(listener))).await;
        });
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod on_monoio {
    use super::*;

    // ANCHOR: monoio
    use monoio::io::{AsyncReadRent, AsyncWriteRentExt};
    use monoio::net::{TcpListener, TcpStream};
    use monoio::{IoUringDriver, RuntimeBuilder};

    async fn echo(mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut buffer = Vec::<u8>::with_capacity(READ_SIZE);
        loop {
            let (result, filled) = stream.read(buffer).await;
            if result? == 0 {
                return Ok(());
            }
            let (result, sent) = stream.write_all(filled).await;
            result?;
            buffer = sent;
            buffer.clear();
        }
    }
    // ANCHOR_END: monoio

    async fn accept(listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    monoio::spawn(echo(stream));
                }
                Err(error) => {
                    eprintln!("accept: {error}");
                    monoio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    pub fn serve(
        listener: std::net::TcpListener,
        stop: oneshot::Receiver<()>,
    ) -> Result<(), Failure> {
        let mut runtime = RuntimeBuilder::<IoUringDriver>::new()
            .enable_timer()
            .build()
            .map_err(|error| no_io_uring("monoio", &error))?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            // ANCHOR: remote
            // As a task: what block_on is given has a waker that works on
            // this thread only. A task's works on others with the crate's
            // feature "sync", and panics there without it.
            monoio::spawn(until(stop, accept(listener))).await;
            // ANCHOR_END: remote
            Ok::<(), Failure>(())
        })
    }
}

#[cfg(target_os = "linux")]
fn no_io_uring(library: &str, error: &dyn Error) -> Failure {
    format!(
        "{library} has no io_uring here: {error}. A container's seccomp \
         profile or the limit of locked memory may forbid it"
    )
    .into()
}

fn serve(
    on: Runtime,
    listener: TcpListener,
    stop: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    match on {
        Runtime::Smol => on_smol::serve(listener, stop),
        Runtime::AsyncStd => on_async_std::serve(listener, stop),
        #[cfg(target_os = "linux")]
        Runtime::Glommio => on_glommio::serve(listener, stop),
        #[cfg(target_os = "linux")]
        Runtime::TokioUring => on_tokio_uring::serve(listener, stop),
        #[cfg(target_os = "linux")]
        Runtime::Monoio => on_monoio::serve(listener, stop),
        #[cfg(not(target_os = "linux"))]
        _ => Err("io_uring is an interface of Linux".into()),
    }
}

/// Sends at the first SIGTERM or SIGINT. Not every runtime here knows signals;
/// Tokio's are waited for on a thread that does nothing else.
fn stop_at_signal(stop: oneshot::Sender<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (mut terminate, mut interrupt) = {
        let _reactor = runtime.enter();
        let terminate = signal(SignalKind::terminate())?;
        (terminate, signal(SignalKind::interrupt())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        // Nobody receives it if the server has ended by itself.
        let _ = stop.send(());
    });
    Ok(())
}

fn serve_until_signal(
    on: Runtime,
    address: SocketAddr,
) -> Result<(), Failure> {
    // With a backlog of 128, which the standard library does not let us
    // choose.
    let listener = TcpListener::bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    let (stop, stopped) = oneshot::channel();
    stop_at_signal(stop)?;
    // Ends with a newline: that flushes it, into a pipe as well. Clients that
    // connect from here on wait in the backlog.
    println!("{}", json!({ "listening": listener.local_addr()? }));
    serve(on, listener, stopped)
}

// The demo: so many clients send so many messages each, one at a time.
const CLIENTS: usize = 4;
const MESSAGES: usize = 250;
const MESSAGE_SIZE: usize = 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

fn demo(on: Runtime) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel();
    let serving = thread::spawn(move || serve(on, listener, stopped));
    let report = converse(address);
    // A server that has failed says why when it is joined.
    let _ = stop.send(());
    serving.join().map_err(|_| "the server panicked")??;
    println!("{}", report?);
    Ok(())
}

/// The report on all clients talking at once.
fn converse(address: SocketAddr) -> Result<Value, Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let talks: Vec<_> = (0..CLIENTS)
        .map(|client| thread::spawn(move || talk(client, address)))
        .collect();
    let mut echoed = 0;
    for talk in talks {
        echoed += talk.join().map_err(|_| "a client panicked")??;
    }
    Ok(json!({
        "result": { "messages": CLIENTS * MESSAGES, "bytes": echoed },
        "phases": { "echo": {
            "seconds": wall.elapsed().as_secs_f64(),
            "cpu_seconds": (cpu_time() - cpu).as_secs_f64(),
            "work": CLIENTS * MESSAGES,
        } },
    }))
}

/// Sends every message, awaits its echo, and hangs up; the bytes that came
/// back.
fn talk(client: usize, address: SocketAddr) -> Result<usize, Failure> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let mut answer = vec![0; MESSAGE_SIZE];
    let mut echoed = 0;
    for number in 0..MESSAGES {
        // No two messages are alike: an echo that belongs to another
        // message, or to another client, is told apart.
        let serial = (client * MESSAGES + number) as u64;
        let message = serial.to_be_bytes().repeat(MESSAGE_SIZE / 8);
        stream.write_all(&message)?;
        stream.read_exact(&mut answer)?;
        if answer != message {
            return Err(
                format!("wrong echo: message {number} of {client}").into()
            );
        }
        echoed += answer.len();
    }
    // Nothing more will come; then the server has to close.
    stream.shutdown(Shutdown::Write)?;
    match stream.read(&mut [0; 1])? {
        0 => Ok(echoed),
        _ => Err("wrong echo: bytes after the last message".into()),
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Clone, Copy, ValueEnum)]
enum Runtime {
    Smol,
    /// Discontinued since 2025; here for the record
    AsyncStd,
    Glommio,
    TokioUring,
    Monoio,
}

/// The same TCP echo server on five runtimes that are not Tokio.
#[derive(Parser)]
struct Options {
    /// Serve here until SIGTERM or SIGINT; port 0 takes a free one
    /// [default: run the demo]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// The runtime
    #[arg(long, value_enum, default_value_t = Runtime::Smol)]
    on: Runtime,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match options.listen {
        Some(address) => serve_until_signal(options.on, address),
        None => demo(options.on),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
