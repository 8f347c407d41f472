//! The console of staff: view models in, HTML out. Its words are in all languages of the pages; what people and programs wrote (names,
//! reasons, words of providers) is shown as it is, as text.

mod certificates;
mod consents;
mod deliveries;
mod documents;
mod dynamic;
mod effects;
mod entry;
mod facts;
mod identifications;
mod log;
mod messages;
mod metrics;
mod overview;
mod process;
mod processes;
mod quarantine;
mod server;
mod settings;
mod settings_parts;
mod signing;
mod templates;
mod verification;

use std::borrow::Cow;

use crate::{assets, texts::Language};

pub use certificates::{Certificate, Certificates, Ending};
pub use consents::{
    Consent, ConsentChoice, ConsentChoiceRow, ConsentCustomer, ConsentCustomers, ConsentDisplay, ConsentEvent,
    ConsentEventChoice, ConsentExport, ConsentStatement, ConsentTexts, ConsentTree, ConsentTreeVersion, ConsentTrees,
    ConsentVersion, Consents, ConsentsPart, ListedConsent,
};
pub use deliveries::{Deliveries, Delivery, DeliveryChip, Outcome, Rate};
pub use documents::{Documents, Kept, ListedDocument, RecordVersion, Remove, StoredDocument};
pub use dynamic::{DiffRow, Difference, EditConflict, EditLanguage, TemplateCompare, TemplateEdit};
pub use effects::{Effect, Effects, Question, Trouble, TroubleChip};
pub use entry::{Development, Organizations, Problem, SignIn};
pub use facts::Facts;
pub use identifications::{
    Attempt, Brief, Check, Detail, DetailValue, Identification, Identifications, Identified, IdentifiedChip, KindChip,
    ListedIdentification, Related,
};
pub use log::{Done, StaffLog};
pub use messages::{MessageLanguage, MessageText, Messages};
pub use metrics::{Bar, Graph, Metrics, SpanChip, Stretch};
pub use overview::{Attention, Chart, Column, Count, Overview, Stack};
pub use process::{Act, Cancel, Document, Entry, Fact, Journal, Lane, Part, Process, Row, Segment, Signer, Stage, Tone};
pub use processes::{Chip, Found, Listed, Processes, State};
pub use quarantine::{Aside, Quarantine};
pub use server::ServerPart;
pub use settings::{Offer, Sample, Settings};
pub use settings_parts::SettingsPart;
pub use signing::{ChannelPick, FileCertificate, Finding, Gravity, KeyFile, Signing};
pub use templates::{
    FieldRow, ListedTemplate, Made, PreviewForm, StoredTemplate, TemplateChange, TemplateKind, TemplateVersion, Templates,
};
pub use verification::{Verification, Verified, VerifiedRoot, VerifiedSignature, VerifiedStamp};

/// What all pages share.
#[derive(Clone, Debug)]
pub struct Frame {
    pub language: Language,
    /// The path below which browsers reach the server: empty, or with a slash in front and none behind.
    pub root: String,
    /// Who is signed in; nobody on the page to do so.
    pub person: Option<Person>,
    /// What holds for the whole server and changes what is seen.
    pub banners: Vec<Phrase>,
}

/// Who looks at a page, and where.
#[derive(Clone, Debug)]
pub struct Person {
    pub name: String,
    /// As roles are named in tokens.
    pub roles: Vec<&'static str>,
    /// Ties forms to the session.
    pub csrf: String,
    /// When the session ends in any case.
    pub until: Moment,
    /// Whose processes are shown; none where one is still to be chosen.
    pub organization: Option<Organization>,
    /// Whether there is more than one to choose from.
    pub may_choose: bool,
    /// Which part of the console this is, for the navigation.
    pub part: Option<NavPart>,
}

/// Parts of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NavPart {
    Overview,
    Processes,
    Effects,
    Deliveries,
    Certificates,
    Settings,
    Server,
    Identifications,
    Documents,
    Templates,
    Consents,
    Verification,
}

