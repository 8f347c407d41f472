//! What a journal entry holds: a fact, its time, and a hash that chains it to all before it.
//!
//! An entry's text is the hash in 64 hex digits, a blank, and a JSON object `{"at", "fact"}`. The chain is the one that evidence
//! names `rubrica-journal-chain/1`: SHA-256 over the hash before, the entry's number, its time and the SHA-256 of the JSON text. So
//! the hash of the last entry proves every entry before it.

use std::fmt;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{Entity, Entry, Timestamp};

/// Names the chain in its first hash.
const CHAIN: &str = "rubrica-journal-chain/1";

/// A link of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first entry of an entity follows.
    pub fn of_entity(entity: &Entity) -> Self {
        let id = entity.id.to_string();
        Self::of(&[CHAIN.as_bytes(), &[0], entity.organization.as_bytes(), &[0], entity.kind.as_bytes(), &[0], id.as_bytes()])
    }

    fn of(parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        parts.iter().for_each(|part| context.update(part));
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }

    fn then(self, seq: u64, at: Timestamp, json: &[u8]) -> Self {
        Self::of(&[&self.0, &seq.to_be_bytes(), &at.timestamp_micros().to_be_bytes(), &Self::of(&[json]).0])
    }

    fn parse(text: &str) -> Option<Self> {
        HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok().map(Self)
    }
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
        Self::parse(&text).ok_or("a hash is 64 hexadecimal digits")
    }
}

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
}

#[derive(Serialize, Deserialize)]
struct Text<F> {
    at: Timestamp,
    fact: F,
}

/// A journal entry read back.
#[derive(Clone, Debug)]
pub struct Line<E> {
    pub seq: u64,
    pub at: Timestamp,
    pub hash: Hash,
    pub fact: Fact<E>,
    /// The text whose hash is chained.
    pub json: Vec<u8>,
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
}

/// The body of entry `seq`, which follows `previous`, and its hash.
pub fn encode<E: Serialize>(
    previous: Hash,
    seq: u64,
    at: Timestamp,
    fact: &Fact<E>,
) -> Result<(Vec<u8>, Hash), serde_json::Error> {
    let json = serde_json::to_vec(&Text { at, fact })?;
    let hash = previous.then(seq, at, &json);
    let mut body = hash.to_string().into_bytes();
    body.push(b' ');
    body.extend_from_slice(&json);
    Ok((body, hash))
}

/// Reads the entry that must follow number `previous_seq` with hash `previous`.
///
/// # Errors
/// [`Error`] if the number, the chain or the text is not right.
pub fn decode<E: DeserializeOwned>(previous_seq: u64, previous: Hash, entry: &Entry) -> Result<Line<E>, Error> {
    let seq = entry.seq;
    if seq != previous_seq + 1 {
        return Err(Error::Gap { seq: previous_seq + 1, found: seq });
    }
    let unreadable = |reason: &str| Error::Unreadable { seq, reason: reason.to_owned() };
    let (head, json) = entry.body.split_at_checked(65).ok_or_else(|| unreadable("it is too short"))?;
    let head = std::str::from_utf8(&head[..64]).ok().and_then(Hash::parse).ok_or_else(|| unreadable("it has no hash"))?;
    if previous.then(seq, entry.at, json) != head {
        return Err(Error::BrokenChain { seq });
    }
    // Without the text itself, which is of people.
    let unexpected =
        |error: serde_json::Error| unreadable(&format!("it is not what this program expects, from column {}", error.column()));
    let Text { at, fact } = serde_json::from_slice(json).map_err(unexpected)?;
    Ok(Line { seq, at, hash: head, fact, json: json.to_vec() })
}

/// Reads a whole journal, from its first entry, in steps of at most 1,000 entries.
///
/// # Errors
/// [`ReadError`] if the store cannot be read or the journal is not whole.
pub async fn read<E: DeserializeOwned>(store: &dyn store::Store, entity: &Entity) -> Result<Vec<Line<E>>, ReadError> {
    let mut lines: Vec<Line<E>> = Vec::new();
    let mut hash = Hash::of_entity(entity);
    loop {
        let from = lines.len() as u64 + 1;
        let entries = store.entries(entity, from, 1_000).await?;
        if entries.is_empty() {
            return Ok(lines);
        }
        for entry in &entries {
            let line = decode(lines.len() as u64, hash, entry)?;
            hash = line.hash;
            lines.push(line);
        }
    }
}

/// Why [`read`] failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Journal(#[from] Error),
}
