//! Fills of forms and templates: answered, stored, and as a picture.

use documents::{
    fixtures::{self, Kind},
    forms,
};
use serde_json::{Value, json};

use crate::{
    own, shared,
    support::{Answer, Form, Journey},
};

/// A name that no other test uses.
fn unique(name: &str) -> String {
    format!("{name}_{}", uuid::Uuid::new_v4().simple())
}

fn upload(journey: &Journey, name: &str, pdf: &[u8]) -> Answer {
    let form = Form::new().part("name", name).part("extension", "pdf").file("content", "form.pdf", pdf);
    journey.client.post(&journey.path("templates/forms")).form(form).send()
}

/// A form of one page with these fields; answers its external id.
fn form(journey: &Journey, fields: &[(&str, Kind<'_>)]) -> String {
    upload(journey, &unique("form"), &fixtures::form(fields)).expect(201).text("externalId")
}

/// A section with these forms; answers its external id.
fn section(journey: &Journey, forms: &[(&str, &str)]) -> String {
    let forms: Vec<Value> = forms.iter().map(|(language, form)| json!({"language": language, "formExternalId": form})).collect();
    let body = json!({"sectionName": unique("section"), "forms": forms});
    journey.client.post(&journey.path("templates/sections")).json(&body).send().expect(201).text("externalId")
}

/// A template of these sections whose default language is Spanish; answers its external id.
fn template(journey: &Journey, sections: &[&str], rules: &[(&str, &str)]) -> String {
    let rules: Vec<Value> =
        rules.iter().map(|(section, condition)| json!({"sectionExternalId": section, "condition": condition})).collect();
    let body = json!({
        "templateName": unique("template"), "defaultLanguage": "ES", "orderedSectionNames": sections, "rules": rules,
    });
    journey.client.post(&journey.path("templates")).json(&body).send().expect(201).text("externalId")
}

/// A template of one section with one form.
fn simple(journey: &Journey, fields: &[(&str, Kind<'_>)]) -> String {
    template(journey, &[&section(journey, &[("ES", &form(journey, fields))])], &[])
}

fn values(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

fn fill_form(journey: &Journey, form: &str, body: &Value) -> Answer {
    journey.client.post(&journey.path(&format!("templates/forms/{form}/fill"))).json(body).send()
}

fn in_spanish(pairs: &[(&str, &str)]) -> Value {
    json!({"language": "ES", "fieldsValues": values(pairs)})
}

fn fill(journey: &Journey, template: &str, rest: &str, body: &Value) -> Answer {
    journey.client.post(&journey.path(&format!("templates/{template}/versions/1/fill{rest}"))).json(body).send()
}

/// How often a text is drawn, in one piece and in a simple font, on any page.
fn times(pdf: &[u8], text: &str) -> usize {
    let document = lopdf::Document::load_mem(pdf).expect("a PDF");
    let streams = document.objects.values().filter_map(|object| object.as_stream().ok());
    let shown = streams.map(|stream| stream.decompressed_content().unwrap_or_else(|_| stream.content.clone()));
    let shown: String = shown.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect();
    let hexadecimal: String = text.bytes().map(|byte| format!("{byte:02X}")).collect();
    shown.matches(&hexadecimal).count() + shown.matches(&format!("({text})")).count()
}

fn shows(pdf: &[u8], text: &str) -> bool {
    times(pdf, text) > 0
}

fn pages(pdf: &[u8]) -> usize {
    lopdf::Document::load_mem(pdf).expect("a PDF").get_pages().len()
}

fn names(pdf: &[u8]) -> Vec<String> {
    forms::Form::read(pdf).expect("a form").fields().iter().map(|field| field.name.clone()).collect()
}

#[test]
fn a_form_is_filled_flattened_and_named() {
    let (_server, journey) = shared();
    let form = form(&journey, &[("NAME", Kind::Text), ("SIGN", Kind::Signature)]);
    let answer = fill_form(&journey, &form, &json!({"fieldsValues": values(&[("NAME", "Nicanor"), ("OTHER", "x")])})).expect(200);
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{form}.pdf\""));
    assert_eq!((answer.header("x-ignored-fields"), answer.header("x-replaced-characters")), ("OTHER", ""));
    assert_eq!((answer.header("x-template-version"), answer.header("x-tenant-config-version")), ("", ""));
    assert!(shows(&answer.body, "Nicanor"));
    assert_eq!(names(&answer.body), ["SIGN"], "a field to be signed stays");

    let id = journey.client.get(&journey.path(&format!("templates/forms/{form}/metadata"))).send().expect(200).text("id");
    let by_id = fill_form(&journey, &id, &json!({"fieldsValues": [], "fillMode": "of tomorrow"})).expect(200);
    assert!(!shows(&by_id.body, "Nicanor"), "nothing of an earlier fill is left");
}

#[test]
fn what_a_form_does_not_take_is_a_400_that_names_the_field_and_no_value() {
    let (server, journey) = shared();
    let form = form(
        &journey,
        &[("ZIP", Kind::Short(5)), ("CITY", Kind::Combo(&[("V", "Vigo"), ("L", "Lugo")])), ("SIGN", Kind::Signature)],
    );
    let refused = |pairs: &[(&str, &str)]| {
        let answer = fill_form(&journey, &form, &json!({"fieldsValues": values(pairs)}));
        answer.expect_problem(400, "INVALID_INPUT").details()
    };
    for (name, value) in [("ZIP", "3600199secret"), ("CITY", "secret"), ("SIGN", "secret")] {
        let told = refused(&[("OTHER", "x"), (name, value)]);
        assert!(told.starts_with(&format!("fieldsValues[1].value: {name}: ")) && !told.contains("secret"), "{told}");
    }
    let twice = refused(&[("ZIP", "1"), ("ZIP", "secret")]);
    assert_eq!(twice, "fieldsValues[1].name: ZIP has a value in fieldsValues[0] already; send each field once");
    assert!(refused(&[("", "secret")]).starts_with("fieldsValues[0].name: "));
    for body in [json!({}), json!({"fieldsValues": [{"name": "ZIP"}]}), json!({"fieldsValues": [{"name": "ZIP", "value": 3}]})] {
        fill_form(&journey, &form, &body).expect_problem(400, "INVALID_INPUT");
    }
    assert!(!server.log().contains("secret"), "no value is in the log");
}

#[test]
fn a_form_that_is_not_there_is_told_as_such() {
    let (server, journey) = shared();
    let form = form(&journey, &[("NAME", Kind::Text)]);
    let body = json!({"fieldsValues": []});
    fill_form(&journey, "never_made", &body).expect_problem(404, "RESOURCE_NOT_FOUND");
    let path = journey.path(&format!("templates/forms/{form}"));
    let other = Journey::of(server.client(), "other");
    fill_form(&other, &form, &body).expect_problem(401, "UNAUTHORIZED");
    fill_form(&journey, &form, &body).expect(200);
    journey.client.delete(&path).send().expect(204);
    fill_form(&journey, &form, &body).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    upload(&journey, &form, &fixtures::form(&[("CITY", Kind::Text)])).expect(201);
    let again = fill_form(&journey, &form, &json!({"fieldsValues": values(&[("NAME", "x")])})).expect(200);
    assert_eq!(again.header("x-ignored-fields"), "NAME", "it is the new form that is filled");
}

#[test]
fn characters_that_cannot_be_printed_are_told_and_line_ends_pass_in_raw_mode() {
    let (_server, journey) = shared();
    let form = form(&journey, &[("NOTES", Kind::Multiline)]);
    let filled = |mode: &str, text: &str| {
        fill_form(&journey, &form, &json!({"fieldsValues": values(&[("NOTES", text)]), "fillMode": mode})).expect(200)
    };
    // A character for private use: no font of ours has it.
    let answer = filled("raw", "Lisboa\u{f0f0f}");
    assert_eq!(answer.header("x-replaced-characters"), "NOTES=1");
    let (default, raw) = (filled("default", "Lisboa\nMadrid"), filled("raw", "Lisboa\nMadrid"));
    assert!(shows(&default.body, "Lisboa?Madrid") && !shows(&raw.body, "Lisboa?Madrid"));
}

#[test]
fn sections_are_joined_in_order_by_flags_and_language() {
    let (_server, journey) = shared();
    let form = |name: &str| form(&journey, &[(name, Kind::Text)]);
    let first = section(&journey, &[("ES", &form("PRIMERO")), ("EN", &form("FIRST"))]);
    let second = section(&journey, &[("ES", &form("SEGUNDO"))]);
    let guarded = section(&journey, &[("ES", &form("GDPR")), ("UNDEFINED", &form("ANY"))]);
    let rules = [(guarded.as_str(), "GDPR:YES"), (guarded.as_str(), "AGE:ADULT"), ("elsewhere", "NEVER:MET")];
    let template = template(&journey, &[&second, &guarded, &first], &rules);
    let printed = |language: &str, flags: &[&str]| {
        let body = json!({
            "language": language, "flagsConditions": flags, "flatten": false,
            "fieldsValues": values(&[("PRIMERO", "x"), ("FIRST", "x"), ("SEGUNDO", "x"), ("GDPR", "x"), ("ANY", "x")]),
        });
        let answer = fill(&journey, &template, "/documents", &body).expect(200);
        assert_eq!(answer.header("x-template-version"), "1.0");
        let id = answer.text("documentId");
        let pdf = journey.client.get(&journey.path(&format!("documents/{id}"))).send().expect(200).body;
        assert_eq!(pages(&pdf), names(&pdf).len());
        names(&pdf)
    };
    assert_eq!(printed("ES", &[]), ["SEGUNDO", "PRIMERO"]);
    assert_eq!(printed("EN", &["GDPR:YES"]), ["SEGUNDO", "FIRST"], "all rules of a section must be met");
    assert_eq!(printed("EN", &["AGE:ADULT", "GDPR:YES"]), ["SEGUNDO", "GDPR", "FIRST"]);
    assert_eq!(printed("UNDEFINED", &["AGE:ADULT", "GDPR:YES", "MORE:FLAGS"]), ["SEGUNDO", "ANY", "PRIMERO"]);
    assert_eq!(printed("DE", &["gdpr:yes", "AGE:ADULT"]), ["SEGUNDO", "PRIMERO"], "flags are compared literally");
    let answer = fill(&journey, &template, "", &in_spanish(&[("FIRST", "x"), ("SEGUNDO", "x")])).expect(200);
    assert_eq!(answer.header("x-ignored-fields"), "FIRST");
}

#[test]
fn a_template_is_answered_with_its_version_and_name() {
    let (_server, journey) = shared();
    let template = simple(&journey, &[("NAME", Kind::Text)]);
    let answer = fill(&journey, &template, "", &in_spanish(&[("NAME", "Nicanor")])).expect(200);
    assert_eq!(answer.header("content-type"), "application/pdf");
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{template}.pdf\""));
    assert_eq!(answer.header("x-template-version"), "1.0");
    assert!(shows(&answer.body, "Nicanor") && names(&answer.body).is_empty());

    let patch = json!({"rules": []});
    journey.client.patch(&journey.path(&format!("templates/{template}/versions/1"))).json(&patch).send();
    let latest = fill(&journey, &template, "", &in_spanish(&[])).expect(200);
    let metadata = journey.client.get(&journey.path(&format!("templates/{template}/versions/1/metadata"))).send().expect(200);
    assert_eq!(metadata.json()["templates"][0]["version"], latest.header("x-template-version"), "the latest minor is filled");
}

#[test]
fn what_a_template_does_not_take_is_a_400_with_words() {
    let (_server, journey) = shared();
    let guarded = section(&journey, &[("ES", &form(&journey, &[("ZIP", Kind::Short(5))]))]);
    let template = template(&journey, &[&guarded], &[(&guarded, "GDPR:YES")]);
    for rest in ["", "/documents", "/preview"] {
        let refused = |body: Value| fill(&journey, &template, rest, &body).expect_problem(400, "INVALID_INPUT").details();
        assert!(refused(in_spanish(&[])).starts_with("flagsConditions: each section of this version has a rule"));
        assert!(refused(json!({"language": "FR", "fieldsValues": []})).starts_with("language: "));
        assert!(refused(json!({"fieldsValues": []})).starts_with("language: the member is missing"));
        let long = json!({"language": "ES", "flagsConditions": ["GDPR:YES"], "fieldsValues": values(&[("ZIP", "3600199")])});
        assert!(refused(long).starts_with("fieldsValues[0].value: ZIP: "));
    }
    for wrong in [json!({"name": "with space"}), json!({"tags": ["a,b"]}), json!({"flatten": "no"}), json!({"tags": null})] {
        let mut body = in_spanish(&[]);
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        fill(&journey, &template, "/documents", &body).expect_problem(400, "INVALID_INPUT");
    }
    let without_owner = fill_as(&journey, &template, " ", &in_spanish(&[]));
    without_owner.expect_problem(400, "PARAMETER_ERROR");
}

fn fill_as(journey: &Journey, template: &str, owner: &str, body: &Value) -> Answer {
    let path = journey.path(&format!("templates/{template}/versions/1/fill/documents"));
    journey.client.post(&path).header("x-auth-owner", owner).json(body).send()
}

#[test]
fn a_template_that_is_not_there_is_told_as_such() {
    let (server, journey) = shared();
    let template = simple(&journey, &[("NAME", Kind::Text)]);
    let body = in_spanish(&[]);
    let other = Journey::of(server.client(), "other");
    let versions = journey.path(&format!("templates/{template}/versions"));
    for rest in ["", "/documents", "/preview"] {
        fill(&journey, "never_made", rest, &body).expect_problem(404, "RESOURCE_NOT_FOUND");
        fill(&other, &template, rest, &body).expect_problem(401, "UNAUTHORIZED");
        let second = journey.client.post(&format!("{versions}/2/fill{rest}")).json(&body).send();
        second.expect_problem(404, "RESOURCE_NOT_FOUND");
        let none = journey.client.post(&format!("{versions}/0/fill{rest}")).json(&body).send();
        none.expect_problem(400, "PARAMETER_ERROR");
    }
    journey.client.delete(&format!("{versions}/1")).send().expect(204);
    for rest in ["", "/documents", "/preview"] {
        fill(&journey, &template, rest, &body).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    }
}

#[test]
fn a_stored_fill_is_a_document_with_owner_name_and_labels() {
    let (_server, journey) = shared();
    let template = simple(&journey, &[("NAME", Kind::Text)]);
    let mut body = in_spanish(&[("NAME", "Nicanor")]);
    body["name"] = json!("contrato.pdf");
    body["tags"] = json!(["new", "a b"]);
    let id = fill_as(&journey, &template, "Ana@Example.org", &body).expect(200).text("documentId");
    let path = journey.path(&format!("documents/{id}"));
    journey.client.get(&path).send().expect_problem(401, "UNAUTHORIZED");
    let owned =
        |rest: &str| journey.client.get(&format!("{path}{rest}")).header("x-auth-owner", "ana@example.org").send().expect(200);
    let metadata = owned("/metadata").json();
    assert_eq!((&metadata["name"], &metadata["tags"]), (&json!("contrato.pdf"), &json!(["NEW", "AB"])));
    assert_eq!((&metadata["extension"], &metadata["isPublic"]), (&json!("pdf"), &json!(false)));
    let pdf = owned("").body;
    assert!(shows(&pdf, "Nicanor") && names(&pdf).is_empty(), "it is flattened by default");

    let answer = fill(&journey, &template, "/documents", &in_spanish(&[])).expect(200);
    assert_eq!(answer.json()["renamedKeys"], json!([]));
    let metadata =
        journey.client.get(&journey.path(&format!("documents/{}/metadata", answer.text("documentId")))).send().expect(200);
    assert_eq!((&metadata.json()["name"], &metadata.json()["isPublic"]), (&json!(template), &json!(true)));
}

#[test]
fn a_field_that_two_sections_have_gets_its_value_in_both_and_is_renamed_where_fields_stay() {
    let (_server, journey) = shared();
    let one = || section(&journey, &[("ES", &form(&journey, &[("NAME", Kind::Text)]))]);
    let template = template(&journey, &[&one(), &one()], &[]);
    let mut body = in_spanish(&[("NAME", "Nicanor")]);
    body["flatten"] = json!(false);
    let answer = fill(&journey, &template, "/documents", &body).expect(200);
    let renamed = answer.json()["renamedKeys"].clone();
    let current = renamed[0]["currentName"].as_str().expect("a name").to_owned();
    assert_eq!(renamed, json!([{"originalName": "NAME", "currentName": current}]));
    let pdf = journey.client.get(&journey.path(&format!("documents/{}", answer.text("documentId")))).send().expect(200).body;
    assert_eq!(names(&pdf), ["NAME".to_owned(), current]);
    assert!(times(&pdf, "Nicanor") >= 2);
    let flat = fill(&journey, &template, "/documents", &in_spanish(&[("NAME", "Nicanor")])).expect(200);
    assert_eq!(flat.json()["renamedKeys"], json!([]));
}

#[test]
fn the_latest_configuration_fills_what_the_call_leaves_out() {
    // A configuration is the organization's, so the server is this test's own.
    let (_server, journey) = own(None);
    let pdf =
        fixtures::form(&[("NAME", Kind::Text), ("CONFIG_TENANT.CITY", Kind::Text), ("CONFIG_TENANT.LOGO", Kind::PushButton)]);
    let form = upload(&journey, "configured", &pdf).expect(201).text("externalId");
    let template = template(&journey, &[&section(&journey, &[("ES", &form)])], &[]);
    let without = fill(&journey, &template, "", &in_spanish(&[])).expect(200);
    assert!(!without.headers.contains_key("x-tenant-config-version"), "there is none yet");

    let configure = |values: Value| {
        let body = json!({"defaultLanguage": "ES", "fieldValues": values});
        journey.client.post(&journey.path("templates/configurations")).json(&body).send().expect(200)
    };
    let text = |language: &str, content: &str| json!({"language": language, "content": content});
    let city =
        json!({"name": "CONFIG_TENANT.CITY", "type": "TEXT", "value": [text("ES", "Pontevedra"), text("EN", "Southampton")]});
    let other = json!({"name": "CONFIG_TENANT.OTHER", "type": "TEXT", "value": [text("ES", "Nowhere")]});
    configure(json!([city, other]));
    let spanish = fill(&journey, &template, "", &in_spanish(&[])).expect(200);
    assert_eq!((spanish.header("x-tenant-config-version"), spanish.header("x-ignored-fields")), ("1", ""));
    assert!(shows(&spanish.body, "Pontevedra"));
    let english = fill(&journey, &template, "", &json!({"language": "EN", "fieldsValues": []})).expect(200);
    assert!(shows(&english.body, "Southampton"));
    let german = fill(&journey, &template, "", &json!({"language": "DE", "fieldsValues": []})).expect(200);
    assert!(shows(&german.body, "Pontevedra"), "its default language");
    let called = fill(&journey, &template, "", &in_spanish(&[("CONFIG_TENANT.CITY", "Santander")])).expect(200);
    assert!(shows(&called.body, "Santander") && !shows(&called.body, "Pontevedra"));
    let alone = fill_form(&journey, &form, &json!({"fieldsValues": []})).expect(200);
    assert!(!shows(&alone.body, "Pontevedra"), "a form alone is not configured");

    let image = Form::new().part("name", "logo.png").part("extension", "png").file("content", "logo.png", png());
    let image =
        journey.client.post(&journey.path("templates/configurations/documents")).form(image).send().expect(200).text("id");
    configure(json!([{"name": "CONFIG_TENANT.LOGO", "type": "IMAGE", "value": [text("ES", &image)]}]));
    let with_logo = fill(&journey, &template, "", &in_spanish(&[])).expect(200);
    assert_eq!(with_logo.header("x-tenant-config-version"), "2");
    assert!(!shows(&with_logo.body, "Pontevedra"), "only the latest version counts");
    let drawn = |body: &Value| fill(&journey, &template, "/preview", body).expect(200).body;
    assert_ne!(drawn(&in_spanish(&[])), drawn(&in_spanish(&[("CONFIG_TENANT.LOGO", "")])), "the logo is seen");
}

/// A black picture of 16 pixels.
pub fn png() -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAC0lEQVR42mNgwAQAABQAAe5aaQkAAAAASUVORK5CYII=";
    STANDARD.decode(png).expect("base64")
}

