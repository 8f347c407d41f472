//! A scoring session: images of an identity document come in, a provider scores them, and the session says whether they passed.
//!
//! Rules: the contract's Scoring operations with the notes scoring-counters, scoring-close and scoring-final. One attempt is under way at a
//! time, and each has a deadline, so that each ends. Where the contract leaves it open: a SCORED session that is not closed expires at its
//! time limit; a provider that asks for a pause costs no attempt. The images themselves are never here: a capture is known by its digest.

mod capture;
mod creation;
mod result;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Decision, Device, Machine, Refusal, Timestamp,
    table::{Stage, State, Table},
    transitions,
    values::duration::Bounds,
};

pub use capture::{Capture, Captures, ImageType};
pub use creation::{Creation, Policy, Purpose, Request};
pub use result::{DocumentClass, FailReason, Level, MAX_FINDINGS, MAX_NAME, MAX_VALUE, Ratio, Score, ScoreResult};

transitions! {
    for Event, in ScoringState;
    Created:   [Absent] => Created "create";
    Begun:     [Created | Scored] => Same "images are submitted, or the scoring is delegated";
    Delegated: [Created | Scored] => Same "the provider took the delegation";
    Asked:     [Created | Scored] => Same "the provider is to be asked for the result of a delegation";
    Result:    [Created | Scored] => Scored "the provider gave a result";
    NoResult:  [Created | Scored] => Same "the attempt ended without a result";
    Withdrawn: [Created | Scored] => Same "the provider asked for a pause; the attempt does not count";
    Closed:    [Created] => Same "close without a result";
    Succeeded: [Scored] => Succeeded "close, and the last result passed";
    Failed:    [Scored] => Failed "close, and the last result did not pass";
    Expired:   [Created | Scored] => Expired "the time limit passes and it was not closed";
    Erased:    [Created | Scored | Succeeded | Failed | Expired] => Deleted "its identification is deleted";
}

/// Time limit, from the creation (contract `CreateScoringRequest.expires_in`).
pub const TIME_LIMIT: Bounds = Bounds::between(Duration::minutes(1), Duration::days(30));

/// Attempts where nothing is said (contract `max_score_retries`).
pub const DEFAULT_ATTEMPTS: u32 = 5;
/// Maximum number of attempts: their results are in the journal.
pub const MAX_ATTEMPTS: u32 = 50;

/// Maximum number of pauses that a provider may ask for in one session; what it withdraws beyond them counts as an attempt.
pub const MAX_PAUSES: u32 = 20;
/// Maximum length of one such pause.
pub const MAX_PAUSE: Duration = Duration::hours(1);

/// Maximum time for a provider to score images.
pub const MAX_ATTEMPT_TIME: Duration = Duration::minutes(5);
/// Maximum time for a person to finish at the provider that the scoring was delegated to.
pub const MAX_DELEGATION_TIME: Duration = Duration::hours(24);

/// Minimum time between two questions for the result of a delegation.
const ASK_EVERY: Duration = Duration::seconds(10);
/// The time between them grows to this part of the time that the delegation has taken: who finishes late waits no longer in proportion.
const ASK_PART: i32 = 4;

/// When a session that is at work is worth another try at the latest.
const TRY_AGAIN: Duration = Duration::seconds(5);

/// No such session, or it was erased.
pub const NOT_FOUND: Refusal = Refusal::NotFound("scoring session");
/// A session with this id exists and is another one.
pub const EXISTS: Refusal = Refusal::Exists("scoring session");

/// Contract `Scoring.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum ScoringState {
    Created,
    Scored,
    Succeeded,
    Failed,
    Expired,
}

impl ScoringState {
    /// SUCCEEDED, FAILED and EXPIRED never change again.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Created | Self::Scored)
    }
}

impl State for ScoringState {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Scored => "SCORED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
        }
    }
}

/// How an attempt is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Way {
    /// The images are here, and the provider gets them.
    Submit(Captures),
    /// The person gives the images to the provider.
    Delegate,
}

/// How an attempt ended, as a provider or its adapter says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Result(Box<ScoreResult>),
    NoResult {
        reason: FailReason,
        provider_id: Option<String>,
    },
    /// The provider asks for a pause of so many seconds; the attempt does not count.
    Pause {
        seconds: u32,
    },
}

