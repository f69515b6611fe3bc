//! A comparison in sentences.

use super::{By, Change, Circumstance, Compared, Comparison, Only, Side, Verdict};
use crate::experiment::Unit;

impl Comparison {
    /// One sentence to a line: first what the two are and what else differs, then what changed, then what did not, then what only one has.
    pub fn in_words(&self) -> Vec<String> {
        let mut lines = vec![side("old", &self.old), side("new", &self.new)];
        if !self.same_machine {
            lines.push(
                "The machines differ, so values are not compared with each other: only ratios are compared, each of two programs on one machine."
                    .to_owned(),
            );
        }
        let all: usize = experiments(self);
        lines.extend(self.circumstances.iter().map(|one| circumstance(one, all)));
        lines.extend(self.changed().map(compared));
        let count = |verdict| self.of(verdict).count();
        let unchanged = count(Verdict::NotBeyondNoise);
        let of_them = if self.same_machine {
            "values and ratios"
        } else {
            "ratios"
        };
        lines.push(match (self.changed().count(), unchanged) {
            (0, 0) => "Nothing could be compared.".to_owned(),
            (0, _) => format!("Nothing changed beyond noise: {unchanged} {of_them} compared."),
            (changed, _) => format!("{changed} {of_them} changed beyond noise, {unchanged} did not."),
        });
        let undecided = count(Verdict::Undecided);
        if undecided > 0 {
            lines.push(format!(
                "{undecided} {of_them} cannot be judged: one of the two has too few sessions, or values of zero."
            ));
        }
        for experiment in &self.unknown {
            lines.push(format!(
                "{experiment} is in both, but this checkout has no such experiment, so its metrics are not known."
            ));
        }
        for (which, list) in [("old", &self.only_old), ("new", &self.only_new)] {
            lines.extend(list.iter().map(|one| format!("only in the {which}: {}", only(one))));
        }
        lines
    }
}

/// Experiments that both sets have.
fn experiments(comparison: &Comparison) -> usize {
    let mut names: Vec<&str> = comparison
        .compared
        .iter()
        .map(|one| one.experiment.as_str())
        .chain(
            comparison
                .circumstances
                .iter()
                .flat_map(|one| one.experiments.iter().map(String::as_str)),
        )
        .collect();
    names.sort_unstable();
    names.dedup();
    names.len()
}

fn side(which: &str, side: &Side) -> String {
    let day = |time: &str| time.split('T').next().unwrap_or(time).to_owned();
    let (from, to) = (day(&side.from), day(&side.to));
    let when = if from == to { from } else { format!("{from} to {to}") };
    format!("{which}: {}, on {}, measured {when}", side.name, side.machine)
}

fn circumstance(one: &Circumstance, all: usize) -> String {
    let mut text = match (&one.old, &one.new) {
        (Some(old), Some(new)) => format!("{}: {old} before, {new} now", one.what),
        (Some(old), None) => format!("{}: {old} before, nothing now", one.what),
        (None, new) => format!(
            "{}: nothing before, {} now",
            one.what,
            new.as_deref().unwrap_or("nothing")
        ),
    };
    // Of all or of one there is nothing to tell apart.
    if all > 1 && one.experiments.len() < all {
        text = format!("{text} (in {})", one.experiments.join(", "));
    }
    text
}

fn only(one: &Only) -> String {
    let mut text = one.experiment.clone();
    if let Some(program) = &one.program {
        text = format!("{text}, {program}{}", one.point.as_deref().unwrap_or_default());
    }
    if let Some(metric) = &one.metric {
        text = format!("{text}, {metric}");
    }
    text
}

/// What became of one value or ratio, for one that has a change.
fn compared(one: &Compared) -> String {
    let Some(change) = one.change else {
        return format!(
            "{}, {}{}: {} cannot be judged",
            one.experiment, one.program, one.point, one.label
        );
    };
    match (&one.against, one.by) {
        (Some(control), _) => {
            let width = (change.high - change.low) * one.old;
            format!(
                "{}: against its control ({control}) {}{} went from {} to {} in {}: it {}",
                one.experiment,
                one.program,
                one.point,
                rounded(one.old, width),
                rounded(one.new, width),
                one.label,
                by_factor(change)
            )
        }
        (None, By::Factor) => {
            format!(
                "{}, {}{}: {} {}",
                one.experiment,
                one.program,
                one.point,
                one.label,
                by_factor(change)
            )
        }
        (None, By::Difference) => {
            let (low, high) = ordered(change.low, change.high);
            let (scale, unit) = scaled(one.unit, one.old.abs().max(one.new.abs()).max(high));
            let width = (high - low) * scale;
            let say = |value: f64| rounded(value * scale, width);
            format!(
                "{}, {}{}: {} {} from {} to {} {unit}, by {} {unit} (between {} and {} {unit})",
                one.experiment,
                one.program,
                one.point,
                one.label,
                if change.value < 0.0 { "fell" } else { "rose" },
                say(one.old),
                say(one.new),
                say(change.value.abs()),
                say(low),
                say(high)
            )
        }
    }
}

