//! Sessions of interleaved rounds, over several experiments.
//!
//! A session of an experiment first verifies that all programs give the same answer at a small size (that run also warms caches and is
//! not timed), then runs rounds; in each round every program runs once, in a seeded random order, as a fresh process. Sessions rotate
//! through the experiments, so that those of one experiment lie apart in time. After every round the results are on disk.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ChildStdout;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use serde_json::Value;

use crate::build::{self, Binaries};
use crate::experiment::{Cores, Experiment, Language, Program, Purpose};
use crate::library::{own_path, stale_programs};
use crate::load::{Plan, Report};
use crate::process::{self, Interrupted, Invocation, Running};
use crate::results::{self, Campaign, Phase, Results, Run};
use crate::{fingerprint, machine, python};

/// A run during which others took more cores than this is set aside and repeated: see the protocol, "contamination".
pub const FOREIGN_CORES_AT_MOST: f64 = 0.25;
/// How often one run is repeated because of that, or because an open-loop phase was void.
const REPEATS: u32 = 3;
/// How long a server may take from its start to the line that says where it listens.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How long a server may take to end after SIGTERM.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// The environment is padded by up to so many bytes: its size moves the stack, and with it alignments that change speed
/// (Mytkowicz et al., "Producing wrong data without doing anything obviously wrong", 2009).
const PADDING: usize = 4096;

/// What to measure, and how long.
#[derive(Debug, Clone)]
pub struct Options {
    /// Experiments by name; all where empty.
    pub experiments: Vec<String>,
    pub sessions: u32,
    /// Counted rounds per session; the experiment's own number without.
    pub rounds: Option<u32>,
    /// Stop before a session that would not end in time.
    pub budget: Option<Duration>,
    pub seed: u64,
    /// Tells apart machines that are otherwise alike.
    pub label: Option<String>,
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

/// Everything a run needs that is the same for all.
pub struct Harness {
    root: PathBuf,
    target: PathBuf,
    binaries: Binaries,
    python: python::Environment,
    cores: Vec<usize>,
    machine: results::Machine,
    environment: results::Environment,
}

impl Harness {
    /// Gathers what was built and set up; fails where measuring cannot work at all.
    pub fn new(
        root: &Path,
        target: &Path,
        binaries: Binaries,
        python: python::Environment,
        label: Option<&str>,
    ) -> Result<Harness> {
        let cores = machine::usable_cores()?;
        let mut packages = build::crate_versions(root)?;
        for name in build::direct_python_packages(root)? {
            if let Some(version) = python.packages.get(&name.to_lowercase()) {
                packages.insert(name, version.clone());
            }
        }
        Ok(Harness {
            root: root.to_owned(),
            target: target.to_owned(),
            binaries,
            cores,
            machine: machine::describe(label)?,
            environment: results::Environment {
                kernel: machine::kernel(),
                python: python.interpreter.build.clone(),
                rustc: build::rustc_version(root)?,
                packages,
            },
            python,
        })
    }

    /// Runs sessions until all are there, the budget is used up, or Ctrl-C comes. What was measured is on disk in every case.
    pub fn run(&self, options: &Options, progress: &dyn Progress) -> Result<Vec<Outcome>> {
        let mut campaigns = self.campaigns(options, progress)?;
        progress.plan(campaigns.iter().map(|c| c.runs_left()).sum());
        let began = Instant::now();
        let mut out_of_time = false;
        'sessions: for session in 0..options.sessions {
            for campaign in &mut campaigns {
                if campaign.error.is_some() || campaign.has_session(session) {
                    continue;
                }
                if let Some(budget) = options.budget
                    && began.elapsed() + campaign.longest_session > budget
                {
                    out_of_time = true;
                    break 'sessions;
                }
                let session_began = Instant::now();
                if let Err(error) = self.session(campaign, session, options.seed, progress) {
                    let interrupted = error.is::<Interrupted>();
                    campaign.error = Some(error);
                    if interrupted {
                        break 'sessions;
                    }
                }
                campaign.longest_session = campaign.longest_session.max(session_began.elapsed());
            }
        }
        if out_of_time {
            progress.note("the budget is used up; the same command goes on where this one stopped");
        }
        Ok(campaigns
            .into_iter()
            .map(|campaign| Outcome {
                sessions: campaign.results.sessions(),
                experiment: campaign.experiment.id,
                path: campaign.path,
                error: campaign.error,
            })
            .collect())
    }

