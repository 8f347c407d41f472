//! The processes that draw pages, as the server's own program runs them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use documents::fixtures;
use lopdf::{Dictionary, Document, Stream, dictionary};
use render::{Mask, worker};
use rubrica::{
    cpu_pool::{self, CpuPool},
    render_workers::{Error, Metrics, Options, Workers},
};
use store::blobs::Digest;

use crate::{
    own,
    support::{Client, Form, PATIENCE, wait_for},
};

/// Longest time in which a server has to end whose documents are cut off; without that it would wait for 30 s.
const SHUTDOWN: Duration = Duration::from_secs(15);

fn workers(cpu: &CpuPool) -> Workers {
    let process = worker::Options { program: env!("CARGO_BIN_EXE_rubrica").into(), seconds: 1, ..worker::Options::default() };
    Workers::new(cpu.clone(), Options { process, ..Options::default() }, Metrics::default())
}

async fn compare(workers: &Workers, organization: &str, document: &Bytes) -> Result<render::Comparison, Error> {
    workers.compare(organization, Digest::of(document), document.clone(), document.clone(), Vec::new()).await
}

/// A page that is filled with a pattern whose cell is a million times as large as its step: drawn as it says, it never ends.
pub fn poison() -> Bytes {
    let mut document = Document::with_version("1.7");
    let cell = dictionary! {
        "PatternType" => 1, "PaintType" => 1, "TilingType" => 1, "BBox" => [0, 0, 1_000_000, 1_000_000].map(Into::into).to_vec(),
        "XStep" => 1, "YStep" => 1, "Resources" => Dictionary::new(),
    };
    let cell = document.add_object(Stream::new(cell, b"0 0 1 1 re f".to_vec()));
    let content = document.add_object(Stream::new(dictionary! {}, b"/Pattern cs /P scn 0 0 500 500 re f".to_vec()));
    let root = document.new_object_id();
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => root, "Contents" => content, "MediaBox" => [0, 0, 595, 842].map(Into::into).to_vec(),
        "Resources" => dictionary! { "Pattern" => dictionary! { "P" => cell } },
    });
    document.objects.insert(root, dictionary! { "Type" => "Pages", "Count" => 1, "Kids" => vec![page.into()] }.into());
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("it is written");
    bytes.into()
}

/// What a scrape says of a metric, with the labels given; 0 if nothing was counted yet.
pub fn metric(client: &Client, name: &str) -> u64 {
    let scrape = String::from_utf8(client.get("/metrics").send().expect(200).body).expect("text");
    let value = scrape.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_default()
}

#[tokio::test]
async fn the_servers_program_draws_pages_and_sees_what_differs() {
    let workers = workers(&CpuPool::new(cpu_pool::Options::default(), cpu_pool::Metrics::default()));
    let (one, other) = (Bytes::from(fixtures::contract(&["A"])), Bytes::from(fixtures::contract(&["B"])));
    let same = compare(&workers, "acme", &one).await.expect("it is compared");
    assert_eq!((same.pages, same.compared_pages, same.differing), (1, 1, Vec::new()));
    // The name of the field stands below its box.
    let masks = |rect| vec![Mask { page: 0, rect }];
    for (masks, differing) in [(masks([60.0, 280.0, 300.0, 360.0]), vec![]), (masks([0.0; 4]), vec![0])] {
        let compared = workers.compare("acme", Digest::of(&one), one.clone(), other.clone(), masks).await;
        assert_eq!(compared.expect("it is compared").differing, differing);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_document_is_set_aside_after_two_attempts_and_others_are_served_meanwhile() {
    let cpu = CpuPool::new(cpu_pool::Options { places: 2, ..Default::default() }, cpu_pool::Metrics::default());
    let workers = workers(&cpu);
    let poison = poison();
    // Other files, all of one organization, which wants all that there is.
    let hostile: Vec<_> = (0..4)
        .map(|number| {
            let workers = workers.clone();
            let document = Bytes::from([&poison[..], format!("%{number}\n").as_bytes()].concat());
            tokio::spawn(async move { compare(&workers, "hostile", &document).await })
        })
        .collect();
    let contract = Bytes::from(fixtures::contract(&["A"]));
    let mut served = 0;
    while !hostile.iter().all(tokio::task::JoinHandle::is_finished) {
        assert_eq!(compare(&workers, "acme", &contract).await.expect("it is compared").compared_pages, 1);
        served += 1;
    }
    assert!(served > 1, "only {served} were served");
    for job in hostile {
        assert!(matches!(job.await.expect("no panic"), Err(Error::Exceeded(_))));
    }
    for _ in 0..2 {
        assert!(matches!(compare(&workers, "hostile", &poison).await, Err(Error::Exceeded(_))));
    }
    let began = Instant::now();
    let refused = compare(&workers, "hostile", &poison).await;
    assert!(matches!(refused, Err(Error::Pool(cpu_pool::Error::SetAside(_)))), "{refused:?}");
    assert!(began.elapsed() < Duration::from_millis(500), "it is not tried a third time");
}

#[test]
fn an_upload_whose_pages_cannot_be_drawn_is_tried_twice_and_then_set_aside() {
    let (server, journey) = own(Some("[render]\nprocessor_time = \"PT1S\"\n"));
    let client = server.anonymous();
    let poison = poison();
    for (upload, drawn) in [(1, 1), (2, 2), (3, 2), (4, 2)] {
        // That its pages were not compared is said in the evidence; its structure was.
        journey.upload("contract.pdf", &poison);
        assert_eq!(metric(&client, "rubrica_render_ends_total{cause=\"time\"}"), drawn, "after upload {upload}");
    }
    assert_eq!(metric(&client, "rubrica_cpu_pool_set_aside"), 1);
    assert_eq!(metric(&client, "rubrica_render_processes"), 0);
    journey.upload("contract.pdf", &crate::pdf());
    assert_eq!(metric(&client, "rubrica_render_processes"), 1, "another file is drawn");
}

#[test]
fn a_server_that_goes_down_does_not_wait_for_a_file_that_never_ends() {
    // The bounds of a file are far above what the test waits for.
    let bounds = "[render]\nprocessor_time = \"PT10M\"\n[cpu]\ntime = \"PT10M\"\n";
    let (server, journey) = own(Some(bounds));
    let client = server.anonymous();
    std::thread::scope(|scope| {
        let upload = scope.spawn(|| {
            let form = Form::new().part("name", "poison").part("extension", "pdf").file("content", "poison.pdf", poison());
            journey.client.post(&journey.path("documents")).form(form).try_send()
        });
        wait_for("the pages to be drawn", PATIENCE, || (metric(&client, "rubrica_render_processes") == 1).then_some(()));
        let began = Instant::now();
        assert!(server.terminate().success());
        assert!(began.elapsed() < SHUTDOWN, "it ended after {:?}", began.elapsed());
        // Cut off with an answer that says so, or with the connection.
        assert!(upload.join().expect("no panic").map_or(true, |answer| answer.status == 503));
    });
}
