use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::records::Versioned;

async fn planted() -> World {
    let world = World::new();
    for id in ["C01", "C02", "C03", "C04"] {
        world.define(id, &["es"]).await;
    }
    world
}

async fn told(world: &World, new: NewTree) -> Vec<String> {
    problems(world.consents.create_tree("acme", TELCO, new, ANA, noon()).await)
}

#[tokio::test]
async fn all_breaches_of_a_tree_are_told_at_once_each_with_its_member() {
    let world = planted().await;
    world.define("CAT", &["ca"]).await;
    let new = NewTree {
        default_language: Some("es".into()),
        allowed_languages: Some(ids(&["ca", "CA"])),
        consents_order: Some(ids(&["C01", "c-01", "C02", "C03", "NONE", "CAT", "*"])),
        priority_consent_ids: Some(ids(&["C04", "NOBODY"])),
        views: Some(vec![
            NewView { view: Some("A".into()), consents: Some(ids(&["C04"])) },
            NewView { view: Some("A".into()), consents: Some(ids(&["C01", "C01"])) },
        ]),
        dependencies: Some(vec![
            family("C01", &["C02"]),
            family("C02", &["C03"]),
            family("C03", &["C01", "C03", "C02"]),
            family("C04", &[]),
        ]),
        users_type: Some("users".into()),
        ..tree(&["C01"])
    };
    let told = told(&world, new).await;
    let expected = [
        "allowed_languages[1]: ca is there twice",
        "default_language: it is not one of allowed_languages",
        "consents_order[1]: C01 is there twice",
        "consents_order[6]: expected an id with a letter from A to Z, a digit or an underscore",
        "views[0].consents[0]: C04 is not in consents_order",
        "views[1].view: another view has this name",
        "views[1].consents[1]: C01 is there twice",
        "dependencies[2].child[0]: C01 would be its own ancestor",
        "dependencies[2].child[1]: C03 has a father already, C02",
        "dependencies[2].child[2]: C02 has a father already, C01",
        "dependencies[3].father: C04 is not in consents_order",
        "users_type: expected customers or leads",
        "consents_order[4]: there is no consent NONE; create it first",
        "consents_order[5]: CAT has no texts in es, the default_language; add them to it first",
        "priority_consent_ids[1]: there is no consent NOBODY; create it first",
    ];
    assert_eq!(
        told.iter().map(String::as_str).collect::<HashSet<_>>(),
        expected.into_iter().collect::<HashSet<_>>(),
        "{told:#?}"
    );
    assert!(world.consents.trees("acme", TELCO, None).await.unwrap().is_empty(), "nothing was written");
}

#[tokio::test]
async fn a_tree_lacks_nothing_and_its_lists_are_bounded() {
    let world = planted().await;
    let nothing = told(&world, NewTree::default()).await;
    let members = [
        "description",
        "default_language",
        "allowed_languages",
        "consents_order",
        "priority_consent_ids",
        "views",
        "channels",
        "users_type",
    ];
    assert_eq!(nothing, members.map(|member| format!("{member}: the member is missing")));
    let many = |count: usize| Some((0..count).map(|number| format!("C{number}")).collect::<Vec<_>>());
    for (new, member) in [
        (NewTree { consents_order: many(257), ..tree(&["C01"]) }, "consents_order"),
        (NewTree { consents_order: many(0), ..tree(&["C01"]) }, "consents_order"),
        (NewTree { priority_consent_ids: many(0), ..tree(&["C01"]) }, "priority_consent_ids"),
        (NewTree { channels: many(0), ..tree(&["C01"]) }, "channels"),
        (NewTree { channels: many(65), ..tree(&["C01"]) }, "channels"),
        (NewTree { allowed_languages: many(33), ..tree(&["C01"]) }, "allowed_languages"),
        (NewTree { description: Some("x".repeat(201)), ..tree(&["C01"]) }, "description"),
        (NewTree { dependencies: Some(vec![family("C01", &["C01"])]), ..tree(&["C01"]) }, "dependencies[0].child[0]"),
        (NewTree { dependencies: Some(vec![NewDependency::default()]), ..tree(&["C01"]) }, "dependencies[0].father"),
        (NewTree { views: Some(vec![NewView::default()]), ..tree(&["C01"]) }, "views[0].view"),
    ] {
        let told = told(&world, new).await;
        assert!(told[0].starts_with(&format!("{member}: ")), "{member}: {told:?}");
    }
    let without_reason = NewTree { change_log: None, ..tree(&["C01"]) };
    let refused = world.consents.replace_tree("acme", TELCO, &[Uuid::nil()], without_reason, ANA, noon()).await;
    assert_eq!(problems(refused), ["change_log: the member is missing"]);
}

