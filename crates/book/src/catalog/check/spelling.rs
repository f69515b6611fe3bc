//! Spelling, by a dictionary in Hunspell's format and the words of the trade in `po/words/<code>.txt`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};

use super::finding::Notes;
use super::text::{OPAQUE, VALUE, Visible};

/// A dictionary in Hunspell's format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DictionaryFiles {
    pub affixes: PathBuf,
    pub words: PathBuf,
}

/// A dictionary at work.
pub(super) struct Speller {
    dictionary: spellbook::Dictionary,
    elisions: &'static [&'static str],
    /// What was looked up so far: repeated words are most of a text.
    known: HashMap<String, bool>,
}

/// At most so many are offered for a word.
const SUGGESTIONS: usize = 3;

impl Speller {
    /// `own` are the words of the trade, if the file is there; `more` are further ones.
    pub(super) fn read(
        files: &DictionaryFiles,
        own: &Path,
        more: &[&str],
        elisions: &'static [&'static str],
    ) -> Result<Speller> {
        let affixes = decoded(&files.affixes, None)?;
        let words = decoded(&files.words, declared(&affixes))?;
        let mut own_words = Vec::new();
        if own.is_file() {
            let text = std::fs::read_to_string(own).with_context(|| format!("cannot read {}", own.display()))?;
            own_words = trade(&text).with_context(|| format!("in {}", own.display()))?;
        }
        let own_words = own_words.iter().map(String::as_str).chain(more.iter().copied());
        Speller::new(&affixes, &words, own_words, elisions)
            .with_context(|| format!("in the dictionary {}", files.words.display()))
    }

    fn new<'a>(
        affixes: &str,
        words: &str,
        own: impl Iterator<Item = &'a str>,
        elisions: &'static [&'static str],
    ) -> Result<Speller> {
        let mut dictionary = spellbook::Dictionary::new(affixes, words).map_err(|error| anyhow!("{error}"))?;
        for word in own {
            dictionary
                .add(word)
                .map_err(|error| anyhow!("the word `{word}`: {error}"))?;
        }
        Ok(Speller {
            dictionary,
            elisions,
            known: HashMap::new(),
        })
    }

    /// Words of a translation that the dictionary does not have. Names of programs and their parts are no words.
    pub(super) fn check(&mut self, source: &Visible, translation: &Visible, notes: &mut Notes<'_>) {
        let mut reported: Vec<&str> = Vec::new();
        for (at, piece) in pieces(&translation.text) {
            let said = || {
                let word = format!("`{piece}`");
                notes
                    .of_rule("accents")
                    .any(|found| found.diagnostic.message.contains(&word))
            };
            if reported.contains(&piece) || self.knows(piece) || said() {
                continue;
            }
            reported.push(piece);
            let word = piece.rsplit(['\'', '’']).next().unwrap_or(piece);
            // A capitalised word that both sides have is a name.
            if word.starts_with(char::is_uppercase) && source.words().iter().any(|english| english.text == word) {
                continue;
            }
            let left = source
                .words()
                .iter()
                .any(|english| english.text.eq_ignore_ascii_case(word));
            let message = match left {
                true => format!("`{piece}` is not in the dictionary, and the source has it: left in English?"),
                false => format!("`{piece}` is not in the dictionary"),
            };
            let help = match self.suggestions(piece).as_slice() {
                [] => format!("mend it, or add it to {}", words_file(notes)),
                suggestions => format!(
                    "{}? If it is right, add it to {}",
                    suggestions.join(", "),
                    words_file(notes)
                ),
            };
            notes.warning("spelling", translation.origin(at), message, help);
        }
    }

    /// Whether a word is right: as it is, after an elision, or each part of a compound with hyphens.
    pub(super) fn knows(&mut self, piece: &str) -> bool {
        if let Some(known) = self.known.get(piece) {
            return *known;
        }
        let plain = piece.replace('’', "'");
        // What looks like an apostrophe at the end may close a quotation.
        let quoted = plain.strip_suffix('\'').unwrap_or(&plain);
        let known = self.has(&plain) || self.has(quoted);
        self.known.insert(piece.to_owned(), known);
        known
    }

    fn has(&self, word: &str) -> bool {
        let elided = |word: &str| {
            word.split_once('\'').is_some_and(|(head, tail)| {
                self.elisions.contains(&head.to_lowercase().as_str()) && (tail.is_empty() || self.has(tail))
            })
        };
        word.chars().count() == 1
            || self.dictionary.check(word)
            || elided(word)
            || (word.contains('-') && word.split('-').all(|part| !part.is_empty() && self.has(part)))
    }

    fn suggestions(&self, piece: &str) -> Vec<String> {
        let mut suggestions = Vec::new();
        // By letters only: likeness over the whole dictionary takes seconds and seldom helps.
        let suggester = self.dictionary.suggester().with_ngram_suggestions(false);
        suggester.suggest(&piece.replace('’', "'"), &mut suggestions);
        suggestions.truncate(SUGGESTIONS);
        suggestions
    }
}

