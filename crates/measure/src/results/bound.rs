//! Where a value is only a bound, because the load generator was the limit and not the server.
//!
//! In a closed loop the generator asks as fast as it is answered. Where it is busy for most of its core itself, the server waits for it,
//! and could have served more: the rate that was measured is the least it does, the time per answer the most it takes. What the server
//! spends on each answer (its CPU) is not touched by that.

use serde::Serialize;

use crate::experiment::{Experiment, Metric, Point, Quantity};
use crate::statistics::{self, Interval, Scale};

use super::{Results, Which};

/// The share of its core above which the load generator counts as the limit of a closed loop.
pub const GENERATOR_AT_MOST: f64 = 0.70;

/// What a measured value says of the one that was asked for, where it is not that value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The value is at least what was measured.
    AtLeast,
    /// It is at most what was measured.
    AtMost,
    /// A ratio of two bounds that point the same way: it may be anything.
    Unknown,
}

impl Bound {
    /// The same of the inverse.
    fn inverse(self) -> Bound {
        match self {
            Bound::AtLeast => Bound::AtMost,
            Bound::AtMost => Bound::AtLeast,
            Bound::Unknown => Bound::Unknown,
        }
    }

    /// Of a ratio, from the bounds of the two values that it is made of.
    fn of_ratio(above: Option<Bound>, below: Option<Bound>) -> Option<Bound> {
        match (above, below.map(Bound::inverse)) {
            (None, bound) | (bound, None) => bound,
            (Some(a), Some(b)) if a == b => Some(a),
            (Some(_), Some(_)) => Some(Bound::Unknown),
        }
    }

    /// Where the value may lie, if what was measured lies in `interval`.
    pub fn widen(self, interval: Interval) -> Interval {
        let unbounded = Interval {
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        };
        match self {
            Bound::AtLeast => Interval {
                low: interval.low,
                ..unbounded
            },
            Bound::AtMost => Interval {
                high: interval.high,
                ..unbounded
            },
            Bound::Unknown => unbounded,
        }
    }
}

impl Results {
    /// Whether the value of a metric for one program at a point is only a bound. `None` also where there is no such value.
    pub fn bound(&self, experiment: &Experiment, program: &str, metric: &str, point: &Point) -> Option<Bound> {
        let metric = experiment.metric(metric)?;
        let bound = match metric.quantity {
            Quantity::WorkPerSecond => Bound::AtLeast,
            Quantity::SecondsPerWork => Bound::AtMost,
            _ => return None,
        };
        let load = experiment.load.as_ref()?;
        let phase = load.phases.iter().find(|phase| phase.name == metric.phase)?;
        if phase.rate.is_some() {
            return None;
        }
        (self.generator_cores(experiment, program, &metric.phase, point)? > GENERATOR_AT_MOST).then_some(bound)
    }

    /// The same of the ratio of two programs.
    pub fn ratio_bound(&self, experiment: &Experiment, a: &str, b: &str, metric: &str, point: &Point) -> Option<Bound> {
        let of = |program| self.bound(experiment, program, metric, point);
        Bound::of_ratio(of(a), of(b))
    }

