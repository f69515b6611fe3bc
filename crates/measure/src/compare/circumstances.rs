//! What else differs between two sets than what was measured: machine, environment, sizes, programs.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::results::Results;

/// One thing that is not the same, for those experiments in which it is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Circumstance {
    pub what: String,
    /// Absent where there was none.
    pub old: Option<String>,
    pub new: Option<String>,
    pub experiments: Vec<String>,
}

/// In the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Machine,
    Environment,
    Package,
    Campaign,
    Parameter,
    Program,
}

/// What there is to differ: by kind and name, what it is.
type Facts = BTreeMap<(Kind, String), String>;

/// Differences over all experiments that both sets have.
pub(super) fn differences(old: &BTreeMap<String, Results>, new: &BTreeMap<String, Results>) -> Vec<Circumstance> {
    type Found = BTreeMap<((Kind, String), Option<String>, Option<String>), Vec<String>>;
    let mut found = Found::new();
    for (name, of_old) in old {
        let Some(of_new) = new.get(name) else { continue };
        let (of_old, of_new) = (facts(of_old), facts(of_new));
        let keys: BTreeSet<_> = of_old.keys().chain(of_new.keys()).collect();
        for key in keys {
            let (was, is) = (of_old.get(key), of_new.get(key));
            if was != is {
                let experiments = found.entry((key.clone(), was.cloned(), is.cloned())).or_default();
                experiments.push(name.clone());
            }
        }
    }
    found
        .into_iter()
        .map(|(((_, what), old, new), experiments)| Circumstance {
            what,
            old,
            new,
            experiments,
        })
        .collect()
}

/// Why two results cannot stand in one set of a machine: what both tell of machine and environment and tell differently. What only one tells
/// is no conflict, since each names only the packages and tools that its own programs need.
pub fn environment_conflicts(one: &Results, other: &Results) -> Vec<String> {
    let (of_one, of_other) = (facts(one), facts(other));
    of_one
        .iter()
        .filter(|((kind, _), _)| matches!(kind, Kind::Machine | Kind::Environment | Kind::Package))
        .filter_map(|(key, fact)| {
            let different = of_other.get(key).filter(|different| *different != fact)?;
            Some(format!(
                "{} is {fact} in `{}` and {different} in `{}`",
                key.1, one.experiment, other.experiment
            ))
        })
        .collect()
}

