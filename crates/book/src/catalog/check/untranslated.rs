//! What was left in the source language.
//!
//! A sentence is taken for English by its small words, those that no sentence goes without and that are not words of other languages as
//! well. Guessers by groups of letters (`whatlang`, `lingua`) were not taken: sentences here are short and full of English terms in every
//! language, they would have to know the language of each catalog, and what they decided could not be explained to a translator.

use super::finding::Notes;
use super::spelling::{self, Speller};
use super::text::Visible;

/// None of them is a word of Italian, German, French, Spanish or Portuguese.
const SMALL_WORDS: &[&str] = &[
    "the", "of", "and", "is", "that", "with", "are", "this", "which", "for", "from", "have", "it", "its", "by", "they",
    "you", "your", "when", "where", "would", "their", "than", "if", "each", "what", "how", "to", "be", "been", "were",
    "into", "only", "there", "these", "those", "because", "while", "does", "we", "our", "then",
];

/// A sentence is English when it has as many different small words, and they are one in [`SHARE`] of its words.
const AT_LEAST: usize = 2;
const SHARE: usize = 6;

/// Takes English sentences out of the translation once they are reported: its words need no second complaint.
pub(super) fn check(source: &Visible, translation: &mut Visible, speller: Option<&mut Speller>, notes: &mut Notes<'_>) {
    let mut english = Vec::new();
    for (start, sentence) in translation.sentences() {
        if is_english(sentence) {
            english.push(start..start + sentence.len());
            let message = format!("this looks English: \"{}\"", shown(sentence));
            let help = "translate it; what is quoted goes into code or keeps its quotation marks in a sentence of the translation";
            let at = translation.origin(start);
            match source.text.contains(sentence) {
                true => notes.error("english", at, message, help),
                false => notes.warning("english", at, message, help),
            }
        }
    }
    if !english.is_empty() {
        english.into_iter().for_each(|range| translation.blank(range));
        return;
    }
    if notes.entry.msgid != notes.entry.msgstr {
        return;
    }
    // Names are the same in all languages; a word that the language does not have is no name.
    let strange = speller.and_then(|speller| {
        spelling::pieces(&translation.text)
            .into_iter()
            .find(|(_, piece)| !speller.knows(piece))
    });
    if let Some((at, piece)) = strange {
        notes.warning(
            "english",
            translation.origin(at),
            format!("the translation is equal to its source, and `{piece}` is no word of the language"),
            format!(
                "translate it; where it is a name, add it to {}",
                spelling::words_file(notes)
            ),
        );
    }
}

/// A sentence as a message shows it, one mark for what is no word.
fn shown(sentence: &str) -> String {
    let words: Vec<&str> = sentence
        .split_whitespace()
        .map(|word| {
            if word.chars().any(char::is_alphanumeric) {
                word
            } else {
                "…"
            }
        })
        .collect();
    words.join(" ")
}

fn is_english(sentence: &str) -> bool {
    let words: Vec<String> = sentence
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let mut small: Vec<&String> = words
        .iter()
        .filter(|word| SMALL_WORDS.contains(&word.as_str()))
        .collect();
    let count = small.len();
    small.sort();
    small.dedup();
    small.len() >= AT_LEAST && count * SHARE >= words.len()
}

#[cfg(test)]
mod tests {
    use super::super::testing::found_by;
    use super::*;

    fn found(msgid: &str, msgstr: &str) -> Vec<String> {
        let mut speller = None;
        let check = |notes: &mut Notes<'_>| {
            let mut translation = Visible::of_prose(msgstr);
            check(&Visible::of_prose(msgid), &mut translation, speller.take(), notes);
            assert!(
                translation
                    .sentences()
                    .iter()
                    .all(|(_, sentence)| !is_english(sentence))
            );
        };
        found_by(check, msgid, msgstr)
    }

    #[test]
    fn names_and_terms_are_no_english_sentence() {
        for text in [
            "Il task attende il runtime dell'event loop, e il thread dorme nel kernel.",
            "Si chiama `the of and is`, dal titolo del benchmark current-thread di Tokio.",
            "asyncio, TaskGroup",
            "I page fault, il global interpreter lock e la coordinated omission",
        ] {
            assert_eq!(found("x", text), [""; 0], "{text}");
            assert_eq!(found(text, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_sentence_left_in_english_is_found() {
        let english = "The loop is asleep. It waits for the first of them.";
        let half = found(english, "Il ciclo dorme. It waits for the first of them.");
        assert_eq!(half.len(), 1, "{half:?}");
        assert!(
            half[0].contains("\"It waits for the first of them\": error"),
            "{half:?}"
        );
        assert_eq!(found(english, english).len(), 2);
        let value = "There are {{#param a.b}} of the {count} naps";
        assert!(
            found(value, value)[0].contains("\"There are … of the … naps\""),
            "{:?}",
            found(value, value)
        );
        let other = found(english, "Il ciclo dorme, and then it waits for that.");
        assert_eq!(other.len(), 1, "{other:?}");
        assert!(other[0].contains(": warning"), "{other:?}");
    }
}
