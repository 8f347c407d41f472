//! The store as hosts and the timer use it: no call goes on for ever.

use std::{future::Future, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use store::{Commit, CommitOutcome, Cursor, Entity, Entry, Listed, Loaded, Mark, Page, SHARDS, Store, Timestamp, Wake};

use crate::journal::{self, Line, ReadError, Sealer};

/// A store whose calls are cut off after a time. Whoever is cut off knows no more than after any lost answer.
#[derive(Clone)]
pub(crate) struct BoundedStore {
    store: Arc<dyn Store>,
    limit: Duration,
}

impl BoundedStore {
    pub fn new(store: Arc<dyn Store>, limit: Duration) -> Self {
        Self { store, limit }
    }

    /// A commit that does not return may have been written, or may yet be.
    pub async fn commit(&self, commit: &Commit) -> Result<CommitOutcome, store::Error> {
        match tokio::time::timeout(self.limit, self.store.commit(commit.clone())).await {
            Ok(outcome) => outcome,
            Err(_) => Ok(CommitOutcome::Unknown),
        }
    }

    /// What became of a commit, by its id.
    pub async fn resolve(&self, commit: &Commit) -> CommitOutcome {
        let resolved = tokio::time::timeout(self.limit, store::resolve_unknown(&*self.store, commit)).await;
        resolved.unwrap_or(CommitOutcome::Unknown)
    }

    pub async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, store::Error> {
        self.within(self.store.load(entity)).await
    }

    pub async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, store::Error> {
        self.within(self.store.entries(entity, from, limit)).await
    }

    /// In the order of `entities`, of which there are at most [`store::MAX_LOADS`].
    pub async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, store::Error> {
        self.within(self.store.load_many(entities)).await
    }

    pub async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, store::Error> {
        self.within(self.store.find(organization, kind, mark, after, limit)).await
    }

    /// The whole journal of an entity, opened.
    pub async fn read<E: DeserializeOwned>(&self, sealer: &Sealer, entity: &Entity) -> Result<Vec<Line<E>>, ReadError> {
        let read = tokio::time::timeout(self.limit, journal::read(&*self.store, sealer, entity)).await;
        read.unwrap_or_else(|_| Err(ReadError::Store(no_end())))
    }

    /// The whole journal of an entity.
    pub async fn whole(&self, entity: &Entity) -> Result<Loaded, store::Error> {
        self.within(journal::whole(&*self.store, entity)).await
    }

    pub async fn due(&self, until: Timestamp, limit: usize) -> Result<Vec<Wake>, store::Error> {
        self.within(self.store.due(0..SHARDS, until, limit)).await
    }

    pub async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), store::Error> {
        self.within(self.store.settle(wake, head, next)).await
    }

    async fn within<T>(&self, call: impl Future<Output = Result<T, store::Error>>) -> Result<T, store::Error> {
        tokio::time::timeout(self.limit, call).await.unwrap_or_else(|_| Err(no_end()))
    }
}

fn no_end() -> store::Error {
    store::Error::Unavailable("the store did not answer in time".into())
}
