//! The host of one kind of machine: finds or starts the actor of a process and brings it what is asked.

use std::{
    collections::HashMap,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::{
    Actor, ActorFutureExt, Addr, ArbiterHandle, AsyncContext, Context, Handler, Message, Supervised, Supervisor, WrapFuture, dev::SendError,
};
use async_trait::async_trait;
use futures::future::join_all;
use parking_lot::Mutex;
use store::{Entity, Store};
use tokio::sync::oneshot;
use workflows::Machine;

use crate::{
    clock::Clock,
    effects::{Attempt, Backoff, Call, Effects},
    entity::{Ended, Fault, Input, Phase, Resident, Rules},
    journal::EffectId,
    metrics::Metrics,
    timer::{Wakeable, Woken},
};

/// Bounds and times of a host.
#[derive(Clone, Debug)]
pub struct Options {
    /// Messages that may wait for one process.
    pub mailbox: usize,
    /// Longest wait for an answer.
    pub answer_timeout: Duration,
    /// Idle processes leave memory after this.
    pub passivate_after: Duration,
    /// Processes in memory beyond which idle ones leave at once, and beyond twice which no more are loaded.
    pub max_resident: usize,
    /// Longest time of one attempt of an effect.
    pub effect_timeout: Duration,
    /// After this an attempt whose end is not known is taken to be lost with its server. Longer than `effect_timeout`.
    pub lease: Duration,
    /// Longest time that an answer waits for other processes to be told.
    pub tell_wait: Duration,
    pub backoff: Backoff,
    /// Entries after which a snapshot is written.
    pub snapshot_every: u64,
    /// How long a process is set aside after a fault.
    pub quarantine: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mailbox: 64,
            answer_timeout: Duration::from_secs(10),
            passivate_after: Duration::from_secs(30),
            max_resident: 10_000,
            effect_timeout: Duration::from_secs(25),
            lease: Duration::from_secs(30),
            tell_wait: Duration::from_secs(2),
            backoff: Backoff::default(),
            snapshot_every: 64,
            quarantine: Duration::from_secs(600),
        }
    }
}

impl Options {
    fn rules(&self) -> Rules {
        Rules {
            lease: chrono::Duration::from_std(self.lease).unwrap_or(chrono::Duration::seconds(30)),
            backoff: self.backoff.clone(),
            snapshot_every: self.snapshot_every.max(1),
            conflict_retries: 8,
        }
    }
}

/// Why a process gave no answer, or a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error<R> {
    /// The machine refuses; what it noted of the refusal is durable.
    Rejected(R),
    /// The process' mailbox or the server is full. Nothing was done.
    Overloaded,
    /// The store does not answer, or the server is going down. What was asked may or may not have been done.
    Unavailable(String),
    /// The process is set aside after a fault.
    Quarantined,
}

/// A process that was set aside.
#[derive(Clone, Debug)]
pub struct Quarantined {
    pub reason: String,
    pub since: Instant,
}

type Reply<M> = oneshot::Sender<Result<Arc<M>, Error<<M as Machine>::Rejection>>>;

/// The handle to a host. Cheap to clone.
pub struct Host<M: Machine>(Arc<Shared<M>>);

impl<M: Machine> Clone for Host<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Shared<M: Machine> {
    store: Arc<dyn Store>,
    clock: Clock,
    effects: OnceLock<Arc<dyn Effects<M>>>,
    options: Options,
    rules: Rules,
    metrics: Metrics,
    arbiters: Vec<ArbiterHandle>,
    registry: Mutex<Registry<M>>,
    draining: AtomicBool,
}

struct Registry<M: Machine> {
    slots: HashMap<Entity, Slot<M>>,
    quarantine: HashMap<Entity, Quarantined>,
}

struct Slot<M: Machine> {
    addr: Addr<EntityActor<M>>,
    /// Messages and effects under way: an actor that has any stays in memory.
    busy: Arc<AtomicUsize>,
    last: Instant,
}

