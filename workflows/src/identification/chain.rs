//! Identification by a chain: up to ten steps, each an identification of its own, which together prove who somebody is.
//!
//! Rules: the contract's operations of chains with the notes chain-steps, chain-restart, chain-expiry and cancel-reason. All steps are made at
//! the creation, with the actor and the time limit of the chain, and may be done in any order. A chain knows the states of its steps from what
//! they tell, so that each of its answers follows from one journal. A restart begins a new round: what a step was proven by in an earlier one
//! counts no more, however late it is told.

mod creation;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::lifecycle::{Told, Validation};
use crate::{
    Decision, Device, IdentificationState, Machine, Refusal, Staff, Timestamp,
    table::{Stage, Table},
    transitions,
};

pub use crate::values::Hand;
pub use creation::{Creation, Defaults, IdentityDocumentRequest, MAX_STEPS, OtpRequest, Request, Settings, Step, StepRequest};

transitions! {
    for Event, in IdentificationState;
    Created:       [Absent] => Created "create";
    StepChanged:   [Created | Validated] => Same "a step tells what became of it",
                   [Succeeded | Failed | Cancelled | Expired] => Same "a step tells how it ended";
    Validated:     [Created] => Validated "validate, when all steps are VALIDATED";
    Restarted:     [Created | Validated] => Created "restart";
    Succeeded:     [Validated] => Succeeded "close";
    StepNotClosed: [Succeeded] => Same "closing a step was given up";
    Failed:        [Created | Validated] => Failed "a step ended before the chain did, or could not be made or restarted";
    Cancelled:     [Created] => Cancelled "cancel";
    Expired:       [Created | Validated] => Expired "the time limit passes";
}

/// Maximum number of restarts: each gives its steps fresh codes and attempts, and adds to their journals.
pub const MAX_RESTARTS: u32 = 10;

/// No such chain.
pub const NOT_FOUND: Refusal = Refusal::NotFound("chained identification");
/// A chain with this id exists and is another one.
pub const EXISTS: Refusal = Refusal::Exists("chained identification");

/// The state does not allow it.
fn wrong_state(state: IdentificationState) -> Refusal {
    Refusal::state(format!("the chained identification is {}", state.name()))
}

/// What can be asked of a chain. `by`: who did it by hand; `None`: a caller of the API.
#[derive(Clone, Debug)]
pub enum Command {
    /// Idempotent: a repeated creation of the same chain is accepted without effect.
    Create(Box<Creation>),
    /// All steps are VALIDATED, and the actor says so.
    Validate {
        device: Device,
    },
    Restart {
        device: Device,
        by: Option<Hand>,
    },
    Cancel {
        reason: Option<String>,
        device: Device,
        by: Option<Staff>,
    },
    /// The chain was used. Idempotent.
    Close {
        device: Device,
        by: Option<Hand>,
    },
    /// A step tells what became of it.
    Step {
        identification: Uuid,
        told: Told,
    },
    /// The step at `position` could not be made.
    StepNotMade {
        position: usize,
        reason: String,
    },
    /// The step at `position` could not be told that this round began.
    StepNotRestarted {
        position: usize,
        round: u32,
        reason: String,
    },
    /// The step at `position` could not be told that the chain was closed.
    StepNotClosed {
        position: usize,
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Created(Box<Creation>),
    StepChanged {
        position: usize,
        told: Told,
    },
    Validated {
        device: Device,
    },
    /// The round begins.
    Restarted {
        round: u32,
        device: Device,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Hand>,
    },
    Succeeded {
        device: Device,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Hand>,
    },
    StepNotClosed {
        position: usize,
        reason: String,
    },
    Failed {
        reason: String,
    },
    Cancelled {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        device: Device,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Staff>,
    },
    Expired,
}

/// What a chain asks of the world: each for the step at a position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Make the identification.
    CreateStep { position: usize },
    /// What was VALIDATED must be done again.
    RestartStep { position: usize, round: u32 },
    /// The chain was used: the step becomes SUCCEEDED.
    CloseStep { position: usize },
    /// The chain ended; nobody needs the step any more.
    CancelStep { position: usize, reason: String },
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chain {
    // The name by which servers of all versions find it in a snapshot.
    #[serde(rename = "life")]
    data: Option<Box<Data>>,
}

/// Everything that is known of a chain that was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    pub creation: Creation,
    pub state: IdentificationState,
    pub created_at: Timestamp,
    /// Last change of the chain or, until it ended, of a step.
    pub modified_at: Timestamp,
    /// One per step, in their order.
    pub steps: Vec<StepState>,
    /// How many times it was restarted, at most [`MAX_RESTARTS`].
    pub round: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated: Option<Validation>,
    /// Why it failed, expired or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
}

