//! Where fills wait for their turn: in memory, fair between organizations, in two classes. It knows fills by their identifiers alone.
//!
//! What waits here is durable elsewhere: a queue that is lost is filled again as the wake-ups of the fills bring them in. So nothing is loaded at
//! the start, and what comes twice is left out. Between a restart and these wake-ups less is counted than waits; the bounds hold for what this
//! server has in memory.

mod metrics;
mod queue;

use std::sync::Arc;

use actors::Clock;
use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

pub use self::metrics::Metrics;
use self::queue::{Bounds, Place, Queue};
pub use self::queue::{Class, Entry, Full};

/// Bounds of a queue.
#[derive(Clone, Debug)]
pub struct Options {
    /// Fills that are rendered at once, at least one. One more may be, of an organization that has none.
    pub places: usize,
    /// Fills that may wait, of one organization and in all.
    pub waiting_each: usize,
    pub waiting: usize,
}

impl Default for Options {
    /// A processor is left to those who ask.
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Self { places: processors.saturating_sub(1).max(1), waiting_each: 10_000, waiting: 50_000 }
    }
}

/// What has waited for so long in the lower class counts as of the higher one.
const AGEING: TimeDelta = TimeDelta::seconds(60);

/// The queue of a server; a cheap handle.
#[derive(Clone, Debug)]
pub struct FillQueue(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Never held across an await.
    queue: Mutex<Queue>,
    /// Told when something may have a turn that had none. It keeps one telling for who does not listen yet.
    changed: Notify,
    clock: Clock,
    metrics: Metrics,
}

/// A turn: a place among those at work, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    pub entry: Entry,
    place: Option<Place>,
    queue: FillQueue,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.queue.0.queue.lock().give_back(place);
            self.queue.0.changed.notify_one();
        }
    }
}

/// Room for a fill that is about to be asked for, until this is dropped or the fill has come.
#[derive(Debug)]
pub struct Reservation {
    id: Uuid,
    queue: FillQueue,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.queue.0.queue.lock().forgo(self.id);
    }
}

impl FillQueue {
    /// An empty queue. Ages are told by the clock, which is that of the fills.
    pub fn new(options: &Options, clock: Clock, metrics: Metrics) -> Self {
        let Options { places, waiting_each, waiting } = *options;
        let queue = Mutex::new(Queue::new(Bounds { places, waiting_each, waiting, ageing: AGEING }));
        Self(Arc::new(Shared { queue, changed: Notify::new(), clock, metrics }))
    }

    /// Room for a fill, before anything of it is kept.
    ///
    /// # Errors
    /// [`Full`]. Later it may work.
    pub fn reserve(&self, organization: &str, id: Uuid) -> Result<Reservation, Full> {
        let reserved = self.0.queue.lock().reserve(&organization.into(), id);
        reserved.inspect_err(|_| self.0.metrics.refused())?;
        Ok(Reservation { id, queue: self.clone() })
    }

    /// Lets a fill wait, unless it does already.
    pub fn push(&self, entry: Entry) {
        if self.0.queue.lock().push(entry) {
            self.0.changed.notify_one();
        }
    }

    /// Waits for the next turn. One at a time may wait here.
    pub async fn turn(&self) -> Turn {
        loop {
            // Others may have one as well; who takes this one asks again.
            if let Some(turn) = self.try_turn() {
                return turn;
            }
            self.0.changed.notified().await;
        }
    }

    fn try_turn(&self) -> Option<Turn> {
        let now = self.0.clock.now();
        let (entry, place) = self.0.queue.lock().next(now)?;
        self.0.metrics.waited(entry.class, now - entry.since);
        Some(Turn { entry, place: Some(place), queue: self.clone() })
    }

    /// Counts a fill that ended so long after it was asked for.
    pub fn ended(&self, class: Class, is_filled: bool, time: TimeDelta) {
        self.0.metrics.ended(class, is_filled, time);
    }

