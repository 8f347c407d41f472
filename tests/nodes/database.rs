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
use store::scylla::Scylla;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{
    alone, blocking, finish,
    fleet::{Fleet, Gateway, metric, metric_of},
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

/// Processes that fall due while the database is away.
const SLEEPERS: usize = 200;

/// Most statements for a call while the database is away, and some for what was under way; and when it is back for a call, and for a
/// process that fell due meanwhile, with all that they bring about. However long it is away, who waits for it must not pile up tries, nor
/// make up for them afterwards.
const PER_REFUSED: u64 = 2;
const UNDER_WAY: u64 = 300;
const PER_CALL: u64 = 10;
const PER_SLEEPER: u64 = 10;

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
    what: &'static str,
    status: u16,
    retry_after: Option<String>,
    took: Duration,
}

/// Calls that need the store, to each server again and again.
struct Probes {
    taken: Arc<Mutex<Vec<Probe>>>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Probes {
    fn start(fleet: &Fleet) -> Self {
        let (taken, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let server = |server: &Server| {
            let (base, token) = (server.base().to_owned(), server.bearer().to_owned());
            // A call that hangs must not keep the others from being made.
            [0, 1, 2].map(|turn| tokio::spawn(probe(turn, base.clone(), token.clone(), Arc::clone(&taken), Arc::clone(&stop))))
        };
        let tasks = fleet.living().flat_map(server).collect();
        Self { taken, stop, tasks }
    }

    /// What was taken since the last call.
    fn take(&self) -> Vec<Probe> {
        std::mem::take(&mut *self.taken.lock())
    }

    /// Waits for every call under way.
    async fn end(self) -> Vec<Probe> {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("every call is answered");
        }
        std::mem::take(&mut *self.taken.lock())
    }
}

async fn probe(turn: usize, base: String, token: String, taken: Arc<Mutex<Vec<Probe>>>, stop: Arc<AtomicBool>) {
    let http = reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().expect("a client");
    let creation = json!({
        "actor": {"name": "Ana", "msisdn": {"phone_number": 699_999_999, "country_code": "34"}},
        "expires_in": "P1D", "channel": {"type": "SMS"},
    });
    let pdf = documents::fixtures::contract(&[]);
    while !stop.load(Ordering::Relaxed) {
        let (what, request) = match turn {
            0 => ("reading", http.get(format!("{base}{}", identification_path(Uuid::now_v7())))),
            1 => ("creating", http.post(format!("{base}/v1/orgs/acme/identifications/otp")).json(&creation)),
            _ => {
                let (kind, body) = upload(&pdf);
                ("uploading", http.post(format!("{base}/v1/orgs/acme/documents")).header("content-type", kind).body(body))
            }
        };
        let began = Instant::now();
        let answer = request.bearer_auth(&token).send().await.expect("an answer, whatever it says");
        let retry_after = answer.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        taken.lock().push(Probe { what, status: answer.status().as_u16(), retry_after, took: began.elapsed() });
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A form with a document of its own, and its media type.
fn upload(pdf: &[u8]) -> (String, Vec<u8>) {
    let boundary = Uuid::new_v4().simple().to_string();
    let mut form = Vec::new();
    for (name, value) in [("name", b"contract".as_slice()), ("extension", b"pdf"), ("content", pdf)] {
        let file = if name == "content" { "; filename=\"contract.pdf\"" } else { "" };
        form.extend(format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes());
        form.extend(value);
        form.extend(b"\r\n");
    }
    form.extend(format!("--{boundary}--\r\n").into_bytes());
    (format!("multipart/form-data; boundary={boundary}"), form)
}

/// Holds each answer against what may be said to a caller.
fn check(probes: &[Probe]) {
    for Probe { what, status, retry_after, took } in probes {
        assert!(*took < LONGEST_ANSWER, "{what}: an answer took {took:?}");
        assert!(matches!(status, 201 | 404 | 503), "{what}: it said {status}");
        assert!(*status != 503 || retry_after.is_some(), "{what}: 503 without Retry-After");
    }
}

/// How the database is away.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Absence {
    /// Its process stands still: connections stay open and nothing answers.
    StandsStill,
    /// Its process has ended: nobody listens.
    Stopped,
}

/// Takes the database away and brings it back. Gives the most statements that were under way in one server at a time, and what was
/// done when it came back.
async fn away(absence: Absence, database: &mut Cluster, fleet: &Fleet) -> (u64, Work) {
    let before = blocking(|| Work::of(fleet));
    let in_flight = || blocking(|| fleet.living().map(|server| metric(server, "rubrica_store_in_flight")).max().unwrap_or(0));
    let gone = Instant::now();
    match absence {
        Absence::StandsStill => database.pause(0).expect("the node stands still"),
        Absence::Stopped => blocking(|| database.stop(0)).expect("the node stops"),
    }
    let probes = Probes::start(fleet);
    let mut most = 0;
    while gone.elapsed() < AWAY {
        most = most.max(in_flight());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let refused = probes.take();
    let work = blocking(|| Work::of(fleet));
    let Work { calls, statements } = work.since(&before);
    println!("{absence:?}: {statements} statements for {calls} calls while it is away");
    assert!(statements <= calls * PER_REFUSED + UNDER_WAY, "{statements} statements for {calls} calls");
    match absence {
        Absence::StandsStill => database.resume(0).expect("the node goes on"),
        Absence::Stopped => blocking(|| database.start_again(0)).unwrap_or_else(|error| panic!("{error}")),
    }
    let was_away = gone.elapsed();
    let mut after = probes.take();
    let from = after.len();
    let back = until("service after the database is back", BACK, async || {
        most = most.max(in_flight());
        after.extend(probes.take());
        ["creating", "uploading"]
            .iter()
            .all(|what| after[from..].iter().filter(|probe| probe.what == *what && probe.status == 201).count() >= 2)
    })
    .await;
    after.extend(probes.end().await);
    check(&refused);
    check(&after);
    assert!(!refused.is_empty() && refused.iter().all(|probe| probe.status == 503), "the store was needed and not there");
    let slowest = refused.iter().chain(&after).map(|probe| probe.took).max().unwrap_or_default();
    println!(
        "{absence:?} for {was_away:?}: {} calls refused, the slowest answer after {slowest:?}; back after {back:?}; at most {most} statements at once",
        refused.len()
    );
    (most, work)
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

    for absence in [Absence::StandsStill, Absence::Stopped] {
        // These fall due while nobody can look at them.
        let sleepers: Vec<Waiting> = waiting(&api, SLEEPERS, "PT15S").await;
        let (most, before) = away(absence, &mut database, &fleet).await;
        assert!(most <= MAX_IN_FLIGHT, "{most} statements at once");
        load.assert_alive();
        let tables = store.open().await;
        let fired =
            until("what fell due meanwhile", Duration::from_secs(60), async || all_expired(&sleepers, &tables).await).await;
        let Work { calls, statements } = blocking(|| Work::of(&fleet)).since(&before);
        println!(
            "what fell due meanwhile was looked at {fired:?} later; {statements} statements for {calls} calls and {SLEEPERS} wake-ups since it is back"
        );
        assert!(statements <= calls * PER_CALL + SLEEPERS as u64 * PER_SLEEPER, "{statements} statements for {calls} calls");
    }
    drop(store);
    finish(fleet, &api, load, &gateway).await;
}

/// What the servers were asked, and what they asked the database for it.
struct Work {
    calls: u64,
    statements: u64,
}

impl Work {
    fn of(fleet: &Fleet) -> Self {
        let sum = |name, wanted: &dyn Fn(&str) -> bool| fleet.living().map(|server| metric_of(server, name, wanted)).sum();
        // What looks for wake-ups goes by the clock, whatever happens.
        let is_by_clock = |labels: &str| ["\"wake_scan", "\"wake_bucket", "\"lease_"].iter().any(|name| labels.contains(name));
        Self {
            calls: sum("rubrica_http_requests_total", &|labels| labels.contains("/v1/")),
            statements: sum("rubrica_store_statement_seconds_count", &|labels| !is_by_clock(labels)),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self { calls: self.calls - before.calls, statements: self.statements - before.statements }
    }
}

async fn all_expired(sleepers: &[Waiting], tables: &Scylla) -> bool {
    for sleeper in sleepers {
        if !sleeper.has_expired(tables).await {
            return false;
        }
    }
    true
}
