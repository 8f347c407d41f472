//! Links by which customers withdraw. What uses a link asks for no bearer: the token in the path is the credential, for this one thing.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Timestamp;
use utoipa::ToSchema;
use workflows::values::Problems;

use super::both;
use crate::catalogue::consents::ConsentId;
use crate::consents::links::MAX_CONSENTS;
use crate::consents::service::Subject;
use crate::http::api::Api;
use crate::http::call::{Call, Json};
use crate::http::error::{ApiError, only};
use crate::http::json;

/// The body of a call by a mail program (RFC 8058, 3.1), with room for how a form may be sent.
const MAX_BODY: usize = 1_024;

/// What a link is for.
#[derive(Deserialize, ToSchema)]
pub struct NewConsentLink {
    /// Ids of the consents that it withdraws; each must be in the segment's tree.
    #[serde(default)]
    #[schema(schema_with = ids, required = true)]
    consents: Vec<Value>,
}

fn ids() -> utoipa::openapi::Array {
    super::consent_list(32)
}

/// A link that withdraws.
#[derive(Serialize, ToSchema)]
pub struct ConsentLink {
    /// The secret. It goes into the header `List-Unsubscribe`, in angle brackets.
    #[schema(format = "uri")]
    url: String,
    /// What goes into the header `List-Unsubscribe-Post` beside it.
    list_unsubscribe_post: &'static str,
    /// From then on it does nothing.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// What mail programs send (RFC 8058).
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// Registers what uses a link.
pub fn configure(service: &mut web::ServiceConfig) {
    service.service(web::resource("/consent-links/{token}").route(web::post().to(withdraw)).default_service(only("POST")));
}

pub async fn create(call: Call<String, Json<NewConsentLink>>) -> Result<Json<ConsentLink>, ApiError> {
    let consents = consents(&call.body.0).map_err(ApiError::from);
    let (segment, consents) = both(super::segment(&call), consents)?;
    let subject = Subject { organization: &call.organization, segment: segment.as_str(), customer_id: &call.id };
    let made = call.engine.links.make(&subject, consents, call.engine.clock.now()).await?;
    let base = call.state.options.public_base_url.trim_end_matches('/');
    let url = format!("{base}/consent-links/{}", made.token);
    Ok(Json(ConsentLink { url, list_unsubscribe_post: ONE_CLICK, expires_at: made.expires_at }))
}

fn consents(body: &NewConsentLink) -> Result<Vec<ConsentId>, Problems> {
    let mut problems = Problems::default();
    if !(1..=MAX_CONSENTS).contains(&body.consents.len()) {
        problems.note("consents", format!("expected 1 to {MAX_CONSENTS} ids of consents"));
        return Err(problems);
    }
    let mut ids: Vec<ConsentId> = Vec::new();
    for (place, id) in body.consents.iter().enumerate() {
        match id.as_str().map(ConsentId::new) {
            Some(Ok(id)) if ids.contains(&id) => problems.note(format!("consents[{place}]"), "the id is there twice"),
            Some(Ok(id)) => ids.push(id),
            Some(Err(error)) => problems.note(format!("consents[{place}]"), error),
            None => problems.note(format!("consents[{place}]"), "expected the id of a consent, a text"),
        }
    }
    if problems.is_empty() { Ok(ids) } else { Err(problems) }
}

/// Withdraws. The answer is the same whether there was anything left to withdraw.
pub async fn withdraw(
    request: HttpRequest,
    token: web::Path<String>,
    payload: web::Payload,
    api: web::Data<Api>,
) -> Result<HttpResponse, ApiError> {
    let engine = api.engine();
    let link = engine.links.open(&token, engine.clock.now())?;
    let body = json::read(&request, payload.into_inner(), MAX_BODY, &link.organization).await?;
    // As a form, or as one in parts: both have these words in this order.
    let text = String::from_utf8_lossy(&body);
    let value = text.split_once("List-Unsubscribe").map(|(_, value)| value);
    if !value.is_some_and(|value| value.contains("One-Click")) {
        return Err(ApiError::input(format!("expected the form {ONE_CLICK} (RFC 8058)")));
    }
    engine.links.withdraw(&link, engine.clock.now()).await?;
    Ok(HttpResponse::NoContent().finish())
}
