//! Campaigns over small experiments of their own: what a maintainer meets when a program is wrong, hangs, or the run is cut off.
#![cfg(target_os = "linux")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use measure::build::Binaries;
use measure::campaign::{self, Options, Outcome, Progress};
use measure::harness::{Harness, Pythons};
use measure::library::own_path;
use measure::python::{Environment, Interpreter};
use measure::results::Results;

const PROGRAM: &str = r#"
import json, sys, time
began = time.perf_counter()
time.sleep(0.01)
print("a line that is no report")
print(json.dumps({"result": ANSWER, "phases": {"p": {
    "seconds": time.perf_counter() - began, "cpu_seconds": time.process_time(), "work": 1}}}))
"#;

/// A checkout with one experiment of two Python programs.
struct Checkout {
    folder: tempfile::TempDir,
}

impl Checkout {
    fn new(first: &str, second: &str) -> Checkout {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "[package]\nname = \"x\"\n[dependencies]\n");
        write("Cargo.lock", "package = []\n");
        write("requirements.txt", "");
        write("examples/pair/first.py", first);
        write("examples/pair/second.py", second);
        write(
            "examples/pair/experiment.toml",
            r#"
            title = "Pair"
            rounds = 2
            timeout_seconds = 2
            [[program]]
            id = "first"
            label = "First"
            language = "python"
            file = "first.py"
            [[program]]
            id = "second"
            label = "Second"
            language = "python"
            file = "second.py"
            [[metric]]
            id = "seconds"
            label = "time"
            quantity = "seconds"
            phase = "p"
            "#,
        );
        Checkout { folder }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join("target")
    }

    fn results(&self) -> PathBuf {
        own_path(&self.target(), "pair")
    }

    fn measure(&self, sessions: u32) -> (Outcome, Vec<String>) {
        let interpreter = Interpreter::choose(None, &self.target()).unwrap();
        let python = Environment {
            python: interpreter.path.clone(),
            interpreter,
            packages: Default::default(),
        };
        let root: &Path = self.folder.path();
        let pythons = Pythons::from([("default".to_owned(), Ok(python))]);
        let harness = Harness::new(root, &self.target(), Binaries::at(PathBuf::new()), pythons, None).unwrap();
        let options = Options {
            experiments: Vec::new(),
            sessions,
            rounds: None,
            budget: None,
            seed: 1,
        };
        let heard = Heard::default();
        let mut outcomes = campaign::run(&harness, &options, &heard).unwrap();
        (outcomes.remove(0), heard.0.into_inner())
    }
}

#[derive(Default)]
struct Heard(RefCell<Vec<String>>);

impl Progress for Heard {
    fn plan(&self, runs: u64) {
        self.0.borrow_mut().push(format!("plan {runs}"));
    }
    fn run(&self, _: &str) {}
    fn advance(&self, _: u64) {}
    fn note(&self, text: &str) {
        self.0.borrow_mut().push(text.to_owned());
    }
}

fn answering(answer: &str) -> String {
    PROGRAM.replace("ANSWER", answer)
}

#[test]
fn a_campaign_is_complete_and_one_that_was_cut_off_goes_on() {
    let checkout = Checkout::new(&answering("[1, 2]"), &answering("[1, 2]"));
    let (outcome, _) = checkout.measure(2);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let whole = Results::read(&checkout.results()).unwrap();
    assert!(whole.is_complete());
    // Two sessions of two rounds, in each of them both programs and the control once more.
    assert_eq!(whole.runs.len(), 2 * 2 * 3);
    assert_eq!(whole.runs.iter().filter(|run| run.control).count(), 4);
    assert_eq!(whole.campaign.log.len(), 2);
    assert!(whole.runs.iter().all(|run| run.phases["p"].seconds >= 0.01));

    // As a kill after the third round leaves it.
    let mut cut = whole.clone();
    cut.runs.truncate(9);
    cut.write(&checkout.results()).unwrap();
    let (outcome, heard) = checkout.measure(2);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    assert!(heard.contains(&"plan 6".to_owned()), "{heard:?}");
    let again = Results::read(&checkout.results()).unwrap();
    assert!(again.is_complete());
    assert_eq!(again.runs[..9], whole.runs[..9], "what was measured before is kept");
}

#[test]
fn a_program_that_answers_wrongly_is_never_timed() {
    let checkout = Checkout::new(&answering("[1, 2]"), &answering("[2, 1]"));
    let (outcome, _) = checkout.measure(1);
    let error = format!("{:#}", outcome.error.expect("an error"));
    assert!(
        error.contains("wrong answer") && error.contains("[1,2]") && error.contains("[2,1]"),
        "{error}"
    );
    assert!(error.contains("examples/pair/second.py"), "{error}");
    assert!(!checkout.results().exists(), "nothing was timed");
}

#[test]
fn a_program_that_hangs_or_fails_is_named() {
    let checkout = Checkout::new(&answering("1"), "import time; time.sleep(60)");
    let error = format!("{:#}", checkout.measure(1).0.error.expect("an error"));
    assert!(
        error.contains("`second` (pair/second.py) did not end within 2 s"),
        "{error}"
    );

    let checkout = Checkout::new(&answering("1"), "raise SystemExit('no such thing')");
    let error = format!("{:#}", checkout.measure(1).0.error.expect("an error"));
    assert!(
        error.contains("exit status 1") && error.contains("no such thing"),
        "{error}"
    );
}
