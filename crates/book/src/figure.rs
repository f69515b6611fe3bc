//! `{{#figure EXPERIMENT METRIC...}}caption{{/figure}}` and `{{#figure EXPERIMENT gantt PHASE}}caption{{/figure}}`.
//!
//! ```text
//! Figure       which experiment, and what of it
//!  |-- points      a panel per metric: programs, their values with intervals, an axis
//!  |-- gantt       when each wait of a phase began and ended
//!  |-- self_check  what the harness found about itself
//!  |-- table       the same in numbers
//!  \-- provenance  where and when it was measured, and how to measure it again
//!
//! axis         ticks, and where a value stands between the margins
//! svg          shapes and text, as both kinds of drawing use them
//! ```
//!
//! The drawing takes its colours from the page (`currentColor`, `--series-1` to `--series-8`) and its width from the column, and needs
//! no script. The HTML holds no blank line, since to Markdown that would end it.

mod axis;
mod gantt;
mod points;
mod provenance;
pub mod self_check;
mod svg;
mod table;

use mdbook_markdown::pulldown_cmark::html::push_html;
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use measure::experiment::{Experiment, Metric};
use measure::library::{Entry, Library, Measured};

use crate::interface::Interface;
use crate::number::escape;
use crate::reference::{self, Problem};

/// What a figure shows, every name resolved.
#[derive(Debug, Clone)]
pub struct Figure<'a> {
    pub entry: &'a Entry,
    show: Show<'a>,
}

#[derive(Debug, Clone)]
enum Show<'a> {
    Points(Vec<&'a Metric>),
    Gantt(&'a str),
}

impl<'a> Figure<'a> {
    /// Reads a directive's arguments.
    pub fn parse(arguments: &'a str, library: &'a Library) -> Result<Figure<'a>, Problem> {
        let mut words = arguments.split(' ').filter(|word| !word.is_empty());
        let (Some(name), Some(first)) = (words.next(), words.next()) else {
            return Err(Problem::new(
                "a figure names an experiment and what to show of it",
                "write `{{#figure EXPERIMENT METRIC}}caption{{/figure}}`, or `gantt PHASE` for the waits of a phase",
            ));
        };
        let entry = reference::experiment(name, library)?;
        let rest: Vec<&str> = words.collect();
        if first == "gantt" {
            let [phase] = rest[..] else {
                return Err(Problem::new(
                    format!("`{arguments}`: `gantt` takes one phase"),
                    format!("phases are {}", phases(entry).join(", ")),
                ));
            };
            let known = phases(entry);
            if !known.contains(&phase) {
                return Err(Problem::unknown(&format!("phase in `{name}`"), phase, known));
            }
            return Ok(Figure {
                entry,
                show: Show::Gantt(phase),
            });
        }
        let mut metrics: Vec<&Metric> = Vec::new();
        for id in std::iter::once(first).chain(rest) {
            let metric = reference::metric(id, &entry.experiment)?;
            if metrics.iter().any(|other| other.id == metric.id) {
                return Err(Problem::new(format!("`{id}` is named twice"), "name each metric once"));
            }
            metrics.push(metric);
        }
        Ok(Figure {
            entry,
            show: Show::Points(metrics),
        })
    }

    /// The anchor of the figure, the same in all editions.
    pub fn id(&self) -> String {
        let shown = match &self.show {
            Show::Points(metrics) => metrics
                .iter()
                .map(|metric| metric.id.as_str())
                .collect::<Vec<_>>()
                .join("-"),
            Show::Gantt(phase) => format!("gantt-{phase}"),
        };
        format!("fig-{}-{shown}", self.entry.experiment.id)
    }

    /// Whether it shows this metric.
    pub fn shows(&self, metric: &str) -> bool {
        self.metrics().iter().any(|shown| shown.id == metric)
    }

    /// The figure as a block of HTML. `caption` is Markdown, of one paragraph.
    pub fn render(&self, caption: &str, interface: &Interface) -> String {
        let id = self.id();
        let mut html = format!("<figure class=\"measured\" id=\"{id}\" aria-labelledby=\"{id}-caption\">\n");
        if let Some(measured) = &self.entry.measured {
            html.push_str("<div class=\"panels\">\n");
            match &self.show {
                Show::Points(metrics) => {
                    for metric in metrics {
                        html.push_str(&points::panel(self, metric, measured, interface));
                    }
                }
                Show::Gantt(phase) => html.push_str(&gantt::panel(self, phase, measured, interface)),
            }
            html.push_str("</div>\n");
        }
        html.push_str(&format!(
            "<figcaption>\n<div class=\"caption\" id=\"{id}-caption\">{}</div>\n",
            inline(caption)
        ));
        if let Some(measured) = &self.entry.measured {
            html.push_str(&match &self.show {
                Show::Points(metrics) => table::of_metrics(self, metrics, interface),
                Show::Gantt(phase) => table::of_waits(self, phase, measured, interface),
            });
        }
        html.push_str(&provenance::line(self.entry, interface));
        html.push_str("</figcaption>\n</figure>\n");
        html
    }

    fn metrics(&self) -> &[&'a Metric] {
        match &self.show {
            Show::Points(metrics) => metrics,
            Show::Gantt(_) => &[],
        }
    }

    fn experiment(&self) -> &'a Experiment {
        &self.entry.experiment
    }

    /// The programs whose results still count, each with its place in the manifest, which decides its colour and shape.
    fn programs(&self, measured: &Measured) -> Vec<(usize, &'a measure::experiment::Program)> {
        let programs = self.experiment().programs.iter().enumerate();
        programs
            .filter(|(_, program)| !reference::is_stale(measured, &program.id))
            .collect()
    }
}

