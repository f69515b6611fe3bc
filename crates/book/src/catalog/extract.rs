//! All that is to be translated, in the order in which a reader meets it.

use std::path::Path;

use anyhow::{Context, Result};
use mdbook_i18n_helpers::{ExtractedMessage, extract_events, extract_messages, reconstruct_markdown};
use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};
use measure::library::Library;

use super::Catalog;
use super::context;
use crate::cited::Sources;
use crate::diagnostic::Lines;
use crate::directive;
use crate::edition;
use crate::figure;
use crate::gettext::{ESCAPED, Sheltered};
use crate::glossary::{self, Glossary};
use crate::interface;
use crate::ledger::{self, Ledger};
use crate::site::Site;

/// How an entry is marked that is a comment of code: it keeps its markers (`//`, `#`).
pub(super) const CODE_COMMENT: &str = "comment of code";

/// A code block as it stands in a chapter.
pub(super) struct Block {
    pub(super) code: String,
    pub(super) language: String,
}

/// The template of all catalogs, without translations. The same sources give the same template to the byte.
pub fn extract(site: &Site, library: &Library) -> Result<Catalog> {
    messages(site, library).map(|(catalog, _)| catalog)
}

/// The template, and the code blocks that its comments of code stand in.
pub(super) fn messages(site: &Site, library: &Library) -> Result<(Catalog, Vec<Block>)> {
    let mut catalog = Catalog::default();
    let mut blocks = Vec::new();
    catalog.header.msgstr = header(site, None);

    let book = &site.config.book;
    catalog.add(
        book.title.as_deref().unwrap_or_default(),
        "book.toml",
        "title of the book",
    );
    catalog.add(
        book.description.as_deref().unwrap_or_default(),
        "book.toml",
        "what the book is, in one sentence, for search engines",
    );

    let path = site.source_dir().join("SUMMARY.md");
    let summary = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let shown = site.relative(&path);
    for (_, message) in extract_messages(without_title(&summary)).with_context(|| format!("in {}", shown.display()))? {
        catalog.add(
            &without_links(&message.message)?,
            &shown.display().to_string(),
            &message.comment,
        );
    }

    for (path, text) in edition::sources(site)? {
        let shown = site.relative(&site.source_dir().join(path));
        chapter(&mut catalog, &mut blocks, &text, &shown, library)
            .with_context(|| format!("in {}", shown.display()))?;
    }

    for string in interface::STRINGS {
        catalog.add(string, "", "interface");
    }
    let cited = Sources::open(&site.root)?;
    for name in cited.names() {
        catalog.add(
            name,
            "sources.toml",
            "who published figures that are cited, shown when pointed at",
        );
    }
    for unit in cited.labels() {
        catalog.add(unit, "sources.toml", "unit of a figure that is cited");
    }
    for (text, comment) in Ledger::open(site)?.texts() {
        catalog.add(text, ledger::FILE, comment);
    }
    for (text, comment) in Glossary::open(site)?.texts() {
        catalog.add(text, glossary::FILE, comment);
    }
    for entry in &library.entries {
        let experiment = &entry.experiment;
        let source = format!("examples/{}/experiment.toml", experiment.id);
        catalog.add(&experiment.title, &source, "title of an experiment");
        for program in &experiment.programs {
            catalog.add(&program.label, &source, "name of a program in figures and tables");
        }
        for metric in &experiment.metrics {
            catalog.add(&metric.label, &source, "name of a metric in figures and tables");
        }
        for (parameter, _) in experiment.swept() {
            catalog.add(
                &interface::parameter_label(parameter),
                &source,
                "what is varied, under the axis of a figure and over columns of a table",
            );
        }
    }
    Ok((catalog, blocks))
}

