//! Translation of chapters by the catalog, with `mdbook-i18n-helpers`.
//!
//! What that library breaks is kept away from it and put back afterwards ([`Sheltered`]): code blocks (see [`crate::code`]), the
//! `[!NOTE]` of alerts, and directives written as text (`\{{#`), whose backslash would be lost on the way. Titles of chapters are translated
//! here, since it takes them for Markdown and puts backslashes into them.
//!
//! What has no translation yet stays in the source language and says so: `<span lang="en">`. For translators at work ([`crate::serve`])
//! every message says where it stands in the catalog as well: see [`Marks`]. Titles in the table of contents carry no marks, since mdBook
//! takes them for plain text.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use mdbook_i18n_helpers::{Group, extract_events, group_events, reconstruct_markdown, trim_paragraph};
use mdbook_markdown::pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::catalog::{Catalog, Entry, has_words};
use crate::code::{Code, DIAGRAM};
use crate::directive;
use crate::twin;

/// Stands for `{{#` in text that is about directives, so that nothing on the way takes it for one. A private character of Unicode.
pub(crate) const ESCAPED: &str = "\u{e000}";

/// Replaces `\{{#` by [`ESCAPED`]. It is the first thing done to a chapter, since mdBook's own `links` takes the backslash off.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\{{#") {
        let before = &rest[..at];
        let backslashes = before.len() - before.trim_end_matches('\\').len();
        if backslashes.is_multiple_of(2) {
            escaped.push_str(before);
            escaped.push_str(ESCAPED);
        } else {
            escaped.push_str(&rest[..at + "\\{{#".len()]);
        }
        rest = &rest[at + "\\{{#".len()..];
    }
    escaped.push_str(rest);
    escaped
}

/// Replaces [`ESCAPED`] by what readers are to see.
fn unescape(text: &str) -> String {
    if !text.contains(ESCAPED) {
        return text.to_owned();
    }
    let mut in_code = Vec::new();
    let mut block: Option<usize> = None;
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        match event {
            Event::Code(_) => in_code.push(range),
            Event::Start(Tag::CodeBlock(_)) => block = Some(range.start),
            Event::End(TagEnd::CodeBlock) => in_code.push(block.take().unwrap_or(range.start)..range.end),
            _ => {}
        }
    }
    let mut unescaped = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(ESCAPED) {
        unescaped.push_str(&text[from..at]);
        let code = in_code.iter().any(|range: &Range<usize>| range.contains(&at));
        // Code knows no entities; elsewhere an entity is what no later step takes for a directive.
        unescaped.push_str(if code { "{{#" } else { "&#123;{#" });
        from = at + ESCAPED.len();
    }
    unescaped.push_str(&text[from..]);
    unescaped
}

/// What the page says of its messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Marks {
    /// Readers get `lang` on what is not translated, and nothing else.
    #[default]
    Language,
    /// Translators get each message in a `<span data-entry="LINE" data-state="STATE">`: the line of its `msgid` in the catalog, and
    /// `translated`, `fuzzy` or `missing`. One that the catalog does not have is `missing` without a line. A code block has the class
    /// `entry-LINE` for each of its comments, and `entry-new` for those that the catalog does not have.
    Entries,
}

/// A catalog at work on a book.
#[derive(Debug, Clone)]
pub struct Translation {
    pub catalog: Catalog,
    /// The code of the language that the book is written in.
    pub source_language: String,
    pub marks: Marks,
}

/// The preprocessor that runs after mdBook's `links`. It has work to do in the source language too: it completes programs.
pub struct Gettext {
    translation: Option<Translation>,
}

impl Gettext {
    pub const NAME: &str = "gettext";

    /// Without a translation the text stays as it is.
    pub fn new(translation: Option<Translation>) -> Gettext {
        Gettext { translation }
    }
}

impl Preprocessor for Gettext {
    fn name(&self) -> &str {
        Gettext::NAME
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let translator = self.translation.as_ref().map(Translator::new);
        let mut result = Ok(());
        book.for_each_mut(|item| {
            if result.is_ok() {
                result = translate_item(item, translator.as_ref(), &context.root);
            }
        });
        result.map(|()| book)
    }

    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer != crate::catalog::EXTRACTION)
    }
}

