//! Coming back: with a key that the page kept, or by another code.

use super::*;
use crate::{NOBODY, own, shared};

pub fn text_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The digest of a key, as a page sends it.
pub fn hash_of(key: &[u8; 32]) -> String {
    text_of(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key).as_ref())
}

const KEY: [u8; 32] = [7; 32];
const OTHER_KEY: [u8; 32] = [8; 32];

impl Browser {
    fn validated_keeping(&self, journey: &Journey, key: &[u8; 32]) -> Self {
        let code = self.code(journey);
        let answer = self.validating().header("x-resume-hash", &hash_of(key)).json(&json!({ "code": code })).send().expect(204);
        self.with(answer.header("x-access-token"))
    }

    fn resume(&self, key: &[u8]) -> Answer {
        self.client.post(&self.path("access")).json(&json!({"resume_key": text_of(key)})).send()
    }

    fn ask_again(&self) -> Answer {
        self.client.put(&self.path("access/challenge")).send()
    }

    fn prove(&self, body: &Value) -> Answer {
        self.client.post(&self.path("access/code")).headers(Device::HEADERS).json(body).send()
    }
}

/// A code that is not the given one.
fn wrong(code: &str) -> String {
    let last = if code.ends_with('1') { '2' } else { '1' };
    format!("{}{last}", &code[..code.len() - 1])
}

#[test]
fn a_page_that_kept_a_key_comes_back_after_its_token_is_gone_and_signs() {
    let (server, journey) = own(None);
    let browser = one(&server, &journey);
    let identified = browser.validated_keeping(&journey, &KEY);
    drop(identified);
    // Tokens live by the wall clock, keys by process time: the page that lost its token comes with its link alone.
    server.advance("PT23H59M");
    let answer = browser.resume(&KEY).expect(200);
    let token = answer.text("access_token");
    assert_eq!(answer.header("x-access-token"), token);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.text("expires_at").ends_with('Z'));
    let back = browser.with(&token);
    back.client.get(&format!("/v1/orgs/{ORGANIZATION}/simple_signs/{}", back.sign)).send().expect(200);
    back.signing().expect(204);
    // Its use does not take it away, its time does.
    browser.resume(&KEY).expect(200);
    server.advance("PT2M");
    browser.resume(&KEY).expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn a_page_whose_access_token_has_expired_gets_another_one() {
    let (server, journey) = own(Some("[access]\nsignature_token_lifetime = \"PT1S\"\n"));
    let browser = one(&server, &journey);
    let identified = browser.validated_keeping(&journey, &KEY);
    let read = |page: &Browser| page.client.get(&format!("/v1/orgs/{ORGANIZATION}/simple_signs/{}", page.sign)).send();
    let expired = wait_for("the token to expire", PATIENCE, || Some(read(&identified)).filter(|answer| answer.status == 401));
    assert!(expired.details().contains("expired"), "{expired}");
    // A code for the first proof is not to be had any more, so without the key the page would be locked out.
    browser.client.put(&browser.of_identification("challenge")).send().expect_problem(409, "CONFLICT");
    let token = browser.resume(&KEY).expect(200).text("access_token");
    assert_eq!(read(&browser.with(&token)).status, 200);
}

#[test]
fn another_key_no_key_and_the_digest_itself_open_nothing() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let (browser, other) = (&browsers[0], &browsers[1]);
    browser.resume(&KEY).expect_problem(401, "UNAUTHORIZED");
    browser.validated_keeping(&journey, &KEY);
    other.identified(&journey);
    let digest = URL_SAFE_NO_PAD.decode(hash_of(&KEY)).unwrap();
    for wrong in [&OTHER_KEY[..], &digest, &KEY[..31], &[], &[7; 33]] {
        browser.resume(wrong).expect_problem(401, "UNAUTHORIZED");
    }
    other.resume(&KEY).expect_problem(401, "UNAUTHORIZED");
    let elsewhere = browser.client.post(&other.path("access")).json(&json!({"resume_key": text_of(&KEY)})).send();
    elsewhere.expect_problem(401, "UNAUTHORIZED");
    browser.resume(&KEY).expect(200);
    browser.decline("no").expect(200);
    browser.resume(&KEY).expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn a_digest_that_is_none_is_refused_before_the_code_is_looked_at() {
    let (server, journey) = shared();
    let browser = one(&server, &journey);
    let code = browser.code(&journey);
    for wrong in ["nonsense", &hash_of(&KEY)[..42], &format!("{}=", hash_of(&KEY)), &"0".repeat(64)] {
        let answer = browser.validating().header("x-resume-hash", wrong).json(&json!({ "code": code })).send();
        let details = answer.expect_problem(400, "PARAMETER_ERROR").details();
        assert!(details.starts_with("x-resume-hash: ") && !details.contains(wrong), "{details}");
    }
    assert_eq!(browser.invitation()["identification"]["status"], "CREATED");
    browser.validating().json(&json!({ "code": code })).send().expect(204);
}

