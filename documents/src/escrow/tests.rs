use std::path::Path;
use std::process::{Command, Stdio};

use chrono::{DateTime, Duration, TimeZone, Utc};
use proptest::prelude::*;
use rcgen::{CertificateParams, DnType, KeyPair, KeyUsagePurpose};

use super::*;
use crate::pem;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn pair(kind: Kind) -> Pair {
    new_pair("Notary", "Escrow", kind, at()).unwrap()
}

fn recipient(pair: &Pair) -> Recipient {
    Recipient::read(pair.certificate_pem.as_bytes()).unwrap()
}

fn opened(envelope: &[u8], pair: &Pair) -> Result<Vec<u8>, Error> {
    open(envelope, pair.certificate_pem.as_bytes(), pair.private_key_pem.as_bytes()).map(|content| content.to_vec())
}

/// A certificate that signs itself, with these usages and this key.
fn certificate(key: &KeyPair, usages: &[KeyUsagePurpose]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Notary");
    params.key_usages = usages.to_vec();
    params.self_signed(key).unwrap().der().to_vec()
}

const KINDS: [Kind; 3] = [Kind::P256, Kind::P384, Kind::Rsa3072];
const ENCRYPTIONS: [ContentEncryption; 2] = [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc];

#[test]
fn each_of_three_holders_opens_an_envelope_and_nobody_else_does() {
    let pairs = KINDS.map(pair);
    let recipients: Vec<Recipient> = pairs.iter().map(recipient).collect();
    let stranger = pair(Kind::P256);
    for encryption in ENCRYPTIONS {
        let envelope = seal(b"a sample", &recipients, encryption).unwrap();
        for pair in &pairs {
            assert_eq!(opened(&envelope, pair).unwrap(), b"a sample");
        }
        let Err(Error::NotARecipient(named)) = opened(&envelope, &stranger) else { panic!("a stranger opened it") };
        assert!(named.contains(&recipients[0].facts().serial), "{named}");
        assert_eq!(content_encryption(&envelope), Ok(encryption));
        let mut serials: Vec<String> = holders(&envelope).unwrap().into_iter().map(|holder| holder.serial).collect();
        let mut expected: Vec<String> = recipients.iter().map(|recipient| recipient.facts().serial.clone()).collect();
        serials.sort();
        expected.sort();
        assert_eq!(serials, expected);
    }
}

#[test]
fn an_envelope_needs_one_to_three_different_certificates_and_a_content_of_bounded_size() {
    let one = recipient(&pair(Kind::P256));
    let seal = |recipients: &[Recipient]| seal(b"x", recipients, ContentEncryption::Aes256Gcm).err();
    assert_eq!(seal(&[]), Some(Error::Recipients(0)));
    assert_eq!(seal(&[one.clone(), one.clone()]), Some(Error::Recipients(2)));
    let four: Vec<Recipient> = (0..4).map(|_| recipient(&pair(Kind::P256))).collect();
    assert_eq!(seal(&four), Some(Error::Recipients(4)));
    let three: Vec<Recipient> = (0..3).map(|_| recipient(&pair(Kind::Rsa3072))).collect();
    let largest = super::seal(&vec![0; MAX_CONTENT_BYTES], &three, ContentEncryption::Aes256Gcm).unwrap();
    assert!(largest.len() <= MAX_ENVELOPE_BYTES);
    assert_eq!(holders(&largest).unwrap().len(), 3);
    let large = vec![0; MAX_CONTENT_BYTES + 1];
    assert_eq!(super::seal(&large, &[one], ContentEncryption::Aes256Gcm), Err(Error::TooLarge));
}

#[test]
fn a_key_that_is_not_the_certificates_is_told_before_anything_is_opened() {
    for kind in [Kind::P256, Kind::P384] {
        let (own, other) = (pair(kind), pair(kind));
        let envelope = seal(b"x", &[recipient(&own)], ContentEncryption::Aes256Gcm).unwrap();
        let wrong = open(&envelope, own.certificate_pem.as_bytes(), other.private_key_pem.as_bytes());
        assert_eq!(wrong.err(), Some(Error::WrongKey));
    }
    let (own, other) = (pair(Kind::Rsa3072), pair(Kind::P256));
    let envelope = seal(b"x", &[recipient(&own)], ContentEncryption::Aes256Gcm).unwrap();
    assert_eq!(open(&envelope, own.certificate_pem.as_bytes(), other.private_key_pem.as_bytes()).err(), Some(Error::WrongKey));
}

