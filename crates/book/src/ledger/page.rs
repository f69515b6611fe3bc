//! The ledger as readers see it.

use std::fmt::Write;

use mdbook_markdown::pulldown_cmark::{Event, Tag, TagEnd};
use mdbook_markdown::{MarkdownOptions, new_cmark_parser};
use toml::Spanned;

use super::{Ledger, Row, System, Verdict, normal, split, split_link};
use crate::claim;
use crate::figure::inline;
use crate::html::escaped;
use crate::measurements::{self, Context};
use crate::number::whole;
use crate::reference::Problem;

/// What stands for `{{#ledger}}`: all claims; those of a series (`A`); how many have which verdict (`summary`); the `systems`.
pub fn render(arguments: &str, context: &Context) -> Result<String, Problem> {
    let ledger = &*context.ledger;
    let page = Page { ledger, context };
    match arguments {
        "summary" => Ok(page.summary()),
        "systems" => Ok(page.systems()),
        series if series.is_empty() || ledger.series.contains_key(series) => Ok(page.claims(series)),
        unknown => {
            let series = ledger.series.keys().map(String::as_str);
            let known = series.chain(["summary", "systems"]);
            Err(Problem::unknown("series or table of the ledger", unknown, known))
        }
    }
}

struct Page<'a> {
    ledger: &'a Ledger,
    context: &'a Context,
}

impl Page<'_> {
    /// A string of the interface.
    fn text(&self, english: &'static str) -> String {
        escaped(&self.context.interface.text(english))
    }

    /// A text of the ledger, which is Markdown.
    fn label(&self, english: &str) -> String {
        inline(&self.context.interface.label(english))
    }

    /// The claims of a series, or of all.
    fn claims(&self, series: &str) -> String {
        let mut html = String::from("<div class=\"ledger\">\n");
        let rows = self.ledger.rows.iter();
        for row in rows.filter(|row| series.is_empty() || series_of(row) == series) {
            self.claim(&mut html, row);
        }
        html.push_str("</div>");
        html
    }

    fn claim(&self, html: &mut String, row: &Row) {
        let Row { id, claim, .. } = row;
        let anchor = format!("ledger-{}", escaped(&id.to_lowercase()));
        let (class, words) = tag(claim.verdict);
        let _ = writeln!(
            html,
            "<article class=\"ledger-claim\" id=\"{anchor}\" aria-label=\"{id}\">\n\
             <p class=\"ledger-head\"><a class=\"ledger-id\" href=\"#{anchor}\">{id}</a> \
             <span class=\"ledger-verdict ledger-{class}\">{}</span></p>\n<p>{}</p>\n<dl>",
            self.text(words),
            self.label(&claim.claim),
        );
        let mut line = |name: &'static str, items: Vec<String>| {
            if !items.is_empty() {
                let items: Vec<String> = items.iter().map(|item| format!("<dd>{item}</dd>")).collect();
                let _ = writeln!(html, "<div><dt>{}</dt>{}</div>", self.text(name), items.concat());
            }
        };
        line("Condition", self.labels(&claim.condition));
        line("Why", self.labels(&claim.why));
        line("Claimed by", self.source(row).into_iter().collect());
        let chapters = claim.chapters.iter().map(|link| self.chapter(link.get_ref()));
        line("Examined in", chapters.collect());
        let checks = claim.checks.iter().map(|check| self.check(row, check.get_ref()));
        line("Measured", checks.collect());
        line("Program", programs(&claim.programs));
        let snippets = claim
            .snippets
            .iter()
            .filter_map(|anchor| self.snippet(row, anchor.get_ref()));
        line("Run by the tests", snippets.collect());
        let citations = claim.citations.iter().map(|citation| {
            let states = self.label(&citation.states);
            format!("{states} ({})", link(citation.address.get_ref()))
        });
        line("Stated by a source", citations.collect());
        let planned = match claim.verdict {
            None => "To be examined in",
            Some(_) => "To be taken up again in",
        };
        line(planned, self.titles(&claim.planned));
        html.push_str("</dl>\n</article>\n");
    }

    fn labels(&self, text: &Option<String>) -> Vec<String> {
        text.iter().map(|text| self.label(text)).collect()
    }

    fn titles(&self, titles: &[String]) -> Vec<String> {
        let shown = |title: &String| format!("<cite>{}</cite>", escaped(&self.context.interface.title(title)));
        titles.iter().map(shown).collect()
    }

    fn source(&self, row: &Row) -> Option<String> {
        let source = self.ledger.source(row, &self.context.sources)?;
        let mut words = vec![self.label(source.source)];
        words.extend(source.address.map(link));
        words.extend(source.year.map(|year| year.to_string()));
        Some(words.join(", "))
    }

    /// A chapter, or a part of it, by its title.
    fn chapter(&self, place: &str) -> String {
        let (file, anchor) = split_link(place);
        let text = self.ledger.chapters.get(file).map(String::as_str).unwrap_or_default();
        let title = |heading: String| escaped(&self.context.interface.title(&heading));
        let mut shown = heading(text, None).map(title).unwrap_or_else(|| escaped(file));
        if let Some(section) = heading(text, Some(anchor))
            .map(title)
            .filter(|section| *section != shown)
        {
            let _ = write!(shown, ": {section}");
        } else if !anchor.is_empty() && measurements::figures(text, self.context).iter().any(|id| id == anchor) {
            let _ = write!(shown, ": {}", self.text("figure"));
        }
        format!("<a href=\"{}\">{shown}</a>", escaped(&address(file, anchor)))
    }

    /// A claim of a chapter that bears the verdict out, with the value that bears out the claim.
    fn check(&self, row: &Row, check: &str) -> String {
        let head = normal(check);
        let code = format!("<code>{}</code>", escaped(&head));
        // What the chapter shows of it.
        let figure = row.claim.chapters.iter().find_map(|place| {
            let (file, _) = split_link(place.get_ref());
            let id = measurements::figure_of(self.ledger.chapters.get(file)?, &head, self.context)?;
            Some(address(file, &id))
        });
        let code = match figure {
            Some(figure) => format!("<a href=\"{}\">{code}</a>", escaped(&figure)),
            None => code,
        };
        match claim::judged(&head, self.context) {
            Ok(shown) => format!("{code}: {}", escaped(&shown)),
            // Said with its line by the check.
            Err(_) => code,
        }
    }

    /// The section whose snippet asserts a claim.
    fn snippet(&self, row: &Row, anchor: &str) -> Option<String> {
        row.claim.chapters.iter().find_map(|place| {
            let (file, _) = split_link(place.get_ref());
            heading(self.ledger.chapters.get(file)?, Some(anchor))?;
            Some(self.chapter(&format!("{file}#{anchor}")))
        })
    }

    /// How many claims of each series have which verdict.
    fn summary(&self) -> String {
        let interface = &self.context.interface;
        let series: Vec<&str> = self.ledger.series.keys().map(String::as_str).collect();
        let cells = |which: &dyn Fn(&Row) -> bool| -> String {
            let count = |series: Option<&str>| {
                let rows = self.ledger.rows.iter();
                let of_series = rows.filter(|row| series.is_none_or(|series| series_of(row) == series));
                let count = of_series.filter(|row| which(row)).count();
                format!("<td>{}</td>", whole(count as f64, interface.language()))
            };
            let each: Vec<String> = series
                .iter()
                .map(|series| count(Some(series)))
                .chain([count(None)])
                .collect();
            each.concat()
        };
        let heads: Vec<String> = series
            .iter()
            .map(|series| format!("<th scope=\"col\">{}</th>", escaped(series)))
            .collect();
        let mut html = format!(
            "<div class=\"table-wrapper ledger-summary\"><table><thead><tr><th scope=\"col\">{}</th>{}\
             <th scope=\"col\">{}</th></tr></thead><tbody>\n",
            self.text("Verdict"),
            heads.concat(),
            self.text("in all")
        );
        for verdict in Verdict::ALL.map(Some).into_iter().chain([None]) {
            let (class, words) = tag(verdict);
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\"><span class=\"ledger-verdict ledger-{class}\">{}</span></th>{}</tr>",
                self.text(words),
                cells(&|row| row.claim.verdict == verdict)
            );
        }
        let _ = write!(
            html,
            "</tbody><tfoot><tr><th scope=\"row\">{}</th>{}</tr></tfoot></table></div>",
            self.text("Claims"),
            cells(&|_| true)
        );
        html
    }

    fn systems(&self) -> String {
        let mut html = format!(
            "<div class=\"table-wrapper ledger-systems\"><table><thead><tr><th scope=\"col\">{}</th>\
             <th scope=\"col\">{}</th></tr></thead><tbody>\n",
            self.text("System"),
            self.text("Where it runs here")
        );
        for System {
            name,
            programs: files,
            planned,
            why,
        } in self.ledger.systems.iter().map(Spanned::get_ref)
        {
            let mut parts = programs(files);
            parts.extend(self.labels(why));
            let planned = self.titles(planned);
            if !planned.is_empty() {
                let begun = match files.is_empty() {
                    true => "not yet; planned for",
                    false => "to come back in",
                };
                parts.push(format!("{} {}", self.text(begun), planned.join(", ")));
            }
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
                self.label(name),
                parts.join("<br>")
            );
        }
        html.push_str("</tbody></table></div>");
        html
    }
}

