//! Templates: versions with rules, their contract of use, their changelog and their deletion.

use std::thread;

use serde_json::{Value, json};

use crate::{
    NOBODY,
    forms::new_name,
    own, shared,
    support::{Answer, Form, Journey},
};

/// A section of a form for each language, with these fields; all under names of their own.
fn section(journey: &Journey, languages: &[&str], fields: &[&str]) -> String {
    let (name, form) = (new_name("section"), new_name("form"));
    let pdf = documents::fixtures::form_of(fields, &["SIGNATURE_1"]);
    let parts = Form::new().part("name", &form).part("extension", "pdf").file("content", "x", &pdf);
    journey.client.post(&journey.path("templates/forms")).form(parts).send().expect(201);
    let forms: Vec<Value> = languages.iter().map(|language| json!({"language": language, "formExternalId": form})).collect();
    let body = json!({"sectionName": name, "forms": forms});
    journey.client.post(&journey.path("templates/sections")).json(&body).send().expect(201);
    name
}

fn spanish(journey: &Journey) -> String {
    section(journey, &["ES"], &["NAME"])
}

fn create(journey: &Journey, body: &Value) -> Answer {
    journey.client.post(&journey.path("templates")).json(body).send()
}

/// A template of sections, without rules.
fn template(journey: &Journey, sections: &[&str]) -> String {
    let name = new_name("template");
    create(journey, &body(&name, sections)).expect(201);
    name
}

fn body(name: &str, sections: &[&str]) -> Value {
    json!({"templateName": name, "defaultLanguage": "ES", "orderedSectionNames": sections})
}

fn below(journey: &Journey, template: &str, rest: &str) -> String {
    journey.path(&format!("templates/{template}/{rest}"))
}

fn add(journey: &Journey, template: &str, body: &Value) -> Answer {
    journey.client.post(&below(journey, template, "versions")).json(body).send()
}

fn change(journey: &Journey, template: &str, major: u32, body: &Value) -> Answer {
    journey.client.patch(&below(journey, template, &format!("versions/{major}"))).json(body).send()
}

fn delete(journey: &Journey, template: &str, rest: &str) -> Answer {
    journey.client.delete(&below(journey, template, &format!("versions/{rest}"))).send()
}

fn metadata(journey: &Journey, template: &str, rest: &str) -> Answer {
    journey.client.get(&below(journey, template, &format!("versions/{rest}"))).send()
}

fn changelog(journey: &Journey, template: &str) -> Answer {
    journey.client.get(&below(journey, template, "changelog")).send()
}

fn delete_section(journey: &Journey, section: &str) -> Answer {
    journey.client.delete(&journey.path(&format!("templates/sections/{section}"))).send()
}

#[test]
fn a_template_joins_sections_and_has_their_fields_and_common_languages() {
    let (_server, journey) = shared();
    let header = section(&journey, &["ES", "EN", "CA"], &["NAME", "CITY"]);
    let gdpr = section(&journey, &["EN", "ES"], &["CITY", "DATE"]);
    let suffix = new_name("x");
    let rules = json!([
        {"sectionExternalId": gdpr, "condition": "GDPR:YES"}, {"sectionExternalId": "not_in_it", "condition": "OTHER:NO"},
    ]);
    let mut body = body(&format!(" My Contract {suffix} "), &[&header, &gdpr, &header]);
    body["rules"] = rules.clone();
    let made = create(&journey, &body).expect(201).json();

    let external_id = format!("my_contract_{suffix}");
    assert_eq!((&made["externalId"], &made["version"]), (&json!(external_id), &json!("1.0")));
    assert_eq!((&made["defaultLanguage"], &made["languages"]), (&json!("ES"), &json!(["ES", "EN"])));
    assert_eq!(made["orderedSectionNames"], json!([header, gdpr, header]));
    assert_eq!(made["rules"], rules, "also the one on a section that it lacks (note rule-other-section)");
    let fields = json!([
        {"key": "NAME", "type": "FILLABLE"}, {"key": "CITY", "type": "FILLABLE"}, {"key": "SIGNATURE_1", "type": "SIGNATURE"},
        {"key": "DATE", "type": "FILLABLE"},
    ]);
    assert_eq!(made["fields"], fields);
    assert_eq!(metadata(&journey, &external_id, "1/metadata").expect(200).json(), json!({"templates": [made]}));
}

