use chrono::TimeZone;

use super::*;
use crate::fixtures::authorities::{Fault, Pki};

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn pki() -> Pki {
    Pki::new(at() - TimeDelta::days(10), Some("http://ca.example"))
}

fn question(pki: &Pki) -> Question {
    let identity = pki.identity("Ana Pons", 365);
    let [leaf, root] = identity.certificates().collect::<Vec<_>>()[..] else { panic!("two certificates") };
    Question::new(leaf, root).unwrap()
}

fn asked(pki: &Pki, question: &Question, with_nonce: bool) -> Result<Statement, Rejected> {
    let request = question.ocsp_request(with_nonce).unwrap();
    question.accept_ocsp(&request, &pki.ocsp(request.der(), at()), at())
}

#[test]
fn a_certificate_says_whom_to_ask() {
    let question = question(&pki());
    assert_eq!(question.subject(), "Ana Pons");
    assert_eq!(question.ocsp_addresses(), ["http://ca.example/ocsp"]);
    assert_eq!(question.list_addresses(), ["http://ca.example/list"]);
    assert_eq!(question.certificate.issuer_addresses(), ["http://ca.example/issuer"]);
    assert!(Question::new(question.certificate.der(), question.certificate.der()).is_err(), "it did not issue itself");
    assert!(Question::new(b"x", b"y").is_err());
}

#[test]
fn a_responder_says_that_a_certificate_is_good_and_since_when_it_is_revoked() {
    let mut pki = pki();
    let question = question(&pki);
    for with_nonce in [true, false] {
        let said = asked(&pki, &question, with_nonce).unwrap();
        assert_eq!((said.status, said.this_update), (Status::Good, at()));
        assert_eq!(said.good_until(), at() + TimeDelta::days(7));
        assert!(said.responder.is_some(), "it has a certificate of its own");
        assert_eq!(said.is_revoked(at() + TimeDelta::days(6)), Some(false));
        assert_eq!(said.is_revoked(at() + TimeDelta::days(8)), None, "it does not speak of that");
    }
    let since = at() - TimeDelta::days(2);
    pki.revoke(question.certificate.der(), since);
    let said = asked(&pki, &question, true).unwrap();
    assert_eq!(said.status, Status::Revoked { at: since, reason: Reason::KeyCompromise });
    assert_eq!(said.is_revoked(since - TimeDelta::seconds(1)), Some(false));
    assert_eq!(said.is_revoked(since), Some(true));
}

#[test]
fn what_is_wrong_with_an_answer_is_told() {
    let question_of = question;
    for (fault, expected) in [
        (Fault::TryLater, "try again later"),
        (Fault::OtherNonce, "another nonce"),
        (Fault::OtherCertificate, "another certificate"),
        (Fault::Old, "it was good until"),
        (Fault::WrongSignature, "nobody signed it who may"),
        (Fault::NoResponder, "its signer may not answer for the issuer"),
    ] {
        let mut pki = pki();
        pki.fault = fault;
        let question = question_of(&pki);
        let rejected = asked(&pki, &question, true).expect_err("it is wrong");
        assert!(rejected.to_string().contains(expected), "{fault:?}: {rejected}");
    }
    let mut pki = pki();
    let question = question(&pki);
    pki.fault = Fault::NoNonce;
    assert_eq!(asked(&pki, &question, true).unwrap().status, Status::Good, "a responder may leave it out");
    pki.fault = Fault::Unknown;
    assert_eq!(asked(&pki, &question, true).unwrap().is_revoked(at()), None);
    let request = question.ocsp_request(true).unwrap();
    assert_eq!(question.accept_ocsp(&request, b"<html>", at()), Err(Rejected::Unreadable));
    assert_eq!(question.accept_ocsp(&request, &[0; MAX_ANSWER + 1], at()), Err(Rejected::TooLarge(MAX_ANSWER)));
    pki.fault = Fault::None;
    let early = question.accept_ocsp(&request, &pki.ocsp(request.der(), at() + TimeDelta::hours(1)), at());
    assert!(matches!(early, Err(Rejected::Clock { .. })));
}

#[test]
fn another_authority_says_nothing_of_a_certificate() {
    let (ours, other) = (pki(), pki());
    let question = question(&ours);
    // The names are the same, the keys are not.
    assert!(matches!(asked(&other, &question, false), Err(Rejected::Invalid(_))));
    assert!(matches!(question.accept_list(&other.list(at()), at()), Err(Rejected::Invalid(_))));
}

#[test]
fn a_list_says_what_was_revoked_and_all_else_is_good() {
    let mut pki = pki();
    let question = question(&pki);
    let said = question.accept_list(&pki.list(at()), at()).unwrap();
    assert_eq!((said.status, said.responder.clone()), (Status::Good, None));
    assert_eq!(said.good_until(), at() + TimeDelta::days(7));
    let since = at() - TimeDelta::days(2);
    pki.revoke(&pki.time_stamps(100, true).certificate(), since);
    assert_eq!(question.accept_list(&pki.list(at()), at()).unwrap().status, Status::Good, "another's number");
    pki.revoke(question.certificate.der(), since);
    let said = question.accept_list(&pki.list(at()), at()).unwrap();
    assert_eq!(said.status, Status::Revoked { at: since, reason: Reason::KeyCompromise });
    pki.fault = Fault::Old;
    assert!(matches!(question.accept_list(&pki.list(at()), at()), Err(Rejected::Old(_))));
    pki.fault = Fault::WrongSignature;
    assert!(matches!(question.accept_list(&pki.list(at()), at()), Err(Rejected::Invalid(_))));
    assert_eq!(question.accept_list(&[0x30, 0], at()), Err(Rejected::Unreadable));
}
