//! What is read, on connections of their own beside the writer's. Each call is one read transaction: it sees everything
//! acknowledged before it began and nothing half done.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Row, Rows, Statement, params, types::Value};
use uuid::Uuid;

use super::{failure, spaces::Spaces};
use crate::{
    Cursor, Entity, Entry, Error, Listed, Listing, Loaded, Mark, Page, Record, RecordKey, Snapshot, Standing, Timestamp, Wake,
    time::{instant, micros},
};

const SPACE: &str = "SELECT space FROM space WHERE organization = ?1 AND kind = ?2";
const HEAD: &str = "SELECT head, key FROM entity WHERE space = ?1 AND id = ?2";
const SNAPSHOT: &str = "SELECT seq, body FROM snapshot WHERE space = ?1 AND id = ?2";
const ENTRIES: &str =
    "SELECT seq, at, commit_id, body FROM entry WHERE space = ?1 AND id = ?2 AND seq >= ?3 ORDER BY seq LIMIT ?4";
const LIST: &str = "SELECT id, created_at, head FROM entity INDEXED BY entity_listed WHERE space = ?1 AND listing = 0 AND (created_at, id) < (?2, ?3)
     ORDER BY created_at DESC, id DESC LIMIT ?4";
const FIND: &str = "SELECT mark.id, mark.created_at, entity.head
     FROM mark CROSS JOIN entity ON entity.space = mark.space AND entity.id = mark.id
     WHERE mark.space = ?1 AND mark.mark = ?2 AND (mark.created_at, mark.id) < (?3, ?4)
     ORDER BY mark.created_at DESC, mark.id DESC LIMIT ?5";
const DUE: &str = "SELECT space.organization, space.kind, entity.id, entity.wake
     FROM entity INDEXED BY entity_by_wake CROSS JOIN space ON space.space = entity.space
     WHERE entity.wake <= ?1 AND entity.shard >= ?2 AND entity.shard < ?3 ORDER BY entity.wake LIMIT ?4";
/// What is left of a journal, or of a record, whose own row is lost.
const REMAINS: &str = "SELECT seq FROM entry WHERE space = ?1 AND id = ?2 LIMIT 1";
const PLACE: &str = "SELECT 1 FROM record_place WHERE space = ?1 AND key = ?2";
/// How many spaces are missing.
const MISSING_SPACES: &str = "SELECT spaces - (SELECT count(*) FROM space) FROM tally";
const RECORD: &str = "SELECT version, at, body FROM record WHERE space = ?1 AND key = ?2";
const HISTORY: &str = "SELECT version, at, body FROM record_history WHERE space = ?1 AND key = ?2 AND version < ?3
     ORDER BY version DESC LIMIT ?4";
const RECORDS: &str = "SELECT key, version, at, body FROM record
     WHERE space = ?1 AND key >= ?2 AND (?3 IS NULL OR key > ?3) AND key < ?4 ORDER BY key LIMIT ?5";
// In the order of the primary keys: spaces are numbered as they come, so what is new stands behind or between.
const ENTITIES: &str =
    "SELECT space.organization, space.kind, entity.id, entity.head, entity.wake, entity.key, entity.listing, entity.marks
     FROM entity CROSS JOIN space ON space.space = entity.space
     WHERE (entity.space, entity.id) > (?1, ?2) ORDER BY entity.space, entity.id LIMIT ?3";
const RECORD_KEYS: &str = "SELECT space.organization, space.kind, record.key
     FROM record CROSS JOIN space ON space.space = record.space
     WHERE (record.space, record.key) > (?1, ?2) ORDER BY record.space, record.key LIMIT ?3";

/// Spaces of journals. One whose journals no listing ever showed may be among them: its listing is empty.
const LISTINGS: &str = "
    SELECT organization, kind FROM space
    WHERE (organization, kind) > (?1, ?2) AND EXISTS (SELECT 1 FROM entity WHERE entity.space = space.space)
    ORDER BY organization, kind LIMIT ?3";

/// How an entity stands.
struct Stands {
    head: u64,
    key: Option<Vec<u8>>,
}

