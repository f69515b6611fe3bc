//! The latencies of a phase over all counted runs: a line per program, from the median into the tail.
//!
//! ```text
//! latency
//! unit                                a legend, where names find no room at the lines' ends
//!  |                  ___o name
//!  |   o----------o--/
//!  |---+----------+------+
//!     50 %       10 %   1 %   share of waits that took longer
//! ```
//!
//! Both axes are logarithmic: that is where tails are seen. A line ends where fewer than ten waits took longer, since one more or less would
//! move what lies beyond.

use measure::experiment::Unit;
use measure::latency::Distribution;
use measure::library::Measured;

use super::Figure;
use super::axis::Axis;
use super::curve::{HEIGHT, LINE, Name, Series, TO_MARK, TO_NAME, arrange, legend, small, thinned};
use super::points;
use super::svg::{Anchor, Style, Svg, WIDTH, extent, wrap};
use crate::interface::Interface;
use crate::number::{self, Kind};

/// Where lines begin: half of all waits took longer.
const FROM: f64 = 0.5;
/// So many waits must have taken longer than a quantile that is shown.
const BEYOND: f64 = 10.0;
/// Of a line, in every factor of ten.
const STEPS: f64 = 24.0;
/// Clocks of programs tell whole microseconds; below the first, a logarithmic axis has no place.
const LEAST: f64 = 1e-6;

/// The quantiles of the table.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// A program with all its latencies, if it has any.
pub struct Latencies {
    pub series: usize,
    pub label: String,
    pub distribution: Option<Distribution>,
}

impl Latencies {
    /// What the table says of it.
    pub fn cells(&self, interface: &Interface) -> Vec<Option<String>> {
        let Some(distribution) = &self.distribution else {
            return vec![None; columns(interface).len()];
        };
        let quantiles = QUANTILES.map(|quantile| {
            supported(distribution, 1.0 - quantile).then(|| number::latency(distribution.quantile(quantile), interface))
        });
        let longest = number::latency(distribution.quantile(1.0), interface);
        let waits = number::whole(distribution.waits() as f64, interface.language());
        quantiles.into_iter().chain([Some(longest), Some(waits)]).collect()
    }

    /// Shares of waits that took longer, from the largest down, with the latency that they exceeded, in seconds.
    fn line(&self) -> Vec<(f64, f64)> {
        let Some(distribution) = &self.distribution else {
            return Vec::new();
        };
        let last = BEYOND / distribution.waits() as f64;
        let mut shares: Vec<f64> = (0..)
            .map(|step| FROM * 10f64.powf(-f64::from(step) / STEPS))
            .take_while(|share| *share > last * (1.0 + 1e-9))
            .collect();
        if last <= FROM {
            shares.push(last);
        }
        shares
            .into_iter()
            .map(|share| (share, distribution.quantile(1.0 - share).max(LEAST)))
            .collect()
    }
}

/// Whether enough waits took longer for the quantile to mean something.
fn supported(distribution: &Distribution, longer: f64) -> bool {
    longer * distribution.waits() as f64 >= BEYOND * (1.0 - 1e-9)
}

/// Headings of the table.
pub fn columns(interface: &Interface) -> Vec<String> {
    let quantiles = QUANTILES.map(|quantile| {
        let percent = number::exact(quantile * 100.0, Unit::Count, interface);
        format!("P{percent}")
    });
    let others = [interface.text("Longest"), interface.text("Waits")];
    quantiles.into_iter().chain(others).collect()
}

/// All latencies of a phase, of every program whose results still count, over its counted runs at the base.
pub fn latencies(figure: &Figure<'_>, phase: &str, measured: &Measured, interface: &Interface) -> Vec<Latencies> {
    let programs = figure.programs(measured).into_iter();
    programs
        .map(|(series, program)| {
            let runs = measured.results.runs.iter();
            let counted = runs.filter(|run| run.program == program.id && !run.control && run.point.is_base());
            Latencies {
                series,
                label: interface.label(&program.label),
                distribution: Distribution::of(counted.filter_map(|run| run.phases.get(phase))),
            }
        })
        .collect()
}

