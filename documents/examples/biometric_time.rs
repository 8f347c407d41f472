//! How long the server works on a signature by hand between the request and the envelope:
//!
//!     cargo run --release -p documents --example biometric_time
//!
//! A synthetic signature of 2.6 s at 200 Hz as `rubrica-strokes-1` is read, measured, judged, given its shape and its ink, put into its
//! record and encrypted. Clock and processor are one thread's.

use std::time::{Duration, Instant};

use biometric::synthetic::Hand;
use biometric::{Device, Gate, Record, RecordFormat, SampleBytes, ShownDocument};
use chrono::Utc;
use documents::escrow::{self, ContentEncryption, Kind, Recipient};

/// Times that each is done.
const ROUNDS: usize = 2000;

fn main() {
    let text = Hand::default().signature().to_strokes();
    println!("one sample of {} characters, {ROUNDS} times each; milliseconds", text.len());
    println!("{:<44} {:>8} {:>8} {:>8}", "", "median", "p99", "most");
    row("read, figures, gate", || {
        let sample = biometric::read(&text).expect("a sound sample");
        let capture = sample.capture().expect("strokes");
        assert!(Gate::default().judge(&capture.figures()).is_accepted());
    });
    let capture = Hand::default().signature();
    row("ISO record", || assert!(!capture.to_iso().is_empty()));
    row("shape and ink", || assert!(!capture.shape().is_empty() && !capture.ink().strokes.is_empty()));
    let pair = |kind| {
        let pair = escrow::new_pair("Holder", "Test", kind, Utc::now()).expect("a pair");
        Recipient::read(pair.certificate_pem.as_bytes()).expect("a certificate for escrow")
    };
    let (p256, p384, rsa) = (pair(Kind::P256), pair(Kind::P384), pair(Kind::Rsa3072));
    for (name, recipients) in [
        ("all, to P-256", vec![p256.clone()]),
        ("all, to P-384", vec![p384.clone()]),
        ("all, to RSA-3072", vec![rsa.clone()]),
        ("all, to these three", vec![p256, p384, rsa]),
    ] {
        for encryption in [ContentEncryption::Aes256Gcm, ContentEncryption::Aes256Cbc] {
            row(&format!("{name}, {}", encryption.name()), || whole(&text, &recipients, encryption));
        }
    }
}

/// From the string to the envelope.
fn whole(text: &str, recipients: &[Recipient], encryption: ContentEncryption) {
    let sample = biometric::read(text).expect("a sound sample");
    let capture = sample.capture().expect("strokes");
    let figures = capture.figures();
    let verdict = Gate::default().judge(&figures);
    assert!(verdict.is_accepted() && !capture.shape().is_empty() && !capture.to_iso().is_empty());
    assert!(!capture.ink().strokes.is_empty());
    let record = Record {
        format: RecordFormat::V1,
        organization: "1".to_owned(),
        process_id: "0198b1a4-7a7c-7000-8000-000000000000".to_owned(),
        sign_id: "0198b1a4-7a7c-7000-8000-000000000001".to_owned(),
        signer: "Ana".to_owned(),
        captured_at: "2027-01-15T09:30:00Z".to_owned(),
        documents: vec![ShownDocument { id: "contract".to_owned(), sha256: "00".repeat(32) }],
        device: Device::default(),
        figures: Some(figures),
        marks: verdict.marks.iter().map(|mark| (*mark).to_owned()).collect(),
        sample_sha256: "11".repeat(32),
        sample: SampleBytes::new(sample.format(), text.as_bytes()),
    };
    let envelope = escrow::seal(&record.to_json(), recipients, encryption).expect("an envelope");
    assert!(envelope.len() > text.len());
}

fn row(name: &str, mut work: impl FnMut()) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            work();
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    let ms = |index: usize| times[index].as_secs_f64() * 1000.0;
    println!("{name:<44} {:>8.3} {:>8.3} {:>8.3}", ms(ROUNDS / 2), ms(ROUNDS * 99 / 100), ms(ROUNDS - 1));
}
