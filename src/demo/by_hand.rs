//! Signing by hand, as a shop does it: an agent vouches for the signer, who writes on a tablet. The handwriting is made by code.

use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use biometric::{Ink, Record, synthetic::Hand};
use chrono::Utc;
use documents::{
    escrow::{self, Kind},
    handwriting,
};
use serde_json::{Value, json};

use super::{Failure, client::Client};

/// The agent of the shop.
pub(super) const AGENT: &str = "demo-shop/eva";

/// The files of the pair.
const CERTIFICATE: &str = "escrow-certificate.pem";
const KEY: &str = "escrow-key.pem";

/// White space around a picture's ink, in pixels.
const MARGIN: f32 = 12.0;

/// The widest and the highest picture, in pixels.
const MAX_SIDE: f32 = 2000.0;

/// Who can read the samples.
pub(super) enum Escrow {
    /// The pair in these files, which the demo made, this time or before.
    Pair { certificate: PathBuf, key: PathBuf },
    /// Those that the organization named itself; the demo cannot read their samples.
    Others,
}

impl Escrow {
    /// Leaves certificates that the organization has; otherwise makes a pair, whose key stands in a file of its own.
    pub async fn provide(client: &Client, out: &Path) -> Result<Self, Failure> {
        let (certificate, key) = (out.join(CERTIFICATE), out.join(KEY));
        let configuration = client.configuration().await?;
        if let Some(held) = configuration["biometric_policy"]["escrow_certificates"].as_array().filter(|held| !held.is_empty()) {
            let own = std::fs::read_to_string(&certificate).is_ok_and(|own| held.iter().any(|pem| *pem == own));
            return Ok(if own && key.exists() { Self::Pair { certificate, key } } else { Self::Others });
        }
        let pair = escrow::new_pair("Demo escrow holder", "Demo", Kind::P256, Utc::now())?;
        std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
        write(&certificate, pair.certificate_pem.as_bytes())?;
        write(&key, pair.private_key_pem.as_bytes())?;
        let mut policy = configuration["biometric_policy"].as_object().cloned().unwrap_or_default();
        policy.insert("escrow_certificates".into(), json!([pair.certificate_pem]));
        client.set_biometric_policy(&Value::Object(policy)).await?;
        Ok(Self::Pair { certificate, key })
    }

    pub fn describe(&self) -> String {
        match self {
            Self::Pair { key, .. } => format!(
                "samples are encrypted to a pair made for the demo; its PRIVATE KEY is in {}. Whoever has that file reads every sample: a \
                 real one is with a notary, and never on the server",
                key.display()
            ),
            Self::Others => {
                "samples are encrypted to the organization's own escrow certificates, whose keys are with their holders".into()
            }
        }
    }

    /// What the holder reads in a signed document, in lines for a person.
    pub fn read(&self, signed: &[u8]) -> Result<Vec<String>, Failure> {
        let Self::Pair { certificate, key } = self else { return Ok(Vec::new()) };
        let (certificate, key) = (std::fs::read(certificate)?, zeroize::Zeroizing::new(std::fs::read(key)?));
        let mut lines = Vec::new();
        for found in handwriting::found(signed)? {
            let clear = escrow::open(&found.envelope, &certificate, &key)?;
            let record = Record::from_json(&clear)?;
            let points =
                record.figures.as_ref().map(|figures| format!(", {} points in {} ms", figures.points, figures.duration_ms));
            lines.push(format!(
                "{}: {}{}, bound to {} document(s) as they were shown",
                record.signer,
                record.sample.format,
                points.unwrap_or_default(),
                record.documents.len()
            ));
        }
        Ok(lines)
    }
}

/// A file that only its owner reads.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    Ok(written.map_err(|error| format!("{}: {error}", path.display()))?)
}

/// The body of `sign_biometric`: a handwriting of a seed, and its picture.
pub(super) fn writing(seed: u64) -> Result<Value, Failure> {
    let capture = Hand { seed, ..Hand::default() }.signature();
    let picture = picture(&capture.ink())?;
    Ok(json!({"biometric_data": capture.to_strokes().as_str(), "signature_image": STANDARD.encode(picture)}))
}

/// A PNG of the ink, black on white, as a page draws it.
fn picture(ink: &Ink) -> Result<Vec<u8>, Failure> {
    // What is no number is 1, as is what is less.
    let side = |length: f32| (length + 2.0 * MARGIN).clamp(1.0, MAX_SIDE) as u32;
    let (width, height) = (side(ink.width), side(ink.height));
    let mut pixels = vec![u8::MAX; width as usize * height as usize];
    for stroke in &ink.strokes {
        for pair in stroke.windows(2) {
            let (dx, dy) = (pair[1].x - pair[0].x, pair[1].y - pair[0].y);
            let steps = (dx.hypot(dy) * 2.0).clamp(1.0, 4.0 * MAX_SIDE) as u16;
            for step in 0..=steps {
                let share = f32::from(step) / f32::from(steps);
                let radius = 0.6 + 0.3 * f32::from(pair[0].class);
                dot(&mut pixels, (width, height), (pair[0].x + dx * share + MARGIN, pair[0].y + dy * share + MARGIN), radius);
            }
        }
    }
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(file)
}

/// Blackens the pixels around a place.
fn dot(pixels: &mut [u8], (width, height): (u32, u32), (x, y): (f32, f32), radius: f32) {
    let range = |middle: f32, side: u32| {
        let (from, to) = ((middle - radius).floor().max(0.0), (middle + radius).ceil().min(side as f32 - 1.0));
        from as u32..=to as u32
    };
    for row in range(y, height) {
        for column in range(x, width) {
            if (column as f32 - x).hypot(row as f32 - y) <= radius {
                pixels[(row * width + column) as usize] = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handwriting_of_a_seed_is_a_sample_that_can_be_read_and_a_picture_with_ink() {
        let body = writing(7).expect("a handwriting");
        assert_eq!(body, writing(7).expect("a handwriting"), "the same seed, the same handwriting");
        assert_ne!(body["biometric_data"], writing(8).expect("a handwriting")["biometric_data"]);
        let sample = biometric::read(body["biometric_data"].as_str().expect("a text")).expect("it can be read");
        assert_eq!(sample.format(), "rubrica-strokes-1");
        let picture = STANDARD.decode(body["signature_image"].as_str().expect("a text")).expect("base64");
        handwriting::picture(&picture).expect("a picture with ink");
    }
}
