//! Steps of the tests that take minutes are not run again while nothing has changed since they passed: no file, no compiler, no tool.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use measure::files::write_atomically;
use sha2::{Digest, Sha256};

use crate::workspace::Workspace;

/// What a step's outcome may depend on beside the files of the project: where it is found, and what it says of its version.
const TOOLS: &[(&str, &str)] = &[
    ("cargo", "--version"),
    ("rustc", "--version"),
    ("cc", "--version"),
    ("python3", "--version"),
    ("python3.11", "--version"),
    ("python3.12", "--version"),
    ("python3.13", "--version"),
    ("python3.13t", "--version"),
    ("python3.14", "--version"),
    ("python3.14t", "--version"),
    ("python3.15", "--version"),
    ("python3.15t", "--version"),
    ("node", "--version"),
    ("npm", "--version"),
    ("go", "version"),
    ("msgcat", "--version"),
    ("redis-server", "--version"),
    ("postgres", "--version"),
    ("hyperfine", "--version"),
    ("chromium", "--version"),
    ("chromium-browser", "--version"),
    ("google-chrome", "--version"),
    ("google-chrome-stable", "--version"),
];

/// Say what may be skipped and what must not be, or which tool is taken.
const VARIABLES: &[&str] = &[
    "REQUIRE_SERVICES",
    "REQUIRE_BROWSER",
    "CHROMIUM",
    "RUSTC",
    "RUSTFLAGS",
    "KILLS",
];

/// All that a step's outcome depends on.
pub struct Inputs(Sha256);

impl Inputs {
    /// The files of the project at these places, folders with all below them; everything where there is none.
    pub fn of(workspace: &Workspace, places: &[&str]) -> Result<Inputs> {
        let mut inputs = Inputs(Sha256::new());
        for name in files(&workspace.root, places)? {
            let path = workspace.root.join(&name);
            // A file that is gone is still listed until that is committed.
            let contents = match std::fs::read(&path) {
                Ok(contents) => contents,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            };
            inputs.add(name.as_os_str());
            inputs.0.update(Sha256::digest(contents));
        }
        for (tool, version) in TOOLS {
            let Some(path) = on_path(tool) else {
                continue;
            };
            let said = Command::new(&path)
                .arg(version)
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .output();
            inputs.add(path);
            inputs
                .0
                .update(said.map_or_else(|_| Vec::new(), |output| output.stdout));
        }
        for name in VARIABLES {
            inputs.add(name);
            inputs.add(std::env::var_os(name).unwrap_or_default());
        }
        // Interpreters that were built here are preferred; Debian keeps what starts a database away from PATH.
        for folder in [&workspace.target.join("pythons"), Path::new("/usr/lib/postgresql")] {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
            names.sort();
            names.iter().for_each(|name| inputs.add(name));
            inputs.add("");
        }
        Ok(inputs)
    }

    /// And all files below a folder, in order.
    pub fn and_below(mut self, folder: &Path) -> Result<Inputs> {
        let reading = || format!("cannot read {}", folder.display());
        let entries = std::fs::read_dir(folder).with_context(reading)?;
        let mut paths = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<Vec<PathBuf>>>()
            .with_context(reading)?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self = self.and_below(&path)?;
            } else {
                self.add(&path);
                self.0
                    .update(Sha256::digest(std::fs::read(&path).with_context(reading)?));
            }
        }
        Ok(self)
    }

    fn add(&mut self, text: impl AsRef<OsStr>) {
        self.0.update(text.as_ref().as_encoded_bytes());
        self.0.update([0]);
    }

    fn hash(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What is written down of a step that passed.
pub struct Passed {
    path: PathBuf,
    inputs: String,
}

impl Passed {
    pub fn new(workspace: &Workspace, step: &str, inputs: Inputs) -> Passed {
        Passed {
            path: workspace.target.join("tests").join(format!("{step}.passed")),
            inputs: inputs.hash(),
        }
    }

    /// What the step said when it passed with the same inputs.
    pub fn before(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let (inputs, summary) = text.split_once('\n')?;
        (inputs == self.inputs).then(|| summary.trim_end().to_owned())
    }

    /// It has passed.
    pub fn keep(&self, summary: &str) -> Result<()> {
        write_atomically(&self.path, format!("{}\n{summary}\n", self.inputs))
    }
}

/// Those that Git knows and those that it does not ignore, in order.
fn files(root: &Path, places: &[&str]) -> Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"])
        .args(places)
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .context("cannot start git")?;
    ensure!(output.status.success(), "this is no checkout of git");
    let listed = String::from_utf8(output.stdout).context("a file whose name is no text")?;
    let mut names: Vec<PathBuf> = listed.split_terminator('\0').map(PathBuf::from).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

fn on_path(tool: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(tool))
        .find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout() -> (tempfile::TempDir, Workspace) {
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new("git")
            .args(["init", "--quiet"])
            .current_dir(&folder)
            .status();
        assert!(made.unwrap().success());
        std::fs::write(folder.path().join(".gitignore"), "target\n").unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/one.md"), "one").unwrap();
        std::fs::write(folder.path().join("two.md"), "two").unwrap();
        let workspace = Workspace {
            root: folder.path().to_owned(),
            target: folder.path().join("target"),
        };
        (folder, workspace)
    }

    fn passed(workspace: &Workspace) -> Passed {
        Passed::new(workspace, "step", Inputs::of(workspace, &["src"]).unwrap())
    }

    #[test]
    fn a_step_is_run_again_when_one_of_its_files_has_changed() {
        let (folder, workspace) = checkout();
        assert_eq!(passed(&workspace).before(), None);
        passed(&workspace).keep("3 things").unwrap();
        std::fs::write(folder.path().join("two.md"), "another").unwrap();
        assert_eq!(passed(&workspace).before().as_deref(), Some("3 things"));

        std::fs::write(folder.path().join("src/one.md"), "One").unwrap();
        assert_eq!(passed(&workspace).before(), None);
        passed(&workspace).keep("3 things").unwrap();
        std::fs::rename(folder.path().join("src/one.md"), folder.path().join("src/three.md")).unwrap();
        assert_eq!(passed(&workspace).before(), None);
        passed(&workspace).keep("3 things").unwrap();
        std::fs::create_dir_all(folder.path().join("target/pythons/3.14.0")).unwrap();
        assert_eq!(passed(&workspace).before(), None);
    }

    #[test]
    fn what_is_below_a_folder_counts_whether_or_not_git_ignores_it() {
        let (folder, workspace) = checkout();
        let built = folder.path().join("target/book/en");
        std::fs::create_dir_all(&built).unwrap();
        let passed = || {
            let inputs = Inputs::of(&workspace, &["src"]).unwrap();
            let inputs = inputs.and_below(&folder.path().join("target/book")).unwrap();
            Passed::new(&workspace, "step", inputs)
        };
        std::fs::write(built.join("page.html"), "one").unwrap();
        passed().keep("").unwrap();
        assert!(passed().before().is_some());
        std::fs::write(built.join("page.html"), "two").unwrap();
        assert!(passed().before().is_none());
        let inputs = Inputs::of(&workspace, &["src"]).unwrap();
        assert!(inputs.and_below(&folder.path().join("gone")).is_err());
    }

    #[test]
    fn without_git_nothing_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace {
            root: folder.path().to_owned(),
            target: folder.path().join("target"),
        };
        assert!(Inputs::of(&workspace, &[]).is_err());
    }
}
