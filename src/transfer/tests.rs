//! Moving between stores, whatever happens on the way.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use actors::journal::{self, Chain, Fact, Hash, Sealer, Writer};
use bytes::Bytes;
use serde_json::json;
use store::{
    Commit, CommitOutcome, Entity, Listing, Mark, PutOutcome, RecordKey, SHARDS, Standing, Store, Timestamp,
    blobs::{Blobs, Digest},
    faulty::{Fault, Faulty, Plan},
    model::Model,
    scylla,
    sqlite::{self, Sqlite},
};
use tempfile::TempDir;
use uuid::Uuid;

use super::{marker::Marker, *};
use crate::installation::hold_to;

/// A third of the calls meet some fault, and others are late, so that there are many moments to be killed at.
const FAULTS: Plan = Plan { unknown_not_applied: 50, unknown_applied: 100, refused: 100, delayed: 300, delay: Duration::ZERO };

fn moment(micros: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(1_700_000_000_000_000 + micros).unwrap()
}

fn silent() -> Report {
    Arc::new(|_: &str| {})
}

fn fingerprint() -> Digest {
    Digest::of(b"a key")
}

fn source() -> Source {
    Source { engine: "test".into(), key_fingerprint: fingerprint(), with_files: true, live: false }
}

/// An entry that is not sealed, which is the same whenever it is made.
fn in_clear(previous: Hash, seq: u64, at: Timestamp, fact: &Fact<serde_json::Value>) -> (Vec<u8>, Hash) {
    let json = serde_json::to_vec(&json!({ "at": at, "fact": fact })).unwrap();
    let hash = previous.then(Chain::Clear, seq, at, Digest::of(&json).as_bytes());
    ([hash.to_string().as_bytes(), b" ", &json].concat(), hash)
}

/// A store, its files, and what must live as long.
struct World {
    store: Arc<dyn Store>,
    blobs: Blobs,
    _folder: Option<TempDir>,
    _keyspace: Option<cql_server::Keyspace>,
}

impl World {
    fn model() -> Self {
        Self::over(Arc::new(Model::new()))
    }

