mod at_once;
mod model;
mod schema;

use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, TimeDelta};
use serde_json::json;
use store::model::Model;
use workflows::values::Language;

use super::*;
use crate::catalogue::documents;
use crate::catalogue::editions::Editions;
use crate::catalogue::item::Item;
use crate::catalogue::orphans::{Holds, Orphans};
use crate::catalogue::versioned::Versioned;
use crate::cpu_pool::CpuPool;
use crate::filling;
use crate::render_workers::Workers;

const ORG: &str = "acme";

fn noon() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn later(seconds: i64) -> Timestamp {
    noon() + TimeDelta::seconds(seconds)
}

/// Takes every template but those that say that they are wrong.
#[derive(Default)]
struct Checker {
    asked: AtomicUsize,
}

impl CheckTemplates for Checker {
    fn check<'a>(&'a self, _: &'a str, source: &'a NewSource) -> BoxFuture<'a, Result<Result<(), Vec<String>>, TemplateError>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = match source.template.as_ref() {
            b"wrong" => Ok(Err(vec!["line 1, column 2: wrong".to_owned(), "line 3, column 4: wrong as well".to_owned()])),
            b"panics" => Err(TemplateError::Panicked),
            b"busy" => Err(TemplateError::Pool(cpu_pool::Error::Busy)),
            _ => Ok(Ok(())),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[derive(Clone)]
struct World {
    templates: DynamicTemplates,
    orphans: Orphans,
    blobs: Blobs,
    store: Arc<dyn Store>,
    checker: Arc<Checker>,
}

fn on(store: Arc<dyn Store>, blobs: Blobs) -> World {
    let documents =
        Documents::new(store.clone(), blobs.clone(), CpuPool::default(), Workers::none(), documents::Options::default());
    let checker = Arc::new(Checker::default());
    let caches = filling::Metrics::default().caches();
    let templates = DynamicTemplates::new(store.clone(), blobs.clone(), documents, checker.clone(), caches);
    let orphans = Orphans::new(store.clone(), blobs.clone()).knowing(templates.clone());
    World { templates, orphans, blobs, store, checker }
}

fn world() -> World {
    on(Arc::new(Model::new()), Blobs::memory())
}

fn structure() -> Value {
    json!({"type": "object", "properties": {"NAME": {"type": "string"}}, "required": ["NAME"]})
}

fn source(language: Language, text: &str) -> NewSource {
    NewSource {
        language,
        template: Bytes::from(text.to_owned()),
        editor_config: Bytes::from(format!("{{\"of\": \"{text}\"}}")),
        structure: structure(),
        engine_version: "3.12".into(),
    }
}

fn of(text: &str) -> Definition {
    Definition {
        description: "An invoice".into(),
        default_language: Language::Es,
        tags: vec!["Invoice".into(), "2024 b".into()],
        sources: vec![source(Language::Es, text)],
        seen: None,
    }
}

fn to(language: Language, text: &str) -> Edit {
    Edit { sources: vec![SourceEdit::Content(source(language, text))], ..Edit::default() }
}

impl World {
    async fn make(&self, text: &str) -> Numbering {
        self.templates.create(ORG, "invoice", of(text), noon()).await.unwrap()
    }

    async fn minor(&self, major: u32, edit: Edit) -> Result<Numbering, Error> {
        self.templates.add_minor(ORG, "invoice", major, edit, None, noon()).await
    }

    async fn major(&self, text: &str) -> Result<Numbering, Error> {
        self.templates.add_major(ORG, "invoice", of(text), None, noon()).await
    }

    async fn latest(&self, major: u32) -> Result<String, Error> {
        self.templates.latest(ORG, "invoice", major).await.map(|found| found.number.to_string())
    }

    async fn has_file(&self, text: &str) -> bool {
        self.blobs.is_there(ORG, &Digest::of(text.as_bytes())).await.unwrap()
    }

    /// Keeps a template's bytes for a fill.
    async fn lend(&self, source: &Source) -> u16 {
        match self.templates.documents.lend(ORG, &source.template, noon()).await {
            Ok(()) => 200,
            Err(documents::Error::Gone) => 410,
            Err(error) => panic!("{error}"),
        }
    }

