//! Codes, as far as a machine may know them: by their hash only.

use std::{fmt, sync::Arc};

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

/// A code that somebody typed, as a function from the challenge to the hash that the code has under it: neither the
/// code nor the server's key ever enters the machine.
#[derive(Clone)]
pub struct TypedCode(Arc<dyn Fn(Uuid) -> CodeHash + Send + Sync>);

impl TypedCode {
    pub fn new(hash: impl Fn(Uuid) -> CodeHash + Send + Sync + 'static) -> Self {
        Self(Arc::new(hash))
    }

    /// Compares in constant time.
    pub(super) fn answers(&self, challenge: &Challenge) -> bool {
        let typed = (self.0)(challenge.id).0;
        let expected = &challenge.hash.0;
        let difference = typed.bytes().zip(expected.bytes()).fold(0, |difference, (a, b)| difference | (a ^ b));
        typed.len() == expected.len() && std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode(..)")
    }
}
