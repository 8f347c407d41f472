//! The actor of one process: one message at a time, from the mailbox to the durable answer.

use std::{sync::Arc, time::Instant};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Supervised, Supervisor, WrapFuture};
use store::Entity;
use tokio::sync::oneshot;
use workflows::Machine;

use crate::{
    busy::Busy,
    entity::{Ended, Input, Published, Resident},
    erasure::{Erased, Erasure},
    error::Error,
    fault::{Fault, guarded},
    journal::EffectId,
    message::{Answered, Envelope, Message, Reply},
    registry::Slot,
    shared::Shared,
    timer::Woken,
};

/// Starts the actor of a process under its supervisor, on the arbiter of its shard.
pub(crate) fn start<M: Machine>(shared: &Arc<Shared<M>>, entity: &Entity) -> Slot<M> {
    let arbiter = &shared.arbiters[usize::from(entity.shard()) % shared.arbiters.len()];
    let published = Published::default();
    let actor = EntityActor {
        shared: shared.clone(),
        key: entity.clone(),
        published: published.clone(),
        resident: None,
        _running: Busy::new(&shared.actors),
    };
    let addr = Supervisor::start_in_arbiter(arbiter, move |_| actor).recipient();
    Slot { addr, published, busy: Arc::default(), queued: Arc::default(), last: Instant::now() }
}

pub(crate) struct EntityActor<M: Machine> {
    pub shared: Arc<Shared<M>>,
    pub key: Entity,
    pub published: Published<M>,
    /// Out while a message is handled; one is handled at a time.
    pub resident: Option<Resident<M>>,
    /// Counts it among the actors that run.
    pub _running: Busy,
}

impl<M: Machine> Actor for EntityActor<M> {
    type Context = Context<Self>;
}

impl<M: Machine> Supervised for EntityActor<M> {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // Whatever was in memory may be half-done; the journal is not.
        self.resident = None;
        *self.published.lock() = None;
    }
}

impl<M: Machine> Handler<Envelope<M>> for EntityActor<M> {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<M>, ctx: &mut Context<Self>) {
        let resident = self.resident.take().unwrap_or_else(|| Resident::new(self.key.clone(), self.published.clone()));
        let work = tokio::time::timeout(self.shared.options.step_timeout, self.shared.clone().handle(resident, envelope));
        // `wait`: the mailbox rests until this message is done, so one append at most is in flight. The work is
        // finished even if the last address is dropped meanwhile.
        ctx.wait(work.into_actor(self).map(|done, actor, ctx| match done {
            Ok(resident) => actor.resident = Some(resident),
            Err(_) => {
                tracing::error!(entity = %actor.key.id, kind = M::KIND, "a process hung; it is started again from its journal");
                actor.shared.metrics.hung.with_label_values(&[M::KIND]).inc();
                // Its supervisor starts it again with the messages that wait.
                ctx.stop();
            }
        }));
    }
}

impl<M: Machine> Shared<M> {
    async fn handle(self: Arc<Self>, mut resident: Resident<M>, envelope: Envelope<M>) -> Resident<M> {
        let Envelope { message, busy, queued } = envelope;
        match message {
            // Its asker has given up; under load that spares the work for those who still wait.
            Message::Input(_, reply) if reply.is_closed() => {}
            Message::Wake(reply) if reply.is_closed() => {}
            Message::Erase(_, reply) if reply.is_closed() => {}
            Message::Input(input, reply) => self.handle_input(&mut resident, input, reply, &busy).await,
            Message::Ended(ended, taken) => self.handle_ended(&mut resident, ended, taken, &busy).await,
            Message::Erase(erasure, reply) => {
                let _ = reply.send(self.handle_erasure(&mut resident, &erasure).await);
            }
            Message::Wake(reply) => {
                let woken = self.handle_wake(&mut resident, &busy).await;
                let _ = reply.send(woken.map_err(|fault| self.fault(&mut resident, fault).1));
            }
        }
        self.count_conflicts(&mut resident);
        drop(queued);
        resident
    }

