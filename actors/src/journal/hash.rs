//! The links of a journal's chain, in both of its forms.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use store::{Entity, Timestamp};

/// Which rule an entry is chained by. A journal that was begun in the first goes on in the second; never the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chain {
    /// `rubrica-journal-chain/1`: the text is in the store as it is, and its SHA-256 is chained.
    Clear,
    /// `rubrica-journal-chain/2`: the text is sealed, and its commitment, the SHA-256 of a salt and the text, is chained.
    Sealed,
}

impl Chain {
    /// Names the chain in its first hash, and in each of the sealed ones.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clear => "rubrica-journal-chain/1",
            Self::Sealed => "rubrica-journal-chain/2",
        }
    }
}

/// A link of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry of an entity follows.
    pub fn of_entity(chain: Chain, entity: &Entity) -> Self {
        let id = entity.id.to_string();
        let name = chain.name().as_bytes();
        Self::of(&[name, &[0], entity.organization.as_bytes(), &[0], entity.kind.as_bytes(), &[0], id.as_bytes()])
    }

    /// The hash of an entry that follows this one.
    pub fn then(self, chain: Chain, seq: u64, at: Timestamp, commitment: &[u8; 32]) -> Self {
        let (seq, at) = (seq.to_be_bytes(), at.timestamp_micros().to_be_bytes());
        match chain {
            Chain::Clear => Self::of(&[&self.0, &seq, &at, commitment]),
            Chain::Sealed => Self::of(&[chain.name().as_bytes(), &[0], &self.0, &seq, &at, commitment]),
        }
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(parts: &[&[u8]]) -> Self {
        Self(sha256(parts))
    }

    pub(super) fn parse(digits: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        let read = HEXLOWER.decode_mut(digits, &mut hash);
        (digits.len() == 64 && read == Ok(32)).then_some(Self(hash))
    }

    /// Writes the 64 digits.
    pub(super) fn write(&self, digits: &mut [u8; 64]) {
        HEXLOWER.encode_mut(&self.0, digits);
    }
}

/// SHA-256 over parts, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HEXLOWER.encode_display(&self.0).fmt(f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(text.as_bytes()).ok_or("a hash is 64 hexadecimal digits")
    }
}
