//! GETs over one connection, kept alive for as long as the server keeps it, each answer compared with what it must be, byte by byte.

use std::io;

use anyhow::{Context, Result, bail, ensure};
use measure::load::Question;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Headers of an answer beyond this many are refused; servers here send a handful.
const HEADERS_AT_MOST: usize = 64;
/// Head and body of an answer beyond this are refused.
const ANSWER_AT_MOST: usize = 4 << 20;

pub struct Http {
    number: usize,
    address: String,
    /// None where the server has said that it closes the connection.
    stream: Option<TcpStream>,
    question: Question,
    asked: u64,
    received: Vec<u8>,
}

/// What the head of an answer says about the rest.
struct Head {
    bytes: usize,
    status: u16,
    body_bytes: usize,
    keeps_alive: bool,
}

impl Http {
    pub fn new(number: usize, stream: TcpStream, address: &str, question: &Question) -> Http {
        Http {
            number,
            address: address.to_owned(),
            stream: Some(stream),
            question: question.clone(),
            asked: 0,
            received: Vec::new(),
        }
    }

    /// One question, and its answer to the last byte. A new connection, where one is needed, belongs to the exchange.
    pub async fn exchange(&mut self) -> Result<()> {
        // Connections begin at different numbers, and walk through all of them.
        let number = self.question.number(self.number as u64 + self.asked);
        self.asked += 1;
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\n\r\n",
            self.question.path(number),
            self.address
        );
        let kept = self.stream.is_some();
        let head = match self.answer(&request).await {
            // A server may close a connection that has been idle just as the next request is on its way; a GET is then asked again on a
            // new one (RFC 9112, section 9.3.1). Whoever is cut off within an answer has got a wrong one.
            Err(error) if kept && self.received.is_empty() && error.is::<io::Error>() => {
                self.stream = None;
                self.answer(&request).await
            }
            result => result,
        };
        let head = head.with_context(|| format!("connection {}, request {}", self.number, self.asked))?;
        let body = &self.received[head.bytes..];
        let expected = self.question.body(number);
        if head.status != 200 || body != expected.as_bytes() {
            bail!(
                "wrong answer to GET {}: expected status 200 and {expected:?}, got status {} and {:?}",
                self.question.path(number),
                head.status,
                String::from_utf8_lossy(&body[..body.len().min(500)])
            );
        }
        if !head.keeps_alive {
            self.stream = None;
        }
        Ok(())
    }

    /// Sends the request and receives the whole answer.
    async fn answer(&mut self, request: &str) -> Result<Head> {
        self.received.clear();
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).await?;
            stream.set_nodelay(true)?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().context("there is no connection")?;
        stream.write_all(request.as_bytes()).await?;
        let mut head = None;
        loop {
            if let Some(known @ Head { bytes, body_bytes, .. }) = head.take() {
                let due = bytes + body_bytes;
                ensure!(
                    self.received.len() <= due,
                    "wrong answer: bytes after the end of the body"
                );
                if self.received.len() == due {
                    return Ok(known);
                }
                head = Some(known);
            }
            ensure!(
                self.received.len() <= ANSWER_AT_MOST,
                "an answer of more than {ANSWER_AT_MOST} bytes"
            );
            if stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            if head.is_none() {
                head = Head::parse(&self.received)?;
            }
        }
    }
}

impl Head {
    /// Nothing while the head is not complete.
    fn parse(received: &[u8]) -> Result<Option<Head>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_AT_MOST];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(bytes) = response.parse(received).context("the answer is no HTTP")? else {
            return Ok(None);
        };
        let header = |name: &str| {
            let found = response
                .headers
                .iter()
                .find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| String::from_utf8_lossy(header.value).trim().to_ascii_lowercase())
        };
        let body_bytes = header("content-length")
            .context("the answer has no Content-Length: let the server set it, so that all send the same")?
            .parse()
            .context("the answer's Content-Length is no number")?;
        let connection = header("connection").unwrap_or_default();
        Ok(Some(Head {
            bytes,
            status: response.code.unwrap_or_default(),
            body_bytes,
            // RFC 9112, section 9.3: HTTP/1.1 keeps a connection unless told otherwise, HTTP/1.0 the other way round.
            keeps_alive: match response.version {
                Some(1) => !connection.contains("close"),
                _ => connection.contains("keep-alive"),
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_complete() {
        let text = b"HTTP/1.1 200 OK\r\nserver: x\r\nCONTENT-length: 5\r\n\r\nhello";
        for cut in 0..text.len() - 5 {
            assert!(Head::parse(&text[..cut]).unwrap().is_none(), "{cut}");
        }
        let head = Head::parse(text).unwrap().unwrap();
        assert_eq!((head.bytes, head.status, head.body_bytes), (text.len() - 5, 200, 5));
    }

    #[test]
    fn who_keeps_a_connection_alive() {
        let keeps = |version: &str, connection: &str| {
            let text = format!("HTTP/{version} 200 OK\r\nContent-Length: 0\r\n{connection}\r\n");
            Head::parse(text.as_bytes()).unwrap().unwrap().keeps_alive
        };
        assert!(keeps("1.1", ""));
        assert!(!keeps("1.1", "Connection: close\r\n"));
        assert!(!keeps("1.0", ""));
        assert!(keeps("1.0", "Connection: Keep-Alive\r\n"));
    }

    #[test]
    fn an_answer_without_a_length_is_refused() {
        let error = Head::parse(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .err()
            .unwrap();
        assert!(error.to_string().contains("Content-Length"), "{error}");
    }
}
