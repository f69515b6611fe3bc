//! Numbers as prose writes them - `41,420`, "three times", "metà", "due volte e mezzo" - with their values.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::prose::{Spotted, Token};
use crate::site::Language;

/// What a number in prose is a number of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// Nothing follows it, or times.
    Plain,
    Percent,
    /// A unit, as a factor of seconds or bytes.
    Unit(f64),
}

/// A number in prose.
#[derive(Debug, Clone, PartialEq)]
pub struct Numeral {
    pub value: f64,
    pub measure: Measure,
    /// As the text has it.
    pub text: String,
    /// A third cannot be written in decimals: compare it with some tolerance.
    pub fraction: bool,
}

/// All numbers in a text's tokens, words included where the language is English or Italian.
///
/// "One" counts only where it counts something ("one hundred", "one second"), else it is a pronoun; "a" and Italian "un" only before
/// a larger number or a fraction ("a hundred", "un terzo").
pub fn numerals(tokens: &[Spotted], language: &Language) -> Vec<Numeral> {
    let words = Words::of(&language.code);
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let start = at;
        let number = match &tokens[at].token {
            Token::Number(digits) if !is_part_of_a_name(tokens, at) => {
                at += 1;
                parse(digits, language).map(|value| (value, false))
            }
            Token::Word(_) => match words.read(&tokens[at..]) {
                Some((value, length, fraction)) => {
                    at += length;
                    Some((value, fraction))
                }
                None => None,
            },
            _ => None,
        };
        let Some((mut value, fraction)) = number else {
            at = at.max(start + 1);
            continue;
        };
        let (measure, length) = measure(&tokens[at..]);
        at += length;
        let half = words.and_a_half(&tokens[at..]);
        if half > 0 {
            value += 0.5;
            at += half;
        }
        if let Some(word) = tokens[start]
            .word()
            .filter(|word| value < 2.0 && !fraction && words.is_one(word))
        {
            let counts = half > 0 || (length > 0 && !words.articles.contains(&word));
            if !counts {
                at = start + 1;
                continue;
            }
        }
        // "Two and a half times": the unit may follow the half.
        let (measure, more) = if measure == Measure::Plain && half > 0 {
            self::measure(&tokens[at..])
        } else {
            (measure, 0)
        };
        at += more;
        found.push(Numeral {
            value,
            measure,
            text: text(&tokens[start..at]),
            fraction,
        });
    }
    found
}

/// `UTF-8`, Python 3.11, chapter 21: digits that belong to a name.
pub(crate) fn is_part_of_a_name(tokens: &[Spotted], at: usize) -> bool {
    const NAMES: &[&str] = &[
        "python", "cpython", "rust", "tokio", "linux", "version", "versione", "chapter", "chapters", "capitolo",
        "capitoli", "part", "parte", "section", "sezione", "figure", "figura", "table", "tabella", "pep", "rfc",
        "http",
    ];
    let before = |back: usize| at.checked_sub(back).map(|at| &tokens[at]);
    let named = before(1)
        .and_then(Spotted::word)
        .is_some_and(|word| NAMES.contains(&word));
    let hyphened = tokens[at].glued
        && before(1).is_some_and(|sign| sign.is_sign('-') && sign.glued)
        && before(2).is_some_and(|word| word.word().is_some());
    named || hyphened
}

/// Digits in the language's marks; `None` where they are no number, such as a version.
fn parse(digits: &str, language: &Language) -> Option<f64> {
    let plain: String = digits
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == language.decimal)
        .map(|c| if c == language.decimal { '.' } else { c })
        .collect();
    let groups: Vec<&str> = digits.split(language.thousands).collect();
    let grouped = groups[1..].iter().all(|group| {
        group
            .split(language.decimal)
            .next()
            .is_some_and(|whole| whole.len() == 3)
    });
    if grouped { plain.parse().ok() } else { None }
}

