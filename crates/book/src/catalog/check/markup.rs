//! The translation of a paragraph has the structure of its source: the same directives, code, links, emphasis, blocks. Holds for every
//! language.

use std::collections::BTreeMap;

use mdbook_i18n_helpers::extract_events;
use mdbook_markdown::pulldown_cmark::{Event, Tag};

use super::finding::Notes;
use crate::directive;

/// The translation has exactly the directives of the source, letter for letter.
pub(super) fn directives(msgid: &str, msgstr: &str) -> Option<(String, String)> {
    let heads = |text: &str| directive::directives(text).map(|found| directive::heads(&found));
    match (heads(msgid), heads(msgstr)) {
        (Ok(source), Ok(translation)) => difference(&source, &translation).map(|difference| {
            (
                format!("the directives are not those of the source: {difference}"),
                "keep every {{#...}} as it is; only the words between {{#claim ...}} and {{/claim}} are translated"
                    .to_owned(),
            )
        }),
        (Ok(_), Err(error)) => Some((format!("a directive of the translation: {}", error.message), error.help)),
        // The source's own mistake is reported where it is.
        (Err(_), _) => None,
    }
}

/// Everything that Markdown sees besides words.
pub(super) fn check(notes: &mut Notes<'_>) {
    let (msgid, msgstr) = (&notes.entry.msgid, &notes.entry.msgstr);
    let (source, translation) = (Marks::of(msgid), Marks::of(msgstr));
    if let Some((message, help)) = directives(msgid, msgstr) {
        notes.error("directives", 0, message, help);
    }
    for (kind, rule, help) in KINDS {
        if let Some(difference) = difference(source.list(kind), translation.list(kind)) {
            notes.error(
                rule,
                0,
                format!("the {kind} are not those of the source: {difference}"),
                *help,
            );
        }
    }
    if source.blocks != translation.blocks {
        let shown = |blocks: &[&str]| match blocks {
            [] => "one paragraph".to_owned(),
            blocks => blocks.join(", "),
        };
        notes.error(
            "structure",
            0,
            format!(
                "Markdown sees {} where the source has {}",
                shown(&translation.blocks),
                shown(&source.blocks)
            ),
            "put a backslash before a `#`, `-`, `+`, `>` or `1.` that starts a line and is meant as text; keep blank lines and the ends of lines as the source has them",
        );
    }
    if let Some(at) = heading_id(msgstr)
        && heading_id(msgid).is_none()
    {
        notes.error(
            "heading",
            at,
            "a heading brings an address of its own",
            "remove `{#...}`: all editions have the addresses of the source",
        );
    }
    let ends = |text: &str| {
        (
            text.starts_with(char::is_whitespace),
            text.ends_with(char::is_whitespace),
        )
    };
    if ends(msgid) != ends(msgstr) {
        notes.error(
            "structure",
            0,
            "white space at the start or at the end differs from the source",
            "start and end as the source does",
        );
    }
}

/// What is counted, under which rule, and what to do.
const KINDS: &[(Kind, &str, &str)] = &[
    (
        Kind::Code,
        "code",
        "names of the program stay as they are, in backquotes",
    ),
    (
        Kind::Links,
        "links",
        "only the text of a link is translated, not where it leads",
    ),
    (Kind::Html, "html", "keep every tag as it is"),
    (Kind::Footnotes, "footnotes", "keep every [^name]"),
    (
        Kind::Values,
        "placeholders",
        "keep every {name}: the program fills it in",
    ),
    (
        Kind::Emphasis,
        "emphasis",
        "mark as many stretches with _..._ and **...** as the source does",
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Code,
    Links,
    Html,
    Footnotes,
    Values,
    Emphasis,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::Code => "code spans",
            Kind::Links => "link targets",
            Kind::Html => "HTML tags",
            Kind::Footnotes => "footnotes",
            Kind::Values => "values in braces",
            Kind::Emphasis => "emphasised words",
        })
    }
}

/// What Markdown sees in a message besides words.
#[derive(Default)]
struct Marks {
    lists: BTreeMap<Kind, Vec<String>>,
    /// Blocks in their order, paragraphs only where there are several; line breaks that are kept.
    blocks: Vec<&'static str>,
}

