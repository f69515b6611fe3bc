//! Values as a reader of one edition reads them: rounded to what is known of them, with unit, in the language's marks.
//!
//! Rounding follows the Particle Data Group (*Review of Particle Physics*, Introduction, "Rounding"): if the three highest digits of
//! the uncertainty are 100 to 354 it keeps two digits, from 355 on one; the value ends at the same place. Here the uncertainty is half
//! the width of the interval. Whatever that gives, a value keeps two to four significant digits: fewer say nothing, more are not read.
//! Without an interval two are shown, since nothing vouches for a third. A value whose interval reaches zero ends where its uncertainty
//! ends.

use measure::experiment::Unit;
use measure::results::Bound;
use measure::statistics::Estimate;

use crate::html::escaped;
use crate::interface::Interface;
use crate::site::Language;

const NO_BREAK_SPACE: char = '\u{a0}';

/// What a number is a number of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Unit(Unit),
    /// One value over another.
    Ratio,
}

/// An estimate in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// With its unit: `2.4 ms`.
    pub value: String,
    /// How sure that is: `95 % interval 2.1 to 2.7 ms, 3 sessions`.
    pub certainty: String,
    /// The interval alone, for where it is said what it is: `2.1 to 2.7 ms`.
    pub interval: String,
}

impl Shown {
    pub fn new(estimate: &Estimate, kind: Kind, interface: &Interface) -> Shown {
        let language = interface.language();
        let exact = constant(estimate, kind);
        let place = exact.unwrap_or_else(|| last_place(estimate));
        let scale = Scale::of(kind, representative(estimate, place));
        let bounds = estimate.interval.map(|interval| {
            // Bounds end where the uncertainty does, also where the value itself is cut short.
            let by_uncertainty = rounding_place((interval.high - interval.low) / 2.0);
            let place = by_uncertainty.map_or(place, |finer| finer.clamp(place - 2, place));
            let low = scale.digits(interval.low, place, language);
            (low, scale.number(interval.high, place, interface))
        });
        let (certainty, interval) = match bounds {
            None => {
                let none = interface.text("one session, so no interval");
                (none.clone(), none)
            }
            Some(_) if exact.is_some() => {
                let sessions = whole(estimate.sessions as f64, language);
                let same = interface.fill("the same in all {sessions} sessions", &[("sessions", &sessions)]);
                (same.clone(), same)
            }
            Some((low, high)) => {
                let sessions = whole(estimate.sessions as f64, language);
                let certainty = interface.fill(
                    "95 % interval {low} to {high}, {sessions} sessions",
                    &[("low", &low), ("high", &high), ("sessions", &sessions)],
                );
                let interval = interface.fill("{start} to {end}", &[("start", &low), ("end", &high)]);
                (certainty, interval)
            }
        };
        Shown {
            value: scale.number(estimate.value, place, interface),
            certainty,
            interval,
        }
    }

    /// The same with a further remark behind the certainty.
    pub(crate) fn noted(mut self, remark: Option<String>) -> Shown {
        if let Some(remark) = remark {
            self.certainty = format!("{}; {remark}", self.certainty);
        }
        self
    }

    /// The same where the value is only a bound: `≥ 41,000 per second`, and why.
    pub(crate) fn bounded(mut self, bound: Option<Bound>, interface: &Interface) -> Shown {
        let Some(bound) = bound else { return self };
        if let Some(sign) = sign(bound) {
            self.value.insert_str(0, &format!("{sign}{NO_BREAK_SPACE}"));
        }
        self.certainty = format!("{}; {}", self.certainty, why_bounded(bound, interface));
        self
    }

    /// Inline HTML; the certainty is the element's title.
    pub fn html(&self, class: &str) -> String {
        format!(
            "<span class=\"{class}\" title=\"{}\">{}</span>",
            escaped(&self.certainty),
            escaped(&self.value)
        )
    }
}

/// The sign before a value that is only a bound; none where it bounds nothing.
pub fn sign(bound: Bound) -> Option<char> {
    match bound {
        Bound::AtLeast => Some('≥'),
        Bound::AtMost => Some('≤'),
        Bound::Unknown => None,
    }
}

/// Why a value is only a bound.
pub(crate) fn why_bounded(bound: Bound, interface: &Interface) -> String {
    interface.text(match bound {
        Bound::AtLeast => "the load generator was the limit, so it is at least this much",
        Bound::AtMost => "the load generator was the limit, so it is at most this much",
        Bound::Unknown => "the load generator was the limit for both, so their ratio is not known",
    })
}

