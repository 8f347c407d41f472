//! Counters of the engine, for metrics.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds of the buckets of [`Stats::sync_buckets`], in microseconds; the last bucket is for everything longer.
pub const SYNC_BOUNDS_MICROS: [u64; 12] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000];

/// What the engine did since it was opened. Figures are read one by one: they may be a few operations apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Write operations acknowledged (commits, records put, wake-ups settled), conflicts included.
    pub operations: u64,
    /// Journal commits applied.
    pub commits: u64,
    /// Transactions that made them durable.
    pub batches: u64,
    /// Most operations in one transaction so far.
    pub batch_max: u64,
    /// Write operations waiting now.
    pub write_queue: u64,
    /// Reads waiting now.
    pub read_queue: u64,
    /// Batches that failed.
    pub failures: u64,
    /// Calls that met something lost or damaged.
    pub corrupt: u64,
    /// Duration of the last durable commit of a transaction, in microseconds.
    pub last_sync_micros: u64,
    /// Sum of all of them, in microseconds.
    pub sync_micros: u64,
    /// How many took at most the bound of the same index in [`SYNC_BOUNDS_MICROS`]; not cumulative.
    pub sync_buckets: [u64; SYNC_BOUNDS_MICROS.len() + 1],
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub operations: AtomicU64,
    pub commits: AtomicU64,
    pub batches: AtomicU64,
    pub batch_max: AtomicU64,
    pub failures: AtomicU64,
    pub corrupt: AtomicU64,
    last_sync_micros: AtomicU64,
    sync_micros: AtomicU64,
    sync_buckets: [AtomicU64; SYNC_BOUNDS_MICROS.len() + 1],
}

impl Counters {
    pub fn synced(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = SYNC_BOUNDS_MICROS.partition_point(|&bound| bound < micros);
        self.sync_buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.last_sync_micros.store(micros, Ordering::Relaxed);
        self.sync_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub fn read(&self) -> Stats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            operations: get(&self.operations),
            commits: get(&self.commits),
            batches: get(&self.batches),
            batch_max: get(&self.batch_max),
            write_queue: 0,
            read_queue: 0,
            failures: get(&self.failures),
            corrupt: get(&self.corrupt),
            last_sync_micros: get(&self.last_sync_micros),
            sync_micros: get(&self.sync_micros),
            sync_buckets: std::array::from_fn(|index| get(&self.sync_buckets[index])),
        }
    }
}

pub(super) fn add(counter: &AtomicU64, amount: u64) {
    counter.fetch_add(amount, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_of_its_bound() {
        let counters = Counters::default();
        for micros in [100, 101, 2_000_000] {
            counters.synced(Duration::from_micros(micros));
        }
        let stats = counters.read();
        assert_eq!((stats.sync_buckets[0], stats.sync_buckets[1], stats.sync_buckets[12]), (1, 1, 1));
        assert_eq!(stats.last_sync_micros, 2_000_000);
        assert_eq!(stats.sync_micros, 2_000_201);
    }
}
