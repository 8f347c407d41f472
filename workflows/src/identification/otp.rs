//! Identification by a one-time code that is sent over a channel and typed back.
//!
//! Rules: NIST SP 800-63B-4 section 3.1.3 (single use, at most 10 minutes, a new code does not reset the count of
//! failures, at most 100 consecutive failures) and the contract's `validate_otp_identification` and
//! `challenge_otp_identification`. The code itself is never here: a challenge is known by its id and the HMAC of its code.
//! What all identifications share (create, cancel, close, delete, expiry) is in [`lifecycle`](super::lifecycle).

mod again;
mod code;
mod creation;
mod number;
mod receipt;
mod sending;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Identification, Method,
    lifecycle::{self, wrong_state},
};
use crate::{Channel, Decision, Device, IdentificationState, Refusal, Timestamp, transitions, values::duration::Bounds};

pub use super::lifecycle::{EXISTS, FORCE_NEEDED, NOT_FOUND, Purpose};
pub(super) use again::knows;
pub use again::{MAX_RESUME_KEYS, Resume, ResumeHash};
pub use code::{CodeHash, TypedCode};
pub use creation::{Creation, Policy, Request};
pub(crate) use number::is_default;
pub use number::{
    Confirmation, ContactPolicy, IfUnanswered, MAX_DETAIL, MAX_SIM_AGE_HOURS, NumberAnswer, NumberCheck, NumberOutcome,
    SecondProof,
};
pub use receipt::{MAX_RECEIPTS, Receipt, ReceiptStatus};
pub use sending::{Delivery, Fate, Sending, Taken};

transitions! {
    for CodeEvent, in IdentificationState;
    Challenged:   [Created | Validated] => Same "a code is asked for";
    Delivered:    [Created | Validated] => Same "the channel took the message";
    NotDelivered: [Created | Validated] => Same "the channel did not take it";
    DeliveryUnknown: [Created | Validated] => Same "nobody can tell whether the channel took it";
    Receipt:      [Created | Validated] => Same "the provider reports on the message";
    FateUnknown:  [Created | Validated] => Same "the provider did not report in time";
    Rerouted:     [Created | Validated] => Same "the message failed, and the code goes out on the next channel";
    WrongAnswer:  [Created | Validated] => Same "a wrong code or second factor";
    NumberChecked: [Created | Validated] => Same "the phone's operator said, or did not say, whose number it is";
    ContactConfirmed: [Created] => Same "somebody checked whose contact it is";
    ResumeKept:   [Validated] => Same "the person's page keeps a key to come back with";
    ProvedAgain:  [Validated] => Same "another right code, of who came back without a key";
}

/// The machine.
pub type Otp = Identification<OneTimeCode>;
pub type Command = lifecycle::Command<OneTimeCode>;
pub type Event = lifecycle::Event<OneTimeCode>;
pub type Effect = lifecycle::Effect<OneTimeCode>;
pub type Data = lifecycle::Data<OneTimeCode>;

/// Which of the two is not told.
pub const WRONG_ANSWER: Refusal = Refusal::Forbidden("the code or the second factor is wrong");
/// The code is used up or its life is over.
pub const CODE_GONE: Refusal = Refusal::Gone("the code is used up or has expired; ask for another one");

fn too_early(retry_at: Timestamp) -> Refusal {
    Refusal::TooEarly { what: "another code can be asked for from", retry_at }
}

/// Time limit, from the creation (contract: at most 30 days; no minimum is stated).
pub const TIME_LIMIT: Bounds = Bounds::up_to(Duration::days(30));

/// Maximum number of failures in a row, whatever is configured (NIST SP 800-63B-4, 3.2.2).
pub const MAX_FAILURES: u32 = 100;

/// Maximum life of one code (NIST SP 800-63B-4, 3.1.3.2).
pub const MAX_CODE_LIFETIME: Duration = Duration::minutes(10);

