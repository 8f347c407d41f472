//! How handwritings are judged and to whom they are encrypted: as the organization says, else as the server does.

use biometric::Gate;
use documents::escrow::{ContentEncryption, Recipient};

use super::Error;
use crate::catalogue::sign_configuration::BiometricPolicy;

/// What holds where an organization says nothing itself.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// The server's escrow certificates, at most [`documents::escrow::MAX_RECIPIENTS`]; none: each organization needs its own.
    pub recipients: Vec<Recipient>,
    pub encryption: ContentEncryption,
    /// Whether a sample in an unknown format is refused.
    pub strict: bool,
    pub gate: Gate,
}

/// What holds for a signature.
#[derive(Clone, Debug)]
pub struct Terms {
    /// From one to [`documents::escrow::MAX_RECIPIENTS`].
    pub recipients: Vec<Recipient>,
    pub encryption: ContentEncryption,
    pub strict: bool,
    pub gate: Gate,
}

impl Terms {
    /// An organization's certificates come with its own content encryption: both are what its holders' tools can read.
    pub(super) fn of(defaults: &Defaults, policy: Option<&BiometricPolicy>) -> Result<Self, Error> {
        let own = policy.map_or(&[][..], |policy| &policy.escrow_certificates);
        let (recipients, encryption) = if own.is_empty() {
            (defaults.recipients.clone(), policy.and_then(|policy| policy.escrow_content_encryption))
        } else {
            let read = own.iter().map(|pem| Recipient::read(pem.as_bytes()));
            let read: Result<Vec<_>, _> = read.collect();
            let encryption = policy.and_then(|policy| policy.escrow_content_encryption).unwrap_or_default();
            (read.map_err(|error| Error::Escrow(error.to_string()))?, Some(encryption))
        };
        if recipients.is_empty() {
            return Err(Error::NoEscrow);
        }
        Ok(Self {
            recipients,
            encryption: encryption.unwrap_or(defaults.encryption),
            strict: policy.and_then(|policy| policy.strict).unwrap_or(defaults.strict),
            gate: policy.and_then(|policy| policy.gate.clone()).unwrap_or_else(|| defaults.gate.clone()),
        })
    }
}
