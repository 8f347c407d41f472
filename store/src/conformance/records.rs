//! Rules of versioned records.

use std::sync::Arc;

use super::at;
use crate::{Error, MAX_BODY, MAX_COUNTER, MAX_NAME, PutOutcome, Record, RecordKey, Store};

fn key(name: &str) -> RecordKey {
    RecordKey::new("acme", "documents", name)
}

/// The body that [`put`] writes as this version.
fn body(version: u64) -> Vec<u8> {
    format!("version {version}").into_bytes()
}

fn record(version: u64) -> Record {
    Record { version, at: at(version as i64), body: body(version) }
}

async fn put(store: &Arc<dyn Store>, key: &RecordKey, expected: u64) -> PutOutcome {
    store.put_if(key, expected, at(expected as i64 + 1), body(expected + 1)).await.expect("the put is answered")
}

async fn put_versions(store: &Arc<dyn Store>, key: &RecordKey, versions: u64) {
    for version in 0..versions {
        assert_eq!(put(store, key, version).await, PutOutcome::Applied);
    }
}

async fn get(store: &Arc<dyn Store>, key: &RecordKey) -> Option<Record> {
    store.get(key).await.expect("the get is answered")
}

async fn listed(store: &Arc<dyn Store>, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let records = store.records("acme", "documents", prefix, after, limit).await.expect("answered");
    records.into_iter().map(|(key, _)| key).collect()
}

pub async fn a_record_never_put_is_absent(store: &Arc<dyn Store>) {
    assert_eq!(get(store, &key("a")).await, None);
    assert_eq!(store.history(&key("a"), None, 10).await.expect("answered"), []);
    assert_eq!(listed(store, "", None, 10).await, [""; 0]);
}

pub async fn versions_count_from_one_and_only_from_the_expected_one(store: &Arc<dyn Store>) {
    let key = key("a");
    assert_eq!(put(store, &key, 1).await, PutOutcome::Conflict { version: 0 });
    assert_eq!(get(store, &key).await, None);
    put_versions(store, &key, 3).await;
    for wrong in [0, 1, 2, 4] {
        let stale = store.put_if(&key, wrong, at(9), b"stale".to_vec()).await.expect("answered");
        assert_eq!(stale, PutOutcome::Conflict { version: 3 });
    }
    assert_eq!(get(store, &key).await, Some(record(3)));
    let versions = store.history(&key, None, 10).await.expect("answered");
    assert_eq!(versions, [record(3), record(2), record(1)]);
}

pub async fn of_a_counter_only_the_newest_version_is_kept(store: &Arc<dyn Store>) {
    let key = RecordKey::new("acme", "_count", "a");
    put_versions(store, &key, 3).await;
    assert_eq!(put(store, &key, 1).await, PutOutcome::Conflict { version: 3 });
    assert_eq!(put(store, &key, 3).await, PutOutcome::Applied);
    assert_eq!(get(store, &key).await, Some(record(4)));
    assert_eq!(store.history(&key, None, 10).await.expect("answered"), [record(4)]);
    let listed = store.records("acme", "_count", "", None, 10).await.expect("answered");
    assert_eq!(listed, [("a".to_owned(), record(4))]);
    let large = store.put_if(&key, 4, at(9), vec![0; MAX_COUNTER + 1]).await;
    assert!(matches!(large, Err(Error::Refused(_))), "{large:?}");
}

pub async fn a_hidden_collection_keeps_the_newest_version_and_is_not_listed(store: &Arc<dyn Store>) {
    let key = RecordKey::new("acme", "__kept", "a");
    put_versions(store, &key, 3).await;
    assert_eq!(put(store, &key, 1).await, PutOutcome::Conflict { version: 3 });
    assert_eq!(get(store, &key).await, Some(record(3)));
    assert_eq!(store.history(&key, None, 10).await.expect("answered"), [record(3)]);
    let listed = store.records("acme", "__kept", "", None, 10).await;
    assert!(matches!(listed, Err(Error::Refused(_))), "{listed:?}");
    // They are moved like all others.
    assert_eq!(store.record_keys(None, 10).await.expect("answered"), [key]);
}

