//! The result format: raw samples, where they were taken, and of what. Everything derived is recomputed from them on reading.
//!
//! A file holds one experiment on one machine. Its layout is a JSON object whose `runs` stand one per line, so that a difference
//! between two files can be read.

mod bound;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::experiment::{Experiment, Metric, Point, Quantity};
use crate::files::write_atomically;
use crate::latency::Distribution;
use crate::schema;
use crate::statistics::{self, Estimate, Sample, Scale};

pub use bound::{Bound, GENERATOR_AT_MOST};

/// Raised when a file written before can no longer be read as it stands.
pub const FORMAT: u32 = 2;

/// A run during which others took more cores than this is set aside and repeated: see the protocol, "contamination".
pub const FOREIGN_CORES_AT_MOST: f64 = 0.25;

/// Results of one experiment on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Results {
    #[schemars(extend("const" = FORMAT))]
    pub format: u32,
    pub experiment: String,
    pub machine: Machine,
    pub environment: Environment,
    /// When the first run started, in UTC: `2026-01-31T12:00:00Z`.
    pub started: String,
    /// Set by `publish`; absent in a reader's own results.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Publication>,
    pub campaign: Campaign,
    /// Fingerprint of each program as it was measured; see [`crate::fingerprint`].
    pub fingerprints: BTreeMap<String, String>,
    /// Parameters as they were, so that prose which names them can be checked against what ran.
    pub parameters: BTreeMap<String, f64>,
    /// Programs that this machine could not run, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skipped: BTreeMap<String, String>,
    pub runs: Vec<Run>,
}

/// How far a campaign went, and what happened on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    /// Sessions it is meant to have.
    pub sessions: u32,
    /// Sessions it was meant to have when it began. Where a campaign is extended because its intervals are wide, they are computed
    /// as if only these had told how much sessions differ; see [`crate::statistics`].
    pub planned_sessions: u32,
    /// Counted rounds in a session. One more came before them and was discarded.
    pub rounds: u32,
    /// Seed of the order in which programs ran and of the size of their environment.
    pub seed: u64,
    /// The program that ran twice in every round.
    pub control: String,
    /// What each session met, in the order of their numbers.
    pub log: Vec<SessionLog>,
    /// Runs that do not count, and why. They are not among `runs`.
    pub set_aside: Vec<SetAside>,
}

/// The machine during one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionLog {
    pub session: u32,
    /// In UTC.
    pub started: String,
    pub seconds: f64,
    /// Load average over one minute when it began.
    pub load_average: f64,
    /// Share of the time in which some process waited for a core, from /proc/pressure/cpu; absent where the kernel keeps no account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_pressure: Option<f64>,
    /// Cores that the hypervisor gave to others while this machine had work for them.
    pub steal_cores: f64,
}

/// A run that was repeated, with the reason, which was fixed before anything ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetAside {
    pub program: String,
    #[serde(default, skip_serializing_if = "Point::is_base")]
    pub point: Point,
    pub session: u32,
    pub round: u32,
    pub cause: Cause,
    /// The measured number that decided, in words.
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Other processes or the hypervisor took too much CPU.
    Contamination,
    /// An open-loop phase did not keep its rate, or its generator was late.
    Void,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    pub date: String,
}

/// The machine by what matters for speed; never by a host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Names the folder under `measurements/`: lower-case letters and digits, with single hyphens between them.
    #[schemars(regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub id: String,
    pub cpu: String,
    pub cores: usize,
    pub hypervisor: Option<String>,
    pub memory_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    pub kernel: String,
    /// What the CPU says it can do: `flags` of /proc/cpuinfo.
    pub cpu_flags: String,
    /// Cores that the campaign might use, by number.
    pub affinity: Vec<usize>,
    /// Cores that the control group may use at a time, where it is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_cores: Option<f64>,
    /// The policy by which the kernel chooses the clock; absent where the machine does not show it, as most virtual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// The interpreters that programs of the experiment ran on, by the name that the manifest gives them.
    pub pythons: BTreeMap<String, PythonBuild>,
    pub rustc: String,
    /// Further tools and services that programs of the experiment need, with their versions: `go`, `node`, `postgresql`, `redis`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, String>,
    /// Versions of the Python packages and crates that programs of the experiment reach, directly or not.
    pub packages: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PythonBuild {
    /// Built to run without the global interpreter lock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free_threaded: bool,
    pub version: String,
    pub compiler: String,
    /// Arguments of CPython's `configure`, paths left out.
    pub configure: Vec<String>,
    /// Built with profile-guided and link-time optimisation.
    pub optimised: bool,
}

/// One process, from start to exit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub program: String,
    /// The second run of the control in its round.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub control: bool,
    #[serde(default, skip_serializing_if = "Point::is_base")]
    pub point: Point,
    pub session: u32,
    pub round: u32,
    /// Place in the random order of its round, from 0.
    pub position: u32,
    pub wall_seconds: f64,
    pub user_seconds: f64,
    pub system_seconds: f64,
    pub voluntary_switches: u64,
    pub involuntary_switches: u64,
    /// Cores that other processes and the hypervisor took meanwhile.
    pub foreign_cores: f64,
    pub phases: BTreeMap<String, Phase>,
}

/// One measured phase of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub seconds: f64,
    /// Units of work done: waits, GETs, messages.
    pub work: u64,
    /// User and system CPU of the program under test.
    #[schemars(range(min = 0))]
    pub cpu_seconds: f64,
    /// Memory of the program at the end of the phase, in bytes: VmHWM, or VmRSS where it says so, as the program reads it in
    /// /proc/self/status. Never `ru_maxrss`, which a process inherits through exec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// The same of the load generator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_cpu_seconds: Option<f64>,
    /// Messages per second that the open loop meant to send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_per_second: Option<f64>,
    /// 99th percentile of how late the generator itself sent, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_p99_seconds: Option<f64>,
    /// When each wait of the phase began and ended, in seconds from the phase's start, for programs that report it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spans: Vec<(f64, f64)>,
    /// What the program counted in the whole phase, by the names it gives.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
    /// Latencies in microseconds with their counts, in increasing order; empty where none was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<(u64, u64)>,
    /// What the program looked at again and again, by the names it gives: whole milliseconds since the phase began, not decreasing, with
    /// the value at that time. Bytes where the name ends in `_bytes`, else a plain number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub series: BTreeMap<String, Vec<(u64, u64)>>,
}