/// What follows a number, and how many tokens that is.
pub fn measure(tokens: &[Spotted]) -> (Measure, usize) {
    // "10-second": the hyphen belongs to neither.
    let hyphen = usize::from(tokens.first().is_some_and(|t| t.is_sign('-') && t.glued));
    let Some(first) = tokens.get(hyphen) else {
        return (Measure::Plain, 0);
    };
    if first.is_sign('%') {
        return (Measure::Percent, hyphen + 1);
    }
    if first.is_sign('×') {
        return (Measure::Plain, hyphen + 1);
    }
    let Some(word) = first.word() else {
        return (Measure::Plain, 0);
    };
    let second = tokens.get(hyphen + 1).and_then(Spotted::word);
    match (word, second) {
        ("percent", _) => return (Measure::Percent, hyphen + 1),
        ("per", Some("cent" | "cento")) => return (Measure::Percent, hyphen + 2),
        ("x" | "times" | "time" | "volte" | "volta" | "fold", _) => {
            return (Measure::Plain, hyphen + 1);
        }
        _ => {}
    }
    match unit(word) {
        Some(factor) => (Measure::Unit(factor), hyphen + 1),
        None => (Measure::Plain, 0),
    }
}

/// Units of time and size in either language, in lower case, as factors of seconds and bytes.
pub fn unit(word: &str) -> Option<f64> {
    Some(match word {
        "ns" | "nanosecond" | "nanoseconds" | "nanosecondo" | "nanosecondi" => 1e-9,
        // Micro sign, Greek mu, and what stands in for them.
        "µs" | "μs" | "us" | "microsecond" | "microseconds" | "microsecondo" | "microsecondi" => 1e-6,
        "ms" | "millisecond" | "milliseconds" | "millisecondo" | "millisecondi" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" | "secondo" | "secondi" => 1.0,
        "min" | "minute" | "minutes" | "minuto" | "minuti" => 60.0,
        "h" | "hour" | "hours" | "ora" | "ore" => 3600.0,
        "b" | "byte" | "bytes" => 1.0,
        "kb" | "kilobyte" | "kilobytes" => 1e3,
        "mb" | "megabyte" | "megabytes" => 1e6,
        "gb" | "gigabyte" | "gigabytes" => 1e9,
        "tb" | "terabyte" | "terabytes" => 1e12,
        "kib" | "kibibyte" | "kibibytes" => 1024.0,
        "mib" | "mebibyte" | "mebibytes" => 1_048_576.0,
        "gib" | "gibibyte" | "gibibytes" => 1_073_741_824.0,
        _ => return None,
    })
}

fn text(tokens: &[Spotted]) -> String {
    let mut text = String::new();
    for (at, spotted) in tokens.iter().enumerate() {
        if at > 0 && !spotted.glued {
            text.push(' ');
        }
        match &spotted.token {
            Token::Number(t) | Token::Word(t) => text.push_str(t),
            Token::Sign(c) => text.push(*c),
            Token::Opaque | Token::Break => {}
        }
    }
    text
}

/// The number words of a language.
pub struct Words {
    /// Whole numbers that one word says.
    whole: HashMap<String, f64>,
    /// Words that multiply what stands before them: hundred, thousand.
    multiplies: bool,
    /// Words that say a number in one, however it is used: twice, half.
    special: &'static [(&'static str, f64)],
    /// Parts of one, after a count: a third.
    parts: &'static [(&'static str, f64)],
    /// Words that may mean 1.
    one: &'static [&'static str],
    /// Those of them that are articles.
    articles: &'static [&'static str],
    half: &'static [&'static [&'static str]],
}

