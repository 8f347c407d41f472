//! Ids of consents: what callers write in many ways and the server keeps in one.

use std::borrow::Borrow;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Maximum length of an id, in characters: as it is sent, and as it is kept (contract `ConsentId`, note id-accents).
pub const MAX_ID: usize = 200;

/// The id of a consent in its one form: letters from A to Z, digits and underscores (notes id-case, id-underscore, id-accents).
///
/// Made of any text by compatibility decomposition (Unicode NFKD), leaving out the marks, then upper case, then leaving out whatever else is no
/// letter from A to Z, digit or underscore: `Página-1` is `PAGINA1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConsentId(String);

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Nothing of it is left.
    #[error("expected an id with a letter from A to Z, a digit or an underscore")]
    Empty,
    /// It is longer than [`MAX_ID`].
    #[error("expected at most {MAX_ID} characters")]
    TooLong,
}

impl ConsentId {
    /// The id that a text stands for.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn new(text: &str) -> Result<Self, Malformed> {
        // Counted before any work: the text comes from outside.
        if text.chars().nth(MAX_ID).is_some() {
            return Err(Malformed::TooLong);
        }
        let upper = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_uppercase);
        let id: String = upper.filter(|c| matches!(c, 'A'..='Z' | '0'..='9' | '_')).collect();
        match id.len() {
            0 => Err(Malformed::Empty),
            1..=MAX_ID => Ok(Self(id)),
            // One character may stand for several.
            _ => Err(Malformed::TooLong),
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConsentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ConsentId {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        Self::new(&text)
    }
}

impl From<ConsentId> for String {
    fn from(id: ConsentId) -> Self {
        id.0
    }
}

impl Borrow<str> for ConsentId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn many_writings_are_one_id() {
        for (text, id) in [
            ("C01", "C01"),
            ("c01", "C01"),
            (" data processing ", "DATAPROCESSING"),
            ("data_processing", "DATA_PROCESSING"),
            ("Página-1", "PAGINA1"),
            ("Pa\u{301}gina.1", "PAGINA1"),
            ("ﬁn-Ⅳ", "FINIV"),
            ("Straße", "STRASSE"),
            ("Ｃ０１", "C01"),
            ("_", "_"),
            ("契約 7", "7"),
        ] {
            assert_eq!(ConsentId::new(text).map(String::from), Ok(id.to_owned()), "{text}");
        }
    }

    #[test]
    fn an_id_of_which_nothing_is_left_is_none() {
        for text in ["", " ", "-", "契約", "\u{301}", "\0"] {
            assert_eq!(ConsentId::new(text), Err(Malformed::Empty), "{text:?}");
        }
    }

    #[test]
    fn the_limit_counts_the_characters_that_were_sent() {
        let with = |c: char, count: usize| ConsentId::new(&std::iter::repeat_n(c, count).collect::<String>());
        assert!(with('a', MAX_ID).is_ok() && with('á', MAX_ID).is_ok());
        for too_long in [with('a', MAX_ID + 1), with('-', MAX_ID + 1), with('á', MAX_ID + 1)] {
            assert_eq!(too_long, Err(Malformed::TooLong));
        }
        assert_eq!(ConsentId::new(&format!("A{}", "-".repeat(MAX_ID))), Err(Malformed::TooLong), "the dashes count");
        assert_eq!(with('㎯', MAX_ID), Err(Malformed::TooLong), "what is kept is not longer either");
    }

    #[test]
    fn reading_one_from_json_normalises_it() {
        assert_eq!(serde_json::from_str::<ConsentId>("\"c-01\"").unwrap().as_str(), "C01");
        assert!(serde_json::from_str::<ConsentId>("\"-\"").is_err());
        assert_eq!(serde_json::to_string(&ConsentId::new("c01").unwrap()).unwrap(), "\"C01\"");
    }

    proptest! {
        #[test]
        fn normalising_twice_is_once(text in "\\PC{0,210}") {
            if let Ok(id) = ConsentId::new(&text) {
                prop_assert!(id.as_str().bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')));
                prop_assert_eq!(ConsentId::new(id.as_str()), Ok(id.clone()));
                prop_assert_eq!(ConsentId::new(&text.to_lowercase()).ok().filter(|_| text.is_ascii()), Some(id).filter(|_| text.is_ascii()));
            }
        }
    }
}
