//! Sign processes and simple signatures: what is refused, and how processes end before they are signed.

use serde_json::{Value, json};

use crate::{
    NOBODY, address, own, pdf, shared,
    support::{Answer, Form, Journey},
};

fn create(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&journey.path("sign_process")).json(body).send()
}

fn cancel(journey: &Journey, process: &str, body: &Value) -> Answer {
    journey.client.post(&journey.path(&format!("sign_process/{process}/cancel"))).json(body).send()
}

/// A process of one signer over a document of its own, and the signer's address.
fn process(journey: &Journey) -> (String, String) {
    let (email, document) = (address(), journey.upload("contract.pdf", &pdf()));
    (journey.create(&Journey::creation(&[Journey::signer("buyer", &email)], &[&document])), email)
}

fn stored(journey: &Journey, extension: &str, bytes: &[u8]) -> String {
    let form = Form::new().part("name", "a").part("extension", extension).part("content", bytes);
    journey.client.post(&journey.path("documents")).form(form).send().expect(201).text("documentId")
}

#[test]
fn a_creation_answers_where_the_process_is() {
    let (_server, journey) = shared();
    let document = journey.upload("contract.pdf", &pdf());
    let mut body = Journey::creation(&[Journey::signer("buyer", &address())], &[&document]);
    body["unknown"] = json!(["ignored"]);
    let answer = create(&journey, &body).expect(201);
    let id = answer.text("id");
    assert_eq!(answer.header("location"), format!("/orgs/acme/sign_process/{id}"));
    let process = journey.process(&id);
    assert_eq!((&process["status"], &process["sign_type"]), (&json!("CREATED"), &json!("SIMPLE")));
    assert_eq!(process["signatures"][0]["alias"], "buyer");
}

#[test]
fn a_creation_that_is_wrong_is_refused_with_the_member_that_is() {
    let (_server, journey) = shared();
    let document = stored(&journey, "pdf", &documents::fixtures::contract(&["SELLER"]));
    let json_document = stored(&journey, "json", b"{}");
    let good = || Journey::creation(&[Journey::signer("buyer", "ana@example.org")], &[&document]);
    let with = |pointer: &str, value: Value| {
        let mut body = good();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[member] = value;
        body
    };
    let fields = |signer: &str, field: &str| json!([{"id": document, "sign_fields": [{"signer": signer, "fields": [field]}]}]);
    for (named, body) in [
        ("signers", with("/signers", Value::Null)),
        ("signers", with("/signers", json!([]))),
        ("signers", with("/signers", json!("ana"))),
        ("alias", with("/signers", json!([Journey::signer("a", "a@example.org"), Journey::signer("a", "b@example.org")]))),
        ("signers[0].email", with("/signers", json!([{"alias": "a", "name": "Ana", "email": "nobody"}]))),
        ("signers[0].email", with("/signers", json!([{"alias": "a", "name": "Ana", "email": "mailto:ana@example.org"}]))),
        ("signers[0]", with("/signers", json!([{"alias": "a", "name": "Ana"}]))),
        ("sign.documents", with("/sign/documents", json!([]))),
        ("sign.documents[0]", with("/sign/documents", json!([{"id": NOBODY}]))),
        ("sign.documents[0].id", with("/sign/documents", json!([{"id": "x"}]))),
        ("sign.documents[0].id", with("/sign/documents", json!([{"id": json_document}]))),
        ("sign.documents[1].id", with("/sign/documents", json!([{"id": document}, {"id": document}]))),
        ("signer", with("/sign/documents", fields("stranger", "SELLER"))),
        ("fields", with("/sign/documents", fields("buyer", "NO_SUCH_FIELD"))),
        ("sign.preview_documents[0]", with("/sign/preview_documents", json!([NOBODY]))),
        ("sign.type", with("/sign/type", json!("SEAL"))),
        ("sign.type", with("/sign/type", json!("BIOMETRIC"))),
        ("identification.type", with("/identification/type", json!("FACE"))),
        ("expires_in", with("/expires_in", json!("PT14M"))),
        ("expires_in", with("/expires_in", json!("P31D"))),
    ] {
        let answer = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().contains(named), "{named}: {answer}");
    }
}

#[test]
fn an_encrypted_document_is_refused_before_anybody_is_asked() {
    let (_server, journey) = shared();
    let form = Form::new()
        .part("name", "a.pdf")
        .part("extension", "pdf")
        .part("content", documents::fixtures::encrypted("user", lopdf::Permissions::all()));
    let answer = journey.client.post(&journey.path("documents")).form(form).send().expect_problem(400, "INVALID_INPUT");
    assert!(answer.details().contains("password"), "{answer}");
}

#[test]
fn a_private_document_needs_its_owner_named() {
    let (_server, journey) = shared();
    let form = Form::new().part("name", "a.pdf").part("extension", "pdf").part("content", pdf());
    let path = journey.path("documents");
    let document = journey.client.post(&path).header("x-auth-owner", "ana").form(form).send().expect(201).text("documentId");
    let mut body = Journey::creation(&[Journey::signer("buyer", &address())], &[&document]);
    create(&journey, &body).expect_problem(400, "INVALID_INPUT");
    body["sign"]["documents"][0]["owner"] = json!("Ana");
    create(&journey, &body).expect(201);
}

