//! An interpreter that is fair to Python, on any machine: CPython from source, with profile-guided and link-time optimisation.
//!
//! It is configured as CPython's own documentation advises for speed, `--enable-optimizations --with-lto`, and else as upstream has it: of
//! a distribution's source package only upstream's tarball is taken, without the distribution's patches. Built with and without
//! `--disable-gil` from one tarball, two interpreters differ in nothing but the lock.
//!
//! ```text
//! target/pythons/3.13.15/           an interpreter, complete or not there at all
//! target/pythons/3.13.15t/          the same source, free-threaded
//! target/pythons/3.13.15.log        what its build printed
//! target/pythons/apt/               package lists and tarballs
//! target/pythons/.price-of-await-*  a build that is going on
//! ```

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::Signal;

use super::source::Apt;
use super::{Interpreter, OLDEST, folder};
use crate::process::{Invocation, Terms, check_interrupted};
use crate::scratch::Scratch;

/// The first version that can be built without the lock.
const FIRST_FREE_THREADED: (u32, u32) = (3, 13);
/// No step of a build takes longer on any machine that one would measure on.
const STEP_WITHIN: Duration = Duration::from_secs(4 * 3600);
/// How long a step may take to end when it was interrupted.
const TERMINATES_WITHIN: Duration = Duration::from_secs(3);

/// Which interpreter to build.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The minor version, such as 3.13; without, the newest that can be had.
    pub minor: Option<(u32, u32)>,
    /// Where its source is; without, it is fetched by apt.
    pub tarball: Option<PathBuf>,
    pub free_threaded: bool,
}

/// Builds the interpreter below `target/pythons`, unless it is there. `progress` is told each step and what takes long.
///
/// # Errors
/// Where a compiler or a library's headers are missing (before anything is built), the source cannot be had, a step fails, or what was
/// built lacks a module. A build that fails or is interrupted leaves nothing but its log.
pub fn ensure(target: &Path, wanted: &Wanted, progress: &dyn Fn(&str)) -> Result<Interpreter> {
    if let Some(tarball) = &wanted.tarball {
        let tarball = tarball
            .canonicalize()
            .with_context(|| format!("cannot read {}", tarball.display()))?;
        let version = version_of(&tarball)?;
        supported(&version, wanted.free_threaded)?;
        return match built(target, &version.text, wanted.free_threaded)? {
            Some(interpreter) => Ok(interpreter),
            None => build(target, &tarball, &version, wanted.free_threaded, progress),
        };
    }
    // Before anything is fetched.
    if let Some(minor) = wanted.minor {
        let version = Version {
            minor,
            text: format!("{}.{}", minor.0, minor.1),
        };
        supported(&version, wanted.free_threaded)?;
    }
    ensure_tools()?;
    let (apt, mut offers) = Apt::update(&folder(target).join("apt"), progress)?;
    let listed: BTreeSet<(u32, u32)> = offers.iter().map(|offer| (offer.version.0, offer.version.1)).collect();
    offers.retain(|offer| {
        let minor = (offer.version.0, offer.version.1);
        wanted.minor.is_none_or(|asked| asked == minor) && (!wanted.free_threaded || minor >= FIRST_FREE_THREADED)
    });
    if offers.is_empty() {
        let listed: Vec<String> = listed
            .iter()
            .map(|(first, second)| format!("{first}.{second}"))
            .collect();
        bail!(
            "this system's package mirror has the source of Python {} only; name the tarball of another release with `--tarball PATH`",
            listed.join(", ")
        );
    }
    for offer in offers {
        let (first, second, third) = offer.version;
        let version = Version {
            minor: (first, second),
            text: format!("{first}.{second}.{third}"),
        };
        if let Some(interpreter) = built(target, &version.text, wanted.free_threaded)? {
            return Ok(interpreter);
        }
        progress(&format!("fetching the source of Python {}", version.text));
        match apt.fetch(&offer) {
            Ok(tarball) => return build(target, &tarball, &version, wanted.free_threaded, progress),
            Err(error) => {
                check_interrupted()?;
                progress(&format!(
                    "Python {} is listed but cannot be had: {error:#}",
                    version.text
                ));
            }
        }
    }
    bail!(
        "no source could be had from this system's package mirror, as said above; try again later, ask for another version, or name \
         the tarball of a release with `--tarball PATH`"
    )
}

