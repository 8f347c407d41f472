//! Rules of key slots.

use std::sync::Arc;

use uuid::Uuid;

use super::{applied, commit, one, thing};
use crate::{Commit, CommitOutcome, Entity, Error, MAX_KEY, Store, resolve_unknown};

fn keyed(entity: &Entity, head: u64, key: &[u8]) -> Commit {
    Commit { key: Some(key.to_vec()), ..one(entity, head) }
}

/// The slot as each way to read it tells it, which must be the same.
async fn slot(store: &Arc<dyn Store>, entity: &Entity) -> Option<Vec<u8>> {
    let key = store.key(entity).await.expect("the key is answered");
    let loaded = store.load(entity).await.expect("the load is answered");
    assert_eq!(loaded.and_then(|loaded| loaded.key), key);
    let mut many = store.load_many(std::slice::from_ref(entity)).await.expect("the loads are answered");
    assert_eq!(many.remove(0).and_then(|loaded| loaded.key), key);
    key
}

pub async fn a_key_comes_with_its_commit_and_stays_until_another_replaces_it(store: &Arc<dyn Store>) {
    let (with, late) = (thing(1), thing(2));
    assert_eq!(slot(store, &with).await, None);
    applied(store, keyed(&with, 0, b"first")).await;
    assert_eq!(slot(store, &with).await.as_deref(), Some(b"first".as_slice()));
    applied(store, Commit { snapshot: Some(b"two".to_vec()), ..one(&with, 1) }).await;
    applied(store, Commit { entries: vec![b"x".to_vec(); 3], ..one(&with, 2) }).await;
    assert_eq!(slot(store, &with).await.as_deref(), Some(b"first".as_slice()));
    // The largest, and in a commit of several entries.
    let largest = vec![255; MAX_KEY];
    applied(store, Commit { entries: vec![b"x".to_vec(); 2], ..keyed(&with, 5, &largest) }).await;
    assert_eq!(slot(store, &with).await, Some(largest));
    applied(store, keyed(&with, 7, b"")).await;
    assert_eq!(slot(store, &with).await.as_deref(), Some([].as_slice()));
    // A journal that was begun without one.
    applied(store, one(&late, 0)).await;
    assert_eq!(slot(store, &late).await, None);
    applied(store, keyed(&late, 1, b"late")).await;
    assert_eq!(slot(store, &late).await.as_deref(), Some(b"late".as_slice()));
}

pub async fn a_conflict_leaves_the_key_as_it_was(store: &Arc<dyn Store>) {
    assert_eq!(commit(store, keyed(&thing(1), 1, b"early")).await, CommitOutcome::Conflict { head: 0 });
    assert_eq!(slot(store, &thing(1)).await, None);
    applied(store, keyed(&thing(1), 0, b"first")).await;
    for stale in [0, 2] {
        assert_eq!(commit(store, keyed(&thing(1), stale, b"stale")).await, CommitOutcome::Conflict { head: 1 });
    }
    assert_eq!(slot(store, &thing(1)).await.as_deref(), Some(b"first".as_slice()));
}

pub async fn a_replaced_key_is_nowhere_any_more(store: &Arc<dyn Store>) {
    for head in 0..20 {
        applied(store, keyed(&thing(1), head, format!("key {head}").as_bytes())).await;
    }
    assert_eq!(slot(store, &thing(1)).await.as_deref(), Some(b"key 19".as_slice()));
    for standing in store.entities(None, 10).await.expect("answered") {
        assert_eq!(standing.key.as_deref(), Some(b"key 19".as_slice()));
    }
}

pub async fn keys_of_entities_are_apart(store: &Arc<dyn Store>) {
    let all = [thing(1), thing(2), Entity::new("acme", "other", thing(1).id), Entity::new("other", "thing", thing(1).id)];
    for (number, entity) in all.iter().enumerate() {
        assert_eq!(slot(store, entity).await, None);
        applied(store, keyed(entity, 0, &[number as u8])).await;
    }
    for (number, entity) in all.iter().enumerate() {
        assert_eq!(slot(store, entity).await, Some(vec![number as u8]));
    }
}

pub async fn of_many_that_replace_a_key_one_does(store: &Arc<dyn Store>) {
    applied(store, keyed(&thing(1), 0, b"first")).await;
    let write = |writer: u8| {
        let store = Arc::clone(store);
        async move { commit(&store, keyed(&thing(1), 1, &[writer])).await }
    };
    let writers: Vec<_> = (0..12).map(|writer| tokio::spawn(write(writer))).collect();
    let mut winners = Vec::new();
    for (number, writer) in (0..).zip(writers) {
        match writer.await.expect("the writer finishes") {
            CommitOutcome::Applied => winners.push(number),
            outcome => assert_eq!(outcome, CommitOutcome::Conflict { head: 2 }),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(slot(store, &thing(1)).await, Some(winners));
}

pub async fn a_key_is_of_the_same_moment_as_the_head(store: &Arc<dyn Store>) {
    let writing = tokio::spawn({
        let store = Arc::clone(store);
        async move {
            for head in 0..60_u64 {
                // Each key tells from which entry on it holds; every other commit leaves it.
                let key = (head % 2 == 0).then(|| (head + 1).to_be_bytes().to_vec());
                applied(&store, Commit { key, ..one(&thing(1), head) }).await;
            }
        }
    });
    while !writing.is_finished() {
        tokio::task::yield_now().await;
        let Some(seen) = store.load(&thing(1)).await.expect("answered") else { continue };
        let since = seen.key.map(|key| u64::from_be_bytes(key.try_into().expect("eight bytes")));
        assert_eq!(since, Some(seen.head - (seen.head + 1) % 2), "at head {}", seen.head);
    }
    writing.await.expect("the writer finishes");
}

pub async fn a_key_over_the_bound_is_refused_and_writes_nothing(store: &Arc<dyn Store>) {
    let long = keyed(&thing(1), 0, &[0; MAX_KEY + 1]);
    assert!(matches!(store.commit(long).await, Err(Error::Refused(_))));
    assert_eq!(store.load(&thing(1)).await.expect("answered"), None);
}

pub async fn an_unknown_commit_with_a_key_can_be_resolved(store: &Arc<dyn Store>) {
    let mine = Commit { commit_id: Uuid::from_u128(9), ..keyed(&thing(1), 1, b"mine") };
    applied(store, keyed(&thing(1), 0, b"first")).await;
    assert_eq!(resolved(store, &mine).await, CommitOutcome::Conflict { head: 1 });
    assert_eq!(slot(store, &thing(1)).await.as_deref(), Some(b"first".as_slice()));
    applied(store, mine.clone()).await;
    assert_eq!(resolved(store, &mine).await, CommitOutcome::Applied);
    assert_eq!(slot(store, &thing(1)).await.as_deref(), Some(b"mine".as_slice()));
}

async fn resolved(store: &Arc<dyn Store>, what: &Commit) -> CommitOutcome {
    for _ in 0..1000 {
        match resolve_unknown(&**store, what).await {
            CommitOutcome::Unknown => {}
            known => return known,
        }
    }
    panic!("a store that reads cannot say what became of a commit")
}
