//! Consents: definitions, trees and the editions made of both, as versioned records with their whole history.
//!
//! Nothing is ever deleted: what was shown to a customer can be shown again as it was. Nothing here knows a customer.
//!
//! | record | key | is |
//! | --- | --- | --- |
//! | `consent_definition` | id | a [`Definition`] |
//! | `consent_tree` | segment`/`users type | a [`Tree`] |
//! | `consent_edition` | segment`/`users type | the versions of both that an [`Edition`] is made of; its version is the edition's number |
//! | `_consent_count` | `definitions` | how many definitions there are |

mod current;
pub mod definitions;
pub mod editions;
pub mod ids;
pub mod languages;
mod service;
#[cfg(test)]
mod tests;
pub mod trees;

use workflows::values::Problems;

pub use definitions::{Definition, Details, NewDefinition, NewDetails, NewExpiration, NewTexts};
pub use editions::Edition;
pub use ids::ConsentId;
pub use languages::{Accepted, LanguageTag};
pub use service::{Consents, Options, Slice, Wanted};
pub use trees::{Dependency, NewDependency, NewTree, NewView, Tree, UsersType, View};

use crate::records;

/// Maximum length of the words that say what a tree is for, or why a version was made, in characters (contract).
pub const MAX_NOTE: usize = 200;

/// Who changes something, as the token says.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    /// Subject of the token.
    pub subject: &'a str,
    /// Audience of the token.
    pub audience: &'a str,
}

/// Why something of the catalogue of consents cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no definition with this id.
    #[error("there is no consent with this id")]
    NoConsent,
    /// The segment has no tree for these users.
    #[error("the segment has no tree for {0}; create one first")]
    NoTree(UsersType),
    /// There is no edition with this number.
    #[error("there is no edition {0}")]
    NoEdition(u32),
    /// The id is taken.
    #[error("there is a consent {0} already; change its texts, or choose another id")]
    Exists(ConsentId),
    /// The segment has a tree for these users.
    #[error("the segment has a tree for {0} already; replace it with PUT")]
    TreeExists(UsersType),
    /// The tree is not the one that was read.
    #[error("the tree was changed since its ETag was read; read the trees again and repeat the change on what they are now")]
    Stale,
    /// What was sent breaks rules.
    #[error("it is not valid")]
    Invalid(Problems),
    /// There are as many definitions as there may be.
    #[error("there are {0} consents, which is the maximum; change one that is not needed any more")]
    Full(u64),
    /// More than fits one answer.
    #[error("there is more than one page can hold; ask for it with a smaller page_size")]
    TooMuch,
    /// The catalogue failed.
    #[error(transparent)]
    Catalogue(#[from] super::Error),
}

impl From<records::Error> for Error {
    fn from(error: records::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

/// A member that must be there.
fn there<T>(path: impl Into<String>, member: Option<T>, problems: &mut Problems) -> Option<T> {
    if member.is_none() {
        problems.note(path, "the member is missing");
    }
    member
}

/// A text of up to `max` bytes.
fn text(text: String, max: usize) -> Result<String, String> {
    if text.len() <= max { Ok(text) } else { Err(format!("expected at most {max} bytes")) }
}

/// Notes a note that is too long.
fn check_note(path: &str, note: Option<&str>, problems: &mut Problems) {
    if note.is_some_and(|note| note.chars().nth(MAX_NOTE).is_some()) {
        problems.note(path, format!("expected at most {MAX_NOTE} characters"));
    }
}
