//! Keeps this node's leases, takes and gives shards, and clears up behind the watermarks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future;
use scylla::{
    serialize::row::SerializeRow,
    statement::batch::{Batch, BatchType},
};
use tokio::sync::watch;
use uuid::Uuid;

use super::{
    Core, Shard,
    index::{Marks, bucket},
    leases::{Lease, NOBODY, Observer},
    scan::number,
};
use crate::{
    Error, SHARDS,
    scylla::db::{Conditional, Read, Statement},
};

/// Tries in one round to take shards that others take as well.
const TAKES: u32 = 3;

/// Rows that are copied forward in one round, of all shards.
const COPIES: usize = 64;

/// Pauses of no fixed length: nodes that started together must not meet at the one partition again and again.
struct Pauses(u64);

impl Pauses {
    fn next(&mut self, beat: Duration) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let percent = 85 + u32::try_from((self.0 >> 33) % 21).unwrap_or(0);
        beat * percent / 100
    }
}

type Stored = (i16, Uuid, i64, i64, i64, i64, i64);

impl Core {
    /// Until told to stop. Each time that shards were shared out `rounds` counts one more.
    pub async fn keep(self: Arc<Self>, rounds: watch::Sender<u64>, stopped: watch::Receiver<bool>) {
        let leases = self.keep_leases(stopped.clone());
        // Apart, so that neither looking at the others nor deleting much keeps a renewal waiting.
        let shares = self.keep_shares(rounds, stopped.clone());
        let tidy = self.keep_tidy(stopped);
        future::join3(leases, shares, tidy).await;
    }

