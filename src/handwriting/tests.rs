use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use biometric::{Gate, Record, synthetic};
use documents::{
    escrow::{self, ContentEncryption, Kind, Pair, Recipient},
    pkcs12::Identity,
};
use serde_json::json;
use store::{Store, blobs::Blobs, model::Model};
use workflows::Device;
use zeroize::Zeroizing;

use super::{testing::PICTURE, *};
use crate::catalogue::sign_configuration::Change;

const ACME: &str = "acme";
const PROCESS: Uuid = Uuid::from_u128(0x100);
const SIGNATURE: Uuid = Uuid::from_u128(0x101);

fn now() -> Timestamp {
    chrono::DateTime::from_timestamp(1_900_000_000, 0).expect("an instant in 2030")
}

fn pair() -> Pair {
    escrow::new_pair("Notary", "Tests", Kind::P256, now()).expect("a pair of keys")
}

struct World {
    handwritings: Handwritings,
    configurations: SignConfigurations,
    store: Arc<Model>,
    blobs: Blobs,
    notary: Pair,
}

impl World {
    /// An organization with a certificate for its seals; samples are encrypted to the server's notary.
    async fn new() -> Self {
        let notary = pair();
        let recipient = Recipient::read(notary.certificate_pem.as_bytes()).expect("a certificate");
        let defaults = Defaults { recipients: vec![recipient], ..Defaults::default() };
        Self::by(defaults, notary).await
    }

    async fn by(defaults: Defaults, notary: Pair) -> Self {
        let (store, blobs, keys) = (Arc::new(Model::new()), Blobs::memory(), Keys::from_bytes(&[5; 32]));
        let configurations = SignConfigurations::new(store.clone(), keys.clone(), CpuPool::default());
        let file = Identity::development("Seal", "Acme", now(), "a password").expect("an identity");
        let change = Change {
            landing_url: Some("https://acme.example/sign".into()),
            expiration_duration: Some("P30D".into()),
            channels: Some(vec!["EMAIL".into()]),
            content: Some(file.into()),
            sign_certificate_password: Some("a password".into()),
            notification_email: Some("operations@acme.example".into()),
            ..Change::default()
        };
        configurations.create(ACME, change, now()).await.expect("configured");
        let files = SealedFiles::new(store.clone(), blobs.clone(), keys.clone());
        let handwritings = testing::handwritings(defaults, store.clone(), &configurations, &files, &keys);
        Self { handwritings, configurations, store, blobs, notary }
    }

    async fn set(&self, policy: &serde_json::Value) {
        let change = Change { biometric_policy: Some(policy.to_string()), ..Change::default() };
        self.configurations.update(ACME, change, now()).await.expect("set");
    }

    async fn take(&self, sample: &str) -> Result<Handwriting, Error> {
        self.handwritings.take(ACME, request(sample), now()).await
    }

    async fn load(&self, facts: &Handwriting) -> documents::Handwriting {
        self.handwritings.load(ACME, PROCESS, facts).await.expect("it is kept")
    }

    /// What a holder finds.
    fn opened(&self, envelope: &[u8], by: &Pair) -> Record {
        let clear = escrow::open(envelope, by.certificate_pem.as_bytes(), by.private_key_pem.as_bytes());
        Record::from_json(&clear.expect("the key opens it")).expect("a record")
    }

    /// Whether any record or file holds these bytes.
    async fn holds(&self, bytes: &[u8]) -> bool {
        let is_in = |whole: &[u8]| whole.windows(bytes.len()).any(|window| window == bytes);
        for collection in ["handwriting_seen", "blob_reference", "sign_configuration"] {
            let records = self.store.records(ACME, collection, "", None, 100).await.expect("the model answers");
            if records.iter().any(|(key, record)| is_in(key.as_bytes()) || is_in(&record.body)) {
                return true;
            }
            for (key, _) in records.iter().filter(|_| collection == "blob_reference") {
                let digest = key.split('/').next().and_then(|digest| digest.parse().ok()).expect("a digest");
                let file = self.blobs.get(ACME, &digest).await.expect("the blobs answer");
                if file.is_some_and(|file| is_in(&file)) {
                    return true;
                }
            }
        }
        false
    }
}

fn request(sample: &str) -> Request {
    Request {
        organization: ACME.into(),
        process: PROCESS,
        signature: SIGNATURE,
        alias: "buyer".into(),
        at: now(),
        documents: vec![(Uuid::from_u128(7), "ab".repeat(32))],
        device: Device { installation_id: Some("tablet-1".into()), ..Device::default() },
        sample: Zeroizing::new(sample.to_owned()),
        image: Zeroizing::new(PICTURE.to_owned()),
        accepted_by: None,
    }
}

