//! PostgreSQL: `initdb`, settings, and a query by its own client as the sign that it is ready.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::Signal;

use super::{Kind, Place};
use crate::experiment::Service;
use crate::process::Invocation;

/// Where Debian and Ubuntu keep versions side by side, outside of the PATH.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The superuser that initdb makes, who needs no password, and the database that is there from the start.
const USER: &str = "postgres";
const DATABASE: &str = "postgres";
const INITDB_WITHIN: Duration = Duration::from_secs(120);

/// What differs from the configuration that initdb writes, or must not depend on how the server was built.
const SETTINGS: [(&str, &str); 12] = [
    // Only from this machine, and by TCP, as all clients can.
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("ssl", "off"),
    // 200 clients and some to spare.
    ("max_connections", "256"),
    ("shared_buffers", "128MB"),
    // The defaults, said here because results rest on them: a commit is on the disk before it is confirmed.
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    // Not as the machine has it.
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("logging_collector", "off"),
    // In the data folder instead of /dev/shm, so that it goes with the folder even after SIGKILL.
    ("dynamic_shared_memory_type", "mmap"),
];

pub struct Postgresql;

impl Kind for Postgresql {
    fn service(&self) -> Service {
        Service::Postgresql
    }

    fn title(&self) -> &'static str {
        "PostgreSQL"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["postgres", "initdb", "psql"]
    }

    fn folders(&self) -> Vec<PathBuf> {
        let Ok(versions) = std::fs::read_dir(DEBIAN) else {
            return Vec::new();
        };
        let mut versions: Vec<(u32, PathBuf)> = versions
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let version = path.file_name()?.to_str()?.parse().ok()?;
                Some((version, path.join("bin")))
            })
            .collect();
        versions.sort();
        versions.into_iter().rev().map(|(_, path)| path).collect()
    }

    fn package(&self) -> &'static str {
        "postgresql"
    }

    /// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
    fn version<'a>(&self, printed: &'a str) -> Option<&'a str> {
        printed
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    }

    fn account(&self) -> &'static str {
        "postgres"
    }

    fn prepare(&self, place: &Place) -> Result<()> {
        let mut initdb = place.invocation("initdb", "initdb");
        initdb.arguments = [
            "--pgdata=.",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-locale",
            // The data begin to matter when the server runs.
            "--no-sync",
        ]
        .map(str::to_owned)
        .into();
        initdb.arguments.push(format!("--username={USER}"));
        initdb.run_on(&place.terms(), INITDB_WITHIN)?;
        Ok(())
    }

    fn invocation(&self, place: &Place, port: u16) -> Invocation {
        let mut server = place.invocation(self.title(), "postgres");
        server.arguments = vec!["-D".to_owned(), place.data.display().to_string()];
        server.arguments.extend(["-p".to_owned(), port.to_string()]);
        for (name, value) in SETTINGS {
            server.arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        }
        server
    }

    fn ask(&self, place: &Place, port: u16, _pid: u32) -> Result<()> {
        let mut client = place.invocation("psql", "psql");
        // No file of the user's has a say, and no password is asked for.
        client.arguments = [
            "-X",
            "-w",
            "-A",
            "-t",
            "-q",
            "-h",
            "127.0.0.1",
            "-U",
            USER,
            "-d",
            DATABASE,
        ]
        .map(str::to_owned)
        .into();
        client.arguments.extend(["-p".to_owned(), port.to_string()]);
        for query in ["SELECT 1", "SHOW data_directory"] {
            client.arguments.extend(["-c".to_owned(), query.to_owned()]);
        }
        let answer = client.run(Duration::from_secs(5))?.stdout;
        let expected = format!("1\n{}\n", place.data.display());
        ensure!(
            answer == expected,
            "another server answers at port {port}: expected {expected:?}, found {answer:?}"
        );
        Ok(())
    }

    fn url(&self, port: u16) -> String {
        format!("postgresql://{USER}@127.0.0.1:{port}/{DATABASE}")
    }

    /// "Fast shutdown": ends connections, writes what is in memory.
    fn stop_signal(&self) -> Signal {
        Signal::INT
    }

    /// "Immediate shutdown": all its processes end, and its shared memory goes, which after SIGKILL would stay.
    fn kill_signal(&self) -> Signal {
        Signal::QUIT
    }
}
