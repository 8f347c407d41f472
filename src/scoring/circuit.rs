//! A provider that fails time after time is left alone for a while: its callers learn it at once instead of waiting, and it has time to
//! come back.
//!
//! A circuit is closed, opens after a number of failures in a row, and is half-open when its pause is over: then one question goes
//! through, and its end decides. Each organization has its own circuits; each server counts for itself.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actors::Clock;
use chrono::TimeDelta;
use parking_lot::Mutex;
use store::Timestamp;

use super::metrics::Metrics;

/// Maximum number of circuits that are remembered; only those with failures are.
const MAX_CIRCUITS: usize = 16 * 1024;

/// An organization and the name of a provider.
type Key = (String, &'static str);

#[derive(Clone, Copy, Default)]
struct Circuit {
    /// In a row.
    failures: u32,
    /// `Some`: it is open, or half-open from then on.
    open_until: Option<Timestamp>,
    /// While half-open: the one question is under way.
    probing: bool,
}

/// All circuits; a cheap handle.
#[derive(Clone)]
pub struct Circuits(Arc<Inner>);

struct Inner {
    circuits: Mutex<HashMap<Key, Circuit>>,
    failures: u32,
    pause: TimeDelta,
    clock: Clock,
    metrics: Metrics,
}

/// The right to ask once. Dropped without an end, it counts as a failure: nobody waited for the answer any longer.
pub struct Permit {
    circuits: Circuits,
    key: Key,
    ended: bool,
}

impl Circuits {
    /// Circuits that open after `failures` in a row, for `pause`.
    pub fn new(failures: u32, pause: TimeDelta, clock: Clock, metrics: Metrics) -> Self {
        Self(Arc::new(Inner { circuits: Mutex::default(), failures, pause, clock, metrics }))
    }

    /// # Errors
    /// How long it is not to be asked.
    pub fn enter(&self, organization: &str, provider: &'static str) -> Result<Permit, Duration> {
        let key = (organization.to_owned(), provider);
        let now = self.0.clock.now();
        if let Some(circuit) = self.0.circuits.lock().get_mut(&key)
            && let Some(until) = circuit.open_until
        {
            if now < until {
                return Err((until - now).to_std().unwrap_or_default());
            }
            if circuit.probing {
                return Err(self.0.pause.to_std().unwrap_or_default());
            }
            circuit.probing = true;
        }
        Ok(Permit { circuits: self.clone(), key, ended: false })
    }

    fn ended(&self, key: &Key, well: bool) {
        let inner = &self.0;
        let mut circuits = inner.circuits.lock();
        if well {
            if circuits.remove(key).is_some_and(|circuit| circuit.open_until.is_some()) {
                inner.metrics.circuit_closed(key.1);
                tracing::info!(organization = key.0, provider = key.1, "a provider is back");
            }
            return;
        }
        if circuits.len() >= MAX_CIRCUITS && !circuits.contains_key(key) {
            return;
        }
        let circuit = circuits.entry(key.clone()).or_default();
        circuit.failures = circuit.failures.saturating_add(1);
        circuit.probing = false;
        if circuit.failures < inner.failures {
            return;
        }
        if circuit.open_until.is_none() {
            inner.metrics.circuit_opened(key.1);
            tracing::warn!(organization = key.0, provider = key.1, failures = circuit.failures, "a provider is left alone");
        }
        circuit.open_until = Some(inner.clock.now() + inner.pause);
    }
}

impl Permit {
    /// The question had an end: `well` if the provider does its work, whatever it answered.
    pub fn end(mut self, well: bool) {
        self.ended = true;
        self.circuits.ended(&self.key, well);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if !self.ended {
            self.circuits.ended(&self.key, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn circuits() -> (Circuits, Clock) {
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        (Circuits::new(3, TimeDelta::seconds(30), clock.clone(), Metrics::default()), clock)
    }

    fn fail(circuits: &Circuits, times: usize) {
        (0..times).for_each(|_| circuits.enter("acme", "GOOGLE").unwrap_or_else(|_| panic!("it is open")).end(false));
    }

    fn wait(circuits: &Circuits) -> Option<u64> {
        match circuits.enter("acme", "GOOGLE") {
            Ok(permit) => {
                permit.end(true);
                None
            }
            Err(wait) => Some(wait.as_secs()),
        }
    }

    #[test]
    fn failures_in_a_row_open_it_for_one_organization_and_provider() {
        let (circuits, clock) = circuits();
        fail(&circuits, 2);
        assert_eq!(wait(&circuits), None, "a success between them starts anew");
        fail(&circuits, 3);
        assert_eq!(wait(&circuits), Some(30));
        clock.advance(TimeDelta::seconds(10));
        assert_eq!(wait(&circuits), Some(20));
        assert!(circuits.enter("other", "GOOGLE").is_ok() && circuits.enter("acme", "VERIDAS").is_ok());
        assert_eq!(circuits.0.metrics.open_circuits("GOOGLE"), 1);
    }

    #[test]
    fn after_its_pause_one_question_decides() {
        let (circuits, clock) = circuits();
        fail(&circuits, 3);
        clock.advance(TimeDelta::seconds(30));
        let probe = circuits.enter("acme", "GOOGLE").unwrap_or_else(|_| panic!("it is open"));
        assert_eq!(wait(&circuits), Some(30), "one at a time");
        probe.end(false);
        assert_eq!(wait(&circuits), Some(30));
        clock.advance(TimeDelta::seconds(30));
        assert_eq!(wait(&circuits), None);
        assert_eq!((wait(&circuits), circuits.0.metrics.open_circuits("GOOGLE")), (None, 0));
    }

    #[test]
    fn a_question_that_nobody_waits_for_any_longer_is_a_failure() {
        let (circuits, _) = circuits();
        (0..3).for_each(|_| drop(circuits.enter("acme", "GOOGLE")));
        assert_eq!(wait(&circuits), Some(30));
    }
}
