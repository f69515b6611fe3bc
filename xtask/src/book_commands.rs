//! `cargo xtask build` and `cargo xtask serve`.

use anyhow::Result;
use book::edition;

use crate::dictionary;
use crate::pyodide;
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Build {
    /// The name of a release, as in 1.0.0: each page leads to its copy below releases/ of the book's address, which stays as it is
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
}

#[derive(clap::Args)]
pub struct Serve {
    /// Port on this machine; the next free one where it is taken
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Show your own results where there are some, instead of the published ones
    #[arg(long)]
    own: bool,
    /// Show translators the entry of every paragraph and what is left to do: of one language, or of all
    #[arg(long, value_name = "LANG", num_args = 0..=1)]
    translate: Option<Option<String>>,
}

pub fn build(workspace: &Workspace, arguments: &Build) -> Result<()> {
    let site = workspace.site()?;
    let library = workspace.published(&site)?;
    for entry in &library.entries {
        if let Some(measured) = &entry.measured
            && !measured.stale.is_empty()
        {
            eprintln!(
                "warning: {}: the published results are stale for {}; their values are left out until somebody runs \
                 `cargo xtask measure {}` and `cargo xtask measurements publish`",
                entry.experiment.id,
                measured.stale.join(", "),
                entry.experiment.id
            );
        }
    }
    let options = edition::Options {
        release: arguments.release.clone(),
        ..pyodide::options(workspace)
    };
    let editions = edition::build(&site, &library, &options)?;
    for edition in &editions {
        println!(
            "{} in {:.1} s: {}",
            edition.language.name,
            edition.elapsed.as_secs_f64(),
            workspace.shown(&edition.folder.join("index.html"))
        );
    }
    println!("Open {}", workspace.shown(&site.output.join("index.html")));
    Ok(())
}

pub fn serve(workspace: &Workspace, arguments: &Serve) -> Result<()> {
    let site = workspace.site()?;
    let translating = match &arguments.translate {
        None => Vec::new(),
        Some(Some(code)) => vec![code.clone()],
        Some(None) => {
            let translations = site.languages.iter().filter(|language| !language.source);
            translations.map(|language| language.code.clone()).collect()
        }
    };
    let serve = book::serve::Serve {
        port: arguments.port,
        dictionaries: match translating.is_empty() {
            true => Default::default(),
            false => dictionary::present(workspace, &site),
        },
        translating,
    };
    let open = || {
        let site = workspace.site()?;
        let library = if arguments.own {
            workspace.own_first(&site)?
        } else {
            workspace.published(&site)?
        };
        Ok((site, library))
    };
    book::serve::serve(&site, &serve, open, |line| println!("{line}"))
}
