//! A translation as its reader sees it, each character with its place in the message.

use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{Event, LinkType, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

use crate::directive::{self, Directive};

/// Stands for code, an address, a footnote: something that is no word of the language.
pub(super) const OPAQUE: char = '\u{fffc}';
/// Stands for a value that the build inserts.
pub(super) const VALUE: char = '\u{e100}';

/// The name of values that the program fills in where the interface says `{name}`.
pub(super) const PLACEHOLDER: &str = "{}";
/// Fills what was taken out.
const BLANK: &str = "_";
/// From so many words on what is set apart is a title or a quotation, or if it begins with a capital; else it is a term.
const PHRASE: usize = 3;

/// The words of a message without markup, code, addresses and directives.
#[derive(Debug, Default)]
pub(super) struct Visible {
    pub(super) text: String,
    /// Bytes of `text` and of the message that belong together, in order; between two of them both go on alike.
    origins: Vec<(usize, usize)>,
    pub(super) values: Vec<Value>,
    /// Emphasised words, the texts of links, and what stands in quotation marks: where titles and other people's words are.
    set_apart: Vec<Range<usize>>,
}

/// A directive or placeholder that becomes a value: where it stands in the visible text, and its bytes in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) at: usize,
    pub(super) name: String,
    pub(super) source: Range<usize>,
}

/// A run of letters: `dell` and `attesa` of `dell'attesa`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    /// In bytes of the visible text.
    pub(super) start: usize,
}

impl Word<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// What a directive leaves of the bytes it stands on.
enum Piece {
    Nothing,
    Value(String),
}

