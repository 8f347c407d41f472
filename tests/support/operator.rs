//! An operator of phones with the CAMARA interfaces, on this machine: a good one, unless it is told to answer otherwise.
#![allow(dead_code, reason = "each test binary uses its part of this module")]

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use serde_json::{Value, json};

/// What the operator does with a request.
#[derive(Clone)]
pub enum Reply {
    Json(u16, Value),
    /// No JSON.
    Text(u16, &'static str),
    /// Reads the request and never answers.
    Hang,
    /// Reads the request and closes the connection.
    Drop,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    pub authorization: String,
    pub correlator: String,
    pub body: String,
}

#[derive(Default)]
struct State {
    /// By the end of the path: the replies to come; the last one stays.
    replies: HashMap<String, Vec<Reply>>,
    requests: Vec<Request>,
    tokens: u32,
}

/// The operator. It serves until the program ends.
pub struct Operator {
    base: String,
    state: Arc<Mutex<State>>,
}

impl Operator {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::<Mutex<State>>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { base, state }
    }

    /// Where it is.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// From now on, requests whose path ends so get these replies in order, and then the last one again.
    pub fn replies(&self, path: &str, replies: &[Reply]) {
        locked(&self.state).replies.insert(path.to_owned(), replies.iter().rev().cloned().collect());
    }

    /// The requests so far whose path ends so.
    pub fn requests(&self, path: &str) -> Vec<Request> {
        locked(&self.state).requests.iter().filter(|request| request.path.ends_with(path)).cloned().collect()
    }

    /// The member `operator` of a contact policy that leads here.
    pub fn settings(&self) -> Value {
        json!({
            "base_url": self.base,
            "token_url": format!("{}/token", self.base),
            "client_id": "acme",
            "client_secret": "operator-s3cret",
            // Long where it must not pass: a test that waits for the end of it says so.
            "timeout_ms": 10_000,
        })
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(request) = read(&mut stream) else { return };
    let reply = reply(&request, &mut locked(state));
    let (status, body) = match reply {
        Reply::Json(status, body) => (status, body.to_string()),
        Reply::Text(status, body) => (status, body.to_owned()),
        Reply::Drop => return,
        Reply::Hang => {
            // Until the client leaves.
            let _ = stream.read(&mut [0; 64]);
            return;
        }
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes());
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(": "));
            lines
                .filter(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.to_owned())
                .next()
                .unwrap_or_default()
        };
        if body.len() >= header("content-length").parse().unwrap_or(0) {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            return Some(Request {
                path,
                authorization: header("authorization"),
                correlator: header("x-correlator"),
                body: body.to_owned(),
            });
        }
    }
}

fn reply(request: &Request, state: &mut State) -> Reply {
    state.requests.push(request.clone());
    if let Some(replies) = state.replies.iter_mut().find(|(path, _)| request.path.ends_with(*path)).map(|(_, replies)| replies) {
        let next = if replies.len() > 1 { replies.pop() } else { replies.last().cloned() };
        if let Some(reply) = next {
            return reply;
        }
    }
    let segments: Vec<&str> = request.path.split('/').collect();
    let body = match *segments.as_slice() {
        [.., "token"] => {
            state.tokens += 1;
            json!({"access_token": format!("token-{}", state.tokens), "token_type": "Bearer", "expires_in": 3600})
        }
        [.., "bc-authorize"] => json!({"auth_req_id": "authentication-1", "expires_in": 120, "interval": 0}),
        [.., "sim-swap", _, "check"] => json!({"swapped": false}),
        [.., "sim-swap", _, "retrieve-date"] => json!({"latestSimChange": "2020-02-03T04:05:06Z"}),
        [.., "number-verification", _, "verify"] => json!({"devicePhoneNumberVerified": true}),
        [.., "kyc-match", _, "match"] => {
            json!({"idDocumentMatch": "true", "givenNameMatch": "true", "familyNameMatch": "not_available"})
        }
        _ => return Reply::Json(404, json!({"status": 404})),
    };
    Reply::Json(200, body)
}
