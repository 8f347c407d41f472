//! Declining.

use super::*;
use crate::shared;

#[test]
fn a_signer_declines_by_the_link_alone_and_the_process_ends_for_all() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let declined = browsers[0].decline("  the rent is too high \n").expect(200).json();
    let end = &declined["ended"];
    assert_eq!((&end["why"], &end["by_you"], &end["reason"]), (&json!("DECLINED"), &json!(true), &json!("the rent is too high")));
    assert_eq!((&declined["process_status"], &declined["status"]), (&json!("CANCELLED"), &json!("CANCELLED")));
    let other = browsers[1].invitation();
    let end = &other["ended"];
    assert_eq!((&end["why"], &end["by_you"], &end["reason"]), (&json!("DECLINED"), &json!(false), &Value::Null));
    assert_eq!(other["identification"]["status"], json!("CANCELLED"));
    let process = journey.process(&browsers[0].process);
    assert_eq!(process["status"], "CANCELLED");
    for browser in &browsers {
        assert_eq!(journey.identification(&browser.identification)["state"], "CANCELLED");
        browser.client.put(&browser.of_identification("challenge")).send().expect_problem(409, "CONFLICT");
    }
}

#[test]
fn a_signer_may_say_it_again_and_nobody_else_can() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let first = browsers[0].decline("no").expect(200).json();
    let again = browsers[0].decline("still no").expect(200).json();
    assert_eq!((&again["ended"], &again["revision"]), (&first["ended"], &first["revision"]), "the first word counts");
    let refused = browsers[1].decline("me neither").expect_problem(409, "CONFLICT");
    assert!(refused.details().contains("CANCELLED"), "{refused}");
}

#[test]
fn of_a_signature_and_a_refusal_at_once_one_counts() {
    let (server, journey) = shared();
    for _ in 0..5 {
        let browser = one(&server, &journey);
        let identified = browser.identified(&journey);
        let (signed, declined) = std::thread::scope(|scope| {
            let signing = scope.spawn(|| identified.signing());
            let declining = scope.spawn(|| browser.decline("no"));
            (signing.join().expect("an answer"), declining.join().expect("an answer"))
        });
        let expected = [(204, 409), (409, 200)];
        assert!(expected.contains(&(signed.status, declined.status)), "{signed} {declined}");
        let status = journey.process(&browser.process)["status"].clone();
        if signed.status == 204 {
            assert!(["SIGNED", "CERTIFIED"].contains(&status.as_str().expect("a status")), "{status}");
            assert_eq!(browser.invitation()["ended"], Value::Null);
        } else {
            assert_eq!(status, "CANCELLED");
        }
    }
}

#[test]
fn who_has_signed_or_came_too_late_does_not_decline() {
    let (server, journey) = shared();
    let browsers = invite(&server, &journey, 2);
    let signer = browsers[0].identified(&journey);
    signer.signing().expect(204);
    let refused = browsers[0].decline("on second thoughts").expect_problem(409, "CONFLICT");
    assert!(refused.details().contains("signed already"), "{refused}");
    assert_eq!(browsers[1].invitation()["others"], json!({"signed": 1, "pending": 0}));
    // With the token for the signature it can be declined as well as with that of the link.
    browsers[1].identified(&journey).decline("no").expect(200);
    let shown = browsers[0].invitation();
    assert_eq!(
        (&shown["status"], &shown["ended"]["why"], &shown["ended"]["by_you"]),
        (&json!("SIGNED"), &json!("DECLINED"), &json!(false))
    );
    let cancelled = one(&server, &journey);
    let cancel = journey.path(&format!("sign_process/{}/cancel", cancelled.process));
    journey.client.post(&cancel).json(&json!({"reason": "a mistake of ours"})).send().expect(204);
    cancelled.decline("no").expect_problem(409, "CONFLICT");
    let end = cancelled.invitation()["ended"].clone();
    assert_eq!((&end["why"], &end["by_you"], &end["reason"]), (&json!("CANCELLED"), &json!(false), &Value::Null));
}

#[test]
fn a_reason_says_something_and_is_bounded_and_the_device_is_named() {
    let (server, journey) = shared();
    let browser = one(&server, &journey);
    for wrong in ["", " \n\t", &"ñ".repeat(501)] {
        let details = browser.decline(wrong).expect_problem(400, "INVALID_INPUT").details();
        assert!(details.starts_with("reason: "), "{details}");
    }
    let without = browser.client.post(&browser.path("decline")).json(&json!({"reason": "no"})).send();
    assert!(without.expect_problem(400, "PARAMETER_ERROR").details().contains("x-installation_id: the header is missing"));
    assert_eq!(browser.invitation()["process_status"], "CREATED");
    browser.decline(&"ñ".repeat(500)).expect(200);
}