/// An organization, as people know it and where its pages are.
#[derive(Clone, Debug)]
pub struct Organization {
    pub name: String,
    /// `{root}/console/orgs/{id}`, escaped.
    pub path: String,
}

impl Organization {
    /// Where the agents' desk is.
    pub fn desk(&self) -> String {
        self.path.replacen("/console/orgs/", "/desk/orgs/", 1)
    }
}

/// Words with values in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    key: &'static str,
    values: Vec<(&'static str, Value)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// As it is.
    Text(String),
    /// By its key.
    Word(&'static str),
}

impl Phrase {
    /// The words of a key.
    pub fn new(key: &'static str) -> Self {
        debug_assert!(Language::English.text(key) != key, "there are no words for {key}");
        Self { key, values: Vec::new() }
    }

    /// With a text in the place of `{name}`.
    #[must_use]
    pub fn with(mut self, name: &'static str, text: impl ToString) -> Self {
        self.values.push((name, Value::Text(text.to_string())));
        self
    }

    /// With the words of another key in the place of `{name}`.
    #[must_use]
    pub fn word(mut self, name: &'static str, key: &'static str) -> Self {
        debug_assert!(Language::English.text(key) != key, "there are no words for {key}");
        self.values.push((name, Value::Word(key)));
        self
    }

    /// Its key, for tests and for classes.
    pub fn key(&self) -> &'static str {
        self.key
    }

    /// In a language. A value is put in once, whatever stands in it.
    pub fn say(&self, language: Language) -> String {
        let mut rest = language.text(self.key);
        let mut said = String::with_capacity(rest.len());
        while let Some(start) = rest.find('{') {
            let Some(end) = rest[start..].find('}').map(|end| start + end) else { break };
            said.push_str(&rest[..start]);
            let name = &rest[start + 1..end];
            match self.values.iter().find(|(own, _)| *own == name) {
                Some((_, Value::Text(text))) => said.push_str(text),
                Some((_, Value::Word(key))) => said.push_str(language.text(key)),
                None => said.push_str(&rest[start..=end]),
            }
            rest = &rest[end + 1..];
        }
        said.push_str(rest);
        said
    }
}

/// A moment as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339 in UTC, for machines and for who points at it.
    pub utc: String,
    /// In the organization's zone, which it names.
    pub shown: String,
}

/// States of sign processes, as the contract has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Created,
    Signed,
    Certified,
    Cancelled,
    Expired,
    Failed,
}

impl Status {
    /// In the order of a process' life, its bad ends last.
    pub const ALL: [Self; 6] = [Self::Created, Self::Signed, Self::Certified, Self::Cancelled, Self::Expired, Self::Failed];

