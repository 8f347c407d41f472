//! Dynamic templates: HTML with places for data, in versions, each with a source per language and one JSON Schema of the data for all of them.
//!
//! Order of writing: reference to each file, its bytes, the schema, the version, and at last the template that names the version. A crash in
//! between leaves what nothing names: bytes, which the collector of orphans removes, and small records. The other way round, the template gives up a
//! version before its files are given up.
//!
//! What is uploaded is checked once, before anything is written: the schema in the pool of work on strangers' files, the templates in processes of
//! their own ([`CheckTemplates`]).

mod check;
mod files;
mod schema;
mod seen;
#[cfg(test)]
mod tests;
mod unfolded;
mod version;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::SubsecRound;
use futures::future::{BoxFuture, join_all};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::blobs::{self, Blobs, Digest};
use store::{RecordKey, Store, Timestamp};
use uuid::Uuid;
use workflows::values::Problems;

pub use self::check::for_engine;
pub use self::schema::{MAX_DEPTH, MAX_SCHEMA, Schema};
pub use self::seen::Seen;
pub use self::version::{
    Definition, Edit, MAX_DESCRIPTION, MAX_FILE, MAX_SOURCES, NewSource, Source, SourceEdit, Version, is_external_id,
};
pub use super::editions::Number;
pub use super::names::Error;
pub use super::versioned::{Logged, Step};

use self::seen::{is_seen, still_latest};
use self::version::check_changelog;
use super::Error as CatalogueError;
use super::documents::Documents;
use super::editions::Editions;
use super::item::Act;
use super::references::{Holder, References};
use super::versioned::{self, MAX_TOLD, NotWritten, VersionedItems, missing};
use crate::cache::{self, Cache};
use crate::cpu_pool::{self, Job, Work};
use crate::records::{self, ATTEMPTS, Records};
use crate::render_workers::TemplateError;

/// What people call one.
const WHAT: &str = "dynamic template";

/// The collection of the schemas. They are named by what they are, and stay.
const STRUCTURES: &str = "dynamic_template_structure";

/// Memory for schemas that are ready to use, in bytes.
const SCHEMAS: usize = 64 * 1024 * 1024;

/// How many templates are read at once where all are looked through.
const PAGE: usize = 32;

/// Maximum number of references to files that a deletion takes back. Those beyond count for nothing: their version is gone.
const MAX_RELEASED: usize = 4000;

/// Looks at uploaded templates: their syntax and limits, and one filling with what the schema says of the data.
pub trait CheckTemplates: Send + Sync {
    /// Everything that is wrong with the template of a source, in words for its author. It may take seconds, and is not done in this process.
    fn check<'a>(
        &'a self,
        organization: &'a str,
        source: &'a NewSource,
    ) -> BoxFuture<'a, Result<Result<(), Vec<String>>, TemplateError>>;
}

/// A version with its number, and the template's external id.
pub type Numbering = versioned::Numbering<Version>;

/// A version, as its template names it: small, as all of them are in one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Uuid, u32, Timestamp)", into = "(Uuid, u32, Timestamp)")]
struct Edition {
    id: Uuid,
    /// See [`Version::told_size`].
    weight: u32,
    created_at: Timestamp,
}

impl versioned::Edition for Edition {
    const WHAT: &'static str = WHAT;
    const COLLECTION: &'static str = "dynamic_template";
    type Version = Version;

    fn id(&self) -> Uuid {
        self.id
    }

    fn weight(&self) -> usize {
        self.weight as usize
    }

    fn is_external_id(text: &str) -> bool {
        is_external_id(text)
    }
}

impl From<(Uuid, u32, Timestamp)> for Edition {
    fn from((id, weight, created_at): (Uuid, u32, Timestamp)) -> Self {
        Self { id, weight, created_at }
    }
}

impl From<Edition> for (Uuid, u32, Timestamp) {
    fn from(Edition { id, weight, created_at }: Edition) -> Self {
        (id, weight, created_at)
    }
}

impl From<&Version> for Edition {
    fn from(version: &Version) -> Self {
        let weight = u32::try_from(version.told_size()).unwrap_or(u32::MAX);
        Self { id: version.id, weight, created_at: version.created_at }
    }
}

/// A schema, as its record keeps it.
#[derive(Serialize, Deserialize)]
struct Structure {
    structure: Value,
}

