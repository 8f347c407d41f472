//! What several servers share: a keyspace, a folder of files, a master key.

use std::sync::Arc;

use base64::Engine as _;
use store::scylla::{self, Scylla};
use uuid::Uuid;

/// Says on which engine servers run whose test names none: `sqlite` (default) or `cql`.
const VARIABLE: &str = "RUBRICA_TEST_STORE";

/// A shared store. The last clone drops the keyspace and the files.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    contact_points: Vec<String>,
    keyspace: String,
    replication: u8,
    /// Whether the cluster outlives the keyspace, which is then dropped.
    stays: bool,
    master: String,
    files: tempfile::TempDir,
}

impl Store {
    /// A keyspace of its own on the CQL server that all tests of this process share.
    pub fn fresh() -> Self {
        Self::new(cql_server::shared().contact_points().to_vec(), 1, true)
    }

    /// A keyspace of its own on a cluster of the test's.
    pub fn at(contact_points: Vec<String>, replication: u8) -> Self {
        Self::new(contact_points, replication, false)
    }

    /// That of a test that names none: a fresh one where `RUBRICA_TEST_STORE=cql`, else the embedded one of each server.
    ///
    /// # Panics
    /// When the variable is something else.
    pub fn of_environment() -> Option<Self> {
        match std::env::var(VARIABLE).as_deref() {
            Err(_) | Ok("" | "sqlite") => None,
            Ok("cql") => Some(Self::fresh()),
            Ok(other) => panic!("{VARIABLE} is sqlite or cql, not {other}"),
        }
    }

    fn new(contact_points: Vec<String>, replication: u8, stays: bool) -> Self {
        let bytes = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let master = base64::engine::general_purpose::STANDARD.encode(bytes);
        let files = tempfile::tempdir().expect("a temporary folder");
        Self(Arc::new(Shared { contact_points, keyspace: cql_server::fresh_keyspace(), replication, stays, master, files }))
    }

    /// Variables that make a server use it.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        let Shared { contact_points, keyspace, replication, master, files, .. } = &*self.0;
        let url = format!("scylla://{}/{keyspace}?replication={replication}", contact_points.join(","));
        [
            ("RUBRICA_STORE", url),
            ("RUBRICA_BLOBS__URL", files.path().join("files").display().to_string()),
            ("RUBRICA_KEYS__MASTER", master.clone()),
        ]
    }

    /// The store as the servers see it, to read what they left.
    pub async fn open(&self) -> Scylla {
        let Shared { contact_points, keyspace, .. } = &*self.0;
        let options = scylla::Options::new(contact_points.clone(), keyspace.clone());
        Scylla::open(&options, &prometheus::Registry::new()).await.expect("the store opens")
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if !self.stays {
            return;
        }
        let keyspace = std::mem::take(&mut self.keyspace);
        let dropping = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(cql_server::drop_keyspace(&keyspace))
        };
        // A thread of its own, as the test may be on a runtime.
        if let Ok(Err(error)) = std::thread::spawn(dropping).join() {
            eprintln!("a keyspace stays: {error}");
        }
    }
}
