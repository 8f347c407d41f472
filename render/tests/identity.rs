//! Images of identity documents in a worker: read there, refused there, and ended there when they want too much.

use std::{path::PathBuf, time::Duration};

use chrono::NaiveDate;
use identity::{Declared, Error as ImageError, Images, Problem, ScoreType, Side, ValueKey, fixtures};
use render::worker::{Error, Limit, Options, Process};

fn options() -> Options {
    Options {
        program: PathBuf::from(env!("CARGO_BIN_EXE_render-worker")),
        is_alone: true,
        seconds: 20,
        patience: Duration::from_secs(60),
        ..Options::default()
    }
}

fn read(worker: &mut Process, front: Option<&[u8]>, back: Option<&[u8]>) -> Result<Result<identity::Reading, ImageError>, Error> {
    let today = NaiveDate::from_ymd_opt(2026, 11, 26).expect("a day");
    worker.read_identity(Images { front, back }, &Declared::default(), &identity::Options { today }, || false)
}

#[test]
fn a_worker_reads_the_images_of_a_document_and_refuses_others_and_goes_on() {
    let mut worker = Process::start(&options()).expect("a worker");
    let id = worker.id();
    let card = fixtures::CARMEN.card();
    let reading = read(&mut worker, Some(&fixtures::front()), Some(&card)).expect("it answers").expect("they are images");
    assert_eq!(reading.values.get(&ValueKey::DocumentNumber).map(String::as_str), Some("99999999R"));
    let control = reading.checks.iter().find(|check| check.score_type == ScoreType::MrzControlDigit).expect("it is checked");
    assert_eq!((control.score, control.side), (1.0, Some(Side::Back)));
    // As they went in, in one piece: the same as without a worker.
    let refused = read(&mut worker, None, Some(&card[..card.len() / 2])).expect("it answers");
    assert_eq!(refused, Err(ImageError::Image { side: Side::Back, problem: Problem::Damaged }));
    let refused = read(&mut worker, Some(b"GIF89a"), Some(&card)).expect("it answers");
    assert!(matches!(refused, Err(ImageError::Image { side: Side::Front, problem: Problem::Unsupported { .. } })));
    assert_eq!(read(&mut worker, None, None).expect("it answers"), Err(ImageError::NoImage));
    assert!(worker.id() == id && !worker.is_worn(), "it is the same one, for the next job");
}

#[test]
fn images_that_want_more_than_there_is_end_in_a_limit() {
    let card = fixtures::CARMEN.card();
    let mut worker = Process::start(&Options { patience: Duration::ZERO, ..options() }).expect("a worker");
    assert!(matches!(read(&mut worker, None, Some(&card)), Err(Error::Exceeded(Limit::Time(_)))));
    assert!(worker.is_worn());
    // So little that not even the file has room.
    let mut worker = Process::start(&Options { memory: 96 << 20, ..options() }).expect("a worker");
    let large = vec![0; 120 << 20];
    let ended = read(&mut worker, Some(&large), None).expect_err("there is no room");
    assert!(matches!(ended, Error::Exceeded(Limit::Memory(_)) | Error::Died(_)), "{ended}");
}
