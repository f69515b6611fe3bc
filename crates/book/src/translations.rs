//! How far the translations are and who made them, as a page of the book shows it: the data of `cargo xtask translate status`.

use std::fmt::Write;
use std::sync::{Arc, OnceLock};

use measure::library::Library;

use crate::catalog::{self, Count, Progress, Texts};
use crate::html::escaped;
use crate::interface::Interface;
use crate::number::whole;
use crate::reference::Problem;
use crate::site::{Site, Status};

/// The directive that stands for the table.
pub const NAME: &str = "translations";

/// The texts of the book, read by whoever needs them first; an error says what keeps them from being read.
pub type SharedTexts = Arc<OnceLock<Result<Texts, String>>>;

/// How far all translations are. Found out when first asked for, since the whole book has to be read for it, and then for all editions.
#[derive(Debug)]
pub struct Translations {
    of: Option<(Site, Library, SharedTexts)>,
    found: OnceLock<Result<Vec<Progress>, String>>,
}

impl Translations {
    /// `texts` are those of this site, or nobody's yet.
    pub fn of(site: &Site, library: &Library, texts: &SharedTexts) -> Translations {
        Translations {
            of: Some((site.clone(), library.clone(), texts.clone())),
            found: OnceLock::new(),
        }
    }

    /// What somebody knows already.
    pub fn known(progress: Vec<Progress>) -> Translations {
        Translations {
            of: None,
            found: OnceLock::from(Ok(progress)),
        }
    }

    /// In the order of the list of languages; an error says what keeps the book or a catalog from being read.
    pub fn progress(&self) -> anyhow::Result<&[Progress]> {
        let found = self.found.get_or_init(|| match &self.of {
            Some((site, library, texts)) => {
                let texts = texts.get_or_init(|| Texts::read(site, library).map_err(|error| format!("{error:#}")));
                catalog::progress(site, texts.as_ref()?, site.translations()).map_err(|error| format!("{error:#}"))
            }
            None => Ok(Vec::new()),
        });
        found.as_deref().map_err(|error| anyhow::anyhow!(error.clone()))
    }
}

/// What stands for `{{#translations}}`: a table of all translations, and for each one of its chapters.
pub fn render(translations: &Translations, interface: &Interface) -> Result<String, Problem> {
    let progress = translations
        .progress()
        .map_err(|error| Problem::new(format!("{error:#}"), "mend that first"))?;
    let text = |english| escaped(&interface.text(english));
    let mut html = String::from("<div class=\"translations\">\n");
    let language = [text("Language"), text("Status")].concat_cells("th scope=\"col\"");
    let by = [text("Translated by")].concat_cells("th scope=\"col\"");
    let heads = ["Translated", "To review", "Missing", "Words left"]
        .map(text)
        .concat_cells("th scope=\"col\"");
    open_table(&mut html, &format!("{language}{heads}{by}"));
    for translation in progress {
        let names = match translation.translators.as_slice() {
            // Of what nobody has begun there is no author.
            [] if translation.count.translated == 0 => "—".to_owned(),
            [] => text("the authors of the book"),
            names => escaped(&names.join(", ")),
        };
        let status = match translation.status {
            Status::Complete => text("complete"),
            Status::Draft => text("draft"),
        };
        let _ = writeln!(
            html,
            "<tr><th scope=\"row\"{}>{}</th><td>{status}</td>{}<td>{names}</td></tr>",
            language_of(translation),
            escaped(&translation.name),
            counts(&translation.count, interface)
        );
    }
    html.push_str("</tbody></table></div>\n");
    for translation in progress {
        let _ = writeln!(
            html,
            "<details id=\"translation-{}\"><summary{}>{}</summary>",
            escaped(&translation.code),
            language_of(translation),
            escaped(&translation.name)
        );
        let chapter = [text("Chapter")].concat_cells("th scope=\"col\"");
        open_table(&mut html, &format!("{chapter}{heads}"));
        for part in &translation.parts {
            let name = match &part.source {
                Some(_) => escaped(&interface.title(&part.title)),
                None => text("titles, labels, interface"),
            };
            let _ = writeln!(
                html,
                "<tr><th scope=\"row\">{name}</th>{}</tr>",
                counts(&part.count, interface)
            );
        }
        let _ = writeln!(
            html,
            "</tbody><tfoot><tr><th scope=\"row\">{}</th>{}</tr></tfoot></table></div></details>",
            text("in all"),
            counts(&translation.count, interface)
        );
    }
    html.push_str("</div>");
    Ok(html)
}

fn open_table(html: &mut String, heads: &str) {
    let _ = writeln!(
        html,
        "<div class=\"table-wrapper\"><table><thead><tr>{heads}</tr></thead><tbody>"
    );
}

/// A name of a language stands in that language, whatever the page is in.
fn language_of(translation: &Progress) -> String {
    format!(" lang=\"{}\"", escaped(&translation.code))
}

fn counts(count: &Count, interface: &Interface) -> String {
    let Count {
        translated,
        fuzzy,
        missing,
        words_left,
    } = *count;
    [translated, fuzzy, missing, words_left]
        .map(|number| whole(number as f64, interface.language()))
        .concat_cells("td")
}

trait Cells {
    fn concat_cells(&self, tag: &str) -> String;
}

impl Cells for [String] {
    /// One cell for each, of HTML already.
    fn concat_cells(&self, tag: &str) -> String {
        let name = tag.split(' ').next().unwrap_or(tag);
        self.iter().map(|cell| format!("<{tag}>{cell}</{name}>")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Part;
    use crate::fixture;

    #[test]
    fn the_table_is_in_the_readers_language_and_names_the_translators() {
        let count = Count {
            translated: 1200,
            fuzzy: 2,
            missing: 3,
            words_left: 45,
        };
        let translation = |code: &str, status, translators: &[&str]| Progress {
            code: code.into(),
            name: format!("<{code}>"),
            status,
            count,
            obsolete: 0,
            translators: translators.iter().map(|name| (*name).to_owned()).collect(),
            parts: vec![
                Part {
                    source: Some("src/a.md".into()),
                    title: "echo".into(),
                    count,
                },
                Part {
                    source: None,
                    title: String::new(),
                    count,
                },
            ],
        };
        let translations = Translations::known(vec![
            translation("it", Status::Complete, &[]),
            translation("fr", Status::Draft, &["Jean <b>", "Zoé"]),
        ]);
        let html = render(&translations, &fixture::italian()).unwrap();
        assert!(!html.contains("\n\n"), "a blank line would end the block of HTML");
        for expected in [
            "<th scope=\"row\" lang=\"it\">&lt;it&gt;</th><td>complete</td><td>1.200</td><td>2</td><td>3</td><td>45</td><td>the authors of the book</td>",
            "<td>draft</td><td>1.200</td><td>2</td><td>3</td><td>45</td><td>Jean &lt;b&gt;, Zoé</td>",
            "<details id=\"translation-fr\">",
            "<th scope=\"row\">eco</th>",
            "<th scope=\"row\">titles, labels, interface</th>",
        ] {
            assert!(html.contains(expected), "expected {expected} in {html}");
        }
    }
}
