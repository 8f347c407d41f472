//! Verification of signed files: over HTTP, where nothing of them is kept, and by the command.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use documents::{fixtures, pkcs12::Identity, seal};
use serde_json::{Value, json};

use crate::{
    own, shared,
    support::{Answer, Client, Form, Journey, Server, rubrica},
};

/// A certificate of somebody's own, with its root, as a key file and opened.
pub fn identity(name: &str) -> (Vec<u8>, Identity) {
    let file = Identity::development(name, name, Utc::now(), "a password").expect("a certificate");
    let identity = Identity::open(&file, "a password", Utc::now()).expect("it opens");
    (file, identity)
}

/// A contract that was sealed once for each of the fields.
pub fn sealed(identity: &Identity, fields: &[&str]) -> Vec<u8> {
    let request = |field: &&str| seal::Request {
        field: Some((*field).to_owned()),
        signer_name: "Ana López".into(),
        at: Utc::now(),
        reason: "a lease".into(),
        location: None,
        appearance_lines: None,
        handwriting: None,
    };
    let requests: Vec<_> = fields.iter().map(request).collect();
    seal::seal(&fixtures::contract(fields), identity, &requests).expect("it is sealed").pdf
}

/// An organization that nobody else uses, and seals with this key file.
pub fn organization(server: &Server, file: Option<Vec<u8>>) -> (String, Client) {
    let name = format!("org-{}", uuid::Uuid::new_v4().simple());
    let client = server.client_with(&server.token(&name, &[]));
    if let Some(file) = file {
        let form = Form::new()
            .part("landing_url", "sign.example.org")
            .part("expiration_duration", "P7D")
            .part("channels", "EMAIL")
            .file("content", "tenant.p12", file)
            .part("sign_certificate_password", "a password")
            .part("notification_email", "certificates@example.org");
        let journey = Journey::of(client.clone(), &name);
        journey.client.post(&journey.path("sign_process/configurations")).form(form).send().expect(204);
    }
    (name, client)
}

fn verify(client: &Client, organization: &str, file: impl Into<Vec<u8>>) -> Answer {
    client.post(&format!("/v1/orgs/{organization}/verify")).body("application/pdf", file.into()).send()
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
}

fn root(identity: &Identity) -> &[u8] {
    identity.certificates().last().expect("a root")
}

#[test]
fn what_an_organization_sealed_is_trusted_as_its_own_and_nothing_is_kept() {
    let (server, _) = own(None);
    let (file, identity) = identity("Seals of a notary");
    let (name, client) = organization(&server, Some(file));
    let before = server.files().len();
    let pdf = sealed(&identity, &["tenant", "landlord"]);
    let said = verify(&client, &name, pdf.clone()).expect(200).json();
    let signatures = said["report"]["signatures"].as_array().expect("signatures");
    assert_eq!((signatures.len(), &said["trustsOwn"], &said["evidence"]), (2, &json!(true), &Value::Null));
    for signature in signatures {
        assert_eq!((&signature["judgement"], &signature["signer"]), (&json!("intact"), &json!("Seals of a notary")), "{said}");
        assert_eq!(signature["trust"], json!({"status": "trusted", "root": "Seals of a notary development CA"}));
    }
    let roots = said["roots"].as_array().expect("roots");
    let fingerprint = identity.issuers().last().expect("a root").fingerprint;
    assert_eq!(roots, &[json!({"name": "Seals of a notary development CA", "sha256": fingerprint, "source": "organization"})]);
    assert_eq!(server.files().len(), before, "nothing is stored");

    // Another organization does not trust it: it is nobody's word there.
    let (other, stranger) = organization(&server, None);
    let said = verify(&stranger, &other, pdf.clone()).expect(200).json();
    assert_eq!((&said["trustsOwn"], &said["roots"]), (&json!(false), &json!([])));
    assert_eq!(said["report"]["signatures"][0]["trust"]["status"], "unknown_issuer");
    assert_eq!(said["report"]["signatures"][0]["judgement"], "intact", "whether it was changed is no matter of trust");

    let place = pdf.windows(9).position(|bytes| bytes == b"/BaseFont").expect("a font");
    let mut changed = pdf;
    changed[place + 11] = b'X';
    let said = verify(&client, &name, changed).expect(200).json();
    assert!(
        said["report"]["signatures"].as_array().expect("signatures").iter().all(|own| own["judgement"] != "intact"),
        "{said}"
    );
    let said = verify(&client, &name, fixtures::contract(&[])).expect(200).json();
    assert_eq!(said["report"]["signatures"], json!([]));
}

