//! The database itself fails, in part or whole.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use cql_server::{Cluster, Options};
use parking_lot::Mutex;
use serde_json::json;
use uuid::Uuid;

use crate::{
    alone, blocking, finish,
    fleet::{Fleet, Gateway, metric},
    lives::{Load, api::Api, client::identification_path, ledger::Ledger},
    seeded,
    support::{Server, Store},
    takeover::{Waiting, waiting},
    until,
};

/// Clients that live identifications, and that live sign processes.
const CLIENTS: (usize, usize) = (3, 2);

/// How long one of three nodes is away.
const NODE_AWAY: Duration = Duration::from_secs(10);

/// How long the only node is away.
const AWAY: Duration = Duration::from_secs(20);

/// Longest time of any answer while it is.
const LONGEST_ANSWER: Duration = Duration::from_secs(12);

/// Longest time until the service is back once the database answers.
const BACK: Duration = Duration::from_secs(20);

/// The bound of `fleet`'s configuration.
const MAX_IN_FLIGHT: u64 = 64;

fn cluster(nodes: usize) -> Cluster {
    Cluster::start(nodes, &Options::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// What was acknowledged so far, as a number that grows.
fn acknowledged(ledger: &Ledger) -> usize {
    ledger.identifications().len() + ledger.documents().len() + ledger.processes().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_database_nodes_one_dies_and_comes_back_under_load() {
    let _alone = alone().await;
    let mut random = seeded();
    let gateway = Gateway::start().await;
    let mut database = blocking(|| cluster(3));
    let store = Store::at(database.contact_points(), 3);
    let fleet = blocking(|| Fleet::start(store, 2, &gateway));
    let api = Api::new(fleet.living());
    let load = Load::start(&api, gateway.clone(), true, CLIENTS);
    let ledger = load.ledger.clone();
    until("the load to be under way", Duration::from_secs(60), async || acknowledged(&ledger) > 4).await;

    let node = random.below(3) as usize;
    blocking(|| database.kill(node)).expect("the node is killed");
    let killed = Instant::now();
    let before = acknowledged(&ledger);
    // Some moments of "try later" are fine; then the other two serve.
    let first = until("service with two of three nodes", Duration::from_secs(30), async || acknowledged(&ledger) > before).await;
    tokio::time::sleep(NODE_AWAY.saturating_sub(killed.elapsed())).await;
    load.assert_alive();
    let meanwhile = acknowledged(&ledger) - before;
    blocking(|| database.start_again(node)).unwrap_or_else(|error| panic!("{error}"));
    tokio::time::sleep(NODE_AWAY / 2).await;
    load.assert_alive();
    println!("node {node} was away; the first acknowledgement without it after {first:?}, {meanwhile} in all");
    finish(fleet, &api, load, &gateway).await;
}

/// What one call got while the database was away.
struct Probe {
    status: u16,
    retry_after: Option<String>,
    took: Duration,
}

/// Asks one server again and again, for something that needs the store.
async fn probe(base: String, token: String, path: String, probes: Arc<Mutex<Vec<Probe>>>, stop: Arc<AtomicBool>) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().expect("a client");
    let creation = json!({
        "actor": {"name": "Ana", "msisdn": {"phone_number": 699_999_999, "country_code": "34"}},
        "expires_in": "P1D", "channel": {"type": "SMS"},
    });
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let request = match turn % 2 {
            0 => http.get(format!("{base}{path}")),
            _ => http.post(format!("{base}/v1/orgs/acme/identifications/otp")).json(&creation),
        };
        let began = Instant::now();
        let answer = request.bearer_auth(&token).send().await.expect("an answer, whatever it says");
        let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        probes.lock().push(Probe { status: answer.status().as_u16(), retry_after, took: began.elapsed() });
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn address(server: &Server) -> (String, String) {
    (server.base().to_owned(), server.bearer().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_away_is_503_and_its_return_brings_no_herd() {
    let _alone = alone().await;
    let _ = seeded();
    let gateway = Gateway::start().await;
    let mut database = blocking(|| cluster(1));
    let store = Store::at(database.contact_points(), 1);
    let fleet = blocking(|| Fleet::start(store.clone(), 2, &gateway));
    let api = Api::new(fleet.living());
    let load = Load::start(&api, gateway.clone(), true, CLIENTS);
    let ledger = load.ledger.clone();
    until("the load to be under way", Duration::from_secs(60), async || acknowledged(&ledger) > 4).await;
    // These fall due while nobody can look at them.
    let sleepers: Vec<Waiting> = waiting(&api, 200, "PT15S").await;

    blocking(|| database.stop(0)).expect("the node stops");
    let stopped = Instant::now();
    let (probes, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let probing: Vec<_> = fleet
        .living()
        .map(|server| {
            let (base, token) = address(server);
            let path = identification_path(Uuid::now_v7());
            tokio::spawn(probe(base, token, path, probes.clone(), stop.clone()))
        })
        .collect();
    let mut most_in_flight = 0;
    while stopped.elapsed() < AWAY {
        most_in_flight = most_in_flight
            .max(blocking(|| fleet.living().map(|server| metric(server, "rubrica_store_in_flight")).max()).unwrap_or(0));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let while_away = probes.lock().drain(..).collect::<Vec<_>>();
    blocking(|| database.start_again(0)).unwrap_or_else(|error| panic!("{error}"));
    let answers = Instant::now();
    // A call that began before may end now.
    let back = until("service after the database is back", BACK, async || {
        most_in_flight = most_in_flight
            .max(blocking(|| fleet.living().map(|server| metric(server, "rubrica_store_in_flight")).max()).unwrap_or(0));
        probes.lock().iter().filter(|probe| probe.status == 201).count() >= 4
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    for probing in probing {
        probing.await.expect("every call is answered");
    }
    assert!(!while_away.is_empty());
    for probe in while_away.iter().chain(&*probes.lock()) {
        assert!(probe.took < LONGEST_ANSWER, "an answer took {:?}", probe.took);
        assert!(matches!(probe.status, 201 | 404 | 503), "it said {}", probe.status);
        assert!(probe.status != 503 || probe.retry_after.is_some(), "503 without Retry-After");
    }
    let refused = while_away.iter().filter(|probe| probe.status == 503).count();
    assert!(refused * 2 > while_away.len(), "{refused} of {} calls were refused", while_away.len());
    let slowest = while_away.iter().map(|probe| probe.took).max().unwrap_or_default();

    let tables = store.open().await;
    let fired = until("what fell due meanwhile", Duration::from_secs(60), async || {
        for sleeper in &sleepers {
            if !sleeper.has_expired(&tables).await {
                return false;
            }
        }
        true
    })
    .await;
    drop(tables);
    assert!(most_in_flight <= MAX_IN_FLIGHT, "{most_in_flight} statements at once");
    println!(
        "away for {:?}: {refused} of {} calls refused, the slowest after {slowest:?}; back {back:?} after the database, what was due {fired:?} \
         later; at most {most_in_flight} statements at once",
        answers - stopped,
        while_away.len()
    );
    drop(store);
    finish(fleet, &api, load, &gateway).await;
}
