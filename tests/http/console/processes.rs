//! The list of processes by their type.

use super::{Browser, between, text};
use crate::{
    address, biometric,
    support::{Journey, Keeps, Options, Server},
};

/// The processes of a list, in its order.
fn ids(page: &str) -> Vec<String> {
    page.split("<td class=\"name\">").skip(1).map(|rest| between(rest, "<code class=\"small\">", "<").to_owned()).collect()
}

#[test]
fn processes_of_a_type_are_found_in_every_state_and_page() {
    let server = Server::start_with(Options { keeps: Keeps::AsConfigured, ..Options::default() });
    let shop = biometric::Shop::new(&server);
    let journey = &shop.journey;
    let name = between(&journey.path(""), "/orgs/", "/").to_owned();
    let simple = || {
        let document = journey.upload("lease.pdf", &crate::pdf());
        journey.create(&Journey::creation(&[Journey::signer("tenant", &address())], &[&document]))
    };
    let (first, (by_hand, _), last) = (simple(), shop.identified(), simple());
    let (other_by_hand, _) = shop.identified();
    journey
        .client
        .post(&journey.path(&format!("sign_process/{by_hand}/cancel")))
        .json(&serde_json::json!({"reason": "x"}))
        .send();
    journey.until(&by_hand, "CANCELLED");
    let browser = Browser::signed_in(&server, &name, &["console"]);
    let list = |query: &str| text(&browser.get(&format!("/console/orgs/{name}/processes{query}")).expect(200));
    let all = list("");
    assert_eq!(ids(&all), [&other_by_hand, &last, &by_hand, &first].map(String::clone));
    assert!(all.contains("<option value=\"BIOMETRIC\">signature by hand</option>"), "{all}");
    let page = list("?type=BIOMETRIC");
    assert_eq!(ids(&page), [other_by_hand.clone(), by_hand.clone()]);
    assert!(page.contains("<option value=\"BIOMETRIC\" selected>"), "{page}");
    assert!(page.contains("?status=CANCELLED&#38;type=BIOMETRIC"), "the other filters keep it: {page}");
    assert_eq!(ids(&list("?type=SIMPLE")), [last.clone(), first.clone()]);
    assert_eq!(ids(&list("?type=BIOMETRIC&status=CANCELLED")), [by_hand]);
    assert!(list("?type=SIMPLE&status=CANCELLED").contains("Show all states"), "nothing, and the way back");
    assert_eq!(ids(&list("?type=SEAL")).len(), 4, "what is no type filters nothing");
    let file = browser.get(&format!("/console/orgs/{name}/processes.csv?type=BIOMETRIC")).expect(200);
    assert_eq!(String::from_utf8(file.body).expect("text").lines().count(), 3);

    // Page by page, whatever their states.
    let made: Vec<String> = (0..55).map(|_| simple()).collect();
    for id in made.iter().step_by(7) {
        journey.client.post(&journey.path(&format!("sign_process/{id}/cancel"))).json(&serde_json::json!({"reason": "x"})).send();
        journey.until(id, "CANCELLED");
    }
    let page = list("?type=SIMPLE");
    let next = between(&page, "rel=\"next\" href=\"", "\"").replace("&#38;", "&");
    let rest = text(&browser.get(&next).expect(200));
    let found: Vec<String> = ids(&page).into_iter().chain(ids(&rest)).collect();
    let expected: Vec<String> = [&first, &last].into_iter().chain(&made).rev().cloned().collect();
    assert_eq!((ids(&page).len(), found), (50, expected));
    assert!(!rest.contains("rel=\"next\""), "{rest}");
}
