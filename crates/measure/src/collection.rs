//! All that is published under `measurements/`: checked, merged with what other machines measured, and retired.
//!
//! A machine's results are whole: they are replaced as one set, and no set holds campaigns of different environments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::compare::{Set, environment_conflicts};
use crate::experiment::Experiment;
use crate::library::{machines, published_path, stale_programs};
use crate::moves::{self, Moves};
use crate::publish::{self, BYTES_AT_MOST, self_check_refusals};
use crate::results::{Publication, Results};
use crate::schema;
use crate::self_check::{self, SelfCheck};
use crate::statistics::Estimate;

/// Something wrong with a file or folder, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub path: PathBuf,
    pub what: String,
}

/// What [`check`] found.
#[derive(Debug, Default)]
pub struct Report {
    /// Result files that were looked at.
    pub files: usize,
    /// What must not be.
    pub problems: Vec<Problem>,
    /// What the book shows or leaves out with a note: stale results of other machines than the reference, and sets of several environments.
    pub notes: Vec<Problem>,
    /// By machine: the controls of all its experiments against themselves, pooled.
    pub controls: Vec<(String, Estimate)>,
}

/// Looks at everything below `measurements/`.
///
/// Of each experiment the book shows the first of `reference_machines` that has fresh results; where none has, stale ones are a problem.
pub fn check(root: &Path, reference_machines: &[String]) -> Result<Report> {
    let experiments = Experiment::all(root)?;
    let mut report = Report::default();
    let mut shown = Shown {
        machines: reference_machines,
        fresh: BTreeSet::new(),
        stale: Vec::new(),
    };
    let folder = root.join("measurements");
    for path in listed(&folder)? {
        if path.is_dir() {
            check_machine(&experiments, &path, &mut shown, &mut report)?;
        } else if path != schema::path(root) && path != moves::path(root) {
            report.problems.push(Problem {
                path,
                what: "beside the machines' folders only schema.json and moves.json belong here: move it or remove it"
                    .to_owned(),
            });
        }
    }
    if let Err(error) = Moves::read(root) {
        report.problems.push(Problem {
            path: moves::path(root),
            what: format!("{error:#}"),
        });
    }
    for Stale {
        machine,
        experiment,
        path,
        what,
    } in shown.stale
    {
        if reference_machines.contains(&machine) && !shown.fresh.contains(&experiment) {
            report.problems.push(Problem {
                path,
                what: format!(
                    "{what}: run `cargo xtask measure {experiment}` and `cargo xtask measurements publish {experiment}`"
                ),
            });
        } else {
            report.notes.push(Problem {
                path,
                what: format!(
                    "{what}; measure again on that machine and merge, or `cargo xtask measurements retire {machine}`"
                ),
            });
        }
    }
    Ok(report)
}

/// What the book can show of the machines that it shows.
struct Shown<'a> {
    machines: &'a [String],
    /// Experiments with results of the programs as they are.
    fresh: BTreeSet<String>,
    /// Of whatever machine.
    stale: Vec<Stale>,
}

struct Stale {
    machine: String,
    experiment: String,
    path: PathBuf,
    what: String,
}

