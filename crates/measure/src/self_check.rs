//! Whether the harness tells the truth: measured by itself, and kept as raw samples like any other result.
//!
//! ```text
//! SelfCheck    the file: many short campaigns on programs of known ratio, the same pairs under hyperfine, and what the harness costs
//! Summary      what follows from it: coverage, the control, what finds a slow-down, scatter, cost, the gate
//! run          takes the samples (needs Linux)
//! ```
//!
//! The programs are those of `examples/known-ratio`. A short campaign is what the protocol asks of a long one, with its sessions a minute
//! apart in place of an hour: `campaigns` of them run in groups, and the sessions of a group rotate. So the coverage found here is that
//! of sessions which share an hour of the machine's life. It says nothing of how the machine is on another day.

#[cfg(target_os = "linux")]
pub mod run;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::files::write_atomically;
use crate::results::{Environment, Machine, Publication};
use crate::statistics::{self, Estimate, Interval, Sample, Scale};

/// The experiment whose programs are used.
pub const EXPERIMENT: &str = "known-ratio";
/// Its programs: the walk, the same walk made longer, and the same steps in Python.
pub(crate) const WALK: &str = "walk";
pub(crate) const SLOWER: &str = "walk-slower";
pub const PYTHON: &str = "walk-python";
/// How much longer the longer walk is, by construction.
pub(crate) const SLOWER_BY: f64 = 1.05;
/// Sessions of a short campaign, as the protocol asks of a long one.
pub const SESSIONS: u32 = 5;
/// Counted rounds of a session.
pub const ROUNDS: u32 = 3;
/// In this share of repeats a slow-down should be found.
pub const FOUND_IN: f64 = 0.8;

/// Raised when a file written before can no longer be read as it stands.
pub const FORMAT: u32 = 1;

/// The file. Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfCheck {
    pub format: u32,
    pub machine: Machine,
    pub environment: Environment,
    /// In UTC.
    pub started: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<Publication>,
    /// Fingerprints of the programs, as in ordinary results.
    pub fingerprints: BTreeMap<String, String>,
    pub seed: u64,
    /// Short campaigns that ran; each has [`SESSIONS`] sessions of [`ROUNDS`] counted rounds.
    pub campaigns: u32,
    /// Runs set aside by the contamination gate.
    pub set_aside: u32,
    /// Version and trials of hyperfine, where it is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hyperfine: Option<Hyperfine>,
    /// One run of the harness, and one bare spawn-and-wait of the same process, in turn: (harness, bare).
    pub cost: Vec<(f64, f64)>,
    /// Cores that the gate found others to take, run by run.
    pub gate: Gate,
    pub rounds: Vec<Round>,
}

/// One round of a short campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    pub campaign: u32,
    pub session: u32,
    pub round: u32,
    pub walk: Times,
    /// The walk's second run: the control.
    pub again: Times,
    pub slower: Times,
    pub python: Times,
}

/// One run: the measured phase per step, and the process from start to exit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    pub step: f64,
    pub process: f64,
}

/// What hyperfine said of the same pairs, its programs one after the other as it runs them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hyperfine {
    pub version: String,
    /// Runs of each program in a trial: as many as a short campaign has.
    pub runs: u32,
    /// Mean time of the longer walk over mean time of the walk, one per trial.
    pub slower: Vec<f64>,
    /// The same of Python.
    pub python: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// On a machine left alone.
    pub quiet: Vec<f64>,
    /// With another process that keeps a core busy.
    pub hog: Vec<f64>,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub hits: usize,
    pub of: usize,
}

impl Count {
    fn of(outcomes: impl Iterator<Item = bool>) -> Count {
        outcomes.fold(Count { hits: 0, of: 0 }, |count, hit| Count {
            hits: count.hits + usize::from(hit),
            of: count.of + 1,
        })
    }

    /// The share with its 95 % interval after Wilson (1927), which stays between 0 and 1 and is not empty at either end.
    pub fn share(&self) -> Option<Estimate> {
        if self.of == 0 {
            return None;
        }
        let n = self.of as f64;
        let p = self.hits as f64 / n;
        let z = statistics::normal_quantile();
        let centre = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
        let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        Some(Estimate {
            value: p,
            interval: Some(Interval {
                low: (centre - half).max(0.0),
                high: (centre + half).min(1.0),
            }),
            sessions: self.of,
        })
    }
}

/// A short campaign's ratio of one program to the walk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CampaignRatio {
    pub ratio: Estimate,
    /// The mean over the sessions of all other campaigns; absent with a single campaign.
    pub rest: Option<f64>,
}

