//! An authority of time stamps over HTTP (RFC 3161, 3.4), which answers as a test tells it to.
#![allow(dead_code, reason = "each test binary uses its part of this module")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use chrono::{TimeDelta, Utc};
use documents::fixtures::time_stamps::{Authority, Fault};

/// What it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// A time stamp, with this fault.
    Stamp(Fault),
    /// A status, with a header line or none.
    Status(u16, &'static str),
    /// Nothing, while the connection stays open.
    Nothing,
    /// This, as another media type.
    Text(&'static str),
    /// So many bytes as a time stamp.
    Bytes(usize),
}

/// A question as it came.
#[derive(Clone, Debug, Default)]
pub struct Question {
    pub line: String,
    /// In lower case, as `name: value`.
    pub headers: Vec<String>,
    pub body: Vec<u8>,
}

struct State {
    authority: Authority,
    says: Says,
    ahead: TimeDelta,
    questions: Vec<Question>,
    /// Connections that get no answer.
    held: Vec<TcpStream>,
}

/// The authority; its thread ends with the process of the tests.
pub struct TimeAuthority {
    /// Where it is asked.
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl TimeAuthority {
    /// One that gives good time stamps.
    pub fn start() -> Self {
        Self::of(Authority::new(Utc::now() - TimeDelta::days(40), 5, true))
    }

    pub fn of(authority: Authority) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/tsr", listener.local_addr().expect("an address"));
        let (says, ahead) = (Says::Stamp(Fault::None), TimeDelta::zero());
        let state = State { authority, says, ahead, questions: Vec::new(), held: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &shared)));
        Self { url, state }
    }

    /// This one, whose questions go to another address.
    pub fn at(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on.
    pub fn says(&self, says: Says) {
        self.state().says = says;
    }

    /// Its clock goes so much ahead, as that of a server whose time a test moved.
    pub fn goes_ahead(&self, by: TimeDelta) {
        self.state().ahead += by;
    }

    /// All that it was asked.
    pub fn questions(&self) -> Vec<Question> {
        self.state().questions.clone()
    }

    /// Its root certificate, DER.
    pub fn root(&self) -> Vec<u8> {
        self.state().authority.root()
    }

    /// Its root certificate, PEM.
    pub fn root_pem(&self) -> String {
        let base64 = data_encoding::BASE64.encode(&self.root());
        format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
    }
}

pub fn question(stream: &TcpStream) -> Option<Question> {
    let mut reader = BufReader::new(stream);
    let mut read = Question::default();
    reader.read_line(&mut read.line).ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => read.headers.push(format!("{}: {value}", name.to_lowercase())),
            None => break,
        }
    }
    let length = read.headers.iter().find_map(|header| header.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    read.body = vec![0; length];
    reader.read_exact(&mut read.body).ok()?;
    Some(read)
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(question) = question(&stream) else { return };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.questions.push(question.clone());
    let (status, kind, more, body) = match state.says.clone() {
        Says::Nothing => return state.held.push(stream),
        Says::Stamp(fault) => {
            state.authority.fault = fault;
            let answer = state.authority.answer(&question.body, Utc::now() + state.ahead);
            (200, "application/timestamp-reply", "", answer)
        }
        Says::Status(status, more) => (status, "text/plain", more, b"no".to_vec()),
        Says::Text(text) => (200, "text/html", "", text.as_bytes().to_vec()),
        Says::Bytes(bytes) => (200, "application/timestamp-reply", "", vec![0x30; bytes]),
    };
    let head = format!(
        "HTTP/1.1 {status} It\r\ncontent-type: {kind}\r\n{more}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // Who asked may be gone.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}
