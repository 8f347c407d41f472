//! The body of one entry, to and from the store.
//!
//! In clear (`rubrica-journal-chain/1`, only read): the hash in 64 hex digits, a blank, the JSON text.
//! Sealed (`rubrica-journal-chain/2`): the hash in 64 hex digits, a blank, the byte 2, the generation of the key (4 bytes, big-endian), the
//! commitment (32 bytes), a nonce (12 bytes), and salt (32 bytes) and JSON text under AES-256-GCM with its tag (16 bytes). The associated data
//! are the entity, the generation and the entry's number.

use aws_lc_rs::{aead::NONCE_LEN, rand};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{Entity, Entry, Timestamp};

use super::{
    Error, Fact,
    hash::{Chain, Hash, sha256},
    key::{Key, NoCipher, TAG_LEN, What},
};

const DIGITS: usize = 64;
/// First byte after hash and blank of what is sealed; JSON begins with another one.
const SEALED: u8 = 2;
const SALT_LEN: usize = 32;
const GENERATION: usize = DIGITS + 2;
const COMMITMENT: usize = GENERATION + 4;
const NONCE: usize = COMMITMENT + 32;
const TEXT: usize = NONCE + NONCE_LEN;
/// Bytes of a sealed body beyond its JSON text.
pub const OVERHEAD: usize = TEXT + SALT_LEN + TAG_LEN;
/// Room that most facts fit into.
const USUAL: usize = 512;

#[derive(Serialize, Deserialize)]
struct Text<F> {
    at: Timestamp,
    fact: F,
}

/// Why a fact cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Cipher(#[from] NoCipher),
}

/// The body of entry `seq`, which follows `previous`, and its hash.
pub(crate) fn encode<E: Serialize>(
    key: &Key,
    previous: Hash,
    seq: u64,
    at: Timestamp,
    fact: &Fact<E>,
) -> Result<(Vec<u8>, Hash), EncodeError> {
    let mut body = Vec::with_capacity(TEXT + SALT_LEN + USUAL);
    body.resize(TEXT + SALT_LEN, b' ');
    body[DIGITS + 1] = SEALED;
    body[GENERATION..COMMITMENT].copy_from_slice(&key.generation.to_be_bytes());
    rand::fill(&mut body[NONCE..]).map_err(|_| NoCipher)?;
    serde_json::to_writer(&mut body, &Text { at, fact })?;
    let (head, text) = body.split_at_mut(TEXT);
    let commitment = sha256(&[text]);
    head[COMMITMENT..NONCE].copy_from_slice(&commitment);
    let tag = key.seal(What::Entry, seq, &head[NONCE..], text)?;
    let hash = previous.then(Chain::Sealed, seq, at, &commitment);
    hash.write(head.first_chunk_mut().ok_or(NoCipher)?);
    body.extend_from_slice(&tag);
    Ok((body, hash))
}

/// An entry as it stands, without what it says.
#[derive(Clone, Copy)]
pub(crate) struct Link<'a> {
    seq: u64,
    pub hash: Hash,
    pub commitment: [u8; 32],
    content: Content<'a>,
}

#[derive(Clone, Copy)]
enum Content<'a> {
    Clear(&'a [u8]),
    Sealed { generation: u32, nonce: &'a [u8], sealed: &'a [u8] },
}

/// What an entry says, as far as it can be read.
pub(crate) enum Said {
    /// The text, in the buffer from this byte on; before it stands the salt.
    From(usize),
    Erased,
}

impl<'a> Link<'a> {
    /// The entry that must follow number `previous_seq` with hash `previous`. (What the first entry follows is known from the entity.)
    ///
    /// # Errors
    /// If the number or the chain is not right.
    pub fn read(entity: &Entity, previous_seq: u64, previous: Hash, entry: &'a Entry) -> Result<Self, Error> {
        let (seq, at) = (entry.seq, entry.at);
        if seq != previous_seq + 1 {
            return Err(Error::Gap { seq: previous_seq + 1, found: seq });
        }
        let unreadable = |reason: &str| Error::Unreadable { seq, reason: reason.to_owned() };
        let (head, rest) = entry.body.split_at_checked(DIGITS + 1).ok_or_else(|| unreadable("it is too short"))?;
        let hash = Hash::parse(&head[..DIGITS]).filter(|_| head[DIGITS] == b' ').ok_or_else(|| unreadable("it has no hash"))?;
        let (commitment, content) = match rest.first() {
            Some(&SEALED) => {
                let body = entry.body.as_slice();
                let whole = Some(body).filter(|body| body.len() >= OVERHEAD).ok_or_else(|| unreadable("it is too short"))?;
                let array = |from: usize| whole[from..].first_chunk::<4>().copied().unwrap_or_default();
                let mut commitment = [0; 32];
                commitment.copy_from_slice(&whole[COMMITMENT..NONCE]);
                let generation = u32::from_be_bytes(array(GENERATION));
                (commitment, Content::Sealed { generation, nonce: &whole[NONCE..TEXT], sealed: &whole[TEXT..] })
            }
            _ => (sha256(&[rest]), Content::Clear(rest)),
        };
        let link = Self { seq, hash, commitment, content };
        let previous = if previous_seq == 0 { Hash::of_entity(link.chain(), entity) } else { previous };
        match previous.then(link.chain(), seq, at, &commitment) == hash {
            true => Ok(link),
            false => Err(Error::BrokenChain { seq }),
        }
    }