fn check_machine(experiments: &[Experiment], folder: &Path, shown: &mut Shown<'_>, report: &mut Report) -> Result<()> {
    let machine = name_of(folder);
    let mut whole: Vec<Results> = Vec::new();
    for path in listed(folder)? {
        let mut problem = |what: String| {
            report.problems.push(Problem {
                path: path.clone(),
                what,
            });
        };
        if !path.is_file() || path.extension().is_none_or(|extension| extension != "json") {
            problem("only result files belong into a machine's folder: move it or remove it".to_owned());
            continue;
        }
        report.files += 1;
        if name_of(&path) == self_check::FILE {
            self_check_reasons(experiments, &path, shown.machines.contains(&machine))?
                .into_iter()
                .for_each(problem);
            continue;
        }
        let (experiment, results) = match examine(experiments, &path)? {
            Ok(examined) => examined,
            Err(reasons) => {
                reasons.into_iter().for_each(problem);
                continue;
            }
        };
        if path.file_stem().is_none_or(|stem| stem != results.experiment.as_str()) {
            problem(format!(
                "it holds experiment `{0}`: rename it to {0}.json",
                results.experiment
            ));
        }
        if machine != results.machine.id {
            problem(format!(
                "it was measured on `{0}`: move it to measurements/{0}/",
                results.machine.id
            ));
        }
        if results.published.is_none() {
            problem(
                "it has no date of publication: put it here by `cargo xtask measurements publish` or `merge`"
                    .to_owned(),
            );
        }
        publish::rules(experiment, &results).into_iter().for_each(&mut problem);
        let stale = stale_programs(experiment, &results)?;
        if !stale.is_empty() {
            shown.stale.push(Stale {
                machine: machine.clone(),
                experiment: experiment.id.clone(),
                path: path.clone(),
                what: format!("stale: {} changed since", stale.join(", ")),
            });
        } else if shown.machines.contains(&machine) {
            shown.fresh.insert(experiment.id.clone());
        }
        whole.push(results);
    }
    let set = whole.iter().filter_map(|results| {
        let experiment = experiments.iter().find(|one| one.id == results.experiment)?;
        Some((experiment, results))
    });
    if let Some(pooled) = publish::pooled_control(set) {
        if let Some(what) = publish::pooled_control_refusal(&pooled) {
            report.problems.push(Problem {
                path: folder.to_owned(),
                what,
            });
        }
        report.controls.push((machine.clone(), pooled));
    }
    let conflicts = conflicts(&whole.iter().collect::<Vec<_>>());
    if !conflicts.is_empty() {
        report.notes.push(Problem {
            path: folder.to_owned(),
            what: format!(
                "its experiments were measured in different environments: {}. Measure them all again, so that they are one set",
                conflicts.join("; ")
            ),
        });
    }
    Ok(())
}

/// What is wrong with the harness's check of itself. Elsewhere than on a machine that the book shows it may be of older programs.
fn self_check_reasons(experiments: &[Experiment], path: &Path, reference: bool) -> Result<Vec<String>> {
    let check = match SelfCheck::read(path) {
        Ok(check) => check,
        Err(error) => return Ok(vec![format!("{error:#}")]),
    };
    let Some(experiment) = experiments.iter().find(|one| one.id == self_check::EXPERIMENT) else {
        return Ok(vec![format!(
            "there is no experiment `{}` any more",
            self_check::EXPERIMENT
        )]);
    };
    if !reference {
        return Ok(Vec::new());
    }
    self_check_refusals(experiment, &check)
}

/// Reads a result file of one of the experiments. The inner error holds the reasons why it is none.
fn examine<'e>(experiments: &'e [Experiment], path: &Path) -> Result<Result<(&'e Experiment, Results), Vec<String>>> {
    let bytes = std::fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    if bytes > BYTES_AT_MOST as u64 {
        return Ok(Err(vec![format!(
            "it has {bytes} bytes, at most {BYTES_AT_MOST} are wanted: fewer points, programs or rounds"
        )]));
    }
    let results = match Results::read(path) {
        Ok(results) => results,
        Err(error) => return Ok(Err(vec![format!("{:#}", error.root_cause())])),
    };
    match experiments
        .iter()
        .find(|experiment| experiment.id == results.experiment)
    {
        Some(experiment) => Ok(Ok((experiment, results))),
        None => Ok(Err(vec![format!(
            "there is no experiment `{}` in examples/: remove the file, or update the checkout",
            results.experiment
        )])),
    }
}

