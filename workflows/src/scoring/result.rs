//! What a provider finds in images of an identity document, as it is journaled: no image, no secret, and all of it bounded.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{DocumentType, IdentityDocument};

/// Maximum number of checks, and of extracted values, that are kept of one result.
pub const MAX_FINDINGS: usize = 32;
/// Maximum length of a name of a check, a value or a provider, in bytes.
pub const MAX_NAME: usize = 64;
/// Maximum length of an extracted value, of a note, and of a provider's identifier, in bytes.
pub const MAX_VALUE: usize = 256;

/// How strict the check is (contract `configuration_name`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    Low,
    Medium,
    High,
}

/// Class and issuing country of a document (contract `ScoringDocument`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentClass {
    /// IDENTITY_CARD, NIF, NIE, PASSPORT or another name: the contract's list is open.
    #[serde(rename = "type")]
    pub kind: String,
    /// ISO 3166-1 alpha-2; unknown for a passport of which nobody named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

impl From<&IdentityDocument> for DocumentClass {
    /// A NIF or NIE is Spanish, whatever is said.
    fn from(document: &IdentityDocument) -> Self {
        let (kind, country) = match document.document_type {
            DocumentType::Nif => ("NIF", Some("ES".to_owned())),
            DocumentType::Nie => ("NIE", Some("ES".to_owned())),
            DocumentType::Passport => ("PASSPORT", document.country.clone()),
            DocumentType::IdentityCard => ("IDENTITY_CARD", document.country.clone()),
        };
        Self { kind: kind.to_owned(), country }
    }
}

/// A number from 0 to 1 in ten-thousandths, so that a journal keeps it exactly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ratio(u16);

impl Ratio {
    const ONE: f64 = 10_000.0;

    /// The nearest one; what is no number is 0.
    pub fn new(number: f64) -> Self {
        // NaN becomes 0 in the conversion.
        Self((number.clamp(0.0, 1.0) * Self::ONE).round() as u16)
    }

    pub fn as_f64(self) -> f64 {
        f64::from(self.0).min(Self::ONE) / Self::ONE
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

/// One check (contract `Score`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Its name, e.g. `MRZ_CONTROL_DIGIT`.
    pub score_type: String,
    /// Whether it points to fraud.
    pub is_fraud: bool,
    pub score: Ratio,
    /// What it looked at and what it cannot see; evidence shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a provider found (contract `ScoreResult`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreResult {
    pub global_score: Ratio,
    /// Whether it is good enough for the level that was asked for.
    pub passing: bool,
    /// By name, e.g. `DOCUMENT_NUMBER`; dates as ISO-8601 instants.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extracted_values: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<Score>,
    /// The identifier that the provider gave to the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
}

impl ScoreResult {
    /// What of it is kept. A provider that lies about its sizes must not fill the journal.
    pub(super) fn bounded(mut self) -> Self {
        self.scores.truncate(MAX_FINDINGS);
        for score in &mut self.scores {
            cut(&mut score.score_type, MAX_NAME);
            score.note.iter_mut().for_each(|note| cut(note, MAX_VALUE));
        }
        let values = std::mem::take(&mut self.extracted_values).into_iter().take(MAX_FINDINGS);
        self.extracted_values = values
            .map(|(mut name, mut value)| {
                cut(&mut name, MAX_NAME);
                cut(&mut value, MAX_VALUE);
                (name, value)
            })
            .collect();
        self.provider_id.iter_mut().for_each(|id| cut(id, MAX_VALUE));
        self
    }
}

/// Cuts a text at a maximum number of bytes, between characters.
pub(super) fn cut(text: &mut String, bytes: usize) {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.truncate(end);
}

/// Why an attempt ended without a result (contract `fail_reason`, an open list).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FailReason(String);

impl FailReason {
    /// The provider gave no answer before the attempt's deadline.
    pub const TIMEOUT: &str = "PROVIDER_TIMEOUT";
    /// The provider could not be asked.
    pub const UNAVAILABLE: &str = "PROVIDER_UNAVAILABLE";
    /// The session was closed meanwhile.
    pub const CLOSED: &str = "SESSION_CLOSED";

    /// A reason of capital letters, digits and `_`; of anything else only that is kept.
    pub fn new(reason: &str) -> Self {
        let kept = |letter: &char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || *letter == '_';
        let reason: String = reason.chars().filter(kept).take(MAX_NAME).collect();
        Self(if reason.is_empty() { Self::UNAVAILABLE.into() } else { reason })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_from_0_to_1_and_is_kept_exactly() {
        for (number, expected) in [(0.0, 0.0), (1.0, 1.0), (0.93, 0.93), (0.33333, 0.3333), (-1.0, 0.0), (7.0, 1.0)] {
            let text = serde_json::to_string(&Ratio::new(number)).expect("JSON");
            let read: Ratio = serde_json::from_str(&text).expect("it is read back");
            assert_eq!(read.as_f64(), expected, "{number}");
        }
        assert_eq!(Ratio::new(f64::NAN), Ratio::default());
        let beyond: Ratio = serde_json::from_str("65535").expect("a number");
        assert_eq!(beyond.as_f64(), 1.0);
    }

    #[test]
    fn a_result_is_kept_within_its_bounds() {
        let long = "ñ".repeat(1000);
        let score = Score { score_type: long.clone(), is_fraud: false, score: Ratio::new(1.0), note: Some(long.clone()) };
        let result = ScoreResult {
            global_score: Ratio::new(1.0),
            passing: true,
            extracted_values: (0..100).map(|n| (format!("{n}{long}"), long.clone())).collect(),
            scores: vec![score; 100],
            provider_id: Some(long),
        };
        let kept = result.bounded();
        assert_eq!((kept.scores.len(), kept.extracted_values.len()), (MAX_FINDINGS, MAX_FINDINGS));
        assert!(serde_json::to_string(&kept).expect("JSON").len() < 32 * 1024);
        assert_eq!(kept.clone().bounded(), kept);
    }

    #[test]
    fn a_reason_has_letters_digits_and_underscores_only() {
        for (given, kept) in [
            ("PROVIDER_TIMEOUT", "PROVIDER_TIMEOUT"),
            ("ERROR 42: <b>X</b>\n", "ERROR42X"),
            ("lower", FailReason::UNAVAILABLE),
            ("", FailReason::UNAVAILABLE),
        ] {
            assert_eq!(FailReason::new(given).as_str(), kept, "{given}");
        }
        assert_eq!(FailReason::new(&"X".repeat(1000)).as_str().len(), MAX_NAME);
    }
}
