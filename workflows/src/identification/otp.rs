//! Identification by a one-time code that is sent over a channel and typed back.
//!
//! Rules: NIST SP 800-63B-4 section 3.1.3 (single use, at most 10 minutes, a new code does not reset the count of
//! failures, at most 100 consecutive failures) and the contract's `validate_otp_identification` and
//! `challenge_otp_identification`. The code itself is never here: a challenge is known by its id and the HMAC of its code.
//!
//! | state     | what happens                  | event           | state after           |
//! |-----------|-------------------------------|-----------------|-----------------------|
//! | -         | create                        | created         | CREATED               |
//! | CREATED   | a code is asked for           | challenged      | CREATED               |
//! | CREATED   | the channel answers           | delivered / not | CREATED               |
//! | CREATED, VALIDATED | the provider reports | receipt         | the same              |
//! | VALIDATED | the channel answers late      | delivered / not | VALIDATED             |
//! | CREATED   | wrong code or second factor   | wrong answer    | CREATED               |
//! | CREATED   | right code and second factor  | validated       | VALIDATED             |
//! | CREATED   | codes or failures used up     | failed          | FAILED                |
//! | VALIDATED | close, or the signature used it | succeeded     | SUCCEEDED             |
//! | CREATED, VALIDATED | cancel               | cancelled       | CANCELLED             |
//! | CREATED, VALIDATED | the time limit passes | expired        | EXPIRED               |
//! | any       | delete (force unless CREATED) | deleted         | DELETED               |

mod code;
mod receipt;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Channel, Contact, Decision, Device, IdentificationState, Machine, Refusal, Timestamp, Transition, TwoFactorType};

pub use code::{CodeHash, TypedCode};
pub use receipt::{MAX_RECEIPTS, Receipt, ReceiptStatus};

/// Longest life of an identification (contract: at most 30 days).
pub const MAX_EXPIRY: Duration = Duration::days(30);

/// Most failures in a row, whatever is configured (NIST SP 800-63B-4, 3.2.2).
pub const MAX_FAILURES: u32 = 100;

/// Longest life of one code (NIST SP 800-63B-4, 3.1.3.2).
pub const MAX_CODE_LIFETIME: Duration = Duration::minutes(10);

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
    /// Life of one code in seconds, at most [`MAX_CODE_LIFETIME`].
    pub code_seconds: u32,
    /// Wait after the first, second, ... code in seconds; the last one holds for all further codes.
    pub cooldown_seconds: Vec<u32>,
    /// Failures in all after which the identification fails, at most [`MAX_FAILURES`].
    pub failures: u32,
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

    fn cooldown(&self, challenge_number: u32) -> Duration {
        let index = (challenge_number.max(1) - 1) as usize;
        let seconds = self.cooldown_seconds.get(index).or(self.cooldown_seconds.last()).copied().unwrap_or(0);
        Duration::seconds(seconds.into())
    }
}

/// The sign process that an identification belongs to, and what the message with the code names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_process: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Uuid>,
    /// Names of the documents that the code will sign.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<String>,
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
    #[serde(default)]
    pub purpose: Purpose,
}

