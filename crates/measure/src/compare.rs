//! Two sets of results side by side: what changed beyond noise, and what else differs between them.
//!
//! A set is one machine's. Every value that both have is compared by its sessions (Welch's interval of the difference of their means), and so is
//! every program's paired ratio to the experiment's control. All comparisons of one call are judged together by Holm's procedure, so that two
//! campaigns of the same thing hardly ever seem to differ. What is judged is sessions: that a machine was another one on another day is a
//! change like any other, whose cause the circumstances may tell. Values of different machines are not compared, only ratios.
//!
//! ```text
//! Set --\
//!        >-- Comparison --- Circumstance   machine, environment, programs that are not the same
//! Set --/              \--- Compared      one value or ratio, with a verdict
//!                       \-- only_old, only_new
//! ```

mod circumstances;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::experiment::{Experiment, Metric, Point, Unit};
use crate::results::{Missing, Results};
use crate::statistics::{self, Sample, Scale};

pub use circumstances::{Circumstance, environment_conflicts};

/// The chance that a comparison of two campaigns of the same thing reports any change at all.
pub(crate) const FAMILY_WISE: f64 = 0.05;

/// One machine's results, by experiment.
#[derive(Debug, Clone)]
pub struct Set {
    /// What messages call it.
    pub name: String,
    machine: String,
    results: BTreeMap<String, Results>,
}

impl Set {
    /// At least one result, all of one machine and each of another experiment.
    pub fn new(name: &str, results: impl IntoIterator<Item = Results>) -> Result<Set> {
        let mut set: Option<Set> = None;
        for one in results {
            let set = set.get_or_insert_with(|| Set {
                name: name.to_owned(),
                machine: one.machine.id.clone(),
                results: BTreeMap::new(),
            });
            ensure!(
                set.machine == one.machine.id,
                "{name} holds results of more than one machine ({} and {}): name one machine's folder",
                set.machine,
                one.machine.id
            );
            if let Some(twice) = set.results.insert(one.experiment.clone(), one) {
                bail!("{name} holds two results of experiment `{}`", twice.experiment);
            }
        }
        set.with_context(|| format!("{name} holds no results"))
    }

    /// By the names of their experiments.
    pub fn results(&self) -> &BTreeMap<String, Results> {
        &self.results
    }

    /// A result file, or a folder of them.
    pub fn read(path: &Path, name: &str) -> Result<Set> {
        if path.is_file() {
            return Set::new(name, [Results::read(path)?]);
        }
        let entries = std::fs::read_dir(path)
            .with_context(|| format!("{name}: there is no result file and no folder {}", path.display()))?;
        let mut results = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {}", path.display()))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                results.push(Results::read(&path)?);
            }
        }
        Set::new(name, results)
    }
}

/// One of the two sets, in short.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    pub name: String,
    pub machine: String,
    /// When the first and the last of its campaigns began, in UTC.
    pub from: String,
    pub to: String,
}

#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub old: Side,
    pub new: Side,
    /// Where not, only ratios are compared.
    pub same_machine: bool,
    /// What else differs, experiments that both have taken together.
    pub circumstances: Vec<Circumstance>,
    pub compared: Vec<Compared>,
    pub only_old: Vec<Only>,
    pub only_new: Vec<Only>,
    /// Experiments of both sets that this checkout does not have, so that nobody knows what their metrics are.
    pub unknown: Vec<String>,
}

/// What only one of the sets has; without a program, a whole experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Only {
    pub experiment: String,
    pub program: Option<String>,
    pub point: Option<String>,
    pub metric: Option<String>,
}

/// One value, or one paired ratio, in both sets.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    pub experiment: String,
    pub program: String,
    /// As directives spell it, `@connections=1000`; empty at the base.
    pub point: String,
    pub metric: String,
    pub label: String,
    /// Unit of `old` and `new`; that of a ratio is none.
    pub unit: Option<Unit>,
    /// Where it is a ratio, to which program.
    pub against: Option<String>,
    pub old: f64,
    pub new: f64,
    /// How `change` is to be read.
    pub by: By,
    /// Absent where a set has fewer than two sessions, or a value has no logarithm.
    pub change: Option<Change>,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// new / old.
    Factor,
    /// new - old.
    Difference,
}

/// A change with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub p: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Changed,
    NotBeyondNoise,
    /// Too few sessions to tell.
    Undecided,
}