    /// Collects what nothing needs, as if it were long ago that it was put.
    async fn collect(&self) -> u64 {
        let nobody: Holds = Arc::new(|_, _, _| Box::pin(std::future::ready(false)));
        // In memory, blobs carry the system's time.
        let now = noon().max(chrono::Utc::now()) + TimeDelta::days(2);
        self.orphans.collect(&nobody, TimeDelta::days(1), now).await.unwrap().removed
    }

    /// From and to of each line of the changelog, newest first.
    async fn steps(&self) -> Vec<(Option<String>, Option<String>)> {
        let lines = self.templates.changelog(ORG, "invoice").await.unwrap();
        let text = |number: Option<Number>| number.map(|number| number.to_string());
        lines.iter().map(|line| (text(line.step.from), text(line.step.to))).collect()
    }
}

/// The kind of a refusal, as its status.
fn status<T: std::fmt::Debug>(result: &Result<T, Error>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(Error::Invalid(_)) => 400,
        Err(Error::NotFound(_)) => 404,
        Err(Error::Exists(..) | Error::Conflict(_) | Error::Overtaken(_)) => 409,
        Err(Error::Gone(_)) => 410,
        Err(Error::Catalogue(error)) if error.is_transient() => 503,
        Err(error) => panic!("{error:?}"),
    }
}

/// The paths of what is wrong.
fn wrong<T: std::fmt::Debug>(result: Result<T, Error>) -> Vec<String> {
    match result {
        Err(Error::Invalid(problems)) => problems.iter().map(|problem| problem.path.clone()).collect(),
        other => panic!("not invalid: {other:?}"),
    }
}

#[tokio::test]
async fn a_new_template_is_version_1_0_with_its_files_and_its_schema() {
    let world = world();
    let made = world.make("<p>{{NAME}}</p>").await;
    assert_eq!((made.external_id.as_str(), made.number.to_string().as_str()), ("invoice", "1.0"));
    let version = &made.version;
    assert_eq!((version.created_at, version.tags.as_slice()), (noon(), &["Invoice".to_owned(), "2024 b".to_owned()][..]));
    let es = version.source(Language::Es).unwrap();
    assert_eq!(version.source(Language::En), None, "there is no other language in its place");
    assert_eq!(world.templates.template(ORG, es).await.unwrap(), "<p>{{NAME}}</p>");
    assert_eq!(world.templates.structure(ORG, version).await.unwrap(), structure());
    let schema = world.templates.schema(ORG, version).await.unwrap();
    assert_eq!(schema.structure(), &structure());
    assert!(schema.check(&json!({"NAME": "Ana"})).is_ok() && schema.check(&json!({})).is_err());
    assert!(Arc::ptr_eq(&schema, &world.templates.schema(ORG, version).await.unwrap()), "it is made ready once");
    assert_eq!(world.templates.latest(ORG, "invoice", 1).await.unwrap(), made);
    assert_eq!(world.templates.get(ORG, "invoice", made.number).await.unwrap(), made);
    assert_eq!(world.templates.version(ORG, version.id).await.unwrap(), made.version);
    assert_eq!(world.collect().await, 0, "what a version has is no orphan");
}

