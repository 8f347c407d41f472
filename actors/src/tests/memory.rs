//! Who is in memory, and that nobody is lost on the way in or out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    Error,
    testing::{Cmd, ORGANIZATION, Setting, Want, entity, eventually},
};

#[actix::test]
async fn the_idle_leave_memory_and_come_back_as_they_were() {
    let mut setting = Setting::new();
    setting.options.passivate_after = Duration::ZERO;
    let server = setting.server();
    let id = server.open().await;
    let before = server.ask(id, Cmd::Add(1)).await.unwrap();
    eventually("it leaves", async || {
        server.host.sweep();
        server.host.resident() == 0
    })
    .await;
    let loads = setting.store.loads.load(Ordering::Acquire);
    assert_eq!(server.read(id).await, before);
    assert_eq!(setting.store.loads.load(Ordering::Acquire), loads + 1);
}

#[actix::test]
async fn the_busy_stay_in_memory() {
    let mut setting = Setting::new();
    setting.options.passivate_after = Duration::ZERO;
    let server = setting.server();
    let id = server.open().await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    server.world.script([crate::testing::Fate::Gate(gate.clone())]);
    server.ask(id, Cmd::AddAnd(1, Want::Mail)).await.unwrap();
    eventually("it waits for the effect alone", async || server.queued(id) == 0).await;
    server.host.sweep();
    assert_eq!(server.host.resident(), 1);
    gate.add_permits(1);
    eventually("it leaves", async || {
        server.host.sweep();
        server.host.resident() == 0
    })
    .await;
}

#[actix::test]
async fn an_append_is_finished_when_the_last_address_is_dropped() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let ask = |item| {
        let host = server.host.clone();
        tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::Add(item)).await })
    };
    let (first, second) = (ask(1), ask(2));
    eventually("one is at work, one waits", async || {
        setting.store.waiting.load(Ordering::Acquire) == 1 && server.queued(id) == 2
    })
    .await;
    // No sweep does this to a busy process; actix must not drop its work even so.
    server.host.registry(|registry| registry.slots.clear());
    drop(held);
    first.await.unwrap().unwrap();
    assert_eq!(second.await.unwrap().unwrap().items.len(), 2);
}

#[actix::test]
async fn a_process_whose_actor_died_is_started_anew() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.stop_actors();
    // The thread of the actors is gone, so nobody answers; but nobody waits for ever either.
    assert!(matches!(server.ask(id, Cmd::Add(1)).await, Err(Error::Unavailable(_))));
    assert!(!server.is_busy());
}

#[actix::test]
async fn messages_to_processes_on_their_way_out_are_not_lost() {
    let mut setting = Setting::new();
    setting.options.passivate_after = Duration::ZERO;
    let server = Arc::new(setting.server());
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(server.open().await);
    }
    let over = Arc::new(AtomicBool::new(false));
    let sweeper = {
        let (host, over) = (server.host.clone(), over.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Acquire) {
                host.sweep();
                std::thread::yield_now();
            }
        })
    };
    let asks = (0..8_u64).map(|task| {
        let (server, ids) = (server.clone(), ids.clone());
        async move {
            for n in 0..150 {
                let item = task * 1000 + n;
                let answer = server.ask(ids[(item % 4) as usize], Cmd::Add(item)).await;
                assert!(answer.unwrap().items.contains(&item));
                tokio::task::yield_now().await;
            }
        }
    });
    futures::future::join_all(asks).await;
    over.store(true, Ordering::Release);
    sweeper.join().unwrap();
    let mut items = Vec::new();
    for id in ids {
        items.extend(server.read(id).await.items.clone());
    }
    items.sort_unstable();
    let expected: Vec<u64> = (0..8).flat_map(|task| (0..150).map(move |n| task * 1000 + n)).collect();
    assert_eq!(items, expected);
    eventually("all counts are back at zero", async || !server.is_busy()).await;
    server.host.sweep();
    assert_eq!(server.host.resident(), 0);
}

#[actix::test]
async fn snapshots_shorten_loads_and_give_the_same_state() {
    let mut setting = Setting::new();
    setting.options.snapshot_every = 10;
    let server = setting.server();
    let id = server.open().await;
    server.world.script([crate::testing::Fate::Fail]);
    server.ask(id, Cmd::AddAnd(0, Want::Mail)).await.unwrap();
    for item in 1..95 {
        server.ask(id, Cmd::Add(item)).await.unwrap();
    }
    eventually("the effect failed", async || !server.is_busy()).await;
    let before = server.read(id).await;
    server.kill();
    let read = setting.store.read.load(Ordering::Acquire);
    let server = setting.server();
    assert_eq!(server.read(id).await, before);
    assert!(setting.store.read.load(Ordering::Acquire) - read < 10);
    // The effect that waits is part of the snapshot.
    setting.clock.advance(chrono::Duration::seconds(1));
    server.fire().await;
    eventually("it is performed", async || server.read(id).await.results == ["Mail done"]).await;
}

#[actix::test]
async fn draining_takes_no_more_and_waits_for_what_is_under_way() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let host = server.host.clone();
    let asked = tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::AddAnd(1, Want::Mail)).await });
    eventually("it is at work", async || setting.store.waiting.load(Ordering::Acquire) == 1).await;
    assert!(!server.host.drain(Duration::ZERO).await);
    assert!(matches!(server.ask(id, Cmd::Add(2)).await, Err(Error::Unavailable(_))));
    setting.clock.advance(chrono::Duration::days(2));
    assert!(server.fire().await.iter().all(Result::is_err));
    drop(held);
    assert!(server.host.drain(Duration::from_secs(30)).await);
    assert_eq!(asked.await.unwrap().unwrap().items, [1]);
    assert_eq!(server.world.performed().len(), 1);
}

#[actix::test]
#[should_panic(expected = "actors are left running")]
async fn a_test_that_leaves_an_actor_running_fails() {
    let mut server = Setting::new().server();
    let id = server.open().await;
    let held = server.host.registry(|registry| registry.slots[&entity(id)].addr.clone());
    server.patience = Duration::from_millis(50);
    drop(server);
    drop(held);
}
