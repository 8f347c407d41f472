//! Journals: one conditional statement for each append, one read for each load.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use scylla::{
    DeserializeRow,
    serialize::row::SerializeRow,
    statement::batch::{Batch, BatchType},
    value::MaybeUnset,
};
use uuid::Uuid;

use super::{
    bodies::{Bodies, Place},
    db::{Conditional, Db, Read, Statement},
    unsure::{FIRST_PAUSE, PATIENCE, ROUNDS, Unsure},
};
use crate::{
    Commit, CommitOutcome, Entity, Entry, Error, Listing, Loaded, Mark, Snapshot, Standing,
    time::{instant, micros, micros_up},
};

/// Rows of a partition that are read at once. Most journals are shorter.
const PAGE: usize = 128;

/// Entities that one call loads at once. Others must get through as well.
const LOADS_AT_ONCE: usize = 32;

/// Spilled bodies that are fetched at once.
const BODIES_AT_ONCE: usize = 8;

/// Stands for "no wake-up" in a static column: nothing is deleted to say so, as that would leave a tombstone.
const NO_WAKE: i64 = i64::MAX;

pub(super) struct Journals {
    db: Arc<Db>,
    bodies: Arc<Bodies>,
    /// Writes head, wake-up and one entry: the commonest append, without the weight of a batch.
    append_one: Statement,
    /// Writes the head, on condition; the rows of the batch follow it.
    advance: Statement,
    first_row: Statement,
    entry: Statement,
    whole: Statement,
    page: Statement,
    commit_at: Statement,
    standing: Statement,
    key: Statement,
    snapshot: Statement,
    write_snapshot: Statement,
    entities: Statement,
    entities_after: Statement,
    /// Entities of which a write may still be under way: they are read serially, which ends it.
    unsure: Unsure<Entity>,
}

/// A row of an entity's partition.
#[derive(DeserializeRow)]
struct Row {
    rk: i8,
    seq: i64,
    at: Option<i64>,
    commit_id: Option<Uuid>,
    body: Option<Vec<u8>>,
    spill: Option<Uuid>,
    size: Option<i32>,
    head: Option<i64>,
    snapshot: Option<i64>,
    key: Option<Vec<u8>>,
}

/// An entry's row: seq, at, commit id, body.
type EntryRow = (i64, Option<i64>, Option<Uuid>, Option<Vec<u8>>, Option<Uuid>, Option<i32>);

/// As it is read beside others: with the head, which each row of the partition tells.
type PageRow = (i64, Option<i64>, Option<Uuid>, Option<Vec<u8>>, Option<Uuid>, Option<i32>, Option<i64>);

/// Consecutive rows of a journal, as they were read.
struct Stretch {
    entries: Vec<Entry>,
    /// The head as the last of the rows told it; `None` where there was none.
    head: Option<u64>,
}

/// Head, time of the first entry, whether listings show it, and what it is found by.
pub(super) struct Stands {
    pub head: u64,
    pub created: i64,
    pub listing: Listing,
    pub marks: Vec<Mark>,
}

