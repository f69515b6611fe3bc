//! A panel of one metric over a swept parameter: a line per program, with a mark and an interval at each value it was run at.
//!
//! ```text
//! heading
//! unit, which way is better          a legend, where names find no room at the lines' ends
//!  |                    o name
//!  |     o------o------o
//!  |----+------+------+
//!      values of the parameter
//! ```

use measure::experiment::{Better, Metric, Program, Unit};
use measure::library::Measured;
use measure::statistics::Estimate;

use super::Figure;
use super::axis::Axis;
use super::gain::{self, Formula, Gain};
use super::points::{self, Value};
use super::svg::{Anchor, Style, Svg, WIDTH, extent, wrap};
use crate::interface::{Interface, parameter_label};
use crate::number::{self, Kind};
use crate::reference::Reference;

/// How tall the plot is.
pub(super) const HEIGHT: f64 = 240.0;
/// How wide a name at the end of a line may be.
const NAME: f64 = 126.0;
/// From the plot's edge to the mark before a name, and from there to the name.
pub(super) const TO_MARK: f64 = 18.0;
pub(super) const TO_NAME: f64 = 11.0;
pub(super) const LINE: f64 = 17.0;

/// What is swept, and through what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sweep<'a> {
    pub parameter: &'a str,
    pub values: &'a [f64],
    pub unit: Unit,
}

impl Sweep<'_> {
    pub fn label(&self, interface: &Interface) -> String {
        interface.label(&parameter_label(self.parameter))
    }

    /// A value as it stands under the axis and over its column. What words would be needed for is told by the label.
    pub fn value(&self, value: f64, interface: &Interface) -> String {
        let unit = match self.unit {
            Unit::PerSecond | Unit::Cores => Unit::Count,
            unit => unit,
        };
        number::exact(value, unit, interface)
    }
}

/// A program with its values, one place for each value of the sweep.
pub(super) struct Series {
    pub(super) series: usize,
    label: String,
    values: Vec<Option<Value>>,
}

impl Series {
    /// One whose values are drawn otherwise.
    pub(super) fn named(series: usize, label: String) -> Series {
        Series {
            series,
            label,
            values: Vec::new(),
        }
    }

    /// Where the line ends: the index of its last value.
    fn end(&self) -> Option<(usize, &Value)> {
        let places = self.values.iter().enumerate();
        places.rev().find_map(|(at, value)| Some((at, value.as_ref()?)))
    }
}

