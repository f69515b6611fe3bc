//! What is missing or wrong in a catalog, with its line.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anyhow::Result;
use mdbook_i18n_helpers::extract_events;
use mdbook_markdown::pulldown_cmark::{Event, Tag};
use measure::library::Library;

use super::extract::{self, Block, CODE_COMMENT};
use super::{Catalog, Entry, safety};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::directive;
use crate::lint;
use crate::measurements::{self, Context};
use crate::site::{Language, Site};

/// Everything that keeps the translation from being complete and right. Empty when it is both.
pub fn check(site: &Site, library: &Library, language: &Language) -> Result<Vec<Diagnostic>> {
    let path = site.catalog_path(language);
    let shown = site.relative(&path);
    if !path.exists() {
        return Ok(vec![Diagnostic::new(
            shown,
            1,
            format!("there is no catalog for {}", language.name),
            "`cargo xtask translate update` writes one",
        )]);
    }
    let catalog = match Catalog::read(&path, &shown) {
        Ok(catalog) => catalog,
        Err(error) => return Ok(error.downcast::<Diagnostics>()?.0),
    };
    let (template, blocks) = extract::messages(site, library)?;
    let mut diagnostics = compare(&template, &blocks, &catalog, language, &shown);
    // What is already said about an entry in this check's own words needs no second complaint.
    let known: HashSet<usize> = diagnostics.iter().map(|diagnostic| diagnostic.line).collect();
    for entry in catalog.entries.iter().filter(|entry| !known.contains(&entry.line)) {
        diagnostics.extend(safety::of_entry(entry, &shown));
    }
    diagnostics.sort();
    Ok(diagnostics)
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
        let before = diagnostics.len();
        let mut report = |message: String, help: &str| {
            diagnostics.push(Diagnostic::new(&shown, entry.line, message, help));
        };
        check_heads(entry, &mut report);
        // A directive that is not the source's needs no second complaint.
        if diagnostics.len() == before {
            for inner in measurements::expand(&shown, &entry.msgstr, context).1 {
                diagnostics.push(Diagnostic::new(&shown, entry.line, inner.message, inner.help));
            }
        }
    }
    Ok(diagnostics)
}

fn compare(
    template: &Catalog,
    blocks: &[Block],
    catalog: &Catalog,
    language: &Language,
    shown: &Path,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let stale = "`cargo xtask translate update` brings the catalog up to the text";
    let missing: Vec<&Entry> = template
        .entries
        .iter()
        .filter(|entry| catalog.get(&entry.msgid).is_none())
        .collect();
    if let Some(first) = missing.first() {
        diagnostics.push(Diagnostic::new(
            shown,
            1,
            format!(
                "{} messages of the book are not in the catalog, the first: {}",
                missing.len(),
                brief(&first.msgid)
            ),
            stale,
        ));
    }
    for entry in catalog.entries.iter().filter(|entry| !entry.obsolete) {
        let Some(new) = template.get(&entry.msgid) else {
            let message = format!("this message is no longer in the book: {}", brief(&entry.msgid));
            diagnostics.push(Diagnostic::new(shown, entry.line, message, stale));
            continue;
        };
        if entry.msgstr.is_empty() {
            let message = format!("no translation of: {}", brief(&entry.msgid));
            diagnostics.push(Diagnostic::new(shown, entry.line, message, "write it into `msgstr`"));
            continue;
        }
        if entry.is_fuzzy() {
            diagnostics.push(Diagnostic::new(
                shown,
                entry.line,
                format!("the translation is of an older text: {}", brief(&entry.msgid)),
                "mend `msgstr`, then remove the flag `fuzzy` and the lines that start with `#|`",
            ));
            continue;
        }
        let is_code = new.comments.iter().any(|comment| comment == CODE_COMMENT);
        let mut report = |message: String, help: &str| {
            diagnostics.push(Diagnostic::new(shown, entry.line, message, help));
        };
        if is_code {
            check_code_comment(entry, &mut report);
        } else {
            check_prose(entry, &mut report);
            // The words of the machinery hold numbers that nobody measured, such as the level of an interval.
            if new.sources.iter().any(|source| source.ends_with(".md")) {
                for number in lint::bare_numbers(shown, &entry.msgstr, &language.code) {
                    report(number.message, &number.help);
                }
            }
        }
        if language.code == "it" {
            check_italian(&entry.msgstr, &mut report);
        }
    }
    diagnostics.extend(changed_code(blocks, catalog, shown));
    diagnostics.sort();
    diagnostics.dedup();
    diagnostics
}

