//! Several things at once, and what crashes and faults of the store leave.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use store::faulty::{Fault, Faulty, Plan};
use store::sqlite::{self, Sqlite};

use super::*;

#[tokio::test(start_paused = true)]
async fn changes_at_once_are_all_made_one_after_the_other() {
    let mut contended = 0;
    for seed in 0..25 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)), Blobs::memory());
        world.make("a").await;
        let edits =
            [to(Language::En, "b"), to(Language::Ca, "c"), Edit { description: Some("Better".into()), ..Edit::default() }];
        let made = join_all(edits.into_iter().map(|edit| world.minor(1, edit))).await;
        let mut numbers: Vec<String> = Vec::new();
        for result in &made {
            match result {
                Ok(numbering) => numbers.push(numbering.number.to_string()),
                Err(_) => contended += usize::from(status(result) == 503),
            }
        }
        numbers.sort();
        let expected: Vec<String> = (1..=numbers.len()).map(|minor| format!("1.{minor}")).collect();
        assert_eq!(numbers, expected, "seed {seed}: each has a number of its own, and none is lost");
        let latest = world.templates.latest(ORG, "invoice", 1).await.unwrap().version;
        if numbers.len() == 3 {
            assert_eq!((latest.sources.len(), latest.description.as_str()), (3, "Better"), "the second follows the first");
        }
        for source in &latest.sources {
            world.templates.template(ORG, source).await.unwrap();
        }
        assert_eq!(world.collect().await, 0, "seed {seed}: what was not written left no files");
    }
    assert!(contended < 15, "{contended} of 75 gave up");
}

#[tokio::test(start_paused = true)]
async fn of_two_templates_of_one_name_at_once_one_is_there_with_its_files() {
    for seed in 0..25 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)), Blobs::memory());
        let make = |text| world.templates.create(ORG, "invoice", of(text), noon());
        let (first, second) = tokio::join!(make("a"), make("b"));
        let (there, other) = match (&first, &second) {
            (Ok(_), Err(Error::Exists(..))) => ("a", "b"),
            (Err(Error::Exists(..)), Ok(_)) => ("b", "a"),
            other => panic!("seed {seed}: {other:?}"),
        };
        assert!(world.has_file(there).await && !world.has_file(other).await, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_lent_and_deleted_at_once_is_either_held_or_gone() {
    let (mut held, mut gone) = (0, 0);
    for seed in 0..40 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)), Blobs::memory());
        let made = world.make("a").await;
        let source = made.version.source(Language::Es).unwrap();
        let lend = async {
            tokio::time::sleep(Duration::from_millis(seed % 12)).await;
            world.lend(source).await
        };
        let (lent, deleted) = tokio::join!(lend, world.templates.delete_major(ORG, "invoice", 1, noon()));
        deleted.unwrap();
        match lent {
            200 => held += usize::from(world.has_file("a").await),
            _ => gone += usize::from(!world.has_file("a").await),
        }
    }
    assert_eq!(held + gone, 40, "what was answered is what is there");
}

/// A deletion goes on while a minor takes files over from the version that goes.
#[tokio::test(start_paused = true)]
async fn a_minor_that_is_made_while_its_predecessor_goes_has_all_its_files() {
    for seed in 0..30 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)), Blobs::memory());
        world.make("a").await;
        world.minor(1, to(Language::En, "b")).await.unwrap();
        let (made, deleted) =
            tokio::join!(world.minor(1, to(Language::Ca, "c")), world.templates.delete_minor(ORG, "invoice", 1, noon()));
        assert_eq!(status(&deleted), 200, "seed {seed}");
        assert_eq!(status(&made), 200, "seed {seed}");
        for minor in world.templates.minors(ORG, "invoice", 1).await.unwrap() {
            for source in &minor.version.sources {
                assert_eq!(status(&world.templates.template(ORG, source).await), 200, "seed {seed}: {}", minor.number);
            }
        }
    }
}

