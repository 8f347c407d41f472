//! Forms: upload, listing, metadata, download and deletion.

use serde_json::{Value, json};

use crate::{
    NOBODY, own, pdf, shared,
    support::{Answer, Form, Journey},
};

/// A name that no other test has. It is its own external id.
pub fn new_name(start: &str) -> String {
    format!("{start}_{}", uuid::Uuid::new_v4().simple())
}

fn parts(name: &str, pdf: &[u8]) -> Form {
    Form::new().part("name", name).part("extension", "pdf").file("content", "x", pdf)
}

fn upload(journey: &Journey, form: Form) -> Answer {
    journey.client.post(&journey.path("templates/forms")).form(form).send()
}

/// Uploads a form with a text field and one for a signature, and answers its metadata.
pub fn create(journey: &Journey, name: &str) -> Value {
    let pdf = documents::fixtures::form_of(&["NAME"], &["SIGNATURE_1"]);
    upload(journey, parts(name, &pdf)).expect(201).json()
}

fn below(journey: &Journey, id: &str, rest: &str) -> String {
    journey.path(&format!("templates/forms/{id}{rest}"))
}

#[test]
fn a_form_is_known_by_its_name_its_labels_and_its_fields() {
    let (_server, journey) = shared();
    let name = new_name("Contrato-ES");
    let pdf = documents::fixtures::form_of(&["NAME", "ADDRESS"], &["SIGNATURE_1"]);
    let form = upload(&journey, parts(&name, &pdf).part("tags", "spanish, a b").part("tags", "v2")).expect(201).json();

    let external_id = name.to_lowercase().replace('-', "_");
    assert_eq!((&form["externalId"], &form["tags"]), (&json!(external_id), &json!(["SPANISH", "AB", "V2"])));
    let fields = json!([
        {"key": "NAME", "type": "FILLABLE"}, {"key": "ADDRESS", "type": "FILLABLE"}, {"key": "SIGNATURE_1", "type": "SIGNATURE"},
    ]);
    assert_eq!(form["fields"], fields);

    let id = form["id"].as_str().expect("an identifier");
    for named in [id, &external_id] {
        assert_eq!(journey.client.get(&below(&journey, named, "/metadata")).send().expect(200).json(), form);
        let download = journey.client.get(&below(&journey, named, "")).send().expect(200);
        assert_eq!((download.body.as_slice(), download.header("content-type")), (pdf.as_slice(), "application/pdf"));
        assert_eq!(download.header("content-disposition"), format!("attachment; filename=\"{name}.pdf\""));
    }
}

/// Note form-without-fields.
#[test]
fn a_pdf_without_fields_is_a_form_and_fields_of_one_name_are_one() {
    let (_server, journey) = shared();
    let plain = upload(&journey, parts(&new_name("plain"), &pdf())).expect(201).json();
    assert_eq!((&plain["fields"], &plain["tags"]), (&json!([]), &json!([])));

    let doubled = documents::fixtures::form_of(&["NAME", "NAME"], &[]);
    let form = upload(&journey, parts(&new_name("doubled"), &doubled)).expect(201).json();
    assert_eq!(form["fields"], json!([{"key": "NAME", "type": "FILLABLE"}]));
    // The first of them says what they all are (ISO 32000-2 12.7.4.2: fields of one name are of one type).
    let contradictory = documents::fixtures::form_of(&["NAME"], &["NAME"]);
    let form = upload(&journey, parts(&new_name("contradictory"), &contradictory)).expect(201).json();
    assert_eq!(form["fields"], json!([{"key": "NAME", "type": "FILLABLE"}]));
}

