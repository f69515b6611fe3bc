//! Loads an echo server or an HTTP server and prints one JSON line of what it saw in each phase.
//!
//! Closed loop: each connection sends its next message when it has the answer to the last. Open loop: messages are due at fixed times,
//! whether or not the server keeps up, and latency counts from the time a message was due, not from when it could be sent: a server
//! that stalls is charged for everything that had to wait (Gil Tene's "coordinated omission").
//!
//! Every answer is compared with what it must be, byte by byte.

mod echo;
mod http;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use measure::latency::Recorder;
use measure::load::{Exchange, PhaseReport, Plan, Report};
use measure::process::{GroupClock, cpu_time_of};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::Instant;

use crate::echo::Echo;
use crate::http::Http;

/// Load a server as a plan says, and report.
#[derive(Parser)]
struct Options {
    /// Address of the server
    #[arg(long)]
    connect: String,
    /// Process id of the server, the leader of its group: the CPU time of all processes in it is read at the borders of each phase
    #[arg(long)]
    server_pid: u32,
    /// The plan, as JSON
    #[arg(long)]
    plan: String,
}

/// A connection that has not answered for so long is lost.
const STALLED: Duration = Duration::from_secs(10);
/// Tokio's timers tick in milliseconds; the rest is waited for by yielding.
const TIMER_SLACK: Duration = Duration::from_millis(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let options = Options::parse();
    match LocalSet::new().run_until(run(&options)).await {
        Ok(report) => {
            println!("{}", serde_json::to_string(&report).expect("plain data"));
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<Report> {
    let plan: Plan = serde_json::from_str(&options.plan).context("--plan is not a plan")?;
    let mut connections = Vec::with_capacity(plan.connections);
    for number in 0..plan.connections {
        let stream = TcpStream::connect(&options.connect)
            .await
            .with_context(|| format!("connection {number} of {}", plan.connections))?;
        stream.set_nodelay(true)?;
        connections.push(Connection::new(number, stream, options, &plan.exchange));
    }
    let warm_up = Phase::closed(plan.warm_up_seconds);
    let mut connections = drive(connections, &warm_up).await?.0;
    let mut report = Report::default();
    for planned in &plan.phases {
        let phase = match planned.rate {
            Some(rate) => Phase::open(planned.seconds, rate, plan.connections),
            None => Phase::closed(planned.seconds),
        };
        let server_before = GroupClock::read(options.server_pid)?;
        let own_before = cpu_time_of(std::process::id())?;
        let began = Instant::now();
        let (returned, seen) = drive(connections, &phase).await?;
        let seconds = began.elapsed();
        connections = returned;
        report.phases.insert(
            planned.name.clone(),
            PhaseReport {
                seconds: seconds.as_secs_f64(),
                work: seen.latency.waits(),
                cpu_seconds: GroupClock::read(options.server_pid)?
                    .since(&server_before)?
                    .as_secs_f64(),
                peer_cpu_seconds: (cpu_time_of(std::process::id())? - own_before).as_secs_f64(),
                offered_per_second: planned.rate,
                late_p99_seconds: planned.rate.map(|_| seen.late.quantile(0.99)),
                latency: seen.latency.stored(),
            },
        );
    }
    for mut connection in connections {
        connection.finish().await?;
    }
    Ok(report)
}

/// How long, and at which times messages are due.
#[derive(Clone, Copy)]
struct Phase {
    duration: Duration,
    /// Between two messages of one connection, and between two connections; nothing in the closed loop.
    schedule: Option<(Duration, Duration)>,
}

impl Phase {
    fn closed(seconds: f64) -> Phase {
        Phase {
            duration: Duration::from_secs_f64(seconds),
            schedule: None,
        }
    }

    fn open(seconds: f64, rate: f64, connections: usize) -> Phase {
        let apart = Duration::from_secs_f64(1.0 / rate);
        Phase {
            duration: Duration::from_secs_f64(seconds),
            schedule: Some((apart * connections as u32, apart)),
        }
    }
}

/// In microseconds, to two significant digits: a run's histogram stays small.
struct Seen {
    latency: Recorder,
    /// How long after it was due, and its connection free, a message was sent.
    late: Recorder,
}

/// All connections at once through one phase.
async fn drive(connections: Vec<Connection>, phase: &Phase) -> Result<(Vec<Connection>, Seen)> {
    let seen = Rc::new(RefCell::new(Seen {
        latency: Recorder::new()?,
        late: Recorder::new()?,
    }));
    let began = Instant::now();
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::task::spawn_local(connection.drive(*phase, began, seen.clone())))
        .collect();
    let mut returned = Vec::with_capacity(tasks.len());
    for task in tasks {
        returned.push(task.await??);
    }
    let seen = Rc::try_unwrap(seen)
        .map_err(|_| anyhow::anyhow!("a task outlived its phase"))?
        .into_inner();
    ensure!(seen.latency.waits() > 0, "the server answered nothing in a phase");
    Ok((returned, seen))
}

struct Connection {
    number: usize,
    exchange: Kind,
}

enum Kind {
    Echo(Echo),
    Http(Http),
}

impl Connection {
    fn new(number: usize, stream: TcpStream, options: &Options, exchange: &Exchange) -> Connection {
        Connection {
            number,
            exchange: match exchange {
                Exchange::Echo { message_bytes } => Kind::Echo(Echo::new(number, stream, *message_bytes)),
                Exchange::Http(question) => Kind::Http(Http::new(number, stream, &options.connect, question)),
            },
        }
    }

    async fn drive(mut self, phase: Phase, began: Instant, seen: Rc<RefCell<Seen>>) -> Result<Connection> {
        let end = began + phase.duration;
        let mut count = 0;
        loop {
            let free = Instant::now();
            let due = match phase.schedule {
                None => free,
                Some((period, apart)) => began + apart * self.number as u32 + period * count,
            };
            if due >= end {
                return Ok(self);
            }
            wait_until(due).await;
            let sending = Instant::now();
            tokio::time::timeout(STALLED, self.exchange())
                .await
                .with_context(|| format!("connection {} had no answer for {STALLED:?}", self.number))??;
            let mut seen = seen.borrow_mut();
            seen.latency.record(micros(due.elapsed()))?;
            seen.late
                .record(micros(sending.saturating_duration_since(due.max(free))))?;
            count += 1;
        }
    }

    /// One message out, and its answer back.
    async fn exchange(&mut self) -> Result<()> {
        match &mut self.exchange {
            Kind::Echo(echo) => echo.exchange().await,
            Kind::Http(http) => http.exchange().await,
        }
    }

    async fn finish(&mut self) -> Result<()> {
        match &mut self.exchange {
            Kind::Echo(echo) => echo.finish().await,
            // Every answer has said where it ends.
            Kind::Http(_) => Ok(()),
        }
    }
}

/// Waits to within tens of microseconds: by the timer while the time is far, then by yielding to the other connections.
async fn wait_until(due: Instant) {
    if let Some(far) = due.checked_sub(TIMER_SLACK)
        && far > Instant::now()
    {
        tokio::time::sleep_until(far).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}

fn micros(duration: Duration) -> u64 {
    (duration.as_micros() as u64).max(1)
}
