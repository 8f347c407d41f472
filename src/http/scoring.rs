//! Scoring sessions: images of identity documents come in and are scored; the seven operations of the contract, and the links to images.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderValue},
    web,
    web::Bytes,
};
use chrono::{DateTime, SubsecRound, Utc};
use futures::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{AdditionalProperties, Object, ObjectBuilder, Type},
    },
};
use uuid::Uuid;
use workflows::{
    Device,
    scoring::{self, Attempt, Command, Data, End, ScoringState},
    values::Problems,
};

use super::{
    ApiError,
    api::Api,
    call::{Call, Json, Multipart, Parts},
    device::Required,
    durations,
    error::only,
    mapping::RETRY_AFTER,
    multipart::Part,
    processes::Engine,
};
use crate::{
    access::{Grant, Target},
    catalogue::sign_configuration,
    processes::{Images, SubmittedImage, holds},
    public_url::{self, SharedCapture},
    scoring::{Ways, image_type},
};

/// Length of the settings for a provider, in bytes.
const MAX_PROVIDER_CONFIG: usize = 16 * 1024;

/// Registers what links to images lead to.
pub fn configure(service: &mut web::ServiceConfig) {
    service.service(web::resource("/captures/{token}").route(web::get().to(capture)).default_service(only("GET")));
}

/// The sign process and the signature that a session belongs to (see [`super::operation::Reach::SignProcessOf`]): those of its identification.
pub fn sign_process<'a>(
    engine: &'a Engine,
    organization: &'a str,
    id: Uuid,
) -> LocalBoxFuture<'a, Result<Target<'static>, ApiError>> {
    Box::pin(async move {
        let session = engine.processes.scoring.read(organization, id).await?;
        let Ok(data) = session.existing() else { return Ok(Target::default()) };
        let scoring::Purpose { identification, sign_process, .. } = data.creation.purpose;
        // A session that is of no sign process is of no signature either.
        let (Some(identification), Some(_)) = (identification, sign_process) else {
            return Ok(Target { sign_process, ..Target::default() });
        };
        let identification = engine.processes.identity_document.read(organization, identification).await?;
        let signature = identification.existing().ok().and_then(|data| data.creation.purpose.signature);
        Ok(Target { sign_process, signature, ..Target::default() })
    })
}

/// How the organization can use a provider.
///
/// # Errors
/// 400 that names the member if there is no such provider, 503 if that cannot be found out.
pub async fn ways(engine: &Engine, organization: &str, member: &str, provider: &str) -> Result<Ways, ApiError> {
    let ways = engine.scoring.ways(organization, provider).await.map_err(|error| ApiError::unavailable(error, RETRY_AFTER))?;
    ways.ok_or_else(|| {
        let mut problems = Problems::default();
        problems.note(member, "the organization has no such scoring provider; its sign configuration names those it has");
        problems.into()
    })
}

/// Contract `ScoringDocument`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ScoringDocument {
    /// Class of the document, e.g. `IDENTITY_CARD`.
    #[serde(rename = "type")]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    kind: Option<String>,
    /// ISO 3166-1 alpha-2 code of the issuing country.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[A-Z]{2}$")]
    country: Option<String>,
}

/// Contract `CreateScoringRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CreateScoringRequest {
    #[schema(schema_with = whole_document)]
    document: ScoringDocument,
    /// Who scores: INTERNAL, EXTERNAL or the name of a service.
    #[schema(max_length = 64)]
    provider: String,
    /// How long the session stays open.
    #[schema(schema_with = durations::minute_to_month)]
    expires_in: String,
    /// Scoring attempts allowed.
    #[schema(minimum = 1, maximum = 50, default = 5)]
    max_score_retries: Option<u32>,
}

/// A document of which both is known.
fn whole_document() -> Object {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let kind = text().min_length(Some(1)).max_length(Some(64)).pattern(Some("^[A-Za-z0-9_-]+$"));
    let kind = kind.description(Some("Class of the document, e.g. `IDENTITY_CARD`."));
    let country = text().pattern(Some("^[A-Z]{2}$")).description(Some("ISO 3166-1 alpha-2 code of the issuing country."));
    let document = ObjectBuilder::new().property("type", kind).property("country", country);
    document.required("type").required("country").description(Some("Both members are needed.")).build()
}

/// Contract `CreateScoringResponse`.
#[derive(Serialize, ToSchema)]
pub struct CreateScoringResponse {
    /// Identifier of the session.
    id: Uuid,
}

