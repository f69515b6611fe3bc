//! Blanks, quotation marks and apostrophes: whatever a catalog has chosen, it keeps to.

use std::collections::BTreeMap;

use super::finding::Notes;
use super::grammar::Grammar;
use super::text::{OPAQUE, VALUE, Visible};

/// Marks that do the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    StraightApostrophe,
    CurlyApostrophe,
    StraightQuotes,
    CurlyQuotes,
    Guillemets,
}

use Mark::{CurlyApostrophe, CurlyQuotes, Guillemets, StraightApostrophe, StraightQuotes};

/// Of each group a catalog uses one.
const GROUPS: &[&[Mark]] = &[
    &[StraightApostrophe, CurlyApostrophe],
    &[StraightQuotes, CurlyQuotes, Guillemets],
];

impl Mark {
    fn shown(self) -> &'static str {
        match self {
            StraightApostrophe => "'",
            CurlyApostrophe => "’",
            StraightQuotes => "\"...\"",
            CurlyQuotes => "“...”",
            Guillemets => "«...»",
        }
    }
}

/// Which marks a catalog uses, by how often.
#[derive(Debug, Default)]
pub(super) struct Habits {
    counts: BTreeMap<Mark, usize>,
}

impl Habits {
    /// Takes in one translation.
    pub(super) fn learn(&mut self, visible: &Visible) {
        for (_, mark) in marks(&visible.text) {
            *self.counts.entry(mark).or_default() += 1;
        }
    }

    /// The mark that the catalog has for the same, if it has it more often.
    fn instead(&self, mark: Mark) -> Option<Mark> {
        let count = |mark: &Mark| self.counts.get(mark).copied().unwrap_or(0);
        let group = GROUPS.iter().find(|group| group.contains(&mark))?;
        let usual = *group.iter().max_by_key(|other| count(other))?;
        (count(&usual) > count(&mark)).then_some(usual)
    }

    pub(super) fn check(&self, source: &str, visible: &Visible, grammar: &dyn Grammar, notes: &mut Notes<'_>) {
        for (at, mark) in marks(&visible.text) {
            if let Some(usual) = self.instead(mark) {
                notes.warning(
                    "typography",
                    visible.origin(at),
                    format!("{} where the catalog has {} elsewhere", mark.shown(), usual.shown()),
                    format!("write {}", usual.shown()),
                );
            }
        }
        if let Some(at) = double_space(&notes.entry.msgstr)
            && double_space(source).is_none()
        {
            notes.error("typography", at, "two spaces in a row", "leave one");
        }
        if let (Some(wanted), found) = (end(source), end(&notes.entry.msgstr))
            && found != Some(wanted)
        {
            notes.warning(
                "typography",
                notes.entry.msgstr.len(),
                format!("the source ends in `{wanted}`, the translation does not"),
                "end it in the same way",
            );
        }
        let mut chars = visible.text.char_indices().peekable();
        let mut before = None;
        while let Some((at, c)) = chars.next() {
            let after = chars.peek().map(|(_, after)| *after);
            let ends = after.is_none_or(|after| after.is_whitespace() || matches!(after, '"' | '»' | ')'));
            if grammar.tight().contains(&c) && ends && matches!(before, Some(' ' | '\u{a0}')) {
                notes.warning(
                    "typography",
                    visible.origin(at),
                    format!("a blank before `{c}`"),
                    "remove it",
                );
            }
            if c == '(' && matches!(after, Some(' ' | '\u{a0}')) {
                notes.warning("typography", visible.origin(at), "a blank behind `(`", "remove it");
            }
            before = Some(c);
        }
    }
}

/// Apostrophes inside and behind words, and opening quotation marks.
fn marks(text: &str) -> Vec<(usize, Mark)> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut open = false;
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        let in_word = before.is_alphabetic() && (after.is_alphanumeric() || matches!(after, OPAQUE | VALUE));
        match c {
            '\'' if in_word => found.push((at, StraightApostrophe)),
            '’' if in_word => found.push((at, CurlyApostrophe)),
            '"' => {
                if !open {
                    found.push((at, StraightQuotes));
                }
                open = !open;
            }
            '“' => found.push((at, CurlyQuotes)),
            '«' => found.push((at, Guillemets)),
            _ => {}
        }
        before = c;
    }
    found
}

/// The mark that a sentence ends in, if one does. Not `!`, of which English has more than others.
fn end(text: &str) -> Option<char> {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || "_*)\"»”}".contains(c));
    // Three dots are written in either way.
    if text.ends_with("...") {
        return Some('…');
    }
    text.chars().next_back().filter(|c| ".:;?…".contains(*c))
}

/// Two spaces that are no line break of Markdown.
fn double_space(text: &str) -> Option<usize> {
    text.match_indices("  ")
        .map(|(at, _)| at)
        .find(|at| !text[*at..].trim_start_matches(' ').starts_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::super::grammar;
    use super::super::testing::found_by;
    use super::*;

    fn found(msgid: &str, msgstr: &str, language: &str) -> Vec<String> {
        let mut habits = Habits::default();
        habits.learn(&Visible::of_prose("l'uno, l'altro, \"uno\" e \"due\""));
        let visible = Visible::of_prose(msgstr);
        habits.learn(&visible);
        let check = |notes: &mut Notes<'_>| habits.check(msgid, &visible, grammar::of(language), notes);
        found_by(check, msgid, msgstr)
    }

    #[test]
    fn what_the_catalog_does_is_left_alone() {
        for text in [
            "l'uno e \"due\": il 95 %, .gitignore (e altro)",
            "Una riga  \nun'altra ... e `x` .",
        ] {
            let text = text.replace(" ... ", " ").replace(" .", ".");
            assert_eq!(found("", &text, "it"), [""; 0], "{text}");
        }
        assert_eq!(found("a  b", "a  b", "it"), [""; 0]);
        assert_eq!(found("So _it is._", "Così _è_.", "it"), [""; 0]);
        assert_eq!(found("It is so:", "È così.", "it").len(), 1);
        assert_eq!(found("Search ...", "Cerca…", "it"), [""; 0]);
        assert_eq!(found("Search…", "Cerca...", "it"), [""; 0]);
        assert_eq!(found("Search ...", "Cerca.", "it").len(), 1);
        assert_eq!(found("", "Vraiment ?", "fr"), [""; 0]);
    }

    #[test]
    fn each_slip_is_named() {
        for (text, expected) in [
            ("Due  parole", "two spaces in a row: error"),
            ("l’uno", "’ where the catalog has ' elsewhere: warning"),
            ("«uno»", "«...» where the catalog has \"...\" elsewhere"),
            ("“uno”", "“...” where"),
            ("uno , due", "a blank before `,`"),
            ("Davvero ?", "a blank before `?`"),
            ("uno ( due)", "a blank behind `(`"),
        ] {
            let found = found("", text, "it");
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert!(found[0].contains(expected), "expected `{expected}` in {found:?}");
        }
    }
}
