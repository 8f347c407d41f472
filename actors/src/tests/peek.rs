//! Looks at processes without an actor and without a trace.

use std::sync::atomic::Ordering;

use uuid::Uuid;

use crate::{
    Error,
    testing::{Cmd, ORGANIZATION, Phase, Setting, eventually},
};

#[actix::test]
async fn a_peek_starts_no_actor_and_writes_nothing() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.ask(id, Cmd::Add(1)).await.unwrap();
    let gone = async || {
        server.host.let_go();
        server.host.actors() == 0
    };
    eventually("it has left memory", gone).await;
    let commits = setting.store.commits.load(Ordering::Acquire);
    setting.clock.advance(chrono::Duration::days(2));

    let seen = server.host.peek(ORGANIZATION, id).await.unwrap();
    assert_eq!((seen.phase, seen.items.clone()), (Phase::Open, vec![1]), "as the journal has it, its time is over or not");
    let all = server.host.peek_many(ORGANIZATION, &[id]).await.unwrap();
    assert_eq!(all, [Ok(seen)]);
    assert_eq!((server.host.actors(), server.host.resident()), (0, 0));
    assert_eq!(setting.store.commits.load(Ordering::Acquire), commits);
    assert_eq!(server.read(id).await.phase, Phase::Expired, "a read does journal it");
}

#[actix::test]
async fn a_peek_at_a_process_in_memory_reads_nothing_unless_others_write_too() {
    for shared in [false, true] {
        let mut setting = Setting::new();
        setting.options.shared_store = shared;
        let server = setting.server();
        let id = server.open().await;
        let loads = setting.store.loads.load(Ordering::Acquire);
        assert_eq!(server.host.peek(ORGANIZATION, id).await.unwrap().phase, Phase::Open);
        assert_eq!(server.host.peek_many(ORGANIZATION, &[id, id]).await.unwrap().len(), 2);
        let expected = if shared { 2 } else { 0 };
        assert_eq!(setting.store.loads.load(Ordering::Acquire) - loads, expected);
    }
}

#[actix::test]
async fn many_are_seen_in_the_order_asked_for_the_broken_ones_as_such() {
    let mut setting = Setting::new();
    setting.options.snapshot_every = 2;
    let server = setting.server();
    let mut ids = Vec::new();
    for item in 0..5 {
        let id = server.open().await;
        for _ in 0..item {
            server.ask(id, Cmd::Add(item)).await.unwrap();
        }
        ids.push(id);
    }
    server.kill();
    let server = setting.server();
    assert_eq!(server.ask(ids[2], Cmd::Panic).await, Err(Error::Quarantined));
    let never = Uuid::new_v4();
    let asked = [ids[4], never, ids[2], ids[0], ids[4], ids[3]];
    let seen = server.host.peek_many(ORGANIZATION, &asked).await.unwrap();
    let items: Vec<_> = seen.iter().map(|seen| seen.as_ref().map(|order| (order.phase, order.items.len()))).collect();
    let open = |items| Ok((Phase::Open, items));
    assert_eq!(items, [open(4), Ok((Phase::None, 0)), Err(&Error::Quarantined), open(0), open(4), open(3)]);
    assert!(server.host.peek_many(ORGANIZATION, &[]).await.unwrap().is_empty());
}

#[actix::test]
async fn a_store_that_is_down_is_said_to_be() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.kill();
    let server = setting.server();
    setting.store.down.store(true, Ordering::Release);
    assert!(matches!(server.host.peek(ORGANIZATION, id).await, Err(Error::Unavailable(_))));
    assert!(matches!(server.host.peek_many(ORGANIZATION, &[id]).await, Err(Error::Unavailable(_))));
}
