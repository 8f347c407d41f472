//! Who may do what: organizations, roles, and the tokens that open one process or one signature.

use reqwest::Method;
use serde_json::json;

use crate::{
    NOBODY, address, contract, pdf, shared,
    support::{Answer, Client, Device, Journey, ORGANIZATION},
};

/// Every operation of the contract on things that do not exist, with a body that would do.
fn all(client: &Client, organization: &str) -> Vec<Answer> {
    let call = |operation: &contract::Operation| {
        let path = operation.path.replace("{org_id}", organization);
        let path =
            path.split('/').map(|segment| if segment.starts_with('{') { NOBODY } else { segment }).collect::<Vec<_>>().join("/");
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let call = client.call(method, &path).headers(Device::HEADERS);
        match operation.value.get("requestBody") {
            Some(body) if body["content"].get("application/json").is_none() => {
                call.form(crate::support::Form::new().part("a", "b")).send()
            }
            Some(_) => {
                let body = json!({
                    "code": "1", "reason": "x", "sign_process_id": NOBODY, "newOwner": "x", "actor": {}, "expires_in": "PT1H",
                    "channel": {"type": "SMS"}, "signers": [], "sign": {"type": "SIMPLE", "documents": []}, "identification": {"type": "OTP"},
                });
                call.json(&body).send()
            }
            None => call.send(),
        }
    };
    contract::OPERATIONS.iter().map(|id| call(&contract::PUBLISHED.operations[*id])).collect()
}

#[test]
fn nothing_is_done_without_a_token_that_is_good() {
    let (server, _) = shared();
    let expired = server.token_that_expires("acme", &[], "PT0.001S");
    let mut tampered = server.token("acme", &[]);
    tampered.truncate(tampered.len() - 4);
    for client in [server.anonymous(), server.client_with("nonsense"), server.client_with(&tampered)] {
        for answer in all(&client, ORGANIZATION) {
            let answer = answer.expect_problem(401, "UNAUTHORIZED");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    // Clocks of issuers may differ a little, so only that it is well formed is sure of a token that has just expired.
    assert_eq!(expired.split('.').count(), 3);
}

#[test]
fn another_organizations_path_is_401() {
    let (server, journey) = shared();
    for answer in all(&journey.client, "other") {
        answer.expect_problem(401, "UNAUTHORIZED");
    }
    // and what another organization has, nobody else finds under its own name
    let document = journey.upload("contract.pdf", &pdf());
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    other.client.get(&other.path(&format!("documents/{document}"))).send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn each_role_opens_its_operations_and_no_others() {
    let (server, _) = shared();
    let opened = |role: &str| {
        let answers = all(&server.client_with(&server.token(ORGANIZATION, &[role])), ORGANIZATION);
        let open = answers.into_iter().filter(|answer| {
            let closed = matches!(answer.status, 401 | 403);
            if closed {
                answer.clone().expect_problem(answer.status, "UNAUTHORIZED");
            }
            !closed
        });
        let mut open: Vec<_> = open.filter_map(|answer| contract::operation(&answer)).collect();
        open.sort_unstable();
        open
    };
    for (role, expected) in [
        ("documents_read", &["create_document_public_url", "download_document", "get_document_metadata"][..]),
        ("documents_write", &["delete_document", "upload_document"]),
        ("documents_admin", &["change_document_owner", "delete_document_physically"]),
        ("sign_configuration", &["create_sign_configuration", "get_sign_configuration", "update_sign_configuration"]),
        ("sign_process", &["cancel_sign_process", "create_sign_process", "get_sign_process"]),
        ("sign", &["get_simple_sign", "preview_simple_sign", "sign_simple"]),
        ("identification", &["challenge_otp_identification", "get_otp_identification", "validate_otp_identification"]),
        (
            "identification_admin",
            &["cancel_otp_identification", "close_otp_identification", "create_otp_identification", "delete_otp_identification"],
        ),
        ("identification_force_delete", &[]),
        ("securize", &["securize_token"]),
    ] {
        assert_eq!(opened(role), expected, "{role}");
    }
}

#[test]
fn a_web_component_token_reads_its_process_and_drives_its_identifications_only() {
    let (_server, journey) = shared();
    let document = journey.upload("contract.pdf", &pdf());
    let (ana, bob) = (address(), address());
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", &ana)], &[&document]));
    let other = journey.create(&Journey::creation(&[Journey::signer("buyer", &bob)], &[&document]));
    let securize = journey.path("securize");
    journey.client.post(&securize).json(&json!({"sign_process_id": NOBODY})).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.post(&securize).json(&json!({"sign_process_id": "x"})).send().expect(400);
    journey.client.post(&securize).json(&json!({})).send().expect_problem(400, "INVALID_INPUT");
    let token =
        journey.client.post(&securize).json(&json!({"sign_process_id": process})).send().expect(201).text("web_component_token");
    let component = Journey::new(journey.client.with_token(&token));
    // its own
    let signer = component.signers(&process).remove(0);
    component.identification(&signer.identification);
    component.identify(&signer.identification, &ana);
    // of others, and what it is not for
    let stranger = journey.signers(&other).remove(0);
    component.client.get(&component.path(&format!("sign_process/{other}"))).send().expect_problem(401, "UNAUTHORIZED");
    component.challenge(&stranger.identification, &json!({})).expect_problem(401, "UNAUTHORIZED");
    component.sign(&signer.sign).expect_problem(401, "UNAUTHORIZED");
    let cancel = component.path(&format!("sign_process/{process}/cancel"));
    component.client.post(&cancel).json(&json!({"reason": "x"})).send().expect_problem(401, "UNAUTHORIZED");
    component.client.get(&component.path(&format!("documents/{document}"))).send().expect_problem(401, "UNAUTHORIZED");
    component.client.post(&securize).json(&json!({"sign_process_id": process})).send().expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn an_access_token_reads_and_makes_its_signature_only() {
    let (_server, journey) = shared();
    let document = journey.upload("contract.pdf", &pdf());
    let (ana, bob) = (address(), address());
    let signers = [Journey::signer("buyer", &ana), Journey::signer("seller", &bob)];
    let process = journey.create(&Journey::creation(&signers, &[&document]));
    let (buyer, seller) = {
        let mut both = journey.signers(&process).into_iter();
        (both.next().unwrap(), both.next().unwrap())
    };
    let token = journey.identify(&buyer.identification, &ana);
    let own = Journey::new(journey.client.with_token(&token));
    assert_eq!(own.signature(&buyer.sign)["signer"]["alias"], "buyer");
    // another signer's signature, the process, and identifications are closed to it
    own.client.get(&own.path(&format!("simple_signs/{}", seller.sign))).send().expect_problem(401, "UNAUTHORIZED");
    own.sign(&seller.sign).expect_problem(401, "UNAUTHORIZED");
    own.client.get(&own.path(&format!("sign_process/{process}"))).send().expect_problem(401, "UNAUTHORIZED");
    own.challenge(&buyer.identification, &json!({})).expect_problem(401, "UNAUTHORIZED");
    own.preview(&buyer.sign).expect(204);
    own.sign(&buyer.sign).expect(204);
    own.sign(&buyer.sign).expect_problem(409, "CONFLICT");
}
