//! What is written, operation by operation, inside the transaction that the writer opened.
//!
//! Each operation decides on its own from what it reads in that transaction. One that does not apply writes nothing.

use rusqlite::{Connection, Error as SqlError, OptionalExtension, Row, Statement, params};

use super::{
    schema::{Wiping, set_wiping},
    spaces::Spaces,
};
use crate::{
    Commit, CommitOutcome, Entity, Mark, PutOutcome, RecordKey, Timestamp, Wake,
    time::{micros, micros_up},
};

type Result<T> = std::result::Result<T, SqlError>;

/// Bytes of a body that certainly stand in the page of its row: of 4,096 a row of such a table has at most 1,002, its key included.
const LONGEST_WITHIN: i64 = 500;

/// A write as it waits in the queue.
#[derive(Debug)]
pub(super) enum Request {
    Commit(Commit),
    Put {
        key: RecordKey,
        expected_version: u64,
        at: Timestamp,
        body: Vec<u8>,
    },
    /// The newest version takes the place of all before it.
    Forget {
        key: RecordKey,
    },
    Settle {
        wake: Wake,
        head: u64,
        next: Option<Timestamp>,
    },
    #[cfg(test)]
    Fault(super::tests::Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Commit(CommitOutcome),
    Put(PutOutcome),
    Done,
}

/// An entity as it is before a write.
#[derive(Clone, Copy)]
struct Current {
    head: u64,
    wake: Option<i64>,
    has_key: bool,
}

/// The statements of the writing connection, compiled once.
pub(super) struct Writes<'c> {
    conn: &'c Connection,
    spaces: Spaces,
    begin: Statement<'c>,
    commit: Statement<'c>,
    find_space: Statement<'c>,
    add_space: Statement<'c>,
    head: Statement<'c>,
    create: Statement<'c>,
    advance: Statement<'c>,
    advance_and_wake: Statement<'c>,
    set_key: Statement<'c>,
    set_listing: Statement<'c>,
    marks: Statement<'c>,
    set_marks: Statement<'c>,
    add_mark: Statement<'c>,
    take_mark: Statement<'c>,
    append: Statement<'c>,
    keep_snapshot: Statement<'c>,
    set_wake: Statement<'c>,
    version: Statement<'c>,
    create_record: Statement<'c>,
    place_record: Statement<'c>,
    count_space: Statement<'c>,
    archive_record: Statement<'c>,
    replace_record: Statement<'c>,
    forget_versions: Statement<'c>,
    /// Whether a key was replaced since that was asked last.
    replaced_key: bool,
    #[cfg(test)]
    pub fail_next_commit: bool,
}

