//! Two stores given the same calls must answer the same and then hold the same, to the letter. One of them is the model.

use std::sync::Arc;

use uuid::Uuid;

use super::{at, scattered};
use crate::{Commit, Entity, Listing, Mark, RecordKey, SHARDS, Store, Wake};

/// Entities and keys that a script speaks of.
pub const THINGS: u8 = 6;

/// Marks that a script speaks of.
const MARKS: u8 = 4;

/// One call. Numbers are taken modulo what there is, heads and versions relative to what the store has.
#[derive(Clone, Debug)]
pub enum Step {
    Commit {
        thing: u8,
        /// Added to the head that the store has; 0 applies.
        off: i8,
        /// Lengths of the entries.
        entries: Vec<u16>,
        snapshot: bool,
        /// Microseconds.
        at: i16,
        wake: Option<i16>,
        /// Length of the key.
        key: Option<u8>,
        listing: Listing,
        /// Which of a few.
        marks: Option<Vec<u8>>,
    },
    Settle {
        thing: u8,
        due: i16,
        off: i8,
        next: Option<i16>,
    },
    Put {
        thing: u8,
        off: i8,
        length: u16,
    },
}

/// Performs the script on both and compares answer by answer, then everything that can be read.
pub async fn behaves_like(model: &Arc<dyn Store>, store: &Arc<dyn Store>, script: &[Step]) {
    for (number, step) in script.iter().enumerate() {
        let expected = perform(model, step, number).await;
        let answer = perform(store, step, number).await;
        assert_eq!(answer, expected, "step {number}: {step:?}");
    }
    holds_the_same(model, store).await;
}

/// Compares everything that can be read of what scripts write.
pub async fn holds_the_same(model: &Arc<dyn Store>, store: &Arc<dyn Store>) {
    for thing in 0..THINGS {
        let (entity, key) = (entity(thing), key(thing));
        assert_eq!(store.load(&entity).await.ok(), model.load(&entity).await.ok());
        assert_eq!(store.key(&entity).await.ok(), model.key(&entity).await.ok());
        for (from, limit) in [(1, usize::MAX), (2, 3)] {
            assert_eq!(store.entries(&entity, from, limit).await.ok(), model.entries(&entity, from, limit).await.ok());
        }
        assert_eq!(store.get(&key).await.ok(), model.get(&key).await.ok());
        for (before, limit) in [(None, usize::MAX), (Some(3), 2)] {
            assert_eq!(store.history(&key, before, limit).await.ok(), model.history(&key, before, limit).await.ok());
        }
        let shared = ("acme", "documents", "k", Some(key.key.as_str()), 2);
        let (organization, collection, prefix, after, limit) = shared;
        let listed = store.records(organization, collection, prefix, after, limit).await.ok();
        assert_eq!(listed, model.records(organization, collection, prefix, after, limit).await.ok());
    }
    let things: Vec<Entity> = (0..THINGS).map(entity).collect();
    assert_eq!(store.load_many(&things).await.ok(), model.load_many(&things).await.ok());
    let moved = async |store: &Arc<dyn Store>| {
        let mut all = store.entities(None, usize::MAX).await.expect("answered");
        all.sort_by_key(|standing| standing.entity.clone());
        all
    };
    assert_eq!(moved(store).await, moved(model).await);
    for until in [-40_000, -100, 0, 50, 40_000] {
        for shards in [0..SHARDS, 1..SHARDS / 2] {
            assert_eq!(due(store, shards.clone(), until).await, due(model, shards, until).await);
        }
    }
    for (kind, mark) in ["even", "odd"].iter().flat_map(|kind| (0..MARKS).map(move |mark| (kind, self::mark(mark)))) {
        let mut after = None;
        loop {
            let page = store.find("acme", kind, mark, after.as_ref(), 2).await.expect("answered");
            assert_eq!(page, model.find("acme", kind, mark, after.as_ref(), 2).await.expect("answered"));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
    for kind in ["even", "odd"] {
        let mut after = None;
        loop {
            let page = store.list("acme", kind, after.as_ref(), 2).await.expect("answered");
            assert_eq!(page, model.list("acme", kind, after.as_ref(), 2).await.expect("answered"));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
    }
}

/// Wakes of one moment come in any order.
async fn due(store: &Arc<dyn Store>, shards: std::ops::Range<u16>, until: i64) -> Vec<Wake> {
    let mut wakes = store.due(shards, at(until), usize::MAX).await.expect("answered");
    assert!(wakes.is_sorted_by_key(|wake| wake.due));
    wakes.sort_by_key(|wake| (wake.due, wake.entity.clone()));
    wakes
}

fn entity(thing: u8) -> Entity {
    let thing = thing % THINGS;
    let kind = if thing.is_multiple_of(2) { "even" } else { "odd" };
    Entity { kind: kind.into(), ..scattered(thing.into()) }
}

fn mark(number: u8) -> Mark {
    Mark([number % MARKS; Mark::LEN])
}

fn key(thing: u8) -> RecordKey {
    RecordKey::new("acme", "documents", format!("k{}", thing % THINGS))
}

async fn perform(store: &Arc<dyn Store>, step: &Step, number: usize) -> String {
    match step {
        Step::Commit { thing, off, entries, snapshot, at: moment, wake, key, listing, marks } => {
            let entity = entity(*thing);
            let commit = Commit {
                expected_head: shifted(head(store, &entity).await, *off),
                entity,
                entries: entries.iter().map(|length| vec![b'e'; usize::from(*length)]).collect(),
                at: at(i64::from(*moment)),
                snapshot: snapshot.then(|| format!("after step {number}").into_bytes()),
                wake: wake.map(|wake| at(i64::from(wake))),
                commit_id: Uuid::from_u128(number as u128),
                // Each another one.
                key: key.map(|length| vec![number as u8; usize::from(length)]),
                listing: *listing,
                marks: marks.as_ref().map(|marks| marks.iter().map(|mark| self::mark(*mark)).collect()),
            };
            format!("{:?}", store.commit(commit).await)
        }
        Step::Settle { thing, due, off, next } => {
            let entity = entity(*thing);
            let head = shifted(head(store, &entity).await, *off);
            let wake = Wake { entity, due: at(i64::from(*due)) };
            format!("{:?}", store.settle(&wake, head, next.map(|next| at(i64::from(next)))).await)
        }
        Step::Put { thing, off, length } => {
            let key = key(*thing);
            let current = store.get(&key).await.expect("answered").map_or(0, |record| record.version);
            // The step's number tells its body from every other: a resolver knows its own put by it.
            let mut body = number.to_be_bytes().to_vec();
            body.resize(body.len() + usize::from(*length), b'r');
            format!("{:?}", store.put_if(&key, shifted(current, *off), at(number as i64), body).await)
        }
    }
}

async fn head(store: &Arc<dyn Store>, entity: &Entity) -> u64 {
    store.load(entity).await.expect("answered").map_or(0, |loaded| loaded.head)
}

fn shifted(number: u64, off: i8) -> u64 {
    number.saturating_add_signed(off.into())
}
