use std::collections::BTreeSet;

use aws_lc_rs::error::Unspecified;
use chrono::Duration;
use der::oid::ObjectIdentifier;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose};

use super::super::tests::{Issued, PASSWORD, issued, leaf, new_key, now, p12, params, root, validity};
use super::super::writer::{self, Contents as Written, Encrypted};
use super::super::{Identity, archive, names};
use super::*;
use crate::asn1::{INTEGER, OCTET_STRING, SEQUENCE, object_identifier, tlv};

const RC2_40: &[u8] = include_bytes!("../../../fixtures/rsa2048-rc2-40.p12");
const P384_AES: &[u8] = include_bytes!("../../../fixtures/p384-aes256.p12");
const IN_THE_CLEAR: &[u8] = include_bytes!("../../../fixtures/in-the-clear.p12");
const NO_KEY: &[u8] = include_bytes!("../../../fixtures/no-key.p12");

fn look(bytes: &[u8]) -> Report {
    let report = examine(bytes, Some(PASSWORD), now());
    assert_eq!(report.is_usable(), Identity::open(bytes, PASSWORD, now()).is_ok(), "{report}");
    report
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.code.name()).collect()
}

#[track_caller]
fn said(report: &Report, code: Code) -> &str {
    let finding = report.findings.iter().find(|finding| finding.code == code);
    &finding.unwrap_or_else(|| panic!("no {}: {report}", code.name())).what
}

/// A seal and its root, as everything should be.
fn seal(root: &Issued) -> Issued {
    leaf("Seal", root, |params| validity(params, -30, 300))
}

#[test]
fn a_good_file_has_no_finding_and_says_what_is_in_it() {
    let root = root();
    let seal = seal(&root);
    let report = look(&p12(&[&seal], &[&seal, &root]));
    assert_eq!((codes(&report), report.verdict), (vec![], Verdict::Usable));
    assert_eq!(report.keys, [KeyFound { kind: "ECDSA on P-256".into(), is_usable: true, certificates: vec![1] }]);
    let [signer, issuer] = &report.certificates[..] else { panic!("two certificates: {report}") };
    assert_eq!((signer.role, signer.facts.subject.as_str(), signer.position), (Some(Role::Signer), "Seal", 1));
    assert_eq!(signer.key_usage.as_deref(), Some(&["digitalSignature", "nonRepudiation"][..]));
    assert_eq!((signer.key.as_str(), signer.signature.as_str()), ("ECDSA on P-256", "ECDSA with SHA-256"));
    assert_eq!((issuer.role, issuer.is_authority, issuer.is_self_issued), (Some(Role::Issuer), true, true));
    let protections: Vec<_> = report.protections.iter().map(|own| (own.part, own.algorithm.as_str(), own.iterations)).collect();
    let aes = "AES-256-CBC, key by PBKDF2 with HMAC-SHA-256";
    assert_eq!(
        protections,
        [
            (Part::Integrity, "HMAC-SHA-256", Some(10_000)),
            (Part::Certificates, aes, Some(10_000)),
            (Part::PrivateKey, aes, Some(10_000))
        ]
    );
    let text = report.to_string();
    assert!(text.starts_with("It can be used to seal.\n") && text.contains("1. Seal (seals)"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["verdict"], &json["certificates"][0]["role"]), (&"usable".into(), &"signer".into()));
    assert!(!text.contains(PASSWORD) && !json.to_string().contains("\"password\""), "{text}");
}

#[test]
fn what_is_no_key_file_is_told_by_its_kind() {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(P384_AES);
    let wrapped: String = base64.as_bytes().chunks(64).map(|line| format!("{}\n", String::from_utf8_lossy(line))).collect();
    let certificate = seal(&root()).der;
    let signed_data = tlv(SEQUENCE, &[&object_identifier(crate::asn1::oid::SIGNED_DATA), &tlv(0xa0, &[&tlv(SEQUENCE, &[])])]);
    let cases: [(&[u8], &str); 10] = [
        (b"", "not_pkcs12"),
        (b"a letter", "not_pkcs12"),
        (&P384_AES[..400], "not_pkcs12"),
        (include_bytes!("../../../fixtures/root.pem"), "pem"),
        (base64.as_bytes(), "base64"),
        (wrapped.as_bytes(), "base64"),
        (&certificate, "certificate_only"),
        (&signed_data, "certificate_only"),
        (&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], "java_keystore"),
        (&vec![0; MAX_FILE_BYTES + 1], "too_large"),
    ];
    for (bytes, code) in cases {
        let report = look(bytes);
        assert_eq!((codes(&report), report.verdict), (vec![code], Verdict::NotUsable));
    }
    let pem = look(include_bytes!("../../../fixtures/root.pem"));
    assert!(
        said(&pem, Code::Pem).contains("(CERTIFICATE)") && pem.findings[0].command.unwrap().starts_with("openssl pkcs12 -export")
    );
}