#[test]
fn a_flipped_bit_anywhere_opens_nothing_else() {
    let content = b"a sample that is a little longer than a block of the cipher".to_vec();
    for kind in [Kind::P256, Kind::P384] {
        let pair = pair(kind);
        let envelope = seal(&content, &[recipient(&pair)], ContentEncryption::Aes256Gcm).unwrap();
        for index in 0..envelope.len() {
            let mut changed = envelope.clone();
            changed[index] ^= 1 << (index % 8);
            // Some bytes carry nothing that matters, such as the version; whatever opens is what was sealed.
            assert!(opened(&changed, &pair).is_ok_and(|found| found == content) || opened(&changed, &pair).is_err());
        }
        let mut changed = envelope.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        assert_eq!(opened(&changed, &pair), Err(Error::Damaged));
    }
}

#[test]
fn what_is_no_envelope_is_refused() {
    let pair = pair(Kind::P256);
    let envelope = seal(b"x", &[recipient(&pair)], ContentEncryption::Aes256Gcm).unwrap();
    for garbage in [&b""[..], b"garbage", &[0x30, 0x80], &envelope[..envelope.len() - 1], &[&envelope[..], b"x"].concat()] {
        assert!(matches!(opened(garbage, &pair), Err(Error::NotAnEnvelope(_))), "{garbage:02x?}");
        assert!(holders(garbage).is_err());
    }
    assert!(matches!(opened(&vec![0x30; MAX_ENVELOPE_BYTES + 1], &pair), Err(Error::NotAnEnvelope(_))));
}

#[test]
fn keys_that_are_too_weak_or_of_other_kinds_are_refused_with_the_reason() {
    let reason = |der: &[u8]| match Recipient::read(der) {
        Err(Error::UnfitCertificate { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let short = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    assert!(reason(&certificate(&short, &[KeyUsagePurpose::KeyEncipherment])).contains("2048 bits"));
    let other = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    assert!(reason(&certificate(&other, &[])).contains("1.3.101.112"));
    let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    assert!(reason(&certificate(&other, &[KeyUsagePurpose::KeyAgreement])).contains("P-521"));
}

#[test]
fn a_certificate_must_be_allowed_to_be_used_for_keys() {
    let key = KeyPair::generate().unwrap();
    for (usages, fits) in [
        (&[][..], true),
        (&[KeyUsagePurpose::KeyAgreement], true),
        (&[KeyUsagePurpose::DigitalSignature], false),
        (&[KeyUsagePurpose::KeyEncipherment], false),
    ] {
        assert_eq!(Recipient::read(&certificate(&key, usages)).is_ok(), fits, "{usages:?}");
    }
    let key = KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_3072).unwrap();
    assert!(Recipient::read(&certificate(&key, &[KeyUsagePurpose::KeyEncipherment])).is_ok());
    assert!(Recipient::read(&certificate(&key, &[KeyUsagePurpose::KeyAgreement])).is_err());
}

#[test]
fn one_certificate_is_read_from_pem_or_der_and_other_files_are_told_apart() {
    let pair = pair(Kind::P256);
    let recipient = recipient(&pair);
    assert_eq!(Recipient::read(recipient.der()).unwrap().facts(), recipient.facts());
    let two = pair.certificate_pem.repeat(2);
    assert_eq!(Recipient::read(two.as_bytes()).err(), Some(Error::SeveralCertificates(2)));
    for garbage in [b"" as &[u8], b"garbage", pair.private_key_pem.as_bytes()] {
        assert_eq!(Recipient::read(garbage).err(), Some(Error::NotACertificate));
    }
    assert_eq!((recipient.facts().subject.as_str(), recipient.facts().key.as_str()), ("Notary", "P-256"));
}

#[test]
fn an_expired_certificate_is_told_and_still_encrypts_and_opens() {
    let pair = pair(Kind::P256);
    let recipient = recipient(&pair);
    let facts = recipient.facts();
    assert_eq!(facts.validity(facts.not_before - Duration::seconds(1)), Validity::NotYet);
    assert_eq!(facts.validity(facts.not_before), Validity::Valid);
    assert_eq!(facts.validity(facts.not_after - Duration::days(60)), Validity::Valid);
    assert_eq!(facts.validity(facts.not_after - Duration::days(59)), Validity::EndsSoon { days: 59 });
    assert_eq!(facts.validity(facts.not_after), Validity::EndsSoon { days: 0 });
    assert_eq!(facts.validity(facts.not_after + Duration::seconds(1)), Validity::Expired);

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2001, 1, 1), rcgen::date_time_ymd(2002, 1, 1));
    let expired = params.self_signed(&key).unwrap().der().to_vec();
    let recipient = Recipient::read(&expired).unwrap();
    assert_eq!(recipient.facts().validity(at()), Validity::Expired);
    let envelope = seal(b"x", &[recipient], ContentEncryption::Aes256Gcm).unwrap();
    assert_eq!(open(&envelope, &expired, &key.serialize_der()).unwrap().as_slice(), b"x");
}

