use std::num::NonZeroU32;

use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, pbkdf2};
use chrono::{Duration, TimeZone};
use rcgen::{ExtendedKeyUsagePurpose as Purpose, KeyUsagePurpose};

use super::writer::{self, Contents, Encrypted};
use super::*;
use crate::asn1::{self, INTEGER, NULL, OCTET_STRING, SEQUENCE, ber};

pub(super) const PASSWORD: &str = "password";
const UNICODE_PASSWORD: &str = "contraseña \u{1f511}";

pub(super) fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn open(bytes: &[u8]) -> Result<Identity, Error> {
    Identity::open(bytes, PASSWORD, now())
}

/// A certificate with its key, which may issue others.
pub(super) struct Issued {
    key: rcgen::KeyPair,
    params: rcgen::CertificateParams,
    pub(super) der: Vec<u8>,
}

impl Issued {
    pub(super) fn pkcs8(&self) -> &[u8] {
        self.key.serialized_der()
    }
}

/// What a certificate of these tests is like; valid from a year before [`now`] to a year after it.
pub(super) fn params(name: &str, authority: bool) -> rcgen::CertificateParams {
    let mut params = development_params(name, "Serveis Guell, S.L.", now(), authority);
    validity(&mut params, -365, 365);
    if authority {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    }
    params
}

/// From so many days after [`now`] to so many days after it.
pub(super) fn validity(params: &mut rcgen::CertificateParams, from: i64, to: i64) {
    let date = |days: i64| {
        let day = now() + Duration::days(days);
        rcgen::date_time_ymd(day.year(), day.month() as u8, day.day() as u8)
    };
    (params.not_before, params.not_after) = (date(from), date(to));
}

pub(super) fn issued(key: rcgen::KeyPair, params: rcgen::CertificateParams, by: Option<&Issued>) -> Issued {
    let der = match by {
        Some(issuer) => {
            let issuer = rcgen::Issuer::new(issuer.params.clone(), &issuer.key);
            params.signed_by(&key, &issuer).unwrap().der().to_vec()
        }
        None => params.self_signed(&key).unwrap().der().to_vec(),
    };
    Issued { key, params, der }
}

pub(super) fn new_key() -> rcgen::KeyPair {
    rcgen::KeyPair::generate().unwrap()
}

pub(super) fn root() -> Issued {
    issued(new_key(), params("Root", true), None)
}

pub(super) fn leaf(name: &str, root: &Issued, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Issued {
    let mut params = params(name, false);
    change(&mut params);
    issued(new_key(), params, Some(root))
}

pub(super) fn p12(keys: &[&Issued], certificates: &[&Issued]) -> Vec<u8> {
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.pkcs8()).collect();
    let certificates: Vec<&[u8]> = certificates.iter().map(|certificate| certificate.der.as_slice()).collect();
    writer::write(&Contents { keys: &keys, certificates: &certificates }, PASSWORD).unwrap()
}

/// An identity with a key of this kind that is valid at `now`, and its root.
pub(super) fn identity_of_kind(kind: &'static rcgen::SignatureAlgorithm, now: DateTime<Utc>) -> (Identity, Vec<u8>) {
    let root = root();
    let seal = issued(rcgen::KeyPair::generate_for(kind).unwrap(), params("Seal", false), Some(&root));
    (Identity::open(&p12(&[&seal], &[&seal, &root]), PASSWORD, now).unwrap(), root.der)
}

fn name(identity: &Identity) -> Option<String> {
    identity.facts().common_name
}

fn refusal(bytes: &[u8]) -> String {
    open(bytes).expect_err("a refusal").to_string()
}

#[test]
fn old_and_new_files_open() {
    let files: [&[u8]; 4] = [
        include_bytes!("../../fixtures/rsa2048-rc2-40.p12"),
        include_bytes!("../../fixtures/rsa2048-3des.p12"),
        include_bytes!("../../fixtures/rsa2048-aes256.p12"),
        include_bytes!("../../fixtures/p384-aes256.p12"),
    ];
    for file in files {
        let identity = open(file).unwrap();
        assert_eq!(identity.certificates().count(), 2);
        assert_eq!(identity.facts().organization.as_deref(), Some("Serveis Guell, S.L."));
        assert_eq!(identity.facts().issuer, "Rubrica test root");
    }
}

