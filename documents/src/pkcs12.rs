//! A tenant's key file (PKCS #12, RFC 7292): opened once, then used to seal many documents.
//!
//! Neither the private key nor the password ever leaves this module; `Debug` shows the certificate's name only.

mod archive;
mod choice;
mod cipher;
pub mod doctor;
mod kdf;
mod key;
mod names;
mod password;
pub(crate) mod writer;

use std::fmt;

use chrono::{DateTime, Datelike, Utc};
use data_encoding::HEXLOWER;
use der::oid::ObjectIdentifier;
use serde::Serialize;

use crate::asn1::oid;
use crate::x509::Certificate;
use archive::Archive;
use choice::Candidate;
use key::Key;

/// The largest key file that is read, in bytes. Real ones have a few kilobytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The longest password, in bytes of UTF-8.
pub const MAX_PASSWORD_BYTES: usize = 4096;

/// Why a key file cannot be used. No text holds anything secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the password does not open this PKCS#12 file")]
    WrongPassword,
    #[error("this is not a PKCS#12 file")]
    NotPkcs12,
    #[error("the PKCS#12 file holds no private key")]
    NoPrivateKey,
    /// Opening it would cost more than one file may.
    #[error("the PKCS#12 file is not opened: {0}; export it again with the usual settings")]
    TooExpensive(String),
    /// The usable certificate, or one above it that came with it, has ended.
    #[error("the PKCS#12 file cannot be used: the certificate \"{certificate}\" has expired (on {})", .ended.date_naive())]
    Expired { certificate: String, ended: DateTime<Utc> },
    /// The usable certificate, or one above it that came with it, has not begun.
    #[error("the PKCS#12 file cannot be used: the certificate \"{certificate}\" is not valid yet (only from {})", .begins.date_naive())]
    NotYetValid { certificate: String, begins: DateTime<Utc> },
    #[error("the PKCS#12 file cannot be used: {0}")]
    Unsupported(String),
}

fn unreadable() -> Error {
    Error::Unsupported("its content cannot be read".to_owned())
}

fn unsupported(what: &str, algorithm: ObjectIdentifier) -> Error {
    Error::Unsupported(format!("its {what} ({algorithm}) is not known here; export it again with AES-256 and SHA-256"))
}

/// What a certificate says of its holder and its validity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Common name, or the whole name.
    pub subject: String,
    pub common_name: Option<String>,
    pub organization: Option<String>,
    pub organizational_unit: Option<String>,
    /// The issuer's common name, or its whole name.
    pub issuer: String,
    /// Lower-case hexadecimal.
    pub serial: String,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
    /// SHA-256 of the certificate's DER, lower-case hexadecimal.
    pub fingerprint: String,
}

impl Facts {
    pub(crate) fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject_text(),
            common_name: certificate.subject_attribute(oid::COMMON_NAME),
            organization: certificate.subject_attribute(oid::ORGANIZATION),
            organizational_unit: certificate.subject_attribute(oid::ORGANIZATIONAL_UNIT),
            issuer: certificate.issuer_text(),
            serial: HEXLOWER.encode(certificate.serial_number()),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            fingerprint: HEXLOWER.encode(&certificate.sha256()),
        }
    }
}

