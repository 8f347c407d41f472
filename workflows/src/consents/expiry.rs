//! What time alone brings about: acceptances lapse, and the time of blocking ends.

use super::{Choice, CustomerConsents, Event, Held, Reading, Source};
use crate::Timestamp;

impl Held {
    /// How it reads at a moment: an acceptance lapses at the very moment that it names.
    pub fn at(&self, at: Timestamp) -> Reading {
        if self.has_lapsed(at) {
            return Reading { choice: Choice::Pending, source: Source::Expired, until: None };
        }
        Reading { choice: self.choice, source: Source::Given, until: self.expires_at }
    }

    fn has_lapsed(&self, at: Timestamp) -> bool {
        self.choice == Choice::Accepted && self.expires_at.is_some_and(|expires_at| expires_at <= at)
    }

    /// Whether the journal says that it lapsed.
    pub fn is_announced(&self) -> bool {
        self.announced
    }

    /// When it will have lapsed, unless the journal says already that it has.
    fn lapses_at(&self) -> Option<Timestamp> {
        self.expires_at.filter(|_| self.choice == Choice::Accepted && !self.announced)
    }
}

impl CustomerConsents {
    /// When the running acceptances lapse, in no order.
    pub fn expiries(&self) -> impl Iterator<Item = Timestamp> {
        self.held.values().filter_map(|held| held.expires_at)
    }

    /// All acceptances that have lapsed by now and are not announced yet, in one event.
    pub(super) fn lapsed_by(&self, now: Timestamp) -> Option<Event> {
        let lapsed = self.held.iter().filter(|(_, held)| !held.announced && held.has_lapsed(now));
        let ids: Vec<String> = lapsed.map(|(id, _)| id.clone()).collect();
        (!ids.is_empty()).then_some(Event::Expired { ids })
    }

    pub(super) fn next_lapse(&self) -> Option<Timestamp> {
        self.held.values().filter_map(Held::lapses_at).min()
    }

    pub(super) fn announce(&mut self, ids: &[String]) {
        for id in ids {
            if let Some(held) = self.held.get_mut(id) {
                held.announced = true;
            }
        }
    }

    pub(super) fn retention_ended_by(&self, now: Timestamp) -> Option<Event> {
        self.keep_until().is_some_and(|keep_until| keep_until <= now).then_some(Event::RetentionEnded)
    }
}
