//! Forms: PDFs with fields, by a name from which their external id is made.
//!
//! Order of writing: reference to the bytes, bytes, the identifier's record, the form's record. A crash in between leaves a reference, bytes or an
//! identifier that nothing names; the collector of orphans removes the bytes after its grace period.

mod content;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use store::blobs::{self, Blobs, Digest};
use store::{Store, Timestamp};
use uuid::Uuid;
use workflows::values::{self, Problems};

pub use super::names::Error;

use self::content::Refused;
use super::documents::{Documents, Download};
use super::fields::{self, FieldKey};
use super::item::{Act, Found, Items, Kind, Numbered, User};
use super::orphans::Keeper;
use super::references::{Holder, HolderKind, References};
use super::sections::{Section, SectionHold};
use super::{Error as CatalogueError, names};
use crate::cpu_pool::{self, Job, Work};
use crate::records::{self, Records};

/// What people call one.
const WHAT: &str = "form";

/// Time in which whoever said that it uses an item has written what uses it. What is older and was never written, never will be. Far above the age
/// at which a holder's record is written again.
pub(super) const CREATION_GRACE: TimeDelta = TimeDelta::hours(1);

/// A form, as its record keeps it. Its key is its external id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Identifier inside its organization.
    pub id: Uuid,
    /// The name in normalised form, by which sections name it.
    pub external_id: String,
    /// The name as it was given.
    pub name: String,
    /// Its fields, in the order of the file. A key stands for all fields of that name.
    pub fields: Vec<FieldKey>,
    /// Normalised labels.
    pub tags: Vec<String>,
    /// Address of the bytes: their SHA-256.
    pub digest: Digest,
    /// Size in bytes.
    pub size: u64,
}

impl Kind for Form {
    const COLLECTION: &'static str = "form";
    const KEY_IS_FREED: bool = true;

    fn weight(&self) -> usize {
        fields::weight_of(&self.fields)
    }
}

impl Form {
    /// The name with its extension, for saving it as a file.
    pub fn file_name(&self) -> String {
        if self.name.to_lowercase().ends_with(".pdf") { self.name.clone() } else { format!("{}.pdf", self.name) }
    }
}

/// Under which external id the form with an identifier was made. Its key is the identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identifier {
    external_id: String,
}

impl Kind for Identifier {
    const COLLECTION: &'static str = "form_identifier";
    const KEY_IS_FREED: bool = false;
}

/// What a client uploads, as it was sent: everything is checked here, so that all problems can be told at once.
#[derive(Debug, Default)]
pub struct Upload {
    /// Name of the form.
    pub name: Option<String>,
    /// Declared extension: `pdf`.
    pub extension: Option<String>,
    /// Labels before normalisation.
    pub tags: Vec<String>,
    /// The bytes.
    pub content: Option<Bytes>,
}

/// An upload of which everything but the file was understood.
struct Draft {
    name: String,
    external_id: String,
    tags: Vec<String>,
    bytes: Bytes,
}

/// The forms of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Forms {
    items: Items<Form>,
    identifiers: Items<Identifier>,
    sections: Items<Section>,
    references: References,
    blobs: Blobs,
    documents: Documents,
}

