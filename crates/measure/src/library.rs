//! All experiments of a checkout with the results that are to be shown for them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::experiment::{Experiment, Program};
use crate::fingerprint;
use crate::packages::{self, Drift};
use crate::results::Results;
use crate::self_check::{self, SelfCheck};

/// Where results come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `measurements/<machine>/`: what tests and editions read by default. Of each experiment the first of these machines that has results of
    /// its programs as they are, else the first that has any.
    Published { machines: Vec<String> },
    /// `target/measurements/` where there is something, else the published.
    OwnFirst { target: PathBuf, machines: Vec<String> },
}

impl Source {
    fn machines(&self) -> &[String] {
        let (Source::Published { machines } | Source::OwnFirst { machines, .. }) = self;
        machines
    }
}

/// Takes from the published results of one experiment those to show: of the first of `machines` whose programs have not changed since, else
/// of the first at all.
fn take_shown(published: &mut Vec<Measured>, machines: &[String]) -> Option<Measured> {
    let find = |fresh: bool| {
        machines.iter().find_map(|machine| {
            published
                .iter()
                .position(|one| one.results.machine.id == *machine && (one.stale.is_empty() || !fresh))
        })
    };
    let at = find(true).or_else(|| find(false))?;
    Some(published.remove(at))
}

/// Who took the results that are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Published,
    /// The reader's own, not published.
    Own,
}

/// Results of one experiment and what they are worth.
#[derive(Debug, Clone)]
pub struct Measured {
    pub results: Results,
    pub origin: Origin,
    pub path: PathBuf,
    /// Programs that are not the ones which were measured: edited since, added, or with other parameters.
    pub stale: Vec<String>,
    /// Packages that the programs import themselves, with the version they were measured with. Found once, since each figure names them.
    pub imported: Vec<(String, String)>,
    /// Packages that are locked in another version now, those first that programs import themselves. A warning: the programs are the
    /// same, what they stand on is not.
    pub drift: Vec<Drift>,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub experiment: Experiment,
    /// What is shown first: the reader's own results where they are asked for, else those of a reference machine.
    pub measured: Option<Measured>,
    /// Published results of the other machines, by their names.
    pub others: Vec<Measured>,
}

impl Entry {
    /// Published results, of whatever machine.
    fn published(&self) -> impl Iterator<Item = &Measured> {
        self.measured
            .iter()
            .chain(&self.others)
            .filter(|measured| measured.origin == Origin::Published)
    }
}

/// Experiments by name.
#[derive(Debug, Clone)]
pub struct Library {
    pub entries: Vec<Entry>,
    /// What the harness found about itself, on the machine that is shown first.
    pub self_check: Option<SelfCheck>,
}

impl Library {
    /// Reads every manifest below `root` and the results that `source` names.
    pub fn open(root: &Path, source: &Source) -> Result<Library> {
        let mut entries = Vec::new();
        for experiment in Experiment::all(root)? {
            let mut others = Vec::new();
            for machine in machines(root)? {
                let path = published_path(root, &machine, &experiment.id);
                others.extend(read(root, &experiment, path, Origin::Published)?);
            }
            let own = match source {
                Source::Published { .. } => None,
                Source::OwnFirst { target, .. } => {
                    read(root, &experiment, own_path(target, &experiment.id), Origin::Own)?
                        // Half a session says nothing yet; the published results still do.
                        .filter(|own| own.results.sessions() > 0)
                }
            };
            let measured = own.or_else(|| take_shown(&mut others, source.machines()));
            entries.push(Entry {
                experiment,
                measured,
                others,
            });
        }
        let own = match source {
            Source::Published { .. } => None,
            Source::OwnFirst { target, .. } => Some(self_check::own_path(target)),
        };
        let published = source
            .machines()
            .iter()
            .map(|machine| self_check::published_path(root, machine));
        let path = own.into_iter().chain(published).find(|path| path.is_file());
        let self_check = path.map(|path| SelfCheck::read(&path)).transpose()?;
        Ok(Library { entries, self_check })
    }

    pub fn get(&self, experiment: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.experiment.id == experiment)
    }

    /// Machines with published results of any experiment, by name.
    pub fn machines(&self) -> BTreeSet<&str> {
        self.entries
            .iter()
            .flat_map(Entry::published)
            .map(|measured| measured.results.machine.id.as_str())
            .collect()
    }

    /// The same experiments as one machine's published results show them: what it did not measure is not measured.
    pub fn on(&self, machine: &str) -> Library {
        let entries = self.entries.iter().map(|entry| {
            let (of_it, others) = entry
                .published()
                .cloned()
                .partition(|measured: &Measured| measured.results.machine.id == machine);
            let of_it: Vec<Measured> = of_it;
            Entry {
                experiment: entry.experiment.clone(),
                measured: of_it.into_iter().next(),
                others,
            }
        });
        Library {
            entries: entries.collect(),
            self_check: self.self_check.clone().filter(|check| check.machine.id == machine),
        }
    }
}

