//! Many wake-ups that wait: whether those that become due are found in time, and what looking for them costs.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use store::{Entity, SHARDS, Store, Timestamp, Wake, scylla::Scylla};
use tokio::sync::Semaphore;

use crate::{
    Failure, Options, Setting,
    conditions::{Foreign, load, resident_mb},
    lives,
    raw::Raw,
    times::percentile,
};

/// Statements under way at once while the rows are written.
const AT_ONCE: usize = 256;

/// The timer's own: between two looks, and wake-ups under way at once.
const EVERY: Duration = Duration::from_millis(50);
const FIRING: usize = 256;

/// The first wake-up is due so long after all were written; by then the owner looks at all shards.
const RUN_UP: Duration = Duration::from_secs(5);

/// The owner looks for so long before.
const QUIET: Duration = Duration::from_secs(20);

/// Those that only wait are due from so long on, over a day: after the end of the run.
const LATER: Duration = Duration::from_secs(7200);
const SPREAD: Duration = Duration::from_secs(86_400);

/// Longest wait for the last.
const PATIENCE: Duration = Duration::from_secs(120);

/// What looking for wake-ups sends.
const READS: [&str; 5] = ["wake_scan", "wake_buckets", "wake_head", "lease_read", "lease_nodes"];

pub async fn run(options: &Options, setting: &Setting) -> Result<(), Failure> {
    let due = options.rate * options.due_seconds;
    println!("\n## {} wake-ups waiting, {}\n", options.wakes, setting.name());
    println!("| what | figure |\n| --- | --: |");
    let raw = Arc::new(Raw::connect(setting).await?);
    // Two servers: the one that looks has not written what it finds, and must read every entity's head.
    let (writer, owner) = (setting.open().await?, Arc::new(setting.open().await?));

    let began = Instant::now();
    let waiting = options.wakes.saturating_sub(due);
    wait(&raw, waiting).await?;
    println!(
        "| rows of those that only wait, due over a day, written by the driver alone | {waiting} in {:.0} s |",
        began.elapsed().as_secs_f64()
    );

    // Some that only wait say how long the others take to write, and so when the first may be due.
    let probe = (due / 20).max(1);
    let began = Instant::now();
    let later = lives::now() + LATER;
    write(&writer, &(0..probe).map(|_| (lives::entity(), later)).collect::<Vec<_>>()).await?;
    let writing = began.elapsed() * u32::try_from(due.div_ceil(probe))?;
    let first = lives::now() + writing * 2 + QUIET;
    let last = first + Duration::from_secs(options.due_seconds);
    let began = Instant::now();
    let entities: Vec<(Entity, Timestamp)> =
        (0..due).map(|number| (lives::entity(), first + Duration::from_micros(number * 1_000_000 / options.rate))).collect();
    write(&writer, &entities).await?;
    let took = began.elapsed().as_secs_f64();
    println!("| processes that become due, each with a wake-up, by another server | {due} in {took:.0} s |");
    if lives::now() + RUN_UP > first {
        return Err("the processes were not written in time; ask for fewer".into());
    }

    let before = resident_mb();
    let found = Found::of(&owner, entities.into_iter().map(|(entity, _)| entity));
    let scans = raw.per_read("rows_per_read", &setting.options.keyspace, "wake").await?;
    let found = found.quiet(first).await?.find(first, last).await?;
    println!("| looks at the index while they became due, one each {} ms | {} |", EVERY.as_millis(), found.polls);
    println!(
        "| found, {} a second for {} s; each loaded and appended to (shown again meanwhile) | {} ({}) |",
        options.rate,
        options.due_seconds,
        found.lags.len(),
        found.again
    );
    let mut lags = found.lags;
    let mut done = found.done;
    for (what, times) in [("from due to found", &mut lags), ("from due to the append's end", &mut done)] {
        println!(
            "| **{what}: p50, p99, most, ms** | **{:.0}, {:.0}, {:.0}** |",
            percentile(times, 50.0),
            percentile(times, 99.0),
            percentile(times, 100.0)
        );
    }
    println!("| statements for a look while nothing was due | {} |", per(&found.quiet_reads, found.quiet_polls));
    println!("| statements for a look while they became due | {} |", per(&found.reads, found.polls));
    println!("| statements in all while they became due | {} |", named(&found.reads));
    for (what, name) in [("rows", "rows_per_read"), ("tombstones", "tombstones_per_read")] {
        if let Some((count, most, median, high)) = raw.per_read(name, &setting.options.keyspace, "wake").await? {
            let earlier = scans.map_or(0, |(count, ..)| count);
            println!(
                "| {what} per read of the index: p50, p99, most ({} reads) | {median:.0}, {high:.0}, {most:.0} |",
                count - earlier
            );
        }
    }
    println!("| memory of this process before looking and after, MB | {before:.0}, {:.0} |", resident_mb());
    println!("| load average; others' cores | {}; {:.2} |", load(), found.foreign);
    owner.close().await;
    writer.close().await;
    Ok(())
}

/// Writes rows of wake-ups that only wait, as appends would have left them. Their processes are not there: nobody looks at them before
/// they are due.
async fn wait(raw: &Raw, count: u64) -> Result<(), Failure> {
    let from = lives::now() + LATER;
    raw.list_buckets(from, from + SPREAD).await?;
    let step = SPREAD / u32::try_from(count.max(1))?;
    let rows = (0..count).map(|number| {
        // The moments in no order, as lives of all lengths leave them.
        let due = from + step * u32::try_from(number.wrapping_mul(7_919) % count).unwrap_or(0);
        async move { raw.announce(&lives::entity(), 1, due).await }
    });
    stream::iter(rows).buffer_unordered(AT_ONCE).try_collect::<()>().await
}

