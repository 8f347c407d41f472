//! Reading: filters, languages, who is known, what is refused.

use serde_json::json;

use super::{Shop, choices, customer, shown};

#[test]
fn an_unknown_customer_is_shown_the_mandatory_view_with_defaults() {
    let (_server, shop) = Shop::new();
    let read = shop.read(&customer(), "").expect(200);
    assert_eq!(shown(&read.json()), "C01(C02)");
    assert_eq!(choices(&read.json()), json!({ "C01": 1, "C02": 1 }));
    let key = read.header("x-key");
    assert!(key.len() == 64 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{key}");
    assert_eq!(read.header("cache-control"), "no-store");
    // An explicit view replaces it; filters work inside it.
    for (query, expected) in [
        ("?view=PORTFOLIO", "C01(C03) C04"),
        ("?view=PORTFOLIO&view=MANDATORY", "C01(C02 C03) C04"),
        ("?consent_ids=C04", ""),
        ("?consent_ids=C02", "!C01(C02)"),
        ("?choice=ACCEPTED", ""),
        ("?choice=PENDING", "C01(C02)"),
        ("?view=PORTFOLIO&choice=ACCEPTED", "!C01(C03) C04"),
        ("?view=PORTFOLIO&choice=PENDING,ACCEPTED", "C01(C03) C04"),
        ("?view=PORTFOLIO&choice=choice%3DPENDING&choice=ACCEPTED", "C01(C03) C04"),
        ("?view=PORTFOLIO&choice=ACCEPTED&consent_ids=c-04", "C04"),
    ] {
        assert_eq!(shown(&shop.read(&customer(), query).expect(200).json()), expected, "{query}");
    }
}

#[test]
fn a_known_customer_is_shown_the_whole_tree_filtered_by_every_filter() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    shop.capture(&customer, &[("C01", 0), ("C03", 2), ("C05", 0)]).expect(201);
    let read = shop.read(&customer, "").expect(202);
    assert_eq!(shown(&read.json()), "C01(C02 C03) C04 C05");
    assert_eq!(choices(&read.json()), json!({ "C01": 0, "C02": 1, "C03": 2, "C04": 0, "C05": 0 }));
    assert_eq!(read.header("cache-control"), "no-store");
    for (query, expected) in [
        ("?view=MANDATORY", "C01(C02)"),
        ("?consent_ids=", "C01(C02 C03) C04 C05"),
        ("?consent_ids=C01", "C01(C02 C03)"),
        ("?consent_ids=C01,C02", "C01(C02 C03)"),
        ("?consent_ids=C02", "!C01(C02)"),
        ("?consent_ids=c02,unknown", "!C01(C02)"),
        ("?consent_ids=UNKNOWN", ""),
        ("?choice=REJECTED", "!C01(C03)"),
        ("?choice=REJECTED&choice=PENDING", "!C01(C02 C03)"),
        ("?choice=REJECTED,PENDING", "!C01(C02 C03)"),
        ("?choice=ACCEPTED&view=CAMPAIGN", "C05"),
        ("?choice=PENDING&consent_ids=C03", ""),
        ("?choice=PENDING&consent_ids=C01", "!C01(C02)"),
    ] {
        let read = shop.read(&customer, query).expect(202);
        assert_eq!(shown(&read.json()), expected, "{query}");
        assert!(read.header("x-key").len() >= 64, "{query}");
    }
    // The family of a requested father can be edited, what is there for context cannot.
    let family = shop.read(&customer, "?consent_ids=C01").json();
    assert_eq!(family["statements"][0]["child_statements"][0]["read_only"], false);
}

#[test]
fn texts_come_in_one_language_and_length() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let read = |language: &str, query: &str| {
        let call = shop.asking(&customer, query);
        let call = if language.is_empty() { call } else { call.header("accept-language", language) };
        let read = call.send().expect(200).json();
        (read["locale"].as_str().unwrap().to_owned(), read["statements"][0]["text"].as_str().unwrap().to_owned())
    };
    let of = |locale: &str, text: &str| (locale.to_owned(), text.to_owned());
    assert_eq!(read("", ""), of("es_ES", "C01 text es"));
    assert_eq!(read("en-ES", ""), of("en_ES", "C01 text en"));
    assert_eq!(read("de-ES, en;q=0.5, es;q=0.1", ""), of("en_ES", "C01 text en"));
    // Allowed, but no text has it; never heard of; nonsense.
    for language in ["ca-ES", "gl", ";;;,q=", "*"] {
        assert_eq!(read(language, ""), of("es_ES", "C01 text es"), "{language}");
    }
    assert_eq!(read("en", "?display_format=SHORT"), of("en_ES", "C01 en"));
    assert_eq!(read("en", "?display_format=NORMAL"), of("en_ES", "C01 text en"));
}

