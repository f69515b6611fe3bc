//! Where a value stands between the margins of a drawing, and which values get a tick.

use crate::number::{Kind, Scale, decimal};
use crate::site::Language;

/// An axis, horizontal or vertical.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    logarithmic: bool,
    ticks: Vec<f64>,
    /// The unit of all ticks.
    pub scale: Scale,
}

impl Axis {
    /// For values compared by ratios. It spans a factor of two at least, so that a tie looks like one, and ten times the values at
    /// most: an interval that goes on further is cut.
    ///
    /// `values` are the points, `bounds` the ends of their intervals; all positive.
    pub fn logarithmic(values: &[f64], bounds: &[f64], kind: Kind) -> Axis {
        let (lowest, highest) = span(values).unwrap_or((1.0, 1.0));
        let (low, high) = span(bounds).unwrap_or((lowest, highest));
        let (low, high) = (low.clamp(lowest / 10.0, lowest), high.clamp(highest, highest * 10.0));
        let widen = (2.0 / (high / low)).max(1.0).sqrt();
        // A little air, so that no mark stands on the edge.
        let air = (high / low).powf(0.04).max(1.02);
        let (low, high) = (low / widen / air, high * widen * air);
        Axis {
            low,
            high,
            logarithmic: true,
            ticks: logarithmic_ticks(low, high),
            scale: Scale::of(kind, (low * high).sqrt()),
        }
    }

    /// For values that may be zero; it always shows where zero is.
    pub fn linear(bounds: &[f64], kind: Kind) -> Axis {
        let (low, high) = span(bounds).unwrap_or((0.0, 1.0));
        let (low, high) = (low.min(0.0), high.max(0.0));
        // Of nothing but zeros, something still has to be drawn.
        let high = if high > low { high } else { 1.0 };
        let size = high - low;
        let high = high + 0.04 * size;
        let low = if low < 0.0 { low - 0.04 * size } else { low };
        Axis {
            low,
            high,
            logarithmic: false,
            ticks: linear_ticks(low, high),
            scale: Scale::of(kind, low.abs().max(high.abs()) * 0.7),
        }
    }

    /// For values whose distances among themselves matter more than that from zero.
    pub fn close(bounds: &[f64], kind: Kind) -> Axis {
        let (low, high) = span(bounds).unwrap_or((0.0, 1.0));
        let air = if high > low {
            0.04 * (high - low)
        } else {
            0.5 * high.abs().max(1.0)
        };
        let (low, high) = (low - air, high + air);
        Axis {
            low,
            high,
            logarithmic: false,
            ticks: linear_ticks(low, high),
            scale: Scale::of(kind, low.abs().max(high.abs()) * 0.7),
        }
    }

    /// For the values of a parameter, in increasing order, which are its ticks: logarithmic where they span a factor of ten or more. Zero
    /// need not be on it.
    pub fn swept(values: &[f64], kind: Kind) -> Axis {
        let (lowest, highest) = span(values).unwrap_or((0.0, 1.0));
        let logarithmic = lowest > 0.0 && highest / lowest >= 10.0;
        // Room for half a mark and its neighbours on both sides; of a single value, something still has to be drawn.
        let (low, high) = if logarithmic {
            let air = (highest / lowest).powf(0.04);
            (lowest / air, highest * air)
        } else {
            let air = if highest > lowest {
                0.04 * (highest - lowest)
            } else {
                1.0
            };
            (lowest - air, highest + air)
        };
        Axis {
            low,
            high,
            logarithmic,
            ticks: values.to_vec(),
            scale: Scale::of(kind, highest),
        }
    }

    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// Where a value stands, from 0 to 1; `None` beyond the ends.
    pub fn place(&self, value: f64) -> Option<f64> {
        let place = self.share(value);
        // Values at the very ends may come out a hair outside.
        (-1e-9..=1.0 + 1e-9).contains(&place).then(|| place.clamp(0.0, 1.0))
    }

    /// The same, with what is beyond an end put there.
    pub fn clamped(&self, value: f64) -> f64 {
        self.share(value).clamp(0.0, 1.0)
    }

    fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }

    /// Ticks with their labels in the axis' unit.
    pub fn ticks(&self, language: &Language) -> Vec<(f64, String)> {
        self.ticks
            .iter()
            .map(|&tick| (self.share(tick), self.label(tick, language)))
            .collect()
    }

    /// The ticks themselves, in the kind's own unit.
    pub fn tick_values(&self) -> &[f64] {
        &self.ticks
    }

    fn label(&self, tick: f64, language: &Language) -> String {
        let value = self.scale.apply(tick);
        // As many decimals as it takes to tell the tick from its neighbours.
        let decimals = (0..9)
            .find(|&decimals| {
                let rounded: f64 = format!("{value:.decimals$}").parse().unwrap_or(value);
                (rounded - value).abs() <= 1e-6 * value.abs()
            })
            .unwrap_or(9);
        decimal(value, decimals, language)
    }
}

fn span(values: &[f64]) -> Option<(f64, f64)> {
    let low = values.iter().copied().reduce(f64::min)?;
    let high = values.iter().copied().reduce(f64::max)?;
    Some((low, high))
}

