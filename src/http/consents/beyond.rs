//! What can be proven of a customer's consents, beyond the contract: history, displays, receipts, the state at a moment, and what an
//! organization says of its processing for receipts.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use utoipa::ToSchema;
use utoipa::openapi::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};

use super::both;
use super::configuration::{self, ConsentTreeCreate};
use crate::access::{self, Role};
use crate::catalogue::consents as catalogue;
use crate::consents::history::Happened;
use crate::consents::preview::{Preview, difference};
use crate::consents::profile::Profile;
use crate::consents::proofs::{Blocked, Displayed, State};
use crate::consents::receipts::Receipt;
use crate::consents::service::Subject;
use crate::http::call::{Call, Json};
use crate::http::error::ApiError;
use crate::http::operation::{Parameter, Refused, refused};
use crate::http::paging::Page;
use crate::http::query::Query;

/// For operations on what happened to a customer.
pub const NOTHING_CAPTURED: Refused =
    refused(404, "404. Nothing was captured of the customer in the segment, or nothing has this revision.");
/// For receipts.
pub const NO_RECEIPT: Refused = refused(
    409,
    "409. The consent profile lacks a member that a receipt must have, which is named, or the organization has no certificate to sign with.",
);

/// Signed or not.
pub const FORMAT: Parameter = Parameter::query(
    "format",
    "`jws` for the signed receipt, which is the default; `json` for the unsigned one, to be read.",
    format,
);
/// The moment that is asked about.
pub const AS_OF: Parameter =
    Parameter::query("as_of", "The moment at which the consents are read; now by default. It may lie ahead.", moment);
/// What was known.
pub const KNOWN_AT: Parameter = Parameter::query(
    "known_at",
    "What was recorded later is left out; now by default. With a moment in the past the answer never changes.",
    moment,
);

fn format() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["jws", "json"])).default(Some("jws".into())).build()
}

fn moment() -> Object {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// A page of what happened to a customer's consents.
#[derive(Serialize, ToSchema)]
pub struct ConsentHistory {
    /// From 0.
    page: usize,
    page_size: usize,
    /// The newest first.
    events: Vec<Happened>,
}

/// A receipt: a flattened JWS (RFC 7515, 7.2.2), or what is signed in it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ConsentReceiptAnswer {
    Signed(SignedReceipt),
    Unsigned(Box<Receipt>),
}

/// A flattened JWS. Its protected header has `alg`, `cty` and the certificates of the organization (`x5c`).
#[derive(Serialize, Deserialize, ToSchema)]
pub struct SignedReceipt {
    /// The receipt as canonical JSON (RFC 8785), in base64url.
    payload: String,
    /// The header, in base64url.
    protected: String,
    /// In base64url.
    signature: String,
}

/// Who may read what a deletion blocked: who may delete.
fn blocked(caller: &access::Caller) -> Blocked {
    if caller.has(Role::ConsentsDelete) { Blocked::Told } else { Blocked::Hidden }
}

pub async fn history(call: Call<String>) -> Result<Json<ConsentHistory>, ApiError> {
    let (segment, page) = both(super::segment(&call), Page::of_snake_up_to(&call.query, super::MAX_PAGE_SIZE))?;
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id: &call.id };
    let skip = page.number.saturating_mul(page.size);
    let events = call.engine.proofs.history(&subject, blocked(&call.caller), skip, page.size).await?;
    Ok(Json(ConsentHistory { page: page.number, page_size: page.size, events }))
}

pub async fn display(call: Call<(String, u32)>) -> Result<Json<Displayed>, ApiError> {
    let segment = super::segment(&call)?;
    let (customer_id, revision) = &call.id;
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id };
    Ok(Json(call.engine.proofs.display(&subject, blocked(&call.caller), *revision).await?))
}

pub async fn receipt(call: Call<(String, u32)>) -> Result<Json<ConsentReceiptAnswer>, ApiError> {
    let (segment, is_signed) = both(super::segment(&call), is_signed(&call.query))?;
    let (customer_id, revision) = &call.id;
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id };
    let (proofs, now) = (&call.engine.proofs, call.state.now());
    let receipt = proofs.receipt(&subject, blocked(&call.caller), *revision, now).await?;
    if !is_signed {
        return Ok(Json(ConsentReceiptAnswer::Unsigned(Box::new(receipt))));
    }
    let signed = proofs.sign(receipt, now).await?;
    let signed = serde_json::from_slice(&signed.to_json()).map_err(ApiError::internal)?;
    Ok(Json(ConsentReceiptAnswer::Signed(signed)))
}

fn is_signed(query: &Query) -> Result<bool, ApiError> {
    match query.text("format")?.as_deref() {
        None | Some("jws") => Ok(true),
        Some("json") => Ok(false),
        Some(_) => Err(ApiError::parameter("format: expected jws or json")),
    }
}

pub async fn state(call: Call<String>) -> Result<Json<State>, ApiError> {
    let now = call.engine.clock.now();
    let moments = both(instant(&call.query, "as_of"), instant(&call.query, "known_at"));
    let (segment, (as_of, known_at)) = both(super::segment(&call), moments)?;
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id: &call.id };
    // What is not recorded yet is not known.
    let known_at = known_at.unwrap_or(now).min(now);
    Ok(Json(call.engine.proofs.state_at(&subject, as_of.unwrap_or(now), known_at).await?))
}

/// A moment of a query, to the microsecond.
fn instant(query: &Query, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = query.text(name)? else { return Ok(None) };
    // In a query "+" means a blank: an offset written "+01:00" without escaping arrives as " 01:00".
    let read = DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok();
    let moment = read.and_then(|moment| DateTime::from_timestamp_micros(moment.timestamp_micros()));
    let expected = || ApiError::parameter(format!("{name}: expected a date and time, such as 2026-11-21T12:00:00Z"));
    moment.map(Some).ok_or_else(expected)
}

pub async fn profile(call: Call) -> Result<Json<Profile>, ApiError> {
    Ok(Json(call.engine.proofs.profiles().get(&call.organization).await?.profile))
}

pub async fn put_profile(call: Call<(), Json<Profile>>) -> Result<(), ApiError> {
    let Call { organization, body, engine, state, .. } = call;
    Ok(engine.proofs.profiles().put(&organization, body.0, state.now()).await?)
}

pub async fn preview(call: Call<(), Json<ConsentTreeCreate>>) -> Result<Json<Preview>, ApiError> {
    let segment = super::segment_only(&call)?;
    let (Json(sent), state) = (call.body, &call.state);
    let author = configuration::author(&call.caller);
    let (organization, segment) = (call.organization.as_str(), segment.as_str());
    let new = state.consents.draft(organization, segment, sent.into(), author, state.now()).await?;
    let present = match state.consents.fresh_edition(organization, segment, new.users_type()).await {
        Err(catalogue::Error::NoTree(_)) => None,
        present => Some(present?),
    };
    let (customers, present) = (call.engine.proofs.customers(), present.as_deref());
    let customers = customers.count(organization, segment, present, &new, call.engine.clock.now()).await?;
    Ok(Json(Preview { difference: difference(present, &new), customers }))
}
