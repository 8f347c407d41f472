//! A store that fails on purpose, around one that works: for tests of whoever calls a store. It never loses or changes what the
//! inner store holds; it only lies about, delays or refuses calls.

use std::{collections::VecDeque, ops::Range, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::{
    Commit, CommitOutcome, Cursor, Entity, Entry, Error, Listed, Loaded, Mark, Page, PutOutcome, Record, RecordKey, Standing,
    Store, Timestamp, Wake, limits,
};

/// What befalls one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// "Unknown", and nothing was written. A call that cannot answer so (a read, a settled wake-up) gets a definite error.
    UnknownNotApplied,
    /// "Unknown", although it was done. A settled wake-up gets an error although it was done; a read a definite error.
    UnknownApplied,
    /// An error; nothing was written.
    Refused,
    /// The call never returns, and nothing was done.
    HangNotApplied,
    /// The call never returns, although it was done.
    HangApplied,
    /// The call is late by this time of tokio's clock, and then done. Zero: other tasks go first.
    Delay(Duration),
}

/// How often each fault befalls a call by itself, in calls of a thousand; together at most 1000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub unknown_not_applied: u16,
    pub unknown_applied: u16,
    pub refused: u16,
    pub delayed: u16,
    /// How long a delayed call is late.
    pub delay: Duration,
}

/// The decorator. Faults named by [`Faulty::fail_next`] come first, in order, one for each call; then those of the plan.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    plan: Plan,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    script: VecDeque<Fault>,
    write_script: VecDeque<Fault>,
    chance: u64,
    injected: u64,
}

/// Whether a call changes something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Read,
    Write,
}

impl<S> Faulty<S> {
    /// Fails by the plan, the same way each time for one seed and one order of calls.
    pub fn new(inner: S, seed: u64, plan: Plan) -> Self {
        let sum = [plan.unknown_not_applied, plan.unknown_applied, plan.refused, plan.delayed].map(u32::from).iter().sum::<u32>();
        assert!(sum <= 1000, "the faults of a plan are {sum} calls of a thousand");
        let state = State { script: VecDeque::new(), write_script: VecDeque::new(), chance: seed, injected: 0 };
        Self { inner, plan, state: Mutex::new(state) }
    }

    /// Fails only as scripted.
    pub fn scripted(inner: S) -> Self {
        Self::new(inner, 0, Plan::default())
    }

    /// The next call that has no fault yet, read or write, meets this one.
    pub fn fail_next(&self, fault: Fault) {
        self.state.lock().script.push_back(fault);
    }

    /// The next write that has no fault yet meets this one; reads before it do not.
    pub fn fail_next_write(&self, fault: Fault) {
        self.state.lock().write_script.push_back(fault);
    }

    /// Calls that met a fault so far.
    pub fn injected(&self) -> u64 {
        self.state.lock().injected
    }

    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn next_fault(&self, call: Call) -> Option<Fault> {
        let mut state = self.state.lock();
        let scripted = if call == Call::Write { state.write_script.pop_front() } else { None };
        let scripted = scripted.or_else(|| state.script.pop_front());
        let fault = scripted.or_else(|| self.plan.draw(&mut state.chance));
        state.injected += u64::from(fault.is_some());
        fault
    }

    /// Meets the next fault of a read: what it cannot tell it must not do.
    async fn before_read(&self) -> Result<(), Error> {
        match self.next_fault(Call::Read) {
            None => Ok(()),
            Some(Fault::Delay(time)) => {
                pause(time).await;
                Ok(())
            }
            Some(Fault::HangNotApplied | Fault::HangApplied) => std::future::pending().await,
            Some(_) => Err(injected()),
        }
    }
}

