//! Rules of listings.

use std::sync::Arc;

use uuid::Uuid;

use super::{applied, at, commit, one, thing};
use crate::{Commit, CommitOutcome, Cursor, Entity, Listed, Listing, Store};

fn created(entity: &Entity, moment: i64) -> Commit {
    Commit { at: at(moment), ..one(entity, 0) }
}

/// Numbers of the things listed, page by page.
async fn pages(store: &Arc<dyn Store>, limit: usize) -> Vec<Vec<u128>> {
    let mut pages = Vec::new();
    let mut after: Option<Cursor> = None;
    for _ in 0..100 {
        let page = store.list("acme", "thing", after.as_ref(), limit).await.expect("answered");
        assert!(page.items.len() <= limit);
        pages.push(page.items.iter().map(|item| item.entity.id.as_u128()).collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
    panic!("a listing without end")
}

pub async fn entities_are_listed_newest_first(store: &Arc<dyn Store>) {
    assert_eq!(pages(store, 10).await, [[0_u128; 0]]);
    for (number, moment) in [(1, 20), (2, 10), (3, 30), (4, -5)] {
        applied(store, created(&thing(number), moment)).await;
    }
    assert_eq!(pages(store, 10).await, [[3, 1, 2, 4]]);
    assert_eq!(pages(store, 3).await, [vec![3, 1, 2], vec![4]]);
    assert_eq!(pages(store, 1).await, [[3], [1], [2], [4]]);
}

pub async fn entities_of_one_instant_are_listed_once_each_over_pages(store: &Arc<dyn Store>) {
    for number in [3, 1, 4, 6, 5, 2, 7] {
        applied(store, created(&thing(number), 10)).await;
    }
    for limit in 1..=8 {
        assert_eq!(pages(store, limit).await.concat(), [7, 6, 5, 4, 3, 2, 1], "{limit} a page");
    }
}

pub async fn the_last_page_says_so(store: &Arc<dyn Store>) {
    for number in 1..=4 {
        applied(store, created(&thing(number), number as i64)).await;
    }
    assert_eq!(pages(store, 2).await, [[4, 3], [2, 1]]);
    let page = store.list("acme", "thing", None, 4).await.expect("answered");
    assert_eq!(page.next, None);
    let beyond = Cursor { at: at(-1), id: Uuid::nil() };
    let page = store.list("acme", "thing", Some(&beyond), 4).await.expect("answered");
    assert!(page.items.is_empty() && page.next.is_none());
}

pub async fn later_commits_change_the_head_and_not_the_place(store: &Arc<dyn Store>) {
    applied(store, created(&thing(1), 10)).await;
    applied(store, created(&thing(2), 20)).await;
    applied(store, Commit { at: at(99), ..one(&thing(1), 1) }).await;
    let page = store.list("acme", "thing", None, 10).await.expect("answered");
    let listed = |number, created_at, head| Listed { entity: thing(number), created_at: at(created_at), head };
    assert_eq!(page.items, [listed(2, 20, 1), listed(1, 10, 2)]);
}

pub async fn arrivals_between_pages_disturb_nothing(store: &Arc<dyn Store>) {
    for number in 1..=4 {
        applied(store, created(&thing(number), number as i64 * 10)).await;
    }
    let first = store.list("acme", "thing", None, 2).await.expect("answered");
    applied(store, created(&thing(9), 90)).await;
    let second = store.list("acme", "thing", first.next.as_ref(), 2).await.expect("answered");
    let numbers: Vec<u128> = second.items.iter().map(|item| item.entity.id.as_u128()).collect();
    assert_eq!(numbers, [2, 1]);
}

pub async fn what_is_unlisted_is_never_listed(store: &Arc<dyn Store>) {
    for number in 1..=5 {
        let listing = if number % 2 == 0 { Listing::Unlisted } else { Listing::Listed };
        applied(store, Commit { listing, ..created(&thing(number), number as i64) }).await;
    }
    assert_eq!(pages(store, 10).await, [[5, 3, 1]]);
    assert_eq!(pages(store, 1).await, [[5], [3], [1]]);
    // Whatever later commits say.
    applied(store, one(&thing(2), 1)).await;
    applied(store, Commit { listing: Listing::Unlisted, ..one(&thing(1), 1) }).await;
    assert_eq!(pages(store, 10).await, [[5, 3, 1]]);
    assert!(store.load(&thing(2)).await.expect("answered").is_some_and(|loaded| loaded.head == 2));
}

pub async fn what_is_removed_is_listed_no_more(store: &Arc<dyn Store>) {
    let removed = |number, head| Commit { listing: Listing::Removed, ..one(&thing(number), head) };
    for number in 1..=5 {
        applied(store, created(&thing(number), number as i64)).await;
    }
    applied(store, removed(3, 1)).await;
    assert_eq!(pages(store, 2).await, [[5, 4], [2, 1]]);
    let several = Commit { entries: vec![b"x".to_vec(); 2], ..removed(5, 1) };
    applied(store, several).await;
    assert_eq!(pages(store, 10).await, [[4, 2, 1]]);
    // One that was never listed, and one that begins so.
    applied(store, Commit { listing: Listing::Unlisted, ..created(&thing(6), 6) }).await;
    applied(store, removed(6, 1)).await;
    applied(store, removed(7, 0)).await;
    assert_eq!(pages(store, 10).await, [[4, 2, 1]]);
    assert!(store.load(&thing(5)).await.expect("answered").is_some_and(|loaded| loaded.head == 3));
}

pub async fn what_is_removed_stays_removed_whatever_follows(store: &Arc<dyn Store>) {
    applied(store, created(&thing(1), 1)).await;
    applied(store, created(&thing(2), 2)).await;
    for head in 1..3 {
        applied(store, Commit { listing: Listing::Removed, ..one(&thing(1), head) }).await;
    }
    applied(store, one(&thing(1), 3)).await;
    applied(store, Commit { listing: Listing::Unlisted, ..one(&thing(1), 4) }).await;
    // What the first commit wrote comes once more, late.
    assert_eq!(commit(store, created(&thing(1), 1)).await, CommitOutcome::Conflict { head: 5 });
    assert_eq!(pages(store, 10).await, [[2]]);
}

pub async fn a_conflict_takes_nothing_out_of_a_listing(store: &Arc<dyn Store>) {
    applied(store, created(&thing(1), 1)).await;
    for stale in [0, 3] {
        let removal = Commit { listing: Listing::Removed, ..one(&thing(1), stale) };
        assert_eq!(commit(store, removal).await, CommitOutcome::Conflict { head: 1 });
    }
    assert_eq!(pages(store, 10).await, [[1]]);
}

pub async fn a_listing_is_of_one_organization_and_kind(store: &Arc<dyn Store>) {
    applied(store, created(&thing(1), 10)).await;
    for (organization, kind) in [("acme", "other"), ("other", "thing"), ("Acme", "thing"), ("", ""), ("acm", "ething")] {
        let listing = store.list(organization, kind, None, 10).await.expect("answered");
        assert!(listing.items.is_empty() && listing.next.is_none(), "{organization} {kind}");
        applied(store, created(&Entity::new(organization, kind, Uuid::from_u128(5)), 20)).await;
    }
    assert_eq!(pages(store, 10).await, [[1]]);
}

pub async fn every_listing_is_found_once_over_pages(store: &Arc<dyn Store>) {
    assert!(store.listings(None, 10).await.expect("answered").is_empty());
    let mut expected = Vec::new();
    for (number, (organization, kind)) in [("a", "x"), ("a", "y"), ("b", "x"), ("c", "z")].into_iter().enumerate() {
        for twice in [0, 100] {
            applied(store, one(&Entity::new(organization, kind, Uuid::from_u128(number as u128 + twice)), 0)).await;
        }
        expected.push((organization.to_owned(), kind.to_owned()));
    }
    for limit in 1..=5 {
        let mut found: Vec<(String, String)> = Vec::new();
        loop {
            let after = found.last().map(|(organization, kind)| (organization.as_str(), kind.as_str()));
            let page = store.listings(after, limit).await.expect("answered");
            assert!(page.len() <= limit && found.len() <= 4, "{limit} a page");
            let is_end = page.len() < limit;
            found.extend(page);
            if is_end {
                break;
            }
        }
        found.sort();
        assert_eq!(found, expected, "{limit} a page");
    }
}
