//! Faults on purpose, to the commands that write: killed at points that nobody chose, a full disk, a checkout that cannot be written to. On a
//! clone of this checkout, so they take minutes and are run by hand:
//!
//! ```sh
//! cargo test -p xtask --test faults -- --ignored --test-threads 1
//! KILLS=100 cargo test -p xtask --test faults killed -- --ignored
//! ```
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How often each command is killed; the environment variable says otherwise.
const KILLS: u32 = 10;

struct Clone {
    _folder: tempfile::TempDir,
    root: PathBuf,
    target: PathBuf,
}

impl Clone {
    /// Of what is committed here.
    fn new() -> Clone {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("libro");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let made = Command::new("git")
            .args(["clone", "--quiet", "--local"])
            .args([&from, &root])
            .status()
            .unwrap();
        assert!(made.success());
        let target = folder.path().join("target");
        Clone {
            _folder: folder,
            root,
            target,
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    }

    /// Begins, and is killed after a while.
    fn kill(&self, arguments: &[&str], after: Duration) {
        let mut child: Child = self
            .command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.is_anybody_here() {
            assert!(Instant::now() < deadline, "{arguments:?} left a process behind");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether some process works in the clone, or was started with a name below it.
    fn is_anybody_here(&self) -> bool {
        let name = self.root.to_str().unwrap().as_bytes();
        std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
            let here = std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&self.root));
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            here || line.windows(name.len()).any(|part| part == name)
        })
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root.join(path)).unwrap()
    }

    /// Files of the repository that are not as they were committed.
    fn changed(&self) -> String {
        let output = Command::new("git")
            .args(["status", "--porcelain"])
            .current_dir(&self.root)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.root.join("book")).unwrap().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with('.'))
            .collect()
    }
}

fn kills() -> u32 {
    std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("KILLS is a number"))
}

/// Spread over the time that the command takes, and a little beyond.
fn points(taken: Duration) -> impl Iterator<Item = Duration> {
    let kills = kills();
    (0..kills).map(move |number| taken.mul_f64(1.1 * (f64::from(number) + 0.5) / f64::from(kills)))
}

fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

#[test]
#[ignore = "minutes: cargo test -p xtask --test faults -- --ignored"]
fn a_build_that_is_killed_loses_nothing() {
    let clone = Clone::new();
    clone.succeed(&["build"]);
    let taken = time(|| drop(clone.succeed(&["build"])));
    let mut gone = 0;
    for after in points(taken) {
        clone.kill(&["build"], after);
        assert_eq!(clone.changed(), "");
        // An edition is away only between two renames.
        for language in ["en", "it"] {
            let page = clone.root.join("book").join(language).join("index.html");
            let whole = std::fs::read_to_string(&page).is_ok_and(|page| page.trim_end().ends_with("</html>"));
            let away = !page.parent().unwrap().exists();
            assert!(whole || away, "{language} after {after:?}");
            gone += u32::from(away);
        }
    }
    // Most of the time goes by before.
    assert!(gone <= kills() / 4 + 1, "{gone} times an edition was away");
    clone.succeed(&["build"]);
    assert_eq!(clone.leftovers(), Vec::<String>::new());
    clone.succeed(&["test", "pages"]);
}

