//! `self-check.NAME`: what the harness found about itself, where a directive names a value.
//!
//! ```text
//! {{#measured self-check.coverage-slower}}
//! {{#claim self-check.gate-noticed >=90%}}at least 90 %{{/claim}}
//! {{#figure self-check coverage slower}}caption{{/figure}}        crate::figure::self_check
//! ```

use measure::experiment::Unit;
use measure::library::Library;
use measure::self_check::{Count, Pair, Summary};
use measure::statistics::Estimate;

use crate::figure::self_check::Show;
use crate::interface::Interface;
use crate::number::{Kind, Shown, whole};
use crate::reference::{Problem, Unmeasured};

/// What stands before the dot.
pub const NAME: &str = "self-check";
/// What `cargo xtask measure` is given to find it.
pub const TO_MEASURE: &str = "--self-check";

/// One finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Share of short campaigns whose interval contains the mean of the rest.
    Coverage(Pair),
    /// Share of the intervals without it that lie below it.
    MissedBelow(Pair),
    /// Mean ratio to the walk over all sessions.
    Ratio(Pair),
    /// Median of the same.
    Median(Pair),
    /// Share of repeats that find the slow-down, with so many sessions.
    Found(u32),
    /// The fewest sessions that find it often enough.
    SessionsNeeded,
    /// Standard deviation of the logarithm of a pair's ratio over repeats, by hyperfine or by the harness.
    Scatter { pair: Pair, hyperfine: bool },
    /// Seconds added to a run.
    Cost,
    /// Share of disturbed runs that the gate noticed.
    Noticed,
    /// Share of quiet runs that it set aside.
    FalseAlarms,
    /// Short campaigns that ran.
    Campaigns,
    /// Runs of each program in one of hyperfine's trials.
    HyperfineRuns,
}

/// Numbers of sessions for which the share of repeats that find the slow-down is known.
const FOUND: [u32; 7] = [2, 3, 4, 5, 10, 15, 20];

impl Finding {
    /// Reads `self-check.NAME`; `None` if it is about something else.
    pub fn parse(text: &str) -> Option<Result<Finding, Problem>> {
        let name = text.strip_prefix(NAME)?.strip_prefix('.')?;
        let all = Finding::all();
        let found = all.iter().find(|(known, _)| known == name);
        Some(match found {
            Some((_, what)) => Ok(Finding { what: *what }),
            None => Err(Problem::unknown(
                "finding of the self-check",
                name,
                all.iter().map(|(name, _)| name.as_str()),
            )),
        })
    }

    fn all() -> Vec<(String, What)> {
        let mut all = Vec::new();
        for pair in Pair::ALL {
            all.push((format!("coverage-{}", pair.name()), What::Coverage(pair)));
            all.push((format!("missed-below-{}", pair.name()), What::MissedBelow(pair)));
            all.push((format!("ratio-{}", pair.name()), What::Ratio(pair)));
            all.push((format!("median-{}", pair.name()), What::Median(pair)));
        }
        for sessions in FOUND {
            all.push((format!("found-with-{sessions}"), What::Found(sessions)));
        }
        for pair in [Pair::Slower, Pair::Python] {
            for (method, hyperfine) in [("hyperfine", true), ("harness", false)] {
                all.push((
                    format!("scatter-{method}-{}", pair.name()),
                    What::Scatter { pair, hyperfine },
                ));
            }
        }
        for (name, what) in [
            ("sessions-needed", What::SessionsNeeded),
            ("cost", What::Cost),
            ("gate-noticed", What::Noticed),
            ("gate-false-alarms", What::FalseAlarms),
            ("campaigns", What::Campaigns),
            ("hyperfine-runs", What::HyperfineRuns),
        ] {
            all.push((name.to_owned(), what));
        }
        all
    }

    pub fn kind(&self) -> Kind {
        match self.what {
            What::Ratio(_) | What::Median(_) => Kind::Ratio,
            What::Cost => Kind::Unit(Unit::Seconds),
            What::SessionsNeeded | What::Campaigns | What::HyperfineRuns => Kind::Unit(Unit::Count),
            _ => Kind::Unit(Unit::Share),
        }
    }

    /// The figure that shows it, if one does.
    pub fn figure(&self) -> Option<Show> {
        match self.what {
            What::Coverage(pair) | What::MissedBelow(pair) | What::Ratio(pair) | What::Median(pair) => {
                Some(Show::Coverage(pair))
            }
            What::Found(_) | What::SessionsNeeded => Some(Show::Found),
            What::Scatter { .. } | What::HyperfineRuns => Some(Show::Scatter),
            What::Cost | What::Noticed | What::FalseAlarms | What::Campaigns => None,
        }
    }

