//! A fill of a dynamic template: asked for, waiting for its turn, rendered, stored as a document.
//!
//! Rules: the contract's `fill_dynamic_template` and `get_fill_process` with the notes fill-tag, fill-owner, fill-name and fill-process-example.
//! While it waits for its turn no effect is under way: thousands may wait, and each of them is no more than a place in a queue and a wake-up.
//! Each time it comes into the queue is a *turn* of its own, the first when it is asked for; should the queue be lost, the next wake-up brings it
//! in again. What is counted, and in the end given up, are attempts that broke what renders and attempts that were cut short by something else.

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Decision, Language, Machine, Refusal, Timestamp,
    table::{Stage, State, Table},
    transitions,
};

transitions! {
    for Event, in FillState;
    Created:     [Absent] => Created "a fill is asked for";
    Waited:      [Created | Processing] => Same "it has waited for a while: it comes into the queue again, should it not be there any more";
    Begun:       [Created | Processing] => Processing "its turn has come: an attempt begins";
    Interrupted: [Processing] => Same "the attempt was cut short by something else than the template; it is repeated after a pause";
    Broke:       [Processing] => Same "the attempt broke what renders, or took more than there is for one; it is repeated once";
    Rendered:    [Processing] => Completed "the document is stored";
    Failed:      [Processing] => Failed "the template cannot be filled with the data, or it was tried too often";
    TimedOut:    [Created | Processing] => Failed "it was not filled within a day";
}

/// Attempts that may break what renders: a template that does so twice is not tried again.
pub const MAX_BREAKS: u32 = 2;

/// Attempts that may be cut short by something else: over about four hours.
pub const MAX_INTERRUPTIONS: u32 = 30;

/// Maximum time from the request to the end.
pub const LIFE: Duration = Duration::days(1);

/// Maximum length of the words about a failure, in bytes.
pub const MAX_MESSAGE: usize = 400;

/// It is looked for in the queue after this, then after as long again as it has waited, within these bounds: a queue that is lost costs a fill
/// no more than about the time that it had waited already.
const FIRST_LOOK: Duration = Duration::seconds(15);
const LONGEST_LOOK: Duration = Duration::minutes(10);

/// Pause before an attempt is repeated; it doubles with each that was cut short.
const FIRST_PAUSE: Duration = Duration::seconds(1);
const LONGEST_PAUSE: Duration = Duration::minutes(10);

/// No such fill.
pub const NOT_FOUND: Refusal = Refusal::NotFound("fill process");
/// A fill with this id exists and is another one.
pub const EXISTS: Refusal = Refusal::Exists("fill process");

/// Contract `FillProcess.status`. CREATED: registered. PROCESSING: being filled. COMPLETED: document stored. FAILED: ended in error. COMPLETED and
/// FAILED are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = FillStatus))]
#[serde(rename_all = "UPPERCASE")]
pub enum FillState {
    Created,
    Processing,
    Completed,
    Failed,
}

impl FillState {
    /// COMPLETED and FAILED never change again.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

impl State for FillState {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Processing => "PROCESSING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// Contract `DynamicFillRequest.fill_priority`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = FillPriority))]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    #[default]
    Low,
    High,
}

/// The template that is filled, as it was when the fill was asked for: a later version or a deletion changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    pub external_id: String,
    pub major: u32,
    pub minor: u32,
    /// Digest of its bytes, which stay for longer than a fill lives.
    pub digest: String,
    /// Which engine renders it, as its source names it.
    pub engine: String,
}

impl Template {
    /// The label of what is produced, which is kept literally (note fill-tag).
    pub fn tag(&self) -> String {
        format!("{}-v{}.{}", self.external_id, self.major, self.minor)
    }
}

/// A sealed file of the process: the data, and the schema that they were held against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// Digest by which it is found.
    pub file: String,
    /// Bytes of the data.
    pub size: u64,
}

/// What a fill is to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    pub template: Template,
    pub language: Language,
    /// Name of the document to produce.
    pub name: String,
    /// Its labels, without the one that names the template.
    pub tags: Vec<String>,
    pub priority: Priority,
    /// Which system asks for it.
    pub origin: String,
    pub data: Data,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Rendered {
        document: Uuid,
    },
    /// The template cannot be filled with these data. Words for the caller, without values.
    Failed {
        message: String,
    },
    /// It broke what renders, or took more than there is for one. Words for the caller.
    Broke {
        message: String,
    },
    /// Something else cut it short, such as the end of the server or a store that is away. Words for the operator.
    Interrupted {
        reason: String,
    },
}

