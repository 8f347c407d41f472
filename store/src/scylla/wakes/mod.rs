//! Wake-ups: an index of moments that all nodes write, and whose shards are read by one node each.
//!
//! A row says that an entity at some head wants to be looked at from a moment on. It is written before the append that it belongs to, and
//! never deleted by itself: it is done when it was looked at (settled), or when the entity has a later entry, which brought a wake-up
//! of its own. The owner of a shard reads forward, keeps in memory what is not done, and tells in its lease the slot before which
//! everything is (the watermark); whole buckets behind that are deleted.
//!
//! # Why nothing is missed
//!
//! *A row is found.* Let P(t) be the slot up to which the owner had read at t, by one clock that only runs (no node compares its wall clock
//! with another's). The lease holds what P was when its last renewal began, and an owner whose renewal is older than `fence` reads no further. A
//! writer knows the lease as it was at most `stale` ago, puts its row into no slot before the P that it knows, and gives up, before the
//! append, when writing took longer than `write`. So a row that is durable at t is in no slot before P(t - lateness), lateness = fence + stale +
//! write. The owner reads forward, and every `comb` it reads again from the *floor* to P: the floor is P(b - lateness), where b is when the last
//! completed such scan began. A row that was durable before b was in reach of that scan or of a forward read after it; one durable later is at or
//! after the floor, and is found by a later scan.
//!
//! *A row that was found is not forgotten.* The watermark is not after the floor, not after what is still to be read, and not after the
//! slot of any pending row; all three are read under one lock with the rows. So whatever matters, now or later, has a slot at or after it. It
//! and the floor are valid from then on, whoever owns the shard: a new owner reads from the watermark, and again from the floor. Buckets
//! are deleted only before a watermark that is stored, and nothing that matters can be there.
//!
//! *A row is dropped* only when the entity's head is past it, when it was settled, or when its entry had not come after six minutes and a serial
//! read at their end, which ends every append that was half done.
//!
//! *Two owners do no harm.* A renewal carries owner and epoch as its condition, and the watermark with it, so an owner that was replaced
//! stores nothing. What it still hands out is looked at twice; the journal's compare-and-append decides. By its own clock it hands out
//! nothing from `fence` after its last renewal began, and others wait longer than that.

mod index;
mod keeper;
mod leases;
mod scan;
mod statements;
#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{StreamExt, future, stream};
use parking_lot::{Mutex, MutexGuard};
use prometheus::{IntCounter, IntGauge, Registry};
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;

use self::{
    index::{Due, Heads, Index, Look, Marks, Recent, Row, State, Verdict, bucket},
    leases::Lease,
    scan::{Names, Room, number, signed},
    statements::Statements,
};
use super::{
    db::{Db, Read},
    metrics::register,
};
use crate::{
    Entity, Error, Timestamp, Wake,
    time::{instant, micros, micros_up},
};

/// Shards that are read at once.
const SCANS: usize = 16;

/// Heads that are read at once.
const LOOKS: usize = 32;

/// Wake-ups in memory that are due or were, unless more are asked for.
const PENDING: usize = 50_000;

/// Wake-ups in memory, whatever is asked for.
const MOST_PENDING: usize = 500_000;

/// Heads of entities, and settled wake-ups, that are remembered.
const HEADS: usize = 65_536;

/// Buckets that are remembered to be listed.
const LISTED: usize = 16_384;

/// Rounds of looking for what is due behind what turned out spare.
const ROUNDS: u32 = 16;

/// The times of leases and scans; all nodes of a keyspace must have the same.
#[derive(Clone, Debug)]
pub(super) struct Times {
    /// Between two renewals of the leases.
    pub beat: Duration,
    /// From the beginning of a renewal on, how long its shards are this node's.
    pub fence: Duration,
    /// How long a lease must have stayed as it is until others take it; longer than `fence`.
    pub takeover: Duration,
    /// Oldest knowledge of the leases with which a row may be placed.
    pub stale: Duration,
    /// Longest time for writing a row.
    pub write: Duration,
    /// Between two scans for late rows.
    pub comb: Duration,
    /// How long after an announcement its append is looked for by plain reads.
    pub hold: Duration,
    /// How long after an announcement its append is looked for at all. Longer than any append takes, by the longest time-out there is
    /// (30 s): seven of those, and what it waits in between.
    pub unborn: Duration,
    /// How long a row may hold the watermark.
    pub restless: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(2),
            fence: Duration::from_secs(6),
            takeover: Duration::from_secs(8),
            stale: Duration::from_secs(4),
            write: Duration::from_secs(5),
            comb: Duration::from_secs(2),
            hold: Duration::from_secs(10),
            unborn: Duration::from_secs(360),
            restless: Duration::from_secs(600),
        }
    }
}

