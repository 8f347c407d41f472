//! Fires due wake-ups: the one mechanism behind expiry, retries and recovery after a crash.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use store::{Entity, Store, Timestamp, Wake};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinHandle,
};

use crate::{bounded::BoundedStore, clock::Clock, metrics::Metrics};

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
    /// The last entry that was seen. `None`: the entity could not be looked into, and is left alone until `next`.
    pub head: Option<u64>,
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
    /// Maximum time of one call of the store.
    pub call_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            every: Duration::from_millis(50),
            concurrency: 256,
            ramp: 16,
            retry: Duration::from_secs(1),
            call_timeout: Duration::from_secs(15),
        }
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
        let store = BoundedStore::new(store, options.call_timeout);
        let service = Arc::new(Service { store, clock, metrics, hosts, options, gate, firing: Mutex::new(HashSet::new()) });
        let task = tokio::spawn(service.run(stopped));
        Self { stop, task }
    }

    /// Tells whether the service has ended, also after the timer was dropped.
    #[cfg(test)]
    pub(crate) fn is_over(&self) -> impl Fn() -> bool + use<> {
        let task = self.task.abort_handle();
        move || task.is_finished()
    }

    /// Fires no more wake-ups; those under way go on.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.task.await;
    }
}

/// Maximum number of entities whose wake-ups are under way or pause before they are tried again.
const MAX_FIRING: usize = 8192;

/// How long the wake-up of a journal that cannot be read rests.
const UNREADABLE_REST: Duration = Duration::from_secs(600);

/// How long a wake-up of an unknown kind is put off.
const PARKED: chrono::Duration = chrono::Duration::hours(1);

struct Service {
    store: BoundedStore,
    clock: Clock,
    metrics: Metrics,
    hosts: HashMap<&'static str, Arc<dyn Wakeable>>,
    options: Options,
    gate: Arc<Semaphore>,
    /// A wake-up stays in the index until it is settled, so leaving out an entity that is here loses nothing.
    firing: Mutex<HashSet<Entity>>,
}

impl Service {
    async fn run(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut permits = self.options.ramp.max(1);
        let mut jumps = self.clock.jumps();
        loop {
            tokio::select! {
                _ = stopped.changed() => return,
                // The sender lives in the clock, which lives here.
                _ = jumps.changed() => {}
                () = tokio::time::sleep(self.options.every) => {}
            }
            loop {
                let more = self.look(&mut stopped).await;
                if *stopped.borrow() || stopped.has_changed().is_err() {
                    return;
                }
                // With every look, also while there is much to do: each has brought a batch to its end, or has waited.
                if permits < self.options.concurrency {
                    let wider = self.options.ramp.max(1).min(self.options.concurrency - permits);
                    self.gate.add_permits(wider);
                    permits += wider;
                }
                if !more {
                    break;
                }
            }
        }
    }

    /// Fires what is due, up to a batch. `true`: there may be more at once.
    async fn look(self: &Arc<Self>, stopped: &mut watch::Receiver<bool>) -> bool {
        let firing = self.firing.lock().len();
        if firing >= MAX_FIRING {
            return false;
        }
        // Those that are under way must not hide the ones behind them.
        let limit = firing + self.options.concurrency.max(1);
        let due = match self.store.due(self.clock.now(), limit).await {
            Ok(due) => due,
            Err(error) => {
                tracing::warn!(%error, "due wake-ups could not be read");
                return false;
            }
        };
        let full = due.len() == limit;
        let mut fired = false;
        for wake in due {
            if self.firing.lock().contains(&wake.entity) {
                continue;
            }
            let permit = tokio::select! {
                _ = stopped.changed() => return false,
                permit = self.gate.clone().acquire_owned() => permit,
                // What hangs must not keep the gate from opening further; the rest is found again by the next look.
                () = tokio::time::sleep(self.options.every) => return false,
            };
            // The gate is never closed.
            let Ok(permit) = permit else { return false };
            self.firing.lock().insert(wake.entity.clone());
            fired = true;
            let firing = Firing { service: self.clone(), entity: wake.entity.clone() };
            tokio::spawn(firing.fire(wake, permit));
        }
        full && fired
    }

    /// Brings one wake-up to its end, or says why that failed and how long it must rest.
    async fn bring(&self, wake: &Wake) -> Result<(), (String, Duration)> {
        let retry = self.options.retry;
        let lag = (self.clock.now() - wake.due).num_microseconds().unwrap_or(0).max(0);
        self.metrics.wake_lag.observe(lag as f64 / 1e6);
        self.metrics.wakes.inc();
        let woken = match self.hosts.get(&*wake.entity.kind) {
            Some(host) => host.wake(&wake.entity).await.map_err(|reason| (reason, retry))?,
            None => {
                tracing::error!(entity = %wake.entity.id, kind = %wake.entity.kind, "a wake-up is of a kind that this server does not know");
                Woken { head: None, next: Some(self.clock.now() + PARKED), committed: false }
            }
        };
        if woken.committed {
            return Ok(());
        }
        let head = match woken.head {
            Some(head) => Ok(head),
            None => self.store.load(&wake.entity).await.map(|loaded| loaded.map_or(0, |loaded| loaded.head)),
        };
        let settled = match head {
            Ok(head) => self.store.settle(wake, head, woken.next).await,
            Err(error) => Err(error),
        };
        settled.map_err(|error| match error {
            // Nobody can say what the entity needs, and asking more often does not help.
            store::Error::Corrupt(_) => (error.to_string(), UNREADABLE_REST),
            _ => (error.to_string(), retry),
        })
    }
}

/// Keeps an entity from being fired twice at a time, whatever becomes of the task.
struct Firing {
    service: Arc<Service>,
    entity: Entity,
}

impl Firing {
    async fn fire(self, wake: Wake, permit: OwnedSemaphorePermit) {
        let Err((reason, rest)) = self.service.bring(&wake).await else { return };
        // Whoever failed has said so; with many due at once this would only repeat it.
        tracing::debug!(entity = %wake.entity.id, kind = %wake.entity.kind, reason, "a wake-up is tried again");
        self.service.metrics.wakes_failed.inc();
        // Others go first during the pause.
        drop(permit);
        tokio::time::sleep(rest).await;
    }
}

impl Drop for Firing {
    fn drop(&mut self) {
        self.service.firing.lock().remove(&self.entity);
    }
}
