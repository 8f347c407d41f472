//! Rows that a CQL cluster lost: what was acknowledged is never told as if it had not been.

use chrono::{DateTime, Utc};
use prometheus::Registry;
use scylla::client::{session::Session, session_builder::SessionBuilder};
use store::{
    Commit, CommitOutcome, Entity, Error, Listing, PutOutcome, RecordKey, Store,
    scylla::{Options, Scylla, migrate},
};
use uuid::Uuid;

struct World {
    store: Scylla,
    session: Session,
    // Not one that others use after it.
    _keyspace: cql_server::NewKeyspace,
}

async fn world() -> World {
    let server = tokio::task::block_in_place(cql_server::shared);
    let keyspace = cql_server::NewKeyspace::default();
    let options = Options { replication: 1, ..Options::new(server.contact_points().to_vec(), keyspace.name()) };
    migrate(&options).await.expect("a schema");
    let store = Scylla::open(&options, &Registry::new()).await.expect("it opens");
    let session = SessionBuilder::new().known_nodes(server.contact_points()).use_keyspace(keyspace.name(), true);
    World { store, session: session.build().await.expect("a session"), _keyspace: keyspace }
}

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn is_corrupt<T: std::fmt::Debug>(answer: Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Corrupt(_)))
}

impl World {
    /// A journal of three entries.
    async fn journal(&self) -> Entity {
        let entity = Entity::new("acme", "order", Uuid::new_v4());
        for expected_head in 0..3 {
            let commit = Commit {
                entity: entity.clone(),
                expected_head,
                entries: vec![b"entry".to_vec()],
                at: at(),
                snapshot: None,
                wake: None,
                commit_id: Uuid::new_v4(),
                key: None,
                listing: Listing::Listed,
                marks: None,
            };
            assert_eq!(self.store.commit(commit).await.unwrap(), CommitOutcome::Applied);
        }
        entity
    }

    /// A record of three versions.
    async fn record(&self) -> RecordKey {
        let key = RecordKey::new("acme", "document", Uuid::new_v4().to_string());
        for expected in 0..3 {
            assert_eq!(self.store.put_if(&key, expected, at(), b"body".to_vec()).await.unwrap(), PutOutcome::Applied);
        }
        key
    }

    async fn count(&self, rows: &str) -> usize {
        let found = self.session.query_unpaged(format!("SELECT * {rows}"), &[]).await.expect("selected");
        found.into_rows_result().expect("rows").rows_num()
    }

