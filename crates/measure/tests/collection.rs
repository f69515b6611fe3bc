//! What is published, over small checkouts of their own: checking it, merging what other machines bring, retiring a machine.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use measure::collection::{self, Merge, Outcome};
use measure::compare::compare;
use measure::experiment::{Experiment, Point};
use measure::fingerprint;
use measure::results::{Campaign, Environment, FORMAT, Machine, Phase, PythonBuild, Results, Run};

const MANIFEST: &str = r#"
title = "Pair"
rounds = 3
timeout_seconds = 2
[[program]]
id = "slow"
label = "Slow"
language = "python"
file = "slow.py"
[[program]]
id = "fast"
label = "Fast"
language = "python"
file = "fast.py"
[[metric]]
id = "seconds"
label = "time"
quantity = "seconds"
phase = "p"
"#;

/// A checkout with two experiments of the same two programs, a folder of incoming results, and nothing published.
struct Checkout {
    folder: tempfile::TempDir,
}

impl Checkout {
    fn new() -> Checkout {
        let checkout = Checkout {
            folder: tempfile::tempdir().unwrap(),
        };
        for experiment in ["one", "two"] {
            checkout.put(&format!("examples/{experiment}/experiment.toml"), MANIFEST);
            checkout.put(&format!("examples/{experiment}/slow.py"), "print(1)\n");
            checkout.put(&format!("examples/{experiment}/fast.py"), "print(2)\n");
        }
        checkout.put("measurements/schema.json", "{}\n");
        checkout
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn put(&self, path: &str, text: &str) -> PathBuf {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Good results of an experiment on a machine, `slow` taking `factor` times as long as `fast`.
    fn results(&self, experiment: &str, machine: &str, factor: f64) -> Results {
        let experiment = Experiment::read(&self.root().join("examples").join(experiment)).unwrap();
        let mut runs = Vec::new();
        for session in 0..5u32 {
            for round in 0..3u32 {
                for (program, takes, control) in [("slow", factor, false), ("fast", 1.0, false), ("slow", factor, true)]
                {
                    let wobble = 1.0 + 0.002 * f64::from((session * 7 + round * 3) % 5);
                    runs.push(run(program, control, (session, round), takes * wobble));
                }
            }
        }
        Results {
            format: FORMAT,
            experiment: experiment.id.clone(),
            machine: Machine {
                id: machine.to_owned(),
                cpu: "a CPU".to_owned(),
                cores: 2,
                hypervisor: None,
                memory_bytes: 1 << 32,
            },
            environment: Environment {
                kernel: "Linux 6".to_owned(),
                cpu_flags: "fpu".to_owned(),
                affinity: vec![0, 1],
                quota_cores: None,
                governor: None,
                pythons: BTreeMap::from([(
                    "default".to_owned(),
                    PythonBuild {
                        free_threaded: false,
                        version: "3.13.1".to_owned(),
                        compiler: "GCC".to_owned(),
                        configure: Vec::new(),
                        optimised: true,
                    },
                )]),
                rustc: "1.95.0".to_owned(),
                tools: BTreeMap::new(),
                packages: BTreeMap::new(),
            },
            started: "2026-01-31T12:00:00Z".to_owned(),
            published: None,
            campaign: Campaign {
                sessions: 5,
                planned_sessions: 5,
                rounds: 3,
                seed: 1,
                control: "slow".to_owned(),
                log: Vec::new(),
                set_aside: Vec::new(),
            },
            fingerprints: experiment
                .programs
                .iter()
                .map(|program| (program.id.clone(), fingerprint::program(&experiment, program).unwrap()))
                .collect(),
            parameters: BTreeMap::new(),
            skipped: BTreeMap::new(),
            runs,
        }
    }

    /// Lays results where a machine's artifact would be unpacked.
    fn incoming(&self, leg: &str, results: &Results) -> PathBuf {
        let folder = self.root().join("incoming").join(leg);
        let path = folder.join(format!("{}.json", results.experiment));
        results.write(&path).unwrap();
        path
    }

    fn merge(&self, partial: bool) -> Merge {
        collection::merge(self.root(), &[self.root().join("incoming")], partial, "2026-02-01").unwrap()
    }

    /// Every file under `measurements/` but the schema.
    fn published(&self) -> Vec<String> {
        let mut found = Vec::new();
        for machine in measure::library::machines(self.root()).unwrap() {
            for entry in std::fs::read_dir(self.root().join("measurements").join(&machine)).unwrap() {
                found.push(format!("{machine}/{}", entry.unwrap().file_name().to_string_lossy()));
            }
        }
        found.sort();
        found
    }

    /// Problems and notes of a check with `m` as the reference machine, each with its place.
    fn problems(&self) -> (Vec<String>, Vec<String>) {
        let report = collection::check(self.root(), &["m".to_owned()]).unwrap();
        let shown = |problems: Vec<collection::Problem>| {
            problems
                .into_iter()
                .map(|p| format!("{}: {}", p.path.strip_prefix(self.root()).unwrap().display(), p.what))
                .collect()
        };
        (shown(report.problems), shown(report.notes))
    }
}

fn run(program: &str, control: bool, (session, round): (u32, u32), seconds: f64) -> Run {
    Run {
        program: program.to_owned(),
        control,
        point: Point::base(),
        session,
        round,
        position: 0,
        wall_seconds: seconds + 0.1,
        user_seconds: 0.1,
        system_seconds: 0.1,
        voluntary_switches: 1,
        involuntary_switches: 0,
        foreign_cores: 0.0,
        phases: BTreeMap::from([(
            "p".to_owned(),
            Phase {
                seconds,
                work: 1,
                cpu_seconds: 0.1,
                memory_bytes: None,
                peer_cpu_seconds: None,
                offered_per_second: None,
                late_p99_seconds: None,
                spans: Vec::new(),
                counts: BTreeMap::new(),
                series: BTreeMap::new(),
                latency: Vec::new(),
            },
        )]),
    }
}

fn reasons(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused(reasons) => reasons.join("\n"),
        Outcome::Taken { .. } => panic!("it was taken: {outcome:?}"),
    }
}

#[test]
fn machines_stay_apart_and_each_is_replaced_as_a_whole() {
    let checkout = Checkout::new();
    for machine in ["leg-a", "leg-b"] {
        for experiment in ["one", "two"] {
            checkout.incoming(machine, &checkout.results(experiment, machine, 2.0));
        }
    }
    let merge = checkout.merge(false);
    assert!(merge.refused.is_empty(), "{merge:?}");
    assert!(merge.machines.iter().all(|merged| merged.before.is_none()));
    let all = ["leg-a/one.json", "leg-a/two.json", "leg-b/one.json", "leg-b/two.json"];
    assert_eq!(checkout.published(), all);
    assert_eq!(
        checkout.problems(),
        (vec![], vec![]),
        "what was merged passes the check"
    );
    let read = Results::read(&checkout.root().join("measurements/leg-a/one.json")).unwrap();
    assert_eq!(read.published.unwrap().date, "2026-02-01");

    // A new campaign of one machine, of one experiment, in which the slow program became faster.
    std::fs::remove_dir_all(checkout.root().join("incoming")).unwrap();
    checkout.incoming("leg-a", &checkout.results("one", "leg-a", 1.5));
    let merge = checkout.merge(false);
    let Outcome::Taken { now, removed } = &merge.machines[0].outcome else {
        panic!("{merge:?}")
    };
    assert_eq!(removed, &["two"]);
    assert_eq!(
        checkout.published(),
        ["leg-a/one.json", "leg-b/one.json", "leg-b/two.json"]
    );
    let experiments = Experiment::all(checkout.root()).unwrap();
    let words = compare(&experiments, merge.machines[0].before.as_ref().unwrap(), now)
        .in_words()
        .join("\n");
    assert!(words.contains("one, slow: time fell by 25.0 %"), "{words}");
    assert!(words.contains("only in the old: two"), "{words}");
}

#[test]
fn with_partial_the_rest_stays_if_the_environment_is_the_same() {
    let checkout = Checkout::new();
    checkout.incoming("a", &checkout.results("one", "m", 2.0));
    checkout.merge(false);
    std::fs::remove_dir_all(checkout.root().join("incoming")).unwrap();

    let mut other = checkout.results("two", "m", 2.0);
    other.environment.kernel = "Linux 7".to_owned();
    checkout.incoming("a", &other);
    let before = std::fs::read(checkout.root().join("measurements/m/one.json")).unwrap();
    let refused = reasons(&checkout.merge(true).machines[0].outcome);
    assert!(
        refused.contains("the kernel is Linux 6 in `one` and Linux 7 in `two`"),
        "{refused}"
    );
    assert_eq!(checkout.published(), ["m/one.json"]);

    checkout.incoming("a", &checkout.results("two", "m", 2.0));
    let merge = checkout.merge(true);
    assert!(matches!(&merge.machines[0].outcome, Outcome::Taken { removed, .. } if removed.is_empty()));
    assert_eq!(checkout.published(), ["m/one.json", "m/two.json"]);
    assert_eq!(
        std::fs::read(checkout.root().join("measurements/m/one.json")).unwrap(),
        before
    );
}

#[test]
fn a_set_of_two_environments_or_with_a_twin_is_refused_whole() {
    let checkout = Checkout::new();
    let mut other = checkout.results("two", "m", 2.0);
    other.environment.rustc = "1.99.0".to_owned();
    checkout.incoming("a", &checkout.results("one", "m", 2.0));
    checkout.incoming("a", &other);
    let refused = reasons(&checkout.merge(false).machines[0].outcome);
    assert!(
        refused.contains("rustc is 1.95.0 in `one` and 1.99.0 in `two`"),
        "{refused}"
    );

    checkout.incoming("a", &checkout.results("two", "m", 2.0));
    checkout.incoming("b", &checkout.results("two", "m", 2.0));
    let refused = reasons(&checkout.merge(false).machines[0].outcome);
    assert!(
        refused.contains("`two` comes in twice") && refused.contains("/b/two.json"),
        "{refused}"
    );
    assert_eq!(checkout.published(), [] as [String; 0]);
}

#[test]
fn what_breaks_the_rules_is_left_out_with_its_reasons() {
    let checkout = Checkout::new();
    checkout.incoming("good", &checkout.results("one", "m", 2.0));
    let mut short = checkout.results("two", "m", 2.0);
    short.runs.retain(|run| run.session < 2);
    short.campaign.sessions = 2;
    short.campaign.planned_sessions = 2;
    checkout.incoming("short", &short);
    let mut unknown = checkout.results("one", "m", 2.0);
    unknown.experiment = "three".to_owned();
    checkout.incoming("unknown", &unknown);
    let mut changed = checkout.results("one", "m", 2.0);
    changed.fingerprints.insert("slow".to_owned(), "0".to_owned());
    checkout.incoming("changed", &changed);
    let mut escape = checkout.results("one", "m", 2.0);
    escape.machine.id = "../../elsewhere".to_owned();
    checkout.incoming("escape", &escape);
    checkout.put("incoming/none.json", "{}");
    checkout.put("incoming/large.json", &" ".repeat(1_000_001));

    let merge = checkout.merge(false);
    let refused: Vec<String> = merge
        .refused
        .iter()
        .map(|p| {
            format!(
                "{}: {}",
                p.path.strip_prefix(checkout.root()).unwrap().display(),
                p.what
            )
        })
        .collect();
    for (file, reason) in [
        ("incoming/short/two.json", "it was planned with 2 sessions"),
        ("incoming/unknown/three.json", "no experiment `three`"),
        ("incoming/changed/one.json", "slow changed since"),
        ("incoming/escape/one.json", "at /machine/id: "),
        ("incoming/none.json", "missing field `format`"),
        ("incoming/large.json", "it has 1000001 bytes"),
    ] {
        assert!(
            refused
                .iter()
                .any(|line| line.starts_with(file) && line.contains(reason)),
            "{file}: {reason}: {refused:#?}"
        );
    }
    assert_eq!(refused.len(), 6, "{refused:#?}");
    assert_eq!(checkout.published(), ["m/one.json"]);
}

#[test]
fn check_names_each_problem_and_what_to_do() {
    let checkout = Checkout::new();
    checkout.incoming("a", &checkout.results("one", "m", 2.0));
    checkout.incoming("b", &checkout.results("one", "other", 2.0));
    checkout.merge(false);
    assert_eq!(checkout.problems(), (vec![], vec![]));

    let good = std::fs::read_to_string(checkout.root().join("measurements/m/one.json")).unwrap();
    checkout.put("measurements/notes.txt", "x");
    checkout.put("measurements/m/notes.txt", "x");
    checkout.put("measurements/m/two.json", &good);
    checkout.put("measurements/elsewhere/one.json", &good);
    checkout.put(
        "measurements/m/broken.json",
        &good.replace("\"seed\": 1", "\"seed\": \"one\""),
    );
    checkout.put(
        "measurements/m/old.json",
        &good.replace("\"format\": 2", "\"format\": 1"),
    );
    let mut unpublished = checkout.results("two", "m", 2.0);
    unpublished.campaign.planned_sessions = 3;
    checkout.put("measurements/m/unpublished.json", &unpublished.to_json());
    let (problems, _) = checkout.problems();
    for (file, reason) in [
        ("measurements/notes.txt", "only schema.json and moves.json belong here"),
        ("measurements/m/notes.txt", "only result files"),
        ("measurements/m/two.json", "rename it to one.json"),
        ("measurements/elsewhere/one.json", "move it to measurements/m/"),
        (
            "measurements/m/broken.json",
            "at /campaign/seed: \"one\" is not of type \"integer\"",
        ),
        ("measurements/m/old.json", "measure again"),
        ("measurements/m/unpublished.json", "no date of publication"),
        ("measurements/m/unpublished.json", "planned with 3 sessions"),
        ("measurements/m/unpublished.json", "rename it to two.json"),
    ] {
        assert!(
            problems
                .iter()
                .any(|line| line.starts_with(&format!("{file}: ")) && line.contains(reason)),
            "{file}: {reason}: {problems:#?}"
        );
    }
    assert_eq!(problems.len(), 9, "{problems:#?}");
}

#[test]
fn stale_results_are_a_problem_on_the_reference_machine_and_a_note_elsewhere() {
    let checkout = Checkout::new();
    checkout.incoming("a", &checkout.results("one", "m", 2.0));
    checkout.incoming("b", &checkout.results("one", "other", 2.0));
    checkout.merge(false);
    checkout.put("examples/one/slow.py", "print(3)\n");
    let (problems, notes) = checkout.problems();
    assert_eq!((problems.len(), notes.len()), (1, 1), "{problems:?} {notes:?}");
    assert!(
        problems[0].starts_with("measurements/m/one.json: stale: slow changed"),
        "{problems:?}"
    );
    assert!(
        notes[0].starts_with("measurements/other/one.json: stale: slow changed"),
        "{notes:?}"
    );
}

#[test]
fn stale_results_are_a_note_where_another_machine_that_is_shown_has_fresh_ones() {
    let checkout = Checkout::new();
    checkout.incoming("a", &checkout.results("one", "m", 2.0));
    checkout.merge(false);
    checkout.put("examples/one/slow.py", "print(3)\n");
    std::fs::remove_dir_all(checkout.root().join("incoming")).unwrap();
    checkout.incoming("b", &checkout.results("one", "other", 2.0));
    checkout.merge(false);
    let shown = |machines: &[&str]| {
        let machines: Vec<String> = machines.iter().map(|&machine| machine.to_owned()).collect();
        let report = collection::check(checkout.root(), &machines).unwrap();
        (report.problems.len(), report.notes.len())
    };
    assert_eq!(shown(&["m"]), (1, 0));
    assert_eq!(shown(&["m", "other"]), (0, 1));
    assert_eq!(shown(&["other"]), (0, 1));
}

#[test]
fn a_machine_is_retired_unless_the_book_shows_it() {
    let checkout = Checkout::new();
    checkout.incoming("a", &checkout.results("one", "m", 2.0));
    checkout.incoming("b", &checkout.results("one", "other", 2.0));
    checkout.merge(false);
    checkout.put("book.toml", "reference-machine = \"m\"\n");
    checkout.put("src/part/chapter.md", "Line.\nOn other-machine, that is `other`.\n");
    checkout.put("po/it.po", "");

    let m = ["m".to_owned()];
    let error = format!("{:#}", collection::retire(checkout.root(), "m", &m).unwrap_err());
    assert!(
        error.contains("`reference-machine` in book.toml to another (other)"),
        "{error}"
    );
    let error = format!("{:#}", collection::retire(checkout.root(), "../src", &m).unwrap_err());
    assert!(error.contains("there are: m, other"), "{error}");
    assert_eq!(checkout.published().len(), 2);

    let mentions = collection::retire(checkout.root(), "other", &m).unwrap();
    assert_eq!(checkout.published(), ["m/one.json"]);
    assert_eq!(mentions.len(), 1, "{mentions:?}");
    assert!(mentions[0].path.ends_with("src/part/chapter.md") && mentions[0].line == 2);
}