#[test]
fn a_page_of_a_fill_can_be_looked_at() {
    let (_server, journey) = shared();
    let form = upload(&journey, &unique("form"), &fixtures::large_form()).expect(201).text("externalId");
    let look = |query: &str, pairs: &[(&str, &str)]| {
        let path = journey.path(&format!("templates/forms/{form}/fill/preview{query}"));
        journey.client.post(&path).json(&json!({"fieldsValues": values(pairs)})).send()
    };
    let first = look("", &[("customer.name", "Nicanor"), ("OTHER", "x")]).expect(200);
    assert_eq!((first.header("content-type"), first.header("x-page-count")), ("image/png", "2"));
    assert_eq!(first.header("content-disposition"), format!("inline; filename=\"{form}.png\""));
    assert_eq!(first.header("x-ignored-fields"), "OTHER");
    assert!(first.body.starts_with(b"\x89PNG"));
    assert_ne!(first.body, look("?page=0", &[]).expect(200).body, "the value is seen");
    let second = look("?page=1", &[("customer.name", "Nicanor")]).expect(200).body;
    assert_eq!(second, look("?page=1", &[("customer.name", "Another")]).expect(200).body, "it is on the other page");
    let told = look("?page=2", &[]).expect_problem(400, "PARAMETER_ERROR").details();
    assert!(told.starts_with("page: ") && told.contains("2 pages"), "{told}");
    look("?page=first", &[]).expect_problem(400, "PARAMETER_ERROR");

    let template = template(&journey, &[&section(&journey, &[("ES", &form)])], &[]);
    let page = fill(&journey, &template, "/preview", &in_spanish(&[("customer.name", "Nicanor")])).expect(200);
    assert_eq!((page.header("x-template-version"), page.body == first.body), ("1.0", true));
}

