//! What a provider says, checked before anything of it is believed, and what it means.
//!
//! **The formula.** A document passes if its global score is at least the minimum of the level (of the organization, else of the server),
//! and no check points to fraud. A check of ours is added: where the provider read a number of the document and the caller declared one,
//! they are compared (`DECLARED_NUMBER`), so that the document of somebody else does not pass, nor the result of somebody else's document.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, SecondsFormat};
use workflows::{
    Contact,
    scoring::{Level, MAX_FINDINGS, MAX_NAME, MAX_VALUE, Ratio, Score, ScoreResult},
};

use super::options::Levels;
use crate::catalogue::sign_configuration;

/// The name of our own check.
const DECLARED_NUMBER: &str = "DECLARED_NUMBER";

/// The key of the document's number in the extracted values (contract `ScoreResult`).
pub const DOCUMENT_NUMBER: &str = "DOCUMENT_NUMBER";

/// An answer that cannot be believed, and why. Never a text of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

/// What a provider found, within its bounds.
#[derive(Debug, Default)]
pub struct Findings {
    global_score: Ratio,
    scores: Vec<Score>,
    values: BTreeMap<String, String>,
    provider_id: Option<String>,
}

/// A number from 0 to 1.
///
/// # Errors
/// Anything else.
pub fn ratio(number: f64) -> Result<Ratio, Unreadable> {
    if (0.0..=1.0).contains(&number) { Ok(Ratio::new(number)) } else { Err(Unreadable("a score is not from 0 to 1")) }
}

impl Findings {
    /// # Errors
    /// A score out of its bounds.
    pub fn new(global_score: f64) -> Result<Self, Unreadable> {
        Ok(Self { global_score: ratio(global_score)?, ..Self::default() })
    }

    /// Adds a check.
    ///
    /// # Errors
    /// A name or a score out of its bounds, or too many.
    pub fn score(&mut self, name: &str, is_fraud: bool, score: f64, note: Option<&str>) -> Result<(), Unreadable> {
        // One place is kept for our own check.
        if self.scores.len() + 1 >= MAX_FINDINGS {
            return Err(Unreadable("there are too many checks"));
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_name) {
            return Err(Unreadable(
                "the name of a check is empty, too long, or has other characters than letters, digits, _ - and .",
            ));
        }
        let note = note.map(Into::into);
        self.scores.push(Score { score_type: name.to_owned(), is_fraud, score: ratio(score)?, note });
        Ok(())
    }

    /// Adds a value that was read from the document. Dates become instants, as the contract has them.
    ///
    /// # Errors
    /// A key or a value out of its bounds, or too many.
    pub fn value(&mut self, key: &str, value: &str) -> Result<(), Unreadable> {
        let value = value.trim();
        if self.values.len() >= MAX_FINDINGS {
            return Err(Unreadable("there are too many values"));
        }
        let is_key = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if key.is_empty() || key.len() > MAX_NAME || !key.bytes().all(is_key) {
            return Err(Unreadable("the key of a value is empty, too long, or has other characters than capitals, digits and _"));
        }
        if value.len() > MAX_VALUE || value.chars().any(char::is_control) {
            return Err(Unreadable("a value is too long or has control characters"));
        }
        if value.is_empty() {
            return Ok(());
        }
        let value = match key.ends_with("_DATE") {
            true => instant(value).ok_or(Unreadable("a date is neither YYYY-MM-DD nor an instant"))?,
            false => value.to_owned(),
        };
        self.values.insert(key.to_owned(), value);
        Ok(())
    }

    /// Keeps the identifier that the provider gave to the question.
    ///
    /// # Errors
    /// An identifier out of its bounds.
    pub fn provider_id(&mut self, id: &str) -> Result<(), Unreadable> {
        self.provider_id = Some(identifier(id)?.to_owned());
        Ok(())
    }

    /// Decides whether it passes, by the formula above.
    pub fn judge(mut self, minimum: f64, declared: Option<&Contact>) -> ScoreResult {
        let declared = declared.and_then(|person| person.identity_document.as_ref());
        if let (Some(read), Some(declared)) = (self.values.get(DOCUMENT_NUMBER), declared) {
            let same = plain(read) == plain(&declared.document_number);
            let score = Ratio::new(if same { 1.0 } else { 0.0 });
            self.scores.push(Score { score_type: DECLARED_NUMBER.into(), is_fraud: !same, score, note: None });
        }
        let is_fraud = self.scores.iter().any(|score| score.is_fraud);
        ScoreResult {
            global_score: self.global_score,
            passing: !is_fraud && self.global_score >= Ratio::new(minimum),
            extracted_values: self.values,
            scores: self.scores,
            provider_id: self.provider_id,
        }
    }
}

