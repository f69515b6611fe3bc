//! `{{#cited KEY}}`: figures that others published, from `sources.toml` at the root of the project, shown as quoted.
//!
//! ```toml
//! [C8]                        # a row of the table of claims
//! source = "the announcement of uvloop"
//! where = "magic.io"          # an address without its scheme, if it was published at one
//! year = 2016
//! # Each figure of the row: a number, written in each edition's marks, or a string, shown as it is. Units go through the catalog.
//! uvloop = { value = 105459, unit = "requests/s" }
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::html::escaped;
use crate::interface::Interface;
use crate::number::marked;
use crate::reference::Problem;

/// All figures that may be cited, by row and name.
#[derive(Debug, Clone, Default)]
pub struct Sources(BTreeMap<String, Row>);

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Row {
    /// Who published its figures.
    source: String,
    #[serde(default, rename = "where")]
    address: Option<String>,
    #[serde(default)]
    year: Option<u16>,
    // A misspelt key above ends up here, and is refused for not being a figure.
    #[serde(flatten)]
    figures: BTreeMap<String, Figure>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    value: Value,
    #[serde(default)]
    unit: String,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Value {
    Whole(i64),
    Decimal(f64),
    Words(String),
}

/// Who published the figures of a row, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    pub source: &'a str,
    /// Without its scheme.
    pub address: Option<&'a str>,
    pub year: Option<u16>,
}

impl Sources {
    /// Reads `sources.toml` below `root`; a project without one cites nothing.
    pub fn open(root: &Path) -> Result<Sources> {
        let path = root.join("sources.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => Sources::parse(&text).with_context(|| format!("in {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Sources::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub fn parse(text: &str) -> Result<Sources> {
        Ok(Sources(toml::from_str(text)?))
    }

    /// The words of it that translators translate, each once.
    pub fn labels(&self) -> Vec<&str> {
        let mut labels: Vec<&str> = Vec::new();
        for figure in self.0.values().flat_map(|row| row.figures.values()) {
            let unit = figure.unit.as_str();
            if unit.chars().any(char::is_alphabetic) && !labels.contains(&unit) {
                labels.push(unit);
            }
        }
        labels
    }

    /// Who published the figures, as translators translate it, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in self.0.values() {
            if !names.contains(&row.source.as_str()) {
                names.push(&row.source);
            }
        }
        names
    }

    /// Where the figures of a row come from, if there is such a row.
    pub fn reference(&self, row: &str) -> Option<Reference<'_>> {
        let row = self.0.get(row)?;
        Some(Reference {
            source: &row.source,
            address: row.address.as_deref(),
            year: row.year,
        })
    }

    /// The figure as inline HTML: the number, and behind it the row it comes from, with its source. `linked` allows an address.
    pub fn render(&self, key: &str, linked: bool, interface: &Interface) -> Result<String, Problem> {
        let (name, row, figure) = self.get(key)?;
        let number = match &figure.value {
            Value::Whole(value) => marked(&value.to_string(), interface.language()),
            Value::Decimal(value) => marked(&value.to_string(), interface.language()),
            Value::Words(words) => words.clone(),
        };
        let unit = match figure.unit.as_str() {
            "" => String::new(),
            "×" => "×".to_owned(),
            unit => format!("\u{a0}{}", interface.label(unit)),
        };
        let mut reference = vec![interface.label(&row.source)];
        reference.extend(row.address.clone());
        reference.extend(row.year.map(|year| year.to_string()));
        let title = format!("{} ({name})", reference.join(", "));
        let name = escaped(name);
        let mark = match &row.address {
            Some(address) if linked => {
                format!("<a href=\"https://{}\">{name}</a>", escaped(address))
            }
            _ => name,
        };
        Ok(format!(
            "<span class=\"cited\" title=\"{}\">{}{}<sup>{mark}</sup></span>",
            escaped(&title),
            escaped(&number),
            escaped(&unit),
        ))
    }

    /// The row's name, the row, and the figure.
    fn get<'a>(&'a self, key: &'a str) -> Result<(&'a str, &'a Row, &'a Figure), Problem> {
        let (name, figure) = key.split_once('.').unwrap_or((key, ""));
        if let Some(row) = self.0.get(name)
            && let Some(figure) = row.figures.get(figure)
        {
            return Ok((name, row, figure));
        }
        // All keys would be a long list: those of the row where there is one, else the rows.
        let keys: Vec<String> = match self.0.get(name) {
            Some(row) => row.figures.keys().map(|figure| format!("{name}.{figure}")).collect(),
            None => self.0.keys().map(|row| format!("{row}.*")).collect(),
        };
        Err(Problem::unknown(
            "figure in sources.toml",
            key,
            keys.iter().map(String::as_str),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn sources() -> Sources {
        Sources::parse(fixture::SOURCES).unwrap()
    }

    #[test]
    fn figures_are_shown_in_the_editions_marks_with_their_source() {
        let show = |key, interface: &Interface| sources().render(key, true, interface).unwrap();
        assert_eq!(
            show("C8.uvloop", &fixture::english()),
            "<span class=\"cited\" title=\"MagicStack, magic.io, 2016 (C8)\">105,459\u{a0}requests/s\
             <sup><a href=\"https://magic.io\">C8</a></sup></span>"
        );
        let italian = show("C8.uvloop", &fixture::italian());
        assert!(italian.contains(">105.459\u{a0}richieste/s<sup>"), "{italian}");
        assert_eq!(
            show("B9.one_by_one", &fixture::english()),
            "<span class=\"cited\" title=\"a primer (B9)\">170\u{a0}ms<sup>B9</sup></span>"
        );
        assert_eq!(
            show("C7.speed_up", &fixture::italian()),
            "<span class=\"cited\" title=\"an article &amp; more, 2025 (C7)\">130x<sup>C7</sup></span>"
        );
    }

    #[test]
    fn in_a_link_there_is_no_other_link() {
        let html = sources().render("C8.uvloop", false, &fixture::english()).unwrap();
        assert!(html.ends_with("<sup>C8</sup></span>"), "{html}");
    }

    #[test]
    fn a_wrong_key_is_answered_with_the_right_ones() {
        let problem = |key| sources().get(key).unwrap_err();
        assert_eq!(problem("C8.uvlop").help, "did you mean `C8.uvloop`?");
        assert!(problem("C9.aiohttp").help.contains("`C8.*`"));
        assert!(problem("C8").help.contains("C8.uvloop"));
    }

    #[test]
    fn a_figure_without_a_source_is_no_figure() {
        assert!(Sources::parse("[A]\nb = { value = 1 }").is_err());
        assert!(Sources::parse("[A]\nsource = \"s\"\nb = { value = 1 }").is_ok());
        // Misspelt keys, of a row and of a figure.
        assert!(Sources::parse("[A]\nsource = \"s\"\nwhen = 2016\nb = { value = 1 }").is_err());
        assert!(Sources::parse("[A]\nsource = \"s\"\nb = { value = 1, units = \"s\" }").is_err());
    }

    #[test]
    fn the_projects_own_list_is_valid() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let sources = Sources::open(&root).unwrap();
        for (name, row) in &sources.0 {
            let address = row.address.as_deref().unwrap_or("x.y");
            assert!(address.contains('.') && !address.contains("://"), "{name}: {address}");
            assert!(!row.figures.is_empty(), "{name}");
        }
    }
}
