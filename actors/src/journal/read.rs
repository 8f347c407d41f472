//! Journals outside of a host: whole ones read, and single ones written.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};
use store::{Entity, Entry, Loaded, Store, Timestamp};

use super::{
    Error, Fact,
    entry::{EncodeError, Link, Said, encode},
    hash::{Chain, Hash},
    key::{Key, NoCipher, Sealer},
};

/// A journal entry read back.
#[derive(Clone, Debug)]
pub struct Line<E> {
    pub seq: u64,
    pub at: Timestamp,
    pub hash: Hash,
    pub chain: Chain,
    /// What is chained: the SHA-256 of salt and text, or of the text alone if there is no salt.
    pub commitment: [u8; 32],
    /// `None` where the text was never sealed, and where it is erased.
    pub salt: Option<[u8; 32]>,
    /// The text. `None`: it is erased.
    pub json: Option<Vec<u8>>,
    /// What the text says. `None`: it is erased.
    pub fact: Option<Fact<E>>,
}

impl<E> Line<E> {
    /// What happened to the machine, if that is what the entry says.
    pub fn event(&self) -> Option<&E> {
        match &self.fact {
            Some(Fact::Event(event)) => Some(event),
            _ => None,
        }
    }
}

/// Reads the entries of a journal in their order.
pub struct Reader {
    entity: Entity,
    key: Option<Arc<Key>>,
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    buffer: Vec<u8>,
}

impl Reader {
    /// A reader before the first entry, for a journal with this key slot ([`store::Loaded::key`], [`Store::key`]).
    ///
    /// # Errors
    /// [`Error::Key`] if the slot cannot be opened.
    pub fn new(sealer: &Sealer, entity: &Entity, slot: Option<&[u8]>) -> Result<Self, Error> {
        let unwrap = |slot| Key::unwrap(sealer, entity, slot).map(Arc::new).ok_or(Error::Key);
        let key = slot.map(unwrap).transpose()?;
        Ok(Self::at(entity, key, 0, Hash::of_entity(Chain::Sealed, entity)))
    }

    /// A reader after entry `seq` with this hash.
    pub(crate) fn at(entity: &Entity, key: Option<Arc<Key>>, seq: u64, hash: Hash) -> Self {
        Self { entity: entity.clone(), key, seq, hash, buffer: Vec::new() }
    }

    /// The next entry, with its text.
    ///
    /// # Errors
    /// [`Error`] if its number, the chain, its seal or its text is not right; then the reader stays where it is.
    pub fn line<E: DeserializeOwned>(&mut self, entry: &Entry) -> Result<Line<E>, Error> {
        let (link, said) = self.open(entry)?;
        let mut line = Line {
            seq: entry.seq,
            at: entry.at,
            hash: link.hash,
            chain: link.chain(),
            commitment: link.commitment,
            salt: None,
            json: None,
            fact: None,
        };
        if let Said::From(start) = said {
            let (salt, json) = self.buffer.split_at(start);
            let (at, fact) = link.fact(json)?;
            (line.at, line.fact) = (at, Some(fact));
            (line.salt, line.json) = (salt.try_into().ok(), Some(json.to_vec()));
        }
        (self.seq, self.hash) = (line.seq, line.hash);
        Ok(line)
    }

    /// The next entry's fact; `None` if it is erased.
    pub(crate) fn fact<E: DeserializeOwned>(&mut self, entry: &Entry) -> Result<(Timestamp, Option<Fact<E>>), Error> {
        let (link, said) = self.open(entry)?;
        let (at, fact) = match said {
            Said::From(start) => link.fact(&self.buffer[start..]).map(|(at, fact)| (at, Some(fact)))?,
            Said::Erased => (entry.at, None),
        };
        (self.seq, self.hash) = (entry.seq, link.hash);
        Ok((at, fact))
    }

    fn open<'a>(&mut self, entry: &'a Entry) -> Result<(Link<'a>, Said), Error> {
        let link = Link::read(&self.entity, self.seq, self.hash, entry)?;
        let said = link.open(self.key.as_deref(), &mut self.buffer)?;
        Ok((link, said))
    }
}

/// The hash of an entry that must follow number `seq` with hash `hash`, for those who move journals and open nothing. (What the first entry
/// follows is known from the entity: then any `hash` will do.)
///
/// # Errors
/// [`Error`] if its number or the chain is not right.
pub fn follow(entity: &Entity, seq: u64, hash: Hash, entry: &Entry) -> Result<Hash, Error> {
    Link::read(entity, seq, hash, entry).map(|link| link.hash)
}

/// Reads a whole journal, from its first entry, in steps of at most 1,000 entries. What is erased is there as links of the chain alone.
///
/// # Errors
/// [`ReadError`] if the store cannot be read or the journal is not whole.
pub async fn read<E: DeserializeOwned>(store: &dyn Store, sealer: &Sealer, entity: &Entity) -> Result<Vec<Line<E>>, ReadError> {
    let whole = whole(store, entity).await?;
    let mut reader = Reader::new(sealer, entity, whole.key.as_deref())?;
    Ok(whole.entries.iter().map(|entry| reader.line(entry)).collect::<Result<_, _>>()?)
}

/// All entries of a journal, and its key.
pub(crate) async fn whole(store: &dyn Store, entity: &Entity) -> Result<Loaded, store::Error> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let more = store.entries(entity, entries.len() as u64 + 1, 1_000).await?;
        if more.is_empty() {
            break;
        }
        entries.extend(more);
    }
    // After the entries: the key is never older than what it opens, and an erasure meanwhile shows as one.
    let key = store.key(entity).await?;
    Ok(Loaded { head: entries.last().map_or(0, |entry| entry.seq), snapshot: None, entries, key })
}

/// Why [`read`] failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Journal(#[from] Error),
}

/// Writes the entries of a new journal as a host does: for tests and measurements.
pub struct Writer {
    key: Key,
    slot: Vec<u8>,
    seq: u64,
    hash: Hash,
}

impl Writer {
    /// # Errors
    /// [`NoCipher`] if the system gives no randomness.
    pub fn new(sealer: &Sealer, entity: &Entity) -> Result<Self, NoCipher> {
        let (key, slot) = Key::first(sealer, entity, 1)?;
        Ok(Self { key, slot, seq: 0, hash: Hash::of_entity(Chain::Sealed, entity) })
    }

    /// What goes into the key slot with the first entry.
    pub fn slot(&self) -> &[u8] {
        &self.slot
    }

    /// The body of the next entry.
    ///
    /// # Errors
    /// [`EncodeError`] if the fact is not one of JSON, or the system gives no randomness.
    pub fn write<E: Serialize>(&mut self, at: Timestamp, fact: &Fact<E>) -> Result<Vec<u8>, EncodeError> {
        let (body, hash) = encode(&self.key, self.hash, self.seq + 1, at, fact)?;
        (self.seq, self.hash) = (self.seq + 1, hash);
        Ok(body)
    }
}
