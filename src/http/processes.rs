//! What the handlers of all processes share.

use std::sync::Arc;

use actors::Clock;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::ApiError;
use crate::{
    code_limits::CodeLimits,
    codes::{Codes, Policies},
    config::IdentityDocuments,
    consents::{links::Links, proofs::Proofs, service::Customers},
    erasure::{self, CustomerEraser, Eraser},
    handwriting::Handwritings,
    http::State,
    processes::{Processes, challenges::Challenges, creation::Creator, fill::Fills, handwriting, vouching},
    scoring::Provider,
    signers::Signers,
};

/// The processes behind the handlers.
#[derive(Clone)]
pub struct Engine {
    pub processes: Processes,
    pub codes: Codes,
    /// Policies of new identifications.
    pub code_policies: Policies,
    /// Of new scoring sessions and of identifications by identity document.
    pub identity_documents: IdentityDocuments,
    /// Signatures by hand.
    pub handwritings: Handwritings,
    /// Who scores identity documents.
    pub scoring: Arc<dyn Provider>,
    pub code_limits: Arc<CodeLimits>,
    /// Consents of customers.
    pub customers: Customers,
    /// What can be proven of them.
    pub proofs: Proofs,
    /// By which they withdraw.
    pub links: Links,
    /// The fills that wait for their turn.
    pub fills: Fills,
    /// Erases what has ended.
    pub eraser: Eraser,
    pub erasures: erasure::Metrics,
    pub customer_eraser: CustomerEraser,
    /// Behind the pages of signers.
    pub signers: Signers,
    /// Process time, which the sandbox can move; tokens and URLs live by the wall clock.
    pub clock: Clock,
}

impl Engine {
    /// What the creation of a sign process needs, now.
    pub fn creator<'a>(&'a self, state: &'a State) -> Creator<'a> {
        Creator {
            processes: &self.processes,
            documents: &state.documents,
            configurations: &state.configurations,
            policies: &self.code_policies,
            handwritings: &self.handwritings,
            terms: self.identity_documents.terms(),
            wall_clock: state.now(),
        }
    }

    /// What a signature by hand needs, now.
    pub fn handwriting<'a>(&'a self, state: &State) -> handwriting::Desk<'a> {
        let (now, wall_clock) = (self.clock.now(), state.now());
        handwriting::Desk { processes: &self.processes, handwritings: &self.handwritings, now, wall_clock }
    }

    /// What an agent's validation needs, now.
    pub fn vouching<'a>(&'a self, state: &'a State) -> vouching::Desk<'a> {
        vouching::Desk { processes: &self.processes, files: &state.sealed_files, wall_clock: state.now() }
    }

    /// What asking for codes and answering them needs, now.
    pub fn challenges(&self) -> Challenges<'_> {
        Challenges { processes: &self.processes, codes: &self.codes, limits: &self.code_limits, now: self.clock.now() }
    }
}

/// Contract `IdResponse`.
#[derive(Serialize, ToSchema)]
pub struct IdResponse {
    /// Identifier of the created resource.
    pub id: Uuid,
}

/// # Errors
/// 400 for a reason that is blank or too long.
pub fn check_reason(reason: &str) -> Result<(), ApiError> {
    workflows::values::check_reason(reason).map_err(|problem| ApiError::input(format!("reason: {problem}")))
}
