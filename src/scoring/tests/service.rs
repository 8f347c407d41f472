//! A service of the test on this machine: it answers by a script and remembers what it was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What the service was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(header, _)| header == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// What the service does with a request.
pub enum Reply {
    Json(u16, Value),
    /// A status, further headers (each with its end of line), and a body.
    Text(u16, &'static str, String),
    /// Reads the request and never answers.
    Hang,
    /// Answers with a head that promises more than comes.
    Half,
    /// Closes the connection without an answer.
    Drop,
}

/// A service, and what it was asked so far.
#[derive(Clone)]
pub struct Service {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Service {
    /// `script` gets each request, and how many came before it.
    pub async fn start(script: impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let service = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let (asked, script) = (service.asked.clone(), Arc::new(script));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, asked.clone(), script.clone()));
            }
        });
        service
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(
    mut stream: TcpStream,
    all: Arc<Mutex<Vec<Asked>>>,
    script: Arc<impl Fn(&Asked, usize) -> Reply + Send + Sync + 'static>,
) {
    let Some(asked) = read(&mut stream).await else { return };
    let before = {
        let mut all = all.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let text = match script(&asked, before) {
        Reply::Json(status, value) => whole(status, "content-type: application/json\r\n", &value.to_string()),
        Reply::Text(status, headers, body) => whole(status, headers, &body),
        Reply::Half => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned(),
        Reply::Hang => String::new(),
        Reply::Drop => return,
    };
    let _ = stream.write_all(text.as_bytes()).await;
    // Until the client leaves.
    while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}

fn whole(status: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let head = bytes.windows(4).position(|end| end == b"\r\n\r\n");
        if let Some(asked) = head.and_then(|end| parse(&bytes[..end], &bytes[end + 4..])) {
            return Some(asked);
        }
        match stream.read(&mut buffer).await {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

/// `None` while the body is not whole.
fn parse(head: &[u8], body: &[u8]) -> Option<Asked> {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, length)| length.parse().unwrap());
    (body.len() >= length).then(|| Asked { method, path, headers, body: body.to_vec() })
}
