//! `{{#claim REFERENCE CONDITION}}words{{/claim}}`: words of the text that data must bear out. The reference may also be a finding of the
//! self-check: `{{#claim self-check.gate-noticed >=90%}}at least 90 %{{/claim}}`.

mod report;

use std::fmt;
use std::ops::Range;

use measure::experiment::Unit;
use measure::library::Library;
use measure::results::Bound;
use measure::statistics::Estimate;
use serde::Serialize;

use crate::checked::{self, Finding};
use crate::directive::Directive;
use crate::html::escaped;
use crate::interface::Interface;
use crate::measurements::Context;
use crate::number::{Kind, Shown};
use crate::numeral::{self, Measure, Numeral};
use crate::prose;
use crate::reference::{Problem, Reference, Unmeasured};

pub use report::{ClaimReport, Claims, Judgement, Place, Tally, Translation};

/// One end of a condition.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// As the writer put it: `5ms`.
    text: String,
    /// Its number: 5 for `5ms`.
    written: f64,
    /// In the metric's own unit: 0.005 for `5ms`, 0.95 for `95%`.
    pub value: f64,
    /// Whether it bounds a share, which words say as a part or in per cent, but never as a bare 95.
    is_share: bool,
}

/// What is claimed of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// `>=3`
    AtLeast(Limit),
    /// `<=0.5`
    AtMost(Limit),
    /// `3..6`, or `1000..1000` for what is exactly that.
    Within(Limit, Limit),
    /// `tie 0.95..1.05`: as good as equal.
    Tie(Limit, Limit),
}

/// What the data say of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval satisfies the condition.
    Holds,
    /// Part of the interval does, or there is no interval, or the value is only a bound and the condition asks for the other side.
    Inconclusive,
    /// No part of the interval does.
    Contradicted,
    /// A program was changed since it was measured.
    Stale,
    /// There are no results.
    NotMeasured,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Holds => "holds",
            Verdict::Inconclusive => "inconclusive",
            Verdict::Contradicted => "contradicted",
            Verdict::Stale => "stale",
            Verdict::NotMeasured => "not measured",
        })
    }
}

impl Condition {
    /// Reads a condition on a value of some kind. Times and sizes need a unit, ratios and counts have none.
    pub fn parse(text: &str, kind: Kind) -> Result<Condition, Problem> {
        let limit = |text: &str| Limit::parse(text, kind);
        let text = text.trim();
        if let Some(rest) = text.strip_prefix(">=") {
            return Ok(Condition::AtLeast(limit(rest)?));
        }
        if let Some(rest) = text.strip_prefix("<=") {
            return Ok(Condition::AtMost(limit(rest)?));
        }
        let (tie, range) = match text.strip_prefix("tie ") {
            Some(range) => (true, range),
            None => (false, text),
        };
        let Some((low, high)) = range.split_once("..") else {
            return Err(Problem::new(
                format!("`{text}` is not a condition"),
                "write `>=3`, `<=0.5`, `3..6` or `tie 0.95..1.05`",
            ));
        };
        // `1..3ms`: the unit goes for both.
        let unit = high.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let low = match low.parse::<f64>() {
            Ok(_) => limit(&format!("{low}{unit}"))?,
            Err(_) => limit(low)?,
        };
        let high = limit(high)?;
        if low.value > high.value {
            return Err(Problem::new(
                format!("`{text}`: the lower bound is above the upper one"),
                "write the smaller number first",
            ));
        }
        Ok(if tie {
            Condition::Tie(low, high)
        } else {
            Condition::Within(low, high)
        })
    }

    /// Where the value is only a bound, what lies beyond the interval on its open side is possible too.
    pub fn verdict(&self, estimate: &Estimate, bound: Option<Bound>) -> Verdict {
        let Some(interval) = estimate.interval else {
            return Verdict::Inconclusive;
        };
        let interval = bound.map_or(interval, |bound| bound.widen(interval));
        let (low, high) = match self {
            Condition::AtLeast(low) => (low.value, f64::INFINITY),
            Condition::AtMost(high) => (f64::NEG_INFINITY, high.value),
            Condition::Within(low, high) | Condition::Tie(low, high) => (low.value, high.value),
        };
        if low <= interval.low && interval.high <= high {
            Verdict::Holds
        } else if interval.high < low || high < interval.low {
            Verdict::Contradicted
        } else {
            Verdict::Inconclusive
        }
    }

