//! What a signer's page shows: who asks whom for what until when, how far it is, and how it ended.

use std::sync::Arc;

use chrono::{DateTime, Duration, SubsecRound, Utc};
use documents::certificate::mask;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{
    Channel, IdentificationState, IdentificationType, Language, SignType, TwoFactorType,
    identification::otp::{self, Delivery, Otp, ReceiptStatus, ResumeHash, Sending},
    sign_process::{Data, SignProcess, SignatureStatus, Status, process_of_signature},
};

use super::{
    super::{ApiError, State, page_configuration::PageAccent, processes::Engine, simple_sign},
    document_check::{Check, InvitationDocumentCheck},
};
use crate::{catalogue::page_configuration::PageConfiguration, public_url::Disposition, signers::desk_code};

/// How long the links to what was sealed work.
const DOWNLOAD_LIFETIME: Duration = Duration::hours(1);

/// An invitation to sign, as its signer sees it.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// Names what is shown: another one whenever anything of it but `now` and `downloads` has changed.
    revision: String,
    /// Process time.
    now: DateTime<Utc>,
    sign_id: Uuid,
    sign_process_id: Uuid,
    tenant: InvitationTenant,
    signer: InvitationSigner,
    sign_type: SignType,
    /// Until when it can be signed.
    until: DateTime<Utc>,
    process_status: Status,
    /// Of this signature.
    status: Status,
    /// How it ended without the signatures of all, or without their seal.
    #[schema(required)]
    ended: Option<InvitationEnd>,
    /// When this signature was made.
    #[schema(required)]
    signed_at: Option<DateTime<Utc>>,
    /// When its signer first saw the documents.
    #[schema(required)]
    previewed_at: Option<DateTime<Utc>>,
    others: OtherSigners,
    /// Those that are only shown come first.
    documents: Vec<InvitationDocument>,
    identification: InvitationIdentification,
    /// Whether all is signed and sealed, and the certificate made.
    sealed: bool,
    /// What was sealed, for whoever is identified; empty for whoever only has the link.
    downloads: Vec<InvitationDownload>,
    landing: InvitationLanding,
}

/// Who asks for the signature.
#[derive(Serialize, ToSchema)]
pub struct InvitationTenant {
    name: String,
    #[schema(required, format = "email")]
    contact_email: Option<String>,
    #[schema(required)]
    contact_phone: Option<String>,
    /// What is done with personal data.
    #[schema(required, format = "uri")]
    privacy_url: Option<String>,
    /// Path of its logo, a PNG, below the server's address.
    #[schema(required)]
    logo: Option<String>,
    /// Colour of buttons and links.
    #[schema(required)]
    accent: Option<PageAccent>,
}

/// Who is asked for it.
#[derive(Serialize, ToSchema)]
pub struct InvitationSigner {
    /// Given and family name.
    name: String,
    /// Place among the signers, from 1.
    position: usize,
    /// How many signers there are.
    count: usize,
    language: Language,
}

/// How it ended.
#[derive(Serialize, ToSchema)]
pub struct InvitationEnd {
    why: InvitationEndCause,
    at: DateTime<Utc>,
    /// Whether this signer declined, or this signer's identification failed.
    by_you: bool,
    /// Why this signer declined, in their own words.
    #[schema(required)]
    reason: Option<String>,
}

/// Why it ended.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum InvitationEndCause {
    /// A signer declined.
    Declined,
    /// The organization cancelled it.
    Cancelled,
    Expired,
    Failed,
}

/// How far the other signers are.
#[derive(Serialize, ToSchema)]
pub struct OtherSigners {
    signed: usize,
    pending: usize,
}

/// A document of the process.
#[derive(Serialize, ToSchema)]
pub struct InvitationDocument {
    id: Uuid,
    name: String,
    /// It is shown and not signed.
    preview_only: bool,
    /// In bytes; null where it is only shown.
    #[schema(required)]
    size: Option<u64>,
    /// Null where it is only shown.
    #[schema(required)]
    pages: Option<u32>,
}

/// How the signer proves who they are.
#[derive(Serialize, ToSchema)]
pub struct InvitationIdentification {
    #[serde(rename = "type")]
    kind: IdentificationType,
    id: Uuid,
    status: IdentificationState,
    /// Null where it is of another type, and until it is there.
    #[schema(required)]
    otp: Option<InvitationCodes>,
    /// By which the agents' desk finds the identification that waits for one. It proves nothing. Null where it waits for none.
    #[schema(required)]
    desk_code: Option<String>,
    /// Null where it is of another type, and until it is there.
    #[schema(required)]
    document: Option<InvitationDocumentCheck>,
}

