//! One-time codes: the configuration reference.

use chrono::TimeDelta;
use serde::Deserialize;
use workflows::{
    Channel,
    identification::otp::{MAX_CODE_LIFETIME, MAX_FAILURES, Policy},
};

use super::{
    Error,
    bounds::{seconds, within},
};
use crate::{code_limits, codes, iso_duration};

/// One-time codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Codes {
    /// Digits of codes by SMS and WhatsApp, 6 to 12. Default: 6.
    pub digits: u32,
    /// Digits of codes by e-mail, 6 to 12. Default: 8.
    pub digits_email: u32,
    /// How long a code is valid; at most PT10M. Default: PT5M.
    #[serde(with = "iso_duration")]
    pub lifetime: TimeDelta,
    /// Codes that can be asked for per identification, 1 to 20. Default: 3.
    pub challenges: u32,
    /// Tries per code, 1 to 10. Default: 3.
    pub attempts: u32,
    /// Seconds to wait after the first, second, ... code before another one; the last holds for all further. Default: [30, 60, 120].
    pub cooldown_seconds: Vec<u32>,
    /// Wrong answers per identification after which it fails, 1 to 100. Default: 100.
    pub failures: u32,
    /// How long a receipt is waited for where the channel reports what becomes of its messages; then the code's fate is unknown. PT1M to
    /// P1D. Default: PT10M.
    #[serde(with = "iso_duration")]
    pub receipt_timeout: TimeDelta,
    /// Channels on which a code goes out whose message failed (the channel refused it, or reports that it did not arrive), in order: SMS,
    /// EMAIL, WHATSAPP. Those that the organization's sign configuration allows and that reach the person, each once. Default: none.
    pub fallback_channels: Vec<Channel>,
    /// Codes to one destination per hour; 0 is no bound. Servers that share a store count together. Default: 10.
    pub per_destination_and_hour: u32,
    /// Codes for one organization per minute; 0 is no bound. Servers that share a store count together. Default: 600.
    pub per_organization_and_minute: u32,
}

impl Default for Codes {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            digits: policy.digits,
            digits_email: policy.digits_email,
            lifetime: TimeDelta::seconds(policy.code_seconds.into()),
            challenges: policy.challenges,
            attempts: policy.attempts,
            cooldown_seconds: policy.cooldown_seconds,
            failures: policy.failures,
            receipt_timeout: TimeDelta::seconds(policy.receipt_seconds.into()),
            fallback_channels: policy.fallback_channels,
            per_destination_and_hour: 10,
            per_organization_and_minute: 600,
        }
    }
}

impl Codes {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        let digits = codes::MIN_DIGITS..=codes::MAX_DIGITS;
        within("codes.digits", digits.contains(&self.digits), "6 to 12")?;
        within("codes.digits_email", digits.contains(&self.digits_email), "6 to 12")?;
        within("codes.lifetime", seconds(self.lifetime, 1, MAX_CODE_LIFETIME.num_seconds()), "PT1S to PT10M")?;
        within("codes.challenges", (1..=20).contains(&self.challenges), "1 to 20")?;
        within("codes.attempts", (1..=10).contains(&self.attempts), "1 to 10")?;
        within("codes.failures", (1..=MAX_FAILURES).contains(&self.failures), "1 to 100")?;
        within("codes.receipt_timeout", seconds(self.receipt_timeout, 60, 86_400), "PT1M to P1D")?;
        within("codes.fallback_channels", each_once(&self.fallback_channels), "each channel once")?;
        within("codes.cooldown_seconds", self.cooldown_seconds.iter().all(|wait| *wait <= 3600), "at most 3600 each")
    }

    pub fn policy(&self) -> Policy {
        Policy {
            challenges: self.challenges,
            attempts: self.attempts,
            digits: self.digits,
            digits_email: self.digits_email,
            code_seconds: u32::try_from(self.lifetime.num_seconds()).unwrap_or(0),
            cooldown_seconds: self.cooldown_seconds.clone(),
            failures: self.failures,
            receipt_seconds: u32::try_from(self.receipt_timeout.num_seconds()).unwrap_or(0),
            fallback_channels: self.fallback_channels.clone(),
        }
    }

    pub fn limits(&self) -> code_limits::Options {
        code_limits::Options {
            per_destination_and_hour: self.per_destination_and_hour,
            per_organization_and_minute: self.per_organization_and_minute,
        }
    }
}

/// Whether no channel comes twice.
pub(super) fn each_once(channels: &[Channel]) -> bool {
    (1..channels.len()).all(|index| !channels[..index].contains(&channels[index]))
}
