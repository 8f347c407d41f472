//! Consents as a customer's journal had them at an earlier revision.

use std::sync::Arc;

use actors::journal::{self, Fact, Line, Sealer};
use store::{Entity, Store, Timestamp};
use workflows::consents::{CustomerConsents, Event, Past, state_of_revision};

/// Reads the journals of customers. Cheap to clone.
#[derive(Clone)]
pub struct Journals {
    store: Arc<dyn Store>,
    sealer: Sealer,
}

impl Journals {
    pub fn new(store: Arc<dyn Store>, sealer: Sealer) -> Self {
        Self { store, sealer }
    }

    /// A journal, from its first entry.
    ///
    /// # Errors
    /// See [`journal::read`].
    pub async fn read(&self, entity: &Entity) -> Result<Vec<Line<Event>>, journal::ReadError> {
        journal::read(self.store.as_ref(), &self.sealer, entity).await
    }

    /// The consents right after the event that made them this revision.
    ///
    /// # Errors
    /// In words for the operator, without personal data: what cannot be read, or that the revision is none that can be read.
    pub async fn at_revision(&self, entity: &Entity, revision: u32) -> Result<CustomerConsents, String> {
        let lines = self.read(entity).await.map_err(|error| error.to_string())?;
        state_of_revision(past(&lines), revision)
            .ok_or_else(|| format!("the journal has no revision {revision} that can be read"))
    }
}

/// What a journal says of the machine.
pub fn past(lines: &[Line<Event>]) -> impl Iterator<Item = (Timestamp, Past<'_>)> {
    lines.iter().filter_map(|line| match line.fact.as_ref()? {
        Fact::Event(event) => Some((line.at, Past::Event(event))),
        Fact::Erased { remains, .. } => Some((line.at, Past::Erased(remains.as_ref()))),
        _ => None,
    })
}
