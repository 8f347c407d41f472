//! What is known of a signature by hand: facts that may stand in a journal in clear. The sample itself is never among them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A signature by hand, as it is journaled and shown in the evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handwriting {
    /// What the sample is, as its beginning tells: one of our formats, ISO/IEC 19794-7, encrypted by the client, or unknown.
    pub format: String,
    /// SHA-256 of the sample as it was sent, in hex.
    pub sample_sha256: String,
    /// Its length as it was sent, in bytes.
    pub sample_size: u64,
    /// SHA-256 of the picture's bytes as they were sent, in hex.
    pub image_sha256: String,
    /// The figures of its quality by their names; none where the sample could not be read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub figures: BTreeMap<String, f64>,
    /// What is remarkable about it and kept nobody from signing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<String>,
    /// With what it was written, where the sample says so: pen, touch, mouse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointing_device: Option<String>,
    /// An agent accepted it though its quality was too low.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    /// The encrypted sample, which is embedded in every document of the process.
    pub envelope: Envelope,
    /// Digest of the sealed file that holds envelope, ink and picture until the documents are sealed.
    pub file: String,
}

/// An agent's word for a handwriting that the checks of its quality reject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Identifier of the agent.
    pub by: String,
    /// The figures that were too low.
    pub figures: Vec<String>,
}

/// The encrypted sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// SHA-256 in hex.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
    /// Those who can open it, at least one.
    pub holders: Vec<Holder>,
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
    /// When the certificate ends; after that it was used all the same, and the evidence says so.
    pub not_after: Timestamp,
}
