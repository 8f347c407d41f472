//! From a handwriting as it was sent to what is kept of it: read, judged, encrypted, wiped. Takes processor time, and knows no store.

use aws_lc_rs::digest::{SHA256, digest};
use biometric::{Capture, Figures, Gate, PointingDevice, Record, RecordFormat, Sample, SampleBytes, ShownDocument};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use documents::{
    escrow::{self, ContentEncryption, Recipient},
    handwriting,
};
use store::Timestamp;
use uuid::Uuid;
use workflows::{
    Device,
    sign_process::{Accepted, Figure, Fingerprint, Handwriting, Holder},
    values::{self, Problems},
};
use zeroize::Zeroizing;

use super::{
    Error, Terms,
    kept::{self, Drawn},
    replay::{Key, Mark},
};
use crate::pictures;

/// Maximum length of the sample as it was sent, in bytes (note size-units).
pub const MAX_SAMPLE: usize = 300 * 1024;

/// Maximum length of the picture in base64, as it was sent, in bytes (note size-units).
pub const MAX_IMAGE: usize = 500 * 1024;

/// The members of the contract's `BiometricSignRequest`, and ours.
const SAMPLE: &str = "biometric_data";
const IMAGE: &str = "signature_image";
const ACCEPTED_BY: &str = "accepted_by";

/// A handwriting as it was sent, and to what it is bound; nothing of it is checked yet. It is wiped when it is dropped.
pub struct Request {
    pub organization: String,
    pub process: Uuid,
    pub signature: Uuid,
    pub alias: String,
    /// Process time.
    pub at: Timestamp,
    /// What this act signs: identifiers, and SHA-256 in hex of the bytes that the signer was shown.
    pub documents: Vec<(Uuid, String)>,
    pub device: Device,
    /// `biometric_data`.
    pub sample: Zeroizing<String>,
    /// `signature_image`: a PNG or JPEG in base64, perhaps as a `data:` URL.
    pub image: Zeroizing<String>,
    /// The agent who accepts it though its quality may be too low.
    pub accepted_by: Option<String>,
}

impl Request {
    /// Bytes, for the order of turns.
    pub(super) fn size(&self) -> u64 {
        (self.sample.len() + self.image.len()) as u64
    }
}

/// What is kept of a handwriting.
pub(super) struct Prepared {
    /// With a file that is not named yet.
    pub facts: Handwriting,
    pub mark: Mark,
    /// The file in clear.
    pub kept: Bytes,
}

/// Whether sample and picture are as short as they must be, before anything of them is read.
///
/// # Errors
/// [`Error::Invalid`]
pub fn check_lengths(sample: &str, image: &str) -> Result<(), Error> {
    let mut problems = Problems::default();
    for (member, text, max) in [(SAMPLE, sample, MAX_SAMPLE), (IMAGE, image, MAX_IMAGE)] {
        if text.len() > max {
            problems.note(member, format!("expected at most {max} bytes as it is sent; it has {}", text.len()));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Error::Invalid(problems)) }
}

/// Reads, judges and encrypts. All problems are told at once.
pub(super) fn prepare(request: Request, terms: &Terms, key: &Key) -> Result<Prepared, Error> {
    let mut problems = Problems::default();
    let sample = read(&request.sample, terms.strict, &mut problems);
    let image = problems.take(IMAGE, picture(&request.image));
    let by = request.accepted_by.as_deref().and_then(|agent| problems.take(ACCEPTED_BY, values::agent(agent)));
    let figures = sample.as_ref().and_then(Sample::capture).map(Capture::figures);
    let judged = figures.as_ref().map(|figures| judge(&terms.gate, figures, by, &mut problems)).unwrap_or_default();
    let (true, Some(sample), Some(image)) = (problems.is_empty(), sample, image) else { return Err(Error::Invalid(problems)) };

    let mark = key.mark(request.signature, &sample.replay_shape(&request.sample));
    let fingerprint = fingerprint(request.sample.as_bytes());
    let record = record(&request, &sample, figures.clone(), &judged.marks, &fingerprint.sha256);
    let plaintext = record.to_json();
    let envelope = escrow::seal(&plaintext, &terms.recipients, terms.encryption);
    let envelope = envelope.map_err(|error| Error::Escrow(error.to_string()))?;
    let image_fingerprint = self::fingerprint(&image);
    let drawn = match sample.capture() {
        Some(capture) => Drawn::Ink(capture.ink()),
        None => Drawn::Picture(image),
    };
    let facts = Handwriting {
        format: sample.format().to_owned(),
        pointer: sample.capture().and_then(pointer),
        has_pressure: sample.capture().map(Capture::has_pressure),
        figures: figures.as_ref().map(shown).unwrap_or_default(),
        marks: judged.marks,
        accepted: judged.accepted,
        sample: fingerprint,
        image: image_fingerprint,
        envelope: self::fingerprint(&envelope),
        content_encryption: encryption_name(terms.encryption).to_owned(),
        holders: terms.recipients.iter().map(holder).collect(),
        file: String::new(),
    };
    Ok(Prepared { facts, mark, kept: kept::write(&envelope, drawn)? })
}

