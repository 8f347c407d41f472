//! Definitions and trees of consents over HTTP, with their history: nine operations, every status and edge.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use crate::{
    shared,
    support::{Answer, Call, Client, Server},
};

/// An organization of the test's own.
struct Tenant {
    client: Client,
    organization: String,
    server: Arc<Server>,
}

impl Tenant {
    fn new() -> Self {
        let (server, _) = shared();
        let organization = format!("consents-{}", uuid::Uuid::new_v4().simple());
        let client = server.client_with(&server.token(&organization, &[]));
        Self { client, organization, server }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v2/orgs/{}/consents{rest}", self.organization)
    }

    fn get(&self, rest: &str) -> Answer {
        self.client.get(&self.path(rest)).send()
    }

    fn define(&self, id: &str, languages: &[&str]) {
        self.client.post(&self.path("")).json(&definition(id, languages)).send().expect(201);
    }

    fn change(&self, id: &str, body: &Value) -> Answer {
        self.client.patch(&self.path(&format!("/{id}"))).json(body).send()
    }

    fn plant(&self, body: &Value) -> Answer {
        self.client.post(&self.path("/tree")).header("x-segment", "telco").json(body).send()
    }

    fn replace(&self, etag: &str, body: &Value) -> Answer {
        self.client.put(&self.path("/tree")).header("x-segment", "telco").header("ETag", etag).json(body).send()
    }

    fn trees(&self, query: &str) -> Answer {
        self.client.get(&self.path(&format!("/tree{query}"))).header("x-segment", "telco").send()
    }

    fn etag(&self) -> String {
        self.trees("?users_type=customers").expect(200).header("etag").to_owned()
    }

    fn tree_history(&self, query: &str) -> Answer {
        self.client.get(&self.path(&format!("/tree/history{query}"))).header("x-segment", "telco").send()
    }

    fn offered(&self, query: &str) -> Call<'_> {
        self.client.get(&self.path(&format!("/customers{query}"))).header("x-segment", "telco")
    }
}

fn texts(language: &str, text: &str) -> Value {
    json!({"language": language, "text": text, "description": "", "short_text": "short"})
}

fn definition(id: &str, languages: &[&str]) -> Value {
    let details: Vec<Value> = languages.iter().map(|language| texts(language, &format!("{id} in {language}"))).collect();
    json!({"id": id, "type": "OPT_IN", "consent": details})
}

fn tree(order: &[&str]) -> Value {
    json!({
        "description": "Telco customers",
        "default_language": "es",
        "allowed_languages": ["es", "en"],
        "consents_order": order,
        "priority_consent_ids": [order[0]],
        "views": [{"view": "MANDATORY", "consents": [order[0]]}],
        "channels": ["web", "crm"],
        "users_type": "customers",
    })
}

fn update(order: &[&str], change_log: &str) -> Value {
    with(tree(order), json!({"change_log": change_log}))
}

fn with(mut body: Value, more: Value) -> Value {
    let more = more.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(more);
    body
}

fn all(page: &Value, list: &str, member: &str) -> Vec<String> {
    let items = page[list].as_array().expect("a list");
    items.iter().map(|item| item[member].as_str().expect("a text").to_owned()).collect()
}

#[test]
fn a_definition_is_created_under_its_normalised_id_and_once() {
    let tenant = Tenant::new();
    let create = |body: &Value| tenant.client.post(&tenant.path("")).json(body).send();
    let body = with(definition("Página-1", &["ES", "en"]), json!({"expiration_policy": {"duration": "P2Y"}, "unknown": [1]}));
    assert_eq!(create(&body).expect(201).json(), json!({"id": "PAGINA1", "languages": ["es", "en"]}));
    create(&definition("pagina 1", &["es"])).expect_problem(409, "CONFLICT");
    let opt_out = with(definition("THIRD_PARTY", &["es"]), json!({"type": "OPT_OUT_POSITIVE", "expiration_policy": null}));
    create(&opt_out).expect(201);

    let listed = tenant.get("").expect(200).json();
    assert_eq!(listed.as_object().expect("an object").len(), 1, "no paging members (note page-members)");
    let [first, second] = [&listed["consents"][0], &listed["consents"][1]];
    assert_eq!((&first["id"], &first["choice_type"]), (&json!("PAGINA1"), &json!("OPT_IN")));
    assert_eq!(first["expiration_policy"], json!({"duration": "P2Y"}), "as it was sent");
    assert_eq!(first["consent"][1], texts("en", "Página-1 in en"));
    assert!(first["subject"].is_string() && first["creation_date"].is_string());
    assert_eq!((&second["id"], &second["expiration_policy"]), (&json!("THIRD_PARTY"), &Value::Null));
}

