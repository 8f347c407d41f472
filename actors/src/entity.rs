//! One process in memory: its folded journal, the plan that a command leads to, and the append that makes it true.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
};

use chrono::Duration;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{Commit, CommitOutcome, Entity, Listing, Loaded, Timestamp};
use uuid::Uuid;
use workflows::{Answer, Machine};

use crate::{
    bounded::BoundedStore,
    busy::Busy,
    effects::{Attempt, Backoff},
    journal::{self, EffectId, Fact, Hash, Line, ReadError},
};

/// Maximum number of times that events are due before one command: each must end a state, and machines have few.
const MAX_ROUNDS: usize = 4;

/// Tries of the same append whose outcome is not known.
const UNKNOWN_RETRIES: u32 = 2;

/// An effect that was asked for and has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending<E> {
    pub id: EffectId,
    pub effect: E,
    pub phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Asked for at this moment, no attempt journaled.
    Asked { at: Timestamp },
    /// This attempt was announced and may be under way, or its end was lost.
    Begun { number: u32, at: Timestamp },
    /// Attempt `number` failed; the next one is due.
    Retry { number: u32, until: Timestamp },
}

impl<E> Pending<E> {
    /// The attempt that is under way or comes next.
    pub fn number(&self) -> u32 {
        match self.phase {
            Phase::Asked { .. } => 1,
            Phase::Begun { number, .. } => number,
            Phase::Retry { number, .. } => number + 1,
        }
    }

    /// When somebody must look at it: an attempt whose end is not known after `lease` has lost its performer.
    pub fn look_at(&self, lease: Duration) -> Timestamp {
        match self.phase {
            Phase::Asked { at } | Phase::Begun { at, .. } => at + lease,
            Phase::Retry { until, .. } => until,
        }
    }
}

/// A folded journal.
#[derive(Clone, Debug)]
pub(crate) struct Folded<M: Machine> {
    pub head: u64,
    /// When the last entry was made. The next one is never older, whichever server makes it: their clocks may differ by seconds.
    at: Timestamp,
    hash: Hash,
    pub machine: Arc<M>,
    pub pending: Vec<Pending<M::Effect>>,
    snapshot_seq: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Snapshot<M: Machine> {
    #[serde(default)]
    at: Timestamp,
    hash: Hash,
    machine: M,
    pending: Vec<Pending<M::Effect>>,
}

/// What is brought to a process.
#[derive(Clone, Debug)]
pub(crate) enum Input<M: Machine> {
    Command(M::Command),
    /// A command to a process whose journal is taken to be empty; the append finds out.
    First(M::Command),
    /// Nothing but the clock.
    Look,
    /// These attempts are about to begin, unless another server began them first.
    Begin(Vec<(EffectId, u32)>),
    /// These attempts ended.
    Ended(Vec<Ended<M>>),
}

#[derive(Clone, Debug)]
pub(crate) struct Ended<M: Machine> {
    pub id: EffectId,
    pub number: u32,
    pub attempt: Attempt<M>,
    pub repeatable: bool,
}

/// What an input leads to, before it is durable.
struct Plan<M: Machine> {
    next: Folded<M>,
    bodies: Vec<Vec<u8>>,
    answer: Answer,
    begun: Vec<EffectId>,
    snapshot: Option<Vec<u8>>,
    wake: Option<Timestamp>,
}

/// What became of an input.
pub(crate) struct StepResult<M: Machine> {
    pub answer: Answer,
    pub committed: bool,
    /// The machine before what was committed.
    pub before: Option<Arc<M>>,
    /// Effects that the input's events asked for.
    pub asked: Vec<EffectId>,
    /// Attempts that [`Input::Begin`] announced.
    pub begun: Vec<EffectId>,
}

/// Why an input had no effect.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The store does not answer, or its answer is not known. Trying later may work.
    Unavailable(String),
    /// The journal cannot be read or the machine panicked: this entity must be set aside.
    Poisoned(String),
}

/// How a process is kept.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub lease: Duration,
    pub backoff: Backoff,
    pub snapshot_every: u64,
    pub conflict_retries: u32,
    /// See [`crate::Options::shared_store`].
    pub shared_store: bool,
}

/// The machine as it stands in the journal, for those who only read; `None` while an append is under way or nothing is in memory.
pub(crate) type Published<M> = Arc<Mutex<Option<Arc<M>>>>;

