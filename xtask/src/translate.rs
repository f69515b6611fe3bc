//! `cargo xtask translate`: the catalogs under `po/`.

use anyhow::{Result, bail};
use book::catalog::{Report, Severity};
use book::{Language, Site, catalog};
use serde_json::json;

use crate::dictionary;
use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Refresh the catalogs from the chapters; what is translated stays
    Update {
        /// Languages, as in po/languages.toml [default: all]
        languages: Vec<String>,
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

pub fn run(workspace: &Workspace, command: &Command) -> Result<()> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    match command {
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
        return Ok(site.languages.iter().filter(|language| !language.source).collect());
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