/// What can be asked of a session. `attempt` is the identifier that its beginner gave to an attempt.
#[derive(Clone, Debug)]
pub enum Command {
    /// Idempotent: a repeated creation of the same session is accepted without effect.
    Create(Box<Creation>),
    Begin {
        attempt: Uuid,
        way: Way,
        device: Device,
    },
    /// The provider took a delegation under this identifier.
    Delegated {
        attempt: Uuid,
        provider_id: String,
    },
    /// Ignored unless this attempt is under way.
    Finished {
        attempt: Uuid,
        outcome: Outcome,
    },
    Close,
    /// Nobody may read it any more, and the images go.
    Erase,
}

/// What happens to a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Created(Box<Creation>),
    Begun {
        attempt: Uuid,
        way: Way,
        device: Box<Device>,
        until: Timestamp,
    },
    Delegated {
        attempt: Uuid,
        provider_id: String,
        until: Timestamp,
    },
    Asked {
        attempt: Uuid,
    },
    Result {
        attempt: Uuid,
        result: Box<ScoreResult>,
    },
    NoResult {
        attempt: Uuid,
        reason: FailReason,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider_id: Option<String>,
    },
    Withdrawn {
        attempt: Uuid,
        until: Timestamp,
        /// The sealed files of its images, which nobody needs any more.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
    },
    Closed,
    Succeeded,
    Failed,
    Expired,
    Erased,
}

/// What a session asks of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Give the images to the provider.
    Score { attempt: Uuid },
    /// Ask the provider for the result of a delegation; it need not be there yet.
    Ask { attempt: Uuid },
    /// Tell the identification whether the result of attempt `number`, from 1, passes.
    Tell { identification: Uuid, round: u32, number: u32, passing: bool },
    /// Remove these sealed files.
    Release { files: Vec<String> },
    /// Let the provider forget what it remembers of the images beyond its results.
    Forget,
}

/// The machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scoring {
    data: Option<Box<Data>>,
}

/// Everything that is known of a session that was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Data {
    pub creation: Creation,
    pub state: ScoringState,
    /// Takes nothing any more.
    pub closed: bool,
    pub erased: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// In order, without those that were withdrawn; only the last one can be under way.
    pub attempts: Vec<Attempt>,
    /// Attempts that were withdrawn.
    pub pauses: u32,
    /// Until when the provider wants to be left alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    pub id: Uuid,
    pub at: Timestamp,
    pub way: Way,
    pub device: Device,
    /// Its deadline.
    pub until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<Delegation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
}

/// What is known of a delegation that the provider took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delegation {
    pub provider_id: String,
    /// When the provider is to be asked for its result next.
    pub ask_at: Timestamp,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Result {
        at: Timestamp,
        result: Box<ScoreResult>,
    },
    NoResult {
        at: Timestamp,
        reason: FailReason,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider_id: Option<String>,
    },
}

impl Attempt {
    pub fn captures(&self) -> Option<&Captures> {
        match &self.way {
            Way::Submit(captures) => Some(captures),
            Way::Delegate => None,
        }
    }

    pub fn result(&self) -> Option<&ScoreResult> {
        match &self.end {
            Some(End::Result { result, .. }) => Some(result),
            Some(End::NoResult { .. }) | None => None,
        }
    }

    /// The identifier that the provider gave to it.
    pub fn provider_id(&self) -> Option<&str> {
        let own = match &self.end {
            Some(End::Result { result, .. }) => result.provider_id.as_deref(),
            Some(End::NoResult { provider_id, .. }) => provider_id.as_deref(),
            None => None,
        };
        own.or_else(|| self.delegation.as_ref().map(|delegation| delegation.provider_id.as_str()))
    }

    /// When the provider is to be asked again after it was asked at `now`: once more shortly before the deadline, too.
    fn ask_after(&self, now: Timestamp) -> Timestamp {
        let next = after(now, ASK_EVERY.max((now - self.at) / ASK_PART));
        let last = self.until - ASK_EVERY;
        if now < last { next.min(last) } else { next }
    }
}

/// `moment + wait`, or the end of time.
fn after(moment: Timestamp, wait: Duration) -> Timestamp {
    moment.checked_add_signed(wait).unwrap_or(Timestamp::MAX_UTC)
}

impl Scoring {
    /// The session, unless it was never created or is erased.
    ///
    /// # Errors
    /// [`NOT_FOUND`]
    pub fn existing(&self) -> Result<&Data, Refusal> {
        self.data().filter(|data| !data.erased).ok_or(NOT_FOUND)
    }

