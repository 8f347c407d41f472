//! Why there is no result: the contract's `fail_reason`, and what is to be done about it.

use std::time::Duration;

use reqwest::StatusCode;
use tokio::time::Instant;
use workflows::scoring::FailReason;

use super::{
    findings::Unreadable,
    provider::{Failure, Then},
};
use crate::outbound;

/// Pause where none is named.
pub const PAUSE: Duration = Duration::from_secs(5);

/// The words of `fail_reason`. The contract shows PROVIDER_TIMEOUT; its list is open.
pub mod reason {
    /// No answer in time.
    pub const TIMEOUT: &str = "PROVIDER_TIMEOUT";
    /// No connection, an error of its server, too many requests, or it is left alone after failures.
    pub const UNAVAILABLE: &str = "PROVIDER_UNAVAILABLE";
    /// It does not accept the request or the credentials.
    pub const REJECTED: &str = "PROVIDER_REJECTED";
    /// Its answer is not what its protocol says.
    pub const ANSWER_UNREADABLE: &str = "PROVIDER_ANSWER_UNREADABLE";
    /// The organization has no such provider, or its address is not allowed.
    pub const NOT_CONFIGURED: &str = "PROVIDER_NOT_CONFIGURED";
    /// The provider cannot do that, for example be delegated to.
    pub const NOT_SUPPORTED: &str = "NOT_SUPPORTED";
    /// The images cannot be read.
    pub const IMAGE_UNREADABLE: &str = "IMAGE_UNREADABLE";

    /// The word as a label of a metric: one of ours, or OTHER.
    pub fn known(reason: &str) -> &'static str {
        let words = [TIMEOUT, UNAVAILABLE, REJECTED, ANSWER_UNREADABLE, NOT_CONFIGURED, NOT_SUPPORTED, IMAGE_UNREADABLE];
        words.into_iter().find(|word| *word == reason).unwrap_or("OTHER")
    }
}

pub fn failure(reason: &str, then: Then, cause: impl Into<String>) -> Failure {
    Failure { reason: FailReason::new(reason), provider_id: None, then, cause: cause.into() }
}

pub fn not_configured(cause: impl Into<String>) -> Failure {
    failure(reason::NOT_CONFIGURED, Then::End, cause)
}

pub fn not_supported(cause: &str) -> Failure {
    failure(reason::NOT_SUPPORTED, Then::End, cause)
}

/// Nothing was asked, and nothing will be for `wait`.
pub fn pause(cause: &str, wait: Duration) -> Failure {
    failure(reason::UNAVAILABLE, Then::Pause(wait.max(Duration::from_secs(1))), cause)
}

impl From<Unreadable> for Failure {
    fn from(unreadable: Unreadable) -> Self {
        failure(reason::ANSWER_UNREADABLE, Then::End, unreadable.to_string())
    }
}

/// A call without an answer.
pub fn of_call(error: &outbound::Error, deadline: Instant) -> Failure {
    let (reason, then) = match error {
        outbound::Error::NotAllowed(_) => (reason::NOT_CONFIGURED, Then::End),
        outbound::Error::Timeout => (reason::TIMEOUT, Then::Retry),
        outbound::Error::TooLong(_) => (reason::ANSWER_UNREADABLE, Then::End),
        outbound::Error::Connect(_) | outbound::Error::Broken(_) if Instant::now() >= deadline => (reason::TIMEOUT, Then::Retry),
        outbound::Error::Connect(_) | outbound::Error::Broken(_) => (reason::UNAVAILABLE, Then::Retry),
    };
    failure(reason, then, error.to_string())
}

/// An answer that is none of those that were expected.
pub fn of_status(status: StatusCode, after: Option<Duration>) -> Failure {
    let number = status.as_u16();
    match (number, after) {
        (429 | 503, Some(after)) => pause(&format!("it answered {number} and asks for a pause"), after),
        (429, None) => pause("it answered 429", PAUSE),
        _ if is_transient(status) => failure(reason::UNAVAILABLE, Then::Retry, format!("it answered {number}")),
        (401 | 403, _) => {
            failure(reason::REJECTED, Then::End, format!("it answered {number}: it does not accept the credentials"))
        }
        _ if status.is_redirection() => {
            failure(reason::ANSWER_UNREADABLE, Then::End, format!("it answered {number}; redirects are not followed"))
        }
        _ if status.is_client_error() => failure(reason::REJECTED, Then::End, format!("it answered {number}")),
        _ => failure(reason::ANSWER_UNREADABLE, Then::End, format!("it answered {number}")),
    }
}

/// Whether it speaks against the provider, not against what it was asked.
pub fn is_of_the_provider(failure: &Failure) -> bool {
    matches!(failure.reason.as_str(), reason::TIMEOUT | reason::UNAVAILABLE | reason::ANSWER_UNREADABLE)
}

/// Whether the same request may be answered otherwise a moment later.
fn is_transient(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED || matches!(status.as_u16(), 408 | 425 | 429)
}
