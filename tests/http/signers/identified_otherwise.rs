//! Signers who are not identified by a code: what their page shows, and what their link opens for that.

use super::{
    access::{hash_of, text_of},
    *,
};
use crate::{
    scoring::{connected, scorings, session, submit, validate},
    shared,
};

const KEY: [u8; 32] = [7; 32];

/// Signers who are identified in this way, with what that needs.
fn identified_by(kind: &str) -> impl FnOnce(&mut Value) {
    move |creation: &mut Value| {
        creation["identification"]["type"] = json!(kind);
        for signer in creation["signers"].as_array_mut().expect("signers") {
            signer["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF", "country": "ES"});
        }
    }
}

impl Browser {
    fn identification(&self) -> Value {
        self.invitation()["identification"].clone()
    }

    fn scoring(&self) -> String {
        self.identification()["document"]["scoring_id"].as_str().expect("a session").to_owned()
    }

    fn validating_document(&self, journey: &Journey, key: &[u8; 32]) -> Answer {
        let path = journey.path(&format!("identifications/identity_document/{}/validate", self.identification));
        self.client.post(&path).headers(Device::HEADERS).header("x-resume-hash", &hash_of(key)).send()
    }
}

#[test]
fn who_waits_for_an_agent_has_a_code_for_the_desk_until_the_agent_has_decided() {
    let (server, journey) = shared();
    let browser = invite_with(&server, &journey, 1, identified_by("AGENT")).remove(0);
    let waits = browser.identification();
    let code = waits["desk_code"].as_str().expect("a code");
    assert!(code.len() == 6 && code.bytes().all(|byte| b"0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(&byte)), "{code}");
    assert_eq!((&waits["status"], &waits["document"]), (&json!("CREATED"), &Value::Null));
    let path = journey.path(&format!("identifications/agent/{}/validate", browser.identification));
    let vouched = json!({"agent": "eva"});
    // The signer vouches for nobody.
    browser.client.post(&path).headers(Device::HEADERS).json(&vouched).send().expect_problem(401, "UNAUTHORIZED");
    journey.client.post(&path).headers(Device::HEADERS).json(&vouched).send().expect(204);
    let validated = browser.identification();
    assert_eq!((&validated["status"], &validated["desk_code"]), (&json!("VALIDATED"), &Value::Null));
    assert!(!validated.to_string().contains("eva"), "who vouched is the organization's to know");
}

#[test]
fn who_is_identified_by_code_has_neither_a_code_for_the_desk_nor_a_document() {
    let (server, journey) = shared();
    let shown = one(&server, &journey).identification();
    assert_eq!((&shown["desk_code"], &shown["document"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_signer_with_the_link_alone_sends_pictures_of_the_document_and_signs() {
    let (server, journey, _provider) = connected();
    let browser = invite_with(&server, &journey, 1, identified_by("IDENTITY_DOCUMENT")).remove(0);
    let shown = browser.identification();
    let document = &shown["document"];
    assert_eq!((&document["document_type"], &document["provider"]), (&json!("NIF"), &json!("EXTERNAL")));
    assert_eq!((&document["takes_pictures"], &document["attempts_left"]), (&json!(true), &json!(5)));
    assert_eq!((&document["picture_limit"], &document["last"]), (&json!(10 << 20), &Value::Null));
    assert_eq!((&document["under_way_until"], &document["paused_until"]), (&Value::Null, &Value::Null));
    browser.validating_document(&journey, &KEY).expect_problem(409, "CONFLICT");

    let session = browser.scoring();
    submit(&browser.client, &journey, &session, "fail").expect(204);
    let failed = browser.identification();
    let expected = json!({"number": 1, "passed": false, "fail_reason": null, "failed_checks": ["MRZ_CONTROL_DIGIT"]});
    assert_eq!((&failed["document"]["last"], &failed["document"]["attempts_left"]), (&expected, &json!(4)));
    assert!(!failed.to_string().contains("ANA"), "nothing of what was read is told to whoever has the link");

    submit(&browser.client, &journey, &session, "pass").expect(204);
    assert_eq!(browser.identification()["document"]["last"]["passed"], true);
    let token = browser.validating_document(&journey, &KEY).expect(204).header("x-access-token").to_owned();
    assert_eq!(browser.identification()["status"], "VALIDATED");
    let identified = browser.with(&token);
    identified.client.get(&format!("/v1/orgs/{ORGANIZATION}/simple_signs/{}", browser.sign)).send().expect(200);

    // The page comes back with its key; with another one, and with the link alone, it does not.
    let resume = |key: &[u8; 32]| browser.client.post(&browser.path("access")).json(&json!({"resume_key": text_of(key)})).send();
    resume(&[8; 32]).expect_problem(401, "UNAUTHORIZED");
    let back = browser.with(&resume(&KEY).expect(200).text("access_token"));
    back.signing().expect(204);
    server.advance("P1DT1M");
    resume(&KEY).expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn a_pause_of_the_provider_and_pictures_without_a_result_are_told() {
    let (server, journey, _provider) = connected();
    let browser = invite_with(&server, &journey, 1, identified_by("IDENTITY_DOCUMENT")).remove(0);
    let paused = submit(&browser.client, &journey, &browser.scoring(), "pause");
    assert_eq!((paused.status, paused.header("retry-after")), (429, "7"), "{paused}");
    let document = browser.identification()["document"].clone();
    assert!(document["paused_until"].is_string() && document["attempts_left"] == 5, "{document}");
    server.advance("PT8S");
    assert_eq!(browser.identification()["document"]["paused_until"], Value::Null);
}

#[test]
fn a_link_opens_the_check_of_its_own_signers_document_and_of_no_other() {
    let (server, journey, _provider) = connected();
    let browsers = invite_with(&server, &journey, 2, identified_by("IDENTITY_DOCUMENT"));
    let (own, other) = (&browsers[0], &browsers[1]);
    // Another signer's of the same process, and one of no process.
    for not_own in [other.scoring(), session(&journey)] {
        submit(&own.client, &journey, &not_own, "pass").expect_problem(401, "UNAUTHORIZED");
    }
    validate(&own.client, &journey, &other.identification).expect_problem(401, "UNAUTHORIZED");
    assert_eq!(other.identification()["document"]["attempts_left"], 5);
    // What was read from the own document, and who scores elsewhere, is not the link's either.
    let of_session = |rest: &str| scorings(&journey, &format!("/{}{rest}", own.scoring()));
    for rest in ["", "/attempts", "/captures"] {
        own.client.get(&of_session(rest)).send().expect_problem(401, "UNAUTHORIZED");
    }
    own.client.post(&of_session("/delegate")).json(&json!({})).send().expect_problem(401, "UNAUTHORIZED");
    own.client.post(&of_session("/close")).send().expect_problem(401, "UNAUTHORIZED");
    let identification = journey.path(&format!("identifications/identity_document/{}", own.identification));
    own.client.get(&identification).send().expect_problem(401, "UNAUTHORIZED");
    // A link that was replaced opens nothing any more.
    renew(&own.anonymous, &own.sign).expect(202);
    wait_for("the new link", PATIENCE, || (links_to(&server, &journey, &own.to).len() > 1).then_some(()));
    submit(&own.client, &journey, &scoring_of(&journey, own), "pass").expect_problem(401, "UNAUTHORIZED");
}

/// The session of a signer's identification, as the organization sees it.
fn scoring_of(journey: &Journey, browser: &Browser) -> String {
    let path = journey.path(&format!("identifications/identity_document/{}", browser.identification));
    journey.client.get(&path).send().expect(200).text("scoring_id")
}
