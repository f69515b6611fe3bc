//! Sessions of interleaved rounds, over several experiments.
//!
//! A session of an experiment first verifies that all programs give the same answer at a small size, then runs rounds. In each round
//! every program runs once at every point of the experiment, in a seeded random order, as a fresh process; one of them, the control, runs
//! twice. The first round is discarded: it finds caches cold and clocks low. Sessions rotate through the experiments, so that those of
//! one experiment lie apart in time. After every round the results are on disk.
//!
//! ```text
//! plan      which experiments, how many sessions, in which order, and how long that takes
//! answers   programs given the same work must agree
//! ```

mod answers;
mod plan;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::experiment::{Experiment, Point, Program, Purpose};
use crate::harness::{Harness, Measured, Peers};
use crate::library::{own_path, stale_programs};
use crate::process::{self, Interrupted};
use crate::results::{self, Campaign, Results, Run, SessionLog, SetAside};
use crate::{fingerprint, machine};
use answers::Answers;
pub use plan::{EXTENDED_TO, Entry as Planned};

/// Seconds waited before each repeat of a run that others disturbed, or whose open-loop phase was void. What disturbs, a neighbour on the
/// same hardware or a daemon, lasts from seconds to minutes: the first repeat meets a short one, the later ones wait for a longer one to end.
const PAUSES: [u64; 6] = [0, 5, 15, 30, 60, 60];
/// The environment is padded by up to so many bytes; see [`Harness::run_once`].
const PADDING: usize = 4096;

/// What to measure, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Experiments by name; all where empty.
    pub experiments: Vec<String>,
    pub sessions: u32,
    /// Counted rounds per session; the experiment's own number without.
    pub rounds: Option<u32>,
    /// Choose what is stalest or widest, as much as can be measured in this time, and stop in time.
    pub budget: Option<Duration>,
    pub seed: u64,
}

/// Told what happens, for a terminal or a log.
pub trait Progress {
    /// So many runs are planned in all.
    fn plan(&self, runs: u64);
    /// The next run is about to start.
    fn run(&self, what: &str);
    /// So many of the planned runs are over.
    fn advance(&self, runs: u64);
    /// Something worth a line.
    fn note(&self, text: &str);
    /// Waits before a run is repeated, unless Ctrl-C comes.
    fn pause(&self, duration: Duration) -> Result<(), Interrupted> {
        process::pause(duration)
    }
}

/// What became of one experiment.
#[derive(Debug)]
pub struct Outcome {
    pub experiment: String,
    pub path: PathBuf,
    /// Sessions that are on disk now.
    pub sessions: usize,
    /// Why it ended early, if it did.
    pub error: Option<anyhow::Error>,
}

/// One experiment while it is being measured.
struct Ongoing {
    experiment: Experiment,
    path: PathBuf,
    results: Results,
    error: Option<anyhow::Error>,
}

/// Runs sessions until all are there, the budget is used up, or Ctrl-C comes. What was measured is on disk in every case.
pub fn run(harness: &Harness, options: &Options, progress: &dyn Progress) -> Result<Vec<Outcome>> {
    let began = Instant::now();
    let experiments = chosen(harness, options, progress)?;
    let mut plan = plan::make(harness, experiments, options, progress)?;
    for line in plan::describe(&plan, options.budget) {
        progress.note(&line);
    }
    let left = |entries: &[plan::Entry]| entries.iter().map(plan::Entry::runs_left).sum();
    progress.plan(left(&plan));

    let last = plan.iter().map(|entry| entry.results.campaign.sessions).max();
    let mut measured: Vec<Ongoing> = Vec::new();
    let mut estimates: Vec<Duration> = Vec::new();
    for entry in plan.drain(..) {
        estimates.push(entry.session_estimate());
        measured.push(Ongoing {
            experiment: entry.experiment,
            path: entry.path,
            results: entry.results,
            error: None,
        });
    }
    let mut out_of_time = false;
    'sessions: for session in 0..last.unwrap_or(0) {
        for (ongoing, estimate) in measured.iter_mut().zip(&mut estimates) {
            if ongoing.error.is_some()
                || session >= ongoing.results.campaign.sessions
                || ongoing.results.has_session(session)
            {
                continue;
            }
            if let Some(budget) = options.budget
                && began.elapsed() + *estimate > budget
            {
                out_of_time = true;
                // A shorter one may still fit.
                continue;
            }
            let session_began = Instant::now();
            if let Err(error) = run_session(harness, ongoing, session, progress) {
                let interrupted = error.is::<Interrupted>();
                ongoing.error = Some(error);
                if interrupted {
                    break 'sessions;
                }
            }
            *estimate = session_began.elapsed();
        }
    }
    if out_of_time {
        progress.note("the budget is used up; the same command goes on where this one stopped");
    }
    Ok(measured
        .into_iter()
        .map(|ongoing| Outcome {
            sessions: ongoing.results.sessions(),
            experiment: ongoing.experiment.id,
            path: ongoing.path,
            error: ongoing.error,
        })
        .collect())
}

