//! What a host leaves in the store is sealed, and journals that were begun before go on so.

use std::sync::atomic::Ordering;

use aws_lc_rs::digest;
use store::{Commit, CommitOutcome, Listing, Store};
use uuid::Uuid;

use crate::{
    Error,
    journal::{Chain, Fact, Hash, Sealer},
    testing::{Cmd, Event, Setting, entity},
};

const SAID: &str = "Ana García, 612345678";

fn shows(bytes: &[Vec<u8>], text: &str) -> bool {
    bytes.iter().any(|body| body.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// Writes facts as a server of an older version did, with a snapshot after the last.
pub(super) async fn write_in_clear(setting: &Setting, id: Uuid, facts: &[Event]) {
    let mut previous = Hash::of_entity(Chain::Clear, &entity(id));
    let at = setting.clock.now();
    let mut entries = Vec::new();
    for (seq, event) in (1..).zip(facts) {
        let json = serde_json::to_vec(&serde_json::json!({ "at": at, "fact": Fact::Event(event) })).unwrap();
        let commitment = digest::digest(&digest::SHA256, &json).as_ref().try_into().unwrap();
        previous = previous.then(Chain::Clear, seq, at, &commitment);
        entries.push([previous.to_string().as_bytes(), b" ", &json].concat());
    }
    let commit = Commit {
        entity: entity(id),
        expected_head: 0,
        entries,
        at,
        snapshot: None,
        wake: None,
        commit_id: Uuid::new_v4(),
        key: None,
        listing: Listing::Listed,
        marks: None,
    };
    assert_eq!(setting.store.commit(commit).await.unwrap(), CommitOutcome::Applied);
}

#[actix::test]
async fn nothing_that_was_said_stands_in_the_store() {
    let mut setting = Setting::new();
    setting.options.snapshot_every = 2;
    let server = setting.server();
    let id = server.open().await;
    server.ask(id, Cmd::Result(SAID.into())).await.unwrap();
    server.ask(id, Cmd::Add(1)).await.unwrap();
    let bytes = setting.bytes(id).await;
    assert_eq!(bytes.len(), 3 + 2, "three entries, a snapshot and a key");
    assert!(!shows(&bytes, "Ana") && !shows(&bytes, "event") && !shows(&bytes, "results"));
    server.kill();
    let server = setting.server();
    assert_eq!(server.read(id).await.results, [SAID]);
    assert_eq!(setting.store.read.load(Ordering::Acquire), 1, "the snapshot was used");
}

#[actix::test]
async fn appends_to_a_process_in_memory_leave_its_key_as_it_is() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let key = setting.store.key(&entity(id)).await.unwrap();
    assert!(key.is_some());
    for item in 0..5 {
        server.ask(id, Cmd::Add(item)).await.unwrap();
    }
    server.kill();
    let server = setting.server();
    server.ask(id, Cmd::Add(5)).await.unwrap();
    assert_eq!(setting.store.key(&entity(id)).await.unwrap(), key);
    let other = server.open().await;
    assert_ne!(setting.store.key(&entity(other)).await.unwrap(), key);
}

#[actix::test]
async fn a_journal_of_an_older_version_goes_on_sealed() {
    let setting = Setting::new();
    let id = Uuid::new_v4();
    let until = setting.clock.now() + chrono::Duration::days(1);
    write_in_clear(&setting, id, &[Event::Created { until }, Event::Added(1)]).await;
    let server = setting.server();
    assert_eq!(server.read(id).await.items, [1]);
    server.ask(id, Cmd::Add(2)).await.unwrap();
    server.ask(id, Cmd::Result(SAID.into())).await.unwrap();
    server.kill();
    let server = setting.server();
    assert_eq!(server.read(id).await.items, [1, 2]);
    let lines = setting.journal(id).await;
    let chains: Vec<Chain> = lines.iter().map(|line| line.chain).collect();
    assert_eq!(chains, [Chain::Clear, Chain::Clear, Chain::Sealed, Chain::Sealed]);
    assert!(!shows(&setting.bytes(id).await, "Ana"));
}

#[actix::test]
async fn with_another_master_key_a_process_is_set_aside_and_nothing_is_changed() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.kill();
    let before = setting.bytes(id).await;
    let mut other = setting.clone();
    other.options.sealer = Sealer::new(&[1; 32]);
    let stranger = other.server();
    assert_eq!(stranger.ask(id, Cmd::Add(1)).await, Err(Error::Quarantined));
    assert!(stranger.host.quarantined(1)[0].1.reason.contains("master key"));
    assert_eq!(setting.bytes(id).await, before);
    let server = setting.server();
    assert_eq!(server.ask(id, Cmd::Add(1)).await.unwrap().items, [1]);
}

#[actix::test]
async fn of_two_servers_that_make_the_first_entry_at_once_the_key_of_one_counts() {
    let mut setting = Setting::new();
    setting.options.shared_store = true;
    let (one, two) = (setting.server(), setting.server());
    for _ in 0..20 {
        let id = Uuid::new_v4();
        let create = || Cmd::Create { seconds: 86_400 };
        let (a, b) = tokio::join!(one.ask(id, create()), two.ask(id, create()));
        assert!(a.is_ok() && b.is_ok());
        let (a, b) = tokio::join!(one.ask(id, Cmd::Add(1)), two.ask(id, Cmd::Add(2)));
        assert!(a.is_ok() && b.is_ok());
        let mut items = one.read(id).await.items.clone();
        items.sort_unstable();
        assert_eq!(items, [1, 2]);
        assert_eq!(setting.journal(id).await.len(), 3);
    }
}
