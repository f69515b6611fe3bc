//! A checkout with a small experiment, and a campaign over it.
// Each test binary compiles this file for itself and uses its own part of it.
#![allow(dead_code)]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Duration;

use measure::build::Binaries;
use measure::campaign::{self, Options, Outcome, Progress};
use measure::harness::{Harness, Pythons};
use measure::library::own_path;
use measure::process::Interrupted;
use measure::python::{Environment, Interpreter};

const PROGRAM: &str = r#"
import json, sys, time
began = time.perf_counter()
time.sleep(0.01)
print("a line that is no report")
print(json.dumps({"result": ANSWER, "phases": {"p": {
    "seconds": time.perf_counter() - began, "cpu_seconds": time.process_time(), "work": 1}}}))
"#;

/// A checkout with one experiment of two Python programs.
pub struct Checkout {
    pub folder: tempfile::TempDir,
    /// Where results go.
    pub target: PathBuf,
}

impl Checkout {
    pub fn new(first: &str, second: &str) -> Checkout {
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
        let target = folder.path().join("target");
        Checkout { folder, target }
    }

    /// Adds a program in another language, with its label and file named after its id.
    pub fn add(&self, id: &str, language: &str, file: &str, text: &str) {
        let folder = self.folder.path().join("examples/pair");
        std::fs::write(folder.join(file), text).unwrap();
        let manifest = folder.join("experiment.toml");
        let mut experiment = std::fs::read_to_string(&manifest).unwrap();
        experiment.push_str(&format!(
            "\n[[program]]\nid = \"{id}\"\nlabel = \"{id}\"\nlanguage = \"{language}\"\nfile = \"{file}\"\n"
        ));
        std::fs::write(manifest, experiment).unwrap();
    }

    pub fn results(&self) -> PathBuf {
        own_path(&self.target, "pair")
    }

    pub fn measure(&self, sessions: u32) -> (Outcome, Vec<String>) {
        self.try_measure(sessions).unwrap()
    }

    pub fn try_measure(&self, sessions: u32) -> anyhow::Result<(Outcome, Vec<String>)> {
        measure_in(self.folder.path(), &self.target, sessions)
    }
}

/// A campaign over the experiment of a checkout, which may be that of another process.
pub fn measure_in(root: &Path, target: &Path, sessions: u32) -> anyhow::Result<(Outcome, Vec<String>)> {
    let interpreter = Interpreter::choose(None, target).unwrap();
    let python = Environment {
        python: interpreter.path.clone(),
        interpreter,
        packages: Default::default(),
    };
    let pythons = Pythons::from([("default".to_owned(), Ok(python))]);
    let harness = Harness::new(root, target, Binaries::at(PathBuf::new()), pythons, None).unwrap();
    let options = Options {
        experiments: Vec::new(),
        sessions,
        rounds: None,
        budget: None,
        seed: 1,
    };
    let heard = Heard::default();
    let mut outcomes = campaign::run(&harness, &options, &heard)?;
    Ok((outcomes.remove(0), heard.0.into_inner()))
}

#[derive(Default)]
pub struct Heard(pub RefCell<Vec<String>>);

impl Progress for Heard {
    fn plan(&self, runs: u64) {
        self.0.borrow_mut().push(format!("plan {runs}"));
    }
    fn run(&self, _: &str) {}
    fn advance(&self, _: u64) {}
    fn note(&self, text: &str) {
        self.0.borrow_mut().push(text.to_owned());
    }
    /// Tests run on busy machines, and what they measure is not published.
    fn pause(&self, _: Duration) -> Result<(), Interrupted> {
        Ok(())
    }
}

pub fn answering(answer: &str) -> String {
    PROGRAM.replace("ANSWER", answer)
}