/// What is known of a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    /// CANCELLED if it was deleted.
    pub state: IdentificationState,
    /// When it came into this state, by its own journal.
    pub modified_at: Timestamp,
}

impl Machine for Chain {
    const KIND: &'static str = "chain";
    type State = IdentificationState;
    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn stage(&self) -> Stage<IdentificationState> {
        self.data.as_ref().map_or(Stage::Absent, |data| Stage::In(data.state))
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event> {
        match &self.data {
            Some(data) if !data.state.is_final() && now >= data.expires_at() => vec![Event::Expired],
            _ => Vec::new(),
        }
    }

    fn decide(&self, _now: Timestamp, command: Command) -> Decision<Self> {
        let Some(data) = &self.data else { return decide_absent(command) };
        match command {
            Command::Create(creation) if *creation == data.creation => Decision::nothing(),
            Command::Create(_) => Decision::refuse(EXISTS),
            Command::Validate { device } => data.decide_validate(device),
            Command::Restart { device, by } => data.decide_restart(device, by),
            Command::Cancel { reason, device, by } if data.state == IdentificationState::Created => {
                Decision::accept([Event::Cancelled { reason, device, by }])
            }
            Command::Close { device, by } if data.state == IdentificationState::Validated => {
                Decision::accept([Event::Succeeded { device, by }])
            }
            Command::Close { .. } if data.state == IdentificationState::Succeeded => Decision::nothing(),
            Command::Cancel { .. } | Command::Close { .. } => Decision::refuse(wrong_state(data.state)),
            Command::Step { identification, told } => data.decide_step(identification, told),
            Command::StepNotMade { position, reason } => data.decide_lost(position, "could not be made", &reason),
            Command::StepNotRestarted { position, round, reason } if round == data.round => {
                data.decide_lost(position, "could not be restarted", &reason)
            }
            Command::StepNotClosed { position, reason } if data.awaits_close(position) => {
                Decision::accept([Event::StepNotClosed { position, reason }])
            }
            // Late reports change nothing.
            Command::StepNotRestarted { .. } | Command::StepNotClosed { .. } => Decision::nothing(),
        }
    }

    fn apply(&mut self, at: Timestamp, event: &Event) {
        let Some(stage) = event.leads(self.stage()) else { return };
        if let Event::Created(creation) = event {
            self.data = Some(Box::new(Data::new(at, (**creation).clone())));
            return;
        }
        let Some(data) = &mut self.data else { return };
        if let Event::StepChanged { position, told } = event {
            data.set_step(*position, told.state, told.at);
            if data.state.is_final() {
                // The chain's own end stays its last change.
                return;
            }
        }
        match event {
            Event::Created(_) | Event::StepChanged { .. } | Event::Succeeded { .. } => {}
            Event::StepNotClosed { .. } => return,
            Event::Validated { device } => data.validated = Some(Validation { at, device: device.clone() }),
            Event::Restarted { round, .. } => data.restart(*round, at),
            Event::Failed { reason } => data.end_reason = Some(reason.clone()),
            Event::Cancelled { reason, .. } => data.end_reason = reason.clone(),
            Event::Expired => data.end_reason = Some(data.what_was_open()),
        }
        if let Stage::In(state) = stage {
            data.state = state;
        }
        data.modified_at = at;
    }

    fn effects(&self, event: &Event) -> Vec<Effect> {
        let Some(data) = &self.data else { return Vec::new() };
        let positions = 0..data.steps.len();
        match event {
            Event::Created(_) => positions.map(|position| Effect::CreateStep { position }).collect(),
            // To all of them: one may have been VALIDATED of which the chain does not know it yet.
            Event::Restarted { round, .. } => positions.map(|position| Effect::RestartStep { position, round: *round }).collect(),
            Event::Succeeded { .. } => positions.map(|position| Effect::CloseStep { position }).collect(),
            Event::Failed { .. } => data.cancel_open_steps("the chain failed"),
            Event::Cancelled { .. } => data.cancel_open_steps("the chain was cancelled"),
            // The steps have the same limit and expire by their own clocks.
            Event::Expired | Event::StepChanged { .. } | Event::Validated { .. } | Event::StepNotClosed { .. } => Vec::new(),
        }
    }

    fn given_up(effect: &Effect, reason: &str) -> Option<Command> {
        let reason = reason.to_owned();
        match *effect {
            Effect::CreateStep { position } => Some(Command::StepNotMade { position, reason }),
            Effect::RestartStep { position, round } => Some(Command::StepNotRestarted { position, round, reason }),
            Effect::CloseStep { position } => Some(Command::StepNotClosed { position, reason }),
            // It ends by its time limit.
            Effect::CancelStep { .. } => None,
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.data.as_ref().filter(|data| !data.state.is_final()).map(|data| data.expires_at())
    }
}

fn decide_absent(command: Command) -> Decision<Chain> {
    match command {
        Command::Create(creation) => match creation.check() {
            Ok(()) => Decision::accept([Event::Created(creation)]),
            Err(reason) => Decision::refuse(Refusal::Invalid(reason)),
        },
        Command::Validate { .. } | Command::Restart { .. } | Command::Cancel { .. } | Command::Close { .. } => {
            Decision::refuse(NOT_FOUND)
        }
        _ => Decision::nothing(),
    }
}

impl Chain {
    /// The chain, unless it was never created.
    ///
    /// # Errors
    /// [`NOT_FOUND`]
    pub fn existing(&self) -> Result<&Data, Refusal> {
        self.data().ok_or(NOT_FOUND)
    }

    pub fn data(&self) -> Option<&Data> {
        self.data.as_deref()
    }
}

impl Data {
    fn new(at: Timestamp, creation: Creation) -> Self {
        let step = StepState { state: IdentificationState::Created, modified_at: at };
        Self {
            state: IdentificationState::Created,
            created_at: at,
            modified_at: at,
            steps: vec![step; creation.steps.len()],
            round: 0,
            validated: None,
            end_reason: None,
            creation,
        }
    }

    /// The time limit of the chain and of its steps.
    pub fn expires_at(&self) -> Timestamp {
        self.created_at.checked_add_signed(self.creation.expires_in).unwrap_or(Timestamp::MAX_UTC)
    }

    /// Why it is FAILED or EXPIRED; `None` in all other states.
    pub fn failure_reason(&self) -> Option<&str> {
        let failed = matches!(self.state, IdentificationState::Failed | IdentificationState::Expired);
        self.end_reason.as_deref().filter(|_| failed)
    }

    /// A step as people speak of it, by its number and type: `step 2 (OTP)`.
    fn name(&self, position: usize) -> String {
        let kind = self.creation.steps.get(position).map_or("?", |step| step.settings.kind().name());
        format!("step {} ({kind})", position + 1)
    }

    /// The steps that are not VALIDATED, with their states.
    fn not_validated(&self) -> Option<String> {
        let others = self.steps.iter().enumerate().filter(|(_, step)| step.state != IdentificationState::Validated);
        let named: Vec<_> = others.map(|(position, step)| format!("{} is {}", self.name(position), step.state.name())).collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    /// What kept it from its end until the time limit.
    fn what_was_open(&self) -> String {
        match self.not_validated() {
            Some(steps) => format!("the time limit passed: {steps}"),
            None if self.state == IdentificationState::Validated => "the time limit passed before the chain was closed".into(),
            None => "the time limit passed before the chain was validated".into(),
        }
    }

    fn set_step(&mut self, position: usize, state: IdentificationState, modified_at: Timestamp) {
        if let Some(step) = self.steps.get_mut(position) {
            *step = StepState { state, modified_at };
        }
    }

    fn restart(&mut self, round: u32, at: Timestamp) {
        self.round = round;
        self.validated = None;
        for step in self.steps.iter_mut().filter(|step| step.state == IdentificationState::Validated) {
            *step = StepState { state: IdentificationState::Created, modified_at: at };
        }
    }

    fn decide_validate(&self, device: Device) -> Decision<Chain> {
        if self.state != IdentificationState::Created {
            return Decision::refuse(wrong_state(self.state));
        }
        match self.not_validated() {
            None => Decision::accept([Event::Validated { device }]),
            Some(steps) => Decision::refuse(Refusal::state(format!("all steps must be VALIDATED first: {steps}"))),
        }
    }

    fn decide_restart(&self, device: Device, by: Option<Hand>) -> Decision<Chain> {
        if self.state.is_final() {
            return Decision::refuse(wrong_state(self.state));
        }
        if self.round >= MAX_RESTARTS {
            let used_up =
                format!("the chained identification was restarted {MAX_RESTARTS} times, the maximum; create another one");
            return Decision::refuse(Refusal::State(used_up));
        }
        Decision::accept([Event::Restarted { round: self.round + 1, device, by }])
    }

    fn decide_step(&self, identification: Uuid, told: Told) -> Decision<Chain> {
        let Some(position) = self.creation.steps.iter().position(|step| step.id == identification) else {
            return Decision::nothing();
        };
        let known = self.steps[position].state;
        if known.is_final() || known == told.state {
            return Decision::nothing();
        }
        // Nothing changes what a step ended as; what it was proven by counts in its own round, and while the chain is open.
        let counts = told.state.is_final() || (told.round == self.round && !self.state.is_final());
        if told.state == IdentificationState::Created || !counts {
            return Decision::nothing();
        }
        let consequence = self.consequence(position, &told).filter(|_| !self.state.is_final());
        let changed = Event::StepChanged { position, told };
        Decision::accept([changed].into_iter().chain(consequence).collect::<Vec<_>>())
    }

    /// What it means for an open chain that a step tells this.
    fn consequence(&self, position: usize, told: &Told) -> Option<Event> {
        let how = match told.state {
            IdentificationState::Created | IdentificationState::Validated => return None,
            // By the limit that they share, on a server whose clock is ahead.
            IdentificationState::Expired if told.at >= self.expires_at() => return Some(Event::Expired),
            IdentificationState::Expired => "expired before the chain",
            IdentificationState::Failed => "failed",
            IdentificationState::Cancelled if told.deleted => "was deleted",
            IdentificationState::Cancelled => "was cancelled",
            IdentificationState::Succeeded => "was closed before the chain",
        };
        Some(Event::Failed { reason: format!("{} {how}", self.name(position)) })
    }

    /// Without one of its steps a chain can never be validated. Once the step has got further, a late report changes nothing.
    fn decide_lost(&self, position: usize, how: &str, reason: &str) -> Decision<Chain> {
        let waits = self.steps.get(position).is_some_and(|step| step.state == IdentificationState::Created);
        if self.state.is_final() || !waits {
            return Decision::nothing();
        }
        Decision::accept([Event::Failed { reason: format!("{} {how}: {reason}", self.name(position)) }])
    }

    fn awaits_close(&self, position: usize) -> bool {
        let open = self.steps.get(position).is_some_and(|step| !step.state.is_final());
        self.state == IdentificationState::Succeeded && open
    }

    fn cancel_open_steps(&self, reason: &str) -> Vec<Effect> {
        let open = self.steps.iter().enumerate().filter(|(_, step)| !step.state.is_final());
        open.map(|(position, _)| Effect::CancelStep { position, reason: reason.to_owned() }).collect()
    }
}

#[cfg(test)]
mod tests;
