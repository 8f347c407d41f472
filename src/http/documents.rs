//! Documents: the seven operations of the contract, and the public URLs that one of them makes.

#[cfg(test)]
mod tests;

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type},
};
use uuid::Uuid;

use super::context::{Caller, State, organization_parameter, owner_header, uuid_parameter};
use super::error::{ApiError, only};
use super::json::{self, Json};
use super::multipart::{self, Part};
use super::query::Query;
use super::responses::{Conflict, Failures, Gone, NotFound};
use crate::access::{Action, Target};
use crate::catalogue::documents::{self, Document, Download, Extension, Owner, Upload};
use crate::public_url::{self, Disposition, PublicDocument};
use crate::{catalogue, cpu_pool, iso_duration};

/// When a call that met a busy store is worth repeating.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Most bytes of a text part of an upload.
const MAX_TEXT_PART: usize = 4096;

const CREATION: &str = "/v1/orgs/{org_id}/documents";
const DOCUMENT: &str = "/v1/orgs/{org_id}/documents/{document_id}";

/// Registers the operations.
pub fn configure(service: &mut web::ServiceConfig) {
    let below = |suffix: &str| web::resource(format!("{DOCUMENT}{suffix}"));
    service
        .service(web::resource(CREATION).route(web::post().to(upload_document)).default_service(only("POST")))
        .service(
            web::resource(DOCUMENT)
                .route(web::get().to(download_document))
                .route(web::delete().to(delete_document))
                .default_service(only("GET, DELETE")),
        )
        .service(below("/physical").route(web::delete().to(delete_document_physically)).default_service(only("DELETE")))
        .service(below("/metadata").route(web::get().to(get_document_metadata)).default_service(only("GET")))
        .service(below("/public_url").route(web::post().to(create_document_public_url)).default_service(only("POST")))
        .service(below("/owner").route(web::put().to(change_document_owner)).default_service(only("PUT")))
        .service(web::resource("/public/{token}").route(web::get().to(public_document)).default_service(only("GET")));
}

impl From<documents::Error> for ApiError {
    fn from(error: documents::Error) -> Self {
        use documents::Error as E;
        match error {
            E::NotFound => Self::not_found(error.to_string()),
            E::NotOwner => Self::unauthorized(error.to_string()),
            E::Gone => Self::gone(error.to_string()),
            E::AlreadyDeleted => Self::conflict(error.to_string()),
            E::Public => Self::input(error.to_string()),
            E::Invalid(problems) => Self::inputs(problems.iter().map(ToString::to_string)),
            E::TooLarge(_) => Self::too_large(error.to_string()),
            E::Busy(_) => Self::unavailable(error, RETRY_AFTER),
            E::Catalogue(error) => error.into(),
        }
    }
}

impl From<catalogue::Error> for ApiError {
    fn from(error: catalogue::Error) -> Self {
        match error {
            catalogue::Error::Cpu(error @ cpu_pool::Error::SetAside(_)) => Self::input(error.to_string()),
            error if error.is_transient() => Self::unavailable(error, RETRY_AFTER),
            error => Self::internal(error),
        }
    }
}

/// The path of an operation on one document.
#[derive(Deserialize)]
pub struct DocumentPath {
    org_id: String,
    document_id: String,
}

/// One authorized call on one document.
struct Call {
    organization: String,
    id: Uuid,
    owner: Option<Owner>,
}

impl Call {
    fn new(request: &HttpRequest, caller: &Caller, path: DocumentPath, action: Action) -> Result<Self, ApiError> {
        caller.authorize(action, Target::organization(organization_parameter(&path.org_id)?))?;
        let id = uuid_parameter("document_id", &path.document_id)?;
        Ok(Self { organization: path.org_id, id, owner: owner_header(request)? })
    }
}

/// Labels: a set, although JSON has only lists.
fn labels() -> Array {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let description = "Free labels, at most 5; white space is dropped and they are put in upper case.";
    ArrayBuilder::new().items(text).max_items(Some(5)).unique_items(true).description(Some(description)).build()
}

/// Body of an upload; `tags` is one form field with comma-separated values or comes several times.
#[derive(ToSchema)]
#[allow(dead_code)]
struct UploadDocumentRequest {
    /// Name of the stored document, no spaces allowed. It replaces the name of the uploaded file.
    #[schema(pattern = r"^\S+$")]
    name: String,
    extension: Extension,
    /// Free labels, at most 5; white space is dropped and they are put in upper case.
    #[schema(schema_with = labels, required = false)]
    tags: Option<Vec<String>>,
    /// The bytes of the document.
    #[schema(value_type = String, format = Binary)]
    content: Vec<u8>,
}

