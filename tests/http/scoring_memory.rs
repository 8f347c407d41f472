//! Twenty scorings at once: all are served, and neither the server nor the processes that read the images go beyond their memory.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use identity::fixtures::{self, Canvas};
use serde_json::json;

use crate::{
    own,
    scoring::{self, connected_with, scorings, submit},
    support::{Device, Form, Journey, PATIENCE, Server, wait_for},
};

/// Scorings that are sent at the same moment.
const AT_ONCE: usize = 20;

/// Processes that read images at once, as the pool is configured.
const PLACES: usize = 2;

/// The least that may be configured for images in memory: an organization has half of it.
const IMAGES: u64 = 64 << 20;

/// What a process may have at its peak that reads [`photograph`] and a card, in bytes: about twice what it takes.
const WORKER: u64 = 80_000_000;

/// A peak in /proc, in bytes; nothing if the process has ended.
fn peak(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// The peak of a server, without its workers.
fn peak_of(server: &Server) -> u64 {
    peak(server.pid()).expect("the server runs")
}

/// By how much its peak is higher than before. Zero, too, where it reads a little lower: the kernel counts pages per thread and sums them up
/// only now and then, so that a peak that is told is a few dozen pages off.
fn grown(server: &Server, before: u64) -> u64 {
    peak_of(server).saturating_sub(before)
}

/// Ids of the processes in which a server has images read.
fn workers(server: &Server) -> Vec<u32> {
    let is_worker = |id: &u32| {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        let parent = stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)?.parse().ok());
        // A process that has not become a worker yet still has its parent's command, and memory.
        let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        parent == Some(server.pid()) && String::from_utf8_lossy(&command).contains("render-worker")
    };
    let processes = fs::read_dir("/proc").expect("Linux").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    processes.filter(is_worker).collect()
}

/// What was seen of the workers: how many there were at once, and the peak of each.
#[derive(Debug, Default)]
struct Seen {
    at_once: usize,
    peaks: BTreeMap<u32, u64>,
}

impl Seen {
    fn look(&mut self, server: &Server) {
        let workers = workers(server);
        self.at_once = self.at_once.max(workers.len());
        for id in workers {
            if let Some(peak) = peak(id) {
                self.peaks.insert(id, peak);
            }
        }
    }
}

/// A photograph as a telephone takes it: 6 megapixels, and some megabytes as there is noise in them.
fn photograph() -> Vec<u8> {
    let mut canvas = Canvas::page(240.0, 170.0, 4);
    let mut noise = 1_u32;
    for byte in &mut canvas.rgb {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte ^= (noise >> 31) as u8;
    }
    canvas.png()
}

fn session(journey: &Journey) -> String {
    let body = json!({"document": {"type": "IDENTITY_CARD", "country": "ES"}, "provider": "INTERNAL", "expires_in": "PT1H"});
    journey.client.post(&scorings(journey, "")).json(&body).send().expect(200).text("id")
}

/// Sends the images until there is room for them: a server that has none says when to come again.
fn score(journey: &Journey, id: &str, front: &[u8], back: &[u8]) {
    let path = scorings(journey, &format!("/{id}/score"));
    wait_for("room for the images", PATIENCE, || {
        let call = journey.client.put(&path).headers(Device::HEADERS);
        let answer = call.form(Form::new().part("front", front).part("back", back)).send();
        if answer.status == 503 {
            return None;
        }
        answer.expect(204);
        Some(())
    });
}

#[test]
fn twenty_scorings_at_once_stay_within_memory() {
    let (server, journey) = own(Some(&format!("[cpu]\nplaces = {PLACES}\n[scoring]\nmemory = {IMAGES}\n")));
    let (front, back) = (photograph(), fixtures::CARMEN.card());
    let sent = (AT_ONCE * (front.len() + back.len())) as u64;
    let sessions: Vec<String> = (0..AT_ONCE).map(|_| session(&journey)).collect();
    let before = peak_of(&server);

    let (ended, together) = (Arc::new(AtomicBool::new(false)), Barrier::new(AT_ONCE));
    let seen = thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut seen = Seen::default();
            while !ended.load(Ordering::Relaxed) {
                seen.look(&server);
                thread::sleep(Duration::from_millis(2));
            }
            seen.look(&server);
            seen
        });
        let scoring: Vec<_> = sessions
            .iter()
            .map(|id| {
                scope.spawn(|| {
                    together.wait();
                    score(&journey, id, &front, &back);
                })
            })
            .collect();
        let ends: Vec<_> = scoring.into_iter().map(thread::ScopedJoinHandle::join).collect();
        ended.store(true, Ordering::Relaxed);
        assert!(ends.iter().all(Result::is_ok), "a scoring was not served");
        looking.join().expect("no panic")
    });
    for id in &sessions {
        let scoring = journey.client.get(&scorings(&journey, &format!("/{id}"))).send().expect(200).json();
        assert_eq!(scoring["score_result"]["extracted_values"]["DOCUMENT_NUMBER"], "99999999R", "{scoring}");
    }

    assert!((1..=PLACES).contains(&seen.at_once), "{seen:?}");
    assert!(seen.peaks.values().all(|peak| *peak <= WORKER), "{seen:?}");
    // An image that comes in is there up to three times: as it grows, whole, and sealed for the file.
    let (grown, bound) = (grown(&server, before), 3 * sent + IMAGES / 2);
    assert!(grown <= bound, "the server took {grown} bytes more for {sent} bytes of images, bound {bound}");
}

#[test]
fn more_scorings_that_wait_for_their_provider_take_no_memory_for_their_images() {
    /// Bytes of each image.
    const IMAGE: usize = 3 << 20;
    /// More than there is room for at the provider, and few enough to come in twice within the longest time that it may take, where other
    /// tests share the processors.
    const WAITING: usize = 12;
    /// What as many more of them may take of the server. If it held them, that would be twelve times an image.
    const BOUND: u64 = 4 * IMAGE as u64;

    let (server, journey, provider) =
        connected_with(&format!("timeout = \"PT2M\"\nmemory = {IMAGES}\n[processes]\neffect_timeout = \"PT2M\"\n"));
    let content = format!("wait and pass{}", " ".repeat(IMAGE));
    let sessions: Vec<String> = (0..2 * WAITING).map(|_| scoring::session(&journey)).collect();
    thread::scope(|scope| {
        let (journey, content) = (&journey, &content);
        let submit_all = |sessions: &[String]| {
            let submitted = sessions.iter().cloned().map(|id| {
                let attempts = scorings(journey, &format!("/{id}/attempts"));
                let attempts = || journey.client.get(&attempts).send().expect(200).json();
                let submitted = scope.spawn(move || submit(&journey.client, journey, &id, content));
                // They come in one after the other, so that what is in memory is there for the wait.
                wait_for("the attempt to begin", PATIENCE, || attempts()["attempts"].get(0).is_some().then_some(()));
                submitted
            });
            submitted.collect::<Vec<_>>()
        };
        // As many as share the room at the provider, and then some: what the allocator keeps for the next ones is there as well.
        let mut waiting = submit_all(&sessions[..WAITING]);
        let before = peak_of(&server);
        waiting.extend(submit_all(&sessions[WAITING..]));
        let grown = grown(&server, before);
        waiting.iter().for_each(|_| provider.let_go());
        for one in waiting {
            one.join().expect("no panic").expect(204);
        }
        assert!(grown <= BOUND, "the server took {grown} bytes more for {WAITING} images of {IMAGE} bytes, bound {BOUND}");
    });
}
