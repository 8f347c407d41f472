//! Identification by a chain of steps: the six operations of the contract.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{
    Device, IdentificationState, IdentificationType, ProviderType, TwoFactorType,
    identification::chain::{
        Chain, Command, Data, Defaults, IdentityDocumentRequest, OtpRequest, Request, Settings, StepRequest,
    },
    values::duration,
};

use super::{
    ApiError,
    call::{Call, Json, MaybeEmpty, WithHeader},
    device::Required,
    durations,
    identification::access_token,
    operation::{Refused, refused},
    otp::CommunicationChannel,
    people::Person,
    processes::{IdResponse, check_reason},
    scoring::ways,
};
use crate::catalogue::sign_configuration::{self, SignConfiguration};

/// A good token that does not open it (note chain-statuses).
pub const FORBIDDEN: Refused = refused(403, "403. The token is for another organization or scope.");

/// Contract `CreateChainIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CreateChainIdentificationRequest {
    /// Person to identify in every step.
    actor: Person,
    /// Time limit of the chain and of its steps as ISO-8601 duration, from 1 minute to 30 days.
    #[schema(schema_with = durations::minute_to_month)]
    expires_in: String,
    /// Steps in order; no step may be repeated.
    #[schema(min_items = 1, max_items = 10, value_type = std::collections::HashSet<ChainStep>)]
    sequence: Vec<ChainStep>,
}

/// Contract `ChainStep`. Unknown members are ignored (note chain-step-members).
#[derive(Deserialize, ToSchema)]
pub struct ChainStep {
    /// Kind of step.
    identification_type: IdentificationType,
    /// Needed when the type is OTP, not allowed otherwise.
    otp_step: Option<ChainOtpStep>,
    /// For the type IDENTITY_DOCUMENT only.
    identity_document_step: Option<ChainIdentityDocumentStep>,
}

/// Contract `ChainOtpStep`.
#[derive(Deserialize, ToSchema)]
pub struct ChainOtpStep {
    two_factor_type: Option<TwoFactorType>,
    /// How the code reaches the actor; needed.
    channel: Option<CommunicationChannel>,
}

/// Contract `ChainIdentityDocumentStep`.
#[derive(Deserialize, ToSchema)]
pub struct ChainIdentityDocumentStep {
    provider_type: Option<ProviderType>,
}

impl CreateChainIdentificationRequest {
    fn asked_from(self, device: Device) -> Request {
        let steps = self.sequence.into_iter().map(Into::into).collect();
        Request { actor: self.actor.into(), expires_in: self.expires_in, steps, device }
    }
}

impl From<ChainStep> for StepRequest {
    fn from(step: ChainStep) -> Self {
        let otp = step.otp_step.map(|ChainOtpStep { two_factor_type, channel }| OtpRequest {
            external: channel.as_ref().is_some_and(|channel| channel.external),
            channel: channel.map(|channel| channel.kind),
            two_factor_type,
        });
        let identity_document = step
            .identity_document_step
            .map(|ChainIdentityDocumentStep { provider_type }| IdentityDocumentRequest { provider_type });
        Self { kind: step.identification_type, otp, identity_document }
    }
}

pub async fn create(call: Call<(), Json<CreateChainIdentificationRequest>>) -> Result<Json<IdResponse>, ApiError> {
    let device = call.device(Required::UserAgent)?;
    let (engine, Json(request)) = (&call.engine, call.body);
    let configuration = call.state.configurations.load(&call.organization).await?;
    let allowed = configuration.as_ref().map_or(&[][..], |configuration| &configuration.channels);
    let policy = engine.code_policies.of(&call.organization, allowed);
    let contact_policy = configuration.as_ref().map(SignConfiguration::contact_policy).unwrap_or_default();
    let defaults = Defaults { policy, contact_policy, terms: engine.identity_documents.terms() };
    let creation = request.asked_from(device).checked(&defaults, Uuid::new_v4)?;
    // What is wrong with the request is told before what is not there.
    configuration.ok_or(sign_configuration::Error::NotFound)?;
    for (index, step) in creation.steps.iter().enumerate() {
        if let Settings::IdentityDocument { terms } = &step.settings {
            let member = format!("sequence[{index}].identity_document_step.provider_type");
            ways(engine, &call.organization, &member, &terms.provider).await?;
        }
    }
    let id = Uuid::now_v7();
    engine.processes.chain.create(&call.organization, id, Command::Create(Box::new(creation))).await?;
    Ok(Json(IdResponse { id }))
}

