//! The published results as readers can download them: each figure leads to the file that its numbers come from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use measure::library::{Library, Measured, Origin};

/// Beside the editions, which share it.
const FOLDER: &str = "data";

/// Stands in a chapter's links for the folder of the results: where the chapter lies is known when it has become a page.
const MARK: &str = "@data/";

/// Where a chapter's link to results leads, until [`resolve`].
pub(crate) fn reference(measured: &Measured) -> String {
    format!("{MARK}{}", name(measured))
}

/// The links of a page, from which `up` leads to the folder of its edition.
pub(crate) fn resolve(main: &str, up: &str) -> String {
    main.replace(&format!("href=\"{MARK}"), &format!("href=\"{up}../{FOLDER}/"))
}

fn name(measured: &Measured) -> String {
    let results = &measured.results;
    format!("{}/{}.json", results.machine.id, results.experiment)
}

/// Copies every published result below the folder of the editions, and removes what is no longer published.
pub(crate) fn write(library: &Library, output: &Path) -> Result<()> {
    let folder = output.join(FOLDER);
    let mut written = BTreeSet::new();
    let published = library
        .entries
        .iter()
        .flat_map(|entry| entry.measured.iter().chain(&entry.others))
        .filter(|measured| measured.origin == Origin::Published);
    for measured in published {
        let to = folder.join(name(measured));
        let text = std::fs::read_to_string(&measured.path)
            .with_context(|| format!("cannot read {}", measured.path.display()))?;
        measure::files::write_atomically(&to, &text)?;
        written.insert(to);
    }
    remove_others(&folder, &written)
}

fn remove_others(folder: &Path, written: &BTreeSet<PathBuf>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot read {}", folder.display()))?
            .path();
        if path.is_dir() {
            remove_others(&path, written)?;
        } else if !written.contains(&path) {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_from_the_page_to_the_data() {
        let main = "<a href=\"@data/m/echo.json\" download>";
        assert_eq!(resolve(main, ""), "<a href=\"../data/m/echo.json\" download>");
        assert_eq!(resolve(main, "../"), "<a href=\"../../data/m/echo.json\" download>");
    }

    #[test]
    fn what_is_no_longer_published_goes() {
        let output = tempfile::tempdir().unwrap();
        let old = output.path().join(FOLDER).join("m").join("old.json");
        std::fs::create_dir_all(old.parent().unwrap()).unwrap();
        std::fs::write(&old, "{}").unwrap();
        let empty = Library {
            entries: Vec::new(),
            self_check: None,
        };
        write(&empty, output.path()).unwrap();
        assert!(!old.exists());
    }
}
