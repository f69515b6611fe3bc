//! How a value and its uncertainty are estimated from sessions of interleaved rounds.
//!
//! The unit of evidence is the session: rounds within one share the machine's mood and are not independent. Per session there is
//! one number (the median over its rounds); the estimate is the mean over sessions with Student's t interval at 95 %. A value that
//! is compared by ratios is averaged as a logarithm, so that A/B and B/A say the same.
//!
//! A campaign may be extended by further sessions where its intervals came out wide. Whoever looks at the width and goes on until it is
//! small stops more often when the sessions happen to agree, and the interval then covers less often than it says. The cure taken here:
//! the t quantile stays that of the sessions planned at first, however many follow (`Sample::planned`). Fixed-width sampling after Chow
//! and Robbins (1965) is the extreme case; the tests below hold the coverage of the rule.
//!
//! Two campaigns are compared by Welch's test, which does not suppose that both scatter alike (B. L. Welch, *The generalization of
//! 'Student's' problem when several different population variances are involved*, Biometrika 34, 1947), and many comparisons are judged
//! together by Holm's procedure, which keeps the chance of even one false alarm among them below a level however they depend on each other
//! (S. Holm, *A simple sequentially rejective multiple test procedure*, Scandinavian Journal of Statistics 6, 1979).

use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, ChiSquared, ContinuousCDF, DiscreteCDF, Normal, StudentsT};

/// Two-sided confidence of every interval in the book.
pub(crate) const CONFIDENCE: f64 = 0.95;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Interval {
    pub fn contains(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A value with its interval; both in the metric's unit, or unitless for a ratio.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    /// Absent with a single session: nothing is then known about how sessions differ.
    pub interval: Option<Interval>,
    pub sessions: usize,
}

/// Whether sessions are averaged as they are or as logarithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Logarithmic,
}

impl Scale {
    /// From the scale to the unit of the values.
    fn back(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Logarithmic => value.exp(),
        }
    }
}

/// The median; the mean of the middle two where their number is even. `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The median with an interval that supposes nothing of how the values are distributed: from one of them to another, so many places from
/// either end that at least 95 % of such intervals contain the median. `None` with fewer than six, of which no two would do.
pub(crate) fn median_estimate(values: &[f64]) -> Option<Estimate> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let below = Binomial::new(0.5, sorted.len() as u64).ok()?;
    // The chance that no more than `cut` values lie below the median: it then lies below an interval that leaves out so many at its end
    // and begins with the next. The other end is like it.
    let tail = |cut: usize| below.cdf(cut as u64);
    let cut = (0..sorted.len() / 2)
        .take_while(|cut| tail(*cut) <= (1.0 - CONFIDENCE) / 2.0)
        .last()?;
    Some(Estimate {
        value: median(&sorted)?,
        interval: Some(Interval {
            low: sorted[cut],
            high: sorted[sorted.len() - 1 - cut],
        }),
        sessions: sorted.len(),
    })
}

/// One number per session, and how many sessions were planned before any was run.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'v> {
    pub sessions: &'v [f64],
    /// At least 2 for an interval that may be narrower than the first sessions alone would give.
    pub planned: usize,
}

impl<'v> Sample<'v> {
    /// A sample whose size was fixed beforehand.
    pub fn fixed(sessions: &'v [f64]) -> Sample<'v> {
        Sample {
            sessions,
            planned: sessions.len(),
        }
    }
}

/// The slope of the least-squares line through `(x, y)`. `None` with fewer than two different x.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / n;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / n;
    let spread: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let together: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    (spread > 0.0).then(|| together / spread)
}

