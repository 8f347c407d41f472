use chrono::{Duration, TimeZone};
use data_encoding::HEXLOWER;
use lopdf::dictionary;

use super::*;
use crate::fixtures;
use crate::pkcs12::Identity;
use crate::revision::{Changes as Revision, Revisions};
use crate::seal::{self, Request};

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn identity() -> Identity {
    Identity::open(include_bytes!("../../fixtures/p384-aes256.p12"), "password", at()).unwrap()
}

fn trust() -> Trust {
    Trust { roots: vec![identity().certificates().last().unwrap().to_vec()] }
}

fn request(field: Option<&str>) -> Request {
    Request {
        field: field.map(str::to_owned),
        signer_name: "Ana Pons".to_owned(),
        at: at(),
        reason: "I agree".to_owned(),
        location: Some("Lugo".to_owned()),
        appearance_lines: None,
        handwriting: None,
    }
}

/// The sealed file alone.
fn seal(pdf: &[u8], identity: &Identity, requests: &[Request]) -> Result<Vec<u8>, seal::Error> {
    seal::seal(pdf, identity, requests).map(|sealed| sealed.pdf)
}

fn sealed(requests: &[Request]) -> Vec<u8> {
    seal(&fixtures::contract(&["A", "B"]), &identity(), requests).unwrap()
}

fn report(pdf: &[u8]) -> Report {
    verify(pdf, &trust(), at() + Duration::days(1)).unwrap()
}

fn place(pdf: &[u8], what: &[u8]) -> usize {
    pdf::find(pdf, what).unwrap()
}

/// Appends a revision that changes one object.
fn revised(pdf: &[u8], change: impl FnOnce(&Document) -> (ObjectId, lopdf::Object)) -> Vec<u8> {
    let mut revisions = Revisions::open(pdf).unwrap();
    let mut changes = Revision::default();
    let (id, object) = change(revisions.document());
    changes.set(id, object);
    revisions.append(changes).unwrap();
    revisions.whole()
}

fn page(document: &Document) -> (ObjectId, Dictionary) {
    let id = pdf::pages(document).unwrap()[0];
    (id, pdf::dict_at(document, id).unwrap().clone())
}

#[test]
fn an_intact_signature_tells_who_when_and_what() {
    let pdf = sealed(&[request(Some("A"))]);
    let report = report(&pdf);
    assert!(report.all_intact() && report.all_trusted(), "{report}");
    let signature = &report.signatures[0];
    assert_eq!(signature.field, "A");
    assert_eq!(signature.name.as_deref(), Some("Ana Pons"));
    assert_eq!(signature.signer.as_deref(), Some("Rubrica test P-384"));
    assert_eq!(signature.claimed_time, Some(at()));
    assert_eq!(signature.location.as_deref(), Some("Lugo"));
    assert_eq!(signature.sub_filter, "ETSI.CAdES.detached");
    assert_eq!(signature.certificate_binding, Binding::Matches);
    assert!(signature.covers_whole_file && signature.covers_whole_revision);
    assert_eq!(signed_end(&signature.byte_range), Some(pdf.len()));
    assert!(signature.later_changes.is_empty());
}

#[test]
fn a_file_without_signatures_is_not_intact() {
    let report = report(&fixtures::contract(&["A"]));
    assert!(report.signatures.is_empty() && !report.all_intact());
    assert!(report.to_string().contains("not signed"));
}

#[test]
fn further_signatures_are_told_and_fine() {
    let report = report(&sealed(&[request(Some("A")), request(None), request(Some("B"))]));
    assert!(report.all_intact(), "{report}");
    let later: Vec<String> = report.signatures[0].later_changes.signatures.iter().cloned().collect();
    assert_eq!(later, ["B", "Signature1"]);
    assert!(report.signatures[0].covers_whole_revision && !report.signatures[0].covers_whole_file);
    assert!(report.signatures[2].later_changes.is_empty());
}

#[test]
fn a_changed_byte_breaks_every_signature_over_it() {
    let mut pdf = sealed(&[request(Some("A")), request(None)]);
    let position = place(&pdf, b"1.250");
    pdf[position] = b'9';
    let report = report(&pdf);
    assert!(report.signatures.iter().all(|signature| !signature.digest_intact && !signature.is_intact()));
    assert!(report.to_string().contains("BROKEN"));
}

