//! Imports and checks: many customers at once.

use serde_json::{Value, json};

use super::{Shop, customer};
use crate::{own, support::Answer};

fn line(customer: &str, selections: &[(&str, u8)], date: &str) -> Value {
    let selections: Vec<Value> = selections.iter().map(|(id, choice)| json!({ "id": id, "choice": choice })).collect();
    json!({
        "customer_id": customer, "segment": "telco", "selections": selections, "source": "old CRM",
        "evidence": { "actor_id": "AG1", "capture_date": date },
    })
}

fn import(shop: &Shop, lines: &[Value]) -> Answer {
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    shop.client.post(&shop.path("consent-imports")).body("application/x-ndjson", body).send()
}

/// The results, one for each line.
fn results(answer: &Answer) -> Vec<Value> {
    let text = std::str::from_utf8(&answer.body).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

fn check(shop: &Shop, body: &Value) -> Answer {
    shop.client.post(&shop.path("consent-checks")).json(body).send()
}

#[test]
fn an_import_is_answered_line_by_line_and_repeated_changes_nothing() {
    let (_server, shop) = Shop::new();
    let (ana, eva) = (customer(), customer());
    let mut nonsense = line(&eva, &[("C01", 0)], "2020-05-01T10:00:00Z");
    nonsense["selections"] = json!([{ "id": "C03", "choice": 1 }]);
    let lines = [
        line(&ana, &[("C01", 0), ("C03", 2)], "2020-05-02T10:00:00Z"),
        line(&eva, &[("C99", 0)], "2020-05-01T10:00:00Z"),
        line(&ana, &[("C01", 2)], "2020-05-01T10:00:00Z"),
        nonsense,
        json!({ "customer_id": eva }),
        line(&ana, &[("C02", 0)], "2020-05-02T10:00:00Z"),
    ];
    let answer = import(&shop, &lines).expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let told = results(&answer);
    let statuses: Vec<_> =
        told.iter().map(|result| (result["line"].as_u64().unwrap(), result["status"].as_u64().unwrap())).collect();
    assert_eq!(statuses, [(1, 201), (2, 404), (3, 201), (4, 400), (5, 400), (6, 201)]);
    assert_eq!(told[2]["superseded"], json!(["C01"]));
    assert_eq!(told[1]["errors"][0]["code"], "MCONS_003");
    assert!(told[3]["errors"][0]["details"].as_str().unwrap().starts_with("selections[0].choice: "), "{}", told[3]);
    assert_eq!(shop.choices(&ana), json!({ "C01": 0, "C02": 0, "C03": 2, "C04": 0, "C05": 1 }));
    shop.read(&eva, "").expect(200);
    // The same id as that of a capture, and the same answer when it is sent again.
    assert_eq!(shop.capture(&ana, &[("C04", 2)]).expect(201).json()["id"], told[0]["id"]);
    assert_eq!(results(&import(&shop, &lines).expect(200)), told);
    assert_eq!(shop.choices(&ana)["C04"], 2);
}

#[test]
fn an_import_from_before_a_deletion_is_kept_without_effect() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    shop.capture(&customer, &[("C01", 0)]).expect(201);
    shop.delete(&customer).expect(204);
    let told = results(&import(&shop, &[line(&customer, &[("C01", 0)], "2020-05-01T10:00:00Z")]).expect(200));
    assert_eq!((told[0]["status"].as_u64(), &told[0]["superseded"]), (Some(201), &json!(["C01"])));
    shop.read(&customer, "").expect(200);
    shop.impact(&customer).expect(404);
}

