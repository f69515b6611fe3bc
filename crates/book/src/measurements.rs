//! Puts values, claims, citations and figures in the place of their directives: the last step before HTML, so that numbers are in no
//! catalog and both editions show the same data.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::errors::Result;
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use measure::experiment::Quantity;
use measure::library::{Library, Origin};
use measure::moves::Moves;
use measure::results::Bound;

use crate::calculator;
use crate::checked::{self, Finding};
use crate::cited::Sources;
use crate::claim;
use crate::compile_fail;
use crate::diagnostic::{Diagnostic, Diagnostics, Lines};
use crate::directive::{self, Directive, Parsed};
use crate::figure::{Figure, self_check};
use crate::glossary::{self, Glossary};
use crate::html::escaped;
use crate::interface::Interface;
use crate::ledger::{self, Ledger};
use crate::moves;
use crate::number::{self, Kind, Shown};
use crate::reference::{self, Problem, Reference, Unmeasured};
use crate::site::Language;
use crate::stepper;
use crate::translations::{self, Translations};

/// The directives that are replaced here.
const OURS: &[&str] = &[
    "measured",
    "claim",
    "param",
    "cited",
    "number",
    "figure",
    translations::NAME,
    ledger::NAME,
    calculator::NAME,
    glossary::NAME,
    moves::NAME,
    stepper::NAME,
];
/// Those that others replace: [`crate::twin`] and [`compile_fail`] before this, and mdBook itself.
const OTHERS: &[&str] = &[
    "twin",
    "listing",
    compile_fail::NAME,
    "include",
    "rustdoc_include",
    "playground",
    "playpen",
    "title",
];

/// What directives are resolved against.
#[derive(Debug, Clone)]
pub struct Context {
    pub library: Library,
    pub interface: Interface,
    pub sources: Sources,
    /// What a draft is in where it is not translated.
    pub source_language: Language,
    pub translations: Arc<Translations>,
    pub ledger: Arc<Ledger>,
    pub glossary: Arc<Glossary>,
    pub moves: Arc<Moves>,
    /// Those with an edition.
    pub languages: Vec<Language>,
    /// The folder that holds `book.toml`.
    pub root: PathBuf,
}

/// The preprocessor.
#[derive(Debug, Clone)]
pub struct Measurements {
    context: Arc<Context>,
}

impl Measurements {
    pub fn new(context: Arc<Context>) -> Measurements {
        Measurements { context }
    }
}

impl Preprocessor for Measurements {
    fn name(&self) -> &str {
        "measurements"
    }

    fn run(&self, context: &PreprocessorContext, mut book: Book) -> Result<Book> {
        let mut diagnostics = Vec::new();
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(source) = &chapter.source_path
            {
                let path = context.config.book.src.join(source);
                let (text, found) = expand(&path, &chapter.content, &self.context);
                chapter.content = text;
                diagnostics.extend(found);
            }
        });
        Diagnostics(diagnostics).into_result()?;
        Ok(book)
    }

    /// The translators' catalog is made of what stands before the numbers.
    fn supports_renderer(&self, renderer: &str) -> Result<bool> {
        Ok(renderer != "xgettext")
    }
}

/// A chapter's text with its directives replaced, and what is wrong with them. A wrong one is left as it stands; so are those of others.
pub fn expand(path: &Path, text: &str, context: &Context) -> (String, Vec<Diagnostic>) {
    let Parsed { directives, errors } = directive::parse(text);
    let mut page = Page::new(text, context, &directives);
    for error in errors {
        page.report(error.offset, Problem::new(error.message, error.help));
    }
    let expanded = page.expand(0..text.len(), &directives);
    let mut problems = page.problems;
    problems.sort_by_key(|(offset, _)| *offset);
    let lines = LazyCell::new(|| Lines::of(text));
    let diagnostics = problems
        .into_iter()
        .map(|(offset, problem)| Diagnostic::new(path, lines.at(offset), problem.message, problem.help))
        .collect();
    (expanded, diagnostics)
}

/// The ids of the figures in a chapter's text.
pub fn figures(text: &str, context: &Context) -> Vec<String> {
    let directives = directive::parse(text).directives;
    let page = Page::new(text, context, &directives);
    page.figures.iter().map(Drawn::id).collect()
}

/// The figure in a chapter's text that shows what a claim of it is about; `arguments` are the claim's.
pub(crate) fn figure_of(text: &str, arguments: &str, context: &Context) -> Option<String> {
    let directives = directive::parse(text).directives;
    Page::new(text, context, &directives).figure_for(arguments)
}

