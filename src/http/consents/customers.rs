//! Consents of one customer: read, captured, deleted, and whether to ask for more.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use uuid::Uuid;
use workflows::consents::Caller;
use workflows::values::Problems;

use super::{KEY_HEADER, SELF, both, filters, request};
use crate::access;
use crate::catalogue::consents::{Accepted, ConsentId, UsersType};
use crate::consents::display::{ConsentsResponse, Filters, Wanted, choice_schema};
use crate::consents::service::{NewCapture, Subject};
use crate::http::call::{Answer, Call, Described, Json, Schemas, status};
use crate::http::error::ApiError;
use crate::http::operation::Success;

/// Contract `Selection`. Its members are taken as they come, so that all that is wrong is told at once.
#[derive(Deserialize, ToSchema)]
pub struct Selection {
    #[serde(default)]
    #[schema(schema_with = super::consent_id, required = true)]
    id: Value,
    #[serde(default)]
    #[schema(schema_with = choice_schema, required = true)]
    choice: Value,
}

impl Selection {
    /// Id and choice as they were sent.
    pub(super) fn sent(&self) -> request::Sent<'_> {
        (&self.id, &self.choice)
    }
}

/// Contract `CustomerConsentsRequest`. Its members are taken as they come, so that all that is wrong is told at once.
#[derive(Deserialize, ToSchema)]
pub struct CustomerConsentsRequest {
    /// Agent, system or user that sets the consents. With the token of a web component its actor, or `self`.
    #[serde(default)]
    #[schema(schema_with = reference, required = true)]
    actor_id: Value,
    /// The choices made.
    #[serde(default)]
    #[schema(required = true, min_items = 1, max_items = 256)]
    selections: Vec<Selection>,
    /// IP address (v4 or v6) of the actor.
    #[serde(default)]
    #[schema(schema_with = ip, required = true)]
    ip: Value,
    /// Where the capture started.
    #[serde(default)]
    #[schema(schema_with = sell_channel, required = true)]
    sell_channel: Value,
    /// Reference for tracing the capture.
    #[serde(default)]
    #[schema(schema_with = reference, required = true)]
    trace_id: Value,
    /// When the choices were made: any past date, and at most five minutes ahead, which counts as now.
    #[serde(default)]
    #[schema(schema_with = date, required = true)]
    capture_date: Value,
}

pub(super) fn reference() -> Object {
    let pattern = r"^[^\x00-\x1F\x7F-\x9F]+$";
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(super::MAX_ACTOR));
    text.pattern(Some(pattern)).build()
}

pub(super) fn ip() -> Object {
    ObjectBuilder::new().schema_type(Type::String).examples(["203.0.113.10"]).build()
}

pub(super) fn sell_channel() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(request::SELL_CHANNELS)).build()
}

pub(super) fn date() -> Object {
    let format = utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build()
}

/// Contract `CustomerConsentsCreated`.
#[derive(Serialize, ToSchema)]
pub struct CustomerConsentsCreated {
    /// Id of the customer's consents in the segment.
    id: Uuid,
    /// Consents whose choice was recorded and took no effect, as one of a later date holds. Left out when there are none. An addition to the
    /// contract.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, required = false)]
    superseded: Vec<ConsentId>,
}

/// Contract `Customer`.
#[derive(Serialize, ToSchema)]
pub struct Customer {
    /// Id of the customer in the CRM.
    customer_id: String,
    /// Whether campaigns or popups that collect consents should reach this customer.
    impact: bool,
}

/// The statements with their key: the first success of the row for an unknown customer, the second for a known one (note status-202).
pub struct Displayed {
    known: bool,
    /// Canonical JSON of a [`ConsentsResponse`].
    body: Vec<u8>,
    key: String,
}

impl Answer for Displayed {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        let [unknown, known] = [(); 2].map(|()| Json::<ConsentsResponse>::described(schemas));
        unknown.into_iter().chain(known).collect()
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        let mut response = HttpResponse::build(status(answers, usize::from(self.known))?);
        response.insert_header((KEY_HEADER, self.key)).content_type("application/json");
        Ok(response.body(self.body))
    }
}

/// Nothing but a fresh key.
pub struct Deleted(String);

impl Answer for Deleted {
    fn described(_: &mut Schemas) -> Vec<Option<Described>> {
        vec![None]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        let key = HeaderValue::from_str(&self.0).map_err(ApiError::internal)?;
        Ok(HttpResponse::build(status(answers, 0)?).insert_header((HeaderName::from_static(KEY_HEADER), key)).finish())
    }
}

