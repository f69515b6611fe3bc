//! A TCP echo server on mio alone: one thread, no runtime, no tasks.
//!
//! Whatever bytes arrive go back, in order, until the client closes. The
//! same server on Tokio, which stands on mio too, is ../tcp-echo/main.rs; the
//! difference between the two is the price of `async` itself. Without
//! `--listen` a demo runs: four clients in this process, which check every
//! byte.
//!
//!     cargo run --release --example echo-systems-mio
//!     cargo run --release --example echo-systems-mio -- --listen 127.0.0.1:7007

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

const READ_SIZE: usize = 64 * 1024;
/// So many reads of one connection, then it is another's turn.
const READS_IN_TURN: usize = 16;
/// Where file descriptors have run out, when to look for one again.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

const LISTENER: Token = Token(usize::MAX);
const STOP: Token = Token(usize::MAX - 1);

// ANCHOR: echo
/// A connection, and what its client has not taken yet.
struct Connection {
    stream: TcpStream,
    unsent: Vec<u8>,
    sent: usize,
    /// The client has sent its last byte, which may not have been read.
    end_came: bool,
}

enum Next {
    /// Nothing to do until the kernel reports the next event.
    Wait,
    /// There may be more to read, and others are waiting.
    Again,
    Close,
}

impl Connection {
    /// As far as it goes without waiting. `buffer` belongs to the loop: only
    /// what a client does not take has to be kept for it.
    fn advance(&mut self, buffer: &mut [u8]) -> io::Result<Next> {
        for _ in 0..READS_IN_TURN {
            // Backpressure: a client that does not read is not read from.
            if !self.send_rest()? {
                return Ok(Next::Wait);
            }
            let length = match self.stream.read(buffer) {
                Ok(0) => return Ok(Next::Close),
                Ok(length) => length,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    return Ok(Next::Wait);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let sent = match self.stream.write(&buffer[..length]) {
                Ok(sent) => sent,
                Err(e) if is_passing(&e) => 0,
                Err(e) => return Err(e),
            };
            self.unsent.extend_from_slice(&buffer[sent..length]);
            // The socket was emptied, and what comes later is a new event.
            // The end is none if it came with this one.
            if length < buffer.len() && !self.end_came {
                return self.send_rest().map(|_| Next::Wait);
            }
        }
        Ok(Next::Again)
    }

    /// Whether everything is sent; if not, an event will say when to go on.
    fn send_rest(&mut self) -> io::Result<bool> {
        while self.sent < self.unsent.len() {
            match self.stream.write(&self.unsent[self.sent..]) {
                Ok(sent) => self.sent += sent,
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    return Ok(false);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.unsent.clear();
        self.sent = 0;
        Ok(true)
    }
}
// ANCHOR_END: echo

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

struct Server {
    poll: Poll,
    listener: TcpListener,
    /// Out of file descriptors, say: nobody reports when one is free again.
    accept_later: bool,
    /// A connection's place is its token.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    again: VecDeque<usize>,
    buffer: Vec<u8>,
    /// Held, since a waker that is dropped takes its event with it.
    _waker: Arc<Waker>,
}

impl Server {
    /// The server, and what stops it from another thread.
    fn bind(address: SocketAddr) -> io::Result<(Server, Arc<Waker>)> {
        // With a backlog of 128, which mio does not let us choose.
        let mut listener = TcpListener::bind(address)?;
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), STOP)?);
        poll.registry().register(
            &mut listener,
            LISTENER,
            Interest::READABLE,
        )?;
        let server = Server {
            poll,
            listener,
            accept_later: false,
            connections: Vec::new(),
            free: Vec::new(),
            again: VecDeque::new(),
            buffer: vec![0; READ_SIZE],
            _waker: waker.clone(),
        };
        Ok((server, waker))
    }

    // ANCHOR: turn
    /// Serves until the waker is woken. Dropped, it closes everything.
    fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(1024);
        loop {
            let at_most = if !self.again.is_empty() {
                Some(Duration::ZERO)
            } else {
                self.accept_later.then_some(ACCEPT_AGAIN)
            };
            match self.poll.poll(&mut events, at_most) {
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            }
            if self.accept_later {
                self.accept()?;
            }
            for _ in 0..self.again.len() {
                if let Some(place) = self.again.pop_front() {
                    self.advance(place, false);
                }
            }
            for event in &events {
                match event.token() {
                    STOP => return Ok(()),
                    LISTENER => self.accept()?,
                    Token(place) => {
                        self.advance(place, event.is_read_closed());
                    }
                }
            }
        }
    }
    // ANCHOR_END: turn

    fn accept(&mut self) -> io::Result<()> {
        self.accept_later = false;
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => {
                    eprintln!("accept: {e}");
                    self.accept_later = true;
                    return Ok(());
                }
            };
            if stream.set_nodelay(true).is_err() {
                continue; // The client has gone already.
            }
            let place = self.free.pop().unwrap_or(self.connections.len());
            self.poll.registry().register(
                &mut stream,
                Token(place),
                Interest::READABLE | Interest::WRITABLE,
            )?;
            let connection = Connection {
                stream,
                unsent: Vec::new(),
                sent: 0,
                end_came: false,
            };
            if place == self.connections.len() {
                self.connections.push(Some(connection));
            } else {
                self.connections[place] = Some(connection);
            }
        }
    }

    fn advance(&mut self, place: usize, end_came: bool) {
        // An event may be left over of a connection that was just closed.
        let Some(connection) = &mut self.connections[place] else {
            return;
        };
        connection.end_came |= end_came;
        match connection.advance(&mut self.buffer) {
            Ok(Next::Wait) => {}
            Ok(Next::Again) => self.again.push_back(place),
            // By the client's closing or its breaking off, there is nobody
            // left to answer. To close a socket takes it out of the poll.
            Ok(Next::Close) | Err(_) => {
                self.connections[place] = None;
                self.free.push(place);
            }
        }
    }
}

/// Wakes the waker at the first SIGTERM or SIGINT. The standard library has
/// no signals; Tokio's are waited for on a thread that does nothing else.
fn stop_at_signal(waker: Arc<Waker>) -> io::Result<()> {
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
        waker.wake()
    });
    Ok(())
}

fn serve_until_signal(address: SocketAddr) -> Result<(), Failure> {
    let (server, waker) = Server::bind(address)
        .map_err(|error| format!("cannot listen on {address}: {error}"))?;
    stop_at_signal(waker)?;
    // Ends with a newline: that flushes it, into a pipe as well.
    println!("{}", json!({ "listening": server.listener.local_addr()? }));
    server.run()?;
    Ok(())
}

// The demo: so many clients send so many messages each, one at a time.
const CLIENTS: usize = 4;
const MESSAGES: usize = 250;
const MESSAGE_SIZE: usize = 1024;
const TIMEOUT: Duration = Duration::from_secs(10);

fn demo() -> Result<(), Failure> {
    let (server, waker) = Server::bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = server.listener.local_addr()?;
    let serving = thread::spawn(|| server.run());
    let report = converse(address);
    waker.wake()?;
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
    let mut stream = std::net::TcpStream::connect_timeout(&address, TIMEOUT)?;
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

/// A TCP echo server on mio alone: one thread, no runtime, no tasks.
#[derive(Parser)]
struct Options {
    /// Serve here until SIGTERM or SIGINT; port 0 takes a free one
    /// [default: run the demo]
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
}

fn main() -> ExitCode {
    let result = match Options::parse().listen {
        Some(address) => serve_until_signal(address),
        None => demo(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