/// Compares what both sets have. `experiments` say what the metrics are.
pub fn compare(experiments: &[Experiment], old: &Set, new: &Set) -> Comparison {
    let mut comparison = Comparison {
        old: side(old),
        new: side(new),
        same_machine: old.machine == new.machine,
        circumstances: circumstances::differences(&old.results, &new.results),
        compared: Vec::new(),
        only_old: Vec::new(),
        only_new: Vec::new(),
        unknown: Vec::new(),
    };
    let names: BTreeSet<&String> = old.results.keys().chain(new.results.keys()).collect();
    for name in names {
        match (old.results.get(name), new.results.get(name)) {
            (Some(of_old), Some(of_new)) => match experiments.iter().find(|experiment| &experiment.id == name) {
                Some(experiment) => Pair {
                    experiment,
                    of_old,
                    of_new,
                }
                .compare(&mut comparison),
                None => comparison.unknown.push(name.clone()),
            },
            (Some(_), None) => comparison.only_old.push(Only::experiment(name)),
            (None, _) => comparison.only_new.push(Only::experiment(name)),
        }
    }
    judge(&mut comparison.compared);
    comparison
}

impl Comparison {
    pub fn changed(&self) -> impl Iterator<Item = &Compared> {
        self.of(Verdict::Changed)
    }

    fn of(&self, verdict: Verdict) -> impl Iterator<Item = &Compared> {
        self.compared.iter().filter(move |one| one.verdict == verdict)
    }
}

impl Only {
    fn experiment(name: &str) -> Only {
        Only {
            experiment: name.to_owned(),
            program: None,
            point: None,
            metric: None,
        }
    }
}

fn side(set: &Set) -> Side {
    let started = || set.results.values().map(|results| &results.started);
    Side {
        name: set.name.clone(),
        machine: set.machine.clone(),
        from: started().min().cloned().unwrap_or_default(),
        to: started().max().cloned().unwrap_or_default(),
    }
}

/// Verdicts over all comparisons that can be tested.
fn judge(compared: &mut [Compared]) {
    let mut tested: Vec<&mut Compared> = compared.iter_mut().filter(|one| one.change.is_some()).collect();
    let p: Vec<f64> = tested.iter().filter_map(|one| Some(one.change?.p)).collect();
    for (one, rejected) in tested.iter_mut().zip(statistics::holm(&p, FAMILY_WISE)) {
        one.verdict = if rejected {
            Verdict::Changed
        } else {
            Verdict::NotBeyondNoise
        };
    }
}

/// One experiment in both sets.
struct Pair<'a> {
    experiment: &'a Experiment,
    of_old: &'a Results,
    of_new: &'a Results,
}

/// Where a program ran, by the names of the points.
type Places = BTreeMap<String, BTreeMap<String, Point>>;

fn places(results: &Results) -> Places {
    let mut places = Places::new();
    for run in results.runs.iter().filter(|run| !run.control) {
        let points = places.entry(run.program.clone()).or_default();
        points.entry(run.point.to_string()).or_insert_with(|| run.point.clone());
    }
    places
}

