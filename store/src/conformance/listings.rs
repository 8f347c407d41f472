//! Rules of listings.

use std::sync::Arc;

use uuid::Uuid;

use super::{applied, at, one, thing};
use crate::{Commit, Cursor, Entity, Listed, Store};

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
