//! The actor of one process: one message at a time, from the mailbox to the durable answer.

use std::sync::Arc;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Supervised, WrapFuture};
use store::Entity;
use tokio::sync::oneshot;
use workflows::Machine;

use crate::{
    entity::{Ended, Fault, Input, Resident, Shown, guarded},
    host::{Error, Shared},
    journal::EffectId,
    registry::Busy,
    timer::Woken,
};

/// Where the answer to a command goes.
pub(crate) type Reply<M> = oneshot::Sender<Result<Arc<M>, Error>>;

/// An answer that is ready, and who waits for it.
pub(crate) struct Answered<M: Machine> {
    pub reply: Reply<M>,
    pub answer: Result<Arc<M>, Error>,
}

impl<M: Machine> Answered<M> {
    /// Whoever has gone away meanwhile does not get it.
    pub fn give(answered: Option<Self>) {
        if let Some(Self { reply, answer }) = answered {
            let _ = reply.send(answer);
        }
    }
}

pub(crate) enum Asked<M: Machine> {
    /// A command or a look, and who asks.
    Input(Input<M>, Reply<M>),
    /// Ends of attempts; answered when they are in the journal or have no place there.
    Ended(Vec<Ended<M>>, oneshot::Sender<()>),
    Wake(oneshot::Sender<Result<Woken, String>>),
}

#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Envelope<M: Machine> {
    pub asked: Asked<M>,
    pub busy: Busy,
    /// Held until the message is handled.
    pub queued: Busy,
}

pub(crate) struct EntityActor<M: Machine> {
    pub shared: Arc<Shared<M>>,
    pub key: Entity,
    pub shown: Shown<M>,
    /// Out while a message is handled; one is handled at a time.
    pub resident: Option<Resident<M>>,
}

impl<M: Machine> Actor for EntityActor<M> {
    type Context = Context<Self>;
}

impl<M: Machine> Supervised for EntityActor<M> {
    fn restarting(&mut self, _: &mut Context<Self>) {
        // Whatever was in memory may be half-done; the journal is not.
        self.resident = None;
        *self.shown.lock() = None;
    }
}

impl<M: Machine> Handler<Envelope<M>> for EntityActor<M> {
    type Result = ();

    fn handle(&mut self, envelope: Envelope<M>, ctx: &mut Context<Self>) {
        let resident = self.resident.take().unwrap_or_else(|| Resident::new(self.key.clone(), self.shown.clone()));
        let work = self.shared.clone().handle(resident, envelope);
        // `wait`: the mailbox rests until this message is done, so one append at most is in flight. The work is
        // finished even if the last address is dropped meanwhile.
        ctx.wait(work.into_actor(self).map(|resident, actor, _| actor.resident = Some(resident)));
    }
}

impl<M: Machine> Shared<M> {
    async fn handle(self: Arc<Self>, mut resident: Resident<M>, envelope: Envelope<M>) -> Resident<M> {
        let Envelope { asked, busy, queued } = envelope;
        match asked {
            // Its asker has given up; under load that spares the work for those who still wait.
            Asked::Input(_, reply) if reply.is_closed() => {}
            Asked::Wake(reply) if reply.is_closed() => {}
            Asked::Input(input, reply) => self.handle_input(&mut resident, input, reply, &busy).await,
            Asked::Ended(ended, taken) => self.handle_ended(&mut resident, ended, taken, &busy).await,
            Asked::Wake(reply) => {
                let woken = self.handle_wake(&mut resident, &busy).await;
                let _ = reply.send(woken.map_err(|fault| self.fault(&mut resident, fault).1));
            }
        }
        self.count_conflicts(&mut resident);
        drop(queued);
        resident
    }

    async fn handle_input(self: &Arc<Self>, resident: &mut Resident<M>, input: Input<M>, reply: Reply<M>, busy: &Busy) {
        let stepped = match resident.step(&*self.store, self.clock.now(), input, &self.rules).await {
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
        match resident.step(&*self.store, self.clock.now(), Input::Ended(ended), &self.rules).await {
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

    /// Looks at the clock and takes up effects that are due and that nobody here performs.
    async fn handle_wake(self: &Arc<Self>, resident: &mut Resident<M>, busy: &Busy) -> Result<Woken, Fault> {
        let now = self.clock.now();
        let lease = self.rules.lease;
        let mut stepped = resident.step(&*self.store, now, Input::Look, &self.rules).await?;
        let mut committed = stepped.committed;
        let (mut due, lost) = resident.due(now, lease);
        due.append(&mut stepped.asked);
        if !lost.is_empty() {
            let mut stepped = resident.step(&*self.store, now, Input::Ended(lost), &self.rules).await?;
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
            Fault::Poisoned(reason) => {
                tracing::error!(entity = %entity.id, kind = M::KIND, reason, "a process was set aside");
                let aside = self.registry.lock().set_aside(entity, reason.clone(), self.options.max_resident.max(1));
                self.metrics.quarantined.with_label_values(&[M::KIND]).set(aside as i64);
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
