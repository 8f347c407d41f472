//! A client that survives its servers: what got no answer is asked again, at another server or at wherever the one is now.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::RwLock;
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::support::Server;

/// Longest time until some server answers. Covers a kill, a restart and a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks for a server.
const PAUSE: Duration = Duration::from_millis(15);

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    /// The same was asked before without an answer: it may have been done then.
    pub doubtful: bool,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub fn text(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }

    /// # Panics
    /// If it is another status.
    pub fn expect(self, status: u16, what: &str) -> Self {
        assert_eq!(self.status.as_u16(), status, "{what}: {}", self.text());
        self
    }
}

/// The body of a request.
#[derive(Clone)]
pub enum Body {
    None,
    Json(Value),
    Form { boundary: String, bytes: Vec<u8> },
}

/// Where a server is, and a token for it.
#[derive(Clone)]
struct Address {
    base: String,
    token: String,
}

impl Address {
    fn of(server: &Server) -> Self {
        Self { base: server.base().to_owned(), token: server.bearer().to_owned() }
    }
}

/// The client of one organization. It goes to another server with each call, where there are several. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    servers: Arc<RwLock<Vec<Address>>>,
    turn: Arc<AtomicUsize>,
}

impl Api {
    pub fn new<'a>(servers: impl IntoIterator<Item = &'a Server>) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().expect("a client");
        let api = Self { http, servers: Arc::default(), turn: Arc::default() };
        api.moved(servers);
        api
    }

    /// The servers are these from now on, for all clones.
    pub fn moved<'a>(&self, servers: impl IntoIterator<Item = &'a Server>) {
        *self.servers.write() = servers.into_iter().map(Address::of).collect();
    }

    /// A clone that others do not take turns with: each call goes to another server than the one before.
    pub fn apart(&self) -> Self {
        Self { turn: Arc::new(AtomicUsize::new(self.turn.fetch_add(1, Ordering::Relaxed))), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, Body::None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, Body::Json(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.ask(Method::PUT, path, Body::Json(body)).await
    }

    /// Asks until there is an answer other than "try later".
    ///
    /// # Panics
    /// If there is none within [`PATIENCE`].
    pub async fn ask(&self, method: Method, path: &str, body: Body) -> Answer {
        let until = Instant::now() + PATIENCE;
        let mut doubtful = false;
        let mut last = String::new();
        while Instant::now() < until {
            match self.once(method.clone(), path, body.clone()).await {
                Ok((StatusCode::SERVICE_UNAVAILABLE, body)) => last = String::from_utf8_lossy(&body).into_owned(),
                Ok((status, body)) => return Answer { status, body, doubtful },
                Err(error) => last = error,
            }
            doubtful = true;
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{method} {path} got no answer within {PATIENCE:?}: {last}");
    }

    async fn once(&self, method: Method, path: &str, body: Body) -> Result<(StatusCode, Vec<u8>), String> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let server = {
            let servers = self.servers.read();
            servers.get(turn % servers.len().max(1)).cloned()
        };
        let Address { base, token } = server.ok_or("there is no server")?;
        // Whole URLs name an address that the server had when it gave them.
        let path = path.find("/public/").map_or(path, |start| &path[start..]);
        let mut request = self.http.request(method, format!("{base}{path}")).bearer_auth(token);
        for (name, value) in [("x-installation_id", "i1"), ("x-fingerprint", "f1"), ("user-agent", "rubrica-crash-test")] {
            request = request.header(name, value);
        }
        request = match body {
            Body::None => request,
            Body::Json(value) => request.json(&value),
            Body::Form { boundary, bytes } => {
                request.header("content-type", format!("multipart/form-data; boundary={boundary}")).body(bytes)
            }
        };
        let response = request.send().await.map_err(|error| error.to_string())?;
        let status = response.status();
        Ok((status, response.bytes().await.map_err(|error| error.to_string())?.to_vec()))
    }
}
