use chrono::{TimeDelta, TimeZone};

use super::*;
use crate::fixtures::authorities::Pki;
use crate::fixtures::time_stamps::Authority;
use crate::fixtures;
use crate::level::Level;
use crate::seal::{self, Request};
use crate::time_stamp::Query;
use crate::verify::{CertificateTrust, Report, verify};

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

/// Signers' authority, and one whose certificates are for time stamps.
struct Authorities {
    people: Pki,
    times: Pki,
    stamps: Authority,
}

impl Authorities {
    /// The certificate of time stamps ends after so many days.
    fn new(days: i64) -> Self {
        let from = at() - TimeDelta::days(10);
        let times = Pki::new(from, Some("http://times.example"));
        Self { people: Pki::new(from, Some("http://people.example")), stamps: times.time_stamps(days, true), times }
    }

    fn trust(&self) -> Trust {
        Trust { roots: vec![self.people.root(), self.times.root()] }
    }

    fn sealed(&self) -> Vec<u8> {
        let request = |field: Option<&str>| Request {
            field: field.map(str::to_owned),
            signer_name: "Ana Pons".to_owned(),
            at: at(),
            reason: "I agree".to_owned(),
            location: None,
            appearance_lines: None,
            handwriting: None,
        };
        let identity = self.people.identity("Ana Pons", 100);
        seal::seal(&fixtures::contract(&["A"]), &identity, &[request(Some("A")), request(None)]).unwrap().pdf
    }

    fn stamped(&self, pdf: &[u8], at: DateTime<Utc>) -> Vec<u8> {
        let unstamped = seal::time_stamp::prepare(pdf).unwrap();
        let query = Query::new(unstamped.imprint(), None).unwrap();
        let token = query.accept(&self.stamps.answer(&query.der(), at), &self.trust(), at).unwrap();
        unstamped.stamped(&token.der).unwrap()
    }

    /// All that is wanted, asked by OCSP or fetched as lists.
    fn found(&self, pdf: &[u8], at: DateTime<Utc>, by_lists: bool) -> ValidationData {
        let mut data = ValidationData::default();
        for _ in 0..4 {
            let wanted = Wanted::of(pdf, &data, &self.trust(), at).unwrap();
            if wanted.is_empty() {
                return data;
            }
            assert!(wanted.orphans.is_empty(), "{wanted:?}");
            for question in wanted.questions {
                let pki = if question.ocsp_addresses()[0].contains("people") { &self.people } else { &self.times };
                if by_lists {
                    let list = pki.list(at);
                    question.accept_list(&list, at).unwrap();
                    data.add_list(&list);
                } else {
                    let request = question.ocsp_request(true).unwrap();
                    let answer = pki.ocsp(request.der(), at);
                    question.accept_ocsp(&request, &answer, at).unwrap();
                    data.add_answer(&answer);
                }
            }
        }
        panic!("there is no end of what is wanted");
    }

    /// Validation data for all that is there.
    fn with_data(&self, pdf: &[u8], at: DateTime<Utc>, by_lists: bool) -> Vec<u8> {
        seal::validation_data::append(pdf, &self.found(pdf, at, by_lists)).unwrap().expect("there is something new")
    }

    fn report(&self, pdf: &[u8], at: DateTime<Utc>) -> Report {
        let report = verify(pdf, &self.trust(), at).unwrap();
        assert!(report.all_intact(), "{report}");
        report
    }
}

fn levels(report: &Report) -> Vec<Option<Level>> {
    report.signatures.iter().filter(|signature| !signature.is_time_stamp).map(|signature| signature.level).collect()
}

#[test]
fn each_level_is_a_revision_more_and_is_told() {
    for by_lists in [false, true] {
        let authorities = Authorities::new(1_000);
        let later = at() + TimeDelta::hours(1);
        let sealed = authorities.sealed();
        assert_eq!(levels(&authorities.report(&sealed, later)), [Some(Level::B); 2]);
        let stamped = authorities.stamped(&sealed, at());
        assert_eq!(levels(&authorities.report(&stamped, later)), [Some(Level::T); 2]);
        let proven = authorities.with_data(&stamped, at(), by_lists);
        let report = authorities.report(&proven, later);
        assert_eq!(levels(&report), [Some(Level::Lt); 2], "{report}");
        assert!(report.signatures.iter().all(|signature| signature.revocation == Some(Revocation::Good)), "{report}");
        let archived = authorities.stamped(&proven, at() + TimeDelta::minutes(1));
        let report = authorities.report(&archived, later);
        assert_eq!(levels(&report), [Some(Level::Lta); 2], "{report}");
        assert!(report.to_string().contains("PAdES B-LTA"), "{report}");
        for (longer, shorter) in [(&stamped, &sealed), (&proven, &stamped), (&archived, &proven)] {
            assert!(longer.starts_with(shorter));
        }
    }
}