pub async fn one_of_many_writers_of_a_version_wins(store: &Arc<dyn Store>) {
    let write = |writer: usize| {
        let store = Arc::clone(store);
        async move { store.put_if(&key("a"), 0, at(0), format!("writer {writer}").into_bytes()).await.expect("answered") }
    };
    let writers: Vec<_> = (0..16).map(|writer| tokio::spawn(write(writer))).collect();
    let mut winners = Vec::new();
    for (number, writer) in writers.into_iter().enumerate() {
        match writer.await.expect("the writer finishes") {
            PutOutcome::Applied => winners.push(number),
            outcome => assert_eq!(outcome, PutOutcome::Conflict { version: 1 }),
        }
    }
    assert_eq!(winners.len(), 1);
    let stored = get(store, &key("a")).await.expect("the record is there");
    assert_eq!(stored.body, format!("writer {}", winners[0]).into_bytes());
}

pub async fn history_is_newest_first_in_pages(store: &Arc<dyn Store>) {
    let key = key("a");
    put_versions(store, &key, 5).await;
    for (before, limit, expected) in [
        (None, 2, vec![5, 4]),
        (Some(4), 2, vec![3, 2]),
        (Some(2), 2, vec![1]),
        (Some(1), 2, vec![]),
        (Some(0), 2, vec![]),
        (Some(5), 9, vec![4, 3, 2, 1]),
        (Some(u64::MAX), 1, vec![5]),
        (None, 0, vec![]),
        (None, 1, vec![5]),
        (None, usize::MAX, vec![5, 4, 3, 2, 1]),
    ] {
        let versions = store.history(&key, before, limit).await.expect("answered");
        let expected: Vec<Record> = expected.into_iter().map(record).collect();
        assert_eq!(versions, expected, "before {before:?}, at most {limit}");
    }
}

pub async fn a_collection_lists_current_versions_by_prefix_in_key_order(store: &Arc<dyn Store>) {
    for (name, versions) in [("b/2", 1), ("a/1", 2), ("b/10", 3), ("b", 1), ("c", 1), ("B/1", 1)] {
        put_versions(store, &key(name), versions).await;
    }
    let found = store.records("acme", "documents", "b/", None, 10).await.expect("answered");
    assert_eq!(found, [("b/10".to_owned(), record(3)), ("b/2".to_owned(), record(1))]);
    assert_eq!(listed(store, "", None, 10).await, ["B/1", "a/1", "b", "b/10", "b/2", "c"]);
    assert_eq!(listed(store, "b", None, 10).await, ["b", "b/10", "b/2"]);
    assert_eq!(listed(store, "d", None, 10).await, [""; 0]);
}

pub async fn a_collection_is_listed_in_pages(store: &Arc<dyn Store>) {
    for name in ["a", "b1", "b2", "b3", "c"] {
        put_versions(store, &key(name), 1).await;
    }
    assert_eq!(listed(store, "b", None, 2).await, ["b1", "b2"]);
    assert_eq!(listed(store, "b", Some("b2"), 2).await, ["b3"]);
    assert_eq!(listed(store, "b", Some("b3"), 2).await, [""; 0]);
    assert_eq!(listed(store, "b", Some("a"), 1).await, ["b1"]);
    assert_eq!(listed(store, "b", Some("b"), 1).await, ["b1"]);
    assert_eq!(listed(store, "b", Some("c"), 9).await, [""; 0]);
    assert_eq!(listed(store, "", Some("b1"), usize::MAX).await, ["b2", "b3", "c"]);
    assert_eq!(listed(store, "", None, 0).await, [""; 0]);
}

