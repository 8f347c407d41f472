//! What is not of the contract: health, metrics, the description's pages, request ids, and the sandbox being off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    NOBODY, address, own, shared,
    support::{Journey, PATIENCE, wait_for},
};

#[test]
fn health_metrics_and_pages_need_no_token() {
    let (server, _) = shared();
    let client = server.anonymous();
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(client.get(path).send().expect(200).text("status"), "UP");
    }
    let metrics = client.get("/metrics").send().expect(200);
    assert!(String::from_utf8_lossy(&metrics.body).contains("rubrica_http_requests_total"));
    assert_eq!(client.get("/docs").send().expect(302).header("location"), "/docs/");
    assert!(client.get("/docs/").send().expect(200).header("content-type").starts_with("text/html"));
    assert!(client.get("/sandbox").send().expect(200).header("content-type").starts_with("text/html"));
}

#[test]
fn browsers_are_told_what_they_must_not_do_with_an_answer() {
    let (server, journey) = shared();
    let client = server.anonymous();
    let answers = ["/docs/", "/errors", "/sandbox", "/sandbox/messages", "/health/live", "/openapi.json", "/nothing"]
        .map(|path| client.get(path).send())
        .into_iter()
        .chain([journey.client.get(&journey.path(&format!("sign_process/{NOBODY}"))).send(), client.post("/docs").send()]);
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{answer}");
        assert_eq!(answer.header("cache-control"), "no-store", "{answer}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{answer}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{answer}");
        let scripts = policy.split("; ").find(|rule| rule.starts_with("script-src ")).unwrap_or_default();
        assert!(!scripts.contains("unsafe") && !scripts.contains("http"), "{policy}");
    }
    for path in ["/errors", "/sandbox"] {
        let page = client.get(path).send().expect(200);
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self'; style-src 'self'") && policy.contains("require-trusted-types-for 'script'"),
            "{page}"
        );
        assert!(!policy.contains("unsafe") && page.header("permissions-policy").contains("camera=()"), "{page}");
        let text = String::from_utf8_lossy(&page.body).into_owned();
        assert!(!text.contains("<style") && !text.contains("<script>"), "{text}");
        // What it loads is there, and is kept for ever.
        let loaded: Vec<_> = text.split('"').filter(|part| part.starts_with("pages/")).collect();
        assert!(loaded.len() >= 2, "{text}");
        for name in loaded {
            let file = client.get(&format!("/{name}")).send().expect(200);
            assert!(file.header("cache-control").contains("immutable") && file.header("etag").len() > 30, "{file}");
        }
    }
    let page = client.get("/docs/").send().expect(200);
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert!(!text.contains("<style") && text.matches("<script").count() == text.matches("<script src=\"./").count(), "{text}");
    let id = journey.upload("contract.pdf", &crate::pdf());
    let download = journey.client.get(&journey.path(&format!("documents/{id}"))).send().expect(200);
    assert_eq!((download.header("cache-control"), download.header("x-content-type-options")), ("private", "nosniff"));
}

#[test]
fn the_sandbox_answers_no_page_of_a_strangers_domain() {
    let (server, _) = shared();
    let client = server.anonymous();
    for path in ["/sandbox", "/sandbox/messages"] {
        client.get(path).header("host", "evil.example").send().expect_problem(403, "UNAUTHORIZED");
    }
    let clock = client.post("/sandbox/clock").header("host", "evil.example:8080");
    clock.json(&json!({"advance": "PT0S"})).send().expect_problem(403, "UNAUTHORIZED");
    client.get("/sandbox/messages").header("host", "localhost:8080").send().expect(200);
}

#[test]
fn an_answer_carries_the_request_id_of_its_caller_or_a_new_one() {
    let (server, _) = shared();
    let client = server.anonymous();
    let given = client.get("/health/live").header("x-request-id", "order-4711").send();
    assert_eq!(given.header("x-request-id"), "order-4711");
    for unfit in ["two words", &"x".repeat(200)] {
        let made = client.get("/health/live").header("x-request-id", unfit).send();
        assert!(uuid::Uuid::parse_str(made.header("x-request-id")).is_ok(), "{made}");
    }
}

#[test]
fn a_path_that_no_operation_has_is_404_and_a_wrong_method_405() {
    let (_server, journey) = shared();
    journey.client.get("/v1/nothing").send().expect_problem(404, "RESOURCE_NOT_FOUND");
    journey.client.get(&journey.path("documents/a/b/c")).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    let path = journey.path(&format!("sign_process/{NOBODY}/cancel"));
    let answer = journey.client.get(&path).send().expect_problem(405, "PARAMETER_ERROR");
    assert_eq!(answer.header("allow"), "POST");
}

