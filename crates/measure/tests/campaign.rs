//! Campaigns over small experiments of their own: what a maintainer meets when a program is wrong, hangs, or the run is cut off.
#![cfg(target_os = "linux")]

mod common;

use common::{Checkout, answering};
use measure::results::Results;

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
