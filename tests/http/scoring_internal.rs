//! The provider INTERNAL: the server reads images of identity documents itself.

use identity::fixtures;
use serde_json::{Value, json};

use crate::{
    shared,
    support::{Answer, Device, Form, Journey},
};

fn path(journey: &Journey, rest: &str) -> String {
    journey.path(&format!("scorings/identity_document{rest}"))
}

fn session(journey: &Journey) -> String {
    let body = json!({"document": {"type": "IDENTITY_CARD", "country": "ES"}, "provider": "INTERNAL", "expires_in": "PT1H"});
    journey.client.post(&path(journey, "")).json(&body).send().expect(200).text("id")
}

fn submit(journey: &Journey, id: &str, form: Form) -> Answer {
    journey.client.put(&path(journey, &format!("/{id}/score"))).headers(Device::HEADERS).form(form).send()
}

fn read(journey: &Journey, rest: &str) -> Value {
    journey.client.get(&path(journey, rest)).send().expect(200).json()
}

#[test]
fn the_server_scores_an_identity_card_itself() {
    let (_server, journey) = shared();
    let id = session(&journey);
    let images = Form::new().part("front", fixtures::front()).part("back", fixtures::CARMEN.card());
    submit(&journey, &id, images).expect(204);

    let scoring = read(&journey, &format!("/{id}"));
    let result = &scoring["score_result"];
    assert_eq!((&scoring["state"], &scoring["provider"]), (&json!("SCORED"), &json!("INTERNAL")));
    assert_eq!(result["extracted_values"]["DOCUMENT_NUMBER"], "99999999R");
    assert!(result["global_score"].as_f64().is_some_and(|score| score > 0.0), "{scoring}");
    let checks = result["scores"].as_array().expect("checks");
    let digits = checks.iter().find(|check| check["score_type"] == "MRZ_CONTROL_DIGIT").expect("its check digits are checked");
    assert_eq!(digits["is_fraud"], false);
}

#[test]
fn images_that_cannot_be_read_take_an_attempt_and_say_so() {
    let (server, journey) = shared();
    let id = session(&journey);
    submit(&journey, &id, Form::new().part("back", b"\xFF\xD8\xFF\xE0 no image follows"));
    let attempts = read(&journey, &format!("/{id}/attempts"));
    assert_eq!(attempts["attempts"][0]["fail_reason"], "IMAGE_UNREADABLE", "{attempts}");
    assert!(!server.log().contains("no image follows"));
}

#[test]
fn what_the_server_scores_itself_is_not_delegated() {
    let (_server, journey) = shared();
    let id = session(&journey);
    let delegated = journey.client.post(&path(&journey, &format!("/{id}/delegate"))).json(&json!({})).send();
    delegated.expect_problem(409, "CONFLICT");
    assert_eq!(read(&journey, &format!("/{id}"))["remaining_score_attempts"], 5);
}
