//! Capturing and deleting.

use serde_json::{Value, json};

use super::{Shop, body, choices, customer, now};

#[test]
fn a_capture_changes_what_it_names_and_nothing_else() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let first = shop.capture(&customer, &[("c-01", 0), ("C03", 2)]).expect(201).json();
    let second = shop.capture(&customer, &[("C02", 2)]).expect(201).json();
    assert_eq!(first, json!({ "id": first["id"] }));
    assert_eq!(first["id"], second["id"], "the id is that of the customer in the segment (note consents-id)");
    let id: uuid::Uuid = first["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 8);
    assert_eq!(shop.choices(&customer), json!({ "C01": 0, "C02": 2, "C03": 2, "C04": 0, "C05": 1 }));
}

#[test]
fn a_repeated_capture_is_the_same_one() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let (key, sent) = (shop.key(&customer), body(&[("C01", 0)], &now()));
    let first = shop.post(&customer, &key, &sent).expect(201).json();
    // Members in another order, one that nobody knows, an id that is spelled otherwise.
    let mut again = sent.clone();
    again["selections"] = json!([{ "choice": 0, "id": "c.01", "note": "x" }]);
    again["campaign"] = json!("spring");
    assert_eq!(shop.post(&customer, &key, &again).expect(201).json(), first);
    shop.capture(&customer, &[("C01", 2)]).expect(201);
    let late = shop.post(&customer, &key, &sent).expect(201).json();
    assert_eq!(late, json!({ "id": first["id"], "superseded": ["C01"] }));
    assert_eq!(shop.choices(&customer)["C01"], 2, "a repetition does not undo what came after it");
}

#[test]
fn the_later_date_holds_whatever_comes_later() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let capture =
        |choices: &[(&str, u8)], date: &str| shop.post(&customer, &shop.key(&customer), &body(choices, date)).expect(201);
    capture(&[("C01", 2)], "2024-05-02T10:00:00Z");
    let late = capture(&[("C01", 0), ("C02", 0)], "2024-05-01T10:00:00Z").json();
    assert_eq!(late["superseded"], json!(["C01"]));
    assert_eq!(shop.choices(&customer), json!({ "C01": 2, "C02": 0, "C03": 0, "C04": 0, "C05": 1 }));
    capture(&[("C01", 0)], "2024-05-02T12:00:00+02:00");
    assert_eq!(shop.choices(&customer)["C01"], 0, "at equal dates the later arrival holds");
}

#[test]
fn everything_that_is_wrong_with_a_capture_is_told_at_once() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let key = shop.key(&customer);
    let refused = shop.post(
        &customer,
        &key,
        &json!({
            "actor_id": "", "selections": [{ "id": "C01", "choice": 7 }, { "id": "c01", "choice": 0 }, { "choice": 0 }],
            "ip": "example.org", "sell_channel": "crm", "capture_date": "yesterday",
        }),
    );
    let details = refused.expect_problem(400, "INVALID_INPUT").details();
    for path in [
        "actor_id: ",
        "selections[0].choice: ",
        "selections[1].id: ",
        "selections[2].id: ",
        "ip: ",
        "sell_channel: ",
        "trace_id: ",
        "capture_date: ",
    ] {
        assert!(details.lines().any(|line| line.starts_with(path)), "{path}: {details}");
    }
    let with = |member: &str, value: Value| {
        let mut sent = body(&[("C01", 0)], &now());
        sent[member] = value;
        shop.post(&customer, &key, &sent).expect_problem(400, "INVALID_INPUT").details()
    };
    assert!(with("selections", json!([])).starts_with("selections: "));
    assert!(with("capture_date", json!("2999-01-01T00:00:00Z")).contains("5 minutes ahead"));
    assert!(with("selections", json!("C01")).starts_with("selections: "));
    let opposed =
        with("selections", json!([{ "id": "C03", "choice": 1 }, { "id": "C01", "choice": 1 }, { "id": "C04", "choice": 1 }]));
    assert!(opposed.contains("selections[0].choice") && opposed.contains("selections[2].choice"), "{opposed}");
    assert!(!opposed.contains("selections[1]"), "{opposed}");
    shop.read(&customer, "").expect(200);
}

