//! Kills what a harness left running: see `process::guard_with`.
//!
//! Reads `+GROUP` and `-GROUP` on standard input; at its end, which comes when the harness is gone, kills the groups that are left.

use std::collections::BTreeSet;
use std::io::BufRead;

#[cfg(target_os = "linux")]
fn main() {
    // Ended only by the end of its input: a SIGTERM to all of a user's processes takes the harness first, and then there is work to do.
    // SAFETY: ignoring a signal touches no memory.
    unsafe {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            libc::signal(signal, libc::SIG_IGN);
        }
    }
    let mut running = BTreeSet::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if let Some(group) = line.strip_prefix('+').and_then(parse) {
            running.insert(group);
        } else if let Some(group) = line.strip_prefix('-').and_then(parse) {
            running.remove(&group);
        }
    }
    for group in running {
        if let Some(group) = rustix::process::Pid::from_raw(group) {
            // One that ended by itself meanwhile is what is wanted.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(target_os = "linux")]
fn parse(text: &str) -> Option<i32> {
    text.trim().parse().ok().filter(|group| *group > 1)
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("measuring needs Linux");
    std::process::exit(1);
}
