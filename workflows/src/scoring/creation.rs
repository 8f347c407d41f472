//! What a scoring session is made of, and what a new one must be like.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DEFAULT_ATTEMPTS, DocumentClass, Level, MAX_ATTEMPTS, MAX_NAME, TIME_LIMIT};
use crate::{Contact, Refusal, Timestamp, values::Problems};

/// The times that a session lives by. Taken from the configuration when it is created and journaled with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Time for a provider to score images, at most [`MAX_ATTEMPT_TIME`](super::MAX_ATTEMPT_TIME).
    pub attempt_seconds: u32,
    /// Time for a delegation, at most [`MAX_DELEGATION_TIME`](super::MAX_DELEGATION_TIME).
    pub delegation_seconds: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { attempt_seconds: 60, delegation_seconds: 1800 }
    }
}

/// What a session is for. All empty: it stands alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    /// The identification that is told of each result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identification: Option<Uuid>,
    /// Which of its sessions this is, from 0: a restart opens another one.
    #[serde(default)]
    pub round: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_process: Option<Uuid>,
}

/// What a session is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    pub document: DocumentClass,
    /// As it was asked for: INTERNAL, EXTERNAL or the name of a service.
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The person as the caller declares it, to compare with what the document says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Contact>,
    pub max_attempts: u32,
    pub expires_at: Timestamp,
    pub policy: Policy,
    #[serde(default)]
    pub purpose: Purpose,
}

impl Creation {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !(1..=MAX_ATTEMPTS).contains(&self.max_attempts) {
            Err(Refusal::Invalid("a scoring session has 1 to 50 attempts"))
        } else if !(1..=MAX_NAME).contains(&self.provider.len()) {
            Err(Refusal::Invalid("the name of a scoring provider has 1 to 64 bytes"))
        } else {
            Ok(())
        }
    }
}

/// A session that stands alone, as it is asked for; nothing of it is checked yet.
#[derive(Clone, Debug)]
pub struct Request {
    pub kind: Option<String>,
    pub country: Option<String>,
    pub provider: String,
    /// ISO-8601.
    pub expires_in: String,
    pub max_attempts: Option<u32>,
}

impl Request {
    /// What a session that is created at `now` is made of.
    ///
    /// # Errors
    /// Everything that is wrong, with the members of the contract's `CreateScoringRequest`.
    pub fn checked(self, now: Timestamp, policy: Policy) -> Result<Creation, Problems> {
        let mut problems = Problems::default();
        let kind = problems.take("document.type", name(self.kind.unwrap_or_default()));
        let country = match self.country {
            Some(country) if country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()) => Ok(country),
            _ => Err("expected two capital letters (ISO 3166-1)"),
        };
        let country = problems.take("document.country", country);
        let provider = problems.take("provider", name(self.provider));
        let expires_in = problems.take("expires_in", TIME_LIMIT.read(&self.expires_in));
        let max_attempts = self.max_attempts.unwrap_or(DEFAULT_ATTEMPTS);
        if !(1..=MAX_ATTEMPTS).contains(&max_attempts) {
            problems.note("max_score_retries", format!("expected 1 to {MAX_ATTEMPTS}"));
        }
        match (kind, provider, expires_in) {
            (Some(kind), Some(provider), Some(expires_in)) if problems.is_empty() => Ok(Creation {
                document: DocumentClass { kind, country },
                provider,
                level: None,
                declared: None,
                max_attempts,
                expires_at: now + expires_in,
                policy,
                purpose: Purpose::default(),
            }),
            _ => Err(problems),
        }
    }
}

/// A name on one of the contract's open lists.
fn name(name: String) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_name) {
        return Ok(name);
    }
    Err(format!("expected 1 to {MAX_NAME} letters, digits, _ and -"))
}
