//! Sections: creation, listing, metadata and deletion.

use serde_json::{Value, json};

use crate::{
    NOBODY,
    forms::{self, new_name},
    own, shared,
    support::{Answer, Journey},
};

fn create(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&journey.path("templates/sections")).json(body).send()
}

/// The body of a section with one form in Spanish.
fn spanish(name: &str, form: &str) -> Value {
    json!({"sectionName": name, "forms": [{"language": "ES", "formExternalId": form}]})
}

fn below(journey: &Journey, name: &str, rest: &str) -> String {
    journey.path(&format!("templates/sections/{name}{rest}"))
}

fn form(journey: &Journey) -> String {
    let name = new_name("form");
    forms::create(journey, &name);
    name
}

#[test]
fn a_section_has_a_form_for_each_language_and_the_fields_of_all() {
    let (_server, journey) = shared();
    let (spanish, english) = (new_name("es"), new_name("en"));
    for (name, texts, signatures) in [(&spanish, ["NAME", "CITY"], ["SIGN_1"]), (&english, ["NAME", "STATE"], ["SIGN_1"])] {
        let pdf = documents::fixtures::form_of(&texts, &signatures);
        let parts = crate::support::Form::new().part("name", name).part("extension", "pdf").file("content", "x", &pdf);
        journey.client.post(&journey.path("templates/forms")).form(parts).send().expect(201);
    }
    let suffix = new_name("header");
    let forms = json!([
        {"language": "ES", "formExternalId": spanish}, {"language": "EN", "formExternalId": english},
        {"language": "UNDEFINED", "formExternalId": english},
    ]);
    let section = create(&journey, &json!({"sectionName": format!(" Contract {suffix}! "), "forms": forms})).expect(201).json();

    let external_id = format!("contract_{suffix}_");
    assert_eq!((&section["externalId"], &section["forms"]), (&json!(external_id), &forms));
    let fields = json!([
        {"key": "NAME", "type": "FILLABLE"}, {"key": "CITY", "type": "FILLABLE"}, {"key": "SIGN_1", "type": "SIGNATURE"},
        {"key": "STATE", "type": "FILLABLE"},
    ]);
    assert_eq!(section["fields"], fields);
    assert_eq!(journey.client.get(&below(&journey, &external_id, "/metadata")).send().expect(200).json(), section);
}

#[test]
fn a_section_that_is_wrong_is_refused_with_its_reason() {
    let (_server, journey) = shared();
    let (name, form) = (new_name("wrong"), form(&journey));
    let one = |language: &str| json!({"language": language, "formExternalId": form});
    for (body, path) in [
        (json!({"sectionName": "!!!", "forms": [one("ES")]}), "sectionName: "),
        (json!({"sectionName": "x".repeat(256), "forms": [one("ES")]}), "sectionName: "),
        (json!({"forms": [one("ES")]}), "sectionName: "),
        (json!({"sectionName": name}), "forms: "),
        (json!({"sectionName": name, "forms": []}), "forms: "),
        (json!({"sectionName": name, "forms": [one("FR")]}), "forms[0].language: "),
        (json!({"sectionName": name, "forms": [one("es")]}), "forms[0].language: "),
        (json!({"sectionName": name, "forms": [one("ES"), one("EN"), one("ES")]}), "forms[2].language: "),
        (json!({"sectionName": name, "forms": [{"language": "ES"}]}), "forms[0].formExternalId: "),
        (json!({"sectionName": name, "forms": vec![one("ES"); 8]}), "forms: "),
        (json!({"sectionName": 7, "forms": [one("ES")]}), "sectionName: "),
    ] {
        let refused = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{body}: {refused}");
    }
    journey.client.get(&below(&journey, &name, "/metadata")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    // None of them keeps the form.
    journey.client.delete(&journey.path(&format!("templates/forms/{form}"))).send().expect(204);
}

#[test]
fn forms_that_contradict_each_other_make_no_section() {
    let (_server, journey) = shared();
    let (first, second) = (form(&journey), new_name("other"));
    let pdf = documents::fixtures::form_of(&["SIGNATURE_1"], &[]);
    let parts = crate::support::Form::new().part("name", &second).part("extension", "pdf").file("content", "x", &pdf);
    journey.client.post(&journey.path("templates/forms")).form(parts).send().expect(201);
    let forms = json!([{"language": "ES", "formExternalId": first}, {"language": "EN", "formExternalId": second}]);
    let refused =
        create(&journey, &json!({"sectionName": new_name("both"), "forms": forms})).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("forms: the field SIGNATURE_1 is a signature in one place"), "{refused}");
    journey.client.delete(&journey.path(&format!("templates/forms/{second}"))).send().expect(204);
}