/// Why an estimate cannot be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    Program(String),
    /// The program ran, but not at this point.
    Point {
        program: String,
        point: String,
    },
    Metric(String),
    Phase {
        program: String,
        phase: String,
    },
    /// The phase is there, but the program did not report this count in it.
    Count {
        program: String,
        phase: String,
        count: String,
    },
    /// Values of this kind have no logarithm, so no ratio.
    NotARatio(String),
    /// Values of this kind have ratios, but one of these is zero.
    Zero {
        program: String,
        metric: String,
    },
    /// A slope that comes out at zero or below in a session, or that has a single place to be taken through.
    NoSlope {
        metric: String,
        over: String,
    },
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Program(program) => write!(f, "there are no runs of program `{program}`"),
            Missing::Point { program, point } => write!(f, "there are no runs of program `{program}` at `{point}`"),
            Missing::Metric(metric) => write!(f, "there is no metric `{metric}`"),
            Missing::Phase { program, phase } => {
                write!(
                    f,
                    "the runs of `{program}` have no phase `{phase}`, or nothing of the kind was measured in it"
                )
            }
            Missing::Count { program, phase, count } => {
                write!(
                    f,
                    "the runs of `{program}` report no count `{count}` in phase `{phase}`"
                )
            }
            Missing::Zero { program, metric } => {
                write!(
                    f,
                    "`{metric}` of `{program}` came out as zero, of which there is no ratio"
                )
            }
            Missing::NotARatio(metric) => {
                write!(f, "`{metric}` is not compared by ratios: its values may be zero")
            }
            Missing::NoSlope { metric, over } => write!(
                f,
                "`{metric}` is not known: the values do not rise with `{over}` in every session, or were taken at one value of it alone"
            ),
        }
    }
}

impl std::error::Error for Missing {}