impl Forms {
    /// Over a store and the blobs beside it. Forms are read in the pool of the documents, downloaded through their room, and no larger than these.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, documents: Documents) -> Self {
        let records = Records::new(store);
        let references = References::new(records.clone(), blobs.clone());
        let (items, identifiers, sections) = (Items::new(records.clone()), Items::new(records.clone()), Items::new(records));
        Self { items, identifiers, sections, references, blobs, documents }
    }

    /// Stores an upload.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::Incomplete`] for missing parts and for a PDF that cannot be read to its end,
    /// [`Error::Exists`], [`Error::TooLarge`], [`Error::Catalogue`].
    pub async fn upload(&self, organization: &str, upload: Upload, act: impl Into<Act<'_>>) -> Result<Found<Form>, Error> {
        let act = act.into();
        let Draft { name, external_id, tags, bytes } = self.check(upload)?;
        if self.items.find(organization, &external_id).await?.is_some_and(|found| found.item.state.is_present()) {
            return Err(Error::Exists(WHAT, external_id));
        }
        let digest = blobs::digest_of(&bytes).await?;
        let fields = self.fields(organization, digest, bytes.clone()).await?;

        let id = Uuid::now_v7();
        let size = bytes.len() as u64;
        let form = Form { id, external_id: external_id.clone(), name, fields, tags, digest, size };
        self.references.put(organization, &digest, bytes, Holder::Form(id), act.at).await?;
        let identifier = Identifier { external_id: external_id.clone() };
        self.identifiers.create(organization, &id.to_string(), identifier, "created", act).await?;
        let other = self.items.create(organization, &external_id, form, "created", act).await?;
        if other.is_some_and(|other| other.item.value.id != id) {
            // Somebody else made one of that name a moment ago.
            self.references.release(organization, &digest, Holder::Form(id), act.at).await?;
            return Err(Error::Exists(WHAT, external_id));
        }
        self.get(organization, &external_id).await
    }

    fn check(&self, upload: Upload) -> Result<Draft, Error> {
        let mut problems = Problems::default();
        let missing = names::missing_parts(&upload.name, &upload.extension, &upload.content);
        let named = |name: String| {
            values::check_document_name(&name)?;
            Ok::<_, String>((names::new_external_id(&name)?, name))
        };
        let named = upload.name.and_then(|name| problems.take("name", named(name)));
        if upload.extension.is_some_and(|extension| extension != "pdf") {
            problems.note("extension", "expected pdf");
        }
        let tags = problems.take("tags", values::normalised_tags(&upload.tags));
        let max = self.documents.options().max_bytes;
        if upload.content.as_ref().is_some_and(|bytes| bytes.len() > max) {
            return Err(Error::TooLarge(max));
        }
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        match (named, tags, upload.content) {
            (Some((external_id, name)), Some(tags), Some(bytes)) if missing.is_empty() => {
                Ok(Draft { name, external_id, tags, bytes })
            }
            _ => Err(Error::Incomplete(missing)),
        }
    }

    /// Reads the fields of a file when the organization's turn has come.
    async fn fields(&self, organization: &str, digest: Digest, bytes: Bytes) -> Result<Vec<FieldKey>, Error> {
        let job = Job::new(organization, bytes.len() as u64).on(digest, Work::Read);
        match self.documents.cpu().run(job, move |_| content::read(&bytes)).await {
            Ok(Ok(fields)) => Ok(fields),
            Ok(Err(Refused::Invalid(message))) => Err(Error::invalid("content", message)),
            Ok(Err(Refused::Unreadable(message))) => Err(Error::incomplete("content", message)),
            Err(error @ cpu_pool::Error::SetAside(_)) => Err(Error::invalid("content", error)),
            Err(error) => Err(error.into()),
        }
    }

    /// The form with an external id.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn get(&self, organization: &str, external_id: &str) -> Result<Found<Form>, Error> {
        if !names::is_external_id(external_id) {
            return Err(Error::NotFound(format!("such {WHAT}")));
        }
        self.items.get(organization, external_id).await.map_err(|error| Error::of(WHAT, error))
    }

    /// The form that a text names: by its identifier, or else by its external id (contract `FormId`).
    ///
    /// # Errors
    /// As [`Forms::get`].
    pub async fn find(&self, organization: &str, id_or_external_id: &str) -> Result<Found<Form>, Error> {
        if let Ok(id) = Uuid::parse_str(id_or_external_id)
            && let Some(found) = self.identifiers.find(organization, &id.to_string()).await?
        {
            let form = self.get(organization, &found.item.value.external_id).await?;
            // The name may be another form's by now.
            return if form.item.value.id == id { Ok(form) } else { Err(Error::Gone(WHAT.into())) };
        }
        self.get(organization, id_or_external_id).await
    }

    /// The bytes of a form.
    ///
    /// # Errors
    /// [`Error::Gone`] when it was deleted in the meantime, [`Error::Catalogue`].
    pub async fn bytes(&self, organization: &str, form: &Form) -> Result<Bytes, Error> {
        match self.blobs.get(organization, &form.digest).await? {
            Some(bytes) => Ok(bytes),
            None => Err(self.without_bytes(organization, form).await),
        }
    }

    /// The bytes of a form, piece by piece, for its organization.
    ///
    /// # Errors
    /// As [`Forms::bytes`], and [`Error::Bytes`] when there is no room for another download.
    pub async fn download(&self, organization: &str, form: &Form) -> Result<Download, Error> {
        match self.documents.open(organization, &form.digest).await? {
            Some(download) => Ok(download),
            None => Err(self.without_bytes(organization, form).await),
        }
    }

    /// Why the bytes of a form that was there are not.
    async fn without_bytes(&self, organization: &str, form: &Form) -> Error {
        match self.find(organization, &form.id.to_string()).await {
            Ok(_) => CatalogueError::BytesMissing(format!("{organization}/form/{}", form.id)).into(),
            Err(error) => error,
        }
    }

    /// A page of the forms, newest first.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn newest(&self, organization: &str, page: usize, size: usize) -> Result<Numbered<Form>, Error> {
        self.items.newest(organization, page, size, |_| true).await.map_err(|error| Error::of(WHAT, error))
    }

    /// Deletes a form and removes its bytes.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::InUse`] while a section has it, [`Error::Catalogue`].
    pub async fn delete(&self, organization: &str, id_or_external_id: &str, act: impl Into<Act<'_>>) -> Result<(), Error> {
        let act = act.into();
        let form = self.find(organization, id_or_external_id).await?.item.value;
        let is_there = |held: super::Held| self.is_section_there(organization, held, act.at);
        let deleted = self.items.delete_unused(organization, &form.external_id, "deleted", act, is_there).await;
        deleted.map_err(|error| Error::of(WHAT, error))?;
        Ok(self.references.release(organization, &form.digest, Holder::Form(form.id), act.at).await?)
    }

    /// Whether a section that said that it uses a form is there, or may still come.
    async fn is_section_there(&self, organization: &str, held: super::Held, now: Timestamp) -> Result<bool, records::Error> {
        let may_come = now - held.since < CREATION_GRACE;
        let Some(user) = SectionHold::read(&held) else { return Ok(may_come) };
        let found = self.sections.find(organization, &user.external_id).await?;
        let made = found.filter(|found| found.item.value.id == user.creation);
        Ok(made.map_or(may_come, |section| section.item.state.is_present()))
    }

    /// Records that something uses a form, and answers what it is; to be done before the user is written. From then on the form stays.
    ///
    /// # Errors
    /// As [`Forms::get`].
    pub(super) async fn hold(
        &self,
        organization: &str,
        external_id: &str,
        user: &User,
        at: Timestamp,
    ) -> Result<Found<Form>, Error> {
        // Of a name that cannot be one nothing is kept.
        self.get(organization, external_id).await?;
        self.items.hold(organization, external_id, user, at).await.map_err(|error| Error::of(WHAT, error))
    }

    /// Takes back what [`Forms::hold`] recorded. Idempotent.
    pub(super) async fn release(&self, organization: &str, external_id: &str, user: &User, at: Timestamp) -> Result<(), Error> {
        Ok(self.items.release(organization, external_id, user, at).await?)
    }
}

impl Keeper for Forms {
    const KIND: HolderKind = HolderKind::Form;

    async fn needs(&self, organization: &str, id: Uuid, digest: &Digest) -> Result<Option<bool>, records::Error> {
        let Some(identifier) = self.identifiers.find(organization, &id.to_string()).await? else { return Ok(None) };
        let form = self.items.find(organization, &identifier.item.value.external_id).await?;
        let form = form.filter(|form| form.item.value.id == id);
        Ok(form.map(|form| form.item.value.digest == *digest && form.item.state.is_present()))
    }
}
