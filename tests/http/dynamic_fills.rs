//! Fills of dynamic templates: asked for, rendered in turns, stored; what is refused, and what becomes of a template meanwhile.

use serde_json::{Value, json};

use crate::{
    NOBODY, contract, own, shared,
    support::{Answer, Form, Journey, Options, PATIENCE, Server, wait_for},
};

const SECRET: &str = "Nicanor-Secreto";

/// Templates that use these data.
const HTML: &str = "<html><body><h1>{{TITLE}}</h1>{{#each LINES}}<p>{{this}}</p>{{/each}}</body></html>";

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["TITLE"],
        "properties": {
            "TITLE": {"type": "string", "maxLength": 100},
            "LINES": {"type": "array", "items": {"type": "string"}},
        },
    })
}

fn source(language: &str, file: &str) -> Value {
    json!({
        "language": language, "template_part_name": file, "editor_config_part_name": "config.json",
        "engine_version": "1", "structure": schema(),
    })
}

/// A name that no other test uses.
fn unique(name: &str) -> String {
    format!("{name}_{}", uuid::Uuid::new_v4().simple())
}

/// Makes a template with sources in Spanish and Galician; answers its external id.
fn template(journey: &Journey, html: &str) -> String {
    template_by(journey, html, "1")
}

/// As [`template`], for an engine and a profile.
fn template_by(journey: &Journey, html: &str, engine_version: &str) -> String {
    let external_id = unique("factura");
    let mut sources = [source("ES", "es.hbs"), source("GL", "gl.hbs")];
    sources.iter_mut().for_each(|source| source["engine_version"] = json!(engine_version));
    let metadata = json!({
        "external_id": external_id, "description": "A bill", "default_language": "ES", "sources": sources,
    });
    let form = Form::new()
        .part("metadata", metadata.to_string())
        .file("files", "es.hbs", html)
        .file("files", "gl.hbs", html)
        .file("files", "config.json", "{}");
    journey.client.post(&journey.path("dynamic_templates")).form(form).send().expect(201);
    external_id
}

/// Another version, of which only the Spanish source differs.
fn next_minor(journey: &Journey, template: &str, html: &str) {
    let metadata = json!({"sources": [source("ES", "es.hbs")]});
    let form =
        Form::new().part("metadata", metadata.to_string()).file("files", "es.hbs", html).file("files", "config.json", "{}");
    let path = journey.path(&format!("dynamic_templates/{template}/versions/1"));
    journey.client.call(reqwest::Method::PATCH, &path).form(form).send().expect(200);
}

fn body(title: &str) -> Value {
    json!({"language": "ES", "document": {}, "fields_values": {"TITLE": title}})
}

fn ask(journey: &Journey, template: &str, body: &Value) -> Answer {
    journey.client.post(&journey.path(&format!("dynamic_templates/{template}/versions/1/fill"))).json(body).send()
}

fn look(journey: &Journey, id: &str) -> Value {
    journey.client.get(&journey.path(&format!("fill_process/{id}"))).send().expect(200).json()
}

/// The fill once it has ended.
fn ended(journey: &Journey, id: &str) -> Value {
    let is_over = |fill: &Value| ["COMPLETED", "FAILED"].contains(&fill["status"].as_str().unwrap_or_default());
    wait_for("the fill to end", PATIENCE, || Some(look(journey, id)).filter(is_over))
}

fn metadata(journey: &Journey, fill: &Value) -> Value {
    let id = fill["filled_document_id"].as_str().unwrap_or_else(|| panic!("no document: {fill}"));
    journey.client.get(&journey.path(&format!("documents/{id}/metadata"))).send().expect(200).json()
}

