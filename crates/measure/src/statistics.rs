//! How a value and its uncertainty are estimated from sessions of interleaved rounds.
//!
//! The unit of evidence is the session: rounds within one share the machine's mood and are not independent. Per session there is
//! one number (the median over its rounds); the estimate is the mean over sessions with Student's t interval at 95 %. A value that
//! is compared by ratios is averaged as a logarithm, so that A/B and B/A say the same.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Two-sided confidence of every interval in the book.
pub const CONFIDENCE: f64 = 0.95;

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

/// The mean over sessions with its t interval. `None` without sessions, or where a logarithm is asked of a value that has none.
pub fn estimate(sessions: &[f64], scale: Scale) -> Option<Estimate> {
    let transformed: Vec<f64> = match scale {
        Scale::Linear => sessions.to_vec(),
        Scale::Logarithmic => sessions.iter().map(|v| v.ln()).collect(),
    };
    if transformed.is_empty() || transformed.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let back = |v: f64| match scale {
        Scale::Linear => v,
        Scale::Logarithmic => v.exp(),
    };
    let n = transformed.len() as f64;
    let mean = transformed.iter().sum::<f64>() / n;
    let interval = (transformed.len() >= 2).then(|| {
        let variance = transformed.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0);
        let half = t_quantile(transformed.len() - 1) * (variance / n).sqrt();
        Interval {
            low: back(mean - half),
            high: back(mean + half),
        }
    });
    Some(Estimate {
        value: back(mean),
        interval,
        sessions: transformed.len(),
    })
}

/// The two-sided quantile of Student's t with `freedom` degrees of freedom, at least 1.
fn t_quantile(freedom: usize) -> f64 {
    StudentsT::new(0.0, 1.0, freedom as f64)
        .expect("at least one degree of freedom")
        .inverse_cdf(0.5 + CONFIDENCE / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_agree_with_printed_tables() {
        // Two-sided 95 % points of Student's t, as in any statistical table.
        for (freedom, expected) in [(1, 12.706), (2, 4.303), (4, 2.776), (30, 2.042)] {
            assert!((t_quantile(freedom) - expected).abs() < 5e-4, "{freedom}");
        }
    }

    #[test]
    fn a_ratio_and_its_inverse_agree() {
        let ratios = [1.9, 2.1, 2.05, 2.0];
        let inverse: Vec<f64> = ratios.iter().map(|r| 1.0 / r).collect();
        let a = estimate(&ratios, Scale::Logarithmic).unwrap();
        let b = estimate(&inverse, Scale::Logarithmic).unwrap();
        assert!((a.value * b.value - 1.0).abs() < 1e-12);
        assert!((a.interval.unwrap().low * b.interval.unwrap().high - 1.0).abs() < 1e-12);
    }

    #[test]
    fn one_session_has_no_interval_and_none_has_no_value() {
        assert_eq!(estimate(&[3.0], Scale::Linear).unwrap().interval, None);
        assert_eq!(estimate(&[], Scale::Linear), None);
        assert_eq!(estimate(&[1.0, -1.0], Scale::Logarithmic), None);
    }

    #[test]
    fn the_interval_covers_about_as_often_as_it_promises() {
        use rand::{RngExt, SeedableRng};
        let mut rng = rand::rngs::StdRng::seed_from_u64(7);
        let campaigns = 4000;
        let covered = (0..campaigns)
            .filter(|_| {
                // Sum of twelve uniforms less six: close to a standard normal, with mean 0.
                let sessions: Vec<f64> = (0..5)
                    .map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0)
                    .collect();
                estimate(&sessions, Scale::Linear)
                    .unwrap()
                    .interval
                    .unwrap()
                    .contains(0.0)
            })
            .count() as f64
            / campaigns as f64;
        assert!((covered - CONFIDENCE).abs() < 0.015, "{covered}");
    }

    #[test]
    fn medians() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }
}
