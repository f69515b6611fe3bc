//! A whole small book from its files to its expanded chapters, and all that is checked of it: chapter, catalog, ledger, glossary, sources,
//! languages, a recording.
//!
//! An input is some of these files, each behind a line `=== PATH`.

#![no_main]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use book::catalog::Dictionaries;
use book::{Site, edition};
use fuzz::{folder, is_brief, small, write};
use libfuzzer_sys::fuzz_target;
use measure::library::Library;

/// What an input may replace, with what stands there else; nothing is no file.
const FILES: &[(&str, &str)] = &[
    ("src/a.md", "# A {#a}\n\nText.\n"),
    ("po/it.po", ""),
    ("po/languages.toml", small::LANGUAGES),
    ("po/glossary.toml", ""),
    ("ledger.toml", ""),
    ("sources.toml", ""),
    ("examples/e/main.py", ""),
    ("examples/e/steps.json", ""),
    ("measurements/moves.json", ""),
];

/// What lies in the folder now, so that only what changes is written.
static WRITTEN: LazyLock<Mutex<BTreeMap<&str, String>>> = LazyLock::new(|| {
    small::book("");
    write("examples/e/steps.py", "");
    Mutex::default()
});

fn files(text: &str) -> BTreeMap<&str, &str> {
    text.split("=== ")
        .filter_map(|part| {
            let (path, content) = part.split_once('\n')?;
            Some((path.trim(), content))
        })
        .collect()
}

fuzz_target!(|text: &str| {
    let given = files(text);
    let mut written = WRITTEN.lock().expect("one thread");
    for (path, usual) in FILES {
        let content = given.get(path).unwrap_or(usual);
        if written.get(path).is_some_and(|written| written == content) {
            continue;
        }
        match content.is_empty() {
            true => drop(std::fs::remove_file(folder().join(path))),
            false => drop(write(path, content)),
        }
        written.insert(path, (*content).to_owned());
    }
    let site = match Site::open(folder()) {
        Ok(site) => site,
        Err(error) => return assert!(is_brief(&format!("{error:#}"))),
    };
    let library = Library {
        entries: Vec::new(),
        self_check: None,
    };
    for language in site.languages.iter().take(3) {
        match edition::expand(&site, &library, language) {
            Ok(chapters) => assert_eq!(chapters.len(), 1),
            Err(error) => assert!(is_brief(&format!("{error:#}"))),
        }
    }
    match edition::check(&site, &library, &Dictionaries::default()) {
        Ok(report) => assert!(report.findings.iter().all(|finding| is_brief(&finding.to_string()))),
        Err(error) => assert!(is_brief(&format!("{error:#}"))),
    }
});
