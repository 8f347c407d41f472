//! Dynamic templates: versions with schemas and files, what minors keep to, deletion, changelog, links to files.

use std::thread;

use serde_json::{Value, json};

use crate::{
    NOBODY,
    forms::new_name,
    own, shared,
    support::{Answer, Form, Journey, Server},
};

const TEMPLATE: &str = "<html><body><p>{{NAME}}</p></body></html>";

/// The contract's `multipart/mixed`.
const MIXED: &str = "multipart/mixed";

pub fn structure() -> Value {
    json!({
        "type": "object", "required": ["NAME"], "additionalProperties": false,
        "properties": {"NAME": {"type": "string"}, "PRICE": {"type": "number", "minimum": 0}},
    })
}

/// A source in a language, whose files are those that [`files`] makes.
pub fn source(language: &str) -> Value {
    json!({
        "language": language, "template_part_name": format!("{language}.hbs"), "editor_config_part_name": format!("{language}.json"),
        "structure": structure(), "engine_version": "3.12",
    })
}

pub fn metadata(external_id: &str, languages: &[&str]) -> Value {
    let sources: Vec<Value> = languages.iter().map(|language| source(language)).collect();
    json!({"external_id": external_id, "description": "An invoice", "default_language": languages[0], "tags": ["Invoice", "a b"],
           "sources": sources})
}

/// The files of these languages: a template with a text, and a configuration.
pub fn files(form: Form, languages: &[&str], text: &str) -> Form {
    languages.iter().fold(form, |form, language| {
        let template = TEMPLATE.replace("</p>", &format!(" {text}</p>"));
        form.file("files", &format!("{language}.hbs"), template).file(
            "files",
            &format!("{language}.json"),
            format!("{{\"of\": \"{text}\"}}"),
        )
    })
}

/// A whole body: metadata, and files of these languages.
pub fn body(metadata: &Value, languages: &[&str]) -> Form {
    files(Form::new().part("metadata", metadata.to_string()), languages, "first")
}

fn create(journey: &Journey, form: Form) -> Answer {
    journey.client.post(&journey.path("dynamic_templates")).form_as(form, MIXED).send()
}

fn below(journey: &Journey, template: &str, rest: &str) -> String {
    journey.path(&format!("dynamic_templates/{template}/{rest}"))
}

fn get(journey: &Journey, template: &str, rest: &str) -> Answer {
    journey.client.get(&below(journey, template, rest)).send()
}

fn major(journey: &Journey, template: &str, form: Form) -> Answer {
    journey.client.post(&below(journey, template, "versions")).form_as(form, MIXED).send()
}

fn minor(journey: &Journey, template: &str, version: u32, form: Form) -> Answer {
    journey.client.patch(&below(journey, template, &format!("versions/{version}"))).form_as(form, MIXED).send()
}

fn delete(journey: &Journey, template: &str, rest: &str) -> Answer {
    journey.client.delete(&below(journey, template, rest)).send()
}

/// A template in Spanish, version 1.0.
fn invoice(journey: &Journey) -> String {
    let name = new_name("invoice");
    create(journey, body(&metadata(&name, &["ES"]), &["ES"])).expect(201);
    name
}

fn without(mut value: Value, member: &str) -> Value {
    value.as_object_mut().expect("an object").remove(member);
    value
}

fn with(mut value: Value, member: &str, other: Value) -> Value {
    value[member] = other;
    value
}

/// Metadata whose only source has another member.
fn with_source(metadata: &Value, member: &str, other: Value) -> Value {
    let mut metadata = metadata.clone();
    metadata["sources"][0][member] = other;
    metadata
}

/// What anybody reads under a link.
fn fetched(server: &Server, link: &Value) -> Answer {
    let link = link.as_str().expect("a link").strip_prefix(server.base()).expect("of this server");
    server.anonymous().get(link).send()
}

