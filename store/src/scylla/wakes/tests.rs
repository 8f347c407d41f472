//! The index on a real CQL server: several nodes on one keyspace.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cql_server::NewKeyspace;
use prometheus::Registry;
use uuid::Uuid;

use super::*;
use crate::{
    SHARDS,
    scylla::{Options, metrics, migrate},
};

const SECOND: i64 = 1_000_000;

/// A keyspace, and a way to write heads as appends do.
struct Setting {
    options: Options,
    db: Arc<Db>,
    _keyspace: NewKeyspace,
}

/// 2023-11-14 and so many seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(1_700_000_000 + seconds, 0).expect("an instant")
}

/// As in service, but shorter.
fn quick() -> Times {
    let of = Duration::from_millis;
    Times { beat: of(300), fence: of(2_000), takeover: of(3_000), comb: of(300), stale: of(600), ..Times::default() }
}

impl Setting {
    async fn new() -> Self {
        let server = tokio::task::spawn_blocking(cql_server::shared).await.expect("a CQL server");
        let keyspace = NewKeyspace::default();
        let options = Options { replication: 1, ..Options::new(server.contact_points().to_vec(), keyspace.name()) };
        migrate(&options).await.expect("a schema");
        let db = Self::connect(&options).await;
        Self { options, db, _keyspace: keyspace }
    }

    async fn connect(options: &Options) -> Arc<Db> {
        let metrics = metrics::Metrics::new(&Registry::new()).expect("metrics");
        Arc::new(Db::connect(options, Some(&options.keyspace), metrics).await.expect("the server answers"))
    }

    async fn node(&self, times: Times) -> Wakes {
        let db = Self::connect(&self.options).await;
        Wakes::prepare_with(db, times, &Registry::new()).await.expect("prepared")
    }

    /// What an append does to the entity. It is plain here: nobody else writes it.
    async fn set_head(&self, entity: &Entity, head: i64) {
        let text = "INSERT INTO entity (org, kind, id, rk, seq, head) VALUES (?, ?, ?, 0, 0, ?)";
        let put = self.db.idempotent("test", text).await.expect("prepared");
        self.db.write(&put, (&*entity.organization, &*entity.kind, entity.id, head)).await.expect("written");
    }

    /// An append by a node, with its wake-up.
    async fn append(&self, node: &Wakes, entity: &Entity, head: u64, due: Timestamp) {
        let announced = node.announce(entity, head, due).await.expect("announced");
        self.set_head(entity, head as i64).await;
        node.appended(entity, head, Some(announced));
    }

    async fn count(&self, table: &str) -> i64 {
        let count = self.db.idempotent("test", &format!("SELECT count(*) FROM {table}")).await.expect("prepared");
        let rows: Vec<(i64,)> = self.db.read(&count, Read::Quorum, ()).await.expect("read");
        rows[0].0
    }
}

fn some_entity() -> Entity {
    Entity::new("acme", "thing", Uuid::new_v4())
}

async fn due(node: &Wakes, until: Timestamp) -> Vec<Wake> {
    node.due(0..SHARDS, until, 1_000).await.expect("answered")
}

