//! Who holds what: one record for each thing and each of its holders, so that a thing is given up when, and only when, nobody holds it.
//!
//! A holder writes its record before it relies on the thing; who gives the thing up says so first and looks for holders then. What
//! happens when both come at once is the business of the two modules that use this: [`super::references`] for bytes,
//! [`super::item`] for items.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use store::{RecordKey, Timestamp};

use crate::records::{self, Records, Versioned};

/// How many holders are read at once.
const PAGE: usize = 256;

/// Age at which a holder's record is written again when it asks again: far below the shortest time for which a young record counts whatever
/// is found beside it.
const REFRESH: TimeDelta = TimeDelta::minutes(10);

/// A holder, as its record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What the holder is.
    pub kind: String,
    /// Which one it is.
    pub id: String,
    /// When it last said that it holds the thing.
    pub since: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    state: State,
    kind: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Held,
    Released,
}

/// The holders of the things of one sort.
#[derive(Clone)]
pub(super) struct Holders {
    records: Records,
    collection: &'static str,
}

impl Holders {
    pub fn new(records: Records, collection: &'static str) -> Self {
        Self { records, collection }
    }

    /// Records that a holder holds a thing. Idempotent.
    pub async fn hold(&self, organization: &str, thing: &str, kind: &str, id: &str, at: Timestamp) -> Result<(), records::Error> {
        self.set(organization, thing, kind, id, State::Held, at).await
    }

    /// Records that it does not any more. Idempotent.
    pub async fn release(
        &self,
        organization: &str,
        thing: &str,
        kind: &str,
        id: &str,
        at: Timestamp,
    ) -> Result<(), records::Error> {
        self.set(organization, thing, kind, id, State::Released, at).await
    }

    async fn set(
        &self,
        organization: &str,
        thing: &str,
        kind: &str,
        id: &str,
        state: State,
        at: Timestamp,
    ) -> Result<(), records::Error> {
        let key = RecordKey::new(organization, self.collection, format!("{thing}/{id}"));
        let wanted = Record { state, kind: kind.to_owned() };
        let decide = |current: Option<Versioned<Record>>| {
            let settled = match current {
                Some(current) => current.value == wanted && (state == State::Released || at - current.at < REFRESH),
                None => state == State::Released,
            };
            Ok::<_, records::Error>((!settled).then(|| wanted.clone()))
        };
        self.records.update(&key, at, decide).await.map(drop)
    }

    /// The holders of a thing, in the order of their identifiers.
    pub fn of(&self, organization: &str, thing: &str) -> Listing {
        let (holders, organization, prefix) = (self.clone(), organization.to_owned(), format!("{thing}/"));
        Listing { holders, organization, prefix, read: Vec::new().into_iter(), after: None, is_end: false }
    }
}

/// Holders that are read as they are asked for.
pub(super) struct Listing {
    holders: Holders,
    organization: String,
    prefix: String,
    read: std::vec::IntoIter<(String, Versioned<Record>)>,
    /// The last key that was read.
    after: Option<String>,
    is_end: bool,
}

impl Listing {
    /// The next one; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Held>, records::Error> {
        // Ends with the holders: each page starts after the last key of the one before.
        loop {
            for (key, record) in self.read.by_ref() {
                if record.value.state == State::Held {
                    let id = key.strip_prefix(&self.prefix).unwrap_or_default().to_owned();
                    return Ok(Some(Held { kind: record.value.kind, id, since: record.at }));
                }
            }
            if self.is_end {
                return Ok(None);
            }
            let Holders { records, collection } = &self.holders;
            let page = records.page::<Record>(&self.organization, collection, &self.prefix, self.after.as_deref(), PAGE).await?;
            (self.read, self.is_end, self.after) = (page.items.into_iter(), page.next.is_none(), page.next);
        }
    }
}