#[test]
fn without_the_password_the_algorithms_are_told_all_the_same() {
    for (password, code) in [(Some("another"), "wrong_password"), (None, "password_needed")] {
        let report = examine(RC2_40, password, now());
        assert_eq!(report.findings[0].code.name(), code);
        assert!(codes(&report).contains(&"legacy_cipher") && report.keys.is_empty(), "{report}");
        let algorithms: Vec<_> = report.protections.iter().map(|own| own.algorithm.as_str()).collect();
        assert_eq!(algorithms, ["HMAC-SHA-1", "RC2 with 40 bits, key by SHA-1", "3DES with three keys, key by SHA-1"]);
    }
    let long = "x".repeat(MAX_PASSWORD_BYTES + 1);
    assert_eq!(examine(P384_AES, Some(&long), now()).findings[0].code, Code::WrongPassword);
    let empty = examine(include_bytes!("../../../fixtures/empty-password.p12"), None, now());
    assert!(empty.is_usable(), "{empty}");
}

#[test]
fn old_algorithms_are_warned_of_by_name_with_the_line_that_mends_them() {
    let report = look(RC2_40);
    assert_eq!(report.verdict, Verdict::UsableWithWarnings);
    assert_eq!(codes(&report), ["legacy_cipher", "legacy_cipher", "legacy_integrity", "rsa_below_3072"]);
    assert!(
        said(&report, Code::LegacyCipher).contains("part with the certificates is encrypted")
            && report.to_string().contains("RC2 with 40")
    );
    assert!(report.findings[0].command.unwrap().contains("-keypbe AES-256-CBC"));
    assert!(said(&report, Code::RsaBelow3072).contains("RSA of 2048 bits"));
    for (file, algorithm) in [
        (&include_bytes!("../../../fixtures/pbes2-3des.p12")[..], "3DES-CBC, key by PBKDF2 with HMAC-SHA-256"),
        (include_bytes!("../../../fixtures/pbes2-rc2.p12"), "RC2-CBC, key by PBKDF2 with HMAC-"),
        (include_bytes!("../../../fixtures/old-2des-rc2-128.p12"), "3DES with two keys"),
        (include_bytes!("../../../fixtures/old-2des-rc2-128.p12"), "RC2 with 128 bits"),
    ] {
        let report = look(file);
        assert!(report.protections.iter().any(|own| own.is_legacy && own.algorithm.contains(algorithm)), "{algorithm}: {report}");
    }
    let clear = look(IN_THE_CLEAR);
    assert_eq!(codes(&clear)[..2], ["no_integrity", "not_encrypted"]);
    let good = look(P384_AES);
    assert!(!codes(&good).iter().any(|code| code.starts_with("legacy")), "{good}");
}

/// A file whose parts are under an algorithm of which only the identifier is right.
fn under(algorithm: ObjectIdentifier, iterations: u8) -> Vec<u8> {
    let root = root();
    let seal = seal(&root);
    let parameters = tlv(SEQUENCE, &[&tlv(OCTET_STRING, &[&[7; 8]]), &tlv(INTEGER, &[&[iterations]])]);
    let algorithm = tlv(SEQUENCE, &[&object_identifier(algorithm), &parameters]);
    let mut encrypt =
        |_: &[u8]| -> Result<Encrypted, Unspecified> { Ok(Encrypted { algorithm: algorithm.clone(), data: vec![0; 16] }) };
    let safes = writer::safes(&Written { keys: &[seal.pkcs8()], certificates: &[&seal.der, &root.der] }, &mut encrypt).unwrap();
    writer::file(&safes, None)
}

#[test]
fn an_algorithm_that_is_not_opened_here_has_its_name_too() {
    for (algorithm, name) in [
        (names::PBE_RC4_128, "RC4 with 128 bits"),
        (names::PBE_RC4_40, "RC4 with 40 bits"),
        (names::PBE_MD5_DES, "DES, key by MD5"),
        (names::PBE_MD5_RC2, "RC2, key by MD5"),
        (names::PBE_SHA1_DES, "DES, key by SHA-1"),
        (names::PBE_SHA1_RC2, "RC2, key by SHA-1"),
    ] {
        let report = look(&under(algorithm, 100));
        assert_eq!(report.findings[0].code, Code::Unsupported, "{report}");
        assert!(said(&report, Code::LegacyCipher).contains(name), "{report}");
        assert!(said(&report, Code::FewIterations).contains("100 iterations only"), "{report}");
    }
}

