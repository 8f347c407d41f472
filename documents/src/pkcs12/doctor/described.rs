//! What is in a key file, in words: keys and certificates as people tell them apart.

use chrono::{DateTime, Utc};
use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use serde::Serialize;
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

use super::super::Facts;
use super::protection;
use crate::algorithms;
use crate::asn1::{self, CONTEXT_0, oid};
use crate::x509::Certificate;

/// A private key; what it is, never what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyFound {
    /// Kind, and size or curve.
    pub kind: String,
    /// Whether keys of this kind seal here.
    pub is_usable: bool,
    /// Positions of the certificates that belong to it.
    pub certificates: Vec<usize>,
}

/// What a certificate in the file is to the one that seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It seals, or would if it could.
    Signer,
    /// It stands above it.
    Issuer,
    /// It has nothing to do with it.
    Unrelated,
}

/// A certificate, as it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateFound {
    /// Place in the file, from 1.
    pub position: usize,
    /// `None` where nothing in the file could seal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(flatten)]
    pub facts: Facts,
    /// Kind of its public key, and size or curve.
    pub key: String,
    /// With what its issuer signed it.
    pub signature: String,
    /// `None` where it restricts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_usage: Option<Vec<&'static str>>,
    /// `None` where it restricts nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_key_usage: Option<Vec<String>>,
    /// Object identifiers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    pub is_authority: bool,
    pub is_self_issued: bool,
}

impl CertificateFound {
    pub(super) fn of(position: usize, role: Option<Role>, certificate: &Certificate) -> Self {
        Self {
            position,
            role,
            facts: Facts::of(certificate),
            key: public_key(certificate),
            signature: signature(certificate.signature_algorithm()).0,
            key_usage: key_usage(certificate),
            extended_key_usage: extended_key_usage(certificate),
            policies: certificate.policies().iter().map(ToString::to_string).collect(),
            is_authority: certificate.is_authority(),
            is_self_issued: certificate.is_self_issued(),
        }
    }
}

/// A day, as people of all languages write it alike.
pub(super) fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

/// The names of RFC 5280 4.2.1.3.
pub(super) fn key_usage(certificate: &Certificate) -> Option<Vec<&'static str>> {
    let usage = certificate.key_usage()?;
    let all = [
        ("digitalSignature", usage.digital_signature()),
        ("nonRepudiation", usage.non_repudiation()),
        ("keyEncipherment", usage.key_encipherment()),
        ("dataEncipherment", usage.data_encipherment()),
        ("keyAgreement", usage.key_agreement()),
        ("keyCertSign", usage.key_cert_sign()),
        ("cRLSign", usage.crl_sign()),
        ("encipherOnly", usage.encipher_only()),
        ("decipherOnly", usage.decipher_only()),
    ];
    Some(all.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect())
}

pub(super) fn extended_key_usage(certificate: &Certificate) -> Option<Vec<String>> {
    Some(certificate.extended_key_usage()?.into_iter().map(purpose).collect())
}

/// The names of RFC 5280 4.2.1.12 and of those who made further ones; an identifier where it has no name here.
fn purpose(name: ObjectIdentifier) -> String {
    const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
    const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
    const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
    const SMART_CARD_LOGON: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.2");
    let known = match name {
        oid::ANY_EXTENDED_KEY_USAGE => "any",
        SERVER_AUTH => "serverAuth",
        CLIENT_AUTH => "clientAuth",
        CODE_SIGNING => "codeSigning",
        oid::EMAIL_PROTECTION => "emailProtection",
        oid::TIME_STAMPING => "timeStamping",
        oid::DOCUMENT_SIGNING => "documentSigning",
        oid::ADOBE_AUTHENTIC_DOCUMENTS => "Adobe authentic documents",
        oid::MICROSOFT_DOCUMENT_SIGNING => "Microsoft document signing",
        SMART_CARD_LOGON => "smartcard logon",
        other => return other.to_string(),
    };
    known.to_owned()
}

fn public_key(certificate: &Certificate) -> String {
    let Ok(key) = certificate.public_key() else { return "not readable".to_owned() };
    match key.algorithm.oid {
        oid::RSA_ENCRYPTION | oid::RSA_PSS => match algorithms::rsa_modulus_bits(&key) {
            Ok(bits) => format!("RSA of {bits} bits"),
            Err(_) => "RSA, not readable".to_owned(),
        },
        oid::EC_PUBLIC_KEY => match key.algorithm.parameters_oid() {
            Ok(curve) => format!("ECDSA on {}", algorithms::curve_name(curve)),
            Err(_) => "ECDSA on a curve without a name".to_owned(),
        },
        oid::ED25519 => "Ed25519".to_owned(),
        oid::ED448 => "Ed448".to_owned(),
        oid::DSA => "DSA".to_owned(),
        other => other.to_string(),
    }
}

/// The algorithm of a certificate's signature, and whether its hash is broken.
pub(super) fn signature(algorithm: &AlgorithmIdentifierOwned) -> (String, bool) {
    const RSA_MD5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.4");
    const RSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5");
    const ECDSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.1");
    const DSA_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.3");
    let (name, is_broken) = match algorithm.oid {
        RSA_MD5 => ("RSA with MD5", true),
        RSA_SHA1 => ("RSA with SHA-1", true),
        oid::RSA_SHA256 => ("RSA with SHA-256", false),
        oid::RSA_SHA384 => ("RSA with SHA-384", false),
        oid::RSA_SHA512 => ("RSA with SHA-512", false),
        oid::RSA_PSS => {
            let (digest, is_broken) = pss_digest(algorithm);
            return (format!("RSA-PSS with {digest}"), is_broken);
        }
        ECDSA_SHA1 => ("ECDSA with SHA-1", true),
        oid::ECDSA_SHA256 => ("ECDSA with SHA-256", false),
        oid::ECDSA_SHA384 => ("ECDSA with SHA-384", false),
        oid::ECDSA_SHA512 => ("ECDSA with SHA-512", false),
        DSA_SHA1 => ("DSA with SHA-1", true),
        oid::ED25519 => ("Ed25519", false),
        other => return (other.to_string(), false),
    };
    (name.to_owned(), is_broken)
}

/// The `hashAlgorithm` of RSASSA-PSS, by default SHA-1 (RFC 4055 3.1).
fn pss_digest(algorithm: &AlgorithmIdentifierOwned) -> (String, bool) {
    let named = || -> Option<ObjectIdentifier> {
        let fields = asn1::elements(algorithm.parameters.as_ref()?.value()).ok()?;
        let explicit = fields.into_iter().find(|field| asn1::tag(field) == CONTEXT_0)?;
        let digest = AnyRef::from_der(explicit.value()).ok()?;
        Some(digest.decode_as::<AlgorithmIdentifierRef<'_>>().ok()?.oid)
    };
    protection::digest(named().unwrap_or(oid::SHA1))
}
