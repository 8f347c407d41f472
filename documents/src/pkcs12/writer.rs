//! Writing a PKCS #12 file (RFC 7292): for the development certificate, and for tests in all the ways of others.

use std::num::{NonZeroU16, NonZeroU32};

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hmac, pbkdf2, rand};
use der::asn1::ObjectIdentifier;

use super::kdf::{Kdf, Purpose};
use super::{Error, names};
use crate::asn1::{self, CONTEXT_0, INTEGER, NULL, OCTET_STRING, SEQUENCE, oid};

/// Few, as the password of a development certificate is random.
const ITERATIONS: NonZeroU16 = NonZeroU16::new(10_000).unwrap();
const SALT_BYTES: usize = 16;

/// Something encrypted: the DER of its `AlgorithmIdentifier`, and its bytes.
pub(crate) struct Encrypted {
    pub(crate) algorithm: Vec<u8>,
    pub(crate) data: Vec<u8>,
}

/// What becomes a file.
pub(crate) struct Contents<'a> {
    /// PKCS #8, DER.
    pub(crate) keys: &'a [&'a [u8]],
    /// X.509, DER.
    pub(crate) certificates: &'a [&'a [u8]],
}

/// Writes a file under AES-256 with PBKDF2 and a MAC, all with SHA-256.
///
/// # Errors
/// [`Error::Unsupported`] where the library cannot compute.
pub(crate) fn write(contents: &Contents<'_>, password: &str) -> Result<Vec<u8>, Error> {
    let failed = |_: Unspecified| Error::Unsupported("it could not be encrypted".to_owned());
    let safes = safes(contents, &mut |plain| encrypt(plain, password)).map_err(failed)?;
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt).map_err(failed)?;
    let passwords = super::password::Passwords::of(password);
    Ok(file(&safes, Some(&mac(&safes, &passwords.wide[0], &salt)?)))
}

/// The parts of a file, its `AuthenticatedSafe`: certificates in one, each key in its own bag.
pub(crate) fn safes(
    contents: &Contents<'_>,
    encrypt: &mut dyn FnMut(&[u8]) -> Result<Encrypted, Unspecified>,
) -> Result<Vec<u8>, Unspecified> {
    let bag = |name, value: &[u8]| asn1::tlv(SEQUENCE, &[&asn1::object_identifier(name), &asn1::tlv(CONTEXT_0, &[value])]);
    let certificates: Vec<Vec<u8>> =
        contents.certificates.iter().map(|der| bag(names::CERTIFICATE_BAG, &certificate(der))).collect();
    let encrypted = encrypt(&joined(&certificates))?;
    let info = asn1::tlv(
        SEQUENCE,
        &[&asn1::object_identifier(oid::DATA), &encrypted.algorithm, &asn1::tlv(CONTEXT_0 & !0x20, &[&encrypted.data])],
    );
    let data = asn1::tlv(SEQUENCE, &[&asn1::tlv(INTEGER, &[&[0]]), &info]);
    let certificates = content_info(names::ENCRYPTED_DATA, &data);
    let mut keys = Vec::new();
    for key in contents.keys {
        let encrypted = encrypt(key)?;
        let value = asn1::tlv(SEQUENCE, &[&encrypted.algorithm, &asn1::tlv(OCTET_STRING, &[&encrypted.data])]);
        keys.push(bag(names::SHROUDED_KEY_BAG, &value));
    }
    let keys = content_info(oid::DATA, &asn1::tlv(OCTET_STRING, &[&joined(&keys)]));
    Ok(joined(&[certificates, keys]))
}

/// The whole file around its parts.
pub(crate) fn file(safes: &[u8], mac: Option<&[u8]>) -> Vec<u8> {
    let content = content_info(oid::DATA, &asn1::tlv(OCTET_STRING, &[safes]));
    asn1::tlv(SEQUENCE, &[&asn1::tlv(INTEGER, &[&[3]]), &content, mac.unwrap_or_default()])
}

/// `MacData` over the parts: HMAC with SHA-256. `password` is a BMPString (RFC 7292 B.1).
pub(crate) fn mac(safes: &[u8], password: &[u8], salt: &[u8]) -> Result<Vec<u8>, Error> {
    let kdf = Kdf::pkcs12(&aws_lc_rs::digest::SHA256, salt, NonZeroU32::from(ITERATIONS))?;
    let key = kdf.derive(Purpose::Integrity, password, 32)?;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), safes);
    let algorithm = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(oid::SHA256), &asn1::tlv(NULL, &[])]);
    let info = asn1::tlv(SEQUENCE, &[&algorithm, &asn1::tlv(OCTET_STRING, &[tag.as_ref()])]);
    Ok(asn1::tlv(SEQUENCE, &[&info, &asn1::tlv(OCTET_STRING, &[salt]), &number(ITERATIONS.get())]))
}

/// PBES2 (RFC 8018 6.2) with AES-256 in CBC mode and PBKDF2 on SHA-256.
fn encrypt(plain: &[u8], password: &str) -> Result<Encrypted, Unspecified> {
    let mut salt = [0; SALT_BYTES];
    rand::fill(&mut salt)?;
    let mut key = [0; 32];
    let rounds = NonZeroU32::from(ITERATIONS);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, password.as_bytes(), &mut key);
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, &key)?)?;
    let mut data = plain.to_vec();
    let DecryptionContext::Iv128(vector) = key.encrypt(&mut data)? else { return Err(Unspecified) };
    let prf = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(names::HMAC_SHA256), &asn1::tlv(NULL, &[])]);
    let derivation = asn1::tlv(SEQUENCE, &[&asn1::tlv(OCTET_STRING, &[&salt]), &number(ITERATIONS.get()), &prf]);
    Ok(Encrypted { algorithm: pbes2(names::PBKDF2, &derivation, names::AES_256_CBC, vector.as_ref()), data })
}

/// The `AlgorithmIdentifier` of PBES2.
pub(crate) fn pbes2(kdf: ObjectIdentifier, parameters: &[u8], cipher: ObjectIdentifier, vector: &[u8]) -> Vec<u8> {
    let derivation = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(kdf), parameters]);
    let encryption = asn1::tlv(SEQUENCE, &[&asn1::object_identifier(cipher), &asn1::tlv(OCTET_STRING, &[vector])]);
    let schemes = asn1::tlv(SEQUENCE, &[&derivation, &encryption]);
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(names::PBES2), &schemes])
}

/// A number that DER writes in two bytes without a leading zero or sign.
fn number(number: u16) -> Vec<u8> {
    asn1::tlv(INTEGER, &[&number.to_be_bytes()])
}

fn certificate(der: &[u8]) -> Vec<u8> {
    let value = asn1::tlv(CONTEXT_0, &[&asn1::tlv(OCTET_STRING, &[der])]);
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(names::X509_CERTIFICATE), &value])
}

fn content_info(kind: ObjectIdentifier, content: &[u8]) -> Vec<u8> {
    asn1::tlv(SEQUENCE, &[&asn1::object_identifier(kind), &asn1::tlv(CONTEXT_0, &[content])])
}

fn joined(elements: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    asn1::tlv(SEQUENCE, &parts)
}