#[test]
#[ignore = "minutes: cargo test -p xtask --test faults -- --ignored"]
fn an_update_of_translations_that_is_killed_loses_nothing() {
    let clone = Clone::new();
    let chapter = clone.read("src/waiting.md");
    let changed = chapter.replace("## Questions", "A sentence that nobody has translated.\n\n## Questions");
    assert_ne!(changed, chapter);
    std::fs::write(clone.root.join("src/waiting.md"), changed).unwrap();
    let before = clone.read("po/it.po");
    let taken = time(|| drop(clone.succeed(&["translate", "update"])));
    let after_it = clone.read("po/it.po");
    assert_ne!(before, after_it);
    for after in points(taken) {
        std::fs::write(clone.root.join("po/it.po"), &before).unwrap();
        clone.kill(&["translate", "update"], after);
        let catalog = clone.read("po/it.po");
        assert!(
            catalog == before || catalog == after_it,
            "half a catalog after {after:?}"
        );
    }
    clone.succeed(&["translate", "update"]);
    assert_eq!(clone.read("po/it.po"), after_it);
    // What a kill may leave beside it is a temporary file.
    let stray = clone.changed();
    let stray: Vec<_> = stray.lines().filter(|line| line.starts_with("??")).collect();
    assert!(stray.len() <= 1, "{stray:?}");
}

#[test]
#[ignore = "minutes: cargo test -p xtask --test faults -- --ignored"]
fn a_server_that_is_killed_loses_nothing() {
    let clone = Clone::new();
    clone.succeed(&["build"]);
    for after in points(Duration::from_secs(12)) {
        clone.kill(&["serve", "--port", "0"], after);
        assert_eq!(clone.changed(), "");
    }
    clone.succeed(&["build"]);
    assert_eq!(clone.leftovers(), Vec::<String>::new());
    clone.succeed(&["test", "pages"]);
}

/// Runs a command of the clone within a small file system over one of its folders; none where this machine does not let one be mounted.
fn with_mounted(clone: &Clone, mount: &str, arguments: &[&str]) -> Option<Output> {
    let script = format!("{mount} || exit 97; exec \"$@\"");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .arg(env!("CARGO_BIN_EXE_xtask"))
        .args(arguments)
        .current_dir(&clone.root)
        .env("CARGO_TARGET_DIR", &clone.target)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let mounted = output.status.code() != Some(97)
        && output.status.code() != Some(1).filter(|_| output.stderr.starts_with(b"unshare"));
    if !mounted {
        println!("skipped: nothing can be mounted here (unshare, tmpfs)");
    }
    mounted.then_some(output)
}

fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it went through: {said}");
    assert!(said.contains("error: ") && !said.contains("panicked"), "{said}");
    said
}

#[test]
#[ignore = "minutes: cargo test -p xtask --test faults -- --ignored"]
fn a_build_on_a_full_disk_says_so_and_keeps_the_book() {
    let clone = Clone::new();
    clone.succeed(&["build"]);
    let index = clone.read("book/en/index.html");
    // What was built takes its room; a second build would need as much again.
    let root = clone.root.display();
    let mount = format!(
        "cp -r {root}/book {root}/target-of-test && mount -t tmpfs -o size=$(($(du -sk {root}/book | cut -f1) + 4096))k none {root}/book && cp -r \
         {root}/target-of-test/. {root}/book && rm -r {root}/target-of-test"
    );
    let Some(output) = with_mounted(&clone, &mount, &["build"]) else {
        return;
    };
    let said = refused(&output);
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(clone.read("book/en/index.html"), index);
    clone.succeed(&["build"]);
    assert_eq!(clone.leftovers(), Vec::<String>::new());
}

#[test]
#[ignore = "minutes: cargo test -p xtask --test faults -- --ignored"]
fn a_checkout_that_cannot_be_written_to_is_built_elsewhere() {
    let clone = Clone::new();
    let root = clone.root.display();
    let mount = format!("mount --bind {root} {root} && mount -o remount,ro,bind {root}");
    let Some(output) = with_mounted(&clone, &mount, &["build"]) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(clone.target.join("book/it/index.html").is_file());
    assert!(!clone.root.join("book").exists());
    let Some(output) = with_mounted(&clone, &mount, &["test", "chapters", "claims", "pages"]) else {
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    // A translation has no other place.
    let Some(output) = with_mounted(&clone, &mount, &["translate", "new", "fr"]) else {
        return;
    };
    let said = refused(&output);
    assert!(said.contains("Read-only file system"), "{said}");
}