/// An identifier or a token that a provider made: it is given on, and stands in a journal or a path.
///
/// # Errors
/// One that is empty, too long, or has other characters than a URL takes unescaped.
pub fn identifier(id: &str) -> Result<&str, Unreadable> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    // A path of dots alone would lead elsewhere.
    let fits =
        (1..=MAX_VALUE).contains(&id.len()) && id.bytes().all(plain) && id.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if fits { Ok(id) } else { Err(Unreadable("an identifier is empty, too long, or has characters that are none of one")) }
}

/// The minimum global score: of the organization, else of the server. Without a level it is that of MEDIUM.
pub fn minimum(level: Option<Level>, own: &sign_configuration::Levels, server: &Levels) -> f64 {
    let (name, default) = match level {
        Some(Level::Low) => ("LOW", server.low),
        Some(Level::Medium) | None => ("MEDIUM", server.medium),
        Some(Level::High) => ("HIGH", server.high),
    };
    own.get(name).copied().unwrap_or(default)
}

/// A number as it is compared: letters and digits alone, as capitals.
pub fn plain(number: &str) -> String {
    number.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

fn instant(text: &str) -> Option<String> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Some(format!("{date}T00:00:00Z"));
    }
    let instant = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    Some(instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use workflows::{DocumentType, IdentityDocument};

    use super::*;

    fn person(number: &str) -> Contact {
        let document =
            IdentityDocument { document_number: number.into(), document_type: DocumentType::Nif, country: Some("ES".into()) };
        Contact { identity_document: Some(document), ..Contact::default() }
    }

    #[test]
    fn a_document_passes_with_the_score_of_its_level_and_no_fraud() {
        let judged = |global, fraud| {
            let mut findings = Findings::new(global).unwrap();
            findings.score("PHOTO", fraud, 0.9, None).unwrap();
            findings.judge(0.7, None).passing
        };
        assert!(judged(0.7, false) && judged(1.0, false));
        assert!(!judged(0.6999, false) && !judged(1.0, true));
    }

    #[test]
    fn a_level_is_the_organizations_or_the_servers() {
        let server = Levels::default();
        let own = sign_configuration::Levels::from([("HIGH".to_owned(), 0.95)]);
        let minima = [Some(Level::Low), Some(Level::Medium), None, Some(Level::High)].map(|level| minimum(level, &own, &server));
        assert_eq!(minima, [0.5, 0.7, 0.7, 0.95]);
    }

    #[test]
    fn the_number_that_was_read_must_be_the_declared_one() {
        let judged = |read: &str, declared: Option<&Contact>| {
            let mut findings = Findings::new(1.0).unwrap();
            findings.value(DOCUMENT_NUMBER, read).unwrap();
            findings.judge(0.7, declared)
        };
        assert!(judged("12345678z", Some(&person("12.345.678-Z"))).passing);
        let other = judged("87654321X", Some(&person("12345678Z")));
        assert!(!other.passing && other.scores[0].is_fraud);
        assert!(judged("87654321X", None).passing && judged("", Some(&person("12345678Z"))).passing);
    }

    #[test]
    fn what_cannot_be_believed_is_refused() {
        for number in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Findings::new(number).is_err(), "{number}");
        }
        let mut findings = Findings::new(1.0).unwrap();
        for name in ["", "<b>", "a b", &"x".repeat(65)] {
            assert!(findings.score(name, false, 1.0, None).is_err(), "{name}");
        }
        let long = "x".repeat(257);
        for (key, value) in [("name", "x"), ("", "x"), ("NAME", "a\nb"), ("NAME", long.as_str()), ("BIRTH_DATE", "31/01/1990")] {
            assert!(findings.value(key, value).is_err(), "{key} {value}");
        }
        for id in ["", "..", "a/b", "a?b", "á", &long] {
            assert!(findings.provider_id(id).is_err(), "{id}");
        }
        let checks = (0..100).map(|n| findings.score(&format!("C{n}"), false, 1.0, None)).take_while(Result::is_ok).count();
        assert_eq!(checks, MAX_FINDINGS - 1);
    }

    #[test]
    fn dates_become_instants() {
        let mut findings = Findings::new(1.0).unwrap();
        findings.value("BIRTH_DATE", "1990-01-31").unwrap();
        findings.value("DOCUMENT_EXPIRATION_DATE", "2031-05-06T02:00:00+02:00").unwrap();
        let values = findings.judge(0.0, None).extracted_values;
        assert_eq!(values["BIRTH_DATE"], "1990-01-31T00:00:00Z");
        assert_eq!(values["DOCUMENT_EXPIRATION_DATE"], "2031-05-06T00:00:00Z");
    }
}
