//! Which experiments are measured, how far, in which order, and how long that takes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::{Options, Progress, resume_or_start};
use crate::experiment::{Experiment, Point};
use crate::harness::Harness;
use crate::library::own_path;
use crate::results::Results;

/// A campaign whose intervals are wide is extended to at most so many sessions. How its intervals stay honest: [`crate::statistics`].
pub const EXTENDED_TO: u32 = 10;
/// An interval whose ends are further from its value than this factor is wide.
const WIDE: f64 = 1.05;
/// What a run is thought to take beside its phases, before anything is known: start-up and the harness's own work.
const BESIDE: Duration = Duration::from_millis(500);
/// What a run is thought to take where the manifest says nothing about it.
const UNKNOWN: Duration = Duration::from_secs(2);

/// Why an experiment is in the plan; in the order in which they are taken.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Why {
    Unfinished,
    NeverMeasured,
    /// What was measured, then, was something else: a program changed, or a package, or the machine.
    Stale {
        started: String,
    },
    /// Complete, but its widest interval reaches this factor to either side.
    Wide {
        factor: f64,
    },
    /// Asked for, whatever its state.
    Asked,
}

/// One experiment and how far it is to be measured.
#[derive(Debug)]
pub struct Entry {
    pub experiment: Experiment,
    pub path: PathBuf,
    /// What is there of the campaign, and how many sessions it is meant to have.
    pub results: Results,
    pub why: Why,
    /// Duration of a session, from an earlier one where there was one.
    session: Duration,
}

impl Entry {
    pub fn runs_left(&self) -> u64 {
        let per_round = self.experiment.runs_per_round() as u64;
        let campaign = &self.results.campaign;
        (0..campaign.sessions)
            .filter(|session| !self.results.has_session(*session))
            .map(|session| {
                let left = (0..campaign.rounds).filter(|round| !self.results.has_round(session, *round));
                // And the round that is discarded.
                (left.count() as u64 + 1) * per_round
            })
            .sum()
    }

    pub fn sessions_left(&self) -> u32 {
        let sessions = 0..self.results.campaign.sessions;
        sessions.filter(|session| !self.results.has_session(*session)).count() as u32
    }

    pub fn session_estimate(&self) -> Duration {
        self.session
    }

    pub fn time_left(&self) -> Duration {
        self.session * self.sessions_left()
    }
}

/// What is to be measured, in the order of urgency. With a budget only as much as fits.
pub fn make(
    harness: &Harness,
    experiments: Vec<Experiment>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for experiment in experiments {
        let (mut results, previous) = resume_or_start(harness, &experiment, options, progress)?;
        let known = if results.runs.is_empty() {
            previous.as_ref()
        } else {
            Some(&results)
        };
        let session = session_estimate(&experiment, results.campaign.rounds, known);
        let why = if !results.runs.is_empty() && !results.is_complete() {
            Some(Why::Unfinished)
        } else if !results.runs.is_empty() {
            extend(&experiment, &mut results, options)
        } else if options.budget.is_none() {
            Some(Why::Asked)
        } else {
            Some(match previous {
                None => Why::NeverMeasured,
                Some(previous) => Why::Stale {
                    started: previous.started,
                },
            })
        };
        let Some(why) = why else {
            progress.note(&format!(
                "{}: {} sessions are there and its intervals are narrow; `cargo xtask measure {}` without a budget measures it anew",
                experiment.id,
                results.sessions(),
                experiment.id
            ));
            continue;
        };
        entries.push(Entry {
            path: own_path(harness.target(), &experiment.id),
            experiment,
            results,
            why,
            session,
        });
    }
    if let Some(budget) = options.budget {
        entries.sort_by(|a, b| {
            urgency(&a.why)
                .total_cmp(&urgency(&b.why))
                .then_with(|| oldest(&a.why).cmp(oldest(&b.why)))
        });
        // As many as can be finished; where not even one can, the first as far as it goes.
        let mut total = Duration::ZERO;
        let fitting = entries
            .iter()
            .take_while(|entry| {
                total += entry.time_left();
                total <= budget
            })
            .count();
        for left_out in entries.drain(fitting.max(1).min(entries.len())..) {
            progress.note(&format!(
                "{}: left for another time, it would take about {}",
                left_out.experiment.id,
                minutes(left_out.time_left())
            ));
        }
    }
    Ok(entries)
}

