//! What is special to this engine; everything else it must do is in the conformance suite.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use futures::future::join_all;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{Options, Sqlite, write::Request, write::Writes};
use crate::{
    Commit, CommitOutcome, Error, RecordKey, Store,
    conformance::{one, thing},
};

/// Faults that only the writer's own connection can show.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// The disk has room for so many pages.
    Room { pages: u32 },
    /// The next commit of a transaction fails like a failed sync.
    FailedSync,
    /// Breaks a constraint, as a bug would.
    Constraint,
}

pub(super) fn inject(writes: &mut Writes<'_>, conn: &Connection, fault: Fault) -> rusqlite::Result<()> {
    match fault {
        Fault::Room { pages } => conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())),
        Fault::FailedSync => {
            writes.fail_next_commit = true;
            Ok(())
        }
        Fault::Constraint => conn.execute_batch("INSERT INTO scrub (one, count) VALUES (2, 0)"),
    }
}

pub(super) fn sync_failure() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC), None)
}

struct World {
    folder: TempDir,
    store: Sqlite,
}

impl World {
    fn new() -> Self {
        Self::with(Options::default())
    }

    fn with(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Sqlite::open(&folder.path().join("rubrica.db"), options).expect("the engine opens");
        Self { folder, store }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("rubrica.db")
    }

    async fn inject(&self, fault: Fault) -> Result<(), Error> {
        self.store.write(0, Request::Fault(fault)).await.map(drop)
    }

    async fn append(&self, number: u128, head: u64) {
        let outcome = self.store.commit(one(&thing(number), head)).await.expect("answered");
        assert_eq!(outcome, CommitOutcome::Applied);
    }
}

async fn head(store: &Sqlite, number: u128) -> u64 {
    store.load(&thing(number)).await.expect("readable").map_or(0, |loaded| loaded.head)
}

fn open(path: &Path) -> Result<Sqlite, Error> {
    Sqlite::open(path, Options::default())
}

