//! `cargo xtask measure`: the main job, from an empty checkout to the pages that show this machine's results.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use book::number::{Kind, Shown};
use measure::build::Binaries;
use measure::campaign::{self, Outcome};
use measure::exclusive::Exclusive;
use measure::experiment::{DEFAULT_PYTHON, Experiment, Language, Point};
use measure::harness::{Harness, Pythons};
use measure::library::{Entry, Origin};
use measure::python::{Environment, Interpreter};
use measure::self_check::{self, SelfCheck};
use measure::{process, results::Missing};

use crate::progress;
use crate::pyodide;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Arguments {
    /// Experiments to measure [default: all]
    experiments: Vec<String>,
    /// Sessions: independent blocks of rounds, the unit of the intervals
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    sessions: u32,
    /// Rounds in each session [default: as the experiment says]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: Option<u32>,
    /// Measure as much as fits, for instance 90s, 40m or 2h: what was never measured or changed since comes first, then what is uncertain
    #[arg(long, value_parser = duration)]
    budget: Option<Duration>,
    /// The Python to measure [default: the newest built with PGO and LTO, on the PATH or by `cargo xtask python`, else the newest]
    #[arg(long, value_name = "PATH")]
    python: Option<PathBuf>,
    /// Seed of the order of runs
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Check the harness itself with programs of known ratio: coverage, control, slow-down, scatter, cost, gate
    #[arg(long, conflicts_with_all = ["experiments", "sessions", "rounds", "budget"])]
    self_check: bool,
    /// Short campaigns of the self-check
    #[arg(long, default_value_t = 40, requires = "self_check", value_parser = clap::value_parser!(u32).range(2..=1000))]
    campaigns: u32,
    /// A word that tells this machine from others of the same kind
    #[arg(long, value_name = "WORD")]
    label: Option<String>,
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    ctrlc::set_handler(process::interrupt)?;
    let say = |text: &str| eprintln!("{text}");

    let interpreter = Interpreter::choose(arguments.python.as_deref(), &workspace.target)?;
    say(&format!(
        "Python {} ({})",
        interpreter.build.version,
        if interpreter.build.optimised {
            "built with PGO and LTO"
        } else {
            "built without PGO and LTO as far as it tells: its results cannot be published"
        }
    ));
    let exclusive = Exclusive::wait(&workspace.target, &|| {
        say("somebody else is measuring into this folder; waiting until that has ended");
    })?;
    campaign::remove_leftovers(&workspace.target)?;
    let pythons = pythons(workspace, interpreter, &say)?;
    say("building the Rust programs in release (some minutes the first time)");
    let binaries = Binaries::build(&workspace.root, &workspace.target)?;
    process::check_interrupted()?;

    let harness = Harness::new(
        &workspace.root,
        &workspace.target,
        binaries,
        pythons,
        arguments.label.as_deref(),
    )?;
    if arguments.self_check {
        return check_itself(workspace, &harness, arguments);
    }
    let options = campaign::Options {
        experiments: arguments.experiments.clone(),
        sessions: arguments.sessions,
        rounds: arguments.rounds,
        budget: arguments.budget,
        seed: arguments.seed,
    };
    let shown = progress::Shown::new();
    let outcomes = campaign::run(&harness, &options, &shown);
    shown.finish();
    drop(exclusive);
    let outcomes = outcomes?;

    print_tables(workspace, &outcomes)?;
    let failed = report(&outcomes);
    if process::check_interrupted().is_err() {
        bail!("interrupted; finished rounds are kept, and the same command goes on from there");
    }
    let site = workspace.site()?;
    let library = workspace.own_first(&site)?;
    book::edition::build(&site, &library, &pyodide::options(workspace))?;
    println!(
        "The book with these results, marked as yours: {}",
        workspace.shown(&site.output.join("index.html"))
    );
    println!("Raw data: {}", workspace.shown(&workspace.target.join("measurements")));
    if failed > 0 {
        bail!(
            "{failed} of {} experiments could not be measured; the reasons stand above",
            outcomes.len()
        );
    }
    Ok(())
}

fn check_itself(workspace: &Workspace, harness: &Harness, arguments: &Arguments) -> Result<()> {
    let shown = progress::Shown::new();
    let path = self_check::run::run(harness, arguments.campaigns, arguments.seed, &shown);
    shown.finish();
    let path = path?;
    let summary = SelfCheck::read(&path)?.summary();
    for line in self_check_lines(&summary) {
        println!("{line}");
    }
    println!("Raw data: {}", workspace.shown(&path));
    Ok(())
}