/// What can be asked of a fill.
#[derive(Clone, Debug)]
pub enum Command {
    /// Idempotent: a repeated creation of the same fill is accepted without effect.
    Create(Box<Creation>),
    /// Its turn has come.
    Begin,
    /// Ignored unless this attempt is under way.
    Finished { attempt: u32, outcome: Outcome },
}

/// What happens to a fill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Created(Box<Creation>),
    Waited,
    /// Attempts are counted from 1.
    Begun {
        attempt: u32,
    },
    Interrupted {
        attempt: u32,
        reason: String,
        until: Timestamp,
    },
    Broke {
        attempt: u32,
        message: String,
        until: Timestamp,
    },
    Rendered {
        attempt: u32,
        document: Uuid,
    },
    Failed {
        attempt: u32,
        message: String,
    },
    TimedOut,
}

/// What a fill asks of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Render the template and store the document.
    Render { attempt: u32 },
    /// Remove the data.
    Release,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Fill {
    record: Option<Box<Record>>,
}

/// Everything that is known of a fill that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub creation: Creation,
    pub state: FillState,
    pub created_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// How often it has come into the queue.
    pub turns: u32,
    /// When it comes into the queue next, unless an attempt is under way.
    look_at: Timestamp,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Whether the last one of them is under way.
    pub is_under_way: bool,
    breaks: u32,
    interruptions: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Uuid>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `moment + wait`, or the end of time.
fn after(moment: Timestamp, wait: Duration) -> Timestamp {
    moment.checked_add_signed(wait).unwrap_or(Timestamp::MAX_UTC)
}

/// Cut to what is kept, at a character.
fn bounded(mut message: String) -> String {
    let end = (0..=MAX_MESSAGE.min(message.len())).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    message.truncate(end);
    message
}

impl Fill {
    /// The fill.
    ///
    /// # Errors
    /// [`NOT_FOUND`] if it was never asked for.
    pub fn existing(&self) -> Result<&Record, Refusal> {
        self.record.as_deref().ok_or(NOT_FOUND)
    }

    /// How often it has come into the queue.
    pub fn turns(&self) -> u32 {
        self.record.as_ref().map_or(0, |record| record.turns)
    }
}

impl Record {
    fn new(at: Timestamp, creation: Creation) -> Self {
        Self {
            creation,
            state: FillState::Created,
            created_at: at,
            finished_at: None,
            turns: 1,
            look_at: after(at, FIRST_LOOK),
            attempts: 0,
            is_under_way: false,
            breaks: 0,
            interruptions: 0,
            document: None,
            error: None,
        }
    }

    /// Whether it belongs into the queue.
    pub fn waits(&self) -> bool {
        !self.state.is_final() && !self.is_under_way
    }

    /// Whether it needs these bytes.
    pub fn holds(&self, digest: &str) -> bool {
        !self.state.is_final() && self.creation.data.file == digest
    }

    fn ends_at(&self) -> Timestamp {
        after(self.created_at, LIFE)
    }

    fn decide_finished(&self, now: Timestamp, attempt: u32, outcome: Outcome) -> Decision<Fill> {
        if !self.is_under_way || attempt != self.attempts {
            return Decision::nothing();
        }
        Decision::accept([match outcome {
            Outcome::Rendered { document } => Event::Rendered { attempt, document },
            Outcome::Failed { message } => Event::Failed { attempt, message: bounded(message) },
            Outcome::Broke { message } if self.breaks + 1 >= MAX_BREAKS => Event::Failed { attempt, message: bounded(message) },
            Outcome::Broke { message } => Event::Broke { attempt, message: bounded(message), until: after(now, FIRST_PAUSE) },
            Outcome::Interrupted { .. } if self.interruptions + 1 >= MAX_INTERRUPTIONS => {
                let message = format!(
                    "the server was interrupted {MAX_INTERRUPTIONS} times while it filled the template; ask for the fill again, and tell the \
                     operator if that does not help"
                );
                Event::Failed { attempt, message }
            }
            Outcome::Interrupted { reason } => {
                let pause = FIRST_PAUSE * (1 << self.interruptions.min(16));
                Event::Interrupted { attempt, reason: bounded(reason), until: after(now, pause.min(LONGEST_PAUSE)) }
            }
        }])
    }
}

