//! PostgreSQL and Redis as an experiment gets them: they answer, and nothing of them is left, however the harness ends.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use measure::experiment::Service;
use measure::machine::usable_cores;
use measure::service::{Installed, Server};

/// Where the test that plays the killed harness is told to put its servers.
const PLAY_HARNESS: &str = "TEST_SERVICES_FOLDER";

/// A folder that any user may pass through.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Where every service has to be there, as in CI, an absent one fails the test.
const REQUIRED: &str = "REQUIRE_SERVICES";

/// Says that a test is left out for what is not installed.
fn skip(absent: impl std::fmt::Display) {
    assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, but: {absent}");
    println!("skipped: {absent}");
}

fn for_each_installed(test: impl Fn(Installed, Service)) {
    for &service in Service::ALL {
        match Installed::find(service) {
            Ok(installed) => test(installed, service),
            Err(absent) => skip(absent),
        }
    }
}

/// Asks the server a question that it cannot answer without working, by its protocol and over its address.
fn ask(server: &Server, service: Service) {
    let address = match service {
        Service::Postgresql => server
            .url()
            .strip_prefix("postgresql://postgres@")
            .and_then(|rest| rest.strip_suffix("/postgres").map(str::to_owned)),
        Service::Redis => server
            .url()
            .strip_prefix("redis://")
            .and_then(|rest| rest.strip_suffix("/0").map(str::to_owned)),
    };
    let address = address.unwrap_or_else(|| panic!("{}", server.url()));
    assert_eq!(address, format!("127.0.0.1:{}", server.port()));
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    match service {
        Service::Postgresql => postgresql_query(
            &mut stream,
            "CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 10); SELECT sum(n) FROM t",
            "55",
        ),
        Service::Redis => {
            stream.write_all(b"INCRBY n 40\r\nINCRBY n 15\r\n").unwrap();
            let mut lines = BufReader::new(stream).lines();
            assert_eq!(lines.next().unwrap().unwrap(), ":40");
            assert_eq!(lines.next().unwrap().unwrap(), ":55");
        }
    }
}

/// The simple query protocol, version 3.0: a start-up message, then `Q`; rows come as `D`, an error as `E`, the end as `Z`.
fn postgresql_query(stream: &mut TcpStream, query: &str, expected: &str) {
    let mut start = 196_608_i32.to_be_bytes().to_vec();
    start.extend(b"user\0postgres\0database\0postgres\0\0");
    let framed = |body: &[u8]| [&(body.len() as i32 + 4).to_be_bytes(), body].concat();
    stream.write_all(&framed(&start)).unwrap();
    let mut sent = false;
    let mut found = Vec::new();
    loop {
        let mut head = [0; 5];
        stream.read_exact(&mut head).unwrap();
        let length = i32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4;
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        match head[0] {
            b'Z' if !sent => {
                stream.write_all(b"Q").unwrap();
                stream.write_all(&framed(format!("{query}\0").as_bytes())).unwrap();
                sent = true;
            }
            b'Z' => break,
            // The number of columns and the length of the first come before it.
            b'D' => found.push(String::from_utf8_lossy(&body[6..]).into_owned()),
            b'E' => panic!("{}", String::from_utf8_lossy(&body)),
            _ => {}
        }
    }
    assert_eq!(found, [expected]);
}

/// The server's processes: the first and its children.
fn processes(server: &Server) -> BTreeSet<u32> {
    let pid = server.pid();
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    children
        .split_whitespace()
        .map(|child| child.parse().unwrap())
        .chain([pid])
        .collect()
}

