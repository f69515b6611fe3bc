//! Dictionaries for the spelling of the translations: npm's packages of Hunspell dictionaries, pinned in `po/dictionaries/`, or those of the
//! system. They are tools of their own licence: nothing of them goes into the book.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Result;
use book::catalog::{Dictionaries, DictionaryFiles};
use book::{Language, Site};

use crate::workspace::Workspace;

/// Where systems keep Hunspell's dictionaries.
const SYSTEM: &[&str] = &[
    "/usr/share/hunspell",
    "/usr/share/myspell",
    "/opt/homebrew/share/hunspell",
    "/usr/local/share/hunspell",
];

/// What pins the packages.
const PINNED: &[&str] = &["package.json", "package-lock.json"];

/// The dictionary of every translation, or how to get it. Installs packages where they are missing and npm is there.
pub fn all(workspace: &Workspace, site: &Site) -> Dictionaries {
    find_all(site, || install(workspace))
}

/// The same with what is here already: nothing is fetched.
pub fn present(workspace: &Workspace, site: &Site) -> Dictionaries {
    find_all(site, || {
        installed(workspace)?
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

/// Where packages go, below `target/`, and the texts that pin them.
struct Pins {
    folder: PathBuf,
    packages: PathBuf,
    wanted: Vec<String>,
}

impl Pins {
    fn read(workspace: &Workspace) -> Result<Pins, String> {
        let pinned = workspace.root.join("po").join("dictionaries");
        let folder = workspace.target.join("dictionaries");
        Ok(Pins {
            wanted: pins(&pinned).map_err(|error| format!("cannot read {}: {error}", pinned.display()))?,
            packages: folder.join("node_modules"),
            folder,
        })
    }

    fn are_met(&self) -> bool {
        // npm writes this last.
        self.packages.join(".package-lock.json").is_file()
            && pins(&self.folder).is_ok_and(|installed| installed == self.wanted)
    }
}

fn pins(folder: &Path) -> std::io::Result<Vec<String>> {
    PINNED
        .iter()
        .map(|name| std::fs::read_to_string(folder.join(name)))
        .collect()
}

/// The folder of the packages, if they are installed as they are pinned now.
fn installed(workspace: &Workspace) -> Result<Option<PathBuf>, String> {
    let pins = Pins::read(workspace)?;
    Ok(pins.are_met().then_some(pins.packages))
}

/// The folder of the installed packages; what stands in the way otherwise.
fn install(workspace: &Workspace) -> Result<PathBuf, String> {
    let pins = Pins::read(workspace)?;
    if pins.are_met() {
        return Ok(pins.packages);
    }
    let Pins {
        folder,
        packages,
        wanted,
    } = pins;
    let copied = std::fs::create_dir_all(&folder).and_then(|()| {
        PINNED
            .iter()
            .zip(&wanted)
            .try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
    });
    copied.map_err(|error| format!("cannot write to {}: {error}", folder.display()))?;
    // Left over from another state of the pins, or from an installation that was interrupted.
    if packages.is_dir() {
        std::fs::remove_dir_all(&packages).map_err(|error| format!("cannot remove {}: {error}", packages.display()))?;
    }
    let output = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|_| "npm, which installs dictionaries, is not here".to_owned())?;
    if output.status.success() {
        return Ok(packages);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .filter(|line| line.contains("error"))
        .take(2)
        .collect::<Vec<_>>()
        .join(" ");
    Err(format!("`npm ci` in {} failed: {last}", folder.display()))
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
