//! Bodies, snapshots and slots byte by byte, and journals that were begun before there was a seal.

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};
use store::{Entity, Entry, Snapshot, Timestamp};
use uuid::Uuid;

use super::{entry::Link, hash::sha256, *};

fn at(seconds: i64) -> Timestamp {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn entity() -> Entity {
    Entity::new("acme", "order", Uuid::from_u128(7))
}

fn sealer() -> Sealer {
    Sealer::new(&[9; 32])
}

fn entry(seq: u64, at: Timestamp, body: Vec<u8>) -> Entry {
    Entry { seq, at, commit_id: Uuid::nil(), body }
}

fn event(text: &str) -> Fact<Value> {
    Fact::Event(json!({ "said": text }))
}

/// An entry as it was written before journals were sealed.
fn in_clear(previous: Hash, seq: u64, at: Timestamp, fact: &Fact<Value>) -> (Vec<u8>, Hash) {
    let json = serde_json::to_vec(&json!({ "at": at, "fact": fact })).unwrap();
    let hash = previous.then(Chain::Clear, seq, at, &sha256(&[&json]));
    ([hash.to_string().as_bytes(), b" ", &json].concat(), hash)
}

fn read_all(slot: Option<&[u8]>, entries: &[Entry]) -> Result<Vec<Line<Value>>, Error> {
    let mut reader = Reader::new(&sealer(), &entity(), slot)?;
    entries.iter().map(|entry| reader.line(entry)).collect()
}

/// Three sealed entries and their slot.
fn sealed() -> (Vec<u8>, Vec<Entry>) {
    let mut writer = Writer::new(&sealer(), &entity()).unwrap();
    let texts = ["Ana García", "612345678", "a longer text about a person"];
    let entries = (1..).zip(texts).map(|(seq, text)| entry(seq, at(0), writer.write(at(0), &event(text)).unwrap())).collect();
    (writer.slot().to_vec(), entries)
}

#[test]
fn a_sealed_entry_shows_nothing_of_its_text_and_no_two_are_alike() {
    let mut writer = Writer::new(&sealer(), &entity()).unwrap();
    let mut other = Writer::new(&sealer(), &entity()).unwrap();
    let (one, two) = (writer.write(at(0), &event("Ana García")).unwrap(), other.write(at(0), &event("Ana García")).unwrap());
    assert!(!one.windows(4).any(|part| part == b"said") && !one.windows(3).any(|part| part == b"Ana"));
    assert_ne!(one, two);
    assert_ne!(writer.slot(), other.slot());
    let json = serde_json::to_vec(&json!({ "at": at(0), "fact": event("Ana García") })).unwrap();
    assert_eq!(one.len(), json.len() + OVERHEAD);
    assert_eq!(format!("{:?}", sealer()), "Sealer(..)");
}

#[test]
fn whoever_is_shown_salt_and_text_can_tell_that_they_are_the_entrys() {
    let (slot, entries) = sealed();
    let lines = read_all(Some(&slot), &entries).unwrap();
    let mut previous = Hash::of_entity(Chain::Sealed, &entity());
    for line in &lines {
        let (salt, json) = (line.salt.unwrap(), line.json.as_ref().unwrap());
        assert_eq!(sha256(&[&salt, json]), line.commitment);
        previous = previous.then(Chain::Sealed, line.seq, line.at, &line.commitment);
        assert_eq!(previous, line.hash);
    }
    assert_ne!(lines[0].salt, lines[1].salt);
}

#[test]
fn every_changed_byte_of_a_body_is_noticed() {
    let (slot, entries) = sealed();
    for position in 0..entries[1].body.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut changed = entries.clone();
            changed[1].body[position] ^= flip;
            assert!(read_all(Some(&slot), &changed).is_err(), "byte {position}");
        }
    }
    for length in 0..entries[1].body.len() {
        let mut cut = entries.clone();
        cut[1].body.truncate(length);
        assert!(read_all(Some(&slot), &cut).is_err(), "length {length}");
    }
    let mut later = entries.clone();
    later[1].at = at(1);
    assert_eq!(read_all(Some(&slot), &later).unwrap_err(), Error::BrokenChain { seq: 2 });
}

#[test]
fn every_changed_byte_of_a_slot_is_noticed() {
    let (slot, entries) = sealed();
    for position in 0..slot.len() {
        let mut changed = slot.clone();
        changed[position] ^= 1;
        assert_eq!(read_all(Some(&changed), &entries).unwrap_err(), Error::Key, "byte {position}");
    }
    for length in 0..slot.len() {
        assert!(Key::unwrap(&sealer(), &entity(), &slot[..length]).is_none(), "length {length}");
    }
    assert!(slot.len() <= store::MAX_KEY);
    assert!(Key::unwrap(&Sealer::new(&[8; 32]), &entity(), &slot).is_none(), "another server's key");
    let other = Entity::new("acme", "order", Uuid::from_u128(8));
    assert!(Key::unwrap(&sealer(), &other, &slot).is_none(), "the slot of another entity");
}

