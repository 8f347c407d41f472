//! What staff exports of a customer: one file with the choices, what happened, and what was displayed.

use serde::Serialize;
use store::Timestamp;
use uuid::Uuid;

use super::history::Happened;
use super::proofs::{Displayed, State};

/// `schema_version` of the exports of this version.
pub const EXPORT_VERSION: &str = "rubrica-consents-export/1";

/// Maximum number of events in an export; the newest ones.
pub const MAX_EVENTS: usize = 2_000;

/// No further display is added to an export that has as many bytes of texts.
pub const MAX_DISPLAYED: usize = 16 * 1024 * 1024;

/// Who exports, and why. Both stand in the export.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    pub by: &'a str,
    pub reason: &'a str,
}

/// An export. Its parts have the form that the operations of the API give them.
#[derive(Debug, Serialize)]
pub struct Export {
    /// [`EXPORT_VERSION`].
    pub schema_version: &'static str,
    pub organization: String,
    pub segment: String,
    pub customer_id: String,
    /// The customer's consents in the segment: the id that captures answer.
    pub record_id: Uuid,
    pub exported_at: Timestamp,
    pub exported_by: String,
    pub reason: String,
    /// What holds at that moment.
    pub state: State,
    /// The newest first.
    pub events: Vec<Happened>,
    /// Whether there are older events than these.
    pub more_events: bool,
    /// What was displayed before captures, each once: events name it by its digest.
    pub displays: Vec<Displayed>,
    /// Whether there are older displays than these.
    pub more_displays: bool,
}
