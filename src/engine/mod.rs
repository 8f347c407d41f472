//! Which engine keeps journals and records, and where files are. Nothing else in this crate knows.

mod options;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use ::store::{
    Store,
    scylla::{self, Scylla},
    sqlite::{self, Sqlite},
};
use prometheus::{IntGauge, Registry};

use self::options::Place;
pub use self::options::{Blobs, Store as Options};
use crate::config::{Config, Mode};

/// The embedded store's file in the data folder, and the folder of the files.
const DATABASE: &str = "rubrica.db";
const FILES: &str = "files";

/// Between two looks for due wake-ups: the embedded store answers from memory, a cluster is asked over the network by each node.
const LOOK_EMBEDDED: Duration = Duration::from_millis(50);
const LOOK_SHARED: Duration = Duration::from_millis(250);

/// Why the store or the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the data folder {path}: {source}")]
    Data { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Store(#[from] ::store::Error),
    #[error("{0}; a store that is new, or older than this program, is set up by `rubrica migrate`")]
    NotSetUp(::store::Error),
    #[error("{0}")]
    Options(String),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// The engine that a configuration names, opened.
#[derive(Clone)]
pub struct Engine {
    kind: Kind,
    collect: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Clone)]
enum Kind {
    Embedded(Arc<Sqlite>),
    Shared(Arc<Scylla>),
}

impl Engine {
    /// Opens the store, and brings its schema up to date first where that is allowed (`store.migrate`).
    ///
    /// # Errors
    /// [`Error`]; among them that the schema is older than this program needs.
    pub async fn open(config: &Config, registry: &Registry) -> Result<Self, Error> {
        match config.store.scylla().map_err(Error::Options)? {
            None => {
                let engine = open_embedded(config)?;
                let collect = gauges(&engine, registry)?;
                Ok(Self { kind: Kind::Embedded(engine), collect })
            }
            Some(options) => {
                let may_migrate = config.store.migrate.unwrap_or(config.mode == Mode::Development);
                if may_migrate {
                    let migrated = scylla::migrate(&options).await?;
                    if migrated.created || !migrated.applied.is_empty() {
                        tracing::info!(keyspace = options.keyspace, applied = ?migrated.applied, "brought the schema up to date");
                    }
                }
                let opened = Scylla::open(&options, registry).await;
                // A keyspace that is missing looks like a cluster that is not well.
                let failed = |error: ::store::Error| if may_migrate { Error::Store(error) } else { Error::NotSetUp(error) };
                let engine = Arc::new(opened.map_err(failed)?);
                Ok(Self { kind: Kind::Shared(engine), collect: Arc::new(|| {}) })
            }
        }
    }

    /// The store itself.
    pub fn store(&self) -> Arc<dyn Store> {
        match &self.kind {
            Kind::Embedded(engine) => engine.clone(),
            Kind::Shared(engine) => engine.clone(),
        }
    }

    /// Its name, for people.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Embedded(_) => "sqlite",
            Kind::Shared(_) => "scylla",
        }
    }

    /// Whether other servers may write to it, too.
    pub fn is_shared(&self) -> bool {
        matches!(self.kind, Kind::Shared(_))
    }

    /// How often it is asked for due wake-ups.
    pub fn look_every(&self) -> Duration {
        match self.kind {
            Kind::Embedded(_) => LOOK_EMBEDDED,
            Kind::Shared(_) => LOOK_SHARED,
        }
    }

    /// To be called before metrics are read: what is counted rather than kept.
    pub fn collect(&self) -> Arc<dyn Fn() + Send + Sync> {
        self.collect.clone()
    }

    /// Gives back what other servers, or the next start, would wait for.
    ///
    /// # Errors
    /// If the closing did not end; nothing is lost by that.
    pub async fn close(&self) -> Result<(), Error> {
        match &self.kind {
            Kind::Embedded(engine) => {
                let engine = engine.clone();
                let closed = tokio::task::spawn_blocking(move || engine.close()).await;
                closed.map_err(|_| Error::Store(::store::Error::Unavailable("it could not be closed".into())))
            }
            Kind::Shared(engine) => {
                engine.close().await;
                Ok(())
            }
        }
    }
}

