//! What time alone brings about: acceptances lapse, and the time of blocking ends.

use chrono::Duration;

use super::{Choice, CustomerConsents, Event, Held, Reading, Source};
use crate::Timestamp;

/// So long before an acceptance lapses that is announced, once, so that the customer can be asked again in time. Of one that is given for no longer
/// than this, nothing is announced ahead.
pub const EXPIRING_LEAD: Duration = Duration::days(30);

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

    /// Whether the journal says that it will lapse soon.
    pub fn is_foretold(&self) -> bool {
        self.foretold
    }

    /// When it is to be said that it will lapse, unless the journal says that, or more, already.
    fn foretold_at(&self) -> Option<Timestamp> {
        let ahead = self.lapses_at().filter(|_| !self.foretold)?.checked_sub_signed(EXPIRING_LEAD)?;
        (self.captured_at < ahead).then_some(ahead)
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

    /// All acceptances that will lapse soon and of which nothing says so yet, in one event. Not those that have lapsed already.
    pub(super) fn soon_to_lapse_by(&self, now: Timestamp) -> Option<Event> {
        let is_due = |held: &Held| !held.has_lapsed(now) && held.foretold_at().is_some_and(|at| at <= now);
        let ids: Vec<String> = self.held.iter().filter(|(_, held)| is_due(held)).map(|(id, _)| id.clone()).collect();
        (!ids.is_empty()).then_some(Event::Expiring { ids })
    }

    pub(super) fn next_announcement(&self) -> Option<Timestamp> {
        self.held.values().flat_map(|held| [held.lapses_at(), held.foretold_at()]).flatten().min()
    }

    pub(super) fn mark(&mut self, ids: &[String], mark: impl Fn(&mut Held)) {
        for id in ids {
            self.held.get_mut(id).into_iter().for_each(&mark);
        }
    }

    pub(super) fn retention_ended_by(&self, now: Timestamp) -> Option<Event> {
        self.keep_until().is_some_and(|keep_until| keep_until <= now).then_some(Event::RetentionEnded)
    }
}
