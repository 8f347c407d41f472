//! What a provider is asked, and what it can answer.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use store::Timestamp;
use uuid::Uuid;
use workflows::{
    Contact,
    scoring::{DocumentClass, FailReason, ImageType, Level, ScoreResult},
};

use crate::channels::Secret;

/// What a provider is asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub organization: String,
    /// As it was asked for when the session was opened: INTERNAL, EXTERNAL or the name of a service.
    pub provider: String,
    /// `None` is as [`Level::Medium`].
    pub level: Option<Level>,
    pub document: DocumentClass,
    /// The person as the caller declares it, to compare with.
    pub declared: Option<Contact>,
    /// None for a delegation.
    pub captures: Captures,
    /// How much wall time is left; an answer after it is dropped.
    pub timeout: Duration,
    /// The identification whose session it is, else the session.
    pub process: Uuid,
    /// The same for every repetition of this attempt.
    pub idempotency_key: String,
    /// Process time.
    pub now: Timestamp,
}

/// The images of a document.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    pub front: Option<Capture>,
    pub back: Option<Capture>,
}

/// Reads the bytes of an image.
type Read = Arc<dyn Fn() -> BoxFuture<'static, Result<Bytes, String>> + Send + Sync>;

/// One image, whose bytes are read when they are needed: many requests may wait for their turn at once.
#[derive(Clone)]
pub struct Capture {
    pub image_type: ImageType,
    /// In bytes.
    pub size: u64,
    /// SHA-256 in hex.
    pub sha256: String,
    read: Read,
}

impl Capture {
    /// `read` opens the sealed bytes.
    pub fn new(capture: &workflows::scoring::Capture, read: Read) -> Self {
        Self { image_type: capture.image_type, size: capture.size, sha256: capture.sha256.clone(), read }
    }

    /// The bytes; to be held no longer than they are needed.
    ///
    /// # Errors
    /// [`Then::Retry`] if they cannot be read now.
    pub async fn read(&self) -> Result<Bytes, Failure> {
        (self.read)().await.map_err(|cause| Failure::unavailable(format!("an image could not be read: {cause}")))
    }
}

impl fmt::Debug for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Capture({}, {} bytes)", self.image_type.media_type(), self.size)
    }
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the attempt ends with, if it ends.
    pub reason: FailReason,
    /// The identifier that the provider gave to the request.
    pub provider_id: Option<String>,
    pub then: Then,
    /// For logs: nothing secret, and nothing of the image or the person.
    pub cause: String,
}

impl Failure {
    /// The provider could not be asked, and may be later.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        let reason = FailReason::new(FailReason::UNAVAILABLE);
        Self { reason, provider_id: None, then: Then::Retry, cause: cause.to_string() }
    }

    /// The attempt ends for this reason.
    pub fn ended(reason: &str, cause: impl fmt::Display) -> Self {
        Self { reason: FailReason::new(reason), provider_id: None, then: Then::End, cause: cause.to_string() }
    }
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The attempt ends with the failure's reason.
    End,
    /// The provider is asked again until the deadline of the attempt. Not for a delegation, which its caller repeats.
    Retry,
    /// The provider asks for a pause, or its circuit is open: the attempt does not count, and the caller is told when to come again.
    Pause(Duration),
}

/// What the client needs to go on at the provider.
#[derive(Clone, Debug)]
pub struct Delegation {
    pub provider_id: String,
    /// For the client alone: it is not kept.
    pub access_token: Secret,
}

/// How a provider can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// Images can be submitted.
    pub submit: bool,
    /// The scoring can be delegated.
    pub delegate: bool,
}

/// Who scores.
#[async_trait]
pub trait Provider: Send + Sync {
    /// How the organization can use the provider of this name; `None` if there is none, or it is not configured.
    ///
    /// # Errors
    /// What could not be read; trying later may work.
    async fn ways(&self, organization: &str, provider: &str) -> Result<Option<Ways>, String>;

    /// Scores images. Called again with the same key after a crash, and after [`Then::Retry`].
    ///
    /// # Errors
    /// [`Failure`]
    async fn score(&self, request: &Request) -> Result<ScoreResult, Failure>;

    /// Hands the scoring over; `config` is the caller's, any JSON.
    ///
    /// # Errors
    /// [`Failure`]
    async fn delegate(&self, request: &Request, config: Option<&serde_json::Value>) -> Result<Delegation, Failure>;

    /// The result of what was delegated under `provider_id`; `None` while it is not there. Asked again until the deadline.
    ///
    /// # Errors
    /// [`Failure`]
    async fn delegated(&self, request: &Request, provider_id: &str) -> Result<Option<ScoreResult>, Failure>;

    /// Forgets whatever is remembered of a deleted process ([`Request::process`]) beyond its results. Idempotent.
    ///
    /// # Errors
    /// Why it could not; to be tried again.
    async fn forget(&self, _organization: &str, _process: Uuid, _now: Timestamp) -> Result<(), String> {
        Ok(())
    }
}
