//! What was read of files, kept for the next one who needs it.
//!
//! Bounded by bytes. Where there is no room, the oldest of the organization that holds most gives way: so one organization may have all of
//! it while nobody else wants any, and takes none of what another one holds below its even share. What many ask for at once is read once.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    hash::Hash,
    sync::Arc,
};

use parking_lot::Mutex;
use prometheus::{IntCounterVec, IntGaugeVec};
use tokio::sync::OnceCell;

/// What an entry costs besides what it holds, in bytes: it bounds the number of small ones.
const OVERHEAD: usize = 1024;

/// What can be kept.
pub trait Weighed {
    /// Bytes that it takes in memory, about.
    fn weight(&self) -> usize;
}

/// Counts of caches, by the name of the cache.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub asked: IntCounterVec,
    pub bytes: IntGaugeVec,
}

/// A cache of things of one kind, by organization and by a key that never means anything else, such as a digest.
#[derive(Debug)]
pub struct Cache<K, T> {
    name: &'static str,
    capacity: usize,
    inner: Mutex<Inner<K, T>>,
    metrics: Metrics,
}

/// A place where one reads and others wait.
type Reading<T> = Arc<OnceCell<Arc<T>>>;

#[derive(Debug)]
struct Inner<K, T> {
    held: HashMap<Arc<str>, Holding<K, T>>,
    weight: usize,
    /// Counts uses: the order in which entries age.
    uses: u64,
    /// What is being read.
    reading: HashMap<(Arc<str>, K), Reading<T>>,
}

/// What an organization has in the cache.
#[derive(Debug)]
struct Holding<K, T> {
    entries: HashMap<K, Entry<T>>,
    /// The entries by their last use.
    by_age: BTreeMap<u64, K>,
    weight: usize,
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    weight: usize,
    used: u64,
}

impl<K, T> Default for Holding<K, T> {
    fn default() -> Self {
        Self { entries: HashMap::new(), by_age: BTreeMap::new(), weight: 0 }
    }
}

impl<K: Copy + Eq + Hash, T: Weighed> Cache<K, T> {
    /// For so many bytes; with 0 nothing is kept.
    pub fn new(name: &'static str, capacity: usize, metrics: Metrics) -> Self {
        let inner = Inner { held: HashMap::new(), weight: 0, uses: 0, reading: HashMap::new() };
        Self { name, capacity, inner: Mutex::new(inner), metrics }
    }

    /// What is kept under a key, or what `read` makes of it. Of those who ask at once one reads and the others wait for it; where that one
    /// fails or gives up, the next one reads.
    ///
    /// # Errors
    /// Those of `read`.
    pub async fn get<E>(&self, organization: &str, key: K, read: impl AsyncFnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let reading = match self.find(organization, key) {
            Ok(kept) => return Ok(kept),
            Err(reading) => reading,
        };
        let mut has_read = false;
        let value = reading.get_or_try_init(async || {
            has_read = true;
            Ok(Arc::new(read().await?))
        });
        let value = value.await.cloned();
        self.count(if has_read { "miss" } else { "hit" });
        match &value {
            Ok(value) if has_read => self.keep(organization, key, value.clone()),
            Ok(_) => {}
            Err(_) => self.give_up(organization, key, &reading),
        }
        value
    }

    /// The value, or where it is read.
    fn find(&self, organization: &str, key: K) -> Result<Arc<T>, Reading<T>> {
        let mut inner = self.inner.lock();
        if let Some(value) = inner.used(organization, key) {
            drop(inner);
            self.count("hit");
            return Ok(value);
        }
        // Those whose readers all went away.
        inner.reading.retain(|_, reading| Arc::strong_count(reading) > 1);
        Err(inner.reading.entry((organization.into(), key)).or_default().clone())
    }

    fn keep(&self, organization: &str, key: K, value: Arc<T>) {
        let weight = value.weight().saturating_add(OVERHEAD);
        let mut inner = self.inner.lock();
        inner.reading.remove(&(organization.into(), key));
        if weight <= self.capacity {
            inner.insert(organization, key, value, weight);
            while inner.weight > self.capacity && inner.evict() {}
        }
        self.metrics.bytes.with_label_values(&[self.name]).set(i64::try_from(inner.weight).unwrap_or(i64::MAX));
    }

