//! The data that crosses the [`Store`](crate::Store) trait.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An instant in UTC; engines keep microseconds.
pub type Timestamp = DateTime<Utc>;

/// Number of shards over which wake-ups are spread. Fixed: it is part of the stored data.
pub const SHARDS: u16 = 64;

/// Longest body of one journal entry, snapshot or record, in bytes. Larger things are blobs.
pub const MAX_BODY: usize = 256 * 1024;

/// Largest body of a record of which only the newest version is kept, in bytes.
pub const MAX_COUNTER: usize = 4 * 1024;

/// Most entries in one commit.
pub const MAX_ENTRIES: usize = 256;

/// Most bytes in the entries and the snapshot of one commit together.
pub const MAX_COMMIT: usize = 4 * 1024 * 1024;

/// Longest key of an entity ([`Commit::key`]), in bytes.
pub const MAX_KEY: usize = 256;

/// Most marks of an entity ([`Commit::marks`]).
pub const MAX_MARKS: usize = 512;

/// Most entities in one call of [`Store::load_many`](crate::Store::load_many).
pub const MAX_LOADS: usize = 1_000;

/// Longest name of an organization, kind or collection and longest record key, in bytes of UTF-8.
pub const MAX_NAME: usize = 1024;

/// One process: the partition that is loaded, appended to and woken as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entity {
    pub organization: Arc<str>,
    /// The machine that can read the journal, e.g. `sign_process`.
    pub kind: Arc<str>,
    pub id: Uuid,
}

impl Entity {
    pub fn new(organization: impl Into<Arc<str>>, kind: impl Into<Arc<str>>, id: Uuid) -> Self {
        Self { organization: organization.into(), kind: kind.into(), id }
    }

    /// The shard of the entity's wake-ups, from bits of its identifier that are random in UUIDv4 and v7 alike. (Not the last
    /// byte: a sign process keeps that free for its signatures.)
    pub fn shard(&self) -> u16 {
        let bytes = self.id.as_bytes();
        u16::from_be_bytes([bytes[12], bytes[13]]) % SHARDS
    }
}

/// What entities can be found by besides their identifiers: a digest, made under a key that the store does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mark(pub [u8; Mark::LEN]);

impl Mark {
    /// Bytes of a mark. Part of the stored data.
    pub const LEN: usize = 16;

    /// Marks as they stand in one column: one after the other, each once.
    pub fn joined(marks: &[Mark]) -> Vec<u8> {
        let mut marks = marks.to_vec();
        marks.sort_unstable();
        marks.dedup();
        marks.iter().flat_map(|mark| mark.0).collect()
    }

    /// # Errors
    /// [`Error::Corrupt`]: what is not whole.
    pub fn split(column: Option<&[u8]>) -> Result<Vec<Mark>, Error> {
        let (marks, rest) = column.unwrap_or_default().as_chunks();
        if !rest.is_empty() {
            return Err(Error::Corrupt(format!("marks of an entity with {} bytes too many", rest.len())));
        }
        Ok(marks.iter().copied().map(Mark).collect())
    }
}

/// One call of [`Store::commit`](crate::Store::commit).
#[derive(Clone, Debug)]
pub struct Commit {
    pub entity: Entity,
    /// Number of the last entry that the writer knows; 0 for a new entity.
    pub expected_head: u64,
    /// Bodies of the new entries, numbered from `expected_head + 1`. Never empty; each at most [`MAX_BODY`].
    pub entries: Vec<Vec<u8>>,
    pub at: Timestamp,
    /// State after the last of `entries`, to shorten later loads.
    pub snapshot: Option<Vec<u8>>,
    /// The next moment at which the entity must be looked at, rounded up to a whole microsecond; replaces the one before.
    /// `None`: never again by itself.
    pub wake: Option<Timestamp>,
    /// Chosen by the writer, stored with each entry, so that an unknown outcome can be resolved.
    pub commit_id: Uuid,
    /// Replaces what is in the entity's key slot, together with the entries or not at all; at most [`MAX_KEY`] bytes. `None`: as it was.
    /// What was there before is in no answer from then on, and is wiped as far as the engine can
    /// (SQLite: from the pages at once, from the write-ahead log soon after; CQL: with the compaction that comes after it).
    pub key: Option<Vec<u8>>,
    /// Whether the entity is in listings.
    pub listing: Listing,
    /// What [`Store::find`](crate::Store::find) finds the entity by from this commit on, in any order; at most [`MAX_MARKS`]. `None`: as before.
    pub marks: Option<Vec<Mark>>,
}

/// Whether [`Store::list`](crate::Store::list) shows an entity. The first commit decides; a later one can only take it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// Shown from its first commit on. In a later commit: as it was.
    #[default]
    Listed,
    /// Never shown: there are too many of the kind, and nobody pages through them. In a later commit: as it was.
    Unlisted,
    /// Shown no more, from this commit on.
    Removed,
}

