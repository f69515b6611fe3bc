//! Which packages an experiment's programs reach, directly or not, and in which versions: what may change their speed without a change
//! of their source.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::experiment::{Experiment, Language};

/// Crates that the Rust programs of an experiment reach, with their versions, from `Cargo.lock`. A crate that is locked in several
/// versions has them all, separated by commas.
pub(crate) fn crates_reached(root: &Path, experiment: &Experiment) -> Result<BTreeMap<String, String>> {
    let manifest = read_toml(&root.join("Cargo.toml"))?;
    let direct = manifest
        .get("dependencies")
        .and_then(|table| table.as_table())
        .context("Cargo.toml has no [dependencies]")?;
    let sources = sources(experiment, Language::Rust)?;
    let named = direct.keys().filter(|name| {
        let module = format!("{}::", name.replace('-', "_"));
        sources.iter().any(|source| mentions(source, &module))
    });
    let locked = locked_crates(root)?;
    let extensions = extension_dependencies(experiment)?;
    let mut open: Vec<&str> = named.chain(&extensions).map(String::as_str).collect();
    let mut reached = BTreeMap::new();
    while let Some(name) = open.pop() {
        let Some(entry) = locked.get(name) else { continue };
        let versions = entry.versions.iter().cloned().collect::<Vec<_>>().join(", ");
        if reached.insert(name.to_owned(), versions).is_none() {
            open.extend(entry.dependencies.iter().map(String::as_str));
        }
    }
    Ok(reached)
}

/// What the extension modules of an experiment's Python programs depend on themselves.
fn extension_dependencies(experiment: &Experiment) -> Result<BTreeSet<String>> {
    let folders: BTreeSet<&String> = experiment
        .programs
        .iter()
        .filter_map(|program| program.extension.as_ref())
        .collect();
    let mut names = BTreeSet::new();
    for folder in folders {
        let manifest = read_toml(&experiment.folder.join(folder).join("Cargo.toml"))?;
        let direct = manifest.get("dependencies").and_then(|table| table.as_table());
        names.extend(direct.into_iter().flat_map(|table| table.keys().cloned()));
    }
    Ok(names)
}

/// An installed Python distribution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Distribution {
    pub version: String,
    /// Names of the distributions it requires, whether or not they are installed.
    pub requires: Vec<String>,
}

/// Distributions that the Python programs of an experiment reach, with their versions: what they import, and what that requires, among
/// the `installed`.
pub(crate) fn distributions_reached(
    installed: &BTreeMap<String, Distribution>,
    experiment: &Experiment,
) -> Result<BTreeMap<String, String>> {
    let sources = sources(experiment, Language::Python)?;
    let mut open: Vec<String> = installed
        .keys()
        .filter(|name| {
            let module = name.replace('-', "_");
            sources
                .iter()
                .flat_map(|source| source.lines())
                .any(|line| imports(line, &module))
        })
        .cloned()
        .collect();
    let mut reached = BTreeMap::new();
    while let Some(name) = open.pop() {
        let Some(package) = installed.get(&name) else { continue };
        if reached.insert(name, package.version.clone()).is_none() {
            open.extend(package.requires.iter().cloned());
        }
    }
    Ok(reached)
}

/// Those of the `recorded` packages that the programs of an experiment import themselves, none where a source cannot be read.
pub fn imported<'r>(experiment: &Experiment, recorded: &'r BTreeMap<String, String>) -> Vec<(&'r str, &'r str)> {
    let lines_of = |language| -> Vec<String> {
        let sources = sources(experiment, language).unwrap_or_default();
        sources
            .iter()
            .flat_map(|source| source.lines())
            .map(str::to_owned)
            .collect()
    };
    let (python, rust) = (lines_of(Language::Python), lines_of(Language::Rust));
    recorded
        .iter()
        .filter(|(name, _)| {
            let module = name.replace('-', "_");
            python.iter().any(|line| imports(line, &module)) || rust.iter().any(|line| uses(line, &module))
        })
        .map(|(name, version)| (name.as_str(), version.as_str()))
        .collect()
}

/// Packages that were recorded in a version which is locked no more: name, then, now. A further version beside it, which came in with
/// another package, is no change: those that used the old one still do.
pub fn drift(root: &Path, recorded: &BTreeMap<String, String>) -> Result<Vec<Drift>> {
    let mut now: BTreeMap<String, String> = locked_crates(root)?
        .into_iter()
        .map(|(name, entry)| (name, entry.versions.into_iter().collect::<Vec<_>>().join(", ")))
        .collect();
    let path = root.join("requirements.txt");
    let lock = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    now.extend(locked_distributions(&lock));
    Ok(recorded
        .iter()
        .filter_map(|(name, then)| {
            let now = now.get(name);
            let versions: BTreeSet<&str> = now.iter().flat_map(|now| now.split(", ")).collect();
            let stayed = then.split(", ").all(|version| versions.contains(version));
            (!stayed).then(|| Drift {
                package: name.clone(),
                then: then.clone(),
                now: now.cloned(),
            })
        })
        .collect())
}

/// A package that is not what it was when the results were taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    pub package: String,
    pub then: String,
    /// `None` where it is no longer used at all.
    pub now: Option<String>,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.now.as_deref().unwrap_or("gone");
        write!(f, "{} {} → {now}", self.package, self.then)
    }
}

/// `name==version` of each line of a lock file made by `uv pip compile` or `pip-compile`.
pub(crate) fn locked_distributions(lock: &str) -> BTreeMap<String, String> {
    lock.lines()
        .filter_map(|line| line.split_once("=="))
        .filter(|(name, _)| !name.starts_with([' ', '#']))
        .map(|(name, rest)| {
            let version: String = rest
                .chars()
                .take_while(|c| !c.is_whitespace() && *c != ';' && *c != '\\')
                .collect();
            (name.trim().to_owned(), version)
        })
        .collect()
}

