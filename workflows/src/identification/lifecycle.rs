//! The life that every identification has, whatever proves who somebody is: created, validated, closed, or ended otherwise.
//!
//! Rules: the contract's `IdentificationState` and its operations cancel, close and delete. What a method adds (a code to send, an image to
//! score) is a [`Method`]; [`Identification`] is the machine of any.

use chrono::Duration;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    Attribute, Decision, Device, IdentificationState, Machine, Refusal, Staff, Timestamp,
    table::{Stage, State, Table},
    transitions,
    values::duration::Bounds,
};

transitions! {
    for Event<M> where M: Method, in IdentificationState, Failed only if (M::CAN_FAIL), others in Own of M::Event;
    Created:   [Absent] => Created "create";
    Validated: [Created] => Validated "what the method asks for was given";
    Succeeded: [Validated] => Succeeded "close, or the signature used it";
    Failed:    [Created] => Failed "what the method allows is used up";
    Cancelled: [Created | Validated] => Cancelled "cancel";
    Expired:   [Created | Validated] => Expired "the time limit passes";
    Restarted: [Created | Validated] => Created "its chain restarts";
    Deleted:   [Created] => Deleted "delete",
               [Validated | Succeeded | Failed | Cancelled | Expired] => Deleted "delete by force";
}

/// Time limit of all but one-time codes, from the creation (contract; of chains: note chain-expiry).
pub const TIME_LIMIT: Bounds = Bounds::between(Duration::minutes(1), Duration::days(30));

/// No such identification, or it was deleted.
pub const NOT_FOUND: Refusal = Refusal::NotFound("identification");
/// An identification with this id exists and is another one.
pub const EXISTS: Refusal = Refusal::Exists("identification");
/// Deletion in this state needs force.
pub const FORCE_NEEDED: Refusal = Refusal::Forbidden(
    "the identification is not CREATED: deleting it needs force=true and the role identification_force_delete",
);

/// Of a step the chain decides (contract note chain-steps).
pub const CLOSED_BY_CHAIN: &str = "the identification is a step of a chain, which closes it: close the chain";

/// The state does not allow it.
pub(super) fn wrong_state(state: &str) -> Refusal {
    Refusal::state(format!("the identification is {state}"))
}

impl State for IdentificationState {
    fn name(self) -> &'static str {
        self.name()
    }
}

/// What an identification is for: the sign process or the chain that it belongs to, and what the messages of it name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purpose {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_process: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Uuid>,
    /// The chain that it is a step of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Uuid>,
    /// Names of the documents that will be signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<String>,
}