impl Words {
    /// Of a language by its code; of one that is not known, no words at all.
    pub fn of(code: &str) -> &'static Words {
        static ENGLISH: OnceLock<Words> = OnceLock::new();
        static ITALIAN: OnceLock<Words> = OnceLock::new();
        static NONE: OnceLock<Words> = OnceLock::new();
        match code.split('-').next() {
            Some("en") => ENGLISH.get_or_init(english),
            Some("it") => ITALIAN.get_or_init(italian),
            _ => NONE.get_or_init(|| Words {
                whole: HashMap::new(),
                multiplies: false,
                special: &[],
                parts: &[],
                one: &[],
                articles: &[],
                half: &[],
            }),
        }
    }

    /// The number at the start of the tokens: its value, how many tokens it takes, and whether it is a part of one.
    pub fn read(&self, tokens: &[Spotted]) -> Option<(f64, usize, bool)> {
        let first = tokens.first()?.word()?;
        if let Some((_, value)) = self.special.iter().find(|(word, _)| *word == first) {
            return Some((*value, 1, false));
        }
        if let Some(value) = first.strip_suffix("fold").and_then(|stem| self.whole.get(stem)) {
            return Some((*value, 1, false));
        }
        let (value, length) = if self.is_one(first) {
            (1.0, 1)
        } else {
            self.count(tokens)?
        };
        // "Two hundred and fifty" has been read; "a third", "one hundred" go on from an article.
        let next = tokens.get(length).and_then(Spotted::word);
        if let Some((_, part)) = self.parts.iter().find(|(word, _)| Some(*word) == next) {
            return Some((value * part, length + 1, true));
        }
        if self.is_one(first)
            && let Some((value, more)) = self.count(&tokens[length..])
            && value >= 100.0
        {
            return Some((value, length + more, false));
        }
        Some((value, length, false))
    }

    fn is_one(&self, word: &str) -> bool {
        self.one.contains(&word)
    }

    /// A whole number, of one word or several.
    fn count(&self, tokens: &[Spotted]) -> Option<(f64, usize)> {
        let word = |at: usize| {
            let hyphen = tokens.get(at).is_some_and(|t| at > 0 && t.glued && t.is_sign('-'));
            let at = at + usize::from(hyphen);
            let spotted = tokens.get(at)?;
            let word = spotted.word()?;
            Some((word, *self.whole.get(word)?, at + 1))
        };
        let (_, first, mut length) = word(0)?;
        if !self.multiplies {
            return Some((first, length));
        }
        // Below a thousand in `part`, the thousands so far in `total`.
        let (mut total, mut part) = if first >= 1000.0 { (first, 0.0) } else { (0.0, first) };
        let mut last = first;
        loop {
            let joined = tokens.get(length).and_then(Spotted::word) == Some("and") && last >= 100.0;
            let Some((_, value, end)) = word(length + usize::from(joined)) else {
                break;
            };
            if value >= 1000.0 {
                if part == 0.0 || joined {
                    break;
                }
                total += part * value;
                part = 0.0;
            } else if value == 100.0 {
                if !(1.0..=19.0).contains(&part) || joined {
                    break;
                }
                part *= value;
            } else if last >= 100.0 || ((20.0..100.0).contains(&last) && value < 10.0 && !joined) {
                part += value;
            } else {
                break;
            }
            last = value;
            length = end;
        }
        Some((total + part, length))
    }

    /// How many tokens say "and a half" at their start.
    fn and_a_half(&self, tokens: &[Spotted]) -> usize {
        self.half
            .iter()
            .find(|words| {
                words.len() <= tokens.len()
                    && words
                        .iter()
                        .zip(tokens)
                        .all(|(word, token)| token.word() == Some(*word))
            })
            .map_or(0, |words| words.len())
    }
}