#[test]
fn whoever_has_no_key_proves_again_and_the_identification_stays_validated() {
    let (server, journey) = own(None);
    let browser = one(&server, &journey);
    browser.ask_again().expect_problem(409, "CONFLICT");
    browser.identified(&journey);
    browser.prove(&json!({"code": "12345678"})).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    browser.ask_again().expect_problem(412, "CONFLICT");
    server.advance("PT2M");
    let seen = journey.codes(&browser.to).len();
    browser.ask_again().expect(204);
    let code = journey.new_code(&browser.to, seen);
    let refused = browser.prove(&json!({"code": wrong(&code)})).expect_problem(403, "UNAUTHORIZED");
    assert_eq!(refused.header("x-access-token"), "");
    let shown = browser.invitation()["identification"].clone();
    assert_eq!(
        (&shown["status"], &shown["otp"]["validations_left"], &shown["otp"]["challenges_left"]),
        (&json!("VALIDATED"), &json!(2), &json!(1))
    );
    let answer = browser.prove(&json!({"code": code, "resume_hash": hash_of(&OTHER_KEY)})).expect(200);
    assert_eq!(answer.header("x-access-token"), answer.text("access_token"));
    assert_eq!(journey.identification(&browser.identification)["state"], "VALIDATED");
    browser.prove(&json!({ "code": code })).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    browser.resume(&OTHER_KEY).expect(200);
    browser.with(&answer.text("access_token")).signing().expect(204);
    browser.ask_again().expect_problem(409, "CONFLICT");
    browser.prove(&json!({ "code": code })).expect_problem(409, "CONFLICT");
    // The certificate tells of both codes, and that the second was no first proof.
    let certified = journey.until(&browser.process, "CERTIFIED");
    let certificate = journey.download(certified["certificate_id"].as_str().expect("a certificate"));
    let evidence = crate::journey::evidence(&certificate);
    let happened = |what: &documents::certificate::Action| evidence.timeline.iter().filter(|entry| entry.what == *what).count();
    assert_eq!(happened(&documents::certificate::Action::ProvedAgain), 1);
    assert_eq!(happened(&documents::certificate::Action::IdentificationValidated), 1);
    assert_eq!(evidence.signers[0].identification.as_ref().expect("an identification").attempts, 3);
}

#[test]
fn guessing_takes_nothing_from_the_signer_but_the_codes_that_are_left() {
    let (server, journey) = own(None);
    let browser = one(&server, &journey);
    let identified = browser.validated_keeping(&journey, &KEY);
    for _ in 0..2 {
        server.advance("PT3M");
        let seen = journey.codes(&browser.to).len();
        browser.ask_again().expect(204);
        let code = journey.new_code(&browser.to, seen);
        for _ in 0..3 {
            browser.prove(&json!({"code": wrong(&code)})).expect_problem(403, "UNAUTHORIZED");
        }
        browser.prove(&json!({ "code": code })).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    }
    server.advance("PT3M");
    browser.ask_again().expect_problem(409, "CONFLICT");
    assert_eq!(browser.invitation()["identification"]["status"], "VALIDATED");
    browser.resume(&KEY).expect(200);
    identified.signing().expect(204);
}

#[test]
fn a_code_to_come_back_with_needs_the_second_factor_too() {
    let (server, journey) = own(None);
    let browser = invite_with(&server, &journey, 1, |creation| {
        creation["signers"][0]["identity_document"] =
            json!({"document_number": "12345678Z", "document_type": "NIF", "country": "ES"});
        creation["signers"][0]["identification"] = json!({"two_factor_type": "DOCUMENT_NUMBER"});
    })
    .remove(0);
    let factor = json!({"two_factor": "12345678Z"});
    assert_eq!(browser.invitation()["identification"]["otp"]["second_factor"], "DOCUMENT_NUMBER");
    browser.client.put(&browser.of_identification("challenge")).json(&factor).send().expect(200);
    let code = journey.new_code(&browser.to, 0);
    browser.validating().json(&json!({"code": code, "two_factor": "12345678Z"})).send().expect(204);
    server.advance("PT3M");
    browser.ask_again().expect_problem(403, "UNAUTHORIZED");
    browser.client.put(&browser.path("access/challenge")).json(&factor).send().expect(204);
    let code = journey.new_code(&browser.to, 1);
    browser.prove(&json!({ "code": code })).expect_problem(403, "UNAUTHORIZED");
    browser.prove(&json!({"code": code, "two_factor": "12345678Z"})).expect(200);
}

#[test]
fn codes_to_come_back_with_count_among_those_of_their_destination() {
    let (server, journey) = own(Some("[codes]\nper_destination_and_hour = 1\n"));
    let browser = one(&server, &journey);
    browser.identified(&journey);
    server.advance("PT3M");
    let refused = browser.ask_again().expect_problem(429, "CONFLICT");
    assert!(!refused.header("retry-after").is_empty());
}

#[test]
fn who_is_not_identified_by_a_code_has_none_to_come_back_with() {
    let (server, journey) = shared();
    let browser = invite_with(&server, &journey, 1, |creation| {
        creation["identification"]["type"] = json!("AGENT");
        creation["signers"][0]["identity_document"] =
            json!({"document_number": "12345678Z", "document_type": "NIF", "country": "ES"});
    })
    .remove(0);
    let shown = browser.invitation()["identification"].clone();
    assert_eq!((&shown["type"], &shown["otp"]), (&json!("AGENT"), &Value::Null));
    browser.ask_again().expect_problem(409, "CONFLICT");
    browser.prove(&json!({"code": "123456"})).expect_problem(409, "CONFLICT");
    browser.resume(&KEY).expect_problem(401, "UNAUTHORIZED");
    browser.client.put(&browser.of_identification("challenge")).send().expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn a_code_that_cannot_be_one_of_a_page_is_a_400() {
    let (server, journey) = shared();
    let browser = one(&server, &journey);
    browser.prove(&json!({"code": "1", "resume_hash": "x"})).expect_problem(400, "INVALID_INPUT");
    browser.prove(&json!({})).expect_problem(400, "INVALID_INPUT");
    let bare = browser.client.post(&browser.path("access/code")).json(&json!({"code": "1"})).send();
    bare.expect_problem(400, "PARAMETER_ERROR");
    // Of a signature that nobody has, with a token that opens all of its organization.
    journey.client.post(&api(&format!("signs/{NOBODY}/access"))).json(&json!({"resume_key": text_of(&KEY)})).send().expect(404);
}