impl Times {
    /// How long before a row is durable its slot may have been read past.
    fn lateness(&self) -> Duration {
        self.fence + self.stale + self.write
    }
}

/// What is measured of the wake-ups that this node looks after.
#[derive(Clone)]
pub struct Metrics {
    shards: IntGauge,
    nodes: IntGauge,
    pending: IntGauge,
    takeovers: IntCounter,
    spare: IntCounter,
    unborn: IntCounter,
}

impl Metrics {
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn new(registry: &Registry) -> Result<Self, Error> {
        let gauge = |name, help| register(registry, IntGauge::new(name, help));
        let counter = |name, help| register(registry, IntCounter::new(name, help));
        Ok(Self {
            shards: gauge("rubrica_wake_shards", "Shards of wake-ups that this node looks after")?,
            nodes: gauge("rubrica_wake_nodes", "Nodes that share the wake-ups, as this one sees it")?,
            pending: gauge("rubrica_wake_pending", "Wake-ups in memory that are not done")?,
            takeovers: counter("rubrica_wake_shard_takeovers_total", "Shards taken over from nodes that did not answer")?,
            spare: counter("rubrica_wake_spare_total", "Wake-ups that were read and had been replaced")?,
            unborn: counter("rubrica_wake_unborn_total", "Wake-ups that were read and whose append never came")?,
        })
    }
}

/// A shard that this node owns, or owned.
struct Shard {
    number: u16,
    epoch: i64,
    index: Mutex<Index>,
    lease: Mutex<Held>,
    scanning: tokio::sync::Mutex<()>,
}

struct Held {
    /// The shard is this node's until then, whatever happens.
    fence: Instant,
    /// As it is stored.
    watermark: i64,
    /// Buckets before this one were deleted.
    dropped: Option<i64>,
}

impl Shard {
    fn new(number: u16, epoch: i64, marks: Marks, fence: Instant, now: Instant) -> Self {
        let lease = Held { fence, watermark: marks.watermark, dropped: None };
        Self {
            number,
            epoch,
            index: Mutex::new(Index::new(marks, now)),
            lease: Mutex::new(lease),
            scanning: tokio::sync::Mutex::new(()),
        }
    }

    /// The index and the moment, if the shard is this node's at that moment.
    fn while_held(&self) -> Option<(MutexGuard<'_, Index>, Instant)> {
        let lease = self.lease.lock();
        let now = Instant::now();
        (now < lease.fence).then(|| (self.index.lock(), now))
    }
}

/// How far each shard has been read, as its lease said when it was last read.
#[derive(Default)]
struct Positions {
    read: Option<Instant>,
    positions: BTreeMap<u16, i64>,
}

impl Positions {
    fn learn(&mut self, began: Instant, leases: &BTreeMap<u16, Lease>) {
        if self.read.is_some_and(|read| read >= began) {
            return;
        }
        self.read = Some(began);
        self.positions = leases.iter().map(|(shard, lease)| (*shard, lease.marks.position)).collect();
    }

    /// `None`: too old to be relied upon.
    fn get(&self, shard: u16, now: Instant, stale: Duration) -> Option<i64> {
        let read = self.read.filter(|read| now.saturating_duration_since(*read) <= stale);
        read.map(|_| self.positions.get(&shard).copied().unwrap_or(i64::MIN))
    }
}

struct Core {
    db: Arc<Db>,
    statements: Statements,
    times: Times,
    metrics: Metrics,
    me: Uuid,
    beat: AtomicI64,
    held: Mutex<BTreeMap<u16, Arc<Shard>>>,
    heads: Mutex<Heads>,
    positions: Mutex<Positions>,
    /// One node reads the leases once for all that wait for them.
    refreshing: tokio::sync::Mutex<()>,
    listed: Mutex<Recent<(u16, i64), ()>>,
    names: Mutex<Names>,
}

