//! Where the sandbox has moved process time, kept in the store.

use std::sync::Arc;

use actors::Clock;
use chrono::{TimeDelta, Utc};
use store::{PutOutcome, RecordKey, Store};

/// How far the sandbox has moved process time; kept, as processes remember the times that they have seen.
#[derive(Clone)]
pub struct Offset(Arc<dyn Store>);

impl Offset {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    fn key() -> RecordKey {
        RecordKey::new("_sandbox", "clock", "offset")
    }

    async fn read(&self) -> Result<(u64, i64), store::Error> {
        let Some(record) = self.0.get(&Self::key()).await? else { return Ok((0, 0)) };
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
        clock.advance(TimeDelta::microseconds(micros));
        Ok(())
    }

    /// Moves a clock, once that is kept.
    ///
    /// # Errors
    /// If it could not be kept; the clock then stands where it stood.
    pub async fn advance(&self, clock: &Clock, by: TimeDelta) -> Result<(), store::Error> {
        for _ in 0..8 {
            let (version, micros) = self.read().await?;
            let ahead = micros.saturating_add(by.num_microseconds().unwrap_or(i64::MAX));
            match self.0.put_if(&Self::key(), version, Utc::now(), ahead.to_string().into_bytes()).await? {
                PutOutcome::Applied => {
                    clock.advance(by);
                    return Ok(());
                }
                PutOutcome::Conflict { .. } => {}
                PutOutcome::Unknown => break,
            }
        }
        Err(store::Error::Unavailable("the clock could not be moved".into()))
    }
}