pub async fn create(call: Call<(), Json<CreateScoringRequest>>) -> Result<Json<CreateScoringResponse>, ApiError> {
    let Json(request) = call.body;
    let CreateScoringRequest { document, provider, expires_in, max_score_retries } = request;
    let request = scoring::Request {
        kind: document.kind,
        country: document.country,
        provider,
        expires_in,
        max_attempts: max_score_retries,
    };
    let creation = request.checked(call.engine.clock.now(), call.engine.identity_documents.policy())?;
    if !call.state.configurations.exists(&call.organization).await? {
        return Err(sign_configuration::Error::NotFound.into());
    }
    ways(&call.engine, &call.organization, "provider", &creation.provider).await?;
    let id = Uuid::now_v7();
    call.engine.processes.scoring.create(&call.organization, id, Command::Create(Box::new(creation))).await?;
    Ok(Json(CreateScoringResponse { id }))
}

/// Contract `Scoring`.
#[derive(Serialize, ToSchema)]
pub struct Scoring {
    creation_date: DateTime<Utc>,
    modification_date: DateTime<Utc>,
    /// Instant after which the session takes neither images nor changes.
    expiration_date: DateTime<Utc>,
    /// Submissions allowed before the session locks itself.
    total_score_attempts: u32,
    /// Submissions left before the session locks itself.
    remaining_score_attempts: u32,
    /// As `remaining_score_attempts`.
    #[deprecated]
    remaining_delegate_attempts: u32,
    state: ScoringState,
    document: ScoringDocument,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    score_result: Option<ScoreResult>,
    /// The value that was asked for.
    provider: String,
}

/// Contract `ScoreResult`.
#[derive(Serialize, ToSchema)]
pub struct ScoreResult {
    /// Overall result.
    #[schema(minimum = 0, maximum = 1)]
    global_score: f64,
    /// Values read from the document, by key; dates as ISO-8601 timestamps.
    #[schema(schema_with = extracted_values)]
    extracted_values: BTreeMap<String, String>,
    scored_date: DateTime<Utc>,
    trace_metadata: TraceMetadata,
    scores: Vec<Score>,
}

/// Texts by their names.
fn extracted_values() -> Object {
    let text = RefOr::T(Schema::Object(ObjectBuilder::new().schema_type(Type::String).build()));
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(AdditionalProperties::RefOr(text))).build()
}

/// Contract `Score`.
#[derive(Serialize, ToSchema)]
pub struct Score {
    /// Name of the check.
    score_type: String,
    /// Whether the check points to fraud.
    is_fraud: bool,
    #[schema(minimum = 0, maximum = 1)]
    score: f64,
}

/// Contract `TraceMetadata`: the origin of an attempt.
#[derive(Serialize, ToSchema)]
pub struct TraceMetadata {
    browser_user_agent: Option<String>,
    ip_address: Option<String>,
    browser_installation_id: Option<String>,
    device_location: Option<String>,
    device_finger_print: Option<String>,
}

impl From<&Device> for TraceMetadata {
    fn from(device: &Device) -> Self {
        Self {
            browser_user_agent: device.user_agent.clone(),
            ip_address: device.ip.clone(),
            browser_installation_id: device.installation_id.clone(),
            device_location: device.location.clone(),
            device_finger_print: device.fingerprint.clone(),
        }
    }
}

impl ScoreResult {
    /// Of an attempt that has one.
    fn of(attempt: &Attempt) -> Option<Self> {
        let Some(End::Result { at, result }) = &attempt.end else { return None };
        let score = |score: &scoring::Score| Score {
            score_type: score.score_type.clone(),
            is_fraud: score.is_fraud,
            score: score.score.as_f64(),
        };
        Some(Self {
            global_score: result.global_score.as_f64(),
            extracted_values: result.extracted_values.clone(),
            scored_date: at.trunc_subsecs(3),
            trace_metadata: (&attempt.device).into(),
            scores: result.scores.iter().map(score).collect(),
        })
    }
}

impl From<&scoring::DocumentClass> for ScoringDocument {
    fn from(document: &scoring::DocumentClass) -> Self {
        Self { kind: Some(document.kind.clone()), country: document.country.clone() }
    }
}

impl From<&Data> for Scoring {
    #[allow(deprecated, reason = "the contract still has the member")]
    fn from(data: &Data) -> Self {
        Self {
            creation_date: data.created_at.trunc_subsecs(3),
            modification_date: data.modified_at.trunc_subsecs(3),
            expiration_date: data.creation.expires_at.trunc_subsecs(3),
            total_score_attempts: data.creation.max_attempts,
            remaining_score_attempts: data.remaining_attempts(),
            remaining_delegate_attempts: data.remaining_attempts(),
            state: data.state,
            document: (&data.creation.document).into(),
            score_result: data.scored().and_then(ScoreResult::of),
            provider: data.creation.provider.clone(),
        }
    }
}

pub async fn read(call: Call<Uuid>) -> Result<Json<Scoring>, ApiError> {
    Ok(Json(call.process::<scoring::Scoring>().await?.existing()?.into()))
}

