//! The other side: a mail server and an HTTP gateway that take messages, or do not, as a test wants it.
#![allow(dead_code, reason = "each test binary uses its part of this module")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Longest wait for a message.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a receiver behaves now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    Takes,
    /// Says that it takes nothing now (SMTP 421, HTTP 503).
    Refuses,
    /// Takes the message and never says so.
    Hangs,
}

/// A message that came in.
#[derive(Clone, Debug)]
pub struct Received {
    /// The message's reference at the gateway, its Message-ID in mail.
    pub reference: String,
    /// The number, at a gateway that is told.
    pub to: String,
    pub text: String,
    /// Where the gateway is to report.
    pub receipt_url: String,
    pub accepted: bool,
}

impl Received {
    /// The code: the only run of six to eight digits.
    pub fn code(&self) -> &str {
        let mut runs = self.text.split(|c: char| !c.is_ascii_digit());
        runs.find(|run| (6..=8).contains(&run.len()))
            .unwrap_or_else(|| panic!("no code in a message of {} bytes", self.text.len()))
    }
}

#[derive(Clone)]
struct State {
    mood: Arc<Mutex<Mood>>,
    received: Arc<Mutex<Vec<Received>>>,
    /// Conversations that ended in a refusal.
    refusals: Arc<Mutex<usize>>,
}

/// A receiver on a free port of this machine. Dropping it closes it.
pub struct Receiver {
    pub port: u16,
    state: State,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Mail,
    Gateway,
}

impl Receiver {
    /// An SMTP server.
    pub async fn mail(mood: Mood) -> Self {
        Self::listen(mood, Kind::Mail).await
    }

    /// An HTTP gateway that takes JSON with `ref` and `text`.
    pub async fn gateway(mood: Mood) -> Self {
        Self::listen(mood, Kind::Gateway).await
    }

    async fn listen(mood: Mood, kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let state = State { mood: Arc::new(Mutex::new(mood)), received: Arc::default(), refusals: Arc::default() };
        let shared = state.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                tokio::spawn(async move {
                    match kind {
                        Kind::Mail => mail(BufReader::new(stream), &state).await,
                        Kind::Gateway => gateway(BufReader::new(stream), &state).await,
                    }
                });
            }
        });
        Self { port, state, task }
    }

    pub fn behave(&self, mood: Mood) {
        *self.state.mood.lock() = mood;
    }

    pub fn received(&self) -> Vec<Received> {
        self.state.received.lock().clone()
    }

    /// Waits until so many messages have come in.
    pub async fn wait_for(&self, messages: usize) -> Vec<Received> {
        until(&format!("{messages} messages"), || self.state.received.lock().len() >= messages).await;
        self.received()
    }

    /// Waits until so many conversations were refused.
    pub async fn wait_for_refusals(&self, refusals: usize) {
        until(&format!("{refusals} refused attempts"), || *self.state.refusals.lock() >= refusals).await;
    }
}

/// Waits until something holds.
///
/// # Panics
/// If it does not within [`PATIENCE`].
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "there are no {what} after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Keeps the connection until the other side gives up.
async fn hang(stream: &mut BufReader<TcpStream>) {
    let mut rest = [0; 256];
    while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {}
}

/// One SMTP connection (RFC 5321), as much as a client needs to deliver mail. `None` when it has ended.
async fn mail(mut stream: BufReader<TcpStream>, state: &State) -> Option<()> {
    if *state.mood.lock() == Mood::Refuses {
        stream.write_all(b"421 not now\r\n").await.ok()?;
        *state.refusals.lock() += 1;
        return None;
    }
    stream.write_all(b"220 test ESMTP\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let reply: &[u8] = match line.get(..4).unwrap_or_default() {
            "EHLO" => b"250-test\r\n250 8BITMIME\r\n",
            "QUIT" => b"221 bye\r\n",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut text).await.ok()? == 0 {
                        return None;
                    }
                }
                let header =
                    |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
                let reference = header("Message-ID:");
                let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
                let accepted = *state.mood.lock() == Mood::Takes;
                state.received.lock().push(Received {
                    reference,
                    to: String::new(),
                    text: body,
                    receipt_url: String::new(),
                    accepted,
                });
                if !accepted {
                    hang(&mut stream).await;
                    return None;
                }
                b"250 queued\r\n"
            }
            _ => b"250 ok\r\n",
        };
        stream.write_all(reply).await.ok()?;
    }
}

/// One HTTP request.
async fn gateway(mut stream: BufReader<TcpStream>, state: &State) -> Option<()> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let message: serde_json::Value = serde_json::from_slice(&body).expect("the body that was configured");
    let mood = *state.mood.lock();
    if mood == Mood::Refuses {
        *state.refusals.lock() += 1;
        return stream
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await
            .ok();
    }
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let (reference, to, receipt_url) = (text("ref"), text("to"), text("receipt_url"));
    state.received.lock().push(Received { reference, to, text: text("text"), receipt_url, accepted: mood == Mood::Takes });
    if mood == Mood::Hangs {
        hang(&mut stream).await;
        return None;
    }
    stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await.ok()
}
