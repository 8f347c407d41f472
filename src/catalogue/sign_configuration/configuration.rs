//! A configuration as others see it: nothing secret is in it.

use chrono::TimeDelta;
use documents::{Level, pkcs12};
use serde::{Deserialize, Serialize};
use store::Timestamp;
use workflows::Contact;
use workflows::identification::otp;

use super::{BiometricPolicy, Channel, Connections, ContactPolicy, Levels, ProviderRule};

/// Facts of the certificate that are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// When it ends.
    pub expiration_date: Timestamp,
    /// Subject CN.
    pub common_name: Option<String>,
    /// Subject O.
    pub organization: Option<String>,
    /// Subject OU.
    pub organizational_unit: Option<String>,
    /// Name of the issuer.
    pub issuer: String,
}

impl From<pkcs12::Facts> for Certificate {
    fn from(facts: pkcs12::Facts) -> Self {
        Self {
            expiration_date: facts.not_after,
            common_name: facts.common_name,
            organization: facts.organization,
            organizational_unit: facts.organizational_unit,
            issuer: facts.issuer,
        }
    }
}

/// An organization's configuration, without anything secret.
#[derive(Clone, Debug, PartialEq)]
pub struct SignConfiguration {
    /// Version of the record; grows with each change.
    pub version: u64,
    /// URL of the sign pages.
    pub landing_url: String,
    /// Time limit of sign processes: 15 minutes to 30 days.
    pub expiration_duration: TimeDelta,
    /// Channels on which notices are sent: at least one, none twice.
    pub channels: Vec<Channel>,
    /// Facts of the certificate.
    pub certificate: Certificate,
    /// Where notices about the certificate go.
    pub notification_email: String,
    /// Scoring providers of the identity-document identification, if they were ever set.
    pub providers: Option<Vec<ProviderRule>>,
    /// The names of its own scoring providers.
    pub connected: Vec<String>,
    /// Its own minimum scores, by level.
    pub levels: Levels,
    /// What is asked of contacts, if it was ever set.
    pub contact_policy: Option<ContactPolicy>,
    /// Of signatures by hand, if it was ever set.
    pub biometric_policy: Option<BiometricPolicy>,
    /// Level of the seals, if it has one of its own.
    pub signature_level: Option<Level>,
}

impl SignConfiguration {
    /// The channel of a signer's code: the first of the organization's that reaches the signer, which is that of the link; another one, which
    /// leads elsewhere, where the organization wants the two apart and the signer has it. `None`: nothing reaches the signer.
    pub fn code_channel(&self, person: &Contact) -> Option<Channel> {
        let mut reaching = self.channels.iter().copied().filter(|channel| person.destination(*channel).is_some());
        let link = reaching.next()?;
        let elsewhere = |channel: &Channel| person.counted_destination(*channel) != person.counted_destination(link);
        let apart = self.contact_policy.as_ref().is_some_and(|policy| policy.separate_channels);
        Some(if apart { reaching.find(elsewhere).unwrap_or(link) } else { link })
    }

    /// Whether a signer with mail and phone gets the code elsewhere than the link.
    pub fn separates_channels(&self) -> bool {
        let mail = self.channels.contains(&Channel::Email);
        let apart = self.contact_policy.as_ref().is_some_and(|policy| policy.separate_channels);
        apart && mail && self.channels.iter().any(|channel| *channel != Channel::Email)
    }

    /// What identifications by code are created with.
    pub fn contact_policy(&self) -> otp::ContactPolicy {
        self.contact_policy.as_ref().map(ContactPolicy::journaled).unwrap_or_default()
    }
}

/// An organization's own scoring providers and levels.
#[derive(Debug, Default)]
pub struct Scoring {
    /// How its providers are reached.
    pub connections: Connections,
    /// Its own minimum scores, by level; those that are absent are the server's.
    pub levels: Levels,
}
