//! Which processes are in memory, which are set aside, and how messages reach them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use actix::Recipient;
use store::Entity;
use workflows::Machine;

use crate::{entity::Published, fault::Cause, message::Envelope};

/// A process that was set aside.
#[derive(Clone, Debug)]
pub struct Quarantined {
    pub cause: Cause,
    /// As the log has it.
    pub reason: String,
    pub since: Instant,
}

/// Behind one lock that is never held across an await or while a machine works.
pub(crate) struct Registry<M: Machine> {
    pub slots: HashMap<Entity, Slot<M>>,
    quarantine: HashMap<Entity, Quarantined>,
    made_room: Option<Instant>,
}

/// Minimum time between two searches for room: while all are busy, a full registry must cost those it refuses next to nothing.
const MAKE_ROOM_EVERY: Duration = Duration::from_millis(100);

pub(crate) struct Slot<M: Machine> {
    /// Its actor, which ends when this is dropped.
    pub addr: Recipient<Envelope<M>>,
    pub published: Published<M>,
    /// Messages and effects under way: an actor that has any stays in memory.
    pub busy: Arc<AtomicUsize>,
    /// Messages that wait or are handled.
    pub queued: Arc<AtomicUsize>,
    pub last: Instant,
}

/// What a sweep left.
pub(crate) struct Census {
    pub resident: usize,
    pub waiting: usize,
    pub quarantined: usize,
}

impl<M: Machine> Registry<M> {
    pub fn new() -> Self {
        Self { slots: HashMap::new(), quarantine: HashMap::new(), made_room: None }
    }

    /// Lets all go that are idle, however shortly, unless that was done a moment ago.
    pub fn make_room(&mut self, now: Instant) {
        if self.made_room.is_some_and(|last| now.duration_since(last) < MAKE_ROOM_EVERY) {
            return;
        }
        self.made_room = Some(now);
        self.let_go();
    }

    /// Lets all go that are not at work.
    pub fn let_go(&mut self) {
        self.slots.retain(|_, slot| slot.busy.load(Ordering::Acquire) > 0);
    }

    pub fn is_busy(&self) -> bool {
        self.slots.values().any(|slot| slot.busy.load(Ordering::Acquire) > 0)
    }

    /// Sets an entity aside. At most `maximum` are: then the one that has been for the longest time makes room.
    pub fn set_aside(&mut self, entity: &Entity, cause: Cause, reason: String, maximum: usize) -> usize {
        if self.quarantine.len() >= maximum && !self.quarantine.contains_key(entity) {
            let oldest = self.quarantine.iter().min_by_key(|(_, why)| why.since).map(|(entity, _)| entity.clone());
            oldest.and_then(|oldest| self.quarantine.remove(&oldest));
        }
        self.quarantine.insert(entity.clone(), Quarantined { cause, reason, since: Instant::now() });
        self.quarantine.len()
    }

    pub fn is_aside(&self, entity: &Entity, now: Instant, time: Duration) -> bool {
        self.quarantine.get(entity).is_some_and(|why| now.duration_since(why.since) < time)
    }

    /// Lets an entity be served again: whether it was aside, and how many still are.
    pub fn release(&mut self, entity: &Entity, now: Instant, time: Duration) -> (bool, usize) {
        let was_aside = self.is_aside(entity, now, time);
        self.quarantine.remove(entity);
        (was_aside, self.quarantine.len())
    }

    /// Those of an organization that are aside now, by what is known of each.
    pub fn aside_of<'a>(
        &'a self,
        organization: &'a str,
        now: Instant,
        time: Duration,
    ) -> impl Iterator<Item = (&'a Entity, &'a Quarantined)> {
        let is_aside = move |why: &Quarantined| now.duration_since(why.since) < time;
        self.quarantine.iter().filter(move |(entity, why)| *entity.organization == *organization && is_aside(why))
    }

    pub fn quarantined(&self, limit: usize) -> Vec<(Entity, Quarantined)> {
        self.quarantine.iter().take(limit).map(|(entity, why)| (entity.clone(), why.clone())).collect()
    }

    /// Lets go of what has been idle for `idle` and of quarantines older than `quarantine`.
    pub fn sweep(&mut self, now: Instant, idle: Duration, quarantine: Duration) -> Census {
        // Dropping its last address ends an actor. Nobody can send meanwhile: sending needs the lock too.
        self.slots.retain(|_, slot| slot.busy.load(Ordering::Acquire) > 0 || now.duration_since(slot.last) < idle);
        self.quarantine.retain(|_, why| now.duration_since(why.since) < quarantine);
        let waiting = self.slots.values().map(|slot| slot.queued.load(Ordering::Acquire)).sum();
        Census { resident: self.slots.len(), waiting, quarantined: self.quarantine.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Order;

    #[test]
    fn the_list_of_processes_set_aside_is_bounded() {
        let mut registry = Registry::<Order>::new();
        let entity = |n: u128| Entity::new("acme", "order", uuid::Uuid::from_u128(n));
        (0..10).for_each(|n| assert!(registry.set_aside(&entity(n), Cause::Panic, "broken".into(), 3) <= 3));
        assert_eq!(registry.quarantined(100).len(), 3);
        assert!(registry.is_aside(&entity(9), Instant::now(), Duration::from_secs(60)));
        assert!(!registry.is_aside(&entity(0), Instant::now(), Duration::from_secs(60)));
        let (now, time) = (Instant::now(), Duration::from_secs(60));
        assert_eq!(registry.aside_of("acme", now, time).count(), 3);
        assert_eq!(registry.aside_of("second", now, time).count() + registry.aside_of("acme", now, Duration::ZERO).count(), 0);
        assert_eq!(registry.release(&entity(9), now, time), (true, 2));
        assert_eq!(registry.release(&entity(9), now, time), (false, 2));
        assert!(!registry.is_aside(&entity(9), now, time));
        let census = registry.sweep(Instant::now(), Duration::ZERO, Duration::ZERO);
        assert_eq!((census.resident, census.waiting, census.quarantined), (0, 0, 0));
    }
}
