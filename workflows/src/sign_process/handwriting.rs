//! What is known of a signature by hand: facts that may stand in a journal in clear. The sample itself is never among them.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A signature by hand, as it is journaled and shown in the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handwriting {
    /// What the sample is, as its beginning tells: `rubrica-strokes-1`, `signature-pad`, `iso-19794-7-2007`, `cms` (encrypted by the client, not
    /// inspected) or `unknown`.
    pub format: String,
    /// With what it was written, where the sample says so: `pen`, `touch` or `mouse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Whether pressure was measured; absent where the sample was not inspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_pressure: Option<bool>,
    /// The figures of its quality; none where the sample was not inspected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// Names of figures that are poor and kept nobody from signing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// An agent accepted it though its quality was too low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// The sample as it was sent.
    pub sample: Fingerprint,
    /// The picture of the signature as it was sent, decoded from base64.
    pub image: Fingerprint,
    /// The encrypted sample, which is embedded in every document of the process.
    pub envelope: Fingerprint,
    /// How the content of the envelope is encrypted: `AES-256-GCM` or `AES-256-CBC`.
    pub content_encryption: String,
    /// Those who can open the envelope, at least one.
    pub holders: Vec<Holder>,
    /// Digest of the sealed file that holds envelope, ink and picture until the documents are sealed.
    pub file: String,
}

/// One figure of a capture's quality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    pub name: String,
    /// In decimals; a text, so that it reads back as it was.
    pub value: String,
    /// `s`, `Hz`, `px`, `%`, `rad`; absent for numbers without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// An agent's word for a handwriting that the checks of its quality reject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Identifier of the agent.
    pub by: String,
    /// Names of the figures that were too low.
    pub figures: Vec<String>,
}

/// By what bytes can be recognized.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// In bytes.
    pub size: u64,
    /// In hex.
    pub sha256: String,
}

/// An escrow certificate to which a sample was encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub subject: String,
    pub issuer: String,
    /// In hex.
    pub serial: String,
    /// SHA-256 of the certificate in hex.
    pub certificate_sha256: String,
    /// When the certificate ends. One that had ended was used all the same, and the evidence says so.
    pub not_after: Timestamp,
}
