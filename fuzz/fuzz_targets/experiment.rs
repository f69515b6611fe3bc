//! Manifests of experiments, as read from a folder that has the files they may name: what is accepted can be planned, and every program has
//! its arguments wherever it runs.

#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use fuzz::{folder, is_brief, write};
use libfuzzer_sys::fuzz_target;
use measure::experiment::{Addresses, Experiment, Point, Purpose};
use measure::fingerprint;
use measure::load::Plan;

/// What there is in the folder.
static FILES: LazyLock<()> = LazyLock::new(|| {
    for file in ["main.py", "main.rs", "main.go", "main.js", "threads.py", "threads.rs"] {
        write(file, "1\n");
    }
    for file in ["Cargo.toml", "pyproject.toml", "src/lib.rs"] {
        write(&format!("extension/{file}"), "");
    }
});

fn check(experiment: &Experiment) {
    Duration::try_from_secs_f64(experiment.timeout_seconds).expect("a time that a clock can wait");
    let points = experiment.points();
    assert_eq!(points[0], Point::base());
    let names: BTreeSet<String> = points.iter().map(Point::to_string).collect();
    assert_eq!(names.len(), points.len(), "every point is another one");
    for (name, parameter) in &experiment.parameters {
        // What is no number cannot be kept in a result file.
        let values = || {
            parameter
                .sweep
                .iter()
                .chain([&parameter.value])
                .chain(&parameter.verify)
        };
        assert!(values().all(|value| value.is_finite()), "{name}: {parameter:?}");
        for value in &parameter.sweep {
            assert!(points.contains(&experiment.point(name, *value).expect("a point of the sweep")));
        }
    }
    assert!(experiment.runs_per_round() > experiment.programs.len());
    let few = || points.iter().take(20);
    let purposes = || few().cloned().map(Purpose::Timed).chain([Purpose::Verify]);
    for program in experiment.programs.iter().take(20) {
        assert!(experiment.runs_at(program, &Point::base()));
        assert!(
            program
                .ideal
                .values()
                .chain(program.parameters.values())
                .all(|value| value.is_finite())
        );
        for purpose in purposes() {
            let arguments = experiment.arguments(program, &purpose, &Addresses::default());
            assert_eq!(arguments.expect("arguments").len(), program.arguments.len());
            if let Some(load) = &experiment.load {
                let plan = Plan::of(experiment, program, &purpose).expect("a plan");
                assert_eq!(plan.phases.len(), load.phases.len());
                for seconds in plan
                    .phases
                    .iter()
                    .map(|phase| phase.seconds)
                    .chain([plan.warm_up_seconds])
                {
                    Duration::try_from_secs_f64(seconds).expect("a time that a clock can wait");
                }
            }
        }
        let print = fingerprint::program(experiment, program).expect("the files of the program");
        assert_eq!(
            print,
            fingerprint::program(experiment, program).expect("the files of the program")
        );
    }
    for metric in &experiment.metrics {
        assert!(experiment.metric(&metric.id).is_some());
        metric.unit();
    }
    experiment.principal();
}

fuzz_target!(|text: &str| {
    LazyLock::force(&FILES);
    write("experiment.toml", text);
    match Experiment::read(folder()) {
        Ok(experiment) => check(&experiment),
        Err(error) => assert!(is_brief(&format!("{error:#}"))),
    }
});
