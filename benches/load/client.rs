//! A lean HTTP/1.1 client on one keep-alive connection: it shares the machine with the server, so it must cost little.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Failure;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest answer, in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// A connection, and the bytes of the last answer.
pub struct Connection {
    stream: TcpStream,
    authorization: String,
    request: Vec<u8>,
    received: Vec<u8>,
    /// Of the last answer.
    pub status: u16,
}

/// An answer.
pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

impl Connection {
    /// Connects; `token` goes with every request.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let authorization = format!("host: {address}\r\nauthorization: Bearer {token}\r\n");
        Ok(Self { stream, authorization, request: Vec::new(), received: Vec::new(), status: 0 })
    }

    /// Sends one request and reads its answer. `headers` are whole lines; `body` is JSON, empty for none.
    pub async fn call(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Result<Answer<'_>, Failure> {
        self.send(method, path, headers, "application/json", body.as_bytes()).await
    }

    /// As [`Connection::call`], with a body of this media type.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &str,
        media_type: &str,
        body: &[u8],
    ) -> Result<Answer<'_>, Failure> {
        self.request.clear();
        for part in [method, " ", path, " HTTP/1.1\r\n", &self.authorization, headers] {
            self.request.extend_from_slice(part.as_bytes());
        }
        if !body.is_empty() {
            let declared = format!("content-type: {media_type}\r\ncontent-length: {}\r\n", body.len());
            self.request.extend_from_slice(declared.as_bytes());
        }
        self.request.extend_from_slice(b"\r\n");
        self.request.extend_from_slice(body);
        self.stream.write_all(&self.request).await?;
        let (status, body) =
            tokio::time::timeout(PATIENCE, self.receive()).await.map_err(|_| format!("{method} {path}: no answer"))??;
        self.status = status;
        Ok(Answer { status, body: &self.received[body..] })
    }

    /// Reads one whole answer. Gives its status and where its body begins.
    async fn receive(&mut self) -> Result<(u16, usize), Failure> {
        self.received.clear();
        loop {
            if let Some((status, begin, length)) = head(&self.received)?
                && self.received.len() >= begin + length
            {
                return Ok((status, begin));
            }
            if self.received.len() > MAX_ANSWER || self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the answer is too long or broke off".into());
            }
        }
    }
}

impl Answer<'_> {
    /// # Errors
    /// If the status is another; the text quotes the answer.
    pub fn expect(&self, status: u16) -> Result<(), Failure> {
        if self.status == status {
            return Ok(());
        }
        Err(format!("answered {} instead of {status}: {}", self.status, String::from_utf8_lossy(self.body)).into())
    }
}

/// Status, begin and length of the body, once all headers are there.
fn head(received: &[u8]) -> Result<Option<(u16, usize, usize)>, Failure> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&received[..end])?;
    let status = text.get(9..12).ok_or("no status line")?.parse()?;
    let length =
        text.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = match length {
        Some((_, length)) => length.trim().parse()?,
        None if status == 204 => 0,
        None => return Err("an answer without its length".into()),
    };
    Ok(Some((status, end + 4, length)))
}
