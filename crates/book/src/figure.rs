//! `{{#figure EXPERIMENT METRIC...}}caption{{/figure}}`, `{{#figure EXPERIMENT METRIC... over PARAMETER}}caption{{/figure}}`,
//! `{{#figure EXPERIMENT METRIC over PARAMETER of A/B... against 1+PARAMETER}}caption{{/figure}}`,
//! `{{#figure EXPERIMENT gantt PHASE}}caption{{/figure}}`, `{{#figure EXPERIMENT distribution PHASE}}caption{{/figure}}` and
//! `{{#figure EXPERIMENT series PHASE NAME}}caption{{/figure}}`.
//!
//! ```text
//! Figure       which experiment, and what of it
//!  |-- points      a panel per metric: programs, their values with intervals, an axis
//!  |-- curve       a panel per metric: its values over a swept parameter, a line per program
//!  |   \-- gain    the same of ratios, beside the line of a formula
//!  |-- gantt       when each wait of a phase began and ended
//!  |-- distribution  the latencies of a phase, from the median into the tail
//!  |-- timeline    what programs looked at over time, as their memory
//!  |-- self_check  what the harness found about itself
//!  |-- table       the same in numbers
//!  \-- provenance  where and when it was measured, and how to measure it again
//!
//! axis         ticks, and where a value stands between the margins
//! svg          shapes and text, as both kinds of drawing use them
//! ```
//!
//! Where several machines have results, each has drawings and a line of provenance, and the table holds all. The first machine's are
//! shown; the others' are folded away, until the script `theme/machines.js` puts a choice in their place.
//!
//! The drawing takes its colours from the page (`currentColor`, `--series-1` to `--series-8`) and its width from the column, and needs
//! no script. The HTML holds no blank line, since to Markdown that would end it.

mod axis;
mod curve;
mod distribution;
mod gain;
mod gantt;
mod points;
mod provenance;
pub mod self_check;
mod svg;
mod table;
mod timeline;

use curve::Sweep;
use gain::Gain;
use mdbook_markdown::pulldown_cmark::html::push_html;
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use measure::experiment::{Experiment, Metric};
use measure::library::{Entry, Library, Measured, Origin};
use measure::machine;
use measure::results::{Machine, Phase};

