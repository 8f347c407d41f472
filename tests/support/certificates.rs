//! An authority of certificates over HTTP, which says what it revoked: by OCSP (RFC 6960) and by lists, as a test tells it to.
#![allow(dead_code, reason = "each test binary uses its part of this module")]

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use chrono::{TimeDelta, Utc};
use documents::fixtures::authorities::{Fault, Pki};

use super::authority::question;

/// What it does of what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    All,
    /// Lists alone: its responder is away.
    Lists,
    Nothing,
}

struct State {
    pki: Pki,
    answers: Answers,
    ahead: TimeDelta,
    /// The lines of the requests.
    asked: Vec<String>,
}

/// The authority; its thread ends with the process of the tests.
pub struct CertificateAuthority {
    state: Arc<Mutex<State>>,
}

impl CertificateAuthority {
    /// One that answers all, whose certificates are valid for 40 days already.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let pki = Pki::new(Utc::now() - TimeDelta::days(40), Some(&base));
        let state = State { pki, answers: Answers::All, ahead: TimeDelta::zero(), asked: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &shared)));
        Self { state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on.
    pub fn answers(&self, answers: Answers) {
        self.state().answers = answers;
    }

    /// What its answers have wrong from now on.
    pub fn lies(&self, fault: Fault) {
        self.state().pki.fault = fault;
    }

    /// Its clock goes so much ahead.
    pub fn goes_ahead(&self, by: TimeDelta) {
        self.state().ahead += by;
    }

    /// The lines of all requests.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// Its certificates and what it says of them.
    pub fn with<T>(&self, work: impl FnOnce(&mut Pki) -> T) -> T {
        work(&mut self.state().pki)
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(question) = question(&stream) else { return };
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let line = question.line.trim_end().to_owned();
    state.asked.push(line.clone());
    let now = Utc::now() + state.ahead;
    let path = line.split(' ').nth(1).unwrap_or_default();
    let body = match (path, state.answers) {
        (_, Answers::Nothing) => None,
        ("/ocsp", Answers::All) => Some(state.pki.ocsp(&question.body, now)),
        ("/list", _) => Some(state.pki.list(now)),
        ("/issuer", _) => Some(state.pki.root()),
        _ => None,
    };
    let status = if body.is_some() { "200 OK" } else { "503 It" };
    let body = body.unwrap_or_default();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    // Who asked may be gone.
    let _ = stream.write_all(&[head.as_bytes(), &body].concat());
}