/// The coarsest set of round numbers that puts three or more on the axis.
fn logarithmic_ticks(low: f64, high: f64) -> Vec<f64> {
    let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let sets: [&[f64]; 4] = [&[1.0], &[1.0, 3.0], &[1.0, 2.0, 5.0], &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0]];
    for set in sets {
        let mut ticks: Vec<f64> = decades
            .clone()
            .flat_map(|decade| set.iter().map(move |mantissa| mantissa * 10f64.powi(decade)))
            .filter(|tick| (low..=high).contains(tick))
            .collect();
        if ticks.len() >= 3 {
            let every = ticks.len().div_ceil(7);
            ticks = ticks.into_iter().step_by(every).collect();
            return ticks;
        }
    }
    linear_ticks(low, high)
}

/// Four to eight equal steps of one, two or five.
fn linear_ticks(low: f64, high: f64) -> Vec<f64> {
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|mantissa| mantissa * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}

#[cfg(test)]
mod tests {
    use measure::experiment::Unit;

    use super::*;
    use crate::fixture;

    const SECONDS: Kind = Kind::Unit(Unit::Seconds);

    fn labels(axis: &Axis) -> String {
        axis.ticks(fixture::english().language())
            .into_iter()
            .map(|(_, label)| label)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn logarithmic_ticks_are_round_and_few() {
        let axis = |low: f64, high: f64| Axis::logarithmic(&[low, high], &[], SECONDS);
        assert_eq!(labels(&axis(12e-6, 49e-6)), "15 20 30 50");
        assert_eq!(labels(&axis(1e-6, 1.0)), "0.001 0.01 0.1 1 10 100 1,000");
        assert_eq!(labels(&axis(30e-6, 400e-6)), "30 100 300");
        for (low, high) in [
            (12e-6, 49e-6),
            (1e-6, 1.0),
            (0.5, 0.52),
            (3.0, 29.0),
            (1.0, 1e15),
            (2.0, 2.0),
        ] {
            let axis = axis(low, high);
            assert!(
                (3..=8).contains(&axis.ticks.len()),
                "{low} to {high}: {}",
                labels(&axis)
            );
            assert!(axis.ticks.iter().all(|tick| axis.place(*tick).is_some()));
        }
    }

    #[test]
    fn a_tie_looks_like_a_tie() {
        let axis = Axis::logarithmic(&[1.00, 1.02], &[0.99, 1.03], Kind::Ratio);
        let apart = axis.place(1.02).unwrap() - axis.place(1.00).unwrap();
        assert!(apart < 0.05, "{apart}");
    }

    #[test]
    fn equal_ratios_are_equally_far_apart() {
        let axis = Axis::logarithmic(&[1.0, 100.0], &[], SECONDS);
        let at = |value| axis.place(value).unwrap();
        assert!((at(10.0) - at(1.0) - (at(100.0) - at(10.0))).abs() < 1e-9);
    }

    #[test]
    fn a_hopeless_interval_is_cut() {
        let axis = Axis::logarithmic(&[1.0, 2.0], &[1e-9, 1e9], SECONDS);
        assert_eq!(axis.place(1e9), None);
        assert_eq!(axis.clamped(1e9), 1.0);
        assert!(axis.place(1.0).unwrap() > 0.2);
    }

    #[test]
    fn a_close_axis_spends_its_width_on_the_differences() {
        let axis = Axis::close(&[1.02, 1.08], Kind::Ratio);
        assert!(axis.place(1.02).unwrap() < 0.05 && axis.place(1.08).unwrap() > 0.95);
        assert_eq!(labels(&axis), "1.02 1.04 1.06 1.08");
        assert!(Axis::close(&[3.0, 3.0], Kind::Ratio).place(3.0).is_some());
    }

    #[test]
    fn a_sweep_is_logarithmic_from_a_factor_of_ten() {
        let count = Kind::Unit(Unit::Count);
        let decades = Axis::swept(&[10.0, 100.0, 1000.0], count);
        assert!(decades.is_logarithmic());
        let at = |axis: &Axis, value| axis.place(value).unwrap();
        assert!((at(&decades, 100.0) - 0.5).abs() < 1e-9);
        assert!(at(&decades, 10.0) > 0.02 && at(&decades, 1000.0) < 0.98);
        let steps = Axis::swept(&[1.0, 2.0, 3.0], count);
        assert!(!steps.is_logarithmic() && (at(&steps, 2.0) - 0.5).abs() < 1e-9);
        assert!(!Axis::swept(&[0.0, 50.0, 100.0], count).is_logarithmic());
    }

    #[test]
    fn a_linear_axis_shows_zero() {
        let axis = Axis::linear(&[0.0032, 0.0041], SECONDS);
        assert_eq!(axis.place(0.0), Some(0.0));
        assert_eq!(labels(&axis), "0 1 2 3 4");
        assert_eq!(labels(&Axis::linear(&[-0.002, 0.004], SECONDS)), "−2 0 2 4");
        assert_eq!(labels(&Axis::linear(&[0.0, 0.0], Kind::Unit(Unit::Cores))), "0 0.5 1");
        assert_eq!(
            labels(&Axis::linear(&[0.2, 0.9], Kind::Unit(Unit::Cores))),
            "0 0.2 0.4 0.6 0.8"
        );
    }
}
