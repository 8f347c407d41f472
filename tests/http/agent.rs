//! Identification by an agent.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use documents::certificate::{self, SignedEvidence};
use serde_json::{Value, json};

use crate::{
    NOBODY, own, pdf, shared,
    support::{Answer, Call, Device, Journey, ORGANIZATION, PATIENCE, Server, SignerView, files_below, wait_for},
};

/// A PNG as far as its signature goes, and something by which it can be found again.
fn picture() -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", uuid::Uuid::new_v4().as_bytes().as_slice(), &[7; 300]].concat()
}

fn request() -> Value {
    let document = json!({"document_number": "12345678Z", "document_type": "NIF"});
    json!({"actor": {"name": "Ana", "last_name": "López", "identity_document": document, "language": "ES"}, "expires_in": "PT1H"})
}

fn create(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&journey.path("identifications/agent")).json(body).send()
}

fn created(journey: &Journey) -> String {
    create(journey, &request()).expect(201).text("id")
}

fn below(journey: &Journey, id: &str, rest: &str) -> String {
    journey.path(&format!("identifications/agent/{id}{rest}"))
}

fn read(journey: &Journey, id: &str) -> Value {
    journey.client.get(&below(journey, id, "")).send().expect(200).json()
}

fn post(journey: &Journey, id: &str, action: &str, body: &Value) -> Answer {
    journey.client.post(&below(journey, id, action)).json(body).send()
}

fn validation<'a>(journey: &'a Journey, id: &str) -> Call<'a> {
    journey.client.post(&below(journey, id, "/validate")).headers(Device::HEADERS)
}

fn validate(journey: &Journey, id: &str, body: &Value) -> Answer {
    validation(journey, id).json(body).send()
}

/// What a token with these roles of the organization can do.
fn with_roles(server: &Server, roles: &[&str]) -> Journey {
    Journey::new(server.client_with(&server.token(ORGANIZATION, roles)))
}

fn validated(journey: &Journey) -> String {
    let id = created(journey);
    let body = json!({"agent": "shop-7/eva", "evidence": STANDARD.encode(picture()), "evidence_metadata": "{\"name\": \"ANA\"}"});
    validate(journey, &id, &body).expect(204);
    id
}

#[test]
fn an_agent_vouches_for_somebody_and_the_read_shows_who_did_but_no_number() {
    let (_server, journey) = shared();
    let id = created(&journey);
    let before = read(&journey, &id);
    assert_eq!(
        before["actor"],
        json!({"name": "Ana", "last_name": "López", "language": "ES", "document_type": "NIF"}),
        "the number of the document is not shown"
    );
    assert_eq!((&before["state"], &before["agent_id"]), (&json!("CREATED"), &Value::Null));
    let answer = validate(&journey, &id, &json!({"agent": " shop-7/eva ", "unknown": 1})).expect(204);
    assert!(!answer.headers.contains_key("x-access-token"));
    let after = read(&journey, &id);
    assert_eq!((&after["state"], &after["agent_id"]), (&json!("VALIDATED"), &json!("shop-7/eva")));
}

#[test]
fn a_creation_that_is_wrong_is_refused_with_the_member_that_is() {
    let (_server, journey) = shared();
    let with = |pointer: &str, value: Value| {
        let mut body = request();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[member] = value;
        body
    };
    for (named, body) in [
        ("actor", with("/actor", Value::Null)),
        ("actor.identity_document", with("/actor/identity_document", Value::Null)),
        ("actor.identity_document.document_number", with("/actor/identity_document/document_number", json!(" "))),
        ("actor.identity_document.document_type", with("/actor/identity_document/document_type", json!("LICENCE"))),
        ("actor.email", with("/actor/email", json!("nobody"))),
        ("expires_in", with("/expires_in", Value::Null)),
        ("expires_in", with("/expires_in", json!("PT59S"))),
        ("expires_in", with("/expires_in", json!("P30DT1S"))),
        ("expires_in", with("/expires_in", json!("soon"))),
    ] {
        let answer = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().starts_with(named), "{named}: {answer}");
    }
    for allowed in ["PT1M", "P30D"] {
        create(&journey, &with("/expires_in", json!(allowed))).expect(201);
    }
}

