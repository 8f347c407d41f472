//! From a command to its answer.

use std::{sync::atomic::Ordering, time::Duration};

use store::faulty::Fault;
use uuid::Uuid;

use crate::{
    Error,
    journal::Fact,
    testing::{Cmd, Event, ORGANIZATION, Phase, Setting, WRONG, Want, eventually, not_open},
};

#[actix::test]
async fn what_is_answered_is_in_the_journal() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let order = server.ask(id, Cmd::Add(7)).await.unwrap();
    assert_eq!(order.items, [7]);
    let facts = setting.facts(id).await;
    assert!(matches!(facts[..], [Fact::Event(Event::Created { .. }), Fact::Event(Event::Added(7))]));
}

#[actix::test]
async fn neither_an_answer_nor_an_effect_comes_before_the_append() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let host = server.host.clone();
    let asked = tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::AddAnd(1, Want::Mail)).await });
    eventually("the append begins", async || setting.store.waiting.load(Ordering::Acquire) == 1).await;
    assert!(!asked.is_finished());
    assert!(server.world.attempts().is_empty());
    drop(held);
    assert_eq!(asked.await.unwrap().unwrap().items, [1]);
    eventually("the effect is performed", async || server.world.performed().len() == 1).await;
}

#[actix::test]
async fn a_refusal_leaves_the_facts_it_notes() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(server.ask(id, Cmd::Wrong).await, Err(Error::Refused(WRONG)));
    assert_eq!(setting.facts(id).await.last(), Some(&Fact::Event(Event::Refused)));
    assert_eq!(server.read(id).await.refused, 1);
}

#[actix::test]
async fn a_refusal_without_facts_leaves_nothing() {
    let setting = Setting::new();
    let server = setting.server();
    let id = Uuid::new_v4();
    assert_eq!(server.ask(id, Cmd::Add(1)).await, Err(Error::Refused(not_open())));
    assert_eq!(server.read(id).await.phase, Phase::None);
    assert!(setting.facts(id).await.is_empty());
}

#[actix::test]
async fn a_read_never_shows_a_process_as_alive_after_its_end() {
    let setting = Setting::new();
    let server = setting.server();
    let id = Uuid::new_v4();
    let until = server.ask(id, Cmd::Create { seconds: 60 }).await.unwrap().until.unwrap();
    setting.clock.advance(chrono::Duration::microseconds(59_999_999));
    assert_eq!(server.read(id).await.phase, Phase::Open);
    setting.clock.advance(chrono::Duration::microseconds(1));
    assert_eq!(setting.clock.now(), until);
    assert_eq!(server.read(id).await.phase, Phase::Expired);
    assert_eq!(setting.facts(id).await.last(), Some(&Fact::Event(Event::Expired)));
}

#[actix::test]
async fn time_decides_before_a_command() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    setting.clock.advance(chrono::Duration::days(1));
    assert_eq!(server.ask(id, Cmd::Add(1)).await, Err(Error::Refused(not_open())));
    assert_eq!(setting.facts(id).await.len(), 2);
}

#[actix::test]
async fn a_wake_up_is_stored_with_what_needs_it() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(setting.wake_of(id).await, server.read(id).await.until);
    server.ask(id, Cmd::Close).await.unwrap();
    assert_eq!(setting.wake_of(id).await, None);
}

#[actix::test]
async fn nothing_is_loaded_at_the_start() {
    let setting = Setting::new();
    let server = setting.server();
    for _ in 0..20 {
        server.open().await;
    }
    server.kill();
    let loads = setting.store.loads.load(Ordering::Acquire);
    let server = setting.server();
    assert_eq!(server.host.resident(), 0);
    assert_eq!(setting.store.loads.load(Ordering::Acquire), loads);
}