    /// The session even when it is erased.
    pub fn data(&self) -> Option<&Data> {
        self.data.as_deref()
    }

    fn decide_absent(&self, command: Command) -> Decision<Self> {
        match command {
            Command::Create(creation) => match (&self.data, creation.check()) {
                (None, Ok(())) => Decision::accept([Event::Created(creation)]),
                (None, Err(refusal)) => Decision::refuse(refusal),
                (Some(erased), _) if erased.creation == *creation => Decision::nothing(),
                (Some(_), _) => Decision::refuse(EXISTS),
            },
            // Reports of what is over, and an order that was carried out before.
            Command::Finished { .. } => Decision::nothing(),
            Command::Erase if self.data.is_some() => Decision::nothing(),
            _ => Decision::refuse(NOT_FOUND),
        }
    }
}

impl Data {
    fn new(at: Timestamp, creation: Creation) -> Self {
        Self {
            creation,
            state: ScoringState::Created,
            closed: false,
            erased: false,
            created_at: at,
            modified_at: at,
            attempts: Vec::new(),
            pauses: 0,
            paused_until: None,
        }
    }

    /// Attempts that are left; those that were withdrawn do not count.
    pub fn remaining_attempts(&self) -> u32 {
        self.creation.max_attempts.saturating_sub(self.attempts.len() as u32)
    }

    /// The attempt that is under way.
    pub fn under_way(&self) -> Option<&Attempt> {
        self.attempts.last().filter(|attempt| attempt.end.is_none())
    }

    /// The attempt with this identifier; `None` if it was never begun, or was withdrawn.
    pub fn attempt(&self, id: Uuid) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.id == id)
    }

    /// The newest attempt with a result, by which the session is judged.
    pub fn scored(&self) -> Option<&Attempt> {
        self.attempts.iter().rev().find(|attempt| attempt.result().is_some())
    }

    fn passes(&self) -> bool {
        self.scored().and_then(Attempt::result).is_some_and(|result| result.passing)
    }

    /// What sealed files it needs.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        self.attempts.iter().filter_map(Attempt::captures).flat_map(Captures::files)
    }

    /// The image that is kept under this name.
    pub fn capture(&self, file: &str) -> Option<&Capture> {
        let mut all = self.attempts.iter().filter_map(Attempt::captures).flat_map(|both| both.front.iter().chain(&both.back));
        all.find(|capture| capture.file == file)
    }

    /// When time alone ends it.
    fn ends_at(&self) -> Option<Timestamp> {
        (!self.erased && !self.state.is_final() && !self.closed).then_some(self.creation.expires_at)
    }

    /// Whether an attempt could begin now.
    ///
    /// # Errors
    /// Why not.
    pub fn takes_attempt(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.state.is_final() {
            return Err(Refusal::state(format!("the scoring session is {}", self.state.name())));
        }
        if self.closed {
            return Err(Refusal::state("the scoring session is closed"));
        }
        if let Some(attempt) = self.under_way() {
            let wait = (attempt.until - now).min(TRY_AGAIN);
            return Err(Refusal::Busy { what: "another attempt on this scoring session is under way", wait });
        }
        if self.paused_until.is_some_and(|until| now < until) {
            return Err(self.pause(now));
        }
        if self.remaining_attempts() == 0 {
            return Err(Refusal::state("the scoring session has no attempt left"));
        }
        Ok(())
    }

    /// That the provider asks for a pause, and how long it still takes.
    pub fn pause(&self, now: Timestamp) -> Refusal {
        let wait = self.paused_until.map_or(Duration::zero(), |until| until - now);
        Refusal::Busy { what: "the scoring provider asks for a pause", wait }
    }

    fn decide_begin(&self, now: Timestamp, attempt: Uuid, way: Way, device: Device) -> Decision<Scoring> {
        if let Err(refusal) = self.takes_attempt(now) {
            return Decision::refuse(refusal);
        }
        // A delegation that the provider has not taken yet is a call to it, as a scoring is.
        let time = Duration::seconds(self.creation.policy.attempt_seconds.into()).min(MAX_ATTEMPT_TIME);
        let until = after(now, time).min(self.creation.expires_at);
        Decision::accept([Event::Begun { attempt, way, device: Box::new(device), until }])
    }

    fn decide_delegated(&self, now: Timestamp, attempt: Uuid, mut provider_id: String) -> Decision<Scoring> {
        let waits = |open: &&Attempt| open.id == attempt && open.way == Way::Delegate && open.delegation.is_none();
        if self.under_way().filter(waits).is_none() {
            return Decision::refuse(Refusal::state("the attempt is over"));
        }
        let time = Duration::seconds(self.creation.policy.delegation_seconds.into()).min(MAX_DELEGATION_TIME);
        let until = after(now, time).min(self.creation.expires_at);
        result::cut(&mut provider_id, MAX_VALUE);
        Decision::accept([Event::Delegated { attempt, provider_id, until }])
    }

    fn decide_finished(&self, now: Timestamp, attempt: Uuid, outcome: Outcome) -> Decision<Scoring> {
        let Some(open) = self.under_way().filter(|open| open.id == attempt) else { return Decision::nothing() };
        Decision::accept([match outcome {
            Outcome::Result(result) => Event::Result { attempt, result: Box::new(result.bounded()) },
            Outcome::NoResult { reason, mut provider_id } => {
                provider_id.iter_mut().for_each(|id| result::cut(id, MAX_VALUE));
                Event::NoResult { attempt, reason, provider_id }
            }
            Outcome::Pause { seconds } if self.pauses < MAX_PAUSES => {
                let pause = Duration::seconds(seconds.max(1).into()).min(MAX_PAUSE);
                let files = open.captures().into_iter().flat_map(Captures::files).cloned().collect();
                Event::Withdrawn { attempt, until: after(now, pause).min(self.creation.expires_at), files }
            }
            Outcome::Pause { .. } => {
                Event::NoResult { attempt, reason: FailReason::new(FailReason::UNAVAILABLE), provider_id: None }
            }
        }])
    }

    fn decide_close(&self) -> Decision<Scoring> {
        let cut_off = self.under_way().map(|open| Event::NoResult {
            attempt: open.id,
            reason: FailReason::new(FailReason::CLOSED),
            provider_id: None,
        });
        let closed = match self.state {
            ScoringState::Created if self.closed => None,
            ScoringState::Created => Some(Event::Closed),
            ScoringState::Scored if self.passes() => Some(Event::Succeeded),
            ScoringState::Scored => Some(Event::Failed),
            // A final state stays (note scoring-close).
            ScoringState::Succeeded | ScoringState::Failed | ScoringState::Expired => None,
        };
        Decision::accept(cut_off.into_iter().chain(closed).collect::<Vec<_>>())
    }

    fn end(&mut self, id: Uuid, end: End) {
        if let Some(attempt) = self.attempts.last_mut().filter(|open| open.id == id && open.end.is_none()) {
            attempt.end = Some(end);
        }
    }
}

