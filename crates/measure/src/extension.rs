//! Extension modules: Rust that Python programs import. maturin, one of the locked packages, makes a wheel of the crate, and the wheel is
//! unpacked into a folder of its own below `target`, which programs find through `PYTHONPATH`: the environment with the locked packages
//! stays as the lock says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result, bail, ensure};

use crate::files::write_atomically;
use crate::python::Environment;

/// The extension modules that were built, by crate.
pub struct Extensions {
    root: PathBuf,
    target: PathBuf,
    built: Mutex<BTreeMap<PathBuf, PathBuf>>,
    /// Variables of the environment that a build does not get.
    withheld: Vec<&'static str>,
}

impl Extensions {
    pub fn new(root: &Path, target: &Path) -> Extensions {
        Extensions {
            root: root.to_owned(),
            target: target.to_owned(),
            built: Mutex::default(),
            withheld: Vec::new(),
        }
    }

    /// The same with a variable of the environment kept from builds, where it is meant for something else.
    pub fn withholding(mut self, variable: &'static str) -> Extensions {
        self.withheld.push(variable);
        self
    }

    /// The folder that holds the module of the crate in `folder`, built on the first call; Cargo's own cache makes that short the next
    /// time. One build is for every Python that has the global interpreter lock: it uses the stable ABI only.
    ///
    /// # Errors
    /// Where it does not compile, or Python is free-threaded: the stable ABI of the versions this book is about does not reach there.
    pub fn ensure(&self, folder: &Path, environment: &Environment) -> Result<PathBuf> {
        ensure!(
            !environment.interpreter.build.free_threaded,
            "a module for the stable ABI cannot be loaded into a free-threaded Python"
        );
        let folder = folder
            .canonicalize()
            .with_context(|| format!("there is no crate in {}", folder.display()))?;
        let mut built = self.built.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(installed) = built.get(&folder) {
            return Ok(installed.clone());
        }
        let installed = self.build(&folder, environment)?;
        built.insert(folder, installed.clone());
        Ok(installed)
    }

    fn build(&self, folder: &Path, environment: &Environment) -> Result<PathBuf> {
        // Apart from everybody else's: PyO3 is built otherwise for an extension than for a program.
        let target = self.target.join("extension");
        let name = folder.strip_prefix(&self.root).unwrap_or(folder);
        let name = name.display().to_string().replace(['/', '\\'], "-");
        let wheels = target.join("wheels").join(&name);
        let installed = target.join("installed").join(&name);
        // Old wheels would be taken for the new one.
        if wheels.exists() {
            std::fs::remove_dir_all(&wheels).with_context(|| format!("cannot remove {}", wheels.display()))?;
        }
        let mut maturin = Command::new(&environment.python);
        for variable in &self.withheld {
            maturin.env_remove(variable);
        }
        run(
            maturin
                .current_dir(&self.root)
                .args(["-m", "maturin", "build", "--release", "--locked", "--manifest-path"])
                .arg(folder.join("Cargo.toml"))
                .arg("--target-dir")
                .arg(&target)
                .arg("--out")
                .arg(&wheels)
                .arg("--interpreter")
                .arg(&environment.python),
            "building the extension module failed",
        )?;
        let mut found: Vec<PathBuf> = std::fs::read_dir(&wheels)
            .with_context(|| format!("cannot read {}", wheels.display()))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "whl"))
            .collect();
        let Some(wheel) = found.pop().filter(|_| found.is_empty()) else {
            bail!("maturin left other than one wheel in {}", wheels.display());
        };
        // Unpacked again only when it changed, so that a run never sees half of it.
        let bytes = std::fs::read(&wheel).with_context(|| format!("cannot read {}", wheel.display()))?;
        let stamp = digest(&bytes);
        let stamp_file = installed.join("complete");
        if std::fs::read_to_string(&stamp_file).is_ok_and(|found| found.trim() == stamp) {
            return Ok(installed);
        }
        if installed.exists() {
            std::fs::remove_dir_all(&installed).with_context(|| format!("cannot remove {}", installed.display()))?;
        }
        run(
            Command::new(&environment.python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--no-input", "--no-index", "--no-deps", "--target"])
                .arg(&installed)
                .arg(&wheel),
            "unpacking the wheel of the extension module failed",
        )?;
        write_atomically(&stamp_file, format!("{stamp}\n"))?;
        Ok(installed)
    }
}

fn digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(command: &mut Command, help: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| help.to_owned())?;
    ensure!(
        output.status.success(),
        "{help}. It said:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}
