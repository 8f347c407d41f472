//! From an effect in the journal to an attempt of it, and from the attempt's end back to the journal.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use store::{Entity, Timestamp};
use tokio::{sync::oneshot, time::Instant};
use workflows::Machine;

use crate::{
    busy::Busy,
    effects::{Attempt, Call, Effects},
    entity::{Ended, Input, Resident, StepResult},
    fault::{Fault, guarded},
    journal::EffectId,
    message::{Answered, Message},
    shared::Shared,
};

/// Pauses between attempts to bring an end home while the store does not take it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Attempts that begin together, by what must happen around them.
struct Sorted<M: Machine> {
    /// The answer waits for them.
    before_answer: Vec<Call<M>>,
    repeatable: Vec<Call<M>>,
    /// Each attempt is journaled first.
    once: Vec<Call<M>>,
}

impl<M: Machine> Sorted<M> {
    fn of(calls: Vec<Call<M>>, adapter: &dyn Effects<M>) -> Self {
        let mut sorted = Self { before_answer: Vec::new(), repeatable: Vec::new(), once: Vec::new() };
        for call in calls {
            if !adapter.repeatable(&call.entity, &call.effect, &call.state) {
                sorted.once.push(call);
            } else if adapter.before_answer(&call.effect) {
                sorted.before_answer.push(call);
            } else {
                sorted.repeatable.push(call);
            }
        }
        sorted
    }
}

impl<M: Machine> Shared<M> {
    /// One step of a process. The adapter is shown what it changed.
    pub async fn step(&self, resident: &mut Resident<M>, now: Timestamp, input: Input<M>) -> Result<StepResult<M>, Fault> {
        let stepped = resident.step(&self.store, now, input, &self.rules).await?;
        if let (Some(before), Some(state), Some(adapter)) = (&stepped.before, resident.state(), self.effects.get()) {
            // What is journaled stands, whatever the adapter makes of it.
            let shown = guarded(|| {
                adapter.changed(&resident.key, before, &state.machine);
                Ok(())
            });
            if shown.is_err() {
                tracing::error!(entity = %resident.key.id, kind = M::KIND, "the adapter panicked at a change");
            }
        }
        Ok(stepped)
    }

    /// Starts the first or next attempt of effects; the answer is given when those that it waits for have ended.
    /// `true` if something was journaled.
    pub async fn begin(
        self: &Arc<Self>,
        resident: &mut Resident<M>,
        effects: Vec<EffectId>,
        answer: Option<Answered<M>>,
        busy: &Busy,
    ) -> Result<bool, Fault> {
        let sorted = match self.effects.get() {
            Some(adapter) if !effects.is_empty() => guarded(|| Ok(Sorted::of(self.calls(resident, &effects), &**adapter))),
            _ => Ok(Sorted { before_answer: Vec::new(), repeatable: Vec::new(), once: Vec::new() }),
        };
        let sorted = match sorted {
            Ok(sorted) => sorted,
            Err(fault) => {
                // What is answered is durable, whatever the adapter does.
                Answered::give(answer);
                return Err(fault);
            }
        };
        if sorted.before_answer.is_empty() {
            Answered::give(answer);
        } else {
            let task = Arc::new(busy.again());
            sorted.before_answer.iter().for_each(|call| resident.starts(call.id, call.attempt, &task));
            tokio::spawn(self.clone().perform_before_answer(sorted.before_answer, answer, task));
        }
        self.spawn(resident, sorted.repeatable, None, busy);
        if sorted.once.is_empty() {
            return Ok(false);
        }
        let begin = sorted.once.iter().map(|call| (call.id, call.attempt)).collect();
        let now = self.clock.now();
        let begun = self.step(resident, now, Input::Begin(begin)).await?;
        let calls = self.calls(resident, &begun.begun);
        self.spawn(resident, calls, Some(now), busy);
        Ok(begun.committed)
    }

    /// Whether another server may take an attempt that was announced then for lost before it would end here: the announcement, or this
    /// server, was held up.
    fn is_late(&self, announced: Timestamp) -> bool {
        let needed = self.options.effect_timeout.saturating_mul(2);
        let needed = chrono::Duration::from_std(needed).unwrap_or(self.rules.lease);
        self.rules.shared_store && self.clock.now() > announced + self.rules.lease - needed
    }

    fn calls(&self, resident: &Resident<M>, ids: &[EffectId]) -> Vec<Call<M>> {
        let Some(state) = resident.state().filter(|state| !state.is_paused) else { return Vec::new() };
        let now = self.clock.now();
        let pending = ids.iter().filter_map(|id| state.pending(*id));
        let call = pending.map(|pending| Call {
            entity: resident.key.clone(),
            id: pending.id,
            attempt: pending.number(),
            effect: pending.effect.clone(),
            state: state.machine.clone(),
            now,
        });
        call.collect()
    }

