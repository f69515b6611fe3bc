//! The book as a project: its root, its configuration, its languages.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use icu_locale::{LanguageIdentifier, LocaleDirectionality};
use mdbook_driver::config::Config;
use mdbook_driver::config::TextDirection;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::address::Addresses;
use crate::diagnostic::{Diagnostic, Diagnostics};

/// How far an edition is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// What is not translated yet is shown in the source language; every page says so, and search engines are asked to pass by.
    Draft,
    /// Every message is translated, or the tests fail.
    Complete,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Draft => "draft",
            Status::Complete => "complete",
        })
    }
}

/// A language that the book is published in, and how numbers are written in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// As in `<html lang>` and in the name of the catalog: `it`.
    pub code: String,
    /// What its speakers call it: `Italiano`.
    pub name: String,
    pub decimal: char,
    /// Between groups of three digits.
    pub thousands: char,
    /// The language the chapters are written in; it has no catalog.
    pub source: bool,
    /// The source is complete.
    pub status: Status,
}

impl Language {
    pub(crate) fn is_draft(&self) -> bool {
        self.status == Status::Draft
    }

    /// As in `<html dir>`, by the script that the language is written in.
    pub(crate) fn direction(&self) -> TextDirection {
        let right_to_left = LanguageIdentifier::try_from_str(&self.code)
            .is_ok_and(|id| LocaleDirectionality::new_common().is_right_to_left(&id));
        match right_to_left {
            true => TextDirection::RightToLeft,
            false => TextDirection::LeftToRight,
        }
    }
}

/// Where everything is, read once and never changed.
#[derive(Debug, Clone)]
pub struct Site {
    /// The folder that holds `book.toml`.
    pub root: PathBuf,
    /// `book.toml` as mdBook reads it.
    pub config: Config,
    /// In the order in which readers are offered them; exactly one is the source.
    pub languages: Vec<Language>,
    /// The machines whose published results the book shows, folders of `measurements/`: of each experiment the first that has them. There is
    /// one at least.
    pub reference_machines: Vec<String>,
    pub addresses: Addresses,
    /// Where all editions go, each into a folder of its own: `book` below the root, unless somebody chooses another.
    pub output: PathBuf,
    /// The line of each language in `po/languages.toml`.
    pub(crate) lines: Vec<usize>,
}

/// A machine, or several in the order in which they are preferred.
#[derive(serde::Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Site {
    /// Reads `book.toml` and `po/languages.toml` below `root`.
    pub fn open(root: &Path) -> Result<Site> {
        // Not `canonicalize`: what that gives on Windows takes no `/`.
        let root = std::path::absolute(root).with_context(|| format!("{} is no path", root.display()))?;
        let path = root.join("book.toml");
        let config = Config::from_disk(&path).with_context(|| format!("in {}", path.display()))?;
        let reference_machines = match config.get::<OneOrMore>("preprocessor.measurements.reference-machine")? {
            Some(OneOrMore::One(machine)) => vec![machine],
            Some(OneOrMore::More(machines)) => machines,
            None => Vec::new(),
        };
        ensure!(
            !reference_machines.is_empty(),
            "{} does not name the machine whose results the book shows; expected:\n\
             [preprocessor.measurements]\nreference-machine = \"...\"\n\
             or a list, of which each experiment is shown from the first that has results",
            path.display()
        );
        let path = root.join(LANGUAGES);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}, the list of languages", path.display()))?;
        let (languages, lines) = parse_languages(&text)?.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let source = &languages.iter().find(|language| language.source).expect("checked").code;
        ensure!(
            config.book.language.as_ref() == Some(source),
            "`language` of book.toml must be \"{source}\", the source language of po/languages.toml"
        );
        let addresses = Addresses::read(&root)?;
        Ok(Site {
            output: root.join(OUTPUT),
            root,
            config,
            languages,
            reference_machines,
            addresses,
            lines,
        })
    }

    /// The machines whose results the book shows, as messages name them.
    pub fn shown_machines(&self) -> String {
        self.reference_machines.join(", else ")
    }

    /// The file that lists the languages.
    pub fn languages_path(&self) -> PathBuf {
        self.root.join(LANGUAGES)
    }

    /// The language the chapters are written in.
    pub fn source_language(&self) -> &Language {
        self.languages
            .iter()
            .find(|language| language.source)
            .expect("`open` made sure of it")
    }

    /// All languages with a catalog.
    pub fn translations(&self) -> impl Iterator<Item = &Language> {
        self.languages.iter().filter(|language| !language.source)
    }

    /// The languages whose editions are whole: what search engines are told of, and what has to hold in every language.
    pub fn complete(&self) -> impl Iterator<Item = &Language> {
        self.languages.iter().filter(|language| !language.is_draft())
    }

    /// The languages that are listed without a catalog, each at its line.
    pub(crate) fn missing_catalogs(&self) -> Vec<Diagnostic> {
        self.languages
            .iter()
            .zip(&self.lines)
            .filter(|(language, _)| !language.source && !self.catalog_path(language).is_file())
            .map(|(Language { code, name, .. }, line)| {
                Diagnostic::new(
                    LANGUAGES,
                    *line,
                    format!("{name} has no catalog: there is no po/{code}.po"),
                    format!("`cargo xtask translate update {code}` writes it; or remove the language from the list"),
                )
            })
            .collect()
    }

    pub fn language(&self, code: &str) -> Result<&Language> {
        self.languages
            .iter()
            .find(|language| language.code == code)
            .with_context(|| {
                let known: Vec<&str> = self.languages.iter().map(|l| l.code.as_str()).collect();
                format!(
                    "there is no language `{code}`; po/languages.toml lists {}",
                    known.join(", ")
                )
            })
    }

    /// The folder of the chapters.
    pub(crate) fn source_dir(&self) -> PathBuf {
        self.root.join(&self.config.book.src)
    }

    /// The catalog of a translation.
    pub fn catalog_path(&self, language: &Language) -> PathBuf {
        self.root.join("po").join(format!("{}.po", language.code))
    }

    /// A path below the root as diagnostics show it: relative, with `/`.
    pub fn relative(&self, path: &Path) -> PathBuf {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        PathBuf::from(parts.join("/"))
    }
}

