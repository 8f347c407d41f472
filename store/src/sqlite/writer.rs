//! The one thread that writes: it takes what waits, performs it in one transaction, makes that durable with one sync, and
//! only then answers. What arrives while it syncs is the next batch.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Error as SqlError, ErrorCode};
use tokio::sync::oneshot;

use super::{
    Options, failure,
    queue::Queue,
    schema,
    stats::{Counters, add},
    write::{Outcome, Request, Writes},
};
use crate::{CommitOutcome, Error, PutOutcome};

/// Most operations in one transaction: bounds how long the first of them waits.
const MAX_BATCH: usize = 512;

/// How long a transaction goes on taking what arrives while it is performed.
const MAX_GATHERING: Duration = Duration::from_millis(5);

/// Pause between attempts to get a working connection back.
const REOPEN_EVERY: Duration = Duration::from_millis(200);

/// A write and whoever waits for it. The caller may have gone away; the write happens all the same.
pub(super) struct Operation {
    pub request: Request,
    pub answer: oneshot::Sender<Result<Outcome, Error>>,
}

pub(super) struct Writer {
    pub path: PathBuf,
    pub options: Options,
    pub queue: Arc<Queue<Operation>>,
    pub counters: Arc<Counters>,
}

/// Why a transaction came to nothing.
enum Failed {
    /// While its operations were performed.
    Performing(SqlError),
    /// When it was to become durable.
    Syncing(SqlError),
}

enum End {
    Closed,
    /// The connection is in a state that nobody can vouch for.
    Broken,
}

impl Writer {
    /// Serves until the queue is closed and empty, then carries the write-ahead log into the database file.
    pub fn run(self, conn: Connection) {
        let _abandon = AbandonOnExit(&self.queue);
        let mut conn = conn;
        // What a crash has left may hold a key that was replaced before it.
        checkpoint(&conn);
        loop {
            match self.serve(&conn) {
                End::Closed => break,
                End::Broken => match self.reopen(conn) {
                    Some(new) => conn = new,
                    None => return,
                },
            }
        }
        if !checkpoint(&conn) {
            tracing::warn!("the write-ahead log stays beside the database; the next start reads it");
        }
    }

    fn serve(&self, conn: &Connection) -> End {
        let mut writes = match Writes::prepare(conn) {
            Ok(writes) => writes,
            Err(error) => {
                tracing::error!(%error, "the database does not take the writer's statements");
                return End::Broken;
            }
        };
        let mut batch = Vec::with_capacity(MAX_BATCH);
        let mut log = Log::beside(&self.path);
        while self.queue.wait_and_take(&mut batch, MAX_BATCH, log.patience()) {
            let usable = batch.is_empty() || self.perform(&mut writes, &mut batch);
            batch.clear();
            if !usable {
                return End::Broken;
            }
            if writes.take_replaced_key() {
                log.holds_old_key();
            }
            log.keep_short(conn);
        }
        End::Closed
    }

    /// Performs a batch and answers all of it. False: the connection cannot be used any more.
    fn perform(&self, writes: &mut Writes<'_>, batch: &mut Vec<Operation>) -> bool {
        match self.transact(writes, batch) {
            Ok(outcomes) => {
                self.acknowledge(batch, &outcomes);
                true
            }
            Err(failed) => self.fail(writes, batch, failed),
        }
    }

    /// One transaction over the batch, which grows by what arrives meanwhile.
    fn transact(&self, writes: &mut Writes<'_>, batch: &mut Vec<Operation>) -> Result<Vec<Outcome>, Failed> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let began = Instant::now();
        writes.begin().map_err(Failed::Performing)?;
        loop {
            for operation in &batch[outcomes.len()..] {
                outcomes.push(writes.perform(&operation.request).map_err(Failed::Performing)?);
            }
            if began.elapsed() > MAX_GATHERING || self.queue.take(batch, MAX_BATCH - batch.len()) == 0 {
                break;
            }
        }
        self.sync(writes)?;
        Ok(outcomes)
    }

