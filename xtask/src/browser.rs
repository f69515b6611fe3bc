//! The pages in a real browser: `xtask/browser/` by Node.js and playwright-core, in the Chromium of this machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::npm::Packages;
use crate::workspace::Workspace;

/// What browsers of Chromium's kind are called; the environment may name another.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const NAMED: &str = "CHROMIUM";

/// Set where a missing browser is a mistake and not a reason to skip.
const REQUIRED: &str = "REQUIRE_BROWSER";

/// Begins what is said of a skipped test.
pub const SKIPPED: &str = "SKIPPED";

const INSTALL: &str = "Debian and Ubuntu: `apt-get install chromium nodejs npm`";

/// What the tests of pages need.
pub struct Browser {
    chromium: PathBuf,
    /// Holds the tests beside their packages, where Node.js looks for these.
    folder: PathBuf,
}

impl Browser {
    /// Installs packages where they are missing; says what else is.
    pub fn find(workspace: &Workspace) -> Result<Browser, String> {
        let chromium = chromium().ok_or_else(|| format!("there is no Chromium here ({INSTALL}, or set {NAMED})"))?;
        let node = Command::new("node").arg("--version").stdin(Stdio::null()).output();
        if !node.is_ok_and(|output| output.status.success()) {
            return Err(format!("there is no Node.js here ({INSTALL})"));
        }
        let pinned = workspace.root.join("xtask").join("browser");
        let folder = workspace.target.join("browser");
        Packages::new(pinned.clone(), folder.clone(), "playwright-core")
            .install()
            .map_err(|why| format!("{why} ({INSTALL})"))?;
        copy_scripts(&pinned, &folder).map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
        Ok(Browser { chromium, folder })
    }

    /// A script of `xtask/browser/` with the book that was built.
    pub fn command(&self, workspace: &Workspace) -> Command {
        let mut command = Command::new("node");
        command
            .current_dir(&self.folder)
            .env(NAMED, &self.chromium)
            .env("BOOK", workspace.output())
            .stdin(Stdio::null());
        command
    }
}

fn chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(NAMED) {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    NAMES
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|candidate| candidate.is_file())
}

fn copy_scripts(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "mjs") {
            std::fs::copy(&path, to.join(path.file_name().unwrap_or_default()))?;
        }
    }
    Ok(())
}

/// Every page of the editions that were built before, in the browser. Skipped with a word where there is none, unless it is required.
pub fn test(workspace: &Workspace) -> Result<String> {
    let browser = match Browser::find(workspace) {
        Ok(browser) => browser,
        Err(why) => {
            let required = std::env::var_os(REQUIRED).is_some_and(|value| value == "1");
            ensure!(!required, "{why}; {REQUIRED} is set");
            return Ok(format!("{SKIPPED}: {why}"));
        }
    };
    let status = browser
        .command(workspace)
        .args(["--test", "--test-reporter=dot", "--test-concurrency=1"])
        .args(scripts(&browser.folder)?)
        .status()
        .context("cannot start Node.js")?;
    ensure!(
        status.success(),
        "tests in the browser failed; their messages stand above"
    );
    Ok("all pages, in both languages".to_owned())
}

fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut scripts = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            scripts.push(path);
        }
    }
    scripts.sort();
    ensure!(!scripts.is_empty(), "there are no tests in {}", folder.display());
    Ok(scripts)
}