#[derive(Clone, Debug)]
pub enum Command {
    /// Idempotent: a repeated creation of the same identification is accepted without effect.
    Create(Box<Creation>),
    /// `id` and `hash` are of the code that will be sent if the challenge is granted.
    Challenge {
        id: Uuid,
        hash: CodeHash,
        two_factor: Option<String>,
    },
    Validate {
        code: TypedCode,
        two_factor: Option<String>,
        device: Device,
    },
    Cancel {
        reason: Option<String>,
    },
    Close,
    Delete {
        force: bool,
    },
    /// The channel took the message of a challenge.
    Delivered {
        challenge: Uuid,
        provider_id: Option<String>,
    },
    /// The message of a challenge will not arrive, or nobody can tell.
    NotDelivered {
        challenge: Uuid,
        reason: String,
    },
    /// The provider reports on the message of a challenge. `word` is its own for the status.
    Receipt {
        challenge: Uuid,
        status: ReceiptStatus,
        word: String,
    },
    /// Looks at the clock only.
    Look,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Created(Box<Creation>),
    Challenged {
        id: Uuid,
        hash: CodeHash,
        until: Timestamp,
    },
    Delivered {
        challenge: Uuid,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider_id: Option<String>,
    },
    NotDelivered {
        challenge: Uuid,
        reason: String,
    },
    Receipt {
        challenge: Uuid,
        status: ReceiptStatus,
        word: String,
    },
    /// A wrong second factor when a code was asked for (`at_challenge`), else a wrong code or second factor. Which of the
    /// two is not kept and the caller is never told.
    WrongAnswer {
        at_challenge: bool,
    },
    Validated {
        device: Device,
    },
    Succeeded,
    Failed {
        reason: String,
    },
    Cancelled {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    Expired,
    Deleted,
}

/// No such identification, or it was deleted.
pub const NOT_FOUND: Refusal = Refusal::NotFound("identification");
/// An identification with this id exists and is another one.
pub const EXISTS: Refusal = Refusal::Exists("identification");
/// Which of the two is not told.
pub const WRONG_ANSWER: Refusal = Refusal::Forbidden("the code or the second factor is wrong");
/// The code is used up or its life is over.
pub const CODE_GONE: Refusal = Refusal::Gone("the code is used up or has expired; ask for another one");
/// Deletion in this state needs force.
pub const FORCE_NEEDED: Refusal = Refusal::Forbidden(
    "the identification is not CREATED: deleting it needs force=true and the role identification_force_delete",
);

fn wrong_state(state: &str) -> Refusal {
    Refusal::state(format!("the identification is {state}"))
}

fn too_early(retry_at: Timestamp) -> Refusal {
    Refusal::TooEarly { what: "another code can be asked for from", retry_at }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Send the code of `challenge`; useless after `until`.
    SendCode { challenge: Uuid, until: Timestamp },
    /// Tell the sign process what became of its signer's identification.
    TellProcess { sign_process: Uuid, state: IdentificationState },
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
    #[serde(default)]
    pub delivery: Delivery,
    /// In the order in which they came; at most [`MAX_RECEIPTS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
}

/// What became of a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    #[default]
    Pending,
    Accepted {
        at: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider_id: Option<String>,
    },
    Failed {
        at: Timestamp,
        reason: String,
    },
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Otp {
    life: Option<Box<Life>>,
}

/// Everything that is known of an identification that was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Life {
    pub creation: Creation,
    pub state: IdentificationState,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// In order; the last one holds the current code.
    pub challenges: Vec<Challenge>,
    /// Wrong codes and second factors since the creation.
    pub failures: u32,
    /// Earliest moment for another code.
    pub next_challenge_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<Validation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
}

/// When, and from which device, the right code came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    pub at: Timestamp,
    pub device: Device,
}

impl Life {
    /// Codes that can still be asked for.
    pub fn remaining_challenges(&self) -> u32 {
        self.creation.policy.challenges.saturating_sub(self.challenges.len() as u32)
    }

    /// Tries left for the current code; `None` while none was asked for.
    pub fn remaining_attempts(&self) -> Option<u32> {
        self.challenges.last().map(|challenge| challenge.attempts_left)
    }

    /// When another code can be asked for; `None` once none is left.
    pub fn next_challenge_retry(&self) -> Option<Timestamp> {
        (self.remaining_challenges() > 0).then_some(self.next_challenge_at)
    }

    /// Whether the current code can still be answered.
    fn has_open_code(&self, now: Timestamp) -> bool {
        self.challenges.last().is_some_and(|challenge| challenge.attempts_left > 0 && now < challenge.until)
    }

    /// Whether nothing can be asked for or answered any more.
    fn is_used_up(&self, now: Timestamp) -> bool {
        self.state == IdentificationState::Created && self.remaining_challenges() == 0 && !self.has_open_code(now)
    }

    /// Whether another code would go out now.
    pub fn grants_challenge(&self, now: Timestamp, two_factor: Option<&str>) -> bool {
        self.state == IdentificationState::Created
            && self.remaining_challenges() > 0
            && now >= self.next_challenge_at
            && self.second_factor_is_right(two_factor)
    }

    fn second_factor_is_right(&self, given: Option<&str>) -> bool {
        match self.creation.two_factor_type {
            None => true,
            Some(kind) => given.is_some_and(|given| self.creation.actor.has_second_factor(kind, given)),
        }
    }
}

const CREATED: &str = "CREATED";
const VALIDATED: &str = "VALIDATED";
const SUCCEEDED: &str = "SUCCEEDED";
const FAILED: &str = "FAILED";
const CANCELLED: &str = "CANCELLED";
const EXPIRED: &str = "EXPIRED";
const DELETED: &str = "DELETED";