/// One way to identify somebody: what it adds to the life that all share. The value is what it knows of one identification.
pub trait Method: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// See [`Machine::KIND`].
    const KIND: &'static str;

    /// Whether it can end FAILED at all.
    const CAN_FAIL: bool = true;

    /// What an identification of this kind is made of.
    type Creation: Serialize + DeserializeOwned + Clone + std::fmt::Debug + PartialEq + Send + Sync + 'static;
    type Command: Clone + std::fmt::Debug + Send + 'static;
    type Event: Table<State = IdentificationState>
        + Serialize
        + DeserializeOwned
        + Clone
        + std::fmt::Debug
        + PartialEq
        + Send
        + Sync
        + 'static;
    type Effect: Serialize + DeserializeOwned + Clone + std::fmt::Debug + PartialEq + Send + Sync + Unpin + 'static;

    /// The time limit.
    fn expires_at(creation: &Self::Creation) -> Timestamp;

    fn purpose(creation: &Self::Creation) -> &Purpose;

    /// What it knows right after the creation.
    fn new(at: Timestamp, creation: &Self::Creation) -> Self;

    /// What a command of its own leads to.
    fn decide(data: &Data<Self>, now: Timestamp, command: Self::Command) -> Decision<Identification<Self>>;

    /// Whether a command only reports what became of something: then it is taken, and changes nothing, where there is no identification.
    fn is_report(command: &Self::Command) -> bool;

    /// Folds an event of its own; the state is set by the table.
    fn apply(data: &mut Data<Self>, at: Timestamp, event: &Self::Event);

    /// Folds that the identification was validated.
    fn validated(&mut self);

    /// Folds that an identification that was VALIDATED begins anew: with fresh attempts, as at its creation. What was before stays in its
    /// history (contract note chain-restart). [`Data::round`] is the new one.
    fn restarted(data: &mut Data<Self>, at: Timestamp);

    /// When and why it fails by time alone, if that is before its time limit. Asked while it is CREATED or VALIDATED.
    fn fails_at(data: &Data<Self>) -> Option<(Timestamp, &'static str)>;

    /// Events of its own that time alone has brought about by `now`; each changes what is due. Asked while it is CREATED or VALIDATED.
    fn due_events(_: &Data<Self>, _now: Timestamp) -> Vec<Self::Event> {
        Vec::new()
    }

    /// The next moment that [`Method::due_events`] waits for.
    fn due_at(_: &Data<Self>) -> Option<Timestamp> {
        None
    }

    /// See [`Machine::found_by`]. Asked while it is not deleted.
    fn found_by(_: &Data<Self>) -> Vec<Attribute> {
        Vec::new()
    }

    /// See [`Machine::effects`]; events of the shared life come here too. That a sign process or a chain is told is none of its business.
    fn effects(data: &Data<Self>, event: &Event<Self>) -> Vec<Self::Effect>;

    /// See [`Machine::given_up`].
    fn given_up(effect: &Self::Effect, reason: &str) -> Option<Self::Command>;

    /// See [`Machine::left_unknown`].
    fn left_unknown(effect: &Self::Effect, reason: &str) -> Option<Self::Command> {
        Self::given_up(effect, reason)
    }
}

/// What can be asked of an identification.
#[derive(Clone, Debug)]
pub enum Command<M: Method> {
    /// Idempotent: a repeated creation of the same identification is accepted without effect.
    Create(Box<M::Creation>),
    Cancel {
        reason: Option<String>,
        /// Who did it by hand; `None`: a caller of the API, or what it belongs to.
        by: Option<Staff>,
    },
    /// The identification was used. A step of a chain is closed by that alone.
    Close,
    /// The chain that it is a step of was used.
    CloseByChain,
    /// The chain that it is a step of begins this round: what was VALIDATED before must be done again.
    Restart {
        round: u32,
    },
    Delete {
        force: bool,
    },
    /// What only this method understands.
    Own(M::Command),
}

/// What happens to an identification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", bound = "")]
pub enum Event<M: Method> {
    Created(Box<M::Creation>),
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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Staff>,
    },
    Expired,
    /// Its chain began this round.
    Restarted {
        round: u32,
    },
    Deleted,
    /// What only this method knows. Its types share one namespace with those above.
    #[serde(untagged)]
    Own(M::Event),
}

/// What an identification asks of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", bound = "")]
pub enum Effect<M: Method> {
    /// Tell the sign process what became of its signer's identification.
    TellProcess { sign_process: Uuid, state: IdentificationState },
    /// Tell the chain what became of its step.
    TellChain { chain: Uuid, told: Told },
    /// What only this method asks for.
    #[serde(untagged)]
    Own(M::Effect),
}

/// What a step tells its chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The round of the chain in which this came about, as far as the step knew.
    pub round: u32,
    pub state: IdentificationState,
    /// Whether it was deleted; its state is CANCELLED then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deleted: bool,
    /// When it came about.
    pub at: Timestamp,
}

/// The machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Identification<M: Method> {
    // The name by which servers of all versions find it in a snapshot; one whose inside has another form is read from the journal.
    #[serde(rename = "life")]
    data: Option<Box<Data<M>>>,
}

impl<M: Method> Default for Identification<M> {
    fn default() -> Self {
        Self { data: None }
    }
}

/// Everything that is known of an identification that was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Data<M: Method> {
    pub creation: M::Creation,
    pub state: IdentificationState,
    pub deleted: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<Validation>,
    /// Why it failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
    /// How many times its chain was restarted.
    #[serde(default, skip_serializing_if = "is_first")]
    pub round: u32,
    /// What its method knows.
    pub own: M,
}

