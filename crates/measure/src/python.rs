//! Which Python runs the programs: the interpreters of this machine, and a virtual environment with the locked packages.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

pub mod build;
mod source;

use crate::files::write_atomically;
use crate::packages::Distribution;
use crate::results::PythonBuild;

/// The oldest Python that the programs run on.
pub(crate) const OLDEST: (u32, u32) = (3, 11);
/// How far up `python3.N` is looked for on the PATH.
const NEWEST_LOOKED_FOR: u32 = 30;
/// What manifests call an interpreter without the global interpreter lock.
const FREE_THREADED: &str = "free-threaded";

/// One interpreter of this machine.
#[derive(Debug, Clone)]
pub struct Interpreter {
    pub path: PathBuf,
    pub version: (u32, u32, u32),
    pub build: PythonBuild,
}

/// What an interpreter says of itself.
#[derive(Deserialize)]
struct Probe {
    free_threaded: bool,
    version: (u32, u32, u32),
    full: String,
    compiler: String,
    configure: Vec<String>,
    flags: String,
    executable: PathBuf,
}

const PROBE: &str = r#"
import json, platform, shlex, sys, sysconfig
value = lambda name: str(sysconfig.get_config_var(name) or "")
print(json.dumps({
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "version": list(sys.version_info[:3]),
    "full": platform.python_version(),
    "compiler": platform.python_compiler(),
    "configure": shlex.split(value("CONFIG_ARGS")),
    "flags": " ".join(map(value, ("PY_CORE_CFLAGS", "PY_CORE_LDFLAGS", "PGO_PROF_USE_FLAG"))),
    "executable": sys.executable,
}))
"#;

impl Interpreter {
    /// Asks an interpreter what it is.
    pub(crate) fn probe(path: &Path) -> Result<Interpreter> {
        let output = Command::new(path)
            .args(["-I", "-c", PROBE])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", path.display()))?;
        ensure!(
            output.status.success(),
            "{} does not run: {}",
            path.display(),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let probe: Probe = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("{} is not a Python that can be asked", path.display()))?;
        Ok(Interpreter {
            path: probe.executable,
            version: probe.version,
            build: PythonBuild {
                free_threaded: probe.free_threaded,
                version: probe.full,
                compiler: probe.compiler,
                optimised: is_optimised(&probe.configure, &probe.flags),
                // Paths say where somebody keeps things, not how the interpreter was built.
                configure: probe
                    .configure
                    .into_iter()
                    .filter(|argument| !argument.contains('/'))
                    .collect(),
            },
        })
    }

