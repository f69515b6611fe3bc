//! The numbers of a figure as a table, folded away until asked for.

use measure::experiment::{Metric, Point, Program};
use measure::library::Measured;

use super::curve::Sweep;
use super::gain::{self, Gain};
use super::points::Value;
use super::{Figure, distribution, gantt, machine_name, plain, timeline};
use crate::interface::Interface;
use crate::reference::{Reference, Unmeasured};

/// So many waits have a column each; of more, only their number and how long they took together.
pub const COLUMNS: usize = 6;

/// Stands where nothing was to be measured.
const ABSENT: &str = "–";

/// Columns that belong together.
struct Group {
    /// Over all of its columns; all groups of a table have one, or none has.
    heading: Option<String>,
    columns: Vec<String>,
}

/// Rows that belong together.
struct Section {
    /// Above its rows.
    heading: Option<String>,
    /// Labels, and the cells of all columns, which are HTML.
    rows: Vec<(String, Vec<String>)>,
}

/// All programs of the experiment with the figure's metrics, on every machine.
pub fn of_metrics(figure: &Figure<'_>, metrics: &[&Metric], machines: &[&Measured], interface: &Interface) -> String {
    let head: Vec<Group> = machines
        .iter()
        .map(|measured| Group {
            heading: heading(measured, machines, interface),
            columns: metrics.iter().map(|metric| interface.label(&metric.label)).collect(),
        })
        .collect();
    let rows = figure.experiment().programs.iter().map(|program| {
        let cells = machines.iter().flat_map(|measured| {
            let cell = |metric: &&Metric| cell(figure, measured, metric, (program, None), Point::base(), interface);
            metrics.iter().map(cell).collect::<Vec<_>>()
        });
        (interface.label(&program.label), cells.collect())
    });
    let rows = Section {
        heading: None,
        rows: rows.collect(),
    };
    let table = table(None, &interface.text("Program"), &head, &[rows]);
    folded(&interface.text("Data, with 95 % intervals"), &table)
}

/// For each metric a table of all programs, with a column for each value of the sweep. Machines stand below each other: side by side, so
/// many columns fit neither paper nor screen.
pub fn of_sweep(
    figure: &Figure<'_>,
    metrics: &[&Metric],
    sweep: &Sweep<'_>,
    machines: &[&Measured],
    interface: &Interface,
) -> String {
    let experiment = figure.experiment();
    let values = sweep.values.iter();
    let head = [Group {
        heading: Some(sweep.label(interface)),
        columns: values.map(|value| sweep.value(*value, interface)).collect(),
    }];
    let tables = metrics.iter().map(|metric| {
        let sections = machines.iter().map(|measured| {
            let rows = experiment.programs.iter().map(|program| {
                let points = sweep.values.iter().map(|value| {
                    experiment
                        .point(sweep.parameter, *value)
                        .filter(|point| experiment.runs_at(program, point))
                });
                let cells = points.map(|point| match point {
                    Some(point) => cell(figure, measured, metric, (program, None), point, interface),
                    None => ABSENT.to_owned(),
                });
                (interface.label(&program.label), cells.collect())
            });
            Section {
                heading: heading(measured, machines, interface),
                rows: rows.collect(),
            }
        });
        let sections: Vec<Section> = sections.collect();
        table(
            Some(&interface.label(&metric.label)),
            &interface.text("Program"),
            &head,
            &sections,
        )
    });
    let tables: Vec<String> = tables.collect();
    folded(&interface.text("Data, with 95 % intervals"), &tables.concat())
}