#[test]
fn a_selection_that_the_tree_lacks_and_a_segment_without_tree_are_404() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let key = shop.key(&customer);
    let refused = shop.post(&customer, &key, &body(&[("C01", 0), ("C99", 0)], &now())).expect_problem(404, "RESOURCE_NOT_FOUND");
    assert!(refused.details().contains("selections[1].id"), "{refused}");
    shop.read(&customer, "").expect(200);
    let energy = shop.client.post(&shop.consents(&customer)).headers([("x-segment", "energy"), ("x-key", &key)]);
    energy.json(&body(&[("C01", 0)], &now())).send().expect_problem(404, "RESOURCE_NOT_FOUND");
}

#[test]
fn a_key_is_good_for_its_customer_segment_and_organization_alone() {
    let (_server, shop) = Shop::new();
    let (ana, eva) = (customer(), customer());
    shop.plant("energy");
    let sent = body(&[("C01", 0)], &now());
    let key = shop.key(&ana);
    let post = |customer: &str, key: &str| shop.post(customer, key, &sent);
    let code = |status: u16, answer: crate::support::Answer| {
        let answer = answer.expect(status);
        answer.json()["errors"][0]["code"].as_str().unwrap().to_owned()
    };
    for malformed in ["", "abc", &"z".repeat(64), &key[1..], &format!("{key}0"), &"0".repeat(514)] {
        assert_eq!(code(400, post(&ana, malformed)), "MCONS_010", "{malformed}");
    }
    let missing = shop.client.post(&shop.consents(&ana)).header("x-segment", "telco").json(&sent).send();
    assert_eq!(code(400, missing), "MCONS_010");
    let flipped = format!("{}{}", &key[..63], if key.ends_with('0') { '1' } else { '0' });
    for (customer, wrong) in [(&ana, flipped), (&eva, key.clone()), (&ana, shop.key_in("energy", &ana)), (&ana, "0".repeat(64))] {
        assert_eq!(code(401, post(customer, &wrong)), "MCONS_011");
    }
    // With a wrong body both are told.
    let both = shop.post(&ana, "abc", &json!({})).expect(400);
    let codes: Vec<_> = both.json()["errors"].as_array().unwrap().iter().map(|error| error["code"].clone()).collect();
    assert!(codes.contains(&json!("MCONS_010")) && codes.contains(&json!("MCONS_001")), "{both}");
    // Any number of captures, at any of the displays.
    for query in ["", "?consent_ids=C02", "?view=PORTFOLIO&display_format=SHORT", "?choice=REJECTED"] {
        let key = shop.read(&ana, query).header("x-key").to_owned();
        post(&ana, &key).expect(201);
        post(&ana, &key).expect(201);
    }
    post(&ana, &key).expect(201);
}