#[test]
fn a_template_that_is_wrong_is_refused_with_its_reason() {
    let (_server, journey) = shared();
    let (name, spanish, english) = (new_name("wrong"), spanish(&journey), section(&journey, &["EN"], &["NAME"]));
    let with = |member: &str, value: Value| {
        let mut body = body(&name, &[&spanish]);
        body[member] = value;
        body
    };
    let rule = |rule: Value| with("rules", json!([rule]));
    for (body, path) in [
        (with("templateName", json!("¡!")), "templateName: "),
        (with("templateName", json!("x".repeat(256))), "templateName: "),
        (with("templateName", json!("Forms")), "templateName: forms stands in paths for something else"),
        (with("templateName", json!("sections")), "templateName: "),
        (with("templateName", json!("CONFIGURATIONS")), "templateName: "),
        (with("defaultLanguage", json!("FR")), "defaultLanguage: "),
        (with("defaultLanguage", json!("EN")), "orderedSectionNames[0]: "),
        (with("orderedSectionNames", json!([])), "orderedSectionNames: "),
        (with("orderedSectionNames", json!([spanish, english])), "orderedSectionNames[1]: "),
        (with("orderedSectionNames", json!(vec![&spanish; 101])), "orderedSectionNames: "),
        (with("orderedSectionNames", Value::Null), "orderedSectionNames: "),
        (rule(json!({"sectionExternalId": spanish})), "rules[0].condition: "),
        (rule(json!({"sectionExternalId": spanish, "condition": "GDPR"})), "rules[0].condition: expected NAME:VALUE"),
        (rule(json!({"sectionExternalId": "My Section", "condition": "A:B"})), "rules[0].sectionExternalId: "),
        (rule(json!({"condition": "A:B"})), "rules[0].sectionExternalId: "),
        (with("rules", json!(vec![json!({"sectionExternalId": spanish, "condition": "A:B"}); 101])), "rules: "),
    ] {
        let refused = create(&journey, &body).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{body}: {refused}");
    }
    metadata(&journey, &name, "1/metadata").expect_problem(404, "RESOURCE_NOT_FOUND");
    // None of them keeps a section.
    delete_section(&journey, &spanish).expect(204);
    delete_section(&journey, &english).expect(204);
}

#[test]
fn a_section_that_is_not_there_is_a_404_and_a_deleted_one_a_410() {
    let (_server, journey) = shared();
    let (name, there, deleted) = (new_name("template"), spanish(&journey), spanish(&journey));
    delete_section(&journey, &deleted).expect(204);
    for missing in [&new_name("nothing"), "No Such", NOBODY] {
        let refused = create(&journey, &body(&name, &[&there, missing])).expect_problem(404, "RESOURCE_NOT_FOUND");
        assert!(refused.details().contains("orderedSectionNames[1]"), "{refused}");
    }
    let refused = create(&journey, &body(&name, &[&deleted])).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    assert!(refused.details().contains("orderedSectionNames[0]"), "{refused}");
    // Operations without 410 (note deleted-others).
    create(&journey, &body(&name, &[&there])).expect(201);
    let upgrade = json!({"defaultLanguage": "ES", "orderedSectionNames": [deleted]});
    add(&journey, &name, &upgrade).expect_problem(404, "RESOURCE_NOT_FOUND");
    change(&journey, &name, 1, &json!({"orderedSectionNames": [deleted]})).expect_problem(404, "RESOURCE_NOT_FOUND");
    create(&journey, &body(&name.to_uppercase(), &[&there])).expect_problem(409, "CONFLICT");
}

#[test]
fn a_major_version_has_its_own_contract_of_use_and_the_next_number() {
    let (_server, journey) = shared();
    let (first, other) = (spanish(&journey), section(&journey, &["EN"], &["OTHER"]));
    let name = template(&journey, &[&first]);
    let upgrade = json!({
        "defaultLanguage": "EN", "orderedSectionNames": [other], "changelog": "the new law",
        "rules": [{"sectionId": other, "condition": "A:B"}, {"sectionExternalId": other, "sectionId": other, "condition": "C:D"}],
    });
    let made = add(&journey, &name, &upgrade).expect(201).json();
    assert_eq!((&made["version"], &made["languages"]), (&json!("2.0"), &json!(["EN"])));
    let rules = json!([{"sectionExternalId": other, "condition": "A:B"}, {"sectionExternalId": other, "condition": "C:D"}]);
    assert_eq!(made["rules"], rules, "one spelling is answered (note rule-section-key)");
    let of_first = metadata(&journey, &name, "1/metadata").expect(200).json();
    assert_eq!(of_first["templates"][0]["orderedSectionNames"], json!([first]), "callers keep filling the old one");

    for (rule, path) in [
        (json!({"condition": "A:B"}), "rules[0].sectionExternalId: the member is missing"),
        (json!({"sectionId": first, "sectionExternalId": other, "condition": "A:B"}), "rules[0].sectionExternalId: "),
    ] {
        let wrong = json!({"defaultLanguage": "EN", "orderedSectionNames": [other], "rules": [rule]});
        let refused = add(&journey, &name, &wrong).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{refused}");
    }
    let long = json!({"defaultLanguage": "EN", "orderedSectionNames": [other], "changelog": "x".repeat(1001)});
    assert!(add(&journey, &name, &long).expect_problem(400, "INVALID_INPUT").details().starts_with("changelog: "));
    add(&journey, &new_name("nothing"), &upgrade).expect_problem(404, "RESOURCE_NOT_FOUND");
}

