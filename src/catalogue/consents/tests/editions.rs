use chrono::TimeDelta;
use store::Store;

use super::*;

fn text(edition: &Arc<Edition>, place: usize) -> &str {
    &edition.consents[place].details[0].text
}

async fn planted() -> World {
    let world = World::new();
    for id in ["C01", "C02", "C03"] {
        world.define(id, &["es"]).await;
    }
    world.plant(&["C01", "C02", "C03"]).await;
    world
}

#[tokio::test]
async fn an_edition_is_numbered_when_it_is_first_shown_and_found_by_its_number_for_ever() {
    let world = planted().await;
    let first = world.edition().await;
    assert_eq!((first.number, text(&first, 0)), (1, "text"));
    assert_eq!(world.edition().await.number, 1, "what is the same has no other number");
    assert_eq!(world.consents.fresh_edition("acme", TELCO, UsersType::Customers).await.unwrap().number, 1);

    change(&world, "C01", "unseen").await;
    change(&world, "C01", "seen").await;
    world.define("C09", &["es"]).await;
    let second = world.edition().await;
    assert_eq!((second.number, text(&second, 0)), (2, "seen"), "what nobody was shown has no number");
    let read = [world.consents.trees("acme", TELCO, None).await.unwrap()[0].value.version];
    world.consents.replace_tree("acme", TELCO, &read, tree(&["C03"]), ANA, noon()).await.unwrap();
    assert_eq!((world.edition().await.number, world.edition().await.consents.len()), (3, 1));

    // Another server, which remembers nothing.
    let other = World::over(world.store.clone(), None);
    for expected in [first, second, world.edition().await] {
        let found = other.consents.edition_numbered("acme", TELCO, UsersType::Customers, expected.number).await.unwrap();
        assert_eq!(found, expected);
    }
    let missing = other.consents.edition_numbered("acme", TELCO, UsersType::Customers, 4).await;
    assert!(matches!(missing, Err(Error::NoEdition(4))));
}

#[tokio::test]
async fn a_change_is_shown_at_once_here_and_after_the_time_to_live_elsewhere() {
    let world = planted().await;
    let other = World::over(world.store.clone(), Some(TimeDelta::seconds(1)));
    assert_eq!((text(&world.edition().await, 0), text(&other.edition().await, 0)), ("text", "text"));
    change(&world, "C01", "new").await;
    assert_eq!(text(&world.edition().await, 0), "new");
    *other.clock.lock() = noon() + TimeDelta::seconds(1);
    assert_eq!(text(&other.edition().await, 0), "text", "it may be as old as that");
    *other.clock.lock() = noon() + TimeDelta::milliseconds(1001);
    let shown = other.edition().await;
    assert_eq!((text(&shown, 0), shown.number), ("new", world.edition().await.number));

    change(&world, "C01", "newer").await;
    let fresh = other.consents.fresh_edition("acme", TELCO, UsersType::Customers).await.unwrap();
    assert_eq!(text(&fresh, 0), "newer");
    assert_eq!(text(&other.edition().await, 0), "newer", "and it is known from then on");
}

#[tokio::test]
async fn a_segment_without_a_tree_has_no_edition_until_it_has_one() {
    let world = World::new();
    world.define("C01", &["es"]).await;
    for users in UsersType::ALL {
        let none = world.consents.edition("acme", TELCO, users).await;
        assert!(matches!(none, Err(Error::NoTree(missing)) if missing == users));
    }
    world.plant(&["C01"]).await;
    assert_eq!(world.edition().await.number, 1);
    assert!(world.consents.edition("acme", TELCO, UsersType::Leads).await.is_err());
    assert!(world.consents.edition("other", TELCO, UsersType::Customers).await.is_err());
}

#[tokio::test]
async fn who_asks_at_once_reads_once_and_two_servers_give_one_number() {
    let world = planted().await;
    let other = World::over(world.store.clone(), Some(TimeDelta::zero()));
    let asked = (0..20).flat_map(|_| [world.edition(), other.edition()]);
    let shown = futures::future::join_all(asked).await;
    assert!(shown.iter().all(|edition| edition.number == 1));
    let key = store::RecordKey::new("acme", "consent_edition", "telco/customers");
    assert_eq!(world.store.history(&key, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn families_are_in_the_trees_order_at_every_depth() {
    let world = planted().await;
    world.define("C04", &["es"]).await;
    let read = [world.consents.trees("acme", TELCO, None).await.unwrap()[0].value.version];
    let new = NewTree {
        dependencies: Some(vec![family("C02", &["C03", "C01"]), family("C03", &["C04"])]),
        views: Some(vec![NewView { view: Some("BOTH".into()), consents: Some(ids(&["C04", "C01"])) }]),
        ..tree(&["C01", "C02", "C03", "C04"])
    };
    world.consents.replace_tree("acme", TELCO, &read, new, ANA, noon()).await.unwrap();
    let edition = world.edition().await;
    assert_eq!(edition.roots(), [1]);
    assert_eq!((edition.children(1), edition.children(2), edition.children(9)), (&[0, 2][..], &[3][..], &[][..]));
    assert_eq!((edition.parent(3), edition.parent(1), edition.parent(9)), (Some(2), None, None));
    assert_eq!((edition.view("BOTH"), edition.view("both")), (Some(vec![0, 3]), None));
    let place = |id: &str| edition.position(&ConsentId::new(id).unwrap());
    assert_eq!((place("c-03"), place("C09")), (Some(2), None));
}

#[tokio::test]
async fn a_draft_is_an_edition_that_is_written_nowhere() {
    let world = planted().await;
    let before = world.edition().await;
    let draft = world.consents.draft("acme", TELCO, tree(&["C03", "C01"]), ANA, noon()).await.unwrap();
    assert_eq!((draft.number, draft.consents.len()), (0, 2));
    assert_eq!(world.edition().await, before);
    let refused = world.consents.draft("acme", TELCO, tree(&["C99"]), ANA, noon()).await;
    assert!(problems(refused)[0].starts_with("consents_order[0]: "));
}
