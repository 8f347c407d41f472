//! What the doctor says of a key file, in the words of the pages.

use documents::pkcs12::doctor::{self, CertificateFound, Code, Part, Report, Role, Severity, Verdict};
use pages::console::{FileCertificate, Finding, Gravity, KeyFile, Phrase};

use super::visit::Visit;

/// A report as it is shown: nothing in it is secret.
pub fn shown(visit: &Visit, report: &Report) -> KeyFile {
    let (gravity, what) = match report.verdict {
        Verdict::Usable => (Gravity::Good, "console.signing.usable"),
        Verdict::UsableWithWarnings => (Gravity::Good, "console.signing.usable_with_warnings"),
        Verdict::NotUsable => (Gravity::Error, "console.signing.not_usable"),
    };
    KeyFile {
        verdict: Finding { gravity, what: Phrase::new(what), remedy: None, command: None },
        findings: report.findings.iter().map(finding).collect(),
        keys: report.keys.iter().map(|key| key.kind.clone()).collect(),
        certificates: report.certificates.iter().map(|own| certificate(visit, own)).collect(),
        protections: report.protections.iter().map(protection).collect(),
    }
}

fn finding(found: &doctor::Finding) -> Finding {
    let (what, remedy) = keys(found.code);
    let mut what = Phrase::new(what);
    for (name, value) in &found.values {
        // The one value that is words of the doctor.
        what = match part_named(value).filter(|_| *name == "part") {
            Some(part) => what.word(name, part_key(part)),
            None => what.with(name, value),
        };
    }
    Finding {
        gravity: match found.severity {
            Severity::Note => Gravity::Note,
            Severity::Warning => Gravity::Warning,
            Severity::Error => Gravity::Error,
        },
        what,
        remedy: Some(Phrase::new(remedy)),
        command: found.command,
    }
}

const PARTS: [Part; 3] = [Part::Integrity, Part::PrivateKey, Part::Certificates];

fn part_named(name: &str) -> Option<Part> {
    PARTS.into_iter().find(|part| part.name() == name)
}

fn part_key(part: Part) -> &'static str {
    match part {
        Part::Integrity => "console.signing.part_integrity",
        Part::PrivateKey => "console.signing.part_private_key",
        Part::Certificates => "console.signing.part_certificates",
    }
}

fn protection(own: &doctor::Protection) -> (&'static str, String, Option<Phrase>) {
    let count = own.iterations.map(|iterations| Phrase::new("console.signing.iterations").with("count", iterations));
    (part_key(own.part), own.algorithm.clone(), count)
}

fn certificate(visit: &Visit, own: &CertificateFound) -> FileCertificate {
    let usages = own.key_usage.iter().flatten().map(|usage| (*usage).to_owned());
    let usages: Vec<String> = usages.chain(own.extended_key_usage.iter().flatten().cloned()).collect();
    FileCertificate {
        subject: own.facts.subject.clone(),
        role: own.role.map(|role| match role {
            Role::Signer => "console.signing.role_signer",
            Role::Issuer => "console.signing.role_issuer",
            Role::Unrelated => "console.signing.role_unrelated",
        }),
        issuer: own.facts.issuer.clone(),
        serial: own.facts.serial.clone(),
        begins: visit.site().minute(&visit.organization, own.facts.not_before),
        ends: visit.site().minute(&visit.organization, own.facts.not_after),
        key: own.key.clone(),
        usages: usages.join(", "),
    }
}

