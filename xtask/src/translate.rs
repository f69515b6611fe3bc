//! `cargo xtask translate`: the catalogs under `po/`.

use anyhow::{Result, bail};
use book::{Language, Site, catalog};

use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Refresh the catalogs from the chapters; what is translated stays
    Update {
        /// Languages, as in po/languages.toml [default: all]
        languages: Vec<String>,
    },
    /// Say what is missing or wrong in the catalogs, with line and what to do
    Check {
        /// Languages, as in po/languages.toml [default: all]
        languages: Vec<String>,
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
        Command::Check { languages } => {
            let mut found = 0;
            for language in chosen(&site, languages)? {
                for diagnostic in catalog::check(&site, &library, language)? {
                    println!("{diagnostic}");
                    found += 1;
                }
            }
            if found > 0 {
                bail!("{found} places to look at");
            }
            println!("nothing missing, nothing wrong");
        }
    }
    Ok(())
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