    /// Cores that the load generator kept busy in a phase: per session the median, then the mean of the sessions, as any other value.
    fn generator_cores(&self, experiment: &Experiment, program: &str, phase: &str, point: &Point) -> Option<f64> {
        let metric = Metric {
            id: String::new(),
            label: String::new(),
            quantity: Quantity::PeerCpuShare,
            phase: phase.to_owned(),
            over: None,
            of: None,
            unit: None,
            per_work: false,
            better: None,
        };
        let sessions: Vec<f64> = self
            .by_session(experiment, program, &metric, point, Which::First)
            .ok()?
            .into_values()
            .map(|values| values.summary)
            .collect();
        Some(statistics::estimate(&self.sample(&sessions), Scale::Linear)?.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Load, LoadPhase};
    use crate::results::tests::sample;

    /// Two servers under a load, with the share of a core that the generator took for each.
    fn served(rate: Option<&str>, of_a: f64, of_b: f64) -> (Experiment, Results) {
        let (mut experiment, mut results) = sample();
        experiment.load = Some(Load {
            connections: "connections".to_owned(),
            message_bytes: Some("message".to_owned()),
            http: None,
            warm_up_seconds: 0.1,
            phases: vec![LoadPhase {
                name: "p".to_owned(),
                seconds: 1.0,
                rate: rate.map(str::to_owned),
            }],
        });
        let like = experiment.metrics[0].clone();
        for (id, quantity) in [
            ("rate", Quantity::WorkPerSecond),
            ("time", Quantity::SecondsPerWork),
            ("cpu", Quantity::CpuPerWork),
        ] {
            experiment.metrics.push(Metric {
                id: id.to_owned(),
                quantity,
                ..like.clone()
            });
        }
        for run in &mut results.runs {
            let share = if run.program == "a" { of_a } else { of_b };
            let phase = run.phases.get_mut("p").unwrap();
            phase.peer_cpu_seconds = Some(share * phase.seconds);
        }
        (experiment, results)
    }

    #[test]
    fn a_busy_generator_makes_a_bound_of_rates_and_of_nothing_else() {
        let (experiment, results) = served(None, 0.71, 0.69);
        let bound = |program, metric| results.bound(&experiment, program, metric, &Point::base());
        assert_eq!(bound("a", "rate"), Some(Bound::AtLeast));
        assert_eq!(bound("a", "time"), Some(Bound::AtMost));
        assert_eq!(bound("b", "rate"), None);
        for metric in ["cpu", "p50", "seconds", "nothing"] {
            assert_eq!(bound("a", metric), None, "{metric}");
        }
        assert_eq!(
            results.bound(&experiment, "a", "rate", &Point::at("connections", 7.0)),
            None
        );
        // At a rate fixed beforehand the generator is no limit: a run in which it fell behind is void.
        let (experiment, results) = served(Some("offered"), 0.99, 0.99);
        assert_eq!(results.bound(&experiment, "a", "rate", &Point::base()), None);
        let (mut experiment, results) = served(None, 0.99, 0.99);
        experiment.load = None;
        assert_eq!(results.bound(&experiment, "a", "rate", &Point::base()), None);
    }

    #[test]
    fn sessions_decide_together_and_one_wild_round_does_not() {
        let (experiment, mut results) = served(None, 0.60, 0.60);
        for run in results.runs.iter_mut().filter(|run| run.round == 0) {
            let phase = run.phases.get_mut("p").unwrap();
            phase.peer_cpu_seconds = Some(phase.seconds);
        }
        assert_eq!(results.bound(&experiment, "a", "rate", &Point::base()), None);
        // Three of five sessions at 0.8: 0.72 in the mean.
        for run in results.runs.iter_mut().filter(|run| run.session < 3) {
            let phase = run.phases.get_mut("p").unwrap();
            phase.peer_cpu_seconds = Some(0.8 * phase.seconds);
        }
        assert_eq!(
            results.bound(&experiment, "a", "rate", &Point::base()),
            Some(Bound::AtLeast)
        );
    }

    #[test]
    fn a_ratio_is_bounded_by_what_it_is_made_of() {
        use Bound::{AtLeast, AtMost, Unknown};
        let cases = [
            ((0.5, 0.5), None, None),
            ((0.9, 0.5), Some(AtLeast), Some(AtMost)),
            ((0.5, 0.9), Some(AtMost), Some(AtLeast)),
            ((0.9, 0.9), Some(Unknown), Some(Unknown)),
        ];
        for ((of_a, of_b), rate, time) in cases {
            let (experiment, results) = served(None, of_a, of_b);
            let bound = |metric| results.ratio_bound(&experiment, "a", "b", metric, &Point::base());
            assert_eq!((bound("rate"), bound("time")), (rate, time), "{of_a}, {of_b}");
        }
    }

    #[test]
    fn a_bound_opens_the_interval_on_its_side() {
        let interval = Interval { low: 2.0, high: 3.0 };
        assert!(Bound::AtLeast.widen(interval).contains(1e9) && !Bound::AtLeast.widen(interval).contains(1.9));
        assert!(Bound::AtMost.widen(interval).contains(0.0) && !Bound::AtMost.widen(interval).contains(3.1));
        assert!(Bound::Unknown.widen(interval).contains(1e9) && Bound::Unknown.widen(interval).contains(0.0));
    }
}
