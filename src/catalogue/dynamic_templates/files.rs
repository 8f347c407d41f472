//! The files of versions: read, and known to the collector of orphans.

use bytes::Bytes;
use store::blobs::Digest;
use uuid::Uuid;

use super::{DynamicTemplates, Error, Source, WHAT};
use crate::catalogue::documents::Download;
use crate::catalogue::orphans::Keeper;
use crate::catalogue::references::HolderKind;
use crate::records;

impl DynamicTemplates {
    /// The template of a source.
    ///
    /// # Errors
    /// [`Error::Gone`] where nobody holds it any more, [`Error::Catalogue`].
    pub async fn template(&self, organization: &str, source: &Source) -> Result<Bytes, Error> {
        self.blobs.get(organization, &source.template).await?.ok_or_else(|| Error::Gone(WHAT.to_owned()))
    }

    /// The editor's configuration of a source.
    ///
    /// # Errors
    /// As [`DynamicTemplates::template`].
    pub async fn editor_config(&self, organization: &str, source: &Source) -> Result<Bytes, Error> {
        self.blobs.get(organization, &source.editor_config).await?.ok_or_else(|| Error::Gone(WHAT.to_owned()))
    }

    /// A file of a version, piece by piece, for whoever has a link to it.
    ///
    /// # Errors
    /// [`Error::Gone`] where it was deleted, [`Error::Bytes`] when there is no room for another download, [`Error::Catalogue`].
    pub async fn download_by_link(&self, organization: &str, file: &Digest, link: &str) -> Result<Download, Error> {
        let download = self.documents.open_by_link(organization, file, link).await?;
        download.ok_or_else(|| Error::Gone(WHAT.to_owned()))
    }
}

impl Keeper for DynamicTemplates {
    const KIND: HolderKind = HolderKind::DynamicTemplateVersion;

    async fn needs(&self, organization: &str, id: Uuid, digest: &Digest) -> Result<Option<bool>, records::Error> {
        let Some(version) = self.versions.contents.find(organization, id).await? else { return Ok(None) };
        let is_named = self.versions.is_named(organization, &version.external_id, id).await?;
        // Until its template names it, it may still come to be.
        Ok(is_named.then(|| version.digests().contains(digest)))
    }
}
