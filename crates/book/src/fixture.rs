//! A small library and both languages, for tests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use measure::experiment::{
    Better, Cores, DEFAULT_PYTHON, Experiment, Language as Source, Load, LoadPhase, Metric, Parameter, Point, Program,
    Quantity, Unit,
};
use measure::library::{Entry, Library, Measured, Origin};
use measure::results::{
    Campaign, Cause, Environment, FORMAT, Machine, Phase, Publication, PythonBuild, Results, Run, SetAside,
};

use measure::self_check::{Gate, Hyperfine, ROUNDS, Round, SESSIONS, SelfCheck, Times};

use crate::catalog::Catalog;
use crate::cited::Sources;
use crate::interface::Interface;
use crate::measurements::Context;
use crate::site::{Language, Status};
use crate::translations::Translations;

pub fn english() -> Interface {
    let language = Language {
        code: "en".into(),
        name: "English".into(),
        decimal: '.',
        thousands: ',',
        source: true,
        status: Status::Complete,
    };
    Interface::new(language, None)
}

pub fn italian() -> Interface {
    let language = Language {
        code: "it".into(),
        name: "Italiano".into(),
        decimal: ',',
        thousands: '.',
        source: false,
        status: Status::Complete,
    };
    Interface::new(language, Some(&Catalog::from_pairs(ITALIAN)))
}

/// Enough of a translation to see that every string goes through the catalog.
const ITALIAN: &[(&str, &str)] = &[
    ("per second", "al secondo"),
    ("cores", "core"),
    (
        "one session, so no interval",
        "una sola sessione, quindi nessun intervallo",
    ),
    (
        "95 % interval {low} to {high}, {sessions} sessions",
        "intervallo al 95 % da {low} a {high}, {sessions} sessioni",
    ),
    (
        "the same in all {sessions} sessions",
        "uguale in tutte le {sessions} sessioni",
    ),
    (
        "not known: a value came out as zero, of which there is no ratio",
        "non noto: un valore è risultato zero, con cui non c’è rapporto",
    ),
    ("not measured yet", "non ancora misurato"),
    ("changed since it was measured", "cambiato dopo la misura"),
    ("to measure it: {command}", "per misurarlo: {command}"),
    ("these results contradict it", "questi risultati lo smentiscono"),
    (
        "these results cannot decide it",
        "questi risultati non bastano a deciderlo",
    ),
    ("lower is better", "meno è meglio"),
    ("higher is better", "più è meglio"),
    ("logarithmic axis", "asse logaritmico"),
    ("Data", "Dati"),
    ("Data, with 95 % intervals", "Dati, con intervalli al 95 %"),
    ("Program", "Programma"),
    ("Wait {number}", "Attesa {number}"),
    ("Duration", "Durata"),
    ("{start} to {end}", "da {start} a {end}"),
    ("from the start of the phase", "dall’inizio della fase"),
    (
        "of each program, the run of median duration",
        "di ogni programma, l’esecuzione di durata mediana",
    ),
    ("latency", "latenza"),
    ("share of waits that took longer", "quota di attese più lunghe"),
    ("Longest", "La più lunga"),
    ("Waits", "Attese"),
    ("{count} core", "{count} core"),
    ("{count} cores", "{count} core"),
    ("optimised build", "compilato con ottimizzazioni"),
    ("build without optimisations", "compilato senza ottimizzazioni"),
    ("{count} session", "{count} sessione"),
    ("{count} sessions", "{count} sessioni"),
    ("{count} round", "{count} giro"),
    ("{count} rounds", "{count} giri"),
    ("no run set aside", "nessuna esecuzione scartata"),
    ("{count} run set aside", "{count} esecuzione scartata"),
    ("{count} runs set aside", "{count} esecuzioni scartate"),
    ("your own results, not published", "risultati tuoi, non pubblicati"),
    (
        "not measured yet on this machine: run {command}",
        "non ancora misurato su questa macchina: esegui {command}",
    ),
    (
        "changed since they were measured, so not shown: {programs}",
        "cambiati dopo la misura, quindi non mostrati: {programs}",
    ),
    ("to measure again: {command}", "per ripetere la misura: {command}"),
    ("{day} {month} {year}", "{day} {month} {year}"),
    ("January", "gennaio"),
    ("on {count} machines: {range}", "su {count} macchine: {range}"),
    ("on {machine}", "su {machine}"),
    (
        "{parameter} on the horizontal axis",
        "{parameter} sull’asse orizzontale",
    ),
    ("Machine", "Macchina"),
    ("clients", "client"),
    ("echo", "eco"),
    ("CPU per message", "CPU per messaggio"),
    ("messages per second", "messaggi al secondo"),
    ("Tokio, one thread", "Tokio, un thread"),
    ("requests/s", "richieste/s"),
];