#[test]
fn a_fill_is_taken_and_becomes_a_document_with_the_label_of_its_template() {
    let (server, journey) = shared();
    let template = template(&journey, HTML);
    let request = json!({
        "language": "ES", "fill_priority": "high", "fields_values": {"TITLE": SECRET, "LINES": ["one", "two"]},
        "document": {"name": "factura_7.pdf", "tags": [" monthly ", "b", "c", "d", "e"]},
    });
    let call = journey.client.post(&journey.path(&format!("dynamic_templates/{template}/versions/1/fill")));
    let taken = call.header("fill-process-origin", "billing 2").json(&request).send().expect(202);
    assert_eq!(taken.header("fill-process-origin"), "billing 2");
    let id = taken.text("fill_process_id");
    let done = ended(&journey, &id);
    assert_eq!((&done["status"], &done["fill_process_id"]), (&json!("COMPLETED"), &json!(id)), "{done}");
    assert_eq!(done["template"], json!({"external_id": template, "major_version": 1, "minor_version": 0}));
    assert!(done["finish_date"].as_str() >= done["creation_date"].as_str() && done.get("error").is_none(), "{done}");
    let document = metadata(&journey, &done);
    assert_eq!(document["tags"], json!(["MONTHLY", "B", "C", "D", "E", format!("{template}-v1.0")]), "{document}");
    assert_eq!(document["name"], "factura_7.pdf");
    let pdf = journey.download(done["filled_document_id"].as_str().expect("an id"));
    assert!(pdf.starts_with(b"%PDF-") && lopdf::Document::load_mem(&pdf).is_ok_and(|pdf| pdf.get_pages().len() == 1));
    assert!(!server.log().contains(SECRET), "no value is in the log");
}

#[test]
fn a_source_asks_for_a_profile_by_its_engine_version() {
    let (_server, journey) = shared();
    for (engine_version, mark) in [("3.12 pdf-a", "pdfaid:part"), ("3.12 pdf-ua", "pdfuaid:part")] {
        let template = template_by(&journey, HTML, engine_version);
        let id = ask(&journey, &template, &body("For the archive")).expect(202).text("fill_process_id");
        let done = ended(&journey, &id);
        let pdf = journey.download(done["filled_document_id"].as_str().unwrap_or_else(|| panic!("no document: {done}")));
        assert!(pdf.windows(mark.len()).any(|bytes| bytes == mark.as_bytes()), "{engine_version}: it does not say so");
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let (_server, journey) = shared();
    let template = template(&journey, HTML);
    let taken = ask(&journey, &template, &body("x")).expect(202);
    assert_eq!(taken.header("fill-process-origin"), "rubrica", "the audience of the token");
    let id = taken.text("fill_process_id");
    let first = look(&journey, &id);
    assert!(["CREATED", "PROCESSING", "COMPLETED"].contains(&first["status"].as_str().unwrap_or_default()), "{first}");
    let document = metadata(&journey, &ended(&journey, &id));
    assert_eq!((&document["name"], &document["tags"]), (&json!(template), &json!([format!("{template}-v1.0")])));
}

#[test]
fn values_that_do_not_fit_the_schema_are_told_by_their_paths_and_never_themselves() {
    let (server, journey) = shared();
    let template = template(&journey, HTML);
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut body = body("x");
        change(&mut body);
        ask(&journey, &template, &body).expect_problem(400, "INVALID_INPUT").details()
    };
    let told = refused(&|body| body["fields_values"] = json!({"TITLE": 7, "LINES": ["a", 12_345_678_901_i64]}));
    assert!(told.contains("fields_values/TITLE: ") && told.contains("fields_values/LINES/1: "), "{told}");
    assert!(!told.contains("12345678901"), "{told}");
    let told = refused(&|body| body["fields_values"] = json!({"LINES": [SECRET]}));
    assert!(told.starts_with("fields_values: ") && told.contains("TITLE") && !told.contains(SECRET), "{told}");
    let told = refused(&|body| body["language"] = json!("EN"));
    assert!(told.starts_with("language: ") && told.contains("ES, GL"), "{told}");
    assert!(refused(&|body| body["language"] = json!("FR")).contains("language"));
    assert!(refused(&|body| body["fill_priority"] = json!("urgent")).contains("fill_priority"));
    assert!(refused(&|body| body["document"] = json!({"name": "a b"})).starts_with("document.name: "));
    assert!(refused(&|body| body["document"] = json!({"tags": ["a", "A"]})).starts_with("document.tags: "));
    for missing in ["language", "document", "fields_values"] {
        refused(&|body| drop(body.as_object_mut().expect("an object").remove(missing)));
    }
    for wrong in [json!(null), json!([]), json!("x")] {
        refused(&|body| body["fields_values"] = wrong.clone());
    }
    assert!(!server.log().contains(SECRET), "no value is in the log");
}

