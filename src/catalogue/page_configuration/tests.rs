use chrono::DateTime;
use store::model::Model;

use super::*;

fn noon() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn act() -> Act<'static> {
    Act { at: noon(), by: Some("olga"), why: None }
}

fn servers() -> (PageConfigurations, PageConfigurations) {
    let store = Arc::new(Model::new());
    let on = || PageConfigurations::new(store.clone(), CpuPool::default());
    (on(), on())
}

fn whole() -> Draft {
    Draft {
        origins: vec!["https://shop.example.org".into(), "http://localhost:3000".into()],
        accent: Some("#7a1f5c".into()),
        logo: None,
        contact_email: Some("help@acme.example".into()),
        contact_phone: Some("+34 600 111 222".into()),
        privacy_url: Some("https://acme.example/privacy".into()),
        languages: vec!["ca".into(), "es".into()],
    }
}

fn paths(outcome: Result<Current, Error>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(problems)) => problems.iter().map(|problem| problem.path.clone()).collect(),
        other => panic!("not refused as invalid: {other:?}"),
    }
}

#[tokio::test]
async fn who_set_none_has_the_default_one() {
    let (configurations, _) = servers();
    assert_eq!(configurations.load("acme").await.unwrap(), (0, Arc::default()));
    assert_eq!(configurations.last_set("acme").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_set_replaces_all_and_is_of_one_organization() {
    let (configurations, other_server) = servers();
    configurations.load("acme").await.unwrap();
    let (version, set) = configurations.set("acme", whole(), act()).await.unwrap();
    assert_eq!((version, set.accent.as_ref().map(|accent| accent.light.as_str())), (1, Some("#7a1f5c")));
    assert_eq!(set.origins, whole().origins);
    assert_eq!(configurations.set("acme", whole(), act()).await.unwrap().0, 1, "the same again is no change");
    assert_eq!(other_server.load("acme").await.unwrap(), (1, set));
    assert_eq!(configurations.load("other").await.unwrap().0, 0);
    assert_eq!(configurations.last_set("acme").await.unwrap(), Some((noon(), Some("olga".to_owned()))));

    let (version, emptied) = configurations.set("acme", Draft::default(), act()).await.unwrap();
    assert_eq!((version, &*emptied), (2, &PageConfiguration::default()));
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_and_changes_nothing() {
    let (configurations, _) = servers();
    configurations.set("acme", whole(), act()).await.unwrap();
    let wrong = Draft {
        origins: vec!["https://shop.example.org/".into(), "*".into(), "https://a.example".into(), "https://a.example".into()],
        accent: Some("#ffff00".into()),
        logo: Some("bm90IGEgcGljdHVyZQ==".into()),
        contact_email: Some("nobody".into()),
        contact_phone: Some("112".into()),
        privacy_url: Some("javascript:alert(1)".into()),
        languages: vec!["fr".into()],
    };
    let expected = [
        "origins[0]",
        "origins[1]",
        "origins[3]",
        "languages[0]",
        "accent",
        "contact_email",
        "contact_phone",
        "privacy_url",
        "logo",
    ];
    assert_eq!(paths(configurations.set("acme", wrong, act()).await), expected);
    let many = Draft { origins: (0..=MAX_ORIGINS).map(|number| format!("https://{number}.example")).collect(), ..whole() };
    assert_eq!(paths(configurations.set("acme", many, act()).await), ["origins"]);
    for url in ["http://acme.example", "https://user@acme.example/", "/privacy", &format!("https://a/{}", "a".repeat(MAX_URL))] {
        let draft = Draft { privacy_url: Some(url.to_owned()), ..whole() };
        assert_eq!(paths(configurations.set("acme", draft, act()).await), ["privacy_url"], "{url}");
    }
    assert_eq!(configurations.load("acme").await.unwrap().0, 1);
}

#[tokio::test]
async fn a_logo_is_kept_as_it_was_drawn_anew() {
    let (configurations, _) = servers();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 2, 1);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[1, 2, 3, 4, 5, 6]).unwrap();
    let draft = Draft { logo: Some(STANDARD.encode(&file)), ..Draft::default() };
    let (_, set) = configurations.set("acme", draft, act()).await.unwrap();
    let logo = set.logo.as_ref().unwrap();
    assert!(logo.png().starts_with(pictures::PNG_SIGNATURE) && logo.digest.len() == 32);
    // What it shows can be sent back as it is.
    let again = Draft { logo: Some(logo.content.clone()), ..Draft::default() };
    assert_eq!(configurations.set("acme", again, act()).await.unwrap().0, 1);
}
