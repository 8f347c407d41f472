//! Documents: the seven operations of the contract, and the public URLs that one of them makes.

#[cfg(test)]
mod tests;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, Type},
};
use uuid::Uuid;
use workflows::values::MAX_TAGS;

use super::api::Api;
use super::call::{Answer, Call, Described, Json, Multipart, Parts, Schemas, act, status};
use super::download::{Binary, Content, Download};
use super::error::{ApiError, only};
use super::multipart::{Form, Part};
use super::operation::{Parameter, Success};
use super::{State, durations, json};
use crate::catalogue::documents::{Document, Documents, Extension, Owner, Upload};
use crate::public_url::{self, Disposition, PublicDocument};

/// Maximum size of a text part of an upload.
const MAX_TEXT_PART: usize = 4096;

/// Registers what public URLs lead to.
pub fn configure(service: &mut web::ServiceConfig) {
    service.service(web::resource("/public/{token}").route(web::get().to(public_document)).default_service(only("GET")));
}

/// Labels: a set, although JSON has only lists.
pub(super) fn labels() -> Array {
    labels_of(ObjectBuilder::new().schema_type(Type::String))
}

/// Labels of a document: that of a dynamic template comes on top of those of callers (note fill-tag).
fn labels_of_document() -> Array {
    let mut labels = labels();
    labels.max_items = Some(MAX_TAGS + 1);
    labels
}

/// Labels as they are sent; with a comma they would be several.
pub(super) fn new_labels() -> Array {
    const LABEL: &str = r"^[^,\x00-\x1F\x7F-\x9F]*[^\s,\x00-\x1F\x7F-\x9F][^,\x00-\x1F\x7F-\x9F]*$";
    labels_of(ObjectBuilder::new().schema_type(Type::String).pattern(Some(LABEL)).max_length(Some(255)))
}

fn labels_of(text: ObjectBuilder) -> Array {
    let description = "Free labels, at most 5; white space is dropped and they are put in upper case.";
    ArrayBuilder::new().items(text).max_items(Some(MAX_TAGS)).unique_items(true).description(Some(description)).build()
}

/// Body of an upload; `tags` is one form field with comma-separated values or comes several times.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct UploadDocumentRequest {
    /// Name of the stored document, no spaces allowed. It replaces the name of the uploaded file.
    #[schema(pattern = r"^[^\s\x00-\x1F\x7F-\x9F]+$", max_length = 255)]
    name: String,
    extension: Extension,
    /// Free labels, at most 5; white space is dropped and they are put in upper case.
    #[schema(schema_with = new_labels, required = false)]
    tags: Option<Vec<String>>,
    /// The bytes of the document.
    #[schema(value_type = String, format = Binary)]
    content: Vec<u8>,
}

/// Identifier of the new document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadDocumentResponse {
    /// Identifier of the document.
    document_id: Uuid,
}

impl Parts for UploadDocumentRequest {}

pub async fn upload(call: Call<(), Multipart<UploadDocumentRequest>>) -> Result<Json<UploadDocumentResponse>, ApiError> {
    let owner = call.owner()?;
    let documents = &call.state.documents;
    let room = documents.upload_room(&call.organization);
    let upload = upload_of(call.body.read(&upload_parts(documents), room).await?, owner)?;
    let document = documents.upload(&call.organization, upload, act(&call.caller, call.state.now())).await?;
    Ok(Json(UploadDocumentResponse { document_id: document.id }))
}

fn upload_parts(documents: &Documents) -> [Part; 4] {
    [
        Part::once("name", MAX_TEXT_PART),
        Part::once("extension", MAX_TEXT_PART),
        Part::repeated("tags", MAX_TEXT_PART),
        Part::once("content", documents.options().max_bytes),
    ]
}

fn upload_of(mut form: Form, owner: Option<Owner>) -> Result<Upload, ApiError> {
    let tags = form.list("tags")?.unwrap_or_default();
    Ok(Upload { name: form.text("name")?, extension: form.text("extension")?, tags, owner, content: form.take("content") })
}

pub async fn download(call: Call<Uuid>) -> Result<DocumentDownload, ApiError> {
    let document = read(&call).await?;
    let bytes = call.state.documents.download(&call.organization, &document).await?;
    Ok(DocumentDownload(file(&document, Content::Pieces(bytes), Disposition::Attachment)))
}