#[test]
fn a_changed_signature_value_is_invalid() {
    let pdf = sealed(&[request(None)]);
    let value = place(&pdf, b"/Contents <") + b"/Contents <".len();
    let padding = value + pdf::find(&pdf[value..], b"00000000000000000000000000000000").unwrap();
    let mut forged = pdf.clone();
    forged[padding - 6] = if forged[padding - 6] == b'1' { b'2' } else { b'1' };
    let forged = report(&forged);
    assert!(forged.signatures[0].digest_intact);
    assert!(!forged.signatures[0].signature_valid && !forged.all_intact());
    let mut hidden = pdf;
    hidden[padding + 4000] = b'7';
    assert!(!report(&hidden).all_intact(), "bytes after the value");
}

#[test]
fn a_revision_that_changes_what_a_page_shows_is_suspicious() {
    let pdf = sealed(&[request(None)]);
    let other_text = revised(&pdf, |document| {
        let (_, page) = page(document);
        let content = page.get(b"Contents").unwrap().as_reference().unwrap();
        (content, lopdf::Stream::new(Dictionary::new(), b"BT ET".to_vec()).into())
    });
    let report_text = report(&other_text);
    assert!(report_text.signatures[0].digest_intact, "the signed bytes are all there");
    assert!(report_text.signatures[0].later_changes.is_suspicious() && !report_text.all_intact());

    let other_page = revised(&pdf, |document| {
        let (id, mut page) = page(document);
        page.set("MediaBox", vec![0.into(), 0.into(), 10.into(), 10.into()]);
        (id, page.into())
    });
    assert!(report(&other_page).signatures[0].later_changes.is_suspicious());
}

#[test]
fn comments_are_told_apart_from_changes() {
    let pdf = sealed(&[request(None)]);
    let commented = revised(&pdf, |document| {
        let (id, mut page) = page(document);
        let mut annotations = pdf::array_entry(document, &page, b"Annots").unwrap().clone();
        annotations.push(dictionary! { "Type" => "Annot", "Subtype" => "Text", "Rect" => vec![0.into(); 4] }.into());
        page.set("Annots", annotations);
        (id, page.into())
    });
    let found = &report(&commented).signatures[0].later_changes;
    assert!(found.annotations && !found.is_suspicious());
}

#[test]
fn filled_fields_are_told_and_a_signed_field_may_not_change() {
    let pdf = seal(&fixtures::text_field("NAME"), &identity(), &[request(None)]).unwrap();
    let id_of =
        |document: &Document, name: &str| fields::all(document).unwrap().into_iter().find(|field| field.name == name).unwrap().id;
    let filled = revised(&pdf, |document| {
        let id = id_of(document, "NAME");
        let mut field = pdf::dict_at(document, id).unwrap().clone();
        field.set("V", lopdf::text_string("Ana"));
        (id, field.into())
    });
    let found = report(&filled).signatures[0].later_changes.clone();
    assert!(found.form_fields.contains("NAME") && !found.is_suspicious());

    let moved = revised(&pdf, |document| {
        let id = id_of(document, "Signature1");
        let mut field = pdf::dict_at(document, id).unwrap().clone();
        field.set("Rect", vec![0.into(), 0.into(), 500.into(), 500.into()]);
        (id, field.into())
    });
    assert!(report(&moved).signatures[0].later_changes.is_suspicious());
}

#[test]
fn an_added_field_that_is_no_signature_is_suspicious() {
    let pdf = sealed(&[request(None)]);
    let added = revised(&pdf, |document| {
        let (_, catalog) = pdf::catalog(document).unwrap();
        let id = catalog.get(b"AcroForm").unwrap().as_reference().unwrap();
        let mut form = pdf::dict_at(document, id).unwrap().clone();
        let mut fields = pdf::array_entry(document, &form, b"Fields").unwrap().clone();
        fields.push(dictionary! { "FT" => "Tx", "T" => lopdf::text_string("X") }.into());
        form.set("Fields", fields);
        (id, form.into())
    });
    assert!(report(&added).signatures[0].later_changes.is_suspicious());
}

