//! Which engine keeps journals and records, and where files are. Nothing else in this crate knows.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use ::store::{
    Store,
    scylla::{self, Scylla},
    sqlite::{self, Sqlite},
};
use prometheus::{IntGauge, Registry};

use crate::config::{self, Config, Mode, Place};

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
    #[error("{0}")]
    Options(String),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// What of a configuration says where state and files are.
pub struct Settings<'a> {
    pub store: &'a config::Store,
    pub blobs: &'a config::Blobs,
    /// The data folder.
    pub data: PathBuf,
    /// Whether the start brings a schema up to date where `store.migrate` does not say.
    pub may_migrate: bool,
}

impl<'a> Settings<'a> {
    pub fn of(config: &'a Config) -> Self {
        let may_migrate = config.mode == Mode::Development;
        Self { store: &config.store, blobs: &config.blobs, data: config.data(), may_migrate }
    }
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
    pub async fn open(settings: &Settings<'_>, registry: &Registry) -> Result<Self, Error> {
        match settings.store.scylla().map_err(Error::Options)? {
            None => {
                let engine = open_embedded(settings)?;
                let collect = gauges(&engine, registry)?;
                Ok(Self { kind: Kind::Embedded(engine), collect })
            }
            Some(options) => {
                let may_migrate = settings.store.migrate.unwrap_or(settings.may_migrate);
                if may_migrate {
                    let migrated = scylla::migrate(&options).await?;
                    if migrated.created || !migrated.applied.is_empty() {
                        tracing::info!(keyspace = options.keyspace, applied = ?migrated.applied, "brought the schema up to date");
                    }
                }
                let engine = Arc::new(Scylla::open(&options, registry).await?);
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
pub async fn migrate(settings: &Settings<'_>) -> Result<String, Error> {
    let Some(options) = settings.store.scylla().map_err(Error::Options)? else {
        // Opening is migrating.
        let engine = open_embedded(settings)?;
        let closed = tokio::task::spawn_blocking(move || engine.close()).await;
        closed.map_err(|_| Error::Store(::store::Error::Unavailable("it could not be closed".into())))?;
        return Ok(format!("the schema of {} is up to date", database(settings).display()));
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
pub fn blobs(settings: &Settings<'_>) -> Result<::store::blobs::Blobs, Error> {
    match settings.blobs.place().map_err(Error::Options)? {
        None => {
            create_data(settings)?;
            Ok(::store::blobs::Blobs::local(settings.data.join(FILES))?)
        }
        Some(Place::Folder(folder)) => Ok(::store::blobs::Blobs::local(folder)?),
        Some(Place::Bucket(options)) => Ok(::store::blobs::Blobs::s3(&options)?),
    }
}

/// Store and files in words, without anything secret.
pub fn describe(settings: &Settings<'_>) -> String {
    let store = match settings.store.scylla() {
        Ok(Some(options)) => {
            let user = options.username.map(|user| format!(" as {user}")).unwrap_or_default();
            let tls = if options.ca.is_some() { " by TLS" } else { "" };
            format!("keyspace {} of the cluster at {}{user}{tls}", options.keyspace, options.hosts.join(", "))
        }
        _ => format!("embedded in {}", database(settings).display()),
    };
    let files = settings.blobs.url.clone().unwrap_or_else(|| settings.data.join(FILES).display().to_string());
    format!("store {store}, files in {files}")
}

/// Whether opening the store would make a new one: that of the data folder is not there. What a cluster holds is not asked.
pub fn is_missing(settings: &Settings<'_>) -> bool {
    !settings.store.is_shared() && !database(settings).is_file()
}

fn database(settings: &Settings<'_>) -> PathBuf {
    settings.data.join(DATABASE)
}

fn create_data(settings: &Settings<'_>) -> Result<(), Error> {
    let path = settings.data.clone();
    std::fs::create_dir_all(&path).map_err(|source| Error::Data { path, source })
}

fn open_embedded(settings: &Settings<'_>) -> Result<Arc<Sqlite>, Error> {
    create_data(settings)?;
    Ok(Arc::new(Sqlite::open(&database(settings), sqlite::Options::default())?))
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
    let corrupt = gauge("rubrica_store_corrupt", "Calls since the start that met something lost or damaged in the database")?;
    let store = store.clone();
    Ok(Arc::new(move || {
        let stats = store.stats();
        commits.set(stats.commits as i64);
        batches.set(stats.batches as i64);
        queue.set(stats.write_queue as i64);
        sync.set(stats.last_sync_micros as i64);
        failures.set(stats.failures as i64);
        corrupt.set(stats.corrupt as i64);
    }))
}