/// A chapter at work.
struct Page<'a> {
    text: &'a str,
    context: &'a Context,
    /// The figures on it, so that claims can point at them.
    figures: Vec<Drawn<'a>>,
    problems: Vec<(usize, Problem)>,
}

impl<'a> Page<'a> {
    fn new(text: &'a str, context: &'a Context, directives: &'a [Directive]) -> Page<'a> {
        let mut page = Page {
            text,
            context,
            figures: Vec::new(),
            problems: Vec::new(),
        };
        let mut ids = HashSet::new();
        for directive in directives.iter().filter(|directive| directive.name == "figure") {
            // What cannot be read is reported in its turn.
            let Ok(figure) = Drawn::parse(&directive.arguments, &context.library) else {
                continue;
            };
            if !ids.insert(figure.id()) {
                page.report(
                    directive.range.start,
                    Problem::new(
                        format!("the figure `{}` is on this page already", directive.arguments),
                        "refer to the other one",
                    ),
                );
            }
            page.figures.push(figure);
        }
        page
    }

    fn report(&mut self, offset: usize, problem: Problem) {
        self.problems.push((offset, problem));
    }

    /// A stretch of the text with the directives in it replaced.
    fn expand(&mut self, range: Range<usize>, directives: &[Directive]) -> String {
        let mut expanded = String::with_capacity(range.len());
        let mut from = range.start;
        for directive in directives {
            expanded.push_str(&self.text[from..directive.range.start]);
            from = directive.range.end;
            match self.replacement(directive) {
                Ok(Some(replacement)) => expanded.push_str(&replacement),
                Ok(None) => expanded.push_str(&self.text[directive.range.clone()]),
                Err(problem) => {
                    self.report(directive.range.start, problem);
                    expanded.push_str(&self.text[directive.range.clone()]);
                }
            }
        }
        expanded.push_str(&self.text[from..range.end]);
        expanded
    }

    /// What stands for a directive; `None` if it is for others.
    fn replacement(&mut self, directive: &Directive) -> Result<Option<String>, Problem> {
        let name = directive.name.as_str();
        if OTHERS.contains(&name) {
            return Ok(None);
        }
        if !OURS.contains(&name) {
            return Err(Problem::unknown("directive", name, OURS.iter().chain(OTHERS).copied()));
        }
        if directive.place.heading {
            return Err(Problem::new(
                format!("`{name}` in a heading: its text would become part of the address"),
                "say it in the text below",
            ));
        }
        let context = self.context;
        let interface = &context.interface;
        let arguments = directive.arguments.as_str();
        let html = match name {
            "measured" => match Finding::parse(arguments) {
                Some(finding) => found(&finding?, &context.library, interface),
                None => measured(
                    &Reference::parse(arguments, &context.library)?,
                    &context.library,
                    interface,
                )?,
            },
            "param" => {
                let (value, unit) = reference::parameter(arguments, &context.library)?;
                number::exact(value, unit, interface)
            }
            "cited" => context.sources.render(arguments, !directive.place.link, interface)?,
            "number" => number::localised(literal(arguments)?, self.context.interface.language()),
            translations::NAME => {
                by_itself(directive, "the table of translations")?;
                format!("\n{}\n", translations::render(&context.translations, interface)?)
            }
            calculator::NAME => {
                by_itself(directive, "the calculator")?;
                format!("\n{}\n", calculator::render(&context.library, interface)?)
            }
            glossary::NAME => {
                by_itself(directive, "the glossary")?;
                format!("\n{}\n", context.glossary.render(&context.languages, interface))
            }
            moves::NAME => {
                if !directive.place.alone {
                    return Err(Problem::new(
                        "a table of moves shares its paragraph with other text, or stands in a list, quote or table",
                        "give it a paragraph of its own",
                    ));
                }
                format!(
                    "\n{}\n",
                    moves::render(arguments, &context.moves, &context.library, interface)?
                )
            }
            stepper::NAME => {
                if !directive.place.alone {
                    return Err(Problem::new(
                        "a recording shares its paragraph with other text, or stands in a list, quote or table",
                        "give it a paragraph of its own",
                    ));
                }
                format!("\n{}\n", stepper::render(arguments, &context.root, interface)?)
            }
            ledger::NAME => {
                if !directive.place.alone {
                    return Err(Problem::new(
                        "a table of the ledger shares its paragraph with other text, or stands in a list, quote or table",
                        "give it a paragraph of its own",
                    ));
                }
                format!("\n{}\n", ledger::render(arguments, context)?)
            }
            "claim" => {
                let words = self.body(directive);
                let figure = self.figure_for(arguments);
                claim::render(directive, self.text, &words, context, figure.as_deref())?
            }
            _ => {
                let shown = Drawn::parse(arguments, &context.library)?;
                if !directive.place.alone {
                    return Err(Problem::new(
                        "a figure shares its paragraph with other text, or stands in a list, quote or table",
                        "give it a paragraph of its own",
                    ));
                }
                let caption = self.body(directive);
                if caption.trim().is_empty() {
                    return Err(Problem::new(
                        "a figure without a caption",
                        "say before `{{/figure}}` what it shows",
                    ));
                }
                // Blank lines on both sides, so that the block of HTML takes in nothing else.
                let html = match shown {
                    Drawn::Harness(show) => show.render(&caption, &context.library, interface),
                    Drawn::Experiment(figure) => figure.render(&caption, interface),
                };
                format!("\n{html}\n")
            }
        };
        Ok(Some(html))
    }

    fn body(&mut self, directive: &Directive) -> String {
        match &directive.body {
            Some(body) => self.expand(body.clone(), &directive.inner),
            None => String::new(),
        }
    }

    /// The figure on this page that shows what a claim is about, or else another of the same experiment.
    fn figure_for(&self, arguments: &str) -> Option<String> {
        let name = arguments.split(' ').next()?;
        if let Some(finding) = Finding::parse(name) {
            let id = finding.ok()?.figure()?.id();
            return self.figures.iter().map(Drawn::id).find(|drawn| *drawn == id);
        }
        let reference = Reference::parse(name, &self.context.library).ok()?;
        let of_experiment = || {
            self.figures
                .iter()
                .filter_map(Drawn::experiment)
                .filter(|figure| figure.entry.experiment.id == reference.entry.experiment.id)
        };
        let shows = |figure: &&Figure<'_>| figure.shows(&reference.metric.id);
        let fits = |figure: &&Figure<'_>| match figure.over() {
            Some(parameter) => reference.point.get(parameter).is_some(),
            None => reference.point.is_base(),
        };
        of_experiment()
            .find(|figure| shows(figure) && fits(figure))
            .or_else(|| of_experiment().find(shows))
            .or_else(|| of_experiment().next())
            .map(Figure::id)
    }
}