impl Journals {
    pub async fn prepare(db: Arc<Db>, bodies: Arc<Bodies>) -> Result<Self, Error> {
        const KEY: &str = "org = ? AND kind = ? AND id = ?";
        let conditional = async |name, text: &str| db.conditional(name, &text.replace("{KEY}", KEY)).await;
        let idempotent = async |name, text: &str| db.idempotent(name, &text.replace("{KEY}", KEY)).await;
        let columns = "at, commit_id, body, spill, size";
        let append_one = "UPDATE entity SET head = ?, wake = ?, snapshot = ?, key = ?, listing = ?, marks = ?, at = ?, commit_id = ?, body = ?, spill = ?, size = ? \
            WHERE {KEY} AND rk = 1 AND seq = ? IF head = ?";
        let advance = "UPDATE entity SET head = ?, created = ?, wake = ?, snapshot = ?, key = ?, listing = ?, marks = ? WHERE {KEY} IF head = ?";
        Ok(Self {
            append_one: conditional("append_one", append_one).await?,
            advance: conditional("advance", advance).await?,
            first_row: conditional("first_row", "INSERT INTO entity (org, kind, id, rk, seq) VALUES (?, ?, ?, 0, 0)").await?,
            entry: conditional(
                "entry",
                &format!("INSERT INTO entity (org, kind, id, rk, seq, {columns}) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)"),
            )
            .await?,
            whole: idempotent(
                "load",
                &format!("SELECT rk, seq, {columns}, head, snapshot, key FROM entity WHERE {{KEY}} LIMIT {PAGE}"),
            )
            .await?,
            page: idempotent(
                "entries",
                &format!("SELECT seq, {columns}, head FROM entity WHERE {{KEY}} AND rk = 1 AND seq >= ? LIMIT ?"),
            )
            .await?,
            commit_at: idempotent("commit_at", "SELECT head, commit_id FROM entity WHERE {KEY} AND rk = 1 AND seq = ?").await?,
            standing: idempotent("standing", "SELECT rk, head, created, listing, marks FROM entity WHERE {KEY} AND rk = 0 AND seq = 0").await?,
            key: idempotent("key", "SELECT rk, key FROM entity WHERE {KEY} AND rk = 0 AND seq = 0").await?,
            snapshot: idempotent("snapshot", "SELECT seq, body FROM snapshot WHERE {KEY}").await?,
            write_snapshot: idempotent(
                "snapshot_write",
                "INSERT INTO snapshot (org, kind, id, seq, body) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
            )
            .await?,
            entities: idempotent("entities", "SELECT DISTINCT org, kind, id, head, wake, key, listing, marks FROM entity LIMIT ?").await?,
            entities_after: idempotent(
                "entities",
                "SELECT DISTINCT org, kind, id, head, wake, key, listing, marks FROM entity WHERE token(org, kind, id) > token(?, ?, ?) LIMIT ?",
            )
            .await?,
            unsure: Unsure::new(),
            db,
            bodies,
        })
    }

