//! Identification by one-time code.

use serde_json::{Value, json};

use crate::{
    NOBODY, address, own, shared,
    support::{Answer, Device, Journey, ORGANIZATION, PATIENCE, wait_for},
};

fn request(email: &str) -> Value {
    json!({"actor": {"name": "Ana", "email": email, "language": "EN"}, "expires_in": "PT1H", "channel": {"type": "EMAIL"}})
}

fn create(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&journey.path("identifications/otp")).json(body).send()
}

fn created(journey: &Journey, body: &Value) -> String {
    create(journey, body).expect(201).text("id")
}

fn below(journey: &Journey, id: &str, rest: &str) -> String {
    journey.path(&format!("identifications/otp/{id}{rest}"))
}

fn post(journey: &Journey, id: &str, action: &str, body: &Value) -> Answer {
    journey.client.post(&below(journey, id, action)).json(body).send()
}

/// A code that is not the given one.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('1') { '2' } else { '1' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[test]
fn a_new_identification_has_sent_nothing_yet() {
    let (_server, journey) = shared();
    let email = address();
    let id = created(&journey, &request(&email));
    let identification = journey.identification(&id);
    assert_eq!((&identification["state"], &identification["remaining_challenges"]), (&json!("CREATED"), &json!(3)));
    assert_eq!(identification["remaining_validation_attempts"], Value::Null);
    assert!(journey.messages(&email).is_empty());
}

#[test]
fn a_creation_that_is_wrong_is_refused_with_the_member_that_is() {
    let (_server, journey) = shared();
    let with = |pointer: &str, value: Value| {
        let mut body = request("ana@example.org");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let without = |member: &str| {
        let mut body = request("ana@example.org");
        body.as_object_mut().unwrap().remove(member);
        body
    };
    for (named, body) in [
        ("actor", without("actor")),
        ("expires_in", without("expires_in")),
        ("channel", without("channel")),
        ("expires_in", with("/expires_in", json!("P31D"))),
        ("expires_in", with("/expires_in", json!("soon"))),
        ("expires_in", with("/expires_in", json!(3600))),
        ("channel.type", with("/channel/type", json!("PIGEON"))),
        ("channel.external", with("/channel", json!({"type": "EMAIL", "external": "yes"}))),
        ("actor.email", with("/actor/email", json!("nobody"))),
        ("actor.msisdn", with("/channel/type", json!("SMS"))),
        ("actor.language", with("/actor/language", json!("XX"))),
        ("two_factor_type", {
            let mut body = request("a@example.org");
            body["two_factor_type"] = json!("COLOUR");
            body
        }),
        ("identity_document", {
            let mut body = request("a@example.org");
            body["two_factor_type"] = json!("DOCUMENT_NUMBER");
            body
        }),
    ] {
        let answer = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().contains(named), "{named}: {answer}");
    }
    let path = journey.path("identifications/otp");
    journey.client.post(&path).body("application/json", "{\"actor\":").send().expect_problem(400, "INVALID_INPUT");
    journey.client.post(&path).body("text/plain", "{}").send().expect_problem(415, "PARAMETER_ERROR");
}

#[test]
fn an_address_that_cannot_be_delivered_is_refused_and_a_real_one_is_not() {
    let (_server, journey) = shared();
    let long = format!("{}@example.org", "a".repeat(65));
    for wrong in [
        "ana..lopez@example.org",
        ".ana@example.org",
        "ana.@example.org",
        "ana@example..org",
        "ana@example.org.",
        "ana@-example.org",
        "ana@exa_mple.org",
        "ana@example",
        "an\u{200B}a@example.org",
        "ana@exam\u{202E}ple.org",
        "ana lopez@example.org",
        "mailto:ana@example.org",
        "Ana <ana@example.org>",
        &long,
    ] {
        let answer = create(&journey, &request(wrong)).expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().starts_with("actor.email: "), "{wrong}: {answer}");
    }
    for good in ["o'hara+sign@example.ie", "\"ana lopez\"@example.org", "josé@españa.example", "Ana@MÜNCHEN.example"] {
        let id = created(&journey, &request(good));
        // What is shown stays as the person wrote it.
        journey.challenge(&id, &json!({})).expect(204);
        wait_for("the message", PATIENCE, || (!journey.messages(good).is_empty()).then_some(()));
    }
}

#[test]
fn a_refusal_says_the_member_what_is_expected_and_the_place_in_our_words() {
    let (_server, journey) = shared();
    let path = journey.path("identifications/otp");
    let cases = [
        ("{\n \"actor\": 7}", "actor: expected an object, found a whole number (line 2, column 11)"),
        ("{\"actor\":{\"name\":[]}}", "actor.name: expected a text, found an array (line 1, column 17)"),
        (
            "{\"actor\":{\"language\":\"secret\"}}",
            "actor.language: expected ES, EN, EU, GL, CA, DE or UNDEFINED (line 1, column 29)",
        ),
        (
            "{\"channel\":{\"type\":\"SMS\",\"external\":5}}",
            "channel.external: expected true or false, found a whole number (line 1, column 37)",
        ),
        ("{\"actor\":{}}", "expires_in: the member is missing (line 1, column 12)"),
        ("{\"actor\":", "not valid JSON at line 1, column 9"),
    ];
    let details = |body: &str| {
        let answer = journey.client.post(&path).body("application/json", body).send();
        answer.expect_problem(400, "INVALID_INPUT").details()
    };
    assert_eq!(cases.map(|(body, _)| details(body)), cases.map(|(_, expected)| expected.to_owned()));
    let answer = journey.client.delete(&below(&journey, NOBODY, "?force=perhaps")).send().expect_problem(400, "PARAMETER_ERROR");
    assert_eq!(answer.details(), "force: expected true or false");
}