#[test]
fn what_is_missing_or_does_not_belong_together_is_told() {
    let root = root();
    let (one, other) = (seal(&root), seal(&root));
    let no_key = look(NO_KEY);
    assert_eq!((codes(&no_key).first(), no_key.certificates[0].role), (Some(&"no_key"), None));
    assert_eq!(codes(&look(include_bytes!("../../../fixtures/no-certificate.p12"))).first(), Some(&"no_certificate"));
    assert_eq!(codes(&look(&p12(&[&one], &[&other, &root]))), ["key_without_certificate"]);
    let short = look(include_bytes!("../../../fixtures/rsa1024.p12"));
    assert!(said(&short, Code::UnusableKey).contains("an RSA key of 1024 bits"), "{short}");
    assert!(!short.keys[0].is_usable);
}

#[test]
fn of_several_keys_it_says_which_one_is_used() {
    let root = root();
    let (one, other) = (leaf("Shorter", &root, |params| validity(params, -30, 200)), seal(&root));
    let report = look(&p12(&[&one, &other], &[&one, &other, &root]));
    assert!(said(&report, Code::SeveralKeys).contains("2 private keys. Here \"Seal\" is used"), "{report}");
    assert_eq!(report.signer().map(|signer| signer.position), Some(2));
    assert!(said(&report, Code::UnrelatedCertificates).contains("\"Shorter\""));
    let short = archive::open(include_bytes!("../../../fixtures/rsa1024.p12"), PASSWORD).unwrap().keys.remove(0);
    let contents = Written { keys: &[&short, other.pkcs8()], certificates: &[&other.der, &root.der] };
    let report = look(&writer::write(&contents, PASSWORD).unwrap());
    assert!(said(&report, Code::OtherKeyUnusable).contains("1024 bits"), "{report}");
}

