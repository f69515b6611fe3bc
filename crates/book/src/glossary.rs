//! `{{#glossary}}`: the terms of the book, what they mean, and what each is called in the other languages; from `po/glossary.toml`.
//!
//! The same file tells `catalog::check` which words translations have to use, so that the page and the chapters cannot say different
//! things. Only terms with a meaning stand on the page.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use toml::Spanned;

use crate::catalog::Gender;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::figure::inline;
use crate::html::escaped;
use crate::interface::Interface;
use crate::site::{Language, Site};

pub const NAME: &str = "glossary";
/// Below the root.
pub const FILE: &str = "po/glossary.toml";

/// The file as it is written; its head says what the fields are for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(rename = "term", default)]
    pub(crate) terms: Vec<Written>,
}

#[derive(Deserialize)]
pub(crate) struct Written {
    pub(crate) english: Vec<String>,
    shown: Option<Shown>,
    #[serde(flatten)]
    pub(crate) languages: BTreeMap<String, Rendering>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rendering {
    /// The first is the one to write; others are good as well.
    #[serde(rename = "use")]
    pub(crate) right: Vec<String>,
    #[serde(default)]
    pub(crate) avoid: Vec<String>,
    pub(crate) gender: Option<Gender>,
    pub(crate) note: Option<String>,
    /// What stands on the page, where that is another form than the first of `use`.
    shown: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    name: String,
    meaning: String,
    chapter: Spanned<String>,
}

/// The terms that stand on the page.
#[derive(Debug, Default)]
pub struct Glossary {
    terms: Vec<Term>,
}

#[derive(Debug)]
struct Term {
    /// In the language of the chapters.
    name: String,
    /// Markdown, of one paragraph.
    meaning: String,
    /// `tcp-servers.md#measurement`
    chapter: String,
    /// By the code of the language.
    names: BTreeMap<String, String>,
}

impl Glossary {
    /// Without a file, a glossary without terms.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read; what is wrong in it comes as [`Diagnostics`].
    pub fn open(site: &Site) -> Result<Glossary> {
        let path = site.root.join(FILE);
        if !path.is_file() {
            return Ok(Glossary::default());
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let source_dir = site.source_dir();
        Ok(Glossary::parse(&text, |file| {
            std::fs::read_to_string(source_dir.join(file)).ok()
        })?)
    }

    /// `chapter` gives the text of a chapter.
    fn parse(text: &str, chapter: impl Fn(&str) -> Option<String>) -> Result<Glossary, Diagnostics> {
        let report = |offset: usize, message: String, help: &str| {
            Diagnostic::at(Path::new(FILE), text, offset, message, help.to_owned())
        };
        let file: File = toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            let message = error.message().to_owned();
            Diagnostics(vec![report(
                offset,
                message,
                "the head of the file says what a term has",
            )])
        })?;
        let mut wrong = Vec::new();
        let mut terms = Vec::new();
        for Written { shown, languages, .. } in file.terms {
            let Some(Shown {
                name,
                meaning,
                chapter: place,
            }) = shown
            else {
                continue;
            };
            let at = place.span().start;
            let place = place.into_inner();
            let (file, anchor) = place.split_once('#').unwrap_or((&place, ""));
            match chapter(file) {
                None => wrong.push(report(
                    at,
                    format!("`{name}`: there is no chapter {file}"),
                    "name one of src/, with the heading's id: `chapter = \"tasks.md#lazy\"`",
                )),
                Some(text) if !text.contains(&format!("{{#{anchor}}}")) => wrong.push(report(
                    at,
                    format!("`{name}`: no heading in {file} has the id `{anchor}`"),
                    "name the heading under which the term is explained",
                )),
                Some(_) => {}
            }
            let names = languages
                .into_iter()
                .filter_map(|(code, rendering)| {
                    let name = rendering.shown.or_else(|| rendering.right.into_iter().next())?;
                    Some((code, name))
                })
                .collect::<BTreeMap<_, _>>();
            for name in names.values().filter(|name| name.contains('*')) {
                wrong.push(report(
                    at,
                    format!("`{name}` is a pattern, and no word to show"),
                    "write the word as `shown` beside `use`",
                ));
            }
            terms.push(Term {
                name,
                meaning,
                chapter: place,
                names,
            });
        }
        match wrong.is_empty() {
            true => Ok(Glossary { terms }),
            false => Err(Diagnostics(wrong)),
        }
    }

