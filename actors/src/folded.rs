//! A process as its journal tells it.

use std::sync::Arc;

use chrono::Duration;
use serde::{Deserialize, Serialize};
use store::{Entity, Loaded, Timestamp};
use workflows::{Attribute, Machine, Refusal, table::Stage};

use crate::{
    bounded::BoundedStore,
    erasure::{Erased, Erasure},
    fault::{Cause, Fault, guarded, unreadable},
    intervention::{OpenEffect, OpenEffects, Standing},
    journal::{self, Act, Chain, EffectId, EncodeError, Fact, Hash, Key, Reader, Sealer, open_snapshot, seal_snapshot},
};

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

/// Most effects that were given up of which a process knows; of more the oldest are dismissed.
const MAX_GIVEN_UP: usize = 32;

/// What is wrong with the effects of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Troubles {
    retrying: bool,
    given_up: bool,
    paused: bool,
}

impl Troubles {
    /// What a process with them is found by.
    pub fn attributes(self) -> impl Iterator<Item = Attribute> {
        let named =
            [(self.retrying, Attribute::RETRYING), (self.given_up, Attribute::GIVEN_UP), (self.paused, Attribute::PAUSED)];
        named.into_iter().filter(|(holds, _)| *holds).map(|(_, value)| Attribute::effects(value))
    }
}

/// A folded journal.
#[derive(Clone, Debug)]
pub(crate) struct Folded<M: Machine> {
    pub head: u64,
    /// When the last entry was made. The next one is never older, whichever server makes it: their clocks may differ by seconds.
    pub at: Timestamp,
    pub hash: Hash,
    pub machine: Arc<M>,
    pub pending: Vec<Pending<M::Effect>>,
    /// Effects that were given up and that nobody has dismissed, latest last; at most [`MAX_GIVEN_UP`].
    pub given_up: Vec<Pending<M::Effect>>,
    /// Whether nothing is begun.
    pub is_paused: bool,
    pub snapshot_seq: u64,
    /// What its entries are sealed with, unwrapped; `None` while nothing is sealed.
    pub key: Option<Arc<Key>>,
    /// Whether the last entry is an erasure.
    is_erased: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
struct Snapshot<M: Machine> {
    #[serde(default)]
    at: Timestamp,
    hash: Hash,
    machine: M,
    pending: Vec<Pending<M::Effect>>,
    #[serde(default)]
    is_erased: bool,
    #[serde(default = "Vec::new")]
    given_up: Vec<Pending<M::Effect>>,
    #[serde(default)]
    is_paused: bool,
}

/// Reads a process from the store.
pub(crate) async fn load<M: Machine>(store: &BoundedStore, sealer: &Sealer, entity: &Entity) -> Result<Folded<M>, Fault> {
    let loaded = store.load(entity).await.map_err(unreadable)?;
    of_loaded(store, sealer, entity, loaded).await
}

/// Folds what was loaded. Where that cannot be read for its snapshot, which may be of an older form of the machine or not be of this
/// journal, or because the journal was erased between the reads of entries and key, the whole journal is read.
pub(crate) async fn of_loaded<M: Machine>(
    store: &BoundedStore,
    sealer: &Sealer,
    entity: &Entity,
    loaded: Option<Loaded>,
) -> Result<Folded<M>, Fault> {
    let Some(loaded) = loaded else { return Ok(Folded::new(entity)) };
    let has_snapshot = loaded.snapshot.is_some();
    let error = match guarded(|| Ok(Folded::fold_loaded(sealer, entity, loaded)))? {
        Ok(folded) => return Ok(folded),
        Err(error) => error,
    };
    if error == journal::Error::Key || !(has_snapshot || matches!(error, journal::Error::NoKey { .. })) {
        return Err(Fault::Poisoned(Cause::Journal, error.to_string()));
    }
    tracing::warn!(entity = %entity.id, kind = M::KIND, %error, "a snapshot or key is not readable; the whole journal is read");
    let whole = store.whole(entity).await.map_err(unreadable)?;
    let folded = guarded(|| Ok(Folded::fold_loaded(sealer, entity, whole)))?;
    folded.map_err(|error| Fault::Poisoned(Cause::Journal, error.to_string()))
}

impl<M: Machine> Folded<M> {
    pub fn new(entity: &Entity) -> Self {
        Self {
            head: 0,
            at: Timestamp::MIN_UTC,
            hash: Hash::of_entity(Chain::Sealed, entity),
            machine: Arc::new(M::default()),
            pending: Vec::new(),
            given_up: Vec::new(),
            is_paused: false,
            snapshot_seq: 0,
            key: None,
            is_erased: false,
        }
    }