/// Creates processes, each with a wake-up.
async fn write(writer: &Scylla, entities: &[(Entity, Timestamp)]) -> Result<(), Failure> {
    let creating = entities.iter().map(|(entity, due)| lives::append(writer, lives::commit(entity, 0, lives::now(), Some(*due))));
    stream::iter(creating).buffer_unordered(AT_ONCE).try_collect::<()>().await
}

/// A server that looks for wake-ups as the timer does.
struct Found {
    owner: Arc<Scylla>,
    expected: HashSet<Entity>,
    quiet_polls: u64,
    quiet_reads: Vec<(&'static str, u64)>,
    polls: u64,
    reads: Vec<(&'static str, u64)>,
    again: u64,
    lags: Vec<Duration>,
    done: Vec<Duration>,
    foreign: f64,
}

impl Found {
    fn of(owner: &Arc<Scylla>, expected: impl Iterator<Item = Entity>) -> Self {
        Self {
            owner: owner.clone(),
            expected: expected.collect(),
            quiet_polls: 0,
            quiet_reads: Vec::new(),
            polls: 0,
            reads: Vec::new(),
            again: 0,
            lags: Vec::new(),
            done: Vec::new(),
            foreign: 0.0,
        }
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        READS.iter().map(|name| (*name, self.owner.statements(name))).collect()
    }

    /// Looks, with nothing to find, until shortly before the first is due.
    async fn quiet(mut self, first: Timestamp) -> Result<Self, Failure> {
        if let Ok(early) = (first - lives::now()).to_std() {
            tokio::time::sleep(early.saturating_sub(QUIET)).await;
        }
        // Takes the shards.
        self.owner.due(0..SHARDS, lives::now(), FIRING).await?;
        let before = self.counts();
        while lives::now() + EVERY * 10 < first {
            let due = self.owner.due(0..SHARDS, lives::now(), FIRING).await?;
            if let Some(wake) = due.first() {
                return Err(format!("a wake-up of {} was found at {}", wake.due, lives::now()).into());
            }
            self.quiet_polls += 1;
            tokio::time::sleep(EVERY).await;
        }
        self.quiet_reads = since(&self.counts(), &before);
        Ok(self)
    }

    /// Looks until all were found.
    async fn find(mut self, first: Timestamp, last: Timestamp) -> Result<Self, Failure> {
        let (before, foreign, began) = (self.counts(), Foreign::begin(), Instant::now());
        let patience = (last - first).to_std()? + PATIENCE;
        let total = self.expected.len();
        let firing: Arc<Mutex<HashSet<Entity>>> = Arc::default();
        let done: Arc<Mutex<Vec<Duration>>> = Arc::default();
        let failed = Arc::new(AtomicU64::new(0));
        let gate = Arc::new(Semaphore::new(FIRING));
        while self.lags.len() < total || !firing.lock().is_empty() {
            if began.elapsed() > patience {
                return Err(format!("{} of {total} wake-ups were found in time", self.lags.len()).into());
            }
            let limit = firing.lock().len() + FIRING;
            let due = self.owner.due(0..SHARDS, lives::now(), limit).await?;
            self.polls += 1;
            let full = due.len() == limit;
            for wake in due {
                if firing.lock().contains(&wake.entity) {
                    continue;
                }
                if !self.expected.remove(&wake.entity) {
                    // It was appended to while this list was worked through; the timer would only look once more.
                    self.again += 1;
                    continue;
                }
                let permit = gate.clone().acquire_owned().await?;
                self.lags.push((lives::now() - wake.due).to_std()?);
                firing.lock().insert(wake.entity.clone());
                let (owner, firing, done, failed) = (self.owner.clone(), firing.clone(), done.clone(), failed.clone());
                tokio::spawn(async move {
                    match look(&owner, &wake).await {
                        Ok(()) => done.lock().push((lives::now() - wake.due).to_std().unwrap_or_default()),
                        Err(_) => drop(failed.fetch_add(1, Ordering::Relaxed)),
                    }
                    firing.lock().remove(&wake.entity);
                    drop(permit);
                });
            }
            if !full {
                tokio::time::sleep(EVERY).await;
            }
        }
        if failed.load(Ordering::Relaxed) > 0 {
            return Err("processes that were woken could not be looked at".into());
        }
        self.reads = since(&self.counts(), &before);
        self.foreign = foreign.cores();
        self.done = std::mem::take(&mut done.lock());
        Ok(self)
    }
}

/// What the host does with a process that has expired.
async fn look(owner: &Scylla, wake: &Wake) -> Result<(), Failure> {
    let loaded = owner.load(&wake.entity).await?.ok_or("a process that was woken is not there")?;
    lives::append(owner, lives::commit(&wake.entity, loaded.head, lives::now(), None)).await
}

fn since(now: &[(&'static str, u64)], before: &[(&'static str, u64)]) -> Vec<(&'static str, u64)> {
    now.iter().zip(before).map(|((name, now), (_, before))| (*name, now - before)).collect()
}

fn per(reads: &[(&'static str, u64)], polls: u64) -> String {
    let shown = reads.iter().map(|(name, count)| format!("{name} {:.1}", *count as f64 / polls.max(1) as f64));
    shown.collect::<Vec<_>>().join(", ")
}

fn named(reads: &[(&'static str, u64)]) -> String {
    reads.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
}