    /// Puts what waits, and for how long the oldest has, into the metrics.
    pub fn measure(&self) {
        let now = self.0.clock.now();
        for class in Class::ALL {
            let (waiting, oldest) = self.0.queue.lock().waiting(class);
            self.0.metrics.waiting(class, waiting, oldest.map_or(TimeDelta::zero(), |since| now - since));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use store::Timestamp;

    use super::*;

    fn clock() -> Clock {
        Clock::manual(Timestamp::from_timestamp(1_900_000_000, 0).expect("an instant in 2030"))
    }

    fn entry(clock: &Clock, class: Class) -> Entry {
        Entry { organization: "acme".into(), id: Uuid::new_v4(), class, cost: 20_000, since: clock.now() }
    }

    fn queue(clock: &Clock, options: &Options) -> (FillQueue, prometheus::Registry) {
        let registry = prometheus::Registry::new();
        (FillQueue::new(options, clock.clone(), Metrics::new(&registry).expect("a new registry")), registry)
    }

    fn one_place() -> Options {
        Options { places: 1, ..Options::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_comes_when_the_one_before_is_dropped() {
        let clock = clock();
        let (queue, _) = queue(&clock, &one_place());
        queue.push(entry(&clock, Class::Low));
        queue.push(entry(&clock, Class::Low));
        let first = queue.turn().await;
        assert!(tokio::time::timeout(Duration::from_secs(3600), queue.turn()).await.is_err());
        let second = tokio::spawn({
            let queue = queue.clone();
            async move { queue.turn().await.entry.clone() }
        });
        tokio::task::yield_now().await;
        let id = first.entry.id;
        drop(first);
        assert_ne!(second.await.expect("a turn").id, id);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_turn_is_told_of_what_comes() {
        let clock = clock();
        let (queue, _) = queue(&clock, &Options { places: 3, ..Options::default() });
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { (queue.turn().await, queue.turn().await) }
        });
        tokio::task::yield_now().await;
        queue.push(entry(&clock, Class::Low));
        queue.push(entry(&clock, Class::High));
        let (first, second) = waiting.await.expect("two turns");
        assert_eq!((first.entry.class, second.entry.class), (Class::High, Class::Low));
    }

    #[test]
    fn a_reservation_ends_with_who_made_it_or_with_the_fill_that_comes() {
        let clock = clock();
        let (queue, _) = queue(&clock, &Options { waiting_each: 1, ..one_place() });
        let reservation = queue.reserve("acme", Uuid::new_v4()).expect("room");
        assert_eq!(queue.reserve("acme", Uuid::new_v4()).map(drop), Err(Full::OfOrganization(1)));
        drop(reservation);
        let fill = entry(&clock, Class::Low);
        let reservation = queue.reserve("acme", fill.id).expect("room");
        queue.push(fill);
        drop(reservation);
        assert!(queue.reserve("acme", Uuid::new_v4()).is_err(), "it waits now");
        drop(queue.try_turn().expect("its turn"));
        assert!(queue.reserve("acme", Uuid::new_v4()).is_ok());
    }

    #[test]
    fn what_waits_and_the_age_of_the_oldest_are_measured_by_class() {
        let clock = clock();
        let (queue, registry) = queue(&clock, &one_place());
        queue.push(entry(&clock, Class::Low));
        clock.advance(TimeDelta::seconds(7));
        queue.push(entry(&clock, Class::Low));
        queue.measure();
        let value = |name: &str, class: &str| {
            let families = registry.gather();
            let family = families.iter().find(|family| family.name() == name).expect("the metric");
            let of_class = family.get_metric().iter().find(|metric| metric.get_label()[0].value() == class);
            of_class.expect("the class").get_gauge().get_value()
        };
        assert_eq!((value("rubrica_fills_waiting", "low"), value("rubrica_fills_waiting", "high")), (2.0, 0.0));
        assert_eq!(value("rubrica_fills_oldest_seconds", "low"), 7.0);
    }
}
