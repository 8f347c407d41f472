//! The host of one kind of machine: finds or starts the actor of a process and brings it what is asked.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::ArbiterHandle;
use async_trait::async_trait;
use parking_lot::Mutex;
use store::{Cursor, Entity, Listed, Page, Store};
use tokio::sync::{Semaphore, oneshot};
use workflows::{Attribute, Machine};

use crate::{
    actor,
    bounded::BoundedStore,
    clock::Clock,
    effects::Effects,
    entity::Input,
    erasure::{Erased, Erasure},
    error::Error,
    intervention::{Intervention, OpenEffects},
    journal::{Line, ReadError},
    message::Message,
    metrics::Metrics,
    options::Options,
    registry::{Quarantined, Registry},
    shared::{GOING_DOWN, Shared},
    timer::{Wakeable, Woken},
};

/// Calls that may hang before a step is cut off: an append that does not return leaves time to ask what became of it.
const CALLS_OF_A_STEP: u32 = 2;

/// Pauses between two looks of [`Host::until`]: a tenth of the time that was waited, within these bounds.
const SHORTEST_LOOK: Duration = Duration::from_millis(5);
const LONGEST_LOOK: Duration = Duration::from_millis(500);

/// The handle to a host. Cheap to clone.
pub struct Host<M: Machine>(pub(crate) Arc<Shared<M>>);

