//! A chapter with its directives filled in, in two languages, and what is said of it. What stands between directives stays as it is.

#![no_main]

use std::path::Path;
use std::sync::{Arc, LazyLock};

use book::cited::Sources;
use book::measurements::{Context, expand, figures};
use book::translations::Translations;
use book::{Catalog, Diagnostic, Interface, directive, lint};
use fuzz::{LANGUAGES, root};
use libfuzzer_sys::fuzz_target;
use measure::experiment::Experiment;
use measure::library::{Entry, Library, Measured, Origin};
use measure::results::Results;

/// Those with few runs, so that what is slow is the chapter's doing: one with times, one with a sweep, and one that nobody measured.
const EXPERIMENTS: &[(&str, bool)] = &[("naps", true), ("idle-waiters", true), ("tcp-echo", false)];

fn library() -> Library {
    let entries = EXPERIMENTS.iter().map(|(name, is_measured)| {
        let experiment = Experiment::read(&root().join("examples").join(name)).expect("an experiment of the book");
        let path = root().join("fuzz/corpus/results").join(format!("{name}.json"));
        let measured = is_measured.then(|| Measured {
            results: Results::read(&path).expect("results that are valid"),
            origin: Origin::Published,
            path,
            stale: Vec::new(),
            imported: Vec::new(),
            drift: Vec::new(),
        });
        Entry {
            experiment,
            measured,
            others: Vec::new(),
        }
    });
    Library {
        entries: entries.collect(),
        self_check: None,
    }
}

static CONTEXTS: LazyLock<[Context; 2]> = LazyLock::new(|| {
    let [english, italian, _] = &*LANGUAGES;
    let sources = std::fs::read_to_string(root().join("sources.toml")).expect("the list of sources");
    let catalog = Catalog::from_pairs(&[("three naps", "tre pisolini"), ("per second", "al secondo")]);
    let context = |interface| Context {
        library: library(),
        interface,
        sources: Sources::parse(&sources).expect("a list of sources that is valid"),
        source_language: english.clone(),
        translations: Arc::new(Translations::known(Vec::new())),
        ledger: Arc::default(),
        glossary: Arc::default(),
        moves: Arc::default(),
        languages: vec![english.clone(), italian.clone()],
        root: root().to_owned(),
    };
    [
        context(Interface::new(english.clone(), None)),
        context(Interface::new(italian.clone(), Some(&catalog))),
    ]
});

fn check(diagnostics: &[Diagnostic], text: &str) {
    let lines = text.split('\n').count();
    for diagnostic in diagnostics {
        assert!((1..=lines).contains(&diagnostic.line), "{diagnostic}");
        assert!(!diagnostic.message.is_empty());
    }
}

fuzz_target!(|text: &str| {
    let directives = directive::parse(text).directives;
    for context in &*CONTEXTS {
        let (expanded, diagnostics) = expand(Path::new("src/a.md"), text, context);
        check(&diagnostics, text);
        let mut from = 0;
        let mut rest = expanded.as_str();
        for range in directives.iter().map(|directive| &directive.range) {
            let between = &text[from..range.start];
            let at = rest.find(between).expect("what stands between directives");
            rest = &rest[at + between.len()..];
            from = range.end;
        }
        assert!(rest.ends_with(&text[from..]));
        check(&lint::check_source(Path::new("src/a.md"), text, context), text);
        figures(text, context);
    }
});