/// What became of one machine's results in a merge.
#[derive(Debug)]
pub struct Merged {
    pub machine: String,
    /// What stood there, as far as it could be read.
    pub before: Option<Set>,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub enum Outcome {
    /// What stands there now; and the experiments that no longer do.
    Taken { now: Set, removed: Vec<String> },
    /// Nothing was changed, for these reasons.
    Refused(Vec<String>),
}

/// What [`merge`] did.
#[derive(Debug)]
pub struct Merge {
    pub machines: Vec<Merged>,
    /// Files that were not taken in, with reasons.
    pub refused: Vec<Problem>,
}

/// Takes in every result file below `folders`. What breaks the rules of publication is left out; of each machine the rest replaces all that
/// stands for it, or with `partial` is added to it. Nothing is written before everything was read.
pub fn merge(root: &Path, folders: &[PathBuf], partial: bool, date: &str) -> Result<Merge> {
    let experiments = Experiment::all(root)?;
    let mut files = Vec::new();
    for folder in folders {
        result_files(folder, &mut files)?;
    }
    ensure!(
        !files.is_empty(),
        "there is no result file (*.json) below {}",
        folders
            .iter()
            .map(|f| f.display().to_string())
            .collect::<Vec<_>>()
            .join(", ")
    );
    let mut refused = Vec::new();
    let mut incoming: BTreeMap<String, Vec<(PathBuf, Results)>> = BTreeMap::new();
    for path in files {
        let reasons = match examine(&experiments, &path)? {
            Ok((experiment, mut results)) => {
                let reasons = publish::refusals(experiment, &results)?;
                if reasons.is_empty() {
                    results.published = Some(Publication { date: date.to_owned() });
                    incoming
                        .entry(results.machine.id.clone())
                        .or_default()
                        .push((path, results));
                    continue;
                }
                reasons
            }
            Err(reasons) => reasons,
        };
        refused.extend(reasons.into_iter().map(|what| Problem {
            path: path.clone(),
            what,
        }));
    }
    let machines = incoming
        .into_iter()
        .map(|(machine, incoming)| merge_machine(root, machine, incoming, partial))
        .collect::<Result<_>>()?;
    Ok(Merge { machines, refused })
}

fn merge_machine(root: &Path, machine: String, incoming: Vec<(PathBuf, Results)>, partial: bool) -> Result<Merged> {
    let folder = root.join("measurements").join(&machine);
    let standing: Vec<PathBuf> = if folder.is_dir() { listed(&folder)? } else { Vec::new() };
    let mut reasons = Vec::new();
    let mut now: BTreeMap<String, (PathBuf, Results)> = BTreeMap::new();
    for (path, results) in incoming {
        if let Some((first, twice)) = now.insert(results.experiment.clone(), (path.clone(), results)) {
            reasons.push(format!(
                "`{}` comes in twice, in {} and {}: give one of them",
                twice.experiment,
                first.display(),
                path.display()
            ));
        }
    }
    let mut before = Vec::new();
    let mut kept = Vec::new();
    for path in &standing {
        let replaced = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .is_some_and(|stem| now.contains_key(stem));
        match Results::read(path) {
            Ok(results) => {
                if partial && !replaced {
                    kept.push(results.clone());
                }
                before.push(results);
            }
            Err(error) if partial && !replaced => reasons.push(format!(
                "{error:#}: without --partial the whole set is replaced, and this file goes"
            )),
            // What cannot be read cannot be compared with; it is replaced.
            Err(_) => {}
        }
    }
    let set: Vec<&Results> = kept.iter().chain(now.values().map(|(_, results)| results)).collect();
    let differing = conflicts(&set);
    if !differing.is_empty() {
        reasons.push(format!(
            "its experiments come from campaigns of different environments: {}. {}",
            differing.join("; "),
            if partial {
                "Measure all experiments in one environment, and merge without --partial"
            } else {
                "Measure all experiments again in one of them"
            }
        ));
    }
    let before = match before.is_empty() {
        true => None,
        false => Some(Set::new(&format!("what stood in measurements/{machine}"), before)?),
    };
    if !reasons.is_empty() {
        return Ok(Merged {
            machine,
            before,
            outcome: Outcome::Refused(reasons),
        });
    }
    for (_, results) in now.values() {
        results.write(&published_path(root, &machine, &results.experiment))?;
    }
    let mut removed = Vec::new();
    for path in standing {
        let name = path
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        if !partial && path.is_file() && name_of(&path) != self_check::FILE && !now.contains_key(&name) {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            removed.push(name);
        }
    }
    let all = kept.into_iter().chain(now.into_values().map(|(_, results)| results));
    let now = Set::new(&format!("what stands in measurements/{machine} now"), all)?;
    Ok(Merged {
        machine,
        before,
        outcome: Outcome::Taken { now, removed },
    })
}

/// Why these results of one machine are no set; what holds between all of them is said once, of the first two it is seen in.
fn conflicts(set: &[&Results]) -> Vec<String> {
    let mut found = Vec::new();
    for (index, one) in set.iter().enumerate() {
        for other in &set[index + 1..] {
            let conflicts = environment_conflicts(one, other);
            if !conflicts.is_empty() && found.is_empty() {
                found = conflicts;
            }
        }
    }
    found
}

/// A line of a file that names a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention {
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
}

