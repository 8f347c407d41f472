//! How a sign process comes to be: everything that is wrong with a request is told at once, the bytes of its documents are held, and only
//! then is the process created. Whoever creates one comes here: an operation of the API, and what fills contracts.

use ::documents::{inspect::Facts, pkcs12::Identity, seal};
use bytes::Bytes;
use chrono::DateTime;
use store::{Timestamp, blobs::Digest};
use uuid::Uuid;
use workflows::{
    Channel, Contact, IdentificationType, SignType, TwoFactorType,
    identification::identity_document::Terms,
    sign_process::{
        Command, Contract, Creation, Document, MAX_DOCUMENTS, MAX_SIGNERS, Preview, Signer, SignerFields, TIME_LIMIT, process_id,
    },
    values::{self, Problems},
};

use super::{Processes, evidence, seal_reason, signature_fields};
use crate::{
    catalogue::{
        documents::{self, Documents, Extension, Owner},
        sign_configuration::{self, ProviderRule, ProviderType, SignConfiguration, SignConfigurations},
    },
    codes::Policies,
    cpu_pool::Cutoff,
    handwriting::{self, Handwritings},
};

/// Maximum size of a creation in the journal, in bytes, with room for what the journal adds.
const MAX_CREATION: usize = store::MAX_BODY - 4096;

/// A sign process as it is asked for; nothing of it is checked yet.
pub struct Request {
    pub sign_type: SignType,
    pub identification_type: IdentificationType,
    pub signers: Vec<SignerRequest>,
    pub documents: Vec<DocumentRequest>,
    /// Documents that are shown but not signed.
    pub previews: Vec<Uuid>,
    /// ISO-8601; without it, the organization's.
    pub expires_in: Option<String>,
    /// What the caller calls the members of the request.
    pub names: &'static Names,
}

/// The members of a request as its caller spells them: problems name them.
#[derive(Debug)]
pub struct Names {
    pub sign_type: &'static str,
    pub documents: &'static str,
    /// The identifier, within a document.
    pub document: &'static str,
    pub previews: &'static str,
    /// What has a signature by hand made.
    pub by_hand: &'static str,
}

impl Names {
    /// Of the contract's `CreateSignProcessRequest`.
    pub const SIGN_PROCESS: Self = Self {
        sign_type: "sign.type",
        documents: "sign.documents",
        document: "id",
        previews: "sign.preview_documents",
        by_hand: "BIOMETRIC",
    };

    /// Of the contract's `SignContractsRequest`.
    pub const CONTRACTS: Self = Self {
        sign_type: "sign_type",
        documents: "contracts",
        document: "contract_id",
        previews: "additional_options.preview_documents",
        by_hand: "ONSITE",
    };
}

/// One who is to sign.
pub struct SignerRequest {
    pub alias: String,
    pub person: Contact,
    pub two_factor_type: Option<TwoFactorType>,
    /// Whether an agent must take a picture of the identity document; without effect where none identifies the signer.
    pub evidence_required: bool,
}

/// A document to sign.
pub struct DocumentRequest {
    pub id: Uuid,
    /// Needed when it is private.
    pub owner: Option<String>,
    /// Who signs which of its fields.
    pub fields: Fields,
    /// The contract that it is the filled document of.
    pub contract: Option<Contract>,
}

/// How the signature fields of a document find their signers.
#[derive(Clone, Debug)]
pub enum Fields {
    /// Signers are named with their fields.
    Named(Vec<SignerFields>),
    /// Fields are named after signers: see `signature_fields`.
    ByAlias,
}

