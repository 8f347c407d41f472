//! What an input leads to, before it is durable.

use std::sync::Arc;

use chrono::Duration;
use store::{Entity, Listing, Mark, Timestamp};
use workflows::{Answer, Machine};

use crate::{
    effects::Attempt,
    entity::{Ended, Input, Rules},
    erasure::Erasure,
    folded::{Folded, Pending, Phase, Troubles},
    intervention::Intervention,
    journal::{Act, EffectId, Fact, Key, NoCipher, Sealer, encode},
};

/// Maximum number of times that events are due before one command: each must end a state, and machines have few.
const MAX_ROUNDS: usize = 4;

/// What an input leads to, before it is durable.
pub(crate) struct Plan<M: Machine> {
    pub next: Folded<M>,
    pub bodies: Vec<Vec<u8>>,
    pub answer: Answer,
    pub begun: Vec<EffectId>,
    pub snapshot: Option<Vec<u8>>,
    pub wake: Option<Timestamp>,
    /// A key that is made with these entries, wrapped.
    pub slot: Option<Vec<u8>>,
    pub listing: Listing,
    /// What it is found by, where that changes.
    pub marks: Option<Vec<Mark>>,
    /// The machine before, and what was wrong with its effects.
    before: (Arc<M>, Troubles),
    /// What the first key is made from, where there is none yet.
    keyless: Option<(Sealer, Entity)>,
}

impl<M: Machine> Folded<M> {
    pub fn plan(&self, key: &Entity, now: Timestamp, input: Input<M>, rules: &Rules) -> Result<Plan<M>, String> {
        let now = now.max(self.at);
        let mut plan = Plan::of(self.clone(), key, rules);
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
            Input::Intervene(intervention) => plan.answer = plan.intervene(key, now, intervention)?,
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
        plan.finish(key, rules)?;
        Ok(plan)
    }

    /// The entry that says that all before it is erased, under a key of its own.
    pub fn plan_erasure(&self, entity: &Entity, now: Timestamp, erasure: &Erasure, rules: &Rules) -> Result<Plan<M>, String> {
        let mut plan = Plan::of(self.clone(), entity, rules);
        let since = self.head + 1;
        let made = match &self.key {
            Some(key) => key.next(&rules.sealer, entity, since),
            None => Key::after_clear(&rules.sealer, entity, since),
        };
        plan.seal_with(made)?;
        let Erasure { by, reason, .. } = erasure.clone();
        let remains = self.machine.remains();
        plan.record(now.max(self.at), Fact::Erased { by, reason, remains })?;
        plan.listing = Listing::Removed;
        plan.mark(entity, rules);
        plan.wake = plan.next.wake_at(rules.lease);
        // Whatever its size in bytes: the one before must not stay.
        plan.take_snapshot()?;
        plan.next.snapshot_seq = plan.next.head;
        Ok(plan)
    }
}

impl<M: Machine> Plan<M> {
    fn of(next: Folded<M>, entity: &Entity, rules: &Rules) -> Self {
        Self {
            before: (next.machine.clone(), next.troubles()),
            marks: None,
            keyless: next.key.is_none().then(|| (rules.sealer.clone(), entity.clone())),
            next,
            bodies: Vec::new(),
            answer: Ok(()),
            begun: Vec::new(),
            snapshot: None,
            wake: None,
            slot: None,
            listing: if M::LISTED { Listing::Listed } else { Listing::Unlisted },
        }
    }

    fn seal_with(&mut self, made: Result<(Key, Vec<u8>), NoCipher>) -> Result<Arc<Key>, String> {
        let (key, slot) = made.map_err(|error| error.to_string())?;
        let key = Arc::new(key);
        (self.next.key, self.slot) = (Some(key.clone()), Some(slot));
        Ok(key)
    }

    fn key(&mut self) -> Result<Arc<Key>, String> {
        match (&self.next.key, self.keyless.take()) {
            (Some(key), _) => Ok(key.clone()),
            (None, Some((sealer, entity))) => self.seal_with(Key::first(&sealer, &entity, self.next.head + 1)),
            (None, None) => Err("a journal has no key".into()),
        }
    }

    fn record(&mut self, at: Timestamp, fact: Fact<M::Event>) -> Result<(), String> {
        let key = self.key()?;
        let (body, hash) = encode(&key, self.next.hash, self.next.head + 1, at, &fact)
            .map_err(|error| format!("a fact cannot be written: {error}"))?;
        self.next.fold(at, Some(&fact));
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

    fn intervene(&mut self, key: &Entity, now: Timestamp, intervention: Intervention) -> Result<Answer, String> {
        let Intervention { by, reason, act } = intervention;
        if let Err(refusal) = self.next.allows(act) {
            return Ok(Err(refusal));
        }
        let why = format!("{by}: {reason}");
        self.record(now, Fact::Intervened { by, reason, act })?;
        let Act::GiveUp(effect) = act else { return Ok(Ok(())) };
        let Some(Pending { effect: asked, phase, .. }) = self.next.pending(effect).cloned() else { return Ok(Ok(())) };
        // Of one that waits for its next attempt it is certain that it was not performed.
        let (number, command) = match phase {
            Phase::Retry { number, .. } => (number, M::given_up(&asked, &why)),
            Phase::Begun { number, .. } => (number, M::left_unknown(&asked, &why)),
            Phase::Asked { .. } => (0, M::left_unknown(&asked, &why)),
        };
        self.record(now, Fact::GivenUp { effect, number, reason: why })?;
        command.map_or(Ok(()), |command| self.decide_result(key, now, command))?;
        Ok(Ok(()))
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

    /// Notes what the machine is found by now, where it was something else.
    fn mark(&mut self, entity: &Entity, rules: &Rules) {
        let (machine, troubles) = &self.before;
        let (found_by, now) = (self.next.machine.found_by(), self.next.troubles());
        if (*troubles, machine.found_by()) != (now, found_by.clone()) {
            let all = now.attributes().chain(found_by);
            let mark = |attribute| rules.sealer.mark(&entity.organization, M::KIND, &attribute);
            self.marks = Some(all.take(store::MAX_MARKS).map(mark).collect());
        }
    }

    fn finish(&mut self, entity: &Entity, rules: &Rules) -> Result<(), String> {
        if self.bodies.is_empty() {
            return Ok(());
        }
        self.mark(entity, rules);
        self.wake = self.next.wake_at(rules.lease);
        if self.next.head - self.next.snapshot_seq < rules.snapshot_every {
            return Ok(());
        }
        self.take_snapshot()?;
        let room = store::MAX_COMMIT.saturating_sub(self.bodies.iter().map(Vec::len).sum());
        // A state that does not fit goes without: snapshots only shorten loads.
        if self.snapshot.as_ref().is_some_and(|body| body.len() > store::MAX_BODY.min(room)) {
            self.snapshot = None;
        }
        if self.snapshot.is_some() {
            self.next.snapshot_seq = self.next.head;
        }
        Ok(())
    }

    fn take_snapshot(&mut self) -> Result<(), String> {
        let key = self.key()?;
        self.snapshot = Some(self.next.snapshot(&key).map_err(|error| format!("a snapshot cannot be written: {error}"))?);
        Ok(())
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
