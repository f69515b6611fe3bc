//! The peer of the HTTP clients: answers `GET /item/<i>` after a fixed delay with `{"id": i, "check": (i * 2654435761) mod 2^32}`.
//!
//! It is on purpose as small as an HTTP/1.1 server with keep-alive and pipelining can be, so that what is measured is the client.
//! Prints `{"listening": "127.0.0.1:<port>"}` and serves until it is stopped. Over HTTPS its certificate is signed by an authority that it
//! makes up when it starts, and writes to a file for clients to trust.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// Answer GETs after a delay.
#[derive(Parser)]
struct Options {
    /// Delay before each answer, in milliseconds
    #[arg(long)]
    delay: u64,
    /// Speak HTTPS, and write the authority to trust to this file
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
}

/// A request head larger than this is refused; clients here send a few hundred bytes.
const HEAD_LIMIT: u64 = 16 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let delay = Duration::from_millis(options.delay);
    let tls = options.tls_ca.as_deref().map(tls).transpose()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{{\"listening\": \"{}\"}}", listener.local_addr()?);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                let tls = tls.clone();
                // A client that breaks off is no concern of the others.
                tokio::spawn(async move {
                    let _ = match tls {
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, delay).await,
                            Err(error) => Err(error),
                        },
                        None => serve(stream, delay).await,
                    };
                });
            }
        }
    }
}

/// A certificate for this machine's own address, signed by an authority of its own, whose certificate goes to the file.
fn tls(authority_file: &Path) -> Result<TlsAcceptor> {
    let mut authority = CertificateParams::default();
    authority
        .distinguished_name
        .push(DnType::CommonName, "delay server's authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_pem = authority.self_signed(&authority_key)?.pem();
    std::fs::write(authority_file, authority_pem)
        .with_context(|| format!("cannot write {}", authority_file.display()))?;
    let issuer = Issuer::new(authority, authority_key);

    let mut own = CertificateParams::new([Ipv4Addr::LOCALHOST.to_string(), "localhost".to_owned()])?;
    // Python asks for it since 3.13 (VERIFY_X509_STRICT).
    own.use_authority_key_identifier_extension = true;
    let own_key = KeyPair::generate()?;
    let certificate = own.signed_by(&own_key, &issuer)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(own_key.serialize_der()).into(),
        )?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, delay: Duration) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    loop {
        let mut request = None;
        let mut close = false;
        let mut head = (&mut stream).take(HEAD_LIMIT);
        loop {
            line.clear();
            if head.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let text = line.trim_end();
            if request.is_none() {
                request = Some(text.to_owned());
            } else if text.is_empty() {
                break;
            } else if text.eq_ignore_ascii_case("connection: close") {
                close = true;
            }
        }
        // Tokio's timer never fires early and at most a millisecond late, for every client alike.
        sleep_until(Instant::now() + delay).await;
        let answer = respond(request.as_deref().unwrap_or_default());
        stream.write_all(answer.as_bytes()).await?;
        // What TLS holds back goes out with it.
        stream.flush().await?;
        if close {
            return stream.shutdown().await;
        }
    }
}

fn respond(request: &str) -> String {
    let item = request
        .strip_prefix("GET /item/")
        .and_then(|rest| rest.split_once(' '))
        .and_then(|(id, _)| id.parse::<u64>().ok());
    let (status, body) = match item {
        Some(id) => {
            let check = id.wrapping_mul(2_654_435_761) % (1 << 32);
            ("200 OK", format!("{{\"id\": {id}, \"check\": {check}}}"))
        }
        None => ("404 Not Found", "{\"error\": \"GET /item/<number>\"}".to_owned()),
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
