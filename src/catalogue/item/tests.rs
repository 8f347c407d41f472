use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use serde::Deserialize;
use store::Store;
use store::faulty::{Faulty, Plan};
use store::model::Model;
use store::sqlite::{self, Sqlite};

use super::*;

const ORG: &str = "acme";

/// A kind with names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Colour {
    shade: String,
}

impl Kind for Colour {
    const COLLECTION: &'static str = "colour";
    const KEY_IS_FREED: bool = true;

    fn weight(&self) -> usize {
        if self.shade == "heavy" { MAX_PAGE / 2 } else { 0 }
    }
}

/// A kind that uses colours, with identifiers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Picture {}

impl Kind for Picture {
    const COLLECTION: &'static str = "picture";
    const KEY_IS_FREED: bool = false;
}

struct World {
    colours: Items<Colour>,
    pictures: Items<Picture>,
    records: Records,
    _folder: Option<tempfile::TempDir>,
}

fn on(store: Arc<dyn Store>, folder: Option<tempfile::TempDir>) -> World {
    let records = Records::new(store);
    World { colours: Items::new(records.clone()), pictures: Items::new(records.clone()), records, _folder: folder }
}

/// The store in memory, and the embedded engine.
fn worlds() -> [World; 2] {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(&folder.path().join("rubrica.db"), sqlite::Options::default()).unwrap();
    [on(Arc::new(Model::new()), None), on(Arc::new(sqlite), Some(folder))]
}

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn ana(seconds: i64) -> Act<'static> {
    Act { at: at(seconds), by: Some("ana"), why: None }
}

fn colour(shade: &str) -> Colour {
    Colour { shade: shade.into() }
}

fn picture(key: &str) -> User {
    User::of::<Picture>(key)
}

/// Every user counts.
async fn all(_: Held) -> Result<bool, records::Error> {
    Ok(true)
}

impl World {
    async fn make(&self, key: &str, seconds: i64) {
        assert_eq!(self.colours.create(ORG, key, colour(key), "created", ana(seconds)).await.unwrap(), None);
    }

    async fn paint(&self, key: &str, shade: &str, seconds: i64) {
        let paint = |item: Option<Item<Colour>>| Ok::<_, records::Error>(item.map(|item| item.with(colour(shade))));
        self.colours.change(ORG, key, &format!("painted {shade}"), ana(seconds), paint).await.unwrap();
    }

    async fn delete(&self, key: &str, seconds: i64) -> Result<(), Error> {
        self.colours.delete_unused(ORG, key, "deleted", ana(seconds), all).await
    }

    async fn keys(&self, after: Option<&str>, limit: usize) -> (Vec<String>, Option<String>) {
        let page = self.colours.list(ORG, "", after, limit).await.unwrap();
        (page.items.into_iter().map(|(key, _)| key).collect(), page.next)
    }

