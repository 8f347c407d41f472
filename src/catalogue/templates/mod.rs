//! Templates: sections in order, with rules, in versions. Callers fill a major version; its minors come and go without their notice.
//!
//! A template's record names its versions; what each is made of stands in a record of its own, which is never written again. So a fill reads one
//! record, and sees at once what another server changed. Order of writing: the version is recorded as a user of each of its sections, then it is
//! written, then the template names it. A crash in between leaves a version that nothing names, and users that never came to be, which keep no
//! section for longer than the time that a creation may take.

#[cfg(test)]
mod tests;
mod version;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::SubsecRound;
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use store::{Store, Timestamp};
use uuid::Uuid;
use workflows::values::Problems;

pub use super::editions::Number;
pub use super::names::Error;
pub use super::versioned::{Logged, MAX_CHANGES, Step};
pub use version::{Definition, Edit, MAX_CONDITION, MAX_RULES, MAX_SECTIONS, Rule, Version, check_condition};

use super::item::{Act, Kind, Numbered, User};
use super::sections::{self, Sections};
use super::versioned::{self, AT_ONCE, NotWritten, Versioned, VersionedItems, missing};
use super::{Held, names};
use crate::records::{self, ATTEMPTS, Records};

/// What people call one.
const WHAT: &str = "template";

/// External ids that paths of other things have in their place (note route-precedence).
const TAKEN: [&str; 3] = ["forms", "sections", "configurations"];

/// Maximum number of records of users that a deletion takes back. Those beyond stay, and count for nothing: their version is gone.
const MAX_RELEASED: usize = 2000;

/// How many templates are read at once where all are looked through.
const PAGE: usize = 128;

/// A template, as its record keeps it. Its key is its external id.
type Template = Versioned<Edition>;

/// A version with its number, and the template's external id.
pub type Numbering = versioned::Numbering<Version>;

/// A version, as its template names it: small, as all of them are in one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(Uuid, u32, bool)", into = "(Uuid, u32, bool)")]
struct Edition {
    id: Uuid,
    /// Size of the version in bytes of JSON.
    weight: u32,
    /// See [`Version::is_configured`].
    is_configured: bool,
}

impl versioned::Edition for Edition {
    const WHAT: &'static str = WHAT;
    const COLLECTION: &'static str = "template";
    type Version = Version;

    fn id(&self) -> Uuid {
        self.id
    }

    fn weight(&self) -> usize {
        self.weight as usize
    }
}

impl From<(Uuid, u32, bool)> for Edition {
    fn from((id, weight, is_configured): (Uuid, u32, bool)) -> Self {
        Self { id, weight, is_configured }
    }
}

impl From<Edition> for (Uuid, u32, bool) {
    fn from(Edition { id, weight, is_configured }: Edition) -> Self {
        (id, weight, is_configured)
    }
}

impl From<&Version> for Edition {
    fn from(version: &Version) -> Self {
        let weight = u32::try_from(version.weight()).unwrap_or(u32::MAX);
        Self { id: version.id, weight, is_configured: version.is_configured() }
    }
}

/// The templates of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Templates {
    versions: VersionedItems<Edition>,
    sections: Sections,
}

impl Templates {
    /// Over a store, with the sections.
    pub fn new(store: Arc<dyn Store>, sections: Sections) -> Self {
        Self { versions: VersionedItems::new(Records::new(store)), sections }
    }

    /// Makes a template, version 1.0.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::NotFound`] and [`Error::Gone`] for a section that is not there,
    /// [`Error::Exists`], [`Error::Catalogue`].
    pub async fn create(
        &self,
        organization: &str,
        name: &str,
        definition: Definition,
        act: impl Into<Act<'_>>,
    ) -> Result<Numbering, Error> {
        let act = act.into();
        let external_id = new_external_id(name, definition.check())?;
        self.versions.is_free(organization, &external_id).await?;
        let new = New::of(&external_id);
        let make =
            async |version: &Version| self.versions.create(organization, &external_id, new.id, Edition::from(version), act).await;
        self.add(organization, &new, definition, None, act, make).await.map_err(NotWritten::into_error::<Edition>)
    }