struct Version {
    minor: (u32, u32),
    /// As the interpreter will call itself: `3.13.15`, `3.15.0rc1`.
    text: String,
}

fn supported(version: &Version, free_threaded: bool) -> Result<()> {
    ensure!(
        version.minor >= OLDEST,
        "the programs need Python {}.{} or newer, not {}",
        OLDEST.0,
        OLDEST.1,
        version.text
    );
    ensure!(
        !free_threaded || version.minor >= FIRST_FREE_THREADED,
        "Python {} cannot be built without the global interpreter lock; {}.{} is the first that can",
        version.text,
        FIRST_FREE_THREADED.0,
        FIRST_FREE_THREADED.1
    );
    Ok(())
}

/// Where an interpreter of that version stands or will stand.
fn prefix(target: &Path, version: &str, free_threaded: bool) -> PathBuf {
    folder(target).join(format!("{version}{}", if free_threaded { "t" } else { "" }))
}

fn built(target: &Path, version: &str, free_threaded: bool) -> Result<Option<Interpreter>> {
    let prefix = prefix(target, version, free_threaded);
    if !prefix.exists() {
        return Ok(None);
    }
    Interpreter::probe(&prefix.join("bin").join("python3"))
        .map(Some)
        .with_context(|| {
            format!(
                "{} is damaged; remove it, and the same command builds it again",
                prefix.display()
            )
        })
}

/// Reads the version out of a source tarball, which may have any name.
fn version_of(tarball: &Path) -> Result<Version> {
    let output = Command::new("tar")
        .args(["--extract", "--to-stdout", "--wildcards", "--file"])
        .arg(tarball)
        .arg("*/Include/patchlevel.h")
        .stdin(Stdio::null())
        .output()
        .context("cannot start tar")?;
    check_interrupted()?;
    ensure!(
        output.status.success(),
        "{} is not a source tarball of CPython, such as Python-3.14.1.tar.xz or .tgz: {}",
        tarball.display(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    parse_patchlevel(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("{} does not say which version of Python it is", tarball.display()))
}

fn parse_patchlevel(header: &str) -> Option<Version> {
    let value = |name: &str| {
        header.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(name)).then(|| words.next())?
        })
    };
    let text = value("PY_VERSION")?.trim_matches('"').to_owned();
    // It becomes the name of a folder.
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || ".+".contains(c));
    plain.then_some(Version {
        minor: (
            value("PY_MAJOR_VERSION")?.parse().ok()?,
            value("PY_MINOR_VERSION")?.parse().ok()?,
        ),
        text,
    })
}

/// Headers without which CPython is built, but lacks a module; with the packages of Debian and Ubuntu that have them.
const HEADERS: [(&str, &str); 7] = [
    ("bzlib.h", "libbz2-dev"),
    ("ffi.h", "libffi-dev"),
    ("lzma.h", "liblzma-dev"),
    ("readline/readline.h", "libreadline-dev"),
    ("sqlite3.h", "libsqlite3-dev"),
    ("openssl/ssl.h", "libssl-dev"),
    ("zlib.h", "zlib1g-dev"),
];

/// Fails where something that the build needs is missing, and names all of it.
fn ensure_tools() -> Result<()> {
    let works =
        |program: &str, arguments: &[&str]| invocation(program, arguments).run(Duration::from_secs(60)).map(|_| ());
    let mut missing = Vec::new();
    let mut packages = Vec::new();
    let mut need = |works: Result<()>, what: &str, package: &'static str| -> Result<()> {
        check_interrupted()?;
        if works.is_err() {
            missing.push(what.to_owned());
            if !packages.contains(&package) {
                packages.push(package);
            }
        }
        Ok(())
    };
    need(works("cc", &["--version"]), "a C compiler", "build-essential")?;
    need(works("make", &["--version"]), "make", "build-essential")?;
    need(works("xz", &["--version"]), "xz", "xz-utils")?;
    for (header, package) in HEADERS {
        // Without a compiler all headers seem missing, and naming packages that are there does no harm.
        let found = works(
            "cc",
            &["-E", "-include", "stdio.h", "-include", header, "-x", "c", "/dev/null"],
        );
        need(found, &format!("<{header}>"), package)?;
    }
    ensure!(
        missing.is_empty(),
        "building Python needs {}, which is not here. Debian and Ubuntu: `apt-get install {}`",
        missing.join(", "),
        packages.join(" ")
    );
    Ok(())
}