/// The start of a text, on one line.
fn brief(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(60) {
        Some((end, _)) => format!("\"{}...\"", &line[..end]),
        None => format!("\"{line}\""),
    }
}

/// The translation has exactly the directives of the source, letter for letter.
fn check_heads(entry: &Entry, report: &mut impl FnMut(String, &str)) {
    let heads = |text: &str| directive::directives(text).map(|found| directive::heads(&found));
    match (heads(&entry.msgid), heads(&entry.msgstr)) {
        (Ok(source), Ok(translation)) => {
            if let Some(difference) = difference(&source, &translation) {
                report(
                    format!("the directives are not those of the source: {difference}"),
                    "keep every {{#...}} as it is; only the words between {{#claim ...}} and {{/claim}} are translated",
                );
            }
        }
        (Ok(_), Err(error)) => report(
            format!("a directive of the translation: {}", error.message),
            &error.help,
        ),
        // The source's own mistake is reported where it is.
        (Err(_), _) => {}
    }
}

fn check_prose(entry: &Entry, report: &mut impl FnMut(String, &str)) {
    check_heads(entry, report);
    let (source, translation) = (Marks::of(&entry.msgid), Marks::of(&entry.msgstr));
    let kinds = [
        (
            "code spans",
            &source.code,
            &translation.code,
            "names of the program stay as they are, in backquotes",
        ),
        (
            "link targets",
            &source.links,
            &translation.links,
            "only the text of a link is translated, not where it leads",
        ),
        ("HTML tags", &source.html, &translation.html, "keep every tag as it is"),
        (
            "footnotes",
            &source.footnotes,
            &translation.footnotes,
            "keep every [^name]",
        ),
        (
            "values in braces",
            &source.values,
            &translation.values,
            "keep every {name}: the program fills it in",
        ),
    ];
    for (kind, source, translation, help) in kinds {
        if let Some(difference) = difference(source, translation) {
            report(format!("the {kind} are not those of the source: {difference}"), help);
        }
    }
    if has_double_space(&entry.msgstr) && !has_double_space(&entry.msgid) {
        report("two spaces in a row".to_owned(), "leave one");
    }
    let ends = |text: &str| {
        (
            text.starts_with(char::is_whitespace),
            text.ends_with(char::is_whitespace),
        )
    };
    if ends(&entry.msgid) != ends(&entry.msgstr) {
        report(
            "white space at the start or at the end differs from the source".to_owned(),
            "start and end as the source does",
        );
    }
}

/// What Markdown sees in a message besides words.
#[derive(Default)]
struct Marks {
    code: Vec<String>,
    links: Vec<String>,
    html: Vec<String>,
    footnotes: Vec<String>,
    values: Vec<String>,
}

impl Marks {
    fn of(text: &str) -> Marks {
        let mut marks = Marks::default();
        for (_, event) in extract_events(text, None) {
            match event {
                Event::Code(code) => marks.code.push(code.to_string()),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    marks.links.push(dest_url.to_string());
                }
                Event::InlineHtml(html) | Event::Html(html) => marks.html.push(html.trim().to_owned()),
                Event::FootnoteReference(name) => marks.footnotes.push(name.to_string()),
                Event::Text(text) => marks.values.extend(values(&text)),
                _ => {}
            }
        }
        for list in [
            &mut marks.code,
            &mut marks.links,
            &mut marks.html,
            &mut marks.footnotes,
            &mut marks.values,
        ] {
            list.sort();
        }
        marks
    }
}