/// The dynamic templates of all organizations; a cheap handle.
#[derive(Clone)]
pub struct DynamicTemplates {
    versions: VersionedItems<Edition>,
    records: Records,
    references: References,
    blobs: Blobs,
    documents: Documents,
    checker: Arc<dyn CheckTemplates>,
    schemas: Arc<Cache<Digest, Schema>>,
}

/// What was sent of one language, with its place in the body, and as it is to be kept.
struct Sent<'a> {
    place: usize,
    source: &'a NewSource,
    kept: Source,
}

/// A version that is being made.
struct New {
    id: Uuid,
    /// Files by their addresses; those of the version that are not among them are there already.
    files: HashMap<Digest, Bytes>,
}

impl New {
    fn of(sent: &[Sent<'_>]) -> Self {
        let files = sent.iter().flat_map(|Sent { source, kept, .. }| {
            [(kept.template, source.template.clone()), (kept.editor_config, source.editor_config.clone())]
        });
        Self { id: Uuid::now_v7(), files: files.collect() }
    }
}

impl DynamicTemplates {
    /// Over a store and the blobs beside it. Schemas are read in the pool of the documents, files downloaded through their room.
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Blobs,
        documents: Documents,
        checker: Arc<dyn CheckTemplates>,
        metrics: cache::Metrics,
    ) -> Self {
        let records = Records::new(store);
        Self {
            versions: VersionedItems::new(records.clone()),
            references: References::new(records.clone(), blobs.clone()),
            records,
            blobs,
            documents,
            checker,
            schemas: Arc::new(Cache::new("schemas", SCHEMAS, metrics)),
        }
    }

    /// Makes a template, version 1.0.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::Exists`], [`Error::Catalogue`].
    pub async fn create(
        &self,
        organization: &str,
        external_id: &str,
        definition: Definition,
        act: impl Into<Act<'_>>,
    ) -> Result<Numbering, Error> {
        let act = act.into();
        let mut problems = Problems::default();
        if !is_external_id(external_id) {
            problems.note("external_id", "expected up to 255 lower-case letters, digits and underscores");
        }
        definition.check(&mut problems);
        // A name that is taken is told before much is done for it.
        if problems.is_empty() {
            self.versions.is_free(organization, external_id).await?;
        }
        let sent = sent(definition.sources.iter().enumerate()).await?;
        let structure = self.look_into(organization, &sent, problems).await?;
        let new = New::of(&sent);
        let sources = sent.into_iter().map(|sent| sent.kept).collect();
        let version = definition.version(new.id, external_id, sources, instant(act));
        let make = async |edition| self.versions.create(organization, external_id, Uuid::now_v7(), edition, act).await;
        self.add(organization, new, version, structure, act, make).await.map_err(NotWritten::into_error::<Edition>)
    }

    /// Adds a major version. Nothing is taken over from the one before.
    ///
    /// # Errors
    /// As [`DynamicTemplates::create`]; [`Error::NotFound`] for a template that is not there, also one that was deleted: the operations have no
    /// 410 (note deleted-others). [`Error::Conflict`] where there are as many versions as there may be. [`Error::Overtaken`] where
    /// [`Definition::seen`] is not what is there.
    pub async fn add_major(
        &self,
        organization: &str,
        external_id: &str,
        definition: Definition,
        reason: Option<String>,
        act: impl Into<Act<'_>>,
    ) -> Result<Numbering, Error> {
        let act = act.into();
        let template = self.versions.get(organization, external_id).await.map_err(missing)?;
        let mut problems = Problems::default();
        definition.check(&mut problems);
        check_changelog(reason.as_deref(), &mut problems);
        let fits = |editions: &Editions<Edition>| definition.seen.map_or(Ok(()), |seen| still_latest(editions, seen));
        // That is told before much is done, and looked at again when it is written.
        fits(&template.editions)?;
        let sent = sent(definition.sources.iter().enumerate()).await?;
        let structure = self.look_into(organization, &sent, problems).await?;
        let new = New::of(&sent);
        let sources = sent.into_iter().map(|sent| sent.kept).collect();
        let version = definition.version(new.id, external_id, sources, instant(act));
        let make = async |edition| {
            self.versions.add_major(organization, external_id, &template, fits, edition, reason.as_deref(), act).await
        };
        self.add(organization, new, version, structure, act, make).await.map_err(|error| missing(error.into_error::<Edition>()))
    }

