//! Versioned records: a partition each, and the keys of a collection in order beside them.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use scylla::statement::batch::{Batch, BatchType};
use uuid::Uuid;

use super::{
    bodies::{Bodies, Place},
    db::{Conditional, Db, Read, Statement},
    unsure::{FIRST_PAUSE, PATIENCE, ROUNDS, Unsure},
};
use crate::{
    Error, PutOutcome, Record, RecordKey, Timestamp, limits,
    time::{instant, micros},
};

/// Buckets over which the keys of a collection are spread. Part of the stored data.
const BUCKETS: u8 = 16;

/// Leading bytes of a key that decide on its bucket: a prefix as long as that is looked for in one bucket. Part of the stored data.
const BUCKET_BYTES: usize = 8;

/// Rows that are read at once.
const PAGE: usize = 256;

/// Records that are read at once for a listing.
const AT_ONCE: usize = 16;

pub(super) struct Records {
    db: Arc<Db>,
    bodies: Arc<Bodies>,
    advance: Statement,
    version: Statement,
    /// Removes the version before, where only the newest is kept.
    remove: Statement,
    /// Puts another body in the place of a version's.
    replace_body: Statement,
    newest: Statement,
    put_at: Statement,
    older: Statement,
    note_key: Statement,
    keys: Statement,
    keys_after: Statement,
    all: Statement,
    all_after: Statement,
    /// Records of which a put may still be under way.
    unsure: Unsure<RecordKey>,
}

type Row = (i64, Option<i64>, Option<Vec<u8>>, Option<Uuid>, Option<i32>);

/// As it is read beside others: with the number of the newest version, which each row of the partition tells.
type OlderRow = (i64, Option<i64>, Option<Vec<u8>>, Option<Uuid>, Option<i32>, Option<i64>);