/// Where a reader's own results of an experiment lie.
pub fn own_path(target: &Path, experiment: &str) -> PathBuf {
    target.join("measurements").join(format!("{experiment}.json"))
}

/// Where a machine's published results of an experiment lie.
pub(crate) fn published_path(root: &Path, machine: &str, experiment: &str) -> PathBuf {
    root.join("measurements")
        .join(machine)
        .join(format!("{experiment}.json"))
}

/// Machines with published results, by name.
pub fn machines(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("measurements");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(Vec::new());
    };
    let mut machines = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        if entry.path().is_dir() {
            machines.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    machines.sort();
    Ok(machines)
}

fn read(root: &Path, experiment: &Experiment, path: PathBuf, origin: Origin) -> Result<Option<Measured>> {
    if !path.is_file() {
        return Ok(None);
    }
    let results = Results::read(&path)?;
    let stale = stale_programs(experiment, &results)?;
    let recorded = &results.environment.packages;
    let imported: Vec<(String, String)> = packages::imported(experiment, recorded)
        .into_iter()
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .collect();
    let mut drift = packages::drift(root, recorded)?;
    drift.sort_by_key(|change| !imported.iter().any(|(name, _)| *name == change.package));
    Ok(Some(Measured {
        origin,
        path,
        imported,
        drift,
        results,
        stale,
    }))
}

/// Programs whose present fingerprint is not the one measured. One that the machine could not run has not changed.
pub(crate) fn stale_programs(experiment: &Experiment, results: &Results) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    let measured = |program: &&Program| !results.skipped.contains_key(&program.id);
    for program in experiment.programs.iter().filter(measured) {
        let now = fingerprint::program(experiment, program)?;
        if results.fingerprints.get(&program.id) != Some(&now) {
            stale.push(program.id.clone());
        }
    }
    Ok(stale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    fn measured(machine: &str, origin: Origin) -> Measured {
        let (_, mut results) = sample();
        results.machine.id = machine.to_owned();
        Measured {
            results,
            origin,
            path: PathBuf::from(machine),
            stale: Vec::new(),
            imported: Vec::new(),
            drift: Vec::new(),
        }
    }

    #[test]
    fn the_first_machine_whose_results_are_not_stale_is_shown() {
        let machines = ["first".to_owned(), "second".to_owned()];
        let published = |stale: &[&str], of: &[&str]| -> Vec<Measured> {
            let of = of.iter().map(|machine| {
                let mut one = measured(machine, Origin::Published);
                if stale.contains(machine) {
                    one.stale.push("a".to_owned());
                }
                one
            });
            of.collect()
        };
        let shown = |mut published: Vec<Measured>| {
            let shown = take_shown(&mut published, &machines).map(|one| one.results.machine.id);
            (shown.unwrap_or_default(), published.len())
        };
        let all = ["another", "second", "first"];
        assert_eq!(shown(published(&[], &all)), ("first".to_owned(), 2));
        assert_eq!(shown(published(&["first"], &all)), ("second".to_owned(), 2));
        assert_eq!(shown(published(&["first", "second"], &all)), ("first".to_owned(), 2));
        assert_eq!(shown(published(&[], &["another", "second"])), ("second".to_owned(), 1));
        assert_eq!(shown(published(&[], &["another"])), (String::new(), 1));
    }

    #[test]
    fn a_library_is_turned_to_any_machine_that_published() {
        let (experiment, _) = sample();
        let library = Library {
            self_check: None,
            entries: vec![Entry {
                experiment,
                measured: Some(measured("mine", Origin::Own)),
                others: vec![measured("b", Origin::Published), measured("a", Origin::Published)],
            }],
        };
        assert_eq!(library.machines().into_iter().collect::<Vec<_>>(), ["a", "b"]);
        let shown = |machine: &str| {
            let entry = library.on(machine).entries.remove(0);
            let shown = entry.measured.map(|measured| measured.path);
            (shown, entry.others.len())
        };
        assert_eq!(shown("b"), (Some(PathBuf::from("b")), 1));
        assert_eq!(shown("mine"), (None, 2), "one's own results are not published");
        assert_eq!(shown("nowhere"), (None, 2));
    }

    #[test]
    fn a_program_that_could_not_run_is_not_stale() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.rs"), "fn main() {}\n").unwrap();
        let (mut experiment, mut results) = sample();
        experiment.folder = folder.path().to_owned();
        assert_eq!(stale_programs(&experiment, &results).unwrap(), ["a", "b"]);
        results.fingerprints.remove("b");
        results.skipped.insert("b".to_owned(), "no Go".to_owned());
        assert_eq!(stale_programs(&experiment, &results).unwrap(), ["a"]);
    }
}