#[test]
fn a_byte_range_with_another_gap_is_refused() {
    let pdf = sealed(&[request(None)]);
    let start = place(&pdf, b"/ByteRange [") + b"/ByteRange ".len();
    let end = start + pdf[start..].iter().position(|byte| *byte == b']').unwrap() + 1;
    let numbers = report(&pdf).signatures[0].byte_range.clone();
    let [_, gap_start, gap_end, length] = numbers[..] else { panic!("four numbers") };
    let ranges = [
        format!("[0 {} {gap_end} {length}]", gap_start - 1),
        format!("[0 {gap_start} {} {}]", gap_end + 1, length - 1),
        format!("[1 {} {gap_end} {length}]", gap_start - 1),
        format!("[0 {gap_end} {gap_start} {length}]"),
        format!("[0 {gap_start} {gap_end} {}]", length + 9),
        format!("[0 {gap_start} {gap_end} {}]", length - 9),
        format!("[0 {gap_start} {gap_end} -1]"),
        "[0 0 0 0]".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
    ];
    for range in ranges {
        let mut forged = pdf.clone();
        let padded = format!("{range:<width$}", width = end - start);
        forged.splice(start..end, padded.bytes());
        let report = report(&forged);
        assert!(!report.all_intact(), "{range}: {report}");
        assert!(report.signatures.iter().all(|signature| !signature.problems.is_empty()), "{range}");
    }
}

#[test]
fn empty_contents_and_a_repeated_key_are_refused() {
    let pdf = sealed(&[request(None)]);
    let value = place(&pdf, b"/Contents <") + b"/Contents <".len();
    let length = pdf[value..].iter().position(|byte| *byte == b'>').unwrap();
    let mut empty = pdf.clone();
    empty[value..value + length].fill(b'0');
    let empty = report(&empty);
    assert!(!empty.all_intact() && !empty.signatures[0].signature_valid);

    // The reason becomes a second value under the same key, without moving a byte.
    let mut twice = pdf;
    let reason = place(&twice, b"/Reason(I agree)");
    twice.splice(reason..reason + 16, b"/Contents <3000>".iter().copied());
    let twice = report(&twice);
    assert!(!twice.all_intact());
}

#[test]
fn bytes_after_the_end_of_the_document_are_a_problem() {
    let pdf = sealed(&[request(None)]);
    let longer = verify(&[pdf.as_slice(), b"%PDF-1.7 something else"].concat(), &trust(), at());
    assert!(matches!(longer, Err(Error::Document(pdf::Error::Ambiguous(_)))), "{longer:?}");
    assert!(report(&[pdf.as_slice(), b"\r\n\0\0"].concat()).all_intact(), "padding is none");
}

#[test]
fn signatures_of_other_programs_are_verified() {
    // RSA-PSS with SHA-512 as PAdES, then PKCS #1 with SHA-384 as adbe.pkcs7.detached.
    let files: [&[u8]; 2] =
        [include_bytes!("../../fixtures/others-pss-sha512.pdf"), include_bytes!("../../fixtures/others-pss-longest-salt.pdf")];
    for file in files {
        let intact = report(file);
        assert_eq!(intact.signatures.len(), 2);
        assert!(intact.all_intact() && intact.all_trusted(), "{intact}");
        assert_eq!(intact.signatures[0].name.as_deref(), Some("Somebody else"));
        assert_eq!(intact.signatures[1].sub_filter, "adbe.pkcs7.detached");
        assert!(intact.signatures[0].later_changes.signatures.contains("PKCS7"));

        let mut changed = file.to_vec();
        let position = place(&changed, b"1.250");
        changed[position] = b'9';
        assert!(report(&changed).signatures.iter().all(|signature| !signature.is_intact()));
    }
}

/// The same file with another signature value.
fn with_value(pdf: &[u8], change: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let start = place(pdf, b"/Contents <") + b"/Contents <".len();
    let length = pdf[start..].iter().position(|byte| *byte == b'>').unwrap();
    let value = unhex(&pdf[start - 1..=start + length]).unwrap();
    let changed = change(&crate::asn1::ber::first_element(&value).unwrap().der);
    let digits = HEXLOWER.encode(&changed);
    let mut pdf = pdf.to_vec();
    pdf.splice(start..start + length, format!("{digits:0<length$}").bytes());
    pdf
}

