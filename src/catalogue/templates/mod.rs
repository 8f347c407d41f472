//! Templates: sections in order, with rules, in versions. Callers fill a major version; its minors come and go without their notice.
//!
//! A template's record names its versions; what each is made of stands in a record of its own, which is never written again. So a fill reads one
//! record, and sees at once what another server changed. Order of writing: the version is recorded as a user of each of its sections, then it is
//! written, then the template names it. A crash in between leaves a version that nothing names, and users that never came to be, which keep no
//! section for longer than the time that a creation may take.

mod contents;
#[cfg(test)]
mod tests;
mod version;

use std::collections::HashSet;
use std::sync::Arc;

use chrono::SubsecRound;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use store::{Store, Timestamp};
use uuid::Uuid;
use workflows::values::Problems;

pub use super::editions::Number;
pub use super::names::Error;
pub use version::{Definition, Edit, MAX_CONDITION, MAX_RULES, MAX_SECTIONS, Rule, Version, check_condition};

use self::contents::Contents;
use super::editions::{self, Editions};
use super::item::{Act, Found, Item, Items, Kind, Numbered, State, User};
use super::sections::{self, Sections};
use super::{Held, names};
use crate::records::{self, ATTEMPTS, Records};

/// What people call one.
const WHAT: &str = "template";

/// External ids that paths of other things have in their place (note route-precedence).
const TAKEN: [&str; 3] = ["forms", "sections", "configurations"];

/// Maximum number of lines of a changelog that are told, the newest.
pub const MAX_CHANGES: usize = 2000;

/// Versions of a record that are read at once where its changelog is.
const BATCH: usize = 32;

/// Sections, or versions, that are read or written at once.
const AT_ONCE: usize = 16;

/// Maximum size of the versions that are told at once, in bytes of JSON.
const MAX_TOLD: usize = 16 * 1024 * 1024;

/// Maximum number of records of users that a deletion takes back. Those beyond stay, and count for nothing: their version is gone.
const MAX_RELEASED: usize = 2000;

/// How many templates are read at once where all are looked through.
const PAGE: usize = 128;

/// A template, as its record keeps it. Its key is its external id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Template {
    /// Tells it from one that had the name before.
    id: Uuid,
    editions: Editions<Edition>,
    /// What led to this version of the record.
    step: Step,
}

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

/// One change of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The version before: of a new minor the one that it follows, of a new major the highest one, of a deletion what was deleted. `None` of the
    /// creation.
    pub from: Option<Number>,
    /// The version after; of a deletion the highest that is left, of a minor's that of its major. `None` where none is left.
    pub to: Option<Number>,
    /// Why, in the words of who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deleted: Vec<Uuid>,
}

/// A line of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// When.
    pub at: Timestamp,
    /// What.
    pub step: Step,
}

/// A version with its number, and the template's external id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering {
    /// External id of the template.
    pub external_id: String,
    /// MAJOR.MINOR.
    pub number: Number,
    /// What it is made of.
    pub version: Arc<Version>,
}

impl Kind for Template {
    const COLLECTION: &'static str = "template";
    const KEY_IS_FREED: bool = true;

