//! The provider INTERNAL: the server reads images of identity documents itself.

use identity::fixtures;
use serde_json::{Value, json};

use crate::{
    configuration::configured_organization,
    own, shared,
    support::{Answer, Device, Form, Journey},
};

fn path(journey: &Journey, rest: &str) -> String {
    journey.path(&format!("scorings/identity_document{rest}"))
}

pub fn session(journey: &Journey) -> String {
    let body = json!({"document": {"type": "IDENTITY_CARD", "country": "ES"}, "provider": "INTERNAL", "expires_in": "PT1H"});
    journey.client.post(&path(journey, "")).json(&body).send().expect(200).text("id")
}

pub fn submit(journey: &Journey, id: &str, form: Form) -> Answer {
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

/// What is said of this front, brought for a person with this number: the global score, and the check of reuse.
fn reuse(journey: &Journey, number: &str, front: &[u8]) -> (f64, Value) {
    let document = json!({"document_number": number, "document_type": "NIF"});
    let body = json!({"actor": {"name": "Ana", "identity_document": document}, "scoring": {"provider": "INTERNAL"}});
    let identifications = journey.path("identifications/identity_document");
    let id = journey.client.post(&identifications).json(&body).send().expect(200).text("scoring_id");
    submit(journey, &id, Form::new().part("front", front)).expect(204);
    let result = read(journey, &format!("/{id}"))["score_result"].clone();
    let checks = result["scores"].as_array().expect("checks");
    let check = checks.iter().find(|check| check["score_type"] == "REUSE").cloned().unwrap_or_default();
    (result["global_score"].as_f64().expect("a score"), check)
}

/// The front of a card of a person with this name and number.
fn front_of(name: &str, number: &str) -> Vec<u8> {
    fixtures::front_with(&["SPECIMEN<CARD", name, number, "ESP<<F<<1980", "VALID<2031", "MADRID<MADRID"])
}

#[test]
fn a_picture_that_was_used_for_another_person_is_told() {
    let (server, journey) = own(None);
    let (ana, leo) = (front_of("ANA<LOPEZ", "12345678Z"), front_of("LEO<RUIZ", "87654321X"));
    for (number, front) in [("12345678Z", &ana), ("12345678Z", &ana), ("87654321X", &leo)] {
        let (_, check) = reuse(&journey, number, front);
        assert_eq!((&check["is_fraud"], &check["score"]), (&json!(false), &json!(1.0)), "{number}: {check}");
    }

    let (global_score, check) = reuse(&journey, "11111111H", &ana);
    assert_eq!((global_score, &check["is_fraud"], &check["score"]), (0.0, &json!(true), &json!(0.0)));
    assert!(!server.log().contains("11111111H"), "numbers are not in the log");

    let theirs = configured_organization(&server);
    assert_eq!(reuse(&theirs, "11111111H", &ana).1["is_fraud"], false, "another organization knows nothing of it");

    server.advance("P400D");
    let journey = Journey::new(server.client());
    assert_eq!(reuse(&journey, "22222222J", &leo).1["is_fraud"], false, "it is over its time");
}

#[test]
fn without_a_memory_pictures_are_not_compared() {
    let (_server, journey) = own(Some("[scoring]\npicture_memory = \"PT0S\"\n"));
    let ana = front_of("ANA<LOPEZ", "12345678Z");
    for number in ["12345678Z", "11111111H"] {
        assert_eq!(reuse(&journey, number, &ana).1, Value::Null);
    }
}
