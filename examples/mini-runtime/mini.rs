//! A runtime small enough to read: an executor, a reactor, and the wakers
//! between them. Then pairs of sockets play ping-pong on it.
//!
//! One thread polls the tasks; mio waits for sockets; timers stand in a map.
//! There is no unsafe code: `std::task::Wake` makes a waker out of an `Arc`.
//! The same game on Tokio is main.rs, on asyncio main.py.
//!
//!     cargo run --release --example mini-runtime-mini
//!     cargo run --release --example mini-runtime-mini -- --pairs 100
//!
//! Without arguments it first checks itself: the order of timers, a wake from
//! another thread, two wakes that make one poll, and more.
//!
//! What it leaves out, and a runtime for production has: more threads, stack
//! traces of panicking tasks instead of the end of all, a budget for tasks
//! that never rest, and time-outs for everything.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::pin::{Pin, pin};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use mio::net::UnixStream;
use mio::{Events, Interest, Registry, Token};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::sync::oneshot;

// ANCHOR: ready
type TaskId = usize;

/// Which tasks are to be polled. All that other threads ever touch.
struct Ready {
    queue: Mutex<Queue>,
    /// Makes the reactor's wait return, from whatever thread.
    alarm: mio::Waker,
    wakes: AtomicU64,
}

#[derive(Default)]
struct Queue {
    tasks: Vec<TaskId>,
    /// The executor waits in the kernel, or is about to.
    asleep: bool,
}

impl Ready {
    fn push(&self, task: TaskId) {
        let mut queue = self.lock();
        queue.tasks.push(task);
        if mem::take(&mut queue.asleep) {
            self.alarm.wake().expect("an eventfd can be written to");
        }
    }

    /// All tasks queued so far, first come, first served.
    fn take(&self) -> Vec<TaskId> {
        mem::take(&mut self.lock().tasks)
    }

    /// Whether nothing is queued. If so, the next push sounds the alarm.
    fn fall_asleep(&self) -> bool {
        let mut queue = self.lock();
        queue.asleep = queue.tasks.is_empty();
        queue.asleep
    }

    fn get_up(&self) {
        self.lock().asleep = false;
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
// ANCHOR_END: ready

// ANCHOR: waker
/// What a `Waker` of this runtime is inside. It holds the task's number, not
/// the task: it may outlive it, and be in the hands of any thread.
struct TaskWaker {
    task: TaskId,
    queued: AtomicBool,
    ready: Arc<Ready>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.wakes.fetch_add(1, Ordering::Relaxed);
        // In the queue already: one poll will do for both wakes.
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.push(self.task);
        }
    }
}
// ANCHOR_END: waker

// ANCHOR: executor
struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    inside: Arc<TaskWaker>,
    waker: Waker,
}

pub struct Runtime {
    pub reactor: Rc<Reactor>,
    ready: Arc<Ready>,
    tasks: RefCell<BTreeMap<TaskId, Task>>,
    next: Cell<TaskId>,
    polls: Cell<u64>,
}

impl Runtime {
    fn poll(&self, id: TaskId) {
        // Taken out of the map, which is then free for what the task does
        // while it runs: to spawn others, or abort them.
        let Some(mut task) = self.tasks.borrow_mut().remove(&id) else {
            return; // It was aborted since it was queued.
        };
        // Before the poll: a wake that comes during it queues the task anew.
        task.inside.queued.swap(false, Ordering::AcqRel);
        self.polls.set(self.polls.get() + 1);
        let mut context = Context::from_waker(&task.waker);
        if task.future.as_mut().poll(&mut context).is_pending() {
            self.tasks.borrow_mut().insert(id, task);
        }
    }

    fn drive<T>(&self, main: JoinHandle<T>) -> io::Result<T> {
        let mut main = pin!(main);
        let mut nobody = Context::from_waker(Waker::noop());
        loop {
            for id in self.ready.take() {
                self.poll(id);
            }
            // No need to be woken for this: it is asked after every turn.
            if let Poll::Ready(result) = main.as_mut().poll(&mut nobody) {
                return Ok(result);
            }
            let idle = self.ready.fall_asleep();
            let woken = self.reactor.wait(idle)?;
            self.ready.get_up();
            woken.into_iter().for_each(Waker::wake);
        }
    }
}
// ANCHOR_END: executor

// ANCHOR: spawn
/// A task's result, to be awaited.
pub struct JoinHandle<T> {
    task: TaskId,
    slot: Rc<RefCell<Slot<T>>>,
}