/// Who calls, for the evidence.
pub fn caller_of(caller: &access::Caller) -> Caller {
    Caller { subject: caller.subject.clone(), audience: caller.audience.clone() }
}

pub async fn read(call: Call<String>) -> Result<Displayed, ApiError> {
    let (query, segment) = (&call.query, super::segment(&call));
    let views = both(filters::views(query), filters::format(query));
    let lists = both(filters::consent_ids(query), filters::choices(query));
    let read = both(both(views, lists), both(filters::users_type(query), segment))?;
    let (((views, format), (consent_ids, choices)), (users_type, segment)) = read;
    let filters = Filters { views, consent_ids, choices };
    let languages = Accepted::of(&super::accept_language(&call).unwrap_or_default());
    let wanted = Wanted { filters, format, languages };
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id: &call.id };
    let read = call.engine.customers.read(&subject, users_type, &wanted, call.engine.clock.now()).await?;
    Ok(Displayed { known: read.known, body: read.shown.canonical(), key: read.key })
}

pub async fn capture(call: Call<String, Json<CustomerConsentsRequest>>) -> Result<Json<CustomerConsentsCreated>, ApiError> {
    let (customers, now) = (&call.engine.customers, call.engine.clock.now());
    let segment = super::segment(&call);
    let presented = super::key(&call).and_then(|key| {
        // Whether a key is malformed does not depend on the segment.
        let name = segment.as_ref().map_or("", |segment| segment.as_str());
        let subject = Subject { organization: &call.organization, segment: name, customer_id: &call.id };
        customers.present(&subject, key).map_err(|malformed| ApiError::malformed_key(malformed.to_string()))
    });
    let capture = new_capture(&call, now).map_err(ApiError::from);
    let read = both(both(segment, filters::users_type(&call.query)), both(presented, capture))?;
    let ((segment, users_type), (presented, capture)) = read;
    let capture = NewCapture { users_type, ..capture };
    if call.caller.actor().is_some_and(|actor| !is_actor(&call.body.0.actor_id, actor)) {
        return Err(ApiError::unauthorized("actor_id: the token is for another actor; send that one, or self"));
    }
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id: &call.id };
    let recorded = customers.capture(&subject, capture, presented, now).await?;
    Ok(Json(CustomerConsentsCreated { id: recorded.id, superseded: recorded.superseded }))
}

fn is_actor(sent: &Value, actor: &str) -> bool {
    sent.as_str().is_some_and(|sent| sent == SELF || sent == actor)
}

/// What the body asks for, or everything that is wrong with it.
fn new_capture(call: &Call<String, Json<CustomerConsentsRequest>>, now: store::Timestamp) -> Result<NewCapture, Problems> {
    let body = &call.body.0;
    let mut problems = Problems::default();
    let actor = problems.take("actor_id", request::actor(&body.actor_id, call.caller.actor()));
    let sent = body.selections.iter().map(Selection::sent);
    let selections = request::selections("selections", sent, &mut problems);
    let ip = problems.take("ip", request::ip(&body.ip));
    let sell_channel = problems.take("sell_channel", request::sell_channel(&body.sell_channel));
    let trace_id = problems.take("trace_id", request::reference(&body.trace_id));
    let date = problems.take("capture_date", request::capture_date(&body.capture_date, now));
    let (Some(actor), Some(ip), Some(sell_channel)) = (actor, ip, sell_channel) else { return Err(problems) };
    let (Some(trace_id), Some(date)) = (trace_id, date) else { return Err(problems) };
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(NewCapture {
        users_type: UsersType::Customers,
        caller: caller_of(&call.caller),
        actor,
        selections,
        ip,
        sell_channel,
        trace_id,
        date,
        declared_language: super::accept_language(call),
    })
}

pub async fn delete(call: Call<String>) -> Result<Deleted, ApiError> {
    let segment = super::segment(&call)?;
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id: &call.id };
    let key = call.engine.customers.delete(&subject, caller_of(&call.caller), None, call.engine.clock.now()).await?;
    Ok(Deleted(key))
}

pub async fn impact(call: Call<String>) -> Result<Json<Customer>, ApiError> {
    let segment = super::segment(&call)?;
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id: &call.id };
    let impact = call.engine.customers.impact(&subject, call.engine.clock.now()).await?;
    Ok(Json(Customer { customer_id: call.id, impact }))
}
