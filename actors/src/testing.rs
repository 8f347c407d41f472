//! What the tests of the host are made of: a small machine, a world that fails on demand, a store that can be watched, and servers
//! that can be killed.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::Arbiter;
use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{
    Commit, CommitOutcome, Cursor, Entity, Entry, Listed, Loaded, Mark, Page, PutOutcome, Record, RecordKey, Standing, Store,
    Timestamp, Wake,
    faulty::{Faulty, Plan},
    model::Model,
};
use tokio::sync::Semaphore;
use uuid::Uuid;
use workflows::{
    Attribute, Decision, Machine, Refusal,
    table::{Stage, State},
    transitions,
};

use crate::{
    Attempt, Backoff, Call, Clock, Effects, Error, Host, Metrics, Options, Timer, TimerOptions, Wakeable, Woken,
    journal::{self, Fact, Line},
    registry::Registry,
};

pub(crate) const ORGANIZATION: &str = "acme";

/// An order that takes items until it is closed or its time is over, and asks things of the world.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub phase: Phase,
    pub until: Option<Timestamp>,
    pub items: Vec<u64>,
    pub refused: u32,
    pub results: Vec<String>,
    pub told_by: Vec<Uuid>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    #[default]
    None,
    Open,
    Closed,
    Expired,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cmd {
    Create {
        seconds: i64,
    },
    Add(u64),
    /// Adds an item and asks this of the world.
    AddAnd(u64, Want),
    /// Refused, but counted.
    Wrong,
    Result(String),
    ToldBy(Uuid),
    Close,
    Panic,
    /// Leads to an entry that no store takes.
    Huge,
}

impl State for Phase {
    fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Expired => "EXPIRED",
        }
    }
}

