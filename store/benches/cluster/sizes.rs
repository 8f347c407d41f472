//! What a life leaves in the tables: rows, bytes of bodies, bytes of files.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{Failure, Options, Setting, conditions::load, lives, raw::Raw};

const TASKS: usize = 64;

const TABLES: [&str; 5] = ["entity", "wake", "wake_bucket", "listing", "snapshot"];

pub async fn run(options: &Options, mut setting: Setting) -> Result<(), Failure> {
    println!("\n## What {} lives of {} appends leave, {}\n", options.lives, lives::APPENDS, setting.name());
    let engine = Arc::new(setting.open().await?);
    let left = Arc::new(AtomicU64::new(options.lives));
    let running: Vec<_> = (0..TASKS).map(|_| tokio::spawn(live(engine.clone(), left.clone()))).collect();
    for one in running {
        one.await??;
    }
    engine.close().await;
    let raw = Raw::connect(&setting).await?;
    let mut rows = Vec::new();
    for table in TABLES {
        rows.push(raw.number(&format!("SELECT count(*) FROM {table}")).await?);
    }
    let bodies = raw.number("SELECT sum(cast(size AS bigint)) FROM entity").await?;
    drop(raw);
    // A server that is told to end writes all that it has in memory to its files.
    setting.cluster.stop(0)?;
    let log = setting.cluster.log(0);
    let data = log.parent().ok_or("no folder of the node")?.join("data");
    println!("| table | rows per life | bytes per life in the files of one node |\n| --- | --: | --: |");
    let per_life = |count: f64| count / options.lives as f64;
    let ours = data.join(&setting.options.keyspace);
    for (table, rows) in TABLES.iter().zip(&rows) {
        println!("| {table} | {:.3} | {:.0} |", per_life(*rows as f64), per_life(table_bytes(&ours, table)? as f64));
    }
    println!(
        "| system.paxos (kept for a while by the server) | | {:.0} |",
        per_life(table_bytes(&data.join("system"), "paxos")? as f64)
    );
    println!("\nBodies of entries: {:.0} bytes per life. Load average {}.", per_life(bodies as f64), load());
    Ok(())
}

async fn live(engine: Arc<store::scylla::Scylla>, left: Arc<AtomicU64>) -> Result<(), Failure> {
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let entity = lives::entity();
        for head in 0..lives::APPENDS {
            let at = lives::now();
            lives::append(&engine, lives::commit(&entity, head, at, lives::wake(head, at))).await?;
        }
    }
    Ok(())
}

/// Bytes of the files of a table; its folder has its name and an id.
fn table_bytes(keyspace: &Path, table: &str) -> Result<u64, Failure> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(keyspace)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().rsplit_once('-').is_some_and(|(name, _)| name == table) {
            for file in std::fs::read_dir(entry.path())? {
                let file = file?.metadata()?;
                bytes += if file.is_file() { file.len() } else { 0 };
            }
        }
    }
    Ok(bytes)
}
