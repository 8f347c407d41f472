//! Sign processes: create, read, cancel.

use actix_web::http::header::{self, HeaderValue};
use chrono::{DateTime, SubsecRound, Utc};
use percent_encoding::utf8_percent_encode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{
    Contact, ContactOrigin, IdentificationType, Language, SignType, TwoFactorType,
    sign_process::{Command, Data, SignatureStatus, Signer, SignerFields, Status},
};

use super::{
    ApiError,
    call::{Call, Json, WithHeader},
    durations,
    processes::{self, IdResponse},
};
use crate::{
    access::Grant,
    percent::RESERVED,
    processes::creation::{self, Fields, Names, Request},
};

/// Contract `CreateSignProcessRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CreateSignProcessRequest {
    #[schema(min_items = 1, max_items = 50)]
    signers: Vec<SignerRequest>,
    sign: SignRequest,
    identification: SignIdentificationRequest,
    /// Time limit: PT15M to P30D; default: the tenant's, else P30D.
    #[schema(schema_with = durations::sign_process, required = false)]
    expires_in: Option<String>,
}

/// Contract `Signer`.
#[derive(Deserialize, ToSchema)]
#[schema(as = Signer)]
pub struct SignerRequest {
    /// Name by which the rest of the request refers to the signer; unique in the process.
    #[schema(min_length = 1, max_length = 100, pattern = "LINE")]
    alias: String,
    /// Given name.
    #[schema(min_length = 1, max_length = 200, pattern = "LINE")]
    name: String,
    #[schema(min_length = 1, max_length = 200, pattern = "LINE")]
    last_name: Option<String>,
    identity_document: Option<workflows::IdentityDocument>,
    #[schema(format = "email")]
    email: Option<String>,
    msisdn: Option<workflows::Msisdn>,
    language: Option<Language>,
    identification: Option<SignerIdentification>,
    /// Where e-mail address and phone come from. An addition to the contract: it is kept and stands in the evidence.
    contact_origin: Option<ContactOrigin>,
}

/// Contract `SignerIdentification`.
#[derive(Deserialize, ToSchema)]
pub struct SignerIdentification {
    two_factor_type: Option<TwoFactorType>,
}

/// Contract `SignRequest`.
#[derive(Deserialize, ToSchema)]
pub struct SignRequest {
    #[serde(rename = "type")]
    kind: SignType,
    #[schema(min_items = 1, max_items = 50)]
    documents: Vec<SignDocument>,
    /// Documents that are shown but not signed.
    #[schema(max_items = 49)]
    preview_documents: Option<Vec<Uuid>>,
}

/// Contract `SignDocument`.
#[derive(Deserialize, ToSchema)]
pub struct SignDocument {
    id: Uuid,
    /// Owner of the document; needed when it is private.
    #[schema(min_length = 1, max_length = 255, pattern = "LINE")]
    owner: Option<String>,
    sign_fields: Option<Vec<SignFields>>,
}

/// Contract `SignFields`.
#[derive(Deserialize, ToSchema)]
pub struct SignFields {
    /// Alias of a signer.
    signer: String,
    /// Names of signature fields that this signer signs.
    #[schema(min_items = 1)]
    fields: Vec<String>,
}

/// Contract `SignIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct SignIdentificationRequest {
    #[serde(rename = "type")]
    kind: IdentificationType,
}

impl From<CreateSignProcessRequest> for Request {
    fn from(request: CreateSignProcessRequest) -> Self {
        let signer = |signer: SignerRequest| creation::SignerRequest {
            alias: signer.alias,
            person: Contact {
                name: Some(signer.name),
                last_name: signer.last_name,
                identity_document: signer.identity_document,
                email: signer.email,
                msisdn: signer.msisdn,
                language: signer.language.unwrap_or_default(),
                origin: signer.contact_origin,
            },
            two_factor_type: signer.identification.and_then(|identification| identification.two_factor_type),
            evidence_required: false,
        };
        let fields = |SignFields { signer, fields }| SignerFields { signer, fields };
        let document = |document: SignDocument| creation::DocumentRequest {
            id: document.id,
            owner: document.owner,
            fields: Fields::Named(document.sign_fields.unwrap_or_default().into_iter().map(fields).collect()),
            contract: None,
        };
        Self {
            sign_type: request.sign.kind,
            identification_type: request.identification.kind,
            signers: request.signers.into_iter().map(signer).collect(),
            documents: request.sign.documents.into_iter().map(document).collect(),
            previews: request.sign.preview_documents.unwrap_or_default(),
            expires_in: request.expires_in,
            names: &Names::SIGN_PROCESS,
        }
    }
}

