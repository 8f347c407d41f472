//! Tokens for the signing web component.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ApiError, State,
    context::{Caller, organization_parameter, uuid_parameter},
    error::only,
    json::Json,
    processes::{self, Engine},
    responses::{Failures, NotFound},
};
use crate::access::{Action, Target};

/// Registers the operation.
pub fn configure(service: &mut web::ServiceConfig) {
    let resource = web::resource("/v1/orgs/{org_id}/securize");
    service.service(resource.route(web::post().to(securize_token)).default_service(only("POST")));
}

/// Contract `SecurizeRequest`.
#[derive(Deserialize, ToSchema)]
pub struct SecurizeRequest {
    /// Sign process the token is for.
    sign_process_id: String,
}

/// Contract `SecurizeResponse`.
#[derive(Serialize, ToSchema)]
pub struct SecurizeResponse {
    /// Token for the signing web component.
    web_component_token: String,
}

/// Make a token for the web component
///
/// The token reads that sign process and drives its identifications, and nothing else.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/securize", operation_id = "securize_token", tag = "Securize",
    params(("org_id" = String, Path, description = "Organization (tenant).")),
    request_body = SecurizeRequest,
    responses((status = 201, description = "The token.", body = SecurizeResponse), Failures, NotFound)
)]
pub async fn securize_token(
    caller: Caller,
    path: web::Path<String>,
    state: web::Data<State>,
    engine: web::Data<Engine>,
    body: Json<SecurizeRequest>,
) -> Result<HttpResponse, ApiError> {
    let organization = organization_parameter(&path)?;
    caller.authorize(Action::SecurizeToken, Target::organization(organization))?;
    let id = uuid_parameter("sign_process_id", &body.0.sign_process_id)?;
    processes::answer(engine.processes.sign.read(organization, id).await)?.existing()?;
    let web_component_token = state.access.sign_process_token(&caller.0.subject, organization, id, state.now());
    Ok(HttpResponse::Created().json(SecurizeResponse { web_component_token }))
}