#[test]
fn everything_that_is_wrong_with_a_definition_is_a_400_with_its_members() {
    let tenant = Tenant::new();
    let create = |body: &Value| tenant.client.post(&tenant.path("")).json(body).send();
    let refused = create(&json!({
        "id": "***", "type": "ACCEPTANCE", "expiration_policy": {"duration": "90"},
        "consent": [texts("es", "a"), texts("ES", "b"), {"language": "en", "text": "c"}],
    }));
    let details = refused.expect_problem(400, "INVALID_INPUT").details();
    let paths = [
        "id: ",
        "type: ",
        "expiration_policy.duration: ",
        "consent[1].language: ",
        "consent[2].description: ",
        "consent[2].short_text: ",
    ];
    for (line, path) in details.lines().zip(paths) {
        assert!(line.starts_with(path), "{line}");
    }
    assert_eq!(details.lines().count(), paths.len(), "{details}");
    let nothing = create(&json!({})).expect_problem(400, "INVALID_INPUT").details();
    assert_eq!(nothing.lines().count(), 3, "{nothing}");
    let good = definition("C01", &["es"]);
    for (more, path) in [
        (json!({"id": "x".repeat(201)}), "id: "),
        (json!({"consent": []}), "consent: "),
        (json!({"consent": [texts("es", &"x".repeat(16 * 1024 + 1))]}), "consent[0].text: "),
        (json!({"consent": [texts("spanish", "a")]}), "consent[0].language: "),
        (json!({"type": "OPT_OUT_NEGATIVE", "expiration_policy": {"duration": "P90D"}}), "expiration_policy: "),
        (json!({"expiration_policy": {}}), "expiration_policy.duration: "),
        (json!({"expiration_policy": {"duration": "P0D"}}), "expiration_policy.duration: "),
        (json!({"expiration_policy": {"duration": "P101Y"}}), "expiration_policy.duration: "),
        (json!({"id": null}), "id: "),
        (json!({"id": 7}), "id: "),
    ] {
        let refused = create(&with(good.clone(), more)).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{path}: {refused}");
    }
    create(&with(good, json!({"consent": [texts("es", &"x".repeat(70_000))]}))).expect_problem(413, "INVALID_INPUT");
    assert_eq!(tenant.get("").expect(200).json(), json!({"consents": []}), "nothing was written");
}

#[test]
fn definitions_are_listed_with_filters_and_pages_from_0() {
    let tenant = Tenant::new();
    for id in ["C03", "C01", "C02"] {
        tenant.define(id, &["es"]);
    }
    let opt_out = with(definition("A", &["es"]), json!({"type": "OPT_OUT_NEGATIVE"}));
    tenant.client.post(&tenant.path("")).json(&opt_out).send().expect(201);
    let ids = |query: &str| all(&tenant.get(query).expect(200).json(), "consents", "id");
    assert_eq!(ids(""), ["A", "C01", "C02", "C03"]);
    assert_eq!(ids("?page=0&page_size=3"), ["A", "C01", "C02"]);
    assert_eq!(ids("?page=1&page_size=3"), ["C03"]);
    assert!(ids("?page=1").is_empty(), "page 1 is the second one (note curls-send-page-1)");
    assert!(ids("?page=4294967295&page_size=1000").is_empty());
    assert_eq!(ids("?choice_type=OPT_IN&page_size=2"), ["C01", "C02"]);
    assert_eq!(ids("?consent_id=c-01"), ["C01"]);
    assert_eq!(ids("?consent_id=c01&choice_type=OPT_OUT_NEGATIVE"), [""; 0]);
    assert_eq!(ids("?consent_id=%C3%B1"), Vec::<String>::new(), "nothing has it");
    assert_eq!(ids("?consent_id=***"), [""; 0], "nothing can have it");
    for (query, name) in [
        ("?page=-1", "page: "),
        ("?page=x", "page: "),
        ("?page_size=0", "page_size: "),
        ("?page_size=1001", "page_size: "),
        ("?choice_type=ACCEPTANCE", "choice_type: "),
        ("?choice_type=", "choice_type: "),
        ("?consent_id=", "consent_id: "),
        (&format!("?consent_id={}", "x".repeat(201)), "consent_id: "),
    ] {
        let refused = tenant.get(query).expect_problem(400, "PARAMETER_ERROR");
        assert!(refused.details().starts_with(name), "{query}: {refused}");
    }
    let both = tenant.get("?page_size=0&choice_type=x").expect_problem(400, "PARAMETER_ERROR");
    assert_eq!(both.details().lines().count(), 2, "{both}");
}