impl Records {
    pub async fn prepare(db: Arc<Db>, bodies: Arc<Bodies>) -> Result<Self, Error> {
        let columns = "version, at, body, spill, size";
        let key = "org = ? AND collection = ? AND key = ?";
        let bucket = "org = ? AND collection = ? AND bucket = ?";
        let all = "SELECT DISTINCT org, collection, key FROM record";
        Ok(Self {
            advance: db.conditional("put", &format!("UPDATE record SET head = ? WHERE {key} IF head = ?")).await?,
            version: db
                .conditional(
                    "version",
                    "INSERT INTO record (org, collection, key, version, at, put_id, body, spill, size) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .await?,
            remove: db.conditional("version_remove", &format!("DELETE FROM record WHERE {key} AND version = ?")).await?,
            replace_body: db
                .conditional("version_body", &format!("UPDATE record SET body = ?, spill = null, size = ? WHERE {key} AND version = ?"))
                .await?,
            newest: db.idempotent("get", &format!("SELECT {columns}, head FROM record WHERE {key} LIMIT 1")).await?,
            put_at: db.idempotent("put_at", &format!("SELECT head, put_id FROM record WHERE {key} AND version = ?")).await?,
            older: db.idempotent("history", &format!("SELECT {columns}, head FROM record WHERE {key} AND version < ? LIMIT ?")).await?,
            note_key: db
                .idempotent("record_key_write", "INSERT INTO record_key (org, collection, bucket, key) VALUES (?, ?, ?, ?)")
                .await?,
            keys: db.idempotent("record_keys", &format!("SELECT key FROM record_key WHERE {bucket} AND key >= ? LIMIT ?")).await?,
            keys_after: db.idempotent("record_keys", &format!("SELECT key FROM record_key WHERE {bucket} AND key > ? LIMIT ?")).await?,
            all: db.idempotent("all_records", &format!("{all} LIMIT ?")).await?,
            all_after: db
                .idempotent("all_records", &format!("{all} WHERE token(org, collection, key) > token(?, ?, ?) LIMIT ?"))
                .await?,
            unsure: Unsure::new(),
            db,
            bodies,
        })
    }

    pub async fn put_if(&self, key: &RecordKey, expected: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, Error> {
        limits::check_put(key, expected, &body)?;
        if expected == 0 && !key.is_hidden() {
            let bucket = i16::from(bucket_of(&key.key));
            self.db.write(&self.note_key, (&*key.organization, &*key.collection, bucket, &key.key)).await?;
        }
        let bodies = [body];
        let places = self.bodies.place(&self.db, &bodies).await?;
        let Some(place) = places.first() else { return Err(Error::Refused("a put without a body".into())) };
        let put = Put { key, expected, at, id: Uuid::new_v4(), place };
        let began = tokio::time::Instant::now();
        let mut outcome = match self.attempt(&put).await {
            Ok(outcome) => outcome,
            Err(error) => {
                self.bodies.forget(&self.db, &places);
                return Err(error);
            }
        };
        let mut pause = FIRST_PAUSE;
        for _ in 0..ROUNDS {
            if outcome != PutOutcome::Unknown || began.elapsed() + pause >= PATIENCE {
                break;
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            outcome = self.resolve(&put).await;
        }
        match outcome {
            PutOutcome::Applied => {}
            PutOutcome::Conflict { .. } => {
                self.db.metrics.conflicts.inc();
                self.bodies.forget(&self.db, &places);
            }
            PutOutcome::Unknown => self.unsure.note(key),
        }
        Ok(outcome)
    }

    async fn attempt(&self, put: &Put<'_>) -> Result<PutOutcome, Error> {
        let (org, collection, key) = names(put.key);
        let old = (put.expected > 0).then_some(put.expected as i64);
        let version = put.expected as i64 + 1;
        let Place { body, spill, size } = *put.place;
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.append_statement(self.advance.prepared.clone());
        batch.append_statement(self.version.prepared.clone());
        batch.set_is_idempotent(false);
        batch.set_retry_policy(self.advance.prepared.get_retry_policy().cloned());
        let advance = (version, org, collection, key, old);
        let row = (org, collection, key, version, micros(put.at), put.id, body, spill, size);
        let decided = match old.filter(|_| !put.key.keeps_versions()) {
            None => self.db.decide_all("put", &batch, (advance, row)).await?,
            Some(old) => {
                batch.append_statement(self.remove.prepared.clone());
                self.db.decide_all("put", &batch, (advance, row, (org, collection, key, old))).await?
            }
        };
        match decided {
            Conditional::Applied => Ok(PutOutcome::Applied),
            Conditional::NotApplied { head } => {
                let version = version_of(head);
                if version <= put.expected {
                    return Ok(PutOutcome::Conflict { version });
                }
                // As in journals: it may be this put that came first.
                let found = match self.put_at(put, Read::Quorum).await {
                    Ok((_, None)) => self.put_at(put, Read::Serial).await,
                    found => found,
                };
                Ok(match found {
                    Ok((_, Some(id))) if id == put.id => PutOutcome::Applied,
                    Ok(_) => PutOutcome::Conflict { version },
                    Err(_) => PutOutcome::Unknown,
                })
            }
            Conditional::Unknown(reason) => {
                tracing::debug!(reason, "whether a record was put is not known yet");
                Ok(PutOutcome::Unknown)
            }
        }
    }

    async fn resolve(&self, put: &Put<'_>) -> PutOutcome {
        match self.put_at(put, Read::Serial).await {
            Ok((_, Some(id))) if id == put.id => PutOutcome::Applied,
            Ok((version, Some(_))) => PutOutcome::Conflict { version },
            Ok((_, None)) => self.attempt(put).await.unwrap_or(PutOutcome::Unknown),
            Err(_) => PutOutcome::Unknown,
        }
    }

    /// Version of the record and who put the one that this put would write.
    async fn put_at(&self, put: &Put<'_>, how: Read) -> Result<(u64, Option<Uuid>), Error> {
        let (org, collection, key) = names(put.key);
        let version = put.expected as i64 + 1;
        let rows: Vec<(Option<i64>, Option<Uuid>)> = self.db.read(&self.put_at, how, (org, collection, key, version)).await?;
        Ok(rows.into_iter().next().map_or((0, None), |(head, id)| (version_of(head), id)))
    }

    pub async fn get(&self, key: &RecordKey) -> Result<Option<Record>, Error> {
        for how in [self.unsure.how(key), Read::Serial] {
            type Newest = (Option<i64>, Option<i64>, Option<Vec<u8>>, Option<Uuid>, Option<i32>, Option<i64>);
            let rows: Vec<Newest> = self.db.read(&self.newest, how, names(key)).await?;
            let Some((version, at, body, spill, size, head)) = rows.into_iter().next() else {
                self.unsure.was_read(key, how);
                return Ok(None);
            };
            // A version that the head does not know yet, or the other way: its write is not at its end.
            if let Some(version) = version.filter(|version| Some(*version) == head) {
                self.unsure.was_read(key, how);
                return self.record((version, at, body, spill, size), how).await.map(Some);
            }
        }
        Err(Error::Corrupt("the versions of a record do not fit together".into()))
    }

    async fn record(&self, row: Row, how: Read) -> Result<Record, Error> {
        let (version, at, body, spill, size) = row;
        let at = at.ok_or_else(|| Error::Corrupt("a version of a record is not whole".into()))?;
        let body = self.bodies.body(&self.db, how, (body, spill, size)).await?;
        Ok(Record { version: version as u64, at: instant(at)?, body })
    }

    pub async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error> {
        let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        for how in [self.unsure.how(key), Read::Serial] {
            let (records, head) = self.read_history(key, before, limit, how).await?;
            if self.is_whole(key, before, limit, &records, head).await? {
                self.unsure.was_read(key, how);
                return Ok(records);
            }
        }
        Err(Error::Corrupt(format!("a version of a record of {} is lost", key.collection)))
    }

    /// Whether these are the `limit` newest versions before one, or all of them. Of a counter only the newest is kept.
    async fn is_whole(
        &self,
        key: &RecordKey,
        before: i64,
        limit: usize,
        records: &[Record],
        head: Option<i64>,
    ) -> Result<bool, Error> {
        if limit == 0 || !key.keeps_versions() {
            return Ok(true);
        }
        let newest = match head {
            Some(head) => version_of(Some(head)),
            // Without a row nothing said how many there should be.
            None if before > 1 => self.get(key).await?.map_or(0, |record| record.version),
            None => 0,
        };
        let newest = newest.min(u64::try_from(before).unwrap_or(0).saturating_sub(1));
        Ok(records.iter().map(|record| record.version).eq((1..=newest).rev().take(limit)))
    }

    /// Versions before one, newest first, and the number of the newest as the first of the rows told it.
    async fn read_history(
        &self,
        key: &RecordKey,
        mut before: i64,
        limit: usize,
        how: Read,
    ) -> Result<(Vec<Record>, Option<i64>), Error> {
        let (org, collection, name) = names(key);
        let (mut records, mut head): (Vec<Record>, _) = (Vec::new(), None);
        while records.len() < limit {
            let asked = PAGE.min(limit - records.len());
            let rows: Vec<OlderRow> = self.db.read(&self.older, how, (org, collection, name, before, asked as i32)).await?;
            let got = rows.len();
            for (version, at, body, spill, size, newest) in rows {
                (before, head) = (version, head.or(newest));
                records.push(self.record((version, at, body, spill, size), how).await?);
            }
            if got < asked {
                break;
            }
        }
        Ok((records, head))
    }

    pub async fn records(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, Error> {
        let mut found: Vec<(String, Record)> = Vec::new();
        let mut after = after.map(str::to_owned);
        while found.len() < limit {
            let asked = PAGE.min(limit - found.len());
            let keys = self.keys(organization, collection, prefix, after.as_deref(), asked).await?;
            let last = keys.last().cloned();
            let is_end = keys.len() < asked;
            let reads = keys.into_iter().map(|key| async move {
                let key = RecordKey::new(organization, collection, key);
                let record = self.get(&key).await?;
                Ok::<_, Error>(record.map(|record| (key.key, record)))
            });
            let page: Vec<Option<(String, Record)>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
            found.extend(page.into_iter().flatten());
            match last {
                Some(last) if !is_end => after = Some(last),
                _ => break,
            }
        }
        Ok(found)
    }

    /// Keys that start with the prefix, in order, from all buckets that may have them.
    async fn keys(
        &self,
        org: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>, Error> {
        let buckets = match prefix.len() {
            length if length >= BUCKET_BYTES => bucket_of(prefix)..bucket_of(prefix) + 1,
            _ => 0..BUCKETS,
        };
        let pages = buckets.map(|bucket| async move {
            let bucket = i16::from(bucket);
            let rows: Vec<(String,)> = match after.filter(|after| *after >= prefix) {
                Some(after) => {
                    self.db.read(&self.keys_after, Read::Quorum, (org, collection, bucket, after, limit as i32)).await?
                }
                None => self.db.read(&self.keys, Read::Quorum, (org, collection, bucket, prefix, limit as i32)).await?,
            };
            Ok::<_, Error>(rows)
        });
        let mut keys: Vec<String> = try_join_all(pages).await?.into_iter().flatten().map(|(key,)| key).collect();
        keys.retain(|key| key.starts_with(prefix));
        keys.sort_unstable();
        keys.truncate(limit);
        Ok(keys)
    }

    /// One conditional statement for each version, as all that is written to the partition, on the condition that the newest is still the one
    /// whose body they get.
    pub async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error> {
        let (org, collection, name) = names(key);
        let Some(newest) = self.get(key).await? else { return Ok(()) };
        limits::check_forgotten(&newest.body)?;
        let (head, size) = (newest.version as i64, newest.body.len() as i32);
        let mut before = head;
        loop {
            let values = (org, collection, name, before, PAGE as i32);
            let rows: Vec<OlderRow> = self.db.read(&self.older, Read::Serial, values).await?;
            let is_end = rows.len() < PAGE;
            for (version, _, body, spill, _, _) in rows {
                before = version;
                if spill.is_none() && body.as_ref() == Some(&newest.body) {
                    continue;
                }
                let mut batch = Batch::new(BatchType::Unlogged);
                batch.append_statement(self.advance.prepared.clone());
                batch.append_statement(self.replace_body.prepared.clone());
                batch.set_is_idempotent(false);
                batch.set_retry_policy(self.advance.prepared.get_retry_policy().cloned());
                let same = (head, org, collection, name, head);
                let row = (newest.body.as_slice(), size, org, collection, name, version);
                match self.db.decide_all("forget", &batch, (same, row)).await? {
                    Conditional::Applied => {}
                    Conditional::NotApplied { .. } => {
                        return Err(Error::Unavailable("the record was changed while its versions were forgotten".into()));
                    }
                    // Doing it again is doing it once.
                    Conditional::Unknown(reason) => return Err(Error::Unavailable(reason)),
                }
                if let Some(spill) = spill {
                    self.bodies.remove(&self.db, spill).await?;
                }
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// In the order of the partitions' tokens.
    pub async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        let rows: Vec<(String, String, String)> = match after.map(names) {
            None => self.db.read(&self.all, Read::Quorum, (limit,)).await?,
            Some((org, collection, key)) => self.db.read(&self.all_after, Read::Quorum, (org, collection, key, limit)).await?,
        };
        Ok(rows.into_iter().map(|(org, collection, key)| RecordKey::new(org, collection, key)).collect())
    }
}

/// One call of `put_if`.
struct Put<'a> {
    key: &'a RecordKey,
    expected: u64,
    at: Timestamp,
    id: Uuid,
    place: &'a Place<'a>,
}

fn names(key: &RecordKey) -> (&str, &str, &str) {
    (&key.organization, &key.collection, &key.key)
}

fn version_of(column: Option<i64>) -> u64 {
    column.and_then(|version| u64::try_from(version).ok()).unwrap_or(0)
}

/// FNV-1a (64 bits) of the key's beginning. Part of the stored data.
fn bucket_of(key: &str) -> u8 {
    let beginning = key.bytes().take(BUCKET_BYTES);
    let hash = beginning.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    // The high bits are the better mixed ones.
    ((hash >> 32) % u64::from(BUCKETS)) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_stay_what_they_are_and_a_long_prefix_names_its_own() {
        assert_eq!(["", "a", "settings", "0190b3c5-1"].map(bucket_of), BUCKETS_OF_OLD);
        assert_eq!(bucket_of("0190b3c5-1234"), bucket_of("0190b3c5"));
        let mut seen = [0_u32; BUCKETS as usize];
        (0..16_000).for_each(|number| seen[usize::from(bucket_of(&format!("{:08x}", number * 7919)))] += 1);
        assert!(seen.iter().all(|count| (700..1300).contains(count)), "{seen:?}");
    }

    /// As they were when the first data were written.
    const BUCKETS_OF_OLD: [u8; 4] = [4, 12, 11, 8];
}
