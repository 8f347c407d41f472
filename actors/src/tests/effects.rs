//! Each kind of effect, failed once and repeated once, and what becomes of those whose server died.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    Error,
    journal::{EffectId, Fact},
    testing::{Cmd, Event, Fate, ORGANIZATION, Server, Setting, Want, eventually},
};

/// The effect of the first `AddAnd` after the creation.
pub(super) const FIRST: EffectId = EffectId { seq: 3, index: 0 };

pub(super) fn key(id: Uuid) -> String {
    format!("{id}/{FIRST}")
}

/// What the journal says of the effect, in short.
pub(super) async fn story(setting: &Setting, id: Uuid) -> Vec<String> {
    let facts = setting.facts(id).await;
    let told = facts.into_iter().filter_map(|fact| match fact {
        Fact::Event(Event::Noted(text)) => Some(text),
        Fact::Event(_) => None,
        Fact::Attempt { number, .. } => Some(format!("attempt {number}")),
        Fact::Retry { number, .. } => Some(format!("failed {number}")),
        Fact::Done { number, .. } => Some(format!("done {number}")),
        Fact::GivenUp { number, .. } => Some(format!("gave up {number}")),
        Fact::Intervened { act, .. } => Some(format!("{act:?}")),
        Fact::Erased { .. } => Some("erased".to_owned()),
    });
    told.collect()
}

pub(super) async fn has_told(setting: &Setting, id: Uuid, last: &str) {
    eventually(last, async || story(setting, id).await.iter().any(|line| line == last)).await;
}

/// The longest wait before attempt 2.
fn retry_time() -> chrono::Duration {
    chrono::Duration::seconds(1)
}

/// More than a lease.
fn lease() -> chrono::Duration {
    chrono::Duration::seconds(60)
}

pub(super) async fn wanting(server: &Server, want: Want) -> Uuid {
    let id = server.open().await;
    server.ask(id, Cmd::AddAnd(1, want)).await.unwrap();
    id
}

#[actix::test]
async fn an_effect_that_fails_once_is_performed_by_the_second_attempt() {
    let mail: &[&str] = &["failed 1", "done 2", "Mail done"];
    let code: &[&str] = &["attempt 1", "failed 1", "attempt 2", "done 2", "Code done"];
    let tell: &[&str] = &["failed 1", "done 2"];
    for (kind, expected) in [(0, mail), (1, code), (2, tell)] {
        let setting = Setting::new();
        let server = setting.server();
        let want = match kind {
            0 => Want::Mail,
            1 => Want::Code,
            _ => Want::Tell(server.open().await),
        };
        server.world.script([Fate::Fail]);
        let id = wanting(&server, want).await;
        has_told(&setting, id, "failed 1").await;
        assert!(server.world.performed().is_empty());
        setting.clock.advance(retry_time());
        server.fire().await;
        has_told(&setting, id, expected.last().unwrap()).await;
        assert_eq!(story(&setting, id).await, expected);
        assert_eq!(server.world.attempts(), [(key(id), 1), (key(id), 2)]);
        assert_eq!(server.world.performed().get(&key(id)), Some(&1));
    }
}

#[actix::test]
async fn a_repetition_of_a_repeatable_effect_has_the_same_key() {
    for kind in 0..2 {
        let setting = Setting::new();
        let server = setting.server();
        let want = if kind == 0 { Want::Mail } else { Want::Tell(server.open().await) };
        server.world.script([Fate::Unknown { performed: true }]);
        let id = wanting(&server, want).await;
        has_told(&setting, id, "failed 1").await;
        setting.clock.advance(retry_time());
        server.fire().await;
        has_told(&setting, id, "done 2").await;
        assert_eq!(server.world.performed().get(&key(id)), Some(&2), "performed twice, seen once by its key");
        assert_eq!(server.world.performed().len(), 1);
    }
}

