//! `{{#name arguments}}` and `{{#name arguments}}body{{/name}}` in Markdown text: where they stand and what they say.
//!
//! Nothing is found in code (fenced, indented, inline), in HTML comments, nor behind a backslash. What a directive means, and whether
//! what it names exists, is for others to say.

use std::fmt;
use std::ops::Range;

use mdbook_markdown::pulldown_cmark::{Event, Tag};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

/// One directive with the bytes it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// `measured`, `claim`, ...; also names that nobody knows.
    pub name: String,
    /// What stands between the name and `}}`, runs of white space as one blank, Markdown's backslashes taken off.
    pub arguments: String,
    /// From `{{#` to the last `}}` that belongs to it.
    pub range: Range<usize>,
    /// The opening `{{#...}}`.
    pub head: Range<usize>,
    /// Between the opening and `{{/name}}`; `None` for directives without a body.
    pub body: Option<Range<usize>>,
    /// Directives in the body.
    pub inner: Vec<Directive>,
    pub place: Place,
}

/// What surrounds a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    pub heading: bool,
    pub link: bool,
    /// It is all there is in a paragraph, and that paragraph is in no list, quote or table.
    pub alone: bool,
}

/// Why a text's directives cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// In bytes from the start of the text.
    pub offset: usize,
    pub message: String,
    pub help: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.help)
    }
}

impl std::error::Error for ParseError {}

/// All directives of a text, and all that is wrong with their form.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// In the order of the text; those in a body are under its directive.
    pub directives: Vec<Directive>,
    pub errors: Vec<ParseError>,
}

impl Directive {
    /// Name and arguments, without the body: `measured tcp-echo.tokio.seconds`. The same in all editions.
    pub fn head_text(&self) -> String {
        format!("{} {}", self.name, self.arguments).trim_end().to_owned()
    }
}

/// Whether a directive of this name goes on to a `{{/name}}`.
pub fn has_body(name: &str) -> bool {
    matches!(name, "claim" | "figure")
}

/// The directives of a text, or the first thing wrong with their form.
pub fn directives(text: &str) -> Result<Vec<Directive>, ParseError> {
    let Parsed { directives, errors } = parse(text);
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(directives),
    }
}

/// The heads of all directives, those in bodies included, sorted: two texts with equal heads say the same by directives.
pub fn heads(directives: &[Directive]) -> Vec<String> {
    let mut heads: Vec<String> = directives
        .iter()
        .flat_map(|directive| std::iter::once(directive).chain(&directive.inner))
        .map(Directive::head_text)
        .collect();
    heads.sort();
    heads
}

