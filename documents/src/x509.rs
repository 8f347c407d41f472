//! Certificates, read leniently and kept as raw bytes: those of tenants' key files and those in other people's signatures.

use chrono::{DateTime, Utc};
use der::asn1::{AnyRef, BitStringRef, BmpString, ObjectIdentifier};
use der::{Decode, Encode};
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::ext::pkix::{BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier};
use x509_cert::name::Name;

use crate::algorithms;
use crate::asn1::{self, oid};

/// One certificate. What was signed (`tbs`) and what is compared (names) are kept exactly as encoded.
#[derive(Clone)]
pub(crate) struct Certificate {
    der: Vec<u8>,
    tbs: Vec<u8>,
    subject: Vec<u8>,
    issuer: Vec<u8>,
    public_key: Vec<u8>,
    serial: Vec<u8>,
    parsed: CertificateInner<Raw>,
}

/// Addresses of one kind that are taken from a certificate.
const MAX_ADDRESSES: usize = 8;

/// What of a certificate excludes a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    KeyUsage,
    ExtendedKeyUsage,
}

impl Certificate {
    pub(crate) fn from_der(der: &[u8]) -> der::Result<Self> {
        let parsed = CertificateInner::<Raw>::from_der(der)?;
        let outer = AnyRef::from_der(der)?;
        let parts = asn1::elements(outer.value())?;
        let tbs = *parts.first().ok_or_else(malformed)?;
        let fields = asn1::elements(tbs.value())?;
        // The version comes first and may be missing (RFC 5280 4.1); the other fields keep their order.
        let start = usize::from(fields.first().is_some_and(|field| asn1::tag(field) == asn1::CONTEXT_0));
        let field = |index: usize| fields.get(start + index).copied().ok_or_else(malformed).and_then(asn1::raw);
        Ok(Self {
            der: der.to_vec(),
            tbs: asn1::raw(tbs)?,
            issuer: field(2)?,
            subject: field(4)?,
            public_key: field(5)?,
            serial: field(0)?,
            parsed,
        })
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// The subject's DER.
    pub(crate) fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// The issuer's DER.
    pub(crate) fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// The serial number's DER, with tag and length.
    pub(crate) fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The serial number itself, big-endian.
    pub(crate) fn serial_number(&self) -> &[u8] {
        self.parsed.tbs_certificate.serial_number.as_bytes()
    }

    pub(crate) fn public_key(&self) -> der::Result<SubjectPublicKeyInfoRef<'_>> {
        SubjectPublicKeyInfoRef::from_der(&self.public_key)
    }

    /// `SubjectPublicKeyInfo` as encoded.
    pub(crate) fn public_key_der(&self) -> &[u8] {
        &self.public_key
    }

    /// The public key as its algorithm writes it: an EC point, or PKCS #1 for RSA.
    pub(crate) fn public_key_bits(&self) -> Option<&[u8]> {
        self.parsed.tbs_certificate.subject_public_key_info.subject_public_key.as_bytes()
    }

    pub(crate) fn is_self_issued(&self) -> bool {
        self.subject == self.issuer
    }

    pub(crate) fn subject_attribute(&self, attribute: ObjectIdentifier) -> Option<String> {
        name_attribute(&self.parsed.tbs_certificate.subject, attribute)
    }

    /// The name a person would call the subject by: its common name, or else the whole name.
    pub(crate) fn subject_text(&self) -> String {
        name_text(&self.parsed.tbs_certificate.subject)
    }

    pub(crate) fn issuer_text(&self) -> String {
        name_text(&self.parsed.tbs_certificate.issuer)
    }

    pub(crate) fn not_before(&self) -> DateTime<Utc> {
        moment(&self.parsed.tbs_certificate.validity.not_before)
    }

    pub(crate) fn not_after(&self) -> DateTime<Utc> {
        moment(&self.parsed.tbs_certificate.validity.not_after)
    }