/// The ratios of a gain, with a column for each value of the sweep, and what its formula says.
pub fn of_gain(
    figure: &Figure<'_>,
    metric: &Metric,
    sweep: &Sweep<'_>,
    gain: &Gain<'_>,
    machines: &[&Measured],
    interface: &Interface,
) -> String {
    let experiment = figure.experiment();
    let head = [Group {
        heading: Some(sweep.label(interface)),
        columns: (sweep.values.iter())
            .map(|value| sweep.value(*value, interface))
            .collect(),
    }];
    let sections = machines.iter().map(|measured| {
        let ratios = gain.pairs.iter().map(|(program, over)| {
            let cells = sweep.values.iter().map(|value| {
                let point = experiment
                    .point(sweep.parameter, *value)
                    .filter(|point| experiment.runs_at(program, point) && experiment.runs_at(over, point));
                match point {
                    Some(point) => cell(figure, measured, metric, (*program, Some(*over)), point, interface),
                    None => ABSENT.to_owned(),
                }
            });
            (gain::label((*program, *over), interface), cells.collect())
        });
        let expected = gain.formula.map(|formula| {
            let cells = sweep
                .values
                .iter()
                .map(|value| plain(&formula.shown(*value, interface)));
            (formula.label(sweep, interface), cells.collect())
        });
        Section {
            heading: heading(measured, machines, interface),
            rows: ratios.chain(expected).collect(),
        }
    });
    let sections: Vec<Section> = sections.collect();
    let table = table(
        Some(&gain::heading(metric, interface)),
        &interface.text("Program"),
        &head,
        &sections,
    );
    folded(&interface.text("Data, with 95 % intervals"), &table)
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
    let waits = (1..=columns).map(|number| interface.fill("Wait {number}", &[("number", &number.to_string())]));
    let head = [Group {
        heading: None,
        columns: waits.chain([interface.text("Duration")]).collect(),
    }];
    let sections = machines.iter().zip(&by_machine).map(|(measured, rows)| {
        let rows = rows.iter().map(|row| {
            let waits = (0..columns).map(|number| row.span(number, interface).unwrap_or_else(|| ABSENT.to_owned()));
            let cells = waits
                .chain([row.duration(interface)])
                .map(|cell| plain(&cell))
                .collect();
            (row.label.clone(), cells)
        });
        Section {
            heading: heading(measured, machines, interface),
            rows: rows.collect(),
        }
    });
    let sections: Vec<Section> = sections.collect();
    folded(
        &interface.text("Data"),
        &table(None, &interface.text("Program"), &head, &sections),
    )
}

/// The latencies of a phase by quantiles, of every program on every machine.
pub fn of_latencies(figure: &Figure<'_>, phase: &str, machines: &[&Measured], interface: &Interface) -> String {
    let head = [Group {
        heading: None,
        columns: distribution::columns(interface),
    }];
    let sections = machines.iter().map(|measured| {
        let rows = distribution::latencies(figure, phase, measured, interface);
        let rows = rows.iter().map(|row| {
            let cells = row.cells(interface).into_iter();
            let cells = cells.map(|cell| plain(cell.as_deref().unwrap_or(ABSENT)));
            (row.label.clone(), cells.collect())
        });
        Section {
            heading: heading(measured, machines, interface),
            rows: rows.collect(),
        }
    });
    let sections: Vec<Section> = sections.collect();
    folded(
        &interface.text("Data"),
        &table(None, &interface.text("Program"), &head, &sections),
    )
}

/// What programs looked at over time, at a few times, of every program on every machine.
pub fn of_series(
    figure: &Figure<'_>,
    phase: &str,
    name: &str,
    machines: &[&Measured],
    interface: &Interface,
) -> String {
    let unit = timeline::unit(name);
    let by_machine: Vec<usize> = machines
        .iter()
        .map(|measured| figure.programs(measured).len())
        .collect();
    let all: Vec<timeline::Course<'_>> = machines
        .iter()
        .flat_map(|measured| timeline::courses(figure, phase, name, measured, interface))
        .collect();
    let (times, columns) = timeline::columns(&all, interface);
    let head = [Group { heading: None, columns }];
    let mut rest = all.iter();
    let sections = machines.iter().zip(by_machine).map(|(measured, programs)| {
        let rows = rest.by_ref().take(programs).map(|course| {
            let cells = course.cells(&times, unit, interface).into_iter();
            let cells = cells.map(|cell| plain(cell.as_deref().unwrap_or(ABSENT)));
            (course.label.clone(), cells.collect())
        });
        Section {
            heading: heading(measured, machines, interface),
            rows: rows.collect(),
        }
    });
    let sections: Vec<Section> = sections.collect();
    folded(
        &interface.text("Data"),
        &table(None, &interface.text("Program"), &head, &sections),
    )
}

