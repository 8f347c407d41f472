//! The consents of one customer in one segment: choices with the evidence of their capture, in a journal.
//!
//! Rules: the contract's operations on customer consents with the notes late-capture, key-scope, deletion-and-proof, family-choices and
//! consents-id. A choice is a register of which the later capture date holds; expiry is computed at each read, so that no read depends on a
//! wake-up: the event that announces it is for whoever is to be told. A deletion hides everything at once and blocks it; the journal is erased
//! by its host when the time of blocking is over, or at once when somebody asks for that.

mod at;
mod capture;
mod expiry;
mod merge;
mod state;

use serde::{Deserialize, Serialize};

use crate::{
    Decision, Machine, Refusal, Timestamp,
    table::{Stage, State, Table},
    transitions,
    values::Hand,
};

pub use at::{Past, state_at, state_of_revision};
pub use capture::{
    Actor, ActorSource, Caller, Capture, Captured, Choice, ConsentType, Digest, Display, Format, Late, MAX_AHEAD, MAX_ID_BYTES,
    MAX_SELECTIONS, Selected, Statements,
};
pub use expiry::EXPIRING_LEAD;
pub use state::{CustomerConsents, Held, MAX_HELD, Reading, Source};

transitions! {
    for Event, in Life;
    Captured:       [Absent | Known | Blocked | Erased] => Known "choices are captured";
    Recorded:       [Known | Blocked | Erased] => Same "choices are imported that are older than the last deletion";
    Expiring:       [Known] => Same "acceptances will lapse within 30 days";
    Expired:        [Known] => Same "acceptances have lapsed, as every read has shown since";
    Deleted:        [Known] => Blocked "delete";
    RetentionEnded: [Blocked] => Same "the time of blocking is over: the journal is to be erased";
    Postponed:      [Blocked] => Same "it could not be erased; it is tried again in a day";
    Erased:         [Absent] => Erased "the journal was erased; what must survive that is carried over";
}

/// A deletion, capture or read of a customer of whom there are no choices.
pub const NOT_FOUND: Refusal = Refusal::NotFound("customer");
/// What was displayed is older than a deletion: contract note key-scope.
pub const DELETED_SINCE: Refusal =
    Refusal::Gone("the consents of this customer were deleted after they were read with this x-key; read them again");

/// After this long it is tried again to erase a journal.
const TRY_AGAIN: chrono::Duration = chrono::Duration::days(1);
/// While a journal is being erased, a capture is worth another try after this long.
const ERASING: chrono::Duration = chrono::Duration::seconds(5);

/// Where a customer's consents stand, once there were any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// There are choices, captured since the last deletion.
    Known,
    /// Deleted: for callers the customer is unknown. What there was is kept as evidence only.
    Blocked,
    /// The journal was erased: nothing that there was can be read by anybody.
    Erased,
}

impl State for Life {
    fn name(self) -> &'static str {
        match self {
            Self::Known => "KNOWN",
            Self::Blocked => "BLOCKED",
            Self::Erased => "ERASED",
        }
    }
}

/// A deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub caller: Caller,
    /// Who did it by hand; `None`: a caller of the API.
    pub by: Option<Hand>,
    /// Until when the evidence is kept, blocked; a moment that has come erases it at once.
    pub keep_until: Timestamp,
    /// Whether the organization is to be told.
    pub notify: bool,
}

/// What can be asked of it.
#[derive(Clone, Debug)]
pub enum Command {
    /// Idempotent: one with a digest that is among the last [`MAX_DIGESTS`](state::MAX_DIGESTS) is accepted without effect.
    Capture(Box<Capture>),
    Delete(Deletion),
    /// The journal could not be erased.
    NotErased,
}