#[test]
fn what_a_read_gets_wrong_is_told_at_once() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let refused = |query: &str| shop.read(&customer, query).expect_problem(400, "PARAMETER_ERROR").details();
    assert!(refused("?view=NONE").contains("view"));
    assert!(refused("?display_format=LONG").contains("display_format"));
    assert!(refused("?choice=").contains("choice"));
    assert!(refused("?choice=MAYBE").contains("choice"));
    assert!(refused("?choice=pending").contains("choice"));
    let all = refused("?display_format=LONG&choice=MAYBE");
    assert!(all.contains("display_format") && all.contains("choice"), "{all}");

    let path = shop.consents(&customer);
    let none = shop.client.get(&path).send().expect_problem(400, "PARAMETER_ERROR");
    assert!(none.details().contains("x-segment"), "{none}");
    shop.client.get(&path).header("x-segment", "").send().expect_problem(400, "PARAMETER_ERROR");
    // The new name wins; the old one alone does.
    shop.client.get(&path).headers([("x-segment", "telco"), ("x-sector", "nonsense")]).send().expect(200);
    shop.client.get(&path).headers([("x-segment", ""), ("x-sector", "telco")]).send().expect(200);
    shop.client.get(&path).header("x-segment", "energy").send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn impact_is_told_of_known_customers_while_a_priority_consent_is_pending() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    shop.impact(&customer).expect_problem(404, "RESOURCE_NOT_FOUND");
    let impact = || shop.impact(&customer).expect(200).json();
    shop.capture(&customer, &[("C02", 0)]).expect(201);
    assert_eq!(impact(), json!({ "customer_id": customer, "impact": true }));
    shop.capture(&customer, &[("C01", 2)]).expect(201);
    assert_eq!(impact()["impact"], true, "C05 is not answered");
    shop.capture(&customer, &[("C05", 0)]).expect(201);
    assert_eq!(impact()["impact"], false, "a rejection is an answer");
    shop.capture(&customer, &[("C05", 1)]).expect(201);
    assert_eq!(impact()["impact"], true);
    shop.delete(&customer).expect(204);
    shop.impact(&customer).expect_problem(404, "RESOURCE_NOT_FOUND");
    let energy = shop.client.get(&shop.path(&format!("customers/{customer}"))).header("x-segment", "energy").send();
    energy.expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn roles_and_organizations_are_told_apart() {
    let (server, shop) = Shop::new();
    let customer = customer();
    let key = shop.key(&customer);
    let with = |roles: &[&str]| Shop { client: server.client_with(&server.token(&shop.organization, roles)), ..shop.clone() };
    let (reader, writer) = (with(&["consents_read"]), with(&["consents_write"]));
    let captured = super::body(&[("C01", 0)], &super::now());
    reader.post(&customer, &key, &captured).expect_problem(401, "UNAUTHORIZED");
    reader.delete(&customer).expect_problem(401, "UNAUTHORIZED");
    writer.read(&customer, "").expect_problem(401, "UNAUTHORIZED");
    writer.impact(&customer).expect_problem(401, "UNAUTHORIZED");
    writer.delete(&customer).expect_problem(401, "UNAUTHORIZED");
    writer.post(&customer, &key, &captured).expect(201);
    reader.read(&customer, "").expect(202);
    reader.impact(&customer).expect(200);
    with(&["consents_delete"]).delete(&customer).expect(204);
    let stranger = Shop { client: server.client_with(&server.token("elsewhere", &[])), ..shop.clone() };
    stranger.read(&customer, "").expect_problem(401, "UNAUTHORIZED");
    stranger.post(&customer, &key, &captured).expect_problem(401, "UNAUTHORIZED");
}