/// Where the words of the trade are, of the language of a catalog.
pub(super) fn words_file(notes: &Notes<'_>) -> String {
    let code = notes.path.file_stem().unwrap_or_default();
    format!("po/words/{}.txt", code.to_string_lossy())
}

/// What is spelled: runs of letters with apostrophes and hyphens inside, and where. Left out are names: with digits or signs inside (`time.sleep`,
/// `libuv/1.4`, `SO_REUSEPORT`), in capitals (`CPU`), with capitals inside (`JoinSet`), and single letters.
pub(super) fn pieces(text: &str) -> Vec<(usize, &str)> {
    let is_border =
        |c: char| c.is_whitespace() || matches!(c, OPAQUE | VALUE | '«' | '»' | '“' | '”' | '—' | '–' | '|' | '…');
    let mut pieces = Vec::new();
    let mut from = 0;
    for (end, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if !is_border(c) {
            continue;
        }
        let chunk = &text[from..end];
        let lead = chunk.len() - chunk.trim_start_matches(|c: char| !c.is_alphanumeric()).len();
        let word = chunk.trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'));
        let word = word.trim_start_matches(['\'', '’']);
        let is_name = word.chars().any(|c| !c.is_alphabetic() && !matches!(c, '\'' | '’' | '-'))
            // A call, a macro, an attribute, a path.
            || chunk[lead + word.len().min(chunk.len() - lead)..].starts_with(['(', '/', '_', '=']) && !word.is_empty()
            || chunk[..lead].ends_with(['.', '/', '_', '@', '-', '<'])
            || chunk[..lead].contains("#[");
        if !is_name {
            let letters = word
                .rsplit(['\'', '’'])
                .find(|letters| !letters.is_empty())
                .unwrap_or(word);
            let capitals = letters
                .split('-')
                .any(|part| part.chars().skip(1).any(char::is_uppercase));
            if letters.chars().count() > 1 && !capitals {
                pieces.push((from + lead, word));
            }
        }
        from = (end + c.len_utf8()).min(text.len());
    }
    pieces
}

/// The words of a file: one on each line, sorted, `#` before a remark. A word may be followed by the dictionary's own flags (`event/T`).
fn trade(text: &str) -> Result<Vec<String>> {
    let words: Vec<&str> = text
        .lines()
        .map(|line| line.split_once('#').map_or(line, |(word, _)| word).trim())
        .filter(|word| !word.is_empty())
        .collect();
    let key = |word: &str| (word.to_lowercase(), word.to_owned());
    for pair in words.windows(2) {
        ensure!(
            key(pair[0]) < key(pair[1]),
            "`{}` stands before `{}`: the words are sorted, none twice",
            pair[0],
            pair[1]
        );
    }
    Ok(words.into_iter().map(str::to_owned).collect())
}

/// The encoding that a dictionary declares: `SET UTF-8`.
fn declared(affixes: &str) -> Option<&str> {
    affixes
        .lines()
        .find_map(|line| line.strip_prefix("SET "))
        .map(str::trim)
}