pub async fn a_prefix_means_itself_whatever_is_in_it(store: &Arc<dyn Store>) {
    for name in ["", "!", "1", "-2", "%", "%a", "_", "a*", "a*b", "ab", "\u{d7ff}x", "\u{e000}", "\u{10ffff}", "\u{10ffff}z", "Z"]
    {
        put_versions(store, &key(name), 1).await;
    }
    assert_eq!(listed(store, "%", None, 20).await, ["%", "%a"]);
    assert_eq!(listed(store, "_", None, 20).await, ["_"]);
    assert_eq!(listed(store, "a*", None, 20).await, ["a*", "a*b"]);
    assert_eq!(listed(store, "\u{d7ff}", None, 20).await, ["\u{d7ff}x"]);
    assert_eq!(listed(store, "\u{10ffff}", None, 20).await, ["\u{10ffff}", "\u{10ffff}z"]);
    assert_eq!(listed(store, "", None, 2).await, ["", "!"]);
    assert_eq!(listed(store, "", Some(""), 2).await, ["!", "%"]);
}

pub async fn records_of_others_are_never_seen(store: &Arc<dyn Store>) {
    put_versions(store, &key("a"), 1).await;
    for (organization, collection) in [("other", "documents"), ("acme", "templates"), ("Acme", "documents")] {
        let other = RecordKey::new(organization, collection, "a");
        assert_eq!(get(store, &other).await, None);
        assert_eq!(store.history(&other, None, 10).await.expect("answered"), []);
        assert!(store.records(organization, collection, "", None, 10).await.expect("answered").is_empty());
        put_versions(store, &other, 2).await;
    }
    assert_eq!(get(store, &key("a")).await, Some(record(1)));
}

pub async fn a_record_over_a_bound_is_refused_and_writes_nothing(store: &Arc<dyn Store>) {
    let refused = async |key: &RecordKey, expected, size| {
        let outcome = store.put_if(key, expected, at(0), vec![0; size]).await;
        assert!(matches!(outcome, Err(Error::Refused(_))), "{outcome:?}");
    };
    refused(&key("a"), 0, MAX_BODY + 1).await;
    refused(&key(&"x".repeat(MAX_NAME + 1)), 0, 1).await;
    refused(&key("a"), u64::MAX, 1).await;
    assert_eq!(get(store, &key("a")).await, None);
    let largest = store.put_if(&key("a"), 0, at(0), vec![0; MAX_BODY]).await.expect("answered");
    assert_eq!(largest, PutOutcome::Applied);
}

pub async fn a_store_that_works_answers_the_ping(store: &Arc<dyn Store>) {
    store.ping().await.expect("it works");
}

pub async fn forgotten_versions_have_the_body_of_the_newest(store: &Arc<dyn Store>) {
    let (key, other) = (key("a"), key("b"));
    store.forget_versions(&key).await.expect("there is nothing to forget");
    assert_eq!(get(store, &key).await, None);
    put_versions(store, &other, 2).await;
    // Bodies of all lengths: the last one is as long as such a body may be.
    for (version, length) in [(0, 10), (1, 600), (2, 3_000), (3, 40_000), (4, MAX_COUNTER)] {
        let put = store.put_if(&key, version, at(version as i64 + 1), vec![b'x'; length]).await.expect("answered");
        assert_eq!(put, PutOutcome::Applied);
    }
    let newest = get(store, &key).await.expect("it is there");
    for _ in 0..2 {
        store.forget_versions(&key).await.expect("forgotten");
        let versions = store.history(&key, None, 10).await.expect("answered");
        let forgotten = (1..=5).rev().map(|version| Record { version, at: at(version as i64), body: newest.body.clone() });
        assert_eq!(versions, forgotten.collect::<Vec<_>>());
    }
    assert_eq!(store.history(&other, None, 10).await.expect("answered"), [record(2), record(1)]);
    let next = store.put_if(&key, 5, at(6), vec![b'x'; MAX_COUNTER + 1]).await.expect("answered");
    assert_eq!(next, PutOutcome::Applied, "it goes on as before");
    assert!(matches!(store.forget_versions(&key).await, Err(Error::Refused(_))), "too long for many");
}
