//! Why a process gives no answer.

use workflows::Refusal;

/// Why a process gave no answer, or a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The machine refuses; what it recorded of the refusal is durable.
    #[error("the process refuses")]
    Refused(Refusal),
    /// The process' mailbox or the server is full. Nothing was done.
    #[error("too much is asked at once")]
    Overloaded,
    /// The store does not answer, or the server is going down. What was asked may or may not have been done.
    #[error("not available now: {0}")]
    Unavailable(String),
    /// The process is set aside after a fault.
    #[error("the process was set aside after a fault")]
    Quarantined,
}

/// A mailbox or the registry is full.
pub(crate) struct Full;
