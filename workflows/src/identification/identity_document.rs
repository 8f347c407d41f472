//! Identification by an identity document, whose images a scoring session takes in and has scored.
//!
//! Rules: the contract's `validate_identity_document_identification` with the note identity-document-check. The session tells of each
//! result, so that a validation is decided by this journal alone. What all identifications share is in [`lifecycle`](super::lifecycle).

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Identification, Method, Purpose,
    lifecycle::{self, wrong_state},
    otp::{Resume, ResumeHash, knows},
};
use crate::{
    Contact, Decision, Device, IdentificationState, Refusal, Timestamp,
    scoring::{self, DocumentClass, Level},
    transitions,
    values::{Problems, duration::Bounds},
};

pub use super::lifecycle::{EXISTS, FORCE_NEEDED, NOT_FOUND};

transitions! {
    for CheckEvent, in IdentificationState;
    Scored:  [Created] => Same "the scoring session has a result";
    Refused: [Created] => Same "validate, and the result does not pass";
    ResumeKept: [Validated] => Same "the person's page keeps a key to come back with";
}

/// The machine.
pub type IdentityDocument = Identification<DocumentCheck>;
pub type Command = lifecycle::Command<DocumentCheck>;
pub type Event = lifecycle::Event<DocumentCheck>;
pub type Effect = lifecycle::Effect<DocumentCheck>;
pub type Data = lifecycle::Data<DocumentCheck>;

/// Time limit, from the creation (contract: at most 30 days; no minimum is stated).
pub const TIME_LIMIT: Bounds = Bounds::up_to(Duration::days(30));

/// Validations that may be refused where nothing else is configured.
pub const DEFAULT_ATTEMPTS: u32 = 3;
/// Maximum number of them.
pub const MAX_ATTEMPTS: u32 = 100;

/// The result does not pass. Each such refusal takes an attempt.
pub const NOT_PASSED: &str = "the scoring of the identity document did not pass; submit better images and validate again";
/// There is nothing to decide by; this takes no attempt.
pub const NOT_SCORED: &str = "the identity document has no scoring result yet; submit its images to the scoring session first";

/// What the id of a scoring session differs by from that of its identification: five letters among the random bits of a UUID.
const SCORING: u128 = 0x73_636f_7265 << 32;

/// The scoring session of an identification in one round (from 0; a restart begins the next): the same whenever it is asked for, so that a
/// repeated effect opens no second one. Two rounds have two sessions, and so have two identifications, as their ids are random.
pub fn scoring_id(identification: Uuid, round: u32) -> Uuid {
    Uuid::from_u128(identification.as_u128() ^ SCORING ^ u128::from(round))
}

/// Who checks the document, and how. Taken from the request and the configuration when an identification, or a sign process that will
/// make one, is created; journaled with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Who scores: INTERNAL, EXTERNAL or the name of a service.
    pub provider: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Validations that may be refused, from 1 to [`MAX_ATTEMPTS`].
    pub validation_attempts: u32,
    /// Attempts of the scoring session.
    pub scoring_attempts: u32,
    /// Times of the scoring session.
    pub policy: scoring::Policy,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            provider: "INTERNAL".into(),
            level: None,
            validation_attempts: DEFAULT_ATTEMPTS,
            scoring_attempts: scoring::DEFAULT_ATTEMPTS,
            policy: scoring::Policy::default(),
        }
    }
}

/// What an identification is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    pub actor: Contact,
    pub document: DocumentClass,
    pub terms: Terms,
    pub expires_at: Timestamp,
    #[serde(default)]
    pub purpose: Purpose,
}

impl Creation {
    /// What its scoring session of one round is made of.
    pub fn scoring(&self, identification: Uuid, round: u32) -> scoring::Creation {
        scoring::Creation {
            document: self.document.clone(),
            provider: self.terms.provider.clone(),
            level: self.terms.level,
            declared: Some(self.actor.clone()),
            max_attempts: self.terms.scoring_attempts,
            expires_at: self.expires_at,
            policy: self.terms.policy.clone(),
            purpose: scoring::Purpose { identification: Some(identification), round, sign_process: self.purpose.sign_process },
        }
    }
}

