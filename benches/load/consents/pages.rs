//! Pages of a B-tree at random, as an embedded database without anything above it has them: rows of 800 bytes under random keys of 16.

use std::{path::Path, time::Instant};

use rusqlite::{Connection, Statement, params};

use super::{Chance, SEED};
use crate::{Failure, Options, machine, server::own_cpu};

/// Bytes of a row beside its key.
const BODY: usize = 800;

/// Rows in one transaction, as the store's writer would gather them from as many connections.
const GROUP: u32 = 64;

/// Rows in one transaction while the table is filled.
const FILL: u32 = 4_096;

pub fn run(options: &Options, steps: &[u32]) -> Result<(), Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let path = folder.path().join("pages.db");
    let conn = open(&path)?;
    println!("\n## Random pages of a B-tree: rows of {BODY} bytes under random keys of 16 bytes\n");
    println!(
        "SQLite {} alone, WAL, synchronous=FULL, one thread; updates of {GROUP} rows in one transaction. It bounds what is below.\n",
        rusqlite::version()
    );
    println!("| rows | reads/s | updates/s | µs of processor a read | µs of processor an update | MB of the file | load |");
    println!("| --: | --: | --: | --: | --: | --: | --: |");
    let mut select = conn.prepare("SELECT body FROM row WHERE id = ?1")?;
    let mut overwrite = conn.prepare("UPDATE row SET body = ?2 WHERE id = ?1")?;
    let mut rows = 0;
    for &step in steps {
        fill(&conn, rows, step)?;
        rows = step;
        let mut chance = Chance(SEED);
        let reads = repeated(options, || read(&mut select, chance.below(rows)))?;
        let mut chance = Chance(SEED + 1);
        let updates = repeated(options, || update(&conn, &mut overwrite, &mut chance, rows))?;
        let megabytes = std::fs::metadata(&path)?.len() as f64 / 1e6;
        println!(
            "| {rows} | {:.0} | {:.0} | {:.1} | {:.1} | {megabytes:.0} | {} |",
            reads.per_second,
            updates.per_second * f64::from(GROUP),
            reads.micros,
            updates.micros / f64::from(GROUP),
            machine::load(),
        );
    }
    Ok(())
}

fn open(path: &Path) -> Result<Connection, Failure> {
    let conn = Connection::open(path)?;
    // As the store's writer has it.
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096; PRAGMA cache_size = -16384;
         CREATE TABLE row (id BLOB PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;",
    )?;
    Ok(conn)
}

fn fill(conn: &Connection, from: u32, to: u32) -> Result<(), Failure> {
    let mut insert = conn.prepare("INSERT INTO row (id, body) VALUES (?1, ?2)")?;
    let body = vec![b'x'; BODY];
    for start in (from..to).step_by(FILL as usize) {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        for number in start..start.saturating_add(FILL).min(to) {
            insert.execute(params![key(number), body])?;
        }
        conn.execute_batch("COMMIT")?;
    }
    Ok(())
}

/// The key of a row: random, and found again from its number.
fn key(number: u32) -> [u8; 16] {
    let mut chance = Chance(u64::from(number) ^ SEED.rotate_left(32));
    let mut key = [0; 16];
    key[..8].copy_from_slice(&chance.next().to_be_bytes());
    key[8..].copy_from_slice(&chance.next().to_be_bytes());
    key
}

fn read(select: &mut Statement<'_>, number: u32) -> Result<(), Failure> {
    let body: Vec<u8> = select.query_row([key(number)], |row| row.get(0))?;
    if body.len() == BODY { Ok(()) } else { Err("a row with another body".into()) }
}

fn update(conn: &Connection, update: &mut Statement<'_>, chance: &mut Chance, rows: u32) -> Result<(), Failure> {
    let mut body = vec![b'y'; BODY];
    conn.execute_batch("BEGIN IMMEDIATE")?;
    for _ in 0..GROUP {
        body[..8].copy_from_slice(&chance.next().to_be_bytes());
        if update.execute(params![key(chance.below(rows)), body])? != 1 {
            return Err("a row is not there".into());
        }
    }
    conn.execute_batch("COMMIT")?;
    Ok(())
}

struct Repeated {
    per_second: f64,
    /// Of processor time, each time.
    micros: f64,
}

fn repeated(options: &Options, mut act: impl FnMut() -> Result<(), Failure>) -> Result<Repeated, Failure> {
    let (began, cpu) = (Instant::now(), own_cpu()?);
    let mut count = 0.0;
    while began.elapsed() < options.duration() {
        act()?;
        count += 1.0;
    }
    Ok(Repeated { per_second: count / began.elapsed().as_secs_f64(), micros: (own_cpu()? - cpu) / count * 1e6 })
}
