//! Sealing an 18 KB PDF: load, sign, save, on one thread of this process.

use std::time::{Duration, Instant};

use chrono::Utc;
use documents::{
    fixtures,
    pkcs12::Identity,
    seal::{Request, seal},
};

use crate::{Failure, Options, machine};

const PASSWORD: &str = "password";
const DOCUMENT_BYTES: usize = 18 * 1024;

/// Seals before the measurement.
const WARM_UP: Duration = Duration::from_millis(500);

/// Time of one measurement.
const RUN: Duration = Duration::from_secs(3);

pub fn run(options: &Options) -> Result<(), Failure> {
    let development = Identity::development("Rate", "Rate", Utc::now(), PASSWORD)?;
    let identities = [
        ("RSA-2048", Identity::open(include_bytes!("../../documents/fixtures/rsa2048-aes256.p12"), PASSWORD, Utc::now())?),
        ("ECDSA P-256", Identity::open(&development, PASSWORD, Utc::now())?),
    ];
    let pdf = padded(fixtures::contract(&["A"]))?;
    println!("\n## Sealing a PDF of {} bytes: load, sign, save; one thread\n", pdf.len());
    println!("| key | signature | round | seals per core-second | seals/s | load |\n| --- | --- | --: | --: | --: | --: |");
    for round in 1..=options.rounds {
        for (name, identity) in &identities {
            for field in [None, Some("A".to_owned())] {
                let shown = if field.is_some() { "visible" } else { "invisible" };
                let (per_core, per_second) = rate(&pdf, identity, field)?;
                println!("| {name} | {shown} | {round} | {per_core:.0} | {per_second:.0} | {} |", machine::load());
            }
        }
    }
    Ok(())
}

/// Seals per second of processor time, and per second on the clock.
fn rate(pdf: &[u8], identity: &Identity, field: Option<String>) -> Result<(f64, f64), Failure> {
    let requests = [Request {
        field,
        signer_name: "Núria Güell i Ferrándiz".to_owned(),
        at: Utc::now(),
        reason: "I agree".to_owned(),
        location: None,
        appearance_lines: None,
    }];
    let seal_for = |time: Duration| {
        let began = Instant::now();
        let mut seals = 0_u32;
        while began.elapsed() < time {
            seal(pdf, identity, &requests)?;
            seals += 1;
        }
        Ok::<_, Failure>(f64::from(seals))
    };
    seal_for(WARM_UP)?;
    let (began, worked) = (Instant::now(), thread_cpu()?);
    let seals = seal_for(RUN)?;
    Ok((seals / (thread_cpu()? - worked), seals / began.elapsed().as_secs_f64()))
}

/// Seconds that this thread has been on a processor.
fn thread_cpu() -> Result<f64, Failure> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = text.split(' ').next().ok_or("no time")?.parse()?;
    Ok(nanoseconds / 1e9)
}

/// The contract with a stream that makes it as large as the documents that are meant.
fn padded(pdf: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let mut document = lopdf::Document::load_mem(&pdf)?;
    let missing = DOCUMENT_BYTES.saturating_sub(pdf.len());
    let noise = (0..missing).map(|index| (index * 31 % 251) as u8).collect();
    document.add_object(lopdf::Stream::new(lopdf::Dictionary::new(), noise));
    let mut bytes = Vec::new();
    document.save_to(&mut bytes)?;
    Ok(bytes)
}
