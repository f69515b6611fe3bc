//! What a curve of ratios shows: `{{#figure EXPERIMENT METRIC over PARAMETER of A/B C/D against 1+PARAMETER}}caption{{/figure}}`.
//!
//! A line for each pair of programs: the paired ratios of the first to the second at each value of the sweep. `against`, which may be left
//! out, adds the line of a formula.

use measure::experiment::{Experiment, Metric, Program, Unit};

use super::curve::Sweep;
use crate::interface::Interface;
use crate::number;
use crate::reference::{self, Problem};

/// Which programs are compared, and with what formula.
#[derive(Debug, Clone)]
pub struct Gain<'a> {
    /// Each divided by its second.
    pub pairs: Vec<(&'a Program, &'a Program)>,
    pub formula: Option<Formula>,
}

/// What a ratio should be by somebody's reckoning, given the value of the swept parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Formula {
    /// One and the value.
    OnePlus,
}

impl<'a> Gain<'a> {
    /// Reads the words behind `of`, and those behind `against`.
    pub fn parse(
        pairs: &[&str],
        formula: Option<&[&str]>,
        metric: &Metric,
        parameter: &str,
        experiment: &'a Experiment,
    ) -> Result<Gain<'a>, Problem> {
        if !metric.quantity.has_ratios() {
            return Err(Problem::new(
                format!("`{}` is not compared by ratios: its values may be zero", metric.id),
                "leave out `of`, and show the values themselves",
            ));
        }
        let mut read = Vec::new();
        for pair in pairs {
            let Some((first, second)) = pair.split_once('/').filter(|(first, second)| first != second) else {
                return Err(Problem::new(
                    format!("`{pair}` is not a pair of programs"),
                    "write `of A/B C/D`: the ratios of A to B, and of C to D",
                ));
            };
            read.push((
                reference::program(first, experiment)?,
                reference::program(second, experiment)?,
            ));
        }
        if read.is_empty() {
            return Err(Problem::new(
                "no pair of programs stands behind `of`",
                "write `of A/B C/D`: the ratios of A to B, and of C to D",
            ));
        }
        Ok(Gain {
            pairs: read,
            formula: formula.map(|words| Formula::parse(words, parameter)).transpose()?,
        })
    }

    /// What the formula, if there is one, says at each of these values.
    pub fn expected(&self, values: &[f64]) -> Vec<f64> {
        let formula = self.formula.into_iter();
        formula
            .flat_map(|formula| values.iter().map(move |value| formula.at(*value)))
            .collect()
    }
}

/// What a pair is called, on its line and in its row.
pub fn label((first, second): (&Program, &Program), interface: &Interface) -> String {
    format!("{} / {}", interface.label(&first.label), interface.label(&second.label))
}

/// What a drawing and a table of ratios are headed by.
pub fn heading(metric: &Metric, interface: &Interface) -> String {
    interface.fill("{metric}, as a ratio", &[("metric", &interface.label(&metric.label))])
}

impl Formula {
    fn parse(words: &[&str], parameter: &str) -> Result<Formula, Problem> {
        match words {
            [word] if *word == format!("1+{parameter}") => Ok(Formula::OnePlus),
            _ => Err(Problem::new(
                format!("`{}` is no formula", words.join(" ")),
                format!("the one there is: `against 1+{parameter}`"),
            )),
        }
    }

    pub fn at(self, value: f64) -> f64 {
        match self {
            Formula::OnePlus => 1.0 + value,
        }
    }

    pub fn label(self, sweep: &Sweep<'_>, interface: &Interface) -> String {
        match self {
            Formula::OnePlus => format!("1 + {}", sweep.label(interface)),
        }
    }

    /// What it says at a value, in digits.
    pub fn shown(self, value: f64, interface: &Interface) -> String {
        format!("{}×", number::exact(self.at(value), Unit::Count, interface))
    }

    /// Places along the sweep, close enough for a line through them to look like the formula's.
    pub fn places(sweep: &Sweep<'_>, logarithmic: bool) -> Vec<f64> {
        const STEPS: u32 = 40;
        let (Some(first), Some(last)) = (sweep.values.first(), sweep.values.last()) else {
            return Vec::new();
        };
        (0..=STEPS)
            .map(|step| {
                let share = f64::from(step) / f64::from(STEPS);
                match logarithmic {
                    true => first * (last / first).powf(share),
                    false => first + (last - first) * share,
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_names_the_parameter_that_is_swept() {
        assert_eq!(Formula::parse(&["1+ratio"], "ratio"), Ok(Formula::OnePlus));
        for words in [&["1+size"][..], &["1", "+", "ratio"], &["ratio"], &[]] {
            assert!(Formula::parse(words, "ratio").is_err(), "{words:?}");
        }
        assert_eq!(Formula::OnePlus.at(10.0), 11.0);
    }

    #[test]
    fn its_places_begin_and_end_with_the_sweep() {
        let sweep = Sweep {
            parameter: "ratio",
            values: &[1.0, 10.0, 100.0],
            unit: Unit::Count,
        };
        for logarithmic in [true, false] {
            let places = Formula::places(&sweep, logarithmic);
            let (first, last) = (places[0], places[places.len() - 1]);
            assert!((first - 1.0).abs() < 1e-9 && (last - 100.0).abs() < 1e-9, "{places:?}");
            assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        }
        assert!((Formula::places(&sweep, true)[20] - 10.0).abs() < 1e-9);
    }
}