/// Reads a text once from start to end.
pub fn parse(text: &str) -> Parsed {
    let layout = Layout::of(text);
    let mut parsed = Parsed::default();
    // The directive whose body is being read, and the block it was opened in.
    let mut open: Option<(Directive, usize)> = None;
    let mut cursor = layout.cursor();
    let mut from = 0;
    while let Some(found) = text[from..].find("{{") {
        let start = from + found;
        from = start + 2;
        let spot = cursor.at(start);
        let rest = &text[from..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let sign = rest.as_bytes().get(blanks);
        if spot.hidden || !matches!(sign, Some(b'#' | b'/')) || is_escaped(text, start) {
            continue;
        }
        // A body cannot go on in another paragraph or cell: translators get each of them by itself.
        if let Some((directive, _)) = open.take_if(|(_, block)| *block != spot.block) {
            parsed.errors.push(unclosed(&directive));
        }
        let inside_from = from + blanks + 1;
        let stop = find_either(text, inside_from);
        let Some(inside) = stop.filter(|stop| text[*stop..].starts_with("}}")) else {
            parsed.errors.push(ParseError {
                offset: start,
                message: "this directive is not closed".to_owned(),
                help: "end it with `}}`, or write `\\{{#` for the text itself".to_owned(),
            });
            from = stop.unwrap_or(text.len());
            continue;
        };
        from = inside + 2;
        let inside = &text[inside_from..inside];
        let range = start..from;
        if blanks > 0 {
            parsed.errors.push(ParseError {
                offset: start,
                message: "a blank behind `{{`: this is not read as a directive".to_owned(),
                help: "write `{{#` or `{{/` without a blank".to_owned(),
            });
            continue;
        }
        if sign == Some(&b'/') {
            let name = inside.trim();
            match open.take() {
                Some((mut directive, _)) if directive.name == name => {
                    directive.range.end = range.end;
                    directive.body = Some(directive.head.end..range.start);
                    directive.place.alone = layout.is_alone(text, &directive.range);
                    parsed.directives.push(directive);
                }
                other => {
                    parsed.errors.push(ParseError {
                        offset: start,
                        message: format!("`{{{{/{name}}}}}` closes nothing"),
                        help: match &other {
                            Some((directive, _)) => format!("`{}` is open here", directive.name),
                            None => "remove it, or write the opening directive in the same paragraph".to_owned(),
                        },
                    });
                    open = other;
                }
            }
            continue;
        }
        let (name, arguments) = inside
            .split_once(|c: char| c.is_ascii_whitespace())
            .unwrap_or((inside, ""));
        let directive = Directive {
            name: name.to_owned(),
            arguments: normalise(arguments),
            range: range.clone(),
            head: range.clone(),
            body: None,
            inner: Vec::new(),
            place: Place {
                heading: spot.heading,
                link: spot.link,
                alone: layout.is_alone(text, &range),
            },
        };
        match &mut open {
            None if has_body(name) => open = Some((directive, spot.block)),
            None => parsed.directives.push(directive),
            Some((outer, _)) if has_body(name) || !may_stand_in_body(name) => {
                parsed.errors.push(ParseError {
                    offset: start,
                    message: format!("`{name}` cannot stand in the body of `{}`", outer.name),
                    help: format!("close the other with `{{{{/{}}}}}` first", outer.name),
                });
            }
            Some((outer, _)) => outer.inner.push(directive),
        }
    }
    if let Some((directive, _)) = open {
        parsed.errors.push(unclosed(&directive));
    }
    parsed.errors.sort_by_key(|error| error.offset);
    parsed
}

fn may_stand_in_body(name: &str) -> bool {
    matches!(name, "measured" | "param" | "cited" | "number")
}

fn unclosed(directive: &Directive) -> ParseError {
    ParseError {
        offset: directive.range.start,
        message: format!("`{}` has no end", directive.head_text()),
        help: format!(
            "write `{{{{/{}}}}}` after its words, in the same paragraph",
            directive.name
        ),
    }
}

/// Whether an odd number of backslashes stands before `at`.
fn is_escaped(text: &str, at: usize) -> bool {
    let before = &text[..at];
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

/// The next `{{` or `}}`, whichever comes first.
fn find_either(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    (from..bytes.len().saturating_sub(1)).find(|&at| matches!(&bytes[at..at + 2], b"{{" | b"}}"))
}

/// White space as single blanks, and `\|` as `|`: Markdown needs the backslash in a table, and a round trip through the translators'
/// catalog may put more of them.
fn normalise(arguments: &str) -> String {
    let mut plain = String::with_capacity(arguments.len());
    let mut rest = arguments.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if rest.peek().is_some_and(char::is_ascii_punctuation) => plain.extend(rest.next()),
            _ => plain.push(c),
        }
    }
    plain.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// What Markdown makes of a text, as far as directives care.
struct Layout {
    /// Code and comments, in order, not overlapping.
    hidden: Vec<Range<usize>>,
    links: Vec<Range<usize>>,
    blocks: Vec<Block>,
    /// From which byte on which block is the innermost, in order.
    starts: Vec<(usize, usize)>,
}

struct Block {
    range: Range<usize>,
    heading: bool,
    /// A paragraph that is in nothing else.
    plain: bool,
}

#[derive(Debug, Clone, Copy)]
struct Spot {
    hidden: bool,
    link: bool,
    heading: bool,
    block: usize,
}

impl Layout {
    fn of(text: &str) -> Layout {
        let mut layout = Layout {
            hidden: Vec::new(),
            links: Vec::new(),
            // The page itself, for what is in no block.
            blocks: vec![Block {
                range: 0..text.len(),
                heading: false,
                plain: false,
            }],
            starts: vec![(0, 0)],
        };
        // Whether each open element is a block, and which.
        let mut stack: Vec<Option<usize>> = vec![Some(0)];
        for (event, range) in new_cmark_parser(text, &MarkdownOptions::default()).into_offset_iter() {
            match event {
                Event::Start(tag) => {
                    match &tag {
                        Tag::CodeBlock(_) => layout.hide(range.clone()),
                        Tag::HtmlBlock => layout.hide_comments(text, range.clone()),
                        Tag::Link { .. } | Tag::Image { .. } => layout.links.push(range.clone()),
                        _ => {}
                    }
                    let block = is_block(&tag).then(|| {
                        layout.blocks.push(Block {
                            range: range.clone(),
                            heading: matches!(tag, Tag::Heading { .. }),
                            plain: matches!(tag, Tag::Paragraph) && stack.len() == 1,
                        });
                        layout.blocks.len() - 1
                    });
                    if let Some(block) = block {
                        layout.starts.push((range.start, block));
                    }
                    stack.push(block);
                }
                Event::End(_) => {
                    let ended = stack.pop().flatten();
                    let outer = stack.iter().rev().find_map(|block| *block).unwrap_or(0);
                    if ended.is_some() {
                        layout.starts.push((range.end, outer));
                    }
                }
                Event::Code(_) => layout.hide(range),
                Event::InlineHtml(_) => layout.hide_comments(text, range),
                _ => {}
            }
        }
        layout
    }

    fn hide(&mut self, range: Range<usize>) {
        // Offsets only ever grow; this holds them to it.
        if self.hidden.last().is_none_or(|last| last.end <= range.start) {
            self.hidden.push(range);
        }
    }

    fn hide_comments(&mut self, text: &str, range: Range<usize>) {
        let mut from = range.start;
        while let Some(start) = text[from..range.end].find("<!--").map(|at| from + at) {
            let end = text[start..range.end]
                .find("-->")
                .map_or(range.end, |at| start + at + "-->".len());
            self.hide(start..end);
            from = end;
        }
    }

    /// Whether a directive is all of a paragraph that stands by itself.
    fn is_alone(&self, text: &str, range: &Range<usize>) -> bool {
        let place = self.starts.partition_point(|(from, _)| *from <= range.start);
        let block = &self.blocks[self.starts[place - 1].1];
        block.plain
            && range.end <= block.range.end
            && text[block.range.start..range.start].trim().is_empty()
            && text[range.end..block.range.end].trim().is_empty()
    }

    fn cursor(&self) -> Cursor<'_> {
        Cursor {
            layout: self,
            hidden: 0,
            link: 0,
            start: 0,
        }
    }
}

