//! Typed access to versioned records: JSON bodies, and unknown outcomes resolved by reading.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{PutOutcome, Record, RecordKey, Store, Timestamp, resolve_unknown_put};

use super::Error;

/// How often a read-decide-put is tried before the caller is told that the record is contended.
pub(super) const ATTEMPTS: usize = 8;

/// How often a put whose outcome is unknown is tried.
const UNKNOWN_ATTEMPTS: usize = 4;

/// A record as it was read.
#[derive(Clone, Debug)]
pub(super) struct Versioned<T> {
    pub version: u64,
    pub at: Timestamp,
    pub value: T,
}

#[derive(Clone)]
pub(super) struct Records {
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

    /// Current versions of the records whose key starts with `prefix`, after the key `after`.
    pub async fn page<T: DeserializeOwned>(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Versioned<T>)>, Error> {
        let records = self.store.records(organization, collection, prefix, after, limit).await?;
        let read_one = |(key, record): (String, Record)| {
            let value = read(&RecordKey::new(organization, collection, key.as_str()), &record)?;
            Ok((key, value))
        };
        records.into_iter().map(read_one).collect()
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
            match resolve_unknown_put(self.store.as_ref(), key, expected, &body).await {
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
    async fn an_outcome_that_stays_unknown_is_told_after_a_bounded_number_of_attempts() {
        let (records, store, key) = world();
        for _ in 0..UNKNOWN_ATTEMPTS {
            store.fail_next_write(Fault::UnknownNotApplied);
        }
        assert!(matches!(records.put(&key, 0, noon(), &"blue").await, Err(Error::Undecided(_))));
    }
}
