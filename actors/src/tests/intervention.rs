//! What people do by hand about effects: it counts once, is journaled with who and why, and never makes two of one.

use uuid::Uuid;
use workflows::Attribute;

use crate::{
    Error, Intervention, OpenEffects, Standing,
    journal::{Act, EffectId, Fact},
    testing::{Cmd, Fate, ORGANIZATION, Order, Server, Setting, Want, eventually},
    tests::effects::{FIRST, has_told, key, story, wanting},
};

const NONE: [Uuid; 0] = [];

impl Server {
    async fn act(&self, id: Uuid, act: Act) -> Result<(), Error> {
        let intervention = Intervention { by: "Eva".into(), reason: "asked by phone".into(), act };
        self.host.intervene(ORGANIZATION, id, intervention).await.map(drop)
    }

    async fn open_effects(&self, id: Uuid) -> OpenEffects {
        self.host.open_effects(ORGANIZATION, &[id]).await.unwrap().remove(0).unwrap()
    }

    async fn in_trouble(&self, value: &'static str) -> Vec<Uuid> {
        let found = self.host.find(ORGANIZATION, &Attribute::effects(value), None, 10).await.unwrap();
        found.items.iter().map(|listed| listed.entity.id).collect()
    }
}

fn refused(answer: &Result<(), Error>, part: &str) {
    assert!(matches!(answer, Err(Error::Refused(refusal)) if format!("{refusal:?}").contains(part)), "{answer:?}, {part}");
}

/// What was failed, and how it stands.
async fn failed(setting: &Setting, server: &Server, want: Want) -> Uuid {
    server.world.script([Fate::Fail]);
    let id = wanting(server, want).await;
    has_told(setting, id, "failed 1").await;
    id
}

/// Given up at the first attempt.
async fn given_up(setting: &Setting, server: &Server, want: Want) -> Uuid {
    server.world.script([Fate::Refuse]);
    let id = wanting(server, want).await;
    has_told(setting, id, "gave up 1").await;
    id
}

#[actix::test]
async fn what_waits_for_its_next_attempt_is_tried_now_and_once() {
    for want in [Want::Mail, Want::Code] {
        let setting = Setting::new();
        let server = setting.server();
        let id = failed(&setting, &server, want).await;
        assert_eq!(server.in_trouble(Attribute::RETRYING).await, [id]);
        assert!(matches!(server.open_effects(id).await.effects[0].standing, Standing::Waiting { number: 1, .. }));
        server.act(id, Act::TryNow(FIRST)).await.unwrap();
        has_told(&setting, id, "done 2").await;
        assert_eq!(server.world.performed().get(&key(id)), Some(&1));
        assert_eq!(server.in_trouble(Attribute::RETRYING).await, NONE);
        assert_eq!(server.open_effects(id).await, OpenEffects::default());
        let by_hand = setting.facts(id).await.into_iter().find(|fact| matches!(fact, Fact::Intervened { .. }));
        let Some(Fact::Intervened { by, reason, act }) = by_hand else { panic!("it is not journaled") };
        assert_eq!((by.as_str(), reason.as_str(), act), ("Eva", "asked by phone", Act::TryNow(FIRST)));
        refused(&server.act(id, Act::TryNow(FIRST)).await, "effect");
    }
}

#[actix::test]
async fn what_is_given_up_by_hand_is_tried_no_more_and_the_machine_is_told() {
    let setting = Setting::new();
    let server = setting.server();
    let id = failed(&setting, &server, Want::Mail).await;
    server.act(id, Act::GiveUp(FIRST)).await.unwrap();
    assert_eq!(server.read(id).await.results, ["Mail given up: Eva: asked by phone"]);
    setting.clock.advance(chrono::Duration::hours(12));
    server.fire().await;
    assert_eq!(server.world.attempts().len(), 1);
    assert_eq!(story(&setting, id).await[1..3], ["GiveUp(EffectId { seq: 3, index: 0 })", "gave up 1"]);
    assert_eq!((server.in_trouble(Attribute::RETRYING).await, server.in_trouble(Attribute::GIVEN_UP).await), (vec![], vec![id]));
}

#[actix::test]
async fn what_is_under_way_when_it_is_given_up_is_not_heard_of() {
    let setting = Setting::new();
    let server = setting.server();
    server.world.script([Fate::Hang]);
    let id = wanting(&server, Want::Code).await;
    eventually("it is under way", async || server.world.performed().len() == 1).await;
    refused(&server.act(id, Act::TryNow(FIRST)).await, "does not wait");
    server.act(id, Act::GiveUp(FIRST)).await.unwrap();
    assert_eq!(server.read(id).await.results, ["Code left unknown: Eva: asked by phone"]);
    refused(&server.act(id, Act::GiveUp(FIRST)).await, "effect");
    // What hangs goes with its server.
    server.kill();
}