#[test]
fn an_organization_needs_no_sign_configuration_for_its_agents() {
    let (server, _) = shared();
    let journey = Journey::of(server.client_with(&server.token("unconfigured", &[])), "unconfigured");
    let id = created(&journey);
    validate(&journey, &id, &json!({"agent": "eva"})).expect(204);
}

#[test]
fn a_validation_that_is_wrong_is_refused_and_changes_nothing() {
    let (_server, journey) = shared();
    let id = created(&journey);
    let png = STANDARD.encode(picture());
    let jpeg = STANDARD.encode(b"\xff\xd8\xff\xe0 a picture of another kind");
    let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
    for (named, body) in [
        ("agent", json!({ "evidence": png })),
        ("agent", json!({"agent": " \t"})),
        ("agent", json!({"agent": "x".repeat(321)})),
        ("agent", json!({"agent": 7})),
        ("evidence", json!({"agent": "eva", "evidence": ""})),
        ("evidence", json!({"agent": "eva", "evidence": "a picture"})),
        ("evidence", json!({"agent": "eva", "evidence": jpeg})),
        ("evidence", json!({"agent": "eva", "evidence": format!("data:image/png;base64,{png}")})),
        ("evidence_metadata", json!({"agent": "eva", "evidence_metadata": "string"})),
        ("evidence_metadata", json!({"agent": "eva", "evidence_metadata": {"name": "ANA"}})),
        ("evidence_metadata", json!({"agent": "eva", "evidence_metadata": deep})),
        ("evidence_metadata", json!({"agent": "eva", "evidence_metadata": format!("\"{}\"", "x".repeat(64 * 1024))})),
    ] {
        let answer = validate(&journey, &id, &body).expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().starts_with(&format!("{named}: ")), "{named}: {answer}");
    }
    let answer = validate(&journey, &id, &json!({"agent": "", "evidence": jpeg, "evidence_metadata": "{"}));
    assert_eq!(answer.expect_problem(400, "INVALID_INPUT").json()["errors"].as_array().map(Vec::len), Some(3));
    assert_eq!(read(&journey, &id)["state"], "CREATED");
    validate(&journey, &id, &json!({"agent": "eva", "evidence": png})).expect(204);
}

#[test]
fn a_picture_may_lack_its_padding_and_have_stray_bits() {
    let (_server, journey) = shared();
    let padded = STANDARD.encode([picture(), vec![0, 0x32]].concat());
    let plain = padded.trim_end_matches('=');
    assert!(plain.len() < padded.len() && plain.ends_with('g'), "two of the last six bits count");
    let stray = format!("{}v", &plain[..plain.len() - 1]);
    for evidence in [padded.as_str(), plain, &stray] {
        let id = created(&journey);
        validate(&journey, &id, &json!({"agent": "eva", "evidence": evidence})).expect(204);
    }
}

#[test]
fn a_picture_is_as_large_as_the_server_is_set_up_for_but_at_most_4_mebibytes() {
    let (_server, journey) = own(Some("[server]\njson_limit = 8388608\n"));
    let id = created(&journey);
    let evidence = |length: usize| format!("iVBORw0KGgo{}", "A".repeat(length - 11));
    let answer = validate(&journey, &id, &json!({"agent": "eva", "evidence": evidence(4 * 1024 * 1024 + 4)}));
    assert!(answer.expect_problem(400, "INVALID_INPUT").details().starts_with("evidence: expected at most 4194304 bytes"));
    let answer = validate(&journey, &id, &json!({"agent": "eva", "evidence": evidence(8 * 1024 * 1024)}));
    answer.expect_problem(413, "INVALID_INPUT");
    validate(&journey, &id, &json!({"agent": "eva", "evidence": evidence(4 * 1024 * 1024)})).expect(204);
}

