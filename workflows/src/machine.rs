//! What every machine is: decisions in, events and effects out.

use std::fmt::Debug;

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Attribute, Refusal, Timestamp,
    table::{Stage, State, Table, ends_in},
};

/// The life of one process, as a fold of its journal.
///
/// `Default` is the state before the first event. The serialized form is the snapshot.
pub trait Machine: Default + Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Names the kind in the store, in metrics and in evidence. Never changes.
    const KIND: &'static str;

    /// Whether processes of the kind appear in the store's listings.
    const LISTED: bool = true;

    type State: State;
    /// What can be asked of it. Data: whatever needs a key, a clock or I/O is done before.
    type Command: Clone + Debug + Send + 'static;
    /// What happened. Its table is the machine's.
    type Event: Table<State = Self::State> + Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + 'static;
    type Effect: Serialize + DeserializeOwned + Clone + Debug + PartialEq + Send + Sync + Unpin + 'static;

    /// Where the process stands in its table.
    fn stage(&self) -> Stage<Self::State>;

    /// The events that time alone has brought about by `now`: an expiry, say. The host asks before each command and each
    /// read, so that nothing is shown as under way after its end even when a wake-up is late.
    fn due_events(&self, now: Timestamp) -> Vec<Self::Event>;

    /// What `command` leads to. Called after the [due events](Self::due_events) are applied.
    fn decide(&self, now: Timestamp, command: Self::Command) -> Decision<Self>;

    /// Folds one event that happened at `at` into the state. Total: an event that the table does not have here changes nothing, so that a
    /// final state stays as it is whatever a journal holds.
    fn apply(&mut self, at: Timestamp, event: &Self::Event);

    /// What `event` asks of the world; `self` is the state right after it. Pure: the same journal always asks for the same.
    fn effects(&self, event: &Self::Event) -> Vec<Self::Effect>;

    /// The command that tells the machine that an effect was given up after its last attempt. `None` if it need not know.
    fn given_up(effect: &Self::Effect, reason: &str) -> Option<Self::Command>;

    /// The command that tells the machine that an effect was begun, that whether it was performed is not known, and that it is not begun
    /// again. By default the same as that it was given up.
    fn left_unknown(effect: &Self::Effect, reason: &str) -> Option<Self::Command> {
        Self::given_up(effect, reason)
    }

    /// Whether an effect that was given up may be performed after all, by the hand of somebody: only where its end still means something to
    /// the process as it is now, and where doing it once more than was meant harms nobody.
    fn may_repeat(&self, _effect: &Self::Effect) -> bool {
        false
    }

    /// The next moment at which time alone decides something.
    fn wake_at(&self) -> Option<Timestamp>;

    /// What a process still says when it is erased: an event that is applied to the state before the first event, and asks nothing of the
    /// world. `None`: it is as if it had never been.
    fn remains(&self) -> Option<Self::Event> {
        None
    }

    /// What the process is found by besides its identifier. A few hundred count at most, those at the front first.
    fn found_by(&self) -> Vec<Attribute> {
        Vec::new()
    }

    /// Whether nothing more happens by itself or by what is usual: its table leads nowhere but to being deleted.
    fn has_ended(&self) -> bool {
        let Stage::In(state) = self.stage() else { return true };
        ends_in::<Self::Event>(state)
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
