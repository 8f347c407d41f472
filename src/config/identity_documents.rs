//! `identity_documents`: sessions that take images of identity documents in, and the identifications that go by them.

use chrono::TimeDelta;
use serde::Deserialize;
use workflows::{
    identification::identity_document::{self, MAX_ATTEMPTS, Terms},
    scoring::{MAX_ATTEMPT_TIME, MAX_DELEGATION_TIME, Policy},
};

use super::{
    Error,
    bounds::{seconds, within},
};
use crate::{iso_duration, public_url};

/// Identity documents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentityDocuments {
    /// Maximum bytes of one image, 65536 to 33554432. Default: 10485760.
    pub image_limit: usize,
    /// How long a provider may take to score images; PT5S to PT5M. Default: PT1M.
    #[serde(with = "iso_duration")]
    pub attempt_time: TimeDelta,
    /// How long a person may take at the provider that a scoring was delegated to; PT1M to PT24H. Default: PT30M.
    #[serde(with = "iso_duration")]
    pub delegation_time: TimeDelta,
    /// Validations of an identification that a scoring which did not pass may refuse, 1 to 100. Default: 3.
    pub validation_attempts: u32,
    /// How long links to images work; PT1M to PT24H. Default: PT15M.
    #[serde(with = "iso_duration")]
    pub link_lifetime: TimeDelta,
}

impl Default for IdentityDocuments {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            image_limit: 10 << 20,
            attempt_time: TimeDelta::seconds(policy.attempt_seconds.into()),
            delegation_time: TimeDelta::seconds(policy.delegation_seconds.into()),
            validation_attempts: identity_document::DEFAULT_ATTEMPTS,
            link_lifetime: TimeDelta::minutes(15),
        }
    }
}

impl IdentityDocuments {
    /// The times of a session.
    pub fn policy(&self) -> Policy {
        let seconds = |time: TimeDelta| u32::try_from(time.num_seconds()).unwrap_or(0);
        Policy { attempt_seconds: seconds(self.attempt_time), delegation_seconds: seconds(self.delegation_time) }
    }

    /// The terms of an identification that asks for nothing else.
    pub fn terms(&self) -> Terms {
        Terms { validation_attempts: self.validation_attempts, policy: self.policy(), ..Terms::default() }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let name = |option: &str| format!("identity_documents.{option}");
        let (attempt, delegation) = (MAX_ATTEMPT_TIME.num_seconds(), MAX_DELEGATION_TIME.num_seconds());
        within(&name("image_limit"), (64 << 10..=32 << 20).contains(&self.image_limit), "65536 to 33554432 bytes")?;
        within(&name("attempt_time"), seconds(self.attempt_time, 5, attempt), "PT5S to PT5M")?;
        within(&name("delegation_time"), seconds(self.delegation_time, 60, delegation), "PT1M to PT24H")?;
        within(&name("validation_attempts"), (1..=MAX_ATTEMPTS).contains(&self.validation_attempts), "1 to 100")?;
        let lifetime = seconds(self.link_lifetime, 60, public_url::MAX_LIFETIME.num_seconds());
        within(&name("link_lifetime"), lifetime, "PT1M to PT24H")
    }
}
