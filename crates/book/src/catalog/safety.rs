//! What a translation must not bring into the page: translators are strangers, and a reviewer may not read their language.
//!
//! Every translation is put into each kind of place that a message can have (paragraph, heading, list, quote, cell) and goes the way
//! that chapters go: `mdbook-i18n-helpers` reads it as Markdown and writes it as Markdown, which mdBook reads. Whatever comes out at the
//! end besides words must come out of the source's text as well: tags, links, headings with their attributes, notes, blocks. What is
//! only words to Markdown, but looks like a tag, is refused too: mdBook's search and our titles and labels show text as HTML.
//!
//! This needs no chapters, only the catalog; it is done whenever one is read for a page, complete or not ([`refuse`]).

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use mdbook_i18n_helpers::{extract_events, reconstruct_markdown, trim_paragraph};
use mdbook_markdown::pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use pulldown_cmark_to_cmark::State;

use super::check::{broken_comment, values};
use super::{Catalog, Entry};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::gettext::ESCAPED;

/// How many dangers of one translation are told.
const TOLD: usize = 3;
/// How much of the thing itself is shown, in characters.
const SHOWN: usize = 80;

/// Refuses a catalog with a translation that readers would see and that is not safe.
pub(crate) fn refuse(catalog: &Catalog, shown: &Path) -> Result<(), Diagnostics> {
    Diagnostics(dangers(catalog, shown)).into_result()
}

fn dangers(catalog: &Catalog, shown: &Path) -> Vec<Diagnostic> {
    catalog
        .entries
        .iter()
        .filter(|entry| entry.is_translated())
        .flat_map(|entry| {
            let pair = (entry.msgid.clone(), entry.msgstr.clone());
            if known_safe().contains(&pair) {
                return Vec::new();
            }
            let found = of_entry(entry, shown);
            if found.is_empty() {
                let mut known = known_safe();
                if known.len() >= REMEMBERED {
                    known.clear();
                }
                known.insert(pair);
            }
            found
        })
        .collect()
}

/// How many translations are remembered as safe: several books like this one in all their languages.
const REMEMBERED: usize = 50_000;

/// Messages with translations in which nothing was found. A catalog is read several times for a build, and a server reads it again after
/// each save, when all but one are as they were; what [`of_entry`] finds depends on nothing else.
fn known_safe() -> MutexGuard<'static, HashSet<(String, String)>> {
    static KNOWN: LazyLock<Mutex<HashSet<(String, String)>>> = LazyLock::new(Mutex::default);
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a translation would bring into the page, if readers see it at all.
pub(super) fn of_entry(entry: &Entry, shown: &Path) -> Vec<Diagnostic> {
    let mut dangers = Vec::new();
    if !entry.is_translated() {
        return dangers;
    }
    let mut report = |message: String, help: &str| {
        // Where it stands; what came about on the way stands nowhere.
        let quoted = message.split('`').nth(1).unwrap_or_default();
        let offset = entry.msgstr.find(quoted).unwrap_or(0);
        dangers.push(Diagnostic::new(shown, entry.line_of_translation(offset), message, help));
    };
    characters(entry, &mut report);
    if is_code(&entry.msgid) {
        dangers.extend(broken_comment(entry, shown));
    } else if !is_plain(&entry.msgstr) {
        markdown(entry, &mut report);
    }
    dangers.truncate(TOLD);
    dangers
}

/// Comments of code and drawings made of text. They are shown as they are, in a block of code.
fn is_code(msgid: &str) -> bool {
    let comment = ["#", "//", "/*", "\"\"\"", "'''"]
        .iter()
        .any(|marker| msgid.starts_with(marker));
    // In prose every line break is one of Markdown's, written with two blanks.
    comment || msgid.lines().rev().skip(1).any(|line| !line.ends_with("  "))
}

/// Whether a text is words and nothing else, whatever reads it: most are.
fn is_plain(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
        && !text.contains([
            '*', '_', '`', '[', ']', '<', '>', '&', '\\', '~', '$', '{', '}', '|', '^', '=', '\n', '\r', '\t',
        ])
}

