//! What an entry costs to write and to read, in clear as journals were once kept, and sealed as they are. Run it by hand, optimised:
//! `cargo run --release -p actors --example journal_cost`.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use actors::journal::{Chain, Fact, Hash, Reader, Sealer, Writer};
use aws_lc_rs::digest;
use serde_json::{Value, json};
use store::{Entity, Entry, Timestamp};
use uuid::Uuid;

/// Entries of a journal; those of a life are about as many.
const ENTRIES: usize = 10;
const RUN: Duration = Duration::from_secs(2);

/// As `rubrica-journal-chain/1` wrote an entry.
fn write_in_clear(previous: Hash, seq: u64, at: Timestamp, fact: &Fact<Value>) -> (Vec<u8>, Hash) {
    #[derive(serde::Serialize)]
    struct Text<'a> {
        at: Timestamp,
        fact: &'a Fact<Value>,
    }
    let json = serde_json::to_vec(&Text { at, fact }).expect("it is JSON");
    let mut content = [0; 32];
    content.copy_from_slice(digest::digest(&digest::SHA256, &json).as_ref());
    let hash = previous.then(Chain::Clear, seq, at, &content);
    let mut body = hash.to_string().into_bytes();
    body.push(b' ');
    body.extend_from_slice(&json);
    (body, hash)
}

fn entries(at: Timestamp, bodies: Vec<Vec<u8>>) -> Vec<Entry> {
    (1..).zip(bodies).map(|(seq, body)| Entry { seq, at, commit_id: Uuid::nil(), body }).collect()
}

/// Nanoseconds for each entry of a journal.
fn measure(mut journal: impl FnMut()) -> f64 {
    let (started, mut journals) = (Instant::now(), 0_u32);
    while started.elapsed() < RUN {
        journal();
        journals += 1;
    }
    started.elapsed().as_nanos() as f64 / f64::from(journals) / ENTRIES as f64
}

fn main() {
    let (entity, sealer) = (Entity::new("acme", "otp", Uuid::new_v4()), Sealer::default());
    let at = chrono::DateTime::from_timestamp(1_790_000_000, 0).expect("an instant");
    println!("journals of {ENTRIES} entries; nanoseconds an entry, the key of a sealed journal made or unwrapped once included");
    println!("{:>10} {:>14} {:>14} {:>14} {:>14}", "text", "clear write", "sealed write", "clear read", "sealed read");
    for length in [64, 256, 1024, 16_384] {
        let fact = Fact::Event(json!({ "text": "x".repeat(length) }));
        let clear = || {
            let mut hash = Hash::of_entity(Chain::Clear, &entity);
            let write = |seq| {
                let (body, next) = write_in_clear(hash, seq, at, &fact);
                hash = next;
                body
            };
            (1..=ENTRIES as u64).map(write).collect::<Vec<_>>()
        };
        let sealed = || {
            let mut writer = Writer::new(&sealer, &entity).expect("a key");
            let bodies: Vec<_> = (0..ENTRIES).map(|_| writer.write(at, &fact).expect("an entry")).collect();
            (bodies, writer.slot().to_vec())
        };
        let read = |slot: Option<&[u8]>, entries: &[Entry]| {
            let mut reader = Reader::new(&sealer, &entity, slot).expect("the key opens");
            entries.iter().for_each(|entry| _ = black_box(reader.line::<Value>(entry).expect("an entry")));
        };
        let in_clear = entries(at, clear());
        let (bodies, slot) = sealed();
        let in_seal = entries(at, bodies);
        println!(
            "{length:>10} {:>14.0} {:>14.0} {:>14.0} {:>14.0}",
            measure(|| _ = black_box(clear())),
            measure(|| _ = black_box(sealed())),
            measure(|| read(None, &in_clear)),
            measure(|| read(Some(&slot), &in_seal)),
        );
    }
}
