//! A signed file that staff sends to be looked at, and what is said of it.

use askama::Template;

use super::{Frame, Gravity, Moment, Phrase};
use crate::render;

/// The form, and what is said of the file that was sent.
#[derive(Debug, Template)]
#[template(path = "console/verification.html")]
pub struct Verification {
    pub frame: Frame,
    /// Where the form goes.
    pub link: String,
    /// How large a file may be.
    pub limit: Phrase,
    /// Why nothing is said of the file that was sent: our words, and perhaps the server's, which are English.
    pub problem: Option<(Phrase, Option<String>)>,
    pub shown: Option<Verified>,
}

/// What is said of a file. Sentences that are no [`Phrase`] are the report's own, which are English.
#[derive(Debug)]
pub struct Verified {
    pub gravity: Gravity,
    pub verdict: Phrase,
    pub at: Moment,
    /// How many bytes it has.
    pub size: Phrase,
    /// Hexadecimal.
    pub sha256: String,
    /// What is to be known of the whole.
    pub notes: Vec<Phrase>,
    /// What is wrong with the file beside its signatures.
    pub problems: Vec<String>,
    pub signatures: Vec<VerifiedSignature>,
    /// Of a certificate of ours: whether its evidence is intact, in words, and why not.
    pub evidence: Option<(Gravity, Phrase, Option<String>)>,
    pub roots: Vec<VerifiedRoot>,
    /// The whole as JSON, in base64.
    pub json: String,
}

/// One signature, or one document time stamp.
#[derive(Debug)]
pub struct VerifiedSignature {
    /// Which one of how many.
    pub title: Phrase,
    pub gravity: Gravity,
    pub verdict: Phrase,
    /// What its bearer is called here, as a key: who signed, or whose time stamp it is.
    pub who: &'static str,
    /// As its certificate has it.
    pub signer: Option<String>,
    pub issuer: Option<String>,
    /// As the signing program wrote it.
    pub name: Option<String>,
    pub claimed: Option<Moment>,
    pub proven: Option<Moment>,
    pub stamps: Vec<VerifiedStamp>,
    /// The level of PAdES, where the report names one.
    pub level: Option<String>,
    pub reason: Option<String>,
    pub location: Option<String>,
    pub by_hand: Option<Phrase>,
    pub covers: Phrase,
    pub is_trusted: bool,
    pub trust: Phrase,
    /// More of the trust.
    pub trust_words: Option<String>,
    /// What happened to the document afterwards.
    pub changes: Vec<Phrase>,
    pub suspicious: Vec<String>,
    pub problems: Vec<String>,
    pub not_judged: Vec<String>,
}

/// A time stamp in a signature.
#[derive(Debug)]
pub struct VerifiedStamp {
    pub at: Option<Moment>,
    pub authority: String,
    /// Whether it proves its time.
    pub proves: bool,
    pub words: Phrase,
    /// Why it does not.
    pub problem: Option<String>,
}

/// A root that the report relies on.
#[derive(Debug)]
pub struct VerifiedRoot {
    pub name: String,
    /// Whose word it is, as a key.
    pub source: &'static str,
    /// The file that it was read from.
    pub from: Option<String>,
    /// Hexadecimal.
    pub sha256: String,
}

impl Verification {
    pub fn html(&self) -> String {
        render(self)
    }
}