#[test]
fn an_import_has_its_bounds_and_its_role() {
    let (server, shop) = Shop::new();
    let post = |media: &str, body: Vec<u8>| shop.client.post(&shop.path("consent-imports")).body(media, body).send();
    post("application/json", b"{}".to_vec()).expect_problem(415, "PARAMETER_ERROR");
    post("application/x-ndjson", b"\n\n".to_vec()).expect_problem(400, "INVALID_INPUT");
    post("application/x-ndjson", b"{}\n".repeat(10_001)).expect_problem(413, "INVALID_INPUT");
    let told = results(&post("application/x-ndjson; charset=utf-8", b"nonsense\r\n\r\n[]".to_vec()).expect(200));
    assert_eq!(told.iter().map(|result| result["line"].clone()).collect::<Vec<_>>(), [1, 3]);
    assert!(told.iter().all(|result| result["status"] == 400), "{told:?}");
    let reader = Shop { client: server.client_with(&server.token(&shop.organization, &["consents_read"])), ..shop.clone() };
    import(&reader, &[line("1", &[("C01", 0)], "2020-05-01T10:00:00Z")]).expect_problem(401, "UNAUTHORIZED");
}

#[test]
fn a_thousand_customers_are_imported_and_checked_in_order() {
    let (_server, shop) = Shop::new();
    let customers: Vec<String> = (0..1000).map(|number| format!("{number:012}")).collect();
    let lines: Vec<Value> = customers
        .iter()
        .enumerate()
        .map(|(place, customer)| line(customer, &[("C01", if place % 3 == 0 { 0 } else { 2 })], "2020-05-01T10:00:00Z"))
        .collect();
    let told = results(&import(&shop, &lines).expect(200));
    assert_eq!(told.len(), 1000);
    assert!(told.iter().zip(1..).all(|(result, number)| result["line"] == number && result["status"] == 201));
    let checked = check(&shop, &json!({ "segment": "telco", "customers": customers, "consents": ["C01"] })).expect(200).json();
    let checked = checked.as_array().unwrap();
    assert_eq!(checked.len(), 1000);
    for (place, (answer, customer)) in checked.iter().zip(&customers).enumerate() {
        assert_eq!(answer["customer_id"], json!(customer));
        assert_eq!(answer["allowed"], json!(place % 3 == 0), "{answer}");
    }
}

#[test]
fn a_check_fails_closed_and_says_where_each_choice_comes_from() {
    let (server, _) = own(None);
    let shop = Shop::on(&server);
    let [known, unknown, deleted] = [(); 3].map(|()| customer());
    shop.capture(&known, &[("C01", 0), ("C02", 2), ("C05", 0)]).expect(201);
    shop.capture(&deleted, &[("C01", 0), ("C03", 2)]).expect(201);
    shop.delete(&deleted).expect(204);
    let ask = |customer: &str, consents: &[&str], require: &str| {
        let body = json!({ "segment": "telco", "customers": [customer], "consents": consents, "require": require });
        let answer = check(&shop, &body).expect(200).json().as_array().unwrap()[0].clone();
        (answer["allowed"].as_bool().unwrap(), answer["consents"].clone())
    };
    let (allowed, read) = ask(&known, &["C01", "c-02", "C04"], "all");
    assert!(!allowed);
    assert_eq!(
        read,
        json!({
            "C01": { "choice": 0, "source": "given" }, "C02": { "choice": 2, "source": "given" }, "C04": { "choice": 0, "source": "default" },
        })
    );
    assert!(ask(&known, &["C01", "C02"], "any").0 && ask(&known, &["C04", "C01"], "all").0);
    // An opt-out that nobody objected to counts for who is known, and for nobody else.
    assert_eq!(ask(&unknown, &["C04"], "any"), (false, json!({ "C04": { "choice": 0, "source": "unknown" } })));
    let (allowed, read) = ask(&deleted, &["C01", "C03", "C04"], "any");
    assert!(!allowed);
    assert_eq!([&read["C01"]["source"], &read["C03"]["source"], &read["C04"]["source"]], ["deleted", "suppressed", "deleted"]);

    // What will have expired by then is not accepted.
    assert!(ask(&known, &["C05"], "all").0);
    let then = (chrono::Utc::now() + chrono::TimeDelta::days(181)).to_rfc3339();
    let later =
        check(&shop, &json!({ "segment": "telco", "customers": [known], "consents": ["C05"], "at": then })).expect(200).json();
    assert_eq!((&later[0]["allowed"], &later[0]["consents"]["C05"]["source"]), (&json!(false), &json!("expired")));
    server.advance("P181D");
    let (allowed, read) = ask(&known, &["C05"], "all");
    assert_eq!((allowed, &read["C05"]), (false, &json!({ "choice": 1, "source": "expired" })));
}

