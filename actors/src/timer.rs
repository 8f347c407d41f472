//! Fires due wake-ups: the one mechanism behind expiry, retries and recovery after a crash.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use store::{Entity, SHARDS, Store, Timestamp, Wake};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinHandle,
};

use crate::{clock::Clock, metrics::Metrics};

/// Somebody who can look at an entity: the host of its kind.
#[async_trait]
pub trait Wakeable: Send + Sync + 'static {
    fn kind(&self) -> &'static str;

    /// # Errors
    /// Why the entity could not be looked at now; the wake-up stays and is tried again.
    async fn wake(&self, entity: &Entity) -> Result<Woken, String>;
}

/// What a look at an entity found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Woken {
    pub head: u64,
    pub next: Option<Timestamp>,
    /// The look was journaled, and the commit brought the next wake-up with it.
    pub committed: bool,
}

/// Bounds and times of the timer.
#[derive(Clone, Debug)]
pub struct Options {
    /// Between two looks at the index.
    pub every: Duration,
    /// Wake-ups under way at once.
    pub concurrency: usize,
    /// Of `concurrency`, what is allowed at the start; the gate opens by as much with every look, so that a restart with many
    /// due processes does not load them all at once.
    pub ramp: usize,
    /// Pause before a wake-up that failed is tried again.
    pub retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { every: Duration::from_millis(50), concurrency: 256, ramp: 16, retry: Duration::from_secs(1) }
    }
}

/// The running service. Dropping it stops it.
pub struct Timer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Timer {
    /// Starts the service on the current runtime.
    pub fn start(store: Arc<dyn Store>, clock: Clock, metrics: Metrics, hosts: Vec<Arc<dyn Wakeable>>, options: Options) -> Self {
        let (stop, stopped) = watch::channel(false);
        let hosts = hosts.into_iter().map(|host| (host.kind(), host)).collect();
        let gate = Arc::new(Semaphore::new(options.ramp.max(1)));
        let service = Arc::new(Service { store, clock, metrics, hosts, options, gate, firing: Mutex::new(HashSet::new()) });
        let task = tokio::spawn(service.run(stopped));
        Self { stop, task }
    }

    /// Fires no more wake-ups; those under way go on.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

struct Service {
    store: Arc<dyn Store>,
    clock: Clock,
    metrics: Metrics,
    hosts: HashMap<&'static str, Arc<dyn Wakeable>>,
    options: Options,
    gate: Arc<Semaphore>,
    firing: Mutex<HashSet<Entity>>,
}

impl Service {
    async fn run(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut permits = self.options.ramp.max(1);
        loop {
            tokio::select! {
                _ = stopped.changed() => return,
                () = self.clock.jumped() => {}
                () = tokio::time::sleep(self.options.every) => {}
            }
            // Twice what can be under way: those that are must not hide the ones behind them.
            let limit = self.options.concurrency * 2;
            loop {
                let now = self.clock.now();
                let due = match self.store.due(0..SHARDS, now, limit).await {
                    Ok(due) => due,
                    Err(error) => {
                        tracing::warn!(%error, "due wake-ups could not be read");
                        break;
                    }
                };
                let full = due.len() == limit;
                let mut fired = 0;
                for wake in due {
                    if self.firing.lock().contains(&wake.entity) {
                        continue;
                    }
                    let permit = tokio::select! {
                        _ = stopped.changed() => return,
                        permit = self.gate.clone().acquire_owned() => permit,
                    };
                    let Ok(permit) = permit else { return };
                    self.firing.lock().insert(wake.entity.clone());
                    let service = self.clone();
                    fired += 1;
                    tokio::spawn(async move {
                        service.fire(&wake).await;
                        service.firing.lock().remove(&wake.entity);
                        drop(permit);
                    });
                }
                if !full || fired == 0 {
                    break;
                }
            }
            if permits < self.options.concurrency {
                let more = self.options.ramp.max(1).min(self.options.concurrency - permits);
                self.gate.add_permits(more);
                permits += more;
            }
        }
    }

    async fn fire(&self, wake: &Wake) {
        let lag = (self.clock.now() - wake.due).num_microseconds().unwrap_or(0).max(0);
        self.metrics.wake_lag.observe(lag as f64 / 1e6);
        self.metrics.wakes.inc();
        let woken = match self.hosts.get(&*wake.entity.kind) {
            Some(host) => host.wake(&wake.entity).await,
            None => {
                tracing::error!(entity = %wake.entity.id, kind = %wake.entity.kind, "a wake-up is of a kind that this server does not know");
                Ok(Woken { head: u64::MAX, next: Some(self.clock.now() + chrono::Duration::hours(1)), committed: false })
            }
        };
        let failed = match woken {
            Ok(woken) if woken.committed => return,
            Ok(woken) => self.store.settle(wake, woken.head, woken.next).await.err().map(|error| error.to_string()),
            Err(reason) => Some(reason),
        };
        if let Some(reason) = failed {
            tracing::warn!(entity = %wake.entity.id, reason, "a wake-up is tried again");
            tokio::time::sleep(self.options.retry).await;
        }
    }
}
