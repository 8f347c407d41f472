//! C9: documents, newest first, uploads or what the server made, and one document with all that is known of it.

use askama::Template;

use super::{Frame, Moment, Phrase, Related};
use crate::render;

/// Where a document is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    There,
    /// Logically: its content is kept.
    Deleted,
    /// Physically: its content is given up.
    Removed,
}

impl Kept {
    /// In the order of a life.
    pub const ALL: [Self; 3] = [Self::There, Self::Deleted, Self::Removed];

    /// For programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::There => "PRESENT",
            Self::Deleted => "DELETED",
            Self::Removed => "REMOVED",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::There => "console.kept.there",
            Self::Deleted => "console.kept.deleted",
            Self::Removed => "console.kept.removed",
        }
    }

    /// Its shape in the sprite, and its colour's class.
    pub fn shape(self) -> &'static str {
        match self {
            Self::There => "certified",
            Self::Deleted => "cancelled",
            Self::Removed => "failed",
        }
    }
}

/// A page of the list.
#[derive(Debug, Template)]
#[template(path = "console/documents.html")]
pub struct Documents {
    pub frame: Frame,
    /// What was searched for, and why there is nothing to show.
    pub query: String,
    pub missing: Option<Phrase>,
    /// Where documents come from: words as a key, where their list is, and whether it is this one.
    pub origins: Vec<(&'static str, String, bool)>,
    /// What is said of this list, and where there is nothing in it, as keys.
    pub about: &'static str,
    pub none: &'static str,
    pub rows: Vec<ListedDocument>,
    /// Where it goes on.
    pub next: Option<String>,
    /// Back to the beginning, where this is not it.
    pub newest: Option<String>,
}

/// One in the list.
#[derive(Debug)]
pub struct ListedDocument {
    pub id: String,
    pub link: String,
    pub name: String,
    pub about: String,
    pub kept: Kept,
    /// Who may see it, as a key.
    pub visibility: &'static str,
    pub created: Moment,
}

/// One document.
#[derive(Debug, Template)]
#[template(path = "console/stored_document.html")]
pub struct StoredDocument {
    pub frame: Frame,
    pub id: String,
    pub name: String,
    pub about: String,
    pub kept: Kept,
    pub visibility: &'static str,
    pub created: Moment,
    pub deleted: Option<Moment>,
    pub labels: String,
    /// Hexadecimal.
    pub sha256: String,
    pub md5: String,
    /// What of a PDF is more than pages.
    pub active: Option<Phrase>,
    /// Where its bytes are; nothing where they are gone, or for who may not open it.
    pub download: Option<String>,
    /// Where its first page is as an image, if it has one.
    pub page: Option<String>,
    /// That it can be opened by others only.
    pub closed: bool,
    /// Versions of its record, newest first.
    pub versions: Vec<RecordVersion>,
    pub processes: Vec<Related>,
    /// There are more processes than these.
    pub more_processes: bool,
    pub holders: Vec<Related>,
    pub more_holders: bool,
    /// Where it can be deleted, for who may.
    pub delete: Option<String>,
    pub remove: Option<String>,
    /// What was just done.
    pub done: Option<Phrase>,
}

/// A version of a record.
#[derive(Debug)]
pub struct RecordVersion {
    pub number: u64,
    pub at: Moment,
    /// In the words of the record.
    pub what: String,
    pub by: String,
}

/// The question before something that nobody can take back: what it is about is to be typed.
#[derive(Debug, Template)]
#[template(path = "console/remove.html")]
pub struct Remove {
    pub frame: Frame,
    pub title: Phrase,
    pub name: String,
    pub id: String,
    pub consequence: Phrase,
    /// Where the form leads, and the way back.
    pub link: String,
    pub back: String,
    pub reason: String,
    /// What is wrong with the reason, and with what was typed.
    pub reason_error: Option<Phrase>,
    pub typed_error: Option<Phrase>,
    /// Maximum length of the reason, in characters.
    pub max_reason: usize,
}

impl Documents {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl StoredDocument {
    pub fn html(&self) -> String {
        render(self)
    }
}

impl Remove {
    pub fn html(&self) -> String {
        render(self)
    }

    fn is_wrong(&self) -> bool {
        self.reason_error.is_some() || self.typed_error.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    #[test]
    fn every_state_has_a_word_and_a_shape() {
        let sprite = include_str!("../../templates/console/sprite.html");
        for kept in Kept::ALL {
            assert!(Language::ALL.into_iter().all(|language| language.text(kept.key()) != kept.key()), "{kept:?}");
            assert!(sprite.contains(&format!("id=\"i-{}\"", kept.shape())), "{kept:?}");
        }
    }
}
