//! What is written: short lives, as identifications have them.

use std::time::Duration;

use store::{Commit, CommitOutcome, Entity, Listing, Store, Timestamp, scylla::Scylla};
use uuid::Uuid;

use crate::Failure;

/// Appends of one life: the measured identification by code has about as many.
pub const APPENDS: u64 = 4;

/// Bytes of an entry.
pub const BODY: usize = 300;

/// How long after an append its wake-up is due; the lives end long before.
const WAKE: Duration = Duration::from_secs(1800);

pub fn entity() -> Entity {
    Entity::new("acme", "bench", Uuid::now_v7())
}

pub fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

/// When the wake-up of an append is due; the last append of a life has none.
pub fn wake(head: u64, at: Timestamp) -> Option<Timestamp> {
    (head + 1 < APPENDS).then(|| at + WAKE)
}

/// The append that follows `head`.
pub fn commit(entity: &Entity, head: u64, at: Timestamp, wake: Option<Timestamp>) -> Commit {
    Commit {
        entity: entity.clone(),
        expected_head: head,
        entries: vec![body()],
        at,
        snapshot: None,
        wake,
        commit_id: Uuid::new_v4(),
        key: None,
        listing: Listing::Listed,
        marks: None,
    }
}

/// # Errors
/// When it was not applied: nobody else writes these.
pub async fn append(engine: &Scylla, commit: Commit) -> Result<(), Failure> {
    match engine.commit(commit).await? {
        CommitOutcome::Applied => Ok(()),
        other => Err(format!("an append was not applied: {other:?}").into()),
    }
}

/// An entry: hexadecimal digits by chance, which compress to a good half, as entries do.
pub fn body() -> Vec<u8> {
    let mut body: String = std::iter::repeat_with(|| Uuid::new_v4().simple().to_string()).take(BODY.div_ceil(32)).collect();
    body.truncate(BODY);
    body.into_bytes()
}
