//! Processes are found by what their machines say they are found by, and by nothing that they said before.

use uuid::Uuid;
use workflows::Attribute;

use crate::{
    Erasure,
    testing::{Cmd, ORGANIZATION, Server, Setting},
};

const NONE: [Uuid; 0] = [];

impl Server {
    /// The processes that have an item, newest first.
    async fn with_item(&self, item: u32) -> Vec<Uuid> {
        self.found(ORGANIZATION, "item", &item.to_string()).await
    }

    async fn found(&self, organization: &str, name: &'static str, value: &str) -> Vec<Uuid> {
        let found = self.host.find(organization, &Attribute { name, value: value.into() }, None, 10).await.unwrap();
        found.items.iter().map(|listed| listed.entity.id).collect()
    }
}

#[actix::test]
async fn a_process_is_found_by_what_its_machine_says_now() {
    let setting = Setting::new();
    let server = setting.server();
    let first = server.open().await;
    setting.clock.advance(chrono::Duration::seconds(1));
    let second = server.open().await;
    for (id, item) in [(first, 1), (second, 2), (second, 1)] {
        server.ask(id, Cmd::Add(item)).await.unwrap();
    }
    assert_eq!((server.with_item(1).await, server.with_item(2).await), (vec![second, first], vec![second]));
    assert_eq!(server.found(ORGANIZATION, "status", "Open").await, [second, first]);
    server.ask(first, Cmd::Close).await.unwrap();
    assert_eq!(server.found(ORGANIZATION, "status", "Open").await, [second]);
    assert_eq!(server.found(ORGANIZATION, "status", "Closed").await, [first]);
    // Another name, another value, another organization.
    assert_eq!(server.found(ORGANIZATION, "status", "1").await, NONE);
    assert_eq!(server.found(ORGANIZATION, "item", "11").await, NONE);
    assert_eq!(server.found("other", "item", "1").await, NONE);
    // Any server with the key finds it, after a restart as well.
    server.kill();
    let server = setting.server();
    assert_eq!(server.with_item(1).await, [second, first]);
}

#[actix::test]
async fn what_is_refused_or_erased_is_not_found() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.ask(id, Cmd::Add(1)).await.unwrap();
    server.ask(id, Cmd::Close).await.unwrap();
    assert!(server.ask(id, Cmd::Add(2)).await.is_err());
    assert_eq!((server.with_item(1).await, server.with_item(2).await), (vec![id], vec![]));
    let erasure = Erasure { by: "a clerk".into(), reason: "asked for".into(), ended_only: true };
    server.host.erase(ORGANIZATION, id, erasure).await.unwrap();
    assert_eq!(server.with_item(1).await, NONE);
    assert_eq!(server.found(ORGANIZATION, "status", "Closed").await, NONE);
}

#[test]
fn a_mark_tells_nothing_without_the_key_and_differs_by_all_that_it_is_of() {
    let sealer = crate::journal::Sealer::new(&[7; 32]);
    let attribute = |name, value: &str| Attribute { name, value: value.into() };
    let marks = [
        sealer.mark("acme", "order", &attribute("item", "1")),
        sealer.mark("acme", "order", &attribute("item", "12")),
        sealer.mark("acme", "order", &attribute("phone", "1")),
        sealer.mark("acme", "other", &attribute("item", "1")),
        sealer.mark("acm", "eorder", &attribute("item", "1")),
        crate::journal::Sealer::new(&[8; 32]).mark("acme", "order", &attribute("item", "1")),
    ];
    let distinct: std::collections::HashSet<_> = marks.iter().collect();
    assert_eq!(distinct.len(), marks.len());
    // Part of the stored data: it never changes.
    assert_eq!(marks[0], sealer.mark("acme", "order", &attribute("item", "1")));
}
