//! Templates Configuration: images, and numbered versions of values for the fields of templates.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    NOBODY, own, shared,
    support::{Answer, Form, Journey},
};

/// A PNG picture of one pixel.
pub fn png() -> Vec<u8> {
    const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    STANDARD.decode(PNG).expect("base64")
}

/// The same as JPEG.
fn jpeg() -> Vec<u8> {
    const JPEG: &str = "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP////////////////////////////////////////////////////////////////////////////////////\
                        //wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxD/2Q==";
    STANDARD.decode(JPEG).expect("base64")
}

fn parts(name: &str, extension: &str, content: &[u8]) -> Form {
    Form::new().part("name", name).part("extension", extension).file("content", "x", content)
}

fn upload(journey: &Journey, query: &str, form: Form) -> Answer {
    journey.client.post(&journey.path(&format!("templates/configurations/documents{query}"))).form(form).send()
}

fn path(journey: &Journey, version: &str) -> String {
    journey.path(&format!("templates/configurations/{version}"))
}

fn create(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&journey.path("templates/configurations")).json(body).send()
}

fn text(name: &str, content: &str) -> Value {
    json!({"name": format!("CONFIG_TENANT.{name}"), "type": "TEXT", "value": [{"language": "ES", "content": content}]})
}

fn configuration(fields: &[Value]) -> Value {
    json!({"defaultLanguage": "ES", "fieldValues": fields})
}

#[test]
fn configuration_documents_are_listed_with_their_filters() {
    let (server, journey) = own(None);
    let list = |query: &str| journey.client.get(&journey.path(&format!("templates/configurations/documents{query}"))).send();
    let nothing = json!({"totalResults": 0, "currentPage": 0, "items": []});
    assert_eq!(list("").expect(200).json(), nothing);

    let (png, jpeg) = (png(), jpeg());
    let kept = [("logo", "png", &png), ("logo", "jpeg", &jpeg), ("seal", "jpg", &jpeg)].map(|(name, extension, content)| {
        // The query of the listing means nothing here (note configuration-documents-query).
        let id = upload(&journey, "?page=x&extension=pdf", parts(name, extension, content)).expect(200).text("id");
        (id, name, extension)
    });
    let listed = |query: &str| {
        let page = list(query).expect(200).json();
        let items = page["items"].as_array().expect("items").clone();
        let ids = items.iter().map(|item| item["id"].as_str().expect("an identifier").to_owned()).collect::<Vec<_>>();
        (page["totalResults"].as_u64().expect("a number"), ids)
    };
    let ids = |places: &[usize]| places.iter().map(|place| kept[*place].0.clone()).collect::<Vec<_>>();
    assert_eq!(listed(""), (3, ids(&[2, 1, 0])));
    assert_eq!(listed("?name=logo"), (2, ids(&[1, 0])));
    assert_eq!(listed("?name=Logo"), (0, ids(&[])));
    assert_eq!(listed("?extension=jpg"), (1, ids(&[2])));
    assert_eq!(listed("?name=logo&extension=png"), (1, ids(&[0])));
    assert_eq!(listed("?page=1&pageSize=2"), (3, ids(&[0])));
    for wrong in ["?extension=pdf", "?extension=", "?pageSize=0", "?name=a&name=b"] {
        list(wrong).expect_problem(400, "PARAMETER_ERROR");
    }
    let first = &list("?name=seal").expect(200).json()["items"][0];
    assert_eq!((&first["name"], &first["extension"]), (&json!("seal"), &json!("jpg")));

    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    let listing = other.path("templates/configurations/documents");
    assert_eq!(other.client.get(&listing).send().expect(200).json(), nothing);
}