#[tokio::test]
async fn a_tree_is_made_once_and_replaced_by_who_read_the_present_one() {
    let world = planted().await;
    let replace = async |read: &[Uuid]| world.consents.replace_tree("acme", TELCO, read, tree(&["C02"]), ANA, noon()).await;
    assert!(matches!(replace(&[Uuid::nil()]).await, Err(Error::NoTree(UsersType::Customers))));
    world.plant(&["C01", "C02"]).await;
    let again = world.consents.create_tree("acme", TELCO, tree(&["C02"]), ANA, noon()).await;
    assert!(matches!(again, Err(Error::TreeExists(UsersType::Customers))));
    let leads = NewTree { users_type: Some("leads".into()), ..tree(&["C03"]) };
    world.consents.create_tree("acme", TELCO, leads, ANA, noon()).await.unwrap();

    let read = world.consents.trees("acme", TELCO, None).await.unwrap();
    assert_eq!(read.iter().map(|tree| tree.value.users_type).collect::<Vec<_>>(), UsersType::ALL);
    let [own, other] = [read[0].value.version, read[1].value.version];
    assert!(matches!(replace(&[other]).await, Err(Error::Stale)), "that of another tree does not do");
    replace(&[other, own]).await.unwrap();
    assert!(matches!(replace(&[other, own]).await, Err(Error::Stale)), "it was replaced since");
    let now = &world.consents.trees("acme", TELCO, Some(UsersType::Customers)).await.unwrap()[0].value;
    assert_eq!((now.consents_order.len(), now.change_log.as_deref()), (1, Some("changed")));
    assert!(world.consents.trees("acme", "energy", None).await.unwrap().is_empty());
    assert!(world.consents.trees("other", TELCO, None).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_many_who_replace_one_tree_at_once_one_succeeds() {
    let world = planted().await;
    world.plant(&["C01"]).await;
    let read = [world.consents.trees("acme", TELCO, None).await.unwrap()[0].value.version];
    let replaced = (0..50).map(|_| world.consents.replace_tree("acme", TELCO, &read, tree(&["C02"]), ANA, noon()));
    let replaced = futures::future::join_all(replaced).await;
    assert_eq!(replaced.iter().filter(|replaced| replaced.is_ok()).count(), 1);
    assert!(replaced.iter().all(|replaced| matches!(replaced, Ok(()) | Err(Error::Stale))));
}

#[tokio::test]
async fn the_history_of_trees_is_strictly_by_date_and_every_page_is_a_part_of_it() {
    let world = planted().await;
    let minute = |minutes: i64| noon() + chrono::TimeDelta::minutes(minutes);
    // Clocks that are set back, and both types at one instant.
    let steps = [(0, 0), (1, 0), (0, 5), (0, 3), (1, 5), (1, 6), (0, 6), (0, 1), (1, 20), (0, 20), (1, 7)];
    for (number, (users, at)) in steps.into_iter().enumerate() {
        let users = UsersType::ALL[users];
        let new = NewTree { users_type: Some(users.as_str().into()), change_log: Some(number.to_string()), ..tree(&["C01"]) };
        match world.consents.trees("acme", TELCO, Some(users)).await.unwrap().first() {
            None => world.consents.create_tree("acme", TELCO, new, ANA, minute(at)).await.unwrap(),
            Some(present) => {
                let read = [present.value.version];
                world.consents.replace_tree("acme", TELCO, &read, new, ANA, minute(at)).await.unwrap();
            }
        }
    }
    let page = async |users, skip, take| world.consents.tree_history("acme", TELCO, users, Slice { skip, take }).await.unwrap();
    let all = page(None, 0, 100).await;
    assert_eq!(all.len(), steps.len());
    let dates: Vec<_> = all.iter().map(|version| version.at).collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older));
    let own = |wanted: UsersType| all.iter().filter(move |version| version.value.users_type == wanted);
    for users in UsersType::ALL {
        let dates: Vec<_> = own(users).map(|version| version.at).collect();
        assert!(dates.is_sorted_by(|newer, older| newer > older), "no two of one tree have one date");
    }
    let read = |page: &[Versioned<Tree>]| page.iter().map(|version| version.value.version).collect::<Vec<_>>();
    let expected = read(&all);
    for size in 1..=steps.len() + 1 {
        for start in 0..=steps.len() + 1 {
            let there = expected.iter().copied().skip(start).take(size).collect::<Vec<_>>();
            assert_eq!(read(&page(None, start, size).await), there, "{size} from {start}");
        }
    }
    for users in UsersType::ALL {
        let expected: Vec<_> = own(users).map(|version| version.value.version).collect();
        assert_eq!(read(&page(Some(users), 0, 100).await), expected);
        assert_eq!(read(&page(Some(users), 2, 2).await), expected[2..4]);
    }
    assert!(page(None, usize::MAX, 1000).await.is_empty());
    assert!(world.consents.tree_history("acme", "energy", None, Slice { skip: 0, take: 9 }).await.unwrap().is_empty());
}