impl CampaignRatio {
    /// Whether the interval contains the mean of the rest; `None` where one of them is missing.
    pub fn covers_rest(&self) -> Option<bool> {
        Some(self.ratio.interval?.contains(self.rest?))
    }

    /// Whether the interval lies below the mean of the rest as a whole.
    fn is_below_rest(&self) -> Option<bool> {
        Some(self.ratio.interval?.high < self.rest?)
    }
}

/// Which pair of programs: each is over the walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    Control,
    Slower,
    Python,
}

impl Pair {
    pub const ALL: [Pair; 3] = [Pair::Control, Pair::Slower, Pair::Python];

    /// Its name in directives.
    pub fn name(self) -> &'static str {
        match self {
            Pair::Control => "control",
            Pair::Slower => "slower",
            Pair::Python => "python",
        }
    }
}

/// Which time of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Time {
    Step,
    Process,
}

/// What follows from the samples.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Per pair the ratio of each short campaign, in their order.
    pub campaigns: BTreeMap<&'static str, Vec<CampaignRatio>>,
    /// Per pair how many of those intervals contain the mean of all other campaigns.
    pub coverage: BTreeMap<&'static str, Count>,
    /// Per pair how many of the intervals that do not contain it lie below it.
    pub missed_below: BTreeMap<&'static str, Count>,
    /// Per pair the mean over all sessions of all campaigns.
    pub pooled: BTreeMap<&'static str, Estimate>,
    /// Per pair the median of the same sessions: that of a usual one. Far from the mean, if sessions far from the others lie on one side.
    pub medians: BTreeMap<&'static str, Estimate>,
    /// For each number of sessions, in how many repeats the interval of the longer walk excludes 1 and contains 1.05.
    pub found: Vec<(u32, Count)>,
    /// The same pairs by whole-process time: how far the ratios of repeats scatter.
    pub scatter: Vec<Scatter>,
    /// Seconds that the harness adds to a run.
    pub cost: Option<Estimate>,
    /// Runs above the gate's threshold, with and without the other process.
    pub noticed: Count,
    pub false_alarms: Count,
}

/// Ratios of one pair over repeats, by one method.
#[derive(Debug, Clone)]
pub struct Scatter {
    pub pair: Pair,
    /// By hyperfine, or by this harness.
    pub hyperfine: bool,
    pub ratios: Vec<f64>,
}

impl Scatter {
    /// The standard deviation of the ratios' logarithms: 0.02 is about 2 %. `None` with fewer than two.
    pub fn deviation(&self) -> Option<Estimate> {
        let logs: Vec<f64> = self.ratios.iter().map(|ratio| ratio.ln()).collect();
        statistics::standard_deviation(&logs)
    }
}

