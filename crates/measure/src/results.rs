//! The result format: raw samples, where they were taken, and of what. Everything derived is recomputed from them on reading.
//!
//! A file holds one experiment on one machine. Its layout is a JSON object whose `runs` stand one per line, so that a difference
//! between two files can be read.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::experiment::{Experiment, Metric, Quantity};
use crate::statistics::{self, Estimate, Scale};

/// Raised when a file written before can no longer be read as it stands.
pub const FORMAT: u32 = 1;

/// Results of one experiment on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Results {
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
    pub runs: Vec<Run>,
}

/// How far a campaign was meant to go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaign {
    pub sessions: u32,
    pub rounds: u32,
    /// Seed of the order in which programs ran and of the size of their environment.
    pub seed: u64,
    /// Runs set aside because other processes or the hypervisor took too much CPU while they ran. They are not among `runs`.
    pub set_aside: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    pub date: String,
    /// Published below the full rules: fewer sessions, or no pair of a program with itself.
    pub preliminary: bool,
}

/// The machine by what matters for speed; never by a host name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Names the folder under `measurements/`.
    pub id: String,
    pub cpu: String,
    pub cores: usize,
    pub hypervisor: Option<String>,
    pub memory_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    pub kernel: String,
    pub python: PythonBuild,
    pub rustc: String,
    /// Versions of the Python packages and crates that programs import.
    pub packages: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonBuild {
    pub version: String,
    pub compiler: String,
    /// Arguments of CPython's `configure`, paths left out.
    pub configure: Vec<String>,
    /// Built with profile-guided and link-time optimisation.
    pub optimised: bool,
}

/// One process, from start to exit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    pub program: String,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    pub seconds: f64,
    /// Units of work done: waits, GETs, messages.
    pub work: u64,
    /// User and system CPU of the program under test.
    pub cpu_seconds: f64,
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
    /// Latencies in microseconds with their counts, in increasing order; empty where none was taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub latency: Vec<(u64, u64)>,
}

