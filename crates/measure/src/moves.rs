//! How published numbers moved when another campaign took their place: `measurements/moves.json`.
//!
//! A result file holds the newest campaign only. What readers were told before is kept here in short: the ratios of an experiment's first
//! metric to its control, before and after, and what else changed between the two.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::compare::{self, Set, Verdict};
use crate::experiment::{Experiment, Point};
use crate::files::write_atomically;
use crate::results::Results;
use crate::statistics::Estimate;

const FORMAT: u32 = 1;

/// Where it lies in a checkout.
pub fn path(root: &Path) -> PathBuf {
    root.join("measurements").join("moves.json")
}

/// All that is remembered, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moves {
    format: u32,
    pub moves: Vec<Move>,
}

/// One campaign in the place of another, of the same experiment on the same machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    pub experiment: String,
    pub machine: String,
    /// When the two campaigns began, in UTC.
    pub from: String,
    pub to: String,
    /// Programs whose source, arguments or sizes changed.
    pub edited: Vec<String>,
    /// What else runs in it and has another version, as `tokio 1.53.0 → 1.54.0`.
    pub versions: Vec<String>,
    pub metric: String,
    pub against: String,
    pub ratios: Vec<Ratio>,
}

/// A program's ratio to the control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    pub program: String,
    pub before: Estimate,
    pub after: Estimate,
    /// Whether it changed by more than noise, all ratios of the experiment judged together.
    pub changed: bool,
}

impl Default for Moves {
    fn default() -> Moves {
        Moves {
            format: FORMAT,
            moves: Vec::new(),
        }
    }
}

impl Moves {
    /// Without a file, nothing has moved yet.
    pub fn read(root: &Path) -> Result<Moves> {
        let path = path(root);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Moves::default()),
            text => text.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let moves: Moves = serde_json::from_str(&text)
            .with_context(|| format!("{} is damaged: take it back from the repository", path.display()))?;
        ensure!(
            moves.format == FORMAT,
            "{} has format {}, and this program reads {FORMAT}: update the checkout",
            path.display(),
            moves.format
        );
        Ok(moves)
    }

    /// Adds what has become of one experiment's results. The same two campaigns are remembered once.
    pub fn add(&mut self, experiment: &Experiment, before: &Results, after: &Results) -> Result<()> {
        let Some(one) = Move::between(experiment, before, after)? else {
            return Ok(());
        };
        let same = |other: &Move| {
            (&other.experiment, &other.machine, &other.from, &other.to)
                == (&one.experiment, &one.machine, &one.from, &one.to)
        };
        if !self.moves.iter().any(same) {
            self.moves.push(one);
            self.moves
                .sort_by(|a, b| (&a.to, &a.experiment).cmp(&(&b.to, &b.experiment)));
        }
        Ok(())
    }

    pub fn write(&self, root: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("plain data");
        write_atomically(&path(root), format!("{text}\n"))
    }
}

impl Move {
    /// `None` where both are one campaign, or of different machines, or where nothing has a ratio in both.
    fn between(experiment: &Experiment, before: &Results, after: &Results) -> Result<Option<Move>> {
        if before.started == after.started || before.machine.id != after.machine.id {
            return Ok(None);
        }
        let Some(metric) = experiment.principal() else {
            return Ok(None);
        };
        let comparison = compare::compare(
            std::slice::from_ref(experiment),
            &Set::new("before", [before.clone()])?,
            &Set::new("after", [after.clone()])?,
        );
        let against = &experiment.control;
        let of =
            |results: &Results, program: &str| results.ratio(experiment, program, against, &metric.id, &Point::base());
        let compared = comparison
            .compared
            .iter()
            .filter(|one| one.against.is_some() && one.metric == metric.id && one.point.is_empty());
        let ratios: Vec<Ratio> = compared
            .filter_map(|one| {
                Some(Ratio {
                    before: of(before, &one.program).ok()?,
                    after: of(after, &one.program).ok()?,
                    changed: one.verdict == Verdict::Changed,
                    program: one.program.clone(),
                })
            })
            .collect();
        let edited = before
            .fingerprints
            .iter()
            .filter(|(program, print)| after.fingerprints.get(*program).is_some_and(|now| now != *print));
        Ok((!ratios.is_empty()).then(|| Move {
            experiment: experiment.id.clone(),
            machine: after.machine.id.clone(),
            from: before.started.clone(),
            to: after.started.clone(),
            edited: edited.map(|(program, _)| program.clone()).collect(),
            versions: versions(before, after),
            metric: metric.id.clone(),
            against: against.clone(),
            ratios,
        }))
    }
}

/// Interpreters, compilers, tools and packages that are in both in different versions.
fn versions(before: &Results, after: &Results) -> Vec<String> {
    let of = |results: &Results| -> BTreeMap<String, String> {
        let environment = &results.environment;
        let mut versions: BTreeMap<String, String> = environment
            .packages
            .iter()
            .chain(&environment.tools)
            .map(|(name, version)| (name.clone(), version.clone()))
            .collect();
        versions.insert("rustc".to_owned(), environment.rustc.clone());
        for (name, python) in &environment.pythons {
            versions.insert(format!("Python ({name})"), python.version.clone());
        }
        versions
    };
    let now = of(after);
    of(before)
        .into_iter()
        .filter_map(|(name, was)| {
            let is = now.get(&name).filter(|is| **is != was)?;
            Some(format!("{name} {was} → {is}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    #[test]
    fn what_another_campaign_replaces_is_remembered_once() {
        let (experiment, before) = sample();
        let mut after = before.clone();
        after.started = "2031-01-01T00:00:00Z".to_owned();
        for run in after.runs.iter_mut().filter(|run| run.program == "a") {
            run.phases.get_mut("p").unwrap().seconds *= 3.0;
        }
        after.fingerprints.insert("a".to_owned(), "another".to_owned());
        after.environment.rustc = "rustc 1.99.0".to_owned();
        let mut moves = Moves::default();
        moves.add(&experiment, &before, &after).unwrap();
        moves.add(&experiment, &before, &after).unwrap();
        moves.add(&experiment, &after, &after).unwrap();
        let [one] = moves.moves.as_slice() else {
            panic!("{moves:?}")
        };
        assert_eq!(
            (one.from.as_str(), one.to.as_str()),
            (before.started.as_str(), "2031-01-01T00:00:00Z")
        );
        assert_eq!(one.edited, ["a"]);
        assert_eq!(
            one.versions,
            [format!("rustc {} → rustc 1.99.0", before.environment.rustc)]
        );
        let [ratio] = one.ratios.as_slice() else {
            panic!("{:?}", one.ratios)
        };
        assert_eq!((ratio.program.as_str(), one.against.as_str()), ("a", "b"));
        assert!((ratio.after.value / ratio.before.value - 3.0).abs() < 1e-9, "{ratio:?}");

        let root = tempfile::tempdir().unwrap();
        assert_eq!(Moves::read(root.path()).unwrap(), Moves::default());
        moves.write(root.path()).unwrap();
        assert_eq!(Moves::read(root.path()).unwrap(), moves);
        std::fs::write(path(root.path()), "{").unwrap();
        let error = format!("{:#}", Moves::read(root.path()).unwrap_err());
        assert!(error.contains("is damaged: take it back"), "{error}");
    }

    #[test]
    fn results_of_another_machine_replace_nothing() {
        let (experiment, before) = sample();
        let mut after = before.clone();
        after.started = "2031-01-01T00:00:00Z".to_owned();
        after.machine.id = "another".to_owned();
        assert_eq!(Move::between(&experiment, &before, &after).unwrap(), None);
    }
}