use crate::html::escaped;
use crate::interface::Interface;
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
    Curve(Vec<&'a Metric>, Sweep<'a>),
    Gain(&'a Metric, Sweep<'a>, Gain<'a>),
    Gantt(&'a str),
    Distribution(&'a str),
    /// A phase, and the name of a series that programs report in it.
    Series(&'a str, &'a str),
}

impl<'a> Figure<'a> {
    /// Reads a directive's arguments.
    pub fn parse(arguments: &'a str, library: &'a Library) -> Result<Figure<'a>, Problem> {
        let mut words = arguments.split(' ').filter(|word| !word.is_empty());
        let (Some(name), Some(first)) = (words.next(), words.next()) else {
            return Err(Problem::new(
                "a figure names an experiment and what to show of it",
                "write `{{#figure EXPERIMENT METRIC}}caption{{/figure}}`, or `gantt PHASE` for the waits of a phase, `distribution PHASE` for its latencies, `series PHASE NAME` for what it looked at over time",
            ));
        };
        let entry = reference::experiment(name, library)?;
        let rest: Vec<&str> = words.collect();
        if matches!(first, "gantt" | "distribution") {
            let [phase] = rest[..] else {
                return Err(Problem::new(
                    format!("`{arguments}`: `{first}` takes one phase"),
                    format!("phases are {}", phases(entry).join(", ")),
                ));
            };
            let known = phases(entry);
            if !known.contains(&phase) {
                return Err(Problem::unknown(&format!("phase in `{name}`"), phase, known));
            }
            return Ok(Figure {
                entry,
                show: match first {
                    "gantt" => Show::Gantt(phase),
                    _ => Show::Distribution(phase),
                },
            });
        }
        if first == "series" {
            let [phase, series] = rest[..] else {
                return Err(Problem::new(
                    format!("`{arguments}`: `series` takes a phase and the name of a series"),
                    format!("phases are {}", phases(entry).join(", ")),
                ));
            };
            let known = phases(entry);
            if !known.contains(&phase) {
                return Err(Problem::unknown(&format!("phase in `{name}`"), phase, known));
            }
            // What programs report is known once they have run.
            let known = series_of(entry, phase);
            if !known.is_empty() && !known.contains(&series) {
                return Err(Problem::unknown(
                    &format!("series in phase `{phase}` of `{name}`"),
                    series,
                    known,
                ));
            }
            return Ok(Figure {
                entry,
                show: Show::Series(phase, series),
            });
        }
        let mut words: Vec<&str> = std::iter::once(first).chain(rest).collect();
        let formula = cut(&mut words, "against");
        let pairs = cut(&mut words, "of");
        let sweep = match words.iter().position(|word| *word == "over") {
            Some(at) => {
                let over = words.split_off(at);
                let [_, parameter] = over[..] else {
                    return Err(Problem::new(
                        format!("`{arguments}`: `over` takes one parameter, at the end"),
                        "write `{{#figure EXPERIMENT METRIC... over PARAMETER}}caption{{/figure}}`",
                    ));
                };
                Some(sweep(parameter, entry)?)
            }
            None => None,
        };
        let mut metrics: Vec<&Metric> = Vec::new();
        for id in words {
            let metric = reference::metric(id, &entry.experiment)?;
            if metrics.iter().any(|other| other.id == metric.id) {
                return Err(Problem::new(format!("`{id}` is named twice"), "name each metric once"));
            }
            if let (Some(sweep), Some(_)) = (&sweep, &metric.over) {
                return Err(Problem::new(
                    format!(
                        "`{id}` is a slope: it has one value, none for each of `{}`",
                        sweep.parameter
                    ),
                    format!("show it without `over`: `{{{{#figure {name} {id}}}}}`"),
                ));
            }
            metrics.push(metric);
        }
        if metrics.is_empty() {
            return Err(Problem::new(
                format!("`{arguments}`: no metric stands before `over`"),
                "write `{{#figure EXPERIMENT METRIC... over PARAMETER}}caption{{/figure}}`",
            ));
        }
        let show = match (sweep, pairs, &formula) {
            (Some(sweep), Some(pairs), _) => {
                let [metric] = metrics[..] else {
                    return Err(Problem::new(
                        format!("`{arguments}`: `of` takes one metric"),
                        "write a figure for each metric",
                    ));
                };
                let gain = Gain::parse(&pairs, formula.as_deref(), metric, sweep.parameter, &entry.experiment)?;
                Show::Gain(metric, sweep, gain)
            }
            (Some(sweep), None, None) => Show::Curve(metrics, sweep),
            (None, None, None) => Show::Points(metrics),
            _ => {
                return Err(Problem::new(
                    format!("`{arguments}`: ratios and formulas need a sweep and pairs of programs"),
                    "write `{{#figure EXPERIMENT METRIC over PARAMETER of A/B C/D against 1+PARAMETER}}caption{{/figure}}`",
                ));
            }
        };
        Ok(Figure { entry, show })
    }

    /// The anchor of the figure, the same in all editions.
    pub fn id(&self) -> String {
        let of = |metrics: &[&Metric]| {
            let ids: Vec<&str> = metrics.iter().map(|metric| metric.id.as_str()).collect();
            ids.join("-")
        };
        let shown = match &self.show {
            Show::Points(metrics) => of(metrics),
            Show::Curve(metrics, sweep) => format!("{}-over-{}", of(metrics), sweep.parameter),
            Show::Gain(metric, sweep, _) => format!("{}-ratio-over-{}", metric.id, sweep.parameter),
            Show::Gantt(phase) => format!("gantt-{phase}"),
            Show::Distribution(phase) => format!("distribution-{phase}"),
            Show::Series(phase, name) => format!("series-{phase}-{name}"),
        };
        format!("fig-{}-{shown}", self.entry.experiment.id)
    }

    /// Whether it shows this metric.
    pub fn shows(&self, metric: &str) -> bool {
        match &self.show {
            Show::Points(metrics) | Show::Curve(metrics, _) => metrics.iter().any(|shown| shown.id == metric),
            Show::Gain(shown, ..) => shown.id == metric,
            Show::Gantt(_) | Show::Series(..) => false,
            Show::Distribution(phase) => (self.experiment().metric(metric))
                .is_some_and(|metric| metric.phase == *phase && metric.quantity.latency_quantile().is_some()),
        }
    }

    /// The parameter that it goes along.
    pub fn over(&self) -> Option<&'a str> {
        match &self.show {
            Show::Curve(_, sweep) | Show::Gain(_, sweep, _) => Some(sweep.parameter),
            Show::Points(_) | Show::Gantt(_) | Show::Distribution(_) | Show::Series(..) => None,
        }
    }

    /// The figure as a block of HTML. `caption` is Markdown, of one paragraph.
    pub fn render(&self, caption: &str, interface: &Interface) -> String {
        let id = self.id();
        let machines: Vec<&Measured> = self.entry.measured.iter().chain(&self.entry.others).collect();
        let mut html = format!("<figure class=\"measured\" id=\"{id}\" aria-labelledby=\"{id}-caption\"");
        let mut provenance = String::new();
        match machines[..] {
            [] => html.push_str(">\n"),
            [measured] => {
                let panels = self.panels(measured, &id, interface);
                html.push_str(&format!(">\n<div class=\"panels\">\n{panels}</div>\n"));
                provenance = provenance::line(&self.entry_on(measured), interface);
            }
            [..] => {
                let label = plain(&interface.text("Machine"));
                html.push_str(&format!(" data-machines=\"{label}\">\n"));
                for (number, measured) in machines.iter().enumerate() {
                    let name = plain(&machine_name(measured, interface));
                    let key = plain(machine_key(measured));
                    let prefix = match number {
                        0 => id.clone(),
                        _ => format!("{id}-machine-{}", number + 1),
                    };
                    let panels = format!(
                        "<div class=\"panels\" data-machine=\"{key}\" data-name=\"{name}\">\n{}</div>\n",
                        self.panels(measured, &prefix, interface)
                    );
                    let line = format!(
                        "<div data-machine=\"{key}\">\n{}</div>\n",
                        provenance::line(&self.entry_on(measured), interface)
                    );
                    if number == 0 {
                        html.push_str(&panels);
                        provenance.push_str(&line);
                    } else {
                        html.push_str(&format!(
                            "<details class=\"machine\">\n<summary>{name}</summary>\n{panels}{line}</details>\n"
                        ));
                    }
                }
            }
        }
        html.push_str(&format!(
            "<figcaption>\n<div class=\"caption\" id=\"{id}-caption\">{}</div>\n",
            inline(caption)
        ));
        if !machines.is_empty() {
            html.push_str(&match &self.show {
                Show::Points(metrics) => table::of_metrics(self, metrics, &machines, interface),
                Show::Curve(metrics, sweep) => table::of_sweep(self, metrics, sweep, &machines, interface),
                Show::Gain(metric, sweep, gain) => table::of_gain(self, metric, sweep, gain, &machines, interface),
                Show::Gantt(phase) => table::of_waits(self, phase, &machines, interface),
                Show::Distribution(phase) => table::of_latencies(self, phase, &machines, interface),
                Show::Series(phase, name) => table::of_series(self, phase, name, &machines, interface),
            });
        }
        if self.entry.measured.is_none() {
            // Also where other machines have results.
            html.push_str(&provenance::line(self.entry, interface));
        }
        html.push_str(&provenance);
        html.push_str("</figcaption>\n</figure>\n");
        html
    }

    /// The drawings of one machine. `prefix` and a number make the id of each.
    fn panels(&self, measured: &Measured, prefix: &str, interface: &Interface) -> String {
        let id = |number: usize| format!("{prefix}-{}", number + 1);
        match &self.show {
            Show::Points(metrics) => (metrics.iter().enumerate())
                .map(|(number, metric)| points::panel(self, metric, measured, &id(number), interface))
                .collect(),
            Show::Curve(metrics, sweep) => (metrics.iter().enumerate())
                .map(|(number, metric)| curve::panel(self, metric, sweep, None, measured, &id(number), interface))
                .collect(),
            Show::Gain(metric, sweep, gain) => {
                curve::panel(self, metric, sweep, Some(gain), measured, &id(0), interface)
            }
            Show::Gantt(phase) => gantt::panel(self, phase, measured, &id(0), interface),
            Show::Distribution(phase) => distribution::panel(self, phase, measured, &id(0), interface),
            Show::Series(phase, name) => timeline::panel(self, phase, name, measured, &id(0), interface),
        }
    }

    /// The experiment with one machine's results alone.
    fn entry_on(&self, measured: &Measured) -> Entry {
        Entry {
            experiment: self.entry.experiment.clone(),
            measured: Some(measured.clone()),
            others: Vec::new(),
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

/// Takes the words from `keyword` on away; those behind it, if it is there.
fn cut<'a>(words: &mut Vec<&'a str>, keyword: &str) -> Option<Vec<&'a str>> {
    let at = words.iter().position(|word| *word == keyword)?;
    let behind = words.split_off(at + 1);
    words.pop();
    Some(behind)
}

fn sweep<'a>(parameter: &'a str, entry: &'a Entry) -> Result<Sweep<'a>, Problem> {
    let values = reference::swept(parameter, &entry.experiment)?;
    Ok(Sweep {
        parameter,
        values,
        unit: entry.experiment.parameters[parameter].unit,
    })
}

/// What the machine of some results is called, and whether they are the reader's own.
pub(crate) fn machine_name(measured: &Measured, interface: &Interface) -> String {
    let mut name = machine_words(&measured.results.machine, interface);
    if measured.origin == Origin::Own {
        name = format!("{name} · {}", interface.text("your own results, not published"));
    }
    name
}

/// What a machine is called: CPU, cores, hypervisor, and the label it was given, if any.
fn machine_words(machine: &Machine, interface: &Interface) -> String {
    let cores = match machine.cores {
        1 => "{count} core",
        _ => "{count} cores",
    };
    let cores = interface.fill(cores, &[("count", &machine.cores.to_string())]);
    let mut about = vec![machine.cpu.clone(), cores.replace(' ', "\u{a0}")];
    about.extend(machine.hypervisor.clone());
    about.extend(machine::label(machine).map(str::to_owned));
    about.join(", ")
}

/// What tells machines apart: their own results count as one, also on a machine that has published ones.
pub(crate) fn machine_key(measured: &Measured) -> &str {
    match measured.origin {
        Origin::Own => "own",
        Origin::Published => &measured.results.machine.id,
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

/// Series that any program reports in a phase.
fn series_of<'a>(entry: &'a Entry, phase: &str) -> Vec<&'a str> {
    let measured = entry.measured.iter().chain(&entry.others);
    let phases = measured
        .flat_map(|measured| &measured.results.runs)
        .filter_map(|run| run.phases.get(phase));
    let mut names: Vec<&str> = phases
        .flat_map(|phase| phase.series.keys().map(String::as_str))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A phase of the run of median duration of a program at the base, among those that have what is to be shown.
fn median_run<'a>(
    measured: &'a Measured,
    program: &str,
    phase: &str,
    has: impl Fn(&Phase) -> bool,
) -> Option<&'a Phase> {
    let runs = measured.results.runs.iter();
    let mut phases: Vec<&Phase> = runs
        .filter(|run| run.program == program && !run.control && run.point.is_base())
        .filter_map(|run| run.phases.get(phase))
        .filter(|phase| has(phase))
        .collect();
    phases.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    // Of an even number the lower of the middle two: it must be a run that was.
    phases.get(phases.len().saturating_sub(1) / 2).copied()
}