/// `what` exchanged wherever it stands.
fn exchanged(bytes: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    assert_eq!(what.len(), with.len());
    let mut bytes = bytes.to_vec();
    while let Some(at) = pdf::find(&bytes, what) {
        bytes[at..at + what.len()].copy_from_slice(with);
    }
    bytes
}

/// The CMS with its one signer so many times.
fn with_signers(cms: &[u8], count: usize) -> Vec<u8> {
    use crate::asn1::{CONTEXT_0, SEQUENCE, SET, elements, raw, tlv};
    let inside = |der: &[u8]| -> Vec<Vec<u8>> {
        let outer = elements(der).unwrap()[0];
        elements(outer.value()).unwrap().into_iter().map(|part| raw(part).unwrap()).collect()
    };
    let outer = inside(cms);
    let mut parts = inside(&inside(&outer[1])[0]);
    let signer = inside(&parts.pop().unwrap()).remove(0);
    parts.push(tlv(SET, &vec![signer.as_slice(); count]));
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    tlv(SEQUENCE, &[&outer[0], &tlv(CONTEXT_0, &[&tlv(SEQUENCE, &parts)])])
}

/// The CMS whose signer is named by another serial number than the certificate's.
fn with_another_issuer(cms: &[u8]) -> Vec<u8> {
    let identity = identity();
    let serial = identity.leaf().serial();
    let at = cms.windows(serial.len()).rposition(|window| window == serial).unwrap();
    let mut cms = cms.to_vec();
    cms[at + serial.len() - 1] ^= 1;
    cms
}

#[test]
fn a_signature_in_ber_is_read_and_judged() {
    let pdf = with_value(&sealed(&[request(None)]), crate::asn1::ber::tests::to_ber);
    let read = report(&pdf);
    assert!(read.all_intact() && read.all_trusted(), "{read}");
    let mut changed = pdf.clone();
    let position = place(&changed, b"1.250");
    changed[position] = b'9';
    assert!(report(&changed).to_string().contains("BROKEN"));
    let mut hidden = pdf;
    let end = place(&hidden, b"/Contents <") + b"/Contents <".len() + 16_000;
    hidden[end] = b'7';
    assert_eq!(report(&hidden).signatures[0].judgement, Judgement::NotIntact, "bytes after the value");
}

#[test]
fn what_cannot_be_judged_is_called_that_and_is_not_intact() {
    let pdf = sealed(&[request(None)]);
    let name = |oid: der::oid::ObjectIdentifier| crate::asn1::object_identifier(oid);
    let last_changed = |mut der: Vec<u8>| {
        *der.last_mut().unwrap() += 1;
        der
    };
    let unknown = |oid: der::oid::ObjectIdentifier| last_changed(last_changed(last_changed(name(oid))));
    let cases = [
        ("kind", exchanged(&pdf, b"ETSI.CAdES.detached", b"ETSI.CAdES.attached"), "kind \"ETSI.CAdES.attached\""),
        ("rubbish", with_value(&pdf, |_| b"-----BEGIN PKCS7-----".to_vec()), "cannot be read"),
        ("another structure", with_value(&pdf, |_| vec![0x30, 3, 2, 1, 5]), "not a CMS signature"),
        ("cut off", with_value(&pdf, |cms| [&cms[..4], &[0x30, 0x84, 0x7f]].concat()), "cannot be read"),
        ("no signer", with_value(&pdf, |cms| with_signers(cms, 0)), "0 signers"),
        ("two signers", with_value(&pdf, |cms| with_signers(cms, 2)), "2 signers"),
        (
            "algorithm",
            with_value(&pdf, |cms| exchanged(cms, &name(oid::ECDSA_SHA384), &unknown(oid::ECDSA_SHA384))),
            "1.2.840.10045.4.3.6 is not supported",
        ),
        ("digest", with_value(&pdf, |cms| exchanged(cms, &name(oid::SHA384), &unknown(oid::SHA384))), "digest 2.16.840"),
        (
            "two digests",
            with_value(&pdf, |cms| exchanged(cms, &name(oid::ECDSA_SHA384), &name(oid::ECDSA_SHA256))),
            "beside another digest",
        ),
        ("no certificate", with_value(&pdf, with_another_issuer), "no readable certificate"),
    ];
    for (kind, file, words) in cases {
        let report = report(&file);
        let signature = &report.signatures[0];
        assert_eq!(signature.judgement, Judgement::NotJudged, "{kind}: {report}");
        assert!(!report.all_intact() && !signature.is_intact());
        assert!(signature.problems.is_empty() && signature.not_judged.iter().any(|why| why.contains(words)), "{kind}: {report}");
        let text = report.to_string();
        assert!(text.contains("cannot be judged: ") && text.contains("NOT every signature can be judged"), "{kind}: {text}");
        assert!(!text.contains("BROKEN") && !text.contains("intact:"), "{kind}: {text}");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["signatures"][0]["judgement"], "not_judged");
    }
}

