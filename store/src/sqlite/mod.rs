//! The embedded engine: one SQLite file in WAL mode, `synchronous=FULL`, one writer thread that commits in groups, and a few
//! threads that read beside it.
//!
//! It must never lower `synchronous`, never answer a write before it is durable, and never let a caller's thread wait for
//! the disk.

mod queue;
mod read;
mod schema;
mod spaces;
mod stats;
#[cfg(test)]
mod tests;
mod write;
mod writer;

use std::{
    fs::{File, OpenOptions, TryLockError},
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use rusqlite::ErrorCode;
use tokio::sync::oneshot;

pub use self::stats::{SYNC_BOUNDS_MICROS, Stats};
use self::{
    queue::{Queue, Refusal},
    read::Reads,
    stats::{Counters, add},
    write::{Outcome, Request},
    writer::{Operation, Writer},
};
use crate::{
    Commit, CommitOutcome, Cursor, Entity, Entry, Error, Listed, Loaded, Mark, Page, PutOutcome, Record, RecordKey, Standing,
    Store, Timestamp, Wake, limits,
};

/// The version of SQLite that is built in.
pub fn version() -> &'static str {
    rusqlite::version()
}

/// Reads waiting at most; a read more is refused.
const MAX_READS: usize = 4096;

/// Entities that are loaded in one transaction, of a call that asks for many: under a millisecond.
const LOADS_AT_ONCE: usize = 32;

/// Weight of an operation in the queue beside its bodies, in bytes.
const OPERATION_WEIGHT: usize = 256;

/// How the engine uses the machine. None of it changes what is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads that read, each with its own connection; at least 1.
    pub readers: usize,
    /// Writes that may wait; one more is refused as unavailable.
    pub queue: usize,
    /// Bytes of the bodies of the writes that may wait.
    pub queue_bytes: usize,
    /// Pages (4 KiB) of write-ahead log after which it is carried into the database file.
    pub checkpoint_pages: u32,
    /// Page cache of the writer, in KiB.
    pub writer_cache_kib: u32,
    /// Page cache of each reader, in KiB. Small: the writer's commits invalidate it, and the system's cache stands behind it.
    pub reader_cache_kib: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            readers: 2,
            queue: 8192,
            queue_bytes: 64 * 1024 * 1024,
            checkpoint_pages: 4096,
            writer_cache_kib: 16 * 1024,
            reader_cache_kib: 2 * 1024,
        }
    }
}

