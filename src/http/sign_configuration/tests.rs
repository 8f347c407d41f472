use actix_web::http::{Method, StatusCode};
use documents::pkcs12::Identity;

use super::*;
use crate::http::testing::{Answer, Form, World, expect_problem};

const ROOT: &str = "/v1/orgs/acme/sign_process/configurations";
const PASSWORD: &str = "correct horse";

fn p12(name: &str) -> Vec<u8> {
    Identity::development(name, "Acme S.A.", Utc::now(), PASSWORD).unwrap()
}

fn whole(password: &str) -> Form {
    Form::new()
        .part("landing_url", "sign.acme.example")
        .part("expiration_duration", "P7D")
        .part("channels", "SMS,EMAIL")
        .part("content", p12("Acme seal"))
        .part("sign_certificate_password", password)
        .part("notification_email", "legal@acme.example")
        .part("identification_config", r#"[{"sign_type":"SIMPLE","provider_type":"INTERNAL"}]"#)
}

impl World {
    async fn create(&self, form: Form) -> Answer {
        self.call(form.on(self.request(Method::POST, ROOT))).await
    }

    async fn update(&self, form: Form, media_type: &str) -> Answer {
        self.call(form.on_as(self.request(Method::PATCH, ROOT), media_type)).await
    }

    async fn get(&self) -> Answer {
        self.call(self.request(Method::GET, ROOT)).await
    }
}

#[actix_web::test]
async fn a_configuration_is_created_and_read_without_its_secrets() {
    let world = World::new();
    expect_problem(&world.get().await, StatusCode::NOT_FOUND, "MDOC_003", "RESOURCE_NOT_FOUND");

    assert_eq!(world.create(whole(PASSWORD)).await.status, 204);

    let read = world.get().await;
    let mut body = read.json();
    let certificate = body["certificate"].take();
    let expected = serde_json::json!({
        "landing_url": "sign.acme.example", "expiration_duration": "P7D", "channels": ["SMS", "EMAIL"], "certificate": null,
        "notification_email": "legal@acme.example",
        "identification_config": {"identity_document": {"providers": [{"sign_type": "SIMPLE", "provider_type": "INTERNAL"}]}},
    });
    assert_eq!((read.status, body), (200, expected));
    assert_eq!(
        (certificate["common_name"].as_str(), certificate["organization"].as_str()),
        (Some("Acme seal"), Some("Acme S.A."))
    );
    assert!(certificate["expiration_date"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap() > Utc::now());
    assert!(certificate["issuer"].is_string());
    let text = String::from_utf8(read.body.to_vec()).unwrap();
    assert!(!text.contains("password") && !text.contains(PASSWORD));
}

#[actix_web::test]
async fn a_wrong_password_is_401_and_stores_nothing() {
    let world = World::new();
    expect_problem(&world.create(whole("wrong")).await, StatusCode::UNAUTHORIZED, "MDOC_002", "UNAUTHORIZED");
    assert_eq!(world.get().await.status, 404);
    world.create(whole(PASSWORD)).await;
    let form = Form::new().part("content", p12("Next")).part("sign_certificate_password", "wrong");
    let answer = world.update(form, "multipart/mixed").await;
    expect_problem(&answer, StatusCode::UNAUTHORIZED, "MDOC_002", "UNAUTHORIZED");
}

#[actix_web::test]
async fn a_creation_names_every_missing_or_wrong_part() {
    let world = World::new();
    let answer = world.create(Form::new().part("channels", "SMS,SMS").part("expiration_duration", "PT1M")).await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 6);
    let answer = world.create(whole(PASSWORD).part("content", "again")).await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
}

#[actix_web::test]
async fn an_update_is_taken_as_mixed_and_as_form_data() {
    let world = World::new();
    let channels = || Form::new().part("channels", "WHATSAPP");
    expect_problem(&world.update(channels(), "multipart/mixed").await, StatusCode::NOT_FOUND, "MDOC_003", "RESOURCE_NOT_FOUND");
    world.create(whole(PASSWORD)).await;

    assert_eq!(world.update(channels(), "multipart/mixed").await.status, 204);
    let repeated = Form::new().part("channels", "EMAIL").part("channels", "SMS").part("landing_url", "new.example");
    assert_eq!(world.update(repeated, "multipart/form-data").await.status, 204);

    let read = world.get().await.json();
    assert_eq!(
        (&read["channels"], &read["landing_url"]),
        (&serde_json::json!(["EMAIL", "SMS"]), &serde_json::json!("new.example"))
    );
    assert_eq!(read["expiration_duration"], "P7D");
}

#[actix_web::test]
async fn a_new_certificate_without_its_password_is_400() {
    let world = World::new();
    world.create(whole(PASSWORD)).await;
    let answer = world.update(Form::new().part("content", p12("Next")), "multipart/mixed").await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
    let answer = world.update(Form::new().part("content", vec![0; MAX_CERTIFICATE + 1]), "multipart/mixed").await;
    expect_problem(&answer, StatusCode::PAYLOAD_TOO_LARGE, "MDOC_001", "INVALID_INPUT");
    let answer = world.update(Form::new().part("sign_certificate_password", PASSWORD), "multipart/mixed").await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
}

#[actix_web::test]
async fn the_body_must_be_multipart() {
    let world = World::new();
    let answer = world.call(world.request(Method::PATCH, ROOT).set_json(serde_json::json!({"landing_url": "x"}))).await;
    expect_problem(&answer, StatusCode::UNSUPPORTED_MEDIA_TYPE, "MDOC_001", "PARAMETER_ERROR");
}

#[actix_web::test]
async fn connections_to_scoring_providers_are_kept_and_never_told() {
    let world = World::new();
    world.create(whole(PASSWORD)).await;
    let connections =
        r#"{"levels":{"HIGH":0.9},"connections":{"VERIDAS":{"base_url":"https://api.eu.veri-das.com","api_key":"k-1"}}}"#;
    assert_eq!(world.update(Form::new().part("identification_config", connections), "multipart/mixed").await.status, 204);
    // Who knows the contract's array only takes nothing away.
    let rules = Form::new().part("identification_config", r#"[{"provider_type":"EXTERNAL"}]"#);
    assert_eq!(world.update(rules, "multipart/mixed").await.status, 204);

    let read = world.get().await;
    let expected = serde_json::json!({"identity_document": {
        "providers": [{"provider_type": "EXTERNAL"}], "connections": ["VERIDAS"], "levels": {"HIGH": 0.9},
    }});
    assert_eq!(read.json()["identification_config"], expected);
    let text = String::from_utf8(read.body.to_vec()).unwrap();
    assert!(!text.contains("k-1") && !text.contains("veri-das.com"));

    let private = r#"{"connections":{"VERIDAS":{"base_url":"https://169.254.169.254","api_key":"k-2"}}}"#;
    let answer = world.update(Form::new().part("identification_config", private), "multipart/mixed").await;
    expect_problem(&answer, StatusCode::BAD_REQUEST, "MDOC_001", "INVALID_INPUT");
    assert!(!String::from_utf8(answer.body.to_vec()).unwrap().contains("k-2"));
}
