//! Sign processes: create, read, cancel.

use ::documents::{inspect::Facts, pkcs12::Identity, seal};
use actix_web::http::header::{self, HeaderValue};
use bytes::Bytes;
use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Timestamp, blobs::Digest};
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};
use uuid::Uuid;
use workflows::{
    IdentificationType, Language, SignType, TwoFactorType,
    sign_process::{
        Command, Creation, Data, Document, MAX_DOCUMENTS, MAX_EXPIRY, MAX_SIGNERS, MIN_EXPIRY, Preview, SignatureStatus, Signer,
        SignerFields, Status, process_id,
    },
    values::{self, Problems},
};

use super::{
    ApiError, State,
    call::{Call, Json, WithHeader},
    durations,
    people::Person,
    processes::{self, Engine, IdResponse},
};
use crate::{
    access::Grant,
    catalogue::{
        documents::{self, Extension, Owner},
        sign_configuration::{self, SignConfiguration},
    },
    cpu_pool::Cutoff,
    iso_duration,
};

/// Most bytes of a creation in the journal, with room for what the journal adds.
const MAX_CREATION: usize = store::MAX_BODY - 4096;

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
    #[schema(
        min_length = 1,
        max_length = 100,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$"
    )]
    alias: String,
    /// Given name.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$"
    )]
    name: String,
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$"
    )]
    last_name: Option<String>,
    identity_document: Option<workflows::IdentityDocument>,
    #[schema(format = "email")]
    email: Option<String>,
    msisdn: Option<workflows::Msisdn>,
    language: Option<Language>,
    identification: Option<SignerIdentification>,
}

/// Contract `SignerIdentification`.
#[derive(Deserialize, ToSchema)]
pub struct SignerIdentification {
    two_factor_type: Option<TwoFactorType>,
}

/// The kind of signature that this version makes.
fn only_simple() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([SignType::Simple].map(|kind| json!(kind)))).build()
}

/// The kind of identification that a sign process of this version can have.
fn only_otp() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some([IdentificationType::Otp].map(|kind| json!(kind)))).build()
}

/// Contract `SignRequest`.
#[derive(Deserialize, ToSchema)]
pub struct SignRequest {
    #[serde(rename = "type")]
    #[schema(schema_with = only_simple)]
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
    #[schema(
        min_length = 1,
        max_length = 255,
        pattern = r"^[^\x00-\x1F\x7F-\x9F]*[^\s\x00-\x1F\x7F-\x9F][^\x00-\x1F\x7F-\x9F]*$"
    )]
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
    #[schema(schema_with = only_otp)]
    kind: IdentificationType,
}

pub async fn create(call: Call<(), Json<CreateSignProcessRequest>>) -> Result<WithHeader<Json<IdResponse>>, ApiError> {
    let Call { organization, body: Json(request), state, engine, .. } = call;
    let configuration = state.configurations.load(&organization).await?.ok_or(sign_configuration::Error::NotFound)?;
    let now = engine.clock.now();
    let creation = Check::new(&state, &organization, &configuration).creation(request, now, &engine).await?;
    let id = creation.id;
    hold(&state, &organization, &creation, now).await?;
    let created = engine.processes.sign.create(&organization, id, Command::Create(Box::new(creation.clone()))).await;
    if let Err(actors::Error::Refused(_) | actors::Error::Overloaded) = &created {
        // Certainly not created; of other faults nobody knows yet.
        release(&state, &organization, &creation, now).await;
    }
    created?;
    let value = HeaderValue::from_str(&format!("/orgs/{}/sign_process/{id}", path_segment(&organization)));
    Ok(WithHeader { name: header::LOCATION, value: value.map_err(ApiError::internal)?, answer: Json(IdResponse { id }) })
}

/// Holds the bytes of the documents for the process.
async fn hold(state: &State, organization: &str, creation: &Creation, now: Timestamp) -> Result<(), ApiError> {
    for digest in digests(creation) {
        if let Err(error) = state.documents.hold(organization, &digest, creation.id, now).await {
            release(state, organization, creation, now).await;
            return Err(match error {
                documents::Error::Gone => ApiError::input("sign.documents: a document was deleted meanwhile"),
                other => other.into(),
            });
        }
    }
    Ok(())
}

