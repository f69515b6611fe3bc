//! Where, when and with what a figure's numbers were measured, what has changed since, and how to measure them again: one paragraph, and
//! below it how the campaign went.

use measure::library::{Entry, Measured, Origin};
use measure::results::{Cause, Results};
use measure::self_check::SelfCheck;

use super::{machine_words, plain};
use crate::data;
use crate::interface::Interface;
use crate::number::{Kind, Shown, whole};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Of more packages than these that changed since, the line names the first few; all stand below it.
const CHANGES_IN_LINE: usize = 4;
const FIRST_CHANGES: usize = 3;

pub fn line(entry: &Entry, interface: &Interface) -> String {
    let command = format!("<code>cargo xtask measure {}</code>", plain(&entry.experiment.id));
    let Some(measured) = &entry.measured else {
        let call = fill_html(
            interface,
            "not measured yet on this machine: run {command}",
            ("command", &command),
        );
        return paragraph(&[call]);
    };
    let mut parts = Vec::new();
    if measured.origin == Origin::Own {
        parts.push(strong(&interface.text("your own results, not published")));
    }
    parts.push(plain(&machine_words(&measured.results.machine, interface)));
    parts.extend(software(measured, interface).iter().map(|text| plain(text)));
    parts.push(plain(&date(&measured.results.started, interface)));
    parts.push(plain(&sessions(&measured.results, interface)));
    parts.extend(warnings(entry, measured, interface));
    parts.push(fill_html(
        interface,
        "to measure again: {command}",
        ("command", &command),
    ));
    if measured.origin == Origin::Published {
        parts.push(format!(
            "<a href=\"{}\" download>{}</a>",
            plain(&data::reference(measured)),
            plain(&interface.text("Download the data"))
        ));
    }
    paragraph(&parts) + &details(entry, measured, interface)
}

fn paragraph(parts: &[String]) -> String {
    format!("<p class=\"provenance\">{}</p>\n", parts.join(" · "))
}

/// Interpreters, compilers, services, and the packages that programs import themselves, with their versions.
fn software(measured: &Measured, interface: &Interface) -> Vec<String> {
    let environment = &measured.results.environment;
    let mut parts: Vec<String> = Vec::new();
    for python in environment.pythons.values() {
        let mut about = vec![format!("Python {}", python.version)];
        if python.free_threaded {
            about.push(interface.text("free-threaded"));
        }
        about.push(if python.optimised {
            interface.text("optimised build")
        } else {
            interface.text("build without optimisations")
        });
        let about = about.join(", ");
        // A program may ask for the version that is the default anyway.
        if !parts.contains(&about) {
            parts.push(about);
        }
    }
    // `rustc --version`: the name, the version, and in brackets what only its developers need.
    parts.push(environment.rustc.split(" (").next().unwrap_or_default().to_owned());
    parts.extend(environment.tools.iter().map(|(tool, version)| {
        let name = match tool.as_str() {
            "go" => "Go",
            "node" => "Node.js",
            "postgresql" => "PostgreSQL",
            "redis" => "Redis",
            other => other,
        };
        // As each prints it: `go1.24.4`, `v20.20.2`, `psql (PostgreSQL) 15.14`.
        let from = version.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
        let number = version[from..].split_whitespace().next().unwrap_or(version);
        format!("{name} {number}")
    }));
    let packages: Vec<String> = measured
        .imported
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    if !packages.is_empty() {
        parts.push(packages.join(", "));
    }
    parts
}

fn sessions(results: &Results, interface: &Interface) -> String {
    let sessions = |number| count(number, "{count} session", "{count} sessions", interface);
    let (planned, all) = (results.campaign.planned_sessions as usize, results.sessions());
    let rounds = count(
        results.campaign.rounds as usize,
        "{count} round",
        "{count} rounds",
        interface,
    );
    if all > planned {
        let extended = interface.fill("extended to {sessions}", &[("sessions", &sessions(all))]);
        format!("{} × {rounds}, {extended}", sessions(planned))
    } else {
        format!("{} × {rounds}", sessions(all))
    }
}

