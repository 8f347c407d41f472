//! Documents: uploaded or produced bytes with a name, labels and perhaps an owner.
//!
//! Order of writing: reference to the bytes, bytes, record. A crash in between leaves a reference or bytes that nothing
//! names, which [`super::orphans`] removes after a grace period; never a record without its bytes.

mod content;
mod document;
mod drawing;
mod looking;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use chrono::SubsecRound;
use documents::active::ActiveContent;
use render::Comparison;
use store::blobs::{self, Blobs, Digest, Reader};
use store::{Store, Timestamp};
use uuid::Uuid;
use workflows::values::{self, Problems};

pub use super::item::State;
pub(super) use content::{is_jpeg, is_png};
pub use document::{Document, Extension};
pub use looking::Version;
pub use workflows::values::Owner;

use super::Error as CatalogueError;
use super::item::{Act, Found, Item, Items, Refused};
use super::orphans::Keeper;
use super::references::{Holder, HolderKind, References};
use crate::cpu_pool::{self, CpuPool, Cutoff, Job, Work};
use crate::records::{self, Records};
use crate::render_workers::Workers;
use crate::room::{Full, Room, Share};

/// Bytes of a document that are in memory while it is downloaded: one piece that is read, one on its way out.
const DOWNLOAD: u64 = 2 * blobs::PIECE as u64;

/// What the other parts of an upload of the maximum size may add to its content.
const UPLOAD_OVERHEAD: u64 = 256 * 1024;

/// Part of the room left for downloads that the readers of one public link may take.
const LINK_PART: u64 = 4;

/// Limits of the document service.
#[derive(Clone, Debug)]
pub struct Options {
    /// Maximum size of one document in bytes.
    pub max_bytes: usize,
    /// Bytes of uploads, and of downloads, that are in memory at once; those beyond are sent away for a moment. An organization has at
    /// most half of it, so it is at least twice `max_bytes`.
    pub max_bytes_in_flight: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_bytes: 50 * 1024 * 1024, max_bytes_in_flight: 512 * 1024 * 1024 }
    }
}

/// Why a document cannot be read, stored or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There never was such a document.
    #[error("there is no such document")]
    NotFound,
    /// It is private, and the owner named is not its owner, or none was named.
    #[error("the document is private and the owner given is not its owner")]
    NotOwner,
    /// It was deleted, and cannot be read or changed any more.
    #[error("the document was deleted")]
    Gone,
    /// It was deleted before in the very way that is asked for.
    #[error("the document was already deleted")]
    AlreadyDeleted,
    /// It has no owner that could change.
    #[error("the document is public, only the owner of a private one can be changed")]
    Public,
    /// What was sent cannot become a document.
    #[error("the document is not valid")]
    Invalid(Problems),
    /// The content is over the limit, in bytes.
    #[error("a document may have {0} bytes")]
    TooLarge(usize),
    /// As many downloads are under way as there is memory for; trying later will work.
    #[error(transparent)]
    Busy(#[from] Full),
    /// The catalogue failed.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl Error {
    /// That the document is set aside, as it took more than there is for one, in words for the caller.
    pub fn set_aside(&self) -> Option<String> {
        match self {
            Self::Catalogue(CatalogueError::Cpu(error @ cpu_pool::Error::SetAside(_))) => Some(error.to_string()),
            _ => None,
        }
    }
}