/// The codes of an identification by one-time code.
#[derive(Serialize, ToSchema)]
pub struct InvitationCodes {
    channel: Channel,
    /// Where codes go to, masked.
    destination: String,
    /// What must be given besides the code.
    #[schema(required)]
    second_factor: Option<TwoFactorType>,
    /// Codes that can still be asked for.
    challenges_left: u32,
    /// Tries left for the current code. Null while none was asked for.
    #[schema(required)]
    validations_left: Option<u32>,
    /// When another code can be asked for. Null once none is left.
    #[schema(required)]
    next_challenge_at: Option<DateTime<Utc>>,
    /// Until when the current code can be given. Null where there is none.
    #[schema(required)]
    code_expires_at: Option<DateTime<Utc>>,
    /// Digits of a code.
    digits: u32,
    /// What is known of the current code's newest message. Null while it is on its way.
    #[schema(required)]
    delivery: Option<CodeDelivery>,
    /// When it arrived.
    #[schema(required)]
    delivered_at: Option<DateTime<Utc>>,
    /// On which channel it went.
    #[schema(required)]
    delivery_channel: Option<Channel>,
    /// The organization delivers the codes itself.
    external: bool,
    /// Somebody has to check whose contact it is, and record it, before a code is accepted.
    needs_contact_check: bool,
}

/// What is known of a message with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum CodeDelivery {
    /// The channel took it.
    Accepted,
    /// It arrived.
    Delivered,
    /// It was opened.
    Read,
    /// It did not arrive.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// Something that was sealed.
#[derive(Serialize, ToSchema)]
pub struct InvitationDownload {
    kind: DownloadKind,
    id: Uuid,
    name: String,
    /// Temporary signed URL, usable without any credential for an hour.
    #[schema(format = "uri")]
    url: String,
}

/// What a download is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum DownloadKind {
    /// A sealed document.
    Document,
    /// The certificate of the process.
    Certificate,
}

/// The words of the page.
#[derive(Serialize, ToSchema)]
pub struct InvitationLanding {
    /// Tags of the languages that are offered.
    languages: Vec<String>,
    /// For whoever wants none of them.
    default_language: String,
}

/// What is known of one signature and of its signer's identification.
pub struct Seen {
    process: Arc<SignProcess>,
    position: usize,
    otp: Option<Arc<Otp>>,
    document: Option<Check>,
    pages: Arc<PageConfiguration>,
}

impl Seen {
    /// # Errors
    /// 404 if there is no such signature, and what [`actors::Error`] says.
    pub async fn look(engine: &Engine, organization: &str, signature: Uuid) -> Result<Self, ApiError> {
        let process = engine.processes.sign.read(organization, process_of_signature(signature)).await?;
        let data = process.existing()?;
        let position = data.position(signature).ok_or(workflows::sign_process::NOT_FOUND)?;
        let identification = data.creation.signers[position].identification;
        let (mut otp, mut document) = (None, None);
        match data.creation.identification_type {
            IdentificationType::Otp => otp = Some(engine.processes.otp.read(organization, identification).await?),
            IdentificationType::IdentityDocument => document = Check::look(engine, organization, identification).await?,
            IdentificationType::Agent => {}
        }
        let (_, pages) = engine.signers.pages.load(organization).await?;
        Ok(Self { process, position, otp, document, pages })
    }

    pub fn data(&self) -> Result<&Data, ApiError> {
        Ok(self.process.existing()?)
    }

    /// The identification of the signer, if it is one by code.
    ///
    /// # Errors
    /// 409 if it is another one.
    pub fn identification_by_code(&self) -> Result<Uuid, ApiError> {
        if self.otp.is_none() {
            return Err(ApiError::conflict("the signer is not identified by a code"));
        }
        Ok(self.data()?.creation.signers[self.position].identification)
    }

    pub fn otp(&self) -> Option<&otp::Data> {
        self.otp.as_ref()?.existing().ok()
    }

    /// Whether the page that kept this key when its signer was identified may have another token.
    pub fn resumes(&self, now: DateTime<Utc>, key: &ResumeHash, lifetime: Duration) -> bool {
        let by_code = self.otp().is_some_and(|data| data.resumes(now, key, lifetime));
        let by_document = self.document.as_ref().is_some_and(|check| check.resumes(now, key, lifetime));
        by_code || by_document
    }

    /// How the signer's identification stands: as it says itself, or as it told the process.
    fn identification_state(&self, told: IdentificationState) -> IdentificationState {
        let own = self.otp().map(|data| data.state).or_else(|| self.document.as_ref()?.state());
        own.unwrap_or(told)
    }

