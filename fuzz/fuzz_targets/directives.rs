//! Directives in Markdown: where they stand and what they say. What is read of one can be written and is read as the same again.

#![no_main]

use std::ops::Range;

use book::directive::{self, Directive, has_body, heads, parse};
use libfuzzer_sys::fuzz_target;

/// The places of directives and of their parts, in the order of the text.
fn check(directives: &[Directive], within: &Range<usize>, text: &str) {
    let mut from = within.start;
    for directive in directives {
        let Directive { range, head, body, .. } = directive;
        assert!(from <= range.start && range.end <= within.end);
        assert!(text[head.clone()].starts_with("{{#") && text[head.clone()].ends_with("}}"));
        assert_eq!(head.start, range.start);
        assert_eq!(body.is_some(), has_body(&directive.name));
        match body {
            Some(body) => {
                assert!(head.end == body.start && body.end < range.end);
                assert!(text[body.end..range.end].starts_with("{{/"));
                check(&directive.inner, body, text);
            }
            None => assert!(head == range && directive.inner.is_empty()),
        }
        from = range.end;
    }
}

/// A directive by itself, with a backslash before each sign of its arguments, which Markdown allows and translators' tools put there.
fn written(directive: &Directive) -> String {
    let mut text = format!("{{{{#{} ", directive.name);
    for c in directive.arguments.chars() {
        if c.is_ascii_punctuation() {
            text.push('\\');
        }
        text.push(c);
    }
    text + " }}"
}

fuzz_target!(|text: &str| {
    let parsed = parse(text);
    check(&parsed.directives, &(0..text.len()), text);
    assert!(parsed.errors.is_sorted_by_key(|error| error.offset));
    for error in &parsed.errors {
        assert!(text.is_char_boundary(error.offset) && !error.message.is_empty() && !error.help.is_empty());
    }
    assert_eq!(directive::directives(text).is_ok(), parsed.errors.is_empty());

    let all = parsed
        .directives
        .iter()
        .flat_map(|directive| [directive].into_iter().chain(&directive.inner));
    for directive in all {
        let again = parse(&written(directive));
        let read: Vec<String> = match has_body(&directive.name) {
            // Without its end it is an error that names it.
            true => again.errors.iter().map(|error| error.message.clone()).collect(),
            false => heads(&again.directives),
        };
        let expected = match has_body(&directive.name) {
            true => format!("`{}` has no end", directive.head_text()),
            false => directive.head_text(),
        };
        assert_eq!(read, [expected]);
    }
    // A heading before changes none of them; a paragraph would, where the text begins with `:` and so defines it.
    let moved = parse(&format!("# A\n\n{text}"));
    assert_eq!(heads(&moved.directives), heads(&parsed.directives));
});
