//! Opening envelopes, and proving what they belong to.

use std::error::Error;
use std::path::Path;

use aws_lc_rs::digest;
use biometric::{Record, Sample};
use chrono::Utc;
use data_encoding::HEXLOWER;
use documents::escrow::{self, ContentEncryption};
use documents::handwriting::{self, Found};
use documents::verify::{self, Trust};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{OpenOptions, named};

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// What ties a signature to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The hash of a document that was shown to the signer is that of a beginning of the PDF, or of a file that was given.
    Proven,
    /// Only an envelope was given, and no document.
    NotChecked,
}

/// An envelope with what it was found in.
struct Candidate {
    envelope: Vec<u8>,
    /// Fields of the PDF that hold it.
    fields: Vec<Found>,
}

/// A biometric signature that was opened.
pub struct Signature {
    /// The fields of the PDF that hold its envelope.
    pub fields: Vec<String>,
    pub envelope_sha256: String,
    pub encryption: ContentEncryption,
    pub record: Record,
    /// The string as it was sent.
    pub sample: Zeroizing<Vec<u8>>,
    /// What can be read of it.
    pub understood: Option<Sample>,
    /// Identifiers of the documents of the record that are the file's, or those given.
    pub documents: Vec<String>,
    pub bound: Bound,
    /// Whether the PDF's signatures that hold it are intact; none where an envelope was given alone.
    pub seal_intact: Option<bool>,
}

/// What was opened.
pub struct Opened {
    pub signatures: Vec<Signature>,
    /// Envelopes of the file for other holders, in words.
    pub others: Vec<String>,
}

impl Opened {
    /// Whether everything is tied to a document, and every seal is intact.
    pub fn is_proven(&self) -> bool {
        self.signatures.iter().all(|one| one.bound == Bound::Proven && one.seal_intact != Some(false))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|error| named(path, &error))?.len();
    if length > MAX_FILE_BYTES {
        return Err(named(path, &format!("it is larger than {} MB", MAX_FILE_BYTES / 1024 / 1024)));
    }
    std::fs::read(path).map_err(|error| named(path, &error))
}

fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Opens all that the certificate opens. Nothing is written.
///
/// # Errors
/// What cannot be read or opened, and what is not what it says: in words that tell which signature and what to do.
pub fn open(options: &OpenOptions) -> Result<Opened, Box<dyn Error>> {
    let file = read(&options.file)?;
    let certificate = read(&options.certificate)?;
    let key = Zeroizing::new(read(&options.key)?);
    let at = |error: &dyn std::fmt::Display| named(&options.file, error);
    let is_pdf = !file.starts_with(&[0x30]);
    let candidates =
        if is_pdf { in_pdf(&file, options.field.as_deref()).map_err(|error| at(&error))? } else { alone(file.clone()) };
    if is_pdf && !options.documents.is_empty() {
        return Err("--document is for an envelope alone: a PDF holds the documents that were shown itself".into());
    }
    let mut opened = Opened { signatures: Vec::new(), others: Vec::new() };
    for candidate in candidates {
        let place = candidate.place();
        let content = match escrow::open(&candidate.envelope, &certificate, &key) {
            Ok(content) => content,
            Err(escrow::Error::NotARecipient(others)) => {
                opened.others.push(format!("{place}: for {others}"));
                continue;
            }
            Err(error @ (escrow::Error::WrongKey | escrow::Error::UnreadableKey(_))) => {
                return Err(named(&options.key, &error).into());
            }
            Err(
                error @ (escrow::Error::NotACertificate
                | escrow::Error::SeveralCertificates(_)
                | escrow::Error::UnfitCertificate { .. }),
            ) => return Err(named(&options.certificate, &error).into()),
            Err(error) => return Err(at(&format!("{place}: {error}")).into()),
        };
        let signature = Signature::of(candidate, &content).map_err(|error| at(&format!("{place}: {error}")))?;
        opened.signatures.push(signature);
    }
    if opened.signatures.is_empty() {
        return Err(at(&format!("no envelope is for this certificate ({})", opened.others.join("; "))).into());
    }
    let tied = if is_pdf { opened.tie_to_pdf(&file) } else { opened.tie_to_files(options) };
    tied.map_err(|error| at(&error))?;
    Ok(opened)
}

fn alone(envelope: Vec<u8>) -> Vec<Candidate> {
    vec![Candidate { envelope, fields: Vec::new() }]
}

