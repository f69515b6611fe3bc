//! `{{#calculator}}`: cores and memory for a load that the reader enters, from published results.
//!
//! ```text
//! Stack        which results stand for a stack: a request, a call to elsewhere, a process at rest, a task that waits
//!  \-- Figures   their 95 % intervals on one machine
//! Load         what the reader enters, in seconds, bytes and shares
//! Need         cores, processes and memory for both, at the lower ends of the intervals and at the upper ones
//! ```
//!
//! The page holds the tables for the load that the form begins with, and others for typical loads, all computed here. The script
//! `theme/calculator.js` shows the form and computes the first ones again at every change; it repeats [`Figures::need`] and [`cells`], and
//! a test compares the two. Without scripts the form stays hidden, since it could do nothing.
//!
//! Work per request times requests per second is the utilisation law, requests in flight are Little's law (J. D. C. Little, *A proof for
//! the queuing formula: L = λW*, 1961). All terms grow with every figure, so that the lower ends together give the least and the upper ends
//! the most; that both come true at once is less likely than 95 %, and the range is the wider for it.

use measure::experiment::Language as Source;
use measure::library::{Library, Measured};
use serde::Serialize;

use crate::figure::{machine_key, machine_name};
use crate::html::escaped;
use crate::interface::Interface;
use crate::number::decimal;
use crate::reference::{Problem, Reference};
use crate::site::Language;

pub const NAME: &str = "calculator";

const NO_BREAK_SPACE: char = '\u{a0}';

/// The results that stand for a stack, as `{{#measured}}` names them.
struct Stack {
    /// CPU seconds of the server for one request; its program gives the stack its name and language.
    request: &'static str,
    /// CPU seconds for one HTTP call to another service.
    call: &'static str,
    /// Bytes of a process with its event loop.
    base: &'static str,
    /// Bytes of one more task that waits.
    task: &'static str,
}

const STACKS: &[Stack] = &[
    Stack {
        request: "json-services.fastapi.cpu_per_request",
        call: "many-urls.aiohttp-uvloop.cpu_per_get",
        base: "sleeping-tasks@tasks=1000.uvloop.memory",
        task: "sleeping-tasks.uvloop.bytes_per_task",
    },
    Stack {
        request: "json-services.aiohttp.cpu_per_request",
        call: "many-urls.aiohttp-uvloop.cpu_per_get",
        base: "sleeping-tasks@tasks=1000.uvloop.memory",
        task: "sleeping-tasks.uvloop.bytes_per_task",
    },
    Stack {
        request: "json-services.axum.cpu_per_request",
        call: "many-urls.reqwest.cpu_per_get",
        base: "sleeping-tasks@tasks=1000.tokio.memory",
        task: "sleeping-tasks.tokio.bytes_per_task",
    },
    Stack {
        request: "tcp-echo.asyncio-streams.cpu_per_request",
        call: "many-urls.aiohttp.cpu_per_get",
        base: "sleeping-tasks@tasks=1000.asyncio.memory",
        task: "sleeping-tasks.asyncio.bytes_per_task",
    },
    Stack {
        request: "tcp-echo.uvloop-protocol.cpu_per_request",
        call: "many-urls.aiohttp-uvloop.cpu_per_get",
        base: "sleeping-tasks@tasks=1000.uvloop.memory",
        task: "sleeping-tasks.uvloop.bytes_per_task",
    },
    Stack {
        request: "tcp-echo.tokio.cpu_per_request",
        call: "many-urls.reqwest.cpu_per_get",
        base: "sleeping-tasks@tasks=1000.tokio.memory",
        task: "sleeping-tasks.tokio.bytes_per_task",
    },
];

/// What is asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Load {
    /// Requests per second.
    rate: f64,
    /// Seconds from a request's arrival to its answer.
    latency: f64,
    /// HTTP calls to other services for each request.
    calls: f64,
    /// CPU seconds for each request of the code that no stack brings along.
    own_python: f64,
    own_rust: f64,
    /// Bytes that such code keeps for each request in flight.
    own_bytes_python: f64,
    own_bytes_rust: f64,
    /// Bytes that each process holds beyond its event loop: modules, caches, models.
    rest_bytes_python: f64,
    rest_bytes_rust: f64,
    /// The share of a core that may be in use.
    utilisation: f64,
}

