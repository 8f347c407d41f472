//! Where the sandbox has moved process time, kept in the store, so that every server on it follows.

use std::{sync::Arc, time::Duration};

use actors::Clock;
use chrono::{TimeDelta, Utc};
use parking_lot::Mutex;
use store::{RecordKey, Store};

use crate::records::{self, Records, Versioned};

/// Between two looks at where another server has moved time.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// How far the sandbox has moved process time; kept, as processes remember the times that they have seen.
#[derive(Clone)]
pub struct Offset {
    records: Records,
    /// Held while this server's clock is compared and moved.
    moving: Arc<Mutex<()>>,
}

impl Offset {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store), moving: Arc::default() }
    }

    fn key() -> RecordKey {
        RecordKey::new("_sandbox", "clock", "offset")
    }

    /// Brings a clock to where the sandbox has moved time.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub async fn restore(&self, clock: &Clock) -> Result<(), records::Error> {
        let kept = self.records.get::<i64>(&Self::key()).await?;
        self.bring(clock, kept.map_or(0, |kept| kept.value));
        Ok(())
    }

    /// Brings a clock to where other servers move time, each second, for ever.
    pub async fn follow(self, clock: Clock) {
        let mut every = tokio::time::interval(FOLLOW_EVERY);
        loop {
            every.tick().await;
            if let Err(error) = self.restore(&clock).await {
                tracing::debug!(%error, "where the sandbox has moved time could not be read");
            }
        }
    }

    /// Moves time, and a clock with it once that is kept.
    ///
    /// # Errors
    /// If it could not be kept; the clock then stands where it stood.
    pub async fn advance(&self, clock: &Clock, by: TimeDelta) -> Result<(), records::Error> {
        let by = by.num_microseconds().unwrap_or(i64::MAX);
        let further = |current: Option<Versioned<i64>>| {
            Ok::<_, records::Error>(Some(current.map_or(0, |current| current.value).saturating_add(by)))
        };
        if let Some(ahead) = self.records.update(&Self::key(), Utc::now(), further).await? {
            self.bring(clock, ahead);
        }
        Ok(())
    }

    fn bring(&self, clock: &Clock, ahead: i64) {
        let _moving = self.moving.lock();
        let missing = TimeDelta::microseconds(ahead) - clock.advanced();
        if missing > TimeDelta::zero() {
            clock.advance(missing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use store::model::Model;

    #[tokio::test]
    async fn servers_on_one_store_move_time_together() {
        let store = Arc::new(Model::new());
        let (one, other) = (Offset::new(store.clone()), Offset::new(store));
        let (clock, far) = (Clock::system(), Clock::system());
        let hour = TimeDelta::hours(1);
        one.advance(&clock, hour).await.unwrap();
        other.advance(&far, hour).await.unwrap();
        assert_eq!((clock.advanced(), far.advanced()), (hour, hour * 2), "what the first one moved is counted, too");
        for _ in 0..2 {
            one.restore(&clock).await.unwrap();
            assert_eq!(clock.advanced(), hour * 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_follows_within_a_second() {
        let store = Arc::new(Model::new());
        let (one, other) = (Offset::new(store.clone()), Offset::new(store));
        let (clock, far) = (Clock::system(), Clock::system());
        let following = tokio::spawn(other.follow(far.clone()));
        one.advance(&clock, TimeDelta::hours(1)).await.unwrap();
        for _ in 0..30 {
            if far.advanced() == TimeDelta::hours(1) {
                break;
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(far.advanced(), TimeDelta::hours(1));
        following.abort();
    }
}