#[actix::test]
async fn what_must_not_be_repeated_is_given_up_when_its_end_is_not_known() {
    for fate in [Fate::Unknown { performed: true }, Fate::Unknown { performed: false }, Fate::Panic] {
        let setting = Setting::new();
        let server = setting.server();
        server.world.script([fate]);
        let id = wanting(&server, Want::Code).await;
        has_told(&setting, id, "gave up 1").await;
        setting.clock.advance(chrono::Duration::hours(12));
        server.fire().await;
        assert_eq!(server.world.attempts().len(), 1);
        assert!(server.read(id).await.results[0].contains("left unknown: whether it was performed is not known"));
    }
}

#[actix::test]
async fn the_adapter_is_shown_each_change_once_it_is_journaled() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.ask(id, Cmd::Add(7)).await.unwrap();
    server.ask(id, Cmd::ToldBy(id)).await.unwrap();
    let told = [(0, 0), (0, 1), (1, 1)];
    assert_eq!(*server.world.changes.lock(), told);
    server.ask(id, Cmd::ToldBy(id)).await.unwrap();
    server.read(id).await;
    assert_eq!(*server.world.changes.lock(), told, "nothing was journaled");
}

#[actix::test]
async fn attempts_back_off_have_an_end_and_the_machine_is_told() {
    let setting = Setting::new();
    let server = setting.server();
    server.world.script([Fate::Fail, Fate::FailUntil(Duration::from_secs(3600)), Fate::Panic, Fate::Fail]);
    let id = wanting(&server, Want::Mail).await;
    let mut waits = Vec::new();
    for number in 1..=3 {
        has_told(&setting, id, &format!("failed {number}")).await;
        let Some(Fact::Retry { until, .. }) = setting.facts(id).await.pop() else { panic!("no retry") };
        assert_eq!(setting.wake_of(id).await, Some(until));
        waits.push((until - setting.clock.now()).num_milliseconds());
        setting.clock.advance(until - setting.clock.now() - chrono::Duration::microseconds(1));
        assert!(server.fire().await.is_empty(), "not before its time");
        setting.clock.advance(chrono::Duration::microseconds(1));
        server.fire().await;
    }
    has_told(&setting, id, "gave up 4").await;
    assert!((500..=1000).contains(&waits[0]) && waits[1] == 3_600_000 && (2000..=4000).contains(&waits[2]), "{waits:?}");
    assert_eq!(server.read(id).await.results, ["Mail given up: it failed"]);
    assert_eq!(server.world.attempts().len(), 4);
    assert_eq!(setting.wake_of(id).await, server.read(id).await.until);
}

#[actix::test]
async fn what_is_refused_is_not_tried_again() {
    for want in [Want::Mail, Want::Code] {
        let setting = Setting::new();
        let server = setting.server();
        server.world.script([Fate::Refuse]);
        let id = wanting(&server, want).await;
        has_told(&setting, id, "gave up 1").await;
        assert_eq!(server.world.attempts().len(), 1);
    }
}

#[actix::test]
async fn an_attempt_that_takes_too_long_is_cut_off() {
    for (want, end) in [(Want::Mail, "failed 1"), (Want::Code, "gave up 1")] {
        let mut setting = Setting::new();
        setting.options.effect_timeout = Duration::from_millis(20);
        let server = setting.server();
        server.world.script([Fate::Hang]);
        let id = wanting(&server, want).await;
        has_told(&setting, id, end).await;
        eventually("nothing is left", async || !server.is_busy()).await;
    }
}

#[actix::test]
async fn what_must_not_be_repeated_is_not_after_its_server_died() {
    let setting = Setting::new();
    let first = setting.server();
    first.world.script([Fate::Hang]);
    let id = wanting(&first, Want::Code).await;
    eventually("it is performed", async || first.world.performed().len() == 1).await;
    let world = first.world.clone();
    first.kill();
    let second = setting.server_in(world.clone());
    setting.clock.advance(lease() - chrono::Duration::seconds(1));
    assert!(second.fire().await.is_empty(), "it may still be under way");
    setting.clock.advance(chrono::Duration::seconds(1));
    second.fire().await;
    has_told(&setting, id, "gave up 1").await;
    assert_eq!(story(&setting, id).await[..2], ["attempt 1", "gave up 1"]);
    setting.clock.advance(chrono::Duration::hours(12));
    second.fire().await;
    assert_eq!(world.performed().get(&key(id)), Some(&1));
    assert_eq!(world.attempts().len(), 1);
}

