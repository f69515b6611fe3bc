//! What is missing, wrong or doubtful in a catalog, with its line and that of the source.
//!
//! ```text
//! every language                            one language
//! markup        structure of Markdown       grammar      what a language can bring
//! comment       comments of code             \-- italian     accents, articles
//! typography    blanks, quotation marks               \-- number    as it is spoken
//! number        words before a number
//! glossary      po/glossary.toml
//! spelling      a dictionary, po/words/
//! untranslated  sentences left in English
//!
//! text          a message as its reader sees it
//! places        the line of a message in the book
//! finding       what all of them give
//! ```

mod comment;
mod finding;
mod glossary;
mod grammar;
mod italian;
mod markup;
mod number;
mod places;
mod spelling;
mod text;
mod typography;
mod untranslated;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use measure::library::Library;

use self::finding::Notes;
use self::glossary::Glossary;
pub(crate) use self::grammar::Gender;
use self::grammar::Grammar;
use self::places::Places;
use self::spelling::Speller;
use self::text::Visible;
use self::typography::Habits;
use super::extract::{self, Block, CODE_COMMENT};
use super::{Catalog, Entry, safety};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::edition;
use crate::lint;
use crate::measurements::{self, Context};
use crate::site::{Language, Site};
use crate::translations::{SharedTexts, Translations};

pub use finding::{Finding, Place, Report, Severity};
pub(super) use markup::values;
pub use spelling::DictionaryFiles;

/// For each language code its dictionary, or why there is none.
pub type Dictionaries = BTreeMap<String, Result<DictionaryFiles, String>>;

/// Everything that keeps the translation from being complete and right, or may do so.
///
/// # Errors
///
/// Where the chapters cannot be read, and where the glossary, the dictionary or the words of the trade are not what they should be. What
/// is wrong in the catalog is in the report.
pub fn check(site: &Site, library: &Library, language: &Language, dictionaries: &Dictionaries) -> Result<Report> {
    let path = site.catalog_path(language);
    let shown = site.relative(&path);
    let mut report = Report::default();
    if !path.exists() {
        report.findings.push(Finding::error(
            "catalog",
            Diagnostic::new(
                shown,
                1,
                format!("there is no catalog for {}", language.name),
                "`cargo xtask translate update` writes one",
            ),
        ));
        return Ok(report);
    }
    let catalog = match Catalog::read(&path, &shown) {
        Ok(catalog) => catalog,
        Err(error) => {
            let Diagnostics(diagnostics) = error.downcast()?;
            let findings = diagnostics.into_iter().map(|found| Finding::error("catalog", found));
            report.findings.extend(findings);
            return Ok(report);
        }
    };
    let grammar = grammar::of(&language.code);
    let folder = site.root.join("po");
    let glossary = Glossary::read(&folder.join("glossary.toml"), &language.code)?;
    let speller = match dictionaries.get(&language.code) {
        Some(Ok(files)) => {
            let own = folder.join("words").join(format!("{}.txt", language.code));
            let terms: Vec<&str> = glossary.words().collect();
            Some(Speller::read(files, &own, &terms, grammar.elisions())?)
        }
        other => {
            let why = match other {
                Some(Err(why)) => why,
                _ => "no dictionary was given",
            };
            report.skipped.push(format!(
                "{}: spelling was not checked, nor words left in English: {why}",
                shown.display()
            ));
            None
        }
    };
    let translations = Arc::new(Translations::of(site, library, &SharedTexts::default()));
    let machines = edition::shown_and_others(site, library)
        .into_iter()
        .map(|(machine, library)| {
            let context = edition::context(site, &library, language, Some(&catalog), &translations)?;
            Ok((machine, Context::clone(&context)))
        })
        .collect::<Result<Vec<_>>>()?;
    let (template, blocks) = extract::messages(site, library)?;
    let mut checker = Checker {
        source_language: site.source_language(),
        language,
        shown: &shown,
        grammar,
        glossary,
        speller,
        machines,
        habits: Habits::default(),
    };
    let mut findings = checker.run(&template, &blocks, &catalog);
    let dangers = dangers(&catalog, &findings, &shown);
    findings.extend(dangers);
    report.extend(Report {
        findings,
        skipped: Vec::new(),
    });
    name_sources(&mut report.findings, &template, &catalog, site);
    Ok(report)
}