#[test]
fn a_configuration_document_that_is_wrong_is_refused_with_its_reason() {
    let (_server, journey) = shared();
    let png = png();
    let huge = STANDARD.decode("iVBORw0KGgoAAAANSUhEUgABhqAAAYagCAYAAACoUgvIAAAAAElEQVQ1rwYe").expect("base64");
    for (case, form, part) in [
        ("a blank in the name", parts("a b", "png", &png), "name"),
        // As the example of the seed sends it (note configuration-upload-example).
        ("another extension", parts("a", "pdf", &crate::pdf()), "extension"),
        ("another content", parts("a", "jpeg", &png), "content"),
        ("no image", parts("a", "png", b"text"), "content"),
        ("a damaged image", parts("a", "png", &png[..40]), "content"),
        ("ten thousand million pixels", parts("a", "png", &huge), "content"),
        ("a doubled part", parts("a", "png", &png).part("name", "b"), "name"),
    ] {
        let refused = upload(&journey, "", form).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(&format!("{part}: ")), "{case}: {refused}");
    }
    for (case, form, part) in [
        ("no content", Form::new().part("name", "a").part("extension", "png"), "content"),
        ("no name", Form::new().part("extension", "png").part("content", &png), "name"),
        ("no extension", Form::new().part("name", "a").part("content", &png), "extension"),
        ("an empty image", parts("a", "png", b""), "content"),
    ] {
        let refused = upload(&journey, "", form).expect_problem(422, "UNPROCESSABLE_ENTITY");
        assert!(refused.details().starts_with(&format!("{part}: ")), "{case}: {refused}");
    }
    let large = [png.as_slice(), &[0; 2 * 1024 * 1024]].concat();
    upload(&journey, "", parts("a", "png", &large)).expect_problem(413, "INVALID_INPUT");
}