impl Results {
    /// Reads and validates a file.
    pub fn read(path: &Path) -> Result<Results> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Results::parse(&text).with_context(|| {
            format!(
                "{} is not a result file that this version reads; measure again, or restore it from git",
                path.display()
            )
        })
    }

    /// Reads a document and validates it against the schema. An error names the place in it by a JSON pointer.
    pub fn parse(text: &str) -> Result<Results> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_str(text)?;
        ensure!(
            version.format == FORMAT,
            "it has format {}, this version reads format {FORMAT}; there is no way from one to the other but to measure again, since {}",
            version.format,
            if version.format < FORMAT {
                "the protocol changed with it"
            } else {
                "it was written by a newer version: update your checkout, or measure"
            }
        );
        let document: Value = serde_json::from_str(text)?;
        schema::validate(&document)?;
        let results = Results::deserialize(document)?;
        for (number, run) in results.runs.iter().enumerate() {
            ensure!(
                results.fingerprints.contains_key(&run.program),
                "at /runs/{number}/program: a run of `{}`, which has no entry in /fingerprints",
                run.program
            );
        }
        Ok(results)
    }

    /// The text of the file: the head indented, then one run per line.
    pub fn to_json(&self) -> String {
        let head = Results {
            runs: Vec::new(),
            ..self.clone()
        };
        let head = serde_json::to_string_pretty(&head).expect("plain data");
        let head = head.strip_suffix("\"runs\": []\n}").expect("`runs` is the last field");
        let runs: Vec<String> = self
            .runs
            .iter()
            .map(|run| format!("    {}", serde_json::to_string(run).expect("plain data")))
            .collect();
        format!("{head}\"runs\": [\n{}\n  ]\n}}\n", runs.join(",\n"))
    }

    /// Writes the file whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, self.to_json())
    }

    /// Sessions in which every program of the campaign ran at least once.
    pub fn sessions(&self) -> usize {
        let mut seen: BTreeMap<u32, std::collections::BTreeSet<&str>> = BTreeMap::new();
        for run in &self.runs {
            seen.entry(run.session).or_default().insert(&run.program);
        }
        seen.values()
            .filter(|programs| programs.len() == self.fingerprints.len())
            .count()
    }

    /// Whether every planned round of every session is there, and there is one.
    pub fn is_complete(&self) -> bool {
        let Campaign { sessions, rounds, .. } = self.campaign;
        sessions > 0 && rounds > 0 && (0..sessions).all(|session| self.has_session(session))
    }

    /// Whether every round of a session is there. Rounds are written whole.
    pub(crate) fn has_session(&self, session: u32) -> bool {
        (0..self.campaign.rounds).all(|round| self.has_round(session, round))
    }

    pub(crate) fn has_round(&self, session: u32, round: u32) -> bool {
        self.runs.iter().any(|run| run.session == session && run.round == round)
    }

    /// The value of a metric for one program at a point.
    pub fn estimate(
        &self,
        experiment: &Experiment,
        program: &str,
        metric: &str,
        point: &Point,
    ) -> Result<Estimate, Missing> {
        let metric = self.metric(experiment, metric)?;
        let sessions: Vec<f64> = self
            .by_session(experiment, program, metric, point, Which::First)?
            .into_values()
            .map(|values| values.summary)
            .collect();
        let scale = if metric.quantity.is_ratio_scale() {
            Scale::Logarithmic
        } else {
            Scale::Linear
        };
        let mut estimate =
            statistics::estimate(&self.sample(&sessions), scale).ok_or_else(|| no_logarithm(metric, program))?;
        if metric.quantity == Quantity::Count
            && let Some(interval) = &mut estimate.interval
        {
            // Nothing was counted less than no times.
            interval.low = interval.low.max(0.0);
        }
        Ok(estimate)
    }

    /// The paired ratio of two programs at a point: within each session the median over rounds of the logarithm of a/b, then as
    /// [`statistics::estimate`] has it.
    pub fn ratio(
        &self,
        experiment: &Experiment,
        a: &str,
        b: &str,
        metric: &str,
        point: &Point,
    ) -> Result<Estimate, Missing> {
        let metric = self.metric(experiment, metric)?;
        let of_a = self.by_session(experiment, a, metric, point, Which::First)?;
        let of_b = self.by_session(experiment, b, metric, point, Which::First)?;
        self.paired(metric, (a, &of_a), (b, &of_b))
    }

    /// The ratio of the control to itself: its two runs in every round, paired as any other two programs.
    pub fn control_ratio(&self, experiment: &Experiment, metric: &str) -> Result<Estimate, Missing> {
        let metric = self.metric(experiment, metric)?;
        let base = Point::base();
        let control = self.campaign.control.as_str();
        let of = |which| self.by_session(experiment, control, metric, &base, which);
        self.paired(metric, (control, &of(Which::Second)?), (control, &of(Which::First)?))
    }

    /// Each session's ratio of the control to itself: what [`Results::control_ratio`] is the mean of.
    pub(crate) fn control_session_ratios(&self, experiment: &Experiment, metric: &str) -> Result<Vec<f64>, Missing> {
        let metric = self.metric(experiment, metric)?;
        let base = Point::base();
        let control = self.campaign.control.as_str();
        let of = |which| self.by_session(experiment, control, metric, &base, which);
        session_ratios(metric, (control, &of(Which::Second)?), (control, &of(Which::First)?))
    }

    /// Each session's paired ratio of two programs: what [`Results::ratio`] is the mean of.
    pub(crate) fn session_ratios(
        &self,
        experiment: &Experiment,
        a: &str,
        b: &str,
        metric: &str,
        point: &Point,
    ) -> Result<Vec<f64>, Missing> {
        let metric = self.metric(experiment, metric)?;
        let of_a = self.by_session(experiment, a, metric, point, Which::First)?;
        let of_b = self.by_session(experiment, b, metric, point, Which::First)?;
        session_ratios(metric, (a, &of_a), (b, &of_b))
    }

    /// Each session's value of a metric for one program: what [`Results::estimate`] is the mean of.
    pub(crate) fn session_values(
        &self,
        experiment: &Experiment,
        program: &str,
        metric: &str,
        point: &Point,
    ) -> Result<Vec<f64>, Missing> {
        let metric = self.metric(experiment, metric)?;
        Ok(self
            .by_session(experiment, program, metric, point, Which::First)?
            .into_values()
            .map(|values| values.summary)
            .collect())
    }

    fn metric<'e>(&self, experiment: &'e Experiment, id: &str) -> Result<&'e Metric, Missing> {
        experiment.metric(id).ok_or_else(|| Missing::Metric(id.to_owned()))
    }

    fn sample<'v>(&self, sessions: &'v [f64]) -> Sample<'v> {
        Sample {
            sessions,
            planned: self.campaign.planned_sessions as usize,
        }
    }

    fn paired(
        &self,
        metric: &Metric,
        a: (&str, &BTreeMap<u32, SessionValues>),
        b: (&str, &BTreeMap<u32, SessionValues>),
    ) -> Result<Estimate, Missing> {
        let sessions = session_ratios(metric, a, b)?;
        statistics::estimate(&self.sample(&sessions), Scale::Logarithmic).ok_or_else(|| {
            // A zero in either makes the ratio zero or no number at all.
            let zero = a.1.values().any(|session| session.summary <= 0.0);
            no_logarithm(metric, if zero { a.0 } else { b.0 })
        })
    }

    /// How a metric's value came out in each session.
    fn by_session(
        &self,
        experiment: &Experiment,
        program: &str,
        metric: &Metric,
        point: &Point,
        which: Which,
    ) -> Result<BTreeMap<u32, SessionValues>, Missing> {
        let of_program: Vec<&Run> = self
            .runs
            .iter()
            .filter(|run| run.program == program && run.control == (which == Which::Second))
            .collect();
        if of_program.is_empty() {
            return Err(Missing::Program(program.to_owned()));
        }
        let ideal = experiment
            .program(program)
            .and_then(|p| p.ideal.get(&metric.phase).copied());
        let mut sessions: BTreeMap<u32, Vec<&Run>> = BTreeMap::new();
        for run in of_program {
            // A slope belongs to no single point.
            if metric.over.is_some() || run.point == *point {
                sessions.entry(run.session).or_default().push(run);
            }
        }
        if sessions.is_empty() {
            return Err(Missing::Point {
                program: program.to_owned(),
                point: point.to_string(),
            });
        }
        sessions
            .into_iter()
            .map(|(session, runs)| {
                let values = match &metric.over {
                    Some(over) => SessionValues::slope(&runs, metric, over, self.parameters.get(over).copied()),
                    None => SessionValues::read(&runs, metric, ideal),
                };
                let values = values.ok_or_else(|| match &metric.over {
                    Some(over) if runs.iter().all(|run| value(run, metric, None).is_some()) => Missing::NoSlope {
                        metric: metric.id.clone(),
                        over: over.clone(),
                    },
                    _ => nothing_of_the_kind(&runs, program, metric),
                })?;
                Ok((session, values))
            })
            .collect()
    }
}

/// What the runs of a program lack, of which one at least has no value of the metric.
fn nothing_of_the_kind(runs: &[&Run], program: &str, metric: &Metric) -> Missing {
    match &metric.of {
        Some(count) if runs.iter().all(|run| run.phases.contains_key(&metric.phase)) => Missing::Count {
            program: program.to_owned(),
            phase: metric.phase.clone(),
            count: count.clone(),
        },
        _ => Missing::Phase {
            program: program.to_owned(),
            phase: metric.phase.clone(),
        },
    }
}