#[test]
fn a_change_merges_by_language_and_keeps_every_version() {
    let tenant = Tenant::new();
    tenant.define("C01", &["es", "en"]);
    let body = json!({
        "consent": [texts("ca", "Text"), texts("ES", "Nuevo")],
        "changes_description": "Catalan added",
        "id": "OTHER", "type": "OPT_OUT_POSITIVE",
    });
    assert_eq!(tenant.change("c-01", &body).expect(200).json(), json!({"id": "C01", "languages": ["es", "en", "ca"]}));
    tenant.change("C01", &json!({"consent": [texts("es", "Nuevo")]})).expect(200);
    tenant.change("C02", &body).expect_problem(404, "RESOURCE_NOT_FOUND");
    tenant.change("***", &body).expect_problem(404, "RESOURCE_NOT_FOUND");
    tenant.change(&"x".repeat(201), &body).expect_problem(400, "PARAMETER_ERROR");
    for (body, path) in [
        (json!({}), "consent: "),
        (json!({"consent": []}), "consent: "),
        (json!({"consent": [texts("es", "a"), texts("es", "b")]}), "consent[1].language: "),
        (json!({"consent": [texts("es", "a")], "changes_description": "x".repeat(201)}), "changes_description: "),
        (json!({"consent": [{"language": "es"}]}), "consent[0].text: "),
    ] {
        let refused = tenant.change("C01", &body).expect_problem(400, "INVALID_INPUT");
        assert!(refused.details().starts_with(path), "{path}: {refused}");
    }
    let page = tenant.get("/c01/history").expect(200).json();
    assert_eq!((&page["page"], &page["page_size"]), (&json!(0), &json!(50)));
    let versions = page["consents"].as_array().expect("a list");
    let notes: Vec<&Value> = versions.iter().map(|version| &version["audit_info"]["change_log"]).collect();
    assert_eq!(notes, [&Value::Null, &json!("Catalan added"), &Value::Null]);
    assert_eq!(versions[1]["consent"].as_array().map(Vec::len), Some(3));
    assert_eq!(versions[2]["consent"], json!([texts("es", "C01 in es"), texts("en", "C01 in en")]));
    assert_eq!(versions[2]["choice_type"], "OPT_IN", "it never changes");
    let audit = &versions[0]["audit_info"];
    assert!(audit["audience"].is_string() && audit["subject"].is_string(), "{audit}");
    let ids: BTreeSet<_> = all(&page, "consents", "version").into_iter().collect();
    assert_eq!(ids.len(), 3);
    let second = tenant.get("/C01/history?page=1&page_size=2").expect(200).json();
    assert_eq!((&second["page"], &second["consents"][0]["version"]), (&json!(1), &versions[2]["version"]));
    for past in ["/C01/history?page=3&page_size=1", "/C99/history", "/***/history"] {
        assert_eq!(tenant.get(past).expect(200).json()["consents"], json!([]), "{past}");
    }
    tenant.get("/C01/history?page_size=1001").expect_problem(400, "PARAMETER_ERROR");
}

