//! Biometric signatures: documents signed by hand, in front of an agent, over HTTP.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use biometric::{Capture, Record, synthetic};
use chrono::Utc;
use documents::{
    escrow::{self, Kind, Pair},
    fixtures,
    handwriting::found,
    pkcs12::Identity,
    verify,
};
use serde_json::{Value, json};

use crate::{
    NOBODY, address, contract, contracts,
    journey::evidence,
    pdf, shared,
    support::{Answer, Device, Form, Journey, Keeps, Options, Server, SignerView},
};

/// A picture with ink.
fn picture() -> String {
    STANDARD.encode(crate::fills::png())
}

/// Somebody's signature; another one for each seed.
fn hand(seed: u64) -> Capture {
    synthetic::Hand { seed, ..Default::default() }.signature()
}

/// A seed that no other test, run or process has: a handwriting is good once.
pub fn seed() -> u64 {
    u64::from_be_bytes(uuid::Uuid::new_v4().as_bytes()[..8].try_into().expect("eight bytes"))
}

pub fn strokes(seed: u64) -> String {
    hand(seed).to_strokes().to_string()
}

pub fn writing(sample: &str) -> Value {
    json!({"biometric_data": sample, "signature_image": picture()})
}

/// An organization of its own, and the keys that open what is signed there.
pub struct Shop {
    pub journey: Journey,
    notary: Pair,
}

impl Shop {
    pub fn new(server: &Server) -> Self {
        Self::with(server, &json!({}))
    }

    /// With further settings of signatures by hand.
    fn with(server: &Server, settings: &Value) -> Self {
        let name = format!("shop-{}", uuid::Uuid::new_v4().simple());
        let journey = Journey::of(server.client_with(&server.token(&name, &[])), &name);
        let notary = escrow::new_pair("Notary", "Tests", Kind::P256, Utc::now()).expect("a pair of keys");
        let mut policy = settings.clone();
        policy["escrow_certificates"] = json!([notary.certificate_pem]);
        journey
            .client
            .post(&journey.path("sign_process/configurations"))
            .form(configuration().part("biometric_policy", policy.to_string()))
            .send()
            .expect(204);
        Self { journey, notary }
    }