/// Why an estimate cannot be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    Program(String),
    Metric(String),
    Phase {
        program: String,
        phase: String,
    },
    /// The values have no logarithm, so no ratio.
    NotARatio(String),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Program(program) => write!(f, "there are no runs of program `{program}`"),
            Missing::Metric(metric) => write!(f, "there is no metric `{metric}`"),
            Missing::Phase { program, phase } => {
                write!(
                    f,
                    "the runs of `{program}` have no phase `{phase}`, or nothing of the kind was measured in it"
                )
            }
            Missing::NotARatio(metric) => {
                write!(f, "`{metric}` is not compared by ratios: its values may be zero")
            }
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

    fn parse(text: &str) -> Result<Results> {
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let version: Version = serde_json::from_str(text)?;
        ensure!(
            version.format == FORMAT,
            "it has format {}, this version knows format {FORMAT}",
            version.format
        );
        let results: Results = serde_json::from_str(text)?;
        for run in &results.runs {
            ensure!(
                results.fingerprints.contains_key(&run.program),
                "a run of `{}`, which has no fingerprint",
                run.program
            );
            for (name, phase) in &run.phases {
                ensure!(
                    phase.seconds > 0.0 && phase.cpu_seconds >= 0.0,
                    "session {}, round {}, `{}`: phase `{name}` has no sensible time",
                    run.session,
                    run.round,
                    run.program
                );
            }
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
        write_atomically(path, &self.to_json())
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

    /// Whether every planned round of every session is there.
    pub fn is_complete(&self) -> bool {
        let planned = self.campaign.sessions as usize * self.campaign.rounds as usize * self.fingerprints.len();
        self.runs.len() >= planned
    }

    /// The value of a metric for one program.
    pub fn estimate(&self, experiment: &Experiment, program: &str, metric: &str) -> Result<Estimate, Missing> {
        let metric = experiment
            .metric(metric)
            .ok_or_else(|| Missing::Metric(metric.to_owned()))?;
        let sessions: Vec<f64> = self
            .by_session(experiment, program, metric)?
            .into_values()
            .map(|values| values.summary)
            .collect();
        let scale = if metric.quantity.is_ratio_scale() {
            Scale::Logarithmic
        } else {
            Scale::Linear
        };
        statistics::estimate(&sessions, scale).ok_or_else(|| Missing::NotARatio(metric.id.clone()))
    }

    /// The paired ratio of two programs: within each session the median over rounds of the logarithm of a/b, then as
    /// [`statistics::estimate`] has it.
    pub fn ratio(&self, experiment: &Experiment, a: &str, b: &str, metric: &str) -> Result<Estimate, Missing> {
        let metric = experiment
            .metric(metric)
            .ok_or_else(|| Missing::Metric(metric.to_owned()))?;
        if !metric.quantity.is_ratio_scale() {
            return Err(Missing::NotARatio(metric.id.clone()));
        }
        let of_a = self.by_session(experiment, a, metric)?;
        let of_b = self.by_session(experiment, b, metric)?;
        let sessions: Vec<f64> = of_a
            .iter()
            .filter_map(|(session, a)| {
                let b = of_b.get(session)?;
                let logs: Vec<f64> = a
                    .by_round
                    .iter()
                    .filter_map(|(round, x)| Some((x / b.by_round.get(round)?).ln()))
                    .collect();
                match statistics::median(&logs) {
                    Some(log) => Some(log.exp()),
                    // A quantile is taken over the session's merged histogram: it has no rounds.
                    None => Some(a.summary / b.summary),
                }
            })
            .collect();
        statistics::estimate(&sessions, Scale::Logarithmic).ok_or_else(|| Missing::NotARatio(metric.id.clone()))
    }

    /// How a metric's value came out in each session.
    fn by_session(
        &self,
        experiment: &Experiment,
        program: &str,
        metric: &Metric,
    ) -> Result<BTreeMap<u32, SessionValues>, Missing> {
        let mut runs: BTreeMap<u32, Vec<&Run>> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.program == program) {
            runs.entry(run.session).or_default().push(run);
        }
        if runs.is_empty() {
            return Err(Missing::Program(program.to_owned()));
        }
        let ideal = experiment
            .program(program)
            .and_then(|p| p.ideal.get(&metric.phase).copied());
        runs.into_iter()
            .map(|(session, runs)| {
                let values = SessionValues::read(&runs, metric, ideal).ok_or_else(|| Missing::Phase {
                    program: program.to_owned(),
                    phase: metric.phase.clone(),
                })?;
                Ok((session, values))
            })
            .collect()
    }
}

struct SessionValues {
    /// The session's one number.
    summary: f64,
    /// What it was made from; empty for quantiles.
    by_round: BTreeMap<u32, f64>,
}

