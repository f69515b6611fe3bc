//! Which old text a new one was made of: the translation of the one is offered for the other.

use std::collections::HashMap;

use super::Entry;

/// How much a changed text must have in common with the old one for its translation to be offered: pairs of neighbouring letters in
/// both over those in either (Sørensen and Dice). Below, starting anew is less work than mending.
const SIMILAR: f64 = 0.6;

/// Up to how many old texts are all compared. Among more, those that share the rarest words are.
const FEW: usize = 400;
/// How many of those.
const CANDIDATES: usize = 64;
/// How many words in old texts are looked at to find them: a bound for a book in which every sentence is like every other.
const LOOKED_AT: usize = 4_000;
/// How many old texts a new one may choose among, in case that the best are better for others.
const CHOICES: usize = 16;

/// Pairs `(new, old)`, as numbers of the two lists. Each text is in one pair at most; the most similar are paired first, and of equally
/// similar ones the first.
pub(super) fn pairs(new: &[&Entry], old: &[&Entry]) -> Vec<(usize, usize)> {
    let olds = Olds::new(old);
    let mut possible: Vec<(f64, usize, usize)> = Vec::new();
    for (number, entry) in new.iter().enumerate() {
        let text = Text::new(&entry.msgid);
        let mut choices: Vec<(f64, usize, usize)> = olds
            .candidates(&entry.msgid)
            .into_iter()
            .filter_map(|old| Some((olds.similarity(&text, old)?, number, old)))
            .collect();
        choices.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
        choices.truncate(CHOICES);
        possible.extend(choices);
    }
    possible.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut new_taken, mut old_taken) = (vec![false; new.len()], vec![false; old.len()]);
    let mut pairs = Vec::new();
    for (_, new, old) in possible {
        if !new_taken[new] && !old_taken[old] {
            (new_taken[new], old_taken[old]) = (true, true);
            pairs.push((new, old));
        }
    }
    pairs
}

struct Olds {
    /// The message and, where its translation is of an older one still, that.
    texts: Vec<(Text, Option<Text>)>,
    /// In which of the texts each word is; empty where there are few.
    words: HashMap<String, Vec<usize>>,
}

impl Olds {
    fn new(old: &[&Entry]) -> Olds {
        let mut words: HashMap<String, Vec<usize>> = HashMap::new();
        if old.len() > FEW {
            for (number, entry) in old.iter().enumerate() {
                let texts = [Some(&entry.msgid), entry.previous.as_ref()];
                for word in texts.into_iter().flatten().flat_map(|text| self::words(text)) {
                    let places = words.entry(word).or_default();
                    if places.last() != Some(&number) {
                        places.push(number);
                    }
                }
            }
        }
        Olds {
            texts: old
                .iter()
                .map(|entry| (Text::new(&entry.msgid), entry.previous.as_deref().map(Text::new)))
                .collect(),
            words,
        }
    }

    /// Old texts that may be similar.
    fn candidates(&self, text: &str) -> Vec<usize> {
        if self.texts.len() <= FEW {
            return (0..self.texts.len()).collect();
        }
        let mut places: Vec<&[usize]> = words(text)
            .iter()
            .filter_map(|word| self.words.get(word))
            .map(Vec::as_slice)
            .collect();
        // Of equally rare words, those of the first texts: the order of a map is never the same.
        places.sort_by_key(|places| (places.len(), places.first().copied()));
        let mut shared: HashMap<usize, usize> = HashMap::new();
        let mut looked_at = 0;
        for places in places {
            looked_at += places.len();
            if looked_at > LOOKED_AT && !shared.is_empty() {
                break;
            }
            for place in places.iter().take(LOOKED_AT) {
                *shared.entry(*place).or_default() += 1;
            }
        }
        let mut candidates: Vec<(usize, usize)> = shared.into_iter().collect();
        candidates.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        candidates.truncate(CANDIDATES);
        candidates.into_iter().map(|(place, _)| place).collect()
    }

    /// How similar a text is to an old one, if it is at all.
    fn similarity(&self, text: &Text, old: usize) -> Option<f64> {
        let (now, previous) = &self.texts[old];
        if now.is_code != text.is_code {
            return None;
        }
        let before = previous.as_ref().map_or(0.0, |previous| text.similarity(previous));
        Some(text.similarity(now).max(before)).filter(|similarity| *similarity >= SIMILAR)
    }
}

