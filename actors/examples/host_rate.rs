//! How many commands a second a host makes durable on the embedded engine, how much memory waiting processes take, and
//! how late due wake-ups fire. Run it by hand, optimised: `cargo run --release -p actors --example host_rate -- DIR`, with DIR
//! on the disk to be measured (a temporary folder if none is named).

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::Arbiter;
use actors::{Attempt, Call, Clock, Effects, Host, Metrics, Options, Timer, TimerOptions, Wakeable, Woken};
use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::{
    Entity, Store, Timestamp,
    sqlite::{self, Sqlite},
};
use uuid::Uuid;
use workflows::{
    Decision, Machine, Refusal,
    table::{Stage, State},
    transitions,
};

const TASKS: usize = 32;
const RUN: Duration = Duration::from_secs(5);
const WAITING: usize = 100_000;
const DUE_PER_SECOND: i64 = 500;
const DUE_SECONDS: i64 = 10;

/// A task that is opened, and done or overdue: each life is two commands, each command one event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Task {
    until: Option<Timestamp>,
    text: String,
}

#[derive(Clone, Debug)]
enum Order {
    Open { text: String, until: Timestamp },
    Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Done,
}

impl State for Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Done => "DONE",
        }
    }
}

transitions! {
    for Event, in Phase;
    Opened:   [Absent] => Open "open";
    Finished: [Open] => Done "finish, or the time limit passes";
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Event {
    Opened { text: String, until: Timestamp },
    Finished,
}

impl Machine for Task {
    const KIND: &'static str = "task";
    type State = Phase;
    type Command = Order;
    type Event = Event;
    type Effect = ();

    fn stage(&self) -> Stage<Phase> {
        match self.until {
            _ if self.text.is_empty() => Stage::Absent,
            Some(_) => Stage::In(Phase::Open),
            None => Stage::In(Phase::Done),
        }
    }

    fn due_events(&self, now: Timestamp) -> Vec<Event> {
        if self.until.is_some_and(|until| now >= until) { vec![Event::Finished] } else { Vec::new() }
    }

    fn decide(&self, _: Timestamp, command: Order) -> Decision<Self> {
        match (self.until, command) {
            (None, Order::Open { text, until }) => Decision::accept([Event::Opened { text, until }]),
            (Some(_), Order::Finish) => Decision::accept([Event::Finished]),
            _ => Decision::refuse(Refusal::NotFound("order")),
        }
    }

    fn apply(&mut self, _: Timestamp, event: &Event) {
        match event {
            Event::Opened { text, until } => (self.text, self.until) = (text.clone(), Some(*until)),
            Event::Finished => self.until = None,
        }
    }

    fn effects(&self, _: &Event) -> Vec<()> {
        Vec::new()
    }

    fn given_up((): &(), _: &str) -> Option<Order> {
        None
    }

    fn wake_at(&self) -> Option<Timestamp> {
        self.until
    }
}

struct Nothing;

#[async_trait]
impl Effects<Task> for Nothing {
    async fn perform(&self, _: Call<Task>) -> Attempt<Task> {
        Attempt::Done(None)
    }

    fn repeatable(&self, _: &Entity, (): &(), _: &Task) -> bool {
        true
    }

    fn before_answer(&self, (): &()) -> bool {
        false
    }
}

/// The host, with a note of how long after its time each process had been woken.
struct Watched {
    host: Host<Task>,
    clock: Clock,
    due: HashMap<Uuid, Timestamp>,
    late: Mutex<Vec<Duration>>,
}

#[async_trait]
impl Wakeable for Watched {
    fn kind(&self) -> &'static str {
        Task::KIND
    }

    async fn wake(&self, entity: &Entity) -> Result<Woken, String> {
        let woken = self.host.wake(entity).await?;
        if let Some(due) = self.due.get(&entity.id) {
            self.late.lock().push((self.clock.now() - *due).to_std().unwrap_or_default());
        }
        Ok(woken)
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    actix::System::new().block_on(measure())
}

async fn measure() -> Result<(), Failure> {
    let temporary = tempfile::tempdir()?;
    let folder = std::env::args().nth(1).map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let path = folder.join(format!("host_rate-{}.db", std::process::id()));
    let engine = Arc::new(Sqlite::open(&path, sqlite::Options::default())?);
    let metrics = Metrics::new(&prometheus::Registry::new())?;
    let arbiter = Arbiter::new();
    let store: Arc<dyn Store> = engine.clone();
    let options = Options { passivate_after: Duration::from_secs(1), ..Options::default() };
    let clock = Clock::system();
    let host = Host::new(store.clone(), clock.clone(), options, metrics.clone(), vec![arbiter.handle()]);
    host.perform_with(Arc::new(Nothing));
    let sweeper = tokio::spawn({
        let host = host.clone();
        async move {
            loop {
                tokio::time::sleep(Duration::from_secs(1)).await;
                host.sweep();
            }
        }
    });

    println!("{} kB resident at the start", memory());
    rate(&host, &clock).await?;
    waiting(&host, &clock).await?;
    lag(&host, &clock, store, metrics).await?;

    sweeper.abort();
    host.drain(Duration::from_secs(5)).await;
    engine.close();
    for suffix in ["", ".lock", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    Ok(())
}

fn open(until: Timestamp) -> Order {
    Order::Open { text: "x".repeat(200), until }
}

/// Lives of two commands each, by tasks that wait for every answer.
async fn rate(host: &Host<Task>, clock: &Clock) -> Result<(), Failure> {
    let began = Instant::now();
    let lives = (0..TASKS).map(|_| async {
        let mut took = Vec::new();
        while began.elapsed() < RUN {
            let id = Uuid::now_v7();
            for command in [open(clock.now() + chrono::Duration::hours(1)), Order::Finish] {
                let asked = Instant::now();
                host.ask("acme", id, command).await.map_err(|error| error.to_string())?;
                took.push(asked.elapsed());
            }
        }
        Ok::<_, String>(took)
    });
    let took = futures::future::try_join_all(lives).await?.concat();
    println!("{:.0} commands/s with {TASKS} tasks: {}", took.len() as f64 / began.elapsed().as_secs_f64(), spread(took));
    Ok(())
}

/// Processes that wait for an hour: what they leave in memory.
async fn waiting(host: &Host<Task>, clock: &Clock) -> Result<(), Failure> {
    let until = clock.now() + chrono::Duration::hours(1);
    let opens = (0..TASKS).map(|_| async move {
        for _ in 0..WAITING / TASKS {
            host.ask("acme", Uuid::now_v7(), open(until)).await.map_err(|error| error.to_string())?;
        }
        Ok::<_, String>(())
    });
    futures::future::try_join_all(opens).await?;
    println!("{WAITING} processes waiting: {} kB resident with {} actors in memory", memory(), host.resident());
    while host.resident() > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("and {} kB when they have left", memory());
    Ok(())
}

/// Wake-ups at a steady rate: from their time to the end of the look, its append included.
async fn lag(host: &Host<Task>, clock: &Clock, store: Arc<dyn Store>, metrics: Metrics) -> Result<(), Failure> {
    let total = DUE_PER_SECOND * DUE_SECONDS;
    let first = clock.now() + chrono::Duration::seconds(5);
    let due = (0..total).map(|n| (Uuid::now_v7(), first + chrono::Duration::microseconds(n * 1_000_000 / DUE_PER_SECOND)));
    let due: HashMap<Uuid, Timestamp> = due.collect();
    let opens = due.iter().map(|(id, until)| host.ask("acme", *id, open(*until)));
    for open in futures::future::join_all(opens).await {
        open.map_err(|error| error.to_string())?;
    }
    let watched = Arc::new(Watched { host: host.clone(), clock: clock.clone(), due, late: Mutex::default() });
    let timer = Timer::start(store, clock.clone(), metrics, vec![watched.clone()], TimerOptions::default());
    while watched.late.lock().len() < total as usize {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    timer.stop().await;
    let late = std::mem::take(&mut *watched.late.lock());
    println!("{DUE_PER_SECOND} wake-ups/s late by {}", spread(late));
    Ok(())
}

fn spread(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    format!("p50 {:.1?}, p99 {:.1?}, p99.9 {:.1?}, longest {:.1?}", at(0.5), at(0.99), at(0.999), at(1.0))
}

/// Resident memory of this process in kB, where the system tells it.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
