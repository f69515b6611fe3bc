//! How a number begins when an Italian says it, and what that makes of the word before it: `l'80 %`, `il 70 %`, `gli 11`.

use super::super::grammar::Whole;

/// How a spoken number begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sound {
    Consonant = 0,
    /// uno, otto, undici, ottanta, ottocento, un milione.
    Vowel = 1,
    /// zero.
    Zeta = 2,
}

fn sound(Whole(number): Whole) -> Sound {
    if number == 0 {
        return Sound::Zeta;
    }
    // The first group of three digits is said first; a thousand is `mille`, without its one.
    let (mut group, mut groups) = (number, 0);
    while group >= 1000 {
        group /= 1000;
        groups += 1;
    }
    match (group, groups) {
        (1, 1) => Sound::Consonant,
        (1 | 8 | 11 | 80..=89 | 800..=899, _) => Sound::Vowel,
        _ => Sound::Consonant,
    }
}

/// Forms of one word before a consonant, a vowel, and zero.
const FORMS: &[[&str; 3]] = &[
    ["il", "l'", "lo"],
    ["la", "l'", "la"],
    ["i", "gli", "gli"],
    ["del", "dell'", "dello"],
    ["della", "dell'", "della"],
    ["dei", "degli", "degli"],
    ["al", "all'", "allo"],
    ["alla", "all'", "alla"],
    ["ai", "agli", "agli"],
    ["dal", "dall'", "dallo"],
    ["dalla", "dall'", "dalla"],
    ["dai", "dagli", "dagli"],
    ["nel", "nell'", "nello"],
    ["nella", "nell'", "nella"],
    ["nei", "negli", "negli"],
    ["sul", "sull'", "sullo"],
    ["sulla", "sull'", "sulla"],
    ["sui", "sugli", "sugli"],
    ["quel", "quell'", "quello"],
    ["quella", "quell'", "quella"],
    ["quei", "quegli", "quegli"],
    ["un", "un", "uno"],
    ["di", "d'", "di"],
    ["a", "ad", "a"],
    ["e", "ed", "e"],
];

/// What `word` should be before `number`, the likeliest first; `None` for a word that is the same before every number.
pub(super) fn forms(word: &str, number: Whole) -> Option<Vec<&'static str>> {
    // Good before a vowel too.
    if matches!(word, "di" | "a" | "e") {
        return None;
    }
    let sound = sound(number);
    let rows: Vec<&'static str> = FORMS
        .iter()
        .filter(|row| row.contains(&word))
        .map(|row| row[sound as usize])
        .collect();
    (!rows.is_empty()).then_some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_as_they_are_said() {
        for vowel in [
            1, 8, 11, 80, 88, 800, 850, 8_000, 8_500, 11_000, 80_000, 850_000, 1_000_000, 8_000_000, 1_500_000,
        ] {
            assert_eq!(sound(Whole(vowel)), Sound::Vowel, "{vowel}");
        }
        for consonant in [
            2, 7, 10, 18, 70, 79, 90, 100, 110, 180, 1_000, 1_024, 1_800, 10_000, 100_000, 2_000_000,
        ] {
            assert_eq!(sound(Whole(consonant)), Sound::Consonant, "{consonant}");
        }
        assert_eq!(sound(Whole(0)), Sound::Zeta);
    }

    #[test]
    fn the_word_before_follows_the_number() {
        let fits = |word: &str, number| forms(word, Whole(number)).is_none_or(|forms| forms.contains(&word));
        for (word, number) in [
            ("l'", 80),
            ("il", 70),
            ("dell'", 8),
            ("gli", 11),
            ("i", 128),
            ("lo", 0),
            ("gli", 0),
            ("la", 70),
            ("le", 8),
            ("di", 8),
            ("ad", 8),
            ("circa", 8),
        ] {
            assert!(fits(word, number), "{word} {number}");
        }
        for (word, number, right) in [
            ("il", 80, "l'"),
            ("l'", 70, "il"),
            ("del", 8, "dell'"),
            ("i", 11, "gli"),
            ("il", 0, "lo"),
            ("la", 8, "l'"),
            ("ad", 70, "a"),
            ("gli", 70, "i"),
        ] {
            assert!(!fits(word, number), "{word} {number}");
            assert_eq!(forms(word, Whole(number)).unwrap()[0], right);
        }
    }
}