/// Gives up what was held for a process that does not come to be. What a crash leaves held the collector of orphans finds.
async fn release(state: &State, organization: &str, creation: &Creation, now: Timestamp) {
    for digest in digests(creation) {
        if let Err(error) = state.documents.release(organization, &digest, creation.id, now).await {
            tracing::warn!(%error, "bytes stay held for a process that was not created, until they are collected");
        }
    }
}

fn digests(creation: &Creation) -> Vec<Digest> {
    let documents = creation.documents.iter().map(|document| &document.digest);
    documents.chain(creation.previews.iter().map(|preview| &preview.digest)).filter_map(|digest| digest.parse().ok()).collect()
}

/// The checks of a creation. All problems are told at once.
struct Check<'a> {
    state: &'a State,
    organization: &'a str,
    configuration: &'a SignConfiguration,
    problems: Problems,
}

impl<'a> Check<'a> {
    fn new(state: &'a State, organization: &'a str, configuration: &'a SignConfiguration) -> Self {
        Self { state, organization, configuration, problems: Problems::default() }
    }

    fn problem(&mut self, path: impl Into<String>, message: impl std::fmt::Display) {
        self.problems.note(path, message);
    }

    async fn creation(
        mut self,
        request: CreateSignProcessRequest,
        now: DateTime<Utc>,
        engine: &Engine,
    ) -> Result<Creation, ApiError> {
        if request.sign.kind != SignType::Simple {
            self.problem("sign.type", "only SIMPLE is supported by this version");
        }
        if request.identification.kind != IdentificationType::Otp {
            self.problem("identification.type", "only OTP is supported by this version");
        }
        let expires_in = self.expires_in(request.expires_in.as_deref());
        let signers = self.signers(request.signers);
        let aliases: Vec<String> = signers.iter().map(|signer| signer.alias.clone()).collect();
        let count = request.sign.documents.len() + request.sign.preview_documents.as_ref().map_or(0, Vec::len);
        if request.sign.documents.is_empty() || count > MAX_DOCUMENTS {
            self.problem("sign.documents", format!("expected 1 to {MAX_DOCUMENTS} documents, those to preview included"));
            return Err(self.problems.into());
        }
        let mut documents = Vec::new();
        for (index, document) in request.sign.documents.into_iter().enumerate() {
            let path = format!("sign.documents[{index}]");
            if documents.iter().any(|other: &Document| other.id == document.id) {
                self.problem(format!("{path}.id"), "the document is named twice");
                continue;
            }
            documents.extend(self.document(&path, document, &aliases).await?);
        }
        let mut previews = Vec::new();
        for (index, id) in request.sign.preview_documents.unwrap_or_default().into_iter().enumerate() {
            previews.extend(self.preview(&format!("sign.preview_documents[{index}]"), id, &documents).await?);
        }
        if !self.problems.is_empty() {
            return Err(self.problems.into());
        }
        let creation = Creation {
            id: process_id(Uuid::now_v7()),
            sign_type: request.sign.kind,
            identification_type: request.identification.kind,
            signers,
            documents,
            previews,
            expires_at: now + expires_in,
            notices: self.configuration.channels.clone(),
            policy: engine.code_policy.clone(),
        };
        // Signers, documents and fields are bounded one by one; together they must fit one entry of the journal.
        if serde_json::to_vec(&creation).map_err(ApiError::internal)?.len() > MAX_CREATION {
            return Err(ApiError::input(
                "the process is too large: fewer signers, documents or sign fields, or shorter texts, are needed",
            ));
        }
        Ok(creation)
    }

    /// Request, then tenant (note sign-expiry).
    fn expires_in(&mut self, text: Option<&str>) -> chrono::Duration {
        let Some(text) = text else { return self.configuration.expiration_duration };
        match iso_duration::parse(text) {
            Ok(duration) if (MIN_EXPIRY..=MAX_EXPIRY).contains(&duration) => return duration,
            Ok(_) => self.problem("expires_in", "expected PT15M to P30D"),
            Err(error) => self.problem("expires_in", error),
        }
        MAX_EXPIRY
    }