    fn fold_loaded(sealer: &Sealer, entity: &Entity, loaded: Loaded) -> Result<Self, journal::Error> {
        let mut folded = Self::new(entity);
        let unwrap = |slot: &[u8]| Key::unwrap(sealer, entity, slot).map(Arc::new).ok_or(journal::Error::Key);
        folded.key = loaded.key.as_deref().map(unwrap).transpose()?;
        if let Some(snapshot) = &loaded.snapshot {
            folded.restore(snapshot)?;
        }
        let mut reader = Reader::at(entity, folded.key.clone(), folded.head, folded.hash);
        for entry in &loaded.entries {
            let (at, fact) = reader.fact(entry)?;
            folded.fold(at, fact.as_ref());
            folded.hash = reader.hash;
        }
        if folded.head != loaded.head {
            return Err(journal::Error::Gap { seq: folded.head + 1, found: loaded.head });
        }
        Ok(folded)
    }

    fn restore(&mut self, snapshot: &store::Snapshot) -> Result<(), journal::Error> {
        let unreadable = |reason: &str| journal::Error::Unreadable { seq: snapshot.seq, reason: reason.to_owned() };
        let mut text = Vec::new();
        open_snapshot(self.key.as_deref(), snapshot, &mut text)
            .ok_or_else(|| unreadable("the snapshot after it does not open"))?;
        let Snapshot { at, hash, machine, pending, is_erased, given_up, is_paused } =
            serde_json::from_slice(&text).map_err(|_| unreadable("the snapshot after it is not what this program expects"))?;
        (self.head, self.snapshot_seq) = (snapshot.seq, snapshot.seq);
        (self.at, self.hash, self.machine) = (at, hash, Arc::new(machine));
        (self.pending, self.is_erased) = (pending, is_erased);
        (self.given_up, self.is_paused) = (given_up, is_paused);
        Ok(())
    }

