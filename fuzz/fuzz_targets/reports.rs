//! What a program under test prints: what is taken of it can be kept in a result file, and is read from there as it was.

#![no_main]

use std::sync::LazyLock;

use fuzz::is_brief;
use libfuzzer_sys::fuzz_target;
use measure::report::ReportLine;
use measure::results::Results;

/// With one run.
static SAMPLE: LazyLock<Results> = LazyLock::new(|| {
    let mut results = Results::parse(include_str!("../corpus/results/naps.json")).expect("a sample that is valid");
    results.runs.truncate(1);
    results
});

fuzz_target!(|text: &str| {
    match ReportLine::parse(text) {
        Err(error) => assert!(is_brief(&format!("{error:#}"))),
        Ok(report) => {
            let mut results = SAMPLE.clone();
            results.runs[0].phases = report.phases;
            let text = results.to_json();
            let again = Results::parse(&text).expect("what was taken can be kept");
            assert_eq!(again, results);
            assert_eq!(again.to_json(), text);
        }
    }
});