#[test]
fn private_keys_are_read_in_their_usual_forms_and_encrypted_ones_are_told() {
    let pair = pair(Kind::Rsa3072);
    let envelope = seal(b"x", &[recipient(&pair)], ContentEncryption::Aes256Gcm).unwrap();
    let open = |key: &[u8]| open(&envelope, pair.certificate_pem.as_bytes(), key).map(|content| content.to_vec());
    let der = pem::blocks(pair.private_key_pem.as_bytes()).unwrap().unwrap().remove(0).der;
    assert_eq!(open(&der).unwrap(), b"x");
    // PKCS #8 is a version, an algorithm, and an OCTET STRING with the key alone.
    let outer = <der::asn1::AnyRef<'_> as der::Decode>::from_der(&der).unwrap();
    let alone = crate::asn1::elements(outer.value()).unwrap()[2].value().to_vec();
    assert_eq!(open(pem::write("RSA PRIVATE KEY", &alone).as_bytes()).unwrap(), b"x");
    for (key, words) in [
        (pem::write("ENCRYPTED PRIVATE KEY", b"x").to_string(), "encrypted"),
        (pair.certificate_pem.clone(), "no private key"),
        (pair.private_key_pem.repeat(2), "several"),
        ("garbage".to_owned(), "no RSA key"),
    ] {
        let error = open(key.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn nothing_secret_shows() {
    let pair = pair(Kind::P256);
    let shown = format!("{:?}", recipient(&pair));
    assert!(shown.contains("Notary") && !shown.contains("PRIVATE"));
}

/// Runs `openssl`, which is on every machine that builds this (the build of aws-lc does not need it, tests do).
fn openssl(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.expect("the tests of escrow need the program openssl, version 3 or newer");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn openssl_opens_what_was_sealed_for_each_kind_of_key() {
    let folder = tempfile::tempdir().unwrap();
    let content = vec![b'a'; 20_480];
    let pairs = KINDS.map(pair);
    let alone = pairs.iter().map(|pair| vec![recipient(pair)]);
    let together = [pairs.iter().map(recipient).collect::<Vec<_>>()];
    for recipients in alone.chain(together) {
        for encryption in ENCRYPTIONS {
            let envelope = seal(&content, &recipients, encryption).unwrap();
            std::fs::write(folder.path().join("envelope"), &envelope).unwrap();
            let holds = |pair: &&Pair| recipients.iter().any(|one| one.facts().sha256 == recipient(pair).facts().sha256);
            for pair in pairs.iter().filter(holds) {
                std::fs::write(folder.path().join("certificate"), &pair.certificate_pem).unwrap();
                std::fs::write(folder.path().join("key"), pair.private_key_pem.as_bytes()).unwrap();
                let decrypt = ["cms", "-decrypt", "-inform", "DER", "-in", "envelope", "-recip", "certificate", "-inkey", "key"];
                let (success, words) = openssl(folder.path(), &[&decrypt[..], &["-binary", "-out", "content"]].concat());
                assert!(success, "{words}");
                assert_eq!(std::fs::read(folder.path().join("content")).unwrap(), content);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_was_sealed_is_opened(content in proptest::collection::vec(any::<u8>(), 0..2000), cbc: bool) {
        let encryption = ENCRYPTIONS[usize::from(cbc)];
        let pair = pair(Kind::P256);
        let envelope = seal(&content, &[recipient(&pair)], encryption).unwrap();
        prop_assert_eq!(opened(&envelope, &pair).unwrap(), content);
    }

    /// Any bytes in the place of some of an envelope's: refused, or what was sealed.
    #[test]
    fn mutants_of_envelopes_are_refused_within_bounds(
        begin in 0_usize..700, bytes in proptest::collection::vec(any::<u8>(), 0..40), cut in 0_usize..40
    ) {
        let pair = pair(Kind::P256);
        let mut envelope = seal(&[7; 300], &[recipient(&pair)], ContentEncryption::Aes256Gcm).unwrap();
        let begin = begin.min(envelope.len());
        let end = (begin + cut).min(envelope.len());
        envelope.splice(begin..end, bytes);
        let _ = holders(&envelope);
        if let Ok(content) = opened(&envelope, &pair) {
            prop_assert_eq!(content, vec![7; 300]);
        }
    }
}
