//! A client that survives its server: what got no answer is asked again at wherever the server is now.

use std::{
    sync::Arc,
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

/// The client of one organization. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    server: Arc<RwLock<Address>>,
}

impl Api {
    pub fn new(server: &Server) -> Self {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build().expect("a client");
        Self { http, server: Arc::new(RwLock::new(Address::of(server))) }
    }

    /// The server is elsewhere from now on.
    pub fn moved(&self, server: &Server) {
        *self.server.write() = Address::of(server);
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
                Err(error) => last = error.to_string(),
            }
            doubtful = true;
            tokio::time::sleep(PAUSE).await;
        }
        panic!("{method} {path} got no answer within {PATIENCE:?}: {last}");
    }

    async fn once(&self, method: Method, path: &str, body: Body) -> reqwest::Result<(StatusCode, Vec<u8>)> {
        let Address { base, token } = self.server.read().clone();
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
        let response = request.send().await?;
        let status = response.status();
        Ok((status, response.bytes().await?.to_vec()))
    }
}