#[actix::test]
async fn two_servers_on_one_store_leave_no_gap_and_no_double() {
    let setting = Setting::new();
    let (one, two) = (setting.server(), setting.server());
    let id = one.open().await;
    let add = async |from: u64, server: &crate::testing::Server| {
        for item in from..from + 60 {
            loop {
                match server.ask(id, Cmd::Add(item)).await {
                    Ok(order) => break assert!(order.items.contains(&item)),
                    // The other was first too often; nothing was written.
                    Err(Error::Unavailable(_)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    };
    futures::join!(add(0, &one), add(1000, &two));
    let mut items = server_items(&setting, id).await;
    items.sort_unstable();
    assert_eq!(items, (0..60).chain(1000..1060).collect::<Vec<_>>());
}

async fn server_items(setting: &Setting, id: Uuid) -> Vec<u64> {
    let facts = setting.facts(id).await;
    facts.into_iter().filter_map(|fact| if let Fact::Event(Event::Added(item)) = fact { Some(item) } else { None }).collect()
}

#[actix::test]
async fn the_loser_of_a_conflict_decides_anew() {
    let setting = Setting::new();
    let (one, two) = (setting.server(), setting.server());
    let id = one.open().await;
    two.read(id).await;
    one.ask(id, Cmd::Close).await.unwrap();
    assert_eq!(two.ask(id, Cmd::Add(1)).await, Err(Error::Refused(not_open())));
    assert!(server_items(&setting, id).await.is_empty());
}

#[actix::test]
async fn with_a_shared_store_nothing_stale_is_read_or_refused() {
    let mut setting = Setting::new();
    setting.options.shared_store = true;
    let (one, two) = (setting.server(), setting.server());
    let id = Uuid::new_v4();
    assert_eq!(two.read(id).await.phase, Phase::None);
    one.ask(id, Cmd::Create { seconds: 60 }).await.unwrap();
    assert_eq!(two.read(id).await.phase, Phase::Open);
    one.ask(id, Cmd::Add(1)).await.unwrap();
    assert_eq!(two.read(id).await.items, [1]);
    one.ask(id, Cmd::Close).await.unwrap();
    assert_eq!(two.ask(id, Cmd::Wrong).await, Err(Error::Refused(not_open())));
}

#[actix::test]
async fn an_append_with_an_unknown_outcome_is_resolved() {
    for fault in [Fault::UnknownNotApplied, Fault::UnknownApplied] {
        let setting = Setting::new();
        let server = setting.server();
        let id = server.open().await;
        setting.store.faulty().fail_next_write(fault);
        let order = server.ask(id, Cmd::AddAnd(1, Want::Mail)).await.unwrap();
        assert_eq!(order.items, [1]);
        assert_eq!(server_items(&setting, id).await, [1], "{fault:?}");
        eventually("the effect is performed", async || server.world.performed().values().eq(&[1])).await;
    }
}

#[actix::test]
async fn what_stays_unknown_is_said_and_read_again_later() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    setting.store.faulty().fail_next_write(Fault::UnknownApplied);
    // Both looks at what became of it.
    setting.store.faulty().fail_next(Fault::Refused);
    setting.store.faulty().fail_next(Fault::Refused);
    assert!(matches!(server.ask(id, Cmd::Add(1)).await, Err(Error::Unavailable(_))));
    assert_eq!(server.read(id).await.items, [1]);
    assert_eq!(server.ask(id, Cmd::Add(2)).await.unwrap().items, [1, 2]);
}

#[actix::test]
async fn without_the_store_nothing_changes_and_later_all_works() {
    let setting = Setting::new();
    let server = setting.server();
    let (known, unknown) = (server.open().await, Uuid::new_v4());
    setting.store.down.store(true, Ordering::Release);
    for id in [known, unknown] {
        assert!(matches!(server.ask(id, Cmd::Add(1)).await, Err(Error::Unavailable(_))));
    }
    setting.store.down.store(false, Ordering::Release);
    assert!(server.read(known).await.items.is_empty());
    assert_eq!(server.ask(known, Cmd::Add(2)).await.unwrap().items, [2]);
    assert_eq!(server.read(unknown).await.phase, Phase::None);
    assert!(server.host.quarantined(10).is_empty());
}

#[actix::test]
async fn a_full_mailbox_refuses_at_once() {
    let mut setting = Setting::new();
    setting.options.mailbox = 20;
    let server = setting.server();
    let id = server.open().await;
    eventually("it is idle", async || !server.is_busy()).await;
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let asks: Vec<_> = (0..20)
        .map(|item| {
            let host = server.host.clone();
            tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::Add(item)).await })
        })
        .collect();
    eventually("one is at work", async || setting.store.waiting.load(Ordering::Acquire) == 1).await;
    eventually("the mailbox is full", async || server.queued(id) == 20).await;
    assert_eq!(server.ask(id, Cmd::Add(99)).await, Err(Error::Overloaded));
    drop(held);
    for ask in asks {
        assert!(ask.await.unwrap().is_ok());
    }
    assert_eq!(server_items(&setting, id).await, (0..20).collect::<Vec<_>>());
    assert!(server.ask(id, Cmd::Add(100)).await.is_ok());
}

