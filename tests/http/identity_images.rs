//! Images of identity documents, in the processes that the server's own program becomes.

use bytes::Bytes;
use chrono::NaiveDate;
use identity::{Declared, ValueKey, fixtures};
use render::worker;
use rubrica::{
    cpu_pool::{self, CpuPool},
    identity_reader::{Error, IdentityReader},
    render_workers::{Metrics, Options, Workers},
};

fn reader() -> IdentityReader {
    let process = worker::Options { program: env!("CARGO_BIN_EXE_rubrica").into(), ..worker::Options::default() };
    let cpu = CpuPool::new(cpu_pool::Options::default(), cpu_pool::Metrics::default());
    IdentityReader::new(Workers::new(cpu, Options { process, ..Options::default() }, Metrics::default()))
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 26).expect("a day")
}

#[tokio::test]
async fn the_servers_program_reads_a_card_and_tells_what_differs_from_what_was_declared() {
    let reader = reader();
    let (front, back) = (Bytes::from(fixtures::front()), Bytes::from(fixtures::CARMEN.card()));
    let declared = Declared { document_number: Some("12345678Z".into()), ..Declared::default() };
    let reading = reader.read("acme", Some(front), Some(back), declared, today()).await.expect("it is read");
    assert_eq!(reading.values.get(&ValueKey::DocumentNumber).map(String::as_str), Some("99999999R"));
    let frauds: Vec<&str> = reading.checks.iter().filter(|check| check.is_fraud).map(|check| check.score_type.name()).collect();
    assert_eq!(frauds, ["DECLARED_DATA"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_images_are_refused_and_twenty_at_once_are_served() {
    let reader = reader();
    let card = Bytes::from(fixtures::CARMEN.card());
    let jobs = (0..20).map(|at| {
        let (reader, card) = (reader.clone(), card.clone());
        tokio::spawn(async move {
            let image = if at % 2 == 0 { card } else { card.slice(..card.len() / (at + 1)) };
            (at, reader.read(&format!("organization-{}", at % 3), None, Some(image), Declared::default(), today()).await)
        })
    });
    for job in jobs.collect::<Vec<_>>() {
        match job.await.expect("no panic") {
            (at, Ok(reading)) => assert!(at % 2 == 0 && !reading.values.is_empty(), "{at}"),
            (at, Err(error)) => assert!(at % 2 == 1 && matches!(error, Error::Images(_)), "{at}: {error}"),
        }
    }
}
