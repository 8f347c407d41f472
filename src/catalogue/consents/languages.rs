//! Languages of consents: tags, what callers accept, and which language an answer has.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::editions::Edition;

/// Maximum length of a tag, in bytes (RFC 5646 section 4.4.1).
const MAX_TAG: usize = 35;

/// Ranges of an `Accept-Language` that are looked at; whoever sends more has had a choice.
const MAX_RANGES: usize = 32;

/// A language tag as RFC 5646 has it, with an ISO 639 language: `es`, `pt-BR`. Kept in the case that its section 2.1.1 recommends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LanguageTag(String);

/// For a text that is no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a language tag such as es or pt-BR")]
pub struct NoTag;

impl LanguageTag {
    /// The tag that a text is, in any case.
    ///
    /// # Errors
    /// [`NoTag`].
    pub fn new(text: &str) -> Result<Self, NoTag> {
        if text.len() > MAX_TAG {
            return Err(NoTag);
        }
        let mut subtags = text.split('-');
        let language = subtags.next().unwrap_or_default();
        if !matches!(language.len(), 2 | 3) || !language.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(NoTag);
        }
        let mut tag = language.to_ascii_lowercase();
        let mut is_after_singleton = false;
        for subtag in subtags {
            if !(1..=8).contains(&subtag.len()) || !subtag.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(NoTag);
            }
            tag.push('-');
            match subtag.len() {
                2 if !is_after_singleton => tag.push_str(&subtag.to_ascii_uppercase()),
                4 if !is_after_singleton && subtag.as_bytes()[0].is_ascii_alphabetic() => {
                    tag.push_str(&subtag[..1].to_ascii_uppercase());
                    tag.push_str(&subtag[1..].to_ascii_lowercase());
                }
                _ => tag.push_str(&subtag.to_ascii_lowercase()),
            }
            is_after_singleton |= subtag.len() == 1;
        }
        // A singleton says what follows it.
        let ends_open = tag.rsplit('-').next().is_some_and(|last| last.len() == 1);
        if ends_open { Err(NoTag) } else { Ok(Self(tag)) }
    }

    /// The tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its language part: `pt` of `pt-BR`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    fn has_region(&self) -> bool {
        let before_extensions = self.0.split('-').skip(1).take_while(|subtag| subtag.len() > 1);
        let is_region = |subtag: &str| match subtag.len() {
            2 => true,
            3 => subtag.bytes().all(|byte| byte.is_ascii_digit()),
            _ => false,
        };
        before_extensions.into_iter().any(is_region)
    }

    /// As answers name it (note locale-separator): with underscores, and with the region `default_region` where it has none: `es_ES`.
    pub fn locale(&self, default_region: &str) -> String {
        let locale = self.0.replace('-', "_");
        if self.has_region() { locale } else { format!("{locale}_{default_region}") }
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = NoTag;

    fn try_from(text: String) -> Result<Self, NoTag> {
        Self::new(&text)
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0
    }
}

/// What a caller reads, by preference: the header `Accept-Language` (RFC 9110 section 12.5.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// The most wanted first.
    wanted: Vec<Range>,
    /// Those of weight 0.
    refused: Vec<LanguageTag>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Range {
    Any,
    Tag(LanguageTag),
}

impl Accepted {
    /// Reads the header; several of them are one with a comma between them. What is malformed in it counts for nothing: a language is never an
    /// error.
    pub fn of(header: &str) -> Self {
        let mut weighed: Vec<(u16, Range)> = header.split(',').take(MAX_RANGES).filter_map(range).collect();
        // Stable: of equal weights the first comes first.
        weighed.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        let mut accepted = Self::default();
        for (weight, range) in weighed {
            match range {
                Range::Tag(tag) if weight == 0 => accepted.refused.push(tag),
                Range::Any if weight == 0 => {}
                range => accepted.wanted.push(range),
            }
        }
        accepted
    }

    /// What is wanted most, as far as the caller says: for evidence.
    pub fn first(&self) -> Option<&LanguageTag> {
        self.wanted.iter().find_map(|range| if let Range::Tag(tag) = range { Some(tag) } else { None })
    }

    /// One language for the whole answer that shows the consents at these places of an edition: the one wanted most that the tree allows and in
    /// which each of them has a text; by its exact tag or else by its language part. Where there is none, the tree's default language (note
    /// one-locale).
    pub fn choose<'e>(&self, edition: &'e Edition, shown: &[usize]) -> &'e LanguageTag {
        let default = &edition.tree.default_language;
        for range in &self.wanted {
            let wanted = match range {
                Range::Any => return default,
                Range::Tag(tag) => tag,
            };
            let good = |tag: &&LanguageTag| !self.refused.contains(tag) && edition.speaks(tag, shown);
            let allowed = || edition.tree.allowed_languages.iter();
            let exact = allowed().filter(|tag| *tag == wanted).find(good);
            let found = exact.or_else(|| allowed().filter(|tag| tag.language() == wanted.language()).find(good));
            if let Some(found) = found {
                return found;
            }
        }
        default
    }
}

/// A range with its weight in thousandths.
fn range(element: &str) -> Option<(u16, Range)> {
    let mut parts = element.split(';').map(str::trim);
    let range = match parts.next()? {
        "*" => Range::Any,
        tag => Range::Tag(LanguageTag::new(tag).ok()?),
    };
    let weight = match parts.next() {
        None => 1000,
        Some(parameter) => {
            let (name, value) = parameter.split_once('=')?;
            if !name.trim().eq_ignore_ascii_case("q") {
                return None;
            }
            weight(value.trim())?
        }
    };
    Some((weight, range))
}

/// `0` to `1` with up to three digits after the point (RFC 9110 section 12.4.2), in thousandths.
fn weight(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}
