//! Identification by one-time code: the seven operations of the contract.

use std::fmt;

use actix_web::{HttpRequest, HttpResponse, http::header::HeaderValue, web};
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
    identification::otp::{CodeCommand, Command, Creation, Data, MAX_EXPIRY, Otp, Purpose},
};

use super::{
    ApiError, State,
    context::{Caller, organization_parameter, uuid_parameter},
    device::{self, Required},
    json::{Json, MaybeEmpty},
    people::{self, Person},
    processes::{self, Engine, IdResponse},
    query::Query,
    responses::{Conflict, Failures, Gone, NotFound},
};
use crate::{
    access::{self, Action, Grant, Role, Target},
    iso_duration,
};

/// Longest second factor, in bytes.
const MAX_SECOND_FACTOR: usize = 320;

const CREATION: &str = "/v1/orgs/{org_id}/identifications/otp";
const IDENTIFICATION: &str = "/v1/orgs/{org_id}/identifications/otp/{identification_id}";

/// Registers the operations.
pub fn configure(service: &mut web::ServiceConfig) {
    use super::error::only;
    let below = |suffix: &str| web::resource(format!("{IDENTIFICATION}{suffix}"));
    service
        .service(web::resource(CREATION).route(web::post().to(create_otp_identification)).default_service(only("POST")))
        .service(
            web::resource(IDENTIFICATION)
                .route(web::get().to(get_otp_identification))
                .route(web::delete().to(delete_otp_identification))
                .default_service(only("GET, DELETE")),
        )
        .service(below("/challenge").route(web::put().to(challenge_otp_identification)).default_service(only("PUT")))
        .service(below("/validate").route(web::put().to(validate_otp_identification)).default_service(only("PUT")))
        .service(below("/cancel").route(web::post().to(cancel_otp_identification)).default_service(only("POST")))
        .service(below("/close").route(web::post().to(close_otp_identification)).default_service(only("POST")));
}

/// The path of an operation on one identification.
#[derive(Deserialize)]
pub struct IdentificationPath {
    org_id: String,
    identification_id: String,
}

/// One authorized call on one identification.
struct Call {
    organization: String,
    id: Uuid,
}

impl Call {
    /// Refuses strangers before anything is loaded; a token of one sign process must be of the process that the
    /// identification belongs to.
    async fn new(engine: &Engine, caller: &Caller, path: IdentificationPath, action: Action) -> Result<Self, ApiError> {
        let organization = organization_parameter(&path.org_id)?;
        caller.may(action, organization)?;
        let id = uuid_parameter("identification_id", &path.identification_id)?;
        if !matches!(caller.0.grant, Grant::Organization { .. }) {
            let otp = processes::answer(engine.processes.otp.read(organization, id).await)?;
            let sign_process = otp.existing().ok().and_then(|data| data.creation.purpose.sign_process);
            caller.authorize(action, Target { organization, sign_process, signature: None })?;
        }
        Ok(Self { organization: path.org_id, id })
    }

    async fn ask(&self, engine: &Engine, command: Command) -> Result<std::sync::Arc<Otp>, ApiError> {
        processes::answer(engine.processes.otp.ask(&self.organization, self.id, command).await)
    }
}

/// Contract `CreateOtpIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CreateOtpIdentificationRequest {
    actor: Person,
    /// Time limit as ISO-8601 duration, at most 30 days.
    #[schema(format = Duration)]
    expires_in: String,
    #[schema(nullable = false)]
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

