//! Python in the page: Pyodide, which is CPython compiled to WebAssembly, beside the editions. It is loaded when a reader wants to run a
//! snippet, and not before.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;

/// Beside the editions, which share it. Below it stands a folder for the version, so that a browser never mixes two.
const FOLDER: &str = "python";

/// What a browser asks for to run a snippet of the standard library.
const FILES: &[&str] = &[
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "pyodide-lock.json",
    "python_stdlib.zip",
];

/// Runs one snippet; the page starts it.
const WORKER: &str = "worker.mjs";
const SCRIPT: &str = include_str!("pyodide.mjs");

/// Neither the package nor the library in it brings its licence along, and what is handed on has to name it.
const LICENCES: &str = "LICENSES.txt";

/// The installed npm package `pyodide`.
#[derive(Debug, Clone)]
pub struct Pyodide {
    folder: PathBuf,
    version: String,
}

#[derive(Deserialize)]
struct Package {
    version: String,
}

impl Pyodide {
    /// The package in a folder such as `node_modules/pyodide`.
    pub fn open(folder: &Path) -> Result<Pyodide> {
        let path = folder.join("package.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let package: Package = serde_json::from_str(&text).with_context(|| format!("in {}", path.display()))?;
        Ok(Pyodide {
            folder: folder.to_owned(),
            version: package.version,
        })
    }

    /// The worker's address from a page, from which `up` leads to the folder of its edition.
    pub(crate) fn address(&self, up: &str) -> String {
        format!("{up}../{FOLDER}/{}/{WORKER}", self.version)
    }
}

/// Puts the files beside the editions and removes those of another version.
pub(crate) fn write(pyodide: &Pyodide, output: &Path) -> Result<()> {
    let all = output.join(FOLDER);
    let folder = all.join(&pyodide.version);
    if let Ok(entries) = std::fs::read_dir(&all) {
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {}", all.display()))?.path();
            if path != folder {
                std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
    }
    for name in FILES {
        let from = pyodide.folder.join(name);
        let contents = std::fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        measure::files::write_atomically(&folder.join(name), contents)?;
    }
    measure::files::write_atomically(&folder.join(LICENCES), licences(&pyodide.version))?;
    measure::files::write_atomically(&folder.join(WORKER), SCRIPT)
}

fn licences(version: &str) -> String {
    format!(
        "pyodide.mjs, pyodide.asm.mjs, pyodide.asm.wasm, pyodide-lock.json: Pyodide {version}, Copyright its contributors, under the Mozilla \
         Public License 2.0.\n\
         Licence: https://www.mozilla.org/MPL/2.0/\n\
         Source: https://github.com/pyodide/pyodide/tree/{version}\n\
         \n\
         pyodide.asm.wasm, python_stdlib.zip: CPython and its standard library, Copyright Python Software Foundation, under the PSF License \
         Agreement.\n\
         Licence: https://docs.python.org/3/license.html\n\
         Source: https://github.com/python/cpython\n\
         \n\
         worker.mjs: of this book, under its licence for code.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_another_version_go() {
        let root = tempfile::tempdir().unwrap();
        let package = root.path().join("package");
        std::fs::create_dir(&package).unwrap();
        for name in FILES {
            std::fs::write(package.join(name), *name).unwrap();
        }
        std::fs::write(package.join("package.json"), r#"{ "version": "2.0.0" }"#).unwrap();
        let old = root.path().join(FOLDER).join("1.0.0");
        std::fs::create_dir_all(&old).unwrap();

        let pyodide = Pyodide::open(&package).unwrap();
        assert_eq!(pyodide.address("../"), "../../python/2.0.0/worker.mjs");
        write(&pyodide, root.path()).unwrap();
        let folder = root.path().join(FOLDER).join("2.0.0");
        assert!(!old.exists() && folder.join(WORKER).is_file());
        assert_eq!(std::fs::read_to_string(folder.join(FILES[0])).unwrap(), FILES[0]);
    }

    #[test]
    fn a_package_that_is_not_whole_is_a_mistake() {
        let root = tempfile::tempdir().unwrap();
        assert!(Pyodide::open(root.path()).is_err());
        std::fs::write(root.path().join("package.json"), r#"{ "version": "2.0.0" }"#).unwrap();
        let pyodide = Pyodide::open(root.path()).unwrap();
        let error = write(&pyodide, root.path()).unwrap_err().to_string();
        assert!(error.contains(FILES[0]), "{error}");
    }
}