fn is_there(pid: u32) -> bool {
    // One that init has not yet waited for is gone for all purposes.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// What a server leaves behind if something goes wrong.
struct Traces {
    processes: BTreeSet<u32>,
    port: u16,
    folder: PathBuf,
}

impl Traces {
    fn of(server: &Server) -> Traces {
        let traces = Traces {
            processes: processes(server),
            port: server.port(),
            folder: server.folder().to_owned(),
        };
        traces.assert_there(server.service());
        traces
    }

    /// Or their absence would mean nothing.
    fn assert_there(&self, service: Service) {
        // A child that served a client may be just ending; PostgreSQL's background processes stay.
        let there = self.processes.iter().filter(|&&pid| is_there(pid)).count();
        let (at_least, segments) = match service {
            Service::Postgresql => (3, 1),
            Service::Redis => (1, 0),
        };
        assert!(there >= at_least, "{there}");
        assert_eq!(shared_memory(&self.processes), segments);
        assert!(self.folder.is_dir());
    }

    fn assert_gone(&self, within: Duration) {
        let deadline = Instant::now() + within;
        loop {
            let left: Vec<_> = self.processes.iter().filter(|&&pid| is_there(pid)).collect();
            // The first thread of a killed process may be gone before the others, which still hold the port.
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port));
            if left.is_empty() && port.is_ok() {
                break;
            }
            assert!(Instant::now() < deadline, "processes {left:?} are left, port: {port:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(shared_memory(&self.processes), 0, "shared memory is left");
    }

    fn assert_no_folder(&self) {
        assert!(!self.folder.exists(), "{} is left", self.folder.display());
    }
}

/// How many segments of System V shared memory these processes have made; PostgreSQL makes one for each server.
fn shared_memory(processes: &BTreeSet<u32>) -> usize {
    let table = std::fs::read_to_string("/proc/sysvipc/shm").unwrap();
    // proc_sysvipc(5): key, shmid, perms, size, cpid.
    let makers = table
        .lines()
        .filter_map(|line| line.split_whitespace().nth(4)?.parse().ok());
    makers.filter(|maker| processes.contains(maker)).count()
}

#[test]
fn both_answer_side_by_side_and_stop_without_a_trace() {
    for_each_installed(|installed, service| {
        assert!(
            installed.version().split('.').next().unwrap().parse::<u32>().is_ok(),
            "{}",
            installed.version()
        );
        let folder = folder();
        let first = installed.start(folder.path(), &[]).unwrap();
        let second = installed.start(folder.path(), &[]).unwrap();
        assert_ne!(first.port(), second.port());
        assert_eq!(first.version(), installed.version());
        assert_eq!(first.service(), service);
        for server in [&first, &second] {
            // Not what the other was told.
            ask(server, service);
            assert!(server.folder().starts_with(folder.path()));
        }
        for server in [first, second] {
            let traces = Traces::of(&server);
            server.stop().unwrap();
            traces.assert_gone(Duration::ZERO);
            traces.assert_no_folder();
        }
    });
}

#[test]
fn a_stop_does_not_wait_for_clients() {
    for_each_installed(|installed, service| {
        let folder = folder();
        let server = installed.start(folder.path(), &[]).unwrap();
        let _idle = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
        ask(&server, service);
        let began = Instant::now();
        server.stop().unwrap();
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    });
}

#[test]
fn dropping_kills_without_a_trace() {
    for_each_installed(|installed, service| {
        let folder = folder();
        let server = installed.start(folder.path(), &[]).unwrap();
        ask(&server, service);
        let traces = Traces::of(&server);
        drop(server);
        traces.assert_gone(Duration::ZERO);
        traces.assert_no_folder();
    });
}

#[test]
fn every_process_of_a_server_keeps_to_its_cores() {
    let core = *usable_cores().unwrap().last().unwrap();
    for_each_installed(|installed, _| {
        let folder = folder();
        let server = installed.start(folder.path(), &[core]).unwrap();
        for pid in processes(&server) {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            let allowed = status
                .lines()
                .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
                .unwrap();
            assert_eq!(allowed.trim(), core.to_string(), "process {pid}");
        }
        server.stop().unwrap();
    });
}

#[test]
fn postgresql_serves_two_hundred_clients_and_waits_for_the_disk() {
    let installed = match Installed::find(Service::Postgresql) {
        Ok(installed) => installed,
        Err(absent) => return skip(absent),
    };
    let folder = folder();
    let server = installed.start(folder.path(), &[]).unwrap();
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    let mut clients: Vec<TcpStream> = (0..200).map(|_| connect()).collect();
    for client in &mut clients {
        client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        postgresql_query(client, "SELECT 1", "1");
    }
    postgresql_query(&mut connect(), "SHOW fsync", "on");
    postgresql_query(&mut connect(), "SHOW unix_socket_directories", "");
    postgresql_query(&mut connect(), "SHOW listen_addresses", "127.0.0.1");
}

#[test]
fn a_killed_harness_leaves_no_server_and_the_next_one_removes_its_data() {
    for_each_installed(|installed, service| {
        let folder = folder();
        let mut harness = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "harness_that_is_killed", "--ignored", "--nocapture"])
            .env(PLAY_HARNESS, folder.path())
            .env("TEST_SERVICE", service.name())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(harness.stdout.take().unwrap()).lines();
        let traces = loop {
            let line = lines.next().expect("the harness says what it started").unwrap();
            if let Some(said) = line.split_once("started ").map(|(_, said)| said) {
                break read_traces(said);
            }
        };
        traces.assert_there(service);
        harness.kill().unwrap();
        harness.wait().unwrap();
        traces.assert_gone(Duration::from_secs(10));
        assert!(traces.folder.is_dir(), "nobody was left to remove it");
        let next = installed.start(folder.path(), &[]).unwrap();
        traces.assert_no_folder();
        next.stop().unwrap();
    });
}

fn read_traces(said: &str) -> Traces {
    let fields: Vec<&str> = said.split_whitespace().collect();
    Traces {
        port: fields[0].parse().unwrap(),
        folder: fields[1].into(),
        processes: fields[2..].iter().map(|pid| pid.parse().unwrap()).collect(),
    }
}

/// Not a test: what the test above starts and kills.
#[test]
#[ignore = "started by another test"]
fn harness_that_is_killed() {
    let Some(folder) = std::env::var_os(PLAY_HARNESS) else {
        return;
    };
    let name = std::env::var("TEST_SERVICE").unwrap();
    let service = *Service::ALL.iter().find(|service| service.name() == name).unwrap();
    let server = Installed::find(service)
        .unwrap()
        .start(Path::new(&folder), &[])
        .unwrap();
    let processes: Vec<String> = processes(&server).iter().map(u32::to_string).collect();
    println!(
        "started {} {} {}",
        server.port(),
        server.folder().display(),
        processes.join(" ")
    );
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn what_is_absent_says_how_to_get_it() {
    let empty = tempfile::tempdir().unwrap();
    let absent = |service| {
        Installed::find_in(service, &[empty.path().to_owned()])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        absent(Service::Redis),
        "Redis is not installed: there is no `redis-server` on the PATH (Debian and Ubuntu: `apt-get install redis-server`)"
    );
    // One program of three is not enough.
    std::fs::write(empty.path().join("postgres"), "").unwrap();
    let message = absent(Service::Postgresql);
    assert!(
        message.starts_with("PostgreSQL is not installed") && message.contains("`apt-get install postgresql`"),
        "{message}"
    );
}

#[test]
fn what_is_there_and_does_not_run_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("redis-server");
    std::fs::write(&program, "#!/bin/sh\necho 'no such library' >&2\nexit 127\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let message = Installed::find_in(Service::Redis, &[folder.path().to_owned()])
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("Redis does not run here: ") && message.contains("no such library"),
        "{message}"
    );
}
