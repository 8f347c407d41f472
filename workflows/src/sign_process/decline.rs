//! A signer who will not sign. The decision of one ends the process for all, as the documents would never be signed by everybody.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Act, Data, Event, NOT_FOUND, SignProcess, SignatureStatus, Status, wrong_state};
use crate::{Decision, Device};

/// Maximum length of a signer's reason, in characters. Whoever takes it in holds it to that.
pub const MAX_DECLINE_REASON: usize = 500;

/// Who declined, when, and from which device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decline {
    pub signature: Uuid,
    #[serde(flatten)]
    pub act: Act,
}

impl Data {
    /// Once more by the same signer it changes nothing: whoever got no answer may ask again.
    pub(super) fn decide_decline(&self, signature: Uuid, reason: String, device: Device) -> Decision<SignProcess> {
        let Some(position) = self.position(signature) else { return Decision::refuse(NOT_FOUND) };
        if self.declined.as_ref().is_some_and(|declined| declined.signature == signature) {
            return Decision::nothing();
        }
        if self.status != Status::Created {
            return Decision::refuse(wrong_state(self.status.name()));
        }
        if self.signatures[position].status != SignatureStatus::Created {
            return Decision::refuse(wrong_state("signed already"));
        }
        Decision::accept([Event::Declined { signature, reason, device }])
    }
}
