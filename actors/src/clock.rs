//! The one source of process time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Duration, Utc};
use store::Timestamp;
use tokio::sync::watch;

/// Process time: the system's, or a fixed one for tests; either can be moved forward.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None`: the system's clock.
    fixed: Option<Timestamp>,
    advanced_micros: AtomicI64,
    jumps: watch::Sender<()>,
}

impl Clock {
    pub fn system() -> Self {
        Self::new(None)
    }

    /// Stands still at `start` until it is advanced.
    pub fn manual(start: Timestamp) -> Self {
        Self::new(Some(start))
    }

    fn new(fixed: Option<Timestamp>) -> Self {
        Self(Arc::new(Inner { fixed, advanced_micros: AtomicI64::new(0), jumps: watch::Sender::new(()) }))
    }

    /// Now, in whole microseconds as the stores keep them.
    pub fn now(&self) -> Timestamp {
        let base = self.0.fixed.unwrap_or_else(Utc::now);
        let micros = base.timestamp_micros().saturating_add(self.0.advanced_micros.load(Ordering::Acquire));
        DateTime::from_timestamp_micros(micros).unwrap_or(base)
    }

    /// How far this clock is ahead of its base.
    pub fn advanced(&self) -> Duration {
        Duration::microseconds(self.0.advanced_micros.load(Ordering::Acquire))
    }

    /// Moves time forward and wakes who waits for it. A negative duration is ignored: time never runs back.
    pub fn advance(&self, by: Duration) {
        let micros = by.num_microseconds().unwrap_or(0).max(0);
        let add = |ahead: i64| Some(ahead.saturating_add(micros));
        let _ = self.0.advanced_micros.fetch_update(Ordering::AcqRel, Ordering::Acquire, add);
        self.0.jumps.send_replace(());
    }

    /// Sees every jump from now on, also one that happens while nobody waits for it.
    pub fn jumps(&self) -> watch::Receiver<()> {
        self.0.jumps.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_advanced_and_never_runs_back() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Clock::manual(start);
        let jumps = clock.jumps();
        assert_eq!((clock.now(), clock.now()), (start, start));
        clock.advance(Duration::hours(2));
        clock.advance(Duration::hours(-1));
        assert_eq!(clock.now(), start + Duration::hours(2));
        assert_eq!(clock.advanced(), Duration::hours(2));
        assert!(jumps.has_changed().unwrap());
    }

    #[test]
    fn the_clock_stops_rather_than_overflows() {
        let clock = Clock::manual(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        (0..4).for_each(|_| clock.advance(Duration::microseconds(i64::MAX)));
        assert!(clock.now() >= DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    }
}