    /// Verifies every program of the chosen experiments at the small size, timing nothing.
    pub fn verify(&self, experiment: &Experiment, progress: &dyn Progress) -> Result<()> {
        let mut answers = Answers::default();
        let peer = self.peer(experiment, Purpose::Verify)?;
        for program in &experiment.programs {
            progress.run(&format!("{}: checking the answer of {}", experiment.id, program.id));
            let run = self.one_run(experiment, program, Purpose::Verify, peer.as_ref(), 0)?;
            answers.check(experiment, program, Purpose::Verify, &run.result)?;
        }
        Ok(())
    }

    fn campaigns(&self, options: &Options, progress: &dyn Progress) -> Result<Vec<Ongoing>> {
        let all = Experiment::all(&self.root)?;
        for name in &options.experiments {
            ensure!(
                all.iter().any(|experiment| &experiment.id == name),
                "there is no experiment `{name}`; there are: {}",
                all.iter().map(|e| e.id.as_str()).collect::<Vec<_>>().join(", ")
            );
        }
        let mut campaigns = Vec::new();
        for experiment in all {
            if !options.experiments.is_empty() && !options.experiments.contains(&experiment.id) {
                continue;
            }
            if (experiment.load.is_some() || experiment.delay_server.is_some()) && self.cores.len() < 2 {
                progress.note(&format!(
                    "{} is skipped: it needs two cores, this process may use {}",
                    experiment.id,
                    self.cores.len()
                ));
                continue;
            }
            campaigns.push(self.campaign(experiment, options, progress)?);
        }
        if options.budget.is_some() {
            // What was never measured first, then what is oldest.
            campaigns.sort_by(|a, b| {
                let key = |c: &Ongoing| (!c.results.runs.is_empty(), c.previous.clone());
                key(a).cmp(&key(b))
            });
        }
        ensure!(!campaigns.is_empty(), "there is nothing to measure");
        Ok(campaigns)
    }

    /// Goes on with what an earlier call left unfinished, if that is the same campaign; else starts one.
    fn campaign(&self, experiment: Experiment, options: &Options, progress: &dyn Progress) -> Result<Ongoing> {
        let path = own_path(&self.target, &experiment.id);
        let rounds = options.rounds.unwrap_or(experiment.rounds);
        let earlier = match path.is_file().then(|| Results::read(&path)) {
            Some(Ok(earlier)) => Some(earlier),
            Some(Err(error)) => {
                progress.note(&format!("{error:#}; it is measured anew"));
                None
            }
            None => None,
        };
        let previous = earlier.as_ref().map(|e| e.started.clone()).unwrap_or_default();
        if let Some(earlier) = earlier
            && !earlier.is_complete()
            && earlier.campaign.sessions == options.sessions
            && earlier.campaign.rounds == rounds
            && earlier.machine == self.machine
            && earlier.environment == self.environment
            && stale_programs(&experiment, &earlier)?.is_empty()
        {
            progress.note(&format!(
                "{}: going on after {} of {} sessions",
                experiment.id,
                earlier.sessions(),
                options.sessions
            ));
            return Ok(Ongoing {
                experiment,
                path,
                results: earlier,
                previous,
                longest_session: Duration::ZERO,
                error: None,
            });
        }
        let fingerprints = experiment
            .programs
            .iter()
            .map(|program| Ok((program.id.clone(), fingerprint::program(&experiment, program)?)))
            .collect::<Result<_>>()?;
        let results = Results {
            format: results::FORMAT,
            experiment: experiment.id.clone(),
            machine: self.machine.clone(),
            environment: self.environment.clone(),
            started: now(),
            published: None,
            campaign: Campaign {
                sessions: options.sessions,
                rounds,
                seed: options.seed,
                set_aside: 0,
            },
            fingerprints,
            parameters: experiment
                .parameters
                .iter()
                .map(|(name, parameter)| (name.clone(), parameter.value))
                .collect(),
            runs: Vec::new(),
        };
        Ok(Ongoing {
            experiment,
            path,
            results,
            previous,
            longest_session: Duration::ZERO,
            error: None,
        })
    }

