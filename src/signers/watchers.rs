//! Who waits for a change of a sign process: each has a place, of which there is a bounded number, and is woken when this server commits.
//!
//! A woken one looks for itself, so a wake too many does no harm and one too few costs what is left of the wait. Of what other servers commit
//! nobody here is told: who waits looks for that now and then.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use prometheus::{IntGauge, Registry};
use tokio::sync::{Notify, futures::Notified, watch};
use uuid::Uuid;

/// How many may wait at once.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub per_server: usize,
    pub per_organization: usize,
}

/// So many wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many wait for a change at the moment; read the invitation now and then instead")]
pub struct TooMany;

/// Those who wait on this server. Cheap to clone.
#[derive(Clone)]
pub struct Watchers(Arc<Inner>);

struct Inner {
    options: Options,
    waiting: Mutex<Waiting>,
    closed: watch::Sender<bool>,
    gauge: IntGauge,
}

#[derive(Default)]
struct Waiting {
    total: usize,
    organizations: HashMap<Arc<str>, usize>,
    processes: HashMap<Key, Slot>,
}

type Key = (Arc<str>, Uuid);

struct Slot {
    changed: Arc<Notify>,
    watchers: usize,
}

impl Watchers {
    /// # Errors
    /// If the registry holds a metric of its name already.
    pub fn new(options: Options, registry: &Registry) -> Result<Self, prometheus::Error> {
        let gauge = IntGauge::new("rubrica_page_watchers", "Pages of signers that wait for a change")?;
        registry.register(Box::new(gauge.clone()))?;
        Ok(Self(Arc::new(Inner { options, waiting: Mutex::default(), closed: watch::Sender::new(false), gauge })))
    }

    /// With room for everybody, counted by no metric.
    #[cfg(test)]
    pub fn for_tests() -> Self {
        Self::new(Options { per_server: 99, per_organization: 99 }, &Registry::new()).unwrap()
    }

    /// A place for somebody who waits for a change of a sign process.
    ///
    /// # Errors
    /// [`TooMany`].
    pub fn enter(&self, organization: &str, process: Uuid) -> Result<Place, TooMany> {
        let Options { per_server, per_organization } = self.0.options;
        let mut waiting = self.0.waiting.lock();
        let organization = match waiting.organizations.get_key_value(organization) {
            Some((_, taken)) if *taken >= per_organization => return Err(TooMany),
            Some((known, _)) => known.clone(),
            None => organization.into(),
        };
        if waiting.total >= per_server || per_organization == 0 {
            return Err(TooMany);
        }
        waiting.total += 1;
        self.0.gauge.inc();
        *waiting.organizations.entry(organization.clone()).or_default() += 1;
        let key = (organization, process);
        let slot = waiting.processes.entry(key.clone()).or_insert_with(|| Slot { changed: Arc::default(), watchers: 0 });
        slot.watchers += 1;
        let changed = slot.changed.clone();
        Ok(Place { inner: self.0.clone(), key, changed, closed: self.0.closed.subscribe() })
    }

    /// Wakes those who wait for a change of this process. Never blocks for long.
    pub fn changed(&self, organization: &str, process: Uuid) {
        let waiting = self.0.waiting.lock();
        // The usual case, in which no key is made.
        let Some((organization, _)) = waiting.organizations.get_key_value(organization) else { return };
        if let Some(slot) = waiting.processes.get(&(organization.clone(), process)) {
            slot.changed.notify_waiters();
        }
    }

    /// Sends all away, and whoever comes from now on: the server goes down.
    pub fn close(&self) {
        self.0.closed.send_replace(true);
    }
}

/// The place of one who waits; free again once it is dropped.
pub struct Place {
    inner: Arc<Inner>,
    key: Key,
    changed: Arc<Notify>,
    closed: watch::Receiver<bool>,
}

impl Place {
    /// Ends at the next change. Enable it before looking at the process: what changes after that is not missed.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Ends once the server goes down.
    pub async fn closed(&self) {
        // The sender lives as long as this place.
        let mut closed = self.closed.clone();
        let _ = closed.wait_for(|closed| *closed).await.is_ok();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.inner.waiting.lock();
        waiting.total -= 1;
        self.inner.gauge.dec();
        if let Some(taken) = waiting.organizations.get_mut(&self.key.0) {
            *taken -= 1;
            if *taken == 0 {
                waiting.organizations.remove(&self.key.0);
            }
        }
        if let Some(slot) = waiting.processes.get_mut(&self.key) {
            slot.watchers -= 1;
            if slot.watchers == 0 {
                waiting.processes.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;

    use super::*;

    const PROCESS: Uuid = Uuid::from_u128(1);

    fn watchers(per_server: usize, per_organization: usize) -> Watchers {
        Watchers::new(Options { per_server, per_organization }, &Registry::new()).unwrap()
    }

    #[tokio::test]
    async fn a_change_wakes_all_who_wait_for_that_process_and_nobody_else() {
        let watchers = watchers(9, 9);
        let enter = |organization, process| watchers.enter(organization, process).expect("there is room");
        let (first, second) = (enter("acme", PROCESS), enter("acme", PROCESS));
        let (other, elsewhere) = (enter("acme", Uuid::from_u128(2)), enter("other", PROCESS));
        let (mut one, mut two) = (pin!(first.changed()), pin!(second.changed()));
        let (mut three, mut four) = (pin!(other.changed()), pin!(elsewhere.changed()));
        one.as_mut().enable();
        two.as_mut().enable();
        three.as_mut().enable();
        four.as_mut().enable();
        watchers.changed("acme", PROCESS);
        assert!(one.now_or_never().is_some() && two.now_or_never().is_some());
        assert!(three.now_or_never().is_none() && four.now_or_never().is_none());
    }

    #[test]
    fn places_are_bounded_and_free_again_once_they_are_left() {
        let watchers = watchers(3, 2);
        let (first, second) = (watchers.enter("acme", PROCESS), watchers.enter("acme", Uuid::from_u128(2)));
        assert!(first.is_ok() && second.is_ok());
        assert!(matches!(watchers.enter("acme", PROCESS), Err(TooMany)), "of its organization");
        let third = watchers.enter("other", PROCESS).expect("another organization has room");
        assert!(matches!(watchers.enter("third", PROCESS), Err(TooMany)), "of the server");
        assert_eq!(watchers.0.gauge.get(), 3);
        drop(first);
        assert!(watchers.enter("acme", PROCESS).is_ok());
        drop((second, third));
        assert_eq!((watchers.0.gauge.get(), watchers.0.waiting.lock().total), (0, 0));
        assert!(watchers.0.waiting.lock().processes.is_empty() && watchers.0.waiting.lock().organizations.is_empty());
    }

    #[tokio::test]
    async fn the_end_of_the_server_sends_all_away() {
        let watchers = watchers(9, 9);
        let before = watchers.enter("acme", PROCESS).expect("there is room");
        assert!(before.closed().now_or_never().is_none() && !before.is_closed());
        watchers.close();
        before.closed().await;
        assert!(before.is_closed());
        watchers.enter("acme", PROCESS).expect("there is room").closed().await;
    }
}
