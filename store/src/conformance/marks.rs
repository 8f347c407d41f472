//! Rules of marks.

use std::sync::Arc;

use super::{applied, at, commit, one, thing};
use crate::{Commit, CommitOutcome, Cursor, Entity, Error, Listing, MAX_MARKS, Mark, Store};

fn mark(number: u8) -> Mark {
    Mark([number; Mark::LEN])
}

fn marks(numbers: &[u8]) -> Option<Vec<Mark>> {
    Some(numbers.iter().copied().map(mark).collect())
}

/// A first commit at that moment.
fn marked(entity: &Entity, moment: i64, numbers: &[u8]) -> Commit {
    Commit { at: at(moment), marks: marks(numbers), ..one(entity, 0) }
}

/// Numbers of the things found, over pages of `limit`.
async fn found(store: &Arc<dyn Store>, number: u8, limit: usize) -> Vec<u128> {
    let mut all = Vec::new();
    let mut after: Option<Cursor> = None;
    for _ in 0..100 {
        let page = store.find("acme", "thing", mark(number), after.as_ref(), limit).await.expect("answered");
        assert!(page.items.len() <= limit);
        all.extend(page.items.iter().map(|item| item.entity.id.as_u128()));
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
    panic!("a search without end")
}

pub async fn what_has_a_mark_is_found_newest_first(store: &Arc<dyn Store>) {
    assert_eq!(found(store, 1, 10).await, [0_u128; 0]);
    // Days apart, so that they lie in several partitions.
    let day = 86_400_000_000;
    for (number, moment, of) in
        [(1, 20, &[1, 2][..]), (2, -3 * day, &[1]), (3, 2 * day, &[2, 2]), (4, 30, &[]), (5, 20, &[2, 1]), (6, day, &[1])]
    {
        applied(store, marked(&thing(number), moment, of)).await;
    }
    applied(store, one(&thing(7), 0)).await;
    for limit in 1..=5 {
        assert_eq!(found(store, 1, limit).await, [6, 5, 1, 2], "{limit} a page");
        assert_eq!(found(store, 2, limit).await, [3, 5, 1], "{limit} a page");
        assert_eq!(found(store, 3, limit).await, [0_u128; 0], "{limit} a page");
    }
    let page = store.find("acme", "thing", mark(2), None, 3).await.expect("answered");
    assert_eq!(page.next, None, "the last page says so");
    assert_eq!((page.items[0].created_at, page.items[0].head), (at(2 * day), 1));
}

pub async fn marks_change_with_a_commit_and_only_with_it(store: &Arc<dyn Store>) {
    applied(store, marked(&thing(1), 10, &[1, 2])).await;
    applied(store, marked(&thing(2), 20, &[1])).await;
    // As they were.
    applied(store, one(&thing(1), 1)).await;
    assert_eq!((found(store, 1, 10).await, found(store, 2, 10).await), (vec![2, 1], vec![1]));
    // One goes, one stays, one comes; the place stays that of the creation.
    let several = Commit { entries: vec![b"x".to_vec(); 2], at: at(99), marks: marks(&[3, 2]), ..one(&thing(1), 2) };
    applied(store, several).await;
    for (number, expected) in [(1, vec![2]), (2, vec![1]), (3, vec![1])] {
        assert_eq!(found(store, number, 10).await, expected, "mark {number}");
    }
    // Who comes second changes nothing.
    let stale = Commit { marks: marks(&[4]), ..one(&thing(1), 1) };
    assert_eq!(commit(store, stale).await, CommitOutcome::Conflict { head: 4 });
    assert_eq!(commit(store, marked(&thing(2), 30, &[4])).await, CommitOutcome::Conflict { head: 1 });
    assert_eq!((found(store, 4, 10).await, found(store, 3, 10).await), (vec![], vec![1]));
    // And none is left when there is none.
    applied(store, Commit { marks: marks(&[]), ..one(&thing(1), 4) }).await;
    for number in 1..=4 {
        assert!(!found(store, number, 10).await.contains(&1), "mark {number}");
    }
    // They may come late, and come back.
    applied(store, Commit { marks: marks(&[2]), ..one(&thing(1), 5) }).await;
    assert_eq!(found(store, 2, 10).await, [1]);
}

pub async fn a_mark_is_of_one_organization_and_kind(store: &Arc<dyn Store>) {
    applied(store, marked(&thing(1), 10, &[1])).await;
    for (organization, kind) in [("acme", "other"), ("other", "thing"), ("acm", "ething")] {
        let page = store.find(organization, kind, mark(1), None, 10).await.expect("answered");
        assert!(page.items.is_empty() && page.next.is_none(), "{organization} {kind}");
        applied(store, marked(&Entity::new(organization, kind, thing(5).id), 20, &[1])).await;
    }
    assert_eq!(found(store, 1, 10).await, [1]);
}

pub async fn what_is_outside_listings_is_found_by_its_marks(store: &Arc<dyn Store>) {
    applied(store, Commit { listing: Listing::Unlisted, ..marked(&thing(1), 10, &[1]) }).await;
    applied(store, marked(&thing(2), 20, &[1])).await;
    applied(store, Commit { listing: Listing::Removed, ..one(&thing(2), 1) }).await;
    assert_eq!(found(store, 1, 10).await, [2, 1]);
    applied(store, Commit { listing: Listing::Removed, marks: marks(&[]), ..one(&thing(2), 2) }).await;
    assert_eq!(found(store, 1, 10).await, [1]);
}

pub async fn marks_over_the_bound_are_refused(store: &Arc<dyn Store>) {
    let many = |count: usize| Some((0..count).map(|number| Mark((number as u128).to_be_bytes())).collect());
    let refused = store.commit(Commit { marks: many(MAX_MARKS + 1), ..one(&thing(1), 0) }).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    applied(store, Commit { marks: many(MAX_MARKS), ..one(&thing(1), 0) }).await;
    let last = Mark((MAX_MARKS as u128 - 1).to_be_bytes());
    assert_eq!(store.find("acme", "thing", last, None, 10).await.expect("answered").items.len(), 1);
}

pub async fn marks_are_moved(store: &Arc<dyn Store>) {
    applied(store, marked(&thing(1), 10, &[2, 1, 2])).await;
    applied(store, one(&thing(2), 0)).await;
    applied(store, marked(&thing(3), 10, &[1])).await;
    applied(store, Commit { marks: marks(&[]), ..one(&thing(3), 1) }).await;
    let mut found = store.entities(None, 10).await.expect("answered");
    found.sort_by_key(|standing| standing.entity.clone());
    let found: Vec<_> = found.into_iter().map(|standing| standing.marks).collect();
    assert_eq!(found, [vec![mark(1), mark(2)], vec![], vec![]]);
}
