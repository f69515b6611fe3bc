//! The book as a project: its root, its configuration, its languages.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use mdbook_driver::config::Config;
use serde::Deserialize;

/// A language that the book is published in, and how numbers are written in it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// As in `<html lang>` and in the name of the catalog: `it`.
    pub code: String,
    /// What its speakers call it: `Italiano`.
    pub name: String,
    pub decimal: char,
    /// Between groups of three digits.
    pub thousands: char,
    /// The language the chapters are written in; it has no catalog.
    #[serde(default)]
    pub source: bool,
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
    /// The machine whose published results the book shows: a folder of `measurements/`.
    pub reference_machine: String,
}

impl Site {
    /// Reads `book.toml` and `po/languages.toml` below `root`.
    pub fn open(root: &Path) -> Result<Site> {
        // Not `canonicalize`: what that gives on Windows takes no `/`.
        let root = std::path::absolute(root).with_context(|| format!("{} is no path", root.display()))?;
        let path = root.join("book.toml");
        let config = Config::from_disk(&path).with_context(|| format!("in {}", path.display()))?;
        let reference_machine = config
            .get::<String>("preprocessor.measurements.reference-machine")?
            .with_context(|| {
                format!(
                    "{} does not name the machine whose results the book shows; expected:\n\
                     [preprocessor.measurements]\nreference-machine = \"...\"",
                    path.display()
                )
            })?;
        let path = root.join("po").join("languages.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}, the list of languages", path.display()))?;
        let languages = parse_languages(&text).with_context(|| format!("in {}", path.display()))?;
        let source = &languages.iter().find(|language| language.source).expect("checked").code;
        ensure!(
            config.book.language.as_ref() == Some(source),
            "`language` of book.toml must be \"{source}\", the source language of po/languages.toml"
        );
        Ok(Site {
            root,
            config,
            languages,
            reference_machine,
        })
    }

    /// The language the chapters are written in.
    pub fn source_language(&self) -> &Language {
        self.languages
            .iter()
            .find(|language| language.source)
            .expect("`open` made sure of it")
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
    pub fn source_dir(&self) -> PathBuf {
        self.root.join(&self.config.book.src)
    }

    /// The catalog of a translation.
    pub fn catalog_path(&self, language: &Language) -> PathBuf {
        self.root.join("po").join(format!("{}.po", language.code))
    }

    /// Where all editions go, each into a folder of its own.
    pub fn output_dir(&self) -> PathBuf {
        self.root.join("book")
    }

    /// A path below the root as diagnostics show it: relative, with `/`.
    pub fn relative(&self, path: &Path) -> PathBuf {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        PathBuf::from(parts.join("/"))
    }
}

fn parse_languages(text: &str) -> Result<Vec<Language>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        #[serde(rename = "language")]
        languages: Vec<Language>,
    }
    let List { languages } = toml::from_str(text)?;
    let sources = languages.iter().filter(|language| language.source).count();
    ensure!(sources == 1, "exactly one language is the `source`, not {sources}");
    for (number, language) in languages.iter().enumerate() {
        let code = &language.code;
        // The code becomes a folder and part of an address.
        ensure!(
            !code.is_empty() && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'),
            "`{code}` is not a language code such as `it` or `pt-BR`"
        );
        ensure!(
            languages[..number].iter().all(|other| other.code != *code),
            "language `{code}` is listed twice"
        );
        ensure!(
            language.decimal != language.thousands,
            "language `{code}`: decimal and thousands mark are the same"
        );
    }
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
    "#;

    #[test]
    fn languages_are_read_in_their_order() {
        let languages = parse_languages(TWO).unwrap();
        assert_eq!(languages[1].code, "it");
        assert_eq!((languages[1].decimal, languages[1].thousands), (',', '.'));
        assert!(languages[0].source && !languages[1].source);
    }

    #[test]
    fn a_wrong_list_says_what_is_wrong() {
        let cases = [
            (TWO.replace("source = true", ""), "exactly one"),
            (TWO.replace("\"it\"", "\"en\""), "listed twice"),
            (TWO.replace("\"it\"", "\"../it\""), "not a language code"),
            (TWO.replace("thousands = \".\"", "thousands = \",\""), "the same"),
            (TWO.replace("thousands = \".\"", "thousands = \".,\""), "thousands"),
            (TWO.replace("decimal", "decimals"), "unknown field"),
        ];
        for (text, expected) in cases {
            let error = format!("{:#}", parse_languages(&text).unwrap_err());
            assert!(error.contains(expected), "expected `{expected}` in `{error}`");
        }
    }
}