#[test]
fn files_of_other_programs_open_whatever_their_ciphers_and_passwords() {
    let files: [(&[u8], &str); 9] = [
        (include_bytes!("../../fixtures/pbes2-3des.p12"), PASSWORD),
        (include_bytes!("../../fixtures/pbes2-aes128-aes192.p12"), PASSWORD),
        (include_bytes!("../../fixtures/pbes2-rc2.p12"), PASSWORD),
        (include_bytes!("../../fixtures/old-2des-rc2-128.p12"), PASSWORD),
        (include_bytes!("../../fixtures/unicode-password.p12"), UNICODE_PASSWORD),
        (include_bytes!("../../fixtures/unicode-password-old.p12"), UNICODE_PASSWORD),
        // The same password as a keyboard that composes the "ñ" of two characters gives it.
        (include_bytes!("../../fixtures/unicode-password.p12"), "contrasen\u{303}a \u{1f511}"),
        (include_bytes!("../../fixtures/empty-password.p12"), ""),
        (include_bytes!("../../fixtures/nss.p12"), UNICODE_PASSWORD),
    ];
    for (file, password) in files {
        let identity = Identity::open(file, password, now()).unwrap();
        assert_eq!(identity.certificates().count(), 2);
        assert_eq!(name(&identity).as_deref(), Some("Rubrica test P-256"));
        assert_eq!(Identity::open(file, "another", now()).err(), Some(Error::WrongPassword));
    }
    assert!(open(include_bytes!("../../fixtures/in-the-clear.p12")).is_ok());
}

#[test]
fn a_wrong_password_is_said_to_be_one_in_old_and_new_files() {
    let files: [&[u8]; 2] =
        [include_bytes!("../../fixtures/rsa2048-rc2-40.p12"), include_bytes!("../../fixtures/rsa2048-aes256.p12")];
    for file in files {
        for wrong in ["passwort", "", "contraseña", &"x".repeat(MAX_PASSWORD_BYTES + 1)] {
            assert_eq!(Identity::open(file, wrong, now()).err(), Some(Error::WrongPassword));
        }
    }
}

#[test]
fn what_is_missing_or_unfit_is_named() {
    assert_eq!(open(b"").err(), Some(Error::NotPkcs12));
    assert_eq!(open(b"-----BEGIN CERTIFICATE-----").err(), Some(Error::NotPkcs12));
    assert_eq!(open(&root().der).err(), Some(Error::NotPkcs12));
    assert_eq!(open(include_bytes!("../../fixtures/no-key.p12")).err(), Some(Error::NoPrivateKey));
    assert!(refusal(include_bytes!("../../fixtures/no-certificate.p12")).contains("no certificate in it belongs"));
    assert!(refusal(include_bytes!("../../fixtures/rsa1024.p12")).contains("an RSA key of 1024 bits"));
    assert!(refusal(include_bytes!("../../fixtures/tls-only.p12")).contains("key usage"));
    assert!(matches!(open(&vec![0; MAX_FILE_BYTES + 1]), Err(Error::Unsupported(_))));
}

#[test]
fn a_file_cut_off_or_changed_anywhere_is_refused_without_a_panic() {
    let seal = leaf("Seal", &root(), |_| {});
    let file = p12(&[&seal], &[&seal]);
    for length in 0..file.len() {
        assert_eq!(open(&file[..length]).err(), Some(Error::NotPkcs12), "{length}");
    }
    for position in (0..file.len()).step_by(7) {
        let mut changed = file.clone();
        changed[position] ^= 0x21;
        assert!(open(&changed).is_err(), "{position}");
    }
}

