//! The certificate of a process: what happened, to whom, when and how it was proven, as a PDF for people and as signed JSON for
//! programs, the second attached to the first.
//!
//! The steps, in order: gather an [`Evidence`], sign it into a [`SignedEvidence`] with the tenant's key, [`render`] the PDF with
//! the signed JSON as its attachment, and seal that PDF (not done here). Back again: [`extract`] the attachment, read it with
//! [`SignedEvidence::from_json`] and [`SignedEvidence::verify`] it.
//!
//! Nothing here reads a clock, a file or a network, and nothing here decides what happened: it only writes down what it is given.
//! What it is given must already be masked; the helpers of [`mask`] do that. Codes and secrets have no member to go into.

mod canonical;
mod compose;
mod evidence;
mod extract;
mod font;
mod format;
mod handwriting;
mod journal;
mod layout;
pub mod mask;
mod render;
#[cfg(test)]
mod samples;
mod signed;
mod style;
mod table;
mod texts;

pub use crate::active::ActiveContent;
pub use canonical::to_canonical_json;
pub use evidence::{
    Action, Challenge, Check, Contract, Delivery, Device, Document, DocumentVersion, Evidence, FORMAT, Identification, Image,
    JournalPosition, Moment, NumberCheck, PagesCompared, PreviewDocument, Process, Proof, Receipt, Scoring, ScoringAttempt,
    SealedDocument, SealingCertificate, SecondProof, SignFields, Signer, Software, Tenant, TimelineEntry,
};
pub use extract::{ATTACHMENT_NAME, MAX_ATTACHMENT_BYTES, extract};
pub use handwriting::{Figure, Fingerprint, Handwriting, Holder};
pub use journal::{
    ALGORITHM as JOURNAL_ALGORITHM, Journal, JournalContent, JournalEntry, SEALED_ALGORITHM as SEALED_JOURNAL_ALGORITHM,
};
pub use layout::MAX_PAGES;
pub use render::{Attachment, missing, render};
pub use signed::{Algorithm, SignFn, Signable, SignedEvidence, SignedJson};
pub use texts::Language;

/// Why a certificate could not be made, or what it holds could not be believed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The evidence needs more pages than [`MAX_PAGES`].
    #[error("the certificate would have more than {MAX_PAGES} pages")]
    TooLong,
    /// There is a value that the JSON form cannot hold.
    #[error("it cannot be written as canonical JSON: {0}")]
    NotCanonical(String),
    /// The attachment's name, media type or size is not acceptable.
    #[error("the attachment is not acceptable: {0}")]
    Attachment(String),
    /// The PDF library refused the document; a defect here, never the caller's.
    #[error("the certificate could not be written: {0}")]
    Pdf(String),
    /// The file given to [`extract`] is not a PDF that can be read.
    #[error("the file cannot be read as a PDF: {0}")]
    Unreadable(String),
    /// A certificate is not X.509 or its key is of a kind that cannot sign JSON.
    #[error("the certificate cannot be used for signed JSON: {0}")]
    Certificate(String),
    /// The holder of the key did not sign, or what it gave does not verify with its certificate.
    #[error("the JSON could not be signed: {0}")]
    Signing(String),
    /// The signed JSON is not a flattened JWS of the form written here.
    #[error("the signed JSON is malformed: {0}")]
    Malformed(String),
    /// The signature does not match what was signed and the certificate.
    #[error("the signature does not match what was signed and its certificate")]
    BadSignature,
    /// The hashes of a journal do not follow from one another.
    #[error("the hash chain of the journal is broken at entry {sequence}")]
    BrokenChain {
        /// The first entry that does not match; 0 for the head.
        sequence: u64,
    },
}
