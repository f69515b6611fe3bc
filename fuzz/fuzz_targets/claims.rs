//! Conditions of claims, each against its own bounds, and the list of cited figures.
//!
//! Each line of an input is a condition; the whole is a list of sources.

#![no_main]

use book::Interface;
use book::cited::Sources;
use book::claim::{Condition, Limit, Verdict};
use book::number::Kind;
use fuzz::LANGUAGES;
use libfuzzer_sys::fuzz_target;
use measure::experiment::Unit;
use measure::results::Bound;
use measure::statistics::{Estimate, Interval};

const KINDS: &[Kind] = &[
    Kind::Ratio,
    Kind::Unit(Unit::Count),
    Kind::Unit(Unit::Seconds),
    Kind::Unit(Unit::Milliseconds),
    Kind::Unit(Unit::Bytes),
    Kind::Unit(Unit::PerSecond),
    Kind::Unit(Unit::Cores),
    Kind::Unit(Unit::Share),
];

fn estimate(low: f64, high: f64) -> Estimate {
    Estimate {
        value: low,
        interval: Some(Interval { low, high }),
        sessions: 5,
    }
}

fn check(text: &str, kind: Kind) {
    let condition = match Condition::parse(text, kind) {
        Ok(condition) => condition,
        Err(problem) => {
            assert!(!problem.message.is_empty() && !problem.help.is_empty());
            return;
        }
    };
    let end = |limit: &Option<&Limit>| limit.map(|limit| limit.value);
    let (low, high) = match &condition {
        Condition::AtLeast(low) => (Some(low), None),
        Condition::AtMost(high) => (None, Some(high)),
        Condition::Within(low, high) | Condition::Tie(low, high) => (Some(low), Some(high)),
    };
    let (low, high) = (end(&low), end(&high));
    for limit in [low, high].into_iter().flatten() {
        assert!(limit.is_finite(), "{condition:?}");
        assert_eq!(
            condition.verdict(&estimate(limit, limit), None),
            Verdict::Holds,
            "{condition:?}"
        );
    }
    let (lowest, highest) = (low.unwrap_or(f64::MIN), high.unwrap_or(f64::MAX));
    assert!(lowest <= highest, "{condition:?}");
    assert_eq!(condition.verdict(&estimate(lowest, highest), None), Verdict::Holds);
    if low.is_some_and(|low| low > f64::MIN) {
        let below = estimate(f64::MIN, lowest.next_down());
        assert_eq!(condition.verdict(&below, None), Verdict::Contradicted, "{condition:?}");
        // What is only known from below may be more than was measured.
        assert_eq!(condition.verdict(&below, Some(Bound::AtLeast)), Verdict::Inconclusive);
    }
    if high.is_some_and(|high| high < f64::MAX) {
        let above = estimate(highest.next_up(), f64::MAX);
        assert_eq!(condition.verdict(&above, None), Verdict::Contradicted, "{condition:?}");
        assert_eq!(condition.verdict(&above, Some(Bound::AtMost)), Verdict::Inconclusive);
    }
}

fuzz_target!(|text: &str| {
    for line in text.lines().take(1000) {
        for kind in KINDS {
            check(line, *kind);
        }
    }
    let Ok(sources) = Sources::parse(text) else {
        return;
    };
    let table: toml::Table = text.parse().expect("a list of sources is TOML");
    assert_eq!(sources.names().is_empty(), table.is_empty());
    for (name, row) in &table {
        assert!(sources.reference(name).is_some());
        let figures = row
            .as_table()
            .expect("a row is a table")
            .iter()
            .filter(|(_, value)| value.is_table());
        for (figure, _) in figures.filter(|_| !name.contains('.')) {
            for language in &LANGUAGES[..2] {
                let interface = Interface::new(language.clone(), None);
                for linked in [true, false] {
                    let html = sources.render(&format!("{name}.{figure}"), linked, &interface);
                    let html = html.expect("a figure of the list");
                    assert!(html.starts_with("<span class=\"cited\"") && html.ends_with("</span>"));
                    assert_eq!(html.matches("<script").count(), 0);
                }
            }
        }
    }
});