#[actix::test]
async fn what_may_be_repeated_is_after_its_server_died() {
    let setting = Setting::new();
    let first = setting.server();
    first.world.script([Fate::Hang]);
    let id = wanting(&first, Want::Mail).await;
    eventually("it is performed", async || first.world.performed().len() == 1).await;
    let world = first.world.clone();
    first.kill();
    let second = setting.server_in(world.clone());
    setting.clock.advance(lease());
    second.fire().await;
    has_told(&setting, id, "Mail done").await;
    assert_eq!(world.attempts(), [(key(id), 1), (key(id), 1)]);
}

#[actix::test]
async fn a_code_that_was_asked_for_but_not_begun_is_sent_after_a_restart() {
    let setting = Setting::new();
    let first = setting.server();
    let id = first.open().await;
    setting.store.faulty().fail_next_write(store::faulty::Fault::UnknownApplied);
    // Both looks at what became of it.
    setting.store.faulty().fail_next(store::faulty::Fault::Refused);
    setting.store.faulty().fail_next(store::faulty::Fault::Refused);
    assert!(matches!(first.ask(id, Cmd::AddAnd(1, Want::Code)).await, Err(Error::Unavailable(_))));
    assert!(first.world.attempts().is_empty());
    first.kill();
    let second = setting.server();
    setting.clock.advance(lease());
    second.fire().await;
    has_told(&setting, id, "Code done").await;
    assert_eq!(second.world.performed().get(&key(id)), Some(&1));
}

#[actix::test]
async fn the_end_of_a_stale_attempt_is_dropped() {
    let setting = Setting::new();
    let slow = setting.server();
    let gate = Arc::new(Semaphore::new(0));
    slow.world.script([Fate::Gate(gate.clone())]);
    let id = wanting(&slow, Want::Mail).await;
    eventually("it is begun", async || slow.world.attempts().len() == 1).await;
    let other = setting.server();
    setting.clock.advance(lease());
    other.fire().await;
    has_told(&setting, id, "Mail done").await;
    gate.add_permits(1);
    eventually("the slow one ends", async || !slow.is_busy() && slow.world.performed().len() == 1).await;
    assert_eq!(story(&setting, id).await, ["done 1", "Mail done"]);
    assert_eq!(slow.read(id).await.results, ["Mail done"]);
}

#[actix::test]
async fn the_end_of_an_attempt_that_is_not_the_current_one_is_dropped() {
    let setting = Setting::new();
    let slow = setting.server();
    let gate = Arc::new(Semaphore::new(0));
    slow.world.script([Fate::Gate(gate.clone())]);
    let id = wanting(&slow, Want::Mail).await;
    eventually("it is begun", async || slow.world.attempts().len() == 1).await;
    let other = setting.server();
    other.world.script([Fate::Fail]);
    setting.clock.advance(lease());
    other.fire().await;
    has_told(&setting, id, "failed 1").await;
    gate.add_permits(1);
    eventually("the slow one ends", async || !slow.is_busy() && slow.world.performed().len() == 1).await;
    assert_eq!(story(&setting, id).await, ["failed 1"]);
    setting.clock.advance(retry_time());
    other.fire().await;
    has_told(&setting, id, "Mail done").await;
    assert_eq!(story(&setting, id).await, ["failed 1", "done 2", "Mail done"]);
}

#[actix::test]
async fn a_server_alone_takes_up_soon_after_a_crash_what_it_may() {
    let mut setting = Setting::new();
    setting.options.lease = crate::Options::default().lease;
    let first = setting.server();
    first.world.script([Fate::Hang]);
    let id = wanting(&first, Want::Mail).await;
    eventually("it is performed", async || first.world.performed().len() == 1).await;
    first.kill();
    let second = setting.server();
    setting.clock.advance(chrono::Duration::seconds(5));
    second.fire().await;
    has_told(&setting, id, "Mail done").await;
}