#[test]
fn a_template_is_made_of_its_files_and_read_with_links_to_them() {
    let (server, journey) = shared();
    let name = new_name("invoice");
    let made = create(&journey, body(&metadata(&name, &["ES", "EN"]), &["ES", "EN"])).expect(201).json();
    let date = made["creation_date"].clone();
    let expected = json!({
        "external_id": name, "description": "An invoice", "version": "1.0", "default_language": "ES", "languages": ["ES", "EN"],
        "tags": ["Invoice", "a b"], "creation_date": date,
    });
    assert_eq!(made, expected);

    let version = get(&journey, &name, "versions/1/minors/0").expect(200).json();
    assert_eq!(version["structure"], structure());
    for (member, value) in expected.as_object().expect("members") {
        assert_eq!(&version[member], value, "{member}");
    }
    let sources = version["sources"].as_array().expect("sources");
    assert_eq!(sources.len(), 2);
    for source in sources {
        assert_eq!(source["engine_version"], "3.12");
        let template = fetched(&server, &source["template_url"]).expect(200);
        assert_eq!(String::from_utf8_lossy(&template.body), TEMPLATE.replace("</p>", " first</p>"));
        assert_eq!(template.header("content-security-policy"), "sandbox; default-src 'none'", "it does not run here");
        assert_eq!(template.header("content-disposition"), format!("attachment; filename=\"{name}.hbs\""));
        let config = fetched(&server, &source["editor_config_url"]).expect(200);
        assert_eq!((config.json(), config.header("content-type")), (json!({"of": "first"}), "application/json"));
    }
    let minors = get(&journey, &name, "versions/1").expect(200).json();
    let listed = &minors["templates"][0];
    assert_eq!((minors["templates"].as_array().map(Vec::len), &listed["structure"]), (Some(1), &version["structure"]));
}