fn file(document: &Document, content: Content, disposition: Disposition) -> Download {
    Download {
        content,
        media_type: document.extension.media_type(),
        file_name: document.file_name(),
        disposition,
        is_active: document.extension.is_active(),
    }
}

/// The bytes of a document.
pub struct DocumentDownload(Download);

impl Answer for DocumentDownload {
    fn described(_: &mut Schemas) -> Vec<Option<Described>> {
        const MEDIA_TYPES: &[&str] = &["application/octet-stream", "application/pdf", "image/png", "image/jpeg", "text/html"];
        // A document in JSON is any JSON.
        vec![Some(Described { anything: &["application/json"], ..Described::new(MEDIA_TYPES, Binary::schema()) })]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        Ok(self.0.response(status(answers, 0)?))
    }
}

/// The document that a call names, for the owner that it names.
async fn read<B>(call: &Call<Uuid, B>) -> Result<Document, ApiError> {
    Ok(call.state.documents.read(&call.organization, call.id, call.owner()?.as_ref()).await?)
}

/// What was deleted, and when first.
#[derive(Serialize, ToSchema)]
pub struct DeletedDocumentResponse {
    /// Identifier of the deleted document.
    #[serde(rename = "deletedDocumentId")]
    deleted_document_id: Uuid,
    /// Instant of the first deletion.
    #[serde(rename = "deleteTS")]
    delete_ts: DateTime<Utc>,
}

pub async fn delete(call: Call<Uuid>) -> Result<Json<DeletedDocumentResponse>, ApiError> {
    let owner = call.owner()?;
    let act = act(&call.caller, call.state.now());
    let delete_ts = call.state.documents.delete(&call.organization, call.id, owner.as_ref(), act).await?;
    Ok(Json(DeletedDocumentResponse { deleted_document_id: call.id, delete_ts }))
}

pub async fn delete_physically(call: Call<Uuid>) -> Result<Json<DeletedDocumentResponse>, ApiError> {
    let owner = call.owner()?;
    let act = act(&call.caller, call.state.now());
    let delete_ts = call.state.documents.delete_physically(&call.organization, call.id, owner.as_ref(), act).await?;
    Ok(Json(DeletedDocumentResponse { deleted_document_id: call.id, delete_ts }))
}

/// Metadata of a document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DocumentMetadata {
    /// Identifier of the document.
    document_id: Uuid,
    /// Name of the stored document.
    #[schema(pattern = r"^\S+$")]
    name: String,
    /// Normalised labels.
    #[schema(schema_with = labels_of_document)]
    tags: Vec<String>,
    extension: Extension,
    /// Hash digest of the stored bytes: MD5 in hex.
    archive_hash: String,
    /// Size in bytes.
    #[schema(minimum = 0, value_type = i64)]
    size: u64,
    /// True when the document has no owner.
    is_public: bool,
    /// What of a PDF is more than pages; only if it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    active_content: Option<ActiveContent>,
}

/// What of a PDF is more than pages: it runs, plays, opens programs or carries other files. A viewer may ignore it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActiveContent {
    /// Scripts, wherever they hang.
    javascript: u32,
    /// Actions that start a program or open a file.
    launch_actions: u32,
    /// Files within the file.
    embedded_files: u32,
    /// Annotations and actions that play sound, video or 3D artwork.
    multimedia: u32,
    /// Whether its form is described by XFA as well.
    xfa: bool,
}

impl From<::documents::active::ActiveContent> for ActiveContent {
    fn from(found: ::documents::active::ActiveContent) -> Self {
        let ::documents::active::ActiveContent { javascript, launch_actions, embedded_files, multimedia, xfa } = found;
        Self { javascript, launch_actions, embedded_files, multimedia, xfa }
    }
}

impl From<Document> for DocumentMetadata {
    fn from(document: Document) -> Self {
        Self {
            active_content: None,
            document_id: document.id,
            is_public: document.is_public(),
            name: document.name,
            tags: document.tags,
            extension: document.extension,
            archive_hash: document.archive_hash,
            size: document.size,
        }
    }
}

/// What the metadata hold besides.
pub const INCLUDE: Parameter = Parameter::query("include", "Extra content: `activeContent`.", include);

fn include() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["activeContent"])).build()
}

