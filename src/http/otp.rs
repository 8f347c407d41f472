//! Identification by one-time code: the seven operations of the contract.

use std::{fmt, sync::Arc};

use actix_web::http::header::{HeaderName, HeaderValue};
use chrono::{DateTime, SubsecRound, Utc};
use futures::future::LocalBoxFuture;
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
    identification::otp::{CodeCommand, Command, Creation, Data, MAX_EXPIRY, Otp, Purpose},
    values::Problems,
};

use super::{
    ApiError,
    call::{Call, Json, MaybeEmpty, WithHeader},
    device::Required,
    durations, openapi,
    operation::Parameter,
    people::Person,
    processes::{self, Engine, IdResponse},
};
use crate::{access::Role, catalogue::sign_configuration, iso_duration};

/// Longest second factor, in bytes.
const MAX_SECOND_FACTOR: usize = 320;

/// Whether an identification is deleted whatever its state.
pub const FORCE: Parameter = Parameter::query("force", "Delete whatever the state.", openapi::flag);

/// The sign process that an identification belongs to (see [`super::operation::Reach::SignProcessOf`]).
pub fn sign_process<'a>(
    engine: &'a Engine,
    organization: &'a str,
    id: Uuid,
) -> LocalBoxFuture<'a, Result<Option<Uuid>, ApiError>> {
    Box::pin(async move {
        let otp = engine.processes.otp.read(organization, id).await?;
        Ok(otp.existing().ok().and_then(|data| data.creation.purpose.sign_process))
    })
}

impl<B> Call<Uuid, B> {
    async fn otp(&self) -> Result<Arc<Otp>, ApiError> {
        Ok(self.engine.processes.otp.read(&self.organization, self.id).await?)
    }

    async fn ask_otp(&self, command: Command) -> Result<Arc<Otp>, ApiError> {
        Ok(self.engine.processes.otp.ask(&self.organization, self.id, command).await?)
    }
}

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
    kind: Channel,
    /// True when the caller delivers the code itself instead of this service.
    #[serde(default, deserialize_with = "external")]
    #[schema(schema_with = external_schema)]
    external: bool,
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

pub async fn create(call: Call<(), Json<CreateOtpIdentificationRequest>>) -> Result<Json<IdResponse>, ApiError> {
    let Json(request) = call.body;
    let mut problems = Problems::default();
    let actor = request.actor.check("actor", &mut problems);
    actor.check_channel("actor", request.channel.kind, &mut problems);
    actor.check_second_factor("actor", request.two_factor_type, &mut problems);
    let expires_in = match iso_duration::parse(&request.expires_in) {
        Ok(duration) if duration > MAX_EXPIRY => {
            problems.note("expires_in", "at most P30D");
            MAX_EXPIRY
        }
        Ok(duration) => duration,
        Err(error) => {
            problems.note("expires_in", error);
            MAX_EXPIRY
        }
    };
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let configuration = call.state.configurations.load(&call.organization).await?;
    let configuration = configuration.ok_or(sign_configuration::Error::NotFound)?;
    let creation = Creation {
        actor,
        channel: request.channel.kind,
        external: request.channel.external,
        two_factor_type: request.two_factor_type,
        expires_at: call.engine.clock.now() + expires_in,
        policy: call.engine.code_policy.clone(),
        contact_policy: configuration.contact_policy.unwrap_or_default().journaled(),
        purpose: Purpose::default(),
    };
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

pub async fn read(call: Call<Uuid>) -> Result<Json<OtpIdentification>, ApiError> {
    let otp = call.otp().await?;
    Ok(Json(otp.existing()?.into()))
}

/// Contract `ChallengeOtpRequest`.
#[derive(Default, Deserialize, ToSchema)]
pub struct ChallengeOtpRequest {
    /// Second factor: the actor's document number or e-mail, by its type.
    #[schema(max_length = 320)]
    two_factor: Option<String>,
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
    let two_factor = call.body.0.two_factor.clone();
    let otp = call.otp().await?;
    let data = otp.existing()?;
    check_second_factor_length(two_factor.as_deref())?;
    let engine = &call.engine;
    // Only codes that go out count: who is refused must not use up another's share.
    if data.grants_challenge(engine.clock.now(), two_factor.as_deref()) {
        let destination = data.creation.actor.counted_destination(data.creation.channel).unwrap_or_default();
        engine.code_limits.admit(&call.organization, &destination).await?;
    }
    let id = Uuid::new_v4();
    let code = engine.codes.code(id, data.creation.policy.digits(data.creation.channel));
    let hash = engine.codes.hash(id, &code);
    let used = data.creation.two_factor_type.and(two_factor.clone());
    call.ask_otp(CodeCommand::Challenge { id, hash, two_factor }.into()).await?;
    // What the phone's operator said is known only now, and why is none of the signer's business.
    if call.otp().await?.data().is_some_and(|data| data.is_code_refused(id)) {
        return Err(ApiError::conflict("the code was not sent, as the number could not be confirmed; use another way to identify"));
    }
    Ok(used.map(|two_factor_value| Json(ChallengeOtpResponse { two_factor_value })))
}

/// No e-mail address or document number is longer.
fn check_second_factor_length(two_factor: Option<&str>) -> Result<(), ApiError> {
    if two_factor.is_some_and(|text| text.len() > MAX_SECOND_FACTOR) {
        return Err(ApiError::input(format!("two_factor: longer than {MAX_SECOND_FACTOR} bytes")));
    }
    Ok(())
}

/// Contract `ValidateOtpIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct ValidateOtpIdentificationRequest {
    /// Code the actor received.
    code: String,
    /// Second factor, needed when the identification has a `two_factor_type`.
    #[schema(max_length = 320)]
    two_factor: Option<String>,
}

