//! A certificate to which samples are encrypted.

use std::fmt;

use aws_lc_rs::agreement::{self, ParsedPublicKey, UnparsedPublicKey};
use aws_lc_rs::digest;
use aws_lc_rs::rsa::PublicEncryptingKey;
use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use der::asn1::ObjectIdentifier;
use serde::Serialize;

use super::{Error, MAX_FILE_BYTES};
use crate::algorithms;
use crate::asn1::{self, SEQUENCE, oid};
use crate::pem;
use crate::x509::Certificate;

/// How many days before its end a certificate is said to end soon.
pub const ENDS_SOON_DAYS: i64 = 60;

/// The shortest RSA key, in bits: samples are to stay secret for decades (ETSI TS 119 312, NIST SP 800-57).
const MIN_RSA_BITS: usize = 3072;

/// What a certificate says, for the evidence and for configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Common name, or the whole name.
    pub subject: String,
    /// Common name, or the whole name.
    pub issuer: String,
    /// Lower-case hexadecimal.
    pub serial: String,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    pub sha256: String,
    /// "RSA-3072", "P-256", "P-384" and the like.
    pub key: String,
}

/// Whether a certificate is valid at some time. An expired one still encrypts: the sample is worth keeping, and the evidence says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    NotYet,
    Valid,
    /// Ends within [`ENDS_SOON_DAYS`]; whole days that are left.
    EndsSoon {
        days: i64,
    },
    Expired,
}

impl Facts {
    /// The validity at `now`.
    pub fn validity(&self, now: DateTime<Utc>) -> Validity {
        if now < self.not_before {
            return Validity::NotYet;
        }
        if now > self.not_after {
            return Validity::Expired;
        }
        match (self.not_after - now).num_days() {
            days if days < ENDS_SOON_DAYS => Validity::EndsSoon { days },
            _ => Validity::Valid,
        }
    }
}

/// NIST's curves for escrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(super) fn of(curve: ObjectIdentifier) -> Option<Self> {
        match curve {
            oid::P256 => Some(Self::P256),
            oid::P384 => Some(Self::P384),
            _ => None,
        }
    }

    pub(super) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::P256 => oid::P256,
            Self::P384 => oid::P384,
        }
    }

    pub(super) fn agreement(self) -> &'static agreement::Algorithm {
        match self {
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
        }
    }

    /// The key derivation whose digest is as strong as the curve (RFC 5753 7.1.4).
    pub(super) fn derivation(self) -> (ObjectIdentifier, &'static digest::Algorithm) {
        match self {
            Self::P256 => (oid::ECDH_SHA256_KDF, &digest::SHA256),
            Self::P384 => (oid::ECDH_SHA384_KDF, &digest::SHA384),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }
}

/// A key to which the content's key is encrypted.
#[derive(Clone)]
pub(super) enum Key {
    Rsa(PublicEncryptingKey),
    /// The point as the certificate has it, which was checked to be on the curve.
    Ec(Curve, Vec<u8>),
}

/// A certificate to which samples are encrypted. Only its holder has the private key.
#[derive(Clone)]
pub struct Recipient {
    certificate: Certificate,
    pub(super) key: Key,
    facts: Facts,
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recipient").field(&self.facts).finish()
    }
}

impl Recipient {
    /// Reads a certificate in PEM or DER, one in the file, and whether its key and its key usage fit: RSA of 3072 to 8192 bits with
    /// keyEncipherment, or P-256 or P-384 with keyAgreement (RFC 5280 4.2.1.3; a certificate without key usage allows both).
    ///
    /// Its validity is not judged here, as only the caller knows the time: see [`Facts::validity`]. Neither is who issued it: it is
    /// trusted because somebody configured it.
    ///
    /// # Errors
    /// [`Error::NotACertificate`], [`Error::SeveralCertificates`], [`Error::UnfitCertificate`].
    pub fn read(pem_or_der: &[u8]) -> Result<Self, Error> {
        let certificate = read_certificate(pem_or_der)?;
        let subject = certificate.subject_text();
        let (key, name) = match public_key(&certificate) {
            Ok(found) => found,
            Err(reason) => return Err(Error::UnfitCertificate { subject, reason }),
        };
        let facts = Facts {
            subject,
            issuer: certificate.issuer_text(),
            serial: serial_text(certificate.serial_number()),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            sha256: HEXLOWER.encode(&certificate.sha256()),
            key: name,
        };
        Ok(Self { certificate, key, facts })
    }

    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The certificate's DER.
    pub fn der(&self) -> &[u8] {
        self.certificate.der()
    }

