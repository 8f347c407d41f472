//! What a sign process is made of, and the ids that follow from it.

use std::{collections::HashSet, hash::Hash};

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Channel, Contact, IdentificationType, SignType, Timestamp, TwoFactorType,
    identification::{identity_document, otp},
    values::duration::Bounds,
};

/// Time limit, from the creation (contract `CreateSignProcessRequest.expires_in`).
pub const TIME_LIMIT: Bounds = Bounds::between(Duration::minutes(15), Duration::days(30));

/// Maximum number of signers of one process: their position fits the last byte of a signature's id.
pub const MAX_SIGNERS: usize = 50;
/// Maximum number of documents of one process, signed and shown together.
pub const MAX_DOCUMENTS: usize = 50;

/// A process' id with its last byte free, so that the ids of its signatures can be told from it.
pub fn process_id(random: Uuid) -> Uuid {
    with_last_byte(random, 0)
}

/// The id of the signature of the signer at `position` (from 0): the process' id with the position in the last byte. So a
/// signature leads to its process without an index.
pub fn signature_id(process: Uuid, position: usize) -> Uuid {
    // Positions are bounded at creation; what a damaged journal holds must not panic.
    with_last_byte(process, u8::try_from(position.saturating_add(1)).unwrap_or(u8::MAX))
}

/// The process that a signature belongs to.
pub fn process_of_signature(signature: Uuid) -> Uuid {
    with_last_byte(signature, 0)
}

fn with_last_byte(id: Uuid, byte: u8) -> Uuid {
    let mut bytes = *id.as_bytes();
    bytes[15] = byte;
    Uuid::from_bytes(bytes)
}

/// A person who signs, and the identification they must pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signer {
    pub alias: String,
    pub person: Contact,
    pub identification: Uuid,
    /// Channel of the code, where one identifies the signer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub two_factor_type: Option<TwoFactorType>,
    /// An agent who identifies the signer must take a picture of the identity document (note personal-document-evidence).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub evidence_required: bool,
}

/// A document to sign, as it was when the process was created.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Document {
    pub id: Uuid,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// SHA-256 of the bytes in hex, which is also where they are stored.
    pub digest: String,
    pub size: u64,
    pub pages: u32,
    /// Fields per signer alias; who is not named signs invisibly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<SignerFields>,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignerFields {
    pub signer: String,
    pub fields: Vec<String>,
}

/// A document that is shown but not signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    pub id: Uuid,
    pub name: String,
    pub digest: String,
}

/// What a process is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Creation {
    pub id: Uuid,
    pub sign_type: SignType,
    pub identification_type: IdentificationType,
    pub signers: Vec<Signer>,
    pub documents: Vec<Document>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub previews: Vec<Preview>,
    pub expires_at: Timestamp,
    /// Channels on which the tenant wants notices sent.
    #[serde(default)]
    pub notices: Vec<Channel>,
    /// Policy of the identifications.
    pub policy: otp::Policy,
    /// How identity documents are checked; needed where they identify the signers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_check: Option<identity_document::Terms>,
    /// What is asked of the signers' contacts.
    #[serde(default, skip_serializing_if = "otp::is_default")]
    pub contact_policy: otp::ContactPolicy,
}

impl Creation {
    /// Whether a process made of this can reach its end, as a refusal in words. The last guard: who takes a request in
    /// answers its mistakes one by one before.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.id != process_id(self.id) {
            Err("the id of a sign process must end in a zero byte")
        } else if !(1..=MAX_SIGNERS).contains(&self.signers.len()) {
            Err("a sign process has 1 to 50 signers")
        } else if self.documents.is_empty() || self.documents.len() + self.previews.len() > MAX_DOCUMENTS {
            Err("a sign process has 1 to 50 documents, at least one of them to sign")
        } else if !all_differ(self.signers.iter().map(|signer| &signer.alias)) {
            Err("two signers have the same alias")
        } else if !all_differ(self.signers.iter().map(|signer| &signer.identification)) {
            Err("two signers have the same identification")
        } else if !all_differ(self.documents.iter().map(|document| &document.id)) {
            Err("a document is to be signed twice")
        } else if self.identification_type == IdentificationType::Otp
            && self.signers.iter().any(|signer| signer.channel.is_none())
        {
            Err("a signer is identified by a code and has no channel for it")
        } else {
            Ok(())
        }
    }
}

fn all_differ<T: Eq + Hash>(items: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::new();
    items.into_iter().all(|item| seen.insert(item))
}