/// Contract `ChainIdentification`.
#[derive(Serialize, ToSchema)]
pub struct ChainIdentification {
    /// State of the whole chain.
    status: IdentificationState,
    /// One entry per step, in the order of the original sequence.
    step_details: Vec<ChainStepDetail>,
    creation_date: DateTime<Utc>,
    /// Instant of the last change of the chain or, while it is open, of the state of a step.
    modification_date: DateTime<Utc>,
    /// Time limit, counted from creation.
    #[schema(format = Duration)]
    expiry_from_creation: String,
    /// Reason when the status is FAILED or EXPIRED, else null. A failure names the step by its number, from 1, and its type.
    failure_reason: Option<String>,
}

/// Contract `ChainStepDetail`: a step as it told its chain.
#[derive(Serialize, ToSchema)]
pub struct ChainStepDetail {
    /// Kind of step.
    #[serde(rename = "type")]
    kind: IdentificationType,
    /// Identifier of the identification of the step.
    id: Uuid,
    /// State of the step; one that was deleted is CANCELLED.
    status: IdentificationState,
    /// Instant from which it is in this state.
    modification_date: DateTime<Utc>,
}

impl From<&Data> for ChainIdentification {
    fn from(data: &Data) -> Self {
        let steps = data.creation.steps.iter().zip(&data.steps).map(|(step, state)| ChainStepDetail {
            kind: step.settings.kind(),
            id: step.id,
            status: state.state,
            modification_date: state.modified_at.trunc_subsecs(3),
        });
        Self {
            status: data.state,
            step_details: steps.collect(),
            creation_date: data.created_at.trunc_subsecs(3),
            modification_date: data.modified_at.trunc_subsecs(3),
            expiry_from_creation: duration::format(data.creation.expires_in),
            failure_reason: data.failure_reason().map(str::to_owned),
        }
    }
}

pub async fn read(call: Call<Uuid>) -> Result<Json<ChainIdentification>, ApiError> {
    call.device(Required::UserAgent)?;
    let chain = call.process::<Chain>().await?;
    Ok(Json(chain.existing()?.into()))
}

pub async fn validate(call: Call<Uuid>) -> Result<WithHeader<()>, ApiError> {
    let device = call.device(Required::InstallationAndUserAgent)?;
    call.ask::<Chain>(Command::Validate { device }).await?;
    let token = call.state.access.chain_token(&call.caller.subject, &call.organization, call.id, call.state.now());
    access_token(&token)
}

pub async fn restart(call: Call<Uuid>) -> Result<(), ApiError> {
    call.ask::<Chain>(Command::Restart { device: call.device(Required::UserAgent)?, by: None }).await?;
    Ok(())
}

/// Contract `CancelChainIdentificationRequest`; the reason is optional (note cancel-reason).
#[derive(Default, Deserialize, ToSchema)]
pub struct CancelChainIdentificationRequest {
    /// Why the process is cancelled. Optional; a blank one is none.
    #[schema(max_length = 1000)]
    reason: Option<String>,
}

pub async fn cancel(call: Call<Uuid, MaybeEmpty<CancelChainIdentificationRequest>>) -> Result<(), ApiError> {
    let device = call.device(Required::UserAgent)?;
    let reason = call.body.0.reason.clone().filter(|reason| !reason.trim().is_empty());
    reason.as_deref().map_or(Ok(()), check_reason)?;
    call.ask::<Chain>(Command::Cancel { reason, device, by: None }).await?;
    Ok(())
}

pub async fn close(call: Call<Uuid>) -> Result<(), ApiError> {
    call.ask::<Chain>(Command::Close { device: call.device(Required::UserAgent)?, by: None }).await?;
    Ok(())
}
