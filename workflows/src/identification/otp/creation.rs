//! What an identification by code is made of, and what a new one must be like.

use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::{ContactPolicy, Purpose, TIME_LIMIT, is_default};
use crate::{Channel, Contact, Timestamp, TwoFactorType, values::Problems};

/// The numbers that an identification lives by. Taken from the configuration when it is created and journaled with
/// it, so that a later change of the configuration does not change identifications under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Codes that can be asked for in all.
    pub challenges: u32,
    /// Tries per code.
    pub attempts: u32,
    /// Digits of a code by SMS and WhatsApp.
    pub digits: u32,
    /// Digits of a code by e-mail, which is read less quickly and attacked more easily.
    pub digits_email: u32,
    /// Life of one code in seconds, at most [`MAX_CODE_LIFETIME`](super::MAX_CODE_LIFETIME).
    pub code_seconds: u32,
    /// Wait after the first, second, ... code in seconds; the last one holds for all further codes.
    pub cooldown_seconds: Vec<u32>,
    /// Failures in all after which the identification fails, at most [`MAX_FAILURES`](super::MAX_FAILURES).
    pub failures: u32,
    /// How long a receipt is waited for where the channel reports what becomes of its messages, in seconds.
    #[serde(default = "default_receipt_seconds", skip_serializing_if = "is_default_receipt_seconds")]
    pub receipt_seconds: u32,
    /// Channels on which a code goes out whose message failed, in order; those that the organization allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback_channels: Vec<Channel>,
}

/// Twice the life of a code.
fn default_receipt_seconds() -> u32 {
    600
}

fn is_default_receipt_seconds(seconds: &u32) -> bool {
    *seconds == default_receipt_seconds()
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            challenges: 3,
            attempts: 3,
            digits: 6,
            digits_email: 8,
            code_seconds: 300,
            cooldown_seconds: vec![30, 60, 120],
            failures: 100,
            receipt_seconds: default_receipt_seconds(),
            fallback_channels: Vec::new(),
        }
    }
}

impl Policy {
    /// Digits of a code that goes out on `channel`.
    pub fn digits(&self, channel: Channel) -> u32 {
        match channel {
            Channel::Email => self.digits_email,
            Channel::Sms | Channel::Whatsapp => self.digits,
        }
    }

    pub(super) fn cooldown(&self, challenge_number: u32) -> Duration {
        let index = (challenge_number.max(1) - 1) as usize;
        let seconds = self.cooldown_seconds.get(index).or(self.cooldown_seconds.last()).copied().unwrap_or(0);
        Duration::seconds(seconds.into())
    }
}

/// What an identification is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    pub actor: Contact,
    pub channel: Channel,
    /// The tenant delivers the code itself.
    #[serde(default)]
    pub external: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor_type: Option<TwoFactorType>,
    pub expires_at: Timestamp,
    pub policy: Policy,
    /// What is asked of the contact.
    #[serde(default, skip_serializing_if = "is_default")]
    pub contact_policy: ContactPolicy,
    /// The channel on which the person got the link to sign, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_channel: Option<Channel>,
    #[serde(default)]
    pub purpose: Purpose,
}

/// An identification as it is asked for; nothing of it is checked yet.
#[derive(Clone, Debug)]
pub struct Request {
    pub actor: Contact,
    /// ISO-8601.
    pub expires_in: String,
    pub two_factor_type: Option<TwoFactorType>,
    pub channel: Channel,
    pub external: bool,
}

impl Request {
    /// What an identification that is created at `now`, without a sign process, is made of.
    ///
    /// # Errors
    /// Everything that is wrong, with the members of the contract's `CreateOtpIdentificationRequest`.
    pub fn checked(self, now: Timestamp, policy: Policy, contact_policy: ContactPolicy) -> Result<Creation, Problems> {
        let Self { actor, expires_in, two_factor_type, channel, external } = self;
        let mut problems = Problems::default();
        let actor = actor.checked("actor", &mut problems);
        actor.check_channel("actor", channel, &mut problems);
        actor.check_second_factor("actor", two_factor_type, &mut problems);
        let expires_in = problems.take("expires_in", TIME_LIMIT.read(&expires_in)).unwrap_or(TIME_LIMIT.max());
        if !problems.is_empty() {
            return Err(problems);
        }
        let (expires_at, purpose) = (now + expires_in, Purpose::default());
        let link_channel = None;
        Ok(Creation { actor, channel, external, two_factor_type, expires_at, policy, contact_policy, link_channel, purpose })
    }
}
