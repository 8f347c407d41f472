//! Reading a shard's rows, stretch by stretch, and dropping what has been read and done.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{StreamExt, TryStreamExt, stream};
use uuid::Uuid;

use super::{
    Core, Shard,
    index::{Cursor, Row, bucket, end},
};
use crate::{Entity, Error, scylla::db::Read};

/// Rows of one read.
const PAGE: usize = 1_000;

/// Reads of one shard in one scan for late rows, so that it does not keep what is due waiting; it goes on with the next.
const LATE_PAGES: usize = 4;

/// A stretch over no more buckets than this is read bucket by bucket; for a longer one it is asked first which buckets there are.
const NEAR: i64 = 3;

/// Buckets of one read.
const BUCKETS: usize = 256;

/// Buckets that are dropped at once.
const DROPS: usize = 4;

type Found = (i64, Uuid, i64, i64, String, String);

impl Core {
    /// Reads what is new up to `until`, and, when it is time to, again what may have come late. Stops where the shard has more pending
    /// than there is room for, and where the lease has lapsed: what is not this node's may have been written behind what it reads.
    pub async fn scan(&self, shard: Arc<Shard>, until: i64, room: &Room) -> Result<(), Error> {
        let _one_at_a_time = shard.scanning.lock().await;
        if room.is_full(shard.index.lock().pending()) {
            return Ok(());
        }
        let ahead = shard.index.lock().ahead(until);
        if let Some((cursor, to)) = ahead {
            let read = |rows, cursor| {
                let Some((mut index, now)) = shard.while_held() else { return false };
                let before = index.pending();
                index.read(rows, cursor, &self.heads.lock(), now, &self.times);
                room.grown(before, index.pending())
            };
            self.stretch(shard.number, cursor, to, read).await?;
        }
        let again = shard.while_held().and_then(|(mut index, now)| index.again(now, &self.times));
        let Some((cursor, to)) = again else { return Ok(()) };
        let mut pages = 0;
        let read = |rows, cursor| {
            let Some((mut index, now)) = shard.while_held() else { return false };
            let before = index.pending();
            index.read_again(rows, cursor, &self.heads.lock(), now, &self.times);
            pages += 1;
            room.grown(before, index.pending()) && pages < LATE_PAGES
        };
        self.stretch(shard.number, cursor, to, read).await
    }

    /// Reads from the cursor up to `to` and hands over page by page, with the cursor after it, until that says no.
    async fn stretch(
        &self,
        shard: u16,
        mut cursor: Cursor,
        to: i64,
        mut read: impl FnMut(Vec<Row>, Cursor) -> bool,
    ) -> Result<(), Error> {
        let last = bucket(to);
        // Bounded: every turn moves the cursor on, or ends.
        while cursor.slot() <= to {
            let first = bucket(cursor.slot());
            let is_near = last.saturating_sub(first) < NEAR;
            let buckets = if is_near { (first..=last).collect() } else { self.buckets(shard, first, last).await? };
            let is_whole = is_near || buckets.len() < BUCKETS;
            for number in buckets {
                if number > bucket(cursor.slot()) {
                    cursor = Cursor::At(end(number - 1));
                }
                loop {
                    let rows = self.page(shard, number, &cursor, to).await?;
                    let full = rows.len() >= PAGE;
                    cursor = match rows.last() {
                        Some(last) if full => Cursor::After(last.clone()),
                        // A later read must find what comes after `to` in this bucket.
                        _ => Cursor::At(end(number).min(to.saturating_add(1))),
                    };
                    if !read(rows, cursor.clone()) {
                        return Ok(());
                    }
                    if !full {
                        break;
                    }
                }
            }
            if is_whole {
                cursor = Cursor::At(to.saturating_add(1));
                read(Vec::new(), cursor);
                return Ok(());
            }
        }
        Ok(())
    }

    async fn buckets(&self, shard: u16, first: i64, last: i64) -> Result<Vec<i64>, Error> {
        let values = (number(shard), first, last, BUCKETS as i32);
        let buckets: Vec<(i64,)> = self.db.read(&self.statements.buckets, Read::Quorum, values).await?;
        Ok(buckets.into_iter().map(|(bucket,)| bucket).collect())
    }