    /// Adds a major version.
    ///
    /// # Errors
    /// As [`Templates::create`]; [`Error::NotFound`] for a template, or a section, that is not there, also where one was deleted: the
    /// operation has no 410 (note deleted-others). [`Error::Conflict`] where there are as many versions as there may be.
    pub async fn add_version(
        &self,
        organization: &str,
        external_id: &str,
        definition: Definition,
        reason: Option<String>,
        act: impl Into<Act<'_>>,
    ) -> Result<Numbering, Error> {
        let act = act.into();
        let template = self.versions.get(organization, external_id).await.map_err(missing)?;
        check_reason(reason.as_deref(), definition.check())?;
        let new = New::of(external_id);
        let make = async |version: &Version| {
            let (edition, reason) = (Edition::from(version), reason.as_deref());
            self.versions.add_major(organization, external_id, &template, |_| Ok(()), edition, reason, act).await
        };
        self.add(organization, &new, definition, None, act, make).await.map_err(|error| missing(error.into_error::<Edition>()))
    }

    /// Adds a minor version, which keeps to what callers of the major rely on. What is left out stays as it is in the latest minor; of two at once
    /// the second follows the first.
    ///
    /// # Errors
    /// As [`Templates::add_version`]; [`Error::NotFound`] for a major that is not there, [`Error::Conflict`] for a change that breaks the contract
    /// of use (note template-patch-conflict).
    pub async fn change(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        edit: Edit,
        reason: Option<String>,
        act: impl Into<Act<'_>>,
    ) -> Result<Numbering, Error> {
        let act = act.into();
        for _ in 0..ATTEMPTS {
            match self.try_change(organization, external_id, major, edit.clone(), reason.as_deref(), act).await {
                Err(NotWritten::Moved) => {}
                Err(NotWritten::Refused(error)) => return Err(missing(error)),
                Ok(numbering) => return Ok(numbering),
            }
        }
        Err(records::Error::Contended(format!("{WHAT}/{external_id}")).into())
    }

    async fn try_change(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        edit: Edit,
        reason: Option<&str>,
        act: Act<'_>,
    ) -> Result<Numbering, NotWritten> {
        let template = self.versions.get(organization, external_id).await?;
        let before = self.versions.latest_of(organization, external_id, &template, major).await?.version;
        let definition = edit.apply(&before);
        check_reason(reason, definition.check())?;
        let new = New::of(external_id);
        let make = async |version: &Version| {
            let (follows, edition) = ((major, before.id), Edition::from(version));
            self.versions.add_minor(organization, external_id, &template, follows, edition, reason, act).await
        };
        self.add(organization, &new, definition, Some(&before), act, make).await
    }

    /// Holds the sections of a new version, writes it, and lets `make` write the template that names it. Whatever fails, what was held is given up.
    async fn add(
        &self,
        organization: &str,
        new: &New,
        definition: Definition,
        before: Option<&Version>,
        act: Act<'_>,
        make: impl AsyncFnOnce(&Version) -> Result<Number, NotWritten>,
    ) -> Result<Numbering, NotWritten> {
        let names: Vec<String> = distinct(&definition.sections);
        let added = self.add_held(organization, new, definition, before, act, make).await;
        if added.is_err() {
            self.release(organization, &new.user, &names, act.at).await?;
        }
        added
    }

