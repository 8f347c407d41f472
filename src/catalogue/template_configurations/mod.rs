//! The configuration of an organization's templates: values of the fields whose names start with [`PREFIX`], by language, in numbered versions; and
//! the images that such values can be.
//!
//! One record lists the versions by number, each with the name of the record that has its content, which is written before. So a number is given
//! once, and a crash in between leaves a content that nothing names.

mod images;
mod picture;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use store::{Store, Timestamp};
use uuid::Uuid;
use workflows::values::{Language, Problems};

pub use self::images::{ConfigurationDocument, Images, MAX_IMAGE, Upload, Wanted};
pub use self::picture::ImageExtension;
pub use super::names::Error;

use super::Error as CatalogueError;
use super::item::{Act, Item, Items, Kind};
use super::names;
use crate::records::{self, Records};

/// What people call a version.
const WHAT: &str = "configuration version";

/// Start of the names of the fields that a configuration gives values to.
pub const PREFIX: &str = "CONFIG_TENANT.";

/// Maximum number of versions that are there at once: so many fit into the record that lists them.
pub const MAX_VERSIONS: usize = 1000;

/// An organization has one list of versions.
const KEY: &str = "current";

/// Contents that are read at once.
const AT_ONCE: usize = 16;

/// The versions of an organization's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Versions {
    /// The highest number that was ever given.
    made: u32,
    /// Those that are there, in the order of their numbers.
    versions: Vec<Version>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Version {
    number: u32,
    content: Uuid,
    since: Timestamp,
}

impl Kind for Versions {
    const COLLECTION: &'static str = "template_configuration";
    const KEY_IS_FREED: bool = false;
}

/// The content of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// Language of the values that are taken where one in the language of a fill is missing.
    pub default_language: Language,
    /// Values by field, each name once.
    pub fields: Vec<ConfigurationField>,
    /// Why the version was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changelog: Option<String>,
}

/// The values of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationField {
    /// Name of the field, with [`PREFIX`].
    pub name: String,
    /// What the values are.
    pub kind: ValueKind,
    /// By language, each once.
    pub values: Vec<Localized>,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ValueKind {
    /// Texts.
    Text,
    /// Identifiers of configuration documents. An addition to the contract, whose list of kinds is open.
    Image,
}

impl ValueKind {
    /// As it stands in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Image => "IMAGE",
        }
    }

    fn read(text: &str) -> Result<Self, &'static str> {
        match text {
            "TEXT" => Ok(Self::Text),
            "IMAGE" => Ok(Self::Image),
            _ => Err("expected TEXT or IMAGE"),
        }
    }
}

/// A value in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Localized {
    /// Of the content.
    pub language: Language,
    /// The text, or the identifier of the image.
    pub content: String,
}

impl Kind for Configuration {
    const COLLECTION: &'static str = "template_configuration_content";
    const KEY_IS_FREED: bool = false;
}

/// What a configuration gives to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// The configuration document with this identifier.
    Image(Uuid),
}

impl Configuration {
    /// The value of a field in a language, or else in the default language; `None` where it has neither, and of a field that is not named.
    pub fn value(&self, name: &str, language: Language) -> Option<Value<'_>> {
        self.fields.iter().find(|field| field.name == name)?.value(language, self.default_language)
    }

    /// All fields that have a value in a language, with it, as [`Configuration::value`] finds it.
    pub fn values(&self, language: Language) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.fields.iter().filter_map(move |field| Some((field.name.as_str(), field.value(language, self.default_language)?)))
    }
}

impl ConfigurationField {
    fn value(&self, language: Language, default: Language) -> Option<Value<'_>> {
        let of = |wanted: Language| self.values.iter().find(|value| value.language == wanted);
        let content = &of(language).or_else(|| of(default))?.content;
        match self.kind {
            ValueKind::Text => Some(Value::Text(content)),
            ValueKind::Image => Uuid::parse_str(content).ok().map(Value::Image),
        }
    }
}

/// What a client sends: of the members that make it whole any may be missing.
#[derive(Debug, Default)]
pub struct NewConfiguration {
    /// Why it is made.
    pub changelog: Option<String>,
    /// Language of last resort.
    pub default_language: Option<Language>,
    /// The values.
    pub fields: Option<Vec<NewField>>,
}

/// As [`NewConfiguration`].
#[derive(Debug, Default)]
pub struct NewField {
    /// Name of the field.
    pub name: Option<String>,
    /// Kind of value.
    pub kind: Option<String>,
    /// By language.
    pub values: Option<Vec<NewValue>>,
}

/// As [`NewConfiguration`].
#[derive(Debug, Default)]
pub struct NewValue {
    /// Of the content.
    pub language: Option<Language>,
    /// The value.
    pub content: Option<String>,
}