/// What only this method understands. Where a message has a `channel`, `None` is the identification's own.
#[derive(Clone, Debug)]
pub enum CodeCommand {
    /// `id` and `hash` are of the code that will be sent if the challenge is granted.
    Challenge { id: Uuid, hash: CodeHash, two_factor: Option<String> },
    /// `resume` is the digest of a key with which the page may come back.
    Validate { code: TypedCode, two_factor: Option<String>, device: Device, resume: Option<ResumeHash> },
    /// As `Challenge`, of an identification that is VALIDATED already.
    ChallengeAgain { id: Uuid, hash: CodeHash, two_factor: Option<String> },
    /// As `Validate`, of an identification that is VALIDATED already and stays so.
    ProveAgain { code: TypedCode, two_factor: Option<String>, device: Device, resume: Option<ResumeHash> },
    /// The channel took the message of a challenge.
    Delivered { challenge: Uuid, channel: Option<Channel>, taken: Taken },
    /// The channel certainly did not take the message of a challenge.
    NotDelivered { challenge: Uuid, channel: Option<Channel>, reason: String },
    /// Whether the channel took the message of a challenge is not known.
    DeliveryUnknown { challenge: Uuid, channel: Option<Channel>, reason: String },
    /// The provider reports on the message of a challenge. `word` is its own for the status.
    Receipt { challenge: Uuid, channel: Option<Channel>, status: ReceiptStatus, word: String },
    /// What the phone's operator said before the code of a challenge goes out: one answer to each question, in their order.
    NumberChecked { challenge: Uuid, answers: Vec<NumberAnswer> },
    /// The phone's operator could not be asked.
    NumberNotChecked { challenge: Uuid, reason: String },
    /// Somebody checked whose contact it is. `by` is the subject of who did, `reason` says how.
    ConfirmContact { by: String, reason: String },
}

impl From<CodeCommand> for Command {
    fn from(command: CodeCommand) -> Self {
        Self::Own(command)
    }
}

/// What only this method knows. Where a message has a `channel`, `None` is the identification's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CodeEvent {
    Challenged {
        id: Uuid,
        hash: CodeHash,
        until: Timestamp,
    },
    Delivered {
        challenge: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        #[serde(flatten)]
        taken: Taken,
    },
    NotDelivered {
        challenge: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        reason: String,
    },
    DeliveryUnknown {
        challenge: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        reason: String,
    },
    Receipt {
        challenge: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
        status: ReceiptStatus,
        word: String,
    },
    /// Nobody waits for a receipt of this message any more.
    FateUnknown {
        challenge: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<Channel>,
    },
    /// The message failed, and the same code goes out on this channel.
    Rerouted {
        challenge: Uuid,
        channel: Channel,
    },
    /// A wrong second factor when a code was asked for (`at_challenge`), else a wrong code or second factor. Which of the
    /// two is not kept and the caller is never told.
    WrongAnswer {
        at_challenge: bool,
    },
    /// What the phone's operator said. With a refusal, which only the organization reads, the code does not go out.
    NumberChecked {
        challenge: Uuid,
        answers: Vec<NumberAnswer>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refusal: Option<String>,
    },
    ContactConfirmed {
        by: String,
        reason: String,
    },
    /// Follows the right code with which the digest of the page's key came.
    ResumeKept {
        hash: ResumeHash,
    },
    /// A right code and second factor, given by somebody who had given others before.
    ProvedAgain {
        device: Device,
    },
}