#[actix::test]
async fn an_attempt_under_way_here_is_left_alone_however_late_it_is() {
    let setting = Setting::new();
    let server = setting.server();
    let gate = Arc::new(Semaphore::new(0));
    server.world.script([Fate::Gate(gate.clone())]);
    let id = wanting(&server, Want::Code).await;
    eventually("it is begun", async || server.world.attempts().len() == 1).await;
    for _ in 0..3 {
        setting.clock.advance(lease());
        assert_eq!(server.fire().await.len(), 1);
        assert_eq!(setting.wake_of(id).await, Some(setting.clock.now() + lease()), "and does not spin");
    }
    gate.add_permits(1);
    has_told(&setting, id, "Code done").await;
    assert_eq!(server.world.attempts().len(), 1);
}

#[actix::test]
async fn two_servers_that_find_one_effect_due_do_not_both_perform_it() {
    for _ in 0..20 {
        let setting = Setting::new();
        let (one, two) = (setting.server(), setting.server());
        one.world.script([Fate::Fail]);
        let id = wanting(&one, Want::Code).await;
        has_told(&setting, id, "failed 1").await;
        two.read(id).await;
        setting.clock.advance(retry_time());
        futures::join!(one.fire(), two.fire());
        has_told(&setting, id, "Code done").await;
        assert_eq!(story(&setting, id).await, ["attempt 1", "failed 1", "attempt 2", "done 2", "Code done"]);
        assert_eq!(one.world.attempts().len() + two.world.attempts().len(), 2);
        one.kill();
        two.kill();
    }
}

#[actix::test]
async fn an_answer_waits_until_the_other_process_is_told() {
    let setting = Setting::new();
    let server = setting.server();
    let other = server.open().await;
    let gate = Arc::new(Semaphore::new(0));
    server.world.script([Fate::Gate(gate.clone())]);
    let id = server.open().await;
    let host = server.host.clone();
    let asked = tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::AddAnd(1, Want::Tell(other))).await });
    eventually("telling begins", async || server.world.attempts().len() == 1).await;
    assert!(!asked.is_finished());
    assert_eq!(server.read(id).await.items, [1], "meanwhile others are served");
    gate.add_permits(1);
    asked.await.unwrap().unwrap();
    assert_eq!(server.read(other).await.told_by, [id]);
    has_told(&setting, id, "done 1").await;
}

#[actix::test]
async fn an_answer_does_not_wait_for_ever() {
    let mut setting = Setting::new();
    setting.options.tell_wait = Duration::from_millis(10);
    let server = setting.server();
    let other = server.open().await;
    let gate = Arc::new(Semaphore::new(0));
    server.world.script([Fate::Gate(gate.clone())]);
    let id = wanting(&server, Want::Tell(other)).await;
    assert!(server.read(other).await.told_by.is_empty());
    gate.add_permits(1);
    has_told(&setting, id, "done 1").await;
    assert_eq!(server.read(other).await.told_by, [id]);
}

#[actix::test]
async fn processes_that_tell_each_other_at_the_same_time_do_not_wait_for_each_other() {
    let mut setting = Setting::new();
    setting.options.tell_wait = Duration::from_secs(60);
    setting.options.answer_timeout = Duration::from_secs(60);
    let server = setting.server();
    let ids = [server.open().await, server.open().await, server.open().await];
    let tells = (0..3).map(|n| server.ask(ids[n], Cmd::AddAnd(1, Want::Tell(ids[(n + 1) % 3]))));
    let itself = server.open().await;
    let (others, own) = futures::join!(futures::future::join_all(tells), server.ask(itself, Cmd::AddAnd(1, Want::Tell(itself))));
    assert!(others.iter().all(Result::is_ok) && own.is_ok());
    for n in 0..3 {
        assert_eq!(server.read(ids[(n + 1) % 3]).await.told_by, [ids[n]]);
    }
    assert_eq!(server.read(itself).await.told_by, [itself]);
}