#[test]
fn an_agent_vouches_once_and_only_while_it_is_created() {
    let (server, journey) = own(None);
    let again = json!({"agent": "mallory"});
    let validated = validated(&journey);
    let succeeded = self::validated(&journey);
    post(&journey, &succeeded, "/close", &json!({})).expect(204);
    let cancelled = created(&journey);
    post(&journey, &cancelled, "/cancel", &json!({"reason": "a mistake"})).expect(204);
    let expired = created(&journey);
    for (id, state) in [(&validated, "VALIDATED"), (&succeeded, "SUCCEEDED"), (&cancelled, "CANCELLED")] {
        validate(&journey, id, &again).expect_problem(409, "CONFLICT");
        assert_eq!(read(&journey, id)["state"], state);
    }
    assert_eq!(read(&journey, &validated)["agent_id"], "shop-7/eva");
    server.advance("PT1H");
    for id in [&validated, &expired] {
        assert_eq!(read(&journey, id)["state"], "EXPIRED");
        validate(&journey, id, &again).expect_problem(409, "CONFLICT");
    }
}

#[test]
fn a_validation_needs_the_headers_of_the_device() {
    let (_server, journey) = shared();
    let id = created(&journey);
    let path = below(&journey, &id, "/validate");
    for missing in ["x-installation_id", "x-fingerprint", "user-agent"] {
        let headers = Device::HEADERS.into_iter().filter(|(name, _)| *name != missing);
        let answer = journey.client.post(&path).headers(headers).json(&json!({"agent": "eva"})).send();
        assert!(answer.expect_problem(400, "PARAMETER_ERROR").details().contains(missing));
    }
}

#[test]
fn cancelling_ends_what_is_under_way_once_and_for_a_reason() {
    let (_server, journey) = shared();
    for id in [created(&journey), validated(&journey)] {
        for body in [json!({}), json!({"reason": " \t"}), json!({"reason": 5}), json!({"reason": "x".repeat(1001)})] {
            post(&journey, &id, "/cancel", &body).expect_problem(400, "INVALID_INPUT");
        }
        post(&journey, &id, "/cancel", &json!({"reason": "a mistake"})).expect(204);
        assert_eq!(read(&journey, &id)["state"], "CANCELLED");
        post(&journey, &id, "/cancel", &json!({"reason": "again"})).expect_problem(409, "CONFLICT");
        post(&journey, &id, "/close", &json!({})).expect_problem(409, "CONFLICT");
    }
}

#[test]
fn only_a_validated_identification_is_closed_and_then_it_succeeded() {
    let (_server, journey) = shared();
    post(&journey, &created(&journey), "/close", &json!({})).expect_problem(409, "CONFLICT");
    let id = validated(&journey);
    post(&journey, &id, "/close", &json!({})).expect(204);
    assert_eq!(read(&journey, &id)["state"], "SUCCEEDED");
    post(&journey, &id, "/close", &json!({})).expect_problem(409, "CONFLICT");
    post(&journey, &id, "/cancel", &json!({"reason": "late"})).expect_problem(409, "CONFLICT");
}

