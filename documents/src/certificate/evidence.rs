//! What a certificate holds. The words are those of the contract where it has them; states, types and channels are kept as the
//! contract spells them, so that evidence written by a later version can still be read.

use chrono::{DateTime, FixedOffset, Utc};
use data_encoding::HEXLOWER;
use der::{Decode, Encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use x509_cert::Certificate;

use super::Error;
use super::handwriting::Handwriting;
use super::journal::Journal;
use crate::active::ActiveContent;

/// Version of the evidence's form. A change that an older reader would misunderstand gets another one.
pub const FORMAT: &str = "rubrica-evidence/1";

/// All that is known of one finished process. Absent values are left out of the JSON, never written as null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// [`FORMAT`].
    pub format: String,
    pub software: Software,
    /// When the evidence was gathered.
    pub generated_at: Moment,
    pub tenant: Tenant,
    pub process: Process,
    pub signers: Vec<Signer>,
    /// The documents that were signed.
    pub documents: Vec<Document>,
    /// The documents that were shown but not signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub preview_documents: Vec<PreviewDocument>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
    /// The hash chains of the process and of its identifications.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub journals: Vec<Journal>,
    /// The certificate that seals the documents and signs this evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing_certificate: Option<SealingCertificate>,
}

/// The program that gathered the evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    pub name: String,
    pub version: String,
}

/// An instant in UTC and as the clock on the wall showed it at the tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawMoment")]
pub struct Moment {
    utc: DateTime<Utc>,
    local: DateTime<FixedOffset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zone: Option<String>,
}

#[derive(Deserialize)]
struct RawMoment {
    utc: DateTime<Utc>,
    local: DateTime<FixedOffset>,
    zone: Option<String>,
}

impl TryFrom<RawMoment> for Moment {
    type Error = &'static str;

    fn try_from(raw: RawMoment) -> Result<Self, Self::Error> {
        if raw.utc != raw.local {
            return Err("the UTC and the local time of a moment are not the same instant");
        }
        Ok(Self { utc: raw.utc, local: raw.local, zone: raw.zone })
    }
}

impl Moment {
    /// The instant `at`, shown with `offset`. `zone` names the zone that the offset comes from, e.g. `Europe/Madrid`.
    pub fn new(at: DateTime<Utc>, offset: FixedOffset, zone: Option<&str>) -> Self {
        let at = DateTime::from_timestamp_micros(at.timestamp_micros()).unwrap_or(at);
        Self { utc: at, local: at.with_timezone(&offset), zone: zone.map(str::to_owned) }
    }

    /// The instant `at`, where no other zone is known.
    pub fn in_utc(at: DateTime<Utc>) -> Self {
        Self::new(at, chrono::Offset::fix(&Utc), None)
    }

    /// The instant, in microseconds.
    pub fn utc(&self) -> DateTime<Utc> {
        self.utc
    }

    /// The same instant with the offset of the tenant's zone.
    pub fn local(&self) -> DateTime<FixedOffset> {
        self.local
    }

    /// The name of the tenant's zone.
    pub fn zone(&self) -> Option<&str> {
        self.zone.as_deref()
    }
}

/// The organization in whose name the process ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    pub organization_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The sign process itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub id: Uuid,
    /// `SignType` of the contract: SIMPLE or BIOMETRIC.
    pub sign_type: String,
    /// `SignProcessStatus` of the contract when the evidence was gathered.
    pub status: String,
    pub created_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
    /// When the last signature succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Moment>,
}

/// One person who signs. Contacts and numbers are masked (see [`mask`](super::mask)).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signer {
    /// Name by which the process refers to the signer.
    pub alias: String,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Masked e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Masked phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// `DocumentType` of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_type: Option<String>,
    /// Masked number of the identity document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_number: Option<String>,
    /// Where address and number come from, as the organization said it: `customer_record`, `typed_by_signer` or `agent_checked`. Absent
    /// where nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact_origin: Option<String>,
    /// `Language` of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identification: Option<Identification>,
    /// Identifier of the signature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_id: Option<Uuid>,
    /// State of the signature as the contract spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_status: Option<String>,
    /// When the signer was first shown the documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Moment>,
    /// How the signer consented, in the words of who gathered the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent_text: Option<String>,
    /// What is known of a signature by hand, for signatures of the type BIOMETRIC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handwriting: Option<Handwriting>,
    /// The device that signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// The device on which the documents were shown, where it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview_device: Option<Device>,
}