#[test]
fn an_archived_signature_outlives_its_certificate_and_a_renewed_one_that_of_the_time_stamp() {
    let authorities = Authorities::new(400);
    let sealed = authorities.sealed();
    let day = TimeDelta::days(1);
    // The signer's certificate ends after 90 days more.
    let after = at() + day * 200;
    let stamped = authorities.stamped(&sealed, at());
    let proven = authorities.with_data(&stamped, at(), false);
    let archived = authorities.stamped(&proven, at());
    let report = authorities.report(&archived, after);
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
        let stamps = authorities.times.time_stamps((now - at()).num_days() + 1_000, true);
        let next = Authorities { people: Pki::new(at(), None), times: Pki::new(at(), None), stamps };
        let with_data = authorities.with_data(&renewed, now, false);
        let unstamped = seal::time_stamp::prepare(&with_data).unwrap();
        let query = Query::new(unstamped.imprint(), None).unwrap();
        let token = query.accept(&next.stamps.answer(&query.der(), now), &authorities.trust(), now).unwrap();
        renewed = unstamped.stamped(&token.der).unwrap();
        now += day * 900;
        let report = authorities.report(&renewed, now);
        assert!(report.all_trusted(), "{report}");
        assert_eq!(levels(&report), [Some(Level::Lta); 2], "{report}");
    }
    assert!(renewed.starts_with(&archived));
}

#[test]
fn a_certificate_that_was_revoked_proves_what_was_signed_before_and_nothing_after() {
    let mut authorities = Authorities::new(1_000);
    let sealed = authorities.sealed();
    let leaf = verify(&sealed, &authorities.trust(), at()).unwrap().signatures[0].certificate.clone().unwrap();
    assert_eq!(leaf.subject, "Ana Pons");
    let document = crate::reader::load(&sealed).unwrap();
    let survey = Survey::of(&document, &ValidationData::default(), &authorities.trust()).unwrap();
    let certificate = survey.certificates().into_iter().find(|certificate| certificate.subject_text() == "Ana Pons").unwrap();
    // Revoked after the time stamp: the signature was there before.
    authorities.people.revoke(certificate.der(), at() + TimeDelta::hours(1));
    let stamped = authorities.stamped(&sealed, at());
    let later = at() + TimeDelta::hours(2);
    let report = authorities.report(&authorities.with_data(&stamped, later, false), later);
    assert_eq!(levels(&report), [Some(Level::Lt); 2], "{report}");
    // Stamped after the revocation: who knows who signed.
    let stamped = authorities.stamped(&sealed, later);
    let report = authorities.report(&authorities.with_data(&stamped, later, true), later);
    assert!(matches!(report.signatures[0].trust, CertificateTrust::Revoked { .. }), "{report}");
    assert!(!report.all_trusted() && report.to_string().contains("somebody else may have the key"), "{report}");
    // Without any time stamp what a signature claims proves nothing.
    let report = authorities.report(&authorities.with_data(&sealed, later, true), later);
    assert!(matches!(report.signatures[0].trust, CertificateTrust::Revoked { .. }), "{report}");
}

#[test]
fn what_is_there_is_not_added_again_and_another_store_is_kept() {
    let authorities = Authorities::new(1_000);
    let stamped = authorities.stamped(&authorities.sealed(), at());
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
    authorities.report(&twice, at() + TimeDelta::days(31));
}

#[test]
fn a_certificate_without_an_issuer_is_told_with_where_it_is_to_be_had() {
    let authorities = Authorities::new(1_000);
    let unstamped = authorities.sealed();
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
    let expected = Orphan {
        issuer: "Rubrica test authority".to_owned(),
        addresses: vec!["http://people.example/issuer".to_owned()],
    };
    assert_eq!((wanted.orphans, wanted.questions.len()), (vec![expected], 0));
}