/// An identification as it is asked for; nothing of it is checked yet.
#[derive(Clone, Debug)]
pub struct Request {
    pub actor: Contact,
    /// ISO-8601; without it, [`TIME_LIMIT`]'s maximum.
    pub expires_in: Option<String>,
}

impl Request {
    /// What an identification that is created at `now`, without a sign process, is made of.
    ///
    /// # Errors
    /// Everything that is wrong, with the members of the contract's `CreateIdentityDocumentIdentificationRequest`.
    pub fn checked(self, now: Timestamp, terms: Terms) -> Result<Creation, Problems> {
        let mut problems = Problems::default();
        let actor = self.actor.checked("actor", &mut problems);
        actor.check_identity_document("actor", "it is what is checked", &mut problems);
        let expires_in = self.expires_in.as_deref().map_or(Ok(TIME_LIMIT.max()), |text| TIME_LIMIT.read(text));
        let expires_in = problems.take("expires_in", expires_in);
        match (actor.identity_document.as_ref().map(DocumentClass::from), expires_in) {
            (Some(document), Some(expires_in)) if problems.is_empty() => {
                Ok(Creation { actor, document, terms, expires_at: now + expires_in, purpose: Purpose::default() })
            }
            _ => Err(problems),
        }
    }
}

/// What only this method understands.
#[derive(Clone, Debug)]
pub enum CheckCommand {
    /// `resume` is the digest of a key with which the page may come back.
    Validate { device: Device, resume: Option<ResumeHash> },
    /// The session of `round` has the result of its attempt `number`, from 1. Ignored if it is of an earlier round or attempt.
    Scored { round: u32, number: u32, passing: bool },
}

impl From<CheckCommand> for Command {
    fn from(command: CheckCommand) -> Self {
        Self::Own(command)
    }
}

/// What only this method knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CheckEvent {
    Scored {
        number: u32,
        passing: bool,
    },
    /// A validation by a result that does not pass.
    Refused {
        device: Device,
    },
    /// The page of who was validated may come back with the key of this digest.
    ResumeKept {
        hash: ResumeHash,
    },
}

impl From<CheckEvent> for Event {
    fn from(event: CheckEvent) -> Self {
        Self::Own(event)
    }
}

/// What it asks of its scoring sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum CheckEffect {
    OpenScoring {
        round: u32,
    },
    CloseScoring {
        round: u32,
    },
    /// Those of all rounds up to this one: nobody may read them any more, and their images go.
    EraseScorings {
        last_round: u32,
    },
}

/// What is known of the check of one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DocumentCheck {
    /// From 0; grows with each restart.
    pub round: u32,
    /// Validations of this round that were refused.
    pub refused: u32,
    /// The newest result of this round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scored: Option<Scored>,
    /// The key that the page kept, if it kept one: at most one, as only the one validation brings it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resume: Vec<Resume>,
}

/// A result, as far as a validation needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scored {
    /// Number of the attempt, from 1.
    pub number: u32,
    pub passing: bool,
}

impl Method for DocumentCheck {
    const KIND: &'static str = "identity_document";
    type Creation = Creation;
    type Command = CheckCommand;
    type Event = CheckEvent;
    type Effect = CheckEffect;

    fn expires_at(creation: &Creation) -> Timestamp {
        creation.expires_at
    }

    fn purpose(creation: &Creation) -> &Purpose {
        &creation.purpose
    }

    fn new(_: Timestamp, _: &Creation) -> Self {
        Self::default()
    }

    fn decide(data: &Data, _: Timestamp, command: CheckCommand) -> Decision<IdentityDocument> {
        match command {
            CheckCommand::Validate { device, resume } => data.decide_validate(device, resume),
            CheckCommand::Scored { round, number, passing } if data.takes_result(round, number) => {
                Decision::accept([CheckEvent::Scored { number, passing }.into()])
            }
            CheckCommand::Scored { .. } => Decision::nothing(),
        }
    }

