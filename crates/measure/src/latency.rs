//! Latencies in whole microseconds, as phases store them: how often each came, to two significant digits, so that a run takes little room.

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use crate::results::Phase;

/// More of them in one phase are refused: to keep them costs the program under test memory, and to print them time.
pub const REPORTED_AT_MOST: usize = 20_000;

/// What to record into.
pub fn recorder() -> Histogram<u64> {
    Histogram::new(2).expect("two digits are within what histograms can have")
}

/// As it is stored: values with their counts, in increasing order.
pub fn stored(histogram: &Histogram<u64>) -> Vec<(u64, u64)> {
    histogram
        .iter_recorded()
        .map(|value| (value.value_iterated_to(), value.count_at_value()))
        .collect()
}

/// Those that a program listed, as they are stored.
pub fn of_list(microseconds: &[u64]) -> Result<Vec<(u64, u64)>> {
    ensure!(
        microseconds.len() <= REPORTED_AT_MOST,
        "it reports {} latencies in `latencies_us`, at most {REPORTED_AT_MOST} are taken: report every tenth, say, or wait less often",
        microseconds.len()
    );
    let mut histogram = recorder();
    for &latency in microseconds {
        histogram.record(latency)?;
    }
    Ok(stored(&histogram))
}

/// All latencies of several phases together: an average of percentiles is no percentile.
#[derive(Debug, Clone)]
pub struct Distribution(Histogram<u64>);

impl Distribution {
    /// `None` where no latency was taken.
    pub fn of<'p>(phases: impl IntoIterator<Item = &'p Phase>) -> Option<Distribution> {
        let mut merged: Histogram<u64> = Histogram::new(3).ok()?;
        for phase in phases {
            for &(microseconds, count) in &phase.latency {
                merged.record_n(microseconds, count).ok()?;
            }
        }
        (!merged.is_empty()).then_some(Distribution(merged))
    }

    /// How many latencies there are.
    pub fn waits(&self) -> u64 {
        self.0.len()
    }

    /// The latency that so large a share of all does not exceed, in seconds; the longest at 1.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_stored_sorted_and_counted() {
        assert_eq!(of_list(&[15, 0, 12, 15]).unwrap(), [(0, 1), (12, 1), (15, 2)]);
        assert_eq!(of_list(&[]).unwrap(), []);
        let all: Vec<u64> = (0..REPORTED_AT_MOST as u64).map(|n| n * 50).collect();
        let stored = of_list(&all).unwrap();
        assert_eq!(stored.iter().map(|(_, count)| count).sum::<u64>(), all.len() as u64);
        assert!(stored.len() < 2000, "{}", stored.len());
        // Two digits: within a hundredth of the largest.
        let largest = stored.last().unwrap().0 as f64;
        assert!((largest / *all.last().unwrap() as f64 - 1.0).abs() < 0.01, "{largest}");
    }

    #[test]
    fn too_many_are_refused_with_both_numbers() {
        let error = of_list(&vec![1; REPORTED_AT_MOST + 1]).unwrap_err().to_string();
        assert!(error.contains("20001") && error.contains("at most 20000"), "{error}");
    }

    #[test]
    fn the_longest_wait_of_all_can_be_recorded() {
        let stored = of_list(&[u64::MAX / 2]).unwrap();
        assert!((stored[0].0 as f64 / (u64::MAX / 2) as f64 - 1.0).abs() < 0.01);
    }
}
