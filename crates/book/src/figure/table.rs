//! The numbers of a figure as a table, folded away until asked for.

use measure::experiment::Metric;
use measure::library::Measured;

use super::{Figure, gantt, plain};
use crate::interface::Interface;
use crate::number::{Kind, Shown};
use crate::reference::{Reference, Unmeasured};

/// So many waits have a column each; of more, only their number and how long they took together.
pub const COLUMNS: usize = 6;

/// All programs of the experiment with the figure's metrics.
pub fn of_metrics(figure: &Figure<'_>, metrics: &[&Metric], interface: &Interface) -> String {
    let mut head = vec![interface.text("Program")];
    head.extend(metrics.iter().map(|metric| interface.label(&metric.label)));
    let rows = figure.experiment().programs.iter().map(|program| {
        let cells = metrics.iter().map(|&metric| {
            let reference = Reference {
                entry: figure.entry,
                metric,
                program,
                over: None,
            };
            match reference.estimate() {
                Ok(estimate) => {
                    let shown = Shown::new(&estimate, Kind::Unit(metric.quantity.unit()), interface);
                    format!("{}<br><small>{}</small>", plain(&shown.value), plain(&shown.interval))
                }
                Err(Unmeasured::Stale) => format!(
                    "<small>{}</small>",
                    plain(&interface.text("changed since it was measured"))
                ),
                Err(_) => format!("<small>{}</small>", plain(&interface.text("not measured yet"))),
            }
        });
        (interface.label(&program.label), cells.collect())
    });
    let summary = interface.text("Data, with 95 % intervals");
    table(&head, rows.collect(), &summary)
}

/// The waits of one run of each program.
pub fn of_waits(figure: &Figure<'_>, phase: &str, measured: &Measured, interface: &Interface) -> String {
    let rows = gantt::waits(figure, phase, measured, interface);
    let most = rows
        .iter()
        .filter_map(|row| row.phase)
        .map(|phase| phase.spans.len())
        .max()
        .unwrap_or(0);
    let columns = if most > COLUMNS { 0 } else { most };
    let mut head = vec![interface.text("Program")];
    head.extend((1..=columns).map(|number| interface.fill("Wait {number}", &[("number", &number.to_string())])));
    head.push(interface.text("Duration"));
    let rows = rows.iter().map(|row| {
        let waits = (0..columns).map(|number| row.span(number, interface).unwrap_or_else(|| "–".to_owned()));
        let cells = waits
            .chain([row.duration(interface)])
            .map(|cell| plain(&cell))
            .collect();
        (row.label.clone(), cells)
    });
    table(&head, rows.collect(), &interface.text("Data"))
}

/// `head` and the rows' first cells are text, the other cells HTML.
pub fn table(head: &[String], rows: Vec<(String, Vec<String>)>, summary: &str) -> String {
    let mut html = format!(
        "<details>\n<summary>{}</summary>\n<div class=\"table-wrapper\">\n<table>\n<thead><tr>",
        plain(summary)
    );
    for cell in head {
        html.push_str(&format!("<th scope=\"col\">{}</th>", plain(cell)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for (label, cells) in rows {
        html.push_str(&format!("<tr><th scope=\"row\">{}</th>", plain(&label)));
        for cell in cells {
            html.push_str(&format!("<td>{cell}</td>"));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n</details>\n");
    html
}
