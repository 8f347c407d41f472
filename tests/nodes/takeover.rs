//! Wake-ups that a dead server looked after are fired by another one, soon and once.

use std::time::{Duration, Instant};

use actors::journal;
use rubrica::keys::Keys;
use serde_json::json;
use store::{Entity, scylla::Scylla};
use uuid::Uuid;
use workflows::{
    Machine,
    identification::otp::{Event, Otp},
};

use crate::{
    alone, blocking,
    fleet::{Fleet, Gateway, metric},
    lives::api::Api,
    seeded,
    support::{MASTER, Store},
    until,
};

/// The longest that wake-ups may be looked after by nobody.
const LIMIT: Duration = Duration::from_secs(15);

/// Identifications whose time ends: every shard has some of them.
const IDENTIFICATIONS: usize = 400;

/// An identification that nobody touches until its time ends.
pub struct Waiting(Entity);

impl Waiting {
    /// Whether its end is in the journal. Asking a server would bring it about.
    pub async fn has_expired(&self, tables: &Scylla) -> bool {
        self.expiries(tables).await > 0
    }

    async fn expiries(&self, tables: &Scylla) -> usize {
        let sealer = Keys::from_bytes(&MASTER).journals();
        let lines = journal::read::<Event>(tables, &sealer, &self.0).await.expect("a whole journal");
        lines.iter().filter(|line| matches!(line.event(), Some(Event::Expired))).count()
    }
}

/// Makes identifications that end after a while (ISO 8601).
pub async fn waiting(api: &Api, count: usize, expires_in: &str) -> Vec<Waiting> {
    let mut all = Vec::with_capacity(count);
    for number in 0..count {
        let creation = json!({
            "actor": {"name": "Ana", "msisdn": {"phone_number": 610_000_000 + number, "country_code": "34"}},
            "expires_in": expires_in, "channel": {"type": "SMS"},
        });
        let created = api.post("/v1/orgs/acme/identifications/otp", creation).await.expect(201, "an identification").json();
        let id: Uuid = created["id"].as_str().and_then(|id| id.parse().ok()).expect("an identifier");
        all.push(Waiting(Entity::new("acme", Otp::KIND, id)));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wake_ups_of_a_dead_server_are_taken_over_within_15_seconds_and_fire_once() {
    let _alone = alone().await;
    let mut random = seeded();
    let gateway = Gateway::start().await;
    let mut fleet = blocking(|| Fleet::start(Store::fresh(), 2, &gateway));
    let api = Api::new(fleet.living());
    until("each server to look after its share", Duration::from_secs(60), async || {
        blocking(|| fleet.living().all(|server| metric(server, "rubrica_wake_shards") == u64::from(store::SHARDS) / 2))
    })
    .await;
    let began = Instant::now();
    let all = waiting(&api, IDENTIFICATIONS, "PT10S").await;
    let created = began.elapsed();

    // Half of them are a dead server's when their time ends.
    blocking(|| fleet.kill(random.below(2) as usize));
    let killed = Instant::now();
    let tables = fleet.store.open().await;
    let mut left: Vec<&Waiting> = all.iter().collect();
    let deadline = LIMIT + Duration::from_secs(10) + created;
    while !left.is_empty() {
        let mut still = Vec::new();
        for waiting in left {
            if !waiting.has_expired(&tables).await {
                still.push(waiting);
            }
        }
        left = still;
        assert!(killed.elapsed() < deadline, "{} wake-ups have not fired {:?} after the kill", left.len(), killed.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let fired = killed.elapsed();
    let taken = blocking(|| fleet.metric("rubrica_wake_shard_takeovers_total"));
    println!("made in {created:?}; {taken} shards were taken over; the last wake-up fired {fired:?} after the kill");
    assert!(taken >= 1, "no shard was taken over");
    // The last of them was made just before the kill and falls due ten seconds after it.
    assert!(fired < LIMIT, "{fired:?}");
    for waiting in &all {
        assert_eq!(waiting.expiries(&tables).await, 1, "an end of time is there twice");
    }
    drop(tables);
    blocking(|| drop(fleet.stop()));
}