#[test]
fn what_a_check_gets_wrong_is_told_at_once() {
    let (_server, shop) = Shop::new();
    let refused = check(
        &shop,
        &json!({
            "customers": ["", "a\nb"], "consents": [], "require": "most", "at": "2020-01-01T00:00:00Z",
        }),
    );
    let details = refused.expect_problem(400, "INVALID_INPUT").details();
    for path in ["segment: ", "customers[0]: ", "customers[1]: ", "consents: ", "require: ", "at: "] {
        assert!(details.lines().any(|line| line.starts_with(path)), "{path}: {details}");
    }
    let asked =
        |segment: &str, consents: &[&str]| check(&shop, &json!({ "segment": segment, "customers": ["1"], "consents": consents }));
    asked("energy", &["C01"]).expect_problem(404, "RESOURCE_NOT_FOUND");
    let lacking = asked("telco", &["C01", "C99"]).expect_problem(404, "RESOURCE_NOT_FOUND");
    assert!(lacking.details().starts_with("consents[1]: "), "{lacking}");
    let many: Vec<String> = (0..10_001).map(|number| number.to_string()).collect();
    check(&shop, &json!({ "segment": "telco", "customers": many, "consents": ["C01"] })).expect_problem(400, "INVALID_INPUT");
}

#[test]
fn metrics_count_what_becomes_of_consents_and_name_nobody() {
    let (server, _) = own(None);
    let shop = Shop::on(&server);
    let customer = customer();
    let key = shop.key(&customer);
    shop.capture(&customer, &[("C01", 0), ("C05", 0)]).expect(201);
    shop.capture(&customer, &[("C01", 2)]).expect(201);
    shop.post(&customer, &"0".repeat(64), &super::body(&[("C01", 0)], &super::now())).expect(401);
    server.advance("P181D");
    let counted = |metrics: &str, name: &str, labels: &[&str], value: &str| {
        metrics.lines().any(|line| {
            line.starts_with(name) && labels.iter().all(|label| line.contains(label)) && line.ends_with(&format!(" {value}"))
        })
    };
    let organization = format!("organization=\"{}\"", shop.organization);
    crate::support::wait_for("the expiry to be announced", crate::support::PATIENCE, || {
        let metrics = String::from_utf8(server.anonymous().get("/metrics").send().expect(200).body).unwrap();
        counted(&metrics, "rubrica_consent_events_total", &[&organization, "event=\"expired\""], "1").then_some(())
    });
    shop.delete(&customer).expect(204);
    let metrics = String::from_utf8(server.anonymous().get("/metrics").send().expect(200).body).unwrap();
    for (event, value) in [("captured", "2"), ("withdrawn", "1"), ("expired", "1"), ("deleted", "1")] {
        let event = format!("event=\"{event}\"");
        assert!(counted(&metrics, "rubrica_consent_events_total", &[&organization, &event], value), "{event}: {metrics}");
    }
    assert!(counted(&metrics, "rubrica_consent_captures_total", &[&organization, "channel=\"eshop\"", "segment=\"telco\""], "2"));
    assert!(counted(&metrics, "rubrica_consent_keys_refused_total", &["reason=\"altered\""], "1"));
    assert!(counted(&metrics, "rubrica_consent_expiry_lag_seconds_count", &[], "1"));
    for secret in [customer.as_str(), "203.0.113.10", "AG000123", key.as_str()] {
        assert!(!metrics.contains(secret) && !server.log().contains(secret), "{secret}");
    }
}