/// On which machine a value was measured, where the book has results of several.
fn whose(reference: &Reference<'_>, library: &Library, interface: &Interface) -> Option<String> {
    let measured = reference.entry.measured.as_ref()?;
    let several = measured.origin == Origin::Published && library.machines().len() > 1;
    several.then(|| interface.fill("on {machine}", &[("machine", &measured.results.machine.id)]))
}

/// How a ratio comes out on all machines, if there are several.
fn elsewhere(reference: &Reference<'_>, interface: &Interface) -> Option<String> {
    let (machines, low, high) = reference.range()?;
    let values = [
        ("count", machines.to_string()),
        ("range", number::range(low, high, Kind::Ratio, interface)),
    ];
    let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Some(interface.fill("on {count} machines: {range}", &values))
}

/// What a figure is of.
enum Drawn<'a> {
    /// The check of itself is no experiment, but a figure like the others.
    Harness(self_check::Show),
    Experiment(Box<Figure<'a>>),
}

impl<'a> Drawn<'a> {
    fn parse(arguments: &'a str, library: &'a Library) -> Result<Drawn<'a>, Problem> {
        let of_harness = arguments.split_once(' ').filter(|(name, _)| *name == checked::NAME);
        Ok(match of_harness {
            Some((_, show)) => Drawn::Harness(self_check::Show::parse(show)?),
            None => Drawn::Experiment(Box::new(Figure::parse(arguments, library)?)),
        })
    }

    fn id(&self) -> String {
        match self {
            Drawn::Harness(show) => show.id(),
            Drawn::Experiment(figure) => figure.id(),
        }
    }

    fn experiment(&self) -> Option<&Figure<'a>> {
        match self {
            Drawn::Harness(_) => None,
            Drawn::Experiment(figure) => Some(figure),
        }
    }
}

/// What stands for `{{#measured self-check.NAME}}`.
fn found(finding: &Finding, library: &Library, interface: &Interface) -> String {
    match finding.estimate(library) {
        Ok(estimate) => finding.shown(&estimate, interface).html("measured"),
        Err(why) => format!(
            "<span class=\"measured unmeasured\" title=\"{}\">[{}]</span>",
            escaped(&claim::unmeasured(&why, checked::TO_MEASURE, interface)),
            escaped(&interface.text("not measured yet"))
        ),
    }
}

