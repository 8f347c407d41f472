//! What the tokens of signers open, and what they do not.

use rubrica::{
    access::ScopedTokens,
    http::operation::{Access, Operation, Segment},
};

use super::*;
use crate::{NOBODY, contract, every_operation, shared};

/// Whether the caller was let in, whatever came of the call then.
fn is_let_in(answer: &Answer) -> bool {
    match answer.status {
        // A wrong key is a 401 of who was let in.
        401 => answer.details().starts_with("the key does not open"),
        // A few operations say it so (note chain-statuses).
        403 => !answer.details().starts_with("the token "),
        _ => true,
    }
}

fn tokens(row: &Operation) -> ScopedTokens {
    let Access::Role(_, reach) = row.access else { panic!("{}: it needs no token", row.id) };
    reach.tokens()
}

/// What the path of an operation names, besides the organization: a signature, an identification or something else.
fn names(row: &Operation, name: &str) -> bool {
    row.path_parameters().any(|parameter| parameter.name == name && parameter.kind == Segment::Uuid)
}

/// Those of the link that are about an identification by code, or about the signature itself. Identity documents have a test of their own.
fn is_of_codes(row: &Operation) -> bool {
    names(row, "sign_id") || (names(row, "identification_id") && row.path.contains("/otp/"))
}

/// Operations that would end the signature, or wait.
const NOT_CALLED: [&str; 2] = ["decline_signature", "watch_signer_invitation"];

#[test]
fn the_token_of_a_link_opens_its_own_signature_and_identification_and_nothing_else() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let (own, other) = (&browsers[0], &browsers[1]);
    let rows = contract::rows().filter(|row| !NOT_CALLED.contains(&row.id));
    for row in rows {
        let taken = matches!(tokens(row), ScopedTokens::OfSigner | ScopedTokens::OfSignProcessOrLink);
        let own_id = if names(row, "identification_id") { &own.identification } else { &own.sign };
        let answer = every_operation::call(&own.client, row, ORGANIZATION, own_id).send();
        let reaches = taken && is_of_codes(row);
        assert_eq!(is_let_in(&answer), reaches, "{}: {answer}", row.id);
        for not_own in [&other.sign, &other.identification, &own.process, &NOBODY.to_owned()] {
            let answer = every_operation::call(&own.client, row, ORGANIZATION, not_own).send();
            assert!(!is_let_in(&answer), "{}: {answer}", row.id);
        }
        let elsewhere = every_operation::call(&own.client, row, "other", own_id).send();
        assert!(!is_let_in(&elsewhere), "{}: {elsewhere}", row.id);
    }
    let declined = other.client.post(&own.path("decline")).headers(Device::HEADERS).json(&json!({"reason": "not mine"})).send();
    declined.expect_problem(401, "UNAUTHORIZED");
    other.client.get(&own.path("watch")).send().expect_problem(401, "UNAUTHORIZED");
    assert_eq!(journey.process(&own.process)["status"], "CREATED");
}

#[test]
fn a_link_neither_shows_nor_signs_documents_even_once_its_signer_is_identified() {
    let (server, journey) = shared();
    let browser = one(&server, &journey);
    browser.identified(&journey);
    let simple = format!("/v1/orgs/{ORGANIZATION}/simple_signs/{}", browser.sign);
    browser.client.get(&simple).send().expect_problem(401, "UNAUTHORIZED");
    let preview = browser.client.post(&format!("{simple}/preview")).headers(Device::HEADERS).send();
    preview.expect_problem(401, "UNAUTHORIZED");
    browser.signing().expect_problem(401, "UNAUTHORIZED");
    let process = format!("/v1/orgs/{ORGANIZATION}/sign_process/{}", browser.process);
    browser.client.get(&process).send().expect_problem(401, "UNAUTHORIZED");
    assert!(!String::from_utf8_lossy(&browser.client.get(&browser.path("invitation")).send().body).contains("/public/"));
}

#[test]
fn the_token_for_a_signature_opens_that_signers_page_and_no_other() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let identified = browsers[0].identified(&journey);
    assert_eq!(identified.invitation()["sign_id"], json!(identified.sign));
    for (other, row) in contract::rows().filter(|row| tokens(row) == ScopedTokens::OfSigner).map(|row| (&browsers[1].sign, row)) {
        let answer = every_operation::call(&identified.client, row, ORGANIZATION, other).send();
        assert!(!is_let_in(&answer), "{}: {answer}", row.id);
    }
    // It does not ask for codes of the first proof: that is the link's.
    identified.client.put(&identified.of_identification("challenge")).send().expect_problem(401, "UNAUTHORIZED");
    // The token of the web component, which reads the whole process, is none of a signer's.
    let securize = journey.client.post(&journey.path("securize")).json(&json!({"sign_process_id": identified.process})).send();
    let component = securize.expect(201).text("web_component_token");
    identified.with(&component).client.get(&identified.path("invitation")).send().expect_problem(401, "UNAUTHORIZED");
    // Nobody without a token, or with a role that is none for signatures.
    identified.anonymous.get(&identified.path("invitation")).send().expect_problem(401, "UNAUTHORIZED");
    let reader = server.client_with(&server.token(ORGANIZATION, &["documents_read"]));
    reader.get(&identified.path("invitation")).send().expect_problem(401, "UNAUTHORIZED");
}