fn chapter(catalog: &mut Catalog, blocks: &mut Vec<Block>, text: &str, shown: &Path, library: &Library) -> Result<()> {
    let source = shown.display().to_string();
    let sheltered = Sheltered::new(text);
    let lines = Lines::of(&sheltered.text);
    let mut codes = sheltered.codes().into_iter().peekable();
    let mut messages = extract_messages(&sheltered.text)?.into_iter().peekable();
    let mut remarks = sheltered.remarks.iter().peekable();
    // Those that stand before a line, and with no message before this one.
    let mut remarks_before = |line: usize| -> Vec<&str> {
        std::iter::from_fn(|| remarks.next_if(|(at, _)| lines.at(*at) <= line))
            .map(|(_, remark)| remark.as_str())
            .collect()
    };
    // Prose and comments in the order of the page.
    loop {
        let code_line = codes.peek().map(|(at, _)| lines.at(*at));
        match (messages.peek(), code_line) {
            (Some((line, _)), code_line) if code_line.is_none_or(|code_line| *line < code_line) => {
                if let Some((line, ExtractedMessage { message, .. })) = messages.next()
                    && has_words(&message)
                {
                    let message = message.replace(ESCAPED, "\\{{#");
                    let inserted = context::inserted(&message, library).unwrap_or_default();
                    catalog.add(&message, &source, &inserted);
                    for label in series_labels(&message) {
                        catalog.add(
                            &label,
                            &source,
                            "what programs looked at over time, over the drawing of a figure",
                        );
                    }
                    for remark in remarks_before(line) {
                        catalog.add(&message, &source, remark);
                    }
                }
            }
            (_, Some(line)) => {
                if let Some((_, code)) = codes.next() {
                    let comments = code.comments();
                    for comment in &comments {
                        catalog.add(&comment.message, &source, CODE_COMMENT);
                    }
                    if let Some(first) = comments.first() {
                        for remark in remarks_before(line) {
                            catalog.add(&first.message, &source, remark);
                        }
                    }
                    blocks.push(Block {
                        code: code.text.to_owned(),
                        language: code.language.to_owned(),
                    });
                }
            }
            _ => return Ok(()),
        }
    }
}

/// What figures in a message are headed by, which stands in no manifest.
fn series_labels(message: &str) -> Vec<String> {
    let directives = directive::parse(message).directives;
    directives
        .iter()
        .filter(|directive| directive.name == "figure")
        .filter_map(|directive| figure::series_label(&directive.arguments))
        .collect()
}

/// Whether there is anything to translate: a letter outside directives, code and HTML.
pub(crate) fn has_words(message: &str) -> bool {
    let mut words = String::new();
    let mut from = 0;
    for directive in directive::parse(message).directives {
        words.push_str(&message[from..directive.range.start]);
        words.push_str(directive.body.map_or("", |body| &message[body]));
        from = directive.range.end;
    }
    words.push_str(&message[from..]);
    extract_events(&words, None)
        .iter()
        .any(|(_, event)| matches!(event, Event::Text(text) if text.chars().any(char::is_alphabetic)))
}

/// SUMMARY.md without the heading it starts with, which mdBook shows nowhere.
fn without_title(summary: &str) -> &str {
    let trimmed = summary.trim_start();
    match trimmed.strip_prefix("# ") {
        Some(rest) => rest.split_once('\n').map_or("", |(_, rest)| rest),
        None => trimmed,
    }
}

/// Fields of a header; `language` is left out of a template. There are no dates, so that nothing changes without a reason.
pub(super) fn header(site: &Site, language: Option<&str>) -> String {
    let title = site.config.book.title.as_deref().unwrap_or("book");
    let language = language.map(|code| format!("Language: {code}\n")).unwrap_or_default();
    format!(
        "Project-Id-Version: {title}\n{language}MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\n\
         Content-Transfer-Encoding: 8bit\n"
    )
}

