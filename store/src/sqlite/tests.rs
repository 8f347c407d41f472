//! What is special to this engine; everything else it must do is in the conformance suite.

use rusqlite::Connection;

use super::write::Writes;

/// Faults that only the writer's own connection can show.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The disk has room for so many pages.
    Room { pages: u32 },
    /// The next commit of a transaction fails like a failed sync.
    FailedSync,
    /// Breaks a constraint, as a bug would.
    Constraint,
}

pub(super) fn inject(writes: &mut Writes<'_>, conn: &Connection, fault: Fault) -> rusqlite::Result<()> {
    match fault {
        Fault::Room { pages } => conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())),
        Fault::FailedSync => {
            writes.fail_next_commit = true;
            Ok(())
        }
        Fault::Constraint => conn.execute_batch("INSERT INTO scrub (one, count) VALUES (2, 0)"),
    }
}

pub(super) fn sync_failure() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC), None)
}
