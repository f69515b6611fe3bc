//! Many threads waiting at once: what each costs to start, keep and end.
//!
//! Every thread answers the roll call, waits until it is told to go on, adds
//! its number to a sum and ends. When all have answered the program reads its
//! memory, then tells them, and waits until they have ended. main.rs does the
//! same with tasks; threads.py and main.py are the twins.
//!
//!     cargo run --release --example idle-waiters-threads
//!     cargo run --release --example idle-waiters-threads -- --waiters 10000
//!
//! Where a limit of the system is in the way, the program says which limits
//! there are.
//!
//! What the process has is read from /proc, so this needs Linux.

use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::{Value, json};

/// Bounds what a slip of the finger could take of the machine.
const MOST_WAITERS: u64 = 100_000;
/// The least is glibc's, and more than anybody needs.
const STACK_KIB: std::ops::RangeInclusive<u64> = 16..=1 << 20;

const MAX_MAP_COUNT: &str = "/proc/sys/vm/max_map_count";
/// A stack and its guard page, and once more both for the small stack on
/// which the standard library's signal handler reports an overflow.
const MAPPINGS_PER_THREAD: u64 = 4;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: event
/// Set once, for all who wait and for whoever comes later.
#[derive(Default)]
struct Event {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Event {
    fn set(&self) {
        // No code of ours panics while it holds the lock: it cannot be
        // poisoned, and a flag would be none the worse for it.
        let lock = self.is_set.lock();
        *lock.unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let lock = self.is_set.lock();
        let lock = lock.unwrap_or_else(PoisonError::into_inner);
        let set = self.changed.wait_while(lock, |is_set| !*is_set);
        drop(set.unwrap_or_else(PoisonError::into_inner));
    }
}
// ANCHOR_END: event

// ANCHOR: tally
/// Who has arrived, the word to go on, and the sum of the numbers.
struct Tally {
    missing: AtomicU64,
    sum: AtomicU64,
    all_here: Event,
    go: Event,
}

impl Tally {
    fn new(count: u64) -> Self {
        Self {
            missing: AtomicU64::new(count),
            sum: AtomicU64::new(0),
            all_here: Event::default(),
            go: Event::default(),
        }
    }

    fn answer(&self) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_here.set();
        }
    }

    fn add(&self, number: u64) {
        // Read only after all have been joined, so no order is needed.
        self.sum.fetch_add(number, Ordering::Relaxed);
    }
}
// ANCHOR_END: tally

// ANCHOR: waiter
fn waiter(number: u64, tally: &Tally) {
    tally.answer();
    tally.go.wait();
    tally.add(number);
}
// ANCHOR_END: waiter

// ANCHOR: start
fn start(
    count: u64,
    stack: Option<usize>,
    tally: &Arc<Tally>,
) -> Result<Vec<JoinHandle<()>>, Failure> {
    let mut threads = Vec::new();
    for number in 0..count {
        let mut builder = Builder::new();
        if let Some(bytes) = stack {
            builder = builder.stack_size(bytes);
        }
        let shared = tally.clone();
        // `thread::spawn` would panic where this returns an error.
        match builder.spawn(move || waiter(number, &shared)) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                let refused = refusal(number, count, &error)?;
                end(threads, tally)?;
                return Err(refused.into());
            }
        }
    }
    // The last to answer may still be on its way to sleep: what it needs for
    // that, it has.
    tally.all_here.wait();
    Ok(threads)
}
// ANCHOR_END: start

// ANCHOR: end
fn end(threads: Vec<JoinHandle<()>>, tally: &Tally) -> Result<(), Failure> {
    tally.go.set();
    for thread in threads {
        thread.join().map_err(|_| "a waiter panicked")?;
    }
    Ok(())
}
// ANCHOR_END: end

fn read(path: &str) -> Result<String, String> {
    fs::read_to_string(path)
        .map(|text| text.trim().to_owned())
        .map_err(|error| format!("cannot read {path}: {error}"))
}

/// Refuses what would abort the process: where a new thread gets no mapping
/// for its small stack, the standard library cannot return an error any more.
fn check_room(count: u64) -> Result<(), Failure> {
    let room = read(MAX_MAP_COUNT)?.parse::<u64>()? / MAPPINGS_PER_THREAD;
    if count < room {
        return Ok(());
    }
    Err(format!(
        "{count} threads need {MAPPINGS_PER_THREAD} memory mappings each, \
         which a process may have for fewer than {room} ({MAX_MAP_COUNT}). \
         Ask for fewer by --waiters, or raise it."
    )
    .into())
}

