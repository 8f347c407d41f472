//! Contracts: filled from templates, owned, signed.

use chrono::Utc;
use documents::{
    fixtures::{self, Kind},
    verify,
};
use serde_json::{Value, json};

use crate::{
    NOBODY, address,
    journey::evidence,
    pdf, shared,
    support::{Answer, Form, Journey},
};

/// Names with which no other test collides.
fn unique(name: &str) -> String {
    format!("{name}_{}", uuid::Uuid::new_v4().simple())
}

/// A template of one form with these fields; answers its external id.
pub fn template(journey: &Journey, fields: &[(&str, Kind<'_>)]) -> String {
    let post =
        |path: &str, body: &Value| journey.client.post(&journey.path(path)).json(body).send().expect(201).text("externalId");
    let form = Form::new().part("name", unique("form")).part("extension", "pdf").file("content", "f.pdf", fixtures::form(fields));
    let form = journey.client.post(&journey.path("templates/forms")).form(form).send().expect(201).text("externalId");
    let forms = json!([{"language": "ES", "formExternalId": form}]);
    let section = post("templates/sections", &json!({"sectionName": unique("section"), "forms": forms}));
    let template = json!({"templateName": unique("rental"), "defaultLanguage": "ES", "orderedSectionNames": [section]});
    post("templates", &template)
}

/// A template with a field to print and one to sign for `buyer`.
pub fn rental(journey: &Journey) -> String {
    template(journey, &[("NAME", Kind::Text), ("BUYER", Kind::Signature)])
}

pub fn request(template: &str) -> Value {
    json!({
        "template_external_id": template, "template_version": 1, "language": "ES",
        "fields_values": [{"name": "NAME", "value": "Ana"}],
    })
}

pub fn fill(journey: &Journey, owner: &str, body: &Value) -> Answer {
    journey.client.post(&journey.path("contracts/fill")).header("x-auth-owner", owner).json(body).send()
}

/// A contract and its filled document.
pub fn filled(journey: &Journey, owner: &str) -> (String, String) {
    let answer = fill(journey, owner, &request(&rental(journey))).expect(200);
    (answer.text("contract_id"), answer.text("document_id"))
}

pub fn read(journey: &Journey, contract: &str) -> Value {
    journey.client.get(&journey.path(&format!("contracts/{contract}"))).send().expect(200).json()
}

pub fn change_owner(journey: &Journey, contract: &str, owner: &str, new_owner: &str) -> Answer {
    let path = journey.path(&format!("contracts/{contract}/owner"));
    journey.client.put(&path).header("x-auth-owner", owner).json(&json!({ "new_owner": new_owner })).send()
}

pub fn signing(contracts: &[&str], email: &str) -> Value {
    let contracts: Vec<_> = contracts.iter().map(|id| json!({"contract_id": id})).collect();
    let signer = json!({"alias": "buyer", "name": "Ana", "email": email, "language": "EN"});
    json!({"sign_type": "ONLINE", "signers": [signer], "contracts": contracts})
}

pub fn sign(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&journey.path("contracts/sign")).json(body).send()
}

pub fn document(journey: &Journey, id: &str, owner: &str) -> Answer {
    journey.client.get(&journey.path(&format!("documents/{id}"))).header("x-auth-owner", owner).send()
}

/// The signer of a process of one is identified and signs.
fn sign_as(journey: &Journey, process: &str, email: &str) {
    let signer = journey.signers(process).remove(0);
    journey.identify(&signer.identification, email);
    journey.sign(&signer.sign).expect(204);
}

#[test]
fn a_contract_is_filled_signed_in_its_field_and_moves_with_its_documents() {
    // given a contract of an owner
    let (_server, journey) = shared();
    let (ana, email, template) = ("Ana@Example.org", address(), rental(&journey));
    let mut body = request(&template);
    body["tags"] = json!(["My Rental"]);
    let answer = fill(&journey, ana, &body).expect(200);
    let (contract, filled) = (answer.text("contract_id"), answer.text("document_id"));
    assert_eq!(read(&journey, &contract), json!({ "filled_document_id": filled }));
    let metadata = journey.path(&format!("documents/{filled}/metadata"));
    let metadata = journey.client.get(&metadata).header("x-auth-owner", ana).send().expect(200).json();
    assert_eq!((&metadata["name"], &metadata["tags"]), (&json!(template), &json!(["myrental"])));
    assert_eq!(metadata["isPublic"], json!(false));
    document(&journey, &filled, "bea").expect_problem(401, "UNAUTHORIZED");
    let original = document(&journey, &filled, ana).expect(200).body;
    // when it is signed
    let process = sign(&journey, &signing(&[&contract], &email)).expect(201).text("sign_process_id");
    assert_eq!(read(&journey, &contract), json!({"filled_document_id": filled, "sign_process_id": process}));
    sign_as(&journey, &process, &email);
    let done = journey.until(&process, "CERTIFIED");
    // then it says so at once, and what was filled is signed in the field that is named after the signer
    let now = read(&journey, &contract);
    assert_eq!((&now["filled_document_id"], &now["sign_process_id"]), (&json!(filled), &json!(process)));
    let signed = now["signed_document_id"].as_str().expect("a signed document").to_owned();
    let sealed = document(&journey, &signed, ana).expect(200).body;
    assert!(sealed.starts_with(&original), "the filled bytes come first");
    let report = verify::verify(&sealed, &verify::Trust::default(), Utc::now()).expect("a PDF");
    assert!(report.all_intact(), "{report}");
    assert_eq!(report.signatures.iter().map(|signature| signature.field.as_str()).collect::<Vec<_>>(), ["BUYER"]);
    let evidence = evidence(&journey.download(done["certificate_id"].as_str().expect("a certificate")));
    let told = evidence.documents[0].contract.clone().expect("the contract of the document");
    assert_eq!((told.id.to_string(), told.template, told.version.as_str()), (contract.clone(), template, "1.0"));
    // and with another owner both documents are theirs
    let owner = change_owner(&journey, &contract, ana, " BEA ").expect(200).text("owner");
    assert_eq!(owner, "bea");
    for id in [&filled, &signed] {
        document(&journey, id, ana).expect_problem(401, "UNAUTHORIZED");
        document(&journey, id, "bea").expect(200);
    }
    sign(&journey, &signing(&[&contract], &email)).expect_problem(409, "CONFLICT");
}

#[test]
fn a_fill_that_is_wrong_is_refused_with_its_reason() {
    let (_server, journey) = shared();
    let template = rental(&journey);
    let without_owner = journey.client.post(&journey.path("contracts/fill")).json(&request(&template)).send();
    without_owner.expect_problem(400, "PARAMETER_ERROR");
    let changed = |member: &str, value: Value| {
        let mut body = request(&template);
        body[member] = value;
        fill(&journey, "ana", &body)
    };
    changed("template_version", json!("1")).expect(200);
    for (member, value, told) in [
        ("template_version", json!(0), "template_version"),
        ("template_version", json!(32768), "template_version"),
        ("template_version", json!("1.0"), "template_version"),
        ("template_version", json!(""), "template_version"),
        ("template_version", json!(-1), "template_version"),
        ("name", json!("two words"), "name"),
        ("tags", json!(["null"]), "tags"),
        ("tags", json!(["a", "A"]), "tags"),
        ("tags", json!(["a", "b", "c", "d", "e", "f"]), "tags"),
        ("language", json!("Spanish"), "language"),
        ("fields_values", json!("x"), "fields_values"),
    ] {
        let refused = changed(member, value).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(told), "{refused}");
    }
    changed("template_version", json!(7)).expect_problem(404, "RESOURCE_NOT_FOUND");
    changed("template_external_id", json!("of_nobody")).expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.delete(&journey.path(&format!("templates/{template}/versions/1"))).send();
    fill(&journey, "ana", &request(&template)).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
}