    /// The interpreters that are new enough: those that [`build::ensure`] has built below `target`, and those on the PATH. Best first:
    /// with the global interpreter lock before without, built with PGO and LTO before others, newer before older.
    pub fn all(target: &Path) -> Vec<Interpreter> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).flat_map(|folder| {
            let minors = (OLDEST.1..=NEWEST_LOOKED_FOR).map(|minor| format!("python3.{minor}"));
            minors
                .flat_map(|name| [format!("{name}t"), name])
                .chain(["python3".to_owned()])
                .map(move |name| folder.join(name))
                .collect::<Vec<_>>()
        });
        let mut found: Vec<Interpreter> = Vec::new();
        let mut seen = BTreeSet::new();
        for candidate in built_ones(target).into_iter().chain(on_path) {
            if !candidate.is_file() {
                continue;
            }
            // A launcher may stand for a version that is not installed: it fails, and is passed over.
            if let Ok(interpreter) = Interpreter::probe(&candidate)
                && (interpreter.version.0, interpreter.version.1) >= OLDEST
            {
                let real = interpreter.path.canonicalize();
                if seen.insert(real.unwrap_or_else(|_| interpreter.path.clone())) {
                    found.push(interpreter);
                }
            }
        }
        best_first(&mut found);
        found
    }

    /// The one that a manifest names: the best of a minor version (`3.12`), or the best `free-threaded` one.
    ///
    /// # Errors
    /// Where there is none, with the command that builds it.
    pub fn named(name: &str, target: &Path) -> Result<Interpreter> {
        let minor = name
            .split_once('.')
            .and_then(|(first, second)| Some((first.parse().ok()?, second.parse().ok()?)));
        let command = match minor {
            _ if name == FREE_THREADED => "cargo xtask python --free-threaded".to_owned(),
            Some(minor) if minor >= OLDEST => format!("cargo xtask python {name}"),
            _ => bail!(
                "no Python is called `{name}`; expected `{FREE_THREADED}`, or a minor version from {}.{} on",
                OLDEST.0,
                OLDEST.1
            ),
        };
        Interpreter::all(target)
            .into_iter()
            .find(|found| match minor {
                Some(minor) => !found.build.free_threaded && (found.version.0, found.version.1) == minor,
                None => found.build.free_threaded,
            })
            .with_context(|| format!("Python `{name}` is not here; `{command}` builds it"))
    }

    /// The one that was asked for, or the best there is. One without the global interpreter lock is taken only by those who name it in a
    /// manifest: most packages have no wheels for it.
    pub fn choose(asked: Option<&Path>, target: &Path) -> Result<Interpreter> {
        if let Some(path) = asked {
            let interpreter = Interpreter::probe(path)?;
            ensure!(
                (interpreter.version.0, interpreter.version.1) >= OLDEST,
                "{} is Python {}; at least {}.{} is needed",
                path.display(),
                interpreter.build.version,
                OLDEST.0,
                OLDEST.1
            );
            ensure!(
                !interpreter.build.free_threaded,
                "{} is a free-threaded Python, for which most packages do not exist; experiments about it find it by themselves. Name \
                 one that has the global interpreter lock",
                path.display()
            );
            return Ok(interpreter);
        }
        Interpreter::all(target)
            .into_iter()
            .find(|interpreter| !interpreter.build.free_threaded)
            .with_context(|| {
                format!(
                    "there is no Python {}.{} or newer on the PATH; install one (Debian: `apt-get install python3 python3-venv`), \
                     build one with `cargo xtask python`, or name one with `--python PATH`",
                    OLDEST.0, OLDEST.1
                )
            })
    }

    /// One line for people: version, place, and whether its results can be published.
    pub fn described(&self) -> String {
        format!(
            "Python {}{} at {}, {}",
            self.build.version,
            if self.build.free_threaded {
                ", free-threaded,"
            } else {
                ""
            },
            self.path.display(),
            if self.build.optimised {
                "built with PGO and LTO"
            } else {
                "not built with PGO and LTO as far as it tells: good for trying out, not for publishing"
            }
        )
    }
}

/// Where interpreters are built: one folder each, and nothing that [`built_ones`] would take for one.
fn folder(target: &Path) -> PathBuf {
    target.join("pythons")
}

/// The programs of the interpreters that were built below `target`.
fn built_ones(target: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder(target)) else {
        return Vec::new();
    };
    let mut programs: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path().join("bin").join("python3")))
        .collect();
    programs.sort();
    programs
}

fn best_first(interpreters: &mut [Interpreter]) {
    interpreters.sort_by_key(|found| Reverse((!found.build.free_threaded, found.build.optimised, found.version)));
}

/// Whether an interpreter was built with profile-guided and link-time optimisation, as far as it tells.
fn is_optimised(configure: &[String], flags: &str) -> bool {
    let asked = |name: &str| {
        configure
            .iter()
            .any(|argument| argument == name || argument.starts_with(&format!("{name}=")))
    };
    let pgo =
        asked("--enable-optimizations") || flags.contains("-fprofile-use") || flags.contains("-fprofile-instr-use");
    let lto = (asked("--with-lto") && !configure.iter().any(|a| a == "--with-lto=no")) || flags.contains("-flto");
    pgo && lto
}

/// A virtual environment with exactly the packages of `requirements.txt`; for a free-threaded interpreter with no packages at all, since
/// many have no wheels for it: programs for it use the standard library only.
#[derive(Debug, Clone)]
pub struct Environment {
    pub python: PathBuf,
    pub interpreter: Interpreter,
    /// What is installed, by name.
    pub packages: BTreeMap<String, Distribution>,
}

