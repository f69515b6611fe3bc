//! Every step of the small runtime, written down: which task is polled, where
//! it leaves its waker, who calls that, and who is polled next.
//!
//! Four tasks run on mini.rs, which is used as it is. What is written down
//! comes from the futures themselves and from a waker that tells when it is
//! called, so the same steps come out every time; they stand in steps.json,
//! which the book shows and the tests compare.
//!
//!     cargo run --release --example mini-runtime-steps

use std::cell::RefCell;
use std::collections::VecDeque;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use mio::net::UnixStream;
use serde_json::{Value, json};

#[allow(dead_code)] // its own main, among others
#[path = "mini.rs"]
mod mini;

use mini::{Runtime, Stream};

const NAP: Duration = Duration::from_millis(50);

type Name = &'static str;

/// The steps so far, and what is needed to write down the next. In a static,
/// for a waker may be called from anywhere.
static RECORD: Mutex<Record> = Mutex::new(Record::new());

struct Record {
    steps: Vec<Value>,
    running: Option<Name>,
    ready: VecDeque<Name>,
    /// Who has left a waker with whom.
    timers: Vec<Name>,
    sockets: Vec<Name>,
    tasks: Vec<Name>,
    /// The executor has not asked the reactor since it polled.
    busy: bool,
}

fn record() -> MutexGuard<'static, Record> {
    RECORD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a task can wait for.
#[derive(Clone, Copy)]
enum For {
    Timer,
    Socket,
    Task,
}

impl Record {
    const fn new() -> Self {
        Self {
            steps: Vec::new(),
            running: None,
            ready: VecDeque::new(),
            timers: Vec::new(),
            sockets: Vec::new(),
            tasks: Vec::new(),
            busy: true,
        }
    }

    fn write(&mut self, event: &str, task: Option<Name>) {
        self.steps.push(json!({
            "event": event,
            "task": task,
            "running": self.running,
            "ready": self.ready,
            "timers": self.timers,
            "kernel": self.sockets,
            "tasks": self.tasks,
        }));
    }

    fn waiting(&mut self, what: For) -> &mut Vec<Name> {
        match what {
            For::Timer => &mut self.timers,
            For::Socket => &mut self.sockets,
            For::Task => &mut self.tasks,
        }
    }

    fn woken(&mut self, task: Name) {
        // Timers and sockets are the reactor's: it waited in the kernel, or
        // had a look. Who waits for a task is woken by that task.
        let by_reactor =
            self.timers.contains(&task) || self.sockets.contains(&task);
        if by_reactor && self.busy {
            self.busy = false;
            self.write("reactor_waits", None);
        }
        for what in [For::Timer, For::Socket, For::Task] {
            self.waiting(what).retain(|name| *name != task);
        }
        if !self.ready.contains(&task) {
            self.ready.push_back(task);
        }
        self.write("waker_called", Some(task));
    }
}

/// A waker that tells when it is called, and calls the runtime's.
struct Telling {
    task: Name,
    inside: Waker,
}

impl Wake for Telling {
    fn wake(self: Arc<Self>) {
        record().woken(self.task);
        self.inside.wake_by_ref();
    }
}

/// A task that tells of its polls.
struct Told<F> {
    task: Name,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Told<F> {
    type Output = F::Output;

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let task = self.task;
        {
            let mut record = record();
            let first = record.ready.pop_front();
            assert_eq!(first, Some(task), "first come, first served");
            record.running = Some(task);
            record.busy = true;
            record.write("polled", Some(task));
        }
        let inside = context.waker().clone();
        let waker = Waker::from(Arc::new(Telling { task, inside }));
        let polled =
            self.future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut record = record();
        if polled.is_ready() {
            record.write("ready", Some(task));
        }
        record.running = None;
        polled
    }
}

fn spawn<T: 'static>(
    runtime: &Runtime,
    task: Name,
    future: impl Future<Output = T> + 'static,
) -> mini::JoinHandle<T> {
    {
        let mut record = record();
        record.ready.push_back(task);
        record.write("spawned", Some(task));
    }
    let future = Box::pin(future);
    runtime.spawn(Told { task, future })
}

/// The end of a chain of awaits: it tells with whom it leaves the waker.
struct Leaf<F> {
    task: Name,
    what: For,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Leaf<F> {
    type Output = F::Output;

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let polled = self.future.as_mut().poll(context);
        if polled.is_pending() {
            let (task, what) = (self.task, self.what);
            let mut record = record();
            record.waiting(what).push(task);
            let event = match what {
                For::Timer => "pending_timer",
                For::Socket => "pending_socket",
                For::Task => "pending_task",
            };
            record.write(event, Some(task));
        }
        polled
    }
}

fn leaf<F: Future>(task: Name, what: For, future: F) -> Leaf<F> {
    let future = Box::pin(future);
    Leaf { task, what, future }
}

async fn receiver(stream: Stream) -> std::io::Result<usize> {
    let mut byte = [0];
    leaf("receiver", For::Socket, stream.read(&mut byte)).await
}

async fn sender(stream: Stream) -> std::io::Result<usize> {
    leaf("sender", For::Socket, stream.write(b"!")).await
}

fn run() -> Result<Value, Box<dyn Error>> {
    let runtime = Rc::new(Runtime::new()?);
    let (near, far) = UnixStream::pair()?;
    let near = Stream::new(near, &runtime.reactor)?;
    let far = Stream::new(far, &runtime.reactor)?;
    let spawner = runtime.clone();
    record().ready.push_back("main");
    record().write("spawned", Some("main"));
    let result = Rc::new(RefCell::new(None));
    let filled = result.clone();
    runtime.block_on(Told {
        task: "main",
        future: Box::pin(async move {
            let nap = spawner.reactor.sleep(NAP);
            let sleeper =
                spawn(&spawner, "sleeper", leaf("sleeper", For::Timer, nap));
            let receiver = spawn(&spawner, "receiver", receiver(far));
            let sender = spawn(&spawner, "sender", sender(near));
            leaf("main", For::Task, sleeper).await;
            let sent = leaf("main", For::Task, sender).await;
            let received = leaf("main", For::Task, receiver).await;
            *filled.borrow_mut() = Some((sent, received));
        }),
    })?;
    match result.take() {
        Some((Ok(1), Ok(1))) => Ok(json!({ "steps": record().steps })),
        other => Err(format!("one byte was to go over: {other:?}").into()),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let recorded = run()?;
    // A step to a line.
    let steps = recorded["steps"].as_array().into_iter().flatten();
    let lines: Vec<String> = steps.map(|step| format!("  {step}")).collect();
    println!("{{\"steps\": [\n{}\n]}}", lines.join(",\n"));
    Ok(())
}