    /// Adds a minor version, which keeps to what callers of the major rely on: its schema, its languages, its default language. Languages that
    /// are not named stay as they are; of two changes at once the second follows the first.
    ///
    /// # Errors
    /// As [`DynamicTemplates::add_major`]; [`Error::NotFound`] for a major that is not there, [`Error::Conflict`] for a change that breaks what
    /// callers rely on (note minor-breaking), [`Error::Overtaken`] where the latest minor is not [`Edit::seen`].
    pub async fn add_minor(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        edit: Edit,
        reason: Option<String>,
        act: impl Into<Act<'_>>,
    ) -> Result<Numbering, Error> {
        let act = act.into();
        let before = self.latest(organization, external_id, major).await.map_err(missing)?.version;
        is_seen(&edit, &before)?;
        let mut problems = Problems::default();
        edit.check(&mut problems);
        for (place, source) in edit.sources.iter().enumerate() {
            // What a minor may not take away must be there to be taken away.
            if let SourceEdit::Removal(language) = source
                && before.source(*language).is_none()
            {
                problems.note(format!("sources[{place}].template_part_name"), "a new language needs its file");
            }
        }
        check_changelog(reason.as_deref(), &mut problems);
        if problems.is_empty() {
            self.keeps_the_contract(organization, &before, &edit).await?;
        }
        let sources = edit.sources.iter().enumerate().filter_map(|(place, source)| Some((place, source.content()?)));
        let sent = sent(sources).await?;
        self.look_into(organization, &sent, problems).await?;
        for _ in 0..ATTEMPTS {
            match self.try_minor(organization, external_id, major, (&edit, &sent), reason.as_deref(), act).await {
                Err(NotWritten::Moved) => {}
                Err(NotWritten::Refused(error)) => return Err(missing(error)),
                Ok(numbering) => return Ok(numbering),
            }
        }
        Err(records::Error::Contended(format!("{WHAT}/{external_id}")).into())
    }