/// The machine's name, where there is more than one.
fn heading(measured: &Measured, machines: &[&Measured], interface: &Interface) -> Option<String> {
    (machines.len() > 1).then(|| machine_name(measured, interface))
}

/// A value with its interval, or why there is none.
fn cell(
    figure: &Figure<'_>,
    measured: &Measured,
    metric: &Metric,
    (program, over): (&Program, Option<&Program>),
    point: Point,
    interface: &Interface,
) -> String {
    let reference = Reference {
        entry: figure.entry,
        point,
        metric,
        program,
        over,
    };
    match Value::of(&reference, measured) {
        Ok(value) => {
            let shown = value.shown(reference.kind(), interface);
            // What a sign of a bound means is told where one points at it, and below the drawing.
            let number = match value.bound {
                Some(_) => format!(
                    "<span title=\"{}\">{}</span>",
                    plain(&shown.certainty),
                    plain(&shown.value)
                ),
                None => plain(&shown.value),
            };
            format!("{number}<br><small>{}</small>", plain(&shown.interval))
        }
        Err(Unmeasured::Stale) => format!(
            "<small>{}</small>",
            plain(&interface.text("changed since it was measured"))
        ),
        Err(why) => {
            let why = why.unknowable().unwrap_or("not measured yet");
            format!("<small>{}</small>", plain(&interface.text(why)))
        }
    }
}

fn folded(summary: &str, tables: &str) -> String {
    format!(
        "<details>\n<summary>{}</summary>\n<div class=\"table-wrapper\">\n{tables}</div>\n</details>\n",
        plain(summary)
    )
}

/// A folded table of plain rows: `head` and the rows' first cells are text, the other cells HTML.
pub fn of_rows(head: &[String], rows: Vec<(String, Vec<String>)>, summary: &str) -> String {
    let [first, columns @ ..] = head else {
        return String::new();
    };
    let group = Group {
        heading: None,
        columns: columns.to_vec(),
    };
    let section = Section { heading: None, rows };
    folded(summary, &table(None, first, &[group], &[section]))
}

/// `first` is the heading of the column that names the rows.
fn table(caption: Option<&str>, first: &str, head: &[Group], sections: &[Section]) -> String {
    let mut html = "<table>\n".to_owned();
    if let Some(caption) = caption {
        html.push_str(&format!("<caption>{}</caption>\n", plain(caption)));
    }
    let headings: Vec<String> = head
        .iter()
        .filter_map(|group| {
            let heading = plain(group.heading.as_deref()?);
            let columns = group.columns.len();
            Some(format!("<th scope=\"colgroup\" colspan=\"{columns}\">{heading}</th>"))
        })
        .collect();
    let program = plain(first);
    if headings.is_empty() {
        html.push_str(&format!("<thead><tr><th scope=\"col\">{program}</th>"));
    } else {
        // The groups that headings are headings of.
        let groups = head
            .iter()
            .map(|group| format!("<colgroup span=\"{}\"></colgroup>", group.columns.len()));
        html.push_str(&format!(
            "<colgroup></colgroup>{}\n<thead><tr><th scope=\"col\" rowspan=\"2\">{program}</th>{}</tr>\n<tr>",
            groups.collect::<String>(),
            headings.concat()
        ));
    }
    let columns: Vec<&String> = head.iter().flat_map(|group| &group.columns).collect();
    for column in &columns {
        html.push_str(&format!("<th scope=\"col\">{}</th>", plain(column)));
    }
    html.push_str("</tr></thead>\n");
    for section in sections {
        html.push_str("<tbody>\n");
        if let Some(heading) = &section.heading {
            html.push_str(&format!(
                "<tr><th scope=\"rowgroup\" colspan=\"{}\">{}</th></tr>\n",
                columns.len() + 1,
                plain(heading)
            ));
        }
        for (label, cells) in &section.rows {
            html.push_str(&format!("<tr><th scope=\"row\">{}</th>", plain(label)));
            for cell in cells {
                html.push_str(&format!("<td>{cell}</td>"));
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n");
    }
    html.push_str("</table>\n");
    html
}