    /// Forgets a reading that failed, unless others wait to try it.
    fn give_up(&self, organization: &str, key: K, reading: &Reading<T>) {
        let mut inner = self.inner.lock();
        // One is in the table, one is ours.
        if Arc::strong_count(reading) <= 2 {
            inner.reading.remove(&(organization.into(), key));
        }
    }

    fn count(&self, found: &str) {
        self.metrics.asked.with_label_values(&[self.name, found]).inc();
    }
}

impl<K: Copy + Eq + Hash, T> Inner<K, T> {
    fn used(&mut self, organization: &str, key: K) -> Option<Arc<T>> {
        let holding = self.held.get_mut(organization)?;
        let entry = holding.entries.get_mut(&key)?;
        self.uses += 1;
        holding.by_age.remove(&entry.used);
        entry.used = self.uses;
        holding.by_age.insert(entry.used, key);
        Some(entry.value.clone())
    }

    fn insert(&mut self, organization: &str, key: K, value: Arc<T>, weight: usize) {
        self.uses += 1;
        let holding = self.held.entry(organization.into()).or_default();
        let entry = Entry { value, weight, used: self.uses };
        holding.by_age.insert(entry.used, key);
        if let Some(before) = holding.entries.insert(key, entry) {
            holding.by_age.remove(&before.used);
            holding.weight -= before.weight;
            self.weight -= before.weight;
        }
        holding.weight += weight;
        self.weight += weight;
    }