/// The form begins with it. What is the reader's own is the same in both languages until the reader knows better.
const FIRST: Load = Load {
    rate: 1000.0,
    latency: 0.1,
    calls: 1.0,
    own_python: 0.0002,
    own_rust: 0.0002,
    own_bytes_python: 20e3,
    own_bytes_rust: 20e3,
    rest_bytes_python: 50e6,
    rest_bytes_rust: 50e6,
    utilisation: 0.6,
};

/// Loads that many services resemble, with what they are called.
const TYPICAL: &[(&str, Load)] = &[
    (
        "An internal service",
        Load {
            rate: 50.0,
            latency: 0.2,
            calls: 3.0,
            own_python: 0.002,
            own_rust: 0.002,
            ..FIRST
        },
    ),
    (
        "A gateway",
        Load {
            rate: 10e3,
            latency: 0.05,
            own_python: 20e-6,
            own_rust: 20e-6,
            ..FIRST
        },
    ),
    (
        "Many who wait",
        Load {
            rate: 1000.0,
            latency: 60.0,
            calls: 0.0,
            ..FIRST
        },
    ),
];

/// A field of the form.
struct Field {
    /// As [`Load`] calls it where it is serialised.
    name: &'static str,
    label: &'static str,
    /// What one of its unit is in the unit of [`Load`].
    factor: f64,
    least: f64,
    most: f64,
    value: fn(&Load) -> f64,
}

impl Field {
    /// In its own unit.
    fn shown(&self, load: &Load) -> f64 {
        // Binary fractions: 0.0002 s are 0.2 ms but for the last bit.
        ((self.value)(load) / self.factor * 1e6).round() / 1e6
    }
}

const FIELDS: &[Field] = &[
    Field {
        name: "rate",
        label: "Requests per second",
        factor: 1.0,
        least: 0.0,
        most: 1e7,
        value: |load| load.rate,
    },
    Field {
        name: "latency",
        label: "Latency of a request, in ms",
        factor: 1e-3,
        least: 0.0,
        most: 1e7,
        value: |load| load.latency,
    },
    Field {
        name: "calls",
        label: "HTTP calls to others per request",
        factor: 1.0,
        least: 0.0,
        most: 1e4,
        value: |load| load.calls,
    },
    Field {
        name: "ownPython",
        label: "Your own CPU per request in Python, in ms",
        factor: 1e-3,
        least: 0.0,
        most: 1e6,
        value: |load| load.own_python,
    },
    Field {
        name: "ownRust",
        label: "Your own CPU per request in Rust, in ms",
        factor: 1e-3,
        least: 0.0,
        most: 1e6,
        value: |load| load.own_rust,
    },
    Field {
        name: "ownBytesPython",
        label: "Your own memory per request in flight in Python, in kB",
        factor: 1e3,
        least: 0.0,
        most: 1e7,
        value: |load| load.own_bytes_python,
    },
    Field {
        name: "ownBytesRust",
        label: "Your own memory per request in flight in Rust, in kB",
        factor: 1e3,
        least: 0.0,
        most: 1e7,
        value: |load| load.own_bytes_rust,
    },
    Field {
        name: "restBytesPython",
        label: "Your own memory per process at rest in Python, in MB",
        factor: 1e6,
        least: 0.0,
        most: 1e6,
        value: |load| load.rest_bytes_python,
    },
    Field {
        name: "restBytesRust",
        label: "Your own memory per process at rest in Rust, in MB",
        factor: 1e6,
        least: 0.0,
        most: 1e6,
        value: |load| load.rest_bytes_rust,
    },
    Field {
        name: "utilisation",
        label: "Use of a core at most, in %",
        factor: 1e-2,
        least: 1.0,
        most: 100.0,
        value: |load| load.utilisation,
    },
];

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
struct Ends {
    low: f64,
    high: f64,
}

/// What a stack takes on one machine.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    /// A process computes on one core at most, so that each core needs a process: Python with its interpreter lock.
    one_core: bool,
    request: Ends,
    call: Ends,
    base: Ends,
    task: Ends,
}

