//! What a version of a dynamic template is made of, as it is sent and as it is kept, and everything that can be judged of it at a glance.

use std::collections::HashSet;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::blobs::Digest;
use uuid::Uuid;
use workflows::values::{Language, MAX_LABEL, MAX_TAGS, Problems};

use super::seen::Seen;
use crate::catalogue::contents::Content;
use crate::catalogue::names;

/// Maximum size of a template, and of an editor configuration, in bytes.
pub const MAX_FILE: usize = 4 * 1024 * 1024;

/// Maximum number of sources of a version: each language once.
pub const MAX_SOURCES: usize = 7;

/// Maximum length of a description, in characters.
pub const MAX_DESCRIPTION: usize = 1000;

/// Maximum length of the version of a template engine, in characters.
const MAX_ENGINE_VERSION: usize = 50;

/// What a source takes in an answer beyond its record: two addresses.
const SOURCE_WEIGHT: usize = 1024;

/// One language of a new version, as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct NewSource {
    pub language: Language,
    /// Handlebars in HTML.
    pub template: Bytes,
    /// What the template editor needs, in JSON.
    pub editor_config: Bytes,
    /// The JSON Schema of the data.
    pub structure: Value,
    /// Version of the template engine, which chooses the engine here.
    pub engine_version: String,
}

/// What a version is to be made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pub description: String,
    /// One of the languages of the sources.
    pub default_language: Language,
    /// Free labels, kept as they are sent.
    pub tags: Vec<String>,
    /// One for each language; the structures of all are equal (note structure-per-source).
    pub sources: Vec<NewSource>,
    /// What a new major version was made from, for who must not pass over what others made meanwhile.
    pub seen: Option<Seen>,
}

/// What a minor version changes. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edit {
    pub description: Option<String>,
    /// The one that the version has: another one breaks what callers rely on (note minor-breaking).
    pub default_language: Option<Language>,
    pub sources: Vec<SourceEdit>,
    /// See [`Definition::seen`].
    pub seen: Option<Seen>,
}

/// What becomes of one language.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceEdit {
    /// It is added, or has this content from now on.
    Content(NewSource),
    /// It is to go, which breaks what callers rely on; of a language that is not there it is a source without its file (note minor-breaking).
    Removal(Language),
}

/// A version as its record keeps it. It is never written again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Names the record; no other version, of whatever template, ever has it.
    pub id: Uuid,
    /// Of the template.
    pub external_id: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// See [`Definition::description`].
    pub description: String,
    /// See [`Definition::default_language`].
    pub default_language: Language,
    /// See [`Definition::tags`].
    pub tags: Vec<String>,
    /// Each language once.
    pub sources: Vec<Source>,
    /// Names the record of the JSON Schema: the SHA-256 of its text.
    pub structure: Digest,
    /// Size of that text in bytes.
    pub structure_size: u64,
}

/// One language of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub language: Language,
    /// Address of the template's bytes: their SHA-256.
    pub template: Digest,
    /// Size in bytes.
    pub template_size: u64,
    /// Address of the bytes of the editor's configuration.
    pub editor_config: Digest,
    /// Size in bytes.
    pub editor_config_size: u64,
    /// See [`NewSource::engine_version`].
    pub engine_version: String,
}

impl Content for Version {
    const COLLECTION: &'static str = "dynamic_template_version";

    fn id(&self) -> Uuid {
        self.id
    }
}

impl Source {
    /// Of what was sent, with the addresses of its files.
    pub(super) fn of(new: &NewSource, template: Digest, editor_config: Digest) -> Self {
        Self {
            language: new.language,
            template,
            template_size: new.template.len() as u64,
            editor_config,
            editor_config_size: new.editor_config.len() as u64,
            engine_version: new.engine_version.clone(),
        }
    }
}

impl Version {
    /// The source in a language; there is no other one in its place (note fill-language).
    pub fn source(&self, language: Language) -> Option<&Source> {
        self.sources.iter().find(|source| source.language == language)
    }

    /// The languages of its sources.
    pub fn languages(&self) -> Vec<Language> {
        self.sources.iter().map(|source| source.language).collect()
    }

    /// The addresses of all its bytes, each once.
    pub fn digests(&self) -> HashSet<Digest> {
        self.sources.iter().flat_map(|source| [source.template, source.editor_config]).collect()
    }

    /// Bytes of JSON that an answer takes which tells all of it.
    pub(super) fn told_size(&self) -> usize {
        self.weight() + self.structure_size as usize + self.sources.len() * SOURCE_WEIGHT
    }
}

/// Whether a dynamic template can have an external id: lower-case letters, digits and underscores, up to [`MAX_LABEL`] of them.
pub fn is_external_id(text: &str) -> bool {
    let is_good = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    (1..=MAX_LABEL).contains(&text.len()) && text.bytes().all(is_good)
}

