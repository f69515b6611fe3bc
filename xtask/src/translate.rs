//! `cargo xtask translate`: the catalogs under `po/`.

use std::io::{ErrorKind, Write};

use anyhow::{Result, bail};
use book::catalog::{self, Count, Given, Progress, Report, Severity, Texts};
use book::{Language, Site};
use serde_json::json;

use crate::dictionary;
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Add a language as a draft: its catalog and its entry in po/languages.toml
    New(New),
    /// Refresh the catalogs from the chapters; what is translated stays
    Update {
        /// Languages, as in po/languages.toml [default: all]
        languages: Vec<String>,
    },
    /// Say how far the translations are, chapter by chapter
    Status {
        /// Languages, as in po/languages.toml [default: all]
        languages: Vec<String>,
        /// Print JSON: a list of languages, each with code, name, status (draft, complete), translated, fuzzy, missing, words_left (of
        /// the source text), obsolete, translators, and parts: the same counts for each chapter (source, title) and at last, with source
        /// null, for what is in no chapter
        #[arg(long)]
        json: bool,
    },
    /// Say what is missing, wrong or doubtful in the catalogs, with line and what to do
    Check {
        /// Languages, as in po/languages.toml [default: all]
        languages: Vec<String>,
        /// Fail on warnings too, and where something could not be checked
        #[arg(long)]
        strict: bool,
        /// Print one JSON object, for other programs
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
pub struct New {
    /// Of BCP 47: `fr`, `pt-BR`
    code: String,
    /// What its speakers call it [default: as ISO 639 and CLDR know it]
    #[arg(long)]
    name: Option<String>,
    /// Between units and tenths [default: CLDR's]
    #[arg(long, value_name = "MARK")]
    decimal: Option<char>,
    /// Between groups of three digits [default: CLDR's]
    #[arg(long, value_name = "MARK")]
    thousands: Option<char>,
    /// For the catalog's header, as in `nplurals=2; plural=(n != 1);` [default: CLDR's]
    #[arg(long, value_name = "FORMS")]
    plural_forms: Option<String>,
}

pub fn run(workspace: &Workspace, command: &Command) -> Result<()> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    match command {
        Command::New(new) => {
            let given = Given {
                name: new.name.clone(),
                decimal: new.decimal,
                thousands: new.thousands,
                plural_forms: new.plural_forms.clone(),
            };
            let added = catalog::new(&site, &library, &new.code, &given)?;
            println!(
                "{}: {} messages to translate; {} lists {} as a draft",
                workspace.shown(&added.catalog),
                added.messages,
                workspace.shown(&site.languages_path()),
                added.name
            );
            println!(
                "Translate in any PO editor while `cargo xtask serve --translate {code}` shows the pages; `cargo xtask translate status {code}` says how far you are",
                code = added.code
            );
        }
        Command::Status { languages, json } => {
            let texts = Texts::read(&site, &library)?;
            let progress = catalog::progress(&site, &texts, chosen(&site, languages)?)?;
            let text = match json {
                true => serde_json::to_string_pretty(&progress)? + "\n",
                false => progress.iter().map(table).collect::<Vec<_>>().join("\n"),
            };
            match std::io::stdout().lock().write_all(text.as_bytes()) {
                // `head` has read enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
                written => written?,
            }
        }
        Command::Update { languages } => {
            for language in chosen(&site, languages)? {
                let summary = catalog::update(&site, &library, language)?;
                println!(
                    "{}: {} entries: {} translated, {} to look at again, {} missing; {} kept that the book no longer uses",
                    workspace.shown(&site.catalog_path(language)),
                    summary.messages,
                    summary.translated,
                    summary.fuzzy,
                    summary.missing,
                    summary.obsolete
                );
            }
        }
        Command::Check {
            languages,
            strict,
            json,
        } => {
            let dictionaries = dictionary::all(workspace, &site);
            let mut report = Report::default();
            for language in chosen(&site, languages)? {
                report.extend(catalog::check(&site, &library, language, &dictionaries)?);
            }
            if *json {
                println!("{:#}", as_json(&report));
            } else {
                print(&report);
            }
            let (errors, warnings, skipped) = (report.errors(), report.warnings(), report.skipped.len());
            if errors > 0 || (*strict && warnings + skipped > 0) {
                bail!("{}", counts(&report));
            }
            if !*json {
                println!("{}", counts(&report));
            }
        }
    }
    Ok(())
}