#[test]
fn only_the_present_owner_gives_a_contract_away() {
    let (_server, journey) = shared();
    let (contract, filled) = filled(&journey, "ana");
    change_owner(&journey, &contract, "bea", "bea").expect_problem(401, "UNAUTHORIZED");
    change_owner(&journey, &contract, "ana", " ").expect_problem(400, "INVALID_INPUT");
    change_owner(&journey, NOBODY, "ana", "bea").expect_problem(404, "RESOURCE_NOT_FOUND");
    assert_eq!(change_owner(&journey, &contract, "ANA", "Bea").expect(200).text("owner"), "bea");
    change_owner(&journey, &contract, "ana", "eva").expect_problem(401, "UNAUTHORIZED");
    let path = journey.path(&format!("documents/{filled}"));
    journey.client.delete(&path).header("x-auth-owner", "bea").send().expect(200);
    change_owner(&journey, &contract, "bea", "eva").expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    assert_eq!(read(&journey, &contract), json!({ "filled_document_id": filled }), "the contract itself stays");
}

#[test]
fn contracts_of_several_owners_are_signed_together_and_again_after_a_process_that_ended() {
    let (_server, journey) = shared();
    let email = address();
    let [(one, _), (other, _)] = ["ana", "bea"].map(|owner| filled(&journey, owner));
    let annex = journey.upload("annex.pdf", &pdf());
    let mut body = signing(&[&one, &other], &email);
    body["additional_options"] = json!({"preview_documents": [annex]});
    let process = sign(&journey, &body).expect(201).text("sign_process_id");
    let refused = sign(&journey, &signing(&[&other], &email)).expect_problem(409, "CONFLICT");
    assert!(refused.details().starts_with("contracts[0].contract_id: ") && refused.details().contains(&process), "{refused}");
    let shown = journey.signature(&journey.signers(&process)[0].sign);
    assert_eq!(shown["preview_documents"][0]["name"], "annex.pdf");
    let cancel = journey.path(&format!("sign_process/{process}/cancel"));
    journey.client.post(&cancel).json(&json!({"reason": "a mistake"})).send().expect(204);
    assert_eq!(read(&journey, &one)["sign_process_id"], json!(process), "the last one that it was in");

    let again = sign(&journey, &signing(&[&other], &email)).expect(201).text("sign_process_id");
    assert_eq!(read(&journey, &other)["sign_process_id"], json!(again));
    sign_as(&journey, &again, &email);
    journey.until(&again, "CERTIFIED");
    assert!(read(&journey, &other)["signed_document_id"].is_string() && read(&journey, &one)["signed_document_id"].is_null());
}