#[test]
fn what_is_found_wrong_outweighs_what_cannot_be_judged() {
    let name = |oid: der::oid::ObjectIdentifier| crate::asn1::object_identifier(oid);
    let mut unknown = name(oid::ECDSA_SHA384);
    *unknown.last_mut().unwrap() = 99;
    let pdf = with_value(&sealed(&[request(None)]), |cms| exchanged(cms, &name(oid::ECDSA_SHA384), &unknown));
    let mut changed = pdf.clone();
    let position = place(&changed, b"1.250");
    changed[position] = b'9';
    let report = report(&changed);
    assert_eq!(report.signatures[0].judgement, Judgement::NotIntact);
    let text = report.to_string();
    assert!(text.contains("BROKEN") && text.contains("Not judged:") && text.contains("NOT every signature is intact"), "{text}");
}

#[test]
fn a_certificate_for_other_purposes_is_not_trusted() {
    let root = {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        (rcgen::Issuer::new(params, key), Certificate::from_der(&certificate).unwrap())
    };
    let trust_of = |purposes: &[rcgen::ExtendedKeyUsagePurpose], usage: chain::Use| {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Leaf");
        params.extended_key_usages = purposes.to_vec();
        let leaf = params.signed_by(&rcgen::KeyPair::generate().unwrap(), &root.0).unwrap().der().to_vec();
        chain::evaluate(&Certificate::from_der(&leaf).unwrap(), &[], std::slice::from_ref(&root.1), at(), usage)
    };
    use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, EmailProtection, ServerAuth, TimeStamping};
    for (purposes, documents, time_stamps) in [
        (&[][..], true, false),
        (&[ServerAuth], false, false),
        (&[ClientAuth], false, false),
        (&[ClientAuth, EmailProtection], true, false),
        (&[TimeStamping], false, true),
    ] {
        for (usage, fits) in [(chain::Use::Document, documents), (chain::Use::TimeStamp, time_stamps)] {
            let trust = trust_of(purposes, usage);
            assert_eq!(trust.is_trusted(), fits, "{purposes:?} {usage:?}: {trust}");
            assert!(fits || trust == CertificateTrust::ExtendedKeyUsage);
        }
    }
}

#[test]
fn seals_with_p521_and_ed25519_are_verified() {
    for kind in [&rcgen::PKCS_ECDSA_P521_SHA512, &rcgen::PKCS_ED25519] {
        let (identity, root) = Identity::of_kind(kind, at());
        let pdf = seal(&fixtures::contract(&["A"]), &identity, &[request(Some("A"))]).unwrap();
        let trust = Trust { roots: vec![root] };
        let report = verify(&pdf, &trust, at() + Duration::days(1)).unwrap();
        assert!(report.all_intact() && report.all_trusted(), "{report}");
        let mut changed = pdf;
        let position = place(&changed, b"1.250");
        changed[position] = b'9';
        assert!(!verify(&changed, &trust, at()).unwrap().all_intact());
    }
}

#[test]
fn a_document_time_stamp_is_verified_and_tells_its_own_time() {
    let file = include_bytes!("../../fixtures/others-time-stamp.pdf");
    let intact = report(file);
    assert!(intact.all_intact(), "{intact}");
    assert!(!intact.signatures[0].is_time_stamp && intact.signatures[1].is_time_stamp);
    assert!(intact.signatures[1].claimed_time.is_some());
    let mut changed = file.to_vec();
    let position = place(&changed, b"1.250");
    changed[position] = b'9';
    assert!(report(&changed).signatures.iter().all(|signature| !signature.digest_intact));
}