/// Holds the editions, below the root.
pub const OUTPUT: &str = "book";

/// Below the root, as messages show it.
const LANGUAGES: &str = "po/languages.toml";

/// What an entry looks like, for who has to mend one.
const ENTRY: &str = "a language has code, name, decimal and thousands (one character each), and status = \"draft\" or \"complete\"; \
                     the one the chapters are written in has source = true in place of a status";

/// The languages with their lines.
fn parse_languages(text: &str) -> Result<Vec<(Language, usize)>, Diagnostics> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        #[serde(rename = "language")]
        languages: Vec<Spanned<Listed>>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Listed {
        code: Spanned<String>,
        name: String,
        decimal: char,
        thousands: char,
        #[serde(default)]
        source: bool,
        status: Option<Spanned<Status>>,
    }
    let at =
        |offset: usize, message: String, help: &str| Diagnostic::at(Path::new(LANGUAGES), text, offset, message, help);
    let List { languages: listed } = toml::from_str(text).map_err(|error: toml::de::Error| {
        let offset = error.span().map_or(0, |span| span.start);
        Diagnostics(vec![at(offset, error.message().to_owned(), ENTRY)])
    })?;
    let mut wrong = Vec::new();
    let mut languages: Vec<(Language, usize)> = Vec::new();
    for entry in listed {
        let start = entry.span().start;
        let line = crate::diagnostic::line_of(text, start);
        let listed = entry.into_inner();
        let place = listed.code.span().start;
        let code = listed.code.into_inner();
        // The code becomes a folder and part of an address.
        match LanguageIdentifier::try_from_str(&code).map(|id| id.to_string()) {
            Ok(canonical) if canonical == code => {}
            Ok(canonical) => wrong.push(at(
                place,
                format!("`{code}` is not how this language code is written"),
                &format!("write `{canonical}`, and name the catalog po/{canonical}.po"),
            )),
            Err(_) => wrong.push(at(
                place,
                format!("`{code}` is not a language code"),
                "write one such as `it` or `pt-BR` (BCP 47)",
            )),
        }
        if let Some((_, line)) = languages.iter().find(|(other, _)| other.code == code) {
            wrong.push(at(
                place,
                format!("language `{code}` is listed twice, first at line {line}"),
                "remove one of the two",
            ));
        }
        if listed.decimal == listed.thousands {
            wrong.push(at(
                start,
                format!("language `{code}`: decimal and thousands mark are the same"),
                "a reader could not tell 1.500 from 1.5; a space can be written \"\\u202f\"",
            ));
        }
        let status = match (listed.source, listed.status) {
            (true, None) => Status::Complete,
            (false, Some(status)) => status.into_inner(),
            (true, Some(status)) => {
                wrong.push(at(
                    status.span().start,
                    format!("`{code}` is the source language: it has no status"),
                    "remove the line, or `source = true` if the chapters are not written in it",
                ));
                Status::Complete
            }
            (false, None) => {
                wrong.push(at(
                    start,
                    format!("language `{code}` has no status"),
                    "add status = \"draft\", or \"complete\" once everything is translated",
                ));
                Status::Draft
            }
        };
        if let Some((Language { code: other, .. }, line)) =
            languages.iter().find(|(other, _)| other.source && listed.source)
        {
            wrong.push(at(
                start,
                format!("both `{other}`, at line {line}, and `{code}` are the source"),
                "leave `source = true` at the language the chapters are written in",
            ));
        }
        let language = Language {
            code,
            name: listed.name,
            decimal: listed.decimal,
            thousands: listed.thousands,
            source: listed.source,
            status,
        };
        languages.push((language, line));
    }
    if !languages.iter().any(|(language, _)| language.source) {
        wrong.push(at(
            0,
            "no language is the source".to_owned(),
            "add `source = true` to the language the chapters are written in",
        ));
    }
    Diagnostics(wrong).into_result()?;
    Ok(languages)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
        [[language]]
        code = "en"
        name = "English"
        decimal = "."
        thousands = ","
        source = true
        [[language]]
        code = "it"
        name = "Italiano"
        decimal = ","
        thousands = "."
        status = "complete"
    "#;

    #[test]
    fn languages_are_read_in_their_order() {
        let languages = parse_languages(TWO).unwrap();
        let (italian, line) = &languages[1];
        assert_eq!((italian.code.as_str(), *line), ("it", 8));
        assert_eq!((italian.decimal, italian.thousands), (',', '.'));
        assert!(languages[0].0.source && !italian.source);
        assert!(!languages[0].0.is_draft() && !italian.is_draft());
        let draft = parse_languages(&TWO.replace("complete", "draft")).unwrap();
        assert!(draft[1].0.is_draft() && !draft[0].0.is_draft());
    }

    #[test]
    fn a_wrong_list_says_where_and_what_is_wrong() {
        let cases = [
            (
                TWO.replace("source = true", "status = \"complete\""),
                1,
                "no language is the source",
            ),
            (
                TWO.replace("status = \"complete\"", "source = true"),
                8,
                "both `en`, at line 2, and `it`",
            ),
            (
                TWO.replace("source = true", "source = true\nstatus = \"draft\""),
                8,
                "has no status",
            ),
            (TWO.replace("status = \"complete\"", ""), 8, "`it` has no status"),
            (
                TWO.replace("\"complete\"", "\"compleet\""),
                13,
                "unknown variant `compleet`",
            ),
            (TWO.replace("\"it\"", "\"en\""), 9, "listed twice, first at line 2"),
            (TWO.replace("\"it\"", "\"../it\""), 9, "not a language code"),
            (
                TWO.replace("\"it\"", "\"IT\""),
                9,
                "not how this language code is written",
            ),
            (TWO.replace("thousands = \".\"", "thousands = \",\""), 8, "the same"),
            (TWO.replace("thousands = \".\"", "thousands = \".,\""), 12, "character"),
            (
                TWO.replace("name = \"Italiano\"", "names = \"Italiano\""),
                10,
                "unknown field `names`",
            ),
            (TWO.replace("name = \"Italiano\"", "name = 3"), 10, "string"),
        ];
        for (text, line, expected) in cases {
            let Diagnostics(found) = parse_languages(&text).unwrap_err();
            assert!(
                found
                    .iter()
                    .any(|d| d.line == line && d.message.contains(expected) && !d.help.is_empty()),
                "expected `{expected}` at line {line} in {found:?}"
            );
        }
    }

    #[test]
    fn the_script_decides_the_direction() {
        let direction = |code: &str| {
            let mut language = parse_languages(TWO).unwrap().remove(1).0;
            code.clone_into(&mut language.code);
            language.direction()
        };
        for code in ["ar", "ar-EG", "fa", "he", "ur", "az-Arab"] {
            assert_eq!(direction(code), TextDirection::RightToLeft, "{code}");
        }
        for code in ["it", "ja", "az", "pa"] {
            assert_eq!(direction(code), TextDirection::LeftToRight, "{code}");
        }
    }
}
