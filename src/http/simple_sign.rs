//! Simple signatures: what the signer sees, that they saw it, and that they sign.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{
    Language, SignType,
    sign_process::{Command, Data, SignatureStatus, Status, process_of_signature},
};

use super::{
    ApiError, State,
    call::{Call, Json},
    device::Required,
    sign_process::IdentificationRef,
};
use crate::public_url::Disposition;

/// How long the links to the documents work.
const LINK_LIFETIME: Duration = Duration::hours(1);

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
pub(super) fn status(process: Status, signature: SignatureStatus) -> Status {
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
    let link = |name: &str, id: Uuid, digest: &str| -> Result<NamedUrl, ApiError> {
        let (url, _) = state.public_url(organization, (id, digest), Disposition::Inline, LINK_LIFETIME)?;
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

/// The signature, if it is of that kind.
pub(super) async fn read_as(call: Call<Uuid>, kind: SignType) -> Result<Json<SignDetail>, ApiError> {
    let process = call.engine.processes.sign.read(&call.organization, process_of_signature(call.id)).await?;
    let data = process.existing()?;
    let position = data.position_of(call.id, kind)?;
    Ok(Json(detail(&call.state, &call.organization, data, position)?))
}

/// The signer saw the documents of a signature of that kind.
pub(super) async fn preview_as(call: Call<Uuid>, kind: SignType) -> Result<(), ApiError> {
    let device = call.device(Required::Installation)?;
    act(&call, Command::Preview { signature: call.id, kind, device }).await
}

pub async fn read(call: Call<Uuid>) -> Result<Json<SignDetail>, ApiError> {
    read_as(call, SignType::Simple).await
}

async fn act(call: &Call<Uuid>, command: Command) -> Result<(), ApiError> {
    call.engine.processes.sign.ask(&call.organization, process_of_signature(call.id), command).await?;
    Ok(())
}

pub async fn preview(call: Call<Uuid>) -> Result<(), ApiError> {
    preview_as(call, SignType::Simple).await
}

pub async fn sign(call: Call<Uuid>) -> Result<(), ApiError> {
    let device = call.device(Required::Installation)?;
    act(&call, Command::Sign { signature: call.id, device, handwriting: None }).await
}
