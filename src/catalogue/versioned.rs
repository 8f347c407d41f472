//! Items that have versions MAJOR.MINOR, whatever their kind: templates of forms, and templates in HTML.
//!
//! An item's record names its versions; what each is made of stands in a record of its own ([`super::contents`]), which is never written again.
//! Here is how the first record changes, and what its history tells. What a version must be like, and what it holds while it is there, is the
//! business of whoever owns the kind.

use std::collections::HashSet;
use std::fmt::Debug;
use std::sync::Arc;

use futures::future::try_join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use uuid::Uuid;

use super::contents::{Content, Contents};
use super::editions::{self, Editions, Number};
use super::item::{Act, Change, Found, Item, Items, Kind, State};
use super::names::{self, Error};
use crate::records::{self, Records};

/// Maximum number of lines of a changelog that are told, the newest.
pub const MAX_CHANGES: usize = 2000;

/// Versions of a record that are read at once where its changelog is.
const BATCH: usize = 32;

/// Versions that are read at once.
pub(super) const AT_ONCE: usize = 16;

/// Maximum size of the versions that are told at once, in bytes of JSON.
pub(super) const MAX_TOLD: usize = 16 * 1024 * 1024;

/// A version, as its item names it: small, as all of them are in one record.
pub(super) trait Edition: Copy + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What people call an item of this kind.
    const WHAT: &'static str;
    /// The collection of the items' records; part of the stored data.
    const COLLECTION: &'static str;
    /// What a version is made of.
    type Version: Content + Debug + PartialEq;

    /// Names the record of what it is made of.
    fn id(&self) -> Uuid;

    /// About how many bytes of JSON an answer takes that tells all of it.
    fn weight(&self) -> usize;

    /// Whether an item can have this external id.
    fn is_external_id(text: &str) -> bool {
        names::is_external_id(text)
    }
}

/// An item with versions, as its record keeps it. Its key is its external id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Versioned<E> {
    /// Tells it from one that had the name before.
    pub id: Uuid,
    pub editions: Editions<E>,
    /// What led to this version of the record.
    pub step: Step,
}

impl<E: Edition> Kind for Versioned<E> {
    const COLLECTION: &'static str = E::COLLECTION;
    const KEY_IS_FREED: bool = true;

    fn weight(&self) -> usize {
        self.editions.highest().map_or(0, |(_, edition)| edition.weight())
    }
}

/// One change of an item.
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
    pub(super) deleted: Vec<Uuid>,
}

impl Step {
    pub(super) fn new(from: Option<Number>, to: Option<Number>) -> Self {
        Self { from, to, reason: None, deleted: Vec::new() }
    }

    /// Whether it took versions away.
    pub fn is_deletion(&self) -> bool {
        !self.deleted.is_empty()
    }

    /// What people read of it: why a version was made, or that one was deleted.
    pub fn told(&self) -> Option<String> {
        if !self.is_deletion() {
            return self.reason.clone();
        }
        Some(match (self.from, self.to) {
            (Some(from), Some(to)) if from.major == to.major => format!("version {from} was deleted"),
            (Some(from), _) => format!("major version {} was deleted", from.major),
            (None, _) => "a version was deleted".to_owned(),
        })
    }
}

/// A line of a changelog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// When.
    pub at: Timestamp,
    /// The subject of the token of who did it; `None` where nobody is known.
    pub by: Option<String>,
    /// What.
    pub step: Step,
}

/// A version with its number, and the item's external id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbering<V> {
    /// External id of the item.
    pub external_id: String,
    /// MAJOR.MINOR.
    pub number: Number,
    /// What it is made of.
    pub version: Arc<V>,
}

/// Why a change was not written.
pub(super) enum NotWritten {
    Refused(Error),
    /// The version that it follows is not the latest any more.
    Moved,
}

impl<E: Into<Error>> From<E> for NotWritten {
    fn from(error: E) -> Self {
        Self::Refused(error.into())
    }
}

impl NotWritten {
    /// For who does not try again.
    pub fn into_error<E: Edition>(self) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Moved => records::Error::Contended(E::WHAT.to_owned()).into(),
        }
    }
}

