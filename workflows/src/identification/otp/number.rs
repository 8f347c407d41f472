//! Whose contact it is to which a code goes: the second proof of one that only the signer gave, and what the phone's operator says of
//! the number before a code goes out.
//!
//! Who gives a number of his own as somebody else's gets the code, and proves nothing by it. NIST SP 800-63B-4, 3.1.3.3, asks for a check
//! of SIM changes before a code goes out by SMS; the questions are those of the CAMARA interfaces SIM Swap, Number Verification and KYC Match.
//! All is off unless the organization turns it on.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Challenge, CodeEvent, Data, Delivery, Event, Otp, wrong_state};
use crate::{Channel, ContactOrigin, Decision, IdentificationState, Refusal, Timestamp};

/// Maximum length of what is recorded of one answer, in characters.
pub const MAX_DETAIL: usize = 200;

/// Longest time for which a SIM can be asked to be unchanged, in hours: 100 days (CAMARA SIM Swap, `maxAge`).
pub const MAX_SIM_AGE_HOURS: u32 = 2400;

/// What is asked of a contact. Taken from the organization's settings when an identification is created and journaled with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactPolicy {
    #[serde(skip_serializing_if = "is_default")]
    pub second_proof: SecondProof,
    /// Questions to the phone's operator before each code by SMS or WhatsApp; none twice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<NumberCheck>,
    #[serde(skip_serializing_if = "is_default")]
    pub if_unanswered: IfUnanswered,
}

/// Whether a contact that only the signer vouches for needs a second proof.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondProof {
    #[default]
    NotNeeded,
    /// Somebody must check the contact before the identification can be VALIDATED.
    Needed,
    /// The identification is a step of a chain that has an AGENT or IDENTITY_DOCUMENT step as well, without which the chain is never
    /// VALIDATED.
    Chain,
}

/// A question to the operator of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NumberCheck {
    /// Whether the number moved to another SIM in the last hours, at most [`MAX_SIM_AGE_HOURS`].
    SimSwap { max_age_hours: u32 },
    /// Whether the number is that of the person's device.
    NumberVerification,
    /// Whether the operator knows the person who has the number by the same name and document.
    KycMatch,
}

impl NumberCheck {
    /// Its name in evidence and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::SimSwap { .. } => "SIM_SWAP",
            Self::NumberVerification => "NUMBER_VERIFICATION",
            Self::KycMatch => "KYC_MATCH",
        }
    }
}

/// What becomes of a code while the operator gives no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum IfUnanswered {
    /// It does not go out.
    #[default]
    Refuse,
    /// It goes out, and the evidence says that there was no answer.
    Allow,
}

/// What the operator said to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberAnswer {
    pub check: NumberCheck,
    pub outcome: NumberOutcome,
    /// In words, for the organization and evidence: at most [`MAX_DETAIL`] characters, without the number and the person's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberOutcome {
    Passed,
    Failed,
    /// There was no answer, or none that can be read.
    Unanswered,
}

impl NumberOutcome {
    /// Its name in evidence and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "PASSED",
            Self::Failed => "FAILED",
            Self::Unanswered => "UNANSWERED",
        }
    }
}

/// Who checked whose contact it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    pub at: Timestamp,
    /// The subject of the token of who checked it.
    pub by: String,
    /// How it was checked.
    pub reason: String,
}

/// Whether a value is the one that need not be written.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl ContactPolicy {
    /// The policy for a step of a chain. `with_other_proof`: the chain has an AGENT or IDENTITY_DOCUMENT step as well.
    pub fn in_chain(mut self, with_other_proof: bool) -> Self {
        if with_other_proof && self.second_proof == SecondProof::Needed {
            self.second_proof = SecondProof::Chain;
        }
        self
    }

    /// The questions before a code goes out on `channel`: an operator knows phones only.
    pub fn checks_on(&self, channel: Channel) -> &[NumberCheck] {
        match channel {
            Channel::Email => &[],
            Channel::Sms | Channel::Whatsapp => &self.checks,
        }
    }

    /// Why no code goes out after these answers, in words for the organization.
    fn refusal(&self, answers: &[NumberAnswer]) -> Option<String> {
        let refuses = |answer: &&NumberAnswer| match answer.outcome {
            NumberOutcome::Passed => false,
            NumberOutcome::Failed => true,
            NumberOutcome::Unanswered => self.if_unanswered == IfUnanswered::Refuse,
        };
        let refusing = answers.iter().find(refuses)?;
        let detail = refusing.detail.as_deref().unwrap_or(refusing.outcome.name());
        Some(format!("{}: {detail}", refusing.check.name()))
    }
}

/// Without what is missing the code proves nothing.
pub(super) fn second_proof_missing() -> Refusal {
    Refusal::state(
        "the contact counts as typed by the signer, and a second proof is missing: somebody has to check whose contact it is and \
         record it (contact_check), or the person is identified in a chain with an AGENT or IDENTITY_DOCUMENT step",
    )
}