#[actix::test]
async fn an_attempt_that_others_could_take_for_lost_is_not_begun() {
    for (shared_store, expected) in [(true, ["attempt 1", "failed 1"].as_slice()), (false, &["attempt 1", "done 1", "Code done"])]
    {
        let mut setting = Setting::new();
        setting.options.shared_store = shared_store;
        setting.options.max_effects = 1;
        let server = setting.server();
        let gate = Arc::new(Semaphore::new(0));
        server.world.script([Fate::Gate(gate.clone())]);
        let first = wanting(&server, Want::Code).await;
        eventually("it is begun", async || server.world.attempts().len() == 1).await;
        // It is announced, and then held up.
        let id = wanting(&server, Want::Code).await;
        has_told(&setting, id, "attempt 1").await;
        setting.clock.advance(lease() / 2);
        gate.add_permits(1);
        has_told(&setting, first, "Code done").await;
        has_told(&setting, id, expected.last().unwrap()).await;
        assert_eq!(story(&setting, id).await, expected);
        assert_eq!(server.world.attempts().len(), if shared_store { 1 } else { 2 });
    }
}

#[actix::test]
async fn an_end_is_brought_again_while_the_store_is_away() {
    let setting = Setting::new();
    let server = setting.server();
    let gate = Arc::new(Semaphore::new(0));
    server.world.script([Fate::Gate(gate.clone())]);
    let id = wanting(&server, Want::Code).await;
    eventually("it is begun", async || server.world.attempts().len() == 1).await;
    let commits = setting.store.commits.load(Ordering::Acquire);
    setting.store.down.store(true, Ordering::Release);
    gate.add_permits(1);
    eventually("the end is not taken", async || setting.store.commits.load(Ordering::Acquire) > commits).await;
    setting.store.down.store(false, Ordering::Release);
    has_told(&setting, id, "Code done").await;
    assert_eq!(story(&setting, id).await, ["attempt 1", "done 1", "Code done"]);
}

#[actix::test]
async fn an_end_gets_into_a_full_mailbox() {
    let mut setting = Setting::new();
    setting.options.mailbox = 2;
    let server = setting.server();
    let gate = Arc::new(Semaphore::new(0));
    server.world.script([Fate::Gate(gate.clone())]);
    let id = wanting(&server, Want::Mail).await;
    eventually("it is begun", async || server.world.attempts().len() == 1 && server.queued(id) == 0).await;
    let held = setting.store.commits_may.acquire_many(1000).await.unwrap();
    let ask = |item| {
        let host = server.host.clone();
        tokio::spawn(async move { host.ask(ORGANIZATION, id, Cmd::Add(item)).await })
    };
    let asks = [ask(2), ask(3)];
    eventually("the mailbox is full", async || server.queued(id) == 2).await;
    gate.add_permits(1);
    eventually("the end is in", async || server.queued(id) == 3).await;
    assert_eq!(server.ask(id, Cmd::Add(4)).await, Err(Error::Overloaded));
    drop(held);
    for ask in asks {
        ask.await.unwrap().unwrap();
    }
    has_told(&setting, id, "Mail done").await;
}

#[actix::test]
async fn no_more_effects_than_allowed_are_under_way() {
    let mut setting = Setting::new();
    setting.options.max_effects = 2;
    let server = setting.server();
    let gate = Arc::new(Semaphore::new(0));
    server.world.script((0..6).map(|_| Fate::Gate(gate.clone())));
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(wanting(&server, Want::Mail).await);
    }
    eventually("two are begun", async || server.world.attempts().len() == 2).await;
    for performed in 1..=6 {
        gate.add_permits(1);
        eventually("one more ends", async || server.world.performed().len() == performed).await;
        assert!(server.world.attempts().len() <= performed + 2);
    }
    for id in ids {
        has_told(&setting, id, "Mail done").await;
    }
}

#[actix::test]
async fn without_an_adapter_effects_wait_and_their_wake_up_does_not_spin() {
    let setting = Setting::new();
    let server = setting.bare_server();
    let id = wanting(&server, Want::Mail).await;
    setting.clock.advance(lease());
    server.fire().await;
    assert!(setting.wake_of(id).await.unwrap() > setting.clock.now());
    server.kill();
    let server = setting.server();
    setting.clock.advance(lease());
    server.fire().await;
    has_told(&setting, id, "Mail done").await;
}