/// From one value to another, both positive and each to two significant digits: `2.9 to 4.1×`.
pub fn range(low: f64, high: f64, kind: Kind, interface: &Interface) -> String {
    let scale = Scale::of(kind, high);
    let place = |value: f64| magnitude(value).map_or(0, |own| own - 1);
    let start = scale.digits(low, place(low), interface.language());
    let end = scale.number(high, place(high), interface);
    interface.fill("{start} to {end}", &[("start", &start), ("end", &end)])
}

/// A latency in seconds as histograms tell it: three significant digits, and whole microseconds.
pub(crate) fn latency(seconds: f64, interface: &Interface) -> String {
    const STEP: i32 = -6;
    let place = |value: f64| magnitude(value).map_or(STEP, |own| (own - 2).max(STEP));
    // What is rounded up to a further digit ends one place earlier.
    let rounded = round_to(seconds, place(seconds));
    let scale = Scale::of(Kind::Unit(Unit::Seconds), rounded.max(power(STEP)));
    scale.number(rounded, place(rounded), interface)
}

/// A whole value as a program saw it once: bytes to three significant digits, a number to the last.
pub fn sample(value: u64, unit: Unit, interface: &Interface) -> String {
    let value = value as f64;
    let place = |value: f64| match unit {
        Unit::Bytes => magnitude(value).map_or(0, |own| (own - 2).max(0)),
        _ => 0,
    };
    // What is rounded up to a further digit ends one place earlier.
    let rounded = round_to(value, place(value));
    Scale::of(Kind::Unit(unit), rounded).number(rounded, place(rounded), interface)
}

/// A size as it was chosen, nothing rounded. Whole multiples are shown in the larger unit: 1,000 ms as 1 s, 1,024 bytes as 1 KiB.
pub fn exact(value: f64, unit: Unit, interface: &Interface) -> String {
    let (value, symbol) = match unit {
        Unit::Count => (value, ""),
        Unit::Milliseconds if value >= 1000.0 => (value / 1000.0, "s"),
        Unit::Milliseconds => (value, "ms"),
        Unit::Seconds => (value, "s"),
        Unit::Bytes if value >= MIB && value % MIB == 0.0 => (value / MIB, "MiB"),
        Unit::Bytes if value >= KIB && value % KIB == 0.0 => (value / KIB, "KiB"),
        Unit::Bytes => (value, "B"),
        Unit::Share => (value * 100.0, "%"),
        Unit::PerSecond | Unit::Cores => {
            let digits = trimmed(value, interface.language());
            return with_words(digits, unit, interface);
        }
    };
    let digits = trimmed(value, interface.language());
    join(digits, symbol)
}

/// A number with the decimals it needs, nine at most: what is further behind comes of computing in binary.
fn trimmed(value: f64, language: &Language) -> String {
    let digits = format!("{value:.9}");
    marked(digits.trim_end_matches('0').trim_end_matches('.'), language)
}

const KIB: f64 = 1024.0;
const MIB: f64 = 1024.0 * 1024.0;

/// A count, with its thousands marked.
pub fn whole(value: f64, language: &Language) -> String {
    decimal(value, 0, language)
}

/// A number rounded to so many decimals, in the language's marks.
pub fn decimal(value: f64, decimals: usize, language: &Language) -> String {
    marked(&format!("{value:.decimals$}"), language)
}

/// The factor and the words that go with a size: 0.0024 s are 2.4 ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    kind: Kind,
    /// The unit is ten to this power of the kind's own.
    exponent: i32,
    symbol: &'static str,
}

impl Scale {
    /// The scale in which `size` (in the kind's own unit) has one to three digits before the mark, if there is one.
    pub fn of(kind: Kind, size: f64) -> Scale {
        let size = size.abs();
        let (exponent, symbol) = match kind {
            Kind::Ratio => (0, "×"),
            Kind::Unit(Unit::Seconds) => prefixed(size, &[(0, "s"), (-3, "ms"), (-6, "µs"), (-9, "ns")]),
            Kind::Unit(Unit::Milliseconds) => prefixed(size, &[(3, "s"), (0, "ms"), (-3, "µs"), (-6, "ns")]),
            Kind::Unit(Unit::Bytes) => prefixed(size, &[(9, "GB"), (6, "MB"), (3, "kB"), (0, "B")]),
            Kind::Unit(Unit::Share) => (-2, "%"),
            Kind::Unit(Unit::Count | Unit::PerSecond | Unit::Cores) => (0, ""),
        };
        Scale { kind, exponent, symbol }
    }

