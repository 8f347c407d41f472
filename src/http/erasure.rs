//! Erasures that are asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    ApiError,
    call::{Call, Json},
    processes::check_reason,
};
use crate::erasure::{Kind, Order, Target};

/// Why something is erased.
#[derive(Deserialize, ToSchema)]
pub struct ErasureRequest {
    /// No personal data: it stays in the journal.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
}

/// What became of an erased process.
#[derive(Serialize, ToSchema)]
pub struct Erasure {
    /// Journals that nobody can read any more: of the process and of all that belonged to it.
    journals: u64,
    /// Their entries.
    entries: u64,
    /// Entries of before journals were sealed. They are never shown again, but stand in the store as they were written.
    entries_in_clear: u64,
    /// Head of the process' chain: the hash of the entry that says that it was erased.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    chain_head: String,
}

/// What became of the consents of a customer.
#[derive(Serialize, ToSchema)]
pub struct CustomerErasure {
    /// Segments in which the customer was known, now or before an earlier erasure, in alphabetical order.
    segments: Vec<String>,
    /// Entries of journals that nobody can read any more.
    entries: u64,
    /// For each of the segments, the head of the journal's chain: the hash of the entry that says that it was erased.
    chain_heads: Vec<String>,
}

pub async fn customer(call: Call<String, Json<ErasureRequest>>) -> Result<Json<CustomerErasure>, ApiError> {
    let ErasureRequest { reason } = &call.body.0;
    check_reason(reason)?;
    let order = Order { by: &call.caller.subject, reason, wall_clock: call.state.now() };
    let erased = call.engine.customer_eraser.erase(&call.organization, &call.id, order).await?;
    Ok(Json(CustomerErasure {
        entries: erased.iter().map(|segment| segment.entries).sum(),
        chain_heads: erased.iter().map(|segment| segment.head.to_string()).collect(),
        segments: erased.into_iter().map(|segment| segment.segment).collect(),
    }))
}

pub async fn sign_process(call: Call<Uuid, Json<ErasureRequest>>) -> Result<Json<Erasure>, ApiError> {
    let ErasureRequest { reason } = &call.body.0;
    check_reason(reason)?;
    let order = Order { by: &call.caller.subject, reason, wall_clock: call.state.now() };
    let result = call.engine.eraser.erase(&call.organization, Target::new(Kind::SignProcess, call.id), order).await;
    call.engine.erasures.count(Kind::SignProcess, &result);
    let erased = result?;
    Ok(Json(Erasure {
        journals: erased.journals,
        entries: erased.entries,
        entries_in_clear: erased.in_clear,
        chain_head: erased.head.to_string(),
    }))
}