    async fn page(&self, shard: u16, bucket: i64, cursor: &Cursor, to: i64) -> Result<Vec<Row>, Error> {
        let shard = number(shard);
        let found: Vec<Found> = match cursor {
            Cursor::At(slot) => self.db.read(&self.statements.scan, Read::Quorum, (shard, bucket, slot, to, PAGE as i32)).await?,
            Cursor::After(Row { slot, entity, head, due }) => {
                let head = signed(*head)?;
                let values = (shard, bucket, slot, entity.id, head, due, &*entity.organization, &*entity.kind, PAGE as i32);
                self.db.read(&self.statements.scan_on, Read::Quorum, values).await?
            }
        };
        found.into_iter().filter(|(slot, ..)| *slot <= to).map(|found| self.row(found)).collect()
    }

    fn row(&self, (slot, id, head, due, organization, kind): Found) -> Result<Row, Error> {
        let head = u64::try_from(head).map_err(|_| Error::Corrupt(format!("a wake-up came with entry {head}")))?;
        let mut names = self.names.lock();
        Ok(Row { slot, entity: Entity { organization: names.get(&organization), kind: names.get(&kind), id }, head, due })
    }

    /// Deletes the buckets of a shard before the one of its watermark.
    pub async fn drop_before(&self, shard: u16, watermark: i64) -> Result<bool, Error> {
        let last = bucket(watermark).saturating_sub(1);
        let old = self.buckets(shard, i64::MIN, last).await?;
        let Some(&newest) = old.last() else { return Ok(true) };
        let whole = old.len() < BUCKETS;
        let drops = stream::iter(old).map(|bucket| self.db.write(&self.statements.drop_bucket, (number(shard), bucket)));
        drops.buffer_unordered(DROPS).try_collect::<()>().await?;
        // Only now: a bucket that is not listed would never be deleted.
        self.db.write(&self.statements.forget_buckets, (number(shard), newest)).await?;
        Ok(whole)
    }

    /// The number of an entity's last entry, 0 without one.
    pub async fn head(&self, entity: &Entity, how: Read) -> Result<u64, Error> {
        let values = (&*entity.organization, &*entity.kind, entity.id);
        // Cassandra refuses to look for a row of which nothing is asked: hence its kind.
        let found: Vec<(i8, Option<i64>)> = self.db.read(&self.statements.head, how, values).await?;
        let head = found.first().and_then(|(_, head)| *head).unwrap_or(0);
        u64::try_from(head).map_err(|_| Error::Corrupt(format!("an entity has head {head}")))
    }
}

/// A shard as it is stored. There are few.
pub fn number(shard: u16) -> i16 {
    i16::try_from(shard).unwrap_or(i16::MAX)
}

/// # Errors
/// [`Error::Refused`] for a number that no journal reaches.
pub fn signed(head: u64) -> Result<i64, Error> {
    i64::try_from(head).map_err(|_| Error::Refused("the head is out of range".into()))
}

/// How many wake-ups may be in memory: a share for each shard, and what others leave of theirs.
pub struct Room {
    share: usize,
    most: usize,
    taken: AtomicUsize,
}

impl Room {
    pub fn of(most: usize, shards: &[Arc<Shard>]) -> Self {
        let taken = shards.iter().map(|shard| shard.index.lock().pending()).sum();
        Self { share: most / shards.len().max(1), most, taken: AtomicUsize::new(taken) }
    }

    /// Whether a shard with so many pending must wait until some are done.
    fn is_full(&self, pending: usize) -> bool {
        pending >= self.share && self.taken.load(Ordering::Relaxed) >= self.most
    }

    /// The pending rows of a shard have become more. `false`: no more should.
    fn grown(&self, before: usize, after: usize) -> bool {
        let added = after.saturating_sub(before);
        let taken = self.taken.fetch_add(added, Ordering::Relaxed) + added;
        after < self.share || taken < self.most
    }
}

/// Names of organizations and kinds, each kept once. There are few kinds, and of the organizations those with wake-ups in memory matter.
#[derive(Default)]
pub struct Names(HashSet<Arc<str>>);

/// Names that are kept; forgetting them costs memory for doubles.
const MOST_NAMES: usize = 4_096;

impl Names {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(kept) = self.0.get(name) {
            return kept.clone();
        }
        if self.0.len() >= MOST_NAMES {
            self.0.clear();
        }
        let name: Arc<str> = name.into();
        self.0.insert(name.clone());
        name
    }
}
