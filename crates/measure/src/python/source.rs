//! CPython's source as Debian and Ubuntu distribute it, by apt, without touching the system's own configuration.
//!
//! A source package holds upstream's tarball beside the distribution's patches; only the tarball is taken. apt verifies it by the
//! distribution's signature. Package lists and tarballs are kept in a folder below `target/`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::OLDEST;
use crate::process::check_interrupted;

/// A released CPython that the package lists offer. It may still be gone from the mirror: lists and archive are not updated in one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer {
    pub version: (u32, u32, u32),
    /// The source package's own version, as `3.13.5-2`.
    package_version: String,
}

impl Offer {
    fn package(&self) -> String {
        format!("python{}.{}", self.version.0, self.version.1)
    }

    /// From the fields of a source package. None for other packages, and for alphas, betas and release candidates.
    fn parse(package: &str, version: &str) -> Option<Offer> {
        let minor = package.strip_prefix("python3.")?.parse::<u32>().ok()?;
        let (upstream, _) = version.rsplit_once('-')?;
        // `3.15.0~rc2` has a part that is no number.
        let numbers: Vec<u32> = upstream
            .split('.')
            .map(|part| part.parse().ok())
            .collect::<Option<_>>()?;
        match numbers[..] {
            [3, second, third] if second == minor => Some(Offer {
                version: (3, second, third),
                package_version: version.to_owned(),
            }),
            _ => None,
        }
    }
}

/// apt with lists and sources of its own.
pub struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Fetches the package lists of this distribution's releases into `folder` (some 40 MB) and returns what CPython they offer, newest
    /// first.
    ///
    /// # Errors
    /// Where the system is neither Debian nor Ubuntu, has no apt, or reaches none of its mirrors.
    pub fn update(folder: &Path, progress: &dyn Fn(&str)) -> Result<(Apt, Vec<Offer>)> {
        let apt = Apt {
            folder: folder.to_owned(),
        };
        for part in ["lists/partial", "cache/archives/partial", "tarballs"] {
            let path = folder.join(part);
            std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        }
        let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let distribution = Distribution::of(&release)?;
        let mut errors = Vec::new();
        for mirror in mirrors(&distribution)? {
            progress("fetching the lists of source packages");
            let sources: String = distribution
                .suites
                .iter()
                .map(|suite| {
                    let options = distribution.options();
                    format!("deb-src {options}{mirror} {suite} {}\n", distribution.components)
                })
                .collect();
            std::fs::write(folder.join("sources.list"), sources)?;
            // A release that this mirror does not have is reported, and does not keep apt from using the others.
            if let Err(error) = run(apt.command("apt-get").args(["update", "--allow-releaseinfo-change"])) {
                check_interrupted()?;
                errors.push(format!("{error:#}"));
            }
            let offers = apt.offers()?;
            if !offers.is_empty() {
                return Ok((apt, offers));
            }
        }
        bail!(
            "no package list offers CPython's source. Is the package mirror reachable? A tarball can be named with `--tarball PATH`\n{}",
            errors.join("\n")
        )
    }

    /// Fetches a tarball, unless it is there from before.
    pub fn fetch(&self, offer: &Offer) -> Result<PathBuf> {
        let folder = self.folder.join("tarballs");
        let package = offer.package();
        let wanted = format!("{package}={}", offer.package_version);
        run(self.command("apt-get").current_dir(&folder).args([
            "source",
            "--download-only",
            "--only-source",
            &wanted,
        ]))?;
        let (first, second, third) = offer.version;
        let stem = format!("{package}_{first}.{second}.{third}.orig.tar.");
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(&stem) && !name.ends_with(".asc") {
                return Ok(path);
            }
        }
        bail!(
            "apt-get fetched {wanted}, but there is no {stem}* in {}",
            folder.display()
        )
    }

    fn offers(&self) -> Result<Vec<Offer>> {
        let lists =
            run(self
                .command("apt-get")
                .args(["indextargets", "--format", "$(FILENAME)", "Created-By: Sources"]))?;
        let lists: Vec<&str> = lists.lines().filter(|path| !path.is_empty()).collect();
        if lists.is_empty() {
            return Ok(Vec::new());
        }
        // Reads the lists however apt has compressed them.
        let mut child = Command::new("/usr/lib/apt/apt-helper")
            .arg("cat-file")
            .args(lists)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start apt-helper")?;
        let stdout = child.stdout.take().context("apt-helper has no stdout")?;
        let offers = read_offers(BufReader::new(stdout));
        ensure!(
            child.wait()?.success(),
            "apt-helper could not read the package lists in {}; remove that folder and try again",
            self.folder.display()
        );
        offers
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let option = |name: &str, value: &Path| ["-o".to_owned(), format!("{name}={}", value.display())];
        command
            .args(option("Dir::Etc::SourceList", &self.folder.join("sources.list")))
            .args(option("Dir::Etc::SourceParts", Path::new("/dev/null")))
            .args(option("Dir::State::Lists", &self.folder.join("lists")))
            .args(option("Dir::Cache", &self.folder.join("cache")))
            .env("LC_ALL", "C.UTF-8");
        command
    }
}

