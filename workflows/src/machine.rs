//! What every machine is: decisions in, events and effects out.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Refusal, Timestamp};

/// One row of a machine's table: in state `from`, the event leads to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transition {
    pub from: &'static str,
    pub event: &'static str,
    pub to: &'static str,
}

impl Transition {
    pub const fn new(from: &'static str, event: &'static str, to: &'static str) -> Self {
        Self { from, event, to }
    }
}

/// The life of one process, as a fold of its journal.
///
/// `Default` is the state before the first event. The serialized form is the snapshot.
pub trait Machine: Default + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Names the kind in the store, in metrics and in evidence. Never changes.
    const KIND: &'static str;
    /// Every transition that can happen. The diagrams are drawn from it and the tests hold it against the code.
    const TRANSITIONS: &'static [Transition];

    type Command: Clone + Debug + Send + 'static;
    type Event: Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + 'static;
    type Effect: Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + Unpin + 'static;

    /// What the passing of time alone has decided by `now`: an expiry, say. The host asks before each command and each
    /// read, so that nothing is shown as alive after its end even when a wake-up is late.
    fn pass(&self, now: Timestamp) -> Vec<Self::Event>;

    /// What `command` leads to. Called after the events of [`pass`](Self::pass) are applied.
    fn decide(&self, now: Timestamp, command: Self::Command) -> Decision<Self>;

    /// Folds one event that happened at `at` into the state. Total: an event that does not fit changes nothing.
    fn apply(&mut self, at: Timestamp, event: &Self::Event);

    /// What `event` asks of the world; `self` is the state right after it. Pure: the same journal always asks for the same.
    fn effects(&self, event: &Self::Event) -> Vec<Self::Effect>;

    /// The command that tells the machine that an effect was given up after its last attempt. `None` if it need not know.
    fn given_up(effect: &Self::Effect, reason: &str) -> Option<Self::Command>;

    /// The next moment at which time alone decides something.
    fn wake_at(&self) -> Option<Timestamp>;

    /// Whether the process is there: created and not deleted.
    fn exists(&self) -> bool;

    /// The state's name in the table, `-` before the first event.
    fn state_name(&self) -> &'static str;

    /// The event's name in the table.
    fn event_name(event: &Self::Event) -> &'static str;

    /// Whether the table has a row for `event` in this state. `apply` asks first, so that a final state stays as it is
    /// whatever a journal holds.
    fn admits(&self, event: &Self::Event) -> bool {
        let (state, event) = (self.state_name(), Self::event_name(event));
        Self::TRANSITIONS.iter().any(|row| row.from == state && row.event == event)
    }
}

/// How a command is answered.
pub type Answer = Result<(), Refusal>;

/// What a command leads to: the facts to journal and the answer to give once they are durable. A refusal may leave
/// facts too, such as a wrong code that was counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<M: Machine> {
    pub events: Vec<M::Event>,
    pub answer: Answer,
}

impl<M: Machine> Decision<M> {
    pub fn accept(events: impl Into<Vec<M::Event>>) -> Self {
        Self { events: events.into(), answer: Ok(()) }
    }

    /// Accepted, and nothing to record: the command was carried out before, or is late and harmless.
    pub fn nothing() -> Self {
        Self { events: Vec::new(), answer: Ok(()) }
    }

    pub fn refuse(refusal: Refusal) -> Self {
        Self { events: Vec::new(), answer: Err(refusal) }
    }

    pub fn refuse_recording(refusal: Refusal, events: impl Into<Vec<M::Event>>) -> Self {
        Self { events: events.into(), answer: Err(refusal) }
    }
}