#[test]
fn the_clock_moves_forward_only_and_within_bounds() {
    let (server, _) = own(None);
    let client = server.anonymous();
    for wrong in [json!({}), json!({"advance": "-PT1H"}), json!({"advance": "P5000D"}), json!({"advance": 1})] {
        client.post("/sandbox/clock").json(&wrong).send().expect_problem(400, "INVALID_INPUT");
    }
    server.advance("PT1H");
    let clock = client.post("/sandbox/clock").json(&json!({"advance": "PT1H"})).send().expect(200);
    assert_eq!(clock.text("ahead"), "PT2H");
    assert_eq!(client.get("/sandbox/clock").send().expect(200).text("ahead"), "PT2H");
}

#[test]
fn where_the_sandbox_is_off_nothing_of_it_exists() {
    let (server, journey) = own(Some("[channels]\nsandbox = false\n"));
    let client = server.anonymous();
    for path in ["/sandbox", "/sandbox/messages"] {
        client.get(path).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    }
    client.post("/sandbox/clock").json(&json!({"advance": "PT1H"})).send().expect_problem(404, "RESOURCE_NOT_FOUND");
    let description = client.get("/openapi.json").send().expect(200).json();
    let is_of_the_api = |path: &String| ["/v1/", "/v2/", "/public/", "/pages/api/"].iter().any(|start| path.starts_with(start));
    assert!(description["paths"].as_object().unwrap().keys().all(is_of_the_api));
    // The API itself is there.
    Journey::upload(&journey, "contract.pdf", &crate::pdf());
}

/// The labels of each metric that a scrape shows.
fn labels(scrape: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in scrape.lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(['{', ' ']).unwrap_or((line, ""));
        let pairs = rest.rsplit_once('}').map_or("", |(pairs, _)| pairs).split("\",");
        found.entry(name).or_default().extend(pairs.filter_map(|pair| Some(pair.split_once("=\"")?.0)));
    }
    found
}

/// The words between each `open` and the next `close`.
fn between<'a>(text: &'a str, open: &str, close: char) -> impl Iterator<Item = &'a str> {
    text.split(open)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(close)?.0))
        .flat_map(|inner| inner.split(','))
        .map(str::trim)
}

#[test]
fn the_dashboard_asks_for_labels_that_the_metrics_have() {
    let (server, journey) = shared();
    let document = journey.upload("contract.pdf", &crate::pdf());
    journey.create(&Journey::creation(&[Journey::signer("tenant", &address())], &[&document]));
    let scrape = server.anonymous().get("/metrics").send().expect(200);
    let scrape = String::from_utf8_lossy(&scrape.body).into_owned();
    let measured = labels(&scrape);
    let dashboard: Value = serde_json::from_str(include_str!("../../deploy/grafana/dashboards/rubrica.json")).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let mut asked = BTreeSet::new();
    for target in targets {
        let (query, legend) = (target["expr"].as_str().unwrap(), target["legendFormat"].as_str().unwrap());
        let names: Vec<&str> =
            query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("rubrica_")).collect();
        // What nothing has counted yet has no labels to compare with.
        if names.is_empty() || !names.iter().all(|name| measured.contains_key(name)) {
            continue;
        }
        let known: BTreeSet<&str> = names.iter().flat_map(|name| &measured[name]).copied().chain(["instance"]).collect();
        let selected = between(query, "{", '}').filter_map(|pair| pair.split_once(['=', '!'])).map(|(label, _)| label);
        let kept: BTreeSet<&str> = between(query, "by (", ')').collect();
        for label in selected.chain(kept.iter().copied()) {
            assert!(known.contains(label), "{query}: there is no label {label}");
        }
        for label in legend.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0)) {
            let shown = if kept.is_empty() { known.contains(label) } else { kept.contains(label) };
            assert!(shown, "{query}: the legend asks for {label}");
        }
        asked.extend(names);
    }
    assert!(asked.len() >= 8, "only {asked:?} were compared");
}

#[test]
fn a_server_that_goes_down_is_not_ready_first_and_serves_on_for_a_pause() {
    let (server, journey) = own(Some("[server]\ndrain_pause = \"PT3S\"\n"));
    let client = server.anonymous();
    let pid = rustix::process::Pid::from_raw(server.pid().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    wait_for("the server not to be ready", PATIENCE, || (client.get("/health/ready").send().status == 503).then_some(()));
    assert_eq!(client.get("/health/live").send().expect(200).text("status"), "UP");
    journey.upload("contract.pdf", &crate::pdf());
    assert!(server.terminate().success());
}