    async fn try_minor(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        (edit, sent): (&Edit, &[Sent<'_>]),
        reason: Option<&str>,
        act: Act<'_>,
    ) -> Result<Numbering, NotWritten> {
        let template = self.versions.get(organization, external_id).await?;
        let before = self.versions.latest_of(organization, external_id, &template, major).await?.version;
        is_seen(edit, &before)?;
        // Also of a major that was made again meanwhile.
        self.keeps_the_contract(organization, &before, edit).await?;
        let new = New::of(sent);
        let mut version = Version { id: new.id, created_at: instant(act), ..Version::clone(&before) };
        if let Some(description) = &edit.description {
            version.description.clone_from(description);
        }
        for source in sent.iter().map(|sent| sent.kept.clone()) {
            match version.sources.iter_mut().find(|kept| kept.language == source.language) {
                Some(kept) => *kept = source,
                None => version.sources.push(source),
            }
        }
        let make = async |edition| {
            let follows = (major, before.id);
            self.versions.add_minor(organization, external_id, &template, follows, edition, reason, act).await
        };
        self.add(organization, new, version, None, act, make).await
    }

    /// Refuses what breaks the contract of use of a version.
    async fn keeps_the_contract(&self, organization: &str, before: &Version, edit: &Edit) -> Result<(), Error> {
        let mut broken = edit.breaks(before);
        if let Some(source) = edit.sources.iter().find_map(SourceEdit::content)
            && source.structure != self.structure(organization, before).await?
        {
            let other = "it has another structure";
            broken = Some(broken.map_or_else(|| other.to_owned(), |broken| format!("{broken}, {other}")));
        }
        let message =
            |broken| format!("a minor version keeps to what callers rely on, and {broken}; make a new major version instead");
        broken.map_or(Ok(()), |broken| Err(Error::Conflict(message(broken))))
    }

    /// Looks into the files and schemas of sources, beside the problems that were found before. The answer is the structure that all of them have;
    /// `None` without sources.
    async fn look_into(&self, organization: &str, sent: &[Sent<'_>], mut problems: Problems) -> Result<Option<Value>, Error> {
        let first = sent.first();
        if let Some(Sent { place, source, .. }) = first {
            // Those of the others are equal, or a problem by now.
            let (structure, text) = (source.structure.clone(), text_of(&source.structure));
            let (digest, size) = (Digest::of(&text), text.len() as u64);
            let read = self.in_turn(organization, digest, size, move || Schema::read(&structure).map(drop)).await?;
            for message in read.err().into_iter().flatten() {
                problems.note(format!("sources[{place}].structure"), message);
            }
        }
        for Sent { place, source, kept } in sent {
            let config = source.editor_config.clone();
            let read =
                move || serde_json::from_slice::<serde::de::IgnoredAny>(&config).map_err(|error| (error.line(), error.column()));
            if let Err((line, column)) = self.in_turn(organization, kept.editor_config, kept.editor_config_size, read).await? {
                let message = format!("the file is not valid JSON, at line {line}, column {column}");
                problems.note(format!("sources[{place}].editor_config_part_name"), message);
            }
        }
        // What is wrong already would only be told once more.
        if problems.is_empty() {
            for Sent { place, source, .. } in sent {
                self.check_template(organization, *place, source, &mut problems).await?;
            }
        }
        if problems.is_empty() { Ok(first.map(|sent| sent.source.structure.clone())) } else { Err(Error::Invalid(problems)) }
    }

    /// Works on what a stranger sent when the organization's turn has come.
    async fn in_turn<T: Send + 'static>(
        &self,
        organization: &str,
        digest: Digest,
        size: u64,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let job = Job::new(organization, size).on(digest, Work::Read);
        match self.documents.cpu().run(job, move |_| work()).await {
            Err(error @ cpu_pool::Error::SetAside(_)) => Err(Error::invalid("sources", error)),
            done => Ok(done?),
        }
    }

    async fn check_template(
        &self,
        organization: &str,
        place: usize,
        source: &NewSource,
        problems: &mut Problems,
    ) -> Result<(), Error> {
        let path = format!("sources[{place}].template_part_name");
        match self.checker.check(organization, source).await {
            Ok(Ok(())) => {}
            Ok(Err(found)) => found.iter().for_each(|problem| problems.note(path.clone(), problem)),
            Err(error @ (TemplateError::Exceeded(_) | TemplateError::Panicked | TemplateError::SetAside)) => {
                problems.note(path, error);
            }
            Err(TemplateError::Pool(error)) => return Err(error.into()),
            Err(TemplateError::Worker(error)) => return Err(CatalogueError::Drawing(error.to_string()).into()),
        }
        Ok(())
    }

    /// Holds the files of a new version, writes it, and lets `make` write the template that names it. What is refused gives its files up.
    async fn add(
        &self,
        organization: &str,
        new: New,
        version: Version,
        structure: Option<Value>,
        act: Act<'_>,
        make: impl AsyncFnOnce(Edition) -> Result<Number, NotWritten>,
    ) -> Result<Numbering, NotWritten> {
        let digests = version.digests();
        let added = self.add_held(organization, &new, version, structure, act, make).await;
        // After a fault of the store nobody knows what was written: then the collector of orphans decides.
        let is_known = !matches!(&added, Ok(_) | Err(NotWritten::Refused(Error::Catalogue(_))));
        if is_known && let Err(error) = self.release_all(organization, new.id, digests.into_iter(), act.at).await {
            tracing::warn!(%error, "files of a version that was not made are left to the collector of orphans");
        }
        added
    }

    async fn add_held(
        &self,
        organization: &str,
        new: &New,
        version: Version,
        structure: Option<Value>,
        act: Act<'_>,
        make: impl AsyncFnOnce(Edition) -> Result<Number, NotWritten>,
    ) -> Result<Numbering, NotWritten> {
        let holder = Holder::DynamicTemplateVersion(new.id);
        for digest in version.digests() {
            match new.files.get(&digest) {
                Some(file) => self.references.put(organization, &digest, file.clone(), holder, act.at).await?,
                // A deletion was faster.
                None if !self.references.keep(organization, &digest, holder, act.at).await? => return Err(NotWritten::Moved),
                None => {}
            }
        }
        if let Some(structure) = structure {
            // Under this name there is nothing else.
            self.records.put(&structure_key(organization, &version.structure), 0, act.at, &Structure { structure }).await?;
        }
        let version = self.versions.contents.write(organization, version, act.at).await?;
        let number = make(Edition::from(&*version)).await?;
        Ok(Numbering { external_id: version.external_id.clone(), number, version })
    }

    /// Deletes a major version, the latest, with its minors. With the last one the template is deleted, and its name is free.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for what was deleted: the operation has no 410 (note deleted-others). [`Error::Conflict`] where it is not the
    /// latest. [`Error::Catalogue`].
    pub async fn delete_major(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        act: impl Into<Act<'_>>,
    ) -> Result<(), Error> {
        let act = act.into();
        let deleted = self.versions.delete_major(organization, external_id, major, act).await.map_err(missing)?;
        self.give_up(organization, deleted, act.at).await
    }

    /// Deletes the latest minor of a major version.
    ///
    /// # Errors
    /// As [`DynamicTemplates::delete_major`]; [`Error::Conflict`] for minor 0.
    pub async fn delete_minor(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        act: impl Into<Act<'_>>,
    ) -> Result<(), Error> {
        let act = act.into();
        let deleted = self.versions.delete_minor(organization, external_id, major, act).await.map_err(missing)?;
        self.give_up(organization, deleted, act.at).await
    }

    /// Gives up the files of deleted versions.
    async fn give_up(&self, organization: &str, deleted: Vec<Uuid>, at: Timestamp) -> Result<(), Error> {
        let mut released = 0;
        for id in deleted {
            let digests = self.versions.contents.read(organization, id).await?.digests();
            released += digests.len();
            if released > MAX_RELEASED {
                break;
            }
            self.release_all(organization, id, digests.into_iter(), at).await?;
        }
        Ok(())
    }

    async fn release_all(
        &self,
        organization: &str,
        version: Uuid,
        digests: impl Iterator<Item = Digest>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let (holder, digests) = (Holder::DynamicTemplateVersion(version), digests.collect::<Vec<_>>());
        // All to their end: one that fails keeps no other from being given up, and leaves none half done.
        let released = join_all(digests.iter().map(|digest| self.references.release(organization, digest, holder, at))).await;
        Ok(released.into_iter().collect::<Result<(), _>>()?)
    }

    /// A page of the templates, each major version with its latest minor, newest first. `only` names one template.
    ///
    /// # Errors
    /// [`Error::Invalid`] where they take more than there is for one answer, [`Error::Catalogue`].
    pub async fn newest(
        &self,
        organization: &str,
        only: Option<&str>,
        page: usize,
        size: usize,
    ) -> Result<Vec<Numbering>, Error> {
        let mut all = match only {
            Some(external_id) if !is_external_id(external_id) => Vec::new(),
            Some(external_id) => {
                let found = self.versions.items.find(organization, external_id).await?;
                let there = found.filter(|found| found.item.state.is_present());
                there.map(|found| latest_of_each(external_id, &found.item.value)).unwrap_or_default()
            }
            None => self.latest_of_all(organization).await?,
        };
        all.sort_unstable_by(|(one, first, at), (other, second, then)| {
            (Reverse(at.created_at), one, Reverse(first.major)).cmp(&(Reverse(then.created_at), other, Reverse(second.major)))
        });
        let page = all.iter().skip(page.saturating_mul(size)).take(size);
        let page = page.map(|(external_id, number, edition)| (external_id.as_str(), *number, *edition)).collect();
        self.versions.numberings(organization, page).await.map_err(|error| match error {
            Error::TooMuch => Error::invalid("page_size", "there is more than one page can hold; ask for fewer templates"),
            error => error,
        })
    }

    /// The latest minor of each major version of all templates. It keeps no more of them in memory than their names.
    async fn latest_of_all(&self, organization: &str) -> Result<Vec<(String, Number, Edition)>, Error> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.versions.items.list(organization, "", after.as_deref(), PAGE).await?;
            for (external_id, found) in &page.items {
                all.extend(latest_of_each(external_id, &found.item.value));
            }
            match page.next {
                Some(key) => after = Some(key),
                None => return Ok(all),
            }
        }
    }