/// A wake-up that is durable, for an append that is still to come.
#[derive(Clone, Debug)]
pub(super) struct Announced(Row);

/// The wake-ups of one node. Dropping it is what a crash is: others notice, and take its shards over.
pub(super) struct Wakes {
    core: Arc<Core>,
    keeper: Mutex<Option<Keeper>>,
    rounds: watch::Sender<u64>,
    is_closed: AtomicBool,
}

struct Keeper {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Wakes {
    /// Prepares the statements. Shards are taken from the first call of [`Wakes::due`] on: who only writes owns none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the servers do not answer or lack the schema.
    pub async fn prepare(db: Arc<Db>, registry: &Registry) -> Result<Self, Error> {
        Self::prepare_with(db, Times::default(), registry).await
    }

    async fn prepare_with(db: Arc<Db>, times: Times, registry: &Registry) -> Result<Self, Error> {
        let statements = Statements::prepare(&db).await?;
        let core = Core {
            db,
            statements,
            times,
            metrics: Metrics::new(registry)?,
            me: Uuid::new_v4(),
            beat: AtomicI64::new(0),
            held: Mutex::new(BTreeMap::new()),
            heads: Mutex::new(Heads::new(HEADS)),
            positions: Mutex::default(),
            refreshing: tokio::sync::Mutex::new(()),
            listed: Mutex::new(Recent::new(LISTED)),
            names: Mutex::default(),
        };
        Ok(Self {
            core: Arc::new(core),
            keeper: Mutex::new(None),
            rounds: watch::channel(0).0,
            is_closed: AtomicBool::new(false),
        })
    }

    /// Writes the wake-up of an append that will bring the entity to `head`: it is durable when this answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the append must not be made. A row may have been written; it is spare.
    pub async fn announce(&self, entity: &Entity, head: u64, due: Timestamp) -> Result<Announced, Error> {
        self.core.place(entity, head, micros_up(due), i64::MIN).await.map(Announced)
    }

    /// An append by this node was applied, and has brought the entity to `head`; its wake-up, if it has one, had been announced.
    pub fn appended(&self, entity: &Entity, head: u64, announced: Option<Announced>) {
        let Some(shard) = self.core.shard(entity) else { return };
        self.core.heads.lock().note(entity, head);
        if let Some(Announced(row)) = announced {
            shard.index.lock().own(row, Instant::now());
        }
    }

    /// As [`Store::due`](crate::Store::due), of those shards that this node owns. The first call takes part in sharing them out.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when nothing could be read.
    pub async fn due(&self, shards: Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error> {
        self.take_part().await;
        let held = self.core.live(|shard| shards.contains(&shard));
        let until = micros(until);
        let room = Room::of(limit.clamp(PENDING, MOST_PENDING), &held);
        let scans = stream::iter(held.clone()).map(|shard| self.core.scan(shard, until, &room));
        let failed =
            scans.buffer_unordered(SCANS).filter_map(|scanned| future::ready(scanned.err())).collect::<Vec<Error>>().await;
        let due = self.core.collect(&held, until, limit).await?;
        match failed.into_iter().next() {
            Some(error) if due.is_empty() => Err(error),
            // The others' are no less due.
            _ => Ok(due),
        }
    }

    /// As [`Store::settle`](crate::Store::settle).
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the next wake-up could not be written; the one before stays.
    pub async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), Error> {
        let due = micros_up(wake.due);
        let next = match next.map(micros_up) {
            Some(next) => {
                // Not the row that was settled once again: it would be taken for the one that was seen.
                let after = if next == due { due.saturating_add(1) } else { i64::MIN };
                Some(self.core.place(&wake.entity, head, next, after).await?)
            }
            None => None,
        };
        let settled = Due { due, entity: wake.entity.clone(), head };
        let shard = self.core.shard(&wake.entity);
        let mut index = shard.as_ref().map(|shard| shard.index.lock());
        {
            let mut heads = self.core.heads.lock();
            heads.settle(settled.clone());
            if let Some(row) = &next {
                heads.unsettle(&Due { due: row.due, entity: row.entity.clone(), head });
            }
        }
        if let Some(index) = &mut index {
            index.settled(settled);
            if let Some(row) = next {
                index.own(row, Instant::now());
            }
        }
        Ok(())
    }

