//! Faults on purpose: the harness is killed, once and again and again, the disk is full, the clock jumps.
//!
//! What has to die or to run out of room cannot be this process, so these tests start the test binary again, with a variable that tells
//! it which part to play.
#![cfg(target_os = "linux")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Checkout, answering, measure_in};
use measure::process::{Invocation, guard_with};
use measure::results::Results;

/// Names the part that a second process plays.
const PART: &str = "MEASURE_TEST_PART";
/// A folder or file that the parts share.
const SHARED: &str = "MEASURE_TEST_SHARED";

fn played() -> Option<String> {
    std::env::var(PART).ok()
}

fn shared() -> std::path::PathBuf {
    std::env::var_os(SHARED).expect("set by whoever starts the part").into()
}

/// This binary, to run just the test `name`, which then plays the part of the same name.
fn part(name: &str, shared: &Path) -> Vec<String> {
    let exe = std::env::current_exe().unwrap();
    let words = [exe.to_str().unwrap(), "--exact", name, "--nocapture"];
    let mut command: Vec<String> = words.map(str::to_owned).into();
    command.splice(
        0..0,
        [
            "env".to_owned(),
            format!("{PART}={name}"),
            format!("{SHARED}={}", shared.display()),
        ],
    );
    command
}

fn is_running(pid: i32) -> bool {
    // A zombie is gone but for its entry.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_harness_leaves_no_process_behind() {
    let name = "a_killed_harness_leaves_no_process_behind";
    if played().as_deref() == Some(name) {
        guard_with(Path::new(env!("CARGO_BIN_EXE_guard"))).unwrap();
        // A program with a child of its own, which no parent-death signal reaches.
        let script = format!("sleep 300 & echo $! $$ > {}; wait", shared().display());
        let running = Invocation {
            name: "the program".to_owned(),
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script],
            environment: Vec::new(),
            cores: Vec::new(),
        }
        .start()
        .unwrap();
        running.wait(Duration::from_secs(300)).unwrap();
        return;
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let command = part(name, file.path());
    let mut harness = Command::new(&command[0])
        .args(&command[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pids = || -> Vec<i32> {
        let text = std::fs::read_to_string(file.path()).unwrap();
        text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
    };
    eventually("the program never started", || pids().len() == 2);
    let pids = pids();
    assert!(pids.iter().all(|pid| is_running(*pid)));
    // SIGKILL, which nobody can handle.
    harness.kill().unwrap();
    harness.wait().unwrap();
    eventually("a process outlived the harness", || {
        !pids.iter().any(|pid| is_running(*pid))
    });
}

/// How often a campaign is killed; the environment variable `KILLS` says otherwise.
const KILLS: u32 = 8;

/// Processes, other than this one, whose command line names a folder.
fn processes_of(folder: &Path) -> Vec<i32> {
    let name = folder.to_str().unwrap().as_bytes();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            *pid != std::process::id().cast_signed() && line.windows(name.len()).any(|part| part == name)
        })
        .collect()
}

