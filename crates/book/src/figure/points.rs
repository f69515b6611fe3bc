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

pub fn panel(figure: &Figure<'_>, metric: &Metric, measured: &Measured, interface: &Interface) -> String {
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
    let axis = axis(&rows, metric, kind);
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
            point(&mut svg, row.series, estimate, &axis, y, x);
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
    let number = figure
        .metrics()
        .iter()
        .position(|shown| shown.id == metric.id)
        .map_or(1, |at| at + 1);
    let id = format!("{}-{number}", figure.id());
    svg.finish(&id, bottom + 42.0, &title, &description(&rows, interface))
}

fn axis(rows: &[Row], metric: &Metric, kind: Kind) -> Axis {
    let estimates: Vec<Estimate> = rows.iter().filter_map(|row| row.estimate).collect();
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

fn point(svg: &mut Svg, series: usize, estimate: &Estimate, axis: &Axis, y: f64, x: impl Fn(f64) -> f64) {
    if let Some(interval) = estimate.interval {
        let ends = [interval.low, interval.high];
        svg.stroke(series, (x(axis.clamped(ends[0])), y), (x(axis.clamped(ends[1])), y));
        let centre = x(axis.clamped(estimate.value));
        for (end, inwards) in ends.into_iter().zip([1.0, -1.0]) {
            match axis.place(end) {
                // The mark covers an interval this narrow; a cap on it would only spoil its shape.
                Some(share) if (x(share) - centre).abs() < 8.0 => {}
                Some(share) => svg.stroke(series, (x(share), y - 5.0), (x(share), y + 5.0)),
                // The interval goes on beyond the drawing: an arrowhead.
                None => {
                    let tip = x(axis.clamped(end));
                    svg.stroke(series, (tip, y), (tip + inwards * 6.0, y - 4.0));
                    svg.stroke(series, (tip, y), (tip + inwards * 6.0, y + 4.0));
                }
            }
        }
    }
    svg.mark(series, x(axis.clamped(estimate.value)), y);
}

/// Unit, kind of axis, and which way is better, with an arrow that points there.
fn axis_title(axis: &Axis, metric: &Metric, interface: &Interface) -> String {
    let mut parts = vec![axis.scale.unit(interface)];
    if axis.is_logarithmic() {
        parts.push(interface.text("logarithmic axis"));
    }
    parts.retain(|part| !part.is_empty());
    let unit = parts.join(", ");
    let parts = match metric.better {
        Some(Better::Lower) => vec![format!("← {}", interface.text("lower is better")), unit],
        Some(Better::Higher) => vec![unit, format!("{} →", interface.text("higher is better"))],
        None => vec![unit],
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(" · ")
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
