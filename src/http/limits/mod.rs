//! How many codes go out: to one destination per hour, and for one organization per minute (OWASP ASVS 5.0, 6.6).

mod shared;

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use store::Store;

use self::shared::Shared;
use crate::keys::Keys;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Most destinations that are counted at a time; beyond it the oldest windows are forgotten first.
const MAX_COUNTED: usize = 100_000;

/// Bounds of the codes; 0 is no bound.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub per_destination_and_hour: u32,
    pub per_organization_and_minute: u32,
}

/// Counts codes in fixed windows. A server by itself does so in memory: a restart forgets them, which the bounds of the identifications
/// outlast. Servers that share a store count together, in its records.
#[derive(Debug)]
pub struct CodeLimits {
    options: Options,
    windows: Mutex<HashMap<String, Window>>,
    shared: Option<Shared>,
}

/// Why a code is not admitted.
#[derive(Debug)]
pub enum Refused {
    /// Over a bound for so long.
    Over(Duration),
    /// Too many servers counted at once.
    Contended,
    Store(store::Error),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    length: Duration,
    count: u32,
}

impl CodeLimits {
    pub fn new(options: Options) -> Self {
        Self { options, windows: Mutex::new(HashMap::new()), shared: None }
    }

    /// Counts together with the other servers on this store.
    pub fn shared(options: Options, store: Arc<dyn Store>, keys: &Keys) -> Self {
        Self { shared: Some(Shared::new(store, &keys.derive("code-count/v1"))), ..Self::new(options) }
    }

    /// Counts one code.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn admit(&self, organization: &str, destination: &str) -> Result<(), Refused> {
        match &self.shared {
            Some(shared) => shared.admit(&self.options, organization, destination, chrono::Utc::now()).await,
            None => self.admit_at(organization, destination, Instant::now()).map_err(Refused::Over),
        }
    }

    fn admit_at(&self, organization: &str, destination: &str, now: Instant) -> Result<(), Duration> {
        let Options { per_destination_and_hour, per_organization_and_minute } = self.options;
        let mut windows = self.windows.lock();
        count(&mut windows, format!("{organization}\n{destination}"), per_destination_and_hour, HOUR, now)?;
        count(&mut windows, organization.to_owned(), per_organization_and_minute, MINUTE, now)
    }
}

fn count(windows: &mut HashMap<String, Window>, key: String, bound: u32, length: Duration, now: Instant) -> Result<(), Duration> {
    if bound == 0 {
        return Ok(());
    }
    if windows.len() >= MAX_COUNTED && !windows.contains_key(&key) {
        windows.retain(|_, window| now.duration_since(window.began) < window.length);
        if windows.len() >= MAX_COUNTED {
            let mut begun: Vec<Instant> = windows.values().map(|window| window.began).collect();
            begun.sort_unstable();
            let oldest = begun[begun.len() / 10];
            windows.retain(|_, window| window.began > oldest);
        }
    }
    let window = windows.entry(key).or_insert(Window { began: now, length, count: 0 });
    let age = now.duration_since(window.began);
    if age >= length {
        *window = Window { began: now, length, count: 0 };
    }
    if window.count >= bound {
        return Err(length.saturating_sub(age));
    }
    window.count += 1;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_gets_its_bound_per_hour_and_others_are_not_affected() {
        let limits = CodeLimits::new(Options { per_destination_and_hour: 2, per_organization_and_minute: 0 });
        let start = Instant::now();
        let admit = |destination: &str, at: Instant| limits.admit_at("acme", destination, at);
        assert!(admit("+34600111222", start).is_ok() && admit("+34600111222", start).is_ok());
        let later = start + Duration::from_secs(600);
        assert_eq!(admit("+34600111222", later), Err(Duration::from_secs(3000)));
        assert!(admit("+34600111223", later).is_ok());
        assert!(admit("+34600111222", start + Duration::from_secs(3600)).is_ok());
    }

    #[test]
    fn an_organization_has_a_bound_of_its_own() {
        let limits = CodeLimits::new(Options { per_destination_and_hour: 0, per_organization_and_minute: 1 });
        let now = Instant::now();
        assert!(limits.admit_at("acme", "a", now).is_ok());
        assert!(limits.admit_at("acme", "b", now).is_err());
        assert!(limits.admit_at("other", "a", now).is_ok());
    }
}