pub async fn metadata(call: Call<Uuid>) -> Result<Json<DocumentMetadata>, ApiError> {
    let include = match call.query.text("include")?.as_deref() {
        None => false,
        Some("activeContent") => true,
        Some(_) => return Err(ApiError::parameter("include: expected activeContent")),
    };
    let document = read(&call).await?;
    let found = if include { call.state.documents.active_content(&call.organization, &document).await? } else { None };
    let mut metadata = DocumentMetadata::from(document);
    metadata.active_content = found.map(ActiveContent::from);
    Ok(Json(metadata))
}

/// Lifetime and disposition; an empty object takes the defaults.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatePublicUrlRequest {
    /// How long the URL works: longer than nothing, at most 24 hours.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(schema_with = durations::public_url, required = false)]
    expires_in: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(inline, nullable = false)]
    download_disposition: Option<Disposition>,
}

/// A public URL.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicUrlResponse {
    /// Instant from which the URL no longer works.
    expiration_date: DateTime<Utc>,
    /// Signed URL that needs no credential.
    #[schema(format = "uri")]
    public_url: String,
    /// Media type of the content.
    #[schema(nullable = false)]
    media_type: Option<&'static str>,
    /// Name of the document.
    name: String,
}

pub async fn create_public_url(call: Call<Uuid, Json<CreatePublicUrlRequest>>) -> Result<Json<PublicUrlResponse>, ApiError> {
    let Json(CreatePublicUrlRequest { expires_in, download_disposition }) = &call.body;
    let lifetime = public_url::lifetime(expires_in.as_deref());
    let lifetime = lifetime.map_err(|message| ApiError::input(format!("expiresIn: {message}")))?;
    let document = read(&call).await?;
    let disposition = download_disposition.unwrap_or_default();
    let (public_url, expiration_date) =
        call.state.public_url(&call.organization, (document.id, document.digest), disposition, lifetime)?;
    let media_type = Some(document.extension.media_type());
    Ok(Json(PublicUrlResponse { expiration_date, public_url, media_type, name: document.name }))
}

/// Serves what a public URL stands for: no token but the one in the path, and no answer that tells a guess from a miss.
pub async fn public_document(path: web::Path<String>, api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let state = api.state();
    let (shared, document) = document_of_link(state, &path).await?;
    let bytes = state.documents.download_by_link(&shared.organization, &document, &path).await?;
    Ok(file(&document, Content::Pieces(bytes), shared.disposition).response(StatusCode::OK))
}

/// What the token of a public URL stands for, and the document with the very bytes for which it was made.
///
/// # Errors
/// 404 for what is no such token, or of other bytes; 410 when it has expired or the document was deleted.
pub(super) async fn document_of_link(state: &State, token: &str) -> Result<(PublicDocument, Document), ApiError> {
    let shared = public_url::verify::<PublicDocument>(&state.keys, token, state.now())?;
    let document = state.documents.shared(&shared.organization, shared.document).await?;
    if document.digest.to_string() != shared.digest {
        return Err(public_url::Error::Invalid.into());
    }
    Ok((shared, document))
}

/// Body of the owner's change.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeDocumentOwnerRequest {
    /// New owner; a body without it is a 400.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, min_length = 1, max_length = 255, pattern = "LINE")]
    new_owner: Option<String>,
}

/// The owner after the change.
#[derive(Serialize, ToSchema)]
pub struct DocumentOwnerResponse {
    /// New owner in normalised form.
    owner: String,
}

pub async fn change_owner(call: Call<Uuid, Json<ChangeDocumentOwnerRequest>>) -> Result<Json<DocumentOwnerResponse>, ApiError> {
    let owner = call.owner()?;
    let Json(ChangeDocumentOwnerRequest { new_owner }) = call.body;
    let new_owner = new_owner.ok_or_else(|| ApiError::input("newOwner: the member is missing"))?;
    let new_owner = Owner::new(&new_owner).map_err(|message| ApiError::input(format!("newOwner: {message}")))?;
    let (documents, act) = (&call.state.documents, act(&call.caller, call.state.now()));
    documents.change_owner(&call.organization, call.id, owner.as_ref(), new_owner.clone(), act).await?;
    Ok(Json(DocumentOwnerResponse { owner: new_owner.as_str().to_owned() }))
}
