//! What was acknowledged survives the death of the server at any moment, and what was begun comes to its end.
//!
//! A server of its own is killed again and again while clients use it, and started again on the same folder. The seed of the moments
//! is printed; `RUBRICA_CRASH_SEED` takes it up again.

#[path = "../lives/mod.rs"]
mod lives;
#[path = "../support/mod.rs"]
mod support;

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cql_server::Random;
use reqwest::Method;
use serde_json::json;

use lives::{
    ENDING, Load,
    api::{self, Api},
    client::{Outbox, process_path},
    journals,
    ledger::Ledger,
};
use support::{Keeps, Options, Server};

/// Kills while clients are at work.
const KILLS: usize = 40;

/// Of the restarts, one in so many is killed while it still starts, beside [`KILLS`].
const EARLY: u64 = 5;

/// Clients that live identifications, and that live sign processes.
const CLIENTS: (usize, usize) = (5, 4);

/// Longest time until wake-ups that a killed server looked after on a shared store are another one's, on a busy machine.
const TAKEOVER: Duration = Duration::from_secs(60);

/// Another code can be asked for at once: a client whose server was killed does so.
const CONFIGURATION: &str = "[codes]\nper_destination_and_hour = 0\nper_organization_and_minute = 0\nchallenges = 20\ncooldown_seconds = [0]\n[server]\nshutdown = \"PT20S\"\n[log]\nfilter = \"warn\"\n";

/// # Panics
/// If the environment names a seed that is no number.
fn seeded() -> Random {
    let seed = match std::env::var("RUBRICA_CRASH_SEED") {
        Ok(seed) => seed.parse().expect("RUBRICA_CRASH_SEED is a number"),
        Err(_) => uuid::Uuid::new_v4().as_u64_pair().0,
    };
    println!("RUBRICA_CRASH_SEED={seed}");
    Random(seed)
}

/// Moves process time over leases and back-offs.
async fn advance(api: &Api, by: &str) {
    api.post("/sandbox/clock", json!({"advance": by})).await.expect(200, "moving the clock");
}

/// Waits until all processes that got all they need are certified.
async fn certified(api: &Api, ledger: &Ledger) {
    let until = Instant::now() + ENDING;
    let mut open = ledger.complete();
    while !open.is_empty() {
        assert!(Instant::now() < until, "processes are not certified after {ENDING:?}: {open:?}");
        // Over the lease of what a killed server had begun, and over back-offs.
        advance(api, "PT1M").await;
        let mut still = Vec::new();
        for id in open {
            let found = api.get(&process_path(id)).await.expect(200, "a process").json();
            match found["status"].as_str() {
                Some("CERTIFIED") => {}
                Some("SIGNED" | "CREATED") => still.push(id),
                _ => panic!("process {id} ended otherwise: {found}"),
            }
        }
        open = still;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A server on the folder. Starting it blocks, which the clients must not notice.
fn start(options: &Options) -> Server {
    tokio::task::block_in_place(|| Server::start_with(options.clone()))
}

fn options(data: &Path) -> Options {
    let keeps = tokio::task::block_in_place(Keeps::as_asked);
    Options { data: Some(data.to_owned()), config: Some(CONFIGURATION.to_owned()), keeps, observer: None }
}

/// Everything that has to hold after the clients have ended.
async fn check(server: Server, api: &Api, load: Load) {
    let (ledger, lives) = load.end().await;
    certified(api, &ledger).await;
    ledger.check(api).await;
    let metrics =
        String::from_utf8(api.ask(Method::GET, "/metrics", api::Body::None).await.expect(200, "metrics").body).expect("text");
    let quarantined = metrics.lines().filter(|line| line.starts_with("rubrica_quarantined_processes{"));
    assert!(quarantined.clone().all(|line| line.ends_with(" 0")), "{:?}", quarantined.collect::<Vec<_>>());
    let (data, keeps) = (server.data().to_owned(), server.keeps().clone());
    server.kill();
    let store = keeps.open(&data).await;
    let takeover = if matches!(keeps, Keeps::Shared(_)) { TAKEOVER } else { Duration::ZERO };
    let found = journals::check(&*store, &keeps.sealer(&data), &[data], takeover, &ledger).await;
    let journals::Found { processes, identifications, entries, messages } = found;
    println!("lives of the clients: {lives:?}; certified: {}", ledger.complete().len());
    println!("journals: {processes} processes, {identifications} identifications, {entries} entries; messages: {messages}");
    assert!(!ledger.complete().is_empty(), "no process was signed by all: the load was too small to prove anything");
    assert!(lives.iter().all(|lives| *lives > 0), "a client did nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kills_at_any_moment() {
    let mut random = seeded();
    let folder = tempfile::tempdir().expect("a folder");
    let options = options(folder.path());
    let mut server = start(&options);
    let api = Api::new([&server]);
    let load = Load::start(&api, Arc::new(Outbox(api.clone())), false, CLIENTS);
    for kill in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(50 + random.below(900))).await;
        load.assert_alive();
        server.kill();
        if random.below(EARLY) == 0 {
            let after = Duration::from_millis(random.below(150));
            tokio::task::block_in_place(|| Server::kill_while_it_starts(options.clone(), after));
        }
        server = start(&options);
        api.moved([&server]);
        // What the killed server had begun is taken up after its lease; without this, that would wait for 30 s.
        if kill % 2 == 0 {
            advance(&api, "PT31S").await;
        }
    }
    check(server, &api, load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_told_to_stop_ends_well_and_loses_nothing() {
    let mut random = seeded();
    let folder = tempfile::tempdir().expect("a folder");
    let options = options(folder.path());
    let mut server = start(&options);
    let api = Api::new([&server]);
    let load = Load::start(&api, Arc::new(Outbox(api.clone())), false, CLIENTS);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(500 + random.below(1_000))).await;
        load.assert_alive();
        let began = Instant::now();
        let status = tokio::task::block_in_place(|| server.terminate());
        assert_eq!(status.code(), Some(0), "{status}");
        // Requests may use up the time that the configuration gives, and then effects.
        assert!(began.elapsed() < Duration::from_secs(45), "going down took {:?}", began.elapsed());
        server = start(&options);
        api.moved([&server]);
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
    check(server, &api, load).await;
}
