//! A real CQL server for the tests: Apache Cassandra, one node or several on loopback, started, killed and ended by the test itself.
//!
//! Never part of the program that users get. Java 17 and Maven must be there, or `RUBRICA_TEST_CQL` must name a server.

mod certificates;
mod cluster;
mod jars;
mod java;
mod node;
mod proxy;
mod room;
mod settings;
mod shared;
mod spawner;

use std::net::SocketAddr;

pub use cluster::{Cluster, MOST_NODES};
pub use jars::VERSION;
pub use proxy::{Faults, Proxy, Random};
pub use settings::{Durability, Options};
pub use shared::{Keyspace, KeyspaceError, NewKeyspace, Shared, VARIABLE, drop_keyspace, fresh_keyspace, shared};
pub use spawner::spawn;

/// The user of a cluster with authentication.
pub const USER: &str = "cassandra";
/// The password of [`USER`].
pub const PASSWORD: &str = "cassandra";

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "{0} is missing; the tests need a CQL server: install openjdk-17-jre-headless and maven (Debian's names), \
         or let {VARIABLE} name a running server as host:port (tests that kill or secure a server always start their own)"
    )]
    Missing(&'static str),
    #[error("neither XDG_CACHE_HOME nor HOME is set")]
    NoHome,
    #[error("no port is free on the addresses of all nodes")]
    NoPort,
    #[error("Maven could not resolve the server's jars:\n{0}")]
    Resolve(String),
    #[error("keytool failed:\n{0}")]
    Keytool(String),
    #[error("the CQL server at {node} {what}; its log ends with:\n{log}")]
    Start { node: SocketAddr, what: &'static str, log: String },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Fetches the server's jars into the cache, unless they are there.
///
/// # Errors
/// [`Error::Missing`] without Maven, [`Error::Resolve`] with Maven's own words when it fails.
pub fn resolve() -> Result<(), Error> {
    jars::folder().map(drop)
}
