//! Rules of what moves an installation: everything is found once, whatever its order.

use std::{collections::HashMap, sync::Arc, time::Duration};

use uuid::Uuid;

use super::{applied, at, one, scattered};
use crate::{Commit, Entity, Listing, PutOutcome, RecordKey, Standing, Store, Timestamp, Wake};

/// Organizations and kinds (or collections) of which no two may be mixed up.
const NAMES: [(&str, &str); 5] =
    [("acme", "thing"), ("acme", "other"), ("other", "thing"), ("acm", "ething"), ("Ünï/ \u{10ffff}", "")];

/// More pages than any rule here reads.
const MAX_PAGES: usize = 1_000;

fn entities() -> Vec<Entity> {
    let of = |(organization, kind): (&'static str, &'static str)| {
        (0..9).map(move |number| Entity { organization: organization.into(), kind: kind.into(), ..scattered(number) })
    };
    NAMES.into_iter().flat_map(of).collect()
}

fn keys() -> Vec<RecordKey> {
    let of = |(organization, collection): (&'static str, &'static str)| {
        ["", "a", "a/b", "Z", "\u{d7ff}", "\u{e000}", "\u{10ffff}"].map(|key| RecordKey::new(organization, collection, key))
    };
    NAMES.into_iter().flat_map(of).collect()
}

async fn put(store: &Arc<dyn Store>, key: &RecordKey, version: u64) {
    let outcome = store.put_if(key, version, at(0), b"body".to_vec()).await.expect("the put is answered");
    assert_eq!(outcome, PutOutcome::Applied);
}

async fn found_entities(store: &Arc<dyn Store>, limit: usize) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = store.entities(all.last().map(|last| &last.entity), limit).await.expect("answered");
        assert!(page.len() <= limit);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
    panic!("pages without end")
}

