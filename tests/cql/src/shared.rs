//! The one server of a test process.

use std::sync::{LazyLock, Mutex, PoisonError};

use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{DeserializationError, ExecutionError, IntoRowsResultError, NewSessionError, RowsError};
use uuid::Uuid;

use crate::{Cluster, Durability, Error, Options};

/// Names a running server instead: `host:port`, several separated by commas.
pub const VARIABLE: &str = "RUBRICA_TEST_CQL";

/// A server that all tests of this process use, each with its own keyspace.
pub struct Shared {
    contact_points: Vec<String>,
    // Ends with the process.
    _cluster: Option<Cluster>,
}

impl Shared {
    /// Where clients connect.
    pub fn contact_points(&self) -> &[String] {
        &self.contact_points
    }

    fn of_environment_or_started() -> Result<Self, Error> {
        if let Some(named) = std::env::var(VARIABLE).ok().filter(|named| !named.trim().is_empty()) {
            let contact_points = named.split(',').map(|point| point.trim().to_owned()).collect();
            return Ok(Self { contact_points, _cluster: None });
        }
        let cluster = Cluster::start(1, &Options { durability: Durability::Nothing, ..Options::default() })?;
        Ok(Self { contact_points: cluster.contact_points(), _cluster: Some(cluster) })
    }
}

/// The server of `RUBRICA_TEST_CQL`, or one node of our own, started by the first call (about 6 s, blocking).
///
/// # Panics
/// When there is neither; the message says what to install or to set.
pub fn shared() -> &'static Shared {
    static SHARED: LazyLock<Shared> =
        LazyLock::new(|| Shared::of_environment_or_started().unwrap_or_else(|error| panic!("{error}")));
    &SHARED
}

/// A name that no other test uses, for a keyspace of the [`shared`] server that the test makes. It is dropped with this.
#[derive(Debug)]
pub struct NewKeyspace(String);

impl NewKeyspace {
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Default for NewKeyspace {
    fn default() -> Self {
        Self(fresh_keyspace())
    }
}

impl Drop for NewKeyspace {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.0);
        let dropping = move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
            runtime.block_on(drop_keyspace(&name)).map_err(|error| error.to_string())
        };
        // A thread of its own, as the test may be on a runtime.
        if let Ok(Err(error)) = std::thread::spawn(dropping).join() {
            eprintln!("a keyspace stays: {error}");
        }
    }
}

/// A name that no other test uses.
pub fn fresh_keyspace() -> String {
    format!("rubrica_test_{}", Uuid::new_v4().simple())
}

/// Keyspaces of this process that nobody uses now. Hundreds of them would bring a small server down, and making one takes longer than
/// emptying one.
static FREE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A keyspace of the [`shared`] server for one test at a time: new, or with the empty tables that a test before has left. Whoever used
/// it must have closed its connections when this is dropped.
#[derive(Debug)]
pub struct Keyspace(String);

impl Keyspace {
    /// # Errors
    /// Those of the driver.
    pub async fn take() -> Result<Self, KeyspaceError> {
        let free = FREE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(name) = free else { return Ok(Self(fresh_keyspace())) };
        // Until it is empty it goes back to nobody.
        let session = SessionBuilder::new().known_nodes(shared().contact_points()).fetch_schema_metadata(false).build().await?;
        let find = format!("SELECT table_name FROM system_schema.tables WHERE keyspace_name = '{name}'");
        let tables = session.query_unpaged(find, &[]).await?.into_rows_result()?;
        for row in tables.rows::<(String,)>()? {
            let (table,) = row?;
            // What a schema has seen stays seen.
            if !table.starts_with("migration") {
                session.query_unpaged(format!("TRUNCATE {name}.{table}"), &[]).await?;
            }
        }
        Ok(Self(name))
    }

    pub fn name(&self) -> &str {
        &self.0
    }
}

impl Drop for Keyspace {
    fn drop(&mut self) {
        FREE.lock().unwrap_or_else(PoisonError::into_inner).push(std::mem::take(&mut self.0));
    }
}

/// Why a keyspace could not be had or dropped.
#[derive(Debug, thiserror::Error)]
pub enum KeyspaceError {
    #[error(transparent)]
    Connect(#[from] NewSessionError),
    #[error(transparent)]
    Execute(#[from] ExecutionError),
    #[error(transparent)]
    Rows(#[from] IntoRowsResultError),
    #[error(transparent)]
    Columns(#[from] RowsError),
    #[error(transparent)]
    Row(#[from] DeserializationError),
}

/// Drops a keyspace of the [`shared`] server, if it is there.
///
/// # Errors
/// Those of the driver.
pub async fn drop_keyspace(name: &str) -> Result<(), KeyspaceError> {
    let session = SessionBuilder::new().known_nodes(shared().contact_points()).build().await?;
    session.query_unpaged(format!("DROP KEYSPACE IF EXISTS {name}"), &[]).await?;
    Ok(())
}
