use chrono::TimeZone;

use super::*;
use crate::fixtures::time_stamps::{Authority, Fault, POLICY};
use crate::verify::Trust;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn authority() -> Authority {
    Authority::new(at() - TimeDelta::days(10), 5, true)
}

fn policy() -> Option<ObjectIdentifier> {
    Some(ObjectIdentifier::new_unwrap(POLICY))
}

fn asked(authority: &Authority, clock: DateTime<Utc>) -> Result<Token, Rejected> {
    let query = Query::new([7; 32], policy()).unwrap();
    let trust = Trust { roots: vec![authority.root()] };
    query.accept(&authority.answer(&query.der(), clock), &trust, at())
}

#[test]
fn a_time_stamp_says_when_and_who() {
    let token = asked(&authority(), at() + TimeDelta::seconds(3)).unwrap();
    assert_eq!(token.at, at() + TimeDelta::seconds(3));
    assert_eq!((token.policy.as_str(), token.serial.as_str()), (POLICY, "21"));
    assert_eq!(token.authority.subject, "Rubrica test time stamps");
    assert!(token.trust.is_trusted());
}

#[test]
fn no_two_queries_are_alike_and_each_is_der() {
    let [one, other] = [(); 2].map(|()| Query::new([7; 32], None).unwrap().der());
    assert_ne!(one, other);
    assert_eq!(one.len(), other.len());
    let parts = AnyRef::from_der(&one).and_then(|whole| asn1::elements(whole.value()).map(|parts| parts.len()));
    assert_eq!(parts, Ok(4), "version, imprint, nonce, and that certificates are wanted");
}

#[test]
fn what_is_wrong_with_an_answer_is_told() {
    for (fault, expected) in [
        (Fault::Refuses, "its source of time is away"),
        (Fault::OtherImprint, "another digest"),
        (Fault::OtherNonce, "another nonce"),
        (Fault::OtherPolicy, "another policy"),
        (Fault::WrongSignature, "what it says was changed"),
        (Fault::NoCertificate, "no readable certificate"),
        (Fault::OtherBinding, "not bound to its certificate"),
    ] {
        let mut authority = authority();
        authority.fault = fault;
        let rejected = asked(&authority, at()).expect_err("it is wrong");
        assert!(rejected.to_string().contains(expected), "{fault:?}: {rejected}");
        assert_eq!(rejected.is_transient(), fault == Fault::Refuses, "{fault:?}");
    }
}

#[test]
fn an_authority_has_to_be_one_and_to_be_valid_and_trusted() {
    let other = Authority::new(at() - TimeDelta::days(10), 5, false);
    assert!(matches!(asked(&other, at()), Err(Rejected::Certificate(CertificateTrust::ExtendedKeyUsage))));
    let over = Authority::new(at() - TimeDelta::days(800), 1, true);
    assert!(matches!(asked(&over, at()), Err(Rejected::Certificate(CertificateTrust::ExpiredAtSigning { .. }))));
    let query = Query::new([7; 32], None).unwrap();
    let stranger = authority().answer(&query.der(), at());
    let trust = Trust { roots: vec![authority().root()] };
    assert!(matches!(query.accept(&stranger, &trust, at()), Err(Rejected::Certificate(_))));
    assert!(query.accept(&stranger, &Trust::default(), at()).is_ok(), "nobody said whom to trust");
}

#[test]
fn a_clock_that_is_far_off_proves_nothing() {
    for off in [TimeDelta::minutes(11), -TimeDelta::minutes(11)] {
        assert!(matches!(asked(&authority(), at() + off), Err(Rejected::Clock { .. })), "{off}");
    }
    assert!(asked(&authority(), at() + TimeDelta::minutes(9)).is_ok());
}

#[test]
fn rubbish_is_told_and_never_taken() {
    let (query, trust) = (Query::new([7; 32], None).unwrap(), Trust::default());
    let good = authority().answer(&query.der(), at());
    for cut in 0..good.len() {
        assert!(query.accept(&good[..cut], &trust, at()).is_err(), "{cut}");
    }
    for place in (0..good.len()).step_by(7) {
        let mut changed = good.clone();
        changed[place] ^= 0x55;
        // What nothing is read of may change: no part of it counts.
        if let Ok(token) = query.accept(&changed, &trust, at()) {
            assert_eq!((token.at, token.policy.as_str()), (at(), POLICY), "{place}");
        }
    }
    assert_eq!(query.accept(&vec![0x30; MAX_ANSWER + 1], &trust, at()), Err(Rejected::TooLarge));
}