#[test]
fn the_words_of_paths_are_literal_and_no_id_is_hidden_by_them() {
    let tenant = Tenant::new();
    for id in ["tree", "customers", "history"] {
        tenant.define(id, &["es"]);
    }
    let body = json!({"consent": [texts("es", "Nuevo")]});
    for literal in ["tree", "customers"] {
        let refused = tenant.change(literal, &body).expect_problem(405, "PARAMETER_ERROR");
        assert!(!refused.header("allow").contains("PATCH"), "{refused}");
        assert_eq!(tenant.change(&literal.to_uppercase(), &body).expect(200).text("id"), literal.to_uppercase());
        assert_eq!(
            tenant.get(&format!("/{}/history", literal.to_uppercase())).expect(200).json()["consents"][1]["choice_type"],
            "OPT_IN"
        );
    }
    tenant.get("/tree/history").expect_problem(400, "PARAMETER_ERROR");
    assert_eq!(tenant.change("history", &body).expect(200).text("id"), "HISTORY");
}

#[test]
fn a_tree_is_created_read_and_replaced_with_the_etag_that_was_read() {
    let tenant = Tenant::new();
    for id in ["C01", "C02", "C03"] {
        tenant.define(id, &["es", "en"]);
    }
    tenant.trees("").expect_problem(404, "RESOURCE_NOT_FOUND");
    let nobody = uuid::Uuid::new_v4().to_string();
    tenant.replace(&nobody, &update(&["C01"], "x")).expect_problem(404, "RESOURCE_NOT_FOUND");
    let first =
        with(tree(&["c01", "C-02", "C03"]), json!({"dependencies": [{"father": "c01", "child": ["c02"]}], "change_log": 7}));
    let created = tenant.plant(&first).expect(204);
    assert!(created.body.is_empty());
    tenant.plant(&first).expect_code(400, "MCONS_021");
    tenant.plant(&with(tree(&["C03"]), json!({"users_type": "leads"}))).expect(204);

    let read = tenant.trees("").expect(200);
    let trees = read.json();
    assert_eq!(all(&trees, "trees", "users_type"), ["customers", "leads"]);
    let own = &trees["trees"][0];
    assert_eq!(own["consents_order"], json!(["C01", "C02", "C03"]));
    assert_eq!(own["dependencies"], json!([{"father": "C01", "child": ["C02"]}]));
    assert_eq!((&own["segment"], &own["channels"]), (&json!("telco"), &json!(["web", "crm"])));
    assert!(own["creation_subject"].is_string() && own["creation_date"].is_string());
    let etag = read.header("etag").to_owned();
    let ids: Vec<&str> = etag.split(',').collect();
    assert!(ids.len() == 2 && ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()), "unquoted, in the body's order: {etag}");
    assert_eq!(tenant.trees("?users_type=leads").expect(200).header("etag"), ids[1]);
    let by_sector = tenant.client.get(&tenant.path("/tree")).header("x-sector", "telco").send().expect(200);
    assert_eq!(by_sector.header("etag"), etag);

    // The id of another tree does not do, and is no harm beside the right one.
    tenant.replace(ids[1], &update(&["C01"], "x")).expect_code(400, "MCONS_020");
    tenant.replace(&format!(" W/\"{}\" , \"{}\"", ids[1], ids[0]), &update(&["C01", "C02"], "C03 removed")).expect(204);
    tenant.replace(&etag, &update(&["C01"], "x")).expect_code(400, "MCONS_020");
    let now = tenant.trees("?users_type=customers").expect(200);
    assert_eq!(now.json()["trees"][0]["dependencies"], json!([]), "left out, there are none");
    let put = || tenant.client.put(&tenant.path("/tree")).header("x-segment", "telco").json(&update(&["C02"], "only C02"));
    put().header("If-Match", &format!("\"{}\"", now.header("etag"))).send().expect(204);
    put().send().expect_problem(400, "PARAMETER_ERROR");
    for etag in ["", "*", "7", "\"\"", &format!("{nobody},x")] {
        let refused = put().header("ETag", etag).send().expect_problem(400, "PARAMETER_ERROR");
        assert!(refused.details().starts_with("etag: "), "{etag}: {refused}");
    }
    // What cannot be read is told before a 404.
    let elsewhere = tenant.client.put(&tenant.path("/tree")).header("x-segment", "energy").json(&update(&["C01"], "x"));
    elsewhere.header("ETag", "7").send().expect_problem(400, "PARAMETER_ERROR");
}

