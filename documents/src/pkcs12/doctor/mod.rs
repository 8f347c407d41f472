//! What is inside a key file, what is wrong with it, and what to do: for people who were given one, before it is used.
//!
//! It opens the file as [`Identity::open`](super::Identity::open) does, and agrees with it: a report has an error exactly where that refuses. Nothing
//! secret leaves it: neither password nor key is in a report.

mod code;
mod described;
mod protection;
mod shown;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::archive::{self, Archive};
use super::choice::{self, MAX_CHECKS, MAX_KEYS};
use super::key::{self, Key};
use super::{Error, MAX_FILE_BYTES, MAX_PASSWORD_BYTES};
use crate::asn1::ber;
use crate::pem;
use crate::x509::{Certificate, Unfit};
use described::day;

pub use code::{Code, Severity};
pub use described::{CertificateFound, KeyFound, Role};
pub use protection::{Part, Protection};

/// How long before its end a certificate is said to end soon.
pub const ENDS_SOON: TimeDelta = TimeDelta::days(60);

/// Iterations below which a password is guessed too fast: OpenSSL's default; NIST SP 800-132 5.2 wants 1,000 at the least.
const FEW_ITERATIONS: u64 = 2048;

/// RSA keys below this many bits are told of (ETSI TS 119 312: 3000 bits and more are recommended).
const RECOMMENDED_RSA_BITS: usize = 3000;

/// Certificates that are named in one finding.
const MAX_NAMED: usize = 5;

/// Blocks of PEM that are named.
const MAX_BLOCKS_NAMED: usize = 5;

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    pub code: Code,
    /// What it is, in English.
    pub what: String,
    /// What to do, in English.
    pub remedy: &'static str,
    /// A line that mends it, with names of files to replace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'static str>,
    /// What stands in place of the names in braces of [`Code::what`], for who says it in another language.
    #[serde(skip)]
    pub values: Vec<(&'static str, String)>,
}

impl Finding {
    fn new(code: Code, values: &[(&'static str, &str)]) -> Self {
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self {
            severity: code.severity(),
            code,
            what: filled(code.what(), &values),
            remedy: code.remedy(),
            command: code.command(),
            values,
        }
    }
}

/// A sentence with its values; what stands in a value is not looked at again.
fn filled(sentence: &str, values: &[(&'static str, String)]) -> String {
    let mut text = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, behind)) = after.split_once('}') else { break };
        text.push_str(values.iter().find(|(own, _)| *own == name).map_or("", |(_, value)| value));
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// Whether a file is of use here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Usable,
    UsableWithWarnings,
    NotUsable,
}

/// What was found in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    pub verdict: Verdict,
    /// The gravest first.
    pub findings: Vec<Finding>,
    pub keys: Vec<KeyFound>,
    /// In the order of the file.
    pub certificates: Vec<CertificateFound>,
    pub protections: Vec<Protection>,
}

impl Report {
    fn of(mut findings: Vec<Finding>, protections: Vec<Protection>, contents: Contents) -> Self {
        findings.sort_by_key(|finding| (std::cmp::Reverse(finding.severity), finding.code));
        findings.dedup();
        let verdict = match findings.first().map(|finding| finding.severity) {
            Some(Severity::Error) => Verdict::NotUsable,
            Some(Severity::Warning) => Verdict::UsableWithWarnings,
            Some(Severity::Note) | None => Verdict::Usable,
        };
        Self { verdict, findings, keys: contents.keys, certificates: contents.certificates, protections }
    }

    /// Whether the file can seal here.
    pub fn is_usable(&self) -> bool {
        self.verdict != Verdict::NotUsable
    }

