//! A caller as it should be: it tries again what certainly did not happen, and finds out about what nobody could tell.

use std::ops::Range;

use async_trait::async_trait;

use crate::{
    Commit, CommitOutcome, Cursor, Entity, Entry, Error, Listed, Loaded, Mark, Page, PutOutcome, Record, RecordKey, Standing,
    Store, Timestamp, Wake, resolve_unknown, resolve_unknown_put,
};

/// Attempts at one call. A store that fails a third of its calls fails so many in a row never in practice.
const ATTEMPTS: usize = 200;

/// Makes a store that fails now and then look like one that does not.
#[derive(Debug)]
pub struct Resolving<S> {
    inner: S,
}

impl<S: Store> Resolving<S> {
    pub fn new(inner: S) -> Self {
        Self { inner }
    }

    async fn resolved(&self, commit: &Commit) -> CommitOutcome {
        for _ in 0..ATTEMPTS {
            match resolve_unknown(&self.inner, commit).await {
                CommitOutcome::Unknown => {}
                known => return known,
            }
        }
        CommitOutcome::Unknown
    }

    async fn resolved_put(&self, key: &RecordKey, expected_version: u64, at: Timestamp, body: &[u8]) -> PutOutcome {
        for _ in 0..ATTEMPTS {
            match resolve_unknown_put(&self.inner, key, expected_version, at, body).await {
                PutOutcome::Unknown => {}
                known => return known,
            }
        }
        PutOutcome::Unknown
    }
}

/// A call, and again while it certainly did not happen.
macro_rules! again {
    ($call:expr) => {{
        let mut answer = $call.await;
        for _ in 1..ATTEMPTS {
            if !matches!(answer, Err(Error::Unavailable(_))) {
                break;
            }
            answer = $call.await;
        }
        answer
    }};
}

#[async_trait]
impl<S: Store> Store for Resolving<S> {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, Error> {
        for _ in 0..ATTEMPTS {
            let outcome = again!(self.inner.commit(commit.clone()))?;
            if outcome != CommitOutcome::Unknown {
                return Ok(outcome);
            }
            match self.resolved(&commit).await {
                CommitOutcome::Conflict { head } if head == commit.expected_head => {}
                known => return Ok(known),
            }
        }
        Ok(CommitOutcome::Unknown)
    }

    async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, Error> {
        again!(self.inner.load(entity))
    }

    async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error> {
        again!(self.inner.load_many(entities))
    }

    async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, Error> {
        again!(self.inner.key(entity))
    }

    async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        again!(self.inner.entries(entity, from, limit))
    }

    async fn list(&self, organization: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, Error> {
        again!(self.inner.list(organization, kind, after, limit))
    }

    async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        again!(self.inner.find(organization, kind, mark, after, limit))
    }

    async fn due(&self, shards: Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error> {
        again!(self.inner.due(shards.clone(), until, limit))
    }

    async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), Error> {
        again!(self.inner.settle(wake, head, next))
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, Error> {
        again!(self.inner.get(key))
    }

    async fn put_if(&self, key: &RecordKey, expected_version: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, Error> {
        for _ in 0..ATTEMPTS {
            let outcome = again!(self.inner.put_if(key, expected_version, at, body.clone()))?;
            if outcome != PutOutcome::Unknown {
                return Ok(outcome);
            }
            match self.resolved_put(key, expected_version, at, &body).await {
                PutOutcome::Conflict { version } if version == expected_version => {}
                known => return Ok(known),
            }
        }
        Ok(PutOutcome::Unknown)
    }

    async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error> {
        again!(self.inner.history(key, before, limit))
    }

    async fn records(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, Error> {
        again!(self.inner.records(organization, collection, prefix, after, limit))
    }

    async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error> {
        again!(self.inner.entities(after, limit))
    }

    async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error> {
        again!(self.inner.record_keys(after, limit))
    }

    async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error> {
        again!(self.inner.forget_versions(key))
    }

    async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, Error> {
        again!(self.inner.listings(after, limit))
    }
}
