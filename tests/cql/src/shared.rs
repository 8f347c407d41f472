//! The one server of a test process.

use std::sync::LazyLock;

use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{ExecutionError, NewSessionError};
use uuid::Uuid;

use crate::{Cluster, Durability, Error, Options};

/// Names a running server instead: `host:port`, several separated by commas.
pub const VARIABLE: &str = "RUBRICA_TEST_CQL";

/// Set beside [`VARIABLE`] where the server named goes away with its keyspaces when the tests end.
pub const PASSING: &str = "RUBRICA_TEST_CQL_PASSING";

/// A server that all tests of this process use, each with its own keyspace.
pub struct Shared {
    contact_points: Vec<String>,
    // Ends with the process.
    cluster: Option<Cluster>,
}

impl Shared {
    /// Where clients connect.
    pub fn contact_points(&self) -> &[String] {
        &self.contact_points
    }

    fn of_environment_or_started() -> Result<Self, Error> {
        if let Some(named) = std::env::var(VARIABLE).ok().filter(|named| !named.trim().is_empty()) {
            let contact_points = named.split(',').map(|point| point.trim().to_owned()).collect();
            return Ok(Self { contact_points, cluster: None });
        }
        let cluster = Cluster::start(1, &Options { durability: Durability::Nothing, ..Options::default() })?;
        Ok(Self { contact_points: cluster.contact_points(), cluster: Some(cluster) })
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

/// A name that no other test uses. The caller creates the keyspace, and drops it with [`drop_keyspace`].
pub fn fresh_keyspace() -> String {
    format!("rubrica_test_{}", Uuid::new_v4().simple())
}

/// Why a keyspace was not dropped.
#[derive(Debug, thiserror::Error)]
pub enum DropError {
    #[error(transparent)]
    Connect(#[from] NewSessionError),
    #[error(transparent)]
    Drop(#[from] ExecutionError),
}

/// Drops a keyspace of the [`shared`] server, if it is there and the server will be: dropping takes longer than creating.
///
/// # Errors
/// Those of the driver.
pub async fn drop_keyspace(name: &str) -> Result<(), DropError> {
    if shared().cluster.is_some() || std::env::var_os(PASSING).is_some() {
        return Ok(());
    }
    let session = SessionBuilder::new().known_nodes(shared().contact_points()).build().await?;
    session.query_unpaged(format!("DROP KEYSPACE IF EXISTS {name}"), &[]).await?;
    Ok(())
}
