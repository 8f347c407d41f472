//! Counting over all servers that share a store: one record per destination, and one per organization, of which each server takes a
//! share at a time, so that a busy organization does not meet itself at that record with every code.
//!
//! Windows begin at the same moments for all: the clocks of the servers, not the first code, decide.

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{PutOutcome, RecordKey, Store, Timestamp};

use super::{HOUR, MAX_COUNTED, MINUTE, Options, Refused};

const COLLECTION: &str = "_code_count";

/// Tries against other servers that count at the same moment.
const ATTEMPTS: usize = 8;

/// More than the clocks of servers differ that are kept at all.
const CLOCKS: Duration = Duration::from_secs(300);

/// An organization's bound is taken in so many shares at least.
const SHARES: u32 = 16;

/// What was counted; a record keeps the last window only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    /// Number of the window since 1970.
    window: u64,
    taken: u32,
}

/// What this server has taken and not yet used.
#[derive(Clone, Copy, Default)]
struct Share {
    window: u64,
    left: u32,
}

pub(super) struct Shared {
    store: Arc<dyn Store>,
    /// Destinations are people's: their records do not name them.
    key: hmac::Key,
    shares: Mutex<HashMap<String, Share>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared(..)")
    }
}

impl Shared {
    pub fn new(store: Arc<dyn Store>, key: &[u8]) -> Self {
        Self { store, key: hmac::Key::new(hmac::HMAC_SHA256, key), shares: Mutex::default() }
    }

    pub async fn admit(&self, options: &Options, organization: &str, destination: &str, now: Timestamp) -> Result<(), Refused> {
        let Options { per_destination_and_hour, per_organization_and_minute } = *options;
        if per_destination_and_hour > 0 {
            let tag = hmac::sign(&self.key, destination.as_bytes());
            let name: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            self.take(organization, name, HOUR, per_destination_and_hour, 1, now).await?;
        }
        if per_organization_and_minute > 0 {
            self.use_share(organization, per_organization_and_minute, now).await?;
        }
        Ok(())
    }

    async fn use_share(&self, organization: &str, bound: u32, now: Timestamp) -> Result<(), Refused> {
        let window = window(now, MINUTE);
        {
            let mut shares = self.shares.lock();
            let share = shares.get_mut(organization).filter(|share| share.window == window && share.left > 0);
            if let Some(share) = share {
                share.left -= 1;
                return Ok(());
            }
        }
        let taken = self.take(organization, "organization".into(), MINUTE, bound, bound.div_ceil(SHARES), now).await?;
        let mut shares = self.shares.lock();
        if shares.len() >= MAX_COUNTED && !shares.contains_key(organization) {
            shares.retain(|_, share| share.window == window);
        }
        if shares.len() < MAX_COUNTED {
            let share = shares.entry(organization.to_owned()).or_default();
            // Another code of this organization may have taken a share meanwhile.
            let left = if share.window == window { share.left } else { 0 };
            *share = Share { window, left: left + taken - 1 };
        }
        Ok(())
    }

    /// Takes up to `wanted`, at least one, of what the bound leaves in this window.
    async fn take(
        &self,
        organization: &str,
        name: String,
        length: Duration,
        bound: u32,
        wanted: u32,
        now: Timestamp,
    ) -> Result<u32, Refused> {
        let key = RecordKey::new(organization, COLLECTION, name);
        for _ in 0..ATTEMPTS {
            let current = self.store.get(&key).await?;
            let version = current.as_ref().map_or(0, |record| record.version);
            // What cannot be read starts anew: a bound is no reason to send nobody a code any more.
            let count: Count = current.and_then(|record| serde_json::from_slice(&record.body).ok()).unwrap_or_default();
            // A server whose clock is ahead may have opened a later window; one that is far off must not bind the others for so long.
            let own = window(now, length);
            let latest = own + 1 + CLOCKS.as_secs() / length.as_secs();
            let window = if (own..=latest).contains(&count.window) { count.window } else { own };
            let before = if count.window == window { count.taken } else { 0 };
            let taken = wanted.min(bound.saturating_sub(before));
            if taken == 0 {
                return Err(Refused::Over(until_next(now, length)));
            }
            let after = Count { window, taken: before + taken };
            let body = serde_json::to_vec(&after).unwrap_or_default();
            match self.store.put_if(&key, version, now, body).await? {
                // Counted twice at worst.
                PutOutcome::Applied | PutOutcome::Unknown => return Ok(taken),
                PutOutcome::Conflict { .. } => {}
            }
        }
        Err(Refused::Contended)
    }
}