/// A process in memory.
pub(crate) struct Resident<M: Machine> {
    pub key: Entity,
    /// `None` until loaded, and after an append whose outcome is not known.
    state: Option<Folded<M>>,
    published: Published<M>,
    /// Attempts under way in this server, with their numbers: as long as the task of one lives, it holds the other end.
    running: HashMap<EffectId, (u32, Weak<Busy>)>,
    /// Appends and decisions that found another writer's entries, since somebody last took the count.
    pub conflicts: u64,
}

impl<M: Machine> Folded<M> {
    fn new(key: &Entity) -> Self {
        let machine = Arc::new(M::default());
        Self { head: 0, at: Timestamp::MIN_UTC, hash: Hash::of_entity(key), machine, pending: Vec::new(), snapshot_seq: 0 }
    }

    /// `None`: the snapshot cannot be read (it may be of an older form of the machine), and the whole journal must be.
    fn load(key: &Entity, loaded: Loaded) -> Result<Option<Self>, journal::Error> {
        let mut folded = Self::new(key);
        if let Some(snapshot) = loaded.snapshot {
            let Ok(Snapshot { at, hash, machine, pending }) = serde_json::from_slice(&snapshot.body) else { return Ok(None) };
            folded = Self { head: snapshot.seq, at, hash, machine: Arc::new(machine), pending, snapshot_seq: snapshot.seq };
        }
        for entry in &loaded.entries {
            match journal::decode(folded.head, folded.hash, entry) {
                Ok(line) => folded.follow(&line),
                // It may be the snapshot that is not of this journal; the whole of it decides.
                Err(_) if folded.snapshot_seq > 0 => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        if folded.head != loaded.head {
            return Err(journal::Error::Gap { seq: folded.head + 1, found: loaded.head });
        }
        Ok(Some(folded))
    }

    fn follow(&mut self, line: &Line<M::Event>) {
        self.fold(line.at, &line.fact);
        self.hash = line.hash;
    }

    fn fold(&mut self, at: Timestamp, fact: &Fact<M::Event>) {
        self.head += 1;
        self.at = self.at.max(at);
        match fact {
            Fact::Event(event) => {
                let machine = Arc::make_mut(&mut self.machine);
                machine.apply(at, event);
                let asked = machine.effects(event).into_iter().zip(0..);
                let seq = self.head;
                self.pending.extend(asked.map(|(effect, index)| Pending {
                    id: EffectId { seq, index },
                    effect,
                    phase: Phase::Asked { at },
                }));
            }
            Fact::Attempt { effect, number } => self.set_phase(*effect, Phase::Begun { number: *number, at }),
            Fact::Retry { effect, number, until, .. } => self.set_phase(*effect, Phase::Retry { number: *number, until: *until }),
            Fact::Done { effect, .. } | Fact::GivenUp { effect, .. } => self.pending.retain(|pending| pending.id != *effect),
        }
    }

    fn set_phase(&mut self, id: EffectId, phase: Phase) {
        if let Some(pending) = self.pending.iter_mut().find(|pending| pending.id == id) {
            pending.phase = phase;
        }
    }

    pub fn pending(&self, id: EffectId) -> Option<&Pending<M::Effect>> {
        self.pending.iter().find(|pending| pending.id == id)
    }

    /// The next moment that matters: of the machine or of an effect.
    fn wake_at(&self, lease: Duration) -> Option<Timestamp> {
        let effects = self.pending.iter().map(|pending| pending.look_at(lease));
        self.machine.wake_at().into_iter().chain(effects).min()
    }

    fn snapshot(&self) -> Result<Vec<u8>, serde_json::Error> {
        // Serialized by reference; `Snapshot` is what reads it back.
        #[derive(Serialize)]
        #[serde(bound = "")]
        struct Borrowed<'a, M: Machine> {
            at: Timestamp,
            hash: Hash,
            machine: &'a M,
            pending: &'a [Pending<M::Effect>],
        }
        serde_json::to_vec(&Borrowed { at: self.at, hash: self.hash, machine: &*self.machine, pending: &self.pending })
    }

    fn plan(&self, key: &Entity, now: Timestamp, input: Input<M>, rules: &Rules) -> Result<Plan<M>, String> {
        let now = now.max(self.at);
        let mut plan =
            Plan { next: self.clone(), bodies: Vec::new(), answer: Ok(()), begun: Vec::new(), snapshot: None, wake: None };
        for _ in 0..MAX_ROUNDS {
            let due = plan.next.machine.due_events(now);
            if due.is_empty() {
                break;
            }
            plan.record_events(now, due)?;
        }
        match input {
            Input::Look => {}
            Input::Command(command) | Input::First(command) => plan.answer = plan.decide(now, command)?,
            Input::Begin(effects) => {
                for (effect, number) in effects {
                    plan.begin(now, effect, number)?;
                }
            }
            Input::Ended(ended) => {
                for ended in ended {
                    plan.end(key, now, ended, rules)?;
                }
            }
        }
        plan.finish(rules);
        Ok(plan)
    }
}

impl<M: Machine> Plan<M> {
    fn record(&mut self, at: Timestamp, fact: Fact<M::Event>) -> Result<(), String> {
        let (body, hash) = journal::encode(self.next.hash, self.next.head + 1, at, &fact)
            .map_err(|error| format!("a fact cannot be written: {error}"))?;
        self.next.fold(at, &fact);
        self.next.hash = hash;
        self.bodies.push(body);
        Ok(())
    }

