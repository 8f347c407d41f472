//! The engine on a CQL server behind a proxy that loses, delays and falsifies what goes through it: what an append or a put answered is
//! held against what is there afterwards.
//!
//! The seed is printed; `RUBRICA_FAULTS_SEED` takes it up again. `RUBRICA_FAULTS_SCALE` makes the test so many times longer.

use std::{
    collections::{HashMap, HashSet},
    net::{SocketAddr, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{TimeDelta, Utc};
use cql_server::{Faults, Keyspace, Proxy, Random};
use parking_lot::Mutex;
use store::{
    Commit, CommitOutcome, Entity, Entry, Error, Listing, PutOutcome, Record, RecordKey, Store,
    scylla::{Options, Scylla, migrate},
};
use uuid::Uuid;

/// Journals and records that all tasks of all servers write to.
const ENTITIES: usize = 6;
const RECORDS: usize = 3;

/// Servers, each with a proxy of its own, and tasks on each.
const SERVERS: usize = 2;
const TASKS: usize = 10;

/// How long faults happen.
const FAULTS: Duration = Duration::from_secs(10);

/// In the middle of it nothing goes through for so long: no append is resolved before it is given up.
const DARK: Duration = Duration::from_secs(7);

/// Longest wait for one statement.
const TIMEOUT: Duration = Duration::from_millis(600);

/// Longest wait for what the proxies hold back, and for a server that answers again.
const ENDING: Duration = Duration::from_secs(30);

fn seed() -> u64 {
    let seed = match std::env::var("RUBRICA_FAULTS_SEED") {
        Ok(seed) => seed.parse().expect("RUBRICA_FAULTS_SEED is a number"),
        Err(_) => Uuid::new_v4().as_u64_pair().0,
    };
    println!("RUBRICA_FAULTS_SEED={seed}");
    seed
}

fn scale() -> u32 {
    std::env::var("RUBRICA_FAULTS_SCALE").map_or(1, |scale| scale.parse().expect("RUBRICA_FAULTS_SCALE is a number"))
}

/// What a write answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Answer {
    Applied,
    /// Somebody else was first, or the engine says that nothing was written.
    Not,
    Unknown,
}

/// An append that was tried, once.
struct Append {
    commit: Commit,
    answer: Answer,
    /// What the engine said when it was asked again what became of an unknown one.
    resolved: Answer,
}

/// A put that was tried, once. Bodies are each one's own.
struct Put {
    key: RecordKey,
    expected: u64,
    body: Vec<u8>,
    answer: Answer,
}

/// Everything that was tried.
#[derive(Default)]
struct Tried {
    appends: Mutex<Vec<Append>>,
    puts: Mutex<Vec<Put>>,
    failed_reads: AtomicU64,
}

fn entities() -> Vec<Entity> {
    (0..ENTITIES).map(|number| Entity::new("acme", "order", Uuid::from_u128(0x1000_0000 * number as u128 + 1))).collect()
}

fn records() -> Vec<RecordKey> {
    (0..RECORDS).map(|number| RecordKey::new("acme", "settings", format!("key-{number}"))).collect()
}

/// One server's task: appends and puts at the place where it last saw the end.
struct Task {
    store: Arc<Scylla>,
    tried: Arc<Tried>,
    random: Random,
    entities: Vec<Entity>,
    records: Vec<RecordKey>,
}

impl Task {
    async fn run(mut self, until: Instant) {
        let mut heads: HashMap<Entity, u64> = HashMap::new();
        let mut versions: HashMap<RecordKey, u64> = HashMap::new();
        while Instant::now() < until {
            if self.random.below(4) == 0 {
                let key = self.records[self.random.below(RECORDS as u64) as usize].clone();
                self.put(key, &mut versions).await;
            } else {
                let entity = self.entities[self.random.below(ENTITIES as u64) as usize].clone();
                self.append(entity, &mut heads).await;
            }
        }
    }

    /// Appends behind the head that this task knows, and learns the head where it does not, or no longer.
    async fn append(&mut self, entity: Entity, heads: &mut HashMap<Entity, u64>) {
        let Some(head) = heads.remove(&entity) else {
            match self.store.load(&entity).await {
                Ok(loaded) => {
                    assert!(loaded.iter().all(|loaded| is_whole(&loaded.entries)), "{entity:?}: a journal with a gap was read");
                    heads.insert(entity, loaded.map_or(0, |loaded| loaded.head));
                }
                Err(error) => self.not_read(&error),
            }
            return;
        };
        let commit = self.commit(entity.clone(), head);
        let answer = match self.store.commit(commit.clone()).await {
            Ok(CommitOutcome::Applied) => Answer::Applied,
            Ok(CommitOutcome::Conflict { .. }) | Err(Error::Unavailable(_)) => Answer::Not,
            Ok(CommitOutcome::Unknown) => Answer::Unknown,
            Err(error) => panic!("{entity:?}: {error}"),
        };
        let resolved = match answer {
            Answer::Unknown => match store::resolve_unknown(&*self.store, &commit).await {
                CommitOutcome::Applied => Answer::Applied,
                CommitOutcome::Conflict { head } if head > commit.expected_head => Answer::Not,
                // Nobody has written by then; what is on its way may still.
                CommitOutcome::Conflict { .. } | CommitOutcome::Unknown => Answer::Unknown,
            },
            answer => answer,
        };
        if resolved == Answer::Applied {
            heads.insert(entity, head + commit.entries.len() as u64);
        }
        self.tried.appends.lock().push(Append { commit, answer, resolved });
    }

    fn commit(&mut self, entity: Entity, head: u64) -> Commit {
        let commit_id = Uuid::new_v4();
        let entries = (0..=self.random.below(3))
            .map(|number| {
                // One in ten does not fit into a conditional statement.
                let length = if self.random.below(10) == 0 { 40_000 } else { 200 };
                format!("{commit_id} {number} {}", "x".repeat(length)).into_bytes()
            })
            .collect();
        let at = Utc::now();
        let wake = (self.random.below(2) == 0).then(|| at + TimeDelta::days(1));
        Commit {
            entity,
            expected_head: head,
            entries,
            at,
            snapshot: None,
            wake,
            commit_id,
            key: None,
            listing: Listing::Listed,
            marks: None,
        }
    }

    async fn put(&mut self, key: RecordKey, versions: &mut HashMap<RecordKey, u64>) {
        let Some(version) = versions.remove(&key) else {
            match self.store.get(&key).await {
                Ok(record) => drop(versions.insert(key, record.map_or(0, |record| record.version))),
                Err(error) => self.not_read(&error),
            }
            return;
        };
        let body = Uuid::new_v4().as_bytes().repeat(if self.random.below(10) == 0 { 2_000 } else { 4 });
        let answer = match self.store.put_if(&key, version, Utc::now(), body.clone()).await {
            Ok(PutOutcome::Applied) => Answer::Applied,
            Ok(PutOutcome::Conflict { .. }) | Err(Error::Unavailable(_)) => Answer::Not,
            Ok(PutOutcome::Unknown) => Answer::Unknown,
            Err(error) => panic!("{key:?}: {error}"),
        };
        if answer == Answer::Applied {
            versions.insert(key.clone(), version + 1);
        }
        self.tried.puts.lock().push(Put { key, expected: version, body, answer });
    }

    /// Only that the server was not reached may keep a reader from reading.
    fn not_read(&self, error: &Error) {
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        self.tried.failed_reads.fetch_add(1, Ordering::Relaxed);
    }
}

fn is_whole(entries: &[Entry]) -> bool {
    entries.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq)
}