pub async fn create(call: Call<(), Json<CreateSignProcessRequest>>) -> Result<WithHeader<Json<IdResponse>>, ApiError> {
    let Call { organization, body: Json(request), state, engine, .. } = call;
    let creator = engine.creator(&state);
    let id = creator.create(&organization, request.into(), engine.clock.now()).await?;
    let value = HeaderValue::from_str(&format!("/orgs/{}/sign_process/{id}", utf8_percent_encode(&organization, RESERVED)));
    Ok(WithHeader { name: header::LOCATION, value: value.map_err(ApiError::internal)?, answer: Json(IdResponse { id }) })
}

/// Contract `SignProcess`.
#[derive(Serialize, ToSchema)]
pub struct SignProcess {
    signatures: Vec<Signature>,
    status: Status,
    sign_type: SignType,
    modification_date: DateTime<Utc>,
    creation_date: DateTime<Utc>,
    /// Document id of the certificate of the process; set once CERTIFIED.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    certificate_id: Option<Uuid>,
}

/// Contract `Signature`.
#[derive(Serialize, ToSchema)]
pub struct Signature {
    alias: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_name: Option<String>,
    language: Language,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    document_number: Option<String>,
    sign: SignatureSign,
    identification: IdentificationRef,
}

/// Contract `SignatureSign`.
#[derive(Serialize, ToSchema)]
pub struct SignatureSign {
    id: Uuid,
    /// CREATED, SUCCEEDED, FAILED, CANCELLED or EXPIRED.
    #[schema(value_type = String)]
    status: SignatureStatus,
    modification_date: DateTime<Utc>,
}

/// Contract `IdentificationRef`.
#[derive(Serialize, ToSchema)]
pub struct IdentificationRef {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub kind: IdentificationType,
}

impl From<&Data> for SignProcess {
    fn from(data: &Data) -> Self {
        let signers = data.creation.signers.iter().zip(&data.signatures);
        let signature = |(signer, signature): (&Signer, &workflows::sign_process::Signature)| Signature {
            alias: signer.alias.clone(),
            name: signer.person.name.clone(),
            last_name: signer.person.last_name.clone(),
            language: signer.person.language,
            document_number: signer.person.identity_document.as_ref().map(|document| document.document_number.clone()),
            sign: SignatureSign {
                id: signature.id,
                status: signature.status,
                modification_date: signature.modified_at.trunc_subsecs(3),
            },
            identification: IdentificationRef { id: signer.identification, kind: data.creation.identification_type },
        };
        Self {
            signatures: signers.map(signature).collect(),
            status: data.status,
            sign_type: data.creation.sign_type,
            modification_date: data.modified_at.trunc_subsecs(3),
            creation_date: data.created_at.trunc_subsecs(3),
            certificate_id: data.certificate,
        }
    }
}

pub async fn read(call: Call<Uuid>) -> Result<Json<SignProcess>, ApiError> {
    let process = call.engine.processes.sign.read(&call.organization, call.id).await?;
    let mut shown = SignProcess::from(process.existing()?);
    if !matches!(call.caller.grant, Grant::Organization { .. }) {
        // A document number may be the second factor that the holder of this token has to know.
        shown.signatures.iter_mut().for_each(|signature| signature.document_number = None);
    }
    Ok(Json(shown))
}

/// Contract `CancelSignProcessRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CancelSignProcessRequest {
    /// Why the process is cancelled.
    #[schema(pattern = r"\S", max_length = 1000)]
    reason: String,
}

pub async fn cancel(call: Call<Uuid, Json<CancelSignProcessRequest>>) -> Result<(), ApiError> {
    let Json(CancelSignProcessRequest { reason }) = call.body;
    processes::check_reason(&reason)?;
    call.engine.processes.sign.ask(&call.organization, call.id, Command::Cancel { reason, by: None }).await?;
    Ok(())
}