/// Names as the lock file spells them: PEP 503.
const LIST: &str = r#"
import importlib.metadata, json, re
name = lambda text: re.sub(r"[-_.]+", "-", text).lower()
# What only a package's own tests need is installed for other reasons, if at all.
development = re.compile(r"extra *== *['\"](dev|docs?|lint|tests?)['\"]")
print(json.dumps({
    name(found.metadata["Name"]): {
        "version": found.version,
        "requires": [name(re.match(r"[\w.-]+", text)[0]) for text in found.requires or [] if not development.search(text)],
    }
    for found in importlib.metadata.distributions()
}))
"#;

impl Environment {
    /// The environment for an interpreter, below `target`; made anew only when the interpreter or the lock file changed.
    /// `progress` is told what takes time.
    pub fn ensure(
        root: &Path,
        target: &Path,
        interpreter: &Interpreter,
        progress: &dyn Fn(&str),
    ) -> Result<Environment> {
        let requirements = root.join("requirements.txt");
        let free_threaded = interpreter.build.free_threaded;
        let lock = if free_threaded {
            String::new()
        } else {
            std::fs::read_to_string(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?
        };
        let stamp = stamp(interpreter, &lock);
        let folder = target.join("python").join(format!(
            "{}{}-{}",
            interpreter.build.version,
            if free_threaded { "t" } else { "" },
            &stamp[..8]
        ));
        let python = folder.join("bin").join("python");
        let stamp_file = folder.join("complete");
        let complete = std::fs::read_to_string(&stamp_file).is_ok_and(|found| found.trim() == stamp);
        if !complete {
            progress(&format!(
                "setting up Python {} with {} in {}",
                interpreter.build.version,
                if free_threaded {
                    "no packages, since it is free-threaded,"
                } else {
                    "the locked packages (about a minute, once)"
                },
                folder.display()
            ));
            if folder.exists() {
                std::fs::remove_dir_all(&folder)
                    .with_context(|| format!("cannot remove the unfinished {}", folder.display()))?;
            }
            let pip: &[&str] = if free_threaded { &["--without-pip"] } else { &[] };
            run(
                Command::new(&interpreter.path)
                    .args(["-m", "venv"])
                    .args(pip)
                    .arg(&folder),
                "making the virtual environment failed. On Debian and Ubuntu the module venv is a package of its own: \
                 `apt-get install python3-venv`",
            )?;
            if !free_threaded {
                run(
                    Command::new(&python)
                        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                        .args(["--no-input", "--require-hashes", "-r"])
                        .arg(&requirements),
                    "installing the packages of requirements.txt failed. Is the package registry reachable?",
                )?;
            }
            write_atomically(&stamp_file, format!("{stamp}\n"))?;
        }
        let output = Command::new(&python)
            .args(["-I", "-c", LIST])
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("cannot start {}", python.display()))?;
        let packages = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "{} cannot tell its packages; remove the folder and try again. It said: {}",
                folder.display(),
                String::from_utf8_lossy(&output.stderr).trim()
            )
        })?;
        Ok(Environment {
            python,
            interpreter: interpreter.clone(),
            packages,
        })
    }
}