/// How a signer was identified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identification {
    pub id: Uuid,
    /// `IdentificationType` of the contract: OTP, AGENT or IDENTITY_DOCUMENT.
    #[serde(rename = "type")]
    pub kind: String,
    /// `IdentificationState` of the contract.
    pub state: String,
    /// `NotificationChannel` of the contract: SMS, EMAIL or WHATSAPP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// True when the tenant delivered the codes itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,
    /// Masked address or number to which the codes went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// `TwoFactorType` of the contract that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor_type: Option<String>,
    /// The organization's own identifier of the agent who vouched for the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Answers given in all, right and wrong; 0 where there are none to give.
    pub attempts: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub challenges: Vec<Challenge>,
    /// How the identity document was checked, by the newest of its sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scoring: Option<Scoring>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validated_at: Option<Moment>,
    /// The device that gave the right answer, where it is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Device>,
    /// Files that were given as proof. They are personal data and kept apart; by these hashes they can be recognized.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// What vouches for the contact besides the signer, where the organization asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_proof: Option<SecondProof>,
    /// True when the link to the signing page went to the address or number to which the codes went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_on_same_channel: Option<bool>,
}

/// A file that was given as proof of who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// `DOCUMENT_PICTURE`, or `PICTURE_READING`, which is what was read from it.
    pub kind: String,
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// What vouches for a contact besides the person who gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondProof {
    /// `NEEDED` while there is none, `CONTACT_CHECK` when somebody checked whose contact it is, `CHAIN` when the chain of the identification
    /// asks for another proof.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Moment>,
    /// Subject of the token of who checked it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How it was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What the operator of a phone said of a number before a code went out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberCheck {
    /// `SIM_SWAP`, `NUMBER_VERIFICATION` or `KYC_MATCH`.
    pub check: String,
    /// For `SIM_SWAP`: the SIM had to be unchanged for so many hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_hours: Option<u32>,
    /// `PASSED`, `FAILED` or `UNANSWERED`.
    pub outcome: String,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A session in which images of an identity document were checked. The images are personal data and kept apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scoring {
    pub session: Uuid,
    /// `Scoring.state` of the contract.
    pub state: String,
    /// INTERNAL, EXTERNAL or the name of a service.
    pub provider: String,
    /// LOW, MEDIUM or HIGH, if one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<ScoringAttempt>,
}

/// One attempt to have a document checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoringAttempt {
    /// From 1.
    pub number: u32,
    pub begun_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Moment>,
    /// Whether the person gave the images to the provider; else they came through this service.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delegated: bool,
    /// The provider's own identifier of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// Why there is no result, in the contract's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_reason: Option<String>,
    /// From 0 to 1, in decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_score: Option<String>,
    /// Whether it was good enough for the level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passing: Option<bool>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// An image of a document, by which it can be recognized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// FRONT or BACK.
    pub side: String,
    /// In bytes.
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// One check of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name, e.g. `MRZ_CONTROL_DIGIT`.
    #[serde(rename = "type")]
    pub kind: String,
    /// From 0 to 1, in decimals.
    pub score: String,
    /// Whether it points to fraud.
    pub fraud: bool,
    /// What it looked at, and what it cannot see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One code. The code itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// From 1.
    pub number: u32,
    pub requested_at: Moment,
    /// End of the code's life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
    /// Answers given to this code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// What the phone's operator said of the number before the code went out, where the organization asks for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub number_checks: Vec<NumberCheck>,
    /// What became of the code: `DELIVERED`, `FAILED` or `UNKNOWN`. Absent while it is on its way, and in older evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fate: Option<String>,
    /// Each time the code was handed to a provider.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<Delivery>,
}

/// One handing over of a message to whoever delivers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub at: Moment,
    /// Name of the provider or gateway.
    pub provider: String,
    /// The provider's identifier of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What became of it in our eyes, e.g. `SENT`, `FAILED`.
    pub outcome: String,
    /// `NotificationChannel` of the contract on which this message went out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Masked address or number, where it is another one than the identification's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Name or number that the message came from, where the service chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// True when the code went out again, on the channel on which the signer got the link: who reads the one reads the other.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub channel_of_link: bool,
    /// What became of this message: `DELIVERED`, `FAILED` or `UNKNOWN`. Absent while it is on its way, and in older evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fate: Option<String>,
    /// What the provider reported later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
}

/// A provider's report on a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub at: Moment,
    /// In the provider's words, e.g. `delivered`.
    pub status: String,
}

/// What is known of a device, as the caller's headers and the connection gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// "latitude,longitude" as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
}

