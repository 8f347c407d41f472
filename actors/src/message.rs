//! What reaches the actor of a process through its mailbox.

use std::sync::Arc;

use tokio::sync::oneshot;
use workflows::Machine;

use crate::{
    busy::Busy,
    entity::{Ended, Input},
    erasure::{Erased, Erasure},
    error::Error,
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

/// What is brought to the actor of a process.
pub(crate) enum Message<M: Machine> {
    /// A command or a look, and who asks.
    Input(Input<M>, Reply<M>),
    /// Ends of attempts; answered when they are in the journal or have no place there.
    Ended(Vec<Ended<M>>, oneshot::Sender<()>),
    Erase(Erasure, oneshot::Sender<Result<Erased, Error>>),
    Wake(oneshot::Sender<Result<Woken, String>>),
}

/// A message in the mailbox, and what it counts for.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Envelope<M: Machine> {
    pub message: Message<M>,
    pub busy: Busy,
    /// Held until the message is handled.
    pub queued: Busy,
}