/// Why the values of a metric that a program has do not have a mean of logarithms.
fn no_logarithm(metric: &Metric, program: &str) -> Missing {
    match &metric.over {
        Some(over) => Missing::NoSlope {
            metric: metric.id.clone(),
            over: over.clone(),
        },
        None => Missing::Zero {
            program: program.to_owned(),
            metric: metric.id.clone(),
        },
    }
}

/// Which of the control's two runs in a round; every other program has the first only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    First,
    Second,
}

/// Each session's paired ratio of two programs, given with their names.
fn session_ratios(
    metric: &Metric,
    (a, of_a): (&str, &BTreeMap<u32, SessionValues>),
    (b, of_b): (&str, &BTreeMap<u32, SessionValues>),
) -> Result<Vec<f64>, Missing> {
    if !metric.quantity.has_ratios() {
        return Err(Missing::NotARatio(metric.id.clone()));
    }
    if metric.quantity == Quantity::Count {
        for (program, of) in [(a, of_a), (b, of_b)] {
            let mut counts = of.values().flat_map(|session| session.by_round.values());
            if counts.any(|count| *count == 0.0) {
                return Err(no_logarithm(metric, program));
            }
        }
    }
    // Of two slopes that fall, the ratio would be positive and mean nothing.
    let rises = |of: &BTreeMap<u32, SessionValues>| {
        let mut rounds = of.values().flat_map(|session| session.by_round.values());
        rounds.all(|slope| *slope > 0.0)
    };
    if metric.over.is_some() && !(rises(of_a) && rises(of_b)) {
        return Err(no_logarithm(metric, a));
    }
    Ok(of_a
        .iter()
        .filter_map(|(session, a)| {
            let b = of_b.get(session)?;
            let ratios: Vec<f64> = a
                .by_round
                .iter()
                .filter_map(|(round, x)| Some(x / b.by_round.get(round)?))
                .collect();
            // Counts are often the same in every round; their ratio then is exact, as it would not be on the way through logarithms.
            if let (Quantity::Count, [first, others @ ..]) = (metric.quantity, &ratios[..])
                && others.iter().all(|ratio| ratio == first)
            {
                return Some(*first);
            }
            let logs: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
            Some(match statistics::median(&logs) {
                Some(log) => log.exp(),
                // A quantile is taken over the session's merged histogram: it has no rounds.
                None => a.summary / b.summary,
            })
        })
        .collect())
}

struct SessionValues {
    /// The session's one number.
    summary: f64,
    /// What it was made from; empty for quantiles.
    by_round: BTreeMap<u32, f64>,
}

impl SessionValues {
    fn read(runs: &[&Run], metric: &Metric, ideal: Option<f64>) -> Option<SessionValues> {
        if let Some(quantile) = metric.quantity.latency_quantile() {
            return Some(SessionValues {
                summary: merged_quantile(runs, &metric.phase, quantile)?,
                by_round: BTreeMap::new(),
            });
        }
        let by_round: BTreeMap<u32, f64> = runs
            .iter()
            .map(|run| Some((run.round, value(run, metric, ideal)?)))
            .collect::<Option<_>>()?;
        let values: Vec<f64> = by_round.values().copied().collect();
        Some(SessionValues {
            summary: statistics::median(&values)?,
            by_round,
        })
    }
}

impl SessionValues {
    /// Per round, the slope of the least-squares line of the metric over the swept parameter, through all points of the round; then the
    /// median over rounds. `own` is the parameter's value at the base.
    fn slope(runs: &[&Run], metric: &Metric, over: &str, own: Option<f64>) -> Option<SessionValues> {
        let mut rounds: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
        for run in runs {
            // At the points of other sweeps the parameter has its own value too, but something else differs.
            let x = match run.point.get(over) {
                Some(x) => x,
                None if run.point.is_base() => own?,
                None => continue,
            };
            rounds
                .entry(run.round)
                .or_default()
                .push((x, value(run, metric, None)?));
        }
        let by_round: BTreeMap<u32, f64> = rounds
            .into_iter()
            .map(|(round, points)| Some((round, statistics::slope(&points)?)))
            .collect::<Option<_>>()?;
        let values: Vec<f64> = by_round.values().copied().collect();
        Some(SessionValues {
            summary: statistics::median(&values)?,
            by_round,
        })
    }
}

/// A metric's value in one run.
fn value(run: &Run, metric: &Metric, ideal: Option<f64>) -> Option<f64> {
    if metric.quantity == Quantity::ProcessCpu {
        return Some(run.user_seconds + run.system_seconds);
    }
    if metric.quantity == Quantity::ProcessSeconds {
        return Some(run.wall_seconds);
    }
    if metric.quantity == Quantity::ProcessSwitches {
        return Some(run.voluntary_switches as f64 + run.involuntary_switches as f64);
    }
    let phase = run.phases.get(&metric.phase)?;
    Some(match metric.quantity {
        Quantity::Seconds => phase.seconds,
        Quantity::Excess => phase.seconds - ideal?,
        Quantity::SecondsPerWork => phase.seconds / phase.work as f64,
        Quantity::WorkPerSecond => phase.work as f64 / phase.seconds,
        Quantity::Cpu => phase.cpu_seconds,
        Quantity::CpuPerWork => phase.cpu_seconds / phase.work as f64,
        Quantity::CpuShare => phase.cpu_seconds / phase.seconds,
        Quantity::PeerCpuShare => phase.peer_cpu_seconds? / phase.seconds,
        Quantity::Memory | Quantity::MemorySlope => phase.memory_bytes? as f64,
        Quantity::Count => {
            let count = *phase.counts.get(metric.of.as_ref()?)? as f64;
            if metric.per_work {
                count / phase.work as f64
            } else {
                count
            }
        }
        Quantity::LatencyP50
        | Quantity::LatencyP99
        | Quantity::LatencyMax
        | Quantity::ProcessCpu
        | Quantity::ProcessSeconds
        | Quantity::ProcessSwitches => return None,
    })
}