    /// Leaves a deletion half-way, as a crash would.
    async fn begin_deletion(&self, key: &str) {
        let found = self.colours.get(ORG, key).await.unwrap();
        self.colours.put_state(ORG, key, found, State::Leaving, None, at(5)).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn every_version_is_kept_and_the_changelog_says_what_led_to_it_and_who_did_it() {
    for world in worlds() {
        world.make("sky", 0).await;
        world.paint("sky", "grey", 1).await;
        world.paint("sky", "red", 2).await;
        world.delete("sky", 3).await.unwrap();

        let first = world.colours.history(ORG, "sky", None, 3).await.unwrap();
        let rest = world.colours.history(ORG, "sky", first.next, 3).await.unwrap();
        let versions: Vec<_> = first.items.iter().chain(&rest.items).map(|found| found.version).collect();
        assert_eq!((versions, rest.next), (vec![5, 4, 3, 2, 1], None));
        assert_eq!(rest.items[1].item.value, colour("sky"));

        let log = world.colours.changelog(ORG, "sky", None, 10).await.unwrap();
        let lines: Vec<_> = log.items.iter().map(|line| (line.at, line.change.what.as_str())).collect();
        assert_eq!(lines, [(at(3), "deleted"), (at(2), "painted red"), (at(1), "painted grey"), (at(0), "created")]);
        assert!(log.items.iter().all(|line| line.change.by.as_deref() == Some("ana")));
    }
}

#[tokio::test]
async fn what_was_deleted_is_gone_until_it_is_made_again_under_its_name() {
    for world in worlds() {
        assert!(matches!(world.colours.get(ORG, "sky").await, Err(Error::NotFound)));
        world.make("sky", 0).await;
        assert_eq!(world.colours.create(ORG, "sky", colour("grey"), "", ana(1)).await.unwrap().unwrap().version, 1);
        world.delete("sky", 2).await.unwrap();
        assert!(matches!(world.colours.get(ORG, "sky").await, Err(Error::Gone)));
        assert!(matches!(world.delete("sky", 2).await, Err(Error::Gone)));

        world.make("sky", 3).await;

        let again = world.colours.get(ORG, "sky").await.unwrap();
        assert_eq!((again.created_at(), again.item.value, again.version), (at(3), colour("sky"), 4));
        assert!(matches!(world.colours.get("other", "sky").await, Err(Error::NotFound)));
    }
}

#[tokio::test]
async fn an_identifier_is_never_given_twice() {
    for world in worlds() {
        assert!(world.pictures.create(ORG, "7", Picture {}, "", ana(0)).await.unwrap().is_none());
        world.pictures.delete_unused(ORG, "7", "", ana(1), all).await.unwrap();
        let taken = world.pictures.create(ORG, "7", Picture {}, "", ana(2)).await.unwrap().unwrap();
        assert_eq!(taken.item.state, State::Deleted { at: at(1) });
    }
}

#[tokio::test]
async fn a_listing_goes_on_after_its_last_key_and_leaves_out_what_was_deleted() {
    for world in worlds() {
        for key in ["a", "b", "c", "d", "e"] {
            world.make(key, 0).await;
        }
        world.delete("b", 1).await.unwrap();
        assert_eq!(world.keys(None, 2).await, (vec!["a".into()], Some("b".into())));
        assert_eq!(world.keys(Some("b"), 2).await, (vec!["c".into(), "d".into()], Some("d".into())));
        assert_eq!(world.keys(Some("d"), 2).await, (vec!["e".into()], None));
        let found = world.colours.list(ORG, "c", None, 10).await.unwrap();
        assert_eq!(found.items.len(), 1);
    }
}

#[tokio::test]
async fn pages_are_newest_first_and_count_everything_that_is_wanted() {
    for world in worlds() {
        // more than are read at once, and in another order than that of their keys
        let count = BATCH + 10;
        for n in 0..count {
            world.make(&format!("c{:03}", (n * 7) % count), n as i64).await;
        }
        world.delete("c000", 1000).await.unwrap();
        world.paint("c007", "grey", 1001).await;

        let page = world.colours.newest(ORG, 1, 5, |_| true).await.unwrap();

        let expected: Vec<_> = (count - 10..count - 5).rev().map(|n| format!("c{:03}", (n * 7) % count)).collect();
        assert_eq!(page.items.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), expected);
        assert_eq!(page.total, count - 1);
        let grey = world.colours.newest(ORG, 0, 5, |colour| colour.shade == "grey").await.unwrap();
        assert_eq!((grey.total, grey.items[0].1.created_at()), (1, at(1)), "a change makes nothing newer");
        let whole = world.colours.newest(ORG, 0, usize::MAX, |_| true).await.unwrap();
        assert_eq!((whole.total, whole.items.len()), (count - 1, count - 1));
        let past = world.colours.newest(ORG, usize::MAX, 5, |_| true).await.unwrap();
        assert_eq!((past.total, past.items), (count - 1, vec![]));
    }
}

#[tokio::test]
async fn a_page_that_takes_too_much_memory_is_refused_and_smaller_ones_are_not() {
    let world = on(Arc::new(Model::new()), None);
    for key in ["heavy_1", "heavy_2"] {
        world.colours.create(ORG, key, colour("heavy"), "created", ana(0)).await.unwrap();
    }
    assert!(matches!(world.colours.newest(ORG, 0, usize::MAX, |_| true).await, Err(Error::TooMuch)));
    for page in [0, 1] {
        assert_eq!(world.colours.newest(ORG, page, 1, |_| true).await.unwrap().items.len(), 1);
    }
}

#[tokio::test]
async fn an_item_in_use_is_not_deleted_before_its_last_user_lets_go() {
    for world in worlds() {
        world.make("sky", 0).await;
        world.make("sky_2", 0).await;
        for user in ["one", "two"] {
            assert_eq!(world.colours.hold(ORG, "sky", &picture(user), at(1)).await.unwrap().item.value, colour("sky"));
        }
        for user in ["one", "two"] {
            let refused = world.delete("sky", 2).await.unwrap_err();
            assert_eq!(refused.to_string(), format!("it is used by picture {user}"));
            world.colours.release(ORG, "sky", &picture(user), at(3)).await.unwrap();
        }
        world.delete("sky_2", 4).await.unwrap();
        world.delete("sky", 4).await.unwrap();

        let refused = world.colours.hold(ORG, "sky", &picture("three"), at(5)).await;
        assert!(matches!(refused, Err(Error::Gone)));
        assert!(matches!(world.colours.hold(ORG, "sea", &picture("three"), at(5)).await, Err(Error::NotFound)));
        world.make("sky", 6).await;
        world.delete("sky", 7).await.unwrap();
    }
}

#[tokio::test]
async fn a_user_that_never_came_to_be_keeps_nothing() {
    for world in worlds() {
        world.make("sky", 0).await;
        world.colours.hold(ORG, "sky", &picture("torn"), at(0)).await.unwrap();
        let pictures = &world.pictures;
        let delete = async |now: Timestamp| {
            let is_there = async |held: Held| {
                let is_young = now - held.since < TimeDelta::hours(1);
                Ok(is_young || pictures.find(ORG, &User::from(held).key).await?.is_some())
            };
            world.colours.delete_unused(ORG, "sky", "", now.into(), is_there).await
        };
        assert!(matches!(delete(at(60)).await, Err(Error::InUse(_))), "it may be on its way");
        delete(at(3600)).await.unwrap();
    }
}

#[tokio::test]
async fn a_deletion_that_died_half_way_is_called_off_by_a_user_and_ended_by_another_deletion() {
    for world in worlds() {
        world.make("sky", 0).await;
        world.begin_deletion("sky").await;
        assert!(world.colours.get(ORG, "sky").await.is_ok(), "until its end the item is there");
        assert_eq!(world.keys(None, 10).await.0, ["sky"]);

        world.colours.hold(ORG, "sky", &picture("one"), at(6)).await.unwrap();

        assert_eq!(world.colours.get(ORG, "sky").await.unwrap().item.state, State::Present);
        world.colours.release(ORG, "sky", &picture("one"), at(7)).await.unwrap();
        world.begin_deletion("sky").await;
        world.paint("sky", "red", 8).await;
        assert_eq!(world.colours.get(ORG, "sky").await.unwrap().item.state, State::Present);
        world.begin_deletion("sky").await;
        world.delete("sky", 9).await.unwrap();
        let log = world.colours.changelog(ORG, "sky", None, 20).await.unwrap();
        let lines: Vec<_> = log.items.iter().map(|line| line.change.what.as_str()).collect();
        assert_eq!(lines, ["deleted", "painted red", "created"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_used_and_deleted_at_once_is_either_used_or_deleted() {
    let (mut used, mut deleted) = (0, 0);
    for seed in 0..200 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)), None);
        world.make("sky", 0).await;

        let hold = async {
            tokio::time::sleep(Duration::from_millis(seed % 8)).await;
            world.colours.hold(ORG, "sky", &picture("one"), at(1)).await
        };
        let (held, gone) = tokio::join!(hold, world.delete("sky", 1));

        let is_there = world.colours.get(ORG, "sky").await.is_ok();
        match (held, gone) {
            (Ok(_), Err(Error::InUse(_))) => used += usize::from(is_there),
            (Err(Error::Gone), Ok(())) => deleted += usize::from(!is_there),
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert_eq!(used + deleted, 200, "what was answered is what is there");
    assert!(used > 10 && deleted > 10, "{used} used, {deleted} deleted");
}

#[tokio::test]
async fn a_record_of_the_first_kinds_is_still_read() {
    let world = on(Arc::new(Model::new()), None);
    for (version, (state, expected)) in [
        ("", State::Present),
        (r#","state":"present""#, State::Present),
        (r#","state":"deleted","at":"2027-01-15T08:00:01Z""#, State::Deleted { at: at(1) }),
        (r#","state":"removed","at":"2027-01-15T08:00:01Z""#, State::Removed { at: at(1) }),
    ]
    .into_iter()
    .enumerate()
    {
        let body: serde_json::Value = serde_json::from_str(&format!(r#"{{"shade":"blue"{state}}}"#)).unwrap();
        let key = Items::<Colour>::key(ORG, "sky");
        assert!(world.records.put(&key, version as u64, at(9), &body).await.unwrap());
        let found = world.colours.find(ORG, "sky").await.unwrap().unwrap();
        assert_eq!((found.item.state, found.created_at(), found.item.value), (expected, at(9), colour("blue")));
    }
    assert!(world.colours.changelog(ORG, "sky", None, 10).await.unwrap().items.is_empty());
    assert!(serde_json::from_str::<Item<Colour>>(r#"{"shade":"blue","state":"deleted"}"#).is_err());
}