fn program(id: &str, label: &str, language: Source, connections: Option<f64>) -> Program {
    Program {
        id: id.into(),
        label: label.into(),
        language,
        file: "main.rs".into(),
        imports: Vec::new(),
        extension: None,
        arguments: Vec::new(),
        cores: Cores::default(),
        at_most: BTreeMap::new(),
        python_at_least: None,
        python: DEFAULT_PYTHON.into(),
        parameters: connections.map(|n| ("connections".to_owned(), n)).into_iter().collect(),
        ideal: BTreeMap::from([("messages".to_owned(), 1.0)]),
    }
}

fn metric(id: &str, label: &str, quantity: Quantity, better: Option<Better>) -> Metric {
    Metric {
        id: id.into(),
        label: label.into(),
        quantity,
        phase: "messages".into(),
        over: None,
        of: None,
        unit: None,
        per_work: false,
        better,
    }
}

/// The experiment `echo` of three programs: `asyncio` takes four times the CPU of `tokio`, give or take a little per session. Its
/// parameter `clients` is swept; CPU doubles from each value to the next, and the memory is 5 MB and 2 kB for each client.
pub fn library() -> Library {
    let experiment = Experiment {
        id: "echo".into(),
        folder: "examples/echo".into(),
        title: "echo".into(),
        rounds: 2,
        timeout_seconds: 10.0,
        control: "tokio".into(),
        services: Vec::new(),
        cores: None,
        parameters: BTreeMap::from([
            (
                "connections".to_owned(),
                Parameter {
                    value: 200.0,
                    unit: Unit::Count,
                    verify: None,
                    sweep: Vec::new(),
                },
            ),
            (
                "clients".to_owned(),
                Parameter {
                    value: 100.0,
                    unit: Unit::Count,
                    verify: None,
                    sweep: vec![10.0, 100.0, 1000.0],
                },
            ),
            (
                "nap".to_owned(),
                Parameter {
                    value: 10.0,
                    unit: Unit::Milliseconds,
                    verify: None,
                    sweep: Vec::new(),
                },
            ),
            (
                "message".to_owned(),
                Parameter {
                    value: 1024.0,
                    unit: Unit::Bytes,
                    verify: None,
                    sweep: Vec::new(),
                },
            ),
        ]),
        load: None,
        delay_server: None,
        programs: vec![
            program("asyncio", "asyncio streams", Source::Python, Some(50.0)),
            Program {
                at_most: BTreeMap::from([("clients".to_owned(), 100.0)]),
                ..program("uvloop", "asyncio Protocol on uvloop", Source::Python, None)
            },
            program("tokio", "Tokio, one thread", Source::Rust, None),
        ],
        metrics: vec![
            metric("cpu", "CPU per message", Quantity::CpuPerWork, Some(Better::Lower)),
            metric(
                "rate",
                "messages per second",
                Quantity::WorkPerSecond,
                Some(Better::Higher),
            ),
            metric("cores", "cores kept busy", Quantity::CpuShare, None),
            metric("excess", "time over the ideal", Quantity::Excess, Some(Better::Lower)),
            metric("memory", "memory", Quantity::Memory, Some(Better::Lower)),
            Metric {
                over: Some("clients".into()),
                ..metric(
                    "per_client",
                    "memory per client",
                    Quantity::MemorySlope,
                    Some(Better::Lower),
                )
            },
        ],
    };
    let mut runs = Vec::new();
    for session in 0..3u32 {
        for round in 0..2u32 {
            for (position, (program, factor)) in [("asyncio", 4.0), ("uvloop", 1.9), ("tokio", 1.0)]
                .into_iter()
                .enumerate()
            {
                for (point, clients, growth) in [
                    (Point::base(), 100, 1.0),
                    (Point::at("clients", 10.0), 10, 0.5),
                    (Point::at("clients", 1000.0), 1000, 2.0),
                ] {
                    if program == "uvloop" && clients > 100 {
                        continue;
                    }
                    let wobble = 1.0 + 0.01 * f64::from((session * 7 + round * 3 + position as u32 * 5) % 4);
                    let cpu = 0.24 * factor * wobble * growth;
                    let seconds = 1.0 + cpu;
                    runs.push(Run {
                        program: program.into(),
                        control: false,
                        point,
                        session,
                        round,
                        position: position as u32,
                        wall_seconds: seconds + 0.1,
                        user_seconds: cpu / 2.0,
                        system_seconds: cpu / 2.0,
                        voluntary_switches: 10,
                        involuntary_switches: 1,
                        foreign_cores: 0.01,
                        phases: BTreeMap::from([(
                            "messages".to_owned(),
                            Phase {
                                seconds,
                                work: 20_000,
                                cpu_seconds: cpu,
                                memory_bytes: Some(5_000_000 + 2000 * clients),
                                peer_cpu_seconds: None,
                                offered_per_second: None,
                                late_p99_seconds: None,
                                spans: match program {
                                    "asyncio" => vec![(0.0, 0.33), (0.34, 0.8), (0.8, seconds)],
                                    _ => vec![(0.0, 0.4), (0.01, 0.9), (0.01, seconds)],
                                },
                                counts: BTreeMap::new(),
                                series: BTreeMap::new(),
                                latency: Vec::new(),
                            },
                        )]),
                    });
                }
            }
        }
    }
    let results = Results {
        format: FORMAT,
        experiment: "echo".into(),
        machine: Machine {
            id: "test".into(),
            cpu: "Example CPU <2.4 GHz>".into(),
            cores: 2,
            hypervisor: Some("KVM".into()),
            memory_bytes: 1 << 32,
        },
        environment: Environment {
            kernel: "Linux 6.1".into(),
            cpu_flags: String::new(),
            affinity: vec![0, 1],
            quota_cores: None,
            governor: None,
            pythons: BTreeMap::from([(
                "default".to_owned(),
                PythonBuild {
                    free_threaded: false,
                    version: "3.13.1".into(),
                    compiler: "GCC 12".into(),
                    configure: Vec::new(),
                    optimised: true,
                },
            )]),
            tools: BTreeMap::new(),
            rustc: "rustc 1.95.0 (0123abcd 2026-01-01)".into(),
            packages: BTreeMap::from([("tokio".into(), "1.54.1".into()), ("uvloop".into(), "0.22.1".into())]),
        },
        started: "2026-01-31T12:00:00Z".into(),
        published: Some(Publication {
            date: "2026-02-01".into(),
        }),
        campaign: Campaign {
            sessions: 3,
            planned_sessions: 3,
            rounds: 2,
            seed: 1,
            control: "tokio".into(),
            log: Vec::new(),
            set_aside: [0, 1]
                .map(|round| SetAside {
                    program: "tokio".into(),
                    point: Point::base(),
                    session: 0,
                    round,
                    cause: Cause::Contamination,
                    detail: "other processes took 0.40 cores".into(),
                })
                .into(),
        },
        fingerprints: ["asyncio", "uvloop", "tokio"]
            .map(|id| (id.to_owned(), "0".to_owned()))
            .into(),
        parameters: BTreeMap::from([("clients".to_owned(), 100.0)]),
        skipped: BTreeMap::new(),
        runs,
    };
    let self_check = self_check(&results);
    Library {
        self_check: Some(self_check),
        entries: vec![Entry {
            experiment,
            measured: Some(Measured {
                results,
                origin: Origin::Published,
                path: PathBuf::from("measurements/test/echo.json"),
                stale: Vec::new(),
                imported: Vec::new(),
                drift: Vec::new(),
            }),
            others: Vec::new(),
        }],
    }
}