/// What of the package lists is a released CPython, newest first, each version once.
fn read_offers(lists: impl BufRead) -> Result<Vec<Offer>> {
    let mut offers = BTreeMap::new();
    let mut package = String::new();
    for line in lists.lines() {
        let line = line.context("cannot read the package lists")?;
        if let Some(name) = line.strip_prefix("Package: ") {
            package = name.trim().to_owned();
        } else if let Some(version) = line.strip_prefix("Version: ")
            && let Some(offer) = Offer::parse(&package, version.trim())
            && (offer.version.0, offer.version.1) >= OLDEST
        {
            offers.insert(offer.version, offer);
        }
    }
    Ok(offers.into_values().rev().collect())
}

/// The system that apt belongs to.
#[derive(Debug, PartialEq)]
struct Distribution {
    id: String,
    /// Its releases, by the names that do not age, and the one that is installed, whose Python may be an older one.
    suites: Vec<String>,
    /// Where CPython's packages lie.
    components: &'static str,
}

impl Distribution {
    /// Reads os-release(5).
    fn of(release: &str) -> Result<Distribution> {
        let field = |name: &str| {
            release
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(|value| value.trim_matches('"').to_owned())
        };
        let id = field("ID").unwrap_or_default();
        let (lasting, components): (&[&str], _) = match id.as_str() {
            "debian" => (&["stable", "testing", "unstable"], "main"),
            // Versions beside the release's own are in universe.
            "ubuntu" => (&["devel"], "main universe"),
            _ => bail!(
                "the source is fetched by apt, from Debian or Ubuntu; this system is `{id}`. Name the tarball of a release with \
                 `--tarball PATH`"
            ),
        };
        let suites = field("VERSION_CODENAME")
            .into_iter()
            .chain(lasting.iter().map(|suite| suite.to_string()))
            .collect();
        Ok(Distribution { id, suites, components })
    }

    /// Names the key by which packages are signed, where the system keeps it apart from the keys that apt trusts by itself.
    fn options(&self) -> String {
        ["pgp", "gpg"]
            .iter()
            .map(|kind| format!("/usr/share/keyrings/{}-archive-keyring.{kind}", self.id))
            .find(|path| Path::new(path).is_file())
            .map(|path| format!("[signed-by={path}] "))
            .unwrap_or_default()
    }
}

/// The mirrors that the system is configured to use, that of its own release first.
fn mirrors(distribution: &Distribution) -> Result<Vec<String>> {
    let mut command = Command::new("apt-get");
    command.args(["update", "--print-uris"]).env("LC_ALL", "C.UTF-8");
    let uris = run(&mut command)?;
    let mirrors = read_mirrors(&uris, distribution);
    ensure!(
        !mirrors.is_empty(),
        "apt has no package source configured from which CPython's could be had; see sources.list(5)"
    );
    Ok(mirrors)
}

