//! What it costs to read, to analyse and to write results: 10,000 runs, several times what one file may hold in the repository.
//! `cargo bench -p measure --bench analysis`. What it prints is for people; nothing depends on it.

use std::collections::BTreeMap;
use std::path::Path;

use divan::Bencher;
use divan::counter::BytesCount;
use measure::experiment::{Experiment, Point};
use measure::results::{Campaign, Environment, FORMAT, Machine, Phase, Results, Run};

const PROGRAMS: u32 = 8;
const SESSIONS: u32 = 25;
const ROUNDS: u32 = 50;

fn main() {
    let (_, results) = experiment_and_results();
    println!("{} runs, {} bytes", results.runs.len(), results.to_json().len());
    divan::main();
}

fn experiment_and_results() -> (Experiment, Results) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let experiment = experiment(folder.path());
    let mut runs = Vec::new();
    for session in 0..SESSIONS {
        for round in 0..ROUNDS {
            for position in 0..PROGRAMS {
                let wobble = 1.0 + 1e-3 * f64::from((session * 31 + round * 17 + position * 7) % 101);
                runs.push(run((session, round, position), f64::from(position + 1) * wobble / 7.0));
            }
        }
    }
    let fingerprints = (0..PROGRAMS).map(|number| (format!("p{number}"), "0123456789abcdef".to_owned()));
    let results = Results {
        format: FORMAT,
        experiment: experiment.id.clone(),
        machine: Machine {
            id: "bench".to_owned(),
            cpu: "a CPU".to_owned(),
            cores: 2,
            hypervisor: None,
            memory_bytes: 1 << 32,
        },
        environment: Environment {
            kernel: "Linux".to_owned(),
            cpu_flags: String::new(),
            affinity: vec![0, 1],
            quota_cores: None,
            governor: None,
            pythons: BTreeMap::new(),
            rustc: "rustc".to_owned(),
            tools: BTreeMap::new(),
            packages: BTreeMap::new(),
        },
        started: "2026-01-31T12:00:00Z".to_owned(),
        published: None,
        campaign: Campaign {
            sessions: SESSIONS,
            planned_sessions: SESSIONS,
            rounds: ROUNDS,
            seed: 1,
            control: "p0".to_owned(),
            log: Vec::new(),
            set_aside: Vec::new(),
        },
        fingerprints: fingerprints.collect(),
        parameters: BTreeMap::new(),
        skipped: BTreeMap::new(),
        runs,
    };
    (experiment, results)
}

/// Eight programs and three metrics.
fn experiment(folder: &Path) -> Experiment {
    let mut manifest = "title = \"Bench\"\nrounds = 50\ntimeout_seconds = 1\n".to_owned();
    for number in 0..PROGRAMS {
        manifest +=
            &format!("[[program]]\nid = \"p{number}\"\nlabel = \"p\"\nlanguage = \"rust\"\nfile = \"main.rs\"\n");
    }
    for (id, quantity) in [("seconds", "seconds"), ("cpu", "cpu_per_work"), ("cores", "cpu_share")] {
        manifest += &format!("[[metric]]\nid = \"{id}\"\nlabel = \"{id}\"\nquantity = \"{quantity}\"\nphase = \"p\"\n");
    }
    std::fs::write(folder.join("main.rs"), "fn main() {}").expect("a file can be written");
    std::fs::write(folder.join("experiment.toml"), manifest).expect("a file can be written");
    Experiment::read(folder).expect("a manifest")
}

fn run((session, round, position): (u32, u32, u32), seconds: f64) -> Run {
    Run {
        program: format!("p{position}"),
        control: false,
        point: Point::base(),
        session,
        round,
        position,
        wall_seconds: seconds + 0.1,
        user_seconds: seconds / 3.0,
        system_seconds: seconds / 7.0,
        voluntary_switches: 1234,
        involuntary_switches: 56,
        foreign_cores: 0.0123,
        phases: BTreeMap::from([(
            "p".to_owned(),
            Phase {
                seconds,
                work: 20_000,
                cpu_seconds: seconds / 1.1,
                memory_bytes: Some(12_345_678),
                peer_cpu_seconds: None,
                offered_per_second: None,
                late_p99_seconds: None,
                spans: Vec::new(),
                counts: BTreeMap::new(),
                series: BTreeMap::new(),
                latency: Vec::new(),
            },
        )]),
    }
}

#[divan::bench]
fn read_and_validate(bencher: Bencher) {
    let text = experiment_and_results().1.to_json();
    bencher
        .counter(BytesCount::of_str(&text))
        .bench(|| Results::parse(&text).expect("what was written can be read"));
}

#[divan::bench]
fn write(bencher: Bencher) {
    let results = experiment_and_results().1;
    bencher.bench(|| results.to_json());
}

/// Each program's estimate in each metric, and its ratio to the first program in those that have ratios.
#[divan::bench]
fn every_estimate_and_ratio(bencher: Bencher) {
    let (experiment, results) = experiment_and_results();
    let base = Point::base();
    bencher.bench(|| {
        let mut sum = 0.0;
        for program in &experiment.programs {
            for metric in &experiment.metrics {
                let estimate = results.estimate(&experiment, &program.id, &metric.id, &base);
                sum += estimate.expect("every program ran").value;
                if metric.quantity.is_ratio_scale() {
                    let ratio = results.ratio(&experiment, &program.id, "p0", &metric.id, &base);
                    sum += ratio.expect("every program ran").value;
                }
            }
        }
        sum
    });
}