    /// Ends taking part, and gives the shards to the others at once.
    pub async fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let Some(keeper) = self.keeper.lock().take() else { return };
        let _ = keeper.stop.send(true);
        let mut task = keeper.task;
        // A round under way ends first, or what it takes would be left.
        if tokio::time::timeout(self.core.db.timeout * 4, &mut task).await.is_err() {
            task.abort();
        }
        let held: Vec<u16> = self.core.held.lock().keys().copied().collect();
        let given = self.core.give(&held).await;
        let gone = self.core.db.write(&self.core.statements.gone, (self.core.me,)).await;
        if let Err(error) = given.and(gone) {
            tracing::warn!(%error, "the wake-ups could not be given to other nodes; they take them over in a few seconds");
        }
    }

    /// Starts to look after shards, if that has not begun, and waits for the first round.
    async fn take_part(&self) {
        if self.is_closed.load(Ordering::Acquire) {
            return;
        }
        let mut rounds = self.rounds.subscribe();
        {
            let mut keeper = self.keeper.lock();
            // One that has ended by itself has died of a fault; its leases lapse, and a new one takes them up.
            if keeper.as_ref().is_none_or(|keeper| keeper.task.is_finished()) {
                let (stop, stopped) = watch::channel(false);
                let task = tokio::spawn(self.core.clone().keep(self.rounds.clone(), stopped));
                *keeper = Some(Keeper { stop, task });
            }
        }
        if *rounds.borrow() > 0 {
            return;
        }
        // The sender lives as long as this.
        let first = rounds.wait_for(|rounds| *rounds > 0);
        if tokio::time::timeout(self.core.db.timeout, first).await.is_err() {
            tracing::debug!("no shard of wake-ups has been taken yet");
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        if let Some(keeper) = self.keeper.get_mut() {
            keeper.task.abort();
        }
    }
}

impl Core {
    /// Unlike every number before; not in order with those of other nodes.
    fn next_beat(&self) -> i64 {
        self.beat.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Shards that are this node's at this moment, of those named.
    fn live(&self, named: impl Fn(u16) -> bool) -> Vec<Arc<Shard>> {
        let now = Instant::now();
        let held = self.held.lock();
        held.values().filter(|shard| named(shard.number) && now < shard.lease.lock().fence).cloned().collect()
    }

    /// Shards whose leases are this node's as far as it knows, also where it could not renew them for a while.
    fn all(&self) -> Vec<Arc<Shard>> {
        self.held.lock().values().cloned().collect()
    }

    fn shard(&self, entity: &Entity) -> Option<Arc<Shard>> {
        self.held.lock().get(&entity.shard()).cloned()
    }

    /// Lets go of these; not of one that was taken again since.
    fn forget<'a>(&self, shards: impl Iterator<Item = &'a Arc<Shard>>) -> Vec<Arc<Shard>> {
        let mut held = self.held.lock();
        let is_held = |held: &BTreeMap<u16, Arc<Shard>>, shard: &Arc<Shard>| {
            held.get(&shard.number).is_some_and(|held| held.epoch == shard.epoch)
        };
        let forgotten: Vec<Arc<Shard>> = shards.filter(|shard| is_held(&held, shard)).cloned().collect();
        forgotten.iter().for_each(|shard| drop(held.remove(&shard.number)));
        self.metrics.shards.set(held.len() as i64);
        forgotten
    }

    /// Writes a row into the first slot, from `after` on, in which its owner is sure to find it.
    async fn place(&self, entity: &Entity, head: u64, due: i64, after: i64) -> Result<Row, Error> {
        let shard = entity.shard();
        let stored = signed(head)?;
        let (position, began) = self.position(shard).await?;
        let slot = due.max(position).max(after);
        let bucket = bucket(slot);
        if self.listed.lock().get(&(shard, bucket)).is_none() {
            self.db.write(&self.statements.put_bucket, (number(shard), bucket)).await?;
            self.listed.lock().put((shard, bucket), ());
        }
        let values = (number(shard), bucket, slot, entity.id, stored, due, &*entity.organization, &*entity.kind);
        self.db.write(&self.statements.put, values).await?;
        if began.elapsed() > self.times.write {
            return Err(Error::Unavailable("writing a wake-up took too long to rely on it".into()));
        }
        Ok(Row { slot, entity: entity.clone(), head, due })
    }

