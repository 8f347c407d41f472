//! Rules of journals: numbers, compare-and-append, snapshots, bounds, separation.

use std::sync::Arc;

use uuid::Uuid;

use super::{applied, at, commit, one, thing};
use crate::{
    Commit, CommitOutcome, Entity, Entry, Error, Loaded, MAX_BODY, MAX_COMMIT, MAX_ENTRIES, MAX_LOADS, MAX_NAME, Snapshot, Store,
    resolve_unknown,
};

async fn load(store: &Arc<dyn Store>, entity: &Entity) -> Option<Loaded> {
    store.load(entity).await.expect("the load is answered")
}

async fn loaded(store: &Arc<dyn Store>, entity: &Entity) -> Loaded {
    load(store, entity).await.expect("the entity is there")
}

fn numbers(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq).collect()
}

pub async fn an_entity_without_entries_is_not_there(store: &Arc<dyn Store>) {
    assert_eq!(load(store, &thing(1)).await, None);
    assert_eq!(store.entries(&thing(1), 1, 10).await.expect("answered"), []);
    applied(store, one(&thing(2), 0)).await;
    assert_eq!(load(store, &thing(1)).await, None);
}

pub async fn entries_are_numbered_from_one_without_gaps(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, Commit { entries: vec![b"a".to_vec(), b"b".to_vec()], ..one(&entity, 0) }).await;
    applied(store, one(&entity, 2)).await;
    applied(store, Commit { entries: vec![b"d".to_vec(), b"e".to_vec(), b"f".to_vec()], ..one(&entity, 3) }).await;
    let loaded = loaded(store, &entity).await;
    assert_eq!(loaded.head, 6);
    assert_eq!(numbers(&loaded.entries), [1, 2, 3, 4, 5, 6]);
    assert_eq!(loaded.entries[4].body, b"e");
}

pub async fn what_was_appended_comes_back_exactly(store: &Arc<dyn Store>) {
    let entity = thing(u128::MAX);
    let bodies = vec![Vec::new(), vec![0, 255, 0], vec![7; MAX_BODY]];
    let commit_id = Uuid::new_v4();
    let written = Commit { entries: bodies.clone(), at: at(123_456), commit_id, ..one(&entity, 0) };
    applied(store, Commit { snapshot: Some(vec![9; MAX_BODY]), ..written }).await;
    let expected: Vec<Entry> = (1..).zip(bodies).map(|(seq, body)| Entry { seq, at: at(123_456), commit_id, body }).collect();
    assert_eq!(store.entries(&entity, 1, 10).await.expect("answered"), expected);
    let snapshot = Some(Snapshot { seq: 3, body: vec![9; MAX_BODY] });
    assert_eq!(loaded(store, &entity).await, Loaded { head: 3, snapshot, entries: Vec::new(), key: None });
}

pub async fn a_stale_head_conflicts_and_writes_nothing(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, one(&entity, 0)).await;
    applied(store, one(&entity, 1)).await;
    let before = loaded(store, &entity).await;
    for stale in [0, 1] {
        let late = Commit { snapshot: Some(b"late".to_vec()), ..one(&entity, stale) };
        assert_eq!(commit(store, late).await, CommitOutcome::Conflict { head: 2 });
    }
    assert_eq!(loaded(store, &entity).await, before);
}

pub async fn a_head_not_yet_reached_conflicts(store: &Arc<dyn Store>) {
    assert_eq!(commit(store, one(&thing(1), 1)).await, CommitOutcome::Conflict { head: 0 });
    assert_eq!(load(store, &thing(1)).await, None);
    applied(store, one(&thing(1), 0)).await;
    assert_eq!(commit(store, one(&thing(1), 2)).await, CommitOutcome::Conflict { head: 1 });
    assert_eq!(loaded(store, &thing(1)).await.head, 1);
}

pub async fn an_acknowledged_commit_is_read_at_once(store: &Arc<dyn Store>) {
    for head in 0..40 {
        applied(store, one(&thing(1), head)).await;
        assert_eq!(loaded(store, &thing(1)).await.head, head + 1);
    }
}