/// `{name}`s, directives left out.
pub(super) fn values(text: &str) -> impl Iterator<Item = String> {
    text.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_name.then(|| name.to_owned())
    })
}

/// What one list has more often than the other, in words; `None` when they are equal.
fn difference(source: &[String], translation: &[String]) -> Option<String> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for item in source {
        *counts.entry(item).or_default() += 1;
    }
    for item in translation {
        *counts.entry(item).or_default() -= 1;
    }
    let list = |wanted: fn(i64) -> bool| {
        let items: Vec<String> = counts
            .iter()
            .filter(|(_, count)| wanted(**count))
            .map(|(item, _)| format!("`{item}`"))
            .collect();
        items.join(", ")
    };
    let (lost, added) = (list(|count| count > 0), list(|count| count < 0));
    match (lost.is_empty(), added.is_empty()) {
        (true, true) => None,
        (false, true) => Some(format!("{lost} is missing")),
        (true, false) => Some(format!("{added} is not in the source")),
        (false, false) => Some(format!("{lost} is missing, {added} is not in the source")),
    }
}

/// Two spaces that are no line break of Markdown.
fn has_double_space(text: &str) -> bool {
    text.match_indices("  ")
        .any(|(at, _)| !text[at..].trim_start_matches(' ').starts_with('\n'))
}

/// The markers of every line of a comment.
pub(super) fn check_code_comment(entry: &Entry, report: &mut impl FnMut(String, &str)) {
    const MARKERS: &[&str] = &["///", "//!", "//", "#"];
    const BRACKETS: &[(&str, &str)] = &[("/*", "*/"), ("\"\"\"", "\"\"\""), ("'''", "'''")];
    for (open, close) in BRACKETS {
        if entry.msgid.starts_with(open) {
            let inside = entry
                .msgstr
                .trim_end()
                .strip_prefix(open)
                .and_then(|rest| rest.strip_suffix(close));
            if inside.is_none_or(|inside| inside.contains(close)) {
                report(
                    format!("a comment between {open} and {close} is translated by something else"),
                    "start and end the translation as the source does",
                );
            }
            return;
        }
    }
    let Some(marker) = MARKERS.iter().find(|marker| entry.msgid.starts_with(**marker)) else {
        return;
    };
    if let Some(line) = entry.msgstr.trim_end().lines().find(|line| !has_marker(line, marker)) {
        report(
            format!("a line of a comment without its marker {marker}: {line}"),
            "every line of the translation starts with the marker of the source",
        );
    }
}

/// Whether a line starts with this marker and not with a longer one.
fn has_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| marker.len() != 2 || !rest.starts_with(['/', '!']))
}

/// Code that a translation would change: reported at the message that does it.
fn changed_code(blocks: &[Block], catalog: &Catalog, shown: &Path) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    for block in blocks {
        let code = Code {
            text: &block.code,
            language: &block.language,
        };
        for comment in code.comments() {
            let Some(entry) = catalog.get(&comment.message).filter(|entry| entry.is_translated()) else {
                continue;
            };
            let alone = Catalog {
                header: Entry::default(),
                entries: vec![entry.clone()].into(),
            };
            let translated = code.translated(&alone);
            let translated = Code {
                text: &translated,
                ..code
            };
            if translated.without_comments() != code.without_comments() {
                diagnostics.push(Diagnostic::new(
                    shown,
                    entry.line,
                    format!(
                        "translated so, this comment changes the {} code it stands in",
                        block.language
                    ),
                    "keep its markers, and nothing that ends a comment inside it",
                ));
            }
        }
    }
    diagnostics
}

