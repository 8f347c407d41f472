//! Typed access to versioned records: JSON bodies, changes that are decided again where another writer was faster, and unknown outcomes
//! resolved by reading.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{PutOutcome, Record, RecordKey, Store, Timestamp, resolve_unknown_put};

/// How often a change is decided before the caller is told that the record is contended.
pub(crate) const ATTEMPTS: usize = 8;

/// How often a put whose outcome is unknown is tried.
const UNKNOWN_ATTEMPTS: usize = 4;

/// Why a record could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed; nothing was written.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A record is not what this version of the program writes.
    #[error("the record {0} cannot be read")]
    Unreadable(String),
    /// Others kept changing the same record; trying later may work.
    #[error("the record {0} is changed by too many at once")]
    Contended(String),
    /// The engine could not tell, several times in a row, whether it wrote.
    #[error("whether the record {0} was written is not known")]
    Undecided(String),
}

impl Error {
    /// Whether the same call may work a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Store(store::Error::Unavailable(_)) | Self::Contended(_) | Self::Undecided(_))
    }
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// From 1.
    pub version: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub value: T,
}

/// Some of what there is, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<I, C> {
    /// These.
    pub items: Vec<I>,
    /// Where to go on; `None` at the end.
    pub next: Option<C>,
}

#[derive(Clone)]
pub(crate) struct Records {
    store: Arc<dyn Store>,
}

impl Records {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The current version, `None` if there never was one.
    pub async fn get<T: DeserializeOwned>(&self, key: &RecordKey) -> Result<Option<Versioned<T>>, Error> {
        let Some(record) = self.store.get(key).await? else { return Ok(None) };
        read(key, &record).map(Some)
    }

    /// One version of a record, `None` if there is none with this number.
    pub async fn numbered<T: DeserializeOwned>(&self, key: &RecordKey, version: u64) -> Result<Option<Versioned<T>>, Error> {
        let found = self.store.history(key, Some(version.saturating_add(1)), 1).await?;
        found.first().filter(|record| record.version == version).map(|record| read(key, record)).transpose()
    }

