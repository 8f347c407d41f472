//! Verification for callers of the server and for staff: of what they send, which is kept nowhere, in the pool for work on strangers' files.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use documents::verify;
use store::blobs;

use super::{
    Judged, judge,
    roots::{Roots, Source},
};
use crate::{
    catalogue::{
        self,
        sign_configuration::{self, SignConfigurations},
    },
    config,
    cpu_pool::{self, CpuPool, Job, Work},
};

/// Why nothing is said of a file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is over the limit, in bytes.
    #[error("a file that is verified may have {0} bytes")]
    TooLarge(usize),
    /// It cannot be read; the words are for the caller.
    #[error("{0}")]
    Unreadable(verify::Error),
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
}

impl From<cpu_pool::Error> for Error {
    fn from(error: cpu_pool::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

/// What is said of a file, and what is to be known of it.
pub struct Answer {
    pub judged: Judged,
    /// Whether the organization's own certificate could be trusted: `false` where it has none that is valid and can be opened.
    pub own_root: bool,
}

/// Judges files. A cheap handle.
#[derive(Clone)]
pub struct Verifier {
    cpu: CpuPool,
    configurations: SignConfigurations,
    /// Those of the configuration: for all organizations.
    roots: Arc<Roots>,
    max_bytes: usize,
}

impl Verifier {
    /// `max_bytes`: of one file.
    pub fn new(cpu: CpuPool, configurations: SignConfigurations, roots: Roots, max_bytes: usize) -> Self {
        Self { cpu, configurations, roots: Arc::new(roots), max_bytes }
    }

    /// Maximum size of a file, in bytes.
    pub fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Judges a file in the organization's turn, at the time `now`, by the roots of the configuration and the organization's own.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn verify(&self, organization: &str, file: Bytes, now: DateTime<Utc>) -> Result<Answer, Error> {
        if file.len() > self.max_bytes {
            return Err(Error::TooLarge(self.max_bytes));
        }
        let digest = blobs::digest_of(&file).await.map_err(catalogue::Error::from)?;
        let (roots, own_root) = self.roots_of(organization, now).await?;
        let job = Job::new(organization, file.len() as u64).on(digest, Work::Verify);
        let judged = self.cpu.run(job, move |_| judge(&file, &roots, now)).await?;
        Ok(Answer { judged: judged.map_err(Error::Unreadable)?, own_root })
    }

    /// The configuration's roots, and the organization's own: the root of the chain in its key file or, where the file does not go up to one,
    /// its certificate alone. An authority between the two may have issued certificates to anybody, and nobody said that it is trusted.
    async fn roots_of(&self, organization: &str, now: DateTime<Utc>) -> Result<(Arc<Roots>, bool), Error> {
        use sign_configuration::Error as E;
        let identity = match self.configurations.identity(organization, now).await {
            Ok(identity) => identity,
            Err(E::Catalogue(error)) => return Err(error.into()),
            // None, one that has ended, or one that cannot be opened: files of others are judged all the same.
            Err(error) => {
                tracing::debug!(organization, %error, "there is no certificate of the organization to trust");
                return Ok((self.roots.clone(), false));
            }
        };
        let top = identity.certificates().last().filter(|der| verify::subject_of(der).is_some_and(|(_, is_root)| is_root));
        let Some(own) = top.or_else(|| identity.certificates().next()) else { return Ok((self.roots.clone(), false)) };
        let mut roots = Roots::clone(&self.roots);
        if let Err(error) = roots.add(own, Source::Organization, None) {
            tracing::warn!(organization, %error, "the certificate of the organization is not trusted");
            return Ok((self.roots.clone(), false));
        }
        Ok((Arc::new(roots), true))
    }
}

/// The roots that a configuration names.
///
/// # Errors
/// What cannot be read, with its path.
pub fn configured(options: &config::Verification) -> Result<Roots, String> {
    let mut roots = Roots::default();
    if let Some(path) = &options.roots {
        roots.read(path, Source::Configuration).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use documents::fixtures;
    use store::model::Model;

    use super::*;
    use crate::{http::error::ApiError, keys::Keys};

    fn verifier(time: Duration) -> Verifier {
        let options = cpu_pool::Options { time, ..cpu_pool::Options::default() };
        let cpu = CpuPool::new(options, cpu_pool::Metrics::default());
        let configurations = SignConfigurations::new(Arc::new(Model::new()), Keys::from_bytes(&[7; 32]), cpu.clone());
        Verifier::new(cpu, configurations, Roots::default(), 1 << 20)
    }

    #[tokio::test]
    async fn a_file_that_takes_too_long_is_cut_off_and_then_not_tried_again() {
        let verifier = verifier(Duration::ZERO);
        let file = Bytes::from(fixtures::contract(&["tenant"]));
        let mut statuses = Vec::new();
        for _ in 0..3 {
            let Err(error) = verifier.verify("acme", file.clone(), Utc::now()).await else { panic!("it had no time") };
            statuses.push(ApiError::from(error).status().as_u16());
        }
        assert_eq!(statuses, [503, 400, 400]);
    }

    #[tokio::test]
    async fn a_file_over_the_limit_is_not_looked_at_and_one_below_it_is() {
        let verifier = verifier(Duration::from_secs(20));
        let large = verifier.verify("acme", Bytes::from(vec![0; (1 << 20) + 1]), Utc::now()).await;
        assert!(matches!(large, Err(Error::TooLarge(most)) if most == 1 << 20));
        let none = verifier.verify("acme", Bytes::from(vec![0; 1 << 20]), Utc::now()).await;
        assert!(matches!(none, Err(Error::Unreadable(_))));
        let answer = verifier.verify("acme", fixtures::contract(&["tenant"]).into(), Utc::now()).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}"));
        assert!(answer.judged.report.signatures.is_empty() && !answer.own_root && answer.judged.roots.is_empty());
    }
}
