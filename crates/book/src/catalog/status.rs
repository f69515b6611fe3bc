//! How far each translation is.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Result;
use mdbook_i18n_helpers::extract_events;
use mdbook_markdown::pulldown_cmark::Event;
use measure::library::Library;
use serde::Serialize;

use super::{Catalog, Entry, extract};
use crate::directive;
use crate::edition;
use crate::site::{Language, Site, Status};

/// What is done and what is left of some messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub translated: usize,
    /// With the translation of an older text, which readers do not see.
    pub fuzzy: usize,
    pub missing: usize,
    /// Words of the source text in messages that are fuzzy or missing.
    pub words_left: usize,
}

impl Count {
    pub fn messages(&self) -> usize {
        self.translated + self.fuzzy + self.missing
    }

    fn add(&mut self, msgid: &str, entry: Option<&Entry>) {
        match entry {
            Some(entry) if entry.is_translated() => {
                self.translated += 1;
                return;
            }
            Some(entry) if !entry.msgstr.is_empty() => self.fuzzy += 1,
            _ => self.missing += 1,
        }
        self.words_left += words(msgid);
    }
}

/// A chapter, or all that is in none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The chapter's file below the root; nothing for what the program puts on pages, and for titles and labels.
    pub source: Option<PathBuf>,
    /// In the source language; empty where there is no file.
    pub title: String,
    #[serde(flatten)]
    pub count: Count,
}

/// How far one translation is. A message that stands in several chapters counts in the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub code: String,
    pub name: String,
    pub status: Status,
    #[serde(flatten)]
    pub count: Count,
    /// Translations that the book no longer uses.
    pub obsolete: usize,
    /// Whom the catalog names, without addresses.
    pub translators: Vec<String>,
    /// In the order of the book.
    pub parts: Vec<Part>,
}

/// What all translations are held against, whatever a catalog says: it takes the whole book to be read.
#[derive(Debug, Clone)]
pub struct Texts {
    template: Catalog,
    /// Files relative to the root, with their titles, in the order of the book.
    chapters: Vec<(PathBuf, String)>,
}

impl Texts {
    /// # Errors
    ///
    /// Where the chapters cannot be read.
    pub fn read(site: &Site, library: &Library) -> Result<Texts> {
        let chapters = edition::titles(site)?.into_iter();
        Ok(Texts {
            template: extract::extract(site, library)?,
            chapters: chapters
                .map(|(path, title)| (site.relative(&site.source_dir().join(path)), title))
                .collect(),
        })
    }
}

/// How far these languages are, compared with the book as it is now: what the catalogs lack counts as missing.
pub fn progress<'a>(
    site: &Site,
    texts: &Texts,
    languages: impl IntoIterator<Item = &'a Language>,
) -> Result<Vec<Progress>> {
    languages
        .into_iter()
        .map(|language| {
            let catalog = edition::catalog(site, language)?.unwrap_or_default();
            Ok(of_catalog(language, &texts.template, &catalog, &texts.chapters))
        })
        .collect()
}

fn of_catalog(language: &Language, template: &Catalog, catalog: &Catalog, chapters: &[(PathBuf, String)]) -> Progress {
    let present: HashMap<&str, &Entry> = catalog
        .entries
        .iter()
        .filter(|entry| !entry.obsolete)
        .map(|entry| (entry.msgid.as_str(), entry))
        .collect();
    let places: HashMap<String, usize> = chapters
        .iter()
        .enumerate()
        .map(|(number, (path, _))| (path.display().to_string(), number))
        .collect();
    let mut parts: Vec<Part> = chapters
        .iter()
        .map(|(path, title)| Part {
            source: Some(path.clone()),
            title: title.clone(),
            count: Count::default(),
        })
        .collect();
    let mut elsewhere = Part {
        source: None,
        title: String::new(),
        count: Count::default(),
    };
    let mut count = Count::default();
    for message in &template.entries {
        let entry = present.get(message.msgid.as_str()).copied();
        count.add(&message.msgid, entry);
        let chapter = message.sources.iter().find_map(|source| places.get(source));
        match chapter.and_then(|number| parts.get_mut(*number)) {
            Some(part) => part.count.add(&message.msgid, entry),
            None => elsewhere.count.add(&message.msgid, entry),
        }
    }
    parts.push(elsewhere);
    Progress {
        code: language.code.clone(),
        name: language.name.clone(),
        status: language.status,
        count,
        obsolete: catalog.entries.iter().filter(|entry| entry.obsolete).count(),
        translators: translators(&catalog.header),
        parts,
    }
}

/// Words that somebody has to translate: none of code, directives and addresses.
fn words(msgid: &str) -> usize {
    let mut prose = String::new();
    let mut from = 0;
    for found in directive::parse(msgid).directives {
        prose.push_str(&msgid[from..found.range.start]);
        // A value stands there: it keeps the words around it apart.
        prose.push(' ');
        if let Some(body) = found.body {
            prose.push_str(&msgid[body]);
        }
        from = found.range.end;
    }
    prose.push_str(&msgid[from..]);
    let text: String = extract_events(&prose, None)
        .iter()
        .map(|(_, event)| match event {
            Event::Text(text) => text.as_ref(),
            Event::Code(_) | Event::InlineHtml(_) | Event::Html(_) | Event::SoftBreak | Event::HardBreak => " ",
            _ => "",
        })
        .collect();
    text.split_whitespace()
        .filter(|word| word.chars().any(char::is_alphabetic))
        .count()
}

