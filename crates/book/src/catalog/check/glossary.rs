//! Terms and how each language says them: `po/glossary.toml`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::finding::Notes;
use super::grammar::{Gender, Grammar};
use super::text::{Visible, Word};
use crate::glossary::File;

/// The terms of the book with what one language makes of them.
#[derive(Debug, Default)]
pub(super) struct Glossary {
    terms: Vec<Term>,
}

#[derive(Debug)]
struct Term {
    english: Vec<Pattern>,
    right: Vec<Pattern>,
    avoid: Vec<Pattern>,
    gender: Option<Gender>,
    note: Option<String>,
}

/// Words one after another; `chiamat*` is any word that begins so.
#[derive(Debug, Clone)]
struct Pattern {
    written: String,
    words: Vec<String>,
}

impl Pattern {
    fn new(written: &str) -> Result<Pattern> {
        let words: Vec<String> = written
            .split(|c: char| !c.is_alphabetic() && c != '*')
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect();
        ensure!(
            !words.is_empty() && words.iter().all(|word| !word.trim_end_matches('*').is_empty()),
            "`{written}` has a part without letters; a term is made of words, each perhaps with a `*` at its end"
        );
        Ok(Pattern {
            written: written.to_owned(),
            words,
        })
    }

    fn fits(&self, words: &[String]) -> bool {
        self.words.len() <= words.len()
            && self
                .words
                .iter()
                .zip(words)
                .all(|(pattern, word)| match pattern.strip_suffix('*') {
                    Some(start) => word.starts_with(start),
                    None => pattern == word,
                })
    }

    /// Where among the words it stands.
    fn find(&self, words: &[String]) -> Option<usize> {
        (0..words.len()).find(|at| self.fits(&words[*at..]))
    }
}

impl Glossary {
    /// What the file says of one language. A file that is not there is an empty glossary.
    pub(super) fn read(path: &Path, code: &str) -> Result<Glossary> {
        if !path.is_file() {
            return Ok(Glossary::default());
        }
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Glossary::parse(&text, code).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str, code: &str) -> Result<Glossary> {
        let file: File = toml::from_str(text)?;
        let mut terms = Vec::new();
        for mut written in file.terms {
            let name = written.english.join(", ");
            let Some(rendering) = written.languages.remove(code) else {
                continue;
            };
            let patterns =
                |texts: &[String]| -> Result<Vec<Pattern>> { texts.iter().map(|text| Pattern::new(text)).collect() };
            let in_term = || format!("in the term `{name}`");
            let term = Term {
                english: patterns(&written.english).with_context(in_term)?,
                right: patterns(&rendering.right).with_context(in_term)?,
                avoid: patterns(&rendering.avoid).with_context(in_term)?,
                gender: rendering.gender,
                note: rendering.note,
            };
            ensure!(
                !term.english.is_empty() && !term.right.is_empty(),
                "the term `{name}` needs a word in `english` and one in `use` of `{code}`"
            );
            terms.push(term);
        }
        Ok(Glossary { terms })
    }

    /// Whole words that the language takes over, for the dictionary.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        self.terms
            .iter()
            .flat_map(|term| &term.right)
            .flat_map(|pattern| &pattern.words)
            .filter(|word| !word.ends_with('*'))
            .map(String::as_str)
    }

    /// The terms of a source, with their renderings; and articles that do not go with a term's gender.
    pub(super) fn check(&self, source: &Visible, translation: &Visible, grammar: &dyn Grammar, notes: &mut Notes<'_>) {
        let english = lower(&phrases(source));
        let words = phrases(translation);
        let target = lower(&words);
        for (term, found) in self.terms_of(&english) {
            let right = &term.right[0].written;
            let mut avoided = false;
            for variant in &term.avoid {
                if let Some(at) = variant.find(&target) {
                    avoided = true;
                    notes.error(
                        "glossary",
                        translation.origin(words[at].start),
                        format!("`{found}` is `{}` here", words_of(&words[at..at + variant.words.len()])),
                        term.help(right),
                    );
                }
            }
            if !avoided && !term.right.iter().any(|pattern| pattern.find(&target).is_some()) {
                notes.warning(
                    "glossary",
                    0,
                    format!("`{found}` is not said as elsewhere in the book"),
                    term.help(right),
                );
            }
        }
        for term in &self.terms {
            let Some(gender) = term.gender else { continue };
            for pattern in &term.right {
                for at in (1..target.len()).filter(|at| pattern.fits(&target[*at..])) {
                    let between = &translation.text[words[at - 1].end()..words[at].start];
                    let article = match between {
                        " " | "\u{a0}" => target[at - 1].clone(),
                        "'" | "’" => format!("{}'", target[at - 1]),
                        _ => continue,
                    };
                    if grammar.gender(&article).is_some_and(|shown| shown != gender) {
                        let gender = match gender {
                            Gender::Masculine => "masculine",
                            Gender::Feminine => "feminine",
                        };
                        notes.error(
                            "glossary",
                            translation.origin(words[at - 1].start),
                            format!("`{article}` before `{}`, which is {gender}", words[at].text),
                            "po/glossary.toml has the gender of each term",
                        );
                    }
                }
            }
        }
    }

    /// The terms in a text, each once, the longer ones before what they are made of: `event loop` is not `loop` as well.
    fn terms_of(&self, words: &[String]) -> Vec<(&Term, String)> {
        let mut patterns: Vec<(&Term, &Pattern)> = self
            .terms
            .iter()
            .flat_map(|term| term.english.iter().map(move |pattern| (term, pattern)))
            .collect();
        patterns.sort_by_key(|(_, pattern)| std::cmp::Reverse(pattern.words.len()));
        let mut taken = vec![false; words.len()];
        let mut found: Vec<(&Term, String)> = Vec::new();
        for (term, pattern) in patterns {
            for at in 0..words.len() {
                let end = at + pattern.words.len();
                if pattern.fits(&words[at..]) && !taken[at..end].contains(&true) {
                    taken[at..end].fill(true);
                    if !found.iter().any(|(other, _)| std::ptr::eq(*other, term)) {
                        found.push((term, words[at..end].join(" ")));
                    }
                }
            }
        }
        found
    }
}

