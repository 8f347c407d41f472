//! The engine on a ScyllaDB (or Apache Cassandra) cluster, for any number of servers.
//!
//! An entity is one partition, and an append to it one conditional statement: the cluster decides who wrote entry n. What belongs
//! elsewhere (wake-up, place in a listing, a large body) is written before it, plainly: a crash between leaves something
//! spare, never something missing. See `schema/cql` for the tables.

mod db;
mod metrics;
mod migrations;
mod options;
#[expect(dead_code, reason = "not wired yet")]
mod wakes;

pub use self::{metrics::Metrics, migrations::{Migrated, migrate}, options::Options};