impl Visible {
    /// Of a message in Markdown.
    pub(super) fn of_prose(message: &str) -> Visible {
        let mut pieces = Vec::new();
        hide(&directive::parse(message).directives, &mut pieces);
        pieces.sort_by_key(|(range, _)| range.start);
        let mut visible = Visible::default();
        let mut pieces = pieces.into_iter().peekable();
        let mut silent = false;
        let mut apart = Vec::new();
        for (event, range) in new_cmark_parser(message, &MarkdownOptions::default()).into_offset_iter() {
            match event {
                Event::Text(text) if !silent => {
                    // An entity, or an escaped character: shown is what it stands for. Typographic marks are seen as they were written.
                    if message[range.clone()].starts_with('&') && *text != message[range.clone()] {
                        visible.push_str(&text, range.start);
                        continue;
                    }
                    let mut from = range.start;
                    let start = visible.text.len();
                    while from < range.end {
                        match pieces.peek() {
                            Some((hidden, _)) if hidden.end <= from => {
                                pieces.next();
                            }
                            Some((hidden, piece)) if hidden.start <= from => {
                                if let Piece::Value(name) = piece
                                    && visible.values.last().is_none_or(|last| last.source != *hidden)
                                {
                                    visible.values.push(Value {
                                        at: visible.text.len(),
                                        name: name.clone(),
                                        source: hidden.clone(),
                                    });
                                    visible.push(VALUE, hidden.start);
                                }
                                from = hidden.end.min(range.end);
                            }
                            next => {
                                let end = next.map_or(range.end, |(hidden, _)| hidden.start.min(range.end));
                                visible.push_str(&message[from..end], from);
                                from = end;
                            }
                        }
                    }
                    visible.hide_placeholders(start);
                }
                // Keys of a keyboard, and names.
                Event::InlineHtml(tag) if tag.starts_with("<kbd") || tag.starts_with("<code") => {
                    silent = true;
                    visible.push(OPAQUE, range.start);
                }
                Event::InlineHtml(tag) if tag.starts_with("</kbd") || tag.starts_with("</code") => silent = false,
                Event::Code(_) | Event::FootnoteReference(_) => {
                    // Words of a directive's arguments may look like code.
                    while pieces.next_if(|(hidden, _)| hidden.end <= range.start).is_some() {}
                    if pieces.peek().is_none_or(|(hidden, _)| hidden.start > range.start) {
                        visible.push(OPAQUE, range.start);
                    }
                }
                Event::Start(Tag::Link {
                    link_type: LinkType::Autolink | LinkType::Email,
                    ..
                }) => {
                    silent = true;
                    apart.push(visible.text.len());
                    visible.push(OPAQUE, range.start);
                }
                Event::Start(Tag::Emphasis | Tag::Link { .. }) => apart.push(visible.text.len()),
                Event::End(end @ (TagEnd::Emphasis | TagEnd::Link)) => {
                    // An address is a link too, and its text was left out.
                    silent &= end != TagEnd::Link;
                    let start = apart.pop().unwrap_or(visible.text.len());
                    visible.set_apart.push(start..visible.text.len());
                }
                Event::Start(Tag::CodeBlock(_)) => silent = true,
                Event::End(TagEnd::CodeBlock) => silent = false,
                Event::SoftBreak => visible.push(' ', range.start),
                Event::HardBreak => visible.push('\n', range.start),
                Event::End(
                    TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_) | TagEnd::TableCell | TagEnd::BlockQuote(_),
                ) => visible.push('\n', range.end),
                _ => {}
            }
        }
        visible.find_quotations();
        visible
    }

    /// Of a comment of code, or of a diagram: without its markers, code in backquotes taken out.
    pub(super) fn of_comment(message: &str) -> Visible {
        let mut visible = Visible::default();
        let mut offset = 0;
        for line in message.split_inclusive('\n') {
            let trimmed = line.trim_start_matches(['/', '#', '!', '*', '"', '\'', ' ']);
            let mut at = offset + line.len() - trimmed.len();
            for (number, part) in trimmed.split('`').enumerate() {
                match number % 2 {
                    0 => visible.push_str(part, at),
                    _ => visible.push(OPAQUE, at),
                }
                at += part.len() + 1;
            }
            offset += line.len();
        }
        visible
    }

    /// Takes out of the text from `start` on each `{name}` that the program fills in, and makes a value of it.
    fn hide_placeholders(&mut self, start: usize) {
        let mut from = start;
        while let Some(open) = self.text[from..].find('{').map(|at| from + at) {
            let Some(close) = self.text[open..].find('}').map(|at| open + at) else {
                return;
            };
            if self.text[open + 1..close]
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '_')
            {
                self.blank(open..close + 1);
                self.values.push(Value {
                    at: open,
                    name: PLACEHOLDER.to_owned(),
                    source: self.origin(open)..self.origin(close) + 1,
                });
            }
            from = close + 1;
        }
    }

    /// Puts something that is no word in the place of a stretch, byte for byte.
    pub(super) fn blank(&mut self, range: Range<usize>) {
        let blanks = BLANK.repeat(range.len());
        self.text.replace_range(range, &blanks);
    }

    fn find_quotations(&mut self) {
        for (open, close) in [("\"", "\""), ("“", "”"), ("«", "»")] {
            let mut from = 0;
            while let Some(start) = self.text[from..].find(open).map(|at| from + at + open.len()) {
                let Some(end) = self.text[start..].find(close).map(|at| start + at) else {
                    break;
                };
                self.set_apart.push(start..end);
                from = end + close.len();
            }
        }
    }

    /// Takes out of both texts the titles and quotations that both have in the same words: they are somebody else's.
    pub(super) fn without_quotations(source: &mut Visible, translation: &mut Visible) {
        let shared: Vec<(Range<usize>, Vec<Range<usize>>)> = translation
            .set_apart
            .iter()
            .filter_map(|range| {
                let stretch = &translation.text[range.clone()];
                let is_phrase = stretch.split_whitespace().count() >= PHRASE || stretch.starts_with(char::is_uppercase);
                let same: Vec<Range<usize>> = source
                    .set_apart
                    .iter()
                    .filter(|other| &source.text[(*other).clone()] == stretch)
                    .cloned()
                    .collect();
                (is_phrase && !same.is_empty()).then(|| (range.clone(), same))
            })
            .collect();
        for (range, same) in shared {
            translation.blank(range);
            same.into_iter().for_each(|range| source.blank(range));
        }
    }

    fn push(&mut self, c: char, origin: usize) {
        self.origins.push((self.text.len(), origin));
        self.text.push(c);
    }

    fn push_str(&mut self, text: &str, origin: usize) {
        if !text.is_empty() {
            self.origins.push((self.text.len(), origin));
            self.text.push_str(text);
        }
    }

    /// The byte of the message that a byte of the visible text comes from.
    pub(super) fn origin(&self, at: usize) -> usize {
        let next = self.origins.partition_point(|(visible, _)| *visible <= at);
        match next.checked_sub(1).map(|index| self.origins[index]) {
            Some((visible, origin)) => origin + at - visible,
            None => 0,
        }
    }

    /// Runs of letters, in order.
    pub(super) fn words(&self) -> Vec<Word<'_>> {
        let mut words = Vec::new();
        let mut start = None;
        for (at, c) in self.text.char_indices().chain([(self.text.len(), ' ')]) {
            match (c.is_alphabetic(), start) {
                (true, None) => start = Some(at),
                (false, Some(from)) => {
                    words.push(Word {
                        text: &self.text[from..at],
                        start: from,
                    });
                    start = None;
                }
                _ => {}
            }
        }
        words
    }

    /// Sentences and whatever else stands by itself, each with where it starts.
    pub(super) fn sentences(&self) -> Vec<(usize, &str)> {
        let mut sentences = Vec::new();
        let mut from = 0;
        let ends = self.text.char_indices().filter(|(at, c)| {
            let after = self.text[at + c.len_utf8()..].chars().next();
            *c == '\n' || (".!?:;".contains(*c) && after.is_none_or(char::is_whitespace))
        });
        for (end, c) in ends.chain([(self.text.len(), ' ')]) {
            let sentence = &self.text[from..end];
            if sentence.chars().any(char::is_alphabetic) {
                let blanks = sentence.len() - sentence.trim_start().len();
                sentences.push((from + blanks, sentence.trim()));
            }
            from = (end + c.len_utf8()).min(self.text.len());
        }
        sentences
    }
}

