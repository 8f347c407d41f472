//! Simple signatures: what the signer sees, that they saw it, and that they sign.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{
    Language,
    sign_process::{Command, Data, NOT_FOUND, SignProcess, SignatureStatus, Status, process_of_signature},
};

use super::{
    ApiError, State,
    context::{Caller, organization_parameter, uuid_parameter},
    device::{self, Required},
    error::only,
    processes::{self, Engine},
    responses::Failures,
    sign_process::IdentificationRef,
};
use crate::{
    access::{Action, Target},
    public_url::{self, Disposition, PublicDocument},
};

/// How long the links to the documents work.
const LINK_LIFETIME: Duration = Duration::hours(1);

const SIGNATURE: &str = "/v1/orgs/{org_id}/simple_signs/{sign_id}";

/// Registers the operations.
pub fn configure(service: &mut web::ServiceConfig) {
    let below = |suffix: &str| web::resource(format!("{SIGNATURE}{suffix}"));
    service
        .service(web::resource(SIGNATURE).route(web::get().to(get_simple_sign)).default_service(only("GET")))
        .service(below("/preview").route(web::post().to(preview_simple_sign)).default_service(only("POST")))
        .service(below("/sign").route(web::post().to(sign_simple)).default_service(only("POST")));
}

/// The path of an operation on one signature.
#[derive(Deserialize)]
pub struct SignaturePath {
    org_id: String,
    sign_id: String,
}

fn authorized(caller: &Caller, path: &SignaturePath, action: Action) -> Result<Uuid, ApiError> {
    let organization = organization_parameter(&path.org_id)?;
    caller.may(action, organization)?;
    let id = uuid_parameter("sign_id", &path.sign_id)?;
    caller.authorize(action, Target::signature(organization, id))?;
    Ok(id)
}

/// Contract `SignDetail`.
#[derive(Serialize, ToSchema)]
pub struct SignDetail {
    signer: SignDetailSigner,
    preview_documents: Vec<NamedUrl>,
    signable_documents: Vec<NamedUrl>,
    signed_documents: Vec<NamedUrl>,
    status: Status,
    identification: IdentificationRef,
    modification_date: DateTime<Utc>,
    creation_date: DateTime<Utc>,
}

/// Contract `SignDetailSigner`.
#[derive(Serialize, ToSchema)]
pub struct SignDetailSigner {
    alias: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    document_number: Option<String>,
    language: Language,
}

/// Contract `NamedUrl`.
#[derive(Serialize, ToSchema)]
pub struct NamedUrl {
    name: String,
    /// Temporary signed URL, usable without any credential.
    #[schema(format = "uri")]
    url: String,
}

/// The status of one signature in the words of the process (note signature-status).
fn status(process: Status, signature: SignatureStatus) -> Status {
    match signature {
        SignatureStatus::Created => Status::Created,
        SignatureStatus::Succeeded if process == Status::Certified => Status::Certified,
        SignatureStatus::Succeeded => Status::Signed,
        SignatureStatus::Failed => Status::Failed,
        SignatureStatus::Cancelled => Status::Cancelled,
        SignatureStatus::Expired => Status::Expired,
    }
}

fn detail(state: &State, organization: &str, data: &Data, position: usize) -> Result<SignDetail, ApiError> {
    let now = state.now();
    let link = |name: &str, id: Uuid, digest: &str| -> Result<NamedUrl, ApiError> {
        let document = PublicDocument {
            organization: organization.to_owned(),
            document: id,
            digest: digest.to_owned(),
            disposition: Disposition::Inline,
            expires: now + LINK_LIFETIME,
        };
        let url = public_url::sign(&state.keys, &state.options.public_base_url, &document, now).map_err(ApiError::internal)?;
        Ok(NamedUrl { name: name.to_owned(), url })
    };
    let creation = &data.creation;
    let (signer, signature) = (&creation.signers[position], &data.signatures[position]);
    let sealed = creation.documents.iter().zip(&data.sealed).filter_map(|(document, sealed)| Some((document, sealed.as_ref()?)));
    Ok(SignDetail {
        signer: SignDetailSigner {
            alias: signer.alias.clone(),
            name: signer.person.name.clone(),
            last_name: signer.person.last_name.clone(),
            document_number: signer.person.identity_document.as_ref().map(|document| document.document_number.clone()),
            language: signer.person.language,
        },
        preview_documents: creation
            .previews
            .iter()
            .map(|preview| link(&preview.name, preview.id, &preview.digest))
            .collect::<Result<_, _>>()?,
        signable_documents: creation
            .documents
            .iter()
            .map(|own| link(&own.name, own.id, &own.digest))
            .collect::<Result<_, _>>()?,
        signed_documents: sealed
            .map(|(document, sealed)| link(&document.name, sealed.id, &sealed.digest))
            .collect::<Result<_, _>>()?,
        status: status(data.status, signature.status),
        identification: IdentificationRef { id: signer.identification, kind: creation.identification_type },
        modification_date: signature.modified_at.trunc_subsecs(3),
        creation_date: data.created_at.trunc_subsecs(3),
    })
}