/// What a stack needs for a load.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Need {
    cores: f64,
    processes: f64,
    /// Bytes.
    memory: f64,
}

impl Figures {
    /// At one end of all intervals.
    fn need(&self, load: &Load, end: fn(&Ends) -> f64) -> Need {
        let (own, own_bytes, rest_bytes) = match self.one_core {
            true => (load.own_python, load.own_bytes_python, load.rest_bytes_python),
            false => (load.own_rust, load.own_bytes_rust, load.rest_bytes_rust),
        };
        let work = own + end(&self.request) + load.calls * end(&self.call);
        let cores = load.rate * work / load.utilisation;
        let processes = match self.one_core {
            true => cores.ceil().max(1.0),
            false => 1.0,
        };
        let in_flight = load.rate * load.latency;
        Need {
            cores,
            processes,
            memory: processes * (rest_bytes + end(&self.base)) + in_flight * (own_bytes + end(&self.task)),
        }
    }
}

/// Cores, processes and memory in words.
fn cells(load: &Load, figures: &Figures, interface: &Interface) -> [String; 3] {
    let low = figures.need(load, |ends| ends.low);
    let high = figures.need(load, |ends| ends.high);
    let (size, unit) = match high.memory {
        bytes if bytes >= 1e9 => (1e9, "GB"),
        bytes if bytes >= 1e6 => (1e6, "MB"),
        _ => (1e3, "kB"),
    };
    let language = interface.language();
    let whole = |value: f64| decimal(value, 0, language);
    let short = |value: f64| two_digits(value, language);
    [
        between(short(low.cores), short(high.cores), interface),
        between(whole(low.processes), whole(high.processes), interface),
        format!(
            "{}{NO_BREAK_SPACE}{unit}",
            between(short(low.memory / size), short(high.memory / size), interface)
        ),
    ]
}

fn between(start: String, end: String, interface: &Interface) -> String {
    match start == end {
        true => end,
        false => interface.fill("{start} to {end}", &[("start", &start), ("end", &end)]),
    }
}

/// To two significant digits: what is fed by guesses deserves no more. A tie is rounded up, as `toExponential` of JavaScript does it, where
/// Rust's formatting would go to the even digit.
fn two_digits(value: f64, language: &Language) -> String {
    // A tie in binary ends within these decimals; what is no tie differs from one before their end.
    let exact = format!("{value:.40e}");
    let Some((digits, exponent)) = exact.split_once('e') else {
        return exact;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut leading: u32 = digits[..3].replace('.', "").parse().unwrap_or(0);
    if digits.as_bytes()[3] >= b'5' {
        leading += 1;
    }
    let rounded: f64 = format!("{leading}e{}", exponent - 1).parse().unwrap_or(value);
    match rounded == 0.0 {
        true => "0".to_owned(),
        // 99.6 has become 100.
        false => decimal(
            rounded,
            (1 - exponent - i32::from(leading == 100)).max(0).unsigned_abs() as usize,
            language,
        ),
    }
}

/// A row of a table.
struct Row<'a> {
    /// The title of the experiment that the request is measured in.
    group: &'a str,
    label: &'a str,
    /// `None` where a result is missing or its program has changed.
    figures: Option<Figures>,
}

/// The calculator as a block of HTML.
pub fn render(library: &Library, interface: &Interface) -> Result<String, Problem> {
    render_stacks(STACKS, library, interface)
}

