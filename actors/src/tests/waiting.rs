//! Waiting for a state without holding an actor.

use std::time::{Duration, Instant};

use crate::testing::{Cmd, ORGANIZATION, Phase, Setting, Want};

const PATIENCE: Duration = Duration::from_secs(20);

#[actix::test]
async fn who_waits_sees_what_an_effect_brings_about() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    server.ask(id, Cmd::AddAnd(1, Want::Mail)).await.unwrap();
    let order = server.host.until(ORGANIZATION, id, PATIENCE, |order| !order.results.is_empty()).await.unwrap();
    assert_eq!(order.results.len(), 1);
}

#[actix::test]
async fn the_actor_serves_others_while_somebody_waits() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let host = server.host.clone();
    let waiting = tokio::spawn(async move { host.until(ORGANIZATION, id, PATIENCE, |order| order.items.len() == 3).await });
    for item in 1..=3 {
        assert!(!waiting.is_finished());
        server.ask(id, Cmd::Add(item)).await.unwrap();
    }
    assert_eq!(waiting.await.unwrap().unwrap().items, [1, 2, 3]);
}

#[actix::test]
async fn who_waits_sees_what_time_alone_decides() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let host = server.host.clone();
    let waiting =
        tokio::spawn(async move { host.until(ORGANIZATION, id, PATIENCE, |order| order.phase == Phase::Expired).await });
    setting.clock.advance(chrono::Duration::days(365));
    assert_eq!(waiting.await.unwrap().unwrap().phase, Phase::Expired);
}

#[actix::test]
async fn who_waits_sees_what_another_server_writes() {
    let mut setting = Setting::new();
    setting.options.shared_store = true;
    let (here, there) = (setting.server(), setting.server());
    let id = here.open().await;
    let host = here.host.clone();
    let waiting = tokio::spawn(async move { host.until(ORGANIZATION, id, PATIENCE, |order| order.phase == Phase::Closed).await });
    there.ask(id, Cmd::Close).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().phase, Phase::Closed);
}

#[actix::test]
async fn patience_has_an_end_and_then_the_state_is_as_it_is() {
    let setting = Setting::new();
    let server = setting.server();
    let id = server.open().await;
    let started = Instant::now();
    let order =
        server.host.until(ORGANIZATION, id, Duration::from_millis(30), |order| order.phase == Phase::Closed).await.unwrap();
    assert_eq!(order.phase, Phase::Open);
    assert!((Duration::from_millis(30)..Duration::from_secs(10)).contains(&started.elapsed()));
    let patience = Duration::ZERO;
    assert_eq!(
        server.host.until(ORGANIZATION, id, patience, |_| false).await.unwrap().phase,
        Phase::Open,
        "it looks once at least"
    );
}
