//! Opening connections: settings, migrations, and the refusal of files that are not ours to touch.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{Options, failure};
use crate::Error;

/// Stands in the file's header: "RUBR".
pub(super) const APPLICATION_ID: i32 = 0x5255_4252;

/// The first SQLite without the WAL-reset bug.
const OLDEST_SQLITE: i32 = 3_051_003;

/// Additive migrations in order; `user_version` says how many a database has seen. An entry here is never changed.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("../../../schema/sqlite/0001_journals_and_records.sql"),
    include_str!("../../../schema/sqlite/0002_places.sql"),
    include_str!("../../../schema/sqlite/0003_keys_and_listings.sql"),
    include_str!("../../../schema/sqlite/0004_marks.sql"),
];

/// Size in bytes that the write-ahead log's file is cut back to.
pub(super) const LOG_LIMIT: u64 = 64 * 1024 * 1024;

/// Another process (a backup, the SQLite shell) may hold the write lock for a moment.
pub(super) const BUSY: std::time::Duration = std::time::Duration::from_secs(5);

/// The connection that writes, its database brought up to the newest schema.
pub(super) fn open_writer(path: &Path, options: &Options) -> Result<Connection, Error> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::Refused(format!("SQLite {} is too old to be trusted with a write-ahead log", rusqlite::version())));
    }
    let mut conn = connect(path, options.writer_cache_kib)?;
    check_ours(&conn)?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(failure)?;
    if mode != "wal" {
        return Err(Error::Unavailable(format!("the data folder allows no write-ahead log (journal mode {mode})")));
    }
    conn.pragma_update(None, "synchronous", "FULL").map_err(failure)?;
    conn.pragma_update(None, "journal_size_limit", LOG_LIMIT as i64).map_err(failure)?;
    conn.pragma_update(None, "wal_autocheckpoint", options.checkpoint_pages).map_err(failure)?;
    set_wiping(&conn, Wiping::Within).map_err(failure)?;
    migrate(&mut conn)?;
    Ok(conn)
}

/// What is done about bytes that are deleted or moved within the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wiping {
    /// They are overwritten in pages that are written anyway: costs no write, and no copy of a key stays where its row once was.
    Within,
    /// Pages that become free are overwritten too.
    Whole,
}

/// Takes effect at once, also within a transaction.
pub(super) fn set_wiping(conn: &Connection, wiping: Wiping) -> rusqlite::Result<()> {
    let value = match wiping {
        Wiping::Within => "FAST",
        Wiping::Whole => "ON",
    };
    conn.query_row(&format!("PRAGMA secure_delete = {value}"), [], |_| Ok(()))
}

/// A connection that reads, for a database that [`open_writer`] has prepared.
pub(super) fn open_reader(path: &Path, options: &Options) -> Result<Connection, Error> {
    let conn = connect(path, options.reader_cache_kib)?;
    conn.pragma_update(None, "query_only", true).map_err(failure)?;
    Ok(conn)
}

fn connect(path: &Path, cache_kib: u32) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(failure)?;
    conn.busy_timeout(BUSY).map_err(failure)?;
    conn.pragma_update(None, "cache_size", -i64::from(cache_kib)).map_err(failure)?;
    Ok(conn)
}

/// Looks at the header and the schema only: a database of gigabytes must open in milliseconds. What a page holds is
/// checked by SQLite when it is read.
fn check_ours(conn: &Connection) -> Result<(), Error> {
    let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failure)?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failure)?;
    let is_new = application == 0 && tables == 0;
    if !is_new && application != APPLICATION_ID {
        return Err(Error::Refused("the file is a database of another program".into()));
    }
    let version = schema_version(conn)?;
    let newest = MIGRATIONS.len();
    if version > newest {
        let text = format!("the database has schema version {version}, this program knows up to {newest}: use a newer program");
        return Err(Error::Refused(text));
    }
    Ok(())
}

fn schema_version(conn: &Connection) -> Result<usize, Error> {
    let version: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failure)?;
    usize::try_from(version).map_err(|_| Error::Corrupt(format!("schema version {version}")))
}

/// Each migration and the number that remembers it in one transaction: a crash leaves it done or not begun.
fn migrate(conn: &mut Connection) -> Result<(), Error> {
    let seen = schema_version(conn)?;
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(seen) {
        let transaction = conn.transaction().map_err(failure)?;
        transaction.execute_batch(migration).map_err(failure)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failure)?;
        transaction.pragma_update(None, "user_version", (index + 1) as i64).map_err(failure)?;
        transaction.commit().map_err(failure)?;
        tracing::info!(version = index + 1, "the database schema was brought up");
    }
    Ok(())
}
