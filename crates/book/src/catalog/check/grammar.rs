//! What is particular to one language. A language without rules of its own has those that hold for all.

use super::finding::Notes;
use super::italian::Italian;
use super::text::Visible;

/// Masculine or feminine, as the glossary has it of a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
pub(crate) enum Gender {
    #[serde(rename = "m")]
    Masculine,
    #[serde(rename = "f")]
    Feminine,
}

/// The whole part of a number; the rest of it changes nothing of what stands before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole(pub(super) u64);

/// The rules of one language.
pub(super) trait Grammar: Sync {
    /// Words that lose their last vowel before another, in lower case and without the apostrophe: `l`, `dell`.
    fn elisions(&self) -> &'static [&'static str];

    /// Spelling and forms that can be judged without understanding the sentence.
    fn check(&self, visible: &Visible, notes: &mut Notes<'_>);

    /// The form that a word should have before a number, as the number is spoken; `None` where the word does not depend on it. Words
    /// with an apostrophe come with it: `l'`.
    fn before_number(&self, word: &str, number: Whole) -> Option<Vec<&'static str>>;

    /// The gender that an article shows.
    fn gender(&self, article: &str) -> Option<Gender>;

    /// Whether no blank stands before these marks.
    fn tight(&self) -> &'static [char] {
        &[',', '.', ';', ':', '!', '?', ')', '…', '»', '”']
    }
}

/// What holds for a language that has no rules here.
struct General;

impl Grammar for General {
    /// Those of French and Catalan. Where a language has none, no word stands behind such a letter and an apostrophe.
    fn elisions(&self) -> &'static [&'static str] {
        &["c", "d", "j", "l", "m", "n", "qu", "s", "t"]
    }

    fn check(&self, _: &Visible, _: &mut Notes<'_>) {}

    fn before_number(&self, _: &str, _: Whole) -> Option<Vec<&'static str>> {
        None
    }

    fn gender(&self, _: &str) -> Option<Gender> {
        None
    }

    /// French, for one, has a blank before `;` and `:`.
    fn tight(&self) -> &'static [char] {
        &[',', '.', ')']
    }
}

/// The rules of a language by its code: `it`, `it-CH`.
pub(super) fn of(code: &str) -> &'static dyn Grammar {
    match code.split('-').next() {
        Some("it") => &Italian,
        _ => &General,
    }
}
