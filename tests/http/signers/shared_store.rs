//! Two servers on one store: what one does, the pages of the other see.

use std::thread;

use super::*;
use crate::{
    contract,
    support::{Keeps, Options, Store},
};

fn start(store: &Store) -> Server {
    let options = Options { keeps: Keeps::Shared(store.clone()), observer: Some(contract::check), ..Options::default() };
    Server::start_with(options)
}

#[test]
fn links_tokens_and_changes_of_one_server_count_on_the_other() {
    let store = Store::fresh();
    let (ours, theirs) = (start(&store), start(&store));
    let (journey, elsewhere) = (Journey::new(ours.client()), Journey::new(theirs.client()));
    let browser = one(&ours, &journey);
    // The same browser, whose next call comes to the other server.
    let there = Browser {
        anonymous: theirs.anonymous(),
        client: theirs.client_with(&open(&theirs.anonymous(), &browser.sign, &browser.k).expect(200).text("token")),
        ..browser.clone()
    };
    assert_eq!(there.revision(), browser.revision());
    let revision = there.revision();
    let waked = thread::scope(|scope| {
        let watch = scope.spawn(|| there.watch(&revision));
        drop(browser.client.put(&browser.of_identification("challenge")).send().expect(204));
        watch.join().expect("an answer")
    });
    assert_eq!(waked.expect(200).json()["identification"]["otp"]["validations_left"], 3);
    let code = wait_for("the code", PATIENCE, || journey.codes(&browser.to).pop().or_else(|| elsewhere.codes(&browser.to).pop()));
    let key = [7; 32];
    let validating = there.validating().header("x-resume-hash", &access::hash_of(&key)).json(&json!({ "code": code }));
    validating.send().expect(204);
    let resumed = browser.client.post(&browser.path("access")).json(&json!({"resume_key": access::text_of(&key)})).send();
    resumed.expect(200);
    renew(&there.anonymous, &there.sign).expect(202);
    browser.client.get(&browser.path("invitation")).send().expect_problem(401, "UNAUTHORIZED");
    open(&browser.anonymous, &browser.sign, &browser.k).expect_problem(404, "RESOURCE_NOT_FOUND");
}
