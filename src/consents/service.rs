//! The consents of customers: read, captured, deleted, imported and checked.
//!
//! A read or a check starts no actor and writes nothing. Whatever changes a customer's consents is one command to the customer's journal.

use std::sync::Arc;

use actors::Host;
use store::Timestamp;
use uuid::Uuid;
use workflows::consents::{Caller, CustomerConsents};

use super::display::{Shown, Wanted};
use crate::{catalogue::consents::Consents, keys::Keys};

/// Whose consents: one customer of an organization in one segment.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    pub organization: &'a str,
    pub segment: &'a str,
    /// The customer's id in the CRM: personal data.
    pub customer_id: &'a str,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Customers(Arc<Inner>);

impl Customers {
    pub fn new(host: Host<CustomerConsents>, catalogue: Consents, keys: Keys, options: Options, metrics: Metrics) -> Self {
        todo!()
    }

    /// The id of the customer's journal: UUIDv8 (RFC 9562) of HMAC-SHA-256 under derive("consents/customer/v1") over organization, segment and
    /// customer id, each with its length in front. The same for life; it tells nothing of the customer.
    pub fn id(&self, subject: &Subject<'_>) -> Uuid {
        todo!()
    }

    /// The customer's consents as they are. Starts no actor and writes nothing.
    pub async fn state(&self, subject: &Subject<'_>) -> Result<Arc<CustomerConsents>, Error> {
        todo!()
    }

    /// What the customer is shown, with the key that a capture must carry.
    pub async fn read(&self, subject: &Subject<'_>, wanted: &Wanted, now: Timestamp) -> Result<Read, Error> {
        todo!()
    }

    pub async fn capture(&self, subject: &Subject<'_>, caller: Caller, capture: NewCapture, now: Timestamp) -> Result<Recorded, Error> {
        todo!()
    }

    /// Answers the fresh key.
    pub async fn delete(&self, subject: &Subject<'_>, caller: Caller, now: Timestamp) -> Result<String, Error> {
        todo!()
    }

    /// Whether some priority consent is pending; of a known customer only.
    pub async fn impact(&self, subject: &Subject<'_>, now: Timestamp) -> Result<bool, Error> {
        todo!()
    }
}