    async fn keep_leases(&self, mut stopped: watch::Receiver<bool>) {
        let mut pauses = Pauses(self.me.as_u64_pair().0);
        loop {
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "the leases of the wake-ups could not be renewed");
            }
            tokio::select! {
                _ = stopped.changed() => return,
                () = tokio::time::sleep(pauses.next(self.times.beat)) => {}
            }
        }
    }

    async fn keep_shares(&self, rounds: watch::Sender<u64>, mut stopped: watch::Receiver<bool>) {
        let mut observer = Observer::new(self.me);
        let mut pauses = Pauses(self.me.as_u64_pair().1);
        loop {
            if let Err(error) = self.share(&mut observer).await {
                tracing::warn!(%error, "the shards of the wake-ups could not be shared out");
            }
            rounds.send_modify(|rounds| *rounds += 1);
            tokio::select! {
                _ = stopped.changed() => return,
                () = tokio::time::sleep(pauses.next(self.times.beat)) => {}
            }
        }
    }

    /// Shows that this node lives, looks at the others, and takes and gives what follows from that.
    async fn share(&self, observer: &mut Observer) -> Result<(), Error> {
        self.db.write(&self.statements.alive, (self.me, self.next_beat())).await?;
        for _ in 0..TAKES {
            self.observe(observer).await?;
            let plan = observer.plan(&self.numbers(), &self.times);
            self.metrics.nodes.set(i64::try_from(observer.living(&self.times)).unwrap_or(i64::MAX));
            self.give(&plan.give).await?;
            if plan.take.is_empty() || self.take(&plan.take).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn observe(&self, observer: &mut Observer) -> Result<(), Error> {
        let began = Instant::now();
        let mut leases = self.leases(Read::Quorum).await?;
        if leases.len() < usize::from(SHARDS) {
            self.found(&leases).await?;
            leases = self.leases(Read::Quorum).await?;
        }
        let nodes: Vec<(Uuid, i64)> = self.db.read(&self.statements.nodes, Read::Quorum, ()).await?;
        observer.observe(began, Instant::now(), &leases, &nodes, &self.times);
        Ok(())
    }

    /// Every lease that there is; also what every writer must know.
    pub async fn leases(&self, how: Read) -> Result<BTreeMap<u16, Lease>, Error> {
        let began = Instant::now();
        let rows: Vec<Stored> = self.db.read(&self.statements.leases, how, ()).await?;
        let leases: BTreeMap<u16, Lease> = rows
            .into_iter()
            .filter_map(|(shard, owner, epoch, beat, watermark, floor, position)| {
                let lease = Lease { owner, epoch, beat, marks: Marks { watermark, floor, position } };
                u16::try_from(shard).ok().map(|shard| (shard, lease))
            })
            .collect();
        self.positions.lock().learn(began, &leases);
        Ok(leases)
    }

    /// Writes the leases that are not there yet: on a new keyspace, all.
    async fn found(&self, leases: &BTreeMap<u16, Lease>) -> Result<(), Error> {
        let Marks { watermark, floor, position } = Marks::NONE;
        let missing = (0..SHARDS).filter(|shard| !leases.contains_key(shard));
        let values: Vec<_> = missing.map(|shard| (number(shard), NOBODY, watermark, floor, position)).collect();
        // Where it was not applied, another node has done the same.
        self.decide(&self.statements.found, values).await.map(drop)
    }

    /// Shows that this node lives, for all of its shards at once, and drops those that are not its own any more.
    async fn renew(&self) -> Result<(), Error> {
        // Twice: what was lost is left out the second time.
        for _ in 0..2 {
            let held = self.all();
            if held.is_empty() {
                return Ok(());
            }
            let began = Instant::now();
            // Newer than all before: a renewal that was held up on its way must not undo a later one.
            let beat = self.next_beat();
            let marks: Vec<Marks> = held.iter().map(|shard| shard.index.lock().sweep(&self.heads.lock())).collect();
            let values = held.iter().zip(&marks).map(|(shard, marks)| {
                (beat, marks.watermark, marks.floor, marks.position, number(shard.number), self.me, shard.epoch, beat)
            });
            let how = match self.decide(&self.statements.renew, values.collect()).await? {
                Conditional::Applied => {
                    self.renewed(&held, &marks, began);
                    return Ok(());
                }
                Conditional::NotApplied { .. } => Read::Quorum,
                // Reading serially brings what was left half done to its end, one way or the other.
                Conditional::Unknown(reason) => {
                    tracing::debug!(reason, "whether leases were renewed is not known; reading them");
                    Read::Serial
                }
            };
            let leases = self.leases(how).await?;
            let is_ours = |shard: &Shard| {
                leases.get(&shard.number).is_some_and(|lease| lease.owner == self.me && lease.epoch == shard.epoch)
            };
            let lost: Vec<&Arc<Shard>> = held.iter().filter(|shard| !is_ours(shard)).collect();
            // Those that were given meanwhile are not held any more.
            let forgotten = self.forget(lost.iter().copied()).len();
            if forgotten > 0 {
                tracing::info!(shards = forgotten, "others look after wake-ups that were this node's");
            }
            let has_beat = |shard: &Arc<Shard>| leases.get(&shard.number).is_some_and(|lease| lease.beat == beat);
            if lost.is_empty() && held.iter().all(has_beat) {
                self.renewed(&held, &marks, began);
                return Ok(());
            }
        }
        Ok(())
    }

    fn renewed(&self, held: &[Arc<Shard>], marks: &[Marks], began: Instant) {
        for (shard, marks) in held.iter().zip(marks) {
            let mut lease = shard.lease.lock();
            let now = Instant::now();
            if now >= lease.fence {
                shard.index.lock().resume(now);
            }
            lease.fence = began + self.times.fence;
            lease.watermark = marks.watermark;
        }
        self.metrics.pending.set(held.iter().map(|shard| shard.index.lock().pending() as i64).sum());
    }

    /// `false`: others have changed something meanwhile.
    async fn take(&self, shards: &[(u16, Lease)]) -> Result<bool, Error> {
        let began = Instant::now();
        let beat = self.next_beat();
        let values =
            shards.iter().map(|(shard, seen)| (self.me, seen.epoch + 1, beat, number(*shard), seen.owner, seen.epoch, seen.beat));
        let taken: Vec<(u16, Lease)> = match self.decide(&self.statements.take, values.collect()).await? {
            Conditional::Applied => shards.to_vec(),
            Conditional::NotApplied { .. } => return Ok(false),
            Conditional::Unknown(_) => {
                let leases = self.leases(Read::Serial).await?;
                let is_ours = |shard: u16| leases.get(&shard).is_some_and(|lease| lease.owner == self.me && lease.beat == beat);
                shards.iter().filter(|(shard, _)| is_ours(*shard)).copied().collect()
            }
        };
        let now = Instant::now();
        let others = taken.iter().filter(|(_, seen)| seen.owner != NOBODY && seen.owner != self.me).count();
        self.metrics.takeovers.inc_by(others as u64);
        if others > 0 {
            tracing::info!(shards = others, "taking over wake-ups of a node that does not answer");
        }
        let fence = began + self.times.fence;
        let mut held = self.held.lock();
        for (number, seen) in &taken {
            held.insert(*number, Arc::new(Shard::new(*number, seen.epoch + 1, seen.marks, fence, now)));
        }
        self.metrics.shards.set(held.len() as i64);
        Ok(taken.len() == shards.len())
    }

    /// Gives shards back, with how far they were read, so that others may take them at once.
    pub async fn give(&self, shards: &[u16]) -> Result<(), Error> {
        // First nothing of theirs is handed out any more.
        let all = self.all();
        let given = self.forget(all.iter().filter(|shard| shards.contains(&shard.number)));
        if given.is_empty() {
            return Ok(());
        }
        let beat = self.next_beat();
        let values = given.iter().map(|shard| {
            let marks = shard.index.lock().sweep(&self.heads.lock());
            (beat, marks.watermark, marks.floor, marks.position, number(shard.number), self.me, shard.epoch)
        });
        // Where it was not applied, a shard of these was lost: then the others are taken back in this round, or given up as of a dead node.
        self.decide(&self.statements.give, values.collect()).await.map(drop)
    }

    /// Sends one statement for many shards as one batch: all of it is applied, or nothing.
    async fn decide<V: SerializeRow>(&self, statement: &Statement, values: Vec<V>) -> Result<Conditional, Error> {
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_is_idempotent(false);
        batch.set_retry_policy(statement.prepared.get_retry_policy().cloned());
        // A renewal that hangs must not cost the lease.
        batch.set_request_timeout(Some(self.times.beat.max(Duration::from_secs(1)).min(self.db.timeout)));
        for _ in &values {
            batch.append_statement(statement.prepared.clone());
        }
        self.db.decide_all(statement.name, &batch, values).await
    }

    async fn keep_tidy(&self, mut stopped: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                _ = stopped.changed() => return,
                () = tokio::time::sleep(self.times.beat) => {}
            }
            for shard in self.live(|_| true) {
                if let Err(error) = self.tidy(&shard).await {
                    // The next round tries again.
                    tracing::debug!(%error, shard = shard.number, "wake-ups that are done could not be cleared up");
                }
            }
        }
    }

    async fn tidy(&self, shard: &Shard) -> Result<(), Error> {
        let (watermark, dropped) = {
            let lease = shard.lease.lock();
            (lease.watermark, lease.dropped)
        };
        let is_behind = dropped.is_none_or(|dropped| dropped < bucket(watermark));
        if is_behind && self.drop_before(shard.number, watermark).await? {
            shard.lease.lock().dropped = Some(bucket(watermark));
        }
        // What stays pending must not hold the watermark, or the next owner would have all that came after it to read.
        let stuck = shard.index.lock().stuck(Instant::now(), &self.times, COPIES);
        for due in stuck {
            let row = self.place(&due.entity, due.head, due.due, i64::MIN).await?;
            shard.index.lock().copied(&due, row.slot, Instant::now());
        }
        Ok(())
    }

    /// Numbers of the shards whose leases are this node's, fenced or not.
    fn numbers(&self) -> BTreeSet<u16> {
        self.held.lock().keys().copied().collect()
    }
}
