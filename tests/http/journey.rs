//! Whole lives of sign processes.

use chrono::Utc;
use documents::{
    certificate::{self, Evidence, SignedEvidence},
    verify,
};
use serde_json::json;

use crate::{
    address, shared,
    support::{Journey, Options, Server},
};

#[test]
fn a_server_stops_on_sigterm_and_goes_on_where_it_was() {
    // given a process on a server whose data stays
    let folder = tempfile::tempdir().unwrap();
    let options = Options::on(folder.path());
    let server = Server::start_with(options.clone());
    let journey = Journey::new(server.client());
    let document = journey.upload("contract.pdf", &documents::fixtures::contract(&[]));
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", "restart@example.org")], &[&document]));
    let code = journey.code(&journey.signers(&process)[0].identification, "restart@example.org");
    // when the server stops and another one starts on the same data
    assert!(server.terminate().success());
    let server = Server::start_with(options);
    // then the code that was sent before is still good, and the process goes on to its end
    let journey = Journey::new(server.client());
    let signer = journey.signers(&process).remove(0);
    journey.validate(&signer.identification, &serde_json::json!({ "code": code })).expect(204);
    journey.sign(&signer.sign).expect(204);
    let process = journey.until(&process, "CERTIFIED");
    assert!(process["certificate_id"].is_string(), "{process}");
}

/// The evidence in a certificate, after its signature and the chains of its journals were checked.
pub fn evidence(pdf: &[u8]) -> Evidence {
    let attached = certificate::extract(pdf).expect("a PDF that can be read").expect("evidence attached");
    let signed = SignedEvidence::from_json(&attached).expect("signed evidence");
    let chain = signed.chain().expect("the signer's certificates");
    let evidence = signed.verify(&chain[0]).expect("evidence that its certificate signed");
    assert!(!evidence.journals.is_empty());
    for journal in &evidence.journals {
        journal.verify().expect("a whole chain");
    }
    evidence
}

fn assert_intact(pdf: &[u8], signatures: usize) -> verify::Report {
    let report = verify::verify(pdf, &verify::Trust::default(), Utc::now()).expect("a PDF that can be verified");
    assert!(report.all_intact(), "{report}");
    assert_eq!(report.signatures.len(), signatures, "{report}");
    report
}

#[test]
fn a_process_of_several_signers_and_documents_ends_sealed_and_certified() {
    // given two signers and two documents: one with a field for each signer, one without any
    let (_server, journey) = shared();
    let visible = journey.upload("visible.pdf", &documents::fixtures::contract(&["BUYER", "SELLER"]));
    let invisible = journey.upload("invisible.pdf", &documents::fixtures::contract(&[]));
    let preview = journey.upload("annex.pdf", &documents::fixtures::contract(&[]));
    let (ana, phone) = (address(), format!("6{:08}", uuid::Uuid::new_v4().as_u128() % 100_000_000));
    let number: u64 = phone.parse().unwrap();
    let seller =
        json!({"alias": "seller", "name": "Jürgen", "language": "DE", "msisdn": {"phone_number": number, "country_code": "34"}});
    let mut creation = Journey::creation(&[Journey::signer("buyer", &ana), seller], &[&visible, &invisible]);
    creation["sign"]["documents"][0]["sign_fields"] =
        json!([{"signer": "buyer", "fields": ["BUYER"]}, {"signer": "seller", "fields": ["SELLER"]}]);
    creation["sign"]["preview_documents"] = json!([preview]);
    let process = journey.create(&creation);
    // when each is identified on their channel, looks, and signs
    for (signer, to) in journey.signers(&process).into_iter().zip([ana, format!("+34{phone}")]) {
        assert_eq!(journey.process(&process)["status"], "CREATED");
        let token = journey.identify(&signer.identification, &to);
        let own = Journey::new(journey.client.with_token(&token));
        let detail = own.signature(&signer.sign);
        assert_eq!(detail["signable_documents"].as_array().map(Vec::len), Some(2));
        assert_eq!(detail["preview_documents"][0]["name"], "annex.pdf");
        let shown = own.client.get(detail["signable_documents"][0]["url"].as_str().unwrap()).send().expect(200);
        assert_eq!(shown.body, documents::fixtures::contract(&["BUYER", "SELLER"]));
        own.preview(&signer.sign).expect(204);
        own.sign(&signer.sign).expect(204);
    }
    let done = journey.until(&process, "CERTIFIED");
    // then both signatures succeeded, and both documents are sealed, intact and keep what was uploaded
    let signers = journey.signers(&process);
    assert!(signers.iter().all(|signer| signer.status == "SUCCEEDED"), "{done}");
    for signer in &signers {
        assert_eq!(journey.identification(&signer.identification)["state"], "SUCCEEDED");
    }
    let detail = journey.signature(&signers[0].sign);
    let signed = detail["signed_documents"].as_array().unwrap();
    assert_eq!(signed.len(), 2);
    let fetch = |at: usize| journey.client.get(signed[at]["url"].as_str().unwrap()).send().expect(200).body;
    let (visible, invisible) = (fetch(0), fetch(1));
    assert!(visible.starts_with(&documents::fixtures::contract(&["BUYER", "SELLER"])), "the uploaded bytes come first");
    let report = verify::verify(&visible, &verify::Trust::default(), Utc::now()).unwrap();
    assert!(report.all_intact(), "{report}");
    let fields: Vec<_> = report.signatures.iter().map(|signature| signature.field.as_str()).collect();
    assert!(fields.contains(&"BUYER") && fields.contains(&"SELLER"), "{fields:?}");
    let report = verify::verify(&invisible, &verify::Trust::default(), Utc::now()).unwrap();
    assert!(report.all_intact(), "{report}");
    // and the certificate is sealed itself and holds the evidence
    let certificate = journey.download(done["certificate_id"].as_str().unwrap());
    assert_intact(&certificate, 1);
    let evidence = evidence(&certificate);
    assert_eq!(evidence.process.id.to_string(), process);
    assert_eq!((evidence.signers.len(), evidence.documents.len(), evidence.preview_documents.len()), (2, 2, 1));
    for signer in &evidence.signers {
        let challenges = &signer.identification.as_ref().expect("an identification").challenges;
        assert_eq!(challenges[0].fate.as_deref(), Some("DELIVERED"), "who typed the code got it");
    }
    // one journal of the process and one of each identification
    assert_eq!(evidence.journals.len(), 3);
}