#[test]
fn roots_of_the_configuration_are_trusted_for_all_and_say_their_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, authority) = identity("An authority");
    std::fs::write(folder.path().join("national.pem"), pem(root(&authority))).expect("it is written");
    std::fs::write(folder.path().join("notes.txt"), "not a certificate").expect("it is written");
    let config = format!("[verification]\nroots = {:?}\n", folder.path());
    let (server, journey) = own(Some(&config));
    let said = verify(&journey.client, "acme", sealed(&authority, &["tenant"])).expect(200).json();
    assert_eq!(said["report"]["signatures"][0]["trust"]["status"], "trusted", "{said}");
    assert_eq!((&said["roots"][0]["source"], &said["roots"][0]["from"]), (&json!("configuration"), &json!("national.pem")));
    let (name, client) = organization(&server, None);
    let said = verify(&client, &name, sealed(&authority, &["tenant"])).expect(200).json();
    assert_eq!((&said["roots"][0]["from"], &said["trustsOwn"]), (&json!("national.pem"), &json!(false)));

    // What cannot be read is told before the server starts.
    std::fs::write(folder.path().join("broken.crt"), "nonsense").expect("it is written");
    let file = folder.path().join("rubrica.toml");
    std::fs::write(&file, &config).expect("it is written");
    let output = rubrica().args(["config", "check", "--config"]).arg(&file).output().expect("the program");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("verification.roots: ") && told.contains("broken.crt: a certificate cannot be read"), "{told}");
}

#[test]
fn hostile_files_are_refused_in_words_and_hold_nothing_up() {
    let (_server, journey) = shared();
    let pdf = sealed(&identity("Somebody").1, &["tenant"]);
    let refused = |file: Vec<u8>, words: &str| {
        let answer = verify(&journey.client, "acme", file).expect_problem(400, "INVALID_INPUT");
        assert!(answer.details().contains(words), "{words}: {answer}");
    };
    refused(Vec::new(), "the file is not a PDF");
    refused(b"%PDF-1.7\n".to_vec(), "PDF");
    refused(vec![0; 1 << 20], "the file is not a PDF");
    refused(b"<!doctype html><title>%PDF</title>".to_vec(), "the file is not a PDF");
    refused(pdf[..pdf.len() / 2].to_vec(), "the PDF is damaged");
    refused(fixtures::encrypted("a secret", lopdf::Permissions::all()), "the PDF needs a password to be opened");
    // What is hostile in it comes to an end, whatever is said of it.
    for file in [fixtures::bomb(), fixtures::field_cycle(), fixtures::page_cycle(), fixtures::deep_fields(5_000)] {
        let answer = verify(&journey.client, "acme", file);
        assert!([200, 400].contains(&answer.status), "{answer}");
    }
    // A body that is declared as long as may be and breaks off, or is of another kind, is no file.
    let path = "/v1/orgs/acme/verify";
    journey.client.post(path).body("application/octet-stream", pdf.clone()).send().expect_problem(415, "PARAMETER_ERROR");
    let said = journey.client.post(path).body("Application/PDF; charset=binary", pdf).send().expect(200).json();
    assert_eq!(said["report"]["signatures"][0]["judgement"], "intact");
}

#[test]
fn a_file_over_the_limit_of_documents_is_too_large_and_only_who_reads_documents_may_ask() {
    let mut large = fixtures::contract(&[]);
    let (server, journey) = own(Some(&format!("[documents]\nlimit = {}\n", large.len())));
    large.push(b'\n');
    verify(&journey.client, "acme", large.clone()).expect_problem(413, "INVALID_INPUT");
    large.pop();
    verify(&journey.client, "acme", large.clone()).expect(200);
    let reader = server.client_with(&server.token("acme", &["documents_read"]));
    verify(&reader, "acme", large.clone()).expect(200);
    let writer = server.client_with(&server.token("acme", &["documents_write"]));
    verify(&writer, "acme", large.clone()).expect_problem(401, "UNAUTHORIZED");
    verify(&server.anonymous(), "acme", large).expect_problem(401, "UNAUTHORIZED");
}

/// What `rubrica verify` prints, and its exit status.
fn command(file: &Path, more: &[&str]) -> (Option<i32>, String) {
    let output = rubrica().arg("verify").arg(file).args(more).output().expect("the program");
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), told)
}

