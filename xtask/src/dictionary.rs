//! Dictionaries for the spelling of the translations: npm's packages of Hunspell dictionaries, pinned in `po/dictionaries/`, or those of the
//! system. They are tools of their own licence: nothing of them goes into the book.

use std::path::{Path, PathBuf};

use anyhow::Result;
use book::catalog::{Dictionaries, DictionaryFiles};
use book::{Language, Site};

use crate::npm::Packages;
use crate::workspace::Workspace;

/// Where systems keep Hunspell's dictionaries.
const SYSTEM: &[&str] = &[
    "/usr/share/hunspell",
    "/usr/share/myspell",
    "/opt/homebrew/share/hunspell",
    "/usr/local/share/hunspell",
];

/// The dictionary of every translation, or how to get it. Installs packages where they are missing and npm is there.
pub fn all(workspace: &Workspace, site: &Site) -> Dictionaries {
    find_all(site, || packages(workspace).install())
}

/// The same with what is here already: nothing is fetched.
pub fn present(workspace: &Workspace, site: &Site) -> Dictionaries {
    find_all(site, || {
        packages(workspace)
            .installed()?
            .ok_or_else(|| "`cargo xtask translate check` has not installed a dictionary yet".to_owned())
    })
}

fn find_all(site: &Site, packages: impl Fn() -> Result<PathBuf, String>) -> Dictionaries {
    let mut installed = None;
    site.languages
        .iter()
        .filter(|language| !language.source)
        .map(|language| {
            let packages = installed.get_or_insert_with(&packages);
            (language.code.clone(), find(language, packages))
        })
        .collect()
}

fn find(language: &Language, packages: &Result<PathBuf, String>) -> Result<DictionaryFiles, String> {
    let code = &language.code;
    let package = format!("dictionary-{}", code.to_lowercase());
    let why = match packages {
        Ok(folder) => {
            let folder = folder.join(&package);
            let found = DictionaryFiles {
                affixes: folder.join("index.aff"),
                words: folder.join("index.dic"),
            };
            if found.affixes.is_file() && found.words.is_file() {
                return Ok(found);
            }
            format!(
                "po/dictionaries/package.json does not list {package} (if npm has one: `npm install --prefix po/dictionaries --package-lock-only --save-exact {package}`)"
            )
        }
        Err(why) => why.clone(),
    };
    SYSTEM
        .iter()
        .find_map(|folder| in_folder(Path::new(folder), code))
        .ok_or_else(|| {
            format!("{why}; nor has the system a dictionary. Debian and Ubuntu: `apt-get install hunspell-{code}`")
        })
}

/// `it_IT` before `it_CH` before others that begin so.
fn in_folder(folder: &Path, code: &str) -> Option<DictionaryFiles> {
    let code = code.replace('-', "_");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".dic")?.to_owned()))
        .filter(|name| *name == code || name.starts_with(&format!("{code}_")))
        .filter(|name| folder.join(format!("{name}.aff")).is_file())
        .collect();
    let own = format!("{code}_{}", code.to_uppercase());
    names.sort_by_key(|name| (*name != code, *name != own, name.clone()));
    let name = names.first()?;
    Some(DictionaryFiles {
        affixes: folder.join(format!("{name}.aff")),
        words: folder.join(format!("{name}.dic")),
    })
}

fn packages(workspace: &Workspace) -> Packages {
    Packages::new(
        workspace.root.join("po").join("dictionaries"),
        workspace.target.join("dictionaries"),
        "dictionaries",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_of_the_country_of_the_language_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["it_CH", "it_IT", "ita", "pt_BR", "pt_PT"] {
            std::fs::write(folder.path().join(format!("{name}.dic")), "").unwrap();
            std::fs::write(folder.path().join(format!("{name}.aff")), "").unwrap();
        }
        std::fs::write(folder.path().join("de_DE.dic"), "").unwrap();
        let found = |code: &str| {
            let files = in_folder(folder.path(), code)?;
            Some(files.words.file_name()?.to_str()?.to_owned())
        };
        assert_eq!(found("it").as_deref(), Some("it_IT.dic"));
        assert_eq!(found("pt-BR").as_deref(), Some("pt_BR.dic"));
        assert_eq!(found("de"), None);
    }
}
