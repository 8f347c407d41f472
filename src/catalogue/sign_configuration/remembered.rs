//! Configurations as they were read a moment ago. Each code that is asked for goes by one, and reading it takes as long as all the rest.
//!
//! Only for a server that has its store for itself: it forgets what it changes, and sees no change of another server.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::SignConfiguration;

/// How long one is taken for what is stored. Changes are seen at once; this bounds what a change that was given up half-way could leave behind.
const LASTS: Duration = Duration::from_secs(1);

/// Maximum number of organizations.
const MAX_ORGANIZATIONS: usize = 1024;

#[derive(Default)]
pub(super) struct Remembered(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    /// Counts changes: what was read before one is not kept after it.
    changes: u64,
    by_organization: HashMap<String, (Instant, SignConfiguration)>,
}

/// While it lives a configuration may be changing; what was read of it meanwhile is forgotten with it.
pub(super) struct Changing<'a> {
    remembered: &'a Remembered,
    organization: &'a str,
}

impl Remembered {
    /// The configuration, or the number of changes so far, which [`Remembered::keep`] wants to know.
    pub fn find(&self, organization: &str, now: Instant) -> Result<SignConfiguration, u64> {
        let inner = self.0.lock();
        match inner.by_organization.get(organization) {
            Some((at, configuration)) if now.duration_since(*at) < LASTS => Ok(configuration.clone()),
            _ => Err(inner.changes),
        }
    }

    /// Keeps what was read since there were that many changes.
    pub fn keep(&self, organization: &str, configuration: &SignConfiguration, changes: u64, now: Instant) {
        let mut inner = self.0.lock();
        if inner.changes != changes {
            return;
        }
        if inner.by_organization.len() >= MAX_ORGANIZATIONS && !inner.by_organization.contains_key(organization) {
            // Rare enough that starting over is cheaper than keeping an order of use.
            inner.by_organization.clear();
        }
        inner.by_organization.insert(organization.to_owned(), (now, configuration.clone()));
    }

    /// To be held while a configuration is written, however that ends.
    pub fn changing<'a>(&'a self, organization: &'a str) -> Changing<'a> {
        Changing { remembered: self, organization }
    }
}

impl Drop for Changing<'_> {
    fn drop(&mut self) {
        let mut inner = self.remembered.0.lock();
        inner.changes += 1;
        inner.by_organization.remove(self.organization);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use store::model::Model;

    use super::*;
    use crate::{
        catalogue::sign_configuration::{
            Change, SignConfigurations,
            tests::{noon, whole},
        },
        cpu_pool::CpuPool,
        keys::Keys,
    };

    async fn world() -> (SignConfigurations, SignConfigurations) {
        let store = Arc::new(Model::new());
        let on = || SignConfigurations::new(store.clone(), Keys::from_bytes(&[3; 32]), CpuPool::default());
        let (ours, other) = (on().remembering(), on());
        ours.create("acme", whole(), noon()).await.unwrap();
        (ours, other)
    }

    fn to(landing_url: &str) -> Change {
        Change { landing_url: Some(landing_url.into()), ..Change::default() }
    }

    async fn landing_url(configurations: &SignConfigurations) -> String {
        configurations.load("acme").await.unwrap().unwrap().landing_url
    }

    #[tokio::test]
    async fn what_was_read_is_not_read_again_and_a_change_is_seen_at_once() {
        let (ours, other) = world().await;
        let before = landing_url(&ours).await;
        other.update("acme", to("sign.example.org/other"), noon()).await.unwrap();
        assert_eq!(landing_url(&ours).await, before, "it was remembered");
        ours.update("acme", to("sign.example.org/ours"), noon()).await.unwrap();
        assert_eq!(landing_url(&ours).await, "sign.example.org/ours");
    }

    #[tokio::test]
    async fn it_lasts_a_moment_and_what_was_read_before_a_change_is_not_kept_after_it() {
        let (ours, _) = world().await;
        let configuration = ours.load("acme").await.unwrap().unwrap();
        let (remembered, now) = (Remembered::default(), Instant::now());
        let Err(changes) = remembered.find("acme", now) else { panic!("nothing was kept") };
        remembered.keep("acme", &configuration, changes, now);
        assert!(remembered.find("acme", now).is_ok() && remembered.find("other", now).is_err());
        assert!(remembered.find("acme", now + LASTS).is_err());

        drop(remembered.changing("acme"));
        assert!(remembered.find("acme", now).is_err());
        remembered.keep("acme", &configuration, changes, now);
        assert!(remembered.find("acme", now).is_err(), "it was read before the change");
    }

    #[tokio::test]
    async fn there_are_so_many_at_most() {
        let (ours, _) = world().await;
        let configuration = ours.load("acme").await.unwrap().unwrap();
        let (remembered, now) = (Remembered::default(), Instant::now());
        for number in 0..=MAX_ORGANIZATIONS {
            remembered.keep(&number.to_string(), &configuration, 0, now);
        }
        assert_eq!(remembered.0.lock().by_organization.len(), 1);
    }
}
