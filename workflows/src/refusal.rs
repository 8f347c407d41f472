//! What a refused command means to whoever gave it, in the kinds that all machines share.
//!
//! Each machine keeps its own `Rejection`, which its tests name; a [`Refusal`] is what is told outside, so that no caller needs to know
//! the rejections of every machine. Nothing here knows HTTP.

use crate::Timestamp;

/// The kind of a refusal: what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// There is no such thing, or it was deleted: check the identifier.
    NotFound,
    /// Its state does not allow the command: read it first.
    State,
    /// Another thing has this identifier: take another one.
    Exists,
    /// What was given as proof is wrong, or a permission is missing.
    Forbidden,
    /// It was there and is not any more: ask for a new one.
    Gone,
    /// The same command is allowed from this instant.
    TooEarly { retry_at: Timestamp },
    /// The command itself can never work.
    Invalid,
}

/// Why a machine refuses a command, in words for the caller. The words name states and instants, never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub message: String,
}

impl Refusal {
    pub fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}