impl Plan {
    fn draw(&self, chance: &mut u64) -> Option<Fault> {
        let faults = [
            (self.unknown_not_applied, Fault::UnknownNotApplied),
            (self.unknown_applied, Fault::UnknownApplied),
            (self.refused, Fault::Refused),
            (self.delayed, Fault::Delay(self.delay)),
        ];
        let mut drawn = split_mix(chance) % 1000;
        for (share, fault) in faults {
            match drawn.checked_sub(u64::from(share)) {
                None => return Some(fault),
                Some(rest) => drawn = rest,
            }
        }
        None
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough chance for a test, the same for the same seed.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

async fn pause(time: Duration) {
    if time.is_zero() {
        tokio::task::yield_now().await;
    } else {
        tokio::time::sleep(time).await;
    }
}

fn injected() -> Error {
    Error::Unavailable("a fault was injected".into())
}

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, Error> {
        // No engine is unsure of a call that it refuses.
        limits::check_commit(&commit)?;
        match self.next_fault(Call::Write) {
            None => self.inner.commit(commit).await,
            Some(Fault::Delay(time)) => {
                pause(time).await;
                self.inner.commit(commit).await
            }
            Some(Fault::UnknownNotApplied) => Ok(CommitOutcome::Unknown),
            Some(Fault::UnknownApplied) => self.inner.commit(commit).await.map(|_| CommitOutcome::Unknown),
            Some(Fault::HangNotApplied) => std::future::pending().await,
            Some(Fault::HangApplied) => {
                let _ = self.inner.commit(commit).await;
                std::future::pending().await
            }
            Some(Fault::Refused) => Err(injected()),
        }
    }

    async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, Error> {
        self.before_read().await?;
        self.inner.load(entity).await
    }

    async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error> {
        limits::check_loads(entities)?;
        self.before_read().await?;
        self.inner.load_many(entities).await
    }

    async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, Error> {
        self.before_read().await?;
        self.inner.key(entity).await
    }

    async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.before_read().await?;
        self.inner.entries(entity, from, limit).await
    }

    async fn list(&self, organization: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, Error> {
        self.before_read().await?;
        self.inner.list(organization, kind, after, limit).await
    }

    async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        self.before_read().await?;
        self.inner.find(organization, kind, mark, after, limit).await
    }

