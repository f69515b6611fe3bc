//! Messages over one connection that must come back as they went, byte by byte.

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::STALLED;

pub struct Echo {
    number: usize,
    stream: TcpStream,
    message: Vec<u8>,
    echo: Vec<u8>,
    sent: u64,
}

impl Echo {
    pub fn new(number: usize, stream: TcpStream, bytes: usize) -> Echo {
        Echo {
            number,
            stream,
            message: (0..bytes).map(|i| (i * 31 + number * 7) as u8).collect(),
            echo: vec![0; bytes],
            sent: 0,
        }
    }

    /// One message out and back.
    pub async fn exchange(&mut self) -> Result<()> {
        // No two messages of a connection are alike, so that an echo of another one is told apart.
        self.sent += 1;
        let serial = self.sent.to_le_bytes();
        let length = serial.len().min(self.message.len());
        self.message[..length].copy_from_slice(&serial[..length]);
        // Written and read at once: a message larger than the buffers between comes back while it is still on its way out.
        let (mut reader, mut writer) = self.stream.split();
        tokio::try_join!(writer.write_all(&self.message), reader.read_exact(&mut self.echo))
            .with_context(|| format!("connection {} was cut off", self.number))?;
        if self.echo != self.message {
            let at = self.echo.iter().zip(&self.message).position(|(a, b)| a != b);
            bail!(
                "wrong answer: connection {}, message {}: the echo differs from byte {} on",
                self.number,
                self.sent,
                at.unwrap_or_default()
            );
        }
        Ok(())
    }

    /// Half-closes; the server must then close, having sent nothing more.
    pub async fn finish(&mut self) -> Result<()> {
        self.stream.shutdown().await?;
        let rest = tokio::time::timeout(STALLED, self.stream.read(&mut [0; 1]))
            .await
            .context("the server did not close after the client had")??;
        ensure!(rest == 0, "wrong answer: bytes after the last echo");
        Ok(())
    }
}
