//! What time does: acceptances expire, keys grow old.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Shop, body, customer};
use crate::{
    own,
    support::{PATIENCE, wait_for},
};

#[test]
fn an_acceptance_expires_by_the_clock_and_asks_again() {
    let (server, _) = own(None);
    let shop = Shop::on(&server);
    let customer = customer();
    let date = Utc::now() - TimeDelta::days(1);
    let text = date.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    shop.post(&customer, &shop.key(&customer), &body(&[("C01", 2), ("C05", 0)], &text)).expect(201);
    let read = shop.read(&customer, "?consent_ids=C05").expect(202).json();
    let until: DateTime<Utc> = read["statements"][0]["expiration_date"].as_str().expect("a date").parse().unwrap();
    assert_eq!(until.timestamp(), (date + TimeDelta::days(180)).timestamp());
    assert_eq!(shop.impact(&customer).json()["impact"], false);
    // A rejection and a later one that is pending have none.
    assert!(shop.read(&customer, "?consent_ids=C01").json()["statements"][0].get("expiration_date").is_none());

    server.advance("P178DT23H");
    assert_eq!(shop.choices(&customer)["C05"], 0);
    server.advance("PT2H");
    let read = shop.read(&customer, "?consent_ids=C05").expect(202).json();
    assert_eq!(read["statements"][0]["choice"], 1);
    assert!(read["statements"][0].get("expiration_date").is_none());
    assert_eq!(shop.impact(&customer).json(), json!({ "customer_id": customer, "impact": true }));
    assert_eq!(shop.choices(&customer)["C01"], 2, "nothing else expires");
}

#[test]
fn a_key_grows_old() {
    let (server, _) = own(Some("[consents]\nx_key_lifetime = \"PT1H\"\n"));
    let shop = Shop::on(&server);
    let customer = customer();
    let key = shop.key(&customer);
    let sent = body(&[("C01", 0)], "2024-01-01T00:00:00Z");
    server.advance("PT59M");
    shop.post(&customer, &key, &sent).expect(201);
    server.advance("PT2M");
    let refused = shop.post(&customer, &key, &sent).expect(401);
    assert_eq!(refused.json()["errors"][0]["code"], "MCONS_011");
}

#[test]
fn deleted_consents_are_erased_when_their_time_of_blocking_is_over() {
    let (server, _) = own(Some("[consents]\nretention_after_deletion = \"PT1H\"\n"));
    let shop = Shop::on(&server);
    let [gone, back] = [customer(), customer()];
    let stale = shop.key(&gone);
    let id = shop.capture(&gone, &[("C01", 0), ("C03", 2)]).expect(201).text("id");
    shop.capture(&back, &[("C01", 0)]).expect(201);
    let fresh = shop.delete(&gone).expect(204).header("x-key").to_owned();
    let key = shop.delete(&back).expect(204).header("x-key").to_owned();
    // Who comes back before that is not erased.
    shop.post(&back, &key, &body(&[("C02", 0)], "2024-01-01T00:00:00Z")).expect(201);
    server.advance("PT2H");
    wait_for("the erasure", PATIENCE, || {
        let metrics = String::from_utf8(server.anonymous().get("/metrics").send().expect(200).body).unwrap();
        metrics.lines().any(|line| line == "rubrica_consent_journals_erased_total 1").then_some(())
    });
    assert_eq!(shop.choices(&back)["C02"], 0);
    shop.read(&gone, "").expect(200);
    shop.delete(&gone).expect(404);
    shop.post(&gone, &stale, &body(&[("C01", 0)], "2024-01-01T00:00:00Z")).expect(401);
    // The deletion's own key has seen all that the customer removed.
    shop.post(&gone, &fresh, &body(&[("C02", 0)], "2024-01-01T00:00:00Z")).expect(201);
    assert_eq!(shop.capture(&gone, &[("C01", 0)]).expect(201).text("id"), id, "the id is for life");
    assert_eq!(shop.choices(&gone)["C01"], 0);
}
