//! Where the checkout is, and where built things go.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use book::Site;
use book::site::OUTPUT;
use measure::library::{Library, Source};

pub struct Workspace {
    pub root: PathBuf,
    pub target: PathBuf,
}

impl Workspace {
    /// The checkout around the current folder: the nearest that holds `book.toml` and `Cargo.toml`.
    pub fn find() -> Result<Workspace> {
        let here = std::env::current_dir().context("the current folder is gone")?;
        let root = here
            .ancestors()
            .find(|folder| folder.join("book.toml").is_file() && folder.join("Cargo.toml").is_file())
            .with_context(|| format!("{} is not inside a checkout of the book", here.display()))?
            .to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(Path::new(&folder))?,
            None => root.join("target"),
        };
        Ok(Workspace { root, target })
    }

    pub fn site(&self) -> Result<Site> {
        let mut site = Site::open(&self.root)?;
        site.output = self.output();
        Ok(site)
    }

    /// Where the editions go: into the checkout, or beside everything else that is built where the checkout cannot be written to.
    pub fn output(&self) -> PathBuf {
        let beside = self.root.join(OUTPUT);
        // Whether it can be written to shows when somebody does: neither its mode nor its owner says that it is mounted read-only.
        let tried = tempfile::tempfile_in(&self.root);
        let refused = |error: std::io::Error| {
            matches!(
                error.kind(),
                ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
            )
        };
        match tried.is_err_and(refused) {
            true => self.target.join(OUTPUT),
            false => beside,
        }
    }

    /// All experiments with the published results of the machines that the book shows.
    pub fn published(&self, site: &Site) -> Result<Library> {
        Library::open(
            &self.root,
            &Source::Published {
                machines: site.reference_machines.clone(),
            },
        )
    }

    /// The same, with the reader's own results in front.
    pub fn own_first(&self, site: &Site) -> Result<Library> {
        Library::open(
            &self.root,
            &Source::OwnFirst {
                target: self.target.clone(),
                machines: site.reference_machines.clone(),
            },
        )
    }

    /// A path as messages show it.
    pub fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}
