//! Which edition each segment shows now, as far as this server knows.
//!
//! What this server changes it knows at once. What another one changes on a shared store it finds out when what it knows is older than the time
//! to live. A reading that a change overtakes is not remembered.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use parking_lot::Mutex;
use store::Timestamp;

use super::trees::UsersType;

/// Maximum number of segments that are remembered, of all organizations.
const MAX_SEGMENTS: usize = 4096;

/// What is known; a cheap handle.
#[derive(Clone)]
pub(super) struct Current {
    inner: Arc<Mutex<Inner>>,
    /// `None`: nobody else changes the store.
    time_to_live: Option<TimeDelta>,
}

#[derive(Default)]
struct Inner {
    organizations: HashMap<String, HashMap<String, [Slot; 2]>>,
    segments: usize,
    /// The last mark that was given.
    last: u64,
}

#[derive(Clone, Default)]
struct Slot {
    /// Changes when what is known is not true any more.
    mark: u64,
    known: Option<(u32, Timestamp)>,
    /// Held by the one who reads.
    gate: Arc<tokio::sync::Mutex<()>>,
}

/// What is to be read, by one caller at a time.
pub(super) struct Unknown {
    /// To be held while reading.
    pub gate: Arc<tokio::sync::Mutex<()>>,
    mark: u64,
}

impl Current {
    pub fn new(time_to_live: Option<TimeDelta>) -> Self {
        Self { inner: Arc::default(), time_to_live }
    }

    /// The number of the edition that a segment shows, if it is known.
    pub fn get(&self, organization: &str, segment: &str, users: UsersType, now: Timestamp) -> Option<u32> {
        let inner = self.inner.lock();
        let slots = inner.organizations.get(organization)?.get(segment)?;
        let (number, read_at) = slots[users as usize].known?;
        self.is_fresh(read_at, now).then_some(number)
    }

    /// What is to be held while reading, and given back with what was read.
    pub fn unknown(&self, organization: &str, segment: &str, users: UsersType) -> Unknown {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let slots = inner.organizations.get(organization).and_then(|segments| segments.get(segment));
        if let Some(Slot { mark, gate, .. }) = slots.map(|slots| &slots[users as usize]) {
            return Unknown { gate: gate.clone(), mark: *mark };
        }
        if inner.segments >= MAX_SEGMENTS {
            // Rare enough that starting over is cheaper than keeping an order of use.
            (inner.organizations, inner.segments) = (HashMap::new(), 0);
        }
        let mut slot = || {
            inner.last += 1;
            Slot { mark: inner.last, ..Slot::default() }
        };
        let slots = [slot(), slot()];
        let Slot { mark, gate, .. } = slots[users as usize].clone();
        inner.organizations.entry(organization.to_owned()).or_default().insert(segment.to_owned(), slots);
        inner.segments += 1;
        Unknown { gate, mark }
    }

    /// Time may run backwards, and what was read is not older for it.
    fn is_fresh(&self, read_at: Timestamp, now: Timestamp) -> bool {
        self.time_to_live.is_none_or(|most| (TimeDelta::zero()..=most).contains(&(now - read_at)))
    }

    /// Remembers what was read, unless something was changed since `unknown` was got. `read_at` is when the reading began.
    pub fn set(
        &self,
        organization: &str,
        segment: &str,
        users: UsersType,
        unknown: &Unknown,
        (number, read_at): (u32, Timestamp),
    ) {
        let mut inner = self.inner.lock();
        let slots = inner.organizations.get_mut(organization).and_then(|segments| segments.get_mut(segment));
        if let Some(slot) = slots.map(|slots| &mut slots[users as usize]).filter(|slot| slot.mark == unknown.mark) {
            slot.known = Some((number, read_at));
        }
    }

    /// Forgets a segment that has no tree: anybody can ask for any number of those.
    pub fn forget_segment(&self, organization: &str, segment: &str) {
        let mut inner = self.inner.lock();
        let Some(segments) = inner.organizations.get_mut(organization) else { return };
        let is_unknown = segments.get(segment).is_some_and(|slots| slots.iter().all(|slot| slot.known.is_none()));
        if is_unknown {
            segments.remove(segment);
            if segments.is_empty() {
                inner.organizations.remove(organization);
            }
            inner.segments -= 1;
        }
    }

    /// To be called when something of an organization was changed, or perhaps was, before anybody is told so.
    pub fn changed(&self, organization: &str) {
        let mut guard = self.inner.lock();
        let Inner { organizations, last, .. } = &mut *guard;
        for slot in organizations.get_mut(organization).into_iter().flat_map(HashMap::values_mut).flatten() {
            *last += 1;
            (slot.mark, slot.known) = (*last, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: UsersType = UsersType::Customers;

    fn at(milliseconds: i64) -> Timestamp {
        chrono::DateTime::from_timestamp_millis(1_800_000_000_000 + milliseconds).unwrap()
    }

    fn unknown(current: &Current, segment: &str) -> Unknown {
        current.unknown("acme", segment, USERS)
    }

    #[test]
    fn on_a_shared_store_what_is_known_gets_old() {
        let current = Current::new(Some(TimeDelta::seconds(1)));
        current.set("acme", "telco", USERS, &unknown(&current, "telco"), (7, at(0)));
        assert_eq!(current.get("acme", "telco", USERS, at(1000)), Some(7));
        assert!(current.get("acme", "telco", USERS, at(1001)).is_none());
        assert!(current.get("acme", "telco", USERS, at(-1)).is_none(), "a clock that was set back makes nothing fresh");
        assert!(current.get("acme", "telco", UsersType::Leads, at(0)).is_none());
        assert!(current.get("other", "telco", USERS, at(0)).is_none());

        let alone = Current::new(None);
        alone.set("acme", "telco", USERS, &unknown(&alone, "telco"), (7, at(0)));
        assert_eq!(alone.get("acme", "telco", USERS, at(1_000_000_000)), Some(7));
    }

    #[test]
    fn what_a_change_overtakes_is_not_remembered() {
        let current = Current::new(None);
        let before = unknown(&current, "telco");
        current.changed("acme");
        current.set("acme", "telco", USERS, &before, (7, at(0)));
        let after = unknown(&current, "telco");
        current.set("acme", "telco", USERS, &after, (8, at(0)));
        current.changed("other");
        assert_eq!(current.get("acme", "telco", USERS, at(0)), Some(8));
        current.changed("acme");
        assert!(current.get("acme", "telco", USERS, at(0)).is_none());

        // Also when the segment was forgotten meanwhile.
        let before = unknown(&current, "energy");
        current.forget_segment("acme", "energy");
        current.changed("acme");
        unknown(&current, "energy");
        current.set("acme", "energy", USERS, &before, (9, at(0)));
        assert!(current.get("acme", "energy", USERS, at(0)).is_none());
    }

    #[test]
    fn segments_that_are_not_there_and_segments_without_end_take_no_memory() {
        let current = Current::new(None);
        unknown(&current, "nothing");
        current.forget_segment("acme", "nothing");
        current.forget_segment("acme", "nothing");
        let kept = |current: &Current| {
            let inner = current.inner.lock();
            (inner.segments, inner.organizations.len())
        };
        assert_eq!(kept(&current), (0, 0));
        for number in 0..=MAX_SEGMENTS {
            let segment = number.to_string();
            current.set("acme", &segment, USERS, &unknown(&current, &segment), (1, at(0)));
            current.forget_segment("acme", &segment);
        }
        assert_eq!(kept(&current), (1, 1));
    }
}
