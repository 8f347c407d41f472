//! Prints how many seals per second one core makes: load, sign, save of an 18 KB PDF.
//! `cargo run --release -p documents --example seal_rate [SECONDS]`.

use std::error::Error;
use std::time::{Duration, Instant};

use chrono::Utc;
use documents::fixtures;
use documents::pkcs12::Identity;
use documents::seal::{Request, seal};

const PASSWORD: &str = "password";
const DOCUMENT_BYTES: usize = 18 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let seconds: u64 = std::env::args().nth(1).map_or(Ok(3), |seconds| seconds.parse())?;
    let development = Identity::development("Rate", "Rate", Utc::now(), PASSWORD)?;
    let identities = [
        ("ECDSA P-256", Identity::open(&development, PASSWORD)?),
        ("RSA-2048", Identity::open(include_bytes!("../fixtures/rsa2048-aes256.p12"), PASSWORD)?),
    ];
    let pdf = padded(fixtures::contract(&["A"]))?;
    println!("{} bytes per PDF", pdf.len());
    for (name, identity) in &identities {
        for field in [None, Some("A".to_owned())] {
            let shown = if field.is_some() { "visible" } else { "invisible" };
            let request = Request {
                field,
                signer_name: "Núria Güell i Ferrándiz".to_owned(),
                at: Utc::now(),
                reason: "I agree".to_owned(),
                location: None,
                appearance_lines: None,
            };
            println!("{name:12} {shown:10} {:8.0} seals/s", rate(&pdf, identity, request, Duration::from_secs(seconds))?);
        }
    }
    Ok(())
}

fn rate(pdf: &[u8], identity: &Identity, request: Request, time: Duration) -> Result<f64, Box<dyn Error>> {
    let requests = [request];
    let start = Instant::now();
    let mut seals = 0u32;
    while start.elapsed() < time {
        seal(pdf, identity, &requests)?;
        seals += 1;
    }
    Ok(f64::from(seals) / start.elapsed().as_secs_f64())
}

/// The contract with a stream that makes it as large as the measured documents.
fn padded(pdf: Vec<u8>) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut document = lopdf::Document::load_mem(&pdf)?;
    let missing = DOCUMENT_BYTES.saturating_sub(pdf.len());
    let noise = (0..missing).map(|index| (index * 31 % 251) as u8).collect();
    document.add_object(lopdf::Stream::new(lopdf::Dictionary::new(), noise));
    let mut bytes = Vec::new();
    document.save_to(&mut bytes)?;
    Ok(bytes)
}