/// The rules of the contract's `ConsentTreeBody`, as it tells them, over ids that are their own normal form.
fn keeps_the_rules(new: &NewTree, known: &HashMap<&str, Vec<&str>>) -> bool {
    let distinct = |ids: &[String]| ids.iter().collect::<HashSet<_>>().len() == ids.len();
    let order = new.consents_order.as_deref().unwrap();
    let priority = new.priority_consent_ids.as_deref().unwrap();
    let default = new.default_language.as_deref().unwrap();
    let views = new.views.as_deref().unwrap();
    let families = new.dependencies.as_deref().unwrap_or_default();
    let in_order = |ids: &[String]| ids.iter().all(|id| order.contains(id));
    let mut fathers: HashMap<&str, &str> = HashMap::new();
    let mut is_twice = false;
    for family in families {
        for child in family.child.as_deref().unwrap() {
            is_twice |= fathers.insert(child, family.father.as_deref().unwrap()).is_some();
        }
    }
    let cycles = fathers.keys().any(|start| {
        let mut at = fathers.get(start);
        (0..=fathers.len()).any(|_| {
            let here = at;
            at = at.and_then(|id| fathers.get(id));
            here == Some(start)
        })
    });
    order.iter().all(|id| known.get(id.as_str()).is_some_and(|languages| languages.contains(&default)))
        && priority.iter().all(|id| known.contains_key(id.as_str()))
        && distinct(order)
        && distinct(priority)
        && distinct(&views.iter().map(|view| view.view.clone().unwrap()).collect::<Vec<_>>())
        && views.iter().all(|view| in_order(view.consents.as_deref().unwrap()) && distinct(view.consents.as_deref().unwrap()))
        && families.iter().all(|family| {
            let children = family.child.as_deref().unwrap();
            in_order(std::slice::from_ref(family.father.as_ref().unwrap())) && in_order(children) && distinct(children)
        })
        && !is_twice
        && !cycles
        && new.allowed_languages.as_deref().unwrap().iter().any(|language| language == default)
}

fn any_ids(min: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(vec!["C01", "C02", "C03", "C04", "C05"]).prop_map(str::to_owned), min..5)
}

fn any_order() -> impl Strategy<Value = Vec<String>> {
    let mostly_right = prop::sample::subsequence(vec!["C01", "C02", "C03", "C04"], 1..=4);
    prop_oneof![4 => mostly_right.prop_map(|ids| ids.into_iter().map(str::to_owned).collect()), 1 => any_ids(1)]
}

prop_compose! {
    fn any_tree()(
        order in any_order(),
        priority in any_ids(1),
        views in prop::collection::vec(("[AB]", any_ids(0)), 0..3),
        families in prop::collection::vec((prop::sample::select(vec!["C01", "C02", "C03"]), any_ids(0)), 0..4),
        default in prop::sample::select(vec!["es", "ca", "en"]),
    ) -> NewTree {
        let view = |(view, consents)| NewView { view: Some(view), consents: Some(consents) };
        let family = |(father, child): (&str, _)| NewDependency { father: Some(father.to_owned()), child: Some(child) };
        NewTree {
            default_language: Some(default.to_owned()),
            consents_order: Some(order),
            priority_consent_ids: Some(priority),
            views: Some(views.into_iter().map(view).collect()),
            dependencies: Some(families.into_iter().map(family).collect()),
            ..tree(&["C01"])
        }
    }
}

proptest! {
    #[test]
    fn tree_rules_hold_or_400(new in any_tree()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            let known = HashMap::from([
                ("C01", vec!["es", "ca"]), ("C02", vec!["es", "ca"]), ("C03", vec!["es", "ca"]), ("C04", vec!["es"]),
            ]);
            for (id, languages) in &known {
                world.define(id, languages).await;
            }
            let is_right = keeps_the_rules(&new, &known);
            let made = world.consents.create_tree("acme", TELCO, new.clone(), ANA, noon()).await;
            match made {
                Ok(()) => assert!(is_right, "it was taken: {new:?}"),
                Err(Error::Invalid(problems)) => assert!(!is_right && !problems.is_empty(), "{problems:?}: {new:?}"),
                Err(error) => panic!("{error}"),
            }
            let kept = world.consents.trees("acme", TELCO, None).await.unwrap();
            assert_eq!(kept.len(), usize::from(is_right));
        });
    }
}