#[actix::test]
async fn what_was_given_up_is_done_again_where_the_machine_allows_it() {
    let setting = Setting::new();
    let server = setting.server();
    let id = given_up(&setting, &server, Want::Mail).await;
    let stands = server.open_effects(id).await.effects.remove(0);
    assert_eq!((stands.id, stands.name.as_str(), stands.standing, stands.may_repeat), (FIRST, "Mail", Standing::GivenUp, true));
    // It is known after a restart, from a snapshot as from the journal.
    server.kill();
    let server = setting.server();
    assert_eq!(server.in_trouble(Attribute::GIVEN_UP).await, [id]);
    server.act(id, Act::Again(FIRST)).await.unwrap();
    has_told(&setting, id, "done 1").await;
    assert_eq!(server.world.performed().get(&key(id)), Some(&1), "under the same key");
    assert_eq!(server.in_trouble(Attribute::GIVEN_UP).await, NONE);
    refused(&server.act(id, Act::Again(FIRST)).await, "effect");

    let id = given_up(&setting, &server, Want::Mail).await;
    server.ask(id, Cmd::Close).await.unwrap();
    assert!(!server.open_effects(id).await.effects[0].may_repeat);
    refused(&server.act(id, Act::Again(FIRST)).await, "gone on without it");
    server.act(id, Act::Dismiss(FIRST)).await.unwrap();
    assert_eq!(server.in_trouble(Attribute::GIVEN_UP).await, NONE);
    refused(&server.act(id, Act::Dismiss(FIRST)).await, "effect");
}

#[actix::test]
async fn a_paused_process_begins_nothing_until_it_is_resumed() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.act(id, Act::Pause).await.unwrap();
    refused(&server.act(id, Act::Pause).await, "paused already");
    server.ask(id, Cmd::AddAnd(1, Want::Mail)).await.unwrap();
    server.ask(id, Cmd::AddAnd(2, Want::Code)).await.unwrap();
    setting.clock.advance(chrono::Duration::minutes(10));
    server.fire().await;
    // Another server, and a new start, hold to it as well.
    server.kill();
    let server = setting.server();
    server.fire().await;
    server.read(id).await;
    assert!(server.world.attempts().is_empty());
    assert_eq!((server.in_trouble(Attribute::PAUSED).await, server.open_effects(id).await.is_paused), (vec![id], true));
    assert_eq!(setting.wake_of(id).await, server.read(id).await.until, "its own times go on");
    server.act(id, Act::Resume).await.unwrap();
    has_told(&setting, id, "Code done").await;
    has_told(&setting, id, "Mail done").await;
    assert_eq!(server.world.attempts().len(), 2);
    refused(&server.act(id, Act::Resume).await, "not paused");
    assert_eq!(server.in_trouble(Attribute::PAUSED).await, NONE);
}

#[actix::test]
async fn what_fails_while_it_is_paused_waits_as_well() {
    let setting = Setting::new();
    let server = setting.server();
    let id = failed(&setting, &server, Want::Mail).await;
    server.act(id, Act::Pause).await.unwrap();
    refused(&server.act(id, Act::TryNow(FIRST)).await, "resume it first");
    setting.clock.advance(chrono::Duration::hours(1));
    server.fire().await;
    assert_eq!(server.world.attempts().len(), 1);
    server.act(id, Act::Resume).await.unwrap();
    has_told(&setting, id, "done 2").await;
}

#[actix::test]
async fn nobody_acts_on_what_is_not_there_nor_without_a_name_and_a_reason() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let unknown = EffectId { seq: 99, index: 0 };
    for act in [Act::TryNow(unknown), Act::GiveUp(unknown), Act::Again(unknown), Act::Dismiss(unknown)] {
        refused(&server.act(id, act).await, "effect");
    }
    refused(&server.act(Uuid::new_v4(), Act::Pause).await, "process");
    for (by, reason) in [("", "x"), ("x", " "), ("x", "y".repeat(4097).as_str())] {
        let intervention = Intervention { by: by.into(), reason: reason.into(), act: Act::Pause };
        let answer = server.host.intervene(ORGANIZATION, id, intervention).await.map(drop);
        refused(&answer, "1 to 4,096");
    }
    assert_eq!(story(&setting, id).await, [""; 0], "nothing of it is journaled");
    assert_eq!(*server.host.peek(ORGANIZATION, Uuid::new_v4()).await.unwrap(), Order::default());
}
