//! Legal holds: set, lifted, read.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use uuid::Uuid;

use super::{
    ApiError,
    call::{Call, Json},
    consents, paging,
    processes::check_reason,
};
use crate::erasure::{Covers, Deed, Hold, Kind, MAX_NAME, Target};

/// What a legal hold covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LegalHoldScope {
    /// Everything of the organization.
    Organization,
    /// One process with all that belongs to it.
    Process,
    /// The consents of one customer.
    Customer,
}

/// A process under hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HeldProcess {
    kind: Kind,
    id: Uuid,
}

/// A legal hold as it is set.
#[derive(Deserialize, ToSchema)]
pub struct LegalHoldRequest {
    scope: LegalHoldScope,
    /// Needed where the scope is PROCESS.
    process: Option<HeldProcess>,
    /// Needed where the scope is CUSTOMER. Kept as a keyed hash, and never shown again.
    #[schema(min_length = 1, max_length = 256)]
    customer_id: Option<String>,
    /// Why: the number of a case, say. No personal data: it stays readable.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
}

/// Who did something, and when.
#[derive(Serialize, ToSchema)]
pub struct LegalHoldDeed {
    /// Subject of the caller's token.
    by: String,
    at: DateTime<Utc>,
}

/// A legal hold.
#[derive(Serialize, ToSchema)]
pub struct LegalHold {
    name: String,
    scope: LegalHoldScope,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    process: Option<HeldProcess>,
    reason: String,
    /// Whether it keeps anything from being erased now.
    stands: bool,
    set: LegalHoldDeed,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lifted: Option<LegalHoldDeed>,
}

/// A legal hold with what it was before.
#[derive(Serialize, ToSchema)]
pub struct LegalHoldHistory {
    /// Newest first: the first one is what holds. At most 100.
    versions: Vec<LegalHold>,
}

/// A page of legal holds.
#[derive(Serialize, ToSchema)]
pub struct LegalHoldPage {
    page: usize,
    page_size: usize,
    /// On all pages, those that were lifted included.
    total: usize,
    /// By their names.
    legal_holds: Vec<LegalHold>,
}

impl From<Deed> for LegalHoldDeed {
    fn from(Deed { by, at }: Deed) -> Self {
        Self { by, at: at.trunc_subsecs(3) }
    }
}

impl LegalHold {
    fn of(name: &str, hold: Hold) -> Self {
        let (scope, process) = match hold.covers {
            Covers::Organization => (LegalHoldScope::Organization, None),
            Covers::Process { process: Target { kind, id } } => (LegalHoldScope::Process, Some(HeldProcess { kind, id })),
            Covers::Customer { .. } => (LegalHoldScope::Customer, None),
        };
        let stands = hold.lifted.is_none();
        let (set, lifted) = (hold.set.into(), hold.lifted.map(Into::into));
        Self { name: name.to_owned(), scope, process, reason: hold.reason, stands, set, lifted }
    }
}

/// Schema of a legal hold's name. The first is a letter or a digit, since `.` and `..` are no segments of a path.
pub(super) fn name_schema() -> Object {
    let pattern = format!("^[A-Za-z0-9][A-Za-z0-9._-]{{0,{}}}$", MAX_NAME - 1);
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).build()
}

fn check_name(name: &str) -> Result<(), ApiError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let starts = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    let fits = starts && name.len() <= MAX_NAME && name.bytes().all(is_plain);
    let expected = || {
        let what = format!("1 to {MAX_NAME} ASCII letters, digits, '-', '_' or '.', of which the first is a letter or a digit");
        ApiError::parameter(format!("hold_name: expected {what}"))
    };
    fits.then_some(()).ok_or_else(expected)
}

pub async fn set(call: Call<String, Json<LegalHoldRequest>>) -> Result<Json<LegalHold>, ApiError> {
    let (name, organization) = (&call.id, &call.organization);
    check_name(name)?;
    let LegalHoldRequest { scope, process, customer_id, reason } = &call.body.0;
    check_reason(reason)?;
    let holds = &call.engine.eraser.holds;
    let covers = match (scope, process, customer_id) {
        (LegalHoldScope::Organization, None, None) => Covers::Organization,
        (LegalHoldScope::Process, Some(HeldProcess { kind, id }), None) => Covers::Process { process: Target::new(*kind, *id) },
        (LegalHoldScope::Customer, None, Some(customer)) => match consents::customer_problem(customer) {
            None => holds.customer(organization, customer),
            Some(problem) => return Err(ApiError::input(format!("customer_id: {problem}"))),
        },
        _ => {
            return Err(ApiError::input(
                "scope: expected PROCESS with process alone, CUSTOMER with customer_id alone, or ORGANIZATION with neither",
            ));
        }
    };
    let deed = Deed { by: call.caller.subject.clone(), at: call.state.now() };
    holds.set(organization, name, covers, reason, deed).await?;
    let current = holds.get(organization, name).await?.into_iter().next();
    let current = current.ok_or_else(|| ApiError::internal("a legal hold that was set is not there"))?;
    Ok(Json(LegalHold::of(name, current)))
}

pub async fn lift(call: Call<String>) -> Result<(), ApiError> {
    check_name(&call.id)?;
    let deed = Deed { by: call.caller.subject.clone(), at: call.state.now() };
    Ok(call.engine.eraser.holds.lift(&call.organization, &call.id, deed).await?)
}

pub async fn read(call: Call<String>) -> Result<Json<LegalHoldHistory>, ApiError> {
    check_name(&call.id)?;
    let versions = call.engine.eraser.holds.get(&call.organization, &call.id).await?;
    Ok(Json(LegalHoldHistory { versions: versions.into_iter().map(|hold| LegalHold::of(&call.id, hold)).collect() }))
}

pub async fn list(call: Call) -> Result<Json<LegalHoldPage>, ApiError> {
    let paging::Page { number, size } = paging::Page::of_snake(&call.query)?;
    if size > consents::MAX_PAGE_SIZE {
        return Err(ApiError::parameter(format!("page_size: expected 1 to {}", consents::MAX_PAGE_SIZE)));
    }
    let all = call.engine.eraser.holds.all(&call.organization).await?;
    let total = all.len();
    let page = all.into_iter().skip(number.saturating_mul(size)).take(size);
    let legal_holds = page.map(|(name, hold)| LegalHold::of(&name, hold)).collect();
    Ok(Json(LegalHoldPage { page: number, page_size: size, total, legal_holds }))
}
