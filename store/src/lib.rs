//! The durable side of Rubrica: journals of processes, versioned records, wake-ups and blobs.
//!
//! Everything above this crate sees only the [`Store`] trait and [`Blobs`]; nothing above it may know which engine runs,
//! and nothing in it may know what a journal entry means. Data goes in and out as bytes; there are no interactive
//! transactions, so that an engine without them (ScyllaDB) can stand behind the same trait.

pub mod blobs;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod faulty;
mod limits;
pub mod model;
mod resolve;
pub mod scylla;
pub mod sqlite;
#[cfg(test)]
mod suites;
mod time;
mod types;

pub use resolve::{resolve_unknown, resolve_unknown_put};
pub use types::*;

use async_trait::async_trait;

/// What an engine must do. Every method is durable when it answers: a crash after the answer loses nothing.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Appends to one entity's journal if its head is still `expected_head` (compare-and-append).
    ///
    /// The wake-up of the commit is durable no later than its entries: a crash between the two leaves a spare
    /// wake-up, never a missing one. An engine that cannot tell whether the append happened answers
    /// [`CommitOutcome::Unknown`]; the caller resolves it by loading the entity and looking for its own commit id.
    ///
    /// # Errors
    /// [`Error`] means that nothing was written.
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, Error>;

    /// The newest snapshot of an entity and every entry after it, in order. `None` if it has no entries.
    async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, Error>;

    /// [`Store::load`] of each of at most [`MAX_LOADS`] entities, in the order asked for: cheaper than as many calls.
    /// Each is of one moment; two of them may be of different ones.
    ///
    /// # Errors
    /// [`Error::Refused`] for more than [`MAX_LOADS`]. One entity that cannot be read fails the call; loading them one by one tells which.
    async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error>;

    /// What is in the entity's key slot ([`Commit::key`]). `None` if it has no entries or no commit has brought a key.
    async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, Error>;

    /// Entries of one journal from `from` (inclusive, first entry is 1), at most `limit`, in order. Snapshots do not
    /// shorten it: this is how evidence and exports read a whole journal.
    async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error>;

    /// Entities of an organization and kind in order of creation, newest first; those of one instant by identifier,
    /// greatest first. Those that are [`Listing::Unlisted`] or [`Listing::Removed`] are not among them.
    async fn list(&self, organization: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, Error>;

    /// Entities of an organization and kind that have the mark, as [`Store::list`]; whether listings show them does not matter.
    async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error>;

    /// Wake-ups due at or before `until`, earliest first, at most `limit`, of the shards named. Wake-ups that were
    /// replaced by a later commit may or may not be among them: a wake-up is a hint to look, never a fact.
    async fn due(&self, shards: std::ops::Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error>;

    /// The due wake-up was looked at, with the entity at `head`, and its next moment is `next`: forget the wake-up, remember
    /// `next`. Does nothing when the entity has moved past `head`, as that commit brought its own. Where `wake` is no longer
    /// the entity's wake-up, the earlier of that and `next` stays: a spare wake-up is harmless, a lost one is not.
    async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), Error>;

    /// The current version of a record, `None` if it never existed.
    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, Error>;

    /// Writes version `expected_version + 1` of a record if its version is still `expected_version` (0 = absent). The version before
    /// stays, or goes in the same moment ([`RecordKey::keeps_versions`]).
    async fn put_if(&self, key: &RecordKey, expected_version: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, Error>;

    /// Versions of a record older than `before` (all if `None`), newest first, at most `limit`.
    async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error>;

    /// Current versions of the records of a collection whose key starts with `prefix`, in key order after `after`, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Refused`] for a hidden collection ([`RecordKey::is_hidden`]).
    async fn records(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, Error>;

    /// Every entity, in an order of the engine's own, from after the one given, at most `limit`: for moving an installation. What
    /// was there before the first page is in one of the pages, whatever is written meanwhile.
    ///
    /// # Errors
    /// [`Error::Refused`] where `after` was never in a page of this store and its place cannot be told.
    async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error>;

    /// The key of every record, as [`Store::entities`].
    async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error>;

    /// Puts the body of the newest version in the place of those of all versions before it, for what must not stay readable: numbers and instants
    /// stay. What was there is overwritten where the engine can do that; where it cannot, it goes as the engine's files are rewritten. A record
    /// that never existed stays so. Idempotent.
    ///
    /// # Errors
    /// [`Error::Refused`] where the newest body has more than [`MAX_COUNTER`] bytes. After another one some versions may be forgotten.
    async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error>;

    /// Organizations and kinds that have, or once had, entities in listings, in an order of the engine's own, from after the pair given, at
    /// most `limit`.
    async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, Error>;

    /// Whether the engine takes writes, for readiness: writes the one record that is there for that. Of several servers that share it, each
    /// does: that another one was faster says as much.
    ///
    /// # Errors
    /// [`Error`] when it does not, or it is not known.
    async fn ping(&self) -> Result<(), Error> {
        let key = RecordKey::new("_server", "_ready", "probe");
        let version = self.get(&key).await?.map_or(0, |record| record.version);
        match self.put_if(&key, version, chrono::Utc::now(), Vec::new()).await? {
            PutOutcome::Applied | PutOutcome::Conflict { .. } => Ok(()),
            PutOutcome::Unknown => Err(Error::Unavailable("whether a write was done is not known".into())),
        }
    }
}