/// The mistakes of a translation that a build cannot overlook: directives that were lost, changed, or say something else than their
/// condition. A missing catalog has none.
pub fn check_directives(site: &Site, context: &Context) -> Result<Vec<Diagnostic>> {
    let path = site.catalog_path(context.interface.language());
    let shown = site.relative(&path);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let catalog = match Catalog::read(&path, &shown) {
        Ok(catalog) => catalog,
        Err(error) => return Ok(error.downcast::<Diagnostics>()?.0),
    };
    let mut diagnostics = Vec::new();
    for entry in catalog.entries.iter().filter(|entry| entry.is_translated()) {
        match markup::directives(&entry.msgid, &entry.msgstr) {
            Some((message, help)) => diagnostics.push(Diagnostic::new(&shown, entry.line, message, help)),
            // A directive that is not the source's needs no second complaint.
            None => {
                for inner in measurements::expand(&shown, &entry.msgstr, context).1 {
                    diagnostics.push(Diagnostic::new(&shown, entry.line, inner.message, inner.help));
                }
            }
        }
    }
    Ok(diagnostics)
}

/// A comment of code whose translation would not be one.
pub(super) fn broken_comment(entry: &Entry, shown: &Path) -> Option<Diagnostic> {
    let mut findings = Vec::new();
    let mut notes = Notes {
        path: shown,
        entry,
        findings: &mut findings,
    };
    comment::check(&mut notes);
    let broken = findings.into_iter().find(|finding| finding.rule == comment::RULE);
    broken.map(|finding| finding.diagnostic)
}

/// One catalog and all it is held against.
struct Checker<'a> {
    source_language: &'a Language,
    language: &'a Language,
    shown: &'a Path,
    grammar: &'static dyn Grammar,
    glossary: Glossary,
    speller: Option<Speller>,
    /// Those with published results, what the book shows first.
    machines: Vec<(String, Context)>,
    habits: Habits,
}

/// A message as far as a check of words is concerned.
struct Message<'a> {
    entry: &'a Entry,
    source: Visible,
    translation: Visible,
}

impl Checker<'_> {
    fn run(&mut self, template: &Catalog, blocks: &[Block], catalog: &Catalog) -> Vec<Finding> {
        let mut findings = Vec::new();
        // A draft may lack what it lacks; what it has must be right.
        let whole = !self.language.is_draft();
        let stale = "`cargo xtask translate update` brings the catalog up to the text";
        let missing: Vec<&Entry> = template
            .entries
            .iter()
            .filter(|entry| catalog.get(&entry.msgid).is_none())
            .collect();
        if let Some(first) = missing.first().filter(|_| whole) {
            let message = format!(
                "{} messages of the book are not in the catalog, the first: {}",
                missing.len(),
                brief(&first.msgid)
            );
            findings.push(Finding::error("stale", Diagnostic::new(self.shown, 1, message, stale)));
        }
        let mut prose = Vec::new();
        let mut comments = Vec::new();
        let looked_at = |entry: &&Entry| {
            !entry.obsolete && (whole || entry.is_translated() && template.get(&entry.msgid).is_some())
        };
        for entry in catalog.entries.iter().filter(looked_at) {
            let mut wanting = |rule, message: &str, help: &str| {
                let message = format!("{message}: {}", brief(&entry.msgid));
                let diagnostic = Diagnostic::new(self.shown, entry.line, message, help);
                findings.push(Finding::error(rule, diagnostic));
            };
            let Some(new) = template.get(&entry.msgid) else {
                wanting("stale", "this message is no longer in the book", stale);
                continue;
            };
            if entry.msgstr.is_empty() {
                wanting("missing", "no translation of", "write it into `msgstr`");
                continue;
            }
            if entry.is_fuzzy() {
                wanting(
                    "fuzzy",
                    "the translation is of an older text",
                    "mend `msgstr`, then remove the flag `fuzzy` and the lines that start with `#|`",
                );
                continue;
            }
            let is_comment = is_comment(new);
            let mut notes = Notes {
                path: self.shown,
                entry,
                findings: &mut findings,
            };
            let visible = |text: &str| match is_comment {
                true => Visible::of_comment(text),
                false => Visible::of_prose(text),
            };
            let (mut source, mut translation) = (visible(&entry.msgid), visible(&entry.msgstr));
            Visible::without_quotations(&mut source, &mut translation);
            let message = Message {
                entry,
                source,
                translation,
            };
            if is_comment {
                comment::check(&mut notes);
                comments.push(message);
                continue;
            }
            markup::check(&mut notes);
            // The words of the machinery hold numbers that nobody measured, such as the level of an interval.
            if new.sources.iter().any(|source| source.ends_with(".md")) {
                for number in lint::bare_numbers(self.shown, &entry.msgstr, &self.language.code) {
                    notes.error("measured", 0, number.message, number.help);
                }
            }
            self.habits.learn(&message.translation);
            prose.push(message);
        }
        for message in &prose {
            let mut notes = Notes {
                path: self.shown,
                entry: message.entry,
                findings: &mut findings,
            };
            self.habits
                .check(&message.entry.msgid, &message.translation, self.grammar, &mut notes);
            number::compare(
                (&message.source, self.source_language),
                (&message.translation, self.language),
                &mut notes,
            );
            number::check(
                &message.translation,
                self.grammar,
                self.language,
                &self.machines,
                &mut notes,
            );
        }
        for message in prose.iter_mut().chain(&mut comments) {
            let mut notes = Notes {
                path: self.shown,
                entry: message.entry,
                findings: &mut findings,
            };
            self.grammar.check(&message.translation, &mut notes);
            self.glossary
                .check(&message.source, &message.translation, self.grammar, &mut notes);
            untranslated::check(
                &message.source,
                &mut message.translation,
                self.speller.as_mut(),
                &mut notes,
            );
            if let Some(speller) = &mut self.speller {
                speller.check(&message.source, &message.translation, &mut notes);
            }
        }
        findings.extend(comment::changed_code(blocks, catalog, self.shown));
        // Without a dictionary nobody knows whether an acceptance is needed.
        let unknown: &[&str] = match self.speller {
            Some(_) => &[],
            None => &["spelling", "english"],
        };
        accept(&mut findings, catalog, self.shown, unknown);
        findings
    }
}

