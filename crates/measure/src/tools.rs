//! Compilers and runtimes of the other languages: Go, whose programs are built here, and Node.js.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, Result, ensure};

use crate::experiment::Language;

/// A tool of this machine.
#[derive(Debug, Clone)]
pub struct Tool {
    /// `go` or `node`.
    pub name: &'static str,
    pub path: PathBuf,
    /// As it prints it: `go1.24.4`, `v20.20.2`.
    pub version: String,
}

/// The tools that were looked for, and the programs built with them.
pub struct Tools {
    target: PathBuf,
    go: OnceLock<Result<Tool, String>>,
    node: OnceLock<Result<Tool, String>>,
    /// Go programs by source, built once per call of the harness.
    built: Mutex<BTreeMap<PathBuf, PathBuf>>,
}

impl Tools {
    pub fn new(target: &Path) -> Tools {
        Tools {
            target: target.to_owned(),
            go: OnceLock::new(),
            node: OnceLock::new(),
            built: Mutex::default(),
        }
    }

    /// The tool that programs in this language need, or a word on how to get it.
    ///
    /// # Panics
    /// For Python and Rust, which are no tools in this sense.
    pub fn get(&self, language: Language) -> Result<&Tool, String> {
        let found = match language {
            Language::Go => self.go.get_or_init(|| {
                look_for(
                    "go",
                    "version",
                    "Go is not installed (Debian and Ubuntu: `apt-get install golang-go`)",
                )
            }),
            Language::Node => self.node.get_or_init(|| {
                look_for(
                    "node",
                    "--version",
                    "Node.js is not installed (Debian and Ubuntu: `apt-get install nodejs`)",
                )
            }),
            Language::Python | Language::Rust => panic!("{language} is set up elsewhere"),
        };
        found.as_ref().map_err(Clone::clone)
    }

    /// The binary of a Go program, built below `target/go` if that was not done yet. Go's own cache makes that short the next time.
    ///
    /// # Errors
    /// Where Go is missing, or the program does not compile.
    pub fn go_program(&self, experiment: &str, file: &str, source: &Path) -> Result<PathBuf> {
        let mut built = self.built.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(binary) = built.get(source) {
            return Ok(binary.clone());
        }
        let go = self.get(Language::Go).map_err(anyhow::Error::msg)?;
        let folder = self.target.join("go");
        let stem = file.strip_suffix(".go").unwrap_or(file);
        let binary = folder.join(format!("{experiment}-{stem}"));
        let output = Command::new(&go.path)
            .arg("build")
            // The checkout's path does not enter the binary, nor git's state.
            .args(["-trimpath", "-buildvcs=false", "-o"])
            .arg(&binary)
            .arg(source)
            .env("GOCACHE", folder.join("cache"))
            .env("GOFLAGS", "-mod=mod")
            .env("GOPROXY", "off")
            .env("CGO_ENABLED", "0")
            .stdin(Stdio::null())
            .output()
            .context("cannot start go")?;
        ensure!(
            output.status.success(),
            "{} does not compile:\n{}",
            source.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        built.insert(source.to_owned(), binary.clone());
        Ok(binary)
    }
}

fn look_for(name: &'static str, ask: &str, absent: &str) -> Result<Tool, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for folder in std::env::split_paths(&path) {
        let candidate = folder.join(name);
        if !candidate.is_file() {
            continue;
        }
        let output = Command::new(&candidate).arg(ask).stdin(Stdio::null()).output();
        if let Ok(output) = output
            && output.status.success()
        {
            let text = String::from_utf8_lossy(&output.stdout);
            // `go version go1.24.4 linux/amd64`, `v20.20.2`.
            let version = text
                .split_whitespace()
                .find(|word| word.contains(|c: char| c.is_ascii_digit()));
            return Ok(Tool {
                name,
                path: candidate,
                version: version.unwrap_or("of unknown version").to_owned(),
            });
        }
    }
    Err(absent.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_says_how_to_get_it() {
        let error = look_for("no-such-tool-of-this-book", "--version", "install it so").unwrap_err();
        assert_eq!(error, "install it so");
    }

    #[test]
    fn a_go_program_is_built_once_and_a_broken_one_shows_the_compiler_s_words() {
        let folder = tempfile::tempdir().unwrap();
        let tools = Tools::new(folder.path());
        if let Err(absent) = tools.get(Language::Go) {
            println!("skipped: {absent}");
            return;
        }
        let source = folder.path().join("main.go");
        std::fs::write(&source, "package main\n\nfunc main() { println(\"hello\") }\n").unwrap();
        let binary = tools.go_program("x", "main.go", &source).unwrap();
        let output = Command::new(&binary).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "hello\n");
        std::fs::write(&source, "package main\n\nfunc main() { undefined() }\n").unwrap();
        assert_eq!(tools.go_program("x", "main.go", &source).unwrap(), binary);
        let error = Tools::new(folder.path())
            .go_program("x", "main.go", &source)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("does not compile") && error.contains("undefined"),
            "{error}"
        );
    }
}
