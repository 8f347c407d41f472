//! Contracts and the sign processes in which they are signed.
//!
//! A contract is claimed for a process before that is created, so that of two processes that are wanted at once one comes to be. From then
//! on the process' own journal is the truth: whether the contract is under signature, may be signed again, or is signed is read there, and
//! no crash leaves the two apart. Only a signed contract says so itself, told by the process ([`Effect::TellContract`]).
//!
//! [`Effect::TellContract`]: workflows::sign_process::Effect::TellContract

use chrono::TimeDelta;
use store::Timestamp;
use uuid::Uuid;
use workflows::{
    IdentificationType, SignType,
    sign_process::{self, Creation, MAX_DOCUMENTS},
    values::Problems,
};

use super::{
    Processes,
    creation::{self, Creator, DocumentRequest, Fields, Names, Request, SignerRequest, is_certainly_not_created},
};
use crate::catalogue::{
    contracts::{self, Contract, Contracts},
    documents,
    item::Act,
};

/// How long a contract stays claimed for a process that is not there: far longer than a creation takes.
const CLAIM: TimeDelta = TimeDelta::minutes(10);

/// Where contracts are signed (note contract-sign-type).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In front of an agent: BIOMETRIC with AGENT.
    Onsite,
    /// Remotely: SIMPLE with OTP.
    Online,
}

/// Contracts to sign, as they are asked for.
pub struct Signing {
    pub place: Place,
    pub signers: Vec<SignerRequest>,
    pub contracts: Vec<Uuid>,
    /// Documents that are shown but not signed.
    pub previews: Vec<Uuid>,
}

/// Why contracts are not read or signed. `path` names the member of the request.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: there is no such contract")]
    NotFound { path: String },
    #[error("{path}: the document of the contract was deleted; fill it again")]
    Deleted { path: String },
    #[error("{path}: the contract is signed already")]
    Signed { path: String },
    #[error(
        "{path}: the contract is being signed in the sign process {process}; it can be signed in another one once that is \
         cancelled, expired or failed"
    )]
    UnderSignature { path: String, process: Uuid },
    #[error("{path}: a sign process for the contract is being created at this moment")]
    Claimed { path: String },
    #[error(transparent)]
    Creation(#[from] creation::Error),
    #[error(transparent)]
    Contract(contracts::Error),
}

impl From<documents::Error> for Error {
    fn from(error: documents::Error) -> Self {
        Self::Creation(error.into())
    }
}

impl From<actors::Error> for Error {
    fn from(error: actors::Error) -> Self {
        Self::Creation(error.into())
    }
}

/// Where a contract stands in its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In no process. `ended` is the last one that it was in, which ended without a signature.
    Free {
        ended: Option<Uuid>,
    },
    /// Claimed for a process that is not there yet, or never will be.
    Claimed {
        since: Timestamp,
        ended: Option<Uuid>,
    },
    /// In a process that goes on.
    UnderSignature {
        process: Uuid,
    },
    Signed {
        process: Option<Uuid>,
        document: Uuid,
    },
}

impl Standing {
    /// The process that the contract is or was in.
    pub fn process(self) -> Option<Uuid> {
        match self {
            Self::Free { ended } | Self::Claimed { ended, .. } => ended,
            Self::UnderSignature { process } => Some(process),
            Self::Signed { process, .. } => process,
        }
    }

    pub fn signed_document(self) -> Option<Uuid> {
        match self {
            Self::Signed { document, .. } => Some(document),
            Self::Free { .. } | Self::Claimed { .. } | Self::UnderSignature { .. } => None,
        }
    }
}

impl Processes {
    /// Where a contract stands now.
    ///
    /// # Errors
    /// That its process cannot be read.
    pub async fn standing(&self, organization: &str, contract: &Contract) -> Result<Standing, actors::Error> {
        if let Some(document) = contract.signed_document {
            return Ok(Standing::Signed { process: contract.signing.map(|signing| signing.process), document });
        }
        let ended = contract.earlier;
        let Some(contracts::Signing { process, since }) = contract.signing else { return Ok(Standing::Free { ended }) };
        let read = self.sign.read(organization, process).await?;
        Ok(match read.data() {
            None => Standing::Claimed { since, ended },
            Some(data) => match data.sealed(contract.document) {
                // Sealed a moment ago, and the contract is about to be told.
                Some(sealed) => Standing::Signed { process: Some(process), document: sealed.id },
                None if data.status.is_final() => Standing::Free { ended: Some(process) },
                None => Standing::UnderSignature { process },
            },
        })
    }
}

/// What having contracts signed needs.
pub struct Desk<'a> {
    pub contracts: &'a Contracts,
    pub creator: Creator<'a>,
}

/// A contract that can be signed, as it was judged.
struct Judged {
    id: Uuid,
    path: String,
    contract: Contract,
    /// Whether the process that it was claimed for before came to be, and ended.
    ended: bool,
}

