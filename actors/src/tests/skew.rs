//! Two servers whose clocks differ by seconds, on one keyspace of a real CQL server.

use std::{sync::Arc, time::Duration};

use actix::Arbiter;
use cql_server::Keyspace;
use store::{
    Store,
    scylla::{Options as Engine, Scylla, migrate},
};
use uuid::Uuid;

use crate::{
    Clock, Host, Metrics, Options, Timer, TimerOptions,
    journal::{self, Line, Sealer},
    testing::{Cmd, Event, ORGANIZATION, Order, Phase, Want, World, entity},
};

/// How far the second server's clock is ahead.
const SKEW: chrono::Duration = chrono::Duration::seconds(5);

/// Orders that each server opens.
const ORDERS: usize = 30;

/// How long an order is open, in seconds.
const OPEN: i64 = 4;

/// Longest wait for wake-ups, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Node {
    store: Arc<Scylla>,
    host: Host<Order>,
    timer: Timer,
    arbiter: Arbiter,
}

impl Node {
    async fn start(keyspace: &Keyspace, clock: Clock, world: &Arc<World>) -> Self {
        let engine = Engine { replication: 1, ..Engine::new(cql_server::shared().contact_points().to_vec(), keyspace.name()) };
        migrate(&engine).await.expect("a schema");
        let store = Arc::new(Scylla::open(&engine, &prometheus::Registry::new()).await.expect("the engine opens"));
        let metrics = Metrics::new(&prometheus::Registry::new()).expect("an empty registry");
        let arbiter = Arbiter::new();
        let options = Options { shared_store: true, ..Options::default() };
        let host = Host::new(store.clone(), clock.clone(), options, metrics.clone(), vec![arbiter.handle()]);
        host.perform_with(world.clone());
        let timer = TimerOptions { every: Duration::from_millis(100), ..TimerOptions::default() };
        let timer = Timer::start(store.clone(), clock, metrics, vec![Arc::new(host.clone())], timer);
        Self { store, host, timer, arbiter }
    }

    async fn ask(&self, id: Uuid, command: Cmd) -> Arc<Order> {
        self.host.ask(ORGANIZATION, id, command).await.expect("an answer")
    }

    async fn stop(self) {
        self.timer.stop().await;
        assert!(self.host.drain(PATIENCE).await, "effects are under way");
        self.store.close().await;
        self.arbiter.stop();
        self.arbiter.join().expect("the thread ends");
    }
}

async fn journal_of(store: &dyn Store, id: Uuid) -> Vec<Line<Event>> {
    journal::read(store, &Sealer::default(), &entity(id)).await.expect("a whole journal")
}

fn expiries(lines: &[Line<Event>]) -> usize {
    lines.iter().filter(|line| line.event() == Some(&Event::Expired)).count()
}

#[actix::test]
async fn clocks_five_seconds_apart_fire_every_wake_up_once_and_no_journal_goes_back_in_time() {
    // given two servers, one ahead, that share the wake-ups
    tokio::task::spawn_blocking(cql_server::shared).await.expect("a CQL server");
    let keyspace = Keyspace::take().await.expect("a keyspace");
    let world: Arc<World> = Arc::default();
    let ahead = Clock::system();
    ahead.advance(SKEW);
    let nodes = [Node::start(&keyspace, Clock::system(), &world).await, Node::start(&keyspace, ahead, &world).await];

    // when each opens orders, the other one works on them too, and nobody looks at their ends but the timers
    let mut orders = Vec::new();
    for number in 0..2 * ORDERS {
        let (first, second) = (&nodes[number % 2], &nodes[1 - number % 2]);
        let id = Uuid::new_v4();
        first.ask(id, Cmd::Create { seconds: OPEN + SKEW.num_seconds() }).await;
        let seen = second.ask(id, Cmd::AddAnd(1, Want::Code)).await;
        assert_eq!((seen.phase, seen.items.len()), (Phase::Open, 1));
        let seen = first.host.read(ORGANIZATION, id).await.expect("readable");
        assert_eq!(seen.items, [1], "a server does not see what another one was asked before");
        orders.push(id);
    }
    let until = tokio::time::Instant::now() + PATIENCE;
    for id in &orders {
        while expiries(&journal_of(&*nodes[0].store, *id).await) == 0 {
            assert!(tokio::time::Instant::now() < until, "the end of order {id} has not been looked at");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    // then each has ended once, also for the server that is behind, and what comes after is not before
    for id in &orders {
        for node in &nodes {
            let seen = node.ask(*id, Cmd::Result("late".to_owned())).await;
            assert_eq!(seen.phase, Phase::Expired);
        }
        let lines = journal_of(&*nodes[1].store, *id).await;
        assert_eq!(expiries(&lines), 1, "{lines:?}");
        assert!(lines.windows(2).all(|pair| pair[0].at <= pair[1].at), "a journal goes back in time: {lines:?}");
        assert!(lines.iter().filter(|line| line.event() == Some(&Event::Noted("Code done".into()))).count() == 1, "{lines:?}");
    }
    let performed = world.performed();
    assert_eq!(performed.len(), orders.len(), "an effect was not performed");
    assert!(performed.values().all(|times| *times == 1), "an effect was performed twice: {performed:?}");
    for node in nodes {
        node.stop().await;
    }
}