impl Machine for Scoring {
    const KIND: &'static str = "scoring";
    type State = ScoringState;
    type Command = Command;
    type Event = Event;
    type Effect = Effect;

    fn stage(&self) -> Stage<ScoringState> {
        match &self.data {
            None => Stage::Absent,
            Some(data) if data.erased => Stage::Deleted,
            Some(data) => Stage::In(data.state),
        }
    }

    /// A session that was closed without a result takes nothing any more, whatever its state is called.
    fn has_ended(&self) -> bool {
        let is_over = |data: &Data| data.erased || data.state.is_final() || (data.closed && data.under_way().is_none());
        self.data().is_none_or(is_over)
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event> {
        let Ok(data) = self.existing() else { return Vec::new() };
        let mut due = Vec::new();
        if let Some(open) = data.under_way() {
            let attempt = open.id;
            if now >= open.until {
                due.push(Event::NoResult { attempt, reason: FailReason::new(FailReason::TIMEOUT), provider_id: None });
            } else if open.delegation.as_ref().is_some_and(|delegation| now >= delegation.ask_at) {
                due.push(Event::Asked { attempt });
            }
        }
        if data.ends_at().is_some_and(|end| now >= end) {
            due.push(Event::Expired);
        }
        due
    }

    fn decide(&self, now: Timestamp, command: Command) -> Decision<Self> {
        let Ok(data) = self.existing() else { return self.decide_absent(command) };
        match command {
            Command::Create(creation) if *creation == data.creation => Decision::nothing(),
            Command::Create(_) => Decision::refuse(EXISTS),
            Command::Begin { attempt, way, device } => data.decide_begin(now, attempt, way, device),
            Command::Delegated { attempt, provider_id } => data.decide_delegated(now, attempt, provider_id),
            Command::Finished { attempt, outcome } => data.decide_finished(now, attempt, outcome),
            Command::Close => data.decide_close(),
            Command::Erase => Decision::accept([Event::Erased]),
        }
    }

    fn apply(&mut self, at: Timestamp, event: &Event) {
        let Some(stage) = event.leads(self.stage()) else { return };
        if let Event::Created(creation) = event {
            self.data = Some(Box::new(Data::new(at, (**creation).clone())));
            return;
        }
        let Some(data) = &mut self.data else { return };
        match stage {
            Stage::In(state) => data.state = state,
            Stage::Deleted => data.erased = true,
            Stage::Absent => {}
        }
        match event {
            Event::Created(_) | Event::Expired | Event::Erased => {}
            Event::Begun { attempt, way, device, until } => data.attempts.push(Attempt {
                id: *attempt,
                at,
                way: way.clone(),
                device: (**device).clone(),
                until: *until,
                delegation: None,
                end: None,
            }),
            Event::Delegated { provider_id, until, .. } => {
                if let Some(open) = data.attempts.last_mut() {
                    open.until = *until;
                    open.delegation = Some(Delegation { provider_id: provider_id.clone(), ask_at: after(at, ASK_EVERY) });
                }
            }
            Event::Asked { .. } => {
                if let Some(open) = data.attempts.last_mut() {
                    let ask_at = open.ask_after(at);
                    open.delegation.iter_mut().for_each(|delegation| delegation.ask_at = ask_at);
                }
            }
            Event::Result { attempt, result } => data.end(*attempt, End::Result { at, result: result.clone() }),
            Event::NoResult { attempt, reason, provider_id } => {
                data.end(*attempt, End::NoResult { at, reason: reason.clone(), provider_id: provider_id.clone() });
            }
            Event::Withdrawn { attempt, until, .. } => {
                data.attempts.retain(|open| open.id != *attempt);
                data.pauses += 1;
                data.paused_until = Some(*until);
            }
            Event::Closed | Event::Succeeded | Event::Failed => data.closed = true,
        }
        data.modified_at = at;
    }

    fn effects(&self, event: &Event) -> Vec<Effect> {
        let Some(data) = &self.data else { return Vec::new() };
        let Purpose { identification, round, .. } = data.creation.purpose;
        let number = data.attempts.len() as u32;
        let release = |files: Vec<String>| (!files.is_empty()).then_some(Effect::Release { files });
        // An attempt that was withdrawn may have left something, too.
        let was_tried = data.pauses > 0 || !data.attempts.is_empty();
        let effect = match event {
            Event::Begun { attempt, way: Way::Submit(_), .. } => Some(Effect::Score { attempt: *attempt }),
            Event::Asked { attempt } => Some(Effect::Ask { attempt: *attempt }),
            Event::Result { result, .. } => {
                identification.map(|identification| Effect::Tell { identification, round, number, passing: result.passing })
            }
            Event::Withdrawn { files, .. } => release(files.clone()),
            Event::Erased => {
                let forget = was_tried.then_some(Effect::Forget);
                return release(data.files().cloned().collect()).into_iter().chain(forget).collect();
            }
            Event::Begun { way: Way::Delegate, .. } | Event::Delegated { .. } | Event::NoResult { .. } => None,
            Event::Created(_) | Event::Closed | Event::Succeeded | Event::Failed | Event::Expired => None,
        };
        effect.into_iter().collect()
    }

    fn given_up(effect: &Effect, _: &str) -> Option<Command> {
        match effect {
            Effect::Score { attempt } => {
                let outcome = Outcome::NoResult { reason: FailReason::new(FailReason::UNAVAILABLE), provider_id: None };
                Some(Command::Finished { attempt: *attempt, outcome })
            }
            // The provider is asked again until the deadline.
            Effect::Ask { .. } | Effect::Tell { .. } | Effect::Release { .. } | Effect::Forget => None,
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        let data = self.existing().ok()?;
        let open = data.under_way();
        let ask_at = open.and_then(|open| open.delegation.as_ref()).map(|delegation| delegation.ask_at);
        open.map(|open| open.until).into_iter().chain(ask_at).chain(data.ends_at()).min()
    }
}

#[cfg(test)]
mod tests;
