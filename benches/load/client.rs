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
    head: &'a [u8],
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
        let (head, body) = self.received.split_at(body);
        Ok(Answer { status, head, body })
    }

    /// Reads one whole answer. Gives its status and where its body begins.
    async fn receive(&mut self) -> Result<(u16, usize), Failure> {
        self.received.clear();
        loop {
            if let Some((begin, length)) = head(&self.received)? {
                let status = std::str::from_utf8(self.received.get(9..12).ok_or("no status line")?)?.parse()?;
                match (status, length) {
                    (204, _) => return Ok((status, begin)),
                    (_, Some(length)) if self.received.len() >= begin + length => return Ok((status, begin)),
                    (_, Some(_)) => {}
                    (_, None) => {
                        if let Some(body) = unchunked(&self.received[begin..])? {
                            self.received.truncate(begin);
                            self.received.extend_from_slice(&body);
                            return Ok((status, begin));
                        }
                    }
                }
            }
            if self.received.len() > MAX_ANSWER || self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the answer is too long or broke off".into());
            }
        }
    }
}

/// Media type of what [`multipart`] writes.
pub const MULTIPART: &str = "multipart/form-data; boundary=a5f0c3d2e1";

/// A body of parts, each by the parameters of its Content-Disposition and its content.
pub fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let boundary = MULTIPART.rsplit_once('=').map_or("", |(_, boundary)| boundary);
    let mut body = Vec::new();
    for (disposition, content) in parts {
        body.extend(format!("--{boundary}\r\ncontent-disposition: form-data; {disposition}\r\n\r\n").bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    body
}

impl Answer<'_> {
    /// A header of the answer.
    pub fn header(&self, name: &str) -> Result<&str, Failure> {
        let lines = std::str::from_utf8(self.head)?.lines().filter_map(|line| line.split_once(':'));
        let mut found = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim()).ok_or_else(|| format!("no header {name} in the answer").into())
    }

    /// A text in the answer, by its JSON pointer.
    pub fn text(&self, pointer: &str) -> Result<String, Failure> {
        let answer: serde_json::Value = serde_json::from_slice(self.body)?;
        let text = answer.pointer(pointer).and_then(serde_json::Value::as_str);
        Ok(text.ok_or_else(|| format!("no text at {pointer} in the answer: {answer}"))?.to_owned())
    }

    /// # Errors
    /// If the status is another; the text quotes the answer.
    pub fn expect(&self, status: u16) -> Result<(), Failure> {
        if self.status == status {
            return Ok(());
        }
        Err(format!("answered {} instead of {status}: {}", self.status, String::from_utf8_lossy(self.body)).into())
    }
}

/// A body that came in chunks (RFC 9112, 7.1), once all of them are there.
fn unchunked(mut received: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let mut body = Vec::new();
    loop {
        let Some(end) = received.windows(2).position(|window| window == b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&received[..end])?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).map_err(|_| "an answer with neither length nor chunks")?;
        // Its line end comes after it too.
        let Some(chunk) = received.get(end + 2..end + 2 + size + 2) else { return Ok(None) };
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        received = &received[end + 2 + size + 2..];
    }
}

/// Where the body of an HTTP message begins, and its length if that is declared, once all headers are there.
pub fn head(received: &[u8]) -> Result<Option<(usize, Option<usize>)>, Failure> {
    let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&received[..end])?;
    let length =
        text.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map(|(_, length)| length.trim().parse()).transpose()?;
    Ok(Some((end + 4, length)))
}