/// From lines like `'scheme://host/path/dists/suite/InRelease' name 0`.
fn read_mirrors(uris: &str, distribution: &Distribution) -> Vec<String> {
    let mut own = Vec::new();
    let mut others = Vec::new();
    for line in uris.lines() {
        let Some(uri) = line.strip_prefix('\'').and_then(|rest| rest.split('\'').next()) else {
            continue;
        };
        let Some((mirror, suite)) = uri
            .strip_suffix("/InRelease")
            .and_then(|uri| uri.rsplit_once("/dists/"))
        else {
            continue;
        };
        // Updates, backports and security fixes of a release have a hyphen; they may have a mirror of their own.
        let list = if distribution.suites.iter().any(|known| known == suite) {
            &mut own
        } else if suite.contains(['-', '/']) {
            continue;
        } else {
            &mut others
        };
        list.push(mirror.to_owned());
    }
    let mut mirrors: Vec<String> = Vec::new();
    for mirror in own.into_iter().chain(others) {
        if !mirrors.contains(&mirror) {
            mirrors.push(mirror);
        }
    }
    mirrors
}

/// Runs a command of apt to its end and returns what it printed; a failure is told in apt's words.
fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}; name the tarball of a release with `--tarball PATH`"))?;
    check_interrupted()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("E: ")).collect();
        bail!("{}", errors.first().copied().unwrap_or(text.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn released_versions_are_told_from_others() {
        let version = |package, version| Offer::parse(package, version).map(|offer| offer.version);
        assert_eq!(version("python3.13", "3.13.5-2+deb13u5"), Some((3, 13, 5)));
        assert_eq!(version("python3.15", "3.15.0~rc2-1"), None);
        assert_eq!(version("python3.15", "3.15.0~b1-1"), None);
        assert_eq!(version("python3-defaults", "3.13.5-1"), None);
        assert_eq!(version("python3.13-doc", "3.13.5-1"), None);
        assert_eq!(version("python3.13", "3.12.5-1"), None);
    }

    #[test]
    fn lists_are_read_newest_first_and_each_version_once() {
        let lists = "Package: python3.9\nVersion: 3.9.2-1\n\nPackage: python3.13\nBinary: x\nVersion: 3.13.5-2\n\n\
                     Package: zlib\nVersion: 3.14.0-1\n\nPackage: python3.14\nVersion: 3.14.0-4\n\n\
                     Package: python3.13\nVersion: 3.13.15-1\n\nPackage: python3.13\nVersion: 3.13.15-1\n\n\
                     Package: python3.15\nVersion: 3.15.0~a1-1\n";
        let versions: Vec<_> = read_offers(lists.as_bytes())
            .unwrap()
            .into_iter()
            .map(|offer| offer.version)
            .collect();
        assert_eq!(versions, [(3, 14, 0), (3, 13, 15), (3, 13, 5)]);
    }

    #[test]
    fn the_mirror_of_the_own_release_comes_first() {
        let distribution = Distribution::of("ID=debian\nVERSION_CODENAME=\"trixie\"\n").unwrap();
        assert_eq!(distribution.suites, ["trixie", "stable", "testing", "unstable"]);
        let uris = "'https://third.example/repo/dists/nodistro/InRelease' a 0 \n\
                    'http://mirror.example/debian-security/dists/trixie-security/InRelease' b 0 \n\
                    'http://mirror.example/debian/dists/trixie/InRelease' c 0 \n\
                    'http://mirror.example/debian/dists/trixie/main/binary-amd64/Packages.xz' d 0 \n\
                    'http://mirror.example/debian/dists/stable/InRelease' e 0 \n";
        assert_eq!(
            read_mirrors(uris, &distribution),
            ["http://mirror.example/debian", "https://third.example/repo"]
        );
    }

    #[test]
    fn other_systems_are_told_to_name_a_tarball() {
        let error = Distribution::of("ID=fedora\n").unwrap_err().to_string();
        assert!(error.contains("`fedora`") && error.contains("--tarball"), "{error}");
    }
}
