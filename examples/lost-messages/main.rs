//! A race in a loop loses messages: how many, and what do the cures cost?
//!
//! Messages come in parts; between the parts somebody asks how many messages
//! have been received. A loop that serves both races "the next message"
//! against "the next question". `drop` starts both branches anew with every
//! lap, so that a question throws away the parts that were already there;
//! `pin` keeps the unfinished branch for the next lap; `tasks` gives each
//! source a task of its own and the loop one channel. The twin is main.py.
//!
//!     cargo run --release --example lost-messages
//!     cargo run --release --example lost-messages -- --how pin
//!
//! The questions come at fixed places, and the sender waits for each answer,
//! so what is lost is the same in every run. All runs on one thread.

use std::error::Error;
use std::pin::pin;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};

/// Every so many messages somebody asks, in the midst of one.
const QUESTION_EVERY: u64 = 10;
/// Room in each channel.
const ROOM: usize = 16;
/// Bounds what a slip of the finger could take of the time, and keeps the
/// sums within 64 bits.
const MOST_MESSAGES: u64 = 100_000_000;

type Failure = Box<dyn Error + Send + Sync>;

// ANCHOR: message
const PARTS: usize = 4;

struct Part {
    place: usize,
    value: u64,
}

async fn message(parts: &mut Receiver<Part>) -> Option<Vec<u64>> {
    let mut whole = Vec::with_capacity(PARTS);
    while let Some(part) = parts.recv().await {
        if part.place == whole.len() {
            whole.push(part.value);
        } // otherwise the beginning of this message is missing
        if whole.len() == PARTS {
            return Some(whole);
        }
    }
    None
}
// ANCHOR_END: message

/// A question: where to send the number of messages received so far.
type Question = oneshot::Sender<u64>;

#[derive(Default)]
struct Tally {
    received: u64,
    sum: u64,
}

impl Tally {
    fn add(&mut self, whole: &[u64]) {
        self.received += 1;
        self.sum += whole.iter().sum::<u64>();
    }

    fn answer(&self, question: Question) {
        // Who asked may have given up: nothing to be done about it.
        let _ = question.send(self.received);
    }
}

// ANCHOR: lossy
async fn lossy(
    mut parts: Receiver<Part>,
    mut questions: Receiver<Question>,
) -> Tally {
    let mut tally = Tally::default();
    loop {
        tokio::select! {
            next = message(&mut parts) => match next {
                Some(whole) => tally.add(&whole),
                None => return tally,
            },
            Some(question) = questions.recv() => tally.answer(question),
        }
    }
}
// ANCHOR_END: lossy

// ANCHOR: kept
async fn kept(
    mut parts: Receiver<Part>,
    mut questions: Receiver<Question>,
) -> Tally {
    let mut tally = Tally::default();
    loop {
        let mut next = pin!(message(&mut parts));
        let ended = loop {
            tokio::select! {
                ended = &mut next => break ended,
                Some(question) = questions.recv() => tally.answer(question),
            }
        };
        match ended {
            Some(whole) => tally.add(&whole),
            None => return tally,
        }
    }
}
// ANCHOR_END: kept

// ANCHOR: tasks
enum Event {
    Message(Vec<u64>),
    Question(Question),
}

async fn forward_messages(mut parts: Receiver<Part>, events: Sender<Event>) {
    while let Some(whole) = message(&mut parts).await {
        if events.send(Event::Message(whole)).await.is_err() {
            return;
        }
    }
}

async fn forward_questions(
    mut questions: Receiver<Question>,
    events: Sender<Event>,
) {
    while let Some(question) = questions.recv().await {
        if events.send(Event::Question(question)).await.is_err() {
            return;
        }
    }
}

async fn by_tasks(
    parts: Receiver<Part>,
    questions: Receiver<Question>,
) -> Tally {
    let (events, mut inbox) = mpsc::channel(ROOM);
    let mut tasks = JoinSet::new(); // aborts them if we are dropped
    tasks.spawn(forward_messages(parts, events.clone()));
    tasks.spawn(forward_questions(questions, events));

    let mut tally = Tally::default();
    while let Some(event) = inbox.recv().await {
        match event {
            Event::Message(whole) => tally.add(&whole),
            Event::Question(question) => tally.answer(question),
        }
    }
    tasks.join_all().await; // a panic in one of them goes on here
    tally
}
// ANCHOR_END: tasks

