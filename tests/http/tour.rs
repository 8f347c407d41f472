//! One walk through all operations of the contract: each answers well, and each refuses.

use std::collections::BTreeMap;

use documents::pkcs12::Identity;
use serde_json::{Value, json};

use crate::{
    NOBODY, address, biometric, contract, contracts, dynamic_templates, own, pdf, scoring, shared,
    support::{Answer, Device, Form, Journey, Server},
};

/// Successes and refusals by operation.
#[derive(Default)]
struct Seen(BTreeMap<&'static str, (u32, u32)>);

impl Seen {
    #[track_caller]
    fn good(&mut self, answer: Answer) -> Answer {
        assert!((200..300).contains(&answer.status), "{answer}");
        self.0.entry(contract::operation(&answer).expect("an operation")).or_default().0 += 1;
        answer
    }

    #[track_caller]
    fn bad(&mut self, answer: Answer, status: u16, title: &str) {
        let answer = answer.expect_problem(status, title);
        self.0.entry(contract::operation(&answer).expect("an operation")).or_default().1 += 1;
    }
}

#[test]
fn every_operation_answers_well_and_refuses_well() {
    let (server, journey) = shared();
    let (client, seen) = (&journey.client, &mut Seen::default());
    let path = |rest: &str| journey.path(rest);
    // documents
    let form = |name: &str| Form::new().part("name", name).part("extension", "pdf").part("content", pdf());
    let upload = |name: &str| client.post(&path("documents")).header("x-auth-owner", "ana").form(form(name)).send();
    let owned = seen.good(upload("a.pdf")).text("documentId");
    seen.bad(upload("a b"), 400, "INVALID_INPUT");
    for (id, good) in [(owned.as_str(), true), (NOBODY, false)] {
        let at = |rest: &str| path(&format!("documents/{id}{rest}"));
        let mut note = |answer: Answer| if good { drop(seen.good(answer)) } else { seen.bad(answer, 404, "RESOURCE_NOT_FOUND") };
        let by_ana = |call: crate::support::Call<'_>| call.header("x-auth-owner", "ana").send();
        note(by_ana(client.get(&at(""))));
        note(by_ana(client.get(&at("/metadata"))));
        note(by_ana(client.post(&at("/public_url")).json(&json!({}))));
        note(by_ana(client.put(&at("/owner")).json(&json!({"newOwner": "Ana"}))));
        note(by_ana(client.delete(&at(""))));
        note(by_ana(client.delete(&at("/physical"))));
    }
    // the sign configuration, of an organization of its own
    let organization = format!("tour-{}", uuid::Uuid::new_v4().simple());
    let other = Journey::of(server.client_with(&server.token(&organization, &[])), &organization);
    let configuration = other.path("sign_process/configurations");
    seen.bad(other.client.get(&configuration).send(), 404, "RESOURCE_NOT_FOUND");
    seen.bad(other.client.patch(&configuration).form(Form::new().part("landing_url", "x")).send(), 404, "RESOURCE_NOT_FOUND");
    seen.bad(other.client.post(&configuration).form(Form::new().part("landing_url", "x")).send(), 400, "INVALID_INPUT");
    let certificate = Identity::development("Tour", "Tour", chrono::Utc::now(), "password").unwrap();
    let whole = Form::new()
        .part("landing_url", "sign.example.org")
        .part("expiration_duration", "P7D")
        .part("channels", "EMAIL")
        .part("content", certificate)
        .part("sign_certificate_password", "password")
        .part("notification_email", "ana@example.org");
    seen.good(other.client.post(&configuration).form(whole).send());
    seen.good(other.client.patch(&configuration).form(Form::new().part("landing_url", "y")).send());
    seen.good(other.client.get(&configuration).send());
    // a sign process to its end, on a document of that organization
    let journey = other;
    let client = &journey.client;
    let path = |rest: &str| journey.path(rest);
    let email = address();
    let document = journey.upload("contract.pdf", &pdf());
    let creation = Journey::creation(&[Journey::signer("buyer", &email)], &[&document]);
    let create = |body: &Value| client.post(&path("sign_process")).json(body).send();
    let process = seen.good(create(&creation)).text("id");
    let cancelled = seen.good(create(&creation)).text("id");
    seen.bad(create(&json!({})), 400, "INVALID_INPUT");
    let cancel = |id: &str| client.post(&path(&format!("sign_process/{id}/cancel"))).json(&json!({"reason": "x"})).send();
    seen.good(cancel(&cancelled));
    seen.bad(cancel(&cancelled), 409, "CONFLICT");
    seen.good(client.get(&path(&format!("sign_process/{process}"))).send());
    seen.bad(client.get(&path(&format!("sign_process/{NOBODY}"))).send(), 404, "RESOURCE_NOT_FOUND");
    let securize = |id: &str| client.post(&path("securize")).json(&json!({"sign_process_id": id})).send();
    seen.good(securize(&process));
    seen.bad(securize(NOBODY), 404, "RESOURCE_NOT_FOUND");
    let signer = journey.signers(&process).remove(0);
    let already = journey.codes(&email).len();
    seen.good(journey.challenge(&signer.identification, &json!({})));
    seen.bad(journey.challenge(&signer.identification, &json!({})), 412, "CONFLICT");
    let code = journey.new_code(&email, already);
    seen.bad(journey.validate(&signer.identification, &json!({})), 400, "INVALID_INPUT");
    seen.good(journey.validate(&signer.identification, &json!({ "code": code })));
    seen.good(journey.preview(&signer.sign));
    seen.bad(journey.preview(NOBODY), 404, "RESOURCE_NOT_FOUND");
    seen.good(journey.sign(&signer.sign));
    seen.bad(journey.sign(&signer.sign), 409, "CONFLICT");
    seen.good(client.get(&path(&format!("simple_signs/{}", signer.sign))).send());
    seen.bad(client.get(&path(&format!("simple_signs/{NOBODY}"))).headers(Device::HEADERS).send(), 404, "RESOURCE_NOT_FOUND");
    // identifications by themselves
    let otp = |rest: &str| path(&format!("identifications/otp{rest}"));
    let request = json!({"actor": {"email": email}, "expires_in": "PT1H", "channel": {"type": "EMAIL"}});
    let id = seen.good(client.post(&otp("")).json(&request).send()).text("id");
    seen.bad(client.post(&otp("")).json(&json!({})).send(), 400, "INVALID_INPUT");
    seen.good(client.get(&otp(&format!("/{id}"))).send());
    seen.bad(client.get(&otp(&format!("/{NOBODY}"))).send(), 404, "RESOURCE_NOT_FOUND");
    let checked = |reason: &str| client.post(&otp(&format!("/{id}/contact_check"))).json(&json!({ "reason": reason })).send();
    seen.good(checked("called back"));
    seen.bad(checked(" "), 400, "INVALID_INPUT");
    let close = otp(&format!("/{id}/close"));
    seen.bad(client.post(&close).send(), 409, "CONFLICT");
    journey.identify(&id, &email);
    seen.good(client.post(&close).send());
    let cancel = |id: &str| client.post(&otp(&format!("/{id}/cancel"))).json(&json!({"reason": "x"})).send();
    seen.bad(cancel(&id), 409, "CONFLICT");
    seen.bad(client.delete(&otp(&format!("/{id}"))).send(), 403, "UNAUTHORIZED");
    seen.good(client.delete(&otp(&format!("/{id}?force=true"))).send());
    let id = client.post(&otp("")).json(&request).send().expect(201).text("id");
    seen.good(cancel(&id));
    let agent = |rest: &str| path(&format!("identifications/agent{rest}"));
    let document = json!({"document_number": "12345678Z", "document_type": "NIF"});
    let request = json!({"actor": {"identity_document": document}, "expires_in": "PT1H"});
    let id = seen.good(client.post(&agent("")).json(&request).send()).text("id");
    seen.bad(client.post(&agent("")).json(&json!({})).send(), 400, "INVALID_INPUT");
    let validate = || {
        let call = client.post(&agent(&format!("/{id}/validate"))).headers(Device::HEADERS);
        call.json(&json!({"agent": "eva"})).send()
    };
    seen.good(validate());
    seen.bad(validate(), 409, "CONFLICT");
    seen.good(client.get(&agent(&format!("/{id}"))).send());
    seen.bad(client.get(&agent(&format!("/{NOBODY}"))).send(), 404, "RESOURCE_NOT_FOUND");
    seen.good(client.post(&agent(&format!("/{id}/close"))).send());
    seen.bad(client.post(&agent(&format!("/{id}/close"))).send(), 409, "CONFLICT");
    let cancel = |id: &str| client.post(&agent(&format!("/{id}/cancel"))).json(&json!({"reason": "x"})).send();
    seen.bad(cancel(&id), 409, "CONFLICT");
    seen.bad(client.delete(&agent(&format!("/{id}"))).send(), 403, "UNAUTHORIZED");
    seen.good(client.delete(&agent(&format!("/{id}?force=true"))).send());
    let id = client.post(&agent("")).json(&request).send().expect(201).text("id");
    seen.good(cancel(&id));
    // chains
    let chain = |rest: &str| path(&format!("identifications/chain{rest}"));
    let named = |call: crate::support::Call<'_>| call.header("user-agent", "a tour").send();
    let request = json!({
        "actor": {"email": email}, "expires_in": "PT1H",
        "sequence": [{"identification_type": "OTP", "otp_step": {"channel": {"type": "EMAIL"}}}],
    });
    let id = seen.good(named(client.post(&chain("")).json(&request))).text("id");
    seen.bad(named(client.post(&chain("")).json(&json!({}))), 400, "INVALID_INPUT");
    let read = seen.good(named(client.get(&chain(&format!("/{id}"))))).json();
    seen.bad(named(client.get(&chain(&format!("/{NOBODY}")))), 404, "RESOURCE_NOT_FOUND");
    let validate = || client.post(&chain(&format!("/{id}/validate"))).headers(Device::HEADERS).send();
    let post = |action: &str| named(client.post(&chain(&format!("/{id}/{action}"))));
    seen.bad(validate(), 409, "CONFLICT");
    seen.bad(post("close"), 409, "CONFLICT");
    journey.identify(read["step_details"][0]["id"].as_str().unwrap(), &email);
    seen.good(validate());
    seen.bad(post("cancel"), 409, "CONFLICT");
    seen.good(post("restart"));
    seen.good(post("cancel"));
    seen.bad(post("restart"), 409, "CONFLICT");
    let id = named(client.post(&chain("")).json(&request)).expect(201).text("id");
    let step = named(client.get(&chain(&format!("/{id}")))).json()["step_details"][0]["id"].as_str().unwrap().to_owned();
    journey.identify(&step, &email);
    client.post(&chain(&format!("/{id}/validate"))).headers(Device::HEADERS).send().expect(204);
    seen.good(named(client.post(&chain(&format!("/{id}/close")))));
    identity_documents(seen);
    by_hand(&server, seen);
    templates(seen);
    dynamic_templates(seen);
    // contracts
    let template = contracts::template(&journey, &[("BUYER", documents::fixtures::Kind::Signature)]);
    let mut request = json!({"template_external_id": template, "template_version": 1, "language": "ES", "fields_values": []});
    let contract = seen.good(contracts::fill(&journey, "ana", &request)).text("contract_id");
    request["template_version"] = json!(0);
    seen.bad(contracts::fill(&journey, "ana", &request), 400, "INVALID_INPUT");
    seen.good(contracts::change_owner(&journey, &contract, "ana", "bea"));
    seen.bad(contracts::change_owner(&journey, &contract, "ana", "bea"), 401, "UNAUTHORIZED");
    let signing = contracts::signing(&[&contract], &email);
    seen.good(contracts::sign(&journey, &signing));
    seen.bad(contracts::sign(&journey, &signing), 409, "CONFLICT");
    seen.good(client.get(&path(&format!("contracts/{contract}"))).send());
    seen.bad(client.get(&path(&format!("contracts/{NOBODY}"))).send(), 404, "RESOURCE_NOT_FOUND");
    consents(&server, seen);
    // then nothing of the contracts was left out
    for operation in contract::rows_of_contract().map(|row| row.id) {
        let (good, bad) = seen.0.get(operation).copied().unwrap_or_default();
        assert!(good > 0 && bad > 0, "{operation}: {good} successes, {bad} refusals");
    }
}

/// The Consents API, of an organization of its own.
fn consents(server: &Server, seen: &mut Seen) {
    let organization = format!("consents-{}", uuid::Uuid::new_v4().simple());
    let client = server.client_with(&server.token(&organization, &[]));
    let at = |rest: &str| format!("/v2/orgs/{organization}/{rest}");
    let segment = |call: crate::support::Call<'_>| call.header("x-segment", "telco").send();
    let get = |rest: &str| segment(client.get(&at(rest)));
    let (not_found, parameter) = ((404, "RESOURCE_NOT_FOUND"), (400, "PARAMETER_ERROR"));
    // definitions
    let details = json!([{"language": "es", "text": "Texto", "description": "", "short_text": "Corto"}]);
    let define = |id: &str| client.post(&at("consents")).json(&json!({"id": id, "type": "OPT_IN", "consent": details})).send();
    seen.good(define("C01"));
    seen.bad(define("c-01"), 409, "CONFLICT");
    seen.good(get("consents?page=0"));
    seen.bad(get("consents?choice_type=ACCEPTANCE"), parameter.0, parameter.1);
    for (id, good) in [("c01", true), ("C02", false)] {
        let change = client.patch(&at(&format!("consents/{id}"))).json(&json!({"consent": details})).send();
        if good { drop(seen.good(change)) } else { seen.bad(change, not_found.0, not_found.1) }
    }
    seen.good(get("consents/C01/history"));
    seen.bad(get("consents/C01/history?page_size=0"), parameter.0, parameter.1);
    // trees; before there is one, there is nothing to read
    seen.bad(get("consents/tree"), not_found.0, not_found.1);
    seen.bad(get("consents/customers"), not_found.0, not_found.1);
    let mut tree = json!({
        "description": "Customers", "default_language": "es", "allowed_languages": ["es"], "consents_order": ["C01"],
        "priority_consent_ids": ["C01"], "views": [], "channels": ["web"], "users_type": "customers",
    });
    let plant = |tree: &Value| segment(client.post(&at("consents/tree")).json(tree));
    seen.good(plant(&tree));
    seen.bad(plant(&tree), 400, "CONFLICT");
    let etag = seen.good(get("consents/tree")).header("etag").to_owned();
    tree["change_log"] = json!("again");
    let replace = || segment(client.put(&at("consents/tree")).header("ETag", &etag).json(&tree));
    seen.good(replace());
    seen.bad(replace(), 400, "CONFLICT");
    seen.good(get("consents/tree/history"));
    seen.bad(client.get(&at("consents/tree/history")).send(), parameter.0, parameter.1);
    seen.good(get("consents/customers"));
    // one customer
    let (customer, consents) = (at("customers/100000000001"), at("customers/100000000001/consents"));
    let read = || segment(client.get(&consents));
    seen.bad(segment(client.get(&customer)), not_found.0, not_found.1);
    seen.bad(segment(client.delete(&consents)), not_found.0, not_found.1);
    let key = seen.good(read().expect(200)).header("x-key").to_owned();
    seen.bad(client.get(&consents).send(), parameter.0, parameter.1);
    let capture = json!({
        "actor_id": "AG000123", "selections": [{"id": "C01", "choice": 0}], "ip": "203.0.113.10", "sell_channel": "eshop",
        "trace_id": "TR-0001", "capture_date": "2024-05-21T17:32:28Z",
    });
    let post = |key: &str| segment(client.post(&consents).header("x-key", key).json(&capture));
    seen.good(post(&key).expect(201));
    seen.bad(post(&"0".repeat(64)).expect_code(401, "MCONS_011"), 401, "UNAUTHORIZED");
    seen.good(read().expect(202));
    seen.good(segment(client.get(&customer)));
    seen.good(segment(client.delete(&consents)));
    // tokens of the web component
    let securize = |body: Value| client.post(&at("securize")).json(&body).send();
    seen.good(securize(json!({"customer_id": "100000000001", "actor_id": "AG000123"})));
    seen.bad(securize(json!({"customer_id": "100000000001"})), 400, "INVALID_INPUT");
}

/// Signatures by hand.
fn by_hand(server: &Server, seen: &mut Seen) {
    let shop = biometric::Shop::new(server);
    let (_, signer) = shop.identified();
    let writing = biometric::writing(&biometric::strokes(biometric::seed()));
    seen.good(shop.read(&signer.sign));
    seen.bad(shop.read(NOBODY), 404, "RESOURCE_NOT_FOUND");
    seen.good(shop.preview(&signer.sign));
    seen.bad(shop.preview(NOBODY), 404, "RESOURCE_NOT_FOUND");
    seen.good(shop.sign(&signer.sign, &writing));
    seen.bad(shop.sign(&signer.sign, &writing), 409, "CONFLICT");
}

/// Forms, sections, templates and their configuration, of an organization of its own.
fn templates(seen: &mut Seen) {
    let (_server, journey) = own(None);
    let client = &journey.client;
    let at = |rest: &str| journey.path(&format!("templates{rest}"));
    let get = |rest: &str| client.get(&at(rest)).send();
    let post = |rest: &str, body: &Value| client.post(&at(rest)).json(body).send();
    let delete = |rest: &str| client.delete(&at(rest)).send();
    // forms
    let upload = |name: &str| {
        let form = documents::fixtures::form_of(&["NAME", "CONFIG_TENANT.CITY"], &[]);
        client
            .post(&at("/forms"))
            .form(Form::new().part("name", name).part("extension", "pdf").file("content", "f.pdf", form))
            .send()
    };
    seen.good(upload("rent"));
    seen.bad(upload("rent"), 409, "CONFLICT");
    seen.good(get("/forms"));
    seen.bad(get("/forms?page=x"), 400, "PARAMETER_ERROR");
    let values = json!({"language": "ES", "fieldsValues": [{"name": "NAME", "value": "Ana"}]});
    for rest in ["", "/metadata"] {
        seen.good(get(&format!("/forms/rent{rest}")));
        seen.bad(get(&format!("/forms/other{rest}")), 404, "RESOURCE_NOT_FOUND");
    }
    for rest in ["", "/preview"] {
        seen.good(post(&format!("/forms/rent/fill{rest}"), &values));
        seen.bad(post(&format!("/forms/other/fill{rest}"), &values), 404, "RESOURCE_NOT_FOUND");
    }
    // sections
    let section = json!({"sectionName": "terms", "forms": [{"language": "ES", "formExternalId": "rent"}]});
    seen.good(post("/sections", &section));
    seen.bad(post("/sections", &section), 409, "CONFLICT");
    seen.good(get("/sections"));
    seen.bad(get("/sections?page=x"), 400, "PARAMETER_ERROR");
    seen.good(get("/sections/terms/metadata"));
    seen.bad(get("/sections/other/metadata"), 404, "RESOURCE_NOT_FOUND");
    // configuration
    let image = |content: Vec<u8>| {
        let form = Form::new().part("name", "logo").part("extension", "png").file("content", "l.png", content);
        client.post(&at("/configurations/documents")).form(form).send()
    };
    seen.good(image(crate::template_configurations::png()));
    seen.bad(image(b"no picture".to_vec()), 400, "INVALID_INPUT");
    seen.good(get("/configurations/documents"));
    seen.bad(get("/configurations/documents?extension=pdf"), 400, "PARAMETER_ERROR");
    let city = json!([{"name": "CONFIG_TENANT.CITY", "type": "TEXT", "value": [{"language": "ES", "content": "Madrid"}]}]);
    let configuration = json!({"defaultLanguage": "ES", "fieldValues": city});
    seen.good(post("/configurations", &configuration));
    seen.bad(post("/configurations", &json!({})), 422, "UNPROCESSABLE_ENTITY");
    seen.good(get("/configurations"));
    seen.bad(get("/configurations?page=x"), 400, "PARAMETER_ERROR");
    seen.good(get("/configurations/latest"));
    seen.bad(get("/configurations/9"), 404, "RESOURCE_NOT_FOUND");
    // templates
    let template = json!({"templateName": "lease", "defaultLanguage": "ES", "orderedSectionNames": ["terms"]});
    seen.good(post("", &template));
    seen.bad(post("", &template), 409, "CONFLICT");
    seen.good(get(""));
    seen.bad(get("?page=x"), 400, "PARAMETER_ERROR");
    let version = json!({"defaultLanguage": "ES", "orderedSectionNames": ["terms"]});
    seen.good(post("/lease/versions", &version));
    seen.bad(post("/other/versions", &version), 404, "RESOURCE_NOT_FOUND");
    let change = |rest: &str| client.patch(&at(rest)).json(&json!({"changelog": "again"})).send();
    seen.good(change("/lease/versions/1"));
    seen.bad(change("/lease/versions/9"), 404, "RESOURCE_NOT_FOUND");
    seen.good(get("/lease/versions/1/metadata"));
    seen.bad(get("/lease/versions/9/metadata"), 404, "RESOURCE_NOT_FOUND");
    seen.good(get("/lease/changelog"));
    seen.bad(get("/other/changelog"), 404, "RESOURCE_NOT_FOUND");
    for rest in ["", "/preview", "/documents"] {
        seen.good(post(&format!("/lease/versions/1/fill{rest}"), &values));
        seen.bad(post(&format!("/lease/versions/9/fill{rest}"), &values), 404, "RESOURCE_NOT_FOUND");
    }
    // what is used stays, and goes from above
    seen.bad(delete("/forms/rent"), 409, "CONFLICT");
    seen.bad(delete("/sections/terms"), 409, "CONFLICT");
    seen.bad(delete("/configurations/1"), 409, "CONFLICT");
    seen.good(delete("/lease/versions/1/minor"));
    seen.bad(delete("/lease/versions/1/minor"), 409, "CONFLICT");
    seen.bad(delete("/lease/versions/1"), 409, "CONFLICT");
    seen.good(delete("/lease/versions/2"));
    seen.good(delete("/lease/versions/1"));
    for rest in ["/configurations/1", "/sections/terms", "/forms/rent"] {
        seen.good(delete(rest));
    }
}

/// Templates in HTML.
fn dynamic_templates(seen: &mut Seen) {
    let (_server, journey) = own(None);
    let client = &journey.client;
    let at = |rest: &str| journey.path(&format!("dynamic_templates{rest}"));
    let get = |rest: &str| client.get(&at(rest)).send();
    let delete = |rest: &str| client.delete(&at(rest)).send();
    let whole = dynamic_templates::metadata("invoice", &["ES"]);
    let create = || client.post(&at("")).form(dynamic_templates::body(&whole, &["ES"])).send();
    seen.good(create());
    seen.bad(create(), 409, "CONFLICT");
    seen.good(get(""));
    seen.bad(get("?page=x"), 400, "PARAMETER_ERROR");
    let major = |name: &str| client.post(&at(&format!("/{name}/versions"))).form(dynamic_templates::body(&whole, &["ES"])).send();
    seen.good(major("invoice"));
    seen.bad(major("other"), 404, "RESOURCE_NOT_FOUND");
    let minor = |version: u32, metadata: &Value| {
        let form = Form::new().part("metadata", metadata.to_string());
        client.patch(&at(&format!("/invoice/versions/{version}"))).form(form).send()
    };
    seen.good(minor(1, &json!({"changelog": "again"})));
    seen.bad(minor(1, &json!({"default_language": "EN"})), 409, "CONFLICT");
    seen.good(get("/invoice/versions/1"));
    seen.bad(get("/invoice/versions/9"), 404, "RESOURCE_NOT_FOUND");
    seen.good(get("/invoice/versions/1/minors/1"));
    seen.bad(get("/invoice/versions/1/minors/2"), 404, "RESOURCE_NOT_FOUND");
    seen.good(get("/invoice/changelog"));
    seen.bad(get("/other/changelog"), 404, "RESOURCE_NOT_FOUND");
    let fill = |values: Value| {
        let body = json!({"language": "ES", "document": {}, "fields_values": values});
        client.post(&at("/invoice/versions/1/fill")).json(&body).send()
    };
    let process = seen.good(fill(json!({"NAME": "Ana"}))).text("fill_process_id");
    seen.bad(fill(json!({})), 400, "INVALID_INPUT");
    let look = |id: &str| client.get(&journey.path(&format!("fill_process/{id}"))).send();
    seen.good(look(&process));
    seen.bad(look(NOBODY), 404, "RESOURCE_NOT_FOUND");
    seen.good(delete("/invoice/versions/1/minor"));
    seen.bad(delete("/invoice/versions/1/minor"), 409, "CONFLICT");
    seen.bad(delete("/invoice/versions/1"), 409, "CONFLICT");
    seen.good(delete("/invoice/versions/2"));
}

/// Those that need an organization with a provider of its own.
fn identity_documents(seen: &mut Seen) {
    let (_server, journey, _provider) = scoring::connected();
    let client = &journey.client;
    let sessions = |rest: &str| scoring::scorings(&journey, rest);
    let id = seen.good(client.post(&sessions("")).json(&scoring::creation()).send()).text("id");
    seen.bad(client.post(&sessions("")).json(&json!({})).send(), 400, "INVALID_INPUT");
    seen.good(scoring::submit(client, &journey, &id, "pass"));
    for rest in ["", "/attempts", "/captures"] {
        seen.good(client.get(&sessions(&format!("/{id}{rest}"))).send());
        seen.bad(client.get(&sessions(&format!("/{NOBODY}{rest}"))).send(), 404, "RESOURCE_NOT_FOUND");
    }
    let delegate = || client.post(&sessions(&format!("/{id}/delegate"))).json(&json!({})).send();
    seen.good(delegate());
    seen.bad(delegate(), 429, "CONFLICT");
    let id = scoring::session(&journey);
    seen.good(client.post(&sessions(&format!("/{id}/close"))).send());
    seen.bad(client.post(&sessions(&format!("/{NOBODY}/close"))).send(), 404, "RESOURCE_NOT_FOUND");
    seen.bad(scoring::submit(client, &journey, &id, "pass"), 409, "CONFLICT");

    let identifications = |rest: &str| scoring::identifications(&journey, rest);
    let create = |body: &Value| client.post(&identifications("")).json(body).send();
    let request = json!({"actor": scoring::actor(), "scoring": {"provider": "EXTERNAL"}});
    let created = seen.good(create(&request));
    seen.bad(create(&json!({})), 400, "INVALID_INPUT");
    let (id, session) = (created.text("id"), created.text("scoring_id"));
    seen.good(client.get(&identifications(&format!("/{id}"))).send());
    seen.bad(client.get(&identifications(&format!("/{NOBODY}"))).send(), 404, "RESOURCE_NOT_FOUND");
    seen.bad(scoring::validate(client, &journey, &id), 409, "CONFLICT");
    scoring::submit(client, &journey, &session, "pass").expect(204);
    seen.good(scoring::validate(client, &journey, &id));
    let close = || client.post(&identifications(&format!("/{id}/close"))).send();
    seen.good(close());
    seen.bad(close(), 409, "CONFLICT");
    let cancel = |id: &str| client.post(&identifications(&format!("/{id}/cancel"))).json(&json!({"reason": "x"})).send();
    seen.bad(cancel(&id), 409, "CONFLICT");
    seen.good(cancel(&create(&request).text("id")));
}