/// What the reader has to know before the numbers are believed, as HTML.
fn warnings(entry: &Entry, measured: &Measured, interface: &Interface) -> Vec<String> {
    let mut warnings = Vec::new();
    let drift = drift(measured, interface);
    if !drift.is_empty() {
        let shown = if drift.len() > CHANGES_IN_LINE {
            let more = (drift.len() - FIRST_CHANGES).to_string();
            let more = interface.fill("and {count} more", &[("count", &more)]);
            format!("{} {more}", drift[..FIRST_CHANGES].join(", "))
        } else {
            drift.join(", ")
        };
        warnings.push(strong(
            &interface.fill("changed since: {packages}", &[("packages", &shown)]),
        ));
    }
    let labels = |belongs: &dyn Fn(&str) -> bool| -> Vec<String> {
        let programs = entry.experiment.programs.iter();
        programs
            .filter(|program| belongs(&program.id))
            .map(|program| interface.label(&program.label))
            .collect()
    };
    let stale = labels(&|id| measured.stale.iter().any(|stale| stale == id));
    if !stale.is_empty() {
        warnings.push(strong(&interface.fill(
            "changed since they were measured, so not shown: {programs}",
            &[("programs", &stale.join(", "))],
        )));
    }
    let skipped = labels(&|id| measured.results.skipped.contains_key(id));
    if !skipped.is_empty() {
        warnings.push(plain(&interface.fill(
            "not run on this machine: {programs}",
            &[("programs", &skipped.join("; "))],
        )));
    }
    warnings
}

/// Each package that is locked in another version now.
fn drift(measured: &Measured, interface: &Interface) -> Vec<String> {
    let changes = measured.drift.iter();
    changes
        .map(|change| {
            let now = change.now.clone().unwrap_or_else(|| interface.text("no longer used"));
            format!("{} {} → {now}", change.package, change.then)
        })
        .collect()
}

/// How the campaign went, folded away until asked for.
fn details(entry: &Entry, measured: &Measured, interface: &Interface) -> String {
    let results = &measured.results;
    let mut items = vec![plain(&set_aside(results, interface))];
    items.extend(control(entry, results, interface).map(|text| plain(&text)));
    for (program, why) in &results.skipped {
        let label = entry
            .experiment
            .program(program)
            .map(|program| interface.label(&program.label));
        let skipped = interface.fill(
            "not run on this machine: {programs}",
            &[("programs", &label.unwrap_or_else(|| program.clone()))],
        );
        // The reason is the harness's, and in English.
        items.push(format!(
            "{} (<span lang=\"en\">{}</span>)",
            plain(&skipped),
            plain(&why.replace('`', ""))
        ));
    }
    let drift = drift(measured, interface);
    if drift.len() > CHANGES_IN_LINE {
        let all = interface.fill("changed since: {packages}", &[("packages", &drift.join(", "))]);
        items.push(plain(&all));
    }
    items.push(plain(&results.environment.kernel));
    let items: Vec<String> = items.iter().map(|item| format!("<li>{item}</li>\n")).collect();
    format!(
        "<details>\n<summary>{}</summary>\n<ul>\n{}</ul>\n</details>\n",
        plain(&interface.text("How this was measured")),
        items.concat()
    )
}

/// How many runs do not count, and why.
fn set_aside(results: &Results, interface: &Interface) -> String {
    let all = &results.campaign.set_aside;
    if all.is_empty() {
        return interface.text("no run set aside");
    }
    let causes: Vec<String> = [
        (
            Cause::Contamination,
            "{count} because other processes or the hypervisor took CPU",
        ),
        (Cause::Void, "{count} because the load did not keep its rate"),
    ]
    .into_iter()
    .map(|(cause, words)| (all.iter().filter(|run| run.cause == cause).count(), words))
    .filter(|(number, _)| *number > 0)
    .map(|(number, words)| count(number, words, words, interface))
    .collect();
    let total = count(all.len(), "{count} run set aside", "{count} runs set aside", interface);
    format!("{total}: {}", causes.join(", "))
}

/// How a program compared with itself came out: 1, if the measuring is sound.
fn control(entry: &Entry, results: &Results, interface: &Interface) -> Option<String> {
    let metric = entry.experiment.principal()?;
    let estimate = results.control_ratio(&entry.experiment, &metric.id).ok()?;
    let shown = Shown::new(&estimate, Kind::Ratio, interface);
    let control = &results.campaign.control;
    let label = entry
        .experiment
        .program(control)
        .map(|program| interface.label(&program.label));
    Some(interface.fill(
        "{program} against itself: {value} ({certainty})",
        &[
            ("program", &label.unwrap_or_else(|| control.clone())),
            ("value", &shown.value),
            ("certainty", &shown.certainty),
        ],
    ))
}

fn strong(text: &str) -> String {
    format!("<strong>{}</strong>", plain(text))
}

