//! Escrow of biometric samples: encrypted to one to three certificates, so that only their holders can read them.
//!
//! The form is CMS, so that a holder needs no program of ours: `AuthEnvelopedData` (RFC 5083) with AES-256 in GCM, or `EnvelopedData`
//! (RFC 5652) with AES-256 in CBC for holders whose programs cannot read GCM. Recipients are named by issuer and serial number. RSA keys
//! (from 3072 bits) get the content key by OAEP with SHA-256; keys on P-256 and P-384 by an ephemeral key, the key derivation of ANSI X9.63
//! and AES-256 key wrap (RFC 5753). The content type is `id-data` and there are no authenticated attributes, as OpenSSL cannot read them:
//! what ties a sample to its act of signing is inside what is encrypted.
//!
//! What encrypts never holds a private key. Whoever has a certificate can make an envelope, so an envelope proves nothing about who made
//! it: the seal over the PDF that holds it does.

mod envelope;
mod holder_key;
mod open;
mod pair;
mod recipient;
mod seal;

use serde::{Deserialize, Serialize};

pub use open::{Holder, content_encryption, holders, open};
pub use pair::{Kind, Pair, new_pair};
pub use recipient::{ENDS_SOON_DAYS, Facts, Recipient, Validity};
pub use seal::seal;

/// The maximum of recipients of an envelope.
pub const MAX_RECIPIENTS: usize = 3;

/// The largest envelope that is read, in bytes: the largest that a signature holds.
pub const MAX_ENVELOPE_BYTES: usize = crate::handwriting::MAX_ENVELOPE_BYTES;

/// The largest content that is encrypted, in bytes: what is around it, for three recipients, has less than the difference.
pub const MAX_CONTENT_BYTES: usize = MAX_ENVELOPE_BYTES - 16 * 1024;

/// The largest file with a certificate or a key that is read, in bytes.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// How the content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ContentEncryption {
    /// Authenticated: a changed bit is found when it is opened.
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// Not authenticated: changes are found by the hashes inside and by the seal around only. For holders whose programs cannot read GCM
    /// (.NET, LibreSSL).
    #[serde(rename = "aes-256-cbc")]
    Aes256Cbc,
}

impl ContentEncryption {
    /// The name as configured.
    pub fn name(self) -> &'static str {
        match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Aes256Cbc => "aes-256-cbc",
        }
    }
}

/// Why a certificate cannot be used, or an envelope cannot be made or opened. No text holds anything secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("this is not a certificate in PEM or DER")]
    NotACertificate,
    #[error("there are {0} certificates in it: give one at a time")]
    SeveralCertificates(usize),
    /// Its key or what it may be used for does not fit.
    #[error("the certificate \"{subject}\" cannot be used for escrow: {reason}")]
    UnfitCertificate { subject: String, reason: String },
    #[error("an envelope needs one to {MAX_RECIPIENTS} different certificates, and {0} were given")]
    Recipients(usize),
    #[error("the content has more than {MAX_CONTENT_BYTES} bytes")]
    TooLarge,
    #[error("this is not an envelope: {0}")]
    NotAnEnvelope(&'static str),
    #[error("the envelope is encrypted in a way that is not known here ({0}): open it with \"openssl cms -decrypt\"")]
    UnknownAlgorithm(String),
    /// It is encrypted to others.
    #[error("the envelope is not for this certificate; it is for {0}")]
    NotARecipient(String),
    #[error("the private key cannot be read: {0}")]
    UnreadableKey(&'static str),
    #[error("the private key is not that of the certificate")]
    WrongKey,
    /// Or made with another key under the name of this certificate: it cannot be told.
    #[error("the envelope was changed or is damaged: its content does not open with this key")]
    Damaged,
    #[error("it could not be computed: no memory or no randomness")]
    Failed,
}

impl From<aws_lc_rs::error::Unspecified> for Error {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Failed
    }
}

#[cfg(test)]
mod tests;
