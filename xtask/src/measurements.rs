//! `cargo xtask measurements`: what maintainers do with results.

use anyhow::{Result, bail};
use measure::library::{Library, Measured, own_path};
use measure::publish::{self, Verdict};
use measure::results::Results;

use crate::workspace::Workspace;

#[derive(clap::Subcommand)]
pub enum Command {
    /// Copy what passes the rules from target/measurements/ into measurements/<machine>/
    Publish {
        /// Experiments to publish [default: all]
        experiments: Vec<String>,
    },
    /// Say what is published, what is your own, and what is stale
    Show,
}

pub fn run(workspace: &Workspace, command: &Command) -> Result<()> {
    match command {
        Command::Publish { experiments } => publish(workspace, experiments),
        Command::Show => show(workspace),
    }
}

fn publish(workspace: &Workspace, experiments: &[String]) -> Result<()> {
    let site = workspace.site()?;
    let now = measure::campaign::now();
    let date = now.split('T').next().unwrap_or(&now);
    let mut refused = 0;
    for (experiment, verdict) in publish::publish(&workspace.root, &workspace.target, experiments, date)? {
        match verdict {
            Verdict::Published(path) => {
                println!("{experiment}: published as {}", workspace.shown(&path));
                let machine = path
                    .parent()
                    .and_then(|p| p.file_name())
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                if machine != site.reference_machine {
                    println!(
                        "  the book shows `{}`; to show this machine, set `reference-machine = \"{machine}\"` in book.toml",
                        site.reference_machine
                    );
                }
            }
            Verdict::Refused(reasons) => {
                refused += 1;
                println!("{experiment}: not published, because");
                for reason in reasons {
                    println!("  {reason}");
                }
            }
            Verdict::NothingMeasured => println!("{experiment}: nothing was measured here yet"),
        }
    }
    if refused > 0 {
        bail!("{refused} experiments were not published");
    }
    Ok(())
}

fn show(workspace: &Workspace) -> Result<()> {
    let site = workspace.site()?;
    let library: Library = workspace.published(&site)?;
    println!("reference machine: {}", site.reference_machine);
    for entry in &library.entries {
        let name = &entry.experiment.id;
        match &entry.measured {
            Some(measured) => {
                let results = &measured.results;
                println!(
                    "{name}: published {} ({} sessions of {} rounds, {} runs set aside){}",
                    results.published.as_ref().map_or("without a date", |p| &p.date),
                    results.sessions(),
                    results.campaign.rounds,
                    results.campaign.set_aside.len(),
                    if measured.stale.is_empty() {
                        String::new()
                    } else {
                        format!("; STALE: {}", measured.stale.join(", "))
                    }
                );
                if let Some(drift) = drift(measured) {
                    println!("  warning: {drift}");
                }
            }
            None => println!("{name}: nothing published for this machine"),
        }
        let own = own_path(&workspace.target, name);
        if own.is_file() {
            let results = Results::read(&own)?;
            println!(
                "  your own: {}, {} of {} sessions",
                results.started,
                results.sessions(),
                results.campaign.sessions
            );
        }
    }
    Ok(())
}

/// Packages that are locked in another version than the one measured; `None` where there are none.
pub fn drift(measured: &Measured) -> Option<String> {
    const NAMED: usize = 5;
    let changes: Vec<String> = measured.drift.iter().take(NAMED).map(ToString::to_string).collect();
    let more = measured.drift.len() - changes.len();
    (!changes.is_empty()).then(|| {
        format!(
            "packages changed since it was measured: {}{}; measure again to know whether that matters",
            changes.join(", "),
            if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            }
        )
    })
}