#[test]
fn a_segment_has_to_be_named_by_the_header_that_the_operation_takes() {
    let tenant = Tenant::new();
    tenant.define("C01", &["es"]);
    let tree = tree(&["C01"]);
    for call in [
        tenant.client.get(&tenant.path("/tree")),
        tenant.client.get(&tenant.path("/tree")).header("x-segment", "").header("x-sector", ""),
        tenant.client.get(&tenant.path("/customers")),
        tenant.client.post(&tenant.path("/tree")).json(&tree),
        tenant.client.post(&tenant.path("/tree")).header("x-sector", "telco").json(&tree),
        tenant.client.get(&tenant.path("/tree/history")).header("x-sector", "telco"),
    ] {
        let refused = call.send().expect_problem(400, "PARAMETER_ERROR");
        assert!(refused.details().starts_with("x-segment: "), "{refused}");
    }
    let put = tenant.client.put(&tenant.path("/tree")).json(&update(&["C01"], "x")).send();
    assert_eq!(put.expect_problem(400, "PARAMETER_ERROR").details().lines().count(), 2, "both headers are told");
    tenant.plant(&tree).expect(204);
    let both = tenant.client.get(&tenant.path("/tree")).headers([("x-segment", "telco"), ("x-sector", "energy")]).send();
    both.expect(200);
    let any = tenant.client.post(&tenant.path("/tree")).header("x-segment", "b2b/customers").json(&tree).send();
    any.expect(204);
    let found = tenant.client.get(&tenant.path("/tree")).header("x-segment", "b2b/customers").send().expect(200).json();
    assert_eq!(found["trees"][0]["segment"], "b2b/customers");
}

#[test]
fn a_tree_that_breaks_rules_is_refused_with_all_of_them() {
    let tenant = Tenant::new();
    tenant.define("C01", &["es"]);
    tenant.define("CAT", &["ca"]);
    let wrong = with(
        tree(&["C01", "c-01", "CAT", "NONE"]),
        json!({
            "priority_consent_ids": ["NOBODY"],
            "allowed_languages": ["en"],
            "views": [{"view": "A", "consents": ["C07"]}, {"view": "A", "consents": []}],
            "dependencies": [{"father": "C01", "child": ["C01"]}, {"father": "CAT", "child": ["C01"]}],
            "users_type": "users",
        }),
    );
    let refused = tenant.plant(&wrong).expect_problem(400, "INVALID_INPUT").details();
    for path in [
        "consents_order[1]: ",
        "consents_order[2]: ",
        "consents_order[3]: ",
        "priority_consent_ids[0]: ",
        "default_language: ",
        "views[0].consents[0]: ",
        "views[1].view: ",
        "dependencies[0].child[0]: ",
        "users_type: ",
    ] {
        assert!(refused.lines().any(|line| line.starts_with(path)), "{path} is not told: {refused}");
    }
    tenant.trees("").expect_problem(404, "RESOURCE_NOT_FOUND");
    tenant.define("C02", &["es"]);
    tenant.plant(&tree(&["C01", "C02"])).expect(204);
    let refused = tenant.replace(&tenant.etag(), &tree(&["C01"])).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("change_log: "), "{refused}");
    let cycle = json!({"dependencies": [{"father": "C01", "child": ["C02"]}, {"father": "C02", "child": ["C01"]}]});
    let refused = tenant.replace(&tenant.etag(), &with(update(&["C01", "C02"], "x"), cycle)).expect_problem(400, "INVALID_INPUT");
    assert!(refused.details().starts_with("dependencies[1].child[0]: "), "{refused}");
}