    /// What is to be translated, each text with a remark for translators.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.terms
            .iter()
            .map(|term| (term.meaning.as_str(), "what a term of the glossary means"))
    }

    /// A table in the order of the reader's alphabet: the term, what it is called in the other `languages`, what it means and where.
    pub fn render(&self, languages: &[Language], interface: &Interface) -> String {
        let own = interface.language();
        let others: Vec<&Language> = languages.iter().filter(|other| other.code != own.code).collect();
        let mut rows: Vec<(&str, &Term)> = self.terms.iter().map(|term| (term.called(own), term)).collect();
        rows.sort_by_cached_key(|(name, _)| name.to_lowercase());
        let mut html = format!(
            "<div class=\"table-wrapper glossary\"><table><thead><tr><th scope=\"col\">{}</th>",
            escaped(&interface.text("Term"))
        );
        for other in &others {
            let _ = write!(
                html,
                "<th scope=\"col\" lang=\"{}\">{}</th>",
                escaped(&other.code),
                escaped(&other.name)
            );
        }
        let _ = writeln!(
            html,
            "<th scope=\"col\">{}</th></tr></thead><tbody>",
            escaped(&interface.text("Meaning"))
        );
        for (name, term) in rows {
            let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(name));
            for other in &others {
                let _ = write!(
                    html,
                    "<td lang=\"{}\">{}</td>",
                    escaped(&other.code),
                    escaped(term.called(other))
                );
            }
            let _ = writeln!(
                html,
                "<td>{} <a href=\"{}\" aria-label=\"{}\">→</a></td></tr>",
                inline(&interface.label(&term.meaning)),
                escaped(&term.chapter.replacen(".md", ".html", 1)),
                escaped(&interface.fill("{term}: where the book explains it", &[("term", name)])),
            );
        }
        html.push_str("</tbody></table></div>");
        html
    }
}

impl Term {
    /// In a language that has no word of its own for it, the one of the chapters.
    fn called(&self, language: &Language) -> &str {
        self.names.get(&language.code).unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    const TERMS: &str = r#"
[[term]]
english = ["open loop*"]
shown = { name = "open loop", meaning = "Requests at `fixed` times.", chapter = "servers.md#open" }
it = { use = ["anello aperto", "open loop"] }

[[term]]
english = ["task", "tasks"]
it = { use = ["task"], avoid = ["compito"] }

[[term]]
english = ["await*"]
shown = { name = "to await", meaning = "To wait for.", chapter = "servers.md#open" }
it = { use = ["atte*"], shown = "attendere" }
"#;

    fn chapter(file: &str) -> Option<String> {
        (file == "servers.md").then(|| "# Servers {#servers}\n\n## Open {#open}\n".to_owned())
    }

    #[test]
    fn a_table_in_the_order_of_the_readers_alphabet() {
        let glossary = Glossary::parse(TERMS, chapter).unwrap();
        let languages = [fixture::english(), fixture::italian()].map(|interface| interface.language().clone());
        let english = glossary.render(&languages, &fixture::english());
        assert!(english.contains("<th scope=\"row\">open loop</th><td lang=\"it\">anello aperto</td><td>Requests at <code>fixed</code> times. <a href=\"servers.html#open\""), "{english}");
        assert!(english.find("open loop").unwrap() < english.find("to await").unwrap());
        let italian = glossary.render(&languages, &fixture::italian());
        assert!(
            italian.contains("<th scope=\"row\">anello aperto</th><td lang=\"en\">open loop</td>"),
            "{italian}"
        );
        assert!(italian.find("anello aperto").unwrap() < italian.find("attendere").unwrap());
        assert!(
            !italian.contains("task"),
            "it has no meaning, so it is for translators only"
        );
        assert_eq!(glossary.texts().count(), 2);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let wrong = |terms: &str| Glossary::parse(terms, chapter).unwrap_err().to_string();
        let missing = wrong(&TERMS.replacen("servers.md#open", "clients.md#open", 1));
        assert!(
            missing.contains("po/glossary.toml:4:") && missing.contains("no chapter clients.md"),
            "{missing}"
        );
        let heading = wrong(&TERMS.replacen("servers.md#open", "servers.md#closed", 1));
        assert!(
            heading.contains("no heading in servers.md has the id `closed`"),
            "{heading}"
        );
        let pattern = wrong(&TERMS.replace(", shown = \"attendere\"", ""));
        assert!(pattern.contains("`atte*` is a pattern"), "{pattern}");
    }
}