    /// The numbers of the major versions that are there.
    ///
    /// # Errors
    /// As [`DynamicTemplates::get`].
    pub async fn majors(&self, organization: &str, external_id: &str) -> Result<Vec<u32>, Error> {
        self.versions.majors(organization, external_id).await.map_err(missing)
    }

    /// All minors of a major version, newest first.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for what was deleted; [`Error::Invalid`] where they take more than there is for one answer;
    /// [`Error::Catalogue`].
    pub async fn minors(&self, organization: &str, external_id: &str, major: u32) -> Result<Vec<Numbering>, Error> {
        self.versions.minors(organization, external_id, major).await.map_err(|error| match missing(error) {
            Error::TooMuch => {
                let message = format!("the minors take more than the {MAX_TOLD} bytes of one answer; read one of them at a time");
                Error::invalid("major_version", message)
            }
            error => error,
        })
    }

    /// One version.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for what was deleted; [`Error::Catalogue`].
    pub async fn get(&self, organization: &str, external_id: &str, number: Number) -> Result<Numbering, Error> {
        self.versions.version(organization, external_id, number).await.map_err(missing)
    }

    /// The latest minor of a major version: what a fill uses. It reads one record; what the version is made of is remembered.
    ///
    /// # Errors
    /// As [`DynamicTemplates::get`].
    pub async fn latest(&self, organization: &str, external_id: &str, major: u32) -> Result<Numbering, Error> {
        self.versions.latest(organization, external_id, major).await.map_err(missing)
    }