#[test]
fn a_version_is_read_by_its_number_or_as_the_latest() {
    let (server, journey) = own(None);
    let list = |query: &str| journey.client.get(&journey.path(&format!("templates/configurations{query}"))).send();
    assert_eq!(list("").expect(200).json(), json!({"totalResults": 0, "currentPage": 0, "configurations": []}));
    for version in ["1", "latest", "99999999999999999999"] {
        journey.client.get(&path(&journey, version)).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }

    let image = upload(&journey, "", parts("logo", "png", &png())).expect(200).text("id");
    let logo = json!({"name": "CONFIG_TENANT.LOGO", "type": "IMAGE", "value": [{"language": "UNDEFINED", "content": image}]});
    let second = json!({"name": "CONFIG_TENANT.NAME", "type": "TEXT", "value": [
        {"language": "ES", "content": "Acme España"}, {"language": "EN", "content": "Acme Spain"},
    ]});
    let bodies = [configuration(&[text("NAME", "Acme")]), configuration(&[second, logo])];
    let mut sent = bodies[1].clone();
    sent["changelog"] = json!("with a logo");
    assert_eq!(create(&journey, &bodies[0]).expect(200).json(), json!({"version": 1}));
    assert_eq!(create(&journey, &sent).expect(200).json(), json!({"version": 2}));

    let read = |version: &str| journey.client.get(&path(&journey, version)).send().expect(200).json();
    assert_eq!([read("1"), read("2"), read("latest")], [bodies[0].clone(), bodies[1].clone(), bodies[1].clone()]);
    let listing = list("").expect(200).json();
    let versions = listing["configurations"].as_array().expect("versions");
    assert_eq!((&versions[0]["version"], &versions[0]["changelog"]), (&json!(2), &json!("with a logo")));
    assert_eq!((&versions[1]["version"], versions[1].get("changelog")), (&json!(1), None));
    let page = list("?page=1&pageSize=1").expect(200).json();
    assert_eq!(
        (&page["totalResults"], &page["currentPage"], &page["configurations"][0]["version"]),
        (&json!(2), &json!(1), &json!(1))
    );
    list("?page=x").expect_problem(400, "PARAMETER_ERROR");

    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    other.client.get(&path(&other, "1")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    // Its images are of this organization alone.
    create(&other, &bodies[1]).expect_problem(400, "INVALID_INPUT");
}

/// Note configuration-delete-text.
#[test]
fn a_version_that_is_deleted_is_not_found_and_its_number_never_given_again() {
    let (_server, journey) = own(None);
    for number in 1..=3 {
        assert_eq!(create(&journey, &configuration(&[text("NAME", "Acme")])).expect(200).json()["version"], number);
    }
    for version in ["1", "3"] {
        journey.client.delete(&path(&journey, version)).send().expect(204);
        journey.client.delete(&path(&journey, version)).send().expect_problem(404, "RESOURCE_NOT_FOUND");
        journey.client.get(&path(&journey, version)).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    journey.client.get(&path(&journey, "latest")).send().expect(200);
    assert_eq!(create(&journey, &configuration(&[text("NAME", "Acme")])).expect(200).json()["version"], 4);
    let listing = journey.client.get(&journey.path("templates/configurations")).send().expect(200).json();
    let numbers: Vec<_> =
        listing["configurations"].as_array().expect("versions").iter().map(|one| one["version"].clone()).collect();
    assert_eq!(numbers, [4, 2]);
    // `latest` is for reading only.
    journey.client.delete(&path(&journey, "latest")).send().expect_problem(400, "PARAMETER_ERROR");
}

/// Note configuration-delete-text.
#[test]
fn the_latest_version_stays_while_a_template_has_fields_of_the_configuration() {
    let (_server, journey) = own(None);
    for _ in 0..2 {
        create(&journey, &configuration(&[text("NAME", "Acme")])).expect(200);
    }
    let parts = parts("form", "pdf", &documents::fixtures::form_of(&["CONFIG_TENANT.NAME"], &[]));
    journey.client.post(&journey.path("templates/forms")).form(parts).send().expect(201);
    let section = json!({"sectionName": "section", "forms": [{"language": "ES", "formExternalId": "form"}]});
    journey.client.post(&journey.path("templates/sections")).json(&section).send().expect(201);
    let template = json!({"templateName": "template", "defaultLanguage": "ES", "orderedSectionNames": ["section"]});
    journey.client.post(&journey.path("templates")).json(&template).send().expect(201);

    journey.client.delete(&path(&journey, "2")).send().expect_problem(409, "CONFLICT");
    journey.client.get(&path(&journey, "2")).send().expect(200);
    journey.client.delete(&path(&journey, "1")).send().expect(204);

    journey.client.delete(&journey.path("templates/template/versions/1")).send().expect(204);
    journey.client.delete(&path(&journey, "2")).send().expect(204);
}

#[test]
fn a_configuration_that_is_wrong_is_refused_with_its_reason() {
    let (_server, journey) = shared();
    let field = |name: &str, kind: &str, content: &str| json!({"name": name, "type": kind, "value": [{"language": "ES", "content": content}]});
    let twice = json!({"name": "CONFIG_TENANT.A", "type": "TEXT", "value": [
        {"language": "ES", "content": "a"}, {"language": "ES", "content": "b"},
    ]});
    let mut long = configuration(&[text("A", "a")]);
    long["changelog"] = json!("x".repeat(1001));
    for (body, path) in [
        (configuration(&[]), "fieldValues: "),
        (configuration(&[field("NAME", "TEXT", "a")]), "fieldValues[0].name: "),
        (configuration(&[field("CONFIG_TENANT.", "TEXT", "a")]), "fieldValues[0].name: "),
        (configuration(&[text("A", "a"), text("B", "b"), text("A", "c")]), "fieldValues[2].name: "),
        (configuration(&[field("CONFIG_TENANT.A", "DATE", "a")]), "fieldValues[0].type: "),
        (configuration(&[twice]), "fieldValues[0].value[1].language: "),
        (configuration(&[field("CONFIG_TENANT.A", "IMAGE", "a logo")]), "fieldValues[0].value[0].content: "),
        (configuration(&[field("CONFIG_TENANT.A", "IMAGE", NOBODY)]), "fieldValues[0].value[0].content: "),
        (json!({"defaultLanguage": "FR", "fieldValues": [text("A", "a")]}), "defaultLanguage: "),
        (json!({"defaultLanguage": "ES", "fieldValues": null}), "fieldValues: "),
        (json!({"defaultLanguage": "ES", "fieldValues": {}}), "fieldValues: "),
        (long, "changelog: "),
    ] {
        let refused = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{body}: {refused}");
    }
}

/// Note configuration-422.
#[test]
fn a_configuration_that_is_incomplete_is_a_422_with_everything_that_is_missing() {
    let (_server, journey) = shared();
    for (body, missing) in [
        (json!({}), vec!["defaultLanguage: ", "fieldValues: "]),
        (json!({"defaultLanguage": "ES"}), vec!["fieldValues: "]),
        (json!({"fieldValues": [text("A", "a")]}), vec!["defaultLanguage: "]),
        (configuration(&[json!({})]), vec!["fieldValues[0].name: ", "fieldValues[0].type: ", "fieldValues[0].value: "]),
        (
            configuration(&[json!({"name": "CONFIG_TENANT.A", "type": "TEXT", "value": [{"language": "ES"}, {"content": "a"}]})]),
            vec!["fieldValues[0].value[0].content: ", "fieldValues[0].value[1].language: "],
        ),
    ] {
        let refused = create(&journey, &body).expect_problem(422, "UNPROCESSABLE_ENTITY").json();
        let told: Vec<_> =
            refused["errors"].as_array().expect("errors").iter().map(|error| error["details"].as_str().expect("words")).collect();
        assert_eq!(told.len(), missing.len(), "{told:?}");
        assert!(told.iter().zip(&missing).all(|(told, path)| told.starts_with(path)), "{told:?}");
    }
}