/// Why a sign process does not come to be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// With the members of the request, see [`Names`].
    #[error("the sign process is not valid")]
    Invalid(Problems),
    #[error("the process is too large: fewer signers, documents or sign fields, or shorter texts, are needed")]
    TooLarge,
    #[error("a document was deleted meanwhile")]
    Deleted,
    #[error(transparent)]
    Documents(#[from] documents::Error),
    #[error(transparent)]
    Configuration(#[from] sign_configuration::Error),
    #[error(transparent)]
    Handwriting(#[from] handwriting::Error),
    #[error(transparent)]
    Process(#[from] actors::Error),
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Self {
        Self::Invalid(problems)
    }
}

/// What a creation needs.
pub struct Creator<'a> {
    pub processes: &'a Processes,
    pub documents: &'a Documents,
    pub configurations: &'a SignConfigurations,
    /// Of the signers' codes.
    pub policies: &'a Policies,
    pub handwritings: &'a Handwritings,
    /// How identity documents are checked where nobody says otherwise.
    pub terms: Terms,
    /// By which certificates are valid.
    pub wall_clock: Timestamp,
}

impl Creator<'_> {
    /// Creates a sign process at `now`, which is process time. Answers its identifier.
    ///
    /// # Errors
    /// [`Error`]; nothing was created then, except perhaps after [`actors::Error::Unavailable`].
    pub async fn create(&self, organization: &str, request: Request, now: Timestamp) -> Result<Uuid, Error> {
        let creation = self.checked(organization, request, now).await?;
        self.hold(organization, &creation, now).await?;
        self.begin(organization, &creation, now).await?;
        Ok(creation.id)
    }

    /// What a process is made of, if nothing is wrong with the request.
    pub(super) async fn checked(&self, organization: &str, request: Request, now: Timestamp) -> Result<Creation, Error> {
        let configuration = self.configurations.load(organization).await?.ok_or(sign_configuration::Error::NotFound)?;
        Check::new(self, organization, &configuration, request.names).creation(request, now).await
    }

    /// Creates a process whose bytes are held.
    pub(super) async fn begin(&self, organization: &str, creation: &Creation, now: Timestamp) -> Result<(), actors::Error> {
        let create = Command::Create(Box::new(creation.clone()));
        let created = self.processes.sign.create(organization, creation.id, create).await;
        if created.as_ref().is_err_and(is_certainly_not_created) {
            self.release(organization, creation, now).await;
        }
        created.map(drop)
    }

    /// Holds the bytes of the documents for the process.
    pub(super) async fn hold(&self, organization: &str, creation: &Creation, now: Timestamp) -> Result<(), Error> {
        for digest in digests(creation) {
            if let Err(error) = self.documents.hold(organization, &digest, creation.id, now).await {
                self.release(organization, creation, now).await;
                return Err(match error {
                    documents::Error::Gone => Error::Deleted,
                    other => other.into(),
                });
            }
        }
        Ok(())
    }

    /// Gives up what was held for a process that does not come to be. What a crash leaves held the collector of orphans finds.
    pub(super) async fn release(&self, organization: &str, creation: &Creation, now: Timestamp) {
        for digest in digests(creation) {
            if let Err(error) = self.documents.release(organization, &digest, creation.id, now).await {
                tracing::warn!(%error, "bytes stay held for a process that was not created, until they are collected");
            }
        }
    }
}

/// Of other faults nobody knows yet.
pub(super) fn is_certainly_not_created(error: &actors::Error) -> bool {
    matches!(error, actors::Error::Refused(_) | actors::Error::Overloaded)
}

fn digests(creation: &Creation) -> Vec<Digest> {
    let documents = creation.documents.iter().map(|document| &document.digest);
    documents.chain(creation.previews.iter().map(|preview| &preview.digest)).filter_map(|digest| digest.parse().ok()).collect()
}

/// What each signer must have to be identified in one way.
struct Needs {
    /// A channel of the organization must reach the signer: a code goes out on it.
    code_channel: bool,
    /// Why an identity document must be given.
    identity_document: Option<&'static str>,
    /// A picture of the identity document can be asked for.
    evidence: bool,
}

fn needs_of(kind: IdentificationType) -> Needs {
    match kind {
        IdentificationType::Otp => Needs { code_channel: true, identity_document: None, evidence: false },
        IdentificationType::Agent => {
            Needs { code_channel: false, identity_document: Some("an agent compares it"), evidence: true }
        }
        IdentificationType::IdentityDocument => {
            let why = "its kind and country say what is scored";
            Needs { code_channel: false, identity_document: Some(why), evidence: false }
        }
    }
}

/// The checks of a creation. All problems are told at once.
struct Check<'a> {
    creator: &'a Creator<'a>,
    organization: &'a str,
    configuration: &'a SignConfiguration,
    names: &'static Names,
    problems: Problems,
}

impl<'a> Check<'a> {
    fn new(creator: &'a Creator<'a>, organization: &'a str, configuration: &'a SignConfiguration, names: &'static Names) -> Self {
        Self { creator, organization, configuration, names, problems: Problems::default() }
    }

    fn problem(&mut self, path: impl Into<String>, message: impl std::fmt::Display) {
        self.problems.note(path, message);
    }