pub async fn many_writers_of_one_entity_leave_one_gapless_journal(store: &Arc<dyn Store>) {
    const WRITERS: u128 = 12;
    const COMMITS: u128 = 5;
    let write = |writer: u128| {
        let store = Arc::clone(store);
        async move {
            let mut head = 0;
            for number in 0..COMMITS {
                let commit_id = Uuid::from_u128(writer * COMMITS + number + 1);
                loop {
                    let attempt = Commit { entries: vec![b"x".to_vec(); 2], commit_id, ..one(&thing(1), head) };
                    match commit(&store, attempt).await {
                        CommitOutcome::Applied => break head += 2,
                        CommitOutcome::Conflict { head: current } => head = current,
                        CommitOutcome::Unknown => panic!("an unknown outcome nobody resolved"),
                    }
                }
            }
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(writer))).collect();
    for writer in writers {
        writer.await.expect("the writer finishes");
    }
    let entries = store.entries(&thing(1), 1, usize::MAX).await.expect("answered");
    let expected = u64::try_from(WRITERS * COMMITS * 2).expect("small");
    assert_eq!(numbers(&entries), (1..=expected).collect::<Vec<_>>());
    // Each commit stands there once, with its entries side by side.
    let mut ids: Vec<u128> = Vec::new();
    for pair in entries.chunks(2) {
        assert_eq!(pair[0].commit_id, pair[1].commit_id);
        ids.push(pair[0].commit_id.as_u128());
    }
    ids.sort_unstable();
    assert_eq!(ids, (1..=WRITERS * COMMITS).collect::<Vec<_>>());
}

pub async fn writers_of_different_entities_do_not_conflict(store: &Arc<dyn Store>) {
    let write = |number: u128| {
        let store = Arc::clone(store);
        async move {
            for head in 0..4 {
                applied(&store, one(&thing(number), head)).await;
            }
        }
    };
    let writers: Vec<_> = (0..24).map(|number| tokio::spawn(write(number))).collect();
    for writer in writers {
        writer.await.expect("the writer finishes");
    }
    for number in 0..24 {
        assert_eq!(numbers(&loaded(store, &thing(number)).await.entries), [1, 2, 3, 4]);
    }
}

pub async fn a_load_during_writes_is_a_state_that_was(store: &Arc<dyn Store>) {
    let writing = tokio::spawn({
        let store = Arc::clone(store);
        async move {
            for head in 0..60 {
                let snapshot = (head % 7 == 0).then(|| head.to_string().into_bytes());
                applied(&store, Commit { snapshot, ..one(&thing(1), head) }).await;
            }
        }
    });
    let mut last = 0;
    while !writing.is_finished() {
        tokio::task::yield_now().await;
        let Some(seen) = load(store, &thing(1)).await else { continue };
        let told = seen.snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        assert_eq!(numbers(&seen.entries), (told + 1..=seen.head).collect::<Vec<_>>());
        assert!(seen.head >= last, "a head went back from {last} to {}", seen.head);
        last = seen.head;
    }
    writing.await.expect("the writer finishes");
}

pub async fn a_snapshot_shortens_the_load_and_not_the_journal(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, one(&entity, 0)).await;
    applied(store, Commit { snapshot: Some(b"two".to_vec()), ..one(&entity, 1) }).await;
    applied(store, one(&entity, 2)).await;
    let loaded = loaded(store, &entity).await;
    assert_eq!(loaded.head, 3);
    assert_eq!(loaded.snapshot, Some(Snapshot { seq: 2, body: b"two".to_vec() }));
    assert_eq!(numbers(&loaded.entries), [3]);
    assert_eq!(numbers(&store.entries(&entity, 1, 10).await.expect("answered")), [1, 2, 3]);
}

pub async fn the_newest_snapshot_stays_until_a_newer_one(store: &Arc<dyn Store>) {
    let entity = thing(1);
    for (head, snapshot) in [(0, Some("one")), (1, None), (2, Some("three")), (3, None)] {
        applied(store, Commit { snapshot: snapshot.map(|text| text.into()), ..one(&entity, head) }).await;
    }
    let loaded = loaded(store, &entity).await;
    assert_eq!(loaded.snapshot, Some(Snapshot { seq: 3, body: b"three".to_vec() }));
    assert_eq!(numbers(&loaded.entries), [4]);
}

pub async fn entries_are_read_in_pages(store: &Arc<dyn Store>) {
    applied(store, Commit { entries: vec![b"x".to_vec(); 5], ..one(&thing(1), 0) }).await;
    for (from, limit, expected) in
        [(1, 2, vec![1, 2]), (3, 2, vec![3, 4]), (5, 2, vec![5]), (6, 2, vec![]), (1, 0, vec![]), (0, 2, vec![1, 2])]
    {
        let entries = store.entries(&thing(1), from, limit).await.expect("answered");
        assert_eq!(numbers(&entries), expected, "from {from}, at most {limit}");
    }
    assert_eq!(store.entries(&thing(1), u64::MAX, usize::MAX).await.expect("answered"), []);
}

