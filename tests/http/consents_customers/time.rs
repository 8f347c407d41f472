//! What time does: acceptances expire, keys grow old.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{Shop, body, customer};
use crate::own;

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
