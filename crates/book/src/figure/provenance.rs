//! Where, when and with what a figure's numbers were measured, and how to measure them again: one line.

use measure::library::{Entry, Measured, Origin};
use measure::self_check::SelfCheck;

use super::plain;
use crate::interface::Interface;
use crate::number::whole;

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

pub fn line(entry: &Entry, interface: &Interface) -> String {
    let command = format!("<code>cargo xtask measure {}</code>", plain(&entry.experiment.id));
    let parts = match &entry.measured {
        Some(measured) => measured_parts(entry, measured, &command, interface),
        None => vec![fill_html(
            interface,
            "not measured yet on this machine: run {command}",
            ("command", &command),
        )],
    };
    format!("<p class=\"provenance\">{}</p>\n", parts.join(" · "))
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
    let machine = &check.machine;
    let cores = count(machine.cores, "{count} core", "{count} cores", interface).replace(' ', "\u{a0}");
    let mut about = vec![machine.cpu.clone(), cores];
    about.extend(machine.hypervisor.clone());
    parts.push(plain(&about.join(", ")));
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

fn measured_parts(entry: &Entry, measured: &Measured, command: &str, interface: &Interface) -> Vec<String> {
    let results = &measured.results;
    let mut parts = Vec::new();
    if measured.origin == Origin::Own {
        parts.push(strong(&interface.text("your own results, not published")));
    }
    let machine = &results.machine;
    let cores = count(machine.cores, "{count} core", "{count} cores", interface).replace(' ', "\u{a0}");
    let mut about = vec![machine.cpu.clone(), cores];
    about.extend(machine.hypervisor.clone());
    parts.push(plain(&about.join(", ")));
    for python in results.environment.pythons.values() {
        let build = if python.optimised {
            interface.text("optimised build")
        } else {
            interface.text("build without optimisations")
        };
        parts.push(plain(&format!("Python {}, {build}", python.version)));
    }
    // `rustc --version`: the name, the version, and in brackets what only its developers need.
    parts.push(plain(results.environment.rustc.split(" (").next().unwrap_or_default()));
    let packages: Vec<String> = imported(entry)
        .into_iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    if !packages.is_empty() {
        parts.push(plain(&packages.join(", ")));
    }
    parts.push(plain(&date(&results.started, interface)));
    let sessions = count(results.sessions(), "{count} session", "{count} sessions", interface);
    let rounds = count(
        results.campaign.rounds as usize,
        "{count} round",
        "{count} rounds",
        interface,
    );
    let set_aside = match results.campaign.set_aside.len() {
        0 => interface.text("no run set aside"),
        number => count(number, "{count} run set aside", "{count} runs set aside", interface),
    };
    parts.push(plain(&format!("{sessions} × {rounds}, {set_aside}")));
    let stale: Vec<String> = entry
        .experiment
        .programs
        .iter()
        .filter(|program| measured.stale.contains(&program.id))
        .map(|program| interface.label(&program.label))
        .collect();
    if !stale.is_empty() {
        parts.push(strong(&interface.fill(
            "changed since they were measured, so not shown: {programs}",
            &[("programs", &stale.join(", "))],
        )));
    }
    parts.push(fill_html(
        interface,
        "to measure again: {command}",
        ("command", command),
    ));
    parts
}

/// The recorded packages that the experiment's programs import, as far as their sources can be read.
fn imported(entry: &Entry) -> Vec<(&str, &str)> {
    let experiment = &entry.experiment;
    let sources: Vec<String> = experiment
        .programs
        .iter()
        .flat_map(|program| program.sources())
        .filter_map(|file| std::fs::read_to_string(experiment.folder.join(file)).ok())
        .collect();
    let Some(measured) = &entry.measured else {
        return Vec::new();
    };
    let packages = &measured.results.environment.packages;
    packages
        .iter()
        .filter(|(name, _)| {
            let module = name.replace('-', "_");
            let imports = |line: &str| {
                ["import ", "from ", "use "].iter().any(|keyword| {
                    line.trim_start()
                        .strip_prefix(keyword)
                        .and_then(|rest| rest.strip_prefix(module.as_str()))
                        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                })
            };
            sources.iter().any(|source| source.lines().any(imports))
        })
        .map(|(name, version)| (name.as_str(), version.as_str()))
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn dates_are_those_of_the_language() {
        assert_eq!(date("2026-01-31T12:00:00Z", &fixture::english()), "31 January 2026");
        assert_eq!(date("2026-01-05", &fixture::italian()), "5 gennaio 2026");
        assert_eq!(date("2026-13-05", &fixture::english()), "2026-13-05");
        assert_eq!(date("soon", &fixture::english()), "soon");
    }

    #[test]
    fn one_is_not_many() {
        let cores = |number| count(number, "{count} core", "{count} cores", &fixture::english());
        assert_eq!((cores(1), cores(2)), ("1 core".to_owned(), "2 cores".to_owned()));
    }
}
