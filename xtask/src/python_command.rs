//! `cargo xtask python`: builds an interpreter whose results can be published.

use std::path::PathBuf;

use anyhow::Result;
use measure::process;
use measure::python::build::{self, Wanted};

use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Arguments {
    /// Minor version, such as 3.13 [default: the newest release whose source can be had]
    #[arg(value_parser = minor, conflicts_with = "tarball")]
    version: Option<(u32, u32)>,
    /// Build from this source tarball, and fetch nothing
    #[arg(long, value_name = "PATH")]
    tarball: Option<PathBuf>,
    /// Build it without the global interpreter lock
    #[arg(long)]
    free_threaded: bool,
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    ctrlc::set_handler(process::interrupt)?;
    let wanted = Wanted {
        minor: arguments.version,
        tarball: arguments.tarball.clone(),
        free_threaded: arguments.free_threaded,
    };
    let interpreter = build::ensure(&workspace.target, &wanted, &|text| eprintln!("{text}"))?;
    println!("{}", interpreter.described());
    Ok(())
}

/// `3.13`.
fn minor(text: &str) -> Result<(u32, u32), String> {
    let parse = || {
        let (first, second) = text.split_once('.')?;
        Some((first.parse().ok()?, second.parse().ok()?))
    };
    parse().ok_or_else(|| format!("`{text}` is not a minor version such as 3.13"))
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn a_minor_version_has_two_numbers() {
        assert_eq!(minor("3.13"), Ok((3, 13)));
        for wrong in ["3", "3.13.1", "3.13t", ".13", "python3.13"] {
            assert!(minor(wrong).is_err(), "{wrong}");
        }
    }
}