fn translate_item(item: &mut BookItem, translator: Option<&Translator>, root: &Path) -> Result<()> {
    match item {
        BookItem::Chapter(chapter) => {
            let place = || match &chapter.source_path {
                Some(path) => format!("in {}", path.display()),
                None => format!("in the chapter `{}`", chapter.name),
            };
            let text = match translator {
                Some(translator) => translator.text(&chapter.content).with_context(place)?,
                None => without_remarks(&chapter.content),
            };
            let text = twin::complete(&text, root).with_context(place)?;
            chapter.content = unescape(&text);
            if let Some(translator) = translator {
                chapter.name = translator.title(&chapter.name);
            }
        }
        BookItem::PartTitle(title) => {
            if let Some(translator) = translator {
                *title = translator.title(title);
            }
        }
        BookItem::Separator => {}
    }
    Ok(())
}

struct Translator<'a> {
    translation: &'a Translation,
    /// By msgid as it stands in a chapter, with [`ESCAPED`]. What is obsolete is not among them.
    messages: HashMap<String, &'a Entry>,
    /// Titles as mdBook shows them, without markup.
    titles: HashMap<String, String>,
}

impl<'a> Translator<'a> {
    fn new(translation: &'a Translation) -> Translator<'a> {
        let entries = &translation.catalog.entries;
        Translator {
            translation,
            messages: entries
                .iter()
                .filter(|entry| !entry.obsolete)
                .map(|entry| (shelter_escapes(&entry.msgid).into_owned(), entry))
                .collect(),
            titles: translation
                .catalog
                .translations()
                .map(|(msgid, msgstr)| (plain(msgid), plain(msgstr)))
                .collect(),
        }
    }

    fn text(&self, text: &str) -> Result<String> {
        let sheltered = Sheltered::new(text);
        let events = extract_events(&sheltered.text, None);
        let translated = self.events(&events)?;
        let (markdown, _) = reconstruct_markdown(&translated, None)
            .context("the translation does not fit together as Markdown: does a msgstr hold a heading or a rule?")?;
        Ok(sheltered.restore(&markdown, |code| self.code(code)))
    }

    /// As `mdbook_i18n_helpers::translate_events` does it, which does not tell what is translated and what is not.
    fn events<'e>(&self, events: &'e [(usize, Event<'e>)]) -> Result<Vec<(usize, Event<'e>)>> {
        let mut translated = Vec::with_capacity(events.len());
        let mut state = None;
        for group in group_events(events)? {
            let new_state = match group {
                Group::Skip(events) => {
                    let (_, new_state) = reconstruct_markdown(&events, state)?;
                    translated.extend(events);
                    new_state
                }
                Group::Translate { events, .. } => {
                    let (msgid, new_state) = reconstruct_markdown(&events, state.clone())?;
                    match self.message(&msgid) {
                        Some(message) => {
                            let message = extract_events(&message, state);
                            let message = trim_paragraph(&message, &events).iter();
                            translated.extend(message.map(|(line, event)| (*line, event.clone().into_static())));
                        }
                        None => translated.extend(events),
                    }
                    new_state
                }
            };
            state = Some(new_state);
        }
        Ok(translated)
    }

    /// What the page says in the place of a message; `None` where it is to stay as it is.
    fn message(&self, msgid: &str) -> Option<String> {
        let entry = self.messages.get(msgid).copied();
        let translated = entry.filter(|entry| entry.is_translated());
        let text = match translated {
            Some(entry) => shelter_escapes(&entry.msgstr),
            // A number or a line of code is the same in every language.
            None if !has_words(msgid) => return None,
            None => Cow::Borrowed(msgid),
        };
        let mut attributes = match translated {
            Some(_) => String::new(),
            None => format!(" lang=\"{}\"", self.translation.source_language),
        };
        if self.translation.marks == Marks::Entries {
            if let Some(entry) = entry {
                attributes.push_str(&format!(" data-entry=\"{}\"", entry.line));
            }
            attributes.push_str(&format!(" data-state=\"{}\"", state(entry)));
        }
        Some(match attributes.as_str() {
            "" => text.into_owned(),
            attributes => marked(&text, attributes),
        })
    }

    fn code(&self, code: Code<'_>) -> TranslatedCode {
        let catalog = &self.translation.catalog;
        let mut classes = Vec::new();
        if self.translation.marks == Marks::Entries {
            for comment in code.comments() {
                let class = match catalog.get(&comment.message) {
                    Some(entry) => format!("entry-{}", entry.line),
                    None => "entry-new".to_owned(),
                };
                if !classes.contains(&class) {
                    classes.push(class);
                }
            }
        }
        TranslatedCode {
            text: code.translated(catalog),
            classes,
        }
    }

    fn title(&self, title: &str) -> String {
        self.titles.get(title).cloned().unwrap_or_else(|| title.to_owned())
    }
}

/// What readers see of a message: its translation, or the source's text because the translation is `fuzzy` or `missing`.
pub(crate) fn state(entry: Option<&Entry>) -> &'static str {
    match entry {
        Some(entry) if entry.is_translated() => "translated",
        Some(entry) if entry.is_fuzzy() && !entry.msgstr.is_empty() => "fuzzy",
        _ => "missing",
    }
}

/// A text of a catalog as it stands in a chapter at work.
fn shelter_escapes(text: &str) -> Cow<'_, str> {
    match text.contains("\\{{#") {
        true => Cow::Owned(text.replace("\\{{#", ESCAPED)),
        false => Cow::Borrowed(text),
    }
}