#[test]
fn the_same_file_opens_in_ber() {
    let root = root();
    let seal = leaf("Seal", &root, |_| {});
    let safes = {
        // Every part in BER: the parts of the file, the bags in them, and what is encrypted.
        let mut encrypt = |plain: &[u8]| Ok(pbkdf2_aes(&ber::tests::to_ber(plain), PASSWORD.as_bytes(), 1000));
        let contents = Contents { keys: &[seal.pkcs8()], certificates: &[&root.der, &seal.der] };
        ber::tests::to_ber(&writer::safes(&contents, &mut encrypt).unwrap())
    };
    let mac = writer::mac(&safes, &password::Passwords::of(PASSWORD).wide[0], b"salt of MAC").unwrap();
    let file = ber::tests::to_ber(&writer::file(&safes, Some(&mac)));
    let identity = open(&file).unwrap();
    assert_eq!(identity.certificates().collect::<Vec<_>>(), [seal.der.as_slice(), &root.der]);
    assert!(open(&[file.as_slice(), b"\0\0\r\n"].concat()).is_ok(), "padding");
    assert_eq!(open(&[file.as_slice(), b"more"].concat()).err(), Some(Error::NotPkcs12));
}

#[test]
fn a_file_as_programs_with_other_encodings_wrote_it_opens() {
    let password = "contraseña";
    let latin1: Vec<u8> = password.chars().map(|c| u32::from(c) as u8).collect();
    let utf16: Vec<u8> = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let bytes_as_characters: Vec<u8> = password.bytes().chain([0]).flat_map(|byte| [0, byte]).collect();
    for (plain, wide) in [(&latin1, &utf16), (&utf16, &utf16), (&password.as_bytes().to_vec(), &bytes_as_characters)] {
        let seal = leaf("Seal", &root(), |_| {});
        let contents = Contents { keys: &[seal.pkcs8()], certificates: &[&seal.der] };
        let safes = writer::safes(&contents, &mut |data| Ok(pbkdf2_aes(data, plain, 1000))).unwrap();
        let file = writer::file(&safes, Some(&writer::mac(&safes, wide, b"salt").unwrap()));
        assert!(Identity::open(&file, password, now()).is_ok());
    }
}

#[test]
fn integrity_by_pbmac1_is_checked() {
    let seal = leaf("Seal", &root(), |_| {});
    let contents = Contents { keys: &[seal.pkcs8()], certificates: &[&seal.der] };
    let safes = writer::safes(&contents, &mut |data| Ok(pbkdf2_aes(data, PASSWORD.as_bytes(), 1000))).unwrap();
    // RFC 9579 4: the key of the MAC comes from PBKDF2, whose parameters name its length.
    let mut key = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, NonZeroU32::new(1000).unwrap(), b"salt", PASSWORD.as_bytes(), &mut key);
    let prf = algorithm(names::HMAC_SHA512, &asn1::tlv(NULL, &[]));
    let derivation = [asn1::tlv(OCTET_STRING, &[b"salt"]), number(1000), number(32), prf].concat();
    let derivation = algorithm(names::PBKDF2, &asn1::tlv(SEQUENCE, &[&derivation]));
    let scheme = algorithm(names::HMAC_SHA256, &asn1::tlv(NULL, &[]));
    let pbmac1 = algorithm(names::PBMAC1, &asn1::tlv(SEQUENCE, &[&derivation, &scheme]));
    let mac = |content: &[u8]| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), content);
        let info = asn1::tlv(SEQUENCE, &[&pbmac1, &asn1::tlv(OCTET_STRING, &[tag.as_ref()])]);
        asn1::tlv(SEQUENCE, &[&info, &asn1::tlv(OCTET_STRING, &[b"unused"]), &number(1)])
    };
    assert!(open(&writer::file(&safes, Some(&mac(&safes)))).is_ok());
    assert_eq!(open(&writer::file(&safes, Some(&mac(b"other")))).err(), Some(Error::WrongPassword));
}

fn algorithm(name: ObjectIdentifier, parameters: &[u8]) -> Vec<u8> {
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(name), parameters])
}

/// An INTEGER that is not negative.
fn number(number: u64) -> Vec<u8> {
    let bytes = [&[0], &number.to_be_bytes()[..]].concat();
    let first = (0..8).find(|at| bytes[*at] != 0 || bytes[at + 1] & 0x80 != 0).unwrap_or(8);
    asn1::tlv(INTEGER, &[&bytes[first..]])
}