/// Counts as long as it lives.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count.clone())
    }

    fn again(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

enum Asked<M: Machine> {
    Input(Input<M>, Option<Reply<M>>),
    Wake(oneshot::Sender<Result<Woken, String>>),
}

#[derive(Message)]
#[rtype(result = "()")]
struct Envelope<M: Machine> {
    asked: Asked<M>,
    busy: Busy,
}

struct EntityActor<M: Machine> {
    shared: Arc<Shared<M>>,
    key: Entity,
    /// Out while a message is handled; one is handled at a time.
    resident: Option<Resident<M>>,
}

impl<M: Machine> Actor for EntityActor<M> {
    type Context = Context<Self>;
}

impl<M: Machine> Supervised for EntityActor<M> {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // Whatever was in memory may be half-done; the journal is not.
        self.resident = None;
    }
}

impl<M: Machine> Handler<Envelope<M>> for EntityActor<M> {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<M>, ctx: &mut Context<Self>) {
        let resident = self.resident.take().unwrap_or_else(|| Resident::new(self.key.clone()));
        let work = self.shared.clone().handle(resident, envelope);
        // `wait`: the mailbox rests until this message is done, so one append at most is in flight.
        ctx.wait(work.into_actor(self).map(|resident, actor, _| actor.resident = Some(resident)));
    }
}

impl<M: Machine> Host<M> {
    /// A host whose actors run on `arbiters` (at least one). [`Host::perform_with`] must follow before it is used.
    pub fn new(store: Arc<dyn Store>, clock: Clock, options: Options, metrics: Metrics, arbiters: Vec<ArbiterHandle>) -> Self {
        assert!(!arbiters.is_empty(), "a host needs an arbiter to run its actors on");
        let registry = Mutex::new(Registry { slots: HashMap::new(), quarantine: HashMap::new() });
        let rules = options.rules();
        let draining = AtomicBool::new(false);
        Self(Arc::new(Shared { store, clock, effects: OnceLock::new(), options, rules, metrics, arbiters, registry, draining }))
    }

    /// Gives the host its adapter; the first call counts. Apart from `new`, as adapters hold handles to hosts.
    pub fn perform_with(&self, effects: Arc<dyn Effects<M>>) {
        let _ = self.0.effects.set(effects);
    }