    /// The body of a creation with a signer whom an agent identifies, in the document's field.
    fn creation(&self, document: &str) -> Value {
        let mut signer = Journey::signer("buyer", &address());
        signer["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
        let document = json!({"id": document, "sign_fields": [{"signer": "buyer", "fields": ["BUYER"]}]});
        json!({"signers": [signer], "sign": {"type": "BIOMETRIC", "documents": [document]}, "identification": {"type": "AGENT"}})
    }

    /// A process over a document, and its signer.
    fn process(&self) -> (String, SignerView) {
        let document = self.journey.upload("contract.pdf", &fixtures::contract(&["BUYER"]));
        let process = self.journey.create(&self.creation(&document));
        let signer = self.journey.signers(&process).remove(0);
        (process, signer)
    }

    /// The same, where an agent has vouched for the signer.
    pub fn identified(&self) -> (String, SignerView) {
        let (process, signer) = self.process();
        self.vouch(&signer).expect(204);
        (process, signer)
    }

    /// A process over a document for whose signer an agent has vouched with a picture.
    pub fn pictured(&self, evidence: &str) -> (String, SignerView) {
        let (process, signer) = self.process();
        vouch(&self.journey, &signer, &json!({"agent": "shop-7/eva", "evidence": evidence})).expect(204);
        (process, signer)
    }

    fn vouch(&self, signer: &SignerView) -> Answer {
        vouch(&self.journey, signer, &json!({"agent": "shop-7/eva"}))
    }

    pub fn read(&self, sign: &str) -> Answer {
        self.journey.client.get(&self.journey.path(&format!("biometric_signs/{sign}"))).send()
    }

    pub fn preview(&self, sign: &str) -> Answer {
        let path = self.journey.path(&format!("biometric_signs/{sign}/preview"));
        self.journey.client.post(&path).headers(Device::HEADERS).send()
    }

    pub fn sign(&self, sign: &str, body: &Value) -> Answer {
        sign_by_hand(&self.journey, sign, body)
    }

    /// What the holder of the escrow key finds in a signed document.
    fn opened(&self, sealed: &[u8]) -> Record {
        let envelopes = found(sealed).expect("a PDF");
        assert_eq!(envelopes.len(), 1, "one signature by hand");
        let (certificate, key) = (self.notary.certificate_pem.as_bytes(), self.notary.private_key_pem.as_bytes());
        let clear = escrow::open(&envelopes[0].envelope, certificate, key).expect("the holder's key opens it");
        Record::from_json(&clear).expect("a record")
    }
}

fn configuration() -> Form {
    let certificate = Identity::development("Shop", "Tests", Utc::now(), "password").expect("an identity");
    Form::new()
        .part("landing_url", "sign.example.org")
        .part("expiration_duration", "P7D")
        .part("channels", "EMAIL")
        .part("content", certificate)
        .part("sign_certificate_password", "password")
        .part("notification_email", "ana@example.org")
}

fn vouch(journey: &Journey, signer: &SignerView, body: &Value) -> Answer {
    let path = journey.path(&format!("identifications/agent/{}/validate", signer.identification));
    journey.client.post(&path).headers(Device::HEADERS).json(body).send()
}

fn sign_by_hand(journey: &Journey, sign: &str, body: &Value) -> Answer {
    let path = journey.path(&format!("biometric_signs/{sign}/sign"));
    journey.client.post(&path).headers(Device::HEADERS).json(body).send()
}

/// The bytes of the only document that a signature signed, once that is sealed.
fn sealed(shop: &Shop, sign: &str) -> Vec<u8> {
    let shown = shop.read(sign).expect(200).json();
    let url = shown["signed_documents"][0]["url"].as_str().expect("a signed document").to_owned();
    let path = url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).expect("a path");
    shop.journey.client.get(&path).send().expect(200).body
}

#[test]
fn a_document_is_signed_by_hand_in_front_of_an_agent_and_only_the_holder_of_the_key_reads_the_sample() {
    // given a process whose signer an agent vouched for
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let original = fixtures::contract(&["BUYER"]);
    let document = shop.journey.upload("contract.pdf", &original);
    let process = shop.journey.create(&shop.creation(&document));
    assert_eq!(shop.journey.process(&process)["sign_type"], "BIOMETRIC");
    let signer = shop.journey.signers(&process).remove(0);
    let shown = shop.read(&signer.sign).expect(200).json();
    assert_eq!((&shown["status"], &shown["identification"]["type"]), (&json!("CREATED"), &json!("AGENT")));
    assert_eq!(shown["signable_documents"][0]["name"], "contract.pdf");
    shop.preview(&signer.sign).expect(204);
    shop.vouch(&signer).expect(204);
    // when they sign on a tablet
    let sample = strokes(seed());
    shop.sign(&signer.sign, &writing(&sample)).expect(204);
    let done = shop.journey.until(&process, "CERTIFIED");
    // then the document shows it, is intact, and holds what the notary alone opens, bound to what the signer saw
    let pdf = sealed(&shop, &signer.sign);
    assert!(pdf.starts_with(&original));
    let report = verify::verify(&pdf, &verify::Trust::default(), Utc::now()).expect("a PDF");
    assert!(report.all_intact(), "{report}");
    let record = shop.opened(&pdf);
    assert_eq!((&record.process_id, &record.sign_id, record.signer.as_str()), (&process, &signer.sign, "buyer"));
    let hash = store::blobs::Digest::of(&original).to_string();
    let seen: Vec<_> = record.documents.iter().map(|document| (document.id.as_str(), document.sha256.as_str())).collect();
    assert_eq!(seen, [(document.as_str(), hash.as_str())]);
    let shown = *store::blobs::Digest::of(&original).as_bytes();
    assert!(found(&pdf).expect("a PDF")[0].was_shown(&pdf, &shown), "the file itself holds what was shown");
    assert_eq!(record.sample.bytes().expect("the sample").as_slice(), sample.as_bytes());
    assert_eq!(record.device.installation_id.as_deref(), Some("installation-1"));
    // and the evidence says what was signed with, and by whom it can be read
    let evidence = evidence(&shop.journey.download(done["certificate_id"].as_str().expect("a certificate")));
    assert_eq!(evidence.process.sign_type, "BIOMETRIC");
    let told = evidence.signers[0].handwriting.clone().expect("a handwriting");
    assert_eq!((told.format.as_str(), told.pointer.as_deref()), ("rubrica-strokes-1", Some("pen")));
    assert_eq!(
        (told.sample.size, told.sample.sha256),
        (sample.len() as u64, store::blobs::Digest::of(sample.as_bytes()).to_string())
    );
    assert_eq!(told.image.expect("the picture").sha256, store::blobs::Digest::of(&crate::fills::png()).to_string());
    let envelope = &found(&pdf).expect("a PDF")[0].envelope;
    assert_eq!(told.envelope.sha256, store::blobs::Digest::of(envelope).to_string());
    assert!(told.holders.len() == 1 && told.holders[0].subject.contains("Notary") && !told.holders[0].expired);
    assert!(told.figures.iter().any(|figure| figure.name == "duration" && figure.unit.as_deref() == Some("s")));
    assert!(told.overridden.is_empty() && told.overridden_by.is_none());
}