    fn signers(&mut self, requests: Vec<SignerRequest>) -> Vec<Signer> {
        if requests.is_empty() || requests.len() > MAX_SIGNERS {
            self.problem("signers", format!("expected 1 to {MAX_SIGNERS}"));
            return Vec::new();
        }
        let mut signers: Vec<Signer> = Vec::new();
        for (index, request) in requests.into_iter().enumerate() {
            let path = format!("signers[{index}]");
            let alias = self.problems.take(format!("{path}.alias"), values::alias(&request.alias)).unwrap_or_default();
            if !alias.is_empty() && signers.iter().any(|other| other.alias == alias) {
                self.problem(format!("{path}.alias"), "another signer has it");
            }
            let person = Person {
                name: Some(request.name),
                last_name: request.last_name,
                identity_document: request.identity_document,
                email: request.email,
                msisdn: request.msisdn,
                language: request.language,
            };
            let person = person.check(&path, &mut self.problems);
            let two_factor_type = request.identification.and_then(|identification| identification.two_factor_type);
            person.check_second_factor(&path, two_factor_type, &mut self.problems);
            // The code goes out on the first of the tenant's channels that reaches the signer.
            let channel = self.configuration.channels.iter().copied().find(|channel| person.destination(*channel).is_some());
            if channel.is_none() {
                let channels: Vec<_> =
                    self.configuration.channels.iter().map(|channel| format!("{channel:?}").to_uppercase()).collect();
                self.problem(path, format!("no email or msisdn for a channel of the organization ({})", channels.join(", ")));
            }
            let channel = channel.unwrap_or(workflows::Channel::Email);
            signers.push(Signer { alias, person, identification: Uuid::now_v7(), channel, two_factor_type });
        }
        signers
    }

    async fn document(&mut self, path: &str, request: SignDocument, aliases: &[String]) -> Result<Option<Document>, ApiError> {
        let owner = match request.owner.as_deref().map(Owner::new).transpose() {
            Ok(owner) => owner,
            Err(message) => {
                self.problem(format!("{path}.owner"), message);
                return Ok(None);
            }
        };
        let Some(record) = self.record(path, request.id, owner.as_ref()).await? else { return Ok(None) };
        if record.extension != Extension::Pdf {
            self.problem(format!("{path}.id"), format!("the document is no PDF but {}", record.extension.as_str()));
            return Ok(None);
        }
        let sign_fields = request.sign_fields.unwrap_or_default();
        let asked = asked_of(&sign_fields, aliases);
        // Without one the seal waits for the tenant's next certificate, and that is asked then.
        let identity = self.state.configurations.identity(self.organization, (self.state.clock)()).await.ok();
        // Uploads are rehearsed; what an older version of this program took, or what the server made itself, is not.
        let rehearse = record.comparison.is_none();
        let inspect = move |bytes: Bytes, _: &Cutoff| inspected(&bytes, identity.as_deref(), asked, rehearse);
        let inspected = match self.state.documents.work_on(self.organization, &record, inspect).await {
            Ok(inspected) => inspected,
            Err(error) => {
                let reason = error.set_aside().ok_or(error)?;
                self.problem(format!("{path}.id"), format!("the document cannot be signed: {reason}"));
                return Ok(None);
            }
        };
        let facts = match inspected {
            Ok(facts) => facts,
            Err(reason) => {
                self.problem(format!("{path}.id"), format!("the document cannot be signed: {reason}"));
                return Ok(None);
            }
        };
        let fields = self.fields(path, sign_fields, aliases, &facts.signature_fields);
        Ok(Some(Document {
            id: record.id,
            name: record.name,
            owner: record.owner.map(|owner| owner.as_str().to_owned()),
            digest: record.digest.to_string(),
            size: record.size,
            pages: u32::try_from(facts.pages).unwrap_or(u32::MAX),
            fields,
        }))
    }