struct Slot<T> {
    result: Option<T>,
    waiter: Option<Waker>,
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut slot = self.slot.borrow_mut();
        if let Some(result) = slot.result.take() {
            return Poll::Ready(result);
        }
        slot.waiter = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Runtime {
    pub fn spawn<T: 'static>(
        &self,
        future: impl Future<Output = T> + 'static,
    ) -> JoinHandle<T> {
        let (result, waiter) = (None, None);
        let slot = Rc::new(RefCell::new(Slot { result, waiter }));
        let filled = slot.clone();
        let future = Box::pin(async move {
            let result = future.await;
            let waiter = {
                let mut slot = filled.borrow_mut();
                slot.result = Some(result);
                slot.waiter.take()
            };
            waiter.into_iter().for_each(Waker::wake);
        });

        let task = self.next.replace(self.next.get() + 1);
        let (queued, ready) = (AtomicBool::new(false), self.ready.clone());
        let inside = Arc::new(TaskWaker {
            task,
            queued,
            ready,
        });
        let waker = Waker::from(inside.clone());
        waker.wake_by_ref(); // to be polled a first time
        let entry = Task {
            future,
            inside,
            waker,
        };
        self.tasks.borrow_mut().insert(task, entry);
        JoinHandle { task, slot }
    }

    /// Drops the task's future where it waits.
    pub fn abort<T>(&self, handle: JoinHandle<T>) {
        // In a statement of its own: dropped when the map is free again.
        let task = self.tasks.borrow_mut().remove(&handle.task);
        drop(task);
    }

    /// Runs until the future is done, then drops all that it spawned.
    pub fn block_on<T: 'static>(
        &self,
        future: impl Future<Output = T> + 'static,
    ) -> io::Result<T> {
        let result = self.drive(self.spawn(future));
        let rest = self.tasks.take();
        drop(rest);
        result
    }
}
// ANCHOR_END: spawn

// ANCHOR: reactor
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    Read,
    Write,
}

/// Knows who waits for what: the wakers, by socket and by deadline.
pub struct Reactor {
    poll: RefCell<mio::Poll>,
    events: RefCell<Events>,
    registry: Registry,
    sockets: RefCell<BTreeMap<(Token, Direction), Waker>>,
    timers: RefCell<BTreeMap<(Instant, usize), Waker>>,
    next: Cell<usize>,
    waits: Cell<u64>,
    refused: Cell<u64>,
}

impl Reactor {
    /// Waits until a socket is ready or a timer due, if `idle`; else only
    /// has a look. The wakers of those who waited for it.
    fn wait(&self, idle: bool) -> io::Result<Vec<Waker>> {
        let mut timers = self.timers.borrow_mut();
        let first = timers.first_key_value().map(|((due, _), _)| *due);
        let timeout = if idle {
            self.waits.set(self.waits.get() + 1);
            first.map(|due| due.saturating_duration_since(Instant::now()))
        } else {
            Some(Duration::ZERO)
        };
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => other?,
        }

        let mut woken = Vec::new();
        let mut sockets = self.sockets.borrow_mut();
        for event in events.iter() {
            // Whoever waits for a broken socket must learn of it: by trying.
            let broken = event.is_error();
            if event.is_readable() || event.is_read_closed() || broken {
                let key = (event.token(), Direction::Read);
                woken.extend(sockets.remove(&key));
            }
            if event.is_writable() || event.is_write_closed() || broken {
                let key = (event.token(), Direction::Write);
                woken.extend(sockets.remove(&key));
            }
        }
        while let Some(timer) = timers.first_entry()
            && timer.key().0 <= Instant::now()
        {
            woken.push(timer.remove());
        }
        Ok(woken)
    }

    /// A number that no socket or timer has or had before: an event that is
    /// late cannot wake somebody else.
    fn number(&self) -> usize {
        self.next.replace(self.next.get() + 1)
    }
}
// ANCHOR_END: reactor

// ANCHOR: sleep
/// Completes at its deadline.
pub struct Sleep {
    deadline: Instant,
    number: usize,
    reactor: Rc<Reactor>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.deadline {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        let key = (self.deadline, self.number);
        self.reactor.timers.borrow_mut().insert(key, waker);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let key = (self.deadline, self.number);
        self.reactor.timers.borrow_mut().remove(&key);
    }
}
// ANCHOR_END: sleep

impl Reactor {
    pub fn sleep(self: &Rc<Self>, duration: Duration) -> Sleep {
        Sleep {
            deadline: Instant::now() + duration,
            number: self.number(),
            reactor: self.clone(),
        }
    }
}

