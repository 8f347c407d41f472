//! A process that is erased is as if it had never been, and its journal proves that it was erased.

use std::sync::{Arc, atomic::Ordering};

use proptest::prelude::*;
use store::{
    Loaded, Store,
    faulty::{Fault, Plan},
};
use tokio::sync::Semaphore;
use uuid::Uuid;
use workflows::Machine;

use crate::{
    Erased, Erasure, Error,
    bounded::BoundedStore,
    folded::of_loaded,
    journal::{Chain, Fact, Hash},
    testing::{Cmd, Event, Fate, ORGANIZATION, Order, Phase, Server, Setting, Want, entity, eventually, not_open},
    tests::sealed::write_in_clear,
};

const SAID: &str = "Ana García";

fn erasure() -> Erasure {
    Erasure { by: "a clerk".into(), reason: "asked for".into(), ended_only: false }
}

impl Server {
    async fn erase(&self, id: Uuid) -> Result<Erased, Error> {
        self.host.erase(ORGANIZATION, id, erasure()).await
    }
}

fn fact(remains: Option<Event>) -> Fact<Event> {
    let Erasure { by, reason, .. } = erasure();
    Fact::Erased { by, reason, remains }
}

/// Nothing of it is left: to servers that had it in memory, to those that load it, in listings, among wake-ups, in the journal.
async fn assert_gone(setting: &Setting, servers: &[&Server], id: Uuid, entries: usize) {
    let fresh = setting.server();
    for server in servers.iter().copied().chain([&fresh]) {
        assert_eq!(*server.read(id).await, Order::default());
        assert_eq!(*server.host.peek(ORGANIZATION, id).await.unwrap(), Order::default());
        assert_eq!(server.ask(id, Cmd::Add(9)).await, Err(Error::Refused(not_open())));
    }
    let store = setting.store.faulty().inner();
    assert!(store.list(ORGANIZATION, Order::KIND, None, 100).await.unwrap().items.iter().all(|listed| listed.entity.id != id));
    assert_eq!(setting.wake_of(id).await, None);
    let lines = setting.journal(id).await;
    assert_eq!(lines.len(), entries);
    let (last, before) = lines.split_last().unwrap();
    assert!(before.iter().all(|line| (&line.fact, &line.json, line.salt) == (&None, &None, None)), "{lines:?}");
    assert_eq!(last.fact, Some(fact(None)));
}

#[actix::test]
async fn an_erased_process_is_as_if_it_had_never_been() {
    let mut setting = Setting::new();
    setting.options.snapshot_every = 2;
    let server = setting.server();
    let (id, other) = (server.open().await, server.open().await);
    server.ask(id, Cmd::Result(SAID.into())).await.unwrap();
    server.ask(id, Cmd::Add(1)).await.unwrap();
    let (bytes, head) = (setting.bytes(id).await, setting.journal(id).await[2].hash);
    let (snapshot, key) = (&bytes[3], &bytes[4]);

    let erased = server.erase(id).await.unwrap();

    assert_eq!((erased.entries, erased.in_clear, erased.already), (3, 0, false));
    assert_gone(&setting, &[&server], id, 4).await;
    let lines = setting.journal(id).await;
    assert_eq!((lines[2].hash, lines[3].hash), (head, erased.hash), "it proves what was there");
    let after = setting.bytes(id).await;
    assert_eq!(after[..3], bytes[..3], "the links stay");
    assert!(!after.contains(snapshot) && !after.contains(key), "neither the old key nor the old snapshot does");
    assert_eq!(server.read(other).await.phase, Phase::Open);
}

#[actix::test]
async fn to_erase_once_more_changes_nothing() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let erased = server.erase(id).await.unwrap();
    let bytes = setting.bytes(id).await;
    let again = Erased { already: true, ..erased };
    assert_eq!(server.erase(id).await, Ok(again));
    server.kill();
    let server = setting.server();
    assert_eq!(server.erase(id).await, Ok(again));
    assert_eq!(setting.bytes(id).await, bytes);
}

#[actix::test]
async fn what_never_was_is_erased_without_a_trace() {
    let setting = Setting::new();
    let server = setting.server();
    let id = Uuid::new_v4();
    let hash = Hash::of_entity(Chain::Sealed, &entity(id));
    assert_eq!(server.erase(id).await, Ok(Erased { entries: 0, in_clear: 0, hash, already: true }));
    assert!(setting.bytes(id).await.is_empty());
}

#[actix::test]
async fn what_a_machine_says_of_itself_all_the_same_remains() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.ask(id, Cmd::Result(SAID.into())).await.unwrap();
    server.ask(id, Cmd::Result("keep this".into())).await.unwrap();
    server.erase(id).await.unwrap();
    let expected = Order { results: vec!["keep this".into()], ..Order::default() };
    assert_eq!(*server.read(id).await, expected);
    server.kill();
    let server = setting.server();
    assert_eq!(*server.read(id).await, expected);
    assert_eq!(setting.facts(id).await, [fact(Some(Event::Noted("keep this".into())))]);
}