impl<'c> Writes<'c> {
    pub fn prepare(conn: &'c Connection) -> Result<Self> {
        Ok(Self {
            conn,
            spaces: Spaces::default(),
            begin: conn.prepare("BEGIN IMMEDIATE")?,
            commit: conn.prepare("COMMIT")?,
            find_space: conn.prepare("SELECT space FROM space WHERE organization = ?1 AND kind = ?2")?,
            add_space: conn.prepare("INSERT INTO space (organization, kind) VALUES (?1, ?2)")?,
            head: conn.prepare("SELECT head, wake, key IS NOT NULL FROM entity WHERE space = ?1 AND id = ?2")?,
            create: conn.prepare(
                "INSERT INTO entity (space, id, head, created_at, shard, wake, key, listing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
            advance: conn.prepare("UPDATE entity SET head = ?3 WHERE space = ?1 AND id = ?2")?,
            advance_and_wake: conn.prepare("UPDATE entity SET head = ?3, wake = ?4 WHERE space = ?1 AND id = ?2")?,
            set_key: conn.prepare("UPDATE entity SET key = ?3 WHERE space = ?1 AND id = ?2")?,
            set_listing: conn.prepare("UPDATE entity SET listing = ?3 WHERE space = ?1 AND id = ?2")?,
            marks: conn.prepare("SELECT created_at, marks FROM entity WHERE space = ?1 AND id = ?2")?,
            set_marks: conn.prepare("UPDATE entity SET marks = ?3 WHERE space = ?1 AND id = ?2")?,
            add_mark: conn.prepare("INSERT OR IGNORE INTO mark (space, mark, created_at, id) VALUES (?1, ?2, ?3, ?4)")?,
            take_mark: conn.prepare("DELETE FROM mark WHERE space = ?1 AND mark = ?2 AND created_at = ?3 AND id = ?4")?,
            append: conn.prepare("INSERT INTO entry (space, id, seq, at, commit_id, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?,
            keep_snapshot: conn.prepare("INSERT OR REPLACE INTO snapshot (space, id, seq, body) VALUES (?1, ?2, ?3, ?4)")?,
            set_wake: conn.prepare("UPDATE entity SET wake = ?3 WHERE space = ?1 AND id = ?2")?,
            version: conn.prepare("SELECT version, length(body) FROM record WHERE space = ?1 AND key = ?2")?,
            create_record: conn.prepare("INSERT INTO record (space, key, version, at, body) VALUES (?1, ?2, 1, ?3, ?4)")?,
            place_record: conn.prepare("INSERT INTO record_place (space, key) VALUES (?1, ?2)")?,
            count_space: conn.prepare("UPDATE tally SET spaces = spaces + 1 WHERE spaces = (SELECT count(*) FROM space) - 1")?,
            archive_record: conn.prepare(
                "INSERT INTO record_history (space, key, version, at, body)
                 SELECT space, key, version, at, body FROM record WHERE space = ?1 AND key = ?2",
            )?,
            replace_record: conn.prepare("UPDATE record SET version = ?3, at = ?4, body = ?5 WHERE space = ?1 AND key = ?2")?,
            forget_versions: conn.prepare(
                "UPDATE record_history SET body = (SELECT body FROM record WHERE space = ?1 AND key = ?2) WHERE space = ?1 AND key = ?2",
            )?,
            replaced_key: false,
            #[cfg(test)]
            fail_next_commit: false,
        })
    }

    pub fn begin(&mut self) -> Result<()> {
        self.begin.execute([]).map(drop)
    }

    /// Makes the transaction durable.
    pub fn commit(&mut self) -> Result<()> {
        #[cfg(test)]
        if std::mem::take(&mut self.fail_next_commit) {
            return Err(super::tests::sync_failure());
        }
        self.commit.execute([]).map(drop)
    }

    /// Whether a key was replaced since this was asked last: what was there before may stand in the write-ahead log.
    pub fn take_replaced_key(&mut self) -> bool {
        std::mem::take(&mut self.replaced_key)
    }

    /// Undoes the transaction. False: it is not certain that it is undone, and the connection must not be used again.
    pub fn roll_back(&mut self) -> bool {
        // Numbers given to new names inside the transaction are gone with it.
        self.spaces.forget();
        if !self.conn.is_autocommit() {
            // An error here shows in the connection's state, which is what is answered.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
        self.conn.is_autocommit()
    }

    /// Writes over the place in the write-ahead log where a failed commit may have left its frames: after a failed sync
    /// they can be complete on the disk, and recovery would bring them back to life. True when that is durable.
    pub fn scrub(&mut self) -> bool {
        self.conn.execute_batch("UPDATE scrub SET count = count + 1").is_ok()
    }

    /// Performs one request within the open transaction.
    pub fn perform(&mut self, request: &Request) -> Result<Outcome> {
        match request {
            Request::Commit(commit) => self.append_commit(commit).map(Outcome::Commit),
            Request::Put { key, expected_version, at, body } => self.put(key, *expected_version, *at, body).map(Outcome::Put),
            Request::Forget { key } => self.forget(key).map(|()| Outcome::Done),
            Request::Settle { wake, head, next } => self.settle(wake, *head, *next).map(|()| Outcome::Done),
            #[cfg(test)]
            Request::Fault(fault) => super::tests::inject(self, self.conn, *fault).map(|()| Outcome::Done),
        }
    }

    fn append_commit(&mut self, commit: &Commit) -> Result<CommitOutcome> {
        let entity = &commit.entity;
        let space = self.known_space(&entity.organization, &entity.kind)?;
        let current = space.map(|space| self.current(space, entity)).transpose()?.flatten();
        let head = current.map_or(0, |current| current.head);
        if head != commit.expected_head {
            return Ok(CommitOutcome::Conflict { head });
        }
        let space = match space {
            Some(space) => space,
            None => self.new_space(&entity.organization, &entity.kind)?,
        };
        let id = entity.id.as_bytes().as_slice();
        let new_head = head + commit.entries.len() as u64;
        let wake = commit.wake.map(micros_up);
        let at = micros(commit.at);
        match current {
            None => {
                let listing = commit.listing.number();
                self.create.execute(params![space, id, new_head as i64, at, entity.shard(), wake, commit.key, listing])?
            }
            // Leaving the column out spares the wake-up index two changes.
            Some(current) if current.wake == wake => self.advance.execute(params![space, id, new_head as i64])?,
            Some(_) => self.advance_and_wake.execute(params![space, id, new_head as i64, wake])?,
        };
        if let Some(current) = current {
            self.change(space, id, current, commit)?;
        }
        if let Some(marks) = &commit.marks {
            self.mark(space, id, marks)?;
        }
        let commit_id = commit.commit_id.as_bytes().as_slice();
        for (seq, body) in (head + 1..).zip(&commit.entries) {
            self.append.execute(params![space, id, seq as i64, at, commit_id, body])?;
        }
        if let Some(snapshot) = &commit.snapshot {
            self.keep_snapshot.execute(params![space, id, new_head as i64, snapshot])?;
        }
        Ok(CommitOutcome::Applied)
    }

    /// Key and place in listings of an entity that was there before.
    fn change(&mut self, space: i64, id: &[u8], current: Current, commit: &Commit) -> Result<()> {
        if let Some(key) = &commit.key {
            let set = |writes: &mut Self| writes.set_key.execute(params![space, id, key]);
            if current.has_key {
                self.replaced_key = true;
                self.wiping_wholly(set)?;
            } else {
                set(self)?;
            }
        }
        if let Some(listing) = commit.listing.change(current.head) {
            self.set_listing.execute(params![space, id, listing.number()])?;
        }
        Ok(())
    }

    /// What the entity, which is there, is found by from now on.
    fn mark(&mut self, space: i64, id: &[u8], marks: &[Mark]) -> Result<()> {
        let (created, before): (i64, Option<Vec<u8>>) =
            self.marks.query_row(params![space, id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (now, before) = (Mark::joined(marks), before.unwrap_or_default());
        if now == before {
            return Ok(());
        }
        let (new, old) = (now.chunks(Mark::LEN), before.chunks(Mark::LEN));
        for gone in old.clone().filter(|mark| !new.clone().any(|other| other == *mark)) {
            self.take_mark.execute(params![space, gone, created, id])?;
        }
        for mark in new {
            self.add_mark.execute(params![space, mark, created, id])?;
        }
        self.set_marks.execute(params![space, id, now]).map(drop)
    }

    fn settle(&mut self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<()> {
        let Some(space) = self.known_space(&wake.entity.organization, &wake.entity.kind)? else { return Ok(()) };
        let Some(current) = self.current(space, &wake.entity)? else { return Ok(()) };
        if current.head != head {
            return Ok(());
        }
        let next = next.map(micros_up);
        let settled = match current.wake {
            Some(other) if other != micros_up(wake.due) => Some(next.map_or(other, |next| next.min(other))),
            _ => next,
        };
        if settled != current.wake {
            self.set_wake.execute(params![space, wake.entity.id.as_bytes().as_slice(), settled])?;
        }
        Ok(())
    }

    fn put(&mut self, key: &RecordKey, expected_version: u64, at: Timestamp, body: &[u8]) -> Result<PutOutcome> {
        let space = self.known_space(&key.organization, &key.collection)?;
        let current = match space {
            Some(space) => {
                self.version.query_row(params![space, key.key], |row| Ok((number(row, 0)?, row.get(1)?))).optional()?
            }
            None => None,
        };
        let (version, length): (u64, i64) = current.unwrap_or((0, 0));
        if version != expected_version {
            return Ok(PutOutcome::Conflict { version });
        }
        let space = match space {
            Some(space) => space,
            None => self.new_space(&key.organization, &key.collection)?,
        };
        if current.is_none() {
            // The place of a record that was lost is taken: that breaks the constraint.
            self.place_record.execute(params![space, key.key])?;
            self.create_record.execute(params![space, key.key, micros(at), body])?;
        } else {
            if key.keeps_versions() {
                self.archive_record.execute(params![space, key.key])?;
            }
            let replace = |writes: &mut Self| {
                writes.replace_record.execute(params![space, key.key, (version + 1) as i64, micros(at), body])
            };
            // The pages of a long body become free; what is in them may have to be forgotten, and only now is it known where it is.
            if length > LONGEST_WITHIN {
                self.wiping_wholly(replace)?
            } else {
                replace(self)?
            };
        }
        Ok(PutOutcome::Applied)
    }

    fn forget(&mut self, key: &RecordKey) -> Result<()> {
        let Some(space) = self.known_space(&key.organization, &key.collection)? else { return Ok(()) };
        // What a put has replaced may stand in the write-ahead log, whether or not there is an older version.
        self.replaced_key = true;
        self.wiping_wholly(|writes| writes.forget_versions.execute(params![space, key.key])).map(drop)
    }

    /// Pages that become free are overwritten meanwhile.
    fn wiping_wholly<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        set_wiping(self.conn, Wiping::Whole)?;
        let written = write(self);
        set_wiping(self.conn, Wiping::Within)?;
        written
    }

    fn current(&mut self, space: i64, entity: &Entity) -> Result<Option<Current>> {
        let id = entity.id.as_bytes().as_slice();
        let current = |row: &Row<'_>| Ok(Current { head: number(row, 0)?, wake: row.get(1)?, has_key: row.get(2)? });
        self.head.query_row(params![space, id], current).optional()
    }

    fn known_space(&mut self, organization: &str, kind: &str) -> Result<Option<i64>> {
        if let Some(space) = self.spaces.get(organization, kind) {
            return Ok(Some(space));
        }
        let found = self.find_space.query_row([organization, kind], |row| row.get(0)).optional()?;
        if let Some(space) = found {
            self.spaces.remember(organization, kind, space);
        }
        Ok(found)
    }

    fn new_space(&mut self, organization: &str, kind: &str) -> Result<i64> {
        let space = self.add_space.insert([organization, kind])?;
        if self.count_space.execute([])? == 0 {
            // It may be this one that is missing, with all that is in it.
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
            return Err(SqlError::SqliteFailure(code, Some("a space is lost".into())));
        }
        self.spaces.remember(organization, kind, space);
        Ok(space)
    }
}

fn number(row: &Row<'_>, column: usize) -> Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| SqlError::IntegralValueOutOfRange(column, number))
}