/// The mean over sessions with its t interval. `None` without sessions, or where a logarithm is asked of a value that has none.
pub fn estimate(sample: &Sample<'_>, scale: Scale) -> Option<Estimate> {
    let moments = Moments::of(sample, scale)?;
    if let [value, others @ ..] = sample.sessions
        && others.iter().all(|other| other == value)
    {
        // What is the same in all sessions, as counts often are, is its own mean to the last bit: no detour through sums and logarithms.
        return Some(Estimate {
            value: *value,
            interval: moments.variance.map(|_| Interval {
                low: *value,
                high: *value,
            }),
            sessions: sample.sessions.len(),
        });
    }
    let mean = moments.mean;
    let interval = moments.variance.map(|variance| {
        let half = t_quantile(moments.freedom) * (variance / moments.n).sqrt();
        Interval {
            low: scale.back(mean - half),
            high: scale.back(mean + half),
        }
    });
    Some(Estimate {
        value: scale.back(mean),
        interval,
        sessions: sample.sessions.len(),
    })
}

/// Sample variance with n - 1 in the denominator; 0 with fewer than two values.
pub(crate) fn variance(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)
}

/// The standard deviation with its 95 % interval by the chi-squared distribution, which takes the values for normal. `None` with fewer
/// than two.
pub(crate) fn standard_deviation(values: &[f64]) -> Option<Estimate> {
    let freedom = values.len().checked_sub(1).filter(|freedom| *freedom > 0)? as f64;
    let variance = variance(values);
    let distribution = ChiSquared::new(freedom).ok()?;
    let at = |quantile: f64| (freedom * variance / distribution.inverse_cdf(quantile)).sqrt();
    Some(Estimate {
        value: variance.sqrt(),
        interval: Some(Interval {
            low: at(0.5 + CONFIDENCE / 2.0),
            high: at(0.5 - CONFIDENCE / 2.0),
        }),
        sessions: values.len(),
    })
}

/// The two-sided quantile of the standard normal distribution at [`CONFIDENCE`].
pub(crate) fn normal_quantile() -> f64 {
    Normal::standard().inverse_cdf(0.5 + CONFIDENCE / 2.0)
}

/// Mean and spread of the sessions on a scale.
struct Moments {
    n: f64,
    mean: f64,
    /// Absent with a single session.
    variance: Option<f64>,
    /// Degrees of freedom that the variance counts for: those of the sessions planned at first.
    freedom: f64,
}

impl Moments {
    fn of(sample: &Sample<'_>, scale: Scale) -> Option<Moments> {
        let transformed: Vec<f64> = match scale {
            Scale::Linear => sample.sessions.to_vec(),
            Scale::Logarithmic => sample.sessions.iter().map(|v| v.ln()).collect(),
        };
        if transformed.is_empty() || transformed.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let n = transformed.len() as f64;
        let mean = transformed.iter().sum::<f64>() / n;
        let squares: f64 = transformed.iter().map(|v| (v - mean).powi(2)).sum();
        Some(Moments {
            n,
            mean,
            variance: (transformed.len() >= 2).then(|| squares / (n - 1.0)),
            freedom: transformed.len().min(sample.planned.max(2)) as f64 - 1.0,
        })
    }
}

/// How far apart the means of two samples are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// `new / old` on the logarithmic scale, `new - old` on the linear one.
    pub value: f64,
    pub interval: Interval,
    /// Chance of a difference at least as large, up or down, where there is none.
    pub p: f64,
}

