//! Configuration documents: images that an organization puts into the fields of its templates.
//!
//! Order of writing as for documents: reference to the bytes, bytes, record. Nothing deletes one.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use store::Store;
use store::blobs::{self, Blobs, Digest};
use uuid::Uuid;
use workflows::values::{self, Problems};

use super::Error;
use super::picture::{self, ImageExtension};
use crate::catalogue::item::{Act, Found, Items, Kind, Numbered};
use crate::catalogue::orphans::Keeper;
use crate::catalogue::references::{Holder, HolderKind, References};
use crate::catalogue::{Error as CatalogueError, names};
use crate::cpu_pool::{self, CpuPool, Job, Work};
use crate::records::{self, Records};

/// What people call one.
const WHAT: &str = "configuration document";

/// Maximum size of one, in bytes: a logo, not a photograph.
pub const MAX_IMAGE: usize = 2 * 1024 * 1024;

/// A configuration document, as its record keeps it. Its key is its identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationDocument {
    /// Identifier inside its organization.
    pub id: Uuid,
    /// Name without white space; several may have one.
    pub name: String,
    /// Format of the bytes.
    pub extension: ImageExtension,
    /// Address of the bytes: their SHA-256.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
}

impl Kind for ConfigurationDocument {
    const COLLECTION: &'static str = "configuration_document";
    const KEY_IS_FREED: bool = false;
}

/// What a client uploads, as it was sent: everything is checked here, so that all problems can be told at once.
#[derive(Debug, Default)]
pub struct Upload {
    /// Name of the document.
    pub name: Option<String>,
    /// Declared extension.
    pub extension: Option<String>,
    /// The bytes.
    pub content: Option<Bytes>,
}

/// Which configuration documents a listing has.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Only those of this name.
    pub name: Option<String>,
    /// Only those of this extension, literally: `jpg` is not `jpeg`.
    pub extension: Option<ImageExtension>,
}

/// The configuration documents of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Images {
    items: Items<ConfigurationDocument>,
    references: References,
    blobs: Blobs,
    cpu: CpuPool,
}

impl Images {
    /// Over a store and the blobs beside it; images are looked at in the pool.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, cpu: CpuPool) -> Self {
        let records = Records::new(store);
        Self { references: References::new(records.clone(), blobs.clone()), items: Items::new(records), blobs, cpu }
    }

    /// Stores an upload under a new identifier.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::Incomplete`] for missing parts and for an image that ends too early,
    /// [`Error::TooLarge`], [`Error::Catalogue`].
    pub async fn upload(
        &self,
        organization: &str,
        upload: Upload,
        act: impl Into<Act<'_>>,
    ) -> Result<ConfigurationDocument, Error> {
        let act = act.into();
        let (name, extension, bytes) = check(upload)?;
        let digest = blobs::digest_of(&bytes).await?;
        self.look_at(organization, digest, extension, bytes.clone()).await?;
        let id = Uuid::now_v7();
        let document = ConfigurationDocument { id, name, extension, digest, size: bytes.len() as u64 };
        self.references.put(organization, &digest, bytes, Holder::ConfigurationDocument(id), act.at).await?;
        self.items.create(organization, &id.to_string(), document.clone(), "created", act).await?;
        Ok(document)
    }

    /// Checks that bytes are an image that can be put on a page, when the organization's turn has come.
    async fn look_at(&self, organization: &str, digest: Digest, extension: ImageExtension, bytes: Bytes) -> Result<(), Error> {
        let job = Job::new(organization, bytes.len() as u64).on(digest, Work::Read);
        match self.cpu.run(job, move |_| picture::check(extension, &bytes)).await {
            Ok(looked_at) => looked_at,
            Err(error @ cpu_pool::Error::SetAside(_)) => Err(Error::invalid("content", error)),
            Err(error) => Err(error.into()),
        }
    }

    /// A page of the configuration documents that are wanted, newest first.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn newest(
        &self,
        organization: &str,
        page: usize,
        size: usize,
        wanted: &Wanted,
    ) -> Result<Numbered<ConfigurationDocument>, Error> {
        let is_wanted = |document: &ConfigurationDocument| {
            wanted.name.as_ref().is_none_or(|name| *name == document.name)
                && wanted.extension.is_none_or(|extension| extension == document.extension)
        };
        self.items.newest(organization, page, size, is_wanted).await.map_err(|error| Error::of(WHAT, error))
    }

    /// A configuration document.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Catalogue`].
    pub async fn get(&self, organization: &str, id: Uuid) -> Result<Found<ConfigurationDocument>, Error> {
        self.items.get(organization, &id.to_string()).await.map_err(|error| Error::of(WHAT, error))
    }

    /// The bytes of a configuration document.
    ///
    /// # Errors
    /// As [`Images::get`].
    pub async fn bytes(&self, organization: &str, id: Uuid) -> Result<Bytes, Error> {
        let document = self.get(organization, id).await?.item.value;
        let missing = || CatalogueError::BytesMissing(format!("{organization}/{}/{id}", ConfigurationDocument::COLLECTION));
        Ok(self.blobs.get(organization, &document.digest).await?.ok_or_else(missing)?)
    }

    /// Puts bytes for a holder that no record names, as a crash would leave them.
    #[cfg(test)]
    pub(super) async fn put_and_stop(&self, organization: &str, bytes: Bytes, holder: Holder, at: store::Timestamp) {
        self.references.put(organization, &Digest::of(&bytes), bytes, holder, at).await.unwrap();
    }
}

fn check(upload: Upload) -> Result<(String, ImageExtension, Bytes), Error> {
    let mut problems = Problems::default();
    let missing = names::missing_parts(&upload.name, &upload.extension, &upload.content);
    let named = |name: String| values::check_document_name(&name).map(|()| name);
    let name = upload.name.and_then(|name| problems.take("name", named(name)));
    let extension = upload.extension.and_then(|extension| problems.take("extension", extension.parse()));
    if upload.content.as_ref().is_some_and(|bytes| bytes.len() > MAX_IMAGE) {
        return Err(Error::TooLarge(MAX_IMAGE));
    }
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    match (name, extension, upload.content) {
        (Some(name), Some(extension), Some(bytes)) if missing.is_empty() => Ok((name, extension, bytes)),
        _ => Err(Error::Incomplete(missing)),
    }
}

impl Keeper for Images {
    const KIND: HolderKind = HolderKind::ConfigurationDocument;

    async fn needs(&self, organization: &str, id: Uuid, digest: &Digest) -> Result<Option<bool>, records::Error> {
        let found = self.items.find(organization, &id.to_string()).await?;
        Ok(found.map(|found| found.item.value.digest == *digest && found.item.state.is_present()))
    }
}