#[test]
fn several_sign_by_hand_in_one_document_and_each_envelope_is_found_in_each_document() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let one = shop.journey.upload("contract.pdf", &fixtures::contract(&["BUYER", "SELLER"]));
    let other = shop.journey.upload("annex.pdf", &pdf());
    let mut body = shop.creation(&one);
    let mut seller = body["signers"][0].clone();
    seller["alias"] = json!("seller");
    body["signers"] = json!([body["signers"][0], seller]);
    let fields = json!([{"signer": "buyer", "fields": ["BUYER"]}, {"signer": "seller", "fields": ["SELLER"]}]);
    body["sign"]["documents"] = json!([{"id": one, "sign_fields": fields}, {"id": other}]);
    let process = shop.journey.create(&body);
    let signers = shop.journey.signers(&process);
    for signer in &signers {
        shop.vouch(signer).expect(204);
        shop.sign(&signer.sign, &writing(&strokes(seed()))).expect(204);
    }
    shop.journey.until(&process, "CERTIFIED");
    let shown = shop.read(&signers[0].sign).expect(200).json();
    let mut aliases = Vec::new();
    for document in shown["signed_documents"].as_array().expect("documents") {
        let url = document["url"].as_str().expect("a link");
        let path = url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).expect("a path");
        let pdf = shop.journey.client.get(&path).send().expect(200).body;
        let report = verify::verify(&pdf, &verify::Trust::default(), Utc::now()).expect("a PDF");
        assert!(report.all_intact(), "{report}");
        let (certificate, key) = (shop.notary.certificate_pem.as_bytes(), shop.notary.private_key_pem.as_bytes());
        for envelope in found(&pdf).expect("a PDF") {
            let clear = escrow::open(&envelope.envelope, certificate, key).expect("the key opens it");
            let record = Record::from_json(&clear).expect("a record");
            assert_eq!(record.documents.len(), 2, "one act signs both");
            aliases.push(record.signer);
        }
    }
    aliases.sort();
    assert_eq!(aliases, ["buyer", "buyer", "seller", "seller"]);
}

