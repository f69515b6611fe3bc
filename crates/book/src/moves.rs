//! `{{#moves}}`: how the numbers moved, from campaign to campaign on one machine and from machine to machine.
//!
//! The first comes from `measurements/moves.json`, the second from what the machines published. Both are of ratios to the control in an
//! experiment's first metric: a ratio means the same on every machine.

use std::fmt::Write;

use measure::experiment::{Experiment, Metric, Point};
use measure::library::{Library, Measured, Origin};
use measure::moves::{Move, Moves};
use measure::statistics::Estimate;

use crate::html::escaped;
use crate::interface::Interface;
use crate::number::{Kind, Shown, whole};
use crate::reference::Problem;

pub const NAME: &str = "moves";

/// What stands for `{{#moves campaigns}}` and `{{#moves machines}}`.
pub fn render(arguments: &str, moves: &Moves, library: &Library, interface: &Interface) -> Result<String, Problem> {
    let page = Page { library, interface };
    match arguments {
        "campaigns" => Ok(page.campaigns(moves)),
        "machines" => Ok(page.machines()),
        unknown => Err(Problem::unknown("table of moves", unknown, ["campaigns", "machines"])),
    }
}

struct Page<'a> {
    library: &'a Library,
    interface: &'a Interface,
}

impl Page<'_> {
    fn text(&self, english: &'static str) -> String {
        escaped(&self.interface.text(english))
    }

    /// A fold for each campaign that was replaced, the newest first.
    fn campaigns(&self, moves: &Moves) -> String {
        let mut html = String::from("<div class=\"moves\">\n");
        for one in moves.moves.iter().rev() {
            self.campaign(&mut html, one);
        }
        html.push_str(&self.or_nothing(&html));
        html.push_str("</div>");
        html
    }

    fn campaign(&self, html: &mut String, one: &Move) {
        let experiment = self.library.get(&one.experiment).map(|entry| &entry.experiment);
        let changed = one.ratios.iter().filter(|ratio| ratio.changed).count();
        let count = |number: usize| whole(number as f64, self.interface.language());
        let summary = self.interface.fill(
            "{changed} of {count} ratios changed beyond noise",
            &[("changed", &count(changed)), ("count", &count(one.ratios.len()))],
        );
        let title = experiment.map_or(one.experiment.clone(), |experiment| {
            self.interface.label(&experiment.title)
        });
        let _ = writeln!(
            html,
            "<details><summary>{}: <time datetime=\"{from}\">{from}</time> → <time datetime=\"{to}\">{to}</time>: {}</summary>",
            escaped(&title),
            escaped(&summary),
            from = escaped(&minute(&one.from)),
            to = escaped(&minute(&one.to)),
        );
        let mut remarks = vec![self.interface.fill("on {machine}", &[("machine", &one.machine)])];
        if !one.edited.is_empty() {
            let labels: Vec<String> = one.edited.iter().map(|id| self.program(experiment, id)).collect();
            remarks.push(
                self.interface
                    .fill("changed programs: {programs}", &[("programs", &labels.join(", "))]),
            );
        }
        remarks.extend(one.versions.iter().cloned());
        let _ = writeln!(html, "<p>{}</p>", escaped(&remarks.join(" · ")));
        let metric = experiment.and_then(|experiment| experiment.metric(&one.metric));
        let heads = [
            self.text("Program"),
            self.text("Before"),
            self.text("After"),
            self.text("Beyond noise"),
        ];
        self.open(html, metric, self.program(experiment, &one.against), &heads);
        for ratio in &one.ratios {
            let verdict = if ratio.changed { "yes" } else { "no" };
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
                escaped(&self.program(experiment, &ratio.program)),
                self.ratio(&ratio.before),
                self.ratio(&ratio.after),
                self.text(verdict),
            );
        }
        html.push_str("</tbody></table></div></details>\n");
    }

    /// A fold for each experiment that more than one machine has measured as it is.
    fn machines(&self) -> String {
        let mut html = String::from("<div class=\"moves\">\n");
        for entry in &self.library.entries {
            let experiment = &entry.experiment;
            let measured: Vec<&Measured> = entry
                .measured
                .iter()
                .chain(&entry.others)
                .filter(|one| one.origin == Origin::Published && one.stale.is_empty())
                .collect();
            let Some(metric) = experiment.principal().filter(|_| measured.len() > 1) else {
                continue;
            };
            let _ = writeln!(
                html,
                "<details><summary>{}</summary>",
                escaped(&self.interface.label(&experiment.title))
            );
            let heads: Vec<String> = std::iter::once(self.text("Program"))
                .chain(measured.iter().map(|one| escaped(&one.results.machine.id)))
                .collect();
            self.open(
                &mut html,
                Some(metric),
                self.program(Some(experiment), &experiment.control),
                &heads,
            );
            for program in experiment
                .programs
                .iter()
                .filter(|program| program.id != experiment.control)
            {
                let of = |one: &&Measured| {
                    let ratio =
                        one.results
                            .ratio(experiment, &program.id, &experiment.control, &metric.id, &Point::base());
                    let shown = ratio.map_or_else(|_| "–".to_owned(), |ratio| self.ratio(&ratio));
                    format!("<td>{shown}</td>")
                };
                let cells: Vec<String> = measured.iter().map(of).collect();
                let _ = writeln!(
                    html,
                    "<tr><th scope=\"row\">{}</th>{}</tr>",
                    escaped(&self.interface.label(&program.label)),
                    cells.concat()
                );
            }
            html.push_str("</tbody></table></div></details>\n");
        }
        html.push_str(&self.or_nothing(&html));
        html.push_str("</div>");
        html
    }

    /// What stands in a list without entries.
    fn or_nothing(&self, html: &str) -> String {
        match html.contains("<details>") {
            true => String::new(),
            false => format!("<p>{}</p>\n", self.text("Nothing yet.")),
        }
    }

    fn open(&self, html: &mut String, metric: Option<&Metric>, against: String, heads: &[String]) {
        let label = metric.map_or(String::new(), |metric| self.interface.label(&metric.label));
        let caption = self.interface.fill(
            "{metric}, as a ratio to {program}",
            &[("metric", &label), ("program", &against)],
        );
        let heads: Vec<String> = heads
            .iter()
            .map(|head| format!("<th scope=\"col\">{head}</th>"))
            .collect();
        let _ = writeln!(
            html,
            "<div class=\"table-wrapper\"><table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>",
            escaped(&caption),
            heads.concat()
        );
    }

    /// What figures call a program; one that is no more keeps its id.
    fn program(&self, experiment: Option<&Experiment>, id: &str) -> String {
        experiment
            .and_then(|experiment| experiment.programs.iter().find(|program| program.id == id))
            .map_or(id.to_owned(), |program| self.interface.label(&program.label))
    }

    /// The estimate, and its interval beneath.
    fn ratio(&self, estimate: &Estimate) -> String {
        let shown = Shown::new(estimate, Kind::Ratio, self.interface);
        match shown.interval.is_empty() {
            true => escaped(&shown.value),
            false => format!(
                "{} <small>({})</small>",
                escaped(&shown.value),
                escaped(&shown.interval)
            ),
        }
    }
}