/// The text of a file in the encoding that it declares itself, or that another declares for it.
fn decoded(path: &Path, encoding: Option<&str>) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let ascii = String::from_utf8_lossy(&bytes);
    let name = encoding.or_else(|| declared(&ascii)).unwrap_or("UTF-8").to_owned();
    // Hunspell writes ISO8859-15 for ISO-8859-15.
    let label = name.replace("ISO8859", "ISO-8859");
    let encoding = encoding_rs::Encoding::for_label(label.as_bytes())
        .with_context(|| format!("{} declares the encoding `{name}`, which nobody knows", path.display()))?;
    Ok(encoding.decode(&bytes).0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::found_by;
    use super::*;

    const AFFIXES: &str = "SET UTF-8\nTRY aeiost\nWORDCHARS '\nSFX S Y 1\nSFX S o i o\n";
    const WORDS: &str = "5\nattesa\nil\npo'\ncompito/S\nè\n";

    fn speller() -> Speller {
        Speller::new(
            AFFIXES,
            WORDS,
            ["Tokio", "task", "flusso/S"].into_iter(),
            &["l", "dell"],
        )
        .unwrap()
    }

    fn found(msgid: &str, msgstr: &str) -> Vec<String> {
        let check = |notes: &mut Notes<'_>| {
            speller().check(&Visible::of_prose(msgid), &Visible::of_prose(msgstr), notes);
        };
        found_by(check, msgid, msgstr)
    }

    #[test]
    fn words_inflections_elisions_and_names_are_known() {
        for text in [
            "Il po' è l'attesa, dell'attesa, compiti, flussi, task, «attesa» e ‘po'’",
            "`genera`, time.sleep, SO_REUSEPORT, JoinSet, CPU, 3x, x, libuv/1, foo(), #[tokio], \"attesa\", l'attesa-compito",
            "[attesa](xyz.md#qwerty) {{#measured zzz.yyy.xxx}} <kbd>zzz</kbd>",
        ] {
            assert_eq!(found("", &text.replace(" e ", " è ")), [""; 0], "{text}");
        }
        assert_eq!(found("By Nagle", "Nagle è"), [""; 0]);
    }

    #[test]
    fn a_language_without_rules_has_elisions_too() {
        let elisions = super::super::grammar::of("fr").elisions();
        let mut speller = Speller::new("SET UTF-8\n", "1\nattente\n", ["await"].into_iter(), elisions).unwrap();
        for word in ["d’await", "l'attente", "qu’attente"] {
            assert!(speller.knows(word), "{word}");
        }
        assert!(!speller.knows("x’await") && !speller.knows("d’awaite"));
    }

    #[test]
    fn unknown_words_are_named_with_others() {
        for (msgid, msgstr, expected) in [
            ("", "l'atesa", "`l'atesa` is not in the dictionary: warning:"),
            ("", "compitto", "`compitto` is not in the dictionary: warning: compito?"),
            (
                "The work",
                "Il work",
                "`work` is not in the dictionary, and the source has it",
            ),
            ("", "Tokio-attesta", "`Tokio-attesta` is not"),
            ("By Nagle", "il Naggle", "`Naggle` is not"),
        ] {
            let found = found(msgid, msgstr);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "expected `{expected}` in {found:?}");
        }
    }

    #[test]
    fn words_of_the_trade_are_sorted_and_may_have_flags() {
        assert_eq!(
            trade("# ours\nevent/T # l'event\nTokio\n").unwrap(),
            ["event/T", "Tokio"]
        );
        for text in ["b\na\n", "a\na\n"] {
            assert!(format!("{}", trade(text).unwrap_err()).contains("sorted"));
        }
    }

    #[test]
    fn a_dictionary_is_read_in_its_own_encoding() {
        let folder = tempfile::tempdir().unwrap();
        let files = DictionaryFiles {
            affixes: folder.path().join("x.aff"),
            words: folder.path().join("x.dic"),
        };
        std::fs::write(&files.affixes, "SET ISO8859-15\n").unwrap();
        std::fs::write(&files.words, b"1\nperch\xe9\n").unwrap();
        let read = || Speller::read(&files, &folder.path().join("none"), &[], &[]);
        assert!(read().unwrap().knows("perché"));
        std::fs::write(&files.affixes, "SET KLINGON\n").unwrap();
        let error = format!("{:#}", read().err().unwrap());
        assert!(error.contains("declares the encoding `KLINGON`"), "{error}");
    }
}
