//! How many codes go out: to one destination per hour, and for one organization per minute (OWASP ASVS 5.0, 6.6).
//!
//! One count per destination, and one per organization, of which each server takes a share at a time, so that a busy organization does not
//! meet itself at that count with every code. Windows begin at the same moments for all: the clocks of the servers, not the first code,
//! decide. Servers that share a store count together in its records. A server by itself counts in memory by the same rule: it would pay a
//! second durable write for each code, beside that of the journal, and a restart is all that this would guard against. The bounds of each
//! identification (its codes, tries and waits) are in its journal and outlast restarts.

mod counts;

use std::{collections::HashMap, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use chrono::Utc;
use data_encoding::HEXLOWER;
use parking_lot::Mutex;
use store::{RecordKey, Store, Timestamp};

use self::counts::{Count, Counts, MAX_COUNTED};
use crate::{keys::Keys, records};

const COLLECTION: &str = "_code_count";

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// More than the clocks of servers differ that are kept at all.
const CLOCKS: Duration = Duration::from_secs(300);

/// An organization's bound is taken in so many shares at least.
const SHARES: u32 = 16;

/// Bounds of the codes; 0 is no bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub per_destination_and_hour: u32,
    pub per_organization_and_minute: u32,
}

/// Why a code is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Over a bound for so long.
    #[error("too many codes were asked for; try again later")]
    Over(Duration),
    /// Too many counted at once.
    #[error("too many codes are asked for at once")]
    Contended,
    /// It could not be counted.
    #[error(transparent)]
    Records(records::Error),
}

impl From<records::Error> for Error {
    fn from(error: records::Error) -> Self {
        match error {
            records::Error::Contended(_) => Self::Contended,
            other => Self::Records(other),
        }
    }
}

/// What this server has taken of an organization's bound and not yet used.
#[derive(Clone, Copy, Default)]
struct Share {
    window: u64,
    left: u32,
}

/// Counts codes in fixed windows.
pub struct CodeLimits {
    options: Options,
    counts: Counts,
    /// Destinations are people's: their counts do not name them.
    key: hmac::Key,
    shares: Mutex<HashMap<String, Share>>,
}

impl CodeLimits {
    /// Counts by itself, in memory.
    pub fn new(options: Options, keys: &Keys) -> Self {
        Self::with(options, Counts::in_memory(), keys)
    }

    /// Counts together with the other servers on this store.
    pub fn shared(options: Options, store: Arc<dyn Store>, keys: &Keys) -> Self {
        Self::with(options, Counts::in_store(store), keys)
    }

