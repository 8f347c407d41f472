//! Writing into a store what may be there already: what is there and equal is left, what is there and different is an error.

use std::sync::Arc;

use store::{Commit, CommitOutcome, Entry, PutOutcome, RecordKey, Standing, Store, resolve_unknown, resolve_unknown_put};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};

use super::{ATTEMPTS, Error, retried, wait_before};

/// Writes under way at once.
const LANES: usize = 64;

/// Writes that wait in one lane. Enough for a long journal not to hold up those that follow in other lanes; how much waits in all is
/// bounded by the room.
const WAITING: usize = 256;

/// Kilobytes of bodies that wait or are under way together.
const ROOM: u32 = 32 * 1024;

/// One write.
#[derive(Debug)]
pub enum Write {
    /// Consecutive entries of one commit, and how the entity stands after them.
    Append { entries: Vec<Entry>, standing: Standing },
    /// One version.
    Put { key: RecordKey, record: store::Record },
}

impl Write {
    fn kilobytes(&self) -> u32 {
        let bytes: usize = match self {
            Self::Append { entries, .. } => entries.iter().map(|entry| entry.body.len()).sum(),
            Self::Put { record, .. } => record.body.len(),
        };
        u32::try_from(bytes / 1024 + 1).unwrap_or(ROOM).min(ROOM)
    }
}

/// Writes side by side what belongs to different journals and records, and in order what belongs to one.
pub struct Lanes {
    lanes: Vec<mpsc::Sender<(Write, OwnedSemaphorePermit)>>,
    ends: JoinSet<Result<(), Error>>,
    room: Arc<Semaphore>,
    now: usize,
}

impl Lanes {
    /// `look_first` where much of it may be there already.
    pub fn new(store: &Arc<dyn Store>, look_first: bool) -> Self {
        let mut ends = JoinSet::new();
        let mut lanes = Vec::with_capacity(LANES);
        for _ in 0..LANES {
            let (lane, mut writes) = mpsc::channel::<(Write, OwnedSemaphorePermit)>(WAITING);
            let store = Arc::clone(store);
            ends.spawn(async move {
                while let Some((write, _room)) = writes.recv().await {
                    perform(store.as_ref(), write, look_first).await?;
                }
                Ok(())
            });
            lanes.push(lane);
        }
        Self { lanes, ends, room: Arc::new(Semaphore::new(ROOM as usize)), now: 0 }
    }

    /// What follows belongs to another journal or record.
    pub fn next(&mut self) {
        self.now = (self.now + 1) % LANES;
    }

    /// # Errors
    /// That of an earlier write.
    pub async fn write(&mut self, write: Write) -> Result<(), Error> {
        // Never closed.
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(write.kilobytes()).await else { return Ok(()) };
        match self.lanes[self.now].send((write, room)).await {
            Ok(()) => Ok(()),
            // The lane has ended, which it does before its time only with an error.
            Err(_) => self.end().await,
        }
    }

    /// Waits for all writes.
    ///
    /// # Errors
    /// The first of any.
    pub async fn end(&mut self) -> Result<(), Error> {
        self.lanes.clear();
        let mut first = Ok(());
        while let Some(ended) = self.ends.join_next().await {
            let ended = ended.unwrap_or_else(|error| Err(Error::Refused(format!("a writer panicked: {error}"))));
            first = first.and(ended);
        }
        first
    }
}

async fn perform(store: &dyn Store, write: Write, look_first: bool) -> Result<(), Error> {
    match write {
        Write::Append { entries, standing } => append(store, entries, &standing, look_first).await,
        Write::Put { key, record } => put(store, &key, &record, look_first).await,
    }
}

/// Appends consecutive entries of one commit where they belong, unless they are there.
async fn append(store: &dyn Store, mut entries: Vec<Entry>, standing: &Standing, look_first: bool) -> Result<(), Error> {
    let entity = &standing.entity;
    let name = || format!("{} {} of {}", entity.kind, entity.id, entity.organization);
    let mut look = look_first;
    for attempt in 0..ATTEMPTS {
        // Even a wait of nothing would be one of a tick.
        if attempt > 0 {
            tokio::time::sleep(wait_before(attempt)).await;
        }
        let Some(first) = entries.first() else { return Ok(()) };
        if look {
            let (from, limit) = (first.seq, entries.len());
            let there = retried(|| store.entries(entity, from, limit)).await?;
            if !entries.starts_with(&there) {
                return Err(Error::Different(name()));
            }
            entries.drain(..there.len());
        }
        let Some(first) = entries.first() else { return Ok(()) };
        let commit = Commit {
            entity: entity.clone(),
            expected_head: first.seq - 1,
            entries: entries.iter().map(|entry| entry.body.clone()).collect(),
            at: first.at,
            snapshot: None,
            wake: standing.wake,
            commit_id: first.commit_id,
            key: standing.key.clone(),
            listing: standing.listing,
            marks: (!standing.marks.is_empty()).then(|| standing.marks.clone()),
        };
        let outcome = match store.commit(commit.clone()).await {
            Ok(CommitOutcome::Unknown) => resolve_unknown(store, &commit).await,
            Ok(known) => known,
            Err(store::Error::Unavailable(_)) => continue,
            Err(error) => return Err(named(name(), error)),
        };
        match outcome {
            CommitOutcome::Applied => return Ok(()),
            CommitOutcome::Conflict { .. } | CommitOutcome::Unknown => look = true,
        }
    }
    Err(Error::Undecided(name()))
}

/// Writes one version of a record where it belongs, unless it is there. Not by `Records`, which decide on the newest version and read its
/// body: here the number is given, the body is whatever it is, and the same version that is there already is success.
pub async fn put(store: &dyn Store, key: &RecordKey, record: &store::Record, look_first: bool) -> Result<(), Error> {
    let name = || format!("record {}/{} of {}", key.collection, key.key, key.organization);
    let before = record.version - 1;
    let mut look = look_first;
    for attempt in 0..ATTEMPTS {
        // Even a wait of nothing would be one of a tick.
        if attempt > 0 {
            tokio::time::sleep(wait_before(attempt)).await;
        }
        if look {
            let there = retried(|| store.history(key, Some(record.version + 1), 1)).await?;
            match there.first().filter(|there| there.version == record.version) {
                Some(there) if there == record => return Ok(()),
                Some(_) => return Err(Error::Different(name())),
                None => {}
            }
        }
        let outcome = match store.put_if(key, before, record.at, record.body.clone()).await {
            Ok(PutOutcome::Unknown) => resolve_unknown_put(store, key, before, record.at, &record.body).await,
            Ok(known) => known,
            Err(store::Error::Unavailable(_)) => continue,
            Err(error) => return Err(named(name(), error)),
        };
        match outcome {
            PutOutcome::Applied => return Ok(()),
            PutOutcome::Conflict { .. } | PutOutcome::Unknown => look = true,
        }
    }
    Err(Error::Undecided(name()))
}

fn named(name: String, error: store::Error) -> Error {
    Error::Refused(format!("{name}: {error}"))
}
