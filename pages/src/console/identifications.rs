//! C5: identifications of all kinds, newest first, and one of them.

use askama::Template;

use super::{Act, Effect, Frame, Journal, Moment, Phrase, Row, Stage};
use crate::render;

/// States of identifications and of checks of documents, as the contract has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identified {
    Created,
    Validated,
    /// Of checks of documents alone.
    Scored,
    Succeeded,
    Failed,
    Cancelled,
    Expired,
}

impl Identified {
    /// In the order of a life, its bad ends last.
    pub const ALL: [Self; 7] =
        [Self::Created, Self::Validated, Self::Scored, Self::Succeeded, Self::Failed, Self::Cancelled, Self::Expired];

    /// In the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Validated => "VALIDATED",
            Self::Scored => "SCORED",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Created => "console.identified.created",
            Self::Validated => "console.identified.validated",
            Self::Scored => "console.identified.scored",
            Self::Succeeded => "console.identified.succeeded",
            Self::Failed => "console.identified.failed",
            Self::Cancelled => "console.identified.cancelled",
            Self::Expired => "console.identified.expired",
        }
    }

    /// Its shape in the sprite, and its colour's class.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Validated | Self::Scored => "signed",
            Self::Succeeded => "certified",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }
}

/// A page of the list.
#[derive(Debug, Template)]
#[template(path = "console/identifications.html")]
pub struct Identifications {
    pub frame: Frame,
    /// What was searched for, and why there is nothing to show.
    pub query: String,
    pub missing: Option<Phrase>,
    /// Filters by kind.
    pub kinds: Vec<KindChip>,
    pub chips: Vec<IdentifiedChip>,
    pub rows: Vec<ListedIdentification>,
    /// Where it goes on.
    pub next: Option<String>,
    /// Back to the beginning, where this is not it.
    pub newest: Option<String>,
    /// Where a filter is on: the list without it.
    pub unfiltered: Option<String>,
    /// That a filter had many to look through, so that not all of them were.
    pub partial: Option<Phrase>,
}

/// A filter by kind.
#[derive(Debug)]
pub struct KindChip {
    /// Its key.
    pub words: &'static str,
    pub link: String,
    pub is_on: bool,
}

/// A filter by state.
#[derive(Debug)]
pub struct IdentifiedChip {
    /// `None`: all.
    pub state: Option<Identified>,
    pub link: String,
    pub is_on: bool,
}

/// One in the list.
#[derive(Debug)]
pub struct ListedIdentification {
    pub id: String,
    pub link: String,
    /// Its key.
    pub kind: &'static str,
    pub created: Moment,
    /// `Err`: its state cannot be read, and why.
    pub brief: Result<Brief, Phrase>,
}

/// What the list says of one.
#[derive(Debug)]
pub struct Brief {
    pub state: Identified,
    /// Of whom it is; empty where nobody said.
    pub who: String,
    /// What it belongs to, as a key.
    pub belongs: &'static str,
    pub waits: Option<Phrase>,
    /// Until when, where it waits.
    pub expires: Option<Moment>,
}

impl Identifications {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl ListedIdentification {
    fn shown(&self) -> Option<&Brief> {
        self.brief.as_ref().ok()
    }

    fn fault(&self) -> Option<&Phrase> {
        self.brief.as_ref().err()
    }
}

/// One identification.
#[derive(Debug, Template)]
#[template(path = "console/identification.html")]
pub struct Identification {
    pub frame: Frame,
    pub id: String,
    /// Of this page.
    pub link: String,
    /// Its key.
    pub kind: &'static str,
    pub state: Identified,
    pub waits: Option<Phrase>,
    /// Why it ended.
    pub end_reason: Option<String>,
    pub created: Moment,
    pub expires: Moment,
    /// Whom it is of; empty where nobody said.
    pub who: String,
    /// Masked.
    pub contacts: Vec<String>,
    pub details: Vec<Detail>,
    pub related: Vec<Related>,
    /// Tries at the check of a document, where there is one.
    pub attempts: Option<Vec<Attempt>>,
    /// Newest first, a page of them.
    pub rows: Vec<Row>,
    pub newer: Option<String>,
    pub older: Option<String>,
    pub failures: Act,
    pub only_failures: bool,
    pub journals: Vec<Journal>,
    /// What can be done, by whom may.
    pub acts: Vec<Act>,
    /// What failed, was given up or waits.
    pub effects: Vec<Effect>,
    pub pause: Option<Act>,
    /// What was just done.
    pub done: Option<Phrase>,
    /// Grows with every entry of a journal.
    pub version: u64,
}

/// Something that is known of it.
#[derive(Debug)]
pub struct Detail {
    /// Its key.
    pub name: &'static str,
    pub value: DetailValue,
}

/// A value of its kind.
#[derive(Debug)]
pub enum DetailValue {
    /// As it is.
    Text(String),
    Words(Phrase),
    At(Moment),
}

/// Something that belongs to it.
#[derive(Debug)]
pub struct Related {
    pub words: Phrase,
    pub id: String,
    pub link: String,
    pub state: Option<Identified>,
}

/// A try at the check of a document.
#[derive(Debug)]
pub struct Attempt {
    pub number: usize,
    pub at: Moment,
    pub way: Phrase,
    pub stage: Stage,
    pub result: Phrase,
    pub provider_id: Option<String>,
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug)]
pub struct Check {
    pub name: String,
    pub score: String,
    /// It points to fraud.
    pub is_bad: bool,
}

impl Identification {
    pub fn html(&self) -> String {
        render(self)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::texts::Language;

    #[test]
    fn every_state_has_a_word_of_its_own_and_a_shape() {
        for language in Language::ALL {
            let words: BTreeSet<_> = Identified::ALL.into_iter().map(|state| language.text(state.key())).collect();
            assert_eq!(words.len(), Identified::ALL.len(), "{}", language.tag());
        }
        let sprite = include_str!("../../templates/console/sprite.html");
        for state in Identified::ALL {
            assert!(sprite.contains(&format!("id=\"i-{}\"", state.shape())), "{state:?}");
        }
    }
}