// ANCHOR: stream
/// A socket that waits in the reactor instead of in the kernel.
pub struct Stream {
    socket: UnixStream,
    token: Token,
    reactor: Rc<Reactor>,
}

impl Stream {
    pub fn new(
        mut socket: UnixStream,
        reactor: &Rc<Reactor>,
    ) -> io::Result<Self> {
        let (token, reactor) = (Token(reactor.number()), reactor.clone());
        let interest = Interest::READABLE | Interest::WRITABLE;
        // Once and for all: mio reports edges, changes of the state.
        reactor.registry.register(&mut socket, token, interest)?;
        Ok(Self {
            socket,
            token,
            reactor,
        })
    }

    // ANCHOR: attempt
    /// Tries; if the socket has nothing to give or take, leaves the waker.
    fn attempt<T>(
        &self,
        context: &mut Context<'_>,
        direction: Direction,
        mut operation: impl FnMut(&UnixStream) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            match operation(&self.socket) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => {
                    let reactor = &self.reactor;
                    reactor.refused.set(reactor.refused.get() + 1);
                    let waker = context.waker().clone();
                    let key = (self.token, direction);
                    reactor.sockets.borrow_mut().insert(key, waker);
                    return Poll::Pending;
                }
                other => return Poll::Ready(other),
            }
        }
    }
    // ANCHOR_END: attempt

    /// Some bytes; none if the other side has closed.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        poll_fn(|context| {
            self.attempt(context, Direction::Read, |mut socket| {
                socket.read(buffer)
            })
        })
        .await
    }

    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        poll_fn(|context| {
            self.attempt(context, Direction::Write, |mut socket| {
                socket.write(bytes)
            })
        })
        .await
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Can only fail if it was never registered.
        let _ = self.reactor.registry.deregister(&mut self.socket);
        let mut sockets = self.reactor.sockets.borrow_mut();
        sockets.remove(&(self.token, Direction::Read));
        sockets.remove(&(self.token, Direction::Write));
    }
}
// ANCHOR_END: stream

impl Stream {
    async fn read_exact(&self, buffer: &mut [u8]) -> io::Result<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.read(&mut buffer[filled..]).await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                length => filled += length,
            }
        }
        Ok(())
    }

    async fn write_all(&self, bytes: &[u8]) -> io::Result<()> {
        let mut written = 0;
        while written < bytes.len() {
            written += self.write(&bytes[written..]).await?;
        }
        Ok(())
    }
}

impl Runtime {
    pub fn new() -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let ready = Arc::new(Ready {
            queue: Mutex::default(),
            alarm: mio::Waker::new(&registry, ALARM)?,
            wakes: AtomicU64::new(0),
        });
        let reactor = Rc::new(Reactor {
            poll: poll.into(),
            events: Events::with_capacity(1024).into(),
            registry,
            sockets: RefCell::default(),
            timers: RefCell::default(),
            next: Cell::new(ALARM.0 + 1),
            waits: Cell::new(0),
            refused: Cell::new(0),
        });
        Ok(Self {
            reactor,
            ready,
            tasks: RefCell::default(),
            next: Cell::new(0),
            polls: Cell::new(0),
        })
    }

    fn counts(&self) -> Counts {
        Counts {
            polls: self.polls.get(),
            wakes: self.ready.wakes.load(Ordering::Relaxed),
            waits: self.reactor.waits.get(),
            refused: self.reactor.refused.get(),
        }
    }
}

/// Nobody waits for this one: it only makes the reactor's wait return.
const ALARM: Token = Token(0);

/// What the runtime has done since it was made.
#[derive(Clone, Copy)]
struct Counts {
    /// Polls of tasks.
    polls: u64,
    /// Calls of wakers.
    wakes: u64,
    /// Waits in the kernel with leave to sleep.
    waits: u64,
    /// Reads and writes that the kernel refused for the time being.
    refused: u64,
}

// ANCHOR: play
async fn ping(
    stream: Stream,
    first: u64,
    rounds: u64,
) -> Result<u64, Failure> {
    let mut number = first;
    for _ in 0..rounds {
        stream.write_all(&number.to_be_bytes()).await?;
        let mut answer = [0; 8];
        stream.read_exact(&mut answer).await?;
        let answer = u64::from_be_bytes(answer);
        if answer != number + 1 {
            return Err(format!("{number} was answered {answer}").into());
        }
        number = answer;
    }
    Ok(number)
}

