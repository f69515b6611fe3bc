//! `{{#figure self-check coverage PAIR}}`, `found` and `scatter`: what the harness found about itself.

use measure::experiment::Unit;
use measure::library::Library;
use measure::self_check::{CampaignRatio, FOUND_IN, Pair, SelfCheck, Summary};
use measure::statistics::Estimate;

use super::axis::Axis;
use super::svg::{Anchor, LEFT, RIGHT, Style, Svg, WIDTH};
use super::{inline, plain, provenance, table};
use crate::interface::Interface;
use crate::number::{Kind, Shown};
use crate::reference::Problem;

/// What a figure of the self-check shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// The interval of each short campaign, and the mean of all others beside it.
    Coverage(Pair),
    /// The share of repeats that find the slow-down, by the number of sessions.
    Found,
    /// How far ratios scatter, by hyperfine and by the harness.
    Scatter,
}

impl Show {
    /// Reads what stands behind `self-check` in a figure's arguments.
    pub fn parse(arguments: &str) -> Result<Show, Problem> {
        let words: Vec<&str> = arguments.split_whitespace().collect();
        match words[..] {
            ["found"] => Ok(Show::Found),
            ["scatter"] => Ok(Show::Scatter),
            ["coverage", name] => match Pair::ALL.into_iter().find(|pair| pair.name() == name) {
                Some(pair) => Ok(Show::Coverage(pair)),
                None => Err(Problem::unknown("pair", name, Pair::ALL.into_iter().map(Pair::name))),
            },
            _ => Err(Problem::new(
                format!("`self-check {arguments}` is no figure"),
                "write `self-check coverage control`, `slower` or `python`, `self-check found`, or `self-check scatter`",
            )),
        }
    }

    /// The anchor of the figure, the same in all editions.
    pub fn id(&self) -> String {
        let shown = match self {
            Show::Coverage(pair) => format!("coverage-{}", pair.name()),
            Show::Found => "found".to_owned(),
            Show::Scatter => "scatter".to_owned(),
        };
        format!("fig-self-check-{shown}")
    }

    /// The figure as a block of HTML. `caption` is Markdown, of one paragraph.
    pub fn render(&self, caption: &str, library: &Library, interface: &Interface) -> String {
        let id = self.id();
        let mut html = format!("<figure class=\"measured\" id=\"{id}\" aria-labelledby=\"{id}-caption\">\n");
        let summary = library.self_check.as_ref().map(SelfCheck::summary);
        if let Some(summary) = &summary {
            html.push_str("<div class=\"panels\">\n");
            html.push_str(&match self {
                Show::Coverage(pair) => coverage(&id, *pair, summary, interface),
                Show::Found => found(&id, summary, interface),
                Show::Scatter => scatter(&id, summary, interface),
            });
            html.push_str("</div>\n");
        }
        html.push_str(&format!(
            "<figcaption>\n<div class=\"caption\" id=\"{id}-caption\">{}</div>\n",
            inline(caption)
        ));
        if let Some(summary) = &summary {
            let (head, rows) = self.table(summary, interface);
            html.push_str(&table::of_rows(&head, rows, &interface.text("Data")));
        }
        html.push_str(&provenance::of_self_check(library.self_check.as_ref(), interface));
        html.push_str("</figcaption>\n</figure>\n");
        html
    }

    fn table(&self, summary: &Summary, interface: &Interface) -> (Vec<String>, Vec<(String, Vec<String>)>) {
        match self {
            Show::Coverage(pair) => {
                let head = ["Campaign", "Ratio", "95 % interval"].map(|text| interface.text(text));
                let rows = summary.campaigns[pair.name()]
                    .iter()
                    .enumerate()
                    .map(|(number, campaign)| {
                        let shown = Shown::new(&campaign.ratio, Kind::Ratio, interface);
                        let cells = vec![plain(&shown.value), plain(&shown.interval)];
                        ((number + 1).to_string(), cells)
                    });
                (head.into(), rows.collect())
            }
            Show::Found => {
                let head = ["Sessions", "Found", "Repeats"].map(|text| interface.text(text));
                let rows = summary.found.iter().map(|(sessions, count)| {
                    let cells = vec![count.hits.to_string(), count.of.to_string()];
                    (sessions.to_string(), cells)
                });
                (head.into(), rows.collect())
            }
            Show::Scatter => {
                let head =
                    ["Pair and method", "Standard deviation", "Lowest", "Highest"].map(|text| interface.text(text));
                let rows = summary.scatter.iter().map(|scatter| {
                    let ratio = |value: Option<f64>| {
                        value.map_or_else(String::new, |value| {
                            plain(&Shown::new(&point(value), Kind::Ratio, interface).value)
                        })
                    };
                    let deviation = scatter.deviation().map_or_else(String::new, |deviation| {
                        plain(&Shown::new(&deviation, Kind::Unit(Unit::Share), interface).value)
                    });
                    let cells = vec![
                        deviation,
                        ratio(scatter.ratios.iter().copied().reduce(f64::min)),
                        ratio(scatter.ratios.iter().copied().reduce(f64::max)),
                    ];
                    (method(scatter.pair, scatter.hyperfine, interface), cells)
                });
                (head.into(), rows.collect())
            }
        }
    }
}