/// A message in a `<span>`. Of a figure it is the caption that is marked, since the figure itself is a block and fits in no span. What
/// holds more than a line of text (a translation with a list, say) stays unmarked: no span may reach over blocks.
fn marked(message: &str, attributes: &str) -> String {
    let figure = directive::parse(message)
        .directives
        .into_iter()
        .find(|directive| directive.name == "figure")
        .and_then(|figure| figure.body);
    let inside = figure.unwrap_or(0..message.len());
    let marked = format!(
        "{}<span{attributes}>{}</span>{}",
        &message[..inside.start],
        &message[inside.clone()],
        &message[inside.end..]
    );
    let is_one_paragraph = {
        let events = extract_events(&marked, None);
        let blocks = events.iter().filter(|(_, event)| {
            matches!(
                event,
                Event::Start(
                    Tag::Paragraph
                        | Tag::Heading { .. }
                        | Tag::BlockQuote(_)
                        | Tag::CodeBlock(_)
                        | Tag::HtmlBlock
                        | Tag::List(_)
                        | Tag::FootnoteDefinition(_)
                        | Tag::Table(_)
                ) | Event::Rule
            )
        });
        blocks.count() == 1 && matches!(events.first(), Some((_, Event::Start(Tag::Paragraph))))
    };
    match is_one_paragraph {
        true => marked,
        false => message.to_owned(),
    }
}

/// Text without its markup, as mdBook shows titles.
pub(crate) fn plain(markdown: &str) -> String {
    extract_events(markdown, None)
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
            Event::SoftBreak => Some(" "),
            _ => None,
        })
        .collect()
}

/// A chapter with what `mdbook-i18n-helpers` breaks replaced by HTML comments, which it passes on untouched.
pub(crate) struct Sheltered {
    pub(crate) text: String,
    blocks: Vec<Block>,
    /// What writers say to translators, with the byte of the text that it stands before.
    pub(crate) remarks: Vec<(usize, String)>,
}

/// A code block that goes back, with what its info string gets besides.
struct TranslatedCode {
    text: String,
    classes: Vec<String>,
}

/// A code block that was taken out.
struct Block {
    /// Empty for an indented block.
    info: String,
    code: String,
}

impl Block {
    fn code(&self) -> Code<'_> {
        let end = self.info.find([' ', '\t', ',']).unwrap_or(self.info.len());
        // ```text,diagram: a drawing made of words, which are all for the reader.
        let diagram = self.info.split(',').any(|part| part.trim() == DIAGRAM);
        Code {
            text: &self.code,
            language: if diagram { DIAGRAM } else { &self.info[..end] },
        }
    }
}