fn refusal(
    started: u64,
    count: u64,
    error: &std::io::Error,
) -> Result<String, Failure> {
    let kernel = "/proc/sys/kernel";
    Ok(format!(
        "thread {} of {count} could not be started: {error}\n\
         It met a limit: `ulimit -u`, pids.max of the control group, \
         {kernel}/threads-max ({}), {kernel}/pid_max ({}), \
         {MAX_MAP_COUNT} ({}). Ask for fewer by --waiters, or raise it.",
        started + 1,
        read(&format!("{kernel}/threads-max"))?,
        read(&format!("{kernel}/pid_max"))?,
        read(MAX_MAP_COUNT)?,
    ))
}

// ANCHOR: footprint
#[derive(Serialize)]
struct Counts {
    virtual_bytes: u64,
    page_table_bytes: u64,
    kernel_stack_bytes: u64,
    mappings: u64,
}

/// The value of one line of a file in /proc, in bytes.
fn kibibytes(path: &str, name: &str) -> Result<u64, Failure> {
    let number = read(path)?
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_suffix("kB"))
        .find_map(|number| number.trim().parse::<u64>().ok())
        .ok_or_else(|| format!("{path} has no line {name} in kB"))?;
    Ok(number * 1024)
}

fn kernel_stacks() -> Result<u64, Failure> {
    // Those of the whole machine: Linux has no count for each process.
    kibibytes("/proc/meminfo", "KernelStack:")
}

/// What the process has now: resident bytes, and what is not in them.
fn footprint(stacks_before: u64) -> Result<(u64, Counts), Failure> {
    let status = "/proc/self/status";
    // Not VmHWM, the peak, which never falls.
    let resident = kibibytes(status, "VmRSS:")?;
    let counts = Counts {
        virtual_bytes: kibibytes(status, "VmSize:")?,
        page_table_bytes: kibibytes(status, "VmPTE:")?,
        kernel_stack_bytes: kernel_stacks()?.saturating_sub(stacks_before),
        mappings: read("/proc/self/maps")?.lines().count() as u64,
    };
    Ok((resident, counts))
}
// ANCHOR_END: footprint

/// A measured phase, as the report line gives it.
#[derive(Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    work: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

struct Stopwatch {
    wall: Instant,
    cpu: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            wall: Instant::now(),
            cpu: cpu_time(),
        }
    }

    fn stop(self, work: u64) -> Phase {
        Phase {
            seconds: self.wall.elapsed().as_secs_f64(),
            cpu_seconds: (cpu_time() - self.cpu).as_secs_f64(),
            work,
            memory_bytes: None,
            counts: None,
        }
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn run(options: &Options) -> Result<Value, Failure> {
    let count = options.waiters;
    check_room(count)?;
    let stack = options.stack_kib.map(|kib| kib as usize * 1024);
    let tally = Arc::new(Tally::new(count));

    let stacks = kernel_stacks()?;
    let starting = Stopwatch::start();
    let threads = start(count, stack, &tally)?;
    let mut started = starting.stop(count);
    let (resident, counts) = footprint(stacks)?;
    started.memory_bytes = Some(resident);
    started.counts = Some(counts);

    let ending = Stopwatch::start();
    end(threads, &tally)?;
    let ended = ending.stop(count);

    let sum = tally.sum.load(Ordering::Relaxed);
    let expected = count * (count - 1) / 2;
    if sum != expected {
        let wrong = format!("the numbers sum to {sum}, not to {expected}");
        return Err(wrong.into());
    }
    Ok(json!({
        "result": { "waiters": count, "sum": sum },
        "phases": { "start": started, "end": ended },
    }))
}

/// Many threads waiting at once: what each costs to start, keep and end.
#[derive(Parser)]
struct Options {
    /// How many threads wait at once
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_WAITERS)
    )]
    waiters: u64,
    /// Stack reserved for each thread, in KiB
    /// [default: what the standard library takes]
    #[arg(
        long,
        value_name = "KIB",
        value_parser = clap::value_parser!(u64).range(STACK_KIB)
    )]
    stack_kib: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
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