    /// The unit in words or by its symbol, for the title of an axis. Empty for counts.
    pub fn unit(&self, interface: &Interface) -> String {
        match self.kind {
            Kind::Unit(Unit::PerSecond) => interface.text("per second"),
            Kind::Unit(Unit::Cores) => interface.text("cores"),
            _ => self.symbol.to_owned(),
        }
    }

    /// A value in this unit.
    pub fn apply(&self, value: f64) -> f64 {
        value / power(self.exponent)
    }

    /// A value without its unit, rounded to the power of ten `place` of the kind's own unit.
    pub fn digits(&self, value: f64, place: i32, language: &Language) -> String {
        let place = place - self.exponent;
        let value = round_to(self.apply(value), place);
        decimal(value, place.min(0).unsigned_abs() as usize, language)
    }

    /// The same with its unit.
    pub fn number(&self, value: f64, place: i32, interface: &Interface) -> String {
        let digits = self.digits(value, place, interface.language());
        match self.kind {
            Kind::Unit(unit @ (Unit::PerSecond | Unit::Cores)) => with_words(digits, unit, interface),
            Kind::Ratio => format!("{digits}{}", self.symbol),
            Kind::Unit(_) => join(digits, self.symbol),
        }
    }
}

/// The largest unit that `size` fills, else the smallest; of nothing the plain one.
fn prefixed(size: f64, units: &[(i32, &'static str)]) -> (i32, &'static str) {
    if size == 0.0 {
        return units
            .iter()
            .copied()
            .find(|(exponent, _)| *exponent == 0)
            .unwrap_or(units[0]);
    }
    units
        .iter()
        .copied()
        // Powers of ten are not exact in binary: what is 1 ms but for the last bit is 1 ms.
        .find(|(exponent, _)| size >= power(*exponent) * (1.0 - 1e-12))
        .unwrap_or(units[units.len() - 1])
}

fn with_words(digits: String, unit: Unit, interface: &Interface) -> String {
    let words = match unit {
        Unit::PerSecond => interface.text("per second"),
        _ => interface.text("cores"),
    };
    join(digits, &words)
}

fn join(digits: String, unit: &str) -> String {
    if unit.is_empty() {
        digits
    } else {
        format!("{digits}{NO_BREAK_SPACE}{unit}")
    }
}

/// Where a whole number of things or of bytes ends that came out the same in every session: nothing is rounded off a count, and of bytes not
/// more than of other values, but there are no parts of one. `None` for anything else.
fn constant(estimate: &Estimate, kind: Kind) -> Option<i32> {
    let interval = estimate.interval?;
    if interval.low != interval.high || estimate.value.fract() != 0.0 {
        return None;
    }
    match kind {
        Kind::Unit(Unit::Count) => Some(0),
        Kind::Unit(Unit::Bytes) => Some(last_place(estimate).max(0)),
        _ => None,
    }
}

/// The power of ten of the last digit of a value that is worth showing.
fn last_place(estimate: &Estimate) -> i32 {
    let own = magnitude(estimate.value);
    let Some(interval) = estimate.interval else {
        return own.map_or(0, |own| own - 1);
    };
    let by_uncertainty = rounding_place((interval.high - interval.low) / 2.0);
    match (own, by_uncertainty) {
        (Some(own), Some(place)) if interval.low > 0.0 || interval.high < 0.0 => place.clamp(own - 3, own - 1),
        (Some(own), None) => own - 3,
        (_, Some(place)) => place,
        (None, None) => 0,
    }
}

/// Where an uncertainty ends by the rule of the Particle Data Group; `None` for zero.
fn rounding_place(uncertainty: f64) -> Option<i32> {
    let magnitude = magnitude(uncertainty)?;
    let highest_three = (uncertainty / power(magnitude - 2)).round();
    // 950 to 999 become 1000 and keep two digits, which ends at the same place as one digit of what they were.
    Some(if highest_three <= 354.0 {
        magnitude - 1
    } else {
        magnitude
    })
}

/// The size that decides on the unit: the value as rounded, or its uncertainty where that leaves nothing.
fn representative(estimate: &Estimate, place: i32) -> f64 {
    let rounded = round_to(estimate.value, place);
    match estimate.interval {
        Some(interval) if rounded == 0.0 => (interval.high - interval.low) / 2.0,
        _ => rounded,
    }
}

/// The power of ten of the first digit; `None` for zero and what is no number.
fn magnitude(value: f64) -> Option<i32> {
    let value = value.abs();
    (value > 0.0 && value.is_finite()).then(|| value.log10().floor() as i32)
}

fn round_to(value: f64, place: i32) -> f64 {
    if place < 0 {
        // Dividing by an exact power is exact where multiplying by its inverse is not.
        (value * power(-place)).round() / power(-place)
    } else {
        (value / power(place)).round() * power(place)
    }
}

fn power(exponent: i32) -> f64 {
    10f64.powi(exponent)
}

/// `-1234.5` in the language's marks: `−1.234,5`.
pub fn marked(plain: &str, language: &Language) -> String {
    let (negative, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain),
    };
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let mut text = String::new();
    // Rounding may leave a minus with nothing behind it.
    if negative && digits.contains(|c: char| c.is_ascii_digit() && c != '0') {
        text.push('−');
    }
    for (at, digit) in before.chars().enumerate() {
        if at > 0 && (before.len() - at) % 3 == 0 {
            text.push(language.thousands);
        }
        text.push(digit);
    }
    if !after.is_empty() {
        text.push(language.decimal);
        text.push_str(after);
    }
    text
}

/// Text of the source language with its numbers written as an edition writes them: `0.1 ms` as `0,1 ms`, `256,000` as `256.000`.
pub fn localised(text: &str, language: &Language) -> String {
    if language.source {
        return text.to_owned();
    }
    let mut localised = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        localised.push_str(before);
        let end = from
            .find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ','))
            .unwrap_or(from.len());
        // A mark at the end belongs to the sentence.
        let digits = from[..end].trim_end_matches(['.', ',']);
        let plain = digits.replace(',', "");
        // Versions have more than one point: they are no numbers.
        if plain.matches('.').count() > 1 {
            localised.push_str(digits);
        } else if digits.contains(',') {
            localised.push_str(&marked(&plain, language));
        } else {
            localised.push_str(&digits.replace('.', &language.decimal.to_string()));
        }
        rest = &from[digits.len()..];
    }
    localised.push_str(rest);
    localised
}

