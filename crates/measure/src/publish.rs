//! Which results are fit to be published, and the copy into `measurements/<machine>/`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::campaign::FOREIGN_CORES_AT_MOST;
use crate::experiment::Experiment;
use crate::library::{own_path, published_path, stale_programs};
use crate::results::{Publication, Results};

/// Below this nothing is published: two sessions give an interval that says nothing.
pub const SESSIONS_AT_LEAST: usize = 3;

/// What became of one experiment.
#[derive(Debug)]
pub enum Verdict {
    Published(PathBuf),
    /// Every reason why not, each with what to do.
    Refused(Vec<String>),
    NothingMeasured,
}

/// Publishes what passes the rules; experiments by name, all where `chosen` is empty.
pub fn publish(root: &Path, target: &Path, chosen: &[String], date: &str) -> Result<Vec<(String, Verdict)>> {
    let mut verdicts = Vec::new();
    let all = Experiment::all(root)?;
    for name in chosen {
        anyhow::ensure!(
            all.iter().any(|experiment| &experiment.id == name),
            "there is no experiment `{name}`"
        );
    }
    for experiment in all {
        if !chosen.is_empty() && !chosen.contains(&experiment.id) {
            continue;
        }
        let own = own_path(target, &experiment.id);
        if !own.is_file() {
            verdicts.push((experiment.id, Verdict::NothingMeasured));
            continue;
        }
        let mut results = Results::read(&own)?;
        let reasons = refusals(&experiment, &results)?;
        let verdict = if reasons.is_empty() {
            results.published = Some(Publication {
                date: date.to_owned(),
                // The full rules also ask for five sessions and a program paired with itself, which is not measured yet.
                preliminary: true,
            });
            let path = published_path(root, &results.machine.id, &experiment.id);
            results.write(&path)?;
            Verdict::Published(path)
        } else {
            Verdict::Refused(reasons)
        };
        verdicts.push((experiment.id, verdict));
    }
    Ok(verdicts)
}

/// Every rule that these results break.
pub fn refusals(experiment: &Experiment, results: &Results) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    let name = &experiment.id;
    let sessions = results.sessions();
    if !results.is_complete() {
        reasons.push(format!(
            "its campaign was not finished ({sessions} of {} sessions): run `cargo xtask measure {name}` again",
            results.campaign.sessions
        ));
    }
    if sessions < SESSIONS_AT_LEAST {
        reasons.push(format!(
            "it has {sessions} sessions, at least {SESSIONS_AT_LEAST} are asked for: `cargo xtask measure {name} --sessions {SESSIONS_AT_LEAST}`"
        ));
    }
    let stale = stale_programs(experiment, results)?;
    if !stale.is_empty() {
        reasons.push(format!(
            "{} changed since: run `cargo xtask measure {name}`",
            stale.join(", ")
        ));
    }
    if !results.environment.python.optimised {
        reasons.push(format!(
            "Python {} was built without profile-guided and link-time optimisation, which is not fair to Python: measure with another by \
             `--python PATH`",
            results.environment.python.version
        ));
    }
    let disturbed = results
        .runs
        .iter()
        .filter(|run| run.foreign_cores > FOREIGN_CORES_AT_MOST)
        .count();
    if disturbed > 0 {
        reasons.push(format!(
            "{disturbed} runs were disturbed by other processes even when repeated: measure on a quiet machine"
        ));
    }
    Ok(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample's programs with fingerprints that are theirs.
    fn fresh() -> (Experiment, Results, tempfile::TempDir) {
        let (mut experiment, mut results) = crate::results::tests::sample();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("main.rs"), "fn main() {}").unwrap();
        experiment.folder = folder.path().to_owned();
        for program in &experiment.programs {
            let print = crate::fingerprint::program(&experiment, program).unwrap();
            results.fingerprints.insert(program.id.clone(), print);
        }
        (experiment, results, folder)
    }

    #[test]
    fn each_rule_refuses_and_says_what_to_do() {
        let (experiment, good, _folder) = fresh();
        assert_eq!(refusals(&experiment, &good).unwrap(), Vec::<String>::new());

        let reason = |change: &dyn Fn(&mut Results)| {
            let mut results = good.clone();
            change(&mut results);
            refusals(&experiment, &results).unwrap().join("\n")
        };
        assert!(reason(&|r| r.environment.python.optimised = false).contains("--python PATH"));
        assert!(reason(&|r| r.runs[0].foreign_cores = 0.5).contains("1 runs were disturbed"));
        assert!(reason(&|r| r.runs.truncate(7)).contains("not finished"));
        assert!(
            reason(&|r| {
                r.fingerprints.insert("a".to_owned(), "0".to_owned());
            })
            .contains("a changed since")
        );
        assert!(
            reason(&|r| {
                r.campaign.sessions = 2;
                r.runs.retain(|run| run.session < 2);
            })
            .contains("at least 3")
        );
    }
}