    fn limits(&self) -> Vec<&Limit> {
        match self {
            Condition::AtLeast(limit) | Condition::AtMost(limit) => vec![limit],
            Condition::Within(low, high) | Condition::Tie(low, high) => vec![low, high],
        }
    }

    /// Checks that the numbers in the words are the condition's bounds: all of them, or none.
    fn check_words(&self, numerals: &[Numeral]) -> Result<(), Problem> {
        let limits = self.limits();
        let mut numerals = numerals.to_vec();
        if limits.len() == 2 {
            // "80 to 95 %": the sign goes for both.
            for at in 1..numerals.len() {
                if numerals[at].measure == Measure::Percent && numerals[at - 1].measure == Measure::Plain {
                    numerals[at - 1].measure = Measure::Percent;
                }
            }
        }
        let strange = numerals
            .iter()
            .find(|numeral| !limits.iter().any(|limit| limit.is_said_by(numeral)));
        let unsaid = limits
            .iter()
            .find(|limit| !numerals.iter().any(|numeral| limit.is_said_by(numeral)));
        let mut listed: Vec<&str> = limits.iter().map(|limit| limit.text.as_str()).collect();
        // Of what is exactly so much, both ends are the same.
        listed.dedup();
        let listed = listed.join(" and ");
        match (strange, unsaid) {
            (Some(numeral), _) => Err(Problem::new(
                format!("the words say \"{}\", the condition says {listed}", numeral.text),
                "make them agree; a number that belongs to something else goes into `{{#number TEXT | reason}}`",
            )),
            (None, Some(limit)) if !numerals.is_empty() => Err(Problem::new(
                format!("the words do not say {}, which the condition does", limit.text),
                format!("say {listed}, or no number at all"),
            )),
            _ => Ok(()),
        }
    }
}

