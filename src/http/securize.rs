//! Tokens for the signing web component.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ApiError,
    call::{Call, Json},
    context::uuid_parameter,
};

/// Contract `SecurizeRequest`.
#[derive(Deserialize, ToSchema)]
pub struct SecurizeRequest {
    /// Sign process the token is for.
    #[schema(format = Uuid)]
    sign_process_id: String,
}

/// Contract `SecurizeResponse`.
#[derive(Serialize, ToSchema)]
pub struct SecurizeResponse {
    /// Token for the signing web component.
    web_component_token: String,
}

pub async fn token(call: Call<(), Json<SecurizeRequest>>) -> Result<Json<SecurizeResponse>, ApiError> {
    let id = uuid_parameter("sign_process_id", &call.body.0.sign_process_id)?;
    call.engine.processes.sign.read(&call.organization, id).await?.existing()?;
    let web_component_token =
        call.state.access.sign_process_token(&call.caller.subject, &call.organization, id, call.state.now());
    Ok(Json(SecurizeResponse { web_component_token }))
}
