//! Which results are fit to be published, and the copy into `measurements/<machine>/`.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::experiment::Experiment;
use crate::library::{own_path, published_path, stale_programs};
use crate::results::{FOREIGN_CORES_AT_MOST, Publication, Results};
use crate::self_check::{self, SelfCheck};
use crate::statistics::{self, Estimate, Sample, Scale};

/// Sessions that a campaign must have been planned with.
pub const SESSIONS_AT_LEAST: usize = 5;
/// Rounds of a session that count.
pub const ROUNDS_AT_LEAST: u32 = 3;
/// Between these the ratio of the controls to themselves must lie, pooled over all experiments of a machine.
pub const CONTROL_WITHIN: (f64, f64) = (0.98, 1.02);
/// Above this a file is too large for the repository.
pub(crate) const BYTES_AT_MOST: usize = 1_000_000;

/// What became of one experiment.
#[derive(Debug)]
pub enum Verdict {
    Published(Box<Published>),
    /// The harness's check of itself, into this file.
    PublishedCheck(PathBuf),
    /// Every reason why not, each with what to do.
    Refused(Vec<String>),
    NothingMeasured,
}

/// One experiment that was published.
#[derive(Debug)]
pub struct Published {
    pub path: PathBuf,
    pub results: Results,
    /// What stood there, if anything; an error where it could not be read.
    pub before: Option<Result<Results>>,
}

/// Publishes what passes the rules; experiments by name, all where `chosen` is empty.
pub fn publish(root: &Path, target: &Path, chosen: &[String], date: &str) -> Result<Vec<(String, Verdict)>> {
    let mut verdicts = Vec::new();
    let all = Experiment::all(root)?;
    for name in chosen {
        anyhow::ensure!(
            name == SELF_CHECK || all.iter().any(|experiment| &experiment.id == name),
            "there is no experiment `{name}`"
        );
    }
    if chosen.is_empty() || chosen.iter().any(|name| name == SELF_CHECK) {
        verdicts.push((SELF_CHECK.to_owned(), publish_self_check(root, target, date)?));
    }
    let pooled = pooled_of_own(&all, target)?;
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
        let mut reasons = refusals(&experiment, &results)?;
        reasons.extend(pooled.clone());
        let verdict = if reasons.is_empty() {
            results.published = Some(Publication { date: date.to_owned() });
            let path = published_path(root, &results.machine.id, &experiment.id);
            let before = path.is_file().then(|| Results::read(&path));
            results.write(&path)?;
            Verdict::Published(Box::new(Published { path, results, before }))
        } else {
            Verdict::Refused(reasons)
        };
        verdicts.push((experiment.id, verdict));
    }
    Ok(verdicts)
}

/// The pooled control of everything that was measured here and is complete.
fn pooled_of_own(all: &[Experiment], target: &Path) -> Result<Option<String>> {
    let mut set = Vec::new();
    for experiment in all {
        let path = own_path(target, &experiment.id);
        if path.is_file()
            && let Ok(results) = Results::read(&path)
            && results.is_complete()
        {
            set.push((experiment, results));
        }
    }
    let pooled = pooled_control(set.iter().map(|(experiment, results)| (*experiment, results)));
    Ok(pooled.as_ref().and_then(pooled_control_refusal))
}

/// What the harness's check of itself is called where experiments are named.
pub const SELF_CHECK: &str = "self-check";
/// Fewer short campaigns leave the coverage unknown by more than ten per cent to a side.
pub const CAMPAIGNS_AT_LEAST: u32 = 30;

fn publish_self_check(root: &Path, target: &Path, date: &str) -> Result<Verdict> {
    let own = self_check::own_path(target);
    if !own.is_file() {
        return Ok(Verdict::NothingMeasured);
    }
    let mut check = SelfCheck::read(&own)?;
    let experiment = Experiment::read(&root.join("examples").join(self_check::EXPERIMENT))?;
    let reasons = self_check_refusals(&experiment, &check)?;
    if !reasons.is_empty() {
        return Ok(Verdict::Refused(reasons));
    }
    check.published = Some(Publication { date: date.to_owned() });
    let path = self_check::published_path(root, &check.machine.id);
    check.write(&path)?;
    Ok(Verdict::PublishedCheck(path))
}