impl Machine for Otp {
    const KIND: &'static str = "otp";
    const TRANSITIONS: &'static [Transition] = &[
        Transition::new("-", "created", CREATED),
        Transition::new(CREATED, "challenged", CREATED),
        Transition::new(CREATED, "delivered", CREATED),
        Transition::new(CREATED, "not delivered", CREATED),
        Transition::new(CREATED, "receipt", CREATED),
        Transition::new(CREATED, "wrong answer", CREATED),
        Transition::new(CREATED, "validated", VALIDATED),
        Transition::new(CREATED, "failed", FAILED),
        Transition::new(CREATED, "cancelled", CANCELLED),
        Transition::new(CREATED, "expired", EXPIRED),
        Transition::new(VALIDATED, "delivered", VALIDATED),
        Transition::new(VALIDATED, "not delivered", VALIDATED),
        Transition::new(VALIDATED, "receipt", VALIDATED),
        Transition::new(VALIDATED, "succeeded", SUCCEEDED),
        Transition::new(VALIDATED, "cancelled", CANCELLED),
        Transition::new(VALIDATED, "expired", EXPIRED),
        Transition::new(CREATED, "deleted", DELETED),
        Transition::new(VALIDATED, "deleted", DELETED),
        Transition::new(SUCCEEDED, "deleted", DELETED),
        Transition::new(FAILED, "deleted", DELETED),
        Transition::new(CANCELLED, "deleted", DELETED),
        Transition::new(EXPIRED, "deleted", DELETED),
    ];

    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn pass(&self, now: Timestamp) -> Vec<Event> {
        let (Some(life), Some(due)) = (self.alive(), self.wake_at()) else { return Vec::new() };
        if now < due {
            Vec::new()
        } else if due < life.creation.expires_at {
            // Even if nobody looks before the time limit has passed too: when one looks must not decide how it ends.
            vec![Event::Failed { reason: "the last code was not answered in time".into() }]
        } else {
            vec![Event::Expired]
        }
    }

    fn decide(&self, now: Timestamp, command: Command) -> Decision<Self> {
        let Some(life) = self.alive() else { return self.decide_absent(command) };
        match command {
            Command::Create(creation) if *creation == life.creation => Decision::nothing(),
            Command::Create(_) => Decision::refuse(EXISTS),
            Command::Challenge { id, hash, two_factor } => life.decide_challenge(now, id, hash, two_factor.as_deref()),
            Command::Validate { code, two_factor, device } => life.decide_validate(now, &code, two_factor.as_deref(), device),
            Command::Cancel { reason } => match life.state {
                IdentificationState::Created | IdentificationState::Validated => Decision::accept([Event::Cancelled { reason }]),
                state => Decision::refuse(wrong_state(state.name())),
            },
            Command::Close => match life.state {
                IdentificationState::Validated => Decision::accept([Event::Succeeded]),
                state => Decision::refuse(wrong_state(state.name())),
            },
            Command::Delete { force } if force || life.state == IdentificationState::Created => {
                Decision::accept([Event::Deleted])
            }
            Command::Delete { .. } => Decision::refuse(FORCE_NEEDED),
            Command::Delivered { challenge, provider_id } if life.awaits_delivery(challenge) => {
                Decision::accept([Event::Delivered { challenge, provider_id }])
            }
            Command::NotDelivered { challenge, reason } if life.awaits_delivery(challenge) => {
                Decision::accept([Event::NotDelivered { challenge, reason }])
            }
            Command::Receipt { challenge, status, word } if life.takes_receipt(challenge, status, &word) => {
                Decision::accept([Event::Receipt { challenge, status, word }])
            }
            // A report about an identification that has ended or a message that was reported before changes nothing.
            Command::Delivered { .. } | Command::NotDelivered { .. } | Command::Receipt { .. } | Command::Look => {
                Decision::nothing()
            }
        }
    }

    fn apply(&mut self, at: Timestamp, event: &Event) {
        if !self.admits(event) {
            return;
        }
        if let Event::Created(creation) = event {
            self.life = Some(Box::new(Life::new(at, (**creation).clone())));
            return;
        }
        let Some(life) = &mut self.life else { return };
        match event {
            Event::Created(_) => {}
            Event::Challenged { id, hash, until } => life.add_challenge(at, *id, hash.clone(), *until),
            Event::Delivered { challenge, provider_id } => {
                life.set_delivery(*challenge, Delivery::Accepted { at, provider_id: provider_id.clone() });
            }
            Event::NotDelivered { challenge, reason } => {
                life.set_delivery(*challenge, Delivery::Failed { at, reason: reason.clone() });
                // Who got no code must not wait for another one. What became of an earlier code says nothing about it.
                if life.challenges.last().is_some_and(|current| current.id == *challenge) {
                    life.next_challenge_at = life.next_challenge_at.min(at);
                }
            }
            Event::Receipt { challenge, status, word } => {
                life.add_receipt(*challenge, Receipt { at, status: *status, word: word.clone() });
            }
            Event::WrongAnswer { at_challenge } => life.count_wrong_answer(*at_challenge),
            Event::Validated { device } => {
                life.state = IdentificationState::Validated;
                life.validated = Some(Validation { at, device: device.clone() });
                // Single use.
                if let Some(challenge) = life.challenges.last_mut() {
                    challenge.attempts_left = 0;
                    challenge.answers += 1;
                }
            }
            Event::Succeeded => life.state = IdentificationState::Succeeded,
            Event::Failed { reason } => life.end(IdentificationState::Failed, Some(reason.clone())),
            Event::Cancelled { reason } => life.end(IdentificationState::Cancelled, reason.clone()),
            Event::Expired => life.end(IdentificationState::Expired, None),
            Event::Deleted => life.deleted = true,
        }
        life.modified_at = at;
    }

    fn effects(&self, event: &Event) -> Vec<Effect> {
        let Some(life) = &self.life else { return Vec::new() };
        let told = match event {
            Event::Challenged { id, until, .. } => return vec![Effect::SendCode { challenge: *id, until: *until }],
            Event::Validated { .. } | Event::Succeeded | Event::Failed { .. } | Event::Cancelled { .. } | Event::Expired => {
                life.state
            }
            // To the process a deleted identification is one that was cancelled.
            Event::Deleted => IdentificationState::Cancelled,
            Event::Created(_)
            | Event::Delivered { .. }
            | Event::NotDelivered { .. }
            | Event::Receipt { .. }
            | Event::WrongAnswer { .. } => return Vec::new(),
        };
        let sign_process = life.creation.purpose.sign_process;
        sign_process.map(|sign_process| Effect::TellProcess { sign_process, state: told }).into_iter().collect()
    }

    fn given_up(effect: &Effect, reason: &str) -> Option<Command> {
        match effect {
            Effect::SendCode { challenge, .. } => {
                Some(Command::NotDelivered { challenge: *challenge, reason: reason.to_owned() })
            }
            Effect::TellProcess { .. } => None,
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let life = self.alive().filter(|life| !life.state.is_final())?;
        let expires_at = life.creation.expires_at;
        if life.state != IdentificationState::Created || life.remaining_challenges() > 0 {
            return Some(expires_at);
        }
        // Nothing can be asked for any more: the current code's end is the identification's.
        let open_until = life.challenges.last().filter(|challenge| challenge.attempts_left > 0).map(|challenge| challenge.until);
        Some(open_until.unwrap_or(life.modified_at).min(expires_at))
    }

    fn exists(&self) -> bool {
        self.alive().is_some()
    }

    fn state_name(&self) -> &'static str {
        match &self.life {
            None => "-",
            Some(life) if life.deleted => DELETED,
            Some(life) => life.state.name(),
        }
    }

    fn event_name(event: &Event) -> &'static str {
        match event {
            Event::Created(_) => "created",
            Event::Challenged { .. } => "challenged",
            Event::Delivered { .. } => "delivered",
            Event::NotDelivered { .. } => "not delivered",
            Event::Receipt { .. } => "receipt",
            Event::WrongAnswer { .. } => "wrong answer",
            Event::Validated { .. } => "validated",
            Event::Succeeded => "succeeded",
            Event::Failed { .. } => "failed",
            Event::Cancelled { .. } => "cancelled",
            Event::Expired => "expired",
            Event::Deleted => "deleted",
        }
    }
}