    /// Follows one more entry; `None`: what it says is erased.
    pub fn fold(&mut self, at: Timestamp, fact: Option<&Fact<M::Event>>) {
        self.head += 1;
        self.at = self.at.max(at);
        self.is_erased = matches!(fact, Some(Fact::Erased { .. }));
        match fact {
            None => {}
            Some(Fact::Event(event)) => {
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
            Some(Fact::Attempt { effect, number }) => self.set_phase(*effect, Phase::Begun { number: *number, at }),
            Some(Fact::Retry { effect, number, until, .. }) => {
                self.set_phase(*effect, Phase::Retry { number: *number, until: *until });
            }
            Some(Fact::Done { effect, .. }) => self.pending.retain(|pending| pending.id != *effect),
            Some(Fact::GivenUp { effect, .. }) => {
                let given_up = self.pending.extract_if(.., |pending| pending.id == *effect);
                self.given_up.extend(given_up);
                let too_many = self.given_up.len().saturating_sub(MAX_GIVEN_UP);
                self.given_up.drain(..too_many);
            }
            Some(Fact::Intervened { act, .. }) => self.act(at, *act),
            Some(Fact::Erased { remains, .. }) => {
                let mut machine = M::default();
                remains.iter().for_each(|event| machine.apply(at, event));
                (self.machine, self.pending) = (Arc::new(machine), Vec::new());
                (self.given_up, self.is_paused) = (Vec::new(), false);
            }
        }
    }

    fn act(&mut self, at: Timestamp, act: Act) {
        match act {
            Act::TryNow(id) => {
                if let Some(Pending { phase: Phase::Retry { until, .. }, .. }) = self.pending.iter_mut().find(|one| one.id == id)
                {
                    *until = at;
                }
            }
            // What follows says the one; the other changes nothing of the process.
            Act::GiveUp(_) | Act::LookAgain => {}
            Act::Again(id) => {
                let again = self.given_up.extract_if(.., |one| one.id == id);
                self.pending.extend(again.map(|one| Pending { phase: Phase::Asked { at }, ..one }));
            }
            Act::Dismiss(id) => self.given_up.retain(|one| one.id != id),
            Act::Pause => self.is_paused = true,
            Act::Resume => self.is_paused = false,
        }
    }

    /// Whether an act is one that can be done now.
    pub fn allows(&self, act: Act) -> Result<(), Refusal> {
        const NO_EFFECT: Refusal = Refusal::NotFound("effect");
        if self.machine.stage() == Stage::Absent {
            return Err(Refusal::NotFound("process"));
        }
        let allowed = |holds: bool, why: &str| if holds { Ok(()) } else { Err(Refusal::state(why)) };
        let given_up = |id| self.given_up.iter().find(|one| one.id == id).ok_or(NO_EFFECT);
        match act {
            Act::TryNow(id) => match self.pending(id).ok_or(NO_EFFECT)?.phase {
                _ if self.is_paused => allowed(false, "the process is paused: resume it first"),
                phase => allowed(matches!(phase, Phase::Retry { .. }), "the effect does not wait for its next attempt"),
            },
            Act::GiveUp(id) => self.pending(id).map(drop).ok_or(NO_EFFECT),
            Act::Again(id) => {
                let may = self.machine.may_repeat(&given_up(id)?.effect);
                allowed(may, "to do it again would change nothing: the process has gone on without it")
            }
            Act::Dismiss(id) => given_up(id).map(drop),
            Act::Pause => allowed(!self.is_paused, "the process is paused already"),
            Act::Resume => allowed(self.is_paused, "the process is not paused"),
            Act::LookAgain => Ok(()),
        }
    }

    /// What somebody may act on.
    pub fn open_effects(&self) -> OpenEffects {
        let standing = |phase| match phase {
            Phase::Asked { at } => Standing::Asked { at },
            Phase::Begun { number, at } => Standing::Begun { number, at },
            Phase::Retry { number, until } => Standing::Waiting { number, until },
        };
        let effect = |one: &Pending<M::Effect>, standing| {
            let value = serde_json::to_value(&one.effect).unwrap_or_default();
            let name = value["type"].as_str().or(value.as_str()).unwrap_or("effect").to_owned();
            OpenEffect {
                id: one.id,
                name,
                standing,
                may_repeat: standing == Standing::GivenUp && self.machine.may_repeat(&one.effect),
            }
        };
        let pending = self.pending.iter().map(|one| effect(one, standing(one.phase)));
        let given_up = self.given_up.iter().map(|one| effect(one, Standing::GivenUp));
        OpenEffects { is_paused: self.is_paused, effects: pending.chain(given_up).collect() }
    }

    /// Of what an operator looks for: whether an effect of it failed and is tried again, was given up, or waits as all are paused.
    pub fn troubles(&self) -> Troubles {
        Troubles {
            retrying: self.pending.iter().any(|one| matches!(one.phase, Phase::Retry { .. })),
            given_up: !self.given_up.is_empty(),
            paused: self.is_paused,
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
    pub fn wake_at(&self, lease: Duration) -> Option<Timestamp> {
        let effects = self.pending.iter().filter(|_| !self.is_paused).map(|pending| pending.look_at(lease));
        self.machine.wake_at().into_iter().chain(effects).min()
    }

    /// What an erasure of it finds done: the last entry is one, or there is none.
    pub fn erased(&self) -> Option<Erased> {
        if self.head > 0 && !self.is_erased {
            return None;
        }
        let before = self.head.saturating_sub(1);
        let in_clear = self.key.as_ref().map_or(0, |key| key.sealed_since.saturating_sub(1)).min(before);
        Some(Erased { entries: before - in_clear, in_clear, hash: self.hash, already: true })
    }

    /// Why it is not to be erased now.
    pub fn refuses(&self, erasure: &Erasure) -> Option<Refusal> {
        let at_work = !self.machine.has_ended() || !self.pending.is_empty();
        (erasure.ended_only && at_work)
            .then(|| Refusal::state("the process has not ended, or something that it asked for has not"))
    }

    pub fn snapshot(&self, key: &Key) -> Result<Vec<u8>, EncodeError> {
        // Serialized by reference; `Snapshot` is what reads it back.
        #[derive(Serialize)]
        #[serde(bound = "")]
        struct Borrowed<'a, M: Machine> {
            at: Timestamp,
            hash: Hash,
            machine: &'a M,
            pending: &'a [Pending<M::Effect>],
            is_erased: bool,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            given_up: &'a [Pending<M::Effect>],
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            is_paused: bool,
        }
        let Self { at, hash, is_erased, is_paused, pending, given_up, .. } = self;
        let (at, hash, is_erased, is_paused) = (*at, *hash, *is_erased, *is_paused);
        let state = Borrowed { at, hash, machine: &*self.machine, pending, is_erased, given_up, is_paused };
        seal_snapshot(key, self.head, &state)
    }
}