impl<M: Machine> Clone for Host<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Machine> Host<M> {
    /// A host whose actors run on `arbiters`. [`Host::perform_with`] must follow before it is used.
    ///
    /// # Panics
    /// If `arbiters` is empty.
    pub fn new(store: Arc<dyn Store>, clock: Clock, options: Options, metrics: Metrics, arbiters: Vec<ArbiterHandle>) -> Self {
        assert!(!arbiters.is_empty(), "a host needs an arbiter to run its actors on");
        let shared = Shared {
            store: BoundedStore::new(store, options.step_timeout / CALLS_OF_A_STEP),
            clock,
            effects: OnceLock::new(),
            rules: options.rules(),
            metrics,
            registry: Mutex::new(Registry::new()),
            actors: Arc::new(AtomicUsize::new(0)),
            start: actor::start,
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

    /// The time that its processes live by.
    pub fn now(&self) -> store::Timestamp {
        self.0.clock.now()
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

    /// Does something by hand about the effects of a process, and answers with the state after it.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Refused`] where the act does not fit how the effect stands.
    pub async fn intervene(&self, organization: &str, id: uuid::Uuid, intervention: Intervention) -> Result<Arc<M>, Error> {
        intervention.check().map_err(Error::Refused)?;
        self.command(organization, id, Input::Intervene(intervention)).await
    }

    /// The effects of processes that have not ended well, or not yet, in the order of `ids`: as their journals have it. No actor is started.
    ///
    /// # Errors
    /// Of all if the store cannot be read, of each that cannot be served; see [`Error`].
    pub async fn open_effects(&self, organization: &str, ids: &[uuid::Uuid]) -> Result<Vec<Result<OpenEffects, Error>>, Error> {
        let organization: Arc<str> = organization.into();
        let entities: Vec<Entity> = ids.iter().map(|id| Entity::new(organization.clone(), M::KIND, *id)).collect();
        self.0.open_effects(&entities).await
    }

    pub(crate) async fn command(&self, organization: &str, id: uuid::Uuid, input: Input<M>) -> Result<Arc<M>, Error> {
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

    /// The state of a process as its journal has it, what time has brought about since not included. No actor is started and nothing is
    /// written: for those who look at many processes, or at one without a part in it.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn peek(&self, organization: &str, id: uuid::Uuid) -> Result<Arc<M>, Error> {
        self.0.peek(&Entity::new(organization, M::KIND, id)).await
    }

    /// [`Host::peek`] at many processes of an organization, in the order of `ids`, with one read of the store for
    /// [`store::MAX_LOADS`] of them that are not in memory.
    ///
    /// # Errors
    /// Of all if the store cannot be read, of each that cannot be served; see [`Error`].
    pub async fn peek_many(&self, organization: &str, ids: &[uuid::Uuid]) -> Result<Vec<Result<Arc<M>, Error>>, Error> {
        let organization: Arc<str> = organization.into();
        let kind: Arc<str> = M::KIND.into();
        let entities: Vec<Entity> = ids.iter().map(|id| Entity::new(organization.clone(), kind.clone(), *id)).collect();
        self.0.peek_many(&entities).await
    }

    /// The processes of an organization that are found by something ([`Machine::found_by`]), newest first: as their journals have it, what time
    /// alone has brought about since not included.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn find(
        &self,
        organization: &str,
        attribute: &Attribute,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, store::Error> {
        let mark = self.0.rules.sealer.mark(organization, M::KIND, attribute);
        self.0.store.find(organization, M::KIND, mark, after, limit).await
    }

    /// The whole journal of a process, read from the store and checked: for evidence. What is erased is there as links of the chain alone.
    ///
    /// # Errors
    /// [`ReadError`] if the store cannot be read or the journal is not whole.
    pub async fn journal(&self, organization: &str, id: uuid::Uuid) -> Result<Vec<Line<M::Event>>, ReadError> {
        let entity = Entity::new(organization, M::KIND, id);
        self.0.store.read(&self.0.rules.sealer, &entity).await
    }

    /// Erases a process: nobody can read any more what its journal and snapshot say, not from the store as it then is. What is left
    /// are the links of the chain, the entry that says who erased it and why, and what the machine says of itself all the same
    /// ([`Machine::remains`]). It leaves the listings, its effects are not pursued, and to commands and reads it is as if it had never been.
    ///
    /// Once more it changes nothing, so after [`Error::Unavailable`] it is asked again. Servers that share the store may have the
    /// process in memory until it leaves there by itself ([`Options::passivate_after`]); they do not answer from it.
    ///
    /// # Errors
    /// See [`Error`]; [`Error::Refused`] only if [`Erasure::ended_only`] says so, or a text of the erasure is too long.
    pub async fn erase(&self, organization: &str, id: uuid::Uuid, erasure: Erasure) -> Result<Erased, Error> {
        self.0.erase(&Entity::new(organization, M::KIND, id), erasure).await
    }

    /// Waits until the process is as `wanted` says, whoever brings that about: an effect, a command, the time, another server. The answer is
    /// the state then; after `patience`, in wall time, it is the state as it is. It holds no actor meanwhile, and looks from time to time: what
    /// takes long is seen at most a tenth of its time later.
    ///
    /// # Errors
    /// See [`Error`]; what [`Host::read`] answers. A moment of overload is waited out.
    pub async fn until(
        &self,
        organization: &str,
        id: uuid::Uuid,
        patience: Duration,
        wanted: impl Fn(&M) -> bool,
    ) -> Result<Arc<M>, Error> {
        let started = Instant::now();
        loop {
            let waited = started.elapsed();
            match self.read(organization, id).await {
                Ok(machine) if wanted(&machine) || waited >= patience => return Ok(machine),
                Err(Error::Overloaded) if waited < patience => {}
                Ok(_) => {}
                Err(error) => return Err(error),
            }
            let pause = (waited / 10).clamp(SHORTEST_LOOK, LONGEST_LOOK);
            tokio::time::sleep(pause.min(patience.saturating_sub(waited))).await;
        }
    }

    /// Lets idle processes leave memory. Called every second by the server, by tests when they like.
    pub fn sweep(&self) {
        self.0.sweep(Instant::now());
    }

    /// Actors that run: of the processes in memory, and of those that have left it a moment ago.
    pub fn actors(&self) -> usize {
        self.0.actors.load(Ordering::Acquire)
    }

    /// Lets all processes leave memory that are not at work, however shortly they have been idle.
    pub fn let_go(&self) {
        self.0.registry.lock().let_go();
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
            if !busy {
                self.0.registry.lock().let_go();
                return true;
            }
            if Instant::now() >= deadline {
                return false;
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
        self.0.post(entity, Message::Wake(reply)).map_err(|_| "the server is full".to_owned())?;
        let answer = tokio::time::timeout(self.0.options.answer_timeout, answer).await;
        answer.map_err(|_| "no answer in time".to_owned())?.map_err(|_| "the actor stopped".to_owned())?
    }
}
