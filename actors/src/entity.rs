//! One process in memory: its folded journal, the plan that a command leads to, and the append that makes it true.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use chrono::Duration;
use parking_lot::Mutex;
use store::{Commit, CommitOutcome, Entity, Timestamp};
use uuid::Uuid;
use workflows::{Answer, Machine, Refusal};

use crate::{
    bounded::BoundedStore,
    busy::Busy,
    effects::{Attempt, Backoff},
    erasure::{Erased, Erasure},
    fault::{Cause, Fault, guarded, unreadable},
    folded::{Folded, Phase, load},
    intervention::Intervention,
    journal::{EffectId, Sealer},
    plan::Plan,
};

/// Tries of the same append whose outcome is not known.
const UNKNOWN_RETRIES: u32 = 2;

/// What is brought to a process.
#[derive(Clone, Debug)]
pub(crate) enum Input<M: Machine> {
    Command(M::Command),
    /// A command to a process whose journal is taken to be empty; the append finds out.
    First(M::Command),
    /// What somebody does by hand about effects.
    Intervene(Intervention),
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

/// How a process is kept.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub lease: Duration,
    pub backoff: Backoff,
    pub snapshot_every: u64,
    pub conflict_retries: u32,
    /// See [`crate::Options::shared_store`].
    pub shared_store: bool,
    pub sealer: Sealer,
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

impl<M: Machine> Resident<M> {
    pub fn new(key: Entity, published: Published<M>) -> Self {
        *published.lock() = None;
        Self { key, state: None, published, running: HashMap::new(), conflicts: 0 }
    }

    /// Loads the journal unless it is in memory. `true` if it was loaded now.
    async fn load(&mut self, store: &BoundedStore, rules: &Rules) -> Result<bool, Fault> {
        if self.state.is_some() {
            return Ok(false);
        }
        let folded = load(store, &rules.sealer, &self.key).await?;
        self.keep(folded);
        Ok(true)
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
            let fresh = self.load(store, rules).await?;
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

    /// Forgets all that the journal says, by one append that brings another key and says so. On a conflict the journal is read again.
    pub async fn erase(
        &mut self,
        store: &BoundedStore,
        now: Timestamp,
        erasure: &Erasure,
        rules: &Rules,
    ) -> Result<Result<Erased, Refusal>, Fault> {
        for _ in 0..=rules.conflict_retries {
            let fresh = self.load(store, rules).await?;
            let Some(state) = &self.state else { continue };
            let answer = match state.erased() {
                Some(erased) => Some(Ok(erased)),
                None => guarded(|| Ok(state.refuses(erasure)))?.map(Err),
            };
            if let Some(answer) = answer {
                if rules.shared_store && !fresh && self.is_stale(store, state.head).await? {
                    self.forget();
                    self.conflicts += 1;
                    continue;
                }
                return Ok(answer);
            }
            let plan = guarded(|| state.plan_erasure(&self.key, now, erasure, rules))?;
            let erased = plan.next.erased().map(|erased| Erased { already: false, ..erased });
            if self.append(store, plan).await? {
                return erased.map(Ok).ok_or_else(|| Fault::Poisoned(Cause::Journal, "an erased journal does not say so".into()));
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
        let Plan { next, bodies, snapshot, wake, slot, listing, marks, .. } = plan;
        let commit = Commit {
            entity: self.key.clone(),
            expected_head: next.head - bodies.len() as u64,
            entries: bodies,
            at: next.at,
            snapshot,
            wake,
            commit_id: Uuid::new_v4(),
            key: slot,
            listing,
            marks,
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
            Err(store::Error::Refused(reason)) => return Err(Fault::Poisoned(Cause::NotWritable, reason)),
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
        let effects = state.pending.iter().filter(|_| !state.is_paused).map(|pending| match self.is_running(pending.id) {
            true => now + lease,
            false => pending.look_at(lease),
        });
        let next = state.machine.wake_at().into_iter().chain(effects).min()?;
        Some(if next > now { next } else { now + lease })
    }

    /// Effects that can begin now, as somebody's hand has just allowed, and that nobody here performs.
    pub fn ready(&self, now: Timestamp) -> Vec<EffectId> {
        let can_begin = |phase| match phase {
            Phase::Asked { .. } => true,
            Phase::Begun { .. } => false,
            Phase::Retry { until, .. } => until <= now,
        };
        let pending = self.state.iter().filter(|state| !state.is_paused).flat_map(|state| &state.pending);
        let ready = pending.filter(|pending| can_begin(pending.phase) && !self.is_running(pending.id));
        ready.map(|pending| pending.id).collect()
    }

    /// Effects that are due and that nobody here performs: those to begin, and attempts that were lost with their server.
    pub fn due(&self, now: Timestamp, lease: Duration) -> (Vec<EffectId>, Vec<Ended<M>>) {
        let (mut due, mut lost) = (Vec::new(), Vec::new());
        for pending in self.state.iter().filter(|state| !state.is_paused).flat_map(|state| &state.pending) {
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