/// The programs over the walk, as figures call them.
fn pair_label(pair: Pair, interface: &Interface) -> String {
    interface.text(match pair {
        Pair::Control => "the walk over itself",
        Pair::Slower => "the longer walk over the walk",
        Pair::Python => "the walk in Python over the walk in Rust",
    })
}

fn method(pair: Pair, hyperfine: bool, interface: &Interface) -> String {
    let method = interface.text(if hyperfine { "hyperfine" } else { "this harness" });
    format!("{}, {method}", pair_label(pair, interface))
}

/// Every campaign's interval, lowest ratio at the top, crossed by the mean of all other campaigns: what the share of coverage counts by.
fn coverage(id: &str, pair: Pair, summary: &Summary, interface: &Interface) -> String {
    let mut campaigns: Vec<CampaignRatio> = summary.campaigns[pair.name()].clone();
    campaigns.sort_by(|a, b| a.ratio.value.total_cmp(&b.ratio.value));
    let intervals = campaigns.iter().filter_map(|campaign| campaign.ratio.interval);
    let bounds: Vec<f64> = intervals
        .flat_map(|interval| [interval.low, interval.high])
        .chain(campaigns.iter().filter_map(|campaign| campaign.rest))
        .collect();
    let axis = Axis::close(&bounds, Kind::Ratio);
    let x = |value: f64| LEFT + axis.clamped(value) * (RIGHT - LEFT);
    let mut svg = Svg::default();
    let title = pair_label(pair, interface);
    svg.text(0.0, 18.0, Anchor::Start, Style::Heading, &title);
    let (top, step) = (32.0, 9.0);
    let bottom = top + step * campaigns.len() as f64 + 6.0;
    ticks(&mut svg, &axis, (top, bottom), &interface.text("ratio"), interface);
    for (number, campaign) in campaigns.iter().enumerate() {
        let y = top + step * (number as f64 + 0.7);
        let Some(interval) = campaign.ratio.interval else {
            continue;
        };
        // Those that miss have another colour, and a mark of another shape.
        let series = usize::from(campaign.covers_rest() == Some(false));
        svg.stroke(series, (x(interval.low), y), (x(interval.high), y));
        svg.dot(series, x(campaign.ratio.value), y);
        if let Some(rest) = campaign.rest {
            svg.line((x(rest), y - step / 2.0), (x(rest), y + step / 2.0), 0.9);
        }
    }
    let count = summary.coverage[pair.name()];
    let description = interface.fill(
        "{hits} of {count} intervals contain the mean of the rest",
        &[("hits", &count.hits.to_string()), ("count", &count.of.to_string())],
    );
    let strokes = interface.text("the mean of the rest as a short stroke across each interval");
    let description = format!("{description}; {strokes}");
    svg.finish(&format!("{id}-1"), bottom + 42.0, &title, &description)
}

/// Shares with their intervals over the number of sessions; what is asked for as a dashed line.
fn found(id: &str, summary: &Summary, interface: &Interface) -> String {
    let axis = Axis::linear(&[0.0, 1.0], Kind::Unit(Unit::Share));
    let x = |share: f64| LEFT + axis.clamped(share) * (RIGHT - LEFT);
    let mut svg = Svg::default();
    let title = interface.text("repeats that find the slow-down, by sessions");
    svg.text(0.0, 18.0, Anchor::Start, Style::Heading, &title);
    let (top, step) = (32.0, 30.0);
    let rows: Vec<_> = summary.found.iter().filter(|(_, count)| count.of > 0).collect();
    let bottom = top + step * rows.len() as f64 + 4.0;
    ticks(&mut svg, &axis, (top, bottom), "%", interface);
    svg.line((x(FOUND_IN), top - 4.0), (x(FOUND_IN), bottom), 0.9);
    let mut description = Vec::new();
    for (number, (sessions, count)) in rows.iter().enumerate() {
        let y = top + step * (number as f64 + 0.5);
        let Some(share) = count.share() else { continue };
        let label = interface.fill("{count} sessions", &[("count", &sessions.to_string())]);
        svg.text(LEFT, y - 3.0, Anchor::Start, Style::Small, &label);
        if let Some(interval) = share.interval {
            svg.stroke(0, (x(interval.low), y + 5.0), (x(interval.high), y + 5.0));
        }
        svg.dot(0, x(share.value), y + 5.0);
        description.push(format!("{label}: {} / {}", count.hits, count.of));
    }
    svg.finish(&format!("{id}-1"), bottom + 42.0, &title, &description.join("; "))
}