impl Machine for Fill {
    const KIND: &'static str = "fill";
    type State = FillState;
    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn stage(&self) -> Stage<FillState> {
        self.record.as_ref().map_or(Stage::Absent, |record| Stage::In(record.state))
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event> {
        match &self.record {
            Some(record) if !record.state.is_final() && now >= record.ends_at() => vec![Event::TimedOut],
            Some(record) if record.waits() && now >= record.look_at => vec![Event::Waited],
            Some(_) | None => Vec::new(),
        }
    }

    fn decide(&self, now: Timestamp, command: Command) -> Decision<Self> {
        match (&self.record, command) {
            (None, Command::Create(creation)) => Decision::accept([Event::Created(creation)]),
            // Reports of what is over.
            (None, Command::Finished { .. }) => Decision::nothing(),
            (None, Command::Begin) => Decision::refuse(NOT_FOUND),
            (Some(record), Command::Create(creation)) if record.creation == *creation => Decision::nothing(),
            (Some(_), Command::Create(_)) => Decision::refuse(EXISTS),
            (Some(record), Command::Begin) if record.waits() => Decision::accept([Event::Begun { attempt: record.attempts + 1 }]),
            (Some(_), Command::Begin) => Decision::refuse(Refusal::state("the fill does not wait for its turn")),
            (Some(record), Command::Finished { attempt, outcome }) => record.decide_finished(now, attempt, outcome),
        }
    }

    fn apply(&mut self, at: Timestamp, event: &Event) {
        let Some(stage) = event.leads(self.stage()) else { return };
        if let Event::Created(creation) = event {
            self.record = Some(Box::new(Record::new(at, (**creation).clone())));
            return;
        }
        let (Some(record), Stage::In(state)) = (&mut self.record, stage) else { return };
        record.state = state;
        if state.is_final() {
            record.finished_at = Some(at);
        }
        match event {
            Event::Created(_) => {}
            Event::Waited => {
                record.turns = record.turns.saturating_add(1);
                record.look_at = after(at, (at - record.created_at).clamp(FIRST_LOOK, LONGEST_LOOK));
            }
            Event::Begun { attempt } => {
                record.attempts = *attempt;
                record.is_under_way = true;
            }
            Event::Interrupted { until, .. } => {
                record.interruptions += 1;
                (record.is_under_way, record.look_at) = (false, *until);
            }
            Event::Broke { until, .. } => {
                record.breaks += 1;
                (record.is_under_way, record.look_at) = (false, *until);
            }
            Event::Rendered { document, .. } => {
                (record.is_under_way, record.document) = (false, Some(*document));
            }
            Event::Failed { message, .. } => {
                (record.is_under_way, record.error) = (false, Some(message.clone()));
            }
            Event::TimedOut => {
                record.is_under_way = false;
                record.error = Some("the template was not filled within a day; ask for the fill again".into());
            }
        }
    }

    fn effects(&self, event: &Event) -> Vec<Effect> {
        match event {
            Event::Begun { attempt } => vec![Effect::Render { attempt: *attempt }],
            Event::Rendered { .. } | Event::Failed { .. } | Event::TimedOut => vec![Effect::Release],
            Event::Created(_) | Event::Waited | Event::Interrupted { .. } | Event::Broke { .. } => Vec::new(),
        }
    }

    fn given_up(effect: &Effect, reason: &str) -> Option<Command> {
        match effect {
            Effect::Render { attempt } => {
                Some(Command::Finished { attempt: *attempt, outcome: Outcome::Interrupted { reason: reason.to_owned() } })
            }
            // What is left is collected as orphans: a fill that has ended holds nothing.
            Effect::Release => None,
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let record = self.record.as_ref().filter(|record| !record.state.is_final())?;
        Some(if record.waits() { record.look_at.min(record.ends_at()) } else { record.ends_at() })
    }
}

#[cfg(test)]
mod tests;