struct LockedCrate {
    versions: BTreeSet<String>,
    dependencies: BTreeSet<String>,
}

fn locked_crates(root: &Path) -> Result<BTreeMap<String, LockedCrate>> {
    let lock = read_toml(&root.join("Cargo.lock"))?;
    let packages = lock.get("package").and_then(|packages| packages.as_array());
    let mut crates: BTreeMap<String, LockedCrate> = BTreeMap::new();
    for package in packages.context("Cargo.lock has no packages")? {
        let field = |name: &str| package.get(name).and_then(|value| value.as_str());
        let (Some(name), Some(version)) = (field("name"), field("version")) else {
            continue;
        };
        let entry = crates.entry(name.to_owned()).or_insert_with(|| LockedCrate {
            versions: BTreeSet::new(),
            dependencies: BTreeSet::new(),
        });
        entry.versions.insert(version.to_owned());
        for dependency in package
            .get("dependencies")
            .and_then(|list| list.as_array())
            .into_iter()
            .flatten()
        {
            // `name`, or `name version` where several are locked.
            if let Some(name) = dependency.as_str().and_then(|text| text.split(' ').next()) {
                entry.dependencies.insert(name.to_owned());
            }
        }
    }
    Ok(crates)
}

fn read_toml(path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse().with_context(|| format!("{} is not TOML", path.display()))
}

fn sources(experiment: &Experiment, language: Language) -> Result<Vec<String>> {
    let mut files: BTreeSet<String> = BTreeSet::new();
    for program in &experiment.programs {
        if program.language == language {
            files.extend(program.sources().map(str::to_owned));
        }
        // An extension module is Rust, whatever imports it.
        if language == Language::Rust {
            files.extend(program.extension_sources().filter(|file| file.ends_with(".rs")));
        }
    }
    files
        .into_iter()
        .map(|file| {
            let path = experiment.folder.join(file);
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        })
        .collect()
}

/// Whether a path that begins with `module` (`tokio::`) stands in the source.
fn mentions(source: &str, module: &str) -> bool {
    source.match_indices(module).any(|(at, _)| {
        let before = source[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// Whether a line of Python imports a module or something from it.
pub fn imports(line: &str, module: &str) -> bool {
    begins(line, &["import ", "from "], module)
}

/// Whether a line of Rust takes in a crate or something from it.
fn uses(line: &str, krate: &str) -> bool {
    begins(line, &["use ", "pub use "], krate)
}

/// Whether a line begins with one of the keywords and then the name, and not only with what begins like it.
fn begins(line: &str, keywords: &[&str], name: &str) -> bool {
    keywords.iter().any(|keyword| {
        line.trim_start()
            .strip_prefix(keyword)
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_followed_through_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("Cargo.toml", "[dependencies]\ntokio = \"1\"\nserde_json = \"1\"\n");
        write(
            "Cargo.lock",
            "[[package]]\nname = \"tokio\"\nversion = \"1.2.0\"\ndependencies = [\"mio 1.0.1\"]\n\
             [[package]]\nname = \"mio\"\nversion = \"1.0.1\"\n[[package]]\nname = \"mio\"\nversion = \"0.8.0\"\n\
             [[package]]\nname = \"serde_json\"\nversion = \"1.0.0\"\n",
        );
        write("requirements.txt", "");
        write(
            "main.rs",
            "use tokio::net; // not_tokio::x, x::serde_json::y\nfn main() {}\n",
        );
        let (mut experiment, _) = crate::results::tests::sample();
        experiment.folder = folder.path().to_owned();
        let reached = crates_reached(folder.path(), &experiment).unwrap();
        let expected = [("mio", "0.8.0, 1.0.1"), ("tokio", "1.2.0")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(reached, BTreeMap::from(expected));

        assert_eq!(
            imported(&experiment, &reached),
            [("tokio", "1.2.0")],
            "mio stands behind tokio"
        );

        assert_eq!(drift(folder.path(), &reached).unwrap(), []);
        // One of mio's two versions came later.
        let before = BTreeMap::from([("mio".to_owned(), "1.0.1".to_owned())]);
        assert_eq!(drift(folder.path(), &before).unwrap(), []);
        let older = BTreeMap::from([
            ("tokio".to_owned(), "1.1.0".to_owned()),
            ("gone".to_owned(), "2".to_owned()),
        ]);
        let drifted = drift(folder.path(), &older).unwrap();
        assert_eq!(drifted.len(), 2);
        assert_eq!((drifted[0].package.as_str(), &drifted[0].now), ("gone", &None));
        assert_eq!(drifted[1].to_string(), "tokio 1.1.0 → 1.2.0");
    }

    #[test]
    fn versions_are_read_from_the_lock() {
        let lock = "aiohttp==3.14.5 \\\n    --hash=sha256:00\nuvloop==0.23.0 ; sys_platform != 'win32' \\\n    --hash=sha256:11\n";
        let versions = locked_distributions(lock);
        assert_eq!(versions["aiohttp"], "3.14.5");
        assert_eq!(versions["uvloop"], "0.23.0");
        assert_eq!(versions.len(), 2);
    }

    #[test]
    fn imports_are_told_from_names_that_only_begin_alike() {
        assert!(imports("import aiohttp", "aiohttp") && imports("    from aiohttp import web", "aiohttp"));
        assert!(!imports("import aiohttp_cors", "aiohttp") && !imports("# import aiohttp", "aiohttp"));
        assert!(uses("    use tokio::net;", "tokio") && uses("use tokio;", "tokio"));
        assert!(!uses("use tokio_util::codec;", "tokio") && !uses("use axum::http;", "http"));
    }
}
