use std::sync::LazyLock;

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;

const PROCESSOR: &str = "projects/p/locations/eu/processors/1";

/// The key of a service account: RSA, as PEM.
static KEY: LazyLock<String> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8 = AsDer::<Pkcs8V1Der>::as_der(&pair).unwrap();
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8.as_ref()))
});

fn processed(signals: &[(&str, &str)]) -> Value {
    let mut entities: Vec<Value> = signals
        .iter()
        .map(|(name, text)| json!({"type": format!("fraud_signals_{name}"), "mentionText": text, "confidence": 0.99, "id": "1"}))
        .collect();
    entities.push(json!({"type": "evidence_hostname", "mentionText": "example.org"}));
    json!({"document": {"entities": entities}, "humanReviewStatus": {"state": "SKIPPED"}})
}

fn good() -> Value {
    let names = ["is_identity_document", "suspicious_words", "image_manipulation", "online_duplicate"];
    processed(&names.map(|name| (name, "PASS")))
}

fn with_token(service: &Service) -> Value {
    json!({"GOOGLE": {"base_url": service.url(), "processor": PROCESSOR, "access_token": "t-1"}})
}

#[tokio::test]
async fn each_image_is_processed_and_the_weakest_signal_decides() {
    let service = Service::start(|_, before| match before {
        0 => Reply::Json(200, good()),
        _ => Reply::Json(200, processed(&[("image_manipulation", "POSSIBLE_IMAGE_MANIPULATION")])),
    })
    .await;
    let world = World::new(with_token(&service)).await;

    let result = world.score("GOOGLE").await.unwrap();

    assert_eq!((result.passing, result.global_score.as_f64(), result.scores.len()), (false, 0.0, 5));
    let manipulated = result.scores.iter().find(|score| score.is_fraud).unwrap();
    assert_eq!(
        (manipulated.score_type.as_str(), manipulated.note.as_deref()),
        ("FRAUD_SIGNALS_IMAGE_MANIPULATION", Some("back"))
    );
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    for (asked, image) in asked.iter().zip([FRONT, BACK]) {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/projects/p/locations/eu/processors/1:process"));
        assert_eq!(asked.header("authorization"), "Bearer t-1");
        assert_eq!(asked.json()["rawDocument"], json!({"content": STANDARD.encode(image), "mimeType": "image/jpeg"}));
    }
}

#[tokio::test]
async fn a_document_of_which_all_signals_pass_does() {
    let service = Service::start(|_, _| Reply::Json(200, good())).await;
    let result = World::new(with_token(&service)).await.score("GOOGLE").await.unwrap();
    assert_eq!((result.passing, result.global_score.as_f64()), (true, 1.0));
}

#[tokio::test]
async fn an_answer_without_its_first_signal_is_none() {
    for answer in
        [json!({"document": {"entities": []}}), json!({"document": {}}), json!({}), processed(&[("suspicious_words", "PASS")])]
    {
        let service = Service::start(move |_, _| Reply::Json(200, answer.clone())).await;
        let failure = World::new(with_token(&service)).await.score("GOOGLE").await.unwrap_err();
        assert_eq!(failure.reason.as_str(), "PROVIDER_ANSWER_UNREADABLE");
    }
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_key_of_the_account_and_used_until_it_is_refused() {
    let service = Service::start(|asked, before| match asked.path.as_str() {
        "/token" => {
            Reply::Json(200, json!({"access_token": format!("granted-{before}"), "expires_in": 3599, "token_type": "Bearer"}))
        }
        // The token of the first grant is revoked after two images.
        _ if asked.header("authorization") == "Bearer granted-0" && before > 2 => Reply::Text(401, "", String::new()),
        _ => Reply::Json(200, good()),
    })
    .await;
    let token_uri = format!("{}/token", service.url());
    let account = json!({
        "type": "service_account", "client_email": "rubrica@p.example", "private_key_id": "k-1", "private_key": *KEY,
        "token_uri": token_uri,
    });
    let google = json!({"base_url": service.url(), "processor": PROCESSOR, "service_account": account});
    let world = World::new(json!({"GOOGLE": google})).await;

    assert!(world.score("GOOGLE").await.unwrap().passing);
    assert!(world.score("GOOGLE").await.unwrap().passing);

    let asked = service.asked();
    let paths: Vec<_> = asked.iter().map(|asked| asked.path.rsplit(['/', ':']).next().unwrap()).collect();
    assert_eq!(paths, ["token", "process", "process", "process", "token", "process", "process"]);
    assert_eq!(asked[6].header("authorization"), "Bearer granted-4");
    let form: Vec<(String, String)> = form_urlencoded::parse(&asked[0].body).into_owned().collect();
    assert_eq!(form[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let public = jsonwebtoken::jwk::Jwk::from_encoding_key(
        &jsonwebtoken::EncodingKey::from_rsa_pem(KEY.as_bytes()).unwrap(),
        jsonwebtoken::Algorithm::RS256,
    );
    let mut expected = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    expected.set_audience(&[token_uri]);
    expected.set_issuer(&["rubrica@p.example"]);
    let key = jsonwebtoken::DecodingKey::from_jwk(&public.unwrap()).unwrap();
    let claims = jsonwebtoken::decode::<Value>(&form[1].1, &key, &expected).unwrap();
    assert_eq!(claims.header.kid.as_deref(), Some("k-1"));
    assert_eq!(claims.claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
}

#[tokio::test]
async fn a_token_that_is_refused_twice_is_the_end() {
    let service = Service::start(|_, _| Reply::Text(401, "", String::new())).await;
    let failure = World::new(with_token(&service)).await.score("GOOGLE").await.unwrap_err();
    assert_eq!((failure.reason.as_str(), service.asked().len()), ("PROVIDER_REJECTED", 1));
}

#[tokio::test]
async fn it_takes_no_delegation() {
    let service = Service::start(|_, _| Reply::Drop).await;
    let world = World::new(with_token(&service)).await;
    let failure = world.providers.delegate(&request("GOOGLE"), None).await.unwrap_err();
    assert_eq!((failure.reason.as_str(), failure.then), ("NOT_SUPPORTED", Then::End));
    assert!(service.asked().is_empty());
}
