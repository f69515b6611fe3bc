//! `cargo xtask measurements`: what maintainers do with results.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use measure::collection::{self, Merged, Outcome, Problem, Report};
use measure::compare::{self, Comparison, Set};
use measure::experiment::Experiment;
use measure::library::{Library, Measured, own_path};
use measure::moves::Moves;
use measure::publish::{self, Verdict};
use measure::results::Results;
use measure::schema;

use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Copy what passes the rules from target/measurements/ into measurements/<machine>/
    Publish {
        /// Experiments to publish [default: all]
        experiments: Vec<String>,
    },
    /// Say what is published, what is your own, and what is stale
    Show,
    /// Say in words what changed beyond noise between two sets of results
    Diff {
        /// A result file, a machine's folder, `published` (the reference machine) or `own` (target/measurements/)
        #[arg(default_value = "published")]
        old: String,
        /// The same
        #[arg(default_value = "own")]
        new: String,
        /// Every comparison as JSON
        #[arg(long)]
        json: bool,
        /// Exit status 1 where something changed
        #[arg(long)]
        fail_on_change: bool,
    },
    /// See that everything under measurements/ may stand there
    Check,
    /// Take in results of other machines: folders with result files at any depth
    Merge {
        #[arg(required = true)]
        folders: Vec<PathBuf>,
        /// Add experiments to what stands there, of the same environment, instead of replacing a machine's results as a whole
        #[arg(long)]
        partial: bool,
    },
    /// Note in measurements/moves.json how published ratios moved, from a result file that was published to the one that took its place
    Remember { old: PathBuf, new: PathBuf },
    /// Remove a machine's published results, and say what else names it
    Retire { machine: String },
    /// Print the JSON Schema of result files
    Schema {
        /// Write it to measurements/schema.json instead
        #[arg(long)]
        write: bool,
    },
}

