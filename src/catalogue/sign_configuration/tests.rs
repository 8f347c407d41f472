use super::*;
use chrono::DateTime;
use store::model::Model;

const ORG: &str = "acme";
const PASSWORD: &str = "correct horse";

pub(super) fn noon() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn p12(name: &str, made: Timestamp) -> Bytes {
    Identity::development(name, "Acme S.A.", made, PASSWORD).unwrap().into()
}

pub(super) fn whole() -> Change {
    Change {
        landing_url: Some("sign.acme.example".into()),
        expiration_duration: Some("P7D".into()),
        channels: Some(vec!["SMS".into(), "EMAIL".into()]),
        content: Some(p12("Acme seal", noon())),
        sign_certificate_password: Some(PASSWORD.into()),
        notification_email: Some("legal@acme.example".into()),
        identification_config: Some(r#"[{"sign_type":"SIMPLE","provider_type":"INTERNAL"}]"#.into()),
        contact_policy: None,
        biometric_policy: None,
        signature_level: None,
    }
}

fn world() -> (SignConfigurations, Arc<Model>) {
    let store = Arc::new(Model::new());
    (SignConfigurations::new(store.clone(), Keys::from_bytes(&[3; 32]), CpuPool::default()), store)
}

fn members(outcome: Result<(), Error>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(problems)) => problems.iter().map(|problem| problem.path.clone()).collect(),
        other => panic!("not refused as invalid: {other:?}"),
    }
}

#[tokio::test]
async fn what_was_created_is_read_without_anything_secret() {
    let (configurations, _) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();

    let read = configurations.load(ORG).await.unwrap().unwrap();

    assert_eq!((read.landing_url.as_str(), read.expiration_duration), ("sign.acme.example", TimeDelta::days(7)));
    assert_eq!(read.channels, [Channel::Sms, Channel::Email]);
    assert_eq!(read.certificate.common_name.as_deref(), Some("Acme seal"));
    assert_eq!(read.providers.unwrap().len(), 1);
    assert!(configurations.load("other").await.unwrap().is_none());
}

#[tokio::test]
async fn file_and_password_are_stored_sealed_and_bound_to_their_organization() {
    let (configurations, store) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();
    let record = store.get(&Items::<Stored>::key(ORG, KEY)).await.unwrap().unwrap();
    let body = String::from_utf8(record.body.clone()).unwrap();

    assert!(!body.contains(PASSWORD));
    assert!(!body.contains(&STANDARD.encode(PASSWORD)));
    store.put_if(&Items::<Stored>::key("thief", KEY), 0, noon(), record.body).await.unwrap();
    assert!(matches!(configurations.identity("thief", noon()).await, Err(Error::Unusable(_))));
    assert!(configurations.identity(ORG, noon()).await.is_ok());
}

#[tokio::test]
async fn a_creation_tells_everything_that_is_missing_or_wrong() {
    let (configurations, _) = world();
    let outcome = configurations.create(ORG, Change { channels: Some(vec!["PIGEON".into()]), ..Change::default() }, noon()).await;
    let expected =
        ["landing_url", "expiration_duration", "content", "sign_certificate_password", "notification_email", "channels"];
    assert_eq!(members(outcome), expected);
    assert!(configurations.load(ORG).await.unwrap().is_none());
}

#[tokio::test]
async fn a_wrong_password_is_told_apart_from_an_unusable_file() {
    let (configurations, _) = world();
    let wrong = Change { sign_certificate_password: Some("wrong".into()), ..whole() };
    assert!(matches!(configurations.create(ORG, wrong, noon()).await, Err(Error::WrongPassword)));
    let no_file = Change { content: Some(Bytes::from_static(b"no PKCS#12")), ..whole() };
    assert_eq!(members(configurations.create(ORG, no_file, noon()).await), ["content"]);
    let too_large = Change { content: Some(vec![0x30; MAX_CERTIFICATE + 1].into()), ..whole() };
    assert_eq!(members(configurations.create(ORG, too_large, noon()).await), ["content"]);
}