/// Identifier of the new document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UploadDocumentResponse {
    /// Identifier of the document.
    document_id: Uuid,
}

/// Upload a document
///
/// Stores the bytes under a new identifier. With x-auth-owner the document is private to that owner, without it the
/// document is public. The bytes must be of the declared extension.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/documents", operation_id = "upload_document", tag = "Documents",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("x-auth-owner" = Option<String>, Header, nullable = false, description = "Owner of the document. Without it the document is public."),
    ),
    request_body(content = UploadDocumentRequest, content_type = "multipart/form-data"),
    responses((status = 201, description = "The document is stored.", body = UploadDocumentResponse), Failures)
)]
pub async fn upload_document(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<String>,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    let organization = organization_parameter(&path)?;
    caller.authorize(Action::UploadDocument, Target::organization(organization))?;
    let owner = owner_header(&request)?;
    let parts = [
        Part::once("name", MAX_TEXT_PART),
        Part::once("extension", MAX_TEXT_PART),
        Part::repeated("tags", MAX_TEXT_PART),
        Part::once("content", state.documents.options().max_bytes),
    ];
    let room = state.documents.upload_room(organization);
    let mut form = multipart::read(&request, payload.into_inner(), &parts, room).await?;
    let upload = Upload {
        name: form.text("name")?,
        extension: form.text("extension")?,
        tags: form.list("tags")?.unwrap_or_default(),
        owner,
        content: form.take("content"),
    };
    let document = state.documents.upload(organization, upload, state.now()).await?;
    Ok(HttpResponse::Created().json(UploadDocumentResponse { document_id: document.id }))
}

/// Download a document
///
/// Answers with the bytes. Content-Type is the media type of the document, Content-Disposition carries its file name.
#[utoipa::path(
    get, path = "/v1/orgs/{org_id}/documents/{document_id}", operation_id = "download_document", tag = "Documents",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("document_id" = Uuid, Path, description = "Identifier of the document."),
        ("x-auth-owner" = Option<String>, Header, nullable = false, description = "Owner of the document. Mandatory unless it is public."),
    ),
    responses(
        (status = 200, description = "The bytes of the document.",
            content(
                (inline(Binary) = "application/octet-stream"), (inline(Binary) = "application/pdf"), (inline(Binary) = "image/png"),
                (inline(Binary) = "image/jpeg"), (inline(Binary) = "text/html"), (inline(Binary) = "application/json"),
            ),
            headers(("Content-Disposition" = String, description = "File name of the download."))),
        Failures, NotFound, Gone,
    )
)]
pub async fn download_document(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<DocumentPath>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&request, &caller, path.into_inner(), Action::DownloadDocument)?;
    let document = state.documents.read(&call.organization, call.id, call.owner.as_ref()).await?;
    let download = state.documents.download(&call.organization, &document).await?;
    Ok(content(&document, download, Disposition::Attachment))
}

/// The bytes of a document.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code)]
struct Binary(Vec<u8>);

/// What was deleted, and when first.
#[derive(Serialize, ToSchema)]
struct DeletedDocumentResponse {
    /// Identifier of the deleted document.
    #[serde(rename = "deletedDocumentId")]
    deleted_document_id: Uuid,
    /// Instant of the first deletion.
    #[serde(rename = "deleteTS")]
    delete_ts: DateTime<Utc>,
}

/// Delete a document
///
/// Logical deletion: the document becomes unreachable, its record stays.
#[utoipa::path(
    delete, path = "/v1/orgs/{org_id}/documents/{document_id}", operation_id = "delete_document", tag = "Documents",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("document_id" = Uuid, Path, description = "Identifier of the document."),
        ("x-auth-owner" = Option<String>, Header, nullable = false, description = "Owner of the document. Mandatory unless it is public."),
    ),
    responses(
        (status = 200, description = "The document is deleted.", body = DeletedDocumentResponse),
        Failures, NotFound, Conflict, Gone,
    )
)]
pub async fn delete_document(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<DocumentPath>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&request, &caller, path.into_inner(), Action::DeleteDocument)?;
    let delete_ts = state.documents.delete(&call.organization, call.id, call.owner.as_ref(), state.now()).await?;
    Ok(HttpResponse::Ok().json(DeletedDocumentResponse { deleted_document_id: call.id, delete_ts }))
}

