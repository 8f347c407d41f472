//! What every engine must do, as one suite of rules. Each rule is an async function over a fresh, empty store; it panics where
//! the store breaks it.
//!
//! ```ignore
//! mod my_engine {
//!     store::conformance_suite!(fresh_engine); // async fn fresh_engine() -> store::conformance::Fresh
//! }
//! ```
//! makes one test of each. The rules take the trait at its word: a replaced wake-up may show itself again, so they ask for
//! those that must be there, and only [`script`] compares two stores to the letter.

pub mod journals;
pub mod keys;
pub mod listings;
pub mod marks;
pub mod moving;
pub mod records;
pub mod resolving;
pub mod script;
pub mod wakes;

use std::{any::Any, sync::Arc};

use uuid::Uuid;

use crate::{Commit, CommitOutcome, Entity, Listing, Store, Timestamp};

/// A store nobody has written to, and what must live as long as it does (its folder, its server).
pub struct Fresh {
    // Dropped first.
    pub store: Arc<dyn Store>,
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Fresh {
    pub fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store), keep: Box::new(()) }
    }
}

/// One `#[tokio::test]` for each rule, over what the function named makes.
#[macro_export]
macro_rules! conformance_suite {
    ($fresh:path) => {
        $crate::conformance_suite! { @rules $fresh;
            journals: [
                an_entity_without_entries_is_not_there, entries_are_numbered_from_one_without_gaps,
                what_was_appended_comes_back_exactly, a_stale_head_conflicts_and_writes_nothing,
                a_head_not_yet_reached_conflicts, an_acknowledged_commit_is_read_at_once,
                many_writers_of_one_entity_leave_one_gapless_journal, writers_of_different_entities_do_not_conflict,
                a_load_during_writes_is_a_state_that_was, a_snapshot_shortens_the_load_and_not_the_journal,
                the_newest_snapshot_stays_until_a_newer_one, entries_are_read_in_pages,
                many_are_loaded_in_the_order_asked_for_as_each_alone, more_loads_than_the_bound_are_refused,
                a_commit_over_a_bound_is_refused_and_writes_nothing, organizations_and_kinds_are_apart,
                names_from_outside_are_just_names, an_unknown_commit_can_be_resolved,
            ];
            keys: [
                a_key_comes_with_its_commit_and_stays_until_another_replaces_it, a_conflict_leaves_the_key_as_it_was,
                a_replaced_key_is_nowhere_any_more, keys_of_entities_are_apart,
                of_many_that_replace_a_key_one_does, a_key_is_of_the_same_moment_as_the_head,
                a_key_over_the_bound_is_refused_and_writes_nothing, an_unknown_commit_with_a_key_can_be_resolved,
            ];
            wakes: [
                a_wake_is_due_from_its_moment_on, wakes_come_earliest_first_and_at_most_as_many_as_asked,
                wakes_come_from_the_shards_named_only, a_later_commit_brings_its_own_wake,
                a_wake_is_never_early, a_settled_wake_is_forgotten, a_settled_wake_leaves_the_next_one,
                settling_behind_the_head_does_nothing, settling_a_replaced_wake_keeps_the_earlier_moment,
                settling_what_was_never_written_is_harmless, settling_twice_is_settling_once,
                a_conflict_leaves_the_wake_as_it_was,
            ];
            listings: [
                entities_are_listed_newest_first, entities_of_one_instant_are_listed_once_each_over_pages,
                the_last_page_says_so, later_commits_change_the_head_and_not_the_place,
                arrivals_between_pages_disturb_nothing, what_is_unlisted_is_never_listed, what_is_removed_is_listed_no_more,
                a_conflict_takes_nothing_out_of_a_listing, what_is_removed_stays_removed_whatever_follows, a_listing_is_of_one_organization_and_kind,
                every_listing_is_found_once_over_pages,
            ];
            marks: [
                what_has_a_mark_is_found_newest_first, marks_change_with_a_commit_and_only_with_it, a_mark_is_of_one_organization_and_kind,
                what_is_outside_listings_is_found_by_its_marks, marks_over_the_bound_are_refused, marks_are_moved,
            ];
            records: [
                a_record_never_put_is_absent, versions_count_from_one_and_only_from_the_expected_one,
                of_a_counter_only_the_newest_version_is_kept, a_hidden_collection_keeps_the_newest_version_and_is_not_listed, one_of_many_writers_of_a_version_wins, history_is_newest_first_in_pages,
                a_collection_lists_current_versions_by_prefix_in_key_order, a_collection_is_listed_in_pages,
                a_prefix_means_itself_whatever_is_in_it, records_of_others_are_never_seen,
                a_record_over_a_bound_is_refused_and_writes_nothing, a_store_that_works_answers_the_ping,
                forgotten_versions_have_the_body_of_the_newest,
            ];
            moving: [
                an_empty_store_has_nothing_to_move, every_entity_is_found_once_over_pages_with_its_head_and_wake,
                every_entity_is_found_with_its_key_and_listing, every_record_key_is_found_once_over_pages, writes_between_pages_lose_nothing_that_was_there,
            ];
        }
    };
    (@rules $fresh:path; $($part:ident: [$($rule:ident),* $(,)?];)*) => {
        $($(
            #[tokio::test]
            async fn $rule() {
                let fresh: $crate::conformance::Fresh = $fresh().await;
                $crate::conformance::$part::$rule(&fresh.store).await;
            }
        )*)*
    };
}

/// The instant so many microseconds after a fixed one.
pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(1_700_000_000_000_000 + micros).expect("an instant of our time")
}

pub(crate) fn thing(number: u128) -> Entity {
    Entity::new("acme", "thing", Uuid::from_u128(number))
}

/// An entity whose identifier has a bit of the number everywhere, so that neighbours lie in different shards.
pub(crate) fn scattered(number: u128) -> Entity {
    // An odd factor (the golden ratio's bits): no two numbers meet.
    thing(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// One entry after `expected_head`, of an id of its own.
pub(crate) fn one(entity: &Entity, expected_head: u64) -> Commit {
    Commit {
        entity: entity.clone(),
        expected_head,
        entries: vec![format!("entry {}", expected_head + 1).into_bytes()],
        at: at(expected_head as i64),
        snapshot: None,
        wake: None,
        commit_id: Uuid::new_v4(),
        key: None,
        listing: Listing::Listed,
        marks: None,
    }
}

pub(crate) async fn commit(store: &Arc<dyn Store>, commit: Commit) -> CommitOutcome {
    store.commit(commit).await.expect("the commit is answered")
}

pub(crate) async fn applied(store: &Arc<dyn Store>, what: Commit) {
    assert_eq!(commit(store, what).await, CommitOutcome::Applied);
}