#[test]
fn a_campaign_that_is_killed_again_and_again_loses_no_round() {
    let name = "a_campaign_that_is_killed_again_and_again_loses_no_round";
    // More than are measured between the kills.
    const SESSIONS: u32 = 100_000;
    if played().as_deref() == Some(name) {
        guard_with(Path::new(env!("CARGO_BIN_EXE_guard"))).unwrap();
        let (outcome, _) = measure_in(&shared(), &shared().join("target"), SESSIONS).unwrap();
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        return;
    }
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().expect("KILLS is a number"));
    let checkout = Checkout::new(&answering("1"), &answering("1"));
    let read = || match checkout.results().exists() {
        true => Results::read(&checkout.results()).unwrap().runs,
        false => Vec::new(),
    };
    let start = || {
        let command = part(name, checkout.folder.path());
        let mut start = Command::new(&command[0]);
        start.args(&command[1..]).stdout(Stdio::null()).stderr(Stdio::null());
        start.spawn().unwrap()
    };
    let kill = |mut harness: std::process::Child| {
        assert!(
            harness.try_wait().unwrap().is_none(),
            "the campaign ended before it was killed"
        );
        harness.kill().unwrap();
        harness.wait().unwrap();
        eventually("a program outlived the harness", || {
            processes_of(checkout.folder.path()).is_empty()
        });
    };
    let mut before = Vec::new();
    for number in 0..kills {
        let harness = start();
        // From before the first run to some rounds later, at points that no run keeps pace with.
        std::thread::sleep(Duration::from_millis(u64::from(number * 617 % 1500)));
        kill(harness);
        let after = read();
        assert!(after[..before.len()] == before, "kill number {number} lost a round");
        before = after;
    }
    // It still goes on where it was.
    let harness = start();
    eventually("the campaign does not go on", || read().len() > before.len());
    kill(harness);
    assert!(read()[..before.len()] == before);
}

/// Durations come from clocks that cannot be set (`clippy.toml` sees to that); what is left of the clock that can is the date of a session.
#[test]
fn a_clock_that_jumped_between_sessions_costs_nothing() {
    let checkout = Checkout::new(&answering("1"), &answering("1"));
    let (outcome, _) = checkout.measure(2);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let mut results = Results::read(&checkout.results()).unwrap();
    for (session, date) in results
        .campaign
        .log
        .iter_mut()
        .zip(["2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])
    {
        session.started = date.to_owned();
    }
    // Its last round is still to come.
    results.runs.truncate(9);
    results.write(&checkout.results()).unwrap();
    let (outcome, _) = checkout.measure(2);
    assert!(outcome.error.is_none(), "{:?}", outcome.error);
    let again = Results::read(&checkout.results()).unwrap();
    assert!(again.is_complete());
    assert!(
        again.runs[..results.runs.len()] == results.runs,
        "what was measured before is kept"
    );
    assert_eq!(again.campaign.log[0], results.campaign.log[0]);
}

#[test]
fn a_full_disk_costs_the_round_and_nothing_else() {
    let name = "a_full_disk_costs_the_round_and_nothing_else";
    if played().as_deref() == Some(name) {
        let mut checkout = Checkout::new(&answering("1"), &answering("1"));
        // Results go to the small disk, the checkout stays where there is room.
        checkout.target = shared().join("target");
        let (outcome, _) = checkout.measure(1);
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        let before = Results::read(&checkout.results()).unwrap();
        // Four megabytes are all there is.
        let filled = std::fs::write(shared().join("junk"), vec![0; 8 << 20]);
        assert!(filled.is_err());
        let (outcome, _) = checkout.measure(2);
        let error = format!("{:#}", outcome.error.expect("an error"));
        assert!(
            error.contains("cannot write") && error.contains("Is the disk full"),
            "{error}"
        );
        assert_eq!(
            Results::read(&checkout.results()).unwrap(),
            before,
            "what was there is unchanged"
        );
        let left: Vec<_> = std::fs::read_dir(checkout.results().parent().unwrap())
            .unwrap()
            .flatten()
            .collect();
        assert_eq!(left.len(), 1, "{left:?}");
        // With room again, the same command does what it did not.
        std::fs::remove_file(shared().join("junk")).unwrap();
        let (outcome, _) = checkout.measure(2);
        assert!(outcome.error.is_none(), "{:?}", outcome.error);
        assert!(Results::read(&checkout.results()).unwrap().is_complete());
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let script = format!(
        "mount -t tmpfs -o size=4m none {} && exec \"$@\"",
        disk.path().display()
    );
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script, "sh"])
        .args(part(name, disk.path()))
        .output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) if output.status.code() == Some(101) => {
            panic!(
                "{}\n{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        // Neither the test's doing nor the harness's: mounting needs user namespaces.
        _ => println!("skipped: no small disk can be mounted here (unshare, tmpfs)"),
    }
}