/// How a line of the log begins when the build enters a long stage, and what to say then. A Makefile that words them otherwise is built
/// as well, with less said.
const STAGES: [(&str, &str); 3] = [
    (
        "Building with support for profile generation",
        "compiling it to be profiled",
    ),
    (
        "# Next, run the profile task",
        "profiling it while it runs tests of its own",
    ),
    (
        "Rebuilding with profile guided optimizations",
        "compiling it again with the profile and link-time optimisation",
    ),
];

fn build(
    target: &Path,
    tarball: &Path,
    version: &Version,
    free_threaded: bool,
    progress: &dyn Fn(&str),
) -> Result<Interpreter> {
    ensure_tools()?;
    let began = Instant::now();
    let prefix = std::path::absolute(prefix(target, &version.text, free_threaded))?;
    let scratch = Scratch::new(&folder(target))?;
    let source = scratch.path().join("source");
    let root = scratch.path().join("root");
    std::fs::create_dir(&source)?;
    // Appended to a copy of its name, which has dots of its own.
    let log = PathBuf::from(format!("{}.log", prefix.display()));
    std::fs::write(&log, "").with_context(|| format!("cannot write {}", log.display()))?;
    let step = |program: &str, arguments: &[&str]| run(&source, &log, program, arguments, progress);

    progress(&format!(
        "building Python {}{} with PGO and LTO: 10 minutes or so on two cores; log: {}",
        version.text,
        if free_threaded { ", free-threaded," } else { "" },
        log.display()
    ));
    let shown = tarball.display().to_string();
    step("tar", &["--extract", "--strip-components=1", "--file", &shown])?;
    let option = format!("--prefix={}", prefix.display());
    let mut configure = vec![option.as_str(), "--enable-optimizations", "--with-lto"];
    if free_threaded {
        configure.push("--disable-gil");
    }
    step("./configure", &configure)?;
    let jobs = format!("-j{}", std::thread::available_parallelism().map_or(1, usize::from));
    step("make", &[&jobs])?;
    progress("installing it");
    let option = format!("DESTDIR={}", root.display());
    step("make", &["install", &option])?;

    // Python finds its library beside itself, so it can be tried before it stands where it belongs.
    let relative = prefix.strip_prefix("/").unwrap_or(&prefix);
    let installed = root.join(relative);
    ensure_modules(&installed.join("bin").join("python3")).with_context(|| {
        format!(
            "the build succeeded, but the interpreter is not complete; its log is {shown_log}",
            shown_log = log.display()
        )
    })?;
    let found = Interpreter::probe(&installed.join("bin").join("python3"))?;
    ensure!(
        found.build.optimised && found.build.free_threaded == free_threaded && found.build.version == version.text,
        "the build was to be Python {} (free-threaded: {free_threaded}) with PGO and LTO, and came out as {:?}; its log is {}",
        version.text,
        found.build,
        log.display()
    );
    std::fs::rename(&installed, &prefix).with_context(|| format!("cannot put it into {}", prefix.display()))?;
    progress(&format!("built in {:.1} minutes", began.elapsed().as_secs_f64() / 60.0));
    Interpreter::probe(&prefix.join("bin").join("python3"))
}

/// Imports what an interpreter lacks when it was built without a library.
fn ensure_modules(python: &Path) -> Result<()> {
    const SCRIPT: &str = r#"
import importlib, sys
failed = False
for name in ["asyncio", "bz2", "ctypes", "lzma", "pip", "readline", "sqlite3", "ssl", "venv", "zlib"]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed = True
        print(f"{name}: {error}", file=sys.stderr)
sys.exit(failed)
"#;
    let mut python = invocation(&python.display().to_string(), &["-I", "-c", SCRIPT]);
    python.name = "importing its modules".to_owned();
    python.run(Duration::from_secs(120)).map(|_| ())
}

