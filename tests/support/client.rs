//! A blocking HTTP client that keeps what it sent beside what came back.

use std::{fmt, sync::OnceLock, time::Duration};

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// Longest time of one call.
const TIMEOUT: Duration = Duration::from_secs(60);

/// One runtime for all clients: connections live in it, whichever thread uses them.
fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime for the clients")
    })
}

/// Calls one server with one token. Cheap to clone; may be used from several threads.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    observer: Option<fn(&Answer)>,
}

impl Client {
    pub fn new(base: &str, token: Option<String>, observer: Option<fn(&Answer)>) -> Self {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("an HTTP client");
        Self { http, base: base.to_owned(), token, observer }
    }

    /// The same client with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Call<'_> {
        self.call(Method::PUT, path)
    }

    pub fn patch(&self, path: &str) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Call<'_> {
        self.call(Method::DELETE, path)
    }

    /// A call of a path of the server, or of a whole address.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let url = if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        let mut request = self.http.request(method.clone(), &url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let path = url.strip_prefix(&self.base).unwrap_or(&url).split('?').next().unwrap_or_default().to_owned();
        Call { client: self, request, method, path }
    }
}

/// A call that is being put together.
#[must_use = "a call does nothing until it is sent"]
pub struct Call<'a> {
    client: &'a Client,
    request: reqwest::RequestBuilder,
    method: Method,
    path: String,
}

impl Call<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn headers<'h>(mut self, headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> Self {
        for (name, value) in headers {
            self.request = self.request.header(name, value);
        }
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.request = self.request.header("content-type", media_type).body(body.into());
        self
    }

    pub fn form(self, form: Form) -> Self {
        self.form_as(form, "multipart/form-data")
    }

    pub fn form_as(self, form: Form, media_type: &str) -> Self {
        self.body(&format!("{media_type}; boundary={}", Form::BOUNDARY), form.bytes())
    }

    /// Sends the call and reads the whole answer.
    ///
    /// # Panics
    /// When no answer came.
    pub fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        self.try_send().unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// As [`Call::send`]; an error when no whole answer came, as from a server that is killed meanwhile.
    pub fn try_send(self) -> Result<Answer, reqwest::Error> {
        let Self { client, request, method, path } = self;
        let answer = runtime().block_on(async move {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = response.bytes().await?.to_vec();
            Ok::<_, reqwest::Error>(Answer { method, path, status, headers, body })
        })?;
        if let Some(observe) = client.observer {
            observe(&answer);
        }
        Ok(answer)
    }
}

/// An answer, read to its end, and what it answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub method: Method,
    /// Path of the request, without its query.
    pub path: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }

    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header in ASCII"))
    }

    /// A member that is a text.
    ///
    /// # Panics
    /// When it is none.
    pub fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no text {member}: {self}")).to_owned()
    }

    /// # Panics
    /// When the status is another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// Expects an error: its status with the code and title that the contract pairs with it.
    ///
    /// # Panics
    /// When the answer is another one.
    #[track_caller]
    pub fn expect_problem(self, status: u16, title: &str) -> Self {
        assert_eq!(self.status, status, "{self}");
        let codes = self.codes(title);
        let body = self.json();
        let errors = body["errors"].as_array().filter(|errors| !errors.is_empty()).unwrap_or_else(|| panic!("no errors: {self}"));
        for error in errors {
            let code =
                error["code"].as_str().filter(|code| codes.contains(code)).unwrap_or_else(|| panic!("another code: {self}"));
            assert_eq!(error["title"].as_str(), Some(title), "{self}");
            assert!(error["details"].as_str().is_some_and(|details| !details.trim().is_empty()), "no details: {self}");
            assert!(error["ref"].as_str().is_some_and(|url| url.starts_with("http") && url.ends_with(code)), "no ref: {self}");
        }
        self
    }

    /// The codes that the API of this answer pairs with a title.
    fn codes(&self, title: &str) -> &'static [&'static str] {
        let is_consents = self.path.starts_with("/v2/");
        match title {
            "INTERNAL_SERVER_ERROR" if is_consents => &["MCONS_000"],
            "PARAMETER_ERROR" if is_consents => &["MCONS_001", "MCONS_010"],
            "INVALID_INPUT" if is_consents => &["MCONS_001"],
            "UNAUTHORIZED" if is_consents => &["MCONS_002", "MCONS_011"],
            "RESOURCE_NOT_FOUND" if is_consents => &["MCONS_003"],
            "RESOURCE_IS_NO_LONGER_AVAILABLE" if is_consents => &["MCONS_004"],
            "CONFLICT" if is_consents => &["MCONS_005", "MCONS_020", "MCONS_021"],
            "INTERNAL_SERVER_ERROR" => &["MDOC_000"],
            "PARAMETER_ERROR" | "INVALID_INPUT" => &["MDOC_001"],
            "UNAUTHORIZED" => &["MDOC_002"],
            "RESOURCE_NOT_FOUND" => &["MDOC_003"],
            "RESOURCE_IS_NO_LONGER_AVAILABLE" => &["MDOC_004"],
            "CONFLICT" => &["MDOC_005"],
            "UNPROCESSABLE_ENTITY" => &["MDOC_006"],
            other => panic!("{other} is no title of the contract"),
        }
    }

    /// Expects an error of which one problem has a code.
    ///
    /// # Panics
    /// When the answer is another one.
    #[track_caller]
    pub fn expect_code(self, status: u16, code: &str) -> Self {
        assert_eq!(self.status, status, "{self}");
        let body = self.json();
        let mut codes = body["errors"].as_array().into_iter().flatten().map(|error| &error["code"]);
        assert!(codes.any(|own| own == code), "no {code}: {self}");
        self
    }

    /// All details of an error, one per line.
    pub fn details(&self) -> String {
        let body = self.json();
        let details = body["errors"].as_array().into_iter().flatten().filter_map(|error| error["details"].as_str());
        details.collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.body[..self.body.len().min(1000)];
        write!(f, "{} {}: {} {}", self.method, self.path, self.status, String::from_utf8_lossy(shown))
    }
}

/// A multipart body, part by part.
#[derive(Clone, Default)]
pub struct Form(Vec<u8>);

impl Form {
    const BOUNDARY: &str = "a-boundary-that-no-part-holds";

    pub fn new() -> Self {
        Self::default()
    }

    pub fn part(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.disposed(format!("form-data; name=\"{name}\""), value)
    }

    pub fn file(self, name: &str, file_name: &str, value: impl AsRef<[u8]>) -> Self {
        let disposition =
            format!("form-data; name=\"{name}\"; filename=\"{file_name}\"\r\nContent-Type: application/octet-stream");
        self.disposed(disposition, value)
    }

    /// A part with a Content-Disposition as given.
    pub fn disposed(mut self, disposition: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(format!("--{}\r\nContent-Disposition: ", Self::BOUNDARY).as_bytes());
        self.0.extend_from_slice(disposition.as_ref());
        self.0.extend_from_slice(b"\r\n\r\n");
        self.0.extend_from_slice(value.as_ref());
        self.0.extend_from_slice(b"\r\n");
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{}--\r\n", Self::BOUNDARY).as_bytes());
        self.0
    }
}
