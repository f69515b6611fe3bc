//! Figures of every kind, drawn of whatever results are read.
//!
//! An input is a file, or a list of changes to one: see [`document`].

#![no_main]

use std::sync::LazyLock;

use book::Interface;
use book::figure::Figure;
use fuzz::sample::{SAMPLE, experiment};
use fuzz::{LANGUAGES, document};
use libfuzzer_sys::fuzz_target;
use measure::experiment::Experiment;
use measure::library::{Entry, Library, Measured, Origin};
use measure::results::Results;

static INTERFACE: LazyLock<Interface> = LazyLock::new(|| Interface::new(LANGUAGES[1].clone(), None));

/// The arguments of all figures that there can be, by one metric and by two.
fn figures(experiment: &Experiment, results: &Results) -> Vec<String> {
    let id = &experiment.id;
    let mut figures = Vec::new();
    let swept: Vec<&String> = experiment.swept().map(|(name, _)| name).collect();
    for pair in experiment.metrics.chunks(2) {
        let metrics = pair
            .iter()
            .map(|metric| metric.id.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        figures.push(format!("{id} {metrics}"));
        for name in &swept {
            figures.push(format!("{id} {metrics} over {name}"));
            if let [one, other, ..] = &experiment.programs[..] {
                let (metric, one, other) = (&pair[0].id, &one.id, &other.id);
                figures.push(format!("{id} {metric} over {name} of {one}/{other} against 1+{name}"));
            }
        }
    }
    for (name, phase) in results.runs.iter().take(4).flat_map(|run| &run.phases) {
        figures.push(format!("{id} gantt {name}"));
        figures.push(format!("{id} distribution {name}"));
        figures.extend(phase.series.keys().map(|series| format!("{id} series {name} {series}")));
    }
    figures.sort();
    figures.dedup();
    figures.truncate(100);
    figures
}

fuzz_target!(|text: &str| {
    let Ok(results) = Results::parse(&document(text, &SAMPLE)) else {
        return;
    };
    let mut experiment = experiment(&results);
    experiment.id = "x".to_owned();
    let figures = figures(&experiment, &results);
    let library = Library {
        entries: vec![Entry {
            experiment,
            measured: Some(Measured {
                results,
                origin: Origin::Own,
                path: "x.json".into(),
                stale: Vec::new(),
                imported: Vec::new(),
                drift: Vec::new(),
            }),
            others: Vec::new(),
        }],
        self_check: None,
    };
    for arguments in &figures {
        if let Ok(figure) = Figure::parse(arguments, &library) {
            let html = figure.render("A caption.", &INTERFACE);
            assert!(html.starts_with("<figure") && html.trim_end().ends_with("</figure>"));
        }
    }
});