impl Definition {
    /// Everything that can be judged without looking into files and schemas.
    pub(super) fn check(&self, problems: &mut Problems) {
        check_description(&self.description, problems);
        check_tags(&self.tags, problems);
        match self.sources.len() {
            0 => problems.note("sources", "expected at least one source"),
            1..=MAX_SOURCES => {}
            _ => problems.note("sources", format!("expected at most {MAX_SOURCES} sources, one for each language")),
        }
        let sources = self.sources.iter().take(MAX_SOURCES);
        check_languages(sources.clone().map(|source| source.language), problems);
        if !self.sources.iter().any(|source| source.language == self.default_language) {
            problems.note("default_language", "expected the language of one of the sources");
        }
        check_sources(sources.enumerate(), problems);
    }

    /// The version that it makes; with sources, as it was checked.
    pub(super) fn version(&self, id: Uuid, external_id: &str, sources: Vec<Source>, created_at: DateTime<Utc>) -> Version {
        let structure = self.sources.first().map_or(Value::Null, |source| source.structure.clone()).to_string();
        Version {
            id,
            external_id: external_id.to_owned(),
            created_at,
            description: self.description.clone(),
            default_language: self.default_language,
            tags: self.tags.clone(),
            sources,
            structure: Digest::of(structure.as_bytes()),
            structure_size: structure.len() as u64,
        }
    }
}

impl Edit {
    /// As [`Definition::check`].
    pub(super) fn check(&self, problems: &mut Problems) {
        if let Some(description) = &self.description {
            check_description(description, problems);
        }
        if self.sources.len() > MAX_SOURCES {
            problems.note("sources", format!("expected at most {MAX_SOURCES} sources, one for each language"));
        }
        let sources = self.sources.iter().take(MAX_SOURCES);
        check_languages(sources.clone().map(SourceEdit::language), problems);
        check_sources(sources.enumerate().filter_map(|(place, source)| Some((place, source.content()?))), problems);
    }

    /// What callers rely on and would lose. `None` where nothing is lost.
    pub(super) fn breaks(&self, before: &Version) -> Option<String> {
        let mut changes = Vec::new();
        if self.default_language.is_some_and(|language| language != before.default_language) {
            changes.push("it has another default language".to_owned());
        }
        for (place, source) in self.sources.iter().enumerate() {
            if matches!(source, SourceEdit::Removal(_)) {
                changes.push(format!("sources[{place}] names no file, which takes the language away"));
            }
        }
        (!changes.is_empty()).then(|| changes.join(", "))
    }
}

impl SourceEdit {
    fn language(&self) -> Language {
        match self {
            Self::Content(source) => source.language,
            Self::Removal(language) => *language,
        }
    }

    pub(super) fn content(&self) -> Option<&NewSource> {
        match self {
            Self::Content(source) => Some(source),
            Self::Removal(_) => None,
        }
    }
}

fn check_description(description: &str, problems: &mut Problems) {
    let length = description.chars().count();
    if length > MAX_DESCRIPTION {
        problems.note("description", format!("expected at most {MAX_DESCRIPTION} characters"));
    } else if description.trim().is_empty() {
        problems.note("description", "expected a text");
    }
}

/// Contract `DynamicTemplateTags`: kept as they are sent.
fn check_tags(tags: &[String], problems: &mut Problems) {
    if tags.len() > MAX_TAGS {
        problems.note("tags", format!("expected at most {MAX_TAGS} tags"));
    }
    let mut seen = HashSet::new();
    for (place, tag) in tags.iter().take(MAX_TAGS).enumerate() {
        if !seen.insert(tag) {
            problems.note(format!("tags[{place}]"), "the same tag comes twice");
        }
        if tag.trim().is_empty() || tag.len() > MAX_LABEL || tag.chars().any(char::is_control) {
            problems.note(format!("tags[{place}]"), format!("expected a text of up to {MAX_LABEL} bytes on one line"));
        }
    }
}

fn check_languages(languages: impl Iterator<Item = Language>, problems: &mut Problems) {
    let mut seen = HashSet::new();
    for (place, language) in languages.enumerate() {
        if !seen.insert(language) {
            problems.note(format!("sources[{place}].language"), "another source has the same language");
        }
    }
}

fn check_sources<'a>(sources: impl Iterator<Item = (usize, &'a NewSource)>, problems: &mut Problems) {
    let mut first: Option<&Value> = None;
    for (place, source) in sources {
        let version = &source.engine_version;
        let length = version.chars().count();
        if version.trim().is_empty() || length > MAX_ENGINE_VERSION || version.chars().any(char::is_control) {
            let message = format!("expected a text of up to {MAX_ENGINE_VERSION} characters, such as 3.12");
            problems.note(format!("sources[{place}].engine_version"), message);
        }
        for (member, file) in [("template_part_name", &source.template), ("editor_config_part_name", &source.editor_config)] {
            if file.len() > MAX_FILE {
                problems.note(format!("sources[{place}].{member}"), format!("the file may have {MAX_FILE} bytes"));
            }
        }
        // Note structure-per-source.
        if **first.get_or_insert(&source.structure) != source.structure {
            problems.note(
                format!("sources[{place}].structure"),
                "expected the structure of the first source; all languages of a version have the same data",
            );
        }
    }
}

pub(super) fn check_changelog(reason: Option<&str>, problems: &mut Problems) {
    problems.take("changelog", reason.map_or(Ok(()), names::check_changelog));
}