impl From<cpu_pool::Error> for Error {
    fn from(error: cpu_pool::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

impl From<records::Error> for Error {
    fn from(error: records::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Already => Self::AlreadyDeleted,
            Refused::Gone => Self::Gone,
        }
    }
}

/// What a client uploads, as it was sent: everything is checked here, so that all problems can be told at once.
#[derive(Debug, Default)]
pub struct Upload {
    /// Name of the document.
    pub name: Option<String>,
    /// Declared extension.
    pub extension: Option<String>,
    /// Labels before normalisation.
    pub tags: Vec<String>,
    /// Owner, if it is to be private.
    pub owner: Option<Owner>,
    /// The bytes.
    pub content: Option<Bytes>,
}

/// A document that the server makes: a sealed PDF, a certificate.
#[derive(Clone, Debug)]
pub struct Produced {
    /// Chosen by the one who orders the document, so that a repeated effect makes no second one.
    pub id: Uuid,
    /// Name without white space.
    pub name: String,
    /// Format of the bytes.
    pub extension: Extension,
    /// Labels in the form in which they are to be kept.
    pub tags: Vec<String>,
    /// Owner, if it is to be private.
    pub owner: Option<Owner>,
    /// As in [`Document`].
    pub owned_with: Option<Uuid>,
    /// The bytes.
    pub bytes: Bytes,
    /// As in [`Document`].
    pub comparison: Option<Comparison>,
}

/// The document service of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Documents {
    items: Items<Document>,
    references: References,
    blobs: Blobs,
    cpu: CpuPool,
    drawing: Workers,
    options: Arc<Options>,
    uploads: Room,
    downloads: Room,
}

/// The bytes of a document on their way out; it holds two pieces of them.
pub struct Download {
    reader: Reader,
    _room: Share,
}

impl Download {
    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.reader.size()
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        Ok(self.reader.next().await?)
    }
}

