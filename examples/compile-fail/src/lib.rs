//! Programs that must not compile, `NAME.rs` beside this crate's manifest, and what the compiler said of each, `NAME.stderr`: the book shows
//! both by `{{#compile_fail NAME}}`. The test `messages` holds them to it.
//!
//! Compilers word their messages differently from release to release, and quote the standard library only where its sources are installed.
//! Word for word, then, messages are compared only where they were recorded ([`Compiler::recorded`]); with any other compiler each program
//! still has to be refused for the same errors ([`errors`]).

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What decides the words of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compiler {
    /// As in `rustc 1.95.0`.
    pub release: String,
    /// Whether the component `rust-src` is installed, of which messages quote lines.
    pub sources: bool,
}

impl Compiler {
    /// The one that Cargo would call here. Fails with a sentence where there is none.
    pub fn installed() -> Result<Compiler, String> {
        let rustc = std::env::var_os("RUSTC")
            .unwrap_or_else(|| OsString::from("rustc"));
        let ask = |argument: &[&str]| {
            let output = Command::new(&rustc)
                .args(argument)
                .output()
                .map_err(|error| {
                    format!("cannot start {}: {error}", rustc.display())
                })?;
            match output.status.success() {
                true => {
                    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
                }
                false => Err(format!(
                    "`{} {}`: {}",
                    rustc.display(),
                    argument.join(" "),
                    output.status
                )),
            }
        };
        let version = ask(&["-vV"])?;
        let release = version
            .lines()
            .find_map(|line| line.strip_prefix("release: "))
            .ok_or_else(|| {
                format!("`{} -vV` names no release", rustc.display())
            })?;
        let sysroot = PathBuf::from(ask(&["--print", "sysroot"])?.trim_end());
        Ok(Compiler {
            release: format!("rustc {release}"),
            sources: sysroot.join("lib/rustlib/src/rust/library").is_dir(),
        })
    }

    /// The one whose words are on record in `folder`, which never has the sources.
    pub fn recorded(folder: &Path) -> Result<Compiler, String> {
        let path = record(folder);
        let release = std::fs::read_to_string(&path).map_err(|error| {
            format!("cannot read {}: {error}", path.display())
        })?;
        Ok(Compiler {
            release: release.trim().to_owned(),
            sources: false,
        })
    }
}

impl fmt::Display for Compiler {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self.sources {
            true => write!(formatter, "{} with rust-src", self.release),
            false => write!(formatter, "{}", self.release),
        }
    }
}

/// The file that names the recorded compiler, in one line. The book shows it above each message.
pub fn record(folder: &Path) -> PathBuf {
    folder.join("compiler.txt")
}

/// The files of `folder` with an extension, by name.
pub fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let mut files: Vec<PathBuf> = entries
        .map_err(|error| {
            format!("cannot read {}: {error}", folder.display())
        })?
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension().is_some_and(|found| found == extension)
        })
        .collect();
    files.sort();
    Ok(files)
}

/// What a message reports, without its words: `error[E0277]`, and `error` where it carries no code. Sorted, each once.
pub fn errors(message: &str) -> Vec<&str> {
    let mut errors: Vec<&str> = message
        .lines()
        .filter(|line| line.starts_with("error"))
        .filter_map(|line| line.split_once(": "))
        .map(|(kind, _)| kind)
        .collect();
    errors.sort_unstable();
    errors.dedup();
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_their_codes() {
        let message = "error[E0499]: cannot borrow `x: y` twice\n --> a.rs:1:1\n  |\n\nwarning: unused\n\nerror: future cannot be sent\n\
                       note: error[E0000]: in a note\n\nerror[E0499]: again\nerror[E0277]: `x`\n";
        assert_eq!(
            errors(message),
            ["error", "error[E0277]", "error[E0499]"]
        );
        assert_eq!(errors("warning: unused\n"), [""; 0]);
    }

    #[test]
    fn every_recorded_message_reports_an_error_and_belongs_to_a_program() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let messages = files(folder, "stderr").unwrap();
        assert!(!messages.is_empty());
        for path in messages {
            let message = std::fs::read_to_string(&path).unwrap();
            assert_ne!(errors(&message), [""; 0], "{}", path.display());
            let program = path.with_extension("rs");
            assert!(
                program.is_file(),
                "{} has no program: remove it",
                path.display()
            );
        }
    }

    #[test]
    fn the_compiler_at_work_and_the_recorded_one_are_known() {
        for compiler in [
            Compiler::installed().unwrap(),
            Compiler::recorded(Path::new(env!("CARGO_MANIFEST_DIR")))
                .unwrap(),
        ] {
            let version = compiler.release.strip_prefix("rustc ").unwrap();
            assert!(
                version.starts_with(|c: char| c.is_ascii_digit()),
                "{compiler}"
            );
        }
    }
}
