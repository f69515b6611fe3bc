//! Comments of programs, which are all that is translated of code. Without a translation the code stays as it is, and what a computer sees
//! of it stays the same with one.
//!
//! The first line of an input is the language, the rest is the program.

#![no_main]

use book::Catalog;
use book::code::Code;
use libfuzzer_sys::fuzz_target;
use measure::fingerprint;

fuzz_target!(|text: &str| {
    let (language, text) = text.split_once('\n').unwrap_or(("rust", text));
    let code = Code { text, language };
    let comments = code.comments();
    let mut from = 0;
    for comment in &comments {
        assert!(from <= comment.range.start && comment.range.start < comment.range.end);
        assert!(!text[comment.range.clone()].trim().is_empty() && !comment.message.is_empty());
        from = comment.range.end;
    }
    assert!(from <= text.len());
    assert_eq!(code.translated(&Catalog::default()), text);
    code.without_comments();

    let bare = fingerprint::without_comments(text, language);
    // The last line ends in a newline, whether it did or not.
    assert!(bare.len() <= text.len() + 1);
});
