//! Fills of dynamic templates: asked for, and looked at until they have ended.

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};
use uuid::Uuid;
use workflows::fill::{FillState, Priority, Record};
use workflows::values::Language;

use super::call::{Call, Json};
use super::documents::new_labels;
use super::error::ApiError;
use super::fills::Told;
use super::json;
use super::openapi;
use super::operation::Parameter;
use crate::processes::fill::{Desk, Request};

/// Maximum length of an origin, in characters.
const MAX_ORIGIN: usize = 255;

const ORIGIN_NAME: &str = "fill-process-origin";

/// Which system asks.
pub const ORIGIN: Parameter = Parameter::header(
    ORIGIN_NAME,
    "System that asks for the fill. When absent, the audience of the token (x-auth-aud) is used.",
    openapi::header_text::<MAX_ORIGIN>,
);

/// As it is told.
pub const ORIGIN_TOLD: (&str, &str) =
    (ORIGIN_NAME, "Origin kept with the fill process: the one sent, or else the audience of the token.");

/// The header [`ORIGIN`]; `None` if it was not sent.
///
/// # Errors
/// 400 when it comes twice, is blank, too long, or holds what is not printable ASCII.
pub fn origin_header(request: &HttpRequest) -> Result<Option<String>, ApiError> {
    let mut values = request.headers().get_all(ORIGIN_NAME);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::parameter(format!("{ORIGIN_NAME}: the header comes more than once")));
    }
    let text = value.to_str().ok().map(str::trim).filter(|text| !text.is_empty() && text.len() <= MAX_ORIGIN);
    let expected = || ApiError::parameter(format!("{ORIGIN_NAME}: expected up to {MAX_ORIGIN} printable characters of ASCII"));
    text.map(|text| Some(text.to_owned())).ok_or_else(expected)
}

fn any_object() -> Object {
    let description =
        "Data of the template. All of it is validated against the JSON Schema of the version before the request is accepted.";
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .build()
}

fn priority() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("Processing priority."))
        .enum_values(Some(["low", "high"]))
        .default(Some("low".into()))
        .build()
}

/// Properties of the document to produce.
#[derive(Default, Deserialize, ToSchema)]
pub struct DynamicFillDocument {
    /// Name of the document to produce; the external id of the template when left out.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = r"^[^\s\x00-\x1F\x7F-\x9F]+$", max_length = 255)]
    name: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(schema_with = new_labels, required = false)]
    tags: Option<Vec<String>>,
}

/// Language, document properties, data and priority.
#[derive(Deserialize, ToSchema)]
pub struct DynamicFillRequest {
    language: Language,
    document: DynamicFillDocument,
    #[schema(schema_with = any_object)]
    fields_values: Map<String, Value>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(schema_with = priority, required = false)]
    fill_priority: Option<Priority>,
}

/// Identifier of the fill process.
#[derive(Serialize, ToSchema)]
pub struct DynamicFillAccepted {
    /// Identifier of the fill process.
    fill_process_id: Uuid,
}

/// Template that was filled.
#[derive(Serialize, ToSchema)]
pub struct FillProcessTemplate {
    /// External id of the template.
    external_id: String,
    /// Major version.
    #[schema(minimum = 1)]
    major_version: u32,
    /// Minor version used.
    #[schema(minimum = 0)]
    minor_version: u32,
}

/// Cause of a failure.
#[derive(Serialize, ToSchema)]
pub struct FillProcessError {
    /// What went wrong.
    message: String,
}

/// State of a fill, with the members that belong to it.
#[derive(Serialize, ToSchema)]
pub struct FillProcess {
    /// Identifier of the fill process.
    fill_process_id: Uuid,
    status: FillState,
    /// Identifier of the produced document. Present only when COMPLETED.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    filled_document_id: Option<Uuid>,
    /// Instant of registration.
    creation_date: DateTime<Utc>,
    /// Instant at which processing ended. Present only when COMPLETED or FAILED.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    finish_date: Option<DateTime<Utc>>,
    template: FillProcessTemplate,
    /// Present only when FAILED.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<FillProcessError>,
}

impl FillProcess {
    fn of(id: Uuid, record: &Record) -> Self {
        let template = &record.creation.template;
        Self {
            fill_process_id: id,
            status: record.state,
            filled_document_id: record.document,
            creation_date: record.created_at,
            finish_date: record.finished_at,
            template: FillProcessTemplate {
                external_id: template.external_id.clone(),
                major_version: template.major,
                minor_version: template.minor,
            },
            error: record.error.clone().map(|message| FillProcessError { message }),
        }
    }
}

pub async fn fill(call: Call<(String, u32), Json<DynamicFillRequest>>) -> Result<Told<Json<DynamicFillAccepted>>, ApiError> {
    let origin = call.origin()?.unwrap_or_else(|| call.caller.audience.clone());
    let headers = vec![(ORIGIN_TOLD.0, origin.clone())];
    let desk = Desk {
        processes: &call.engine.processes,
        documents: &call.state.documents,
        files: &call.state.sealed_files,
        fills: &call.engine.fills,
        wall_clock: call.state.now(),
    };
    let ((template, major), Json(body)) = (call.id, call.body);
    let request = Request {
        template,
        major,
        language: body.language,
        name: body.document.name,
        tags: body.document.tags.unwrap_or_default(),
        data: body.fields_values,
        priority: body.fill_priority.unwrap_or_default(),
        origin,
    };
    let fill_process_id = desk.request(&call.state.dynamic_templates, &call.organization, request).await?;
    Ok(Told::new(Json(DynamicFillAccepted { fill_process_id }), headers))
}

pub async fn read(call: Call<Uuid>) -> Result<Json<FillProcess>, ApiError> {
    let fill = call.engine.processes.fill.read(&call.organization, call.id).await?;
    let record = fill.existing().map_err(actors::Error::Refused)?;
    Ok(Json(FillProcess::of(call.id, record)))
}