#[cfg(test)]
mod tests {
    #[test]
    fn typed_numbers_are_written_as_the_edition_writes_them() {
        let italian = crate::fixture::italian().language().clone();
        for (english, expected) in [
            ("0.1 ms", "0,1 ms"),
            ("256,000 bytes", "256.000 bytes"),
            ("99 %", "99 %"),
            ("3.13.0", "3.13.0"),
            ("1/7, or 2.", "1/7, or 2."),
            ("1024", "1024"),
        ] {
            assert_eq!(super::localised(english, &italian), expected);
        }
    }

    #[test]
    fn a_single_value_has_three_digits_of_bytes_and_all_of_a_number() {
        let bytes = |value| visible(&sample(value, Unit::Bytes, &italian()));
        assert_eq!(bytes(12_345_678), "12,3~MB");
        assert_eq!(bytes(999_950), "1,00~MB");
        assert_eq!(bytes(12), "12~B");
        assert_eq!(bytes(0), "0~B");
        assert_eq!(visible(&sample(123_456, Unit::Count, &english())), "123,456");
        assert_eq!(visible(&sample(0, Unit::Count, &english())), "0");
    }

    use measure::statistics::Interval;

    use super::*;
    use crate::fixture::{english, italian};

    const SECONDS: Kind = Kind::Unit(Unit::Seconds);
    const RATE: Kind = Kind::Unit(Unit::PerSecond);
    const CORES: Kind = Kind::Unit(Unit::Cores);
    const BYTES: Kind = Kind::Unit(Unit::Bytes);

    fn estimate(value: f64, interval: Option<(f64, f64)>) -> Estimate {
        Estimate {
            value,
            interval: interval.map(|(low, high)| Interval { low, high }),
            sessions: if interval.is_some() { 3 } else { 1 },
        }
    }

    /// No-break spaces as `~`, so that a lost one is seen.
    fn visible(text: &str) -> String {
        text.replace('\u{a0}', "~")
    }

    fn shown(value: f64, interval: Option<(f64, f64)>, kind: Kind) -> String {
        visible(&Shown::new(&estimate(value, interval), kind, &english()).value)
    }

