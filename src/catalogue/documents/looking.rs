//! What staff sees of documents that no operation of the contract tells: which came last, what was done to one, and who holds its bytes.
//!
//! Records are read in the order of their keys alone. Uploads have UUIDs of version 7 for keys, which begin with the millisecond: so the
//! newest are found by reading stretches of time, from now backwards, each longer than the one after it for as long as there is little in them.

use store::Timestamp;
use uuid::Uuid;

use super::{Document, Documents, Error};
use crate::catalogue::{
    item::{Found, Item},
    references::Holder,
};

/// Documents that are read of one stretch of time.
const AT_ONCE: usize = 256;

/// The first stretch, in milliseconds.
const FIRST: u64 = 60_000;

/// By how much a stretch grows or shrinks.
const STEP: u64 = 8;

/// Stretches that are read at most: the longest life of a store takes 14 that grow, what is as dense as can be a few that shrink.
const MAX_STRETCHES: usize = 64;

/// A version of the record of a document: what it said, and what led to it.
pub type Version = Found<Document>;

impl Documents {
    /// Uploaded documents, deleted ones as well, newest first: at most `limit`, at most [`AT_ONCE`], of those made before `before`, or by
    /// `now`. Where it goes on is the last of them, if there are more. What the server made (sealed documents, certificates) is not among them.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn newest(
        &self,
        organization: &str,
        before: Option<Uuid>,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<Version>, Option<Uuid>), Error> {
        let limit = limit.min(AT_ONCE);
        let mut found: Vec<(Uuid, Version)> = Vec::new();
        // What another server with a clock ahead has stored is shown, too.
        let mut end = before.unwrap_or_else(|| earliest(millis(now) + 2 * FIRST));
        let (mut width, mut is_all) = (FIRST, false);
        for _ in 0..MAX_STRETCHES {
            let until = time_of(end);
            let start = until.saturating_sub(width);
            let read = self.stretch(organization, earliest(start), end).await?;
            if read.len() > AT_ONCE && width > 1 {
                width = (width / STEP).max(1);
                continue;
            }
            found.extend(read.into_iter().rev());
            is_all = start == 0;
            end = earliest(start);
            if found.len() > limit || is_all {
                break;
            }
            width = width.saturating_mul(STEP);
        }
        let next = match found.get(limit.saturating_sub(1)) {
            Some((last, _)) if found.len() > limit => Some(*last),
            _ => (!is_all).then_some(end),
        };
        found.truncate(limit);
        Ok((found.into_iter().map(|(_, version)| version).collect(), next))
    }

    /// The uploads from one key, itself included, to before another, in their order; [`AT_ONCE`] and one of them at most.
    async fn stretch(&self, organization: &str, from: Uuid, end: Uuid) -> Result<Vec<(Uuid, Version)>, Error> {
        // The first key of a millisecond is that of no document: its random bits are all 0.
        let after = from.to_string();
        let read = self.items.page(organization, &after, AT_ONCE + 1).await?;
        let keyed = read.into_iter().filter_map(|(key, found)| Some((Uuid::parse_str(&key).ok()?, found)));
        Ok(keyed.take_while(|(id, _)| *id < end).filter(|(id, _)| id.get_version_num() == 7).collect())
    }

    /// The record of a document, whatever its state, as it is now.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there never was one, [`Error::Catalogue`].
    pub async fn current(&self, organization: &str, id: Uuid) -> Result<Version, Error> {
        let found = self.items.find(organization, &id.to_string()).await?.ok_or(Error::NotFound)?;
        let item: Item<Document> = self.item(organization, id).await?;
        Ok(Found { item, ..found })
    }

    /// What the record said before, newest first, at most `limit` versions.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn versions(&self, organization: &str, id: Uuid, limit: usize) -> Result<Vec<Version>, Error> {
        Ok(self.items.history(organization, &id.to_string(), None, limit).await?.items)
    }

    /// Who holds the bytes of a document, at most `limit`.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn holders(&self, organization: &str, document: &Document, limit: usize) -> Result<Vec<Holder>, Error> {
        let mut listing = self.references.holders(organization, &document.digest);
        let mut holders = Vec::new();
        while holders.len() < limit {
            let Some(held) = listing.next().await? else { break };
            holders.push(Holder::read(&held)?);
        }
        Ok(holders)
    }
}

fn millis(at: Timestamp) -> u64 {
    at.timestamp_millis().try_into().unwrap_or(0)
}

/// The least key of a millisecond.
fn earliest(millis: u64) -> Uuid {
    Uuid::from_u128(u128::from(millis) << 80)
}

/// The millisecond that a key begins with, and one more where it is not the first of it: so that the stretch before has it whole.
fn time_of(id: Uuid) -> u64 {
    let millis = (id.as_u128() >> 80) as u64;
    if earliest(millis) == id { millis } else { millis + 1 }
}