const CODE: &str = "<!--sheltered-code:";
const ALERT: &str = "<!--sheltered-alert:";
const CLOSE: &str = "-->";

impl Sheltered {
    pub(crate) fn new(text: &str) -> Sheltered {
        let mut sheltered = Sheltered {
            text: String::with_capacity(text.len()),
            blocks: Vec::new(),
            remarks: Vec::new(),
        };
        let mut from = 0;
        let mut block: Option<(usize, Block)> = None;
        for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    let info = match kind {
                        CodeBlockKind::Fenced(info) => info.to_string(),
                        CodeBlockKind::Indented => String::new(),
                    };
                    block = Some((
                        range.start,
                        Block {
                            info,
                            code: String::new(),
                        },
                    ));
                }
                Event::Text(code) => {
                    if let Some((_, block)) = &mut block {
                        block.code.push_str(&code);
                    }
                }
                Event::End(TagEnd::CodeBlock) => {
                    if let Some((start, block)) = block.take() {
                        // An indented block starts after its indentation, which would make the comment an indented block again.
                        let before = text[from..start].trim_end_matches(' ');
                        let line_start = before.is_empty() || before.ends_with('\n');
                        sheltered.text.push_str(if line_start && block.info.is_empty() {
                            before
                        } else {
                            &text[from..start]
                        });
                        let number = sheltered.blocks.len();
                        sheltered.text.push_str(&format!("{CODE}{number}{CLOSE}"));
                        // What ends an indented block are the newlines after it, which belong to the text.
                        let end = start + text[start..range.end].trim_end().len();
                        sheltered.blocks.push(block);
                        from = end;
                    }
                }
                Event::Start(Tag::BlockQuote(Some(kind))) => {
                    let Some(mark) = text[range.start..range.end].find("[!") else {
                        continue;
                    };
                    let start = range.start + mark;
                    let Some(length) = text[start..range.end].find(']') else {
                        continue;
                    };
                    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
                    // Continues the quote, and the list around it if there is one.
                    let lead: String = text[line_start..start]
                        .chars()
                        .map(|c| if c == '>' { '>' } else { ' ' })
                        .collect();
                    sheltered.text.push_str(&text[from..start]);
                    sheltered
                        .text
                        .push_str(&format!("{ALERT}{}{CLOSE}\n{}", alert(kind), lead.trim_end()));
                    from = start + length + 1;
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    if let Some((remark, range)) = remark(text, &html, range) {
                        sheltered.text.push_str(&text[from..range.start]);
                        sheltered.remarks.push((sheltered.text.len(), remark));
                        from = range.end;
                    }
                }
                _ => {}
            }
        }
        sheltered.text.push_str(&text[from..]);
        sheltered
    }

    /// The code blocks with the byte of [`Sheltered::text`] that stands for each.
    pub(crate) fn codes(&self) -> Vec<(usize, Code<'_>)> {
        self.blocks
            .iter()
            .enumerate()
            .filter_map(|(number, block)| {
                let at = self.text.find(&format!("{CODE}{number}{CLOSE}"))?;
                Some((at, block.code()))
            })
            .collect()
    }

    /// Puts everything back into the translated text.
    fn restore(&self, translated: &str, translate: impl Fn(Code<'_>) -> TranslatedCode) -> String {
        let mut restored: Vec<String> = Vec::new();
        let mut lines = translated.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some((lead, number, rest)) = placeholder(line, CODE)
                && let Some(block) = number.parse().ok().and_then(|number: usize| self.blocks.get(number))
            {
                let further: String = lead.chars().map(|c| if c == '>' { '>' } else { ' ' }).collect();
                let TranslatedCode { text, classes } = translate(block.code());
                let fence = twin::fence(&text);
                let mut info = block.info.clone();
                for class in classes {
                    info.push(',');
                    info.push_str(&class);
                }
                restored.push(format!("{lead}{fence}{info}"));
                restored.extend(
                    text.lines()
                        .map(|line| format!("{further}{line}").trim_end().to_owned()),
                );
                restored.push(format!("{further}{fence}{rest}"));
            } else if let Some((lead, kind, rest)) = placeholder(line, ALERT) {
                // The mark must be on the quote's first line.
                let is_blank = |line: &str| line.chars().all(|c| c == '>' || c == ' ') && line.contains('>');
                if restored.last().is_some_and(|line| is_blank(line)) {
                    restored.pop();
                }
                restored.push(format!("{lead}[!{kind}]{rest}"));
                lines.next_if(|line| is_blank(line));
            } else {
                restored.push(line.to_owned());
            }
        }
        restored.join("\n") + "\n"
    }
}