impl Desk<'_> {
    /// Creates a sign process over the filled documents of contracts at `now`, which is process time; claims live by the wall clock of
    /// `act`. Answers the identifier of the process.
    ///
    /// # Errors
    /// [`Error`]; no process was created then, except perhaps after [`actors::Error::Unavailable`].
    pub async fn sign(&self, organization: &str, signing: Signing, now: Timestamp, act: Act<'_>) -> Result<Uuid, Error> {
        let names = &Names::CONTRACTS;
        if signing.contracts.is_empty() || signing.contracts.len() + signing.previews.len() > MAX_DOCUMENTS {
            let mut problems = Problems::default();
            problems.note(names.documents, format!("expected 1 to {MAX_DOCUMENTS} contracts, documents to preview included"));
            return Err(creation::Error::Invalid(problems).into());
        }
        let (documents, judged) = self.judge(organization, &signing.contracts, act.at).await?;
        let (sign_type, identification_type) = match signing.place {
            Place::Onsite => (SignType::Biometric, IdentificationType::Agent),
            Place::Online => (SignType::Simple, IdentificationType::Otp),
        };
        let request = Request {
            sign_type,
            identification_type,
            signers: signing.signers,
            documents,
            previews: signing.previews,
            expires_in: None,
            names,
        };
        let creation = self.creator.checked(organization, request, now).await?;
        self.create(organization, &creation, &judged, now, act).await?;
        Ok(creation.id)
    }

    /// What to sign, and how each contract was judged to be free for it. What is not there is told before what cannot be signed.
    async fn judge(
        &self,
        organization: &str,
        ids: &[Uuid],
        now: Timestamp,
    ) -> Result<(Vec<DocumentRequest>, Vec<Judged>), Error> {
        let (mut documents, mut judged) = (Vec::new(), Vec::new());
        let mut refused = None;
        for (index, id) in ids.iter().copied().enumerate() {
            let path = format!("{}[{index}].{}", Names::CONTRACTS.documents, Names::CONTRACTS.document);
            let contract = match self.contracts.get(organization, id).await {
                Ok(contract) => contract,
                Err(contracts::Error::NotFound) => return Err(Error::NotFound { path }),
                Err(error) => return Err(Error::Contract(error)),
            };
            documents.push(self.document(organization, id, &contract, &path).await?);
            match self.creator.processes.standing(organization, &contract).await? {
                Standing::Free { ended } => {
                    let ended = contract.signing.is_some_and(|signing| ended == Some(signing.process));
                    judged.push(Judged { id, path, contract, ended });
                }
                Standing::Claimed { since, .. } if now - since >= CLAIM => {
                    judged.push(Judged { id, path, contract, ended: false });
                }
                Standing::Claimed { .. } => refused = refused.or(Some(Error::Claimed { path })),
                Standing::UnderSignature { process } => refused = refused.or(Some(Error::UnderSignature { path, process })),
                Standing::Signed { .. } => refused = refused.or(Some(Error::Signed { path })),
            }
        }
        match refused {
            Some(error) => Err(error),
            None => Ok((documents, judged)),
        }
    }

    /// The filled document of a contract, for the owner that it has (note contract-owner: the caller names none).
    async fn document(&self, organization: &str, id: Uuid, contract: &Contract, path: &str) -> Result<DocumentRequest, Error> {
        let record = match self.creator.documents.shared(organization, contract.document).await {
            Ok(record) => record,
            Err(documents::Error::Gone | documents::Error::NotFound) => return Err(Error::Deleted { path: path.to_owned() }),
            Err(error) => return Err(error.into()),
        };
        let (template, version) = (contract.template.clone(), contract.version.clone());
        Ok(DocumentRequest {
            id: record.id,
            owner: record.owner.map(|owner| owner.as_str().to_owned()),
            fields: Fields::ByAlias,
            contract: Some(sign_process::Contract { id, template, version }),
        })
    }

    /// Holds the bytes, claims the contracts, creates the process; takes the first two back where it certainly does not come to be.
    async fn create(
        &self,
        organization: &str,
        creation: &Creation,
        judged: &[Judged],
        now: Timestamp,
        act: Act<'_>,
    ) -> Result<(), Error> {
        self.creator.hold(organization, creation, now).await?;
        for (position, Judged { id, path, contract, ended }) in judged.iter().enumerate() {
            if let Err(error) = self.contracts.claim(organization, *id, contract, *ended, creation.id, act).await {
                self.creator.release(organization, creation, now).await;
                self.give_up(organization, creation.id, &judged[..=position], act).await;
                return Err(match error {
                    contracts::Error::Claimed => Error::Claimed { path: path.clone() },
                    error => Error::Contract(error),
                });
            }
        }
        let begun = self.creator.begin(organization, creation, now).await;
        if begun.as_ref().is_err_and(is_certainly_not_created) {
            self.give_up(organization, creation.id, judged, act).await;
        }
        Ok(begun?)
    }

    /// What a fault leaves claimed is free after [`CLAIM`].
    async fn give_up(&self, organization: &str, process: Uuid, judged: &[Judged], act: Act<'_>) {
        for Judged { id, .. } in judged {
            if let Err(error) = self.contracts.give_up(organization, *id, process, act).await {
                tracing::warn!(%error, contract = %id, "the contract stays claimed for a process that was not created, for some minutes");
            }
        }
    }
}