/// Read a simple signature
///
/// What the signer sees: documents to preview and to sign, those signed, and the identification to pass.
#[utoipa::path(
    get, path = "/v1/orgs/{org_id}/simple_signs/{sign_id}", operation_id = "get_simple_sign", tag = "Simple Signature",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("sign_id" = Uuid, Path, description = "Identifier of one signer's signature."),
    ),
    responses((status = 200, description = "The signature.", body = SignDetail), Failures)
)]
pub async fn get_simple_sign(
    caller: Caller,
    path: web::Path<SignaturePath>,
    state: web::Data<State>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, ApiError> {
    let id = authorized(&caller, &path, Action::GetSimpleSign)?;
    let process = processes::answer(engine.processes.sign.read(&path.org_id, process_of_signature(id)).await)?;
    let known = process.data().and_then(|data| Some((data, data.position(id)?)));
    let (data, position) = known.ok_or_else(|| ApiError::from(NOT_FOUND))?;
    Ok(HttpResponse::Ok().json(detail(&state, &path.org_id, data, position)?))
}

async fn act(engine: &Engine, organization: &str, id: Uuid, command: Command) -> Result<Arc<SignProcess>, ApiError> {
    processes::answer(engine.processes.sign.ask(organization, process_of_signature(id), command).await)
}

/// Record the preview of a simple signature
///
/// Records, with the device data of the headers as evidence, that the signer saw the documents.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/simple_signs/{sign_id}/preview", operation_id = "preview_simple_sign", tag = "Simple Signature",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("sign_id" = Uuid, Path, description = "Identifier of one signer's signature."),
        ("x-installation_id" = String, Header, description = "Unique id of the browser installation."),
        ("x-fingerprint" = String, Header, description = "Fingerprint of the device."),
        ("x-location" = Option<String>, Header, nullable = false, description = "Place of the device as \"latitude,longitude\"."),
    ),
    responses((status = 204, description = "Recorded."), Failures)
)]
pub async fn preview_simple_sign(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<SignaturePath>,
    state: web::Data<State>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, ApiError> {
    let signature = authorized(&caller, &path, Action::PreviewSimpleSign)?;
    let device = device::device(&request, &state, Required::Installation)?;
    act(&engine, &path.org_id, signature, Command::Preview { signature, device }).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sign with a simple signature
///
/// Takes no body: the call is the consent. Signs all signable documents of the signer, whose identification must be VALIDATED.
#[utoipa::path(
    post, path = "/v1/orgs/{org_id}/simple_signs/{sign_id}/sign", operation_id = "sign_simple", tag = "Simple Signature",
    params(
        ("org_id" = String, Path, description = "Organization (tenant)."),
        ("sign_id" = Uuid, Path, description = "Identifier of one signer's signature."),
        ("x-installation_id" = String, Header, description = "Unique id of the browser installation."),
        ("x-fingerprint" = String, Header, description = "Fingerprint of the device."),
        ("x-location" = Option<String>, Header, nullable = false, description = "Place of the device as \"latitude,longitude\"."),
    ),
    responses((status = 204, description = "Signed."), Failures)
)]
pub async fn sign_simple(
    request: HttpRequest,
    caller: Caller,
    path: web::Path<SignaturePath>,
    state: web::Data<State>,
    engine: web::Data<Engine>,
) -> Result<HttpResponse, ApiError> {
    let signature = authorized(&caller, &path, Action::SignSimple)?;
    let device = device::device(&request, &state, Required::Installation)?;
    act(&engine, &path.org_id, signature, Command::Sign { signature, device }).await?;
    Ok(HttpResponse::NoContent().finish())
}
