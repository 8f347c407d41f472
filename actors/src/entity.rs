//! One process in memory: its folded journal, the plan that a command leads to, and the append that makes it true.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use chrono::Duration;
use serde::{Deserialize, Serialize};
use store::{Commit, CommitOutcome, Entity, Loaded, Store, Timestamp};
use uuid::Uuid;
use workflows::{Answer, Machine};

use crate::{
    effects::{Attempt, Backoff},
    journal::{self, EffectId, Fact, Hash},
};

/// Most rounds of time deciding something before a command: each round must end a state, and machines have few.
const MAX_PASSES: usize = 4;

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
    hash: Hash,
    pub machine: Arc<M>,
    pub pending: Vec<Pending<M::Effect>>,
    snapshot_seq: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Snapshot<M: Machine> {
    hash: Hash,
    machine: M,
    pending: Vec<Pending<M::Effect>>,
}

/// What is brought to a process.
#[derive(Clone, Debug)]
pub(crate) enum Input<M: Machine> {
    Command(M::Command),
    /// Nothing but the clock.
    Look,
    /// These attempts begin.
    Begin(Vec<EffectId>),
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
    answer: Answer<M::Rejection>,
}

/// What became of an input.
pub(crate) struct Stepped<M: Machine> {
    pub answer: Answer<M::Rejection>,
    pub committed: bool,
    /// Effects that the input's events asked for.
    pub asked: Vec<EffectId>,
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
}

/// A process in memory.
pub(crate) struct Resident<M: Machine> {
    pub key: Entity,
    /// `None` until loaded, and after an append whose outcome is not known.
    state: Option<Folded<M>>,
    /// Attempts under way in this server.
    pub running: HashSet<EffectId>,
    pub conflicts: u64,
}

impl<M: Machine> Folded<M> {
    fn new(key: &Entity) -> Self {
        Self { head: 0, hash: Hash::of_entity(key), machine: Arc::new(M::default()), pending: Vec::new(), snapshot_seq: 0 }
    }

    fn load(key: &Entity, loaded: Loaded) -> Result<Self, journal::Error> {
        let mut folded = Self::new(key);
        if let Some(snapshot) = loaded.snapshot {
            let unreadable = |error: serde_json::Error| journal::Error::Unreadable { seq: snapshot.seq, reason: error.to_string() };
            let Snapshot { hash, machine, pending } = serde_json::from_slice(&snapshot.body).map_err(unreadable)?;
            folded = Self { head: snapshot.seq, hash, machine: Arc::new(machine), pending, snapshot_seq: snapshot.seq };
        }
        for entry in &loaded.entries {
            let line = journal::decode(folded.head, folded.hash, entry)?;
            folded.fold(line.at, &line.fact);
            folded.hash = line.hash;
        }
        if folded.head != loaded.head {
            return Err(journal::Error::Gap { seq: folded.head + 1, found: loaded.head });
        }
        Ok(folded)
    }

    fn fold(&mut self, at: Timestamp, fact: &Fact<M::Event>) {
        self.head += 1;
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
            hash: Hash,
            machine: &'a M,
            pending: &'a [Pending<M::Effect>],
        }
        serde_json::to_vec(&Borrowed { hash: self.hash, machine: &*self.machine, pending: &self.pending })
    }

    fn plan(&self, key: &Entity, now: Timestamp, input: Input<M>, rules: &Rules) -> Result<Plan<M>, String> {
        let mut plan = Plan { next: self.clone(), bodies: Vec::new(), answer: Ok(()) };
        for _ in 0..MAX_PASSES {
            let passed = plan.next.machine.pass(now);
            if passed.is_empty() {
                break;
            }
            plan.note_events(now, passed)?;
        }
        match input {
            Input::Look => {}
            Input::Command(command) => plan.answer = plan.decide(now, command)?,
            Input::Begin(effects) => {
                for effect in effects {
                    if let Some(number) = plan.next.pending(effect).map(Pending::number) {
                        plan.note(now, Fact::Attempt { effect, number })?;
                    }
                }
            }
            Input::Ended(ended) => {
                for ended in ended {
                    plan.end(key, now, ended, rules)?;
                }
            }
        }
        Ok(plan)
    }
}

impl<M: Machine> Plan<M> {
    fn note(&mut self, at: Timestamp, fact: Fact<M::Event>) -> Result<(), String> {
        let (body, hash) = journal::encode(self.next.hash, self.next.head + 1, at, &fact).map_err(|error| format!("a fact cannot be written: {error}"))?;
        self.next.fold(at, &fact);
        self.next.hash = hash;
        self.bodies.push(body);
        Ok(())
    }

    fn note_events(&mut self, at: Timestamp, events: Vec<M::Event>) -> Result<(), String> {
        events.into_iter().try_for_each(|event| self.note(at, Fact::Event(event)))
    }

    fn decide(&mut self, now: Timestamp, command: M::Command) -> Result<Answer<M::Rejection>, String> {
        let decision = self.next.machine.decide(now, command);
        self.note_events(now, decision.events)?;
        Ok(decision.answer)
    }

