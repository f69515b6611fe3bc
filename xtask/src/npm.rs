//! Packages of npm, pinned by a package.json and its lock in a folder of the repository and installed below `target/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What pins packages.
const PINNED: &[&str] = &["package.json", "package-lock.json"];

/// The packages that one folder pins.
pub struct Packages {
    /// Holds the pins.
    pinned: PathBuf,
    /// Gets a copy of them, and `node_modules` beside it.
    folder: PathBuf,
    /// What they are for, as in "npm, which installs dictionaries".
    purpose: &'static str,
}

impl Packages {
    pub fn new(pinned: PathBuf, folder: PathBuf, purpose: &'static str) -> Packages {
        Packages {
            pinned,
            folder,
            purpose,
        }
    }

    /// The folder of the packages, if they are installed as they are pinned now.
    pub fn installed(&self) -> Result<Option<PathBuf>, String> {
        let wanted = self.wanted()?;
        Ok(self.are(&wanted).then(|| self.modules()))
    }

    /// The folder of the installed packages; what stands in the way otherwise.
    pub fn install(&self) -> Result<PathBuf, String> {
        let wanted = self.wanted()?;
        let packages = self.modules();
        if self.are(&wanted) {
            return Ok(packages);
        }
        let folder = &self.folder;
        let copied = std::fs::create_dir_all(folder).and_then(|()| {
            PINNED
                .iter()
                .zip(&wanted)
                .try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
        });
        copied.map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
        // Left over from another state of the pins, or from an installation that was interrupted.
        if packages.is_dir() {
            std::fs::remove_dir_all(&packages)
                .map_err(|error| format!("cannot remove {}: {error}", packages.display()))?;
        }
        let output = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"])
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|_| format!("npm, which installs {}, is not here", self.purpose))?;
        if output.status.success() {
            return Ok(packages);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .filter(|line| line.contains("error"))
            .take(2)
            .collect::<Vec<_>>()
            .join(" ");
        Err(format!("`npm ci` in {} failed: {last}", folder.display()))
    }

    fn modules(&self) -> PathBuf {
        self.folder.join("node_modules")
    }

    fn wanted(&self) -> Result<Vec<String>, String> {
        pins(&self.pinned).map_err(|error| format!("cannot read {}: {error}", self.pinned.display()))
    }

    fn are(&self, wanted: &[String]) -> bool {
        // npm writes this last.
        self.modules().join(".package-lock.json").is_file()
            && pins(&self.folder).is_ok_and(|installed| installed == wanted)
    }
}

fn pins(folder: &Path) -> std::io::Result<Vec<String>> {
    PINNED
        .iter()
        .map(|name| std::fs::read_to_string(folder.join(name)))
        .collect()
}
