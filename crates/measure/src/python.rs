//! Which Python runs the programs: the interpreters of this machine, and a virtual environment with the locked packages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::files::write_atomically;
use crate::packages::Distribution;
use crate::results::PythonBuild;

/// The oldest Python that the programs run on.
pub const OLDEST: (u32, u32) = (3, 11);
/// How far up `python3.N` is looked for on the PATH.
const NEWEST_LOOKED_FOR: u32 = 30;

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
    pub fn probe(path: &Path) -> Result<Interpreter> {
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

    /// The interpreters on the PATH that are new enough, best first: those built with PGO and LTO before others, newer before older.
    pub fn all() -> Vec<Interpreter> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut found: BTreeMap<PathBuf, Interpreter> = BTreeMap::new();
        for folder in std::env::split_paths(&path) {
            let names = (OLDEST.1..=NEWEST_LOOKED_FOR)
                .map(|minor| format!("python3.{minor}"))
                .chain(["python3".to_owned()]);
            for candidate in names.map(|name| folder.join(name)).filter(|path| path.is_file()) {
                // A launcher may stand for a version that is not installed: it fails, and is passed over.
                if let Ok(interpreter) = Interpreter::probe(&candidate)
                    && (interpreter.version.0, interpreter.version.1) >= OLDEST
                {
                    let real = interpreter
                        .path
                        .canonicalize()
                        .unwrap_or_else(|_| interpreter.path.clone());
                    found.entry(real).or_insert(interpreter);
                }
            }
        }
        let mut found: Vec<Interpreter> = found.into_values().collect();
        found.sort_by_key(|i| std::cmp::Reverse((i.build.optimised, i.version)));
        found
    }

    /// The one that a manifest names.
    pub fn named(name: &str, _target: &Path) -> Result<Interpreter> {
        bail!("Python `{name}` is not here")
    }

    /// The one that was asked for, or the best on the PATH.
    pub fn choose(asked: Option<&Path>) -> Result<Interpreter> {
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
            return Ok(interpreter);
        }
        Interpreter::all().into_iter().next().with_context(|| {
            format!(
                "there is no Python {}.{} or newer on the PATH; install one (Debian: `apt-get install python3 python3-venv`) \
                 or name it with `--python PATH`",
                OLDEST.0, OLDEST.1
            )
        })
    }
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

/// A virtual environment with exactly the packages of `requirements.txt`.
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
print(json.dumps({
    name(found.metadata["Name"]): {
        "version": found.version,
        "requires": [name(re.match(r"[\w.-]+", text)[0]) for text in found.requires or []],
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
        let lock = std::fs::read_to_string(&requirements)
            .with_context(|| format!("cannot read {}", requirements.display()))?;
        let stamp = stamp(interpreter, &lock);
        let folder = target
            .join("python")
            .join(format!("{}-{}", interpreter.build.version, &stamp[..8]));
        let python = folder.join("bin").join("python");
        let stamp_file = folder.join("complete");
        let complete = std::fs::read_to_string(&stamp_file).is_ok_and(|found| found.trim() == stamp);
        if !complete {
            progress(&format!(
                "setting up Python {} with the locked packages in {} (about a minute, once)",
                interpreter.build.version,
                folder.display()
            ));
            if folder.exists() {
                std::fs::remove_dir_all(&folder)
                    .with_context(|| format!("cannot remove the unfinished {}", folder.display()))?;
            }
            run(
                Command::new(&interpreter.path).args(["-m", "venv"]).arg(&folder),
                "making the virtual environment failed. On Debian and Ubuntu the module venv is a package of its own: \
                 `apt-get install python3-venv`",
            )?;
            run(
                Command::new(&python)
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                    .args(["--no-input", "--require-hashes", "-r"])
                    .arg(&requirements),
                "installing the packages of requirements.txt failed. Is the package registry reachable?",
            )?;
            write_atomically(&stamp_file, &format!("{stamp}\n"))?;
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
        let error = format!("{:#}", Interpreter::choose(Some(Path::new("/bin/true"))).unwrap_err());
        assert!(error.contains("/bin/true is not a Python"), "{error}");
        let error = format!("{:#}", Interpreter::choose(Some(Path::new("/no/such"))).unwrap_err());
        assert!(error.contains("cannot start /no/such"), "{error}");
    }
}