    async fn add_held(
        &self,
        organization: &str,
        new: &New,
        definition: Definition,
        before: Option<&Version>,
        act: Act<'_>,
        make: impl AsyncFnOnce(&Version) -> Result<Number, NotWritten>,
    ) -> Result<Numbering, NotWritten> {
        let mut content = Vec::with_capacity(definition.sections.len());
        for (place, section) in definition.sections.iter().enumerate() {
            let held = self.sections.hold(organization, section, &new.user, act.at).await;
            content.push(held.map_err(|error| missing_section(place, error))?.item.value);
        }
        // As the store keeps instants: the changelog tells the same one.
        let created_at = act.at.trunc_subsecs(6);
        let version = Version::new(new.version, created_at, definition, &content.iter().collect::<Vec<_>>())?;
        if let Some(broken) = before.and_then(|before| version.breaks(before)) {
            let message =
                format!("a minor version keeps to what callers rely on, and {broken}; make a new major version instead");
            return Err(Error::Conflict(message).into());
        }
        let version = self.versions.contents.write(organization, version, act.at).await?;
        let number = make(&version).await?;
        Ok(Numbering { external_id: new.external_id.clone(), number, version })
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
        self.release_all(organization, external_id, deleted, act.at).await
    }

    /// Deletes the latest minor of a major version.
    ///
    /// # Errors
    /// As [`Templates::delete_major`]; [`Error::Conflict`] for minor 0.
    pub async fn delete_minor(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        act: impl Into<Act<'_>>,
    ) -> Result<(), Error> {
        let act = act.into();
        let deleted = self.versions.delete_minor(organization, external_id, major, act).await.map_err(missing)?;
        self.release_all(organization, external_id, deleted, act.at).await
    }

    /// Takes back what deleted versions held.
    async fn release_all(&self, organization: &str, external_id: &str, deleted: Vec<Uuid>, at: Timestamp) -> Result<(), Error> {
        let mut released = 0;
        for id in deleted {
            let names = distinct(&self.versions.contents.read(organization, id).await?.sections);
            released += names.len();
            if released > MAX_RELEASED {
                break;
            }
            self.release(organization, &names::user::<Template>(external_id, id), &names, at).await?;
        }
        Ok(())
    }

    async fn release(&self, organization: &str, user: &User, sections: &[String], at: Timestamp) -> Result<(), Error> {
        // What is no external id was never held.
        let held: Vec<_> = sections.iter().filter(|section| names::is_external_id(section)).collect();
        for some in held.chunks(AT_ONCE) {
            // All to their end: one that fails keeps no other from being given up, and leaves none half done.
            let released = join_all(some.iter().map(|section| self.sections.release(organization, section, user, at))).await;
            released.into_iter().collect::<Result<(), _>>()?;
        }
        Ok(())
    }

