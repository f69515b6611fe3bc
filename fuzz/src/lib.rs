//! What several targets need.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use book::{Language, Status};
use serde_json::Value;
use tempfile::TempDir;

/// The checkout that this folder belongs to.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Three ways to mark decimals and thousands; the third language has no number words.
pub static LANGUAGES: LazyLock<[Language; 3]> = LazyLock::new(|| {
    let language = |code: &str, decimal, thousands| Language {
        code: code.to_owned(),
        name: code.to_owned(),
        decimal,
        thousands,
        source: code == "en",
        status: Status::Complete,
    };
    [
        language("en", '.', ','),
        language("it", ',', '.'),
        language("fr", ',', '\u{202f}'),
    ]
});

/// A folder of this process, for what can be read from a disk only. It is left behind by a run that ends in a crash.
pub fn folder() -> &'static Path {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder for temporary files"));
    FOLDER.path()
}

/// Writes a file below [`folder`], and the folders that it lies in.
pub fn write(path: &str, text: &str) -> PathBuf {
    let path = folder().join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).expect("a folder below that for temporary files");
    }
    fs::write(&path, text).expect("a file below the folder for temporary files");
    path
}

/// A JSON document as an input gives it: whole, or else as changes to a sample, of which each line is one, `POINTER VALUE`. By lines much
/// stranger values get past the schema than by bytes, most of which break the form of the whole.
pub fn document(text: &str, sample: &Value) -> String {
    if !text.starts_with('/') {
        return text.to_owned();
    }
    let mut document = sample.clone();
    for line in text.lines() {
        let (pointer, value) = line.split_once(' ').unwrap_or((line, "null"));
        let Ok(value) = serde_json::from_str::<Value>(value) else {
            continue;
        };
        if let Some(place) = document.pointer_mut(pointer) {
            *place = value;
            continue;
        }
        let Some((parent, name)) = pointer.rsplit_once('/') else {
            continue;
        };
        match document.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.insert(name.to_owned(), value)),
            Some(Value::Array(items)) => items.push(value),
            _ => {}
        }
    }
    document.to_string()
}

/// Whether something is told in a few lines, and what others sent is not thrown back whole.
pub fn is_brief(message: &str) -> bool {
    message.len() < 100_000
}

/// A book of one chapter in two languages.
pub mod small {
    use std::path::PathBuf;

    use super::{folder, write};

    const BOOK: &str = r#"
[book]
title = "A Small Book"
description = "It is small."
language = "en"
[preprocessor.programs]
command = "false"
before = ["links"]
[preprocessor.gettext]
command = "false"
after = ["links"]
[preprocessor.measurements]
command = "false"
after = ["gettext"]
reference-machine = "m"
[output.html]
definition-lists = false
"#;

    pub const LANGUAGES: &str = r#"
[[language]]
code = "en"
name = "English"
decimal = "."
thousands = ","
source = true
[[language]]
code = "it"
name = "Italiano"
decimal = ","
thousands = "."
status = "draft"
"#;

    /// What a catalog begins with.
    pub const HEADER: &str =
        "msgid \"\"\nmsgstr \"\"\n\"Language: it\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n";

    /// Writes the book with this text of its chapter, `src/a.md`.
    pub fn book(chapter: &str) -> PathBuf {
        write("book.toml", BOOK);
        write("po/languages.toml", LANGUAGES);
        write("src/SUMMARY.md", "# Summary\n\n[A](a.md)\n");
        write("src/a.md", chapter);
        folder().to_owned()
    }
}

/// Results, and an experiment to go with them.
pub mod sample {
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    use measure::experiment::{DEFAULT_PYTHON, Experiment, Language, Metric, Parameter, Program, Quantity};
    use measure::results::Results;
    use serde_json::Value;

    /// With a sweep, latencies, counts and a series.
    pub static SAMPLE: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(include_str!("../corpus/results/idle-waiters.json")).expect("a sample"));

    const QUANTITIES: &[Quantity] = &[
        Quantity::Seconds,
        Quantity::Excess,
        Quantity::SecondsPerWork,
        Quantity::WorkPerSecond,
        Quantity::Cpu,
        Quantity::CpuPerWork,
        Quantity::CpuShare,
        Quantity::PeerCpuShare,
        Quantity::LatencyP50,
        Quantity::LatencyP99,
        Quantity::LatencyMax,
        Quantity::ProcessCpu,
        Quantity::ProcessSeconds,
        Quantity::ProcessSwitches,
        Quantity::Memory,
        Quantity::MemorySlope,
        Quantity::Count,
    ];

    /// An experiment that these may be the results of, with every metric that there can be. Of much there is of a kind, the first few.
    pub fn experiment(results: &Results) -> Experiment {
        let phases = || results.runs.iter().flat_map(|run| &run.phases);
        let counted = phases().find_map(|(_, phase)| phase.counts.keys().next());
        let at = |name: &String| -> Vec<f64> { results.runs.iter().filter_map(|run| run.point.get(name)).collect() };
        let swept = results.parameters.iter().find(|(name, _)| !at(name).is_empty());
        let mut names: Vec<&String> = phases().map(|(name, _)| name).take(1000).collect();
        names.sort();
        names.dedup();
        let metrics = names.iter().take(2).flat_map(|phase| {
            QUANTITIES.iter().map(move |quantity| Metric {
                id: format!("{phase}-{quantity:?}"),
                label: format!("{quantity:?}"),
                quantity: *quantity,
                phase: (*phase).clone(),
                over: swept
                    .filter(|_| *quantity == Quantity::MemorySlope)
                    .map(|(name, _)| name.clone()),
                of: counted.filter(|_| *quantity == Quantity::Count).cloned(),
                unit: None,
                per_work: phase.len() % 2 == 1,
                better: None,
            })
        });
        let program = |id: &String| Program {
            id: id.clone(),
            label: id.clone(),
            language: Language::Rust,
            file: String::new(),
            imports: Vec::new(),
            extension: None,
            arguments: Vec::new(),
            cores: Default::default(),
            parameters: BTreeMap::new(),
            at_most: BTreeMap::new(),
            python: DEFAULT_PYTHON.to_owned(),
            python_at_least: None,
            ideal: names.iter().map(|phase| ((*phase).clone(), 1.0)).collect(),
        };
        let parameters = results.parameters.iter().map(|(name, value)| {
            let mut sweep = at(name);
            sweep.truncate(20);
            if !sweep.is_empty() {
                sweep.push(*value);
            }
            sweep.sort_by(f64::total_cmp);
            sweep.dedup();
            let parameter = Parameter {
                value: *value,
                sweep,
                ..Parameter::default()
            };
            (name.clone(), parameter)
        });
        Experiment {
            id: results.experiment.clone(),
            folder: "examples".into(),
            title: String::new(),
            rounds: results.campaign.rounds,
            timeout_seconds: 1.0,
            control: results.campaign.control.clone(),
            services: Vec::new(),
            cores: None,
            parameters: parameters.collect(),
            load: None,
            delay_server: None,
            programs: results.fingerprints.keys().take(3).map(program).collect(),
            metrics: metrics.collect(),
        }
    }
}