/// A line of the listing of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Number of the version.
    pub number: u32,
    /// Why it was made.
    pub changelog: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// A page of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summaries {
    /// How many there are on all pages.
    pub total: usize,
    /// Those of this page, newest first.
    pub versions: Vec<Summary>,
}

/// The template configurations of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Configurations {
    versions: Items<Versions>,
    contents: Items<Configuration>,
    images: Images,
}

impl Configurations {
    /// Over a store, with the images that values can be.
    pub fn new(store: Arc<dyn Store>, images: Images) -> Self {
        let records = Records::new(store);
        Self { versions: Items::new(records.clone()), contents: Items::new(records), images }
    }

    /// Stores a new version and answers its number: one more than any before.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::Incomplete`] with everything that is missing, [`Error::Catalogue`].
    pub async fn create(&self, organization: &str, new: NewConfiguration, act: impl Into<Act<'_>>) -> Result<u32, Error> {
        let act = act.into();
        let configuration = self.check(organization, new).await?;
        let content = Uuid::now_v7();
        self.contents.create(organization, &content.to_string(), configuration, "created", act).await?;
        let add = |current: Option<Item<Versions>>| {
            let item = current.unwrap_or_else(|| Item::new(Versions::default()));
            let Versions { made, mut versions } = item.value.clone();
            if versions.len() >= MAX_VERSIONS {
                let message = format!("there are {MAX_VERSIONS} versions, which is the maximum; delete the oldest ones first");
                return Err(Error::invalid("fieldValues", message));
            }
            versions.push(Version { number: made + 1, content, since: act.at });
            Ok(Some(item.with(Versions { made: made + 1, versions })))
        };
        let written = self.versions.change(organization, KEY, "version created", act, add).await?;
        written.map(|item| item.value.made).ok_or_else(|| CatalogueError::from(records::Error::Contended(KEY.into())).into())
    }

    async fn check(&self, organization: &str, new: NewConfiguration) -> Result<Configuration, Error> {
        let (configuration, images) = read(new)?;
        let mut problems = Problems::default();
        for (path, id) in images {
            match self.images.get(organization, id).await {
                Ok(_) => {}
                Err(Error::NotFound(_)) => problems.note(path, "no configuration document has this identifier"),
                Err(error) => return Err(error),
            }
        }
        if problems.is_empty() { Ok(configuration) } else { Err(Error::Invalid(problems)) }
    }

    /// A version by its number.
    ///
    /// # Errors
    /// [`Error::NotFound`], also for one that was deleted; [`Error::Catalogue`].
    pub async fn get(&self, organization: &str, number: u32) -> Result<Configuration, Error> {
        let versions = self.versions(organization).await?;
        let version = versions.iter().find(|version| version.number == number);
        let content = version.ok_or_else(|| Error::NotFound(format!("such {WHAT}")))?.content;
        self.content(organization, content).await
    }

    /// The latest version, which fills apply (note fill-configuration), with its number; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn latest(&self, organization: &str) -> Result<Option<(u32, Configuration)>, Error> {
        let Some((number, content)) = self.head(organization).await? else { return Ok(None) };
        Ok(Some((number, self.content(organization, content).await?)))
    }

    /// The number of the latest version and the name of its content, which never changes; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn head(&self, organization: &str) -> Result<Option<(u32, Uuid)>, Error> {
        Ok(self.versions(organization).await?.last().map(|latest| (latest.number, latest.content)))
    }

    /// The content that [`Configurations::head`] names.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn content(&self, organization: &str, content: Uuid) -> Result<Configuration, Error> {
        let found = self.contents.get(organization, &content.to_string()).await;
        Ok(found.map_err(|error| Error::of(WHAT, error))?.item.value)
    }

    /// A page of the versions, newest first.
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn newest(&self, organization: &str, page: usize, size: usize) -> Result<Summaries, Error> {
        let versions = self.versions(organization).await?;
        let wanted: Vec<&Version> = versions.iter().rev().skip(page.saturating_mul(size)).take(size).collect();
        let mut summaries = Vec::with_capacity(wanted.len());
        for some in wanted.chunks(AT_ONCE) {
            let contents = try_join_all(some.iter().map(|version| self.content(organization, version.content))).await?;
            let summary = |(version, content): (&&Version, Configuration)| Summary {
                number: version.number,
                changelog: content.changelog,
                created_at: version.since,
            };
            summaries.extend(some.iter().zip(contents).map(summary));
        }
        Ok(Summaries { total: versions.len(), versions: summaries })
    }

    /// Deletes a version. The latest one is needed while a template has fields of the configuration, which `is_used` tells (note
    /// configuration-delete-text). Its number is never given again.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Conflict`], [`Error::Catalogue`].
    pub async fn delete(&self, organization: &str, number: u32, act: impl Into<Act<'_>>, is_used: bool) -> Result<(), Error> {
        let act = act.into();
        let remove = |current: Option<Item<Versions>>| {
            let missing = || Error::NotFound(format!("such {WHAT}"));
            let item = current.ok_or_else(missing)?;
            let mut value = item.value.clone();
            let place = value.versions.iter().position(|version| version.number == number).ok_or_else(missing)?;
            if is_used && place + 1 == value.versions.len() {
                let message = format!(
                    "templates have fields {PREFIX}..., and take their values from this version, the latest; make another one first"
                );
                return Err(Error::Conflict(message));
            }
            value.versions.remove(place);
            Ok(Some(item.with(value)))
        };
        self.versions.change(organization, KEY, "version deleted", act, remove).await.map(drop)
    }

    async fn versions(&self, organization: &str) -> Result<Vec<Version>, Error> {
        let found = self.versions.find(organization, KEY).await?;
        Ok(found.map(|found| found.item.value.versions).unwrap_or_default())
    }
}