/// Six short campaigns with the machine and tools of some results.
fn self_check(results: &Results) -> SelfCheck {
    let mut rounds = Vec::new();
    for campaign in 0..6u32 {
        for session in 0..SESSIONS {
            for round in 0..ROUNDS {
                let times = |factor: f64, phase: u32| {
                    let wobble = 1.0 + 0.004 * f64::from((campaign * 3 + session * 5 + round * 2 + phase) % 7);
                    Times {
                        step: 5e-9 * factor * wobble,
                        process: 0.1 * factor * wobble,
                    }
                };
                rounds.push(Round {
                    campaign,
                    session,
                    round,
                    walk: times(1.0, 0),
                    again: times(1.0, 3),
                    slower: times(1.05 + 0.004 * (f64::from((session + campaign) % 2) - 0.5), 0),
                    python: times(15.0, 1),
                });
            }
        }
    }
    SelfCheck {
        format: measure::self_check::FORMAT,
        machine: results.machine.clone(),
        environment: results.environment.clone(),
        started: results.started.clone(),
        published: results.published.clone(),
        fingerprints: BTreeMap::new(),
        seed: 1,
        campaigns: 6,
        set_aside: 3,
        hyperfine: Some(Hyperfine {
            version: "hyperfine 1.15.0".into(),
            runs: 15,
            slower: vec![0.9, 1.05, 1.2],
            python: vec![13.0, 15.0, 17.0],
        }),
        cost: vec![(0.004, 0.001), (0.005, 0.001), (0.0045, 0.0012)],
        gate: Gate {
            quiet: vec![0.0, 0.01, 0.02],
            hog: vec![1.0, 0.9, 0.99, 0.1],
        },
        rounds,
    }
}