#[test]
fn every_changed_byte_of_a_snapshot_makes_it_say_nothing() {
    let (slot, _) = sealed();
    let key = Key::unwrap(&sealer(), &entity(), &slot).unwrap();
    let body = seal_snapshot(&key, 3, &json!({ "name": "Ana García" })).unwrap();
    assert!(!body.windows(3).any(|part| part == b"Ana"));
    let opens = |seq, body: &[u8]| open_snapshot(Some(&key), &Snapshot { seq, body: body.to_vec() }, &mut Vec::new()).is_some();
    assert!(opens(3, &body));
    assert!(!opens(2, &body), "of another entry");
    for position in 0..body.len() {
        let mut changed = body.clone();
        changed[position] ^= 1;
        assert!(!opens(3, &changed), "byte {position}");
    }
    for length in 0..body.len() {
        assert!(!opens(3, &body[..length]), "length {length}");
    }
    assert!(!opens(3, br#"{"name":"Eva"}"#), "in clear where all is sealed");
}

#[test]
fn an_entry_opens_in_its_own_place_only() {
    let (slot, entries) = sealed();
    let key = Key::unwrap(&sealer(), &entity(), &slot).unwrap();
    let before = read_all(Some(&slot), &entries[..1]).unwrap()[0].hash;
    let link = Link::read(&entity(), 1, before, &entries[1]).unwrap();
    assert!(link.open(Some(&key), &mut Vec::new()).is_ok());
    assert!(matches!(link.open(None, &mut Vec::new()), Err(Error::NoKey { seq: 2 })));
    let (other, _) = Key::first(&sealer(), &entity(), 1).unwrap();
    assert!(matches!(link.open(Some(&other), &mut Vec::new()), Err(Error::Unreadable { seq: 2, .. })), "another key");

    // The same sealed bytes behind the links of another place.
    let moved = |seq: u64, hash: Hash| {
        let commitment = link.commitment;
        let hash = hash.then(Chain::Sealed, seq, at(0), &commitment);
        entry(seq, at(0), [hash.to_string().as_bytes(), &entries[1].body[64..]].concat())
    };
    let last = read_all(Some(&slot), &entries).unwrap()[2].hash;
    let fourth = [entries.clone(), vec![moved(4, last)]].concat();
    assert!(matches!(read_all(Some(&slot), &fourth), Err(Error::Unreadable { seq: 4, .. })));
}

/// Two entries of a journal, as version 0.1.0 wrote them.
const OLD: [&str; 2] = [
    r#"c1dbd701040cc98a0789576498eb1e32757bb016843d97af5165bb0049060892 {"at":"2023-11-14T22:13:20Z","fact":{"event":{"Created":{"until":"2023-11-15T22:13:20Z"}}}}"#,
    r#"67d94cf8d7d14d93cadd77da7325c89ac8838baae2417adde279a1c5b3ab28bd {"at":"2023-11-14T22:13:20Z","fact":{"event":{"Added":7}}}"#,
];

fn old() -> Vec<Entry> {
    (1..).zip(OLD).map(|(seq, body)| entry(seq, at(0), body.as_bytes().to_vec())).collect()
}

#[test]
fn a_journal_of_an_older_version_is_read_and_goes_on_sealed() {
    let mut entries = old();
    let lines = read_all(None, &entries).unwrap();
    assert_eq!(lines[1].fact, Some(Fact::Event(json!({"Added": 7}))));
    assert_eq!((lines[1].chain, lines[1].salt), (Chain::Clear, None));
    assert_eq!(lines[1].json.as_deref(), Some(&OLD[1].as_bytes()[65..]));

    let (key, slot) = Key::first(&sealer(), &entity(), 3).unwrap();
    let (body, hash) = encode(&key, lines[1].hash, 3, at(1), &event("sealed")).unwrap();
    entries.push(entry(3, at(1), body));
    let mixed = read_all(Some(&slot), &entries).unwrap();
    assert_eq!(mixed.iter().map(|line| line.chain).collect::<Vec<_>>(), [Chain::Clear, Chain::Clear, Chain::Sealed]);
    assert_eq!(mixed[2].event(), Some(&json!({"said": "sealed"})));

    let mut hash_of = Hash::of_entity(Chain::Sealed, &entity());
    for (seq, entry) in (0..).zip(&entries) {
        hash_of = follow(&entity(), seq, hash_of, entry).unwrap();
    }
    assert_eq!(hash_of, hash, "who opens nothing can follow it too");

    let (back, _) = in_clear(hash, 4, at(1), &event("in clear"));
    entries.push(entry(4, at(1), back));
    let refused = read_all(Some(&slot), &entries).unwrap_err();
    assert!(refused.to_string().contains("in clear where all is sealed"), "{refused}");
}

#[test]
fn every_changed_byte_of_an_old_entry_is_noticed() {
    for (number, whole) in OLD.iter().enumerate() {
        for position in 0..whole.len() {
            let mut entries = old();
            entries[number].body[position] ^= 1;
            assert!(read_all(None, &entries).is_err(), "byte {position}");
        }
    }
}

#[test]
fn after_an_erasure_nothing_before_it_opens_and_the_chain_still_verifies() {
    let mut entries = old();
    let clear = read_all(None, &entries).unwrap();
    let (first, _) = Key::first(&sealer(), &entity(), 3).unwrap();
    let (body, hash) = encode(&first, clear[1].hash, 3, at(1), &event("Ana García")).unwrap();
    entries.push(entry(3, at(1), body));
    let old_snapshot = Snapshot { seq: 2, body: br#"{"name":"Ana"}"#.to_vec() };
    let snapshot = Snapshot { seq: 3, body: seal_snapshot(&first, 3, &json!({ "name": "Ana García" })).unwrap() };

    let (next, slot) = first.next(&sealer(), &entity(), 4).unwrap();
    let erased = Fact::Erased { by: "rule".into(), reason: "time".into(), remains: None };
    let (body, hash) = encode::<Value>(&next, hash, 4, at(2), &erased).unwrap();
    entries.push(entry(4, at(2), body));
    let lines = read_all(Some(&slot), &entries).unwrap();
    for line in &lines[..3] {
        assert_eq!((&line.fact, &line.json, line.salt), (&None, &None, None));
    }
    assert_eq!((lines[3].fact.clone(), lines[3].hash), (Some(erased), hash));

    // Neither by the new key, nor by the place of the old one.
    let link = Link::read(&entity(), 2, clear[1].hash, &entries[2]).unwrap();
    let sealed = &entries[2].body[114..];
    let nonce = &entries[2].body[102..114];
    assert!(link.open(None, &mut Vec::new()).is_err());
    assert!(next.open(super::key::What::Entry, 3, nonce, sealed, &mut Vec::new()).is_none());
    assert!(first.open(super::key::What::Entry, 3, nonce, sealed, &mut Vec::new()).is_some(), "what is tried is what was sealed");
    for snapshot in [snapshot, old_snapshot] {
        assert!(open_snapshot(Some(&next), &snapshot, &mut Vec::new()).is_none());
    }

    // The links before it are still held to the chain.
    for position in [0, 63, 70, 101] {
        let mut changed = entries.clone();
        changed[2].body[position] ^= 1;
        assert!(read_all(Some(&slot), &changed).is_err(), "byte {position}");
    }
}

#[test]
fn an_entry_under_a_key_that_was_erased_does_not_follow_the_erasure() {
    let (first, _) = Key::first(&sealer(), &entity(), 1).unwrap();
    let (body, hash) = encode(&first, Hash::of_entity(Chain::Sealed, &entity()), 1, at(0), &event("one")).unwrap();
    let (next, slot) = first.next(&sealer(), &entity(), 2).unwrap();
    let erased = Fact::Erased { by: String::new(), reason: String::new(), remains: None };
    let (second, hash) = encode::<Value>(&next, hash, 2, at(0), &erased).unwrap();
    let (late, _) = encode(&first, hash, 3, at(0), &event("late")).unwrap();
    let entries = [entry(1, at(0), body), entry(2, at(0), second), entry(3, at(0), late)];
    assert!(matches!(read_all(Some(&slot), &entries), Err(Error::Unreadable { seq: 3, .. })));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_as_it_was(texts in prop::collection::vec((any::<String>(), 0..1_000_000_i64), 1..20)) {
        let mut writer = Writer::new(&sealer(), &entity()).unwrap();
        let facts: Vec<_> = texts.iter().map(|(text, seconds)| (at(*seconds), event(text))).collect();
        let mut bodies = Vec::new();
        for (seq, (at, fact)) in (1..).zip(&facts) {
            bodies.push(entry(seq, *at, writer.write(*at, fact).unwrap()));
        }
        let lines = read_all(Some(writer.slot()), &bodies).unwrap();
        let read: Vec<_> = lines.into_iter().map(|line| (line.at, line.fact.unwrap())).collect();
        prop_assert_eq!(read, facts);
    }

    #[test]
    fn no_body_whatever_its_bytes_is_more_than_an_error(body in prop::collection::vec(any::<u8>(), 0..400), sealed in any::<bool>()) {
        let (slot, mut entries) = super::tests::sealed();
        let head = if sealed { entries[2].body[..66].to_vec() } else { Vec::new() };
        entries[2].body = [head, body].concat();
        prop_assert!(read_all(Some(&slot), &entries).is_err());
        let snapshot = Snapshot { seq: 1, body: [&[2], entries[2].body.as_slice()].concat() };
        let opened = open_snapshot(None, &snapshot, &mut Vec::new());
        prop_assert!(opened.is_none());
    }
}