    /// The certificate that seals, or would if it could.
    pub fn signer(&self) -> Option<&CertificateFound> {
        self.certificates.iter().find(|certificate| certificate.role == Some(Role::Signer))
    }
}

/// What an opened file has.
#[derive(Default)]
struct Contents {
    keys: Vec<KeyFound>,
    certificates: Vec<CertificateFound>,
}

/// Looks at a file as it would be used at `now`. Without a password the empty one is tried, and what is outside is told all the same.
///
/// It costs what opening costs ([`Identity::open`](super::Identity::open)) and is bounded as that is.
pub fn examine(bytes: &[u8], password: Option<&str>, now: DateTime<Utc>) -> Report {
    if bytes.len() > MAX_FILE_BYTES {
        let finding = Finding::new(Code::TooLarge, &[("limit", &MAX_FILE_BYTES.to_string())]);
        return Report::of(vec![finding], Vec::new(), Contents::default());
    }
    let protections = protection::read(bytes);
    let mut findings = protection_findings(&protections);
    let given = password.unwrap_or_default();
    let opened = if given.len() > MAX_PASSWORD_BYTES { Err(Error::WrongPassword) } else { archive::open(bytes, given) };
    let contents = match opened {
        Ok(archive) => {
            let mut doctor = Doctor { now, is_password_given: password.is_some(), findings: &mut findings };
            let contents = doctor.look(&archive);
            if !archive.keys.is_empty() {
                findings.extend(openness(&protections));
            }
            contents
        }
        Err(error) => {
            findings.push(refusal(&error, bytes, password.is_some()));
            Contents::default()
        }
    };
    Report::of(findings, protections, contents)
}

/// What is said of the algorithms outside.
fn protection_findings(protections: &[Protection]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for protection in protections {
        let part = protection.part.name();
        let legacy = match protection.part {
            Part::Integrity => Code::LegacyIntegrity,
            Part::PrivateKey | Part::Certificates => Code::LegacyCipher,
        };
        if protection.is_legacy {
            findings.push(Finding::new(legacy, &[("part", part), ("algorithm", &protection.algorithm)]));
        }
        if let Some(iterations) = protection.iterations.filter(|iterations| *iterations < FEW_ITERATIONS) {
            findings.push(Finding::new(Code::FewIterations, &[("iterations", &iterations.to_string()), ("part", part)]));
        }
    }
    findings
}

/// What is missing of protection around what was opened.
fn openness(protections: &[Protection]) -> impl Iterator<Item = Finding> {
    let has = |part: Part| protections.iter().any(|protection| protection.part == part);
    let checked = has(Part::Integrity);
    // Keys in encrypted parts are encrypted with them.
    let encrypted = has(Part::PrivateKey) || has(Part::Certificates);
    let missing = [(!checked, Code::NoIntegrity), (!encrypted, Code::NotEncrypted)];
    missing.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, code)| Finding::new(code, &[]))
}

/// Why nothing of a file could be read.
fn refusal(error: &Error, bytes: &[u8], is_password_given: bool) -> Finding {
    match error {
        Error::NotPkcs12 => other_file(bytes),
        Error::WrongPassword if is_password_given => Finding::new(Code::WrongPassword, &[]),
        Error::WrongPassword => Finding::new(Code::PasswordNeeded, &[]),
        Error::TooExpensive(reason) => Finding::new(Code::TooExpensive, &[("reason", reason)]),
        Error::Unsupported(reason) => Finding::new(Code::Unsupported, &[("reason", reason)]),
        Error::NoPrivateKey => Finding::new(Code::NoKey, &[]),
        Error::Expired { .. } | Error::NotYetValid { .. } => Finding::new(Code::NotUsable, &[("reason", &error.to_string())]),
    }
}

/// What people send in place of a PKCS #12 file.
fn other_file(bytes: &[u8]) -> Finding {
    const JAVA_KEY_STORES: [[u8; 4]; 2] = [[0xfe, 0xed, 0xfe, 0xed], [0xce, 0xce, 0xce, 0xce]];
    if let Ok(Some(blocks)) = pem::blocks(bytes) {
        let labels: Vec<&str> = blocks.iter().take(MAX_BLOCKS_NAMED).map(|block| block.label.as_str()).collect();
        return Finding::new(Code::Pem, &[("blocks", &labels.join(", "))]);
    }
    if JAVA_KEY_STORES.iter().any(|magic| bytes.starts_with(magic)) {
        return Finding::new(Code::JavaKeystore, &[]);
    }
    if is_base64(bytes) {
        return Finding::new(Code::Base64, &[]);
    }
    let holds_certificates = ber::to_der(bytes).is_ok_and(|der| Certificate::from_der(&der).is_ok() || is_signed_data(&der));
    Finding::new(if holds_certificates { Code::CertificateOnly } else { Code::NotPkcs12 }, &[])
}

