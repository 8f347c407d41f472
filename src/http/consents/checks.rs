//! Whether customers may be contacted: many at once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Timestamp;
use utoipa::ToSchema;
use workflows::consents::{Reading, Source};
use workflows::values::Problems;

use super::customers::date;
use super::{Segment, request};
use crate::catalogue::consents::ConsentId;
use crate::consents::check::{self, Answer, MAX_CUSTOMERS, MAX_READINGS, Question, Require};
use crate::consents::display::choice_schema;
use crate::http::call::{Call, Json, List};
use crate::http::error::ApiError;

/// Who is asked about, and what.
#[derive(Deserialize, ToSchema)]
pub struct ConsentChecksRequest {
    /// Segment whose consents are meant.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 64)]
    segment: Value,
    /// Ids of the customers in the CRM.
    #[serde(default)]
    #[schema(schema_with = customer_ids, required = true)]
    customers: Vec<Value>,
    /// Ids of consents of the segment's tree. Customers times consents may be 100,000 at most.
    #[serde(default)]
    #[schema(schema_with = ids, required = true)]
    consents: Vec<Value>,
    /// Whether all of the consents must be accepted, or any one of them; all where it is left out.
    #[serde(default)]
    #[schema(schema_with = require, required = false)]
    require: Value,
    /// When they are to be contacted, now or later: what has expired by then is not accepted. Now where it is left out.
    #[serde(default)]
    #[schema(schema_with = date, required = false)]
    at: Value,
}

fn customer_ids() -> utoipa::openapi::Array {
    let list = utoipa::openapi::ArrayBuilder::new().items(super::customer_schema());
    list.min_items(Some(1)).max_items(Some(10_000)).build()
}

fn ids() -> utoipa::openapi::Array {
    super::consent_list(256)
}

fn require() -> utoipa::openapi::Object {
    let names = Some(["all", "any"]);
    let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
    text.enum_values(names).default(Some("all".into())).build()
}

/// The answer for one customer.
#[derive(Serialize, ToSchema)]
pub struct ConsentCheck {
    /// As it was asked for.
    customer_id: String,
    /// Whether the customer may be contacted. Whatever is not known for certain is a no.
    allowed: bool,
    /// What each consent reads; empty where the customer's consents cannot be read at the moment.
    #[schema(value_type = std::collections::HashMap<String, CheckedConsent>)]
    consents: BTreeMap<ConsentId, CheckedConsent>,
}

/// What one consent reads.
#[derive(Serialize, ToSchema)]
pub struct CheckedConsent {
    #[schema(schema_with = choice_schema)]
    choice: u8,
    /// Where that comes from: `given`; `default`, the customer is known and has not answered; `expired`; `deleted`, the customer's consents
    /// were deleted; `suppressed`, an objection from before a deletion; `unknown`, nothing was ever captured.
    #[schema(schema_with = source)]
    source: Source,
    /// When a running acceptance lapses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    until: Option<Timestamp>,
}

fn source() -> utoipa::openapi::Object {
    let names = ["given", "default", "expired", "deleted", "suppressed", "unknown"];
    utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String).enum_values(Some(names)).build()
}

impl From<Reading> for CheckedConsent {
    fn from(Reading { choice, source, until }: Reading) -> Self {
        Self { choice: choice.into(), source, until }
    }
}

/// The body, read.
struct Asked {
    segment: Segment,
    customers: Vec<String>,
    consents: Vec<ConsentId>,
    require: Require,
    at: Timestamp,
}

pub async fn check(call: Call<(), Json<ConsentChecksRequest>>) -> Result<List<ConsentCheck>, ApiError> {
    let now = call.engine.clock.now();
    let Asked { segment, customers, consents, require, at } = asked(&call.body.0, now)?;
    let question = Question {
        organization: &call.organization,
        segment: segment.as_str(),
        customers: &customers,
        consents: &consents,
        require,
        at,
    };
    let answers = call.engine.customers.check(&question).await?;
    let checked = customers.into_iter().zip(answers).map(|(customer_id, Answer { allowed, readings, .. })| {
        let consents = readings.into_iter().map(|(id, reading)| (id, reading.into())).collect();
        ConsentCheck { customer_id, allowed, consents }
    });
    Ok(List(checked.collect()))
}

fn asked(body: &ConsentChecksRequest, now: Timestamp) -> Result<Asked, Problems> {
    let mut problems = Problems::default();
    let segment = problems.take("segment", request::segment(&body.segment));
    let customers = list("customers", &body.customers, check::MAX_CUSTOMERS, request::customer_id, &mut problems);
    let mut consents = list("consents", &body.consents, 256, request::consent_id, &mut problems);
    consents.sort();
    consents.dedup();
    if customers.len() * consents.len() > MAX_READINGS {
        let details = format!("at most {MAX_READINGS} customers times consents can be asked for at once");
        problems.note("customers", details);
    }
    let require = match body.require.as_str() {
        None if body.require.is_null() => Some(Require::All),
        Some("all") => Some(Require::All),
        Some("any") => Some(Require::Any),
        _ => problems.take("require", Err("expected all or any")),
    };
    let at = match &body.at {
        Value::Null => Some(now),
        at => problems.take("at", request::later(at, now)),
    };
    match (segment, require, at) {
        (Some(segment), Some(require), Some(at)) if problems.is_empty() => {
            Ok(Asked { segment, customers, consents, require, at })
        }
        _ => Err(problems),
    }
}

/// One to `max` values, each read by its rule.
fn list<T>(
    path: &str,
    sent: &[Value],
    max: usize,
    read: impl Fn(&Value) -> Result<T, String>,
    problems: &mut Problems,
) -> Vec<T> {
    if sent.is_empty() || sent.len() > max {
        problems.note(path, format!("expected 1 to {max} ids"));
        return Vec::new();
    }
    let values = sent.iter().enumerate();
    values.filter_map(|(place, value)| problems.take(format!("{path}[{place}]"), read(value))).collect()
}

const _: () = assert!(MAX_CUSTOMERS == 10_000, "the description says so");
