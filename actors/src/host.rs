//! The host of one kind of machine: finds or starts the actor of a process and brings it what is asked.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{ArbiterHandle, Supervisor};
use async_trait::async_trait;
use parking_lot::Mutex;
use store::{Entity, Store};
use tokio::sync::{Semaphore, oneshot};
use workflows::{Machine, Refusal};

use crate::{
    actor::{Asked, EntityActor, Envelope},
    clock::Clock,
    effects::{Backoff, Effects},
    entity::{Input, Rules, Shown, guarded},
    metrics::Metrics,
    registry::{Busy, Quarantined, Registry, Slot},
    timer::{Wakeable, Woken},
};

/// Bounds and times of a host.
#[derive(Clone, Debug)]
pub struct Options {
    /// Messages that may wait for one process, the one that is handled included. At least 1.
    pub mailbox: usize,
    /// Longest wait for an answer.
    pub answer_timeout: Duration,
    /// Idle processes leave memory after this.
    pub passivate_after: Duration,
    /// Processes in memory beyond which idle ones leave after a second. Beyond twice as many the idle leave at once, and while all
    /// are at work no more are loaded. Also the most that are set aside at a time.
    pub max_resident: usize,
    /// Longest time of one attempt of an effect, and longest wait for room to begin it.
    pub effect_timeout: Duration,
    /// Attempts under way at once, those not counted that answers wait for.
    pub max_effects: usize,
    /// After this, in process time, an attempt whose end is not known, and that is not under way in this server, is taken to
    /// be lost with its server. With a shared store never less than three times `effect_timeout`, as it may be under way elsewhere;
    /// else it only says how soon after a crash effects are taken up again.
    pub lease: Duration,
    /// Longest time that an answer waits for other processes to be told.
    pub tell_wait: Duration,
    pub backoff: Backoff,
    /// Entries after which a snapshot is written.
    pub snapshot_every: u64,
    /// How long a process is set aside after a fault.
    pub quarantine: Duration,
    /// Whether other servers write to the same store. Then a refusal or a read from memory is compared with the journal first,
    /// at the price of one read; appends are always compared.
    pub shared_store: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mailbox: 64,
            answer_timeout: Duration::from_secs(10),
            passivate_after: Duration::from_secs(30),
            max_resident: 10_000,
            effect_timeout: Duration::from_secs(25),
            max_effects: 256,
            lease: Duration::from_secs(5),
            tell_wait: Duration::from_secs(2),
            backoff: Backoff::default(),
            snapshot_every: 64,
            quarantine: Duration::from_secs(600),
            shared_store: false,
        }
    }
}

/// More than clocks of servers differ, and time to spare.
const CLOCKS: Duration = Duration::from_secs(10);

impl Options {
    fn rules(&self) -> Rules {
        // Waiting for room, the attempt, and bringing its end home take one each at most; and clocks may differ.
        let elsewhere = self.effect_timeout.saturating_mul(3).max(self.effect_timeout.saturating_add(CLOCKS));
        let elsewhere = if self.shared_store { elsewhere } else { Duration::ZERO };
        let lease = self.lease.max(elsewhere).max(Duration::from_millis(1));
        Rules {
            lease: chrono::Duration::from_std(lease).unwrap_or(chrono::Duration::minutes(1)),
            backoff: self.backoff.clone(),
            snapshot_every: self.snapshot_every.max(1),
            conflict_retries: 8,
            shared_store: self.shared_store,
        }
    }
}

/// Why a process gave no answer, or a refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The machine refuses; what it noted of the refusal is durable.
    #[error("the process refuses")]
    Refused(Refusal),
    /// The process' mailbox or the server is full. Nothing was done.
    #[error("too much is asked at once")]
    Overloaded,
    /// The store does not answer, or the server is going down. What was asked may or may not have been done.
    #[error("not available now: {0}")]
    Unavailable(String),
    /// The process is set aside after a fault.
    #[error("the process was set aside after a fault")]
    Quarantined,
}

/// The handle to a host. Cheap to clone.
pub struct Host<M: Machine>(Arc<Shared<M>>);

impl<M: Machine> Clone for Host<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

pub(crate) struct Shared<M: Machine> {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub effects: OnceLock<Arc<dyn Effects<M>>>,
    pub options: Options,
    pub rules: Rules,
    pub metrics: Metrics,
    pub registry: Mutex<Registry<M>>,
    /// Bounds the effects under way.
    pub gate: Semaphore,
    arbiters: Vec<ArbiterHandle>,
    draining: AtomicBool,
}

