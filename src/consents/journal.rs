//! The journal of a customer's consents, walked event by event: what history and receipts are made of. Nothing here writes.

use actors::journal::{Fact, Line};
use store::Entity;
use workflows::Machine;
use workflows::consents::{CustomerConsents, Event};

/// A journal as it was read, from its first entry.
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

impl Journal {
    /// The state at the end.
    pub fn state(&self) -> CustomerConsents {
        let mut state = CustomerConsents::default();
        self.lines.iter().for_each(|line| fold(&mut state, line));
        state
    }

    /// What happened and can be read, oldest first.
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut state = CustomerConsents::default();
        let mut steps = Vec::new();
        for line in &self.lines {
            fold(&mut state, line);
            steps.extend(said(line).map(|event| Step { line, event, revision: state.revision() }));
        }
        steps
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
    if matches!(line.fact, Some(Fact::Erased { .. })) {
        *state = CustomerConsents::default();
    }
    if let Some(event) = said(line) {
        state.apply(line.at, event);
    }
}
