//! What the answers mean.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};
use store::Timestamp;
use workflows::identification::otp::NumberOutcome;

use super::Failure;

/// How far the operator's clock may be ahead of ours.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// An answer that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub outcome: NumberOutcome,
    pub detail: Option<String>,
}

impl Said {
    fn passed() -> Self {
        Self { outcome: NumberOutcome::Passed, detail: None }
    }

    fn failed(detail: impl Into<String>) -> Self {
        Self { outcome: NumberOutcome::Failed, detail: Some(detail.into()) }
    }
}

fn unreadable(what: &str) -> Failure {
    Failure::Final(format!("the operator's answer does not say {what}"))
}

/// `CheckSimSwapInfo`.
pub(super) fn sim_swap(answer: &Map<String, Value>, hours: u32) -> Result<Said, Failure> {
    match answer.get("swapped").and_then(Value::as_bool) {
        Some(false) => Ok(Said::passed()),
        Some(true) => Ok(Said::failed(format!("the SIM changed in the last {hours} hours"))),
        None => Err(unreadable("whether the SIM changed")),
    }
}

/// Adds when the SIM changed, where `SimSwapInfo` says so and it can be true.
pub(super) fn with_date(said: Said, answer: Option<&Map<String, Value>>, now: Timestamp) -> Said {
    match answer.and_then(|answer| answer.get("latestSimChange")).and_then(moment) {
        Some(at) if at <= now + SKEW => {
            let detail = said.detail.unwrap_or_default();
            Said { detail: Some(format!("{detail}, on {}", at.format("%Y-%m-%d %H:%M UTC"))), ..said }
        }
        _ => said,
    }
}

/// `SimSwapInfo` alone: whether the last change is old enough. Without a date, the operator looked back `monitoredPeriod` days.
pub(super) fn date(answer: &Map<String, Value>, hours: u32, now: Timestamp) -> Result<Said, Failure> {
    match answer.get("latestSimChange") {
        Some(Value::Null) => {
            let days = answer.get("monitoredPeriod").and_then(Value::as_u64).unwrap_or(0);
            match days.saturating_mul(24) >= u64::from(hours) {
                true => Ok(Said::passed()),
                false => Err(unreadable("when the SIM changed, and looks back a shorter time than was asked for")),
            }
        }
        Some(text) => {
            let at = moment(text).ok_or_else(|| unreadable("when the SIM changed"))?;
            if at > now + SKEW {
                return Err(Failure::Final("the operator names a change of the SIM in the future".into()));
            }
            match now - at > TimeDelta::hours(hours.into()) {
                true => Ok(Said::passed()),
                false => sim_swap(&Map::from_iter([("swapped".to_owned(), Value::Bool(true))]), hours)
                    .map(|said| with_date(said, Some(answer), now)),
            }
        }
        None => Err(unreadable("when the SIM changed")),
    }
}

fn moment(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|at| at.to_utc())
}

/// `NumberVerificationMatchResponse`.
pub(super) fn number_verification(answer: &Map<String, Value>) -> Result<Said, Failure> {
    match answer.get("devicePhoneNumberVerified").and_then(Value::as_bool) {
        Some(true) => Ok(Said::passed()),
        Some(false) => Ok(Said::failed("the number is not that of the device")),
        None => Err(unreadable("whether the number is that of the device")),
    }
}

/// `KYC_MatchResponse`: of each attribute that was asked for, `true`, `false` with a score from 0 to 100, or `not_available`. Something that
/// differs stands against the number; where nothing could be compared there is no answer.
pub(super) fn kyc_match(answer: &Map<String, Value>, asked: &[&str], min_score: u8) -> Result<Said, Failure> {
    let mut same = 0;
    let (mut different, mut unknown) = (Vec::new(), Vec::new());
    for attribute in asked {
        let score = answer.get(&format!("{attribute}MatchScore")).and_then(Value::as_u64).filter(|score| *score <= 100);
        match answer.get(&format!("{attribute}Match")) {
            Some(Value::Bool(true)) => same += 1,
            Some(Value::String(text)) if text == "true" => same += 1,
            Some(value) if *value == Value::Bool(false) || value == "false" => match score {
                // A document is the same or it is not.
                Some(score) if score >= min_score.into() && *attribute != "idDocument" => same += 1,
                _ => different.push(words(attribute)),
            },
            Some(Value::String(text)) if text == "not_available" => {}
            None => {}
            Some(_) => unknown.push(words(attribute)),
        }
    }
    if !different.is_empty() {
        return Ok(Said::failed(format!(
            "the operator knows the holder of the number by another {}",
            different.join(", another ")
        )));
    }
    match (unknown.is_empty(), same) {
        (false, _) => Err(unreadable(&format!("whether the {} is the same", unknown.join(" and the ")))),
        (true, 0) => Err(Failure::Final("the operator could compare nothing of the person".into())),
        (true, _) => Ok(Said::passed()),
    }
}

fn words(attribute: &str) -> &'static str {
    match attribute {
        "idDocument" => "document number",
        "givenName" => "given name",
        _ => "family name",
    }
}
