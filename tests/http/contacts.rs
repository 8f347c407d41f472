//! Whose contact it is: its origin, the second proof, and what the phone's operator says. Additions to the contract.

use documents::certificate::{self, SignedEvidence};
use serde_json::{Value, json};

use crate::{
    NOBODY, address, contract,
    operator::{Operator, Reply},
    own, pdf, shared,
    support::{Answer, Form, Journey, PATIENCE, Server, wait_for},
};

/// Operators of these tests are on this machine.
const LOCAL: &str = "[scoring]\nplain_http = true\nprivate_networks = [\"127.0.0.0/8\"]\n";

/// A server whose organization has this contact policy.
fn with_policy(policy: &Value) -> (Server, Journey) {
    let (server, journey) = own(Some(LOCAL));
    set(&journey, policy).expect(204);
    (server, journey)
}

fn set(journey: &Journey, policy: &Value) -> Answer {
    let form = Form::new().part("contact_policy", policy.to_string());
    journey.client.patch(&journey.path("sign_process/configurations")).form(form).send()
}

fn by_mail(email: &str, origin: Option<&str>) -> Value {
    let mut actor = json!({"name": "Ana", "email": email, "language": "EN"});
    if let Some(origin) = origin {
        actor["contact_origin"] = json!(origin);
    }
    json!({"actor": actor, "expires_in": "PT1H", "channel": {"type": "EMAIL"}})
}

fn by_sms(number: u64) -> Value {
    let actor = json!({"name": "Ana", "msisdn": {"country_code": "34", "phone_number": number}, "language": "EN"});
    json!({"actor": actor, "expires_in": "PT1H", "channel": {"type": "SMS"}})
}

fn created(journey: &Journey, body: &Value) -> String {
    journey.client.post(&journey.path("identifications/otp")).json(body).send().expect(201).text("id")
}

fn check_contact(journey: &Journey, id: &str, reason: &str) -> Answer {
    let path = journey.path(&format!("identifications/otp/{id}/contact_check"));
    journey.client.post(&path).json(&json!({ "reason": reason })).send()
}

#[test]
fn an_origin_is_one_of_three_and_changes_nothing_by_itself() {
    let (_server, journey) = shared();
    for origin in ["customer_record", "typed_by_signer", "agent_checked"] {
        let email = address();
        let id = created(&journey, &by_mail(&email, Some(origin)));
        journey.identify(&id, &email);
    }
    let path = journey.path("identifications/otp");
    let answer = journey.client.post(&path).json(&by_mail("ana@example.org", Some("heard"))).send();
    let answer = answer.expect_problem(400, "INVALID_INPUT");
    assert!(answer.details().contains("contact_origin"), "{answer}");
}