    /// Takes the oldest entry of the organization that holds most. `false` if there is none.
    fn evict(&mut self) -> bool {
        let oldest = |holding: &Holding<K, T>| Reverse(holding.by_age.first_key_value().map(|(used, _)| *used));
        let most = self.held.iter_mut().max_by_key(|(_, holding)| (holding.weight, oldest(holding)));
        let Some((organization, holding)) = most else { return false };
        let oldest = holding.by_age.pop_first().and_then(|(_, key)| holding.entries.remove(&key));
        let weight = oldest.map_or(0, |entry| entry.weight);
        holding.weight -= weight;
        self.weight -= weight;
        if holding.entries.is_empty() {
            let organization = organization.clone();
            self.held.remove(&organization);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use prometheus::Opts;

    use super::*;

    #[derive(Debug, PartialEq)]
    struct Thing(usize);

    impl Weighed for Thing {
        fn weight(&self) -> usize {
            self.0 - OVERHEAD
        }
    }

    fn cache(capacity: usize) -> Cache<u32, Thing> {
        let metrics = Metrics {
            asked: IntCounterVec::new(Opts::new("asked", "asked"), &["cache", "found"]).unwrap(),
            bytes: IntGaugeVec::new(Opts::new("bytes", "bytes"), &["cache"]).unwrap(),
        };
        Cache::new("things", capacity, metrics)
    }

    /// Asks for a thing of this weight; whether it was read.
    async fn ask(cache: &Cache<u32, Thing>, organization: &str, name: u32, weight: usize) -> bool {
        let mut has_read = false;
        let read = async || {
            has_read = true;
            Ok::<_, ()>(Thing(weight))
        };
        assert_eq!(cache.get(organization, name, read).await, Ok(Arc::new(Thing(weight))));
        has_read
    }

    #[tokio::test]
    async fn what_was_read_is_kept_for_its_organization_alone() {
        let cache = cache(100_000);
        assert!(ask(&cache, "acme", 1, 2000).await && !ask(&cache, "acme", 1, 2000).await);
        assert!(ask(&cache, "other", 1, 2000).await, "of another organization nothing is known");
        let asked = |found| cache.metrics.asked.with_label_values(&["things", found]).get();
        assert_eq!((asked("hit"), asked("miss")), (1, 2));
        assert_eq!(cache.metrics.bytes.with_label_values(&["things"]).get(), 4000);
    }

    #[tokio::test]
    async fn the_bytes_are_bounded_and_what_was_not_used_for_longest_gives_way() {
        let cache = cache(10_000);
        for name in 0..5 {
            ask(&cache, "acme", name, 2000).await;
        }
        ask(&cache, "acme", 0, 2000).await;
        assert!(ask(&cache, "acme", 5, 2000).await);
        assert_eq!(cache.inner.lock().weight, 10_000);
        assert!(!ask(&cache, "acme", 0, 2000).await, "it was used");
        assert!(ask(&cache, "acme", 1, 2000).await, "it was the oldest");
    }

    #[tokio::test]
    async fn one_organization_cannot_drive_out_what_another_holds_below_its_even_share() {
        let cache = cache(10_000);
        ask(&cache, "small", 1, 2000).await;
        ask(&cache, "small", 2, 2000).await;
        for name in 0..100 {
            ask(&cache, "large", name, 2000).await;
        }
        assert!(!ask(&cache, "small", 1, 2000).await && !ask(&cache, "small", 2, 2000).await);
        let weight = |organization| cache.inner.lock().held.get(organization).map(|holding: &Holding<u32, Thing>| holding.weight);
        assert_eq!((weight("small"), weight("large")), (Some(4000), Some(6000)));
        for name in 0..100 {
            ask(&cache, &format!("organization {name}"), 1, 2000).await;
        }
        assert_eq!(cache.inner.lock().held.len(), 5, "organizations without entries are forgotten");
        assert!(!ask(&cache, "organization 99", 1, 2000).await && ask(&cache, "organization 1", 1, 2000).await);
    }

    #[tokio::test]
    async fn what_is_larger_than_the_cache_is_read_and_not_kept() {
        let cache = cache(10_000);
        ask(&cache, "acme", 1, 2000).await;
        assert!(ask(&cache, "acme", 2, 10_001).await && ask(&cache, "acme", 2, 10_001).await);
        assert!(!ask(&cache, "acme", 1, 2000).await);
        assert!(cache.inner.lock().reading.is_empty());
    }

    #[tokio::test]
    async fn what_many_ask_for_at_once_is_read_once() {
        let cache = Arc::new(cache(100_000));
        let reads = AtomicUsize::new(0);
        let asks = (0..50).map(|_| {
            cache.get("acme", 1, async || {
                reads.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                Ok::<_, ()>(Thing(2000))
            })
        });
        let found = futures::future::join_all(asks).await;
        assert!(found.iter().all(|found| *found == Ok(Arc::new(Thing(2000)))));
        assert_eq!(reads.into_inner(), 1);
        assert!(cache.inner.lock().reading.is_empty());
    }

    #[tokio::test]
    async fn a_reading_that_fails_is_its_callers_and_the_next_one_reads() {
        let cache = cache(100_000);
        let reads = AtomicUsize::new(0);
        let asks = (0..3).map(|_| {
            cache.get("acme", 1, async || {
                let number = reads.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
                if number == 0 { Err("unreadable") } else { Ok(Thing(2000)) }
            })
        });
        let found = futures::future::join_all(asks).await;
        assert_eq!(found.iter().filter(|found| found.is_err()).count(), 1);
        assert_eq!(reads.into_inner(), 2);
        let failed = cache.get("acme", 2, async || Err::<Thing, _>("unreadable")).await;
        assert_eq!(failed, Err("unreadable"));
        assert!(cache.inner.lock().reading.is_empty());
    }

    #[tokio::test]
    async fn a_reader_who_goes_away_holds_up_nobody() {
        let cache = cache(100_000);
        let mut gone = Box::pin(cache.get("acme", 1, async || {
            std::future::pending::<()>().await;
            Ok::<_, ()>(Thing(2000))
        }));
        assert!(futures::poll!(&mut gone).is_pending());
        let mut waiting = Box::pin(cache.get("acme", 1, async || Ok::<_, ()>(Thing(2000))));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(gone);
        assert_eq!(waiting.await, Ok(Arc::new(Thing(2000))));
        // The table does not grow by those who went away.
        drop(Box::pin(cache.get("acme", 2, async || Ok::<_, ()>(Thing(2000)))));
        assert!(cache.inner.lock().reading.is_empty());
    }
}