    fn over(store: Arc<dyn Store>) -> Self {
        Self { store, blobs: Blobs::memory(), _folder: None, _keyspace: None }
    }

    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Sqlite::open(&folder.path().join("rubrica.db"), sqlite::Options::default()).unwrap());
        let blobs = Blobs::local(folder.path().join("files")).unwrap();
        Self { store, blobs, _folder: Some(folder), _keyspace: None }
    }

    async fn scylla(faults: Plan) -> Self {
        let server = tokio::task::spawn_blocking(cql_server::shared).await.unwrap();
        let keyspace = cql_server::Keyspace::take().await.unwrap();
        let options =
            scylla::Options { replication: 1, ..scylla::Options::new(server.contact_points().to_vec(), keyspace.name()) };
        scylla::migrate(&options).await.unwrap();
        let engine = scylla::Scylla::open(&options, &prometheus::Registry::new()).await.unwrap();
        Self { _keyspace: Some(keyspace), ..Self::over(Arc::new(Faulty::new(engine, 5, faults))) }
    }

    /// As long as a page and longer: journals of one and of many commits, records of one and of many versions, names from outside.
    async fn filled(self) -> Self {
        for (number, organization) in ["acme", "Société & Co/..", "ümlaut"].into_iter().enumerate() {
            for each in 0..20_u128 {
                let entity =
                    Entity::new(organization, if each % 2 == 0 { "sign_process" } else { "otp" }, Uuid::from_u128(each << 7));
                let commits = if each == 3 { 50 } else { each % 4 + 1 };
                self.journal(&entity, commits as u64, (each % 3 > 0).then(|| moment(each as i64 * 1_000))).await;
            }
            for each in 0..20_u64 {
                let key = RecordKey::new(organization, "document", format!("key {each}/\u{e000}"));
                for version in 0..if each == 5 { 70 } else { each % 3 + 1 } {
                    let body = format!("{{\"{organization}\": {each}.{version}}}").into_bytes();
                    self.put(&key, version, body).await;
                }
                self.blobs.put(organization, Bytes::from(vec![number as u8; each as usize * 10])).await.unwrap();
            }
        }
        self
    }

    /// Commits of one to three entries, chained as journals in clear are, so that all worlds are alike, and now and then a snapshot.
    /// Some have a key, which a later commit replaces; some are outside listings.
    async fn journal(&self, entity: &Entity, commits: u64, wake: Option<Timestamp>) {
        let chance = (entity.id.as_u128() >> 7) as u64;
        let (keyed, unlisted, removed) = (chance % 3 != 1, chance % 5 == 2, chance % 5 == 3);
        let (mut hash, mut head) = (Hash::of_entity(Chain::Clear, entity), 0);
        for number in 1..=commits {
            let at = moment(number as i64 * 17);
            let mut entries = Vec::new();
            for _ in 0..=number % 3 {
                let fact = Fact::Event(json!({"what": "something happened", "n": head}));
                let (body, next) = in_clear(hash, head + entries.len() as u64 + 1, at, &fact);
                entries.push(body);
                hash = next;
            }
            let added = entries.len() as u64;
            let commit = Commit {
                entity: entity.clone(),
                expected_head: head,
                entries,
                at,
                snapshot: number.is_multiple_of(2).then(|| b"a state".to_vec()),
                wake,
                commit_id: Uuid::from_u128(entity.id.as_u128() << 32 | u128::from(number)),
                key: (keyed && number % 3 != 2).then(|| format!("key of {number}").into_bytes()),
                listing: match number {
                    1 if unlisted => Listing::Unlisted,
                    _ if removed && number == commits => Listing::Removed,
                    _ => Listing::Listed,
                },
                marks: (number == 1 && keyed).then(|| vec![Mark([chance as u8 % 4; Mark::LEN]), Mark(*entity.id.as_bytes())]),
            };
            assert_eq!(self.store.commit(commit).await.unwrap(), CommitOutcome::Applied);
            head += added;
        }
    }

    async fn put(&self, key: &RecordKey, version: u64, body: Vec<u8>) {
        let outcome = self.store.put_if(key, version, moment(version as i64), body).await.unwrap();
        assert_eq!(outcome, PutOutcome::Applied);
    }

    async fn export(&self, folder: &Path) -> Manifest {
        export(self.store.as_ref(), &self.blobs, folder, &source(), &silent()).await.unwrap()
    }

    async fn import(&self, folder: &Path) -> Result<Verdict, Error> {
        import(&self.store, &self.blobs, folder, Some(fingerprint()), &silent()).await
    }

    /// Everything that can be read of it, entry by entry, to be compared.
    async fn everything(&self) -> String {
        let mut standing = self.store.entities(None, usize::MAX).await.unwrap();
        standing.sort_by_key(|standing| standing.entity.clone());
        let mut due = self.store.due(0..SHARDS, moment(i64::from(u32::MAX)), usize::MAX).await.unwrap();
        due.sort_by_key(|wake| (wake.due, wake.entity.clone()));
        format!("{}\n{standing:?}\n{due:?}", self.everything_but_wakes().await)
    }

    /// As [`World::everything`], without what engines may keep differently.
    async fn everything_but_wakes(&self) -> String {
        let mut all = Vec::new();
        for standing in self.store.entities(None, usize::MAX).await.unwrap() {
            let entries = self.store.entries(&standing.entity, 1, usize::MAX).await.unwrap();
            let Standing { entity, head, key, listing, marks, .. } = standing;
            all.push(format!("{entity:?} {head} {key:?} {listing:?} {marks:?} {entries:?}"));
        }
        for key in self.store.record_keys(None, usize::MAX).await.unwrap() {
            if marker::is_moved(&key) {
                let versions = self.store.history(&key, None, usize::MAX).await.unwrap();
                all.push(format!("{key:?} {versions:?}"));
            }
        }
        for organization in self.blobs.organizations().await.unwrap() {
            let blobs: Vec<_> =
                futures::TryStreamExt::try_collect(self.blobs.of_organization(&organization).unwrap()).await.unwrap();
            for (digest, _) in blobs {
                let bytes = self.blobs.get(&organization, &digest).await.unwrap();
                all.push(format!("{organization} {digest} {bytes:?}"));
            }
        }
        all.sort();
        all.join("\n")
    }

    /// When each process wants to be looked at.
    async fn wakes(&self) -> HashMap<Entity, Timestamp> {
        let standing = self.store.entities(None, usize::MAX).await.unwrap();
        standing.into_iter().filter_map(|standing| Some((standing.entity, standing.wake?))).collect()
    }
}

