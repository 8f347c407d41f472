//! What keeps one entity from being served, and no other.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why an input had no effect.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The store does not answer, or its answer is not known. Trying later may work.
    Unavailable(String),
    /// The journal cannot be read or the machine panicked: this entity must be set aside.
    Poisoned(String),
}

/// What a failed read means for the entity.
pub(crate) fn unreadable(error: store::Error) -> Fault {
    match error {
        store::Error::Corrupt(reason) => Fault::Poisoned(reason),
        other => Fault::Unavailable(other.to_string()),
    }
}

/// Runs what must not take the server with it: a panic becomes a fault of this one entity.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Fault::Poisoned),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Fault::Poisoned(format!("panicked: {}", text.unwrap_or_else(|| "without a message".into()))))
        }
    }
}