/// `id` is the drawing's own. With a gain the lines are those of its ratios.
pub fn panel(
    figure: &Figure<'_>,
    metric: &Metric,
    sweep: &Sweep<'_>,
    gain: Option<&Gain<'_>>,
    measured: &Measured,
    id: &str,
    interface: &Interface,
) -> String {
    let all = series(figure, metric, sweep, gain, measured, interface);
    let formula = gain.and_then(|gain| gain.formula);
    let kind = match gain {
        Some(_) => Kind::Ratio,
        None => Kind::Unit(metric.unit()),
    };
    let values: Vec<Value> = all
        .iter()
        .flat_map(|one| one.values.iter().flatten().copied())
        .collect();
    let estimates: Vec<Estimate> = values.iter().map(|value| value.estimate).collect();
    let vertical = match gain {
        Some(gain) => points::ratio_axis(&estimates, &gain.expected(sweep.values)),
        None => points::axis(&estimates, metric),
    };
    let horizontal = Axis::swept(sweep.values, Kind::Unit(sweep.unit));
    let y_ticks = vertical.ticks(interface.language());
    let left = y_ticks.iter().map(|(_, label)| small(label)).fold(16.0, f64::max) + 8.0;

    let mut svg = Svg::default();
    let mut y = 4.0;
    let label = match gain {
        Some(_) => gain::heading(metric, interface),
        None => interface.label(&metric.label),
    };
    for line in wrap(&label, WIDTH) {
        y += 16.0;
        svg.text(0.0, y, Anchor::Start, Style::Heading, &line);
    }
    y += 18.0;
    let about = match gain {
        // Which way is better depends on what is divided by what.
        Some(_) => points::unit(&vertical, interface),
        None => axis_title(&vertical, metric, interface),
    };
    svg.text(0.0, y, Anchor::Start, Style::Small, &about);
    let at_height = |value: f64, bottom: f64| bottom - vertical.clamped(value) * HEIGHT;
    // Names stand at the ends of the lines if all of them do.
    let wanted: Vec<Name> = all
        .iter()
        .filter_map(|one| Some(Name::new(one, at_height(one.end()?.1.estimate.value, HEIGHT))))
        .collect();
    // Those of two programs are too long for that.
    let names = arrange(wanted).filter(|_| gain.is_none());
    let right = match &names {
        Some(names) => {
            let widest = names.iter().flat_map(|name| &name.lines).map(|line| extent(line));
            WIDTH - widest.fold(0.0, f64::max) - TO_NAME - TO_MARK
        }
        None => {
            y = legend(&mut svg, &all, y + 8.0);
            if let Some(formula) = formula {
                y += LINE + 3.0;
                svg.guide(&[(0.0, y - 4.8), (14.0, y - 4.8)]);
                let label = formula.label(sweep, interface);
                svg.text(7.0 + TO_NAME, y, Anchor::Start, Style::Label, &label);
            }
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
    let x = |value: f64| left + horizontal.clamped(value) * (right - left);
    let labels: Vec<(f64, String)> = sweep
        .values
        .iter()
        .map(|value| (x(*value), sweep.value(*value, interface)))
        .collect();
    for (x, _) in &labels {
        svg.line((*x, bottom), (*x, bottom + 5.0), 0.7);
    }
    for (x, label) in thinned(labels) {
        svg.text(x, bottom + 18.0, Anchor::Middle, Style::Small, &label);
    }
    let mut about = vec![sweep.label(interface)];
    if horizontal.is_logarithmic() {
        about.push(interface.text("logarithmic axis"));
    }
    let middle = (left + right) / 2.0;
    // Centred under the axis, but not cut off by the drawing's edge.
    let title = about.join(", ");
    let middle = middle.max(small(&title) / 2.0);
    svg.text(middle, bottom + 36.0, Anchor::Middle, Style::Small, &title);

    if let Some(formula) = formula {
        let places = Formula::places(sweep, horizontal.is_logarithmic());
        let line: Vec<(f64, f64)> = (places.into_iter())
            .map(|value| (x(value), at_height(formula.at(value), bottom)))
            .collect();
        svg.guide(&line);
    }
    for one in &all {
        let places: Vec<Option<(f64, f64)>> = (sweep.values.iter().zip(&one.values))
            .map(|(along, value)| Some((x(*along), at_height(value.as_ref()?.estimate.value, bottom))))
            .collect();
        // Where a value is missing the line is broken.
        for stretch in places.split(Option::is_none) {
            let stretch: Vec<(f64, f64)> = stretch.iter().copied().flatten().collect();
            if stretch.len() > 1 {
                svg.path(one.series, &stretch);
            }
        }
    }
    // Marks lie over all lines.
    for one in &all {
        for (place, value) in sweep.values.iter().zip(&one.values) {
            if let Some(value) = value {
                let at = |along: f64, across: f64| (x(*place) + across, bottom - along);
                let whose = format!("{}, {}", one.label, sweep.value(*place, interface));
                let told = value.told(&whose, kind, interface);
                points::point(&mut svg, one.series, (value, &told), &vertical, HEIGHT, at);
            }
        }
    }
    for name in names.unwrap_or_default() {
        let mark = right + TO_MARK - 2.0;
        let (from, to) = (top + name.wanted, top + name.centre);
        // A leader to a line that ends before the edge would look like the line going on.
        if name.series.end().is_some_and(|(at, _)| at + 1 == sweep.values.len()) {
            let last = x(sweep.values[sweep.values.len() - 1]) + 9.0;
            svg.line((last, from), (mark - 8.0, to), 0.4);
        }
        svg.mark(name.series.series, mark, to);
        let first = to + 4.8 - LINE * (name.lines.len() - 1) as f64 / 2.0;
        for (number, line) in name.lines.iter().enumerate() {
            let y = first + LINE * number as f64;
            svg.text(mark + TO_NAME, y, Anchor::Start, Style::Label, line);
        }
    }
    let on_the_axis = interface.fill(
        "{parameter} on the horizontal axis",
        &[("parameter", &sweep.label(interface))],
    );
    let title = format!(
        "{label}: {}; {on_the_axis}",
        interface.label(&figure.experiment().title)
    );
    let end = points::bounds(&mut svg, &values, bottom + 36.0, interface);
    let mut told = description(&all, sweep, kind, interface);
    if let Some(formula) = formula {
        let values: Vec<String> = (sweep.values.iter())
            .map(|value| {
                format!(
                    "{}: {}",
                    sweep.value(*value, interface),
                    formula.shown(*value, interface)
                )
            })
            .collect();
        told = format!("{told}; {}: {}", formula.label(sweep, interface), values.join(", "));
    }
    svg.finish(id, end + 6.0, &title, &told)
}

fn series(
    figure: &Figure<'_>,
    metric: &Metric,
    sweep: &Sweep<'_>,
    gain: Option<&Gain<'_>>,
    measured: &Measured,
    interface: &Interface,
) -> Vec<Series> {
    let experiment = figure.experiment();
    let lines: Vec<(usize, String, &Program, Option<&Program>)> = match gain {
        None => (figure.programs(measured).into_iter())
            .map(|(series, program)| (series, interface.label(&program.label), program, None))
            .collect(),
        // In the colour of the second, as wherever it is shown by itself.
        Some(gain) => (gain.pairs.iter())
            .filter_map(|(program, over)| {
                let series = experiment.programs.iter().position(|other| other.id == over.id)?;
                Some((series, gain::label((*program, *over), interface), *program, Some(*over)))
            })
            .collect(),
    };
    let lines = lines.into_iter().map(|(series, label, program, over)| Series {
        series,
        label,
        values: sweep
            .values
            .iter()
            .map(|value| {
                let reference = Reference {
                    entry: figure.entry,
                    point: experiment.point(sweep.parameter, *value)?,
                    metric,
                    program,
                    over,
                };
                Value::of(&reference, measured).ok()
            })
            .collect(),
    });
    lines.filter(|one| one.end().is_some()).collect()
}

/// Unit, kind of axis, and which way is better, with an arrow that points there.
fn axis_title(axis: &Axis, metric: &Metric, interface: &Interface) -> String {
    let mut parts = vec![points::unit(axis, interface)];
    match metric.better {
        Some(Better::Lower) => parts.push(format!("↓ {}", interface.text("lower is better"))),
        Some(Better::Higher) => parts.push(format!("↑ {}", interface.text("higher is better"))),
        None => {}
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// The name at the end of a line. Heights count from the top of the plot.
pub(super) struct Name<'a> {
    pub(super) series: &'a Series,
    pub(super) lines: Vec<String>,
    /// Where the line ends.
    pub(super) wanted: f64,
    /// Where the middle of the name stands.
    pub(super) centre: f64,
}

impl Name<'_> {
    pub(super) fn new(series: &Series, wanted: f64) -> Name<'_> {
        Name {
            series,
            lines: wrap(&series.label, NAME),
            wanted,
            centre: wanted,
        }
    }

    fn height(&self) -> f64 {
        LINE * self.lines.len() as f64 + 3.0
    }
}

/// Moves names apart, as little as need be and never across each other; `None` if they find no room beside the plot.
pub(super) fn arrange(mut names: Vec<Name<'_>>) -> Option<Vec<Name<'_>>> {
    let is_wide = |name: &Name<'_>| name.lines.iter().any(|line| extent(line) > NAME);
    let total: f64 = names.iter().map(Name::height).sum();
    // They may reach a little beyond the plot on both sides.
    let (top, bottom) = (-12.0, HEIGHT + 12.0);
    if names.iter().any(is_wide) || total > bottom - top {
        return None;
    }
    names.sort_by(|a, b| a.wanted.total_cmp(&b.wanted));
    // Names that would overlap form a block, which stands where it is best for them on average.
    let mut blocks: Vec<Block> = Vec::new();
    for name in &names {
        let height = name.height();
        let mut block = Block {
            names: 1,
            wanted: name.wanted - height / 2.0,
            height,
        };
        while let Some(above) = blocks.pop_if(|above| above.top(top, bottom) + above.height > block.top(top, bottom)) {
            block = above.joined(&block);
        }
        blocks.push(block);
    }
    let mut rest = names.iter_mut();
    for block in blocks {
        let mut y = block.top(top, bottom);
        for name in rest.by_ref().take(block.names) {
            name.centre = y + name.height() / 2.0;
            y += name.height();
        }
    }
    Some(names)
}

struct Block {
    names: usize,
    /// Where its top would best be.
    wanted: f64,
    height: f64,
}

impl Block {
    fn top(&self, top: f64, bottom: f64) -> f64 {
        self.wanted.clamp(top, bottom - self.height)
    }

    fn joined(&self, below: &Block) -> Block {
        let (above, under) = (self.names as f64, below.names as f64);
        Block {
            names: self.names + below.names,
            wanted: (self.wanted * above + (below.wanted - self.height) * under) / (above + under),
            height: self.height + below.height,
        }
    }
}

/// Marks and names in rows, from `top` down; tells where it ends.
pub(super) fn legend<'s>(svg: &mut Svg, all: impl IntoIterator<Item = &'s Series>, top: f64) -> f64 {
    let (mut x, mut y) = (0.0, top + LINE);
    for one in all {
        let width = TO_NAME + 8.0 + extent(&one.label);
        if x > 0.0 && x + width > WIDTH {
            (x, y) = (0.0, y + LINE + 3.0);
        }
        svg.mark(one.series, x + 7.0, y - 4.8);
        svg.text(x + 7.0 + TO_NAME, y, Anchor::Start, Style::Label, &one.label);
        x += width + 16.0;
    }
    y
}

/// Labels of the horizontal axis without those that would touch a neighbour. The first and the last stay.
pub(super) fn thinned(labels: Vec<(f64, String)>) -> Vec<(f64, String)> {
    let touch = |a: &(f64, String), b: &(f64, String)| b.0 - a.0 < (small(&a.1) + small(&b.1)) / 2.0 + 7.0;
    let mut kept: Vec<(f64, String)> = Vec::new();
    let last = labels.len().saturating_sub(1);
    for (at, label) in labels.into_iter().enumerate() {
        if at == last {
            while kept.len() > 1 && kept.last().is_some_and(|before| touch(before, &label)) {
                kept.pop();
            }
        }
        if kept.is_empty() || at == last || kept.last().is_some_and(|before| !touch(before, &label)) {
            kept.push(label);
        }
    }
    kept
}

/// How wide a small label is, in units.
pub(super) fn small(text: &str) -> f64 {
    extent(text) * Style::Small.size() / Style::Label.size()
}

fn description(all: &[Series], sweep: &Sweep<'_>, kind: Kind, interface: &Interface) -> String {
    all.iter()
        .map(|one| {
            let values: Vec<String> = (sweep.values.iter().zip(&one.values))
                .filter_map(|(place, value)| {
                    let shown = value.as_ref()?.shown(kind, interface);
                    let place = sweep.value(*place, interface);
                    Some(format!("{place}: {} ({})", shown.value, shown.interval))
                })
                .collect();
            format!("{}: {}", one.label, values.join(", "))
        })
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(labels: &[&str]) -> Vec<Series> {
        let all = labels.iter().enumerate().map(|(series, label)| Series {
            series,
            label: (*label).to_owned(),
            values: Vec::new(),
        });
        all.collect()
    }

    /// Where the names end up, from top to bottom, as (label, centre, height).
    fn arranged(ends: &[(&str, f64)]) -> Option<Vec<(String, f64, f64)>> {
        let labels: Vec<&str> = ends.iter().map(|(label, _)| *label).collect();
        let all = series(&labels);
        let names = all.iter().zip(ends).map(|(one, (_, wanted))| Name::new(one, *wanted));
        let placed = arrange(names.collect())?;
        Some(
            placed
                .iter()
                .map(|name| (name.series.label.clone(), name.centre, name.height()))
                .collect(),
        )
    }

    #[test]
    fn names_stand_at_the_ends_of_their_lines_where_there_is_room() {
        let placed = arranged(&[("tokio", 200.0), ("uvloop", 20.0), ("asyncio", 100.0)]).unwrap();
        let centres: Vec<f64> = placed.iter().map(|(_, centre, _)| *centre).collect();
        assert_eq!(centres, [20.0, 100.0, 200.0]);
    }

    #[test]
    fn names_are_moved_apart_and_keep_their_order() {
        let cases: [&[(&str, f64)]; 4] = [
            &[("a", 100.0), ("b", 101.0), ("c", 102.0), ("d", 230.0)],
            &[("a", 0.0), ("b", 0.0), ("c", 0.0)],
            &[("a", 239.0), ("b", 240.0), ("multi-thread, not pinned", 238.0)],
            // A block that grows upwards until it meets the one above.
            &[
                ("a", 60.0),
                ("b", 90.0),
                ("c", 92.0),
                ("d", 94.0),
                ("e", 96.0),
                ("f", 98.0),
            ],
        ];
        for ends in cases {
            let placed = arranged(ends).unwrap();
            assert_eq!(placed.len(), ends.len());
            for pair in placed.windows(2) {
                let [(_, above, above_height), (_, below, below_height)] = &pair else {
                    unreachable!()
                };
                assert!(
                    below - above >= (above_height + below_height) / 2.0 - 1e-9,
                    "{placed:?}"
                );
            }
            let wanted = |label: &str| ends.iter().find(|(name, _)| *name == label).unwrap().1;
            assert!(placed.is_sorted_by(|a, b| wanted(&a.0) <= wanted(&b.0)), "{placed:?}");
            let (_, first, height) = &placed[0];
            let (_, last, last_height) = &placed[placed.len() - 1];
            assert!(
                first - height / 2.0 >= -12.1 && last + last_height / 2.0 <= HEIGHT + 12.1,
                "{placed:?}"
            );
        }
    }

    #[test]
    fn names_without_room_are_for_a_legend() {
        let many: Vec<(&str, f64)> = vec![("two lines of a long name", 100.0); 8];
        assert_eq!(arranged(&many), None);
        assert_eq!(arranged(&[("a_name_that_cannot_be_broken", 100.0)]), None);
        let mut svg = Svg::default();
        let all = series(&["a name of some length", "another name of some length", "a third"]);
        // Two rows: the first two do not fit beside each other.
        assert_eq!(legend(&mut svg, &all, 0.0), 2.0 * LINE + 3.0);
    }

    #[test]
    fn ticks_that_would_touch_have_no_label() {
        let labels = |places: &[f64]| {
            let labels = places.iter().map(|place| (*place, "1,000".to_owned()));
            let kept: Vec<f64> = thinned(labels.collect()).iter().map(|(x, _)| *x).collect();
            kept
        };
        assert_eq!(labels(&[0.0, 100.0, 200.0]), [0.0, 100.0, 200.0]);
        assert_eq!(labels(&[0.0, 20.0, 60.0, 70.0]), [0.0, 70.0]);
        assert_eq!(labels(&[0.0, 10.0]), [0.0, 10.0]);
    }
}
