//! The providers against services on this machine that speak the documented shapes, and against some that are slow, broken or lie.

mod external;
mod faults;
mod google;
mod service;
mod veridas;

use std::{sync::Arc, time::Duration};

use ::store::{Timestamp, model::Model};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use documents::pkcs12::Identity;
use futures::FutureExt;
use serde_json::{Value, json};
use workflows::{
    Contact, DocumentType, IdentityDocument,
    scoring::{self, DocumentClass, ImageType, Level, Ratio},
};

use self::service::{Asked, Reply, Service};
use super::*;
use crate::{
    catalogue::sign_configuration::Change, cpu_pool::CpuPool, identity_reader::IdentityReader, keys::Keys,
    render_workers::Workers,
};

const ORGANIZATION: &str = "acme";
const FRONT: &[u8] = b"front of a document";
const BACK: &[u8] = b"back of a document";
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn noon() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// An organization with connections to services of the test.
struct World {
    providers: Providers,
    configurations: SignConfigurations,
    metrics: Metrics,
    clock: Clock,
}

/// Options for this machine: repeats at once, and has time unless the test says otherwise.
fn options() -> Options {
    Options {
        plain_http: true,
        private_networks: vec!["127.0.0.0/8".parse().unwrap()],
        timeout: TimeDelta::seconds(60),
        backoff: TimeDelta::milliseconds(1),
        ..Options::default()
    }
}

impl World {
    async fn new(connections: Value) -> Self {
        Self::with(options(), connections).await
    }

    async fn with(options: Options, connections: Value) -> Self {
        let keys = Keys::from_bytes(&[3; 32]);
        let configurations = SignConfigurations::new(Arc::new(Model::new()), keys, CpuPool::default()).reaching(options.reach());
        let change = Change {
            landing_url: Some("sign.acme.example".into()),
            expiration_duration: Some("P7D".into()),
            channels: Some(vec!["SMS".into()]),
            content: Some(Identity::development("Acme", "Acme S.A.", noon(), "horse").unwrap().into()),
            sign_certificate_password: Some("horse".into()),
            notification_email: Some("legal@acme.example".into()),
            identification_config: Some(json!({"connections": connections}).to_string()),
            contact_policy: None,
            biometric_policy: None,
            signature_level: None,
        };
        configurations.create(ORGANIZATION, change, noon()).await.unwrap();
        let (metrics, clock) = (Metrics::default(), Clock::manual(noon()));
        let providers = Providers::new(configurations.clone(), internal(), options, metrics.clone(), clock.clone()).unwrap();
        Self { providers, configurations, metrics, clock }
    }

    async fn set(&self, connections: Value) {
        let change = Change { identification_config: Some(json!({"connections": connections}).to_string()), ..Change::default() };
        self.configurations.update(ORGANIZATION, change, noon()).await.unwrap();
    }

    async fn score(&self, provider: &str) -> Result<ScoreResult, Failure> {
        self.providers.score(&request(provider)).await
    }
}

/// The provider INTERNAL, whose processes do not start.
fn internal() -> Internal {
    let pictures = ScoredPictures::new(Arc::new(Model::new()), &Keys::from_bytes(&[3; 32]), TimeDelta::days(400));
    Internal { reader: IdentityReader::new(Workers::none()), pictures }
}

fn capture(bytes: &'static [u8]) -> Capture {
    let told =
        scoring::Capture { image_type: ImageType::Jpeg, size: bytes.len() as u64, sha256: String::new(), file: String::new() };
    Capture::new(&told, Arc::new(move || async move { Ok(Bytes::from_static(bytes)) }.boxed()))
}

/// Ana's identity card, both sides.
fn request(provider: &str) -> Request {
    let document = IdentityDocument {
        document_number: "12345678Z".into(),
        document_type: DocumentType::IdentityCard,
        country: Some("ES".into()),
    };
    Request {
        organization: ORGANIZATION.into(),
        provider: provider.into(),
        level: Some(Level::High),
        document: DocumentClass { kind: "IDENTITY_CARD".into(), country: Some("ES".into()) },
        declared: Some(Contact { name: Some("Ana".into()), identity_document: Some(document), ..Contact::default() }),
        captures: Captures { front: Some(capture(FRONT)), back: Some(capture(BACK)) },
        timeout: Duration::from_secs(60),
        process: Uuid::from_u128(1),
        idempotency_key: "attempt-1".into(),
        now: noon(),
    }
}

fn external(service: &Service) -> Value {
    json!({"EXTERNAL": {"base_url": format!("{}/v1", service.url()), "secret": SECRET}})
}

/// A good answer of an external endpoint.
fn scored() -> Value {
    json!({
        "id": "attempt-1", "provider_id": "p-1", "global_score": 0.93,
        "scores": [{"score_type": "MRZ_CONTROL_DIGIT", "is_fraud": false, "score": 1}],
        "extracted_values": {"DOCUMENT_NUMBER": "12345678Z", "BIRTH_DATE": "1990-01-31"},
    })
}

#[tokio::test]
async fn a_provider_can_be_asked_where_the_organization_has_it() {
    let google = json!({"processor": "projects/p/locations/eu/processors/1", "access_token": "t"});
    let world = World::new(json!({"GOOGLE": google})).await;
    let both = Some(Ways { submit: true, delegate: true });
    let images = Some(Ways { submit: true, delegate: false });
    let ways = |organization, provider| world.providers.ways(organization, provider);
    assert_eq!(ways(ORGANIZATION, "GOOGLE").await, Ok(images));
    assert_eq!(ways(ORGANIZATION, "EXTERNAL").await, Ok(images), "who stands for an external provider");
    assert_eq!(ways("other", "INTERNAL").await, Ok(images), "it needs no connection");
    for (organization, provider) in
        [(ORGANIZATION, "VERIDAS"), (ORGANIZATION, "google"), ("other", "GOOGLE"), ("other", "EXTERNAL")]
    {
        assert_eq!(ways(organization, provider).await, Ok(None), "{organization} {provider}");
    }
    world.set(json!({"VERIDAS": {"base_url": "https://api.eu.veri-das.com", "api_key": "k"}})).await;
    assert_eq!(ways(ORGANIZATION, "VERIDAS").await, Ok(both));
}

#[tokio::test]
async fn a_session_that_says_external_gets_the_first_provider_for_its_document() {
    let service = Service::start(|_, _| Reply::Json(200, scored())).await;
    let mut connections = external(&service);
    connections["EXTERNAL"]["documents"] = json!([{"country": "FR"}]);
    let world = World::new(connections).await;
    assert_eq!(world.score("EXTERNAL").await.unwrap_err().reason.as_str(), "PROVIDER_NOT_CONFIGURED");
    let french =
        Request { document: DocumentClass { kind: "PASSPORT".into(), country: Some("FR".into()) }, ..request("EXTERNAL") };
    assert!(world.providers.score(&french).await.unwrap().passing);
    assert_eq!(service.asked().len(), 1);
}
