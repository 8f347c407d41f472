//! How a key file says that it is protected, read without any password: algorithms by name, those among them that are not opened here.
//!
//! Nothing is derived or decrypted. What cannot be read is left out: that it cannot be is the reader's to tell.

use der::asn1::{AnyRef, ObjectIdentifier};
use serde::Serialize;
use spki::AlgorithmIdentifierRef;

use super::super::archive::{MAX_BAGS, MAX_DEPTH, MAX_SAFES, content_info, sequence};
use super::super::names;
use crate::asn1::{self, SEQUENCE, ber, oid};

/// What is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The whole file, against changes.
    Integrity,
    /// A private key.
    PrivateKey,
    /// A part that is encrypted as a whole: the certificates, as a rule.
    Certificates,
}

impl Part {
    /// In English.
    pub fn name(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::PrivateKey => "private key",
            Self::Certificates => "part with the certificates",
        }
    }
}

/// How a part is protected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Protection {
    pub part: Part,
    /// The algorithm, and where its key comes from.
    pub algorithm: String,
    /// How often the password is hashed; not known for scrypt, whose cost is told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u64>,
    /// Whether it is out of date.
    pub is_legacy: bool,
}

/// An algorithm in words.
struct Named {
    text: String,
    iterations: Option<u64>,
    is_legacy: bool,
}

impl Named {
    fn at(self, part: Part) -> Protection {
        Protection { part, algorithm: self.text, iterations: self.iterations, is_legacy: self.is_legacy }
    }
}

/// What protects the parts of a file: its integrity first, then the parts in their order. Keys inside of encrypted parts are not seen.
pub(super) fn read(bytes: &[u8]) -> Vec<Protection> {
    let mut found = Vec::new();
    let _ = collect(bytes, &mut found);
    found
}

/// `None` where reading cannot go on.
fn collect(bytes: &[u8], found: &mut Vec<Protection>) -> Option<()> {
    let der = ber::to_der(bytes).ok()?;
    let fields = sequence(&der).ok()?;
    let [_version, content, mac @ ..] = &fields[..] else { return None };
    found.extend(mac.first().and_then(integrity).map(|named| named.at(Part::Integrity)));
    let (_, content) = content_info(content).ok()?;
    let content = asn1::octets(&content?).ok()?.into_owned();
    let safes = ber::to_der(&content).ok()?;
    let mut bags_left = MAX_BAGS;
    for safe in sequence(&safes).ok()?.iter().take(MAX_SAFES) {
        match content_info(safe) {
            Ok((oid::DATA, Some(content))) => {
                let plain = asn1::octets(&content).ok().and_then(|octets| ber::to_der(&octets).ok());
                plain.and_then(|plain| bags(&plain, 0, &mut bags_left, found));
            }
            Ok((names::ENCRYPTED_DATA, Some(content))) => {
                found.extend(encrypted_part(&content).map(|named| named.at(Part::Certificates)));
            }
            _ => {}
        }
    }
    Some(())
}

/// The keys of a part that is not encrypted itself.
fn bags(der: &[u8], depth: usize, left: &mut usize, found: &mut Vec<Protection>) -> Option<()> {
    if depth == MAX_DEPTH {
        return None;
    }
    for bag in sequence(der).ok()? {
        *left = left.checked_sub(1)?;
        let fields = asn1::elements(bag.value()).ok()?;
        let [name, explicit, ..] = &fields[..] else { return None };
        match name.decode_as::<ObjectIdentifier>().ok()? {
            names::SHROUDED_KEY_BAG => {
                let algorithm = sequence(explicit.value()).ok().and_then(|fields| algorithm(fields.first()?));
                found.extend(algorithm.map(|algorithm| encryption(&algorithm).at(Part::PrivateKey)));
            }
            names::SAFE_CONTENTS_BAG => {
                bags(explicit.value(), depth + 1, left, found);
            }
            _ => {}
        }
    }
    Some(())
}

/// `EncryptedData { version, EncryptedContentInfo { type, algorithm, ... } }` (RFC 5652 8).
fn encrypted_part(content: &AnyRef<'_>) -> Option<Named> {
    let fields = asn1::elements(content.value()).ok()?;
    let info = asn1::elements(fields.get(1)?.value()).ok()?;
    Some(encryption(&algorithm(info.get(1)?)?))
}

fn algorithm<'a>(element: &AnyRef<'a>) -> Option<AlgorithmIdentifierRef<'a>> {
    element.decode_as().ok()
}

