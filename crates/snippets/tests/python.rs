//! Every Python snippet of both editions, but those that differ from another in comments only: run as the reader sees it, with its hidden
//! lines, in the locked environment, each within the time that the book promises. One marked `no_run`, which needs a service beside it, is
//! imported instead: what it defines is defined, and its `main` is not called.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use book::snippet::{IGNORE, Snippets};
use book::{Site, edition};
use measure::experiment::Experiment;
use measure::extension::Extensions;
use measure::library::{Library, Source};
use measure::python::{Environment, Interpreter};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Runs a file as an import would: `__name__` is not `__main__`.
const IMPORT: &str = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='snippet')";

/// A snippet ends by itself within two seconds; a busy machine gets more before it is called hanging.
const LIMIT: Duration = Duration::from_secs(20);

struct Snippet {
    place: String,
    code: String,
    /// The folder of the program it is a part of, whose modules it may import.
    folder: Option<PathBuf>,
    runs: bool,
}

#[test]
fn every_python_snippet_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let interpreter = Interpreter::choose(None, &target).unwrap();
    let python = Environment::ensure(&root, &target, &interpreter, &|text| eprintln!("{text}")).unwrap();
    // Cargo hands it to the tests of this package, for the Rust snippets: a compiler that knows the book's edition only.
    let extensions = Extensions::new(&root, &target).withholding("RUSTC");
    let snippets = snippets(&root);
    assert!(!snippets.is_empty(), "the book has no Python snippet");

    // Most of a snippet's time is spent waiting, or starting Python.
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failures = Vec::new();
        while let Some(snippet) = snippets.get(next.fetch_add(1, Ordering::Relaxed)) {
            failures.extend(run(snippet, &python, &extensions, &root, &target).err());
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    eprintln!("{} Python snippets, {} failed", snippets.len(), failures.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

fn snippets(root: &Path) -> Vec<Snippet> {
    let site = Site::open(root).unwrap();
    let library = Library::open(
        root,
        &Source::Published {
            machines: site.reference_machines.clone(),
        },
    )
    .unwrap();
    let mut snippets = Vec::new();
    let mut once = Snippets::default();
    for language in site.complete() {
        for chapter in edition::expand(&site, &library, language).unwrap() {
            let mut current: Option<Snippet> = None;
            let markdown = once.once(&chapter.markdown);
            for (event, range) in Parser::new(&markdown).into_offset_iter() {
                match event {
                    Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                        let mut parts = info.split(',').map(str::trim);
                        if parts.next() == Some("python") && !parts.clone().any(|part| part == IGNORE) {
                            let line = markdown[..range.start].lines().count() + 1;
                            let program = info.split(',').find_map(|part| part.trim().strip_prefix("program="));
                            current = Some(Snippet {
                                place: format!("{} {}, line {line} as expanded", language.code, chapter.path.display()),
                                code: String::new(),
                                folder: program
                                    .and_then(|path| path.split_once('/'))
                                    .map(|(experiment, _)| root.join("examples").join(experiment)),
                                runs: !parts.any(|part| part == "no_run"),
                            });
                        }
                    }
                    Event::Text(text) => {
                        if let Some(snippet) = &mut current {
                            snippet.code.push_str(&text);
                        }
                    }
                    Event::End(TagEnd::CodeBlock) => snippets.extend(current.take()),
                    _ => {}
                }
            }
        }
    }
    for snippet in &mut snippets {
        // mdBook hides lines that begin with `~` (book.toml, hidelines); they belong to the program.
        snippet.code = snippet
            .code
            .split_inclusive('\n')
            .map(|line| line.strip_prefix('~').unwrap_or(line))
            .collect();
    }
    snippets
}

/// The crates of the extension modules that programs of an experiment import.
fn extension_of(folder: &Path) -> BTreeSet<PathBuf> {
    let experiment = Experiment::read(folder).ok();
    let programs = experiment.into_iter().flat_map(|experiment| experiment.programs);
    programs
        .filter_map(|program| Some(folder.join(program.extension?)))
        .collect()
}

fn run(
    snippet: &Snippet,
    python: &Environment,
    extensions: &Extensions,
    root: &Path,
    target: &Path,
) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("snippet.py");
    std::fs::write(&file, &snippet.code).map_err(|error| error.to_string())?;
    let output = folder.path().join("output");
    let log = std::fs::File::create(&output).map_err(|error| error.to_string())?;
    let mut command = Command::new(&python.python);
    if !snippet.runs {
        command.args(["-c", IMPORT]);
    }
    command
        .arg(&file)
        .current_dir(root)
        .env("PYTHONPYCACHEPREFIX", target.join("pycache"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().map_err(|error| error.to_string())?)
        .stderr(log);
    if let Some(folder) = &snippet.folder {
        let mut path = vec![folder.clone()];
        for extension in extension_of(folder) {
            path.push(
                extensions
                    .ensure(&extension, python)
                    .map_err(|error| format!("{error:#}"))?,
            );
        }
        command.env(
            "PYTHONPATH",
            std::env::join_paths(path).map_err(|error| error.to_string())?,
        );
    }
    let began = Instant::now();
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let status = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break Some(status),
            None if began.elapsed() > LIMIT => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let said = std::fs::read_to_string(&output).unwrap_or_default();
    match status {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{}: {status}\n{said}", snippet.place)),
        None => Err(format!("{}: still running after {LIMIT:?}\n{said}", snippet.place)),
    }
}
