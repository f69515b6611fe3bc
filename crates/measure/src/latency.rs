//! Latencies in whole microseconds, as phases store them: how often each came, to two significant digits, so that a run takes little room.

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use crate::results::Phase;

/// More of them in one phase are refused: to keep them costs the program under test memory, and to print them time.
pub(crate) const REPORTED_AT_MOST: usize = 20_000;

/// Takes latencies of any length as they come. The histogram grows with them, which those of its methods that cannot fail do not let it:
/// they make of all that is longer than what it has room for something short.
#[derive(Debug, Clone)]
pub struct Recorder(Histogram<u64>);

impl Recorder {
    pub fn new() -> Result<Recorder> {
        Ok(Recorder(Histogram::new(2)?))
    }

    /// Fails only where memory for one so long cannot be had.
    pub fn record(&mut self, microseconds: u64) -> Result<()> {
        Ok(self.0.record(microseconds)?)
    }

    /// How many latencies there are.
    pub fn waits(&self) -> u64 {
        self.0.len()
    }

    /// The latency that so large a share of all does not exceed, in seconds.
    pub fn quantile(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1e6
    }

    /// As they are stored: values with their counts, in increasing order.
    pub fn stored(&self) -> Vec<(u64, u64)> {
        self.0
            .iter_recorded()
            .map(|value| (value.value_iterated_to(), value.count_at_value()))
            .collect()
    }
}

/// Those that a program listed, as they are stored.
pub(crate) fn of_list(microseconds: &[u64]) -> Result<Vec<(u64, u64)>> {
    ensure!(
        microseconds.len() <= REPORTED_AT_MOST,
        "it reports {} latencies in `latencies_us`, at most {REPORTED_AT_MOST} are taken: report every tenth, say, or wait less often",
        microseconds.len()
    );
    let mut recorder = Recorder::new()?;
    for &latency in microseconds {
        recorder.record(latency)?;
    }
    Ok(recorder.stored())
}

/// All latencies of several phases together: an average of percentiles is no percentile.
#[derive(Debug, Clone)]
pub struct Distribution(Histogram<u64>);

impl Distribution {
    /// `None` where no latency was taken, or more are said to be than can be counted.
    pub fn of<'p>(phases: impl IntoIterator<Item = &'p Phase>) -> Option<Distribution> {
        let mut merged: Histogram<u64> = Histogram::new(3).ok()?;
        let mut waits: u64 = 0;
        for phase in phases {
            for &(microseconds, count) in &phase.latency {
                waits = waits.checked_add(count)?;
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
    fn long_latencies_stay_long() {
        let mut recorder = Recorder::new().unwrap();
        for microseconds in [200, 300, 5_000, 2_000_000] {
            recorder.record(microseconds).unwrap();
        }
        assert_eq!(recorder.waits(), 4);
        let stored: Vec<u64> = recorder.stored().into_iter().map(|(value, _)| value).collect();
        for (stored, recorded) in stored.iter().zip([200.0, 300.0, 5_000.0, 2_000_000.0]) {
            assert!((*stored as f64 / recorded - 1.0).abs() < 0.01, "{stored} of {recorded}");
        }
        assert!((recorder.quantile(1.0) - 2.0).abs() < 0.02);
    }

    #[test]
    fn too_many_are_refused_with_both_numbers() {
        let error = of_list(&vec![1; REPORTED_AT_MOST + 1]).unwrap_err().to_string();
        assert!(error.contains("20001") && error.contains("at most 20000"), "{error}");
    }

    #[test]
    fn more_latencies_than_can_be_counted_have_no_distribution() {
        let (_, results) = crate::results::tests::sample();
        let mut phase = results.runs[0].phases["p"].clone();
        phase.latency = vec![(100, u64::MAX - 1), (200, 1)];
        let all = Distribution::of([&phase]).unwrap();
        assert_eq!(all.waits(), u64::MAX);
        assert!((all.quantile(0.5) - 100e-6).abs() < 1e-6);
        assert!(Distribution::of([&phase, &phase]).is_none());
    }

    #[test]
    fn the_longest_wait_of_all_can_be_recorded() {
        let stored = of_list(&[u64::MAX / 2]).unwrap();
        assert!((stored[0].0 as f64 / (u64::MAX / 2) as f64 - 1.0).abs() < 0.01);
    }
}
