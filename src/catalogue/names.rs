//! Items that callers know by a name of their own choice: forms, sections, templates. And why such an item cannot be made, read or deleted.

use workflows::values::{MAX_LABEL, Problem, Problems};

use super::{Error as CatalogueError, documents, item};
use crate::{cpu_pool, records};

/// Maximum length of the words that tell why a version was made, in characters.
pub const MAX_CHANGELOG: usize = 1000;

/// Separates the name of a user from the identifier of its creation, where both are kept; no external id has it.
const CREATION: char = ':';

/// The external id of a name (note name-normalisation): without white space around it, in lower case, and with one underscore for every run of
/// characters other than `a` to `z` and `0` to `9`. `None` where no letter and no digit is left, or more than [`MAX_LABEL`] bytes are.
pub fn external_id(name: &str) -> Option<String> {
    let mut id = String::new();
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => id.push(c),
            _ if id.ends_with('_') => {}
            _ => id.push('_'),
        }
    }
    let says_something = id.bytes().any(|byte| byte != b'_');
    (says_something && id.len() <= MAX_LABEL).then_some(id)
}

/// The external id of a name that a caller chose.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn new_external_id(name: &str) -> Result<String, String> {
    external_id(name).ok_or_else(|| format!("expected a name with a letter from A to Z or a digit, of up to {MAX_LABEL} bytes"))
}

/// Whether an item can have this external id: keys of the store are made of such only.
pub fn is_external_id(text: &str) -> bool {
    external_id(text).is_some_and(|id| id == text)
}

/// Checks the words that tell why a version was made.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn check_changelog(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if length <= MAX_CHANGELOG { Ok(()) } else { Err(format!("expected at most {MAX_CHANGELOG} characters")) }
}

/// The parts that an upload lacks.
pub(super) fn missing_parts(name: &Option<String>, extension: &Option<String>, content: &Option<bytes::Bytes>) -> Problems {
    let mut missing = Problems::default();
    for (part, is_there) in [("name", name.is_some()), ("extension", extension.is_some()), ("content", content.is_some())] {
        if !is_there {
            missing.note(part, "the part is missing");
        }
    }
    missing
}

/// How an item that is being made is called as the user of others: by its key and by an identifier of this creation. Of two that are made under one
/// key at once, the one that comes second must give up what it holds, and nothing of the first.
pub fn user<K: item::Kind>(key: &str, creation: uuid::Uuid) -> item::User {
    item::User::of::<K>(&format!("{key}{CREATION}{creation}"))
}

/// The key and the creation of a user that [`user`] made.
pub fn read_user(key: &str) -> Option<(&str, uuid::Uuid)> {
    let (key, creation) = key.split_once(CREATION)?;
    Some((key, uuid::Uuid::parse_str(creation).ok()?))
}

/// Why a form, a section, a template or a configuration cannot be made, read or deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There never was one.
    #[error("there is no {0}")]
    NotFound(String),
    /// It was deleted, and none was made again in its place (note deleted-others).
    #[error("the {0} was deleted")]
    Gone(String),
    /// The name is taken.
    #[error("another {0} has the external id {1}")]
    Exists(&'static str, String),
    /// Something else needs it.
    #[error("the {0} is part of the {1}; delete that first")]
    InUse(&'static str, String),
    /// Something else needs it, in words of its own.
    #[error("{0}")]
    Conflict(String),
    /// Another version was made since the one that a new one was to follow. Nothing was kept.
    #[error("another version of the {0} was made meanwhile; look at it, then follow that one")]
    Overtaken(&'static str),
    /// What was sent cannot become one.
    #[error("it is not valid")]
    Invalid(Problems),
    /// What was sent is well formed, and something is missing or ends too early.
    #[error("it is not complete")]
    Incomplete(Problems),
    /// The content is over the limit, in bytes.
    #[error("the content may have {0} bytes")]
    TooLarge(usize),
    /// More than fits one answer.
    #[error("there is more than one page can hold; ask for it with a smaller pageSize")]
    TooMuch,
    /// The catalogue failed.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The bytes cannot be read now.
    #[error(transparent)]
    Bytes(#[from] documents::Error),
}

impl Error {
    /// What an item of the kind that people call `what` met.
    pub fn of(what: &'static str, error: item::Error) -> Self {
        match error {
            item::Error::NotFound => Self::NotFound(format!("such {what}")),
            item::Error::Gone => Self::Gone(what.to_owned()),
            item::Error::InUse(user) => {
                let key = read_user(&user.key).map_or(user.key.as_str(), |(key, _)| key);
                Self::InUse(what, format!("{} {key}", user.kind.replace('_', " ")))
            }
            item::Error::TooMuch => Self::TooMuch,
            item::Error::Record(error) => error.into(),
        }
    }

    /// One thing that is wrong with what was sent.
    pub fn invalid(path: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::Invalid(Problem { path: path.into(), message: message.to_string() }.into())
    }

    /// One thing that is missing.
    pub fn incomplete(path: impl Into<String>, message: impl std::fmt::Display) -> Self {
        Self::Incomplete(Problem { path: path.into(), message: message.to_string() }.into())
    }
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

impl From<cpu_pool::Error> for Error {
    fn from(error: cpu_pool::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_an_external_id() {
        for (name, expected) in [
            ("Contract Header", "contract_header"),
            ("  contract_gdpr\t", "contract_gdpr"),
            ("CONTRATO--2024 / v1.2", "contrato_2024_v1_2"),
            ("a _ b__c", "a_b_c"),
            ("Año", "a_o"),
            ("(draft)", "_draft_"),
            ("7", "7"),
        ] {
            let id = external_id(name).unwrap();
            assert_eq!(id, expected, "{name}");
            assert!(is_external_id(&id), "{id}: made again it is the same");
        }
    }

    #[test]
    fn what_leaves_nothing_or_too_much_is_no_external_id() {
        for name in ["", "   ", "!!!", "_", "契約", "-/-"] {
            assert_eq!(external_id(name), None, "{name}");
        }
        let longest = "x".repeat(MAX_LABEL);
        assert_eq!(external_id(&longest), Some(longest.clone()));
        assert_eq!(external_id(&format!("{longest}x")), None);
        for other in ["Contract", "a b", "a/b", "a__b", " a", "ñ"] {
            assert!(!is_external_id(other), "{other}");
        }
    }

    #[test]
    fn a_user_is_told_without_its_creation() {
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        struct Thing {}
        impl item::Kind for Thing {
            const COLLECTION: &'static str = "thing";
            const KEY_IS_FREED: bool = true;
        }
        let creation = uuid::Uuid::from_u128(7);
        let user = user::<Thing>("header", creation);
        assert_eq!(read_user(&user.key), Some(("header", creation)));
        let told = Error::of("form", item::Error::InUse(user)).to_string();
        assert_eq!(told, "the form is part of the thing header; delete that first");
    }
}
