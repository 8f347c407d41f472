//! The processes of the server: their hosts, and the adapters that perform what their machines ask of the world.

mod documents;
mod evidence;
mod messages;
mod otp;
mod sign;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use ::store::Store;
use actix::ArbiterHandle;
use actors::{Attempt, Clock, Host, Metrics, Options};
use workflows::{Machine, identification::otp::Otp, sign_process::SignProcess};

use crate::{
    catalogue::{documents::Documents, sign_configuration::SignConfigurations},
    channels::Channels,
    codes::Codes,
    receipts::Receipts,
};

pub use documents::seal_reason;
pub use messages::{Tenant, Tenants};

/// What the adapters reach.
pub struct World {
    pub store: Arc<dyn Store>,
    pub documents: Documents,
    pub configurations: SignConfigurations,
    pub channels: Channels,
    pub codes: Codes,
    pub tenants: Tenants,
    pub receipts: Receipts,
}

/// The hosts of all kinds of processes. Cheap to clone.
#[derive(Clone)]
pub struct Processes {
    pub sign: Host<SignProcess>,
    pub otp: Host<Otp>,
}

impl Processes {
    /// The hosts with their adapters, on the given arbiters.
    pub fn new(world: World, clock: &Clock, options: &Options, metrics: &Metrics, arbiters: &[ArbiterHandle]) -> Self {
        let world = Arc::new(world);
        let sign = host(&world, clock, options, metrics, arbiters);
        let otp = host(&world, clock, options, metrics, arbiters);
        sign.perform_with(Arc::new(sign::Adapter { world: world.clone(), otp: otp.clone() }));
        otp.perform_with(Arc::new(otp::Adapter { world, sign: sign.clone() }));
        Self { sign, otp }
    }
}

fn host<M: Machine>(world: &World, clock: &Clock, options: &Options, metrics: &Metrics, arbiters: &[ArbiterHandle]) -> Host<M> {
    Host::new(world.store.clone(), clock.clone(), options.clone(), metrics.clone(), arbiters.to_vec())
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