    /// How far a shard has been read at most, by a lease that is not too old, and when that was known.
    async fn position(&self, shard: u16) -> Result<(i64, Instant), Error> {
        let known = || {
            let now = Instant::now();
            self.positions.lock().get(shard, now, self.times.stale).map(|position| (position, now))
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        // Where the leases cannot be read, those who wait must not do so one after another.
        let _one_at_a_time = tokio::time::timeout(self.db.timeout, self.refreshing.lock())
            .await
            .map_err(|_| Error::Unavailable("the leases of the wake-ups cannot be read".into()))?;
        if let Some(known) = known() {
            return Ok(known);
        }
        self.leases(Read::Quorum).await?;
        known().ok_or_else(|| Error::Unavailable("the leases of the wake-ups took too long to read".into()))
    }

    /// What is due, in order, after a look at those entities that were not looked at yet.
    async fn collect(&self, held: &[Arc<Shard>], until: i64, limit: usize) -> Result<Vec<Wake>, Error> {
        let mut failed = None;
        // Each round settles whether all that it looked at is to be handed out; only where some were spare there may be room for more.
        for round in 1..=ROUNDS {
            let (ready, unsure) = self.gather(held, until, limit);
            if unsure.is_empty() || round == ROUNDS || failed.is_some() {
                return match failed {
                    Some(error) if ready.is_empty() => Err(error),
                    _ => ready.into_iter().map(|due| Ok(Wake { due: instant(due.due)?, entity: due.entity })).collect(),
                };
            }
            let looks = stream::iter(unsure).map(|(shard, due, look)| self.look(held[shard].clone(), due, look));
            failed = looks
                .buffer_unordered(LOOKS)
                .filter_map(|looked| future::ready(looked.err()))
                .collect::<Vec<Error>>()
                .await
                .pop();
        }
        Ok(Vec::new())
    }

    /// The earliest wake-ups of the shards, at most `limit`: those to hand out, and those whose entity must be looked at first.
    fn gather(&self, held: &[Arc<Shard>], until: i64, limit: usize) -> (Vec<Due>, Vec<(usize, Due, Look)>) {
        let now = Instant::now();
        let mut indexes: Vec<_> = held.iter().map(|shard| shard.index.lock()).collect();
        let heads = self.heads.lock();
        let (mut ready, mut unsure, mut spare, mut sure) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut lists: Vec<_> = indexes.iter().map(|index| index.due(until).peekable()).collect();
        let mut firsts: BinaryHeap<Reverse<(&Due, usize)>> = BinaryHeap::new();
        firsts.extend(lists.iter_mut().enumerate().filter_map(|(place, list)| Some(Reverse((list.peek()?.0, place)))));
        while ready.len() + unsure.len() < limit {
            let Some(Reverse((_, place))) = firsts.pop() else { break };
            let Some((due, item)) = lists[place].next() else { break };
            firsts.extend(lists[place].peek().map(|(due, _)| Reverse((*due, place))));
            match (heads.get(&due.entity), Index::look(item, now, &self.times)) {
                (Some(head), _) if head > due.head => spare.push((place, due.clone())),
                (Some(head), Some(_)) if head == due.head && item.state != State::Doubted => {
                    sure.push((place, due.clone()));
                    ready.push(due.clone());
                }
                (_, Some(look)) => unsure.push((place, due.clone(), look)),
                (_, None) if item.state == State::Ready => ready.push(due.clone()),
                (_, None) => {}
            }
        }
        drop((lists, firsts, heads));
        for (place, due) in spare {
            indexes[place].remove(&due);
        }
        for (place, due) in sure {
            indexes[place].judge(&due, due.head, Look::Quorum, now, &self.times);
        }
        (ready, unsure)
    }

    /// Reads an entity's head and judges the wake-up by it.
    async fn look(&self, shard: Arc<Shard>, due: Due, look: Look) -> Result<(), Error> {
        let how = match look {
            Look::Quorum => Read::Quorum,
            Look::Serial => Read::Serial,
        };
        let head = self.head(&due.entity, how).await?;
        self.heads.lock().note(&due.entity, head);
        match shard.index.lock().judge(&due, head, look, Instant::now(), &self.times) {
            Some(Verdict::Spare) => self.metrics.spare.inc(),
            Some(Verdict::Unborn) => self.metrics.unborn.inc(),
            Some(Verdict::Ready | Verdict::Ahead) | None => {}
        }
        Ok(())
    }
}
