//! The host as a whole, against a store and a world that fail.

use crate::{
    Error,
    journal::Fact,
    testing::{Cmd, Event, Fate, No, Setting, Want, eventually},
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
