//! Several servers on one store, and servers that are killed.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;

use super::{Shop, body, customer, now};
use crate::support::{Keeps, Options, PATIENCE, Server, Store, wait_for};

#[test]
fn two_servers_record_what_two_channels_capture_of_one_customer() {
    let store = Keeps::Shared(Store::fresh());
    let start = || Server::start_with(Options { keeps: store.clone(), ..Options::default() });
    let (one, other) = (start(), start());
    let ours = Shop::on(&one);
    let theirs = ours.through(&other);
    for round in 0..12 {
        let customer = customer();
        let (first, second) = (ours.key(&customer), theirs.key(&customer));
        // The later date is now the one's, now the other's.
        let (early, late) = ("2024-05-01T10:00:00Z", "2024-05-02T10:00:00Z");
        let (dates, holds) = if round % 2 == 0 { ([early, late], 2) } else { ([late, early], 0) };
        let [mine, yours] = std::thread::scope(|scope| {
            let mine = scope.spawn(|| ours.post(&customer, &first, &body(&[("C01", 0), ("C02", 0)], dates[0])));
            let yours = scope.spawn(|| theirs.post(&customer, &second, &body(&[("C01", 2), ("C03", 2)], dates[1])));
            [mine, yours].map(|capture| capture.join().expect("a capture"))
        });
        assert_eq!(mine.expect(201).text("id"), yours.expect(201).text("id"));
        let expected = json!({ "C01": holds, "C02": 0, "C03": 2, "C04": 0, "C05": 1 });
        assert_eq!((ours.choices(&customer), theirs.choices(&customer)), (expected.clone(), expected), "round {round}");
    }
}

#[test]
fn a_deletion_against_captures_leaves_one_order_for_all() {
    let store = Keeps::Shared(Store::fresh());
    let start = || Server::start_with(Options { keeps: store.clone(), ..Options::default() });
    let (one, other) = (start(), start());
    let ours = Shop::on(&one);
    let theirs = ours.through(&other);
    for round in 0..12 {
        let customer = customer();
        ours.capture(&customer, &[("C04", 2)]).expect(201);
        let key = theirs.key(&customer);
        let (captured, deleted) = std::thread::scope(|scope| {
            let capture = scope.spawn(|| theirs.post(&customer, &key, &body(&[("C01", 0)], &now())));
            let delete = scope.spawn(|| ours.delete(&customer));
            (capture.join().expect("a capture"), delete.join().expect("a deletion"))
        });
        // Either it was captured before and went with the rest, or its key was too old by then: the customer is not back.
        deleted.expect(204);
        assert!(matches!(captured.status, 201 | 401), "{captured}");
        for shop in [&ours, &theirs] {
            assert_eq!(shop.read(&customer, "").status, 200, "round {round}: {captured}");
        }
    }
}

#[test]
fn every_capture_that_was_answered_is_there_after_a_kill() {
    let folder = tempfile::tempdir().expect("a folder");
    let keeps = Keeps::as_asked();
    let options = Options { data: Some(folder.path().to_owned()), keeps, ..Options::default() };
    let mut server = Server::start_with(options.clone());
    let mut shop = Shop::on(&server);
    let answered = Mutex::new(Vec::new());
    for _ in 0..3 {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let customer = customer();
                        let read = shop.asking(&customer, "").try_send();
                        let Ok(read) = read else { return };
                        let call = shop.client.post(&shop.consents(&customer));
                        let call = call.headers([("x-segment", "telco"), ("x-key", read.header("x-key"))]);
                        match call.json(&body(&[("C01", 0), ("C03", 2)], &now())).try_send() {
                            Ok(captured) if captured.status == 201 => {
                                answered.lock().unwrap().push((customer, captured.text("id")))
                            }
                            Ok(other) => panic!("{other}"),
                            Err(_) => return,
                        }
                    }
                });
            }
            let before = answered.lock().unwrap().len();
            let began = Instant::now();
            wait_for("captures to be answered", PATIENCE, || (answered.lock().unwrap().len() >= before + 30).then_some(()));
            assert!(began.elapsed() < PATIENCE + Duration::from_secs(1));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
        server = Server::start_with(options.clone());
        shop = shop.through(&server);
    }
    let answered = answered.into_inner().unwrap();
    for (customer, id) in &answered {
        assert_eq!(shop.choices(customer), json!({ "C01": 0, "C02": 1, "C03": 2, "C04": 0, "C05": 1 }));
        assert_eq!(&shop.capture(customer, &[("C02", 2)]).expect(201).text("id"), id);
    }
}