impl Otp {
    /// The identification, unless it was never created or is deleted.
    pub fn alive(&self) -> Option<&Life> {
        self.life.as_deref().filter(|life| !life.deleted)
    }

    /// The identification even when it is deleted: for evidence.
    pub fn life(&self) -> Option<&Life> {
        self.life.as_deref()
    }

    fn decide_absent(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Create(creation) => match &self.life {
                None => Decision::accept([Event::Created(creation)]),
                Some(deleted) if deleted.creation == *creation => Decision::nothing(),
                Some(_) => Decision::refuse(EXISTS),
            },
            Command::Delivered { .. } | Command::NotDelivered { .. } | Command::Receipt { .. } | Command::Look => {
                Decision::nothing()
            }
            _ => Decision::refuse(NOT_FOUND),
        }
    }
}

impl Life {
    fn new(at: Timestamp, creation: Creation) -> Self {
        Self {
            creation,
            state: IdentificationState::Created,
            deleted: false,
            created_at: at,
            modified_at: at,
            challenges: Vec::new(),
            failures: 0,
            next_challenge_at: at,
            validated: None,
            end_reason: None,
        }
    }

    fn add_challenge(&mut self, at: Timestamp, id: Uuid, hash: CodeHash, until: Timestamp) {
        let attempts_left = self.creation.policy.attempts;
        let (delivery, receipts) = (Delivery::Pending, Vec::new());
        self.challenges.push(Challenge { id, hash, at, until, attempts_left, answers: 0, delivery, receipts });
        let cooldown = self.creation.policy.cooldown(self.challenges.len() as u32);
        self.next_challenge_at = at.checked_add_signed(cooldown).unwrap_or(Timestamp::MAX_UTC);
    }

