//! What a fill does while what it is made of changes, over a store in memory.

use std::sync::Arc;

use ::documents::fixtures::{self, Kind};
use chrono::{DateTime, Utc};
use store::blobs::Blobs;
use store::model::Model;
use workflows::values::Language;

use super::*;
use crate::catalogue::documents;
use crate::catalogue::forms::Upload;
use crate::catalogue::sections::{NewSection, SectionForm};
use crate::catalogue::templates::{Definition, Rule};
use crate::cpu_pool::CpuPool;

struct World {
    filling: Filling,
}

fn noon() -> DateTime<Utc> {
    "2026-11-26T12:00:00Z".parse().unwrap()
}

impl World {
    fn new(options: Options) -> Self {
        let (store, blobs, cpu) = (Arc::new(Model::new()), Blobs::memory(), CpuPool::default());
        let limits = documents::Options { max_bytes: 64 * 1024, ..Default::default() };
        let documents = Documents::new(store.clone(), blobs.clone(), cpu, Workers::none(), limits);
        let sources = Sources::new(store, &blobs, documents, Workers::none());
        Self { filling: Filling::new(sources, options, Metrics::default()) }
    }

    fn sources(&self) -> &Sources {
        &self.filling.0.sources
    }

    async fn form(&self, name: &str, pdf: Vec<u8>) {
        let upload =
            Upload { name: Some(name.into()), extension: Some("pdf".into()), content: Some(pdf.into()), ..Upload::default() };
        self.sources().forms.upload("acme", upload, noon()).await.unwrap();
    }

    /// A form, a section and a template of one name, in Spanish.
    async fn template(&self, name: &str, rules: &[&str]) {
        self.form(name, fixtures::form(&[("NAME", Kind::Text)])).await;
        let forms = vec![SectionForm { language: Language::Es, form: name.into() }];
        self.sources().sections.create("acme", NewSection { name: name.into(), forms }, noon()).await.unwrap();
        let definition = Definition {
            default_language: Language::Es,
            sections: vec![name.into()],
            rules: rules.iter().map(|rule| Rule { section: name.into(), condition: (*rule).into() }).collect(),
        };
        self.sources().templates.create("acme", name, definition, noon()).await.unwrap();
    }

    async fn delete(&self, name: &str) {
        self.sources().templates.delete_major("acme", name, 1, noon()).await.unwrap();
        let templates = &self.sources().templates;
        let is_there = async |held: crate::catalogue::Held| templates.is_there("acme", &held, noon()).await;
        self.sources().sections.delete("acme", name, noon(), is_there).await.unwrap();
        self.sources().forms.delete("acme", name, noon()).await.unwrap();
    }

    async fn fill(&self, organization: &str, template: &str, flags: &[&str]) -> Result<FilledTemplate, Error> {
        let request = Request {
            template: template.into(),
            major: 1,
            language: Language::En,
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            values: vec![("NAME".into(), "Nicanor".into())],
            mode: Mode::Default,
            flatten: true,
            members: Members::SNAKE,
        };
        self.filling.template(organization, request).await
    }

    fn asked(&self, cache: &str, found: &str) -> u64 {
        self.filling.0.metrics.caches().asked.with_label_values(&[cache, found]).get()
    }
}

#[tokio::test]
async fn forms_of_many_fills_at_once_are_read_once() {
    let world = World::new(Options::default());
    world.template("contract", &[]).await;
    let fills = futures::future::join_all((0..20).map(|_| world.fill("acme", "contract", &[]))).await;
    assert!(fills.iter().all(|filled| filled.as_ref().is_ok_and(|filled| filled.pages == 1)));
    assert_eq!((world.asked("forms", "miss"), world.asked("forms", "hit")), (1, 19));
    assert_eq!((world.asked("templates", "miss"), world.asked("templates", "hit")), (1, 19));
}

#[tokio::test]
async fn without_memory_everything_is_read_again_and_filled_all_the_same() {
    let world = World::new(Options { memory: 0 });
    world.template("contract", &[]).await;
    for _ in 0..2 {
        world.fill("acme", "contract", &[]).await.unwrap();
    }
    assert_eq!((world.asked("forms", "miss"), world.asked("templates", "miss")), (2, 2));
}

#[tokio::test]
async fn nothing_of_another_organization_is_filled_even_if_it_was_read_before() {
    let world = World::new(Options::default());
    world.template("contract", &[]).await;
    world.fill("acme", "contract", &[]).await.unwrap();
    assert!(matches!(world.fill("other", "contract", &[]).await, Err(Error::Catalogue(names::Error::NotFound(_)))));
    let form = world.filling.form("other", "contract", Vec::new(), Mode::Default).await;
    assert!(matches!(form, Err(Error::Catalogue(names::Error::NotFound(_)))));
}

