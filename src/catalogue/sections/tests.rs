use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use store::blobs::Blobs;
use store::faulty::{Faulty, Plan};
use store::model::Model;

use super::*;
use crate::catalogue::documents::{self, Documents};
use crate::catalogue::forms::Upload;
use crate::cpu_pool::CpuPool;
use crate::render_workers::Workers;

const ORG: &str = "acme";

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

struct World {
    forms: Forms,
    sections: Sections,
}

fn on(store: Arc<dyn Store>) -> World {
    let blobs = Blobs::memory();
    let documents =
        Documents::new(store.clone(), blobs.clone(), CpuPool::default(), Workers::none(), documents::Options::default());
    let forms = Forms::new(store.clone(), blobs, documents);
    World { sections: Sections::new(store, forms.clone()), forms }
}

fn world() -> World {
    on(Arc::new(Model::new()))
}

fn form(language: Language, form: &str) -> SectionForm {
    SectionForm { language, form: form.into() }
}

fn section(name: &str, forms: &[SectionForm]) -> NewSection {
    NewSection { name: name.into(), forms: forms.to_vec() }
}

/// A template that says that it uses a section.
fn template(key: &str) -> User {
    User { kind: "template".into(), key: key.into() }
}

impl World {
    async fn form(&self, name: &str) {
        let pdf = ::documents::fixtures::form_of(&["NAME", name], &[]);
        let upload = Upload { name: Some(name.into()), extension: Some("pdf".into()), tags: vec![], content: Some(pdf.into()) };
        self.forms.upload(ORG, upload, at(0)).await.unwrap();
    }

    async fn make(&self, name: &str, form_name: &str, seconds: i64) -> Result<Found<Section>, Error> {
        self.sections.create(ORG, section(name, &[form(Language::Es, form_name)]), at(seconds)).await
    }

    /// A deletion that takes every user for one that is there.
    async fn delete(&self, name: &str, seconds: i64) -> Result<(), Error> {
        self.sections.delete(ORG, name, at(seconds), |_| std::future::ready(Ok(true))).await
    }
}

#[tokio::test]
async fn a_section_finds_the_form_of_a_language_and_has_the_fields_of_all() {
    let world = world();
    world.form("es").await;
    world.form("en").await;
    let forms = [form(Language::Es, "es"), form(Language::Undefined, "en")];
    let made = world.sections.create(ORG, section("Header", &forms), at(1)).await.unwrap();
    assert_eq!(made, world.sections.get(ORG, "header").await.unwrap());
    let section = made.item.value;
    assert_eq!(
        (section.form(Language::Es), section.form(Language::Undefined), section.form(Language::En)),
        (Some("es"), Some("en"), None)
    );
    let keys: Vec<_> = section.fields.iter().map(|field| field.key.as_str()).collect();
    assert_eq!(keys, ["NAME", "es", "en"]);
}

#[tokio::test]
async fn a_section_in_use_is_not_deleted_and_its_forms_stay_with_it() {
    let world = world();
    world.form("es").await;
    world.make("header", "es", 1).await.unwrap();
    world.sections.hold(ORG, "header", &template("lease"), at(2)).await.unwrap();
    let refused = world.delete("header", 3).await.unwrap_err();
    assert_eq!(refused.to_string(), "the section is part of the template lease; delete that first");
    assert!(matches!(world.forms.delete(ORG, "es", at(3)).await, Err(Error::InUse(..))));

    world.sections.release(ORG, "header", &template("lease"), at(4)).await.unwrap();
    world.delete("header", 5).await.unwrap();
    world.forms.delete(ORG, "es", at(6)).await.unwrap();
    assert!(matches!(world.sections.hold(ORG, "header", &template("lease"), at(7)).await, Err(Error::Gone(_))));
}

#[tokio::test]
async fn a_refused_creation_holds_nothing_and_takes_nothing_from_the_first() {
    let world = world();
    world.form("es").await;
    world.form("en").await;
    world.make("header", "es", 1).await.unwrap();
    let forms = [form(Language::Es, "es"), form(Language::En, "en")];
    assert!(matches!(world.sections.create(ORG, section("header", &forms), at(2)).await, Err(Error::Exists(..))));
    let missing = [form(Language::En, "en"), form(Language::De, "nothing")];
    assert!(matches!(world.sections.create(ORG, section("other", &missing), at(2)).await, Err(Error::NotFound(_))));

    assert!(matches!(world.forms.delete(ORG, "es", at(3)).await, Err(Error::InUse(..))));
    world.forms.delete(ORG, "en", at(3)).await.unwrap();
}

#[tokio::test]
async fn a_creation_that_died_half_way_keeps_a_form_for_a_while_only() {
    let world = world();
    world.form("es").await;
    let user = names::user::<Section>("header", Uuid::now_v7());
    world.forms.hold(ORG, "es", &user, at(0)).await.unwrap();
    assert!(matches!(world.forms.delete(ORG, "es", at(60)).await, Err(Error::InUse(..))), "it may be on its way");
    let late = at(0) + CREATION_GRACE + TimeDelta::seconds(1);
    assert!(!may_come(at(0), late));
    world.forms.delete(ORG, "es", late).await.unwrap();
}

#[tokio::test]
async fn what_a_deletion_that_died_half_way_held_is_free() {
    let world = world();
    world.form("es").await;
    world.make("header", "es", 1).await.unwrap();
    let deleted = world.sections.items.delete_unused(ORG, "header", "deleted", at(2).into(), |_| std::future::ready(Ok(false)));
    deleted.await.unwrap();
    world.forms.delete(ORG, "es", at(3)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_form_that_is_used_and_deleted_at_once_is_either_used_or_deleted() {
    let (mut used, mut deleted) = (0, 0);
    for seed in 0..100 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)));
        world.form("es").await;
        let create = async {
            tokio::time::sleep(Duration::from_millis(seed % 8)).await;
            world.make("header", "es", 1).await
        };
        let (made, gone) = tokio::join!(create, world.forms.delete(ORG, "es", at(1)));
        let is_there = world.forms.get(ORG, "es").await.is_ok();
        match (made, gone) {
            (Ok(_), Err(Error::InUse(..))) => used += usize::from(is_there),
            (Err(Error::NotFound(_)), Ok(())) => deleted += usize::from(!is_there),
            // Who deleted saw a creation that then saw the deletion.
            (Err(Error::NotFound(_)), Err(Error::InUse(..))) => panic!("seed {seed}: neither"),
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert_eq!(used + deleted, 100, "what was answered is what is there");
    assert!(used > 5 && deleted > 5, "{used} used, {deleted} deleted");
}

#[tokio::test]
async fn of_two_sections_of_one_name_at_once_one_is_there_and_keeps_its_form() {
    let world = world();
    world.form("es").await;
    world.form("en").await;
    let (one, other) = tokio::join!(world.make("header", "es", 1), world.make("header", "en", 1));
    assert_eq!([one.is_ok(), other.is_ok()].iter().filter(|made| **made).count(), 1);
    let kept = world.sections.get(ORG, "header").await.unwrap().item.value.forms[0].form.clone();
    let free = if kept == "es" { "en" } else { "es" };
    assert!(matches!(world.forms.delete(ORG, &kept, at(2)).await, Err(Error::InUse(..))));
    world.forms.delete(ORG, free, at(2)).await.unwrap();
}
