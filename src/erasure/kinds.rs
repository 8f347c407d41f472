//! What each kind of process says of itself to whoever erases it: whether it has ended, what belongs to it, and what it holds outside its
//! journal.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use store::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{
    IdentificationType, Machine,
    fill::Fill,
    identification::{Identification, Method, agent::Vouching, chain::Chain, identity_document, otp},
    scoring::Scoring,
    sign_process::SignProcess,
};

use crate::processes::produced_id;

/// A kind of process that can be erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = ProcessKind)]
#[allow(missing_docs)]
pub enum Kind {
    SignProcess,
    Chain,
    Otp,
    Agent,
    IdentityDocument,
    Scoring,
    Fill,
}

impl Kind {
    /// All of them; those that others belong to come first.
    pub const ALL: [Self; 7] =
        [Self::SignProcess, Self::Chain, Self::Otp, Self::Agent, Self::IdentityDocument, Self::Scoring, Self::Fill];

    /// As the store, metrics and the configuration name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignProcess => "sign_process",
            Self::Chain => "chain",
            Self::Otp => "otp",
            Self::Agent => "agent",
            Self::IdentityDocument => "identity_document",
            Self::Scoring => "scoring",
            Self::Fill => "fill",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(())
    }
}

impl From<IdentificationType> for Kind {
    fn from(kind: IdentificationType) -> Self {
        match kind {
            IdentificationType::Agent => Self::Agent,
            IdentificationType::Otp => Self::Otp,
            IdentificationType::IdentityDocument => Self::IdentityDocument,
        }
    }
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    pub kind: Kind,
    pub id: Uuid,
}

impl Target {
    pub const fn new(kind: Kind, id: Uuid) -> Self {
        Self { kind, id }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

/// Where a process is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life {
    /// It never was, or is erased.
    #[default]
    Absent,
    UnderWay,
    /// With the moment of its end, after which nothing of it changes.
    Ended(Timestamp),
}

/// What whoever erases a process needs to know of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    pub life: Life,
    /// The process that this one belongs to.
    pub parent: Option<Target>,
    /// The processes that belong to this one.
    pub children: Vec<Target>,
    /// Digests of documents whose bytes it holds.
    pub documents: Vec<String>,
    /// Digests of files that were sealed for it.
    pub sealed_files: Vec<String>,
    /// Documents that were made by it and that nobody else has.
    pub produced: Vec<Uuid>,
    /// By what the fingerprints of its pictures are found.
    pub pictures_of: Option<Uuid>,
}

fn life(ended: bool, at: Timestamp) -> Life {
    if ended { Life::Ended(at) } else { Life::UnderWay }
}

/// A machine whose processes can be erased.
pub trait Erasable {
    const AS: Kind;

    /// Of the process with this identifier.
    fn standing(&self, id: Uuid) -> Standing;
}

impl Erasable for SignProcess {
    const AS: Kind = Kind::SignProcess;

    fn standing(&self, id: Uuid) -> Standing {
        let Some(data) = self.data() else { return Standing::default() };
        let creation = &data.creation;
        let kind = creation.identification_type.into();
        // Under the identifiers that they would have: one may be there that a crash kept the journal from naming. The signed document of a
        // contract belongs to the contract.
        let sealed = creation.documents.iter().filter(|document| document.contract.is_none());
        let sealed = sealed.map(|document| produced_id(id, "sealed", document.id));
        let documents = creation.documents.iter().map(|document| &document.digest);
        let by_hand = data.signatures.iter().filter_map(|signature| signature.handwriting.as_ref());
        Standing {
            life: life(data.status.is_final(), data.modified_at),
            children: creation.signers.iter().map(|signer| Target::new(kind, signer.identification)).collect(),
            documents: documents.chain(creation.previews.iter().map(|preview| &preview.digest)).cloned().collect(),
            sealed_files: by_hand.map(|facts| facts.file.clone()).collect(),
            produced: sealed.chain([produced_id(id, "certificate", id)]).collect(),
            ..Standing::default()
        }
    }
}

impl Erasable for Chain {
    const AS: Kind = Kind::Chain;

    fn standing(&self, _: Uuid) -> Standing {
        let Some(data) = self.data() else { return Standing::default() };
        let steps = data.creation.steps.iter();
        Standing {
            life: life(data.state.is_final(), data.modified_at),
            children: steps.map(|step| Target::new(step.settings.kind().into(), step.id)).collect(),
            ..Standing::default()
        }
    }
}

/// What a method of identification adds.
pub trait ErasableMethod: Method {
    const AS: Kind;

    /// Processes that belong to the identification.
    fn children(_: Uuid, _rounds: u32) -> Vec<Target> {
        Vec::new()
    }

    /// Files that were sealed for it.
    fn sealed_files(&self) -> Vec<String> {
        Vec::new()
    }
}

impl ErasableMethod for otp::OneTimeCode {
    const AS: Kind = Kind::Otp;
}

impl ErasableMethod for Vouching {
    const AS: Kind = Kind::Agent;

    fn sealed_files(&self) -> Vec<String> {
        self.files().map(|own| own.file.clone()).collect()
    }
}

impl ErasableMethod for identity_document::DocumentCheck {
    const AS: Kind = Kind::IdentityDocument;

    fn children(id: Uuid, rounds: u32) -> Vec<Target> {
        (0..=rounds).map(|round| Target::new(Kind::Scoring, identity_document::scoring_id(id, round))).collect()
    }
}

impl<M: ErasableMethod> Erasable for Identification<M> {
    const AS: Kind = M::AS;

    fn standing(&self, id: Uuid) -> Standing {
        let Some(data) = self.data() else { return Standing::default() };
        let purpose = M::purpose(&data.creation);
        let process = purpose.sign_process.map(|process| Target::new(Kind::SignProcess, process));
        Standing {
            life: life(data.deleted || data.state.is_final(), data.modified_at),
            parent: process.or(purpose.chain.map(|chain| Target::new(Kind::Chain, chain))),
            children: M::children(id, data.round),
            sealed_files: data.own.sealed_files(),
            ..Standing::default()
        }
    }
}

impl Erasable for Scoring {
    const AS: Kind = Kind::Scoring;

    fn standing(&self, id: Uuid) -> Standing {
        let Some(data) = self.data() else { return Standing::default() };
        let identification = data.creation.purpose.identification;
        Standing {
            life: life(self.has_ended(), data.modified_at),
            parent: identification.map(|id| Target::new(Kind::IdentityDocument, id)),
            sealed_files: data.files().cloned().collect(),
            pictures_of: Some(identification.unwrap_or(id)),
            ..Standing::default()
        }
    }
}

impl Erasable for Fill {
    const AS: Kind = Kind::Fill;

    /// The document that was filled is not of its own: it is what was asked for, and whoever asked decides on it.
    fn standing(&self, _: Uuid) -> Standing {
        let Ok(record) = self.existing() else { return Standing::default() };
        Standing {
            life: record.finished_at.map_or(Life::UnderWay, Life::Ended),
            sealed_files: vec![record.creation.data.file.clone()],
            ..Standing::default()
        }
    }
}
