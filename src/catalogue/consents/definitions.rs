//! Definitions of consents: what is asked for, in which words.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use workflows::consents::ConsentType;
use workflows::values::{CalendarDuration, Problems};

use super::ids::ConsentId;
use super::languages::LanguageTag;
use super::{Author, check_note, text, there};

/// Maximum number of languages of a definition, and of a tree.
pub const MAX_LANGUAGES: usize = 32;

/// Maximum length of a full text and of a description, in bytes.
pub const MAX_TEXT: usize = 16 * 1024;

/// Maximum length of a short text, in bytes.
pub const MAX_SHORT_TEXT: usize = 2 * 1024;

/// Maximum size of a definition or a tree in the store, in bytes of JSON: a record takes a little more.
pub(super) const MAX_STORED: usize = store::MAX_BODY - 16 * 1024;

/// One version of a definition. When it was written, its record says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// Never changes.
    pub id: ConsentId,
    /// Never changes.
    pub choice_type: ConsentType,
    /// How long an acceptance holds, an ISO 8601 duration as it was sent; `None`: for ever. Only of an OPT_IN. Never changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<String>,
    /// The texts, each language once, in the order in which they were first sent; at least one.
    pub details: Vec<Details>,
    /// Id of the version.
    pub version: Uuid,
    /// Subject of the token of who wrote the version.
    pub subject: String,
    /// Audience of that token.
    pub audience: String,
    /// Why, in the words of who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_log: Option<String>,
}

/// The texts of a consent in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    /// Of all three.
    pub language: LanguageTag,
    /// The full text.
    pub text: String,
    /// What explains it; may be empty.
    pub description: String,
    /// The short text.
    pub short_text: String,
}

impl Definition {
    /// The texts in a language.
    pub fn details_in(&self, language: &LanguageTag) -> Option<&Details> {
        self.details.iter().find(|details| details.language == *language)
    }

    /// Its languages, in the order of its texts.
    pub fn languages(&self) -> impl Iterator<Item = &LanguageTag> {
        self.details.iter().map(|details| &details.language)
    }

    /// Bytes that it takes, about.
    pub(super) fn weight(&self) -> usize {
        let texts = |details: &Details| 64 + details.text.len() + details.description.len() + details.short_text.len();
        512 + self.details.iter().map(texts).sum::<usize>()
    }

    /// The next version, with these texts added, or in place of those of their languages.
    ///
    /// # Errors
    /// What is wrong with what it becomes.
    pub(super) fn with(mut self, texts: &Texts, author: Author<'_>) -> Result<Self, Problems> {
        for new in &texts.details {
            match self.details.iter_mut().find(|own| own.language == new.language) {
                Some(own) => *own = new.clone(),
                None => self.details.push(new.clone()),
            }
        }
        let mut problems = Problems::default();
        self.check_size(&mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        self.change_log = texts.change_log.clone();
        Ok(self.by(author))
    }

    fn by(self, author: Author<'_>) -> Self {
        let Author { subject, audience } = author;
        Self { version: Uuid::new_v4(), subject: subject.into(), audience: audience.into(), ..self }
    }

    fn check_size(&self, problems: &mut Problems) {
        if self.details.len() > MAX_LANGUAGES {
            problems.note("consent", format!("a consent may have texts in {MAX_LANGUAGES} languages"));
        }
        if serde_json::to_vec(self).map_or(usize::MAX, |json| json.len()) > MAX_STORED {
            problems.note("consent", format!("the texts of all languages of a consent may have {} KiB", MAX_STORED / 1024));
        }
    }
}

/// A definition as it is sent: any member may be missing.
#[derive(Clone, Debug, Default)]
pub struct NewDefinition {
    /// In any writing.
    pub id: Option<String>,
    /// Name of the type.
    pub choice_type: Option<String>,
    /// When an acceptance lapses.
    pub expiration: Option<NewExpiration>,
    /// The texts.
    pub details: Option<Vec<NewDetails>>,
}

/// As [`NewDefinition`].
#[derive(Clone, Debug, Default)]
pub struct NewExpiration {
    /// An ISO 8601 duration.
    pub duration: Option<String>,
}

/// As [`NewDefinition`].
#[derive(Clone, Debug, Default)]
pub struct NewDetails {
    /// A language tag.
    pub language: Option<String>,
    /// Full text.
    pub text: Option<String>,
    /// Explanation.
    pub description: Option<String>,
    /// Short text.
    pub short_text: Option<String>,
}

/// A change of a definition as it is sent.
#[derive(Clone, Debug, Default)]
pub struct NewTexts {
    /// Texts to add or replace.
    pub details: Option<Vec<NewDetails>>,
    /// Why.
    pub change_log: Option<String>,
}

/// A change of a definition.
#[derive(Clone, Debug)]
pub(super) struct Texts {
    details: Vec<Details>,
    change_log: Option<String>,
}

impl NewDefinition {
    /// The first version.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub(super) fn read(self, author: Author<'_>) -> Result<Definition, Problems> {
        let mut problems = Problems::default();
        let id = there("id", self.id, &mut problems).and_then(|id| problems.take("id", ConsentId::new(&id)));
        let choice_type =
            there("type", self.choice_type, &mut problems).and_then(|name| problems.take("type", type_named(&name)));
        let mut expiration = None;
        if let Some(policy) = self.expiration {
            const PATH: &str = "expiration_policy.duration";
            let duration = there(PATH, policy.duration, &mut problems);
            expiration = duration.filter(|text| problems.take(PATH, CalendarDuration::parse(text)).is_some());
            if choice_type.is_some_and(|choice_type| choice_type != ConsentType::OptIn) {
                problems.note("expiration_policy", "only a consent of the type OPT_IN can expire; leave the policy out");
            }
        }
        let details = read_details(self.details, &mut problems);
        let (Some(id), Some(choice_type)) = (id, choice_type) else { return Err(problems) };
        let (version, change_log) = (Uuid::nil(), None);
        let new = Definition {
            id,
            choice_type,
            expiration,
            details,
            version,
            subject: String::new(),
            audience: String::new(),
            change_log,
        };
        let new = new.by(author);
        new.check_size(&mut problems);
        if problems.is_empty() { Ok(new) } else { Err(problems) }
    }
}