type ReadJob = Box<dyn FnOnce(&mut Reads<'_>) + Send>;

/// The engine. Dropping it closes it: what was taken is written, the log carried over, the threads ended.
pub struct Sqlite {
    writes: Arc<Queue<Operation>>,
    reads: Arc<Queue<ReadJob>>,
    counters: Arc<Counters>,
    /// Threads that read.
    readers: usize,
    threads: Mutex<Threads>,
}

#[derive(Default)]
struct Threads {
    readers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<()>>,
    /// Locked while open: keeps a second process off the folder. Let go last.
    lock: Option<File>,
}

impl Sqlite {
    /// Opens the database at `path`, making it if it is not there; its folder must exist. Whatever a crash left behind is
    /// recovered on the way. Blocks for some milliseconds.
    ///
    /// # Errors
    /// [`Error::Refused`] when another process has it open, when it was written by a newer program or is not ours;
    /// [`Error::Corrupt`] when it is no database; [`Error::Unavailable`] for anything the disk or the system denies.
    pub fn open(path: &Path, options: Options) -> Result<Self, Error> {
        let lock = lock(path)?;
        create_private(path)?;
        let writing = schema::open_writer(path, &options)?;
        let readers = options.readers.max(1);
        let engine = Self {
            writes: Arc::new(Queue::new(options.queue, options.queue_bytes)),
            reads: Arc::new(Queue::new(MAX_READS, MAX_READS)),
            counters: Arc::default(),
            readers,
            threads: Mutex::new(Threads { lock: Some(lock), ..Threads::default() }),
        };
        for number in 0..readers {
            let conn = schema::open_reader(path, &options)?;
            let jobs = Arc::clone(&engine.reads);
            let thread = spawn(format!("store-read-{number}"), move || serve_reads(&conn, &jobs))?;
            engine.threads.lock().readers.push(thread);
        }
        let writer =
            Writer { path: path.to_owned(), options, queue: Arc::clone(&engine.writes), counters: Arc::clone(&engine.counters) };
        engine.threads.lock().writer = Some(spawn("store-write".into(), move || writer.run(writing))?);
        Ok(engine)
    }

    /// Counters since the engine was opened.
    pub fn stats(&self) -> Stats {
        let write_queue = self.writes.depth() as u64;
        let read_queue = self.reads.depth() as u64;
        Stats { write_queue, read_queue, ..self.counters.read() }
    }

    /// Writes what was taken, carries the log over and ends the threads; every later call is [`Error::Unavailable`].
    /// Blocks until it is done. Closing twice is closing once.
    pub fn close(&self) {
        self.reads.close();
        self.writes.close();
        let mut threads = self.threads.lock();
        // The writer goes last: the connection that closes last is the one that takes the log away.
        let mut ending = std::mem::take(&mut threads.readers);
        ending.extend(threads.writer.take());
        for thread in ending {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
        threads.lock = None;
    }

    async fn write(&self, weight: usize, request: Request) -> Result<Answered, Error> {
        let (answer, answered) = oneshot::channel();
        self.writes.push(weight + OPERATION_WEIGHT, Operation { request, answer }).map_err(refusal)?;
        match answered.await {
            Ok(outcome) => self.told(outcome).map(Answered::With),
            Err(_) => Ok(Answered::Never),
        }
    }

    /// Counts and logs what is lost or damaged: whoever asks may keep it to himself.
    fn told<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        if let Err(Error::Corrupt(what)) = &outcome {
            add(&self.counters.corrupt, 1);
            tracing::error!(what, "the database is damaged: restore it from a backup");
        }
        outcome
    }

    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Reads<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |reads| {
            // Under load it is the callers who gave up that must not cost anything.
            if !answer.is_closed() {
                let _ = answer.send(job(reads));
            }
        });
        self.reads.push(1, job).map_err(refusal)?;
        self.told(answered.await.unwrap_or_else(|_| Err(Error::Unavailable("the reading thread ended".into()))))
    }
}

