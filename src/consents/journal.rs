//! The journal of a customer's consents, read from its first entry: what history, receipts and the state at a moment are made of.
//!
//! Nothing here starts an actor or writes. What a deletion blocked is left out unless the caller asks for it.

use std::sync::Arc;

use actors::journal::{self, Fact, Line, Sealer};
use store::{Entity, Store, Timestamp};
use workflows::Machine;
use workflows::consents::{CustomerConsents, Event, Past};

/// Maximum number of entries of a journal that is read whole: years of the captures that one customer may have.
const MAX_ENTRIES: u64 = 100_000;

/// Why a journal cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("nothing was ever captured of this customer in this segment")]
    NotFound,
    #[error("the journal has more than {MAX_ENTRIES} entries")]
    TooLong,
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Journal(#[from] journal::ReadError),
}

/// Reads journals.
#[derive(Clone)]
pub(super) struct Journals {
    pub store: Arc<dyn Store>,
    pub sealer: Sealer,
}

/// A journal as it was read.
pub(super) struct Journal {
    pub entity: Entity,
    pub lines: Vec<Line<Event>>,
}

/// Something that happened, and the number that it gave the state.
pub(super) struct Step<'a> {
    pub line: &'a Line<Event>,
    pub event: &'a Event,
    pub revision: u32,
}

impl Journals {
    /// # Errors
    /// [`Error`].
    pub async fn read(&self, entity: Entity) -> Result<Journal, Error> {
        if self.store.entries(&entity, MAX_ENTRIES + 1, 1).await?.first().is_some() {
            return Err(Error::TooLong);
        }
        let lines = journal::read::<Event>(&*self.store, &self.sealer, &entity).await?;
        if lines.is_empty() {
            return Err(Error::NotFound);
        }
        Ok(Journal { entity, lines })
    }
}

impl Journal {
    /// What happened, with the moment at which each was recorded, for [`workflows::consents::state_at`].
    pub fn past(&self) -> impl Iterator<Item = (Timestamp, Past<'_>)> {
        self.lines.iter().filter_map(|line| match line.fact.as_ref()? {
            Fact::Event(event) => Some((line.at, Past::Event(event))),
            Fact::Erased { remains, .. } => Some((line.at, Past::Erased(remains.as_ref()))),
            _ => None,
        })
    }

    /// The state at the end.
    pub fn state(&self) -> CustomerConsents {
        let mut state = CustomerConsents::default();
        self.lines.iter().for_each(|line| fold(&mut state, line));
        state
    }

    /// What happened and can be read, oldest first.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut state = CustomerConsents::default();
        let step = |line| {
            fold(&mut state, line);
            said(line).map(|event| Step { line, event, revision: state.revision() })
        };
        self.lines.iter().filter_map(step).collect()
    }

    /// What made the state `revision`, with the state before it.
    pub fn step(&self, revision: u32) -> Option<(Step<'_>, CustomerConsents)> {
        let step = self.steps().into_iter().find(|step| step.revision == revision)?;
        let mut before = CustomerConsents::default();
        self.lines.iter().take_while(|line| line.seq < step.line.seq).for_each(|line| fold(&mut before, line));
        Some((step, before))
    }
}

fn said(line: &Line<Event>) -> Option<&Event> {
    match line.fact.as_ref()? {
        Fact::Event(event) => Some(event),
        Fact::Erased { remains, .. } => remains.as_ref(),
        _ => None,
    }
}

fn fold(state: &mut CustomerConsents, line: &Line<Event>) {
    match &line.fact {
        Some(Fact::Event(event)) => state.apply(line.at, event),
        Some(Fact::Erased { remains, .. }) => {
            *state = CustomerConsents::default();
            remains.iter().for_each(|remains| state.apply(line.at, remains));
        }
        _ => {}
    }
}