    async fn lose(&self, rows: &str) {
        self.session.query_unpaged(format!("DELETE {rows}"), &[]).await.expect("deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_row_of_a_journal_or_of_a_record_is_told() {
    let world = world().await;
    for rows in [
        "FROM entity WHERE {KEY} AND rk = 1 AND seq = 1",
        "FROM entity WHERE {KEY} AND rk = 1 AND seq = 2",
        "FROM entity WHERE {KEY} AND rk = 1 AND seq = 3",
        "FROM entity WHERE {KEY} AND rk = 1",
        "FROM entity WHERE {KEY} AND rk = 0",
        "head FROM entity WHERE {KEY}",
    ] {
        let entity = world.journal().await;
        assert_eq!(world.store.entries(&entity, 1, 10).await.unwrap().len(), 3);
        assert!(world.store.entries(&entity, 4, 10).await.unwrap().is_empty());
        world.lose(&rows.replace("{KEY}", &format!("org = 'acme' AND kind = 'order' AND id = {}", entity.id))).await;
        assert!(is_corrupt(world.store.load(&entity).await), "{rows}");
        if rows.contains("rk = 1") {
            assert!(is_corrupt(world.store.entries(&entity, 1, 10).await), "{rows}");
        }
    }
    for (rows, history) in [
        ("FROM record WHERE {KEY} AND version = 3", None),
        ("FROM record WHERE {KEY} AND version = 2", None),
        ("FROM record WHERE {KEY} AND version = 1", None),
        ("FROM record WHERE {KEY} AND version = 1", Some(2)),
        ("FROM record WHERE {KEY} AND version < 3", Some(3)),
    ] {
        let key = world.record().await;
        assert_eq!(world.store.history(&key, history, 10).await.unwrap().len(), history.map_or(3, |before| before as usize - 1));
        assert!(world.store.history(&key, Some(1), 10).await.unwrap().is_empty());
        world.lose(&rows.replace("{KEY}", &format!("org = 'acme' AND collection = 'document' AND key = '{}'", key.key))).await;
        assert!(is_corrupt(world.store.history(&key, history, 10).await), "{rows}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_listing_that_comes_back_shows_nothing() {
    let world = world().await;
    let entity = world.journal().await;
    let listed = async || world.store.list("acme", "order", None, 10).await.unwrap().items.len();
    assert_eq!((listed().await, world.count("FROM listing").await), (1, 1));
    let removal = Commit {
        entity: entity.clone(),
        expected_head: 3,
        entries: vec![b"erased".to_vec()],
        at: at(),
        snapshot: None,
        wake: None,
        commit_id: Uuid::new_v4(),
        key: None,
        listing: Listing::Removed,
        marks: None,
    };
    assert_eq!(world.store.commit(removal).await.unwrap(), CommitOutcome::Applied);
    assert_eq!((listed().await, world.count("FROM listing").await), (0, 0));

    // As a replica that was away when it was deleted brings it back.
    let day = at().timestamp_micros() / 86_400_000_000;
    let id: String = entity.id.simple().to_string();
    let row = format!("('acme', 'order', {day}, {}, 0x{id})", at().timestamp_micros());
    let insert = format!("INSERT INTO listing (org, kind, day, at, id) VALUES {row}");
    world.session.query_unpaged(insert, &[]).await.expect("inserted");

    assert_eq!((listed().await, world.count("FROM listing").await), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_lists_has_no_row_beside_it() {
    let world = world().await;
    for (collection, rows) in [("__kept", 0), ("_count", 1), ("document", 2)] {
        let key = RecordKey::new("acme", collection, "a");
        assert_eq!(world.store.put_if(&key, 0, at(), b"body".to_vec()).await.unwrap(), PutOutcome::Applied);
        assert_eq!(world.count("FROM record_key").await, rows, "{collection}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_cut_off_goes_on_when_it_is_run_again() {
    let server = tokio::task::block_in_place(cql_server::shared);
    let keyspace = cql_server::NewKeyspace::default();
    let options = Options { replication: 1, ..Options::new(server.contact_points().to_vec(), keyspace.name()) };
    let all = migrate(&options).await.expect("a schema").applied;
    let session = SessionBuilder::new().known_nodes(server.contact_points()).use_keyspace(keyspace.name(), true);
    let session = session.build().await.expect("a session");
    // All of their columns are there, or one not yet; that they were done was not noted.
    for undone in [None, Some("ALTER TABLE entity DROP listing"), Some("ALTER TABLE entity DROP marks")] {
        session.query_unpaged("DELETE FROM migration WHERE part = 0 AND number >= 2", &[]).await.expect("deleted");
        if let Some(undone) = undone {
            session.query_unpaged(undone, &[]).await.expect("undone");
        }
        assert_eq!(migrate(&options).await.expect("it goes on").applied, all[1..]);
        assert!(migrate(&options).await.expect("nothing to do").applied.is_empty());
    }
    Scylla::open(&options, &Registry::new()).await.expect("it opens");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_was_is_not_missed() {
    let world = world().await;
    let (entity, key) = (Entity::new("acme", "order", Uuid::new_v4()), RecordKey::new("acme", "document", "none"));
    assert_eq!(world.store.load(&entity).await.unwrap(), None);
    assert!(world.store.entries(&entity, 1, 10).await.unwrap().is_empty());
    assert!(world.store.history(&key, None, 10).await.unwrap().is_empty());
    assert!(world.store.history(&key, Some(7), 10).await.unwrap().is_empty());
    let counter = RecordKey::new("acme", "_count", "a");
    for expected in 0..3 {
        assert_eq!(world.store.put_if(&counter, expected, at(), b"body".to_vec()).await.unwrap(), PutOutcome::Applied);
    }
    assert_eq!(world.store.history(&counter, None, 10).await.unwrap().len(), 1);
}
