use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::outbound;

#[tokio::test]
async fn images_go_out_signed_and_a_result_comes_back() {
    let service = Service::start(|_, _| Reply::Json(200, scored())).await;
    let world = World::new(external(&service)).await;

    let result = world.score("EXTERNAL").await.unwrap();

    assert!(result.passing);
    assert_eq!((result.global_score, result.provider_id.as_deref()), (Ratio::new(0.93), Some("p-1")));
    assert_eq!(result.extracted_values["BIRTH_DATE"], "1990-01-31T00:00:00Z");
    let names: Vec<_> = result.scores.iter().map(|score| score.score_type.as_str()).collect();
    assert_eq!(names, ["MRZ_CONTROL_DIGIT", "DECLARED_NUMBER"]);
    let asked = service.asked();
    let Asked { method, path, body, .. } = &asked[0];
    assert_eq!((method.as_str(), path.as_str(), asked.len()), ("POST", "/v1/scores", 1));
    assert_eq!(asked[0].header("idempotency-key"), "attempt-1");
    let at = DateTime::from_timestamp(asked[0].header("webhook-timestamp").parse().unwrap(), 0).unwrap();
    for (name, value) in outbound::sign(&STANDARD.decode(SECRET).unwrap(), "attempt-1", at, body) {
        assert_eq!(asked[0].header(name), value);
    }
    let image = |bytes| json!({"media_type": "image/jpeg", "content": STANDARD.encode(bytes)});
    let expected = json!({
        "id": "attempt-1", "organization": "acme", "level": "HIGH", "document": {"type": "IDENTITY_CARD", "country": "ES"},
        "declared": {"name": "Ana", "last_name": null, "document_type": "IDENTITY_CARD", "document_number": "12345678Z"},
        "front": image(FRONT), "back": image(BACK),
    });
    assert_eq!(asked[0].json(), expected);
    assert_eq!(world.metrics.calls("EXTERNAL", "done"), 1);
}

#[tokio::test]
async fn the_document_of_somebody_else_does_not_pass() {
    let mut other = scored();
    other["extracted_values"]["DOCUMENT_NUMBER"] = json!("87654321X");
    let service = Service::start(move |_, _| Reply::Json(200, other.clone())).await;
    let result = World::new(external(&service)).await.score("EXTERNAL").await.unwrap();
    assert!(!result.passing && result.scores.iter().any(|score| score.score_type == "DECLARED_NUMBER" && score.is_fraud));
}

#[tokio::test]
async fn a_level_is_the_servers_unless_the_organization_has_its_own() {
    let service = Service::start(|_, _| Reply::Json(200, scored())).await;
    let world = World::new(external(&service)).await;
    let change = Change { identification_config: Some(r#"{"levels":{"HIGH":0.95}}"#.into()), ..Change::default() };
    assert!(world.score("EXTERNAL").await.unwrap().passing);
    world.configurations.update(ORGANIZATION, change, noon()).await.unwrap();
    assert!(!world.score("EXTERNAL").await.unwrap().passing);
}

#[tokio::test]
async fn a_delegation_is_answered_with_an_id_and_a_token_and_has_its_result_later() {
    let service = Service::start(|asked, before| match (asked.path.as_str(), before) {
        ("/v1/delegations", _) => Reply::Json(201, json!({"id": "attempt-1", "provider_id": "p-7", "access_token": "t.o-k"})),
        ("/v1/results", 1) => Reply::Json(202, json!({})),
        ("/v1/results", _) => Reply::Json(200, scored()),
        _ => Reply::Drop,
    })
    .await;
    let world = World::new(external(&service)).await;
    let request = request("EXTERNAL");

    let delegation = world.providers.delegate(&request, Some(&json!({"language": "es"}))).await.unwrap();
    assert_eq!((delegation.provider_id.as_str(), delegation.access_token.expose()), ("p-7", "t.o-k"));
    assert!(world.providers.delegated(&request, "p-7").await.unwrap().is_none());
    let result = world.providers.delegated(&request, "p-7").await.unwrap().unwrap();

    assert!(result.passing && result.provider_id.as_deref() == Some("p-7"));
    let asked = service.asked();
    assert_eq!(asked[0].json()["provider_config"], json!({"language": "es"}));
    assert_eq!(asked[2].json()["provider_id"], "p-7");
    assert!(!format!("{delegation:?}").contains("t.o-k"));
}
