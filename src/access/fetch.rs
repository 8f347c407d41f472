//! How an issuer's key set is got: from a file or over HTTPS, always bounded in size and time.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::key_set;
use super::options::{IssuerOptions, OptionsError};
use crate::outbound::{self, ReadError};

/// Largest key set, in bytes.
pub(super) const MAX_JWKS: usize = 256 * 1024;

/// Maximum time that a request for a key set may take, answer included.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Gets the key set of one issuer as JSON (RFC 7517 section 5). The error is a sentence for the log.
#[async_trait]
pub trait Fetch: Send + Sync {
    async fn fetch(&self) -> Result<Vec<u8>, String>;
}

/// The way to the key set that the options name, if they name one.
pub(super) fn of(options: &IssuerOptions) -> Result<Option<Arc<dyn Fetch>>, OptionsError> {
    if let Some(path) = &options.jwks_file {
        let file = File { path: path.clone() };
        file.check().map_err(|error| OptionsError::new(&options.issuer, error))?;
        return Ok(Some(Arc::new(file)));
    }
    let Some(url) = &options.jwks_url else { return Ok(None) };
    let http = Http::new(url).map_err(|error| OptionsError::new(&options.issuer, error))?;
    Ok(Some(Arc::new(http)))
}

struct File {
    path: PathBuf,
}

impl File {
    /// A file that is missing or useless shows at the start, not at the first request.
    fn check(&self) -> Result<(), String> {
        let body = read_file(&self.path)?;
        key_set::read(&body).map(|_| ()).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

#[async_trait]
impl Fetch for File {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || read_file(&path)).await.map_err(|_| "the read was broken off")?
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut body = Vec::new();
    file.take(MAX_JWKS as u64 + 1).read_to_end(&mut body).map_err(unreadable)?;
    if body.len() > MAX_JWKS { Err(format!("{} is too long", path.display())) } else { Ok(body) }
}

/// A document behind an address of the configuration, or of what was fetched from one.
pub(super) struct Http {
    client: reqwest::Client,
    url: reqwest::Url,
}

/// An address of an issuer, which must be safe from others on the way.
///
/// # Errors
/// A sentence that begins with the `name` of the address.
pub(super) fn secure_url(name: &str, url: &str) -> Result<reqwest::Url, String> {
    let url = reqwest::Url::parse(url).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let is_local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if url.scheme() != "https" && !(url.scheme() == "http" && is_local) {
        return Err(format!("{name} must begin with https:// (or be on this machine)"));
    }
    Ok(url)
}

/// The client for issuers.
///
/// # Errors
/// When the system has no TLS.
pub(super) fn client() -> Result<reqwest::Client, String> {
    let builder = reqwest::Client::builder()
        .timeout(TIMEOUT)
        // Keys come from where the configuration says, not from where an answer points.
        .redirect(reqwest::redirect::Policy::none())
        // Fetched so rarely that a connection kept open is only one that breaks.
        .pool_max_idle_per_host(0);
    builder.build().map_err(|error| format!("no HTTP client: {error}"))
}

/// What came of a request, with a body of at most [`MAX_JWKS`] bytes. The error is a sentence for the log.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> Result<(reqwest::StatusCode, Vec<u8>), String> {
    // An address can carry credentials; it does not go into the log.
    let failed = |error: reqwest::Error| error.without_url().to_string();
    let mut response = request.header("accept", "application/json").send().await.map_err(failed)?;
    let body = outbound::read(&mut response, MAX_JWKS).await.map_err(|error| match error {
        ReadError::TooLong => "the answer is too long".to_owned(),
        ReadError::Broken(error) => failed(error),
    })?;
    Ok((response.status(), body))
}

impl Http {
    fn new(url: &str) -> Result<Self, String> {
        Ok(Self { client: client()?, url: secure_url("jwks_url", url)? })
    }

    pub(super) fn of(client: reqwest::Client, url: reqwest::Url) -> Self {
        Self { client, url }
    }
}

#[async_trait]
impl Fetch for Http {
    async fn fetch(&self) -> Result<Vec<u8>, String> {
        match answer(self.client.get(self.url.clone())).await? {
            (reqwest::StatusCode::OK, body) => Ok(body),
            (status, _) => Err(format!("answered {status}")),
        }
    }
}