impl Data {
    /// Whether it cannot be VALIDATED before somebody has checked whose contact it is. A contact of which nobody said where it comes from
    /// counts as typed by the signer.
    pub fn needs_second_proof(&self) -> bool {
        let only_the_signers_word = match self.creation.actor.origin {
            None | Some(ContactOrigin::TypedBySigner) => true,
            Some(ContactOrigin::CustomerRecord | ContactOrigin::AgentChecked) => false,
        };
        self.creation.contact_policy.second_proof == SecondProof::Needed && only_the_signers_word && self.own.confirmed.is_none()
    }

    /// Whether the code of a challenge did not go out because of what the operator said, or did not say.
    pub fn is_code_refused(&self, challenge: Uuid) -> bool {
        self.own.challenges.iter().any(|known| known.id == challenge && known.refused)
    }

    /// Whether the phone's operator has not said yet what it has to say before the code of a challenge goes out.
    pub fn awaits_operator(&self, challenge: Uuid) -> bool {
        let is_open = |known: &Challenge| known.id == challenge && known.number_answers.is_empty() && !known.refused;
        !self.state.is_final() && self.asks_operator() && self.own.challenges.iter().any(is_open)
    }

    /// Whether the phone's operator is asked before each code.
    pub fn asks_operator(&self) -> bool {
        !self.questions().is_empty()
    }

    pub(super) fn decide_confirm(&self, by: String, reason: String) -> Decision<Otp> {
        match &self.own.confirmed {
            _ if self.state != IdentificationState::Created => Decision::refuse(wrong_state(self.state.name())),
            Some(known) if known.by == by && known.reason == reason => Decision::nothing(),
            Some(_) => Decision::refuse(Refusal::state("somebody has checked already whose contact it is")),
            None => Decision::accept([CodeEvent::ContactConfirmed { by, reason }.into()]),
        }
    }

    pub(super) fn decide_number_checked(&self, challenge: Uuid, answers: Vec<NumberAnswer>) -> Decision<Otp> {
        let known = self.own.challenges.iter().find(|known| known.id == challenge);
        let awaited = self.awaits_delivery(challenge, None) && known.is_some_and(|known| known.number_answers.is_empty());
        let questions = self.questions();
        let asked = answers.len() == questions.len() && answers.iter().map(|answer| answer.check).eq(questions.iter().copied());
        // Once it is VALIDATED, only the code with which it is proved again can still be of use.
        let wanted = self.state == IdentificationState::Created || self.is_code_wanted(challenge);
        if !wanted || !awaited || !asked || answers.is_empty() {
            return Decision::nothing();
        }
        let refusal = self.creation.contact_policy.refusal(&answers);
        let first = self.state == IdentificationState::Created;
        let fails = first && refusal.is_some() && self.remaining_challenges() == 0 && self.current_challenge() == Some(challenge);
        let checked = CodeEvent::NumberChecked { challenge, answers, refusal }.into();
        let failed = fails.then(|| Event::Failed { reason: NUMBER_REFUSED.into() });
        Decision::accept(std::iter::once(checked).chain(failed).collect::<Vec<_>>())
    }

    /// Nobody could ask the operator.
    pub(super) fn unanswered(&self, reason: &str) -> Vec<NumberAnswer> {
        let detail: String = reason.chars().take(MAX_DETAIL).collect();
        let answer = |check: &NumberCheck| NumberAnswer {
            check: *check,
            outcome: NumberOutcome::Unanswered,
            detail: Some(detail.clone()),
        };
        self.questions().iter().map(answer).collect()
    }

    /// Whether a code may go out on a further channel: to a number of which the operator was not asked, it may not.
    pub(super) fn may_go_to(&self, challenge: &Challenge, channel: Channel) -> bool {
        self.creation.contact_policy.checks_on(channel).is_empty() || !challenge.number_answers.is_empty()
    }

    /// The questions before each code.
    pub(super) fn questions(&self) -> &[NumberCheck] {
        self.creation.contact_policy.checks_on(self.creation.channel)
    }
}

/// Why an identification fails whose last code did not go out.
pub(super) const NUMBER_REFUSED: &str = "the last code did not go out: the phone's operator did not confirm the number";

impl Data {
    pub(super) fn add_answers(&mut self, at: Timestamp, id: Uuid, answers: &[NumberAnswer], refusal: Option<&String>) {
        let Some(challenge) = self.own.challenges.iter_mut().find(|known| known.id == id) else { return };
        challenge.number_answers = answers.to_vec();
        if let Some(reason) = refusal {
            // Nobody has this code: it cannot be answered, and its cooldown stays, so that an operator is not asked without end.
            challenge.refused = true;
            challenge.attempts_left = 0;
            self.set_delivery(id, None, Delivery::Failed { at, reason: reason.clone() });
        }
    }
}
