//! What is asked when a process is to be erased, and what became of it.

use workflows::Refusal;

use crate::journal::Hash;

/// Longest text of an [`Erasure`], in bytes of UTF-8.
const MAX_TEXT: usize = 1024;

/// Why a process is erased. Both texts stay in the journal for ever: who and what for, never whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Who asks for it: a subject of the API or a rule of the server. Each text has at most 1,024 bytes.
    pub by: String,
    pub reason: String,
    /// Refuses while the process has not ended, or an effect of it has not.
    pub ended_only: bool,
}

impl Erasure {
    /// Asked by [`Host::erase`](crate::Host::erase), and by whoever does something before it.
    ///
    /// # Errors
    /// A text that is too long.
    pub fn check(&self) -> Result<(), Refusal> {
        match self.by.len().max(self.reason.len()) <= MAX_TEXT {
            true => Ok(()),
            false => Err(Refusal::Invalid("who asks for an erasure and why may have 1,024 bytes each: say it more shortly")),
        }
    }
}

/// What an erasure came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Entries that nobody can read any more.
    pub entries: u64,
    /// Entries of a time before journals were sealed. They count no more and are never shown, but stand in the store as they were written.
    pub in_clear: u64,
    /// Of the entry that says so; it proves those before it as well. Of a process that never was, what its first entry would follow.
    pub hash: Hash,
    /// Nothing was left to erase.
    pub already: bool,
}