#[test]
fn a_form_that_is_not_there_is_a_404_and_leaves_nothing_behind() {
    let (_server, journey) = shared();
    let (name, there, deleted) = (new_name("section"), form(&journey), form(&journey));
    journey.client.delete(&journey.path(&format!("templates/forms/{deleted}"))).send().expect(204);
    for missing in [new_name("nothing"), deleted, "No Such".into(), NOBODY.into()] {
        let forms = json!([{"language": "ES", "formExternalId": there}, {"language": "EN", "formExternalId": missing}]);
        let body = json!({"sectionName": name, "forms": forms});
        let refused = create(&journey, &body).expect_problem(404, "RESOURCE_NOT_FOUND");
        assert!(refused.details().contains("forms[1].formExternalId"), "{refused}");
    }
    create(&journey, &spanish(&name, &there)).expect(201);
}

#[test]
fn a_form_stays_while_a_section_has_it() {
    let (_server, journey) = shared();
    let (name, form) = (new_name("section"), form(&journey));
    create(&journey, &spanish(&name, &form)).expect(201);
    let path = journey.path(&format!("templates/forms/{form}"));
    let refused = journey.client.delete(&path).send().expect_problem(409, "CONFLICT");
    assert_eq!(refused.details(), format!("the form is part of the section {name}; delete that first"));
    journey.client.get(&path).send().expect(200);

    // A second section of the name is refused and takes nothing from the first.
    create(&journey, &spanish(&name.to_uppercase(), &form)).expect_problem(409, "CONFLICT");
    journey.client.delete(&path).send().expect_problem(409, "CONFLICT");

    journey.client.delete(&below(&journey, &name, "")).send().expect(204);
    journey.client.delete(&path).send().expect(204);
}

#[test]
fn a_section_stays_while_a_template_has_it() {
    let (_server, journey) = shared();
    let (name, form, template) = (new_name("section"), form(&journey), new_name("template"));
    create(&journey, &spanish(&name, &form)).expect(201);
    let body = json!({"templateName": template, "defaultLanguage": "ES", "orderedSectionNames": [name]});
    journey.client.post(&journey.path("templates")).json(&body).send().expect(201);
    let refused = journey.client.delete(&below(&journey, &name, "")).send().expect_problem(409, "CONFLICT");
    assert_eq!(refused.details(), format!("the section is part of the template {template}; delete that first"));
    journey.client.delete(&journey.path(&format!("templates/{template}/versions/1"))).send().expect(204);
    journey.client.delete(&below(&journey, &name, "")).send().expect(204);
}

/// Note deleted-others.
#[test]
fn a_deleted_section_is_gone_until_it_is_made_again() {
    let (_server, journey) = shared();
    let (name, form) = (new_name("section"), form(&journey));
    let first = create(&journey, &spanish(&name, &form)).expect(201).json();
    journey.client.delete(&below(&journey, &name, "")).send().expect(204);
    journey.client.get(&below(&journey, &name, "/metadata")).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    journey.client.delete(&below(&journey, &name, "")).send().expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");

    let second = create(&journey, &spanish(&name, &form)).expect(201).json();
    assert_ne!(first["creationDate"], second["creationDate"]);
    assert_eq!(journey.client.get(&below(&journey, &name, "/metadata")).send().expect(200).json(), second);
    for unknown in [new_name("nothing"), "A-Name".into(), NOBODY.into()] {
        journey.client.get(&below(&journey, &unknown, "/metadata")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
        journey.client.delete(&below(&journey, &unknown, "")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }
}

/// Note paging-all.
#[test]
fn sections_come_all_at_once_unless_a_page_is_asked_for() {
    let (server, journey) = own(None);
    let list = |query: &str| journey.client.get(&journey.path(&format!("templates/sections{query}"))).send();
    assert_eq!(list("").expect(200).json(), json!({"totalResults": 0, "currentPage": 0, "sections": []}));

    let form = form(&journey);
    let names: Vec<String> = (0..60).map(|number| format!("section_{number}")).collect();
    names.iter().for_each(|name| drop(create(&journey, &spanish(name, &form)).expect(201)));
    let listed = |query: &str| {
        let page = list(query).expect(200).json();
        let sections = page["sections"].as_array().expect("sections").clone();
        let names = sections.iter().map(|section| section["externalId"].as_str().expect("an external id").to_owned());
        (page["totalResults"].as_u64(), page["currentPage"].as_u64(), names.collect::<Vec<_>>())
    };
    let newest: Vec<String> = names.iter().rev().cloned().collect();
    assert_eq!(listed(""), (Some(60), Some(0), newest.clone()));
    assert_eq!(listed("?page=0"), (Some(60), Some(0), newest[..50].to_vec()));
    assert_eq!(listed("?page=1"), (Some(60), Some(1), newest[50..].to_vec()));
    assert_eq!(listed("?pageSize=3"), (Some(60), Some(0), newest[..3].to_vec()));
    assert_eq!(listed("?page=2&pageSize=3"), (Some(60), Some(2), newest[6..9].to_vec()));
    list("?pageSize=0").expect_problem(400, "PARAMETER_ERROR");

    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    assert_eq!(other.client.get(&other.path("templates/sections")).send().expect(200).json()["totalResults"], 0);
    other.client.get(&below(&other, "section_1", "/metadata")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    create(&other, &spanish("section_1", &form)).expect_problem(404, "RESOURCE_NOT_FOUND");
}