#[test]
fn an_origin_that_says_nothing_or_too_much_is_a_400() {
    let (_server, journey) = shared();
    let template = template(&journey, HTML);
    for wrong in ["", " ", "ñ", &"x".repeat(256)] {
        let call = journey.client.post(&journey.path(&format!("dynamic_templates/{template}/versions/1/fill")));
        let answer = call.header("fill-process-origin", wrong).json(&body("x")).send().expect_problem(400, "PARAMETER_ERROR");
        assert!(answer.details().starts_with("fill-process-origin: "), "{answer}");
    }
}

#[test]
fn what_is_not_there_is_a_404_also_for_another_organization() {
    let (server, journey) = shared();
    let template = template(&journey, HTML);
    let id = ask(&journey, &template, &body("x")).expect(202).text("fill_process_id");
    ended(&journey, &id);
    let other = Journey::of(server.client_with(&server.token("other", &[])), "other");
    ask(&other, &template, &body("x")).expect_problem(404, "RESOURCE_NOT_FOUND");
    for id in [&id, NOBODY] {
        other.client.get(&other.path(&format!("fill_process/{id}"))).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    ask(&journey, &unique("nothing"), &body("x")).expect_problem(404, "RESOURCE_NOT_FOUND");
    let second = journey.client.post(&journey.path(&format!("dynamic_templates/{template}/versions/2/fill")));
    second.json(&body("x")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn what_the_template_cannot_show_fails_with_words_for_its_author() {
    let (_server, journey) = shared();
    let template = template(&journey, HTML);
    // No font here has it.
    let id = ask(&journey, &template, &body("\u{12345}")).expect(202).text("fill_process_id");
    let failed = ended(&journey, &id);
    assert_eq!(failed["status"], "FAILED", "{failed}");
    assert!(failed["error"]["message"].as_str().is_some_and(|words| words.contains("U+12345")), "{failed}");
    assert!(failed.get("filled_document_id").is_none() && failed.get("finish_date").is_some(), "{failed}");
}

#[test]
fn a_fill_keeps_to_the_version_that_it_was_asked_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = Options { observer: Some(contract::check), ..Options::on(folder.path()) };
    let server = Server::start_with(options.clone());
    let journey = Journey::new(server.client());
    let template = template(&journey, HTML);
    // Long work first, so that the fill waits.
    let long: Vec<String> = (0..3000).map(|line| format!("line {line}")).collect();
    for _ in 0..4 {
        let long = json!({"language": "ES", "document": {}, "fields_values": {"TITLE": "long", "LINES": long}});
        ask(&journey, &template, &long).expect(202);
    }
    let id = ask(&journey, &template, &body("kept")).expect(202).text("fill_process_id");
    next_minor(&journey, &template, "<p>another one: {{TITLE}}</p>");
    let newer = ask(&journey, &template, &body("new")).expect(202).text("fill_process_id");
    let path = journey.path(&format!("dynamic_templates/{template}/versions/1"));
    journey.client.delete(&path).send().expect(204);
    ask(&journey, &template, &body("x")).expect_problem(404, "RESOURCE_NOT_FOUND");
    server.kill();

    let server = Server::start_with(options);
    let journey = Journey::new(server.client());
    for (id, minor) in [(&id, 0), (&newer, 1)] {
        // What waited when the server died is found by its wake-up.
        let done = wait_for("the fill to end", PATIENCE, || {
            journey.client.post("/sandbox/clock").json(&json!({"advance": "PT10S"})).send().expect(200);
            Some(look(&journey, id)).filter(|fill| fill["status"] == "COMPLETED" || fill["status"] == "FAILED")
        });
        assert_eq!((&done["status"], &done["template"]["minor_version"]), (&json!("COMPLETED"), &json!(minor)), "{done}");
        assert_eq!(metadata(&journey, &done)["tags"], json!([format!("{template}-v1.{minor}")]));
    }
}

#[test]
fn where_as_many_wait_as_may_it_is_a_503_that_says_when_to_come_again() {
    let (_server, journey) = own(Some("[fills]\nplaces = 1\nwaiting_per_organization = 2\n"));
    let template = template(&journey, HTML);
    let long: Vec<String> = (0..2000).map(|line| format!("line {line}")).collect();
    let long = json!({"language": "ES", "document": {}, "fields_values": {"TITLE": "long", "LINES": long}});
    let mut taken = Vec::new();
    let refused = loop {
        assert!(taken.len() < 50, "so many should wait");
        let answer = ask(&journey, &template, &long);
        if answer.status != 202 {
            break answer.expect_problem(503, "INTERNAL_SERVER_ERROR");
        }
        taken.push(answer.text("fill_process_id"));
    };
    assert_eq!(refused.header("retry-after"), "10");
    for id in taken {
        assert_eq!(ended(&journey, &id)["status"], "COMPLETED", "what was taken is filled");
    }
    ask(&journey, &template, &body("x")).expect(202);
}

#[test]
fn a_poison_template_fails_twice_and_harms_nobody() {
    let (_server, journey) = own(Some("[render]\nprocessor_time = \"PT1S\"\n[fills]\nplaces = 1\n"));
    let poison = template(
        &journey,
        "{{#each LINES}}{{#each ../LINES}}{{#each ../../LINES}}{{#each ../../../LINES}}{{/each}}{{/each}}{{/each}}{{/each}}<p>{{TITLE}}</p>",
    );
    let good = template(&journey, HTML);
    let lines: Vec<String> = (0..300).map(|line| line.to_string()).collect();
    let poisoned = json!({"language": "ES", "document": {}, "fields_values": {"TITLE": "x", "LINES": lines}});
    let id = ask(&journey, &poison, &poisoned).expect(202).text("fill_process_id");
    let other = ask(&journey, &good, &body("x")).expect(202).text("fill_process_id");
    assert_eq!(ended(&journey, &other)["status"], "COMPLETED");
    let failed = ended(&journey, &id);
    assert_eq!(failed["status"], "FAILED", "{failed}");
    let words = failed["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(words.contains("1 s") && words.contains("simplify"), "{words}");
    // The same once more is known by now; with other data it is tried.
    let again = ask(&journey, &poison, &body("x")).expect(202).text("fill_process_id");
    assert_eq!(ended(&journey, &again)["status"], "COMPLETED");
}

#[test]
fn what_waits_is_measured() {
    let (server, journey) = shared();
    let template = template(&journey, HTML);
    let id = ask(&journey, &template, &body("x")).expect(202).text("fill_process_id");
    ended(&journey, &id);
    let metrics = String::from_utf8(server.anonymous().get("/metrics").send().expect(200).body).expect("text");
    for name in [
        "rubrica_fills_waiting{class=\"low\"}",
        "rubrica_fills_oldest_seconds{class=\"high\"}",
        "rubrica_fills_wait_seconds_count",
    ] {
        assert!(metrics.contains(name), "{name}");
    }
    assert!(metrics.contains("rubrica_fills_seconds_count{class=\"low\",outcome=\"completed\"}"), "{metrics}");
}
