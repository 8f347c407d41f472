//! Signatures by hand: a sample comes in, and what is kept of it is an envelope that only the holders of escrow keys open, the ink that is
//! drawn, and facts.
//!
//! The clear sample lives between the body of its request and the envelope, in memory that is wiped, and nowhere else: not in a journal, a
//! record, a file, a log line or an error. The server never holds a key that opens an envelope. What is drawn into the documents waits in a
//! sealed file of the process until they are sealed.

mod ends;
mod kept;
mod metrics;
mod prepare;
mod replay;
mod terms;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use store::{Store, Timestamp};
use uuid::Uuid;
use workflows::{sign_process::Handwriting, values::Problems};

use crate::{
    catalogue::{
        self,
        sealed_files::SealedFiles,
        sign_configuration::{self, SignConfiguration, SignConfigurations},
    },
    cpu_pool::{self, CpuPool, Job},
    keys::Keys,
    records::{self, Records},
};

pub use ends::findings;
pub use metrics::Metrics;
pub use prepare::{MAX_IMAGE, MAX_SAMPLE, Request, check_lengths};
pub use terms::{Defaults, Terms};

use self::{ends::Told, replay::Seen};

/// Why a signature by hand is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// With the members of the contract's `BiometricSignRequest`. Names figures, never values of the sample.
    #[error("the handwriting is not valid")]
    Invalid(Problems),
    #[error(
        "biometric_data: the same handwriting was used before in this organization, and nobody writes twice alike; have it written again"
    )]
    Repeated,
    /// There was one when the process was created.
    #[error(
        "the organization has no escrow certificate any more, so the handwriting cannot be encrypted; set escrow_certificates in the \
         biometric_policy of its sign configuration"
    )]
    NoEscrow,
    #[error("an escrow certificate cannot be used: {0}")]
    Escrow(String),
    #[error("what was kept of a handwriting is gone")]
    Gone,
    #[error("what was kept of a handwriting cannot be read: {0}")]
    Unreadable(&'static str),
    #[error(transparent)]
    Configuration(#[from] sign_configuration::Error),
    #[error(transparent)]
    Files(#[from] catalogue::Error),
    #[error(transparent)]
    Seen(#[from] records::Error),
    #[error(transparent)]
    Cpu(#[from] cpu_pool::Error),
}

/// Takes signatures by hand in and gives them to the seals. Cheap to clone.
#[derive(Clone)]
pub struct Handwritings {
    defaults: Arc<Defaults>,
    configurations: SignConfigurations,
    files: SealedFiles,
    seen: Seen,
    cpu: CpuPool,
    metrics: Metrics,
    told: Arc<Told>,
}

impl Handwritings {
    /// With what holds where organizations say nothing themselves.
    pub fn new(
        defaults: Defaults,
        configurations: SignConfigurations,
        files: SealedFiles,
        (store, keys): (Arc<dyn Store>, &Keys),
        cpu: CpuPool,
        metrics: Metrics,
    ) -> Self {
        metrics.hold(&defaults);
        let seen = Seen::new(Records::new(store), keys.clone());
        Self { defaults: Arc::new(defaults), configurations, files, seen, cpu, metrics, told: Arc::default() }
    }

    /// How handwritings of an organization are judged and to whom they are encrypted.
    ///
    /// # Errors
    /// [`Error::NoEscrow`], and [`Error::Escrow`] for a stored certificate that cannot be used any more.
    pub fn terms(&self, configuration: &SignConfiguration) -> Result<Terms, Error> {
        Terms::of(&self.defaults, configuration.biometric_policy.as_ref())
    }

    /// Says in the log which escrow certificates of an organization have ended or soon will; each once a day.
    pub fn warn_of_ends(&self, organization: &str, terms: &Terms, now: Timestamp) {
        self.told.warn(organization, terms, now);
    }

    /// Judges a handwriting, encrypts it and keeps it for its process. What comes back is to be journaled; until it is, the collector of
    /// orphans takes the file for what a crash left behind.
    ///
    /// # Errors
    /// [`Error`]; nothing is kept then, but that this signature offered this handwriting: no other one may use it.
    pub async fn take(&self, organization: &str, request: Request, now: Timestamp) -> Result<Handwriting, Error> {
        let configuration = self.configurations.load(organization).await?.ok_or(sign_configuration::Error::NotFound)?;
        let terms = self.terms(&configuration)?;
        self.warn_of_ends(organization, &terms, now);
        let (process, signature, key) = (request.process, request.signature, self.seen.key(organization));
        let job = Job::new(organization, request.size());
        let prepared = self.cpu.run(job, move |_| prepare::prepare(request, &terms, &key)).await?;
        let prepared = prepared.inspect_err(|_| self.metrics.refused("rejected"))?;
        // Side by side: the signer waits for both.
        let claimed = self.seen.claim(organization, &prepared.mark, now);
        let (claimed, file) = tokio::join!(claimed, self.files.put(organization, process, prepared.kept, now));
        let facts = Handwriting { file: file?.to_string(), ..prepared.facts };
        let refused = match claimed {
            Ok(true) => {
                tracing::debug!(organization, %signature, format = facts.format, "took a signature by hand");
                self.metrics.taken(&facts.format, facts.accepted.is_some());
                return Ok(facts);
            }
            Ok(false) => {
                self.metrics.refused("repeated");
                Error::Repeated
            }
            Err(error) => error.into(),
        };
        self.give_up(organization, process, &facts, now).await;
        Err(refused)
    }

    /// As [`Handwritings::release`], of what no process took. What cannot be given up now the collector of orphans finds.
    pub async fn give_up(&self, organization: &str, process: Uuid, facts: &Handwriting, now: Timestamp) {
        if let Err(error) = self.release(organization, process, facts, now).await {
            tracing::warn!(%error, "a file stays held for a process that did not take it, until it is collected");
        }
    }

    /// What is drawn and embedded of a handwriting that was taken.
    ///
    /// # Errors
    /// [`Error::Gone`], [`Error::Unreadable`], [`Error::Files`].
    pub async fn load(&self, organization: &str, process: Uuid, facts: &Handwriting) -> Result<documents::Handwriting, Error> {
        let digest = facts.file.parse().map_err(|_| Error::Unreadable("its digest"))?;
        let bytes = self.files.read(organization, process, &digest).await?.ok_or(Error::Gone)?;
        let job = Job::new(organization, bytes.len() as u64);
        self.cpu.run(job, move |_| kept::read(&bytes)).await?
    }

    /// Gives up what was kept of a handwriting. Idempotent.
    ///
    /// # Errors
    /// [`Error::Files`]
    pub async fn release(&self, organization: &str, process: Uuid, facts: &Handwriting, now: Timestamp) -> Result<(), Error> {
        let Ok(digest) = facts.file.parse() else { return Err(Error::Unreadable("its digest")) };
        Ok(self.files.release(organization, process, &digest, now).await?)
    }
}
