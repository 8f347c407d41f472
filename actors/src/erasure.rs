//! What is asked when a process is to be erased, and what became of it.

use crate::journal::Hash;

/// Why a process is erased. Both texts stay in the journal for ever: who and what for, never whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Who asks for it: a subject of the API or a rule of the server.
    pub by: String,
    pub reason: String,
    /// Refuses while the process has not ended, or an effect of it has not.
    pub ended_only: bool,
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
