//! Bodies that are spilled beside a journal: none stays that no journal names.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use prometheus::Registry;
use scylla::client::{session::Session, session_builder::SessionBuilder};
use store::{
    Commit, CommitOutcome, Entity, Listing, Store,
    scylla::{Options, Scylla, migrate},
};
use uuid::Uuid;

/// Longest wait for what is taken away behind an answer.
const SOON: Duration = Duration::from_secs(10);

/// An append to a new journal whose body is spilled in two parts.
fn commit(entity: &Entity) -> Commit {
    Commit {
        entity: entity.clone(),
        expected_head: 0,
        entries: vec![vec![7; 100 * 1024]],
        at: Utc::now(),
        snapshot: None,
        wake: Some(Utc::now() + TimeDelta::hours(1)),
        commit_id: Uuid::new_v4(),
        key: None,
        listing: Listing::Listed,
        marks: None,
    }
}

async fn parts(session: &Session) -> usize {
    session.query_unpaged("SELECT id, part FROM spill", &[]).await.unwrap().into_rows_result().unwrap().rows_num()
}

async fn only_what_is_named_stays(session: &Session) {
    let until = Instant::now() + SOON;
    while parts(session).await != 2 {
        assert!(Instant::now() < until, "{} parts are there, two are named", parts(session).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_an_append_that_is_not_made_is_taken_away() {
    let server = tokio::task::block_in_place(cql_server::shared);
    // Not one that others use after it: a table of it is dropped.
    let keyspace = cql_server::NewKeyspace::default();
    let options = Options { replication: 1, ..Options::new(server.contact_points().to_vec(), keyspace.name()) };
    migrate(&options).await.expect("a schema");
    let store = Scylla::open(&options, &Registry::new()).await.expect("it opens");
    let session = SessionBuilder::new().known_nodes(server.contact_points()).use_keyspace(keyspace.name(), true);
    let session = session.build().await.expect("a session");
    let entity = Entity::new("acme", "order", Uuid::new_v4());
    assert_eq!(store.commit(commit(&entity)).await.unwrap(), CommitOutcome::Applied);
    assert_eq!(parts(&session).await, 2);

    assert_eq!(store.commit(commit(&entity)).await.unwrap(), CommitOutcome::Conflict { head: 1 });
    only_what_is_named_stays(&session).await;

    session.query_unpaged("DROP TABLE wake", &[]).await.expect("dropped");
    let other = Entity::new("acme", "order", Uuid::new_v4());
    store.commit(commit(&other)).await.expect_err("its wake-up cannot be written");
    only_what_is_named_stays(&session).await;
    assert_eq!(store.load(&other).await.unwrap(), None);
    let entries = store.entries(&entity, 1, 2).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.body.len()).collect::<Vec<_>>(), [100 * 1024]);
}