    /// Brings a command to a process and answers with the state after it, once that is durable.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn ask(&self, organization: &str, id: uuid::Uuid, command: M::Command) -> Result<Arc<M>, Error<M::Rejection>> {
        let started = Instant::now();
        let result = self.0.ask(Entity::new(organization, M::KIND, id), Input::Command(command)).await;
        let outcome = match &result {
            Ok(_) => "accepted",
            Err(Error::Rejected(_)) => "rejected",
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
    pub async fn read(&self, organization: &str, id: uuid::Uuid) -> Result<Arc<M>, Error<M::Rejection>> {
        self.0.ask(Entity::new(organization, M::KIND, id), Input::Look).await
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
        self.0.registry.lock().quarantine.iter().take(limit).map(|(entity, why)| (entity.clone(), why.clone())).collect()
    }

    /// Takes no more work and waits until what is under way has ended, at most `patience`. `true` if all has ended.
    pub async fn drain(&self, patience: Duration) -> bool {
        self.0.draining.store(true, Ordering::Release);
        let deadline = Instant::now() + patience;
        loop {
            let busy = self.0.registry.lock().slots.values().any(|slot| slot.busy.load(Ordering::Acquire) > 0);
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
        let quarantine = self.0.options.quarantine;
        if self.0.is_quarantined(entity) {
            let next = self.0.clock.now() + chrono::Duration::from_std(quarantine).unwrap_or(chrono::Duration::minutes(10));
            return Ok(Woken { head: u64::MAX, next: Some(next), committed: false });
        }
        let (reply, answer) = oneshot::channel();
        self.0.post(entity, Asked::Wake(reply)).map_err(|_| "the server is full".to_owned())?;
        let answer = tokio::time::timeout(self.0.options.answer_timeout, answer).await;
        answer.map_err(|_| "no answer in time".to_owned())?.map_err(|_| "the actor stopped".to_owned())?
    }
}

impl<M: Machine> Shared<M> {
    async fn ask(self: &Arc<Self>, entity: Entity, input: Input<M>) -> Result<Arc<M>, Error<M::Rejection>> {
        if self.draining.load(Ordering::Acquire) {
            return Err(Error::Unavailable("the server is going down".into()));
        }
        if self.is_quarantined(&entity) {
            return Err(Error::Quarantined);
        }
        let (reply, answer) = oneshot::channel();
        self.post(&entity, Asked::Input(input, Some(reply))).map_err(|_| Error::Overloaded)?;
        match tokio::time::timeout(self.options.answer_timeout, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::Unavailable("the process stopped while it was at work".into())),
            Err(_) => Err(Error::Unavailable("the process gave no answer in time".into())),
        }
    }

    /// Puts a message in the mailbox of the entity's actor, which is started if need be. Never waits.
    fn post(self: &Arc<Self>, entity: &Entity, asked: Asked<M>) -> Result<(), Full> {
        let mut registry = self.registry.lock();
        let slots = &mut registry.slots;
        if !slots.contains_key(entity) {
            if slots.len() >= self.options.max_resident.saturating_mul(2) {
                return Err(Full);
            }
            slots.insert(entity.clone(), self.start(entity));
        }
        let Some(slot) = slots.get_mut(entity) else { return Err(Full) };
        slot.last = Instant::now();
        match slot.addr.try_send(Envelope { asked, busy: Busy::new(&slot.busy) }) {
            Ok(()) => Ok(()),
            Err(SendError::Full(_)) => Err(Full),
            // The actor died of a fault outside the machine: a new one starts from the journal.
            Err(SendError::Closed(envelope)) => {
                let slot = slots.entry(entity.clone()).insert_entry(self.start(entity)).into_mut();
                let busy = Busy::new(&slot.busy);
                slot.addr.try_send(Envelope { asked: envelope.asked, busy }).map_err(|_| Full)
            }
        }
    }

    fn start(self: &Arc<Self>, entity: &Entity) -> Slot<M> {
        let shared = self.clone();
        let key = entity.clone();
        let mailbox = self.options.mailbox;
        let arbiter = &self.arbiters[usize::from(entity.shard()) % self.arbiters.len()];
        let addr = Supervisor::start_in_arbiter(arbiter, move |ctx| {
            ctx.set_mailbox_capacity(mailbox);
            EntityActor { shared, key, resident: None }
        });
        Slot { addr, busy: Arc::new(AtomicUsize::new(0)), last: Instant::now() }
    }

    async fn handle(self: Arc<Self>, mut resident: Resident<M>, envelope: Envelope<M>) -> Resident<M> {
        let Envelope { asked, busy } = envelope;
        match asked {
            Asked::Input(input, reply) => self.handle_input(&mut resident, input, reply, &busy).await,
            Asked::Wake(reply) => {
                let woken = self.handle_wake(&mut resident, &busy).await;
                let _ = reply.send(woken.map_err(|fault| self.fault(&resident.key, fault).1));
            }
        }
        resident
    }

    async fn handle_input(self: &Arc<Self>, resident: &mut Resident<M>, input: Input<M>, reply: Option<Reply<M>>, busy: &Busy) {
        let now = self.clock.now();
        let stepped = match resident.step(&*self.store, now, input, &self.rules).await {
            Ok(stepped) => stepped,
            Err(fault) => {
                let (error, _) = self.fault(&resident.key, fault);
                reply.map(|reply| reply.send(Err(error)));
                return;
            }
        };
        self.count_conflicts(resident);
        let Some(state) = resident.state() else { return };
        let answer = match stepped.answer {
            Ok(()) => Ok(state.machine.clone()),
            Err(rejection) => Err(Error::Rejected(rejection)),
        };
        self.begin(resident, stepped.asked, reply.map(|reply| (reply, answer)), busy).await;
    }

    /// Looks at the clock and takes up effects that are due and that nobody here performs.
    async fn handle_wake(self: &Arc<Self>, resident: &mut Resident<M>, busy: &Busy) -> Result<Woken, Fault> {
        let now = self.clock.now();
        let stepped = resident.step(&*self.store, now, Input::Look, &self.rules).await?;
        let mut committed = stepped.committed;
        let mut due = stepped.asked;
        let mut lost = Vec::new();
        for pending in resident.state().into_iter().flat_map(|state| &state.pending) {
            if pending.look_at(self.rules.lease) > now || resident.running.contains(&pending.id) || due.contains(&pending.id) {
                continue;
            }
            if matches!(pending.phase, Phase::Begun { .. }) {
                let attempt = Attempt::Unknown { reason: "the server stopped during the attempt".into() };
                lost.push(Ended { id: pending.id, number: pending.number(), attempt, repeatable: false });
            } else {
                due.push(pending.id);
            }
        }
        if !lost.is_empty() {
            let stepped = resident.step(&*self.store, now, Input::Ended(lost), &self.rules).await?;
            committed |= stepped.committed;
            due.extend(stepped.asked);
        }
        committed |= self.begin(resident, due, None, busy).await;
        let head = resident.state().map_or(0, |state| state.head);
        Ok(Woken { head, next: resident.next_look(now, self.rules.lease), committed })
    }

    /// Starts the first or next attempt of effects; the answer is given when those that it waits for have ended.
    /// `true` if something was journaled.
    async fn begin(
        self: &Arc<Self>,
        resident: &mut Resident<M>,
        effects: Vec<EffectId>,
        answer: Option<(Reply<M>, Result<Arc<M>, Error<M::Rejection>>)>,
        busy: &Busy,
    ) -> bool {
        let Some(adapter) = self.effects.get() else {
            answer.map(|(reply, answer)| reply.send(answer));
            return false;
        };
        let calls = |resident: &Resident<M>, ids: &[EffectId]| -> Vec<Call<M>> {
            let state = resident.state();
            let pending = ids.iter().filter_map(|id| state.and_then(|state| state.pending(*id).map(|pending| (state, pending))));
            let call = pending.map(|(state, pending)| Call {
                entity: resident.key.clone(),
                id: pending.id,
                attempt: pending.number(),
                effect: pending.effect.clone(),
                state: state.machine.clone(),
                now: self.clock.now(),
            });
            call.collect()
        };
        let (first, later): (Vec<_>, Vec<_>) = calls(resident, &effects).into_iter().partition(|call| adapter.before_answer(&call.effect));
        let (repeatable, once): (Vec<_>, Vec<_>) =
            later.into_iter().partition(|call| adapter.repeatable(&call.entity, &call.effect, &call.state));
        resident.running.extend(first.iter().chain(&repeatable).map(|call| call.id));
        if first.is_empty() {
            answer.map(|(reply, answer)| reply.send(answer));
        } else {
            tokio::spawn(self.clone().perform_before_answer(first, answer, busy.again()));
        }
        for call in repeatable {
            tokio::spawn(self.clone().perform(call, busy.again()));
        }
        if once.is_empty() {
            return false;
        }
        let ids: Vec<_> = once.iter().map(|call| call.id).collect();
        let begun = resident.step(&*self.store, self.clock.now(), Input::Begin(ids.clone()), &self.rules).await;
        if let Err(fault) = begun {
            // Nothing was attempted; the wake-up comes back to it.
            self.fault(&resident.key, fault);
            return false;
        }
        for call in calls(resident, &ids) {
            resident.running.insert(call.id);
            tokio::spawn(self.clone().perform(call, busy.again()));
        }
        true
    }

    async fn perform_before_answer(
        self: Arc<Self>,
        calls: Vec<Call<M>>,
        answer: Option<(Reply<M>, Result<Arc<M>, Error<M::Rejection>>)>,
        busy: Busy,
    ) {
        let Some(entity) = calls.first().map(|call| call.entity.clone()) else { return };
        let mut all = std::pin::pin!(join_all(calls.into_iter().map(|call| self.attempt(call))));
        let in_time = tokio::time::timeout(self.options.tell_wait, &mut all).await;
        answer.map(|(reply, answer)| reply.send(answer));
        let ended = match in_time {
            Ok(ended) => ended,
            Err(_) => all.await,
        };
        self.deliver(&entity, ended);
        drop(busy);
    }

    async fn perform(self: Arc<Self>, call: Call<M>, busy: Busy) {
        let entity = call.entity.clone();
        let ended = self.attempt(call).await;
        self.deliver(&entity, vec![ended]);
        drop(busy);
    }

    async fn attempt(&self, call: Call<M>) -> Ended<M> {
        let (id, number) = (call.id, call.attempt);
        let Some(adapter) = self.effects.get() else {
            let attempt = Attempt::Retry { reason: "no adapter yet".into(), after: None };
            return Ended { id, number, attempt, repeatable: true };
        };
        let repeatable = adapter.repeatable(&call.entity, &call.effect, &call.state);
        let adapter = adapter.clone();
        // A task of its own: a panic in an adapter is an attempt that failed, no more.
        let task = tokio::spawn(async move { adapter.perform(call).await });
        let abort = task.abort_handle();
        let attempt = match tokio::time::timeout(self.options.effect_timeout, task).await {
            Ok(Ok(attempt)) => attempt,
            Ok(Err(_)) => Attempt::Unknown { reason: "the adapter panicked".into() },
            Err(_) => {
                abort.abort();
                Attempt::Unknown { reason: "it took too long".into() }
            }
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

    /// Brings ends of attempts home. If the mailbox is full they are lost, and the wake-up finds the effect again.
    fn deliver(self: &Arc<Self>, entity: &Entity, ended: Vec<Ended<M>>) {
        if self.post(entity, Asked::Input(Input::Ended(ended), None)).is_err() {
            tracing::warn!(entity = %entity.id, kind = M::KIND, "the end of an effect was dropped, as the mailbox is full");
        }
    }

    /// Notes a fault and says what the caller is told and what the operator is.
    fn fault(&self, entity: &Entity, fault: Fault) -> (Error<M::Rejection>, String) {
        match fault {
            Fault::Unavailable(reason) => {
                tracing::warn!(entity = %entity.id, kind = M::KIND, reason, "a process could not be served");
                (Error::Unavailable(reason.clone()), reason)
            }
            Fault::Poisoned(reason) => {
                tracing::error!(entity = %entity.id, kind = M::KIND, reason, "a process was set aside");
                let mut registry = self.registry.lock();
                registry.quarantine.insert(entity.clone(), Quarantined { reason: reason.clone(), since: Instant::now() });
                self.metrics.quarantined.with_label_values(&[M::KIND]).set(registry.quarantine.len() as i64);
                (Error::Quarantined, reason)
            }
        }
    }

    fn is_quarantined(&self, entity: &Entity) -> bool {
        let registry = self.registry.lock();
        registry.quarantine.get(entity).is_some_and(|why| why.since.elapsed() < self.options.quarantine)
    }

    fn count_conflicts(&self, resident: &mut Resident<M>) {
        let conflicts = std::mem::take(&mut resident.conflicts);
        if conflicts > 0 {
            self.metrics.conflicts.with_label_values(&[M::KIND]).inc_by(conflicts);
        }
    }

    fn sweep(&self, now: Instant) {
        let mut registry = self.registry.lock();
        let Registry { slots, quarantine } = &mut *registry;
        let crowded = slots.len() > self.options.max_resident;
        let after = if crowded { Duration::from_secs(1).min(self.options.passivate_after) } else { self.options.passivate_after };
        // Dropping its last address ends an actor. Nobody can send meanwhile: sending needs the lock too.
        slots.retain(|_, slot| slot.busy.load(Ordering::Acquire) > 0 || now.duration_since(slot.last) < after);
        quarantine.retain(|_, why| now.duration_since(why.since) < self.options.quarantine);
        let waiting: usize = slots.values().map(|slot| slot.busy.load(Ordering::Acquire)).sum();
        self.metrics.resident.with_label_values(&[M::KIND]).set(slots.len() as i64);
        self.metrics.waiting.with_label_values(&[M::KIND]).set(waiting as i64);
        self.metrics.quarantined.with_label_values(&[M::KIND]).set(quarantine.len() as i64);
    }
}

/// A mailbox or the registry is full.
struct Full;

