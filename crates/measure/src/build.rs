//! Release builds of the Rust programs and of the harness's own peers, and the versions that went into them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Where the built programs lie.
#[derive(Debug, Clone)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds everything that a measurement runs, with `--release --locked`. Cargo's own progress goes to the terminal.
    pub fn build(root: &Path, target: &Path) -> Result<Binaries> {
        // Two calls: in one, features that only the harness asks for would be switched on for the programs as well.
        for arguments in [
            ["--package", "price-of-await", "--examples"].as_slice(),
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
                .context("cannot start cargo")?;
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

    /// A Rust program of an experiment: `main.rs` is called like its folder, any other source like folder and file.
    pub fn example(&self, experiment: &str, file: &str) -> PathBuf {
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

fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The compiler's version: `rustc 1.95.0 (59807616e 2026-04-14)`.
pub fn rustc_version(root: &Path) -> Result<String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .current_dir(root)
        .arg("--version")
        .output()
        .context("cannot start rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Versions of the crates that the example programs name as dependencies, from the lock file.
pub fn crate_versions(root: &Path) -> Result<BTreeMap<String, String>> {
    let read = |name: &str| -> Result<toml::Table> {
        let path = root.join(name);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        text.parse().with_context(|| format!("{} is not TOML", path.display()))
    };
    let manifest = read("Cargo.toml")?;
    let lock = read("Cargo.lock")?;
    let direct = manifest
        .get("dependencies")
        .and_then(|table| table.as_table())
        .context("Cargo.toml has no [dependencies]")?;
    let mut versions = BTreeMap::new();
    for package in lock
        .get("package")
        .and_then(|packages| packages.as_array())
        .context("Cargo.lock has no packages")?
    {
        let field = |name: &str| package.get(name).and_then(|value| value.as_str());
        if let (Some(name), Some(version)) = (field("name"), field("version"))
            && direct.contains_key(name)
        {
            versions.insert(name.to_owned(), version.to_owned());
        }
    }
    Ok(versions)
}

/// The Python packages that `requirements.in` asks for by name.
pub fn direct_python_packages(root: &Path) -> Result<Vec<String>> {
    let path = root.join("requirements.in");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text
        .lines()
        .map(|line| {
            line.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                .collect::<String>()
        })
        .filter(|name| !name.is_empty())
        .collect())
}
