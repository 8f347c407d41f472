//! What a journal entry holds: a fact, its time, and a hash that chains it to all before it.
//!
//! The fact is a JSON object `{"at", "fact"}`. It is sealed under a key of the journal's own, so that it can be erased, and what is chained is its
//! commitment: SHA-256 over a random salt and the text ([`Chain::Sealed`], evidence names it `rubrica-journal-chain/2`). Whoever is
//! shown salt and text can tell that they are what the journal holds; when the key is gone the commitment says nothing, and the hash of the
//! last entry still proves every entry before it. Journals of older versions begin in clear ([`Chain::Clear`]) and go on sealed.

mod entry;
mod hash;
mod key;
mod read;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use std::fmt;
use store::Timestamp;

pub use entry::{EncodeError, OVERHEAD};
pub(crate) use entry::{encode, open_snapshot, seal_snapshot};
pub use hash::{Chain, Hash};
pub(crate) use key::Key;
pub use key::{NoCipher, Sealer};
pub(crate) use read::whole;
pub use read::{Line, ReadError, Reader, Writer, follow, read};

/// Which effect: the `index`th that the event `seq` asked for. Together with the entity it is the idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EffectId {
    pub seq: u64,
    pub index: u16,
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.seq, self.index)
    }
}

/// An act on one effect of a process, on all, or on the process as it stands on a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Its next attempt begins now instead of when its time has come.
    TryNow(EffectId),
    /// Nothing more is tried. What is under way may yet succeed, and is not heard of.
    GiveUp(EffectId),
    /// It was given up, and is tried from the beginning. Only where the machine allows it ([`Machine::may_repeat`](workflows::Machine::may_repeat)).
    Again(EffectId),
    /// It was given up, and somebody knows: nobody needs to be told any more.
    Dismiss(EffectId),
    /// Nothing is begun until [`Act::Resume`]; what is under way comes to its end.
    Pause,
    Resume,
    /// The process was set aside on a server after a fault, and is looked at again before its time. Of the process itself it changes nothing.
    LookAgain,
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TryNow(effect) => write!(f, "try {effect} now"),
            Self::GiveUp(effect) => write!(f, "give {effect} up"),
            Self::Again(effect) => write!(f, "do {effect} again"),
            Self::Dismiss(effect) => write!(f, "dismiss {effect}"),
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::LookAgain => f.write_str("look again after a fault"),
        }
    }
}

/// What happened: to the machine, or to one of its effects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact<E> {
    Event(E),
    /// An effect that must not be repeated blindly is about to be performed.
    Attempt {
        effect: EffectId,
        number: u32,
    },
    /// An attempt failed; the next one is not before `until`.
    Retry {
        effect: EffectId,
        number: u32,
        until: Timestamp,
        reason: String,
    },
    Done {
        effect: EffectId,
        number: u32,
    },
    /// The last attempt failed, or must not be repeated.
    GivenUp {
        effect: EffectId,
        number: u32,
        reason: String,
    },
    /// Somebody acted by hand on one effect or on all.
    Intervened {
        by: String,
        reason: String,
        act: Act,
    },
    /// All before is gone: the key of what was sealed is forgotten, and what else was said counts no more.
    Erased {
        by: String,
        reason: String,
        /// What the machine says of itself all the same.
        #[serde(skip_serializing_if = "Option::is_none")]
        remains: Option<E>,
    },
}

/// Why an entry cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("entry {seq} is not readable: {reason}")]
    Unreadable { seq: u64, reason: String },
    #[error("entry {seq} does not follow from the entries before it: the chain of hashes is broken")]
    BrokenChain { seq: u64 },
    #[error("entry {seq} was expected, entry {found} was found")]
    Gap { seq: u64, found: u64 },
    /// Or the entry is younger than the key that was read with it; then reading both again helps.
    #[error("entry {seq} is sealed, and the key that it needs is not there")]
    NoKey { seq: u64 },
    #[error("the journal's key cannot be unwrapped: it is damaged, or it was wrapped under another master key")]
    Key,
}

impl Error {
    /// The entry at which the journal is not right: all before it are. `None`: nothing of it can be read.
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Unreadable { seq, .. } | Self::BrokenChain { seq } | Self::Gap { seq, .. } | Self::NoKey { seq } => Some(*seq),
            Self::Key => None,
        }
    }
}