impl Pair<'_> {
    fn compare(&self, into: &mut Comparison) {
        let (old, new) = (places(self.of_old), places(self.of_new));
        let programs: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for program in programs {
            let only = |point: Option<&str>, metric: Option<&str>| Only {
                experiment: self.experiment.id.clone(),
                program: Some(program.clone()),
                point: point.map(str::to_owned),
                metric: metric.map(str::to_owned),
            };
            let (of_old, of_new) = match (old.get(program), new.get(program)) {
                (Some(of_old), Some(of_new)) => (of_old, of_new),
                (Some(_), None) => {
                    into.only_old.push(only(None, None));
                    continue;
                }
                (None, _) => {
                    into.only_new.push(only(None, None));
                    continue;
                }
            };
            for (name, point) in of_old {
                if !of_new.contains_key(name) {
                    into.only_old.push(only(Some(name), None));
                    continue;
                }
                for metric in &self.experiment.metrics {
                    // A slope is taken over points and belongs to none.
                    if metric.over.is_some() && !point.is_base() {
                        continue;
                    }
                    if into.same_machine {
                        match self.value(program, point, metric) {
                            (Ok(old), Ok(new)) => into
                                .compared
                                .push(self.compared(program, point, metric, None, &old, &new)),
                            (Ok(_), Err(_)) => into.only_old.push(only(Some(name), Some(&metric.id))),
                            (Err(_), Ok(_)) => into.only_new.push(only(Some(name), Some(&metric.id))),
                            (Err(_), Err(_)) => {}
                        }
                    }
                    let control = &self.experiment.control;
                    if program != control
                        && let (Ok(old), Ok(new)) = self.ratio(program, control, point, metric)
                    {
                        into.compared
                            .push(self.compared(program, point, metric, Some(control), &old, &new));
                    }
                }
            }
            for name in of_new.keys().filter(|name| !of_old.contains_key(*name)) {
                into.only_new.push(only(Some(name), None));
            }
        }
    }

    /// The sessions' values, in the old set and in the new one.
    fn value(&self, program: &str, point: &Point, metric: &Metric) -> (Sessions, Sessions) {
        let of = |results: &Results| results.session_values(self.experiment, program, &metric.id, point);
        (of(self.of_old), of(self.of_new))
    }

    fn ratio(&self, program: &str, control: &str, point: &Point, metric: &Metric) -> (Sessions, Sessions) {
        let of = |results: &Results| results.session_ratios(self.experiment, program, control, &metric.id, point);
        (of(self.of_old), of(self.of_new))
    }

    fn compared(
        &self,
        program: &str,
        point: &Point,
        metric: &Metric,
        against: Option<&str>,
        old: &[f64],
        new: &[f64],
    ) -> Compared {
        let scale = if against.is_some() || metric.quantity.is_ratio_scale() {
            Scale::Logarithmic
        } else {
            Scale::Linear
        };
        let old = Sample {
            sessions: old,
            planned: self.of_old.campaign.planned_sessions as usize,
        };
        let new = Sample {
            sessions: new,
            planned: self.of_new.campaign.planned_sessions as usize,
        };
        let value =
            |sample: &Sample<'_>| statistics::estimate(sample, scale).map_or(f64::NAN, |estimate| estimate.value);
        let (value_old, value_new) = (value(&old), value(&new));
        let step = match against {
            None => metric.quantity.step(value_old.max(value_new)),
            // A ratio's step in proportion to the ratio is that of the value in proportion to the value.
            Some(control) => self.ratio_step(program, control, point, metric) * value_old.max(value_new),
        };
        Compared {
            experiment: self.experiment.id.clone(),
            program: program.to_owned(),
            point: point.to_string(),
            metric: metric.id.clone(),
            label: metric.label.clone(),
            unit: against.is_none().then(|| metric.unit()),
            against: against.map(str::to_owned),
            old: value_old,
            new: value_new,
            by: match scale {
                Scale::Logarithmic => By::Factor,
                Scale::Linear => By::Difference,
            },
            change: statistics::difference(&old, &new, scale, step).map(|difference| Change {
                value: difference.value,
                low: difference.interval.low,
                high: difference.interval.high,
                p: difference.p,
            }),
            verdict: Verdict::Undecided,
        }
    }

    /// The coarser of the steps of a program's values and its control's, in proportion to the value.
    fn ratio_step(&self, program: &str, control: &str, point: &Point, metric: &Metric) -> f64 {
        [self.of_old, self.of_new]
            .iter()
            .flat_map(|results| [program, control].map(|of| results.estimate(self.experiment, of, &metric.id, point)))
            .filter_map(|estimate| {
                let value = estimate.ok()?.value;
                Some(metric.quantity.step(value) / value)
            })
            .fold(0.0, f64::max)
    }
}