/// Slips of the keyboard that every Italian reader sees: an apostrophe for an accent, or the wrong accent.
fn check_italian(text: &str, report: &mut impl FnMut(String, &str)) {
    const WITH_APOSTROPHE: &[(&str, &str)] = &[
        ("e", "è"),
        ("cioe", "cioè"),
        ("perche", "perché"),
        ("poiche", "poiché"),
        ("finche", "finché"),
        ("benche", "benché"),
        ("affinche", "affinché"),
        ("anziche", "anziché"),
        ("piu", "più"),
        ("cosi", "così"),
        ("gia", "già"),
        ("puo", "può"),
        ("cio", "ciò"),
        ("pero", "però"),
        ("sara", "sarà"),
        ("qualita", "qualità"),
        ("velocita", "velocità"),
        ("meta", "metà"),
        ("unita", "unità"),
        ("citta", "città"),
        ("la", "là"),
        ("li", "lì"),
    ];
    const WRONG_ACCENT: &[(&str, &str)] = &[
        ("é", "è"),
        ("cioé", "cioè"),
        ("perchè", "perché"),
        ("poichè", "poiché"),
        ("finchè", "finché"),
        ("benchè", "benché"),
        ("affinchè", "affinché"),
        ("anzichè", "anziché"),
        ("nè", "né"),
        ("sè", "sé"),
        ("piú", "più"),
        ("cosí", "così"),
        ("giá", "già"),
        ("puó", "può"),
        ("ció", "ciò"),
        ("peró", "però"),
        ("pò", "po'"),
    ];
    // Code and where links lead are not Italian.
    let prose: String = extract_events(text, None)
        .iter()
        .map(|(_, event)| match event {
            Event::Text(text) => text.as_ref(),
            _ => " ",
        })
        .collect();
    let mut before = ' ';
    let mut rest = prose.as_str();
    while let Some(start) = rest.find(char::is_alphabetic) {
        before = rest[..start].chars().next_back().unwrap_or(before);
        rest = &rest[start..];
        let end = rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        rest = behind;
        let lower = word.to_lowercase();
        let mut after = behind.chars();
        let apostrophe = matches!(after.next(), Some('\'' | '’'));
        // `l'` before a word is elision; a word in single quotes ends in one.
        let ends = !after.next().is_some_and(char::is_alphabetic) && !matches!(before, '\'' | '‘');
        if apostrophe
            && ends
            && let Some((_, right)) = WITH_APOSTROPHE.iter().find(|(wrong, _)| *wrong == lower)
        {
            report(
                format!("`{word}'` is written with an apostrophe for an accent"),
                &format!("write `{right}`"),
            );
        }
        if let Some((_, right)) = WRONG_ACCENT.iter().find(|(wrong, _)| *wrong == lower) {
            report(format!("`{word}` has the wrong accent"), &format!("write `{right}`"));
        }
        before = word.chars().next_back().unwrap_or(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn italian() -> Language {
        Language {
            code: "it".into(),
            name: "Italiano".into(),
            decimal: ',',
            thousands: '.',
            source: false,
        }
    }

    /// Messages about the translation of one text.
    fn found(msgid: &str, msgstr: &str, comment: &str) -> Vec<String> {
        let mut template = Catalog::default();
        template.add(msgid, "src/a.md", comment);
        let catalog = Catalog::from_pairs(&[(msgid, msgstr)]);
        compare(&template, &[], &catalog, &italian(), Path::new("po/it.po"))
            .into_iter()
            .map(|diagnostic| diagnostic.message)
            .collect()
    }

    #[test]
    fn a_good_translation_is_left_alone() {
        let pairs = [
            (
                "See [`gather`](a.md#x), {{#measured a.b.c}} <kbd>S</kbd>[^1]: {{#claim a.b/c.d >=3}}at least three times{{/claim}}.",
                "Vedi [`gather`](a.md#x)[^1], {{#claim a.b/c.d >=3}}almeno tre volte{{/claim}} <kbd>S</kbd>, perché è {{#measured a.b.c}}.",
            ),
            ("A line  \nanother.", "Una riga  \nun'altra."),
            ("Read it in {language}", "Leggilo in {language}"),
            (
                "That is, it can be a bit more so.",
                "Cioè, può essere un po' più così; l'unità della metà; là e lì, né sé.",
            ),
            ("`e'` is code", "`e'` è codice"),
            ("the 'and'", "la 'e'"),
        ];
        for (msgid, msgstr) in pairs {
            assert_eq!(found(msgid, msgstr, ""), [""; 0], "{msgstr}");
        }
        assert_eq!(
            found("// Why\n// so.", "// Perché\n// è\n// così.\n", CODE_COMMENT),
            [""; 0]
        );
        assert_eq!(found("\"\"\"Doc.\"\"\"", "\"\"\"Testo.\"\"\"", CODE_COMMENT), [""; 0]);
    }

    #[test]
    fn each_mistake_is_found() {
        let cases = [
            (
                "A {{#measured a.b.c}}",
                "Un {{#measured a.b.d}}",
                "directives are not those of the source: `measured a.b.c` is missing, `measured a.b.d` is not",
            ),
            ("A {{#measured a.b.c}}", "Un", "`measured a.b.c` is missing"),
            (
                "{{#claim a.b.c >=3}}x{{/claim}}",
                "{{#claim a.b.c >=3}}x",
                "a directive of the translation",
            ),
            ("Use `spawn`", "Usa `genera`", "code spans"),
            ("Use [it](a.md)", "Usa [lo](b.md)", "link targets"),
            ("Press <kbd>S</kbd>", "Premi S", "HTML tags"),
            ("A note[^1]", "Una nota", "footnotes"),
            ("In {language}", "In {lingua}", "values in braces"),
            ("Two words", "Due  parole", "two spaces"),
            ("Two words", "Due parole\n", "white space at the start or at the end"),
            ("It is", "E' così", "`E'` is written with an apostrophe"),
            ("Why", "Perche' no", "`Perche'` is written"),
            ("Why", "perchè", "wrong accent"),
            ("A bit", "un pò", "wrong accent"),
            ("It is fast", "È 3,5 volte più veloce", "looks measured"),
            ("It is so", "", "no translation of: \"It is so\""),
        ];
        for (msgid, msgstr, expected) in cases {
            let found = found(msgid, msgstr, "");
            assert!(
                found.iter().any(|m| m.contains(expected)),
                "expected `{expected}` in {found:?}"
            );
            assert_eq!(found.len(), 1, "{found:?}");
        }
        let code = [
            ("// Why", "Perché", "without its marker //"),
            ("// Why\n// so", "// Perché\nmai", "without its marker //"),
            ("// Why", "/// Perché", "without its marker //"),
            ("/* a */", "/* b", "between /* and */"),
            ("/* a */", "/* b */ */", "between /* and */"),
        ];
        for (msgid, msgstr, expected) in code {
            let found = found(msgid, msgstr, CODE_COMMENT);
            assert!(
                found.iter().any(|m| m.contains(expected)),
                "expected `{expected}` in {found:?}"
            );
        }
    }

    #[test]
    fn a_catalog_behind_the_text_is_reported_with_its_lines() {
        let text = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\nmsgid \"gone\"\nmsgstr \"andato\"\n\n#, fuzzy\nmsgid \"new\"\nmsgstr \"vecchio\"\n";
        let catalog = Catalog::parse(text, Path::new("po/it.po")).unwrap();
        let template = Catalog::from_pairs(&[("new", ""), ("newer", ""), ("newest", "")]);
        let found = compare(&template, &[], &catalog, &italian(), Path::new("po/it.po"));
        let lines: Vec<_> = found.iter().map(|d| (d.line, d.message.as_str())).collect();
        assert_eq!(
            lines,
            [
                (1, "2 messages of the book are not in the catalog, the first: \"newer\""),
                (4, "this message is no longer in the book: \"gone\""),
                (8, "the translation is of an older text: \"new\""),
            ]
        );
    }

    #[test]
    fn a_comment_that_changes_the_code_is_reported_at_its_line() {
        let block = Block {
            code: "def f():\n    \"\"\"Doc.\"\"\"\n    return 1\n".into(),
            language: "python".into(),
        };
        let catalog = Catalog::from_pairs(&[("\"\"\"Doc.\"\"\"", "\"\"\"Testo.\"\"\"; return 2")]);
        let found = changed_code(&[block], &catalog, Path::new("po/it.po"));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].message.contains("changes the python code"),
            "{}",
            found[0].message
        );
    }
}