/// The plan in words, with its estimate.
pub fn describe(entries: &[Entry], budget: Option<Duration>) -> Vec<String> {
    let mut lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let why = match &entry.why {
                Why::Unfinished => format!("goes on after {}", entry.results.sessions()),
                Why::NeverMeasured => "never measured".to_owned(),
                Why::Stale { started } => format!("stale, measured {started}"),
                Why::Wide { factor } => {
                    format!("its widest interval reaches {:.0} % to a side", (factor - 1.0) * 100.0)
                }
                Why::Asked => "asked for".to_owned(),
            };
            format!(
                "plan: {}: {} to go ({why}), about {}",
                entry.experiment.id,
                match entry.sessions_left() {
                    1 => "1 session".to_owned(),
                    left => format!("{left} sessions"),
                },
                minutes(entry.time_left())
            )
        })
        .collect();
    let total: Duration = entries.iter().map(Entry::time_left).sum();
    let of = budget.map_or(String::new(), |budget| format!(" of {}", minutes(budget)));
    lines.push(format!("plan: about {} in all{of}", minutes(total)));
    lines
}

/// Gives a finished campaign the further sessions that would make its widest interval narrow, if it is wide.
fn extend(experiment: &Experiment, results: &mut Results, options: &Options) -> Option<Why> {
    let factor = widest(experiment, results)?;
    let more = extended(results.campaign.sessions, factor)?;
    results.campaign.sessions = more.max(options.sessions.min(EXTENDED_TO));
    Some(Why::Wide { factor })
}

/// The sessions that a campaign is extended to whose widest interval reaches from its value to `factor` times that; `None` where that is
/// narrow enough, or nothing is added any more.
fn extended(done: u32, factor: f64) -> Option<u32> {
    // More sessions than there are may have been asked for outright.
    if factor <= WIDE || done >= EXTENDED_TO {
        return None;
    }
    // An interval shrinks with the root of the number of sessions.
    let needed = f64::from(done) * (factor.ln() / WIDE.ln()).powi(2);
    Some((needed.ceil() as u32).clamp(done + 1, EXTENDED_TO))
}

/// The widest interval among the ratios of every program to the control in the experiment's first metric that has ratios, as the factor
/// from the value to its upper end. Never where the value lies.
fn widest(experiment: &Experiment, results: &Results) -> Option<f64> {
    let metric = experiment.principal()?;
    experiment
        .programs
        .iter()
        .filter(|program| program.id != experiment.control)
        .filter_map(|program| {
            let ratio = results.ratio(experiment, &program.id, &experiment.control, &metric.id, &Point::base());
            let ratio = ratio.ok()?;
            Some(ratio.interval?.high / ratio.value)
        })
        .max_by(f64::total_cmp)
}

fn session_estimate(experiment: &Experiment, rounds: u32, known: Option<&Results>) -> Duration {
    let rounds_run = f64::from(rounds + 1);
    if let Some(known) = known {
        let whole: Vec<f64> = known
            .campaign
            .log
            .iter()
            .filter(|log| known.has_session(log.session))
            .map(|log| log.seconds)
            .collect();
        if !whole.is_empty() {
            let mean = whole.iter().sum::<f64>() / whole.len() as f64;
            return Duration::from_secs_f64(mean * rounds_run / f64::from(known.campaign.rounds + 1));
        }
    }
    let per_run = match &experiment.load {
        Some(load) => {
            let phases: f64 = load.phases.iter().map(|phase| phase.seconds).sum();
            BESIDE + Duration::from_secs_f64(load.warm_up_seconds + phases)
        }
        None => UNKNOWN,
    };
    per_run.mul_f64(experiment.runs_per_round() as f64 * rounds_run)
}

fn urgency(why: &Why) -> f64 {
    match why {
        Why::Unfinished => 0.0,
        Why::NeverMeasured => 1.0,
        Why::Stale { .. } => 2.0,
        // The widest first.
        Why::Wide { factor } => 3.0 + 1.0 / factor,
        Why::Asked => 5.0,
    }
}

fn oldest(why: &Why) -> &str {
    match why {
        Why::Stale { started } => started,
        _ => "",
    }
}

