//! What a program under test prints as its last line, and how it becomes phases of a run.
//!
//! ```json
//! {"result": 42, "phases": {"naps": {"seconds": 3.0, "cpu_seconds": 0.1, "work": 3, "counts": {"polls": 7}, "latencies_us": [12, 15],
//!  "series": {"memory_bytes": [[0, 9000000], [10, 9100000]]}}}}
//! ```

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::experiment::{Experiment, Program};
use crate::latency;
use crate::results::Phase;

/// More points in one series are refused: results are kept for every run, and no figure shows more.
pub(crate) const POINTS_AT_MOST: usize = 2_000;

/// The answer and the phases.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportLine {
    pub result: Value,
    pub phases: BTreeMap<String, Phase>,
}

/// The line as it is written.
#[derive(Deserialize)]
struct Line {
    result: Value,
    phases: BTreeMap<String, Reported>,
}

/// A phase as a program reports it; what the harness finds out by itself is not among it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported {
    seconds: f64,
    work: u64,
    cpu_seconds: f64,
    #[serde(default)]
    memory_bytes: Option<u64>,
    #[serde(default)]
    spans: Vec<(f64, f64)>,
    #[serde(default)]
    counts: BTreeMap<String, u64>,
    #[serde(default)]
    latencies_us: Vec<u64>,
    #[serde(default)]
    series: BTreeMap<String, Vec<(u64, u64)>>,
}

impl ReportLine {
    /// Reads what a program printed.
    pub fn parse(stdout: &str) -> Result<ReportLine> {
        let line = stdout
            .trim_end()
            .lines()
            .next_back()
            .context("it printed nothing; its last line must be the JSON report")?;
        // A list of latencies would bury what is said of it.
        let shown = shortened(line);
        let report: Line =
            serde_json::from_str(line).with_context(|| format!("its last line is not a JSON report: {shown}"))?;
        let phases = report.phases.into_iter().map(|(name, phase)| {
            ensure!(
                phase.seconds > 0.0 && phase.cpu_seconds >= 0.0 && phase.work > 0,
                "phase `{name}` reports no sensible time or work: {shown}"
            );
            let phase = phase.stored().with_context(|| format!("phase `{name}`"))?;
            Ok((name, phase))
        });
        Ok(ReportLine {
            result: report.result,
            phases: phases.collect::<Result<_>>()?,
        })
    }
}

impl Reported {
    fn stored(self) -> Result<Phase> {
        for (name, points) in &self.series {
            check_points(points).with_context(|| format!("series `{name}`"))?;
        }
        Ok(Phase {
            seconds: self.seconds,
            work: self.work,
            cpu_seconds: self.cpu_seconds,
            memory_bytes: self.memory_bytes,
            peer_cpu_seconds: None,
            offered_per_second: None,
            late_p99_seconds: None,
            spans: self.spans,
            counts: self.counts,
            latency: latency::of_list(&self.latencies_us)?,
            series: self.series,
        })
    }
}

/// That there are some points, not too many, in the order of time.
fn check_points(points: &[(u64, u64)]) -> Result<()> {
    ensure!(
        !points.is_empty(),
        "it has no point: report `[[milliseconds, value], ...]`, or leave the series out"
    );
    ensure!(
        points.len() <= POINTS_AT_MOST,
        "it has {} points, at most {POINTS_AT_MOST} are taken: look less often (a figure needs no more than 200)",
        points.len()
    );
    if let Some([(before, _), (after, _)]) = points.array_windows().find(|[(before, _), (after, _)]| after < before) {
        bail!("a point at {after} ms stands behind one at {before} ms: report points in the order of time");
    }
    Ok(())
}

/// Text that a message can hold.
fn shortened(line: &str) -> String {
    const SHOWN: usize = 1000;
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{} ...", &line[..end]),
        None => line.to_owned(),
    }
}

/// That the phases of a run hold all that the metrics of the experiment are read from.
pub fn check(experiment: &Experiment, program: &Program, phases: &BTreeMap<String, Phase>) -> Result<()> {
    for metric in experiment.metrics.iter().filter(|metric| !metric.phase.is_empty()) {
        let (program, id) = (&program.id, &metric.id);
        let phase = phases.get(&metric.phase).with_context(|| {
            format!(
                "program `{program}` reports no phase `{}`, which metric `{id}` is read from",
                metric.phase
            )
        })?;
        ensure!(
            metric.quantity.latency_quantile().is_none() || !phase.latency.is_empty() || experiment.load.is_some(),
            "program `{program}` reports no `latencies_us` in phase `{}`, which metric `{id}` is read from",
            metric.phase
        );
        if let Some(count) = &metric.of {
            ensure!(
                phase.counts.contains_key(count),
                "program `{program}` reports no count `{count}` in phase `{}`, which metric `{id}` is read from; {}",
                metric.phase,
                known(&phase.counts)
            );
        }
    }
    Ok(())
}