/// When, and from which device, it was validated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    pub at: Timestamp,
    pub device: Device,
}

fn is_first(round: &u32) -> bool {
    *round == 0
}

impl<M: Method> Identification<M> {
    /// The identification, unless it was never created or is deleted.
    ///
    /// # Errors
    /// [`NOT_FOUND`]
    pub fn existing(&self) -> Result<&Data<M>, Refusal> {
        self.data.as_deref().filter(|data| !data.deleted).ok_or(NOT_FOUND)
    }

    /// The identification even when it is deleted: for evidence.
    pub fn data(&self) -> Option<&Data<M>> {
        self.data.as_deref()
    }

    fn decide_absent(&self, command: Command<M>) -> Decision<Self> {
        match command {
            Command::Create(creation) => match &self.data {
                None => Decision::accept([Event::Created(creation)]),
                Some(deleted) if deleted.creation == *creation => Decision::nothing(),
                Some(_) => Decision::refuse(EXISTS),
            },
            Command::Own(command) if M::is_report(&command) => Decision::nothing(),
            _ => Decision::refuse(NOT_FOUND),
        }
    }
}

impl<M: Method> Data<M> {
    fn new(at: Timestamp, creation: M::Creation) -> Self {
        Self {
            state: IdentificationState::Created,
            deleted: false,
            created_at: at,
            modified_at: at,
            validated: None,
            end_reason: None,
            round: 0,
            own: M::new(at, &creation),
            creation,
        }
    }

    /// The state of which others are told after `event`.
    fn state_to_tell(&self, event: &Event<M>) -> Option<IdentificationState> {
        match event {
            // Of a restart the chain knows: it comes from there.
            Event::Created(_) | Event::Restarted { .. } | Event::Own(_) => None,
            Event::Validated { .. } | Event::Succeeded | Event::Failed { .. } | Event::Cancelled { .. } | Event::Expired => {
                Some(self.state)
            }
            // To others a deleted identification is one that was cancelled.
            Event::Deleted => Some(IdentificationState::Cancelled),
        }
    }

    /// Whom `event` is told to.
    fn tell(&self, event: &Event<M>) -> impl Iterator<Item = Effect<M>> {
        let state = self.state_to_tell(event);
        let Purpose { sign_process, chain, .. } = M::purpose(&self.creation);
        let process = state.zip(*sign_process).map(|(state, sign_process)| Effect::TellProcess { sign_process, state });
        let chain = state.zip(*chain).map(|(state, chain)| {
            let told = Told { round: self.round, state, deleted: self.deleted, at: self.modified_at };
            Effect::TellChain { chain, told }
        });
        process.into_iter().chain(chain)
    }

    /// Whether it is a step of a chain, which closes it.
    fn is_step(&self) -> bool {
        M::purpose(&self.creation).chain.is_some()
    }

    /// When time alone ends it, and the reason if it fails then; without one it expires.
    fn end_by_time(&self) -> Option<(Timestamp, Option<&'static str>)> {
        if self.deleted || self.state.is_final() {
            return None;
        }
        let expires_at = M::expires_at(&self.creation);
        match M::fails_at(self) {
            Some((at, reason)) if at < expires_at => Some((at, Some(reason))),
            _ => Some((expires_at, None)),
        }
    }
}

impl<M: Method> Machine for Identification<M> {
    const KIND: &'static str = M::KIND;
    type State = IdentificationState;
    type Command = Command<M>;
    type Event = Event<M>;
    type Effect = Effect<M>;