/// `fell by 12 % (between 10 and 14 %)`.
fn by_factor(change: Change) -> String {
    /// From here on a multiple is easier to imagine than a percentage.
    const MULTIPLE: f64 = 2.0;
    if change.value >= MULTIPLE {
        let say = |value| rounded(value, change.high - change.low);
        return format!(
            "rose to {} times what it was (between {} and {} times)",
            say(change.value),
            say(change.low),
            say(change.high)
        );
    }
    let percent = |factor: f64| (factor - 1.0).abs() * 100.0;
    let (low, high) = ordered(percent(change.low), percent(change.high));
    let say = |value| rounded(value, high - low);
    format!(
        "{} by {} % (between {} and {} %)",
        if change.value < 1.0 { "fell" } else { "rose" },
        say(percent(change.value)),
        say(low),
        say(high)
    )
}

/// Distances from no change, the smaller first: what is said to have changed has an interval on one side of it.
fn ordered(a: f64, b: f64) -> (f64, f64) {
    let (a, b) = (a.abs(), b.abs());
    (a.min(b), a.max(b))
}

/// With as many decimals as an interval of that width justifies.
fn rounded(value: f64, width: f64) -> String {
    let decimals = if width > 0.0 && width.is_finite() {
        (-(width / 2.0).log10()).ceil().clamp(0.0, 6.0) as usize
    } else {
        2
    };
    format!("{value:.decimals$}")
}

/// By what to multiply a value, and the unit it then has, so that the largest to be shown is at least 1.
fn scaled(unit: Option<Unit>, largest: f64) -> (f64, &'static str) {
    match unit {
        Some(Unit::Seconds) if largest >= 1.0 => (1.0, "s"),
        Some(Unit::Seconds) if largest >= 1e-3 => (1e3, "ms"),
        Some(Unit::Seconds) => (1e6, "µs"),
        Some(Unit::Milliseconds) => (1.0, "ms"),
        Some(Unit::Bytes) => (1.0, "bytes"),
        Some(Unit::PerSecond) => (1.0, "per second"),
        Some(Unit::Cores) => (1.0, "cores"),
        Some(Unit::Share) => (100.0, "%"),
        Some(Unit::Count) | None => (1.0, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(by: By, unit: Option<Unit>, (old, new): (f64, f64), change: (f64, f64, f64)) -> Compared {
        Compared {
            experiment: "tcp-echo".to_owned(),
            program: "tokio".to_owned(),
            point: String::new(),
            metric: "cpu".to_owned(),
            label: "server CPU per request".to_owned(),
            unit,
            against: None,
            old,
            new,
            by,
            change: Some(Change {
                value: change.0,
                low: change.1,
                high: change.2,
                p: 0.0,
            }),
            verdict: Verdict::Changed,
        }
    }

    #[test]
    fn values_fall_and_rise_by_what_their_intervals_justify() {
        let factor = |change| compared(&one(By::Factor, Some(Unit::Seconds), (1.0, 0.9), change));
        assert_eq!(
            factor((0.88, 0.86, 0.90)),
            "tcp-echo, tokio: server CPU per request fell by 12 % (between 10 and 14 %)"
        );
        assert!(factor((1.0512, 1.0501, 1.0523)).ends_with("rose by 5.1 % (between 5.0 and 5.2 %)"));
        assert!(factor((3.12, 2.8, 3.5)).ends_with("rose to 3.1 times what it was (between 2.8 and 3.5 times)"));
    }

    #[test]
    fn differences_have_units() {
        let text = |unit, values, change| compared(&one(By::Difference, Some(unit), values, change));
        assert_eq!(
            text(Unit::Seconds, (0.0031, 0.0012), (-0.0019, -0.0022, -0.0016)),
            "tcp-echo, tokio: server CPU per request fell from 3.1 to 1.2 ms, by 1.9 ms (between 1.6 and 2.2 ms)"
        );
        assert!(
            text(Unit::Cores, (0.5, 0.75), (0.25, 0.2, 0.3))
                .ends_with("from 0.50 to 0.75 cores, by 0.25 cores (between 0.20 and 0.30 cores)")
        );
    }

    #[test]
    fn ratios_name_both_programs() {
        let mut ratio = one(By::Factor, None, (1.9, 2.1), (1.105, 1.07, 1.14));
        ratio.against = Some("tokio".to_owned());
        ratio.program = "uvloop".to_owned();
        ratio.point = "@connections=1000".to_owned();
        assert_eq!(
            compared(&ratio),
            "tcp-echo: against its control (tokio) uvloop@connections=1000 went from 1.90 to 2.10 in server CPU per request: \
             it rose by 10 % (between 7 and 14 %)"
        );
    }
}