/// A string of the interface with HTML in the place of a name.
fn fill_html(interface: &Interface, english: &'static str, (name, html): (&str, &str)) -> String {
    plain(&interface.text(english)).replace(&format!("{{{name}}}"), html)
}

fn count(number: usize, one: &'static str, many: &'static str, interface: &Interface) -> String {
    let words = if number == 1 { one } else { many };
    interface.fill(words, &[("count", &whole(number as f64, interface.language()))])
}

/// `2026-01-31T12:00:00Z` as 31 January 2026; what is no such date is shown as it is.
fn date(moment: &str, interface: &Interface) -> String {
    let mut parts = moment.split('T').next().unwrap_or_default().splitn(3, '-');
    let mut next = || parts.next().and_then(|part| part.parse::<usize>().ok());
    let (Some(year), Some(month), Some(day)) = (next(), next(), next()) else {
        return moment.to_owned();
    };
    let Some(month) = month.checked_sub(1).and_then(|month| MONTHS.get(month)) else {
        return moment.to_owned();
    };
    interface.fill(
        "{day} {month} {year}",
        &[
            ("day", &day.to_string()),
            ("month", &interface.text(month)),
            ("year", &year.to_string()),
        ],
    )
}

/// The same for the harness's check of itself.
pub fn of_self_check(check: Option<&SelfCheck>, interface: &Interface) -> String {
    let command = "<code>cargo xtask measure --self-check</code>";
    let Some(check) = check else {
        let text = fill_html(
            interface,
            "not measured yet on this machine: run {command}",
            ("command", command),
        );
        return format!("<p class=\"provenance\">{text}</p>\n");
    };
    let mut parts = Vec::new();
    if check.published.is_none() {
        parts.push(strong(&interface.text("your own results, not published")));
    }
    parts.push(plain(&machine_words(&check.machine, interface)));
    if let Some(hyperfine) = &check.hyperfine {
        parts.push(plain(&hyperfine.version));
    }
    parts.push(plain(&date(&check.started, interface)));
    let campaigns = count(
        check.campaigns as usize,
        "{count} campaign",
        "{count} campaigns",
        interface,
    );
    let set_aside = match check.set_aside {
        0 => interface.text("no run set aside"),
        number => count(
            number as usize,
            "{count} run set aside",
            "{count} runs set aside",
            interface,
        ),
    };
    parts.push(plain(&format!("{campaigns}, {set_aside}")));
    parts.push(fill_html(
        interface,
        "to measure again: {command}",
        ("command", command),
    ));
    format!("<p class=\"provenance\">{}</p>\n", parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use measure::library::Library;
    use measure::packages::Drift;
    use measure::results::{PythonBuild, Run};

    use super::*;
    use crate::fixture;

    #[test]
    fn dates_are_those_of_the_language() {
        assert_eq!(date("2026-01-31T12:00:00Z", &fixture::english()), "31 January 2026");
        assert_eq!(date("2026-01-05", &fixture::italian()), "5 gennaio 2026");
        assert_eq!(date("2026-13-05", &fixture::english()), "2026-13-05");
        assert_eq!(date("soon", &fixture::english()), "soon");
    }

    /// The line and the list below it, each as one text.
    fn parts(library: &Library, interface: &Interface) -> (String, String) {
        let html = line(&library.entries[0], interface).replace('\u{a0}', " ");
        let (line, details) = html.split_once("<details>").unwrap();
        (line.to_owned(), details.to_owned())
    }

    #[test]
    fn a_quiet_campaign_is_told_in_few_words() {
        let mut library = fixture::library();
        library.entries[0]
            .measured
            .as_mut()
            .unwrap()
            .results
            .campaign
            .set_aside
            .clear();
        let (line, details) = parts(&library, &fixture::english());
        assert_eq!(
            line,
            "<p class=\"provenance\">Example CPU &lt;2.4 GHz&gt;, 2 cores, KVM · Python 3.13.1, optimised build · rustc 1.95.0 · \
             31 January 2026 · 3 sessions × 2 rounds · to measure again: <code>cargo xtask measure echo</code> · \
             <a href=\"@data/test/echo.json\" download>Download the data</a></p>\n"
        );
        assert_eq!(
            details,
            "\n<summary>How this was measured</summary>\n<ul>\n<li>no run set aside</li>\n<li>Linux 6.1</li>\n</ul>\n</details>\n"
        );
    }

    #[test]
    fn every_interpreter_tool_and_service_is_named() {
        let mut library = fixture::library();
        let environment = &mut library.entries[0].measured.as_mut().unwrap().results.environment;
        let default = environment.pythons["default"].clone();
        environment.pythons.insert("3.13".into(), default.clone());
        environment.pythons.insert(
            "free-threaded".into(),
            PythonBuild {
                free_threaded: true,
                version: "3.14.2".into(),
                ..default
            },
        );
        environment.tools = [
            ("go", "go1.24.4"),
            ("node", "v20.20.2"),
            ("postgresql", "postgres (PostgreSQL) 15.14 (Debian 15.14-0)"),
        ]
        .map(|(name, version)| (name.to_owned(), version.to_owned()))
        .into();
        let (line, _) = parts(&library, &fixture::english());
        assert!(
            line.contains(
                " · Python 3.13.1, optimised build · Python 3.14.2, free-threaded, optimised build · rustc 1.95.0 · Go 1.24.4 · \
                 Node.js 20.20.2 · PostgreSQL 15.14 · "
            ),
            "{line}"
        );
    }

    #[test]
    fn how_the_campaign_went_stands_below() {
        let mut library = fixture::library();
        let measured = library.entries[0].measured.as_mut().unwrap();
        let results = &mut measured.results;
        results.campaign.planned_sessions = 2;
        results.campaign.set_aside[1].cause = Cause::Void;
        results.skipped.insert("uvloop".into(), "there is no <uvloop>".into());
        let again: Vec<_> = results
            .runs
            .iter()
            .filter(|run| run.program == "tokio")
            .cloned()
            .collect();
        results
            .runs
            .extend(again.into_iter().map(|run| Run { control: true, ..run }));
        let (line, details) = parts(&library, &fixture::english());
        assert!(line.contains("2 sessions × 2 rounds, extended to 3 sessions"), "{line}");
        assert!(
            line.contains("not run on this machine: asyncio Protocol on uvloop · "),
            "{line}"
        );
        for part in [
            "<li>2 runs set aside: 1 because other processes or the hypervisor took CPU, 1 because the load did not keep its rate</li>",
            "<li>Tokio, one thread against itself: 1.000× (95 % interval 1.000 to 1.000×, 3 sessions)</li>",
            "<li>not run on this machine: asyncio Protocol on uvloop (<span lang=\"en\">there is no &lt;uvloop&gt;</span>)</li>",
        ] {
            assert!(details.contains(part), "{part} in {details}");
        }
    }

    #[test]
    fn packages_that_changed_since_are_a_warning() {
        let mut library = fixture::library();
        let change = |package: &str, now: Option<&str>| Drift {
            package: package.into(),
            then: "1.0.0".into(),
            now: now.map(str::to_owned),
        };
        let measured = library.entries[0].measured.as_mut().unwrap();
        measured.drift = vec![change("tokio", Some("1.1.0")), change("mio", None)];
        let (line, details) = parts(&library, &fixture::english());
        assert!(
            line.contains("<strong>changed since: tokio 1.0.0 → 1.1.0, mio 1.0.0 → no longer used</strong>"),
            "{line}"
        );
        assert!(!details.contains("changed since"), "{details}");
        let measured = library.entries[0].measured.as_mut().unwrap();
        measured
            .drift
            .extend(["socket2", "tracing", "want"].map(|package| change(package, Some("3"))));
        let (line, details) = parts(&library, &fixture::english());
        assert!(line.contains("socket2 1.0.0 → 3 and 2 more</strong>"), "{line}");
        assert!(
            details.contains("socket2 1.0.0 → 3, tracing 1.0.0 → 3, want 1.0.0 → 3</li>"),
            "{details}"
        );
    }

    #[test]
    fn the_label_of_a_machine_tells_it_from_its_like() {
        let mut library = fixture::library();
        let check = library.self_check.as_mut().unwrap();
        check.machine = fixture::on_two_machines().entries[0].others[0].results.machine.clone();
        let line = of_self_check(Some(check), &fixture::english()).replace('\u{a0}', " ");
        assert!(
            line.starts_with("<p class=\"provenance\">Other CPU, 4 cores, lab · "),
            "{line}"
        );
    }

    #[test]
    fn one_is_not_many() {
        let cores = |number| count(number, "{count} core", "{count} cores", &fixture::english());
        assert_eq!((cores(1), cores(2)), ("1 core".to_owned(), "2 cores".to_owned()));
    }
}