    /// The end of one attempt. The result of an attempt that is not the current one is dropped.
    fn end(&mut self, key: &Entity, now: Timestamp, ended: Ended<M>, rules: &Rules) -> Result<(), String> {
        let Ended { id: effect, number, attempt, repeatable } = ended;
        let Some(pending) = self.next.pending(effect).filter(|pending| pending.number() == number) else { return Ok(()) };
        let asked = pending.effect.clone();
        let (reason, after) = match attempt {
            Attempt::Done(result) => {
                self.note(now, Fact::Done { effect, number })?;
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
                let until = now + Duration::from_std(wait).unwrap_or(Duration::hours(1));
                self.note(now, Fact::Retry { effect, number, until, reason })
            }
            _ => {
                tracing::warn!(entity = %key.id, kind = M::KIND, %effect, number, reason, "an effect was given up");
                let command = M::given_up(&asked, &reason);
                self.note(now, Fact::GivenUp { effect, number, reason })?;
                command.map_or(Ok(()), |command| self.decide_result(key, now, command))
            }
        }
    }

    fn decide_result(&mut self, key: &Entity, now: Timestamp, command: M::Command) -> Result<(), String> {
        if let Err(rejection) = self.decide(now, command)? {
            tracing::warn!(entity = %key.id, kind = M::KIND, ?rejection, "the result of an effect was not accepted");
        }
        Ok(())
    }
}

impl<M: Machine> Resident<M> {
    pub fn new(key: Entity) -> Self {
        Self { key, state: None, running: HashSet::new(), conflicts: 0 }
    }

    /// Loads the journal unless it is in memory.
    pub async fn load(&mut self, store: &dyn Store) -> Result<&Folded<M>, Fault> {
        if self.state.is_none() {
            let loaded = store.load(&self.key).await.map_err(|error| match error {
                store::Error::Corrupt(reason) => Fault::Poisoned(reason),
                other => Fault::Unavailable(other.to_string()),
            })?;
            let key = &self.key;
            let folded = match loaded {
                None => Folded::new(key),
                Some(loaded) => guarded(|| Folded::load(key, loaded).map_err(|error| error.to_string()))?,
            };
            self.state = Some(folded);
        }
        self.state.as_ref().ok_or_else(|| Fault::Unavailable("the state was dropped".into()))
    }

    pub fn state(&self) -> Option<&Folded<M>> {
        self.state.as_ref()
    }

    /// Decides and makes durable. On a conflict the journal is read again and the input decided anew.
    pub async fn step(&mut self, store: &dyn Store, now: Timestamp, input: Input<M>, rules: &Rules) -> Result<Stepped<M>, Fault> {
        if let Input::Ended(ended) = &input {
            ended.iter().for_each(|ended| {
                self.running.remove(&ended.id);
            });
        }
        for _ in 0..=rules.conflict_retries {
            self.load(store).await?;
            let Some(state) = &self.state else { continue };
            let key = &self.key;
            let plan = guarded(|| state.plan(key, now, input.clone(), rules))?;
            if plan.bodies.is_empty() {
                return Ok(Stepped { answer: plan.answer, committed: false, asked: Vec::new() });
            }
            let before = state.head;
            match self.append(store, now, plan.bodies, plan.next, rules).await? {
                true => {
                    let asked = self.state.iter().flat_map(|state| &state.pending).map(|pending| pending.id);
                    let asked = asked.filter(|id| id.seq > before).collect();
                    return Ok(Stepped { answer: plan.answer, committed: true, asked });
                }
                false => self.conflicts += 1,
            }
        }
        Err(Fault::Unavailable("other writers were always first".into()))
    }

    /// One compare-and-append. `false`: somebody else wrote first, and the state was dropped.
    async fn append(
        &mut self,
        store: &dyn Store,
        now: Timestamp,
        bodies: Vec<Vec<u8>>,
        mut next: Folded<M>,
        rules: &Rules,
    ) -> Result<bool, Fault> {
        let expected_head = next.head - bodies.len() as u64;
        let due = next.head - next.snapshot_seq >= rules.snapshot_every;
        let snapshot = if due { next.snapshot().ok().filter(|body| body.len() <= store::MAX_BODY) } else { None };
        if snapshot.is_some() {
            next.snapshot_seq = next.head;
        }
        let commit = Commit {
            entity: self.key.clone(),
            expected_head,
            entries: bodies,
            at: now,
            snapshot,
            wake: next.wake_at(rules.lease),
            commit_id: Uuid::new_v4(),
        };
        let outcome = match store.commit(commit.clone()).await {
            Ok(CommitOutcome::Unknown) => {
                self.state = None;
                store::resolve_unknown(store, &commit).await
            }
            Ok(outcome) => outcome,
            Err(store::Error::Refused(reason)) => return Err(Fault::Poisoned(reason)),
            Err(error) => return Err(Fault::Unavailable(error.to_string())),
        };
        match outcome {
            CommitOutcome::Applied => {
                self.state = Some(next);
                Ok(true)
            }
            CommitOutcome::Conflict { .. } => {
                self.state = None;
                Ok(false)
            }
            CommitOutcome::Unknown => Err(Fault::Unavailable("whether the change was written is not known".into())),
        }
    }

    /// When the entity must be looked at next, given that its running attempts are under way now.
    pub fn next_look(&self, now: Timestamp, lease: Duration) -> Option<Timestamp> {
        let state = self.state.as_ref()?;
        let effects = state.pending.iter().map(|pending| match self.running.contains(&pending.id) {
            true => now + lease,
            false => pending.look_at(lease),
        });
        state.machine.wake_at().into_iter().chain(effects).min()
    }
}

/// Runs what must not take the server with it: a panic becomes a fault of this one entity.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, Fault> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Fault::Poisoned),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(Fault::Poisoned(format!("panicked: {}", text.unwrap_or_else(|| "without a message".into()))))
        }
    }
}