#[test]
fn a_signature_has_the_operations_of_its_kind_alone() {
    let (server, journey) = shared();
    let shop = Shop::new(&server);
    let (_, signer) = shop.identified();
    let simple = shop.journey.path(&format!("simple_signs/{}", signer.sign));
    let refused = shop.journey.client.get(&simple).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    assert!(refused.details().contains("biometric_signs"), "{refused}");
    shop.journey.preview(&signer.sign).expect_problem(404, "RESOURCE_NOT_FOUND");
    shop.journey.sign(&signer.sign).expect_problem(404, "RESOURCE_NOT_FOUND");
    // and the other way round
    let document = journey.upload("contract.pdf", &pdf());
    let process = journey.create(&Journey::creation(&[Journey::signer("buyer", &address())], &[&document]));
    let simple = journey.signers(&process).remove(0);
    let here = Shop { journey: journey.clone(), notary: shop.notary };
    assert!(here.read(&simple.sign).expect_problem(404, "RESOURCE_NOT_FOUND").details().contains("simple_signs"));
    here.preview(&simple.sign).expect_problem(404, "RESOURCE_NOT_FOUND");
    here.sign(&simple.sign, &writing(&strokes(seed()))).expect_problem(404, "RESOURCE_NOT_FOUND");
    here.read(NOBODY).expect_problem(404, "RESOURCE_NOT_FOUND");
    here.sign(NOBODY, &writing(&strokes(seed()))).expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn who_signs_by_hand_is_identified_before_and_signs_once() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let (process, signer) = shop.process();
    let sample = strokes(seed());
    let refused = shop.sign(&signer.sign, &writing(&sample)).expect_problem(409, "CONFLICT");
    assert!(refused.details().contains("VALIDATED"), "{refused}");
    shop.vouch(&signer).expect(204);
    shop.sign(&signer.sign, &writing(&sample)).expect(204);
    shop.sign(&signer.sign, &writing(&sample)).expect_problem(409, "CONFLICT");
    shop.sign(&signer.sign, &writing(&strokes(seed()))).expect_problem(409, "CONFLICT");
    shop.preview(&signer.sign).expect_problem(409, "CONFLICT");
    shop.journey.until(&process, "CERTIFIED");
}

#[test]
fn a_handwriting_that_is_too_poor_is_refused_with_its_figure_and_an_agent_may_accept_it() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let (process, signer) = shop.identified();
    for (capture, figure) in [(synthetic::dot(), "points"), (synthetic::line(), "spread")] {
        let refused = shop.sign(&signer.sign, &writing(&capture.to_strokes())).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().contains(&format!("biometric_data: {figure}: ")), "{figure}: {refused}");
    }
    let refused = shop.sign(&signer.sign, &writing(&synthetic::too_long())).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().contains("duration"), "{refused}");
    assert_eq!(shop.read(&signer.sign).expect(200).json()["status"], "CREATED");
    let mut accepted = writing(&synthetic::line().to_strokes());
    accepted["accepted_by"] = json!(" ");
    assert!(shop.sign(&signer.sign, &accepted).expect_problem(400, "INVALID_INPUT").details().contains("accepted_by"));
    accepted["accepted_by"] = json!("shop-7/eva");
    shop.sign(&signer.sign, &accepted).expect(204);
    let done = shop.journey.until(&process, "CERTIFIED");
    let evidence = evidence(&shop.journey.download(done["certificate_id"].as_str().expect("a certificate")));
    let told = evidence.signers[0].handwriting.clone().expect("a handwriting");
    assert_eq!(told.overridden_by.as_deref(), Some("shop-7/eva"));
    assert!(told.overridden.iter().any(|figure| figure == "spread"), "{:?}", told.overridden);
}

#[test]
fn a_good_handwriting_needs_no_agents_word_and_none_is_recorded() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let (process, signer) = shop.identified();
    let mut body = writing(&strokes(seed()));
    body["accepted_by"] = json!("shop-7/eva");
    shop.sign(&signer.sign, &body).expect(204);
    let done = shop.journey.until(&process, "CERTIFIED");
    let evidence = evidence(&shop.journey.download(done["certificate_id"].as_str().expect("a certificate")));
    assert_eq!(evidence.signers[0].handwriting.clone().expect("a handwriting").overridden_by, None);
}