#[test]
fn a_signature_before_the_identification_is_409() {
    let (_server, journey) = shared();
    let (process, email) = process(&journey);
    let signer = journey.signers(&process).remove(0);
    journey.sign(&signer.sign).expect_problem(409, "CONFLICT");
    journey.code(&signer.identification, &email);
    journey.sign(&signer.sign).expect_problem(409, "CONFLICT");
    assert_eq!(journey.signature(&signer.sign)["status"], "CREATED");
}

#[test]
fn a_signature_needs_the_headers_of_the_device_and_an_identifier() {
    let (_server, journey) = shared();
    let (process, _) = process(&journey);
    let signer = journey.signers(&process).remove(0);
    for action in ["preview", "sign"] {
        let path = journey.path(&format!("simple_signs/{}/{action}", signer.sign));
        journey.client.post(&path).send().expect_problem(400, "PARAMETER_ERROR");
    }
    journey.preview(NOBODY).expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.sign(NOBODY).expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.sign("x").expect_problem(400, "PARAMETER_ERROR");
    journey.client.get(&journey.path(&format!("simple_signs/{NOBODY}"))).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.get(&journey.path(&format!("sign_process/{NOBODY}"))).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.get(&journey.path("sign_process/x")).send().expect_problem(400, "PARAMETER_ERROR");
}

#[test]
fn only_a_created_process_is_cancelled_and_its_identifications_with_it() {
    let (_server, journey) = shared();
    let (process, _) = process(&journey);
    let signer = journey.signers(&process).remove(0);
    cancel(&journey, &process, &json!({})).expect_problem(400, "INVALID_INPUT");
    cancel(&journey, &process, &json!({"reason": " "})).expect_problem(400, "INVALID_INPUT");
    cancel(&journey, NOBODY, &json!({"reason": "x"})).expect_problem(404, "RESOURCE_NOT_FOUND");
    cancel(&journey, &process, &json!({"reason": "the buyer changed their mind"})).expect(204);
    assert_eq!(journey.process(&process)["status"], "CANCELLED");
    assert_eq!(journey.identification(&signer.identification)["state"], "CANCELLED");
    cancel(&journey, &process, &json!({"reason": "again"})).expect_problem(409, "CONFLICT");
    journey.sign(&signer.sign).expect_problem(409, "CONFLICT");
}

#[test]
fn a_process_past_its_time_reads_as_expired_at_once() {
    let (server, journey) = own(None);
    let document = journey.upload("contract.pdf", &pdf());
    let mut body = Journey::creation(&[Journey::signer("buyer", &address())], &[&document]);
    body["expires_in"] = json!("PT15M");
    let process = journey.create(&body);
    let signer = journey.signers(&process).remove(0);
    server.advance("PT15M");
    assert_eq!(journey.process(&process)["status"], "EXPIRED");
    assert_eq!(journey.signature(&signer.sign)["status"], "EXPIRED");
    journey.sign(&signer.sign).expect_problem(409, "CONFLICT");
    cancel(&journey, &process, &json!({"reason": "late"})).expect_problem(409, "CONFLICT");
}

#[test]
fn a_process_fails_with_the_identification_of_a_signer() {
    let (_server, journey) = shared();
    let document = journey.upload("contract.pdf", &pdf());
    let signers = [Journey::signer("buyer", &address()), Journey::signer("seller", &address())];
    let process = journey.create(&Journey::creation(&signers, &[&document]));
    let [buyer, seller] = <[_; 2]>::try_from(journey.signers(&process)).unwrap();
    let path = journey.path(&format!("identifications/otp/{}/cancel", buyer.identification));
    journey.client.post(&path).json(&json!({"reason": "a wrong number"})).send().expect(204);
    assert_eq!(journey.process(&process)["status"], "FAILED");
    journey.sign(&seller.sign).expect_problem(409, "CONFLICT");
    cancel(&journey, &process, &json!({"reason": "late"})).expect_problem(409, "CONFLICT");
}

#[test]
fn a_signer_with_a_second_factor_is_asked_for_it() {
    let (_server, journey) = shared();
    let (email, document) = (address(), journey.upload("contract.pdf", &pdf()));
    let mut signer = Journey::signer("buyer", &email);
    signer["identification"] = json!({"two_factor_type": "EMAIL"});
    let process = journey.create(&Journey::creation(&[signer], &[&document]));
    let signer = journey.signers(&process).remove(0);
    journey.challenge(&signer.identification, &json!({"two_factor": "other@example.org"})).expect_problem(403, "UNAUTHORIZED");
    let answer = journey.challenge(&signer.identification, &json!({"two_factor": email})).expect(200);
    assert_eq!(answer.text("two_factor_value"), email);
    let code = journey.new_code(&email, 0);
    journey.validate(&signer.identification, &json!({"code": code, "two_factor": email})).expect(204);
    journey.sign(&signer.sign).expect(204);
    journey.until(&process, "CERTIFIED");
}
