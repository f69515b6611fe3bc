//! The peer of the HTTP clients: answers `GET /item/<i>` after a fixed delay with `{"id": i, "check": (i * 2654435761) mod 2^32}`.
//!
//! It is on purpose as small as an HTTP/1.1 server with keep-alive and pipelining can be, so that what is measured is the client.
//! Prints `{"listening": "127.0.0.1:<port>"}` and serves until it is stopped.

use std::io;
use std::time::Duration;

use clap::Parser;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep_until};

/// Answer GETs after a delay.
#[derive(Parser)]
struct Options {
    /// Delay before each answer, in milliseconds
    #[arg(long)]
    delay: u64,
}

/// A request head larger than this is refused; clients here send a few hundred bytes.
const HEAD_LIMIT: u64 = 16 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let options = Options::parse();
    let delay = Duration::from_millis(options.delay);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{{\"listening\": \"{}\"}}", listener.local_addr()?);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                stream.set_nodelay(true)?;
                // A client that breaks off is no concern of the others.
                tokio::spawn(async move { let _ = serve(stream, delay).await; });
            }
        }
    }
}

async fn serve(stream: TcpStream, delay: Duration) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    loop {
        let mut request = None;
        let mut close = false;
        let mut head = (&mut reader).take(HEAD_LIMIT);
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
        writer.write_all(answer.as_bytes()).await?;
        if close {
            return writer.shutdown().await;
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