fn stamp(interpreter: &Interpreter, lock: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(interpreter.path.as_os_str().as_encoded_bytes());
    hash.update(&interpreter.build.version);
    hash.update(lock);
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn run(command: &mut Command, help: &str) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| help.to_owned())?;
    if !output.status.success() {
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let from = lines.len().saturating_sub(15);
        bail!("{help}\nIt said:\n    {}", lines[from..].join("\n    "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optimised_means_both_pgo_and_lto() {
        let arguments = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        assert!(is_optimised(&arguments(&["--enable-optimizations", "--with-lto"]), ""));
        assert!(is_optimised(&[], "-O3 -fprofile-use -flto=auto"));
        assert!(!is_optimised(&arguments(&["--enable-optimizations"]), ""));
        assert!(!is_optimised(&arguments(&["--enable-shared"]), "-O2"));
        assert!(!is_optimised(
            &arguments(&["--enable-optimizations", "--with-lto=no"]),
            ""
        ));
    }

    #[test]
    fn what_is_no_python_is_told_so() {
        let target = Path::new("/no/such/target");
        let error = format!(
            "{:#}",
            Interpreter::choose(Some(Path::new("/bin/true")), target).unwrap_err()
        );
        assert!(error.contains("/bin/true is not a Python"), "{error}");
        let error = format!(
            "{:#}",
            Interpreter::choose(Some(Path::new("/no/such")), target).unwrap_err()
        );
        assert!(error.contains("cannot start /no/such"), "{error}");
    }

    /// An interpreter as far as the harness can tell: it answers the probe.
    fn pretend(folder: &Path, minor: u32, free_threaded: bool, optimised: bool) {
        let path = folder.join("bin").join("python3");
        let flags = if optimised { "-fprofile-use -flto" } else { "" };
        let answer = serde_json::json!({
            "free_threaded": free_threaded, "version": [3, minor, 0], "full": format!("3.{minor}.0"), "compiler": "", "configure": [],
            "flags": flags, "executable": path,
        });
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
    }

    #[test]
    fn built_interpreters_are_found_and_none_without_the_lock_is_the_default() {
        let target = tempfile::tempdir().unwrap();
        let folder = folder(target.path());
        // Newer than any on the PATH of the machine that runs this.
        pretend(&folder.join("3.90.0"), 90, false, true);
        pretend(&folder.join("3.91.0"), 91, false, false);
        pretend(&folder.join("3.92.0t"), 92, true, true);
        std::fs::create_dir(folder.join(".price-of-await-unfinished")).unwrap();

        let found = Interpreter::all(target.path());
        assert_eq!(found.first().unwrap().version, (3, 90, 0));
        assert_eq!(
            found.iter().find(|found| found.build.free_threaded).unwrap().version,
            (3, 92, 0)
        );
        assert_eq!(Interpreter::choose(None, target.path()).unwrap().version, (3, 90, 0));
        let named = |name| Interpreter::named(name, target.path()).map(|found| found.version);
        assert_eq!(named("free-threaded").unwrap(), (3, 92, 0));
        assert_eq!(named("3.91").unwrap(), (3, 91, 0));
        let path = folder.join("3.92.0t/bin/python3");
        let error = Interpreter::choose(Some(&path), target.path()).unwrap_err().to_string();
        assert!(error.contains("free-threaded"), "{error}");
    }

    #[test]
    fn an_absent_interpreter_is_told_with_the_command_that_builds_it() {
        let error = |name| {
            let absent = Interpreter::named(name, Path::new("/no/such/target")).unwrap_err();
            absent.to_string()
        };
        assert_eq!(
            error("3.97"),
            "Python `3.97` is not here; `cargo xtask python 3.97` builds it"
        );
        assert!(error("3.9").contains("from 3.11 on"));
        assert!(error("pypy").contains("no Python is called `pypy`"));
    }

    #[test]
    fn a_free_threaded_interpreter_gets_an_environment_without_packages() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let interpreter = match Interpreter::named(FREE_THREADED, &root.join("target")) {
            Ok(interpreter) => interpreter,
            Err(absent) => {
                println!("skipped: {absent}");
                return;
            }
        };
        let target = tempfile::tempdir().unwrap();
        let told = std::cell::RefCell::new(Vec::new());
        let tell = |text: &str| told.borrow_mut().push(text.to_owned());
        let made = Environment::ensure(&root, target.path(), &interpreter, &tell).unwrap();
        assert_eq!(made.packages.keys().collect::<Vec<_>>(), Vec::<&String>::new());
        assert!(Interpreter::probe(&made.python).unwrap().build.free_threaded);
        let again = Environment::ensure(&root, target.path(), &interpreter, &tell).unwrap();
        assert_eq!(again.python, made.python);
        assert_eq!(told.into_inner().len(), 1);
    }
}
