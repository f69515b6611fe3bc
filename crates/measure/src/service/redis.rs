//! Redis: settings, and `PING` as the sign that it is ready.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use super::{Kind, Place};
use crate::experiment::Service;
use crate::process::Invocation;

/// How long it may take to answer a question.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// All that differs from Redis's own defaults: it is a cache, in memory, for this machine. No configuration file is read.
const SETTINGS: [(&str, &str); 5] = [
    ("--bind", "127.0.0.1"),
    ("--daemonize", "no"),
    // No snapshots and no log of commands: nothing is written to disk.
    ("--save", ""),
    ("--appendonly", "no"),
    // 200 clients and some to spare; the default is more than many machines let a process have files open.
    ("--maxclients", "1000"),
];

pub struct Redis;

impl Kind for Redis {
    fn service(&self) -> Service {
        Service::Redis
    }

    fn title(&self) -> &'static str {
        "Redis"
    }

    fn programs(&self) -> &'static [&'static str] {
        &["redis-server"]
    }

    fn folders(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    fn package(&self) -> &'static str {
        "redis-server"
    }

    /// `Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=d81f2b7bd0b4ba58`
    fn version<'a>(&self, printed: &'a str) -> Option<&'a str> {
        printed.split_whitespace().find_map(|word| word.strip_prefix("v="))
    }

    fn account(&self) -> &'static str {
        "redis"
    }

    fn prepare(&self, _place: &Place) -> Result<()> {
        Ok(())
    }

    fn invocation(&self, place: &Place, port: u16) -> Invocation {
        let mut server = place.invocation(self.title(), "redis-server");
        server.arguments = vec!["--port".to_owned(), port.to_string()];
        for (name, value) in SETTINGS {
            server.arguments.extend([name.to_owned(), value.to_owned()]);
        }
        server
    }

    fn ask(&self, _place: &Place, port: u16, pid: u32) -> Result<()> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        stream.set_write_timeout(Some(ANSWER_WITHIN))?;
        (&stream).write_all(b"PING\r\nINFO server\r\n")?;
        let info = read_answers(BufReader::new(&stream))?;
        let found = info.lines().find_map(|line| line.strip_prefix("process_id:"));
        ensure!(
            found == Some(pid.to_string().as_str()),
            "another server answers at port {port}: expected process {pid}, found {found:?}"
        );
        Ok(())
    }

    fn url(&self, port: u16) -> String {
        format!("redis://127.0.0.1:{port}/0")
    }

    fn stop_signal(&self) -> Signal {
        Signal::TERM
    }

    fn kill_signal(&self) -> Signal {
        Signal::KILL
    }
}

/// Reads the answers to `PING` and `INFO` and returns the second, a bulk string of RESP.
fn read_answers(mut reader: impl BufRead) -> Result<String> {
    let mut line = String::new();
    // A line of something that is no Redis need not end.
    reader.by_ref().take(100).read_line(&mut line)?;
    ensure!(line == "+PONG\r\n", "expected PONG, found {line:?}");
    line.clear();
    reader.by_ref().take(100).read_line(&mut line)?;
    let length: u64 = line
        .strip_prefix('$')
        .and_then(|length| length.trim_end().parse().ok())
        .with_context(|| format!("expected the length of INFO, found {line:?}"))?;
    let mut info = String::new();
    reader.take(length).read_to_string(&mut info)?;
    Ok(info)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_something_else_are_not_taken_for_redis() {
        let info = read_answers(&b"+PONG\r\n$19\r\n# Server\r\nrole:me\r\n\r\n"[..]).unwrap();
        assert_eq!(info, "# Server\r\nrole:me\r\n");
        for other in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"+PONG\r\n-NOAUTH\r\n"] {
            assert!(read_answers(other).is_err(), "{}", String::from_utf8_lossy(other));
        }
    }
}
