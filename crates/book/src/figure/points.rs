//! A panel of one metric: a row per program with its value and interval.

use measure::experiment::{Better, Metric, Point};
use measure::library::Measured;
use measure::results::Bound;
use measure::statistics::{Estimate, Interval};

use super::Figure;
use super::axis::Axis;
use super::svg::{Anchor, LEFT, RIGHT, Style, Svg, WIDTH, extent, wrap};
use crate::interface::Interface;
use crate::number::{self, Kind, Shown};
use crate::reference::{Reference, Unmeasured};

struct Row {
    series: usize,
    label: String,
    /// Or why the results lack the metric for this program.
    value: Result<Value, Unmeasured>,
}

/// A value as it is drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    pub estimate: Estimate,
    /// Where it is only a bound, and the interval open on that side.
    pub bound: Option<Bound>,
}

impl Value {
    pub fn of(reference: &Reference<'_>, measured: &Measured) -> Result<Value, Unmeasured> {
        Ok(Value {
            estimate: reference.estimate_on(measured)?,
            bound: reference.bound_on(measured),
        })
    }

    pub fn shown(&self, kind: Kind, interface: &Interface) -> Shown {
        Shown::new(&self.estimate, kind, interface).bounded(self.bound, interface)
    }

    /// The value with its certainty and whose it is, as it is told of its mark.
    pub fn told(&self, whose: &str, kind: Kind, interface: &Interface) -> String {
        let shown = self.shown(kind, interface);
        format!("{whose}: {} ({})", shown.value, shown.certainty)
    }
}

/// `id` is the drawing's own.
pub fn panel(figure: &Figure<'_>, metric: &Metric, measured: &Measured, id: &str, interface: &Interface) -> String {
    let kind = Kind::Unit(metric.unit());
    let rows: Vec<Row> = figure
        .programs(measured)
        .into_iter()
        .map(|(series, program)| {
            let reference = Reference {
                entry: figure.entry,
                point: Point::base(),
                metric,
                program,
                over: None,
            };
            Row {
                series,
                label: interface.label(&program.label),
                value: Value::of(&reference, measured),
            }
        })
        .collect();
    let values: Vec<Value> = rows.iter().filter_map(|row| row.value.as_ref().ok().copied()).collect();
    let estimates: Vec<Estimate> = values.iter().map(|value| value.estimate).collect();
    let axis = axis(&estimates, metric);
    let mut svg = Svg::default();
    let mut y = 4.0;
    let label = interface.label(&metric.label);
    for line in wrap(&label, WIDTH) {
        y += 16.0;
        svg.text(0.0, y, Anchor::Start, Style::Heading, &line);
    }
    let top = y + 10.0;
    y = top;
    // Rows come after the lines behind them, so they are placed first and drawn later.
    let mut placed = Vec::new();
    for row in &rows {
        let value = match &row.value {
            Ok(value) => value.shown(kind, interface).value,
            Err(why) if why.unknowable().is_some() => interface.text("not known"),
            Err(_) => interface.text("not measured yet"),
        };
        let lines = wrap(&row.label, WIDTH - extent(&value) - 16.0);
        let height = 17.0 * lines.len() as f64 + 27.0;
        placed.push((row, value, lines, y));
        y += height;
    }
    let bottom = y;
    let x = |share: f64| LEFT + share * (RIGHT - LEFT);
    for (share, label) in axis.ticks(interface.language()) {
        svg.line((x(share), top), (x(share), bottom + 5.0), 0.2);
        svg.text(x(share), bottom + 18.0, Anchor::Middle, Style::Small, &label);
    }
    svg.line((LEFT, bottom), (RIGHT, bottom), 0.7);
    for (row, value, lines, top) in placed {
        for (number, line) in lines.iter().enumerate() {
            let y = top + 15.0 + 17.0 * number as f64;
            svg.text(0.0, y, Anchor::Start, Style::Label, line);
        }
        svg.text(WIDTH, top + 15.0, Anchor::End, Style::Label, &value);
        if let Ok(value) = &row.value {
            let y = top + 17.0 * lines.len() as f64 + 9.5;
            let at = |along: f64, across: f64| (LEFT + along, y + across);
            let told = value.told(&row.label, kind, interface);
            point(&mut svg, row.series, (value, &told), &axis, RIGHT - LEFT, at);
        }
    }
    svg.text(
        WIDTH / 2.0,
        bottom + 36.0,
        Anchor::Middle,
        Style::Small,
        &axis_title(&axis, metric, interface),
    );
    let end = bounds(&mut svg, &values, bottom + 36.0, interface);
    let title = format!("{label}: {}", interface.label(&figure.experiment().title));
    svg.finish(id, end + 6.0, &title, &description(&rows, kind, interface))
}

/// An axis for the values of a metric with their intervals.
pub fn axis(estimates: &[Estimate], metric: &Metric) -> Axis {
    let kind = Kind::Unit(metric.unit());
    let (values, bounds) = extents(estimates);
    // A count may be zero: then the distances from it are drawn, and no ratios.
    let has_zero = values.contains(&0.0);
    if metric.quantity.has_ratios() && !has_zero {
        Axis::logarithmic(&values, &bounds, kind)
    } else {
        Axis::linear(&bounds, kind)
    }
}