/// What came of an operation that was taken.
enum Answered {
    With(Outcome),
    /// The writer ended in the middle of it.
    Never,
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.close();
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sqlite").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, Error> {
        limits::check_commit(&commit)?;
        match self.write(limits::commit_size(&commit), Request::Commit(commit)).await? {
            Answered::With(Outcome::Commit(outcome)) => Ok(outcome),
            _ => Ok(CommitOutcome::Unknown),
        }
    }

    async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, Error> {
        let entity = [entity.clone()];
        let loaded = self.read(move |reads| reads.load_many(&entity)).await?;
        Ok(loaded.into_iter().flatten().next())
    }

    async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error> {
        limits::check_loads(entities)?;
        let shares: Vec<Vec<Entity>> = entities.chunks(LOADS_AT_ONCE).map(<[Entity]>::to_vec).collect();
        let shares = shares.into_iter().map(|share| self.read(move |reads| reads.load_many(&share)));
        // No more than one for each reader waits: what others ask for meanwhile comes between.
        let loaded: Vec<Vec<Option<Loaded>>> = stream::iter(shares).buffered(self.readers).try_collect().await?;
        Ok(loaded.into_iter().flatten().collect())
    }

    async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, Error> {
        let entity = entity.clone();
        self.read(move |reads| reads.key(&entity)).await
    }

    async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        let entity = entity.clone();
        self.read(move |reads| reads.entries(&entity, from, limit)).await
    }

    async fn list(&self, organization: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, Error> {
        let (organization, kind, after) = (organization.to_owned(), kind.to_owned(), after.cloned());
        self.read(move |reads| reads.list(&organization, &kind, after.as_ref(), limit)).await
    }

    async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        let (organization, kind, after) = (organization.to_owned(), kind.to_owned(), after.cloned());
        self.read(move |reads| reads.find(&organization, &kind, mark, after.as_ref(), limit)).await
    }

    async fn due(&self, shards: Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error> {
        self.read(move |reads| reads.due(shards, until, limit)).await
    }

    async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), Error> {
        match self.write(0, Request::Settle { wake: wake.clone(), head, next }).await? {
            Answered::With(_) => Ok(()),
            Answered::Never => Err(closed()),
        }
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, Error> {
        let key = key.clone();
        self.read(move |reads| reads.get(&key)).await
    }

    async fn put_if(&self, key: &RecordKey, expected_version: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, Error> {
        limits::check_put(key, expected_version, &body)?;
        let weight = body.len();
        match self.write(weight, Request::Put { key: key.clone(), expected_version, at, body }).await? {
            Answered::With(Outcome::Put(outcome)) => Ok(outcome),
            _ => Ok(PutOutcome::Unknown),
        }
    }

    async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error> {
        let key = key.clone();
        self.read(move |reads| reads.history(&key, before, limit)).await
    }

    async fn records(
        &self,
        organization: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, Error> {
        limits::check_listed(collection)?;
        let (organization, collection, prefix) = (organization.to_owned(), collection.to_owned(), prefix.to_owned());
        let after = after.map(str::to_owned);
        self.read(move |reads| reads.records(&organization, &collection, &prefix, after.as_deref(), limit)).await
    }

    async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error> {
        let after = after.cloned();
        self.read(move |reads| reads.entities(after.as_ref(), limit)).await
    }

    async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error> {
        let after = after.cloned();
        self.read(move |reads| reads.record_keys(after.as_ref(), limit)).await
    }

    async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error> {
        let Some(newest) = self.get(key).await? else { return Ok(()) };
        limits::check_forgotten(&newest.body)?;
        match self.write(newest.body.len(), Request::Forget { key: key.clone() }).await? {
            Answered::With(_) => Ok(()),
            Answered::Never => Err(closed()),
        }
    }

    async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, Error> {
        let after = after.map(|(organization, kind)| (organization.to_owned(), kind.to_owned())).unwrap_or_default();
        self.read(move |reads| reads.listings(&after.0, &after.1, limit)).await
    }
}

fn serve_reads(conn: &rusqlite::Connection, jobs: &Queue<ReadJob>) {
    let mut reads = match Reads::prepare(conn) {
        Ok(reads) => reads,
        Err(error) => {
            tracing::error!(%error, "the database does not take the readers' statements");
            return jobs.abandon();
        }
    };
    while let Some(job) = jobs.pop() {
        // A fault in one job costs its caller an answer (the channel closes), not everybody else a reader.
        if catch_unwind(AssertUnwindSafe(|| job(&mut reads))).is_err() {
            tracing::error!("a read panicked");
        }
    }
}

fn spawn(name: String, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let spawned = std::thread::Builder::new().name(name).spawn(run);
    spawned.map_err(|error| Error::Unavailable(format!("no thread for the store: {error}")))
}

/// Takes the lock file beside the database, which the system lets go when the process ends, however it ends.
fn lock(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    let file = private().open(&path).map_err(|error| denied("lock file", &path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::Refused(format!("another process has the store open and must end first (it holds {})", path.display())))
        }
        Err(TryLockError::Error(error)) => Err(denied("lock", &path, &error)),
    }
}

/// Makes the database file before SQLite does, so that only its owner can read it, and makes its name durable.
fn create_private(path: &Path) -> Result<(), Error> {
    private().open(path).and_then(|file| file.sync_all()).map_err(|error| denied("database", path, &error))?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| denied("folder", folder, &error))?;
    }
    Ok(())
}

/// Read and write, kept if there, readable by its owner only.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn denied(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Unavailable(format!("{what} {}: {error}", path.display()))
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}

fn refusal(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Full => Error::Unavailable("too many operations are waiting".into()),
        Refusal::Closed => closed(),
    }
}

/// What SQLite says, in the words of the trait. Its messages name tables and columns, never what is in them.
fn failure(error: rusqlite::Error) -> Error {
    use rusqlite::Error as Sql;
    let unreadable = match &error {
        Sql::FromSqlConversionFailure(..) | Sql::IntegralValueOutOfRange(..) | Sql::InvalidColumnType(..) => true,
        other => matches!(
            other.sqlite_error_code(),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::ConstraintViolation)
        ),
    };
    if unreadable { Error::Corrupt(error.to_string()) } else { Error::Unavailable(error.to_string()) }
}
