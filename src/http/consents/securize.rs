//! Tokens for the web component of consents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{MAX_ACTOR, SELF, customer_problem, identifier_problem};
use crate::access::Component;
use crate::http::call::{Call, Json};
use crate::http::error::ApiError;

/// Contract `SecurizeRequest` of `/v2`.
#[derive(Deserialize, ToSchema)]
#[schema(as = ConsentsSecurizeRequest)]
pub struct SecurizeRequest {
    /// Id of the customer whose consents the component shows and records.
    #[schema(min_length = 1, max_length = 256)]
    customer_id: String,
    /// Who records them: an agent, a system, or the customer.
    #[schema(min_length = 1, max_length = 512)]
    actor_id: String,
}

/// Contract `SecurizeResponse` of `/v2`.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsentsSecurizeResponse)]
pub struct SecurizeResponse {
    /// Bearer token of the web component; opaque and short-lived.
    web_component_token: String,
}

/// The customer need not exist (note securize-text).
pub async fn token(call: Call<(), Json<SecurizeRequest>>) -> Result<Json<SecurizeResponse>, ApiError> {
    let SecurizeRequest { customer_id, actor_id } = &call.body.0;
    let actor_problem = match actor_id.as_str() {
        SELF => Some(format!("{SELF} is the actor of a web component's token and no id")),
        actor => identifier_problem(actor, MAX_ACTOR),
    };
    let problems = [("customer_id", customer_problem(customer_id)), ("actor_id", actor_problem)];
    let problems: Vec<_> = problems.into_iter().filter_map(|(member, problem)| Some(format!("{member}: {}", problem?))).collect();
    if !problems.is_empty() {
        return Err(ApiError::inputs(problems));
    }
    let component = Component { organization: &call.organization, customer_id, actor_id, subject: &call.caller.subject };
    let lifetime = call.state.options.component_token_lifetime;
    let web_component_token =
        call.state.access.component_token(&component, lifetime, call.state.now()).map_err(ApiError::internal)?;
    Ok(Json(SecurizeResponse { web_component_token }))
}