#[test]
fn the_command_trusts_a_folder_of_roots_and_says_which_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, signer) = identity("Somebody");
    let file = folder.path().join("signed.pdf");
    std::fs::write(&file, sealed(&signer, &["tenant"])).expect("it is written");
    let roots = folder.path().join("roots");
    std::fs::create_dir(&roots).expect("a folder");
    let folder_of_roots = roots.to_str().expect("UTF-8");
    let (status, told) = command(&file, &["--root", folder_of_roots]);
    assert!(status == Some(2) && told.contains("there is no certificate in it"), "{told}");
    std::fs::write(roots.join("one.cer"), root(&signer)).expect("it is written");
    std::fs::write(roots.join("two.pem"), pem(root(&identity("Another").1))).expect("it is written");
    let (status, told) = command(&file, &["--root", folder_of_roots]);
    assert_eq!(status, Some(0), "{told}");
    assert!(told.contains("trusted (root: Somebody development CA)"), "{told}");
    assert!(told.contains("Root: Somebody development CA, from one.cer (SHA-256 ") && !told.contains("two.pem"), "{told}");
    let (_, told) = command(&file, &["--json", "--root", folder_of_roots]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["roots"][0]["source"], &told["trusted_lists"]), (&json!("command_line"), &json!([])));
}

#[test]
fn the_command_trusts_what_a_trusted_list_grants_and_says_that_its_signature_is_not_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_, signer) = identity("Somebody");
    let (file, list) = (folder.path().join("signed.pdf"), folder.path().join("es.xml"));
    std::fs::write(&file, sealed(&signer, &["tenant"])).expect("it is written");
    let xml = |status: &str| {
        format!(
            "<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\"><SchemeInformation><TSLSequenceNumber>12</TSLSequenceNumber>\
             <SchemeOperatorName><Name xml:lang=\"en\">Ministry\u{1b}[31m</Name></SchemeOperatorName><SchemeTerritory>ES</SchemeTerritory>\
             <NextUpdate><dateTime>2020-01-01T00:00:00Z</dateTime></NextUpdate></SchemeInformation>\
             <TrustServiceProviderList><TrustServiceProvider><TSPInformation><TSPName><Name xml:lang=\"en\">Notaries</Name></TSPName></TSPInformation>\
             <TSPServices><TSPService><ServiceInformation>\
             <ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/CA/QC</ServiceTypeIdentifier><ServiceName><Name xml:lang=\"en\">Seals</Name>\
             </ServiceName><ServiceDigitalIdentity><DigitalId><X509Certificate>{}</X509Certificate></DigitalId></ServiceDigitalIdentity>\
             <ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/{status}</ServiceStatus>\
             </ServiceInformation></TSPService></TSPServices></TrustServiceProvider></TrustServiceProviderList></TrustServiceStatusList>",
            STANDARD.encode(root(&signer))
        )
    };
    let options = ["--trusted-list", list.to_str().expect("UTF-8")];
    std::fs::write(&list, xml("granted")).expect("it is written");
    let (status, told) = command(&file, &options);
    assert_eq!(status, Some(0), "{told}");
    for words in [
        "trusted (root: Somebody development CA)",
        "from ES: Notaries, Seals",
        "Trusted list es.xml: ES, Ministry[31m, number 12",
        "the signature of the list itself was NOT checked",
        "the list is OVERDUE",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let (_, told) = command(&file, &[&["--json"], &options[..]].concat());
    let told: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["roots"][0]["source"], &told["roots"][0]["from"]), (&json!("trusted_list"), &json!("ES: Notaries, Seals")));
    let said = &told["trusted_lists"][0];
    assert_eq!(
        (&said["signature"], &said["is_overdue"], &said["certificates"]),
        (&json!("not_checked"), &json!(true), &json!(1))
    );
    // What is not granted any more is not trusted, and what is no list is an error.
    std::fs::write(&list, xml("withdrawn")).expect("it is written");
    let (_, told) = command(&file, &options);
    assert!(told.contains("not trusted: its issuer") && told.contains("0 certificates of 0 granted services"), "{told}");
    std::fs::write(&list, "<html/>").expect("it is written");
    let (status, told) = command(&file, &options);
    assert!(status == Some(2) && told.contains("es.xml: it is no trusted list of ETSI TS 119 612"), "{told}");
}

#[test]
fn a_root_of_the_command_is_no_word_for_a_time_stamp_by_a_certificate_for_other_purposes() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("documents/fixtures");
    let root = fixtures.join("root.pem");
    let (status, told) = command(&fixtures.join("others-time-stamp.pdf"), &["--json", "--root", root.to_str().expect("UTF-8")]);
    let told: Value = serde_json::from_str(&told).expect("JSON");
    let signatures = told["report"]["signatures"].as_array().expect("signatures");
    assert_eq!((status, signatures.len()), (Some(0), 2), "{told}");
    assert_eq!(signatures[0]["trust"], json!({"status": "trusted", "root": "Rubrica test root"}));
    assert_eq!((&signatures[1]["trust"]["status"], &signatures[0]["proven_time"]), (&json!("extended_key_usage"), &Value::Null));
    assert_eq!(told["roots"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(told["roots"][0]["from"], "root.pem");
}
