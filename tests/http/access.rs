//! Who may do what: organizations, roles, and the tokens that open one process or one signature.

use std::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use rubrica::{access::Role, http::operation::Access};
use serde_json::json;

use crate::{
    NOBODY, address, contract, every_operation, own, pdf, shared,
    support::{Answer, Client, Journey, ORGANIZATION, PATIENCE, wait_for},
};

/// Every operation of the contract on things that do not exist, with a body that would do.
fn all(client: &Client, organization: &str) -> Vec<Answer> {
    contract::rows().map(|row| every_operation::call(client, row, organization, NOBODY).send()).collect()
}

#[test]
fn nothing_is_done_without_a_token_that_is_good() {
    let (server, _) = shared();
    let mut tampered = server.token("acme", &[]);
    tampered.truncate(tampered.len() - 4);
    for client in [server.anonymous(), server.client_with("nonsense"), server.client_with(&tampered)] {
        for answer in all(&client, ORGANIZATION) {
            let answer = answer.expect_problem(401, "UNAUTHORIZED");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
}

#[test]
fn a_token_past_its_end_is_401() {
    let (server, journey) = own(Some("[access]\nclock_leeway = \"PT0S\"\n"));
    let brief = server.client_with(&server.token_that_expires(ORGANIZATION, &[], "PT1S"));
    let path = journey.path("sign_process/configurations");
    let refused =
        wait_for("the token to expire", PATIENCE, || Some(brief.get(&path).send()).filter(|answer| answer.status != 200));
    refused.expect_problem(401, "UNAUTHORIZED");
    journey.client.get(&path).send().expect(200);
}

/// An issuer of key sets that answers nothing, and says when it is asked.
fn silent_issuer() -> (String, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || listener.incoming().flatten().try_for_each(|stream| sender.send(stream)));
    (format!("http://{address}/keys"), asked)
}

#[test]
fn key_sets_are_fetched_before_the_first_token_and_an_issuer_that_is_away_holds_up_nothing() {
    let (silent, asked) = silent_issuer();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer = |name: &str, url: &str| {
        format!("[[access.issuers]]\nissuer = \"https://{name}.example\"\naudiences = [\"rubrica\"]\njwks_url = \"{url}\"\n")
    };
    let config = issuer("silent", &silent) + &issuer("away", &format!("http://{closed}/keys"));

    // The start waits for the server to be ready, and the issuer keeps the connection open without an answer.
    let (_server, journey) = own(Some(&config));

    let _open = asked.recv_timeout(PATIENCE).expect("no token had come by then");
    journey.client.get(&journey.path("sign_process/configurations")).send().expect(200);
}

#[test]
fn another_organizations_path_is_401_or_where_the_contract_says_so_403() {
    let (server, journey) = shared();
    for (row, answer) in contract::rows().zip(all(&journey.client, "other")) {
        answer.expect_problem(if row.forbids { 403 } else { 401 }, "UNAUTHORIZED");
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
    // Which they should be is in the README, which a test of the table holds.
    for role in Role::ALL {
        let mut expected: Vec<_> = contract::rows()
            .filter(|row| matches!(row.access, Access::Role(needed, _) if needed == role || role.includes() == Some(needed)))
            .map(|row| row.id)
            .collect();
        expected.sort_unstable();
        assert_eq!(opened(role.name()), expected, "{role}");
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
    let signing = Journey::new(journey.client.with_token(&token));
    assert_eq!(signing.signature(&buyer.sign)["signer"]["alias"], "buyer");
    // another signer's signature, the process, and identifications are closed to it
    signing.client.get(&signing.path(&format!("simple_signs/{}", seller.sign))).send().expect_problem(401, "UNAUTHORIZED");
    signing.sign(&seller.sign).expect_problem(401, "UNAUTHORIZED");
    signing.client.get(&signing.path(&format!("sign_process/{process}"))).send().expect_problem(401, "UNAUTHORIZED");
    signing.challenge(&buyer.identification, &json!({})).expect_problem(401, "UNAUTHORIZED");
    signing.preview(&buyer.sign).expect(204);
    signing.sign(&buyer.sign).expect(204);
    signing.sign(&buyer.sign).expect_problem(409, "CONFLICT");
}