impl SelfCheck {
    /// Reads and checks a file.
    pub fn read(path: &Path) -> Result<SelfCheck> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        SelfCheck::parse(&text).with_context(|| {
            format!(
                "{} is no self-check that this version reads; take a new one by `cargo xtask measure --self-check`",
                path.display()
            )
        })
    }

    fn parse(text: &str) -> Result<SelfCheck> {
        let check: SelfCheck = serde_json::from_str(text)?;
        ensure!(
            check.format == FORMAT,
            "it has format {}, this version reads format {FORMAT}",
            check.format
        );
        for round in &check.rounds {
            let times = [round.walk, round.again, round.slower, round.python];
            ensure!(
                times.iter().all(|times| times.step > 0.0 && times.process > 0.0),
                "campaign {}, session {}, round {} has no sensible time",
                round.campaign,
                round.session,
                round.round
            );
        }
        Ok(check)
    }

    /// The text of the file: the head indented, then one round per line.
    pub fn to_json(&self) -> String {
        let head = SelfCheck {
            rounds: Vec::new(),
            ..self.clone()
        };
        let head = serde_json::to_string_pretty(&head).expect("plain data");
        let head = head
            .strip_suffix("\"rounds\": []\n}")
            .expect("`rounds` is the last field");
        let rounds: Vec<String> = self
            .rounds
            .iter()
            .map(|round| format!("    {}", serde_json::to_string(round).expect("plain data")))
            .collect();
        format!("{head}\"rounds\": [\n{}\n  ]\n}}\n", rounds.join(",\n"))
    }

    /// Writes the file whole or not at all.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, self.to_json())
    }

    /// Whether every sample is there that was meant to be taken.
    pub fn is_complete(&self) -> bool {
        let rounds = u64::from(self.campaigns) * u64::from(SESSIONS * ROUNDS);
        let trials = |hyperfine: &Hyperfine| hyperfine.python.len() >= self.campaigns as usize;
        self.rounds.len() as u64 >= rounds
            && self.hyperfine.as_ref().is_none_or(trials)
            && !self.cost.is_empty()
            && !self.gate.hog.is_empty()
    }

    pub fn summary(&self) -> Summary {
        let mut campaigns = BTreeMap::new();
        let mut coverage = BTreeMap::new();
        let mut missed_below = BTreeMap::new();
        let mut medians = BTreeMap::new();
        let mut pooled = BTreeMap::new();
        for pair in Pair::ALL {
            let sessions = self.sessions(pair, Time::Step);
            let ratios = campaign_ratios(&sessions);
            let all: Vec<f64> = sessions.concat();
            if let Some(estimate) = ratio(&all) {
                pooled.insert(pair.name(), estimate);
            }
            if let Some(estimate) = statistics::median_estimate(&all) {
                medians.insert(pair.name(), estimate);
            }
            let covered = ratios.iter().filter_map(CampaignRatio::covers_rest);
            coverage.insert(pair.name(), Count::of(covered));
            let missed = ratios.iter().filter(|ratio| ratio.covers_rest() == Some(false));
            let below = missed.filter_map(CampaignRatio::is_below_rest);
            missed_below.insert(pair.name(), Count::of(below));
            campaigns.insert(pair.name(), ratios);
        }
        let mut scatter = Vec::new();
        for pair in [Pair::Slower, Pair::Python] {
            if let Some(hyperfine) = &self.hyperfine {
                let ratios = match pair {
                    Pair::Python => &hyperfine.python,
                    _ => &hyperfine.slower,
                };
                scatter.push(Scatter {
                    pair,
                    hyperfine: true,
                    ratios: ratios.clone(),
                });
            }
            let ours = self.sessions(pair, Time::Process);
            scatter.push(Scatter {
                pair,
                hyperfine: false,
                ratios: ours
                    .iter()
                    .filter_map(|sessions| Some(ratio(sessions)?.value))
                    .collect(),
            });
        }
        let added: Vec<f64> = self.cost.iter().map(|(harness, bare)| harness - bare).collect();
        let above = |cores: &[f64]| Count::of(cores.iter().map(|cores| *cores > crate::results::FOREIGN_CORES_AT_MOST));
        Summary {
            found: self.found(),
            campaigns,
            coverage,
            missed_below,
            pooled,
            medians,
            scatter,
            cost: statistics::estimate(&Sample::fixed(&added), Scale::Linear),
            noticed: above(&self.gate.hog),
            false_alarms: above(&self.gate.quiet),
        }
    }

    /// Per campaign and session the median over rounds of the paired ratio to the walk.
    fn sessions(&self, pair: Pair, time: Time) -> Vec<Vec<f64>> {
        let mut logs: BTreeMap<(u32, u32), Vec<f64>> = BTreeMap::new();
        for round in &self.rounds {
            let times = match pair {
                Pair::Control => round.again,
                Pair::Slower => round.slower,
                Pair::Python => round.python,
            };
            let log = match time {
                Time::Step => times.step / round.walk.step,
                Time::Process => times.process / round.walk.process,
            }
            .ln();
            logs.entry((round.campaign, round.session)).or_default().push(log);
        }
        let mut campaigns: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
        for ((campaign, _), logs) in logs {
            // A session that was cut off is none.
            if let Some(median) = statistics::median(&logs)
                && logs.len() == ROUNDS as usize
            {
                campaigns.entry(campaign).or_default().push(median.exp());
            }
        }
        campaigns
            .into_values()
            .filter(|sessions| sessions.len() == SESSIONS as usize)
            .collect()
    }

    /// How many sessions find the longer walk: with two to five the first of each campaign, with more those of neighbours together.
    fn found(&self) -> Vec<(u32, Count)> {
        let sessions = self.sessions(Pair::Slower, Time::Step);
        let is_found = |sessions: &[f64]| {
            ratio(sessions)
                .and_then(|ratio| ratio.interval)
                .is_some_and(|interval| !interval.contains(1.0) && interval.contains(SLOWER_BY))
        };
        let few = (2..=SESSIONS).map(|number| {
            let repeats = sessions.iter().map(|sessions| is_found(&sessions[..number as usize]));
            (number, Count::of(repeats))
        });
        let more = (2..=4).map(|neighbours| {
            let repeats = sessions.chunks_exact(neighbours).map(|group| is_found(&group.concat()));
            (SESSIONS * neighbours as u32, Count::of(repeats))
        });
        few.chain(more).collect()
    }
}