/// Phases that the manifest names or the results hold.
fn phases(entry: &Entry) -> Vec<&str> {
    let experiment = &entry.experiment;
    let of_metrics = experiment.metrics.iter().map(|metric| metric.phase.as_str());
    let of_ideals = experiment
        .programs
        .iter()
        .flat_map(|program| program.ideal.keys().map(String::as_str));
    let of_runs = entry
        .measured
        .iter()
        .flat_map(|measured| &measured.results.runs)
        .flat_map(|run| run.phases.keys().map(String::as_str));
    let mut phases: Vec<&str> = of_metrics
        .chain(of_ideals)
        .chain(of_runs)
        .filter(|phase| !phase.is_empty())
        .collect();
    phases.sort_unstable();
    phases.dedup();
    phases
}

/// One paragraph of Markdown as HTML, without the paragraph around it.
fn inline(markdown: &str) -> String {
    let mut html = String::new();
    // A line break at the start could make a block of what is meant as text.
    push_html(
        &mut html,
        new_cmark_parser(markdown.trim(), &MarkdownOptions::default()),
    );
    let html = html.trim();
    html.strip_prefix("<p>")
        .and_then(|html| html.strip_suffix("</p>"))
        .unwrap_or(html)
        .to_owned()
}

/// Text for the name of a drawing or of an axis: escaped, on one line.
fn plain(text: &str) -> String {
    escape(text).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use measure::library::Origin;

    fn render(arguments: &str, library: &Library, interface: &Interface) -> String {
        Figure::parse(arguments, library)
            .unwrap()
            .render("What *it* shows.", interface)
    }

    #[test]
    fn wrong_names_are_answered_with_the_right_ones() {
        let library = fixture::library();
        let cases = [
            ("echo", "names an experiment and what"),
            ("eco cpu", "no experiment `eco`"),
            ("echo cpu raet", "no metric in `echo` `raet`"),
            ("echo cpu cpu", "named twice"),
            ("echo gantt", "takes one phase"),
            ("echo gantt mesages", "no phase in `echo` `mesages`"),
        ];
        for (arguments, message) in cases {
            let problem = Figure::parse(arguments, &library).unwrap_err();
            assert!(problem.message.contains(message), "{problem:?}");
        }
    }

    #[test]
    fn it_is_one_block_of_html_to_markdown_and_balanced() {
        let library = fixture::library();
        for arguments in ["echo cpu rate", "echo cores excess", "echo gantt messages"] {
            for interface in [fixture::english(), fixture::italian()] {
                let html = render(arguments, &library, &interface);
                assert!(!html.lines().any(|line| line.trim().is_empty()), "{html}");
                let page = format!("before\n\n{html}\nafter\n");
                let mut out = String::new();
                push_html(&mut out, new_cmark_parser(&page, &MarkdownOptions::default()));
                assert_eq!(out, format!("<p>before</p>\n{html}<p>after</p>\n"));
                assert_balanced(&html);
            }
        }
    }

    /// Every element is closed, in order. Attributes hold no `<` or `>`, since they are escaped.
    fn assert_balanced(html: &str) {
        let mut open = Vec::new();
        for tag in html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{html}");
            } else if !tag.ends_with('/') && tag != "br" {
                open.push(tag.split(' ').next().unwrap());
            }
        }
        assert_eq!(open, [""; 0], "{html}");
    }

    #[test]
    fn a_drawing_can_be_read_without_being_seen() {
        let html = render("echo cpu", &fixture::library(), &fixture::english());
        assert!(html.contains("role=\"img\""), "{html}");
        assert!(
            html.contains("<title id=\"fig-echo-cpu-1-title\">CPU per message: echo</title>"),
            "{html}"
        );
        // Description, drawing and table tell the same.
        assert_eq!(html.matches("Tokio, one thread").count(), 3, "{html}");
        assert_eq!(html.matches("12.14\u{a0}µs").count(), 3, "{html}");
        assert!(
            html.contains("logarithmic axis") && html.contains("← lower is better"),
            "{html}"
        );
    }

    #[test]
    fn a_program_keeps_its_colour_and_shape_in_every_figure() {
        let mut library = fixture::library();
        let whole = render("echo cpu", &library, &fixture::english());
        library.entries[0].measured.as_mut().unwrap().stale = vec!["asyncio".to_owned()];
        let html = render("echo rate", &library, &fixture::english());
        assert!(
            whole.contains("--series-1,") && whole.contains("--series-3,"),
            "{whole}"
        );
        assert!(!html.contains("--series-1,") && html.contains("--series-3,"), "{html}");
    }

    #[test]
    fn what_was_changed_since_is_named_and_not_drawn() {
        let mut library = fixture::library();
        library.entries[0].measured.as_mut().unwrap().stale = vec!["asyncio".to_owned()];
        let html = render("echo cpu", &library, &fixture::english());
        assert!(
            html.contains("changed since they were measured, so not shown: asyncio streams"),
            "{html}"
        );
        assert!(!html.contains("48.9"), "{html}");
    }

    #[test]
    fn without_results_it_says_how_to_get_them() {
        let mut library = fixture::library();
        library.entries[0].measured = None;
        let html = render("echo gantt messages", &library, &fixture::italian());
        assert!(
            html.contains("non ancora misurato su questa macchina: esegui <code>cargo xtask measure echo</code>"),
            "{html}"
        );
        assert!(
            html.contains("What <em>it</em> shows.") && !html.contains("<svg"),
            "{html}"
        );
    }

    #[test]
    fn the_line_of_provenance_tells_everything_that_matters() {
        let mut library = fixture::library();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("main.rs"),
            "use tokio::net::TcpStream; // not uvloop\n",
        )
        .unwrap();
        library.entries[0].experiment.folder = folder.path().to_owned();
        let html = render("echo cpu", &library, &fixture::english());
        assert!(!html.contains("uvloop 0.22.1"), "no program imports it: {html}");
        for part in [
            "Example CPU &lt;2.4 GHz&gt;, 2\u{a0}cores, KVM",
            "Python 3.13.1, optimised build",
            "rustc 1.95.0",
            " · tokio 1.54.1 · ",
            "31 January 2026",
            "3 sessions × 2 rounds",
            "2 runs set aside",
            "to measure again: <code>cargo xtask measure echo</code>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        assert!(!html.contains("your own results"), "{html}");
        let measured = library.entries[0].measured.as_mut().unwrap();
        measured.origin = Origin::Own;
        measured
            .results
            .environment
            .pythons
            .get_mut("default")
            .unwrap()
            .optimised = false;
        let html = render("echo cpu", &library, &fixture::italian());
        for part in [
            "risultati tuoi, non pubblicati",
            "compilato senza ottimizzazioni",
            "31 gennaio 2026",
            "3 sessioni × 2 giri",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn waits_are_those_of_the_median_run() {
        let mut library = fixture::library();
        let html = render("echo gantt messages", &library, &fixture::english());
        // Three waits of three programs, and the same nine cells of the table.
        assert_eq!(html.matches("<rect ").count(), 9, "{html}");
        let runs = &mut library.entries[0].measured.as_mut().unwrap().results.runs;
        // One run far slower than the others changes nothing.
        let slow = runs.iter_mut().find(|run| run.program == "tokio").unwrap();
        let phase = slow.phases.get_mut("messages").unwrap();
        phase.seconds = 90.0;
        phase.spans = vec![(0.0, 90.0)];
        let html = render("echo gantt messages", &library, &fixture::english());
        assert_eq!(html.matches("<rect ").count(), 9, "{html}");
        assert!(html.contains("1.242\u{a0}s") && !html.contains("90.00"), "{html}");
    }

    #[test]
    fn labels_are_translated_and_numbers_marked_for_the_reader() {
        let html = render("echo rate", &fixture::library(), &fixture::italian());
        for part in [
            "messaggi al secondo",
            "Tokio, un thread",
            "più è meglio →",
            "al secondo, asse logaritmico",
            "<summary>Dati, con intervalli al 95 %</summary>",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        // 20,000 messages in about 1.24 s.
        assert!(html.contains("16.0"), "{html}");
    }
}