impl Limit {
    fn parse(text: &str, kind: Kind) -> Result<Limit, Problem> {
        let text = text.trim();
        let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
        let symbol = &text[digits.len()..];
        let written: f64 = digits
            .trim()
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
            .ok_or_else(|| {
                Problem::new(
                    format!("`{text}` is not a number"),
                    "write digits with a decimal point, as in `2.5`, whatever the language",
                )
            })?;
        let units: &[(&str, f64)] = match kind {
            Kind::Unit(Unit::Seconds) => &[("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("µs", 1e-6), ("ns", 1e-9)],
            Kind::Unit(Unit::Milliseconds) => &[("s", 1e3), ("ms", 1.0), ("us", 1e-3), ("µs", 1e-3), ("ns", 1e-6)],
            Kind::Unit(Unit::Bytes) => &[("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9)],
            Kind::Unit(Unit::Share) => &[("%", 0.01), ("", 1.0)],
            Kind::Unit(Unit::Count | Unit::PerSecond | Unit::Cores) | Kind::Ratio => &[("", 1.0)],
        };
        match units.iter().find(|(unit, _)| *unit == symbol) {
            Some((_, factor)) => Ok(Limit {
                text: text.to_owned(),
                written,
                // What is nearest to 95 hundredths, as 0.95 is; 95 × 0.01 comes out a hair off.
                value: if symbol == "%" {
                    written / 100.0
                } else {
                    written * factor
                },
                is_share: kind == Kind::Unit(Unit::Share),
            }),
            None if units.len() == 1 => Err(Problem::new(
                format!("`{text}`: this value has no unit"),
                format!("write `{written}`"),
            )),
            None => {
                let known = units.iter().map(|(unit, _)| format!("`{written}{unit}`"));
                Err(Problem::new(
                    if symbol.is_empty() {
                        format!("`{text}` has no unit")
                    } else {
                        format!("`{symbol}` is no unit of this value")
                    },
                    format!("write one of {}", known.collect::<Vec<_>>().join(", ")),
                ))
            }
        }
    }

    fn is_said_by(&self, numeral: &Numeral) -> bool {
        // A third is 0.33 to whoever writes the condition.
        let tolerance = if numeral.fraction { 0.02 } else { 1e-9 };
        let near = |a: f64, b: f64| (a - b).abs() <= tolerance * b.abs().max(f64::MIN_POSITIVE);
        match numeral.measure {
            // "Half" of `50%`.
            Measure::Plain if self.is_share => near(numeral.value, self.value),
            Measure::Percent if self.is_share => near(numeral.value / 100.0, self.value),
            Measure::Plain => near(numeral.value, self.written),
            Measure::Unit(factor) => near(numeral.value * factor, self.value),
            // "5 % more" of 1.05, "20 % less" of 0.8, "30 % of" of 0.3.
            Measure::Percent => {
                let share = numeral.value / 100.0;
                [share, 1.0 + share, 1.0 - share]
                    .into_iter()
                    .any(|value| (value - self.written).abs() < 1e-9)
            }
        }
    }
}

/// What a claim is about.
enum Subject<'a> {
    Experiment(Box<Reference<'a>>),
    /// What the harness found about itself.
    Harness(Finding, &'a Library),
}

impl<'a> Subject<'a> {
    fn parse(text: &str, library: &'a Library) -> Result<Subject<'a>, Problem> {
        Ok(match Finding::parse(text) {
            Some(finding) => Subject::Harness(finding?, library),
            None => Subject::Experiment(Box::new(Reference::parse(text, library)?)),
        })
    }

    fn kind(&self) -> Kind {
        match self {
            Subject::Experiment(reference) => reference.kind(),
            Subject::Harness(finding, _) => finding.kind(),
        }
    }

    fn evidence(&self) -> Result<Evidence, Unmeasured> {
        Ok(match self {
            Subject::Experiment(reference) => Evidence {
                estimate: reference.estimate()?,
                bound: reference.bound(),
            },
            Subject::Harness(finding, library) => Evidence {
                estimate: finding.estimate(library)?,
                bound: None,
            },
        })
    }

    /// In the edition's words: the value, then how sure it is.
    fn shown(&self, evidence: &Evidence, interface: &Interface) -> String {
        let shown = match self {
            Subject::Experiment(reference) => {
                Shown::new(&evidence.estimate, reference.kind(), interface).bounded(evidence.bound, interface)
            }
            Subject::Harness(finding, _) => finding.shown(&evidence.estimate, interface),
        };
        format!("{} ({})", shown.value, shown.certainty)
    }

    /// What `cargo xtask measure` is given to measure it.
    fn to_measure(&self) -> &str {
        match self {
            Subject::Experiment(reference) => &reference.entry.experiment.id,
            Subject::Harness(..) => checked::TO_MEASURE,
        }
    }
}

/// A claim read, with everything it names resolved.
struct Claim<'a> {
    subject: Subject<'a>,
    condition: Condition,
}

impl<'a> Claim<'a> {
    /// Without words.
    fn parse(arguments: &'a str, library: &'a Library) -> Result<Claim<'a>, Problem> {
        let Some((reference_text, condition_text)) = arguments.split_once(' ') else {
            return Err(Problem::new(
                "a claim names a value and a condition",
                "write `{{#claim EXPERIMENT.A/B.METRIC >=3}}at least three times{{/claim}}`",
            ));
        };
        let subject = Subject::parse(reference_text, library)?;
        let condition = Condition::parse(condition_text, subject.kind())?;
        Ok(Claim { subject, condition })
    }

    fn read(directive: &'a Directive, text: &str, context: &'a Context) -> Result<Claim<'a>, Problem> {
        let claim = Claim::parse(&directive.arguments, &context.library)?;
        let body = directive.body.clone().unwrap_or_default();
        let words = text[body.clone()].trim();
        if words.is_empty() {
            return Err(Problem::new("a claim without words", "write them before `{{/claim}}`"));
        }
        let hidden: Vec<Range<usize>> = directive
            .inner
            .iter()
            .map(|inner| inner.range.start - body.start..inner.range.end - body.start)
            .collect();
        let tokens = prose::tokens(&text[body], &hidden);
        let language = context.interface.language();
        let check = |language| claim.condition.check_words(&numeral::numerals(&tokens, language));
        match check(language) {
            // In a draft the words may still be those of the source, with its marks in numbers.
            Err(problem) if language.is_draft() => check(&context.source_language).map_err(|_| problem)?,
            checked => checked?,
        }
        Ok(claim)
    }

    fn verdict(&self) -> (Verdict, Result<Evidence, Unmeasured>) {
        let evidence = self.subject.evidence();
        let verdict = match &evidence {
            Ok(evidence) => self.condition.verdict(&evidence.estimate, evidence.bound),
            Err(Unmeasured::Stale) => Verdict::Stale,
            // It was measured; what came out says neither yes nor no.
            Err(Unmeasured::NoSlope(_) | Unmeasured::Zero(_)) => Verdict::Inconclusive,
            Err(Unmeasured::Never | Unmeasured::Missing(_)) => Verdict::NotMeasured,
        };
        (verdict, evidence)
    }

    /// What the data say, in the edition's words: the value, or why there is none, and before it that it does not bear the claim out.
    fn told(&self, interface: &Interface) -> (Verdict, String) {
        let (verdict, evidence) = self.verdict();
        let shown = match &evidence {
            Ok(evidence) => self.subject.shown(evidence, interface),
            Err(why) => unmeasured(why, self.subject.to_measure(), interface),
        };
        let told = match verdict {
            Verdict::Inconclusive => format!("{}: {shown}", interface.text("these results cannot decide it")),
            Verdict::Contradicted => format!("{}: {shown}", interface.text("these results contradict it")),
            Verdict::Holds | Verdict::Stale | Verdict::NotMeasured => shown,
        };
        (verdict, told)
    }
}

/// What a claim rests on.
struct Evidence {
    estimate: Estimate,
    bound: Option<Bound>,
}

/// What the data say of a claim without words, `REFERENCE CONDITION`: the value with its certainty, and before it that they do not bear the
/// claim out, where they do not.
pub(crate) fn judged(arguments: &str, context: &Context) -> Result<String, Problem> {
    Ok(Claim::parse(arguments, &context.library)?.told(&context.interface).1)
}

/// The claim as inline HTML around `words`, which are Markdown still. `figure` is the id of a figure on the same page.
pub fn render(
    directive: &Directive,
    text: &str,
    words: &str,
    context: &Context,
    figure: Option<&str>,
) -> Result<String, Problem> {
    let claim = Claim::read(directive, text, context)?;
    let (verdict, title) = claim.told(&context.interface);
    let class = match verdict {
        Verdict::Holds => "claim",
        Verdict::Inconclusive => "claim claim-inconclusive",
        Verdict::Contradicted => "claim claim-contradicted",
        Verdict::Stale | Verdict::NotMeasured => "claim claim-unmeasured",
    };
    let title = escaped(&title);
    // At the start of a paragraph, a line break after the tag would make it a block of HTML, so the words are trimmed.
    let words = words.trim();
    Ok(match figure.filter(|_| !directive.place.link) {
        Some(id) => format!(
            "<a class=\"{class}\" href=\"#{}\" title=\"{title}\">{words}</a>",
            escaped(id)
        ),
        None => format!("<span class=\"{class}\" title=\"{title}\">{words}</span>"),
    })
}

/// Why there is no value, and how to get one, in the reader's language: `to_measure` is what `cargo xtask measure` is given.
pub(crate) fn unmeasured(why: &Unmeasured, to_measure: &str, interface: &Interface) -> String {
    // To measure it once more would hardly help.
    if let Some(unknowable) = why.unknowable() {
        return interface.text(unknowable);
    }
    let reason = match why {
        Unmeasured::Never => interface.text("not measured yet"),
        Unmeasured::Stale => interface.text("changed since it was measured"),
        Unmeasured::Missing(reason) | Unmeasured::NoSlope(reason) | Unmeasured::Zero(reason) => {
            format!("{} ({reason})", interface.text("not measured yet"))
        }
    };
    let command = format!("cargo xtask measure {to_measure}");
    format!(
        "{reason}; {}",
        interface.fill("to measure it: {command}", &[("command", &command)])
    )
}

#[cfg(test)]
mod tests {
    use measure::statistics::Interval;

    use super::*;
    use crate::{directive, fixture};

    fn condition(text: &str) -> Condition {
        Condition::parse(text, Kind::Ratio).unwrap()
    }

    fn between(low: f64, high: f64) -> Estimate {
        Estimate {
            value: (low * high).sqrt(),
            interval: Some(Interval { low, high }),
            sessions: 5,
        }
    }

    #[test]
    fn a_verdict_needs_the_whole_interval() {
        use Verdict::{Contradicted, Holds, Inconclusive};
        let cases = [
            (">=3", 3.0, 4.0, Holds),
            (">=3", 2.9, 4.0, Inconclusive),
            (">=3", 2.0, 2.9, Contradicted),
            ("<=0.5", 0.4, 0.5, Holds),
            ("<=0.5", 0.4, 0.51, Inconclusive),
            ("<=0.5", 0.51, 0.6, Contradicted),
            ("3..6", 3.0, 6.0, Holds),
            ("3..6", 2.0, 7.0, Inconclusive),
            ("3..6", 6.1, 7.0, Contradicted),
            ("3..6", 1.0, 2.9, Contradicted),
            ("tie 0.95..1.05", 0.97, 1.04, Holds),
            ("tie 0.95..1.05", 0.9, 1.0, Inconclusive),
            ("tie 0.95..1.05", 1.06, 1.1, Contradicted),
        ];
        for (text, low, high, expected) in cases {
            assert_eq!(
                condition(text).verdict(&between(low, high), None),
                expected,
                "{text} of {low} to {high}"
            );
        }
        let single = Estimate {
            interval: None,
            sessions: 1,
            ..between(9.0, 9.0)
        };
        assert_eq!(condition(">=3").verdict(&single, None), Inconclusive);
    }

    #[test]
    fn a_bound_supports_only_its_own_side() {
        use Verdict::{Contradicted, Holds, Inconclusive};
        let cases = [
            (">=3", Bound::AtLeast, Holds),
            (">=5", Bound::AtLeast, Inconclusive),
            ("<=9", Bound::AtLeast, Inconclusive),
            ("<=3", Bound::AtLeast, Contradicted),
            ("3..6", Bound::AtLeast, Inconclusive),
            ("tie 3..6", Bound::AtLeast, Inconclusive),
            ("1..2", Bound::AtLeast, Contradicted),
            ("<=6", Bound::AtMost, Holds),
            ("<=3", Bound::AtMost, Inconclusive),
            (">=3", Bound::AtMost, Inconclusive),
            (">=6", Bound::AtMost, Contradicted),
            ("3..6", Bound::AtMost, Inconclusive),
            (">=1", Bound::Unknown, Inconclusive),
            ("<=9", Bound::Unknown, Inconclusive),
            ("tie 1..9", Bound::Unknown, Inconclusive),
        ];
        for (text, bound, expected) in cases {
            let verdict = condition(text).verdict(&between(4.0, 5.0), Some(bound));
            assert_eq!(verdict, expected, "{text} of 4 to 5, {bound:?}");
        }
    }

    #[test]
    fn a_claim_on_a_bound_says_so() {
        let text = "{{#claim echo.tokio.rate >=1000}}more than a thousand{{/claim}}, {{#claim echo.tokio.rate <=90000}}not 90,000{{/claim}}";
        let mut context = fixture::context(fixture::english());
        fixture::saturate(&mut context.library, "tokio");
        let directives = directive::directives(text).unwrap();
        let html = |at: usize| render(&directives[at], text, "words", &context, None).unwrap();
        assert!(html(0).contains("class=\"claim\" title=\"≥\u{a0}16"), "{}", html(0));
        assert!(
            html(1).contains("claim-inconclusive") && html(1).contains("the load generator was the limit"),
            "{}",
            html(1)
        );
    }

    #[test]
    fn conditions_have_the_units_of_their_value() {
        let time = Kind::Unit(Unit::Seconds);
        let holds = |text, kind, low, high| {
            let condition = Condition::parse(text, kind).unwrap();
            condition.verdict(&between(low, high), None)
        };
        assert_eq!(holds("<=5ms", time, 0.001, 0.005), Verdict::Holds);
        assert_eq!(holds("1..3ms", time, 0.001, 0.0029), Verdict::Holds);
        assert_eq!(holds("800us..1ms", time, 0.0009, 0.00099), Verdict::Holds);
        assert_eq!(
            holds(">=2kB", Kind::Unit(Unit::Bytes), 1.0, 1999.0),
            Verdict::Contradicted
        );
        assert_eq!(
            holds(">=40000", Kind::Unit(Unit::PerSecond), 41e3, 42e3),
            Verdict::Holds
        );
        let count = Kind::Unit(Unit::Count);
        assert_eq!(holds("1000..1000", count, 1000.0, 1000.0), Verdict::Holds);
        assert_eq!(holds("1000..1000", count, 1000.0, 1000.5), Verdict::Inconclusive);
        assert_eq!(holds("1000..1000", count, 1001.0, 1001.0), Verdict::Contradicted);
        let cases = [
            ("<=5", time, "`5` has no unit", "`5ms`"),
            ("<=5kB", time, "`kB` is no unit", "`5us`"),
            (">=3ms", Kind::Ratio, "has no unit", "write `3`"),
            (">3", Kind::Ratio, "is not a condition", ">=3"),
            (">=2,5", Kind::Ratio, "is not a number", "decimal point"),
            ("6..3", Kind::Ratio, "the lower bound is above", "smaller"),
            ("tie", Kind::Ratio, "is not a condition", "tie 0.95..1.05"),
            (">=inf", Kind::Ratio, "is not a number", "digits"),
        ];
        for (text, kind, message, help) in cases {
            let problem = Condition::parse(text, kind).unwrap_err();
            assert!(
                problem.message.contains(message) && problem.help.contains(help),
                "{problem:?}"
            );
        }
    }

    fn check(text: &str, interface: Interface) -> Result<String, Problem> {
        let context = fixture::context(interface);
        let directive = &directive::directives(text).unwrap()[0];
        let words = &text[directive.body.clone().unwrap()];
        render(directive, text, words, &context, None)
    }

    #[test]
    fn the_numbers_in_the_words_are_the_bounds() {
        let claim = |condition: &str, words: &str| {
            format!("{{{{#claim echo.asyncio/tokio.cpu {condition}}}}}{words}{{{{/claim}}}}")
        };
        let agree = [
            (">=3", "at least three times", "almeno tre volte"),
            (">=3", "at least 3×", "almeno 3 volte"),
            (">=2.5", "more than two and a half times", "più di due volte e mezzo"),
            (">=2.5", "**2.5×** and more", "**2,5×** e oltre"),
            ("3..6", "three to six times", "da tre a sei volte"),
            ("<=0.5", "half, or less", "la metà o meno"),
            ("<=0.33", "a third, or less", "un terzo o meno"),
            (">=2", "twice and more", "il doppio e oltre"),
            (">=100", "over a hundred times", "più di cento volte"),
            ("tie 0.95..1.05", "as good as equal", "come dire uguale"),
            ("tie 0.95..1.05", "equal within 5 %", "uguale entro il 5 %"),
            (">=1.2", "at least 20 percent more", "almeno il 20 per cento in più"),
            (
                ">=3",
                "far more on the one that Python 3.13 runs",
                "molto di più su quello di Python 3.13",
            ),
            (
                ">=3",
                "three times with {{#param echo.connections}} connections",
                "tre volte con {{#param echo.connections}} connessioni",
            ),
        ];
        for (condition, english, italian) in agree {
            let english = check(&claim(condition, english), fixture::english());
            assert!(english.is_ok(), "{english:?}");
            let italian = check(&claim(condition, italian), fixture::italian());
            assert!(italian.is_ok(), "{italian:?}");
        }
        let differ = [
            (">=3", "at least four times", "almeno quattro volte"),
            (">=3", "at least 2×", "almeno il doppio"),
            ("3..6", "at least three times", "almeno tre volte"),
            ("<=0.5", "a third, or less", "un terzo o meno"),
            (
                ">=2.5",
                "two and a half to three times",
                "da due volte e mezzo a tre volte",
            ),
            (">=1.2", "at least 30 % more", "almeno il 30 % in più"),
            (">=2.5", "2.6 times", "2,6 volte"),
        ];
        for (condition, english, italian) in differ {
            let english = check(&claim(condition, english), fixture::english());
            assert!(english.is_err(), "{english:?}");
            let italian = check(&claim(condition, italian), fixture::italian());
            assert!(italian.is_err(), "{italian:?}");
        }
        let problem = check(&claim("3..6", "three times"), fixture::english()).unwrap_err();
        assert!(problem.message.contains("do not say 6"), "{problem:?}");
    }

    #[test]
    fn a_finding_of_the_self_check_can_be_claimed() {
        let claim = |name: &str, condition: &str, words: &str| {
            check(
                &format!("{{{{#claim self-check.{name} {condition}}}}}{words}{{{{/claim}}}}"),
                fixture::english(),
            )
        };
        // Three of four, and what Wilson's interval makes of so few.
        let holds = claim("gate-noticed", ">=30%", "at least 30 %").unwrap();
        assert!(
            holds
                .starts_with("<span class=\"claim\" title=\"75\u{a0}% (95 % interval 30 to 95\u{a0}%, from 4 samples)"),
            "{holds}"
        );
        assert!(
            claim("gate-noticed", ">=90%", "90 percent")
                .unwrap()
                .contains("claim-inconclusive")
        );
        assert!(
            claim("gate-noticed", "<=25%", "a quarter, or less")
                .unwrap()
                .contains("claim-contradicted")
        );
        assert!(
            claim("ratio-slower", ">=1.01", "slower")
                .unwrap()
                .contains("class=\"claim\"")
        );
        assert!(
            claim("campaigns", ">=6", "six, or more")
                .unwrap()
                .contains("class=\"claim\" title=\"6 (a count)")
        );
        let problem = claim("gate-notice", ">=90%", "most").unwrap_err();
        assert!(problem.help.contains("gate-noticed"), "{problem:?}");
        let problem = claim("cost", ">=90%", "much").unwrap_err();
        assert!(problem.message.contains("no unit of this value"), "{problem:?}");
        let text = "{{#claim self-check.cost <=1s}}little{{/claim}}";
        let mut context = fixture::context(fixture::english());
        context.library.self_check = None;
        let html = render(&directive::directives(text).unwrap()[0], text, "little", &context, None).unwrap();
        assert!(
            html.contains("claim-unmeasured") && html.contains("to measure it: cargo xtask measure --self-check"),
            "{html}"
        );
    }

    #[test]
    fn a_share_in_per_cent_is_the_share() {
        let share = |text: &str| Condition::parse(text, Kind::Unit(Unit::Share)).unwrap();
        assert_eq!(share(">=95%").verdict(&between(0.95, 1.0), None), Verdict::Holds);
        assert_eq!(share("80..95%").verdict(&between(0.8, 0.95), None), Verdict::Holds);
        assert_eq!(share(">=0.95").limits()[0].value, share(">=95%").limits()[0].value);
        let claim = |condition: &str, words: &str| {
            format!("{{{{#claim self-check.found-with-5 {condition}}}}}{words}{{{{/claim}}}}")
        };
        for (condition, english, italian) in [
            (">=95%", "at least 95 %", "almeno il 95 %"),
            (">=0.95", "95 percent", "il 95 per cento"),
            ("<=50%", "half, or less", "la metà o meno"),
            ("80..95%", "80 to 95 %", "dall’80 al 95 %"),
        ] {
            for (words, interface) in [(english, fixture::english()), (italian, fixture::italian())] {
                let read = check(&claim(condition, words), interface);
                assert!(read.is_ok(), "{words}: {read:?}");
            }
        }
        // A bare number is of something else, and a share is not a ratio: 5 % is not what 5 % more would be.
        for (condition, words) in [
            (">=95%", "in 95 campaigns"),
            (">=95%", "at least 90 %"),
            ("<=95%", "5 % less"),
            (">=5%", "five times"),
        ] {
            assert!(check(&claim(condition, words), fixture::english()).is_err(), "{words}");
        }
        let problem = check(&claim(">=95%", "at least 90 %"), fixture::english()).unwrap_err();
        assert!(problem.message.contains("the condition says 95%"), "{problem:?}");
    }

    #[test]
    fn times_in_words_carry_their_own_unit() {
        let claim = |words: &str| format!("{{{{#claim echo.asyncio.cpu <=50us}}}}{words}{{{{/claim}}}}");
        assert!(check(&claim("under 50 µs"), fixture::english()).is_ok());
        assert!(check(&claim("under fifty microseconds"), fixture::english()).is_ok());
        assert!(check(&claim("meno di cinquanta microsecondi"), fixture::italian()).is_ok());
        assert!(check(&claim("under 50 ms"), fixture::english()).is_err());
    }

    #[test]
    fn a_draft_may_say_a_number_as_the_source_does() {
        let language = fixture::italian().language().clone();
        let draft = || {
            let draft = crate::site::Language {
                status: crate::site::Status::Draft,
                ..language.clone()
            };
            Interface::new(draft, None)
        };
        let claim = |words: &str| format!("{{{{#claim echo.asyncio/tokio.cpu >=1500}}}}{words}{{{{/claim}}}}");
        for words in ["at least 1,500 times", "almeno 1.500 volte"] {
            assert!(check(&claim(words), draft()).is_ok(), "{words}");
        }
        assert!(check(&claim("at least 1,500 times"), fixture::italian()).is_err());
        for words in ["at least 1,600 times", "almeno 1.600 volte"] {
            assert!(check(&claim(words), draft()).is_err(), "{words}");
        }
    }

    #[test]
    fn a_claim_shows_its_evidence() {
        let text = "{{#claim echo.asyncio/tokio.cpu >=3}}\nat *least* three times\n{{/claim}}";
        let context = fixture::context(fixture::italian());
        let directive = &directive::directives(text).unwrap()[0];
        let html = render(directive, text, " almeno *tre* ", &context, Some("fig-echo-cpu"));
        // English words in an Italian edition: their numbers are not seen, so they are not checked.
        let html = html.unwrap();
        assert!(
            html.starts_with("<a class=\"claim\" href=\"#fig-echo-cpu\" title=\"4,0"),
            "{html}"
        );
        assert!(html.ends_with("sessioni)\">almeno *tre*</a>"), "{html}");
        let in_link = "[{{#claim echo.asyncio/tokio.cpu >=3}}three{{/claim}}](x.md)";
        let directive = &directive::directives(in_link).unwrap()[0];
        let html = render(directive, in_link, "three", &context, Some("fig-echo-cpu")).unwrap();
        assert!(html.starts_with("<span class=\"claim\""), "{html}");
        let wrong = check(
            "{{#claim echo.asyncio/tokio.cpu <=2}}up to twice{{/claim}}",
            fixture::english(),
        )
        .unwrap();
        assert!(
            wrong.contains("claim-contradicted") && wrong.contains("these results contradict it: "),
            "{wrong}"
        );
    }
}
