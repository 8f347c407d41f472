//! What is encrypted to the escrow holder: the sample, and what ties it to its act of signing (`rubrica-biometric-1`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::figures::Figures;

/// The format's name in the record, and no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum RecordFormat {
    #[default]
    #[serde(rename = "rubrica-biometric-1")]
    V1,
}

const FORMAT: &str = "rubrica-biometric-1";

/// The largest record that is read, in bytes: a sample of the maximum length in base64, and room for the rest.
const MAX_BYTES: usize = 1024 * 1024;

/// A document as the signer saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownDocument {
    pub id: String,
    /// SHA-256 of the bytes shown, in lower-case hexadecimal. They are the beginning of the sealed file.
    pub sha256: String,
}

/// What the signature was captured with, as the client says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Device {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// The sample as it was sent. It is wiped when it is dropped, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleBytes {
    /// [`Sample::format`](crate::Sample::format).
    #[serde(rename = "type")]
    pub format: String,
    /// The bytes of the string as it was sent.
    base64: String,
}

impl SampleBytes {
    pub fn new(format: &str, bytes: &[u8]) -> Self {
        // As long as it will be: nothing of it is left behind where it grows.
        let mut base64 = String::with_capacity(bytes.len().div_ceil(3) * 4);
        STANDARD.encode_string(bytes, &mut base64);
        Self { format: format.to_owned(), base64 }
    }

    /// The bytes of the string as it was sent.
    ///
    /// # Errors
    /// [`RecordError::Sample`] if they are not base64.
    pub fn bytes(&self) -> Result<Zeroizing<Vec<u8>>, RecordError> {
        STANDARD.decode(&self.base64).map(Zeroizing::new).map_err(|_| RecordError::Sample)
    }
}

impl Drop for SampleBytes {
    fn drop(&mut self) {
        self.base64.zeroize();
    }
}

impl fmt::Debug for SampleBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SampleBytes").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Why bytes are not a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    #[error("this is not a record of a biometric signature ({FORMAT})")]
    NotARecord,
    #[error("this record of a biometric signature is of a version that is not known here; {FORMAT} is")]
    OtherVersion,
    #[error("the sample in the record is not base64")]
    Sample,
}

/// A biometric signature as it is encrypted: one record for all documents that one act signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub format: RecordFormat,
    pub organization: String,
    pub process_id: String,
    pub sign_id: String,
    /// The signer's alias in the process.
    pub signer: String,
    /// When the server took the signature: RFC 3339.
    pub captured_at: String,
    pub documents: Vec<ShownDocument>,
    #[serde(default)]
    pub device: Device,
    /// None where the sample could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
    /// [`Verdict::marks`](crate::Verdict::marks).
    #[serde(default)]
    pub marks: Vec<String>,
    /// SHA-256 of the string as it was sent, in lower-case hexadecimal.
    pub sample_sha256: String,
    pub sample: SampleBytes,
}

impl Record {
    /// The record's JSON: what is encrypted.
    pub fn to_json(&self) -> Zeroizing<Vec<u8>> {
        // All but the sample is bounded by what a request may have; where it is larger after all, the buffer grows.
        let mut json = Zeroizing::new(Vec::with_capacity(self.sample.base64.len() + 64 * 1024));
        serde_json::to_writer(&mut *json, self).expect("strings, numbers and lists of them have a form in JSON");
        json
    }

    /// Reads a record. Members that are not known here do not matter.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn from_json(json: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Format<'a> {
            format: std::borrow::Cow<'a, str>,
        }
        if json.len() > MAX_BYTES {
            return Err(RecordError::NotARecord);
        }
        let Format { format } = serde_json::from_slice(json).map_err(|_| RecordError::NotARecord)?;
        match &*format {
            FORMAT => serde_json::from_slice(json).map_err(|_| RecordError::NotARecord),
            other if other.starts_with("rubrica-biometric-") => Err(RecordError::OtherVersion),
            _ => Err(RecordError::NotARecord),
        }
    }
}

#[cfg(test)]
mod tests;
