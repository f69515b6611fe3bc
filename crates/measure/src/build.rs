//! Release builds of the Rust programs and of the harness's own peers, and the versions that went into them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The program that needs Tokio's paused clock, which costs every other program a look at each reading of the time.
const VIRTUAL_TIME: [&str; 6] = [
    "--package",
    "price-of-await",
    "--example",
    "virtual-hour",
    "--features",
    "virtual-time",
];

/// Where the built programs lie.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds everything that a measurement runs, with `--release --locked`. Cargo's own progress goes to the terminal.
    pub fn build(root: &Path, target: &Path) -> Result<Binaries> {
        // Calls of their own: in one, features that only the harness or only one program asks for would be switched on for all.
        for arguments in [
            ["--package", "price-of-await", "--examples"].as_slice(),
            VIRTUAL_TIME.as_slice(),
            ["--package", "measure", "--bins"].as_slice(),
        ] {
            let status = Command::new(cargo())
                .current_dir(root)
                .args(["build", "--release", "--locked"])
                .args(arguments)
                .arg("--target-dir")
                .arg(target)
                .stdin(Stdio::null())
                .status()
                .context(NO_RUST)?;
            ensure!(
                status.success(),
                "`cargo build --release --locked {}` failed; its messages stand above",
                arguments.join(" ")
            );
        }
        Ok(Binaries {
            folder: target.join("release"),
        })
    }

    /// Binaries that were built before into `folder`, a `target/release`.
    pub fn at(folder: PathBuf) -> Binaries {
        Binaries { folder }
    }

    /// A Rust program of an experiment: `main.rs` is called like its folder, any other source like folder and file. `../other/main.rs` is
    /// the program of another experiment.
    pub fn example(&self, experiment: &str, file: &str) -> PathBuf {
        let beside = file.strip_prefix("../").and_then(|path| path.split_once('/'));
        let (experiment, file) = beside.unwrap_or((experiment, file));
        let stem = file.strip_suffix(".rs").unwrap_or(file);
        let name = if stem == "main" {
            experiment.to_owned()
        } else {
            format!("{experiment}-{stem}")
        };
        self.folder.join("examples").join(name)
    }

    /// One of the harness's own programs: `load-generator`, `delay-server`.
    pub fn own(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// What is said where cargo or rustc cannot be started.
pub const NO_RUST: &str = "cannot start cargo or rustc; install a Rust toolchain, or put the folder of the one that is here on the PATH \
                           (`. ~/.cargo/env`, where rustup put it)";

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The compiler's version: `rustc 1.95.0 (59807616e 2026-04-14)`.
pub fn rustc_version(root: &Path) -> Result<String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .current_dir(root)
        .arg("--version")
        .output()
        .context(NO_RUST)?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_called_like_its_folder_and_file() {
        let binaries = Binaries::at("release".into());
        let name = |file| binaries.example("large", file).file_name().unwrap().to_owned();
        assert_eq!(name("main.rs"), "large");
        assert_eq!(name("threads.rs"), "large-threads");
        assert_eq!(name("../small/main.rs"), "small");
        assert_eq!(name("../small/threads.rs"), "small-threads");
    }
}