    #[test]
    fn uncertainties_are_rounded_as_the_particle_data_group_does() {
        // The first two are its own examples: 0.827 with an error of 0.119 becomes 0.83 with 0.12, with 0.367 it becomes 0.8 with 0.4.
        for (uncertainty, place) in [
            (0.119, -2),
            (0.367, -1),
            (0.097, -2),
            (0.354, -2),
            (0.355, -1),
            (9.96, 0),
            (0.0, i32::MAX),
        ] {
            assert_eq!(rounding_place(uncertainty).unwrap_or(i32::MAX), place, "{uncertainty}");
        }
    }

    #[test]
    fn a_value_ends_where_its_uncertainty_does_within_two_to_four_digits() {
        assert_eq!(shown(2.417, Some((2.13, 2.71)), Kind::Ratio), "2.42×");
        assert_eq!(shown(2.417, Some((1.9, 2.9)), Kind::Ratio), "2.4×");
        assert_eq!(shown(2.417, Some((0.3, 19.0)), Kind::Ratio), "2.4×");
        assert_eq!(shown(2.41738, Some((2.41737, 2.41739)), Kind::Ratio), "2.417×");
        assert_eq!(shown(2.41738, Some((2.41738, 2.41738)), Kind::Ratio), "2.417×");
        assert_eq!(shown(2.41738, None, Kind::Ratio), "2.4×");
        assert_eq!(shown(0.9996, Some((0.9, 1.1)), Kind::Ratio), "1.00×");
        assert_eq!(shown(0.004_21, Some((0.0037, 0.0047)), Kind::Ratio), "0.0042×");
    }

    #[test]
    fn seconds_take_the_unit_of_their_size() {
        assert_eq!(shown(3.00312, Some((3.0026, 3.0037)), SECONDS), "3.003~s");
        assert_eq!(shown(0.0240, Some((0.021, 0.027)), SECONDS), "24.0~ms");
        assert_eq!(shown(0.0240, Some((0.020, 0.028)), SECONDS), "24~ms");
        assert_eq!(shown(24.1e-6, Some((23e-6, 25e-6)), SECONDS), "24.1~µs");
        assert_eq!(shown(38e-9, None, SECONDS), "38~ns");
        assert_eq!(shown(1850.0, Some((1700.0, 2000.0)), SECONDS), "1,850~s");
        // Rounded up into the next unit.
        assert_eq!(shown(0.99996, Some((0.98, 1.02)), SECONDS), "1.000~s");
        assert_eq!(shown(0.001, None, SECONDS), "1.0~ms");
    }

    #[test]
    fn what_cannot_be_told_from_zero_is_not_given_digits_it_does_not_have() {
        assert_eq!(shown(0.0002, Some((-0.0048, 0.0052)), SECONDS), "0~ms");
        assert_eq!(shown(-0.0123, Some((-0.015, -0.010)), SECONDS), "−12.3~ms");
        assert_eq!(shown(-0.00001, Some((-0.0048, 0.0052)), SECONDS), "0~ms");
        assert_eq!(shown(0.0, None, SECONDS), "0~s");
    }

    #[test]
    fn latencies_have_three_digits_and_no_parts_of_a_microsecond() {
        let show = |seconds| visible(&latency(seconds, &english()));
        assert_eq!(show(0.0), "0~µs");
        assert_eq!(show(3e-6), "3~µs");
        assert_eq!(show(128e-6), "128~µs");
        assert_eq!(show(999.6e-6), "1.00~ms");
        assert_eq!(show(0.012_351), "12.4~ms");
        assert_eq!(show(1.2), "1.20~s");
        assert_eq!(visible(&latency(0.012_351, &italian())), "12,4~ms");
    }

    #[test]
    fn a_count_that_is_always_the_same_is_shown_whole() {
        let count = |value: f64, kind| {
            let constant = estimate(value, Some((value, value)));
            let [english, italian] = [english(), italian()].map(|language| Shown::new(&constant, kind, &language));
            (
                visible(&english.value),
                visible(&italian.value),
                english.certainty,
                italian.interval,
            )
        };
        let number = Kind::Unit(Unit::Count);
        let same = ("the same in all 3 sessions", "uguale in tutte le 3 sessioni");
        for (value, kind, expected_english, expected_italian) in [
            (1003.0, number, "1,003", "1.003"),
            (123_456_789.0, number, "123,456,789", "123.456.789"),
            (3.0, number, "3", "3"),
            (0.0, number, "0", "0"),
            (16.0, BYTES, "16~B", "16~B"),
            (0.0, BYTES, "0~B", "0~B"),
            (8_397_123.0, BYTES, "8.397~MB", "8,397~MB"),
        ] {
            let (english, italian, certainty, interval) = count(value, kind);
            assert_eq!(
                (english.as_str(), italian.as_str()),
                (expected_english, expected_italian)
            );
            assert_eq!((certainty.as_str(), interval.as_str()), same);
        }
        // A part of a unit of work is rounded like any other value; so is a count that varies, and one with a single session.
        assert_eq!(shown(1.003, Some((1.003, 1.003)), number), "1.003");
        assert_eq!(shown(2.0 / 3.0, Some((2.0 / 3.0, 2.0 / 3.0)), number), "0.6667");
        assert_eq!(shown(12_345.6, Some((12_101.0, 12_590.0)), number), "12,350");
        assert_eq!(shown(0.2, Some((0.0, 0.755)), number), "0.2");
        assert_eq!(shown(1003.0, None, number), "1,000");
        // What is no count keeps its digits.
        assert_eq!(shown(3.0, Some((3.0, 3.0)), Kind::Ratio), "3.000×");
    }