impl Marks {
    fn of(text: &str) -> Marks {
        let mut marks = Marks::default();
        let mut add = |kind: Kind, text: &str| marks.lists.entry(kind).or_default().push(text.to_owned());
        for (_, event) in extract_events(text, None) {
            match event {
                Event::Code(code) => add(Kind::Code, &code),
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => add(Kind::Links, &dest_url),
                Event::InlineHtml(html) | Event::Html(html) => add(Kind::Html, html.trim()),
                Event::FootnoteReference(name) => add(Kind::Footnotes, &name),
                Event::Text(text) => values(&text).for_each(|value| add(Kind::Values, &value)),
                Event::Start(Tag::Emphasis) => add(Kind::Emphasis, "_..._"),
                Event::Start(Tag::Strong) => add(Kind::Emphasis, "**...**"),
                Event::Start(Tag::Strikethrough) => add(Kind::Emphasis, "~~...~~"),
                Event::HardBreak => marks.blocks.push("a line break"),
                Event::Rule => marks.blocks.push("a rule"),
                Event::TaskListMarker(_) => marks.blocks.push("a check box"),
                Event::Start(tag) => marks.blocks.extend(block(&tag)),
                _ => {}
            }
        }
        marks.lists.values_mut().for_each(|list| list.sort());
        // One paragraph is what every message is; of a cell or a title Markdown says nothing.
        if marks.blocks == ["a paragraph"] {
            marks.blocks.clear();
        }
        marks
    }

    fn list(&self, kind: &Kind) -> &[String] {
        self.lists.get(kind).map_or(&[], Vec::as_slice)
    }
}

fn block(tag: &Tag<'_>) -> Option<&'static str> {
    Some(match tag {
        Tag::Paragraph => "a paragraph",
        Tag::Heading { .. } => "a heading",
        Tag::BlockQuote(_) => "a quotation",
        Tag::CodeBlock(_) => "a code block",
        Tag::List(Some(_)) => "a numbered list",
        Tag::List(None) => "a list",
        Tag::Item => "an item of a list",
        Tag::FootnoteDefinition(_) => "the text of a footnote",
        Tag::Table(_) => "a table",
        Tag::TableCell => "a cell",
        Tag::DefinitionListTitle => "a term",
        Tag::DefinitionListDefinition => "a definition",
        _ => return None,
    })
}

/// `{name}`s, directives left out.
pub(in crate::catalog) fn values(text: &str) -> impl Iterator<Item = String> {
    text.split('{').skip(1).filter_map(|rest| {
        let (name, _) = rest.split_once('}')?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_name.then(|| name.to_owned())
    })
}

/// Where `{#name}` stands, which a heading takes for its address.
fn heading_id(text: &str) -> Option<usize> {
    text.match_indices("{#")
        .map(|(at, _)| at)
        .find(|at| !text[..*at].ends_with('{'))
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

#[cfg(test)]
mod tests {
    use super::super::testing::found_by;
    use super::*;

    fn found(msgid: &str, msgstr: &str) -> Vec<String> {
        found_by(check, msgid, msgstr)
    }

    #[test]
    fn the_same_structure_in_other_words_is_left_alone() {
        let pairs = [
            (
                "See [`gather`](a.md#x), {{#measured a.b.c}} <kbd>S</kbd>[^1]: {{#claim a.b/c.d >=3}}at least three times{{/claim}}.",
                "Vedi [`gather`](a.md#x)[^1], {{#claim a.b/c.d >=3}}almeno tre volte{{/claim}} <kbd>S</kbd>, perché è {{#measured a.b.c}}.",
            ),
            ("A line  \nanother.", "Una riga  \nun'altra."),
            ("Read it in {language}", "Leggilo in {language}"),
            ("A _word_ and **more**", "Una _parola_ e **altro**"),
            ("one\ntwo", "uno due"),
        ];
        for (msgid, msgstr) in pairs {
            assert_eq!(found(msgid, msgstr), [""; 0], "{msgstr}");
        }
    }

    #[test]
    fn each_difference_is_named() {
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
            ("Bold", "<b>Forte</b>", "HTML tags"),
            ("A note[^1]", "Una nota", "footnotes"),
            ("In {language}", "In {lingua}", "values in braces"),
            (
                "A _word_",
                "Una parola",
                "emphasised words are not those of the source: `_..._` is missing",
            ),
            ("A word", "Una **parola**", "`**...**` is not in the source"),
            ("Two words", "Due parole\n", "white space at the start or at the end"),
            ("A line  \nanother", "Una riga un'altra", "where the source has"),
            ("A number", "1. Un numero", "a numbered list"),
            ("A sign", "# Un segno", "a heading"),
            ("A note", "> [!NOTE]\n> Una nota", "a quotation"),
            ("One. Two.", "Uno.\n\nDue.", "a paragraph, a paragraph"),
            ("A title", "Un titolo {#titolo}", "an address of its own"),
        ];
        for (msgid, msgstr, expected) in cases {
            let found = found(msgid, msgstr);
            assert!(
                found.iter().any(|message| message.contains(expected)),
                "expected `{expected}` in {found:?}"
            );
        }
    }
}