/// Contract `SubmitScoreRequest`: the images, at least one of the two sides.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct SubmitScoreRequest {
    /// Image of the front side.
    #[schema(nullable = false, value_type = Option<String>, format = Binary)]
    front: Option<Vec<u8>>,
    /// Image of the back side.
    #[schema(nullable = false, value_type = Option<String>, format = Binary)]
    back: Option<Vec<u8>>,
}

impl Parts for SubmitScoreRequest {
    const MEDIA_TYPES: &'static [&'static str] = &["multipart/mixed", "multipart/form-data"];
}

pub async fn submit(call: Call<Uuid, Multipart<SubmitScoreRequest>>) -> Result<(), ApiError> {
    let limit = call.engine.identity_documents.image_limit;
    let parts = [Part::once("front", limit), Part::once("back", limit)];
    let device = call.device(Required::InstallationAndUserAgent);
    let Call { organization, id, body, state, engine, .. } = call;
    let mut form = body.read(&parts, state.documents.upload_room(&organization)).await?;
    let device = device?;
    let session = engine.processes.scoring.read(&organization, id).await?;
    let provider = &session.existing()?.creation.provider;
    let images = images(form.take("front"), form.take("back"))?;
    if !ways(&engine, &organization, "provider", provider).await?.submit {
        return Err(ApiError::conflict(
            "the provider of this scoring session takes no images from here; delegate the scoring to it",
        ));
    }
    let (processes, now) = (&engine.processes, engine.clock.now());
    let captures = processes.keep_images(&state.sealed_files, &organization, id, images, now).await?;
    // What follows takes as long as the provider does, and needs no image in memory.
    drop(form);
    Ok(processes.submit_captures(&state.sealed_files, &organization, id, captures, device, now).await?)
}

/// The images of a body.
fn images(front: Option<Bytes>, back: Option<Bytes>) -> Result<Images, ApiError> {
    let mut problems = Problems::default();
    if front.is_none() && back.is_none() {
        problems.note("front", "the parts front and back are missing; at least one of them is needed");
    }
    let mut image = |side: &str, bytes: Option<Bytes>| {
        let bytes = bytes?;
        let image_type = problems.take(side, image_type(&bytes))?;
        Some(SubmittedImage { image_type, bytes })
    };
    let images = Images { front: image("front", front), back: image("back", back) };
    if problems.is_empty() { Ok(images) } else { Err(problems.into()) }
}

pub async fn close(call: Call<Uuid>) -> Result<(), ApiError> {
    call.ask::<scoring::Scoring>(Command::Close).await?;
    Ok(())
}

/// Contract `DelegateScoringRequest`.
#[derive(Deserialize, ToSchema)]
pub struct DelegateScoringRequest {
    /// Settings for the provider, as a string that holds JSON.
    #[schema(nullable = false, content_media_type = "application/json")]
    provider_config: Option<String>,
}

/// Contract `DelegateScoringResponse`.
#[derive(Serialize, ToSchema)]
pub struct DelegateScoringResponse {
    /// Identifier that the provider gave to the request.
    provider_id: String,
    /// Token for the endpoint of the provider.
    access_token: String,
    provider: String,
}

pub async fn delegate(call: Call<Uuid, Json<DelegateScoringRequest>>) -> Result<Json<DelegateScoringResponse>, ApiError> {
    let session = call.process::<scoring::Scoring>().await?;
    let provider = session.existing()?.creation.provider.clone();
    let config = call.body.0.provider_config.as_deref().map(provider_config).transpose()?;
    let engine = &call.engine;
    if !ways(engine, &call.organization, "provider", &provider).await?.delegate {
        return Err(ApiError::conflict("the provider of this scoring session takes no delegation; submit the images instead"));
    }
    let (processes, now) = (&engine.processes, engine.clock.now());
    let delegation = processes.delegate_scoring(&*engine.scoring, &call.organization, call.id, config.as_ref(), now).await?;
    let access_token = delegation.access_token.expose().to_owned();
    Ok(Json(DelegateScoringResponse { provider_id: delegation.provider_id, access_token, provider }))
}

fn provider_config(text: &str) -> Result<serde_json::Value, ApiError> {
    if text.len() > MAX_PROVIDER_CONFIG {
        return Err(ApiError::input(format!("provider_config: longer than {MAX_PROVIDER_CONFIG} bytes")));
    }
    serde_json::from_str(text).map_err(|_| ApiError::input("provider_config: not valid JSON"))
}

/// Contract `Captures`: links that work for a while, to whoever has them.
#[derive(Default, Serialize, ToSchema)]
pub struct Captures {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri")]
    front: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri")]
    back: Option<String>,
}