#[actix::test]
async fn a_process_that_is_made_anew_can_be_erased_anew() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.erase(id).await.unwrap();
    server.ask(id, Cmd::Create { seconds: 60 }).await.unwrap();
    server.ask(id, Cmd::Add(1)).await.unwrap();
    server.kill();
    let server = setting.server();
    assert_eq!(server.read(id).await.items, [1]);
    let erased = server.erase(id).await.unwrap();
    assert_eq!((erased.entries, erased.already), (4, false));
    assert_gone(&setting, &[&server], id, 5).await;
}

#[actix::test]
async fn only_what_has_ended_is_erased_where_that_is_asked_for() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let ended = || server.host.erase(ORGANIZATION, id, Erasure { ended_only: true, ..erasure() });
    assert!(matches!(ended().await, Err(Error::Refused(_))), "it is open");
    let gate = Arc::new(Semaphore::new(0));
    server.world.script([Fate::Gate(gate.clone())]);
    server.ask(id, Cmd::AddAnd(1, Want::Mail)).await.unwrap();
    server.ask(id, Cmd::Close).await.unwrap();
    assert!(matches!(ended().await, Err(Error::Refused(_))), "it waits for something");
    let before = setting.journal(id).await.len();
    gate.add_permits(1);
    eventually("its effect has ended", async || setting.journal(id).await.len() == before + 2).await;
    assert!(!ended().await.unwrap().already);
    assert!(ended().await.unwrap().already);
}

#[actix::test]
async fn an_effect_that_is_under_way_leaves_nothing_in_what_was_erased() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let gate = Arc::new(Semaphore::new(0));
    server.world.script([Fate::Gate(gate.clone())]);
    server.ask(id, Cmd::AddAnd(1, Want::Mail)).await.unwrap();
    server.erase(id).await.unwrap();
    gate.add_permits(1);
    eventually("it has ended", async || !server.is_busy()).await;
    assert_gone(&setting, &[&server], id, 4).await;
    setting.clock.advance(chrono::Duration::days(3));
    server.fire().await;
    assert_eq!(setting.journal(id).await.len(), 4);
}

#[actix::test]
async fn another_server_neither_shows_nor_continues_what_was_erased() {
    let mut setting = Setting::new();
    setting.options.shared_store = true;
    let (one, two) = (setting.server(), setting.server());
    let id = one.open().await;
    two.ask(id, Cmd::Add(1)).await.unwrap();
    one.read(id).await;
    two.erase(id).await.unwrap();
    assert_eq!(one.ask(id, Cmd::Add(2)).await, Err(Error::Refused(not_open())), "its append conflicts, and it looks again");
    assert_eq!(one.erase(id).await.map(|erased| erased.already), Ok(true));
    assert_gone(&setting, &[&one, &two], id, 3).await;
}

#[actix::test]
async fn an_append_and_an_erasure_at_once_are_one_after_the_other() {
    let mut setting = Setting::new();
    setting.options.shared_store = true;
    let (one, two) = (setting.server(), setting.server());
    for _ in 0..50 {
        let id = one.open().await;
        two.read(id).await;
        let (added, erased) = tokio::join!(one.ask(id, Cmd::Add(1)), two.erase(id));
        let erased = erased.unwrap();
        match added {
            Ok(_) => assert_eq!(erased.entries, 2),
            Err(error) => assert_eq!((error, erased.entries), (Error::Refused(not_open()), 1)),
        }
        assert_gone(&setting, &[&one, &two], id, erased.entries as usize + 1).await;
    }
}

#[actix::test]
async fn who_reads_the_entries_after_an_erasure_and_the_key_before_it_reads_both_again() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let store = setting.store.faulty().inner();
    let key = store.key(&entity(id)).await.unwrap();
    server.erase(id).await.unwrap();
    let bounded = BoundedStore::new(setting.store.clone(), std::time::Duration::from_secs(10));
    let loaded = store.load(&entity(id)).await.unwrap().unwrap();
    let entries = store.entries(&entity(id), 1, 10).await.unwrap();
    for torn in [Loaded { key: key.clone(), ..loaded.clone() }, Loaded { key, snapshot: None, entries, ..loaded }] {
        let folded = of_loaded::<Order>(&bounded, &setting.options.sealer, &entity(id), Some(torn)).await;
        let folded = folded.expect("it is read again");
        assert_eq!((folded.head, &*folded.machine), (2, &Order::default()));
    }
}

#[actix::test]
async fn an_erasure_whose_outcome_is_lost_is_found_out() {
    for fault in [Fault::UnknownApplied, Fault::UnknownNotApplied] {
        let setting = Setting::new();
        let server = setting.server();
        let id = server.open().await;
        setting.store.faulty().fail_next_write(fault);
        let erased = server.erase(id).await.unwrap();
        assert_eq!((erased.entries, erased.already), (1, false), "{fault:?}");
        assert_gone(&setting, &[&server], id, 2).await;
    }
}

