//! Several servers on one store, on a real CQL server of one node or three: what was acknowledged is there once, and everything
//! that was begun comes to its end, whatever dies.
//!
//! The seed of the moments is printed; `RUBRICA_NODES_SEED` takes it up again. `RUBRICA_NODES_SCALE` makes the tests so many times longer.

#[path = "../lives/mod.rs"]
mod lives;
#[path = "../delivery/receivers.rs"]
mod receivers;
#[path = "../support/mod.rs"]
mod support;

mod database;
mod fleet;
mod kills;
mod takeover;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cql_server::Random;
use tokio::sync::{Mutex, MutexGuard};

use fleet::{Fleet, Gateway};
use lives::{
    ENDING, Load,
    api::Api,
    client::{identification_path, process_path},
    journals,
    ledger::Ledger,
};

/// Longest time until wake-ups are another node's, on a busy machine.
const TAKEOVER: Duration = Duration::from_secs(60);

/// Between two looks at what is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// One of these tests at a time: each has several servers at work.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// # Panics
/// If the environment names a seed that is no number.
fn seeded() -> Random {
    let seed = match std::env::var("RUBRICA_NODES_SEED") {
        Ok(seed) => seed.parse().expect("RUBRICA_NODES_SEED is a number"),
        Err(_) => uuid::Uuid::new_v4().as_u64_pair().0,
    };
    println!("RUBRICA_NODES_SEED={seed}");
    Random(seed)
}

fn scale() -> usize {
    std::env::var("RUBRICA_NODES_SCALE").map_or(1, |scale| scale.parse().expect("RUBRICA_NODES_SCALE is a number"))
}

/// Runs what blocks.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

/// Looks until it holds.
///
/// # Panics
/// When `within` has passed; names what was waited for.
async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < within, "waited {within:?} in vain for {what}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    began.elapsed()
}

/// Whether a process, and every identification of its signers, is at its end.
async fn is_over(api: &Api, process: uuid::Uuid) -> bool {
    let found = api.get(&process_path(process)).await.expect(200, "a process").json();
    match found["status"].as_str() {
        Some("CREATED" | "SIGNED") => return false,
        Some("CERTIFIED" | "CANCELLED") => {}
        _ => panic!("process {process} ended otherwise: {found}"),
    }
    for signature in found["signatures"].as_array().expect("signatures") {
        let id = signature["identification"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an identification");
        let identification = api.get(&identification_path(id)).await.expect(200, "an identification").json();
        if !matches!(identification["state"].as_str(), Some("SUCCEEDED" | "CANCELLED")) {
            return false;
        }
    }
    true
}

/// Everything that has to hold after the faults: clients end their lives, processes come to their ends, what was acknowledged is there,
/// and the tables hold whole journals.
async fn finish(fleet: Fleet, api: &Api, load: Load, gateway: &Arc<Gateway>) {
    let (ledger, lives) = load.end().await;
    for process in ledger.processes() {
        until("a process to be at its end", ENDING, async || is_over(api, process.id).await).await;
    }
    ledger.check(api).await;
    let (kills, servers) = (fleet.kills, fleet.len());
    let summary = blocking(|| {
        assert_eq!(fleet.metric("rubrica_quarantined_processes"), 0, "a process was set aside");
        let of = |name| fleet.metric(name);
        format!(
            "{servers} servers, {kills} kills; of those that run now: {} commands, {} conflicts, {} unknown outcomes, {} shards taken over",
            of("rubrica_commands_total"),
            of("rubrica_conflicts_total"),
            of("rubrica_store_unknown_total"),
            of("rubrica_wake_shard_takeovers_total"),
        )
    });
    let store = blocking(|| fleet.stop());
    read_tables(&store, &ledger).await;
    println!("{summary}; lives of the clients: {lives:?}; certified: {}; messages: {}", ledger.complete().len(), gateway.check());
    assert!(!ledger.complete().is_empty(), "no process was signed by all: the load was too small to prove anything");
    assert!(lives.iter().all(|lives| *lives > 0), "a client did nothing");
}

/// Reads all journals from the tables.
async fn read_tables(store: &support::Store, ledger: &Ledger) {
    let tables = store.open().await;
    let found = journals::check(&tables, &store.sealer(), &[], TAKEOVER, ledger).await;
    let journals::Found { processes, identifications, entries, .. } = found;
    println!("journals: {processes} processes, {identifications} identifications, {entries} entries");
    tables.close().await;
}
