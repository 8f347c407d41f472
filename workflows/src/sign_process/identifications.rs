//! What a process makes of what its signers' identifications tell it.

use uuid::Uuid;

use super::{Data, Event, SignProcess, SignatureStatus, Status};
use crate::{Decision, IdentificationState, Refusal, Timestamp};

/// The signer is not identified.
pub(super) fn not_identified(state: IdentificationState) -> Refusal {
    let state = state.name();
    Refusal::state(format!("the signer's identification must be VALIDATED before the signature; it is {state}"))
}

impl Data {
    pub(super) fn position_of_identification(&self, identification: Uuid) -> Option<usize> {
        self.creation.signers.iter().position(|signer| signer.identification == identification)
    }

    pub(super) fn decide_identification(&self, identification: Uuid, state: IdentificationState) -> Decision<SignProcess> {
        let Some(position) = self.position_of_identification(identification) else { return Decision::nothing() };
        let signature = &self.signatures[position];
        let open = self.status == Status::Created && signature.status == SignatureStatus::Created;
        if !open || signature.identification == state || signature.identification.is_final() {
            return Decision::nothing();
        }
        let lost = Event::IdentificationLost { identification, state };
        let failed = |reason: &str| Event::Failed { reason: reason.into(), signature: Some(signature.id) };
        match state {
            IdentificationState::Created => Decision::nothing(),
            IdentificationState::Validated => Decision::accept([Event::Identified { identification }]),
            IdentificationState::Failed => Decision::accept([lost, failed("the identification of a signer failed")]),
            IdentificationState::Cancelled => Decision::accept([lost, failed("the identification of a signer was cancelled")]),
            // Closed by an operator before it was used: the signer can no longer sign.
            IdentificationState::Succeeded => {
                Decision::accept([lost, failed("the identification of a signer was closed before the signature")])
            }
            // The process has the same limit and expires by its own clock.
            IdentificationState::Expired => Decision::accept([lost]),
        }
    }

    /// Without an identification a signer can never sign. Once it is known to be there, a late report changes nothing.
    pub(super) fn decide_not_made(&self, position: usize, reason: String) -> Decision<SignProcess> {
        match self.signatures.get(position) {
            Some(signature) if self.status == Status::Created && signature.identification == IdentificationState::Created => {
                let reason = format!("the identification of a signer could not be made: {reason}");
                Decision::accept([Event::Failed { reason, signature: Some(signature.id) }])
            }
            _ => Decision::nothing(),
        }
    }

    pub(super) fn set_identification(&mut self, identification: Uuid, state: IdentificationState, at: Timestamp) {
        let Some(position) = self.position_of_identification(identification) else { return };
        let signature = &mut self.signatures[position];
        signature.identification = state;
        signature.modified_at = at;
        if state == IdentificationState::Validated {
            signature.identified_at = Some(at);
        }
    }
}