/// Removes a machine's published results, and returns what else in the book names it.
pub fn retire(root: &Path, machine: &str, reference_machines: &[String]) -> Result<Vec<Mention>> {
    let known = machines(root)?;
    ensure!(
        known.iter().any(|one| one == machine),
        "there is no machine `{machine}` under measurements/; there are: {}",
        known.join(", ")
    );
    if reference_machines.iter().any(|one| one == machine) {
        let others: Vec<&str> = known.iter().map(String::as_str).filter(|one| *one != machine).collect();
        bail!(
            "`{machine}` is a machine whose results the book shows: first set `reference-machine` in book.toml to another ({}), and see that \
             `cargo xtask claims` holds there",
            if others.is_empty() {
                "there is none yet: publish or merge one".to_owned()
            } else {
                others.join(", ")
            }
        );
    }
    let folder = root.join("measurements").join(machine);
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    let mut mentions = Vec::new();
    for place in ["book.toml", "src", "po"] {
        find_mentions(&root.join(place), machine, &mut mentions)?;
    }
    Ok(mentions)
}

fn find_mentions(place: &Path, machine: &str, mentions: &mut Vec<Mention>) -> Result<()> {
    if place.is_dir() {
        for path in listed(place)? {
            find_mentions(&path, machine, mentions)?;
        }
        return Ok(());
    }
    // Pictures are no text, and name nobody.
    let Ok(text) = std::fs::read_to_string(place) else {
        return Ok(());
    };
    let lines = text.lines().enumerate().filter(|(_, line)| line.contains(machine));
    mentions.extend(lines.map(|(index, _)| Mention {
        path: place.to_owned(),
        line: index + 1,
    }));
    Ok(())
}

/// Every `*.json` below a folder, links not followed; or the file itself.
fn result_files(place: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let kind = std::fs::symlink_metadata(place)
        .with_context(|| format!("cannot read {}", place.display()))?
        .file_type();
    if kind.is_dir() {
        for path in listed(place)? {
            result_files(&path, into)?;
        }
    } else if kind.is_file()
        && place.extension().is_some_and(|extension| extension == "json")
        // It is published by the machine that took it, not merged.
        && name_of(place) != self_check::FILE
    {
        into.push(place.to_owned());
    }
    Ok(())
}

/// What is in a folder, by name.
fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let read = || -> std::io::Result<Vec<PathBuf>> {
        let mut paths = std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<PathBuf>>>()?;
        paths.sort();
        Ok(paths)
    };
    read().with_context(|| format!("cannot read {}", folder.display()))
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
