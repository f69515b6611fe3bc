//! What programs looked at over time, as memory: a line per program, of one run each.
//!
//! ```text
//! name of the series
//! unit                                a legend, where names find no room at the lines' ends
//!  |              __---o name
//!  |   o----o----o-----o name
//!  |----+----+----+----+
//!     time from the start of the phase
//! ```
//!
//! Both axes are linear and begin at zero: what grows without bound is seen to grow, and what is twice as much is twice as high. A line ends
//! with its run's last point.

use measure::experiment::Unit;
use measure::library::Measured;
use measure::results::Phase;

use super::Figure;
use super::axis::Axis;
use super::curve::{HEIGHT, LINE, Name, Series, TO_MARK, TO_NAME, arrange, legend, small, thinned};
use super::svg::{Anchor, Style, Svg, WIDTH, extent};
use crate::interface::{Interface, parameter_label};
use crate::number::{self, Kind};

/// How the name of a series ends whose values are bytes.
const BYTES: &str = "_bytes";

/// A program with the points of its run of median duration, if its runs report any.
pub struct Course<'a> {
    pub series: usize,
    pub label: String,
    /// Milliseconds from the start of the phase, not decreasing, with the value then.
    pub points: &'a [(u64, u64)],
    /// How long the phase took; its last value holds until then.
    pub seconds: f64,
}

impl Course<'_> {
    /// The value at a time, in seconds: that of the last point before. `None` before the first point and after the end of the phase.
    fn at(&self, seconds: f64) -> Option<u64> {
        let milliseconds = seconds * 1000.0;
        let (end, _) = self.points.last()?;
        // Ticks are not exact in binary.
        if milliseconds > (*end as f64).max(self.seconds * 1000.0) + 1e-6 {
            return None;
        }
        let before = (self.points).partition_point(|(time, _)| *time as f64 <= milliseconds + 1e-6);
        Some(self.points[before.checked_sub(1)?].1)
    }

    /// What the table says of it: the value at each time, and the highest of all.
    pub fn cells(&self, times: &[f64], unit: Unit, interface: &Interface) -> Vec<Option<String>> {
        let highest = self.points.iter().map(|(_, value)| *value).max();
        let values = times.iter().map(|time| self.at(*time)).chain([highest]);
        values
            .map(|value| Some(number::sample(value?, unit, interface)))
            .collect()
    }
}

/// Bytes where the name says so.
pub fn unit(name: &str) -> Unit {
    if name.ends_with(BYTES) {
        Unit::Bytes
    } else {
        Unit::Count
    }
}

/// The name in words, without its unit: what readers and translators see of it.
pub fn label(name: &str) -> String {
    parameter_label(name.strip_suffix(BYTES).unwrap_or(name))
}

/// What is to be drawn, and written in the table.
pub fn courses<'a>(
    figure: &Figure<'_>,
    phase: &str,
    name: &str,
    measured: &'a Measured,
    interface: &Interface,
) -> Vec<Course<'a>> {
    let has_points = |phase: &Phase| phase.series.get(name).is_some_and(|points| !points.is_empty());
    let programs = figure.programs(measured).into_iter();
    programs
        .map(|(series, program)| {
            let phase = super::median_run(measured, &program.id, phase, has_points);
            Course {
                series,
                label: interface.label(&program.label),
                points: phase
                    .and_then(|phase| phase.series.get(name))
                    .map_or(&[], Vec::as_slice),
                seconds: phase.map_or(0.0, |phase| phase.seconds),
            }
        })
        .collect()
}

