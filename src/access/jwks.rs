//! An issuer's set of public keys (JWKS, RFC 7517), kept fresh.
//!
//! The set is fetched at the start, or when first needed, and again when it is older than the refresh interval; a token that names an unknown key
//! asks for it once more, as issuers change keys without notice. One request fetches at a time; the others go on with the set
//! that is there, or wait where there is none. Failures back off, and leave the set in use for a day beyond its interval. So
//! neither an issuer that is down nor a stranger with made-up key names costs more than a fetch now and then.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use super::Error;
use super::fetch::Fetch;
use super::jwt::{Algorithm, Key};
use super::key_set;

/// Maximum number of keys that are tried for a token that names none.
const MAX_TRIED: usize = 4;

/// Shortest time between two fetches that tokens with unknown key names cause.
const UNKNOWN_KEY_INTERVAL: TimeDelta = TimeDelta::seconds(30);

/// First and longest pause after a failed fetch; it doubles in between.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(1);
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(5);

/// How long a set stays in use when it cannot be fetched any more, beyond its refresh interval.
const GRACE: TimeDelta = TimeDelta::hours(24);

#[derive(Clone, Copy)]
pub(super) struct Policy {
    pub(super) refresh_interval: TimeDelta,
}

pub(super) struct RemoteKeys {
    issuer: String,
    fetch: Arc<dyn Fetch>,
    policy: Policy,
    state: Mutex<State>,
    /// Held by the one request that fetches.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    keys: Arc<Vec<Arc<Key>>>,
    fetched_at: Option<DateTime<Utc>>,
    attempted_at: Option<DateTime<Utc>>,
    /// Attempts since the last success, an attempt under way included.
    failures: u32,
    /// Counts the sets that were fetched.
    generation: u64,
}

impl RemoteKeys {
    pub(super) fn new(issuer: String, fetch: Arc<dyn Fetch>, policy: Policy) -> Self {
        Self { issuer, fetch, policy, state: Mutex::default(), fetching: tokio::sync::Mutex::new(()) }
    }

    /// The keys that may have signed a token: the one it names, or, if it names none, the first few for its algorithm.
    pub(super) async fn find(&self, algorithm: Algorithm, id: Option<&str>, now: DateTime<Utc>) -> Result<Vec<Arc<Key>>, Error> {
        self.refresh_when_due(now).await;
        let state = self.usable(now)?;
        let found = state.matching(algorithm, id);
        if !found.is_empty() || id.is_none() {
            return Ok(found);
        }
        if state.knows(id) {
            return Err(Error::Algorithm);
        }
        self.refresh_for_unknown_key(state.generation, now).await;
        Ok(self.usable(now)?.matching(algorithm, id))
    }

    fn usable(&self, now: DateTime<Utc>) -> Result<State, Error> {
        let state = self.state.lock().clone();
        if state.is_usable(&self.policy, now) { Ok(state) } else { Err(Error::KeysUnavailable) }
    }

    /// Fetches the set if it is time to; waits only where there is no set to go on with.
    pub(super) async fn refresh_when_due(&self, now: DateTime<Utc>) {
        let (is_due, is_usable) = {
            let state = self.state.lock();
            (state.is_due(&self.policy, now), state.is_usable(&self.policy, now))
        };
        let _fetching = match is_usable {
            true if !is_due => return,
            true => match self.fetching.try_lock() {
                Ok(fetching) => fetching,
                Err(_) => return,
            },
            // Nothing to go on with: waits for a fetch under way. Where there is none, this does not wait.
            false => self.fetching.lock().await,
        };
        let is_still_due = self.state.lock().is_due(&self.policy, now);
        if is_still_due {
            self.refresh(now).await;
        }
    }

    async fn refresh_for_unknown_key(&self, generation: u64, now: DateTime<Utc>) {
        // Waits for a fetch under way, whose set may have the key.
        let _fetching = self.fetching.lock().await;
        let may_fetch = {
            let state = self.state.lock();
            state.generation == generation && has_passed(state.attempted_at, UNKNOWN_KEY_INTERVAL, now) && state.has_paused(now)
        };
        if may_fetch {
            self.refresh(now).await;
        }
    }

    /// Fetches the set; `fetching` is held. Counts as failed until it succeeds, as a caller that goes away ends it half-way.
    async fn refresh(&self, now: DateTime<Utc>) {
        {
            let mut state = self.state.lock();
            state.attempted_at = Some(now);
            state.failures = state.failures.saturating_add(1);
        }
        let fetched = self.fetch.fetch().await.and_then(|body| key_set::read(&body));
        match fetched {
            Ok(keys) => {
                let mut state = self.state.lock();
                tracing::debug!(issuer = self.issuer, keys = keys.len(), "fetched the keys of an issuer");
                state.keys = Arc::new(keys);
                state.fetched_at = Some(now);
                state.failures = 0;
                state.generation += 1;
            }
            Err(error) => tracing::warn!(issuer = self.issuer, error, "the keys of an issuer cannot be fetched"),
        }
    }
}

impl State {
    fn is_due(&self, policy: &Policy, now: DateTime<Utc>) -> bool {
        has_passed(self.fetched_at, policy.refresh_interval, now) && self.has_paused(now)
    }

    fn is_usable(&self, policy: &Policy, now: DateTime<Utc>) -> bool {
        self.fetched_at.is_some_and(|fetched_at| now - fetched_at < policy.refresh_interval + GRACE)
    }

    /// Whether the pause after the last failures is over.
    fn has_paused(&self, now: DateTime<Utc>) -> bool {
        if self.failures == 0 {
            return true;
        }
        let doubled = 1 << (self.failures - 1).min(16);
        has_passed(self.attempted_at, (FIRST_PAUSE * doubled).min(LONGEST_PAUSE), now)
    }

    fn knows(&self, id: Option<&str>) -> bool {
        self.keys.iter().any(|key| key.id.as_deref() == id)
    }

    fn matching(&self, algorithm: Algorithm, id: Option<&str>) -> Vec<Arc<Key>> {
        let fitting = self.keys.iter().filter(|key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id));
        fitting.take(MAX_TRIED).cloned().collect()
    }
}

/// Whether a span has passed since an instant. A clock that was set back must not hold things up: then it has.
fn has_passed(since: Option<DateTime<Utc>>, span: TimeDelta, now: DateTime<Utc>) -> bool {
    since.is_none_or(|since| now < since || now - since >= span)
}