fn series_of(row: &Row) -> &str {
    split(&row.id).map_or("", |(series, _)| series)
}

/// Class and words of a verdict, or of none.
fn tag(verdict: Option<Verdict>) -> (&'static str, &'static str) {
    verdict.map_or(("open", "not examined yet"), |verdict| {
        (verdict.name(), verdict.words())
    })
}

fn programs(files: &[Spanned<String>]) -> Vec<String> {
    let shown = |file: &Spanned<String>| format!("<code>{}</code>", escaped(file.get_ref()));
    files.iter().map(shown).collect()
}

/// An address without its scheme, as a link that shows its host.
fn link(address: &str) -> String {
    let host = address.split('/').next().unwrap_or(address);
    format!("<a href=\"https://{}\">{}</a>", escaped(address), escaped(host))
}

/// Of a place in a chapter, from a page beside it.
fn address(file: &str, anchor: &str) -> String {
    let page = file.strip_suffix(".md").unwrap_or(file);
    match anchor {
        "" => format!("{page}.html"),
        anchor => format!("{page}.html#{anchor}"),
    }
}

/// The words of the heading with this id, without their markup, or of the first.
fn heading(text: &str, anchor: Option<&str>) -> Option<String> {
    let mut words: Option<String> = None;
    for event in new_cmark_parser(text, &MarkdownOptions::default()) {
        match event {
            Event::Start(Tag::Heading { id, .. }) if anchor.is_none_or(|anchor| id.as_deref() == Some(anchor)) => {
                words = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) if words.is_some() => break,
            Event::Text(text) | Event::Code(text) => {
                if let Some(words) = &mut words {
                    words.push_str(&text);
                }
            }
            _ => {}
        }
    }
    words
}