impl Documents {
    /// Over a store and the blobs beside it; the pool is what documents are read and hashed on, `drawing` are the processes that draw them.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, cpu: CpuPool, drawing: Workers, options: Options) -> Self {
        let records = Records::new(store);
        let references = References::new(records.clone(), blobs.clone());
        let bytes = options.max_bytes_in_flight.max(2 * options.max_bytes) as u64 + UPLOAD_OVERHEAD;
        let (uploads, downloads) = (Room::new(bytes), Room::new(bytes));
        Self { items: Items::new(records), references, blobs, cpu, drawing, options: Arc::new(options), uploads, downloads }
    }

    /// The pool that documents are worked on in.
    pub fn cpu(&self) -> &CpuPool {
        &self.cpu
    }

    /// The limits.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Room in memory for what an organization uploads, to be taken as it comes in.
    pub fn upload_room(&self, organization: &str) -> Share {
        self.uploads.share(organization)
    }

    /// The bytes of a document, piece by piece, for its organization. Room of its own, so that those who read slowly keep no upload out.
    ///
    /// # Errors
    /// [`Error::Busy`] when there is no room, and as [`Documents::bytes`].
    pub async fn download(&self, organization: &str, document: &Document) -> Result<Download, Error> {
        self.download_in(self.downloads.share(organization), organization, document).await
    }

    /// As [`Documents::download`], for whoever has a public link: the readers of one take nothing away from another's, nor do all of an
    /// organization's from its own downloads.
    ///
    /// # Errors
    /// As [`Documents::download`].
    pub async fn download_by_link(&self, organization: &str, document: &Document, link: &str) -> Result<Download, Error> {
        self.download_in(self.share_of_link(organization, link), organization, document).await
    }

    async fn download_in(&self, room: Share, organization: &str, document: &Document) -> Result<Download, Error> {
        match self.open_in(room, organization, &document.digest).await? {
            Some(download) => Ok(download),
            None => Err(self.without_bytes(organization, document).await),
        }
    }

    /// The bytes under a digest, piece by piece, for its organization; `None` if they are not there. They share the room of the downloads.
    ///
    /// # Errors
    /// [`Error::Busy`] when there is no room, [`Error::Catalogue`].
    pub(super) async fn open(&self, organization: &str, digest: &Digest) -> Result<Option<Download>, Error> {
        self.open_in(self.downloads.share(organization), organization, digest).await
    }

    /// As [`Documents::open`], for whoever has a link.
    pub(super) async fn open_by_link(&self, organization: &str, digest: &Digest, link: &str) -> Result<Option<Download>, Error> {
        self.open_in(self.share_of_link(organization, link), organization, digest).await
    }

    /// The readers of one link take nothing away from another's, nor do all of an organization's from its own downloads.
    fn share_of_link(&self, organization: &str, link: &str) -> Share {
        self.downloads.share(&format!("public {organization}")).also(&format!("link {link}"), LINK_PART)
    }

    async fn open_in(&self, mut room: Share, organization: &str, digest: &Digest) -> Result<Option<Download>, Error> {
        room.take(DOWNLOAD)?;
        let reader = self.blobs.open(organization, digest).await?;
        Ok(reader.map(|reader| Download { reader, _room: room }))
    }

    /// Stores an upload under a new identifier.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::TooLarge`], [`Error::Catalogue`].
    pub async fn upload(&self, organization: &str, upload: Upload, act: impl Into<Act<'_>>) -> Result<Document, Error> {
        let (draft, active_content) = self.check(organization, upload).await?;
        let produced = Produced { id: Uuid::now_v7(), ..draft };
        self.store(organization, produced, active_content, act.into()).await
    }

    async fn check(&self, organization: &str, upload: Upload) -> Result<(Produced, Option<ActiveContent>), Error> {
        let mut problems = Problems::default();
        let missing = || "the part is missing".to_owned();

        let name = upload.name.ok_or_else(missing).and_then(|name| values::check_document_name(&name).map(|()| name));
        let name = problems.take("name", name);
        let extension = upload.extension.ok_or_else(missing).and_then(|extension| extension.parse::<Extension>());
        let extension = problems.take("extension", extension);
        let tags = problems.take("tags", values::normalised_tags(&upload.tags));
        let bytes = problems.take("content", upload.content.ok_or_else(missing));

        if bytes.as_ref().is_some_and(|bytes| bytes.len() > self.options.max_bytes) {
            return Err(Error::TooLarge(self.options.max_bytes));
        }
        let (mut active_content, mut comparison) = (None, None);
        if let (Some(extension), Some(bytes)) = (extension, bytes.clone()) {
            let (digest, original) = (blobs::digest_of(&bytes).await?, bytes.len());
            let job = Job::new(organization, bytes.len() as u64).on(digest, Work::Read);
            match self.cpu.run(job, move |_| content::check(extension, &bytes)).await {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(pdf))) => {
                    active_content = Some(pdf.active_content);
                    let compared =
                        self.compare(organization, digest, pdf.rehearsal.pdf.into(), original, &pdf.rehearsal.masks).await?;
                    match would_change(&compared) {
                        Some(message) => problems.note("content", message),
                        None => comparison = Some(compared),
                    }
                }
                Ok(Err(message)) => problems.note("content", message),
                Err(error @ cpu_pool::Error::SetAside(_)) => problems.note("content", error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        match (name, extension, tags, bytes) {
            (Some(name), Some(extension), Some(tags), Some(bytes)) if problems.is_empty() => {
                let (id, owner, owned_with) = (Uuid::nil(), upload.owner, None);
                Ok((Produced { id, name, extension, tags, owner, owned_with, bytes, comparison }, active_content))
            }
            _ => Err(Error::Invalid(problems)),
        }
    }

    /// Stores a document under an identifier chosen before. Idempotent: if the identifier is taken, the document that
    /// has it is the answer, even with other bytes (a seal made twice differs) and even if it was deleted since.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond what a record can name, [`Error::Catalogue`].
    pub async fn store_produced(
        &self,
        organization: &str,
        produced: Produced,
        act: impl Into<Act<'_>>,
    ) -> Result<Document, Error> {
        self.store(organization, produced, None, act.into()).await
    }

    async fn store(
        &self,
        organization: &str,
        produced: Produced,
        active_content: Option<ActiveContent>,
        act: Act<'_>,
    ) -> Result<Document, Error> {
        let key = produced.id.to_string();
        if let Some(existing) = self.items.find(organization, &key).await? {
            return Ok(existing.item.value);
        }
        let act = Act { at: act.at.trunc_subsecs(6), ..act };
        let bytes = produced.bytes;
        let hashed = bytes.clone();
        let job = Job::new(organization, hashed.len() as u64);
        let archive_hash = self.cpu.run(job, move |_| content::archive_hash(&hashed)).await?;
        let holder = Holder::Document(produced.id);
        let digest = self.put_held(organization, &bytes, holder, act.at).await?;
        let document = Document {
            id: produced.id,
            name: produced.name,
            extension: produced.extension,
            tags: produced.tags,
            owner: produced.owner,
            owned_with: produced.owned_with,
            digest,
            archive_hash,
            size: bytes.len() as u64,
            active_content,
            comparison: produced.comparison,
        };
        let Some(first) = self.items.create(organization, &key, document.clone(), "created", act).await? else {
            return Ok(document);
        };
        // The same effect ran twice at once, and the other one was first.
        let first = first.item.value;
        if first.digest != digest {
            self.references.release(organization, &digest, holder, act.at).await?;
        }
        Ok(first)
    }

    async fn put_held(&self, organization: &str, bytes: &Bytes, holder: Holder, now: Timestamp) -> Result<Digest, Error> {
        let digest = blobs::digest_of(bytes).await?;
        self.references.put(organization, &digest, bytes.clone(), holder, now).await?;
        Ok(digest)
    }

    /// The record of a document, whatever its state.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there never was one, [`Error::Catalogue`].
    pub async fn find(&self, organization: &str, id: Uuid) -> Result<Document, Error> {
        Ok(self.item(organization, id).await?.value)
    }

    /// The record of a document that is there and that `owner` may reach.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotOwner`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn read(&self, organization: &str, id: Uuid, owner: Option<&Owner>) -> Result<Document, Error> {
        present(owned(self.item(organization, id).await?, owner)?)
    }

    /// The record of a document that is there, for whoever was let in by its owner.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn shared(&self, organization: &str, id: Uuid) -> Result<Document, Error> {
        present(self.item(organization, id).await?)
    }

    /// The bytes of a document, also of a logically deleted one.
    ///
    /// # Errors
    /// [`Error::Gone`] if they were removed, [`Error::Catalogue`].
    pub async fn bytes(&self, organization: &str, document: &Document) -> Result<Bytes, Error> {
        match self.blobs.get(organization, &document.digest).await? {
            Some(bytes) => Ok(bytes),
            None => Err(self.without_bytes(organization, document).await),
        }
    }

    /// Why the bytes of a document that was there are not.
    async fn without_bytes(&self, organization: &str, document: &Document) -> Error {
        match self.item(organization, document.id).await {
            Ok(Item { state: State::Removed { .. }, .. }) => Error::Gone,
            Ok(_) => CatalogueError::BytesMissing(format!("{organization}/document/{}", document.id)).into(),
            Err(error) => error,
        }
    }

    /// What of a PDF is more than pages; `None` for another document, and for one whose bytes cannot be read as a PDF now. It is in the
    /// record of an upload; of others it is looked for in the bytes.
    ///
    /// # Errors
    /// As [`Documents::bytes`].
    pub async fn active_content(&self, organization: &str, document: &Document) -> Result<Option<ActiveContent>, Error> {
        if document.extension != Extension::Pdf || document.active_content.is_some() {
            return Ok(document.active_content);
        }
        let look = |bytes: Bytes, _: &Cutoff| ::documents::inspect::inspect(&bytes);
        Ok(self.work_on(organization, document, look).await?.ok().map(|facts| facts.active_content))
    }

    /// The bytes under a digest that a process holds.
    ///
    /// # Errors
    /// [`Error::Gone`] if they are not there, [`Error::Catalogue`].
    pub async fn held_bytes(&self, organization: &str, digest: &Digest) -> Result<Bytes, Error> {
        self.blobs.get(organization, digest).await?.ok_or(Error::Gone)
    }

    /// Deletes logically and answers the instant of the deletion.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotOwner`], [`Error::AlreadyDeleted`] when it was deleted logically,
    /// [`Error::Gone`] when it was deleted physically, [`Error::Catalogue`].
    pub async fn delete(
        &self,
        organization: &str,
        id: Uuid,
        owner: Option<&Owner>,
        act: impl Into<Act<'_>>,
    ) -> Result<Timestamp, Error> {
        let act = in_milliseconds(act.into());
        let delete = |item: Item<Document>| Ok(Item { state: item.state.deleted(act.at)?, ..item });
        self.change(organization, id, owner, "deleted", act, delete).await?;
        Ok(act.at)
    }

    /// Deletes physically and answers the instant of the first deletion. The bytes are removed before the answer unless
    /// another document or a process holds the same ones.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotOwner`], [`Error::AlreadyDeleted`] when it was deleted physically, [`Error::Catalogue`].
    pub async fn delete_physically(
        &self,
        organization: &str,
        id: Uuid,
        owner: Option<&Owner>,
        act: impl Into<Act<'_>>,
    ) -> Result<Timestamp, Error> {
        let act = in_milliseconds(act.into());
        let remove = |item: Item<Document>| Ok(Item { state: item.state.removed(act.at)?, ..item });
        let changed = self.change(organization, id, owner, "removed", act, remove).await;
        let digest = match &changed {
            Ok(item) => item.value.digest,
            // The one before may have died between the record and the bytes; what is done already costs a read.
            Err(Error::AlreadyDeleted) => self.item(organization, id).await?.value.digest,
            Err(_) => return changed.map(|_| act.at),
        };
        self.references.release(organization, &digest, Holder::Document(id), act.at).await?;
        Ok(changed?.state.deleted_at().unwrap_or(act.at))
    }

    /// Erases a document: its bytes are given up, and what its record said of it (name, labels, owner) is gone from all versions; identifier,
    /// digests and size stay. Legal holds are the caller's business. Idempotent; nothing where there never was such a document.
    ///
    /// # Errors
    /// [`Error::Catalogue`]; to be asked again then.
    pub async fn erase(&self, organization: &str, id: Uuid, act: impl Into<Act<'_>>) -> Result<(), Error> {
        let (key, act) = (id.to_string(), in_milliseconds(act.into()));
        let erase = |current: Option<Item<Document>>| {
            let Some(item) = current else { return Ok::<_, Error>(None) };
            let state = item.state.removed(act.at).unwrap_or(item.state);
            let erased = Item { value: item.value.clone().erased(), state, ..item.clone() };
            Ok((erased != item).then_some(erased))
        };
        self.items.change(organization, &key, "erased", act, erase).await?;
        let Some(found) = self.items.find(organization, &key).await? else { return Ok(()) };
        self.references.release(organization, &found.item.value.digest, Holder::Document(id), act.at).await?;
        Ok(self.items.forget_versions(organization, &key).await?)
    }

    /// Gives a private document another owner. One that had the owner of another document goes its own way from then on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotOwner`], [`Error::Gone`], [`Error::Public`], [`Error::Catalogue`].
    pub async fn change_owner(
        &self,
        organization: &str,
        id: Uuid,
        owner: Option<&Owner>,
        new_owner: Owner,
        act: impl Into<Act<'_>>,
    ) -> Result<Document, Error> {
        let give = |item: Item<Document>| {
            let document = present(item.clone())?;
            let owner = if document.is_public() { Err(Error::Public) } else { Ok(Some(new_owner.clone())) };
            Ok(item.with(Document { owner: owner?, owned_with: None, ..document }))
        };
        Ok(self.change(organization, id, owner, "given to another owner", act.into(), give).await?.value)
    }

    /// Reads the bytes of a document, also of a logically deleted one, and works on them when their turn has come: those that wait hold
    /// none.
    ///
    /// # Errors
    /// As [`Documents::bytes`], and [`CatalogueError::Cpu`].
    pub async fn work_on<T: Send + 'static>(
        &self,
        organization: &str,
        document: &Document,
        work: impl FnOnce(Bytes, &Cutoff) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.cpu.turn(Job::new(organization, document.size).on(document.digest, Work::Read)).await?;
        let bytes = self.bytes(organization, document).await?;
        Ok(turn.run(move |cutoff| work(bytes, cutoff)).await?)
    }

    /// As [`Documents::work_on`], with the bytes under a digest that a process holds; there are `size` of them.
    ///
    /// # Errors
    /// As [`Documents::held_bytes`], and [`CatalogueError::Cpu`].
    pub async fn work_on_held<T: Send + 'static>(
        &self,
        organization: &str,
        digest: &Digest,
        size: u64,
        work: impl FnOnce(Bytes, &Cutoff) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let turn = self.cpu.turn(Job::new(organization, size).on(*digest, Work::Read)).await?;
        let bytes = self.held_bytes(organization, digest).await?;
        Ok(turn.run(move |cutoff| work(bytes, cutoff)).await?)
    }

    /// Holds bytes for a process, so that they stay whatever becomes of the document. Idempotent.
    ///
    /// # Errors
    /// [`Error::Gone`] if they were removed before, [`Error::Catalogue`].
    pub async fn hold(&self, organization: &str, digest: &Digest, process: Uuid, now: Timestamp) -> Result<(), Error> {
        let is_kept = self.references.keep(organization, digest, Holder::Process(process), now).await?;
        if is_kept { Ok(()) } else { Err(Error::Gone) }
    }

    /// Gives up what [`Documents::hold`] took; the bytes are removed if nobody else holds them. Idempotent.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn release(&self, organization: &str, digest: &Digest, process: Uuid, now: Timestamp) -> Result<(), Error> {
        Ok(self.references.release(organization, digest, Holder::Process(process), now).await?)
    }

    /// Keeps bytes for at least [`LEASE`](crate::catalogue::LEASE) less ten minutes from now, whoever else gives them up: for many that each need them for a while. Bytes that
    /// nobody else needs are collected after that. Idempotent, and no more than a read where it was asked a moment ago.
    ///
    /// # Errors
    /// [`Error::Gone`] if they were removed before, [`Error::Catalogue`].
    pub async fn lend(&self, organization: &str, digest: &Digest, now: Timestamp) -> Result<(), Error> {
        let is_kept = self.references.keep(organization, digest, Holder::Lease, now).await?;
        if is_kept { Ok(()) } else { Err(Error::Gone) }
    }

    /// Reads, decides and writes until nobody was faster; the owner is checked before the state.
    async fn change(
        &self,
        organization: &str,
        id: Uuid,
        owner: Option<&Owner>,
        what: &str,
        act: Act<'_>,
        decide: impl Fn(Item<Document>) -> Result<Item<Document>, Error>,
    ) -> Result<Item<Document>, Error> {
        let present_owner = self.item(organization, id).await?.value;
        let decide = |current: Option<Item<Document>>| {
            let mut item = current.ok_or(Error::NotFound)?;
            // The owner of the other document as it was a moment ago: if it changes now, it changes after this.
            if item.value.owned_with.is_some() && item.value.owned_with == present_owner.owned_with {
                item.value.owner.clone_from(&present_owner.owner);
            }
            decide(owned(item, owner)?).map(Some)
        };
        self.items.change(organization, &id.to_string(), what, act, decide).await?.ok_or(Error::NotFound)
    }

    async fn item(&self, organization: &str, id: Uuid) -> Result<Item<Document>, Error> {
        let find = async |id: Uuid| self.items.find(organization, &id.to_string()).await;
        let mut item = find(id).await?.ok_or(Error::NotFound)?.item;
        if let Some(other) = item.value.owned_with {
            // The record of the other one stays after any deletion.
            item.value.owner = find(other).await?.and_then(|found| found.item.value.owner).or(item.value.owner);
        }
        Ok(item)
    }
}