async fn pong(stream: Stream, rounds: u64) -> Result<(), Failure> {
    for _ in 0..rounds {
        let mut number = [0; 8];
        stream.read_exact(&mut number).await?;
        let answer = u64::from_be_bytes(number) + 1;
        stream.write_all(&answer.to_be_bytes()).await?;
    }
    Ok(())
}
// ANCHOR_END: play

/// So many pairs play so many rounds each; the sum of their last numbers.
fn play(
    runtime: &Rc<Runtime>,
    pairs: u64,
    rounds: u64,
) -> Result<u64, Failure> {
    let spawner = runtime.clone();
    runtime.block_on(async move {
        let (mut pings, mut pongs) = (Vec::new(), Vec::new());
        for pair in 0..pairs {
            let (near, far) = UnixStream::pair()?;
            let near = Stream::new(near, &spawner.reactor)?;
            let far = Stream::new(far, &spawner.reactor)?;
            pings.push(spawner.spawn(ping(near, pair * rounds, rounds)));
            pongs.push(spawner.spawn(pong(far, rounds)));
        }
        let mut sum = 0;
        for ping in pings {
            sum += ping.await?;
        }
        for pong in pongs {
            pong.await?;
        }
        Ok(sum)
    })?
}

/// Plays twice: the first game is timed, the second, shorter one counted, as
/// in the programs where counting costs more than here.
fn measured(pairs: u64, messages: u64) -> Result<Value, Failure> {
    let rounds = messages / (2 * pairs);
    let counted_rounds = rounds.div_ceil(COUNTED);
    let runtime = Rc::new(Runtime::new()?);

    let (wall, cpu) = (Instant::now(), cpu_time());
    let sum = play(&runtime, pairs, rounds)?;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    let (wall, cpu, before) = (Instant::now(), cpu_time(), runtime.counts());
    let counted_sum = play(&runtime, pairs, counted_rounds)?;
    let counted_seconds = wall.elapsed().as_secs_f64();
    let counted_cpu_seconds = (cpu_time() - cpu).as_secs_f64();
    let after = runtime.counts();

    // Pair p begins at p times the rounds, and each round adds one.
    for (sum, rounds) in [(sum, rounds), (counted_sum, counted_rounds)] {
        let expected = rounds * pairs * (pairs + 1) / 2;
        if sum != expected {
            let wrong = format!("the numbers sum to {sum}, not {expected}");
            return Err(wrong.into());
        }
    }
    Ok(json!({
        "result": { "pairs": pairs, "rounds": rounds, "sum": sum },
        "phases": {
            "play": {
                "seconds": seconds,
                "cpu_seconds": cpu_seconds,
                "work": 2 * pairs * rounds,
            },
            "counted": {
                "seconds": counted_seconds,
                "cpu_seconds": counted_cpu_seconds,
                "work": 2 * pairs * counted_rounds,
                "counts": {
                    "polls": after.polls - before.polls,
                    "wakes": after.wakes - before.wakes,
                    "waits": after.waits - before.waits,
                    "refused": after.refused - before.refused,
                },
            },
        },
    }))
}

/// The counted game is shorter by this factor.
const COUNTED: u64 = 5;

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

type Failure = Box<dyn Error + Send + Sync>;

/// What the runtime promises, tried out.
mod check {
    use super::*;

    pub fn all() -> Result<(), Failure> {
        timers_in_order()?;
        a_wake_from_another_thread()?;
        two_wakes_make_one_poll()?;
        a_wake_during_a_poll_is_kept()?;
        an_aborted_task_leaves_the_reactor()?;
        ten_pairs_share_their_waits()
    }

    fn ensure(holds: bool, what: &str) -> Result<(), Failure> {
        if holds {
            return Ok(());
        }
        Err(format!("self-check: expected that {what}; it is not so").into())
    }

    fn timers_in_order() -> Result<(), Failure> {
        let runtime = Rc::new(Runtime::new()?);
        let spawner = runtime.clone();
        let order = Rc::new(RefCell::new(Vec::new()));
        let seen = order.clone();
        runtime.block_on(async move {
            let mut sleepers = Vec::new();
            for ms in [30, 10, 20] {
                let nap = spawner.reactor.sleep(Duration::from_millis(ms));
                let order = order.clone();
                sleepers.push(spawner.spawn(async move {
                    nap.await;
                    order.borrow_mut().push(ms);
                }));
            }
            for sleeper in sleepers {
                sleeper.await;
            }
        })?;
        ensure(*seen.borrow() == [10, 20, 30], "timers fire in their order")?;
        let left = runtime.reactor.timers.borrow().len();
        ensure(left == 0, "no timer is left behind")
    }