#[tokio::test]
async fn an_external_id_is_that_of_one_template_of_one_organization() {
    let world = world();
    world.make("a").await;
    assert_eq!(status(&world.templates.create(ORG, "invoice", of("b"), noon()).await), 409);
    assert_eq!(world.checker.asked.load(Ordering::Relaxed), 1, "the second was not looked into");
    for bad in ["", "Invoice", "a-b", "a b", "ñ", "a/b", "a:b", &"x".repeat(256)] {
        assert_eq!(wrong(world.templates.create(ORG, bad, of("a"), noon()).await), ["external_id"], "{bad}");
        assert_eq!(status(&world.templates.latest(ORG, bad, 1).await), 404, "{bad}");
    }
    for good in ["a__b", "_", "___", &"x".repeat(255)] {
        world.templates.create(ORG, good, of("a"), noon()).await.unwrap();
    }
    for of_none in [
        world.templates.latest("other", "invoice", 1).await.map(drop),
        world.templates.changelog("other", "invoice").await.map(drop),
        world.templates.delete_major("other", "invoice", 1, noon()).await,
    ] {
        assert_eq!(status(&of_none), 404);
    }
    assert!(world.templates.newest("other", None, 0, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_with_its_place_and_nothing_is_kept() {
    let world = world();
    let bad = Definition {
        description: " ".into(),
        default_language: Language::De,
        tags: vec!["a".into(), "a".into(), "\n".into()],
        sources: vec![
            NewSource { engine_version: String::new(), ..source(Language::Es, "a") },
            NewSource { structure: json!({"type": "nmber"}), ..source(Language::Es, "b") },
            NewSource { editor_config: Bytes::from_static(b"{\n  no"), ..source(Language::En, "c") },
        ],
        seen: None,
    };
    let expected = [
        "external_id",
        "description",
        "tags[1]",
        "tags[2]",
        "sources[1].language",
        "default_language",
        "sources[0].engine_version",
        "sources[1].structure",
        "sources[2].editor_config_part_name",
    ];
    assert_eq!(wrong(world.templates.create(ORG, "In", bad, noon()).await), expected);
    let none = Definition { sources: Vec::new(), ..of("") };
    assert_eq!(wrong(world.templates.create(ORG, "invoice", none, noon()).await), ["sources", "default_language"]);
    let schema =
        Definition { sources: vec![NewSource { structure: json!({"$ref": "http://x"}), ..source(Language::Es, "a") }], ..of("") };
    assert_eq!(wrong(world.templates.create(ORG, "invoice", schema, noon()).await), ["sources[0].structure"]);
    let text = vec!["x".repeat(256); 6];
    let tags = Definition { tags: text, description: "x".repeat(1001), ..of("a") };
    assert_eq!(wrong(world.templates.create(ORG, "invoice", tags, noon()).await)[..2], ["description", "tags"]);
    let large = NewSource { template: vec![b' '; MAX_FILE + 1].into(), ..source(Language::Es, "a") };
    let large = Definition { sources: vec![large], ..of("") };
    assert_eq!(wrong(world.templates.create(ORG, "invoice", large, noon()).await), ["sources[0].template_part_name"]);
    assert_eq!(world.checker.asked.load(Ordering::Relaxed), 0, "no template was looked at");
    assert!(world.blobs.organizations().await.unwrap().is_empty());
    assert!(world.store.records(ORG, "dynamic_template", "", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_template_that_its_checker_refuses_is_told_in_the_checkers_words() {
    let world = world();
    let refused = world.templates.create(ORG, "invoice", of("wrong"), noon()).await.unwrap_err();
    let Error::Invalid(problems) = &refused else { panic!("{refused:?}") };
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    let path = "sources[0].template_part_name";
    assert_eq!(told, [format!("{path}: line 1, column 2: wrong"), format!("{path}: line 3, column 4: wrong as well")]);
    assert_eq!(wrong(world.templates.create(ORG, "invoice", of("panics"), noon()).await), [path]);
    assert_eq!(status(&world.templates.create(ORG, "invoice", of("busy"), noon()).await), 503);
    world.make("good").await;
    assert_eq!(wrong(world.minor(1, to(Language::En, "wrong")).await), [path; 2]);
    assert_eq!(wrong(world.major("wrong").await), [path; 2]);
    assert_eq!(world.latest(1).await.unwrap(), "1.0");
}

#[tokio::test]
async fn all_sources_of_a_version_have_equal_structures() {
    let world = world();
    let mut same = of("a");
    // The order of members does not count.
    let text = r#"{"required": ["NAME"], "properties": {"NAME": {"type": "string"}}, "type": "object"}"#;
    same.sources.push(NewSource { structure: serde_json::from_str(text).unwrap(), ..source(Language::En, "b") });
    world.templates.create(ORG, "invoice", same, noon()).await.unwrap();
    let mut other = of("a");
    other.sources.push(NewSource { structure: json!({"type": "object"}), ..source(Language::En, "b") });
    assert_eq!(wrong(world.templates.add_major(ORG, "invoice", other, None, noon()).await), ["sources[1].structure"]);
}

/// Note minor-breaking.
#[tokio::test]
async fn a_minor_adds_and_replaces_languages_and_keeps_the_rest() {
    let world = world();
    let first = world.make("a").await;
    let second = world.minor(1, to(Language::En, "b")).await.unwrap();
    assert_eq!((second.number.to_string().as_str(), second.version.languages()), ("1.1", vec![Language::Es, Language::En]));
    let edit = Edit { description: Some("Better".into()), default_language: Some(Language::Es), ..to(Language::Es, "c") };
    let third = world.minor(1, edit).await.unwrap();
    assert_eq!((third.version.description.as_str(), &third.version.tags), ("Better", &first.version.tags));
    assert_eq!(world.templates.template(ORG, third.version.source(Language::Es).unwrap()).await.unwrap(), "c");
    assert_eq!(world.templates.template(ORG, third.version.source(Language::En).unwrap()).await.unwrap(), "b");
    let same = world.minor(1, Edit::default()).await.unwrap();
    assert_eq!((same.number.to_string().as_str(), &same.version.sources), ("1.3", &third.version.sources));
    let minors = world.templates.minors(ORG, "invoice", 1).await.unwrap();
    let numbers: Vec<_> = minors.iter().map(|minor| minor.number.to_string()).collect();
    assert_eq!(numbers, ["1.3", "1.2", "1.1", "1.0"]);
}

#[tokio::test]
async fn a_minor_that_breaks_callers_is_a_conflict_and_changes_nothing() {
    let world = world();
    world.make("a").await;
    let asked = world.checker.asked.load(Ordering::Relaxed);
    let removal = |language| Edit { sources: vec![SourceEdit::Removal(language)], ..Edit::default() };
    let structure = NewSource { structure: json!({"type": "object"}), ..source(Language::Es, "b") };
    for breaking in [
        Edit { default_language: Some(Language::En), ..to(Language::En, "b") },
        removal(Language::Es),
        Edit { sources: vec![SourceEdit::Content(structure)], ..Edit::default() },
    ] {
        assert_eq!(status(&world.minor(1, breaking.clone()).await), 409, "{breaking:?}");
    }
    assert_eq!(wrong(world.minor(1, removal(Language::En)).await), ["sources[0].template_part_name"], "it is not there");
    let twice = Edit {
        sources: vec![SourceEdit::Content(source(Language::En, "b")), SourceEdit::Removal(Language::En)],
        ..Edit::default()
    };
    assert_eq!(wrong(world.minor(1, twice).await), ["sources[1].language", "sources[1].template_part_name"]);
    let long = world.templates.add_minor(ORG, "invoice", 1, Edit::default(), Some("x".repeat(1001)), noon()).await;
    assert_eq!(wrong(long), ["changelog"]);
    assert_eq!((world.latest(1).await.unwrap().as_str(), world.checker.asked.load(Ordering::Relaxed)), ("1.0", asked));
    assert!(!world.has_file("b").await);
}

#[tokio::test]
async fn a_major_takes_nothing_over_and_has_the_next_number() {
    let world = world();
    world.make("a").await;
    let other = Definition {
        default_language: Language::Undefined,
        tags: Vec::new(),
        sources: vec![NewSource { structure: json!({"type": "object"}), ..source(Language::Undefined, "b") }],
        ..of("")
    };
    let made = world.templates.add_major(ORG, "invoice", other, Some("the new law".into()), noon()).await.unwrap();
    assert_eq!((made.number.to_string().as_str(), made.version.languages()), ("2.0", vec![Language::Undefined]));
    assert_eq!(world.latest(1).await.unwrap(), "1.0", "callers keep filling the old one");
    assert_eq!(status(&world.templates.add_major(ORG, "none", of("a"), None, noon()).await), 404);
    // A number that a deletion freed is given again.
    world.templates.delete_major(ORG, "invoice", 2, noon()).await.unwrap();
    assert_eq!(world.major("c").await.unwrap().number.to_string(), "2.0");
}

#[tokio::test]
async fn deletions_keep_to_the_order_and_what_was_deleted_is_not_found() {
    let world = world();
    world.make("a").await;
    world.minor(1, to(Language::Es, "b")).await.unwrap();
    world.major("c").await.unwrap();
    let templates = &world.templates;
    assert_eq!(status(&templates.delete_major(ORG, "invoice", 1, noon()).await), 409, "it is not the latest");
    assert_eq!(status(&templates.delete_minor(ORG, "invoice", 2, noon()).await), 409, "it is the base");
    assert_eq!(status(&templates.delete_minor(ORG, "invoice", 3, noon()).await), 404);
    templates.delete_minor(ORG, "invoice", 1, noon()).await.unwrap();
    assert_eq!(status(&templates.delete_minor(ORG, "invoice", 1, noon()).await), 409);
    templates.delete_major(ORG, "invoice", 2, noon()).await.unwrap();
    assert_eq!(status(&templates.get(ORG, "invoice", Number { major: 1, minor: 1 }).await), 404);
    assert_eq!(status(&world.latest(2).await), 404);
    templates.delete_major(ORG, "invoice", 1, noon()).await.unwrap();
    for refused in [
        world.latest(1).await.map(drop),
        world.major("a").await.map(drop),
        world.minor(1, Edit::default()).await.map(drop),
        templates.minors(ORG, "invoice", 1).await.map(drop),
        templates.changelog(ORG, "invoice").await.map(drop),
        templates.delete_major(ORG, "invoice", 1, noon()).await,
        templates.delete_minor(ORG, "invoice", 1, noon()).await,
    ] {
        assert_eq!(status(&refused), 404, "{refused:?}");
    }
    assert_eq!(world.make("d").await.number.to_string(), "1.0", "the name is free");
    assert_eq!(world.steps().await, [(None, Some("1.0".into()))], "the changelog is that of this template");
}

#[tokio::test]
async fn files_go_with_the_last_version_that_has_them() {
    let world = world();
    world.make("a").await;
    world.minor(1, to(Language::En, "b")).await.unwrap();
    world.major("a").await.unwrap();
    assert!(world.has_file("a").await && world.has_file("b").await);
    world.templates.delete_minor(ORG, "invoice", 1, noon()).await.unwrap();
    assert!(world.has_file("a").await && !world.has_file("b").await);
    world.templates.delete_major(ORG, "invoice", 2, noon()).await.unwrap();
    assert!(world.has_file("a").await, "1.0 has it as well");
    world.templates.delete_major(ORG, "invoice", 1, noon()).await.unwrap();
    assert!(!world.has_file("a").await && !world.has_file("{\"of\": \"a\"}").await);
    assert_eq!(world.collect().await, 0, "nothing was left for the collector");
}

#[tokio::test]
async fn a_fill_has_its_template_whatever_becomes_of_the_version() {
    let world = world();
    let made = world.make("a").await;
    let es = made.version.source(Language::Es).unwrap();
    for _ in 0..2 {
        assert_eq!(world.lend(es).await, 200);
    }
    world.templates.delete_major(ORG, "invoice", 1, noon()).await.unwrap();
    assert_eq!(world.templates.template(ORG, es).await.unwrap(), "a");
    let version = world.templates.version(ORG, made.version.id).await.unwrap();
    assert!(!world.templates.has(ORG, &version).await.unwrap());
    let schema = world.templates.schema(ORG, &version).await.unwrap();
    assert!(schema.check(&json!({"NAME": "Ana"})).is_ok());
    assert_eq!(world.collect().await, 1, "nobody has needed it for two days");
    assert_eq!(status(&world.templates.template(ORG, es).await), 410);
    assert_eq!(world.lend(es).await, 410);
}

#[tokio::test]
async fn a_listing_has_each_major_with_its_latest_minor_newest_first() {
    let world = world();
    let templates = &world.templates;
    templates.create(ORG, "b", of("a"), later(0)).await.unwrap();
    templates.create(ORG, "a", of("a"), later(0)).await.unwrap();
    templates.add_major(ORG, "a", of("b"), None, later(5)).await.unwrap();
    templates.add_minor(ORG, "b", 1, Edit::default(), None, later(9)).await.unwrap();
    templates.create(ORG, "deleted", of("a"), later(10)).await.unwrap();
    templates.delete_major(ORG, "deleted", 1, later(11)).await.unwrap();
    let listed = async |only: Option<&str>, page, size| {
        let found = templates.newest(ORG, only, page, size).await.unwrap();
        found.iter().map(|found| format!("{} {}", found.external_id, found.number)).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 0, 50).await, ["b 1.1", "a 2.0", "a 1.0"]);
    assert_eq!(
        (listed(None, 0, 2).await, listed(None, 1, 2).await),
        (vec!["b 1.1".into(), "a 2.0".into()], vec!["a 1.0".to_owned()])
    );
    assert!(listed(None, 2, 2).await.is_empty() && listed(None, usize::MAX, usize::MAX).await.is_empty());
    assert_eq!(listed(Some("a"), 0, 50).await, ["a 2.0", "a 1.0"]);
    for none in ["c", "A", "", "deleted"] {
        assert!(listed(Some(none), 0, 50).await.is_empty(), "{none}");
    }
}

#[tokio::test]
async fn a_changelog_tells_each_change_by_whom_and_why() {
    let world = world();
    let templates = &world.templates;
    let by = |seconds| Act { at: later(seconds), by: Some("eva"), why: None };
    templates.create(ORG, "invoice", of("a"), by(0)).await.unwrap();
    templates.add_minor(ORG, "invoice", 1, Edit::default(), Some("a typo".into()), by(1)).await.unwrap();
    templates.add_major(ORG, "invoice", of("b"), Some("the new law".into()), by(2)).await.unwrap();
    templates.delete_minor(ORG, "invoice", 1, by(3)).await.unwrap();
    templates.delete_major(ORG, "invoice", 2, by(4)).await.unwrap();
    let told = templates.changelog(ORG, "invoice").await.unwrap();
    let text = |number: Option<Number>| number.map_or("-".to_owned(), |number| number.to_string());
    let told = told.iter().map(|line| {
        let (seconds, by, why) = ((line.at - noon()).num_seconds(), line.by.as_deref().unwrap_or_default(), line.step.told());
        format!("{seconds} {} {} {by} {}", text(line.step.from), text(line.step.to), why.unwrap_or_default())
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "4 2.0 1.0 eva major version 2 was deleted",
            "3 1.1 1.0 eva version 1.1 was deleted",
            "2 1.1 2.0 eva the new law",
            "1 1.0 1.1 eva a typo",
            "0 - 1.0 eva ",
        ]
    );
}

#[test]
fn a_template_with_as_many_versions_as_there_may_be_fits_into_its_record() {
    let edition = Edition { id: Uuid::max(), weight: u32::MAX, created_at: later(0) + TimeDelta::microseconds(123_456) };
    let mut editions = Editions::new(edition);
    while editions.add_major(edition).is_ok() {}
    let number = Some(Number { major: u32::MAX, minor: u32::MAX });
    let whole = Item::new(Versioned { id: Uuid::max(), editions, step: Step::new(number, number) });
    assert!(serde_json::to_vec(&whole).unwrap().len() < store::MAX_BODY - 8192);

    let mut editions = Editions::new(edition);
    while editions.add_minor(1, edition).is_ok() {}
    let deleted: Vec<Uuid> = editions.iter().map(|edition| edition.id).collect();
    editions.delete_major(1).unwrap();
    let step = Step { deleted, ..Step::new(number, None) };
    let less = Item::new(Versioned { id: Uuid::max(), editions, step });
    assert!(serde_json::to_vec(&less).unwrap().len() < store::MAX_BODY);
}

#[tokio::test]
async fn the_largest_schema_fits_into_its_record() {
    let world = world();
    let mut large = structure();
    let rest = MAX_SCHEMA - json!({"description": ""}).to_string().len() - large.to_string().len() + 1;
    large["description"] = json!("x".repeat(rest));
    assert_eq!(large.to_string().len(), MAX_SCHEMA);
    let definition = Definition { sources: vec![NewSource { structure: large.clone(), ..source(Language::Es, "a") }], ..of("") };
    let made = world.templates.create(ORG, "invoice", definition, noon()).await.unwrap();
    assert_eq!(world.templates.structure(ORG, &made.version).await.unwrap(), large);
}

#[tokio::test]
async fn more_than_one_answer_can_hold_is_refused_and_single_versions_are_read() {
    let world = world();
    let mut large = structure();
    large["description"] = json!("x".repeat(200_000));
    let of_large = |text| NewSource { structure: large.clone(), ..source(Language::Es, text) };
    let definition = Definition { sources: vec![of_large("a")], ..of("") };
    world.templates.create(ORG, "invoice", definition, noon()).await.unwrap();
    for _ in 0..90 {
        world.minor(1, Edit::default()).await.unwrap();
    }
    assert_eq!(wrong(world.templates.minors(ORG, "invoice", 1).await), ["major_version"]);
    world.templates.get(ORG, "invoice", Number { major: 1, minor: 7 }).await.unwrap();
}
