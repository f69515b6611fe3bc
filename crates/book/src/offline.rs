//! The worker that keeps an edition for reading without a network: `offline.js` with the list of the edition's files and their hashes.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::search;

/// Of the folder of an edition.
pub(crate) const WORKER: &str = "worker.js";

const SCRIPT: &str = include_str!("offline.js");
const FILES: &str = "const FILES = {};";
const VERSION: &str = "const VERSION = '';";

/// Pages that are long and whose text is in others.
const LEFT_OUT: &[&str] = &["print.html", "toc.html"];

/// Writes the worker of an edition whose files are all there. The same files give the same worker, so that browsers see a change where
/// there is one.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let mut files = BTreeMap::new();
    collect(folder, folder, &mut files)?;
    let list = serde_json::to_string(&files)?;
    let version = short(list.as_bytes());
    ensure!(
        SCRIPT.contains(FILES) && SCRIPT.contains(VERSION),
        "offline.js has no place for its files"
    );
    let worker = SCRIPT.replacen(FILES, &format!("const FILES = {list};"), 1).replacen(
        VERSION,
        &format!("const VERSION = '{version}';"),
        1,
    );
    let path = folder.join(WORKER);
    std::fs::write(&path, worker).with_context(|| format!("cannot write {}", path.display()))
}

fn collect(edition: &Path, folder: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    let in_folder = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(in_folder)? {
        let path = entry.with_context(in_folder)?.path();
        if path.is_dir() {
            collect(edition, &path, files)?;
            continue;
        }
        let below: Vec<_> = path
            .strip_prefix(edition)?
            .iter()
            .map(|part| part.to_string_lossy())
            .collect();
        let below = below.join("/");
        let kept = below != WORKER && !LEFT_OUT.contains(&below.as_str()) && !is_other_stem(&below);
        if kept {
            let contents = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(below, short(&contents));
        }
    }
    Ok(())
}

/// Pagefind's words of no language in particular, which it loads only where it has none of the page's.
fn is_other_stem(below: &str) -> bool {
    below == format!("{}/wasm.unknown.pagefind", search::FOLDER)
}

/// The first eight bytes in hexadecimal: enough to tell one build from another.
fn short(contents: &[u8]) -> String {
    Sha256::digest(contents)[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(folder: &Path) -> String {
        write(folder).unwrap();
        std::fs::read_to_string(folder.join(WORKER)).unwrap()
    }

    #[test]
    fn the_worker_changes_with_the_files_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("css")).unwrap();
        std::fs::write(folder.path().join("index.html"), "<p>1</p>").unwrap();
        std::fs::write(folder.path().join("print.html"), "all").unwrap();
        std::fs::write(folder.path().join("css").join("a b.css"), "p {}").unwrap();
        let first = worker(folder.path());
        assert!(
            first.contains("\"css/a b.css\":\"") && first.contains("\"index.html\":\""),
            "{first}"
        );
        assert!(
            !first.contains("print.html") && !first.contains("\"worker.js\""),
            "{first}"
        );
        assert_eq!(first, worker(folder.path()));
        std::fs::write(folder.path().join("index.html"), "<p>2</p>").unwrap();
        assert_ne!(first, worker(folder.path()));
    }

    #[test]
    fn a_hash_is_what_the_worker_computes() {
        // SHA-256 of the empty string, as FIPS 180-4 has it, begins like this.
        assert_eq!(short(b""), "e3b0c44298fc1c14");
    }
}