/// `id` is the drawing's own. Empty where there are too few latencies for any line.
pub fn panel(figure: &Figure<'_>, phase: &str, measured: &Measured, id: &str, interface: &Interface) -> String {
    let rows = latencies(figure, phase, measured, interface);
    let lines: Vec<(Series, Vec<(f64, f64)>)> = rows
        .iter()
        .map(|row| (Series::named(row.series, row.label.clone()), row.line()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let values: Vec<f64> = lines
        .iter()
        .flat_map(|(_, line)| line)
        .map(|(_, value)| *value)
        .collect();
    let ends = lines.iter().filter_map(|(_, line)| Some(line.last()?.0));
    let Some(least) = ends.reduce(f64::min) else {
        return String::new();
    };
    let vertical = Axis::logarithmic(&values, &[], Kind::Unit(Unit::Seconds));
    // Room for a tick beside the first.
    let least = least.min(0.1);
    let y_ticks = vertical.ticks(interface.language());
    let left = y_ticks.iter().map(|(_, label)| small(label)).fold(16.0, f64::max) + 8.0;

    let mut svg = Svg::default();
    let heading = interface.text("latency");
    svg.text(0.0, 20.0, Anchor::Start, Style::Heading, &heading);
    let unit = format!(
        "{} · ↓ {}",
        points::unit(&vertical, interface),
        interface.text("lower is better")
    );
    svg.text(0.0, 38.0, Anchor::Start, Style::Small, &unit);
    let mut y = 38.0;
    let height = |value: f64| HEIGHT - vertical.clamped(value) * HEIGHT;
    let wanted = lines
        .iter()
        .filter_map(|(series, line)| Some(Name::new(series, height(line.last()?.1))));
    let names = arrange(wanted.collect());
    let right = match &names {
        Some(names) => {
            let widest = names.iter().flat_map(|name| &name.lines).map(|line| extent(line));
            WIDTH - widest.fold(0.0, f64::max) - TO_NAME - TO_MARK
        }
        None => {
            y = legend(&mut svg, lines.iter().map(|(series, _)| series), y + 8.0);
            WIDTH - 20.0
        }
    };
    let top = y + 14.0;
    let bottom = top + HEIGHT;
    for (share, label) in y_ticks {
        let y = bottom - share * HEIGHT;
        svg.line((left - 4.0, y), (right, y), 0.2);
        svg.text(left - 8.0, y + 4.5, Anchor::End, Style::Small, &label);
    }
    svg.line((left, top), (left, bottom), 0.7);
    svg.line((left, bottom), (right, bottom), 0.7);
    let first = left + 10.0;
    let x = |share: f64| first + (FROM / share).ln() / (FROM / least).ln() * (right - 10.0 - first);
    let ticks: Vec<f64> = std::iter::once(FROM)
        .chain((1..).map(|decade| 10f64.powi(-decade)))
        .take_while(|share| *share >= least * (1.0 - 1e-9))
        .collect();
    let mut labels = Vec::new();
    for &share in &ticks {
        svg.line((x(share), bottom), (x(share), bottom + 5.0), 0.7);
        labels.push((x(share), number::exact(share, Unit::Share, interface)));
    }
    for (x, label) in thinned(labels) {
        svg.text(x, bottom + 18.0, Anchor::Middle, Style::Small, &label);
    }
    let across = format!(
        "{}, {}",
        interface.text("share of waits that took longer"),
        interface.text("logarithmic axis")
    );
    let mut end = bottom + 18.0;
    for line in wrap(&across, (WIDTH - left) * Style::Label.size() / Style::Small.size()) {
        end += 18.0;
        let middle = ((left + right) / 2.0).max(small(&line) / 2.0);
        svg.text(middle, end, Anchor::Middle, Style::Small, &line);
    }
    let place = |(share, value): (f64, f64)| (x(share), top + height(value));
    for (series, line) in &lines {
        let path: Vec<(f64, f64)> = line.iter().map(|point| place(*point)).collect();
        if path.len() > 1 {
            svg.path(series.series, &path);
        }
    }
    // Marks lie over all lines: where each crosses a tick, and at its end.
    for (row, (series, line)) in rows.iter().filter(|row| !row.line().is_empty()).zip(&lines) {
        let distribution = row.distribution.as_ref();
        for share in ticks.iter().copied() {
            if let Some(distribution) = distribution.filter(|distribution| supported(distribution, share)) {
                let (x, y) = place((share, distribution.quantile(1.0 - share).max(LEAST)));
                svg.mark(series.series, x, y);
            }
        }
        if let Some(last) = line.last() {
            let (x, y) = place(*last);
            svg.mark(series.series, x, y);
        }
    }
    for name in names.unwrap_or_default() {
        let mark = right + TO_MARK - 2.0;
        let (from, to) = (top + name.wanted, top + name.centre);
        let ends_at_the_edge = lines.iter().any(|(series, line)| {
            series.series == name.series.series && line.last().is_some_and(|(share, _)| x(*share) > right - 11.0)
        });
        if ends_at_the_edge {
            svg.line((right - 1.0, from), (mark - 8.0, to), 0.4);
        }
        svg.mark(name.series.series, mark, to);
        let first = to + 4.8 - LINE * (name.lines.len() - 1) as f64 / 2.0;
        for (number, line) in name.lines.iter().enumerate() {
            let y = first + LINE * number as f64;
            svg.text(mark + TO_NAME, y, Anchor::Start, Style::Label, line);
        }
    }
    let title = format!("{}: {heading}; {across}", interface.label(&figure.experiment().title));
    svg.finish(id, end + 6.0, &title, &description(&rows, interface))
}

fn description(rows: &[Latencies], interface: &Interface) -> String {
    let columns = columns(interface);
    rows.iter()
        .filter(|row| row.distribution.is_some())
        .map(|row| {
            let cells = columns.iter().zip(row.cells(interface));
            let told: Vec<String> = cells
                .filter_map(|(column, cell)| Some(format!("{column} {}", cell?)))
                .collect();
            format!("{}: {}", row.label, told.join(", "))
        })
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use measure::results::Phase;

    use super::*;
    use crate::fixture;

    /// Waits of 1, 2, ... hundreds of microseconds.
    fn waits(count: u64) -> Latencies {
        let mut phase: Phase =
            fixture::library().entries[0].measured.as_ref().unwrap().results.runs[0].phases["messages"].clone();
        phase.latency = (1..=count).map(|n| (n * 100, 1)).collect();
        Latencies {
            series: 0,
            label: String::new(),
            distribution: Distribution::of([&phase]),
        }
    }

    #[test]
    fn a_line_ends_where_ten_waits_took_longer() {
        let line = waits(1000).line();
        assert!(
            (line[0].0 - 0.5).abs() < 1e-9 && (line[0].1 / 0.05 - 1.0).abs() < 0.01,
            "{line:?}"
        );
        let (share, value) = *line.last().unwrap();
        assert!(
            (share - 0.01).abs() < 1e-9 && (value / 0.099 - 1.0).abs() < 0.01,
            "{line:?}"
        );
        assert!(line.is_sorted_by(|a, b| a.0 > b.0 && a.1 <= b.1), "{line:?}");
        assert_eq!(waits(20).line().len(), 1);
        assert_eq!(waits(19).line(), []);
    }

    #[test]
    fn quantiles_that_too_few_waits_support_are_not_told() {
        let told = |count| -> Vec<bool> {
            let cells = waits(count).cells(&fixture::english());
            cells.iter().map(Option::is_some).collect()
        };
        assert_eq!(told(19), [false, false, false, false, true, true]);
        assert_eq!(told(100), [true, true, false, false, true, true]);
        assert_eq!(told(1000), [true, true, true, false, true, true]);
        assert_eq!(told(10_000), [true; 6]);
        assert_eq!(waits(0).cells(&fixture::english()), vec![None; 6]);
    }
}