    fn stage(&self) -> Stage<IdentificationState> {
        match &self.data {
            None => Stage::Absent,
            Some(data) if data.deleted => Stage::Deleted,
            Some(data) => Stage::In(data.state),
        }
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event<M>> {
        let Some((data, (at, reason))) = self.data.as_ref().and_then(|data| Some((data, data.end_by_time()?))) else {
            return Vec::new();
        };
        let own = M::due_events(data, now.min(at)).into_iter().map(Event::Own);
        // How it ends is decided by which moment came first, not by when somebody looks.
        let end = (now >= at).then(|| reason.map_or(Event::Expired, |reason| Event::Failed { reason: reason.into() }));
        own.chain(end).collect()
    }

    fn decide(&self, now: Timestamp, command: Command<M>) -> Decision<Self> {
        let Ok(data) = self.existing() else { return self.decide_absent(command) };
        match command {
            Command::Create(creation) if *creation == data.creation => Decision::nothing(),
            Command::Create(_) => Decision::refuse(EXISTS),
            Command::Cancel { .. } if data.state.is_final() => Decision::refuse(wrong_state(data.state.name())),
            Command::Cancel { reason, by } => Decision::accept([Event::Cancelled { reason, by }]),
            Command::Close | Command::CloseByChain if data.state != IdentificationState::Validated => {
                Decision::refuse(wrong_state(data.state.name()))
            }
            Command::Close if data.is_step() => Decision::refuse(Refusal::state(CLOSED_BY_CHAIN)),
            Command::Close | Command::CloseByChain => Decision::accept([Event::Succeeded]),
            Command::Restart { .. } if data.state.is_final() => Decision::refuse(wrong_state(data.state.name())),
            Command::Restart { round } if round > data.round => Decision::accept([Event::Restarted { round }]),
            // It began that round or a later one before.
            Command::Restart { .. } => Decision::nothing(),
            Command::Delete { force } if force || data.state == IdentificationState::Created => {
                Decision::accept([Event::Deleted])
            }
            Command::Delete { .. } => Decision::refuse(FORCE_NEEDED),
            Command::Own(command) => M::decide(data, now, command),
        }
    }

    fn apply(&mut self, at: Timestamp, event: &Event<M>) {
        let Some(stage) = event.leads(self.stage()) else { return };
        if let Event::Created(creation) = event {
            self.data = Some(Box::new(Data::new(at, (**creation).clone())));
            return;
        }
        let Some(data) = &mut self.data else { return };
        let before = data.state;
        match stage {
            Stage::In(state) => data.state = state,
            Stage::Deleted => data.deleted = true,
            Stage::Absent => {}
        }
        match event {
            Event::Created(_) | Event::Succeeded | Event::Expired | Event::Deleted => {}
            Event::Validated { device } => {
                data.validated = Some(Validation { at, device: device.clone() });
                data.own.validated();
            }
            Event::Failed { reason } => data.end_reason = Some(reason.clone()),
            Event::Cancelled { reason, .. } => data.end_reason = reason.clone(),
            Event::Restarted { round } => {
                data.round = *round;
                // What was under way goes on.
                if before == IdentificationState::Validated {
                    data.validated = None;
                    M::restarted(data, at);
                }
            }
            Event::Own(event) => M::apply(data, at, event),
        }
        data.modified_at = at;
    }

    fn effects(&self, event: &Event<M>) -> Vec<Effect<M>> {
        let Some(data) = &self.data else { return Vec::new() };
        data.tell(event).chain(M::effects(data, event).into_iter().map(Effect::Own)).collect()
    }

    fn given_up(effect: &Effect<M>, reason: &str) -> Option<Command<M>> {
        match effect {
            Effect::TellProcess { .. } | Effect::TellChain { .. } => None,
            Effect::Own(effect) => M::given_up(effect, reason).map(Command::Own),
        }
    }

    fn left_unknown(effect: &Effect<M>, reason: &str) -> Option<Command<M>> {
        match effect {
            Effect::TellProcess { .. } | Effect::TellChain { .. } => None,
            Effect::Own(effect) => M::left_unknown(effect, reason).map(Command::Own),
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let data = self.data.as_ref()?;
        let (end, _) = data.end_by_time()?;
        Some(M::due_at(data).map_or(end, |due| due.min(end)))
    }

    fn found_by(&self) -> Vec<Attribute> {
        self.existing().map(M::found_by).unwrap_or_default()
    }
}
