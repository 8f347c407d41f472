//! The one source of process time.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use chrono::{DateTime, Duration, Utc};
use store::Timestamp;
use tokio::sync::Notify;

/// Process time: the system's, or a fixed one for tests; either can be moved forward.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// `None`: the system's clock.
    fixed: Option<Timestamp>,
    advanced_micros: AtomicI64,
    jumped: Notify,
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
        Self(Arc::new(Inner { fixed, advanced_micros: AtomicI64::new(0), jumped: Notify::new() }))
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
        self.0.advanced_micros.fetch_add(micros, Ordering::AcqRel);
        self.0.jumped.notify_waiters();
    }

    /// Waits for the next jump.
    pub(crate) async fn jumped(&self) {
        self.0.jumped.notified().await;
    }
}