/// Sends all messages; every so often, in the midst of one, asks, and waits
/// for the answer. Gives how many answers there were.
async fn send(
    count: u64,
    parts: Sender<Part>,
    questions: Sender<Question>,
) -> Result<u64, Failure> {
    let mut answers = 0;
    for number in 1..=count {
        for place in 0..PARTS {
            if place == PARTS / 2 && number.is_multiple_of(QUESTION_EVERY) {
                // Until the parts sent so far have been taken ...
                while parts.capacity() < parts.max_capacity() {
                    yield_now().await;
                }
                // ... so that the question comes between two parts.
                let (question, answer) = oneshot::channel();
                questions.send(question).await?;
                answer.await?;
                answers += 1;
            }
            parts
                .send(Part {
                    place,
                    value: number,
                })
                .await?;
        }
    }
    Ok(answers)
}

#[derive(Clone, Copy, ValueEnum)]
enum How {
    Drop,
    Pin,
    Tasks,
}

/// What became of the messages of one phase, and the phase itself.
struct Outcome {
    answers: u64,
    received: u64,
    seconds: f64,
    cpu_seconds: f64,
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

async fn run(how: How, count: u64) -> Result<Outcome, Failure> {
    let (wall, cpu) = (Instant::now(), cpu_time());
    let (parts, parts_here) = mpsc::channel(ROOM);
    let (questions, questions_here) = mpsc::channel(ROOM);
    let sender = tokio::spawn(send(count, parts, questions));
    let tally = match how {
        How::Drop => lossy(parts_here, questions_here).await,
        How::Pin => kept(parts_here, questions_here).await,
        How::Tasks => by_tasks(parts_here, questions_here).await,
    };
    let answers = sender.await??;
    let seconds = wall.elapsed().as_secs_f64();
    let cpu_seconds = (cpu_time() - cpu).as_secs_f64();

    // Whatever was lost: it is one of the messages that a question cut in
    // two, or none, and all others are here, whole.
    let values = PARTS as u64;
    let all = values * count * (count + 1) / 2;
    let cut = count / QUESTION_EVERY;
    let of_cut = values * QUESTION_EVERY * cut * (cut + 1) / 2;
    let intact = (count, all);
    let cut_lost = (count - cut, all - of_cut);
    let got = (tally.received, tally.sum);
    if answers != cut || (got != intact && got != cut_lost) {
        let wrong = format!(
            "{answers} answers; messages and sum {got:?}, \
             neither {intact:?} nor {cut_lost:?}"
        );
        return Err(wrong.into());
    }
    Ok(Outcome {
        answers,
        received: tally.received,
        seconds,
        cpu_seconds,
    })
}

async fn measured(options: Options) -> Result<Value, Failure> {
    let counted = run(options.how, options.counted).await?;
    let raced = run(options.how, options.messages).await?;
    Ok(json!({
        "result": {
            "counted": options.counted,
            "messages": options.messages,
            "answers": counted.answers + raced.answers,
        },
        "phases": {
            "counted": {
                "seconds": counted.seconds,
                "cpu_seconds": counted.cpu_seconds,
                "work": options.counted,
                "counts": {
                    "received": counted.received,
                    "lost": options.counted - counted.received,
                },
            },
            "race": {
                "seconds": raced.seconds,
                "cpu_seconds": raced.cpu_seconds,
                "work": options.messages,
            },
        },
    }))
}

/// A race in a loop loses messages: how many, and what do the cures cost?
#[derive(Parser)]
struct Options {
    /// What becomes of the branch that has not won
    #[arg(long, value_enum, default_value = "drop")]
    how: How,
    /// How many messages to count the losses of
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_MESSAGES)
    )]
    counted: u64,
    /// How many to take the time of, after that
    #[arg(
        long,
        value_name = "N",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u64).range(1..=MOST_MESSAGES)
    )]
    messages: u64,
}

fn start(options: Options) -> Result<Value, Failure> {
    runtime::Builder::new_current_thread()
        .build()?
        // As a task, as in any program whose `main` spawns its work.
        .block_on(async { tokio::spawn(measured(options)).await? })
}

fn main() -> ExitCode {
    match start(Options::parse()) {
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