fn english() -> Words {
    let small = [
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
    ];
    let tens = [
        "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    ];
    let mut whole: HashMap<String, f64> = HashMap::new();
    whole.extend(
        small
            .iter()
            .zip(2..)
            .map(|(word, n)| ((*word).to_owned(), f64::from(n))),
    );
    whole.extend(
        tens.iter()
            .zip(2..)
            .map(|(word, n)| ((*word).to_owned(), f64::from(10 * n))),
    );
    for (word, value) in [
        ("one", 1.0),
        ("dozen", 12.0),
        ("hundred", 100.0),
        ("thousand", 1000.0),
        ("million", 1e6),
    ] {
        whole.insert(word.to_owned(), value);
    }
    Words {
        whole,
        multiplies: true,
        special: &[
            ("half", 0.5),
            ("halves", 0.5),
            ("halved", 0.5),
            ("twice", 2.0),
            ("double", 2.0),
            ("doubles", 2.0),
            ("doubled", 2.0),
            ("thrice", 3.0),
            ("triple", 3.0),
            ("triples", 3.0),
            ("tripled", 3.0),
            ("quadruple", 4.0),
        ],
        parts: &[
            ("third", 1.0 / 3.0),
            ("thirds", 1.0 / 3.0),
            ("quarter", 0.25),
            ("quarters", 0.25),
            ("fifth", 0.2),
            ("tenth", 0.1),
            ("hundredth", 0.01),
        ],
        one: &["one", "a", "an"],
        articles: &["a", "an"],
        half: &[&["and", "a", "half"]],
    }
}

fn italian() -> Words {
    let units = [
        "uno",
        "due",
        "tre",
        "quattro",
        "cinque",
        "sei",
        "sette",
        "otto",
        "nove",
        "dieci",
        "undici",
        "dodici",
        "tredici",
        "quattordici",
        "quindici",
        "sedici",
        "diciassette",
        "diciotto",
        "diciannove",
    ];
    let tens = [
        "venti",
        "trenta",
        "quaranta",
        "cinquanta",
        "sessanta",
        "settanta",
        "ottanta",
        "novanta",
    ];
    // 1 to 99, each one word: ventuno, ventidue, ventitré.
    let mut below_hundred: Vec<(String, u32)> =
        units.iter().zip(1..).map(|(word, n)| ((*word).to_owned(), n)).collect();
    for (ten, n) in tens.iter().zip((20..).step_by(10)) {
        below_hundred.push(((*ten).to_owned(), n));
        for (unit, m) in units[..9].iter().zip(1..) {
            // The vowel goes before another: ventuno, trentotto.
            let stem = if matches!(*unit, "uno" | "otto") {
                &ten[..ten.len() - 1]
            } else {
                ten
            };
            below_hundred.push((format!("{stem}{unit}"), n + m));
            if *unit == "tre" {
                below_hundred.push((format!("{stem}tré"), n + m));
            }
        }
    }
    let mut below_thousand = below_hundred.clone();
    for (digit, hundreds) in std::iter::once(("", 1)).chain(units[1..9].iter().zip(2..).map(|(w, n)| (*w, n))) {
        below_thousand.push((format!("{digit}cento"), hundreds * 100));
        for (rest, n) in &below_hundred {
            below_thousand.push((format!("{digit}cento{rest}"), hundreds * 100 + n));
        }
    }
    let mut whole: HashMap<String, f64> = HashMap::new();
    for (word, n) in &below_thousand {
        if *n > 1 {
            whole.insert(format!("{word}mila"), f64::from(n * 1000));
        }
    }
    whole.extend(below_thousand.into_iter().map(|(word, n)| (word, f64::from(n))));
    for (word, value) in [
        ("mille", 1000.0),
        ("dozzina", 12.0),
        ("decina", 10.0),
        ("centinaio", 100.0),
        ("migliaio", 1000.0),
    ] {
        whole.insert(word.to_owned(), value);
    }
    Words {
        whole,
        multiplies: false,
        special: &[
            ("metà", 0.5),
            ("mezzo", 0.5),
            ("mezza", 0.5),
            ("dimezza", 0.5),
            ("dimezzato", 0.5),
            ("dimezzata", 0.5),
            ("doppio", 2.0),
            ("doppia", 2.0),
            ("raddoppia", 2.0),
            ("raddoppiato", 2.0),
            ("raddoppiata", 2.0),
            ("triplo", 3.0),
            ("tripla", 3.0),
            ("quadruplo", 4.0),
            ("quadrupla", 4.0),
        ],
        parts: &[
            ("terzo", 1.0 / 3.0),
            ("terzi", 1.0 / 3.0),
            ("quarto", 0.25),
            ("quarti", 0.25),
            ("quinto", 0.2),
            ("decimo", 0.1),
            ("centesimo", 0.01),
        ],
        one: &["uno", "un", "una"],
        articles: &["un", "una"],
        half: &[&["e", "mezzo"], &["e", "mezza"]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::prose;

    fn values(text: &str, interface: &crate::Interface) -> Vec<f64> {
        numerals(&prose::tokens(text, &[]), interface.language())
            .into_iter()
            .map(|numeral| numeral.value)
            .collect()
    }

    #[test]
    fn english_numbers() {
        let cases: &[(&str, &[f64])] = &[
            ("at least three times", &[3.0]),
            ("twice to three times", &[2.0, 3.0]),
            ("half the CPU", &[0.5]),
            ("two and a half times as much", &[2.5]),
            (
                "twelve, twenty-five, a hundred, two hundred and fifty",
                &[12.0, 25.0, 100.0, 250.0],
            ),
            ("ten thousand tasks, three hundred thousand", &[10_000.0, 300_000.0]),
            ("one thousand two hundred and five", &[1205.0]),
            ("between 2.5× and 41,420x", &[2.5, 41_420.0]),
            ("3–6 times, three to six", &[3.0, 6.0, 3.0, 6.0]),
            ("a third of it, two thirds", &[1.0 / 3.0, 2.0 / 3.0]),
            ("one of the two is a loop", &[2.0]),
            ("one second, a second task", &[1.0]),
            ("one and a half times", &[1.5]),
            ("tenfold", &[10.0]),
            ("Python 3.11, Rust 1.95.0, UTF-8 and x86", &[]),
            ("the third and a fourth", &[]),
            ("`3` and [four](5.md)", &[4.0]),
        ];
        for (text, expected) in cases {
            assert_eq!(values(text, &fixture::english()), *expected, "{text}");
        }
    }

    #[test]
    fn italian_numbers() {
        let cases: &[(&str, &[f64])] = &[
            ("almeno tre volte", &[3.0]),
            ("da due a tre volte", &[2.0, 3.0]),
            ("la metà, il doppio e il triplo", &[0.5, 2.0, 3.0]),
            ("due volte e mezzo", &[2.5]),
            ("uno dei due, un ciclo, una volta", &[2.0]),
            (
                "ventuno, ventotto, ventitré, cento, duecentocinquanta",
                &[21.0, 28.0, 23.0, 100.0, 250.0],
            ),
            (
                "mille, duemila, diecimila, trecentomila task",
                &[1000.0, 2000.0, 10_000.0, 300_000.0],
            ),
            ("2,5× e 41.420 volte", &[2.5, 41_420.0]),
            ("un terzo di tutto, due terzi", &[1.0 / 3.0, 2.0 / 3.0]),
            ("il terzo e il quarto", &[]),
            ("un'attesa di un secondo programma", &[]),
            ("Python 3.11 gira", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(values(text, &fixture::italian()), *expected, "{text}");
        }
    }

    #[test]
    fn units_and_percents_are_told() {
        let tokens = prose::tokens("5 ms, 3-second, 20 %, 10 percent, dieci per cento, 4 KiB", &[]);
        let found: Vec<Measure> = numerals(&tokens, fixture::english().language())
            .into_iter()
            .map(|numeral| numeral.measure)
            .collect();
        assert_eq!(
            found,
            [
                Measure::Unit(1e-3),
                Measure::Unit(1.0),
                Measure::Percent,
                Measure::Percent,
                Measure::Unit(1024.0)
            ]
        );
    }

    mod properties {
        use proptest::prelude::*;

        use crate::fixture::{english, italian};
        use crate::number;
        use crate::numeral::numerals;
        use crate::prose;

        proptest! {
            #![proptest_config(ProptestConfig::with_cases(2000))]

            /// The round trip that the checks of claims rest on: a number is read as it was written, in either language's marks.
            #[test]
            fn a_number_that_the_machinery_writes_is_read_as_it_was_meant(whole in 0u64..1_000_000_000_000, decimals in 0usize..4) {
                for interface in [english(), italian()] {
                    let language = interface.language();
                    let value = whole as f64 / 10f64.powi(decimals as i32);
                    let written = number::decimal(value, decimals, language);
                    let text = format!("It takes {written} ms.");
                    let found = numerals(&prose::tokens(&text, &[]), language);
                    prop_assert_eq!(found.len(), 1, "{}", &text);
                    prop_assert_eq!(found[0].value, format!("{value:.decimals$}").parse::<f64>().unwrap(), "{}", &text);
                }
            }

            #[test]
            fn any_text_is_read_for_numbers(text in "[0-9.,% a-z{}#é−’'-]{0,60}") {
                for interface in [english(), italian()] {
                    for found in numerals(&prose::tokens(&text, &[]), interface.language()) {
                        prop_assert!(!found.value.is_nan(), "{}", &text);
                    }
                }
            }
        }
    }
}