/// For ratios, with what else is to be seen beside them.
pub fn ratio_axis(estimates: &[Estimate], beside: &[f64]) -> Axis {
    let (mut values, mut bounds) = extents(estimates);
    values.extend(beside);
    bounds.extend(beside);
    Axis::logarithmic(&values, &bounds, Kind::Ratio)
}

/// The values, and the ends of their intervals.
fn extents(estimates: &[Estimate]) -> (Vec<f64>, Vec<f64>) {
    let values = estimates.iter().map(|estimate| estimate.value);
    let bounds = estimates.iter().flat_map(|estimate| match estimate.interval {
        Some(interval) => [interval.low, interval.high],
        None => [estimate.value; 2],
    });
    (values.collect(), bounds.collect())
}

/// What the signs of bounds mean, in lines below `y`; tells where they end.
pub fn bounds(svg: &mut Svg, values: &[Value], mut y: f64, interface: &Interface) -> f64 {
    for bound in [Bound::AtLeast, Bound::AtMost] {
        let Some(sign) = number::sign(bound).filter(|_| values.iter().any(|value| value.bound == Some(bound))) else {
            continue;
        };
        let words = format!("{sign}: {}", number::why_bounded(bound, interface));
        // Small text takes less room than labels do.
        for line in wrap(&words, WIDTH * Style::Label.size() / Style::Small.size()) {
            y += 18.0;
            svg.text(0.0, y, Anchor::Start, Style::Small, &line);
        }
    }
    y
}

/// How far the arrow of an open end reaches beyond the interval, and at least beyond the middle of the mark.
const OPEN: f64 = 12.0;
const BEYOND_MARK: f64 = 20.0;

/// A value with its interval on an axis `length` units long. `at` turns units along the axis and units across it into a place of the
/// drawing. The side on which a bound leaves it open has an arrow, which may reach somewhat beyond the axis. With the value comes what is told
/// of it.
pub fn point(
    svg: &mut Svg,
    series: usize,
    (value, told): (&Value, &str),
    axis: &Axis,
    length: f64,
    at: impl Fn(f64, f64) -> (f64, f64),
) {
    let Value { estimate, bound } = value;
    let along = |value: f64| axis.clamped(value) * length;
    let centre = along(estimate.value);
    let known = estimate.interval.unwrap_or(Interval {
        low: estimate.value,
        high: estimate.value,
    });
    let open = bound.map_or(known, |bound| bound.widen(known));
    let ends = [(known.low, open.low, -1.0), (known.high, open.high, 1.0)].map(|(known, open, outwards)| {
        if open.is_infinite() {
            let reach = (outwards * (along(known) - centre) + OPEN).max(BEYOND_MARK);
            (centre + outwards * reach, Some(outwards))
        } else {
            // An interval that goes on beyond the drawing has an arrowhead too.
            (along(known), axis.place(known).is_none().then_some(outwards))
        }
    });
    let [(low, _), (high, _)] = ends;
    let (x, y) = at(centre, 0.0);
    svg.open(told, (x, y));
    if high > low {
        svg.stroke(series, at(low, 0.0), at(high, 0.0));
    }
    for (tip, arrow) in ends {
        match arrow {
            Some(outwards) => {
                svg.stroke(series, at(tip, 0.0), at(tip - outwards * 6.0, -4.0));
                svg.stroke(series, at(tip, 0.0), at(tip - outwards * 6.0, 4.0));
            }
            // The mark covers an interval this narrow; a cap on it would only spoil its shape.
            None if (tip - centre).abs() < 8.0 => {}
            None => svg.stroke(series, at(tip, -5.0), at(tip, 5.0)),
        }
    }
    svg.mark(series, x, y);
    svg.close();
}

/// Unit, kind of axis, and which way is better, with an arrow that points there.
fn axis_title(axis: &Axis, metric: &Metric, interface: &Interface) -> String {
    let unit = unit(axis, interface);
    let parts = match metric.better {
        Some(Better::Lower) => vec![format!("← {}", interface.text("lower is better")), unit],
        Some(Better::Higher) => vec![unit, format!("{} →", interface.text("higher is better"))],
        None => vec![unit],
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
}

/// Unit and kind of an axis; empty for counts on a linear one.
pub fn unit(axis: &Axis, interface: &Interface) -> String {
    let mut parts = vec![axis.scale.unit(interface)];
    if axis.is_logarithmic() {
        parts.push(interface.text("logarithmic axis"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn description(rows: &[Row], kind: Kind, interface: &Interface) -> String {
    rows.iter()
        .map(|row| match &row.value {
            Ok(value) => value.told(&row.label, kind, interface),
            Err(why) => {
                let why = why.unknowable().unwrap_or("not measured yet");
                format!("{}: {}", row.label, interface.text(why))
            }
        })
        .collect::<Vec<_>>()
        .join("; ")
}