    #[test]
    fn rates_cores_and_bytes_have_their_words() {
        assert_eq!(shown(41_420.0, Some((40_200.0, 42_680.0)), RATE), "41,400~per second");
        assert_eq!(shown(0.9312, Some((0.90, 0.96)), CORES), "0.931~cores");
        assert_eq!(shown(0.9312, Some((0.85, 1.01)), CORES), "0.93~cores");
        assert_eq!(shown(1_437.0, Some((1_380.0, 1_490.0)), BYTES), "1.44~kB");
        assert_eq!(shown(321.0e6, None, BYTES), "320~MB");
    }

    #[test]
    fn the_certainty_is_told_in_the_same_unit_and_in_the_readers_language() {
        let ratio = estimate(2.417, Some((2.13, 2.71)));
        assert_eq!(
            visible(&Shown::new(&ratio, Kind::Ratio, &english()).certainty),
            "95 % interval 2.13 to 2.71×, 3 sessions"
        );
        let rate = estimate(41_420.0, Some((40_200.0, 42_680.0)));
        let italian = Shown::new(&rate, RATE, &italian());
        assert_eq!(visible(&italian.value), "41.400~al secondo");
        assert_eq!(
            visible(&italian.certainty),
            "intervallo al 95 % da 40.200 a 42.700~al secondo, 3 sessioni"
        );
        assert_eq!(
            Shown::new(&estimate(1.0, None), Kind::Ratio, &english()).certainty,
            "one session, so no interval"
        );
    }

    #[test]
    fn both_languages_have_their_marks() {
        let value = estimate(2.417, Some((2.13, 2.71)));
        assert_eq!(Shown::new(&value, Kind::Ratio, &italian()).value, "2,42×");
        assert_eq!(decimal(-1_234_567.891, 2, english().language()), "−1,234,567.89");
        assert_eq!(decimal(-1_234_567.891, 2, italian().language()), "−1.234.567,89");
        assert_eq!(decimal(-0.001, 2, english().language()), "0.00");
        assert_eq!(whole(123.0, english().language()), "123");
    }

    #[test]
    fn parameters_are_exact() {
        let show = |value, unit| visible(&exact(value, unit, &english()));
        assert_eq!(show(200.0, Unit::Count), "200");
        assert_eq!(show(10_000.0, Unit::Count), "10,000");
        assert_eq!(show(10.0, Unit::Milliseconds), "10~ms");
        assert_eq!(show(1000.0, Unit::Milliseconds), "1~s");
        assert_eq!(show(1500.0, Unit::Milliseconds), "1.5~s");
        assert_eq!(show(0.1 + 0.2, Unit::Seconds), "0.3~s");
        assert_eq!(show(1024.0, Unit::Bytes), "1~KiB");
        assert_eq!(show(102_400.0, Unit::Bytes), "100~KiB");
        assert_eq!(show(3.0 * 1024.0 * 1024.0, Unit::Bytes), "3~MiB");
        assert_eq!(show(1000.0, Unit::Bytes), "1,000~B");
        assert_eq!(
            visible(&exact(2500.5, Unit::PerSecond, &italian())),
            "2.500,5~al secondo"
        );
    }

    #[test]
    fn html_is_one_escaped_span() {
        let shown = Shown {
            value: "2 < 3".to_owned(),
            certainty: "\"so\"".to_owned(),
            interval: String::new(),
        };
        assert_eq!(
            shown.html("measured"),
            "<span class=\"measured\" title=\"&quot;so&quot;\">2 &lt; 3</span>"
        );
    }
}
