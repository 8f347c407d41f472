//! Names, tags and owners of documents, in the form in which they are kept and compared.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Length of a name, tag or owner, in bytes of UTF-8.
pub const MAX_LABEL: usize = 255;

/// Tags of a document (contract `UppercaseTags`).
pub const MAX_TAGS: usize = 5;

/// Labels that clients send by mistake (UppercaseTags), in the form in which they are compared.
const RESERVED: [&str; 3] = ["NULL", "UNDEFINED", "NAN"];

/// An owner in normalised form: trimmed and in lower case (x-notes owner-normalisation).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// Normalises an owner.
    ///
    /// # Errors
    /// A text for the caller when it is blank, too long or holds control characters.
    pub fn new(text: &str) -> Result<Self, String> {
        let normalised = text.trim().to_lowercase();
        if normalised.is_empty() {
            return Err("the owner may not be blank".into());
        }
        check_text(&normalised)?;
        Ok(Self(normalised))
    }

    /// The normalised form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks a document's name against `^\S+$` (contract `DocumentName`).
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn check_document_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the name may not be empty".into());
    }
    if name.chars().any(is_space) {
        return Err("the name may not hold white space".into());
    }
    check_text(name)
}

/// Tags without white space and in upper case (contract `UppercaseTags`); uniqueness and number are judged afterwards.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn normalised_tags(tags: &[String]) -> Result<Vec<String>, String> {
    tags_in(tags, str::to_uppercase)
}

/// As [`normalised_tags`], in lower case (contract `LowercaseTags`, note tags-case).
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn lowercase_tags(tags: &[String]) -> Result<Vec<String>, String> {
    tags_in(tags, str::to_lowercase)
}

fn tags_in(tags: &[String], case: fn(&str) -> String) -> Result<Vec<String>, String> {
    let mut normalised = Vec::new();
    for tag in tags {
        let tag = case(&tag.chars().filter(|c| !is_space(*c)).collect::<String>());
        if tag.is_empty() {
            return Err("a tag may not be empty or blank".into());
        }
        if RESERVED.contains(&tag.to_uppercase().as_str()) {
            return Err(format!("{tag} is a reserved word"));
        }
        check_text(&tag)?;
        if normalised.contains(&tag) {
            return Err(format!("{tag} comes more than once"));
        }
        if normalised.len() == MAX_TAGS {
            return Err(format!("at most {MAX_TAGS} tags are allowed"));
        }
        normalised.push(tag);
    }
    Ok(normalised)
}

/// White space as `\s` in the pattern of the contract (ECMA-262), which counts the byte order mark too.
fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

fn check_text(text: &str) -> Result<(), String> {
    if text.len() > MAX_LABEL {
        return Err(format!("at most {MAX_LABEL} bytes are allowed"));
    }
    if text.chars().any(char::is_control) {
        return Err("control characters are not allowed".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[&str]) -> Result<Vec<String>, String> {
        normalised_tags(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn tags_lose_their_white_space_and_become_upper_case() {
        assert_eq!(tags(&[" my tag\t", "año"]).unwrap(), ["MYTAG", "AÑO"]);
        assert_eq!(tags(&[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn tags_of_contracts_become_lower_case() {
        assert_eq!(lowercase_tags(&[" My Tag\t".to_owned(), "AÑO".to_owned()]).unwrap(), ["mytag", "año"]);
    }

    #[test]
    fn empty_and_reserved_tags_are_refused() {
        for tag in ["", " \u{a0}", "null", "Undefined", "n a n"] {
            assert!(tags(&[tag]).is_err() && lowercase_tags(&[tag.to_owned()]).is_err(), "{tag:?}");
        }
    }

    #[test]
    fn uniqueness_and_number_of_tags_are_judged_after_normalisation() {
        assert!(tags(&["a b", "AB"]).is_err());
        assert_eq!(tags(&["a", "b", "c", "d", "e"]).unwrap().len(), 5);
        assert!(tags(&["a", "b", "c", "d", "e", "f"]).is_err());
    }

    #[test]
    fn names_have_no_white_space_and_are_bounded() {
        for name in ["contract", "año-2026.pdf", "a/b"] {
            assert!(check_document_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a\u{a0}b", "a\u{feff}", "tab\t", "nul\0"] {
            assert!(check_document_name(name).is_err(), "{name:?}");
        }
        assert!(check_document_name(&"x".repeat(255)).is_ok());
        assert!(check_document_name(&"x".repeat(256)).is_err());
    }

    #[test]
    fn owners_are_trimmed_and_lower_case() {
        assert_eq!(Owner::new(" Ana.GARCÍA@Example.com ").unwrap().as_str(), "ana.garcía@example.com");
        for owner in ["", "   ", "a\nb"] {
            assert!(Owner::new(owner).is_err(), "{owner:?}");
        }
    }
}