type Sessions = Result<Vec<f64>, Missing>;

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::results::tests::sample;

    /// A campaign in which sessions, programs and single runs scatter by a few per cent each, as machines do; `factor` speeds `a` up.
    fn campaign(rng: &mut StdRng, factor: f64) -> Results {
        let (_, mut results) = sample();
        let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let mut moods = BTreeMap::new();
        for run in &mut results.runs {
            let machine = *moods
                .entry((run.session, String::new()))
                .or_insert_with(|| 0.05 * normal());
            let program = *moods
                .entry((run.session, run.program.clone()))
                .or_insert_with(|| 0.02 * normal());
            let base = if run.program == "a" { 2.0 * factor } else { 1.0 };
            let phase = run.phases.get_mut("p").expect("the sample's phase");
            phase.seconds = base * (machine + program + 0.02 * normal()).exp();
            // Latencies that fall on a few coarse steps.
            phase.latency = (0..5).map(|_| ((100.0 + normal()).round() as u64, 3)).collect();
            phase.latency.sort_unstable();
        }
        results
    }

    fn set(name: &str, results: Results) -> Set {
        Set::new(name, [results]).unwrap()
    }

    #[test]
    fn two_campaigns_of_the_same_thing_hardly_ever_differ() {
        let (experiment, _) = sample();
        let mut rng = StdRng::seed_from_u64(11);
        let pairs = 300;
        let mut alarms = 0;
        for _ in 0..pairs {
            let (old, new) = (campaign(&mut rng, 1.0), campaign(&mut rng, 1.0));
            let compared = compare(std::slice::from_ref(&experiment), &set("old", old), &set("new", new));
            // Three metrics of two programs, and two of them against the control.
            assert_eq!(compared.compared.len(), 8);
            alarms += usize::from(compared.changed().count() > 0);
        }
        let share = alarms as f64 / f64::from(pairs);
        // Two standard errors of a share of 5 % in 300 are 2.5 %.
        assert!(share <= FAMILY_WISE + 0.025, "{share}");
    }

    #[test]
    fn a_change_is_found_and_told_with_its_size() {
        let (experiment, _) = sample();
        let mut rng = StdRng::seed_from_u64(3);
        let (old, new) = (campaign(&mut rng, 1.0), campaign(&mut rng, 0.7));
        let compared = compare(std::slice::from_ref(&experiment), &set("old", old), &set("new", new));
        let ratio = compared
            .changed()
            .find(|one| one.against.as_deref() == Some("b"))
            .unwrap();
        assert_eq!((ratio.program.as_str(), ratio.metric.as_str()), ("a", "seconds"));
        let change = ratio.change.unwrap();
        assert!(change.low < 0.7 && 0.7 < change.high && change.high < 0.8, "{change:?}");
        assert!(compared.changed().all(|one| one.program == "a"));
        let text = compared.in_words().join("\n");
        assert!(
            text.contains("x: against its control (b) a went from 1.98 to 1.40 in seconds"),
            "{text}"
        );
    }

    #[test]
    fn values_of_different_machines_are_not_compared() {
        let (experiment, _) = sample();
        let mut rng = StdRng::seed_from_u64(3);
        let (old, mut new) = (campaign(&mut rng, 1.0), campaign(&mut rng, 0.5));
        new.machine.id = "another".to_owned();
        let compared = compare(std::slice::from_ref(&experiment), &set("old", old), &set("new", new));
        assert!(!compared.same_machine && compared.compared.iter().all(|one| one.against.is_some()));
        assert!(compared.changed().count() > 0);
        let text = compared.in_words().join("\n");
        assert!(text.contains("only ratios are compared"), "{text}");
    }

    #[test]
    fn what_only_one_has_is_named() {
        let (experiment, old) = sample();
        let mut new = old.clone();
        new.runs.retain(|run| run.program != "a");
        for run in old.runs.iter().filter(|run| !run.control && run.program == "b") {
            let mut run = run.clone();
            run.point = Point::at("size", 7.0);
            new.runs.push(run);
        }
        for run in &mut new.runs {
            run.phases.get_mut("p").unwrap().latency.clear();
        }
        let mut other = old.clone();
        other.experiment = "y".to_owned();
        let old = Set::new("old", [old, other]).unwrap();
        let compared = compare(std::slice::from_ref(&experiment), &old, &set("new", new));
        let only = |program: Option<&str>, point: Option<&str>, metric: Option<&str>| Only {
            experiment: "x".to_owned(),
            program: program.map(str::to_owned),
            point: point.map(str::to_owned),
            metric: metric.map(str::to_owned),
        };
        assert_eq!(
            compared.only_old,
            [
                only(Some("a"), None, None),
                only(Some("b"), Some(""), Some("p50")),
                Only::experiment("y")
            ]
        );
        assert_eq!(compared.only_new, [only(Some("b"), Some("@size=7"), None)]);
        let text = compared.in_words().join("\n");
        assert!(text.contains("b@size=7"), "{text}");
    }

    #[test]
    fn a_single_session_decides_nothing() {
        let (experiment, old) = sample();
        let mut new = old.clone();
        new.runs.retain(|run| run.session == 0);
        for run in &mut new.runs {
            run.phases.get_mut("p").unwrap().seconds *= 9.0;
        }
        let compared = compare(std::slice::from_ref(&experiment), &set("old", old), &set("new", new));
        assert!(compared.compared.iter().all(|one| one.verdict == Verdict::Undecided));
        assert!(compared.in_words().join("\n").contains("too few sessions"));
    }

    #[test]
    fn an_experiment_that_is_gone_is_not_guessed_at() {
        let (_, results) = sample();
        let compared = compare(&[], &set("old", results.clone()), &set("new", results));
        assert_eq!(compared.unknown, ["x"]);
        assert!(compared.compared.is_empty());
    }

    #[test]
    fn a_set_is_one_machines() {
        let (_, one) = sample();
        let mut other = one.clone();
        other.machine.id = "another".to_owned();
        other.experiment = "y".to_owned();
        let error = Set::new("both", [one.clone(), other]).unwrap_err().to_string();
        assert!(error.contains("more than one machine (test and another)"), "{error}");
        let error = Set::new("twice", [one.clone(), one]).unwrap_err().to_string();
        assert!(error.contains("two results of experiment `x`"), "{error}");
        assert!(Set::new("none", []).is_err());
    }
}