    fn is_report(command: &CheckCommand) -> bool {
        matches!(command, CheckCommand::Scored { .. })
    }

    fn apply(data: &mut Data, at: Timestamp, event: &CheckEvent) {
        match event {
            CheckEvent::Scored { number, passing } => {
                data.own.scored = Some(Scored { number: *number, passing: *passing });
            }
            CheckEvent::Refused { .. } => data.own.refused = data.own.refused.saturating_add(1),
            CheckEvent::ResumeKept { hash } => data.own.resume = vec![Resume { hash: hash.clone(), at }],
        }
    }

    fn validated(&mut self) {}

    /// A new session, which nothing of the earlier ones touches.
    fn restarted(data: &mut Data, _: Timestamp) {
        data.own = Self { round: data.own.round.saturating_add(1), ..Self::default() };
    }

    fn fails_at(_: &Data) -> Option<(Timestamp, &'static str)> {
        None
    }

    fn effects(data: &Data, event: &Event) -> Vec<CheckEffect> {
        let round = data.own.round;
        match event {
            // After a restart of what was not validated it is the session that is open already, and opening it again changes nothing.
            Event::Created(_) | Event::Restarted { .. } => vec![CheckEffect::OpenScoring { round }],
            // What proved it stays as it was; and who is not identified any more need not submit images.
            Event::Validated { .. } | Event::Failed { .. } | Event::Cancelled { .. } | Event::Expired => {
                vec![CheckEffect::CloseScoring { round }]
            }
            Event::Deleted => vec![CheckEffect::EraseScorings { last_round: round }],
            // It was closed when the identification was validated.
            Event::Succeeded | Event::Own(_) => Vec::new(),
        }
    }

    fn given_up(_: &CheckEffect, _: &str) -> Option<CheckCommand> {
        None
    }
}

impl Data {
    /// Validations that may still be refused.
    pub fn remaining_attempts(&self) -> u32 {
        self.allowed_attempts().saturating_sub(self.own.refused)
    }

    fn allowed_attempts(&self) -> u32 {
        self.creation.terms.validation_attempts.clamp(1, MAX_ATTEMPTS)
    }

    /// Results may come late, twice, and in another order.
    fn takes_result(&self, round: u32, number: u32) -> bool {
        let is_newer = self.own.scored.is_none_or(|scored| number > scored.number);
        self.state == IdentificationState::Created && round == self.own.round && is_newer
    }

    /// Whether a page with this key need not prove again, of keys that work for `lifetime` after they were kept. Not once the identification
    /// ended otherwise than by its use. There is no other way back: the session takes no image any more.
    pub fn resumes(&self, now: Timestamp, key: &ResumeHash, lifetime: Duration) -> bool {
        let usable = matches!(self.state, IdentificationState::Validated | IdentificationState::Succeeded) && !self.deleted;
        usable & knows(&self.own.resume, now, key, lifetime)
    }

    fn decide_validate(&self, device: Device, resume: Option<ResumeHash>) -> Decision<IdentityDocument> {
        if self.state != IdentificationState::Created {
            return Decision::refuse(wrong_state(self.state.name()));
        }
        match self.own.scored {
            None => Decision::refuse(Refusal::state(NOT_SCORED)),
            Some(Scored { passing: true, .. }) => {
                let kept = resume.map(|hash| CheckEvent::ResumeKept { hash }.into());
                Decision::accept(std::iter::once(Event::Validated { device }).chain(kept).collect::<Vec<_>>())
            }
            Some(Scored { passing: false, .. }) => {
                let mut events = vec![CheckEvent::Refused { device }.into()];
                if self.remaining_attempts() <= 1 {
                    events.push(Event::Failed { reason: "the scoring did not pass at the last validation".into() });
                }
                Decision::refuse_recording(Refusal::state(NOT_PASSED), events)
            }
        }
    }
}

#[cfg(test)]
mod tests;
