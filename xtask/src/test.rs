//! `cargo xtask test`: everything that CI runs, each step with its name and time.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use book::edition;
use book::snippet::Snippets;
use clap::ValueEnum;
use measure::build::{Binaries, NO_RUST};
use measure::campaign::{self, Progress};
use measure::experiment::Experiment;
use measure::extension::Extensions;
use measure::files::write_atomically;
use measure::harness::Harness;
use measure::python::{Environment, Interpreter};

use crate::browser;
use crate::claims;
use crate::dictionary;
use crate::measure_command;
use crate::measurements;
use crate::passed::{Inputs, Passed};
use crate::pyodide;
use crate::translate;
use crate::workspace::Workspace;

/// A part of the tests, as the command line names it, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Step {
    /// Directives, bare numbers, headings, ledger; each catalog whole and sound
    Chapters,
    /// What lies under measurements/ may stand there and belongs to the programs as they are
    Results,
    /// Every claim of the text holds on the machine that the book shows
    Claims,
    /// Every edition is built
    Editions,
    /// Pages, anchors and links of what was built (by `editions`)
    Pages,
    /// What readers do with the pages (built by `editions`), in a real browser
    Browser,
    /// The Rust tests of the workspace
    Rust,
    /// Every snippet of both languages in both editions runs
    Snippets,
    /// The programs of every experiment give the same answers
    Programs,
    /// The extension module works in every Python of this machine that it is for
    Extension,
}

impl Step {
    fn title(self) -> &'static str {
        match self {
            Step::Chapters => "chapters and catalogs",
            Step::Results => "published results",
            Step::Claims => "claims",
            Step::Editions => "both editions",
            Step::Pages => "pages, anchors and links of all editions",
            Step::Browser => "pages in a browser",
            Step::Rust => "Rust tests",
            Step::Snippets => "snippets of both languages in both editions",
            Step::Programs => "programs of every experiment",
            Step::Extension => "the extension module in every Python",
        }
    }

    /// Where the files of the project lie that the step depends on, as Git takes paths; nothing for a step that is quick.
    fn places(self) -> Option<&'static [&'static str]> {
        match self {
            Step::Chapters | Step::Results | Step::Claims | Step::Editions | Step::Pages => None,
            // And on the pages, which Git does not know.
            Step::Browser => Some(&["xtask"]),
            // Some of them look at the book itself.
            Step::Rust => Some(&["."]),
            Step::Snippets => Some(&[
                "src",
                "po",
                "examples",
                "measurements",
                "crates",
                "xtask/src",
                ":(glob)*.toml",
                "Cargo.lock",
                "requirements.txt",
            ]),
            Step::Programs | Step::Extension => Some(&[
                "examples",
                "crates/measure",
                "xtask/src",
                "Cargo.toml",
                "Cargo.lock",
                "requirements.txt",
            ]),
        }
    }

    fn run(self, workspace: &Workspace) -> Result<String> {
        match self {
            Step::Chapters => chapters_and_catalogs(workspace),
            Step::Results => published_results(workspace),
            Step::Claims => claims_hold(workspace),
            Step::Editions => editions(workspace),
            Step::Pages => pages_and_links(workspace),
            Step::Browser => browser::test(workspace),
            Step::Rust => rust_tests(workspace),
            Step::Snippets => snippets(workspace),
            Step::Programs => programs(workspace),
            Step::Extension => extension(workspace),
        }
    }
}

/// Runs the steps asked for, all of them if none is, always in the same order. A long one is left out where nothing has changed since it
/// passed, unless it is asked for `again`.
pub fn run(workspace: &Workspace, wanted: &[Step], again: bool) -> Result<()> {
    ctrlc::set_handler(measure::process::interrupt)?;
    let steps: Vec<Step> = Step::value_variants()
        .iter()
        .copied()
        .filter(|step| wanted.is_empty() || wanted.contains(step))
        .collect();
    let mut failed = Vec::new();
    let mut unchanged = 0;
    for step in &steps {
        let name = step.title();
        println!("== {name}");
        let passed = passed(workspace, *step);
        if let Some(before) = passed.as_ref().filter(|_| !again).and_then(Passed::before) {
            println!("   unchanged since it passed, so not run (`--again` runs it): {before}");
            unchanged += 1;
            continue;
        }
        let began = Instant::now();
        match step.run(workspace) {
            Ok(summary) => {
                println!("   ok in {:.1} s: {summary}", began.elapsed().as_secs_f64());
                // What was skipped is tried again.
                if let Some(passed) = passed.filter(|_| !summary.starts_with(browser::SKIPPED)) {
                    passed.keep(&summary)?;
                }
            }
            Err(error) => {
                println!("   FAILED: {error:#}");
                failed.push(name);
            }
        }
        measure::process::check_interrupted()?;
    }
    let ran = steps.len() - failed.len() - unchanged;
    match unchanged {
        0 => println!("{ran} passed, {} failed", failed.len()),
        _ => println!(
            "{ran} passed, {unchanged} unchanged since they passed, {} failed",
            failed.len()
        ),
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join("; "));
    }
    Ok(())
}

