//! What a harness found about itself, as read from its file.
//!
//! An input is a file, or a list of changes to one: see [`document`].

#![no_main]

use std::sync::LazyLock;

use fuzz::{document, is_brief, root, write};
use libfuzzer_sys::fuzz_target;
use measure::experiment::Experiment;
use measure::publish;
use measure::self_check::{EXPERIMENT, SelfCheck};
use serde_json::Value;

static SAMPLE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../corpus/self_check/small.json")).expect("a sample"));

static KNOWN: LazyLock<Experiment> =
    LazyLock::new(|| Experiment::read(&root().join("examples").join(EXPERIMENT)).expect("an experiment of the book"));

fuzz_target!(|text: &str| {
    let path = write("harness.check.json", &document(text, &SAMPLE));
    let check = match SelfCheck::read(&path) {
        Ok(check) => check,
        Err(error) => {
            assert!(is_brief(&format!("{error:#}")));
            return;
        }
    };
    check.write(&path).expect("a file for a self-check");
    let again = SelfCheck::read(&path).expect("what was written is read");
    assert_eq!(again, check);
    assert_eq!(again.to_json(), check.to_json());

    check.is_complete();
    let summary = check.summary();
    summary.sessions_needed();
    for scatter in &summary.scatter {
        scatter.deviation();
    }
    for count in summary
        .coverage
        .values()
        .chain(summary.found.iter().map(|(_, count)| count))
    {
        assert!(count.hits <= count.of);
        count.share();
    }
    publish::self_check_refusals(&KNOWN, &check).expect("the programs of the experiment");
});