/// Characters that are no part of words in any language.
fn characters(entry: &Entry, report: &mut impl FnMut(String, &str)) {
    let is_code = is_code(&entry.msgid);
    let strange = entry.msgstr.chars().find(|c| match c {
        '\n' => !is_code && !entry.msgid.contains('\n'),
        '\t' => !entry.msgid.contains('\t'),
        // They turn the order of what follows, so that it reads otherwise than it is.
        '\u{202a}'..='\u{202e}' => true,
        // Right in prose that is written from right to left; in code they hide what is code.
        '\u{2066}'..='\u{2069}' => is_code,
        c => c.is_control() || ESCAPED.contains(*c),
    });
    if let Some(strange) = strange {
        report(
            match strange {
                '\n' => "a line break where the source has none".to_owned(),
                c => format!("the character U+{:04X}, which is no part of any text", u32::from(c)),
            },
            "remove it: in `msgstr`, \\n is a line break and \\t a tab",
        );
    }
}

fn markdown(entry: &Entry, report: &mut impl FnMut(String, &str)) {
    // A program fills in `{name}`, which would be an attribute at the end of a heading.
    let filled = |text: &str| {
        values(&entry.msgid).fold(text.to_owned(), |text, name| {
            text.replace(&format!("{{{name}}}"), "value")
        })
    };
    let (source, translation) = (filled(&entry.msgid), filled(&entry.msgstr));
    let (source, translation) = (source.as_str(), translation.as_str());
    let added = added(&as_written(source), &as_written(translation));
    if !added.is_empty() {
        for mark in added {
            mark.report(report);
        }
        return;
    }
    // Only what is made of a paragraph's parts can be put into other places.
    let (Some(source), translation) = (as_shown(source), as_shown(translation)) else {
        return;
    };
    let Some(translation) = translation else {
        report(
            "the translation does not fit together as Markdown".to_owned(),
            "keep to the structure of the source: one paragraph, without headings, lists or rules of its own",
        );
        return;
    };
    for mark in self::added(&source, &translation) {
        mark.report(report);
    }
}

/// What is in a text besides words: its kind, and the thing itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    kind: Kind,
    what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Html,
    Link,
    Image,
    Definition,
    Footnote,
    Heading,
    Block,
    Directive,
    /// Text that looks like a tag.
    Tag,
}

impl Mark {
    fn new(kind: Kind, what: impl Into<String>) -> Mark {
        Mark {
            kind,
            what: what.into(),
        }
    }

    fn report(&self, report: &mut impl FnMut(String, &str)) {
        let (name, help) = match self.kind {
            Kind::Html => (
                "the HTML",
                "a translation has the source's tags and no others; for the sign itself, put a blank behind `<`",
            ),
            Kind::Link => (
                "a link to",
                "a translation has the source's links and no others; translate only their text",
            ),
            Kind::Image => ("the image", "a translation has the source's images and no others"),
            Kind::Definition => ("the target of links", "write links as the source does: [text](target)"),
            Kind::Footnote => ("the note", "a translation has the source's [^name]s and no others"),
            Kind::Heading => (
                "a heading with",
                "neither # nor {...} belongs to a heading's words; write `{` as code if it must be",
            ),
            Kind::Block => (
                "a block of Markdown,",
                "a translation is a paragraph as the source is; write \\ before a sign that starts a list, a table, a rule or code",
            ),
            Kind::Directive => ("the directive", "keep every {{#...}} of the source and add none"),
            Kind::Tag => (
                "what looks like a tag,",
                "put a blank behind `<`, or say it in words: titles and the search show text as HTML",
            ),
        };
        let what: String = self.what.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        report(
            format!("the translation has {name} `{what}`, and its source has not"),
            help,
        );
    }
}

/// What the translation has more often than the source.
fn added(source: &[Mark], translation: &[Mark]) -> Vec<Mark> {
    let mut counts: BTreeMap<&Mark, usize> = BTreeMap::new();
    for mark in source {
        *counts.entry(mark).or_default() += 1;
    }
    let mut added = Vec::new();
    for mark in translation {
        match counts.get_mut(mark) {
            // A name such as `Vec<T>` may be said twice.
            Some(_) if mark.kind == Kind::Tag => {}
            Some(count) if *count > 0 => *count -= 1,
            _ => added.push(mark.clone()),
        }
    }
    added.sort();
    added.dedup();
    added.truncate(TOLD);
    added
}

