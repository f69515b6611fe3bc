//! The numbers of a figure as a table, folded away until asked for.

use measure::experiment::{Metric, Point, Program};
use measure::library::Measured;

use super::curve::Sweep;
use super::{Figure, gantt, machine_name, plain};
use crate::interface::Interface;
use crate::number::{Kind, Shown};
use crate::reference::{Reference, Unmeasured};

/// So many waits have a column each; of more, only their number and how long they took together.
pub const COLUMNS: usize = 6;

/// Columns that belong together, with what stands in them.
struct Group {
    /// Over all of its columns, the outermost first.
    headings: Vec<String>,
    columns: Vec<String>,
    /// For each row its cells, which are HTML.
    rows: Vec<Vec<String>>,
}

/// All programs of the experiment with the figure's metrics, on every machine.
pub fn of_metrics(figure: &Figure<'_>, metrics: &[&Metric], machines: &[&Measured], interface: &Interface) -> String {
    let programs = &figure.experiment().programs;
    let groups = machines.iter().map(|measured| Group {
        headings: heading(measured, machines, interface),
        columns: metrics.iter().map(|metric| interface.label(&metric.label)).collect(),
        rows: programs
            .iter()
            .map(|program| {
                let cells = metrics.iter();
                cells
                    .map(|metric| cell(figure, measured, metric, program, Point::base(), interface))
                    .collect()
            })
            .collect(),
    });
    let groups: Vec<Group> = groups.collect();
    let table = table(None, &labels(figure, interface), &groups, interface);
    folded(&interface.text("Data, with 95 % intervals"), &table)
}

/// For each metric a table of all programs, with a column for each value of the sweep, on every machine.
pub fn of_sweep(
    figure: &Figure<'_>,
    metrics: &[&Metric],
    sweep: &Sweep<'_>,
    machines: &[&Measured],
    interface: &Interface,
) -> String {
    let experiment = figure.experiment();
    let tables = metrics.iter().map(|metric| {
        let groups = machines.iter().map(|measured| {
            let mut headings = heading(measured, machines, interface);
            headings.push(sweep.label(interface));
            let rows = experiment.programs.iter().map(|program| {
                let points = sweep
                    .values
                    .iter()
                    .map(|value| experiment.point(sweep.parameter, *value));
                points
                    .map(|point| match point {
                        Some(point) if experiment.runs_at(program, &point) => {
                            cell(figure, measured, metric, program, point, interface)
                        }
                        _ => "–".to_owned(),
                    })
                    .collect()
            });
            Group {
                headings,
                columns: sweep
                    .values
                    .iter()
                    .map(|value| sweep.value(*value, interface))
                    .collect(),
                rows: rows.collect(),
            }
        });
        let groups: Vec<Group> = groups.collect();
        let caption = interface.label(&metric.label);
        table(Some(&caption), &labels(figure, interface), &groups, interface)
    });
    folded(
        &interface.text("Data, with 95 % intervals"),
        &tables.collect::<Vec<_>>().concat(),
    )
}

/// The waits of one run of each program, on every machine.
pub fn of_waits(figure: &Figure<'_>, phase: &str, machines: &[&Measured], interface: &Interface) -> String {
    let by_machine: Vec<Vec<gantt::Waits<'_>>> = machines
        .iter()
        .map(|measured| gantt::waits(figure, phase, measured, interface))
        .collect();
    let all = || by_machine.iter().flatten();
    let most = all()
        .filter_map(|row| row.phase)
        .map(|phase| phase.spans.len())
        .max()
        .unwrap_or(0);
    let columns = if most > COLUMNS { 0 } else { most };
    // A program that was changed since may count on one machine and not on another.
    let shown: Vec<(usize, String)> = labels(figure, interface)
        .into_iter()
        .enumerate()
        .filter(|(series, _)| all().any(|row| row.series == *series))
        .collect();
    let groups = machines.iter().zip(&by_machine).map(|(measured, rows)| {
        let rows = shown.iter().map(|(series, _)| {
            let Some(row) = rows.iter().find(|row| row.series == *series) else {
                return vec!["–".to_owned(); columns + 1];
            };
            let waits = (0..columns).map(|number| row.span(number, interface).unwrap_or_else(|| "–".to_owned()));
            waits
                .chain([row.duration(interface)])
                .map(|cell| plain(&cell))
                .collect()
        });
        let waits = (1..=columns).map(|number| interface.fill("Wait {number}", &[("number", &number.to_string())]));
        Group {
            headings: heading(measured, machines, interface),
            columns: waits.chain([interface.text("Duration")]).collect(),
            rows: rows.collect(),
        }
    });
    let groups: Vec<Group> = groups.collect();
    let labels: Vec<String> = shown.iter().map(|(_, label)| label.clone()).collect();
    folded(&interface.text("Data"), &table(None, &labels, &groups, interface))
}

fn labels(figure: &Figure<'_>, interface: &Interface) -> Vec<String> {
    let programs = &figure.experiment().programs;
    programs.iter().map(|program| interface.label(&program.label)).collect()
}

/// The machine over its columns; nothing where there is only one.
fn heading(measured: &Measured, machines: &[&Measured], interface: &Interface) -> Vec<String> {
    match machines.len() {
        1 => Vec::new(),
        _ => vec![machine_name(measured, interface)],
    }
}

/// A value with its interval, or why there is none.
fn cell(
    figure: &Figure<'_>,
    measured: &Measured,
    metric: &Metric,
    program: &Program,
    point: Point,
    interface: &Interface,
) -> String {
    let reference = Reference {
        entry: figure.entry,
        point,
        metric,
        program,
        over: None,
    };
    match reference.estimate_on(measured) {
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
}

fn folded(summary: &str, tables: &str) -> String {
    format!(
        "<details>\n<summary>{}</summary>\n<div class=\"table-wrapper\">\n{tables}</div>\n</details>\n",
        plain(summary)
    )
}

/// A row for each label. All groups have as many headings and rows as the first.
fn table(caption: Option<&str>, labels: &[String], groups: &[Group], interface: &Interface) -> String {
    let mut html = "<table>\n".to_owned();
    if let Some(caption) = caption {
        html.push_str(&format!("<caption>{}</caption>\n", plain(caption)));
    }
    let levels = groups.first().map_or(0, |group| group.headings.len());
    if levels > 0 {
        // The groups that headings are headings of.
        html.push_str("<colgroup></colgroup>");
        for group in groups {
            html.push_str(&format!("<colgroup span=\"{}\"></colgroup>", group.columns.len()));
        }
        html.push('\n');
    }
    html.push_str("<thead><tr>");
    let rows = match levels {
        0 => String::new(),
        _ => format!(" rowspan=\"{}\"", levels + 1),
    };
    html.push_str(&format!(
        "<th scope=\"col\"{rows}>{}</th>",
        plain(&interface.text("Program"))
    ));
    for level in 0..levels {
        for group in groups {
            html.push_str(&format!(
                "<th scope=\"colgroup\" colspan=\"{}\">{}</th>",
                group.columns.len(),
                plain(&group.headings[level])
            ));
        }
        html.push_str("</tr>\n<tr>");
    }
    for column in groups.iter().flat_map(|group| &group.columns) {
        html.push_str(&format!("<th scope=\"col\">{}</th>", plain(column)));
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for (row, label) in labels.iter().enumerate() {
        html.push_str(&format!("<tr><th scope=\"row\">{}</th>", plain(label)));
        for cell in groups.iter().flat_map(|group| &group.rows[row]) {
            html.push_str(&format!("<td>{cell}</td>"));
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n");
    html
}