/// Every rule that a self-check breaks.
pub fn self_check_refusals(experiment: &Experiment, check: &SelfCheck) -> Result<Vec<String>> {
    let mut reasons = Vec::new();
    let again = "run `cargo xtask measure --self-check` again";
    if !check.is_complete() {
        reasons.push(format!("it was not finished: {again}"));
    }
    if check.campaigns < CAMPAIGNS_AT_LEAST {
        reasons.push(format!(
            "it has {} short campaigns, at least {CAMPAIGNS_AT_LEAST} are asked for: {again} with more `--campaigns`",
            check.campaigns
        ));
    }
    if check.hyperfine.is_none() {
        reasons.push("hyperfine was not installed (Debian and Ubuntu: `apt-get install hyperfine`)".to_owned());
    }
    for program in &experiment.programs {
        if check.fingerprints.get(&program.id) != Some(&crate::fingerprint::program(experiment, program)?) {
            reasons.push(format!("{} changed since: {again}", program.id));
        }
    }
    if !check.environment.pythons.values().all(|python| python.optimised) {
        reasons.push(format!(
            "its Python was built without profile-guided and link-time optimisation: {again} with `--python PATH`"
        ));
    }
    Ok(reasons)
}

/// Every rule that these results break, that they be of the programs as they are now among them.
pub fn refusals(experiment: &Experiment, results: &Results) -> Result<Vec<String>> {
    let mut reasons = rules(experiment, results);
    let stale = stale_programs(experiment, results)?;
    if !stale.is_empty() {
        reasons.push(format!(
            "{} changed since: run `cargo xtask measure {}`",
            stale.join(", "),
            experiment.id
        ));
    }
    Ok(reasons)
}

/// The rules that results break whatever became of the programs since.
pub fn rules(experiment: &Experiment, results: &Results) -> Vec<String> {
    let mut reasons = Vec::new();
    let name = &experiment.id;
    let sessions = results.sessions();
    if !results.is_complete() {
        reasons.push(format!(
            "its campaign was not finished ({sessions} of {} sessions): run `cargo xtask measure {name}` again",
            results.campaign.sessions
        ));
    }
    if results.campaign.planned_sessions < SESSIONS_AT_LEAST as u32 {
        reasons.push(format!(
            "it was planned with {} sessions, at least {SESSIONS_AT_LEAST} are asked for: `cargo xtask measure {name} --sessions {SESSIONS_AT_LEAST}`",
            results.campaign.planned_sessions
        ));
    }
    if results.campaign.rounds < ROUNDS_AT_LEAST {
        reasons.push(format!(
            "its sessions have {} counted rounds, at least {ROUNDS_AT_LEAST} are asked for: set `rounds` in its experiment.toml",
            results.campaign.rounds
        ));
    }
    for (program, why) in &results.skipped {
        reasons.push(format!("{program} was skipped: {why}"));
    }
    reasons.extend(control_refusal(experiment, results));
    let bytes = results.to_json().len();
    if bytes > BYTES_AT_MOST {
        reasons.push(format!(
            "its file would have {bytes} bytes, at most {BYTES_AT_MOST} are wanted in the repository: fewer points, programs or rounds"
        ));
    }
    for (which, python) in &results.environment.pythons {
        if !python.optimised {
            reasons.push(format!(
                "Python {} ({which}) was built without profile-guided and link-time optimisation, which is not fair to Python: build one with \
                 `cargo xtask python`, or name another with `--python PATH`",
                python.version
            ));
        }
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
    reasons
}

/// The control against itself: where its whole interval lies outside the limits, the same program is shown to be faster or slower than
/// itself. A wide interval is no such proof; what all controls say together is judged by [`pooled_control_refusal`].
fn control_refusal(experiment: &Experiment, results: &Results) -> Option<String> {
    let metric = experiment.principal()?;
    let name = &experiment.id;
    let (low, high) = CONTROL_WITHIN;
    match results.control_ratio(experiment, &metric.id) {
        Ok(ratio) if ratio.interval.is_some_and(|i| i.low <= high && i.high >= low) => None,
        Ok(ratio) => Some(format!(
            "`{}` against itself came out as {:.3} in `{}`, with an interval that lies wholly outside {low} to {high}: measure on a quieter machine: `cargo xtask measure {name}`",
            results.campaign.control, ratio.value, metric.id
        )),
        Err(missing) => Some(format!("there is no pair of a program with itself: {missing}")),
    }
}

/// The controls of a whole set of results against themselves, pooled over all their sessions, each counting once: a bias of the harness
/// would show in all of them. `None` where there is no control, or only one session.
pub fn pooled_control<'r>(set: impl IntoIterator<Item = (&'r Experiment, &'r Results)>) -> Option<Estimate> {
    let mut sessions = Vec::new();
    for (experiment, results) in set {
        if let Some(metric) = experiment.principal()
            && let Ok(ratios) = results.control_session_ratios(experiment, &metric.id)
        {
            sessions.extend(ratios);
        }
    }
    statistics::estimate(&Sample::fixed(&sessions), Scale::Logarithmic)
}

