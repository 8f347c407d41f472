//! Why a machine refuses a command: one type for all machines, so that whoever answers a caller maps it once.

use std::fmt;

use crate::Timestamp;

/// Why a command was refused. `Display` says it in words for the caller; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What the command is for was never created or was deleted. Names it: "identification".
    NotFound(&'static str),
    /// The state does not allow the command. The whole sentence, with the state.
    State(String),
    /// Another one with this identifier exists already. Names it.
    Exists(&'static str),
    /// The caller did not prove what it must: a code, a second factor, a permission. The whole sentence.
    Forbidden(&'static str),
    /// What the command needs was there and is over. The whole sentence, with what to do next.
    Gone(&'static str),
    /// The command is allowed from `retry_at`. `what` is the part of the sentence before the moment.
    TooEarly { what: &'static str, retry_at: Timestamp },
    /// Something else is under way; the same command may be given again after `wait`. `what` is the part of the sentence before that.
    Busy { what: &'static str, wait: chrono::Duration },
    /// What was to be created could never end. The whole sentence.
    Invalid(&'static str),
}

impl Refusal {
    /// A refusal by the state, in a whole sentence.
    pub fn state(sentence: impl Into<String>) -> Self {
        Self::State(sentence.into())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "there is no such {what}"),
            Self::State(sentence) => f.write_str(sentence),
            Self::Exists(what) => write!(f, "another {what} has this identifier"),
            Self::Forbidden(sentence) | Self::Gone(sentence) | Self::Invalid(sentence) => f.write_str(sentence),
            Self::Busy { what, wait } => write!(f, "{what}; try again in {} seconds", seconds(*wait)),
            Self::TooEarly { what, retry_at } => write!(f, "{what} {}", retry_at.to_rfc3339()),
        }
    }
}

/// Whole seconds, rounded up: who waits so long does not come too early.
fn seconds(wait: chrono::Duration) -> i64 {
    wait.num_milliseconds().saturating_add(999).max(1000) / 1000
}

impl std::error::Error for Refusal {}
