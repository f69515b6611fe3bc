//! Takes the samples of a self-check.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{
    EXPERIMENT, FORMAT, Gate, Hyperfine, PYTHON, ROUNDS, Round, SESSIONS, SLOWER, SelfCheck, Times, WALK, own_path,
};
use crate::campaign::{self, Progress, now};
use crate::experiment::{Experiment, Program, Purpose};
use crate::fingerprint;
use crate::harness::{Harness, Peers};
use crate::process::{Detached, Invocation};
use crate::results::{Campaign, Results, Run};

/// Campaigns whose sessions rotate, so that those of one lie so many sessions apart.
const GROUP: u32 = 10;
/// Runs by which the harness's own cost is found.
const COST_RUNS: usize = 100;
/// Runs by which the gate is tried, with the other process and without.
const GATE_RUNS: usize = 20;
/// How long the other process keeps its core busy, if nobody ends it before.
const HOG_STEPS: &str = "20000000000";
/// hyperfine's trial takes a few seconds.
const TRIAL_WITHIN: Duration = Duration::from_secs(120);

/// What takes part.
struct Bench<'a> {
    harness: &'a Harness,
    experiment: Experiment,
    seed: u64,
}

/// Runs so many short campaigns and everything beside them; goes on where an earlier call stopped. Every session is on disk when it ends.
pub fn run(harness: &Harness, campaigns: u32, seed: u64, progress: &dyn Progress) -> Result<PathBuf> {
    let experiment = Experiment::read(&harness.root().join("examples").join(EXPERIMENT))?;
    ensure!(
        harness.skipped(&experiment).is_empty(),
        "the programs of examples/{EXPERIMENT} cannot all run here: {:?}",
        harness.skipped(&experiment)
    );
    let bench = Bench {
        harness,
        experiment,
        seed,
    };
    let path = own_path(harness.target());
    let mut check = bench.resume_or_start(&path, campaigns, progress)?;
    progress.plan(u64::from(campaigns) * u64::from(SESSIONS) * u64::from(ROUNDS + 1) * 4);
    campaign::verify(harness, &bench.experiment, progress)?;

    let hyperfine = find_hyperfine();
    if hyperfine.is_none() {
        progress.note(
            "hyperfine is not installed (Debian and Ubuntu: `apt-get install hyperfine`), so the comparison with it is left out",
        );
    }
    for first in (0..campaigns).step_by(GROUP as usize) {
        let group = first..(first + GROUP).min(campaigns);
        for session in 0..SESSIONS {
            for campaign in group.clone() {
                if check.has_session(campaign, session) {
                    continue;
                }
                bench.session(&mut check, campaign, session, progress)?;
                check.write(&path)?;
            }
        }
        if let Some(version) = &hyperfine {
            bench.trials(&mut check, version, group.end, progress)?;
            check.write(&path)?;
        }
    }
    progress.run("what the harness costs");
    while check.cost.len() < COST_RUNS {
        let pair = bench.cost()?;
        check.cost.push(pair);
    }
    check.write(&path)?;
    progress.run("what the gate notices");
    while check.gate.quiet.len() < GATE_RUNS {
        check.gate.quiet.push(bench.foreign_cores()?);
    }
    if check.gate.hog.len() < GATE_RUNS {
        let _hog = bench.hog()?;
        while check.gate.hog.len() < GATE_RUNS {
            check.gate.hog.push(bench.foreign_cores()?);
        }
    }
    check.write(&path)?;
    Ok(path)
}

impl SelfCheck {
    fn has_session(&self, campaign: u32, session: u32) -> bool {
        let of_session = |round: &&Round| round.campaign == campaign && round.session == session;
        self.rounds.iter().filter(of_session).count() == ROUNDS as usize
    }
}