/// The summary in words, a line for each finding.
fn self_check_lines(summary: &self_check::Summary) -> Vec<String> {
    let mut lines = Vec::new();
    let percent = |count: &self_check::Count| match count.share() {
        Some(share) => format!("{} of {} ({:.0} %)", count.hits, count.of, share.value * 100.0),
        None => "none".to_owned(),
    };
    for (pair, coverage) in &summary.coverage {
        lines.push(format!(
            "{pair}: intervals that contain the mean of the rest: {}",
            percent(coverage)
        ));
    }
    for (pair, ratio) in &summary.pooled {
        let interval = ratio
            .interval
            .map_or(String::new(), |i| format!(" [{:.4} to {:.4}]", i.low, i.high));
        lines.push(format!("{pair}: ratio over all sessions {:.4}{interval}", ratio.value));
    }
    for (sessions, found) in &summary.found {
        lines.push(format!(
            "5 % slow-down found with {sessions} sessions: {}",
            percent(found)
        ));
    }
    for scatter in &summary.scatter {
        let method = if scatter.hyperfine { "hyperfine" } else { "this harness" };
        if let Some(deviation) = scatter.deviation() {
            lines.push(format!(
                "{}: ratios by {method} scatter by {:.1} % (standard deviation over {} repeats)",
                scatter.pair.name(),
                deviation.value * 100.0,
                scatter.ratios.len()
            ));
        }
    }
    if let Some(cost) = summary.cost {
        lines.push(format!("the harness adds {:.2} ms to a run", cost.value * 1e3));
    }
    lines.push(format!(
        "disturbed runs that the gate noticed: {}",
        percent(&summary.noticed)
    ));
    lines.push(format!(
        "quiet runs that it set aside: {}",
        percent(&summary.false_alarms)
    ));
    lines
}

/// The interpreters that experiments ask for, each with its packages.
pub fn pythons(workspace: &Workspace, default: Interpreter, say: &dyn Fn(&str)) -> Result<Pythons> {
    let mut pythons = Pythons::new();
    let environment = Environment::ensure(&workspace.root, &workspace.target, &default, say)?;
    pythons.insert(DEFAULT_PYTHON.to_owned(), Ok(environment));
    for experiment in Experiment::all(&workspace.root)? {
        for program in &experiment.programs {
            if program.language != Language::Python || pythons.contains_key(&program.python) {
                continue;
            }
            let environment = match Interpreter::named(&program.python, &workspace.target) {
                Ok(interpreter) => Ok(Environment::ensure(
                    &workspace.root,
                    &workspace.target,
                    &interpreter,
                    say,
                )?),
                Err(absent) => Err(format!("{absent:#}")),
            };
            pythons.insert(program.python.clone(), environment);
        }
    }
    Ok(pythons)
}

fn report(outcomes: &[Outcome]) -> usize {
    let mut failed = 0;
    for outcome in outcomes {
        if let Some(error) = &outcome.error
            && !error.is::<process::Interrupted>()
        {
            eprintln!("error: {}: {error:#}", outcome.experiment);
            failed += 1;
        }
    }
    failed
}

/// One table per measured experiment: programs down, metrics across.
fn print_tables(workspace: &Workspace, outcomes: &[Outcome]) -> Result<()> {
    let site = workspace.site()?;
    let library = workspace.own_first(&site)?;
    let interface = book::Interface::new(site.source_language().clone(), None);
    for outcome in outcomes {
        let Some(Entry {
            experiment,
            measured: Some(measured),
            ..
        }) = library.get(&outcome.experiment)
        else {
            continue;
        };
        if measured.origin != Origin::Own {
            continue;
        }
        println!("\n{}, sessions: {}", experiment.title, measured.results.sessions());
        if let Some(metric) = experiment.principal()
            && let Ok(ratio) = measured.results.control_ratio(experiment, &metric.id)
        {
            let shown = Shown::new(&ratio, Kind::Ratio, &interface);
            println!(
                "  {} against itself: {} [{}] in {}",
                measured.results.campaign.control, shown.value, shown.interval, metric.label
            );
        }
        let mut rows = vec![
            std::iter::once(String::new())
                .chain(experiment.metrics.iter().map(|metric| metric.label.clone()))
                .collect::<Vec<_>>(),
        ];
        for program in &experiment.programs {
            let values = experiment.metrics.iter().map(|metric| {
                match measured
                    .results
                    .estimate(experiment, &program.id, &metric.id, &Point::base())
                {
                    Ok(estimate) => {
                        let kind = Kind::Unit(metric.unit());
                        let shown = Shown::new(&estimate, kind, &interface);
                        if shown.interval.is_empty() {
                            shown.value
                        } else {
                            format!("{} [{}]", shown.value, shown.interval)
                        }
                    }
                    Err(Missing::Phase { .. } | Missing::Count { .. } | Missing::Program(_)) => "-".to_owned(),
                    Err(missing) => missing.to_string(),
                }
            });
            rows.push(std::iter::once(program.label.clone()).chain(values).collect());
        }
        // Metrics down and programs across would be wider than any terminal: one block per metric.
        let width = rows.iter().map(|row| row[0].chars().count()).max().unwrap_or(0);
        for column in 1..rows[0].len() {
            println!("  {}", rows[0][column]);
            for row in &rows[1..] {
                println!("    {:width$}  {}", row[0], row[column]);
            }
        }
    }
    println!();
    Ok(())
}

/// `90s`, `40m`, `2h`.
fn duration(text: &str) -> Result<Duration, String> {
    let error = || format!("`{text}` is not a duration such as 90s, 40m or 2h");
    let unit = text.chars().next_back().ok_or_else(error)?;
    let seconds = match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        _ => return Err(error()),
    };
    let number: f64 = text[..text.len() - 1].parse().map_err(|_| error())?;
    if !(number.is_finite() && number > 0.0) {
        return Err(error());
    }
    Duration::try_from_secs_f64(number * seconds).map_err(|_| error())
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn budgets_are_read_with_their_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5400)));
        for wrong in ["", "90", "m", "-3m", "1e400s", "4µ"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