impl Summary {
    /// The fewest sessions that find the slow-down often enough, if any did.
    pub fn sessions_needed(&self) -> Option<u32> {
        let enough = |count: &Count| count.of > 0 && count.hits as f64 >= FOUND_IN * count.of as f64;
        self.found
            .iter()
            .find(|(_, count)| enough(count))
            .map(|(sessions, _)| *sessions)
    }
}

fn ratio(sessions: &[f64]) -> Option<Estimate> {
    statistics::estimate(&Sample::fixed(sessions), Scale::Logarithmic)
}

/// Each campaign's ratio beside the mean of the others' sessions.
fn campaign_ratios(campaigns: &[Vec<f64>]) -> Vec<CampaignRatio> {
    let with_rest = campaigns.iter().enumerate().filter_map(|(number, sessions)| {
        let others = campaigns.iter().enumerate().filter(|(other, _)| *other != number);
        let rest: Vec<f64> = others.flat_map(|(_, sessions)| sessions).copied().collect();
        Some(CampaignRatio {
            ratio: ratio(sessions)?,
            rest: ratio(&rest).map(|rest| rest.value),
        })
    });
    with_rest.collect()
}

/// Where a reader's own self-check lies.
pub fn own_path(target: &Path) -> PathBuf {
    target.join("measurements").join(FILE)
}

/// Where a machine's published one lies.
pub(crate) fn published_path(root: &Path, machine: &str) -> PathBuf {
    root.join("measurements").join(machine).join(FILE)
}