#[test]
fn what_is_wrong_with_contracts_to_sign_is_told_and_changes_nothing() {
    let (_server, journey) = shared();
    let (email, (contract, _)) = (address(), filled(&journey, "ana"));
    let good = || signing(&[&contract], &email);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut body = good();
        change(&mut body);
        sign(&journey, &body)
    };
    sign(&journey, &signing(&[&contract, NOBODY], &email)).expect_problem(404, "RESOURCE_NOT_FOUND");
    let (deleted, document) = filled(&journey, "bea");
    let path = journey.path(&format!("documents/{document}"));
    journey.client.delete(&path).header("x-auth-owner", "bea").send().expect(200);
    sign(&journey, &signing(&[&deleted], &email)).expect_problem(404, "RESOURCE_NOT_FOUND");
    let signer = |alias: &str| json!({"alias": alias, "name": "Ana", "email": address()});
    for (told, answer) in [
        ("contracts[1].contract_id: ", sign(&journey, &signing(&[&contract, &contract], &email))),
        ("contracts: ", sign(&journey, &signing(&[], &email))),
        ("signers[1].alias: ", changed(&|body| body["signers"] = json!([signer("a"), signer("a")]))),
        ("signers: ", changed(&|body| body["signers"] = json!([]))),
        ("signers[0]: no email or msisdn", changed(&|body| body["signers"][0]["email"] = Value::Null)),
        ("signers[0].email: ", changed(&|body| body["signers"][0]["email"] = json!("nobody"))),
        ("sign_type: ONSITE needs an escrow certificate", changed(&|body| body["sign_type"] = json!("ONSITE"))),
        ("sign_type: ", changed(&|body| body["sign_type"] = json!("SIMPLE"))),
        (
            "additional_options.preview_documents[0]: ",
            changed(&|body| body["additional_options"] = json!({"preview_documents": [NOBODY]})),
        ),
        (
            "signers[0].identification_options.personal_document_evidence: ",
            changed(&|body| body["signers"][0]["identification_options"] = json!({"personal_document_evidence": "yes"})),
        ),
    ] {
        let refused = answer.expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().contains(told), "{told}: {refused}");
    }
    assert!(read(&journey, &contract)["sign_process_id"].is_null());
    let online = changed(&|body| {
        body["signers"][0]["identification_options"] = json!({"personal_document_evidence": true});
        body["signers"][0]["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
    });
    online.expect(201);
}

#[test]
fn another_organization_sees_nothing_of_a_contract_and_one_without_sign_configuration_signs_none() {
    let (server, journey) = shared();
    let (contract, _) = filled(&journey, "ana");
    let other = unique("tenant");
    let theirs = Journey::of(server.client_with(&server.token(&other, &[])), &other);
    theirs.client.get(&theirs.path(&format!("contracts/{contract}"))).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    change_owner(&theirs, &contract, "ana", "bea").expect_problem(404, "RESOURCE_NOT_FOUND");
    sign(&theirs, &signing(&[&contract], &address())).expect_problem(404, "RESOURCE_NOT_FOUND");
    let (own, _) = filled(&theirs, "ana");
    let refused = sign(&theirs, &signing(&[&own], &address())).expect_problem(404, "RESOURCE_NOT_FOUND");
    assert!(refused.details().contains("sign configuration"), "{refused}");
}