fn aes(plain: &[u8], key: &[u8]) -> Vec<u8> {
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, key).unwrap()).unwrap();
    let mut data = plain.to_vec();
    key.less_safe_encrypt(&mut data, EncryptionContext::Iv128(FixedLength::from(&[7; 16]))).unwrap();
    data
}

fn pbkdf2_aes(plain: &[u8], password: &[u8], iterations: u32) -> Encrypted {
    let mut key = [0; 32];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA1, NonZeroU32::new(iterations).unwrap(), b"salt", password, &mut key);
    // No PRF is named: the default is SHA-1.
    let parameters = asn1::tlv(SEQUENCE, &[&asn1::tlv(OCTET_STRING, &[b"salt"]), &number(iterations.into())]);
    Encrypted { algorithm: writer::pbes2(names::PBKDF2, &parameters, names::AES_256_CBC, &[7; 16]), data: aes(plain, &key) }
}

fn scrypt_algorithm(n: u64, r: u64, p: u64) -> Vec<u8> {
    let parameters = [asn1::tlv(OCTET_STRING, &[b"salt"]), number(n), number(r), number(p)].concat();
    writer::pbes2(names::SCRYPT, &asn1::tlv(SEQUENCE, &[&parameters]), names::AES_256_CBC, &[7; 16])
}

/// A file whose parts say that they are encrypted like this, and hold nothing of use.
fn claiming(algorithms: &[Vec<u8>]) -> Vec<u8> {
    let bags: Vec<Vec<u8>> = algorithms
        .iter()
        .map(|algorithm| {
            let key = asn1::tlv(SEQUENCE, &[algorithm, &asn1::tlv(OCTET_STRING, &[&[0; 16]])]);
            asn1::tlv(SEQUENCE, &[&asn1::object_identifier(names::SHROUDED_KEY_BAG), &asn1::tlv(asn1::CONTEXT_0, &[&key])])
        })
        .collect();
    let bags = asn1::tlv(SEQUENCE, &[&bags.concat()]);
    let content = asn1::tlv(asn1::CONTEXT_0, &[&asn1::tlv(OCTET_STRING, &[&bags])]);
    let info = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::DATA), &content]);
    writer::file(&asn1::tlv(SEQUENCE, &[&info]), None)
}

#[test]
fn scrypt_within_the_budget_opens() {
    let seal = leaf("Seal", &root(), |_| {});
    let mut key = [0; 32];
    let parameters = scrypt::Params::new(14, 8, 1).unwrap();
    scrypt::scrypt(PASSWORD.as_bytes(), b"salt", &parameters, &mut key).unwrap();
    let contents = Contents { keys: &[seal.pkcs8()], certificates: &[&seal.der] };
    let encrypted = |data: &[u8]| Ok(Encrypted { algorithm: scrypt_algorithm(1 << 14, 8, 1), data: aes(data, &key) });
    let safes = writer::safes(&contents, &mut { encrypted }).unwrap();
    assert!(open(&writer::file(&safes, None)).is_ok());
}

#[test]
fn a_file_that_costs_too_much_is_refused_before_anything_is_derived() {
    let pbkdf2 = |iterations: u64| {
        let parameters = asn1::tlv(SEQUENCE, &[&asn1::tlv(OCTET_STRING, &[b"salt"]), &number(iterations)]);
        writer::pbes2(names::PBKDF2, &parameters, names::AES_256_CBC, &[7; 16])
    };
    let files = [
        // 1 GB in a few hundred bytes, and each parameter beyond what any machine has.
        claiming(&[scrypt_algorithm(1 << 20, 8, 1)]),
        claiming(&[scrypt_algorithm(1 << 63, 8, 1)]),
        claiming(&[scrypt_algorithm(2, u64::from(u32::MAX), 1)]),
        claiming(&[scrypt_algorithm(2, 1, u64::from(u32::MAX))]),
        claiming(&[scrypt_algorithm(2, u64::MAX, u64::MAX)]),
        // In sum: five of 16 MB, thirty of 200,000 iterations (two blocks of SHA-1 each).
        claiming(&vec![scrypt_algorithm(1 << 14, 8, 1); 5]),
        claiming(&vec![pbkdf2(100_000); 30]),
        claiming(&[pbkdf2(u64::MAX / 2)]),
    ];
    let start = std::time::Instant::now();
    for file in &files {
        assert!(matches!(open(file), Err(Error::TooExpensive(_))), "{:?}", open(file));
    }
    assert!(files[0].len() < 300);
    assert!(start.elapsed() < std::time::Duration::from_secs(1), "nothing was derived");
    assert!(refusal(&files[0]).contains("64 MB of memory"));
    assert!(refusal(&files[6]).contains("4000000 iterations"));
}