    fn weight(&self) -> usize {
        self.editions.highest().map_or(0, |(_, edition)| edition.weight as usize)
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

impl Step {
    fn new(from: Option<Number>, to: Option<Number>) -> Self {
        Self { from, to, reason: None, deleted: Vec::new() }
    }

    /// Whether it took versions away.
    pub fn is_deletion(&self) -> bool {
        !self.deleted.is_empty()
    }
}

/// Why a change was not written.
enum NotWritten {
    Refused(Error),
    /// The version that it follows is not the latest any more.
    Moved,
}

impl<E: Into<Error>> From<E> for NotWritten {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

/// The templates of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Templates {
    items: Items<Template>,
    records: Records,
    contents: Contents,
    sections: Sections,
}

impl Templates {
    /// Over a store, with the sections.
    pub fn new(store: Arc<dyn Store>, sections: Sections) -> Self {
        let records = Records::new(store);
        Self { items: Items::new(records.clone()), contents: Contents::new(records.clone()), records, sections }
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
        if self.items.find(organization, &external_id).await?.is_some_and(|found| found.item.state.is_present()) {
            return Err(Error::Exists(WHAT, external_id));
        }
        let new = New::of(&external_id);
        let make = async |version: &Version| {
            let decide = |current: Option<Item<Template>>| {
                let (editions, number) = match current {
                    Some(item) if item.state.is_present() => return Err(Error::Exists(WHAT, external_id.clone()).into()),
                    // What was deleted under this name stays known as such (note deleted-others).
                    Some(item) => {
                        let mut editions = item.value.editions;
                        let number = editions.add_major(Edition::from(version)).map_err(conflict)?;
                        (editions, number)
                    }
                    None => (Editions::new(Edition::from(version)), Number { major: 1, minor: 0 }),
                };
                Ok(Some(Item::new(Template { id: new.id, editions, step: Step::new(None, Some(number)) })))
            };
            self.items.change(organization, &external_id, "created", act, decide).await
        };
        self.add(organization, &new, definition, None, act, make).await.map_err(refused)
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
        let template = self.get(organization, external_id).await.map_err(missing)?;
        check_reason(reason.as_deref(), definition.check())?;
        let new = New::of(external_id);
        let make = async |version: &Version| {
            let decide = |current: Option<Item<Template>>| {
                let item = same(current, &template)?;
                let mut editions = item.value.editions.clone();
                let from = editions.highest().map(|(number, _)| number);
                let to = editions.add_major(Edition::from(version)).map_err(conflict)?;
                let step = Step { reason: reason.clone(), ..Step::new(from, Some(to)) };
                Ok(Some(item.with(Template { id: template.id, editions, step })))
            };
            self.items.change(organization, external_id, "major version made", act, decide).await
        };
        self.add(organization, &new, definition, None, act, make).await.map_err(|error| missing(refused(error)))
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
        let template = self.get(organization, external_id).await?;
        let (_, before) = template.editions.latest(major).map_err(|refused| no_version(refused, major))?;
        let before = self.contents.read(organization, before.id).await?;
        let definition = edit.apply(&before);
        check_reason(reason, definition.check())?;
        let new = New::of(external_id);
        let make = async |version: &Version| {
            let decide = |current: Option<Item<Template>>| {
                let item = same(current, &template)?;
                let mut editions = item.value.editions.clone();
                let (from, latest) = editions.latest(major).map_err(|refused| no_version(refused, major))?;
                if latest.id != before.id {
                    return Err(NotWritten::Moved);
                }
                let to = editions.add_minor(major, Edition::from(version)).map_err(conflict)?;
                let step = Step { reason: reason.map(str::to_owned), ..Step::new(Some(from), Some(to)) };
                Ok(Some(item.with(Template { id: template.id, editions, step })))
            };
            self.items.change(organization, external_id, "minor version made", act, decide).await
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
        make: impl AsyncFnOnce(&Version) -> Result<Option<Item<Template>>, NotWritten>,
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
        make: impl AsyncFnOnce(&Version) -> Result<Option<Item<Template>>, NotWritten>,
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
        let version = self.contents.write(organization, version, act.at).await?;
        let written = make(&version).await?.and_then(|item| item.value.step.to);
        let number = written.ok_or_else(|| records::Error::Undecided(format!("{WHAT}/{}", new.external_id)))?;
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
        let delete = |editions: &mut Editions<Edition>| {
            let (from, _) = editions.latest(major)?;
            editions.delete_major(major)?;
            Ok(Step::new(Some(from), editions.highest().map(|(number, _)| number)))
        };
        self.delete(organization, external_id, major, "major version deleted", act.into(), delete).await.map_err(missing)
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
        let delete = |editions: &mut Editions<Edition>| {
            let from = editions.delete_minor(major)?;
            Ok(Step::new(Some(from), Some(editions.latest(major)?.0)))
        };
        self.delete(organization, external_id, major, "minor version deleted", act.into(), delete).await.map_err(missing)
    }

    async fn delete(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        what: &str,
        act: Act<'_>,
        delete: impl Fn(&mut Editions<Edition>) -> Result<Step, editions::Refused>,
    ) -> Result<(), Error> {
        let template = self.get(organization, external_id).await?;
        let decide = |current: Option<Item<Template>>| {
            let item = same(current, &template)?;
            let mut editions = item.value.editions.clone();
            let step = delete(&mut editions).map_err(|refused| no_version(refused, major))?;
            let left: HashSet<Uuid> = editions.iter().map(|edition| edition.id).collect();
            let deleted = item.value.editions.iter().map(|edition| edition.id).filter(|id| !left.contains(id)).collect();
            let state = if editions.is_empty() { State::Deleted { at: act.at } } else { State::Present };
            Ok::<_, Error>(Some(Item {
                state,
                ..item.with(Template { id: template.id, editions, step: Step { deleted, ..step } })
            }))
        };
        let written = self.items.change(organization, external_id, what, act, decide).await?;
        let deleted = written.map(|item| item.value.step.deleted).unwrap_or_default();
        let mut released = 0;
        for id in deleted {
            let names = distinct(&self.contents.read(organization, id).await?.sections);
            released += names.len();
            if released > MAX_RELEASED {
                break;
            }
            self.release(organization, &names::user::<Template>(external_id, id), &names, act.at).await?;
        }
        Ok(())
    }

    async fn release(&self, organization: &str, user: &User, sections: &[String], at: Timestamp) -> Result<(), Error> {
        // What is no external id was never held.
        let held: Vec<_> = sections.iter().filter(|section| names::is_external_id(section)).collect();
        for some in held.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|section| self.sections.release(organization, section, user, at))).await?;
        }
        Ok(())
    }