/// Answers for ever larger offsets, so that a text is gone through once.
struct Cursor<'a> {
    layout: &'a Layout,
    hidden: usize,
    link: usize,
    start: usize,
}

impl Cursor<'_> {
    fn at(&mut self, offset: usize) -> Spot {
        let layout = self.layout;
        let hidden = advance(&layout.hidden, &mut self.hidden, offset);
        let link = advance(&layout.links, &mut self.link, offset);
        while layout
            .starts
            .get(self.start + 1)
            .is_some_and(|(from, _)| *from <= offset)
        {
            self.start += 1;
        }
        let block = layout.starts[self.start].1;
        Spot {
            hidden,
            link,
            heading: layout.blocks[block].heading,
            block,
        }
    }
}

/// Whether `offset` is in one of `ranges`, having skipped those before it.
fn advance(ranges: &[Range<usize>], next: &mut usize, offset: usize) -> bool {
    while ranges.get(*next).is_some_and(|range| range.end <= offset) {
        *next += 1;
    }
    ranges.get(*next).is_some_and(|range| range.contains(&offset))
}

fn is_block(tag: &Tag<'_>) -> bool {
    !matches!(
        tag,
        Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let parsed = parse(text);
        assert_eq!(parsed.errors, [], "in {text:?}");
        parsed.directives.iter().map(Directive::head_text).collect()
    }

    fn messages(text: &str) -> Vec<(usize, String)> {
        parse(text).errors.into_iter().map(|e| (e.offset, e.message)).collect()
    }

    #[test]
    fn heads_and_bodies_are_found_with_their_bytes() {
        let text = "A {{#measured x.a.m}} and {{#claim x.a/b.m >=3}}*three* times{{/claim}}.";
        let found = directives(text).unwrap();
        assert_eq!(&text[found[0].range.clone()], "{{#measured x.a.m}}");
        assert_eq!(found[0].body, None);
        assert_eq!(found[1].head_text(), "claim x.a/b.m >=3");
        assert_eq!(&text[found[1].body.clone().unwrap()], "*three* times");
        assert!(text[found[1].range.clone()].ends_with("{{/claim}}"));
    }

    #[test]
    fn code_comments_and_escapes_hide_them() {
        for text in [
            "`{{#measured a.b.c}}`",
            "``a ` {{#measured a.b.c}}``",
            "```rust\n{{#include x.rs}}\n```",
            "~~~\n{{#claim a}}\n~~~",
            "text\n\n    {{#measured a.b.c}}\n",
            "- item\n\n      {{#measured a.b.c}}\n",
            "<!-- {{#measured a.b.c}} -->",
            "a <!-- {{#claim a}} --> b",
            "<div>\n<!-- {{#claim\n a}} -->\n</div>",
            r"\{{#measured a.b.c}}",
            "{{ not a directive }} and {{x}} and }} and {",
        ] {
            assert_eq!(names(text), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn text_of_every_kind_shows_them() {
        for text in [
            "*{{#measured a.b_c.d_e}}*",
            "[{{#measured a.b_c.d_e}}](x.md)",
            "| a | b |\n|---|---|\n| x | {{#measured a.b_c.d_e}} |",
            "- one\n- {{#measured a.b_c.d_e}}",
            "> {{#measured a.b_c.d_e}}",
            "{{#measured\na.b_c.d_e}}",
            r"\\{{#measured a.b_c.d_e}}",
            r"{{#measured a.b\_c.d\_e}}",
            "<div>{{#measured a.b_c.d_e}}</div>",
            "`code` {{#measured  a.b_c.d_e }} `code`",
            "a <!-- c --> {{#measured a.b_c.d_e}} <!-- d -->",
        ] {
            assert_eq!(names(text), ["measured a.b_c.d_e"], "{text:?}");
        }
    }

    #[test]
    fn a_reason_behind_a_bar_survives_tables() {
        let table = "| a |\n|---|\n| {{#number 3 \\| by definition}} |";
        assert_eq!(names(table), names("{{#number 3 | by definition}}"));
    }

    #[test]
    fn place_tells_headings_links_and_paragraphs_of_their_own() {
        let place = |text: &str| directives(text).unwrap()[0].place;
        assert!(place("# A {{#param x.y}} {#id}").heading);
        assert!(place("A {{#param x.y}}\n===").heading);
        assert!(!place("# A\n\n{{#param x.y}}").heading);
        assert!(place("[a {{#param x.y}}](b)").link);
        assert!(!place("[a](b) {{#param x.y}}").link);
        let alone = "before\n\n{{#figure x m}}A\ncaption.{{/figure}}\n\nafter";
        assert!(place(alone).alone);
        for beside in [
            "{{#figure x m}}c{{/figure}} more",
            "more {{#figure x m}}c{{/figure}}",
            "- {{#figure x m}}c{{/figure}}",
            "> {{#figure x m}}c{{/figure}}",
            "- x\n\n  {{#figure x m}}c{{/figure}}",
            "# {{#figure x m}}c{{/figure}}",
        ] {
            assert!(!place(beside).alone, "{beside}");
        }
    }

    #[test]
    fn values_may_stand_in_bodies_and_bodies_not_in_bodies() {
        let found = directives("{{#claim x.a/b.m >=3}}from {{#param x.n}} on{{/claim}}").unwrap();
        assert_eq!(found[0].inner[0].head_text(), "param x.n");
        assert_eq!(heads(&found), ["claim x.a/b.m >=3", "param x.n"]);
        let nested = "{{#figure x m}}{{#claim a}}b{{/claim}}{{/figure}}";
        assert_eq!(
            messages(nested),
            [
                (15, "`claim` cannot stand in the body of `figure`".to_owned()),
                (28, "`{{/claim}}` closes nothing".to_owned())
            ]
        );
    }

    #[test]
    fn every_fault_of_form_is_reported_where_it_is() {
        let unclosed = "`claim a` has no end".to_owned();
        assert_eq!(messages("x {{#claim a}}b"), [(2, unclosed.clone())]);
        assert_eq!(
            messages("x {{#claim a}}b\n\nc{{/claim}}").first(),
            Some(&(2, unclosed.clone()))
        );
        assert_eq!(
            messages("|a|b|\n|-|-|\n|{{#claim a}}b|c{{/claim}}|").first(),
            Some(&(13, unclosed.clone()))
        );
        assert_eq!(messages("{{#claim a}}b `{{/claim}}`"), [(0, unclosed)]);
        assert_eq!(
            messages("a {{#measured b"),
            [(2, "this directive is not closed".to_owned())]
        );
        assert_eq!(
            messages("{{#measured b {{#param c}}"),
            [(0, "this directive is not closed".to_owned())]
        );
        assert_eq!(messages("b{{/claim}}"), [(1, "`{{/claim}}` closes nothing".to_owned())]);
        assert_eq!(messages("{{ #measured a}}").len(), 1);
        // After a fault the rest is still read.
        assert_eq!(parse("{{#measured b {{#param c}}").directives[0].name, "param");
    }

    #[test]
    fn nothing_makes_it_panic_and_long_texts_take_linear_time() {
        let odd = [
            "{{",
            "{{#",
            "{{/",
            "}}",
            "{{#}}",
            "{{/}}",
            "{{{#a}}}",
            "\\",
            "é{{#é é}}é{{/é}}",
            "{{#claim}}{{/claim}}",
            "<!--",
            "`",
            "\n\n",
            "{{#a\u{a0}b}}",
        ];
        for a in odd {
            for b in odd {
                for c in odd {
                    parse(&format!("{a}{b}{c}"));
                }
            }
        }
        // Quadratic time would take minutes here.
        let started = std::time::Instant::now();
        for piece in ["{{#", "{{#claim a}}", "{{/claim}}", "{{#a}} `b` ", "<!-- -->\n"] {
            parse(&piece.repeat(20_000));
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    mod properties {
        use proptest::prelude::*;

        use super::super::*;

        /// Texts of what directives, Markdown and mistakes in both are made of.
        fn text() -> impl Strategy<Value = String> {
            let pieces = [
                "{{#",
                "{{/",
                "{{",
                "}}",
                "}",
                "claim",
                "figure",
                "measured",
                "number",
                "a.b/c.d",
                ">=3",
                " ",
                "\n",
                "\n\n",
                "`",
                "```\n",
                "# ",
                "| ",
                "|\n|---|\n",
                "[a](b",
                ")",
                "\\",
                "<!--",
                "-->",
                "<div>\n",
                "    ",
                "- ",
                "*",
                "é",
                "\u{202f}",
                "🦀",
            ];
            prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..60).prop_map(|pieces| pieces.concat())
        }

        /// The places of directives and of their parts, in the order of the text.
        fn check(directives: &[Directive], within: &Range<usize>, text: &str) {
            let mut from = within.start;
            for directive in directives {
                let Directive { range, head, body, .. } = directive;
                assert!(
                    from <= range.start && range.end <= within.end,
                    "{range:?} in {within:?} of {text:?}"
                );
                assert!(text[head.clone()].starts_with("{{#") && text[head.clone()].ends_with("}}"));
                assert_eq!(head.start, range.start);
                if let Some(body) = body {
                    assert!(head.end <= body.start && body.end < range.end);
                    check(&directive.inner, body, text);
                }
                from = range.end;
            }
        }

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2000))]

            #[test]
            fn any_text_is_read_and_every_place_lies_in_it(text in text()) {
                let parsed = parse(&text);
                check(&parsed.directives, &(0..text.len()), &text);
                for error in &parsed.errors {
                    assert!(text.is_char_boundary(error.offset) && !error.help.is_empty());
                }
            }

            #[test]
            fn what_stands_between_directives_changes_none_of_them(text in text(), word in "[a-z]{1,8}") {
                // A paragraph before, without any sign of Markdown, moves them all by its length.
                let moved = format!("{word}\n\n{text}");
                let before = heads(&parse(&text).directives);
                prop_assert_eq!(before, heads(&parse(&moved).directives));
            }
        }
    }
}
