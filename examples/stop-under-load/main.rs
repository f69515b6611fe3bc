//! A service gets SIGTERM under load: who gets no answer, how long it takes.
//!
//! The server is a process of its own, which this program starts on loopback.
//! It answers one request at a time on each connection, as HTTP/1.1 does: the
//! request is a line with a number and how many milliseconds the work lasts,
//! the answer a line with the next number and `keep` or `close`. Clients ask
//! again as soon as they have an answer; told `close`, they try a new
//! connection. When each has had an answer, the server is sent SIGTERM. Then
//! it
//!
//! - `die`: does nothing about it: the signal kills the process;
//! - `return`: returns from its main function, with tasks running;
//! - `close`: stops accepting, and waits for the connections to end;
//! - `drain`: stops accepting, tells clients, and waits for the connections.
//!
//! The last two cancel after --deadline milliseconds what is left. All is
//! done twice: first every request takes --work milliseconds, then one takes
//! for ever. The twin is main.py.
//!
//!     cargo run --release --example stop-under-load
//!     cargo run --release --example stop-under-load -- --how close
//!
//! Counted are requests that never got an answer (dropped), answers that came
//! after the signal (answered), and clients that were told to go, and were
//! refused when they came again (refused).

use std::env;
use std::error::Error;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::process::{Pid, Signal, kill_process};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Bounds what a slip of the finger could take of file descriptors and time.
const MOST_CONNECTIONS: u64 = 500;
const MOST_MILLISECONDS: u64 = 60_000;

/// What "for ever" is in this program: much longer than any deadline.
const FOR_EVER: u64 = 600_000;
/// How long a connection that has no request is kept when the server stops: a
/// request may be on its way.
const LINGER: Duration = Duration::from_millis(250);
/// Nothing here should take so much longer than the waits that make it up.
const PATIENCE: Duration = Duration::from_secs(30);

type Failure = Box<dyn Error + Send + Sync>;

/// What the server does at SIGTERM.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum How {
    /// Nothing: the signal kills it
    Die,
    /// Return from the main function
    Return,
    /// Stop accepting, wait for the connections
    Close,
    /// Stop accepting, tell the clients, wait for the connections
    Drain,
}

// The server.

// ANCHOR: request
/// The next line; none when there will be none.
async fn next_request(
    lines: &mut Lines<BufReader<OwnedReadHalf>>,
    draining: &CancellationToken,
) -> io::Result<Option<String>> {
    let end = async {
        draining.cancelled().await;
        sleep(LINGER).await;
    };
    tokio::select! {
        line = lines.next_line() => line,
        () = end => Ok(None),
    }
}
// ANCHOR_END: request