/// Its name, which no experiment can have: names have no dots.
pub const FILE: &str = "harness.check.json";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    /// Samples in which the longer walk takes 1.05 times as long, but for noise of about one part in so many.
    pub(crate) fn sample(campaigns: u32, noise: f64) -> SelfCheck {
        let (_, results) = crate::results::tests::sample();
        let mut rng = rand::rngs::StdRng::seed_from_u64(3);
        let mut wobble = || 1.0 + noise * (rng.random::<f64>() + rng.random::<f64>() + rng.random::<f64>() - 1.5);
        let mut rounds = Vec::new();
        for campaign in 0..campaigns {
            for session in 0..SESSIONS {
                for round in 0..ROUNDS {
                    // The machine's mood, which all programs share.
                    let mood = 1.0 + f64::from((campaign * 7 + session * 3 + round) % 5) * 0.2;
                    let mut times = |factor: f64| {
                        let step = 5e-9 * factor * mood * wobble();
                        Times {
                            step,
                            process: step * 2e7 + 1e-3,
                        }
                    };
                    rounds.push(Round {
                        campaign,
                        session,
                        round,
                        walk: times(1.0),
                        again: times(1.0),
                        slower: times(SLOWER_BY),
                        python: times(15.0),
                    });
                }
            }
        }
        SelfCheck {
            format: FORMAT,
            machine: results.machine,
            environment: results.environment,
            started: results.started,
            published: None,
            fingerprints: BTreeMap::new(),
            seed: 1,
            campaigns,
            set_aside: 0,
            hyperfine: Some(Hyperfine {
                version: "hyperfine 1.15.0".to_owned(),
                runs: 15,
                slower: vec![0.8, 1.05, 1.3],
                python: vec![12.0, 15.0, 18.0],
            }),
            cost: vec![(0.004, 0.001), (0.005, 0.001), (0.0045, 0.0012)],
            gate: Gate {
                quiet: vec![0.0, 0.01, 0.3],
                hog: vec![1.0, 0.9, 0.99, 0.1],
            },
            rounds,
        }
    }

    #[test]
    fn the_summary_counts_what_the_samples_say() {
        let summary = sample(30, 0.02).summary();
        let coverage = summary.coverage["slower"];
        assert_eq!(coverage.of, 30);
        assert!(coverage.hits >= 25, "{coverage:?}");
        assert!((summary.pooled["control"].value - 1.0).abs() < 0.005);
        assert!((summary.pooled["python"].value - 15.0).abs() < 0.1);
        assert!((summary.medians["python"].value - 15.0).abs() < 0.1);
        // Two sessions have hardly any power, five find 5 % through 2 % of noise.
        assert!(summary.found[0].1.hits < summary.found[3].1.hits, "{:?}", summary.found);
        assert!(
            summary
                .sessions_needed()
                .is_some_and(|sessions| (3..=5).contains(&sessions))
        );
        let (sessions, found) = summary.found.last().unwrap();
        assert!(*sessions == 20 && found.of == 7 && found.hits >= 6, "{found:?}");
        assert_eq!(summary.noticed, Count { hits: 3, of: 4 });
        assert_eq!(summary.false_alarms, Count { hits: 1, of: 3 });
        assert!((summary.cost.unwrap().value - 0.00343).abs() < 1e-4);
        let deviation = |hyperfine: bool| {
            let mut of = summary
                .scatter
                .iter()
                .filter(|s| s.pair == Pair::Slower && s.hyperfine == hyperfine);
            of.next().unwrap().deviation().unwrap().value
        };
        assert!(deviation(true) > 5.0 * deviation(false));
    }

    #[test]
    fn a_campaign_that_lies_apart_is_not_covered() {
        let mut check = sample(20, 0.02);
        for round in check.rounds.iter_mut().filter(|round| round.campaign == 4) {
            round.slower.step *= 1.5;
        }
        let before = sample(20, 0.02).summary().coverage["slower"];
        let after = check.summary().coverage["slower"];
        assert!(after.hits < before.hits, "{before:?} {after:?}");
        let summary = check.summary();
        assert_eq!(summary.campaigns["slower"][4].covers_rest(), Some(false));
        // It lies above the rest, which hardly moves; the rest is that of the others alone.
        let rest = summary.campaigns["slower"][4].rest.unwrap();
        assert!((rest - SLOWER_BY).abs() < 0.005, "{rest}");
        let below = summary.missed_below["slower"];
        assert!(below.hits < below.of && below.of == after.of - after.hits, "{below:?}");
    }

    #[test]
    fn a_rare_mood_of_one_program_moves_the_mean_and_not_the_median() {
        let mut check = sample(20, 0.02);
        // Every seventh session.
        for round in check.rounds.iter_mut() {
            if (round.campaign * SESSIONS + round.session).is_multiple_of(7) {
                round.python.step *= 1.5;
            }
        }
        let summary = check.summary();
        let interval = |estimate: Estimate| estimate.interval.unwrap();
        let (mean, median) = (summary.pooled["python"], summary.medians["python"]);
        assert!(interval(median).high < interval(mean).low, "{median:?} {mean:?}");
        // Campaigns without one agree with each other about what is not the mean.
        let below = summary.missed_below["python"];
        assert!(below.of > 0 && below.hits == below.of, "{below:?}");
    }

    #[test]
    fn what_was_cut_off_does_not_count() {
        let mut check = sample(3, 0.02);
        check.rounds.truncate(2 * 15 + 7);
        assert_eq!(check.summary().coverage["slower"].of, 2);
        assert_eq!(check.summary().medians["slower"].sessions, 10);
        check.rounds.clear();
        let summary = check.summary();
        assert_eq!(summary.coverage["slower"].share(), None);
        assert_eq!(summary.sessions_needed(), None);
    }

    #[test]
    fn a_check_is_complete_when_all_its_campaigns_are_there() {
        let mut check = sample(3, 0.02);
        assert!(check.is_complete());
        check.rounds.pop();
        assert!(!check.is_complete());
        // Whatever a file says: these have more rounds than can be counted in the number that campaigns are counted in.
        check.campaigns = u32::MAX;
        assert!(!check.is_complete());
    }

    #[test]
    fn shares_have_wilson_s_interval() {
        // Newcombe (1998), table I: 15 of 148 has 0.0624 to 0.1605.
        let interval = Count { hits: 15, of: 148 }.share().unwrap().interval.unwrap();
        assert!(
            (interval.low - 0.0624).abs() < 5e-5 && (interval.high - 0.1605).abs() < 5e-5,
            "{interval:?}"
        );
        let all = Count { hits: 40, of: 40 }.share().unwrap().interval.unwrap();
        assert!(all.low > 0.9 && all.high == 1.0);
    }

    #[test]
    fn a_file_round_trips() {
        let check = sample(2, 0.02);
        assert_eq!(SelfCheck::parse(&check.to_json()).unwrap(), check);
        let damaged = check.to_json().replace("\"format\": 1", "\"format\": 7");
        assert!(format!("{:#}", SelfCheck::parse(&damaged).unwrap_err()).contains("format 7"));
    }
}