#[test]
fn an_upload_that_is_wrong_is_refused_with_its_reason() {
    let (_server, journey) = shared();
    let name = new_name("wrong");
    let good = || parts(&name, &pdf());
    let encrypted = documents::fixtures::encrypted("secret", lopdf::Permissions::all());
    for (case, form, part) in [
        ("a blank in the name", parts("a b", &pdf()), "name"),
        ("nothing in the name", parts("!!!", &pdf()), "name"),
        ("a long name", parts(&"x".repeat(256), &pdf()), "name"),
        ("another extension", Form::new().part("name", &name).part("extension", "png").part("content", pdf()), "extension"),
        ("another content", parts(&name, b"\x89PNG\r\n\x1a\n"), "content"),
        ("a password", parts(&name, &encrypted), "content"),
        ("too many tags", good().part("tags", "1,2,3,4,5,6"), "tags"),
        ("a reserved tag", good().part("tags", "NaN"), "tags"),
        ("a doubled part", good().part("content", pdf()), "content"),
    ] {
        let refused = upload(&journey, form).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(&format!("{part}: ")), "{case}: {refused}");
    }
    journey.client.get(&below(&journey, &name, "/metadata")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn an_upload_that_is_incomplete_is_a_422() {
    let (_server, journey) = shared();
    let name = new_name("incomplete");
    let whole = pdf();
    for (case, form, part) in [
        ("no content", Form::new().part("name", &name).part("extension", "pdf"), "content"),
        ("no name", Form::new().part("extension", "pdf").part("content", pdf()), "name"),
        ("no extension", Form::new().part("name", &name).part("content", pdf()), "extension"),
        ("an empty file", parts(&name, b""), "content"),
        ("half a file", parts(&name, &whole[..whole.len() / 2]), "content"),
    ] {
        let refused = upload(&journey, form).expect_problem(422, "UNPROCESSABLE_ENTITY");
        assert!(refused.details().starts_with(&format!("{part}: ")), "{case}: {refused}");
    }
    let refused = upload(&journey, Form::new()).expect_problem(422, "UNPROCESSABLE_ENTITY");
    assert_eq!(refused.json()["errors"].as_array().map(Vec::len), Some(3), "all that is missing is told");
}

#[test]
fn a_name_is_taken_until_its_form_is_deleted() {
    let (_server, journey) = shared();
    let name = new_name("taken");
    let first = create(&journey, &name);
    let other_spelling = name.to_uppercase().replace('_', "--");
    upload(&journey, parts(&other_spelling, &pdf())).expect_problem(409, "CONFLICT");

    let id = first["id"].as_str().expect("an identifier").to_owned();
    journey.client.delete(&below(&journey, &id, "")).send().expect(204);
    for named in [&id, &name] {
        for rest in ["", "/metadata"] {
            journey.client.get(&below(&journey, named, rest)).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
        }
        journey.client.delete(&below(&journey, named, "")).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    }
    // Made again, the name is that of the new one, and the identifier of the old one stays gone (note deleted-others).
    let second = upload(&journey, parts(&other_spelling, &pdf())).expect(201).json();
    assert_eq!((&second["externalId"], &second["fields"]), (&json!(name), &json!([])));
    assert_ne!(second["id"], first["id"]);
    assert_eq!(journey.client.get(&below(&journey, &name, "/metadata")).send().expect(200).json(), second);
    journey.client.get(&below(&journey, &id, "/metadata")).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
}

#[test]
fn what_no_form_can_be_called_is_a_404() {
    let (_server, journey) = shared();
    for named in ["No-Form", "a%20b", "a%2Fb", "%F0%9F%98%80", &"x".repeat(300), NOBODY, "{%7D"] {
        journey.client.get(&below(&journey, named, "")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
        journey.client.get(&below(&journey, named, "/metadata")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
        journey.client.delete(&below(&journey, named, "")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }
}

#[test]
fn forms_are_listed_by_page_newest_first_and_an_empty_listing_is_a_200() {
    let (server, journey) = own(None);
    let list = |query: &str| journey.client.get(&journey.path(&format!("templates/forms{query}"))).send();
    let nothing = json!({"totalResults": 0, "currentPage": 0, "forms": []});
    assert_eq!(list("").expect(200).json(), nothing);

    let forms: Vec<Value> = ["first", "second", "third"].map(|name| create(&journey, name)).into();
    let page = |number: usize, forms: &[&Value]| json!({"totalResults": 3, "currentPage": number, "forms": forms});
    assert_eq!(list("").expect(200).json(), page(0, &[&forms[2], &forms[1], &forms[0]]));
    assert_eq!(list("?pageSize=2").expect(200).json(), page(0, &[&forms[2], &forms[1]]));
    assert_eq!(list("?page=1&pageSize=2").expect(200).json(), page(1, &[&forms[0]]));
    assert_eq!(list("?page=7").expect(200).json(), page(7, &[]));
    for wrong in ["?page=-1", "?pageSize=0", "?pageSize=x", "?page=0&page=1"] {
        list(wrong).expect_problem(400, "PARAMETER_ERROR");
    }
    // Another organization has its own.
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    assert_eq!(other.client.get(&other.path("templates/forms")).send().expect(200).json(), nothing);
    other.client.get(&below(&other, "first", "")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    assert_eq!(create(&other, "first")["externalId"], "first");
}

#[test]
fn a_form_over_the_limit_of_documents_is_a_413() {
    let (_server, journey) = own(Some("[documents]\nlimit = 4096\n"));
    let whole = pdf();
    assert!(whole.len() < 4096);
    upload(&journey, parts("fits", &whole)).expect(201);
    upload(&journey, parts("large", &[whole.as_slice(), &[b' '; 4096]].concat())).expect_problem(413, "INVALID_INPUT");
}