    /// Whether an envelope names this certificate: by the DER of its issuer and the content of its serial number.
    pub(super) fn is_named(&self, issuer: &[u8], serial: &[u8]) -> bool {
        self.certificate.issuer() == issuer && self.certificate.serial() == asn1::tlv(asn1::INTEGER, &[serial])
    }

    /// `IssuerAndSerialNumber` (RFC 5652 10.2.4).
    pub(super) fn issuer_and_serial(&self) -> Vec<u8> {
        asn1::tlv(SEQUENCE, &[self.certificate.issuer(), self.certificate.serial()])
    }
}

/// A serial number in hexadecimal, without the zero that DER puts before a first bit that is set.
pub(super) fn serial_text(serial: &[u8]) -> String {
    match serial {
        [0, rest @ ..] if !rest.is_empty() => HEXLOWER.encode(rest),
        _ => HEXLOWER.encode(serial),
    }
}

fn read_certificate(file: &[u8]) -> Result<Certificate, Error> {
    if file.len() > MAX_FILE_BYTES {
        return Err(Error::NotACertificate);
    }
    let Some(blocks) = pem::blocks(file).map_err(|_| Error::NotACertificate)? else {
        return Certificate::from_der(file).map_err(|_| Error::NotACertificate);
    };
    let certificates: Vec<_> = blocks.iter().filter(|block| block.label == "CERTIFICATE").collect();
    match certificates[..] {
        [] => Err(Error::NotACertificate),
        [one] => Certificate::from_der(&one.der).map_err(|_| Error::NotACertificate),
        _ => Err(Error::SeveralCertificates(certificates.len())),
    }
}

/// The certificate's key and its name, or why it does not fit.
fn public_key(certificate: &Certificate) -> Result<(Key, String), String> {
    const FITTING: &str = "escrow needs RSA of 3072 to 8192 bits, or P-256 or P-384";
    let unreadable = || format!("its public key cannot be read; {FITTING}");
    let key = certificate.public_key().map_err(|_| unreadable())?;
    let usage = certificate.key_usage();
    match key.algorithm.oid {
        oid::RSA_ENCRYPTION => {
            let read = PublicEncryptingKey::from_der(certificate.public_key_der()).map_err(|_| unreadable())?;
            let bits = read.key_size_bits();
            if bits < MIN_RSA_BITS {
                return Err(format!("its RSA key has {bits} bits; {FITTING}"));
            }
            if usage.is_some_and(|usage| !usage.key_encipherment()) {
                return Err("its key usage does not allow keyEncipherment".to_owned());
            }
            Ok((Key::Rsa(read), format!("RSA-{bits}")))
        }
        oid::EC_PUBLIC_KEY => {
            let named = key.algorithm.parameters_oid().map_err(|_| unreadable())?;
            let curve = Curve::of(named).ok_or_else(|| format!("its key is on {}; {FITTING}", algorithms::curve_name(named)))?;
            let point = certificate.public_key_bits().ok_or_else(unreadable)?.to_vec();
            // That the point is on the curve.
            ParsedPublicKey::try_from(UnparsedPublicKey::new(curve.agreement(), &point)).map_err(|_| unreadable())?;
            if usage.is_some_and(|usage| !usage.key_agreement()) {
                return Err("its key usage does not allow keyAgreement".to_owned());
            }
            Ok((Key::Ec(curve, point), curve.name().to_owned()))
        }
        other => Err(format!("its key is of the kind {other}; {FITTING}")),
    }
}