/// `<!-- i18n:comment TEXT -->`, which says something to the translators of what follows and nothing to readers: its text, and the bytes to
/// take out of the chapter.
fn remark(text: &str, html: &str, range: Range<usize>) -> Option<(String, Range<usize>)> {
    let comment = html.trim().strip_prefix("<!--")?.strip_suffix("-->")?;
    let said = comment.trim().strip_prefix("i18n:comment")?;
    if comment.contains("-->") || !said.starts_with([' ', ':']) {
        return None;
    }
    let start = range.start;
    let end = start + text[range].trim_end().len();
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    let is_alone = text[line_start..start].trim().is_empty() && text[end..line_end].trim().is_empty();
    let after_blank = text[..line_start]
        .lines()
        .next_back()
        .is_none_or(|line| line.trim().is_empty());
    let range = match (is_alone, after_blank) {
        // Without its line, so that a list which goes on stays what it is.
        (true, true) => line_start..line_end,
        // The line is left blank: it has ended a paragraph.
        (true, false) => start..end,
        // One of the two blanks around it.
        (false, _) => start..end + usize::from(text[end..].starts_with(' ') && text[..start].ends_with(' ')),
    };
    Some((said.trim_start_matches([' ', ':']).trim_end().to_owned(), range))
}

/// A chapter without what its writers say to translators.
fn without_remarks(text: &str) -> String {
    if !text.contains("i18n:comment") {
        return text.to_owned();
    }
    let mut without = String::with_capacity(text.len());
    let mut from = 0;
    for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
        if let Event::Html(html) | Event::InlineHtml(html) = event
            && let Some((_, range)) = remark(text, &html, range)
        {
            without.push_str(&text[from..range.start]);
            from = range.end;
        }
    }
    without.push_str(&text[from..]);
    without
}

/// A line that holds a placeholder: what stands before it, what it holds, what stands after it.
fn placeholder<'a>(line: &'a str, open: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let start = line.find(open)?;
    let inside = &line[start + open.len()..];
    let end = inside.find(CLOSE)?;
    Some((&line[..start], &inside[..end], &inside[end + CLOSE.len()..]))
}

