//! Rules of wake-ups. None may be lost or early; spare ones are allowed until they are settled.

use std::{sync::Arc, time::Duration};

use super::{applied, at, commit, one, thing};
use crate::{Commit, CommitOutcome, Entity, SHARDS, Store, Timestamp, Wake};

async fn due(store: &Arc<dyn Store>, until: i64) -> Vec<Wake> {
    let wakes = store.due(0..SHARDS, at(until), usize::MAX).await.expect("answered");
    assert!(wakes.is_sorted_by_key(|wake| wake.due), "wakes out of order: {wakes:?}");
    assert!(wakes.iter().all(|wake| wake.due <= at(until)), "wakes before their moment: {wakes:?}");
    wakes
}

async fn is_due(store: &Arc<dyn Store>, entity: &Entity, moment: i64) -> bool {
    due(store, moment).await.contains(&wake(entity, moment))
}

fn wake(entity: &Entity, moment: i64) -> Wake {
    Wake { entity: entity.clone(), due: at(moment) }
}

/// A commit of one entry with a wake-up.
fn waking(entity: &Entity, head: u64, moment: i64) -> Commit {
    Commit { wake: Some(at(moment)), ..one(entity, head) }
}

async fn settle(store: &Arc<dyn Store>, wake: &Wake, head: u64, next: Option<i64>) {
    store.settle(wake, head, next.map(at)).await.expect("settled");
}

pub async fn a_wake_is_due_from_its_moment_on(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, waking(&entity, 0, 1_000)).await;
    assert_eq!(due(store, 999).await, []);
    assert_eq!(due(store, 1_000).await, [wake(&entity, 1_000)]);
    assert_eq!(due(store, 1_000_000).await, [wake(&entity, 1_000)]);
}

pub async fn wakes_come_earliest_first_and_at_most_as_many_as_asked(store: &Arc<dyn Store>) {
    // Neighbouring numbers lie in different shards.
    for (number, moment) in [(1, 300), (2, 100), (3, 200), (4, 400), (5, 500)] {
        applied(store, waking(&thing(number), 0, moment)).await;
    }
    let all = [wake(&thing(2), 100), wake(&thing(3), 200), wake(&thing(1), 300), wake(&thing(4), 400)];
    assert_eq!(due(store, 400).await, all);
    for limit in [0, 1, 3] {
        let some = store.due(0..SHARDS, at(400), limit).await.expect("answered");
        assert_eq!(some, all[..limit]);
    }
}

pub async fn wakes_come_from_the_shards_named_only(store: &Arc<dyn Store>) {
    for number in 0..u128::from(SHARDS) {
        applied(store, waking(&thing(number), 0, 100)).await;
    }
    let mut seen = 0;
    for shards in [0..1, 1..20, 20..20, 20..SHARDS] {
        let wakes = store.due(shards.clone(), at(100), usize::MAX).await.expect("answered");
        assert!(wakes.iter().all(|wake| shards.contains(&wake.entity.shard())));
        assert_eq!(wakes.len(), shards.len());
        seen += wakes.len();
    }
    assert_eq!(seen, usize::from(SHARDS));
}

pub async fn a_later_commit_brings_its_own_wake(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, waking(&entity, 0, 500)).await;
    applied(store, waking(&entity, 1, 100)).await;
    assert!(is_due(store, &entity, 100).await);
    applied(store, waking(&entity, 2, 900)).await;
    assert!(is_due(store, &entity, 900).await);
    applied(store, waking(&entity, 3, 900)).await;
    assert!(is_due(store, &entity, 900).await);
}

pub async fn a_wake_is_never_early(store: &Arc<dyn Store>) {
    let entity = thing(1);
    let between = at(100) + Duration::from_nanos(300);
    applied(store, Commit { wake: Some(between), ..one(&entity, 0) }).await;
    assert_eq!(store.due(0..SHARDS, at(100), 10).await.expect("answered"), []);
    assert_eq!(due(store, 101).await, [wake(&entity, 101)]);
    // Settled by the moment as it was asked for.
    store.settle(&Wake { entity: entity.clone(), due: between }, 1, None).await.expect("settled");
    assert_eq!(due(store, 1_000).await, []);
}

pub async fn a_settled_wake_is_forgotten(store: &Arc<dyn Store>) {
    applied(store, waking(&thing(1), 0, 100)).await;
    applied(store, waking(&thing(2), 0, 100)).await;
    settle(store, &wake(&thing(1), 100), 1, None).await;
    assert_eq!(due(store, 1_000).await, [wake(&thing(2), 100)]);
}

pub async fn a_settled_wake_leaves_the_next_one(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, waking(&entity, 0, 100)).await;
    settle(store, &wake(&entity, 100), 1, Some(250)).await;
    assert_eq!(due(store, 249).await, []);
    assert_eq!(due(store, 250).await, [wake(&entity, 250)]);
}

pub async fn settling_behind_the_head_does_nothing(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, waking(&entity, 0, 100)).await;
    applied(store, waking(&entity, 1, 200)).await;
    settle(store, &wake(&entity, 100), 1, None).await;
    assert!(is_due(store, &entity, 200).await);
    settle(store, &wake(&entity, 200), 1, Some(900)).await;
    assert!(is_due(store, &entity, 200).await);
}

pub async fn settling_a_replaced_wake_keeps_the_earlier_moment(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, waking(&entity, 0, 100)).await;
    settle(store, &wake(&entity, 100), 1, Some(200)).await;
    // Somebody who looked at the first wake as well, and finds something later, or nothing.
    settle(store, &wake(&entity, 100), 1, Some(300)).await;
    assert!(is_due(store, &entity, 200).await);
    settle(store, &wake(&entity, 100), 1, None).await;
    assert!(is_due(store, &entity, 200).await);
    settle(store, &wake(&entity, 100), 1, Some(150)).await;
    assert!(is_due(store, &entity, 150).await);
}

pub async fn settling_what_was_never_written_is_harmless(store: &Arc<dyn Store>) {
    settle(store, &wake(&thing(1), 100), 0, None).await;
    settle(store, &wake(&thing(2), 100), 5, None).await;
    assert_eq!(store.load(&thing(1)).await.expect("answered"), None);
    assert_eq!(due(store, 1_000).await, []);
}

pub async fn settling_twice_is_settling_once(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, waking(&entity, 0, 100)).await;
    for _ in 0..2 {
        settle(store, &wake(&entity, 100), 1, Some(200)).await;
    }
    assert_eq!(due(store, 1_000).await, [wake(&entity, 200)]);
}

pub async fn a_conflict_leaves_the_wake_as_it_was(store: &Arc<dyn Store>) {
    let entity = thing(1);
    applied(store, waking(&entity, 0, 100)).await;
    let nothing: Option<Timestamp> = None;
    for wake in [nothing, Some(at(900))] {
        let late = Commit { wake, ..one(&entity, 0) };
        assert_eq!(commit(store, late).await, CommitOutcome::Conflict { head: 1 });
    }
    assert!(is_due(store, &entity, 100).await);
}
