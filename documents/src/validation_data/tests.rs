use chrono::{TimeDelta, TimeZone};

use super::*;
use crate::fixtures::authorities::Pki;
use crate::fixtures::levels::Authorities;
use crate::level::Level;
use crate::seal;
use crate::verify::{CertificateTrust, Report, verify};

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn report_of(authorities: &Authorities, pdf: &[u8], at: DateTime<Utc>) -> Report {
    let report = verify(pdf, &authorities.trust(), at).unwrap();
    assert!(report.all_intact(), "{report}");
    report
}

/// Signed ten days after they began; the certificate of time stamps ends after so many days.
fn authorities(days: i64) -> Authorities {
    Authorities::new(at() - TimeDelta::days(10), 100, days)
}

fn levels(report: &Report) -> Vec<Option<Level>> {
    report.signatures.iter().filter(|signature| !signature.is_time_stamp).map(|signature| signature.level).collect()
}

#[test]
fn each_level_is_a_revision_more_and_is_told() {
    for by_lists in [false, true] {
        let authorities = authorities(1_000);
        let later = at() + TimeDelta::hours(1);
        let sealed = authorities.sealed(at());
        assert_eq!(levels(&report_of(&authorities, &sealed, later)), [Some(Level::B); 2]);
        let behind = authorities.stamped(&sealed, at());
        assert_eq!(levels(&report_of(&authorities, &behind, later)), [Some(Level::T); 2]);
        let proven = authorities.with_data(&behind, at(), by_lists);
        let report = report_of(&authorities, &proven, later);
        assert_eq!(levels(&report), [Some(Level::Lt); 2], "{report}");
        assert!(report.signatures.iter().all(|signature| signature.revocation == Some(Revocation::Good)), "{report}");
        let archived = authorities.stamped(&proven, at() + TimeDelta::minutes(1));
        let report = report_of(&authorities, &archived, later);
        assert_eq!(levels(&report), [Some(Level::Lta); 2], "{report}");
        assert!(report.to_string().contains("PAdES B-LTA"), "{report}");
        // With the time stamps in the signatures, all is the same.
        let stamped = authorities.sealed_and_stamped(at());
        let report = report_of(&authorities, &stamped, later);
        assert_eq!(levels(&report), [Some(Level::T); 2], "{report}");
        assert!(
            report.signatures.iter().all(|signature| signature.proven_time == Some(at()) && signature.time_stamps.len() == 1)
        );
        let proven_too = authorities.with_data(&stamped, at(), by_lists);
        assert_eq!(levels(&report_of(&authorities, &proven_too, later)), [Some(Level::Lt); 2]);
        let archived_too = authorities.stamped(&proven_too, at());
        assert_eq!(levels(&report_of(&authorities, &archived_too, later)), [Some(Level::Lta); 2]);
        for (longer, shorter) in [(&behind, &sealed), (&proven, &behind), (&archived, &proven), (&archived_too, &proven_too)] {
            assert!(longer.starts_with(shorter));
        }
    }
}

#[test]
fn an_archived_signature_outlives_its_certificate_and_a_renewed_one_that_of_the_time_stamp() {
    let mut authorities = authorities(400);
    let sealed = authorities.sealed(at());
    let day = TimeDelta::days(1);
    // The signer's certificate ends after 90 days more.
    let after = at() + day * 200;
    let stamped = authorities.stamped(&sealed, at());
    let proven = authorities.with_data(&stamped, at(), false);
    let archived = authorities.stamped(&proven, at());
    let report = report_of(&authorities, &archived, after);
    assert!(report.all_trusted(), "{report}");
    assert_eq!(levels(&report), [Some(Level::Lta); 2]);
    // The certificate of the time stamps ends after 390 days: nothing proves any more when anything was there.
    let too_late = verify(&archived, &authorities.trust(), at() + day * 395).unwrap();
    assert!(matches!(too_late.signatures[2].trust, CertificateTrust::ExpiredAtSigning { .. }), "{too_late}");
    assert_eq!(levels(&too_late), [Some(Level::B); 2], "{too_late}");
    // Renewed in time, by an authority with a new certificate; and once more, years later.
    let mut renewed = archived.clone();
    let mut now = at() + day * 350;
    for _ in 0..2 {
        authorities.stamps = authorities.times.time_stamps((now - at()).num_days() + 1_000, true);
        renewed = authorities.stamped(&authorities.with_data(&renewed, now, false), now);
        now += day * 900;
        let report = report_of(&authorities, &renewed, now);
        assert!(report.all_trusted(), "{report}");
        assert_eq!(levels(&report), [Some(Level::Lta); 2], "{report}");
    }
    assert!(renewed.starts_with(&archived));
}

