//! What the operations of identifications of all methods share: read, cancel, close, delete, and whose token reaches which.

use std::sync::Arc;

use actix_web::http::header::{HeaderName, HeaderValue};
use futures::future::LocalBoxFuture;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::identification::{Data, Identification, Method, lifecycle::Command};

use super::{
    ApiError,
    call::{Call, Json, WithHeader},
    openapi,
    operation::Parameter,
    processes::{Engine, check_reason},
};
use crate::{
    access::{Role, Target},
    processes::Hosted,
};

/// Whether an identification is deleted whatever its state.
pub const FORCE: Parameter = Parameter::query("force", "Delete whatever the state.", openapi::flag);

impl<B> Call<Uuid, B> {
    /// The process in the path, of the kind that the operation is about.
    ///
    /// # Errors
    /// See [`actors::Error`]. That there is none is the machine's to say.
    pub async fn process<M: Hosted>(&self) -> Result<Arc<M>, ApiError> {
        Ok(M::host(&self.engine.processes).read(&self.organization, self.id).await?)
    }

    /// Asks something of the process in the path; the answer is how it is afterwards.
    ///
    /// # Errors
    /// See [`actors::Error`].
    pub async fn ask<M: Hosted>(&self, command: impl Into<M::Command>) -> Result<Arc<M>, ApiError> {
        Ok(M::host(&self.engine.processes).ask(&self.organization, self.id, command.into()).await?)
    }

    /// The answer to a validation: no body, and the token for the signature that the person may make now. Without a signature the token
    /// opens nothing, but proves the validation of what is in the path.
    ///
    /// # Errors
    /// 500 if the token is no header.
    pub fn with_access_token(&self, signature: Option<Uuid>) -> Result<WithHeader<()>, ApiError> {
        let (access, now) = (&self.state.access, self.state.now());
        let token = access.signature_token(&self.caller.subject, &self.organization, signature.unwrap_or(self.id), now);
        access_token(&token)
    }
}

/// The answer to a validation: no body, and a token.
///
/// # Errors
/// 500 if the token is no header.
pub fn access_token(token: &str) -> Result<WithHeader<()>, ApiError> {
    let value = HeaderValue::from_str(token).map_err(ApiError::internal)?;
    Ok(WithHeader { name: HeaderName::from_static("x-access-token"), value, answer: () })
}

/// The sign process and the signature that an identification belongs to (see [`super::operation::Reach::SignProcessOf`]).
pub fn sign_process<'a, M: Method>(
    engine: &'a Engine,
    organization: &'a str,
    id: Uuid,
) -> LocalBoxFuture<'a, Result<Target<'static>, ApiError>>
where
    Identification<M>: Hosted<Command = Command<M>>,
{
    Box::pin(async move {
        let identification = Identification::<M>::host(&engine.processes).read(organization, id).await?;
        let purpose = identification.existing().ok().map(|data| M::purpose(&data.creation));
        let (sign_process, signature) = purpose.map_or((None, None), |purpose| (purpose.sign_process, purpose.signature));
        Ok(Target { sign_process, signature, ..Target::default() })
    })
}

/// Reads an identification of method `M` as `T` shows it.
pub async fn read<M: Method, T>(call: Call<Uuid>) -> Result<Json<T>, ApiError>
where
    Identification<M>: Hosted<Command = Command<M>>,
    T: for<'a> From<&'a Data<M>>,
{
    let identification = call.process::<Identification<M>>().await?;
    Ok(Json(identification.existing()?.into()))
}

/// Contract `CancelIdentificationRequest`; the reason is mandatory (x-notes cancel-reason).
#[derive(Deserialize, ToSchema)]
pub struct CancelIdentificationRequest {
    /// Why the process is cancelled.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
}

pub async fn cancel<M: Method>(call: Call<Uuid, Json<CancelIdentificationRequest>>) -> Result<(), ApiError>
where
    Identification<M>: Hosted<Command = Command<M>>,
{
    let reason = call.body.0.reason.clone();
    check_reason(&reason)?;
    call.ask::<Identification<M>>(Command::Cancel { reason: Some(reason), by: None }).await?;
    Ok(())
}

pub async fn close<M: Method>(call: Call<Uuid>) -> Result<(), ApiError>
where
    Identification<M>: Hosted<Command = Command<M>>,
{
    call.ask::<Identification<M>>(Command::Close).await?;
    Ok(())
}

/// Force needs its role as well; without it the machine says what is missing.
pub async fn delete<M: Method>(call: Call<Uuid>) -> Result<(), ApiError>
where
    Identification<M>: Hosted<Command = Command<M>>,
{
    let force = call.query.flag("force")? && call.caller.has(Role::IdentificationForceDelete);
    call.ask::<Identification<M>>(Command::Delete { force }).await?;
    Ok(())
}
