//! Campaigns over small experiments of their own: what a maintainer meets when a program is wrong, hangs, or the run is cut off.
#![cfg(target_os = "linux")]

mod common;

use common::{Checkout, answering};
use measure::experiment::{Experiment, Point, Service};
use measure::results::{Results, Run};
use measure::service::Installed;

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
fn counts_latencies_and_series_go_from_a_program_s_last_line_to_metrics() {
    let reporting = |more: &str| answering("1").replace("\"work\": 1", &format!("\"work\": 4, {more}"));
    let both = |polls: u32| {
        reporting(&format!(
            "\"counts\": {{\"polls\": {polls}}}, \"latencies_us\": [100] * 99 + [7000], \
             \"series\": {{\"memory_bytes\": [(0, 5), (10, 6)]}}"
        ))
    };
    let metrics = [
        ("polls", "count", "of = \"polls\""),
        ("per_wait", "count", "of = \"polls\"\nper_work = true"),
        ("longest", "latency_max", ""),
    ];
    let with_metrics = |checkout: &Checkout| {
        let manifest = checkout.folder.path().join("examples/pair/experiment.toml");
        let mut text = std::fs::read_to_string(&manifest).unwrap();
        for (id, quantity, more) in metrics {
            text.push_str(&format!(
                "\n[[metric]]\nid = \"{id}\"\nlabel = \"{id}\"\nquantity = \"{quantity}\"\nphase = \"p\"\n{more}\n"
            ));
        }
        std::fs::write(manifest, text).unwrap();
    };
    let checkout = Checkout::new(&both(1003), &both(0));
    with_metrics(&checkout);
    let (outcome, _) = checkout.measure(2);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let text = std::fs::read_to_string(checkout.results()).unwrap();
    assert!(text.contains("\"counts\":{\"polls\":1003}") && text.contains("\"latency\":[[100,99],"));
    assert!(!text.contains("latencies_us"));
    assert!(text.contains("\"series\":{\"memory_bytes\":[[0,5],[10,6]]}"));
    let results = Results::read(&checkout.results()).unwrap();
    let experiment = Experiment::read(&checkout.folder.path().join("examples/pair")).unwrap();
    let value = |program: &str, metric: &str| {
        results
            .estimate(&experiment, program, metric, &Point::base())
            .unwrap()
            .value
    };
    assert_eq!(value("first", "polls"), 1003.0);
    assert_eq!(value("first", "per_wait"), 250.75);
    assert_eq!(value("second", "polls"), 0.0);
    assert!((value("first", "longest") - 7e-3).abs() < 7e-5);

    let checkout = Checkout::new(
        &both(1003),
        &reporting("\"counts\": {\"wakes\": 3}, \"latencies_us\": [1]"),
    );
    with_metrics(&checkout);
    let (outcome, _) = checkout.measure(1);
    let error = format!("{:#}", outcome.error.unwrap());
    assert!(
        error.contains("program `second` reports no count `polls` in phase `p`")
            && error.contains("its counts are `wakes`"),
        "{error}"
    );
}

const GO: &str = r#"package main

import (
	"fmt"
	"time"
)

func main() {
	began := time.Now()
	time.Sleep(10 * time.Millisecond)
	fmt.Printf("{\"result\": [1, 2], \"phases\": {\"p\": {\"seconds\": %f, \"cpu_seconds\": 0.001, \"work\": 1}}}\n", time.Since(began).Seconds())
}
"#;

const NODE: &str = r#"
const began = performance.now();
await new Promise((done) => setTimeout(done, 10));
const seconds = (performance.now() - began) / 1000;
console.log(JSON.stringify({ result: [1, 2], phases: { p: { seconds, cpu_seconds: 0.001, work: 1 } } }));
"#;

#[test]
fn go_and_node_run_like_the_others_or_are_skipped_with_a_word() {
    let checkout = Checkout::new(&answering("[1, 2]"), &answering("[1, 2]"));
    checkout.add("third", "go", "third.go", GO);
    checkout.add("fourth", "node", "fourth.mjs", NODE);
    let (outcome, heard) = checkout.measure(1);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let results = Results::read(&checkout.results()).unwrap();
    for (program, tool) in [("third", "go"), ("fourth", "node")] {
        match results.skipped.get(program) {
            None => {
                assert!(results.environment.tools.contains_key(tool));
                assert_eq!(results.runs.iter().filter(|run| run.program == program).count(), 2);
            }
            Some(why) => {
                println!("skipped: {why}");
                assert!(why.contains("apt-get install"), "{why}");
                assert!(
                    heard.iter().any(|line| line.contains(program) && line.contains(why)),
                    "{heard:?}"
                );
            }
        }
    }
    assert!(results.is_complete(), "the rest goes on");
}

#[test]
fn every_program_runs_at_every_point_that_it_is_meant_for() {
    let script = answering("[1, 2]").replace("import json", "# {tasks}\nimport json");
    let checkout = Checkout::new(&script, &script);
    let manifest = checkout.folder.path().join("examples/pair/experiment.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let swept = text
        .replace(
            "file = \"second.py\"",
            "file = \"second.py\"\n            at_most = { tasks = 10 }",
        )
        .replace(
            "[[metric]]",
            "[parameters.tasks]\nvalue = 10\nsweep = [1, 10, 100]\n[[metric]]",
        );
    std::fs::write(&manifest, swept).unwrap();
    let (outcome, heard) = checkout.measure(1);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let results = Results::read(&checkout.results()).unwrap();
    let at = |program: &str, point: &Point| {
        let of = |run: &&Run| run.program == program && run.point == *point && !run.control;
        results.runs.iter().filter(of).count()
    };
    for (point, expected) in [
        (Point::base(), (2, 2)),
        (Point::at("tasks", 1.0), (2, 2)),
        (Point::at("tasks", 100.0), (2, 0)),
    ] {
        assert_eq!((at("first", &point), at("second", &point)), expected, "{point}");
    }
    // Five runs and the control's second one in each of two rounds, and in the round that was discarded.
    assert!(heard.contains(&"plan 18".to_owned()), "{heard:?}");
}

/// Says PING to the address it is given, and counts the answer.
const PING: &str = r#"
import json, socket, sys, time, urllib.parse
began = time.perf_counter()
address = urllib.parse.urlsplit(sys.argv[1])
with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
    connection.sendall(b"PING\r\n")
    answer = connection.recv(64).decode()
print(json.dumps({"result": answer, "phases": {"p": {
    "seconds": time.perf_counter() - began, "cpu_seconds": time.process_time(), "work": 1}}}))
"#;

#[test]
fn an_experiment_finds_its_service_or_is_skipped_with_a_word() {
    let checkout = Checkout::new(PING, PING);
    let manifest = checkout.folder.path().join("examples/pair/experiment.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let asking = text
        .replace("rounds = 2", "rounds = 1\nservices = [\"redis\"]")
        .replace(".py\"", ".py\"\narguments = [\"{redis}\"]");
    std::fs::write(&manifest, asking).unwrap();
    if let Err(absent) = Installed::find(Service::Redis) {
        let error = checkout.try_measure(1).unwrap_err().to_string();
        println!("skipped: {absent}");
        assert!(error.contains("nothing to measure"), "{error}");
        return;
    }
    let (outcome, _) = checkout.measure(1);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let results = Results::read(&checkout.results()).unwrap();
    assert!(results.environment.tools.contains_key("redis"));
    let left = std::fs::read_dir(checkout.target.join("services")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "its data are gone");
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