/// An opened key file: private key, its certificate, and the chain above it.
pub struct Identity {
    key: Key,
    /// The leaf first, then each issuer of the one before, as far as the file has them.
    chain: Vec<Certificate>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("subject", &self.chain[0].subject_text()).finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens a PKCS #12 file and takes what is usable at `now` of its keys and certificates.
    ///
    /// The file may be in DER or BER, old (RC2, 3DES, SHA-1) or new (PBES2 with AES or 3DES, PBKDF2 or scrypt, PBMAC1). The key
    /// has to be RSA of at least 2048 bits (ETSI TS 119 312), ECDSA on P-256, P-384 or P-521, or Ed25519 (RFC 8419, ISO/TS
    /// 32002; poppler's pdfsig cannot verify those yet). Its certificate, and each above it in the file but a root, has to be valid at
    /// `now`, and its key usages have to allow signatures on documents.
    ///
    /// Key derivation takes milliseconds; what a file may ask for is bounded in sum (4,000,000 iterations, about a second, and
    /// 64 MB), and a file that asks for more is refused before anything is derived. Open once and keep the identity;
    /// [`check`](Self::check) tells whether it is still usable.
    ///
    /// # Errors
    /// [`Error`]; of several candidates the reason of the one that came closest. None of its texts holds anything secret.
    pub fn open(bytes: &[u8], password: &str, now: DateTime<Utc>) -> Result<Self, Error> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Error::Unsupported(format!("it is larger than {MAX_FILE_BYTES} bytes")));
        }
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(Error::WrongPassword);
        }
        let archive = archive::open(bytes, password)?;
        let Candidate { key, chain } = choice::choose(&archive, now)?;
        Ok(Self { key, chain })
    }

    /// Whether the certificate, and each above it in the file but a root, is valid at `now`.
    ///
    /// # Errors
    /// [`Error::Expired`], [`Error::NotYetValid`].
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), Error> {
        choice::check_chain(&self.chain, now)
    }

    /// What the certificate says.
    pub fn facts(&self) -> Facts {
        Facts::of(&self.chain[0])
    }

    /// What the certificates above it in the file say: its issuer first, as far as the file has them.
    pub fn issuers(&self) -> impl Iterator<Item = Facts> {
        self.chain.iter().skip(1).map(Facts::of)
    }

    /// The certificates' DER: the leaf first, then its issuers as far as the file has them. Nothing in it is secret.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(Certificate::der)
    }

    pub(crate) fn leaf(&self) -> &Certificate {
        &self.chain[0]
    }

    /// The digest of the CMS and of its attributes: as strong as the key.
    pub(crate) fn digest_oid(&self) -> ObjectIdentifier {
        self.key.digest_oid()
    }

    /// The DER of the signature's `AlgorithmIdentifier`.
    pub(crate) fn signature_algorithm(&self) -> Vec<u8> {
        self.key.signature_algorithm()
    }

    /// Signs `message` (not a digest of it).
    ///
    /// # Errors
    /// Only where the library cannot compute: no memory, no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, aws_lc_rs::error::Unspecified> {
        self.key.sign(message)
    }

    /// Makes a certificate authority of its own and a leaf under it (P-256, digitalSignature and nonRepudiation, two years)
    /// as a PKCS #12 file under `password`: for the first start and for tests. Nobody else trusts it.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where a name cannot be encoded, or nothing can be computed.
    pub fn development(common_name: &str, organization: &str, now: DateTime<Utc>, password: &str) -> Result<Vec<u8>, Error> {
        let failed = |what: &dyn fmt::Display| Error::Unsupported(format!("development certificate: {what}"));
        let authority_name = format!("{organization} development CA");
        let authority_params = development_params(&authority_name, organization, now, true);
        let authority_key = rcgen::KeyPair::generate().map_err(|e| failed(&e))?;
        let authority = authority_params.self_signed(&authority_key).map_err(|e| failed(&e))?;
        let issuer = rcgen::Issuer::new(authority_params, authority_key);
        let leaf_key = rcgen::KeyPair::generate().map_err(|e| failed(&e))?;
        let leaf =
            development_params(common_name, organization, now, false).signed_by(&leaf_key, &issuer).map_err(|e| failed(&e))?;
        let contents = writer::Contents {
            keys: &[leaf_key.serialized_der()],
            certificates: &[leaf.der().as_ref(), authority.der().as_ref()],
        };
        writer::write(&contents, password)
    }
}

fn development_params(name: &str, organization: &str, now: DateTime<Utc>, authority: bool) -> rcgen::CertificateParams {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.distinguished_name.push(rcgen::DnType::OrganizationName, organization);
    // From yesterday, so that a clock that is a little behind does not reject it; days up to 28 exist in every month.
    let yesterday = now - chrono::Duration::days(1);
    let day = yesterday.day().min(28) as u8;
    let date = |years: i32| rcgen::date_time_ymd(yesterday.year() + years, yesterday.month() as u8, day);
    params.not_before = date(0);
    params.not_after = if authority { date(10) } else { date(2) };
    params.use_authority_key_identifier_extension = true;
    if authority {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    } else {
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature, rcgen::KeyUsagePurpose::ContentCommitment];
    }
    params
}

#[cfg(test)]
impl Identity {
    /// An identity with a key of this kind, and its root, for tests of other modules.
    pub(crate) fn of_kind(kind: &'static rcgen::SignatureAlgorithm, now: DateTime<Utc>) -> (Self, Vec<u8>) {
        tests::identity_of_kind(kind, now)
    }
}

#[cfg(test)]
mod tests;