fn alert(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "NOTE",
        BlockQuoteKind::Tip => "TIP",
        BlockQuoteKind::Important => "IMPORTANT",
        BlockQuoteKind::Warning => "WARNING",
        BlockQuoteKind::Caution => "CAUTION",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str, pairs: &[(&str, &str)]) -> String {
        let shown = translation(Catalog::from_pairs(pairs), Marks::Language);
        let shown = Translator::new(&shown).text(text).unwrap();
        // What these tests are about is where the text goes; the marks have tests of their own.
        shown.replace("<span lang=\"en\">", "").replace("</span>", "")
    }

    fn translation(catalog: Catalog, marks: Marks) -> Translation {
        Translation {
            catalog,
            source_language: "en".to_owned(),
            marks,
        }
    }

    fn html(markdown: &str) -> String {
        let mut html = String::new();
        let parser = new_cmark_parser(markdown, &MarkdownOptions::default());
        mdbook_markdown::pulldown_cmark::html::push_html(&mut html, parser);
        html
    }

    #[test]
    fn alerts_stay_alerts() {
        let text =
            "> [!NOTE]\n> Some text\n> goes on.\n>\n> More.\n\n- Item\n\n  > [!WARNING]\n  > Some text goes on.\n";
        let result = translated(text, &[("Some text goes on.", "Un testo."), ("More.", "Altro.")]);
        let expected = "> [!NOTE]\n> Un testo.\n>\n> Altro.\n\n- Item\n\n  > [!WARNING]\n  > Un testo.\n";
        assert_eq!(html(&result), html(expected), "{result}");
        assert!(html(&result).contains("markdown-alert-note"), "{result}");
    }

    #[test]
    fn code_keeps_its_literals_its_fence_and_its_place() {
        let text = "Text.\n\n1. One\n2. Two\n\n   ```rust,ignore\n   // why\n\n     x(\"Text.\"); // why\n   ```\n\n   Text.\n\n\
                    > ```text\n> // why\n> ```\n\nText.\n\n    indented \"Text.\"\n      more\n\n\
                    ````md\n```\nText.\n```\n````\n<div>\n\n```sh\n# why\n```\n\n</div>\n";
        let pairs = [
            ("Text.", "Testo."),
            ("// why", "// perché"),
            ("\"Text.\"", "\"Testo.\""),
        ];
        let result = translated(text, &pairs);
        let expected = "Testo.\n\n1. One\n2. Two\n\n   ```rust,ignore\n   // perché\n\n     x(\"Text.\"); // perché\n   ```\n\n   Testo.\n\n\
                        > ```text\n> // why\n> ```\n\nTesto.\n\n    indented \"Text.\"\n      more\n\n\
                        ````md\n```\nText.\n```\n````\n<div>\n\n```sh\n# why\n```\n\n</div>\n";
        assert_eq!(html(&result), html(expected), "{result}");
    }

    #[test]
    fn tables_keep_their_alignment_and_headings_their_id() {
        let text =
            "## The price { #price }\n\n| a | b | c |\n|:--|--:|:-:|\n| x | {{#measured a.b/c.d_e}} | x \\| y |\n";
        let result = translated(text, &[("The price", "Il prezzo"), ("x", "y")]);
        assert_eq!(
            html(&result),
            html(
                "## Il prezzo { #price }\n\n| a | b | c |\n|:--|--:|:-:|\n| y | {{#measured a.b/c.d_e}} | x \\| y |\n"
            )
        );
        assert!(result.contains("{{#measured a.b/c.d_e}}"), "{result}");
    }

    #[test]
    fn directives_come_through_in_every_kind_of_text() {
        let text = "A *b {{#measured x@p_q=0.5.y_z.w}}* [{{#param e.n_m}}](a.md).\n\n- {{#claim a.b/c.d >=3}}at least *three* times{{/claim}}\n\n\
                    > {{#cited C8.a_b}}\n\n{{#figure e m_1 m_2 over p_q}}A caption.{{/figure}}\n\n{{#number 2 \\| b_c _d_ | e}}\n";
        let heads = |text: &str| crate::directive::heads(&crate::directive::directives(text).unwrap());
        let result = translated(text, &[]);
        assert_eq!(heads(&result), heads(text), "{result}");
        assert_eq!(heads(text).len(), 6);
    }

    #[test]
    fn directives_as_text_are_shown_as_they_are() {
        let text = escape("Write \\{{#measured a.b.c}}, in code `\\{{#param x.y}}`.\n\n```\n\\{{#include z}}\n```\n");
        assert!(!text.contains("{{#"));
        for text in [translated(&text, &[]), text] {
            let shown = unescape(&text);
            assert_eq!(crate::directive::directives(&shown).unwrap(), []);
            let html = html(&shown).replace("&#123;", "{");
            for expected in [
                "{{#measured a.b.c}}",
                "<code>{{#param x.y}}</code>",
                "<code>{{#include z}}",
            ] {
                assert!(html.contains(expected), "expected {expected} in {html}");
            }
        }
        assert_eq!(escape("\\\\{{#measured a}}"), "\\\\{{#measured a}}");
    }

    #[test]
    fn titles_lose_their_markup_and_gain_no_backslash() {
        let catalog = Catalog::from_pairs(&[("`select!` and \\<T>", "`select!` e \\<T>")]);
        let translation = translation(catalog, Marks::Entries);
        let translator = Translator::new(&translation);
        assert_eq!(translator.title("select! and <T>"), "select! e <T>");
        assert_eq!(translator.title("a_b * c"), "a_b * c");
    }

    #[test]
    fn a_fuzzy_translation_is_not_shown() {
        let mut catalog = Catalog::from_pairs(&[("Text.", "Testo.")]);
        catalog.entries[0].flags.push("fuzzy".into());
        let translation = translation(catalog, Marks::Language);
        assert_eq!(
            Translator::new(&translation).text("Text.\n").unwrap(),
            "<span lang=\"en\">Text.</span>\n"
        );
    }

    /// Every kind of place that a message can have.
    const PLACES: &str = "# Heading *one* {#h}\n\nParagraph `x` [link](a.md).\n\nSetext\n===\n\n- Tight item\n- Second\n  - Inner\n\n\
        1. Loose item\n\n   Its paragraph\n\n2. Next\n\n- [ ] Task\n\n> Quote\n> goes on\n\n> [!NOTE]\n> Alert\n\n\
        | Head | 17 |\n|---|--:|\n| Cell \\| bar | `code` |\n\nNote[^n]\n\n[^n]: Footnote\n\n<details>\n<summary>Answer</summary>\n\nInside\n\n</details>\n\n\
        ![Image](a.png)\n\nHard  \nbreak\n\n42\n\n```text\nnothing\n```\n";

    /// The messages of [`PLACES`], as a catalog has them.
    fn messages() -> Vec<String> {
        let sheltered = Sheltered::new(PLACES);
        let messages = mdbook_i18n_helpers::extract_messages(&sheltered.text).unwrap();
        messages
            .into_iter()
            .map(|(_, message)| message.message)
            .filter(|message| has_words(message))
            .collect()
    }

    /// HTML whose elements fit into one another.
    fn assert_well_formed(html: &str) {
        let mut open = Vec::new();
        for tag in html.split('<').skip(1) {
            let name: String = tag
                .trim_start_matches('/')
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "{html}");
            } else if !["br", "img", "hr", "input"].contains(&name.as_str()) && !tag.starts_with('!') {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?} in {html}");
    }

    #[test]
    fn what_is_not_translated_says_its_language_wherever_it_stands() {
        let nothing = translation(Catalog::default(), Marks::Language);
        let shown = html(&Translator::new(&nothing).text(PLACES).unwrap());
        assert_well_formed(&shown);
        for expected in [
            "<h1 id=\"h\"><span lang=\"en\">Heading <em>one</em></span></h1>",
            "<p><span lang=\"en\">Paragraph <code>x</code> <a href=\"a.md\">link</a>.</span></p>",
            "<h1><span lang=\"en\">Setext</span></h1>",
            "<li><span lang=\"en\">Tight item</span></li>",
            "<li><span lang=\"en\">Inner</span></li>",
            "<p><span lang=\"en\">Its paragraph</span></p>",
            "<span lang=\"en\">Task</span></li>",
            "<p><span lang=\"en\">Quote goes on</span></p>",
            "<blockquote class=\"markdown-alert-note\">\n<p><span lang=\"en\">Alert</span></p>",
            "<th><span lang=\"en\">Head</span></th><th style=\"text-align: right\">17</th>",
            "<td><span lang=\"en\">Cell | bar</span></td><td style=\"text-align: right\"><code>code</code></td>",
            "<span lang=\"en\">Footnote</span>",
            "<summary>Answer</summary>\n<p><span lang=\"en\">Inside</span></p>",
            "<p><span lang=\"en\"><img src=\"a.png\" alt=\"Image\" /></span></p>",
            "<p><span lang=\"en\">Hard<br />\nbreak</span></p>",
            "<p>42</p>",
        ] {
            assert!(shown.contains(expected), "expected {expected} in {shown}");
        }
        assert_eq!(shown.matches("lang=\"en\"").count(), messages().len());
        // But for the marks, it is the page of the source language.
        let bare = shown.replace("<span lang=\"en\">", "").replace("</span>", "");
        assert_eq!(bare, html(&PLACES.replace("Quote\n> goes", "Quote goes")));
    }

    #[test]
    fn what_is_translated_is_not_marked_for_readers() {
        let messages = messages();
        let pairs: Vec<(&str, &str)> = messages
            .iter()
            .map(|message| (message.as_str(), message.as_str()))
            .collect();
        let complete = translation(Catalog::from_pairs(&pairs), Marks::Language);
        let shown = Translator::new(&complete).text(PLACES).unwrap();
        assert!(!shown.contains("<span"), "{shown}");
        assert!(!shown.contains("lang="), "{shown}");
    }

    #[test]
    fn translators_are_told_the_entry_of_every_message() {
        let po = "msgid \"\"\nmsgstr \"Language: it\\n\"\n\nmsgid \"One\"\nmsgstr \"Uno\"\n\n#, fuzzy\nmsgid \"Two\"\nmsgstr \"Duo\"\n\n\
                  msgid \"Three\"\nmsgstr \"\"\n\nmsgid \"# why\"\nmsgstr \"\"\n\nmsgid \"List\"\nmsgstr \"- a\\n- b\"\n\n\
                  msgid \"Two texts\"\nmsgstr \"a\\n\\nb\"\n";
        let catalog = Catalog::parse(po, Path::new("po/it.po")).unwrap();
        let translation = translation(catalog, Marks::Entries);
        let text = "# One\n\nTwo\n\n- Three\n- Four\n- 5\n\n```python\n# why\nx = 1  # new\n```\n\nList\n\nTwo texts\n";
        let shown = html(&Translator::new(&translation).text(text).unwrap());
        assert_well_formed(&shown);
        for expected in [
            "<h1><span data-entry=\"4\" data-state=\"translated\">Uno</span></h1>",
            "<p><span lang=\"en\" data-entry=\"8\" data-state=\"fuzzy\">Two</span></p>",
            "<li><span lang=\"en\" data-entry=\"11\" data-state=\"missing\">Three</span></li>",
            "<li><span lang=\"en\" data-state=\"missing\">Four</span></li>",
            "<li>5</li>",
            "<code class=\"language-python,entry-14,entry-new\"># why\nx = 1  # new\n</code>",
            // A span would reach over these.
            "<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
            "<p>a</p>\n<p>b</p>",
        ] {
            assert!(shown.contains(expected), "expected {expected} in {shown}");
        }
    }

    #[test]
    fn what_is_said_to_translators_is_on_no_page() {
        let text = "<!-- i18n:comment a -->\n# T {#t}\n\n<!-- i18n:comment: b -->\n\n- One\n- Two\n\nText\n<!-- i18n:comment c -->\nmore\n\n\
                    In <!-- i18n:comment d -->a text.\n\n> <!-- i18n:comment e -->\n> Quote.\n\n<!-- kept -->\n\n`<!-- i18n:comment f -->`\n\n\
                    ```html\n<!-- i18n:comment g -->\n```\n\n<!-- i18n:comment h -->";
        let expected = html(
            "# T {#t}\n\n- One\n- Two\n\nText\n\nmore\n\nIn a text.\n\n> Quote.\n\n<!-- kept -->\n\n`<!-- i18n:comment f -->`\n\n\
             ```html\n<!-- i18n:comment g -->\n```\n",
        );
        assert_eq!(html(&without_remarks(text)), expected);
        assert_eq!(html(&translated(text, &[("more", "more")])), expected);
    }

    #[test]
    fn of_a_figure_the_caption_is_marked() {
        let text = "{{#figure e m_1 over p}}A *long* caption with {{#measured a.b.c}}.{{/figure}}\n\n{{#claim a.b.c >=3}}Three{{/claim}} times.\n";
        let nothing = translation(Catalog::default(), Marks::Language);
        let shown = Translator::new(&nothing).text(text).unwrap();
        assert_eq!(
            shown,
            "{{#figure e m_1 over p}}<span lang=\"en\">A _long_ caption with {{#measured a.b.c}}.</span>{{/figure}}\n\n\
             <span lang=\"en\">{{#claim a.b.c >=3}}Three{{/claim}} times.</span>\n"
        );
        let figure = &directive::directives(&shown).unwrap()[0];
        assert!(figure.place.alone);
    }
}