#[test]
fn links_lead_to_one_file_and_end_with_the_version() {
    let (server, journey) = shared();
    let name = invoice(&journey);
    let read = || get(&journey, &name, "versions/1/minors/0").expect(200).json()["sources"][0].clone();
    let (first, second) = (read(), read());
    assert_ne!(first["template_url"], second["template_url"], "nothing of it can be guessed");
    let link = first["template_url"].as_str().expect("a link");
    assert!(!link.contains(&name) && !link.contains("acme"));
    for other in [format!("{link}x"), link[..link.len() - 2].to_owned(), link.replace("/template_files/", "/public/")] {
        fetched(&server, &json!(other)).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    delete(&journey, &name, "versions/1").expect(204);
    fetched(&server, &first["template_url"]).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
    fetched(&server, &second["editor_config_url"]).expect_problem(410, "RESOURCE_IS_NO_LONGER_AVAILABLE");
}

/// Notes part-names and multipart-mixed.
#[test]
fn a_file_is_found_by_the_name_of_its_part_or_its_own() {
    let (_server, journey) = shared();
    let named = |template: &str, config: &str| {
        let metadata = with_source(&metadata(&new_name("invoice"), &["ES"]), "template_part_name", json!(template));
        Form::new().part("metadata", with_source(&metadata, "editor_config_part_name", json!(config)).to_string())
    };
    // By their parts, one of which a mail program would write.
    let parts = named("el_cuerpo", "la configuración").part("el_cuerpo", TEMPLATE);
    create(&journey, parts.disposed("attachment; name=\"la configuración\"", "{}")).expect(201);
    // By their files, in a form as browsers send it.
    let form = named("año.hbs", "c.json").disposed("form-data; name=files; filename*=UTF-8''a%C3%B1o.hbs", TEMPLATE);
    journey.client.post(&journey.path("dynamic_templates")).form(form.file("files", "c.json", "{}")).send().expect(201);
    // One file for both languages, and one that nothing names.
    let mut both = metadata(&new_name("invoice"), &["ES", "EN"]);
    both["sources"][1]["template_part_name"] = json!("ES.hbs");
    both["sources"][1]["editor_config_part_name"] = json!("ES.json");
    create(&journey, body(&both, &["ES"]).part("unknown", "x")).expect(201);

    let refused = create(&journey, named("a", "b").part("b", "{}").part("metadatas", "x")).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("sources[0].template_part_name: no part of the body"), "{refused}");
    let twice = named("a", "b").part("a", TEMPLATE).file("files", "a", TEMPLATE).part("b", "{}");
    let refused = create(&journey, twice).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("sources[0].template_part_name: more than one part"), "{refused}");
    let metadata_itself = named("metadata", "b").part("b", "{}");
    create(&journey, metadata_itself).expect_problem(400, "INVALID_INPUT");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_nothing_is_made() {
    let (_server, journey) = shared();
    let name = new_name("wrong");
    let good = metadata(&name, &["ES"]);
    let structured = |structure: Value| with_source(&good, "structure", structure);
    let two = |other: Value| {
        let mut two = metadata(&name, &["ES", "EN"]);
        two["sources"][1]["structure"] = other;
        two
    };
    let doubling: serde_json::Map<String, Value> = (0..30)
        .map(|at| {
            let next = json!({"$ref": format!("#/$defs/d{}", at + 1)});
            (format!("d{at}"), json!({"anyOf": [next, next]}))
        })
        .chain([("d30".to_owned(), json!({}))])
        .collect();
    for (metadata, path) in [
        (without(good.clone(), "external_id"), "metadata: external_id: the member is missing"),
        (with(good.clone(), "external_id", json!("My Invoice")), "external_id: "),
        (with(good.clone(), "external_id", json!("x".repeat(256))), "external_id: "),
        (with(good.clone(), "description", json!(" ")), "description: "),
        (with(good.clone(), "description", json!("x".repeat(1001))), "description: "),
        (with(good.clone(), "default_language", json!("EN")), "default_language: expected the language of one of the sources"),
        (with(good.clone(), "default_language", json!("FR")), "metadata: default_language: "),
        (with(good.clone(), "tags", json!(["a", "a"])), "tags[1]: "),
        (with(good.clone(), "tags", json!(["a", "b", "c", "d", "e", "f"])), "tags: "),
        (with(good.clone(), "sources", json!([])), "sources: "),
        (with(good.clone(), "sources", json!([source("ES"), source("ES")])), "sources[1].language: "),
        (with_source(&good, "engine_version", json!("")), "sources[0].engine_version: "),
        (without(with_source(&good, "structure", Value::Null), "tags"), "sources[0].structure: "),
        (structured(json!([])), "sources[0].structure: "),
        (structured(json!({"type": "nmber"})), "sources[0].structure: /type: "),
        (structured(json!({"properties": {"a": {"$ref": "http://127.0.0.1/x"}}})), "sources[0].structure: /properties/a: $ref: "),
        (structured(json!({"pattern": "(a{1000}){1000}"})), "sources[0].structure: /pattern: "),
        (structured(json!({"$ref": "#/$defs/d0", "$defs": doubling})), "sources[0].structure: "),
        (two(json!({"type": "object"})), "sources[1].structure: expected the structure of the first source"),
    ] {
        let refused = create(&journey, body(&metadata, &["ES", "EN"])).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{path}: {refused}");
    }
    for (form, path) in [
        (files(Form::new(), &["ES"], "x"), "metadata: the part is missing"),
        (files(Form::new().part("metadata", "{"), &["ES"], "x"), "metadata: not valid JSON"),
        (
            Form::new().part("metadata", good.to_string()).file("files", "ES.hbs", TEMPLATE).file("files", "ES.json", "{no"),
            "sources[0].editor_config_part_name: ",
        ),
        (
            Form::new()
                .part("metadata", good.to_string())
                .file("files", "ES.hbs", "<p>{{#if NAME}}</p>")
                .file("files", "ES.json", "{}"),
            "sources[0].template_part_name: ",
        ),
        (
            Form::new()
                .part("metadata", good.to_string())
                .file("files", "ES.hbs", "<p>{{OTHER}}</p>")
                .file("files", "ES.json", "{}"),
            "sources[0].template_part_name: ",
        ),
        ((0..15).fold(body(&good, &["ES"]), |form, at| form.part(&format!("more_{at}"), "x")), "the body has more than 14 files"),
    ] {
        let refused = create(&journey, form).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{path}: {refused}");
    }
    let large = Form::new().part("metadata", good.to_string()).file("files", "ES.hbs", vec![b' '; 4 * 1024 * 1024 + 1]);
    create(&journey, large.file("files", "ES.json", "{}")).expect_problem(413, "INVALID_INPUT");
    for rest in ["versions/1", "versions/1/minors/0", "changelog"] {
        get(&journey, &name, rest).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    create(&journey, body(&good, &["ES"])).expect(201);
    create(&journey, body(&good, &["ES"])).expect_problem(409, "CONFLICT");
}

/// Note minor-breaking.
#[test]
fn a_minor_keeps_what_callers_rely_on_or_is_a_409() {
    let (_server, journey) = shared();
    let name = invoice(&journey);
    let of = |metadata: Value, languages: &[&str]| files(Form::new().part("metadata", metadata.to_string()), languages, "second");
    let added = minor(&journey, &name, 1, of(json!({"sources": [source("EN")], "changelog": "for England"}), &["EN"]));
    let added = added.expect(200).json();
    assert_eq!(
        (&added["version"], &added["languages"], &added["description"]),
        (&json!("1.1"), &json!(["ES", "EN"]), &json!("An invoice"))
    );
    let replaced = json!({"sources": [source("ES")], "description": "Better", "default_language": "ES"});
    let replaced = minor(&journey, &name, 1, of(replaced, &["ES"])).expect(200).json();
    assert_eq!(
        (&replaced["version"], &replaced["description"], &replaced["tags"]),
        (&json!("1.2"), &json!("Better"), &json!(["Invoice", "a b"]))
    );
    assert_eq!(minor(&journey, &name, 1, of(json!({}), &[])).expect(200).json()["version"], "1.3");

    let other_structure = with(source("ES"), "structure", json!({"type": "object"}));
    for breaking in [
        json!({"default_language": "EN"}),
        json!({"sources": [{"language": "EN"}]}),
        json!({"sources": [{"language": "EN", "template_part_name": null}]}),
        json!({"sources": [other_structure]}),
    ] {
        let refused = minor(&journey, &name, 1, of(breaking.clone(), &["ES"])).expect_problem(409, "CONFLICT");
        assert!(refused.details().contains("make a new major version instead"), "{breaking}: {refused}");
    }
    for (wrong, path) in [
        (json!({"sources": [{"language": "CA"}]}), "sources[0].template_part_name: a new language needs its file"),
        (json!({"sources": [without(source("ES"), "structure")]}), "sources[0].structure: "),
        (json!({"sources": [without(source("ES"), "engine_version")]}), "sources[0].engine_version: "),
        (
            json!({"sources": [with(source("ES"), "editor_config_part_name", Value::Null)]}),
            "sources[0].editor_config_part_name: ",
        ),
        (json!({"sources": [source("CA")]}), "sources[0].template_part_name: no part of the body"),
        (json!({"sources": [source("ES"), source("ES")]}), "sources[1].language: "),
        (json!({"changelog": "x".repeat(1001)}), "changelog: "),
        (json!({"description": null}), "metadata: description: "),
        (json!({"default_language": null}), "metadata: default_language: the value is not of the form"),
    ] {
        let refused = minor(&journey, &name, 1, of(wrong, &["ES"])).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{path}: {refused}");
    }
    for (template, version) in [(name.as_str(), 2), ("nothing", 1), (NOBODY, 1)] {
        minor(&journey, template, version, of(json!({}), &[])).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    let minors = get(&journey, &name, "versions/1").expect(200).json();
    let versions: Vec<_> = minors["templates"].as_array().into_iter().flatten().map(|minor| minor["version"].clone()).collect();
    assert_eq!(versions, ["1.3", "1.2", "1.1", "1.0"], "what was refused changed nothing");
}

#[test]
fn a_major_takes_nothing_over_and_only_the_latest_can_go() {
    let (_server, journey) = shared();
    let name = invoice(&journey);
    let mut english = without(metadata("", &["EN"]), "external_id");
    (english["changelog"], english["tags"]) = (json!("the new law"), json!([]));
    english["sources"][0]["structure"] = json!({"type": "object", "properties": {"NAME": {"type": "string"}}});
    let made = major(&journey, &name, body(&english, &["EN"])).expect(201).json();
    assert_eq!((&made["version"], &made["languages"], &made["tags"]), (&json!("2.0"), &json!(["EN"]), &json!([])));
    let refused = major(&journey, &name, body(&with(english.clone(), "default_language", json!("ES")), &["EN"]));
    assert!(refused.expect_problem(400, "INVALID_INPUT").details().starts_with("default_language: "));
    major(&journey, "nothing", body(&english, &["EN"])).expect_problem(404, "RESOURCE_NOT_FOUND");

    delete(&journey, &name, "versions/1").expect_problem(409, "CONFLICT");
    delete(&journey, &name, "versions/2/minor").expect_problem(409, "CONFLICT");
    delete(&journey, &name, "versions/3").expect_problem(404, "RESOURCE_NOT_FOUND");
    delete(&journey, &name, "versions/3/minor").expect_problem(404, "RESOURCE_NOT_FOUND");
    minor(&journey, &name, 2, Form::new().part("metadata", "{}")).expect(200);
    delete(&journey, &name, "versions/2/minor").expect(204);
    get(&journey, &name, "versions/2/minors/1").expect_problem(404, "RESOURCE_NOT_FOUND");
    delete(&journey, &name, "versions/2").expect(204);
    get(&journey, &name, "versions/2").expect_problem(404, "RESOURCE_NOT_FOUND");
    // The number is free again.
    assert_eq!(major(&journey, &name, body(&english, &["EN"])).expect(201).json()["version"], "2.0");

    let history = get(&journey, &name, "changelog").expect(200).json()["changelog_history"].clone();
    let told = history.as_array().expect("lines").iter().map(|line| {
        let text = |member: &str| line[member].as_str().unwrap_or("-").to_owned();
        assert!(line["subject"].as_str().is_some_and(|subject| !subject.is_empty()), "{line}");
        format!("{} {} {}", text("from_version"), text("to_version"), text("changelog"))
    });
    let expected = [
        "1.0 2.0 the new law",
        "2.0 1.0 major version 2 was deleted",
        "2.1 2.0 version 2.1 was deleted",
        "2.0 2.1 -",
        "1.0 2.0 the new law",
        "- 1.0 -",
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected, "newest first; the creation is the oldest (note creation-in-changelog)");

    for version in ["versions/2", "versions/1"] {
        delete(&journey, &name, version).expect(204);
    }
    for rest in ["versions/1", "versions/1/minors/0", "changelog"] {
        get(&journey, &name, rest).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    major(&journey, &name, body(&english, &["EN"])).expect_problem(404, "RESOURCE_NOT_FOUND");
    create(&journey, body(&metadata(&name, &["ES"]), &["ES"])).expect(201);
    assert_eq!(get(&journey, &name, "changelog").expect(200).json()["changelog_history"].as_array().map(Vec::len), Some(1));
}

#[test]
fn numbers_in_paths_are_numbers() {
    let (_server, journey) = shared();
    let name = invoice(&journey);
    for (rest, path) in [
        ("versions/0", "major_version: expected a whole number from 1"),
        ("versions/x/minors/0", "major_version: "),
        ("versions/1/minors/x", "minor_version: expected a whole number from 0"),
        ("versions/1/minors/-1", "minor_version: "),
        ("versions/1/minors/00", "minor_version: "),
    ] {
        let refused = get(&journey, &name, rest).expect_problem(400, "PARAMETER_ERROR");
        assert!(refused.details().starts_with(path), "{rest}: {refused}");
    }
    for rest in
        ["versions/4294967296", "versions/1/minors/4294967296", "versions/1/minors/1", "versions/99999999999999999999/minors/0"]
    {
        get(&journey, &name, rest).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    delete(&journey, &name, "versions/0/minor").expect_problem(400, "PARAMETER_ERROR");
    delete(&journey, &name, "versions/0").expect_problem(400, "PARAMETER_ERROR");
    minor(&journey, &name, 0, Form::new().part("metadata", "{}")).expect_problem(400, "PARAMETER_ERROR");
    // A name that no template can have is that of none.
    for other in ["Invoice", "a-b", "%C3%B1"] {
        get(&journey, other, "changelog").expect_problem(404, "RESOURCE_NOT_FOUND");
    }
}

#[test]
fn a_listing_has_each_major_newest_first_and_is_of_one_organization() {
    let (server, journey) = own(None);
    let list = |query: &str| journey.client.get(&journey.path(&format!("dynamic_templates{query}"))).send();
    assert_eq!(list("").expect(200).json(), json!({"page": 0, "page_size": 50, "templates": []}));
    for name in ["a", "b", "c"] {
        create(&journey, body(&metadata(name, &["ES"]), &["ES"])).expect(201);
    }
    let second = without(metadata("", &["ES"]), "external_id");
    major(&journey, "a", body(&second, &["ES"])).expect(201);
    minor(&journey, "b", 1, Form::new().part("metadata", "{}")).expect(200);
    let listed = |query: &str| {
        let page = list(query).expect(200).json();
        let lines = page["templates"].as_array().expect("templates").iter();
        lines
            .map(|line| format!("{} {}", line["external_id"].as_str().unwrap(), line["version"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(listed(""), ["b 1.1", "a 2.0", "c 1.0", "a 1.0"]);
    assert_eq!(
        (listed("?page_size=3").len(), listed("?page=1&page_size=3"), listed("?page=9")),
        (3, vec!["a 1.0".to_owned()], Vec::new())
    );
    assert_eq!(list("?page=1&page_size=3").json()["page_size"], 3);
    assert_eq!(listed("?external_id=a"), ["a 2.0", "a 1.0"]);
    assert!(listed("?external_id=A").is_empty() && listed("?external_id=d").is_empty());
    for (query, name) in [("?page=x", "page: "), ("?page_size=0", "page_size: ")] {
        assert!(list(query).expect_problem(400, "PARAMETER_ERROR").details().starts_with(name));
    }

    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    let of_other = other.client.get(&other.path("dynamic_templates")).send().expect(200).json();
    assert_eq!(of_other["templates"], json!([]));
    for rest in ["versions/1", "versions/1/minors/0", "changelog"] {
        get(&other, "a", rest).expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    delete(&other, "a", "versions/2").expect_problem(404, "RESOURCE_NOT_FOUND");
    minor(&other, "a", 1, Form::new().part("metadata", "{}")).expect_problem(404, "RESOURCE_NOT_FOUND");
    // Readers read, and do not write.
    let reader = Journey::of(server.client_with(&server.token("acme", &["templates_read"])), "acme");
    get(&reader, "a", "versions/1").expect(200);
    delete(&reader, "a", "versions/2").expect_problem(401, "UNAUTHORIZED");
    create(&reader, body(&metadata("d", &["ES"]), &["ES"])).expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn changes_at_once_get_a_number_each_or_are_told_to_come_again() {
    let (_server, journey) = shared();
    let name = invoice(&journey);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let (journey, name) = (&journey, &name);
        let form = |number: usize| Form::new().part("metadata", json!({"changelog": number.to_string()}).to_string());
        let calls: Vec<_> = (0..6).map(|number| scope.spawn(move || minor(journey, name, 1, form(number)))).collect();
        calls.into_iter().map(|call| call.join().expect("an answer")).collect()
    });
    assert!(answers.iter().all(|answer| [200, 503].contains(&answer.status)));
    let made = answers.iter().filter(|answer| answer.status == 200);
    let mut numbers: Vec<String> = made.map(|answer| answer.text("version")).collect();
    numbers.sort();
    let expected: Vec<String> = (1..=numbers.len()).map(|minor| format!("1.{minor}")).collect();
    assert!(!numbers.is_empty() && numbers == expected, "{numbers:?}");
}