/// All items of a kind; a cheap handle.
#[derive(Clone)]
pub(super) struct VersionedItems<E: Edition> {
    pub items: Items<Versioned<E>>,
    pub contents: Contents<E::Version>,
    records: Records,
}

impl<E: Edition> VersionedItems<E> {
    pub fn new(records: Records) -> Self {
        Self { items: Items::new(records.clone()), contents: Contents::new(records.clone()), records }
    }

    /// An item that is there.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn get(&self, organization: &str, external_id: &str) -> Result<Versioned<E>, Error> {
        if !E::is_external_id(external_id) {
            return Err(Error::NotFound(format!("such {}", E::WHAT)));
        }
        let found: Found<Versioned<E>> =
            self.items.get(organization, external_id).await.map_err(|error| Error::of(E::WHAT, error))?;
        Ok(found.item.value)
    }

    /// Fails where an item has this external id.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Catalogue`].
    pub async fn is_free(&self, organization: &str, external_id: &str) -> Result<(), Error> {
        let found = self.items.find(organization, external_id).await?;
        match found.is_some_and(|found| found.item.state.is_present()) {
            true => Err(Error::Exists(E::WHAT, external_id.to_owned())),
            false => Ok(()),
        }
    }

    /// Writes a new item that names its first version, 1.0.
    pub async fn create(
        &self,
        organization: &str,
        external_id: &str,
        id: Uuid,
        edition: E,
        act: Act<'_>,
    ) -> Result<Number, NotWritten> {
        let decide = |current: Option<Item<Versioned<E>>>| {
            let (editions, number) = match current {
                Some(item) if item.state.is_present() => {
                    return Err(NotWritten::Refused(Error::Exists(E::WHAT, external_id.to_owned())));
                }
                // What was deleted under this name stays known as such (note deleted-others).
                Some(item) => {
                    let mut editions = item.value.editions;
                    let number = editions.add_major(edition).map_err(conflict)?;
                    (editions, number)
                }
                None => (Editions::new(edition), Number { major: 1, minor: 0 }),
            };
            Ok(Some(Item::new(Versioned { id, editions, step: Step::new(None, Some(number)) })))
        };
        let written = self.items.change(organization, external_id, "created", act, decide).await?;
        number(external_id, written)
    }

    /// Writes that an item has one major version more, if that `fits` the versions that it has by then.
    #[allow(clippy::too_many_arguments, reason = "each is a fact of the new version")]
    pub async fn add_major(
        &self,
        organization: &str,
        external_id: &str,
        item: &Versioned<E>,
        fits: impl Fn(&Editions<E>) -> Result<(), Error>,
        edition: E,
        reason: Option<&str>,
        act: Act<'_>,
    ) -> Result<Number, NotWritten> {
        let decide = |current: Option<Item<Versioned<E>>>| {
            let now = same(current, item)?;
            fits(&now.value.editions)?;
            let mut editions = now.value.editions.clone();
            let from = editions.highest().map(|(number, _)| number);
            let to = editions.add_major(edition).map_err(conflict)?;
            let step = Step { reason: reason.map(str::to_owned), ..Step::new(from, Some(to)) };
            Ok::<_, NotWritten>(Some(now.with(Versioned { id: item.id, editions, step })))
        };
        let written = self.items.change(organization, external_id, "major version made", act, decide).await?;
        number(external_id, written)
    }

    /// Writes that a major has one minor version more, which follows the version `before`.
    #[allow(clippy::too_many_arguments, reason = "each is a fact of the new version")]
    pub async fn add_minor(
        &self,
        organization: &str,
        external_id: &str,
        item: &Versioned<E>,
        (major, before): (u32, Uuid),
        edition: E,
        reason: Option<&str>,
        act: Act<'_>,
    ) -> Result<Number, NotWritten> {
        let decide = |current: Option<Item<Versioned<E>>>| {
            let now = same(current, item)?;
            let mut editions = now.value.editions.clone();
            let (from, latest) = editions.latest(major).map_err(|refused| no_version::<E>(refused, major))?;
            if latest.id() != before {
                return Err(NotWritten::Moved);
            }
            let to = editions.add_minor(major, edition).map_err(conflict)?;
            let step = Step { reason: reason.map(str::to_owned), ..Step::new(Some(from), Some(to)) };
            Ok(Some(now.with(Versioned { id: item.id, editions, step })))
        };
        let written = self.items.change(organization, external_id, "minor version made", act, decide).await?;
        number(external_id, written)
    }

    /// Deletes a major version, the latest, with its minors; the answer is the versions that are gone. With the last one the item is deleted, and
    /// its name is free.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Conflict`] where it is not the latest, [`Error::Catalogue`].
    pub async fn delete_major(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        act: Act<'_>,
    ) -> Result<Vec<Uuid>, Error> {
        let delete = |editions: &mut Editions<E>| {
            let (from, _) = editions.latest(major)?;
            editions.delete_major(major)?;
            Ok(Step::new(Some(from), editions.highest().map(|(number, _)| number)))
        };
        self.delete(organization, external_id, major, "major version deleted", act, delete).await
    }

    /// Deletes the latest minor of a major version.
    ///
    /// # Errors
    /// As [`VersionedItems::delete_major`]; [`Error::Conflict`] for minor 0.
    pub async fn delete_minor(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        act: Act<'_>,
    ) -> Result<Vec<Uuid>, Error> {
        let delete = |editions: &mut Editions<E>| {
            let from = editions.delete_minor(major)?;
            Ok(Step::new(Some(from), Some(editions.latest(major)?.0)))
        };
        self.delete(organization, external_id, major, "minor version deleted", act, delete).await
    }

    async fn delete(
        &self,
        organization: &str,
        external_id: &str,
        major: u32,
        what: &str,
        act: Act<'_>,
        delete: impl Fn(&mut Editions<E>) -> Result<Step, editions::Refused>,
    ) -> Result<Vec<Uuid>, Error> {
        let item = self.get(organization, external_id).await?;
        let decide = |current: Option<Item<Versioned<E>>>| {
            let now = same(current, &item)?;
            let mut editions = now.value.editions.clone();
            let step = delete(&mut editions).map_err(|refused| no_version::<E>(refused, major))?;
            let left: HashSet<Uuid> = editions.iter().map(Edition::id).collect();
            let deleted = now.value.editions.iter().map(Edition::id).filter(|id| !left.contains(id)).collect();
            let state = if editions.is_empty() { State::Deleted { at: act.at } } else { State::Present };
            let step = Step { deleted, ..step };
            Ok::<_, Error>(Some(Item { state, ..now.with(Versioned { id: item.id, editions, step }) }))
        };
        let written = self.items.change(organization, external_id, what, act, decide).await?;
        Ok(written.map(|item| item.value.step.deleted).unwrap_or_default())
    }

    /// The numbers of the major versions that are there, in their order.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn majors(&self, organization: &str, external_id: &str) -> Result<Vec<u32>, Error> {
        Ok(self.get(organization, external_id).await?.editions.majors().collect())
    }

    /// The latest minor of a major version. It reads one record; what the version is made of is remembered.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Catalogue`].
    pub async fn latest(&self, organization: &str, external_id: &str, major: u32) -> Result<Numbering<E::Version>, Error> {
        let item = self.get(organization, external_id).await?;
        self.latest_of(organization, external_id, &item, major).await
    }

    /// The same, of an item that was read.
    ///
    /// # Errors
    /// As [`VersionedItems::latest`].
    pub async fn latest_of(
        &self,
        organization: &str,
        external_id: &str,
        item: &Versioned<E>,
        major: u32,
    ) -> Result<Numbering<E::Version>, Error> {
        let (number, edition) = item.editions.latest(major).map_err(|refused| no_version::<E>(refused, major))?;
        self.numbering(organization, external_id, number, edition).await
    }

    /// One version.
    ///
    /// # Errors
    /// As [`VersionedItems::latest`].
    pub async fn version(&self, organization: &str, external_id: &str, number: Number) -> Result<Numbering<E::Version>, Error> {
        let item = self.get(organization, external_id).await?;
        let edition = item.editions.get(number).map_err(|refused| no_version::<E>(refused, number))?;
        self.numbering(organization, external_id, number, edition).await
    }

    /// All minors of a major version, newest first.
    ///
    /// # Errors
    /// As [`VersionedItems::latest`]; [`Error::TooMuch`] where they take more than there is for one answer.
    pub async fn minors(&self, organization: &str, external_id: &str, major: u32) -> Result<Vec<Numbering<E::Version>>, Error> {
        let item = self.get(organization, external_id).await?;
        let minors = item.editions.minors(major).map_err(|refused| no_version::<E>(refused, major))?;
        let minors = minors.map(|(number, edition)| (external_id, number, *edition)).collect();
        self.numberings(organization, minors).await
    }

    /// These versions, in this order.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn numberings(
        &self,
        organization: &str,
        wanted: Vec<(&str, Number, E)>,
    ) -> Result<Vec<Numbering<E::Version>>, Error> {
        if wanted.iter().map(|(_, _, edition)| edition.weight()).sum::<usize>() > MAX_TOLD {
            return Err(Error::TooMuch);
        }
        let mut told = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(AT_ONCE) {
            let read =
                some.iter().map(|(external_id, number, edition)| self.numbering(organization, external_id, *number, edition));
            told.extend(try_join_all(read).await?);
        }
        Ok(told)
    }

    async fn numbering(
        &self,
        organization: &str,
        external_id: &str,
        number: Number,
        edition: &E,
    ) -> Result<Numbering<E::Version>, Error> {
        let version = self.contents.read(organization, edition.id()).await?;
        Ok(Numbering { external_id: external_id.to_owned(), number, version })
    }

    /// What became of an item since it was made, newest first: also of versions that were deleted, and their deletion. At most [`MAX_CHANGES`].
    ///
    /// # Errors
    /// As [`VersionedItems::get`].
    pub async fn changelog(&self, organization: &str, external_id: &str) -> Result<Vec<Logged>, Error> {
        /// Of each version of the record only what is told.
        #[derive(Deserialize)]
        struct Line {
            id: Uuid,
            step: Step,
            #[serde(default)]
            change: Option<Change>,
        }
        let item = self.get(organization, external_id).await?;
        let key = Items::<Versioned<E>>::key(organization, external_id);
        let (mut lines, mut before) = (Vec::new(), None);
        loop {
            let page = self.records.history::<Line>(&key, before, BATCH).await?;
            let read = page.items.len();
            // Earlier versions of the record can be of another item that had the name.
            let own = page.items.into_iter().take_while(|line| line.value.id == item.id);
            let own: Vec<_> = own
                .map(|line| Logged { at: line.at, by: line.value.change.and_then(|change| change.by), step: line.value.step })
                .collect();
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

    /// Whether an item that is there, or was deleted logically, names a version.
    pub async fn is_named(&self, organization: &str, external_id: &str, version: Uuid) -> Result<bool, records::Error> {
        let item = self.items.find(organization, external_id).await?;
        Ok(item.is_some_and(|found| found.item.value.editions.iter().any(|edition| edition.id() == version)))
    }
}

/// Of operations that have no 410: what was deleted is not there (note deleted-others).
pub(super) fn missing(error: Error) -> Error {
    match error {
        Error::Gone(what) => Error::NotFound(format!("{what} any more")),
        other => other,
    }
}

/// The number of the version that was written.
fn number<E>(external_id: &str, written: Option<Item<Versioned<E>>>) -> Result<Number, NotWritten> {
    let number = written.and_then(|item| item.value.step.to);
    number.ok_or_else(|| records::Error::Undecided(external_id.to_owned()).into())
}

/// The item as it is now, unless it was deleted meanwhile; another one may have its name by then.
fn same<E: Edition>(current: Option<Item<Versioned<E>>>, item: &Versioned<E>) -> Result<Item<Versioned<E>>, Error> {
    let now = current.filter(|now| now.state.is_present() && now.value.id == item.id);
    now.ok_or_else(|| Error::Gone(E::WHAT.to_owned()))
}

/// What the editions refuse of a version that a path names.
fn no_version<E: Edition>(refused: editions::Refused, version: impl std::fmt::Display) -> Error {
    match refused {
        editions::Refused::NotFound => Error::NotFound(format!("version {version} of the {}", E::WHAT)),
        editions::Refused::Gone => Error::Gone(format!("version {version} of the {}", E::WHAT)),
        refused => conflict(refused),
    }
}

fn conflict(refused: editions::Refused) -> Error {
    Error::Conflict(refused.to_string())
}