    /// Writes the bodies that are too large for [`Journals::append`].
    pub async fn place<'a>(&self, commit: &'a Commit) -> Result<Vec<Place<'a>>, Error> {
        self.bodies.place(&self.db, &commit.entries).await
    }

    /// Takes away what [`Journals::place`] wrote for an append that is not made.
    pub fn forget(&self, places: &[Place<'_>]) {
        self.bodies.forget(&self.db, places);
    }

    /// Appends, and finds out what became of it where the servers cannot tell at once.
    pub async fn append(&self, commit: &Commit, places: &[Place<'_>]) -> Result<CommitOutcome, Error> {
        let began = tokio::time::Instant::now();
        let mut outcome = match self.attempt(commit, places).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.forget(places);
                return Err(error);
            }
        };
        let mut pause = FIRST_PAUSE;
        for _ in 0..ROUNDS {
            if outcome != CommitOutcome::Unknown || began.elapsed() + pause >= PATIENCE {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            outcome = self.resolve(commit, places).await;
        }
        match outcome {
            CommitOutcome::Applied => self.keep_snapshot(commit).await,
            CommitOutcome::Conflict { .. } => {
                self.db.metrics.conflicts.inc();
                self.forget(places);
            }
            CommitOutcome::Unknown => self.unsure.note(&commit.entity),
        }
        Ok(outcome)
    }

    /// One conditional statement.
    async fn attempt(&self, commit: &Commit, places: &[Place<'_>]) -> Result<CommitOutcome, Error> {
        let decided = match places {
            [place] if commit.expected_head > 0 => self.append_one(commit, place).await?,
            _ => self.append_batch(commit, places).await?,
        };
        match decided {
            Conditional::Applied => Ok(CommitOutcome::Applied),
            Conditional::NotApplied { head } => self.conflict(commit, head_of(head)).await,
            Conditional::Unknown(reason) => {
                tracing::debug!(entity = %commit.entity.id, reason, "whether an append was applied is not known yet");
                Ok(CommitOutcome::Unknown)
            }
        }
    }

    async fn append_one(&self, commit: &Commit, place: &Place<'_>) -> Result<Conditional, Error> {
        let Numbers { old, head, at, wake, snapshot, listing, .. } = Numbers::of(commit);
        let (org, kind, id) = key(&commit.entity);
        let Place { body, spill, size } = *place;
        let (slot, marks, commit_id) = (key_of(commit), marks_of(commit), commit.commit_id);
        let values = (head, wake, snapshot, slot, listing, marks, at, commit_id, body, spill, size, org, kind, id, head, old);
        self.db.decide(&self.append_one, values).await
    }

    async fn append_batch(&self, commit: &Commit, places: &[Place<'_>]) -> Result<Conditional, Error> {
        let Numbers { old, first, head, at, wake, snapshot, created, listing } = Numbers::of(commit);
        let (org, kind, id) = key(&commit.entity);
        let mut batch = Batch::new(BatchType::Unlogged);
        let mut values: Vec<Box<dyn SerializeRow + Send + Sync + '_>> = Vec::with_capacity(places.len() + 2);
        // First, as the driver finds the replicas by the first statement.
        batch.append_statement(self.advance.prepared.clone());
        values.push(Box::new((head, created, wake, snapshot, key_of(commit), listing, marks_of(commit), org, kind, id, old)));
        if old.is_none() {
            batch.append_statement(self.first_row.prepared.clone());
            values.push(Box::new((org, kind, id)));
        }
        for (seq, Place { body, spill, size }) in (first..).zip(places.iter().copied()) {
            batch.append_statement(self.entry.prepared.clone());
            values.push(Box::new((org, kind, id, seq, at, commit.commit_id, body, spill, size)));
        }
        batch.set_is_idempotent(false);
        batch.set_retry_policy(self.advance.prepared.get_retry_policy().cloned());
        self.db.decide_all("append", &batch, values).await
    }

    /// The append came second; unless it was this one that came first: a server that had to begin its Paxos round again finds its
    /// own first try applied, and then that the condition does not hold. What a condition was held against is written at a quorum, so a
    /// plain read tells whose it is; a serial one costs as much as an append.
    async fn conflict(&self, commit: &Commit, head: u64) -> Result<CommitOutcome, Error> {
        if head <= commit.expected_head {
            return Ok(CommitOutcome::Conflict { head });
        }
        Ok(match self.commit_at(&commit.entity, commit.expected_head + 1, Read::Quorum).await {
            Ok((_, Some(id))) if id == commit.commit_id => CommitOutcome::Applied,
            Ok((_, Some(_))) => CommitOutcome::Conflict { head },
            Ok((_, None)) | Err(_) => CommitOutcome::Unknown,
        })
    }

    /// Reads serially, which ends what is half done, and tries the same append again where nobody has appended: only an answer
    /// to a condition rules out that the first attempt is still on its way.
    async fn resolve(&self, commit: &Commit, places: &[Place<'_>]) -> CommitOutcome {
        match self.commit_at(&commit.entity, commit.expected_head + 1, Read::Serial).await {
            Ok((_, Some(id))) if id == commit.commit_id => CommitOutcome::Applied,
            Ok((head, Some(_))) => CommitOutcome::Conflict { head },
            Ok((_, None)) => self.attempt(commit, places).await.unwrap_or(CommitOutcome::Unknown),
            Err(_) => CommitOutcome::Unknown,
        }
    }

    /// Head and the commit id of an entry.
    async fn commit_at(&self, entity: &Entity, seq: u64, how: Read) -> Result<(u64, Option<Uuid>), Error> {
        let (org, kind, id) = key(entity);
        let rows: Vec<(Option<i64>, Option<Uuid>)> = self.db.read(&self.commit_at, how, (org, kind, id, seq as i64)).await?;
        Ok(rows.into_iter().next().map_or((0, None), |(head, commit_id)| (head_of(head), commit_id)))
    }

    /// A snapshot that is lost only makes the next load longer.
    async fn keep_snapshot(&self, commit: &Commit) {
        let Some(body) = &commit.snapshot else { return };
        let (org, kind, id) = key(&commit.entity);
        let seq = Numbers::of(commit).head;
        if let Err(error) = self.db.write(&self.write_snapshot, (org, kind, id, seq, body, seq)).await {
            tracing::debug!(%error, "a snapshot was not kept");
        }
    }

    pub async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, Error> {
        // What does not fit together was written, or not written to its end, between two reads.
        for how in [self.unsure.how(entity), Read::Quorum, Read::Serial] {
            match self.try_load(entity, how).await? {
                Some(loaded) => {
                    self.unsure.was_read(entity, how);
                    return Ok(loaded);
                }
                None => tracing::debug!(entity = %entity.id, "a journal did not fit together; reading it again"),
            }
        }
        Err(Error::Corrupt("the rows of a journal do not fit together".into()))
    }

    /// Several at once, in the order asked for.
    pub async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error> {
        let loads: Vec<_> = entities.iter().map(|entity| self.load(entity)).collect();
        stream::iter(loads).buffered(LOADS_AT_ONCE).try_collect().await
    }

    /// `None`: what was read does not fit together.
    async fn try_load(&self, entity: &Entity, how: Read) -> Result<Option<Option<Loaded>>, Error> {
        let (org, kind, id) = key(entity);
        let rows: Vec<Row> = self.db.read(&self.whole, how, (org, kind, id)).await?;
        let Some(first) = rows.first() else { return Ok(Some(None)) };
        let (head, snapshot_seq, slot) = (head_of(first.head), first.snapshot, first.key.clone());
        if first.rk != 0 || head == 0 {
            return Ok(None);
        }
        let snapshot = match snapshot_seq {
            Some(_) => self.snapshot(entity).await?,
            None => None,
        };
        // One of a later head than the last read finds is of another history: of a backup whose tables are not of one moment, say.
        let snapshot = snapshot.filter(|snapshot| how == Read::Quorum || snapshot.seq <= head);
        let from = snapshot.as_ref().map_or(1, |snapshot| snapshot.seq + 1);
        if from > head + 1 {
            // A newer one than the head that was read: others were at work meanwhile.
            return Ok(None);
        }
        let short = rows.len() < PAGE;
        let rows = rows.into_iter().filter(|row| row.rk == 1 && (from..=head).contains(&(row.seq as u64)));
        let rows = rows.map(|row| (row.seq, row.at, row.commit_id, row.body, row.spill, row.size)).collect();
        let mut entries = self.entries_of(rows, how).await?;
        let next = entries.last().map_or(from, |entry| entry.seq + 1);
        if !short && next <= head {
            let rest = usize::try_from(head + 1 - next).unwrap_or(usize::MAX);
            entries.extend(self.read_entries(entity, next, rest, how).await?.entries);
        }
        let is_whole = entries.iter().map(|entry| entry.seq).eq(from..=head);
        Ok(is_whole.then_some(Some(Loaded { head, snapshot, entries, key: slot })))
    }

    /// Written plainly: a serial read would have nothing to end.
    async fn snapshot(&self, entity: &Entity) -> Result<Option<Snapshot>, Error> {
        let (org, kind, id) = key(entity);
        let rows: Vec<(Option<i64>, Option<Vec<u8>>)> = self.db.read(&self.snapshot, Read::Quorum, (org, kind, id)).await?;
        Ok(rows.into_iter().find_map(|row| match row {
            (Some(seq), Some(body)) => Some(Snapshot { seq: seq as u64, body }),
            _ => None,
        }))
    }

    pub async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        let from = from.max(1);
        if limit == 0 || i64::try_from(from).is_err() {
            return Ok(Vec::new());
        }
        for how in [self.unsure.how(entity), Read::Serial] {
            let Stretch { entries, head } = self.read_entries(entity, from, limit, how).await?;
            let has_no_gap = (from..).zip(&entries).all(|(seq, entry)| entry.seq == seq);
            let next = from + entries.len() as u64;
            // Without a row nothing said how many there should be.
            let head = match head {
                Some(head) => head,
                None => self.stands(entity).await?.map_or(0, |stands| stands.head),
            };
            if has_no_gap && (entries.len() == limit || head < next) {
                self.unsure.was_read(entity, how);
                return Ok(entries);
            }
        }
        Err(Error::Corrupt("a journal has a gap".into()))
    }

    async fn read_entries(&self, entity: &Entity, from: u64, limit: usize, how: Read) -> Result<Stretch, Error> {
        let (org, kind, id) = key(entity);
        let (mut entries, mut head): (Vec<Entry>, _) = (Vec::new(), None);
        let mut next = from;
        while entries.len() < limit {
            let asked = PAGE.min(limit - entries.len());
            let rows: Vec<PageRow> = self.db.read(&self.page, how, (org, kind, id, next as i64, asked as i32)).await?;
            let got = rows.len();
            head = rows.last().map(|row| head_of(row.6)).or(head);
            let rows = rows.into_iter().map(|(seq, at, commit_id, body, spill, size, _)| (seq, at, commit_id, body, spill, size));
            entries.extend(self.entries_of(rows.collect(), how).await?);
            next = entries.last().map_or(next, |entry| entry.seq + 1);
            if got < asked {
                break;
            }
        }
        Ok(Stretch { entries, head })
    }

    async fn entries_of(&self, rows: Vec<EntryRow>, how: Read) -> Result<Vec<Entry>, Error> {
        let entries = rows.into_iter().map(|(seq, at, commit_id, body, spill, size)| async move {
            let missing = || Error::Corrupt(format!("entry {seq} of a journal is not whole"));
            Ok::<_, Error>(Entry {
                seq: seq as u64,
                at: instant(at.ok_or_else(missing)?)?,
                commit_id: commit_id.ok_or_else(missing)?,
                body: self.bodies.body(&self.db, how, (body, spill, size)).await?,
            })
        });
        stream::iter(entries).buffered(BODIES_AT_ONCE).try_collect().await
    }

    /// Head and creation; `None` if there are no entries.
    pub async fn stands(&self, entity: &Entity) -> Result<Option<Stands>, Error> {
        let (org, kind, id) = key(entity);
        // Cassandra refuses to look for a row of which nothing is asked: hence its kind.
        type Row = (i8, Option<i64>, Option<i64>, Option<i8>, Option<Vec<u8>>);
        let rows: Vec<Row> = self.db.read(&self.standing, Read::Quorum, (org, kind, id)).await?;
        let stands = rows.into_iter().find_map(|row| match row {
            (_, Some(head), Some(created), listing, marks) => Some((head as u64, created, listing, marks)),
            _ => None,
        });
        let stands = stands.map(|(head, created, listing, marks)| {
            Ok(Stands { head, created, listing: listing_of(listing)?, marks: Mark::split(marks.as_deref())? })
        });
        stands.transpose()
    }

    /// As in [`Journals::load`], without what else is there.
    pub async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, Error> {
        let how = self.unsure.how(entity);
        let rows: Vec<(i8, Option<Vec<u8>>)> = self.db.read(&self.key, how, key(entity)).await?;
        Ok(rows.into_iter().find_map(|(_, key)| key))
    }

    /// In the order of the partitions' tokens.
    pub async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        type Row = (String, String, Uuid, Option<i64>, Option<i64>, Option<Vec<u8>>, Option<i8>, Option<Vec<u8>>);
        let rows: Vec<Row> = match after.map(key) {
            None => self.db.read(&self.entities, Read::Quorum, (limit,)).await?,
            Some((org, kind, id)) => self.db.read(&self.entities_after, Read::Quorum, (org, kind, id, limit)).await?,
        };
        let standing = |(org, kind, id, head, wake, key, listing, marks): Row| {
            let wake = wake.filter(|wake| *wake != NO_WAKE).map(instant).transpose()?;
            let (listing, marks) = (listing_of(listing)?, Mark::split(marks.as_deref())?);
            Ok(Standing { entity: Entity::new(org, kind, id), head: head_of(head), wake, key, listing, marks })
        };
        rows.into_iter().map(standing).collect()
    }
}

/// The numbers of a commit as the columns have them.
struct Numbers {
    /// `None`: the entity must not be there yet.
    old: Option<i64>,
    first: i64,
    head: i64,
    at: i64,
    wake: i64,
    snapshot: MaybeUnset<i64>,
    created: MaybeUnset<i64>,
    listing: MaybeUnset<i8>,
}

impl Numbers {
    /// Of a commit within its bounds.
    fn of(commit: &Commit) -> Self {
        let old = commit.expected_head as i64;
        let head = old + commit.entries.len() as i64;
        let at = micros(commit.at);
        let set_if = |holds: bool, value: i64| if holds { MaybeUnset::Set(value) } else { MaybeUnset::Unset };
        Self {
            old: (old > 0).then_some(old),
            first: old + 1,
            head,
            at,
            wake: commit.wake.map_or(NO_WAKE, micros_up),
            snapshot: set_if(commit.snapshot.is_some(), head),
            created: set_if(old == 0, at),
            // Most say nothing: what was never written is "listed".
            listing: match commit.listing.change(commit.expected_head) {
                Some(Listing::Listed) | None => MaybeUnset::Unset,
                Some(changed) => MaybeUnset::Set(changed.number()),
            },
        }
    }
}

fn key(entity: &Entity) -> (&str, &str, Uuid) {
    (&entity.organization, &entity.kind, entity.id)
}

/// What the commit puts into the key slot.
fn key_of(commit: &Commit) -> MaybeUnset<&[u8]> {
    commit.key.as_deref().map_or(MaybeUnset::Unset, MaybeUnset::Set)
}

/// What the commit makes the entity found by.
fn marks_of(commit: &Commit) -> MaybeUnset<Vec<u8>> {
    commit.marks.as_deref().map_or(MaybeUnset::Unset, |marks| MaybeUnset::Set(Mark::joined(marks)))
}

fn listing_of(column: Option<i8>) -> Result<Listing, Error> {
    column.map_or(Ok(Listing::Listed), Listing::of_number)
}

/// A head that was never written is 0; one is never negative.
fn head_of(column: Option<i64>) -> u64 {
    column.and_then(|head| u64::try_from(head).ok()).unwrap_or(0)
}
