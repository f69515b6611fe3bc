//! Where the book and its sources stand on the net, once they do: `homepage` and `repository` under `[workspace.package]` of the root
//! Cargo.toml. What needs an address (canonical links, the site map, the feed, the page for addresses that lead nowhere) is left out
//! while there is none.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

/// The addresses that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Of the folder that holds all editions; ends in `/`.
    pub site: Option<String>,
    pub repository: Option<String>,
}

impl Addresses {
    /// Reads the root's Cargo.toml; a book without one has no address.
    pub fn read(root: &Path) -> Result<Addresses> {
        let path = root.join("Cargo.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => Addresses::parse(&text).with_context(|| format!("in {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Addresses::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn parse(text: &str) -> Result<Addresses> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Manifest {
            workspace: Workspace,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Workspace {
            package: Package,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Package {
            homepage: Option<String>,
            repository: Option<String>,
        }
        let Manifest {
            workspace: Workspace { package },
        } = toml::from_str(text)?;
        for (name, address) in [("homepage", &package.homepage), ("repository", &package.repository)] {
            if let Some(address) = address {
                ensure!(
                    address.starts_with("https://") && !address.contains(['"', '<', '>', ' ', '?', '#']),
                    "`{name}` of [workspace.package] is `{address}`; expected the address of a folder, as in \
                     {name} = \"https://example.org/book/\""
                );
            }
        }
        Ok(Addresses {
            site: package
                .homepage
                .map(|address| format!("{}/", address.trim_end_matches('/'))),
            repository: package.repository,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_may_be_unset() {
        assert_eq!(
            Addresses::parse("[package]\nname = \"x\"").unwrap(),
            Addresses::default()
        );
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Addresses::read(folder.path()).unwrap(), Addresses::default());
    }

    #[test]
    fn the_site_is_a_folder() {
        let text =
            "[workspace.package]\nhomepage = \"https://example.org/book\"\nrepository = \"https://example.org/git\"";
        let addresses = Addresses::parse(text).unwrap();
        assert_eq!(addresses.site.as_deref(), Some("https://example.org/book/"));
        assert_eq!(addresses.repository.as_deref(), Some("https://example.org/git"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "example.org",
            "https://example.org/?a",
            "javascript:alert(1)",
            "https://e\\\"x",
        ] {
            let text = format!("[workspace.package]\nhomepage = \"{wrong}\"");
            let error = Addresses::parse(&text).unwrap_err().to_string();
            assert!(error.contains("homepage"), "{error}");
        }
    }
}
