//! C6: what processes asked for and what has not ended well, and acts of staff on it.

use askama::Template;

use super::{Act, Frame, Phrase};
use crate::render;

/// Why effects are worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// They failed, and are tried again.
    Retrying,
    GivenUp,
    /// Their process begins nothing.
    Paused,
}

impl Trouble {
    pub const ALL: [Self; 3] = [Self::GivenUp, Self::Retrying, Self::Paused];

    /// In addresses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retrying => "retrying",
            Self::GivenUp => "given_up",
            Self::Paused => "paused",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Retrying => "console.trouble.retrying",
            Self::GivenUp => "console.trouble.given_up",
            Self::Paused => "console.trouble.paused",
        }
    }
}

/// The list of one trouble.
#[derive(Debug, Template)]
#[template(path = "console/effects.html")]
pub struct Effects {
    pub frame: Frame,
    pub chips: Vec<TroubleChip>,
    pub rows: Vec<Effect>,
    /// There are more.
    pub partial: Option<Phrase>,
    /// What can be done about all of the list.
    pub all: Vec<Act>,
    /// What was just done.
    pub done: Option<Phrase>,
}

/// A filter.
#[derive(Debug)]
pub struct TroubleChip {
    pub trouble: Trouble,
    pub link: String,
    pub is_on: bool,
}

/// One effect, or a process that is paused and waits with none.
#[derive(Debug)]
pub struct Effect {
    pub what: Phrase,
    /// Of its process: the kind, as a key.
    pub kind: &'static str,
    pub id: String,
    pub link: String,
    pub stands: Phrase,
    /// Why the last attempt failed; empty where that is not known.
    pub reason: String,
    pub acts: Vec<Act>,
}

/// The question before an act.
#[derive(Debug, Template)]
#[template(path = "console/act.html")]
pub struct Question {
    pub frame: Frame,
    pub title: Phrase,
    /// What it is about.
    pub about: Phrase,
    pub id: String,
    pub consequence: Phrase,
    /// Where the form leads, and the way back.
    pub link: String,
    pub back: String,
    pub reason: String,
    /// What is wrong with the reason.
    pub error: Option<Phrase>,
    /// Maximum length of the reason, in characters.
    pub max_reason: usize,
    /// Whether it cannot be taken back.
    pub is_grave: bool,
}

impl Effects {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl Question {
    pub fn html(&self) -> String {
        render(self)
    }
}