    fn with(options: Options, counts: Counts, keys: &Keys) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive("code-count/v1"));
        Self { options, counts, key, shares: Mutex::default() }
    }

    /// Counts one code.
    ///
    /// # Errors
    /// [`Error`] over a bound, or when it cannot be counted.
    pub async fn admit(&self, organization: &str, destination: &str) -> Result<(), Error> {
        self.admit_at(organization, destination, Utc::now()).await
    }

    async fn admit_at(&self, organization: &str, destination: &str, now: Timestamp) -> Result<(), Error> {
        let Options { per_destination_and_hour, per_organization_and_minute } = self.options;
        if per_destination_and_hour > 0 {
            let tag = hmac::sign(&self.key, destination.as_bytes());
            let name = HEXLOWER.encode(tag.as_ref());
            self.take(organization, name, HOUR, per_destination_and_hour, 1, now).await?;
        }
        if per_organization_and_minute > 0 {
            self.use_share(organization, per_organization_and_minute, now).await?;
        }
        Ok(())
    }

    async fn use_share(&self, organization: &str, bound: u32, now: Timestamp) -> Result<(), Error> {
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
    ) -> Result<u32, Error> {
        let key = RecordKey::new(organization, COLLECTION, name);
        // A server whose clock is ahead may have opened a later window; one that is far off must not bind the others for so long.
        let own = window(now, length);
        let latest = own + 1 + CLOCKS.as_secs() / length.as_secs();
        let decide = |count: Count| {
            let window = if (own..=latest).contains(&count.window) { count.window } else { own };
            let before = if count.window == window { count.taken } else { 0 };
            match wanted.min(bound.saturating_sub(before)) {
                0 => Err(Error::Over(until_next(now, length))),
                granted => Ok(Count { window, taken: before + granted, granted }),
            }
        };
        Ok(self.counts.update(&key, now, decide).await?.granted)
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

    fn servers(count: usize, options: Options) -> (Arc<Model>, Vec<CodeLimits>) {
        let store = Arc::new(Model::new());
        let servers = (0..count).map(|_| CodeLimits::shared(options, store.clone(), &Keys::from_bytes(&[7; 32]))).collect();
        (store, servers)
    }

    #[tokio::test]
    async fn a_destination_gets_its_bound_from_all_servers_together() {
        let (store, servers) = servers(3, Options { per_destination_and_hour: 2, per_organization_and_minute: 0 });
        let admit = |server: usize, to: &'static str, at: Timestamp| servers[server].admit_at("acme", to, at);
        assert!(admit(0, "+34600111222", start()).await.is_ok() && admit(1, "+34600111222", start()).await.is_ok());
        let later = start() + TimeDelta::minutes(50);
        let Err(Error::Over(wait)) = admit(2, "+34600111222", later).await else { panic!("not refused") };
        assert_eq!(wait, Duration::from_secs(600));
        assert!(admit(2, "+34600111223", later).await.is_ok());
        assert!(admit(2, "+34600111222", start() + TimeDelta::hours(1)).await.is_ok());
        let keys = store.record_keys(None, 10).await.unwrap();
        assert!(keys.len() == 2 && keys.iter().all(|key| !key.key.contains("600111")), "{keys:?}");
    }

    #[tokio::test]
    async fn a_server_whose_clock_is_far_ahead_takes_nothing_from_the_others() {
        let (_store, servers) = servers(2, Options { per_destination_and_hour: 1, per_organization_and_minute: 0 });
        let admit = |server: usize, at: Timestamp| servers[server].admit_at("acme", "a", at);
        assert!(admit(0, start() + TimeDelta::days(365)).await.is_ok());
        assert!(admit(1, start()).await.is_ok());
        assert!(matches!(admit(1, start()).await, Err(Error::Over(_))));
        // One that is a little ahead opens the next window for all.
        assert!(admit(0, start() + TimeDelta::hours(1)).await.is_ok());
        assert!(matches!(admit(1, start() + TimeDelta::minutes(59)).await, Err(Error::Over(_))));
    }

    #[tokio::test]
    async fn an_organization_gets_at_most_its_bound_and_nearly_all_of_it() {
        let (_store, servers) = servers(3, Options { per_destination_and_hour: 0, per_organization_and_minute: 160 });
        let mut admitted = 0;
        for number in 0..600 {
            let answer = servers[number % 3].admit_at("acme", "a", start()).await;
            admitted += u32::from(answer.is_ok());
        }
        assert_eq!(admitted, 160);
        assert!(servers[0].admit_at("other", "a", start()).await.is_ok());
        assert!(servers[0].admit_at("acme", "a", start() + TimeDelta::minutes(1)).await.is_ok());
    }

    #[tokio::test]
    async fn a_server_by_itself_counts_in_memory_by_the_same_rules() {
        let limits =
            CodeLimits::new(Options { per_destination_and_hour: 2, per_organization_and_minute: 0 }, &Keys::from_bytes(&[7; 32]));
        let admit = |to: &'static str, at: Timestamp| limits.admit_at("acme", to, at);
        assert!(admit("+34600111222", start()).await.is_ok() && admit("+34600111222", start()).await.is_ok());
        let Err(Error::Over(wait)) = admit("+34600111222", start() + TimeDelta::minutes(50)).await else { panic!("not refused") };
        assert_eq!(wait, Duration::from_secs(600));
        assert!(admit("+34600111223", start()).await.is_ok());
        assert!(admit("+34600111222", start() + TimeDelta::hours(1)).await.is_ok());

        let limits =
            CodeLimits::new(Options { per_destination_and_hour: 0, per_organization_and_minute: 1 }, &Keys::from_bytes(&[7; 32]));
        assert!(limits.admit_at("acme", "a", start()).await.is_ok());
        assert!(limits.admit_at("acme", "b", start()).await.is_err());
        assert!(limits.admit_at("other", "a", start()).await.is_ok());
    }
}