impl NewTexts {
    /// # Errors
    /// Everything that is wrong.
    pub(super) fn read(self) -> Result<Texts, Problems> {
        let mut problems = Problems::default();
        let details = read_details(self.details, &mut problems);
        check_note("changes_description", self.change_log.as_deref(), &mut problems);
        if problems.is_empty() { Ok(Texts { details, change_log: self.change_log }) } else { Err(problems) }
    }
}

/// The type of this name.
///
/// # Errors
/// Which names there are.
pub fn type_named(name: &str) -> Result<ConsentType, &'static str> {
    match name {
        "OPT_IN" => Ok(ConsentType::OptIn),
        "OPT_OUT_NEGATIVE" => Ok(ConsentType::OptOutNegative),
        "OPT_OUT_POSITIVE" => Ok(ConsentType::OptOutPositive),
        _ => Err("expected OPT_IN, OPT_OUT_NEGATIVE or OPT_OUT_POSITIVE"),
    }
}

/// The texts, at least one, no language twice (note definition-edges).
fn read_details(sent: Option<Vec<NewDetails>>, problems: &mut Problems) -> Vec<Details> {
    let Some(sent) = there("consent", sent, problems) else { return Vec::new() };
    if sent.is_empty() {
        problems.note("consent", "expected the texts of at least one language");
    }
    if sent.len() > MAX_LANGUAGES {
        problems.note("consent", format!("a consent may have texts in {MAX_LANGUAGES} languages"));
        return Vec::new();
    }
    let mut details: Vec<Details> = Vec::with_capacity(sent.len());
    for (place, new) in sent.into_iter().enumerate() {
        let path = |member: &str| format!("consent[{place}].{member}");
        let language = there(path("language"), new.language, problems);
        let language = language.and_then(|tag| problems.take(path("language"), LanguageTag::new(&tag)));
        if language.as_ref().is_some_and(|language| details.iter().any(|other| other.language == *language)) {
            problems.note(path("language"), "another entry has this language");
        }
        let mut read = |member: &str, sent: Option<String>, max: usize| {
            let sent = there(path(member), sent, problems)?;
            problems.take(path(member), text(sent, max))
        };
        let full = read("text", new.text, MAX_TEXT);
        let description = read("description", new.description, MAX_TEXT);
        let short = read("short_text", new.short_text, MAX_SHORT_TEXT);
        if let (Some(language), Some(text), Some(description), Some(short_text)) = (language, full, description, short) {
            details.push(Details { language, text, description, short_text });
        }
    }
    details
}
