//! What comes back, read with a bound.

use std::time::Duration;

use chrono::DateTime;
use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use store::Timestamp;

/// Maximum pause that another side may ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// A whole answer.
pub struct Answer {
    /// Its status; anything but a success is not an error here.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why a body is not whole.
#[derive(Debug)]
pub enum ReadError {
    /// It is longer than the bound.
    TooLong,
    /// The connection broke off.
    Broken(reqwest::Error),
}

/// The body of an answer, up to `limit` bytes.
///
/// # Errors
/// [`ReadError`].
pub async fn read(response: &mut Response, limit: usize) -> Result<Vec<u8>, ReadError> {
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(ReadError::TooLong);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(ReadError::Broken)? {
        if body.len() + chunk.len() > limit {
            return Err(ReadError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Retry-After (RFC 9110, 10.2.3) in seconds or as a date, at most an hour.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(value).ok()?;
            (date.to_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(pause.min(MAX_RETRY_AFTER))
}