/// A fault at one of the writes, as a crash there would be: what was answered is there whole, and the rest goes or may be done again.
async fn a_fault_leaves_versions_whole<S: Store + 'static>(store: S, fault: Fault, writes: usize) {
    let store = Arc::new(Faulty::scripted(store));
    let world = on(store.clone(), Blobs::memory());
    world.make("a").await;
    for _ in 0..writes {
        store.fail_next_write(Fault::Delay(Duration::ZERO));
    }
    store.fail_next_write(fault);
    let minor = world.minor(1, to(Language::En, "b")).await;
    let deleted = match &minor {
        Ok(_) => world.templates.delete_minor(ORG, "invoice", 1, noon()).await,
        Err(_) => Ok(()),
    };
    // The same server goes on, or another one: what is there is whole.
    let minors = world.templates.minors(ORG, "invoice", 1).await.unwrap();
    for minor in &minors {
        for source in &minor.version.sources {
            world.templates.template(ORG, source).await.unwrap();
        }
        world.templates.structure(ORG, &minor.version).await.unwrap();
    }
    if minor.is_ok() && deleted.is_ok() {
        assert_eq!(minors.len(), 1, "{fault:?} {writes}");
    }
    world.collect().await;
    let named: BTreeSet<Digest> = minors.iter().flat_map(|minor| minor.version.digests()).collect();
    for text in ["a", "b"] {
        let digest = Digest::of(text.as_bytes());
        let is_there = world.blobs.is_there(ORG, &digest).await.unwrap();
        assert_eq!(is_there, named.contains(&digest), "{fault:?} {writes} {text}");
    }
}

#[tokio::test]
async fn a_fault_at_any_write_leaves_versions_whole_and_what_nobody_names_is_collected() {
    for fault in [Fault::Refused, Fault::UnknownNotApplied, Fault::UnknownApplied] {
        for writes in 0..40 {
            a_fault_leaves_versions_whole(Model::new(), fault, writes).await;
        }
    }
}

#[tokio::test]
async fn the_same_holds_on_the_embedded_store() {
    for fault in [Fault::Refused, Fault::UnknownApplied] {
        for writes in (0..30).step_by(2) {
            let folder = tempfile::tempdir().unwrap();
            let store = Sqlite::open(&folder.path().join("rubrica.db"), sqlite::Options::default()).unwrap();
            a_fault_leaves_versions_whole(store, fault, writes).await;
        }
    }
}

/// Who says what they saw follows that alone; of two that saw the same one is told of the other, however close they come.
#[tokio::test(start_paused = true)]
async fn a_version_of_who_says_what_they_saw_passes_over_nothing_that_others_made() {
    for seed in 0..20 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)), Blobs::memory());
        world.make("a").await;
        let seen = world.templates.seen(ORG, "invoice", 1).await.unwrap();
        assert_eq!(seen.latest, seen.highest);
        let minor = |text: &str| Edit { seen: Some(seen), ..to(Language::En, text) };
        let (one, other) = tokio::join!(world.minor(1, minor("b")), world.minor(1, minor("c")));
        assert_eq!([status(&one), status(&other)].iter().filter(|status| **status == 409).count(), 1, "seed {seed}");
        assert_eq!(world.latest(1).await.unwrap(), "1.1", "seed {seed}");

        let seen = world.templates.seen(ORG, "invoice", 1).await.unwrap();
        let definition = |text: &str| Definition { seen: Some(seen), ..of(text) };
        let major = async |text: &str| world.templates.add_major(ORG, "invoice", definition(text), None, noon()).await;
        let (one, other) = tokio::join!(major("d"), major("e"));
        assert_eq!([status(&one), status(&other)].iter().filter(|status| **status == 409).count(), 1, "seed {seed}");
        let numbers = world.templates.numbers(ORG, "invoice").await.unwrap();
        assert_eq!(numbers.iter().map(ToString::to_string).collect::<Vec<_>>(), ["2.0", "1.1", "1.0"], "seed {seed}");

        // A minor of the old one after the major: it saw all that there is of its own.
        assert_eq!(status(&world.minor(1, Edit { seen: Some(seen), ..to(Language::Ca, "f") }).await), 200, "seed {seed}");
        assert_eq!(status(&world.minor(1, Edit { seen: Some(seen), ..to(Language::Ca, "g") }).await), 409, "seed {seed}");
        assert_eq!(status(&world.templates.seen(ORG, "invoice", 3).await), 404);
    }
}