#[test]
fn the_same_handwriting_is_good_for_one_signature_of_an_organization() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let (first, second) = (shop.identified(), shop.identified());
    let seed = seed();
    shop.sign(&first.1.sign, &writing(&strokes(seed))).expect(204);
    let refused = shop.sign(&second.1.sign, &writing(&strokes(seed))).expect_problem(409, "CONFLICT");
    assert!(refused.details().contains("biometric_data"), "{refused}");
    let as_pad = hand(seed).to_signature_pad(1_700_000_000_000);
    let other_format = shop.sign(&second.1.sign, &writing(&as_pad));
    assert!([204, 409].contains(&other_format.status), "as other formats round it, it may be the same or not: {other_format}");
    if other_format.status == 409 {
        shop.sign(&second.1.sign, &writing(&strokes(self::seed()))).expect(204);
    }
    // another organization knows nothing of it
    let elsewhere = Shop::new(&server);
    let (_, signer) = elsewhere.identified();
    elsewhere.sign(&signer.sign, &writing(&strokes(seed))).expect(204);
}

#[test]
fn every_format_is_taken_and_kept_as_it_was_sent() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let iso = STANDARD.encode(hand(seed()).to_iso());
    let (certificate, random) = (shop.notary.certificate_pem.as_bytes(), seed());
    let recipients = [escrow::Recipient::read(certificate).expect("a certificate")];
    let cms = escrow::seal(&random.to_be_bytes().repeat(40), &recipients, Default::default()).expect("an envelope");
    for (format, sample) in [
        ("signature-pad", hand(seed()).to_signature_pad(1_700_000_000_000).to_string()),
        ("iso-19794-7-2007", iso.to_string()),
        ("cms", STANDARD.encode(cms)),
        ("unknown", format!("a tenant's own {random}")),
    ] {
        let (process, signer) = shop.identified();
        shop.sign(&signer.sign, &writing(&sample)).expect(204);
        shop.journey.until(&process, "CERTIFIED");
        let record = shop.opened(&sealed(&shop, &signer.sign));
        assert_eq!(record.sample.format, format);
        assert_eq!(record.sample.bytes().expect("the sample").as_slice(), sample.as_bytes(), "{format}");
        assert_eq!(record.figures.is_some(), !["cms", "unknown"].contains(&format), "{format}");
    }
}

#[test]
fn an_organization_may_refuse_what_it_does_not_know_and_set_its_own_thresholds() {
    let (server, _) = shared();
    let shop = Shop::with(&server, &json!({"strict": true, "gate": {"points_min": 1000}}));
    let (_, signer) = shop.identified();
    let refused = shop.sign(&signer.sign, &writing("a tenant's own")).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().contains("format"), "{refused}");
    let refused = shop.sign(&signer.sign, &writing(&strokes(seed()))).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().contains("biometric_data: points: "), "{refused}");
}

#[test]
fn a_request_that_is_wrong_is_refused_with_the_member_that_is_and_changes_nothing() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let (_, signer) = shop.identified();
    let sample = strokes(seed());
    let with = |member: &str, value: Value| {
        let mut body = writing(&sample);
        body[member] = value;
        body
    };
    let svg = STANDARD.encode(b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>");
    for (named, body) in [
        ("biometric_data", with("biometric_data", Value::Null)),
        ("biometric_data", with("biometric_data", json!(""))),
        ("biometric_data", with("biometric_data", json!(7))),
        ("biometric_data", with("biometric_data", json!("x".repeat(300 * 1024 + 1)))),
        ("biometric_data", with("biometric_data", json!("{\"format\":\"rubrica-strokes-1\",\"strokes\":[[[0,0]]]}"))),
        ("biometric_data", with("biometric_data", json!("U0RJACB"))),
        ("signature_image", with("signature_image", Value::Null)),
        ("signature_image", with("signature_image", json!(""))),
        ("signature_image", with("signature_image", json!("no base64!"))),
        ("signature_image", with("signature_image", json!(svg))),
        ("signature_image", with("signature_image", json!(format!("data:image/svg+xml;base64,{svg}")))),
        ("signature_image", with("signature_image", json!("A".repeat(500 * 1024 + 4)))),
        ("signature_image", with("signature_image", json!(STANDARD.encode(b"\x89PNG\r\n\x1a\n cut")))),
    ] {
        let refused = shop.sign(&signer.sign, &body).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().contains(named), "{named}: {refused}");
    }
    let both = json!({"biometric_data": "x".repeat(300 * 1024 + 1), "signature_image": "A".repeat(500 * 1024 + 4)});
    let refused = shop.sign(&signer.sign, &both).expect_problem(400, "INVALID_INPUT");
    assert_eq!(refused.json()["errors"].as_array().map(Vec::len), Some(2));
    shop.sign(&signer.sign, &with("biometric_data", json!("x".repeat(1 << 20)))).expect_problem(413, "INVALID_INPUT");
    let path = shop.journey.path(&format!("biometric_signs/{}/sign", signer.sign));
    let refused = shop.journey.client.post(&path).json(&writing(&sample)).send().expect_problem(400, "PARAMETER_ERROR");
    assert!(refused.details().contains("x-installation_id"), "{refused}");
    assert_eq!(shop.read(&signer.sign).expect(200).json()["status"], "CREATED");
    // a picture as browsers make it, and the sample is still good
    let url = format!("data:image/png;base64,{}", picture());
    shop.sign(&signer.sign, &with("signature_image", json!(url))).expect(204);
}

