//! An authority that fails time after time is left alone for a while: a seal goes on to the next one at once instead of waiting for it.
//!
//! Closed, it opens after a number of failures in a row; when its pause is over it is half open: one question goes through, and its end
//! decides. Each server counts for itself.

use std::time::Duration;

use actors::Clock;
use chrono::TimeDelta;
use parking_lot::Mutex;
use store::Timestamp;

use super::metrics::Metrics;

/// How a breaker stands, as the metric shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Closed = 0,
    Open = 1,
    HalfOpen = 2,
}

#[derive(Default)]
struct State {
    /// In a row.
    failures: u32,
    /// `Some`: it is open, or half open from then on.
    open_until: Option<Timestamp>,
    /// While half open: the one question is under way.
    is_probing: bool,
}

/// The breaker of one authority.
pub struct Breaker {
    name: String,
    state: Mutex<State>,
    failures: u32,
    pause: TimeDelta,
    clock: Clock,
    metrics: Metrics,
}

/// The right to ask once. Dropped without an end, it counts as a failure: nobody waited for the answer any longer.
pub struct Permit<'a> {
    breaker: &'a Breaker,
    has_ended: bool,
}

impl Breaker {
    /// One that opens after `failures` in a row, for `pause`.
    pub fn new(name: String, failures: u32, pause: TimeDelta, clock: Clock, metrics: Metrics) -> Self {
        metrics.stands(&name, Standing::Closed);
        Self { name, state: Mutex::default(), failures, pause, clock, metrics }
    }

    /// For how long nothing is asked; `None` if something may be.
    pub fn pause(&self) -> Option<Duration> {
        self.pause_of(&self.state.lock())
    }

    fn pause_of(&self, state: &State) -> Option<Duration> {
        let now = self.clock.now();
        match state.open_until? {
            until if now < until => Some((until - now).to_std().unwrap_or_default()),
            _ if state.is_probing => Some(self.pause.to_std().unwrap_or_default()),
            _ => None,
        }
    }

    /// # Errors
    /// How long it is not to be asked.
    pub fn enter(&self) -> Result<Permit<'_>, Duration> {
        let mut state = self.state.lock();
        if let Some(pause) = self.pause_of(&state) {
            return Err(pause);
        }
        if state.open_until.is_some() {
            state.is_probing = true;
            self.metrics.stands(&self.name, Standing::HalfOpen);
        }
        Ok(Permit { breaker: self, has_ended: false })
    }

    fn ended(&self, well: bool) {
        let mut state = self.state.lock();
        if well {
            if state.open_until.is_some() {
                tracing::info!(authority = self.name, "an authority is back");
            }
            *state = State::default();
            self.metrics.stands(&self.name, Standing::Closed);
            return;
        }
        state.failures = state.failures.saturating_add(1);
        state.is_probing = false;
        if state.failures < self.failures {
            return;
        }
        if state.open_until.is_none() {
            tracing::warn!(authority = self.name, failures = state.failures, "an authority is left alone");
        }
        state.open_until = Some(self.clock.now() + self.pause);
        self.metrics.stands(&self.name, Standing::Open);
    }
}

impl Permit<'_> {
    /// The question had an end: `well` if it had the answer that was asked for.
    pub fn end(mut self, well: bool) {
        self.has_ended = true;
        self.breaker.ended(well);
    }

    /// Nothing was asked: the breaker stands as before.
    pub fn withdraw(mut self) {
        self.has_ended = true;
        let mut state = self.breaker.state.lock();
        if state.open_until.is_some() {
            state.is_probing = false;
            self.breaker.metrics.stands(&self.breaker.name, Standing::Open);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.breaker.ended(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn breaker() -> (Breaker, Clock, Metrics) {
        let clock = Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let metrics = Metrics::default();
        let breaker = Breaker::new("first".into(), 3, TimeDelta::seconds(30), clock.clone(), metrics.clone());
        (breaker, clock, metrics)
    }

    fn fail(breaker: &Breaker, times: usize) {
        (0..times).for_each(|_| breaker.enter().unwrap_or_else(|_| panic!("it is open")).end(false));
    }

    fn succeed(breaker: &Breaker) {
        breaker.enter().unwrap_or_else(|_| panic!("it is open")).end(true);
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_starts_anew() {
        let (breaker, clock, metrics) = breaker();
        fail(&breaker, 2);
        succeed(&breaker);
        fail(&breaker, 2);
        assert_eq!((breaker.pause(), metrics.standing("first")), (None, Standing::Closed as i64));
        fail(&breaker, 1);
        assert_eq!((breaker.pause(), metrics.standing("first")), (Some(Duration::from_secs(30)), Standing::Open as i64));
        clock.advance(TimeDelta::seconds(10));
        assert_eq!(breaker.enter().err(), Some(Duration::from_secs(20)));
    }

    #[test]
    fn after_its_pause_one_question_decides() {
        let (breaker, clock, metrics) = breaker();
        fail(&breaker, 3);
        clock.advance(TimeDelta::seconds(30));
        let probe = breaker.enter().unwrap_or_else(|_| panic!("it is open"));
        assert_eq!(metrics.standing("first"), Standing::HalfOpen as i64);
        assert!(breaker.enter().is_err() && breaker.pause().is_some(), "one at a time");
        probe.end(false);
        assert_eq!((breaker.pause(), metrics.standing("first")), (Some(Duration::from_secs(30)), Standing::Open as i64));
        clock.advance(TimeDelta::seconds(30));
        succeed(&breaker);
        assert_eq!((breaker.pause(), metrics.standing("first")), (None, Standing::Closed as i64));
    }

    #[test]
    fn a_question_that_nobody_waits_for_any_longer_is_a_failure() {
        let (breaker, ..) = breaker();
        (0..3).for_each(|_| drop(breaker.enter()));
        assert!(breaker.pause().is_some());
    }

    #[test]
    fn a_question_that_was_not_asked_decides_nothing() {
        let (breaker, clock, metrics) = breaker();
        let withdraw = || breaker.enter().unwrap_or_else(|_| panic!("it is open")).withdraw();
        (0..9).for_each(|_| withdraw());
        assert_eq!(breaker.pause(), None);
        fail(&breaker, 3);
        clock.advance(TimeDelta::seconds(30));
        withdraw();
        assert_eq!((breaker.pause(), metrics.standing("first")), (None, Standing::Open as i64));
        succeed(&breaker);
        assert_eq!(metrics.standing("first"), Standing::Closed as i64);
    }
}
