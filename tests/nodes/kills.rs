//! Servers are killed, one every few seconds, and others started.

use std::time::Duration;

use cql_server::Random;

use crate::{
    alone, blocking, finish,
    fleet::{Fleet, Gateway},
    lives::{Load, api::Api},
    scale, seeded,
    support::Store,
};

/// Clients that live identifications, and that live sign processes.
const CLIENTS: (usize, usize) = (3, 2);

async fn servers_are_killed_under_load(servers: usize, kills: usize) {
    let mut random: Random = seeded();
    let gateway = Gateway::start().await;
    let mut fleet = blocking(|| Fleet::start(Store::fresh(), servers, &gateway));
    let api = Api::new(fleet.living());
    let load = Load::start(&api, gateway.clone(), true, CLIENTS);
    for _ in 0..kills * scale() {
        tokio::time::sleep(Duration::from_millis(500 + random.below(3_000))).await;
        load.assert_alive();
        let place = random.below(servers as u64) as usize;
        blocking(|| fleet.kill(place));
        api.moved(fleet.living());
        blocking(|| fleet.start_again(place));
        api.moved(fleet.living());
    }
    load.assert_alive();
    finish(fleet, &api, load, &gateway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_of_which_one_is_killed_every_few_seconds_lose_and_double_nothing() {
    let _alone = alone().await;
    servers_are_killed_under_load(2, 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_of_which_one_is_killed_every_few_seconds_lose_and_double_nothing() {
    let _alone = alone().await;
    servers_are_killed_under_load(3, 6).await;
}
