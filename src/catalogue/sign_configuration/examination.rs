//! What is to be said of an organization's key file: of the one that is stored, and of one that is sent before it is stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use documents::pkcs12::doctor::{self, Report};
use store::{Timestamp, blobs::Digest};

use super::{CatalogueError, Error, KEY, PURPOSE, Secret, SignConfigurations};
use crate::cpu_pool::{Job, Work};

impl SignConfigurations {
    /// Looks at a key file in the organization's turn, and stores nothing.
    ///
    /// # Errors
    /// Where the server is too busy to look.
    pub async fn examine(
        &self,
        organization: &str,
        file: Bytes,
        password: Option<String>,
        now: Timestamp,
    ) -> Result<Report, CatalogueError> {
        let job = Job::new(organization, file.len() as u64).on(Digest::of(&file), Work::Read);
        Ok(self.cpu.run(job, move |_| doctor::examine(&file, password.as_deref(), now)).await?)
    }

    /// The same of the file that is stored; `None` without a configuration.
    ///
    /// # Errors
    /// [`Error::Unusable`], [`Error::Catalogue`].
    pub async fn examine_stored(&self, organization: &str, now: Timestamp) -> Result<Option<Report>, Error> {
        let Some(stored) = self.stored(organization).await? else { return Ok(None) };
        let secret: Secret = self.unseal(PURPOSE, organization, &stored.value.sealed)?;
        let file = STANDARD.decode(secret.file).map_err(|_| Error::Unusable("its encoding is wrong".into()))?;
        Ok(Some(self.examine(organization, file.into(), Some(secret.password), now).await?))
    }

    /// When the configuration was last set, and by whom; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn last_set(&self, organization: &str) -> Result<Option<(Timestamp, Option<String>)>, Error> {
        let page = self.items.changelog(organization, KEY, None, 1).await?;
        Ok(page.items.into_iter().next().map(|logged| (logged.at, logged.change.by)))
    }
}