impl<B> Call<Uuid, B> {
    /// Links to the images of the session in the path.
    fn links(&self, captures: &scoring::Captures) -> Result<Captures, ApiError> {
        let now = self.state.now();
        let expires = now + self.engine.identity_documents.link_lifetime;
        let link = |capture: &Option<scoring::Capture>| {
            let Some(scoring::Capture { image_type, file, .. }) = capture else { return Ok(None) };
            let (organization, file) = (self.organization.clone(), file.clone());
            let shared = SharedCapture { organization, session: self.id, file, image_type: *image_type, expires };
            public_url::sign(&self.state.keys, &self.state.options.public_base_url, &shared, now).map(Some)
        };
        Ok(Captures { front: link(&captures.front)?, back: link(&captures.back)? })
    }
}

/// Contract `GetCapturesResponse`.
#[derive(Serialize, ToSchema)]
pub struct GetCapturesResponse {
    document: CapturedDocument,
}

/// Contract `CapturedDocument`.
#[derive(Serialize, ToSchema)]
pub struct CapturedDocument {
    /// Class of the document.
    #[serde(rename = "type")]
    kind: String,
    /// ISO 3166-1 alpha-2 code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[A-Z]{2}$")]
    country: Option<String>,
    /// Images of the latest attempt; an empty object before any image.
    captures: Captures,
}

pub async fn captures(call: Call<Uuid>) -> Result<Json<GetCapturesResponse>, ApiError> {
    let session = call.process::<scoring::Scoring>().await?;
    let data = session.existing()?;
    let latest = data.attempts.iter().rev().find_map(Attempt::captures);
    let captures = latest.map_or(Ok(Captures::default()), |captures| call.links(captures))?;
    let scoring::DocumentClass { kind, country } = data.creation.document.clone();
    Ok(Json(GetCapturesResponse { document: CapturedDocument { kind, country, captures } }))
}

/// Contract `ScoringAttemptsResponse`.
#[derive(Serialize, ToSchema)]
pub struct ScoringAttemptsResponse {
    attempts: Vec<ScoringAttempt>,
}

/// Contract `ScoringAttempt`.
#[derive(Serialize, ToSchema)]
pub struct ScoringAttempt {
    /// From 1.
    #[schema(minimum = 1)]
    attempt_number: u32,
    creation_date: DateTime<Utc>,
    /// Identifier that the provider gave to the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    provider_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    score_result: Option<ScoreResult>,
    /// Why the attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fail_reason: Option<String>,
    /// Only for tokens of the organization.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    captures: Option<Captures>,
}

pub async fn attempts(call: Call<Uuid>) -> Result<Json<ScoringAttemptsResponse>, ApiError> {
    let session = call.process::<scoring::Scoring>().await?;
    let shows_images = matches!(call.caller.grant, Grant::Organization { .. });
    let attempt = |(attempt, attempt_number): (&Attempt, u32)| {
        let fail_reason = match &attempt.end {
            Some(End::NoResult { reason, .. }) => Some(reason.as_str().to_owned()),
            Some(End::Result { .. }) | None => None,
        };
        Ok(ScoringAttempt {
            attempt_number,
            creation_date: attempt.at.trunc_subsecs(3),
            provider_id: attempt.provider_id().map(str::to_owned),
            score_result: ScoreResult::of(attempt),
            fail_reason,
            captures: attempt.captures().filter(|_| shows_images).map(|captures| call.links(captures)).transpose()?,
        })
    };
    let attempts: Result<_, ApiError> = session.existing()?.attempts.iter().zip(1..).map(attempt).collect();
    Ok(Json(ScoringAttemptsResponse { attempts: attempts? }))
}

/// Serves what a link to an image stands for: no token but the one in the path, as long as the session is there.
pub async fn capture(path: web::Path<String>, api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let (state, engine) = (api.state(), api.engine());
    let shared: SharedCapture = public_url::verify(&state.keys, &path, state.now())?;
    let session = engine.processes.scoring.read(&shared.organization, shared.session).await?;
    let gone = || ApiError::from(public_url::Error::Invalid);
    let digest = shared.file.parse().ok().filter(|digest| holds(&session, digest)).ok_or_else(gone)?;
    let capture = session.data().and_then(|data| data.capture(&shared.file)).ok_or_else(gone)?;
    let mut room = state.documents.upload_room(&shared.organization);
    room.take(2 * capture.size).map_err(|full| ApiError::unavailable(full, RETRY_AFTER))?;
    let bytes = state.sealed_files.read(&shared.organization, shared.session, &digest).await?.ok_or_else(gone)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, shared.image_type.media_type()))
        .insert_header((header::CONTENT_DISPOSITION, HeaderValue::from_static("inline")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'")))
        .body(bytes))
}