impl From<CodeEvent> for Event {
    fn from(event: CodeEvent) -> Self {
        Self::Own(event)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CodeEffect {
    /// Send the code of `challenge`; useless after `until`.
    SendCode { challenge: Uuid, until: Timestamp },
    /// Ask the phone's operator before the code of `challenge` goes out; useless after `until`.
    CheckNumber { challenge: Uuid, until: Timestamp },
    /// Send the code of `challenge` again, on another channel; useless after `until`.
    Reroute { challenge: Uuid, channel: Channel, until: Timestamp },
}

/// One code that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Challenge {
    pub id: Uuid,
    pub hash: CodeHash,
    pub at: Timestamp,
    pub until: Timestamp,
    pub attempts_left: u32,
    /// Answers given to this code, right and wrong.
    #[serde(default)]
    pub answers: u32,
    /// The right answer was given to this code.
    pub answered: bool,
    /// One for each channel on which it went out, in order.
    pub sendings: Vec<Sending>,
    /// What the phone's operator said before the code went out: one answer to each question, or none yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub number_answers: Vec<NumberAnswer>,
    /// The code did not go out because of them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub refused: bool,
}

/// What is known of the codes of one identification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OneTimeCode {
    /// In order; the last one holds the current code, if it is not of before the restart.
    pub challenges: Vec<Challenge>,
    /// How many of them are of before the last restart: nothing answers them any more.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub earlier: u32,
    /// Wrong codes and second factors since the creation or the last restart.
    pub failures: u32,
    /// Earliest moment for another code.
    pub next_challenge_at: Timestamp,
    /// Who checked whose contact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmation>,
    /// The keys that pages kept, latest last; at most [`MAX_RESUME_KEYS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resume: Vec<Resume>,
    /// How often it was proved again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub proofs: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Method for OneTimeCode {
    const KIND: &'static str = "otp";
    type Creation = Creation;
    type Command = CodeCommand;
    type Event = CodeEvent;
    type Effect = CodeEffect;

    fn expires_at(creation: &Creation) -> Timestamp {
        creation.expires_at
    }

    fn purpose(creation: &Creation) -> &Purpose {
        &creation.purpose
    }

    fn new(at: Timestamp, _: &Creation) -> Self {
        Self {
            challenges: Vec::new(),
            earlier: 0,
            failures: 0,
            next_challenge_at: at,
            confirmed: None,
            resume: Vec::new(),
            proofs: 0,
        }
    }

    fn decide(data: &Data, now: Timestamp, command: CodeCommand) -> Decision<Otp> {
        match command {
            CodeCommand::Challenge { id, hash, two_factor } => {
                data.decide_challenge(now, IdentificationState::Created, id, hash, two_factor.as_deref())
            }
            CodeCommand::ChallengeAgain { id, hash, two_factor } => {
                data.decide_challenge(now, IdentificationState::Validated, id, hash, two_factor.as_deref())
            }
            CodeCommand::Validate { code, two_factor, device, resume } => {
                let given = Event::Validated { device };
                data.decide_answer(now, IdentificationState::Created, &code, two_factor.as_deref(), given, resume)
            }
            CodeCommand::ProveAgain { code, two_factor, device, resume } => {
                let given = CodeEvent::ProvedAgain { device }.into();
                data.decide_answer(now, IdentificationState::Validated, &code, two_factor.as_deref(), given, resume)
            }
            CodeCommand::Delivered { challenge, channel, taken } if data.awaits_delivery(challenge, channel) => {
                let channel = data.named(channel);
                Decision::accept([CodeEvent::Delivered { challenge, channel, taken }.into()])
            }
            CodeCommand::NotDelivered { challenge, channel, reason } if data.awaits_delivery(challenge, channel) => {
                let next = data.reroute(now, challenge, channel);
                let failed = CodeEvent::NotDelivered { challenge, channel: data.named(channel), reason };
                Decision::accept([Some(failed.into()), next].into_iter().flatten().collect::<Vec<_>>())
            }
            CodeCommand::DeliveryUnknown { challenge, channel, reason } if data.awaits_delivery(challenge, channel) => {
                let channel = data.named(channel);
                Decision::accept([CodeEvent::DeliveryUnknown { challenge, channel, reason }.into()])
            }
            CodeCommand::Receipt { challenge, channel, status, word }
                if data.takes_receipt(challenge, channel, status, &word) =>
            {
                let next = (status == ReceiptStatus::Failed).then(|| data.reroute(now, challenge, channel)).flatten();
                let receipt = CodeEvent::Receipt { challenge, channel: data.named(channel), status, word };
                Decision::accept([Some(receipt.into()), next].into_iter().flatten().collect::<Vec<_>>())
            }
            CodeCommand::NumberChecked { challenge, answers } => data.decide_number_checked(challenge, answers),
            CodeCommand::NumberNotChecked { challenge, reason } => {
                data.decide_number_checked(challenge, data.unanswered(&reason))
            }
            CodeCommand::ConfirmContact { by, reason } => data.decide_confirm(by, reason),
            // A report about an identification that has ended or a message that was reported before changes nothing.
            CodeCommand::Delivered { .. }
            | CodeCommand::NotDelivered { .. }
            | CodeCommand::DeliveryUnknown { .. }
            | CodeCommand::Receipt { .. } => Decision::nothing(),
        }
    }

