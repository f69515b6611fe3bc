//! The load generator against servers of HTTP that are right, impolite or wrong, and the HTTPS of the delay server as clients meet it.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use measure::load::Report;
use serde_json::json;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::ring};

/// Serves on a port of its own, each connection on a thread: `answer` gets how many requests the connection has had before, and the path,
/// and writes what it likes; false ends the connection. Returns the address and how many connections there have been.
fn serve(answer: impl Fn(usize, &str, &mut TcpStream) -> bool + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (answer, accepted) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    let counter = accepted.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let mut before = 0;
                while let Some(Ok(first)) = lines.next() {
                    let path = first.split(' ').nth(1).unwrap().to_owned();
                    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                    if !answer(before, &path, &mut stream) {
                        return;
                    }
                    before += 1;
                }
            });
        }
    });
    (address, accepted)
}

/// A process that ends when the test does, however that is.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Loads it by four connections, each asking for `/user/1` to `/user/9`: in the closed loop, then at 200 per second.
fn load(address: &str) -> Result<Report, String> {
    let plan = json!({
        "connections": 4,
        "exchange": {"http": {"path": "/user/{n}", "body": "{\"id\":{n}}", "numbers": 9}},
        "warm_up_seconds": 0.05,
        "phases": [{"name": "closed", "seconds": 0.1, "rate": null}, {"name": "open", "seconds": 0.2, "rate": 200.0}],
    });
    // The server is a thread of this process, whose group holds other tests too: somebody else's clock is read in its place.
    let clock = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
    let clock = Stopped(clock);
    let output = Command::new(env!("CARGO_BIN_EXE_load-generator"))
        .args(["--connect", address, "--plan", &plan.to_string()])
        .args(["--server-pid", &clock.0.id().to_string()])
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&output.stdout).unwrap())
}

fn right(path: &str) -> String {
    let body = format!("{{\"id\":{}}}", path.strip_prefix("/user/").unwrap());
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_server_that_answers_rightly_is_loaded_over_connections_that_stay() {
    let (address, accepted) = serve(|_, path, stream| {
        // In two pieces, as the network may deliver it.
        let answer = format!("HTTP/1.1 200 OK\r\n{}", right(path));
        let (first, rest) = answer.split_at(answer.len() - 3);
        stream.write_all(first.as_bytes()).unwrap();
        std::thread::yield_now();
        stream.write_all(rest.as_bytes()).unwrap();
        true
    });
    let report = load(&address).unwrap();
    assert!(report.phases["closed"].work > 20);
    assert!(
        report.phases["open"].work.abs_diff(40) <= 4,
        "{}",
        report.phases["open"].work
    );
    assert_eq!(accepted.load(Ordering::SeqCst), 4);
}

#[test]
fn a_server_that_closes_every_connection_gets_a_new_one_for_each_request() {
    let (address, accepted) = serve(|_, path, stream| {
        let answer = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{}", right(path));
        stream.write_all(answer.as_bytes()).unwrap();
        false
    });
    let report = load(&address).unwrap();
    let asked: u64 = report.phases.values().map(|phase| phase.work).sum();
    assert!(accepted.load(Ordering::SeqCst) as u64 >= asked);
}

#[test]
fn a_server_that_closes_an_idle_connection_unannounced_is_asked_again() {
    let (address, accepted) = serve(|before, path, stream| {
        before < 3
            && stream
                .write_all(format!("HTTP/1.1 200 OK\r\n{}", right(path)).as_bytes())
                .is_ok()
    });
    let report = load(&address).unwrap();
    let asked: u64 = report.phases.values().map(|phase| phase.work).sum();
    assert!(accepted.load(Ordering::SeqCst) as u64 >= asked / 3);
}

#[test]
fn a_wrong_answer_is_shown_with_what_was_expected() {
    let status = serve(|_, path, stream| {
        let answer = format!("HTTP/1.1 503 Service Unavailable\r\n{}", right(path));
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let body = serve(|_, _, stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"id\": 1}")
            .is_ok()
    });
    let longer = serve(|_, path, stream| {
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\n{}\n", right(path)).as_bytes())
            .is_ok()
    });
    let cut = serve(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"id\"");
        false
    });
    for ((address, _), expected) in [
        (status, "expected status 200"),
        (body, "got status 200 and \"{\\\"id\\\": 1}\""),
        (longer, "bytes after the end of the body"),
        (cut, "unexpected end of file"),
    ] {
        let error = load(&address).unwrap_err();
        assert!(error.contains(expected), "expected `{expected}` in `{error}`");
    }
}

#[test]
fn the_delay_server_speaks_https_to_those_who_trust_its_authority_only() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let child = Command::new(env!("CARGO_BIN_EXE_delay-server"))
        .args(["--delay", "1", "--tls-ca"])
        .arg(&authority)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut server = Stopped(child);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = line["listening"].as_str().unwrap();

    let ask = |roots: RootCertStore| -> std::io::Result<String> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("127.0.0.1").unwrap()).unwrap();
        let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
        stream.write_all(b"GET /item/3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_file(&authority).unwrap()).unwrap();
    let answer = ask(trusted).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("{\"id\": 3, \"check\": 3668339987}"),
        "{answer}"
    );
    assert!(ask(RootCertStore::empty()).is_err());
}