    fn record_events(&mut self, at: Timestamp, events: Vec<M::Event>) -> Result<(), String> {
        events.into_iter().try_for_each(|event| self.record(at, Fact::Event(event)))
    }

    fn decide(&mut self, now: Timestamp, command: M::Command) -> Result<Answer, String> {
        let decision = self.next.machine.decide(now, command);
        self.record_events(now, decision.events)?;
        Ok(decision.answer)
    }

    /// Announces an attempt, if it still is the next one: two servers that find the same effect due must not both perform it.
    fn begin(&mut self, now: Timestamp, effect: EffectId, number: u32) -> Result<(), String> {
        let is_next = |pending: &Pending<_>| pending.number() == number && !matches!(pending.phase, Phase::Begun { .. });
        if self.next.pending(effect).is_some_and(is_next) {
            self.record(now, Fact::Attempt { effect, number })?;
            self.begun.push(effect);
        }
        Ok(())
    }

    fn finish(&mut self, rules: &Rules) {
        if self.bodies.is_empty() {
            return;
        }
        self.wake = self.next.wake_at(rules.lease);
        if self.next.head - self.next.snapshot_seq < rules.snapshot_every {
            return;
        }
        let room = store::MAX_COMMIT.saturating_sub(self.bodies.iter().map(Vec::len).sum());
        // A state that does not fit goes without: snapshots only shorten loads.
        self.snapshot = self.next.snapshot().ok().filter(|body| body.len() <= store::MAX_BODY.min(room));
        if self.snapshot.is_some() {
            self.next.snapshot_seq = self.next.head;
        }
    }

    /// The end of one attempt. The result of an attempt that is not the current one is dropped.
    fn end(&mut self, key: &Entity, now: Timestamp, ended: Ended<M>, rules: &Rules) -> Result<(), String> {
        let Ended { id: effect, number, attempt, repeatable } = ended;
        let Some(pending) = self.next.pending(effect).filter(|pending| pending.number() == number) else { return Ok(()) };
        let asked = pending.effect.clone();
        let unknown = matches!(attempt, Attempt::Unknown { .. });
        let (reason, after) = match attempt {
            Attempt::Done(result) => {
                self.record(now, Fact::Done { effect, number })?;
                return match result {
                    Some(command) => self.decide_result(key, now, command),
                    None => Ok(()),
                };
            }
            Attempt::Retry { reason, after } => (reason, Some(after)),
            Attempt::Unknown { reason } if repeatable => (reason, Some(None)),
            Attempt::Refused { reason } => (reason, None),
            Attempt::Unknown { reason } => (format!("whether it was performed is not known: {reason}"), None),
        };
        match after {
            Some(after) if number < rules.backoff.attempts => {
                let wait = rules.backoff.wait(&format!("{}/{effect}", key.id), number).max(after.unwrap_or_default());
                let wait = i64::try_from(wait.as_millis()).ok().and_then(Duration::try_milliseconds);
                let until = now.checked_add_signed(wait.unwrap_or(Duration::hours(1))).unwrap_or(Timestamp::MAX_UTC);
                self.record(now, Fact::Retry { effect, number, until, reason })
            }
            _ => {
                tracing::warn!(entity = %key.id, kind = M::KIND, %effect, number, reason, "an effect was given up");
                let command = if unknown { M::left_unknown(&asked, &reason) } else { M::given_up(&asked, &reason) };
                self.record(now, Fact::GivenUp { effect, number, reason })?;
                command.map_or(Ok(()), |command| self.decide_result(key, now, command))
            }
        }
    }