pub async fn many_are_loaded_in_the_order_asked_for_as_each_alone(store: &Arc<dyn Store>) {
    assert_eq!(store.load_many(&[]).await.expect("answered"), []);
    for number in 0..150 {
        for head in 0..number % 3 {
            let snapshot = (head == 1).then(|| b"two".to_vec());
            let key = (number % 2 == 0).then(|| vec![number as u8; 40]);
            applied(store, Commit { snapshot, key, ..one(&thing(number), head as u64) }).await;
        }
    }
    // Some twice, a third not there, and one of an organization that is not there.
    let asked = (0..150).rev().chain([7, 7, 999]).map(thing).chain([Entity::new("nobody", "thing", Uuid::from_u128(7))]);
    let asked: Vec<Entity> = asked.collect();
    let found = store.load_many(&asked).await.expect("answered");
    assert_eq!(found.len(), asked.len());
    for (entity, found) in asked.iter().zip(found) {
        assert_eq!(found, load(store, entity).await, "{entity:?}");
    }
}

pub async fn more_loads_than_the_bound_are_refused(store: &Arc<dyn Store>) {
    let asked: Vec<Entity> = (0..=MAX_LOADS as u128).map(thing).collect();
    applied(store, one(&thing(5), 0)).await;
    assert!(matches!(store.load_many(&asked).await, Err(Error::Refused(_))));
    let found = store.load_many(&asked[1..]).await.expect("answered");
    assert_eq!(found.iter().filter(|found| found.is_some()).count(), 1);
}

pub async fn a_commit_over_a_bound_is_refused_and_writes_nothing(store: &Arc<dyn Store>) {
    let good = || one(&thing(1), 0);
    let long = "x".repeat(MAX_NAME + 1);
    let full = vec![vec![0; MAX_BODY]; MAX_COMMIT / MAX_BODY];
    let bad = [
        Commit { entries: Vec::new(), ..good() },
        Commit { entries: vec![vec![0; MAX_BODY + 1]], ..good() },
        Commit { snapshot: Some(vec![0; MAX_BODY + 1]), ..good() },
        Commit { entries: vec![Vec::new(); MAX_ENTRIES + 1], ..good() },
        Commit { entries: full, snapshot: Some(vec![0]), ..good() },
        Commit { entity: Entity::new(long.clone(), "thing", Uuid::nil()), ..good() },
        Commit { entity: Entity::new("acme", long, Uuid::nil()), ..good() },
        Commit { expected_head: u64::MAX, ..good() },
    ];
    for commit in bad {
        assert!(matches!(store.commit(commit).await, Err(Error::Refused(_))));
    }
    assert_eq!(load(store, &thing(1)).await, None);
}

pub async fn organizations_and_kinds_are_apart(store: &Arc<dyn Store>) {
    let mine = thing(1);
    let others = [Entity::new("acme", "other", mine.id), Entity::new("Acme", "thing", mine.id), Entity::new("", "", mine.id)];
    applied(store, one(&mine, 0)).await;
    applied(store, one(&mine, 1)).await;
    for other in &others {
        assert_eq!(load(store, other).await, None);
        assert_eq!(store.entries(other, 1, 10).await.expect("answered"), []);
        applied(store, one(other, 0)).await;
    }
    assert_eq!(loaded(store, &mine).await.head, 2);
    for other in &others {
        assert_eq!(loaded(store, other).await.head, 1);
    }
}

pub async fn names_from_outside_are_just_names(store: &Arc<dyn Store>) {
    for name in ["'; DROP TABLE entity; --", "a\0b", "%", "ümlaut/../\n", "\u{10ffff}"] {
        let entity = Entity::new(name, name, Uuid::from_u128(1));
        applied(store, one(&entity, 0)).await;
        assert_eq!(loaded(store, &entity).await.head, 1, "{name:?}");
    }
    assert_eq!(load(store, &Entity::new("a", "a", Uuid::from_u128(1))).await, None);
}

pub async fn an_unknown_commit_can_be_resolved(store: &Arc<dyn Store>) {
    let resolve = async |what: &Commit| {
        for _ in 0..1000 {
            match resolve_unknown(&**store, what).await {
                CommitOutcome::Unknown => {}
                known => return known,
            }
        }
        panic!("a store that reads cannot say what became of a commit")
    };
    let mine = Commit { entries: vec![b"a".to_vec(), b"b".to_vec()], ..one(&thing(1), 0) };
    assert_eq!(resolve(&mine).await, CommitOutcome::Conflict { head: 0 });
    applied(store, mine.clone()).await;
    applied(store, Commit { snapshot: Some(b"s".to_vec()), ..one(&thing(1), 2) }).await;
    assert_eq!(resolve(&mine).await, CommitOutcome::Applied);
    assert_eq!(resolve(&one(&thing(1), 0)).await, CommitOutcome::Conflict { head: 3 });
}