    /// A page of the templates, each with its highest version, newest first.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn newest(&self, organization: &str, page: usize, size: usize) -> Result<(usize, Vec<Numbering>), Error> {
        let found: Numbered<Template> =
            self.versions.items.newest(organization, page, size, |_| true).await.map_err(|error| Error::of(WHAT, error))?;
        let mut templates = Vec::with_capacity(found.items.len());
        for (external_id, template) in &found.items {
            if let Some((number, edition)) = template.item.value.editions.highest() {
                let version = self.versions.contents.read(organization, edition.id).await?;
                templates.push(Numbering { external_id: external_id.clone(), number, version });
            }
        }
        Ok((found.total, templates))
    }

    /// The latest minor of a major version: what a fill uses. It reads one record; what the version is made of is remembered.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn latest(&self, organization: &str, external_id: &str, major: u32) -> Result<Numbering, Error> {
        self.versions.latest(organization, external_id, major).await
    }

    /// The numbers of the major versions that are there.
    ///
    /// # Errors
    /// As [`Templates::latest`].
    pub async fn majors(&self, organization: &str, external_id: &str) -> Result<Vec<u32>, Error> {
        self.versions.majors(organization, external_id).await
    }

    /// All minors of a major version, newest first.
    ///
    /// # Errors
    /// As [`Templates::latest`]; [`Error::Invalid`] where they take more than there is for one answer.
    pub async fn minors(&self, organization: &str, external_id: &str, major: u32) -> Result<Vec<Numbering>, Error> {
        self.versions.minors(organization, external_id, major).await.map_err(|error| match error {
            Error::TooMuch => {
                Error::invalid("include", "there is more than one answer can hold; read the latest minor, without history")
            }
            error => error,
        })
    }

    /// What became of a template since it was made, newest first: also of versions that were deleted, and their deletion. At most [`MAX_CHANGES`].
    ///
    /// # Errors
    /// As [`Templates::latest`].
    pub async fn changelog(&self, organization: &str, external_id: &str) -> Result<Vec<Logged>, Error> {
        self.versions.changelog(organization, external_id).await
    }

    /// Whether a version of any template has a field that takes its value from the organization's configuration.
    ///
    /// # Errors
    /// [`records::Error`].
    pub async fn uses_configuration(&self, organization: &str) -> Result<bool, records::Error> {
        let mut after = None;
        loop {
            let page = self.versions.items.list(organization, "", after.as_deref(), PAGE).await?;
            let mut editions = page.items.iter().flat_map(|(_, found)| found.item.value.editions.iter());
            if editions.any(|edition| edition.is_configured) {
                return Ok(true);
            }
            match page.next {
                Some(key) => after = Some(key),
                None => return Ok(false),
            }
        }
    }

    /// Whether what holds a section is there, or may still come: a version of a template that is not deleted. Others than templates are believed.
    ///
    /// # Errors
    /// [`records::Error`].
    pub async fn is_there(&self, organization: &str, held: &Held, now: Timestamp) -> Result<bool, records::Error> {
        let user = User::from(held.clone());
        let Some((external_id, version)) = names::read_user(&user.key).filter(|_| user.kind == Template::COLLECTION) else {
            return Ok(true);
        };
        let is_named = self.versions.is_named(organization, external_id, version).await?;
        Ok(is_named || sections::may_come(held.since, now))
    }
}

/// A version that is being made.
struct New {
    /// Of the template, if that is new as well.
    id: Uuid,
    external_id: String,
    version: Uuid,
    /// As which it holds its sections.
    user: User,
}

impl New {
    fn of(external_id: &str) -> Self {
        let version = Uuid::now_v7();
        let user = names::user::<Template>(external_id, version);
        Self { id: Uuid::now_v7(), external_id: external_id.to_owned(), version, user }
    }
}

/// The external id of a new template. What is wrong with its name is told with what is wrong with the rest.
fn new_external_id(name: &str, checked: Result<(), Error>) -> Result<String, Error> {
    let named = names::new_external_id(name).and_then(|id| match TAKEN.contains(&id.as_str()) {
        true => Err(format!("{id} stands in paths for something else; choose another name")),
        false => Ok(id),
    });
    beside("templateName", named, checked)
}

fn check_reason(reason: Option<&str>, checked: Result<(), Error>) -> Result<(), Error> {
    beside("changelog", reason.map_or(Ok(()), names::check_changelog), checked)
}

/// The value of a member, and everything else that is wrong beside it.
fn beside<T>(path: &str, read: Result<T, String>, checked: Result<(), Error>) -> Result<T, Error> {
    let mut problems = Problems::default();
    let value = problems.take(path, read);
    match checked {
        Err(Error::Invalid(others)) => others.iter().for_each(|problem| problems.note(problem.path.clone(), &problem.message)),
        Err(other) => return Err(other),
        Ok(()) => {}
    }
    value.filter(|_| problems.is_empty()).ok_or(Error::Invalid(problems))
}

/// Each name once, in order.
fn distinct(names: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    names.iter().filter(|name| seen.insert(name.as_str())).cloned().collect()
}

/// Which of the sections it is that is not there.
fn missing_section(place: usize, error: Error) -> Error {
    let named = || format!("section that orderedSectionNames[{place}] names");
    match error {
        Error::NotFound(_) => Error::NotFound(named()),
        Error::Gone(_) => Error::Gone(named()),
        other => other,
    }
}