    async fn handle_input(self: &Arc<Self>, resident: &mut Resident<M>, input: Input<M>, reply: Reply<M>, busy: &Busy) {
        let (now, is_by_hand) = (self.clock.now(), matches!(input, Input::Intervene(_)));
        let mut stepped = match self.step(resident, now, input).await {
            Ok(stepped) => stepped,
            Err(fault) => {
                let _ = reply.send(Err(self.fault(resident, fault).0));
                return;
            }
        };
        let answer = match (stepped.answer, resident.state()) {
            (Ok(()), Some(state)) => Ok(state.machine.clone()),
            (Ok(()), None) => Err(Error::Unavailable("the state was dropped".into())),
            (Err(refusal), _) => Err(Error::Refused(refusal)),
        };
        if is_by_hand && answer.is_ok() {
            stepped.asked = resident.ready(now);
        }
        let answered = Answered { reply, answer };
        if let Err(fault) = self.begin(resident, stepped.asked, Some(answered), busy).await {
            self.fault(resident, fault);
        }
    }

    /// Journals ends of attempts. If the store does not take them nobody is told, and who brought them comes again.
    async fn handle_ended(
        self: &Arc<Self>,
        resident: &mut Resident<M>,
        ended: Vec<Ended<M>>,
        taken: oneshot::Sender<()>,
        busy: &Busy,
    ) {
        let attempts: Vec<(EffectId, u32)> = ended.iter().map(|ended| (ended.id, ended.number)).collect();
        match self.step(resident, self.clock.now(), Input::Ended(ended)).await {
            Ok(stepped) => {
                resident.ended(&attempts);
                let _ = taken.send(());
                if let Err(fault) = self.begin(resident, stepped.asked, None, busy).await {
                    self.fault(resident, fault);
                }
            }
            Err(fault) => {
                if let Error::Quarantined = self.fault(resident, fault).0 {
                    let _ = taken.send(());
                }
            }
        }
    }

    async fn handle_erasure(&self, resident: &mut Resident<M>, erasure: &Erasure) -> Result<Erased, Error> {
        match resident.erase(&self.store, self.clock.now(), erasure, &self.rules).await {
            Ok(answer) => answer.map_err(Error::Refused),
            Err(fault) => Err(self.fault(resident, fault).0),
        }
    }

    /// Looks at the clock and takes up effects that are due and that nobody here performs.
    async fn handle_wake(self: &Arc<Self>, resident: &mut Resident<M>, busy: &Busy) -> Result<Woken, Fault> {
        let now = self.clock.now();
        let lease = self.rules.lease;
        let mut stepped = self.step(resident, now, Input::Look).await?;
        let mut committed = stepped.committed;
        let (mut due, lost) = resident.due(now, lease);
        due.append(&mut stepped.asked);
        if !lost.is_empty() {
            let mut stepped = self.step(resident, now, Input::Ended(lost)).await?;
            committed |= stepped.committed;
            due.append(&mut stepped.asked);
        }
        committed |= self.begin(resident, due, None, busy).await?;
        let head = resident.state().map(|state| state.head);
        let next = guarded(|| Ok(resident.next_look(now, lease)))?;
        Ok(Woken { head, next, committed })
    }

    /// Notes a fault and says what the caller is told and what the operator is.
    pub fn fault(&self, resident: &mut Resident<M>, fault: Fault) -> (Error, String) {
        let entity = &resident.key;
        match fault {
            Fault::Unavailable(reason) => {
                tracing::warn!(entity = %entity.id, kind = M::KIND, reason, "a process could not be served");
                (Error::Unavailable(reason.clone()), reason)
            }
            Fault::Poisoned(cause, reason) => {
                self.set_aside(entity, cause, reason.clone());
                resident.forget();
                (Error::Quarantined, reason)
            }
        }
    }

    fn count_conflicts(&self, resident: &mut Resident<M>) {
        let conflicts = std::mem::take(&mut resident.conflicts);
        if conflicts > 0 {
            self.metrics.conflicts.with_label_values(&[M::KIND]).inc_by(conflicts);
        }
    }
}