/// Welch's comparison of two samples. `step` is the smallest difference between two values that the measurement can tell, in the unit of
/// the values, 0 where it is negligible: sessions that all fall on one step scatter by less than they could have, and are taken to scatter as
/// if either of two neighbouring steps were as likely. `None` where one sample has fewer than two sessions, or values without a logarithm,
/// or values so large that how they scatter is no number.
pub fn difference(old: &Sample<'_>, new: &Sample<'_>, scale: Scale, step: f64) -> Option<Difference> {
    let (old, new) = (Moments::of(old, scale)?, Moments::of(new, scale)?);
    let variance_of_mean = |moments: &Moments| {
        let step = match scale {
            Scale::Linear => step,
            Scale::Logarithmic => step / moments.mean.exp(),
        };
        Some(moments.variance?.max(step.powi(2) / 4.0) / moments.n)
    };
    let (of_old, of_new) = (variance_of_mean(&old)?, variance_of_mean(&new)?);
    let apart = new.mean - old.mean;
    let variance = of_old + of_new;
    if !apart.is_finite() || !variance.is_finite() {
        return None;
    }
    let (half, p) = if variance == 0.0 {
        (0.0, if apart == 0.0 { 1.0 } else { 0.0 })
    } else {
        // Welch's approximate degrees of freedom, by shares, since the square of a variance may be too large or too small for a number.
        let (old_share, new_share) = (of_old / variance, of_new / variance);
        let freedom = 1.0 / (old_share.powi(2) / old.freedom + new_share.powi(2) / new.freedom);
        let error = variance.sqrt();
        (t_quantile(freedom) * error, 2.0 * t(freedom).sf((apart / error).abs()))
    };
    Some(Difference {
        value: scale.back(apart),
        interval: Interval {
            low: scale.back(apart - half),
            high: scale.back(apart + half),
        },
        p,
    })
}

/// Which of several hypotheses are rejected by Holm's procedure, so that the chance of rejecting even one that is true stays below `level`.
pub(crate) fn holm(p: &[f64], level: f64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut rejected = vec![false; p.len()];
    for (rank, &index) in order.iter().enumerate() {
        if p[index] > level / (p.len() - rank) as f64 {
            break;
        }
        rejected[index] = true;
    }
    rejected
}

/// The two-sided quantile of Student's t with `freedom` degrees of freedom.
fn t_quantile(freedom: f64) -> f64 {
    t(freedom).inverse_cdf(0.5 + CONFIDENCE / 2.0)
}

