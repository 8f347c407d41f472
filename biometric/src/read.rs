//! The formats of `biometric_data`, told apart by their first characters.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::capture::{Broken, Capture};
use crate::iso;
use crate::strokes::{self, Found, OURS};

/// The longest `biometric_data`, in characters as sent (300 kB in the contract; note size-units).
pub const MAX_CHARACTERS: usize = 307_200;

/// The base64 of "SDI", a zero and the space that begins the version of an ISO record.
const ISO_BEGIN: &str = "U0RJAC";
/// The base64 of a SEQUENCE of 128 bytes or more.
const SEQUENCE_BEGIN: &str = "MI";

/// Base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What is wrong with `biometric_data`. Its words are for the page that sent it; they begin in lower case and hold no value of the sample.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The figure or member that is wrong, for `details`.
    pub what: &'static str,
    pub message: String,
}

impl From<Broken> for Problem {
    fn from(Broken { what, message }: Broken) -> Self {
        Self { what, message }
    }
}

fn problem(what: &'static str, message: impl Into<String>) -> Problem {
    Problem { what, message: message.into() }
}

/// `biometric_data`, as far as it can be understood.
#[derive(Debug)]
pub enum Sample {
    /// Our own strokes.
    Strokes(Capture),
    /// What `toData()` of szimek's `signature_pad` gives.
    SignaturePad(Capture),
    /// A record by ISO/IEC 19794-7:2007, full format.
    Iso(Capture),
    /// A CMS that the client itself has encrypted: kept as it is, and not inspected.
    Encrypted,
    /// Anything else: kept as it is.
    Unknown,
}

impl Sample {
    /// The name of the format, for the evidence and for the type of the sample in its [`Record`](crate::Record).
    pub fn format(&self) -> &'static str {
        match self {
            Self::Strokes(_) => OURS,
            Self::SignaturePad(_) => "signature-pad",
            Self::Iso(_) => "iso-19794-7-2007",
            Self::Encrypted => "cms",
            Self::Unknown => "unknown",
        }
    }

    /// The capture, where the format could be read.
    pub fn capture(&self) -> Option<&Capture> {
        match self {
            Self::Strokes(capture) | Self::SignaturePad(capture) | Self::Iso(capture) => Some(capture),
            Self::Encrypted | Self::Unknown => None,
        }
    }

    /// What the check for repeated samples compares: the shape of a capture, or the text itself where it could not be read. `data` is
    /// what this was read from. It is the sample in clear: give it to an HMAC and to nothing else.
    pub fn replay_shape(&self, data: &str) -> Zeroizing<Vec<u8>> {
        // The kind goes first, so that no text equals a shape.
        let (kind, shape) = match self.capture() {
            Some(capture) => (1, capture.shape()),
            None => (0, Zeroizing::new(data.trim().as_bytes().to_vec())),
        };
        let mut all = Zeroizing::new(Vec::with_capacity(1 + shape.len()));
        all.push(kind);
        all.extend_from_slice(&shape);
        all
    }
}

/// Reads `biometric_data`. White space around it does not matter. The bytes to keep are those of `data` itself.
///
/// # Errors
/// It is empty or longer than [`MAX_CHARACTERS`]; or it begins as a format that is known here and is not what it says.
pub fn read(data: &str) -> Result<Sample, Problem> {
    if data.len() > MAX_CHARACTERS {
        let message =
            format!("biometric_data may have at most {MAX_CHARACTERS} characters: send fewer points, or rubrica-strokes-1");
        return Err(problem("biometric_data", message));
    }
    let text = data.trim();
    if text.is_empty() {
        return Err(problem("biometric_data", "biometric_data is empty: send the captured signature"));
    }
    if text.starts_with('{') {
        return Ok(match strokes::read_ours(text)? {
            Found::Capture(capture) => Sample::Strokes(capture),
            Found::NotOurs => Sample::Unknown,
        });
    }
    if text.starts_with('[') {
        return Ok(match strokes::read_signature_pad(text)? {
            Found::Capture(capture) => Sample::SignaturePad(capture),
            Found::NotOurs => Sample::Unknown,
        });
    }
    if text.starts_with(ISO_BEGIN) {
        let bytes = decoded(text)
            .ok_or_else(|| problem("biometric_data", "it begins as an ISO/IEC 19794-7 record and is not base64 to its end"))?;
        let record = iso::Record::decode(&bytes).map_err(|error| problem("biometric_data", error.to_string()))?;
        return Ok(Sample::Iso(record.to_capture()?));
    }
    let encrypted = text.starts_with(SEQUENCE_BEGIN) && decoded(text).is_some_and(|bytes| is_enveloped(&bytes));
    Ok(if encrypted { Sample::Encrypted } else { Sample::Unknown })
}

/// The bytes of an ISO record that was sent as `data`; none where that is no base64.
pub fn iso_bytes(data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    decoded(std::str::from_utf8(data).ok()?.trim())
}

/// The bytes of a text in base64, which may be broken into lines.
fn decoded(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    if !text.contains(|c: char| c.is_ascii_whitespace()) {
        return BASE64.decode(text).ok().map(Zeroizing::new);
    }
    let mut compact = Zeroizing::new(String::with_capacity(text.len()));
    compact.extend(text.split_ascii_whitespace());
    BASE64.decode(compact.as_bytes()).ok().map(Zeroizing::new)
}

/// Whether `bytes` begin as a CMS `ContentInfo` with `AuthEnvelopedData` (RFC 5083) or `EnvelopedData` (RFC 5652) in it.
fn is_enveloped(bytes: &[u8]) -> bool {
    const AUTH_ENVELOPED_DATA: &[u8] = &[0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17];
    const ENVELOPED_DATA: &[u8] = &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
    // A SEQUENCE whose length takes up to four further bytes, or is indefinite.
    let [0x30, length @ 0x80..=0x84, rest @ ..] = bytes else { return false };
    let content = rest.get(usize::from(length - 0x80)..).unwrap_or_default();
    content.starts_with(AUTH_ENVELOPED_DATA) || content.starts_with(ENVELOPED_DATA)
}

#[cfg(test)]
mod tests;