#[test]
fn the_evidence_tells_the_active_content_of_each_document() {
    let (_server, journey) = shared();
    let email = address();
    let active = journey.upload("active.pdf", &documents::fixtures::active());
    let plain = journey.upload("plain.pdf", &documents::fixtures::contract(&[]));
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", &email)], &[&active, &plain]));
    let signer = journey.signers(&process).remove(0);
    journey.identify(&signer.identification, &email);
    journey.sign(&signer.sign).expect(204);
    let done = journey.until(&process, "CERTIFIED");
    let evidence = evidence(&journey.download(done["certificate_id"].as_str().unwrap()));
    let told: Vec<_> = evidence.documents.iter().map(|document| document.active_content.expect("it is known")).collect();
    let expected =
        documents::active::ActiveContent { javascript: 1, launch_actions: 1, embedded_files: 1, multimedia: 1, xfa: true };
    assert_eq!(told, [expected, Default::default()]);
}

#[test]
fn a_sealed_document_that_was_changed_is_not_intact() {
    let (_server, journey) = shared();
    let email = address();
    let document = journey.upload("contract.pdf", &documents::fixtures::contract(&[]));
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", &email)], &[&document]));
    let signer = journey.signers(&process).remove(0);
    journey.identify(&signer.identification, &email);
    journey.sign(&signer.sign).expect(204);
    journey.until(&process, "CERTIFIED");
    let detail = journey.signature(&signer.sign);
    let url = detail["signed_documents"][0]["url"].as_str().unwrap().to_owned();
    let mut sealed = journey.client.get(&url).send().expect(200).body;
    assert_intact(&sealed, 1);
    let at = sealed.windows(9).position(|window| window == b"/MediaBox").unwrap();
    sealed[at + 1] ^= 1;
    let report = verify::verify(&sealed, &verify::Trust::default(), Utc::now());
    assert!(report.is_err() || !report.unwrap().all_intact());
}

#[test]
fn a_document_deleted_meanwhile_is_signed_all_the_same() {
    // The process keeps its own copy of what it needs for its evidence.
    let (_server, journey) = shared();
    let email = address();
    let document = journey.upload("contract.pdf", &documents::fixtures::contract(&[]));
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", &email)], &[&document]));
    journey.client.delete(&journey.path(&format!("documents/{document}/physical"))).send().expect(200);
    let signer = journey.signers(&process).remove(0);
    journey.identify(&signer.identification, &email);
    journey.sign(&signer.sign).expect(204);
    let done = journey.until(&process, "CERTIFIED");
    evidence(&journey.download(done["certificate_id"].as_str().unwrap()));
}