    async fn due(&self, shards: Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error> {
        self.before_read().await?;
        self.inner.due(shards, until, limit).await
    }

    async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), Error> {
        match self.next_fault(Call::Write) {
            None => self.inner.settle(wake, head, next).await,
            Some(Fault::Delay(time)) => {
                pause(time).await;
                self.inner.settle(wake, head, next).await
            }
            Some(Fault::UnknownApplied) => {
                self.inner.settle(wake, head, next).await?;
                Err(injected())
            }
            Some(Fault::HangNotApplied) => std::future::pending().await,
            Some(Fault::HangApplied) => {
                let _ = self.inner.settle(wake, head, next).await;
                std::future::pending().await
            }
            Some(Fault::UnknownNotApplied | Fault::Refused) => Err(injected()),
        }
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, Error> {
        self.before_read().await?;
        self.inner.get(key).await
    }

    async fn put_if(&self, key: &RecordKey, expected_version: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, Error> {
        limits::check_put(key, expected_version, &body)?;
        match self.next_fault(Call::Write) {
            None => self.inner.put_if(key, expected_version, at, body).await,
            Some(Fault::Delay(time)) => {
                pause(time).await;
                self.inner.put_if(key, expected_version, at, body).await
            }
            Some(Fault::UnknownNotApplied) => Ok(PutOutcome::Unknown),
            Some(Fault::UnknownApplied) => self.inner.put_if(key, expected_version, at, body).await.map(|_| PutOutcome::Unknown),
            Some(Fault::HangNotApplied) => std::future::pending().await,
            Some(Fault::HangApplied) => {
                let _ = self.inner.put_if(key, expected_version, at, body).await;
                std::future::pending().await
            }
            Some(Fault::Refused) => Err(injected()),
        }
    }

    async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error> {
        self.before_read().await?;
        self.inner.history(key, before, limit).await
    }

    async fn records(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, Error> {
        limits::check_listed(collection)?;
        self.before_read().await?;
        self.inner.records(organization, collection, prefix, after, limit).await
    }

    async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error> {
        self.before_read().await?;
        self.inner.entities(after, limit).await
    }

    async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error> {
        self.before_read().await?;
        self.inner.record_keys(after, limit).await
    }

    async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error> {
        // Done twice is done once: whatever is not known of it is an error like any other.
        match self.next_fault(Call::Write) {
            None => self.inner.forget_versions(key).await,
            Some(Fault::Delay(time)) => {
                pause(time).await;
                self.inner.forget_versions(key).await
            }
            Some(Fault::HangNotApplied) => std::future::pending().await,
            Some(Fault::HangApplied) => {
                let _ = self.inner.forget_versions(key).await;
                std::future::pending().await
            }
            Some(Fault::UnknownApplied) => self.inner.forget_versions(key).await.and_then(|()| Err(injected())),
            Some(Fault::UnknownNotApplied | Fault::Refused) => Err(injected()),
        }
    }

    async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, Error> {
        self.before_read().await?;
        self.inner.listings(after, limit).await
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Listing, model::Model, resolve_unknown};

    fn commit(expected_head: u64) -> Commit {
        Commit {
            entity: Entity::new("acme", "thing", Uuid::from_u128(7)),
            expected_head,
            entries: vec![b"one".to_vec()],
            at: Timestamp::UNIX_EPOCH,
            snapshot: None,
            wake: None,
            commit_id: Uuid::from_u128(u128::from(expected_head) + 100),
            key: None,
            listing: Listing::Listed,
            marks: None,
        }
    }

    #[tokio::test]
    async fn an_unknown_commit_is_resolved_by_what_stands_in_the_journal() {
        let store = Faulty::scripted(Model::new());
        store.fail_next(Fault::UnknownNotApplied);
        assert_eq!(store.commit(commit(0)).await.expect("an outcome"), CommitOutcome::Unknown);
        assert_eq!(resolve_unknown(&store, &commit(0)).await, CommitOutcome::Conflict { head: 0 });

        store.fail_next(Fault::UnknownApplied);
        assert_eq!(store.commit(commit(0)).await.expect("an outcome"), CommitOutcome::Unknown);
        assert_eq!(resolve_unknown(&store, &commit(0)).await, CommitOutcome::Applied);

        let other = Commit { commit_id: Uuid::from_u128(1), ..commit(0) };
        assert_eq!(resolve_unknown(&store, &other).await, CommitOutcome::Conflict { head: 1 });

        store.fail_next(Fault::Refused);
        assert_eq!(resolve_unknown(&store, &commit(0)).await, CommitOutcome::Unknown);
        assert_eq!(store.injected(), 3);
    }

    #[tokio::test]
    async fn a_refused_call_writes_nothing_and_a_script_is_used_up() {
        let store = Faulty::scripted(Model::new());
        store.fail_next_write(Fault::Refused);
        assert!(store.load(&commit(0).entity).await.expect("reads go on").is_none());
        assert!(matches!(store.commit(commit(0)).await, Err(Error::Unavailable(_))));
        assert!(store.inner().load(&commit(0).entity).await.expect("readable").is_none());
        assert_eq!(store.commit(commit(0)).await.expect("an outcome"), CommitOutcome::Applied);
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_passes_on_the_clock_of_the_test() {
        let store = Faulty::scripted(Model::new());
        store.fail_next(Fault::Delay(Duration::from_secs(3600)));
        let began = tokio::time::Instant::now();
        assert_eq!(store.commit(commit(0)).await.expect("an outcome"), CommitOutcome::Applied);
        assert_eq!(began.elapsed(), Duration::from_secs(3600));
    }

    #[tokio::test]
    async fn a_seed_fails_the_same_calls_each_time() {
        let plan = Plan { refused: 300, unknown_applied: 200, ..Plan::default() };
        let mut runs = Vec::new();
        for _ in 0..2 {
            let store = Faulty::new(Model::new(), 42, plan);
            let mut seen = Vec::new();
            for head in 0..100 {
                seen.push(format!("{:?}", store.commit(commit(head)).await));
            }
            assert!((20..80).contains(&store.injected()), "{} of 100 calls", store.injected());
            runs.push(seen);
        }
        assert_eq!(runs[0], runs[1]);
    }
}