pub async fn validate(call: Call<Uuid, Json<ValidateOtpIdentificationRequest>>) -> Result<WithHeader<()>, ApiError> {
    let device = call.device(Required::InstallationAndUserAgent)?;
    let Json(ValidateOtpIdentificationRequest { code, two_factor }) = &call.body;
    check_second_factor_length(two_factor.as_deref())?;
    let code = call.engine.codes.typed(call.otp().await?.existing()?.current_challenge(), code);
    let otp = call.ask_otp(CodeCommand::Validate { code, two_factor: two_factor.clone(), device }.into()).await?;
    // An identification of its own has no signature; its token then opens nothing but proves the validation.
    let signature = otp.existing().ok().and_then(|data| data.creation.purpose.signature).unwrap_or(call.id);
    let token = call.state.access.signature_token(&call.caller.subject, &call.organization, signature, call.state.now());
    let value = HeaderValue::from_str(&token).map_err(ApiError::internal)?;
    Ok(WithHeader { name: HeaderName::from_static("x-access-token"), value, answer: () })
}

/// Contract `CancelIdentificationRequest`; the reason is mandatory (x-notes cancel-reason).
#[derive(Deserialize, ToSchema)]
pub struct CancelIdentificationRequest {
    /// Why the process is cancelled.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
}

pub async fn cancel(call: Call<Uuid, Json<CancelIdentificationRequest>>) -> Result<(), ApiError> {
    let Json(CancelIdentificationRequest { reason }) = &call.body;
    processes::check_reason(reason)?;
    call.ask_otp(Command::Cancel { reason: Some(reason.clone()) }).await?;
    Ok(())
}

/// How a contact was checked. An addition to the contract.
#[derive(Deserialize, ToSchema)]
pub struct ContactCheckRequest {
    /// How it was checked whose contact it is, for the evidence.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
}

pub async fn check_contact(call: Call<Uuid, Json<ContactCheckRequest>>) -> Result<(), ApiError> {
    let Json(ContactCheckRequest { reason }) = &call.body;
    processes::check_reason(reason)?;
    let by = call.caller.subject.clone();
    call.ask_otp(CodeCommand::ConfirmContact { by, reason: reason.trim().to_owned() }.into()).await?;
    Ok(())
}

pub async fn close(call: Call<Uuid>) -> Result<(), ApiError> {
    call.ask_otp(Command::Close).await?;
    Ok(())
}

pub async fn delete(call: Call<Uuid>) -> Result<(), ApiError> {
    let force = call.query.flag("force")? && call.caller.has(Role::IdentificationForceDelete);
    call.ask_otp(Command::Delete { force }).await?;
    Ok(())
}