#[test]
fn without_an_escrow_certificate_no_process_by_hand_comes_to_be() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let path = shop.journey.path("sign_process/configurations");
    let (_, signer) = shop.identified();
    shop.journey.client.patch(&path).form(Form::new().part("biometric_policy", "{}")).send().expect(204);
    let document = shop.journey.upload("contract.pdf", &fixtures::contract(&["BUYER"]));
    let create = shop.journey.client.post(&shop.journey.path("sign_process")).json(&shop.creation(&document)).send();
    let refused = create.expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("sign.type: BIOMETRIC needs an escrow certificate"), "{refused}");
    // and one that is there already waits for it
    let sample = strokes(seed());
    let refused = shop.sign(&signer.sign, &writing(&sample)).expect_problem(409, "CONFLICT");
    assert!(refused.details().contains("escrow"), "{refused}");
    let policy = json!({"escrow_certificates": [shop.notary.certificate_pem]}).to_string();
    shop.journey.client.patch(&path).form(Form::new().part("biometric_policy", policy)).send().expect(204);
    shop.sign(&signer.sign, &writing(&sample)).expect(204);
    let read = shop.journey.client.get(&path).send().expect(200).json();
    assert_eq!(read["biometric_policy"]["escrow_certificates"][0], json!(shop.notary.certificate_pem));
    let wrong = Form::new().part("biometric_policy", r#"{"escrow_certificates": ["no certificate"]}"#);
    let refused = shop.journey.client.patch(&path).form(wrong).send().expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().contains("escrow_certificates[0]"), "{refused}");
}

#[test]
fn a_signer_with_a_code_signs_by_hand_with_the_token_of_that_signature() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let (email, document) = (address(), shop.journey.upload("contract.pdf", &fixtures::contract(&["BUYER"])));
    let mut body = shop.creation(&document);
    body["identification"]["type"] = json!("OTP");
    body["signers"][0]["email"] = json!(email);
    let process = shop.journey.create(&body);
    let signer = shop.journey.signers(&process).remove(0);
    let token = shop.journey.identify(&signer.identification, &email);
    let own = Shop { journey: shop.journey.with_token(&token), ..shop };
    let mut accepted = writing(&strokes(seed()));
    accepted["accepted_by"] = json!("myself");
    let refused = own.sign(&signer.sign, &accepted).expect_problem(403, "UNAUTHORIZED");
    assert!(refused.details().contains("accepted_by"), "{refused}");
    own.preview(&signer.sign).expect(204);
    own.sign(&signer.sign, &writing(&strokes(seed()))).expect(204);
    assert_eq!(own.read(&signer.sign).expect(200).json()["signer"]["alias"], "buyer");
}

