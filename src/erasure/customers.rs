//! Erasing the consents of a customer for good, in all segments of the organization.

use std::collections::BTreeSet;

use actors::journal::Hash;

use super::{Error, LegalHolds, Order};
use crate::consents::service::{Customers, Subject};

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
    customers: Customers,
    holds: LegalHolds,
}

impl CustomerEraser {
    pub fn new(customers: Customers, holds: LegalHolds) -> Self {
        Self { customers, holds }
    }

    /// Erases the customer's consents in every segment that has, or ever had, a tree. What must survive is carried over: oppositions, as
    /// suppressions. Once more it changes nothing. Answers the segments in which there was something to erase, now or before.
    ///
    /// # Errors
    /// [`Error::Held`], [`Error::Process`], [`Error::Records`]; after the last two it is to be asked again.
    pub async fn erase(&self, organization: &str, customer_id: &str, order: Order<'_>) -> Result<Vec<ErasedSegment>, Error> {
        let erasure = order.erasure(false)?;
        let mut erased = Vec::new();
        let planted = self.customers.catalogue().planted(organization).await?;
        let segments: BTreeSet<String> = planted.into_iter().map(|(segment, _)| segment).collect();
        for segment in segments {
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
}