impl<M: Machine> Host<M> {
    /// A host whose actors run on `arbiters`. [`Host::perform_with`] must follow before it is used.
    ///
    /// # Panics
    /// If `arbiters` is empty.
    pub fn new(store: Arc<dyn Store>, clock: Clock, options: Options, metrics: Metrics, arbiters: Vec<ArbiterHandle>) -> Self {
        assert!(!arbiters.is_empty(), "a host needs an arbiter to run its actors on");
        let shared = Shared {
            store,
            clock,
            effects: OnceLock::new(),
            rules: options.rules(),
            metrics,
            registry: Mutex::new(Registry::new()),
            gate: Semaphore::new(options.max_effects.clamp(1, Semaphore::MAX_PERMITS)),
            arbiters,
            draining: AtomicBool::new(false),
            options,
        };
        Self(Arc::new(shared))
    }

    /// Gives the host its adapter; the first call counts. Apart from `new`, as adapters hold handles to hosts.
    pub fn perform_with(&self, effects: Arc<dyn Effects<M>>) {
        let _ = self.0.effects.set(effects);
    }

    /// Brings a command to a process and answers with the state after it, once that is durable.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask(&self, organization: &str, id: uuid::Uuid, command: M::Command) -> Result<Arc<M>, Error> {
        self.command(organization, id, Input::Command(command)).await
    }

    /// As [`Host::ask`], for a process whose id was made a moment ago: its journal is taken to be empty without looking, which
    /// spares a read, and the append finds out should it not be.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn create(&self, organization: &str, id: uuid::Uuid, command: M::Command) -> Result<Arc<M>, Error> {
        self.command(organization, id, Input::First(command)).await
    }

    async fn command(&self, organization: &str, id: uuid::Uuid, input: Input<M>) -> Result<Arc<M>, Error> {
        let started = Instant::now();
        let result = self.0.ask(Entity::new(organization, M::KIND, id), input).await;
        let outcome = match &result {
            Ok(_) => "accepted",
            Err(Error::Refused(_)) => "rejected",
            Err(Error::Overloaded) => "overloaded",
            Err(Error::Unavailable(_)) => "unavailable",
            Err(Error::Quarantined) => "quarantined",
        };
        self.0.metrics.commands.with_label_values(&[M::KIND, outcome]).inc();
        self.0.metrics.command_seconds.with_label_values(&[M::KIND]).observe(started.elapsed().as_secs_f64());
        result
    }

    /// The state of a process now, time included. A process that never was is `M::default()`.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn read(&self, organization: &str, id: uuid::Uuid) -> Result<Arc<M>, Error> {
        let entity = Entity::new(organization, M::KIND, id);
        match self.0.at_hand(&entity) {
            Some(machine) => Ok(machine),
            None => self.0.ask(entity, Input::Look).await,
        }
    }

    /// Lets idle processes leave memory. Called every second by the server, by tests when they like.
    pub fn sweep(&self) {
        self.0.sweep(Instant::now());
    }

    /// Processes in memory.
    pub fn resident(&self) -> usize {
        self.0.registry.lock().slots.len()
    }

    /// The processes that are set aside, at most `limit`.
    pub fn quarantined(&self, limit: usize) -> Vec<(Entity, Quarantined)> {
        self.0.registry.lock().quarantined(limit)
    }

    #[cfg(test)]
    pub(crate) fn registry<T>(&self, look: impl FnOnce(&mut Registry<M>) -> T) -> T {
        look(&mut self.0.registry.lock())
    }

    /// Takes no more work and waits until what is under way has ended, at most `patience`. `true` if all has ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.0.draining.store(true, Ordering::Release);
        let deadline = Instant::now() + patience;
        loop {
            let busy = self.0.registry.lock().is_busy();
            if !busy || Instant::now() >= deadline {
                return !busy;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[async_trait]
impl<M: Machine> Wakeable for Host<M> {
    fn kind(&self) -> &'static str {
        M::KIND
    }

    async fn wake(&self, entity: &Entity) -> Result<Woken, String> {
        if self.0.draining.load(Ordering::Acquire) {
            return Err(GOING_DOWN.to_owned());
        }
        if self.0.is_quarantined(entity) {
            let quarantine = chrono::Duration::from_std(self.0.options.quarantine).unwrap_or(chrono::Duration::minutes(10));
            return Ok(Woken { head: None, next: Some(self.0.clock.now() + quarantine), committed: false });
        }
        let (reply, answer) = oneshot::channel();
        self.0.post(entity, Asked::Wake(reply)).map_err(|_| "the server is full".to_owned())?;
        let answer = tokio::time::timeout(self.0.options.answer_timeout, answer).await;
        answer.map_err(|_| "no answer in time".to_owned())?.map_err(|_| "the actor stopped".to_owned())?
    }
}

impl<M: Machine> Shared<M> {
    async fn ask(self: &Arc<Self>, entity: Entity, input: Input<M>) -> Result<Arc<M>, Error> {
        if self.draining.load(Ordering::Acquire) {
            return Err(Error::Unavailable(GOING_DOWN.into()));
        }
        if self.is_quarantined(&entity) {
            return Err(Error::Quarantined);
        }
        let (reply, answer) = oneshot::channel();
        self.post(&entity, Asked::Input(input, reply)).map_err(|_| Error::Overloaded)?;
        match tokio::time::timeout(self.options.answer_timeout, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::Unavailable("the process stopped while it was at work".into())),
            Err(_) => Err(Error::Unavailable("the process gave no answer in time".into())),
        }
    }

    /// The machine of a process in memory, where nothing is under way and time changes nothing: what its actor would answer to a
    /// look, without the way through its mailbox. Not where others may have written.
    fn at_hand(&self, entity: &Entity) -> Option<Arc<M>> {
        if self.options.shared_store || self.draining.load(Ordering::Acquire) || self.is_quarantined(entity) {
            return None;
        }
        let shown = {
            let mut registry = self.registry.lock();
            let slot = registry.slots.get_mut(entity)?;
            slot.last = Instant::now();
            slot.shown.clone()
        };
        let machine = shown.lock().clone()?;
        let unchanged = guarded(|| Ok(machine.pass(self.clock.now()).is_empty())).unwrap_or(false);
        unchanged.then_some(machine)
    }

    /// Puts a message in the mailbox of the entity's actor, which is started if need be. Never waits.
    ///
    /// The bound is counted here and not left to actix: its mailboxes hold at most 16 messages until their actor has started,
    /// and ends of attempts must get in whatever waits before them.
    pub fn post(self: &Arc<Self>, entity: &Entity, asked: Asked<M>) -> Result<(), Full> {
        let bounded = !matches!(asked, Asked::Ended(..));
        let mut registry = self.registry.lock();
        let most = self.options.max_resident.saturating_mul(2);
        if bounded && registry.slots.len() >= most && !registry.slots.contains_key(entity) {
            // Many more than fit can come and go between two sweeps; only those at work are a reason to refuse another.
            registry.make_room(Instant::now());
        }
        let slots = &mut registry.slots;
        if !slots.contains_key(entity) {
            if bounded && slots.len() >= most {
                return Err(Full);
            }
            slots.insert(entity.clone(), self.start(entity));
        }
        let Some(slot) = slots.get_mut(entity) else { return Err(Full) };
        if bounded && slot.queued.load(Ordering::Acquire) >= self.options.mailbox.max(1) {
            return Err(Full);
        }
        slot.last = Instant::now();
        if !slot.addr.connected() {
            // The actor died of a fault outside the machine: a new one starts from the journal.
            let started = self.start(entity);
            (slot.addr, slot.shown) = (started.addr, started.shown);
        }
        // If it dies right now the message is dropped, and with it the channel of who waits for an answer.
        slot.addr.do_send(Envelope { asked, busy: Busy::new(&slot.busy), queued: Busy::new(&slot.queued) });
        Ok(())
    }

    fn start(self: &Arc<Self>, entity: &Entity) -> Slot<M> {
        let shared = self.clone();
        let key = entity.clone();
        let arbiter = &self.arbiters[usize::from(entity.shard()) % self.arbiters.len()];
        let shown = Shown::default();
        let actor_shown = shown.clone();
        let addr =
            Supervisor::start_in_arbiter(arbiter, move |_| EntityActor { shared, key, shown: actor_shown, resident: None });
        Slot { addr, shown, busy: Arc::new(AtomicUsize::new(0)), queued: Arc::new(AtomicUsize::new(0)), last: Instant::now() }
    }

    fn is_quarantined(&self, entity: &Entity) -> bool {
        self.registry.lock().is_aside(entity, Instant::now(), self.options.quarantine)
    }

    fn sweep(&self, now: Instant) {
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

const GOING_DOWN: &str = "the server is going down";

/// A mailbox or the registry is full.
pub(crate) struct Full;