#[actix::test]
async fn a_burst_to_a_sleeping_process_has_the_whole_mailbox() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.kill();
    let server = setting.server();
    let burst = (0..64).map(|item| server.ask(id, Cmd::Add(item)));
    let answers = futures::future::join_all(burst).await;
    assert!(answers.iter().all(Result::is_ok));
}

#[actix::test]
async fn more_processes_at_work_than_fit_are_refused_until_some_are_idle() {
    let mut setting = Setting::new();
    setting.options.max_resident = 1;
    let server = setting.server();
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let open = || {
        let host = server.host.clone();
        tokio::spawn(async move { host.ask(ORGANIZATION, Uuid::new_v4(), Cmd::Create { seconds: 60 }).await })
    };
    let (first, second) = (open(), open());
    eventually("two are at work", async || setting.store.waiting.load(Ordering::Acquire) == 2).await;
    assert_eq!(server.ask(Uuid::new_v4(), Cmd::Create { seconds: 60 }).await, Err(Error::Overloaded));
    drop(held);
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
    eventually("idle ones make room", async || server.ask(Uuid::new_v4(), Cmd::Create { seconds: 60 }).await.is_ok()).await;
    assert!(server.host.resident() <= 2);
}

#[actix::test]
async fn what_nobody_waits_for_any_more_is_not_begun() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let ask = |item| {
        let host = server.host.clone();
        tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::Add(item)).await })
    };
    let first = ask(1);
    eventually("the first is at work", async || setting.store.waiting.load(Ordering::Acquire) == 1).await;
    let second = ask(2);
    eventually("the second waits", async || server.queued(id) == 2).await;
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    drop(held);
    first.await.unwrap().unwrap();
    assert_eq!(server.read(id).await.items, [1]);
}

#[actix::test]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    let mut setting = Setting::new();
    setting.options.answer_timeout = Duration::from_millis(20);
    let server = setting.server();
    let id = server.open().await;
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    assert!(matches!(server.ask(id, Cmd::Add(1)).await, Err(Error::Unavailable(_))));
    drop(held);
    assert_eq!(server.read(id).await.items, [1]);
}

#[actix::test]
async fn a_new_process_is_created_without_a_look_at_the_store() {
    let setting = Setting::new();
    let server = setting.server();
    let id = Uuid::new_v4();
    let loads = setting.store.loads.load(Ordering::Acquire);
    let order = server.host.create(ORGANIZATION, id, Cmd::Create { seconds: 60 }).await.unwrap();
    assert_eq!(order.phase, Phase::Open);
    assert_eq!(setting.store.loads.load(Ordering::Acquire), loads);
    assert!(matches!(setting.facts(id).await[..], [Fact::Event(Event::Created { .. })]));
}

#[actix::test]
async fn a_creation_that_is_not_the_first_is_decided_on_what_is_there() {
    let setting = Setting::new();
    let id = setting.server().open().await;
    let before = setting.facts(id).await;
    // Each server finds nothing in its memory. The first command would write, the second would be refused if it were the first.
    setting.server().host.create(ORGANIZATION, id, Cmd::Create { seconds: 60 }).await.unwrap();
    assert_eq!(setting.facts(id).await, before);
    setting.server().host.create(ORGANIZATION, id, Cmd::Add(7)).await.unwrap();
    let facts = setting.facts(id).await;
    assert_eq!(facts[..before.len()], before);
    assert!(matches!(facts[before.len()..], [Fact::Event(Event::Added(7))]));
}

#[actix::test]
async fn a_read_during_an_append_waits_for_it() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert!(server.read(id).await.items.is_empty());
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let (host, reader) = (server.host.clone(), server.host.clone());
    let asked = tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::Add(1)).await });
    eventually("the append begins", async || setting.store.waiting.load(Ordering::Acquire) == 1).await;
    let read = tokio::spawn(async move { reader.read(ORGANIZATION, id).await });
    eventually("the reader waits", async || server.queued(id) == 2).await;
    drop(held);
    assert_eq!(asked.await.unwrap().unwrap().items, [1]);
    assert_eq!(read.await.unwrap().unwrap().items, [1]);
}

#[actix::test]
async fn a_read_from_memory_does_not_hide_that_time_has_passed() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(server.read(id).await.phase, Phase::Open);
    setting.clock.advance(chrono::Duration::days(2));
    assert_eq!(server.read(id).await.phase, Phase::Expired);
}