#[actix::test]
async fn a_server_that_dies_during_an_erasure_leaves_it_done_or_not_begun() {
    let plan = Plan { unknown_not_applied: 200, unknown_applied: 200, refused: 100, ..Plan::default() };
    for seed in 0..40 {
        let setting = Setting::with(seed, plan);
        setting.store.faults.store(false, Ordering::Release);
        let server = setting.server();
        let id = server.open().await;
        server.ask(id, Cmd::Result(SAID.into())).await.unwrap();
        let whole = server.read(id).await;
        setting.store.faults.store(true, Ordering::Release);
        let host = server.host.clone();
        let erasing = tokio::spawn(async move { host.erase(ORGANIZATION, id, erasure()).await });
        for _ in 0..seed % 7 {
            tokio::task::yield_now().await;
        }
        server.kill();
        let answer = erasing.await.unwrap();
        setting.store.faults.store(false, Ordering::Release);

        let server = setting.server();
        let left = server.read(id).await;
        match answer {
            Ok(_) => assert_eq!(*left, Order::default()),
            Err(_) => assert!(left == whole || *left == Order::default(), "half erased: {left:?}"),
        }
        server.erase(id).await.unwrap();
        assert_gone(&setting, &[&server], id, 3).await;
    }
}

#[actix::test]
async fn a_journal_of_an_older_version_is_shown_no_more_and_what_it_holds_in_clear_is_counted() {
    let until = chrono::DateTime::from_timestamp(2_000_000_000, 0).unwrap();
    let old = [Event::Created { until }, Event::Noted(SAID.into())];
    for goes_on in [false, true] {
        let setting = Setting::new();
        let id = Uuid::new_v4();
        write_in_clear(&setting, id, &old).await;
        let server = setting.server();
        if goes_on {
            server.ask(id, Cmd::Add(1)).await.unwrap();
        }
        let erased = server.erase(id).await.unwrap();
        assert_eq!((erased.entries, erased.in_clear), (u64::from(goes_on), 2));
        assert_gone(&setting, &[&server], id, 3 + usize::from(goes_on)).await;
        assert_eq!(server.erase(id).await, Ok(Erased { already: true, ..erased }));
    }
}

#[actix::test]
async fn a_reason_without_end_is_refused_and_changes_nothing() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let too_long = Erasure { reason: "x".repeat(1_025), ..erasure() };
    assert!(matches!(server.host.erase(ORGANIZATION, id, too_long).await, Err(Error::Refused(_))));
    assert_eq!(server.read(id).await.phase, Phase::Open);
    let longest = Erasure { reason: "x".repeat(1_024), ..erasure() };
    assert!(server.host.erase(ORGANIZATION, id, longest).await.is_ok());
}

#[actix::test]
async fn a_process_that_is_set_aside_is_not_erased() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    assert_eq!(server.ask(id, Cmd::Panic).await, Err(Error::Quarantined));
    assert_eq!(server.erase(id).await, Err(Error::Quarantined));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Create,
    Add(u64),
    Close,
    Erase,
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Create),
        6 => (0..100_u64).prop_map(Step::Add),
        1 => Just(Step::Close),
        2 => Just(Step::Erase),
        2 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Against a naive model: the state since the last erasure.
    #[test]
    fn a_process_shows_what_happened_since_its_last_erasure(steps in prop::collection::vec(step(), 1..25), every in 1..4_u64) {
        actix::System::new().block_on(async {
            let mut setting = Setting::new();
            setting.options.snapshot_every = every;
            let id = Uuid::new_v4();
            let mut server = setting.server();
            let (mut phase, mut items, mut erased_at) = (Phase::None, Vec::new(), 0);
            for step in steps {
                match step {
                    Step::Create => {
                        server.ask(id, Cmd::Create { seconds: 86_400 }).await.unwrap();
                        phase = if phase == Phase::None { Phase::Open } else { phase };
                    }
                    Step::Add(item) => {
                        let added = server.ask(id, Cmd::Add(item)).await.is_ok();
                        assert_eq!(added, phase == Phase::Open);
                        items.extend(added.then_some(item));
                    }
                    Step::Close => phase = server.ask(id, Cmd::Close).await.map_or(phase, |_| Phase::Closed),
                    Step::Erase => {
                        let erased = server.erase(id).await.unwrap();
                        assert_eq!(erased.already, phase == Phase::None);
                        (phase, items) = (Phase::None, Vec::new());
                        erased_at = setting.journal(id).await.len();
                    }
                    Step::Restart => {
                        server.kill();
                        server = setting.server();
                    }
                }
                let order = server.host.peek(ORGANIZATION, id).await.unwrap();
                assert_eq!((order.phase, &order.items), (phase, &items));
                let lines = setting.journal(id).await;
                for (number, line) in (1..).zip(&lines) {
                    assert_eq!(line.fact.is_some(), number >= erased_at, "{number} of {}", lines.len());
                }
            }
        });
    }
}
