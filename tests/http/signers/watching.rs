//! Waiting for a change.

use std::{
    thread,
    time::{Duration, Instant},
};

use super::*;
use crate::{own, shared};

/// What a change wakes is answered long before the wait is over.
const SOON: Duration = Duration::from_secs(20);

/// Gives a watch the time to begin: too little does not make the test fail, it then sees the change at its first look.
fn begun(server: &Server, watchers: usize) {
    wait_for("the watch to begin", PATIENCE, || (watching(server) >= watchers).then_some(()));
}

fn watching(server: &Server) -> usize {
    let metrics = String::from_utf8(server.anonymous().get("/metrics").send().expect(200).body).expect("text");
    let line = metrics.lines().find(|line| line.starts_with("rubrica_page_watchers ")).expect("the gauge");
    line.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

/// What a watch answers to what happens meanwhile.
fn meanwhile(server: &Server, browser: &Browser, happens: impl FnOnce()) -> Answer {
    let revision = browser.revision();
    let before = watching(server);
    thread::scope(|scope| {
        let started = Instant::now();
        let watch = scope.spawn(|| browser.watch(&revision));
        begun(server, before + 1);
        happens();
        let answer = watch.join().expect("an answer");
        assert!(started.elapsed() < SOON, "nothing woke it");
        answer
    })
}

#[test]
fn a_watch_sees_what_happens_to_the_signer_and_to_the_others() {
    let (server, journey) = own(None);
    let browsers = invite(&server, &journey, 2);
    let (one, other) = (&browsers[0], &browsers[1]);
    let asked = meanwhile(&server, one, || drop(one.client.put(&one.of_identification("challenge")).send().expect(204)));
    assert_eq!(asked.expect(200).json()["identification"]["otp"]["validations_left"], 3);
    let code = journey.new_code(&one.to, 0);
    // The message may go out after the code was asked for: each is a change.
    wait_for("the delivery", PATIENCE, || (one.invitation()["identification"]["otp"]["delivery"] == "ACCEPTED").then_some(()));
    let mut token = String::new();
    let validated = meanwhile(&server, one, || {
        let answer = one.validating().json(&json!({ "code": code })).send().expect(204);
        token = answer.header("x-access-token").to_owned();
    });
    assert_eq!(validated.expect(200).json()["identification"]["status"], "VALIDATED");
    let identified = one.with(&token);
    let signed = meanwhile(&server, other, || drop(identified.signing().expect(204)));
    let signed = signed.expect(200).json();
    assert_eq!(signed["others"], json!({"signed": 1, "pending": 0}));
    let declined = meanwhile(&server, one, || drop(other.decline("no").expect(200)));
    assert_eq!(declined.expect(200).json()["ended"]["why"], "DECLINED");
}

#[test]
fn who_knows_less_than_there_is_does_not_wait() {
    let (server, journey) = shared();
    let browser = one(&server, &journey);
    for after in ["", "0", "nonsense", &"x".repeat(65)] {
        let shown = browser.watch(after).expect(200).json();
        assert_eq!(shown["revision"], json!(browser.revision()));
    }
    browser.client.get(&browser.path("watch")).send().expect(200);
    browser.client.get(&browser.path("watch?after=1&after=2")).send().expect_problem(400, "PARAMETER_ERROR");
}

#[test]
fn a_watch_ends_after_25_seconds_of_process_time() {
    let (server, journey) = own(None);
    let browser = one(&server, &journey);
    let revision = browser.revision();
    thread::scope(|scope| {
        let watch = scope.spawn(|| browser.watch(&revision));
        begun(&server, 1);
        server.advance("PT10S");
        thread::yield_now();
        assert!(!watch.is_finished());
        server.advance("PT15S");
        assert!(watch.join().expect("an answer").expect(204).body.is_empty());
    });
    assert_eq!(watching(&server), 0);
}

#[test]
fn a_watch_sees_that_the_time_is_over() {
    let (server, journey) = own(None);
    let browser = invite_with(&server, &journey, 1, |creation| creation["expires_in"] = json!("PT15M")).remove(0);
    let until = browser.invitation()["until"].clone();
    let expired = meanwhile(&server, &browser, || server.advance("PT15M"));
    let end = expired.expect(200).json()["ended"].clone();
    assert_eq!((&end["why"], &end["at"], &end["by_you"]), (&json!("EXPIRED"), &until, &json!(false)));
}

#[test]
fn a_watch_ends_with_the_server() {
    let (server, journey) = own(None);
    let browser = one(&server, &journey);
    let revision = browser.revision();
    thread::scope(|scope| {
        let watch = scope.spawn(|| browser.watch(&revision));
        begun(&server, 1);
        let started = Instant::now();
        assert!(server.terminate().success());
        watch.join().expect("an answer").expect(204);
        assert!(started.elapsed() < SOON, "the end waited for it");
    });
}

#[test]
fn there_are_so_many_places_and_they_are_free_again() {
    let (server, journey) = own(Some("[pages]\nwatchers = 2\nwatchers_per_organization = 1\n"));
    let browser = one(&server, &journey);
    let revision = browser.revision();
    thread::scope(|scope| {
        let watch = scope.spawn(|| browser.watch(&revision));
        begun(&server, 1);
        let refused = browser.watch(&revision).expect_problem(429, "CONFLICT");
        assert_eq!(refused.header("retry-after"), "5");
        browser.client.get(&browser.path("invitation")).send().expect(200);
        server.advance("PT25S");
        watch.join().expect("an answer").expect(204);
    });
    browser.watch("").expect(200);
}

#[test]
fn downloads_come_with_the_seal_to_whoever_is_identified() {
    let (server, journey) = own(None);
    let browser = one(&server, &journey);
    let identified = browser.identified(&journey);
    identified.signing().expect(204);
    let sealed = wait_for("the seal", PATIENCE, || {
        let answer = identified.watch(&identified.revision());
        let shown = if answer.status == 200 { answer.json() } else { identified.invitation() };
        (shown["sealed"] == true).then_some(shown)
    });
    assert_eq!((&sealed["process_status"], &sealed["status"]), (&json!("CERTIFIED"), &json!("CERTIFIED")));
    let downloads = sealed["downloads"].as_array().expect("downloads").clone();
    let kinds: Vec<_> = downloads.iter().map(|download| download["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["DOCUMENT", "CERTIFICATE"]);
    for download in &downloads {
        let file = browser.anonymous.get(download["url"].as_str().expect("an address")).send().expect(200);
        assert!(file.body.starts_with(b"%PDF-"), "{file}");
    }
    // Whoever only has the link learns that all is sealed, and gets nothing.
    let shown = browser.invitation();
    assert_eq!((&shown["sealed"], &shown["downloads"]), (&json!(true), &json!([])));
    assert_eq!(shown["revision"], sealed["revision"]);
}