/// Brings the schema up to date and says what was done. Safe to run again, and while servers run.
///
/// # Errors
/// [`Error`]; running it again goes on where it ended.
pub async fn migrate(config: &Config) -> Result<String, Error> {
    let Some(options) = config.store.scylla().map_err(Error::Options)? else {
        // Opening is migrating.
        let engine = open_embedded(config)?;
        let closed = tokio::task::spawn_blocking(move || engine.close()).await;
        closed.map_err(|_| Error::Store(::store::Error::Unavailable("it could not be closed".into())))?;
        return Ok(format!("the schema of {} is up to date", database(config).display()));
    };
    let migrated = scylla::migrate(&options).await?;
    let made = if migrated.created { format!("made the keyspace {}; ", options.keyspace) } else { String::new() };
    Ok(match migrated.applied.as_slice() {
        [] => format!("{made}the schema of the keyspace {} is up to date", options.keyspace),
        applied => format!("{made}carried out in the keyspace {}: {}", options.keyspace, applied.join(", ")),
    })
}

/// The files that a configuration names.
///
/// # Errors
/// [`Error`] when the folder cannot be made or the options of the bucket do not fit together. A bucket is not asked yet.
pub fn blobs(config: &Config) -> Result<::store::blobs::Blobs, Error> {
    match config.blobs.place().map_err(Error::Options)? {
        None => {
            create_data(config)?;
            Ok(::store::blobs::Blobs::local(config.data().join(FILES))?)
        }
        Some(Place::Folder(folder)) => Ok(::store::blobs::Blobs::local(folder)?),
        Some(Place::Bucket(options)) => Ok(::store::blobs::Blobs::s3(&options)?),
    }
}

/// Store and files in words, without anything secret.
pub fn describe(config: &Config) -> String {
    let store = match config.store.scylla() {
        Ok(Some(options)) => {
            let user = options.username.map(|user| format!(" as {user}")).unwrap_or_default();
            let tls = if options.ca.is_some() { " by TLS" } else { "" };
            format!("keyspace {} of the cluster at {}{user}{tls}", options.keyspace, options.hosts.join(", "))
        }
        _ => format!("embedded in {}", database(config).display()),
    };
    let files = config.blobs.url.clone().unwrap_or_else(|| config.data().join(FILES).display().to_string());
    format!("store {store}, files in {files}")
}

/// Whether opening the store would make a new one: that of the data folder is not there. What a cluster holds is not asked.
pub fn is_missing(config: &Config) -> bool {
    !config.store.is_shared() && !database(config).is_file()
}

fn database(config: &Config) -> PathBuf {
    config.data().join(DATABASE)
}

fn create_data(config: &Config) -> Result<(), Error> {
    let path = config.data();
    std::fs::create_dir_all(&path).map_err(|source| Error::Data { path, source })
}

fn open_embedded(config: &Config) -> Result<Arc<Sqlite>, Error> {
    create_data(config)?;
    Ok(Arc::new(Sqlite::open(&database(config), sqlite::Options::default())?))
}

/// The embedded store's counters as gauges, read at each scrape.
fn gauges(store: &Arc<Sqlite>, registry: &Registry) -> Result<Arc<dyn Fn() + Send + Sync>, prometheus::Error> {
    let gauge = |name: &str, help: &str| {
        let gauge = IntGauge::new(name, help)?;
        registry.register(Box::new(gauge.clone()))?;
        Ok::<_, prometheus::Error>(gauge)
    };
    let commits = gauge("rubrica_store_commits", "Journal commits since the start")?;
    let batches = gauge("rubrica_store_batches", "Transactions that made them durable")?;
    let queue = gauge("rubrica_store_write_queue", "Writes that wait")?;
    let sync = gauge("rubrica_store_last_sync_microseconds", "Duration of the last durable transaction")?;
    let failures = gauge("rubrica_store_failed_batches", "Transactions that failed since the start")?;
    let store = store.clone();
    Ok(Arc::new(move || {
        let stats = store.stats();
        commits.set(stats.commits as i64);
        batches.set(stats.batches as i64);
        queue.set(stats.write_queue as i64);
        sync.set(stats.last_sync_micros as i64);
        failures.set(stats.failures as i64);
    }))
}