    /// Starts attempts. `announced`: when those were journaled that must not be repeated.
    fn spawn(self: &Arc<Self>, resident: &mut Resident<M>, calls: Vec<Call<M>>, announced: Option<Timestamp>, busy: &Busy) {
        for call in calls {
            let task = Arc::new(busy.again());
            resident.starts(call.id, call.attempt, &task);
            tokio::spawn(self.clone().perform(call, announced, task));
        }
    }

    async fn perform_before_answer(self: Arc<Self>, calls: Vec<Call<M>>, answer: Option<Answered<M>>, _task: Arc<Busy>) {
        let Some(entity) = calls.first().map(|call| call.entity.clone()) else { return };
        let mut all = std::pin::pin!(join_all(calls.into_iter().map(|call| self.attempt(call, true))));
        match tokio::time::timeout(self.options.tell_wait, &mut all).await {
            Ok(ended) => {
                // In the mailbox before the answer is out: what the asker sends next comes after it.
                let taken = self.bring(&entity, ended.clone());
                Answered::give(answer);
                self.deliver(&entity, ended, taken).await;
            }
            Err(_) => {
                Answered::give(answer);
                let ended = all.await;
                let taken = self.bring(&entity, ended.clone());
                self.deliver(&entity, ended, taken).await;
            }
        }
    }

    async fn perform(self: Arc<Self>, call: Call<M>, announced: Option<Timestamp>, _task: Arc<Busy>) {
        let entity = call.entity.clone();
        let repeatable = announced.is_none();
        let not_begun = |reason: &str| {
            let attempt = Attempt::Retry { reason: reason.into(), after: None };
            Ended { id: call.id, number: call.attempt, attempt, repeatable }
        };
        let ended = match tokio::time::timeout(self.options.effect_timeout, self.gate.acquire()).await {
            Ok(Ok(_)) if announced.is_some_and(|announced| self.is_late(announced)) => not_begun("it could not begin in time"),
            Ok(Ok(_permit)) => self.attempt(call, repeatable).await,
            _ => not_begun("too many effects are under way"),
        };
        let taken = self.bring(&entity, vec![ended.clone()]);
        self.deliver(&entity, vec![ended], taken).await;
    }

    async fn attempt(&self, call: Call<M>, repeatable: bool) -> Ended<M> {
        let (id, number) = (call.id, call.attempt);
        let Some(adapter) = self.effects.get().cloned() else {
            let attempt = Attempt::Retry { reason: "no adapter yet".into(), after: None };
            return Ended { id, number, attempt, repeatable };
        };
        // A task of its own: a panic in an adapter is an attempt that failed, no more.
        let mut task = AbortOnDrop(tokio::spawn(async move { adapter.perform(call).await }));
        let attempt = match tokio::time::timeout(self.options.effect_timeout, &mut task.0).await {
            Ok(Ok(attempt)) => attempt,
            Ok(Err(_)) => Attempt::Unknown { reason: "the adapter panicked".into() },
            Err(_) => Attempt::Unknown { reason: "it took too long".into() },
        };
        let outcome = match &attempt {
            Attempt::Done(_) => "done",
            Attempt::Retry { .. } => "retried",
            Attempt::Refused { .. } => "refused",
            Attempt::Unknown { .. } => "unknown",
        };
        self.metrics.effects.with_label_values(&[M::KIND, outcome]).inc();
        Ended { id, number, attempt, repeatable }
    }

    /// Puts ends of attempts in the mailbox, whose bound does not hold for them: there are no more than effects under way.
    fn bring(self: &Arc<Self>, entity: &Entity, ended: Vec<Ended<M>>) -> oneshot::Receiver<()> {
        let (taken, is_taken) = oneshot::channel();
        // Refused only while no actor can be started; then `taken` is dropped, and who waits for it sees that.
        let _ = self.post(entity, Message::Ended(ended, taken));
        is_taken
    }

    /// Waits until ends of attempts are taken, and brings them again while they are not, for as long as an attempt may
    /// take: what is known of an attempt that must not be repeated should not be lost to a store that is away for a moment.
    async fn deliver(self: &Arc<Self>, entity: &Entity, ended: Vec<Ended<M>>, mut taken: oneshot::Receiver<()>) {
        let until = Instant::now() + self.options.effect_timeout.max(self.options.lease);
        let mut pause = FIRST_PAUSE;
        while taken.await.is_err() {
            if Instant::now() >= until {
                tracing::warn!(entity = %entity.id, kind = M::KIND, "the end of an effect was dropped, as it could not be journaled");
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
            taken = self.bring(entity, ended.clone());
        }
    }
}

/// Ends a task with whoever waits for it, so that what takes too long does not stay.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