    fn is_report(command: &CodeCommand) -> bool {
        match command {
            CodeCommand::Delivered { .. }
            | CodeCommand::NotDelivered { .. }
            | CodeCommand::DeliveryUnknown { .. }
            | CodeCommand::Receipt { .. }
            | CodeCommand::NumberChecked { .. }
            | CodeCommand::NumberNotChecked { .. } => true,
            CodeCommand::Challenge { .. }
            | CodeCommand::Validate { .. }
            | CodeCommand::ChallengeAgain { .. }
            | CodeCommand::ProveAgain { .. }
            | CodeCommand::ConfirmContact { .. } => false,
        }
    }

    fn apply(data: &mut Data, at: Timestamp, event: &CodeEvent) {
        match event {
            CodeEvent::Challenged { id, hash, until } => {
                data.own.add_challenge(&data.creation, at, *id, hash.clone(), *until);
            }
            CodeEvent::Delivered { challenge, channel, taken } => {
                data.set_delivery(*challenge, *channel, Delivery::Accepted { at, taken: taken.clone() });
            }
            CodeEvent::NotDelivered { challenge, channel, reason } => {
                data.set_delivery(*challenge, *channel, Delivery::Failed { at, reason: reason.clone() });
                data.lift_wait(at, *challenge);
            }
            CodeEvent::DeliveryUnknown { challenge, channel, reason } => {
                data.set_delivery(*challenge, *channel, Delivery::Unknown { at, reason: reason.clone() });
                data.lift_wait(at, *challenge);
            }
            CodeEvent::Receipt { challenge, channel, status, word } => {
                data.add_receipt(*challenge, *channel, Receipt { at, status: *status, word: word.clone() });
            }
            CodeEvent::FateUnknown { challenge, channel } => {
                if let Some(sending) = data.sending_mut(*challenge, *channel) {
                    sending.unreported = Some(at);
                }
            }
            CodeEvent::Rerouted { challenge, channel } => {
                let wait = data.creation.policy.cooldown(data.own.asked());
                data.own.reroute(at, *challenge, *channel, wait);
            }
            CodeEvent::WrongAnswer { at_challenge } => data.own.count_wrong_answer(*at_challenge),
            CodeEvent::NumberChecked { challenge, answers, refusal } => {
                data.add_answers(at, *challenge, answers, refusal.as_ref());
            }
            CodeEvent::ContactConfirmed { by, reason } => {
                data.own.confirmed = Some(Confirmation { at, by: by.clone(), reason: reason.clone() });
            }
            CodeEvent::ResumeKept { hash } => data.own.keep(at, hash.clone()),
            CodeEvent::ProvedAgain { .. } => {
                data.own.validated();
                data.own.proofs = data.own.proofs.saturating_add(1);
            }
        }
    }

    /// Single use.
    fn validated(&mut self) {
        if let Some(challenge) = self.current_mut() {
            challenge.attempts_left = 0;
            challenge.answers += 1;
            challenge.answered = true;
        }
    }

    fn restarted(data: &mut Data, at: Timestamp) {
        let own = &mut data.own;
        own.earlier = own.challenges.len() as u32;
        own.failures = 0;
        own.next_challenge_at = at;
        // What was proved before the restart counts no more.
        own.resume.clear();
    }

    /// Once nothing can be asked for any more, the current code's end is the identification's.
    fn fails_at(data: &Data) -> Option<(Timestamp, &'static str)> {
        if data.state != IdentificationState::Created || data.remaining_challenges() > 0 {
            return None;
        }
        match data.own.current() {
            Some(last) if last.attempts_left > 0 => Some((last.until, "the last code was not answered in time")),
            Some(last) if last.refused => Some((data.modified_at, number::NUMBER_REFUSED)),
            _ => Some((data.modified_at, "the last code was not answered in time")),
        }
    }

    fn due_events(data: &Data, now: Timestamp) -> Vec<CodeEvent> {
        data.fates_due(now)
    }