/// A document to sign and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub id: Uuid,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    /// Bytes of the original.
    pub size: u64,
    /// SHA-256 of the original, lower-case hexadecimal.
    pub sha256: String,
    /// What in the original is more than pages; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_content: Option<ActiveContent>,
    /// The versions between the original and the sealed one, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<DocumentVersion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<SealedDocument>,
    /// Which fields each signer signs; empty where the signatures are invisible.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sign_fields: Vec<SignFields>,
    /// The contract that it is the filled document of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract: Option<Contract>,
}

/// A contract, and the version of the template that it was filled from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub id: Uuid,
    /// External id of the template.
    pub template: String,
    /// MAJOR.MINOR.
    pub version: String,
}

/// A version of a document between the original and the sealed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentVersion {
    pub at: Moment,
    /// What made it, in plain words.
    pub reason: String,
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

/// The sealed version of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedDocument {
    pub id: Uuid,
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// What was compared with the original beside the structure, which always is; absent where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages_compared: Option<PagesCompared>,
}

/// Pages that were drawn from the original and from the sealed version and are equal outside the visible signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PagesCompared {
    pub compared: u32,
    pub of: u32,
}

/// Who signs where in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignFields {
    /// Alias of the signer.
    pub signer: String,
    pub fields: Vec<String>,
}

/// A document that was shown but not signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewDocument {
    pub id: Uuid,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<u32>,
    pub size: u64,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// What in it is more than pages; absent where it is not known, or the document is no PDF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_content: Option<ActiveContent>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    pub at: Moment,
    /// Who did it: a signer's alias, the tenant's system, or this service.
    pub actor: String,
    pub what: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// The journal entry that recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalPosition>,
}

/// A place in one of [`Evidence::journals`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalPosition {
    /// The process or identification whose journal it is.
    pub id: Uuid,
    pub sequence: u64,
    /// The chained hash of that entry, lower-case hexadecimal.
    pub hash: String,
}

/// What happened, in words that the certificate can say in each of its languages. [`Action::Other`] is printed as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    ProcessCreated,
    IdentificationCreated,
    CodeRequested,
    CodeSent,
    CodeDelivered,
    CodeNotDelivered,
    CodeDeliveryUnknown,
    CodeRerouted,
    NoticeSent,
    NoticeNotSent,
    WrongAnswer,
    NumberChecked,
    CodeRefused,
    ContactChecked,
    AgentVouched,
    DocumentSubmitted,
    ScoringDelegated,
    DocumentScored,
    DocumentNotScored,
    DocumentNotPassed,
    IdentificationValidated,
    IdentificationSucceeded,
    IdentificationFailed,
    IdentificationExpired,
    IdentificationCancelled,
    DocumentsShown,
    Signed,
    ProcessSigned,
    DocumentSealed,
    ProcessCertified,
    ProcessCancelled,
    SignatureDeclined,
    LinkRenewed,
    LinkSentAgain,
    HandedOver,
    ActedByHand,
    ProvedAgain,
    ProcessExpired,
    ProcessFailed,
    #[serde(untagged)]
    Other(String),
}

/// The facts of the certificate that seals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingCertificate {
    /// Distinguished name (RFC 4514).
    pub subject: String,
    /// Distinguished name (RFC 4514).
    pub issuer: String,
    /// Lower-case hexadecimal.
    pub serial: String,
    /// SHA-256 of the DER form, lower-case hexadecimal.
    pub sha256: String,
    pub not_before: DateTime<Utc>,
    pub not_after: DateTime<Utc>,
}

impl SealingCertificate {
    /// Reads the facts from an X.509 certificate in DER.
    ///
    /// # Errors
    /// [`Error::Certificate`] when it is not one.
    pub fn from_der(certificate: &[u8]) -> Result<Self, Error> {
        let unreadable = || Error::Certificate("it is not an X.509 certificate in DER".to_owned());
        let parsed = Certificate::from_der(certificate).map_err(|_| unreadable())?;
        let facts = &parsed.tbs_certificate;
        let encoded = parsed.to_der().map_err(|_| unreadable())?;
        let fingerprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &encoded);
        Ok(Self {
            subject: facts.subject.to_string(),
            issuer: facts.issuer.to_string(),
            serial: HEXLOWER.encode(facts.serial_number.as_bytes()),
            sha256: HEXLOWER.encode(fingerprint.as_ref()),
            not_before: facts.validity.not_before.to_system_time().into(),
            not_after: facts.validity.not_after.to_system_time().into(),
        })
    }
}

impl Evidence {
    /// The evidence as canonical JSON (RFC 8785): the same evidence always gives the same bytes.
    ///
    /// # Errors
    /// [`Error::NotCanonical`] for a size or sequence beyond 2^53 - 1.
    pub fn canonical(&self) -> Result<Vec<u8>, Error> {
        super::to_canonical_json(self)
    }
}
