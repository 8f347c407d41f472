//! The timer: everything that is due is looked at, in time, and again until it is settled.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use store::{Commit, Entity, Listing, Store, Timestamp, Wake};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    Metrics, Timer, TimerOptions, Wakeable, Woken,
    testing::{Cmd, Phase, Setting, entity, eventually},
};

const QUICK: Duration = Duration::from_millis(1);
const NEVER: Duration = Duration::from_secs(86_400);

fn options() -> TimerOptions {
    TimerOptions { every: QUICK, retry: QUICK, ..TimerOptions::default() }
}

/// Counts its wake-ups, which wait for a permit and fail as often as they are told to.
struct Sleeper {
    gate: Semaphore,
    failures: AtomicUsize,
    at_once: AtomicUsize,
    most: AtomicUsize,
    woken: Mutex<HashMap<Uuid, usize>>,
}

impl Sleeper {
    fn new(permits: usize, failures: usize) -> Arc<Self> {
        let (at_once, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self {
            gate: Semaphore::new(permits),
            failures: AtomicUsize::new(failures),
            at_once,
            most,
            woken: Mutex::default(),
        })
    }

    fn woken(&self, id: Uuid) -> usize {
        self.woken.lock().get(&id).copied().unwrap_or_default()
    }
}

#[async_trait]
impl Wakeable for Sleeper {
    fn kind(&self) -> &'static str {
        "order"
    }

    async fn wake(&self, entity: &Entity) -> Result<Woken, String> {
        let now = self.at_once.fetch_add(1, Ordering::AcqRel) + 1;
        self.most.fetch_max(now, Ordering::AcqRel);
        let permit = self.gate.acquire().await;
        self.at_once.fetch_sub(1, Ordering::AcqRel);
        drop(permit);
        *self.woken.lock().entry(entity.id).or_default() += 1;
        let fails = self.failures.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1)).is_ok();
        if fails { Err("not now".into()) } else { Ok(Woken { head: Some(1), next: None, committed: false }) }
    }
}

async fn due(setting: &Setting, entity: Entity, wake: Timestamp) {
    let (at, commit_id) = (setting.clock.now(), Uuid::new_v4());
    let commit = Commit {
        entity,
        expected_head: 0,
        entries: vec![vec![1]],
        at,
        snapshot: None,
        wake: Some(wake),
        commit_id,
        key: None,
        listing: Listing::Listed,
        marks: None,
    };
    setting.store.commit(commit).await.unwrap();
}

fn start(setting: &Setting, host: Arc<dyn Wakeable>, options: TimerOptions) -> (Timer, Metrics) {
    let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
    let store: Arc<dyn Store> = setting.store.clone();
    (Timer::start(store, setting.clock.clone(), metrics.clone(), vec![host], options), metrics)
}

#[actix::test]
async fn a_jump_of_the_clock_fires_what_is_due_at_once_and_not_a_moment_early() {
    let setting = Setting::new();
    let server = setting.server();
    let id = Uuid::new_v4();
    server.ask(id, Cmd::Create { seconds: 60 }).await.unwrap();
    let other = Uuid::new_v4();
    server.ask(other, Cmd::Create { seconds: 30 }).await.unwrap();
    let timer = server.timer(TimerOptions { every: NEVER, ..options() });
    tokio::task::yield_now().await;
    setting.clock.advance(chrono::Duration::microseconds(59_999_999));
    eventually("the other one's time is over", async || setting.facts(other).await.len() == 2).await;
    assert_eq!(setting.facts(id).await.len(), 1);
    setting.clock.advance(chrono::Duration::microseconds(1));
    eventually("its time is over", async || setting.facts(id).await.len() == 2).await;
    assert_eq!(server.read(id).await.phase, Phase::Expired);
    timer.stop().await;
}

#[actix::test]
async fn a_wake_up_that_nothing_needs_is_settled() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let until = setting.wake_of(id).await.unwrap();
    let spare = setting.clock.now();
    setting.store.settle(&Wake { entity: entity(id), due: until }, 1, Some(spare)).await.unwrap();
    assert_eq!(setting.wake_of(id).await, Some(spare));
    let timer = server.timer(options());
    eventually("it is settled", async || setting.wake_of(id).await == Some(until)).await;
    assert_eq!(setting.facts(id).await.len(), 1);
    timer.stop().await;
}

#[actix::test]
async fn a_wake_up_that_fails_is_tried_again() {
    let setting = Setting::new();
    let id = Uuid::new_v4();
    due(&setting, entity(id), setting.clock.now()).await;
    let sleeper = Sleeper::new(1, 2);
    let (timer, _) = start(&setting, sleeper.clone(), options());
    eventually("it is settled", async || setting.wake_of(id).await.is_none()).await;
    assert_eq!(sleeper.woken(id), 3);
    timer.stop().await;
}