/// The text of a line of SUMMARY.md: `[Title](file.md)` without its link.
fn without_links(message: &str) -> Result<String> {
    let events: Vec<_> = extract_events(message, None)
        .into_iter()
        .filter(|(_, event)| !matches!(event, Event::Start(Tag::Link { .. }) | Event::End(TagEnd::Link)))
        .collect();
    Ok(reconstruct_markdown(&events, None)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn what_has_no_words_is_no_message() {
        for message in [
            "17",
            "{{#measured a.b.c}}",
            "`gather`",
            "<br>",
            "—",
            "{{#number 2 | because}}, `x`",
        ] {
            assert!(!has_words(message), "{message}");
        }
        for message in ["a", "`x` and", "{{#claim a.b.c >=3}}three{{/claim}}", "[link](a.md)"] {
            assert!(has_words(message), "{message}");
        }
    }

    #[test]
    fn prose_and_comments_stand_in_the_order_of_the_page() {
        let mut catalog = Catalog::default();
        let mut blocks = Vec::new();
        let text = "# A title {#t}\n\nFirst.\n\n```rust\n// second\nf(\"not this\"); // third\n```\n\nFourth `\u{e000}x}}`.\n\n```python\n# fifth\n```\n";
        chapter(
            &mut catalog,
            &mut blocks,
            text,
            Path::new("src/a.md"),
            &fixture::library(),
        )
        .unwrap();
        let messages: Vec<&str> = catalog.entries.iter().map(|entry| entry.msgid.as_str()).collect();
        assert_eq!(
            messages,
            [
                "A title",
                "First.",
                "// second",
                "// third",
                "Fourth `\\{{#x}}`.",
                "# fifth"
            ]
        );
        assert_eq!(catalog.entries[2].comments, [CODE_COMMENT]);
        assert!(catalog.entries[1].comments.is_empty());
        assert_eq!(blocks.len(), 2);
    }

    #[test]
    fn the_name_of_a_series_is_told_to_translators_beside_its_figure() {
        let mut catalog = Catalog::default();
        let text = "{{#figure echo series messages memory_bytes}}Over time.{{/figure}}\n\n{{#figure echo gantt messages}}Waits.{{/figure}}\n";
        let library = fixture::library();
        chapter(&mut catalog, &mut Vec::new(), text, Path::new("src/a.md"), &library).unwrap();
        let messages: Vec<&str> = catalog.entries.iter().map(|entry| entry.msgid.as_str()).collect();
        assert_eq!(
            messages,
            [
                "{{#figure echo series messages memory_bytes}}Over time.{{/figure}}",
                "memory",
                "{{#figure echo gantt messages}}Waits.{{/figure}}"
            ]
        );
    }

    #[test]
    fn remarks_go_to_the_message_they_stand_before() {
        let mut catalog = Catalog::default();
        let text = "<!-- i18n:comment a pun -->\n# Title {#t}\n\nPlain.\n\n<!-- i18n:comment not the hand tool -->\n\n\
                    <!-- i18n:comment and more -->\n- Item with {{#measured echo.asyncio.cpu}}\n- Next\n\n\
                    <!-- i18n:comment of code -->\n```python\n# why\n# so\nx = 1  # then\n```\n\n\
                    Inside <!-- i18n:comment inside --> a text.\n\n```html\n<!-- i18n:comment shown -->\n```\n\n17\n\nLast.\n";
        chapter(
            &mut catalog,
            &mut Vec::new(),
            text,
            Path::new("src/a.md"),
            &fixture::library(),
        )
        .unwrap();
        let said: Vec<(&str, Vec<&str>)> = catalog
            .entries
            .iter()
            .map(|entry| {
                (
                    entry.msgid.as_str(),
                    entry.comments.iter().map(String::as_str).collect(),
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                ("Title", vec!["a pun"]),
                ("Plain.", vec![]),
                (
                    "Item with {{#measured echo.asyncio.cpu}}",
                    vec!["inserts a duration as in 12.3 ms", "not the hand tool", "and more"]
                ),
                ("Next", vec![]),
                ("# why\n# so", vec![CODE_COMMENT, "of code"]),
                ("# then", vec![CODE_COMMENT]),
                ("Inside a text.", vec!["inside"]),
                ("<!-- i18n:comment shown -->", vec![CODE_COMMENT]),
                ("Last.", vec![]),
            ]
        );
    }

    #[test]
    fn the_heading_of_the_table_of_contents_is_for_its_writers() {
        assert_eq!(without_title("# Summary\n\n[A](a.md)\n"), "\n[A](a.md)\n");
        assert_eq!(without_title("[A](a.md)\n\n# Part\n"), "[A](a.md)\n\n# Part\n");
        assert_eq!(without_links("[Foo *bar* `baz`](foo.md)").unwrap(), "Foo _bar_ `baz`");
    }
}
