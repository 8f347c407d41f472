//! Performing what machines ask of the world: at least once, with back-off, and never forever.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use store::{Entity, Timestamp};
use workflows::Machine;

use crate::journal::EffectId;

/// One attempt of one effect.
#[derive(Clone, Debug)]
pub struct Call<M: Machine> {
    pub entity: Entity,
    pub id: EffectId,
    /// From 1.
    pub attempt: u32,
    pub effect: M::Effect,
    /// The state when the attempt began.
    pub state: Arc<M>,
    pub now: Timestamp,
}

impl<M: Machine> Call<M> {
    /// The same for every attempt: receivers drop what they saw before.
    pub fn idempotency_key(&self) -> String {
        format!("{}/{}", self.entity.id, self.id)
    }
}

/// How an attempt ended.
#[derive(Clone, Debug)]
pub enum Attempt<M: Machine> {
    /// Performed; the command brings the result to the machine.
    Done(Option<M::Command>),
    /// Certainly not performed; trying again may help, not before `after` if it is given.
    Retry { reason: String, after: Option<Duration> },
    /// Certainly not performed, and trying again will not help.
    Refused { reason: String },
    /// Perhaps performed. Repeated only where that is harmless.
    Unknown { reason: String },
}

/// The adapter that performs a machine's effects.
#[async_trait]
pub trait Effects<M: Machine>: Send + Sync + 'static {
    /// One attempt. May be cut off after [`crate::Options::effect_timeout`].
    async fn perform(&self, call: Call<M>) -> Attempt<M>;

    /// Whether performing it twice is the same as once. What is not repeatable is journaled before each attempt, and an
    /// attempt with an unknown end is its last.
    fn repeatable(&self, entity: &Entity, effect: &M::Effect, state: &M) -> bool;

    /// Whether the answer to the command waits for the first attempt, so that a caller reads across processes what
    /// it has just written. Only for effects that are [repeatable](Self::repeatable): others never hold an answer up.
    fn before_answer(&self, effect: &M::Effect) -> bool;

    /// What this server has just journaled made `before` into `after`: for measures, which a crash may lose. Must not block.
    fn changed(&self, _entity: &Entity, _before: &M, _after: &M) {}
}

/// Exponential back-off with jitter and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backoff {
    pub first: Duration,
    pub maximum: Duration,
    /// Attempts in all, at least 1.
    pub attempts: u32,
}

impl Default for Backoff {
    /// Twenty attempts over about six hours.
    fn default() -> Self {
        Self { first: Duration::from_secs(1), maximum: Duration::from_secs(3600), attempts: 20 }
    }
}

impl Backoff {
    /// The wait after the failed attempt `number`, between half and the whole of the doubled step. The jitter comes
    /// from the key, so that the same journal gives the same times.
    pub fn wait(&self, key: &str, number: u32) -> Duration {
        let step = self.first.saturating_mul(1 << number.saturating_sub(1).min(20)).min(self.maximum);
        let hash = key
            .bytes()
            .chain(number.to_be_bytes())
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        step.mul_f64(0.5 + (hash >> 11) as f64 / (1_u64 << 54) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_maximum_and_keep_their_jitter_within_half() {
        let backoff = Backoff { first: Duration::from_secs(1), maximum: Duration::from_secs(60), attempts: 9 };
        for (number, step) in [(1, 1), (2, 2), (3, 4), (7, 60), (40, 60)] {
            for key in ["a/1.0", "b/1.0", "c/7.1"] {
                let wait = backoff.wait(key, number);
                let step = Duration::from_secs(step);
                assert!(wait >= step / 2 && wait <= step, "{number}: {wait:?}");
            }
        }
        assert_ne!(backoff.wait("a/1.0", 3), backoff.wait("b/1.0", 3));
        assert_eq!(backoff.wait("a/1.0", 3), backoff.wait("a/1.0", 3));
    }
}