#[test]
fn a_form_that_cannot_be_filled_is_a_400_with_words() {
    let (_server, journey) = shared();
    let answer = upload(&journey, &unique("form"), &fixtures::form(&[])).expect(201);
    let plain = fill_form(&journey, &answer.text("externalId"), &json!({"fieldsValues": values(&[("NAME", "x")])})).expect(200);
    assert_eq!(plain.header("x-ignored-fields"), "NAME", "a form without fields is printed as it is");
}

#[test]
fn what_was_read_once_is_not_read_again_for_the_next_fill() {
    let (_server, journey) = own(None);
    let template = simple(&journey, &[("NAME", Kind::Text)]);
    for _ in 0..3 {
        fill(&journey, &template, "", &in_spanish(&[("NAME", "Nicanor")])).expect(200);
    }
    let scrape = String::from_utf8(journey.client.get("/metrics").send().expect(200).body).expect("text");
    for line in [
        "rubrica_fill_cache_total{cache=\"forms\",found=\"hit\"} 2",
        "rubrica_fill_cache_total{cache=\"forms\",found=\"miss\"} 1",
        "rubrica_fill_cache_total{cache=\"templates\",found=\"miss\"} 1",
        "rubrica_fill_seconds_count{operation=\"template\"} 3",
    ] {
        assert!(scrape.lines().any(|other| other == line), "{line}: {scrape}");
    }
}