/// What a figure of these arguments is headed by that stands in no manifest: the name of a series, in words.
pub(crate) fn series_label(arguments: &str) -> Option<String> {
    let words: Vec<&str> = arguments.split(' ').collect();
    match words[..] {
        [_, "series", _, name] => Some(timeline::label(name)),
        _ => None,
    }
}

/// One paragraph of Markdown as HTML, without the paragraph around it.
pub(crate) fn inline(markdown: &str) -> String {
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
    escaped(text).replace('\n', " ")
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
            ("echo distribution", "`distribution` takes one phase"),
            ("echo distribution mesages", "no phase in `echo` `mesages`"),
            ("echo series messages", "takes a phase and the name of a series"),
            ("echo series mesages memory_bytes", "no phase in `echo` `mesages`"),
            ("echo gantt mesages", "no phase in `echo` `mesages`"),
            ("echo cpu over", "takes one parameter"),
            ("echo cpu over clients nap", "takes one parameter"),
            ("echo cpu over client", "no parameter in `echo` `client`"),
            ("echo cpu over nap", "`nap` of `echo` is not swept"),
            ("echo over clients", "no metric stands before `over`"),
            ("echo cpu per_client over clients", "`per_client` is a slope"),
            ("echo cpu of asyncio/tokio", "need a sweep and pairs"),
            ("echo cpu over clients against 1+clients", "need a sweep and pairs"),
            ("echo cpu over clients of", "no pair of programs"),
            ("echo cpu over clients of asyncio", "is not a pair of programs"),
            ("echo cpu over clients of tokio/tokio", "is not a pair of programs"),
            ("echo cpu over clients of asyncio/toko", "no program in `echo` `toko`"),
            ("echo cpu rate over clients of asyncio/tokio", "`of` takes one metric"),
            (
                "echo cpu over clients of asyncio/tokio against 2+clients",
                "is no formula",
            ),
        ];
        for (arguments, message) in cases {
            let problem = Figure::parse(arguments, &library).unwrap_err();
            assert!(problem.message.contains(message), "{problem:?}");
        }
    }

    #[test]
    fn it_is_one_block_of_html_to_markdown_and_balanced() {
        let libraries = [fixture::library(), fixture::on_two_machines()];
        let figures = [
            "echo cpu rate",
            "echo cores excess",
            "echo cpu cores over clients",
            "echo cpu over clients of asyncio/tokio asyncio/uvloop against 1+clients",
            "echo gantt messages",
        ];
        for (library, arguments) in libraries
            .iter()
            .flat_map(|library| figures.map(|figure| (library, figure)))
        {
            for interface in [fixture::english(), fixture::italian()] {
                let html = render(arguments, library, &interface);
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
        // Description, drawing, what is told of its mark, and table say the same.
        assert_eq!(html.matches("Tokio, one thread").count(), 4, "{html}");
        assert_eq!(html.matches("12.14\u{a0}µs").count(), 4, "{html}");
        assert!(
            html.contains("<g class=\"point\"><title>Tokio, one thread: 12.14\u{a0}µs ("),
            "{html}"
        );
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
        let entry = &mut library.entries[0];
        entry.experiment.folder = folder.path().to_owned();
        let measured = entry.measured.as_mut().unwrap();
        measured.imported = measure::packages::imported(&entry.experiment, &measured.results.environment.packages)
            .into_iter()
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect();
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

    /// The table cells of a program's row, without markup.
    fn row(html: &str, label: &str) -> Vec<String> {
        let start = format!("<th scope=\"row\">{label}</th>");
        let row = html.split_once(&start).unwrap().1.split_once("</tr>").unwrap().0;
        let cells = row.split("<td>").skip(1);
        cells
            .map(|cell| cell.split('<').next().unwrap().replace('\u{a0}', " "))
            .collect()
    }

    #[test]
    fn a_gain_has_a_line_per_pair_and_one_for_its_formula() {
        let arguments = "echo cpu over clients of asyncio/tokio against 1+clients";
        let html = render(arguments, &fixture::library(), &fixture::english());
        assert!(html.contains("id=\"fig-echo-cpu-ratio-over-clients\""), "{html}");
        // The ratios, the formula, and the formula in the legend.
        assert_eq!(html.matches("<polyline ").count(), 3, "{html}");
        assert_eq!(html.matches("stroke-dasharray=\"2 3\"").count(), 2, "{html}");
        assert_eq!(row(&html, "1 + clients"), ["11×", "101×", "1,001×"], "{html}");
        assert_eq!(row(&html, "asyncio streams / Tokio, one thread").len(), 3, "{html}");
        assert!(
            html.contains("<caption>CPU per message, as a ratio</caption>"),
            "{html}"
        );
        let alone = render(
            "echo cpu over clients of asyncio/tokio",
            &fixture::library(),
            &fixture::english(),
        );
        assert_eq!(alone.matches("<polyline ").count(), 1, "{alone}");
    }

    #[test]
    fn a_sweep_has_a_line_per_program_and_a_column_per_value() {
        let html = render("echo cpu over clients", &fixture::library(), &fixture::english());
        assert!(html.contains("id=\"fig-echo-cpu-over-clients\""), "{html}");
        assert_eq!(html.matches("<polyline ").count(), 3, "{html}");
        // Eight marks of values, each with a place around it that answers, and three beside the names; uvloop is not run with a thousand
        // clients.
        assert_eq!(
            html.matches("<circle ").count() + html.matches("<polygon ").count(),
            8 + 8 + 3
        );
        assert_eq!(
            row(&html, "Tokio, one thread"),
            ["6.07 µs", "12.14 µs", "24.28 µs"],
            "{html}"
        );
        assert_eq!(row(&html, "asyncio Protocol on uvloop")[2], "–", "{html}");
        assert!(html.contains("<caption>CPU per message</caption>"), "{html}");
        assert!(
            html.contains("<th scope=\"colgroup\" colspan=\"3\">clients</th>")
                && html.contains("<th scope=\"col\">1,000</th>"),
            "{html}"
        );
        assert!(
            html.contains(
                "<title id=\"fig-echo-cpu-over-clients-1-title\">CPU per message: echo; clients on the horizontal axis"
            ),
            "{html}"
        );
        let description = html.split("<desc").nth(1).unwrap().split("</desc>").next().unwrap();
        assert!(
            description.contains("Tokio, one thread: 10: 6.07") && description.contains("1,000: 24.28"),
            "{description}"
        );
        let uvloop = description.split("; ").find(|part| part.contains("uvloop")).unwrap();
        assert!(uvloop.contains("100: ") && !uvloop.contains("1,000: "), "{uvloop}");
    }

    #[test]
    fn the_ordinary_figure_is_that_of_the_base() {
        let html = render("echo cpu memory per_client", &fixture::library(), &fixture::english());
        assert_eq!(
            row(&html, "Tokio, one thread"),
            ["12.14 µs", "5.200 MB", "2.000 kB"],
            "{html}"
        );
        assert!(!html.contains("24.28"), "{html}");
    }

    #[test]
    fn with_one_machine_nothing_tells_of_machines() {
        let html = render("echo cpu", &fixture::library(), &fixture::english());
        assert!(!html.contains("machine\"") && !html.contains("colgroup"), "{html}");
    }

    #[test]
    fn further_machines_are_folded_away_and_share_the_table() {
        let mut library = fixture::on_two_machines();
        let html = render("echo cpu rate", &library, &fixture::italian());
        assert!(html.contains("data-machines=\"Macchina\""), "{html}");
        let (open, folded) = html.split_once("<details class=\"machine\">").unwrap();
        let (folded, rest) = folded.split_once("</details>").unwrap();
        assert!(
            folded.contains("<summary>Other CPU, 4\u{a0}core, lab</summary>"),
            "{folded}"
        );
        for (part, key) in [(open, "test"), (folded, "other-cpu-4-cores-lab")] {
            assert_eq!(part.matches("<svg").count(), 2, "{part}");
            assert!(
                part.contains(&format!("<div class=\"panels\" data-machine=\"{key}\"")),
                "{part}"
            );
        }
        // Each has its provenance: the other's is folded away with its drawings.
        assert!(folded.contains("class=\"provenance\"") && folded.contains("Other CPU, 4\u{a0}core"));
        assert!(
            folded.contains("<p class=\"provenance\">Other CPU, 4\u{a0}core, lab · "),
            "{folded}"
        );
        assert_eq!(rest.matches("class=\"provenance\"").count(), 1, "{rest}");
        assert!(
            rest.contains("<div data-machine=\"test\">\n<p class=\"provenance\">Example CPU"),
            "{rest}"
        );
        assert_eq!(row(&html, "asyncio streams").len(), 4, "{html}");
        assert!(rest.contains("<th scope=\"colgroup\" colspan=\"2\">Other CPU, 4\u{a0}core, lab</th>"));
        // No two drawings have the same name.
        let mut ids: Vec<&str> = html
            .split(" id=\"")
            .skip(1)
            .map(|id| id.split('"').next().unwrap())
            .collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{html}");
        // What was changed since is left out on that machine alone.
        library.entries[0].others[0].stale = vec!["asyncio".to_owned()];
        let html = render("echo cpu over clients", &library, &fixture::english());
        let (first, other) = html
            .split_once("<th scope=\"rowgroup\" colspan=\"4\">Other CPU")
            .unwrap();
        let cells = row(first, "asyncio streams");
        assert!(cells.iter().all(|cell| cell.ends_with("µs")), "{cells:?}");
        let cells = row(other, "asyncio streams");
        assert!(cells.iter().all(String::is_empty), "{cells:?}");
        assert_eq!(html.matches("changed since it was measured").count(), 3, "{html}");
        let html = render("echo gantt messages", &library, &fixture::english());
        // Nine waits here, six there, each as a bar and as a cell.
        assert_eq!(html.matches("<rect ").count(), 15, "{html}");
        assert_eq!(html.matches("<th scope=\"row\">").count(), 5, "{html}");
    }

    #[test]
    fn ones_own_results_are_told_from_published_ones_of_the_same_machine() {
        let mut library = fixture::on_two_machines();
        let entry = &mut library.entries[0];
        entry.others.insert(0, entry.measured.clone().unwrap());
        entry.measured.as_mut().unwrap().origin = Origin::Own;
        let html = render("echo cpu", &library, &fixture::english());
        assert_eq!(html.matches("<details class=\"machine\">").count(), 2, "{html}");
        assert!(
            html.contains("data-machine=\"own\" data-name=\"Example CPU &lt;2.4 GHz&gt;, 2\u{a0}cores, KVM · your own")
        );
        // Where the machine asked for has none, the others still show.
        library.entries[0].measured = None;
        library.entries[0].others.truncate(1);
        let html = render("echo cpu", &library, &fixture::english());
        assert!(
            html.contains("not measured yet on this machine") && html.contains("31 January 2026"),
            "{html}"
        );
        assert_eq!(html.matches("<svg").count(), 1, "{html}");
    }

    /// The library with latencies: of `asyncio` too few to draw, of `uvloop` enough for 10 %, of `tokio` enough for 0.1 %.
    fn waiting() -> Library {
        let mut library = fixture::library();
        let measured = library.entries[0].measured.as_mut().unwrap();
        for run in &mut measured.results.runs {
            // Six runs of each at the base.
            let waits = match (run.program.as_str(), run.point.is_base()) {
                ("asyncio", _) => vec![(70, 3)],
                ("uvloop", _) => vec![(100, 18), (1000, 2)],
                (_, true) => vec![(10, 1989), (2000, 9), (3000, 2)],
                (_, false) => vec![(9_000_000, 5000)],
            };
            run.phases.get_mut("messages").unwrap().latency = waits;
        }
        library
    }

    #[test]
    fn a_distribution_goes_as_far_as_its_waits_carry() {
        let library = waiting();
        let html = render("echo distribution messages", &library, &fixture::english());
        assert!(html.contains("id=\"fig-echo-distribution-messages\""), "{html}");
        assert_balanced(&html);
        assert_eq!(row(&html, "asyncio streams"), ["–", "–", "–", "–", "70 µs", "18"]);
        assert_eq!(
            row(&html, "asyncio Protocol on uvloop"),
            ["100 µs", "100 µs", "–", "–", "1.00 ms", "120"]
        );
        // 12,000 waits of the base alone; what was waited elsewhere in the sweep is not among them.
        assert_eq!(
            row(&html, "Tokio, one thread"),
            ["10 µs", "10 µs", "10 µs", "2.00 ms", "3.00 ms", "12,000"]
        );
        let svg = html.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
        assert_eq!(svg.matches("<polyline ").count(), 2, "{svg}");
        // In their usual colours, each with a mark at its name besides those on its line.
        assert!(!svg.contains("--series-1,") && svg.contains("--series-2,") && svg.contains("--series-3,"));
        for part in [
            "50\u{a0}%",
            "10\u{a0}%",
            "1\u{a0}%",
            "0.1\u{a0}%",
            "share of waits that took longer",
        ] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        assert!(!svg.contains("0.01\u{a0}%"), "{svg}");
        let description = svg.split("<desc").nth(1).unwrap().split("</desc>").next().unwrap();
        assert!(
            description.contains("Tokio, one thread: P50 10\u{a0}µs") && description.contains("P99.9 2.00\u{a0}ms"),
            "{description}"
        );
        assert!(html.contains("class=\"provenance\""), "{html}");
        let html = render("echo distribution messages", &library, &fixture::italian());
        for part in [
            "quota di attese più lunghe",
            "latenza",
            "P99,9",
            "La più lunga",
            "2,00\u{a0}ms",
            "0,1\u{a0}%",
            "12.000",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
    }

    #[test]
    fn a_distribution_that_nothing_is_known_of_is_not_drawn() {
        let html = render("echo distribution messages", &fixture::library(), &fixture::english());
        assert!(!html.contains("<svg"), "{html}");
        assert_eq!(row(&html, "Tokio, one thread"), ["–"; 6]);
    }

    /// The library with what `uvloop` and `tokio` looked at over time.
    fn watching() -> Library {
        let mut library = fixture::library();
        let measured = library.entries[0].measured.as_mut().unwrap();
        for run in &mut measured.results.runs {
            let points = match (run.program.as_str(), run.point.is_base()) {
                ("asyncio", _) => continue,
                ("uvloop", _) => vec![(0, 9_000_000), (600, 12_345_678), (1500, 10_000_000)],
                (_, true) => vec![(0, 2_000_000), (990, 2_500_000)],
                (_, false) => vec![(0, 700_000_000)],
            };
            let series = &mut run.phases.get_mut("messages").unwrap().series;
            series.insert("memory_bytes".to_owned(), points);
            series.insert("tasks".to_owned(), vec![(0, 1), (1000, 123_456)]);
        }
        library
    }

    #[test]
    fn a_series_has_a_line_per_program_and_a_table_of_a_few_times() {
        let mut library = watching();
        // A run far longer than the others is not the one that is shown.
        let runs = &mut library.entries[0].measured.as_mut().unwrap().results.runs;
        let long = runs.iter_mut().find(|run| run.program == "tokio").unwrap();
        let phase = long.phases.get_mut("messages").unwrap();
        phase.seconds = 90.0;
        phase.series.insert("memory_bytes".to_owned(), vec![(90_000, 1)]);
        let html = render("echo series messages memory_bytes", &library, &fixture::english());
        assert!(html.contains("id=\"fig-echo-series-messages-memory_bytes\""), "{html}");
        assert_balanced(&html);
        assert!(!html.lines().any(|line| line.trim().is_empty()), "{html}");
        let svg = html.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
        assert_eq!(svg.matches("<polyline ").count(), 2, "{svg}");
        // In their usual colours; what reports none has no line, and says so in the table.
        assert!(!svg.contains("--series-1,") && svg.contains("--series-2,") && svg.contains("--series-3,"));
        let headings: Vec<&str> = (html.split("<th scope=\"col\">").skip(1))
            .map(|heading| heading.split('<').next().unwrap())
            .collect();
        assert_eq!(
            headings,
            ["Program", "0\u{a0}s", "0.5\u{a0}s", "1\u{a0}s", "1.5\u{a0}s", "Highest"]
        );
        assert_eq!(row(&html, "asyncio streams"), ["–"; 5]);
        assert_eq!(
            row(&html, "asyncio Protocol on uvloop"),
            ["9.00 MB", "9.00 MB", "12.3 MB", "10.0 MB", "12.3 MB"]
        );
        assert_eq!(
            row(&html, "Tokio, one thread"),
            ["2.00 MB", "2.00 MB", "2.50 MB", "–", "2.50 MB"]
        );
        for part in [">memory</text>", ">MB</text>", "s, from the start of the phase"] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        let description = svg.split("<desc").nth(1).unwrap().split("</desc>").next().unwrap();
        assert!(
            description.contains("Tokio, one thread: 0\u{a0}s 2.00\u{a0}MB") && description.contains("Highest 2.50"),
            "{description}"
        );
        assert!(html.contains("class=\"provenance\""), "{html}");
        let html = render("echo series messages tasks", &library, &fixture::italian());
        assert_eq!(row(&html, "Tokio, un thread").last().unwrap(), "123.456", "{html}");
        assert!(
            html.contains("1.000\u{a0}ms") && html.contains("dall’inizio della fase"),
            "{html}"
        );
    }

    #[test]
    fn a_series_that_nobody_reports_is_an_error_once_there_are_some() {
        let library = watching();
        let problem = Figure::parse("echo series messages memory_byte", &library).unwrap_err();
        assert!(
            problem
                .message
                .contains("no series in phase `messages` of `echo` `memory_byte`"),
            "{problem:?}"
        );
        let html = render(
            "echo series messages memory_bytes",
            &fixture::library(),
            &fixture::english(),
        );
        assert!(!html.contains("<svg"), "{html}");
        assert!(row(&html, "Tokio, one thread").iter().all(|cell| cell == "–"), "{html}");
    }

    #[test]
    fn bounds_are_marked_wherever_the_value_stands() {
        let mut library = fixture::library();
        let sweep = "echo rate over clients";
        let strokes = |html: &str| html.matches("stroke-width=\"2\"").count();
        let before = ["echo rate", sweep].map(|figure| strokes(&render(figure, &library, &fixture::english())));
        fixture::saturate(&mut library, "tokio");
        let html = render("echo rate", &library, &fixture::english());
        let words = "the load generator was the limit, so it is at least this much";
        // Beside the name, in words for those who do not see the drawing, at its mark, and in the table.
        assert_eq!(html.matches("≥\u{a0}16").count(), 4, "{html}");
        assert!(html.contains(&format!("≥: {words}</text>")), "{html}");
        assert_eq!(html.matches(&format!("; {words}\">≥\u{a0}16")).count(), 1, "{html}");
        let cell = html.split("<th scope=\"row\">asyncio streams</th><td>").nth(1).unwrap();
        assert!(!cell.split("</td>").next().unwrap().contains('≥'), "{html}");
        // One arrowhead of two strokes, on a line that may have been hidden behind the mark.
        assert!((2..=3).contains(&(strokes(&html) - before[0])), "{html}");
        let html = render(sweep, &library, &fixture::italian());
        assert!((6..=9).contains(&(strokes(&html) - before[1])), "{html}");
        assert_eq!(
            html.matches("≥\u{a0}").count(),
            9,
            "three in the description, three at their marks, three cells: {html}"
        );
        // A rate that is no longer bounded, and what is never bounded, have none of this.
        let html = render("echo cpu", &library, &fixture::english());
        assert!(!html.contains('≥'), "{html}");
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