/// Create an OTP identification
///
/// No code is sent yet. The organization must have a sign configuration.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/identifications/otp", operation_id = "create_otp_identification", tag = "Identification OTP Admin",
    params(("org_id" = String, Path, description = "Organization (tenant).")),
    request_body = CreateOtpIdentificationRequest,
    responses((status = 201, description = "The identification is created.", body = IdResponse), Failures, NotFound, Conflict)
)]
pub async fn create_otp_identification(
    caller: Caller,
    path: web::Path<String>,
    state: web::Data<State>,
    engine: web::Data<Engine>,
    body: Json<CreateOtpIdentificationRequest>,
) -> Result<HttpResponse, ApiError> {
    let organization = organization_parameter(&path)?;
    caller.authorize(Action::CreateOtpIdentification, Target::organization(organization))?;
    let mut problems = Vec::new();
    let Json(request) = body;
    let actor = request.actor.check("actor", &mut problems);
    people::check_channel("actor", &actor, request.channel.kind, &mut problems);
    people::check_second_factor("actor", &actor, request.two_factor_type, &mut problems);
    let expires_in = match iso_duration::parse(&request.expires_in) {
        Ok(duration) if duration > MAX_EXPIRY => {
            problems.push("expires_in: at most P30D".to_owned());
            MAX_EXPIRY
        }
        Ok(duration) => duration,
        Err(error) => {
            problems.push(format!("expires_in: {error}"));
            MAX_EXPIRY
        }
    };
    if !problems.is_empty() {
        return Err(ApiError::inputs(problems));
    }
    if !state.configurations.exists(organization).await? {
        return Err(ApiError::not_found("the organization has no sign configuration"));
    }
    let creation = Creation {
        actor,
        channel: request.channel.kind,
        external: request.channel.external,
        two_factor_type: request.two_factor_type,
        expires_at: engine.clock.now() + expires_in,
        policy: engine.code_policy.clone(),
        purpose: Purpose::default(),
    };
    let id = Uuid::now_v7();
    processes::answer(engine.processes.otp.create(organization, id, Command::Create(Box::new(creation))).await)?;
    Ok(HttpResponse::Created().json(IdResponse { id }))
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

/// Read an OTP identification
#[utoipa::path(
    get, path = "/v1/orgs/{org_id}/identifications/otp/{identification_id}", operation_id = "get_otp_identification", tag = "Identification OTP",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("identification_id" = Uuid, Path, description = "Identifier of the identification."),
    ),
    responses((status = 200, description = "The identification.", body = OtpIdentification), Failures, NotFound)
)]
pub async fn get_otp_identification(
    caller: Caller,
    path: web::Path<IdentificationPath>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&engine, &caller, path.into_inner(), Action::GetOtpIdentification).await?;
    let otp = processes::answer(engine.processes.otp.read(&call.organization, call.id).await)?;
    let data = otp.existing()?;
    Ok(HttpResponse::Ok().json(OtpIdentification::from(data)))
}

/// Contract `ChallengeOtpRequest`.
#[derive(Default, Deserialize, ToSchema)]
pub struct ChallengeOtpRequest {
    /// Second factor: the actor's document number or e-mail, by its type.
    #[schema(nullable = false)]
    two_factor: Option<String>,
}

/// Contract `ChallengeOtpResponse`.
#[derive(Serialize, ToSchema)]
pub struct ChallengeOtpResponse {
    /// Second factor that was used.
    two_factor_value: String,
}

/// Ask for an OTP code
///
/// Sends a new code over the channel of the identification and takes one of the remaining challenges. 200 when a second
/// factor was used, else 204.
#[utoipa::path(
    put, path = "/v1/orgs/{org_id}/identifications/otp/{identification_id}/challenge", operation_id = "challenge_otp_identification",
    tag = "Identification OTP",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("identification_id" = Uuid, Path, description = "Identifier of the identification."),
    ),
    request_body = ChallengeOtpRequest,
    responses(
        (status = 200, description = "The code is on its way.", body = ChallengeOtpResponse),
        (status = 204, description = "The code is on its way; no second factor was used."),
        (status = 403, description = "The second factor is wrong.", body = super::error::ErrorsResponse),
        (status = 412, description = "Too early for another code.", body = super::error::ErrorsResponse),
        Failures, NotFound, Conflict
    )
)]
pub async fn challenge_otp_identification(
    caller: Caller,
    path: web::Path<IdentificationPath>,
    engine: web::Data<Engine>,
    body: MaybeEmpty<ChallengeOtpRequest>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&engine, &caller, path.into_inner(), Action::ChallengeOtpIdentification).await?;
    let MaybeEmpty(ChallengeOtpRequest { two_factor }) = body;
    let otp = processes::answer(engine.processes.otp.read(&call.organization, call.id).await)?;
    let data = otp.existing()?;
    check_second_factor_length(two_factor.as_deref())?;
    // Only codes that go out count: who is refused must not use up another's share.
    if data.grants_challenge(engine.clock.now(), two_factor.as_deref()) {
        let destination = data.creation.actor.counted_destination(data.creation.channel).unwrap_or_default();
        engine.code_limits.admit(&call.organization, &destination).await?;
    }
    let id = Uuid::new_v4();
    let code = engine.codes.code(id, data.creation.policy.digits(data.creation.channel));
    let hash = engine.codes.hash(id, &code);
    let used = data.creation.two_factor_type.and(two_factor.clone());
    call.ask(&engine, CodeCommand::Challenge { id, hash, two_factor }.into()).await?;
    Ok(match used {
        Some(two_factor_value) => HttpResponse::Ok().json(ChallengeOtpResponse { two_factor_value }),
        None => HttpResponse::NoContent().finish(),
    })
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
    #[schema(nullable = false)]
    two_factor: Option<String>,
}