fn hide(directives: &[Directive], pieces: &mut Vec<(Range<usize>, Piece)>) {
    for directive in directives {
        match &directive.body {
            Some(body) => {
                pieces.push((directive.head.clone(), Piece::Nothing));
                hide(&directive.inner, pieces);
                pieces.push((body.end..directive.range.end, Piece::Nothing));
            }
            None => pieces.push((directive.range.clone(), Piece::Value(directive.name.clone()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_read_is_left_and_each_place_is_known() {
        let message = "Il _primo_ `x` [link](a.md), {{#claim a.b/c.d >=3}}almeno {{#measured a_b.c_d}}{{/claim}} <kbd>S</kbd> &amp; già";
        let visible = Visible::of_prose(message);
        assert_eq!(
            visible.text,
            format!("Il primo {OPAQUE} link, almeno {VALUE} {OPAQUE} & già\n")
        );
        for word in ["primo", "link", "almeno", "già"] {
            let at = visible.text.find(word).unwrap();
            assert!(message[visible.origin(at)..].starts_with(word), "{word}");
        }
        let value = &visible.values[0];
        assert_eq!((value.name.as_str(), visible.values.len()), ("measured", 1));
        assert_eq!(&message[value.source.clone()], "{{#measured a_b.c_d}}");
        assert!(visible.text[value.at..].starts_with(VALUE));
    }

    #[test]
    fn comments_lose_their_markers_and_names() {
        let message = "// Un `JoinSet` dà\n// i task.";
        let visible = Visible::of_comment(message);
        assert_eq!(visible.text, format!("Un {OPAQUE} dà\ni task."));
        let at = visible.text.find("task").unwrap();
        assert!(message[visible.origin(at)..].starts_with("task"));
        let words: Vec<&str> = visible.words().iter().map(|word| word.text).collect();
        assert_eq!(words, ["Un", "dà", "i", "task"]);
    }

    #[test]
    fn placeholders_keys_and_quotations_are_nobodys_words() {
        let visible = Visible::of_prose("Premi <kbd>Esc</kbd>: {count} giri");
        let words: Vec<&str> = visible.words().iter().map(|word| word.text).collect();
        assert_eq!(words, ["Premi", "giri"]);

        let mut source =
            Visible::of_prose("See [All of it](a.md), \"as it is\", _event loop_, [Streams](b.md), \"one two three\".");
        let mut translation =
            Visible::of_prose("Vedi [All of it](a.md), \"as it is\", _event loop_, [Streams](b.md), \"uno due tre\".");
        Visible::without_quotations(&mut source, &mut translation);
        let words: Vec<&str> = translation.words().iter().map(|word| word.text).collect();
        assert_eq!(words, ["Vedi", "event", "loop", "uno", "due", "tre"]);
        let words: Vec<&str> = source.words().iter().map(|word| word.text).collect();
        assert_eq!(words, ["See", "event", "loop", "one", "two", "three"]);
    }

    #[test]
    fn sentences_end_at_their_marks_but_not_inside_names() {
        let visible = Visible::of_prose("Uno. Due time.sleep: tre\n\n- quattro");
        let sentences: Vec<&str> = visible.sentences().into_iter().map(|(_, text)| text).collect();
        assert_eq!(sentences, ["Uno", "Due time.sleep", "tre", "quattro"]);
    }
}
