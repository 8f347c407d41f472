//! The processes of the server: their hosts, and the adapters that perform what their machines ask of the world.

pub mod creation;
mod documents;
mod evidence;
mod identification;
mod messages;
mod otp;
mod registration;
mod sign;
#[cfg(test)]
mod tests;

use std::{pin::Pin, sync::Arc, time::Duration};

use ::store::Store;
use actix::ArbiterHandle;
use actors::{Attempt, Clock, Host, Metrics, Options, Wakeable};
use futures::future::join_all;
use workflows::{IdentificationType, Machine, identification::otp::Otp, sign_process::SignProcess};

use self::{identification::Identifications, registration::machines};
use crate::{
    camara::Camara,
    catalogue::{documents::Documents, sign_configuration::SignConfigurations},
    channels::Channels,
    codes::Codes,
    receipts::Receipts,
};

pub use documents::seal_reason;
pub use messages::Tenants;

machines! {
    sign: SignProcess, performed by sign::Adapter;
    otp: Otp, performed by otp::Adapter, identifies Otp;
}

/// What the adapters reach.
pub struct World {
    pub store: Arc<dyn Store>,
    pub documents: Documents,
    pub configurations: SignConfigurations,
    pub channels: Channels,
    pub codes: Codes,
    pub tenants: Tenants,
    pub receipts: Receipts,
    pub camara: Camara,
}

/// How telling another process ended: it takes note, or it refuses because it is past that, or it is to be told again.
fn told<M: Machine, T>(answer: Result<T, actors::Error>) -> Attempt<M> {
    match answer {
        Ok(_) => Attempt::Done(None),
        Err(actors::Error::Refused(refusal)) => {
            tracing::debug!(?refusal, "a process had no use for what it was told");
            Attempt::Done(None)
        }
        Err(actors::Error::Overloaded) => retry("the other process is busy"),
        Err(actors::Error::Unavailable(reason)) => retry(reason),
        Err(actors::Error::Quarantined) => retry("the other process is set aside after a fault"),
    }
}

fn retry<M: Machine>(reason: impl ToString) -> Attempt<M> {
    Attempt::Retry { reason: reason.to_string(), after: None }
}

fn refused<M: Machine>(reason: impl ToString) -> Attempt<M> {
    Attempt::Refused { reason: reason.to_string() }
}