/// What is known of the step with its inputs as they are now; nothing of one that is quick, nor where Git does not say which files there are.
fn passed(workspace: &Workspace, step: Step) -> Option<Passed> {
    let mut inputs = Inputs::of(workspace, step.places()?).ok()?;
    if step == Step::Browser {
        inputs = inputs.and_below(&workspace.output()).ok()?;
    }
    Some(Passed::new(workspace, step.to_possible_value()?.get_name(), inputs))
}

/// Directives, bare numbers, headings; each catalog whole and sound.
fn chapters_and_catalogs(workspace: &Workspace) -> Result<String> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let report = book::edition::check(&site, &library, &dictionary::all(workspace, &site))?;
    translate::print(&report);
    ensure!(report.errors() == 0, "{}, named above", translate::counts(&report));
    Ok(format!(
        "{} languages, {}",
        site.languages.len(),
        translate::counts(&report)
    ))
}

/// Every experiment has published results of a machine that the book shows, and all that is published may stand there: of the programs as they are,
/// by the rules of publication.
fn published_results(workspace: &Workspace) -> Result<String> {
    let report = measurements::check(workspace)?;
    ensure!(
        report.problems.is_empty(),
        "{} problems, named above",
        report.problems.len()
    );
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let mut wrong = 0;
    for entry in &library.entries {
        let name = &entry.experiment.id;
        match &entry.measured {
            None => {
                println!("{name}: nothing is published for {}", site.shown_machines());
                wrong += 1;
            }
            Some(measured) => {
                if let Some(drift) = measurements::drift(measured) {
                    println!("{name}: warning: {drift}");
                }
            }
        }
    }
    ensure!(wrong == 0, "{wrong} of {} experiments", library.entries.len());
    Ok(format!("{} experiments", library.entries.len()))
}

fn claims_hold(workspace: &Workspace) -> Result<String> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let all = book::edition::claims(&site, &library)?;
    let shown = all.shown.clone();
    // Other machines are told, and decide nothing.
    for tally in all.machines.iter().filter(|tally| tally.machine != shown) {
        println!("{}", claims::line(tally, &shown));
    }
    let count = all.claims.len();
    let failing = all.failing_where_shown();
    if let Some(in_the_book) = all.on(&shown) {
        for claim in &in_the_book.failing().claims {
            print!("{}", claims::block(claim, &shown));
        }
    }
    ensure!(
        failing == 0,
        "{failing} of {count} claims do not hold\n{}",
        claims::HELP
    );
    Ok(format!("{count} claims hold"))
}

fn editions(workspace: &Workspace) -> Result<String> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let editions = book::edition::build(&site, &library, &pyodide::options(workspace))?;
    Ok(editions
        .iter()
        .map(|edition| format!("{} in {:.1} s", edition.language.name, edition.elapsed.as_secs_f64()))
        .collect::<Vec<_>>()
        .join(", "))
}

/// Of the editions that the step before has built.
fn pages_and_links(workspace: &Workspace) -> Result<String> {
    let (diagnostics, seen) = book::links::check(&workspace.site()?)?;
    for diagnostic in &diagnostics {
        println!("{diagnostic}");
    }
    ensure!(
        diagnostics.is_empty(),
        "{} places to mend, named above",
        diagnostics.len()
    );
    Ok(format!(
        "{} pages, {} anchors, {} links within the book",
        seen.pages, seen.anchors, seen.links
    ))
}

fn rust_tests(workspace: &Workspace) -> Result<String> {
    cargo_test(
        workspace,
        &["--workspace", "--exclude", "snippets", "--exclude", "price-bridge"],
    )
}

/// Apart from the others and in a folder of its own: skeptic links each snippet with the libraries that it finds there, and of several builds
/// of one library with the newest, whatever its features.
fn snippets(workspace: &Workspace) -> Result<String> {
    let folder = workspace.target.join("snippets");
    let chapters = folder.join("md");
    let (different, same) = expand(workspace, &chapters)?;
    let arguments = ["test", "--locked", "--quiet", "--package", "snippets", "--target-dir"];
    cargo(
        workspace,
        Command::new(cargo_itself())
            .args(arguments)
            .arg(&folder)
            .env("SNIPPETS_MD", &chapters),
    )?;
    Ok(format!(
        "{different} snippets; {same} more differ from one of these in their comments at most"
    ))
}

/// Both editions as readers see them, a Markdown file for each chapter, and in them each snippet once; how many there are, and how many again.
fn expand(workspace: &Workspace, folder: &Path) -> Result<(usize, usize)> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    let mut written = BTreeSet::new();
    let mut snippets = Snippets::default();
    // A draft's snippets are those of the source language but for their comments, which `translate check` watches over: compiling them
    // once more for each draft would tell nothing new.
    for language in site.complete() {
        for chapter in edition::expand(&site, &library, language)? {
            // Flat names: skeptic names tests after files, and those of two editions must not collide.
            let flat = chapter.path.display().to_string().replace(['/', '\\'], "_");
            let file = folder.join(format!("{}_{flat}", language.code));
            // Left alone where nothing changed, or everything would be compiled again: skeptic watches these files.
            write_atomically(&file, snippets.once(&chapter.markdown))?;
            written.insert(file);
        }
    }
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if !written.contains(&path) {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(snippets.count())
}