fn render_stacks(stacks: &[Stack], library: &Library, interface: &Interface) -> Result<String, Problem> {
    let mut references = Vec::new();
    for stack in stacks {
        let parse = |name: &'static str| Reference::parse(name, library);
        references.push([
            parse(stack.request)?,
            parse(stack.call)?,
            parse(stack.base)?,
            parse(stack.task)?,
        ]);
    }
    let machines = machines(&references);
    let several = machines.len() > 1;
    let text = |english: &'static str| escaped(&interface.text(english));

    let mut html = format!("<figure class=\"measured calculator\" id=\"{NAME}\" aria-labelledby=\"{NAME}-caption\"");
    if several {
        html.push_str(&format!(" data-machines=\"{}\"", text("Machine")));
    }
    html.push_str(">\n");
    html.push_str(&form(interface));
    let mut provenance = String::new();
    if machines.is_empty() {
        html.push_str(&format!(
            "<div class=\"panels\">\n{}</div>\n",
            tables(&rows(&references, None), interface)
        ));
    }
    for (number, measured) in machines.iter().enumerate() {
        let key = machine_key(measured);
        let name = machine_name(measured, interface);
        let tables = tables(&rows(&references, Some(key)), interface);
        let (key, name) = (escaped(key), escaped(&name));
        let line = format!(
            "<p class=\"provenance\">{name} · {}</p>\n",
            again(&references, interface)
        );
        if !several {
            html.push_str(&format!("<div class=\"panels\">\n{tables}</div>\n"));
            provenance = line;
            continue;
        }
        let panels = format!("<div class=\"panels\" data-machine=\"{key}\" data-name=\"{name}\">\n{tables}</div>\n");
        let line = format!("<div data-machine=\"{key}\">\n{line}</div>\n");
        if number == 0 {
            html.push_str(&panels);
            provenance = line;
        } else {
            html.push_str(&format!(
                "<details class=\"machine\">\n<summary>{name}</summary>\n{panels}{line}</details>\n"
            ));
        }
    }
    html.push_str(&format!(
        "<figcaption>\n<div class=\"caption\" id=\"{NAME}-caption\">{}</div>\n{provenance}</figcaption>\n</figure>\n",
        text("Cores and memory for a load, from the lower ends of all 95 % intervals to the upper ones.")
    ));
    Ok(html)
}

/// The machines that any of the results are of, the one that the book shows first.
fn machines<'a>(references: &[[Reference<'a>; 4]]) -> Vec<&'a Measured> {
    let entries = || references.iter().flatten().map(|reference| reference.entry);
    let mut machines: Vec<&'a Measured> = Vec::new();
    let shown = entries().filter_map(|entry| entry.measured.as_ref());
    for measured in shown.chain(entries().flat_map(|entry| &entry.others)) {
        if !machines.iter().any(|other| machine_key(other) == machine_key(measured)) {
            machines.push(measured);
        }
    }
    machines
}

fn rows<'a>(references: &[[Reference<'a>; 4]], machine: Option<&str>) -> Vec<Row<'a>> {
    let row = |[request, call, base, task]: &[Reference<'a>; 4]| Row {
        group: &request.entry.experiment.title,
        label: &request.program.label,
        figures: machine.and_then(|machine| {
            Some(Figures {
                one_core: request.program.language == Source::Python,
                request: ends(request, machine)?,
                call: ends(call, machine)?,
                base: ends(base, machine)?,
                task: ends(task, machine)?,
            })
        }),
    };
    references.iter().map(row).collect()
}

/// What a machine's results say, if they say anything.
fn ends(reference: &Reference<'_>, machine: &str) -> Option<Ends> {
    let entry = reference.entry;
    let measured = entry.measured.iter().chain(&entry.others);
    let estimate = measured
        .filter(|measured| machine_key(measured) == machine)
        .find_map(|measured| reference.estimate_on(measured).ok())?;
    let (low, high) = match estimate.interval {
        // An interval on a linear scale may reach below what there can be.
        Some(interval) => (interval.low.max(0.0), interval.high),
        None => (estimate.value, estimate.value),
    };
    Some(Ends { low, high })
}

fn form(interface: &Interface) -> String {
    let language = interface.language();
    let mut html = format!(
        "<form class=\"load\" hidden data-decimal=\"{}\" data-thousands=\"{}\" data-range=\"{}\">\n",
        escaped(&language.decimal.to_string()),
        escaped(&language.thousands.to_string()),
        escaped(&interface.text("{start} to {end}")),
    );
    for field in FIELDS {
        html.push_str(&format!(
            "<label>{} <input type=\"number\" name=\"{}\" data-factor=\"{}\" min=\"{}\" max=\"{}\" step=\"any\" \
             value=\"{}\" inputmode=\"decimal\" required></label>\n",
            escaped(&interface.text(field.label)),
            field.name,
            field.factor,
            field.least,
            field.most,
            field.shown(&FIRST),
        ));
    }
    html.push_str(&format!(
        "<p>{}: <output name=\"flight\">{}</output></p>\n</form>\n",
        escaped(&interface.text("Requests in flight")),
        in_flight(&FIRST, language)
    ));
    html
}

