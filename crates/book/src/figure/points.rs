//! A panel of one metric: a row per program with its value and interval.

use measure::experiment::{Better, Metric, Point};
use measure::library::Measured;
use measure::statistics::Estimate;

use super::Figure;
use super::axis::Axis;
use super::svg::{Anchor, LEFT, RIGHT, Style, Svg, WIDTH, extent, wrap};
use crate::interface::Interface;
use crate::number::{Kind, Shown};

struct Row {
    series: usize,
    label: String,
    /// Absent where the results lack the metric for this program.
    estimate: Option<Estimate>,
    shown: Option<Shown>,
}

/// `id` is the drawing's own.
pub fn panel(figure: &Figure<'_>, metric: &Metric, measured: &Measured, id: &str, interface: &Interface) -> String {
    let kind = Kind::Unit(metric.quantity.unit());
    let rows: Vec<Row> = figure
        .programs(measured)
        .into_iter()
        .map(|(series, program)| {
            let estimate = measured
                .results
                .estimate(figure.experiment(), &program.id, &metric.id, &Point::base())
                .ok();
            Row {
                series,
                label: interface.label(&program.label),
                shown: estimate.as_ref().map(|estimate| Shown::new(estimate, kind, interface)),
                estimate,
            }
        })
        .collect();
    let estimates: Vec<Estimate> = rows.iter().filter_map(|row| row.estimate).collect();
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
        let value = match &row.shown {
            Some(shown) => shown.value.clone(),
            None => interface.text("not measured yet"),
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
        if let Some(estimate) = &row.estimate {
            let y = top + 17.0 * lines.len() as f64 + 9.5;
            let at = |along: f64, across: f64| (LEFT + along, y + across);
            point(&mut svg, row.series, estimate, &axis, RIGHT - LEFT, at);
        }
    }
    svg.text(
        WIDTH / 2.0,
        bottom + 36.0,
        Anchor::Middle,
        Style::Small,
        &axis_title(&axis, metric, interface),
    );
    let title = format!("{label}: {}", interface.label(&figure.experiment().title));
    svg.finish(id, bottom + 42.0, &title, &description(&rows, interface))
}

/// An axis for the values of a metric with their intervals.
pub fn axis(estimates: &[Estimate], metric: &Metric) -> Axis {
    let kind = Kind::Unit(metric.quantity.unit());
    let values: Vec<f64> = estimates.iter().map(|estimate| estimate.value).collect();
    let bounds: Vec<f64> = estimates
        .iter()
        .flat_map(|estimate| match estimate.interval {
            Some(interval) => [interval.low, interval.high],
            None => [estimate.value; 2],
        })
        .collect();
    if metric.quantity.is_ratio_scale() {
        Axis::logarithmic(&values, &bounds, kind)
    } else {
        Axis::linear(&bounds, kind)
    }
}

/// A value with its interval on an axis `length` units long. `at` turns units along the axis and units across it into a place of the
/// drawing.
pub fn point(
    svg: &mut Svg,
    series: usize,
    estimate: &Estimate,
    axis: &Axis,
    length: f64,
    at: impl Fn(f64, f64) -> (f64, f64),
) {
    let along = |value: f64| axis.clamped(value) * length;
    let centre = along(estimate.value);
    if let Some(interval) = estimate.interval {
        let ends = [interval.low, interval.high];
        svg.stroke(series, at(along(ends[0]), 0.0), at(along(ends[1]), 0.0));
        for (end, inwards) in ends.into_iter().zip([1.0, -1.0]) {
            let tip = along(end);
            match axis.place(end) {
                // The mark covers an interval this narrow; a cap on it would only spoil its shape.
                Some(_) if (tip - centre).abs() < 8.0 => {}
                Some(_) => svg.stroke(series, at(tip, -5.0), at(tip, 5.0)),
                // The interval goes on beyond the drawing: an arrowhead.
                None => {
                    svg.stroke(series, at(tip, 0.0), at(tip + inwards * 6.0, -4.0));
                    svg.stroke(series, at(tip, 0.0), at(tip + inwards * 6.0, 4.0));
                }
            }
        }
    }
    let (x, y) = at(centre, 0.0);
    svg.mark(series, x, y);
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

fn description(rows: &[Row], interface: &Interface) -> String {
    rows.iter()
        .map(|row| match &row.shown {
            Some(shown) => format!("{}: {} ({})", row.label, shown.value, shown.certainty),
            None => format!("{}: {}", row.label, interface.text("not measured yet")),
        })
        .collect::<Vec<_>>()
        .join("; ")
}