fn options(host: String, keyspace: &Keyspace) -> Options {
    Options { replication: 1, ..Options::new(vec![host], keyspace.name()) }
}

async fn open(options: &Options) -> Arc<Scylla> {
    Arc::new(Scylla::open(options, &prometheus::Registry::new()).await.expect("the engine opens"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_write_answered_is_what_is_there_whatever_befell_its_statements() {
    let mut random = Random(seed());
    let point = tokio::task::spawn_blocking(|| cql_server::shared().contact_points()[0].clone()).await.expect("a CQL server");
    let server: SocketAddr = point.to_socket_addrs().expect("an address").next().expect("an address");
    let keyspace = Keyspace::take().await.expect("a keyspace");
    let direct = options(point, &keyspace);
    migrate(&direct).await.expect("a schema");

    let tried = Arc::new(Tried::default());
    let length = FAULTS * scale();
    let until = Instant::now() + length + DARK;
    let (mut proxies, mut tasks) = (Vec::new(), Vec::new());
    for _ in 0..SERVERS {
        let proxy = Proxy::start(server, random.below(u64::MAX)).await.expect("a proxy");
        let options = Options { timeout: TIMEOUT, ..options(proxy.address().to_string(), &keyspace) };
        let store = open(&options).await;
        for _ in 0..TASKS {
            let (store, tried) = (store.clone(), tried.clone());
            let random = Random(random.below(u64::MAX));
            let task = Task { store, tried, random, entities: entities(), records: records() };
            tasks.push(tokio::spawn(task.run(until)));
        }
        proxies.push(proxy);
    }
    // Late ones come before and after the driver has given them up.
    let all = Faults { cut_before: 3, cut_after: 3, ..Faults::each(25, Duration::from_millis(5)..TIMEOUT * 4) };
    let phase = |faults: &Faults| proxies.iter().for_each(|proxy| proxy.set(faults.clone()));
    // The moments of this test are its plan; nobody waits for anything by them.
    phase(&all);
    tokio::time::sleep(length / 2).await;
    phase(&Faults { lost: 500, unanswered: 500, ..Faults::NONE });
    tokio::time::sleep(DARK).await;
    phase(&all);
    for task in tasks {
        task.await.expect("a task ends well");
    }
    phase(&Faults::NONE);
    let ending = Instant::now() + ENDING;
    while proxies.iter().any(|proxy| proxy.held() > 0) {
        assert!(Instant::now() < ending, "the proxies hold statements back after {ENDING:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let store = open(&direct).await;
    let (appends, puts) = (std::mem::take(&mut *tried.appends.lock()), std::mem::take(&mut *tried.puts.lock()));
    let entries = check_journals(&*store, &appends).await;
    let versions = check_records(&*store, &puts).await;
    let (statements, faults) = proxies.iter().map(Proxy::counts).fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    println!("{statements} statements, {faults} of them met a fault; {entries} entries, {versions} versions");
    for answer in [Answer::Applied, Answer::Not, Answer::Unknown] {
        let appends = appends.iter().filter(|append| append.answer == answer).count();
        let puts = puts.iter().filter(|put| put.answer == answer).count();
        println!("{answer:?}: {appends} appends, {puts} puts");
        assert!(appends > 0, "no append answered {answer:?}: the faults proved nothing");
    }
    println!("reads that failed: {}", tried.failed_reads.load(Ordering::Relaxed));
}

/// Holds journals against what their writers were answered. Gives the number of entries.
async fn check_journals(store: &dyn Store, appends: &[Append]) -> usize {
    let by_id: HashMap<Uuid, &Append> = appends.iter().map(|append| (append.commit.commit_id, append)).collect();
    let mut total = 0;
    let mut there: HashSet<Uuid> = HashSet::new();
    for entity in entities() {
        let entries = store.entries(&entity, 1, usize::MAX).await.expect("a journal");
        total += entries.len();
        let head = store.load(&entity).await.expect("a journal").map_or(0, |loaded| loaded.head);
        assert!((1..).zip(&entries).all(|(seq, entry)| entry.seq == seq), "{entity:?} has a gap or a double");
        assert_eq!(head, entries.len() as u64, "{entity:?}: the head is not the last entry");
        let mut rest = entries.as_slice();
        while let Some(first) = rest.first() {
            let append = by_id.get(&first.commit_id).unwrap_or_else(|| panic!("{entity:?}: nobody made entry {}", first.seq));
            let Commit { expected_head, entries: bodies, commit_id, .. } = &append.commit;
            assert!(there.insert(*commit_id), "{entity:?}: append {commit_id} is there twice");
            assert_eq!(first.seq, expected_head + 1, "{entity:?}: append {commit_id} is in another place");
            let (own, after) = rest.split_at(bodies.len().min(rest.len()));
            assert!(own.iter().all(|entry| entry.commit_id == *commit_id), "{entity:?}: append {commit_id} is not whole");
            assert!(own.iter().map(|entry| &entry.body).eq(bodies), "{entity:?}: append {commit_id} has other bodies");
            rest = after;
        }
    }
    for append in appends {
        let Append { commit, answer, resolved } = append;
        let is_there = there.contains(&commit.commit_id);
        for answer in [answer, resolved] {
            let holds = match answer {
                Answer::Applied => is_there,
                Answer::Not => !is_there,
                Answer::Unknown => true,
            };
            let id = commit.commit_id;
            assert!(holds, "append {id} behind {} was answered {answer:?}; it is there: {is_there}", commit.expected_head);
        }
    }
    total
}

/// Holds records against what their writers were answered. Gives the number of versions.
async fn check_records(store: &dyn Store, puts: &[Put]) -> usize {
    let mut total = 0;
    for key in records() {
        let mut versions: Vec<Record> = store.history(&key, None, usize::MAX).await.expect("a history");
        versions.reverse();
        total += versions.len();
        assert!((1..).zip(&versions).all(|(version, record)| record.version == version), "{key:?} has a gap or a double");
        let newest = store.get(&key).await.expect("a record").map_or(0, |record| record.version);
        assert_eq!(newest, versions.len() as u64, "{key:?}: the head is not the last version");
        let of_key: Vec<&Put> = puts.iter().filter(|put| put.key == key).collect();
        for put in &of_key {
            let is_there = versions.get(put.expected as usize).is_some_and(|record| record.body == put.body);
            let holds = match put.answer {
                Answer::Applied => is_there,
                Answer::Not => !is_there,
                Answer::Unknown => true,
            };
            assert!(holds, "{key:?}: version {} was answered {:?}; it is there: {is_there}", put.expected + 1, put.answer);
        }
        for record in &versions {
            let own = of_key.iter().filter(|put| put.expected + 1 == record.version && put.body == record.body);
            assert_eq!(own.count(), 1, "{key:?}: nobody, or somebody twice, put version {}", record.version);
        }
    }
    total
}