impl Keeper for Documents {
    const KIND: HolderKind = HolderKind::Document;

    async fn needs(&self, organization: &str, id: Uuid, digest: &Digest) -> Result<Option<bool>, records::Error> {
        let found = self.items.find(organization, &id.to_string()).await?;
        Ok(found.map(|Found { item, .. }| item.value.digest == *digest && !matches!(item.state, State::Removed { .. })))
    }
}

/// The item, if `owner` may reach it.
fn owned(item: Item<Document>, owner: Option<&Owner>) -> Result<Item<Document>, Error> {
    if item.value.is_reachable_by(owner) { Ok(item) } else { Err(Error::NotOwner) }
}

/// The document of an item that is there.
fn present(item: Item<Document>) -> Result<Document, Error> {
    if item.state.is_present() { Ok(item.value) } else { Err(Error::Gone) }
}

/// Deletions are told in milliseconds, and kept as they are told.
fn in_milliseconds(act: Act<'_>) -> Act<'_> {
    Act { at: act.at.trunc_subsecs(3), ..act }
}

/// In words, if the seal would change what pages show.
pub fn would_change(comparison: &Comparison) -> Option<String> {
    let page = comparison.differing.first()? + 1;
    Some(format!("a seal would change what page {page} shows; save it again with a PDF program and upload that file"))
}