fn is_comment(entry: &Entry) -> bool {
    entry.comments.iter().any(|comment| comment == CODE_COMMENT)
}

/// How a translator says in a note that a warning of this entry has been looked at and is none: `# accepted: glossary, spelling (why)`.
/// Errors stay.
const ACCEPTED: &str = "accepted:";

/// Takes out the warnings that are accepted, and names acceptances that nothing needs any more.
fn accept(findings: &mut Vec<Finding>, catalog: &Catalog, shown: &Path, unknown: &[&str]) {
    let mut idle = Vec::new();
    for (number, entry) in catalog.entries.iter().enumerate() {
        let rules = entry.notes.iter().filter_map(|note| {
            let rules = note.trim().strip_prefix(ACCEPTED)?;
            Some(rules.split_once('(').map_or(rules, |(rules, _)| rules))
        });
        let next = catalog.entries[number + 1..]
            .iter()
            .map(|entry| entry.line)
            .find(|line| *line > 0);
        for rule in rules.flat_map(|rules| rules.split(',')).map(str::trim) {
            let before = findings.len();
            findings.retain(|found| {
                let line = found.diagnostic.line;
                let here = line >= entry.line && next.is_none_or(|next| line < next);
                found.is_error() || found.rule != rule || !here
            });
            if findings.len() == before && !entry.obsolete && !unknown.contains(&rule) {
                let message = format!("a note accepts warnings of the rule `{rule}`, and there is none");
                idle.push(Finding {
                    severity: Severity::Warning,
                    rule: "accepted",
                    diagnostic: Diagnostic::new(shown, entry.line, message, "remove the note"),
                    source: None,
                });
            }
        }
    }
    findings.extend(idle);
}

/// Adds to each finding where its message stands in the book.
fn name_sources(findings: &mut [Finding], template: &Catalog, catalog: &Catalog, site: &Site) {
    let mut places = Places::new(site);
    for finding in findings {
        // Entries follow one another in the file, each from the line of its `msgid` on.
        let of = catalog
            .entries
            .iter()
            .filter(|entry| !entry.obsolete && entry.line <= finding.diagnostic.line)
            .max_by_key(|entry| entry.line);
        finding.source = of
            .and_then(|entry| template.get(&entry.msgid))
            .and_then(|entry| places.of(entry, is_comment(entry)));
    }
}