/// PKCS #7, in which authorities send chains.
fn is_signed_data(der: &[u8]) -> bool {
    let kind = archive::sequence(der).ok().and_then(|fields| fields.first()?.decode_as().ok());
    kind == Some(crate::asn1::oid::SIGNED_DATA)
}

/// Whether it is text that stands for a SEQUENCE of DER or BER.
fn is_base64(bytes: &[u8]) -> bool {
    let text: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let decoded = data_encoding::BASE64.decode(&text);
    decoded.is_ok_and(|decoded| decoded.first() == Some(&crate::asn1::SEQUENCE))
}

/// Looks at what was opened.
struct Doctor<'a> {
    now: DateTime<Utc>,
    is_password_given: bool,
    findings: &'a mut Vec<Finding>,
}

/// A key of the file.
struct HeldKey {
    key: Result<Key, Error>,
    kind: String,
}

impl Doctor<'_> {
    fn say(&mut self, code: Code, values: &[(&'static str, &str)]) {
        self.findings.push(Finding::new(code, values));
    }

    fn look(&mut self, archive: &Archive) -> Contents {
        let certificates: Vec<Certificate> =
            archive.certificates.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        let keys: Vec<HeldKey> = archive.keys.iter().take(MAX_KEYS).map(|der| HeldKey::of(der)).collect();
        let chain = match choice::choose(archive, self.now) {
            Ok(candidate) => {
                self.read_parts(archive, certificates.len());
                if candidate.key.rsa_bits().is_some_and(|bits| bits < RECOMMENDED_RSA_BITS) {
                    self.say(Code::RsaBelow3072, &[("kind", &candidate.key.kind())]);
                }
                self.look_at_keys(&keys, &candidate.chain[0]);
                candidate.chain
            }
            Err(reason) => self.refused(archive, &keys, &certificates, &reason),
        };
        if !chain.is_empty() {
            self.look_at_chain(&chain, &certificates);
        }
        let role = |certificate: &Certificate| match chain.iter().position(|own| own.der() == certificate.der()) {
            Some(0) => Some(Role::Signer),
            Some(_) => Some(Role::Issuer),
            None if chain.is_empty() => None,
            None => Some(Role::Unrelated),
        };
        let positioned = certificates.iter().enumerate();
        Contents {
            keys: keys.iter().map(|held| held.found(&certificates)).collect(),
            certificates: positioned
                .map(|(index, certificate)| CertificateFound::of(index + 1, role(certificate), certificate))
                .collect(),
        }
    }

    /// Parts that could not be read although the file is usable.
    fn read_parts(&mut self, archive: &Archive, readable: usize) {
        if let Some(problem) = &archive.problem {
            self.say(Code::PartUnreadable, &[("reason", &problem.to_string())]);
        }
        if readable < archive.certificates.len() {
            self.say(Code::PartUnreadable, &[("reason", "a certificate is not one of X.509")]);
        }
    }

    fn look_at_keys(&mut self, keys: &[HeldKey], leaf: &Certificate) {
        if keys.len() > 1 {
            self.say(Code::SeveralKeys, &[("count", &keys.len().to_string()), ("certificate", &leaf.subject_text())]);
        }
        for held in keys.iter().filter(|held| held.key.is_err()) {
            self.say(Code::OtherKeyUnusable, &[("kind", &held.kind)]);
        }
    }

    /// Says why nothing in the file is usable; gives the chain that came closest, if there is one.
    fn refused(&mut self, archive: &Archive, keys: &[HeldKey], certificates: &[Certificate], reason: &Error) -> Vec<Certificate> {
        let mut checks = MAX_CHECKS;
        let mut closest: Option<(Vec<Finding>, Vec<Certificate>)> = None;
        for key in keys.iter().filter_map(|held| held.key.as_ref().ok()) {
            for leaf in certificates.iter().filter(|certificate| certificate.public_key_bits() == Some(key.public_bits())) {
                let chain = choice::ordered_chain(leaf, certificates, self.now, &mut checks);
                let faults = faults(&chain, self.now);
                if closest.as_ref().is_none_or(|(fewest, _)| faults.len() < fewest.len()) {
                    closest = Some((faults, chain));
                }
            }
        }
        let (faults, chain) = closest.unwrap_or_default();
        if chain.is_empty() {
            self.without_pair(archive, keys, certificates.len());
        }
        self.findings.extend(faults);
        if self.findings.iter().all(|finding| finding.severity != Severity::Error) {
            self.say(Code::NotUsable, &[("reason", &reason.to_string())]);
        }
        chain
    }

    /// No key has a certificate.
    fn without_pair(&mut self, archive: &Archive, keys: &[HeldKey], certificates: usize) {
        match &archive.problem {
            // What could not be opened may have held what is missing.
            Some(problem) => self.findings.push(refusal(problem, &[], self.is_password_given)),
            None if keys.is_empty() => self.say(Code::NoKey, &[]),
            None if keys.iter().all(|held| held.key.is_err()) => {
                for held in keys {
                    self.say(Code::UnusableKey, &[("kind", &held.kind)]);
                }
            }
            None if certificates == 0 => self.say(Code::NoCertificate, &[]),
            None => self.say(Code::KeyWithoutCertificate, &[]),
        }
    }

    /// What others may have against a chain, whether it is usable here or not.
    fn look_at_chain(&mut self, chain: &[Certificate], certificates: &[Certificate]) {
        let leaf = &chain[0];
        let name = leaf.subject_text();
        if leaf.is_authority() {
            self.say(Code::AuthorityAsSigner, &[("certificate", &name)]);
        }
        let usage = described::key_usage(leaf).filter(|usage| !usage.contains(&"nonRepudiation"));
        if let Some(usage) = usage.filter(|usage| usage.contains(&"digitalSignature")) {
            self.say(Code::NoContentCommitment, &[("certificate", &name), ("usages", &usage.join(", "))]);
        }
        let left = leaf.not_after() - self.now;
        if left > TimeDelta::zero() && left < ENDS_SOON {
            let (date, days) = (day(leaf.not_after()), left.num_days().to_string());
            self.say(Code::EndsSoon, &[("certificate", &name), ("date", &date), ("days", &days)]);
        }
        self.look_at_end_of_chain(chain, certificates);
        self.look_at_issuers(chain);
        self.look_at_order(chain, certificates);
    }

    fn look_at_end_of_chain(&mut self, chain: &[Certificate], certificates: &[Certificate]) {
        let last = &chain[chain.len() - 1];
        if last.is_self_issued() {
            if chain.len() == 1 {
                self.say(Code::SelfSigned, &[("certificate", &last.subject_text())]);
            }
            return;
        }
        let (name, issuer) = (last.subject_text(), last.issuer_text());
        let is_named = |other: &Certificate| other.subject() == last.issuer() && chain.iter().all(|own| own.der() != other.der());
        let code = match chain.len() {
            _ if certificates.iter().any(is_named) => Code::IssuerSignature,
            1 => Code::MissingChain,
            _ => Code::RootNotIncluded,
        };
        self.say(code, &[("certificate", &name), ("issuer", &issuer)]);
    }

    fn look_at_issuers(&mut self, chain: &[Certificate]) {
        let leaf = &chain[0];
        // The signature of a root on itself proves nothing, and its end is no matter of the path (RFC 5280 6.1.1 d).
        let dated = chain.iter().enumerate().filter(|(index, certificate)| *index == 0 || !certificate.is_self_issued());
        for (index, certificate) in dated {
            let name = certificate.subject_text();
            if let (algorithm, true) = described::signature(certificate.signature_algorithm()) {
                self.say(Code::WeakSignatureHash, &[("certificate", &name), ("algorithm", &algorithm)]);
            }
            let ends_first = index > 0 && certificate.not_after() < leaf.not_after() && certificate.not_after() > self.now;
            if ends_first {
                self.say(Code::IssuerEndsFirst, &[("certificate", &name), ("date", &day(certificate.not_after()))]);
            }
        }
    }

    fn look_at_order(&mut self, chain: &[Certificate], certificates: &[Certificate]) {
        let place = |wanted: &Certificate| certificates.iter().position(|own| own.der() == wanted.der());
        if !chain.iter().filter_map(place).is_sorted() {
            self.say(Code::ChainOrder, &[]);
        }
        let unrelated: Vec<String> = certificates
            .iter()
            .filter(|certificate| chain.iter().all(|own| own.der() != certificate.der()))
            .map(|certificate| format!("\"{}\"", certificate.subject_text()))
            .collect();
        if unrelated.is_empty() {
            return;
        }
        let more = unrelated.len().saturating_sub(MAX_NAMED);
        let mut names = unrelated[..unrelated.len() - more].join(", ");
        if more > 0 {
            names.push_str(&format!(" (+{more})"));
        }
        self.say(Code::UnrelatedCertificates, &[("certificates", &names)]);
    }
}

impl HeldKey {
    fn of(pkcs8: &[u8]) -> Self {
        let key = Key::from_pkcs8(pkcs8);
        let kind = match &key {
            Ok(key) => key.kind(),
            Err(_) => key::described(pkcs8).unwrap_or_else(|| "a key that cannot be read".to_owned()),
        };
        Self { key, kind }
    }

    fn found(&self, certificates: &[Certificate]) -> KeyFound {
        let bits = self.key.as_ref().ok().map(Key::public_bits);
        let own =
            certificates.iter().enumerate().filter(|(_, certificate)| bits.is_some() && certificate.public_key_bits() == bits);
        KeyFound { kind: self.kind.clone(), is_usable: self.key.is_ok(), certificates: own.map(|(index, _)| index + 1).collect() }
    }
}

/// Why a chain cannot seal: what [`choice`] refuses, all of it.
fn faults(chain: &[Certificate], now: DateTime<Utc>) -> Vec<Finding> {
    let mut faults = Vec::new();
    let Some(leaf) = chain.first() else { return faults };
    let name = leaf.subject_text();
    let list = |usages: Vec<String>| if usages.is_empty() { "none".to_owned() } else { usages.join(", ") };
    match leaf.fit_for_documents() {
        Ok(()) => {}
        Err(Unfit::KeyUsage) => {
            let usages = described::key_usage(leaf).unwrap_or_default().into_iter().map(str::to_owned).collect();
            faults.push(Finding::new(Code::KeyUsage, &[("certificate", &name), ("usages", &list(usages))]));
        }
        Err(Unfit::ExtendedKeyUsage) => {
            let usages = list(described::extended_key_usage(leaf).unwrap_or_default());
            faults.push(Finding::new(Code::ExtendedKeyUsage, &[("certificate", &name), ("usages", &usages)]));
        }
    }
    for (index, certificate) in chain.iter().enumerate().filter(|(index, own)| *index == 0 || !own.is_self_issued()) {
        let (ended, early) = match index {
            0 => (Code::Ended, Code::NotYetValid),
            _ => (Code::IssuerEnded, Code::IssuerNotYetValid),
        };
        let (code, date) = match (certificate.not_after() <= now, certificate.not_before() > now) {
            (true, _) => (ended, certificate.not_after()),
            (_, true) => (early, certificate.not_before()),
            _ => continue,
        };
        faults.push(Finding::new(code, &[("certificate", &certificate.subject_text()), ("date", &day(date))]));
    }
    faults
}