/// Warnings first, so that errors stand where the eye is when the command ends.
pub fn print(report: &Report) {
    for severity in [Severity::Warning, Severity::Error] {
        for finding in report.findings.iter().filter(|finding| finding.severity == severity) {
            println!("{finding}");
        }
    }
    for skipped in &report.skipped {
        println!("skipped: {skipped}");
    }
}

/// How many of each there are, in words.
pub fn counts(report: &Report) -> String {
    let count = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    };
    let skipped = match report.skipped.len() {
        0 => String::new(),
        number => format!(", {} skipped", count(number, "check")),
    };
    format!(
        "{}, {}{skipped}",
        count(report.errors(), "error"),
        count(report.warnings(), "warning")
    )
}

fn as_json(report: &Report) -> serde_json::Value {
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            json!({
                "severity": finding.severity.name(),
                "rule": finding.rule,
                "path": finding.diagnostic.path,
                "line": finding.diagnostic.line,
                "message": finding.diagnostic.message,
                "help": finding.diagnostic.help,
                "source": finding.source.as_ref().map(|source| json!({ "path": source.path, "line": source.line })),
            })
        })
        .collect();
    json!({ "findings": findings, "skipped": report.skipped })
}

fn chosen<'a>(site: &'a Site, codes: &[String]) -> Result<Vec<&'a Language>> {
    if codes.is_empty() {
        return Ok(site.translations().collect());
    }
    codes
        .iter()
        .map(|code| {
            let language = site.language(code)?;
            if language.source {
                bail!("`{code}` is the language the chapters are written in; it has no catalog");
            }
            Ok(language)
        })
        .collect()
}

/// A translation as a table for the terminal.
fn table(progress: &Progress) -> String {
    let counts = |Count {
                      translated,
                      fuzzy,
                      missing,
                      words_left,
                  }: &Count| { [translated, fuzzy, missing, words_left].map(ToString::to_string) };
    let mut rows: Vec<(String, [String; 4])> = progress
        .parts
        .iter()
        .map(|part| {
            let name = match &part.source {
                Some(path) => path.display().to_string(),
                None => "titles, labels, interface".to_owned(),
            };
            (name, counts(&part.count))
        })
        .collect();
    rows.push(("in all".to_owned(), counts(&progress.count)));
    let first = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut text = format!("{} ({}), {}", progress.name, progress.code, progress.status);
    if !progress.translators.is_empty() {
        text.push_str(&format!(", by {}", progress.translators.join(", ")));
    }
    text.push('\n');
    let heads = ["translated", "fuzzy", "missing", "words left"];
    let mut line = |name: &str, cells: [&str; 4]| {
        text.push_str(&format!("  {name:first$}"));
        for (head, cell) in heads.iter().zip(cells) {
            text.push_str(&format!("  {cell:>width$}", width = head.len()));
        }
        text.push('\n');
    };
    line("", heads);
    for (name, cells) in &rows {
        line(name, cells.each_ref().map(String::as_str));
    }
    if progress.obsolete > 0 {
        text.push_str(&format!("  {} kept that the book no longer uses\n", progress.obsolete));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let count = |translated, words_left| Count {
            translated,
            fuzzy: 0,
            missing: 1,
            words_left,
        };
        let part = |source: Option<&str>, count| catalog::Part {
            source: source.map(Into::into),
            title: String::new(),
            count,
        };
        let progress = Progress {
            code: "fr".into(),
            name: "Français".into(),
            status: book::Status::Draft,
            count: count(1234, 20),
            obsolete: 2,
            translators: vec!["Jean Valjean".into()],
            parts: vec![part(Some("src/a.md"), count(1, 17)), part(None, count(1233, 3))],
        };
        assert_eq!(
            table(&progress),
            "Français (fr), draft, by Jean Valjean\n\
             \x20                            translated  fuzzy  missing  words left\n\
             \x20 src/a.md                            1      0        1          17\n\
             \x20 titles, labels, interface        1233      0        1           3\n\
             \x20 in all                           1234      0        1          20\n\
             \x20 2 kept that the book no longer uses\n"
        );
    }
}