#[actix::test]
async fn wake_ups_are_tried_again_when_the_store_is_back() {
    let setting = Setting::new();
    let server = setting.server();
    let id = Uuid::new_v4();
    server.ask(id, Cmd::Create { seconds: 0 }).await.unwrap();
    setting.store.down.store(true, Ordering::Release);
    let timer = server.timer(options());
    setting.clock.advance(chrono::Duration::seconds(1));
    tokio::task::yield_now().await;
    setting.store.down.store(false, Ordering::Release);
    eventually("its time is over", async || setting.facts(id).await.len() == 2).await;
    timer.stop().await;
}

#[actix::test]
async fn wake_ups_that_fail_do_not_hide_others() {
    let setting = Setting::new();
    let now = setting.clock.now();
    for _ in 0..50 {
        due(&setting, entity(Uuid::new_v4()), now - chrono::Duration::hours(1)).await;
    }
    let last = Uuid::new_v4();
    due(&setting, entity(last), now).await;
    let sleeper = Sleeper::new(4, 50);
    let (timer, _) = start(&setting, sleeper.clone(), TimerOptions { retry: NEVER, concurrency: 4, ramp: 4, ..options() });
    eventually("the last is settled", async || setting.wake_of(last).await.is_none()).await;
    timer.stop().await;
}

#[actix::test]
async fn a_kind_that_is_not_known_is_put_off() {
    let setting = Setting::new();
    let id = Uuid::new_v4();
    due(&setting, Entity::new("acme", "mystery", id), setting.clock.now()).await;
    let (timer, metrics) = start(&setting, Sleeper::new(1, 0), options());
    let put_off = setting.clock.now() + chrono::Duration::hours(1);
    eventually("it is put off", async || setting.wake_of(id).await == Some(put_off)).await;
    timer.stop().await;
    assert_eq!(metrics.wakes.get(), 1);
}

#[actix::test]
async fn the_gate_opens_step_by_step_and_has_an_end() {
    tokio::time::pause();
    let setting = Setting::new();
    for _ in 0..40 {
        due(&setting, entity(Uuid::new_v4()), setting.clock.now()).await;
    }
    let sleeper = Sleeper::new(0, 0);
    let every = Duration::from_secs(1);
    let (timer, _) = start(&setting, sleeper.clone(), TimerOptions { every, ramp: 3, concurrency: 8, ..options() });
    // While all that were let in hang, a look begins every two seconds and waits for one of them for one.
    let mut seen = Vec::new();
    for pause in [500, 1000, 2000, 2000, 2000, 20_000] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        seen.push(sleeper.at_once.load(Ordering::Acquire));
    }
    assert_eq!(seen, [0, 3, 6, 8, 8, 8]);
    sleeper.gate.add_permits(1);
    eventually("all are settled", async || sleeper.woken.lock().len() == 40).await;
    assert_eq!(sleeper.most.load(Ordering::Acquire), 8);
    assert!(sleeper.woken.lock().values().all(|times| *times == 1), "each once");
    timer.stop().await;
}

#[actix::test]
async fn one_entity_is_looked_at_once_at_a_time() {
    tokio::time::pause();
    let setting = Setting::new();
    let id = Uuid::new_v4();
    due(&setting, entity(id), setting.clock.now()).await;
    let sleeper = Sleeper::new(0, 0);
    let (timer, metrics) = start(&setting, sleeper.clone(), options());
    tokio::time::sleep(QUICK * 100).await;
    assert_eq!(metrics.wakes.get(), 1);
    sleeper.gate.add_permits(1);
    eventually("it is settled", async || setting.wake_of(id).await.is_none()).await;
    timer.stop().await;
}

#[actix::test]
async fn a_timer_that_was_stopped_or_dropped_fires_nothing() {
    tokio::time::pause();
    for dropped in [false, true] {
        let setting = Setting::new();
        let sleeper = Sleeper::new(1, 0);
        let (timer, _) = start(&setting, sleeper.clone(), options());
        let first = Uuid::new_v4();
        due(&setting, entity(first), setting.clock.now()).await;
        eventually("the first fires", async || sleeper.woken(first) == 1).await;
        if dropped {
            let over = timer.is_over();
            drop(timer);
            eventually("it ends", async || over()).await;
        } else {
            timer.stop().await;
        }
        let second = Uuid::new_v4();
        due(&setting, entity(second), setting.clock.now()).await;
        setting.clock.advance(chrono::Duration::seconds(1));
        tokio::time::sleep(QUICK * 100).await;
        assert_eq!(sleeper.woken(second), 0);
    }
}