/// Delete a document physically
///
/// Removes the stored bytes for good. A process that needs them for its evidence keeps its own copy until it ends.
#[utoipa::path(
    delete, path = "/v1/orgs/{org_id}/documents/{document_id}/physical", operation_id = "delete_document_physically",
    tag = "Documents",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("document_id" = Uuid, Path, description = "Identifier of the document."),
        ("x-auth-owner" = Option<String>, Header, nullable = false, description = "Owner of the document. Mandatory unless it is public."),
    ),
    responses(
        (status = 200, description = "The document is deleted.", body = DeletedDocumentResponse),
        Failures, NotFound, Conflict, Gone,
    )
)]
pub async fn delete_document_physically(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<DocumentPath>,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&request, &caller, path.into_inner(), Action::DeleteDocumentPhysically)?;
    let deleted = state.documents.delete_physically(&call.organization, call.id, call.owner.as_ref(), state.now());
    Ok(HttpResponse::Ok().json(DeletedDocumentResponse { deleted_document_id: call.id, delete_ts: deleted.await? }))
}

/// Metadata of a document.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DocumentMetadata {
    /// Identifier of the document.
    document_id: Uuid,
    /// Name of the stored document.
    #[schema(pattern = r"^\S+$")]
    name: String,
    /// Normalised labels.
    #[schema(schema_with = labels)]
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

/// Read the metadata of a document
///
/// With `include=activeContent` they tell what of a PDF is more than pages.
#[utoipa::path(
    get, path = "/v1/orgs/{org_id}/documents/{document_id}/metadata", operation_id = "get_document_metadata", tag = "Documents",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("document_id" = Uuid, Path, description = "Identifier of the document."),
        ("x-auth-owner" = Option<String>, Header, nullable = false, description = "Owner of the document. Mandatory unless it is public."),
        ("include" = Option<String>, Query, nullable = false, description = "Extra content: `activeContent`."),
    ),
    responses((status = 200, description = "The metadata.", body = DocumentMetadata), Failures, NotFound, Gone)
)]
pub async fn get_document_metadata(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<DocumentPath>,
    query: Query,
    state: web::Data<State>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&request, &caller, path.into_inner(), Action::GetDocumentMetadata)?;
    let include = match query.text("include")?.as_deref() {
        None => false,
        Some("activeContent") => true,
        Some(_) => return Err(ApiError::parameter("include: expected activeContent")),
    };
    let document = state.documents.read(&call.organization, call.id, call.owner.as_ref()).await?;
    let found = if include { state.documents.active_content(&call.organization, &document).await? } else { None };
    let mut metadata = DocumentMetadata::from(document);
    metadata.active_content = found.map(ActiveContent::from);
    Ok(HttpResponse::Ok().json(metadata))
}

/// Lifetime and disposition; an empty object takes the defaults.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatePublicUrlRequest {
    /// How long the URL works: longer than nothing, at most 24 hours.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, format = Duration, default = "PT24H")]
    expires_in: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(inline, nullable = false)]
    download_disposition: Option<DownloadDisposition>,
}

/// Whether a browser saves (`attachment`) or renders (`inline`) the content.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(default = "attachment")]
#[allow(missing_docs)]
pub enum DownloadDisposition {
    Attachment,
    Inline,
}

/// A public URL.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PublicUrlResponse {
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

/// Make a temporary public URL
///
/// Signs a URL that anyone can use until it expires: 24 hours from now unless a shorter time is asked for, never longer.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/documents/{document_id}/public_url", operation_id = "create_document_public_url",
    tag = "Documents",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("document_id" = Uuid, Path, description = "Identifier of the document."),
        ("x-auth-owner" = Option<String>, Header, nullable = false, description = "Owner of the document. Mandatory unless it is public."),
    ),
    request_body = CreatePublicUrlRequest,
    responses((status = 200, description = "The URL.", body = PublicUrlResponse), Failures, NotFound, Gone)
)]
pub async fn create_document_public_url(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<DocumentPath>,
    state: web::Data<State>,
    Json(body): Json<CreatePublicUrlRequest>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&request, &caller, path.into_inner(), Action::CreateDocumentPublicUrl)?;
    let lifetime = match body.expires_in {
        None => public_url::MAX_LIFETIME,
        Some(text) => iso_duration::parse(&text).map_err(|error| ApiError::input(format!("expiresIn: {error}")))?,
    };
    if lifetime > public_url::MAX_LIFETIME {
        return Err(ApiError::input("expiresIn: at most PT24H is allowed"));
    }
    let document = state.documents.read(&call.organization, call.id, call.owner.as_ref()).await?;
    let now = state.now();
    let shared = PublicDocument {
        organization: call.organization,
        document: document.id,
        digest: document.digest.to_string(),
        disposition: match body.download_disposition {
            Some(DownloadDisposition::Inline) => Disposition::Inline,
            Some(DownloadDisposition::Attachment) | None => Disposition::Attachment,
        },
        expires: now + lifetime,
    };
    let url = public_url::sign(&state.keys, &state.options.public_base_url, &shared, now);
    Ok(HttpResponse::Ok().json(PublicUrlResponse {
        expiration_date: shared.expires,
        public_url: url.map_err(ApiError::internal)?,
        media_type: Some(document.extension.media_type()),
        name: document.name,
    }))
}

