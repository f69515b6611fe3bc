//! Translation of chapters by the catalog, with `mdbook-i18n-helpers`.
//!
//! What that library breaks is kept away from it and put back afterwards ([`Sheltered`]): code blocks (see [`crate::code`]), the
//! `[!NOTE]` of alerts, and directives written as text (`\{{#`), whose backslash would be lost on the way. Titles of chapters are translated
//! here, since it takes them for Markdown and puts backslashes into them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};
use mdbook_i18n_helpers::{extract_events, reconstruct_markdown, translate_events};
use mdbook_markdown::pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use crate::catalog::Catalog;
use crate::code::{Code, DIAGRAM};
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

/// The preprocessor that runs after mdBook's `links`. It has work to do in the source language too: it completes programs.
pub struct Gettext {
    catalog: Option<Catalog>,
}

impl Gettext {
    pub const NAME: &str = "gettext";

    /// Without a catalog the text stays as it is.
    pub fn new(catalog: Option<Catalog>) -> Gettext {
        Gettext { catalog }
    }
}

impl Preprocessor for Gettext {
    fn name(&self) -> &str {
        Gettext::NAME
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let translator = self.catalog.as_ref().map(Translator::new);
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
                None => chapter.content.clone(),
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
    catalog: &'a Catalog,
    messages: polib::catalog::Catalog,
    /// Titles as mdBook shows them, without markup.
    titles: HashMap<String, String>,
}

impl<'a> Translator<'a> {
    fn new(catalog: &'a Catalog) -> Translator<'a> {
        Translator {
            catalog,
            messages: catalog.to_polib(),
            titles: catalog
                .translations()
                .map(|(msgid, msgstr)| (plain(msgid), plain(msgstr)))
                .collect(),
        }
    }

    fn text(&self, text: &str) -> Result<String> {
        let sheltered = Sheltered::new(text);
        let events = extract_events(&sheltered.text, None);
        let translated = translate_events(&events, &self.messages)?;
        let (markdown, _) = reconstruct_markdown(&translated, None)
            .context("the translation does not fit together as Markdown: does a msgstr hold a heading or a rule?")?;
        Ok(sheltered.restore(&markdown, |code| code.translated(self.catalog)))
    }

    fn title(&self, title: &str) -> String {
        self.titles.get(title).cloned().unwrap_or_else(|| title.to_owned())
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
    fn restore(&self, translated: &str, translate: impl Fn(Code<'_>) -> String) -> String {
        let mut restored: Vec<String> = Vec::new();
        let mut lines = translated.lines().peekable();
        while let Some(line) = lines.next() {
            if let Some((lead, number, rest)) = placeholder(line, CODE)
                && let Some(block) = number.parse().ok().and_then(|number: usize| self.blocks.get(number))
            {
                let further: String = lead.chars().map(|c| if c == '>' { '>' } else { ' ' }).collect();
                let code = translate(block.code());
                let fence = twin::fence(&code);
                restored.push(format!("{lead}{fence}{}", block.info));
                restored.extend(
                    code.lines()
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
        let catalog = Catalog::from_pairs(pairs);
        Translator::new(&catalog).text(text).unwrap()
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
        let translator = Translator::new(&catalog);
        assert_eq!(translator.title("select! and <T>"), "select! e <T>");
        assert_eq!(translator.title("a_b * c"), "a_b * c");
    }

    #[test]
    fn a_fuzzy_translation_is_not_shown() {
        let mut catalog = Catalog::from_pairs(&[("Text.", "Testo.")]);
        catalog.entries[0].flags.push("fuzzy".into());
        assert_eq!(Translator::new(&catalog).text("Text.\n").unwrap(), "Text.\n");
    }
}
