//! What the handlers of all processes share.

use std::{sync::Arc, time::Duration};

use actors::Clock;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::identification::otp::Policy;

use super::ApiError;
use crate::{code_limits::CodeLimits, codes::Codes, processes::Processes};

/// When a call that met a full mailbox or a busy store is worth repeating.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Longest reason of a cancellation, in characters.
const MAX_REASON: usize = 1_000;

/// The processes behind the handlers.
#[derive(Clone)]
pub struct Engine {
    pub processes: Processes,
    pub codes: Codes,
    /// Policy of new identifications.
    pub code_policy: Policy,
    pub code_limits: Arc<CodeLimits>,
    /// Process time, which the sandbox can move; tokens and URLs live by the wall clock.
    pub clock: Clock,
}

/// Contract `IdResponse`.
#[derive(Serialize, ToSchema)]
pub struct IdResponse {
    /// Identifier of the created resource.
    pub id: Uuid,
}

/// The answer of a process, or the error that it means.
pub fn answer<T>(answer: Result<T, actors::Error>) -> Result<T, ApiError> {
    answer.map_err(|error| match error {
        actors::Error::Refused(refusal) => refusal.into(),
        actors::Error::Overloaded => ApiError::unavailable("a mailbox is full", RETRY_AFTER),
        actors::Error::Unavailable(reason) => ApiError::unavailable(reason, RETRY_AFTER),
        actors::Error::Quarantined => ApiError::internal("the process is set aside after a fault"),
    })
}

/// # Errors
/// 400 for a reason that is blank or too long.
pub fn check_reason(reason: &str) -> Result<(), ApiError> {
    if reason.trim().is_empty() || reason.chars().count() > MAX_REASON {
        return Err(ApiError::input(format!("reason: expected 1 to {MAX_REASON} characters")));
    }
    Ok(())
}