/// The envelopes of a PDF, each once.
fn in_pdf(pdf: &[u8], field: Option<&str>) -> Result<Vec<Candidate>, String> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for found in handwriting::found(pdf).map_err(|error| error.to_string())? {
        if field.is_some_and(|field| field != found.field) {
            continue;
        }
        match candidates.iter_mut().find(|candidate| candidate.envelope == found.envelope) {
            Some(candidate) => candidate.fields.push(found),
            None => candidates.push(Candidate { envelope: found.envelope.clone(), fields: vec![found] }),
        }
    }
    match (candidates.is_empty(), field) {
        (true, Some(field)) => Err(format!("there is no biometric signature in a field \"{field}\"")),
        (true, None) => Err("there is no biometric signature in it".to_owned()),
        (false, _) => Ok(candidates),
    }
}

impl Candidate {
    fn names(&self) -> Vec<String> {
        self.fields.iter().map(|found| found.field.clone()).collect()
    }

    fn place(&self) -> String {
        if self.fields.is_empty() { "the envelope".to_owned() } else { format!("the signature in {}", self.names().join(", ")) }
    }
}

impl Signature {
    /// What the content of an envelope is, if the sample in it is the one that was recorded.
    fn of(candidate: Candidate, content: &[u8]) -> Result<Self, String> {
        let record = Record::from_json(content).map_err(|error| error.to_string())?;
        let sample = record.sample.bytes().map_err(|error| error.to_string())?;
        if sha256(&sample) != record.sample_sha256 {
            return Err("the sample is not the one that was recorded: its hash differs. Nothing was written".to_owned());
        }
        let understood = std::str::from_utf8(&sample).ok().and_then(|text| biometric::read(text).ok());
        Ok(Self {
            fields: candidate.names(),
            envelope_sha256: sha256(&candidate.envelope),
            encryption: escrow::content_encryption(&candidate.envelope).map_err(|error| error.to_string())?,
            record,
            sample,
            understood,
            documents: Vec::new(),
            bound: Bound::NotChecked,
            seal_intact: None,
        })
    }

    /// Keeps the documents of the record whose hash fits.
    fn tie(&mut self, fits: impl Fn(&[u8; 32]) -> bool) {
        let hash = |text: &str| HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let fitting = self.record.documents.iter().filter(|shown| hash(&shown.sha256).is_some_and(|hash| fits(&hash)));
        self.documents = fitting.map(|shown| shown.id.clone()).collect();
        if !self.documents.is_empty() {
            self.bound = Bound::Proven;
        }
    }
}

impl Opened {
    fn tie_to_pdf(&mut self, pdf: &[u8]) -> Result<(), String> {
        let found = handwriting::found(pdf).map_err(|error| error.to_string())?;
        let report = verify::verify(pdf, &Trust::default(), Utc::now()).map_err(|error| error.to_string())?;
        for signature in &mut self.signatures {
            let holding: Vec<&Found> = found.iter().filter(|found| signature.fields.contains(&found.field)).collect();
            signature.tie(|hash| holding.iter().any(|found| found.was_shown(pdf, hash)));
            if signature.bound != Bound::Proven {
                return Err(format!(
                    "the signature in {} was not given for this document: the signer was shown another one (document {} of process \
                     {}). It was copied here, or the file was changed. Nothing was written",
                    signature.fields.join(", "),
                    signature.record.documents.iter().map(|shown| shown.id.as_str()).collect::<Vec<_>>().join(", "),
                    signature.record.process_id,
                ));
            }
            let own = report.signatures.iter().filter(|one| signature.fields.contains(&one.field));
            signature.seal_intact = Some(own.clone().count() > 0 && own.clone().all(verify::Signature::is_intact));
        }
        Ok(())
    }

    fn tie_to_files(&mut self, options: &OpenOptions) -> Result<(), String> {
        for path in &options.documents {
            let hash = digest::digest(&digest::SHA256, &read(path)?);
            let is_shown =
                |one: &Signature| one.record.documents.iter().any(|shown| shown.sha256 == HEXLOWER.encode(hash.as_ref()));
            if !self.signatures.iter().any(is_shown) {
                return Err(format!(
                    "the signature was not given for {}: give the document as it was before it was sealed. Nothing was written",
                    path.display()
                ));
            }
            self.signatures.iter_mut().for_each(|one| {
                let before = std::mem::take(&mut one.documents);
                one.tie(|shown| shown == hash.as_ref());
                one.documents.splice(..0, before);
                one.documents.dedup();
            });
        }
        Ok(())
    }
}
