//! Adds a language: its catalog, and its entry in the list of languages.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use measure::files::write_atomically;
use measure::library::Library;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value, value};

use super::{Catalog, Entry, extract};
use crate::locale::Known;
use crate::site::{Site, Status};

/// What a speaker knows better than the tables, or what they do not know.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub name: Option<String>,
    pub decimal: Option<char>,
    pub thousands: Option<char>,
    /// As in a catalog's header: `nplurals=2; plural=(n != 1);`.
    pub plural_forms: Option<String>,
}

/// A language that was added as a draft.
#[derive(Debug, Clone)]
pub struct Added {
    pub code: String,
    pub name: String,
    pub catalog: PathBuf,
    pub messages: usize,
}

/// Writes `po/<code>.po` with every message of the book and no translation, and lists the language as a draft. Writes nothing where
/// anything is missing or wrong.
pub fn new(site: &Site, library: &Library, code: &str, given: &Given) -> Result<Added> {
    let known = Known::of(code)?;
    if let Some(there) = site.languages.iter().find(|language| language.code == known.code) {
        match there.source {
            true => bail!(
                "`{}` is the language the chapters are written in: it needs no catalog",
                there.code
            ),
            false => bail!(
                "{} (`{}`) is there already, as {}: `cargo xtask translate update {}` refreshes its catalog",
                there.name,
                there.code,
                there.status,
                there.code
            ),
        }
    }
    let Known { code, english_name, .. } = &known;
    let path = site.root.join("po").join(format!("{code}.po"));
    let shown = site.relative(&path);
    ensure!(
        !path.exists(),
        "{} is there already, though the language is not listed: move it away, or list the language in {} by hand",
        shown.display(),
        site.relative(&site.languages_path()).display()
    );
    let header = Header::settle(&known, given)?;
    let mut catalog = extract::extract(site, library)?;
    let title = site.config.book.title.as_deref().unwrap_or("the book");
    catalog.header = Entry {
        notes: vec![
            format!("{english_name} translation of {title}."),
            "Who translates is named below, each on a line that ends in the year, and so on the book's page on its translations:".to_owned(),
            "NAME, YEAR.".to_owned(),
        ],
        // gettext's names of languages are those of the operating system.
        msgstr: format!(
            "{}Plural-Forms: {}\n",
            extract::header(site, Some(&code.replace('-', "_"))),
            header.plural_forms
        ),
        ..Entry::default()
    };
    let text = catalog.to_po();
    Catalog::parse(&text, &shown)?;

    let list = site.languages_path();
    let listed = std::fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
    let listed = listed_with(&listed, code, &header)?;
    create(&path, &text)?;
    if let Err(error) = write_atomically(&list, &listed) {
        // A catalog that no list names would be in the way of the next attempt.
        let _ = std::fs::remove_file(&path);
        return Err(error);
    }
    Ok(Added {
        code: code.clone(),
        name: header.name,
        catalog: path,
        messages: catalog.entries.len(),
    })
}

/// What stands in the list and in the head of the catalog.
struct Header {
    name: String,
    decimal: char,
    thousands: char,
    plural_forms: String,
}

impl Header {
    /// What is given goes before what is known; what is neither is asked for, all of it at once.
    fn settle(known: &Known, given: &Given) -> Result<Header> {
        let name = given.name.clone().or_else(|| known.name.clone());
        let decimal = given.decimal.or(known.decimal);
        let thousands = given.thousands.or(known.thousands);
        let plural_forms = given.plural_forms.clone().or_else(|| known.plural_forms.clone());
        if let (Some(name), Some(decimal), Some(thousands), Some(plural_forms)) =
            (&name, decimal, thousands, &plural_forms)
        {
            ensure!(
                !name.trim().is_empty() && !name.contains(char::is_control),
                "--name: expected what its speakers call {}, found {name:?}",
                known.english_name
            );
            ensure!(
                decimal != thousands
                    && ![decimal, thousands]
                        .iter()
                        .any(|c| c.is_alphanumeric() || c.is_control()),
                "--decimal {decimal:?} and --thousands {thousands:?}: expected two different marks, neither a letter nor a digit"
            );
            ensure!(
                is_plural_forms(plural_forms),
                "--plural-forms: expected something like `nplurals=2; plural=(n != 1);`, found `{plural_forms}`"
            );
            return Ok(Header {
                name: name.clone(),
                decimal,
                thousands,
                plural_forms: plural_forms.clone(),
            });
        }
        let mut missing = Vec::new();
        if name.is_none() {
            missing.push(match known.code.split_once('-') {
                Some(_) => {
                    "--name NAME: what its speakers call it, with its script or region, as in `Português (Brasil)`"
                }
                None => "--name NAME: what its speakers call it",
            });
        }
        if decimal.is_none() {
            missing.push("--decimal MARK: between units and tenths, as `.` in 1.5");
        }
        if thousands.is_none() {
            missing.push("--thousands MARK: between groups of three digits, as `,` in 1,500");
        }
        if plural_forms.is_none() {
            missing.push("--plural-forms FORMS: as gettext's manual lists them, `nplurals=2; plural=(n != 1);`");
        }
        bail!(
            "what is known of {} (`{}`) is not enough; add\n  {}",
            known.english_name,
            known.code,
            missing.join("\n  ")
        );
    }
}