    /// The channel is Tokio's: it needs no reactor, so any executor will do.
    fn a_wake_from_another_thread() -> Result<(), Failure> {
        let runtime = Rc::new(Runtime::new()?);
        let (sender, receiver) = oneshot::channel();
        let far = thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            sender.send(7)
        });
        let received = runtime.block_on(receiver)??;
        let sent = far.join().is_ok_and(|sent| sent.is_ok());
        ensure(sent && received == 7, "the value sent arrives")?;
        // It slept meanwhile: nothing was asked again and again.
        let Counts { polls, waits, .. } = runtime.counts();
        ensure(polls <= 2 && waits <= 2, "a sleeping task is left alone")
    }

    fn two_wakes_make_one_poll() -> Result<(), Failure> {
        let runtime = Rc::new(Runtime::new()?);
        let spawner = runtime.clone();
        let polls = Rc::new(Cell::new(0));
        let seen = polls.clone();
        runtime.block_on(async move {
            let shared = Rc::new(RefCell::new(None::<Waker>));
            let left = shared.clone();
            let sleeper = spawner.spawn(poll_fn(move |context| {
                polls.set(polls.get() + 1);
                if polls.get() > 1 {
                    return Poll::Ready(());
                }
                *left.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }));
            spawner.reactor.sleep(Duration::from_millis(1)).await;
            if let Some(waker) = shared.borrow_mut().take() {
                waker.wake_by_ref();
                waker.wake();
            }
            sleeper.await;
        })?;
        ensure(seen.get() == 2, "two wakes make one more poll")
    }

    fn a_wake_during_a_poll_is_kept() -> Result<(), Failure> {
        let runtime = Rc::new(Runtime::new()?);
        let mut left = 3;
        runtime.block_on(poll_fn(move |context| {
            if left == 0 {
                return Poll::Ready(());
            }
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }))?;
        ensure(
            runtime.counts().polls == 4,
            "each wake is followed by a poll",
        )
    }

    fn an_aborted_task_leaves_the_reactor() -> Result<(), Failure> {
        let runtime = Rc::new(Runtime::new()?);
        let spawner = runtime.clone();
        runtime.block_on(async move {
            let (near, far) = UnixStream::pair()?;
            let near = Stream::new(near, &spawner.reactor)?;
            let far = Stream::new(far, &spawner.reactor)?;
            let reader =
                spawner.spawn(async move { near.read(&mut [0; 8]).await });
            spawner.reactor.sleep(Duration::from_millis(1)).await;
            let waiting = spawner.reactor.sockets.borrow().len();
            ensure(waiting == 1, "the reader waits in the reactor")?;
            spawner.abort(reader);
            let waiting = spawner.reactor.sockets.borrow().len();
            ensure(waiting == 0, "the aborted reader waits no more")?;
            let length = far.read(&mut [0; 8]).await?;
            ensure(length == 0, "the socket of an aborted task is closed")
        })?
    }

    fn ten_pairs_share_their_waits() -> Result<(), Failure> {
        let (pairs, rounds) = (10, 100);
        let messages = 2 * pairs * rounds;
        let runtime = Rc::new(Runtime::new()?);
        play(&runtime, pairs, rounds)?;
        let counts = runtime.counts();
        let enough = messages..messages + messages / 10;
        ensure(enough.contains(&counts.polls), "a message takes a poll")?;
        ensure(counts.wakes == counts.polls, "each poll has its wake")?;
        ensure(
            counts.refused <= messages && counts.refused > messages * 9 / 10,
            "a message takes a refused read",
        )?;
        ensure(counts.waits < messages / 5, "one wait serves many messages")
    }
}

/// A runtime small enough to read, and ping-pong over pairs of sockets on it.
#[derive(Parser)]
struct Options {
    /// Pairs of sockets that play at the same time
    /// [default: 10, after a self-check]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u64).range(1..=1000)
    )]
    pairs: Option<u64>,
    /// Messages in all, both ways; rounded down to whole rounds
    #[arg(
        long,
        value_name = "N",
        default_value_t = 4_000,
        value_parser = clap::value_parser!(u64).range(2000..=1_000_000_000)
    )]
    messages: u64,
}

fn run(options: Options) -> Result<Value, Failure> {
    if options.pairs.is_none() {
        check::all()?;
    }
    measured(options.pairs.unwrap_or(10), options.messages)
}

fn main() -> ExitCode {
    match run(Options::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