#[test]
fn the_history_of_trees_is_one_list_strictly_newest_first() {
    let tenant = Tenant::new();
    for id in ["C01", "C02"] {
        tenant.define(id, &["es"]);
    }
    assert_eq!(tenant.tree_history("").expect(200).json(), json!({"page": 0, "page_size": 50, "trees_history": []}));
    tenant.plant(&tree(&["C01"])).expect(204);
    tenant.plant(&with(tree(&["C02"]), json!({"users_type": "leads"}))).expect(204);
    for number in 1..=3 {
        tenant.replace(&tenant.etag(), &update(&["C01", "C02"], &format!("change {number}"))).expect(204);
    }
    let page = tenant.tree_history("").expect(200).json();
    let versions = page["trees_history"].as_array().expect("a list");
    let notes: Vec<&str> = versions.iter().map(|version| version["audit_info"]["change_log"].as_str().unwrap_or("-")).collect();
    assert_eq!(notes, ["change 3", "change 2", "change 1", "-", "-"]);
    let dates: Vec<chrono::DateTime<chrono::Utc>> =
        versions.iter().map(|version| version["creation_date"].as_str().expect("a date").parse().expect("a date")).collect();
    assert!(dates.is_sorted_by(|newer, older| newer > older), "{dates:?}");
    assert_eq!(versions[0]["captured_channels"], json!(["web", "crm"]));
    assert!(versions[0].get("channels").is_none(), "note channels-vs-captured-channels");
    assert_eq!(versions[0]["version"], tenant.etag());
    let users = |query: &str| all(&tenant.tree_history(query).expect(200).json(), "trees_history", "users_type");
    assert_eq!(users("?users_type=leads"), ["leads"]);
    assert_eq!(users("?users_type=customers&page_size=3&page=1"), ["customers"]);
    assert_eq!(users("?page_size=2&page=1"), ["customers", "leads"]);
    assert_eq!(users("?page_size=2&page=2"), ["customers"]);
    assert!(users("?page=1").is_empty() && users("?page_size=5&page=1").is_empty());
    for wrong in ["?users_type=users", "?page=-1", "?page_size=0"] {
        tenant.tree_history(wrong).expect_problem(400, "PARAMETER_ERROR");
    }
}