/// Note template-patch-conflict.
#[test]
fn a_change_keeps_the_contract_of_use_or_is_a_409() {
    let (_server, journey) = shared();
    let (first, same) = (section(&journey, &["ES", "EN"], &["NAME"]), section(&journey, &["EN", "ES", "CA"], &["NAME"]));
    let (other, spanish) = (section(&journey, &["ES", "EN"], &["NAME", "CITY"]), spanish(&journey));
    let name = new_name("template");
    let rule = |section: &str, condition: &str| json!({"sectionExternalId": section, "condition": condition});
    let mut creation = body(&name, &[&first]);
    creation["rules"] = json!([rule(&first, "A:B")]);
    create(&journey, &creation).expect(201);

    let changed = change(&journey, &name, 1, &json!({"orderedSectionNames": [same, first], "changelog": "an annex"})).expect(201);
    let changed = changed.json();
    assert_eq!((&changed["version"], &changed["rules"]), (&json!("1.1"), &json!([rule(&first, "A:B")])));
    let more = json!({"rules": [rule(&same, "A:B"), rule(&first, "NEW:YES")], "orderedSectionNames": [same]});
    let more = change(&journey, &name, 1, &more).expect(201).json();
    assert_eq!((&more["version"], &more["languages"]), (&json!("1.2"), &json!(["EN", "ES", "CA"])), "more languages are a minor");

    for (breaking, why) in [
        (json!({"orderedSectionNames": [other]}), "it adds the field CITY"),
        (json!({"orderedSectionNames": [spanish]}), "it lacks a language"),
        (json!({"defaultLanguage": "EN"}), "it has another default language"),
        (json!({"rules": []}), "it lacks the condition A:B"),
        (json!({"rules": [rule(&same, "A:B")]}), "it lacks the condition NEW:YES"),
    ] {
        let refused = change(&journey, &name, 1, &breaking).expect_problem(409, "CONFLICT");
        assert!(refused.details().contains(why) && refused.details().contains("make a new major version"), "{refused}");
    }
    let refused = change(&journey, &name, 1, &json!({"orderedSectionNames": []})).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("orderedSectionNames: "), "{refused}");
    for (template, major) in [(&name, 2), (&new_name("nothing"), 1)] {
        change(&journey, template, major, &json!({})).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    // What is left out, or null, stays.
    let kept = change(&journey, &name, 1, &json!({"rules": null, "defaultLanguage": null})).expect(201).json();
    assert_eq!((&kept["version"], &kept["rules"]), (&json!("1.3"), &more["rules"]));
}

/// Note include-history.
#[test]
fn metadata_are_of_the_latest_minor_or_of_all() {
    let (_server, journey) = shared();
    let section = spanish(&journey);
    let name = template(&journey, &[&section]);
    add(&journey, &name, &json!({"defaultLanguage": "ES", "orderedSectionNames": [section]})).expect(201);
    for _ in 0..3 {
        change(&journey, &name, 1, &json!({})).expect(201);
    }
    let versions = |rest: &str| -> Vec<String> {
        let templates = metadata(&journey, &name, rest).expect(200).json()["templates"].as_array().expect("templates").clone();
        templates.iter().map(|template| template["version"].as_str().expect("a version").to_owned()).collect()
    };
    assert_eq!(versions("1/metadata"), ["1.3"]);
    for history in ["history", "include=history", "include%3Dhistory"] {
        assert_eq!(versions(&format!("1/metadata?include={history}")), ["1.3", "1.2", "1.1", "1.0"]);
    }
    assert_eq!(versions("2/metadata?include=history"), ["2.0"]);
    for wrong in ["", "all", "HISTORY"] {
        metadata(&journey, &name, &format!("1/metadata?include={wrong}")).expect_problem(400, "PARAMETER_ERROR");
    }
    metadata(&journey, &name, "3/metadata").expect_problem(404, "RESOURCE_NOT_FOUND");
    metadata(&journey, &name, "1.0/metadata").expect_problem(400, "PARAMETER_ERROR");
}