#[test]
fn contracts_are_signed_onsite_by_hand_and_with_a_picture_of_the_document_where_it_is_asked_for() {
    let (server, _) = shared();
    let shop = Shop::new(&server);
    let (contract, _) = contracts::filled(&shop.journey, "ana");
    let mut body = contracts::signing(&[&contract], &address());
    body["sign_type"] = json!("ONSITE");
    let refused = contracts::sign(&shop.journey, &body).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().contains("signers[0].identity_document"), "{refused}");
    body["signers"][0]["identity_document"] = json!({"document_number": "12345678Z", "document_type": "NIF"});
    body["signers"][0]["identification_options"] = json!({"personal_document_evidence": true});
    let process = contracts::sign(&shop.journey, &body).expect(201).text("sign_process_id");
    let shown = shop.journey.process(&process);
    assert_eq!(shown["sign_type"], "BIOMETRIC");
    assert_eq!(shown["signatures"][0]["identification"]["type"], "AGENT");
    let signer = shop.journey.signers(&process).remove(0);
    let refused = shop.vouch(&signer).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("evidence: "), "{refused}");
    vouch(&shop.journey, &signer, &json!({"agent": "shop-7/eva", "evidence": picture()})).expect(204);
    shop.sign(&signer.sign, &writing(&strokes(seed()))).expect(204);
    shop.journey.until(&process, "CERTIFIED");
    let now = shop.journey.client.get(&shop.journey.path(&format!("contracts/{contract}"))).send().expect(200).json();
    assert!(now["signed_document_id"].is_string(), "{now}");
    assert_eq!(shop.opened(&sealed(&shop, &signer.sign)).signer, "buyer");
}

/// What was kept for the seals survives the server, and the one that starts next seals with it.
#[test]
fn a_server_killed_between_the_signature_and_the_seal_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { observer: Some(contract::check), ..Options::on(folder.path()) };
    let server = Server::start_with(options.clone());
    let shop = Shop::new(&server);
    let (process, signer) = shop.identified();
    let sample = strokes(seed());
    shop.sign(&signer.sign, &writing(&sample)).expect(204);
    server.kill();
    let server = Server::start_with(options);
    let shop = Shop { journey: shop.journey.moved(&server), ..shop };
    // Over the lease of what the killed one had begun.
    server.advance("PT31S");
    shop.sign(&signer.sign, &writing(&sample)).expect_problem(409, "CONFLICT");
    shop.journey.until(&process, "CERTIFIED");
    let record = shop.opened(&sealed(&shop, &signer.sign));
    assert_eq!(record.sample.bytes().expect("the sample").as_slice(), sample.as_bytes());
}

/// Whatever the server writes down: journals, records, files, the log.
#[test]
fn a_sample_is_written_down_nowhere_in_clear() {
    // All that it writes is in its folder then.
    let options = Options { keeps: Keeps::AsConfigured, observer: Some(contract::check), ..Options::default() };
    let server = Server::start_with(options);
    let shop = Shop::new(&server);
    let (process, signer) = shop.identified();
    let (poor, good) = (synthetic::line().to_strokes(), strokes(seed()));
    shop.sign(&signer.sign, &writing(&poor)).expect_problem(400, "INVALID_INPUT");
    shop.sign(&signer.sign, &writing(&good)).expect(204);
    shop.journey.until(&process, "CERTIFIED");
    let files = files_below(server.data());
    assert!(files.len() > 3, "the store and its files");
    let parts = |sample: &str| {
        let points: String = sample.split("\"strokes\":").nth(1).expect("strokes").chars().skip(3).take(60).collect();
        let base64 = STANDARD.encode(&sample.as_bytes()[30..90]);
        [points, base64]
    };
    for part in parts(&poor).into_iter().chain(parts(&good)) {
        for (path, bytes) in &files {
            let is_there = bytes.windows(part.len()).any(|window| window == part.as_bytes());
            assert!(!is_there, "{} holds a part of a sample", path.display());
        }
        assert!(!server.log().contains(&part), "the log holds a part of a sample");
    }
    assert!(!server.log().contains("rubrica-strokes"));
}

fn files_below(folder: &std::path::Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                found.push((path, bytes));
            }
        }
    }
    found
}
