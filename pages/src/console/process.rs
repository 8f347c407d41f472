//! C4: one sign process, all that happened to it and what is to come.

use askama::Template;

use super::{Effect, Frame, Moment, Phrase, Status};
use crate::render;

/// A process.
#[derive(Debug, Template)]
#[template(path = "console/process.html")]
pub struct Process {
    pub frame: Frame,
    pub id: String,
    /// Of this page.
    pub link: String,
    pub status: Status,
    /// What it waits for, or why it ended.
    pub waits: Option<Phrase>,
    pub end_reason: Option<String>,
    pub created: Moment,
    pub expires: Moment,
    /// Key of the kind of signature, and of the identification.
    pub sign_type: &'static str,
    pub identified_by: &'static str,
    pub signers: Vec<Signer>,
    pub lanes: Vec<Lane>,
    /// Newest first, a page of them.
    pub rows: Vec<Row>,
    /// The page of rows before and after this one.
    pub newer: Option<String>,
    pub older: Option<String>,
    /// The same page with failures alone, or with everything.
    pub failures: Act,
    pub only_failures: bool,
    pub documents: Vec<Document>,
    pub certificate: Option<String>,
    pub journals: Vec<Journal>,
    /// Where it can be cancelled: for whom may, and while it can.
    pub cancel: Option<String>,
    /// What failed, was given up or waits, and what can be done about it.
    pub effects: Vec<Effect>,
    /// Pausing or resuming, for whom may, and where it changes something.
    pub pause: Option<Act>,
    /// What was just done.
    pub done: Option<Phrase>,
    /// Grows with every entry of a journal: whoever has it asks for what is newer.
    pub version: u64,
}

/// A link with words.
#[derive(Debug)]
pub struct Act {
    pub words: Phrase,
    pub link: String,
}

/// A signer, with what is known of them.
#[derive(Debug)]
pub struct Signer {
    pub alias: String,
    pub name: String,
    /// Masked.
    pub contacts: Vec<String>,
    /// Of the signature.
    pub stage: Stage,
    pub signature: Phrase,
    pub identification: Phrase,
    pub signed: Option<Moment>,
    pub identification_id: String,
    pub signature_id: String,
    /// What staff may do about the signer's link.
    pub acts: Vec<Act>,
}

/// How far a signer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Waiting,
    Done,
    Lost,
}

impl Stage {
    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Waiting => "created",
            Self::Done => "certified",
            Self::Lost => "failed",
        }
    }
}

/// A signer's way through time.
#[derive(Debug)]
pub struct Lane {
    pub name: String,
    pub segments: Vec<Segment>,
    /// Where the signer stands now.
    pub now: Phrase,
}

/// A stretch of it, in thousandths of the whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// `waiting`, `identifying`, `reading` or `sealing`.
    pub class: &'static str,
    pub from: u32,
    pub width: u32,
}

/// How a row turned out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// It happened.
    Plain,
    /// It is under way, or tried again.
    Pending,
    /// It is to come.
    Future,
    /// It failed, or is not known.
    Bad,
}

impl Tone {
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Pending => "pending",
            Self::Future => "future",
            Self::Bad => "bad",
        }
    }

    pub(super) fn shape(self) -> &'static str {
        match self {
            Self::Plain => "certified",
            Self::Pending => "signed",
            Self::Future => "expired",
            Self::Bad => "failed",
        }
    }

    /// The word for whoever does not see the shape.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Plain => "console.tone.plain",
            Self::Pending => "console.tone.pending",
            Self::Future => "console.tone.future",
            Self::Bad => "console.tone.bad",
        }
    }
}

/// An intention: what was to happen, and what became of it.
#[derive(Debug)]
pub struct Row {
    pub at: Moment,
    pub tone: Tone,
    pub words: Phrase,
    pub parts: Vec<Part>,
    /// Shown when it is opened.
    pub facts: Vec<Fact>,
    pub entries: Vec<Entry>,
}

/// What became of it, step by step.
#[derive(Debug)]
pub struct Part {
    pub words: Phrase,
    /// Since the row's moment, e.g. `+2.1 s`; nothing at that moment.
    pub after: String,
    pub is_bad: bool,
}

/// A detail.
#[derive(Debug)]
pub struct Fact {
    /// Its key.
    pub name: &'static str,
    pub value: String,
}

/// Where it stands in a journal.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Of which journal, as a key.
    pub journal: &'static str,
    pub seq: u64,
    /// Hexadecimal.
    pub hash: String,
}

/// A journal as it was read and checked.
#[derive(Debug)]
pub struct Journal {
    /// As a key.
    pub name: &'static str,
    /// Whose, where there are several.
    pub of: String,
    pub id: String,
    /// How many entries it has and that they are whole, or why it cannot be read.
    pub words: Phrase,
    /// Hash of the last entry, hexadecimal; empty where it is not whole.
    pub head: String,
    pub is_whole: bool,
}

/// A document of the process.
#[derive(Debug)]
pub struct Document {
    pub name: String,
    pub about: Phrase,
    /// Where its bytes are, and its first page as an image.
    pub link: String,
    pub page: String,
    /// The version with the seals.
    pub sealed: Option<String>,
}

/// The question before a cancellation.
#[derive(Debug, Template)]
#[template(path = "console/cancel.html")]
pub struct Cancel {
    pub frame: Frame,
    pub id: String,
    /// Of the process.
    pub link: String,
    pub documents: Vec<String>,
    pub signers: Vec<String>,
    pub reason: String,
    /// What is wrong with the reason.
    pub error: Option<Phrase>,
    /// Maximum length of the reason, in characters.
    pub max_reason: usize,
}

impl Process {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl Cancel {
    pub fn html(&self) -> String {
        render(self)
    }
}
