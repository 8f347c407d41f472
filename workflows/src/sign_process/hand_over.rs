//! An agent hands a device over to a signer whom they identified: then the signer can sign there, without a link or a code of their own.

use uuid::Uuid;

use super::{Data, Event, NOT_FOUND, SignProcess, SignatureStatus, Status, wrong_state};
use crate::{Decision, Device, IdentificationState, Refusal, Staff, identification::agent};

/// How often a signature can be handed over: what agents repeat must not fill the journal.
pub const MAX_HANDED: u32 = agent::MAX_TAKEN;

impl Data {
    /// Only after the identification: who it is must be known before they hold a device that signs.
    ///
    /// # Errors
    /// In words for the agent.
    pub fn admits_hand_over(&self, signature: Uuid) -> Result<(), Refusal> {
        let position = self.position(signature).ok_or(NOT_FOUND)?;
        let known = &self.signatures[position];
        if self.status != Status::Created {
            return Err(wrong_state(self.status.name()));
        }
        if known.status != SignatureStatus::Created {
            return Err(wrong_state("signed already"));
        }
        if known.identification != IdentificationState::Validated {
            return Err(wrong_state("the signer is not identified"));
        }
        if known.handed >= MAX_HANDED {
            Err(Refusal::state("the signature was handed over as often as it can be"))
        } else {
            Ok(())
        }
    }

    pub(super) fn decide_hand_over(&self, signature: Uuid, by: Staff, to: Device) -> Decision<SignProcess> {
        match self.admits_hand_over(signature) {
            Ok(()) => Decision::accept([Event::HandedOver { signature, by, to }]),
            Err(refusal) => Decision::refuse(refusal),
        }
    }
}