/// The words of a text, each once, in their order in the alphabet.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// A text made ready for comparisons.
struct Text {
    /// Neighbouring letters, sorted; white space does not count.
    pairs: Vec<(char, char)>,
    /// No comment of code is like prose, since its markers must stay.
    is_code: bool,
}

impl Text {
    fn new(text: &str) -> Text {
        let letters = || text.chars().filter(|c| !c.is_whitespace());
        let mut pairs: Vec<(char, char)> = letters().zip(letters().skip(1)).collect();
        pairs.sort_unstable();
        Text {
            pairs,
            is_code: ["#", "//", "/*", "\"\"\"", "'''"]
                .iter()
                .any(|marker| text.starts_with(marker)),
        }
    }

    fn similarity(&self, other: &Text) -> f64 {
        let (a, b) = (&self.pairs, &other.pairs);
        let all = (a.len() + b.len()) as f64;
        // Most texts differ so much in length that there is nothing to count.
        if all == 0.0 || 2.0 * a.len().min(b.len()) as f64 / all < SIMILAR {
            return 0.0;
        }
        let (mut i, mut j, mut common) = (0, 0, 0);
        while i < a.len() && j < b.len() {
            match a[i].cmp(&b[j]) {
                std::cmp::Ordering::Less => i += 1,
                std::cmp::Ordering::Greater => j += 1,
                std::cmp::Ordering::Equal => {
                    (i, j) = (i + 1, j + 1);
                    common += 1;
                }
            }
        }
        2.0 * f64::from(common) / all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(texts: &[String]) -> Vec<Entry> {
        texts
            .iter()
            .map(|text| Entry {
                msgid: text.clone(),
                ..Entry::default()
            })
            .collect()
    }

    fn paired(new: &[String], old: &[String]) -> Vec<(usize, usize)> {
        let (new, old) = (entries(new), entries(old));
        pairs(&new.iter().collect::<Vec<_>>(), &old.iter().collect::<Vec<_>>())
    }

    proptest! {
        /// The measure is the one that the constant is stated in.
        #[test]
        fn similarity_is_that_of_sorensen_and_dice(a in "[ab c]{2,12}", b in "[ab c]{2,12}") {
            let expected = strsim::sorensen_dice(&a, &b);
            let (one, other) = (Text::new(&a), Text::new(&b));
            if expected >= SIMILAR && !one.pairs.is_empty() {
                prop_assert_eq!(one.similarity(&other), expected);
            } else {
                prop_assert!(one.similarity(&other) < SIMILAR || one.pairs.is_empty());
            }
        }
    }

    #[test]
    fn the_best_pairs_come_first_and_nothing_is_paired_twice() {
        let old = ["Wait for one task.", "Wait for each task in turn."].map(str::to_owned);
        let new = ["Wait for each task.", "Wait for each task in its turn."].map(str::to_owned);
        assert_eq!(paired(&new, &old), [(1, 1), (0, 0)]);
        assert_eq!(paired(&new, &old[1..]), [(1, 0)]);
        assert_eq!(paired(&["# Wait for one task.".to_owned()], &old), []);
    }

    #[test]
    fn among_many_texts_the_right_one_is_found_as_among_few() {
        let sentence = |number: usize, word: &str| {
            format!(
                "The {word} number {number} of the book is about what a task costs in the run {}.",
                number * 7 % 1009
            )
        };
        let old: Vec<String> = (0..3 * FEW).map(|number| sentence(number, "paragraph")).collect();
        let new: Vec<String> = (0..3 * FEW).rev().map(|number| sentence(number, "section")).collect();
        let mut found = paired(&new, &old);
        found.sort_unstable();
        let expected: Vec<(usize, usize)> = (0..3 * FEW).map(|number| (number, 3 * FEW - 1 - number)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_a_fuzzy_translation_is_really_of_counts_too() {
        let fuzzy = Entry {
            msgid: "Something that was put in its place for a while.".into(),
            previous: Some("The loop runs one task at a time.".into()),
            ..Entry::default()
        };
        let new = entries(&["The loop runs one task at a time.".to_owned()]);
        assert_eq!(pairs(&[&new[0]], &[&fuzzy]), [(0, 0)]);
    }
}