/// A row of dots per pair and method: each ratio over the mean of its row.
fn scatter(id: &str, summary: &Summary, interface: &Interface) -> String {
    let centred: Vec<Vec<f64>> = summary
        .scatter
        .iter()
        .map(|scatter| {
            let logs: Vec<f64> = scatter.ratios.iter().map(|ratio| ratio.ln()).collect();
            let mean = logs.iter().sum::<f64>() / logs.len().max(1) as f64;
            logs.iter().map(|log| (log - mean).exp()).collect()
        })
        .collect();
    let axis = Axis::close(&centred.concat(), Kind::Ratio);
    let x = |value: f64| LEFT + axis.clamped(value) * (RIGHT - LEFT);
    let mut svg = Svg::default();
    let title = interface.text("ratio of each repeat over the mean of all");
    svg.text(0.0, 18.0, Anchor::Start, Style::Heading, &title);
    let (top, step) = (32.0, 44.0);
    let bottom = top + step * centred.len() as f64 + 2.0;
    ticks(&mut svg, &axis, (top, bottom), &interface.text("ratio"), interface);
    let mut description = Vec::new();
    for (number, (scatter, ratios)) in summary.scatter.iter().zip(&centred).enumerate() {
        let y = top + step * number as f64;
        let label = method(scatter.pair, scatter.hyperfine, interface);
        svg.text(0.0, y + 14.0, Anchor::Start, Style::Small, &label);
        for ratio in ratios {
            svg.dot(usize::from(scatter.hyperfine), x(*ratio), y + 29.0);
        }
        if let Some(deviation) = scatter.deviation() {
            let shown = Shown::new(&deviation, Kind::Unit(Unit::Share), interface);
            svg.text(WIDTH, y + 14.0, Anchor::End, Style::Small, &shown.value);
            description.push(format!("{label}: {}", shown.value));
        }
    }
    svg.finish(&format!("{id}-1"), bottom + 42.0, &title, &description.join("; "))
}

fn ticks(svg: &mut Svg, axis: &Axis, (top, bottom): (f64, f64), title: &str, interface: &Interface) {
    let x = |share: f64| LEFT + share * (RIGHT - LEFT);
    for (share, label) in axis.ticks(interface.language()) {
        svg.line((x(share), top), (x(share), bottom + 5.0), 0.2);
        svg.text(x(share), bottom + 18.0, Anchor::Middle, Style::Small, &label);
    }
    svg.line((LEFT, bottom), (RIGHT, bottom), 0.7);
    svg.text(WIDTH / 2.0, bottom + 36.0, Anchor::Middle, Style::Small, title);
}

fn point(value: f64) -> Estimate {
    Estimate {
        value,
        interval: None,
        sessions: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn each_figure_draws_its_samples_and_is_one_block() {
        let library = fixture::library();
        // Six campaigns; four rows of repeats.
        for (arguments, dots) in [
            ("coverage slower", 6),
            ("coverage control", 6),
            ("found", 7),
            ("scatter", 18),
        ] {
            let show = Show::parse(arguments).unwrap();
            for interface in [fixture::english(), fixture::italian()] {
                let html = show.render("What *it* shows.", &library, &interface);
                assert_eq!(html.matches("class=\"dot\"").count(), dots, "{arguments}: {html}");
                assert!(!html.lines().any(|line| line.trim().is_empty()), "{html}");
                assert!(html.contains(&format!("id=\"{}\"", show.id())), "{html}");
            }
        }
    }

    #[test]
    fn as_many_intervals_stand_out_as_the_share_counts_misses() {
        let mut misses = std::collections::BTreeSet::new();
        // One campaign is moved away step by step: soon it misses the mean of the rest, which does not move with it.
        for step in 0..40 {
            let mut library = fixture::library();
            let check = library.self_check.as_mut().unwrap();
            for round in check.rounds.iter_mut().filter(|round| round.campaign == 2) {
                round.slower.step *= 1.0 + 0.0005 * f64::from(step);
            }
            let count = check.summary().coverage["slower"];
            let html = Show::Coverage(Pair::Slower).render("c", &library, &fixture::english());
            // An interval and its mark each.
            assert_eq!(
                html.matches("--series-2").count(),
                2 * (count.of - count.hits),
                "{step}: {html}"
            );
            misses.insert(count.of - count.hits);
        }
        assert!(misses.len() > 1, "{misses:?}");
    }

    #[test]
    fn wrong_names_are_answered() {
        assert!(Show::parse("coverage slow").unwrap_err().help.contains("slower"));
        assert!(Show::parse("").unwrap_err().help.contains("self-check found"));
    }

    #[test]
    fn without_samples_the_page_says_so() {
        let mut library = fixture::library();
        library.self_check = None;
        let html = Show::Found.render("c", &library, &fixture::english());
        assert!(html.contains("not measured yet") && !html.contains("<svg"), "{html}");
    }
}