/// PKCS #12's and PKCS #5's older schemes by name, all out of date (RFC 7292 appendix C, RFC 8018 A.3); what is not known by its identifier.
fn encryption(algorithm: &AlgorithmIdentifierRef<'_>) -> Named {
    let old = match algorithm.oid {
        names::PBES2 => {
            let unknown = || Named { text: "PBES2".to_owned(), iterations: None, is_legacy: false };
            return parameters(algorithm).and_then(|fields| pbes2(&fields)).unwrap_or_else(unknown);
        }
        names::PBE_3DES_3KEY => "3DES with three keys, key by SHA-1",
        names::PBE_3DES_2KEY => "3DES with two keys, key by SHA-1",
        names::PBE_RC2_128 => "RC2 with 128 bits, key by SHA-1",
        names::PBE_RC2_40 => "RC2 with 40 bits, key by SHA-1",
        names::PBE_RC4_128 => "RC4 with 128 bits, key by SHA-1",
        names::PBE_RC4_40 => "RC4 with 40 bits, key by SHA-1",
        names::PBE_MD5_DES => "DES, key by MD5",
        names::PBE_MD5_RC2 => "RC2, key by MD5",
        names::PBE_SHA1_DES => "DES, key by SHA-1",
        names::PBE_SHA1_RC2 => "RC2, key by SHA-1",
        other => return Named { text: other.to_string(), iterations: None, is_legacy: false },
    };
    let iterations = parameters(algorithm).and_then(|fields| number(fields.get(1)?));
    Named { text: old.to_owned(), iterations, is_legacy: true }
}

fn pbes2(fields: &[AnyRef<'_>]) -> Option<Named> {
    let (derivation, scheme) = (derivation(&algorithm(fields.first()?)?), algorithm(fields.get(1)?)?);
    let (cipher, is_legacy) = match scheme.oid {
        names::AES_128_CBC => ("AES-128-CBC".to_owned(), false),
        names::AES_192_CBC => ("AES-192-CBC".to_owned(), false),
        names::AES_256_CBC => ("AES-256-CBC".to_owned(), false),
        oid::AES_256_GCM => ("AES-256-GCM".to_owned(), false),
        names::DES_EDE3_CBC => ("3DES-CBC".to_owned(), true),
        names::DES_CBC => ("DES-CBC".to_owned(), true),
        names::RC2_CBC => ("RC2-CBC".to_owned(), true),
        other => (other.to_string(), false),
    };
    Some(Named { text: format!("{cipher}, key by {}", derivation.text), iterations: derivation.iterations, is_legacy })
}

/// Where a key comes from (RFC 8018 A.2, RFC 7914 7).
fn derivation(algorithm: &AlgorithmIdentifierRef<'_>) -> Named {
    let fields = parameters(algorithm).unwrap_or_default();
    match algorithm.oid {
        names::PBKDF2 => {
            // The default of RFC 8018 A.2.
            let prf = fields.last().filter(|last| asn1::tag(last) == SEQUENCE).and_then(self::algorithm);
            let prf = prf.map_or("SHA-1".to_owned(), |prf| digest(prf.oid).0);
            let iterations = fields.get(1).and_then(number);
            Named { text: format!("PBKDF2 with HMAC-{prf}"), iterations, is_legacy: false }
        }
        names::SCRYPT => {
            let cost = fields.get(1).and_then(number).map_or(String::new(), |n| format!(" (N = {n})"));
            Named { text: format!("scrypt{cost}"), iterations: None, is_legacy: false }
        }
        other => Named { text: other.to_string(), iterations: None, is_legacy: false },
    }
}

/// `MacData` (RFC 7292 4, RFC 9579 4).
fn integrity(mac: &AnyRef<'_>) -> Option<Named> {
    let fields = asn1::elements(mac.value()).ok()?;
    let info = asn1::elements(fields.first()?.value()).ok()?;
    let scheme = algorithm(info.first()?)?;
    if scheme.oid == names::PBMAC1 {
        let fields = parameters(&scheme)?;
        let (derivation, scheme) = (derivation(&algorithm(fields.first()?)?), algorithm(fields.get(1)?)?);
        let (name, is_legacy) = digest(scheme.oid);
        return Some(Named {
            text: format!("HMAC-{name} (PBMAC1), key by {}", derivation.text),
            iterations: derivation.iterations,
            is_legacy,
        });
    }
    let (name, is_legacy) = digest(scheme.oid);
    // The default of RFC 7292 4.
    let iterations = fields.get(2).map_or(Some(1), number);
    Some(Named { text: format!("HMAC-{name}"), iterations, is_legacy })
}

/// A digest, or HMAC with it, and whether it is out of date.
pub(super) fn digest(name: ObjectIdentifier) -> (String, bool) {
    let (name, is_legacy) = match name {
        names::MD5 | names::HMAC_MD5 => ("MD5", true),
        oid::SHA1 | names::HMAC_SHA1 => ("SHA-1", true),
        oid::SHA224 | names::HMAC_SHA224 => ("SHA-224", false),
        oid::SHA256 | names::HMAC_SHA256 => ("SHA-256", false),
        oid::SHA384 | names::HMAC_SHA384 => ("SHA-384", false),
        oid::SHA512 | names::HMAC_SHA512 => ("SHA-512", false),
        other => return (other.to_string(), false),
    };
    (name.to_owned(), is_legacy)
}

fn parameters<'a>(algorithm: &AlgorithmIdentifierRef<'a>) -> Option<Vec<AnyRef<'a>>> {
    asn1::elements(algorithm.parameters?.value()).ok()
}

fn number(element: &AnyRef<'_>) -> Option<u64> {
    element.decode_as().ok()
}
