use chrono::{DateTime, TimeDelta};
use store::model::Model;

use super::*;
use crate::catalogue::documents;
use crate::catalogue::orphans::{Holds, Orphans};
use crate::cpu_pool::CpuPool;
use crate::render_workers::Workers;

const ORG: &str = "acme";

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

struct World {
    forms: Forms,
    orphans: Orphans,
    store: Arc<Model>,
    blobs: Blobs,
}

fn world() -> World {
    let (store, blobs) = (Arc::new(Model::new()), Blobs::memory());
    let documents = Documents::new(
        store.clone(),
        blobs.clone(),
        CpuPool::default(),
        Workers::none(),
        documents::Options { max_bytes: 64 * 1024, ..Default::default() },
    );
    let forms = Forms::new(store.clone(), blobs.clone(), documents);
    let orphans = Orphans::new(store.clone(), blobs.clone()).knowing(forms.clone());
    World { forms, orphans, store, blobs }
}

fn pdf() -> Vec<u8> {
    ::documents::fixtures::form_of(&["NAME"], &["SIGNATURE_1"])
}

fn upload(name: &str) -> Upload {
    Upload { name: Some(name.into()), extension: Some("pdf".into()), tags: vec![], content: Some(pdf().into()) }
}

impl World {
    async fn make(&self, name: &str, seconds: i64) -> Form {
        self.forms.upload(ORG, upload(name), at(seconds)).await.unwrap().item.value
    }

    async fn has_bytes(&self, form: &Form) -> bool {
        self.blobs.is_there(ORG, &form.digest).await.unwrap()
    }

    /// Collects what nothing needs, as if it were long ago that it was put.
    async fn collect(&self, seconds: i64) -> u64 {
        let nobody: Holds = Arc::new(|_, _, _| Box::pin(std::future::ready(false)));
        let now = chrono::Utc::now() + TimeDelta::days(1) + TimeDelta::seconds(seconds);
        self.orphans.collect(&nobody, TimeDelta::hours(1), now).await.unwrap().removed
    }
}

#[tokio::test]
async fn a_form_is_found_by_both_its_names_until_another_one_has_its_external_id() {
    let world = world();
    let first = world.make("Contract-ES", 0).await;
    for name in [first.id.to_string(), "contract_es".into()] {
        assert_eq!(world.forms.find(ORG, &name).await.unwrap().item.value, first, "{name}");
        assert!(matches!(world.forms.find("other", &name).await, Err(Error::NotFound(_))), "{name}");
    }
    assert!(matches!(world.forms.upload(ORG, upload("contract_ES"), at(1)).await, Err(Error::Exists("form", _))));

    world.forms.delete(ORG, &first.id.to_string(), at(2)).await.unwrap();
    assert!(matches!(world.forms.find(ORG, "contract_es").await, Err(Error::Gone(_))));
    let second = world.make("contract_es", 3).await;
    assert_eq!(world.forms.find(ORG, "contract_es").await.unwrap().created_at(), at(3));
    assert!(matches!(world.forms.find(ORG, &first.id.to_string()).await, Err(Error::Gone(_))));
    assert_eq!(world.forms.find(ORG, &second.id.to_string()).await.unwrap().item.value, second);
    // An external id that reads like an identifier is one where nothing has that identifier.
    let alike = world.make(&"ab".repeat(16), 4).await;
    assert_eq!(world.forms.find(ORG, &alike.external_id).await.unwrap().item.value, alike);
}

#[tokio::test]
async fn the_bytes_go_with_the_last_form_that_has_them() {
    let world = world();
    let (first, second) = (world.make("first", 0).await, world.make("second", 0).await);
    assert_eq!(first.digest, second.digest);
    assert_eq!(world.forms.bytes(ORG, &first).await.unwrap(), pdf());
    world.forms.delete(ORG, "first", at(1)).await.unwrap();
    assert!(world.has_bytes(&second).await);
    world.forms.delete(ORG, "second", at(1)).await.unwrap();
    assert!(!world.has_bytes(&second).await);
    assert!(matches!(world.forms.bytes(ORG, &second).await, Err(Error::Gone(_))));
}

#[tokio::test]
async fn the_collector_of_orphans_leaves_forms_and_takes_what_no_form_names() {
    let world = world();
    let kept = world.make("kept", 0).await;
    let torn = Bytes::from_static(b"bytes of a form that was never written");
    let digest = Digest::of(&torn);
    world.forms.references.put(ORG, &digest, torn, Holder::Form(Uuid::now_v7()), chrono::Utc::now()).await.unwrap();

    assert_eq!(world.collect(0).await, 1);
    assert!(world.has_bytes(&kept).await && !world.blobs.is_there(ORG, &digest).await.unwrap());

    // A deletion that died before it gave up the bytes.
    world.forms.items.delete_unused(ORG, "kept", "deleted", at(1).into(), |_| std::future::ready(Ok(false))).await.unwrap();
    assert_eq!(world.collect(1).await, 1);
    assert!(!world.has_bytes(&kept).await);
}

#[tokio::test]
async fn a_refused_upload_leaves_nothing_behind() {
    let world = world();
    let refused = Upload { content: Some(Bytes::from_static(b"%PDF-1.7\nand then nothing")), ..upload("broken") };
    assert!(matches!(world.forms.upload(ORG, refused, at(0)).await, Err(Error::Incomplete(_))));
    let large = Upload { content: Some(vec![0; 64 * 1024 + 1].into()), ..upload("large") };
    assert!(matches!(world.forms.upload(ORG, large, at(0)).await, Err(Error::TooLarge(_))));
    assert!(world.blobs.organizations().await.unwrap().is_empty());
    assert!(world.store.records(ORG, Form::COLLECTION, "", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn of_two_uploads_of_one_name_at_once_one_is_there_with_its_bytes() {
    let world = world();
    let (one, other) = tokio::join!(
        world.forms.upload(ORG, upload("both"), at(0)),
        world.forms.upload(ORG, Upload { content: Some(::documents::fixtures::contract(&[]).into()), ..upload("both") }, at(0)),
    );
    let form = world.forms.get(ORG, "both").await.unwrap().item.value;
    let made: Vec<_> = [one, other].into_iter().filter_map(Result::ok).map(|made| made.item.value).collect();
    assert_eq!(made, std::slice::from_ref(&form));
    assert!(world.has_bytes(&form).await);
    world.forms.delete(ORG, "both", at(1)).await.unwrap();
    assert_eq!(world.collect(1).await, 0, "the one that was refused left no bytes");
}