fn cargo_test(workspace: &Workspace, which: &[&str]) -> Result<String> {
    cargo(
        workspace,
        Command::new(cargo_itself())
            .args(["test", "--locked", "--quiet"])
            .args(which),
    )
}

fn cargo_itself() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

fn cargo(workspace: &Workspace, command: &mut Command) -> Result<String> {
    let words: Vec<_> = command
        .get_args()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let shown = format!("cargo {}", words.join(" "));
    let status = command
        .current_dir(&workspace.root)
        .stdin(Stdio::null())
        .status()
        .context(NO_RUST)?;
    ensure!(status.success(), "`{shown}` failed; its messages stand above");
    Ok(shown)
}

/// Each program gives the answer of its twins, as `measure` asks before it times anything.
fn programs(workspace: &Workspace) -> Result<String> {
    let interpreter = Interpreter::choose(None, &workspace.target)?;
    let version = interpreter.build.version.clone();
    let python = interpreter.path.clone();
    let pythons = measure_command::pythons(workspace, interpreter, &|text| println!("{text}"))?;
    let binaries = Binaries::build(&workspace.root, &workspace.target)?;
    let recordings = recordings(workspace, &python, &binaries)?;
    let harness = Harness::new(&workspace.root, &workspace.target, binaries, pythons, None)?;
    let (mut count, mut skipped) = (0, 0);
    for experiment in Experiment::all(&workspace.root)? {
        for (program, why) in harness.skipped(&experiment) {
            println!("{}: {program} is skipped: {why}", experiment.id);
            skipped += 1;
        }
        if let Some(why) = harness.unable(&experiment) {
            println!("{} is skipped: {why}", experiment.id);
            continue;
        }
        count +=
            campaign::verify(&harness, &experiment, &Quiet).with_context(|| format!("experiment {}", experiment.id))?;
    }
    Ok(format!(
        "{count} programs, {skipped} skipped, {recordings} recordings, Python {version}"
    ))
}

/// Each recording that the book shows step by step is what its program prints today.
fn recordings(workspace: &Workspace, python: &Path, binaries: &Binaries) -> Result<usize> {
    let examples = workspace.root.join("examples");
    let mut count = 0;
    for entry in std::fs::read_dir(&examples).with_context(|| format!("cannot read {}", examples.display()))? {
        let folder = entry?.path();
        let recording = folder.join(book::RECORDING);
        if !recording.is_file() {
            continue;
        }
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let mut command = if folder.join("steps.py").is_file() {
            let mut command = Command::new(python);
            command.args(["-B", "steps.py"]);
            command
        } else {
            Command::new(binaries.example(&name, "steps.rs"))
        };
        let output = command
            .current_dir(&folder)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start the program that records the steps of {name}"))?;
        ensure!(
            output.status.success(),
            "the steps of {name} could not be recorded:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let recorded = std::fs::read(&recording).with_context(|| format!("cannot read {}", recording.display()))?;
        ensure!(
            output.stdout == recorded,
            "examples/{name}/{} is not what its program prints: read what changed, and write its output there",
            book::RECORDING
        );
        count += 1;
    }
    Ok(count)
}

/// One wheel for all: what is built for the stable ABI with one Python is loaded into each that is here.
fn extension(workspace: &Workspace) -> Result<String> {
    let folder = workspace.root.join("examples").join("bridge");
    let chosen = Interpreter::choose(None, &workspace.target)?;
    let environment = Environment::ensure(&workspace.root, &workspace.target, &chosen, &|text| println!("{text}"))?;
    let module = Extensions::new(&workspace.root, &workspace.target).ensure(&folder.join("extension"), &environment)?;
    let mut tested = Vec::new();
    for interpreter in Interpreter::all(&workspace.target) {
        if interpreter.build.free_threaded {
            println!(
                "{} is skipped: there is no stable ABI for it before Python 3.15",
                interpreter.described()
            );
            continue;
        }
        let output = Command::new(&interpreter.path)
            .args(["-B", "-s"])
            .arg(folder.join("border.py"))
            .env("PYTHONPATH", &module)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", interpreter.path.display()))?;
        ensure!(
            output.status.success(),
            "{}: examples/bridge/border.py failed:\n{}",
            interpreter.described(),
            String::from_utf8_lossy(&output.stderr)
        );
        tested.push(interpreter.build.version);
    }
    Ok(format!("Python {}", tested.join(", ")))
}

struct Quiet;

impl Progress for Quiet {
    fn plan(&self, _: u64) {}
    fn run(&self, _: &str) {}
    fn advance(&self, _: u64) {}
    fn note(&self, text: &str) {
        println!("{text}");
    }
}
