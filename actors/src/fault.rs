//! What keeps one entity from being served, and no other.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Of what kind a fault is for which a process is set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its journal cannot be read: an entry is damaged or is not sealed under its key, or one does not follow from those before.
    Journal,
    /// The machine or its adapter panicked.
    Panic,
    /// What was to be written of it cannot be written, whoever tries it: it is too large, for example.
    NotWritable,
}

/// Why an input had no effect.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The store does not answer, or its answer is not known. Trying later may work.
    Unavailable(String),
    /// The journal cannot be read or the machine panicked: this entity must be set aside.
    Poisoned(Cause, String),
}

/// What a failed read means for the entity.
pub(crate) fn unreadable(error: store::Error) -> Fault {
    match error {
        store::Error::Corrupt(reason) => Fault::Poisoned(Cause::Journal, reason),
        other => Fault::Unavailable(other.to_string()),
    }
}

/// Runs what must not take the server with it: a panic becomes a fault of this one entity. What `work` fails with is that nothing can be written.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|reason| Fault::Poisoned(Cause::NotWritable, reason)),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let reason = format!("panicked: {}", text.unwrap_or_else(|| "without a message".into()));
            Err(Fault::Poisoned(Cause::Panic, reason))
        }
    }
}