#[test]
fn deleting_beyond_created_needs_force_and_the_role_for_it() {
    let (server, journey) = shared();
    let delete = |journey: &Journey, id: &str, query: &str| journey.client.delete(&below(journey, id, query)).send();
    let fresh = created(&journey);
    delete(&journey, &fresh, "").expect(204);
    journey.client.get(&below(&journey, &fresh, "")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    let id = validated(&journey);
    delete(&journey, &id, "").expect_problem(403, "UNAUTHORIZED");
    delete(&journey, &id, "?force=perhaps").expect_problem(400, "PARAMETER_ERROR");
    let plain = with_roles(&server, &["identification_admin"]);
    delete(&plain, &id, "?force=true").expect_problem(403, "UNAUTHORIZED");
    assert_eq!(read(&journey, &id)["state"], "VALIDATED");
    delete(&journey, &id, "?force=true").expect(204);
    delete(&journey, &id, "?force=true").expect_problem(404, "RESOURCE_NOT_FOUND");
    validate(&journey, &id, &json!({"agent": "eva"})).expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn a_token_for_agents_reads_and_validates_and_nothing_else() {
    let (server, journey) = shared();
    let agent = with_roles(&server, &["identification_agent"]);
    let id = created(&journey);
    assert_eq!(read(&agent, &id)["state"], "CREATED");
    validate(&agent, &id, &json!({"agent": "eva"})).expect(204);
    create(&agent, &request()).expect_problem(401, "UNAUTHORIZED");
    post(&agent, &id, "/cancel", &json!({"reason": "x"})).expect_problem(401, "UNAUTHORIZED");
    post(&agent, &id, "/close", &json!({})).expect_problem(401, "UNAUTHORIZED");
    agent.client.delete(&below(&agent, &id, "?force=true")).send().expect_problem(401, "UNAUTHORIZED");
    agent.client.get(&agent.path(&format!("identifications/otp/{NOBODY}"))).send().expect_problem(401, "UNAUTHORIZED");
    // A token without it does not vouch; one for all methods does.
    let admin = with_roles(&server, &["identification_admin", "sign_process", "sign"]);
    let open = created(&admin);
    validate(&admin, &open, &json!({"agent": "mallory"})).expect_problem(401, "UNAUTHORIZED");
    let all = with_roles(&server, &["identification"]);
    validate(&all, &open, &json!({"agent": "eva"})).expect(204);
    // Nor does an agent of another organization find it.
    let other = Journey::of(server.client_with(&server.token("other", &["identification_agent"])), "other");
    validate(&other, &created(&journey), &json!({"agent": "mallory"})).expect_problem(404, "RESOURCE_NOT_FOUND");
}

/// A process whose signer an agent identifies, and what is known of the signer.
fn process(journey: &Journey) -> (String, SignerView) {
    let document = journey.upload("contract.pdf", &pdf());
    let process = journey.create(&creation(&document));
    let signer = journey.signers(&process).remove(0);
    (process, signer)
}

fn creation(document: &str) -> Value {
    let identity = json!({"document_number": "12345678Z", "document_type": "NIF"});
    let signer = json!({"alias": "buyer", "name": "Ana", "last_name": "López", "language": "EN", "identity_document": identity});
    let mut creation = Journey::creation(&[signer], &[document]);
    creation["identification"]["type"] = json!("AGENT");
    creation
}

#[test]
fn a_signer_is_identified_by_an_agent_and_the_process_ends_certified_with_the_proofs() {
    let (_server, journey) = shared();
    // given a signer who has no address and no number
    let (process, signer) = process(&journey);
    let detail = journey.signature(&signer.sign);
    assert_eq!(detail["identification"], json!({"id": signer.identification, "type": "AGENT"}));
    assert_eq!(journey.process(&process)["signatures"][0]["identification"]["type"], "AGENT");
    journey.sign(&signer.sign).expect_problem(409, "CONFLICT");
    // when an agent vouches, with a picture and what was read from it, and the signer signs
    let (picture, reading) = (picture(), "{\"document_number\": \"12345678Z\"}");
    let body = json!({"agent": "shop-7/eva", "evidence": STANDARD.encode(&picture), "evidence_metadata": reading});
    validate(&journey, &signer.identification, &body).expect(204);
    journey.preview(&signer.sign).expect(204);
    journey.sign(&signer.sign).expect(204);
    let done = journey.until(&process, "CERTIFIED");
    assert_eq!(read(&journey, &signer.identification)["state"], "SUCCEEDED");
    // then the evidence names the agent, the hashes of what was given, and the device
    let pdf = journey.download(done["certificate_id"].as_str().unwrap());
    let attached = certificate::extract(&pdf).unwrap().expect("evidence attached");
    let signed = SignedEvidence::from_json(&attached).unwrap();
    let evidence = signed.verify(&signed.chain().unwrap()[0]).unwrap();
    let identification = evidence.signers[0].identification.as_ref().unwrap();
    assert_eq!((identification.kind.as_str(), identification.state.as_str()), ("AGENT", "SUCCEEDED"));
    assert_eq!(identification.agent.as_deref(), Some("shop-7/eva"));
    let told: Vec<_> =
        identification.proofs.iter().map(|proof| (proof.kind.as_str(), proof.size, proof.sha256.clone())).collect();
    let hash = |bytes: &[u8]| store::blobs::Digest::of(bytes).to_string();
    let expected = [
        ("DOCUMENT_PICTURE", picture.len() as u64, hash(&picture)),
        ("PICTURE_READING", reading.len() as u64, hash(reading.as_bytes())),
    ];
    assert_eq!(told, expected);
    let device = identification.device.as_ref().unwrap();
    assert_eq!(device.installation_id.as_deref(), Some("installation-1"));
    let by_agent: Vec<_> =
        evidence.timeline.iter().filter(|entry| entry.actor == "shop-7/eva").map(|entry| &entry.what).collect();
    assert_eq!(by_agent, [&certificate::Action::AgentVouched, &certificate::Action::IdentificationValidated]);
    assert_eq!(evidence.journals.len(), 2);
    assert!(!attached.windows(8).any(|window| window == b"\x89PNG\r\n\x1a\n"));
}

#[test]
fn a_signers_own_tokens_never_vouch_and_do_not_see_who_did() {
    let (_server, journey) = shared();
    let (process, signer) = process(&journey);
    let securize = journey.client.post(&journey.path("securize")).json(&json!({"sign_process_id": process})).send().expect(201);
    let component = Journey::new(journey.client.with_token(&securize.text("web_component_token")));
    validate(&component, &signer.identification, &json!({"agent": "ana"})).expect_problem(401, "UNAUTHORIZED");
    assert_eq!(read(&component, &signer.identification)["state"], "CREATED");
    validate(&journey, &signer.identification, &json!({"agent": "eva"})).expect(204);
    let seen = read(&component, &signer.identification);
    assert_eq!((&seen["state"], seen.get("agent_id")), (&json!("VALIDATED"), None));
    // Of another process, and of none, it reads nothing.
    let (_, stranger) = self::process(&journey);
    for id in [stranger.identification, created(&journey)] {
        component.client.get(&below(&component, &id, "")).send().expect_problem(401, "UNAUTHORIZED");
    }
}

#[test]
fn signers_whom_an_agent_identifies_need_an_identity_document_and_no_channel() {
    let (_server, journey) = shared();
    let document = journey.upload("contract.pdf", &pdf());
    let mut creation = creation(&document);
    let create = |body: &Value| journey.client.post(&journey.path("sign_process")).json(body).send();
    creation["signers"][0]["identity_document"] = Value::Null;
    let answer = create(&creation).expect_problem(400, "INVALID_INPUT");
    assert!(answer.details().starts_with("signers[0].identity_document: "), "{answer}");
    creation["identification"]["type"] = json!("FACE");
    create(&creation).expect_problem(400, "INVALID_INPUT");
}

#[test]
fn a_process_that_ends_cancels_the_identification_and_one_that_is_lost_fails_the_process() {
    let (_server, journey) = shared();
    let (process, signer) = process(&journey);
    journey
        .client
        .post(&journey.path(&format!("sign_process/{process}/cancel")))
        .json(&json!({"reason": "x"}))
        .send()
        .expect(204);
    wait_for("the identification to be cancelled", PATIENCE, || {
        (read(&journey, &signer.identification)["state"] == "CANCELLED").then_some(())
    });
    let (lost, signer) = self::process(&journey);
    journey.client.delete(&below(&journey, &signer.identification, "")).send().expect(204);
    journey.until(&lost, "FAILED");
}

#[test]
fn an_agent_can_be_a_step_of_a_chain_and_vouches_again_after_its_restart() {
    let (_server, journey) = shared();
    let named = |call: Call<'_>| call.header("user-agent", "a test").send();
    let request = json!({
        "actor": request()["actor"], "expires_in": "PT1H", "sequence": [{"identification_type": "AGENT"}],
    });
    let id = named(journey.client.post(&journey.path("identifications/chain")).json(&request)).expect(201).text("id");
    let chain = |rest: &str| journey.path(&format!("identifications/chain/{id}{rest}"));
    let step = named(journey.client.get(&chain(""))).expect(200).json()["step_details"][0]["id"].as_str().unwrap().to_owned();
    let validate_chain = || journey.client.post(&chain("/validate")).headers(Device::HEADERS).send();
    validate_chain().expect_problem(409, "CONFLICT");
    validate(&journey, &step, &json!({"agent": "eva", "evidence": STANDARD.encode(picture())})).expect(204);
    post(&journey, &step, "/close", &json!({})).expect_problem(409, "CONFLICT");
    validate_chain().expect(204);
    named(journey.client.post(&chain("/restart"))).expect(204);
    let again = read(&journey, &step);
    assert_eq!((&again["state"], again.get("agent_id")), (&json!("CREATED"), None));
    validate(&journey, &step, &json!({"agent": "leo"})).expect(204);
    validate_chain().expect(204);
    named(journey.client.post(&chain("/close"))).expect(204);
    let ended = read(&journey, &step);
    assert_eq!((&ended["state"], &ended["agent_id"]), (&json!("SUCCEEDED"), &json!("leo")));
}

#[test]
fn a_picture_is_nowhere_in_clear_and_goes_with_the_identification() {
    let (server, journey) = own(None);
    let found = |needle: &[u8]| -> Vec<_> {
        let holds = |path: &std::path::PathBuf| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle)
        };
        files_below(server.data()).into_iter().chain(server.files()).filter(holds).collect()
    };
    let before = server.files().len();
    let (picture, reading) = (picture(), format!("{{\"name\": \"{}\"}}", uuid::Uuid::new_v4()));
    let id = created(&journey);
    let body = json!({"agent": "eva", "evidence": STANDARD.encode(&picture), "evidence_metadata": reading});
    validate(&journey, &id, &body).expect(204);
    assert_eq!(server.files().len(), before + 2, "the picture and what was read from it");
    for secret in [&picture[16..32], STANDARD.encode(&picture).as_bytes(), reading.as_bytes()] {
        assert_eq!(found(secret), [""; 0].map(std::path::PathBuf::from), "it is kept in clear");
    }
    // What an agent is refused for leaves nothing behind.
    validate(&journey, &id, &body).expect_problem(409, "CONFLICT");
    journey.client.delete(&below(&journey, &id, "?force=true")).send().expect(204);
    wait_for("the files to go", PATIENCE, || (server.files().len() == before).then_some(()));
}

#[test]
fn what_does_not_exist_is_404_and_what_is_no_identifier_400() {
    let (_server, journey) = shared();
    for (id, status, title) in [(NOBODY, 404, "RESOURCE_NOT_FOUND"), ("x", 400, "PARAMETER_ERROR")] {
        journey.client.get(&below(&journey, id, "")).send().expect_problem(status, title);
        journey.client.delete(&below(&journey, id, "")).send().expect_problem(status, title);
        validate(&journey, id, &json!({"agent": "eva"})).expect_problem(status, title);
        post(&journey, id, "/cancel", &json!({"reason": "x"})).expect_problem(status, title);
        post(&journey, id, "/close", &json!({})).expect_problem(status, title);
    }
}