fn export_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export");
    (folder, path)
}

#[tokio::test]
async fn an_installation_is_the_same_after_each_move() {
    let original = World::sqlite().filled().await;
    let expected = original.everything().await;
    let mut from = original;
    for to in [World::sqlite(), World::model(), World::sqlite()] {
        let (_keep, folder) = export_folder();
        let manifest = from.export(&folder).await;
        assert!(manifest.point_in_time && manifest.damaged == 0, "{manifest:?}");

        let verdict = to.import(&folder).await.unwrap();

        assert!(verdict.is_same(), "{verdict}");
        assert_eq!(verdict.store.journals, 60);
        assert_eq!(to.everything().await, expected);
        from = to;
    }
}

#[tokio::test]
async fn an_installation_is_the_same_after_a_move_to_scylladb_and_back() {
    let from = World::sqlite().filled().await;
    let cluster = World::scylla(Plan::default()).await;
    let back = World::sqlite();
    for (from, to) in [(&from, &cluster), (&cluster, &back)] {
        let (_keep, folder) = export_folder();
        let manifest = from.export(&folder).await;
        assert!(manifest.point_in_time && manifest.damaged == 0, "{manifest:?}");
        let verdict = to.import(&folder).await.unwrap();
        assert!(verdict.is_same(), "{verdict}");
    }
    let expected = from.everything_but_wakes().await;
    assert_eq!(cluster.everything_but_wakes().await, expected);
    assert_eq!(back.everything_but_wakes().await, expected);
    let (wanted, kept) = (from.wakes().await, back.wakes().await);
    assert!(wanted.len() > 20, "{}", wanted.len());
    for (entity, wake) in wanted {
        assert!(kept.get(&entity).is_some_and(|kept| *kept <= wake), "{entity:?} wants to be looked at at {wake}");
    }
    for organization in ["acme", "Société & Co/.."] {
        let listed = async |world: &World| world.store.list(organization, "otp", None, 100).await.unwrap();
        assert_eq!(listed(&cluster).await, listed(&from).await);
    }
}

#[tokio::test]
async fn an_import_into_scylladb_that_is_killed_goes_on_when_it_is_run_again() {
    let from = World::model().filled().await;
    let (_keep, folder) = export_folder();
    from.export(&folder).await;
    let to = World::scylla(Plan { unknown_applied: 20, unknown_not_applied: 20, ..Plan::default() }).await;
    let (mut polls, mut kills) = (20, 0);
    let verdict = loop {
        match killed_after(polls, to.import(&folder)).await {
            Some(ended) => break ended.unwrap(),
            None => kills += 1,
        }
        polls += 100 + polls / 2;
    };
    assert!(verdict.is_same(), "{verdict}");
    assert!(kills >= 2, "{kills} kills");
    let back = World::model();
    let (_keep, folder) = export_folder();
    to.export(&folder).await;
    assert!(back.import(&folder).await.unwrap().is_same());
    assert_eq!(back.everything_but_wakes().await, from.everything_but_wakes().await);
}

#[tokio::test]
async fn what_an_export_comes_to_does_not_depend_on_the_engine() {
    let (_keep, folder) = export_folder();
    let (_keep_too, other) = export_folder();
    let sqlite = World::sqlite().filled().await.export(&folder).await;
    let model = World::model().filled().await.export(&other).await;
    assert_eq!(sqlite.contents, model.contents);
}