    /// A version by its identifier, whatever became of its template: what is filled is what was asked for.
    ///
    /// # Errors
    /// [`Error::Catalogue`], also where there never was one.
    pub async fn version(&self, organization: &str, id: Uuid) -> Result<Arc<Version>, Error> {
        Ok(self.versions.contents.read(organization, id).await?)
    }

    /// Fails unless there is a template, and the major version of it that is named.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for what was deleted; [`Error::Catalogue`].
    pub async fn find(&self, organization: &str, external_id: &str, major: Option<u32>) -> Result<(), Error> {
        match major {
            Some(major) => self.latest(organization, external_id, major).await.map(drop),
            None => self.versions.get(organization, external_id).await.map(drop).map_err(missing),
        }
    }

    /// Whether a template that is there has a version.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn has(&self, organization: &str, version: &Version) -> Result<bool, Error> {
        Ok(self.versions.is_named(organization, &version.external_id, version.id).await?)
    }

    /// What became of a template since it was made, newest first, at most 2000 lines: also of versions that were deleted, and their deletion.
    ///
    /// # Errors
    /// As [`DynamicTemplates::get`].
    pub async fn changelog(&self, organization: &str, external_id: &str) -> Result<Vec<Logged>, Error> {
        self.versions.changelog(organization, external_id).await.map_err(missing)
    }

    /// The JSON Schema of a version, as it was sent.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn structure(&self, organization: &str, version: &Version) -> Result<Value, Error> {
        let key = structure_key(organization, &version.structure);
        let unreadable = || records::Error::Unreadable(format!("{STRUCTURES}/{}", version.structure));
        Ok(self.records.get::<Structure>(&key).await?.ok_or_else(unreadable)?.value.structure)
    }

    /// The JSON Schema of a version, ready to use. It is made ready once and kept, as far as there is room.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn schema(&self, organization: &str, version: &Version) -> Result<Arc<Schema>, Error> {
        let read = async || {
            let structure = self.structure(organization, version).await?;
            let read = move || Schema::read(&structure);
            let schema = self.in_turn(organization, version.structure, version.structure_size, read).await?;
            // It was read before it was written; a later program might refuse more.
            schema.map_err(|_| Error::from(records::Error::Unreadable(format!("{STRUCTURES}/{}", version.structure))))
        };
        self.schemas.get(organization, version.structure, read).await
    }
}

/// Sources with the addresses of their files; no more of them than a version may have.
async fn sent<'a>(sources: impl Iterator<Item = (usize, &'a NewSource)>) -> Result<Vec<Sent<'a>>, Error> {
    let mut sent = Vec::new();
    for (place, source) in sources.take(MAX_SOURCES) {
        let template = blobs::digest_of(&source.template).await?;
        let editor_config = blobs::digest_of(&source.editor_config).await?;
        sent.push(Sent { place, source, kept: Source::of(source, template, editor_config) });
    }
    Ok(sent)
}

/// The latest minor of each major version of a template.
fn latest_of_each(external_id: &str, template: &versioned::Versioned<Edition>) -> Vec<(String, Number, Edition)> {
    let latest = template.editions.majors().filter_map(|major| template.editions.latest(major).ok());
    latest.map(|(number, edition)| (external_id.to_owned(), number, *edition)).collect()
}

/// When a version is made, as the store keeps instants: the changelog tells the same one.
fn instant(act: Act<'_>) -> Timestamp {
    act.at.trunc_subsecs(6)
}

/// What a schema is named by.
fn text_of(structure: &Value) -> Vec<u8> {
    structure.to_string().into_bytes()
}

fn structure_key(organization: &str, structure: &Digest) -> RecordKey {
    RecordKey::new(organization, STRUCTURES, structure.to_string())
}