fn parsed(request: &str) -> io::Result<(u64, Duration)> {
    request
        .split_once(' ')
        .and_then(|(number, milliseconds)| {
            let work = Duration::from_millis(milliseconds.parse().ok()?);
            Some((number.parse().ok()?, work))
        })
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

// ANCHOR: converse
async fn converse(
    stream: TcpStream,
    draining: CancellationToken,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(line) = next_request(&mut lines, &draining).await? {
        let (number, work) = parsed(&line)?;
        sleep(work).await; // the work
        let last = draining.is_cancelled();
        let manner = if last { "close" } else { "keep" };
        let answer = format!("{} {manner}\n", number + 1);
        writer.write_all(answer.as_bytes()).await?;
        if last {
            break;
        }
    }
    writer.shutdown().await
}
// ANCHOR_END: converse

// ANCHOR: signal
/// Completes at SIGTERM; where that is left to kill the process, never.
fn stop_signal(how: How) -> io::Result<impl Future<Output = ()>> {
    let mut terminate = match how {
        How::Die => None,
        _ => Some(signal(SignalKind::terminate())?),
    };
    Ok(async move {
        match &mut terminate {
            Some(signals) => {
                signals.recv().await;
            }
            None => pending().await,
        }
    })
}
// ANCHOR_END: signal

async fn serve(how: How, deadline: Duration) -> Result<(), Failure> {
    let mut stop = pin!(stop_signal(how)?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    // Ends with a newline: that flushes it, into a pipe as well.
    println!("{}", listener.local_addr()?.port());

    let connections = TaskTracker::new();
    let draining = CancellationToken::new();
    let abandoned = CancellationToken::new();
    // ANCHOR: accept
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let talk = converse(stream, draining.clone());
                    let abandoned = abandoned.clone();
                    connections
                        .spawn(abandoned.run_until_cancelled_owned(talk));
                }
                // Out of file descriptors, say: those served go on.
                Err(error) => {
                    eprintln!("accept: {error}");
                    sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    // ANCHOR_END: accept
    // ANCHOR: stop
    if how == How::Return {
        return Ok(());
    }
    drop(listener); // stops accepting, and nothing else
    if how == How::Drain {
        draining.cancel();
    }
    connections.close(); // no more will come: `wait` may end
    if timeout(deadline, connections.wait()).await.is_err() {
        abandoned.cancel();
        connections.wait().await;
    }
    // ANCHOR_END: stop
    Ok(())
}

// The clients.

/// Now, on the wall and in this process's CPU time.
#[derive(Clone, Copy)]
struct Moment {
    wall: Instant,
    cpu: Duration,
}

impl Moment {
    fn now() -> Self {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            wall: Instant::now(),
            cpu: Duration::new(time.tv_sec as u64, time.tv_nsec as u32),
        }
    }

    fn phase_since(self, earlier: Self, work: u64, counts: Value) -> Value {
        json!({
            "seconds": (self.wall - earlier.wall).as_secs_f64(),
            "cpu_seconds": (self.cpu - earlier.cpu).as_secs_f64(),
            "work": work,
            "counts": counts,
        })
    }
}

/// What became of the requests.
struct Log {
    to_come: AtomicU64,
    all_served: Notify,
    signalled: AtomicBool,
    dropped: AtomicU64,
    answered: AtomicU64,
    refused: AtomicU64,
}

impl Log {
    fn new(waits_for: u64) -> Self {
        Self {
            to_come: AtomicU64::new(waits_for),
            all_served: Notify::new(),
            signalled: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }

    fn first_answer(&self) {
        if self.to_come.fetch_sub(1, Relaxed) == 1 {
            self.all_served.notify_one();
        }
    }

    fn counts(&self) -> Value {
        json!({
            "dropped": self.dropped.load(Relaxed),
            "answered": self.answered.load(Relaxed),
            "refused": self.refused.load(Relaxed),
        })
    }
}

// ANCHOR: client
async fn ask(
    lines: &mut Lines<BufReader<OwnedReadHalf>>,
    writer: &mut OwnedWriteHalf,
    request: String,
) -> io::Result<String> {
    writer.write_all(request.as_bytes()).await?;
    let line = lines.next_line().await?;
    line.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

async fn client(
    address: SocketAddr,
    start: Duration,
    work: u64,
    log: Arc<Log>,
) -> Result<(), Failure> {
    sleep(start).await; // so that they do not ask all at once
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    for number in 0_u64.. {
        let request = format!("{number} {work}\n");
        let Ok(line) = ask(&mut lines, &mut writer, request).await else {
            log.dropped.fetch_add(1, Relaxed);
            return Ok(());
        };
        let Some((answer, manner)) = line.split_once(' ') else {
            return Err(format!("`{line}` is no answer").into());
        };
        if answer.parse::<u64>()? != number + 1 {
            return Err(format!("{answer} is no answer to {number}").into());
        }
        if number == 0 {
            log.first_answer();
        }
        if log.signalled.load(Relaxed) {
            log.answered.fetch_add(1, Relaxed);
        }
        if manner == "close" {
            break;
        }
    }
    drop((lines, writer));
    match TcpStream::connect(address).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            log.refused.fetch_add(1, Relaxed); // and would try another server
            Ok(())
        }
        Err(error) => Err(error.into()),
        Ok(_) => Err("a server that says `close` still accepts".into()),
    }
}
// ANCHOR_END: client

async fn start_server(
    options: &Options,
) -> Result<(Child, SocketAddr), Failure> {
    let how = options.how.to_possible_value().ok_or("no such way")?;
    let mut server = Command::new(env::current_exe()?)
        .args(["--serve", "--how", how.get_name()])
        .args(["--deadline", &options.deadline.to_string()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = server.stdout.take().ok_or("the server has no stdout")?;
    let line = BufReader::new(stdout).lines().next_line().await?;
    let line = line.ok_or("the server did not say where it listens")?;
    let port: u16 = line.parse()?;
    Ok((server, SocketAddr::from((Ipv4Addr::LOCALHOST, port))))
}

/// One server from start to end; so many of the clients are stuck.
async fn stopped_under_load(
    options: &Options,
    stuck: u64,
) -> Result<Value, Failure> {
    let count = options.connections;
    let log = Arc::new(Log::new(count - stuck));
    let (mut server, address) = start_server(options).await?;
    let id = server.id().and_then(|id| Pid::from_raw(id as i32));
    let id = id.ok_or("the server has ended at once")?;

    let mut clients = JoinSet::new();
    for index in 0..count {
        let work = if index < stuck {
            FOR_EVER
        } else {
            options.work
        };
        let start = Duration::from_millis(options.work * index / count);
        clients.spawn(client(address, start, work, log.clone()));
    }
    tokio::select! {
        () = log.all_served.notified() => {}
        Some(ended) = clients.join_next() => {
            ended??;
            return Err("a client came to an end before the signal".into());
        }
    }
    // ANCHOR: terminate
    log.signalled.store(true, Relaxed);
    let sent = Moment::now();
    kill_process(id, Signal::TERM)?;
    let status = server.wait().await?;
    let gone = Moment::now();
    // ANCHOR_END: terminate
    while let Some(ended) = clients.join_next().await {
        ended??;
    }

    let expected = match options.how {
        How::Die => status.signal() == Some(Signal::TERM.as_raw()),
        _ => status.success(),
    };
    if !expected {
        return Err(format!("the server ended with {status}").into());
    }
    let ended = log.dropped.load(Relaxed) + log.refused.load(Relaxed);
    if ended != count {
        return Err(format!("{ended} of {count} came to an end").into());
    }
    Ok(gone.phase_since(sent, count, log.counts()))
}

/// A service gets SIGTERM under load: who gets no answer, how long it takes.
#[derive(Parser)]
struct Options {
    /// What the server does at SIGTERM
    #[arg(long, value_enum, default_value = "drain")]
    how: How,
    /// How many clients ask
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20,
        value_parser = clap::value_parser!(u64).range(2..=MOST_CONNECTIONS)
    )]
    connections: u64,
    /// Milliseconds that a request takes
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 100,
        value_parser = clap::value_parser!(u64).range(1..=MOST_MILLISECONDS)
    )]
    work: u64,
    /// Milliseconds until the server cancels what is left
    #[arg(
        long,
        value_name = "MS",
        default_value_t = 400,
        value_parser = clap::value_parser!(u64).range(1..=MOST_MILLISECONDS)
    )]
    deadline: u64,
    /// Be the server, on a free port that is printed
    #[arg(long)]
    serve: bool,
}

async fn phase(options: &Options, stuck: u64) -> Result<Value, Failure> {
    timeout(PATIENCE, stopped_under_load(options, stuck))
        .await
        .map_err(|_| "the server, or a client, did not end")?
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let load = phase(&options, 0).await?;
    let stuck = phase(&options, 1).await?;
    Ok(json!({
        "result": { "clients": options.connections, "stuck": 1 },
        "phases": { "load": load, "stuck": stuck },
    }))
}

fn run(options: Options) -> Result<(), Failure> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if options.serve {
        let deadline = Duration::from_millis(options.deadline);
        return runtime.block_on(serve(options.how, deadline));
    } // Here the runtime is dropped, and with it every task that is left.
    let report = runtime.block_on(measured(options))?;
    println!("{report}");
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
