//! The waits of a phase as bars over time, for one run of each program.

use measure::experiment::Unit;
use measure::library::Measured;
use measure::results::Phase;

use super::Figure;
use super::axis::Axis;
use super::svg::{Anchor, LEFT, RIGHT, Style, Svg, WIDTH, extent, wrap};
use crate::interface::Interface;
use crate::number::{Kind, Scale};

/// A program with the phase of its run of median duration, if its runs report their waits.
pub struct Waits<'a> {
    pub series: usize,
    pub label: String,
    pub phase: Option<&'a Phase>,
}

impl Waits<'_> {
    /// How long the phase took.
    pub fn duration(&self, interface: &Interface) -> String {
        match self.phase {
            Some(phase) => seconds(phase.seconds, phase, interface),
            None => interface.text("not measured yet"),
        }
    }

    /// When a wait began and ended, if there was one of that number (from 0).
    pub fn span(&self, number: usize, interface: &Interface) -> Option<String> {
        let phase = self.phase?;
        let (start, end) = *phase.spans.get(number)?;
        let (scale, place) = scale(phase);
        let start = scale.digits(start, place, interface.language());
        let end = seconds(end, phase, interface);
        Some(interface.fill("{start} to {end}", &[("start", &start), ("end", &end)]))
    }
}

/// All times of a phase are told in the unit and to the place that give its duration four digits: they were read off one run.
fn scale(phase: &Phase) -> (Scale, i32) {
    let place = phase.seconds.log10().floor() as i32 - 3;
    (Scale::of(Kind::Unit(Unit::Seconds), phase.seconds), place)
}

fn seconds(value: f64, phase: &Phase, interface: &Interface) -> String {
    let (scale, place) = scale(phase);
    scale.number(value, place, interface)
}

/// What is to be drawn, and written in the table.
pub fn waits<'a>(figure: &Figure<'_>, phase: &str, measured: &'a Measured, interface: &Interface) -> Vec<Waits<'a>> {
    figure
        .programs(measured)
        .into_iter()
        .map(|(series, program)| Waits {
            series,
            label: interface.label(&program.label),
            phase: super::median_run(measured, &program.id, phase, |phase| !phase.spans.is_empty()),
        })
        .collect()
}

/// `id` is the drawing's own.
pub fn panel(figure: &Figure<'_>, phase: &str, measured: &Measured, id: &str, interface: &Interface) -> String {
    let rows = waits(figure, phase, measured, interface);
    let ends: Vec<f64> = rows
        .iter()
        .filter_map(|row| row.phase)
        .flat_map(|phase| phase.spans.iter().map(|(_, end)| *end).chain([phase.seconds]))
        .collect();
    let axis = Axis::linear(&ends, Kind::Unit(Unit::Seconds));
    let x = |value: f64| LEFT + axis.clamped(value) * (RIGHT - LEFT);
    let mut svg = Svg::default();
    let mut placed = Vec::new();
    let top = 4.0;
    let mut y = top;
    for row in &rows {
        let value = row.duration(interface);
        let lines = wrap(&row.label, WIDTH - extent(&value) - 16.0);
        let waits = row.phase.map_or(0, |phase| phase.spans.len());
        // Few waits get bars thick enough to be looked at, many a strip of lines.
        let pitch = (96.0 / waits.max(1) as f64).clamp(1.5, 11.0);
        let bars = top_of_bars(y, lines.len());
        let height = bars - y + pitch * waits as f64 + 10.0;
        placed.push((row, value, lines, y, pitch));
        y += height;
    }
    let bottom = y;
    for (share, label) in axis.ticks(interface.language()) {
        let x = LEFT + share * (RIGHT - LEFT);
        svg.line((x, top), (x, bottom + 5.0), 0.2);
        svg.text(x, bottom + 18.0, Anchor::Middle, Style::Small, &label);
    }
    svg.line((LEFT, bottom), (RIGHT, bottom), 0.7);
    for (row, value, lines, top, pitch) in placed {
        for (number, line) in lines.iter().enumerate() {
            svg.text(
                0.0,
                top + 15.0 + 17.0 * number as f64,
                Anchor::Start,
                Style::Label,
                line,
            );
        }
        svg.text(WIDTH, top + 15.0, Anchor::End, Style::Label, &value);
        let bars = top_of_bars(top, lines.len());
        for (number, (start, end)) in row.phase.iter().flat_map(|phase| &phase.spans).enumerate() {
            let y = bars + pitch * number as f64;
            svg.bar(row.series, x(*start), y, x(*end) - x(*start), pitch * 0.8);
        }
    }
    let unit = axis.scale.unit(interface);
    let axis_title = format!("{unit}, {}", interface.text("from the start of the phase"));
    svg.text(WIDTH / 2.0, bottom + 36.0, Anchor::Middle, Style::Small, &axis_title);
    let title = format!(
        "{}: {}",
        interface.label(&figure.experiment().title),
        interface.text("of each program, the run of median duration")
    );
    let description = rows
        .iter()
        .map(|row| format!("{}: {}", row.label, told(row, interface)))
        .collect::<Vec<_>>()
        .join("; ");
    svg.finish(id, bottom + 42.0, &title, &description)
}

fn top_of_bars(top: f64, lines: usize) -> f64 {
    top + 17.0 * lines as f64 + 6.0
}

/// The waits in words; of many only how long they took together.
fn told(row: &Waits<'_>, interface: &Interface) -> String {
    let waits = row.phase.map_or(0, |phase| phase.spans.len());
    let duration = match row.phase {
        Some(_) => format!("{} {}", interface.text("Duration"), row.duration(interface)),
        None => row.duration(interface),
    };
    if waits > super::table::COLUMNS {
        return duration;
    }
    (0..waits)
        .filter_map(|number| {
            let wait = interface.fill("Wait {number}", &[("number", &(number + 1).to_string())]);
            Some(format!("{wait} {}", row.span(number, interface)?))
        })
        .chain([duration])
        .collect::<Vec<_>>()
        .join(", ")
}