    fn sync(&self, writes: &mut Writes<'_>) -> Result<(), Failed> {
        let began = Instant::now();
        writes.commit().map_err(Failed::Syncing)?;
        self.counters.synced(began.elapsed());
        Ok(())
    }

    fn acknowledge(&self, batch: &mut Vec<Operation>, outcomes: &[Outcome]) {
        let applied = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Commit(CommitOutcome::Applied))).count();
        add(&self.counters.operations, outcomes.len() as u64);
        add(&self.counters.commits, applied as u64);
        add(&self.counters.batches, 1);
        self.counters.batch_max.fetch_max(outcomes.len() as u64, std::sync::atomic::Ordering::Relaxed);
        for (operation, outcome) in batch.drain(..).zip(outcomes) {
            // Nobody waits any more when the caller was cancelled.
            let _ = operation.answer.send(Ok(*outcome));
        }
    }

    /// Answers a batch that failed as definitely as can be: an error only where it is certain that nothing was written.
    fn fail(&self, writes: &mut Writes<'_>, batch: &mut Vec<Operation>, failed: Failed) -> bool {
        add(&self.counters.failures, 1);
        if !writes.roll_back() {
            answer_unknown(batch);
            return false;
        }
        match failed {
            Failed::Performing(error) if batch.len() > 1 && is_of_one_operation(&error) => {
                tracing::error!(%error, "an operation failed; its batch is repeated one by one");
                self.perform_singly(writes, batch)
            }
            Failed::Performing(error) => {
                answer_error(batch, error);
                true
            }
            // A log that could not be extended holds no complete transaction.
            Failed::Syncing(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                answer_error(batch, error);
                true
            }
            Failed::Syncing(error) => {
                if writes.scrub() {
                    answer_error(batch, error);
                } else {
                    tracing::error!(%error, "a batch could be neither made durable nor erased");
                    answer_unknown(batch);
                }
                true
            }
        }
    }

    /// One transaction per operation, so that the one that fails harms no other.
    fn perform_singly(&self, writes: &mut Writes<'_>, batch: &mut Vec<Operation>) -> bool {
        let mut waiting = batch.drain(..);
        while let Some(operation) = waiting.next() {
            let mut one = vec![operation];
            let done = writes.begin().and_then(|()| writes.perform(&one[0].request)).map_err(Failed::Performing);
            let usable = match done.and_then(|outcome| self.sync(writes).map(|()| outcome)) {
                Ok(outcome) => {
                    self.acknowledge(&mut one, &[outcome]);
                    true
                }
                Err(failed) => self.fail(writes, &mut one, failed),
            };
            if !usable {
                // The rest was never begun.
                for operation in waiting {
                    let _ = operation.answer.send(Err(Error::Unavailable("the database connection broke".into())));
                }
                return false;
            }
        }
        true
    }

    /// A new connection; until there is one, whatever waits is refused. `None`: closed meanwhile.
    fn reopen(&self, broken: Connection) -> Option<Connection> {
        drop(broken);
        loop {
            match schema::open_writer(&self.path, &self.options) {
                Ok(conn) => return Some(conn),
                Err(error) => tracing::error!(%error, "the database cannot be opened again"),
            }
            std::thread::sleep(REOPEN_EVERY);
            let mut waiting = Vec::new();
            self.queue.take(&mut waiting, usize::MAX);
            for operation in waiting {
                let _ = operation.answer.send(Err(Error::Unavailable("the database cannot be opened".into())));
            }
            if self.queue.is_closed() {
                return None;
            }
        }
    }
}

/// The write-ahead log's file. SQLite carries it into the database every so many pages and then begins it anew, but only at
/// a moment without readers, which may never come by itself.
struct Log {
    path: PathBuf,
    batches: u32,
    /// Bytes from which on the readers are waited for.
    limit: u64,
    /// When it is to be emptied because it may hold a key that was replaced.
    wipe_at: Option<Instant>,
    /// When it was last emptied for that.
    wiped: Option<Instant>,
}