/// Asks until it is so, for at most `seconds`, and says how long that took.
async fn within(seconds: u64, what: &str, mut is_so: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(seconds), "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

fn shards(node: &Wakes) -> usize {
    node.core.live(|_| true).len()
}

#[tokio::test]
async fn two_nodes_share_the_shards_and_each_finds_what_the_other_wrote() {
    let setting = Setting::new().await;
    let (one, two) = (setting.node(quick()).await, setting.node(quick()).await);
    assert_eq!(due(&one, at(0)).await, []);
    assert_eq!(shards(&one), 64, "a lone node has all at once");
    within(20, "they share", async || {
        due(&two, at(0)).await;
        shards(&one) == 32 && shards(&two) == 32
    })
    .await;
    let entities: Vec<Entity> = (0..40).map(|_| some_entity()).collect();
    for entity in &entities {
        setting.append(&one, entity, 1, at(5)).await;
    }
    assert!(due(&one, at(4)).await.is_empty() && due(&two, at(4)).await.is_empty());
    let found = [due(&one, at(5)).await, due(&two, at(5)).await];
    assert!(found.iter().all(|wakes| !wakes.is_empty()));
    let mut found: Vec<Entity> = found.into_iter().flatten().map(|wake| wake.entity).collect();
    found.sort();
    let mut expected = entities.clone();
    expected.sort();
    assert_eq!(found, expected, "each by one node");

    // A node that goes gives its shards back at once: no wait for a takeover.
    let (given, at_once) = (Instant::now(), quick().takeover);
    two.close().await;
    assert_eq!(setting.count("node").await, 1);
    within(20, "the other has all", async || shards(&one) == 64).await;
    assert!(given.elapsed() < at_once, "{:?}", given.elapsed());
    within(20, "it finds all", async || due(&one, at(5)).await.len() == 40).await;
    assert_eq!(due(&two, at(5)).await, [], "who was closed takes no part any more");
    one.close().await;
}

#[tokio::test]
async fn a_dead_nodes_wake_ups_are_fired_by_another_in_less_than_15_seconds() {
    let setting = Setting::new().await;
    let (dead, heir) = (setting.node(Times::default()).await, setting.node(Times::default()).await);
    due(&dead, at(0)).await;
    within(30, "they share", async || {
        due(&heir, at(0)).await;
        shards(&dead) == 32 && shards(&heir) == 32
    })
    .await;
    let entities: Vec<Entity> = (0..40).map(|_| some_entity()).collect();
    for entity in &entities {
        setting.append(&dead, entity, 1, at(5)).await;
    }
    // One half has been handed out and is not settled; the other half was.
    let handed = due(&dead, at(5)).await;
    let mut settled: Vec<Entity> = Vec::new();
    for wake in handed.iter().take(handed.len() / 2) {
        dead.settle(wake, 1, None).await.expect("settled");
        settled.push(wake.entity.clone());
    }
    drop(dead);
    let mut fired: Vec<Entity> = Vec::new();
    let took = within(15, "all are found", async || {
        for wake in due(&heir, at(6)).await {
            heir.settle(&wake, 1, None).await.expect("settled");
            fired.push(wake.entity);
        }
        entities.iter().all(|entity| fired.contains(entity) || settled.contains(entity)) && shards(&heir) == 64
    })
    .await;
    println!("taken over and fired after {took:?}");
    assert!(heir.core.metrics.takeovers.get() >= 32);
    heir.close().await;
}

#[tokio::test]
async fn wake_ups_written_behind_the_scan_are_found_also_by_clocks_that_differ() {
    let setting = Setting::new().await;
    let (owner, writer) = (setting.node(quick()).await, setting.node(quick()).await);
    // The writer takes no part, as an import does not, and its clock is five seconds behind, then ahead.
    due(&owner, at(100)).await;
    for skew in [-5, 5] {
        let entity = some_entity();
        setting.append(&writer, &entity, 1, at(100 + skew)).await;
        within(10, "it is found", async || {
            due(&owner, at(105)).await.contains(&Wake { entity: entity.clone(), due: at(100 + skew) })
        })
        .await;
    }
    // One whose append comes only after the row was found.
    let entity = some_entity();
    let announced = writer.announce(&entity, 1, at(105)).await.expect("announced");
    within(10, "the row is read", async || {
        due(&owner, at(106)).await;
        owner.core.live(|_| true).iter().any(|shard| shard.index.lock().due(i64::MAX).any(|(due, _)| due.entity == entity))
    })
    .await;
    assert!(!due(&owner, at(106)).await.iter().any(|wake| wake.entity == entity), "the entry is not there");
    setting.set_head(&entity, 1).await;
    writer.appended(&entity, 1, Some(announced));
    within(10, "it is handed out", async || due(&owner, at(106)).await.iter().any(|wake| wake.entity == entity)).await;
    // And one that another node has replaced since.
    setting.append(&writer, &entity, 2, at(900)).await;
    owner.settle(&Wake { entity: entity.clone(), due: at(105) }, 2, Some(at(900))).await.expect("settled");
    within(10, "the replaced one goes", async || !due(&owner, at(107)).await.iter().any(|wake| wake.entity == entity)).await;
    owner.close().await;
}

#[tokio::test]
async fn a_jump_of_thirty_days_finds_all_and_then_the_buckets_go() {
    let setting = Setting::new().await;
    // Shorter than what a takeover would need, as nobody takes over here.
    let of = Duration::from_millis;
    let times = Times { fence: of(3_000), takeover: of(60_000), stale: of(600), write: of(1_000), ..quick() };
    let node = setting.node(times.clone()).await;
    due(&node, at(0)).await;
    let days: Vec<i64> = (0..30).map(|day| day * 86_400 + 60).collect();
    let entities: Vec<Entity> = days.iter().map(|_| some_entity()).collect();
    for (entity, day) in entities.iter().zip(&days) {
        setting.append(&node, entity, 1, at(*day)).await;
    }
    let stays = some_entity();
    setting.append(&node, &stays, 1, at(60 * 86_400)).await;
    let before = node.core.db.metrics.count("wake_scan");
    let wakes = due(&node, at(30 * 86_400)).await;
    let found: Vec<Entity> = wakes.iter().map(|wake| wake.entity.clone()).collect();
    assert_eq!(found, entities, "earliest first");
    let scans = node.core.db.metrics.count("wake_scan") - before;
    assert!(scans < 30 + 4 * u64::from(SHARDS), "{scans} reads for a jump");
    assert_eq!(setting.count("wake").await, 31);
    for wake in &wakes {
        node.settle(wake, 1, None).await.expect("settled");
    }
    within(30, "what is behind is deleted", async || {
        assert_eq!(due(&node, at(30 * 86_400)).await, []);
        setting.count("wake").await == 1 && setting.count("wake_bucket").await == 1
    })
    .await;
    // A row that is written now for a moment that was passed counts, though its bucket has gone.
    let late = some_entity();
    setting.append(&node, &late, 1, at(60)).await;
    assert_eq!(due(&node, at(30 * 86_400)).await, [Wake { entity: late, due: at(60) }]);
    drop(node);

    // Another one goes on from the stored watermark, without what was deleted and with all that was not.
    let times = Times { takeover: of(1_500), ..times };
    let heir = setting.node(times).await;
    within(20, "it has the shards", async || {
        due(&heir, at(30 * 86_400)).await;
        shards(&heir) == 64
    })
    .await;
    within(10, "it finds the last", async || due(&heir, at(60 * 86_400)).await.iter().any(|wake| wake.entity == stays)).await;
    let watermark = |shard: &Arc<Shard>| shard.lease.lock().watermark;
    assert!(heir.core.live(|_| true).iter().all(|shard| watermark(shard) > micros(at(0)) - SECOND));
    heir.close().await;
}

#[tokio::test]
async fn a_slot_with_more_rows_than_a_page_is_read_to_its_end() {
    let setting = Setting::new().await;
    let node = setting.node(quick()).await;
    due(&node, at(0)).await;
    // All in one shard, and in one slot, and some in the next.
    let entities: Vec<(Entity, i64)> = (0..2_600_u128)
        .map(|number| (Entity::new("acme", "thing", Uuid::from_u128(number << 96)), if number < 2_500 { 5 } else { 6 }))
        .collect();
    let announced =
        stream::iter(&entities).map(async |(entity, second)| node.announce(entity, 1, at(*second)).await.expect("announced"));
    let announced: Vec<Announced> = announced.buffer_unordered(64).collect().await;
    assert_eq!(announced.len(), 2_600);
    let looks = stream::iter(&entities).map(async |(entity, _)| setting.set_head(entity, 1).await);
    looks.buffer_unordered(64).collect::<Vec<()>>().await;
    for (second, expected) in [(5, 2_500), (6, 2_600)] {
        let wakes = node.due(0..SHARDS, at(second), usize::MAX).await.expect("answered");
        assert_eq!(wakes.len(), expected);
    }
    node.close().await;
}

#[tokio::test]
async fn a_scan_that_outlives_its_lease_reads_no_further() {
    let setting = Setting::new().await;
    let node = setting.node(quick()).await;
    due(&node, at(0)).await;
    // From here on nothing is renewed.
    node.keeper.lock().take().expect("it takes part").task.abort();
    let shard = node.core.live(|_| true).remove(0);
    let scan = async |fence: Instant| {
        shard.lease.lock().fence = fence;
        let room = Room::of(PENDING, std::slice::from_ref(&shard));
        node.core.scan(shard.clone(), micros(at(5)), &room).await.expect("read");
        shard.index.lock().position()
    };
    assert!(scan(Instant::now()).await < micros(at(5)));
    assert_eq!(scan(Instant::now() + Duration::from_secs(60)).await, micros(at(5)));
}

#[tokio::test]
async fn who_only_writes_takes_no_shard() {
    let setting = Setting::new().await;
    let writer = setting.node(quick()).await;
    let entity = some_entity();
    setting.append(&writer, &entity, 1, at(5)).await;
    writer.settle(&Wake { entity: entity.clone(), due: at(5) }, 1, Some(at(6))).await.expect("settled");
    assert_eq!((setting.count("node").await, setting.count("wake_lease").await), (0, 0));
    writer.close().await;
    let node = setting.node(quick()).await;
    let wakes: Vec<Wake> = due(&node, at(7)).await;
    assert_eq!(wakes.iter().map(|wake| wake.due).collect::<Vec<_>>(), [at(5), at(6)]);
    node.close().await;
}