    fn session(&self, campaign: &mut Ongoing, session: u32, seed: u64, progress: &dyn Progress) -> Result<()> {
        let experiment = campaign.experiment.clone();
        self.verify(&experiment, progress)?;
        let peer = self.peer(&experiment, Purpose::Timed)?;
        let mut answers = Answers::default();
        let rounds = campaign.results.campaign.rounds;
        let mut order: Vec<&Program> = experiment.programs.iter().collect();
        for round in 0..rounds {
            if campaign
                .results
                .runs
                .iter()
                .any(|run| run.session == session && run.round == round)
            {
                continue;
            }
            // The order depends on the seed, the session and the round alone, so that it can be repeated.
            let mut rng =
                rand::rngs::StdRng::seed_from_u64(seed ^ (u64::from(session) << 32) ^ (u64::from(round) << 16));
            order.shuffle(&mut rng);
            let mut runs = Vec::new();
            for (position, program) in order.iter().enumerate() {
                progress.run(&format!(
                    "{} · session {} of {} · round {} of {rounds} · {}",
                    experiment.id,
                    session + 1,
                    campaign.results.campaign.sessions,
                    round + 1,
                    program.id
                ));
                let padding = rng.random_range(0..PADDING);
                let (measured, set_aside) = self.clean_run(&experiment, program, peer.as_ref(), padding, progress)?;
                campaign.results.campaign.set_aside += set_aside;
                answers.check(&experiment, program, Purpose::Timed, &measured.result)?;
                runs.push(Run {
                    program: program.id.clone(),
                    session,
                    round,
                    position: position as u32,
                    wall_seconds: measured.wall.as_secs_f64(),
                    user_seconds: measured.usage.user_seconds,
                    system_seconds: measured.usage.system_seconds,
                    voluntary_switches: measured.usage.voluntary_switches,
                    involuntary_switches: measured.usage.involuntary_switches,
                    foreign_cores: measured.foreign_cores,
                    phases: measured.phases,
                });
                progress.advance(1);
            }
            campaign.results.runs.extend(runs);
            campaign.results.write(&campaign.path)?;
        }
        Ok(())
    }

    /// One timed run, repeated while others disturbed it. The choice looks only at the disturbance, never at the result.
    fn clean_run(
        &self,
        experiment: &Experiment,
        program: &Program,
        peer: Option<&Peer>,
        padding: usize,
        progress: &dyn Progress,
    ) -> Result<(Measured, u32)> {
        let mut set_aside = 0;
        loop {
            let measured = self.one_run(experiment, program, Purpose::Timed, peer, padding)?;
            let reason = if measured.foreign_cores > FOREIGN_CORES_AT_MOST {
                Some(format!("other processes took {:.2} cores", measured.foreign_cores))
            } else {
                measured.void.clone()
            };
            let Some(reason) = reason else {
                return Ok((measured, set_aside));
            };
            if set_aside == REPEATS {
                if let Some(void) = &measured.void {
                    bail!(
                        "program `{}`: {void}, {} times in a row. The machine is too busy, or the rate in experiment.toml is too high for it",
                        program.id,
                        REPEATS + 1
                    );
                }
                progress.note(&format!("{}: {reason} again; the run is kept and marked", program.id));
                return Ok((measured, set_aside));
            }
            set_aside += 1;
            progress.note(&format!("{}: {reason}; the run is set aside and repeated", program.id));
        }
    }

    fn one_run(
        &self,
        experiment: &Experiment,
        program: &Program,
        purpose: Purpose,
        peer: Option<&Peer>,
        padding: usize,
    ) -> Result<Measured> {
        process::check_interrupted()?;
        let limit = Duration::from_secs_f64(experiment.timeout_seconds);
        let foreign = machine::foreign_seconds(std::process::id())?;
        let began = Instant::now();
        let mut measured = if experiment.load.is_some() {
            self.server_run(experiment, program, purpose, padding, limit)?
        } else {
            let invocation = self.invocation(experiment, program, purpose, peer, padding)?;
            let finished = invocation.run(limit)?;
            let line = ReportLine::parse(&finished.stdout)
                .with_context(|| format!("program `{}` ({})", program.id, program.file))?;
            Measured {
                wall: finished.wall,
                usage: finished.usage,
                result: line.result,
                phases: line.phases,
                void: None,
                foreign_cores: 0.0,
            }
        };
        let elapsed = began.elapsed().as_secs_f64();
        let foreign = machine::foreign_seconds(std::process::id())? - foreign;
        // A process that ended while the list was read can be missed once: a little below zero is zero.
        measured.foreign_cores = (foreign / elapsed).max(0.0);
        for metric in &experiment.metrics {
            ensure!(
                metric.phase.is_empty() || measured.phases.contains_key(&metric.phase),
                "program `{}` reports no phase `{}`, which metric `{}` is read from",
                program.id,
                metric.phase,
                metric.id
            );
        }
        Ok(measured)
    }

