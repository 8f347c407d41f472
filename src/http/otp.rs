//! Identification by one-time code: what its operations have of their own. The others are in [`super::identification`].

use std::fmt;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Unexpected, Visitor},
};
use serde_json::json;
use utoipa::{
    ToSchema,
    openapi::schema::{Object, ObjectBuilder, SchemaType, Type},
};
use uuid::Uuid;
use workflows::{
    Channel, DocumentType, IdentificationState, Language, TwoFactorType,
    identification::otp::{CodeCommand, Command, Data, Otp, Request},
};

use super::{
    ApiError,
    call::{Call, Json, MaybeEmpty, WithHeader},
    device::Required,
    durations,
    people::Person,
    processes::{IdResponse, check_reason},
    signers,
};
use crate::{
    catalogue::sign_configuration::{self, SignConfiguration},
    processes::challenges::{Answer, Proof},
};

/// Contract `CreateOtpIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CreateOtpIdentificationRequest {
    actor: Person,
    /// Time limit as ISO-8601 duration, at most 30 days.
    #[schema(schema_with = durations::identification)]
    expires_in: String,
    two_factor_type: Option<TwoFactorType>,
    channel: CommunicationChannel,
}

/// Contract `CommunicationChannel`.
#[derive(Deserialize, ToSchema)]
pub struct CommunicationChannel {
    #[serde(rename = "type")]
    pub kind: Channel,
    /// True when the caller delivers the code itself instead of this service.
    #[serde(default, deserialize_with = "external")]
    #[schema(schema_with = external_schema)]
    pub external: bool,
}

/// What [`external`] reads.
fn external_schema() -> Object {
    let either = SchemaType::from_iter([Type::Boolean, Type::String]);
    ObjectBuilder::new()
        .schema_type(either)
        .enum_values(Some([json!(true), json!(false), json!("true"), json!("false")]))
        .default(Some(json!(false)))
        .description(Some("True when the caller delivers the code itself instead of this service."))
        .build()
}

/// A boolean, or one of the two texts that stand for it (note channel-external).
fn external<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct External;
    impl Visitor<'_> for External {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("true or false")
        }

        fn visit_bool<E: de::Error>(self, value: bool) -> Result<bool, E> {
            Ok(value)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<bool, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
    }
    deserializer.deserialize_any(External)
}

impl From<CreateOtpIdentificationRequest> for Request {
    fn from(request: CreateOtpIdentificationRequest) -> Self {
        let CreateOtpIdentificationRequest { actor, expires_in, two_factor_type, channel } = request;
        Self { actor: actor.into(), expires_in, two_factor_type, channel: channel.kind, external: channel.external }
    }
}

pub async fn create(call: Call<(), Json<CreateOtpIdentificationRequest>>) -> Result<Json<IdResponse>, ApiError> {
    let (engine, organization) = (&call.engine, &call.organization);
    let configuration = call.state.configurations.load(organization).await?;
    let allowed = configuration.as_ref().map_or(&[][..], |configuration| &configuration.channels);
    let policy = engine.code_policies.of(organization, allowed);
    let contact_policy = configuration.as_ref().map(SignConfiguration::contact_policy).unwrap_or_default();
    let creation = Request::from(call.body.0).checked(engine.clock.now(), policy, contact_policy)?;
    // What is wrong with the request is told before what is not there.
    configuration.ok_or(sign_configuration::Error::NotFound)?;
    let id = Uuid::now_v7();
    call.engine.processes.otp.create(&call.organization, id, Command::Create(Box::new(creation))).await?;
    Ok(Json(IdResponse { id }))
}

/// Contract `OtpIdentification`.
#[derive(Serialize, ToSchema)]
pub struct OtpIdentification {
    actor: OtpIdentificationActor,
    creation_date: DateTime<Utc>,
    modification_date: DateTime<Utc>,
    expiration_date: DateTime<Utc>,
    /// Codes that can still be requested before the identification fails.
    remaining_challenges: u32,
    /// Tries left for the current code. Null while no code was requested.
    #[schema(required)]
    remaining_validation_attempts: Option<u32>,
    /// Earliest instant at which another code may be requested. Null once no challenge is left.
    next_challenge_retry: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    two_factor_type: Option<TwoFactorType>,
    state: IdentificationState,
}

/// Contract `OtpIdentificationActor`: reduced, without the family name.
#[derive(Serialize, ToSchema)]
pub struct OtpIdentificationActor {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    language: Language,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    document_type: Option<DocumentType>,
}

impl From<&Data> for OtpIdentification {
    fn from(data: &Data) -> Self {
        let actor = &data.creation.actor;
        Self {
            actor: OtpIdentificationActor {
                name: actor.name.clone(),
                language: actor.language,
                document_type: actor.identity_document.as_ref().map(|document| document.document_type),
            },
            creation_date: data.created_at.trunc_subsecs(3),
            modification_date: data.modified_at.trunc_subsecs(3),
            expiration_date: data.creation.expires_at.trunc_subsecs(3),
            remaining_challenges: data.remaining_challenges(),
            remaining_validation_attempts: data.remaining_attempts(),
            next_challenge_retry: data.next_challenge_retry().map(|at| at.trunc_subsecs(3)),
            two_factor_type: data.creation.two_factor_type,
            state: data.state,
        }
    }
}

/// Contract `ChallengeOtpRequest`.
#[derive(Default, Deserialize, ToSchema)]
pub struct ChallengeOtpRequest {
    /// Second factor: the actor's document number or e-mail, by its type.
    #[schema(max_length = 254)]
    pub(super) two_factor: Option<String>,
}

/// Contract `ChallengeOtpResponse`.
#[derive(Serialize, ToSchema)]
pub struct ChallengeOtpResponse {
    /// Second factor that was used.
    two_factor_value: String,
}

pub async fn challenge(
    call: Call<Uuid, MaybeEmpty<ChallengeOtpRequest>>,
) -> Result<Option<Json<ChallengeOtpResponse>>, ApiError> {
    let two_factor = call.body.0.two_factor;
    let used = call.engine.challenges().challenge(&call.organization, call.id, Proof::First, two_factor).await?;
    Ok(used.map(|two_factor_value| Json(ChallengeOtpResponse { two_factor_value })))
}

/// Contract `ValidateOtpIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct ValidateOtpIdentificationRequest {
    /// Code the actor received.
    code: String,
    /// Second factor, needed when the identification has a `two_factor_type`.
    #[schema(max_length = 254)]
    two_factor: Option<String>,
}

pub async fn validate(call: Call<Uuid, Json<ValidateOtpIdentificationRequest>>) -> Result<WithHeader<()>, ApiError> {
    let device = call.device(Required::InstallationAndUserAgent)?;
    let resume = signers::resume_hash(&call)?;
    let ValidateOtpIdentificationRequest { code, two_factor } = &call.body.0;
    let answer = Answer { code, two_factor: two_factor.clone(), device, resume };
    let signature = call.engine.challenges().validate(&call.organization, call.id, Proof::First, answer).await?;
    call.with_access_token(signature)
}

/// How a contact was checked. An addition to the contract.
#[derive(Deserialize, ToSchema)]
pub struct ContactCheckRequest {
    /// How it was checked whose contact it is, for the evidence.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
}

pub async fn check_contact(call: Call<Uuid, Json<ContactCheckRequest>>) -> Result<(), ApiError> {
    let reason = call.body.0.reason.trim().to_owned();
    check_reason(&reason)?;
    call.ask::<Otp>(CodeCommand::ConfirmContact { by: call.caller.subject.clone(), reason }).await?;
    Ok(())
}