/// Why a set of results with this pooled control cannot be published.
pub(crate) fn pooled_control_refusal(pooled: &Estimate) -> Option<String> {
    let (low, high) = CONTROL_WITHIN;
    (!(low..=high).contains(&pooled.value)).then(|| {
        format!(
            "the controls of all experiments against themselves came out as {:.3} over {} sessions, which is not within {low} and {high}: \
             measure on a quieter machine",
            pooled.value, pooled.sessions
        )
    })
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
    fn a_self_check_has_rules_too() {
        let (mut experiment, _, _folder) = fresh();
        let mut good = crate::self_check::tests::sample(CAMPAIGNS_AT_LEAST, 0.02);
        let hyperfine = good.hyperfine.as_mut().unwrap();
        hyperfine.python = vec![15.0; CAMPAIGNS_AT_LEAST as usize];
        for program in &experiment.programs {
            let print = crate::fingerprint::program(&experiment, program).unwrap();
            good.fingerprints.insert(program.id.clone(), print);
        }
        assert_eq!(self_check_refusals(&experiment, &good).unwrap(), Vec::<String>::new());
        let reason = |change: &dyn Fn(&mut SelfCheck)| {
            let mut check = good.clone();
            change(&mut check);
            self_check_refusals(&experiment, &check).unwrap().join("\n")
        };
        assert!(reason(&|check| check.rounds.truncate(1)).contains("not finished"));
        assert!(reason(&|check| check.campaigns = 3).contains("3 short campaigns"));
        assert!(reason(&|check| check.hyperfine = None).contains("apt-get install hyperfine"));
        experiment.parameters.insert("more".to_owned(), Default::default());
        assert!(self_check_refusals(&experiment, &good).unwrap()[0].contains("changed since"));
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
        let python = |r: &mut Results| r.environment.pythons.get_mut("default").unwrap().optimised = false;
        assert!(reason(&python).contains("--python PATH"));
        assert!(reason(&|r| r.campaign.rounds = 2).contains("2 counted rounds"));
        let skip = |r: &mut Results| drop(r.skipped.insert("c".to_owned(), "no Go".to_owned()));
        assert!(reason(&skip).contains("c was skipped: no Go"));
        let off = |r: &mut Results| {
            for run in r.runs.iter_mut().filter(|run| run.control) {
                run.phases.get_mut("p").unwrap().seconds *= 1.03;
            }
        };
        assert!(reason(&off).contains("`b` against itself came out as 1.031"));
        let mut biased = good.clone();
        off(&mut biased);
        let refusal = |set: &[(&Experiment, &Results)]| {
            pooled_control(set.iter().copied()).and_then(|pooled| pooled_control_refusal(&pooled))
        };
        assert_eq!(refusal(&[(&experiment, &good)]), None);
        let pooled = refusal(&[(&experiment, &biased)]).unwrap();
        assert!(pooled.contains("1.031 over 5 sessions"), "{pooled}");
        // An experiment without a control takes nothing away from what the others say.
        let mut without = good.clone();
        without.runs.retain(|run| !run.control);
        assert_eq!(
            refusal(&[(&experiment, &without), (&experiment, &biased)]),
            Some(pooled)
        );
        // One experiment in four that is off by 3 % is within what all of them may be off.
        let three = [(&experiment, &good); 3];
        assert_eq!(refusal(&[&three[..], &[(&experiment, &biased)]].concat()), None);
        assert!(reason(&|r| r.runs.retain(|run| !run.control)).contains("no pair"));
        assert!(reason(&|r| r.runs[0].foreign_cores = 0.5).contains("1 runs were disturbed"));
        assert!(reason(&|r| r.runs.retain(|run| run.session != 1 || run.round != 2)).contains("not finished"));
        assert!(
            reason(&|r| {
                r.fingerprints.insert("a".to_owned(), "0".to_owned());
            })
            .contains("a changed since")
        );
        assert!(
            reason(&|r| {
                r.campaign.sessions = 3;
                r.campaign.planned_sessions = 3;
            })
            .contains("at least 5")
        );
    }
}