    pub fn chain(&self) -> Chain {
        match self.content {
            Content::Clear(_) => Chain::Clear,
            Content::Sealed { .. } => Chain::Sealed,
        }
    }

    /// Opens the entry into `buffer`.
    ///
    /// # Errors
    /// If it cannot be opened although its key is not erased, or is not what it is committed to.
    pub fn open(&self, key: Option<&Key>, buffer: &mut Vec<u8>) -> Result<Said, Error> {
        let seq = self.seq;
        let unreadable = |reason: &str| Error::Unreadable { seq, reason: reason.to_owned() };
        match self.content {
            Content::Clear(text) => match key {
                Some(key) if seq >= key.sealed_since => Err(unreadable("it stands in clear where all is sealed")),
                Some(key) if key.generation > 1 => Ok(Said::Erased),
                _ => {
                    buffer.clear();
                    buffer.extend_from_slice(text);
                    Ok(Said::From(0))
                }
            },
            Content::Sealed { generation, nonce, sealed } => match key {
                Some(key) if seq >= key.sealed_since && seq < key.since && generation < key.generation => Ok(Said::Erased),
                Some(key) if seq >= key.since && generation == key.generation => {
                    key.open(What::Entry, seq, nonce, sealed, buffer)
                        .ok_or_else(|| unreadable("what is sealed is damaged or of another place"))?;
                    match sha256(&[buffer]) == self.commitment {
                        true => Ok(Said::From(SALT_LEN)),
                        false => Err(unreadable("it is not what it is committed to")),
                    }
                }
                Some(key) if generation <= key.generation => Err(unreadable("its key is not the one of its place")),
                _ => Err(Error::NoKey { seq }),
            },
        }
    }

    /// Parses what [`Link::open`] gave.
    pub fn fact<E: DeserializeOwned>(&self, json: &[u8]) -> Result<(Timestamp, Fact<E>), Error> {
        // Without the text itself, which is of people.
        let unexpected = |error: serde_json::Error| Error::Unreadable {
            seq: self.seq,
            reason: format!("it is not what this program expects, from column {}", error.column()),
        };
        let Text { at, fact } = serde_json::from_slice(json).map_err(unexpected)?;
        Ok((at, fact))
    }
}

/// First byte of a sealed snapshot.
const SNAPSHOT_SEALED: u8 = 2;
/// Its version, the key's generation and the nonce stand before it.
const SNAPSHOT_HEAD: usize = 1 + 4 + NONCE_LEN;

/// The state after entry `seq`, sealed.
pub(crate) fn seal_snapshot(key: &Key, seq: u64, state: &impl Serialize) -> Result<Vec<u8>, EncodeError> {
    let mut body = Vec::with_capacity(SNAPSHOT_HEAD + 2 * USUAL);
    body.push(SNAPSHOT_SEALED);
    body.extend_from_slice(&key.generation.to_be_bytes());
    body.resize(SNAPSHOT_HEAD, 0);
    rand::fill(&mut body[5..]).map_err(|_| NoCipher)?;
    serde_json::to_writer(&mut body, state)?;
    let (head, text) = body.split_at_mut(SNAPSHOT_HEAD);
    let tag = key.seal(What::Snapshot, seq, &head[5..], text)?;
    body.extend_from_slice(&tag);
    Ok(body)
}

/// The JSON text of a snapshot, in the buffer. `None`: it says nothing any more, or never did; the journal does.
pub(crate) fn open_snapshot(key: Option<&Key>, snapshot: &store::Snapshot, buffer: &mut Vec<u8>) -> Option<()> {
    let Some((&SNAPSHOT_SEALED, _)) = snapshot.body.split_first() else {
        // Of the time before journals were sealed; not where the journal has gone on since, sealed or erased.
        return match key {
            Some(key) if key.generation > 1 || snapshot.seq >= key.sealed_since => None,
            _ => {
                buffer.clear();
                buffer.extend_from_slice(&snapshot.body);
                Some(())
            }
        };
    };
    let (head, sealed) = snapshot.body.split_at_checked(SNAPSHOT_HEAD)?;
    let generation = u32::from_be_bytes(head[1..].first_chunk::<4>().copied()?);
    let key = key.filter(|key| key.generation == generation && snapshot.seq >= key.since)?;
    key.open(What::Snapshot, snapshot.seq, &head[5..], sealed, buffer)
}