    /// A page of the templates, each with its highest version, newest first.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn newest(&self, organization: &str, page: usize, size: usize) -> Result<(usize, Vec<Numbering>), Error> {
        let found: Numbered<Template> =
            self.items.newest(organization, page, size, |_| true).await.map_err(|error| Error::of(WHAT, error))?;
        let mut templates = Vec::with_capacity(found.items.len());
        for (external_id, template) in &found.items {
            if let Some((number, edition)) = template.item.value.editions.highest() {
                let version = self.contents.read(organization, edition.id).await?;
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
        let template = self.get(organization, external_id).await?;
        let (number, edition) = template.editions.latest(major).map_err(|refused| no_version(refused, major))?;
        let version = self.contents.read(organization, edition.id).await?;
        Ok(Numbering { external_id: external_id.to_owned(), number, version })
    }

    /// All minors of a major version, newest first.
    ///
    /// # Errors
    /// As [`Templates::latest`]; [`Error::Invalid`] where they take more than there is for one answer.
    pub async fn minors(&self, organization: &str, external_id: &str, major: u32) -> Result<Vec<Numbering>, Error> {
        let template = self.get(organization, external_id).await?;
        let minors: Vec<_> = template.editions.minors(major).map_err(|refused| no_version(refused, major))?.collect();
        if minors.iter().map(|(_, edition)| edition.weight as usize).sum::<usize>() > MAX_TOLD {
            return Err(Error::invalid(
                "include",
                "there is more than one answer can hold; read the latest minor, without history",
            ));
        }
        let mut told = Vec::with_capacity(minors.len());
        for some in minors.chunks(AT_ONCE) {
            let versions = try_join_all(some.iter().map(|(_, edition)| self.contents.read(organization, edition.id))).await?;
            let numbered = some.iter().zip(versions);
            told.extend(numbered.map(|((number, _), version)| Numbering {
                external_id: external_id.to_owned(),
                number: *number,
                version,
            }));
        }
        Ok(told)
    }

    /// What became of a template since it was made, newest first: also of versions that were deleted, and their deletion. At most [`MAX_CHANGES`].
    ///
    /// # Errors
    /// As [`Templates::latest`].
    pub async fn changelog(&self, organization: &str, external_id: &str) -> Result<Vec<Logged>, Error> {
        /// Of each version of the record only what is told.
        #[derive(Deserialize)]
        struct Line {
            id: Uuid,
            step: Step,
        }
        let template = self.get(organization, external_id).await?;
        let key = Items::<Template>::key(organization, external_id);
        let (mut lines, mut before) = (Vec::new(), None);
        loop {
            let page = self.records.history::<Line>(&key, before, BATCH).await?;
            let read = page.items.len();
            // Earlier versions of the record can be of another template that had the name.
            let own = page.items.into_iter().take_while(|line| line.value.id == template.id);
            let own: Vec<_> = own.map(|line| Logged { at: line.at, step: line.value.step }).collect();
            let is_end = own.len() < read;
            lines.extend(own);
            match page.next {
                Some(next) if !is_end && lines.len() < MAX_CHANGES => before = Some(next),
                _ => break,
            }
        }
        lines.truncate(MAX_CHANGES);
        Ok(lines)
    }

    /// Whether a version of any template has a field that takes its value from the organization's configuration.
    ///
    /// # Errors
    /// [`records::Error`].
    pub async fn uses_configuration(&self, organization: &str) -> Result<bool, records::Error> {
        let mut after = None;
        loop {
            let page = self.items.list(organization, "", after.as_deref(), PAGE).await?;
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
        let template = self.items.find(organization, external_id).await?;
        let is_named = template.is_some_and(|found| found.item.value.editions.iter().any(|edition| edition.id == version));
        Ok(is_named || sections::may_come(held.since, now))
    }

    /// A template that is there.
    async fn get(&self, organization: &str, external_id: &str) -> Result<Template, Error> {
        if !names::is_external_id(external_id) {
            return Err(Error::NotFound(format!("such {WHAT}")));
        }
        let found: Found<Template> = self.items.get(organization, external_id).await.map_err(|error| Error::of(WHAT, error))?;
        Ok(found.item.value)
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

/// The template as it is now, unless it was deleted meanwhile; another one may have its name by then.
fn same(current: Option<Item<Template>>, template: &Template) -> Result<Item<Template>, Error> {
    let item = current.filter(|item| item.state.is_present() && item.value.id == template.id);
    item.ok_or_else(|| Error::Gone(WHAT.to_owned()))
}

/// What the editions refuse of a version that a path names.
fn no_version(refused: editions::Refused, major: u32) -> Error {
    match refused {
        editions::Refused::NotFound => Error::NotFound(format!("version {major} of the {WHAT}")),
        editions::Refused::Gone => Error::Gone(format!("version {major} of the {WHAT}")),
        refused => conflict(refused),
    }
}

fn conflict(refused: editions::Refused) -> Error {
    Error::Conflict(refused.to_string())
}

fn refused(error: NotWritten) -> Error {
    match error {
        NotWritten::Refused(error) => error,
        NotWritten::Moved => records::Error::Contended(WHAT.to_owned()).into(),
    }
}

/// Of operations that have no 410: what was deleted is not there (note deleted-others).
fn missing(error: Error) -> Error {
    match error {
        Error::Gone(what) => Error::NotFound(format!("{what} any more")),
        other => other,
    }
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
