//! What the actors of one kind of process share, and the way into their mailboxes.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::ArbiterHandle;
use parking_lot::Mutex;
use store::Entity;
use tokio::sync::{Semaphore, oneshot};
use workflows::Machine;

use crate::{
    bounded::BoundedStore,
    busy::Busy,
    clock::Clock,
    effects::Effects,
    entity::{Input, Rules},
    erasure::{Erased, Erasure},
    error::{Error, Full},
    fault::{Cause, guarded},
    message::{Envelope, Message},
    metrics::Metrics,
    options::Options,
    registry::{Registry, Slot},
};

/// Why nothing is taken any more.
pub(crate) const GOING_DOWN: &str = "the server is going down";

pub(crate) struct Shared<M: Machine> {
    pub store: BoundedStore,
    pub clock: Clock,
    pub effects: OnceLock<Arc<dyn Effects<M>>>,
    pub options: Options,
    pub rules: Rules,
    pub metrics: Metrics,
    pub registry: Mutex<Registry<M>>,
    /// Bounds the effects under way.
    pub gate: Semaphore,
    /// Actors that run.
    pub actors: Arc<AtomicUsize>,
    /// Starts the actor of a process. Handed in, as the actor knows this and not the other way round.
    pub start: fn(&Arc<Self>, &Entity) -> Slot<M>,
    pub arbiters: Vec<ArbiterHandle>,
    pub draining: AtomicBool,
}

impl<M: Machine> Shared<M> {
    pub async fn ask(self: &Arc<Self>, entity: Entity, input: Input<M>) -> Result<Arc<M>, Error> {
        self.is_served(&entity)?;
        let (reply, answer) = oneshot::channel();
        self.answered(&entity, Message::Input(input, reply), answer).await
    }

    pub async fn erase(self: &Arc<Self>, entity: &Entity, erasure: Erasure) -> Result<Erased, Error> {
        erasure.check().map_err(Error::Refused)?;
        self.is_served(entity)?;
        let (reply, answer) = oneshot::channel();
        self.answered(entity, Message::Erase(erasure, reply), answer).await
    }

    pub fn is_served(&self, entity: &Entity) -> Result<(), Error> {
        match self.draining.load(Ordering::Acquire) {
            true => Err(Error::Unavailable(GOING_DOWN.into())),
            false if self.is_quarantined(entity) => Err(Error::Quarantined),
            false => Ok(()),
        }
    }

    async fn answered<T>(
        self: &Arc<Self>,
        entity: &Entity,
        message: Message<M>,
        answer: oneshot::Receiver<Result<T, Error>>,
    ) -> Result<T, Error> {
        self.post(entity, message).map_err(|_| Error::Overloaded)?;
        match tokio::time::timeout(self.options.answer_timeout, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::Unavailable("the process stopped while it was at work".into())),
            Err(_) => Err(Error::Unavailable("the process gave no answer in time".into())),
        }
    }

    /// The machine of a process in memory, where nothing is under way and time changes nothing: what its actor would answer to a
    /// look, without the way through its mailbox. Not where others may have written.
    pub fn at_hand(&self, entity: &Entity) -> Option<Arc<M>> {
        if self.options.shared_store || self.draining.load(Ordering::Acquire) || self.is_quarantined(entity) {
            return None;
        }
        let published = {
            let mut registry = self.registry.lock();
            let slot = registry.slots.get_mut(entity)?;
            slot.last = Instant::now();
            slot.published.clone()
        };
        let machine = published.lock().clone()?;
        let unchanged = guarded(|| Ok(machine.due_events(self.clock.now()).is_empty())).unwrap_or(false);
        unchanged.then_some(machine)
    }

    /// Puts a message in the mailbox of the entity's actor, which is started if need be. Never waits.
    ///
    /// The bound is counted here and not left to actix: its mailboxes hold at most 16 messages until their actor has started,
    /// and ends of attempts must get in whatever waits before them.
    pub fn post(self: &Arc<Self>, entity: &Entity, message: Message<M>) -> Result<(), Full> {
        let bounded = !matches!(message, Message::Ended(..));
        let mut registry = self.registry.lock();
        let maximum = self.options.max_resident.saturating_mul(2);
        if bounded && registry.slots.len() >= maximum && !registry.slots.contains_key(entity) {
            // Many more than fit can come and go between two sweeps; only those at work are a reason to refuse another.
            registry.make_room(Instant::now());
        }
        let slots = &mut registry.slots;
        if !slots.contains_key(entity) {
            if bounded && slots.len() >= maximum {
                return Err(Full);
            }
            slots.insert(entity.clone(), (self.start)(self, entity));
        }
        let Some(slot) = slots.get_mut(entity) else { return Err(Full) };
        if bounded && slot.queued.load(Ordering::Acquire) >= self.options.mailbox.max(1) {
            return Err(Full);
        }
        slot.last = Instant::now();
        if !slot.addr.connected() {
            // The actor died of a fault outside the machine: a new one starts from the journal.
            let started = (self.start)(self, entity);
            (slot.addr, slot.published) = (started.addr, started.published);
        }
        // If it dies right now the message is dropped, and with it the channel of who waits for an answer.
        slot.addr.do_send(Envelope { message, busy: Busy::new(&slot.busy), queued: Busy::new(&slot.queued) });
        Ok(())
    }

    pub fn is_quarantined(&self, entity: &Entity) -> bool {
        self.registry.lock().is_aside(entity, Instant::now(), self.options.quarantine)
    }

    /// Sets an entity aside for a while, as what it is or does harms nobody else.
    pub fn set_aside(&self, entity: &Entity, cause: Cause, reason: String) {
        tracing::error!(entity = %entity.id, kind = M::KIND, reason, "a process was set aside");
        let aside = self.registry.lock().set_aside(entity, cause, reason, self.options.max_resident.max(1));
        self.metrics.quarantined.with_label_values(&[M::KIND]).set(aside as i64);
    }

    /// Ends an entity's time aside. `false`: it was not.
    pub fn release(&self, entity: &Entity) -> bool {
        let (was_aside, left) = self.registry.lock().release(entity, Instant::now(), self.options.quarantine);
        self.metrics.quarantined.with_label_values(&[M::KIND]).set(left as i64);
        was_aside
    }

    pub fn sweep(&self, now: Instant) {
        let mut registry = self.registry.lock();
        let crowded = registry.slots.len() > self.options.max_resident;
        let idle = if crowded { Duration::from_secs(1).min(self.options.passivate_after) } else { self.options.passivate_after };
        let census = registry.sweep(now, idle, self.options.quarantine);
        drop(registry);
        self.metrics.resident.with_label_values(&[M::KIND]).set(census.resident as i64);
        self.metrics.waiting.with_label_values(&[M::KIND]).set(census.waiting as i64);
        self.metrics.quarantined.with_label_values(&[M::KIND]).set(census.quarantined as i64);
    }
}
