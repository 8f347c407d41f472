//! Tasks that are done every now and then, by one server at a time for all that share the store.
//!
//! Nothing may rely on it for being right: a server whose clock is off, or that stood still, may work beside the next one. It only
//! spares the others the work.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use store::{PutOutcome, RecordKey, Store, Timestamp};

/// How long a turn lasts beyond its last sign of life: so long a task waits for a server that died in its turn.
const LEASE: TimeDelta = TimeDelta::seconds(30);

/// Between two signs of life.
const RENEW: Duration = Duration::from_secs(8);

/// One task, and how often it is done.
#[derive(Clone)]
pub struct PeriodicTask {
    store: Arc<dyn Store>,
    key: RecordKey,
    /// From the start of one turn to that of the next.
    every: TimeDelta,
}

/// The right, for now, to do the task.
pub struct Turn {
    task: PeriodicTask,
    version: u64,
    began: Timestamp,
}

impl PeriodicTask {
    pub fn new(store: Arc<dyn Store>, name: &str, every: TimeDelta) -> Self {
        Self { store, key: RecordKey::new("_server", "_turn", name), every }
    }

    /// The task's name.
    pub fn name(&self) -> &str {
        &self.key.key
    }

    /// The turn, unless somebody has it or has had it lately.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn take(&self, now: Timestamp) -> Result<Option<Turn>, store::Error> {
        let current = self.store.get(&self.key).await?;
        let version = current.as_ref().map_or(0, |record| record.version);
        // A record that cannot be read keeps nobody from the task.
        let next = current.and_then(|record| std::str::from_utf8(&record.body).ok().and_then(|text| text.parse().ok()));
        // Nor does a server whose clock is far ahead.
        if next.is_some_and(|next: DateTime<Utc>| now < next && next <= now + self.every + LEASE) {
            return Ok(None);
        }
        let mut turn = Turn { task: self.clone(), version, began: now };
        Ok(turn.put(now + LEASE, now).await?.then_some(turn))
    }
}

impl Turn {
    /// Does the work while the turn lasts. `None`: it was lost meanwhile, and the work was dropped half-way.
    pub async fn spend<T>(mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = std::pin::pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                () = tokio::time::sleep(RENEW) => {
                    let now = Utc::now();
                    match self.put(now + LEASE, now).await {
                        Ok(true) => {}
                        Ok(false) => return None,
                        // The lease is longer than several of these.
                        Err(error) => tracing::debug!(%error, "a turn could not be renewed"),
                    }
                }
            }
        };
        let next = self.began + self.task.every;
        if let Err(error) = self.put(next, Utc::now()).await {
            tracing::debug!(%error, "a turn could not be given back; it ends by itself");
        }
        Some(done)
    }

    async fn put(&mut self, next: Timestamp, now: Timestamp) -> Result<bool, store::Error> {
        let body = next.to_rfc3339().into_bytes();
        // Not through `Records`: they do not read past what is unreadable, and would write again what has lost its moment.
        let put = self.task.store.put_if(&self.task.key, self.version, now, body).await?;
        // An unknown outcome costs the turn at worst.
        let is_ours = put == PutOutcome::Applied;
        self.version += u64::from(is_ours);
        Ok(is_ours)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::model::Model;

    #[tokio::test]
    async fn one_server_at_a_time_has_the_turn_and_it_comes_round() {
        let store = Arc::new(Model::new());
        let task = || PeriodicTask::new(store.clone(), "sweeping", TimeDelta::hours(1));
        let now = Utc::now();
        let turn = task().take(now).await.unwrap().unwrap();
        assert!(task().take(now).await.unwrap().is_none());
        assert_eq!(turn.spend(async { 7 }).await, Some(7));
        assert!(task().take(now + TimeDelta::minutes(59)).await.unwrap().is_none());
        assert!(task().take(now + TimeDelta::minutes(60)).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_server_whose_clock_is_far_ahead_takes_no_turns_from_the_others() {
        let store = Arc::new(Model::new());
        let task = PeriodicTask::new(store.clone(), "sweeping", TimeDelta::hours(1));
        let now = Utc::now();
        let ahead = task.take(now + TimeDelta::days(365)).await.unwrap();
        assert!(ahead.is_some());
        assert!(task.take(now).await.unwrap().is_some());
        assert!(task.take(now).await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_died_loses_its_turn_and_stops_when_it_comes_back() {
        let store = Arc::new(Model::new());
        let task = PeriodicTask::new(store.clone(), "sweeping", TimeDelta::hours(1));
        let now = Utc::now();
        let dead = task.take(now).await.unwrap().unwrap();
        let other = task.take(now + LEASE).await.unwrap();
        assert!(other.is_some(), "the lease is over");
        assert_eq!(dead.spend(std::future::pending::<()>()).await, None);
    }
}
