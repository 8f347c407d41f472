//! What several servers share: a keyspace, a folder of files, a master key.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use actors::journal::Sealer;
use base64::Engine as _;
use cql_server::NewKeyspace;
use rubrica::keys::Keys;
use store::{
    scylla::{self, Scylla},
    sqlite::{self, Sqlite},
};

/// The master key of servers with a shared store.
pub const MASTER: [u8; 32] = [3; 32];

/// Says on which engine servers run whose test names none: `sqlite` (default) or `cql`.
const VARIABLE: &str = "RUBRICA_TEST_STORE";

/// Where a server keeps its state.
#[derive(Clone, Default)]
pub enum Keeps {
    /// As `RUBRICA_TEST_STORE` says: embedded, or in a store of its own that it could share.
    #[default]
    AsAsked,
    /// As its configuration says; where that says nothing, embedded in its data folder.
    AsConfigured,
    Shared(Store),
}

impl Keeps {
    /// What `RUBRICA_TEST_STORE` says, the same for every server to which a clone of it is given.
    ///
    /// # Panics
    /// When the variable is neither `sqlite` nor `cql`.
    pub fn as_asked() -> Self {
        match std::env::var(VARIABLE).as_deref() {
            Err(_) | Ok("" | "sqlite") => Self::AsConfigured,
            Ok("cql") => Self::Shared(Store::fresh()),
            Ok(other) => panic!("{VARIABLE} is sqlite or cql, not {other}"),
        }
    }

    /// What it comes to for one server.
    pub fn decided(self) -> Self {
        match self {
            Self::AsAsked => Self::as_asked(),
            decided => decided,
        }
    }

    /// Variables that make a server use it.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::AsAsked | Self::AsConfigured => Vec::new(),
            Self::Shared(store) => store.environment(),
        }
    }

    /// The folder of the files beside the state.
    pub fn files(&self, data: &Path) -> PathBuf {
        match self {
            Self::Shared(store) => store.files(),
            Self::AsAsked | Self::AsConfigured => data.join("files"),
        }
    }

    /// What opens the journals of a server that is gone.
    pub fn sealer(&self, data: &Path) -> Sealer {
        let of_the_folder = match self {
            Self::Shared(_) => None,
            Self::AsAsked | Self::AsConfigured => Keys::load(data).ok(),
        };
        of_the_folder.unwrap_or_else(|| Keys::from_bytes(&MASTER)).journals()
    }

    /// The store of a server that is gone, to read what it left.
    ///
    /// # Panics
    /// When nobody can say which one: only the server itself knew.
    pub async fn open(&self, data: &Path) -> Arc<dyn ::store::Store> {
        match self {
            Self::AsAsked => panic!("every server had a store of its own"),
            Self::AsConfigured => {
                let opened = Sqlite::open(&data.join("rubrica.db"), sqlite::Options::default());
                Arc::new(opened.expect("the store opens"))
            }
            Self::Shared(store) => Arc::new(store.open().await),
        }
    }
}

/// A shared store. The last clone drops the keyspace and the files.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

enum Keyspace {
    OfAll(NewKeyspace),
    /// It goes away with its cluster.
    Of(&'static str),
}

struct Shared {
    contact_points: Vec<String>,
    keyspace: Keyspace,
    replication: u8,
    files: tempfile::TempDir,
}

impl Store {
    /// A keyspace of its own on the CQL server that all tests of this process share.
    pub fn fresh() -> Self {
        Self::new(cql_server::shared().contact_points().to_vec(), 1, Keyspace::OfAll(NewKeyspace::default()))
    }

    /// The keyspace of a cluster of the test's.
    pub fn at(contact_points: Vec<String>, replication: u8) -> Self {
        Self::new(contact_points, replication, Keyspace::Of("rubrica"))
    }

    fn new(contact_points: Vec<String>, replication: u8, keyspace: Keyspace) -> Self {
        let files = tempfile::tempdir().expect("a temporary folder");
        Self(Arc::new(Shared { contact_points, keyspace, replication, files }))
    }

    fn keyspace(&self) -> &str {
        match &self.0.keyspace {
            Keyspace::OfAll(keyspace) => keyspace.name(),
            Keyspace::Of(name) => name,
        }
    }

    fn files(&self) -> PathBuf {
        self.0.files.path().join("files")
    }

    /// Variables that make a server use it.
    fn environment(&self) -> Vec<(&'static str, String)> {
        let Shared { contact_points, replication, .. } = &*self.0;
        let keyspace = self.keyspace();
        let url = format!("scylla://{}/{keyspace}?replication={replication}", contact_points.join(","));
        vec![
            ("RUBRICA_STORE", url),
            ("RUBRICA_BLOBS__URL", self.files().display().to_string()),
            ("RUBRICA_KEYS__MASTER", base64::engine::general_purpose::STANDARD.encode(MASTER)),
        ]
    }

    /// What opens the journals in it.
    pub fn sealer(&self) -> Sealer {
        Keys::from_bytes(&MASTER).journals()
    }

    /// The store as the servers see it, to read what they left.
    pub async fn open(&self) -> Scylla {
        let options = scylla::Options::new(self.0.contact_points.clone(), self.keyspace());
        Scylla::open(&options, &prometheus::Registry::new()).await.expect("the store opens")
    }
}
