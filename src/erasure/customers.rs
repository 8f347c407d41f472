//! Erasing the consents of a customer for good, in all segments of the organization.

use std::{collections::BTreeSet, sync::Arc};

use actors::journal::Hash;
use serde::de::IgnoredAny;
use store::Store;

use super::{Error, LegalHolds, Order};
use crate::{
    catalogue::consents::TREES,
    consents::service::{Customers, Subject},
    records::{self, Records},
};

/// Trees whose names are read at once.
const PAGE: usize = 500;

/// A segment in which the customer was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedSegment {
    pub segment: String,
    /// Entries that nobody can read any more; 0 where it was erased before.
    pub entries: u64,
    /// Head of the journal's chain: the entry that says that it was erased.
    pub head: Hash,
}

/// Erases customers. Cheap to clone.
#[derive(Clone)]
pub struct CustomerEraser {
    records: Records,
    customers: Customers,
    holds: LegalHolds,
}

impl CustomerEraser {
    pub fn new(store: Arc<dyn Store>, customers: Customers, holds: LegalHolds) -> Self {
        Self { records: Records::new(store), customers, holds }
    }

    /// Erases the customer's consents in every segment that has, or ever had, a tree. What must survive is carried over: oppositions, as
    /// suppressions. Once more it changes nothing. Answers the segments in which there was something to erase, now or before.
    ///
    /// # Errors
    /// [`Error::Held`], [`Error::Process`], [`Error::Records`]; after the last two it is to be asked again.
    pub async fn erase(&self, organization: &str, customer_id: &str, order: Order<'_>) -> Result<Vec<ErasedSegment>, Error> {
        let erasure = order.erasure(false)?;
        let mut erased = Vec::new();
        for segment in self.segments(organization).await? {
            if let Some(held) = self.holds.of_customer(organization, customer_id).await? {
                return Err(held.into());
            }
            let id = self.customers.id(&Subject { organization, segment: &segment, customer_id });
            let host = self.customers.host();
            let done = host.erase(organization, id, erasure.clone()).await.map_err(Error::Process)?;
            // Nobody was ever known by this name there.
            if done.already && host.peek(organization, id).await.map_err(Error::Process)?.life().is_none() {
                continue;
            }
            erased.push(ErasedSegment { segment, entries: done.entries, head: done.hash });
        }
        Ok(erased)
    }

    async fn segments(&self, organization: &str) -> Result<BTreeSet<String>, records::Error> {
        let mut segments = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.records.page::<IgnoredAny>(organization, TREES, "", after.as_deref(), PAGE).await?;
            let names = page.items.iter().filter_map(|(key, _)| key.rsplit_once('/'));
            segments.extend(names.map(|(segment, _)| segment.to_owned()));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(segments),
            }
        }
    }
}