    /// Whether links of this generation open the signature.
    pub fn has_link(&self, generation: u32) -> bool {
        self.process.data().is_some_and(|data| data.signatures[self.position].link.generation == generation)
    }

    /// As the page shows it, without what can be downloaded.
    ///
    /// # Errors
    /// 500 if it cannot be written.
    pub fn shown(&self, engine: &Engine, organization: &str) -> Result<Invitation, ApiError> {
        let data = self.data()?;
        let (creation, position) = (&data.creation, self.position);
        let (signer, signature) = (&creation.signers[position], &data.signatures[position]);
        let tenants = &engine.signers.tenants;
        let (contact_email, contact_phone) = tenants.contact(organization);
        let pages = &*self.pages;
        let others = data.signatures.iter().enumerate().filter(|(other, _)| *other != position);
        let count = |status| others.clone().filter(|(_, other)| other.status == status).count();
        let state = self.identification_state(signature.identification);
        let waits_for_agent = creation.identification_type == IdentificationType::Agent && state == IdentificationState::Created;
        let mut shown = Invitation {
            revision: String::new(),
            now: DateTime::UNIX_EPOCH,
            sign_id: signature.id,
            sign_process_id: creation.id,
            tenant: InvitationTenant {
                name: tenants.name(organization),
                contact_email: pages.contact_email.clone().or(contact_email),
                contact_phone: pages.contact_phone.clone().or(contact_phone),
                privacy_url: pages.privacy_url.clone(),
                logo: pages.logo.as_ref().map(|logo| crate::pages::logo_path(organization, logo)),
                accent: pages.accent.clone().map(Into::into),
            },
            signer: InvitationSigner {
                name: signer.person.full_name().unwrap_or_else(|| signer.alias.clone()),
                position: position + 1,
                count: creation.signers.len(),
                language: signer.person.language,
            },
            sign_type: creation.sign_type,
            until: moment(creation.expires_at),
            process_status: data.status,
            status: simple_sign::status(data.status, signature.status),
            ended: ended(data, position),
            signed_at: signature.signed.as_ref().map(|act| moment(act.at)),
            previewed_at: signature.previewed.as_ref().map(|act| moment(act.at)),
            others: OtherSigners { signed: count(SignatureStatus::Succeeded), pending: count(SignatureStatus::Created) },
            documents: documents(data),
            identification: InvitationIdentification {
                kind: creation.identification_type,
                id: signer.identification,
                status: state,
                otp: self.otp().map(codes),
                desk_code: waits_for_agent.then(|| desk_code(signer.identification)),
                document: self.document.as_ref().and_then(|check| check.shown(engine)),
            },
            sealed: data.status == Status::Certified,
            downloads: Vec::new(),
            landing: landing(&pages.languages, signer.person.language),
        };
        let bytes = serde_json::to_vec(&shown).map_err(ApiError::internal)?;
        shown.revision = engine.signers.revisions.of(&bytes);
        shown.now = moment(engine.clock.now());
        Ok(shown)
    }

    /// Links to what was sealed, once all is.
    ///
    /// # Errors
    /// If the certificate cannot be found.
    pub async fn downloads(&self, state: &State, organization: &str) -> Result<Vec<InvitationDownload>, ApiError> {
        let data = self.data()?;
        let Some(certificate) = data.certificate.filter(|_| data.status == Status::Certified) else { return Ok(Vec::new()) };
        let link = |kind, name: &str, id: Uuid, digest: &str| -> Result<InvitationDownload, ApiError> {
            let (url, _) = state.public_url(organization, (id, digest), Disposition::Attachment, DOWNLOAD_LIFETIME)?;
            Ok(InvitationDownload { kind, id, name: name.to_owned(), url })
        };
        let sealed = data.creation.documents.iter().zip(&data.sealed);
        let sealed = sealed.filter_map(|(document, sealed)| Some((document, sealed.as_ref()?)));
        let mut downloads = sealed
            .map(|(document, sealed)| link(DownloadKind::Document, &document.name, sealed.id, &sealed.digest))
            .collect::<Result<Vec<_>, _>>()?;
        let record = state.documents.find(organization, certificate).await?;
        downloads.push(link(DownloadKind::Certificate, &record.name, certificate, &record.digest.to_string())?);
        Ok(downloads)
    }
}

impl Invitation {
    pub fn revision(&self) -> &str {
        &self.revision
    }

    pub fn with_downloads(self, downloads: Vec<InvitationDownload>) -> Self {
        Self { downloads, ..self }
    }
}

