//! Where the sandbox has moved process time, kept in the store, so that every server on it follows.

use std::{sync::Arc, time::Duration};

use actors::Clock;
use chrono::{TimeDelta, Utc};
use parking_lot::Mutex;
use store::{PutOutcome, RecordKey, Store, resolve_unknown_put};

/// Between two looks at where another server has moved time.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// Tries to move time while others move it, too.
const ATTEMPTS: usize = 8;

/// How far the sandbox has moved process time; kept, as processes remember the times that they have seen.
#[derive(Clone)]
pub struct Offset {
    store: Arc<dyn Store>,
    /// Held while this server's clock is compared and moved.
    moving: Arc<Mutex<()>>,
}

impl Offset {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, moving: Arc::default() }
    }

    fn key() -> RecordKey {
        RecordKey::new("_sandbox", "clock", "offset")
    }

    async fn read(&self) -> Result<(u64, i64), store::Error> {
        let Some(record) = self.store.get(&Self::key()).await? else { return Ok((0, 0)) };
        let micros = std::str::from_utf8(&record.body).ok().and_then(|text| text.parse().ok());
        let micros = micros.ok_or_else(|| store::Error::Corrupt("the sandbox clock's offset".into()))?;
        Ok((record.version, micros))
    }

    /// Brings a clock to where the sandbox has moved time.
    ///
    /// # Errors
    /// If what is kept cannot be read.
    pub async fn restore(&self, clock: &Clock) -> Result<(), store::Error> {
        let (_, micros) = self.read().await?;
        self.bring(clock, micros);
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
    pub async fn advance(&self, clock: &Clock, by: TimeDelta) -> Result<(), store::Error> {
        for _ in 0..ATTEMPTS {
            let (version, micros) = self.read().await?;
            let ahead = micros.saturating_add(by.num_microseconds().unwrap_or(i64::MAX));
            let (at, body) = (Utc::now(), ahead.to_string().into_bytes());
            let put = match self.store.put_if(&Self::key(), version, at, body.clone()).await? {
                PutOutcome::Unknown => resolve_unknown_put(self.store.as_ref(), &Self::key(), version, at, &body).await,
                known => known,
            };
            match put {
                PutOutcome::Applied => {
                    self.bring(clock, ahead);
                    return Ok(());
                }
                PutOutcome::Conflict { .. } => {}
                PutOutcome::Unknown => break,
            }
        }
        Err(store::Error::Unavailable("the clock could not be moved".into()))
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