    pub(crate) fn sha256(&self) -> [u8; 32] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.der);
        let mut out = [0; 32];
        out.copy_from_slice(digest.as_ref());
        out
    }

    /// Key usage, if the certificate restricts it (RFC 5280 4.2.1.3). An unreadable or repeated extension allows nothing.
    pub(crate) fn key_usage(&self) -> Option<KeyUsage> {
        match self.parsed.tbs_certificate.get::<KeyUsage>() {
            Ok(found) => found.map(|(_, usage)| usage),
            Err(_) => Some(KeyUsage(Default::default())),
        }
    }

    /// Whether it says that its holder issues certificates (RFC 5280 4.2.1.9).
    pub(crate) fn is_authority(&self) -> bool {
        matches!(self.parsed.tbs_certificate.get::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca)
    }

    /// The policies under which it was issued (RFC 5280 4.2.1.4); none where they cannot be read.
    pub(crate) fn policies(&self) -> Vec<ObjectIdentifier> {
        match self.parsed.tbs_certificate.get::<CertificatePolicies>() {
            Ok(Some((_, policies))) => policies.0.iter().map(|policy| policy.policy_identifier).collect(),
            _ => Vec::new(),
        }
    }

    /// With what its issuer signed it.
    pub(crate) fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.parsed.signature_algorithm
    }

    pub(crate) fn subject_key_identifier(&self) -> Option<Vec<u8>> {
        let (_, identifier) = self.parsed.tbs_certificate.get::<SubjectKeyIdentifier>().ok()??;
        Some(identifier.0.as_bytes().to_vec())
    }

    /// The purposes to which the certificate restricts its key (RFC 5280 4.2.1.12). An unreadable or repeated extension allows
    /// nothing.
    pub(crate) fn extended_key_usage(&self) -> Option<Vec<ObjectIdentifier>> {
        match self.parsed.tbs_certificate.get::<ExtendedKeyUsage>() {
            Ok(found) => found.map(|(_, usage)| usage.0),
            Err(_) => Some(Vec::new()),
        }
    }

    /// Whether it may sign documents: digitalSignature or nonRepudiation where key usage is restricted, and a purpose that
    /// includes documents where there are extended ones.
    ///
    /// One accepted purpose is enough, as usages add up. Accepted are what is meant for documents (RFC 9336, and Adobe's and
    /// Microsoft's older own), any purpose, and emailProtection: signed mail is what authorities had issued certificates of
    /// people and seals for before RFC 9336, and Acrobat takes it too. Spanish qualified certificates name it beside
    /// clientAuth. clientAuth alone is not accepted: such a certificate proves who opens a connection, commits its holder to no
    /// content, and validators reject it; neither are serverAuth, codeSigning, timeStamping and what is not known here.
    pub(crate) fn fit_for_documents(&self) -> Result<(), Unfit> {
        const DOCUMENTS: [ObjectIdentifier; 5] = [
            oid::DOCUMENT_SIGNING,
            oid::ADOBE_AUTHENTIC_DOCUMENTS,
            oid::MICROSOFT_DOCUMENT_SIGNING,
            oid::EMAIL_PROTECTION,
            oid::ANY_EXTENDED_KEY_USAGE,
        ];
        self.fit_for(&DOCUMENTS)
    }

    /// Whether it may sign time stamps: its one purpose has to be that (RFC 3161 2.3).
    pub(crate) fn fit_for_time_stamps(&self) -> Result<(), Unfit> {
        match self.extended_key_usage() {
            Some(_) => self.fit_for(&[oid::TIME_STAMPING]),
            None => Err(Unfit::ExtendedKeyUsage),
        }
    }

    fn fit_for(&self, purposes: &[ObjectIdentifier]) -> Result<(), Unfit> {
        if self.key_usage().is_some_and(|usage| !usage.digital_signature() && !usage.non_repudiation()) {
            return Err(Unfit::KeyUsage);
        }
        let extended = self.extended_key_usage();
        let fits = extended.is_none_or(|extended| extended.iter().any(|purpose| purposes.contains(purpose)));
        if fits { Ok(()) } else { Err(Unfit::ExtendedKeyUsage) }
    }

    /// Whether it may sign what its issuer says of revocation, in the issuer's name (RFC 6960 4.2.2.2).
    pub(crate) fn answers_for_its_issuer(&self) -> bool {
        self.extended_key_usage().is_some_and(|purposes| purposes.contains(&oid::OCSP_SIGNING))
    }

    /// Whether its issuer says that nobody need ask about it (RFC 6960 4.2.2.2.1): it ends soon.
    pub(crate) fn needs_no_check(&self) -> bool {
        self.extension(oid::OCSP_NO_CHECK).is_some()
    }

    /// Whether its key may sign lists of revoked certificates (RFC 5280 4.2.1.3).
    pub(crate) fn may_sign_lists(&self) -> bool {
        self.key_usage().is_none_or(|usage| usage.crl_sign())
    }

    /// Where its status is told by OCSP (RFC 5280 4.2.2.1).
    pub(crate) fn ocsp_addresses(&self) -> Vec<String> {
        self.access(oid::ACCESS_BY_OCSP)
    }

    /// Where its issuer's certificate is to be had.
    pub(crate) fn issuer_addresses(&self) -> Vec<String> {
        self.access(oid::ACCESS_TO_ISSUERS)
    }

    fn access(&self, method: ObjectIdentifier) -> Vec<String> {
        let found = self.extension(oid::AUTHORITY_INFORMATION_ACCESS).and_then(|value| {
            let descriptions = asn1::elements(AnyRef::from_der(value).ok()?.value()).ok()?;
            let address = |description: AnyRef<'_>| match asn1::elements(description.value()).ok()?[..] {
                [of, location] if of.decode_as::<ObjectIdentifier>().ok()? == method => address(&location),
                _ => None,
            };
            Some(descriptions.into_iter().filter_map(address).take(MAX_ADDRESSES).collect())
        });
        found.unwrap_or_default()
    }

    /// Where lists of revoked certificates are (RFC 5280 4.2.1.13), those of its issuer for all reasons.
    pub(crate) fn list_addresses(&self) -> Vec<String> {
        let found = self.extension(oid::CRL_DISTRIBUTION_POINTS).and_then(|value| {
            let mut addresses = Vec::new();
            for point in asn1::elements(AnyRef::from_der(value).ok()?.value()).ok()? {
                let parts = asn1::elements(point.value()).ok()?;
                let [name] = parts[..] else { continue };
                if asn1::tag(&name) == asn1::CONTEXT_0 {
                    let full = AnyRef::from_der(name.value()).ok()?;
                    addresses.extend(asn1::elements(full.value()).ok()?.iter().filter_map(address));
                }
            }
            addresses.truncate(MAX_ADDRESSES);
            Some(addresses)
        });
        found.unwrap_or_default()
    }

    fn extension(&self, id: ObjectIdentifier) -> Option<&[u8]> {
        let extensions = self.parsed.tbs_certificate.extensions.as_deref().unwrap_or(&[]);
        extensions.iter().find(|extension| extension.extn_id == id).map(|extension| extension.extn_value.as_bytes())
    }

    /// May issue certificates with at most `below` certificate authorities between itself and the leaf.
    pub(crate) fn may_issue(&self, below: usize) -> bool {
        let constraints = self.parsed.tbs_certificate.get::<BasicConstraints>();
        let Ok(Some((_, constraints))) = constraints else { return false };
        let short_enough = constraints.path_len_constraint.is_none_or(|limit| below <= usize::from(limit));
        constraints.ca && short_enough && self.key_usage().is_none_or(|usage| usage.key_cert_sign())
    }

    /// The first critical extension that is not evaluated here; such a certificate must not be relied on (RFC 5280 4.2).
    pub(crate) fn unknown_critical_extension(&self) -> Option<ObjectIdentifier> {
        const EVALUATED: [ObjectIdentifier; 5] =
            [oid::KEY_USAGE, oid::SUBJECT_ALT_NAME, oid::BASIC_CONSTRAINTS, oid::CERTIFICATE_POLICIES, oid::EXTENDED_KEY_USAGE];
        let extensions = self.parsed.tbs_certificate.extensions.as_deref().unwrap_or(&[]);
        extensions.iter().find(|e| e.critical && !EVALUATED.contains(&e.extn_id)).map(|e| e.extn_id)
    }

    /// Whether `issuer` signed this certificate: names and signature; nothing about validity.
    pub(crate) fn is_signed_by(&self, issuer: &Certificate) -> bool {
        self.issuer == issuer.subject && self.verify_with(issuer).is_ok()
    }

    fn verify_with(&self, issuer: &Certificate) -> Result<(), algorithms::Error> {
        let outer = AnyRef::from_der(&self.der).map_err(|_| algorithms::Error::Unreadable)?;
        let parts = asn1::elements(outer.value()).map_err(|_| algorithms::Error::Unreadable)?;
        let [_, algorithm, signature] = parts[..] else { return Err(algorithms::Error::Unreadable) };
        let algorithm = algorithm.decode_as::<AlgorithmIdentifierRef<'_>>().map_err(|_| algorithms::Error::Unreadable)?;
        let signature = signature.decode_as::<BitStringRef<'_>>().map_err(|_| algorithms::Error::Unreadable)?;
        let signature = signature.as_bytes().ok_or(algorithms::Error::Unreadable)?;
        let key = issuer.public_key().map_err(|_| algorithms::Error::Unreadable)?;
        algorithms::verify(&key, &algorithm, None, &self.tbs, signature)
    }
}