fn t(freedom: f64) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom).expect("degrees of freedom are positive: there are at least two sessions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_does_so_in_any_unit_or_nothing_is_said_of_it() {
        let p = |factor: f64| {
            let (old, new) = ([1.0, 2.0, 4.0].map(|v| v * factor), [3.0, 4.0, 9.0].map(|v| v * factor));
            Some(difference(&Sample::fixed(&old), &Sample::fixed(&new), Scale::Linear, 0.0)?.p)
        };
        let usual = p(1.0).unwrap();
        assert!((0.1..0.5).contains(&usual), "{usual}");
        // Their variance can be computed, its square cannot.
        for factor in [1e-120, 1e120] {
            assert!((p(factor).unwrap() - usual).abs() < 1e-9, "{factor}: {:?}", p(factor));
        }
        // Nor can their variance, or even the sum.
        assert_eq!(p(1e200), None);
        assert_eq!(p(1e307), None);
    }

    #[test]
    fn the_median_s_interval_is_that_of_the_tables() {
        // Critical values of the two-sided sign test at 5 % are 0 for 6, 1 for 10 and 7 for 25 values; five are too few for any.
        let values = |n: u32| (1..=n).rev().map(f64::from).collect::<Vec<_>>();
        let ends = |n: u32| {
            let estimate = median_estimate(&values(n))?;
            let interval = estimate.interval?;
            Some((interval.low, estimate.value, interval.high))
        };
        assert_eq!(ends(5), None);
        assert_eq!(ends(6), Some((1.0, 3.5, 6.0)));
        assert_eq!(ends(10), Some((2.0, 5.5, 9.0)));
        assert_eq!(ends(25), Some((8.0, 13.0, 18.0)));
    }

    #[test]
    fn quantiles_agree_with_printed_tables() {
        // Two-sided 95 % points of Student's t, as in any statistical table.
        for (freedom, expected) in [(1.0, 12.706), (2.0, 4.303), (4.0, 2.776), (30.0, 2.042)] {
            assert!((t_quantile(freedom) - expected).abs() < 5e-4, "{freedom}");
        }
    }

    #[test]
    fn a_ratio_and_its_inverse_agree() {
        let ratios = [1.9, 2.1, 2.05, 2.0];
        let inverse: Vec<f64> = ratios.iter().map(|r| 1.0 / r).collect();
        let a = estimate(&Sample::fixed(&ratios), Scale::Logarithmic).unwrap();
        let b = estimate(&Sample::fixed(&inverse), Scale::Logarithmic).unwrap();
        assert!((a.value * b.value - 1.0).abs() < 1e-12);
        assert!((a.interval.unwrap().low * b.interval.unwrap().high - 1.0).abs() < 1e-12);
    }

    #[test]
    fn sessions_that_agree_have_their_value_for_mean_to_the_last_bit() {
        for value in [0.1, 3.0, 1003.0 / 1000.0, 123_456_789_012_345.0] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let estimate = estimate(&Sample::fixed(&[value; 7]), scale).unwrap();
                assert_eq!(estimate.value, value);
                assert_eq!(
                    estimate.interval,
                    Some(Interval {
                        low: value,
                        high: value
                    })
                );
            }
        }
        assert_eq!(estimate(&Sample::fixed(&[0.0; 3]), Scale::Linear).unwrap().value, 0.0);
        assert_eq!(estimate(&Sample::fixed(&[0.0; 3]), Scale::Logarithmic), None);
    }

    #[test]
    fn one_session_has_no_interval_and_none_has_no_value() {
        let fixed = |sessions: &[f64], scale| estimate(&Sample::fixed(sessions), scale);
        assert_eq!(fixed(&[3.0], Scale::Linear).unwrap().interval, None);
        assert_eq!(fixed(&[], Scale::Linear), None);
        assert_eq!(fixed(&[1.0, -1.0], Scale::Logarithmic), None);
    }

    /// How often the interval covers the true mean, over simulated campaigns: `planned` sessions, then one more at a time while the
    /// half-width is above `narrow` standard deviations, up to `most`. `frozen` keeps the t quantile of the planned sessions.
    fn coverage(planned: usize, most: usize, narrow: f64, frozen: bool) -> f64 {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand::rngs::StdRng::seed_from_u64(7);
        // Sum of twelve uniforms less six: close to a standard normal, with mean 0.
        let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let campaigns = 8000;
        let covered = (0..campaigns)
            .filter(|_| {
                let mut sessions: Vec<f64> = (0..planned).map(|_| normal()).collect();
                loop {
                    let sample = Sample {
                        sessions: &sessions,
                        planned: if frozen { planned } else { sessions.len() },
                    };
                    let interval = estimate(&sample, Scale::Linear).unwrap().interval.unwrap();
                    if interval.high - interval.low <= 2.0 * narrow || sessions.len() == most {
                        return interval.contains(0.0);
                    }
                    sessions.push(normal());
                }
            })
            .count();
        covered as f64 / campaigns as f64
    }

    #[test]
    fn the_interval_covers_about_as_often_as_it_promises() {
        let covered = coverage(5, 5, 0.0, false);
        assert!((covered - CONFIDENCE).abs() < 0.01, "{covered}");
    }

    #[test]
    fn going_on_while_the_interval_is_wide_costs_coverage_unless_the_quantile_is_frozen() {
        // Widths that stop most campaigns somewhere between the fifth session and the tenth.
        for narrow in [0.5, 0.7, 0.9, 1.1, 1.4] {
            let covered = coverage(5, 10, narrow, true);
            assert!(covered > CONFIDENCE - 0.008, "{narrow}: {covered}");
        }
        // Without that, the same rule would promise more than it keeps.
        let naive = [0.5, 0.7, 0.9, 1.1, 1.4].map(|narrow| coverage(5, 10, narrow, false));
        assert!(naive.iter().any(|covered| *covered < CONFIDENCE - 0.015), "{naive:?}");
    }

    #[test]
    fn a_standard_deviation_has_the_interval_of_the_tables() {
        // Ten values: chi-squared with 9 degrees of freedom has 2.700 and 19.023 at 2.5 and 97.5 %.
        let values: Vec<f64> = (0..10).map(f64::from).collect();
        let deviation = standard_deviation(&values).unwrap();
        let interval = deviation.interval.unwrap();
        assert!((deviation.value - 3.02765).abs() < 1e-5);
        assert!((interval.low - 3.02765 * (9.0f64 / 19.023).sqrt()).abs() < 1e-3);
        assert!((interval.high - 3.02765 * (9.0f64 / 2.700).sqrt()).abs() < 1e-2);
        assert_eq!(standard_deviation(&[1.0]), None);
    }

    #[test]
    fn two_samples_are_compared_as_welch_does() {
        // What scipy.stats.ttest_ind(new, old, equal_var=False) of SciPy gives: 5.818 degrees of freedom, p, and the 95 % interval.
        let (old, new) = ([9.0, 10.0, 11.0], [10.0, 12.0, 13.0, 14.0, 16.0]);
        let found = difference(&Sample::fixed(&old), &Sample::fixed(&new), Scale::Linear, 0.0).unwrap();
        assert!((found.value - 3.0).abs() < 1e-12, "{found:?}");
        assert!((found.p - 0.041_935_955).abs() < 1e-8, "{found:?}");
        assert!((found.interval.low - 0.153_007_898).abs() < 1e-7, "{found:?}");
        assert!((found.interval.high - 5.846_992_102).abs() < 1e-7, "{found:?}");
        let same = difference(&Sample::fixed(&old), &Sample::fixed(&old), Scale::Logarithmic, 0.0).unwrap();
        assert!((same.value - 1.0).abs() < 1e-12 && (same.p - 1.0).abs() < 1e-12);
        assert_eq!(
            difference(&Sample::fixed(&old[..1]), &Sample::fixed(&new), Scale::Linear, 0.0),
            None
        );
    }

    #[test]
    fn values_on_neighbouring_steps_of_a_coarse_clock_do_not_differ() {
        let (old, new) = ([100e-6; 5], [101e-6; 5]);
        let p = |step| {
            difference(&Sample::fixed(&old), &Sample::fixed(&new), Scale::Logarithmic, step)
                .unwrap()
                .p
        };
        assert_eq!(p(0.0), 0.0);
        assert!(p(1e-6) > 0.01, "{}", p(1e-6));
    }

    #[test]
    fn sessions_that_were_added_do_not_make_a_difference_surer_than_was_planned() {
        let (old, new) = ([1.0, 1.1, 0.9, 1.0, 1.05, 0.95], [1.2, 1.3, 1.1, 1.2, 1.25, 1.15]);
        let p = |planned| {
            let sample = |sessions| Sample { sessions, planned };
            difference(&sample(&old), &sample(&new), Scale::Linear, 0.0).unwrap().p
        };
        assert!(p(3) > 2.0 * p(6), "{} {}", p(3), p(6));
    }

    #[test]
    fn holms_procedure_stops_at_the_first_that_stands() {
        // Holm's levels for four at 5 %: 0.0125, 0.0167, 0.025, 0.05. The third fails, so the fourth is not looked at.
        assert_eq!(holm(&[0.04, 0.01, 0.03, 0.015], 0.05), [false, true, false, true]);
        assert_eq!(holm(&[0.013, 0.013, 0.013, 0.013], 0.05), [false; 4]);
        assert_eq!(holm(&[], 0.05), [] as [bool; 0]);
    }

    #[test]
    fn slopes() {
        assert_eq!(slope(&[(1.0, 10.0), (3.0, 16.0)]), Some(3.0));
        assert_eq!(slope(&[(1.0, 10.0), (1.0, 16.0)]), None);
        assert_eq!(slope(&[]), None);
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
