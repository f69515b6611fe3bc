//! What the harness asks of the load generator, and what comes back; both as JSON.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::experiment::{Experiment, HttpLoad, NUMBER, Program, Purpose};
use crate::results::Phase;

/// Below this share of the offered rate an open-loop phase says nothing about the rate it names.
const ACHIEVED_AT_LEAST: f64 = 0.99;
/// Above this the generator itself was late, and would be measured in place of the server.
const LATE_AT_MOST: f64 = 0.001;

/// Each phase of a verification lasts so long.
const VERIFY_SECONDS: f64 = 0.1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub connections: usize,
    pub exchange: Exchange,
    pub warm_up_seconds: f64,
    pub phases: Vec<PlannedPhase>,
}

/// What goes over a connection, and what must come back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exchange {
    /// A message of so many bytes, which comes back as it went.
    Echo { message_bytes: usize },
    /// A GET over HTTP/1.1.
    Http(Question),
}

/// A GET and the body of its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    path: String,
    body: String,
    numbers: Option<u32>,
}

impl Question {
    /// Parameters are filled in, the number is not.
    fn of(http: &HttpLoad, value: impl Fn(&str) -> Result<f64>) -> Result<Question> {
        let filled = |text: &str| -> Result<String> {
            let mut result = text.to_owned();
            for name in http.parameters(text) {
                result = result.replace(&format!("{{{name}}}"), &value(&name)?.to_string());
            }
            Ok(result)
        };
        Ok(Question {
            path: filled(&http.path)?,
            body: filled(&http.body)?,
            numbers: http.numbers,
        })
    }

    /// The number that stands for `{n}` in the request of that index.
    pub fn number(&self, index: u64) -> u64 {
        // Coprime to any smaller power of ten or two: neighbours in time are not neighbours in a table.
        const STRIDE: u64 = 7919;
        index.wrapping_mul(STRIDE) % u64::from(self.numbers.unwrap_or(1)) + 1
    }

    pub fn path(&self, number: u64) -> String {
        self.path.replace(NUMBER, &number.to_string())
    }

    /// The body of the right answer.
    pub fn body(&self, number: u64) -> String {
        self.body.replace(NUMBER, &number.to_string())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedPhase {
    pub name: String,
    pub seconds: f64,
    pub rate: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub phases: BTreeMap<String, PhaseReport>,
}

/// One phase as the generator saw it. Times in seconds, latencies in microseconds with their counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseReport {
    pub seconds: f64,
    pub work: u64,
    pub cpu_seconds: f64,
    pub peer_cpu_seconds: f64,
    pub offered_per_second: Option<f64>,
    pub late_p99_seconds: Option<f64>,
    pub latency: Vec<(u64, u64)>,
}

impl Plan {
    /// The plan of an experiment on servers, for one program.
    pub fn of(experiment: &Experiment, program: &Program, purpose: &Purpose) -> Result<Plan> {
        let load = experiment.load.as_ref().context("the experiment has no `[load]`")?;
        let value = |name: &str| experiment.value(name, Some(program), purpose);
        let seconds = |timed: f64| match purpose {
            Purpose::Timed(_) => timed,
            Purpose::Verify => timed.min(VERIFY_SECONDS),
        };
        Ok(Plan {
            connections: value(&load.connections)? as usize,
            exchange: match (&load.message_bytes, &load.http) {
                (Some(bytes), None) => Exchange::Echo {
                    message_bytes: value(bytes)? as usize,
                },
                (None, Some(http)) => Exchange::Http(Question::of(http, value)?),
                _ => bail!("`[load]` names neither one of `message_bytes` and `http`, or both"),
            },
            warm_up_seconds: seconds(load.warm_up_seconds),
            phases: load
                .phases
                .iter()
                .map(|phase| {
                    Ok(PlannedPhase {
                        name: phase.name.clone(),
                        seconds: seconds(phase.seconds),
                        rate: phase.rate.as_deref().map(value).transpose()?,
                    })
                })
                .collect::<Result<_>>()?,
        })
    }
}

impl PhaseReport {
    /// Why an open-loop phase does not count, if it does not.
    pub(crate) fn void(&self) -> Option<String> {
        let offered = self.offered_per_second?;
        let achieved = self.work as f64 / self.seconds / offered;
        if achieved < ACHIEVED_AT_LEAST {
            return Some(format!(
                "only {:.1} % of the offered {offered} per second were served",
                achieved * 100.0
            ));
        }
        let late = self.late_p99_seconds?;
        (late > LATE_AT_MOST).then(|| format!("the load generator itself was {:.1} ms late (P99)", late * 1e3))
    }
}

impl Report {
    /// The report as phases of a run.
    pub(crate) fn into_phases(self) -> Result<BTreeMap<String, Phase>> {
        ensure!(!self.phases.is_empty(), "the load generator reported no phase");
        Ok(self
            .phases
            .into_iter()
            .map(|(name, phase)| {
                let phase = Phase {
                    seconds: phase.seconds,
                    work: phase.work,
                    cpu_seconds: phase.cpu_seconds,
                    memory_bytes: None,
                    peer_cpu_seconds: Some(phase.peer_cpu_seconds),
                    offered_per_second: phase.offered_per_second,
                    late_p99_seconds: phase.late_p99_seconds,
                    spans: Vec::new(),
                    counts: BTreeMap::new(),
                    series: BTreeMap::new(),
                    latency: phase.latency,
                };
                (name, phase)
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(work: u64, late: f64) -> PhaseReport {
        PhaseReport {
            seconds: 1.0,
            work,
            cpu_seconds: 0.1,
            peer_cpu_seconds: 0.1,
            offered_per_second: Some(1000.0),
            late_p99_seconds: Some(late),
            latency: vec![(100, work)],
        }
    }

    #[test]
    fn a_question_has_its_parameters_and_its_number_filled_in_on_both_sides() {
        let http = HttpLoad {
            path: "/user/{n}?lines={lines}".into(),
            body: r#"{"id":{n},"lines":{lines}}"#.into(),
            numbers: Some(100),
        };
        let question = Question::of(&http, |name| {
            assert_eq!(name, "lines");
            Ok(40.0)
        })
        .unwrap();
        assert_eq!(question.path(7), "/user/7?lines=40");
        assert_eq!(question.body(7), r#"{"id":7,"lines":40}"#);
        let mut asked: Vec<u64> = (0..100).map(|index| question.number(index)).collect();
        assert_ne!(asked, (1..=100).collect::<Vec<_>>());
        asked.sort_unstable();
        assert_eq!(asked, (1..=100).collect::<Vec<_>>());
    }

    #[test]
    fn an_open_loop_counts_only_when_the_rate_was_kept_and_the_generator_in_time() {
        assert_eq!(phase(1000, 0.0001).void(), None);
        assert!(phase(980, 0.0001).void().unwrap().contains("98.0 %"));
        assert!(phase(1000, 0.005).void().unwrap().contains("5.0 ms late"));
        let mut closed = phase(10, 9.0);
        closed.offered_per_second = None;
        assert_eq!(closed.void(), None);
    }
}