/// Rounded up to the next half minute below ten minutes, to the next minute above.
fn minutes(time: Duration) -> String {
    let halves = (time.as_secs_f64() / 30.0).ceil();
    if halves < 20.0 {
        format!("{} min", halves / 2.0)
    } else {
        format!("{} min", (halves / 2.0).ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;
    use crate::statistics::{self, Sample, Scale};

    fn options() -> Options {
        Options {
            experiments: Vec::new(),
            sessions: 5,
            rounds: None,
            budget: Some(Duration::from_secs(60)),
            seed: 1,
        }
    }

    #[test]
    fn only_a_wide_campaign_is_extended_and_its_plan_is_remembered() {
        let (experiment, mut results) = sample();
        assert_eq!(
            extend(&experiment, &mut results, &options()),
            None,
            "its ratio never varies"
        );
        for run in results.runs.iter_mut().filter(|run| run.program == "a") {
            run.phases.get_mut("p").unwrap().seconds *= 1.0 + 0.08 * f64::from(run.session);
        }
        let why = extend(&experiment, &mut results, &options());
        assert!(matches!(why, Some(Why::Wide { factor }) if factor > 1.05), "{why:?}");
        assert!((6..=EXTENDED_TO).contains(&results.campaign.sessions));
        assert_eq!(results.campaign.planned_sessions, 5);
        // Where the ratio lies does not matter.
        let sessions = results.campaign.sessions;
        for run in results.runs.iter_mut().filter(|run| run.program == "a") {
            run.phases.get_mut("p").unwrap().seconds *= 7.0;
        }
        results.campaign.sessions = 5;
        extend(&experiment, &mut results, &options());
        assert_eq!(results.campaign.sessions, sessions);
    }

    #[test]
    fn what_is_unfinished_comes_first_and_the_oldest_before_the_newer() {
        let stale = |started: &str| Why::Stale {
            started: started.to_owned(),
        };
        let mut order = [
            Why::Wide { factor: 1.1 },
            stale("2026-02"),
            Why::Wide { factor: 1.5 },
            Why::NeverMeasured,
            stale("2026-01"),
            Why::Unfinished,
        ];
        order.sort_by(|a, b| urgency(a).total_cmp(&urgency(b)).then_with(|| oldest(a).cmp(oldest(b))));
        let expected = [
            Why::Unfinished,
            Why::NeverMeasured,
            stale("2026-01"),
            stale("2026-02"),
            Why::Wide { factor: 1.5 },
            Why::Wide { factor: 1.1 },
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn estimates_come_from_the_last_campaign_and_scale_with_the_rounds() {
        let (experiment, mut results) = sample();
        let unknown = session_estimate(&experiment, 3, None);
        assert_eq!(
            unknown,
            UNKNOWN * 3 * 4,
            "two programs and the control, three rounds and one more"
        );
        results.campaign.log = vec![crate::results::SessionLog {
            session: 0,
            started: String::new(),
            seconds: 30.0,
            load_average: 0.0,
            cpu_pressure: None,
            steal_cores: 0.0,
        }];
        assert_eq!(
            session_estimate(&experiment, 7, Some(&results)),
            Duration::from_secs(60)
        );
    }

    /// Simulated campaigns of five planned sessions that are extended as [`extend`] does it: four ratios with log standard deviations
    /// around `deviation`, and the widest decides for all of them. The share of intervals that cover the true ratio.
    fn coverage(deviation: f64) -> (f64, f64) {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand::rngs::StdRng::seed_from_u64(11);
        // Sum of twelve uniforms less six: close to a standard normal, with mean 0.
        let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let deviations = [0.4, 0.6, 0.8, 1.0].map(|part| part * deviation);
        let (campaigns, planned) = (4000, 5);
        let (mut covered, mut longer) = (0, 0);
        for _ in 0..campaigns {
            let mut ratios = deviations.map(|_| Vec::new());
            let mut sessions = planned;
            let intervals = loop {
                for (ratio, deviation) in ratios.iter_mut().zip(deviations) {
                    ratio.resize_with(sessions as usize, || (deviation * normal()).exp());
                }
                let estimates = ratios.each_ref().map(|ratio| {
                    let sample = Sample {
                        sessions: ratio,
                        planned: planned as usize,
                    };
                    statistics::estimate(&sample, Scale::Logarithmic).unwrap()
                });
                let widest = estimates
                    .map(|e| e.interval.unwrap().high / e.value)
                    .into_iter()
                    .fold(1.0, f64::max);
                match extended(sessions, widest) {
                    Some(more) => sessions = more,
                    None => break estimates.map(|e| e.interval.unwrap()),
                }
            };
            longer += usize::from(sessions > planned);
            covered += intervals.iter().filter(|interval| interval.contains(1.0)).count();
        }
        let share = |count: usize, of: usize| count as f64 / of as f64;
        (share(covered, campaigns * deviations.len()), share(longer, campaigns))
    }

    #[test]
    fn extending_by_this_rule_keeps_what_the_intervals_promise() {
        // From machines on which nearly none is extended to those on which nearly all go to the end.
        let mut longer = Vec::new();
        for deviation in [0.015, 0.03, 0.045, 0.06, 0.1] {
            let (covered, extended) = coverage(deviation);
            assert!(covered > statistics::CONFIDENCE - 0.008, "{deviation}: {covered}");
            longer.push(extended);
        }
        assert!(longer[0] < 0.1 && longer[4] > 0.9, "{longer:?}");
    }
}