    /// The value, with an interval unless it is a count.
    pub fn estimate(&self, library: &Library) -> Result<Estimate, Unmeasured> {
        let check = library.self_check.as_ref().ok_or(Unmeasured::Never)?;
        let summary = check.summary();
        let value = match self.what {
            What::Coverage(pair) => summary.coverage[pair.name()].share(),
            What::MissedBelow(pair) => {
                let missed = summary.missed_below[pair.name()].share();
                return missed.ok_or_else(|| Unmeasured::Missing("no interval missed".to_owned()));
            }
            What::Ratio(pair) => summary.pooled.get(pair.name()).copied(),
            What::Median(pair) => summary.medians.get(pair.name()).copied(),
            What::Found(sessions) => found(&summary, sessions).and_then(|count| count.share()),
            What::SessionsNeeded => summary.sessions_needed().map(|sessions| exactly(f64::from(sessions))),
            What::Scatter { pair, hyperfine } => {
                let mut of = summary.scatter.iter();
                of.find(|scatter| scatter.pair == pair && scatter.hyperfine == hyperfine)
                    .and_then(|scatter| scatter.deviation())
            }
            What::Cost => summary.cost,
            What::Noticed => summary.noticed.share(),
            What::FalseAlarms => summary.false_alarms.share(),
            What::Campaigns => Some(exactly(f64::from(check.campaigns))),
            What::HyperfineRuns => check
                .hyperfine
                .as_ref()
                .map(|hyperfine| exactly(f64::from(hyperfine.runs))),
        };
        value.ok_or_else(|| Unmeasured::Missing("the self-check did not come so far".to_owned()))
    }

    /// The value as a reader sees it: what it was counted over stands in place of the sessions of an ordinary value.
    pub fn shown(&self, estimate: &Estimate, interface: &Interface) -> Shown {
        let mut shown = Shown::new(estimate, self.kind(), interface);
        if self.kind() == Kind::Unit(Unit::Count) {
            shown.value = whole(estimate.value, interface.language());
            shown.certainty = interface.text("a count");
            shown.interval = String::new();
        } else {
            shown.certainty = interface.fill(
                "95 % interval {interval}, from {count} samples",
                &[
                    ("interval", &shown.interval),
                    ("count", &whole(estimate.sessions as f64, interface.language())),
                ],
            );
        }
        shown
    }
}

fn found(summary: &Summary, sessions: u32) -> Option<Count> {
    let mut known = summary.found.iter();
    known.find(|(number, _)| *number == sessions).map(|(_, count)| *count)
}

/// A count: known without an error, so its interval is a point.
fn exactly(value: f64) -> Estimate {
    Estimate {
        value,
        interval: Some(measure::statistics::Interval {
            low: value,
            high: value,
        }),
        sessions: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn every_name_has_a_value_and_a_wrong_one_is_answered() {
        let mut library = fixture::library();
        // One campaign that misses, in every pair, so that there are misses to count.
        for round in &mut library.self_check.as_mut().unwrap().rounds {
            if round.campaign == 2 {
                for times in [&mut round.again, &mut round.slower, &mut round.python] {
                    times.step *= 0.9;
                }
            }
        }
        for (name, _) in Finding::all() {
            let finding = Finding::parse(&format!("self-check.{name}")).unwrap().unwrap();
            let estimate = finding
                .estimate(&library)
                .unwrap_or_else(|why| panic!("{name}: {why:?}"));
            assert!(estimate.interval.is_some(), "{name}");
        }
        let problem = Finding::parse("self-check.coverage-slow").unwrap().unwrap_err();
        assert!(problem.help.contains("coverage-slower"), "{problem:?}");
        assert_eq!(Finding::parse("echo.tokio.cpu"), None);
    }

    #[test]
    fn values_say_what_they_were_counted_over() {
        let library = fixture::library();
        let shown = |name: &str, interface: &Interface| {
            let finding = Finding::parse(&format!("self-check.{name}")).unwrap().unwrap();
            finding.shown(&finding.estimate(&library).unwrap(), interface)
        };
        let noticed = shown("gate-noticed", &fixture::english());
        assert_eq!(noticed.value, "75\u{a0}%");
        assert_eq!(noticed.certainty, "95 % interval 30 to 95\u{a0}%, from 4 samples");
        assert_eq!(shown("campaigns", &fixture::english()).value, "6");
        let no_misses = Finding::parse("self-check.missed-below-slower").unwrap().unwrap();
        let why = no_misses.estimate(&library).unwrap_err();
        assert_eq!(why, Unmeasured::Missing("no interval missed".to_owned()));
        let mut library = fixture::library();
        library.self_check = None;
        let finding = Finding::parse("self-check.cost").unwrap().unwrap();
        assert_eq!(finding.estimate(&library), Err(Unmeasured::Never));
    }
}