/// What stands for `{{#measured REFERENCE}}`.
fn measured(reference: &Reference<'_>, library: &Library, interface: &Interface) -> Result<String, Problem> {
    let absent = |title: &str, shown: &'static str| {
        format!(
            "<span class=\"measured unmeasured\" title=\"{}\">[{}]</span>",
            escaped(title),
            escaped(&interface.text(shown))
        )
    };
    let experiment = &reference.entry.experiment;
    let estimate = match reference.estimate() {
        Ok(estimate) => estimate,
        Err(why) => {
            if let (Unmeasured::Zero(zero), Some(_), false) = (&why, reference.over, is_own(reference)) {
                return Err(Problem::new(
                    zero.clone(),
                    "state the two values instead, each by a directive of its own",
                ));
            }
            let shown = match why.unknowable() {
                Some(_) => "not known",
                None => "not measured yet",
            };
            return Ok(absent(&claim::unmeasured(&why, &experiment.id, interface), shown));
        }
    };
    let bound = reference.bound();
    let shown = Shown::new(&estimate, reference.kind(), interface).bounded(bound, interface);
    if bound != Some(Bound::Unknown) {
        let remark = match reference.kind() {
            Kind::Ratio => elsewhere(reference, interface),
            _ => whose(reference, library, interface),
        };
        return Ok(shown.noted(remark).html("measured"));
    }
    if is_own(reference) {
        let why = interface.text("the load generator was the limit for both, so their ratio is not known");
        return Ok(absent(&why, "not known"));
    }
    let cpu: Vec<String> = experiment
        .metrics
        .iter()
        .filter(|metric| metric.quantity == Quantity::CpuPerWork)
        .map(|metric| format!("`{}`", metric.id))
        .collect();
    Err(Problem::new(
        format!(
            "the load generator was the limit for both programs, so the ratio of their `{}` is not known",
            reference.metric.id
        ),
        format!(
            "state the CPU that each request costs instead, which that does not touch{}",
            if cpu.is_empty() {
                ": add a metric with `quantity = \"cpu_per_work\"`".to_owned()
            } else {
                format!(": {}", cpu.join(", "))
            }
        ),
    ))
}

/// Whether the results are a reader's own: on their machine the generator may be the limit, or a count zero, where it was not on ours,
/// which is no mistake of the text.
fn is_own(reference: &Reference<'_>) -> bool {
    let measured = reference.entry.measured.as_ref();
    measured.is_some_and(|measured| measured.origin == Origin::Own)
}

/// Of a directive that takes no arguments and a paragraph of its own; `what` it stands for.
fn by_itself(directive: &Directive, what: &str) -> Result<(), Problem> {
    if directive.arguments.is_empty() && directive.place.alone {
        return Ok(());
    }
    Err(Problem::new(
        format!("{what} takes no arguments and a paragraph of its own"),
        format!("write `{{{{#{}}}}}` between blank lines", directive.name),
    ))
}