/// Serves what a public URL stands for: no token but the one in the path, and no answer that tells a guess from a miss.
pub async fn public_document(path: web::Path<String>, state: web::Data<State>) -> Result<HttpResponse, ApiError> {
    let no_such = || ApiError::not_found("there is no such public URL");
    let shared = public_url::verify(&state.keys, &path, state.now()).map_err(|error| match error {
        public_url::Error::Expired => ApiError::gone("the public URL has expired"),
        _ => no_such(),
    })?;
    let document = state.documents.find(&shared.organization, shared.document).await?;
    if document.digest.to_string() != shared.digest {
        return Err(no_such());
    }
    // Whoever was given the URL was let in by the owner, so the document's own owner is the one who reads.
    let document = state.documents.read(&shared.organization, shared.document, document.owner.as_ref()).await?;
    let download = state.documents.download_by_link(&shared.organization, &document, &path).await?;
    Ok(content(&document, download, shared.disposition))
}

/// Body of the owner's change.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeDocumentOwnerRequest {
    /// New owner; a body without it is a 400.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false)]
    new_owner: Option<String>,
}

/// The owner after the change.
#[derive(Serialize, ToSchema)]
struct DocumentOwnerResponse {
    /// New owner in normalised form.
    owner: String,
}

/// Change the owner of a document
///
/// Works only for a document that is private already. x-auth-owner names the present owner.
#[utoipa::path(
    put, path = "/v1/orgs/{org_id}/documents/{document_id}/owner", operation_id = "change_document_owner", tag = "Documents",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("document_id" = Uuid, Path, description = "Identifier of the document."),
        ("x-auth-owner" = Option<String>, Header, nullable = false, description = "Present owner of the document."),
    ),
    request_body = ChangeDocumentOwnerRequest,
    responses((status = 200, description = "The owner changed.", body = DocumentOwnerResponse), Failures, NotFound, Gone)
)]
pub async fn change_document_owner(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<DocumentPath>,
    state: web::Data<State>,
    Json(body): Json<ChangeDocumentOwnerRequest>,
) -> Result<HttpResponse, ApiError> {
    let call = Call::new(&request, &caller, path.into_inner(), Action::ChangeDocumentOwner)?;
    let new_owner = body.new_owner.ok_or_else(|| ApiError::input("newOwner: the member is missing"))?;
    let new_owner = Owner::new(&new_owner).map_err(|message| ApiError::input(format!("newOwner: {message}")))?;
    let owner = call.owner.as_ref();
    state.documents.change_owner(&call.organization, call.id, owner, new_owner.clone(), state.now()).await?;
    Ok(HttpResponse::Ok().json(DocumentOwnerResponse { owner: new_owner.as_str().to_owned() }))
}

fn content(document: &Document, download: Download, disposition: Disposition) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, document.extension.media_type()))
        .insert_header((header::CONTENT_DISPOSITION, content_disposition(&document.file_name(), disposition)))
        .insert_header((header::CACHE_CONTROL, "private"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if document.extension.is_active() {
        // What a client stored must not run as a page of this server.
        response.insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    }
    let size = download.size();
    let pieces = futures::stream::try_unfold(download, |mut download| async move {
        let piece = download.next().await.inspect_err(|error| tracing::error!(%error, "a download broke off"))?;
        Ok::<_, documents::Error>(piece.map(|piece| (piece, download)))
    });
    response.body(SizedStream::new(size, Box::pin(pieces)))
}

/// Content-Disposition with a file name: plain for old clients, and as UTF-8 (RFC 6266, 4.3 and appendix D; RFC 8187).
fn content_disposition(file_name: &str, disposition: Disposition) -> HeaderValue {
    let kind = match disposition {
        Disposition::Attachment => "attachment",
        Disposition::Inline => "inline",
    };
    // Slashes would be taken for folders, a percent sign for an escape.
    let plain: String = file_name.chars().map(|c| if c.is_ascii_graphic() && !"\"\\/%".contains(c) { c } else { '_' }).collect();
    let mut extended = String::new();
    for byte in file_name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            extended.push(char::from(byte));
        } else {
            extended.push_str(&format!("%{byte:02X}"));
        }
    }
    let text = match plain == file_name {
        true => format!("{kind}; filename=\"{plain}\""),
        false => format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{extended}"),
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}