/// The counts that there are, in words.
fn known(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "the phase has no `counts` at all".to_owned();
    }
    let names: Vec<String> = counts.keys().map(|name| format!("`{name}`")).collect();
    format!("its counts are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Quantity;
    use crate::results::tests::sample;

    fn error(stdout: &str) -> String {
        format!("{:#}", ReportLine::parse(stdout).err().unwrap())
    }

    fn with(more: &str) -> String {
        format!(r#"{{"result": 1, "phases": {{"p": {{"seconds": 1.0, "cpu_seconds": 0, "work": 2{more}}}}}}}"#)
    }

    #[test]
    fn a_program_that_reports_nothing_is_told_what_is_expected() {
        assert!(error("").contains("printed nothing"));
        assert!(error("hello\n").contains("not a JSON report: hello"));
        let zero = r#"{"result": 1, "phases": {"p": {"seconds": 0.0, "cpu_seconds": 0, "work": 1}}}"#;
        assert!(error(zero).contains("no sensible time"));
    }

    #[test]
    fn counts_are_read_to_the_last_digit_and_are_whole_and_not_negative() {
        let line = with(r#", "counts": {"polls": 0, "virtual_bytes": 18446744073709551615}"#);
        let phase = &ReportLine::parse(&line).unwrap().phases["p"];
        assert_eq!(phase.counts["polls"], 0);
        assert_eq!(phase.counts["virtual_bytes"], u64::MAX);
        for wrong in ["-1", "1.5", "1.0", "\"7\"", "null"] {
            let error = error(&with(&format!(r#", "counts": {{"polls": {wrong}}}"#)));
            assert!(error.contains("expected u64"), "{wrong}: {error}");
        }
        assert!(error(&with(r#", "count": {"polls": 1}"#)).contains("unknown field `count`"));
    }

    #[test]
    fn latencies_become_a_histogram() {
        let line = with(r#", "latencies_us": [15, 12, 15]"#);
        assert_eq!(
            ReportLine::parse(&line).unwrap().phases["p"].latency,
            [(12, 1), (15, 2)]
        );
        let many = format!(", \"latencies_us\": [{}]", vec!["7"; 20_001].join(","));
        let error = error(&with(&many));
        assert!(error.contains("phase `p`: it reports 20001 latencies"), "{error}");
    }

    #[test]
    fn a_series_is_kept_point_by_point_and_its_time_goes_on() {
        let series = |points: &str| with(&format!(r#", "series": {{"memory_bytes": {points}}}"#));
        let phase = &ReportLine::parse(&series("[[0, 18446744073709551615], [10, 0], [10, 7]]"))
            .unwrap()
            .phases["p"];
        assert_eq!(phase.series["memory_bytes"], [(0, u64::MAX), (10, 0), (10, 7)]);
        let backwards = error(&series("[[0, 1], [11, 1], [10, 2]]"));
        assert!(
            backwards.contains("phase `p`: series `memory_bytes`: a point at 10 ms stands behind one at 11 ms"),
            "{backwards}"
        );
        assert!(error(&series("[]")).contains("it has no point"));
        for wrong in ["[[0]]", "[[0, -1]]", "[[0.5, 1]]", "[[0, 1, 2]]", "[0, 1]"] {
            let error = error(&series(wrong));
            assert!(error.contains("not a JSON report"), "{wrong}: {error}");
        }
        let points = |count: usize| format!("[{}]", vec!["[7, 7]"; count].join(","));
        let most = ReportLine::parse(&series(&points(POINTS_AT_MOST))).unwrap();
        assert_eq!(most.phases["p"].series["memory_bytes"].len(), POINTS_AT_MOST);
        let many = error(&series(&points(POINTS_AT_MOST + 1)));
        assert!(many.contains("it has 2001 points, at most 2000"), "{many}");
    }

    #[test]
    fn a_long_line_that_is_wrong_is_not_shown_whole() {
        let error = error(&with(&format!(", \"latencies_us\": [{}0.5]", "7,".repeat(5000))));
        assert!(error.contains(" ...") && error.contains("expected u64"), "{error}");
        assert!(error.len() < 1500, "{}", error.len());
    }

    #[test]
    fn what_metrics_are_read_from_and_is_not_reported_is_named_with_its_program_and_phase() {
        let (mut experiment, _) = sample();
        experiment.metrics.truncate(1);
        experiment.metrics[0].quantity = Quantity::Count;
        experiment.metrics[0].id = "polled".to_owned();
        experiment.metrics[0].of = Some("polls".to_owned());
        let checked = |experiment: &Experiment, line: &str| {
            check(
                experiment,
                &experiment.programs[0],
                &ReportLine::parse(line).unwrap().phases,
            )
        };
        let error = |experiment: &Experiment, line: &str| format!("{:#}", checked(experiment, line).unwrap_err());
        checked(&experiment, &with(r#", "counts": {"polls": 0}"#)).unwrap();
        let none = error(&experiment, &with(""));
        assert!(
            none.contains("program `a` reports no count `polls` in phase `p`, which metric `polled`"),
            "{none}"
        );
        assert!(none.contains("no `counts` at all"), "{none}");
        let other = error(&experiment, &with(r#", "counts": {"poll": 1}"#));
        assert!(other.contains("its counts are `poll`"), "{other}");
        experiment.metrics[0].of = None;
        experiment.metrics[0].quantity = Quantity::LatencyMax;
        let latencies = error(&experiment, &with(""));
        assert!(
            latencies.contains("reports no `latencies_us` in phase `p`"),
            "{latencies}"
        );
        let phase = error(&experiment, &with("").replace("\"p\"", "\"q\""));
        assert!(phase.contains("no phase `p`"), "{phase}");
        checked(&experiment, &with(r#", "latencies_us": [0]"#)).unwrap();
    }
}