#[tokio::test]
async fn of_a_hidden_collection_the_newest_versions_are_moved_and_count_anew() {
    let from = World::sqlite().filled().await;
    let hidden = |number: u64| RecordKey::new("acme", "__kept", format!("a {number}"));
    for number in 0..30 {
        for version in 0..=number % 3 {
            from.put(&hidden(number), version, format!("{number}.{version}").into_bytes()).await;
        }
    }
    from.put(&RecordKey::new("acme", "_count", "a"), 0, b"1".to_vec()).await;
    let (_keep, folder) = export_folder();
    assert!(from.export(&folder).await.point_in_time);
    let to = World::model();
    let verdict = to.import(&folder).await.unwrap();
    assert!(verdict.is_same(), "{verdict}");
    for number in 0..30 {
        let found = to.store.get(&hidden(number)).await.unwrap().unwrap();
        assert_eq!((found.version, found.body), (1, format!("{number}.{}", number % 3).into_bytes()));
    }
    assert!(to.store.get(&RecordKey::new("acme", "_count", "a")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_sealed_journal_is_moved_as_it_is_and_opens_where_the_same_master_key_is() {
    let (from, to) = (World::sqlite(), World::model());
    let (sealer, entity) = (Sealer::new(&[1; 32]), Entity::new("acme", "otp", Uuid::from_u128(77)));
    let mut writer = Writer::new(&sealer, &entity).unwrap();
    let fact = Fact::Event(json!({"name": "Ana García"}));
    let commit = Commit {
        entity: entity.clone(),
        expected_head: 0,
        entries: vec![writer.write(moment(1), &fact).unwrap()],
        at: moment(1),
        snapshot: None,
        wake: None,
        commit_id: Uuid::from_u128(1),
        key: Some(writer.slot().to_vec()),
        listing: Listing::Listed,
        marks: None,
    };
    assert_eq!(from.store.commit(commit).await.unwrap(), CommitOutcome::Applied);
    let (_keep, folder) = export_folder();
    assert_eq!(from.export(&folder).await.damaged, 0);
    assert!(!fs::read_to_string(folder.join("journals.jsonl")).unwrap().contains("Ana"));
    assert!(to.import(&folder).await.unwrap().is_same());
    let lines = journal::read::<serde_json::Value>(to.store.as_ref(), &sealer, &entity).await.unwrap();
    assert_eq!(lines[0].fact.as_ref(), Some(&fact));
    let stranger = Sealer::new(&[2; 32]);
    assert!(journal::read::<serde_json::Value>(to.store.as_ref(), &stranger, &entity).await.is_err());
}

#[tokio::test]
async fn an_export_of_the_first_format_is_imported() {
    let plain = World::model();
    plain.journal(&Entity::new("acme", "otp", Uuid::from_u128(1 << 7)), 3, None).await;
    let (_keep, folder) = export_folder();
    let written = plain.export(&folder).await;
    let lines = fs::read_to_string(folder.join("journals.jsonl")).unwrap();
    assert!(!lines.contains("\"key\"") && !lines.contains("listing"), "as before: {lines}");
    fs::remove_file(folder.join("manifest.json")).unwrap();
    Manifest { format: 1, ..written }.write(&folder).unwrap();
    assert!(World::sqlite().import(&folder).await.unwrap().is_same());
}

#[tokio::test]
async fn an_empty_installation_is_moved_too() {
    let (_keep, folder) = export_folder();
    let manifest = World::sqlite().export(&folder).await;
    assert_eq!((manifest.contents.journals, manifest.contents.records, manifest.contents.files), (0, 0, 0));
    assert!(World::model().import(&folder).await.unwrap().is_same());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_an_export() {
    use std::os::unix::fs::PermissionsExt;
    let (_keep, folder) = export_folder();
    World::model().filled().await.export(&folder).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(FILES)), 0o700);
    for name in ["manifest.json", "journals.jsonl", "records.jsonl", "files.jsonl"] {
        assert_eq!(mode(&folder.join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_store_that_is_not_empty_is_left_alone() {
    let (_keep, folder) = export_folder();
    World::model().filled().await.export(&folder).await;
    let with_record = World::model();
    with_record.put(&RecordKey::new("acme", "document", "a"), 0, b"x".to_vec()).await;
    let with_journal = World::model();
    with_journal.journal(&Entity::new("acme", "otp", Uuid::from_u128(1)), 1, None).await;
    // Beside the two records of the store itself.
    let with_all = World::model();
    hold_to(with_all.store.as_ref(), fingerprint()).await.unwrap();
    let done = Marker { export: Uuid::from_u128(1), done: true };
    with_all.put(&marker::key(), 0, serde_json::to_vec(&done).unwrap()).await;
    with_all.put(&RecordKey::new("acme", "document", "a"), 0, b"x".to_vec()).await;
    for world in [with_record, with_journal, with_all] {
        let before = world.everything().await;
        let error = world.import(&folder).await.unwrap_err();
        assert!(error.to_string().contains("not empty"), "{error}");
        assert_eq!(world.everything().await, before);
    }
}

#[tokio::test]
async fn an_export_is_imported_once_and_into_a_store_that_no_other_began() {
    let (_keep, folder) = export_folder();
    let (_keep_too, other) = export_folder();
    let from = World::model().filled().await;
    from.export(&folder).await;
    from.export(&other).await;
    let to = World::model();
    assert!(to.import(&folder).await.unwrap().is_same());
    let again = to.import(&folder).await.unwrap_err();
    assert!(again.to_string().contains("in the store already"), "{again}");

    let begun = World::model();
    let manifest = Manifest::read(&folder).unwrap();
    let marker = marker::Marker { export: manifest.id, done: false };
    begun.put(&marker::key(), 0, serde_json::to_vec(&marker).unwrap()).await;
    let another = begun.import(&other).await.unwrap_err();
    assert!(another.to_string().contains("another export"), "{another}");
    let refused = refuse_unfinished(begun.store.as_ref()).await.unwrap_err();
    assert!(refused.to_string().contains("has not ended"), "{refused}");
    let (_keep_three, third) = export_folder();
    let exported = export(begun.store.as_ref(), &begun.blobs, &third, &source(), &silent()).await;
    assert!(matches!(exported, Err(Error::Store(store::Error::Refused(_)))));

    assert!(begun.import(&folder).await.unwrap().is_same());
    refuse_unfinished(begun.store.as_ref()).await.unwrap();
}

#[tokio::test]
async fn a_store_that_a_server_has_only_looked_at_is_empty() {
    let (_keep, folder) = export_folder();
    World::model().filled().await.export(&folder).await;
    let to = World::model();
    hold_to(to.store.as_ref(), fingerprint()).await.unwrap();
    let key = Some(fingerprint());
    assert!(import(&to.store, &to.blobs, &folder, key, &silent()).await.unwrap().is_same());
    // But not one that it has set up with another key.
    let other = World::model();
    hold_to(other.store.as_ref(), Digest::of(b"another key")).await.unwrap();
    let before = other.store.record_keys(None, 10).await.unwrap();
    let refused = import(&other.store, &other.blobs, &folder, key, &silent()).await.unwrap_err();
    assert!(refused.to_string().contains("another master key"), "{refused}");
    assert_eq!(other.store.record_keys(None, 10).await.unwrap(), before);
    // And what is imported is not served with another one.
    let imported = World::model();
    import(&imported.store, &imported.blobs, &folder, key, &silent()).await.unwrap();
    hold_to(imported.store.as_ref(), Digest::of(b"another key")).await.unwrap_err();
}

#[tokio::test]
async fn another_master_key_is_refused_unless_any_is_good() {
    let (_keep, folder) = export_folder();
    World::model().filled().await.export(&folder).await;
    let to = World::model();
    let other = Some(Digest::of(b"another key"));
    let refused = import(&to.store, &to.blobs, &folder, other, &silent()).await.unwrap_err();
    assert!(refused.to_string().contains("another master key"), "{refused}");
    assert!(to.everything().await.len() < 10, "something was written");
    assert!(import(&to.store, &to.blobs, &folder, None, &silent()).await.unwrap().is_same());
}

#[tokio::test]
async fn an_export_goes_into_an_empty_folder_only_and_counts_only_with_its_manifest() {
    let (_keep, folder) = export_folder();
    let from = World::model().filled().await;
    from.export(&folder).await;
    let again = export(from.store.as_ref(), &from.blobs, &folder, &source(), &silent()).await.unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");

    fs::remove_file(folder.join("manifest.json")).unwrap();
    let error = World::model().import(&folder).await.unwrap_err();
    assert!(error.to_string().contains("did not end"), "{error}");
}

#[tokio::test]
async fn a_manifest_of_a_later_format_asks_for_a_newer_program() {
    let (_keep, folder) = export_folder();
    World::model().export(&folder).await;
    let path = folder.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"format\": 3", "\"format\": 4, \"something\": \"new\"")).unwrap();
    let error = World::model().import(&folder).await.unwrap_err();
    assert!(error.to_string().contains("newer program"), "{error}");
}

/// A small export whose damage can be tried byte by byte.
async fn small() -> (TempDir, PathBuf) {
    let (keep, folder) = export_folder();
    let from = World::model();
    from.journal(&Entity::new("acme", "otp", Uuid::from_u128(1)), 2, Some(moment(9))).await;
    from.put(&RecordKey::new("acme", "document", "a"), 0, b"a body".to_vec()).await;
    from.blobs.put("acme", Bytes::from_static(b"a contract")).await.unwrap();
    from.export(&folder).await;
    (keep, folder)
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(all_files(&path)) } else { all.push(path) }
    }
    all
}

#[tokio::test]
async fn a_flipped_bit_anywhere_in_an_export_is_found() {
    let (_keep, folder) = small().await;
    let files = all_files(&folder);
    assert_eq!(files.len(), 5, "{files:?}");
    let clean = Manifest::read(&folder).unwrap();
    for path in files {
        let whole = fs::read(&path).unwrap();
        let is_manifest = path.ends_with("manifest.json");
        for position in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[position] ^= 1;
            fs::write(&path, &flipped).unwrap();
            // A blank between two members is none of the contents.
            if is_manifest && Manifest::read(&folder).is_ok_and(|manifest| manifest == clean) {
                continue;
            }
            let to = World::model();
            let error = to.import(&folder).await.expect_err("it is damaged");
            let told = matches!(error, Error::Damaged(_) | Error::Refused(_));
            assert!(told, "{} byte {position}: {error}", path.display());
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(World::model().import(&folder).await.unwrap().is_same());
}

#[tokio::test]
async fn a_missing_file_or_line_is_found_and_named() {
    let (_keep, folder) = small().await;
    for path in all_files(&folder).into_iter().filter(|path| !path.ends_with("manifest.json")) {
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let error = World::model().import(&folder).await.unwrap_err().to_string();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(error.contains(name) && error.contains("missing"), "{name}: {error}");

        let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
        for left_out in 0..lines.len() {
            let rest: Vec<&[u8]> =
                lines.iter().enumerate().filter(|(number, _)| *number != left_out).map(|(_, line)| *line).collect();
            fs::write(&path, rest.concat()).unwrap();
            let error = World::model().import(&folder).await.unwrap_err();
            assert!(matches!(error, Error::Damaged(_)), "{name} without line {left_out}: {error}");
        }
        fs::write(&path, &whole).unwrap();
    }
}

#[tokio::test]
async fn nothing_is_written_from_an_export_with_a_damaged_part() {
    let (_keep, folder) = small().await;
    let path = folder.join("journals.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes.pop();
    fs::write(&path, bytes).unwrap();
    let to = World::model();
    to.import(&folder).await.unwrap_err();
    assert_eq!(to.store.record_keys(None, 10).await.unwrap(), []);
    assert_eq!(to.everything().await, World::model().everything().await);
}

#[tokio::test]
async fn what_changes_in_the_store_before_the_comparison_is_seen() {
    let (_keep, folder) = small().await;
    let manifest = Manifest::read(&folder).unwrap();
    let marker = marker::Marker { export: manifest.id, done: false };
    let begun = async || {
        let to = World::model();
        to.put(&marker::key(), 0, serde_json::to_vec(&marker).unwrap()).await;
        to
    };
    let foreign = begun().await;
    foreign.put(&RecordKey::new("acme", "document", "foreign"), 0, b"x".to_vec()).await;
    let verdict = foreign.import(&folder).await.unwrap();
    assert!(!verdict.is_same() && verdict.to_string().contains("DIFFERENT"), "{verdict}");
    assert!(refuse_unfinished(foreign.store.as_ref()).await.is_err(), "nobody serves from it");

    let other_record = begun().await;
    other_record.put(&RecordKey::new("acme", "document", "a"), 0, b"another body".to_vec()).await;
    let error = other_record.import(&folder).await.unwrap_err();
    assert!(matches!(error, Error::Different(_)) && error.to_string().contains("document/a"), "{error}");

    let other_journal = begun().await;
    other_journal.journal(&Entity::new("acme", "otp", Uuid::from_u128(1)), 9, None).await;
    let verdict = other_journal.import(&folder).await.unwrap();
    assert!(!verdict.is_same(), "entries beyond the export's: {verdict}");
}

#[tokio::test]
async fn what_is_written_while_an_export_is_made_is_found_out() {
    let from = World::model().filled().await;
    let entity = Entity::new("acme", "new", Uuid::from_u128(77));
    // The report is made between two parts.
    let writes = |from: &World| -> Report {
        let (store, entity) = (from.store.clone(), entity.clone());
        Arc::new(move |line: &str| {
            if line.starts_with("records") {
                let commit = Commit {
                    entity: entity.clone(),
                    expected_head: 0,
                    entries: vec![b"x".to_vec()],
                    at: moment(0),
                    snapshot: None,
                    wake: None,
                    commit_id: Uuid::from_u128(5),
                    key: None,
                    listing: Listing::Listed,
                    marks: None,
                };
                assert_eq!(futures::executor::block_on(store.commit(commit)).unwrap(), CommitOutcome::Applied);
            }
        })
    };
    let (_keep, folder) = export_folder();
    let refused = export(from.store.as_ref(), &from.blobs, &folder, &source(), &writes(&from)).await.unwrap_err();
    assert!(refused.to_string().contains("stop every server"), "{refused}");
    assert!(World::model().import(&folder).await.is_err(), "it has no manifest");

    let from = World::model().filled().await;
    let (_keep, folder) = export_folder();
    let live = Source { live: true, ..source() };
    let manifest = export(from.store.as_ref(), &from.blobs, &folder, &live, &writes(&from)).await.unwrap();
    assert!(!manifest.point_in_time);
    assert!(World::model().import(&folder).await.unwrap().is_same());
}

#[tokio::test]
async fn files_that_both_installations_share_are_named_only_and_must_be_there() {
    let from = World::model().filled().await;
    let (_keep, folder) = export_folder();
    let named = Source { with_files: false, ..source() };
    export(from.store.as_ref(), &from.blobs, &folder, &named, &silent()).await.unwrap();
    assert!(!folder.join(FILES).exists());

    let mut shares = World::sqlite();
    shares.blobs = from.blobs.clone();
    let verdict = shares.import(&folder).await.unwrap();
    assert!(verdict.is_same(), "{verdict}");
    assert_eq!(shares.everything().await, from.everything().await);

    let elsewhere = World::model().import(&folder).await.unwrap_err();
    assert!(elsewhere.to_string().contains("--without-files"), "{elsewhere}");
}

#[tokio::test]
async fn what_is_damaged_in_the_installation_is_told_and_does_not_stop_the_rest() {
    let from = World::sqlite().filled().await;
    let broken = Entity::new("acme", "otp", Uuid::from_u128(4_242));
    let bodies = vec![b"no entry of ours".to_vec(), b"nor this".to_vec()];
    let commit = Commit {
        entity: broken.clone(),
        expected_head: 0,
        entries: bodies,
        at: moment(0),
        snapshot: None,
        wake: None,
        commit_id: Uuid::from_u128(1),
        key: None,
        listing: Listing::Listed,
        marks: None,
    };
    from.store.commit(commit).await.unwrap();
    let digest = from.blobs.put("acme", Bytes::from_static(b"a contract")).await.unwrap();
    let name = digest.to_string();
    let path = from._folder.as_ref().unwrap().path().join("files/acme").join(&name[..2]).join(&name);
    fs::write(&path, b"another contract").unwrap();
    let told = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let report: Report = Arc::new({
        let told = told.clone();
        move |line: &str| told.lock().push(line.to_owned())
    });
    let (_keep, folder) = export_folder();

    let manifest = export(from.store.as_ref(), &from.blobs, &folder, &source(), &report).await.unwrap();

    assert_eq!(manifest.damaged, 2);
    let told = told.lock().join("\n");
    assert!(told.contains(&broken.id.to_string()) && told.contains(&name), "{told}");
    let to = World::model();
    assert!(to.import(&folder).await.unwrap().is_same());
    assert_eq!(to.store.entries(&broken, 1, 9).await.unwrap(), from.store.entries(&broken, 1, 9).await.unwrap());
}

/// Ends what it holds after so many polls, as a kill would.
struct Killed<F> {
    inner: Pin<Box<F>>,
    polls: usize,
}

impl<F: Future> Future for Killed<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.polls.checked_sub(1) {
            None => Poll::Ready(None),
            Some(left) => {
                self.polls = left;
                self.inner.as_mut().poll(context).map(Some)
            }
        }
    }
}

async fn killed_after<F: Future>(polls: usize, what: F) -> Option<F::Output> {
    Killed { inner: Box::pin(what), polls }.await
}

/// What stands in a store that fails now and then, seen through another move.
async fn moved_on(world: &World) -> String {
    let (_keep, folder) = export_folder();
    world.export(&folder).await;
    let plain = World::model();
    assert!(plain.import(&folder).await.unwrap().is_same());
    plain.everything().await
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_now_and_then_is_moved_to_and_from() {
    let from = World::model().filled().await;
    let (_keep, folder) = export_folder();
    from.export(&folder).await;
    for seed in 0..8 {
        let to = Arc::new(Faulty::new(Model::new(), seed, FAULTS));
        let world = World::over(to.clone());

        let verdict = world.import(&folder).await.unwrap();

        assert!(verdict.is_same(), "seed {seed}: {verdict}");
        assert!(to.injected() > 100, "{}", to.injected());
        assert_eq!(moved_on(&world).await, from.everything().await, "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_import_that_is_killed_at_any_moment_goes_on_when_it_is_run_again() {
    let from = World::model().filled().await;
    let (_keep, folder) = export_folder();
    from.export(&folder).await;
    let mut kills = 0;
    for seed in 0..24_usize {
        let world =
            if seed % 6 == 5 { World::sqlite() } else { World::over(Arc::new(Faulty::new(Model::new(), seed as u64, FAULTS))) };
        // Each attempt may live a little longer, so that one of them ends.
        let mut polls = 1 + seed * seed % 97;
        loop {
            match killed_after(polls, world.import(&folder)).await {
                Some(Ok(verdict)) => {
                    assert!(verdict.is_same(), "seed {seed}: {verdict}");
                    break;
                }
                // Killed after its last word.
                Some(Err(error)) if error.to_string().contains("in the store already") => break,
                Some(Err(error)) => panic!("seed {seed}: {error}"),
                None => kills += 1,
            }
            polls += 3 + polls / 8;
        }
        assert_eq!(moved_on(&world).await, from.everything().await, "seed {seed}");
    }
    assert!(kills > 100, "{kills} kills");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_longer_ends_an_import_that_can_be_run_again() {
    let (_keep, folder) = small().await;
    let store = Arc::new(Faulty::scripted(Model::new()));
    let to = World::over(store.clone());
    hold_to(store.as_ref(), fingerprint()).await.unwrap();
    // Marker, record, journal: all attempts at the last one.
    for _ in 0..ATTEMPTS * 3 {
        store.fail_next_write(Fault::UnknownNotApplied);
    }
    let error = to.import(&folder).await.unwrap_err();
    assert!(matches!(error, Error::Undecided(_)), "{error}");
    while store.injected() < (ATTEMPTS * 3) as u64 {
        let _ = store.settle(&store::Wake { entity: Entity::new("a", "b", Uuid::nil()), due: moment(0) }, 0, None).await;
    }
    assert!(to.import(&folder).await.unwrap().is_same());
}