    fn due_at(data: &Data) -> Option<Timestamp> {
        data.next_fate_due()
    }

    fn effects(data: &Data, event: &Event) -> Vec<CodeEffect> {
        match event {
            Event::Own(CodeEvent::Challenged { id, until, .. }) if !data.questions().is_empty() => {
                vec![CodeEffect::CheckNumber { challenge: *id, until: *until }]
            }
            Event::Own(CodeEvent::Challenged { id, until, .. }) => vec![CodeEffect::SendCode { challenge: *id, until: *until }],
            Event::Own(CodeEvent::NumberChecked { challenge: id, refusal: None, .. }) => {
                let checked = data.own.challenges.iter().filter(|challenge| challenge.id == *id);
                checked.map(|checked| CodeEffect::SendCode { challenge: checked.id, until: checked.until }).collect()
            }
            Event::Own(CodeEvent::Rerouted { challenge, channel }) => {
                let rerouted = data.own.challenges.iter().find(|known| known.id == *challenge);
                let effect =
                    |known: &Challenge| CodeEffect::Reroute { challenge: known.id, channel: *channel, until: known.until };
                rerouted.map(effect).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn given_up(effect: &CodeEffect, reason: &str) -> Option<CodeCommand> {
        Some(match effect.message() {
            Ok((challenge, channel)) => CodeCommand::NotDelivered { challenge, channel, reason: reason.to_owned() },
            Err(challenge) => CodeCommand::NumberNotChecked { challenge, reason: reason.to_owned() },
        })
    }

    fn left_unknown(effect: &CodeEffect, reason: &str) -> Option<CodeCommand> {
        Some(match effect.message() {
            Ok((challenge, channel)) => CodeCommand::DeliveryUnknown { challenge, channel, reason: reason.to_owned() },
            Err(challenge) => CodeCommand::NumberNotChecked { challenge, reason: reason.to_owned() },
        })
    }
}

impl CodeEffect {
    /// The challenge whose code is sent, and on which channel; as an error, the challenge before whose code the operator is asked.
    fn message(&self) -> Result<(Uuid, Option<Channel>), Uuid> {
        match self {
            Self::SendCode { challenge, .. } => Ok((*challenge, None)),
            Self::Reroute { challenge, channel, .. } => Ok((*challenge, Some(*channel))),
            Self::CheckNumber { challenge, .. } => Err(*challenge),
        }
    }
}

impl OneTimeCode {
    /// Codes asked for since the creation or the last restart.
    fn asked(&self) -> u32 {
        (self.challenges.len() as u32).saturating_sub(self.earlier)
    }

    /// The code that an answer is about, used up or not.
    pub fn current(&self) -> Option<&Challenge> {
        self.challenges.last().filter(|_| self.asked() > 0)
    }

    fn current_mut(&mut self) -> Option<&mut Challenge> {
        if self.asked() > 0 { self.challenges.last_mut() } else { None }
    }

    fn add_challenge(&mut self, creation: &Creation, at: Timestamp, id: Uuid, hash: CodeHash, until: Timestamp) {
        let policy = &creation.policy;
        let sendings = vec![Sending::new(creation.channel, at)];
        let attempts_left = policy.attempts;
        self.challenges.push(Challenge {
            id,
            hash,
            at,
            until,
            attempts_left,
            answers: 0,
            answered: false,
            sendings,
            number_answers: Vec::new(),
            refused: false,
        });
        let cooldown = policy.cooldown(self.asked());
        self.next_challenge_at = at.checked_add_signed(cooldown).unwrap_or(Timestamp::MAX_UTC);
    }

    /// A wrong second factor at a challenge costs no try of a code.
    fn count_wrong_answer(&mut self, at_challenge: bool) {
        self.failures = self.failures.saturating_add(1);
        if let (false, Some(challenge)) = (at_challenge, self.current_mut()) {
            challenge.attempts_left = challenge.attempts_left.saturating_sub(1);
            challenge.answers += 1;
        }
    }

    /// Whether the current code can still be answered.
    fn has_open_code(&self, now: Timestamp) -> bool {
        self.current().is_some_and(|challenge| challenge.attempts_left > 0 && now < challenge.until)
    }

    fn remaining_challenges(&self, policy: &Policy) -> u32 {
        policy.challenges.saturating_sub(self.asked())
    }
}

impl Data {
    /// Codes that can still be asked for.
    pub fn remaining_challenges(&self) -> u32 {
        self.own.remaining_challenges(&self.creation.policy)
    }

    /// Tries left for the current code; `None` while none was asked for.
    pub fn remaining_attempts(&self) -> Option<u32> {
        self.own.current().map(|challenge| challenge.attempts_left)
    }

    /// When another code can be asked for; `None` once none is left.
    pub fn next_challenge_retry(&self) -> Option<Timestamp> {
        (self.remaining_challenges() > 0).then_some(self.own.next_challenge_at)
    }

    /// The challenge whose code an answer is about; `None` while no code was asked for.
    pub fn current_challenge(&self) -> Option<Uuid> {
        self.own.current().map(|challenge| challenge.id)
    }

    /// Whether another code would go out now: the first proof of one that is CREATED, a further one of one that is VALIDATED.
    pub fn grants_challenge(&self, now: Timestamp, state: IdentificationState, two_factor: Option<&str>) -> bool {
        self.refuse_unless(state).is_ok()
            && self.remaining_challenges() > 0
            && now >= self.own.next_challenge_at
            && self.second_factor_is_right(two_factor)
    }

    fn second_factor_is_right(&self, given: Option<&str>) -> bool {
        match self.creation.two_factor_type {
            None => true,
            Some(kind) => given.is_some_and(|given| self.creation.actor.has_second_factor(kind, given)),
        }
    }

    fn decide_challenge(
        &self,
        now: Timestamp,
        state: IdentificationState,
        id: Uuid,
        hash: CodeHash,
        two_factor: Option<&str>,
    ) -> Decision<Otp> {
        if let Err(refusal) = self.refuse_unless(state) {
            return Decision::refuse(refusal);
        }
        if self.remaining_challenges() == 0 {
            // An open code can still be answered; another one cannot be had.
            return Decision::refuse(wrong_state(&format!("{} without a challenge left", state.name())));
        }
        if now < self.own.next_challenge_at {
            return Decision::refuse(too_early(self.own.next_challenge_at));
        }
        if !self.second_factor_is_right(two_factor) {
            return self.count_failure(now, true);
        }
        let lifetime = Duration::seconds(self.creation.policy.code_seconds.into()).min(MAX_CODE_LIFETIME);
        let expires_at = self.creation.expires_at;
        let until = now.checked_add_signed(lifetime).map_or(expires_at, |until| until.min(expires_at));
        Decision::accept([CodeEvent::Challenged { id, hash, until }.into()])
    }

    /// `given` is what a right answer is.
    fn decide_answer(
        &self,
        now: Timestamp,
        state: IdentificationState,
        code: &TypedCode,
        two_factor: Option<&str>,
        given: Event,
        resume: Option<ResumeHash>,
    ) -> Decision<Otp> {
        if let Err(refusal) = self.refuse_unless(state) {
            return Decision::refuse(refusal);
        }
        let Some(challenge) = self.own.current() else {
            return Decision::refuse(wrong_state(&format!("{} without a code asked for", state.name())));
        };
        if self.needs_second_proof() {
            return Decision::refuse(number::second_proof_missing());
        }
        if challenge.number_answers.is_empty() && !self.questions().is_empty() {
            return Decision::refuse(wrong_state(&format!("{} and its code has not gone out yet", state.name())));
        }
        if !self.own.has_open_code(now) {
            return Decision::refuse(CODE_GONE);
        }
        // Both are compared whatever the first says, so that the time taken tells nothing.
        let code_is_right = code.answers(challenge);
        let second_factor_is_right = self.second_factor_is_right(two_factor);
        if code_is_right & second_factor_is_right {
            let kept = resume.map(|hash| CodeEvent::ResumeKept { hash }.into());
            Decision::accept(std::iter::once(given).chain(kept).collect::<Vec<_>>())
        } else {
            self.count_failure(now, false)
        }
    }
}

#[cfg(test)]
mod tests;
