//! Agents vouch for people: what they send is checked, pictures are sealed and held, and only then the identification is told.

use store::{Timestamp, blobs};
use uuid::Uuid;
use workflows::{
    Device,
    identification::agent::{AgentCommand, SealedFile, Voucher},
    values::{self, Problems},
};

use super::Processes;
use crate::{
    catalogue::{self, sealed_files::SealedFiles},
    pictures,
};

/// Maximum length of a picture in base64, as it was sent, in bytes.
pub const MAX_EVIDENCE: usize = 4 * 1024 * 1024;

/// Maximum length of what was read from it, in bytes.
pub const MAX_METADATA: usize = 64 * 1024;

/// A validation as an agent's application sends it; nothing of it is checked yet.
pub struct Validation {
    pub agent: String,
    /// PNG in base64.
    pub evidence: Option<String>,
    /// JSON.
    pub metadata: Option<String>,
    pub device: Device,
}

/// Why an agent's validation is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// With the members of the contract's `ValidateAgentIdentificationRequest`.
    #[error("the validation is not valid")]
    Invalid(Problems),
    #[error(transparent)]
    Files(#[from] catalogue::Error),
    #[error(transparent)]
    Process(#[from] actors::Error),
}

/// What a validation needs.
pub struct Desk<'a> {
    pub processes: &'a Processes,
    pub files: &'a SealedFiles,
    /// By which files are held.
    pub wall_clock: Timestamp,
}

impl Desk<'_> {
    /// An agent vouches for the person of an identification.
    ///
    /// # Errors
    /// [`Error`]; nothing is kept then, except perhaps after [`actors::Error::Unavailable`].
    pub async fn validate(&self, organization: &str, id: Uuid, validation: Validation) -> Result<(), Error> {
        let Checked { agent, evidence, metadata, device } = Checked::of(validation)?;
        let identification = self.processes.agent.read(organization, id).await?;
        let data = identification.existing().map_err(actors::Error::Refused)?;
        data.admits(evidence.is_some()).map_err(actors::Error::Refused)?;
        let voucher = Voucher {
            agent,
            evidence: self.keep(organization, id, evidence).await?,
            metadata: self.keep(organization, id, metadata).await?,
        };
        let command = AgentCommand::Validate { voucher: voucher.clone(), device };
        let told = self.processes.agent.ask(organization, id, command.into()).await;
        if let Err(actors::Error::Refused(_) | actors::Error::Overloaded) = &told {
            // Certainly not recorded; of other faults nobody knows yet.
            self.release(organization, id, &voucher).await;
        }
        told?;
        Ok(())
    }

    async fn keep(&self, organization: &str, id: Uuid, bytes: Option<Vec<u8>>) -> Result<Option<SealedFile>, Error> {
        let Some(bytes) = bytes else { return Ok(None) };
        let (size, bytes) = (bytes.len() as u64, bytes::Bytes::from(bytes));
        let sha256 = blobs::digest_of(&bytes).await.map_err(catalogue::Error::from)?.to_string();
        let file = self.files.put(organization, id, bytes, self.wall_clock).await?.to_string();
        Ok(Some(SealedFile { file, sha256, size }))
    }

    /// What cannot be given up now the collector of orphans finds.
    async fn release(&self, organization: &str, id: Uuid, voucher: &Voucher) {
        for digest in voucher.files().filter_map(|own| own.file.parse().ok()) {
            if let Err(error) = self.files.release(organization, id, &digest, self.wall_clock).await {
                tracing::warn!(%error, "a file stays held for an identification that did not take it, until it is collected");
            }
        }
    }
}

/// A validation whose parts are what they should be.
struct Checked {
    agent: String,
    evidence: Option<Vec<u8>>,
    metadata: Option<Vec<u8>>,
    device: Device,
}

impl Checked {
    fn of(validation: Validation) -> Result<Self, Error> {
        let mut problems = Problems::default();
        let agent = problems.take("agent", values::agent(&validation.agent)).unwrap_or_default();
        let evidence = validation.evidence.and_then(|text| problems.take("evidence", pictures::png(&text, MAX_EVIDENCE)));
        let metadata = validation.metadata.and_then(|text| {
            let checked = pictures::check_json(&text, MAX_METADATA).map(|()| text.into_bytes());
            problems.take("evidence_metadata", checked)
        });
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        Ok(Self { agent, evidence, metadata, device: validation.device })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(agent: &str, evidence: Option<&str>, metadata: Option<&str>) -> Vec<String> {
        let (evidence, metadata) = (evidence.map(str::to_owned), metadata.map(str::to_owned));
        match Checked::of(Validation { agent: agent.into(), evidence, metadata, device: Device::default() }) {
            Err(Error::Invalid(problems)) => problems.iter().map(|problem| problem.path.clone()).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        assert_eq!(problems(" ", Some("no base64!"), Some("{")), ["agent", "evidence", "evidence_metadata"]);
        assert_eq!(problems("ana", None, None), [""; 0]);
    }

    #[test]
    fn a_picture_and_its_metadata_are_bounded() {
        let picture = |length: usize| format!("iVBORw0KGgo{}", "A".repeat(length - 11));
        assert_eq!(problems("ana", Some(&picture(MAX_EVIDENCE)), None), [""; 0]);
        assert_eq!(problems("ana", Some(&picture(MAX_EVIDENCE + 4)), None), ["evidence"]);
        let metadata = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert_eq!(problems("ana", None, Some(&metadata(MAX_METADATA))), [""; 0]);
        assert_eq!(problems("ana", None, Some(&metadata(MAX_METADATA + 1))), ["evidence_metadata"]);
    }
}