transitions! {
    for Event, in Phase;
    Created: [Absent] => Open "create";
    Added:   [Open] => Same "add";
    Wanted:  [Open] => Same "something is asked of the world";
    Refused: [Open] => Same "a refusal is counted";
    Noted:   [Absent | Open | Closed | Expired] => Same "a result comes";
    ToldBy:  [Open] => Same "another order tells";
    Closed:  [Open] => Closed "close";
    Expired: [Open] => Expired "the time limit passes";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Event {
    Created { until: Timestamp },
    Added(u64),
    Wanted(Want),
    Refused,
    Noted(String),
    ToldBy(Uuid),
    Closed,
    Expired,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Want {
    /// May be repeated.
    Mail,
    /// Must not be.
    Code,
    /// The answer waits for it.
    Tell(Uuid),
}

pub(crate) const WRONG: Refusal = Refusal::Forbidden("wrong");

pub(crate) fn not_open() -> Refusal {
    Refusal::state("the order is not open")
}

impl Machine for Order {
    const KIND: &'static str = "order";
    type State = Phase;
    type Command = Cmd;
    type Event = Event;
    type Effect = Want;

    fn stage(&self) -> Stage<Phase> {
        if self.phase == Phase::None { Stage::Absent } else { Stage::In(self.phase) }
    }

    fn found_by(&self) -> Vec<Attribute> {
        let Stage::In(phase) = self.stage() else { return Vec::new() };
        let items = self.items.iter().map(|item| Attribute { name: "item", value: item.to_string() });
        std::iter::once(Attribute::status(&format!("{phase:?}"))).chain(items).collect()
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event> {
        if self.wake_at().is_some_and(|until| now >= until) { vec![Event::Expired] } else { Vec::new() }
    }

    fn decide(&self, now: Timestamp, command: Cmd) -> Decision<Self> {
        match (self.phase, command) {
            (_, Cmd::Panic) => panic!("the machine is broken"),
            (Phase::None, Cmd::Create { seconds }) => {
                Decision::accept([Event::Created { until: now + chrono::Duration::seconds(seconds) }])
            }
            (_, Cmd::Create { .. }) => Decision::nothing(),
            (Phase::Open, Cmd::Add(item)) => Decision::accept([Event::Added(item)]),
            (Phase::Open, Cmd::AddAnd(item, want)) => Decision::accept([Event::Added(item), Event::Wanted(want)]),
            (Phase::Open, Cmd::Wrong) => Decision::refuse_recording(WRONG, [Event::Refused]),
            (Phase::Open, Cmd::Close) => Decision::accept([Event::Closed]),
            (_, Cmd::Result(text)) => Decision::accept([Event::Noted(text)]),
            (Phase::Open, Cmd::ToldBy(from)) if !self.told_by.contains(&from) => Decision::accept([Event::ToldBy(from)]),
            (Phase::Open, Cmd::ToldBy(_)) => Decision::nothing(),
            (_, Cmd::Huge) => Decision::accept([Event::Noted("x".repeat(store::MAX_BODY))]),
            _ => Decision::refuse(not_open()),
        }
    }

    fn apply(&mut self, _: Timestamp, event: &Event) {
        match event {
            Event::Created { until } => (self.phase, self.until) = (Phase::Open, Some(*until)),
            Event::Added(item) => self.items.push(*item),
            Event::Wanted(_) => {}
            Event::Refused => self.refused += 1,
            Event::Noted(text) => self.results.push(text.clone()),
            Event::ToldBy(from) => self.told_by.push(*from),
            Event::Closed => self.phase = Phase::Closed,
            Event::Expired => self.phase = Phase::Expired,
        }
    }

    fn effects(&self, event: &Event) -> Vec<Want> {
        match event {
            Event::Wanted(want) => vec![want.clone()],
            _ => Vec::new(),
        }
    }

    fn given_up(effect: &Want, reason: &str) -> Option<Cmd> {
        Some(Cmd::Result(format!("{effect:?} given up: {reason}")))
    }

    fn left_unknown(effect: &Want, reason: &str) -> Option<Cmd> {
        Some(Cmd::Result(format!("{effect:?} left unknown: {reason}")))
    }

    fn may_repeat(&self, _: &Want) -> bool {
        self.phase == Phase::Open
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.until.filter(|_| self.phase == Phase::Open)
    }

    /// What was noted to be kept.
    fn remains(&self) -> Option<Event> {
        self.results.iter().find(|result| result.starts_with("keep")).cloned().map(Event::Noted)
    }
}

/// What befalls one attempt.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Done,
    /// Not performed.
    Fail,
    FailUntil(Duration),
    Refuse,
    /// The answer is lost; performed or not.
    Unknown {
        performed: bool,
    },
    Panic,
    /// Performed, and then no answer ever.
    Hang,
    /// Performed once a permit is there, which is used up.
    Gate(Arc<Semaphore>),
}

/// The world outside: does what effects ask, as scripted, and remembers all.
#[derive(Default)]
pub(crate) struct World {
    script: Mutex<VecDeque<Fate>>,
    /// After the script, this many of a thousand attempts fail, drawn from the seed.
    chance: Mutex<Option<(u64, u64)>>,
    /// How often each key was really performed, with repetitions.
    performed: Mutex<BTreeMap<String, usize>>,
    attempts: Mutex<Vec<(String, u32)>>,
    /// Who is told: the server that started last.
    host: Mutex<Option<Host<Order>>>,
    pub panics_when_asked: AtomicBool,
    /// Items before and after each change that was shown.
    pub changes: Mutex<Vec<(usize, usize)>>,
}

impl World {
    pub fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        self.script.lock().extend(fates);
    }

    pub fn fail_by_chance(&self, of_thousand: u64, seed: u64) {
        *self.chance.lock() = (of_thousand > 0).then_some((of_thousand, seed));
    }

    pub fn attempts(&self) -> Vec<(String, u32)> {
        self.attempts.lock().clone()
    }

    pub fn performed(&self) -> BTreeMap<String, usize> {
        self.performed.lock().clone()
    }

    fn fate(&self) -> Fate {
        if let Some(fate) = self.script.lock().pop_front() {
            return fate;
        }
        let mut chance = self.chance.lock();
        let Some((share, seed)) = chance.as_mut() else { return Fate::Done };
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let drawn = *seed >> 33;
        match (drawn % 1000 < *share, drawn % 4) {
            (false, _) => Fate::Done,
            (true, 0) => Fate::Unknown { performed: true },
            (true, 1) => Fate::Unknown { performed: false },
            (true, 2) => Fate::Panic,
            (true, _) => Fate::Fail,
        }
    }

    async fn do_it(&self, call: &Call<Order>) -> Attempt<Order> {
        if let Want::Tell(to) = call.effect {
            let host = self.host.lock().clone();
            let Some(host) = host else { return retry("nobody to tell") };
            if let Err(error) = host.ask(ORGANIZATION, to, Cmd::ToldBy(call.entity.id)).await
                && !matches!(error, Error::Refused(_))
            {
                return retry(&error.to_string());
            }
        }
        *self.performed.lock().entry(call.idempotency_key()).or_default() += 1;
        Attempt::Done(match call.effect {
            Want::Tell(_) => None,
            _ => Some(Cmd::Result(format!("{:?} done", call.effect))),
        })
    }
}

fn retry(reason: &str) -> Attempt<Order> {
    Attempt::Retry { reason: reason.to_owned(), after: None }
}

#[async_trait]
impl Effects<Order> for World {
    async fn perform(&self, call: Call<Order>) -> Attempt<Order> {
        self.attempts.lock().push((call.idempotency_key(), call.attempt));
        let fate = self.fate();
        match fate {
            Fate::Done => self.do_it(&call).await,
            Fate::Fail => retry("it failed"),
            Fate::FailUntil(after) => Attempt::Retry { reason: "not yet".into(), after: Some(after) },
            Fate::Refuse => Attempt::Refused { reason: "never".into() },
            Fate::Panic => panic!("the adapter is broken"),
            Fate::Hang => {
                self.do_it(&call).await;
                std::future::pending().await
            }
            Fate::Unknown { performed } => {
                if performed {
                    self.do_it(&call).await;
                }
                Attempt::Unknown { reason: "no answer".into() }
            }
            Fate::Gate(gate) => {
                gate.acquire().await.expect("the gate is never closed").forget();
                self.do_it(&call).await
            }
        }
    }

    fn repeatable(&self, _: &Entity, effect: &Want, _: &Order) -> bool {
        assert!(!self.panics_when_asked.load(Ordering::Acquire), "the adapter is broken");
        *effect != Want::Code
    }

    fn before_answer(&self, effect: &Want) -> bool {
        matches!(effect, Want::Tell(_))
    }

    fn changed(&self, _: &Entity, before: &Order, after: &Order) {
        self.changes.lock().push((before.items.len(), after.items.len()));
    }
}

/// A store whose commits can be held and counted and whose faults can be switched off.
pub(crate) struct Spy {
    faulty: Faulty<Model>,
    pub faults: AtomicBool,
    /// A commit takes a permit and gives it back.
    pub commits_may: Semaphore,
    pub waiting: AtomicUsize,
    pub commits: AtomicUsize,
    pub loads: AtomicUsize,
    /// Entries that loads have read.
    pub read: AtomicUsize,
    pub down: AtomicBool,
}

impl Spy {
    pub fn new(seed: u64, plan: Plan) -> Arc<Self> {
        Arc::new(Self {
            faulty: Faulty::new(Model::new(), seed, plan),
            faults: AtomicBool::new(true),
            commits_may: Semaphore::new(1000),
            waiting: AtomicUsize::new(0),
            commits: AtomicUsize::new(0),
            loads: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            down: AtomicBool::new(false),
        })
    }

    pub fn faulty(&self) -> &Faulty<Model> {
        &self.faulty
    }

    fn now(&self) -> Result<&dyn Store, store::Error> {
        if self.down.load(Ordering::Acquire) {
            return Err(store::Error::Unavailable("the store is down".into()));
        }
        Ok(if self.faults.load(Ordering::Acquire) { &self.faulty } else { self.faulty.inner() })
    }
}

#[async_trait]
impl Store for Spy {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, store::Error> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let permit = self.commits_may.acquire().await.expect("never closed");
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        let outcome = match self.now() {
            Ok(store) => store.commit(commit).await,
            Err(error) => Err(error),
        };
        self.commits.fetch_add(1, Ordering::AcqRel);
        drop(permit);
        outcome
    }

    async fn load(&self, entity: &Entity) -> Result<Option<Loaded>, store::Error> {
        self.loads.fetch_add(1, Ordering::AcqRel);
        let loaded = self.now()?.load(entity).await?;
        self.read.fetch_add(loaded.as_ref().map_or(0, |loaded| loaded.entries.len()), Ordering::AcqRel);
        Ok(loaded)
    }

    async fn load_many(&self, entities: &[Entity]) -> Result<Vec<Option<Loaded>>, store::Error> {
        self.loads.fetch_add(entities.len(), Ordering::AcqRel);
        let loaded = self.now()?.load_many(entities).await?;
        let read: usize = loaded.iter().flatten().map(|loaded| loaded.entries.len()).sum();
        self.read.fetch_add(read, Ordering::AcqRel);
        Ok(loaded)
    }

    async fn key(&self, entity: &Entity) -> Result<Option<Vec<u8>>, store::Error> {
        self.now()?.key(entity).await
    }

    async fn entries(&self, entity: &Entity, from: u64, limit: usize) -> Result<Vec<Entry>, store::Error> {
        self.now()?.entries(entity, from, limit).await
    }

    async fn list(&self, org: &str, kind: &str, after: Option<&Cursor>, limit: usize) -> Result<Page<Listed>, store::Error> {
        self.now()?.list(org, kind, after, limit).await
    }

    async fn find(
        &self,
        organization: &str,
        kind: &str,
        mark: Mark,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, store::Error> {
        self.now()?.find(organization, kind, mark, after, limit).await
    }

    async fn due(&self, shards: std::ops::Range<u16>, until: Timestamp, limit: usize) -> Result<Vec<Wake>, store::Error> {
        self.now()?.due(shards, until, limit).await
    }

    async fn settle(&self, wake: &Wake, head: u64, next: Option<Timestamp>) -> Result<(), store::Error> {
        self.now()?.settle(wake, head, next).await
    }

    async fn get(&self, key: &RecordKey) -> Result<Option<Record>, store::Error> {
        self.now()?.get(key).await
    }

    async fn put_if(&self, key: &RecordKey, version: u64, at: Timestamp, body: Vec<u8>) -> Result<PutOutcome, store::Error> {
        self.now()?.put_if(key, version, at, body).await
    }

    async fn history(&self, key: &RecordKey, before: Option<u64>, limit: usize) -> Result<Vec<Record>, store::Error> {
        self.now()?.history(key, before, limit).await
    }

    async fn records(
        &self,
        org: &str,
        collection: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Record)>, store::Error> {
        self.now()?.records(org, collection, prefix, after, limit).await
    }

    async fn entities(&self, after: Option<&Entity>, limit: usize) -> Result<Vec<Standing>, store::Error> {
        self.now()?.entities(after, limit).await
    }

    async fn record_keys(&self, after: Option<&RecordKey>, limit: usize) -> Result<Vec<RecordKey>, store::Error> {
        self.now()?.record_keys(after, limit).await
    }

    async fn forget_versions(&self, key: &RecordKey) -> Result<(), store::Error> {
        self.now()?.forget_versions(key).await
    }

    async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, store::Error> {
        self.now()?.listings(after, limit).await
    }
}

/// Store, clock and world: what outlives a server.
#[derive(Clone)]
pub(crate) struct Setting {
    pub store: Arc<Spy>,
    pub clock: Clock,
    pub options: Options,
}

impl Setting {
    pub fn new() -> Self {
        Self::with(0, Plan::default())
    }

    pub fn with(seed: u64, plan: Plan) -> Self {
        let start = chrono::DateTime::from_timestamp(1_700_000_000, 0).expect("an instant");
        let backoff = Backoff { attempts: 4, ..Backoff::default() };
        let options = Options { backoff, lease: Duration::from_secs(60), ..Options::default() };
        Self { store: Spy::new(seed, plan), clock: Clock::manual(start), options }
    }

    pub fn server(&self) -> Server {
        self.server_in(Arc::default())
    }

    /// A server whose host has no adapter.
    pub fn bare_server(&self) -> Server {
        let arbiter = Arbiter::new();
        let host = self.host(&arbiter);
        Server { host, world: Arc::default(), arbiter: Some(arbiter), patience: Duration::from_secs(10), setting: self.clone() }
    }

    fn host(&self, arbiter: &Arbiter) -> Host<Order> {
        let metrics = Metrics::new(&prometheus::Registry::new()).expect("an empty registry");
        Host::new(self.store.clone(), self.clock.clone(), self.options.clone(), metrics, vec![arbiter.handle()])
    }

    /// A server on one thread of its own. Its world is `world`, which others may share.
    pub fn server_in(&self, world: Arc<World>) -> Server {
        let arbiter = Arbiter::new();
        let host = self.host(&arbiter);
        host.perform_with(world.clone());
        *world.host.lock() = Some(host.clone());
        Server { host, world, arbiter: Some(arbiter), patience: Duration::from_secs(10), setting: self.clone() }
    }

    pub async fn journal(&self, id: Uuid) -> Vec<Line<Event>> {
        journal::read(self.store.faulty().inner(), &self.options.sealer, &entity(id)).await.expect("a whole journal")
    }

    /// Everything that the store holds of an entity, as bytes.
    pub async fn bytes(&self, id: Uuid) -> Vec<Vec<u8>> {
        let store = self.store.faulty().inner();
        let mut all: Vec<_> = store.entries(&entity(id), 1, 1_000).await.unwrap().into_iter().map(|entry| entry.body).collect();
        all.extend(store.load(&entity(id)).await.unwrap().and_then(|loaded| loaded.snapshot).map(|snapshot| snapshot.body));
        all.extend(store.key(&entity(id)).await.unwrap());
        all
    }

    pub async fn facts(&self, id: Uuid) -> Vec<Fact<Event>> {
        self.journal(id).await.into_iter().filter_map(|line| line.fact).collect()
    }

    /// The wake-up of an entity in the index.
    pub async fn wake_of(&self, id: Uuid) -> Option<Timestamp> {
        let wakes =
            self.store.faulty().inner().due(0..store::SHARDS, Timestamp::MAX_UTC, 10_000).await.expect("the model answers");
        wakes.into_iter().find(|wake| wake.entity.id == id).map(|wake| wake.due)
    }
}

pub(crate) struct Server {
    pub host: Host<Order>,
    pub world: Arc<World>,
    /// `None` once it is killed.
    arbiter: Option<Arbiter>,
    /// How long its actors may take to end at the end of the test.
    pub patience: Duration,
    setting: Setting,
}

impl Server {
    pub async fn ask(&self, id: Uuid, command: Cmd) -> Result<Arc<Order>, Error> {
        self.host.ask(ORGANIZATION, id, command).await
    }

    /// An order that is open for a day.
    pub async fn open(&self) -> Uuid {
        let id = Uuid::new_v4();
        self.ask(id, Cmd::Create { seconds: 86_400 }).await.expect("created");
        id
    }

    pub async fn read(&self, id: Uuid) -> Arc<Order> {
        self.host.read(ORGANIZATION, id).await.expect("readable")
    }

    /// Looks at every entity that is due, as the timer does.
    pub async fn fire(&self) -> Vec<Result<Woken, String>> {
        let store = self.setting.store.faulty().inner();
        let due = store.due(0..store::SHARDS, self.setting.clock.now(), 10_000).await.expect("the model answers");
        let mut all = Vec::new();
        for wake in due {
            let woken = self.host.wake(&wake.entity).await;
            if let Ok(Woken { head: Some(head), next, committed: false }) = woken {
                store.settle(&wake, head, next).await.expect("the model answers");
            }
            all.push(woken);
        }
        all
    }

    pub fn timer(&self, options: TimerOptions) -> Timer {
        let metrics = Metrics::new(&prometheus::Registry::new()).expect("an empty registry");
        let store: Arc<dyn Store> = self.setting.store.clone();
        Timer::start(store, self.setting.clock.clone(), metrics, vec![Arc::new(self.host.clone())], options)
    }

    /// Messages that wait for a process or are handled.
    pub fn queued(&self, id: Uuid) -> usize {
        self.host.registry(|registry| registry.slots.get(&entity(id)).map_or(0, |slot| slot.queued.load(Ordering::Acquire)))
    }

    pub fn is_busy(&self) -> bool {
        self.host.registry(|registry| registry.is_busy())
    }

    /// Ends the thread of the actors under the host's feet.
    pub fn stop_actors(&self) {
        let arbiter = self.arbiter.as_ref().expect("it was not killed");
        arbiter.stop();
        while arbiter.spawn_fn(|| ()) {
            std::thread::yield_now();
        }
    }

    /// Ends it as `kill -9` would: what is under way is dropped wherever it stands.
    pub fn kill(mut self) {
        let arbiter = self.arbiter.take().expect("a server ends once");
        arbiter.stop();
        arbiter.join().expect("the thread ends");
        assert_eq!(self.host.actors(), 0, "an actor outlives its server");
    }
}

/// A test must not leave actors running: what they do once it is over, nobody looks at. Who wants work under way to be cut off kills the
/// server.
impl Drop for Server {
    fn drop(&mut self) {
        let Some(arbiter) = self.arbiter.take() else { return };
        if !std::thread::panicking() && arbiter.spawn_fn(|| ()) {
            let deadline = std::time::Instant::now() + self.patience;
            let wait_for = |what: &str, is_so: &dyn Fn() -> bool| {
                while !is_so() {
                    assert!(std::time::Instant::now() < deadline, "at the end of the test {what}");
                    std::thread::yield_now();
                }
            };
            wait_for("actors are at work", &|| !self.is_busy());
            self.host.registry(Registry::let_go);
            wait_for("actors are left running", &|| self.host.actors() == 0);
        }
        arbiter.stop();
    }
}

pub(crate) fn entity(id: Uuid) -> Entity {
    Entity::new(ORGANIZATION, Order::KIND, id)
}

/// Waits for what other threads are about to bring about, and no longer; fails if they do not.
pub(crate) async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..10_000 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("never came about: {what}");
}
