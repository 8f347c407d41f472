//! The processes of the server: their hosts, and the adapters that perform what their machines ask of the world.

mod agent;
mod chain;
pub mod challenges;
mod consents;
pub mod contracts;
pub mod creation;
mod documents;
mod evidence;
pub mod fill;
pub mod handwriting;
mod identification;
mod identity_document;
mod messages;
mod otp;
mod registration;
mod scoring;
mod seal_levels;
mod sign;
mod signature_fields;
#[cfg(test)]
mod tests;
pub mod vouching;

use std::{pin::Pin, sync::Arc, time::Duration};

use ::store::{Store, blobs::Digest};
use actix::ArbiterHandle;
use actors::{Attempt, Clock, Host, Metrics, Options, Wakeable};
use futures::future::join_all;
use uuid::Uuid;
use workflows::{
    IdentificationType, Machine,
    consents::CustomerConsents,
    fill::Fill,
    identification::{agent::Agent, chain::Chain, identity_document::IdentityDocument, otp::Otp},
    scoring::Scoring,
    sign_process::SignProcess,
};

use self::{identification::Identifications, registration::machines};
use crate::{
    camara::Camara,
    catalogue::{contracts::Contracts, documents::Documents, sealed_files::SealedFiles, sign_configuration::SignConfigurations},
    channels::Channels,
    code_limits::CodeLimits,
    codes::Codes,
    consents::past::Journals,
    erasure::LegalHolds,
    handwriting::Handwritings,
    receipts::Receipts,
    scoring::Provider,
    signers::{Links, Watchers},
    trust_services::TrustServices,
};

pub use documents::{produced_id, seal_reason};
pub use evidence::name_of;
pub use messages::Tenants;
pub use scoring::{Images, NotDelegated, NotScored, SubmittedImage, holds};

/// A machine of which this server has a host.
pub trait Hosted: Machine {
    fn host(processes: &Processes) -> &Host<Self>;
}

machines! {
    sign: SignProcess, performed by sign::Adapter, recounted by sign::happening;
    otp: Otp, performed by otp::Adapter, identifies Otp;
    agent: Agent, performed by agent::Adapter, identifies Agent;
    identity_document: IdentityDocument, performed by identity_document::Adapter, identifies IdentityDocument;
    chain: Chain, performed by chain::Adapter;
    scoring: Scoring, performed by scoring::Adapter;
    fill: Fill, performed by fill::Adapter;
    consents: CustomerConsents, performed by consents::Adapter;
}

impl Processes {
    /// Whether a process of any kind still needs bytes that it holds. Where that cannot be found out it does.
    pub async fn hold(&self, organization: &str, process: Uuid, digest: &Digest) -> bool {
        let sign = self.sign.read(organization, process);
        let (agent, scoring) = (self.agent.read(organization, process), self.scoring.read(organization, process));
        let fill = self.fill.read(organization, process);
        let (Ok(sign), Ok(agent), Ok(scoring), Ok(fill)) = tokio::join!(sign, agent, scoring, fill) else { return true };
        sign.data().is_some_and(|data| !data.status.is_final())
            || agent.data().is_some_and(|data| data.needs(&digest.to_string()))
            || scoring::holds(&scoring, digest)
            || fill.existing().is_ok_and(|record| record.holds(&digest.to_string()))
    }
}

/// What the adapters reach.
pub struct World {
    pub store: Arc<dyn Store>,
    pub documents: Documents,
    pub contracts: Contracts,
    pub sealed_files: SealedFiles,
    pub handwritings: Handwritings,
    pub configurations: SignConfigurations,
    pub channels: Channels,
    pub codes: Codes,
    pub code_limits: Arc<CodeLimits>,
    pub tenants: Tenants,
    /// To the pages on which signers sign.
    pub links: Links,
    /// Who waits for a change of a sign process.
    pub watchers: Watchers,
    pub receipts: Receipts,
    pub scoring: Arc<dyn Provider>,
    pub trust_services: TrustServices,
    pub camara: Camara,
    pub fills: fill::Fills,
    pub renderer: Arc<dyn fill::Renderer>,
    pub consents: crate::consents::metrics::Metrics,
    /// Process time.
    pub clock: Clock,
    /// What is not erased.
    pub holds: LegalHolds,
    /// Of customers.
    pub journals: Journals,
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