#[test]
fn the_cost_inside_of_an_encrypted_part_counts_too() {
    let inner = claiming(&[scrypt_algorithm(1 << 20, 8, 1)]);
    let bag = {
        // The bag alone, as a part that is encrypted itself.
        let algorithm = scrypt_algorithm(1 << 20, 8, 1);
        let key = asn1::tlv(SEQUENCE, &[&algorithm, &asn1::tlv(OCTET_STRING, &[&[0; 16]])]);
        let bag = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(names::SHROUDED_KEY_BAG), &asn1::tlv(asn1::CONTEXT_0, &[&key])]);
        asn1::tlv(SEQUENCE, &[&bag])
    };
    let encrypted = pbkdf2_aes(&bag, PASSWORD.as_bytes(), 1000);
    let info =
        asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::DATA), &encrypted.algorithm, &asn1::tlv(0x80, &[&encrypted.data])]);
    let data = asn1::tlv(SEQUENCE, &[&number(0), &info]);
    let part = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(names::ENCRYPTED_DATA), &asn1::tlv(asn1::CONTEXT_0, &[&data])]);
    let file = writer::file(&asn1::tlv(SEQUENCE, &[&part]), None);
    assert_eq!(open(&file).err(), open(&inner).err());
    assert!(matches!(open(&file), Err(Error::TooExpensive(_))));
}

#[test]
fn bags_and_their_nesting_are_bounded() {
    let many = claiming(&vec![asn1::tlv(SEQUENCE, &[]); 257]);
    assert!(refusal(&many).contains("more than 256"));
    let mut contents = asn1::tlv(SEQUENCE, &[]);
    for _ in 0..12 {
        let bag = [asn1::object_identifier(names::SAFE_CONTENTS_BAG), asn1::tlv(asn1::CONTEXT_0, &[&contents])].concat();
        contents = asn1::tlv(SEQUENCE, &[&asn1::tlv(SEQUENCE, &[&bag])]);
    }
    let content = asn1::tlv(asn1::CONTEXT_0, &[&asn1::tlv(OCTET_STRING, &[&contents])]);
    let info = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::DATA), &content]);
    let nested = writer::file(&asn1::tlv(SEQUENCE, &[&info]), None);
    assert!(refusal(&nested).contains("nested too deeply"));
}

#[test]
fn of_several_certificates_the_usable_one_is_taken_whatever_its_place() {
    let root = root();
    let ended = leaf("Ended", &root, |params| validity(params, -300, -1));
    let future = leaf("Future", &root, |params| validity(params, 1, 300));
    let tls = leaf("TLS", &root, |params| params.extended_key_usages = vec![Purpose::ServerAuth]);
    let usable = leaf("Usable", &root, |_| {});
    let all = [&ended, &future, &tls, &usable];
    for turn in 0..all.len() {
        let mut keys = all.to_vec();
        keys.rotate_left(turn);
        let certificates: Vec<&Issued> = keys.iter().copied().chain([&root]).collect();
        let identity = open(&p12(&keys, &certificates)).unwrap();
        assert_eq!(name(&identity).as_deref(), Some("Usable"));
        assert_eq!(identity.certificates().count(), 2);
    }
}