async fn found_keys(store: &Arc<dyn Store>, limit: usize) -> Vec<RecordKey> {
    let mut all: Vec<RecordKey> = Vec::new();
    for _ in 0..MAX_PAGES {
        let page = store.record_keys(all.last(), limit).await.expect("answered");
        assert!(page.len() <= limit);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
    panic!("pages without end")
}

pub async fn an_empty_store_has_nothing_to_move(store: &Arc<dyn Store>) {
    assert_eq!(found_entities(store, 10).await, []);
    assert_eq!(found_keys(store, 10).await, []);
    // Records are no entities and entities no records.
    applied(store, one(&scattered(1), 0)).await;
    assert_eq!(found_keys(store, 10).await, []);
    put(store, &RecordKey::new("acme", "documents", "a"), 0).await;
    assert_eq!(found_entities(store, 10).await.len(), 1);
    assert_eq!(store.entities(None, 0).await.expect("answered"), []);
    assert_eq!(store.record_keys(None, 0).await.expect("answered"), []);
}

pub async fn every_entity_is_found_once_over_pages_with_its_head_and_wake(store: &Arc<dyn Store>) {
    let mut expected: HashMap<Entity, (u64, Option<Timestamp>)> = HashMap::new();
    for (number, entity) in entities().into_iter().enumerate() {
        let head = 1 + number as u64 % 3;
        let wake = (!number.is_multiple_of(4)).then(|| at(1_000_000 + number as i64));
        for seq in 0..head {
            // An earlier wake-up that the last commit replaces.
            let wake = if seq + 1 == head { wake } else { Some(at(5)) };
            applied(store, Commit { wake, ..one(&entity, seq) }).await;
        }
        expected.insert(entity, (head, wake));
    }
    for limit in [1, 2, 7, expected.len(), usize::MAX] {
        let found = found_entities(store, limit).await;
        assert_eq!(found.len(), expected.len(), "{limit} a page");
        for Standing { entity, head, wake, .. } in found {
            let (own_head, own_wake) = expected[&entity];
            assert_eq!(head, own_head, "{entity:?}");
            // An earlier one is spare, a later or missing one is lost.
            if let Some(own) = own_wake {
                assert!(wake.is_some_and(|wake| wake <= own), "{entity:?}: {wake:?} for {own}");
            }
        }
    }
    let settled = entities().remove(1);
    let wake = expected[&settled].1.expect("it has a wake-up");
    let next = wake + Duration::from_secs(77);
    store.settle(&Wake { entity: settled.clone(), due: wake }, expected[&settled].0, Some(next)).await.expect("settled");
    let found = found_entities(store, 3).await.into_iter().find(|standing| standing.entity == settled).expect("it is there");
    assert!(found.wake.is_some_and(|wake| wake <= next), "what was settled: {:?}", found.wake);
}

pub async fn every_entity_is_found_with_its_key_and_listing(store: &Arc<dyn Store>) {
    let states = [Listing::Listed, Listing::Unlisted, Listing::Removed];
    let mut expected = HashMap::new();
    for (number, entity) in entities().into_iter().enumerate() {
        let (key, listing) = ((number % 4 > 0).then(|| vec![number as u8; number]), states[number % 3]);
        applied(store, Commit { key: key.clone(), listing, ..one(&entity, 0) }).await;
        expected.insert(entity, (key, listing));
    }
    for limit in [2, usize::MAX] {
        for Standing { entity, key, listing, .. } in found_entities(store, limit).await {
            assert_eq!((key, listing), expected[&entity], "{entity:?}");
        }
    }
    // As later commits leave them.
    let (replaced, removed) = (&entities()[1], &entities()[3]);
    applied(store, Commit { key: Some(b"another".to_vec()), ..one(replaced, 1) }).await;
    applied(store, Commit { listing: Listing::Removed, ..one(removed, 1) }).await;
    let found = found_entities(store, 7).await;
    let of = |entity: &Entity| found.iter().find(|standing| standing.entity == *entity).expect("it is there");
    assert_eq!((of(replaced).key.as_deref(), of(replaced).listing), (Some(b"another".as_slice()), Listing::Unlisted));
    assert_eq!((of(removed).key.as_deref(), of(removed).listing), (Some([3; 3].as_slice()), Listing::Removed));
}

pub async fn every_record_key_is_found_once_over_pages(store: &Arc<dyn Store>) {
    let mut expected = keys();
    for (number, key) in expected.iter().enumerate() {
        for version in 0..=(number as u64 % 3) {
            put(store, key, version).await;
        }
    }
    expected.sort();
    for limit in [1, 2, 7, expected.len(), usize::MAX] {
        let mut found = found_keys(store, limit).await;
        found.sort();
        assert_eq!(found, expected, "{limit} a page");
    }
}

pub async fn writes_between_pages_lose_nothing_that_was_there(store: &Arc<dyn Store>) {
    let (before, keys) = (entities(), keys());
    for entity in &before {
        applied(store, one(entity, 0)).await;
    }
    for key in &keys {
        put(store, key, 0).await;
    }
    let (mut seen, mut seen_keys): (Vec<Standing>, Vec<RecordKey>) = (Vec::new(), Vec::new());
    for page in 0..MAX_PAGES as u128 {
        let entities = store.entities(seen.last().map(|last| &last.entity), 5).await.expect("answered");
        let more_keys = store.record_keys(seen_keys.last(), 5).await.expect("answered");
        // Until all that was there has been shown: what comes meanwhile may go on for ever.
        let rest = before.iter().filter(|entity| !seen.iter().chain(&entities).any(|found| found.entity == **entity)).count();
        let rest_keys = keys.iter().filter(|key| !seen_keys.iter().chain(&more_keys).any(|found| found == *key)).count();
        assert!(rest == 0 || !entities.is_empty(), "{rest} entities are lost");
        assert!(rest_keys == 0 || !more_keys.is_empty(), "{rest_keys} records are lost");
        seen.extend(entities);
        seen_keys.extend(more_keys);
        if rest == 0 && rest_keys == 0 {
            let distinct: std::collections::HashSet<_> = seen.iter().map(|standing| &standing.entity).collect();
            assert_eq!(distinct.len(), seen.len(), "something was found twice");
            return;
        }
        // Something new, before and behind, and something old that moves on.
        let newcomer = Entity { id: Uuid::from_u128(page + 1), ..before[page as usize % before.len()].clone() };
        applied(store, one(&newcomer, 0)).await;
        applied(store, one(&scattered(1_000 + page), 0)).await;
        let turn = page as usize;
        applied(store, one(&before[turn % before.len()], 1 + (turn / before.len()) as u64)).await;
        put(store, &RecordKey::new("acme", "thing", format!("new {page}")), 0).await;
        put(store, &keys[turn % keys.len()], 1 + (turn / keys.len()) as u64).await;
    }
    panic!("pages without end")
}