/// Whether it looks like what GNU gettext reads: the number of forms, and an expression of `n` with nothing but C's signs.
fn is_plural_forms(text: &str) -> bool {
    let parts = || {
        let (count, rest) = text.trim().strip_prefix("nplurals=")?.split_once(';')?;
        let expression = rest.trim().strip_prefix("plural=")?.strip_suffix(';')?;
        Some((count.trim().parse::<u8>().ok()?, expression.trim()))
    };
    parts().is_some_and(|(count, expression)| {
        count > 0
            && !expression.is_empty()
            && expression
                .chars()
                .all(|c| c.is_ascii_digit() || "n %<>=!&|?:()+-*/".contains(c))
    })
}

/// The list with one language more; everything else stays as it stands.
fn listed_with(list: &str, code: &str, header: &Header) -> Result<String> {
    let mut document: DocumentMut = list.parse()?;
    let mut table = Table::new();
    table["code"] = value(code);
    table["name"] = value(&header.name);
    table["decimal"] = value(mark(header.decimal));
    table["thousands"] = value(mark(header.thousands));
    table["status"] = value(Status::Draft.to_string());
    table.decor_mut().set_prefix("\n");
    document
        .entry("language")
        .or_insert(Item::ArrayOfTables(ArrayOfTables::new()))
        .as_array_of_tables_mut()
        .context("`language` is not written as [[language]]")?
        .push(table);
    Ok(document.to_string())
}

/// A mark as a string of TOML; a space that does not look like one by its number.
fn mark(mark: char) -> Value {
    let written = match mark {
        c if c.is_whitespace() && c != ' ' => format!("\"\\u{:04x}\"", u32::from(c)),
        c => return Value::from(c.to_string()),
    };
    written.parse().unwrap_or_else(|_| Value::from(mark.to_string()))
}

/// Writes a file that is not there yet.
fn create(path: &Path, text: &str) -> Result<()> {
    let in_file = || format!("cannot write {}", path.display());
    let mut file = File::create_new(path).with_context(in_file)?;
    file.write_all(text.as_bytes()).with_context(|| {
        let _ = std::fs::remove_file(path);
        in_file()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# The languages.\n\n[[language]]\ncode = \"en\" # source\nname = \"English\"\nsource = true\n";

    fn french() -> Header {
        Header::settle(&Known::of("fr").unwrap(), &Given::default()).unwrap()
    }

    #[test]
    fn the_list_gains_an_entry_and_keeps_the_rest() {
        let listed = listed_with(LIST, "fr", &french()).unwrap();
        assert_eq!(
            listed,
            format!(
                "{LIST}\n[[language]]\ncode = \"fr\"\nname = \"Français\"\ndecimal = \",\"\nthousands = \"\\u202f\"\nstatus = \"draft\"\n"
            )
        );
        let read: toml::Table = toml::from_str(&listed).unwrap();
        assert_eq!(read["language"][1]["thousands"].as_str(), Some("\u{202f}"));
    }

    #[test]
    fn what_is_given_goes_before_what_is_known_and_gaps_are_named_at_once() {
        let given = Given {
            name: Some("Français (Suisse)".into()),
            thousands: Some('\''),
            ..Given::default()
        };
        let swiss = Header::settle(&Known::of("fr-CH").unwrap(), &given).unwrap();
        assert_eq!((swiss.name.as_str(), swiss.thousands), ("Français (Suisse)", '\''));
        let error = |code: &str, given: Given| match Header::settle(&Known::of(code).unwrap(), &given) {
            Ok(_) => panic!("{code} is accepted"),
            Err(error) => error.to_string(),
        };
        let klingon = error("tlh", Given::default());
        for option in ["--name", "--decimal", "--thousands", "--plural-forms"] {
            assert!(klingon.contains(option), "{klingon}");
        }
        assert!(error("fr-CH", Given::default()).contains("with its script or region"));
        let cases = [
            (
                Given {
                    thousands: Some(','),
                    ..Given::default()
                },
                "two different marks",
            ),
            (
                Given {
                    decimal: Some('x'),
                    ..Given::default()
                },
                "two different marks",
            ),
            (
                Given {
                    name: Some(" ".into()),
                    ..Given::default()
                },
                "--name",
            ),
            (
                Given {
                    plural_forms: Some("two".into()),
                    ..Given::default()
                },
                "--plural-forms",
            ),
            (
                Given {
                    plural_forms: Some("nplurals=2; plural=system(1);".into()),
                    ..Given::default()
                },
                "--plural-forms",
            ),
        ];
        for (given, expected) in cases {
            let error = error("fr", given);
            assert!(error.contains(expected), "{error}");
        }
    }
}