#[test]
fn trust_says_why_not() {
    let pdf = sealed(&[request(None)]);
    let later = at() + Duration::days(1);
    let unknown = verify(&pdf, &Trust::default(), later).unwrap();
    assert!(unknown.all_intact() && !unknown.all_trusted());
    let expected = CertificateTrust::UnknownIssuer { issuer: "Rubrica test root".to_owned() };
    assert_eq!(unknown.signatures[0].trust, expected);

    let mut late = request(None);
    late.at = at() + Duration::days(40 * 365);
    let pdf = sealed(&[late.clone()]);
    let expired = verify(&pdf, &trust(), late.at + Duration::days(1)).unwrap();
    assert!(matches!(expired.signatures[0].trust, CertificateTrust::ExpiredAtSigning { .. }));
    // A claimed time in the future does not count: now does.
    assert!(verify(&pdf, &trust(), later).unwrap().all_trusted());

    late.at = at() - Duration::days(365);
    let early = verify(&sealed(&[late]), &trust(), later).unwrap();
    assert!(matches!(early.signatures[0].trust, CertificateTrust::NotYetValidAtSigning { .. }));
    assert_eq!(verify(&pdf, &Trust { roots: vec![vec![1]] }, later).err(), Some(Error::Root(1)));
}

#[test]
fn a_chain_that_came_with_signed_json_is_judged_by_the_same_rules() {
    let chain: Vec<_> = identity().certificates().map(<[u8]>::to_vec).collect();
    assert!(trust_of(&chain, &trust(), at()).unwrap().is_trusted());
    assert!(matches!(trust_of(&chain, &Trust::default(), at()).unwrap(), CertificateTrust::UnknownIssuer { .. }));
    let late = at() + Duration::days(40 * 365);
    assert!(matches!(trust_of(&chain, &trust(), late).unwrap(), CertificateTrust::ExpiredAtSigning { .. }));
    assert_eq!(trust_of(&[], &trust(), at()).unwrap(), CertificateTrust::NoCertificate);
    assert_eq!(trust_of(&[vec![1]], &trust(), at()).unwrap(), CertificateTrust::NoCertificate);
}

#[test]
fn a_report_reads_like_a_letter_and_hides_control_characters() {
    let mut odd = request(None);
    odd.signer_name = "Ana\u{1b}[31m \u{202e}snoP".to_owned();
    let text = report(&sealed(&[odd])).to_string();
    assert!(text.contains("Signature 1 of 1"), "{text}");
    assert!(text.contains("every signature is intact"), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'));
    let json = serde_json::to_value(report(&sealed(&[request(None)]))).unwrap();
    assert_eq!(json["signatures"][0]["trust"]["status"], "trusted");
}

#[test]
fn dates_of_pdf_are_read_with_and_without_a_zone() {
    let expected = Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).single();
    for text in ["D:20270115093000Z", "D:20270115103000+01'00'", "20270115073000-02'00", "D:20270115093000"] {
        assert_eq!(pdf_date(text), expected, "{text}");
    }
    assert_eq!(pdf_date("D:2027"), Utc.with_ymd_and_hms(2027, 1, 1, 0, 0, 0).single());
    for text in ["", "D:", "tomorrow", "D:20271345", "D:99999999999999"] {
        assert_eq!(pdf_date(text), None, "{text}");
    }
}

#[test]
fn no_mutation_of_a_signed_file_passes_as_intact() {
    let pdf = sealed(&[request(None)]);
    let value = place(&pdf, b"/Contents <");
    // Every 97th byte outside the padding, changed; a fixed stride keeps the run short and repeatable.
    for position in (0..pdf.len()).step_by(97).filter(|position| *position < value || *position > value + 16_500) {
        let mut mutated = pdf.clone();
        mutated[position] ^= 1;
        let intact = verify(&mutated, &trust(), at() + Duration::days(1)).is_ok_and(|report| report.all_intact());
        assert!(!intact, "a changed byte at {position} goes unnoticed");
    }
}
