//! What is known of one signer's signature.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Handwriting, Link};
use crate::{Device, IdentificationState, Timestamp};

/// Status of one signature (contract `SignatureSign.status`, note signature-status).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SignatureStatus {
    Created,
    Succeeded,
    Failed,
    Cancelled,
    Expired,
}

/// One signer's signature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    pub id: Uuid,
    pub status: SignatureStatus,
    /// State of the signer's identification as far as the process was told.
    pub identification: IdentificationState,
    pub modified_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identified_at: Option<Timestamp>,
    /// First preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previewed: Option<Act>,
    /// Previews recorded, at most [`MAX_PREVIEWS`].
    #[serde(default)]
    pub previews: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Act>,
    /// With what the signer signed; only where the process is BIOMETRIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handwriting: Option<Box<Handwriting>>,
    /// The link with which the signer comes.
    #[serde(default, skip_serializing_if = "Link::is_first")]
    pub link: Link,
    /// How often a device was handed over for it, at most [`MAX_HANDED`](super::MAX_HANDED).
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub handed: u32,
}

fn is_none_yet(times: &u32) -> bool {
    *times == 0
}

impl Signature {
    pub(super) fn new(id: Uuid, at: Timestamp) -> Self {
        Self {
            id,
            status: SignatureStatus::Created,
            identification: IdentificationState::Created,
            modified_at: at,
            identified_at: None,
            previewed: None,
            previews: 0,
            signed: None,
            handwriting: None,
            link: Link::default(),
            handed: 0,
        }
    }
}

/// Something a signer did, when, and from which device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Act {
    pub at: Timestamp,
    pub device: Device,
}