/// What happens to it. The names and members are those of the journal: they never change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Captured(Box<Captured>),
    /// Kept as evidence; of no effect.
    Recorded(Box<Captured>),
    /// These acceptances lapse within [`EXPIRING_LEAD`], unless they are given again.
    Expiring {
        ids: Vec<String>,
    },
    Expired {
        ids: Vec<String>,
    },
    Deleted {
        caller: Caller,
        /// Who did it by hand; `None`: a caller of the API.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Hand>,
        keep_until: Timestamp,
        /// Consents of the opt-out types that were rejected: that stays in force.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        suppressed: Vec<String>,
        #[serde(default, skip_serializing_if = "is_false")]
        notify: bool,
    },
    RetentionEnded,
    Postponed {
        until: Timestamp,
    },
    /// What [`remains`](Machine::remains) after an erasure.
    Erased {
        revision: u32,
        barrier: u32,
        /// `None`: the moment of the erasure.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        barrier_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        suppressed: Vec<String>,
    },
}

/// What it asks of the world. Both may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Tell the organization what happened, as of this revision.
    Notify { notice: Notice, revision: u32 },
    /// Erase the journal, by its host.
    Shred,
}

/// What an organization is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    Captured,
    /// Acceptances will lapse soon.
    Expiring,
    Expired,
    Deleted,
}

fn is_false(value: &bool) -> bool {
    !value
}

impl Machine for CustomerConsents {
    const KIND: &'static str = "customer_consents";
    /// There are too many, and nobody asks for a list of customers.
    const LISTED: bool = false;
    type State = Life;
    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn stage(&self) -> Stage<Life> {
        self.life().map_or(Stage::Absent, Stage::In)
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event> {
        self.soon_to_lapse_by(now).into_iter().chain(self.lapsed_by(now)).chain(self.retention_ended_by(now)).collect()
    }

    fn decide(&self, now: Timestamp, command: Command) -> Decision<Self> {
        match command {
            Command::Capture(capture) => self.decide_capture(now, *capture),
            Command::Delete(deletion) if self.known() => {
                let Deletion { caller, by, keep_until, notify } = deletion;
                Decision::accept([Event::Deleted { caller, by, keep_until, suppressed: self.to_suppress(), notify }])
            }
            Command::Delete(_) => Decision::refuse(NOT_FOUND),
            Command::NotErased if self.is_erasing() => {
                Decision::accept([Event::Postponed { until: now.checked_add_signed(TRY_AGAIN).unwrap_or(Timestamp::MAX_UTC) }])
            }
            // It was erased after all.
            Command::NotErased => Decision::nothing(),
        }
    }

    fn apply(&mut self, at: Timestamp, event: &Event) {
        let Some(Stage::In(life)) = event.leads(self.stage()) else { return };
        self.fold(at, life, event);
    }

    fn effects(&self, event: &Event) -> Vec<Effect> {
        let notice = match event {
            Event::RetentionEnded => return vec![Effect::Shred],
            Event::Captured(captured) => captured.notify.then_some(Notice::Captured),
            Event::Expiring { .. } => self.notifies().then_some(Notice::Expiring),
            Event::Expired { .. } => self.notifies().then_some(Notice::Expired),
            Event::Deleted { notify, .. } => notify.then_some(Notice::Deleted),
            Event::Recorded(_) | Event::Postponed { .. } | Event::Erased { .. } => None,
        };
        notice.map(|notice| Effect::Notify { notice, revision: self.revision() }).into_iter().collect()
    }

    fn given_up(effect: &Effect, _: &str) -> Option<Command> {
        match effect {
            Effect::Notify { .. } => None,
            Effect::Shred => Some(Command::NotErased),
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.next_announcement().into_iter().chain(self.keep_until()).min()
    }

    /// It goes on counting where it was, so that what was displayed before stays void, and rejections of the opt-out types stay in force: ids
    /// of consents, and nothing of the customer.
    ///
    /// To erase what was deleted already changes nothing that is displayed: what was displayed since the deletion can still be answered.
    fn remains(&self) -> Option<Event> {
        let suppressed = self.to_suppress();
        Some(match self.life()? {
            Life::Known => {
                let revision = self.revision().saturating_add(1);
                Event::Erased { revision, barrier: revision, barrier_at: None, suppressed }
            }
            Life::Blocked | Life::Erased => {
                Event::Erased { revision: self.revision(), barrier: self.barrier(), barrier_at: self.barrier_at(), suppressed }
            }
        })
    }
}

#[cfg(test)]
mod tests;