impl Listing {
    /// As it is stored. Part of the stored data.
    pub(crate) fn number(self) -> i8 {
        match self {
            Self::Listed => 0,
            Self::Unlisted => 1,
            Self::Removed => 2,
        }
    }

    pub(crate) fn of_number(number: i8) -> Result<Self, Error> {
        match number {
            0 => Ok(Self::Listed),
            1 => Ok(Self::Unlisted),
            2 => Ok(Self::Removed),
            _ => Err(Error::Corrupt(format!("{number} where a state of listing stands"))),
        }
    }

    /// What a commit after `head` changes.
    pub(crate) fn change(self, head: u64) -> Option<Self> {
        (head == 0 || self == Self::Removed).then_some(self)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    Applied,
    /// Somebody else wrote first; nothing of this commit was written.
    Conflict {
        head: u64,
    },
    /// The engine cannot tell (a time-out while writing).
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub seq: u64,
    pub at: Timestamp,
    pub commit_id: Uuid,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The entry after which this was the state.
    pub seq: u64,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// Number of the last entry.
    pub head: u64,
    pub snapshot: Option<Snapshot>,
    /// Entries after the snapshot, or all of them.
    pub entries: Vec<Entry>,
    /// What is in the entity's key slot, of the same moment as the head. `None`: no commit has brought one.
    pub key: Option<Vec<u8>>,
}

/// A moment at which an entity asked to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wake {
    pub entity: Entity,
    pub due: Timestamp,
}

/// An entity as the store holds it, for moving an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub entity: Entity,
    /// Number of the last entry.
    pub head: u64,
    /// A moment not later than the one at which the entity must be looked at; `None`: never again by itself.
    pub wake: Option<Timestamp>,
    /// What is in the entity's key slot, of the same moment as the head.
    pub key: Option<Vec<u8>>,
    pub listing: Listing,
    /// In order.
    pub marks: Vec<Mark>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub entity: Entity,
    pub created_at: Timestamp,
    pub head: u64,
}

/// Where a listing goes on: after the entity created at `at` with `id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub at: Timestamp,
    pub id: Uuid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// `None` when there is nothing after these.
    pub next: Option<Cursor>,
}

/// A catalogue item: `collection` says what it is, `key` which one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    pub organization: Arc<str>,
    pub collection: Arc<str>,
    pub key: String,
}

impl RecordKey {
    pub fn new(organization: impl Into<Arc<str>>, collection: impl Into<Arc<str>>, key: impl Into<String>) -> Self {
        Self { organization: organization.into(), collection: collection.into(), key: key.into() }
    }

    /// Whether versions stay when there is a newer one. Not in a collection whose name begins with `_`: of counters and the like only
    /// the newest says something, and there would be no end to them. Their bodies are small ([`MAX_COUNTER`]); and of
    /// one that was put with an unknown outcome and replaced since, the engine says that it was not applied.
    pub fn keeps_versions(&self) -> bool {
        !self.collection.starts_with('_')
    }

    /// Whether the collection is never listed: one whose name begins with `__`. It may have any number of records, and costs no index of
    /// their keys; [`Store::records`](crate::Store::records) of it is refused. Only the newest version is kept.
    pub fn is_hidden(&self) -> bool {
        is_hidden(&self.collection)
    }
}

pub(crate) fn is_hidden(collection: &str) -> bool {
    collection.starts_with("__")
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// 1 for the first.
    pub version: u64,
    pub at: Timestamp,
    pub body: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    Applied,
    /// The record has this version, not the expected one (0 = absent).
    Conflict {
        version: u64,
    },
    /// The engine cannot tell; the caller reads the record and compares.
    Unknown,
}

/// Why an engine could not do what was asked. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine does not answer, is full or over its load; trying later may work.
    #[error("not available: {0}")]
    Unavailable(String),
    /// Trying later would not help: the call is wrong (an empty commit, a body over the limit), or the store is not one for this program
    /// (another schema, another key, open elsewhere).
    #[error("{0}")]
    Refused(String),
    /// What is stored cannot be read.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}

impl Page<Listed> {
    /// A page of a listing, with the cursor of its last item if there is `more`.
    pub(crate) fn of(items: Vec<Listed>, more: bool) -> Self {
        let last = items.last().filter(|_| more);
        let next = last.map(|item| Cursor { at: item.created_at, id: item.entity.id });
        Self { items, next }
    }
}

impl Error {
    /// The same again, for each of several callers of one failed transaction.
    pub(crate) fn copy(&self) -> Self {
        match self {
            Self::Unavailable(text) => Self::Unavailable(text.clone()),
            Self::Refused(text) => Self::Refused(text.clone()),
            Self::Corrupt(text) => Self::Corrupt(text.clone()),
        }
    }
}