    fn decide_result(&mut self, key: &Entity, now: Timestamp, command: M::Command) -> Result<(), String> {
        if let Err(refusal) = self.decide(now, command)? {
            tracing::warn!(entity = %key.id, kind = M::KIND, ?refusal, "the result of an effect was not accepted");
        }
        Ok(())
    }
}

impl<M: Machine> Resident<M> {
    pub fn new(key: Entity, published: Published<M>) -> Self {
        *published.lock() = None;
        Self { key, state: None, published, running: HashMap::new(), conflicts: 0 }
    }

    /// Loads the journal unless it is in memory. `true` if it was loaded now.
    async fn load(&mut self, store: &BoundedStore) -> Result<bool, Fault> {
        if self.state.is_some() {
            return Ok(false);
        }
        let loaded = store.load(&self.key).await.map_err(unreadable)?;
        let key = &self.key;
        let folded = match loaded {
            None => Some(Folded::new(key)),
            Some(loaded) => guarded(|| Folded::load(key, loaded).map_err(|error| error.to_string()))?,
        };
        let folded = match folded {
            Some(folded) => folded,
            None => self.load_whole(store).await?,
        };
        self.keep(folded);
        Ok(true)
    }

    async fn load_whole(&self, store: &BoundedStore) -> Result<Folded<M>, Fault> {
        tracing::warn!(entity = %self.key.id, kind = M::KIND, "a snapshot is not readable; the whole journal is read");
        let lines = match store.read(&self.key).await {
            Ok(lines) => lines,
            Err(ReadError::Store(error)) => return Err(unreadable(error)),
            Err(ReadError::Journal(error)) => return Err(Fault::Poisoned(error.to_string())),
        };
        guarded(|| {
            let mut folded = Folded::new(&self.key);
            lines.iter().for_each(|line| folded.follow(line));
            Ok(folded)
        })
    }

    pub fn state(&self) -> Option<&Folded<M>> {
        self.state.as_ref()
    }

    /// Leaves nothing in memory: the next touch reads the journal.
    pub fn forget(&mut self) {
        self.state = None;
        *self.published.lock() = None;
    }

    /// Keeps what the journal holds.
    fn keep(&mut self, folded: Folded<M>) {
        *self.published.lock() = Some(folded.machine.clone());
        self.state = Some(folded);
    }

    /// Notes that a task is at this attempt until it drops `busy`.
    pub fn starts(&mut self, id: EffectId, number: u32, busy: &Arc<Busy>) {
        self.running.retain(|_, (_, task)| task.strong_count() > 0);
        self.running.insert(id, (number, Arc::downgrade(busy)));
    }

    /// The end of an earlier attempt may come when the next one is under way.
    pub fn ended(&mut self, attempts: &[(EffectId, u32)]) {
        self.running.retain(|id, (number, _)| !attempts.contains(&(*id, *number)));
    }

    pub fn is_running(&self, id: EffectId) -> bool {
        self.running.get(&id).is_some_and(|(_, task)| task.strong_count() > 0)
    }

    /// Decides and makes durable. On a conflict the journal is read again and the input decided anew.
    pub async fn step(
        &mut self,
        store: &BoundedStore,
        now: Timestamp,
        input: Input<M>,
        rules: &Rules,
    ) -> Result<StepResult<M>, Fault> {
        let mut assumed = self.state.is_none() && matches!(input, Input::First(_));
        if assumed {
            // Not shown to anybody: it is no more than a guess until the append.
            self.state = Some(Folded::new(&self.key));
        }
        for _ in 0..=rules.conflict_retries {
            let fresh = self.load(store).await?;
            let Some(state) = &self.state else { continue };
            let (before, machine) = (state.head, state.machine.clone());
            let key = &self.key;
            let mut plan = guarded(|| state.plan(key, now, input.clone(), rules))?;
            let answer = std::mem::replace(&mut plan.answer, Ok(()));
            if plan.bodies.is_empty() {
                if std::mem::take(&mut assumed) {
                    self.forget();
                    continue;
                }
                if rules.shared_store && !fresh && self.is_stale(store, before).await? {
                    self.forget();
                    self.conflicts += 1;
                    continue;
                }
                return Ok(StepResult { answer, committed: false, before: None, asked: Vec::new(), begun: Vec::new() });
            }
            let begun = std::mem::take(&mut plan.begun);
            if self.append(store, plan).await? {
                let pending = self.state.iter().flat_map(|state| &state.pending);
                let asked = pending.map(|pending| pending.id).filter(|id| id.seq > before).collect();
                return Ok(StepResult { answer, committed: true, before: Some(machine), asked, begun });
            }
            self.conflicts += 1;
        }
        Err(Fault::Unavailable("other writers were always first".into()))
    }

