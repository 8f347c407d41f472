//! The consents as they were at one moment, by what was recorded up to another.

use super::{CustomerConsents, Event};
use crate::{Machine, Timestamp};

/// What the journal has at one place.
#[derive(Clone, Copy, Debug)]
pub enum Past<'a> {
    Event(&'a Event),
    /// The journal was erased here, and this remains.
    Erased(Option<&'a Event>),
}

/// What held at `as_of`, by what was recorded up to `known_at`, from a journal in its order with the moment at which each entry was recorded.
///
/// Choices that were made after `as_of` are left out; of the others the latest holds. A deletion or erasure that was recorded hides whatever
/// came before it, whenever that held: it is blocked. With `known_at` in the past the answer never changes. Read the result at `as_of`.
pub fn state_at<'a>(
    journal: impl IntoIterator<Item = (Timestamp, Past<'a>)>,
    as_of: Timestamp,
    known_at: Timestamp,
) -> CustomerConsents {
    let mut state = CustomerConsents::default();
    for (at, past) in journal {
        if at > known_at {
            break;
        }
        match past {
            Past::Event(Event::Captured(captured)) if captured.captured_at > as_of => state.skip(),
            _ => state.put(at, past),
        }
    }
    state
}

/// What held right after the event that made it `revision`; `None` if the journal does not come to that, or it was erased. Of revisions between
/// a deletion and the erasure of what was deleted the state after the erasure: nothing held in all of them.
pub fn state_of_revision<'a>(
    journal: impl IntoIterator<Item = (Timestamp, Past<'a>)>,
    revision: u32,
) -> Option<CustomerConsents> {
    let mut state = CustomerConsents::default();
    for (at, past) in journal {
        if state.revision() == revision {
            break;
        }
        state.put(at, past);
        if matches!(past, Past::Erased(Some(_))) && (state.barrier()..=state.revision()).contains(&revision) {
            return Some(state);
        }
    }
    (state.revision() == revision).then_some(state)
}

impl CustomerConsents {
    fn put(&mut self, at: Timestamp, past: Past<'_>) {
        match past {
            Past::Event(event) => {
                let before = self.revision();
                self.apply(at, event);
                // What only a capture that is left out made possible counts all the same.
                if self.revision() == before {
                    self.skip();
                }
            }
            Past::Erased(remains) => {
                *self = Self::default();
                if let Some(remains) = remains {
                    self.apply(at, remains);
                }
            }
        }
    }
}