/// Verifies every program of an experiment that can run here at the small size, timing nothing. Returns how many those were.
pub fn verify(harness: &Harness, experiment: &Experiment, progress: &dyn Progress) -> Result<usize> {
    let mut answers = Answers::default();
    let mut peers = Peers::default();
    harness.bring_up(experiment, &Purpose::Verify, &mut peers)?;
    let skipped = harness.skipped(experiment);
    let mut verified = 0;
    for program in &experiment.programs {
        if skipped.contains_key(&program.id) {
            continue;
        }
        progress.run(&format!("{}: checking the answer of {}", experiment.id, program.id));
        let run = harness.run_once(experiment, program, &Purpose::Verify, &peers, 0)?;
        answers.check(experiment, program, &Purpose::Verify, &run.result)?;
        verified += 1;
    }
    Ok(verified)
}

/// The experiments that were asked for and can run here.
fn chosen(harness: &Harness, options: &Options, progress: &dyn Progress) -> Result<Vec<Experiment>> {
    let all = Experiment::all(harness.root())?;
    for name in &options.experiments {
        ensure!(
            all.iter().any(|experiment| &experiment.id == name),
            "there is no experiment `{name}`; there are: {}",
            all.iter().map(|e| e.id.as_str()).collect::<Vec<_>>().join(", ")
        );
    }
    let mut able = Vec::new();
    for experiment in all {
        if !options.experiments.is_empty() && !options.experiments.contains(&experiment.id) {
            continue;
        }
        if let Some(why) = harness.unable(&experiment) {
            progress.note(&format!("{} is skipped: {why}", experiment.id));
            continue;
        }
        for (program, why) in harness.skipped(&experiment) {
            progress.note(&format!("{}: {program} is skipped: {why}", experiment.id));
        }
        able.push(experiment);
    }
    ensure!(
        !able.is_empty(),
        "there is nothing to measure; `cargo xtask doctor` says what is missing"
    );
    Ok(able)
}

/// Goes on with what an earlier call left unfinished, if that is the same campaign; else starts one. The second value is what stood there
/// before and is to be replaced.
fn resume_or_start(
    harness: &Harness,
    experiment: &Experiment,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(Results, Option<Results>)> {
    let path = own_path(harness.target(), &experiment.id);
    let rounds = options.rounds.unwrap_or(experiment.rounds);
    let environment = harness.environment(experiment)?;
    let earlier = match path.is_file().then(|| Results::read(&path)) {
        Some(Ok(earlier)) => Some(earlier),
        Some(Err(error)) => {
            progress.note(&format!("{error:#}; it is measured anew"));
            None
        }
        None => None,
    };
    let skipped = harness.skipped(experiment);
    let same = |earlier: &Results| -> Result<bool> {
        Ok(earlier.campaign.rounds == rounds
            && earlier.campaign.control == experiment.control
            && earlier.machine == *harness.machine()
            && earlier.environment == environment
            && earlier.skipped == skipped
            && stale_programs(experiment, earlier)?.is_empty())
    };
    if let Some(earlier) = &earlier
        && same(earlier)?
    {
        let goes_on = match options.budget {
            // Finished ones too: whether they are extended or begun anew is for the plan to say.
            Some(_) => true,
            None => !earlier.is_complete() && earlier.campaign.sessions == options.sessions,
        };
        if goes_on {
            return Ok((earlier.clone(), None));
        }
    }
    let fingerprints = experiment
        .programs
        .iter()
        .filter(|program| !skipped.contains_key(&program.id))
        .map(|program| Ok((program.id.clone(), fingerprint::program(experiment, program)?)))
        .collect::<Result<_>>()?;
    let fresh = Results {
        format: results::FORMAT,
        experiment: experiment.id.clone(),
        machine: harness.machine().clone(),
        environment,
        started: now(),
        published: None,
        campaign: Campaign {
            sessions: options.sessions,
            planned_sessions: options.sessions,
            rounds,
            seed: options.seed,
            control: experiment.control.clone(),
            log: Vec::new(),
            set_aside: Vec::new(),
        },
        fingerprints,
        parameters: experiment
            .parameters
            .iter()
            .map(|(name, parameter)| (name.clone(), parameter.value))
            .collect(),
        skipped,
        runs: Vec::new(),
    };
    Ok((fresh, earlier))
}

/// One run to come.
#[derive(Clone, Copy)]
struct Turn<'a> {
    program: &'a Program,
    /// The control's second run.
    control: bool,
}

