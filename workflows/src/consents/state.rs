//! The state: what is held, and how it reads at a moment.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Captured, Choice, ConsentType, Digest, Event, Life, is_false};
use crate::Timestamp;

/// Maximum number of different consents that one customer has answered.
pub const MAX_HELD: usize = 1_024;

/// So many captures are known again when they are repeated.
pub const MAX_DIGESTS: usize = 16;

/// The choice of one consent that holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    pub choice: Choice,
    #[serde(rename = "type")]
    pub consent_type: ConsentType,
    pub captured_at: Timestamp,
    /// Of the capture that brought it.
    pub revision: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whether the journal says that it lapsed. No read asks for this.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) announced: bool,
    /// Whether the journal says that it will lapse soon.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) foretold: bool,
}

/// Where a choice comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// It was captured.
    Given,
    /// It was accepted, and that lapsed.
    Expired,
    /// The customer is known and has not answered this one.
    Default,
    /// It was rejected before a deletion, which keeps such a rejection in force.
    Suppressed,
    /// The customer's consents were deleted, or erased.
    Deleted,
    /// Nothing was ever captured.
    Unknown,
}

/// How one consent reads at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Rejected when it is [suppressed](Source::Suppressed).
    pub choice: Choice,
    pub source: Source,
    /// When a running acceptance lapses.
    pub until: Option<Timestamp>,
}

/// The machine: the consents of one customer in one segment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomerConsents {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    life: Option<Life>,
    /// Number of events so far.
    revision: u32,
    /// Revision of the last deletion, or erasure of what was not deleted, and its moment.
    #[serde(default)]
    barrier: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    barrier_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) held: BTreeMap<String, Held>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    suppressed: BTreeSet<String>,
    /// Of the last captures, the newest at the end.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    digests: VecDeque<Digest>,
    /// The day (UTC) of the last capture, and how many there were on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day: Option<(NaiveDate, u32)>,
    /// When the journal of a deleted customer is to be erased.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_until: Option<Timestamp>,
    /// Whether that moment has come and the host is at it.
    #[serde(default, skip_serializing_if = "is_false")]
    erasing: bool,
    /// Whether the last capture asked to tell the organization.
    #[serde(default, skip_serializing_if = "is_false")]
    notify: bool,
}

impl CustomerConsents {
    /// Whether there are choices that were captured since the last deletion.
    pub fn known(&self) -> bool {
        self.life == Some(Life::Known)
    }

    /// `None`: nothing was ever captured.
    pub fn life(&self) -> Option<Life> {
        self.life
    }

    /// Number of events so far: 0 when nothing was ever captured.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The revision of the last deletion, or erasure of what was not deleted: what was displayed at an older one may not be answered any more.
    pub fn barrier(&self) -> u32 {
        self.barrier
    }

    /// The moment of that deletion or erasure: imported choices that are no younger are of no effect.
    pub fn barrier_at(&self) -> Option<Timestamp> {
        self.barrier_at
    }

    /// Until when the evidence of a deleted customer is kept, unless it is being erased already.
    pub fn keep_until(&self) -> Option<Timestamp> {
        self.keep_until
    }

    /// The choice of a consent as it was captured, whether it lapsed or not.
    pub fn held(&self, id: &str) -> Option<&Held> {
        self.held.get(id)
    }

    /// All choices by the ids of their consents, in the order of the ids.
    pub fn held_all(&self) -> impl Iterator<Item = (&str, &Held)> {
        self.held.iter().map(|(id, held)| (id.as_str(), held))
    }

    /// The consents of which a rejection stays in force after a deletion, unless a younger choice is held.
    pub fn suppressed(&self) -> impl Iterator<Item = &str> {
        self.suppressed.iter().map(String::as_str)
    }

    /// How a consent reads at a moment.
    pub fn choice(&self, id: &str, consent_type: ConsentType, at: Timestamp) -> Reading {
        if let Some(held) = self.held.get(id) {
            return held.at(at);
        }
        let default = |source| Reading { choice: consent_type.default_choice(), source, until: None };
        match self.life {
            _ if self.suppressed.contains(id) => Reading { choice: Choice::Rejected, source: Source::Suppressed, until: None },
            Some(Life::Known) => default(Source::Default),
            Some(Life::Blocked | Life::Erased) => default(Source::Deleted),
            None => default(Source::Unknown),
        }
    }

    /// The rejections that outlive a deletion: those in force already, unless they were taken back, and those that are held.
    pub(super) fn to_suppress(&self) -> Vec<String> {
        let mut all = self.suppressed.clone();
        for (id, held) in &self.held {
            if held.choice == Choice::Rejected && held.consent_type.is_opt_out() {
                all.insert(id.clone());
            } else {
                all.remove(id);
            }
        }
        all.into_iter().collect()
    }

    pub(super) fn is_erasing(&self) -> bool {
        self.erasing
    }

    pub(super) fn notifies(&self) -> bool {
        self.notify
    }

    pub(super) fn repeats(&self, digest: &Digest) -> bool {
        self.digests.contains(digest)
    }

    /// How many captures there were on a day.
    pub(super) fn captures_on(&self, day: NaiveDate) -> u32 {
        self.day.filter(|(last, _)| *last == day).map_or(0, |(_, captures)| captures)
    }

    pub(super) fn fold(&mut self, at: Timestamp, life: Life, event: &Event) {
        self.life = Some(life);
        self.revision = self.revision.saturating_add(1);
        match event {
            Event::Captured(captured) => {
                self.count(at, captured);
                self.take(captured);
                self.notify = captured.notify;
                // The customer is back: the evidence goes on with what is captured now.
                (self.keep_until, self.erasing) = (None, false);
            }
            Event::Recorded(captured) => self.count(at, captured),
            Event::Expiring { ids } => self.mark(ids, |held| held.foretold = true),
            Event::Expired { ids } => self.mark(ids, |held| held.announced = true),
            Event::Deleted { keep_until, suppressed, .. } => {
                self.forget(at, suppressed);
                self.keep_until = Some(*keep_until);
            }
            Event::RetentionEnded => (self.keep_until, self.erasing) = (None, true),
            Event::Postponed { until } => (self.keep_until, self.erasing) = (Some(*until), false),
            Event::Erased { revision, barrier, barrier_at, suppressed } => {
                self.revision = *revision;
                self.forget(at, suppressed);
                (self.barrier, self.barrier_at) = (*barrier, Some(barrier_at.unwrap_or(at)));
            }
        }
    }

    fn forget(&mut self, at: Timestamp, suppressed: &[String]) {
        self.held.clear();
        self.suppressed = suppressed.iter().cloned().collect();
        (self.barrier, self.barrier_at) = (self.revision, Some(at));
    }

    fn count(&mut self, at: Timestamp, captured: &Captured) {
        let day = at.date_naive();
        self.day = Some((day, self.captures_on(day).saturating_add(1)));
        if self.digests.len() >= MAX_DIGESTS {
            self.digests.pop_front();
        }
        self.digests.push_back(captured.digest);
    }

    /// Counts an event that is not yet to be seen.
    pub(super) fn skip(&mut self) {
        self.revision = self.revision.saturating_add(1);
    }
}