fn strokes(seed: u64) -> String {
    synthetic::Hand { seed, ..Default::default() }.signature().to_strokes().to_string()
}

fn problems(error: &Error) -> Vec<String> {
    let Error::Invalid(problems) = error else { panic!("{error}") };
    problems.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_handwriting_becomes_an_envelope_ink_and_facts_and_stands_nowhere_in_clear() {
    let world = World::new().await;
    let sample = strokes(1);
    let facts = world.take(&sample).await.expect("it is good");
    assert_eq!(
        (facts.format.as_str(), facts.pointer.as_deref(), facts.has_pressure),
        ("rubrica-strokes-1", Some("pen"), Some(true))
    );
    assert_eq!(facts.sample.size, sample.len() as u64);
    assert!(facts.accepted.is_none() && facts.figures.len() > 10);
    let kept = world.load(&facts).await;
    assert!(kept.ink.is_some_and(|ink| ink.strokes.len() > 1) && kept.picture.is_none(), "strokes win over the picture");
    let record = world.opened(&kept.envelope, &world.notary);
    assert_eq!((record.organization.as_str(), record.sign_id, record.signer.as_str()), (ACME, SIGNATURE.to_string(), "buyer"));
    assert_eq!((record.documents.len(), record.documents[0].sha256.as_str()), (1, "ab".repeat(32).as_str()));
    assert_eq!(record.sample.bytes().expect("the sample").as_slice(), sample.as_bytes());
    assert_eq!(record.sample_sha256, facts.sample.sha256);
    for part in [&sample.as_bytes()[..40], &sample.as_bytes()[100..140], STANDARD.encode(&sample.as_bytes()[90..150]).as_bytes()]
    {
        assert!(!world.holds(part).await, "a part of the sample is kept in clear");
    }
    let told = format!("{facts:?}");
    assert!(!told.contains("strokes\":") && !told.contains("[["), "{told}");
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_as_it_is_and_the_picture_is_shown() {
    let world = World::new().await;
    let facts = world.take("some tenant's own format").await.expect("it is kept");
    assert_eq!((facts.format.as_str(), facts.figures.len(), facts.has_pressure), ("unknown", 0, None));
    let kept = world.load(&facts).await;
    assert!(kept.ink.is_none() && kept.picture.is_some());
    let record = world.opened(&kept.envelope, &world.notary);
    assert_eq!(record.sample.bytes().expect("the sample").as_slice(), b"some tenant's own format");
    world.set(&json!({"strict": true})).await;
    let told = problems(&world.take("some other format").await.unwrap_err());
    assert!(told[0].starts_with("biometric_data: the format is not known"), "{told:?}");
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_and_quotes_nothing() {
    let world = World::new().await;
    let mut wrong = request(&synthetic::dot().to_strokes());
    wrong.image = Zeroizing::new(STANDARD.encode("<svg secret='1'/>"));
    wrong.accepted_by = Some("\n".into());
    let told = problems(&world.handwritings.take(ACME, wrong, now()).await.unwrap_err());
    let members: Vec<_> = told.iter().map(|problem| problem.split(':').next().unwrap_or_default()).collect();
    for member in ["biometric_data", "signature_image", "accepted_by"] {
        assert!(members.contains(&member), "{member}: {told:?}");
    }
    assert!(told.iter().any(|problem| problem.starts_with("biometric_data: points: ")), "{told:?}");
    assert!(!told.concat().contains("secret"));
    assert!(!world.holds(b"handwriting").await, "nothing was kept");
}

#[tokio::test]
async fn an_agents_word_makes_up_for_poor_quality_and_for_nothing_else() {
    let world = World::new().await;
    let by_an_agent = |sample: &str| Request { accepted_by: Some(" eva ".into()), ..request(sample) };
    let line = synthetic::line().to_strokes();
    let facts = world.handwritings.take(ACME, by_an_agent(&line), now()).await.expect("accepted");
    let accepted = facts.accepted.expect("it is recorded");
    assert_eq!(accepted.by, "eva");
    assert!(accepted.figures.contains(&"spread".to_owned()), "{accepted:?}");
    let refused = world.handwritings.take(ACME, by_an_agent(&synthetic::too_long()), now()).await.unwrap_err();
    assert!(problems(&refused)[0].contains("duration"), "{refused:?}");
    let repeated = Request { signature: Uuid::from_u128(9), ..by_an_agent(&line) };
    assert!(matches!(world.handwritings.take(ACME, repeated, now()).await, Err(Error::Repeated)));
}

#[tokio::test]
async fn a_handwriting_is_good_for_one_signature_wherever_it_stands_on_the_pad() {
    let world = World::new().await;
    let sample = strokes(3);
    world.take(&sample).await.expect("it is good");
    world.take(&sample).await.expect("the same signature asks again");
    let other = |sample: &str| Request { signature: Uuid::from_u128(9), ..request(sample) };
    assert!(matches!(world.handwritings.take(ACME, other(&sample), now()).await, Err(Error::Repeated)));
    let spaced = sample.replacen("{", "{ ", 1);
    assert!(
        matches!(world.handwritings.take(ACME, other(&spaced), now()).await, Err(Error::Repeated)),
        "other text, same strokes"
    );
    world.handwritings.take(ACME, other(&strokes(4)), now()).await.expect("another handwriting");
}

#[tokio::test]
async fn an_organizations_own_holders_come_before_the_servers() {
    let world = World::new().await;
    let (own, second) = (pair(), pair());
    let certificates = json!([own.certificate_pem, second.certificate_pem]);
    world.set(&json!({"escrow_certificates": certificates, "escrow_content_encryption": "aes-256-cbc"})).await;
    let facts = world.take(&strokes(5)).await.expect("it is good");
    assert_eq!((facts.holders.len(), facts.content_encryption.as_str()), (2, "AES-256-CBC"));
    let kept = world.load(&facts).await;
    for holder in [&own, &second] {
        assert_eq!(world.opened(&kept.envelope, holder).signer, "buyer");
    }
    let (certificate, key) = (world.notary.certificate_pem.as_bytes(), world.notary.private_key_pem.as_bytes());
    assert!(escrow::open(&kept.envelope, certificate, key).is_err(), "the server's notary is none of them");
}

#[tokio::test]
async fn without_a_holder_nothing_is_taken() {
    let world = World::by(Defaults::default(), pair()).await;
    assert!(matches!(world.take(&strokes(6)).await, Err(Error::NoEscrow)));
}

#[tokio::test]
async fn what_was_given_up_is_gone() {
    let world = World::new().await;
    let facts = world.take(&strokes(7)).await.expect("it is good");
    for _ in 0..2 {
        world.handwritings.release(ACME, PROCESS, &facts, now()).await.expect("given up");
    }
    assert!(matches!(world.handwritings.load(ACME, PROCESS, &facts).await, Err(Error::Gone)));
    let unreadable = Handwriting { file: "no digest".into(), ..facts };
    assert!(matches!(world.handwritings.load(ACME, PROCESS, &unreadable).await, Err(Error::Unreadable(_))));
}

#[test]
fn what_an_organization_leaves_out_is_the_servers() {
    let defaults = Defaults {
        recipients: vec![testing::recipient()],
        encryption: ContentEncryption::Aes256Cbc,
        strict: true,
        gate: Gate { points_min: 40, ..Gate::default() },
    };
    let terms =
        |policy: Option<&crate::catalogue::sign_configuration::BiometricPolicy>| Terms::of(&defaults, policy).expect("terms");
    let plain = terms(None);
    assert_eq!((plain.encryption, plain.strict, plain.gate.points_min), (ContentEncryption::Aes256Cbc, true, 40));
    let policy = crate::catalogue::sign_configuration::BiometricPolicy {
        escrow_certificates: vec![testing::CERTIFICATE.into()],
        strict: Some(false),
        ..Default::default()
    };
    let own = terms(Some(&policy));
    assert_eq!((own.encryption, own.strict), (ContentEncryption::Aes256Gcm, false), "the encryption belongs to the certificates");
    assert_eq!(own.gate.points_min, 40);
}

#[tokio::test]
async fn what_is_refused_as_a_copy_leaves_no_file() {
    let world = World::new().await;
    let sample = strokes(8);
    world.take(&sample).await.expect("it is good");
    let held = async || {
        let references = world.store.records(ACME, "blob_reference", "", None, 100).await.expect("the model answers");
        references.iter().filter(|(_, record)| String::from_utf8_lossy(&record.body).contains("\"held\"")).count()
    };
    assert_eq!(held().await, 1);
    let copy = Request { signature: Uuid::from_u128(9), ..request(&sample) };
    assert!(matches!(world.handwritings.take(ACME, copy, now()).await, Err(Error::Repeated)));
    assert_eq!(held().await, 1);
}