/// A GeneralName that is a URI (RFC 5280 4.2.1.6).
pub(crate) fn address(name: &AnyRef<'_>) -> Option<String> {
    const URI: u8 = 0x86;
    let text = std::str::from_utf8(name.value()).ok()?;
    (asn1::tag(name) == URI && text.len() <= 2048).then(|| text.to_owned())
}

fn malformed() -> der::Error {
    der::ErrorKind::Failed.into()
}

fn moment(time: &x509_cert::time::Time) -> DateTime<Utc> {
    DateTime::from(time.to_system_time())
}

/// What a person would call the bearer of a name: its common name, or else the whole name.
pub(crate) fn name_text(name: &Name) -> String {
    name_attribute(name, oid::COMMON_NAME).unwrap_or_else(|| name.to_string())
}

/// The last (most specific) value of `attribute` in a name, in any of X.520's string types.
fn name_attribute(name: &Name, attribute: ObjectIdentifier) -> Option<String> {
    let mut values = name.0.iter().flat_map(|rdn| rdn.0.iter()).filter(|pair| pair.oid == attribute);
    let value = values.next_back()?;
    let encoded = value.value.to_der().ok()?;
    match encoded.first()? {
        0x1e => BmpString::from_der(&encoded).ok().map(|text| text.to_string()),
        // UTF8String, PrintableString, IA5String are all UTF-8.
        0x0c | 0x13 | 0x16 => std::str::from_utf8(value.value.value()).ok().map(str::to_owned),
        // TeletexString: in practice Latin-1.
        0x14 => Some(value.value.value().iter().map(|byte| char::from(*byte)).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rubbish_is_an_error() {
        assert!(Certificate::from_der(b"").is_err());
        assert!(Certificate::from_der(&[0x30, 3, 2, 1, 1]).is_err());
    }

    #[test]
    fn names_and_bytes_are_kept_as_encoded() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Núria Güell");
        let der = params.self_signed(&key).unwrap().der().to_vec();
        let certificate = Certificate::from_der(&der).unwrap();
        assert_eq!(certificate.der(), der);
        assert_eq!(certificate.subject_text(), "Núria Güell");
        assert!(certificate.is_self_issued());
        assert!(certificate.is_signed_by(&certificate));
        assert!(!certificate.may_issue(0));
    }
}