/// The statements of a reading connection, compiled once.
pub(super) struct Reads<'c> {
    conn: &'c Connection,
    spaces: Spaces,
    find_space: Statement<'c>,
    head: Statement<'c>,
    remains: Statement<'c>,
    place: Statement<'c>,
    missing_spaces: Statement<'c>,
    snapshot: Statement<'c>,
    entries: Statement<'c>,
    list: Statement<'c>,
    find: Statement<'c>,
    due: Statement<'c>,
    record: Statement<'c>,
    history: Statement<'c>,
    records: Statement<'c>,
    entities: Statement<'c>,
    record_keys: Statement<'c>,
    listings: Statement<'c>,
}

impl<'c> Reads<'c> {
    pub fn prepare(conn: &'c Connection) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            conn,
            spaces: Spaces::default(),
            find_space: conn.prepare(SPACE)?,
            head: conn.prepare(HEAD)?,
            remains: conn.prepare(REMAINS)?,
            place: conn.prepare(PLACE)?,
            missing_spaces: conn.prepare(MISSING_SPACES)?,
            snapshot: conn.prepare(SNAPSHOT)?,
            entries: conn.prepare(ENTRIES)?,
            list: conn.prepare(LIST)?,
            find: conn.prepare(FIND)?,
            due: conn.prepare(DUE)?,
            record: conn.prepare(RECORD)?,
            history: conn.prepare(HISTORY)?,
            records: conn.prepare(RECORDS)?,
            entities: conn.prepare(ENTITIES)?,
            record_keys: conn.prepare(RECORD_KEYS)?,
            listings: conn.prepare(LISTINGS)?,
        })
    }

    /// Each of them as it is at one moment.
    pub fn load_many(&mut self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error> {
        // Three statements must see one state: a commit between them would show entries beyond the head.
        let transaction = self.conn.unchecked_transaction().map_err(failure)?;
        let loaded = entities.iter().map(|entity| self.load(entity)).collect();
        drop(transaction);
        loaded
    }

    /// Within a transaction.
    fn load(&mut self, entity: &Entity) -> Result<Option<Loaded>, Error> {
        let Some(space) = self.space(&entity.organization, &entity.kind)? else { return Ok(None) };
        let id = entity.id.as_bytes().as_slice();
        let Some(Stands { head, key }) = self.stands(space, entity)? else { return Ok(None) };
        let snapshot = first(self.snapshot.query(params![space, id]), |row| {
            Ok(Snapshot { seq: number(row, 0)?, body: row.get(1).map_err(failure)? })
        })?;
        let told = snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        if told > head {
            return Err(Error::Corrupt(format!("a snapshot of entry {told} in a journal that ends at {head}")));
        }
        let rows = self.entries.query(params![space, id, (told + 1) as i64, -1]).map_err(failure)?;
        let entries = collect(rows, entry)?;
        check_gapless(&entries, told, head)?;
        Ok(Some(Loaded { head, snapshot, entries, key }))
    }

    pub fn entries(&mut self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        let Some(space) = self.space(&entity.organization, &entity.kind)? else { return Ok(Vec::new()) };
        let Ok(after) = i64::try_from(from.saturating_sub(1)) else { return Ok(Vec::new()) };
        let id = entity.id.as_bytes().as_slice();
        let transaction = self.conn.unchecked_transaction().map_err(failure)?;
        let Some(Stands { head, .. }) = self.stands(space, entity)? else { return Ok(Vec::new()) };
        let entries = collect(self.entries.query(params![space, id, after + 1, bound(limit)]).map_err(failure)?, entry)?;
        drop(transaction);
        let after = after as u64;
        check_gapless(&entries, after, head.max(after).min(after.saturating_add(limit as u64)))?;
        Ok(entries)
    }

    /// What is in an entity's key slot.
    pub fn key(&mut self, entity: &Entity) -> Result<Option<Vec<u8>>, Error> {
        let Some(space) = self.space(&entity.organization, &entity.kind)? else { return Ok(None) };
        // What is left of a lost one is looked for in the same state.
        let transaction = self.conn.unchecked_transaction().map_err(failure)?;
        let stands = self.stands(space, entity)?;
        drop(transaction);
        Ok(stands.and_then(|stands| stands.key))
    }

    /// Head and key of a journal; `None` if there is none.
    fn stands(&mut self, space: i64, entity: &Entity) -> Result<Option<Stands>, Error> {
        let id = entity.id.as_bytes().as_slice();
        let stands = |row: &Row<'_>| Ok(Stands { head: number(row, 0)?, key: row.get(1).map_err(failure)? });
        let stands = first(self.head.query(params![space, id]), stands)?;
        if stands.is_none() && first(self.remains.query(params![space, id]), |row| number(row, 0))?.is_some() {
            return Err(Error::Corrupt(format!("the head of journal {} is lost, its entries are there", entity.id)));
        }
        Ok(stands)
    }

    pub fn list(&mut self, organization: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, Error> {
        let Some(space) = self.space(organization, kind)? else { return Ok(Page::of(Vec::new(), false)) };
        let (at, id) = place(after);
        let rows = self.list.query(params![space, at, id.as_bytes().as_slice(), one_more(limit)]).map_err(failure)?;
        listed(rows, organization, kind, limit)
    }

    pub fn find(
        &mut self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        let Some(space) = self.space(organization, kind)? else { return Ok(Page::of(Vec::new(), false)) };
        let (at, id) = place(after);
        let values = params![space, mark.0.as_slice(), at, id.as_bytes().as_slice(), one_more(limit)];
        listed(self.find.query(values).map_err(failure)?, organization, kind, limit)
    }

    pub fn due(&mut self, shards: Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error> {
        let rows = self.due.query(params![micros(until), shards.start, shards.end, bound(limit)]).map_err(failure)?;
        collect(rows, |row| Ok(Wake { entity: entity(row)?, due: moment(row, 3)? }))
    }

    pub fn get(&mut self, key: &RecordKey) -> Result<Option<Record>, Error> {
        let Some(space) = self.space(&key.organization, &key.collection)? else { return Ok(None) };
        // Its place is looked for in the same state.
        let transaction = self.conn.unchecked_transaction().map_err(failure)?;
        let found = self.newest(space, key)?;
        drop(transaction);
        Ok(found)
    }

    /// The current version of a record; `None` if it never existed.
    fn newest(&mut self, space: i64, key: &RecordKey) -> Result<Option<Record>, Error> {
        let found = first(self.record.query(params![space, key.key]), |row| record(row, 0))?;
        if found.is_none() && first(self.place.query(params![space, key.key]), |row| number(row, 0))?.is_some() {
            return Err(Error::Corrupt(format!("a record of {} is lost, its place is there", key.collection)));
        }
        Ok(found)
    }

    pub fn history(&mut self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error> {
        let Some(space) = self.space(&key.organization, &key.collection)? else { return Ok(Vec::new()) };
        // The current version and the earlier ones stand in two tables; a version must not slip from one to the other
        // between the two reads.
        let transaction = self.conn.unchecked_transaction().map_err(failure)?;
        let mut versions = Vec::new();
        let current = self.newest(space, key)?;
        let newest = current.as_ref().map_or(0, |current| current.version);
        if limit > 0 {
            versions.extend(current.filter(|current| before.is_none_or(|before| current.version < before)));
        }
        let expected = before.map_or(newest, |before| newest.min(before.saturating_sub(1)));
        let before = before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
        let rest = bound(limit - versions.len());
        let rows = self.history.query(params![space, key.key, before, rest]).map_err(failure)?;
        versions.extend(collect(rows, |row| record(row, 0))?);
        drop(transaction);
        if key.keeps_versions() && !versions.iter().map(|record| record.version).eq((1..=expected).rev().take(limit)) {
            return Err(Error::Corrupt(format!("a version of a record of {} is lost", key.collection)));
        }
        Ok(versions)
    }

    pub fn records(
        &mut self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, Error> {
        let Some(space) = self.space(organization, collection)? else { return Ok(Vec::new()) };
        // The search begins at the greater of both bounds; a later page must not walk from the start of the prefix.
        let past = after.filter(|after| *after >= prefix);
        let from = past.unwrap_or(prefix);
        // And it ends where the prefix does. Every text is less than a blob.
        let end = after_prefix(prefix).map_or(Value::Blob(Vec::new()), Value::Text);
        let rows = self.records.query(params![space, from, past, end, bound(limit)]).map_err(failure)?;
        collect(rows, |row| Ok((row.get(0).map_err(failure)?, record(row, 1)?)))
    }

    pub fn entities(&mut self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error> {
        // No space has the number 0: that is before all.
        let (space, id) = match after {
            None => (0, [].as_slice()),
            Some(entity) => (self.place_of(&entity.organization, &entity.kind)?, entity.id.as_bytes().as_slice()),
        };
        let rows = self.entities.query(params![space, id, bound(limit)]).map_err(failure)?;
        collect(rows, |row| {
            let wake: Option<i64> = row.get(4).map_err(failure)?;
            let (key, listing) = (row.get(5).map_err(failure)?, Listing::of_number(row.get(6).map_err(failure)?)?);
            let marks: Option<Vec<u8>> = row.get(7).map_err(failure)?;
            let (wake, marks) = (wake.map(instant).transpose()?, Mark::split(marks.as_deref())?);
            Ok(Standing { entity: entity(row)?, head: number(row, 3)?, wake, key, listing, marks })
        })
    }

    pub fn record_keys(&mut self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error> {
        let (space, key) = match after {
            None => (0, ""),
            Some(key) => (self.place_of(&key.organization, &key.collection)?, key.key.as_str()),
        };
        let rows = self.record_keys.query(params![space, key, bound(limit)]).map_err(failure)?;
        collect(rows, |row| {
            let organization: String = row.get(0).map_err(failure)?;
            let collection: String = row.get(1).map_err(failure)?;
            Ok(RecordKey::new(organization, collection, row.get::<_, String>(2).map_err(failure)?))
        })
    }

    pub fn listings(&mut self, organization: &str, kind: &str, limit: usize) -> Result<Vec<(String, String)>, Error> {
        let rows = self.listings.query(params![organization, kind, bound(limit)]).map_err(failure)?;
        collect(rows, |row| Ok((row.get(0).map_err(failure)?, row.get(1).map_err(failure)?)))
    }

    /// The space of what was the last of a page.
    fn place_of(&mut self, organization: &str, kind: &str) -> Result<i64, Error> {
        let unknown = || Error::Refused("a listing cannot go on after what is not in the store".into());
        self.space(organization, kind)?.ok_or_else(unknown)
    }

    fn space(&mut self, organization: &str, kind: &str) -> Result<Option<i64>, Error> {
        if let Some(space) = self.spaces.get(organization, kind) {
            return Ok(Some(space));
        }
        let found = self.find_space.query_row([organization, kind], |row| row.get(0)).optional().map_err(failure)?;
        if let Some(space) = found {
            self.spaces.remember(organization, kind, space);
        } else if first(self.missing_spaces.query([]), |row| row.get::<_, i64>(0).map_err(failure))? != Some(0) {
            return Err(Error::Corrupt("the name of an organization with a kind of process or record is lost".into()));
        }
        Ok(found)
    }
}

/// The least text that is greater than every text with this prefix; `None`: there is none.
fn after_prefix(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // The step over the surrogates, which are no characters, is in the range's iterator.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// SQLite counts in i64, and reads a negative limit as none.
fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// One more than asked for tells whether there is a next page.
fn one_more(limit: usize) -> i64 {
    bound(limit.saturating_add(1))
}

/// Where a listing goes on. Without a cursor: before a moment that no entity reaches.
fn place(after: Option<&Cursor>) -> (i64, Uuid) {
    after.map_or((i64::MAX, Uuid::max()), |cursor| (micros(cursor.at), cursor.id))
}

/// A page of rows with identifier, time and head.
fn listed(rows: Rows<'_>, organization: &str, kind: &str, limit: usize) -> Result<Page<Listed>, Error> {
    let mut items = collect(rows, |row| {
        let entity = Entity::new(organization, kind, uuid(row, 0)?);
        Ok(Listed { entity, created_at: moment(row, 1)?, head: number(row, 2)? })
    })?;
    let more = items.len() > limit;
    items.truncate(limit);
    Ok(Page::of(items, more))
}

fn collect<T>(mut rows: Rows<'_>, read: impl Fn(&Row<'_>) -> Result<T, Error>) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failure)? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The one row of a search by key, if it is there.
fn first<T>(rows: Result<Rows<'_>, rusqlite::Error>, read: impl Fn(&Row<'_>) -> Result<T, Error>) -> Result<Option<T>, Error> {
    rows.map_err(failure)?.next().map_err(failure)?.map(read).transpose()
}

/// The entity of a row that begins with its organization, kind and identifier.
fn entity(row: &Row<'_>) -> Result<Entity, Error> {
    let organization: String = row.get(0).map_err(failure)?;
    let kind: String = row.get(1).map_err(failure)?;
    Ok(Entity::new(organization, kind, uuid(row, 2)?))
}

fn entry(row: &Row<'_>) -> Result<Entry, Error> {
    let seq = number(row, 0)?;
    Ok(Entry { seq, at: moment(row, 1)?, commit_id: uuid(row, 2)?, body: row.get(3).map_err(failure)? })
}

fn record(row: &Row<'_>, first: usize) -> Result<Record, Error> {
    let version = number(row, first)?;
    Ok(Record { version, at: moment(row, first + 1)?, body: row.get(first + 2).map_err(failure)? })
}

fn number(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    let number: i64 = row.get(column).map_err(failure)?;
    u64::try_from(number).map_err(|_| Error::Corrupt(format!("{number} where only counting numbers stand")))
}

fn moment(row: &Row<'_>, column: usize) -> Result<Timestamp, Error> {
    instant(row.get(column).map_err(failure)?)
}

fn uuid(row: &Row<'_>, column: usize) -> Result<Uuid, Error> {
    let bytes: [u8; 16] = row.get(column).map_err(failure)?;
    Ok(Uuid::from_bytes(bytes))
}

/// What follows a snapshot must be every entry up to the head; anything else is not a state to continue from.
fn check_gapless(entries: &[Entry], told: u64, head: u64) -> Result<(), Error> {
    let expected = told + 1..=head;
    if entries.iter().map(|entry| entry.seq).eq(expected) {
        return Ok(());
    }
    Err(Error::Corrupt(format!("a journal of head {head} with {} entries after entry {told}", entries.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_is_past_all_that_begins_with_it() {
        assert_eq!(after_prefix("ab").as_deref(), Some("ac"));
        assert_eq!(after_prefix("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(after_prefix("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(after_prefix(""), None);
        assert_eq!(after_prefix("\u{10ffff}"), None);
    }

    #[test]
    fn no_query_walks_a_table_or_sorts() {
        let folder = tempfile::tempdir().expect("a folder");
        let conn = super::super::schema::open_writer(&folder.path().join("a.db"), &super::super::Options::default());
        let conn = conn.expect("opens");
        for query in
            [SPACE, HEAD, REMAINS, PLACE, SNAPSHOT, ENTRIES, LIST, FIND, DUE, RECORD, HISTORY, RECORDS, ENTITIES, RECORD_KEYS]
        {
            let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("valid");
            let steps: Result<Vec<String>, _> = plan.raw_query().mapped(|row| row.get(3)).collect();
            for step in steps.expect("explained") {
                assert!(step.starts_with("SEARCH"), "{query}: {step}");
            }
        }
    }

    #[test]
    fn a_journal_with_a_hole_is_corrupt() {
        let entry = |seq| Entry { seq, at: Timestamp::UNIX_EPOCH, commit_id: Uuid::nil(), body: Vec::new() };
        assert!(check_gapless(&[entry(3), entry(4)], 2, 4).is_ok());
        assert!(check_gapless(&[], 2, 2).is_ok());
        for broken in [vec![entry(4)], vec![entry(3)], vec![entry(3), entry(3)], vec![entry(3), entry(4), entry(5)]] {
            assert!(matches!(check_gapless(&broken, 2, 4), Err(Error::Corrupt(_))));
        }
    }
}
