//! What is broken is set aside, and only that.

use std::sync::atomic::Ordering;

use store::{Commit, CommitOutcome, Listing, Store};
use uuid::Uuid;

use crate::{
    Cause, Error, Looked, TimerOptions,
    journal::{Act, Fact},
    testing::{Cmd, ORGANIZATION, Order, Phase, Server, Setting, Want, entity, eventually},
};

impl Server {
    async fn look_again(&self, id: Uuid) -> Result<Looked, Error> {
        self.host.look_again(ORGANIZATION, id, "Eva".into(), "the table is restored".into()).await
    }

    /// Why processes are set aside, in the order of the list.
    fn causes(&self) -> Vec<Cause> {
        self.host.set_aside_of(ORGANIZATION, 10).0.iter().map(|aside| aside.cause).collect()
    }
}

async fn append(setting: &Setting, id: Uuid, head: u64, body: &[u8], snapshot: Option<&[u8]>) {
    append_with_key(setting, id, head, body, snapshot, None).await;
}

async fn append_with_key(setting: &Setting, id: Uuid, head: u64, body: &[u8], snapshot: Option<&[u8]>, key: Option<Vec<u8>>) {
    let commit = Commit {
        entity: entity(id),
        expected_head: head,
        entries: vec![body.to_vec()],
        at: setting.clock.now(),
        snapshot: snapshot.map(<[u8]>::to_vec),
        wake: Some(setting.clock.now()),
        commit_id: Uuid::new_v4(),
        key,
        listing: Listing::Listed,
        marks: None,
    };
    assert_eq!(setting.store.commit(commit).await.unwrap(), CommitOutcome::Applied);
}

#[actix::test]
async fn a_panic_sets_aside_its_process_and_no_other() {
    let setting = Setting::new();
    let server = setting.server();
    let (broken, other) = (server.open().await, server.open().await);
    assert_eq!(server.ask(broken, Cmd::Panic).await, Err(Error::Quarantined));
    assert_eq!(server.ask(broken, Cmd::Add(1)).await, Err(Error::Quarantined));
    assert_eq!(server.ask(other, Cmd::Add(1)).await.unwrap().items, [1]);
    let aside = server.host.quarantined(10);
    assert_eq!(aside.len(), 1);
    assert_eq!(aside[0].0, entity(broken));
    assert!(aside[0].1.reason.contains("the machine is broken"));
    assert_eq!(setting.facts(broken).await.len(), 1);
}

#[actix::test]
async fn what_was_set_aside_is_read_anew_after_its_time() {
    let mut setting = Setting::new();
    setting.options.quarantine = std::time::Duration::ZERO;
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(server.ask(id, Cmd::Panic).await, Err(Error::Quarantined));
    assert_eq!(server.ask(id, Cmd::Add(1)).await.unwrap().items, [1]);
}

#[actix::test]
async fn a_broken_chain_sets_aside_its_process_and_no_other() {
    let setting = Setting::new();
    let server = setting.server();
    let (broken, other) = (server.open().await, server.open().await);
    server.kill();
    let whole = setting.store.entries(&entity(broken), 1, 1).await.unwrap();
    // A copy of the first entry says the right things at the wrong place.
    append(&setting, broken, 1, &whole[0].body, None).await;
    let server = setting.server();
    assert_eq!(server.ask(broken, Cmd::Add(1)).await, Err(Error::Quarantined));
    assert!(server.host.quarantined(1)[0].1.reason.contains("chain of hashes"));
    assert_eq!(server.ask(other, Cmd::Add(1)).await.unwrap().items, [1]);
}

#[actix::test]
async fn entries_that_are_no_entries_set_their_process_aside() {
    let setting = Setting::new();
    let server = setting.server();
    let long = [b'a'; 200];
    for body in [&b""[..], b"short", &long, "\u{e9}".repeat(60).as_bytes()] {
        let id = Uuid::new_v4();
        append(&setting, id, 0, body, None).await;
        assert_eq!(server.ask(id, Cmd::Add(1)).await, Err(Error::Quarantined));
    }
}

#[actix::test]
async fn a_wake_up_of_what_is_set_aside_is_put_off_and_others_fire() {
    let setting = Setting::new();
    let server = setting.server();
    let broken = Uuid::new_v4();
    append(&setting, broken, 0, b"rubbish", None).await;
    let healthy = Uuid::new_v4();
    server.ask(healthy, Cmd::Create { seconds: 0 }).await.unwrap();
    let quick = std::time::Duration::from_millis(1);
    let timer = server.timer(TimerOptions { every: quick, retry: quick, ..TimerOptions::default() });
    let put_off = setting.clock.now() + chrono::Duration::seconds(600);
    eventually("it is put off", async || setting.wake_of(broken).await == Some(put_off)).await;
    eventually("the other fires", async || setting.facts(healthy).await.len() == 2).await;
    timer.stop().await;
}

