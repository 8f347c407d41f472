//! Sealing an 18 KB PDF: read, sign, write, read again and compare, on one thread of this process; and what the parts of the proof cost.

use std::time::{Duration, Instant};

use chrono::Utc;
use documents::{
    fixtures,
    inspect::inspect,
    pkcs12::Identity,
    seal::{Request, rehearse, seal},
    verify::{Trust, verify},
};
use render::{Limits, Mask, Revisions, compare};

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
    println!("\n## Sealing a PDF of {} bytes: read, sign, write, prove; one thread\n", pdf.len());
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
    parts(&pdf, &identities[0].1, options.rounds)
}

/// What each part of an upload and of a seal costs: the second pair of eyes is drawn in this process here, in the server in a worker.
fn parts(pdf: &[u8], identity: &Identity, rounds: u32) -> Result<(), Failure> {
    let sealed = seal(pdf, identity, &[request(Some("A".to_owned()))])?;
    let masks: Vec<Mask> = sealed.masks.iter().map(|mask| Mask { page: mask.page, rect: mask.rect }).collect();
    println!("\n| part, ms of processor time | round | ms |\n| --- | --: | --: |");
    for round in 1..=rounds {
        let costs = [
            ("read an upload (inspect)", cost(|| inspect(pdf).map(drop).map_err(Into::into))?),
            (
                "rehearse its seal: revisions, written and proven by structure",
                cost(|| rehearse(pdf).map(drop).map_err(Into::into))?,
            ),
            (
                "draw and compare its one page, before and after, 100 dpi",
                cost(|| {
                    let revisions = Revisions::of_one_file(sealed.pdf.clone(), pdf.len());
                    let compared = compare(&revisions, &masks, &Limits::default());
                    if compared.differing.is_empty() && compared.compared_pages == 1 {
                        Ok(())
                    } else {
                        Err("the pages differ".into())
                    }
                })?,
            ),
            (
                "verify the sealed file",
                cost(|| verify(&sealed.pdf, &Trust::default(), Utc::now()).map(drop).map_err(Into::into))?,
            ),
        ];
        for (part, milliseconds) in costs {
            println!("| {part} | {round} | {milliseconds:.2} |");
        }
    }
    Ok(())
}

/// Milliseconds of processor time that `work` takes.
pub fn cost(mut work: impl FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
    work()?;
    let (began, worked) = (Instant::now(), thread_cpu()?);
    let mut times = 0_u32;
    while began.elapsed() < RUN / 2 {
        work()?;
        times += 1;
    }
    Ok((thread_cpu()? - worked) * 1e3 / f64::from(times))
}

fn request(field: Option<String>) -> Request {
    Request {
        field,
        signer_name: "Núria Güell i Ferrándiz".to_owned(),
        at: Utc::now(),
        reason: "I agree".to_owned(),
        location: None,
        appearance_lines: None,
        handwriting: None,
    }
}

/// Seals per second of processor time, and per second on the clock.
fn rate(pdf: &[u8], identity: &Identity, field: Option<String>) -> Result<(f64, f64), Failure> {
    let requests = [request(field)];
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
