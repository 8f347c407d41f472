//! What somebody saw of a template who makes a version of it, so that what others made meanwhile is not passed over.

use uuid::Uuid;

use super::{DynamicTemplates, Edit, Edition, Error, Number, Version, WHAT, missing};
use crate::catalogue::editions::Editions;

/// The versions that somebody saw who makes another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The latest minor of the major version that the new one was made from.
    pub latest: Uuid,
    /// The latest minor of the highest major version. It binds a new major version alone.
    pub highest: Uuid,
}

impl DynamicTemplates {
    /// The numbers of all versions that are there, newest major first and newest minor first.
    ///
    /// # Errors
    /// As [`DynamicTemplates::get`].
    pub async fn numbers(&self, organization: &str, external_id: &str) -> Result<Vec<Number>, Error> {
        let editions = self.versions.get(organization, external_id).await.map_err(missing)?.editions;
        let mut numbers: Vec<Number> = Vec::new();
        for major in editions.majors().collect::<Vec<_>>().into_iter().rev() {
            numbers.extend(editions.minors(major).into_iter().flatten().map(|(number, _)| number));
        }
        Ok(numbers)
    }

    /// What there is to follow for who makes a version from the latest minor of a major.
    ///
    /// # Errors
    /// As [`DynamicTemplates::get`].
    pub async fn seen(&self, organization: &str, external_id: &str, major: u32) -> Result<Seen, Error> {
        let editions = self.versions.get(organization, external_id).await.map_err(missing)?.editions;
        let latest = editions.latest(major).ok().map(|(_, edition)| edition.id);
        let highest = editions.highest().map(|(_, edition)| edition.id);
        let (Some(latest), Some(highest)) = (latest, highest) else {
            return Err(Error::NotFound(format!("version {major} of the {WHAT}")));
        };
        Ok(Seen { latest, highest })
    }
}

/// Refuses a version that passes over what others made meanwhile.
pub(super) fn still_latest(editions: &Editions<Edition>, seen: Seen) -> Result<(), Error> {
    let is_latest = |major: u32| editions.latest(major).is_ok_and(|(_, edition)| edition.id == seen.latest);
    let is_highest = editions.highest().is_some_and(|(_, edition)| edition.id == seen.highest);
    if is_highest && editions.majors().any(is_latest) { Ok(()) } else { Err(Error::Overtaken(WHAT)) }
}

/// The same of a minor, which follows the version `before`.
pub(super) fn is_seen(edit: &Edit, before: &Version) -> Result<(), Error> {
    let is_other = edit.seen.is_some_and(|seen| seen.latest != before.id);
    if is_other { Err(Error::Overtaken(WHAT)) } else { Ok(()) }
}
