//! Forms: the operations of the contract but the fill.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::call::{Call, Json, Multipart, Parts, act};
use super::documents::{labels, new_labels};
use super::download::{Content, Download, Pdf};
use super::error::ApiError;
use super::multipart::Part;
use super::paging::{Page, Unique};
use crate::catalogue::fields::FieldKey;
use crate::catalogue::forms::{self, Upload};
use crate::catalogue::item::Found;

/// Maximum size of a text part of an upload.
const MAX_TEXT_PART: usize = 4096;

/// Storage format of a form. Must agree with the binary that was sent.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code)]
enum FormExtension {
    Pdf,
}

/// Name, format, labels and bytes of a form. `tags` is one form field with comma-separated values or comes several times.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CreateFormRequest {
    /// Name of the form, no spaces allowed. Normalised, it becomes the external id.
    #[schema(pattern = r"^[^\s\x00-\x1F\x7F-\x9F]+$", max_length = 255)]
    name: String,
    extension: FormExtension,
    /// Free labels, at most 5; white space is dropped and they are put in upper case.
    #[schema(schema_with = new_labels, required = false)]
    tags: Option<Vec<String>>,
    /// The bytes of the PDF.
    #[schema(value_type = String, format = Binary)]
    content: Vec<u8>,
}

impl Parts for CreateFormRequest {}

/// Fields, each once.
pub(super) type Fields = Unique<FieldKey>;

/// A form.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Form {
    /// Identifier of the form.
    id: Uuid,
    /// Normalised name of the form, unique in the organization.
    external_id: String,
    /// All fields found in the PDF, each name once; empty when it has none.
    #[schema(inline)]
    fields: Fields,
    /// Normalised labels.
    #[schema(schema_with = labels)]
    tags: Vec<String>,
    /// Creation instant.
    creation_date: DateTime<Utc>,
}

impl From<Found<forms::Form>> for Form {
    fn from(found: Found<forms::Form>) -> Self {
        let creation_date = found.created_at();
        let forms::Form { id, external_id, fields, tags, .. } = found.item.value;
        Self { id, external_id, fields: Unique(fields), tags, creation_date }
    }
}

/// A page of forms.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormList {
    /// Number of forms over all pages.
    #[schema(minimum = 0)]
    total_results: usize,
    /// Page returned, from 0.
    #[schema(minimum = 0)]
    current_page: usize,
    /// Newest first.
    forms: Vec<Form>,
}

pub async fn list(call: Call) -> Result<Json<FormList>, ApiError> {
    let page = Page::of(&call.query)?;
    let found = call.state.forms.newest(&call.organization, page.number, page.size).await?;
    let forms = found.items.into_iter().map(|(_, form)| form.into()).collect();
    Ok(Json(FormList { total_results: found.total, current_page: page.number, forms }))
}

pub async fn create(call: Call<(), Multipart<CreateFormRequest>>) -> Result<Json<Form>, ApiError> {
    let documents = &call.state.documents;
    let parts = [
        Part::once("name", MAX_TEXT_PART),
        Part::once("extension", MAX_TEXT_PART),
        Part::repeated("tags", MAX_TEXT_PART),
        Part::once("content", documents.options().max_bytes),
    ];
    let mut form = call.body.read(&parts, documents.upload_room(&call.organization)).await?;
    let tags = form.list("tags")?.unwrap_or_default();
    let upload = Upload { name: form.text("name")?, extension: form.text("extension")?, tags, content: form.take("content") };
    Ok(Json(call.state.forms.upload(&call.organization, upload, act(&call.caller, call.state.now())).await?.into()))
}

pub async fn metadata(call: Call<String>) -> Result<Json<Form>, ApiError> {
    Ok(Json(call.state.forms.find(&call.organization, &call.id).await?.into()))
}

pub async fn download(call: Call<String>) -> Result<Pdf, ApiError> {
    let form = call.state.forms.find(&call.organization, &call.id).await?.item.value;
    let bytes = call.state.forms.download(&call.organization, &form).await?;
    Ok(Pdf(Download::pdf(Content::Pieces(bytes), form.file_name())))
}

pub async fn delete(call: Call<String>) -> Result<(), ApiError> {
    Ok(call.state.forms.delete(&call.organization, &call.id, act(&call.caller, call.state.now())).await?)
}