/// Runs one step of the build in the source's folder, into the log, and reports the stages it passes through.
fn run(source: &Path, log: &Path, program: &str, arguments: &[&str], progress: &dyn Fn(&str)) -> Result<()> {
    let mut reader = BufReader::new(std::fs::File::open(log)?);
    reader.seek(SeekFrom::End(0))?;
    let terms = Terms {
        folder: Some(source.to_owned()),
        log: Some(log.to_owned()),
        ..Terms::default()
    };
    let began = Instant::now();
    let running = invocation(program, arguments).start_on(&terms)?;
    let mut line = Vec::new();
    loop {
        let ended = running.has_ended()?;
        // What tests print need not be UTF-8.
        while reader.read_until(b'\n', &mut line)? > 0 && line.ends_with(b"\n") {
            let text = String::from_utf8_lossy(&line);
            if let Some((_, say)) = STAGES.iter().find(|(printed, _)| text.starts_with(printed)) {
                progress(&format!("  {say}"));
            }
            line.clear();
        }
        if ended || began.elapsed() > STEP_WITHIN {
            running
                .wait(STEP_WITHIN)
                .with_context(|| format!("building Python failed, see {}", log.display()))?;
            return Ok(());
        }
        if let Err(interrupted) = check_interrupted() {
            // Asked before it is killed, a compiler removes its temporary files.
            if running.signal(Signal::TERM).is_ok() {
                running.ends_within(TERMINATES_WITHIN);
            }
            return Err(interrupted.into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// With a clean environment: a compiler flag that somebody has set for other purposes would make it another interpreter.
fn invocation(program: &str, arguments: &[&str]) -> Invocation {
    Invocation {
        name: std::iter::once(program)
            .chain(arguments.iter().copied())
            .collect::<Vec<_>>()
            .join(" "),
        program: program.into(),
        arguments: arguments.iter().map(|argument| argument.to_string()).collect(),
        environment: Vec::new(),
        cores: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_the_source() {
        let header = "/* Version parsed out into numeric values */\n#define PY_MAJOR_VERSION        3\n#define PY_MINOR_VERSION        15\n\
                      #define PY_MICRO_VERSION        0\n/* Version as a string */\n#define PY_VERSION              \"3.15.0rc1\"\n";
        let version = parse_patchlevel(header).unwrap();
        assert_eq!((version.minor, version.text.as_str()), ((3, 15), "3.15.0rc1"));
        assert!(parse_patchlevel(&header.replace("3.15.0rc1", "../../x")).is_none());
        assert!(parse_patchlevel("#define PY_VERSION \"3.15.0\"\n").is_none());
    }

    #[test]
    fn what_is_no_source_of_python_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let tarball = folder.path().join("x.tgz");
        let status = Command::new("tar")
            .args(["-czf"])
            .arg(&tarball)
            .args(["-C", "/etc", "hostname"])
            .status()
            .unwrap();
        assert!(status.success());
        let wanted = Wanted {
            tarball: Some(tarball),
            ..Wanted::default()
        };
        let error = ensure(folder.path(), &wanted, &|text| panic!("{text}"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("is not a source tarball of CPython"), "{error}");
    }

    #[test]
    fn what_cannot_be_built_is_refused_before_anything_is_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |minor, free_threaded| {
            let wanted = Wanted {
                minor: Some(minor),
                tarball: None,
                free_threaded,
            };
            ensure(folder.path(), &wanted, &|text| panic!("{text}"))
                .unwrap_err()
                .to_string()
        };
        assert!(refused((3, 9), false).contains("3.11 or newer, not 3.9"));
        assert!(refused((3, 12), true).contains("3.13 is the first that can"));
    }

    #[test]
    fn a_failing_step_shows_the_end_of_its_log_and_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("3.13.15.log");
        std::fs::write(&log, "").unwrap();
        let told = std::cell::RefCell::new(Vec::new());
        let script = "echo '# Next, run the profile task to learn'; echo 'no rule'; exit 2";
        let error = run(folder.path(), &log, "sh", &["-c", script], &|text| {
            told.borrow_mut().push(text.trim().to_owned());
        })
        .unwrap_err();
        let error = format!("{error:#}");
        assert_eq!(told.into_inner(), ["profiling it while it runs tests of its own"]);
        assert!(
            error.contains("exit status 2") && error.contains("no rule") && error.contains("3.13.15.log"),
            "{error}"
        );
    }
}
