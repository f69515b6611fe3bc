//! Numbers in prose, as digits and as words. What is written in a language's marks is read as the same number.

#![no_main]

use std::path::Path;

use book::numeral::{Measure, numerals};
use book::prose::tokens;
use book::{lint, number};
use fuzz::LANGUAGES;
use libfuzzer_sys::fuzz_target;

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

fuzz_target!(|text: &str| {
    let found = tokens(text, &[]);
    for spotted in &found {
        assert!(text.is_char_boundary(spotted.offset));
    }
    for language in &*LANGUAGES {
        for numeral in numerals(&found, language) {
            assert!(numeral.value >= 0.0 && !numeral.text.is_empty(), "{numeral:?}");
        }
        let lines = text.split('\n').count();
        for diagnostic in lint::bare_numbers(Path::new("src/a.md"), text, &language.code) {
            assert!((1..=lines).contains(&diagnostic.line), "{diagnostic}");
        }
        let localised = number::localised(text, language);
        assert_eq!(digits(&localised), digits(text));
    }
    // Every line that is a number.
    let values = text
        .lines()
        .take(100)
        .filter_map(|line| line.trim().parse::<f64>().ok());
    for value in values.filter(|value| value.is_finite()) {
        for language in &*LANGUAGES {
            for decimals in [0, 3] {
                let written = number::decimal(value, decimals, language);
                let expected: f64 = format!("{:.decimals$}", value.abs()).parse().expect("a number");
                let read = numerals(&tokens(&format!("{written}\u{a0}ms"), &[]), language);
                assert_eq!(read.len(), 1, "{written:?} in {}", language.code);
                assert_eq!(
                    (read[0].value, read[0].measure),
                    (expected, Measure::Unit(1e-3)),
                    "{written:?}"
                );
            }
        }
    }
});