#[tokio::test]
async fn a_certificate_must_be_valid_now() {
    let (configurations, _) = world();
    let years = |n: i64| noon() + TimeDelta::days(365 * n);
    assert_eq!(members(configurations.create(ORG, whole(), years(20)).await), ["content"]);
    assert_eq!(members(configurations.create(ORG, whole(), years(-1)).await), ["content"]);
}

#[tokio::test]
async fn an_update_changes_only_what_it_names() {
    let (configurations, _) = world();
    let patch = || Change { expiration_duration: Some("PT15M".into()), ..Change::default() };
    assert!(matches!(configurations.update(ORG, patch(), noon()).await, Err(Error::NotFound)));
    configurations.create(ORG, whole(), noon()).await.unwrap();
    let before = configurations.load(ORG).await.unwrap().unwrap();

    configurations.update(ORG, patch(), noon()).await.unwrap();

    let after = configurations.load(ORG).await.unwrap().unwrap();
    assert_eq!(after, SignConfiguration { version: 2, expiration_duration: TimeDelta::minutes(15), ..before });
}

#[tokio::test]
async fn an_update_that_changes_nothing_makes_no_version() {
    let (configurations, _) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();
    configurations.update(ORG, Change::default(), noon()).await.unwrap();
    assert_eq!(configurations.load(ORG).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn a_new_certificate_and_its_password_come_together() {
    let (configurations, _) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();
    let alone = Change { content: Some(p12("Next", noon())), ..Change::default() };
    assert_eq!(members(configurations.update(ORG, alone, noon()).await), ["sign_certificate_password"]);
    let alone = Change { sign_certificate_password: Some(PASSWORD.into()), ..Change::default() };
    assert_eq!(members(configurations.update(ORG, alone, noon()).await), ["sign_certificate_password"]);
    let wrong =
        Change { content: Some(p12("Next", noon())), sign_certificate_password: Some("wrong".into()), ..Change::default() };
    assert!(matches!(configurations.update(ORG, wrong, noon()).await, Err(Error::WrongPassword)));
    assert_eq!(configurations.load(ORG).await.unwrap().unwrap().version, 1);
}

#[tokio::test]
async fn an_identity_is_opened_once_per_version() {
    let (configurations, _) = world();
    assert!(matches!(configurations.identity(ORG, noon()).await, Err(Error::NotFound)));
    configurations.create(ORG, whole(), noon()).await.unwrap();
    let first = configurations.identity(ORG, noon()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &configurations.identity(ORG, noon()).await.unwrap()));

    let content = Some(p12("Next seal", noon()));
    let next = Change { content, sign_certificate_password: Some(PASSWORD.into()), ..Change::default() };
    configurations.update(ORG, next, noon()).await.unwrap();

    assert_eq!(configurations.identity(ORG, noon()).await.unwrap().facts().common_name.as_deref(), Some("Next seal"));
}

#[tokio::test]
async fn creating_again_replaces_as_a_new_version() {
    let (configurations, _) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();
    let second = Change { landing_url: Some("other.example".into()), identification_config: None, ..whole() };
    configurations.create(ORG, second, noon()).await.unwrap();
    let read = configurations.load(ORG).await.unwrap().unwrap();
    assert_eq!((read.version, read.landing_url.as_str(), read.providers), (2, "other.example", None));
}

#[tokio::test]
async fn the_changelog_says_who_changed_the_configuration_and_nothing_secret() {
    let (configurations, _) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();
    let by_ana = Act { at: noon() + TimeDelta::hours(1), by: Some("ana"), why: None };
    let patch = Change { landing_url: Some("other.example".into()), ..Change::default() };
    configurations.update(ORG, patch, by_ana).await.unwrap();

    let log = configurations.items.changelog(ORG, KEY, None, 10).await.unwrap().items;

    let lines: Vec<_> = log.iter().map(|line| (line.change.what.as_str(), line.change.by.as_deref(), line.at)).collect();
    assert_eq!(lines, [("updated", Some("ana"), by_ana.at), ("created", None, noon())]);
}

#[tokio::test]
async fn a_record_of_an_older_version_is_still_read_and_changed() {
    let (configurations, store) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();
    // As the program wrote it before the catalogue had items: without what all kinds share.
    let key = Items::<Stored>::key(ORG, KEY);
    let mut body: serde_json::Value = serde_json::from_slice(&store.get(&key).await.unwrap().unwrap().body).unwrap();
    for member in ["state", "created_at", "change"] {
        assert!(body.as_object_mut().unwrap().remove(member).is_some(), "{member}");
    }
    let members: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
    let known = ["certificate", "channels", "expiration_duration", "landing_url", "notification_email", "providers", "sealed"];
    assert_eq!(members, known);
    store.put_if(&key, 1, noon(), body.to_string().into_bytes()).await.unwrap();

    assert_eq!(configurations.load(ORG).await.unwrap().unwrap().landing_url, "sign.acme.example");
    let patch = Change { landing_url: Some("other.example".into()), ..Change::default() };
    configurations.update(ORG, patch, noon()).await.unwrap();
    assert_eq!(configurations.load(ORG).await.unwrap().unwrap().landing_url, "other.example");
}

#[tokio::test]
async fn errors_never_hold_the_password() {
    let (configurations, _) = world();
    let wrong = Change { sign_certificate_password: Some("s3cret-wrong".into()), ..whole() };
    let error = configurations.create(ORG, wrong, noon()).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}

fn identification(text: &str) -> Change {
    Change { identification_config: Some(text.into()), ..Change::default() }
}

#[tokio::test]
async fn connections_are_sealed_merged_by_provider_and_removed_by_null() {
    let (configurations, store) = world();
    configurations.create(ORG, whole(), noon()).await.unwrap();
    let veridas = r#"{"connections":{"VERIDAS":{"base_url":"https://api.example.org","api_key":"k-1"}}}"#;
    let google = r#"{"connections":{"GOOGLE":{"processor":"projects/p/locations/eu/processors/1","access_token":"t-1"}}}"#;
    for text in [veridas, google] {
        configurations.update(ORG, identification(text), noon()).await.unwrap();
    }

    let scoring = configurations.scoring(ORG).await.unwrap();
    assert_eq!(scoring.connections.names(), ["GOOGLE", "VERIDAS"]);
    assert_eq!(scoring.connections.veridas.unwrap().api_key.expose(), "k-1");
    let record = store.get(&Items::<Stored>::key(ORG, KEY)).await.unwrap().unwrap();
    let body = String::from_utf8(record.body.clone()).unwrap();
    assert!(!body.contains("k-1") && !body.contains("api.example.org") && !body.contains("t-1"));
    store.put_if(&Items::<Stored>::key("thief", KEY), 0, noon(), record.body).await.unwrap();
    assert!(matches!(configurations.scoring("thief").await, Err(Error::Unusable(_))));

    configurations.update(ORG, identification(r#"{"connections":{"VERIDAS":null}}"#), noon()).await.unwrap();
    let left = configurations.load(ORG).await.unwrap().unwrap();
    assert_eq!((left.connected, left.providers.unwrap().len()), (vec!["GOOGLE".to_owned()], 1));
    assert!(configurations.scoring("other").await.unwrap().connections.names().is_empty());
}

async fn two_servers() -> (SignConfigurations, SignConfigurations) {
    let store = Arc::new(Model::new());
    let on = || SignConfigurations::new(store.clone(), Keys::from_bytes(&[3; 32]), CpuPool::default());
    let (ours, other) = (on().remembering(), on());
    ours.create("acme", whole(), noon()).await.unwrap();
    (ours, other)
}

fn to(landing_url: &str) -> Change {
    Change { landing_url: Some(landing_url.into()), ..Change::default() }
}

async fn landing_url(configurations: &SignConfigurations) -> String {
    configurations.load("acme").await.unwrap().unwrap().landing_url
}

#[tokio::test]
async fn what_was_read_is_not_read_again_and_a_change_is_seen_at_once() {
    let (ours, other) = two_servers().await;
    let before = landing_url(&ours).await;
    other.update("acme", to("sign.example.org/other"), noon()).await.unwrap();
    assert_eq!(landing_url(&ours).await, before, "it was remembered");
    ours.update("acme", to("sign.example.org/ours"), noon()).await.unwrap();
    assert_eq!(landing_url(&ours).await, "sign.example.org/ours");
}