fn window(now: Timestamp, length: Duration) -> u64 {
    u64::try_from(now.timestamp()).unwrap_or(0) / length.as_secs()
}

fn until_next(now: Timestamp, length: Duration) -> Duration {
    let length = length.as_secs();
    Duration::from_secs(length - u64::try_from(now.timestamp()).unwrap_or(0) % length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};
    use store::model::Model;

    /// At the begin of an hour.
    fn start() -> Timestamp {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn servers(count: usize) -> (Arc<Model>, Vec<Shared>) {
        let store = Arc::new(Model::new());
        let servers = (0..count).map(|_| Shared::new(store.clone(), b"key")).collect();
        (store, servers)
    }

    #[tokio::test]
    async fn a_destination_gets_its_bound_from_all_servers_together() {
        let (store, servers) = servers(3);
        let options = Options { per_destination_and_hour: 2, per_organization_and_minute: 0 };
        let admit = |server: usize, to: &'static str, at: Timestamp| servers[server].admit(&options, "acme", to, at);
        assert!(admit(0, "+34600111222", start()).await.is_ok() && admit(1, "+34600111222", start()).await.is_ok());
        let later = start() + TimeDelta::minutes(50);
        let Err(Refused::Over(wait)) = admit(2, "+34600111222", later).await else { panic!("not refused") };
        assert_eq!(wait, Duration::from_secs(600));
        assert!(admit(2, "+34600111223", later).await.is_ok());
        assert!(admit(2, "+34600111222", start() + TimeDelta::hours(1)).await.is_ok());
        let keys = store.record_keys(None, 10).await.unwrap();
        assert!(keys.len() == 2 && keys.iter().all(|key| !key.key.contains("600111")), "{keys:?}");
    }

    #[tokio::test]
    async fn a_server_whose_clock_is_far_ahead_takes_nothing_from_the_others() {
        let (_store, servers) = servers(2);
        let options = Options { per_destination_and_hour: 1, per_organization_and_minute: 0 };
        let admit = |server: usize, at: Timestamp| servers[server].admit(&options, "acme", "a", at);
        assert!(admit(0, start() + TimeDelta::days(365)).await.is_ok());
        assert!(admit(1, start()).await.is_ok());
        assert!(matches!(admit(1, start()).await, Err(Refused::Over(_))));
        // One that is a little ahead opens the next window for all.
        assert!(admit(0, start() + TimeDelta::hours(1)).await.is_ok());
        assert!(matches!(admit(1, start() + TimeDelta::minutes(59)).await, Err(Refused::Over(_))));
    }

    #[tokio::test]
    async fn an_organization_gets_at_most_its_bound_and_nearly_all_of_it() {
        let (_store, servers) = servers(3);
        let options = Options { per_destination_and_hour: 0, per_organization_and_minute: 160 };
        let mut admitted = 0;
        for number in 0..600 {
            let answer = servers[number % 3].admit(&options, "acme", "a", start()).await;
            admitted += u32::from(answer.is_ok());
        }
        assert_eq!(admitted, 160);
        assert!(servers[0].admit(&options, "other", "a", start()).await.is_ok());
        assert!(servers[0].admit(&options, "acme", "a", start() + TimeDelta::minutes(1)).await.is_ok());
    }
}