/// The files as a crash of the process would leave them. The log is only ever extended while no checkpoint runs, so the
/// database must be copied before it.
fn copy_as_torn(world: &World, to: &TempDir) -> PathBuf {
    let copy = to.path().join("rubrica.db");
    std::fs::copy(world.path(), &copy).expect("copied");
    std::fs::copy(world.folder.path().join("rubrica.db-wal"), to.path().join("rubrica.db-wal")).expect("copied");
    copy
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_has_closed() {
    let world = World::new();
    assert!(matches!(open(&world.path()), Err(Error::Refused(text)) if text.contains("another process")));
    world.append(1, 0).await;
    world.store.close();
    let again = open(&world.path()).expect("the first has closed");
    assert_eq!(head(&again, 1).await, 1);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_and_left_alone() {
    let world = World::new();
    world.store.close();
    let conn = Connection::open(world.path()).expect("opens");
    let ours: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).expect("read");
    conn.pragma_update(None, "user_version", 99).expect("set");
    drop(conn);
    assert!(matches!(open(&world.path()), Err(Error::Refused(text)) if text.contains("99") && text.contains("newer")));
    let conn = Connection::open(world.path()).expect("opens");
    conn.pragma_update(None, "user_version", ours).expect("set");
    drop(conn);
    assert!(open(&world.path()).is_ok());
}

/// A database with a journal of three entries and a record of three versions, of which rows were lost meanwhile.
async fn world_without(rows: &str) -> World {
    let mut world = World::new();
    for head in 0..3 {
        world.append(1, head).await;
        world.store.put_if(&record_key(), head, one(&thing(1), 0).at, b"a body".to_vec()).await.expect("put");
    }
    world.store.close();
    let lost = Connection::open(world.path()).expect("opens").execute(&format!("DELETE FROM {rows}"), []).expect("deleted");
    assert!(lost > 0, "{rows}");
    world.store = open(&world.path()).expect("the engine opens");
    world
}

fn record_key() -> RecordKey {
    RecordKey::new("acme", "document", "a")
}

#[tokio::test]
async fn what_was_acknowledged_and_is_lost_is_never_told_as_if_it_had_not_been() {
    let corrupt = |error: &Error| matches!(error, Error::Corrupt(_));
    for rows in ["entity", "entry WHERE seq = 1", "entry WHERE seq = 2", "entry WHERE seq = 3", "space"] {
        let store = world_without(rows).await.store;
        assert!(store.load(&thing(1)).await.is_err_and(|error| corrupt(&error)), "{rows}");
        assert!(store.entries(&thing(1), 1, 10).await.is_err_and(|error| corrupt(&error)), "{rows}");
        assert!(store.stats().corrupt >= 2, "{rows}");
    }
    for rows in ["record", "space"] {
        let store = world_without(rows).await.store;
        assert!(store.get(&record_key()).await.is_err_and(|error| corrupt(&error)), "{rows}");
        assert!(store.history(&record_key(), None, 10).await.is_err_and(|error| corrupt(&error)), "{rows}");
    }
    for rows in ["record_history WHERE version = 1", "record_history WHERE version = 2", "record_history"] {
        let store = world_without(rows).await.store;
        assert_eq!(store.get(&record_key()).await.expect("readable").map(|record| record.version), Some(3));
        assert!(store.history(&record_key(), None, 10).await.is_err_and(|error| corrupt(&error)), "{rows}");
        assert!(store.history(&record_key(), Some(3), 10).await.is_err_and(|error| corrupt(&error)), "{rows}");
    }
}

#[tokio::test]
async fn what_is_lost_is_not_begun_anew() {
    for rows in ["entity", "space"] {
        let store = world_without(rows).await.store;
        assert!(matches!(store.commit(one(&thing(1), 0)).await, Err(Error::Corrupt(_))), "{rows}");
    }
    for rows in ["record", "space"] {
        let store = world_without(rows).await.store;
        let put = store.put_if(&record_key(), 0, one(&thing(1), 0).at, Vec::new()).await;
        assert!(matches!(put, Err(Error::Corrupt(_))), "{rows}: {put:?}");
    }
}

#[tokio::test]
async fn what_never_was_is_not_missed() {
    let store = World::new().store;
    assert!(store.load(&thing(1)).await.expect("readable").is_none());
    assert!(store.entries(&thing(1), 1, 10).await.expect("readable").is_empty());
    assert!(store.get(&record_key()).await.expect("readable").is_none());
    assert!(store.history(&record_key(), Some(7), 10).await.expect("readable").is_empty());
    assert_eq!(store.stats().corrupt, 0);
}

#[tokio::test]
async fn a_damaged_page_is_told_as_well() {
    let mut world = World::new();
    let at = one(&thing(1), 0).at;
    let key = |number: usize| RecordKey::new("acme", "document", format!("{number:05}"));
    for number in 0..300 {
        world.store.put_if(&key(number), 0, at, vec![7; 200]).await.expect("put");
    }
    world.store.close();
    // A leaf of the table of records (type 13 is another table's, 10 is that of a table without rowid) that says it has no cells.
    let mut file = std::fs::read(world.path()).expect("read");
    let root: i64 = Connection::open(world.path())
        .and_then(|conn| conn.query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'record'", [], |row| row.get(0)))
        .expect("its root");
    let page = 4096 * (usize::try_from(root).expect("a page number") - 1);
    assert_eq!(file[page], 2, "the root has leaves");
    let cell = usize::from(u16::from_be_bytes([file[page + 12], file[page + 13]]));
    let leaf = u32::from_be_bytes(file[page + cell..page + cell + 4].try_into().expect("a page number")) as usize;
    let leaf = 4096 * (leaf - 1);
    assert_eq!(file[leaf], 10, "a leaf");
    file[leaf + 3..leaf + 5].fill(0);
    std::fs::write(world.path(), file).expect("written");
    world.store = open(&world.path()).expect("the engine opens");
    let mut lost = 0;
    for number in 0..300 {
        match world.store.get(&key(number)).await {
            Ok(found) => assert!(found.is_some(), "{number} is told as if it had never been"),
            Err(Error::Corrupt(_)) => lost += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!((1..100).contains(&lost), "{lost}");
}

#[test]
fn a_file_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let foreign = folder.path().join("foreign.db");
    Connection::open(&foreign).and_then(|conn| conn.execute_batch("CREATE TABLE t (x)")).expect("made");
    assert!(matches!(open(&foreign), Err(Error::Refused(text)) if text.contains("another program")));
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, [b'x'; 10_000]).expect("written");
    assert!(matches!(open(&garbage), Err(Error::Corrupt(_))));
    assert!(matches!(open(&folder.path().join("nowhere").join("a.db")), Err(Error::Unavailable(_))));
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    for name in ["rubrica.db", "rubrica.db-wal", "rubrica.db-shm", "rubrica.db.lock"] {
        let metadata = std::fs::metadata(world.folder.path().join(name)).expect("the file is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn durability_is_never_lowered() {
    let world = World::new();
    world.store.close();
    let conn = super::schema::open_writer(&world.path(), &Options::default()).expect("opens");
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).expect("known");
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma("synchronous"), 2.into());
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let world = World::with(Options { queue_bytes: 1_000, ..Options::default() });
    let large = Commit { entries: vec![vec![0; 2_000]], ..one(&thing(1), 0) };
    assert!(matches!(world.store.commit(large).await, Err(Error::Unavailable(text)) if text.contains("waiting")));
    world.append(1, 0).await;
}

#[tokio::test]
async fn closing_answers_what_waits_and_refuses_the_rest() {
    let world = World::new();
    let store = Arc::new(world.store);
    let waiting: Vec<_> = (0..50)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(one(&thing(number), 0)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close();
    store.close();
    for commit in waiting {
        let outcome = commit.await.expect("no panic");
        assert!(matches!(outcome, Ok(CommitOutcome::Applied)), "{outcome:?}");
    }
    assert!(matches!(store.commit(one(&thing(1), 1)).await, Err(Error::Unavailable(_))));
    assert!(matches!(store.load(&thing(1)).await, Err(Error::Unavailable(_))));
    assert!(store.ping().await.is_err());
    assert!(!world.folder.path().join("rubrica.db-wal").exists(), "the log was not carried over");
}

#[tokio::test]
async fn one_failing_operation_harms_no_other_of_its_batch() {
    let world = World::new();
    let before = join_all((0..40).map(|number| world.store.commit(one(&thing(number), 0))));
    let after = join_all((40..80).map(|number| world.store.commit(one(&thing(number), 0))));
    let (before, failing, after) = tokio::join!(before, world.inject(Fault::Constraint), after);
    assert!(matches!(failing, Err(Error::Corrupt(_))));
    for outcome in before.into_iter().chain(after) {
        assert_eq!(outcome.expect("answered"), CommitOutcome::Applied);
    }
    for number in 0..80 {
        assert_eq!(head(&world.store, number).await, 1);
    }
    assert_eq!(world.store.stats().commits, 80);
}

#[tokio::test]
async fn a_damaged_journal_is_corrupt_and_harms_no_other() {
    let world = World::new();
    for number in [1, 2] {
        world.append(number, 0).await;
        world.append(number, 1).await;
    }
    world.store.close();
    let conn = Connection::open(world.path()).expect("opens");
    let damage = "DELETE FROM entry WHERE seq = 1 AND id = ?1";
    conn.execute(damage, [thing(1).id.as_bytes().as_slice()]).expect("damaged");
    drop(conn);
    let store = open(&world.path()).expect("opens");
    assert!(matches!(store.load(&thing(1)).await, Err(Error::Corrupt(_))));
    assert_eq!(head(&store, 2).await, 2);
    assert_eq!(store.commit(one(&thing(2), 2)).await.expect("answered"), CommitOutcome::Applied);
}

#[tokio::test]
async fn a_full_disk_loses_nothing_and_works_again_when_there_is_room() {
    let world = World::new();
    world.append(1, 0).await;
    world.inject(Fault::Room { pages: 1 }).await.expect("set");
    let large = |head| Commit { entries: vec![vec![b'x'; 100_000]], ..one(&thing(1), head) };
    for _ in 0..3 {
        let outcomes =
            join_all([world.store.commit(large(1)), world.store.commit(Commit { entity: thing(2), ..large(0) })]).await;
        for outcome in outcomes {
            assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
        }
        assert_eq!(head(&world.store, 1).await, 1);
        assert_eq!(head(&world.store, 2).await, 0);
    }
    world.inject(Fault::Room { pages: 1_000_000 }).await.expect("set");
    assert_eq!(world.store.commit(large(1)).await.expect("room"), CommitOutcome::Applied);
    world.store.close();
    assert_eq!(head(&open(&world.path()).expect("opens"), 1).await, 2);
}

#[tokio::test]
async fn a_failed_sync_is_a_definite_error_and_its_commit_never_returns() {
    let world = World::new();
    world.append(1, 0).await;
    let fault = world.inject(Fault::FailedSync);
    let commit = world.store.commit(one(&thing(1), 1));
    let (fault, outcome) = tokio::join!(fault, commit);
    // The fault strikes its own transaction, which the commit may or may not have shared.
    assert!(matches!(fault, Err(Error::Unavailable(_))));
    let expected = match outcome {
        Ok(CommitOutcome::Applied) => 2,
        Err(Error::Unavailable(_)) => 1,
        other => panic!("neither applied nor not: {other:?}"),
    };
    assert_eq!(head(&world.store, 1).await, expected);
    let torn = tempfile::tempdir().expect("a folder");
    assert_eq!(head(&open(&copy_as_torn(&world, &torn)).expect("opens"), 1).await, expected);
    world.append(1, expected).await;
    assert_eq!(world.store.stats().failures, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_torn_while_writing_keeps_what_was_acknowledged() {
    // No checkpoint while we copy.
    let world = Arc::new(World::with(Options { checkpoint_pages: 1_000_000, ..Options::default() }));
    let write = |number: u128| {
        let world = Arc::clone(&world);
        async move {
            for head in 0..200 {
                world.append(number, head).await;
            }
        }
    };
    let writers: Vec<_> = (0..4).map(|number| tokio::spawn(write(number))).collect();
    for copies in 1..=5_u64 {
        while world.store.stats().commits < copies * 100 {
            tokio::task::yield_now().await;
        }
        let acknowledged = join_all((0..4).map(|number| head(&world.store, number))).await;
        let folder = tempfile::tempdir().expect("a folder");
        let copy = open(&copy_as_torn(&world, &folder)).expect("a torn process opens");
        for (number, acknowledged) in (0..4).zip(acknowledged) {
            // A load checks that the journal has no gap.
            let found = head(&copy, number).await;
            assert!(found >= acknowledged, "{found} entries of {acknowledged} acknowledged");
        }
    }
    for writer in writers {
        writer.await.expect("the writer finishes");
    }
}

/// A key that is found again wherever it stands.
fn marked(number: u128) -> Vec<u8> {
    format!("the old key of number {number:>6}").into_bytes()
}

fn with_key(number: u128, head: u64, key: Vec<u8>) -> Commit {
    Commit { key: Some(key), ..one(&thing(number), head) }
}

/// How often one of those keys stands in the file.
fn marks(path: &Path) -> usize {
    let bytes = std::fs::read(path).expect("read");
    let mark = b"the old key of number";
    bytes.windows(mark.len()).filter(|window| window == mark).count()
}

#[tokio::test]
async fn a_replaced_key_leaves_the_log_before_the_next_write_is_answered() {
    let world = World::new();
    let log = world.folder.path().join("rubrica.db-wal");
    world.store.commit(with_key(1, 0, marked(1))).await.expect("answered");
    world.append(2, 0).await;
    assert!(marks(&log) > 0, "the log is where it stands first");
    world.store.commit(with_key(1, 1, b"another".to_vec())).await.expect("answered");
    world.append(2, 1).await;
    assert_eq!((marks(&log), marks(&world.path())), (0, 0));
    assert!(std::fs::metadata(&log).expect("there").len() > 0, "the last write stands in it");
    // Only where a key was replaced.
    world.store.commit(with_key(3, 0, marked(3))).await.expect("answered");
    world.append(2, 2).await;
    assert!(marks(&log) > 0);
}

#[tokio::test]
async fn no_copy_of_replaced_keys_stays_in_the_pages() {
    // Enough that pages were split again and again while the old keys stood in them.
    const MANY: u128 = 3_000;
    let scattered = |number: u128| number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let world = World::new();
    for head in 0..3 {
        let written = (0..MANY).map(|number| {
            let number = scattered(number);
            let mut commit = Commit { wake: (number % 2 == 0).then(|| one(&thing(1), head).at), ..one(&thing(number), head) };
            commit.key = (head == 0).then(|| marked(number % 100_000));
            world.store.commit(commit)
        });
        assert!(join_all(written).await.into_iter().all(|outcome| matches!(outcome, Ok(CommitOutcome::Applied))));
    }
    let replaced = (0..MANY).map(|number| {
        let number = scattered(number);
        let length = (number % 60) as usize;
        world.store.commit(with_key(number, 3, vec![b'n'; length]))
    });
    assert!(join_all(replaced).await.into_iter().all(|outcome| matches!(outcome, Ok(CommitOutcome::Applied))));
    world.store.close();
    assert_eq!(marks(&world.path()), 0);
}

#[tokio::test]
async fn a_log_that_a_crash_has_left_is_emptied_when_the_store_is_opened() {
    let world = World::with(Options { checkpoint_pages: 1_000_000, ..Options::default() });
    world.store.commit(with_key(1, 0, marked(1))).await.expect("answered");
    world.append(2, 0).await;
    let folder = tempfile::tempdir().expect("a folder");
    let copy = copy_as_torn(&world, &folder);
    let log = folder.path().join("rubrica.db-wal");
    assert!(marks(&log) > 0);
    let again = open(&copy).expect("opens");
    // It writes nothing, but is answered after the writer has begun.
    let wake = crate::Wake { entity: thing(9), due: one(&thing(9), 0).at };
    again.settle(&wake, 1, None).await.expect("answered");
    assert_eq!(std::fs::metadata(&log).expect("there").len(), 0);
    assert_eq!(again.key(&thing(1)).await.expect("readable"), Some(marked(1)));
}

#[tokio::test]
async fn a_database_from_before_keys_is_brought_up_and_lists_what_it_did() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rubrica.db");
    let conn = Connection::open(&path).expect("opens");
    for migration in &super::schema::MIGRATIONS[..2] {
        conn.execute_batch(migration).expect("applied");
    }
    conn.pragma_update(None, "application_id", super::schema::APPLICATION_ID).expect("set");
    conn.pragma_update(None, "user_version", 2).expect("set");
    conn.execute_batch(
        "INSERT INTO space VALUES (1, 'acme', 'thing'); UPDATE tally SET spaces = 1;
         INSERT INTO entity VALUES (1, x'00000000000000000000000000000007', 1, 5, 0, NULL);
         INSERT INTO entry VALUES (1, x'00000000000000000000000000000007', 1, 5, zeroblob(16), x'61');",
    )
    .expect("written");
    drop(conn);
    let store = open(&path).expect("opens");
    let loaded = store.load(&thing(7)).await.expect("readable").expect("there");
    assert_eq!((loaded.head, loaded.key), (1, None));
    let listed = store.list("acme", "thing", None, 10).await.expect("answered");
    assert_eq!(listed.items.len(), 1);
    let outcome = store.commit(Commit { key: Some(b"key".to_vec()), ..one(&thing(7), 1) }).await;
    assert_eq!(outcome.expect("answered"), CommitOutcome::Applied);
    assert_eq!(store.key(&thing(7)).await.expect("readable").as_deref(), Some(b"key".as_slice()));
}

const CHILD: &str = "RUBRICA_STORE_TEST_CHILD";

/// Not a rule: the process that the next test kills.
#[tokio::test]
#[ignore = "run by the test after it, in a process of its own"]
async fn child_that_writes_until_killed() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let store = open(Path::new(&path)).expect("the engine opens");
    let mut heads = [0, 1, 2].map(|number| (number, 0_u64));
    for (number, head) in &mut heads {
        *head = self::head(&store, *number).await;
    }
    for _ in 0..100_000 {
        let commits = heads.iter().map(|(number, head)| store.commit(one(&thing(*number), *head)));
        for (outcome, (number, head)) in join_all(commits).await.into_iter().zip(&mut heads) {
            assert_eq!(outcome.expect("answered"), CommitOutcome::Applied);
            *head += 1;
            println!("acknowledged {number} {head}");
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rubrica.db");
    for lives in 1..=5 {
        let mut child = Command::new(std::env::current_exe().expect("a name"))
            .args(["sqlite::tests::child_that_writes_until_killed", "--exact", "--ignored", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let told = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut acknowledged = [0_u64; 3];
        let mut killed = false;
        for (count, line) in told.map_while(Result::ok).filter_map(|line| acknowledgement(&line)).enumerate() {
            acknowledged[line.0] = line.1;
            if count == lives * 37 {
                child.kill().expect("killed");
                killed = true;
            }
        }
        child.wait().expect("it ended");
        assert!(killed, "the child ended by itself");
        let store = open(&path).expect("opens after the kill");
        for (number, acknowledged) in (0..3).zip(acknowledged) {
            let found = head(&store, number).await;
            assert!(found >= acknowledged, "{found} entries of {acknowledged} acknowledged");
        }
    }
}

fn acknowledgement(line: &str) -> Option<(usize, u64)> {
    let (_, line) = line.split_once("acknowledged ")?;
    let (number, head) = line.split_once(' ')?;
    Some((number.parse().ok()?, head.parse().ok()?))
}