#[tokio::test]
async fn what_was_deleted_is_gone_though_it_is_in_the_cache_and_what_is_made_again_is_new() {
    let world = World::new(Options::default());
    world.template("contract", &[]).await;
    world.fill("acme", "contract", &[]).await.unwrap();
    world.delete("contract").await;
    assert!(matches!(world.fill("acme", "contract", &[]).await, Err(Error::Catalogue(names::Error::Gone(_)))));
    world.template("contract", &["GDPR:YES"]).await;
    assert!(matches!(world.fill("acme", "contract", &[]).await, Err(Error::Invalid(_))), "it has a rule now");
    world.fill("acme", "contract", &["GDPR:YES"]).await.unwrap();
}

#[tokio::test]
async fn a_template_that_is_deleted_while_it_is_read_is_gone_and_no_fault() {
    let world = World::new(Options::default());
    world.template("contract", &[]).await;
    let version = world.sources().templates.latest("acme", "contract", 1).await.unwrap().version;
    world.delete("contract").await;
    let plan = Plan::read(world.sources(), "acme", version).await;
    assert!(matches!(plan, Err(names::Error::Gone(_))));

    for number in 0..20 {
        let name = format!("contract_{number}");
        world.template(&name, &[]).await;
        let deletion = async {
            for _ in 0..number {
                tokio::task::yield_now().await;
            }
            world.delete(&name).await;
        };
        let (filled, ()) = tokio::join!(world.fill("acme", &name, &[]), deletion);
        assert!(matches!(filled, Ok(_) | Err(Error::Catalogue(names::Error::Gone(_)))), "{filled:?}");
    }
}

#[tokio::test]
async fn when_no_section_is_printed_the_flags_are_told() {
    let world = World::new(Options::default());
    world.template("contract", &["GDPR:YES"]).await;
    let Err(Error::Invalid(problems)) = world.fill("acme", "contract", &["GDPR:NO"]).await else { panic!("it was filled") };
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("flags_conditions: each section of this version has a rule"), "{told:?}");
}

#[tokio::test]
async fn forms_that_are_too_large_together_are_not_filled() {
    let world = World::new(Options::default());
    let padded = |name: &str| {
        let mut pdf = lopdf::Document::load_mem(&fixtures::form(&[(name, Kind::Text)])).unwrap();
        let catalog = pdf.trailer.get(b"Root").and_then(lopdf::Object::as_reference).unwrap();
        let padding = pdf.add_object(lopdf::Stream::new(lopdf::dictionary! {}, vec![b' '; 40_000]));
        pdf.get_dictionary_mut(catalog).unwrap().set("Padding", padding);
        let mut bytes = Vec::new();
        pdf.save_to(&mut bytes).unwrap();
        bytes
    };
    let mut names = Vec::new();
    for name in ["one", "two"] {
        world.form(name, padded(name)).await;
        let forms = vec![SectionForm { language: Language::Es, form: name.into() }];
        world.sources().sections.create("acme", NewSection { name: name.into(), forms }, noon()).await.unwrap();
        names.push(name.to_owned());
    }
    let definition = Definition { default_language: Language::Es, sections: names, rules: Vec::new() };
    world.sources().templates.create("acme", "both", definition, noon()).await.unwrap();
    let refused = world.fill("acme", "both", &[]).await.unwrap_err();
    assert!(matches!(&refused, Error::TooLarge(told) if told.starts_with("the forms have")), "{refused}");
}

#[tokio::test]
async fn a_result_holds_room_in_memory_as_long_as_it_is_there() {
    let world = World::new(Options::default());
    world.template("contract", &[]).await;
    let free = world.filling.0.results.free();
    let filled = world.fill("acme", "contract", &[]).await.unwrap();
    assert_eq!(world.filling.0.results.free(), free - filled.pdf.len() as u64);
    let part = filled.pdf.slice(1..2);
    drop(filled);
    assert!(world.filling.0.results.free() < free, "a part of it is still there");
    drop(part);
    assert_eq!(world.filling.0.results.free(), free);
}

#[tokio::test]
async fn no_value_is_shown_by_debug_or_in_an_error() {
    let world = World::new(Options::default());
    world.form("zip", fixtures::form(&[("ZIP", Kind::Short(3))])).await;
    let refused = world.filling.form("acme", "zip", vec![("ZIP".into(), "secret".into())], Mode::Default).await.unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("secret"), "{refused:?}");
}