/// Reads everything that can be judged by itself; the images that it names are told with the paths of their members.
fn read(new: NewConfiguration) -> Result<(Configuration, Vec<(String, Uuid)>), Error> {
    let mut reading = Reading::default();
    if let Some(changelog) = &new.changelog
        && let Err(message) = names::check_changelog(changelog)
    {
        reading.problems.note("changelog", message);
    }
    let default_language = reading.there("defaultLanguage", new.default_language);
    let sent = reading.there("fieldValues", new.fields).unwrap_or_default();
    if sent.is_empty() && !reading.missing.has("fieldValues") {
        reading.problems.note("fieldValues", "expected at least one field");
    }
    let read = sent.into_iter().enumerate().filter_map(|(place, field)| reading.field(&format!("fieldValues[{place}]"), field));
    let fields: Vec<ConfigurationField> = read.collect();
    let Reading { problems, missing, images, .. } = reading;
    if !problems.is_empty() {
        return Err(Error::Invalid(problems));
    }
    match default_language {
        Some(default_language) if missing.is_empty() => {
            Ok((Configuration { default_language, fields, changelog: new.changelog }, images))
        }
        _ => Err(Error::Incomplete(missing)),
    }
}

/// What was found while a body is read.
#[derive(Default)]
struct Reading {
    problems: Problems,
    missing: Problems,
    images: Vec<(String, Uuid)>,
    names: HashSet<String>,
}

impl Reading {
    /// A member, or a note that it is missing.
    fn there<T>(&mut self, path: impl Into<String>, member: Option<T>) -> Option<T> {
        if member.is_none() {
            self.missing.note(path, "the member is missing");
        }
        member
    }

    fn field(&mut self, path: &str, field: NewField) -> Option<ConfigurationField> {
        let name = self.there(format!("{path}.name"), field.name);
        if let Some(name) = &name {
            if let Err(message) = check_name(name) {
                self.problems.note(format!("{path}.name"), message);
            } else if !self.names.insert(name.clone()) {
                self.problems.note(format!("{path}.name"), "another field has this name");
            }
        }
        let kind = self.there(format!("{path}.type"), field.kind);
        let kind = kind.and_then(|kind| self.problems.take(format!("{path}.type"), ValueKind::read(&kind)));
        let sent = self.there(format!("{path}.value"), field.values)?;
        let mut values: Vec<Localized> = Vec::with_capacity(sent.len());
        for (place, value) in sent.into_iter().enumerate() {
            let path = format!("{path}.value[{place}]");
            let language = self.there(format!("{path}.language"), value.language);
            let content = self.there(format!("{path}.content"), value.content);
            let (Some(language), Some(content)) = (language, content) else { continue };
            if values.iter().any(|other| other.language == language) {
                self.problems.note(format!("{path}.language"), "another value has this language");
            }
            if kind == Some(ValueKind::Image) {
                match Uuid::parse_str(&content) {
                    Ok(id) => self.images.push((format!("{path}.content"), id)),
                    Err(_) => {
                        self.problems.note(format!("{path}.content"), "expected the identifier of a configuration document")
                    }
                }
            }
            values.push(Localized { language, content });
        }
        Some(ConfigurationField { name: name?, kind: kind?, values })
    }
}

fn check_name(name: &str) -> Result<(), String> {
    const MAX: usize = ::documents::fields::MAX_NAME_BYTES;
    match name.strip_prefix(PREFIX) {
        Some(rest) if !rest.is_empty() && name.len() <= MAX => Ok(()),
        Some("") => Err(format!("expected a name after {PREFIX}")),
        Some(_) => Err(format!("expected at most {MAX} bytes")),
        None => Err(format!("expected a name that starts with {PREFIX}")),
    }
}
