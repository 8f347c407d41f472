use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use store::blobs::{Blobs, Digest};
use store::model::Model;

use super::*;
use crate::catalogue::orphans::{Holds, Orphans};
use crate::cpu_pool::CpuPool;

const ORG: &str = "acme";
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0\x0dIDATx\xdacd\xf8\xcfP\x0f\0\
    \x03\x86\x01\x80Z4}k\0\0\0\0IEND\xaeB`\x82";

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

struct World {
    configurations: Configurations,
    images: Images,
    orphans: Orphans,
    blobs: Blobs,
}

fn world() -> World {
    let (store, blobs) = (Arc::new(Model::new()), Blobs::memory());
    let images = Images::new(store.clone(), blobs.clone(), CpuPool::default());
    let orphans = Orphans::new(store.clone(), blobs.clone()).knowing(images.clone());
    World { configurations: Configurations::new(store, images.clone()), images, orphans, blobs }
}

fn field(name: &str, kind: &str, values: &[(Language, &str)]) -> NewField {
    let value = |(language, content): &(Language, &str)| NewValue { language: Some(*language), content: Some((*content).into()) };
    NewField { name: Some(name.into()), kind: Some(kind.into()), values: Some(values.iter().map(value).collect()) }
}

fn new(fields: Vec<NewField>) -> NewConfiguration {
    NewConfiguration { changelog: None, default_language: Some(Language::Es), fields: Some(fields) }
}

fn text(content: &str) -> NewConfiguration {
    new(vec![field("CONFIG_TENANT.NAME", "TEXT", &[(Language::Es, content)])])
}

impl World {
    async fn make(&self, content: &str, seconds: i64) -> u32 {
        self.configurations.create(ORG, text(content), at(seconds)).await.unwrap()
    }

    async fn image(&self) -> ConfigurationDocument {
        let upload = Upload { name: Some("logo".into()), extension: Some("png".into()), content: Some(Bytes::from_static(PNG)) };
        self.images.upload(ORG, upload, at(0)).await.unwrap()
    }

    async fn numbers(&self) -> Vec<u32> {
        let page = self.configurations.newest(ORG, 0, 100).await.unwrap();
        page.versions.iter().map(|version| version.number).collect()
    }
}

#[tokio::test]
async fn numbers_go_on_from_1_and_none_is_given_twice() {
    let world = world();
    assert_eq!(world.configurations.latest(ORG).await.unwrap(), None);
    for number in 1..=3 {
        assert_eq!(world.make("Acme", i64::from(number)).await, number);
    }
    for number in [3, 1] {
        world.configurations.delete(ORG, number, at(4), false).await.unwrap();
        assert!(matches!(world.configurations.get(ORG, number).await, Err(Error::NotFound(_))));
        assert!(matches!(world.configurations.delete(ORG, number, at(4), false).await, Err(Error::NotFound(_))));
    }
    assert_eq!(world.configurations.latest(ORG).await.unwrap().map(|(number, _)| number), Some(2));
    world.configurations.delete(ORG, 2, at(5), false).await.unwrap();
    assert_eq!(world.configurations.latest(ORG).await.unwrap(), None);
    assert_eq!((world.make("Acme", 6).await, world.numbers().await), (4, vec![4]));
    assert_eq!(world.configurations.create("other", text("Other"), at(7)).await.unwrap(), 1);
}

#[tokio::test]
async fn versions_made_at_once_have_numbers_of_their_own() {
    let world = world();
    let mut numbers = futures::future::join_all((0..6).map(|_| world.make("Acme", 1))).await;
    numbers.sort_unstable();
    assert_eq!((numbers, world.numbers().await), (vec![1, 2, 3, 4, 5, 6], vec![6, 5, 4, 3, 2, 1]));
}

/// Note configuration-delete-text.
#[tokio::test]
async fn the_latest_version_stays_while_it_is_used_and_older_ones_always_go() {
    let world = world();
    world.make("first", 1).await;
    world.make("second", 2).await;
    assert!(matches!(world.configurations.delete(ORG, 2, at(3), true).await, Err(Error::Conflict(_))));
    world.configurations.delete(ORG, 1, at(3), true).await.unwrap();
    assert_eq!(world.numbers().await, [2]);
}

#[tokio::test]
async fn a_value_is_that_of_the_language_or_of_the_default_language() {
    let world = world();
    let image = world.image().await;
    let fields = vec![
        field("CONFIG_TENANT.NAME", "TEXT", &[(Language::Es, "Acme España"), (Language::En, "Acme Spain")]),
        field("CONFIG_TENANT.TAX", "TEXT", &[(Language::En, "VAT")]),
        field("CONFIG_TENANT.LOGO", "IMAGE", &[(Language::Es, &image.id.to_string())]),
    ];
    world.configurations.create(ORG, new(fields), at(1)).await.unwrap();
    let (number, configuration) = world.configurations.latest(ORG).await.unwrap().unwrap();
    assert_eq!((number, &configuration), (1, &world.configurations.get(ORG, 1).await.unwrap()));

    let value = |name: &str, language| configuration.value(&format!("CONFIG_TENANT.{name}"), language);
    assert_eq!(value("NAME", Language::En), Some(Value::Text("Acme Spain")));
    assert_eq!(value("NAME", Language::De), Some(Value::Text("Acme España")));
    assert_eq!((value("TAX", Language::En), value("TAX", Language::De)), (Some(Value::Text("VAT")), None));
    assert_eq!(value("LOGO", Language::En), Some(Value::Image(image.id)));
    assert_eq!(value("OTHER", Language::Es), None);
    let names: Vec<_> = configuration.values(Language::De).map(|(name, _)| name).collect();
    assert_eq!(names, ["CONFIG_TENANT.NAME", "CONFIG_TENANT.LOGO"]);
    assert_eq!(world.images.bytes(ORG, image.id).await.unwrap(), PNG);
    assert!(matches!(world.images.bytes("other", image.id).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn the_list_of_versions_has_a_bound_and_fits_into_one_record() {
    let world = world();
    let full: Vec<Version> = (1..=MAX_VERSIONS as u32)
        .map(|number| Version {
            number: u32::MAX - MAX_VERSIONS as u32 + number - 1,
            content: Uuid::max(),
            since: at(0) + TimeDelta::nanoseconds(123_456_789),
        })
        .collect();
    let versions = Versions { made: u32::MAX - 1, versions: full };
    assert!(serde_json::to_vec(&versions).unwrap().len() < store::MAX_BODY / 2);
    world.configurations.versions.create(ORG, KEY, versions, "", at(0).into()).await.unwrap();
    let refused = world.configurations.create(ORG, text("one more"), at(1)).await;
    assert!(matches!(refused, Err(Error::Invalid(_))));
    world.configurations.delete(ORG, u32::MAX - MAX_VERSIONS as u32, at(2), true).await.unwrap();
    assert_eq!(world.configurations.create(ORG, text("one more"), at(3)).await.unwrap(), u32::MAX);
}

#[tokio::test]
async fn the_collector_of_orphans_leaves_images_and_takes_what_none_names() {
    let world = world();
    let image = world.image().await;
    let torn = Bytes::from_static(b"bytes of an image that was never written");
    let digest = Digest::of(&torn);
    let holder = crate::catalogue::Holder::ConfigurationDocument(Uuid::now_v7());
    world.images.put_and_stop(ORG, torn, holder, chrono::Utc::now()).await;

    let nobody: Holds = Arc::new(|_, _, _| Box::pin(std::future::ready(false)));
    let later = chrono::Utc::now() + TimeDelta::days(1);
    world.orphans.collect(&nobody, TimeDelta::hours(1), later).await.unwrap();
    assert!(world.blobs.is_there(ORG, &image.digest).await.unwrap());
    assert!(!world.blobs.is_there(ORG, &digest).await.unwrap());
}