fn run_session(harness: &Harness, ongoing: &mut Ongoing, session: u32, progress: &dyn Progress) -> Result<()> {
    let Ongoing {
        experiment,
        path,
        results,
        ..
    } = ongoing;
    verify(harness, experiment, progress)?;
    let began = Instant::now();
    let mut log = SessionLog {
        session,
        started: now(),
        seconds: 0.0,
        load_average: machine::load_average()?,
        cpu_pressure: None,
        steal_cores: 0.0,
    };
    let (pressure, steal) = (machine::cpu_pressure_seconds(), machine::steal_seconds()?);
    // Of a session that was cut off, its rounds stay and its log is that of its last part.
    results.campaign.log.retain(|log| log.session != session);
    results.campaign.log.push(log.clone());

    let mut peers = Peers::default();
    let mut answers = Answers::default();
    // Discarded, also when a session goes on that was cut off: the machine is as cold as at its start.
    round(
        harness,
        experiment,
        results,
        &mut peers,
        &mut answers,
        (session, None),
        progress,
    )?;
    for number in 0..results.campaign.rounds {
        if results.has_round(session, number) {
            continue;
        }
        let found = round(
            harness,
            experiment,
            results,
            &mut peers,
            &mut answers,
            (session, Some(number)),
            progress,
        )?;
        results.runs.extend(found.runs);
        results.campaign.set_aside.extend(found.set_aside);
        log.seconds = began.elapsed().as_secs_f64();
        log.cpu_pressure = pressure
            .zip(machine::cpu_pressure_seconds())
            .map(|(before, now)| (now - before) / log.seconds);
        log.steal_cores = (machine::steal_seconds()? - steal) / log.seconds;
        if let Some(last) = results.campaign.log.last_mut() {
            last.clone_from(&log);
        }
        results.write(path)?;
    }
    Ok(())
}

#[derive(Default)]
pub(crate) struct Round {
    pub runs: Vec<Run>,
    pub set_aside: Vec<SetAside>,
}

/// All rounds of a session, the discarded one before them; nothing is verified beforehand, and nothing written.
pub(crate) fn session_rounds(
    harness: &Harness,
    experiment: &Experiment,
    results: &Results,
    session: u32,
    progress: &dyn Progress,
) -> Result<Round> {
    let mut peers = Peers::default();
    let mut answers = Answers::default();
    let mut all = Round::default();
    for number in std::iter::once(None).chain((0..results.campaign.rounds).map(Some)) {
        let place = (session, number);
        let found = round(harness, experiment, results, &mut peers, &mut answers, place, progress)?;
        all.runs.extend(found.runs);
        all.set_aside.extend(found.set_aside);
    }
    Ok(all)
}