impl Log {
    /// Batches between two looks at the size.
    const EVERY: u32 = 256;

    /// Between two times that the log is emptied because of replaced keys: many are replaced one after the other, and each time costs
    /// two syncs.
    const WIPE_EVERY: Duration = Duration::from_secs(1);

    /// Until that is tried again when a reader stays in the way: each try holds up the writes.
    const WIPE_AGAIN: Duration = Duration::from_secs(10);

    /// Readers take milliseconds. A reader that stays longer (a backup, a shell) is not waited for.
    const PATIENCE: Duration = Duration::from_millis(100);

    fn beside(database: &std::path::Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), batches: 0, limit: schema::LOG_LIMIT, wipe_at: None, wiped: None }
    }

    fn holds_old_key(&mut self) {
        let now = Instant::now();
        let earliest = self.wiped.map_or(now, |wiped| wiped + Self::WIPE_EVERY);
        self.wipe_at.get_or_insert(earliest.max(now));
    }

    /// How long the log can stay as it is; `None`: for ever.
    fn patience(&self) -> Option<Duration> {
        self.wipe_at.map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn keep_short(&mut self, conn: &Connection) {
        let now = Instant::now();
        if self.wipe_at.is_some_and(|at| at <= now) {
            let emptied = Self::empty(conn);
            (self.wiped, self.wipe_at) = (Some(now), (!emptied).then(|| now + Self::WIPE_AGAIN));
        }
        self.batches = self.batches.wrapping_add(1);
        if !self.batches.is_multiple_of(Self::EVERY) {
            return;
        }
        let size = std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len());
        if size <= self.limit {
            return;
        }
        self.limit = if Self::empty(conn) { schema::LOG_LIMIT } else { size.saturating_mul(2) };
    }

    /// False: a reader stayed in the way.
    fn empty(conn: &Connection) -> bool {
        let emptied = conn.busy_timeout(Self::PATIENCE).is_ok() && checkpoint(conn);
        // Fails for a negative time only.
        let _ = conn.busy_timeout(schema::BUSY);
        emptied
    }
}

/// Carries the whole log into the database file and empties it. False: a reader is in the way, or the disk.
fn checkpoint(conn: &Connection) -> bool {
    let busy = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    busy.is_ok_and(|busy| busy == 0)
}

/// Errors that say something about one operation, or about the one page it touches, and not about the disk.
fn is_of_one_operation(error: &SqlError) -> bool {
    use ErrorCode::{ConstraintViolation, DatabaseCorrupt, ParameterOutOfRange, TooBig, TypeMismatch};
    match error.sqlite_error_code() {
        Some(code) => matches!(code, ConstraintViolation | DatabaseCorrupt | ParameterOutOfRange | TooBig | TypeMismatch),
        None => true,
    }
}

fn answer_error(batch: &mut Vec<Operation>, error: SqlError) {
    tracing::error!(%error, operations = batch.len(), "a batch was not written");
    let told = failure(error);
    for operation in batch.drain(..) {
        let _ = operation.answer.send(Err(told.copy()));
    }
}

fn answer_unknown(batch: &mut Vec<Operation>) {
    tracing::error!(operations = batch.len(), "it is not known whether a batch was written");
    for operation in batch.drain(..) {
        let _ = operation.answer.send(unknown(&operation.request));
    }
}

/// The answer when nobody can tell. A wake-up settled or not is the same to the caller: it will come again.
fn unknown(request: &Request) -> Result<Outcome, Error> {
    match request {
        Request::Commit(_) => Ok(Outcome::Commit(CommitOutcome::Unknown)),
        Request::Put { .. } => Ok(Outcome::Put(PutOutcome::Unknown)),
        _ => Err(Error::Unavailable("the database does not answer".into())),
    }
}

/// A writer that ends, in whatever way, must not leave callers waiting.
struct AbandonOnExit<'a>(&'a Queue<Operation>);

impl Drop for AbandonOnExit<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}