#[test]
fn a_deletion_hides_at_once_and_ends_the_keys_before_it() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    shop.plant("energy");
    shop.delete(&customer).expect_problem(404, "RESOURCE_NOT_FOUND");
    let sent = body(&[("C01", 0), ("C05", 0)], &now());
    let stale = shop.key(&customer);
    shop.post(&customer, &stale, &sent).expect(201);
    let key = shop.key_in("energy", &customer);
    let energy = shop.client.post(&shop.consents(&customer)).headers([("x-segment", "energy"), ("x-key", &key)]);
    let other = energy.json(&sent).send().expect(201).text("id");
    let stale_too = shop.key(&customer);

    let deleted = shop.delete(&customer).expect(204);
    assert!(deleted.body.is_empty());
    let fresh = deleted.header("x-key").to_owned();
    assert!(fresh.len() >= 64);
    let read = shop.read(&customer, "").expect(200);
    assert_eq!(choices(&read.json()), json!({ "C01": 1, "C02": 1 }));
    shop.delete(&customer).expect_problem(404, "RESOURCE_NOT_FOUND");
    shop.client.get(&shop.consents(&customer)).header("x-segment", "energy").send().expect(202);
    for key in [&stale, &stale_too] {
        let refused = shop.post(&customer, key, &sent).expect(401);
        assert_eq!(refused.json()["errors"][0]["code"], "MCONS_011");
    }
    shop.read(&customer, "").expect(200);
    // A capture under a key from afterwards counts, whatever its date.
    let back = shop.post(&customer, &fresh, &body(&[("C01", 2)], "2020-01-01T00:00:00Z")).expect(201);
    assert_ne!(back.text("id"), other);
    assert_eq!(shop.choices(&customer)["C01"], 2);
    assert_eq!(shop.choices(&customer)["C05"], 1);
}

#[test]
fn a_web_component_acts_for_its_customer_and_actor_only() {
    let (server, shop) = Shop::new();
    let customer = customer();
    let sealed =
        shop.client.post(&shop.path("securize")).json(&json!({ "customer_id": customer, "actor_id": "AG7" })).send().expect(201);
    let component = Shop { client: server.client_with(&sealed.text("web_component_token")), ..shop.clone() };
    let key = component.read("self", "").expect(200).header("x-key").to_owned();
    let mut sent = body(&[("C01", 0)], &now());
    component.post("self", &key, &sent).expect_problem(401, "UNAUTHORIZED");
    sent["actor_id"] = json!("self");
    component.post("self", &key, &sent).expect(201);
    sent["actor_id"] = json!("AG7");
    component.post(&customer, &key, &sent).expect(201);
    component.read(&customer, "").expect(202);
    assert_eq!(component.impact("self").expect(200).json()["customer_id"], json!(customer));
    component.delete("self").expect_problem(401, "UNAUTHORIZED");
    component.read(&super::customer(), "").expect_problem(401, "UNAUTHORIZED");
    // Nobody else may say it.
    shop.read("self", "").expect_problem(400, "PARAMETER_ERROR");
    let key = shop.key(&customer);
    let mut sent = body(&[("C01", 0)], &now());
    sent["actor_id"] = json!("self");
    shop.post(&customer, &key, &sent).expect_problem(400, "INVALID_INPUT");
}

#[test]
fn bodies_have_their_bounds() {
    let (_server, shop) = Shop::new();
    let customer = customer();
    let key = shop.key(&customer);
    let call = || shop.client.post(&shop.consents(&customer)).headers([("x-segment", "telco"), ("x-key", key.as_str())]);
    call().body("application/json", vec![b' '; 64 * 1024 + 1]).send().expect_problem(413, "INVALID_INPUT");
    call().body("text/plain", "{}").send().expect_problem(415, "PARAMETER_ERROR");
    call().body("application/json", "{").send().expect_problem(400, "INVALID_INPUT");
    let long = "x".repeat(257);
    shop.read(&long, "").expect_problem(400, "PARAMETER_ERROR");
    shop.read("a%0Ab", "").expect_problem(400, "PARAMETER_ERROR");
    shop.read("A%2FB%20%C3%B1", "").expect(200);
}

#[test]
fn a_customer_has_so_many_captures_a_day() {
    let (server, _) = crate::own(Some("[consents]\ncaptures_per_day = 3\n"));
    let shop = Shop::on(&server);
    let customer = customer();
    for choice in [0, 2, 0] {
        shop.capture(&customer, &[("C01", choice)]).expect(201);
    }
    let refused = shop.capture(&customer, &[("C01", 2)]).expect_problem(429, "CONFLICT");
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(shop.choices(&customer)["C01"], 0);
    server.advance("PT24H");
    shop.capture(&customer, &[("C01", 2)]).expect(201);
}