/// A quantile over all latencies of a session, in seconds.
fn merged_quantile(runs: &[&Run], phase: &str, quantile: f64) -> Option<f64> {
    let phases: Vec<&Phase> = runs.iter().map(|run| run.phases.get(phase)).collect::<Option<_>>()?;
    Some(Distribution::of(phases)?.quantile(quantile))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::experiment::{Language, Program};
    use crate::statistics::Interval;

    pub(crate) fn sample() -> (Experiment, Results) {
        let program = |id: &str| Program {
            id: id.to_owned(),
            label: id.to_owned(),
            language: Language::Rust,
            file: "main.rs".to_owned(),
            imports: Vec::new(),
            extension: None,
            arguments: Vec::new(),
            cores: Default::default(),
            parameters: BTreeMap::new(),
            at_most: BTreeMap::new(),
            python_at_least: None,
            python: crate::experiment::DEFAULT_PYTHON.to_owned(),
            ideal: BTreeMap::from([("p".to_owned(), 1.0)]),
        };
        let metric = |id: &str, quantity| Metric {
            id: id.to_owned(),
            label: id.to_owned(),
            quantity,
            phase: "p".to_owned(),
            over: None,
            of: None,
            unit: None,
            per_work: false,
            better: None,
        };
        let experiment = Experiment {
            id: "x".to_owned(),
            folder: "examples/x".into(),
            title: "x".to_owned(),
            rounds: 3,
            timeout_seconds: 1.0,
            control: "b".to_owned(),
            services: Vec::new(),
            cores: None,
            parameters: BTreeMap::new(),
            load: None,
            delay_server: None,
            programs: vec![program("a"), program("b")],
            metrics: vec![
                metric("seconds", Quantity::Seconds),
                metric("excess", Quantity::Excess),
                metric("p50", Quantity::LatencyP50),
            ],
        };
        let mut runs = Vec::new();
        for session in 0..5 {
            // The machine drifts from session to session; the ratio does not.
            let drift = 1.0 + f64::from(session) * 0.5;
            for round in 0..3 {
                for (program, factor, control) in [("a", 2.0, false), ("b", 1.0, false), ("b", 1.001, true)] {
                    runs.push(Run {
                        program: program.to_owned(),
                        control,
                        point: Point::base(),
                        session,
                        round,
                        position: 0,
                        wall_seconds: 0.1 + factor * drift,
                        user_seconds: 0.1,
                        system_seconds: 0.2,
                        voluntary_switches: 3,
                        involuntary_switches: 1,
                        foreign_cores: 0.01,
                        phases: BTreeMap::from([(
                            "p".to_owned(),
                            Phase {
                                seconds: factor * drift,
                                work: 10,
                                cpu_seconds: 0.1,
                                memory_bytes: None,
                                peer_cpu_seconds: None,
                                offered_per_second: None,
                                late_p99_seconds: None,
                                spans: Vec::new(),
                                counts: BTreeMap::new(),
                                latency: vec![(100, 5), (200, 4)],
                                series: BTreeMap::new(),
                            },
                        )]),
                    });
                }
            }
        }
        let results = Results {
            format: FORMAT,
            experiment: "x".to_owned(),
            machine: Machine {
                id: "test".to_owned(),
                cpu: "a CPU".to_owned(),
                cores: 2,
                hypervisor: None,
                memory_bytes: 1 << 30,
            },
            environment: Environment {
                kernel: "Linux".to_owned(),
                cpu_flags: "fpu sse2".to_owned(),
                affinity: vec![0, 1],
                quota_cores: None,
                governor: None,
                pythons: BTreeMap::from([(
                    "default".to_owned(),
                    PythonBuild {
                        free_threaded: false,
                        version: "3.13.0".to_owned(),
                        compiler: "GCC".to_owned(),
                        configure: vec![],
                        optimised: true,
                    },
                )]),
                rustc: "1.95.0".to_owned(),
                tools: BTreeMap::new(),
                packages: BTreeMap::new(),
            },
            started: "2026-01-31T12:00:00Z".to_owned(),
            published: None,
            campaign: Campaign {
                sessions: 5,
                planned_sessions: 5,
                rounds: 3,
                seed: 1,
                control: "b".to_owned(),
                log: Vec::new(),
                set_aside: Vec::new(),
            },
            fingerprints: BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]),
            parameters: BTreeMap::new(),
            skipped: BTreeMap::new(),
            runs,
        };
        (experiment, results)
    }

    #[test]
    fn pairing_removes_the_drift_that_single_values_show() {
        let (experiment, results) = sample();
        let single = results.estimate(&experiment, "a", "seconds", &Point::base()).unwrap();
        let ratio = results.ratio(&experiment, "a", "b", "seconds", &Point::base()).unwrap();
        assert!(single.interval.unwrap().high / single.interval.unwrap().low > 2.0);
        assert!((ratio.value - 2.0).abs() < 1e-12);
        assert!((ratio.interval.unwrap().high - 2.0).abs() < 1e-9);
    }

    #[test]
    fn excess_is_over_the_ideal_and_is_no_ratio() {
        let (experiment, results) = sample();
        let excess = results.estimate(&experiment, "b", "excess", &Point::base()).unwrap();
        assert!((excess.value - 1.0).abs() < 1e-12);
        assert!(matches!(
            results.ratio(&experiment, "a", "b", "excess", &Point::base()),
            Err(Missing::NotARatio(_))
        ));
    }

    #[test]
    fn the_control_is_compared_with_itself_and_counts_once() {
        let (experiment, mut results) = sample();
        let ratio = results.control_ratio(&experiment, "seconds").unwrap();
        assert!((ratio.value - 1.001).abs() < 1e-9, "{ratio:?}");
        // A second run that came out wildly different changes the control's ratio and nothing else.
        let before = results.estimate(&experiment, "b", "seconds", &Point::base()).unwrap();
        for run in results.runs.iter_mut().filter(|run| run.control) {
            run.phases.get_mut("p").unwrap().seconds *= 3.0;
        }
        assert_eq!(
            results.estimate(&experiment, "b", "seconds", &Point::base()).unwrap(),
            before
        );
        assert!(results.control_ratio(&experiment, "seconds").unwrap().value > 2.9);
    }

    #[test]
    fn a_slope_is_taken_over_the_points_of_its_own_sweep() {
        let (mut experiment, mut results) = sample();
        experiment.metrics.push(Metric {
            id: "per_task".to_owned(),
            label: "per task".to_owned(),
            quantity: Quantity::MemorySlope,
            phase: "p".to_owned(),
            over: Some("tasks".to_owned()),
            of: None,
            unit: None,
            per_work: false,
            better: None,
        });
        results.parameters.insert("tasks".to_owned(), 1000.0);
        let base: Vec<Run> = results.runs.drain(..).filter(|run| !run.control).collect();
        for run in base {
            // 5 MB and 300 bytes per task; at another sweep's point, something else altogether.
            for (point, bytes) in [
                (Point::base(), 5_300_000),
                (Point::at("tasks", 10_000.0), 8_000_000),
                (Point::at("tasks", 1e6), 305_000_000),
                (Point::at("size", 7.0), 99),
            ] {
                let mut run = run.clone();
                run.point = point;
                run.phases.get_mut("p").unwrap().memory_bytes = Some(bytes);
                results.runs.push(run);
            }
        }
        let slope = results.estimate(&experiment, "a", "per_task", &Point::base()).unwrap();
        assert!((slope.value - 300.0).abs() < 1e-6, "{slope:?}");
        // Memory that shrinks, or that was taken at one place alone, has no bytes per task; that nothing was measured would be untrue.
        let no_slope = |change: &dyn Fn(&mut Run)| {
            let mut results = results.clone();
            results.runs.iter_mut().for_each(change);
            results
                .runs
                .retain(|run| run.phases["p"].memory_bytes != Some(u64::MAX));
            let single = results.estimate(&experiment, "a", "per_task", &Point::base());
            let ratio = results.ratio(&experiment, "a", "b", "per_task", &Point::base());
            assert_eq!(single.as_ref().err(), ratio.as_ref().err());
            single.unwrap_err()
        };
        let memory = |run: &mut Run, bytes: Option<u64>| run.phases.get_mut("p").unwrap().memory_bytes = bytes;
        let expected = Missing::NoSlope {
            metric: "per_task".to_owned(),
            over: "tasks".to_owned(),
        };
        assert_eq!(
            no_slope(&|run| if run.point == Point::at("tasks", 1e6) {
                memory(run, Some(1))
            }),
            expected
        );
        assert_eq!(
            no_slope(&|run| if !run.point.is_base() {
                memory(run, Some(u64::MAX))
            }),
            expected
        );
        assert!(matches!(no_slope(&|run| memory(run, None)), Missing::Phase { .. }));
        let at = |point| results.estimate(&experiment, "a", "seconds", &point);
        assert!(at(Point::at("tasks", 1e6)).is_ok());
        assert!(matches!(at(Point::at("tasks", 2.0)), Err(Missing::Point { .. })));
    }

    /// The sample with a metric `polls`, in the phase of which each run counts what `of` says for its program, session and round.
    fn counting(of: impl Fn(&Run) -> Option<u64>, per_work: bool) -> (Experiment, Results) {
        let (mut experiment, mut results) = sample();
        experiment.metrics.push(Metric {
            id: "polls".to_owned(),
            label: "polls".to_owned(),
            quantity: Quantity::Count,
            phase: "p".to_owned(),
            over: None,
            of: Some("polls".to_owned()),
            unit: None,
            per_work,
            better: None,
        });
        for run in &mut results.runs {
            let count = of(run);
            let phase = run.phases.get_mut("p").unwrap();
            phase.counts.extend(count.map(|count| ("polls".to_owned(), count)));
        }
        (experiment, results)
    }

    #[test]
    fn a_count_that_never_changes_is_exact_and_so_is_its_ratio() {
        let polls = |run: &Run| Some(if run.program == "a" { 3009 } else { 1003 });
        let (experiment, results) = counting(polls, false);
        let results = Results::parse(&results.to_json()).unwrap();
        let a = results.estimate(&experiment, "a", "polls", &Point::base()).unwrap();
        assert_eq!(
            (a.value, a.interval),
            (
                3009.0,
                Some(Interval {
                    low: 3009.0,
                    high: 3009.0
                })
            )
        );
        let ratio = results.ratio(&experiment, "a", "b", "polls", &Point::base()).unwrap();
        assert_eq!(
            (ratio.value, ratio.interval),
            (3.0, Some(Interval { low: 3.0, high: 3.0 }))
        );
        let (experiment, results) = counting(polls, true);
        let each = results.estimate(&experiment, "b", "polls", &Point::base()).unwrap();
        let work = results.runs[0].phases["p"].work as f64;
        assert_eq!(each.value, 1003.0 / work);
    }

    #[test]
    fn counts_are_averaged_as_they_are_and_zero_is_one_of_them() {
        let (experiment, results) = counting(|run| Some(u64::from(run.session == 4 && run.program == "a")), false);
        let a = results.estimate(&experiment, "a", "polls", &Point::base()).unwrap();
        assert!((a.value - 0.2).abs() < 1e-12, "{a:?}");
        let interval = a.interval.unwrap();
        assert!(interval.low == 0.0 && interval.high > 0.7, "{interval:?}");
        let b = results.estimate(&experiment, "b", "polls", &Point::base()).unwrap();
        assert_eq!((b.value, b.interval), (0.0, Some(Interval { low: 0.0, high: 0.0 })));
        let zero = |program: &str| Missing::Zero {
            program: program.to_owned(),
            metric: "polls".to_owned(),
        };
        let ratio = |a, b| results.ratio(&experiment, a, b, "polls", &Point::base());
        assert_eq!(ratio("a", "b"), Err(zero("a")));
        let (experiment, results) = counting(|run| Some(u64::from(run.program == "a")), false);
        let ratio = |a, b| results.ratio(&experiment, a, b, "polls", &Point::base());
        assert_eq!(ratio("a", "b"), Err(zero("b")));
        assert_eq!(ratio("b", "a"), Err(zero("b")));
        assert_eq!(results.control_ratio(&experiment, "polls"), Err(zero("b")));
        assert_eq!(
            zero("b").to_string(),
            "`polls` of `b` came out as zero, of which there is no ratio"
        );
    }

    #[test]
    fn a_count_that_some_run_lacks_is_missing_by_its_name() {
        let (experiment, results) = counting(|run| (run.session != 1).then_some(7), false);
        let missing = results.estimate(&experiment, "a", "polls", &Point::base()).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the runs of `a` report no count `polls` in phase `p`"
        );
        let (mut experiment, results) = counting(|_| Some(7), false);
        experiment.metrics.last_mut().unwrap().phase = "q".to_owned();
        let missing = results.estimate(&experiment, "a", "polls", &Point::base());
        assert!(matches!(missing, Err(Missing::Phase { .. })), "{missing:?}");
    }

    #[test]
    fn switches_are_of_the_whole_process_whatever_their_cause() {
        let (mut experiment, mut results) = sample();
        experiment.metrics.push(Metric {
            id: "switches".to_owned(),
            quantity: Quantity::ProcessSwitches,
            phase: String::new(),
            ..experiment.metrics[0].clone()
        });
        for run in &mut results.runs {
            (run.voluntary_switches, run.involuntary_switches) = if run.program == "a" { (300, 1) } else { (0, 0) };
        }
        let switches = |program| results.estimate(&experiment, program, "switches", &Point::base());
        assert_eq!(switches("a").unwrap().value, 301.0);
        assert_eq!(switches("b").unwrap().value, 0.0);
        assert!(matches!(
            results.ratio(&experiment, "a", "b", "switches", &Point::base()),
            Err(Missing::Zero { .. })
        ));
        // Whatever a file says: the sum may be more than a whole number holds.
        for run in &mut results.runs {
            (run.voluntary_switches, run.involuntary_switches) = (u64::MAX, u64::MAX);
        }
        let most = results.estimate(&experiment, "a", "switches", &Point::base());
        assert_eq!(most.unwrap().value, 2.0 * u64::MAX as f64);
    }

    #[test]
    fn a_campaign_is_complete_when_every_round_is_there_and_there_is_one() {
        let (_, mut results) = sample();
        assert!(results.is_complete());
        results.campaign.sessions = u32::MAX;
        assert!(!results.is_complete());
        // Of no rounds, all are there in any number of sessions; a campaign that is, nobody measured.
        results.campaign.rounds = 0;
        assert!(!results.is_complete());
        results.campaign.sessions = 0;
        assert!(!results.is_complete());
    }

    #[test]
    fn a_latency_of_zero_is_told_from_what_has_no_ratio() {
        let (experiment, mut results) = sample();
        for run in results.runs.iter_mut().filter(|run| run.program == "b") {
            run.phases.get_mut("p").unwrap().latency = vec![(0, 9), (50, 1)];
        }
        let zero = Missing::Zero {
            program: "b".to_owned(),
            metric: "p50".to_owned(),
        };
        assert_eq!(
            results.estimate(&experiment, "b", "p50", &Point::base()),
            Err(zero.clone())
        );
        assert_eq!(
            results.ratio(&experiment, "a", "b", "p50", &Point::base()),
            Err(zero.clone())
        );
        assert_eq!(results.ratio(&experiment, "b", "a", "p50", &Point::base()), Err(zero));
    }

    #[test]
    fn the_longest_latency_is_that_of_the_whole_session() {
        let (mut experiment, mut results) = sample();
        experiment.metrics[2].quantity = Quantity::LatencyMax;
        for run in results.runs.iter_mut().filter(|run| run.round == 2) {
            run.phases.get_mut("p").unwrap().latency.push((5000, 1));
        }
        let longest = results.estimate(&experiment, "a", "p50", &Point::base()).unwrap();
        assert!((longest.value - 5e-3).abs() < 5e-6, "{longest:?}");
    }

    #[test]
    fn quantiles_come_from_merged_histograms() {
        let (experiment, results) = sample();
        let p50 = results.estimate(&experiment, "a", "p50", &Point::base()).unwrap();
        assert!((p50.value - 100e-6).abs() < 1e-6);
    }

    #[test]
    fn a_file_round_trips_to_the_last_bit() {
        let (_, mut results) = sample();
        results.runs[0].wall_seconds = 0.1 + 0.2;
        results.runs[1].wall_seconds = 1.0 / 3.0 * 1e-7;
        let text = results.to_json();
        assert_eq!(Results::parse(&text).unwrap(), results);
        assert_eq!(
            text.lines().filter(|l| l.contains("\"program\":")).count(),
            results.runs.len()
        );
    }

    /// Results of every shape that the types allow, with numbers from all over their ranges.
    mod arbitrary {
        use proptest::collection::{btree_map, vec};
        use proptest::option::of;
        use proptest::prelude::*;

        use super::*;

        /// Any finite number, subnormal ones and both zeros too.
        fn finite() -> impl Strategy<Value = f64> {
            use proptest::num::f64::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
            POSITIVE | NEGATIVE | NORMAL | SUBNORMAL | ZERO
        }

        fn positive() -> impl Strategy<Value = f64> {
            use proptest::num::f64::{NORMAL, POSITIVE, SUBNORMAL};
            POSITIVE | NORMAL | SUBNORMAL
        }

        fn text() -> impl Strategy<Value = String> {
            any::<String>()
        }

        fn point() -> impl Strategy<Value = Point> {
            of((text(), finite())).prop_map(|at| at.map_or_else(Point::base, |(name, value)| Point::at(&name, value)))
        }

        fn phase() -> impl Strategy<Value = Phase> {
            (
                (positive(), any::<u64>(), positive()),
                (of(any::<u64>()), of(finite()), of(finite()), of(finite())),
                vec((finite(), finite()), 0..3),
                btree_map(text(), any::<u64>(), 0..3),
                vec((any::<u64>(), any::<u64>()), 0..3),
                btree_map(text(), vec((any::<u64>(), any::<u64>()), 0..3), 0..3),
            )
                .prop_map(
                    |((seconds, work, cpu_seconds), (memory, peer, offered, late), spans, counts, latency, series)| {
                        Phase {
                            seconds,
                            work,
                            cpu_seconds,
                            memory_bytes: memory,
                            peer_cpu_seconds: peer,
                            offered_per_second: offered,
                            late_p99_seconds: late,
                            spans,
                            counts,
                            latency,
                            series,
                        }
                    },
                )
        }

        fn run() -> impl Strategy<Value = Run> {
            (
                (text(), any::<bool>(), point()),
                (any::<u32>(), any::<u32>(), any::<u32>()),
                (finite(), finite(), finite(), finite()),
                (any::<u64>(), any::<u64>()),
                btree_map(text(), phase(), 0..3),
            )
                .prop_map(
                    |((program, control, point), (session, round, position), times, switches, phases)| Run {
                        program,
                        control,
                        point,
                        session,
                        round,
                        position,
                        wall_seconds: times.0,
                        user_seconds: times.1,
                        system_seconds: times.2,
                        voluntary_switches: switches.0,
                        involuntary_switches: switches.1,
                        foreign_cores: times.3,
                        phases,
                    },
                )
        }

        fn machine() -> impl Strategy<Value = Machine> {
            (
                "[a-z0-9]{1,4}(-[a-z0-9]{1,3}){0,2}",
                text(),
                any::<usize>(),
                of(text()),
                any::<u64>(),
            )
                .prop_map(|(id, cpu, cores, hypervisor, memory_bytes)| Machine {
                    id,
                    cpu,
                    cores,
                    hypervisor,
                    memory_bytes,
                })
        }

        fn python() -> impl Strategy<Value = PythonBuild> {
            (any::<bool>(), text(), text(), vec(text(), 0..3), any::<bool>()).prop_map(
                |(free_threaded, version, compiler, configure, optimised)| PythonBuild {
                    free_threaded,
                    version,
                    compiler,
                    configure,
                    optimised,
                },
            )
        }

        fn environment() -> impl Strategy<Value = Environment> {
            (
                (text(), text(), vec(any::<usize>(), 0..3), of(finite()), of(text())),
                btree_map(text(), python(), 0..3),
                (text(), btree_map(text(), text(), 0..3), btree_map(text(), text(), 0..3)),
            )
                .prop_map(
                    |((kernel, cpu_flags, affinity, quota_cores, governor), pythons, (rustc, tools, packages))| {
                        Environment {
                            kernel,
                            cpu_flags,
                            affinity,
                            quota_cores,
                            governor,
                            pythons,
                            rustc,
                            tools,
                            packages,
                        }
                    },
                )
        }

        fn campaign() -> impl Strategy<Value = Campaign> {
            let log = (any::<u32>(), text(), finite(), finite(), of(finite()), finite()).prop_map(
                |(session, started, seconds, load_average, cpu_pressure, steal_cores)| SessionLog {
                    session,
                    started,
                    seconds,
                    load_average,
                    cpu_pressure,
                    steal_cores,
                },
            );
            let cause = prop_oneof![Just(Cause::Contamination), Just(Cause::Void)];
            let set_aside = (text(), point(), any::<u32>(), any::<u32>(), cause, text()).prop_map(
                |(program, point, session, round, cause, detail)| SetAside {
                    program,
                    point,
                    session,
                    round,
                    cause,
                    detail,
                },
            );
            (
                (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>(), text()),
                vec(log, 0..3),
                vec(set_aside, 0..3),
            )
                .prop_map(
                    |((sessions, planned_sessions, rounds, seed, control), log, set_aside)| Campaign {
                        sessions,
                        planned_sessions,
                        rounds,
                        seed,
                        control,
                        log,
                        set_aside,
                    },
                )
        }

        pub(super) fn results() -> impl Strategy<Value = Results> {
            (
                (text(), machine(), environment(), text()),
                of(text()),
                campaign(),
                (btree_map(text(), finite(), 0..3), btree_map(text(), text(), 0..3)),
                vec(run(), 0..4),
            )
                .prop_map(
                    |((experiment, machine, environment, started), date, campaign, (parameters, skipped), runs)| {
                        Results {
                            format: FORMAT,
                            experiment,
                            machine,
                            environment,
                            started,
                            published: date.map(|date| Publication { date }),
                            campaign,
                            fingerprints: runs.iter().map(|run| (run.program.clone(), "0".to_owned())).collect(),
                            parameters,
                            skipped,
                            runs,
                        }
                    },
                )
        }
    }

    proptest::proptest! {
        // Reading validates, so this holds as well that every value is one that the schema allows.
        #[test]
        fn whatever_is_written_is_valid_and_reads_back_as_it_was(results in arbitrary::results()) {
            let text = results.to_json();
            let again = Results::parse(&text).map_err(|error| proptest::test_runner::TestCaseError::fail(format!("{error:#}")))?;
            // Both zeros are equal; their texts are not.
            proptest::prop_assert_eq!(again.to_json(), text);
            proptest::prop_assert_eq!(again, results);
        }
    }

    #[test]
    fn damaged_files_are_refused_with_a_reason() {
        let (_, results) = sample();
        let text = results.to_json();
        let cases = [
            (text.replace("\"format\": 2", "\"format\": 9"), "format 9"),
            (
                text.replace("\"seconds\":2.0", "\"seconds\":-2.0"),
                "at /runs/0/phases/p/seconds",
            ),
            (
                text.replace("\"program\":\"a\"", "\"program\":\"z\""),
                "no entry in /fingerprints",
            ),
            (text[..text.len() / 2].to_owned(), "EOF"),
        ];
        for (damaged, expected) in cases {
            let error = format!("{:#}", Results::parse(&damaged).unwrap_err());
            assert!(error.contains(expected), "expected `{expected}` in `{error}`");
        }
    }
}