    /// A server under test: started, loaded, stopped.
    fn server_run(
        &self,
        experiment: &Experiment,
        program: &Program,
        purpose: Purpose,
        padding: usize,
        limit: Duration,
    ) -> Result<Measured> {
        let mut invocation = self.invocation(experiment, program, purpose, None, padding)?;
        invocation
            .arguments
            .extend(["--listen".to_owned(), "127.0.0.1:0".to_owned()]);
        let mut server = invocation.start()?;
        let address = listening(&mut server, &program.id)?;
        let plan = serde_json::to_string(&Plan::of(experiment, program, purpose)?)?;
        let generator = Invocation {
            name: "the load generator".to_owned(),
            program: self.binaries.own("load-generator"),
            arguments: [
                "--connect",
                &address,
                "--server-pid",
                &server.pid().to_string(),
                "--plan",
                &plan,
            ]
            .map(str::to_owned)
            .to_vec(),
            environment: Vec::new(),
            cores: self.core(experiment.cores.map(|cores| cores.peer)),
        };
        let loaded = generator
            .run(limit)
            .with_context(|| format!("program `{}`", program.id))?;
        let (wall, usage) = server
            .stop(limit + STOP_WITHIN)
            .with_context(|| format!("stopping program `{}`", program.id))?;
        let report: Report =
            serde_json::from_str(loaded.stdout.trim()).context("the load generator's report cannot be read")?;
        let void = report
            .phases
            .iter()
            .find_map(|(name, phase)| Some(format!("phase `{name}`: {}", phase.void()?)));
        Ok(Measured {
            wall,
            usage,
            // The generator has compared every echo with what it sent.
            result: Value::Null,
            phases: report.into_phases()?,
            void,
            foreign_cores: 0.0,
        })
    }

    /// The delay server, where the experiment asks for one.
    fn peer(&self, experiment: &Experiment, purpose: Purpose) -> Result<Option<Peer>> {
        let Some(server) = &experiment.delay_server else {
            return Ok(None);
        };
        let delay = experiment.value(&server.delay, None, purpose)?;
        let invocation = Invocation {
            name: "the delay server".to_owned(),
            program: self.binaries.own("delay-server"),
            arguments: vec!["--delay".to_owned(), delay.to_string()],
            environment: Vec::new(),
            cores: self.core(experiment.cores.map(|cores| cores.peer)),
        };
        let mut running = invocation.start()?;
        let address = listening(&mut running, "delay-server")?;
        Ok(Some(Peer {
            _running: running,
            base: format!("http://{address}"),
        }))
    }

    fn invocation(
        &self,
        experiment: &Experiment,
        program: &Program,
        purpose: Purpose,
        peer: Option<&Peer>,
        padding: usize,
    ) -> Result<Invocation> {
        let mut arguments = experiment.arguments(program, purpose, peer.map(|peer| peer.base.as_str()))?;
        let mut environment = vec![("PADDING".to_owned(), "x".repeat(padding))];
        let path = match program.language {
            Language::Rust => self.binaries.example(&experiment.id, &program.file),
            Language::Python => {
                let source = experiment.folder.join(&program.file);
                arguments.insert(0, source.display().to_string());
                // Nothing is written beside the sources.
                let cache = self.target.join("pycache");
                environment.push(("PYTHONPYCACHEPREFIX".to_owned(), cache.display().to_string()));
                environment.push(("PYTHONNOUSERSITE".to_owned(), "1".to_owned()));
                self.python.python.clone()
            }
        };
        Ok(Invocation {
            name: format!("program `{}` ({}/{})", program.id, experiment.id, program.file),
            program: path,
            arguments,
            environment,
            cores: match program.cores {
                Cores::One => self.core(experiment.cores.map(|cores| cores.program)),
                Cores::All => Vec::new(),
            },
        })
    }

    fn core(&self, index: Option<usize>) -> Vec<usize> {
        index
            .map(|index| vec![self.cores[index % self.cores.len()]])
            .unwrap_or_default()
    }
}

/// One experiment while it is being measured.
struct Ongoing {
    experiment: Experiment,
    path: PathBuf,
    results: Results,
    /// When the results that stood there before were started; empty where there were none.
    previous: String,
    longest_session: Duration,
    error: Option<anyhow::Error>,
}

impl Ongoing {
    fn runs_left(&self) -> u64 {
        let planned = u64::from(self.results.campaign.sessions)
            * u64::from(self.results.campaign.rounds)
            * self.experiment.programs.len() as u64;
        planned.saturating_sub(self.results.runs.len() as u64)
    }

    fn has_session(&self, session: u32) -> bool {
        let runs = self.results.runs.iter().filter(|run| run.session == session).count();
        runs >= self.results.campaign.rounds as usize * self.experiment.programs.len()
    }
}

/// A server that clients under test talk to.
struct Peer {
    /// Held so that it serves: dropping it ends it.
    _running: Running,
    base: String,
}

