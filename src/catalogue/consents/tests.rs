//! The catalogue over the store of the tests: what the rules are, what a change does to what is shown, and what histories tell.

mod editions;
mod languages;
mod trees;

use std::sync::Arc;

use parking_lot::Mutex;
use store::Timestamp;
use store::model::Model;

use super::*;
use crate::filling;

pub(super) const ANA: Author<'static> = Author { subject: "ana@example.org", audience: "rubrica" };
pub(super) const TELCO: &str = "telco";

pub(super) fn noon() -> Timestamp {
    chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// A catalogue and the clock that it goes by.
pub(super) struct World {
    pub consents: Consents,
    pub store: Arc<Model>,
    pub clock: Arc<Mutex<Timestamp>>,
}

impl World {
    pub fn new() -> Self {
        Self::over(Arc::new(Model::new()), None)
    }

    pub fn over(store: Arc<Model>, time_to_live: Option<chrono::TimeDelta>) -> Self {
        let clock = Arc::new(Mutex::new(noon()));
        let now = clock.clone();
        let options = Options { time_to_live, ..Options::default() };
        let consents = Consents::new(store.clone(), options, Arc::new(move || *now.lock()), filling::Metrics::default().caches());
        Self { consents, store, clock }
    }

    pub async fn define(&self, id: &str, languages: &[&str]) -> Definition {
        self.consents.create("acme", definition(id, languages), ANA, noon()).await.unwrap()
    }

    pub async fn plant(&self, ids: &[&str]) {
        self.consents.create_tree("acme", TELCO, tree(ids), ANA, noon()).await.unwrap();
    }

    pub async fn edition(&self) -> Arc<Edition> {
        self.consents.edition("acme", TELCO, UsersType::Customers).await.unwrap()
    }
}

pub(super) fn texts(language: &str, text: &str) -> NewDetails {
    NewDetails {
        language: Some(language.into()),
        text: Some(text.into()),
        description: Some(String::new()),
        short_text: Some("short".into()),
    }
}

pub(super) fn definition(id: &str, languages: &[&str]) -> NewDefinition {
    NewDefinition {
        id: Some(id.into()),
        choice_type: Some("OPT_IN".into()),
        expiration: None,
        details: Some(languages.iter().map(|language| texts(language, "text")).collect()),
    }
}

pub(super) fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

pub(super) fn tree(order: &[&str]) -> NewTree {
    NewTree {
        description: Some("of the tests".into()),
        default_language: Some("es".into()),
        allowed_languages: Some(ids(&["es", "ca"])),
        consents_order: Some(ids(order)),
        priority_consent_ids: Some(ids(&order[..1])),
        views: Some(Vec::new()),
        dependencies: None,
        channels: Some(ids(&["web"])),
        users_type: Some("customers".into()),
        change_log: Some("changed".into()),
    }
}

pub(super) fn family(father: &str, children: &[&str]) -> NewDependency {
    NewDependency { father: Some(father.into()), child: Some(ids(children)) }
}

/// What an error tells of members, as `path: message`.
pub(super) fn problems<T: std::fmt::Debug>(refused: Result<T, Error>) -> Vec<String> {
    match refused {
        Err(Error::Invalid(problems)) => problems.iter().map(ToString::to_string).collect(),
        other => panic!("expected problems, got {other:?}"),
    }
}

fn details(text: &str) -> NewTexts {
    NewTexts { details: Some(vec![texts("es", text)]), change_log: None }
}

pub(super) async fn change(world: &World, id: &str, text: &str) {
    let id = ConsentId::new(id).unwrap();
    world.consents.change("acme", Some(&id), details(text), ANA, noon()).await.unwrap();
}

#[tokio::test]
async fn a_definition_is_made_once_under_one_id_in_any_spelling() {
    let world = World::new();
    let made = world.define("Página-1", &["ES", "ca"]).await;
    assert_eq!(made.id.as_str(), "PAGINA1");
    assert_eq!(made.languages().map(LanguageTag::as_str).collect::<Vec<_>>(), ["es", "ca"]);
    let again = world.consents.create("acme", definition("pagina1", &["es"]), ANA, noon()).await;
    assert!(matches!(again, Err(Error::Exists(id)) if id.as_str() == "PAGINA1"));
    assert!(world.consents.create("other", definition("pagina1", &["es"]), ANA, noon()).await.is_ok());
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_definition_is_told_at_once() {
    let world = World::new();
    let new = NewDefinition {
        id: Some("-".into()),
        choice_type: Some("ACCEPTANCE".into()),
        expiration: Some(NewExpiration { duration: Some("90 days".into()) }),
        details: Some(vec![texts("es", "a"), texts("ES", "b"), texts("spanish", "c"), NewDetails::default()]),
    };
    let told = problems(world.consents.create("acme", new, ANA, noon()).await);
    let paths: Vec<&str> = told.iter().map(|problem| problem.split(": ").next().unwrap()).collect();
    let expected = [
        "id",
        "type",
        "expiration_policy.duration",
        "consent[1].language",
        "consent[2].language",
        "consent[3].language",
        "consent[3].text",
        "consent[3].description",
        "consent[3].short_text",
    ];
    assert_eq!(paths, expected, "{told:?}");

    let nothing = problems(world.consents.create("acme", NewDefinition::default(), ANA, noon()).await);
    assert_eq!(nothing, ["id", "type", "consent"].map(|path| format!("{path}: the member is missing")));
    let lapsing = |choice_type: &str| NewDefinition {
        choice_type: Some(choice_type.into()),
        expiration: Some(NewExpiration { duration: Some("P2Y".into()) }),
        ..definition(choice_type, &["es"])
    };
    for opt_out in ["OPT_OUT_NEGATIVE", "OPT_OUT_POSITIVE"] {
        let told = problems(world.consents.create("acme", lapsing(opt_out), ANA, noon()).await);
        assert!(told[0].starts_with("expiration_policy: "), "{told:?}");
    }
    let kept = world.consents.create("acme", lapsing("OPT_IN"), ANA, noon()).await.unwrap();
    assert_eq!(kept.expiration.as_deref(), Some("P2Y"), "as it was sent");
}

#[tokio::test]
async fn a_change_adds_or_replaces_languages_and_always_makes_a_version() {
    let world = World::new();
    let first = world.define("C01", &["es", "en"]).await;
    let new =
        NewTexts { details: Some(vec![texts("ca", "nou"), texts("ES", "nuevo")]), change_log: Some("Catalan added".into()) };
    let bob = Author { subject: "bob", audience: "other" };
    let changed = world.consents.change("acme", Some(&first.id), new, bob, noon()).await.unwrap();
    let told: Vec<_> = changed.details.iter().map(|details| (details.language.as_str(), details.text.as_str())).collect();
    assert_eq!(told, [("es", "nuevo"), ("en", "text"), ("ca", "nou")]);
    change(&world, "c-01", "nuevo").await;

    let all = Slice { skip: 0, take: 10 };
    let history = world.consents.history("acme", &first.id, all).await.unwrap();
    assert_eq!(history.iter().map(|version| version.version).collect::<Vec<_>>(), [3, 2, 1], "equal texts make a version, too");
    assert_eq!((history[2].value.version, &history[2].value.change_log), (first.version, &None));
    assert_eq!((history[1].value.subject.as_str(), history[1].value.change_log.as_deref()), ("bob", Some("Catalan added")));
    assert_eq!(history[0].value.change_log, None, "the reason is that of the version");
    for (skip, expected) in [(1, vec![2]), (2, vec![1]), (3, vec![]), (usize::MAX, vec![])] {
        let page = world.consents.history("acme", &first.id, Slice { skip, take: 1 }).await.unwrap();
        assert_eq!(page.iter().map(|version| version.version).collect::<Vec<_>>(), expected, "{skip}");
    }
    let nobody = ConsentId::new("C99").unwrap();
    assert!(world.consents.history("acme", &nobody, all).await.unwrap().is_empty());
    let missing = world.consents.change("acme", Some(&nobody), details("x"), ANA, noon()).await;
    assert!(matches!(missing, Err(Error::NoConsent)));
    let empty = NewTexts { details: Some(Vec::new()), change_log: Some("x".repeat(MAX_NOTE + 1)) };
    let told = problems(world.consents.change("acme", Some(&first.id), empty, ANA, noon()).await);
    assert!(told[0].starts_with("consent: ") && told[1].starts_with("changes_description: "), "{told:?}");
}

#[tokio::test]
async fn the_texts_of_a_definition_are_bounded() {
    let world = World::new();
    let long = |length: usize| NewDefinition { details: Some(vec![texts("es", &"x".repeat(length))]), ..definition("C01", &[]) };
    let told = problems(world.consents.create("acme", long(definitions::MAX_TEXT + 1), ANA, noon()).await);
    assert_eq!(told, ["consent[0].text: expected at most 16384 bytes"]);
    let id = world.consents.create("acme", long(definitions::MAX_TEXT), ANA, noon()).await.unwrap().id;
    // Each fits, and all together do not fit one record.
    let mut refused = None;
    for number in 0..definitions::MAX_LANGUAGES {
        let language = format!("a{}", char::from(b'a' + (number % 26) as u8));
        let long = "x".repeat(definitions::MAX_TEXT);
        let new = NewDetails { description: Some(long.clone()), ..texts(&language, &long) };
        let new = NewTexts { details: Some(vec![new]), change_log: None };
        if let Err(Error::Invalid(problems)) = world.consents.change("acme", Some(&id), new, ANA, noon()).await {
            refused = problems.iter().next().map(ToString::to_string);
            break;
        }
    }
    assert_eq!(refused.as_deref(), Some("consent: the texts of all languages of a consent may have 240 KiB"));
}

#[tokio::test]
async fn definitions_are_listed_by_id_with_their_filters() {
    let world = World::new();
    for id in ["C03", "A_1", "C01", "B2"] {
        world.define(id, &["es"]).await;
    }
    let opt_out = NewDefinition { choice_type: Some("OPT_OUT_POSITIVE".into()), ..definition("C02", &["es"]) };
    world.consents.create("acme", opt_out, ANA, noon()).await.unwrap();
    let list = async |wanted: Wanted, skip, take| {
        let found = world.consents.definitions("acme", &wanted, Slice { skip, take }).await.unwrap();
        found.into_iter().map(|found| String::from(found.value.id)).collect::<Vec<_>>()
    };
    let of = |choice_type, id: &str| Wanted { choice_type, id: ConsentId::new(id).ok() };
    use workflows::consents::ConsentType::{OptIn, OptOutPositive};
    assert_eq!(list(Wanted::default(), 0, 50).await, ["A_1", "B2", "C01", "C02", "C03"]);
    assert_eq!(list(Wanted::default(), 2, 2).await, ["C01", "C02"]);
    assert_eq!(list(Wanted::default(), 5, 50).await, [""; 0]);
    assert_eq!(list(of(Some(OptIn), ""), 2, 2).await, ["C01", "C03"]);
    assert_eq!(list(of(Some(OptOutPositive), "c02"), 0, 50).await, ["C02"]);
    assert_eq!(list(of(Some(OptIn), "c02"), 0, 50).await, [""; 0]);
    assert_eq!(list(of(None, "c02"), 1, 50).await, [""; 0]);
}

#[tokio::test]
async fn of_many_who_make_one_definition_at_once_one_succeeds() {
    let world = World::new();
    let made = (0..50).map(|_| world.consents.create("acme", definition("C01", &["es"]), ANA, noon()));
    let made = futures::future::join_all(made).await;
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1);
    assert!(made.iter().all(|made| matches!(made, Ok(_) | Err(Error::Exists(_)))));
}