/// Moments as the contract has them.
pub(super) fn moment(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(3)
}

fn ended(data: &Data, position: usize) -> Option<InvitationEnd> {
    let signature = &data.signatures[position];
    let end = |why, by_you| InvitationEnd { why, at: moment(data.modified_at), by_you, reason: None };
    match (data.status, &data.declined) {
        (Status::Created | Status::Signed | Status::Certified, _) => None,
        (Status::Cancelled, Some(declined)) => {
            let by_you = declined.signature == signature.id;
            let reason = data.end_reason.clone().filter(|_| by_you);
            Some(InvitationEnd { at: moment(declined.act.at), reason, ..end(InvitationEndCause::Declined, by_you) })
        }
        (Status::Cancelled, None) => Some(end(InvitationEndCause::Cancelled, false)),
        // Whenever that was noticed.
        (Status::Expired, _) => {
            Some(InvitationEnd { at: moment(data.creation.expires_at), ..end(InvitationEndCause::Expired, false) })
        }
        (Status::Failed, _) => Some(end(InvitationEndCause::Failed, signature.status == SignatureStatus::Failed)),
    }
}

fn documents(data: &Data) -> Vec<InvitationDocument> {
    let previews = data.creation.previews.iter().map(|preview| InvitationDocument {
        id: preview.id,
        name: preview.name.clone(),
        preview_only: true,
        size: None,
        pages: None,
    });
    let to_sign = data.creation.documents.iter().map(|document| InvitationDocument {
        id: document.id,
        name: document.name.clone(),
        preview_only: false,
        size: Some(document.size),
        pages: Some(document.pages),
    });
    previews.chain(to_sign).collect()
}

fn codes(data: &otp::Data) -> InvitationCodes {
    let creation = &data.creation;
    let current = data.own.current();
    let newest = current.and_then(|current| current.sendings.last());
    let (delivery, delivered_at) = newest.map_or((None, None), delivery);
    InvitationCodes {
        channel: creation.channel,
        destination: creation.actor.destination(creation.channel).map_or_else(String::new, |to| masked(creation.channel, &to)),
        second_factor: creation.two_factor_type,
        challenges_left: data.remaining_challenges(),
        validations_left: data.remaining_attempts(),
        next_challenge_at: data.next_challenge_retry().map(moment),
        code_expires_at: current.filter(|current| current.attempts_left > 0).map(|current| moment(current.until)),
        digits: creation.digits(),
        delivery,
        delivered_at: delivered_at.map(moment),
        delivery_channel: newest.map(|sending| sending.channel),
        external: creation.external,
        needs_contact_check: data.needs_second_proof(),
    }
}

fn masked(channel: Channel, destination: &str) -> String {
    match channel {
        Channel::Email => mask::email(destination),
        Channel::Sms | Channel::Whatsapp => mask::phone(None, destination),
    }
}

/// What is known of a message, and when it arrived. Not why it did not: that is the organization's to know.
fn delivery(sending: &Sending) -> (Option<CodeDelivery>, Option<DateTime<Utc>>) {
    let reported = |wanted: ReceiptStatus| sending.receipts.iter().find(|receipt| receipt.status == wanted);
    let (read, arrived) = (reported(ReceiptStatus::Read), reported(ReceiptStatus::Delivered));
    let delivery = match &sending.delivery {
        _ if read.is_some() => Some(CodeDelivery::Read),
        _ if arrived.is_some() => Some(CodeDelivery::Delivered),
        _ if reported(ReceiptStatus::Failed).is_some() => Some(CodeDelivery::Failed),
        Delivery::Failed { .. } => Some(CodeDelivery::Failed),
        Delivery::Unknown { .. } => Some(CodeDelivery::Unknown),
        Delivery::Accepted { .. } => Some(CodeDelivery::Accepted),
        // A provider can report before its answer arrives.
        Delivery::Pending => sending.receipts.first().map(|_| CodeDelivery::Accepted),
    };
    (delivery, arrived.or(read).map(|receipt| receipt.at))
}

/// The languages that the organization offers, or all; the signer's own is the default one if it is among them.
fn landing(offered: &[String], signers: Language) -> InvitationLanding {
    let all = || pages::texts::Language::ALL.iter().map(|language| language.tag().to_owned()).collect();
    let languages: Vec<String> = if offered.is_empty() { all() } else { offered.to_vec() };
    let default = languages.iter().find(|tag| tag.eq_ignore_ascii_case(signers.code())).or(offered.first());
    let default_language = default.map_or_else(|| signers.code().to_owned(), Clone::clone);
    InvitationLanding { languages, default_language }
}