fn in_flight(load: &Load, language: &Language) -> String {
    decimal((load.rate * load.latency).round(), 0, language)
}

/// The table that follows the form, and those of typical loads.
fn tables(rows: &[Row<'_>], interface: &Interface) -> String {
    // Where the script shows the form, that says it.
    let mut html = format!("<p class=\"load\">{}</p>\n", described(&FIRST, interface));
    html.push_str(&table(rows, &FIRST, true, interface));
    html.push_str(&format!(
        "<details>\n<summary>{}</summary>\n",
        escaped(&interface.text("Typical loads"))
    ));
    for (name, load) in TYPICAL {
        html.push_str(&format!(
            "<p><strong>{}</strong><br>{}</p>\n",
            escaped(&interface.label(name)),
            described(load, interface)
        ));
        html.push_str(&table(rows, load, false, interface));
    }
    html.push_str("</details>\n");
    html
}

/// What the form would hold.
fn described(load: &Load, interface: &Interface) -> String {
    let fields = FIELDS.iter().map(|field| {
        let value = field.shown(load);
        let digits = value.to_string();
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        format!(
            "{}: {}",
            escaped(&interface.text(field.label)),
            escaped(&decimal(value, decimals, interface.language()))
        )
    });
    fields.collect::<Vec<_>>().join(" · ")
}

/// `live` is what the script computes again.
fn table(rows: &[Row<'_>], load: &Load, live: bool, interface: &Interface) -> String {
    let text = |english: &'static str| escaped(&interface.text(english));
    let mut html = format!(
        "<div class=\"table-wrapper\"><table>\n<thead><tr><th scope=\"col\">{}</th><th scope=\"col\">{}</th>\
         <th scope=\"col\">{}</th><th scope=\"col\">{}</th></tr></thead>\n<tbody>\n",
        text("Program"),
        text("Cores"),
        text("Processes"),
        text("Memory"),
    );
    let mut group = "";
    for row in rows {
        if row.group != group {
            group = row.group;
            html.push_str(&format!(
                "<tr><th scope=\"rowgroup\" colspan=\"4\">{}</th></tr>\n",
                escaped(&interface.label(group))
            ));
        }
        let label = escaped(&interface.label(row.label));
        match &row.figures {
            Some(figures) => {
                let data = match live {
                    true => {
                        let data = serde_json::to_string(figures).expect("numbers and words");
                        format!(" data-figures=\"{}\"", escaped(&data))
                    }
                    false => String::new(),
                };
                let [cores, processes, memory] = cells(load, figures, interface).map(|cell| escaped(&cell));
                html.push_str(&format!(
                    "<tr{data}><th scope=\"row\">{label}</th><td>{cores}</td><td>{processes}</td><td>{memory}</td></tr>\n"
                ));
            }
            None => html.push_str(&format!(
                "<tr><th scope=\"row\">{label}</th><td colspan=\"3\"><small>{}</small></td></tr>\n",
                text("not measured yet")
            )),
        }
    }
    html.push_str("</tbody>\n</table></div>\n");
    html
}

/// The command that measures all of it again.
fn again(references: &[[Reference<'_>; 4]], interface: &Interface) -> String {
    let mut names: Vec<&str> = Vec::new();
    for reference in references.iter().flatten() {
        let name = reference.entry.experiment.id.as_str();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let command = format!("<code>cargo xtask measure {}</code>", escaped(&names.join(" ")));
    escaped(&interface.text("to measure again: {command}")).replace("{command}", &command)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::fixture;
    use crate::interface::STRINGS;

    const ECHO: &[Stack] = &[
        Stack {
            request: "echo.asyncio.cpu",
            call: "echo.asyncio.cpu",
            base: "echo@clients=10.asyncio.memory",
            task: "echo.asyncio.per_client",
        },
        Stack {
            request: "echo.tokio.cpu",
            call: "echo.tokio.cpu",
            base: "echo@clients=10.tokio.memory",
            task: "echo.tokio.per_client",
        },
    ];

    fn figures(one_core: bool) -> Figures {
        let ends = |low: f64, high: f64| Ends { low, high };
        Figures {
            one_core,
            request: ends(100e-6, 120e-6),
            call: ends(200e-6, 250e-6),
            base: ends(20e6, 22e6),
            task: ends(1500.0, 1600.0),
        }
    }

    #[test]
    fn the_formula_is_what_the_chapter_says() {
        let load = Load {
            rate: 6000.0,
            latency: 0.5,
            calls: 2.0,
            own_python: 500e-6,
            own_rust: 100e-6,
            own_bytes_python: 8500.0,
            own_bytes_rust: 8500.0,
            rest_bytes_python: 30e6,
            rest_bytes_rust: 30e6,
            utilisation: 0.5,
        };
        let python = figures(true).need(&load, |ends| ends.low);
        // 6,000 requests of 500 + 100 + 2 × 200 µs are six cores at full use, of which half is to be used.
        assert!((python.cores - 12.0).abs() < 1e-9, "{python:?}");
        let rust = figures(false).need(&load, |ends| ends.low);
        assert!((rust.cores - 7.2).abs() < 1e-9, "{rust:?}");
        assert_eq!(rust.processes, 1.0);
        // 50 MB, and 10 kB for each of the 3,000 in flight.
        assert!((rust.memory - 80e6).abs() < 1.0, "{rust:?}");
        let most = figures(true).need(&load, |ends| ends.high);
        assert!(most.cores > python.cores && most.memory > python.memory);
    }

    #[test]
    fn a_process_of_python_is_given_one_core_and_there_is_always_one() {
        let at = |rate: f64| figures(true).need(&Load { rate, ..FIRST }, |ends| ends.low);
        assert_eq!(at(0.0).processes, 1.0);
        // (200 + 100 + 200) µs by 0.6.
        assert_eq!(at(1100.0).processes, 1.0);
        assert_eq!(at(1300.0).processes, 2.0);
        assert!(at(1300.0).memory - at(1100.0).memory > 70e6);
    }

    #[test]
    fn what_is_shown_has_two_digits_and_the_editions_marks() {
        let english = |value| two_digits(value, fixture::english().language());
        for (value, shown) in [
            (0.0, "0"),
            (0.01234, "0.012"),
            (0.996, "1.0"),
            (1.0, "1.0"),
            (9.96, "10"),
            (12.3, "12"),
            (12_345.0, "12,000"),
            // Ties.
            (12.5, "13"),
            (0.125, "0.13"),
            (1.25, "1.3"),
            (99.5, "100"),
        ] {
            assert_eq!(english(value), shown);
        }
        let italian = cells(&Load { rate: 22e3, ..FIRST }, &figures(true), &fixture::italian());
        assert_eq!(italian, ["da 18 a 21", "da 19 a 21", "da 1,4 a 1,6\u{a0}GB"]);
    }

    #[test]
    fn the_page_holds_form_tables_and_figures() {
        let html = render_stacks(ECHO, &fixture::library(), &fixture::english()).unwrap();
        assert!(!html.contains("\n\n"), "a blank line would end the block of HTML");
        for expected in [
            "<form class=\"load\" hidden data-decimal=\".\" data-thousands=\",\"",
            "name=\"ownPython\" data-factor=\"0.001\" min=\"0\" max=\"1000000\" step=\"any\" value=\"0.2\"",
            "name=\"utilisation\" data-factor=\"0.01\" min=\"1\" max=\"100\" step=\"any\" value=\"60\"",
            "<output name=\"flight\">100</output>",
            "<p class=\"load\">Requests per second: 1,000 · Latency of a request, in ms: 100 · ",
            "<tr data-figures=\"{&quot;oneCore&quot;:true,",
            "<th scope=\"row\">Tokio, one thread</th><td>0.37",
            "<code>cargo xtask measure echo</code>",
        ] {
            assert!(html.contains(expected), "expected {expected} in {html}");
        }
        // One live table, and one for each typical load.
        assert_eq!(html.matches("<table>").count(), 1 + TYPICAL.len());
        assert_eq!(html.matches("data-figures").count(), ECHO.len());
        assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
    }

    #[test]
    fn every_machine_has_tables_of_its_own() {
        let html = render_stacks(ECHO, &fixture::on_two_machines(), &fixture::italian()).unwrap();
        assert!(html.contains("data-machines=\"Macchina\""), "{html}");
        assert_eq!(html.matches("class=\"panels\"").count(), 2);
        assert_eq!(html.matches("<details class=\"machine\">").count(), 1);
        assert_eq!(html.matches("<form").count(), 1);
    }

    #[test]
    fn what_is_not_measured_says_so() {
        let mut library = fixture::library();
        library.entries[0].measured = None;
        let html = render_stacks(ECHO, &library, &fixture::italian()).unwrap();
        assert!(html.contains("<small>non ancora misurato</small>"), "{html}");
        assert!(!html.contains("data-figures"), "{html}");
        assert!(render(&library, &fixture::english()).is_err(), "no such experiments");
    }

    #[test]
    fn every_word_is_translated_and_every_field_is_one_of_the_load() {
        let load = serde_json::to_value(FIRST).unwrap();
        let names: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
        assert_eq!(load.as_object().unwrap().len(), names.len());
        for field in FIELDS {
            assert!(STRINGS.contains(&field.label), "{}", field.label);
            let value = load[field.name].as_f64().unwrap();
            assert_eq!(value, (field.value)(&FIRST), "{}", field.name);
            assert!(field.least <= value / field.factor && value / field.factor <= field.most);
        }
        for (name, _) in TYPICAL {
            assert!(STRINGS.contains(name), "{name}");
        }
    }

    #[test]
    fn the_projects_own_stacks_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let site = crate::Site::open(&root).unwrap();
        let source = measure::library::Source::Published {
            machines: site.reference_machines,
        };
        let library = Library::open(&root, &source).unwrap();
        render(&library, &fixture::english()).unwrap();
    }

    /// The same cases by `theme/calculator.js`, where there is a Node.js to run it.
    #[test]
    fn the_script_computes_the_same() {
        let mut cases = Vec::new();
        let mut expected = Vec::new();
        for interface in [fixture::english(), fixture::italian()] {
            let language = interface.language();
            for one_core in [true, false] {
                for rate in [0.0, 3.0, 770.0, 1300.0, 41_700.0, 2_300_000.0] {
                    for latency in [0.0, 0.013, 61.0] {
                        for (calls, utilisation) in [(0.0, 1.0), (1.0, 0.6), (7.0, 0.35)] {
                            let load = Load {
                                rate,
                                latency,
                                calls,
                                utilisation,
                                ..FIRST
                            };
                            let figures = figures(one_core);
                            cases.push(serde_json::json!({
                                "load": load,
                                "figures": figures,
                                "marks": {
                                    "decimal": language.decimal.to_string(),
                                    "thousands": language.thousands.to_string(),
                                    "range": interface.text("{start} to {end}"),
                                },
                            }));
                            let cells = cells(&load, &figures, &interface);
                            expected.push((in_flight(&load, language), cells.to_vec()));
                        }
                    }
                }
            }
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../theme/calculator.js");
        let program = "const { cells, inFlight } = require(process.argv[1]); \
                       const cases = JSON.parse(require('fs').readFileSync(0, 'utf8')); \
                       console.log(JSON.stringify(cases.map(({ load, figures, marks }) => \
                       [inFlight(load, marks), cells(load, figures, marks)])));";
        let started = Command::new("node")
            .args(["--eval", program])
            .arg(std::path::absolute(script).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut node = match started {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("no Node.js here: theme/calculator.js was not run");
                return;
            }
            started => started.unwrap(),
        };
        let input = serde_json::to_vec(&cases).unwrap();
        // Taken, so that it is closed.
        node.stdin.take().unwrap().write_all(&input).unwrap();
        let output = node.wait_with_output().unwrap();
        assert!(output.status.success());
        let found: Vec<(String, Vec<String>)> = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found.len(), expected.len());
        for ((found, expected), case) in found.iter().zip(&expected).zip(&cases) {
            assert_eq!(found, expected, "{case}");
        }
    }
}