impl Term {
    fn help(&self, right: &str) -> String {
        match &self.note {
            Some(note) => format!("write `{right}` ({note}), or change po/glossary.toml"),
            None => format!("write `{right}`, or change po/glossary.toml"),
        }
    }
}

/// The words of a text, and between them the marks that no term goes across.
fn phrases(visible: &Visible) -> Vec<Word<'_>> {
    let mut phrases: Vec<Word<'_>> = Vec::new();
    for word in visible.words() {
        let from = phrases.last().map_or(0, Word::end);
        let between = &visible.text[from..word.start];
        if let Some(at) = between.find(|c: char| !matches!(c, ' ' | '\u{a0}' | '-' | '\'' | '’')) {
            let mark = between[at..].chars().next().map_or(0, char::len_utf8);
            phrases.push(Word {
                text: &between[at..at + mark],
                start: from + at,
            });
        }
        phrases.push(word);
    }
    phrases
}

fn lower(words: &[Word<'_>]) -> Vec<String> {
    words.iter().map(|word| word.text.to_lowercase()).collect()
}

fn words_of(words: &[Word<'_>]) -> String {
    words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::grammar;
    use super::super::testing::found_by;
    use super::*;

    const TERMS: &str = r#"
        [[term]]
        english = ["event loop*"]
        it = { use = ["event loop"], avoid = ["ciclo di eventi"], gender = "m" }
        [[term]]
        english = ["loop*"]
        it = { use = ["ciclo", "cicli"] }
        [[term]]
        english = ["blocking call*"]
        it = { use = ["chiamat* bloccant*"], avoid = ["chiamat* di blocco"], note = "al plurale: chiamate bloccanti" }
        de = { use = ["blockierend* Aufruf*"] }
        [[term]]
        english = ["future*"]
        it = { use = ["future"], gender = "f" }
    "#;

    fn found(msgid: &str, msgstr: &str) -> Vec<String> {
        let glossary = Glossary::parse(TERMS, "it").unwrap();
        let check = |notes: &mut Notes<'_>| {
            let (source, translation) = (Visible::of_prose(msgid), Visible::of_prose(msgstr));
            glossary.check(&source, &translation, grammar::of("it"), notes);
        };
        found_by(check, msgid, msgstr)
    }

    #[test]
    fn renderings_and_their_inflections_are_accepted() {
        for (msgid, msgstr) in [
            ("An event loop", "L'event loop"),
            ("Event loops", "Gli _event loop_"),
            ("Blocking calls", "Le chiamate bloccanti"),
            ("A loop", "Un ciclo"),
            ("`future` is code", "`future` è codice"),
            ("A future", "una future, la future, delle future"),
            ("No term", "il ciclo di eventi"),
            ("An event. Loops", "Un evento. I cicli"),
        ] {
            assert_eq!(found(msgid, msgstr), [""; 0], "{msgstr}");
        }
    }

    #[test]
    fn forbidden_and_missing_ones_are_named_with_the_right_one() {
        for (msgid, msgstr, expected) in [
            (
                "An event loop",
                "Un ciclo di eventi",
                "`event loop` is `ciclo di eventi` here: error: write `event loop`",
            ),
            (
                "An event loop",
                "Un motore",
                "`event loop` is not said as elsewhere in the book: warning",
            ),
            (
                "A blocking call",
                "Una Chiamata di blocco",
                "`Chiamata di blocco` here: error: write `chiamat* bloccant*` (al plurale",
            ),
            ("A future", "il future", "`il` before `future`, which is feminine"),
            (
                "An event loop",
                "un'event loop",
                "`un'` before `event`, which is masculine",
            ),
        ] {
            let found = found(msgid, msgstr);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "expected `{expected}` in {found:?}");
        }
    }

    #[test]
    fn each_language_has_its_own_and_a_wrong_file_says_where() {
        assert_eq!(Glossary::parse(TERMS, "de").unwrap().terms.len(), 1);
        assert_eq!(Glossary::parse(TERMS, "fr").unwrap().terms.len(), 0);
        for (text, expected) in [
            ("[[term]]\nenglish = [\"a\"]\nit = { use = [\"*\"] }", "without letters"),
            ("[[term]]\nenglish = [\"a\"]\nit = { use = [] }", "needs a word"),
            ("[[term]]\nenglish = [\"a\"]\nit = { uses = [\"b\"] }", "unknown field"),
            ("[[terms]]\n", "unknown field"),
        ] {
            let error = format!("{:#}", Glossary::parse(text, "it").unwrap_err());
            assert!(error.contains(expected), "expected `{expected}` in `{error}`");
        }
    }
}