    fn fields(
        &mut self,
        path: &str,
        requests: Vec<SignFields>,
        aliases: &[String],
        known: &[::documents::inspect::SignatureField],
    ) -> Vec<SignerFields> {
        let mut used: Vec<String> = Vec::new();
        for (index, request) in requests.iter().enumerate() {
            let path = format!("{path}.sign_fields[{index}]");
            if !aliases.contains(&request.signer) {
                self.problem(format!("{path}.signer"), "no signer has this alias");
            }
            if request.fields.is_empty() {
                self.problem(format!("{path}.fields"), "expected at least one");
            }
            for name in &request.fields {
                match known.iter().find(|field| field.name == *name) {
                    None => self.problem(format!("{path}.fields"), "the document has no signature field of this name"),
                    Some(field) if field.signed => self.problem(format!("{path}.fields"), "a field is signed already"),
                    Some(_) if used.contains(name) => self.problem(format!("{path}.fields"), "a field is named twice"),
                    Some(_) => used.push(name.clone()),
                }
            }
        }
        requests.into_iter().map(|request| SignerFields { signer: request.signer, fields: request.fields }).collect()
    }

    /// A document that is shown only. It has no owner in the request; a private one is shown if it belongs to the owner of a
    /// document to sign.
    async fn preview(&mut self, path: &str, id: Uuid, signed: &[Document]) -> Result<Option<Preview>, ApiError> {
        let record = match self.state.documents.find(self.organization, id).await {
            Ok(record) => record,
            Err(documents::Error::NotFound) => {
                self.problem(path, "there is no such document");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let same_owner = |owner: &Owner| signed.iter().any(|document| document.owner.as_deref() == Some(owner.as_str()));
        let owner = record.owner.clone().filter(same_owner);
        let record = self.record(path, id, owner.as_ref()).await?;
        Ok(record.map(|record| Preview { id, name: record.name, digest: record.digest.to_string() }))
    }

    async fn record(&mut self, path: &str, id: Uuid, owner: Option<&Owner>) -> Result<Option<documents::Document>, ApiError> {
        match self.state.documents.read(self.organization, id, owner).await {
            Ok(record) => Ok(Some(record)),
            Err(error @ (documents::Error::NotFound | documents::Error::NotOwner | documents::Error::Gone)) => {
                self.problem(path, error);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A text as a segment of a path: everything but the unreserved characters of RFC 3986, 2.3, is escaped.
fn path_segment(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
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
    call.engine.processes.sign.ask(&call.organization, call.id, Command::Cancel { reason }).await?;
    Ok(())
}

/// The signatures that a document will get: one for each field, an invisible one for each signer without fields. What of them the document
/// does not have is told elsewhere.
fn asked_of(sign_fields: &[SignFields], aliases: &[String]) -> Vec<seal::Request> {
    let fields = aliases.iter().flat_map(|signer| {
        let own = sign_fields.iter().filter(|own| own.signer == *signer);
        let fields: Vec<Option<String>> = own.flat_map(|own| own.fields.iter().cloned().map(Some)).collect();
        if fields.is_empty() { vec![None] } else { fields }
    });
    let request = |field| seal::Request {
        field,
        signer_name: String::new(),
        at: DateTime::UNIX_EPOCH,
        reason: crate::processes::seal_reason(Uuid::nil()),
        location: None,
        appearance_lines: None,
    };
    fields.map(request).collect()
}

/// What a document holds, if it can be sealed as asked; else why not, in words. Takes processor time.
fn inspected(bytes: &[u8], identity: Option<&Identity>, asked: Vec<seal::Request>, rehearse: bool) -> Result<Facts, String> {
    let facts = ::documents::inspect::inspect(bytes).map_err(|error| error.to_string())?;
    if rehearse {
        seal::rehearse(bytes).map_err(|error| error.to_string())?;
    }
    let free = |name: &String| facts.signature_fields.iter().any(|field| field.name == *name && !field.signed);
    let possible: Vec<_> = asked.into_iter().filter(|request| request.field.as_ref().is_none_or(free)).collect();
    let told = |field: &Option<String>| match field {
        Some(name) => facts.signature_fields.iter().find(|field| field.name == *name).and_then(|field| field.refusal.clone()),
        None => facts.new_field_refusal.clone(),
    };
    if let Some(reason) = possible.iter().find_map(|request| told(&request.field)) {
        return Err(reason);
    }
    if let Some(identity) = identity {
        seal::allows(bytes, identity, &possible).map_err(|error| error.to_string())?;
    }
    Ok(facts)
}