#[test]
fn a_certificate_that_was_revoked_proves_what_was_signed_before_and_nothing_after() {
    let mut authorities = authorities(1_000);
    let sealed = authorities.sealed(at());
    let leaf = verify(&sealed, &authorities.trust(), at()).unwrap().signatures[0].certificate.clone().unwrap();
    assert_eq!(leaf.subject, "Ana Pons");
    let document = crate::reader::load(&sealed).unwrap();
    let survey = Survey::of(&document, &ValidationData::default(), &authorities.trust()).unwrap();
    let certificate = survey.certificates().into_iter().find(|certificate| certificate.subject_text() == "Ana Pons").unwrap();
    // Revoked after the time stamp: the signature was there before.
    authorities.people.revoke(certificate.der(), at() + TimeDelta::hours(1));
    let stamped = authorities.stamped(&sealed, at());
    let later = at() + TimeDelta::hours(2);
    let report = report_of(&authorities, &authorities.with_data(&stamped, later, false), later);
    assert_eq!(levels(&report), [Some(Level::Lt); 2], "{report}");
    // Stamped after the revocation: who knows who signed.
    let stamped = authorities.stamped(&sealed, later);
    let report = report_of(&authorities, &authorities.with_data(&stamped, later, true), later);
    assert!(matches!(report.signatures[0].trust, CertificateTrust::Revoked { .. }), "{report}");
    assert!(!report.all_trusted() && report.to_string().contains("somebody else may have the key"), "{report}");
    // Without any time stamp what a signature claims proves nothing.
    let report = report_of(&authorities, &authorities.with_data(&sealed, later, true), later);
    assert!(matches!(report.signatures[0].trust, CertificateTrust::Revoked { .. }), "{report}");
}

#[test]
fn what_is_there_is_not_added_again_and_another_store_is_kept() {
    let authorities = authorities(1_000);
    let stamped = authorities.stamped(&authorities.sealed(at()), at());
    let data = authorities.found(&stamped, at(), false);
    assert_eq!(data.answers.len(), 2, "one for the signer, one for the time stamps");
    let proven = seal::validation_data::append(&stamped, &data).unwrap().unwrap();
    assert!(seal::validation_data::append(&proven, &data).unwrap().is_none());
    let more = authorities.found(&proven, at() + TimeDelta::days(30), true);
    let twice = seal::validation_data::append(&proven, &more).unwrap().unwrap();
    let document = crate::reader::load(&twice).unwrap();
    let read = ValidationData::of(&document);
    assert_eq!((read.answers.len(), read.lists.len()), (2, more.lists.len()));
    assert!(!more.lists.is_empty());
    let related = pdf::dict_entry(&document, store(&document).unwrap(), b"VRI").unwrap();
    assert_eq!(related.len(), 3, "two signatures and a time stamp");
    for (_, entry) in related.iter() {
        let entry = entry.as_dict().unwrap();
        assert!(entry.get(b"Cert").unwrap().as_array().unwrap().len() == 2 && entry.has(b"OCSP"), "{entry:?}");
    }
    report_of(&authorities, &twice, at() + TimeDelta::days(31));
}

#[test]
fn a_certificate_without_an_issuer_is_told_with_where_it_is_to_be_had() {
    let authorities = authorities(1_000);
    let unstamped = authorities.sealed(at());
    let wanted = Wanted::of(&unstamped, &ValidationData::default(), &Trust::default(), at()).unwrap();
    assert!(wanted.orphans.is_empty() && wanted.questions.len() == 1, "{wanted:?}");
    let pki = Pki::new(at() - TimeDelta::days(10), Some("http://people.example"));
    let certificate = Certificate::from_der(&pki.time_stamps(10, true).certificate()).unwrap();
    let survey = Survey {
        data: ValidationData::default(),
        pool: vec![certificate],
        signatures: vec![Surveyed { key: String::new(), leaves: vec![0], at: None }],
    };
    let wanted = survey.wanted(at());
    let expected =
        Orphan { issuer: "Rubrica test authority".to_owned(), addresses: vec!["http://people.example/issuer".to_owned()] };
    assert_eq!((wanted.orphans, wanted.questions.len()), (vec![expected], 0));
}

#[test]
fn much_that_leads_to_nothing_is_not_read_for_ever() {
    let authorities = authorities(1_000);
    let stamped = authorities.stamped(&authorities.sealed(at()), at());
    let data = authorities.found(&stamped, at(), false);
    let question = Wanted::of(&stamped, &ValidationData::default(), &authorities.trust(), at()).unwrap().questions.remove(0);
    assert_eq!(Statements::new(&data).until(Instant::now() + std::time::Duration::from_secs(60)).on(&question).len(), 1);
    assert!(Statements::new(&data).until(Instant::now()).on(&question).is_empty());
}