/// The axis of time over all that is to be shown together.
fn time(courses: &[Course<'_>]) -> Axis {
    let ends = courses.iter().filter_map(|course| course.points.last());
    let ends: Vec<f64> = ends.map(|(end, _)| *end as f64 / 1000.0).collect();
    Axis::linear(&ends, Kind::Unit(Unit::Seconds))
}

/// The times that the table tells of, in seconds, and its headings.
pub fn columns(courses: &[Course<'_>], interface: &Interface) -> (Vec<f64>, Vec<String>) {
    let axis = time(courses);
    let unit = axis.scale.unit(interface);
    let times = axis.ticks(interface.language()).into_iter();
    let headings = times.map(|(_, label)| format!("{label}\u{a0}{unit}"));
    (
        axis.tick_values().to_vec(),
        headings.chain([interface.text("Highest")]).collect(),
    )
}

/// `id` is the drawing's own. Empty where no run has any point.
pub fn panel(
    figure: &Figure<'_>,
    phase: &str,
    name: &str,
    measured: &Measured,
    id: &str,
    interface: &Interface,
) -> String {
    let mut courses = courses(figure, phase, name, measured, interface);
    courses.retain(|course| !course.points.is_empty());
    if courses.is_empty() {
        return String::new();
    }
    let unit = unit(name);
    let values = courses.iter().flat_map(|course| course.points);
    let values: Vec<f64> = values.map(|(_, value)| *value as f64).collect();
    let vertical = Axis::linear(&values, Kind::Unit(unit));
    let horizontal = time(&courses);
    let y_ticks = vertical.ticks(interface.language());
    let left = y_ticks.iter().map(|(_, label)| small(label)).fold(16.0, f64::max) + 8.0;

    let mut svg = Svg::default();
    let heading = interface.label(&label(name));
    svg.text(0.0, 20.0, Anchor::Start, Style::Heading, &heading);
    let mut y = 20.0;
    let symbol = vertical.scale.unit(interface);
    if !symbol.is_empty() {
        y += 18.0;
        svg.text(0.0, y, Anchor::Start, Style::Small, &symbol);
    }
    let height = |value: u64| HEIGHT - vertical.clamped(value as f64) * HEIGHT;
    let lines: Vec<Series> = courses
        .iter()
        .map(|course| Series::named(course.series, course.label.clone()))
        .collect();
    let ends = lines.iter().zip(&courses);
    let wanted = ends.filter_map(|(line, course)| Some(Name::new(line, height(course.points.last()?.1))));
    let names = arrange(wanted.collect());
    let right = match &names {
        Some(names) => {
            let widest = names.iter().flat_map(|name| &name.lines).map(|line| extent(line));
            WIDTH - widest.fold(0.0, f64::max) - TO_NAME - TO_MARK
        }
        None => {
            y = legend(&mut svg, &lines, y + 8.0);
            WIDTH - 12.0
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
    let x = |seconds: f64| left + horizontal.clamped(seconds) * (right - left);
    let labels = horizontal.ticks(interface.language()).into_iter();
    let labels: Vec<(f64, String)> = labels
        .map(|(share, label)| (left + share * (right - left), label))
        .collect();
    for (x, _) in &labels {
        svg.line((*x, bottom), (*x, bottom + 5.0), 0.7);
    }
    for (x, label) in thinned(labels) {
        svg.text(x, bottom + 18.0, Anchor::Middle, Style::Small, &label);
    }
    let across = format!(
        "{}, {}",
        horizontal.scale.unit(interface),
        interface.text("from the start of the phase")
    );
    let middle = ((left + right) / 2.0).max(small(&across) / 2.0);
    svg.text(middle, bottom + 36.0, Anchor::Middle, Style::Small, &across);

    let place = |(milliseconds, value): (u64, u64)| (x(milliseconds as f64 / 1000.0), top + height(value));
    for course in &courses {
        let path: Vec<(f64, f64)> = course.points.iter().map(|point| place(*point)).collect();
        if path.len() > 1 {
            svg.path(course.series, &path);
        }
    }
    // Marks lie over all lines, at their ends: along the way they would hide each other.
    for course in &courses {
        if let Some(last) = course.points.last() {
            let (x, y) = place(*last);
            svg.mark(course.series, x, y);
        }
    }
    for name in names.unwrap_or_default() {
        let mark = right + TO_MARK - 2.0;
        let (from, to) = (top + name.wanted, top + name.centre);
        // A leader to a line that ends before the edge would look like the line going on.
        let course = courses.iter().find(|course| course.series == name.series.series);
        let end = course.and_then(|course| course.points.last());
        if let Some((x, _)) = end.map(|end| place(*end)).filter(|(x, _)| *x > right - 30.0) {
            svg.line((x + 7.0, from), (mark - 8.0, to), 0.4);
        }
        svg.mark(name.series.series, mark, to);
        let first = to + 4.8 - LINE * (name.lines.len() - 1) as f64 / 2.0;
        for (number, line) in name.lines.iter().enumerate() {
            let y = first + LINE * number as f64;
            svg.text(mark + TO_NAME, y, Anchor::Start, Style::Label, line);
        }
    }
    let title = format!(
        "{heading}: {}; {across}; {}",
        interface.label(&figure.experiment().title),
        interface.text("of each program, the run of median duration")
    );
    let description = description(&courses, unit, interface);
    svg.finish(id, bottom + 42.0, &title, &description)
}

fn description(courses: &[Course<'_>], unit: Unit, interface: &Interface) -> String {
    let (times, headings) = columns(courses, interface);
    let told = courses.iter().map(|course| {
        let cells = headings.iter().zip(course.cells(&times, unit, interface));
        let cells: Vec<String> = cells
            .filter_map(|(heading, cell)| Some(format!("{heading} {}", cell?)))
            .collect();
        format!("{}: {}", course.label, cells.join(", "))
    });
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn between_two_points_the_earlier_holds_and_the_last_until_the_end_of_the_phase() {
        let course = |points| Course {
            series: 0,
            label: String::new(),
            points,
            seconds: 0.25,
        };
        let some = course(&[(10, 5), (20, 7), (20, 8), (300, 9)]);
        let at = [0.0, 0.0099, 0.01, 0.019, 0.02, 0.1 + 0.2, 0.301].map(|time| some.at(time));
        assert_eq!(at, [None, None, Some(5), Some(5), Some(8), Some(9), None]);
        let at = [0.24, 0.25, 0.26].map(|time| course(&[(10, 5), (200, 8)]).at(time));
        assert_eq!(at, [Some(8), Some(8), None]);
        assert_eq!(course(&[]).at(0.0), None);
        let cells = some.cells(&[0.0, 0.02], Unit::Count, &fixture::english());
        assert_eq!(cells, [None, Some("8".to_owned()), Some("9".to_owned())]);
    }

    #[test]
    fn the_name_tells_unit_and_words() {
        assert_eq!(
            (label("memory_bytes").as_str(), unit("memory_bytes")),
            ("memory", Unit::Bytes)
        );
        assert_eq!(
            (label("tasks_alive").as_str(), unit("tasks_alive")),
            ("tasks alive", Unit::Count)
        );
    }
}