/// Gives the experiment a metric `polls` of which `program` counted as many in every run, or nothing at all.
pub fn count(library: &mut Library, program: &str, polls: Option<u64>) {
    let entry = &mut library.entries[0];
    if entry.experiment.metric("polls").is_none() {
        entry.experiment.metrics.push(Metric {
            of: Some("polls".into()),
            ..metric("polls", "polls of the future", Quantity::Count, None)
        });
    }
    let runs = &mut entry.measured.as_mut().expect("the fixture is measured").results.runs;
    for run in runs.iter_mut().filter(|run| run.program == program) {
        for phase in run.phases.values_mut() {
            phase.counts = polls.map(|polls| ("polls".to_owned(), polls)).into_iter().collect();
        }
    }
}

/// The same with results of a second machine, on which `asyncio` takes half as much again, six times the CPU of `tokio`.
pub fn on_two_machines() -> Library {
    let mut library = library();
    let entry = &mut library.entries[0];
    let mut other = entry.measured.clone().expect("the fixture is measured");
    other.results.machine = Machine {
        id: "other-cpu-4-cores-lab".into(),
        cpu: "Other CPU".into(),
        cores: 4,
        hypervisor: None,
        memory_bytes: 1 << 33,
    };
    other.path = PathBuf::from("measurements/other-cpu-4-cores-lab/echo.json");
    for run in other.results.runs.iter_mut().filter(|run| run.program == "asyncio") {
        for phase in run.phases.values_mut() {
            phase.cpu_seconds *= 1.5;
        }
    }
    entry.others.push(other);
    library
}

/// Makes the memory of one program fall as its clients grow in number.
pub fn shrink(library: &mut Library, program: &str) {
    let measured = library.entries[0].measured.as_mut().expect("the fixture is measured");
    for run in measured.results.runs.iter_mut().filter(|run| run.program == program) {
        for phase in run.phases.values_mut() {
            phase.memory_bytes = phase.memory_bytes.map(|bytes| 10_000_000 - bytes);
        }
    }
}

/// Makes a closed loop of the phase, and its load generator the limit of one program.
pub fn saturate(library: &mut Library, program: &str) {
    let entry = &mut library.entries[0];
    entry.experiment.load = Some(Load {
        connections: "connections".into(),
        message_bytes: Some("message".into()),
        http: None,
        warm_up_seconds: 0.1,
        phases: vec![LoadPhase {
            name: "messages".into(),
            seconds: 1.0,
            rate: None,
        }],
    });
    let runs = &mut entry.measured.as_mut().expect("the fixture is measured").results.runs;
    for run in runs.iter_mut().filter(|run| run.program == program) {
        for phase in run.phases.values_mut() {
            phase.peer_cpu_seconds = Some(0.9 * phase.seconds);
        }
    }
}

pub const SOURCES: &str = r#"
    [C8]
    source = "MagicStack"
    where = "magic.io"
    year = 2016
    uvloop = { value = 105459, unit = "requests/s" }

    [B9]
    source = "a primer"
    one_by_one = { value = 170, unit = "ms" }

    [C7]
    source = "an article & more"
    year = 2025
    speed_up = { value = "130x" }
"#;

/// What the preprocessor needs, in one of the languages above.
pub fn context(interface: Interface) -> Context {
    Context {
        library: library(),
        interface,
        sources: Sources::parse(SOURCES).expect("a valid list of sources"),
        source_language: english().language().clone(),
        translations: Arc::new(Translations::known(Vec::new())),
        ledger: Arc::default(),
        glossary: Arc::default(),
        moves: Arc::default(),
        languages: [english(), italian()]
            .map(|interface| interface.language().clone())
            .to_vec(),
        root: PathBuf::from("."),
    }
}