fn read(text: &str, strict: bool, problems: &mut Problems) -> Option<Sample> {
    match biometric::read(text) {
        Ok(Sample::Unknown) if strict => {
            let known = "rubrica-strokes-1, the data of signature_pad, an ISO/IEC 19794-7 record or a CMS in base64";
            problems.note(SAMPLE, format!("the format is not known; this organization takes {known}"));
            None
        }
        Ok(sample) => Some(sample),
        Err(problem) if problem.what == SAMPLE => {
            problems.note(SAMPLE, problem.message);
            None
        }
        Err(problem) => {
            problems.note(SAMPLE, format!("{}: {}", parted(problem.what).0, problem.message));
            None
        }
    }
}

/// The picture's file, if it is one that can be shown.
fn picture(text: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    let base64 = match text.strip_prefix("data:") {
        // RFC 2397; what the bytes are says their beginning.
        Some(url) => url.split_once(',').map_or("", |(_, data)| data),
        None => text,
    };
    let bytes = pictures::decode(base64, MAX_IMAGE)?;
    handwriting::picture(&bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// What the gate found.
#[derive(Default)]
struct Judged {
    marks: Vec<String>,
    accepted: Option<Accepted>,
}

/// An agent's word counts once: a signature is made once, and the word goes into its journal.
fn judge(gate: &Gate, figures: &Figures, by: Option<String>, problems: &mut Problems) -> Judged {
    let verdict = gate.judge(figures);
    let marks = verdict.marks.into_iter().map(str::to_owned).collect();
    let accepted = match by {
        Some(by) if !verdict.rejected.is_empty() => {
            let mut names: Vec<String> = verdict.rejected.iter().map(|reason| parted(reason.figure).0).collect();
            names.dedup();
            Some(Accepted { by, figures: names })
        }
        _ => {
            for reason in verdict.rejected {
                problems.note(SAMPLE, format!("{}: {}", parted(reason.figure).0, reason.message));
            }
            None
        }
    };
    Judged { marks, accepted }
}

/// What the envelope holds.
fn record(request: &Request, sample: &Sample, figures: Option<Figures>, marks: &[String], sha256: &str) -> Record {
    let device = &request.device;
    let shown = |(id, sha256): &(Uuid, String)| ShownDocument { id: id.to_string(), sha256: sha256.clone() };
    Record {
        format: RecordFormat::V1,
        organization: request.organization.clone(),
        process_id: request.process.to_string(),
        sign_id: request.signature.to_string(),
        signer: request.alias.clone(),
        captured_at: request.at.to_rfc3339(),
        documents: request.documents.iter().map(shown).collect(),
        device: biometric::Device {
            installation_id: device.installation_id.clone(),
            fingerprint: device.fingerprint.clone(),
            user_agent: device.user_agent.clone(),
            location: device.location.clone(),
        },
        figures,
        marks: marks.to_vec(),
        sample_sha256: sha256.to_owned(),
        sample: SampleBytes::new(sample.format(), request.sample.as_bytes()),
    }
}

fn pointer(capture: &Capture) -> Option<String> {
    let name = match capture.device {
        PointingDevice::Pen => "pen",
        PointingDevice::Touch => "touch",
        PointingDevice::Mouse => "mouse",
        PointingDevice::Unknown => return None,
    };
    Some(name.to_owned())
}

fn fingerprint(bytes: &[u8]) -> Fingerprint {
    Fingerprint { size: bytes.len() as u64, sha256: HEXLOWER.encode(digest(&SHA256, bytes).as_ref()) }
}

fn encryption_name(encryption: ContentEncryption) -> &'static str {
    match encryption {
        ContentEncryption::Aes256Gcm => "AES-256-GCM",
        ContentEncryption::Aes256Cbc => "AES-256-CBC",
    }
}

fn holder(recipient: &Recipient) -> Holder {
    let facts = recipient.facts();
    Holder {
        subject: facts.subject.clone(),
        issuer: facts.issuer.clone(),
        serial: facts.serial.clone(),
        certificate_sha256: facts.sha256.clone(),
        not_after: facts.not_after,
    }
}

/// The units in the names of figures, in what they are shown, and how many of the last digits are decimals then.
const UNITS: [(&str, &str, usize); 5] =
    [("_permille", "%", 1), ("_mrad", "rad", 3), ("_ms", "s", 3), ("_px", "px", 0), ("_hz", "Hz", 0)];

/// A figure's name without its unit, and the unit.
fn parted(name: &str) -> (String, Option<(&'static str, usize)>) {
    match UNITS.iter().find(|(part, ..)| name.ends_with(part) || name.contains(&format!("{part}_of_"))) {
        Some((part, unit, decimals)) => (name.replacen(part, "", 1), Some((unit, *decimals))),
        None => (name.to_owned(), None),
    }
}

/// The figures as evidence shows them, in their order. Those that were not measured are left out.
fn shown(figures: &Figures) -> Vec<Figure> {
    let count = |name: &'static str, value: u32| Some((name, value));
    let optional = |name: &'static str, value: Option<u32>| Some((name, value?));
    let all = [
        count("strokes", figures.strokes),
        count("points", figures.points),
        count("distinct_positions", figures.distinct_positions),
        count("duration_ms", figures.duration_ms),
        count("width_px", figures.width_px),
        count("height_px", figures.height_px),
        optional("width_of_pad_permille", figures.width_of_pad_permille),
        optional("height_of_pad_permille", figures.height_of_pad_permille),
        count("spread_permille", figures.spread_permille),
        count("length_permille_of_diagonal", figures.length_permille_of_diagonal),
        count("turning_mrad", figures.turning_mrad),
        count("rate_hz", figures.rate_hz),
        count("gaps_permille", figures.gaps_permille),
        count("speed_variation_permille", figures.speed_variation_permille),
    ];
    all.into_iter().flatten().map(|(name, value)| figure(name, value)).collect()
}

fn figure(name: &str, value: u32) -> Figure {
    let (name, unit) = parted(name);
    let decimals = unit.map_or(0, |(_, decimals)| decimals);
    let scale = 10_u32.pow(u32::try_from(decimals).unwrap_or(0));
    let value = match decimals {
        0 => value.to_string(),
        _ => format!("{}.{:0decimals$}", value / scale, value % scale),
    };
    Figure { name, value, unit: unit.map(|(unit, _)| unit.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_in_units_that_people_read() {
        let told = |name, value| {
            let Figure { name, value, unit } = figure(name, value);
            format!("{name} {value} {}", unit.unwrap_or_default())
        };
        assert_eq!(told("points", 148), "points 148 ");
        assert_eq!(told("duration_ms", 2604), "duration 2.604 s");
        assert_eq!(told("duration_ms", 5), "duration 0.005 s");
        assert_eq!(told("spread_permille", 31), "spread 3.1 %");
        assert_eq!(told("length_permille_of_diagonal", 1950), "length_of_diagonal 195.0 %");
        assert_eq!(told("width_of_pad_permille", 400), "width_of_pad 40.0 %");
        assert_eq!(told("turning_mrad", u32::MAX), "turning 4294967.295 rad");
        assert_eq!(told("rate_hz", 60), "rate 60 Hz");
    }

    #[test]
    fn lengths_are_those_of_the_texts_as_they_were_sent() {
        let told = |sample: usize, image: usize| match check_lengths(&"x".repeat(sample), &"x".repeat(image)) {
            Ok(()) => Vec::new(),
            Err(Error::Invalid(problems)) => problems.iter().map(|problem| problem.path.clone()).collect(),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(told(MAX_SAMPLE, MAX_IMAGE), [""; 0]);
        assert_eq!(told(MAX_SAMPLE + 1, MAX_IMAGE + 1), [SAMPLE, IMAGE]);
        assert_eq!((MAX_SAMPLE, MAX_IMAGE), (307_200, 512_000), "as the contract's maxLength");
    }
}