/// Rules that find in words of their own what is a danger as well: what was added to the page that the source does not have.
const SAID_ALREADY: &[&str] = &["comment", "directives", "html", "links"];

/// What a translation must not bring into the page, as far as nothing in `findings` says so of the same entry.
fn dangers(catalog: &Catalog, findings: &[Finding], shown: &Path) -> Vec<Finding> {
    let said: BTreeSet<usize> = findings
        .iter()
        .filter(|finding| finding.is_error() && SAID_ALREADY.contains(&finding.rule))
        .map(|finding| finding.diagnostic.line)
        .collect();
    let is_said = |entry: &&Entry| {
        let last = entry.line_of_translation(entry.msgstr.len());
        said.range(entry.line..=last).next().is_some()
    };
    let left = catalog.entries.iter().filter(|entry| !is_said(entry));
    left.flat_map(|entry| safety::of_entry(entry, shown))
        .map(|danger| Finding::error("safety", danger))
        .collect()
}

/// The start of a text, on one line.
fn brief(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("\"{}...\"", &line[..end]),
        None => format!("\"{line}\""),
    }
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::site::Status;

    pub(super) fn language() -> Language {
        Language {
            code: "it".into(),
            name: "Italiano".into(),
            decimal: ',',
            thousands: '.',
            source: false,
            status: Status::Complete,
        }
    }

    /// `message: severity: help` of each finding of one check in one translation.
    pub(super) fn found_by(check: impl FnOnce(&mut Notes<'_>), msgid: &str, msgstr: &str) -> Vec<String> {
        let entry = Entry {
            msgid: msgid.to_owned(),
            msgstr: msgstr.to_owned(),
            ..Entry::default()
        };
        let mut findings = Vec::new();
        check(&mut Notes {
            path: Path::new("po/it.po"),
            entry: &entry,
            findings: &mut findings,
        });
        findings
            .into_iter()
            .map(|found| {
                let Diagnostic { message, help, .. } = found.diagnostic;
                format!("{message}: {}: {help}", found.severity.name())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::language;
    use super::*;

    fn run(template: &Catalog, catalog: &Catalog) -> Vec<Finding> {
        let language = language();
        let mut checker = Checker {
            source_language: &language,
            language: &language,
            shown: Path::new("po/it.po"),
            grammar: grammar::of("it"),
            glossary: Glossary::default(),
            speller: None,
            machines: Vec::new(),
            habits: Habits::default(),
        };
        let findings = checker.run(template, &[], catalog);
        let mut report = Report::default();
        report.extend(Report {
            findings,
            skipped: Vec::new(),
        });
        report.findings
    }

    /// Messages about the translation of one text.
    fn found(msgid: &str, msgstr: &str, comment: &str) -> Vec<String> {
        let mut template = Catalog::default();
        template.add(msgid, "src/a.md", comment);
        run(&template, &Catalog::from_pairs(&[(msgid, msgstr)]))
            .into_iter()
            .map(|finding| finding.diagnostic.message)
            .collect()
    }

    #[test]
    fn prose_and_comments_are_each_held_to_their_rules() {
        for (msgid, msgstr, comment) in [
            ("See `a`, it is so.", "Vedi `a`, è così.", ""),
            ("// Why  -- so", "// Perché  -- così", CODE_COMMENT),
        ] {
            assert_eq!(found(msgid, msgstr, comment), [""; 0], "{msgstr}");
        }
        for (msgid, msgstr, comment, expected) in [
            ("Use `a`", "Usa `b`", "", "code spans"),
            ("Two words", "Due  parole", "", "two spaces"),
            (
                "It is 3,5 times as fast",
                "È 3,5 volte più veloce",
                "",
                "looks measured",
            ),
            ("It is so", "", "", "no translation of: \"It is so\""),
            ("Why", "Perche' no", "", "`Perche'` is written"),
            ("# Why", "# perchè", CODE_COMMENT, "wrong accent"),
            ("# Why", "perché", CODE_COMMENT, "without its marker #"),
            ("The 80", "il 80", "", "`il` before 80"),
        ] {
            let found = found(msgid, msgstr, comment);
            assert!(
                found.iter().any(|m| m.contains(expected)),
                "expected `{expected}` in {found:?}"
            );
            assert_eq!(found.len(), 1, "{found:?}");
        }
    }

    #[test]
    fn a_catalog_behind_the_text_is_reported_with_its_lines() {
        let text = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\nmsgid \"gone\"\nmsgstr \"andato\"\n\n#, fuzzy\nmsgid \"new\"\nmsgstr \"vecchio\"\n";
        let catalog = Catalog::parse(text, Path::new("po/it.po")).unwrap();
        let template = Catalog::from_pairs(&[("new", ""), ("newer", ""), ("newest", "")]);
        let found = run(&template, &catalog);
        let lines: Vec<_> = found
            .iter()
            .map(|found| (found.diagnostic.line, found.rule, found.diagnostic.message.as_str()))
            .collect();
        assert_eq!(
            lines,
            [
                (
                    1,
                    "stale",
                    "2 messages of the book are not in the catalog, the first: \"newer\""
                ),
                (4, "stale", "this message is no longer in the book: \"gone\""),
                (8, "fuzzy", "the translation is of an older text: \"new\""),
            ]
        );
    }

    #[test]
    fn a_warning_is_accepted_by_a_note_and_an_error_is_not() {
        let text = |note: &str, msgstr: &str| {
            let text = format!(
                "msgid \"\"\nmsgstr \"Language: it\\n\"\n\n# {note}\nmsgid \"It is (so)\"\nmsgstr \"{msgstr}\"\n\nmsgid \"b\"\nmsgstr \"b ( c)\"\n"
            );
            let catalog = Catalog::parse(&text, Path::new("po/it.po")).unwrap();
            let found = run(&Catalog::from_pairs(&[("It is (so)", ""), ("b", "")]), &catalog);
            found
                .iter()
                .map(|found| (found.rule, found.diagnostic.line))
                .collect::<Vec<_>>()
        };
        assert_eq!(text("a note", "Va ( così)"), [("typography", 6), ("typography", 9)]);
        assert_eq!(
            text("accepted: typography (it is meant)", "Va ( così)"),
            [("typography", 9)]
        );
        assert_eq!(
            text("accepted: typography", "Va  così"),
            [("accepted", 5), ("typography", 6), ("typography", 9)]
        );
    }

    #[test]
    fn what_is_said_already_is_no_second_error_and_the_rest_is() {
        let said_of = |msgstr: &str| {
            let text = format!(
                "msgid \"\"\nmsgstr \"Language: it\\n\"\n\nmsgid \"\"\n\"It is \"\n\"so\"\nmsgstr \"{msgstr}\"\n"
            );
            let catalog = Catalog::parse(&text, Path::new("po/it.po")).unwrap();
            let mut found = run(&Catalog::from_pairs(&[("It is so", "")]), &catalog);
            let more = dangers(&catalog, &found, Path::new("po/it.po"));
            found.extend(more);
            found.iter().map(|found| found.rule).collect::<Vec<_>>()
        };
        assert_eq!(said_of("È <b>così</b>"), ["html"]);
        assert_eq!(said_of("È [così](https://example.org/)"), ["links"]);
        let named = said_of("Perche' <script>così</script>");
        assert!(named.contains(&"accents") && named.contains(&"html"), "{named:?}");
        // A wrong accent says nothing of a danger that no other rule has seen.
        let catalog = Catalog::from_pairs(&[("It is so", "È <b>così</b>")]);
        let accent = Finding::error("accents", Diagnostic::new("po/it.po", catalog.entries[0].line, "", ""));
        assert_eq!(dangers(&catalog, &[accent], Path::new("po/it.po")).len(), 2);
    }

    #[test]
    fn a_finding_inside_a_translation_has_the_line_of_its_words() {
        let text = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\nmsgid \"It is so, and why\"\nmsgstr \"\"\n\"Va così, \"\n\"perchè sì\"\n";
        let catalog = Catalog::parse(text, Path::new("po/it.po")).unwrap();
        let found = run(&Catalog::from_pairs(&[("It is so, and why", "")]), &catalog);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].diagnostic.line, 7);
        assert_eq!(
            found[0].to_string(),
            "po/it.po:7: error[accents]: `perchè` has the wrong accent\n  help: write `perché`"
        );
    }
}