/// One round; the one to discard has no number, and is neither gated nor kept.
fn round(
    harness: &Harness,
    experiment: &Experiment,
    results: &Results,
    peers: &mut Peers,
    answers: &mut Answers,
    (session, number): (u32, Option<u32>),
    progress: &dyn Progress,
) -> Result<Round> {
    // The order depends on the seed, the session and the round alone, so that it can be repeated.
    let place = number.map_or(u64::from(u16::MAX), u64::from);
    let mut rng = StdRng::seed_from_u64(results.campaign.seed ^ (u64::from(session) << 32) ^ (place << 16));
    let mut points = experiment.points();
    points.shuffle(&mut rng);
    let mut found = Round::default();
    let mut position = 0;
    for point in points {
        let purpose = Purpose::Timed(point.clone());
        harness.bring_up(experiment, &purpose, peers)?;
        for turn in turns(experiment, results, &point, &mut rng) {
            progress.run(&format!(
                "{} · session {} of {} · {} · {}{point}",
                experiment.id,
                session + 1,
                results.campaign.sessions,
                match number {
                    Some(number) => format!("round {} of {}", number + 1, results.campaign.rounds),
                    None => "the round that is discarded".to_owned(),
                },
                turn.program.id,
            ));
            let padding = rng.random_range(0..PADDING);
            let mut attempt = || harness.run_once(experiment, turn.program, &purpose, peers, padding);
            let measured = match number {
                None => attempt()?,
                Some(round) => {
                    let describe = |cause, detail| SetAside {
                        program: turn.program.id.clone(),
                        point: point.clone(),
                        session,
                        round,
                        cause,
                        detail,
                    };
                    undisturbed(&mut attempt, &describe, &mut found.set_aside, progress)?
                }
            };
            answers.check(experiment, turn.program, &purpose, &measured.result)?;
            if let Some(round) = number {
                found
                    .runs
                    .push(as_run(turn, &point, (session, round, position), measured));
            }
            position += 1;
            progress.advance(1);
        }
    }
    Ok(found)
}

/// Who runs at a point, shuffled; the control twice at the base.
fn turns<'a>(experiment: &'a Experiment, results: &Results, point: &Point, rng: &mut StdRng) -> Vec<Turn<'a>> {
    let mut turns: Vec<Turn<'a>> = Vec::new();
    for program in &experiment.programs {
        if !results.fingerprints.contains_key(&program.id) || !experiment.runs_at(program, point) {
            continue;
        }
        turns.push(Turn {
            program,
            control: false,
        });
        if point.is_base() && program.id == experiment.control {
            turns.push(Turn { program, control: true });
        }
    }
    turns.shuffle(rng);
    turns
}

/// Repeats a run while others disturb it, each time after a longer pause. The choice looks only at the disturbance, never at the result.
fn undisturbed(
    attempt: &mut dyn FnMut() -> Result<Measured>,
    describe: &dyn Fn(results::Cause, String) -> SetAside,
    set_aside: &mut Vec<SetAside>,
    progress: &dyn Progress,
) -> Result<Measured> {
    let mut pauses = PAUSES.into_iter();
    loop {
        let measured = attempt()?;
        let Some((cause, detail)) = measured.objection() else {
            return Ok(measured);
        };
        let record = describe(cause, detail);
        let Some(seconds) = pauses.next() else {
            if cause == results::Cause::Void {
                bail!(
                    "program `{}`: {}, {} times in a row. The machine is too busy, or the rate in experiment.toml is too high for it",
                    record.program,
                    record.detail,
                    PAUSES.len() + 1
                );
            }
            progress.note(&format!(
                "{}: {} again; the run is kept and marked",
                record.program, record.detail
            ));
            return Ok(measured);
        };
        let when = match seconds {
            0 => String::from("repeated"),
            seconds => format!("repeated after {seconds} s"),
        };
        progress.note(&format!(
            "{}: {}; the run is set aside and {when}",
            record.program, record.detail
        ));
        set_aside.push(record);
        progress.pause(Duration::from_secs(seconds))?;
    }
}

fn as_run(turn: Turn<'_>, point: &Point, (session, round, position): (u32, u32, u32), measured: Measured) -> Run {
    Run {
        program: turn.program.id.clone(),
        control: turn.control,
        point: point.clone(),
        session,
        round,
        position,
        wall_seconds: measured.wall.as_secs_f64(),
        user_seconds: measured.usage.user_seconds,
        system_seconds: measured.usage.system_seconds,
        voluntary_switches: measured.usage.voluntary_switches,
        involuntary_switches: measured.usage.involuntary_switches,
        foreign_cores: measured.foreign_cores,
        phases: measured.phases,
    }
}