    /// Whether somebody else has written. What is appended is compared by the store; a refusal or a read has only this.
    async fn is_stale(&self, store: &BoundedStore, head: u64) -> Result<bool, Fault> {
        Ok(!store.entries(&self.key, head + 1, 1).await.map_err(unreadable)?.is_empty())
    }

    /// One compare-and-append. `false`: somebody else wrote first, and the state was dropped.
    async fn append(&mut self, store: &BoundedStore, plan: Plan<M>) -> Result<bool, Fault> {
        let Plan { next, bodies, snapshot, wake, .. } = plan;
        let commit = Commit {
            entity: self.key.clone(),
            expected_head: next.head - bodies.len() as u64,
            entries: bodies,
            at: next.at,
            snapshot,
            wake,
            commit_id: Uuid::new_v4(),
            key: None,
            listing: Listing::Listed,
        };
        // Dropped before the answer is known: whatever cuts this short, memory never claims what the journal may not hold.
        self.forget();
        let mut outcome = store.commit(&commit).await;
        for _ in 0..UNKNOWN_RETRIES {
            let Ok(CommitOutcome::Unknown) = outcome else { break };
            outcome = match store.resolve(&commit).await {
                // Nobody has written. The same once more, not another one: the first may still be on its way, and must be known again.
                CommitOutcome::Conflict { head } if head == commit.expected_head => store.commit(&commit).await,
                known => Ok(known),
            };
        }
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(store::Error::Refused(reason)) => return Err(Fault::Poisoned(reason)),
            Err(error) => return Err(Fault::Unavailable(error.to_string())),
        };
        match outcome {
            CommitOutcome::Applied => {
                self.keep(next);
                Ok(true)
            }
            CommitOutcome::Conflict { .. } => Ok(false),
            CommitOutcome::Unknown => Err(Fault::Unavailable("whether the change was written is not known".into())),
        }
    }

    /// When the entity must be looked at next, given that its running attempts are under way now. What should have
    /// happened already, and did not, is looked at again after a lease rather than at once.
    pub fn next_look(&self, now: Timestamp, lease: Duration) -> Option<Timestamp> {
        let state = self.state.as_ref()?;
        let effects = state.pending.iter().map(|pending| match self.is_running(pending.id) {
            true => now + lease,
            false => pending.look_at(lease),
        });
        let next = state.machine.wake_at().into_iter().chain(effects).min()?;
        Some(if next > now { next } else { now + lease })
    }

    /// Effects that are due and that nobody here performs: those to begin, and attempts that were lost with their server.
    pub fn due(&self, now: Timestamp, lease: Duration) -> (Vec<EffectId>, Vec<Ended<M>>) {
        let (mut due, mut lost) = (Vec::new(), Vec::new());
        for pending in self.state.iter().flat_map(|state| &state.pending) {
            if pending.look_at(lease) > now || self.is_running(pending.id) {
                continue;
            }
            if matches!(pending.phase, Phase::Begun { .. }) {
                let attempt = Attempt::Unknown { reason: "the server stopped during the attempt".into() };
                lost.push(Ended { id: pending.id, number: pending.number(), attempt, repeatable: false });
            } else {
                due.push(pending.id);
            }
        }
        (due, lost)
    }
}

/// What a failed read means for the entity.
fn unreadable(error: store::Error) -> Fault {
    match error {
        store::Error::Corrupt(reason) => Fault::Poisoned(reason),
        other => Fault::Unavailable(other.to_string()),
    }
}

/// Runs what must not take the server with it: a panic becomes a fault of this one entity.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Fault::Poisoned),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Fault::Poisoned(format!("panicked: {}", text.unwrap_or_else(|| "without a message".into()))))
        }
    }
}