    /// A wrong second factor at a challenge costs no try of a code.
    fn count_wrong_answer(&mut self, at_challenge: bool) {
        self.failures = self.failures.saturating_add(1);
        if let (false, Some(challenge)) = (at_challenge, self.challenges.last_mut()) {
            challenge.attempts_left = challenge.attempts_left.saturating_sub(1);
            challenge.answers += 1;
        }
    }

    fn set_delivery(&mut self, id: Uuid, delivery: Delivery) {
        if let Some(challenge) = self.challenges.iter_mut().find(|challenge| challenge.id == id) {
            challenge.delivery = delivery;
        }
    }

    fn end(&mut self, state: IdentificationState, reason: Option<String>) {
        self.state = state;
        self.end_reason = reason;
    }

    /// Reports are folded only while they can still matter; a final state never changes.
    fn awaits_delivery(&self, id: Uuid) -> bool {
        !self.state.is_final()
            && self.challenges.iter().any(|challenge| challenge.id == id && challenge.delivery == Delivery::Pending)
    }

    fn decide_challenge(&self, now: Timestamp, id: Uuid, hash: CodeHash, two_factor: Option<&str>) -> Decision<Otp> {
        if self.state != IdentificationState::Created {
            return Decision::refuse(wrong_state(self.state.name()));
        }
        if self.remaining_challenges() == 0 {
            // An open code can still be answered; another one cannot be had.
            return Decision::refuse(wrong_state("CREATED without a challenge left"));
        }
        if now < self.next_challenge_at {
            return Decision::refuse(too_early(self.next_challenge_at));
        }
        if !self.second_factor_is_right(two_factor) {
            return self.count_failure(now, true);
        }
        let lifetime = Duration::seconds(self.creation.policy.code_seconds.into()).min(MAX_CODE_LIFETIME);
        let expires_at = self.creation.expires_at;
        let until = now.checked_add_signed(lifetime).map_or(expires_at, |until| until.min(expires_at));
        Decision::accept([Event::Challenged { id, hash, until }])
    }

    fn decide_validate(&self, now: Timestamp, code: &TypedCode, two_factor: Option<&str>, device: Device) -> Decision<Otp> {
        if self.state != IdentificationState::Created {
            return Decision::refuse(wrong_state(self.state.name()));
        }
        let Some(challenge) = self.challenges.last() else {
            return Decision::refuse(wrong_state("CREATED without a code asked for"));
        };
        if !self.has_open_code(now) {
            return Decision::refuse(CODE_GONE);
        }
        // Both are compared whatever the first says, so that the time taken tells nothing.
        let code_is_right = code.answers(challenge);
        let second_factor_is_right = self.second_factor_is_right(two_factor);
        if code_is_right & second_factor_is_right {
            Decision::accept([Event::Validated { device }])
        } else {
            self.count_failure(now, false)
        }
    }

    fn count_failure(&self, now: Timestamp, at_challenge: bool) -> Decision<Otp> {
        let mut events = vec![Event::WrongAnswer { at_challenge }];
        let mut after = self.clone();
        after.count_wrong_answer(at_challenge);
        if after.failures >= self.creation.policy.failures.min(MAX_FAILURES) {
            events.push(Event::Failed { reason: "too many wrong answers".into() });
        } else if after.is_used_up(now) {
            events.push(Event::Failed { reason: "the last try of the last code was wrong".into() });
        }
        Decision::refuse_recording(WRONG_ANSWER, events)
    }
}

#[cfg(test)]
mod tests;
