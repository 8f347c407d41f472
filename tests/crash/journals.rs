//! What a stopped server leaves on the disk: whole journals, a wake-up for whatever still lives, and no code sent twice.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use actors::journal::{self, Fact, Line};
use chrono::{Duration, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{
    Entity, SHARDS, Store,
    sqlite::{Options, Sqlite},
};
use uuid::Uuid;
use workflows::{
    Machine,
    identification::otp::{self, Otp},
    sign_process::{self, SignProcess},
};

use crate::ledger::Ledger;

/// Entities in one step of a listing.
const PAGE: usize = 100;

/// What was found, for the test's report.
pub struct Found {
    pub processes: usize,
    pub identifications: usize,
    pub entries: usize,
    pub messages: usize,
}

/// Reads and checks everything below the data folder of a server that does not run.
pub async fn check(data: &Path, ledger: &Ledger) -> Found {
    let store = Sqlite::open(&data.join("rubrica.db"), Options::default()).expect("the store opens");
    let processes: HashMap<Uuid, Vec<Line<sign_process::Event>>> = all::<SignProcess, _>(&store).await;
    let identifications: HashMap<Uuid, Vec<Line<otp::Event>>> = all::<Otp, _>(&store).await;
    for process in ledger.processes() {
        assert!(processes.contains_key(&process.id), "process {} has no journal", process.id);
    }
    for identification in ledger.identifications() {
        assert!(identifications.contains_key(&identification.id), "identification {} has no journal", identification.id);
    }
    check_wakes(&store, &processes, &identifications).await;
    let messages = check_outbox(&data.join("sandbox"), &identifications);
    let entries = processes.values().map(Vec::len).sum::<usize>() + identifications.values().map(Vec::len).sum::<usize>();
    Found { processes: processes.len(), identifications: identifications.len(), entries, messages }
}

/// The journals of all processes of a kind, each proven whole by its chain.
async fn all<M: Machine, E: DeserializeOwned>(store: &dyn Store) -> HashMap<Uuid, Vec<Line<E>>> {
    let mut journals = HashMap::new();
    let mut after = None;
    loop {
        let page = store.list("acme", M::KIND, after.as_ref(), PAGE).await.expect("a listing");
        for listed in page.items {
            let lines = journal::read::<E>(store, &listed.entity).await;
            let lines = lines.unwrap_or_else(|error| panic!("{} {}: {error}", M::KIND, listed.entity.id));
            assert_eq!(lines.len() as u64, listed.head, "{} {}: the head is not the last entry", M::KIND, listed.entity.id);
            assert!(journals.insert(listed.entity.id, lines).is_none(), "{} is listed twice", listed.entity.id);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return journals,
        }
    }
}

/// Whatever is not in its final state will be looked at.
async fn check_wakes(
    store: &dyn Store,
    processes: &HashMap<Uuid, Vec<Line<sign_process::Event>>>,
    identifications: &HashMap<Uuid, Vec<Line<otp::Event>>>,
) {
    let mut woken: HashSet<Entity> = HashSet::new();
    for shard in 0..SHARDS {
        let due = store.due(shard..shard + 1, Utc::now() + Duration::days(36_500), 10_000).await.expect("the wake-ups");
        woken.extend(due.into_iter().map(|wake| wake.entity));
    }
    let folded = processes.iter().map(|(id, lines)| (SignProcess::KIND, id, wakes::<SignProcess>(lines)));
    let folded = folded.chain(identifications.iter().map(|(id, lines)| (Otp::KIND, id, wakes::<Otp>(lines))));
    for (kind, id, _) in folded.filter(|(_, _, wakes)| *wakes) {
        assert!(woken.contains(&Entity::new("acme", kind, *id)), "{kind} {id} waits for a moment and has no wake-up");
    }
}

/// Whether the state after these lines has a next moment.
fn wakes<M: Machine>(lines: &[Line<M::Event>]) -> bool {
    let mut machine = M::default();
    for line in lines {
        if let Fact::Event(event) = &line.fact {
            machine.apply(line.at, event);
        }
    }
    machine.wake_at().is_some()
}

/// Each message is there once, and each code belongs to the one challenge that asked for it. Gives the number of messages.
fn check_outbox(folder: &Path, identifications: &HashMap<Uuid, Vec<Line<otp::Event>>>) -> usize {
    let mut references = HashSet::new();
    let mut challenges = HashSet::new();
    for file in ["previous.jsonl", "current.jsonl"] {
        let content = match std::fs::read_to_string(folder.join(file)) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => panic!("{file}: {error}"),
        };
        for line in content.lines() {
            let message: Value = serde_json::from_str(line).expect("a whole line");
            let reference = message["reference"].as_str().expect("a reference").to_owned();
            if let Some(challenge) = challenge_of(&reference, identifications) {
                assert!(challenges.insert(challenge), "the code of challenge {challenge} was sent twice");
            }
            assert!(references.insert(reference.clone()), "message {reference} was sent twice");
        }
    }
    references.len()
}

/// The challenge whose code a message carries, if it is a message of an identification.
fn challenge_of(reference: &str, identifications: &HashMap<Uuid, Vec<Line<otp::Event>>>) -> Option<Uuid> {
    let (entity, effect) = reference.split_once('/').expect("entity and effect");
    let lines = identifications.get(&entity.parse().expect("an entity"))?;
    let seq: usize = effect.split('.').next().and_then(|seq| seq.parse().ok()).expect("an event's number");
    match lines.get(seq.wrapping_sub(1)).map(|line| &line.fact) {
        Some(Fact::Event(otp::Event::Challenged { id, .. })) => Some(*id),
        other => panic!("message {reference} was asked for by {other:?}"),
    }
}
