//! What a stopped server leaves in its store: whole journals, a wake-up for whatever still lives, and no code sent twice.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use actors::journal::{self, Line, Sealer};
use chrono::{TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::{Entity, SHARDS, Store};
use uuid::Uuid;
use workflows::{
    Machine,
    identification::otp::{self, Otp},
    sign_process::{self, SignProcess},
};

use super::ledger::Ledger;

/// Entities in one step of a listing.
const PAGE: usize = 100;

/// Between two looks for them.
const PAUSE: Duration = Duration::from_millis(100);

/// What was found, for the test's report.
pub struct Found {
    pub processes: usize,
    pub identifications: usize,
    pub entries: usize,
    pub messages: usize,
}

/// Reads and checks everything that servers left that do not run: the store, and the outboxes in their data folders. Wake-ups that a
/// killed server looked after are waited for as long as `takeover`.
pub async fn check(store: &dyn Store, sealer: &Sealer, data: &[PathBuf], takeover: Duration, ledger: &Ledger) -> Found {
    let processes: HashMap<Uuid, Vec<Line<sign_process::Event>>> = all::<SignProcess, _>(store, sealer).await;
    let identifications: HashMap<Uuid, Vec<Line<otp::Event>>> = all::<Otp, _>(store, sealer).await;
    for process in ledger.processes() {
        assert!(processes.contains_key(&process.id), "process {} has no journal", process.id);
    }
    for identification in ledger.identifications() {
        assert!(identifications.contains_key(&identification.id), "identification {} has no journal", identification.id);
    }
    check_wakes(store, &processes, &identifications, takeover).await;
    let messages = data.iter().map(|folder| check_outbox(&folder.join("sandbox"), &identifications)).sum();
    let entries = processes.values().map(Vec::len).sum::<usize>() + identifications.values().map(Vec::len).sum::<usize>();
    Found { processes: processes.len(), identifications: identifications.len(), entries, messages }
}

/// The journals of all processes of a kind, each proven whole by its chain.
async fn all<M: Machine, E: DeserializeOwned>(store: &dyn Store, sealer: &Sealer) -> HashMap<Uuid, Vec<Line<E>>> {
    let mut journals = HashMap::new();
    let mut after = None;
    loop {
        let page = store.list("acme", M::KIND, after.as_ref(), PAGE).await.expect("a listing");
        for listed in page.items {
            let lines = journal::read::<E>(store, sealer, &listed.entity).await;
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
    patience: Duration,
) {
    let folded = processes.iter().map(|(id, lines)| (SignProcess::KIND, id, wakes::<SignProcess>(lines)));
    let folded = folded.chain(identifications.iter().map(|(id, lines)| (Otp::KIND, id, wakes::<Otp>(lines))));
    let waiting = folded.filter(|(_, _, wakes)| *wakes).map(|(kind, id, _)| Entity::new("acme", kind, *id));
    let mut waiting: HashSet<Entity> = waiting.collect();
    let until = Instant::now() + patience;
    while !waiting.is_empty() {
        for shard in 0..SHARDS {
            let due = store.due(shard..shard + 1, Utc::now() + TimeDelta::days(36_500), 10_000).await.expect("the wake-ups");
            waiting.retain(|entity| !due.iter().any(|wake| wake.entity == *entity));
        }
        assert!(waiting.is_empty() || Instant::now() < until, "these wait for a moment and have no wake-up: {waiting:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the state after these lines has a next moment.
fn wakes<M: Machine>(lines: &[Line<M::Event>]) -> bool {
    let mut machine = M::default();
    for line in lines {
        if let Some(event) = line.event() {
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
    match lines.get(seq.wrapping_sub(1)).and_then(Line::event) {
        Some(otp::Event::Own(otp::CodeEvent::Challenged { id, .. })) => Some(*id),
        other => panic!("message {reference} was asked for by {other:?}"),
    }
}