    async fn creation(mut self, request: Request, now: Timestamp) -> Result<Creation, Error> {
        if request.sign_type == SignType::Biometric {
            self.escrow()?;
        }
        let expires_in = self.expires_in(request.expires_in.as_deref());
        let signers = self.signers(request.signers, needs_of(request.identification_type));
        let aliases: Vec<String> = signers.iter().map(|signer| signer.alias.clone()).collect();
        let count = request.documents.len() + request.previews.len();
        if request.documents.is_empty() || count > MAX_DOCUMENTS {
            self.problem(self.names.documents, format!("expected 1 to {MAX_DOCUMENTS} documents, those to preview included"));
            return Err(self.problems.into());
        }
        let mut documents = Vec::new();
        for (index, document) in request.documents.into_iter().enumerate() {
            let path = format!("{}[{index}]", self.names.documents);
            if documents.iter().any(|other: &Document| other.id == document.id) {
                self.problem(format!("{path}.{}", self.names.document), "the document is named twice");
                continue;
            }
            documents.extend(self.document(&path, document, &aliases).await?);
        }
        let mut previews = Vec::new();
        for (index, id) in request.previews.into_iter().enumerate() {
            previews.extend(self.preview(&format!("{}[{index}]", self.names.previews), id, &documents).await?);
        }
        if !self.problems.is_empty() {
            return Err(self.problems.into());
        }
        let creation = Creation {
            id: process_id(Uuid::now_v7()),
            sign_type: request.sign_type,
            identification_type: request.identification_type,
            signers,
            documents,
            previews,
            expires_at: now + expires_in,
            notices: self.configuration.channels.clone(),
            policy: self.creator.policies.of(self.organization, &self.configuration.channels),
            document_check: self.document_check(request.identification_type, request.sign_type),
            contact_policy: self.configuration.contact_policy(),
        };
        // Signers, documents and fields are bounded one by one; together they must fit one entry of the journal.
        let size = serde_json::to_vec(&creation).map_or(usize::MAX, |body| body.len());
        if size > MAX_CREATION { Err(Error::TooLarge) } else { Ok(creation) }
    }

    /// A handwriting can be encrypted to somebody: without that no signer could ever sign.
    fn escrow(&mut self) -> Result<(), Error> {
        match self.creator.handwritings.terms(self.configuration) {
            Ok(terms) => self.creator.handwritings.warn_of_ends(self.organization, &terms, self.creator.wall_clock),
            Err(handwriting::Error::NoEscrow) => self.problem(
                self.names.sign_type,
                format!(
                    "{} needs an escrow certificate, to which handwritings are encrypted: set escrow_certificates in the biometric_policy of \
                     the sign configuration",
                    self.names.by_hand
                ),
            ),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Request, then tenant (note sign-expiry).
    fn expires_in(&mut self, text: Option<&str>) -> chrono::Duration {
        let Some(text) = text else { return self.configuration.expiration_duration };
        self.problems.take("expires_in", TIME_LIMIT.read(text)).unwrap_or(TIME_LIMIT.max())
    }

    fn signers(&mut self, requests: Vec<SignerRequest>, needs: Needs) -> Vec<Signer> {
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
            let (person, two_factor_type) = (request.person.checked(&path, &mut self.problems), request.two_factor_type);
            if let Some(why) = needs.identity_document {
                person.check_identity_document(&path, why, &mut self.problems);
            }
            let (mut channel, mut factor) = (None, None);
            if needs.code_channel {
                person.check_second_factor(&path, two_factor_type, &mut self.problems);
                (channel, factor) = (self.code_channel(&path, &person), two_factor_type);
            }
            let evidence_required = request.evidence_required && needs.evidence;
            let identification = Uuid::now_v7();
            signers.push(Signer { alias, person, identification, channel, two_factor_type: factor, evidence_required });
        }
        signers
    }

    /// The channel of the signer's code.
    fn code_channel(&mut self, path: &str, person: &Contact) -> Option<Channel> {
        let channels = &self.configuration.channels;
        let channel = self.configuration.code_channel(person);
        if channel.is_none() {
            let channels: Vec<_> = channels.iter().map(|channel| format!("{channel:?}").to_uppercase()).collect();
            self.problem(path, format!("no email or msisdn for a channel of the organization ({})", channels.join(", ")));
        }
        channel
    }

    async fn document(&mut self, path: &str, request: DocumentRequest, aliases: &[String]) -> Result<Option<Document>, Error> {
        let owner = match request.owner.as_deref().map(Owner::new).transpose() {
            Ok(owner) => owner,
            Err(message) => {
                self.problem(format!("{path}.owner"), message);
                return Ok(None);
            }
        };
        let Some(record) = self.record(path, request.id, owner.as_ref()).await? else { return Ok(None) };
        let id_path = format!("{path}.{}", self.names.document);
        if record.extension != Extension::Pdf {
            self.problem(id_path, format!("the document is no PDF but {}", record.extension.as_str()));
            return Ok(None);
        }
        let (fields, of) = (request.fields.clone(), aliases.to_vec());
        // Without one the seal waits for the tenant's next certificate, and that is asked then.
        let identity = self.creator.configurations.identity(self.organization, self.creator.wall_clock).await.ok();
        // Uploads are rehearsed; what an older version of this program took, or what the server made itself, is not.
        let rehearse = record.comparison.is_none();
        let inspect = move |bytes: Bytes, _: &Cutoff| inspected(&bytes, identity.as_deref(), fields, &of, rehearse);
        let inspected = match self.creator.documents.work_on(self.organization, &record, inspect).await {
            Ok(inspected) => inspected,
            Err(error) => {
                let reason = error.set_aside().ok_or(error)?;
                self.problem(id_path, format!("the document cannot be signed: {reason}"));
                return Ok(None);
            }
        };
        let (facts, sign_fields) = match inspected {
            Ok(inspected) => inspected,
            Err(reason) => {
                self.problem(id_path, format!("the document cannot be signed: {reason}"));
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
            contract: request.contract,
        }))
    }