#[test]
fn usages_that_do_not_allow_it_are_named() {
    let root = root();
    let tls = look(include_bytes!("../../../fixtures/tls-only.p12"));
    assert!(said(&tls, Code::KeyUsage).contains("allows neither digitalSignature nor nonRepudiation: "), "{tls}");
    let client = leaf("Client", &root, |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let report = look(&p12(&[&client], &[&client, &root]));
    assert!(said(&report, Code::ExtendedKeyUsage).ends_with("on documents: clientAuth."), "{report}");
    let plain = leaf("Plain", &root, |params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let report = look(&p12(&[&plain], &[&plain, &root]));
    assert_eq!((codes(&report), report.verdict), (vec!["no_content_commitment"], Verdict::Usable));
    // All that is wrong is told at once.
    let both = leaf("Both", &root, |params| {
        validity(params, -400, -1);
        params.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    });
    assert_eq!(codes(&look(&p12(&[&both], &[&both, &root]))), ["key_usage", "ended"]);
}

#[test]
fn a_certificate_ends_soon_below_sixty_days() {
    let root = root();
    for (from, to, expected) in [
        (-30, 0, vec!["ended"]),
        (-30, 1, vec!["ends_soon"]),
        (-30, 60, vec!["ends_soon"]),
        (-30, 62, vec![]),
        (5, 300, vec!["not_yet_valid"]),
    ] {
        let seal = leaf("Seal", &root, |params| validity(params, from, to));
        assert_eq!(codes(&look(&p12(&[&seal], &[&seal, &root]))), expected, "{from} to {to}");
    }
    let seal = leaf("Seal", &root, |params| validity(params, -30, 60));
    let report = look(&p12(&[&seal], &[&seal, &root]));
    let ends = now() + Duration::days(60);
    assert_eq!(said(&report, Code::EndsSoon), format!("The certificate \"Seal\" ends on {}, in 59 days.", day(ends)));
}

fn authority(name: &str, from: i64, to: i64, by: &Issued) -> Issued {
    let mut params = params(name, true);
    validity(&mut params, from, to);
    issued(new_key(), params, Some(by))
}

#[test]
fn a_chain_with_a_gap_or_out_of_order_is_told_and_used() {
    let root = root();
    let middle = authority("Middle", -200, 360, &root);
    let seal = leaf("Seal", &middle, |params| validity(params, -30, 300));
    let of = |certificates: &[&Issued]| look(&p12(&[&seal], certificates));
    assert_eq!(codes(&of(&[&seal, &middle, &root])), [""; 0]);
    assert_eq!(codes(&of(&[&root, &middle, &seal])), ["chain_order"]);
    let gap = of(&[&seal]);
    assert_eq!((codes(&gap), gap.verdict), (vec!["missing_chain"], Verdict::UsableWithWarnings));
    assert!(said(&gap, Code::MissingChain).contains("\"Middle\"") && gap.findings[0].command.unwrap().contains("-certfile"));
    // Without what is between, the root has nothing to do with it.
    assert_eq!(codes(&of(&[&seal, &root])), ["missing_chain", "unrelated_certificates"]);
    let without_root = of(&[&seal, &middle]);
    assert_eq!((codes(&without_root), without_root.verdict), (vec!["root_not_included"], Verdict::Usable));
    let another = authority("Middle", -200, 360, &root);
    let wrong = of(&[&seal, &another, &root]);
    assert!(said(&wrong, Code::IssuerSignature).contains("\"Seal\" is not signed by it"), "{wrong}");
    let others: Vec<Issued> = (0..7).map(|number| leaf(&format!("Other {number}"), &root, |_| {})).collect();
    let many: Vec<&Issued> = [&seal, &middle, &root].into_iter().chain(&others).collect();
    assert!(said(&of(&many), Code::UnrelatedCertificates).ends_with("\"Other 4\" (+2)."));
}

#[test]
fn an_issuer_that_ends_first_or_has_ended_is_told() {
    let root = root();
    for (from, to, expected, usable) in
        [(-200, 100, "issuer_ends_first", true), (-200, -1, "issuer_ended", false), (3, 400, "issuer_not_yet_valid", false)]
    {
        let middle = authority("Middle", from, to, &root);
        let seal = leaf("Seal", &middle, |params| validity(params, -30, 300));
        let report = look(&p12(&[&seal], &[&seal, &middle, &root]));
        assert_eq!((codes(&report), report.is_usable()), (vec![expected], usable));
    }
    // A root's own end is no matter of the path.
    let old_root = {
        let mut params = params("Old root", true);
        validity(&mut params, -300, -1);
        issued(new_key(), params, None)
    };
    let seal = leaf("Seal", &old_root, |params| validity(params, -30, 300));
    assert_eq!(codes(&look(&p12(&[&seal], &[&seal, &old_root]))), [""; 0]);
}

#[test]
fn what_others_may_reject_is_warned_of() {
    let authority = {
        let mut params = params("Everything", true);
        params.key_usages.extend([KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment]);
        issued(new_key(), params, None)
    };
    let report = look(&p12(&[&authority], &[&authority]));
    assert_eq!((codes(&report), report.verdict), (vec!["authority_as_signer", "self_signed"], Verdict::UsableWithWarnings));
    // A certificate that says that it was signed with SHA-1.
    let rsa = issued(rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap(), params("RSA root", true), None);
    let seal = seal(&rsa);
    let (sha256, sha1) = ([&[0x06, 9][..], &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b]].concat(), 5);
    let mut old = seal.der.clone();
    let places: Vec<usize> = (0..old.len()).filter(|at| old[*at..].starts_with(&sha256)).collect();
    assert_eq!(places.len(), 2, "in what is signed, and beside the signature");
    places.into_iter().for_each(|at| old[at + sha256.len() - 1] = sha1);
    let contents = Written { keys: &[seal.pkcs8()], certificates: &[&old, &rsa.der] };
    let report = look(&writer::write(&contents, PASSWORD).unwrap());
    assert!(said(&report, Code::WeakSignatureHash).contains("RSA with SHA-1, which is broken"), "{report}");
    assert!(codes(&report).contains(&"issuer_signature"), "{report}");
}

#[test]
fn the_doctor_and_the_reader_agree_whatever_is_broken() {
    let mut refused = 0;
    for at in (0..IN_THE_CLEAR.len()).step_by(3) {
        let mut broken = IN_THE_CLEAR.to_vec();
        broken[at] ^= 0x11;
        refused += usize::from(!look(&broken).is_usable());
        look(&IN_THE_CLEAR[..at]);
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn codes_are_words_of_their_own_and_say_what_to_do() {
    let names: BTreeSet<&str> = Code::ALL.into_iter().map(Code::name).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'), "{code:?}");
        assert!(code.what().ends_with('.') && code.remedy().ends_with('.'), "{code:?}");
        assert!(code.severity() != Severity::Error || !code.remedy().starts_with("Nothing"), "{code:?}");
    }
    assert_eq!(filled("{a} of {b}, {c}.", &[("a", "{b}".into()), ("b", "2".into())]), "{b} of 2, .");
}

#[test]
fn names_in_certificates_do_not_steer_a_terminal() {
    let root = root();
    let seal = leaf("Seal\u{1b}[2J", &root, |params| validity(params, -30, 20));
    let report = look(&p12(&[&seal], &[&seal, &root]));
    assert!(report.signer().unwrap().facts.subject.contains('\u{1b}'));
    assert!(!report.to_string().contains('\u{1b}'), "{report}");
}
