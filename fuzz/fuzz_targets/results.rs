//! Result files: what is read can be written and is read as the same, and all that is derived from it can be derived.
//!
//! An input is a file, or a list of changes to one: see [`document`].

#![no_main]

use std::sync::LazyLock;

use book::Interface;
use book::number::{Kind, Shown};
use fuzz::sample::{SAMPLE, experiment};
use fuzz::{LANGUAGES, document, is_brief};
use libfuzzer_sys::fuzz_target;
use measure::compare::{Set, compare};
use measure::experiment::Point;
use measure::moves::Moves;
use measure::publish;
use measure::results::Results;
use measure::statistics::Estimate;
use serde::Deserialize;

static INTERFACES: LazyLock<Vec<Interface>> = LazyLock::new(|| {
    LANGUAGES
        .iter()
        .map(|language| Interface::new(language.clone(), None))
        .collect()
});

fn check(estimate: &Estimate, kind: Kind) {
    if let Some(interval) = estimate.interval
        && interval.low.is_finite()
        && interval.high.is_finite()
    {
        // The mean of logarithms goes there and back: the last bits may differ.
        let slack = 1e-9 * estimate.value.abs();
        assert!(
            interval.low <= estimate.value + slack && estimate.value <= interval.high + slack,
            "{estimate:?}"
        );
    }
    for interface in &*INTERFACES {
        assert!(!Shown::new(estimate, kind, interface).html("measured").is_empty());
    }
}

fn derive(results: &Results) {
    let experiment = experiment(results);
    results.sessions();
    results.is_complete();
    let mut points: Vec<&Point> = results.runs.iter().map(|run| &run.point).take(3).collect();
    points.dedup();
    for program in &experiment.programs {
        for metric in &experiment.metrics {
            for point in &points {
                if let Ok(estimate) = results.estimate(&experiment, &program.id, &metric.id, point) {
                    check(&estimate, Kind::Unit(metric.unit()));
                }
                if let Ok(ratio) = results.ratio(&experiment, &program.id, &experiment.control, &metric.id, point) {
                    check(&ratio, Kind::Ratio);
                }
                results.bound(&experiment, &program.id, &metric.id, point);
            }
        }
    }
    for reason in publish::rules(&experiment, results) {
        assert!(is_brief(&reason));
    }
    publish::pooled_control([(&experiment, results)]);
    // What is the same has not changed.
    let set = || Set::new("set", [results.clone()]).expect("one result");
    let comparison = compare(std::slice::from_ref(&experiment), &set(), &set());
    assert_eq!(comparison.changed().count(), 0);
    let usual = Results::deserialize(&*SAMPLE).expect("a sample");
    if let Ok(usual) = Set::new("usual", [usual]) {
        compare(std::slice::from_ref(&experiment), &usual, &set()).in_words();
    }
    let mut later = results.clone();
    later.started.push('Z');
    let mut moves = Moves::default();
    moves.add(&experiment, results, &later).expect("results of one machine");
    assert!(
        moves
            .moves
            .iter()
            .flat_map(|one| &one.ratios)
            .all(|ratio| !ratio.changed)
    );
}

fuzz_target!(|text: &str| {
    let text = document(text, &SAMPLE);
    let results = match Results::parse(&text) {
        Ok(results) => results,
        Err(error) => {
            assert!(is_brief(&format!("{error:#}")));
            return;
        }
    };
    let written = results.to_json();
    let again = Results::parse(&written).expect("what was written is read");
    assert_eq!(again, results);
    assert_eq!(again.to_json(), written);
    derive(&results);
});