fn facts(results: &Results) -> Facts {
    let mut facts = Facts::new();
    let mut tell = |kind, what: &str, fact: String| {
        facts.insert((kind, what.to_owned()), fact);
    };
    let machine = &results.machine;
    tell(Kind::Machine, "the CPU", machine.cpu.clone());
    tell(Kind::Machine, "the number of cores", machine.cores.to_string());
    tell(
        Kind::Machine,
        "the hypervisor",
        machine.hypervisor.clone().unwrap_or_else(|| "none".to_owned()),
    );
    // To the GiB: the kernel keeps a little for itself, more or less of it at each start.
    tell(
        Kind::Machine,
        "memory",
        format!("{} GiB", (machine.memory_bytes as f64 / f64::from(1 << 30)).round()),
    );

    let environment = &results.environment;
    tell(Kind::Environment, "the kernel", environment.kernel.clone());
    tell(Kind::Environment, "rustc", environment.rustc.clone());
    for flag in environment.cpu_flags.split_whitespace() {
        tell(Kind::Environment, &format!("CPU feature {flag}"), "there".to_owned());
    }
    let cores: Vec<String> = environment.affinity.iter().map(usize::to_string).collect();
    tell(Kind::Environment, "the cores that may be used", cores.join(", "));
    let quota = environment
        .quota_cores
        .map_or("none".to_owned(), |cores| format!("{cores} cores"));
    tell(Kind::Environment, "the CPU quota", quota);
    let governor = environment.governor.clone().unwrap_or_else(|| "not shown".to_owned());
    tell(Kind::Environment, "the governor of the clock", governor);
    for (name, python) in &environment.pythons {
        tell(Kind::Environment, &format!("Python ({name})"), python.version.clone());
        let build = format!(
            "{}{}, by {}, configured with {}",
            if python.optimised {
                "with PGO and LTO"
            } else {
                "without PGO and LTO"
            },
            if python.free_threaded { ", free-threaded" } else { "" },
            python.compiler,
            match python.configure.as_slice() {
                [] => "nothing".to_owned(),
                arguments => arguments.join(" "),
            }
        );
        tell(Kind::Environment, &format!("the build of Python ({name})"), build);
    }
    for (tool, version) in &environment.tools {
        tell(Kind::Environment, tool, version.clone());
    }
    for (package, version) in &environment.packages {
        tell(Kind::Package, &format!("package {package}"), version.clone());
    }

    let campaign = &results.campaign;
    let rounds = format!("{} of {} rounds", results.sessions(), campaign.rounds);
    tell(Kind::Campaign, "the number of sessions", rounds);
    for (name, value) in &results.parameters {
        tell(
            Kind::Parameter,
            &format!("parameter {name} of {}", results.experiment),
            value.to_string(),
        );
    }
    for (program, fingerprint) in &results.fingerprints {
        let what = format!(
            "program {program} of {} (source, arguments or sizes)",
            results.experiment
        );
        tell(Kind::Program, &what, fingerprint.clone());
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::sample;

    fn of(results: Results) -> BTreeMap<String, Results> {
        BTreeMap::from([(results.experiment.clone(), results)])
    }

    #[test]
    fn each_difference_is_told_once_with_both_sides() {
        let (_, old) = sample();
        assert_eq!(differences(&of(old.clone()), &of(old.clone())), []);
        let mut new = old.clone();
        new.environment.kernel = "Linux 7".to_owned();
        new.environment.pythons.get_mut("default").unwrap().version = "3.14.0".to_owned();
        new.environment.packages.insert("tokio".to_owned(), "2.0.0".to_owned());
        new.environment.cpu_flags = "fpu".to_owned();
        new.machine.memory_bytes += 1000;
        new.fingerprints.insert("a".to_owned(), "9".to_owned());
        let mut other_old = old.clone();
        other_old.experiment = "y".to_owned();
        let mut other_new = other_old.clone();
        other_new.environment.kernel = "Linux 7".to_owned();
        let both_old = of(old).into_iter().chain(of(other_old)).collect();
        let both_new = of(new).into_iter().chain(of(other_new)).collect();
        let told: Vec<_> = differences(&both_old, &both_new)
            .into_iter()
            .map(|c| (c.what, c.old, c.new, c.experiments.join(" ")))
            .collect();
        let line = |what: &str, old: Option<&str>, new: Option<&str>, of: &str| {
            (
                what.to_owned(),
                old.map(str::to_owned),
                new.map(str::to_owned),
                of.to_owned(),
            )
        };
        assert_eq!(
            told,
            [
                line("CPU feature sse2", Some("there"), None, "x"),
                line("Python (default)", Some("3.13.0"), Some("3.14.0"), "x"),
                line("the kernel", Some("Linux"), Some("Linux 7"), "x y"),
                line("package tokio", None, Some("2.0.0"), "x"),
                line("program a of x (source, arguments or sizes)", Some("1"), Some("9"), "x"),
            ]
        );
    }

    #[test]
    fn experiments_conflict_in_what_both_tell_and_not_in_what_one_needs_alone() {
        let (_, one) = sample();
        let mut other = one.clone();
        other.experiment = "y".to_owned();
        other.environment.packages.insert("uvloop".to_owned(), "1".to_owned());
        other.fingerprints.insert("a".to_owned(), "9".to_owned());
        other.environment.pythons.clear();
        assert_eq!(environment_conflicts(&one, &other), [] as [String; 0]);
        other.environment.rustc = "1.99.0".to_owned();
        assert_eq!(
            environment_conflicts(&one, &other),
            ["rustc is 1.95.0 in `x` and 1.99.0 in `y`"]
        );
    }
}