/// The text as `mdbook-i18n-helpers` reads it, in a paragraph and in a cell.
fn as_written(text: &str) -> Vec<Mark> {
    let mut marks = Marks::default();
    for (_, event) in extract_events(text, None).iter().chain(&in_cell(text)) {
        marks.event(event);
    }
    marks.done()
}

fn in_cell(text: &str) -> Vec<(usize, Event<'_>)> {
    let mut state = State::default();
    state.in_table_cell = true;
    extract_events(text, Some(state))
}

/// The text as mdBook reads it, in each place it could have in a chapter. `None` if it cannot stand there.
fn as_shown(text: &str) -> Option<Vec<Mark>> {
    let paragraph = extract_events(text, None);
    let inline = trim_paragraph(&paragraph, &[]);
    let cell = in_cell(text);
    let heading = |id: Option<&'static str>| Tag::Heading {
        level: HeadingLevel::H2,
        id: id.map(CowStr::from),
        classes: Vec::new(),
        attrs: Vec::new(),
    };
    let mut page: Vec<(usize, Event<'_>)> = paragraph.clone();
    let mut put = |start: &[Tag<'static>], inside: &[(usize, Event<'static>)]| {
        page.extend(start.iter().map(|tag| (1, Event::Start(tag.clone()))));
        page.extend_from_slice(inside);
        page.extend(start.iter().rev().map(|tag| (1, Event::End(tag.to_end()))));
    };
    let owned = |events: &[(usize, Event<'_>)]| -> Vec<(usize, Event<'static>)> {
        events
            .iter()
            .map(|(line, event)| (*line, event.clone().into_static()))
            .collect()
    };
    let (paragraph, inline, cell) = (owned(&paragraph), owned(inline), owned(&cell));
    put(&[heading(Some("id"))], &inline);
    put(&[heading(None)], &inline);
    put(&[Tag::List(None), Tag::Item], &inline);
    put(&[Tag::BlockQuote(None)], &paragraph);
    put(
        &[
            Tag::Table(vec![mdbook_markdown::pulldown_cmark::Alignment::None]),
            Tag::TableHead,
            Tag::TableCell,
        ],
        &cell,
    );
    let (markdown, _) = reconstruct_markdown(&page, None).ok()?;

    let mut marks = Marks::default();
    let parser = new_cmark_parser(&markdown, &MarkdownOptions::default());
    for (name, definition) in parser.reference_definitions().iter() {
        marks.add(Kind::Definition, format!("[{name}]: {}", definition.dest));
    }
    for event in parser {
        marks.event(&event);
    }
    for (at, _) in markdown.match_indices("{{#").chain(markdown.match_indices("{{/")) {
        // Enough for any directive, and no more where none is closed.
        let rest: String = markdown[at..].chars().take(300).collect();
        let head = rest.find("}}").map_or(rest.as_str(), |end| &rest[..end + 2]);
        // Markdown puts backslashes before some signs in some places.
        let head = head.replace('\\', "");
        marks.add(Kind::Directive, head.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    Some(marks.done())
}

#[derive(Default)]
struct Marks {
    marks: Vec<Mark>,
    /// The words of a block.
    words: String,
}

impl Marks {
    fn add(&mut self, kind: Kind, what: impl Into<String>) {
        self.marks.push(Mark::new(kind, what));
    }

    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Text(text) | Event::Code(text) => self.words.push_str(text),
            Event::SoftBreak | Event::HardBreak => self.words.push(' '),
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.split_whitespace().collect::<Vec<_>>().join(" ");
                self.add(Kind::Html, html);
            }
            Event::InlineMath(math) | Event::DisplayMath(math) => self.add(Kind::Block, format!("${math}$")),
            Event::FootnoteReference(name) => self.add(Kind::Footnote, format!("[^{name}]")),
            Event::Rule => self.add(Kind::Block, "---"),
            Event::TaskListMarker(_) => self.add(Kind::Block, "[ ]"),
            Event::Start(tag) => self.start(tag),
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link) => {}
            // Words of one block are not continued in the next.
            Event::End(_) => self.words.push('\n'),
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        match tag {
            // Nothing but how words look.
            Tag::Paragraph | Tag::Emphasis | Tag::Strong | Tag::Strikethrough => {}
            Tag::Link { dest_url, .. } => self.add(Kind::Link, dest_url.as_ref()),
            Tag::Image { dest_url, .. } => self.add(Kind::Image, dest_url.as_ref()),
            Tag::FootnoteDefinition(name) => self.add(Kind::Footnote, format!("[^{name}]:")),
            Tag::Heading {
                level,
                id,
                classes,
                attrs,
            } => {
                let mut what = format!("{level}");
                if let Some(id) = id {
                    what += &format!(" #{id}");
                }
                for class in classes {
                    what += &format!(" .{class}");
                }
                for (name, value) in attrs {
                    what += &format!(" {name}={}", value.as_deref().unwrap_or_default());
                }
                self.add(Kind::Heading, what);
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => self.add(Kind::Block, format!("```{info}")),
            Tag::CodeBlock(CodeBlockKind::Indented) => self.add(Kind::Block, "indented code"),
            Tag::BlockQuote(None) => self.add(Kind::Block, ">"),
            Tag::BlockQuote(Some(kind)) => self.add(Kind::Block, format!("[!{kind:?}]")),
            Tag::List(_) | Tag::Item => self.add(Kind::Block, "-"),
            Tag::Table(_) | Tag::TableHead | Tag::TableRow | Tag::TableCell => self.add(Kind::Block, "|"),
            Tag::HtmlBlock => self.add(Kind::Block, "<"),
            other => self.add(Kind::Block, format!("{other:?}")),
        }
    }

    fn done(mut self) -> Vec<Mark> {
        for (at, _) in self.words.match_indices('<') {
            let rest = &self.words[at + 1..];
            if rest.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?')) {
                // Enough to tell one from another, and no more: a long text may be full of them.
                let tag: String = rest
                    .chars()
                    .take(SHOWN)
                    .take_while(|c| !matches!(c, '>' | '\n'))
                    .collect();
                self.marks.push(Mark::new(Kind::Tag, format!("<{tag}")));
            }
        }
        self.marks
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use mdbook_driver::config::Config;
    use mdbook_markdown::pulldown_cmark::html::push_html;
    use mdbook_preprocessor::book::{Book, BookItem, Chapter};
    use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
    use proptest::prelude::*;

    use super::*;
    use crate::gettext::{self, Gettext, Translation};

    fn found(msgid: &str, msgstr: &str) -> Vec<String> {
        let catalog = Catalog::from_pairs(&[(msgid, msgstr)]);
        let dangers = dangers(&catalog, Path::new("po/it.po"));
        dangers.into_iter().map(|danger| danger.message).collect()
    }

    const PLAIN: &str = "What a task costs";

    /// Each would put something into the page that a reader's browser acts on.
    const HOSTILE: &[&str] = &[
        // Scripts and handlers, in every spelling.
        "Costo <script>alert(1)</script>",
        "Costo <SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
        "Costo <img src=x onerror=alert(1)>",
        "Costo <img src=x onerror=alert(1)//",
        "<svg/onload=alert(1)>",
        "<div\nonclick=alert(1)",
        "<div onclick=alert(1)",
        "<iframe srcdoc='x'>",
        "Costo <b>molto</b>",
        "</main><main>",
        "<!-- di qui in poi niente",
        "Costo <!-- niente --> poco",
        "<?php x ?>",
        "<![CDATA[ x ]]>",
        "<!DOCTYPE x>",
        "<!--sheltered-code:0-->",
        "<!-- i18n:skip -->",
        // By way of entities and backslashes.
        "Costo &lt;img src=x onerror=alert(1)&gt;",
        "Costo &#60;script&#62;",
        "Costo &#x3c;script&#x3e;",
        "Costo &amp;lt;script&amp;gt;",
        "Costo \\<script\\>",
        "Costo `<script>`",
        // Links and what becomes one.
        "Costo <https://evil.example>",
        "Costo <a@evil.example>",
        "[Costo](https://evil.example)",
        "[Costo](javascript:alert(1))",
        "[Costo](<java script:alert(1)>)",
        "[Costo](&#106;avascript:alert(1))",
        "[Costo][x]\n\n[x]: https://evil.example",
        "![Costo](https://evil.example/pixel.png)",
        "[![Costo](a.png)](b.md)",
        // Attributes.
        "Costo {#other}",
        "Costo \\{#other}",
        "Costo {.hidden}",
        "Costo {onclick=alert(1)}",
        "Costo {#x onclick=\"alert(1)\"}",
        // Blocks.
        "# Costo",
        "Costo\n====",
        "Costo\n\n---\n",
        "---",
        "```rust\nevil();\n```",
        "~~~\nevil\n~~~",
        "    evil();",
        "> Costo",
        "> [!NOTE]\n> Costo",
        "- Costo",
        "1. Costo",
        "a | b\n--|--\nc | d",
        "Costo[^1]\n\n[^1]: nota",
        "Costo[^1]",
        "[^1]: nota",
        // Directives.
        "{{#include /etc/passwd}}",
        "&#123;{#include /etc/passwd}}",
        "{{#playground x.rs}}",
        "{{{#include /etc/passwd}}",
        "Costo {{#measured a.b.c}}",
        "{{#title Altro}}",
        // Characters.
        "Costo\u{202e}otsoC",
        "Costo\u{0}",
        "Costo\u{7}",
        "Costo\r\r<b>",
        "Costo\nmolto",
        "Costo \u{e000}include x}}",
        "costo\u{85}molto",
    ];

    #[test]
    fn whatever_a_browser_acts_on_is_refused() {
        let accepted: Vec<&str> = HOSTILE
            .iter()
            .filter(|hostile| found(PLAIN, hostile).is_empty())
            .copied()
            .collect();
        assert_eq!(accepted, Vec::<&str>::new());
    }

    #[test]
    fn what_the_source_has_may_be_said_in_other_words() {
        for (msgid, msgstr) in [
            (PLAIN, "Quanto costa un task: c'è chi dice 1 < 2 e l'80 %"),
            (PLAIN, "_Quanto_ costa **davvero** un `task` ~~oggi~~"),
            (PLAIN, "\\*Quanto\\* costa & perché: a*b"),
            (PLAIN, "Quanto costa [un task]"),
            // What is escaped is words, and stays so on the way.
            (PLAIN, "\\[task\\]: https://example.org"),
            (PLAIN, "Costo &#123;#other&#125;"),
            (PLAIN, "\\[^1\\]: nota"),
            (
                "Press <kbd>S</kbd> or <kbd>/</kbd>",
                "Premi <kbd>/</kbd> o <kbd>S</kbd>",
            ),
            (
                "A [link](a.md#b) and `Vec<T>`",
                "`Vec<T>`, cioè `Vec<T>`, e un [collegamento](a.md#b)",
            ),
            (
                "{{#claim a.b.c >=3}}three{{/claim}} times",
                "almeno {{#claim a.b.c >=3}}tre{{/claim}} volte",
            ),
            ("A note[^1] and ![text](a.png)", "![testo](a.png), con nota[^1]"),
            ("One  \ntwo", "Uno  \ndue"),
            (
                "// It waits\n// here",
                "// Attende qui <b>, [così](x)\n// e qui\n// e qui",
            ),
            ("one --> two\n <img>", "uno --> due\n <img>"),
            ("Part 1", "1ª parte"),
            ("changed since: {packages}", "cambiati da allora: {packages}"),
            ("# It waits here.", "# Attende\n# qui."),
            ("95 % interval {low} to {high}", "intervallo al 95 % da {low} a {high}"),
            ("\\{{#measured a.b}} is shown", "si vede \\{{#measured a.b}}"),
            ("It is fuzzy", ""),
        ] {
            assert_eq!(found(msgid, msgstr), Vec::<String>::new(), "{msgid:?} as {msgstr:?}");
        }
    }

    #[test]
    fn more_of_the_same_is_refused_as_well() {
        for (msgid, msgstr, expected) in [
            ("Wait {number}", "Attesa {numero}", "a heading with"),
            ("a <br> b", "a <br> b <br>", "the HTML `<br>`"),
            ("[a](b.md)", "[a](b.md) e [c](b.md)", "a link to `b.md`"),
            (
                "[a](b.md)",
                "[a](https://evil.example)",
                "a link to `https://evil.example`",
            ),
            ("`Vec<T>`", "`Vec<script>`", "`<script`"),
            ("// why", "// perché\nevil();", "without its marker"),
            ("/* why */", "/* perché */ evil(); /* */", "between /* and */"),
            ("# why", "# perché \u{2066}fine", "U+2066"),
        ] {
            let found = found(msgid, msgstr);
            assert!(
                found.iter().any(|message| message.contains(expected)),
                "{msgstr}: {found:?}"
            );
        }
    }

    #[test]
    fn it_is_found_on_its_line_and_only_where_readers_would_see_it() {
        let text = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\nmsgid \"Words\"\nmsgstr \"\"\n\"Parole \"\n\"<script>\"\n\n\
                    #, fuzzy\nmsgid \"More\"\nmsgstr \"<script>\"\n\n#~ msgid \"Old\"\n#~ msgstr \"<script>\"\n";
        let catalog = Catalog::parse(text, Path::new("po/it.po")).unwrap();
        let Diagnostics(found) = refuse(&catalog, Path::new("po/it.po")).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].line, 7);
        assert!(found[0].to_string().contains("`<script>`"), "{}", found[0]);
    }

    /// Every kind of place, with one message.
    const PAGE: &str = "# Words here {#top}\n\nWords here\n\n## Words here\n\n- Words here\n- other\n\n  Words here\n\n1. Words here\n\n\
                        > Words here\n\n> [!NOTE]\n> Words here\n\n| Words here | b |\n|--|--|\n| a | Words here |\n\n\
                        <div class=\"c\">\n\nWords here\n\n</div>\n\nA note[^1] [link](a.md).\n\n[^1]: Words here\n\n\
                        ```rust\n// Words here\nf();\n```\n\nWords here\n";

    fn translated(page: &str, catalog: &Catalog) -> (String, String) {
        let mut book = Book::new();
        book.push_item(BookItem::Chapter(Chapter::new(
            "Words here",
            page.to_owned(),
            PathBuf::from("a.md"),
            Vec::new(),
        )));
        let context = PreprocessorContext::new(PathBuf::new(), Config::default(), "html".to_owned());
        let translation = Translation {
            catalog: catalog.clone(),
            source_language: "en".to_owned(),
            marks: gettext::Marks::Language,
        };
        let book = Gettext::new(Some(translation)).run(&context, book).unwrap();
        let chapter = book.chapters().next().unwrap();
        (chapter.name.clone(), chapter.content.clone())
    }

    /// As book.toml has it.
    fn options() -> MarkdownOptions {
        let mut options = MarkdownOptions::default();
        options.definition_lists = false;
        options
    }

    /// The tags of a page with all their attributes, but for those that are only about how words look.
    fn tags(markdown: &str) -> Vec<String> {
        let mut html = String::new();
        push_html(&mut html, new_cmark_parser(markdown, &options()));
        let tags = html
            .split('<')
            .skip(1)
            .map(|rest| rest.split('>').next().unwrap_or(rest));
        let mut tags: Vec<String> = tags
            .filter(|tag| !["p", "em", "strong", "del", "code", "br /"].contains(&tag.trim_start_matches('/')))
            .map(str::to_owned)
            .collect();
        tags.sort();
        tags
    }

    /// What is in one list more often than in the other.
    fn beyond(list: &[String], allowed: &[String]) -> Vec<String> {
        let mut allowed = allowed.to_vec();
        let mut beyond = list.to_vec();
        beyond.retain(|item| match allowed.iter().position(|known| known == item) {
            Some(at) => {
                allowed.swap_remove(at);
                false
            }
            None => true,
        });
        beyond
    }

    #[test]
    fn the_probe_finds_what_a_page_would_show() {
        let source = tags(PAGE);
        assert!(source.iter().any(|tag| tag == "div class=\"c\""), "{source:?}");
        for (msgstr, expected) in [
            ("Parole <img src=x onerror=alert(1)>", "img src=x onerror=alert(1)"),
            ("Parole {#evil .c onclick=x}", "onclick"),
            ("[Parole](https://evil.example)", "a href=\"https://evil.example\""),
        ] {
            let catalog = Catalog::from_pairs(&[("Words here", msgstr)]);
            let (_, page) = translated(PAGE, &catalog);
            let page = tags(&page);
            let beyond = beyond(&page, &source);
            assert!(beyond.iter().any(|tag| tag.contains(expected)), "{msgstr}: {beyond:?}");
        }
    }

    const FRAGMENTS: &[&str] = &[
        "<",
        ">",
        "</",
        "script",
        "img src=x onerror=a()",
        "[",
        "]",
        "(",
        ")",
        "](",
        "javascript:a()",
        "!",
        "{#a onclick=b}",
        "{.c}",
        "{",
        "}",
        "&lt;",
        "&#60;",
        "&amp;lt;",
        "&gt;",
        "\\",
        "`",
        "```",
        "~~~",
        "\n",
        "\n\n",
        "    ",
        "- ",
        "1. ",
        "> ",
        "# ",
        "|",
        "\n---\n",
        "\n===\n",
        "<!--",
        "-->",
        "[^1]",
        "[^1]: ",
        "[link]",
        "[x]: http://e",
        ": ",
        "*",
        "_",
        "**",
        "~~",
        "$",
        "$$",
        "^",
        "http://evil",
        "<http://evil>",
        "<a@b.c>",
        "{{#include x}}",
        "&#123;{#title x}}",
        "<div",
        "<div>",
        "</div>",
        "words",
        " ",
        "\t",
        "<?",
        "<![CDATA[",
        "<!X ",
        "è",
        "<!--sheltered-code:0-->",
        "<!--sheltered-alert:NOTE-->",
        "<!-- i18n:skip -->",
        "// x",
        "=",
        "'",
        "\"",
        "+",
        "[!NOTE]",
        "[ ]",
        "--",
        "...",
        "\\\\",
        "\\<",
        "\\[",
        "\\{",
        "a",
        "A ",
        ".",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        /// Whatever is accepted shows the source's tags, attributes and addresses and no others, in every kind of place.
        #[test]
        fn a_page_has_no_tag_that_its_source_has_not(
            pieces in prop::collection::vec(prop::sample::select(FRAGMENTS), 1..8)
        ) {
            let msgstr = pieces.concat();
            let catalog = Catalog::from_pairs(&[("Words here", &msgstr)]);
            if dangers(&catalog, Path::new("x")).is_empty() {
                let (title, page) = translated(PAGE, &catalog);
                // Translated by itself: the page's other words are in English in both, and marked so.
                let (_, source) = translated(PAGE, &Catalog::from_pairs(&[("Words here", "Words here")]));
                let beyond = beyond(&tags(&page), &tags(&source));
                prop_assert!(beyond.is_empty(), "{:?} brings {:?} into\n{}", msgstr, beyond, page);
                let open = title.split('<').skip(1).find(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c)));
                prop_assert!(open.is_none(), "{:?} brings {:?} into the title", msgstr, open);
                prop_assert!(!page.contains("{{#") && !title.contains('\n'));
            }
        }
    }

    /// The worst that the limits of a catalog's file let through takes moments, even on a machine that is busy.
    #[test]
    fn deep_nesting_keeps_nobody_waiting() {
        let msgid = "word ".repeat(1_200);
        for piece in [
            "[", "> ", "- ", "*a ", "_**", "`", "![", "<a ", "\\", "&amp;", "[^", "{{#", "![](", "<!--", "|", "~",
            "[a](", "$",
        ] {
            let msgstr = piece.repeat(3 * msgid.len() / piece.len());
            // The CPU time of this thread: on a busy machine the clock on the wall says nothing.
            let cpu_seconds = || {
                let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
                time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
            };
            let began = cpu_seconds();
            found(&msgid, &msgstr);
            let spent = cpu_seconds() - began;
            assert!(spent < 5.0, "{piece:?} took {spent:.1} s");
        }
    }
}