#[test]
fn of_several_usable_ones_that_for_content_goes_first_then_the_longest() {
    let root = root();
    let login = leaf("Login", &root, |params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let short = leaf("Short", &root, |params| validity(params, -9, 9));
    let long = leaf("Long", &root, |_| {});
    let file = p12(&[&login, &short, &long], &[&login, &short, &long]);
    assert_eq!(name(&open(&file).unwrap()).as_deref(), Some("Long"));
    assert_eq!(name(&open(&p12(&[&login, &short], &[&login, &short])).unwrap()).as_deref(), Some("Short"));
}

#[test]
fn a_renewed_certificate_of_the_same_key_is_found() {
    let root = root();
    let key = new_key();
    let mut old = params("Seal", false);
    validity(&mut old, -300, -1);
    let old = issued(rcgen::KeyPair::try_from(key.serialized_der()).unwrap(), old, Some(&root));
    let new = issued(key, params("Seal", false), Some(&root));
    for certificates in [[&old, &new], [&new, &old]] {
        let identity = open(&p12(&[&new], &certificates)).unwrap();
        assert_eq!(identity.certificates().next(), Some(new.der.as_slice()));
    }
    // The time decides, not today's.
    let before = Identity::open(&p12(&[&new], &[&old]), PASSWORD, now() - Duration::days(2)).unwrap();
    assert!(before.check(now() - Duration::days(2)).is_ok());
    assert!(matches!(before.check(now()), Err(Error::Expired { .. })));
}

#[test]
fn if_none_is_usable_the_reason_is_that_of_the_closest() {
    let root = root();
    let ended = leaf("Ended", &root, |params| validity(params, -300, -1));
    let tls = leaf("TLS", &root, |params| params.extended_key_usages = vec![Purpose::ServerAuth]);
    let stranger = leaf("Stranger", &root, |_| {});
    let text = refusal(&p12(&[&stranger, &ended, &tls], &[&tls, &ended]));
    assert!(text.contains("\"Ended\" has expired (on 2027-01-14)"), "{text}");
    let future = leaf("Future", &root, |params| validity(params, 1, 300));
    assert!(refusal(&p12(&[&future], &[&future])).contains("not valid yet (only from 2027-01-16)"));
}

#[test]
fn purposes_decide_whether_documents_may_be_signed() {
    let documents = |dotted: &[u64]| Purpose::Other(dotted.to_vec());
    let accepted = [
        vec![],
        vec![Purpose::Any],
        vec![Purpose::EmailProtection],
        vec![Purpose::ClientAuth, Purpose::EmailProtection],
        vec![documents(&[1, 3, 6, 1, 5, 5, 7, 3, 36])],
        vec![documents(&[1, 2, 840, 113583, 1, 1, 5])],
        vec![Purpose::ServerAuth, documents(&[1, 3, 6, 1, 4, 1, 311, 10, 3, 12])],
    ];
    let refused = [
        vec![Purpose::ServerAuth],
        vec![Purpose::ClientAuth],
        vec![Purpose::CodeSigning, Purpose::TimeStamping],
        vec![Purpose::OcspSigning],
        vec![documents(&[1, 3, 6, 1, 4, 1, 99999, 1])],
    ];
    let root = root();
    let file = |purposes: &[Purpose]| {
        let seal = leaf("Seal", &root, |params| params.extended_key_usages = purposes.to_vec());
        p12(&[&seal], &[&seal])
    };
    for purposes in accepted {
        assert!(open(&file(&purposes)).is_ok(), "{purposes:?}");
    }
    for purposes in refused {
        let text = refusal(&file(&purposes));
        assert!(text.contains("extended key usage of the certificate \"Seal\""), "{purposes:?}: {text}");
    }
}

#[test]
fn an_intermediate_that_has_ended_is_refused_unless_another_takes_its_place() {
    let root = root();
    let middle = |days: i64, key: &[u8]| {
        let mut params = params("Intermediate", true);
        validity(&mut params, -300, days);
        issued(rcgen::KeyPair::try_from(key).unwrap(), params, Some(&root))
    };
    let key = new_key();
    let (ended, renewed) = (middle(-1, key.serialized_der()), middle(300, key.serialized_der()));
    let seal = leaf("Seal", &renewed, |_| {});
    let text = refusal(&p12(&[&seal], &[&seal, &ended, &root]));
    assert!(text.contains("\"Intermediate\" has expired"), "{text}");
    let identity = open(&p12(&[&seal], &[&root, &ended, &renewed, &seal])).unwrap();
    let chain: Vec<&[u8]> = identity.certificates().collect();
    assert_eq!(chain, [seal.der.as_slice(), &renewed.der, &root.der]);
    // A root's own dates are not a matter of the path, and what is not above the certificate does not matter.
    let mut params = params("Old root", true);
    validity(&mut params, -300, -1);
    let old_root = issued(new_key(), params, None);
    let under_old = leaf("Seal", &old_root, |_| {});
    assert!(open(&p12(&[&under_old], &[&under_old, &old_root, &ended])).is_ok());
}

#[test]
fn keys_on_p521_and_ed25519_sign_and_others_are_named() {
    let root = root();
    let kinds = [
        (&rcgen::PKCS_ECDSA_P521_SHA512, oid::ECDSA_SHA512, oid::SHA512),
        (&rcgen::PKCS_ED25519, oid::ED25519, oid::SHA512),
        (&rcgen::PKCS_ECDSA_P384_SHA384, oid::ECDSA_SHA384, oid::SHA384),
    ];
    for (kind, signature, digest) in kinds {
        let key = rcgen::KeyPair::generate_for(kind).unwrap();
        let seal = issued(key, params("Seal", false), Some(&root));
        let identity = open(&p12(&[&seal], &[&seal, &root])).unwrap();
        assert_eq!(identity.digest_oid(), digest);
        let algorithm = identity.signature_algorithm();
        let algorithm = <spki::AlgorithmIdentifierRef<'_> as der::Decode>::from_der(&algorithm).unwrap();
        assert_eq!(algorithm.oid, signature);
        let value = identity.sign(b"message").unwrap();
        let key = identity.leaf().public_key().unwrap();
        crate::algorithms::verify(&key, &algorithm, Some(digest), b"message", &value).unwrap();
        assert!(crate::algorithms::verify(&key, &algorithm, Some(digest), b"another", &value).is_err());
    }
    // PKCS #8 of a key on brainpoolP256r1, of Ed448, and of nothing known.
    let point = asn1::tlv(SEQUENCE, &[&number(1), &asn1::tlv(OCTET_STRING, &[&[7; 32]])]);
    let pkcs8 = |algorithm: &[u8], key: &[u8]| asn1::tlv(SEQUENCE, &[&number(0), algorithm, &asn1::tlv(OCTET_STRING, &[key])]);
    let curve = asn1::object_identifier(oid::BRAINPOOL_P256);
    for (key, words) in [
        (pkcs8(&algorithm(oid::EC_PUBLIC_KEY, &curve), &point), "an ECDSA key on brainpoolP256r1"),
        (pkcs8(&algorithm(oid::ED448, &[]), &[7; 57]), "an Ed448 key"),
        (pkcs8(&algorithm(oid::DATA, &[]), &[7]), "a key of the kind 1.2.840.113549.1.7.1"),
        (number(5), "a key that cannot be read"),
    ] {
        let file = writer::write(&Contents { keys: &[&key], certificates: &[&root.der] }, PASSWORD).unwrap();
        let text = refusal(&file);
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_development_identity_has_a_root_and_two_years() {
    let now = Utc.with_ymd_and_hms(2028, 3, 1, 0, 30, 0).unwrap();
    let file = Identity::development("Development seal", "Güell, S.L.", now, "segredo ñ").unwrap();
    let identity = Identity::open(&file, "segredo ñ", now).unwrap();
    let facts = identity.facts();
    assert_eq!(facts.common_name.as_deref(), Some("Development seal"));
    assert_eq!(facts.organization.as_deref(), Some("Güell, S.L."));
    assert!(facts.not_before <= now && facts.not_after > now + chrono::Duration::days(700));
    assert_eq!(facts.fingerprint.len(), 64);
    assert_eq!(identity.certificates().count(), 2);
    assert!(identity.leaf().key_usage().unwrap().non_repudiation());
}

#[test]
fn nothing_secret_is_printed() {
    let identity = open(include_bytes!("../../fixtures/rsa2048-aes256.p12")).unwrap();
    assert_eq!(format!("{identity:?}"), "Identity { subject: \"Rubrica test RSA\", .. }");
}