#[actix::test]
async fn a_snapshot_that_cannot_be_read_is_rebuilt_from_the_journal() {
    let mut setting = Setting::new();
    setting.options.snapshot_every = 3;
    let server = setting.server();
    let id = server.open().await;
    server.ask(id, Cmd::Add(1)).await.unwrap();
    server.kill();
    // The same journal, but its snapshot is of a form that this version does not know.
    let other = Setting::new();
    for entry in setting.store.entries(&entity(id), 1, 10).await.unwrap() {
        let key = setting.store.key(&entity(id)).await.unwrap();
        append_with_key(&other, id, entry.seq - 1, &entry.body, Some(br#"{"machine":{"form":0}}"#), key).await;
    }
    let server = other.server();
    assert_eq!(server.read(id).await.items, [1]);
    assert_eq!(server.ask(id, Cmd::Add(2)).await.unwrap().items, [1, 2]);
}

#[actix::test]
async fn what_no_store_takes_sets_its_process_aside_and_changes_nothing() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(server.ask(id, Cmd::Huge).await, Err(Error::Quarantined));
    assert_eq!(setting.facts(id).await.len(), 1);
}

#[actix::test]
async fn a_state_too_large_for_a_snapshot_goes_without() {
    let mut setting = Setting::new();
    setting.options.snapshot_every = 1;
    let server = setting.server();
    let id = server.open().await;
    for _ in 0..3 {
        server.ask(id, Cmd::Result("x".repeat(store::MAX_BODY / 2))).await.unwrap();
    }
    server.kill();
    let server = setting.server();
    assert_eq!(server.read(id).await.results.len(), 3);
}

#[actix::test]
async fn an_adapter_that_panics_when_asked_does_not_take_the_answer_with_it() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.world.panics_when_asked.store(true, Ordering::Release);
    let order: std::sync::Arc<Order> = server.ask(id, Cmd::AddAnd(1, Want::Mail)).await.unwrap();
    assert_eq!((order.phase, order.items.len()), (Phase::Open, 1));
    eventually("it is set aside", async || server.host.quarantined(1).len() == 1).await;
    server.open().await;
}

#[actix::test]
async fn what_is_set_aside_is_listed_for_its_organization_with_its_times() {
    let setting = Setting::new();
    let server = setting.server();
    let (panics, huge, broken) = (server.open().await, server.open().await, Uuid::new_v4());
    append(&setting, broken, 0, b"rubbish", None).await;
    assert_eq!(server.host.set_aside_of(ORGANIZATION, 10), (Vec::new(), 0));
    for (id, command) in [(panics, Cmd::Panic), (huge, Cmd::Huge), (broken, Cmd::Add(1))] {
        assert_eq!(server.ask(id, command).await, Err(Error::Quarantined));
    }
    assert_eq!(server.causes(), [Cause::Panic, Cause::NotWritable, Cause::Journal]);
    let (listed, all) = server.host.set_aside_of(ORGANIZATION, 2);
    assert_eq!((listed.iter().map(|aside| aside.id).collect::<Vec<_>>(), all), (vec![panics, huge], 3));
    let times: Vec<_> = listed.iter().map(|aside| (aside.next_look - aside.since).num_milliseconds()).collect();
    assert_eq!(times, [600_000, 600_000]);
    assert!(listed[0].since <= setting.clock.now() && setting.clock.now() < listed[0].next_look);
    assert_eq!(server.host.set_aside_of("second", 10), (Vec::new(), 0));
}

#[actix::test]
async fn a_process_that_can_be_served_again_is_looked_at_by_hand_and_says_who_wanted_it() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(server.ask(id, Cmd::Panic).await, Err(Error::Quarantined));
    assert_eq!(server.look_again(id).await, Ok(Looked::Served { recorded: true }));
    assert_eq!((server.causes(), server.ask(id, Cmd::Add(1)).await.unwrap().items.clone()), (vec![], vec![1]));
    let by_hand = setting.facts(id).await.into_iter().find(|fact| matches!(fact, Fact::Intervened { .. }));
    let Some(Fact::Intervened { by, reason, act }) = by_hand else { panic!("it is not journaled") };
    assert_eq!((by.as_str(), reason.as_str(), act), ("Eva", "the table is restored", Act::LookAgain));
    // What is not set aside is left as it is.
    let entries = setting.facts(id).await.len();
    assert_eq!(server.look_again(id).await, Ok(Looked::NotAside));
    assert_eq!(setting.facts(id).await.len(), entries);
    server.kill();
    assert_eq!(setting.server().read(id).await.items, [1]);
}

#[actix::test]
async fn what_is_still_broken_is_set_aside_again_for_its_whole_time_and_nothing_is_written() {
    let setting = Setting::new();
    let server = setting.server();
    let (broken, absent) = (Uuid::new_v4(), Uuid::new_v4());
    append(&setting, broken, 0, b"rubbish", None).await;
    assert_eq!(server.ask(broken, Cmd::Add(1)).await, Err(Error::Quarantined));
    assert_eq!(server.look_again(broken).await, Ok(Looked::StillAside));
    let aside = server.host.set_aside_of(ORGANIZATION, 1).0.remove(0);
    assert_eq!((aside.id, (aside.next_look - aside.since).num_milliseconds()), (broken, 600_000));
    assert_eq!(setting.bytes(broken).await, [b"rubbish"]);
    // What never was panics as well: there is no journal to say so.
    assert_eq!(server.ask(absent, Cmd::Panic).await, Err(Error::Quarantined));
    assert_eq!(server.look_again(absent).await, Ok(Looked::Served { recorded: false }));
    let long = "x".repeat(5_000);
    for (by, reason) in [("", "why"), ("Eva", " "), ("Eva", &long)] {
        let answer = server.host.look_again(ORGANIZATION, broken, by.into(), reason.into()).await;
        assert!(matches!(answer, Err(Error::Refused(_))), "{answer:?}");
    }
    assert_eq!(server.causes(), [Cause::Journal]);
}

#[actix::test]
async fn what_cannot_be_read_now_is_set_aside_no_more() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(server.ask(id, Cmd::Panic).await, Err(Error::Quarantined));
    setting.store.down.store(true, Ordering::Release);
    assert!(matches!(server.look_again(id).await, Err(Error::Unavailable(_))));
    setting.store.down.store(false, Ordering::Release);
    assert_eq!(server.causes(), []);
    assert_eq!(server.ask(id, Cmd::Add(1)).await.unwrap().items, [1]);
}