#[test]
fn an_organization_without_sign_configuration_identifies_nobody() {
    let (server, _) = shared();
    let journey = Journey::of(server.client_with(&server.token("unconfigured", &[])), "unconfigured");
    create(&journey, &request("ana@example.org")).expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn external_may_be_a_boolean_or_a_text_and_unknown_members_are_ignored() {
    let (_server, journey) = shared();
    for external in [json!("false"), json!(false), json!("true"), json!(true)] {
        let email = address();
        let mut body = request(&email);
        body["channel"]["external"] = external;
        body["unknown"] = json!({"ignored": true});
        let id = created(&journey, &body);
        // The sandbox keeps the codes of both kinds.
        journey.identify(&id, &email);
    }
}

#[test]
fn the_challenges_of_an_identification_are_counted() {
    let (server, journey) = own(None);
    let email = address();
    let id = created(&journey, &request(&email));
    for (left, cooldown) in [(2, "PT31S"), (1, "PT61S"), (0, "PT121S")] {
        let code = journey.code(&id, &email);
        assert_eq!(journey.identification(&id)["remaining_challenges"], left);
        journey.validate(&id, &json!({ "code": wrong(&code) })).expect_problem(403, "UNAUTHORIZED");
        server.advance(cooldown);
    }
    assert_eq!(journey.identification(&id)["next_challenge_retry"], Value::Null);
    journey.challenge(&id, &json!({})).expect_problem(409, "CONFLICT");
    assert_eq!(journey.messages(&email).len(), 3, "no further code went out");
}

#[test]
fn a_code_is_valid_once() {
    let (_server, journey) = shared();
    let email = address();
    let id = created(&journey, &request(&email));
    let code = journey.code(&id, &email);
    let answer = journey.validate(&id, &json!({"code": code, "unknown": 1})).expect(204);
    assert_eq!(answer.header("x-access-token").split('.').count(), 3);
    assert_eq!(journey.identification(&id)["state"], "VALIDATED");
    journey.validate(&id, &json!({ "code": code })).expect_problem(409, "CONFLICT");
    journey.challenge(&id, &json!({})).expect_problem(409, "CONFLICT");
}

#[test]
fn a_wrong_code_takes_an_attempt_and_the_last_one_uses_the_code_up() {
    let (_server, journey) = shared();
    let email = address();
    let id = created(&journey, &request(&email));
    let code = journey.code(&id, &email);
    let wrong = wrong(&code);
    for left in [2, 1, 0] {
        journey.validate(&id, &json!({ "code": wrong })).expect_problem(403, "UNAUTHORIZED");
        assert_eq!(journey.identification(&id)["remaining_validation_attempts"], left);
    }
    journey.validate(&id, &json!({ "code": code })).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
}

#[test]
fn another_code_is_412_until_the_cooldown_is_over() {
    let (server, journey) = own(None);
    let email = address();
    let id = created(&journey, &request(&email));
    let first = journey.code(&id, &email);
    journey.challenge(&id, &json!({})).expect_problem(412, "CONFLICT");
    assert_eq!(journey.messages(&email).len(), 1);
    server.advance("PT31S");
    let second = journey.code(&id, &email);
    if first != second {
        journey.validate(&id, &json!({ "code": first })).expect_problem(403, "UNAUTHORIZED");
    }
    journey.validate(&id, &json!({ "code": second })).expect(204);
}

#[test]
fn a_code_that_has_expired_is_410() {
    let (server, journey) = own(None);
    let email = address();
    let id = created(&journey, &request(&email));
    let code = journey.code(&id, &email);
    server.advance("PT5M1S");
    journey.validate(&id, &json!({ "code": code })).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    assert_eq!(journey.identification(&id)["state"], "CREATED");
}

#[test]
fn an_identification_past_its_time_reads_as_expired_at_once() {
    let (server, journey) = own(None);
    let id = created(&journey, &request(&address()));
    server.advance("PT1H");
    assert_eq!(journey.identification(&id)["state"], "EXPIRED");
    journey.challenge(&id, &json!({})).expect_problem(409, "CONFLICT");
    post(&journey, &id, "/cancel", &json!({"reason": "late"})).expect_problem(409, "CONFLICT");
}

#[test]
fn a_second_factor_is_asked_for_and_told_back() {
    let (_server, journey) = shared();
    let email = address();
    let mut body = request(&email);
    body["two_factor_type"] = json!("DOCUMENT_NUMBER");
    body["actor"]["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
    let id = created(&journey, &body);
    assert_eq!(journey.identification(&id)["two_factor_type"], "DOCUMENT_NUMBER");
    journey.challenge(&id, &json!({"two_factor": "87654321X"})).expect_problem(403, "UNAUTHORIZED");
    let answer = journey.challenge(&id, &json!({"two_factor": "12345678Z"})).expect(200);
    assert_eq!(answer.text("two_factor_value"), "12345678Z");
    let code = journey.new_code(&email, 0);
    journey.validate(&id, &json!({ "code": code })).expect_problem(403, "UNAUTHORIZED");
    journey.validate(&id, &json!({ "code": code, "two_factor": "87654321X" })).expect_problem(403, "UNAUTHORIZED");
    journey.validate(&id, &json!({ "code": code, "two_factor": "12345678Z" })).expect(204);
}

#[test]
fn a_validation_needs_the_headers_of_the_device() {
    let (_server, journey) = shared();
    let id = created(&journey, &request(&address()));
    let path = below(&journey, &id, "/validate");
    for missing in ["x-installation_id", "x-fingerprint", "user-agent"] {
        let headers = Device::HEADERS.into_iter().filter(|(name, _)| *name != missing);
        let answer = journey.client.put(&path).headers(headers).json(&json!({"code": "000000"})).send();
        assert!(answer.expect_problem(400, "PARAMETER_ERROR").details().contains(missing));
    }
    let headers = Device::HEADERS.into_iter().filter(|(name, _)| *name != "x-location");
    let call = journey.client.put(&path).headers(headers).header("x-location", "somewhere");
    call.json(&json!({"code": "000000"})).send().expect_problem(400, "PARAMETER_ERROR");
    journey.validate(&id, &json!({})).expect_problem(400, "INVALID_INPUT");
    journey.validate(&id, &json!({"code": 123456})).expect_problem(400, "INVALID_INPUT");
}

#[test]
fn cancelling_ends_an_identification_once() {
    let (_server, journey) = shared();
    let id = created(&journey, &request(&address()));
    post(&journey, &id, "/cancel", &json!({"reason": 5})).expect_problem(400, "INVALID_INPUT");
    post(&journey, &id, "/cancel", &json!({})).expect_problem(400, "INVALID_INPUT");
    post(&journey, &id, "/cancel", &json!({"reason": " \t"})).expect_problem(400, "INVALID_INPUT");
    post(&journey, &id, "/cancel", &json!({"reason": "a mistake"})).expect(204);
    assert_eq!(journey.identification(&id)["state"], "CANCELLED");
    post(&journey, &id, "/cancel", &json!({"reason": "again"})).expect_problem(409, "CONFLICT");
    post(&journey, &id, "/close", &json!({})).expect_problem(409, "CONFLICT");
}

#[test]
fn only_a_validated_identification_is_closed_and_then_it_succeeded() {
    let (_server, journey) = shared();
    let email = address();
    let id = created(&journey, &request(&email));
    post(&journey, &id, "/close", &json!({})).expect_problem(409, "CONFLICT");
    journey.identify(&id, &email);
    post(&journey, &id, "/close", &json!({})).expect(204);
    assert_eq!(journey.identification(&id)["state"], "SUCCEEDED");
}

#[test]
fn deleting_beyond_created_needs_force_and_the_role_for_it() {
    let (server, journey) = shared();
    let delete = |journey: &Journey, id: &str, query: &str| journey.client.delete(&below(journey, id, query)).send();
    let fresh = created(&journey, &request(&address()));
    delete(&journey, &fresh, "").expect(204);
    journey.client.get(&below(&journey, &fresh, "")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    let email = address();
    let id = created(&journey, &request(&email));
    journey.identify(&id, &email);
    delete(&journey, &id, "").expect_problem(403, "UNAUTHORIZED");
    delete(&journey, &id, "?force=perhaps").expect_problem(400, "PARAMETER_ERROR");
    let plain = Journey::new(server.client_with(&server.token(ORGANIZATION, &["identification_admin"])));
    delete(&plain, &id, "?force=true").expect_problem(403, "UNAUTHORIZED");
    delete(&journey, &id, "?force=true").expect(204);
    delete(&journey, &id, "?force=true").expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn what_does_not_exist_is_404_and_what_is_no_identifier_400() {
    let (_server, journey) = shared();
    for (id, status, title) in [(NOBODY, 404, "RESOURCE_NOT_FOUND"), ("x", 400, "PARAMETER_ERROR")] {
        journey.client.get(&below(&journey, id, "")).send().expect_problem(status, title);
        journey.client.delete(&below(&journey, id, "")).send().expect_problem(status, title);
        journey.challenge(id, &json!({})).expect_problem(status, title);
        journey.validate(id, &json!({"code": "1"})).expect_problem(status, title);
        post(&journey, id, "/cancel", &json!({"reason": "x"})).expect_problem(status, title);
        post(&journey, id, "/close", &json!({})).expect_problem(status, title);
    }
}