impl Bench<'_> {
    fn resume_or_start(&self, path: &Path, campaigns: u32, progress: &dyn Progress) -> Result<SelfCheck> {
        let mut fingerprints = BTreeMap::new();
        for program in &self.experiment.programs {
            fingerprints.insert(program.id.clone(), fingerprint::program(&self.experiment, program)?);
        }
        let fresh = SelfCheck {
            format: FORMAT,
            machine: self.harness.machine().clone(),
            environment: self.harness.environment(&self.experiment)?,
            started: now(),
            published: None,
            fingerprints,
            seed: self.seed,
            campaigns,
            set_aside: 0,
            hyperfine: None,
            cost: Vec::new(),
            gate: Gate {
                quiet: Vec::new(),
                hog: Vec::new(),
            },
            rounds: Vec::new(),
        };
        if !path.is_file() {
            return Ok(fresh);
        }
        match SelfCheck::read(path) {
            Ok(earlier) => {
                let unfinished = earlier.gate.hog.len() < GATE_RUNS;
                let same = earlier.machine == fresh.machine
                    && earlier.environment == fresh.environment
                    && earlier.fingerprints == fresh.fingerprints
                    && earlier.seed == fresh.seed
                    && earlier.campaigns == campaigns;
                if unfinished && same {
                    progress.note(&format!("going on after {} rounds", earlier.rounds.len()));
                    return Ok(earlier);
                }
            }
            Err(error) => progress.note(&format!("{error:#}; it is taken anew")),
        }
        Ok(fresh)
    }

    /// One session of a short campaign, by the same code as any other.
    fn session(&self, check: &mut SelfCheck, campaign: u32, session: u32, progress: &dyn Progress) -> Result<()> {
        let plan = Results {
            format: crate::results::FORMAT,
            experiment: self.experiment.id.clone(),
            machine: check.machine.clone(),
            environment: check.environment.clone(),
            started: check.started.clone(),
            published: None,
            campaign: Campaign {
                sessions: SESSIONS,
                planned_sessions: SESSIONS,
                rounds: ROUNDS,
                // Every campaign has an order of its own.
                seed: self.seed.wrapping_add(u64::from(campaign) << 40),
                control: self.experiment.control.clone(),
                log: Vec::new(),
                set_aside: Vec::new(),
            },
            fingerprints: check.fingerprints.clone(),
            parameters: BTreeMap::new(),
            skipped: BTreeMap::new(),
            runs: Vec::new(),
        };
        let found = campaign::session_rounds(self.harness, &self.experiment, &plan, session, progress)?;
        check.set_aside += found.set_aside.len() as u32;
        check
            .rounds
            .retain(|round| round.campaign != campaign || round.session != session);
        for round in 0..ROUNDS {
            let times = |program: &str, control: bool| -> Result<Times> {
                let of = |run: &&Run| run.round == round && run.program == program && run.control == control;
                let run = found
                    .runs
                    .iter()
                    .find(of)
                    .with_context(|| format!("no run of `{program}`"))?;
                let phase = &run.phases["walk"];
                Ok(Times {
                    step: phase.seconds / phase.work as f64,
                    process: run.wall_seconds,
                })
            };
            check.rounds.push(Round {
                campaign,
                session,
                round,
                walk: times(WALK, false)?,
                again: times(WALK, true)?,
                slower: times(SLOWER, false)?,
                python: times(PYTHON, false)?,
            });
        }
        Ok(())
    }

    /// hyperfine's trials of both pairs, until there are as many as campaigns: all runs of one program, then all of the other.
    fn trials(&self, check: &mut SelfCheck, version: &str, wanted: u32, progress: &dyn Progress) -> Result<()> {
        let runs = SESSIONS * ROUNDS;
        let hyperfine = check.hyperfine.get_or_insert_with(|| Hyperfine {
            version: version.to_owned(),
            runs,
            slower: Vec::new(),
            python: Vec::new(),
        });
        while hyperfine.python.len() < wanted as usize {
            progress.run(&format!("hyperfine, trial {} of {wanted}", hyperfine.python.len() + 1));
            let slower = self.trial(runs, SLOWER)?;
            let python = self.trial(runs, PYTHON)?;
            hyperfine.slower.push(slower);
            hyperfine.python.push(python);
        }
        Ok(())
    }

    /// Mean time of a program over mean time of the walk, as hyperfine finds them.
    fn trial(&self, runs: u32, program: &str) -> Result<f64> {
        #[derive(Deserialize)]
        struct Report {
            results: Vec<Mean>,
        }
        #[derive(Deserialize)]
        struct Mean {
            mean: f64,
        }
        let export = tempfile::NamedTempFile::new()?;
        let walk = self.invocation(WALK)?;
        let other = self.invocation(program)?;
        let runs = runs.to_string();
        let mut arguments: Vec<String> = [
            "-N",
            "--style",
            "none",
            "--warmup",
            "1",
            "--runs",
            &runs,
            "--export-json",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(export.path().display().to_string());
        arguments.extend([command_line(&walk), command_line(&other)]);
        Invocation {
            name: "hyperfine".to_owned(),
            program: "hyperfine".into(),
            arguments,
            environment: walk.environment,
            cores: walk.cores,
        }
        .run(TRIAL_WITHIN)?;
        let text = std::fs::read_to_string(export.path()).context("hyperfine wrote no report")?;
        let report: Report = serde_json::from_str(&text).context("hyperfine's report cannot be read")?;
        let [walk, other] = &report.results[..] else {
            anyhow::bail!("hyperfine reports {} programs in place of 2", report.results.len());
        };
        Ok(other.mean / walk.mean)
    }

    fn program(&self, id: &str) -> Result<&Program> {
        let program = self.experiment.program(id);
        program.with_context(|| format!("examples/{EXPERIMENT} has no program `{id}`"))
    }

    fn invocation(&self, id: &str) -> Result<Invocation> {
        let program = self.program(id)?;
        self.harness
            .invocation(&self.experiment, program, &Purpose::base(), &Peers::default(), 0)
    }

    /// The same small process through the harness and bare, in seconds.
    fn cost(&self) -> Result<(f64, f64)> {
        let program = self.program(WALK)?;
        let peers = Peers::default();
        let began = Instant::now();
        self.harness
            .run_once(&self.experiment, program, &Purpose::Verify, &peers, 0)?;
        let harness = began.elapsed().as_secs_f64();
        let small = self
            .harness
            .invocation(&self.experiment, program, &Purpose::Verify, &peers, 0)?;
        let began = Instant::now();
        let status = Command::new(&small.program)
            .args(&small.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("cannot start {}", small.program.display()))?;
        let bare = began.elapsed().as_secs_f64();
        ensure!(status.success(), "{} failed: {status}", small.name);
        Ok((harness, bare))
    }

    /// What the gate sees of others during one run.
    fn foreign_cores(&self) -> Result<f64> {
        let program = self.program(WALK)?;
        let purpose = Purpose::base();
        let measured = self
            .harness
            .run_once(&self.experiment, program, &purpose, &Peers::default(), 0)?;
        Ok(measured.foreign_cores)
    }

    /// A process that keeps a core busy and is nobody's child, as somebody else's would be.
    fn hog(&self) -> Result<Detached> {
        let mut hog = self.invocation(WALK)?;
        hog.name = "the CPU hog".to_owned();
        hog.arguments = vec!["--steps".to_owned(), HOG_STEPS.to_owned()];
        hog.cores = Vec::new();
        hog.start_detached()
    }
}

/// Words for hyperfine, which splits them as a POSIX shell does.
fn command_line(invocation: &Invocation) -> String {
    let program = invocation.program.display().to_string();
    std::iter::once(&program)
        .chain(&invocation.arguments)
        .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
        .collect::<Vec<_>>()
        .join(" ")
}

fn find_hyperfine() -> Option<String> {
    let output = Command::new("hyperfine")
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
