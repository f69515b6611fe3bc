//! The words of a Markdown text, as its reader sees them: without code, HTML, addresses, and without directives.

use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{Event, LinkType, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

/// One token of prose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Digits with the marks between them, as written: `41,420`, `3.11`.
    Number(String),
    /// Letters, and digits after letters, in lower case: `times`, `x86`.
    Word(String),
    Sign(char),
    /// Something that is not prose and stands for a word: code, a directive, a bare address.
    Opaque,
    /// The end of a paragraph, cell, heading.
    Break,
}

/// A token and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spotted {
    pub token: Token,
    /// In bytes from the start of the Markdown text.
    pub offset: usize,
    /// No white space before it.
    pub glued: bool,
}

impl Spotted {
    pub fn word(&self) -> Option<&str> {
        match &self.token {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(crate) fn is_sign(&self, sign: char) -> bool {
        self.token == Token::Sign(sign)
    }
}

const OPAQUE: char = '\u{fffc}';
const BREAK: char = '\u{1}';

/// The tokens of a text. `hidden` are ranges that count as one opaque token each, in order, not overlapping.
pub fn tokens(markdown: &str, hidden: &[Range<usize>]) -> Vec<Spotted> {
    let mut flow = Flow::default();
    let mut hidden = hidden.iter().peekable();
    // In a code block, or in a link whose text is its address.
    let mut silent = false;
    for (event, range) in new_cmark_parser(markdown, &MarkdownOptions::default()).into_offset_iter() {
        while hidden.next_if(|h| h.end <= range.start).is_some() {}
        match event {
            Event::Text(text) if !silent => {
                let as_written = markdown[range.clone()] == *text;
                let mut from = range.start;
                while from < range.end {
                    while hidden.next_if(|h| h.end <= from).is_some() {}
                    match hidden.peek() {
                        Some(h) if h.start <= from => {
                            // A hidden stretch may hold many pieces of text: it counts where it starts, or where its first piece does.
                            flow.push_once(OPAQUE, h.start);
                            from = h.end.min(range.end);
                        }
                        Some(h) if h.start < range.end => {
                            flow.push_str(&markdown[from..h.start], from);
                            from = h.start;
                        }
                        _ => {
                            if as_written {
                                flow.push_str(&markdown[from..range.end], from);
                            } else {
                                // An entity or a typographic mark that replaces what was written.
                                text.chars().for_each(|c| flow.push(c, from));
                            }
                            from = range.end;
                        }
                    }
                }
            }
            Event::Start(Tag::Link {
                link_type: LinkType::Autolink | LinkType::Email,
                ..
            }) => {
                silent = true;
                flow.push(OPAQUE, range.start);
            }
            Event::End(TagEnd::Link) => silent = false,
            Event::Code(_) | Event::FootnoteReference(_)
                if !hidden.peek().is_some_and(|h| h.contains(&range.start)) =>
            {
                flow.push(OPAQUE, range.start);
            }
            Event::SoftBreak | Event::HardBreak => flow.push(' ', range.start),
            Event::Start(Tag::CodeBlock(_)) => {
                flow.push(BREAK, range.start);
                silent = true;
            }
            Event::End(TagEnd::CodeBlock) => silent = false,
            Event::Start(tag) if !is_inline(&tag) => flow.push(BREAK, range.start),
            Event::End(tag) if !is_inline_end(&tag) => flow.push(BREAK, range.end),
            _ => {}
        }
    }
    flow.tokens()
}

fn is_inline(tag: &Tag<'_>) -> bool {
    is_inline_end(&tag.to_end())
}

fn is_inline_end(tag: &TagEnd) -> bool {
    matches!(
        tag,
        TagEnd::Emphasis
            | TagEnd::Strong
            | TagEnd::Strikethrough
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::Link
            | TagEnd::Image
    )
}

/// Characters with the bytes they come from.
#[derive(Default)]
struct Flow {
    characters: Vec<(char, usize)>,
    last_once: Option<usize>,
}

impl Flow {
    fn push(&mut self, c: char, offset: usize) {
        self.characters.push((c, offset));
    }

    fn push_once(&mut self, c: char, offset: usize) {
        if self.last_once != Some(offset) {
            self.last_once = Some(offset);
            self.push(c, offset);
        }
    }

    fn push_str(&mut self, text: &str, offset: usize) {
        for (at, c) in text.char_indices() {
            self.push(c, offset + at);
        }
    }

    fn tokens(&self) -> Vec<Spotted> {
        let all = &self.characters;
        let is_digit = |at: usize| all.get(at).is_some_and(|(c, _)| c.is_ascii_digit());
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let (c, offset) = all[at];
            if c.is_whitespace() {
                at += 1;
                continue;
            }
            let start = at;
            let token = if c == BREAK || c == OPAQUE {
                at += 1;
                if c == BREAK { Token::Break } else { Token::Opaque }
            } else if c.is_ascii_digit() {
                at += 1;
                // A mark between digits, or a thin or no-break space before exactly three of them, goes on with the number.
                loop {
                    let mark = all.get(at).map(|(c, _)| *c);
                    let groups = (1..=3).all(|n| is_digit(at + n)) && !is_digit(at + 4);
                    match mark {
                        Some(c) if c.is_ascii_digit() => at += 1,
                        Some('.' | ',' | '’' | '\'') if is_digit(at + 1) => at += 1,
                        Some('\u{a0}' | '\u{202f}' | '\u{2009}') if groups => at += 1,
                        _ => break,
                    }
                }
                Token::Number(all[start..at].iter().map(|(c, _)| c).collect())
            } else if c.is_alphabetic() {
                while all.get(at).is_some_and(|(c, _)| c.is_alphanumeric() || *c == '_') {
                    at += 1;
                }
                Token::Word(all[start..at].iter().flat_map(|(c, _)| c.to_lowercase()).collect())
            } else {
                at += 1;
                Token::Sign(c)
            };
            tokens.push(Spotted {
                token,
                offset,
                glued: start > 0 && !all[start - 1].0.is_whitespace() && all[start - 1].0 != BREAK,
            });
        }
        tokens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens as one line; `+` before what is glued to the token before it.
    fn line(markdown: &str) -> String {
        tokens(markdown, &[])
            .iter()
            .map(|spotted| {
                let text = match &spotted.token {
                    Token::Number(n) => format!("#{n}"),
                    Token::Word(w) => w.clone(),
                    Token::Sign(s) => s.to_string(),
                    Token::Opaque => "@".to_owned(),
                    Token::Break => "|".to_owned(),
                };
                if spotted.glued && spotted.token != Token::Break {
                    format!("+{text}")
                } else {
                    text
                }
            })
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn words_numbers_and_signs_are_told_apart() {
        assert_eq!(line("At 2.5x, 41,420 ms."), "| at #2.5 +x +, #41,420 ms +. |");
        assert_eq!(line("x86 and UTF-8: È 3×"), "| x86 and utf +- +#8 +: è #3 +× |");
        assert_eq!(
            line("10\u{a0}ms and 1\u{202f}234\u{a0}ms"),
            "| #10 ms and #1\u{202f}234 ms |"
        );
    }

    #[test]
    fn what_is_not_prose_is_left_out() {
        assert_eq!(line("a `3 ms` b\n\n    4 ms\n\n```\n5 ms\n```"), "| a @ b | | |");
        assert_eq!(line("[a](x/3ms.md \"4 ms\") <https://x.org/5ms>"), "| a @ |");
        assert_eq!(line("a <b title=\"3 ms\">c</b>"), "| a c |");
        assert_eq!(line("<div>3 ms</div>"), "| |");
        assert_eq!(line("# A {#id-3-ms}"), "| a |");
        assert_eq!(line("a&nbsp;b"), "| a b |");
    }

    #[test]
    fn marks_do_not_part_words_and_blocks_do() {
        assert_eq!(line("**2.5**× and\nso"), "| #2.5 +× and so |");
        assert_eq!(
            line("| 3 | ms |\n|---|---|\n| 4 | s |"),
            "| | | #3 | | ms | | | | #4 | | s | | |"
        );
    }

    #[test]
    fn hidden_ranges_are_one_token() {
        let text = "a {{#x b_c *d*}} e";
        let found = tokens(text, std::slice::from_ref(&(2..16)));
        let kinds: Vec<_> = found.iter().map(|s| (s.token.clone(), s.offset)).collect();
        assert_eq!(
            kinds[1..4],
            [
                (Token::Word("a".into()), 0),
                (Token::Opaque, 2),
                (Token::Word("e".into()), 17)
            ]
        );
    }
}