#[test]
fn a_contact_that_the_signer_typed_needs_a_second_proof_where_the_organization_says_so() {
    let (_server, journey) = with_policy(&json!({"second_proof": true}));
    for origin in [Some("typed_by_signer"), None] {
        let email = address();
        let id = created(&journey, &by_mail(&email, origin));
        let code = journey.code(&id, &email);
        let answer = journey.validate(&id, &json!({ "code": code })).expect_problem(409, "CONFLICT");
        assert!(answer.details().contains("second proof is missing"), "{answer}");
        assert_eq!(journey.identification(&id)["remaining_validation_attempts"], 3, "it costs no try");
        check_contact(&journey, &id, " ").expect_problem(400, "INVALID_INPUT");
        check_contact(&journey, &id, "called the number on file").expect(204);
        check_contact(&journey, &id, "called the number on file").expect(204);
        check_contact(&journey, &id, "another way").expect_problem(409, "CONFLICT");
        journey.validate(&id, &json!({ "code": code })).expect(204);
        check_contact(&journey, &id, "called the number on file").expect_problem(409, "CONFLICT");
    }
    for origin in ["customer_record", "agent_checked"] {
        let email = address();
        let id = created(&journey, &by_mail(&email, Some(origin)));
        journey.identify(&id, &email);
    }
    check_contact(&journey, NOBODY, "called").expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn only_who_administers_identifications_records_a_check() {
    let (server, journey) = shared();
    let id = created(&journey, &by_mail(&address(), None));
    let signer = Journey::new(server.client_with(&server.token(crate::support::ORGANIZATION, &["identification"])));
    check_contact(&signer, &id, "by myself").expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn the_secret_of_an_operator_is_never_answered_and_stays_where_it_was_given_for() {
    let operator = Operator::start();
    let policy = json!({"sim_swap": {"max_age_hours": 72}, "operator": operator.settings()});
    let (server, journey) = with_policy(&policy);
    let path = journey.path("sign_process/configurations");
    let read = journey.client.get(&path).send().expect(200);
    assert!(!read.to_string().contains("operator-s3cret"));
    let mut shown = read.json()["contact_policy"].clone();
    assert_eq!(shown["operator"]["client_id"], "acme");
    // What was read can be sent back: the secret stays.
    shown["second_proof"] = json!(true);
    set(&journey, &shown).expect(204);
    let id = created(&journey, &by_sms(600_111_221));
    journey.challenge(&id, &json!({})).expect(204);
    assert_eq!(operator.requests("/check").len(), 1);
    // To another address it is not given.
    shown["operator"]["token_url"] = json!("http://127.0.0.2/token");
    let answer = set(&journey, &shown).expect_problem(400, "INVALID_INPUT");
    assert!(answer.details().contains("client_secret"), "{answer}");
    for wrong in [json!({"second_prof": true}), json!([]), json!({"sim_swap": {"max_age_hours": 24}})] {
        let answer = set(&journey, &wrong).expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().contains("contact_policy"), "{answer}");
    }
    let mut private = policy.clone();
    private["operator"]["base_url"] = json!("http://10.0.0.1");
    set(&journey, &private).expect_problem(400, "INVALID_INPUT");
    assert!(!server.log().contains("operator-s3cret"));
}

#[test]
fn a_sim_that_changed_keeps_the_code_back_and_only_those_who_operate_learn_why() {
    let operator = Operator::start();
    operator.replies("/check", &[Reply::Json(200, json!({"swapped": true})), Reply::Json(200, json!({"swapped": false}))]);
    let (server, journey) = with_policy(&json!({"sim_swap": {"max_age_hours": 72}, "operator": operator.settings()}));
    let to = "+34600111222";
    let id = created(&journey, &by_sms(600_111_222));
    let answer = journey.challenge(&id, &json!({})).expect_problem(409, "CONFLICT");
    assert!(answer.details().contains("could not be confirmed") && !answer.details().contains("SIM"), "{answer}");
    assert!(journey.codes(to).is_empty());
    assert_eq!(journey.identification(&id)["remaining_challenges"], 2);
    let log = server.log();
    assert!(log.contains("the SIM changed in the last 72 hours") && !log.contains("600111222"), "{log}");
    let metrics = server.anonymous().get("/metrics").send();
    let counted = r#"rubrica_number_checks_total{check="SIM_SWAP",outcome="FAILED"} 1"#;
    assert!(String::from_utf8_lossy(&metrics.body).contains(counted));
    // Later the operator has nothing against it.
    server.advance("PT1M");
    journey.identify(&id, to);
}

#[test]
fn an_operator_that_does_not_answer_refuses_or_is_passed_over_as_the_organization_says() {
    let operator = Operator::start();
    operator.replies("/check", &[Reply::Drop]);
    let policy = |if_unanswered: &str| json!({"sim_swap": {"max_age_hours": 72}, "if_unanswered": if_unanswered, "operator": operator.settings()});
    let (_server, journey) = with_policy(&policy("refuse"));
    let id = created(&journey, &by_sms(600_111_223));
    journey.challenge(&id, &json!({})).expect_problem(409, "CONFLICT");
    set(&journey, &policy("allow")).expect(204);
    let id = created(&journey, &by_sms(600_111_224));
    journey.identify(&id, "+34600111224");
}

#[test]
fn the_evidence_tells_whose_contact_it_is() {
    let operator = Operator::start();
    let policy = json!({
        "second_proof": true, "separate_channels": true, "sim_swap": {"max_age_hours": 72}, "kyc_match": {}, "operator": operator.settings(),
    });
    let (_server, journey) = with_policy(&policy);
    let channels = Form::new().part("channels", "EMAIL,SMS");
    journey.client.patch(&journey.path("sign_process/configurations")).form(channels).send().expect(204);
    let (email, to) = (address(), "+34600111225");
    let mut signer = Journey::signer("ana", &email);
    signer["msisdn"] = json!({"country_code": "34", "phone_number": 600_111_225});
    signer["contact_origin"] = json!("typed_by_signer");
    let document = journey.upload("contract.pdf", &pdf());
    let process = journey.create(&Journey::creation(&[signer], &[&document]));
    let view = journey.signers(&process).remove(0);
    wait_for("the link by mail", PATIENCE, || (!journey.messages(&email).is_empty()).then_some(()));
    wait_for("the identification", PATIENCE, || {
        let path = journey.path(&format!("identifications/otp/{}", view.identification));
        (journey.client.get(&path).send().status == 200).then_some(())
    });
    check_contact(&journey, &view.identification, "called back").expect(204);
    journey.identify(&view.identification, to);
    journey.preview(&view.sign).expect(204);
    journey.sign(&view.sign).expect(204);
    let certified = journey.until(&process, "CERTIFIED");
    let certificate = journey.download(certified["certificate_id"].as_str().expect("a certificate"));
    let attached = certificate::extract(&certificate).expect("a PDF that can be read").expect("evidence attached");
    let evidence = SignedEvidence::from_json(&attached).expect("signed evidence").unverified().expect("evidence");
    let signer = &evidence.signers[0];
    assert_eq!(signer.contact_origin.as_deref(), Some("typed_by_signer"));
    let identification = signer.identification.as_ref().expect("an identification");
    assert_eq!((identification.channel.as_deref(), identification.link_on_same_channel), (Some("SMS"), Some(false)));
    let proof = identification.second_proof.as_ref().expect("a second proof");
    assert_eq!((proof.kind.as_str(), proof.reason.as_deref()), ("CONTACT_CHECK", Some("called back")));
    assert!(proof.by.is_some() && proof.at.is_some());
    let checks = identification.challenges[0].number_checks.iter().map(|check| (check.check.as_str(), check.outcome.as_str()));
    assert_eq!(checks.collect::<Vec<_>>(), [("SIM_SWAP", "PASSED"), ("KYC_MATCH", "PASSED")]);
}

#[test]
fn the_additions_are_marked_in_the_description() {
    for schema in ["IdentificationActor", "Signer"] {
        let reference = json!({"$ref": format!("#/components/schemas/{schema}")});
        let described = contract::PUBLISHED.resolve(&reference)["properties"]["contact_origin"].to_string();
        assert!(described.contains("An addition to the contract"), "{schema}: {described}");
    }
}