pub fn run(workspace: &Workspace, command: &Command) -> Result<ExitCode> {
    match command {
        Command::Publish { experiments } => publish(workspace, experiments)?,
        Command::Show => show(workspace)?,
        Command::Diff {
            old,
            new,
            json,
            fail_on_change,
        } => {
            let comparison = diff(workspace, old, new)?;
            if *json {
                // Whoever reads this may stop reading.
                writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&comparison)?)?;
            } else {
                print_words(&comparison);
            }
            if *fail_on_change && comparison.changed().count() > 0 {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Check => {
            let report = check(workspace)?;
            if !report.problems.is_empty() {
                bail!("{} problems in {} files", report.problems.len(), report.files);
            }
            println!("{} files, no problem", report.files);
        }
        Command::Merge { folders, partial } => merge(workspace, folders, *partial)?,
        Command::Remember { old, new } => {
            let (before, now) = (
                Set::new("the old file", [Results::read(old)?])?,
                Set::new("the new file", [Results::read(new)?])?,
            );
            let mut moves = Moves::read(&workspace.root)?;
            remember(workspace, &mut moves, &Experiment::all(&workspace.root)?, &before, &now)?;
        }
        Command::Retire { machine } => retire(workspace, machine)?,
        Command::Schema { write: true } => {
            println!("wrote {}", workspace.shown(&schema::write(&workspace.root)?));
        }
        Command::Schema { write: false } => std::io::stdout().write_all(schema::generated().as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

fn publish(workspace: &Workspace, experiments: &[String]) -> Result<()> {
    let site = workspace.site()?;
    let date = today();
    // Before anything is overwritten that it has to remember.
    let mut moves = Moves::read(&workspace.root)?;
    let mut refused = 0;
    let (mut before, mut now) = (Vec::new(), Vec::new());
    for (experiment, verdict) in publish::publish(&workspace.root, &workspace.target, experiments, &date)? {
        match verdict {
            Verdict::Published(published) => {
                println!("{experiment}: published as {}", workspace.shown(&published.path));
                let machine = &published.results.machine.id;
                if !site.reference_machines.contains(machine) {
                    println!(
                        "  the book shows `{}`; to show this machine, name `{machine}` under `reference-machine` in book.toml",
                        site.shown_machines()
                    );
                }
                match published.before {
                    Some(Ok(results)) => before.push(results),
                    Some(Err(error)) => println!("  not compared with what stood there: {error:#}"),
                    None => {}
                }
                now.push(published.results);
            }
            Verdict::PublishedCheck(path) => println!("{experiment}: published as {}", workspace.shown(&path)),
            Verdict::Refused(reasons) => {
                refused += 1;
                println!("{experiment}: not published, because");
                for reason in reasons {
                    println!("  {reason}");
                }
            }
            Verdict::NothingMeasured => println!("{experiment}: nothing was measured here yet"),
        }
    }
    if !before.is_empty() {
        let before = Set::new("what was published before", before)?;
        let now = Set::new("what is published now", now)?;
        println!();
        let experiments = Experiment::all(&workspace.root)?;
        print_words(&compare::compare(&experiments, &before, &now));
        remember(workspace, &mut moves, &experiments, &before, &now)?;
    }
    if refused > 0 {
        bail!("{refused} experiments were not published");
    }
    Ok(())
}

/// The day, in UTC.
fn today() -> String {
    let now = measure::campaign::now();
    now.split('T').next().unwrap_or(&now).to_owned()
}

/// Keeps in short what readers were told before.
fn remember(
    workspace: &Workspace,
    moves: &mut Moves,
    experiments: &[Experiment],
    before: &Set,
    now: &Set,
) -> Result<()> {
    for experiment in experiments {
        if let (Some(before), Some(now)) = (before.results().get(&experiment.id), now.results().get(&experiment.id)) {
            moves.add(experiment, before, now)?;
        }
    }
    moves.write(&workspace.root)
}

fn print_words(comparison: &Comparison) {
    for line in comparison.in_words() {
        println!("{line}");
    }
}

fn diff(workspace: &Workspace, old: &str, new: &str) -> Result<Comparison> {
    let read = |which: &str| -> Result<Set> {
        match which {
            "own" => Set::read(
                &workspace.target.join("measurements"),
                "your own results, in target/measurements",
            ),
            "published" => {
                let library = workspace.published(&workspace.site()?)?;
                let shown = library.entries.into_iter().filter_map(|entry| entry.measured);
                Set::new(
                    "the published results that the book shows",
                    shown.map(|measured| measured.results),
                )
            }
            path => Set::read(Path::new(path), path),
        }
    };
    Ok(compare::compare(
        &Experiment::all(&workspace.root)?,
        &read(old)?,
        &read(new)?,
    ))
}

/// Looks at all that is published and prints what is wrong with it.
pub fn check(workspace: &Workspace) -> Result<Report> {
    let report = collection::check(&workspace.root, &workspace.site()?.reference_machines)?;
    for note in &report.notes {
        println!("note: {}", line(workspace, note));
    }
    for problem in &report.problems {
        println!("{}", line(workspace, problem));
    }
    for (machine, control) in &report.controls {
        let interval = control.interval.map_or_else(String::new, |interval| {
            format!(" [{:.3} to {:.3}]", interval.low, interval.high)
        });
        println!(
            "{machine}: the controls against themselves come out as {:.3}{interval} over {} sessions",
            control.value, control.sessions
        );
    }
    Ok(report)
}

fn line(workspace: &Workspace, problem: &Problem) -> String {
    format!("{}: {}", workspace.shown(&problem.path), problem.what)
}

fn merge(workspace: &Workspace, folders: &[PathBuf], partial: bool) -> Result<()> {
    let experiments = Experiment::all(&workspace.root)?;
    let mut moves = Moves::read(&workspace.root)?;
    let done = collection::merge(&workspace.root, folders, partial, &today())?;
    let mut refused = 0;
    for Merged {
        machine,
        before,
        outcome,
    } in &done.machines
    {
        match outcome {
            Outcome::Taken { now, removed } => {
                println!("{machine}: written to measurements/{machine}/");
                for experiment in removed {
                    println!(
                        "  {experiment} was removed: it did not come in, and a machine's results are replaced as a whole"
                    );
                }
                match before {
                    Some(before) => {
                        print_words(&compare::compare(&experiments, before, now));
                        remember(workspace, &mut moves, &experiments, before, now)?;
                    }
                    None => println!("  nothing that could be read stood there before"),
                }
            }
            Outcome::Refused(reasons) => {
                refused += 1;
                println!("{machine}: left as it was, because");
                for reason in reasons {
                    println!("  {reason}");
                }
            }
        }
        println!();
    }
    if !done.refused.is_empty() {
        println!("not taken in:");
        for problem in &done.refused {
            println!("  {}", line(workspace, problem));
        }
    }
    if refused > 0 || !done.refused.is_empty() {
        bail!("not everything was taken in; the reasons stand above");
    }
    Ok(())
}

fn retire(workspace: &Workspace, machine: &str) -> Result<()> {
    let mentions = collection::retire(&workspace.root, machine, &workspace.site()?.reference_machines)?;
    println!("removed measurements/{machine}/; git has what it held");
    for mention in mentions {
        println!(
            "{}:{} still names it: change it",
            workspace.shown(&mention.path),
            mention.line
        );
    }
    Ok(())
}

fn show(workspace: &Workspace) -> Result<()> {
    let site = workspace.site()?;
    let library: Library = workspace.published(&site)?;
    println!("the book shows the results of: {}", site.shown_machines());
    for entry in &library.entries {
        let name = &entry.experiment.id;
        match &entry.measured {
            Some(measured) => {
                let results = &measured.results;
                println!(
                    "{name}: published {} on {} ({} sessions of {} rounds, {} runs set aside){}",
                    results.published.as_ref().map_or("without a date", |p| &p.date),
                    results.machine.id,
                    results.sessions(),
                    results.campaign.rounds,
                    results.campaign.set_aside.len(),
                    if measured.stale.is_empty() {
                        String::new()
                    } else {
                        format!("; STALE: {}", measured.stale.join(", "))
                    }
                );
                if let Some(drift) = drift(measured) {
                    println!("  warning: {drift}");
                }
            }
            None => println!("{name}: nothing published for these machines"),
        }
        let own = own_path(&workspace.target, name);
        if own.is_file() {
            let results = Results::read(&own)?;
            println!(
                "  your own: {}, {} of {} sessions",
                results.started,
                results.sessions(),
                results.campaign.sessions
            );
        }
    }
    Ok(())
}

/// Packages that are locked in another version than the one measured; `None` where there are none.
pub fn drift(measured: &Measured) -> Option<String> {
    const NAMED: usize = 5;
    let changes: Vec<String> = measured.drift.iter().take(NAMED).map(ToString::to_string).collect();
    let more = measured.drift.len() - changes.len();
    (!changes.is_empty()).then(|| {
        format!(
            "packages changed since it was measured: {}{}; measure again to know whether that matters",
            changes.join(", "),
            if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            }
        )
    })
}
