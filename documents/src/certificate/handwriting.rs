//! What a certificate holds of signatures by hand.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A signature by hand: by what it can be recognized, how good the capture was, and who can open it. Never the sample itself: that is in
/// the envelope, which only its holders open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handwriting {
    /// What the client sent: `rubrica-strokes-1`, `signature-pad`, `iso-19794-7-2007`, `cms` (encrypted by the client, not inspected) or
    /// `unknown`.
    pub format: String,
    /// What wrote, as the client said it: `pen`, `touch` or `mouse`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// False where the sample has no pressure, or always the same; absent where it was not inspected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_pressure: Option<bool>,
    /// Measures of the capture, in the order in which they are shown. None where it was not inspected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    /// What is poor, but not so poor that the capture was rejected, e.g. `low_rate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// Names of figures for which the capture would have been rejected, and which an agent let pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
    /// Who let them pass, as the organization names the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden_by: Option<String>,
    /// The string with the sample, as the client sent it.
    pub sample: Fingerprint,
    /// The picture of the signature, as the client sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Fingerprint>,
    /// The envelope that is embedded in each signed document: the sample, encrypted.
    pub envelope: Fingerprint,
    /// How the content of the envelope is encrypted: `AES-256-GCM` or `AES-256-CBC`.
    pub content_encryption: String,
    /// Whose keys open the envelope.
    pub holders: Vec<Holder>,
}

/// One measure of a signature by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, e.g. `duration` or `speed_variation`.
    pub name: String,
    /// In decimals.
    pub value: String,
    /// As it is written: `s`, `Hz`, `px`, `%`, `rad`. Absent for numbers without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// By what bytes can be recognized.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// In bytes.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// The holder of a key that opens an envelope, as its certificate names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub subject: String,
    pub issuer: String,
    /// Lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the certificate's DER form, lower-case hexadecimal.
    pub sha256: String,
    pub not_after: DateTime<Utc>,
    /// Whether the certificate had expired when the envelope was made. The key opens it all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub expired: bool,
}