/// The time in UTC, to the second.
pub fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "a date, for readers")]
    let now = chrono::Utc::now();
    now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Removes results that were half written by a call which was killed: their names are those of temporary files.
pub fn remove_leftovers(target: &Path) -> Result<()> {
    let folder = own_path(target, "x").with_file_name("");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| name.starts_with(".tmp")) {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::results::Cause;

    /// Notes how many seconds were paused, and waits for none of them; or, impatient, is interrupted.
    #[derive(Default)]
    struct Watch {
        paused: RefCell<Vec<u64>>,
        impatient: bool,
    }

    impl Progress for Watch {
        fn plan(&self, _: u64) {}
        fn run(&self, _: &str) {}
        fn advance(&self, _: u64) {}
        fn note(&self, _: &str) {}
        fn pause(&self, duration: Duration) -> Result<(), Interrupted> {
            self.paused.borrow_mut().push(duration.as_secs());
            if self.impatient { Err(Interrupted) } else { Ok(()) }
        }
    }

    /// A run during which others took this many cores.
    fn disturbed_by(foreign_cores: f64) -> Measured {
        Measured {
            wall: Duration::from_secs(1),
            usage: process::Usage {
                user_seconds: 0.5,
                system_seconds: 0.5,
                voluntary_switches: 0,
                involuntary_switches: 0,
            },
            result: serde_json::Value::Null,
            phases: std::collections::BTreeMap::new(),
            void: None,
            foreign_cores,
        }
    }

    fn describe(cause: Cause, detail: String) -> SetAside {
        SetAside {
            program: "one".to_owned(),
            point: Point::default(),
            session: 1,
            round: 1,
            cause,
            detail,
        }
    }

    /// The result for runs made by `attempt`, told its number from 0; with what was set aside, and the seconds paused.
    fn repeated(attempt: impl Fn(usize) -> Measured) -> (Result<Measured>, Vec<SetAside>, Vec<u64>) {
        let (mut number, mut set_aside, watch) = (0, Vec::new(), Watch::default());
        let mut attempt = || {
            number += 1;
            Ok(attempt(number - 1))
        };
        let result = undisturbed(&mut attempt, &describe, &mut set_aside, &watch);
        (result, set_aside, watch.paused.into_inner())
    }

    #[test]
    fn a_quiet_run_is_not_repeated() {
        let (result, set_aside, paused) = repeated(|_| disturbed_by(0.0));
        assert!(result.unwrap().objection().is_none());
        assert!(set_aside.is_empty() && paused.is_empty());
    }

    #[test]
    fn repeats_wait_for_the_disturbance_to_end() {
        let (result, set_aside, paused) = repeated(|number| disturbed_by(if number < 3 { 1.0 } else { 0.1 }));
        assert!(result.unwrap().objection().is_none());
        assert_eq!(set_aside.len(), 3);
        assert_eq!(paused, PAUSES[..3]);
    }

    #[test]
    fn what_stays_disturbed_is_kept_and_has_its_objection() {
        let (result, set_aside, paused) = repeated(|_| disturbed_by(1.0));
        assert!(result.unwrap().objection().is_some());
        assert_eq!(set_aside.len(), PAUSES.len());
        assert_eq!(paused, PAUSES);
    }

    #[test]
    fn what_is_void_to_the_last_is_an_error() {
        let void = || Measured {
            void: Some("served 90 % of its rate".to_owned()),
            ..disturbed_by(0.0)
        };
        let (result, set_aside, _) = repeated(|_| void());
        let error = result.unwrap_err().to_string();
        assert!(error.contains("served 90 % of its rate, 7 times in a row"), "{error}");
        assert_eq!(set_aside.len(), PAUSES.len());
    }

    #[test]
    fn ctrl_c_ends_a_pause() {
        let mut attempt = || Ok(disturbed_by(1.0));
        let watch = Watch {
            impatient: true,
            ..Watch::default()
        };
        let result = undisturbed(&mut attempt, &describe, &mut Vec::new(), &watch);
        assert!(result.unwrap_err().is::<Interrupted>());
    }
}
