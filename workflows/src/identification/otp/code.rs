//! Codes, as far as a machine may know them: by their hash only.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Challenge;

/// HMAC-SHA-256 over `challenge id || code` under a key that only the server has, in lower-case hex.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeHash(pub String);

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash(..)")
    }
}

/// A code that somebody typed, as it is hashed for the challenge that it answers: neither the code nor the server's key ever enters the
/// machine.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedCode {
    pub challenge: Uuid,
    pub hash: CodeHash,
}

impl TypedCode {
    /// Whether it is the code of this challenge. Compares in constant time. A code that was typed for an earlier challenge is wrong.
    pub(super) fn answers(&self, challenge: &Challenge) -> bool {
        let (typed, expected) = (&self.hash.0, &challenge.hash.0);
        (self.challenge == challenge.id) & is_same(typed, expected)
    }
}

/// Whether two hashes are one, in a time that does not tell where they differ.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let difference = one.bytes().zip(other.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b));
    (one.len() == other.len()) & (std::hint::black_box(difference) == 0)
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode(..)")
    }
}