/// Check an OTP code
///
/// On success the state becomes VALIDATED and `x-access-token` carries a token that reads and makes the signer's signature.
#[utoipa::path(
    put, path = "/v1/orgs/{org_id}/identifications/otp/{identification_id}/validate", operation_id = "validate_otp_identification",
    tag = "Identification OTP",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("identification_id" = Uuid, Path, description = "Identifier of the identification."),
        ("x-installation_id" = String, Header, description = "Unique id of the browser installation."),
        ("x-fingerprint" = String, Header, description = "Fingerprint of the device."),
        ("x-location" = Option<String>, Header, nullable = false, description = "Place of the device as \"latitude,longitude\"."),
        ("User-Agent" = String, Header, description = "Client application; kept with the evidence."),
    ),
    request_body = ValidateOtpIdentificationRequest,
    responses(
        (status = 204, description = "Validated.", headers(("x-access-token" = String, description = "Token (JWT) for the signature."))),
        (status = 403, description = "The code or the second factor is wrong.", body = super::error::ErrorsResponse),
        Failures, NotFound, Conflict, Gone
    )
)]
pub async fn validate_otp_identification(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<IdentificationPath>,
    state: web::Data<State>,
    engine: web::Data<Engine>,
    body: Json<ValidateOtpIdentificationRequest>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&engine, &caller, path.into_inner(), Action::ValidateOtpIdentification).await?;
    let device = device::device(&request, &state, Required::InstallationAndUserAgent)?;
    let Json(ValidateOtpIdentificationRequest { code, two_factor }) = body;
    check_second_factor_length(two_factor.as_deref())?;
    let otp = processes::answer(engine.processes.otp.read(&call.organization, call.id).await)?;
    let code = engine.codes.typed(otp.existing()?.current_challenge(), &code);
    let otp = call.ask(&engine, CodeCommand::Validate { code, two_factor, device }.into()).await?;
    // An identification of its own has no signature; its token then opens nothing but proves the validation.
    let signature = otp.existing().ok().and_then(|data| data.creation.purpose.signature).unwrap_or(call.id);
    let token = state.access.signature_token(&caller.0.subject, &call.organization, signature, state.now());
    let token = HeaderValue::from_str(&token).map_err(ApiError::internal)?;
    Ok(HttpResponse::NoContent().insert_header(("x-access-token", token)).finish())
}

/// Contract `CancelIdentificationRequest`; the reason is mandatory (x-notes cancel-reason).
#[derive(Deserialize, ToSchema)]
pub struct CancelIdentificationRequest {
    /// Why the process is cancelled.
    #[schema(pattern = r"\S")]
    reason: String,
}

/// Cancel an OTP identification
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/identifications/otp/{identification_id}/cancel", operation_id = "cancel_otp_identification",
    tag = "Identification OTP Admin",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("identification_id" = Uuid, Path, description = "Identifier of the identification."),
    ),
    request_body = CancelIdentificationRequest,
    responses((status = 204, description = "Cancelled."), Failures, NotFound)
)]
pub async fn cancel_otp_identification(
    caller: Caller,
    path: web::Path<IdentificationPath>,
    engine: web::Data<Engine>,
    body: Json<CancelIdentificationRequest>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&engine, &caller, path.into_inner(), Action::CancelOtpIdentification).await?;
    let Json(CancelIdentificationRequest { reason }) = body;
    processes::check_reason(&reason)?;
    call.ask(&engine, Command::Cancel { reason: Some(reason) }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Close an OTP identification
///
/// A VALIDATED one becomes SUCCEEDED.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/identifications/otp/{identification_id}/close", operation_id = "close_otp_identification",
    tag = "Identification OTP Admin",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("identification_id" = Uuid, Path, description = "Identifier of the identification."),
    ),
    responses((status = 204, description = "Closed."), Failures, NotFound, Conflict)
)]
pub async fn close_otp_identification(
    caller: Caller,
    path: web::Path<IdentificationPath>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&engine, &caller, path.into_inner(), Action::CloseOtpIdentification).await?;
    call.ask(&engine, Command::Close).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Delete an OTP identification
///
/// In state CREATED no parameter is needed; in any other `force=true` and the role for it.
#[utoipa::path(
    delete, path = "/v1/orgs/{org_id}/identifications/otp/{identification_id}", operation_id = "delete_otp_identification",
    tag = "Identification OTP Admin",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("identification_id" = Uuid, Path, description = "Identifier of the identification."),
        ("force" = Option<bool>, Query, nullable = false, description = "Delete whatever the state."),
    ),
    responses(
        (status = 204, description = "Deleted."),
        (status = 403, description = "The state needs force and the permission for it.", body = super::error::ErrorsResponse),
        Failures, NotFound
    )
)]
pub async fn delete_otp_identification(
    caller: Caller,
    path: web::Path<IdentificationPath>,
    query: Query,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&engine, &caller, path.into_inner(), Action::DeleteOtpIdentification).await?;
    let permitted =
        matches!(&caller.0.grant, access::Grant::Organization { roles, .. } if roles.contains(Role::IdentificationForceDelete));
    call.ask(&engine, Command::Delete { force: query.flag("force")? && permitted }).await?;
    Ok(HttpResponse::NoContent().finish())
}