#[test]
fn the_statements_offered_to_customers_have_default_choices_and_one_language() {
    let tenant = Tenant::new();
    tenant.offered("").send().expect_problem(404, "RESOURCE_NOT_FOUND");
    tenant.define("C01", &["es", "en"]);
    tenant.define("C02", &["es"]);
    let opt_out = with(definition("C03", &["es", "en"]), json!({"type": "OPT_OUT_POSITIVE"}));
    tenant.client.post(&tenant.path("")).json(&opt_out).send().expect(201);
    let more = json!({"dependencies": [{"father": "C01", "child": ["C02"]}], "views": [{"view": "MANDATORY", "consents": ["C01"]}, {"view": "SGDA", "consents": ["C03", "C02"]}]});
    tenant.plant(&with(tree(&["C01", "C02", "C03"]), more)).expect(204);

    let offered = tenant.offered("").send().expect(200);
    assert_eq!(offered.header("x-key"), "");
    let body = offered.json();
    assert_eq!(body["locale"], "es_ES");
    let first = &body["statements"][0];
    assert_eq!((&first["id"], &first["choice"], &first["text"]), (&json!("C01"), &json!(1), &json!("C01 in es")));
    assert!(first["read_only"] == json!(false) && first.get("expiration_date").is_none());
    assert_eq!(first["child_statements"][0]["id"], "C02");
    assert_eq!((&body["statements"][1]["id"], &body["statements"][1]["choice"]), (&json!("C03"), &json!(0)));

    let english = |query: &str| tenant.offered(query).header("Accept-Language", "en-GB, de;q=0.9").send().expect(200).json();
    assert_eq!(english("")["locale"], "es_ES", "one of the texts lacks it (note one-locale)");
    let mandatory = english("?view=MANDATORY&display_format=SHORT");
    assert_eq!((&mandatory["locale"], &mandatory["statements"][0]["text"]), (&json!("en_ES"), &json!("short")));
    assert_eq!(mandatory["statements"][0]["child_statements"], json!([]));
    let union = english("?view=MANDATORY&view=SGDA");
    assert_eq!(union["statements"].as_array().map(Vec::len), Some(2));
    let child = &english("?view=SGDA")["statements"][0];
    assert_eq!((&child["read_only"], &child["child_statements"][0]["read_only"]), (&json!(true), &json!(false)));
    for (query, name) in [("?view=NONE", "view"), ("?display_format=LONG", "display_format")] {
        let refused = tenant.offered(query).send().expect_problem(400, "PARAMETER_ERROR");
        assert!(refused.details().contains(name), "{refused}");
    }
    let elsewhere = tenant.client.get(&tenant.path("/customers")).header("x-sector", "energy").send();
    elsewhere.expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn configuration_needs_its_role_and_its_organization() {
    let tenant = Tenant::new();
    let with_role = |role: &str| tenant.server.client_with(&tenant.server.token(&tenant.organization, &[role]));
    let reader = with_role("consents_read");
    reader.get(&tenant.path("")).send().expect_problem(401, "UNAUTHORIZED");
    reader.get(&tenant.path("/customers")).header("x-segment", "telco").send().expect_problem(404, "RESOURCE_NOT_FOUND");
    with_role("consents_configuration").get(&tenant.path("")).send().expect(200);
    let other = Tenant::new();
    other.client.get(&tenant.path("")).send().expect_problem(401, "UNAUTHORIZED");
    tenant.server.anonymous().get(&tenant.path("")).send().expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn of_fifty_who_create_one_definition_or_replace_one_tree_one_succeeds() {
    const MANY: usize = 50;
    let tenant = Tenant::new();
    let at_once = |call: &(dyn Fn(usize) -> u16 + Sync)| {
        let mut statuses: Vec<u16> = thread::scope(|scope| {
            let threads: Vec<_> = (0..MANY).map(|number| scope.spawn(move || call(number))).collect();
            threads.into_iter().map(|thread| thread.join().expect("an answer")).collect()
        });
        statuses.sort_unstable();
        statuses
    };
    let created = at_once(&|_| tenant.client.post(&tenant.path("")).json(&definition("C01", &["es"])).send().status);
    assert_eq!((created[0], &created[1..]), (201, &[409; MANY - 1][..]));
    tenant.define("C02", &["es"]);
    tenant.plant(&tree(&["C01"])).expect(204);
    let etag = tenant.etag();
    let replaced = at_once(&|number| {
        let order: &[&str] = if number % 2 == 0 { &["C01", "C02"] } else { &["C02"] };
        let answer = tenant.replace(&etag, &update(order, &number.to_string()));
        if answer.status == 400 { answer.expect_code(400, "MCONS_020").status } else { answer.status }
    });
    assert_eq!((replaced[0], &replaced[1..]), (204, &[400; MANY - 1][..]));
    assert_eq!(tenant.tree_history("").expect(200).json()["trees_history"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_is_offered_during_a_change_is_wholly_of_one_edition() {
    let tenant = Tenant::new();
    tenant.define("C01", &["es", "en"]);
    tenant.plant(&tree(&["C01"])).expect(204);
    let versions: Vec<Value> = (0..40)
        .map(|number| {
            let texts = |language| {
                json!({"language": language, "text": format!("{language} {number}"), "description": format!("{number}"), "short_text": ""})
            };
            json!({"consent": [texts("es"), texts("en")]})
        })
        .collect();
    tenant.change("C01", &versions[0]).expect(200);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut last = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        let body = tenant.offered("").send().expect(200).json();
                        let shown = &body["statements"][0];
                        let number: usize = shown["description"].as_str().expect("a text").parse().expect("a number");
                        assert_eq!(shown["text"], format!("es {number}"), "text and description are of one version");
                        assert!(number >= last, "{number} after {last}");
                        last = number;
                    }
                })
            })
            .collect();
        for (number, version) in versions.iter().enumerate() {
            tenant.change("C01", version).expect(200);
            let body = tenant.offered("").send().expect(200).json();
            assert_eq!(body["statements"][0]["text"], format!("es {number}"), "it is shown at once");
        }
        is_over.store(true, Ordering::Relaxed);
        readers.into_iter().for_each(|reader| reader.join().expect("a reader"));
    });
}