/// What is said of a finding, and what to do.
fn keys(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::TooLarge => ("console.p12.too_large", "console.p12.too_large.do"),
        Code::NotPkcs12 => ("console.p12.not_pkcs12", "console.p12.not_pkcs12.do"),
        Code::Pem => ("console.p12.pem", "console.p12.pem.do"),
        Code::Base64 => ("console.p12.base64", "console.p12.base64.do"),
        Code::CertificateOnly => ("console.p12.certificate_only", "console.p12.certificate_only.do"),
        Code::JavaKeystore => ("console.p12.java_keystore", "console.p12.java_keystore.do"),
        Code::PasswordNeeded => ("console.p12.password_needed", "console.p12.password_needed.do"),
        Code::WrongPassword => ("console.p12.wrong_password", "console.p12.wrong_password.do"),
        Code::TooExpensive => ("console.p12.too_expensive", "console.p12.too_expensive.do"),
        Code::Unsupported => ("console.p12.unsupported", "console.p12.unsupported.do"),
        Code::NoKey => ("console.p12.no_key", "console.p12.no_key.do"),
        Code::UnusableKey => ("console.p12.unusable_key", "console.p12.unusable_key.do"),
        Code::NoCertificate => ("console.p12.no_certificate", "console.p12.no_certificate.do"),
        Code::KeyWithoutCertificate => ("console.p12.key_without_certificate", "console.p12.key_without_certificate.do"),
        Code::KeyUsage => ("console.p12.key_usage", "console.p12.key_usage.do"),
        Code::ExtendedKeyUsage => ("console.p12.extended_key_usage", "console.p12.extended_key_usage.do"),
        Code::NotYetValid => ("console.p12.not_yet_valid", "console.p12.not_yet_valid.do"),
        Code::Ended => ("console.p12.ended", "console.p12.ended.do"),
        Code::IssuerNotYetValid => ("console.p12.issuer_not_yet_valid", "console.p12.issuer_not_yet_valid.do"),
        Code::IssuerEnded => ("console.p12.issuer_ended", "console.p12.issuer_ended.do"),
        Code::NotUsable => ("console.p12.not_usable", "console.p12.not_usable.do"),
        Code::LegacyCipher => ("console.p12.legacy_cipher", "console.p12.legacy_cipher.do"),
        Code::LegacyIntegrity => ("console.p12.legacy_integrity", "console.p12.legacy_integrity.do"),
        Code::NoIntegrity => ("console.p12.no_integrity", "console.p12.no_integrity.do"),
        Code::NotEncrypted => ("console.p12.not_encrypted", "console.p12.not_encrypted.do"),
        Code::FewIterations => ("console.p12.few_iterations", "console.p12.few_iterations.do"),
        Code::PartUnreadable => ("console.p12.part_unreadable", "console.p12.part_unreadable.do"),
        Code::SeveralKeys => ("console.p12.several_keys", "console.p12.several_keys.do"),
        Code::MissingChain => ("console.p12.missing_chain", "console.p12.missing_chain.do"),
        Code::IssuerSignature => ("console.p12.issuer_signature", "console.p12.issuer_signature.do"),
        Code::AuthorityAsSigner => ("console.p12.authority_as_signer", "console.p12.authority_as_signer.do"),
        Code::SelfSigned => ("console.p12.self_signed", "console.p12.self_signed.do"),
        Code::WeakSignatureHash => ("console.p12.weak_signature_hash", "console.p12.weak_signature_hash.do"),
        Code::EndsSoon => ("console.p12.ends_soon", "console.p12.ends_soon.do"),
        Code::IssuerEndsFirst => ("console.p12.issuer_ends_first", "console.p12.issuer_ends_first.do"),
        Code::RootNotIncluded => ("console.p12.root_not_included", "console.p12.root_not_included.do"),
        Code::ChainOrder => ("console.p12.chain_order", "console.p12.chain_order.do"),
        Code::UnrelatedCertificates => ("console.p12.unrelated_certificates", "console.p12.unrelated_certificates.do"),
        Code::OtherKeyUnusable => ("console.p12.other_key_unusable", "console.p12.other_key_unusable.do"),
        Code::RsaBelow3072 => ("console.p12.rsa_below_3072", "console.p12.rsa_below_3072.do"),
        Code::NoContentCommitment => ("console.p12.no_content_commitment", "console.p12.no_content_commitment.do"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pages::texts::Language;

    use super::*;

    /// Names in braces.
    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    #[test]
    fn the_doctor_says_the_same_here_as_elsewhere_and_in_all_languages() {
        for code in Code::ALL {
            let (what, remedy) = keys(code);
            assert_eq!(what, format!("console.p12.{}", code.name()));
            assert_eq!(Language::English.text(what), code.what());
            assert_eq!(Language::English.text(remedy), code.remedy());
            for language in Language::ALL {
                assert_eq!(places(language.text(what)), places(code.what()), "{} {}", language.tag(), code.name());
                assert!(language.find(remedy).is_some(), "{} {}", language.tag(), code.name());
            }
        }
    }

    #[test]
    fn the_parts_of_a_file_are_told_in_the_language_of_the_page() {
        for part in PARTS {
            assert_eq!(part_named(part.name()), Some(part));
            assert_eq!(Language::English.text(part_key(part)), part.name());
        }
    }
}
