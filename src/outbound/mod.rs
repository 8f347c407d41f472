//! Calls to other people's HTTP services: one client, with what it may reach and how much it reads.
//!
//! An address that an organization gives can point anywhere: at the metadata service of a cloud, at a database beside this server
//! (OWASP: server-side request forgery). So the client looks names up itself and connects to nothing but what [`Reach`] allows: between
//! the check and the connection there is no moment in which a name could change. It follows no redirect, uses no proxy (which would
//! look the name up again), and never repeats a request by itself.

mod answer;
mod reach;
mod signature;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Url, header::HeaderValue, redirect};
use tokio::time::{Instant, timeout_at};

pub use answer::{Answer, ReadError, read, retry_after};
pub use reach::{NotAllowed, Reach};
pub use signature::sign;

/// Why there is no answer. Its text names neither the address nor anything that was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address is none that this server calls.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// No connection came about, so nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(&'static str),
    /// The deadline passed.
    #[error("it did not answer in time")]
    Timeout,
    /// The other side broke off.
    #[error("it broke off: {0}")]
    Broken(&'static str),
    /// The answer is longer than the bound.
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Error {
    /// Whether the same call may have another end a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Timeout | Self::Broken(_))
    }
}

/// A client for addresses that organizations give; a cheap handle.
#[derive(Clone)]
pub struct Http {
    client: Client,
    reach: Reach,
}

impl Http {
    /// `connect_timeout` bounds looking up the name, TCP and TLS together.
    ///
    /// # Errors
    /// A text, when the system has no TLS.
    pub fn new(reach: Reach, connect_timeout: Duration) -> Result<Self, String> {
        let builder = Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .dns_resolver(reach.resolver())
            .connect_timeout(connect_timeout)
            // A connection that the other side closes while a request goes out on it makes an unknown outcome.
            .pool_idle_timeout(Duration::from_secs(10));
        let client = builder.build().map_err(|error| format!("the HTTP client cannot be set up: {error}"))?;
        Ok(Self { client, reach })
    }

    /// Begins a request.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, NotAllowed> {
        self.reach.check(&url)?;
        Ok(self.client.request(method, url))
    }

    /// Sends a request of [`Http::request`] and reads its answer, up to `limit` bytes and `deadline`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn send(&self, request: RequestBuilder, deadline: Instant, limit: usize) -> Result<Answer, Error> {
        let mut response =
            timeout_at(deadline, request.send()).await.map_err(|_| Error::Timeout)?.map_err(|error| failure(&error))?;
        let body = timeout_at(deadline, read(&mut response, limit)).await.map_err(|_| Error::Timeout)?;
        let body = body.map_err(|error| match error {
            ReadError::TooLong => Error::TooLong(limit),
            ReadError::Broken(error) => failure(&error),
        })?;
        Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    }
}

fn failure(error: &reqwest::Error) -> Error {
    const DEEPEST: usize = 16;
    let causes = std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |error| error.source()).take(DEEPEST);
    if let Some(refused) = causes.filter_map(|error| error.downcast_ref::<NotAllowed>()).next() {
        return Error::NotAllowed(refused.clone());
    }
    match error {
        error if error.is_timeout() => Error::Timeout,
        error if error.is_connect() => Error::Connect(connection_problem(error)),
        error if error.is_builder() => Error::Broken("the request cannot be made"),
        error => Error::Broken(connection_problem(error)),
    }
}

/// A header that the client hides in its own debug output.
///
/// # Errors
/// A text without the value, when it cannot stand in a header.
pub fn secret_header(value: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(value).map_err(|_| "the value cannot stand in a header".to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// What broke a connection, in our words: a reason is shown in evidence, where the text of a library says nothing to anybody.
pub fn connection_problem(error: &(dyn std::error::Error + 'static)) -> &'static str {
    use std::io::ErrorKind as K;
    const DEEPEST: usize = 16;
    let causes = std::iter::successors(Some(error), |error| error.source()).take(DEEPEST);
    let kinds = causes.filter_map(|error| error.downcast_ref::<std::io::Error>()).map(std::io::Error::kind);
    let known = kinds.filter_map(|kind| match kind {
        K::ConnectionRefused => Some("the connection was refused"),
        K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => Some("the other side closed the connection"),
        K::UnexpectedEof => Some("the other side ended the connection too early"),
        K::TimedOut => Some("the other side did not answer in time"),
        K::HostUnreachable | K::NetworkUnreachable | K::NetworkDown | K::AddrNotAvailable => Some("no way leads to its address"),
        K::InvalidData => Some("what the other side sent could not be read, or its certificate is not trusted"),
        _ => None,
    });
    known.last().unwrap_or("there is no connection; its name may not resolve")
}