    /// How the signers' identity documents are checked, if they identify them.
    fn document_check(&self, kind: IdentificationType, sign_type: SignType) -> Option<Terms> {
        if kind != IdentificationType::IdentityDocument {
            return None;
        }
        let rules = self.configuration.providers.as_deref().unwrap_or_default();
        let provider = evidence::name_of(&scoring_provider(rules, sign_type)).unwrap_or_default();
        Some(Terms { provider, ..self.creator.terms.clone() })
    }

    fn fields(
        &mut self,
        path: &str,
        requests: Vec<SignerFields>,
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
        requests
    }

    /// A document that is shown only. It has no owner in the request; a private one is shown if it belongs to the owner of a
    /// document to sign.
    async fn preview(&mut self, path: &str, id: Uuid, signed: &[Document]) -> Result<Option<Preview>, Error> {
        let record = match self.creator.documents.find(self.organization, id).await {
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

    async fn record(&mut self, path: &str, id: Uuid, owner: Option<&Owner>) -> Result<Option<documents::Document>, Error> {
        match self.creator.documents.read(self.organization, id, owner).await {
            Ok(record) => Ok(Some(record)),
            Err(error @ (documents::Error::NotFound | documents::Error::NotOwner | documents::Error::Gone)) => {
                self.problem(path, error);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Who scores identity documents for a kind of signature: the rule for that kind, else the one for all kinds, else this server.
fn scoring_provider(rules: &[ProviderRule], sign_type: SignType) -> ProviderType {
    let of = |kind: Option<SignType>| rules.iter().find(|rule| rule.sign_type == kind)?.provider_type;
    of(Some(sign_type)).or_else(|| of(None)).unwrap_or(ProviderType::Internal)
}

/// The signatures that a document will get: one for each field, an invisible one for each signer without fields. What of them the document
/// does not have is told elsewhere.
fn asked_of(sign_fields: &[SignerFields], aliases: &[String]) -> Vec<seal::Request> {
    let fields = aliases.iter().flat_map(|signer| {
        let own = sign_fields.iter().filter(|own| own.signer == *signer);
        let fields: Vec<Option<String>> = own.flat_map(|own| own.fields.iter().cloned().map(Some)).collect();
        if fields.is_empty() { vec![None] } else { fields }
    });
    let request = |field| seal::Request {
        field,
        signer_name: String::new(),
        at: DateTime::UNIX_EPOCH,
        reason: seal_reason(Uuid::nil()),
        location: None,
        appearance_lines: None,
        handwriting: None,
    };
    fields.map(request).collect()
}

/// What a document holds, and who signs which of its fields, if it can be sealed so; else why not, in words. Takes processor time.
fn inspected(
    bytes: &[u8],
    identity: Option<&Identity>,
    fields: Fields,
    aliases: &[String],
    rehearse: bool,
) -> Result<(Facts, Vec<SignerFields>), String> {
    let facts = ::documents::inspect::inspect(bytes).map_err(|error| error.to_string())?;
    let sign_fields = match fields {
        Fields::Named(fields) => fields,
        Fields::ByAlias => signature_fields::by_alias(&facts.signature_fields, aliases),
    };
    let asked = asked_of(&sign_fields, aliases);
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
    Ok((facts, sign_fields))
}