/// Whom the header names: in its comments, as gettext has it, a name on a line that ends in years (`Jane Doe <jane@example.com>, 2024,
/// 2026.`), and the field `Last-Translator`. Addresses are left out, and so are the words that stand for a name to be filled in.
fn translators(header: &Entry) -> Vec<String> {
    let of_notes = header.notes.iter().filter_map(|note| {
        let note = note.trim().trim_end_matches('.');
        let name = note.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, ' ' | ',' | '-' | '–'));
        let years = &note[name.len()..];
        let names_years = years.starts_with(',') && years.chars().filter(char::is_ascii_digit).count() >= 4;
        names_years.then_some(name)
    });
    let of_field = header
        .msgstr
        .lines()
        .filter_map(|line| line.strip_prefix("Last-Translator:"));
    let mut names: Vec<String> = Vec::new();
    for name in of_notes.chain(of_field) {
        let name = name.split('<').next().unwrap_or_default().trim();
        let is_address = name.contains('@');
        let is_name = name.chars().any(char::is_alphabetic)
            && !["copyright", "(c)", "©", "this file", "automatically generated"]
                .iter()
                .any(|start| name.to_lowercase().starts_with(start))
            && !["FIRST AUTHOR", "FULL NAME", "NAME"].contains(&name);
        if is_name && !is_address && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_message_counts_once_in_its_chapter_and_in_all() {
        let mut template = Catalog::default();
        template.add("One two three.", "src/SUMMARY.md", "");
        template.add("One two three.", "src/b.md", "");
        template.add("Four five.", "src/a.md", "");
        template.add("Four five.", "src/b.md", "");
        template.add("Six", "src/b.md", "");
        template.add("Seven `x` eight", "", "interface");
        let catalog = Catalog::parse(
            "msgid \"\"\nmsgstr \"\"\n\nmsgid \"Four five.\"\nmsgstr \"Q c.\"\n\n#, fuzzy\nmsgid \"Six\"\nmsgstr \"S\"\n\n\
             msgid \"Not of the book\"\nmsgstr \"X\"\n\n#~ msgid \"Old\"\n#~ msgstr \"V\"\n",
            Path::new("po/it.po"),
        )
        .unwrap();
        let mut language = crate::fixture::italian().language().clone();
        language.status = Status::Draft;
        let chapters = [("src/a.md", "A"), ("src/b.md", "B")].map(|(path, title)| (path.into(), title.to_owned()));
        let progress = of_catalog(&language, &template, &catalog, &chapters);
        let count = |translated, fuzzy, missing, words_left| Count {
            translated,
            fuzzy,
            missing,
            words_left,
        };
        assert_eq!(progress.count, count(1, 1, 2, 6));
        assert_eq!(progress.obsolete, 1);
        let parts: Vec<Count> = progress.parts.iter().map(|part| part.count).collect();
        assert_eq!(parts, [count(1, 0, 0, 0), count(0, 1, 1, 4), count(0, 0, 1, 2)]);
        assert_eq!(progress.parts[2].source, None);
        let json = serde_json::to_value(&progress).unwrap();
        assert_eq!(json["status"], "draft");
        assert_eq!(
            (&json["words_left"], &json["parts"][1]["source"]),
            (&6.into(), &"src/b.md".into())
        );
    }

    #[test]
    fn words_are_those_somebody_translates() {
        for (msgid, count) in [
            (
                "It takes {{#measured a.b.c}}, **at most** `x y` [the half](a.md#b) — 17.",
                6,
            ),
            ("{{#claim a.b/c.d >=3}}three times{{/claim}} as fast", 4),
            ("one\ntwo", 2),
        ] {
            assert_eq!(words(msgid), count, "{msgid}");
        }
    }

    #[test]
    fn names_are_found_where_gettext_has_them_and_addresses_are_not() {
        let header = |notes: &[&str], field: &str| Entry {
            notes: notes.iter().map(|note| (*note).to_owned()).collect(),
            msgstr: format!("Language: it\n{field}"),
            ..Entry::default()
        };
        let named = header(
            &[
                "Italian translation of a book.",
                "Copyright (C) 2026 Jane Doe, 2026.",
                "Each on a line that ends in the year:",
                "FIRST AUTHOR <EMAIL@ADDRESS>, 2026.",
                "NAME, YEAR.",
                "Maria Rossi <maria@example.com>, 2024, 2026.",
                "Jean d'Été, 2025-2026",
            ],
            "Last-Translator: Ada Bianchi <ada@example.com>\n",
        );
        assert_eq!(translators(&named), ["Maria Rossi", "Jean d'Été", "Ada Bianchi"]);
        let nobody = header(&[""], "Last-Translator: FULL NAME <EMAIL@ADDRESS>\n");
        assert_eq!(translators(&nobody), [""; 0]);
        let address = header(&["ada@example.com, 2026."], "Last-Translator: <ada@example.com>\n");
        assert_eq!(translators(&address), [""; 0]);
    }
}