/// `2030-01-01 12:30` of `2030-01-01T12:30:45Z`; campaigns of one day have to be told apart.
fn minute(time: &str) -> String {
    let minute = time.rsplit_once(':').map_or(time, |(minute, _)| minute);
    minute.replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_fold_for_each_replaced_campaign_newest_first() {
        let estimate = |value: f64| serde_json::json!({ "value": value, "interval": { "low": value * 0.9, "high": value * 1.1 }, "sessions": 5 });
        let one = |to: &str| {
            serde_json::json!({
                "experiment": "echo", "machine": "m", "from": "2030-01-01T00:00:00Z", "to": to, "edited": ["gone"],
                "versions": ["tokio 1 → 2"], "metric": "cpu", "against": "tokio",
                "ratios": [{ "program": "asyncio", "before": estimate(2.0), "after": estimate(3.0), "changed": true }],
            })
        };
        let moves: Moves = serde_json::from_value(serde_json::json!({
            "format": 1, "moves": [one("2030-02-01T00:00:00Z"), one("2030-03-01T00:00:00Z")],
        }))
        .unwrap();
        let library = fixture::library();
        let html = render("campaigns", &moves, &library, &fixture::english()).unwrap();
        assert!(
            html.find("2030-03-01 00:00").unwrap() < html.find("2030-02-01 00:00").unwrap(),
            "{html}"
        );
        assert!(html.contains("1 of 1 ratios changed beyond noise"), "{html}");
        assert!(html.contains("on m · changed programs: gone · tokio 1 → 2"), "{html}");
        assert!(
            html.contains("2.00×") && html.contains("3.00×") && html.contains("<td>yes</td>"),
            "{html}"
        );
        let nothing = render("campaigns", &Moves::default(), &library, &fixture::english()).unwrap();
        assert!(nothing.contains("Nothing yet."), "{nothing}");
        assert!(render("campaign", &moves, &library, &fixture::english()).is_err());
    }
}