/// The text of `{{#number TEXT | reason}}`.
fn literal(arguments: &str) -> Result<&str, Problem> {
    let Some((text, reason)) = arguments.rsplit_once('|') else {
        return Err(Problem::new(
            "a number that is neither measured, chosen nor cited needs a reason",
            "write `{{#number TEXT | why it may stand here}}`",
        ));
    };
    let (text, reason) = (text.trim(), reason.trim());
    if text.is_empty() || reason.is_empty() {
        return Err(Problem::new(
            format!("`{arguments}` lacks the number or the reason"),
            "write `{{#number TEXT | why it may stand here}}`",
        ));
    }
    // Units are shorter, and the same in all languages.
    if let Some(word) = text
        .split(|c: char| !c.is_alphabetic())
        .find(|word| word.chars().count() >= 4)
    {
        return Err(Problem::new(
            format!("`{word}` would stand in English in every edition"),
            "write words outside: `{{#number 10 | why}} times`",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use mdbook_markdown::pulldown_cmark::html::push_html;
    use mdbook_markdown::{MarkdownOptions, new_cmark_parser};

    use super::*;
    use crate::fixture;

    fn expand_in(text: &str, interface: Interface) -> String {
        let (expanded, diagnostics) = expand(Path::new("src/a.md"), text, &fixture::context(interface));
        assert_eq!(diagnostics, [], "{text}");
        expanded
    }

    fn problem(text: &str) -> Diagnostic {
        let (expanded, mut diagnostics) = expand(Path::new("src/a.md"), text, &fixture::context(fixture::english()));
        assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
        assert_eq!(expanded, text, "a wrong directive is left as it stands");
        diagnostics.remove(0)
    }

    fn html(markdown: &str) -> String {
        let mut html = String::new();
        push_html(&mut html, new_cmark_parser(markdown, &MarkdownOptions::default()));
        html
    }

    #[test]
    fn a_chapter_full_of_mistakes_and_figures_takes_linear_time() {
        let context = fixture::context(fixture::english());
        // Quadratic time would take a minute here.
        let started = std::time::Instant::now();
        let mistakes = |text: &str| expand(Path::new("src/a.md"), text, &context).1;
        let unknown = mistakes(&"{{#nothing}}\n".repeat(20_000));
        assert_eq!((unknown.len(), unknown[19_999].line), (20_000, 20_000));
        // Each shares its paragraph, and all but the first were there before.
        let figures = mistakes(&"{{#figure echo cpu}}A.{{/figure}} \n".repeat(5_000));
        assert_eq!(figures.len(), 9_999);
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }

    #[test]
    fn values_stand_in_the_place_of_directives() {
        let text = "# A *title* {#a}\n\nIt takes {{#measured echo.tokio.cpu}},  {{#measured echo.asyncio/tokio.cpu}} less;\n\
                    {{#param echo.connections}} connections, {{#param echo.nap}}, {{#param echo.message}}.\n\n```text\n{{#x}}\n```\n";
        let english = expand_in(text, fixture::english()).replace('\u{a0}', "~");
        assert_eq!(
            english,
            "# A *title* {#a}\n\nIt takes <span class=\"measured\" title=\"95 % interval 11.97 to 12.31~µs, 3 sessions\">12.14~µs</span>,  \
             <span class=\"measured\" title=\"95 % interval 3.91 to 4.14×, 3 sessions\">4.03×</span> less;\n\
             200 connections, 10~ms, 1~KiB.\n\n```text\n{{#x}}\n```\n"
        );
        let italian = expand_in(text, fixture::italian());
        assert!(
            italian.contains(">12,14\u{a0}µs</span>") && italian.contains("3 sessioni"),
            "{italian}"
        );
    }

    #[test]
    fn they_survive_emphasis_links_and_tables() {
        let text = "**{{#measured echo.tokio.cpu}}** [{{#measured echo.tokio.cpu}}](x.md)\n\n| a | b |\n|---|---|\n| {{#measured echo.tokio.cpu}} | {{#number 3 \\| why}} |\n";
        let html = html(&expand_in(text, fixture::english()));
        assert!(html.contains("<strong><span class=\"measured\""), "{html}");
        assert!(html.contains("<a href=\"x.md\"><span class=\"measured\""), "{html}");
        assert!(html.contains("µs</span></td><td>3</td>"), "{html}");
    }

    #[test]
    fn a_paragraph_that_begins_with_one_stays_a_paragraph() {
        for text in [
            "{{#measured echo.tokio.cpu}}\n*is* little",
            "{{#claim echo.asyncio/tokio.cpu >=3}}\nthree times\n{{/claim}}\n*more*",
            "{{#cited C8.uvloop}}\n*then*",
        ] {
            let html = html(&expand_in(text, fixture::english()));
            assert!(html.starts_with("<p><") && html.contains("<em>"), "{html}");
        }
    }

    #[test]
    fn a_claim_points_at_the_figure_that_shows_it() {
        let claim = "{{#claim echo.asyncio/tokio.cpu >=3}}three times{{/claim}}";
        let with = |figures: &str| expand_in(&format!("{claim}\n\n{figures}"), fixture::english());
        assert!(with("").starts_with("<span class=\"claim\""));
        assert!(with("{{#figure echo rate}}c{{/figure}}").starts_with("<a class=\"claim\" href=\"#fig-echo-rate\""));
        let both = with("{{#figure echo rate}}c{{/figure}}\n\n{{#figure echo rate cpu}}c{{/figure}}");
        assert!(
            both.starts_with("<a class=\"claim\" href=\"#fig-echo-rate-cpu\""),
            "{both}"
        );
        assert!(
            both.contains("<figure class=\"measured\" id=\"fig-echo-rate-cpu\""),
            "{both}"
        );
    }

    #[test]
    fn a_claim_on_the_self_check_points_at_its_figure_and_is_no_bare_number() {
        let text = "{{#claim self-check.coverage-slower >=10%}}At least 10 %{{/claim}} and \
                    {{#claim self-check.gate-noticed >=30%}}30 %{{/claim}}.\n\n\
                    {{#figure self-check found}}c{{/figure}}\n\n{{#figure self-check coverage slower}}c{{/figure}}";
        let html = expand_in(text, fixture::english());
        assert!(
            html.starts_with("<a class=\"claim\" href=\"#fig-self-check-coverage-slower\""),
            "{html}"
        );
        assert!(
            html.contains(" and <span class=\"claim\""),
            "no figure shows the gate: {html}"
        );
        let context = fixture::context(fixture::english());
        assert_eq!(crate::lint::check_source(Path::new("a.md"), text, &context), []);
        let twice = "{{#figure self-check found}}c{{/figure}}\n\n{{#figure self-check found}}d{{/figure}}";
        let (_, diagnostics) = expand(Path::new("src/a.md"), twice, &context);
        assert!(diagnostics[0].message.contains("on this page already") && diagnostics[0].line == 3);
    }

    #[test]
    fn a_point_of_a_sweep_is_read_in_text_claims_and_figures() {
        let text = "It takes {{#measured echo@clients=1000.tokio.cpu}}, \
                    {{#claim echo@clients=1000.asyncio/tokio.cpu >=3}}at least three times{{/claim}}, \
                    {{#claim echo.asyncio/tokio.cpu >=3}}three times{{/claim}}.\n\n\
                    {{#figure echo cpu over clients}}c{{/figure}}\n\n{{#figure echo cpu}}c{{/figure}}";
        let html = expand_in(text, fixture::english());
        assert!(html.contains(">24.28\u{a0}µs</span>"), "{html}");
        assert!(
            html.contains("href=\"#fig-echo-cpu-over-clients\"") && html.contains("href=\"#fig-echo-cpu\""),
            "{html}"
        );
        // Neither is a number that nobody measured.
        let diagnostics = crate::lint::check_source(Path::new("a.md"), text, &fixture::context(fixture::english()));
        assert_eq!(diagnostics, []);
    }

    #[test]
    fn a_ratio_says_how_it_comes_out_elsewhere() {
        let mut context = fixture::context(fixture::italian());
        context.library = fixture::on_two_machines();
        let show = |text: &str| expand(Path::new("a.md"), text, &context).0;
        let ratio = show("{{#measured echo.asyncio/tokio.cpu}}");
        assert!(
            ratio.contains("3 sessioni; su 2 macchine: da 4,0 a 6,0×\">4,03×</span>"),
            "{ratio}"
        );
        let time = show("{{#measured echo.asyncio.cpu}}");
        assert!(time.contains("3 sessioni; su test\">"), "{time}");
    }

    #[test]
    fn a_figure_leaves_what_stands_beside_it_alone() {
        let text = "before\n\n{{#figure echo cpu}}With {{#param echo.nap}} and *care*.{{/figure}}\n# After";
        let html = html(&expand_in(text, fixture::english()));
        assert!(html.starts_with("<p>before</p>\n<figure"), "{html}");
        assert!(html.contains("With 10\u{a0}ms and <em>care</em>.</div>"), "{html}");
        assert!(html.ends_with("</figure>\n<h1>After</h1>\n"), "{html}");
    }

    #[test]
    fn what_is_not_measured_says_so() {
        let mut context = fixture::context(fixture::italian());
        context.library.entries[0].measured = None;
        let (text, diagnostics) = expand(Path::new("a"), "{{#measured echo.tokio.cpu}}", &context);
        assert_eq!(diagnostics, []);
        assert_eq!(
            text,
            "<span class=\"measured unmeasured\" title=\"non ancora misurato; per misurarlo: cargo xtask measure echo\">\
             [non ancora misurato]</span>"
        );
    }

    #[test]
    fn a_slope_that_does_not_exist_is_not_known() {
        let mut context = fixture::context(fixture::english());
        fixture::shrink(&mut context.library, "tokio");
        let text = "{{#measured echo.tokio.per_client}} {{#claim echo.tokio.per_client <=9kB}}little{{/claim}} \
                    {{#measured echo.asyncio/tokio.per_client}} {{#measured echo.asyncio.per_client}}\n\n\
                    {{#figure echo per_client}}c{{/figure}}";
        let (html, diagnostics) = expand(Path::new("a.md"), text, &context);
        assert_eq!(diagnostics, []);
        let why = "not known: the values do not lie on a rising line";
        assert_eq!(
            html.matches(&format!("title=\"{why}\">[not known]<")).count(),
            2,
            "{html}"
        );
        assert!(
            html.contains(&format!(
                "claim-inconclusive\" href=\"#fig-echo-per_client\" title=\"these results cannot decide it: {why}\""
            )),
            "{html}"
        );
        // In the drawing, in words for those who do not see it, and in the table.
        assert!(
            html.contains(">not known</text>") && html.contains(&format!("Tokio, one thread: {why}")),
            "{html}"
        );
        assert!(html.contains(&format!("<small>{why}</small>")), "{html}");
        assert!(!html.contains("not measured yet"), "{html}");
    }

    #[test]
    fn counts_are_read_in_text_claims_and_figures_of_both_languages() {
        let text = "{{#measured echo.tokio.polls}}, {{#measured echo.asyncio/tokio.polls}}, \
                    {{#claim echo.tokio.polls 1003..1003}}WORDS{{/claim}}, \
                    {{#claim echo.asyncio/tokio.polls >=3}}most{{/claim}}\n\n{{#figure echo polls}}Polls.{{/figure}}\n";
        for (interface, words, number, same) in [
            (
                fixture::english(),
                "exactly 1,003",
                "1,003",
                "the same in all 3 sessions",
            ),
            (
                fixture::italian(),
                "esattamente 1.003",
                "1.003",
                "uguale in tutte le 3 sessioni",
            ),
        ] {
            let mut context = fixture::context(interface);
            fixture::count(&mut context.library, "tokio", Some(1003));
            fixture::count(&mut context.library, "asyncio", Some(3009));
            let (html, diagnostics) = expand(Path::new("a.md"), &text.replace("WORDS", words), &context);
            assert_eq!(diagnostics, []);
            assert!(
                html.contains(&format!("<span class=\"measured\" title=\"{same}\">{number}</span>")),
                "{html}"
            );
            assert_eq!(
                html.matches("class=\"claim\" href=\"#fig-echo-polls\"").count(),
                2,
                "{html}"
            );
            assert!(
                html.contains(&format!("title=\"{number} ({same})\">{words}</a>")),
                "{html}"
            );
            assert!(html.contains(&format!("{number}<br><small>{same}</small>")), "{html}");
            // Nothing was counted of the third program.
            assert!(html.contains("asyncio Protocol on uvloop</th><td><small>no"), "{html}");
            assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
            let (html, _) = expand(
                Path::new("a.md"),
                "{{#claim echo.tokio.polls 1004..1005}}as many{{/claim}}",
                &context,
            );
            assert!(html.contains("claim-contradicted"), "{html}");
        }
    }

    #[test]
    fn a_count_of_zero_is_a_value_but_has_no_ratio() {
        let mut context = fixture::context(fixture::english());
        fixture::count(&mut context.library, "tokio", Some(0));
        fixture::count(&mut context.library, "asyncio", Some(3));
        let show = |text: &str, context: &Context| expand(Path::new("src/a.md"), text, context);
        let text = "{{#measured echo.tokio.polls}} {{#claim echo.tokio.polls 0..0}}none{{/claim}}\n\n{{#figure echo polls}}Polls.{{/figure}}\n";
        let (html, diagnostics) = show(text, &context);
        assert_eq!(diagnostics, []);
        assert!(html.contains(">0</span>") && html.contains("class=\"claim\""), "{html}");
        // On an axis that shows zero.
        assert!(!html.contains("logarithmic axis") && !html.contains("NaN"), "{html}");
        let ratio = "a\n\n{{#measured echo.asyncio/tokio.polls}}";
        let (_, diagnostics) = show(ratio, &context);
        let shown = diagnostics[0].to_string();
        assert!(
            shown.contains("src/a.md:3")
                && shown.contains("`polls` of `tokio` came out as zero, of which there is no ratio"),
            "{shown}"
        );
        assert!(shown.contains("state the two values instead"), "{shown}");
        let (html, diagnostics) = show("{{#claim echo.asyncio/tokio.polls >=3}}more{{/claim}}", &context);
        assert_eq!(diagnostics, []);
        assert!(
            html.contains("claim-inconclusive") && html.contains("a value came out as zero"),
            "{html}"
        );
        // On a reader's own machine it is no mistake of the text.
        context.library.entries[0].measured.as_mut().unwrap().origin = Origin::Own;
        let (html, diagnostics) = show(ratio, &context);
        assert_eq!(diagnostics, []);
        assert!(html.contains(">[not known]</span>"), "{html}");
    }

    #[test]
    fn what_the_load_generator_limited_is_shown_as_a_bound() {
        let mut context = fixture::context(fixture::english());
        let show = |text: &str, context: &Context| {
            let (html, diagnostics) = expand(Path::new("src/a.md"), text, context);
            (html.replace('\u{a0}', "~"), diagnostics)
        };
        fixture::saturate(&mut context.library, "tokio");
        let (rate, _) = show("{{#measured echo.tokio.rate}}", &context);
        assert!(rate.contains("so it is at least this much\">≥~16"), "{rate}");
        let (ratio, _) = show("{{#measured echo.asyncio/tokio.rate}}", &context);
        assert!(ratio.contains(">≤~0.6"), "{ratio}");
        let (cpu, _) = show("{{#measured echo.tokio.cpu}}", &context);
        assert!(cpu.contains(">12.14~µs<"), "{cpu}");
        fixture::saturate(&mut context.library, "asyncio");
        let (_, diagnostics) = show("a\n\n{{#measured echo.asyncio/tokio.rate}}", &context);
        assert_eq!(diagnostics.len(), 1);
        assert!(
            diagnostics[0].line == 3
                && diagnostics[0].message.contains("not known")
                && diagnostics[0].help.contains("`cpu`"),
            "{diagnostics:?}"
        );
        // A reader whose machine is so is not to blame.
        context.library.entries[0].measured.as_mut().unwrap().origin = Origin::Own;
        let (html, diagnostics) = show("{{#measured echo.asyncio/tokio.rate}}", &context);
        assert!(diagnostics.is_empty() && html.contains(">[not known]<"), "{html}");
    }

    #[test]
    fn every_wrong_directive_is_reported_with_its_line() {
        let cases = [
            (
                "a\n\n{{#mesured echo.tokio.cpu}}",
                3,
                "no directive `mesured`",
                "did you mean `measured`?",
            ),
            ("# {{#param echo.nap}}", 1, "in a heading", "below"),
            (
                "{{#param echo.napp}}",
                1,
                "no parameter in `echo` `napp`",
                "did you mean `nap`?",
            ),
            ("{{#cited C8.go}}", 1, "no figure in sources.toml `C8.go`", "C8.uvloop"),
            ("{{#number 3 ms}}", 1, "needs a reason", "why"),
            ("{{#number 3 ms |}}", 1, "lacks the number or the reason", "why"),
            (
                "{{#number ten times | why}}",
                1,
                "`times` would stand in English",
                "outside",
            ),
            (
                "{{#claim echo.tokio.cpu}}x{{/claim}}",
                1,
                "a value and a condition",
                ">=3",
            ),
            (
                "{{#claim echo.asyncio/tokio.cpu >=3}} {{/claim}}",
                1,
                "without words",
                "write them",
            ),
            ("{{#figure echo cpu}} {{/figure}}", 1, "without a caption", "shows"),
            (
                "- {{#figure echo cpu}}x{{/figure}}",
                1,
                "shares its paragraph",
                "of its own",
            ),
            ("x {{#figure echo cpu}}", 1, "has no end", "{{/figure}}"),
            (
                "{{#figure echo cpu}}x {{#param echo.napp}}{{/figure}}",
                1,
                "no parameter",
                "nap",
            ),
        ];
        for (text, line, message, help) in cases {
            let (_, diagnostics) = expand(Path::new("src/a.md"), text, &fixture::context(fixture::english()));
            assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
            let found = &diagnostics[0];
            assert_eq!(found.line, line, "{found}");
            assert!(found.message.contains(message) && found.help.contains(help), "{found}");
        }
        assert!(problem("{{#measured a.b.c}}").message.contains("no experiment `a`"));
        let twice = "{{#figure echo cpu}}x{{/figure}}\n\n{{#figure echo cpu}}y{{/figure}}";
        let (_, diagnostics) = expand(Path::new("src/a.md"), twice, &fixture::context(fixture::english()));
        assert!(diagnostics[0].message.contains("on this page already") && diagnostics[0].line == 3);
    }

    #[test]
    fn directives_of_others_are_left_to_them() {
        let text = "{{#include x.md}} {{#twin echo serve}} {{#listing echo/main.rs serve}} {{#title T}}";
        assert_eq!(expand_in(text, fixture::english()), text);
    }
}