/// What one run gave.
struct Measured {
    wall: Duration,
    usage: process::Usage,
    result: Value,
    phases: BTreeMap<String, Phase>,
    /// Why an open-loop phase does not count.
    void: Option<String>,
    foreign_cores: f64,
}

/// The last line that a program prints.
#[derive(Deserialize)]
struct ReportLine {
    result: Value,
    phases: BTreeMap<String, Phase>,
}

impl ReportLine {
    fn parse(stdout: &str) -> Result<ReportLine> {
        let line = stdout
            .trim_end()
            .lines()
            .next_back()
            .context("it printed nothing; its last line must be the JSON report")?;
        let report: ReportLine =
            serde_json::from_str(line).with_context(|| format!("its last line is not a JSON report: {line}"))?;
        for (name, phase) in &report.phases {
            ensure!(
                phase.seconds > 0.0 && phase.cpu_seconds >= 0.0 && phase.work > 0,
                "phase `{name}` reports no sensible time or work: {line}"
            );
        }
        Ok(report)
    }
}

/// Answers seen so far: programs given the same work must agree.
#[derive(Default)]
struct Answers {
    by_work: BTreeMap<String, (String, Value)>,
}

impl Answers {
    fn check(&mut self, experiment: &Experiment, program: &Program, purpose: Purpose, result: &Value) -> Result<()> {
        let work: BTreeMap<&str, String> = experiment
            .parameters
            .keys()
            // How many do the work at a time changes the time, not the answer.
            .filter(|name| name.as_str() != "concurrency")
            .map(|name| {
                Ok((
                    name.as_str(),
                    experiment.value(name, Some(program), purpose)?.to_string(),
                ))
            })
            .collect::<Result<_>>()?;
        let work = serde_json::to_string(&work)?;
        match self.by_work.get(&work) {
            None => {
                self.by_work.insert(work, (program.id.clone(), result.clone()));
                Ok(())
            }
            Some((_, expected)) if expected == result => Ok(()),
            Some((first, expected)) => {
                let file = |id: &str| experiment.program(id).map_or("", |p| p.file.as_str());
                bail!(
                    "wrong answer: `{}` and `{first}` do the same work and do not agree\n    {first}: {expected}\n    {}: {result}\n  \
                     Nothing is timed until they do: one of examples/{2}/{3} and examples/{2}/{4} is wrong",
                    program.id,
                    program.id,
                    experiment.id,
                    file(first),
                    program.file
                )
            }
        }
    }
}

/// Waits for the line by which a server says where it listens.
fn listening(server: &mut Running, name: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Line {
        listening: String,
    }
    let stdout = server.take_stdout()?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || read_lines(stdout, &sender));
    let deadline = Instant::now() + READY_WITHIN;
    let line = loop {
        process::check_interrupted()?;
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok(line) => break line,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(_) => bail!(
                "program `{name}` did not say within {READY_WITHIN:?} where it listens (a line {{\"listening\": \"127.0.0.1:PORT\"}})"
            ),
        }
    };
    let line: Line = serde_json::from_str(&line)
        .with_context(|| format!("program `{name}`: expected {{\"listening\": ...}}, found: {line}"))?;
    Ok(line.listening)
}

/// Sends the first line and reads on to the end, so that a server which prints more never blocks.
fn read_lines(stdout: ChildStdout, sender: &std::sync::mpsc::Sender<String>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        // Nobody listens after the first line.
        let _ = sender.send(line);
    }
}

/// The time in UTC, to the second.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_disagree_are_named_with_both_answers() {
        let (experiment, _) = results::tests::sample();
        let [a, b] = &experiment.programs[..] else {
            panic!("two programs")
        };
        let mut answers = Answers::default();
        answers.check(&experiment, a, Purpose::Verify, &Value::from(1)).unwrap();
        answers.check(&experiment, b, Purpose::Verify, &Value::from(1)).unwrap();
        let error = answers
            .check(&experiment, b, Purpose::Verify, &Value::from(2))
            .unwrap_err()
            .to_string();
        assert!(error.contains("a: 1") && error.contains("b: 2"), "{error}");
    }

    #[test]
    fn a_program_that_reports_nothing_is_told_what_is_expected() {
        let error = |stdout: &str| format!("{:#}", ReportLine::parse(stdout).err().unwrap());
        assert!(error("").contains("printed nothing"));
        assert!(error("hello\n").contains("not a JSON report: hello"));
        let zero = r#"{"result": 1, "phases": {"p": {"seconds": 0.0, "cpu_seconds": 0, "work": 1}}}"#;
        assert!(error(zero).contains("no sensible time"));
    }
}