    /// In the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Signed => "SIGNED",
            Self::Certified => "CERTIFIED",
            Self::Cancelled => "CANCELLED",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Created => "console.status.created",
            Self::Signed => "console.status.signed",
            Self::Certified => "console.status.certified",
            Self::Cancelled => "console.status.cancelled",
            Self::Expired => "console.status.expired",
            Self::Failed => "console.status.failed",
        }
    }

    /// Its shape in the sprite, and its colour's class.
    pub fn shape(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Signed => "signed",
            Self::Certified => "certified",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

impl Frame {
    /// The words of a key.
    pub(crate) fn t(&self, key: &str) -> Cow<'static, str> {
        self.language.find(key).map_or_else(|| Cow::Owned(key.to_owned()), Cow::Borrowed)
    }

    pub(crate) fn say(&self, phrase: &Phrase) -> String {
        phrase.say(self.language)
    }

    pub(crate) fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// The title of a window: the page, then where it is.
    pub(crate) fn title(&self, page: impl AsRef<str>) -> String {
        let page = page.as_ref();
        let organization = self.organization().map(|organization| format!(" · {}", organization.name)).unwrap_or_default();
        format!("{page}{organization} · Rubrica")
    }

    pub(crate) fn organization(&self) -> Option<&Organization> {
        self.person.as_ref()?.organization.as_ref()
    }

    /// Where the organization's pages are.
    pub(crate) fn here(&self) -> Cow<'_, str> {
        match self.organization() {
            Some(organization) => Cow::Borrowed(&organization.path),
            None => Cow::Owned(format!("{}/console", self.root)),
        }
    }

    /// Where the organization's desk is.
    pub(crate) fn desk(&self) -> String {
        self.organization().map_or_else(|| format!("{}/desk", self.root), Organization::desk)
    }

    /// Whether who is signed in has a role, by its name in tokens.
    pub(crate) fn has(&self, role: &str) -> bool {
        self.person.as_ref().is_some_and(|person| person.roles.contains(&role))
    }

    pub(crate) fn agent_script(&self) -> String {
        format!("{}/pages/{}", self.root, assets::AGENT_JS)
    }

    pub(crate) fn csrf(&self) -> &str {
        self.person.as_ref().map_or("", |person| &person.csrf)
    }

    pub(crate) fn is_overview(&self) -> bool {
        self.is_part(NavPart::Overview)
    }

    pub(crate) fn is_processes(&self) -> bool {
        self.is_part(NavPart::Processes)
    }

    pub(crate) fn is_effects(&self) -> bool {
        self.is_part(NavPart::Effects)
    }

    pub(crate) fn is_settings(&self) -> bool {
        self.is_part(NavPart::Settings)
    }

    pub(crate) fn is_deliveries(&self) -> bool {
        self.is_part(NavPart::Deliveries)
    }

    pub(crate) fn is_certificates(&self) -> bool {
        self.is_part(NavPart::Certificates)
    }

    pub(crate) fn is_server(&self) -> bool {
        self.is_part(NavPart::Server)
    }

    pub(crate) fn is_identifications(&self) -> bool {
        self.is_part(NavPart::Identifications)
    }

    pub(crate) fn is_documents(&self) -> bool {
        self.is_part(NavPart::Documents)
    }

    pub(crate) fn is_templates(&self) -> bool {
        self.is_part(NavPart::Templates)
    }

    pub(crate) fn is_consents(&self) -> bool {
        self.is_part(NavPart::Consents)
    }

    pub(crate) fn is_verification(&self) -> bool {
        self.is_part(NavPart::Verification)
    }

    pub(crate) fn is_part(&self, part: NavPart) -> bool {
        self.person.as_ref().is_some_and(|person| person.part == Some(part))
    }

    pub(crate) fn styles(&self) -> String {
        format!("{}/pages/{}", self.root, assets::CONSOLE_CSS)
    }

    pub(crate) fn script(&self) -> String {
        format!("{}/pages/{}", self.root, assets::CONSOLE_JS)
    }

    pub(crate) fn icon(&self) -> String {
        format!("{}/pages/{}", self.root, assets::ICON_SVG)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_put_in_once_whatever_stands_in_it() {
        let phrase = Phrase::new("console.sign_in.provider").with("provider", "{provider}{x}");
        assert_eq!(phrase.say(Language::English), "Sign in with {provider}{x}");
        let without = Phrase::new("console.sign_in.provider");
        assert!(without.say(Language::Spanish).contains("{provider}"));
    }

    #[test]
    fn every_state_has_a_word_and_a_shape_of_its_own() {
        for language in Language::ALL {
            let words: std::collections::BTreeSet<_> =
                Status::ALL.into_iter().map(|status| language.text(status.key())).collect();
            assert_eq!(words.len(), Status::ALL.len(), "{}", language.tag());
        }
        let sprite = include_str!("../../templates/console/sprite.html");
        for status in Status::ALL {
            assert!(sprite.contains(&format!("id=\"i-{}\"", status.shape())), "{status:?}");
        }
    }
}