/// Note deleted-others.
#[test]
fn the_last_version_goes_first_and_a_template_with_its_last_one() {
    let (_server, journey) = shared();
    let (first, second) = (spanish(&journey), spanish(&journey));
    let name = template(&journey, &[&first]);
    change(&journey, &name, 1, &json!({"orderedSectionNames": [second]})).expect(201);
    let upgrade = json!({"defaultLanguage": "ES", "orderedSectionNames": [second]});
    add(&journey, &name, &upgrade).expect(201);

    let refused = delete(&journey, &name, "1").expect_problem(409, "CONFLICT");
    assert_eq!(refused.details(), "only the latest major version can be deleted, and that is 2");
    let refused = delete(&journey, &name, "2/minor").expect_problem(409, "CONFLICT");
    assert!(refused.details().starts_with("2.0 is the base of its major version"), "{refused}");
    for missing in ["3", "3/minor"] {
        delete(&journey, &name, missing).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    let refused = delete_section(&journey, &first).expect_problem(409, "CONFLICT");
    assert_eq!(refused.details(), format!("the section is part of the template {name}; delete that first"), "1.0 still has it");

    delete(&journey, &name, "2").expect(204);
    metadata(&journey, &name, "2/metadata").expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    delete(&journey, &name, "2").expect_problem(404, "RESOURCE_NOT_FOUND");
    change(&journey, &name, 2, &json!({})).expect_problem(404, "RESOURCE_NOT_FOUND");
    delete(&journey, &name, "1/minor").expect(204);
    delete_section(&journey, &second).expect(204);
    delete(&journey, &name, "1/minor").expect_problem(409, "CONFLICT");

    delete(&journey, &name, "1").expect(204);
    for gone in [metadata(&journey, &name, "1/metadata"), changelog(&journey, &name)] {
        gone.expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    }
    add(&journey, &name, &json!({"defaultLanguage": "ES", "orderedSectionNames": [first]}))
        .expect_problem(404, "RESOURCE_NOT_FOUND");
    delete(&journey, &name, "1/minor").expect_problem(404, "RESOURCE_NOT_FOUND");

    // The name is free, and what it had before is still known as deleted.
    let made = create(&journey, &body(&name, &[&first])).expect(201).json();
    assert_eq!(made["version"], "1.0");
    metadata(&journey, &name, "2/metadata").expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    metadata(&journey, &name, "3/metadata").expect_problem(404, "RESOURCE_NOT_FOUND");
    assert_eq!(changelog(&journey, &name).expect(200).json()["changelogHistory"].as_array().map(Vec::len), Some(1));
}

/// Note creation-in-changelog.
#[test]
fn the_changelog_has_every_change_newest_first() {
    let (_server, journey) = shared();
    let section = spanish(&journey);
    let name = template(&journey, &[&section]);
    change(&journey, &name, 1, &json!({"changelog": "a typo"})).expect(201);
    let upgrade = json!({"defaultLanguage": "ES", "orderedSectionNames": [section], "changelog": "the new law"});
    add(&journey, &name, &upgrade).expect(201);
    change(&journey, &name, 1, &json!({})).expect(201);
    delete(&journey, &name, "1/minor").expect(204);
    delete(&journey, &name, "2").expect(204);

    let history = changelog(&journey, &name).expect(200).json()["changelogHistory"].clone();
    let told = history.as_array().expect("a history").iter().map(|line| {
        let text = |member: &str| line[member].as_str().unwrap_or("-").to_owned();
        format!("{} > {}: {}", text("fromVersion"), text("toVersion"), text("changelog"))
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "2.0 > 1.1: major version 2 was deleted",
            "1.2 > 1.1: version 1.2 was deleted",
            "1.1 > 1.2: -",
            "1.1 > 2.0: the new law",
            "1.0 > 1.1: a typo",
            "- > 1.0: -",
        ]
    );
    let dates: Vec<_> = history.as_array().into_iter().flatten().map(|line| line["onDate"].as_str().expect("a date")).collect();
    assert!(dates.is_sorted_by(|newer, older| newer >= older), "{dates:?}");
    changelog(&journey, &new_name("nothing")).expect_problem(404, "RESOURCE_NOT_FOUND");
}

/// Note paging-all.
#[test]
fn templates_come_all_at_once_unless_a_page_is_asked_for_each_with_its_highest_version() {
    let (server, journey) = own(None);
    let list = |query: &str| journey.client.get(&journey.path(&format!("templates{query}"))).send();
    assert_eq!(list("").expect(200).json(), json!({"totalResults": 0, "currentPage": 0, "templates": []}));

    let section = spanish(&journey);
    let names: Vec<String> = (0..55).map(|number| format!("template_{number}")).collect();
    names.iter().for_each(|name| drop(create(&journey, &body(name, &[&section])).expect(201)));
    let listed = |query: &str| {
        let page = list(query).expect(200).json();
        let templates = page["templates"].as_array().expect("templates").clone();
        let names = templates.iter().map(|template| template["externalId"].as_str().expect("an external id").to_owned());
        (page["totalResults"].as_u64(), page["currentPage"].as_u64(), names.collect::<Vec<_>>())
    };
    let newest: Vec<String> = names.iter().rev().cloned().collect();
    assert_eq!(listed(""), (Some(55), Some(0), newest.clone()));
    assert_eq!(listed("?page=1"), (Some(55), Some(1), newest[50..].to_vec()));
    assert_eq!(listed("?pageSize=3"), (Some(55), Some(0), newest[..3].to_vec()));
    assert_eq!(listed("?page=2&pageSize=3"), (Some(55), Some(2), newest[6..9].to_vec()));
    list("?pageSize=0").expect_problem(400, "PARAMETER_ERROR");

    change(&journey, "template_54", 1, &json!({})).expect(201);
    add(&journey, "template_53", &json!({"defaultLanguage": "ES", "orderedSectionNames": [section]})).expect(201);
    change(&journey, "template_53", 1, &json!({})).expect(201);
    delete(&journey, "template_52", "1").expect(204);
    let page = list("?pageSize=60").expect(200).json();
    let versions: std::collections::HashMap<_, _> = page["templates"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|template| (template["externalId"].as_str().unwrap_or_default(), template["version"].as_str().unwrap_or_default()))
        .collect();
    let of = |name: &str| versions.get(name).copied();
    assert_eq!((of("template_54"), of("template_53"), of("template_52")), (Some("1.1"), Some("2.0"), None));
    assert_eq!(page["totalResults"], 54);

    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    assert_eq!(other.client.get(&other.path("templates")).send().expect(200).json()["totalResults"], 0);
    metadata(&other, "template_1", "1/metadata").expect_problem(404, "RESOURCE_NOT_FOUND");
    changelog(&other, "template_1").expect_problem(404, "RESOURCE_NOT_FOUND");
    change(&other, "template_1", 1, &json!({})).expect_problem(404, "RESOURCE_NOT_FOUND");
    delete(&other, "template_1", "1").expect_problem(404, "RESOURCE_NOT_FOUND");
    create(&other, &body("template_1", &[&section])).expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn changes_at_once_get_a_number_each_or_are_told_to_come_again() {
    let (_server, journey) = shared();
    let section = spanish(&journey);
    let name = template(&journey, &[&section]);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let (journey, name) = (&journey, &name);
        let calls: Vec<_> = (0..6)
            .map(|number| scope.spawn(move || change(journey, name, 1, &json!({"changelog": number.to_string()}))))
            .collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    let made = answers.iter().filter(|answer| answer.status == 201);
    let mut numbers: Vec<String> = made.map(|answer| answer.json()["version"].as_str().expect("a version").to_owned()).collect();
    assert!(answers.iter().all(|answer| [201, 503].contains(&answer.status)) && !numbers.is_empty());
    numbers.sort();
    let expected: Vec<String> = (1..=numbers.len()).map(|minor| format!("1.{minor}")).collect();
    assert_eq!(numbers, expected);
    let lines = changelog(&journey, &name).expect(200).json()["changelogHistory"].as_array().map(Vec::len);
    assert_eq!(lines, Some(numbers.len() + 1), "each is in the changelog");
}

#[test]
fn a_configuration_stays_while_a_template_has_fields_of_it() {
    let (_server, journey) = own(None);
    let configurations = journey.path("templates/configurations");
    let field = json!({"name": "CONFIG_TENANT.CITY", "type": "TEXT", "value": [{"language": "ES", "content": "Bilbao"}]});
    let configuration = json!({"defaultLanguage": "ES", "fieldValues": [field]});
    journey.client.post(&configurations).json(&configuration).send().expect(200);
    let name = template(&journey, &[&section(&journey, &["ES"], &["CONFIG_TENANT.CITY"])]);
    let version = format!("{configurations}/1");
    journey.client.delete(&version).send().expect_problem(409, "CONFLICT");
    delete(&journey, &name, "1").expect(204);
    journey.client.delete(&version).send().expect(204);
}
