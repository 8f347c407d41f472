//! The engine on a ScyllaDB (or Apache Cassandra) cluster, for any number of servers.
//!
//! An entity is one partition, and an append to it one conditional statement: the cluster decides who wrote entry n. What belongs
//! elsewhere (wake-up, place in a listing, a large body) is written before it, plainly: a crash between leaves something
//! spare, never something missing. See `schema/cql` for the tables.
//!
//! Reads are of a quorum, so they see every acknowledged write of every node. What they cannot rule out, an append that its
//! writer had to leave half done, shows as rows that do not fit together, and is read again serially, which ends it.
//!
//! Rows that are lost show in the same way: each partition holds the number of its last entry or version beside the rows, all are read
//! with it, and what is missing is [`Error::Corrupt`], never an older or a shorter history. A whole partition that is lost on a quorum of its
//! replicas does not show: what names it from elsewhere (listing, wake-up, `record_key`) is written before it and may name what never came to be,
//! and to say afterwards that it did would be a second statement for each that begins. The database guards against that loss: copies,
//! and a checksum of each block that it reads.

mod bodies;
mod db;
mod journals;
mod listings;
mod metrics;
mod migrations;
mod options;
mod records;
mod unsure;
mod wakes;

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::future::try_join;
use prometheus::Registry;

use self::{
    bodies::Bodies,
    db::Db,
    journals::Journals,
    listings::{Listings, Marking},
    records::Records,
    wakes::Wakes,
};
pub use self::{
    metrics::Metrics,
    migrations::{Migrated, migrate},
    options::Options,
    wakes::Metrics as WakeMetrics,
};
use crate::{
    Commit, CommitOutcome, Cursor, Entity, Entry, Error, Listed, Listing, Loaded, Mark, Page, PutOutcome, Record, RecordKey,
    Standing, Store, Timestamp, Wake, limits, time::micros,
};

/// An append that took longer than this after its wake-up was written brings it once more: whoever found it meanwhile, and no append,
/// may have given it up.
const LATE: Duration = Duration::from_secs(25);

/// A connection to the cluster. Dropping it lets others take over its wake-ups after a while; [`Scylla::close`] does it at once.
pub struct Scylla {
    db: Arc<Db>,
    journals: Journals,
    records: Records,
    listings: Listings,
    wakes: Wakes,
}

impl Scylla {
    /// Connects to a keyspace that [`migrate`] has brought up to date. What is measured goes to `registry`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no server answers; [`Error::Refused`] when the schema is not there or too old.
    pub async fn open(options: &Options, registry: &Registry) -> Result<Self, Error> {
        let metrics = Metrics::new(registry)?;
        let db = Arc::new(Db::connect(options, Some(&options.keyspace), metrics).await?);
        migrations::check(&db).await?;
        let bodies = Arc::new(Bodies::prepare(&db).await?);
        Ok(Self {
            journals: Journals::prepare(db.clone(), bodies.clone()).await?,
            records: Records::prepare(db.clone(), bodies).await?,
            listings: Listings::prepare(db.clone()).await?,
            wakes: Wakes::prepare(db.clone(), registry).await?,
            db,
        })
    }

    /// Gives the wake-ups that this node looks after to the others, at once. Idempotent.
    pub async fn close(&self) {
        self.wakes.close().await;
    }

    /// Takes away the place in the listing of an entity that is no longer shown there.
    async fn unlist(&self, entity: &Entity) {
        let forgotten = match self.journals.stands(entity).await {
            Ok(Some(stands)) => self.listings.forget(entity, stands.created).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            tracing::debug!(%error, "a place in a listing stays, and is not shown");
        }
    }

    /// What a commit changes of the marks of its entity, as far as that is not another writer's by now: then the append tells.
    async fn marking(&self, commit: &Commit) -> Result<Marking, Error> {
        let Some(marks) = &commit.marks else { return Ok(Marking::default()) };
        let stands = match commit.expected_head {
            0 => None,
            _ => self.journals.stands(&commit.entity).await?,
        };
        let (created, before) = stands.map_or((micros(commit.at), Vec::new()), |stands| (stands.created, stands.marks));
        let lacks = |marks: &[Mark], among: &[Mark]| marks.iter().filter(|mark| !among.contains(mark)).copied().collect();
        Ok(Marking { created, new: lacks(marks, &before), gone: lacks(&before, marks) })
    }

    /// Statements of this name so far, for measuring.
    pub fn statements(&self, name: &str) -> u64 {
        self.db.metrics.count(name)
    }
}

#[async_trait]
impl Store for Scylla {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, Error> {
        limits::check_commit(&commit)?;
        let entity = &commit.entity;
        // First, as it may take long, and the append must follow its wake-up closely.
        let places = self.journals.place(&commit).await?;
        let head = commit.expected_head + commit.entries.len() as u64;
        let began = Instant::now();
        let announcing = async {
            match commit.wake {
                Some(due) => self.wakes.announce(entity, head, due).await.map(Some),
                None => Ok(None),
            }
        };
        let noting = async {
            if let (0, Listing::Listed) = (commit.expected_head, commit.listing) {
                self.listings.note(entity, commit.at).await?;
            }
            let marking = self.marking(&commit).await?;
            self.listings.mark(entity, &marking).await?;
            Ok(marking)
        };
        let (marking, announced) = match try_join(noting, announcing).await {
            Ok(noted) => noted,
            Err(error) => {
                self.journals.forget(&places);
                return Err(error);
            }
        };
        let outcome = self.journals.append(&commit, &places).await?;
        if outcome == CommitOutcome::Applied {
            if let Some(due) = commit.wake.filter(|_| began.elapsed() > LATE)
                && self.wakes.announce(entity, head, due).await.is_err()
            {
                return Ok(CommitOutcome::Unknown);
            }
            self.wakes.appended(entity, head, announced);
            if commit.listing == Listing::Removed && commit.expected_head > 0 {
                self.unlist(entity).await;
            }
            self.listings.unmark(entity, &marking).await;
        }
        Ok(outcome)
    }

    async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, Error> {
        self.journals.load(entity).await
    }

    async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, Error> {
        limits::check_loads(entities)?;
        self.journals.load_many(entities).await
    }

    async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, Error> {
        self.journals.key(entity).await
    }

    async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, Error> {
        self.journals.entries(entity, from, limit).await
    }

    async fn list(&self, organization: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, Error> {
        self.listings.list(&self.journals, organization, kind, after, limit).await
    }

    async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        self.listings.find(&self.journals, (organization, kind, mark), after, limit).await
    }

    async fn due(&self, shards: Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, Error> {
        self.wakes.due(shards, until, limit).await
    }

    async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), Error> {
        self.wakes.settle(wake, head, next).await
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, Error> {
        self.records.get(key).await
    }

    async fn put_if(&self, key: &RecordKey, expected_version: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, Error> {
        self.records.put_if(key, expected_version, at, body).await
    }

    async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, Error> {
        self.records.history(key, before, limit).await
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
        self.records.records(organization, collection, prefix, after, limit).await
    }

    async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, Error> {
        self.journals.entities(after, limit).await
    }

    async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, Error> {
        self.records.record_keys(after, limit).await
    }

    async fn forget_versions(&self, key: &RecordKey) -> Result<(), Error> {
        self.records.forget_versions(key).await
    }

    async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, Error> {
        self.listings.listings(after, limit).await
    }
}
