//! How many small commits a second the embedded engine makes durable with 32 tasks, on the disk of the folder named
//! (the current one if none is). Run it by hand, optimised: `cargo run --release -p store --example append_rate -- DIR`.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use store::{
    Commit, CommitOutcome, Entity, Listing, Store, Timestamp,
    sqlite::{Options, Sqlite},
};
use uuid::Uuid;

const TASKS: usize = 32;
const ENTRIES_PER_ENTITY: u64 = 4;
const RUN: Duration = Duration::from_secs(5);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let path = folder.join(format!("append_rate-{}.db", std::process::id()));
    let store = Arc::new(Sqlite::open(&path, Options::default())?);
    let began = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(append(Arc::clone(&store), began + RUN))).collect();
    let mut took = Vec::new();
    for task in tasks {
        took.extend(task.await??);
    }
    let elapsed = began.elapsed();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    let stats = store.stats();
    println!("{:.0} commits/s, {TASKS} tasks, {elapsed:.1?}", took.len() as f64 / elapsed.as_secs_f64());
    println!("latency p50 {:?}, p99 {:?}, p99.9 {:?}, max {:?}", at(0.5), at(0.99), at(0.999), at(1.0));
    println!("{:.1} commits per batch, {stats:?}", stats.commits as f64 / stats.batches as f64);
    store.close();
    for suffix in ["", ".lock", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    Ok(())
}

/// One entity after another, each with a few entries, as processes live; the duration of each commit.
async fn append(store: Arc<Sqlite>, until: Instant) -> Result<Vec<Duration>, store::Error> {
    let mut took = Vec::new();
    while Instant::now() < until {
        let entity = Entity::new("acme", "bench", Uuid::now_v7());
        for head in 0..ENTRIES_PER_ENTITY {
            let at = Timestamp::from(std::time::SystemTime::now());
            let wake = (head + 1 < ENTRIES_PER_ENTITY).then(|| at + Duration::from_secs(600));
            let commit = Commit {
                entity: entity.clone(),
                expected_head: head,
                entries: vec![vec![b'x'; 300]],
                at,
                snapshot: None,
                wake,
                commit_id: Uuid::new_v4(),
                key: None,
                listing: Listing::Listed,
                marks: None,
            };
            let began = Instant::now();
            assert_eq!(store.commit(commit).await?, CommitOutcome::Applied);
            took.push(began.elapsed());
        }
    }
    Ok(took)
}