impl SessionValues {
    fn read(runs: &[&Run], metric: &Metric, ideal: Option<f64>) -> Option<SessionValues> {
        let quantile = match metric.quantity {
            Quantity::LatencyP50 => Some(0.50),
            Quantity::LatencyP99 => Some(0.99),
            _ => None,
        };
        if let Some(quantile) = quantile {
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

/// A metric's value in one run.
fn value(run: &Run, metric: &Metric, ideal: Option<f64>) -> Option<f64> {
    if metric.quantity == Quantity::ProcessCpu {
        return Some(run.user_seconds + run.system_seconds);
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
        Quantity::LatencyP50 | Quantity::LatencyP99 | Quantity::ProcessCpu => return None,
    })
}

/// A quantile over all latencies of a session, in seconds. Histograms are merged: an average of percentiles is no percentile.
fn merged_quantile(runs: &[&Run], phase: &str, quantile: f64) -> Option<f64> {
    let mut merged: Histogram<u64> = Histogram::new(3).ok()?;
    for run in runs {
        for &(microseconds, count) in &run.phases.get(phase)?.latency {
            merged.record_n(microseconds, count).ok()?;
        }
    }
    (!merged.is_empty()).then(|| merged.value_at_quantile(quantile) as f64 / 1e6)
}

/// Writes a file beside its place and renames it, so that no reader ever sees half of it.
pub fn write_atomically(path: &Path, text: &str) -> Result<()> {
    let folder = path
        .parent()
        .with_context(|| format!("{} has no folder", path.display()))?;
    let write = || -> Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| {
        format!(
            "cannot write {}; what stood there before is unchanged. Is the disk full, or the folder read-only?",
            path.display()
        )
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::experiment::{Language, Program};

    pub(crate) fn sample() -> (Experiment, Results) {
        let program = |id: &str| Program {
            id: id.to_owned(),
            label: id.to_owned(),
            language: Language::Rust,
            file: "main.rs".to_owned(),
            imports: Vec::new(),
            arguments: Vec::new(),
            cores: Default::default(),
            parameters: BTreeMap::new(),
            ideal: BTreeMap::from([("p".to_owned(), 1.0)]),
        };
        let metric = |id: &str, quantity| Metric {
            id: id.to_owned(),
            label: id.to_owned(),
            quantity,
            phase: "p".to_owned(),
            better: None,
        };
        let experiment = Experiment {
            id: "x".to_owned(),
            folder: "examples/x".into(),
            title: "x".to_owned(),
            rounds: 2,
            timeout_seconds: 1.0,
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
        for session in 0..3 {
            // The machine drifts from session to session; the ratio does not.
            let drift = 1.0 + f64::from(session) * 0.5;
            for round in 0..2 {
                for (program, factor) in [("a", 2.0), ("b", 1.0)] {
                    runs.push(Run {
                        program: program.to_owned(),
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
                                peer_cpu_seconds: None,
                                offered_per_second: None,
                                late_p99_seconds: None,
                                spans: Vec::new(),
                                latency: vec![(100, 5), (200, 4)],
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
                python: PythonBuild {
                    version: "3.13.0".to_owned(),
                    compiler: "GCC".to_owned(),
                    configure: vec![],
                    optimised: true,
                },
                rustc: "1.95.0".to_owned(),
                packages: BTreeMap::new(),
            },
            started: "2026-01-31T12:00:00Z".to_owned(),
            published: None,
            campaign: Campaign {
                sessions: 3,
                rounds: 2,
                seed: 1,
                set_aside: 0,
            },
            fingerprints: BTreeMap::from([("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())]),
            parameters: BTreeMap::new(),
            runs,
        };
        (experiment, results)
    }

    #[test]
    fn pairing_removes_the_drift_that_single_values_show() {
        let (experiment, results) = sample();
        let single = results.estimate(&experiment, "a", "seconds").unwrap();
        let ratio = results.ratio(&experiment, "a", "b", "seconds").unwrap();
        assert!(single.interval.unwrap().high / single.interval.unwrap().low > 2.0);
        assert!((ratio.value - 2.0).abs() < 1e-12);
        assert!((ratio.interval.unwrap().high - 2.0).abs() < 1e-9);
    }

    #[test]
    fn excess_is_over_the_ideal_and_is_no_ratio() {
        let (experiment, results) = sample();
        let excess = results.estimate(&experiment, "b", "excess").unwrap();
        assert!((excess.value - 0.5).abs() < 1e-12);
        assert!(matches!(
            results.ratio(&experiment, "a", "b", "excess"),
            Err(Missing::NotARatio(_))
        ));
    }

    #[test]
    fn quantiles_come_from_merged_histograms() {
        let (experiment, results) = sample();
        let p50 = results.estimate(&experiment, "a", "p50").unwrap();
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

    #[test]
    fn damaged_files_are_refused_with_a_reason() {
        let (_, results) = sample();
        let text = results.to_json();
        let cases = [
            (text.replace("\"format\": 1", "\"format\": 9"), "format 9"),
            (text.replace("\"seconds\":2.0", "\"seconds\":-2.0"), "no sensible time"),
            (text.replace("\"program\":\"a\"", "\"program\":\"z\""), "no fingerprint"),
            (text[..text.len() / 2].to_owned(), "EOF"),
        ];
        for (damaged, expected) in cases {
            let error = format!("{:#}", Results::parse(&damaged).unwrap_err());
            assert!(error.contains(expected), "expected `{expected}` in `{error}`");
        }
    }
}