    /// Current versions of the records whose key starts with `prefix`, in the order of their keys after `after`, at most `limit`.
    pub async fn page<T: DeserializeOwned>(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<(String, Versioned<T>), String>, Error> {
        let records = self.store.records(organization, collection, prefix, after, limit).await?;
        let next = records.last().filter(|_| records.len() == limit).map(|(key, _)| key.clone());
        let read_one = |(key, record): (String, Record)| {
            let value = read(&RecordKey::new(organization, collection, key.as_str()), &record)?;
            Ok((key, value))
        };
        let items: Result<_, Error> = records.into_iter().map(read_one).collect();
        Ok(Page { items: items?, next })
    }

    /// Versions of a record older than `before` (all if `None`), newest first, at most `limit`.
    pub async fn history<T: DeserializeOwned>(
        &self,
        key: &RecordKey,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<Versioned<T>, u64>, Error> {
        let records = self.store.history(key, before, limit).await?;
        let next = records.last().filter(|oldest| records.len() == limit && oldest.version > 1).map(|oldest| oldest.version);
        let items: Result<_, Error> = records.iter().map(|record| read(key, record)).collect();
        Ok(Page { items: items?, next })
    }

    /// Puts the newest version in the place of all before it. Idempotent.
    pub async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error> {
        Ok(self.store.forget_versions(key).await?)
    }

    /// Changes a record: `decide` gets the current version (`None` if there never was one) and says what takes its place, `None` to leave it.
    /// It is asked again, at most [`ATTEMPTS`] times, where another writer was faster. Answers what was written.
    ///
    /// # Errors
    /// What `decide` refuses, and [`Error`]; nothing was written then, except perhaps after [`Error::Undecided`].
    pub async fn update<T, E>(
        &self,
        key: &RecordKey,
        at: Timestamp,
        decide: impl Fn(Option<Versioned<T>>) -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<Error>,
    {
        for _ in 0..ATTEMPTS {
            let current = self.get::<T>(key).await?;
            let version = current.as_ref().map_or(0, |current| current.version);
            let Some(next) = decide(current)? else { return Ok(None) };
            if self.put(key, version, at, &next).await? {
                return Ok(Some(next));
            }
        }
        Err(Error::Contended(name(key)).into())
    }

    /// Writes version `expected + 1` if the record still has version `expected`; `false` if it has another one.
    pub async fn put<T: Serialize>(&self, key: &RecordKey, expected: u64, at: Timestamp, value: &T) -> Result<bool, Error> {
        let body = serde_json::to_vec(value).map_err(|_| Error::Unreadable(name(key)))?;
        let mut was_unknown = false;
        for _ in 0..UNKNOWN_ATTEMPTS {
            match self.store.put_if(key, expected, at, body.clone()).await? {
                PutOutcome::Applied => return Ok(true),
                PutOutcome::Conflict { .. } if !was_unknown => return Ok(false),
                // After an unknown outcome a conflict may be with ourselves.
                PutOutcome::Conflict { .. } | PutOutcome::Unknown => was_unknown = true,
            }
            match resolve_unknown_put(self.store.as_ref(), key, expected, at, &body).await {
                PutOutcome::Applied => return Ok(true),
                PutOutcome::Conflict { version } if version != expected => return Ok(false),
                PutOutcome::Conflict { .. } | PutOutcome::Unknown => {}
            }
        }
        Err(Error::Undecided(name(key)))
    }
}

fn read<T: DeserializeOwned>(key: &RecordKey, record: &Record) -> Result<Versioned<T>, Error> {
    // The cause is not passed on: it may quote the record.
    let value = serde_json::from_slice(&record.body).map_err(|_| Error::Unreadable(name(key)))?;
    Ok(Versioned { version: record.version, at: record.at, value })
}

fn name(key: &RecordKey) -> String {
    format!("{}/{}/{}", key.organization, key.collection, key.key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::faulty::{Fault, Faulty};
    use store::model::Model;

    fn world() -> (Records, Arc<Faulty<Model>>, RecordKey) {
        let store = Arc::new(Faulty::scripted(Model::new()));
        (Records::new(store.clone()), store, RecordKey::new("acme", "colour", "sky"))
    }

    fn noon() -> Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[tokio::test]
    async fn an_unknown_outcome_is_resolved_and_written_once() {
        for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
            let (records, store, key) = world();
            store.fail_next_write(fault);

            assert!(records.put(&key, 0, noon(), &"blue").await.unwrap());

            let history = store.history(&key, None, 10).await.unwrap();
            assert_eq!(history.len(), 1);
            assert_eq!(records.get::<String>(&key).await.unwrap().unwrap().value, "blue");
        }
    }

    #[tokio::test]
    async fn an_unknown_outcome_beside_another_writer_is_a_conflict() {
        let (records, store, key) = world();
        assert!(records.put(&key, 0, noon(), &"blue").await.unwrap());
        store.fail_next_write(Fault::UnknownNotApplied);
        assert!(!records.put(&key, 0, noon(), &"grey").await.unwrap());
        assert_eq!(records.get::<String>(&key).await.unwrap().unwrap().value, "blue");
    }

    #[tokio::test]
    async fn a_change_whose_outcome_was_unknown_is_made_once() {
        let (records, store, key) = world();
        let one = |current: Option<Versioned<u64>>| Ok::<_, Error>(Some(current.map_or(0, |current| current.value) + 1));
        for fault in [Fault::UnknownNotApplied, Fault::UnknownApplied, Fault::UnknownNotApplied] {
            store.fail_next_write(fault);
            records.update(&key, noon(), one).await.unwrap();
        }
        assert_eq!(records.get::<u64>(&key).await.unwrap().unwrap().value, 3, "each change was made once");
    }

    #[tokio::test]
    async fn changes_at_the_same_time_are_all_made() {
        let (records, _, key) = world();
        let one = |current: Option<Versioned<u64>>| Ok::<_, Error>(Some(current.map_or(0, |current| current.value) + 1));
        let changes = (0..ATTEMPTS).map(|_| records.update(&key, noon(), one));
        assert!(futures::future::join_all(changes).await.into_iter().all(|change| change.is_ok()));
        assert_eq!(records.get::<u64>(&key).await.unwrap().unwrap().value, ATTEMPTS as u64);
    }

    #[tokio::test]
    async fn a_refused_or_needless_change_writes_nothing() {
        let (records, store, key) = world();
        let refused = records.update(&key, noon(), |_: Option<Versioned<u64>>| Err(Error::Unreadable("no".into()))).await;
        assert!(matches!(refused, Err(Error::Unreadable(_))));
        let kept = records.update(&key, noon(), |_: Option<Versioned<u64>>| Ok::<_, Error>(None)).await;
        assert!(kept.unwrap().is_none() && store.history(&key, None, 1).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_outcome_that_stays_unknown_is_told_after_a_bounded_number_of_attempts() {
        let (records, store, key) = world();
        for _ in 0..UNKNOWN_ATTEMPTS {
            store.fail_next_write(Fault::UnknownNotApplied);
        }
        assert!(matches!(records.put(&key, 0, noon(), &"blue").await, Err(Error::Undecided(_))));
    }
}
